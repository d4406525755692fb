"""What each command does with its arguments; what only some of them need is imported by them alone."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from typing import Any

from autograd_dl.errors import DataError

from .parser import GRAPH_OPTIONS, did_you_mean


def _experiment(arguments: argparse.Namespace) -> None:
    from .experiments import Settings, experiments
    from .run_experiment import listing, make, results

    if arguments.list:
        print(listing())
        return
    if arguments.name is None:
        raise DataError("which experiment? autograd-dl experiment NAME; autograd-dl experiment --list tells them")
    if arguments.name not in experiments():
        near = did_you_mean(arguments.name, experiments())
        raise DataError(f"there is no experiment {arguments.name!r}{near}; autograd-dl experiment --list tells them")
    settings = Settings(arguments.data, arguments.quick, arguments.seed, arguments.weights, arguments.storage)
    picture, table = make(arguments.name, settings, arguments.out)
    for line in results(json.loads(table.read_text())):
        print(line)
    print(f"wrote {picture}\nwrote {table}")


def _train(arguments: argparse.Namespace) -> None:
    from .train import Plan, train

    options: dict[str, Any] = {field.name: getattr(arguments, field.name, None) for field in fields(Plan)}
    plan = Plan(**options)
    arguments.checkpoint = plan.checkpoint
    train(plan)


def _evaluate(arguments: argparse.Namespace) -> None:
    from .evaluate import evaluate

    activation = getattr(arguments, "activation", None)
    evaluate(arguments.model, arguments.weights, arguments.data, activation, arguments.dtype)


def _graph(arguments: argparse.Namespace) -> None:
    from .graphs import GRAPHS, OPTIONS, draw

    chosen = {name: value for name in GRAPH_OPTIONS if (value := getattr(arguments, name)) is not None}
    if chosen.get("values") == "none":
        chosen["values"] = None
    print(draw(GRAPHS[arguments.graph](), arguments.output, **OPTIONS.get(arguments.graph, {}) | chosen))


def _explore(arguments: argparse.Namespace) -> None:
    from visualize import explore

    from .graphs import GRAPHS

    print(f"wrote {explore(GRAPHS[arguments.graph](), arguments.output)}")


def _gallery(arguments: argparse.Namespace) -> None:
    from .gallery import make

    for file in make(arguments.out):
        print(f"wrote {file}")


COMMANDS = {
    "train": _train,
    "evaluate": _evaluate,
    "graph": _graph,
    "explore": _explore,
    "gallery": _gallery,
    "experiment": _experiment,
}

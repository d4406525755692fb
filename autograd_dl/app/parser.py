"""What the command `autograd-dl` takes: its commands, their arguments, and the help for each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import autograd_dl
from autograd_dl.training import OPTIMIZERS

from .recipes import DATA, RECIPES, Recipe
from .schedules import SCHEDULES

_DEFAULT = "default: %(default)s"
FORMULAS = ("apple", "apple-constants", "apple-orange", "chain-rule", "sum-of-products")
"""The graphs that the command draws, beside networks."""
GRAPH_OPTIONS = ("style", "rankdir", "lang", "depth", "values", "constants", "gradients", "expand")
"""The options of a picture of a graph, which `draw_graph` has, too."""
T = TypeVar("T", int, float)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, without the usage that argparse prints before it."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Fail now where --help or --version cannot be printed, not when the interpreter ends."""
        sys.stdout.flush()
        super().exit(status, message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is no choice, and name one that is like it."""
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            near = did_you_mean(str(value), choices)
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}{near} (choose from {', '.join(choices)})")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse here what is unknown: argparse leaves it to the outermost command, whose help says nothing of it."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A word that is known and like the one that was given, whatever its case, for a message; or nothing."""
    return "".join(f" (did you mean {name}?)" for name in get_close_matches(given.lower(), known, 1))


def command_parser() -> argparse.ArgumentParser:
    """The parser of `autograd-dl`: its commands, each with its options."""
    parser = _Parser(prog="autograd-dl", description="The networks and graphs of 'Deep Learning from Scratch'.")
    parser.add_argument("--version", action="version", version=f"autograd-dl {autograd_dl.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    _add_evaluate(commands)
    _add_graph(commands)
    _add_explore(commands)
    _add_gallery(commands)
    _add_experiment(commands)
    return parser


def _add_train(commands: argparse._SubParsersAction[_Parser]) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on handwritten digits",
        description="Train a network on handwritten digits; autograd-dl train MODEL --help tells the options.",
    )
    models = train.add_subparsers(
        title="networks, and how each is trained unless told otherwise", dest="model", required=True, metavar="MODEL"
    )
    for name, recipe in RECIPES.items():
        model = models.add_parser(
            name,
            help=f"{_usual_length(recipe)}, {recipe.optimizer} with lr {recipe.lr}",
            description="Train this network on handwritten digits. Accuracy is measured on all training and test "
            "images before the training, after every epoch (in long trainings after every second, third ..., so that "
            "there are about 50 measurements), and at the end. At each measurement a line is printed, or the bar is "
            "brought up to date; the loss in it is the mean over the last epoch.",
        )
        _add_network(model, recipe)
        _add_length(model, recipe)
        _add_rate(model, recipe)
        _add_seed(model)
        _add_files(model, Path("runs", name))


def _add_evaluate(commands: argparse._SubParsersAction[_Parser]) -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="tell how well given weights read handwritten digits",
        description="Tell how well given weights read the test images: accuracy, loss, and accuracy on each digit.",
    )
    models = evaluate.add_subparsers(dest="model", required=True, metavar="MODEL", help=", ".join(RECIPES))
    for name, recipe in RECIPES.items():
        model = models.add_parser(
            name,
            description=f"Tell how well weights of {name} read the test images: accuracy, loss, each digit's accuracy.",
        )
        model.add_argument(
            "weights", type=Path, metavar="WEIGHTS",
            help=f"a .safetensors or .npz file, such as the one that autograd-dl train {name} has written",
        )  # fmt: skip
        _add_network(model, recipe, given=True)


def _add_network(model: _Parser, recipe: Recipe, given: bool = False) -> None:
    """How the network is; if its weights are given, their file may tell the activation."""
    _add_data(model)
    if recipe.activations:
        usual = recipe.activations[0]
        told = f"default: the one it was trained with, if WEIGHTS tells, or else {usual}" if given else _DEFAULT
        model.add_argument("--activation", choices=recipe.activations, default=None if given else usual, help=told)
    model.add_argument("--dtype", choices=["float16", "float32", "float64"], default="float32", help=_DEFAULT)


def _add_length(model: _Parser, recipe: Recipe) -> None:
    length = model.add_mutually_exclusive_group()
    _add_count(length, "--iterations", help=f"how many batches (default: {_usual_length(recipe)})")
    _add_count(length, "--epochs", help="how many epochs, instead: in each, as many images are drawn as there are")
    _add_count(model, "--batch-size", default=recipe.batch_size, help=_DEFAULT)


def _add_rate(model: _Parser, recipe: Recipe) -> None:
    names = [name.lower() for name in OPTIMIZERS]
    kinds = "; ".join(f"{name}: {schedule.__doc__}" for name, schedule in SCHEDULES.items())
    model.add_argument("--optimizer", type=str.lower, choices=names, default=recipe.optimizer, help=_DEFAULT)
    model.add_argument(
        "--lr", type=_within(float, 0, 10**9), metavar="RATE",
        help=f"default: {recipe.lr} for {recipe.optimizer}; for others 0.001 (adam, adamw), 1 (adadelta) or 0.01",
    )  # fmt: skip
    model.add_argument(
        "--schedule", choices=SCHEDULES, default="constant", help=f"of the learning rate ({kinds}; {_DEFAULT})"
    )


def _add_files(model: _Parser, out: Path) -> None:
    _add_out(model, out)
    _add_count(
        model, "--checkpoint-every",
        help="save what it takes to go on, into DIR/checkpoint.safetensors, after every N batches and at the end",
    )  # fmt: skip
    model.add_argument(
        "--resume", action="store_true",
        help="go on from DIR/checkpoint.safetensors, and save there after every epoch, or as --checkpoint-every says",
    )  # fmt: skip


def _add_data(parser: _Parser) -> None:
    parser.add_argument("--data", choices=DATA, default="subset", help=f"which digits ({_DEFAULT})")


def _add_seed(parser: _Parser) -> None:
    parser.add_argument("--seed", type=_within(int, 0, 2**64 - 1), default=0, metavar="N", help=_DEFAULT)


def _add_out(parser: _Parser, folder: Path) -> None:
    parser.add_argument("--out", type=Path, default=folder, metavar="DIR", help=f"where files go ({_DEFAULT})")


def _add_count(parser: argparse._ActionsContainer, name: str, **options: Any) -> None:
    parser.add_argument(name, type=_within(int, 1, 10**9), metavar="N", **options)


def _usual_length(recipe: Recipe) -> str:
    return f"{recipe.iterations:,} batches" if recipe.iterations else f"{recipe.epochs} epochs"


def _add_graph(commands: argparse._SubParsersAction[_Parser]) -> None:
    graph = commands.add_parser(
        "graph",
        help="draw a computation graph",
        description="Draw a computation graph: a purchase or a formula of the book, or an untrained network's loss.",
    )
    _add_drawn(graph, "an .svg, .png, .pdf or .dot")
    graph.add_argument(
        "--style", choices=["book", "ops", "layers", "backward"], default="book",
        help="as the book, with shapes and dtypes, by layers, or the computation of gradients (%(default)s)",
    )  # fmt: skip
    graph.add_argument(
        "--rankdir", type=str.upper, choices=["LR", "TB"], default="LR",
        help="from left to right, or from top to bottom, which suits a deep network on a page (%(default)s)",
    )  # fmt: skip
    graph.add_argument("--lang", choices=["ja", "en"], help="the language of names")
    graph.add_argument(
        "--values", choices=["auto", "full", "symbols", "none"],
        help="what stands on the lines: numbers and shapes, whole arrays too, symbols, or nothing",
    )  # fmt: skip
    graph.add_argument(
        "--constants",
        choices=["inputs", "inside"],
        help="whether a constant has a place of its own, or stands in its op",
    )
    graph.add_argument(
        "--no-gradients", dest="gradients", action="store_false", default=None, help="draw the way forward alone"
    )
    graph.add_argument("--expand", action="store_true", help="draw fused ops, as softmax with loss, in their parts")
    _add_count(graph, "--depth", help="how many scopes within each other are open")


def _add_explore(commands: argparse._SubParsersAction[_Parser]) -> None:
    page = commands.add_parser(
        "explore",
        help="make a page that steps through a graph, forward and backward",
        description="Make a page that steps through a graph in a browser, forward and then backward. The language is "
        "chosen on the page.",
    )
    _add_drawn(page, "an .html file")


def _add_drawn(parser: _Parser, file: str) -> None:
    """Which graph, and which file it goes to."""
    names = [*FORMULAS, *RECIPES]
    parser.add_argument("graph", choices=names, metavar="GRAPH", help=", ".join(names))
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help=file)


def _add_gallery(commands: argparse._SubParsersAction[_Parser]) -> None:
    page = commands.add_parser(
        "gallery", help="make the gallery: the book's figures, each beside the line that made it"
    )
    _add_out(page, Path("runs", "gallery"))


def _add_experiment(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = commands.add_parser(
        "experiment",
        help="make one of the book's experiments",
        description="Make one of the book's experiments, with the book's settings: a figure and its numbers. "
        "An option that an experiment does not take is refused; all of them take --quick.",
    )
    made.add_argument("name", nargs="?", metavar="NAME", help="which; --list tells them")
    made.add_argument("--list", action="store_true", help="tell all experiments")
    _add_data(made)
    made.add_argument("--quick", action="store_true", help="in seconds, with less of everything")
    _add_seed(made)
    made.add_argument("--weights", type=Path, metavar="FILE", help="weights of the network, where one is looked at")
    made.add_argument("--storage", type=Path, metavar="FILE", help="a journal of trials, to be resumed or shared")
    _add_out(made, Path("runs", "experiments"))


def _within(kind: Callable[[str], T], least: int, most: int) -> Callable[[str], T]:
    """A number of that kind, from `least` to `most`."""

    def number(text: str) -> T:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}, not {text}")
        return value

    number.__name__ = kind.__name__  # what argparse calls it where `kind` fails
    return number

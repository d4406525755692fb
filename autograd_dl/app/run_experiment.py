"""The command's way to make an experiment: run it, and write its figure and its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograd_dl.errors import DataError
from autograd_dl.optional import need
from autograd_dl.parallel import workers

from .experiments import OPTIONS, Experiment, Settings, experiments
from .files import refuse_unwritable, write_figure, write_json

MOST_IN_A_ROW = 4
"""A row of no more numbers is shown whole."""


def listing() -> str:
    """All experiments in a line each: section, name, what it shows."""
    rows = experiments().values()
    sections, names = (max(len(getattr(row, part)) for row in rows) for part in ("section", "name"))
    return "\n".join(f"{row.section:<{sections}}  {row.name:<{names}}  {row.shows}" for row in rows)


def make(name: str, settings: Settings, out: Path) -> list[Path]:
    """Make an experiment; returns the files that were written into the folder `out`: NAME.png and NAME.json."""
    need("matplotlib", "viz")
    experiment = experiments()[name]
    _refuse_unused(experiment, settings)
    refuse_unwritable(out, f"{name}.png", f"{name}.json")
    with workers():
        numbers, figure = experiment.run(settings)
    table = write_json(out / f"{name}.json", {"settings": _settings(experiment, settings), **numbers}, indent=1)
    return [write_figure(out / f"{name}.png", figure), table]


def results(told: Mapping[str, Any], name: str = "") -> list[str]:
    """The results in an experiment's JSON that fit on a line: single numbers, short rows, the last of accuracies."""
    over_time = "epoch" in told
    numbers = {key: text for key, value in told.items() if (text := _in_short(key, value, over_time))}
    groups = {key: value for key, value in told.items() if isinstance(value, dict) and key != "settings"}
    if name and numbers:
        lines = [f"{name}: {', '.join(f'{key} {number}' for key, number in numbers.items())}"]
    else:
        lines = [f"{key}: {number}" for key, number in numbers.items()]
    return lines + [line for key, group in groups.items() for line in results(group, f"{name}, {key}" if name else key)]


def _in_short(key: str, value: Any, over_time: bool) -> str:
    """A number, a short row of numbers, or the end of an accuracy over time; nothing of what is longer."""
    if isinstance(value, (int, float)):
        return _rounded(value)
    if not isinstance(value, list) or not value or not all(isinstance(v, (int, float)) for v in value):
        return ""
    if key.endswith("_accuracy"):
        return f"{_rounded(value[-1])} at the end"
    return "" if over_time or len(value) > MOST_IN_A_ROW else f"[{' '.join(map(_rounded, value))}]"


def _rounded(number: float) -> str:
    """To four digits, or to a whole number."""
    if isinstance(number, bool):
        return str(number).lower()
    return f"{number:.4g}" if isinstance(number, float) and abs(number) < 1e4 else f"{number:,.0f}"


def _settings(experiment: Experiment, settings: Settings) -> dict[str, Any]:
    """What the numbers depend on, of what was asked for."""
    names = "quick", *experiment.takes
    given = {name: getattr(settings, name) for name in names if getattr(settings, name) is not None}
    return {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}


def _refuse_unused(experiment: Experiment, settings: Settings) -> None:
    reasons = {"data": ": it reads no digits", "seed": ": it draws no random numbers"}
    for option in OPTIONS:
        if getattr(settings, option) != getattr(Settings(), option) and option not in experiment.takes:
            takers = ", ".join(row.name for row in experiments().values() if option in row.takes)
            reason = reasons.get(option, f"; these do: {takers}")
            raise DataError(f"the experiment {experiment.name} takes no --{option}{reason}")

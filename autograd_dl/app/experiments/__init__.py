"""The book's experiments: each makes a figure and numbers, with the book's settings, or in seconds where asked to.

An experiment is a function of its `Settings` that returns an `Outcome`; `@experiment` enters it under a name.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from autograd_dl.data import load_mnist
from autograd_dl.data.batches import Split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """How an experiment is to be made.

    `data` is "subset" or "mnist"; `quick` asks for as little of everything as still shows the point; `weights` is a
    file with the weights of a network, and `storage` one in which trials are kept, where the experiment takes one.
    """

    data: str = "subset"
    quick: bool = False
    seed: int = 0
    weights: Path | None = None
    storage: Path | None = None

    def few(self, usual: T, quick: T) -> T:
        """The usual number, or the one for those in a hurry."""
        return quick if self.quick else usual

    def mnist(self, flatten: bool = True) -> tuple[Split, Split]:
        """(training images, labels), (test images, labels); the first 1,000 and 200 of them if it is to be quick."""
        train, test = load_mnist(flatten=flatten, subset=self.data == "subset")
        if self.quick:
            return (train[0][:1000], train[1][:1000]), (test[0][:200], test[1][:200])
        return train, test

    def rng(self, *stream: int) -> np.random.Generator:
        """A generator of its own for each purpose."""
        return np.random.default_rng([self.seed, *stream])


class Outcome(NamedTuple):
    """What an experiment made: numbers (of what JSON knows), and the figure that shows them."""

    numbers: dict[str, Any]
    figure: Figure


Run = Callable[[Settings], Outcome]


class Experiment(NamedTuple):
    """An experiment: its name, the section of the book, what it shows in a line, the function, and its own options."""

    name: str
    section: str
    shows: str
    run: Run
    takes: tuple[str, ...]


_FOUND: dict[str, Experiment] = {}
CHAPTERS = ("chapter2", "chapter3", "chapter4", "chapter5", "chapter6", "chapter7", "chapter8")
"""The modules that hold the experiments."""


LEARNS = ("data", "seed")
"""The options of an experiment that reads digits and draws random numbers."""
OPTIONS = (*LEARNS, "weights", "storage")
"""The settings that only some experiments take."""


def experiment(name: str, section: str, takes: tuple[str, ...] = LEARNS) -> Callable[[Run], Run]:
    """Enter a function as the experiment of that name; the first line of its docstring tells what it shows."""
    assert set(takes) <= set(OPTIONS), f"{name} takes {takes}"

    def enter(run: Run) -> Run:
        assert name not in _FOUND, f"there are two experiments {name}"
        shows = (run.__doc__ or "").partition("\n")[0]
        _FOUND[name] = Experiment(name, section, shows, run, takes)
        return run

    return enter


@functools.cache
def experiments() -> dict[str, Experiment]:
    """All experiments, in the order of the book."""
    for chapter in CHAPTERS:
        importlib.import_module(f".{chapter}", __name__)
    return _FOUND

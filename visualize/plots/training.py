"""Plots of trainings: one, several compared, and grids of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.errors import DataError

from .canvas import (
    BLUE,
    LIGHT,
    RED,
    axes_or_new,
    figure_or_new,
    not_finite,
    numbers,
    readable,
    refuse_empty,
    refuse_lengths,
    rows_for,
    style,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

Curves = Mapping[str, Any]
"""Sequences of numbers, by name."""
WINDOW = 100
"""Batches over which the loss is averaged, of a training of ten times as many steps or more."""


@readable
def history(history: Curves, *, figure: FigureBase | None = None) -> Any:
    """Loss and accuracy over a training, side by side.

    The loss is that of each batch, and the mean of the batches around each: a tenth of all, and 100 at most.

    Parameters
    ----------
    history : mapping
        As `Trainer.history`: `loss`, one number an iteration (None where it was none); `train_accuracy` and
        `test_accuracy`, from 0 to 1, measured after as many epochs as `epoch` says.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw.

    Returns
    -------
    matplotlib Figure or SubFigure, to be saved or shown

    Raises
    ------
    DataError
        If one of the four is missing.
    ShapeError
        If the accuracies are not as many as the epochs.
    """
    figure = figure_or_new(figure, 10, 4)
    _check_history("the history", history, ("loss", "train_accuracy", "test_accuracy"))
    left, right = figure.subplots(1, 2)
    loss = numbers(history["loss"], "loss")
    window = _window(loss)
    look = {"color": BLUE} if window == 1 else {"color": LIGHT, "linewidth": 0.5}
    _line(left, range(len(loss)), loss, "each batch", **look)
    if window > 1:
        left.plot(_running_mean(history["loss"], window), color=BLUE, label=_mean_of(window))
    left.axhline(0, color="black", linewidth=0.8)
    left.set(xlabel="iteration", ylabel="loss")
    right.set(xlabel="epoch", ylabel="accuracy")
    for key, name, color, dashes in (
        ("train_accuracy", "training images", BLUE, "-"),
        ("test_accuracy", "test images", RED, "--"),
    ):
        _line(right, history["epoch"], numbers(history[key], key), name, color=color, linestyle=dashes)
    for axes in (left, right):
        _finish(axes)
    return figure


@readable
def runs(histories: Mapping[str, Curves], *, figure: FigureBase | None = None) -> Any:
    """Several trainings compared: the loss of each, averaged as the axis says, and its test accuracy.

    `histories` has for each name a history as `history` takes it. The mean of the loss is of as many batches for all: a
    tenth of those of the shortest training, and 100 at most. Returns the figure.
    """
    figure = figure_or_new(figure, 10, 4)
    refuse_empty(histories, "histories")
    left, right = figure.subplots(1, 2)
    for name, one in histories.items():
        _check_history(f"the history of {name}", one, ("loss", "test_accuracy"))
    window = min(_window(one["loss"]) for one in histories.values())
    for k, (name, one) in enumerate(histories.items()):
        loss = numbers(_running_mean(one["loss"], window), f"the loss of {name}")
        _line(left, range(len(loss)), loss, name, **style(k))
        _line(right, one["epoch"], numbers(one["test_accuracy"], f"test_accuracy of {name}"), name, **style(k))
    left.set(xlabel="iteration", ylabel=f"loss ({_mean_of(window)})" if window > 1 else "loss")
    right.set(xlabel="epoch", ylabel="test accuracy")
    _finish(left)
    _finish(right)
    return figure


@readable
def curves(curves: Curves, *, start: int = 0, legend: bool = True, ax: Axes | None = None) -> Any:
    """A line for each name: its numbers one after the other, the first of them at x = `start`.

    What is NaN, infinite or None leaves a gap, and the legend tells of it. Returns the axes.
    """
    ax = axes_or_new(ax)
    refuse_empty(curves, "curves")
    for k, (name, values) in enumerate(curves.items()):
        found = numbers(values, str(name))
        _line(ax, range(start, start + len(found)), found, name, **style(k))
    _finish(ax, legend)
    return ax


@readable
def curve_grid(
    panels: Mapping[str, Curves],
    *,
    start: int = 0,
    columns: int = 4,
    labels: tuple[str, str] = ("epoch", "accuracy"),
    figure: FigureBase | None = None,
) -> Any:
    """Curves in small plots side by side, all on the same scale; the first has the legend.

    `panels` has for each title what `curves` takes; `labels` are those of the two axes. Returns the figure.
    """
    refuse_empty(panels, "panels")
    columns = min(columns, len(panels))
    rows = rows_for(len(panels), columns)
    figure = figure_or_new(figure, max(5, 2.8 * columns), max(3.5, 1 + 2.3 * rows))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    for place, ((title, lines), ax) in enumerate(zip(panels.items(), grid, strict=False)):
        curves(lines, start=start, legend=not place, ax=ax)
        ax.set_title(words(title), fontsize=10)
        ax.set_ylabel(labels[1])
        ax.label_outer()
        if place + columns >= len(panels):
            ax.set_xlabel(labels[0])
            ax.tick_params(labelbottom=True)
    for ax in grid:
        ax.set_axis_off()
    return figure


@readable
def overfitting(histories: Mapping[str, Curves], *, figure: FigureBase | None = None) -> Any:
    """Training and test accuracy of several trainings side by side: without and with weight decay or dropout, say.

    `histories` has for each title a history as `history` takes it. The gap between the two lines at the end, which is
    what overfitting is, stands in the title. Returns the figure.
    """
    panels = {}
    for title, one in histories.items():
        _check_history(f"the history of {title}", one, ("train_accuracy", "test_accuracy"))
        train, test = one["train_accuracy"], one["test_accuracy"]
        gap = f": gap {train[-1] - test[-1]:.3f}" if len(train) else ": not measured"
        panels[f"{title}{gap}"] = {"training images": train, "test images": test}
    return curve_grid(panels, columns=3, labels=("measurement", "accuracy"), figure=figure)


def _line(ax: Axes, x: Sequence[Any], y: NDArray[np.float64], name: str, **look: Any) -> None:
    """A line that tells how many of its numbers it has not; a single number is a dot."""
    ax.plot(x, y, marker="o" if len(y) < 2 else "", label=not_finite(name, y), **look)


def _finish(ax: Axes, legend: bool = True) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(alpha=0.3)
    if legend:
        ax.legend()


def _check_history(what: str, history: Curves, keys: tuple[str, ...]) -> None:
    missing = [key for key in (*keys, "epoch") if key not in history]
    if missing:
        raise DataError(f"{what} has no {', '.join(map(repr, missing))}: it has what Trainer.history has")
    refuse_lengths({f"of {key!r}": len(history[key]) for key in (*keys, "epoch") if key != "loss"})


def _window(losses: Sized) -> int:
    """Over how many batches the loss is averaged: so many that the mean keeps up with a short training, too."""
    return max(1, min(WINDOW, len(losses) // 10))


def _mean_of(window: int) -> str:
    return f"mean of {window} batches"


def _running_mean(values: Sequence[Any], window: int) -> list[float]:
    """The mean of the `window` values around each; at both ends, of as many as there are."""
    floats = [float("nan") if value is None else float(value) for value in values]
    before = window // 2
    windows = (floats[max(0, i - before) : i - before + window] for i in range(len(floats)))
    return [sum(w) / len(w) for w in windows]  # each from its own values: a NaN, or 1e20, leaves with the window


plot_history = history
"""The name by which `visualize` has it."""

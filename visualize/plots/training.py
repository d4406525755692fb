"""Plots of trainings: one, several compared, and grids of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.errors import DataError

from .canvas import (
    BLUE,
    INSIDE,
    LIGHT,
    LISTED,
    RED,
    SMALL,
    axes_or_new,
    check_columns,
    check_lengths,
    check_mapping,
    figure_or_new,
    length,
    listed,
    name_beside,
    name_lines,
    not_finite,
    numbers,
    readable,
    refuse_empty,
    style,
    whole_numbers,
    width,
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
    epochs = numbers(history["epoch"], "epoch")
    look = {"color": BLUE} if window == 1 else {"color": LIGHT, "linewidth": 0.5}
    _line(left, range(len(loss)), loss, not_finite("each batch", loss), **look)
    if window > 1:
        mean = _running_mean(loss, window)
        left.plot(mean, color=BLUE, label=_mean_of(window), **_dots(mean))
    left.axhline(0, color="black", linewidth=0.8)
    left.set(xlabel="iteration", ylabel="loss")
    right.set(xlabel="epoch", ylabel="accuracy")
    for key, name, color, dashes in (
        ("train_accuracy", "training images", BLUE, "-"),
        ("test_accuracy", "test images", RED, "--"),
    ):
        accuracy = numbers(history[key], key)
        _line(right, epochs, accuracy, not_finite(name, accuracy), color=color, linestyle=dashes)
    for axes in (left, right):
        _finish(axes)
    return figure


@readable
def runs(histories: Mapping[str, Curves], *, figure: FigureBase | None = None) -> Any:
    """Several trainings compared: the loss of each, averaged as the axis says, and its test accuracy.

    `histories` has for each name a history as `history` takes it. The mean of the loss is of as many batches for all: a
    tenth of those of the shortest training, and 100 at most. One legend names them, beside the axes: 20 lines of it at
    most. Returns the figure.
    """
    _check_histories(histories, ("loss", "test_accuracy"))
    losses, epochs, accuracies = (
        [numbers(one[key], f"{key} of {name}") for name, one in histories.items()]
        for key in ("loss", "epoch", "test_accuracy")
    )
    names = list(map(not_finite, histories, map(np.append, losses, accuracies)))
    figure = figure_or_new(figure, 10.6 + max(width(name, SMALL) for name in names[:LISTED]) / 72, 4)
    left, right = figure.subplots(1, 2)
    window = min(map(_window, losses))
    for k, name in enumerate(names):
        loss = _running_mean(losses[k], window)
        _line(left, range(len(loss)), loss, name, **style(k))
        _line(right, epochs[k], accuracies[k], name, **style(k))
    left.set(xlabel="iteration", ylabel=f"loss ({_mean_of(window)})" if window > 1 else "loss")
    right.set(xlabel="epoch", ylabel="test accuracy")
    _finish(left, legend=False)
    _finish(right, legend=False)
    _name_all(figure, right, left.get_lines(), names)
    return figure


@readable
def curves(curves: Curves, *, start: int = 0, legend: bool = True, ax: Axes | None = None) -> Any:
    """A line for each name: its numbers one after the other, the first of them at x = `start`.

    What is NaN, infinite or None leaves a gap, and the legend tells of it. Returns the axes.
    """
    ax = axes_or_new(ax)
    check_mapping(curves, "curves", '{"loss": numbers}')
    refuse_empty(curves, "curves")
    for k, (name, values) in enumerate(curves.items()):
        found = numbers(values, str(name))
        _line(ax, range(start, start + len(found)), found, not_finite(name, found), **style(k))
    _finish(ax, legend, start)
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
    """Curves in small plots side by side, all on the same scale; the first has the legend, if it is a short one.

    `panels` has for each title what `curves` takes; `labels` are those of the two axes. Returns the figure.
    """
    _check_panels(panels)
    check_columns(columns)
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = figure_or_new(figure, max(5, 2.8 * columns), max(3.5, 1 + 2.3 * rows))
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    grid = axes.flat
    for place, ((title, lines), ax) in enumerate(zip(panels.items(), grid, strict=False)):
        curves(lines, start=start, legend=not place and len(lines) <= INSIDE, ax=ax)
        ax.set_title(words(title), fontsize=10)
        ax.set_ylabel(labels[1])
        ax.label_outer()
        if place + columns >= len(panels):
            ax.set_xlabel(labels[0])
            ax.tick_params(labelbottom=True)
    for ax in grid:
        ax.set_axis_off()
    _name_many(figure, list(axes.flat))
    return figure


@readable
def overfitting(histories: Mapping[str, Curves], *, figure: FigureBase | None = None) -> Any:
    """Training and test accuracy of several trainings side by side: without and with weight decay or dropout, say.

    `histories` has for each title a history as `history` takes it. The gap between the two lines at the end, which is
    what overfitting is, stands in the title. Returns the figure.
    """
    _check_histories(histories, ("train_accuracy", "test_accuracy"))
    panels = {}
    for title, one in histories.items():
        train, test = (numbers(one[key], f"{key} of {title}") for key in ("train_accuracy", "test_accuracy"))
        gap = train[-1] - test[-1] if len(train) else np.nan
        told = f"gap {gap:.3f}" if np.isfinite(gap) else "not measured"
        panels[f"{title}: {told}"] = {"training images": train, "test images": test}
    return curve_grid(panels, columns=3, labels=("measurement", "accuracy"), figure=figure)


def _name_many(figure: Any, axes: list[Any]) -> None:
    """A legend beside all plots of a grid, if there are too many lines for one inside the first."""
    handles, names = max((ax.get_legend_handles_labels() for ax in axes), key=lambda found: len(found[1]))
    if len(names) > INSIDE:
        _name_all(figure, axes[-1], handles, names)


def _name_all(figure: Any, ax: Axes, handles: list[Any], names: list[str]) -> None:
    """A legend beside all plots, where the figure's layout makes room for it; else beside the last of them."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        figure.legend(**listed(handles, names), loc="outside right upper")
    else:
        name_beside(ax, handles, names)


def _line(ax: Axes, x: Any, y: NDArray[np.float64], label: str, **look: Any) -> None:
    """A line whose x is in view where y is not finite, too."""
    ax.plot(x, y, label=label, **_dots(y), **look)
    ax.update_datalim(np.column_stack([x, x]), updatey=False)


def _dots(y: NDArray[np.float64]) -> dict[str, Any]:
    """Markers for the numbers that stand alone, which no line leads to."""
    known = np.isfinite(np.pad(y, 1, constant_values=np.nan))
    alone = np.flatnonzero(known[1:-1] & ~known[:-2] & ~known[2:]).tolist()
    return {"marker": "o", "markevery": alone} if alone else {"marker": ""}


def _finish(ax: Axes, legend: bool = True, start: int = 0) -> None:
    whole_numbers(ax, start)
    ax.grid(alpha=0.3)
    if legend:
        name_lines(ax)


def _check_panels(panels: Any) -> None:
    check_mapping(panels, "panels", '{"a title": {"loss": numbers}}')
    refuse_empty(panels, "panels")
    for title, lines in panels.items():
        check_mapping(lines, f"the panel {title}", '{"loss": numbers}')


def _check_histories(histories: Any, keys: tuple[str, ...]) -> None:
    check_mapping(histories, "histories", '{"SGD": trainer.history}')
    refuse_empty(histories, "histories")
    for name, one in histories.items():
        _check_history(f"the history of {name}", one, keys)


def _check_history(what: str, history: Any, keys: tuple[str, ...]) -> None:
    check_mapping(history, what, "trainer.history")
    keys = (*keys, "epoch")
    missing = [key for key in keys if key not in history]
    if missing:
        raise DataError(f"{what} has no {', '.join(map(repr, missing))}: it has what Trainer.history has")
    for key in keys:
        length(history[key], f"{key!r} of {what}")
    check_lengths({f"of {key!r}": history[key] for key in keys if key != "loss"})


def _window(losses: NDArray[np.float64]) -> int:
    """Over how many batches the loss is averaged: so many that the mean keeps up with a short training, too."""
    return max(1, min(WINDOW, len(losses) // 10))


def _mean_of(window: int) -> str:
    return f"mean of {window} batches"


def _running_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """The mean of the `window` values around each; at both ends, of as many as there are."""
    floats, before = values.tolist(), window // 2
    windows = (floats[max(0, i - before) : i - before + window] for i in range(len(floats)))
    means = [sum(w) / len(w) for w in windows]  # each from its own values: a NaN, or 1e20, leaves with the window
    return np.array(means)


plot_history = history
"""The name by which `visualize` has it."""

"""Plots of a search for hyper-parameters: what was tried and how good it was, and which parameter mattered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.errors import DataError

from .canvas import (
    BLUE,
    GREY,
    RED,
    SHORT,
    axes_or_new,
    check_mappings,
    figure_or_new,
    numbers,
    readable,
    refuse_empty,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

Trials = Sequence[Mapping[str, Any]]
GROUPS = 5
"""Into how many groups of equal size the values of a parameter are put."""
SPREAD = 100
"""The largest value over the smallest, from which a parameter has a logarithmic scale."""


@readable
def search_grid(trials: Trials, score: str = "accuracy", *, figure: FigureBase | None = None) -> Any:
    """Every pair of hyper-parameters: a dot for each trial, the better the darker, the best a star.

    Where there is one parameter alone, its values stand against the score. Trials whose score is None or not finite are
    crosses.

    Parameters
    ----------
    trials : sequence of mappings
        Of each trial all parameters by name, and its score: the higher, the better.
    score : str
        The name of the score.
    figure : matplotlib Figure or SubFigure, optional

    Returns
    -------
    matplotlib Figure or SubFigure

    Raises
    ------
    DataError
        If there is no trial or no parameter, or a trial lacks what the first one has.
    """
    scores, values = _table(trials, score)
    names = list(values)
    if not np.isfinite(scores).any():
        raise DataError(f"there is no trial whose {score} is a number")
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]] or [(names[0], score)]
    columns = min(3, len(pairs))
    rows = math.ceil(len(pairs) / columns)
    figure = figure_or_new(figure, max(6, 4.2 * columns), 0.5 + 3.8 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    places = values | {score: scores}
    for (a, b), ax in zip(pairs, grid.flat, strict=False):
        dots, crosses = _scatter(ax, places[a], places[b], scores)
        _axis(ax, "x", a, places[a])
        _axis(ax, "y", b, places[b])
    for ax in list(grid.flat)[len(pairs) :]:
        ax.set_axis_off()
    if crosses:
        grid.flat[0].legend(handles=crosses)
    best = int(np.nanargmax(scores))
    figure.colorbar(dots, ax=list(grid.flat), label=words(score))
    setting = ", ".join(f"{words(name, SHORT)} {_short(trials[best][name])}" for name in names)
    figure.suptitle(f"★ best of {len(scores)}: {words(score)} {scores[best]:.4g} with {setting}", fontsize=10)
    return figure


@readable
def importance(trials: Trials, score: str = "accuracy", *, ax: Axes | None = None) -> Any:
    """Which hyper-parameters the score depends on: bars of `importances`. Returns the axes."""
    shares = importances(trials, score)
    scores, _ = _table(trials, score)
    ax = axes_or_new(ax, 7, 1.4 + 0.4 * len(shares))
    ranked = sorted(shares.items(), key=lambda item: item[1])
    bars = ax.barh([words(name, SHORT) for name, _ in ranked], [share for _, share in ranked], color=BLUE)
    ax.bar_label(bars, [f"{share:.0%}" for _, share in ranked], padding=3)
    used = int(np.isfinite(scores).sum())
    left_out = f", {len(scores) - used} without a number left out" if used < len(scores) else ""
    ax.set(
        xlim=(0, 1.12), xlabel=f"share of the variance of {words(score)} that a parameter explains alone",
        ylabel="parameter", title=f"{used} trials{left_out}",
    )  # fmt: skip
    return ax


def importances(trials: Trials, score: str = "accuracy") -> dict[str, float]:
    """The share of the score's variance that each hyper-parameter explains alone, from 0 to 1.

    It is the correlation ratio: the trials are put into groups of equal size by the parameter (a parameter of few
    values, or of names, into one group for each), and what the group's mean explains is compared with all variance.
    That finds a best value in the middle too, which a correlation does not, and needs no scale to be chosen. Chance
    alone explains some; it is taken off, as in Kelley's adjusted form. How parameters act together is not seen: shares
    need not add up to 1.

    Source: T. L. Kelley, "An unbiased correlation ratio measure", PNAS 21 (1935), 554-559.

    Raises
    ------
    DataError
        If there are fewer than 10 trials with a score, or what `search_grid` raises it for.

    >>> trials = [{"lr": i % 10, "seed": i // 10, "accuracy": -((i % 10 - 5) ** 2)} for i in range(100)]
    >>> importances(trials)
    {'lr': 1.0, 'seed': 0.0}
    """
    scores, values = _table(trials, score)
    known = np.isfinite(scores)
    if known.sum() < 2 * GROUPS:
        needed = f"{2 * GROUPS} trials whose {score} is a number"
        raise DataError(f"importance needs {needed}, and there are {int(known.sum())}")
    return {name: _explained(scores[known], _grouped(found[known])) for name, found in values.items()}


def _explained(scores: NDArray[Any], groups: NDArray[Any]) -> float:
    whole = float(np.var(scores, ddof=1))
    kinds = np.unique(groups)
    if len(kinds) < 2 or len(kinds) == len(scores) or not whole:
        return 0.0
    within = sum(float(((part := scores[groups == k]) - part.mean()) @ (part - part.mean())) for k in kinds)
    return max(0.0, 1 - within / (len(scores) - len(kinds)) / whole)


def _grouped(values: NDArray[Any]) -> NDArray[Any]:
    """The number of each value's group."""
    kinds, numbers = np.unique(values, return_inverse=True)
    if values.dtype.kind != "f" or len(kinds) <= 2 * GROUPS:
        return numbers
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return ranks * GROUPS // len(values)


def _table(trials: Trials, score: str) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
    """The scores, and the values of each parameter: numbers, or names where one of them is no number."""
    check_mappings(trials, "trials", "trial", f'{{"lr": 0.1, "{score}": 0.9}}')
    names = [name for name in trials[0] if name != score]
    for k, trial in enumerate(trials):
        missing = {score, *names} - trial.keys()
        if missing:
            raise DataError(f"trial {k} has no {', '.join(map(repr, sorted(missing)))}")
    refuse_empty(names, "the first trial, but for its score,")
    return numbers([t[score] for t in trials], score), {name: _column([t[name] for t in trials]) for name in names}


def _column(values: Sequence[Any]) -> NDArray[Any]:
    if all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) and math.isfinite(v) for v in values):
        return np.array(values, dtype=float)
    return np.array([_short(v) for v in values], dtype=np.str_)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, (float, np.floating)) else words(value, SHORT)


def _scatter(ax: Axes, x: NDArray[Any], y: NDArray[Any], scores: NDArray[Any]) -> tuple[Any, list[Any]]:
    """The dots, a better one over a worse, and the crosses of trials without a score, if any."""
    order = np.argsort(scores)  # NaN comes last
    order, lost = order[: int(np.isfinite(scores).sum())], np.flatnonzero(np.isnan(scores))
    x, y = (_places(along) for along in (x, y))
    dots = ax.scatter(x[order], y[order], c=scores[order], cmap="viridis_r", edgecolors=GREY, linewidths=0.5)
    ax.plot(x[order[-1]], y[order[-1]], "*", color=RED, markersize=16, markeredgecolor="white")
    crosses = ax.plot(x[lost], y[lost], "x", color=GREY, label=f"no score ({len(lost)})") if len(lost) else []
    ax.grid(alpha=0.3)
    return dots, crosses


def _places(values: NDArray[Any]) -> NDArray[Any]:
    """Where on an axis values stand: names, one after the other."""
    return values if values.dtype.kind == "f" else np.unique(values, return_inverse=True)[1].astype(float)


def _axis(ax: Axes, along: str, name: str, values: NDArray[Any]) -> None:
    ax.set(**{f"{along}label": words(name)})
    if values.dtype.kind != "f":
        kinds = [str(kind) for kind in np.unique(values)]
        ax.set(**{f"{along}ticks": range(len(kinds)), f"{along}ticklabels": kinds})
    elif np.nanmin(values) > 0 and np.nanmax(values) / np.nanmin(values) >= SPREAD:
        ax.set(**{f"{along}scale": "log"})

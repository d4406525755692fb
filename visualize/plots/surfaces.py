"""Plots of a function of two numbers: the ways of optimizers over its contours, and its gradients as arrows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl import Tensor, gradients
from autograd_dl.errors import DataError, ShapeError

from .canvas import (
    GREY,
    LIGHT,
    array,
    axes_or_new,
    check_function,
    check_mapping,
    name_lines,
    readable,
    refuse_empty,
    style,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Surface = Callable[[Any, Any], Any]
"""A function of two numbers, written in NumPy, so that it takes arrays and Tensors of them too."""
Limits = tuple[tuple[float, float], tuple[float, float]]
FINE, COARSE = 200, 18
"""Points along each axis for contours, and for arrows."""


@readable
def paths(
    f: Surface,
    paths: Mapping[str, Any],
    *,
    limits: Limits | None = None,
    levels: Sequence[float] | int = 10,
    ax: Axes | None = None,
) -> Any:
    """The ways that optimizers go over the contours of a function.

    Parameters
    ----------
    f : function of two arrays, x and y
    paths : mapping
        For each name the points of a way, one after the other: (steps + 1, 2). A way that diverges ends with its last
        finite point, and the legend tells after how many steps.
    limits : ((x from, to), (y from, to)), optional
        What is drawn; as much as all points need, if left out.
    levels : values of f for the contours, or how many
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    DataError
        If there is no finite point, or limits or levels are none.
    ShapeError
        If a way has another shape, or f does not make one number of each point.
    """
    check_mapping(paths, "paths", '{"SGD": points}')
    refuse_empty(paths, "paths")
    found = {name: _points(points, name) for name, points in paths.items()}
    ax = axes_or_new(ax)
    limits = limits or _around(np.concatenate(list(found.values())))
    _contours(ax, f, limits, levels)
    for k, (name, points) in enumerate(found.items()):
        finite = np.isfinite(points).all(axis=1)
        steps = len(points) if finite.all() else int(np.argmin(finite))
        lost = f" (no number after {steps - 1} steps)" if steps else " (it starts at no number)"
        label = words(name) + ("" if finite.all() else lost)
        ax.plot(*points[:steps].T, marker="o", markersize=4, label=label, **style(k))
    ax.plot(*np.stack([points[0] for points in found.values()]).T, "s", color="black", markersize=6, label="start")
    ax.set(xlabel="x", ylabel="y", xlim=limits[0], ylim=limits[1])
    name_lines(ax)
    return ax


@readable
def gradient_field(
    f: Surface, *, limits: Limits = ((-2, 2), (-2, 2)), levels: Sequence[float] | int = 10, ax: Axes | None = None
) -> Any:
    """The gradient of a function, with its sign changed: arrows downhill, the longer the steeper it is.

    Where the gradient is not finite a grey cross stands in place of the arrow. `f` is a function of two Tensors, x and
    y, whose gradient is computed by backpropagation. Returns the axes. Raises what `paths` raises.
    """
    x, y = (grid.ravel() for grid in _grid(limits, COARSE))
    ax = axes_or_new(ax, 6.4, 5.6)
    _contours(ax, f, limits, levels)
    down = _downhill(f, x, y)
    known = np.isfinite(down).all(axis=0)
    ax.quiver(x[known], y[known], *down[:, known], angles="xy", color="#444444")
    if not known.all():
        label = f"gradient not finite ({int((~known).sum())} of {known.size})"
        ax.plot(x[~known], y[~known], "x", color=GREY, label=label)
        ax.legend()
    ax.set(xlabel="x", ylabel="y")
    ax.set_aspect("equal", adjustable="datalim")
    return ax


def _downhill(f: Surface, x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """The two parts of the negative gradient at each point."""
    at = [Tensor(x, requires_grad=True), Tensor(y, requires_grad=True)]
    with np.errstate(all="ignore"):
        heights = f(*at)
        if not isinstance(heights, Tensor) or heights.shape != x.shape:
            raise DataError("f must make one Tensor of heights from Tensors x and y of its points, in NumPy functions")
        return -np.stack([g.numpy() for g in gradients(np.sum(heights), at)])


def _points(values: Any, name: str) -> NDArray[Any]:
    points = array(values, f"the path {name}")
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(f"the path {name} must have the shape (points, 2), not {points.shape}")
    return points.astype(float)


def _around(points: NDArray[Any]) -> Limits:
    """Limits with a margin around all finite points."""
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        raise DataError("no path has a finite point")
    low, high = finite.min(axis=0), finite.max(axis=0)
    margin = 0.15 * (high - low).max() or 1.0
    (x0, y0), (x1, y1) = (low - margin).tolist(), (high + margin).tolist()
    return (x0, x1), (y0, y1)


def _contours(ax: Axes, f: Surface, limits: Limits, levels: Sequence[float] | int) -> None:
    check_function(f, "f", "a function of x and y")
    x, y = _grid(limits, FINE)
    with np.errstate(all="ignore"):
        heights = array(f(x, y), "what f returns")
    if heights.shape != x.shape:
        raise ShapeError(f"f must make one number of each point: of {x.shape} points it made {heights.shape}")
    known = np.ma.masked_invalid(heights)
    if known.count() and known.min() < known.max():
        try:
            ax.contour(x, y, known, levels=levels, colors=LIGHT, linewidths=0.8)
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise DataError(f"there are no contours for levels={levels!r}: {error}") from error


def _grid(limits: Limits, count: int) -> list[NDArray[Any]]:
    """The x and the y of points, so many along each axis."""
    try:
        found = np.array(limits, dtype=float)
    except (TypeError, ValueError):
        found = np.zeros(0)
    if found.shape != (2, 2) or not np.isfinite(found).all():
        raise DataError(f"limits are finite numbers, ((x from, to), (y from, to)), not {limits!r}")
    return list(np.meshgrid(*(np.linspace(low, high, count) for low, high in found)))

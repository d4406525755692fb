"""Functions of samples along a line: made, differenced, summed, interpolated. All are compositions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..errors import ShapeError
from ..tensor import bare, loses_gradient
from ..values import is_duck
from .entry import as_array, composed, present
from .indexing import scatter_add
from .reduction import part


def _along(values: Any, axis: int, ndim: int) -> Any:
    """A vector, with as many dimensions as the arrays along one axis of which it stands; other arrays as they are."""
    return (
        values.reshape([-1 if i == normalize_axis_index(axis, ndim) else 1 for i in range(ndim)])
        if np.ndim(values) == 1
        else values
    )


# -- differences and sums


@composed(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n <= 0:
        if n < 0:
            raise ValueError(f"np.diff: the order cannot be negative, as {n} is")
        return a
    a = as_array(a)
    axis = normalize_axis_index(axis, a.ndim)

    def edge(value: Any) -> Any:
        return value if np.ndim(value) else np.broadcast_to(value, (*a.shape[:axis], 1, *a.shape[axis + 1 :]))

    parts = [edge(e) if e is not a else e for e in (prepend, a, append) if e is not None]
    a = np.concatenate(parts, axis=axis) if len(parts) > 1 else a
    for _ in range(n):
        a = part(a, axis, 1, None) - part(a, axis, None, -1)
    return a


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    inner = np.diff(ary.reshape(-1))
    return np.concatenate([np.ravel(e).astype(ary.dtype) for e in (to_begin, inner, to_end) if e is not None])


@composed(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = as_array(f)
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    spacings = varargs * len(axes) if len(varargs) == 1 else varargs or (1.0,) * len(axes)
    slopes = tuple(_slope(f, *pair, edge_order) for pair in zip(axes, spacings, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    """The derivative along one axis: of the parabola through each three neighbours, and at the edges as told."""
    n = f.shape[axis]
    f = f if f.dtype.kind == "f" else f.astype(np.float64)
    if edge_order not in (1, 2) or n <= edge_order:
        raise ShapeError(f"np.gradient: an edge_order of {edge_order} does not fit {n} elements")
    h = np.diff(spacing) if np.ndim(spacing) else np.multiply(np.ones(n - 1, f.dtype), spacing)
    h = _along(h, axis, f.ndim)
    steep = np.diff(f, axis=axis) / h
    first, last = part(steep, axis, 0, 1), part(steep, axis, n - 2, None)
    before, after = part(h, axis, None, -1), part(h, axis, 1, None)
    left, right = part(steep, axis, None, -1), part(steep, axis, 1, None)
    inner = (left * after + right * before) / (before + after)
    if edge_order == 2:
        first = 2 * first - part(inner, axis, 0, 1)
        last = 2 * last - part(inner, axis, n - 3, None)
    return np.concatenate([first, inner, last], axis=axis).astype(f.dtype, copy=False)


@composed(*present("trapezoid trapz"))
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    y = as_array(y)
    if x is not None:
        x = as_array(x)
        dx = _along(np.diff(x, axis=axis if x.ndim > 1 else -1), axis, y.ndim)
    return np.sum(dx * (part(y, axis, 1, None) + part(y, axis, None, -1)) / 2.0, axis=axis)


# -- between samples


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    x, xp, fp = (as_array(a).astype(np.float64) for a in (x, xp, fp))
    if is_duck(bare(x)):  # whose indices an array of NumPy's does not take
        xp, fp = (np.asarray(a, like=bare(x)) if type(a) is np.ndarray else a for a in (xp, fp))
    i = np.clip(np.searchsorted(xp, x, "right") - 1, 0, max(xp.shape[0] - 2, 0))
    j = np.minimum(i + 1, xp.shape[0] - 1)
    ans = fp[i] + (fp[j] - fp[i]) * ((x - xp[i]) / np.where(i == j, 1, xp[j] - xp[i]))
    ans = np.where(x < xp[0], fp[0] if left is None else left, ans)
    return np.where(x > xp[-1], fp[-1] if right is None else right, ans)


@composed(np.unwrap)
def unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    return p + (np.unwrap(bare(p), discont, axis, period=period) - bare(p))


@composed(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any) -> Any:
    conditions = [as_array(bare(c)) for c in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~functools.reduce(np.logical_or, conditions))
    ans = np.zeros_like(x)
    for c, f in zip(conditions, funclist, strict=True):
        ans = np.where(c, scatter_add(f(x[c]), c, x.shape) if callable(f) else f, ans)
    return ans


# -- polynomials and grids


@composed(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    ans = np.zeros_like(x)
    for coefficient in p if loses_gradient(p) else as_array(p):
        ans = ans * x + coefficient
    return ans


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    powers = np.arange(x.shape[0] if N is None else N)
    return np.expand_dims(x, -1) ** (powers if increasing else powers[::-1])


@composed(np.linspace)
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    return np.moveaxis(start + _fractions(start, stop, num, endpoint) * (stop - start), 0, axis)


@composed(np.logspace)
def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, *, axis: int = 0) -> Any:
    return base ** np.linspace(start, stop, num, endpoint, axis=axis)


@composed(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    start, stop = (as_array(a).astype(np.float64) for a in (start, stop))
    return np.moveaxis(start * (stop / start) ** _fractions(start, stop, num, endpoint), 0, axis)


def _fractions(start: Any, stop: Any, num: int, endpoint: bool) -> Any:
    """The way from `start` to `stop` in `num` equal steps, as a column before their axes."""
    ndim = max(np.ndim(start), np.ndim(stop))
    if num < 0:
        raise ValueError(f"the number of samples cannot be negative, as {num} is")
    steps = np.arange(num) / max(1, num - 1 if endpoint else num)
    return steps.astype(np.result_type(start, stop, 1.0)).reshape(-1, *(1,) * ndim)

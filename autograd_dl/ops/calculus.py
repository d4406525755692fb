"""Functions of samples along a line: made, differenced, summed, interpolated. All are compositions."""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..errors import ShapeError
from ..tensor import Tensor, bare, loses_gradient
from ..values import is_duck
from .entry import as_array, composed, floating, part, present
from .indexing import scatter_add
from .shape import full_like


def _along(values: Any, axis: int, ndim: int) -> Any:
    """A vector with `ndim` dimensions, of which all but this axis have length 1; any other array as it is."""
    if np.ndim(values) != 1:
        return values
    return values.reshape([-1 if i == normalize_axis_index(axis, ndim) else 1 for i in range(ndim)])


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

    if prepend is not None or append is not None:
        a = np.concatenate([edge(e) for e in (prepend, a, append) if e is not None], axis=axis)
    minus = np.not_equal if a.dtype == bool else np.subtract
    for _ in range(n):
        a = minus(part(a, axis, 1, None), part(a, axis, None, -1))
    return a


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ary = as_array(ary)
    inner = np.diff(ary.reshape(-1))
    parts = [np.ravel(e) for e in (to_begin, inner, to_end) if e is not None]
    return np.concatenate([p.astype(ary.dtype, casting="same_kind") for p in parts])


@composed(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = as_array(f)
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    varargs = varargs or (1.0,)
    spacings = varargs * len(axes) if len(varargs) == 1 and np.ndim(varargs[0]) == 0 else varargs
    if len(spacings) != len(axes):
        raise ShapeError(f"np.gradient takes one number, or spacings for each of {len(axes)} axes, not {len(spacings)}")
    slopes = tuple(_slope(f, *pair, edge_order) for pair in zip(axes, spacings, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slope(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    """The derivative along one axis: of the parabola through each three neighbours, and at the edges as told."""
    n = f.shape[axis]
    f = floating(f)
    if np.shape(spacing) not in ((), (n,)):
        raise ShapeError(f"np.gradient: {n} elements are at {n} places along their axis, not at {np.shape(spacing)}")
    if edge_order not in (1, 2) or n <= edge_order:
        raise ShapeError(f"np.gradient: an edge_order of {edge_order} does not fit {n} elements")
    h = _along(np.diff(floating(as_array(spacing))), axis, f.ndim) if np.ndim(spacing) else spacing
    steep = np.diff(f, axis=axis) / h
    first, last = part(steep, axis, 0, 1), part(steep, axis, n - 2, None)
    if np.ndim(h):
        before, after = part(h, axis, None, -1), part(h, axis, 1, None)
        left, right = part(steep, axis, None, -1), part(steep, axis, 1, None)
        inner = (left * after + right * before) / (before + after)
    else:
        inner = (part(f, axis, 2, None) - part(f, axis, None, -2)) / (2.0 * h)
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
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(f"np.interp: xp and fp are vectors of the same length, at least 1, not {xp.shape}, {fp.shape}")
    if is_duck(bare(x)):  # whose indices an array of NumPy's does not take
        xp, fp = (np.asarray(a, like=bare(x)) if type(a) is np.ndarray else a for a in (xp, fp))
    last = xp.shape[0] - 1
    i = np.clip(np.searchsorted(xp, x, "right") - 1, 0, last)
    j = np.where(i == last, max(last - 1, 0), i + 1)
    level = (x == xp[i]) | ((fp[i] == fp[j]) & ~np.isnan(x))
    k = np.where((np.isinf(xp[i]) | np.isinf(fp[i])) & ~level, j, i)  # from the other end, as NumPy does
    rise, away = (np.where(level & ~np.isfinite(a), 0, a) for a in (fp[j] - fp[i], x - xp[k]))
    ans = fp[k] + rise * (away / np.where(xp[i] == xp[j], 1, xp[j] - xp[i]))
    ans = np.where(x < xp[0], fp[0] if left is None else left, ans)
    return np.where(x > xp[-1], fp[-1] if right is None else right, ans)


@composed(np.unwrap)
def unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    smooth = np.unwrap(bare(p), discont, axis, period=period)
    return p + np.where(smooth == bare(p), 0, smooth - bare(p))  # what is infinite stays


@composed(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any) -> Any:
    x, condlist = as_array(x), bare(condlist)
    if np.isscalar(condlist) or (np.ndim(condlist[0]) == 0 < x.ndim):
        condlist = [condlist]
    conditions = [as_array(c).astype(bool) for c in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~functools.reduce(np.logical_or, conditions))
    if len(funclist) != len(conditions):
        raise ShapeError(f"np.piecewise: {len(conditions)} conditions do not go with {len(funclist)} functions")
    ans: Any = Tensor(np.zeros_like(x))
    for c, f in zip(conditions, funclist, strict=True):
        if (taken := x[c]).size:
            placed = scatter_add(full_like(taken, f(taken, *args) if callable(f) else f), c, x.shape)
            ans = np.where(c.reshape((*c.shape, *(1,) * (x.ndim - c.ndim))), placed, ans)
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
    if x.ndim != 1:
        raise ShapeError(f"np.vander takes a vector, not an array of shape {x.shape}")
    if N is not None and N < 0:
        raise ValueError(f"np.vander: the number of columns cannot be negative, as {N} is")
    powers = np.arange(x.shape[0] if N is None else N)
    return np.expand_dims(x, -1) ** (powers if increasing else powers[::-1])


@composed(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, retstep: bool = False, axis: int = 0
) -> Any:
    ends = [a if isinstance(a, (int, float)) else as_array(a) for a in (start, stop)]
    dtype = np.result_type(*ends, 1.0)
    start, stop = (a if isinstance(a, (int, float)) else a.astype(dtype, copy=False) for a in ends)
    t = _fractions(start, stop, num, endpoint)
    ans = np.moveaxis(np.where(t == 1, stop, start + t * (stop - start)), 0, axis)
    steps = num - 1 if endpoint else num
    return (ans, (stop - start) / steps if steps > 0 else np.nan) if retstep else ans


@composed(np.logspace)
def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, *, axis: int = 0) -> Any:
    if np.ndim(base):
        arrays = [as_array(a) for a in (start, stop, base)]
        ndim = max(a.ndim for a in arrays)
        start, stop, base = (a.reshape((1,) * (ndim - a.ndim) + a.shape) for a in arrays)
        base = np.expand_dims(base, axis)
    return base ** np.linspace(start, stop, num, endpoint, axis=axis)


@composed(np.geomspace)
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    start, stop = as_array(start), as_array(stop)
    start, stop = (a.astype(np.result_type(start, stop, np.float64)) for a in (start, stop))
    if np.any(start == 0) or np.any(stop == 0):
        raise ValueError("np.geomspace: what grows by factors neither starts nor stops at 0")
    sign, t = np.sign(start), _fractions(start, stop, num, endpoint)
    return np.moveaxis(sign * (sign * start) ** (1 - t) * (sign * stop) ** t, 0, axis)


def _fractions(start: Any, stop: Any, num: int, endpoint: bool) -> Any:
    """`num` numbers from 0 to 1, evenly spaced, along an axis before those of `start` and `stop`."""
    ndim, num = max(np.ndim(start), np.ndim(stop)), operator.index(num)
    if num < 0:
        raise ValueError(f"the number of samples cannot be negative, as {num} is")
    steps = np.arange(num) / max(1, num - 1 if endpoint else num)
    return steps.astype(np.result_type(start, stop, 1.0)).reshape(-1, *(1,) * ndim)

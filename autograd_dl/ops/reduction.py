"""Derivatives of the functions that reduce along axes, or run along them.

Kinks: elements that are equal to the maximum (or minimum) share its gradient evenly, as do NaN where nanmax (or nanmin)
finds nothing else; the standard deviation of equal numbers has the derivative 0; prod and cumprod are exact where
factors are 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dispatch import RESTATED
from ..errors import ShapeError, UnsupportedError
from ..table import defvjp, title_of
from ..tensor import bare
from ..values import computed_wide
from .elementwise import equal_nan
from .entry import as_array, composed, floating, part, present, primitive
from .indexing import in_a_row

Axis = int | tuple[int, ...] | None
Where = Any
"""NumPy's `where` of a reduction: Booleans, which say what is taken in, or True for all."""
# keepdims is Any in the rules: as of NumPy 2.5, a bool that is not known to be True or False fits none of its types


def expand(g: Any, x: Any, axis: Axis, keepdims: Any, where: Where = True) -> Any:
    """A reduction's result, or its gradient, repeated over the axes of `x` that were reduced. Uses `x.shape` only.

    There are zeros for what `where` leaves out.
    """
    if axis is not None and not keepdims and x.ndim:
        g = np.expand_dims(g, axis)
    return _taken(np.broadcast_to(g if axis is not None else g.reshape((1,) * x.ndim), x.shape), where, 0)


def axes_of(x: Any, axis: Axis) -> tuple[int, ...]:
    """The axes over which a reduction of `x` runs. (NumPy takes axis 0 of a number, too, which has none.)"""
    return tuple(range(x.ndim)) if axis is None or not x.ndim else axis if isinstance(axis, tuple) else (axis,)


def count(x: Any, axis: Axis) -> int:
    """How many elements of `x` go into one of the results. Uses `x.shape` only."""
    return math.prod(x.shape[i] for i in axes_of(x, axis))


def in_rows(x: Any, axis: Axis) -> Any:
    """`x` with the axes that are reduced joined to one, which comes last."""
    axes = axes_of(x, axis)
    rows = np.moveaxis(x, axes, range(-len(axes), 0))
    return rows.reshape(*rows.shape[: x.ndim - len(axes)], count(x, axis))


def counted(x: Any, axis: Axis, keepdims: Any, where: Where) -> Any:
    """`count`, of the elements that `where` takes in: a number, or an array of the result's shape."""
    if where is True:
        return count(x, axis)
    return np.sum(np.broadcast_to(where, x.shape), axis=axis, keepdims=keepdims)


def _taken(x: Any, where: Where, instead: Any) -> Any:
    """x with `instead` in place of what `where` leaves out."""
    return x if where is True else np.where(where, x, instead)


def summed(x: Any, axis: Axis = None, keepdims: Any = False, **rarer: Any) -> Any:
    """The sum of an array; of float16 taken in float32."""
    if x.dtype == np.float16:
        return np.sum(x, axis, np.float32, keepdims=keepdims, **rarer).astype(np.float16)
    return x.sum(axis, keepdims=keepdims, **rarer)


def _sum(
    g: Any, _ans: Any, _x: Any, axis: Axis = None, keepdims: Any = False, initial: float = 0, where: Where = True
) -> Any:
    return expand(g, _x, axis, keepdims, where)


def _mean(g: Any, _ans: Any, _x: Any, axis: Axis = None, keepdims: Any = False, where: Where = True) -> Any:
    n = counted(_x, axis, keepdims, where)
    share = 1 / max(n, 1) if where is True else (1 / np.maximum(n, 1)).astype(g.dtype)
    return expand(g * share, _x, axis, keepdims, where)


defvjp(np.sum, _sum, raw=summed)
defvjp(np.mean, _mean)


def _deviations(x: Any, axis: Axis, where: Where) -> Any:
    """How far each element is from the mean; 0 for what is left out. (Twice: that of large numbers is rounded.)"""
    if not x.size:  # of which NumPy's mean would warn
        return x
    away = _taken(x - np.mean(x, axis=axis, keepdims=True, where=where), where, 0)
    return _taken(away - np.mean(away, axis=axis, keepdims=True, where=where), where, 0)


def _freedom(x: Any, axis: Axis, ddof: float, keepdims: Any, where: Where) -> Any:
    """What var divides by; NaN where nothing is left, so that the gradient is NaN."""
    freedom = counted(x, axis, keepdims, where) - ddof
    if where is True:
        return max(freedom, 0) or math.nan
    return np.where(freedom > 0, freedom, np.nan).astype(x.dtype)


@computed_wide
def _var(
    g: Any, _ans: Any, x: Any, axis: Axis = None, ddof: float = 0, keepdims: Any = False, where: Where = True
) -> Any:
    slope = g * (2 / _freedom(x, axis, ddof, keepdims, where))
    return expand(slope, x, axis, keepdims, where) * _deviations(x, axis, where)


@computed_wide
def _std(
    g: Any, ans: Any, x: Any, axis: Axis = None, ddof: float = 0, keepdims: Any = False, where: Where = True
) -> Any:
    most = np.max(x, axis=axis, keepdims=keepdims, where=where, initial=-np.inf)
    least = np.min(x, axis=axis, keepdims=keepdims, where=where, initial=np.inf)
    constant = (most == least) | (ans == 0)
    slope = np.where(constant, 0, g / np.where(constant, 1, ans)) * (1 / _freedom(x, axis, ddof, keepdims, where))
    return expand(slope, x, axis, keepdims, where) * _deviations(x, axis, where)


defvjp(np.var, _var, raw=computed_wide(np.var))
defvjp(np.std, _std, raw=computed_wide(np.std))


def _extreme(equal: Any) -> Any:
    """The rule of a largest or smallest element: those that are equal to it, and `initial`, share the gradient."""

    def rule(
        g: Any,
        ans: Any,
        x: Any,
        axis: Axis = None,
        keepdims: Any = False,
        initial: float | None = None,
        where: Where = True,
    ) -> Any:
        hits = equal(x, expand(ans, x, axis, keepdims))
        hits = hits if where is True else np.logical_and(hits, where)
        sharing = np.sum(hits, axis, keepdims=keepdims)
        if initial is not None:
            sharing = sharing + (ans == ans.dtype.type(initial))
        return expand(g * (1 / sharing).astype(x.dtype), x, axis, keepdims) * hits

    return rule


for _function in (np.max, np.min, np.amax, np.amin):
    defvjp(_function, _extreme(np.equal))
for _function in (np.nanmax, np.nanmin):
    defvjp(_function, _extreme(equal_nan))


@primitive
@computed_wide
def logsumexp(x: Any, axis: Axis = None, keepdims: Any = False) -> Any:
    """log(sum(exp(x))) along `axis`, a primitive for stability: it neither overflows nor underflows."""
    x = floating(as_array(x))
    top = finite_top(x, axis)
    with np.errstate(divide="ignore"):
        ans = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return ans if keepdims else np.squeeze(ans, axis)


def finite_top(x: Any, axis: Axis) -> Any:
    """The largest element along `axis`, which is kept; 0 where that is infinite, or there is none."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


@computed_wide
def _logsumexp(g: Any, _ans: Any, x: Any, axis: Axis = None, keepdims: Any = False) -> Any:
    """g times the share of exp(x) in the sum. Of infinite ones each has the same; where there are none, it is 0.

    (exp(x - ans) would be quicker, and wrong where the log of the sum is lost beside a large x.)
    """
    top = np.max(bare(x), axis=axis, keepdims=True, initial=-np.inf)
    e = np.exp(np.where(x == np.inf, 0, x - np.where(top == -np.inf, 0, top)))
    total = np.sum(e, axis=axis, keepdims=True)
    return expand(g, x, axis, keepdims) * (e / np.where(total == 0, 1, total))


defvjp(logsumexp, _logsumexp)


# -- along an axis


def _shifted(x: Any, axis: int, by: int, fill: float) -> Any:
    """x moved by `by` places along `axis` (backward if negative), with `fill` in the places that are left."""
    by = max(-x.shape[axis], min(by, x.shape[axis]))
    filling = np.full_like(part(x, axis, 0, abs(by)), fill)
    if by >= 0:
        return np.concatenate([filling, part(x, axis, None, x.shape[axis] - by)], axis=axis)
    return np.concatenate([part(x, axis, -by, None), filling], axis=axis)


def _products_of_others(g: Any, x: Any, axis: int) -> Any:
    """s[i] = sum over j >= i of g[j] * x[i+1] * ... * x[j], by doubling: exact where x is 0, in log n steps."""
    factor = _shifted(x, axis, -1, 1)
    step = 1
    while step < x.shape[axis]:
        g = g + factor * _shifted(g, axis, -step, 0)
        factor = factor * _shifted(factor, axis, -step, 1)
        step *= 2
    return g


def _in_float64(x: Any) -> Any:
    """The elements of a product, some of which might overflow in float32 where all of them do not."""
    return x.astype(np.result_type(x.dtype, np.float64), copy=False)


def _cumprod(g: Any, _ans: Any, x: Any, axis: int | None = None) -> Any:
    wide, axis = in_a_row(_in_float64(x), axis)
    before = _shifted(np.cumprod(wide, axis=axis), axis, 1, 1)
    return (before * _products_of_others(g, wide, axis)).astype(g.dtype).reshape(x.shape)


@computed_wide
def _cumsum(g: Any, _ans: Any, _x: Any, axis: int | None = None) -> Any:
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis).reshape(_x.shape)


def _prod(
    g: Any,
    _ans: Any,
    x: Any,
    axis: Axis = None,
    keepdims: Any = False,
    initial: float = 1,
    where: Where = True,
) -> Any:
    axes = axes_of(x, axis)
    last = tuple(range(-len(axes), 0))
    rows = in_rows(_taken(_in_float64(x), where, 1), axis)
    before = _shifted(np.cumprod(rows, axis=-1), -1, 1, 1)
    after = _shifted(np.flip(np.cumprod(np.flip(rows, -1), axis=-1), -1), -1, -1, 1)
    others = (before * after).reshape((*rows.shape[:-1], *(x.shape[i] for i in axes)))
    slope = expand(g * initial, x, axis, keepdims) * np.moveaxis(others, last, axes)
    return _taken(slope, where, 0).astype(g.dtype)


defvjp(np.prod, _prod)
defvjp(np.cumsum, _cumsum)
defvjp(np.cumprod, _cumprod)


def _in_dtype(fun: Any) -> Any:
    """The reduction of `x.astype(dtype)`."""

    def restated(x: Any, dtype: Any, **rest: Any) -> Any:
        if np.dtype(dtype).kind != "f":
            raise UnsupportedError(f"{title_of(fun)}: no gradient comes back through {np.dtype(dtype)}; pass t.numpy()")
        return fun(as_array(x).astype(dtype), **rest)

    return restated


def _corrected(fun: Any) -> Any:
    """The reduction with `ddof` for what the array API calls `correction`."""

    def restated(x: Any, correction: float, ddof: float = 0, **rest: Any) -> Any:
        if ddof:
            raise ValueError(f"{title_of(fun)}: give ddof or correction, which are the same, and not both")
        return fun(x, ddof=correction, **rest)

    return restated


for _reduction in (np.sum, np.mean, np.prod, np.var, np.std, np.cumsum, np.cumprod):
    RESTATED[_reduction, "dtype"] = _in_dtype(_reduction)
RESTATED[np.var, "correction"], RESTATED[np.std, "correction"] = map(_corrected, (np.var, np.std))


@composed(*present("cumulative_sum"))
def cumulative_sum(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    return _cumulative(np.cumsum, x, axis, 0 if include_initial else None)


@composed(*present("cumulative_prod"))
def cumulative_prod(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    return _cumulative(np.cumprod, x, axis, 1 if include_initial else None)


def _cumulative(fun: Any, x: Any, axis: int | None, initial: float | None) -> Any:
    if axis is None:
        if x.ndim > 1:
            raise ShapeError(f"{fun.__name__.replace('cum', 'np.cumulative_')}: give an axis for a {x.ndim}-D array")
        axis = 0
    ans = fun(x, axis=axis)
    return ans if initial is None else np.insert(ans, 0, initial, axis)


@composed(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)

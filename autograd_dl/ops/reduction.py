"""Derivatives of the functions that reduce along axes, or run along them.

Kinks: elements that are equal to the maximum (or minimum) share its gradient evenly, as do NaN where nanmax (or nanmin)
finds nothing else; the standard deviation of equal numbers has the derivative 0; prod and cumprod are exact where
factors are 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..table import defvjp
from ..tensor import bare
from ..values import computed_wide
from .elementwise import alike
from .entry import as_array, composed, floating, index_along, present, primitive

Axis = int | tuple[int, ...] | None
# keepdims is Any in the rules: as of NumPy 2.5, a bool that is not known to be True or False fits none of its types


def expand(g: Any, x: Any, axis: Axis, keepdims: Any) -> Any:
    """A reduction's result, or its gradient, repeated over the axes of `x` that were reduced. Uses `x.shape` only."""
    if axis is not None and not keepdims and x.ndim:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g if axis is not None else g.reshape((1,) * x.ndim), x.shape)


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


def summed(x: Any, axis: Axis = None, keepdims: Any = False) -> Any:
    """The sum of an array; of float16 taken in float32."""
    if x.dtype == np.float16:
        return np.sum(x, axis, np.float32, keepdims=keepdims).astype(np.float16)
    return x.sum(axis, keepdims=keepdims)


defvjp(np.sum, lambda g, _ans, _x, axis=None, keepdims=False: expand(g, _x, axis, keepdims), raw=summed)
defvjp(
    np.mean,
    lambda g, _ans, _x, axis=None, keepdims=False: expand(g * (1 / max(1, count(_x, axis))), _x, axis, keepdims),
)


def _deviations(x: Any, axis: Axis) -> Any:
    """How far each element is from the mean. (Twice, since the mean of large numbers is rounded.)"""
    away = x - np.mean(x, axis=axis, keepdims=True)
    return away - np.mean(away, axis=axis, keepdims=True)


def _freedom(x: Any, axis: Axis, ddof: float) -> float:
    """What var divides by; NaN where nothing is left, so that the gradient is NaN."""
    return max(count(x, axis) - ddof, 0) or math.nan


@computed_wide
def _var(g: Any, _ans: Any, x: Any, axis: Axis = None, ddof: float = 0, keepdims: Any = False) -> Any:
    if not x.size:
        return expand(g, x, axis, keepdims)
    return expand(g * (2 / _freedom(x, axis, ddof)), x, axis, keepdims) * _deviations(x, axis)


@computed_wide
def _std(g: Any, ans: Any, x: Any, axis: Axis = None, ddof: float = 0, keepdims: Any = False) -> Any:
    if not x.size:
        return expand(g, x, axis, keepdims)
    constant = np.max(x, axis=axis, keepdims=keepdims) == np.min(x, axis=axis, keepdims=keepdims)
    constant |= ans == 0
    slope = np.where(constant, 0, g / np.where(constant, 1, ans)) * (1 / _freedom(x, axis, ddof))
    return expand(slope, x, axis, keepdims) * _deviations(x, axis)


defvjp(np.var, _var, raw=computed_wide(np.var))
defvjp(np.std, _std, raw=computed_wide(np.std))


def _extreme(equal: Any) -> Any:
    def rule(g: Any, ans: Any, x: Any, axis: Axis = None, keepdims: Any = False) -> Any:
        hits = equal(x, expand(ans, x, axis, keepdims))
        share = (1 / np.sum(hits, axis, keepdims=keepdims)).astype(x.dtype)
        return expand(g * share, x, axis, keepdims) * hits

    return rule


for _function in (np.max, np.min, np.amax, np.amin):
    defvjp(_function, _extreme(np.equal))
for _function in (np.nanmax, np.nanmin):
    defvjp(_function, _extreme(alike))


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


def _shaped(rule: Any) -> Any:
    """Let a rule for one axis also serve `axis=None`, where the elements run in a row, and a number."""

    def shaped(g: Any, ans: Any, x: Any, axis: int | None = None) -> Any:
        if axis is None or not x.ndim:
            return rule(g, ans, x.reshape(-1), 0).reshape(x.shape)
        return rule(g, ans, x, axis)

    return shaped


def part(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    return x[index_along(axis, x.ndim, slice(start, stop))]


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


def _cumprod(g: Any, _ans: Any, x: Any, axis: int) -> Any:
    wide = _in_float64(x)
    before = _shifted(np.cumprod(wide, axis=axis), axis, 1, 1)
    return (before * _products_of_others(g, wide, axis)).astype(g.dtype)


@computed_wide
def _cumsum(g: Any, _ans: Any, _x: Any, axis: int | None = None) -> Any:
    return np.flip(np.cumsum(np.flip(g, axis), axis=axis), axis).reshape(_x.shape)


def _prod(g: Any, _ans: Any, x: Any, axis: Axis = None, keepdims: Any = False) -> Any:
    axes = axes_of(x, axis)
    last = tuple(range(-len(axes), 0))
    rows = in_rows(_in_float64(x), axis)
    before = _shifted(np.cumprod(rows, axis=-1), -1, 1, 1)
    after = _shifted(np.flip(np.cumprod(np.flip(rows, -1), axis=-1), -1), -1, -1, 1)
    others = (before * after).reshape((*rows.shape[:-1], *(x.shape[i] for i in axes)))
    return (expand(g, x, axis, keepdims) * np.moveaxis(others, last, axes)).astype(g.dtype)


defvjp(np.prod, _prod)
defvjp(np.cumsum, _cumsum)
defvjp(np.cumprod, _shaped(_cumprod))


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

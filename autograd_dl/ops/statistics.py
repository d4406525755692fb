"""Statistics: compositions of reductions, of sorting, and of reductions that leave NaN out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import ShapeError, UnsupportedError
from ..tensor import bare, loses_gradient
from ..values import computed_wide, wide_dtype
from .entry import as_array, composed
from .norms import norm2
from .reduction import Axis, count, in_rows


@composed(np.ptp)
def ptp(a: Any, axis: Axis = None, *, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composed(np.average)
def average(a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False) -> Any:
    a = as_array(a)
    if weights is None:
        ans = np.mean(a, axis=axis, keepdims=keepdims)
        return (ans, np.full_like(ans, a.size / max(1, ans.size))) if returned else ans
    weights = as_array(weights)
    if weights.shape != a.shape:
        axes = () if axis is None else normalize_axis_tuple(axis, a.ndim)
        if axis is None or weights.shape != tuple(a.shape[i] for i in axes):
            raise ShapeError(
                f"np.average: weights have the shape of the array, {a.shape}, or its lengths along the axes that are "
                f"given, not {weights.shape}"
            )
        ordered = weights.transpose(sorted(range(len(axes)), key=lambda i: axes[i]))
        weights = ordered.reshape([n if i in axes else 1 for i, n in enumerate(a.shape)])
    dtype = np.result_type(a.dtype, weights.dtype, *([] if a.dtype.kind == "f" else [np.float64]))
    a, weights = (x.astype(wide_dtype(dtype), copy=False) for x in (a, weights))
    total = np.sum(np.broadcast_to(weights, a.shape), axis=axis, keepdims=keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("np.average: the weights sum to zero")
    ans = (np.sum(a * weights, axis=axis, keepdims=keepdims) / total).astype(dtype, copy=False)
    return (ans, total.astype(dtype, copy=False)) if returned else ans


@composed(np.cov)
def cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: float | None = None) -> Any:
    def variables(x: Any) -> Any:
        x = as_array(x)
        if x.ndim > 2:
            raise ShapeError(f"np.cov takes variables as the rows or columns of a matrix, not shape {x.shape}")
        x = x.astype(np.result_type(x, np.float64), copy=False)
        return np.atleast_2d(x) if rowvar or x.ndim < 2 else x.T

    if ddof is not None and not float(ddof).is_integer():
        raise ValueError(f"np.cov: ddof is a whole number, not {ddof}")
    x = variables(m) if y is None else np.concatenate([variables(m), variables(y)])
    deviations = x - np.mean(x, axis=1, keepdims=True)
    freedom = x.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    return np.squeeze(np.dot(deviations, deviations.T) / x.dtype.type(max(freedom, 0)))


@composed(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    c = np.cov(x, y, rowvar)
    if c.ndim == 0:
        return c / c
    deviations = np.sqrt(np.diag(c))
    return np.clip(c / np.outer(deviations, deviations), -1, 1)


# -- quantiles: between the two nearest of the sorted elements


@composed(np.quantile)
def quantile(a: Any, q: Any, axis: Axis = None, *, keepdims: Any = False) -> Any:
    if loses_gradient(q):
        raise UnsupportedError("np.quantile and np.percentile give q no gradient; pass q.numpy()")
    a, weak, q = as_array(a), type(q) in (int, float), as_array(bare(q))  # np.float64 is a float, too
    dtype = a.dtype if q.dtype.kind != "f" or (weak and a.dtype.kind == "f") else q.dtype
    q = q.astype(np.float64)
    if not ((q >= 0) & (q <= 1)).all():
        raise ValueError("np.quantile: quantiles are from 0 to 1, percentiles from 0 to 100")
    axes = tuple(range(a.ndim)) if axis is None else normalize_axis_tuple(axis, a.ndim)
    rows = np.sort(in_rows(a, axes), axis=-1)
    last = rows.shape[-1] - 1
    place = q * last
    low = np.floor(place).astype(int)
    rest = (place - np.floor(place)).astype(dtype)
    below, above = rows[..., low], rows[..., np.minimum(low + 1, last)]
    ans = below
    if dtype.kind == "f":  # else it is the least or the greatest of whole numbers
        ans = below * (1 - rest) + np.where(rest == 0, 0, above) * rest
        ans = np.where(np.isnan(rows[..., [-1] * q.size].reshape(ans.shape)), np.nan, ans)
    ans = np.moveaxis(ans, range(ans.ndim - q.ndim, ans.ndim), range(q.ndim))
    if not keepdims:
        return ans
    return ans.reshape(q.shape + tuple(1 if i in axes else n for i, n in enumerate(a.shape)))


@composed(np.percentile)
def percentile(a: Any, q: Any, axis: Axis = None, *, keepdims: Any = False) -> Any:
    return np.quantile(a, q / 100 if isinstance(q, (int, float)) else np.true_divide(q, 100), axis, keepdims=keepdims)


@composed(np.median)
def median(a: Any, axis: Axis = None, *, keepdims: Any = False) -> Any:
    axis = axis if axis is None else normalize_axis_tuple(axis, a.ndim)
    return quantile(a, 0.5, axis, keepdims=keepdims) if count(a, axis) else np.mean(a, axis=axis, keepdims=keepdims)


# -- leaving NaN out: 0 stands for it, since sums that leave out elements one by one are less exact


def _numbers(a: Any, where: Any = True) -> Any:
    """Where there is no NaN, of what `where` takes in."""
    numbers = ~np.isnan(as_array(a))
    return numbers if where is True else np.logical_and(numbers, np.broadcast_to(where, numbers.shape))


def _share(a: Any, numbers: Any, axis: Axis, keepdims: Any, ddof: float = 0) -> Any:
    """What one of the numbers counts in their mean, in the dtype of that; NaN where there are too few."""
    freedom = np.sum(numbers, axis=axis, keepdims=keepdims) - ddof
    share = 1 / np.where(freedom > 0, freedom, np.nan)
    return share.astype(a.dtype) if a.dtype.kind == "f" else share


def _mean(a: Any, numbers: Any, axis: Axis, keepdims: Any) -> Any:
    return np.sum(np.where(numbers, a, 0), axis=axis, keepdims=keepdims) * _share(a, numbers, axis, keepdims)


def _deviations(a: Any, numbers: Any, axis: Axis) -> Any:
    """How far each number is from their mean; 0 for what is none."""
    return np.where(numbers, np.where(numbers, a, 0) - _mean(a, numbers, axis, keepdims=True), 0)


@composed(np.nansum)
def nansum(a: Any, axis: Axis = None, *, keepdims: Any = False, initial: float = 0, where: Any = True) -> Any:
    return np.sum(np.where(_numbers(a, where), a, 0), axis=axis, keepdims=keepdims, initial=initial)


@composed(np.nanprod)
def nanprod(a: Any, axis: Axis = None, *, keepdims: Any = False, initial: float = 1, where: Any = True) -> Any:
    return np.prod(np.where(_numbers(a, where), a, 1), axis=axis, keepdims=keepdims, initial=initial)


@composed(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None) -> Any:
    return np.cumsum(np.where(_numbers(a), a, 0), axis=axis)


@composed(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None) -> Any:
    return np.cumprod(np.where(_numbers(a), a, 1), axis=axis)


@composed(np.nanmean)
@computed_wide
def nanmean(a: Any, axis: Axis = None, *, keepdims: Any = False, where: Any = True) -> Any:
    return _mean(a, _numbers(a, where), axis, keepdims)


@composed(np.nanvar)
@computed_wide
def nanvar(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: Any = False, where: Any = True) -> Any:
    numbers = _numbers(a, where)
    squares = np.square(_deviations(a, numbers, axis))
    return np.sum(squares, axis=axis, keepdims=keepdims) * _share(a, numbers, axis, keepdims, ddof)


@composed(np.nanstd)
@computed_wide
def nanstd(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: Any = False, where: Any = True) -> Any:
    if not a.size:
        return nanvar(a, axis, ddof=ddof, keepdims=keepdims)
    numbers = _numbers(a, where)
    most = np.max(np.where(numbers, bare(a), -np.inf), axis=axis, keepdims=True)
    least = np.min(np.where(numbers, bare(a), np.inf), axis=axis, keepdims=True)
    deviations = np.where((most == least) & np.isfinite(most), 0, _deviations(a, numbers, axis))
    return norm2(deviations, axis=axis, keepdims=keepdims) * np.sqrt(_share(a, numbers, axis, keepdims, ddof))

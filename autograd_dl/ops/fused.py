"""Ops that could be composed of others and are one all the same, each for a reason that it names."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..parallel import PIECE, in_pieces
from ..pullback import column_sums
from ..table import defvjp
from ..tensor import bare
from ..values import computed_wide, wide_dtype
from .entry import floating, primitive
from .reduction import finite_top, logsumexp


@primitive
def relu(x: Any) -> Any:
    """max(x, 0), with the derivative 0 at 0. (A primitive since `np.maximum(x, 0)` has 1/2 there: it shares a tie.)"""
    return in_pieces(_rectified, x)


def _rectified(x: Any, out: Any = None) -> Any:
    if type(x) is not np.ndarray or not x.flags.c_contiguous or x.dtype.kind != "f" or x.nbytes > PIECE:
        return np.maximum(x, 0, out=out)
    return np.maximum(x, _zeros(x.dtype)[: x.size].reshape(x.shape), out=out)  # several times faster than with a number


@functools.cache
def _zeros(dtype: np.dtype[Any]) -> Any:
    zeros = np.zeros(PIECE // dtype.itemsize, dtype)
    zeros.flags.writeable = False
    return zeros


def _rectified_back(g: Any, ans: Any, out: Any = None) -> Any:
    return np.multiply(g, ans > 0, out=out)


defvjp(relu, lambda g, ans, _x: in_pieces(_rectified_back, g, ans))


@computed_wide
def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`: probabilities, of the shape of `x`. The largest x is subtracted first."""
    x = floating(x)
    e = np.exp(x - np.max(bare(x), axis=axis, keepdims=True, initial=-np.inf))
    return e / np.sum(e, axis=axis, keepdims=True)


def _slope(x: Any, t: Any) -> Any:
    """The gradient of softmax_cross_entropy(x, t) with respect to x."""
    p = softmax(x)
    if t.ndim == x.ndim:
        return (p * t.sum(axis=-1, keepdims=True) - t) * _share(x)
    return (p - (np.expand_dims(t, -1) == np.arange(x.shape[-1]))) * _share(x)


@primitive(saved=_slope)
def softmax_cross_entropy(x: Any, t: Any) -> Any:
    """The mean cross-entropy of softmax(x) against t; see `functional.softmax_loss`.

    (A primitive for stability, since log(softmax(x)) loses small probabilities, and for speed: what the loss computes
    is most of its gradient for x, which is saved.) `x` is (batch, classes) or (classes,); `t` has integer labels,
    without the last axis, or rows of x's shape.
    """
    if x.dtype == np.float16:
        loss, slope = _cross_entropy(x.astype(np.float32), t)
        return loss.astype(np.float16), slope.astype(np.float16)
    return _cross_entropy(x, t)


def _cross_entropy(x: Any, t: Any) -> tuple[Any, Any]:
    """The loss, and its gradient for x."""
    classes, rows = x.shape[-1], math.prod(x.shape[:-1])
    counted = rows or 1
    z = x.reshape(rows, classes).T.copy()  # NumPy reduces along the first axis several times faster
    z -= np.maximum.reduce(z)
    e = np.exp(z)
    total = np.add.reduce(e)
    if t.ndim == x.ndim:
        weights = t.reshape(rows, classes).T
        surprises = np.log(total) - z
        losses = weights * (surprises if e.all() else np.where(weights == 0, 0, surprises))  # some may be infinite
        slope = e * (weights.sum(0) / total) - weights
    else:
        chosen = t.ravel(), np.arange(rows)
        losses = np.log(total) - z[chosen]
        slope = np.divide(e, total, out=e)
        slope[chosen] -= 1
    slope /= counted
    mean = np.add.reduce(losses, None, np.float64) / counted
    return mean.astype(x.dtype), slope.T.reshape(x.shape)


def _share(x: Any) -> float:
    """What the loss of one row counts in the mean. (float16 has no number for a large batch, but for its inverse.)"""
    return 1 / (math.prod(x.shape[:-1]) or 1)


def _cross_entropy_t(g: Any, _ans: Any, x: Any, _t: Any, _slope: Any) -> Any:
    below = x - finite_top(bare(x), -1)
    return (logsumexp(below, axis=-1, keepdims=True) - below) * (g * _share(x))


defvjp(softmax_cross_entropy, lambda g, _ans, _x, _t, slope: g * slope, _cross_entropy_t)


def _inverse_deviation(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    x = x.astype(wide_dtype(x.dtype), copy=False)
    return 1 / np.sqrt(np.var(x, axis=axes, keepdims=True) + eps)


@primitive(saved=_inverse_deviation)
def standardize(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    """(x - mean) / sqrt(variance + eps), both along `axes`: what normalization does before it scales and shifts.

    (A primitive for speed: its composition walks over the array three times as often.)
    """
    x = floating(x)
    wide = x.astype(wide_dtype(x.dtype), copy=False)
    away = wide - np.mean(wide, axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(np.mean(np.square(away), axis=axes, keepdims=True) + eps)
    return (away * inverse).astype(x.dtype, copy=False), inverse


@computed_wide
def _standardize_x(g: Any, ans: Any, _x: Any, axes: tuple[int, ...], _eps: float, inverse: Any) -> Any:
    mean, slope = (np.mean(h, axis=axes, keepdims=True) for h in (g, g * ans))
    return (g - mean - ans * slope) * inverse


defvjp(standardize, _standardize_x, None, None)


@primitive(saved=lambda x, gamma, beta, eps, moments=None: _centred(x, eps))
def normalize_columns(x: Any, gamma: Any, beta: Any, eps: float, moments: list[Any] | None = None) -> Any:
    """gamma (x - mean) / sqrt(variance + eps) + beta of each column of x, (N, D): batch normalization.

    gamma and beta are (D,). `moments`, a list, gets the means and the variances. (A primitive for speed: gamma and beta
    take two ops more, and each as many walks over the array again.)
    """
    x = floating(x)
    away, inverse = _centred(x, eps, moments)
    ans = away * (gamma * inverse)
    ans += beta
    return ans.astype(x.dtype, copy=False), (away, inverse)


def _centred(x: Any, eps: float, moments: list[Any] | None = None) -> tuple[Any, Any]:
    """How far each number is from its column's mean, and one over the columns' deviations. float32 for float16."""
    x = x.astype(wide_dtype(x.dtype), copy=False)
    rows = len(x) or 1
    mean = column_sums(x) / rows
    away = x - mean
    variance = column_sums(np.square(away)) / rows
    if moments is not None:
        moments[:] = mean, variance
    return away, 1 / np.sqrt(variance + eps)


def _normalize_back(g: Any, _ans: Any, _x: Any, gamma: Any, _beta: Any, _eps: float, *rest: Any) -> Any:
    away, inverse = rest[-1]
    dtypes = _ans.dtype, gamma.dtype, _beta.dtype
    g, gamma = g.astype(away.dtype, copy=False), gamma.astype(away.dtype, copy=False)
    rows = len(away) or 1
    shift, scale = column_sums(g), column_sums(g * away) * inverse
    slope = (g - shift / rows - away * (scale * inverse / rows)) * (gamma * inverse)
    return tuple(a.astype(dtype, copy=False) for a, dtype in zip((slope, scale, shift), dtypes, strict=True))


defvjp(normalize_columns, joint=_normalize_back)

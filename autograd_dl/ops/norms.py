"""Norms of vectors and matrices.

They have the derivative 0 at 0, and so in elements that are 0 if their order is below 1, where the slope is infinite.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import ShapeError
from ..table import defvjp
from ..values import computed_wide
from .entry import composed, floating, primitive


@primitive(stands_for=np.linalg.norm)
@computed_wide
def norm2(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: Any = False) -> Any:
    """The square root of the sum of squares, a primitive for its derivative at 0, which is 0."""
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


@computed_wide
def _norm2(g: Any, ans: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    slope = g / np.where(ans == 0, 1, ans)
    return x * (slope if axis is None or keepdims or not x.ndim else np.expand_dims(slope, axis))


defvjp(norm2, _norm2)


@primitive(stands_for=np.linalg.norm)
def _norm_of_powers(x: Any, ord: float, axis: tuple[int, ...], keepdims: Any) -> Any:
    """The root of the sum of powers, a primitive for its derivative: powers of shares, of which none overflows."""
    zero = x == 0
    powers = np.where(zero, 0 if ord > 0 else math.inf, np.where(zero, 1, np.abs(x)) ** ord)
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    return np.where(total == 0, 0 if ord > 0 else math.inf, np.where(total == 0, 1, total) ** (1 / ord))


def _norm_of_powers_x(g: Any, ans: Any, x: Any, ord: float, axis: tuple[int, ...], keepdims: Any) -> Any:
    if not keepdims:
        g, ans = (np.expand_dims(a, axis) for a in (g, ans))
    smooth = (x != 0) & (ans != 0)
    share = np.where(smooth, np.abs(x), 1) / np.where(smooth, ans, 1)
    return g * np.where(smooth, np.sign(x) * share ** (ord - 1), 0)


defvjp(_norm_of_powers, _norm_of_powers_x, None, None, None)


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: int | tuple[int, ...] | None = None, keepdims: Any = False) -> Any:
    x = floating(x)
    if axis is None and ord is None:
        return norm2(x, keepdims=keepdims)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if len(axes) not in (1, 2):
        raise ShapeError(f"np.linalg.norm: norms are of vectors or matrices, not over {len(axes)} axes")
    if len(axes) == 1:
        return _of_vector(x, 2 if ord is None else ord, axes, keepdims)
    ans = of_matrix(np.moveaxis(x, axes, (-2, -1)), "fro" if ord is None else ord)
    return np.expand_dims(ans, axes) if keepdims else ans


@computed_wide
def _of_vector(x: Any, ord: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"np.linalg.norm: {ord!r} is no norm of vectors")
    if ord == 2:
        return norm2(x, axis=axes, keepdims=keepdims)
    size = np.abs(x)
    if ord in (math.inf, -math.inf):
        return _extreme(ord)(size, axis=axes, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.sign(np.where(np.isnan(x), 1, size)), axis=axes, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axes, keepdims=keepdims)
    return _norm_of_powers(x, ord, axes, keepdims)


def of_matrix(x: Any, ord: Any) -> Any:
    """The norm of a matrix, or of each of a stack."""
    if ord in ("fro", "f"):
        return norm2(x, axis=(-2, -1))
    if ord in (1, -1, math.inf, -math.inf):
        sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
        return _extreme(ord)(sums, axis=-1)
    if ord not in (2, -2, "nuc"):
        raise ValueError(f"np.linalg.norm: {ord!r} is no norm of matrices")
    s = np.linalg.svdvals(x)
    s = np.where(s == 0, 0, s)  # which has the derivative 0
    return np.sum(s, axis=-1) if ord == "nuc" else _extreme(ord)(s, axis=-1)


def _extreme(ord: float) -> Any:
    """What a norm of positive ord takes of several sizes, the largest; of negative ord, the smallest."""
    return _largest if ord > 0 else np.min


def _largest(sizes: Any, axis: Any, keepdims: Any = False) -> Any:
    """The largest of numbers that are not negative: of none, 0, as their sum."""
    is_empty = math.prod(sizes.shape[i] for i in normalize_axis_tuple(axis, sizes.ndim)) == 0
    return np.sum(sizes, axis=axis, keepdims=keepdims) if is_empty else np.max(sizes, axis=axis, keepdims=keepdims)


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    return _of_vector(floating(x), ord, axes, keepdims)


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)

"""Derivatives of indexing. Taking elements and adding them back are each other's transpose, in linear time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..errors import ShapeError
from ..pullback import Placed, unbroadcast
from ..table import defvjp
from ..tensor import Tensor, bare
from ..values import is_duck
from .entry import as_array, composed, index_along, primitive


@primitive
def getitem(x: Any, key: Any) -> Any:
    """`x[key]` for every key that NumPy knows."""
    return x[key]


@primitive
def scatter_add(g: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` to which `g` is added at `key`: the transpose of `x[key]`. Repeated indices add up.

    `g` has the shape of `x[key]`, or is broadcast to it; the result has the dtype of `g`. Takes time linear in the
    sizes of both. Raises IndexError where `key` is none of such an array, `ShapeError` where `g` does not fit.
    """
    try:
        if not _may_repeat(key):
            return Placed(g, key, shape).whole()
        out = np.zeros_like(g, shape=shape)
        places = np.arange(out.size, like=out).reshape(shape)[key]
        g = np.broadcast_to(g, places.shape)
    except ValueError as error:
        x = np.empty(shape)
        raise ShapeError(
            f"ops.scatter_add: of an array x of shape {x.shape}, x[key] has shape {x[key].shape}, and what is added "
            f"there has {np.shape(g)}"
        ) from error
    if out.dtype.itemsize > 8:  # more precise than np.bincount is, and slower
        np.add.at(out, key, g)
        return out
    sums = np.bincount(np.ravel(places), np.ravel(g), minlength=out.size)
    return sums.astype(out.dtype).reshape(shape)


def _may_repeat(key: Any) -> bool:
    """Whether an element may be taken twice: only by an array (or list) of integers."""
    keys = key if isinstance(key, tuple) else (key,)
    return any(np.ndim(k) > 0 and as_array(k).dtype != bool for k in keys if not isinstance(k, slice))


SMALL = 10_000
"""Elements of an array that are gone through in the time that `_added_up` takes for a key, however short it is."""
SORTING = 25
"""Elements of an array that are gone through in the time that it takes to sort the place of one."""


def _getitem(g: Any, _ans: Any, _x: Any, key: Any) -> Any:
    if type(g) is Tensor or is_duck(g) or not _x.shape:
        return scatter_add(g, key, _x.shape)
    if not _may_repeat(key):
        return Placed(g, key, _x.shape)
    placed = _added_up(g, key, _x.shape)
    return scatter_add(g, key, _x.shape) if placed is None else placed


def _added_up(g: Any, key: Any, shape: tuple[int, ...]) -> Placed | None:
    """The gradient of `x[key]` where arrays of integers stand side by side in the key: repeated places are added up.

    None for another key, and where so many elements are taken that it is faster to go through the whole array.
    """
    if math.prod(shape) < SMALL:
        return None
    keys = key if isinstance(key, tuple) else (key,)
    axes = [i for i, k in enumerate(keys) if not (isinstance(k, slice) and k == slice(None))]
    indices: Sequence[Any] = [np.asarray(keys[i]) for i in axes]
    if axes[-1] - axes[0] != len(axes) - 1 or any(i.dtype.kind not in "iu" for i in indices):
        return None
    before, span, after = shape[: axes[0]], shape[axes[0] : axes[-1] + 1], shape[axes[-1] + 1 :]
    indices = np.broadcast_arrays(*indices)
    if SORTING * indices[0].size + g.size > math.prod(shape):
        return None
    places = np.ravel_multi_index(indices, span, mode="wrap").ravel()
    order = np.argsort(places, kind="stable")
    places = places[order]
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    if starts.size == places.size:
        return Placed(g, key, shape)
    rows = g.reshape(*before, places.size, *after).take(order, len(before))
    sums = np.add.reduceat(rows, starts, len(before), np.result_type(g.dtype, np.float64)).astype(g.dtype, copy=False)
    return Placed(sums, (*(slice(None) for _ in before), *np.unravel_index(places[starts], span)), shape)


defvjp(getitem, _getitem, None)


def _scatter_add(h: Any, _ans: Any, _g: Any, key: Any, _shape: Any) -> Any:
    taken = h[key]
    return taken if taken.shape == _g.shape else unbroadcast(taken, _g.shape)


defvjp(scatter_add, _scatter_add, None, None)


def with_axis(a: Any, axis: int | None) -> tuple[Any, int]:
    """The array and its axis, counted from the front; without an axis, all elements in a row."""
    return (a.reshape(-1), 0) if axis is None else (a, normalize_axis_index(axis, a.ndim))


def in_a_row(a: Any, axis: int | None) -> tuple[Any, int]:
    """The array and its axis, as `with_axis` gives them; a number counts as a row of one."""
    return with_axis(a if a.ndim else a.reshape(1), axis)


@composed(np.take)
def take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    a, axis = in_a_row(as_array(a), axis)
    indices = as_array(bare(indices))
    indices = indices.astype(np.intp, casting="same_kind" if indices.size else "unsafe")
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"np.take: mode is 'raise', 'wrap' or 'clip', not {mode!r}")
    if mode != "raise":
        last = a.shape[axis] - 1
        indices = np.mod(indices, last + 1) if mode == "wrap" else np.clip(indices, 0, last)
    return a[index_along(axis, a.ndim, indices)]


@composed(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    indices = as_array(bare(indices))
    arr, axis = with_axis(as_array(arr), axis)
    if indices.ndim != arr.ndim:
        raise ShapeError(f"np.take_along_axis: the indices have {indices.ndim} dimensions, and the array {arr.ndim}")
    if indices.dtype.kind not in "iu":
        raise IndexError(f"np.take_along_axis: indices are integers, not {indices.dtype}")
    grid = list(np.ogrid[tuple(map(slice, arr.shape))])
    grid[axis] = indices
    return arr[tuple(grid)]


@composed(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    if np.ndim(condition) != 1:
        raise ShapeError(f"np.compress: the condition is a vector, and this one has {np.ndim(condition)} dimensions")
    return np.take(a, np.flatnonzero(condition), axis)


@composed(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return np.take(arr, np.flatnonzero(condition))


@composed(np.choose)
def choose(a: Any, choices: Any, *, mode: str = "raise") -> Any:
    a, choices = as_array(bare(a)), [c if isinstance(c, (int, float)) else as_array(c) for c in choices]
    shape = np.broadcast_shapes(a.shape, *map(np.shape, choices))
    index = np.broadcast_to(np.choose(a, range(len(choices)), mode=mode), (1, *shape))  # type: ignore[call-overload]  # by name
    dtype = np.result_type(*choices)
    return np.take_along_axis(np.stack([np.broadcast_to(c, shape).astype(dtype) for c in choices]), index, 0)[0]


@composed(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    x = as_array(bare(x))
    counts = np.bincount(x, bare(weights), minlength)
    return counts if weights is None else scatter_add(as_array(weights).astype(np.float64), x, counts.shape)


# -- order: sorting takes the elements along the sorting permutation


@composed(np.sort)
def sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Any:
    a, axis = with_axis(a, axis)
    return np.take_along_axis(a, np.argsort(a, axis, kind, stable=stable), axis)


@composed(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1) -> Any:
    a, axis = with_axis(a, axis)
    return np.take_along_axis(a, np.argpartition(a, kth, axis), axis)

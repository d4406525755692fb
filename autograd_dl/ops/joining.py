"""Derivatives of the functions that join, cut, repeat and pad arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..errors import ShapeError, UnsupportedError
from ..table import defvjp
from ..tensor import Tensor, bare, loses_gradient
from .entry import as_array, composed, part, present, primitive
from .indexing import in_a_row, with_axis
from .shape import atleast_1d, atleast_2d, atleast_3d

# -- joining


@primitive(stands_for=np.concatenate)
def _concatenate(*arrays: Any, axis: int = 0) -> Any:
    return np.concatenate(arrays, axis)


def _cut(g: Any, _ans: Any, *_arrays: Any, axis: int = 0) -> list[Any]:
    edges = accumulate((a.shape[axis] for a in _arrays), initial=0)
    return [part(g, axis, start, stop) for start, stop in pairwise(edges)]


defvjp(_concatenate, joint=_cut)


@composed(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    if axis is None:
        return _concatenate(*(np.ravel(a) for a in arrays), axis=0)
    return _concatenate(*map(as_array, arrays), axis=axis)


@composed(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    return concatenate([np.expand_dims(a, axis) for a in arrays], axis)


@composed(np.hstack)
def hstack(tup: Sequence[Any]) -> Any:
    arrays = [atleast_1d(a) for a in tup]
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@composed(np.vstack)
def vstack(tup: Sequence[Any]) -> Any:
    return concatenate([atleast_2d(a) for a in tup], 0)


@composed(np.dstack)
def dstack(tup: Sequence[Any]) -> Any:
    return concatenate([atleast_3d(a) for a in tup], 2)


@composed(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Any:
    arrays = [atleast_1d(a) for a in tup]
    return concatenate([a.reshape(-1, 1) if a.ndim == 1 else a for a in arrays], 1)


@composed(np.block)
def block(arrays: Any) -> Any:
    def joined(part: Any, depth: int) -> Any:
        if isinstance(part, list) != (depth > 0):
            raise ShapeError("np.block takes lists that are all nested equally deep")
        if depth == 0:
            part = as_array(part)
            return part.reshape((1,) * (ndim - part.ndim) + part.shape)
        return concatenate([joined(p, depth - 1) for p in part], -depth)

    def depth_of(part: Any) -> int:
        return 1 + max(map(depth_of, part), default=0) if isinstance(part, list) else 0

    def largest(part: Any) -> int:
        return max(map(largest, part), default=0) if isinstance(part, list) else int(np.ndim(part))

    depth = depth_of(arrays)
    ndim = max(depth, largest(arrays))
    return joined(arrays, depth) if depth else np.copy(joined(arrays, 0))


@composed(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate([arr, values], axis)


# -- cutting


@composed(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    ary, places = as_array(ary), bare(indices_or_sections)
    axis = normalize_axis_index(axis, ary.ndim)
    if np.ndim(places):
        edges = [0, *places, ary.shape[axis]]
    else:
        sections = int(places)
        if sections <= 0:
            raise ShapeError(f"np.array_split: the number of sections must be positive, not {sections}")
        each, extras = divmod(ary.shape[axis], sections)
        edges = [i * each + min(i, extras) for i in range(sections + 1)]
    return [part(ary, axis, start, stop) for start, stop in pairwise(edges)]


@composed(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    ary, places = as_array(ary), bare(indices_or_sections)
    axis = normalize_axis_index(axis, ary.ndim)
    if np.ndim(places) == 0 and (places < 1 or ary.shape[axis] % places):
        raise ShapeError(f"np.split: {ary.shape[axis]} elements do not make {places} equal sections")
    return array_split(ary, places, axis)


@composed(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(_of_ndim("vsplit", ary, 2), indices_or_sections, 0)


@composed(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    ary = _of_ndim("hsplit", ary, 1)
    return split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@composed(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(_of_ndim("dsplit", ary, 3), indices_or_sections, 2)


def _of_ndim(name: str, ary: Any, least: int) -> Any:
    ary = as_array(ary)
    if ary.ndim < least:
        raise ShapeError(f"np.{name} takes arrays of {least} or more dimensions, not of {ary.ndim}")
    return ary


@composed(*present("unstack"))
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    return tuple(np.moveaxis(x, axis, 0))


@composed(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    arr, axis = with_axis(as_array(arr), axis)
    return np.take(arr, np.delete(np.arange(arr.shape[axis]), bare(obj)), axis)


@composed(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    obj, values = bare(obj), as_array(values)
    arr, axis = with_axis(as_array(arr), axis)
    n = arr.shape[axis]
    values = values.reshape((1,) * (arr.ndim - values.ndim) + values.shape)
    if np.ndim(obj) == 0 and not isinstance(obj, slice):
        values = np.moveaxis(values, 0, axis)
    places = np.insert(np.arange(n), obj, 0).size - n
    new = values.shape[axis] if places == 1 else places
    shape = [new if i == axis else size for i, size in enumerate(arr.shape)]
    both = concatenate([arr, np.broadcast_to(values, shape).astype(arr.dtype)], axis)
    return np.take(both, np.insert(np.arange(n), obj, np.arange(n, n + new)), axis)


# -- repeating and padding


@composed(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    new_shape = tuple(new_shape) if np.ndim(new_shape) else (new_shape,)
    if min(new_shape, default=0) < 0:
        raise ShapeError(f"np.resize: lengths cannot be negative, as in {new_shape}")
    if a.size == 0:
        return Tensor(np.zeros_like(bare(a), shape=new_shape))
    return np.take(a, np.arange(math.prod(new_shape)).reshape(new_shape) % a.size)


@composed(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    a, axis = in_a_row(as_array(a), axis)
    return np.take(a, np.repeat(np.arange(a.shape[axis]), bare(repeats)), axis)


@composed(np.tile)
def tile(A: Any, reps: Any) -> Any:
    a, reps = as_array(A), bare(reps)
    reps = tuple(reps) if np.ndim(reps) else (reps,)
    ndim = max(a.ndim, len(reps))
    shape = (1,) * (ndim - a.ndim) + a.shape
    reps = (1,) * (ndim - len(reps)) + reps
    pairs = list(zip(reps, shape, strict=True))
    apart = np.broadcast_to(a.reshape([m for n in shape for m in (1, n)]), [m for pair in pairs for m in pair])
    ans = apart.reshape([r * n for r, n in pairs])
    return np.copy(ans) if all(1 in pair for pair in pairs) else ans  # without a pair to join it is a view


@primitive(stands_for=np.pad)
def _pad_constant(x: Any, widths: Any, value: Any) -> Any:
    return np.pad(x, widths, constant_values=value)


def _unpad(g: Any, _ans: Any, _x: Any, widths: Any, _value: Any) -> Any:
    return g[tuple(slice(before, before + n) for (before, _), n in zip(widths, _x.shape, strict=True))]


defvjp(_pad_constant, _unpad, None, None)


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Any:
    if array.ndim == 0:
        np.pad(np.zeros(()), pad_width)  # refuses what are no widths
        return array
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - array.ndim, 0)) for i in range(array.ndim)]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    widths = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    if loses_gradient(constant_values):
        raise UnsupportedError(
            "np.pad gives constant_values no gradient; pass t.numpy(), or put a number around by "
            "np.where(np.pad(np.ones(x.shape, bool), width), np.pad(x, width), t)"
        )
    if mode == "constant":
        return _pad_constant(array, widths, as_array(constant_values))
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise UnsupportedError(f"np.pad: mode {mode!r} is not recorded; use constant, edge, reflect, symmetric or wrap")
    for axis, width in enumerate(widths):
        array = np.take(array, np.pad(np.arange(array.shape[axis]), width, mode), axis)  # type: ignore[call-overload]  # a mode by name
    return array

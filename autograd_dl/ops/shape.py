"""Derivatives of the functions that change an array's shape, order or dtype, and of those that join and cut arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..table import defvjp
from .entry import composed, primitive


def _reshaped_back(g: Any, _ans: Any, _x: Any) -> Any:
    return g.reshape(_x.shape)


defvjp(np.reshape, lambda g, _ans, _x, _shape: g.reshape(_x.shape), None, raw=lambda x, shape: x.reshape(shape))
defvjp(np.ravel, _reshaped_back)
defvjp(np.squeeze, lambda g, _ans, _x, axis=None: g.reshape(_x.shape))
defvjp(np.expand_dims, lambda g, _ans, _x, _axis: g.reshape(_x.shape), None)
defvjp(np.broadcast_to, lambda g, _ans, _x, _shape: g, None, broadcasts=True)
defvjp(np.copy, lambda g, _ans, _x: g)


def _transposed_back(g: Any, _ans: Any, _x: Any, axes: Sequence[int] | None = None) -> Any:
    if axes is None:
        return g.transpose()
    back = sorted(range(len(axes)), key=lambda i: axes[i] % len(axes))
    return g.transpose(back)


defvjp(np.transpose, _transposed_back)
defvjp(np.swapaxes, lambda g, _ans, _x, axis1, axis2: g.swapaxes(axis1, axis2), None, None)
defvjp(np.moveaxis, lambda g, _ans, _x, source, destination: np.moveaxis(g, destination, source), None, None)
defvjp(np.flip, lambda g, _ans, _x, axis=None: np.flip(g, axis))
defvjp(np.tril, lambda g, _ans, _x, k=0: np.tril(g, k))
defvjp(np.triu, lambda g, _ans, _x, k=0: np.triu(g, k))


def _rolled_back(g: Any, _ans: Any, _x: Any, shift: Any, axis: Any = None) -> Any:
    return np.roll(g, tuple(-s for s in shift) if isinstance(shift, tuple) else -shift, axis)


defvjp(np.roll, _rolled_back, None)


@primitive
def astype(x: Any, dtype: Any) -> Any:
    """The array converted to another dtype. A gradient flows only to and from floating dtypes."""
    return x.astype(dtype)


defvjp(astype, lambda g, _ans, _x, _dtype: g.astype(_x.dtype), None)


@composed(np.astype)
def _astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    return x.astype(dtype, copy=copy)


# -- joining


@primitive
def _concatenate(*arrays: Any, axis: int = 0) -> Any:
    return np.concatenate(arrays, axis)


def _cut(i: int, g: Any, _ans: Any, *_arrays: Any, axis: int = 0) -> Any:
    start = sum(a.shape[axis] for a in _arrays[:i])
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, start + _arrays[i].shape[axis]),)]


defvjp(_concatenate, each=_cut)


@composed(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    if axis is None:
        return _concatenate(*(np.ravel(a) for a in arrays), axis=0)
    return _concatenate(*(a if hasattr(a, "shape") else np.asarray(a) for a in arrays), axis=axis)


@composed(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    return concatenate([np.expand_dims(a, axis) for a in arrays], axis)


@composed(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    return _each(arrays, lambda a: a.reshape(1) if a.ndim == 0 else a)


@composed(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    return _each(arrays, lambda a: a.reshape(1, -1) if a.ndim < 2 else a)


@composed(np.atleast_3d)
def atleast_3d(*arrays: Any) -> Any:
    def raised(a: Any) -> Any:
        return a.reshape(1, -1, 1) if a.ndim < 2 else a.reshape(*a.shape, 1) if a.ndim == 2 else a

    return _each(arrays, raised)


def _each(arrays: Sequence[Any], fun: Any) -> Any:
    results = tuple(fun(a if hasattr(a, "shape") else np.asarray(a)) for a in arrays)
    return results[0] if len(results) == 1 else results


@composed(np.hstack)
def hstack(arrays: Sequence[Any]) -> Any:
    arrays = [atleast_1d(a) for a in arrays]
    return concatenate(arrays, 0 if arrays[0].ndim == 1 else 1)


@composed(np.vstack)
def vstack(arrays: Sequence[Any]) -> Any:
    return concatenate([atleast_2d(a) for a in arrays], 0)


@composed(np.dstack)
def dstack(arrays: Sequence[Any]) -> Any:
    return concatenate([atleast_3d(a) for a in arrays], 2)


@composed(np.column_stack)
def column_stack(arrays: Sequence[Any]) -> Any:
    arrays = [atleast_1d(a) for a in arrays]
    return concatenate([a.reshape(-1, 1) if a.ndim == 1 else a for a in arrays], 1)


@composed(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return concatenate([arr, values], axis)


# -- cutting


@composed(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if np.ndim(indices_or_sections):
        edges = [0, *indices_or_sections, ary.shape[axis]]
    else:
        sections = int(indices_or_sections)
        if sections <= 0:
            raise ValueError(f"np.array_split: the number of sections must be positive, not {sections}")
        each, extras = divmod(ary.shape[axis], sections)
        edges = [i * each + min(i, extras) for i in range(sections + 1)]
    before = (slice(None),) * (axis % ary.ndim)
    return [ary[(*before, slice(start, stop))] for start, stop in pairwise(edges)]


@composed(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % indices_or_sections:
        raise ValueError(f"np.split: {ary.shape[axis]} elements do not make {indices_or_sections} equal sections")
    return array_split(ary, indices_or_sections, axis)


@composed(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 0)


@composed(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@composed(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return split(ary, indices_or_sections, 2)


@composed(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    return tuple(np.moveaxis(x, axis, 0))


# -- repeating and padding


@composed(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = a.reshape(-1), 0
    return np.take(a, np.repeat(np.arange(a.shape[axis]), repeats), axis)


@composed(np.tile)
def tile(A: Any, reps: Any) -> Any:
    reps = tuple(reps) if np.ndim(reps) else (reps,)
    ndim = max(A.ndim, len(reps))
    shape = (1,) * (ndim - A.ndim) + A.shape
    reps = (1,) * (ndim - len(reps)) + reps
    pairs = list(zip(reps, shape, strict=True))
    apart = np.broadcast_to(A.reshape([m for n in shape for m in (1, n)]), [m for pair in pairs for m in pair])
    return apart.reshape([r * n for r, n in pairs])


@primitive
def _pad_constant(x: Any, widths: Any, value: Any) -> Any:
    return np.pad(x, widths, constant_values=value)


def _unpad(g: Any, _ans: Any, _x: Any, widths: Any, _value: Any) -> Any:
    return g[tuple(slice(before, before + n) for (before, _), n in zip(widths, _x.shape, strict=True))]


defvjp(_pad_constant, _unpad, None, None)


@composed(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0, **kwargs: Any) -> Any:
    if isinstance(pad_width, dict):
        pad_width = [pad_width.get(i, pad_width.get(i - array.ndim, 0)) for i in range(array.ndim)]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    widths = np.broadcast_to(pad_width, (array.ndim, 2)).tolist()
    if mode == "constant":
        return _pad_constant(array, widths, constant_values, **kwargs)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise UnsupportedError(f"np.pad: mode {mode!r} is not recorded; use constant, edge, reflect, symmetric or wrap")
    for axis, width in enumerate(widths):
        array = np.take(array, np.pad(np.arange(array.shape[axis]), width, mode, **kwargs), axis)  # type: ignore[call-overload]
    return array


# -- turning and diagonals


@composed(np.fliplr)
def fliplr(m: Any) -> Any:
    return np.flip(m, 1)


@composed(np.flipud)
def flipud(m: Any) -> Any:
    return np.flip(m, 0)


@composed(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    k %= 4
    if k == 2:
        return np.flip(m, axes)
    if k == 1:
        return np.swapaxes(np.flip(m, axes[1]), *axes)
    return np.flip(np.swapaxes(m, *axes), axes[1]) if k == 3 else np.copy(m)


@composed(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


@composed(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    axis, start = axis % a.ndim, start + a.ndim * (start < 0)
    return np.moveaxis(a, axis, start - (axis < start))


@composed(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@composed(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    length = max(0, min(a.shape[-2] + min(offset, 0), a.shape[-1] - max(offset, 0)))
    i = np.arange(length)
    return a[..., i - min(offset, 0), i + max(offset, 0)]


@primitive
def _diag_of_vector(v: Any, k: int) -> Any:
    return np.diag(v, k)


defvjp(_diag_of_vector, lambda g, _ans, _v, k: np.diagonal(g, k), None)


@composed(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    if v.ndim not in (1, 2):
        raise ValueError(f"np.diag takes a 1-D or 2-D array, not {v.ndim}-D")
    return _diag_of_vector(v, k) if v.ndim == 1 else np.diagonal(v, k)


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return _diag_of_vector(v.reshape(-1), k)


@composed(np.size)
def size(a: Any, axis: int | None = None) -> int:
    return math.prod(a.shape) if axis is None else a.shape[axis]


@composed(np.ndim)
def ndim(a: Any) -> int:
    return int(a.ndim)


@composed(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    return tuple(a.shape)

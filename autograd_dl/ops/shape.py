"""Derivatives of the functions that change an array's shape, order or dtype."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..dispatch import RESTATED
from ..errors import ShapeError, UnsupportedError
from ..table import defvjp
from ..tensor import Tensor, bare
from .entry import as_array, composed, present, primitive

defvjp(np.reshape, lambda g, _ans, _x, _shape: g.reshape(_x.shape), None, raw=lambda x, shape: x.reshape(shape))
defvjp(np.ravel, lambda g, _ans, _x: g.reshape(_x.shape))
defvjp(np.squeeze, lambda g, _ans, _x, axis=None: g.reshape(_x.shape))
defvjp(np.expand_dims, lambda g, _ans, _x, _axis: g.reshape(_x.shape), None)
defvjp(np.broadcast_to, lambda g, _ans, _x, _shape: g, None, broadcasts=True)
defvjp(np.copy, lambda g, _ans, _x, order="K": g)


def _reshaped_by_columns(x: Any, shape: Any, order: str, **rest: Any) -> Any:
    if rest:
        return NotImplemented
    _refuse_unless_by_columns("np.reshape", order)
    return x.T.reshape(shape[::-1] if np.ndim(shape) else shape).T


def _raveled_by_columns(x: Any, order: str) -> Any:
    _refuse_unless_by_columns("np.ravel", order)
    return x.T.reshape(-1)


def _refuse_unless_by_columns(title: str, order: str) -> None:
    if order != "F":
        raise UnsupportedError(f'{title}: where a gradient is needed, the order is "C" or "F", not {order!r}')


RESTATED[np.reshape, "order"] = _reshaped_by_columns
RESTATED[np.ravel, "order"] = _raveled_by_columns


def _transposed_back(g: Any, _ans: Any, _x: Any, axes: Sequence[int] | None = None) -> Any:
    if axes is None:
        return g.transpose()
    return g.transpose(sorted(range(g.ndim), key=normalize_axis_tuple(axes, g.ndim).__getitem__))


defvjp(np.transpose, _transposed_back)
defvjp(np.swapaxes, lambda g, _ans, _x, axis1, axis2: g.swapaxes(axis1, axis2), None, None)
defvjp(np.moveaxis, lambda g, _ans, _x, source, destination: np.moveaxis(g, destination, source), None, None)
defvjp(np.flip, lambda g, _ans, _x, axis=None: np.flip(g, axis))
defvjp(np.tril, lambda g, _ans, _x, k=0: np.tril(g, k), broadcasts=True)
defvjp(np.triu, lambda g, _ans, _x, k=0: np.triu(g, k), broadcasts=True)


def _rolled_back(g: Any, _ans: Any, _x: Any, shift: Any, axis: Any = None) -> Any:
    return np.roll(g, -np.asarray(shift, np.intp), axis)


defvjp(np.roll, _rolled_back, None)


def _windows_back(g: Any, _ans: Any, _x: Any, _window_shape: Any, axis: Any = None) -> Any:
    """The sum over the places in a window: what arrives there, at where each window has that place."""
    ndim = _x.ndim
    axes = range(ndim) if axis is None else normalize_axis_tuple(axis, ndim, allow_duplicate=True)
    total = np.zeros_like(g, shape=_x.shape)
    for place in np.ndindex(*g.shape[ndim:]):
        before = [sum(p for p, a in zip(place, axes, strict=True) if a == i) for i in range(ndim)]
        after = [n - m - b for n, m, b in zip(_x.shape, g.shape, before, strict=False)]
        total = total + np.pad(g[(..., *place)], list(zip(before, after, strict=True)))
    return total


defvjp(np.lib.stride_tricks.sliding_window_view, _windows_back, None)


@primitive
def astype(x: Any, dtype: Any) -> Any:
    """The array converted to another dtype. A gradient flows only to and from floating dtypes."""
    return x.astype(dtype)


defvjp(astype, lambda g, _ans, _x, _dtype: g.astype(_x.dtype), None)


@composed(*present("astype"))
def _astype(x: Any, dtype: Any, copy: bool = True) -> Any:
    return x.astype(dtype, copy=copy)


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
    results = tuple(fun(as_array(a)) for a in arrays)
    return results[0] if len(results) == 1 else results


@composed(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    if type(fill_value) is not Tensor:
        return np.full_like(bare(a), as_array(fill_value), dtype, shape=shape)
    return np.broadcast_to(fill_value, a.shape if shape is None else shape).astype(dtype or a.dtype)


@composed(np.real)
def real(val: Any) -> Any:
    return val


@composed(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    return a


# -- turning, spreading and diagonals


@composed(np.fliplr)
def fliplr(m: Any) -> Any:
    return np.flip(m, 1)


@composed(np.flipud)
def flipud(m: Any) -> Any:
    return np.flip(m, 0)


@composed(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    if len(plane := normalize_axis_tuple(axes, m.ndim)) != 2:
        raise ShapeError(f"np.rot90 turns in the plane of two axes, not of {len(plane)}")
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
    axis = normalize_axis_index(axis, a.ndim)
    start = start if start == a.ndim else normalize_axis_index(start, a.ndim)
    return np.moveaxis(a, axis, start - (axis < start))


@composed(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(np.shape(a) for a in args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@composed(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"np.meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    axes = list(range(len(xi)))
    if indexing == "xy":
        axes[:2] = axes[1::-1]
    lines = [np.reshape(x, [-1 if i == axis else 1 for i in range(len(xi))]) for x, axis in zip(xi, axes, strict=True)]
    grids = tuple(lines) if sparse else broadcast_arrays(*lines)
    return tuple(map(np.copy, grids)) if copy else grids


@composed(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    return _rolled_by_half(x, axes, 1)


@composed(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    return _rolled_by_half(x, axes, -1)


def _rolled_by_half(x: Any, axes: Any, direction: int) -> Any:
    axes = tuple(range(x.ndim)) if axes is None else normalize_axis_tuple(axes, x.ndim, allow_duplicate=True)
    return np.roll(x, tuple(direction * (x.shape[i] // 2) for i in axes), axes)


@composed(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    a = np.moveaxis(a, (axis1, axis2), (-2, -1))
    length = max(0, min(a.shape[-2] + min(offset, 0), a.shape[-1] - max(offset, 0)))
    i = np.arange(length)
    return a[..., i - min(offset, 0), i + max(offset, 0)]


@primitive(stands_for=np.diag)
def _diag_of_vector(v: Any, k: int) -> Any:
    return np.diag(v, k)


defvjp(_diag_of_vector, lambda g, _ans, _v, k: np.diagonal(g, k), None)


@composed(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    if v.ndim not in (1, 2):
        raise ShapeError(f"np.diag takes a 1-D or 2-D array, not {v.ndim}-D")
    return _diag_of_vector(v, k) if v.ndim == 1 else np.diagonal(v, k)


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return _diag_of_vector(v.reshape(-1), k)

"""A caching allocator: memory of large arrays that is used again.

A system gives a program its memory page by page, each when it is first written to, and takes a large block back as soon
as it is free. A step of training that makes the same arrays as the step before would pay for all of them anew: a tenth
to a quarter of a convolutional network's time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST, LARGEST = 1 << 18, 1 << 25
"""Bytes of the arrays whose memory is kept."""
KEPT = 1 << 28
"""Bytes that are kept at most for arrays to come."""

_free: dict[int, NDArray[np.uint8]] = {}


def empty(like: Any, shape: tuple[int, ...]) -> Any:
    """An array of this shape, in C order, of the kind and dtype of `like`, to be filled."""
    size = math.prod(shape) * like.dtype.itemsize
    if type(like) is not np.ndarray or not SMALLEST <= size <= LARGEST or like.dtype.hasobject:
        return np.empty_like(like, order="C", shape=shape)
    return np.asarray(_Loan(_taken(size), shape, like.dtype))


def empty_like(like: Any) -> Any:
    """An array of the shape, the kind and the dtype of `like`, in its order in memory, to be filled."""
    axes = sorted(range(like.ndim), key=lambda axis: -like.strides[axis])
    return empty(like, tuple(like.shape[axis] for axis in axes)).transpose(np.argsort(axes))


def _taken(size: int) -> NDArray[np.uint8]:
    """Memory of so many bytes or up to twice as many. (Other threads take from the same, each step alone is atomic.)"""
    fitting = sorted((m.nbytes, key) for key, m in tuple(_free.items()) if size <= m.nbytes <= 2 * size)
    for _, key in fitting:
        memory = _free.pop(key, None)
        if memory is not None:
            return memory
    return np.empty(size, np.uint8)


class _Loan:
    """Memory that an array stands in. NumPy has all views of the array hold it; it is free when the last is gone."""

    __slots__ = ("__array_interface__", "memory")

    def __init__(self, memory: NDArray[np.uint8], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.memory = memory
        self.__array_interface__ = memory.__array_interface__ | {"shape": shape, "typestr": dtype.str}

    def __del__(self, free: dict[int, NDArray[np.uint8]] = _free, most: int = KEPT) -> None:
        free[id(self.memory)] = self.memory
        excess = sum(memory.nbytes for memory in tuple(free.values())) - most
        for key in tuple(free):
            if excess <= 0:
                return
            oldest = free.pop(key, None)
            excess -= 0 if oldest is None else oldest.nbytes

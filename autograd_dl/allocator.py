"""A caching allocator: memory of large arrays that is used again.

A system gives a program its memory page by page, each when it is first written to, and takes a large block back as soon
as it is free. A step of training that makes the same arrays as the step before would pay for all of them anew: a tenth
to a fifth of a convolutional network's time. All of it begins at a cache line.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .forks import in_child
from .values import aligned_memory

SMALLEST, LARGEST = 1 << 18, 1 << 25
"""Bytes of the arrays whose memory is kept."""
KEPT = 1 << 28
"""Bytes that are kept at most for arrays to come."""


def empty(like: Any, shape: tuple[int, ...]) -> Any:
    """An array of this shape, in C order, of the kind and dtype of `like`, to be filled."""
    size = math.prod(shape) * like.dtype.itemsize
    if type(like) is not np.ndarray or not SMALLEST <= size <= LARGEST or like.dtype.kind not in "fiu":
        return np.empty_like(like, order="C", shape=shape)
    return np.asarray(_Loan(_pool.take(size), shape, like.dtype))


def empty_like(like: Any) -> Any:
    """An array of the shape, the kind and the dtype of `like`, in its order in memory, to be filled."""
    axes = sorted(range(like.ndim), key=lambda axis: -like.strides[axis])
    return empty(like, tuple(like.shape[axis] for axis in axes)).transpose(np.argsort(axes))


def clear() -> None:
    """Give back all memory that is kept."""
    with _pool.lock:
        _pool.returned.clear()
        _pool.free.clear()


class _Pool:
    """Free memory, oldest first.

    An array may go at any moment, also within `take`. So `give` only puts its memory into a queue, and whoever holds
    the lock next moves it from there to what is free.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.free: list[NDArray[np.uint8]] = []
        self.returned: deque[NDArray[np.uint8]] = deque()

    def take(self, size: int) -> NDArray[np.uint8]:
        """The smallest memory of so many bytes or up to four times as many."""
        if self.lock.acquire(blocking=False):
            try:
                self._sort_in(KEPT)
                fitting = [(m.nbytes, i) for i, m in enumerate(self.free) if size <= m.nbytes <= 4 * size]
                if fitting:
                    return self.free.pop(min(fitting)[1])
            finally:
                self.lock.release()
        return aligned_memory(size)

    def give(self, memory: NDArray[np.uint8], most: int = KEPT) -> None:
        """Take memory back. (`most` is bound here as the module may have lost its names where a program ends.)"""
        self.returned.append(memory)
        if self.lock.acquire(blocking=False):
            try:
                self._sort_in(most)
            finally:
                self.lock.release()

    def _sort_in(self, most: int) -> None:
        while self.returned:
            self.free.append(self.returned.popleft())
        excess = sum(memory.nbytes for memory in self.free) - most
        while excess > 0:
            excess -= self.free.pop(0).nbytes


_pool = _Pool()
in_child(lambda: setattr(_pool, "lock", threading.Lock()))


class _Loan:
    """Memory that an array stands in. NumPy has all views of the array hold it; it is free when the last is gone."""

    __slots__ = ("__array_interface__", "memory")

    def __init__(self, memory: NDArray[np.uint8], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.memory = memory
        self.__array_interface__ = memory.__array_interface__ | {"shape": shape, "typestr": dtype.str}

    def __del__(self, give: Any = _pool.give) -> None:
        give(self.memory)

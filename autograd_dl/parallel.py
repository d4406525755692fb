"""Work in parts, on as many threads as BLAS may use, each of which calls BLAS with one thread."""

from __future__ import annotations

import functools
import importlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import numpy as np

from . import allocator
from .forks import in_child

T = TypeVar("T")

PIECE = 1 << 19
"""Bytes of each of several arrays that are in the cache together."""
SHARES = 8
"""Partial sums of a sum in parts: as many on any machine, so that all round alike."""

_inside: ContextVar[bool] = ContextVar("workers", default=False)
in_block = _inside.get
"""Whether this is computed in a block of `workers`, however many there are."""


class _Turn:
    """Which thread has the workers: BLAS has one number of threads for the whole process, so that only one can."""

    def __init__(self) -> None:
        self.lock, self.workers = threading.RLock(), 0


_turn = _Turn()


@contextmanager
def workers() -> Iterator[int]:
    """A block in which `for_each` has BLAS's threads for its own, and BLAS has one; gives how many there are.

    `for_each` opens one by itself. Around a whole computation, it spares BLAS's threads from being called between the
    parts: they wait for the next call in a busy loop, for some milliseconds, and slow down the others. There is one
    worker where threadpoolctl is not installed or does not know BLAS (Accelerate, on a Mac), where BLAS is held to one
    thread, or while another thread has them.
    """
    before = _inside.get()
    _inside.set(True)
    try:
        with _turned() as count:
            yield count
    finally:
        _inside.set(before)


@contextmanager
def _turned() -> Iterator[int]:
    blas, turn = _blas(), _turn  # a child process that is forked within the block has another one
    if blas is None or not turn.lock.acquire(blocking=False):
        yield 1
        return
    try:
        if turn.workers:
            yield turn.workers
        elif (count := _threads(blas)) == 1:
            yield 1
        else:
            with blas.limit(limits=1):
                turn.workers = count
                try:
                    yield count
                finally:
                    turn.workers = 0
    finally:
        turn.lock.release()


def for_each(begin: Callable[[], Callable[[T], object]], parts: Iterable[T]) -> None:
    """Work on all parts, in any order and several at once: each part must be written to a place of its own.

    `begin` is called once by each worker and returns what is to be called with parts, so that a worker can have memory
    of its own that it uses again. All share the caller's context (`np.errstate`).
    """
    left = deque(parts)
    if len(left) < 2:
        _work_off(begin, left)
        return
    with workers() as count:
        _share(begin, left, min(count, len(left)))


def sum_in_shares(
    begin: Callable[[], Callable[[Any, T], object]], parts: Sequence[T], like: Any, shape: tuple[int, ...]
) -> Any:
    """The sum over all parts, an array of this shape and of the kind and dtype of `like`, made of SHARES partial sums.

    What `begin` returns is called with a partial sum to add to, and a part. See `for_each`.
    """
    sums = np.zeros_like(like, order="C", shape=(SHARES, *shape))

    def begin_share() -> Callable[[tuple[int, slice]], None]:
        add = begin()

        def work(numbered: tuple[int, slice]) -> None:
            number, some = numbered
            for part in parts[some]:
                add(sums[number], part)

        return work

    for_each(begin_share, enumerate(shares(len(parts))))
    return sums.sum(0)


def in_pieces(fun: Callable[..., Any], *arrays: Any) -> Any:
    """fun(*arrays), elementwise; in a block of `workers`, of large arrays of one shape and dtype in pieces.

    `fun` takes `out=`, too, the array to write its result to. Pieces stay in the cache, and their temporary arrays are
    small.
    """
    first = arrays[0]
    if not in_block() or type(first) is not np.ndarray or first.nbytes <= 2 * PIECE:
        return fun(*arrays)
    ans = allocator.empty_like(first)
    if any(type(a) is not np.ndarray or a.dtype != ans.dtype or _layout(a) != _layout(ans) for a in arrays):
        return fun(*arrays)
    _write_in_pieces(fun, arrays, ans)
    return ans


def _write_in_pieces(fun: Callable[..., Any], arrays: Sequence[Any], ans: Any) -> None:
    """fun(*arrays), written to `ans` by all workers."""
    flat = [a.ravel("K") for a in (*arrays, ans)]
    step = PIECE // ans.itemsize

    def work(start: int) -> None:
        *inputs, out = (a[start : start + step] for a in flat)
        fun(*inputs, out=out)

    for_each(lambda: work, range(0, ans.size, step))


def _layout(a: Any) -> tuple[Any, ...]:
    """The shape, and the strides where they matter."""
    return a.shape, [stride for stride, size in zip(a.strides, a.shape, strict=True) if size > 1]


def shares(n: int, count: int = SHARES) -> list[slice]:
    """n things as so many slices, as even as can be."""
    return [slice(i * n // count, (i + 1) * n // count) for i in range(count)]


def _work_off(begin: Callable[[], Callable[[T], object]], left: deque[T]) -> None:
    work = begin()
    while left:
        try:
            part = left.popleft()
        except IndexError:  # another worker took the last one
            return
        work(part)


def _share(begin: Callable[[], Callable[[T], object]], left: deque[T], count: int) -> None:
    """Work on what is left in `count` threads, this one among them; nobody works any more when it returns."""
    others: list[Any] = []
    try:
        with suppress(RuntimeError):  # no thread begins any more where the program ends, or the system has none left
            others.extend(_pool().submit(copy_context().run, _work_off, begin, left) for _ in range(count - 1))
        _work_off(begin, left)
    finally:
        left.clear()
        for other in others:
            other.exception()  # waits
    for other in others:
        other.result()


@functools.cache
def _pool() -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(thread_name_prefix=__name__)


@functools.cache
def _blas() -> Any:
    """What controls the threads of BLAS, or None."""
    try:
        found = importlib.import_module("threadpoolctl").ThreadpoolController().select(user_api="blas")
    except ImportError:
        return None
    return found if found.lib_controllers else None


def _threads(blas: Any) -> int:
    """How many threads BLAS may use: NumPy's own, where it brought one; another library may have brought another."""
    found = {library.filepath: library.num_threads for library in blas.lib_controllers}
    return max((n for path, n in found.items() if "numpy" in path), default=max(found.values()))


def _begin_anew() -> None:
    global _turn
    _turn = _Turn()
    _pool.cache_clear()


in_child(_begin_anew)

"""Memory that is used again: never by two arrays at once, and not more of it than is said."""

import gc
import threading

import numpy as np
import pytest

from autograd_dl import allocator
from autograd_dl.allocator import empty, empty_like

LIKE = np.zeros(0, np.float32)
ROWS = 1000, 300


@pytest.fixture(autouse=True)
def nothing_free():
    gc.collect()
    allocator._free.clear()
    yield
    allocator._free.clear()


def address(a):
    return a.__array_interface__["data"][0]


def test_memory_is_used_again_when_the_last_view_is_gone():
    a = empty(LIKE, ROWS)
    a[...] = 1
    where, view = address(a), a[5:].T[::2]
    del a
    other = empty(LIKE, ROWS)
    assert address(other) != where
    assert (view == 1).all()
    del view
    assert address(empty(LIKE, ROWS)) == where


def test_an_array_is_as_any_other():
    a = empty(np.zeros(0), (500, 400))
    assert (a.shape, a.dtype, type(a)) == ((500, 400), np.dtype(float), np.ndarray)
    assert a.flags.c_contiguous
    assert a.flags.writeable
    assert a.flags.aligned


def test_smaller_arrays_may_have_it_but_not_much_smaller_ones():
    where = address(empty(LIKE, (4 * 10**5,)))
    assert address(empty(LIKE, (3 * 10**5,))) == where
    assert address(empty(LIKE, (10**5,))) != where


def test_the_closest_fit_is_taken():
    large, close = empty(LIKE, (10**6,)), empty(LIKE, (7 * 10**5,))
    where = address(close)
    del large, close
    assert address(empty(LIKE, (6 * 10**5,))) == where


@pytest.mark.parametrize("size", [10, allocator.LARGEST // 4 + 1, 0])
def test_neither_small_nor_huge_arrays_are_kept(size):
    assert empty(LIKE, (size,)).size == size
    assert not allocator._free


def test_arrays_of_objects_are_left_to_numpy():
    assert empty(np.array([None]), (10**5,))[0] is None


def test_what_is_kept_is_bounded_and_the_oldest_goes_first():
    size = allocator.LARGEST // 4
    arrays = [empty(LIKE, (size,)) for _ in range(2 * allocator.KEPT // allocator.LARGEST)]
    addresses = [address(a) for a in arrays]
    while arrays:
        del arrays[0]
    kept = [address(memory) for memory in allocator._free.values()]
    assert sum(memory.nbytes for memory in allocator._free.values()) == allocator.KEPT
    assert kept == addresses[len(addresses) // 2 :]


def test_the_order_in_memory_is_kept():
    x = np.zeros((50, 40, 30, 20), np.float32).transpose(0, 3, 1, 2)
    assert (empty_like(x).strides, empty_like(x).shape) == (x.strides, x.shape)
    assert empty_like(np.float32(3)).shape == ()


def test_threads_never_share_memory():
    wrong = []

    def work(number):
        for _ in range(300):
            a = empty(LIKE, (70_000,))
            a[...] = number
            if not (a == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

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
    allocator.clear()
    yield
    allocator.clear()


def free():
    empty(LIKE, (allocator.SMALLEST // 4,))  # sorts in what was returned
    return allocator._pool.free


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


def test_arrays_begin_at_a_cache_line():
    several = [empty(LIKE, (ROWS[0], ROWS[1] + i)) for i in range(5)]
    assert [address(a) % 64 for a in several] == [0] * 5


def test_an_array_is_as_any_other():
    a = empty(np.zeros(0), (500, 400))
    assert (a.shape, a.dtype, type(a)) == ((500, 400), np.dtype(float), np.ndarray)
    assert a.flags.c_contiguous
    assert a.flags.writeable
    assert a.flags.aligned


def test_smaller_arrays_may_have_it_but_not_much_smaller_ones():
    where = address(empty(LIKE, (5 * 10**5,)))
    assert address(empty(LIKE, (2 * 10**5,))) == where
    assert address(empty(LIKE, (10**5,))) != where


def test_the_closest_fit_is_taken():
    large, close = empty(LIKE, (7 * 10**5,)), empty(LIKE, (65 * 10**4,))
    where = address(close)
    del large, close
    assert address(empty(LIKE, (6 * 10**5,))) == where


@pytest.mark.parametrize("size", [10, allocator.LARGEST // 4 + 1, 0])
def test_neither_small_nor_huge_arrays_are_kept(size):
    assert empty(LIKE, (size,)).size == size
    assert len(free()) == 1


def test_arrays_of_objects_are_left_to_numpy():
    assert empty(np.array([None]), (10**5,))[0] is None


def test_what_is_kept_is_bounded_and_the_oldest_goes_first():
    size = allocator.LARGEST // 4
    arrays = [empty(LIKE, (size,)) for _ in range(2 * allocator.KEPT // allocator.LARGEST)]
    addresses = [address(a) for a in arrays]
    while arrays:
        del arrays[0]
    assert sum(memory.nbytes for memory in allocator._pool.free) == allocator.KEPT
    assert [address(memory) for memory in allocator._pool.free] == addresses[len(addresses) // 2 :]
    allocator.clear()
    assert not allocator._pool.free


def test_the_order_in_memory_is_kept():
    x = np.zeros((50, 40, 30, 20), np.float32).transpose(0, 3, 1, 2)
    assert (empty_like(x).strides, empty_like(x).shape) == (x.strides, x.shape)
    assert empty_like(np.float32(3)).shape == ()


def test_threads_and_cycles_never_share_memory():
    wrong = []

    def work(number):
        sizes = np.random.default_rng(number).integers(66_000, 120_000, 200)
        for size in sizes:
            a, cycle = empty(LIKE, (int(size),)), []
            cycle.append((cycle, a))  # is freed when the collector comes by, perhaps while memory is taken
            a[...] = number
            if a.size != size or not (a == number).all():
                wrong.append(number)

    thresholds = gc.get_threshold()
    gc.set_threshold(20)
    try:
        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.set_threshold(*thresholds)
    assert not wrong


def test_memory_that_comes_back_while_the_pool_is_at_work_is_kept_for_later():
    a = empty(LIKE, ROWS)
    where = address(a)
    with allocator._pool.lock:
        del a
        assert address(empty(LIKE, ROWS)) != where
    assert where in [address(memory) for memory in free()]

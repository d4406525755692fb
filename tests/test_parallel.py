"""Work in parts on several threads: all of it is done, with BLAS held, and nothing of it is left behind."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from blas import blas_threads

from autograd_dl import Tensor, ops, parallel
from autograd_dl.ops import products
from autograd_dl.parallel import for_each, in_block, workers
from autograd_dl.pullback import column_sums
from autograd_dl.table import TABLE
from models import DeepConvNet, SimpleConvNet

threadpoolctl = pytest.importorskip("threadpoolctl", reason="the extra 'train' is not installed")


@pytest.fixture
def two_threads():
    """BLAS with two threads, also on a machine with one core."""
    if not blas_threads():
        pytest.skip("threadpoolctl knows no BLAS here: NumPy has Accelerate, as on a Mac, or one without threads")
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        yield


def meeting():
    """A `begin` whose first two parts wait for each other: they must be worked on at once."""
    barrier = threading.Barrier(2, timeout=10)
    seen = []

    def work(part):
        if part < 2:
            barrier.wait()
        seen.append((part, threading.get_ident(), blas_threads(), np.geterr()["over"]))

    return lambda: work, seen


@pytest.mark.usefixtures("two_threads")
def test_parts_are_worked_on_at_once_while_blas_keeps_to_one_thread():
    begin, seen = meeting()
    with np.errstate(over="raise"):
        for_each(begin, range(7))
    assert sorted(part for part, *_ in seen) == list(range(7))
    assert len({thread for _, thread, *_ in seen}) == 2
    assert all(blas == {1} and over == "raise" for *_, blas, over in seen)
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_a_block_of_workers_serves_what_is_in_it():
    with workers() as count:
        assert (count, blas_threads()) == (2, {1})
        begin, seen = meeting()
        for_each(begin, range(3))
        assert len(seen) == 3
        with workers() as inner:
            assert inner == 2
        assert blas_threads() == {1}
    assert blas_threads() == {2}


def test_blas_with_one_thread_has_one_worker():
    here = set()
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        for_each(lambda: lambda _: here.add(threading.get_ident()), range(20))
    assert here == {threading.get_ident()}


def test_without_threadpoolctl_there_is_one_worker(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    parallel._blas.cache_clear()
    try:
        with workers() as count:
            assert count == 1
    finally:
        parallel._blas.cache_clear()


@pytest.mark.usefixtures("two_threads")
def test_no_part_or_one_needs_no_worker():
    done = []
    for_each(lambda: done.append, [])
    for_each(lambda: done.append, ["one"])
    assert done == ["one"]


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("faulty", [0, 1, 5])
def test_an_error_in_a_part_is_raised_and_nobody_works_any_more(faulty):
    begin, seen = meeting()

    def begin_faulty():
        work = begin()

        def work_or_raise(part):
            work(part)
            if part == faulty:
                raise ZeroDivisionError("a part")
            time.sleep(0.01)

        return work_or_raise

    with pytest.raises(ZeroDivisionError, match="a part"):
        for_each(begin_faulty, range(50))
    count = len(seen)
    time.sleep(0.05)
    assert len(seen) == count
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_a_second_thread_works_alone_meanwhile():
    counts = []

    def other():
        with workers() as count:
            counts.append(count)

    with workers():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert counts == [1]
    assert blas_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_a_gradient_of_many_images_is_the_same_on_any_number_of_threads():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((60, 8, 20, 20)), rng.standard_normal((8, 8, 3, 3))
    g = rng.standard_normal((60, 8, 20, 20))
    several = (
        ops.conv2d(x, w, None, 1, 1),
        ops.conv2d_filter(x, g, w.shape, 1, 1),
        ops.conv2d_input(g, w, x.shape, 1, 1),
    )
    with threadpoolctl.threadpool_limits(1, user_api="blas"):
        one = (
            ops.conv2d(x, w, None, 1, 1),
            ops.conv2d_filter(x, g, w.shape, 1, 1),
            ops.conv2d_input(g, w, x.shape, 1, 1),
        )
    for a, b in zip(several, one, strict=True):
        np.testing.assert_array_equal(a, b)


def channels_last(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32").transpose(0, 3, 1, 2)


@pytest.mark.parametrize("threads", [1, 2])
def test_there_is_a_block_or_none(threads):
    elsewhere = []
    with threadpoolctl.threadpool_limits(threads, user_api="blas"):
        assert not in_block()
        with workers():
            assert in_block()
            with workers():
                assert in_block()
            assert in_block()
            thread = threading.Thread(target=lambda: elsewhere.append(in_block()))
            thread.start()
            thread.join()
        assert not in_block()
    assert elsewhere == [bool(getattr(sys.flags, "thread_inherit_context", 0))]


@pytest.mark.parametrize("network", [SimpleConvNet, DeepConvNet])
def test_a_networks_gradient_is_the_same_on_any_number_of_threads(network):
    rng, found = np.random.default_rng(0), []
    x, t = rng.standard_normal((40, 1, 28, 28)), rng.integers(10, size=40)
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads, user_api="blas"):
            found.append(network(seed=0).gradient(x, t))
    for name, g in found[0].items():
        np.testing.assert_array_equal(g, found[1][name])


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    "x",
    [
        channels_last(40, 30, 30, 16),
        channels_last(40, 30, 30, 16)[:, ::2],
        channels_last(40, 30, 30, 16).astype("float64"),
        np.broadcast_to(np.float32(-1), (1000, 1000)),
        channels_last(2, 3, 4, 5),
    ],
    ids=["channels last", "not in a row", "float64", "one number", "small"],
)
def test_pieces_of_large_arrays_make_the_same_as_the_whole(x):
    (relu_back,) = TABLE[ops.relu].rules
    whole = ops.relu(x), relu_back(x + 1, x, x)
    with workers():
        pieces = ops.relu(x), relu_back(x + 1, x, x)
    for a, b in zip(pieces, whole, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("n", "k", "m"), [(100, 4320, 100), (4320, 100, 100), (100, 100, 4320), (3, 70_000, 80), (2, 3, 4)]
)
@pytest.mark.parametrize("turned", [False, True])
def test_large_matrix_products_are_shared(n, k, m, turned, monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((n, k)), rng.standard_normal((m, k)).T if turned else rng.standard_normal((k, m))
    parts = []

    def counted(begin, given):
        parts.extend(given)
        for_each(begin, parts)

    monkeypatch.setattr(products, "for_each", counted)
    whole = products._dot(a, b)
    assert not parts
    with workers():
        np.testing.assert_allclose(products._dot(a, b), whole, rtol=1e-12, atol=1e-10)
    assert len(parts) == (parallel.SHARES if n * k * m > products.LARGE else 0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "longdouble"])
@pytest.mark.parametrize("layout", ["rows", "columns", "steps"])
def test_large_products_are_those_of_numpy(layout, dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-8, 9, shape).astype(dtype) for shape in ((300, 5), (5, 70)))
    if layout != "rows":
        a = np.asfortranarray(a) if layout == "columns" else np.repeat(a, 2, axis=1)[:, ::2]
    assert len(a) * b.shape[1] > products.LARGE_RESULT
    product = np.dot(Tensor(a), Tensor(b))
    np.testing.assert_array_equal(product.numpy(), np.dot(a, b), strict=True)
    np.testing.assert_array_equal(
        np.dot(Tensor(a), Tensor(b.astype(int))).numpy(), np.dot(a, b.astype(int)), strict=True
    )


def test_large_products_that_numpy_refuses_are_refused():
    a = np.ones((4000, 100))
    with pytest.raises(ValueError, match="not aligned"):
        np.dot(Tensor(a), Tensor(np.ones((99, 4000))))


@pytest.mark.usefixtures("two_threads")
def test_products_that_numpy_refuses_are_refused_in_a_block_too():
    a = np.ones((4000, 100))
    with workers(), pytest.raises(ValueError, match="not aligned"):
        np.dot(Tensor(a), Tensor(np.ones((99, 4000))))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("shape", [(7, 40_000), (100_000, 16), (3, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", "int64"])
def test_columns_of_large_matrices_are_summed_in_parts(shape, dtype):
    x = np.random.default_rng(0).normal(0, 100, shape).astype(dtype)
    with workers():
        parts = column_sums(x)
    np.testing.assert_allclose(parts, x.sum(0, dtype=float), rtol=1e-4, atol=0.5)
    assert parts.dtype.kind == x.dtype.kind


@pytest.mark.usefixtures("two_threads")
def test_what_is_no_large_array_is_taken_in_a_block_too():
    with workers():
        assert ops.relu(-1.0) == 0
        (relu_back,) = TABLE[ops.relu].rules
        with pytest.raises(ValueError, match="broadcast"):
            relu_back(np.ones((512, 1024), "f4"), np.ones((1024, 1024), "f4"), None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.usefixtures("two_threads")
def test_a_child_process_has_workers_of_its_own():
    begin, _ = meeting()
    for_each(begin, range(3))
    with workers():
        child = os.fork()
        if not child:
            parallel._blas.cache_clear()
            done = []
            for_each(lambda: done.append, range(5))
            os._exit(0 if sorted(done) == list(range(5)) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.usefixtures("two_threads")
def test_a_child_process_leaves_the_block_that_it_was_forked_in():
    child = None
    try:
        with workers():
            child = os.fork()
        if not child:
            os._exit(0)
    finally:
        if child == 0:  # an error on the way out
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("most", [0, 1])
def test_where_no_more_threads_begin_the_others_do_all_of_it(monkeypatch, most):
    """Python begins none while the program ends, and the system may have none left."""
    pool, begun = parallel._pool(), []

    class FullPool:
        def submit(self, *work):
            if len(begun) == most:
                raise RuntimeError("can't start new thread")
            begun.append(pool.submit(*work))
            return begun[-1]

    monkeypatch.setattr(parallel, "_pool", FullPool)
    monkeypatch.setattr(parallel, "_threads", lambda _: 3)
    done = []
    for_each(lambda: done.append, range(5))
    assert sorted(done) == list(range(5))
    assert len(begun) == most


def test_a_thread_that_outlives_the_program_still_convolves():
    program = """
import threading
import numpy as np
from threadpoolctl import threadpool_limits
from autograd_dl import ops

def work():
    threading.main_thread().join()
    with threadpool_limits(2, user_api="blas"):
        ops.conv2d(np.ones((200, 8, 20, 20)), np.ones((8, 8, 3, 3)))
    print("done", flush=True)

threading.Thread(target=work).start()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")

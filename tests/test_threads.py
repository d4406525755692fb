"""Threads: eight of them train, switch recording off and on, and add to one gradient, without disturbing each other."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from autograd_dl import Tensor, detect_anomaly, enable_grad, engine, gradients, graph, is_grad_enabled, no_grad, scope
from autograd_dl.functional import softmax_loss
from autograd_dl.ops import relu

THREADS = 8


@pytest.fixture(autouse=True)
def frequent_switches():
    """Have the interpreter change threads a thousand times as often as usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(interval)


def together(fun):
    """Call `fun(i)` in all threads, which begin at once; returns the results, raises what they raise."""
    barrier = threading.Barrier(THREADS)

    def run(i):
        barrier.wait()
        return fun(i)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def train(seed, steps=40):
    """Train a small network, switching recording off and on; returns its weights as bytes."""
    rng = np.random.default_rng(seed)
    w1 = Tensor(rng.normal(size=(6, 8)), requires_grad=True, name="W1")
    w2 = Tensor(rng.normal(size=(8, 3)), requires_grad=True, name="W2")
    losses = []
    for step in range(steps):
        x, t = rng.normal(size=(5, 6)), rng.integers(0, 3, 5)
        with scope(f"thread {seed}"):
            loss = softmax_loss(relu(x @ w1) @ w2, t)
        assert loss.node.scope == (f"thread {seed}",)
        if step % 3:
            loss.backward()
            found = [w1.grad, w2.grad]
            w1.grad = w2.grad = None
        else:
            found = gradients(loss, [w1, w2])
        with no_grad():
            assert not softmax_loss(relu(x @ w1) @ w2, t).requires_grad
            assert not is_grad_enabled()
            with enable_grad():
                assert softmax_loss(relu(x @ w1) @ w2, t).requires_grad
        for w, g in zip((w1, w2), found, strict=True):
            w -= 0.1 * g
        losses.append(loss)
        assert is_grad_enabled()
    return w1.data.tobytes() + w2.data.tobytes() + np.array([float(loss) for loss in losses]).tobytes()


def test_training_in_eight_threads_gives_the_bits_of_training_in_one():
    assert together(train) == [train(seed) for seed in range(THREADS)]


def test_two_threads_add_to_one_grad():
    x = Tensor(np.ones(3), requires_grad=True)

    def add(i):
        for _ in range(200):
            np.sum(x * 2.0).backward()

    together(add)
    assert x.grad.tolist() == [THREADS * 200 * 2] * 3


def test_threads_run_backward_through_one_graph():
    x = Tensor(np.array([1.0, 2.0]), requires_grad=True)
    y = np.sum(np.exp(x) * x)
    expected = gradients(y, x)[0].tolist()

    def pull(i):
        y.backward(retain_graph=True)
        return gradients(y, x)[0].tolist()

    assert together(pull) == [expected] * THREADS
    assert x.grad.data == pytest.approx(np.array(expected) * THREADS)


def test_threads_record_from_one_leaf_while_another_changes_it():
    shared = Tensor(np.ones(50), requires_grad=True)
    done = threading.Event()

    def work(i):
        if i == 0:
            try:
                for _ in range(300):
                    shared.data -= 0.0
            finally:
                done.set()
            return
        kept = []
        while not done.is_set():
            kept.append(shared * shared)
            kept = kept[-5:]

    together(work)
    np.sum(shared * shared).backward()
    assert shared.grad.tolist() == [2] * 50


def test_a_change_in_any_thread_is_noticed():
    def stale(i):
        missed = 0
        for _ in range(200):
            w = Tensor(np.ones(2), requires_grad=True)
            y = np.sum(w * w)
            w -= 1
            try:
                y.backward()
                missed += 1
            except RuntimeError:
                pass
        return missed

    assert together(stale) == [0] * THREADS


def test_nodes_of_all_threads_have_numbers_of_their_own():
    def record(i):
        x = Tensor(1.0, requires_grad=True)
        return [(x * 2).node.number for _ in range(500)]

    numbers = [n for some in together(record) for n in some]
    assert len(set(numbers)) == THREADS * 500


def test_anomalies_are_watched_in_one_thread_only():
    def divide(i):
        x = Tensor(0.0, requires_grad=True)
        with np.errstate(all="ignore"):
            if i % 2 == 0:
                return float(1 / x)
            with detect_anomaly(), pytest.raises(FloatingPointError):
                1 / x
        return None

    assert together(divide) == [np.inf, None] * (THREADS // 2)


def can_be_had(lock):
    """Whether another thread gets the lock."""
    got = []

    def have():
        got.append(lock.acquire(timeout=1))
        if got[0]:
            lock.release()

    thread = threading.Thread(target=have)
    thread.start()
    thread.join()
    return got[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_process_waits_for_no_thread_of_its_parent():
    x = Tensor([1.0], requires_grad=True)
    with engine._grad_lock, graph._change_lock:
        child = os.fork()
        if not child:
            free = False
            try:
                free = can_be_had(engine._grad_lock) and can_be_had(graph._change_lock)
                if free:
                    (x * 2).backward()
                    x -= x.grad
            finally:
                os._exit(0 if free and x.tolist() == [-1] else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0

"""Memory: long graphs, bytes a node, training for long, and nothing left behind with the garbage collector off."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import contextmanager, suppress

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import checkpoint, detect_anomaly, gradients, hvp, jacobian, no_grad
from autograd_dl import grad as gradient_of
from autograd_dl.engine import Leaf, Node
from autograd_dl.errors import GraphError
from autograd_dl.ops import joining
from autograd_dl.table import PLANS_KEPT, TABLE

MILLION = 1_000_000


@contextmanager
def collector_off():
    """The garbage collector does not run, and all that there is already is hidden from it, and from `nodes_alive`."""
    gc.collect()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.enable()


def nodes_alive():
    return sum(type(o) in (Node, Leaf) for o in gc.get_objects())


def chain(y, x, length):
    for _ in range(length // 2):
        y = y * 0.5 + x
    return y


# -- a million ops


def test_a_million_ops_forward_an_exception_backward_and_freed():
    x = leaf(0.5)
    with collector_off():
        before = nodes_alive()
        half = chain(x, x, MILLION // 2)
        y = chain(half, x, MILLION // 2)

        def interrupt(g):
            raise KeyboardInterrupt

        remove = half.register_hook(interrupt)
        with pytest.raises(KeyboardInterrupt):
            y.backward(retain_graph=True)
        assert x.grad is None
        remove()
        y.backward()
        assert x.grad.item() == pytest.approx(2.0)
        del half, y, remove
        assert nodes_alive() == before


def test_a_million_ops_freed_without_backward():
    x = leaf(0.5)
    with collector_off():
        before = nodes_alive()
        y = chain(x, x, MILLION)
        del y
        assert nodes_alive() == before


def test_a_long_graph_freed_by_an_exception_on_its_way_back():
    x = leaf(0.5)
    with collector_off():
        before = nodes_alive()
        try:
            half = chain(x, x, 100_000)
            half.register_hook(lambda g: 1 / 0)
            chain(half, x, 100_000).backward()
        except ZeroDivisionError:
            pass
        del half
        assert nodes_alive() == before


def test_a_long_graph_of_arrays_made_stale():
    x, w = leaf([0.5]), leaf([0.5])
    y = x
    for _ in range(50_000):
        y = y * w
    w -= 1
    with pytest.raises(GraphError, match="changed in place"):
        y.backward()


def test_a_long_graph_through_an_op_of_several_results():
    x = leaf([[0.5, 0.1], [0.1, 0.5]])
    y = x
    for _ in range(3000):
        values, vectors = np.linalg.eigh(y)
        y = y + 1e-9 * (vectors * values)
    np.sum(y).backward()
    assert np.isfinite(x.grad.data).all()


def test_create_graph_of_a_long_graph():
    x = leaf(0.5)
    with collector_off():
        (first,) = gradients(chain(x, x, 50_000) * x, x, create_graph=True)
        (second,) = gradients(first, x)
        assert second.item() == pytest.approx(4)  # y is 2x (nearly), y x is 2x²
        del first


@pytest.mark.parametrize(
    ("op", "most"),
    [
        (lambda y, x: y * 0.5 + x, 2 * 450),
        (lambda y, x: y * x, 450),
        (lambda y, x: np.sin(y), 450),
        (lambda y, x: y[...] if y.ndim else y + x, 450),
    ],
)
def test_bytes_a_node(op, most):
    n = 5_000
    x = leaf(0.5)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    y = x
    for _ in range(n):
        y = op(y, x)
    size = (tracemalloc.get_traced_memory()[0] - before) / n
    tracemalloc.stop()
    assert size <= most


# -- training


def test_training_does_not_grow():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(8, 5))
    w = leaf(rng.normal(size=(5, 3)))

    def memory_after(steps):
        for _ in range(steps):
            np.sum(np.tanh(data @ w)).backward()
            w.data -= 0.01 * w.grad.data
            w.zero_grad()
        gc.collect()  # empties Python's own free lists too
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    early = memory_after(1000)
    late = memory_after(10_000)
    tracemalloc.stop()
    assert abs(late - early) < 64_000


def test_sums_over_many_rows_leave_nothing():
    def summed(rows):
        b = leaf([1.0, 2.0])
        np.sum(b + np.zeros((rows, 2))).backward()
        assert b.grad.tolist() == [rows, rows]

    summed(10)
    tracemalloc.start()
    for rows in (200_000, 300_000):
        summed(rows)
    left = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert left < 64_000


def test_ops_of_many_patterns_of_arguments_keep_few_plans():
    x, plans = leaf([1.0]), TABLE[joining._concatenate].plans
    for n in range(1, 3 * PLANS_KEPT):
        y = np.concatenate([x] * n)
    assert len(plans) <= PLANS_KEPT
    y.backward(np.ones(n))
    assert x.grad.tolist() == [n]


# -- nothing is left behind with the collector off


def plain():
    x = leaf([1.0, 2.0])
    np.sum(np.exp(x) * x).backward()


def unused():
    x = leaf([1.0, 2.0])
    np.exp(x) * x @ np.ones((2, 2))


def create_graph():
    x = leaf([1.0, 2.0])
    y = np.sum(x**3 * np.exp(x))
    y.backward(create_graph=True)
    np.sum(x.grad**2).backward(create_graph=True)


def create_graph_and_retained():
    x = leaf([1.0, 2.0])
    y = np.exp(x)
    y.retain_grad()
    np.sum(y * y).backward(create_graph=True)
    gradients(np.sum(y.grad), [x, y], create_graph=True)


def nested_transforms():
    gradient_of(gradient_of(gradient_of(lambda x: x**4)))(2.0)
    gradient_of(lambda x: gradient_of(lambda y: x * y * y)(x))(leaf(2.0))
    jacobian(gradient_of(lambda x: np.sum(x**3)))(leaf([1.0, 2.0]))
    hvp(lambda x: np.sum(np.sin(x)), (np.ones(3),), (np.ones(3),))


def hooks():
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g) or g * x)
    remove = x.register_hook(lambda g: g * 2)
    np.sum(y).backward(create_graph=True)
    remove()


def exceptions():
    x = leaf([[1.0, 2.0]], name="x")
    for fail in (
        lambda: x @ x,
        lambda: np.linalg.inv(leaf(np.zeros((2, 2)))),
        lambda: np.fft.fft(x),
        lambda: (x * x).backward(),
        lambda: np.sum(x, axis=x),
    ):
        with suppress(ValueError, TypeError):
            fail()


def exceptions_on_the_way_back():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: 1 / 0)
    for create in (False, True):
        with suppress(ZeroDivisionError):
            np.sum(np.exp(x)).backward(create_graph=create)


def anomalies():
    x = leaf(0.0)
    with np.errstate(all="ignore"), detect_anomaly():
        for create in (False, True):
            with suppress(FloatingPointError):
                np.sqrt(x).backward(create_graph=create)


def checkpoints():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    segment = checkpoint(lambda x, w: checkpoint(np.sin)(x * w) * w)
    np.sum(segment(segment(x, w), w)).backward()
    y = np.sum(segment(x, w))
    gradients(gradients(y, x, create_graph=True)[0], w, np.ones(2))
    y.backward(create_graph=True)


def in_place():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    kept = []
    for _ in range(5):
        kept.append(np.sum(x * w))
        w -= 0.1
        w[0] = 1
        with no_grad():
            x.data -= 1


def several_results():
    x = leaf([[2.0, 1.0], [1.0, 3.0]])
    values, vectors = np.linalg.eigh(x)
    np.sum(values * vectors).backward(create_graph=True)
    np.linalg.svd(x)


PROGRAMS = [
    plain,
    unused,
    create_graph,
    create_graph_and_retained,
    nested_transforms,
    hooks,
    exceptions,
    exceptions_on_the_way_back,
    anomalies,
    checkpoints,
    in_place,
    several_results,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_nothing_is_left_with_the_collector_off(program):
    program()  # once, to fill the caches
    with collector_off():
        before = nodes_alive()
        program()
        assert nodes_alive() == before
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            gc.collect()
            ours = [o for o in gc.garbage if type(o).__module__.startswith("autograd_dl")]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
        assert ours == []

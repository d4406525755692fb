"""Programs at the edge: interrupted, deep, wide, huge, empty, or full of NaN."""

from __future__ import annotations

import contextlib
import gc
import sys

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, detect_anomaly, grad, gradients, no_grad, scope
from autograd_dl.engine import toposort
from autograd_dl.errors import GraphError
from autograd_dl.mode import current_mode
from autograd_dl.ops import defvjp, primitive
from autograd_dl.table import TABLE


@contextlib.contextmanager
def little_stack():
    """Allow few calls inside calls beyond the present ones."""
    limit, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + 60)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@pytest.fixture
def interrupting():
    """An op that is interrupted on its way back, or forward."""

    def forward(x):
        if x.size == 0:
            raise KeyboardInterrupt
        return x * 1.0

    def back(g, _ans, _x):
        raise KeyboardInterrupt

    op = primitive(forward)
    defvjp(op, back)
    yield op
    del TABLE[op]


# -- interrupted


def test_interrupted_forward(interrupting):
    before = current_mode()
    with pytest.raises(KeyboardInterrupt), no_grad(), scope("s"), detect_anomaly():
        interrupting(leaf([]))
    assert current_mode() is before


@pytest.mark.parametrize("create_graph", [False, True])
def test_interrupted_on_the_way_back(interrupting, create_graph):
    before, errors = current_mode(), np.geterr()
    x, w = leaf([1.0]), leaf([2.0])
    y = np.sum(interrupting(np.exp(x)) * w)
    with pytest.raises(KeyboardInterrupt):
        y.backward(create_graph=create_graph)
    assert {node.args is None for node in toposort([y.node]) if node.op is not None} == {not create_graph}
    assert x.grad is None
    assert w.grad is None
    assert current_mode() is before
    assert np.geterr() == errors
    (x * w).backward()  # the lock is free
    assert w.grad.tolist() == [1]


def test_interrupted_in_a_generator_of_losses():
    def losses():
        x = leaf(1.0)
        with no_grad():
            while True:
                yield x * 2

    steps = losses()
    next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt)
    assert (leaf(1.0) * 2).requires_grad


# -- deep and wide


def test_deep_graphs_need_no_deep_stack():
    x, w = leaf([0.5]), leaf([0.5])
    with little_stack():
        y = x
        for i in range(2000):
            with scope(str(i)):
                y = np.sin(y * w) + x
        toposort([y.node])
        (g,) = gradients(y, x, create_graph=True)
        np.sum(g * g).backward(create_graph=True)
        gradients(y, w)
        held = [y, g, x.grad]
        w -= 1
        with pytest.raises(GraphError):
            y.backward()
        x.grad = None
        del y, g, held
    gc.collect()


def test_many_modes_need_no_deep_stack():
    def suspended():
        with no_grad():
            yield

    generators = [suspended() for _ in range(300)]
    for generator in generators:
        next(generator)
    with little_stack():
        while generators:
            generators.pop(0).close()
    assert (leaf(1.0) * 2).requires_grad


def test_a_wide_graph():
    x = leaf(np.ones(3))
    parts = [x * i for i in range(5000)]
    np.sum(np.concatenate(parts)).backward()
    assert x.grad.tolist() == [5000 * 4999 / 2] * 3


def test_thousands_of_leaves():
    leaves = [leaf([1.0]) for _ in range(3000)]
    total = np.sum(np.stack(leaves) * np.arange(3000.0).reshape(-1, 1))
    found = gradients(total, [*leaves, *leaves])
    assert [g.item() for g in found] == [*range(3000)] * 2
    total.backward()
    assert [t.grad.item() for t in leaves] == [*range(3000)]


def test_many_hooks_and_retained_gradients():
    x = leaf(1.0)
    seen = []
    y = x
    for _ in range(300):
        y = y * 1.0
        y.retain_grad()
        y.register_hook(seen.append)
    y.backward()
    assert len(seen) == 300


def test_high_derivatives():
    x = leaf(0.5)
    y = np.exp(x)
    for _ in range(12):
        (y,) = gradients(y, x, create_graph=True)
    assert y.item() == pytest.approx(np.exp(0.5))
    f = np.sin
    for _ in range(6):
        f = grad(f)
    assert f(0.5) == pytest.approx(-np.sin(0.5))


def test_huge_names():
    x = leaf([1.0, 2.0], name="n" * 100_000)
    with scope("s" * 100_000):
        y = x * x
    x -= 1
    with pytest.raises(GraphError, match="n" * 1000):
        y.backward([1.0, 1.0])


# -- not finite, and empty


def test_nan_and_infinities_flow_like_numbers():
    x = leaf([np.nan, np.inf, -np.inf, 0.0, 1e308, 5e-324])
    with np.errstate(all="ignore"):
        y = x * x
        y.backward(np.array([1.0, 1.0, 1.0, np.nan, 1.0, np.inf]))
        expected = 2 * x.data * [1.0, 1.0, 1.0, np.nan, 1.0, np.inf]
    assert np.array_equal(x.grad.data, expected, equal_nan=True)


def test_a_network_that_overflows_trains_on_in_silence():
    w = leaf(np.full((3, 3), 1e200))
    with np.errstate(all="ignore"):
        for _ in range(3):
            loss = np.sum((np.ones((2, 3)) @ w @ w) ** 2)
            loss.backward()
            w -= 0.1 * w.grad.data
            w.zero_grad()
    assert not np.isfinite(w.data).any()
    assert str(loss) in ("inf", "nan")


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_empty_arrays(shape):
    x, b = leaf(np.ones(shape)), leaf(np.ones(shape[-1:]))
    y = np.sum(np.exp(x + b) * x, axis=0)
    np.sum(y).backward()
    assert x.grad.shape == shape
    assert b.grad.tolist() == [0] * shape[-1]
    x -= x.grad
    assert x[:0].shape == (0, *shape[1:])
    (g,) = gradients(np.sum(x * b), b, create_graph=True)
    assert gradients(np.sum(g), x)[0].shape == shape


def test_backward_of_an_empty_output_needs_a_seed():
    x = leaf(np.ones((0, 3)))
    with pytest.raises(ValueError, match="has 0 elements: give the gradient"):
        (x * 2).backward()
    (x * 2).backward(np.ones((0, 3)))
    assert x.grad.shape == (0, 3)


def test_the_largest_dimension_count():
    x = leaf(np.ones((1,) * 20))
    np.sum(x * x.T + x[..., None][..., 0]).backward()
    assert x.grad.shape == (1,) * 20


# -- closures and strange users


def test_a_graph_outlives_its_scope_and_its_tensors():
    def make():
        x = leaf([1.0, 2.0], name="inner")
        return x * x

    y = make()
    y.backward([1.0, 1.0])
    assert [n.name for n in toposort([y.node])] == [None, "inner"]


def test_a_tensor_may_hold_its_own_gradients_graph():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    x.data = x.data * 2
    with pytest.raises(GraphError, match="changed in place"):
        x.grad.backward()
    x.grad = None


def test_swapping_data_between_leaves():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = np.sum(a * b)
    a.data, b.data = b.data, a.data
    assert (a.tolist(), b.tolist()) == ([3, 4], [1, 2])
    assert not np.shares_memory(a.data, b.data)
    with pytest.raises(GraphError):
        y.backward()


def test_a_gradient_used_as_data():
    x = leaf([1.0, 2.0])
    np.sum(x * x).backward()
    v = Tensor(x.grad, requires_grad=True)
    assert not np.shares_memory(v.data, x.grad.data)
    x.grad -= 1
    assert v.tolist() == [2, 4]

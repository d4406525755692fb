"""After the backward pass: what is let go, what stays, and what a second pass says."""

from __future__ import annotations

import tracemalloc
import weakref

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import gradients
from autograd_dl.engine import toposort
from autograd_dl.errors import GraphError, ShapeError
from autograd_dl.ops import defvjp, primitive
from autograd_dl.table import TABLE, Outline


@pytest.fixture
def failing():
    """An op whose rule raises."""

    def fail(g, _ans, _x):
        raise ZeroDivisionError

    made = primitive(lambda x: x * 1.0)
    defvjp(made, fail)
    yield made
    del TABLE[made]


def held(tensor):
    """How many nodes of a graph still have what their rules read."""
    return sum(bool(node.args) for node in toposort([tensor.node]) if node.op is not None)


def test_a_second_backward_names_retain_graph():
    x = leaf([1.0, 2.0])
    y = np.sum(x * x)
    y.backward()
    with pytest.raises(GraphError, match=r"released by an earlier backward\(\).*retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == [2, 4]


def test_retain_graph():
    x = leaf([1.0, 2.0])
    y = np.sum(np.exp(x) * x)
    y.backward(retain_graph=True)
    first = x.grad.data
    y.backward(retain_graph=True)
    y.backward()
    assert np.array_equal(x.grad.data, first + first + first)
    with pytest.raises(GraphError):
        y.backward()


def test_create_graph_implies_retain_graph():
    x = leaf(3.0)
    y = x * x
    y.backward(create_graph=True)
    y.backward()
    assert x.grad.item() == 12


def test_a_part_that_another_graph_shares_is_released_with_it():
    x = leaf([1.0, 2.0])
    shared = np.exp(x)
    a, b = np.sum(shared * 2), np.sum(shared * shared)
    a.backward()
    with pytest.raises(GraphError, match=r"released .*np\.exp"):
        b.backward()
    assert x.grad.tolist() == (2 * np.exp([1.0, 2.0])).tolist()


def test_gradients_do_not_release_unless_told_to():
    x = leaf([1.0, 2.0])
    y = np.sum(x * x)
    gradients(y, x)
    assert held(y)
    gradients(y, x, retain_graph=False)
    assert not held(y)
    z = np.sum(x * x)
    gradients(z, x, retain_graph=False, create_graph=True)
    assert held(z)


def test_the_arrays_go():
    x = leaf(np.ones(100_000), name="x")
    middle = np.exp(x)
    y = np.sum(np.sin(middle) * middle)
    arrays = [weakref.ref(middle.data)]
    arrays += [weakref.ref(a) for n in toposort([y.node]) for a in (*n.args, n.value) if isinstance(a, np.ndarray)]
    del middle
    assert any(a() is not None for a in arrays)
    y.backward()
    alive = [a() for a in arrays if a() is not None]
    assert all(a is x.data or a.nbytes <= 4096 for a in alive)


def test_the_arrays_go_while_the_walk_goes_on():
    x = leaf(np.ones(100_000))
    memory = []
    tracemalloc.start()
    y = first = np.sin(x)
    for _ in range(20):
        y = np.sin(y)  # keeps its argument: 800 kB each
    y = np.sum(y)
    first.register_hook(lambda g: memory.append(tracemalloc.get_traced_memory()[0]))
    memory.append(tracemalloc.get_traced_memory()[0])
    y.backward()
    tracemalloc.stop()
    before, near_the_end = memory
    assert before > 16e6
    assert near_the_end < 4e6


def test_the_skeleton_stays():
    x = leaf(np.ones((30, 40)), name="x")
    a = x * 2
    y = np.sum(a, axis=1)
    z = np.sum(y)
    ops = [n.op and n.op.title for n in toposort([z.node])]
    numbers = [n.number for n in toposort([z.node])]
    z.backward()
    nodes = toposort([z.node])
    assert [n.op and n.op.title for n in nodes] == ops == ["np.sum", "np.sum", "np.multiply", None]
    assert [n.number for n in nodes] == numbers
    assert [n.name for n in nodes] == [None, None, None, "x"]
    assert [n.value.shape for n in nodes] == [(), (30,), (30, 40), (30, 40)]
    assert nodes[1].kwargs["axis"] == 1
    assert nodes[0].value == 2400
    assert nodes[1].value.tolist() == [80] * 30
    assert type(nodes[2].value) is Outline
    assert nodes[2].inputs[1] == 2
    assert z.tolist() == 2400


def test_the_output_keeps_its_values():
    x = leaf(np.ones(10_000))
    y = np.exp(x)
    y.backward(np.ones(10_000))
    assert type(y.node.value) is Outline
    assert y.data[0] == np.e


def test_an_error_on_the_way_back_releases_all(failing):
    x, w = leaf(np.ones(10_000)), leaf(np.ones(10_000))
    y = np.sum(np.exp(failing(np.exp(x))) * w)
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert not held(y)
    with pytest.raises(GraphError, match="released"):
        y.backward()


def test_an_error_with_retain_graph_releases_nothing(failing):
    x = leaf(np.ones(3))
    y = np.sum(failing(np.exp(x)))
    with pytest.raises(ZeroDivisionError):
        y.backward(retain_graph=True)
    assert held(y)
    assert gradients(np.sum(np.exp(x)), x)[0].tolist() == [np.e] * 3


def test_a_refused_seed_releases_nothing():
    y = leaf([1.0, 2.0]) * 2
    with pytest.raises(ShapeError):
        y.backward()
    assert held(y)
    y.backward([1.0, 1.0])


def test_a_leaf_survives_its_graphs():
    x = leaf([1.0, 2.0])
    np.sum(x * x).backward()
    np.sum(x * x).backward()
    x.backward([1.0, 1.0])
    x.backward([1.0, 1.0])
    assert x.grad.tolist() == [6, 10]


def test_nodes_that_no_gradient_reached_are_released_too():
    x = leaf(np.ones(10_000))
    first, second = np.linalg.eigh(np.exp(x).reshape(100, 100) + 0.0)
    y = np.sum(first)
    assert held(y)
    y.backward()
    assert not held(y)
    assert second.requires_grad


@pytest.mark.parametrize("read", [lambda y: y + 1, lambda y: np.sum(y), lambda y: np.concatenate([y, y])])
def test_an_argument_that_no_rule_reads_is_not_kept(read):
    y = np.exp(leaf(np.ones(1_000)))
    z = read(y)
    kept = weakref.ref(y._value)
    del y
    gradients(np.sum(z), [z], retain_graph=True)
    assert kept() is not None  # exp itself keeps it
    np.sum(z).backward()
    assert kept() is None
    assert z.node is not None

"""What `.grad` is: written all or nothing, added to, owned, writable, and sharing memory with nothing."""

from __future__ import annotations

import itertools
import re
import warnings

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, gradients, no_grad
from autograd_dl.errors import AnomalyError, DTypeError, GraphError, RuleError, ShapeError
from autograd_dl.mode import detect_anomaly
from autograd_dl.ops import defvjp, primitive
from autograd_dl.table import TABLE


@pytest.fixture
def op():
    """Make an op of one argument with this rule."""
    before = dict(TABLE)

    def make(fun, rule=None, **form):
        made = primitive(fun)
        defvjp(made, *([rule] if rule else []), **form)
        return made

    yield make
    TABLE.clear()
    TABLE.update(before)


def apart(*arrays):
    """Whether no two of the arrays share memory."""
    return not any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2))


# -- all or nothing


def test_a_raising_rule_leaves_every_grad_as_it_was(op):
    def fail(g, _ans, _x):
        raise ZeroDivisionError

    bad = op(lambda x: x * 1.0, fail)
    x, w = leaf([1.0]), leaf([2.0])
    (x * w).backward()
    with pytest.raises(ZeroDivisionError):
        (bad(x) * w + w).backward()  # w is reached before the rule raises
    assert (x.grad.tolist(), w.grad.tolist()) == ([2], [1])


def test_a_raising_hook_leaves_every_grad_as_it_was():
    x, w = leaf([1.0]), leaf([2.0])

    def fail(g):
        raise KeyboardInterrupt

    x.register_hook(fail)
    y = x * w
    with pytest.raises(KeyboardInterrupt):
        y.backward()
    assert x.grad is None
    assert w.grad is None


def test_a_wrong_rule_leaves_every_grad_as_it_was(op):
    bad = op(lambda x: x * 1.0, lambda g, _ans, _x: np.ones(7))
    x, w = leaf([1.0]), leaf([2.0])
    with pytest.raises(RuleError):
        (bad(x) * w).backward()
    assert w.grad is None


def test_an_anomaly_leaves_every_grad_as_it_was():
    x, w = leaf(0.0), leaf(2.0)
    with detect_anomaly():
        y = np.sqrt(x) * w
        with pytest.raises(AnomalyError):
            y.backward()
    assert w.grad is None


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("given", [Tensor, np.asarray, np.ndarray.tolist])
def test_a_grad_that_the_user_put_there_and_does_not_fit(given, shape):
    w = leaf([2.0])
    with pytest.raises(ShapeError, match=rf"the \.grad of .* must have its shape \(1,\), not {re.escape(str(shape))}"):
        w.grad = given(np.zeros(shape))
    assert w.grad is None


@pytest.mark.parametrize("given", ["a", {}, [["a", "b"]], [None, 1.0], 1j])
def test_a_grad_that_is_no_numbers(given):
    w = leaf([1.0, 2.0])
    with pytest.raises(DTypeError, match="numbers"):
        w.grad = given
    assert w.grad is None


def test_a_grad_that_the_user_put_there_keeps_its_shape_and_is_a_tensor():
    w, g = leaf([1.0, 2.0]), np.ones(2)
    w.grad = g
    g.resize((2, 1), refcheck=False)
    (w * 2).sum().backward()
    assert w.grad.tolist() == [3, 3]
    w.grad = [1.0, 2.0]
    assert (0.5 * w.grad).tolist() == [0.5, 1]


def test_a_grad_that_the_user_put_there_as_an_array_is_added_to():
    x = leaf([1.0, 2.0])
    x.grad = mine = np.array([10.0, 20.0])
    np.sum(x * x).backward()
    assert type(x.grad) is Tensor
    assert x.grad.tolist() == [12, 24]
    assert mine.tolist() == [10, 20]


# -- added across calls


def test_grads_add_up_across_calls_and_graphs():
    x = leaf([1.0, 2.0])
    for expected in ([2, 4], [4, 8], [6, 12]):
        np.sum(x * x).backward()
        assert x.grad.tolist() == expected
    y = np.sum(x * 3)
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [12, 18]


def test_adding_makes_a_new_array():
    x = leaf([1.0, 2.0])
    np.sum(x * x).backward()
    first = x.grad
    np.sum(x * x).backward()
    assert first.tolist() == [2, 4]
    assert apart(first.data, x.grad.data)


def test_zero_grad_forgets():
    x = leaf([1.0, 2.0])
    np.sum(x * x).backward()
    x.zero_grad()
    assert x.grad is None
    np.sum(x * x).backward()
    assert x.grad.tolist() == [2, 4]


def test_a_retained_gradient_adds_up_too():
    x = leaf(3.0)
    y = x * 2
    y.retain_grad()
    z = y * y
    z.backward(retain_graph=True)
    z.backward()
    assert y.grad.item() == 24


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_sum_has_the_dtype_of_the_tensor(create_graph):
    w = Tensor(np.ones(2, "f4"), requires_grad=True)
    w.grad = np.ones(2)  # float64
    np.sum(w * w).backward(create_graph=create_graph)
    assert w.grad.dtype == np.float32
    assert w.grad.tolist() == [3, 3]


def test_half_precision_is_summed_in_single():
    x = Tensor(np.ones(1), requires_grad=True, dtype=np.float16)
    parts = [x * 1 for _ in range(3000)]
    np.sum(np.concatenate(parts)).backward()
    assert x.grad.dtype == np.float16
    assert x.grad.item() == 3000  # in float16 alone it would stop at 2048


def test_an_overflow_in_the_sum_is_an_infinity_without_a_warning():
    x = Tensor(np.ones(1), requires_grad=True, dtype=np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (x + x).backward(np.array([40000.0]))
        assert x.grad.tolist() == [np.inf]
        x.grad = Tensor([60000.0], dtype=np.float16)
        (x * 1).backward(np.array([60000.0]))
    assert x.grad.tolist() == [np.inf]


# -- owned, writable, of its tensor's dtype and shape

IDENTITIES = {
    "add": lambda x: x + 0,
    "positive": lambda x: +x,
    "reshape": lambda x: x.reshape(-1).reshape(x.shape),
    "transpose": lambda x: x.T.T,
    "copy": lambda x: x.copy(),
    "getitem": lambda x: x[...],
    "broadcast": lambda x: np.broadcast_to(x, x.shape),
    "stack": lambda x: np.stack([x])[0],
    "flip": lambda x: np.flip(np.flip(x)),
    "astype": lambda x: x.astype(x.dtype),
    "leaf itself": lambda x: x,
    "multiply": lambda x: x * 1,
    "exp": lambda x: np.exp(x),
}


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_grad_owns_its_memory(name, shape, dtype):
    x = Tensor(np.ones(shape), requires_grad=True, dtype=dtype)
    seed = np.ones(shape, dtype)
    y = IDENTITIES[name](x)
    if not y.is_leaf:
        y.retain_grad()
    y.backward(seed)
    g = x.grad.data
    assert (g.shape, g.dtype) == (shape, dtype)
    assert g.flags.writeable
    assert g.flags.owndata
    for other in (x.data, seed, y.data, *([] if y.is_leaf else [y.grad.data])):
        assert apart(g, other)


@pytest.mark.parametrize("name", IDENTITIES)
def test_two_leaves_never_share_a_gradient(name):
    x, w = leaf([[1.0, 2.0]]), leaf([[3.0, 4.0]])
    np.sum(IDENTITIES[name](x) + IDENTITIES[name](w)).backward()
    assert apart(x.grad.data, w.grad.data)
    x.grad.data[...] = 7
    assert 7 not in w.grad.data


def test_gradients_are_owned_apart_and_not_the_seed():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    seed = np.ones(2)
    y = x + w
    found = [g.data for g in gradients(y, [x, w, y, x], seed)]
    assert apart(seed, *found)
    assert all(g.flags.owndata and g.flags.writeable for g in found)


def test_what_hooks_captured_is_not_the_gradient():
    x = leaf([1.0, 2.0])
    caught = []
    y = x + 0
    for t in (y, x):
        t.register_hook(lambda g: caught.append(g.data))
    y.backward([1.0, 1.0])
    assert apart(x.grad.data, caught[0])
    assert apart(x.grad.data, caught[1])


def test_what_a_hook_returned_is_copied():
    x = leaf([1.0, 2.0])
    mine = np.array([5.0, 6.0])
    x.register_hook(lambda g: Tensor(mine))
    np.sum(x * 2).backward()
    assert x.grad.tolist() == [5, 6]
    assert apart(x.grad.data, mine)


def test_create_graph_gives_memory_of_its_own_too():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    seed = np.ones(2)
    (x + w).backward(seed, create_graph=True)
    assert apart(x.grad.data, w.grad.data, seed, x.data, w.data)


def test_a_rule_that_returns_what_it_was_given(op):
    seed = np.array([5.0, 6.0])
    weights = np.array([7.0, 8.0])
    rules = {
        "g": lambda g, _ans, _x: g,
        "ans": lambda g, ans, _x: ans,
        "x": lambda g, _ans, x: x,
        "the keyword": lambda g, _ans, _x, weights=None: weights,
    }
    for name, rule in rules.items():
        x = leaf([1.0, 2.0])
        made = op(lambda x, weights=None: x * 3.0, rule)
        y = made(x, weights=weights) if name == "the keyword" else made(x)
        y.backward(seed)
        assert apart(x.grad.data, x.data, y.data, seed, weights), name


def test_a_rule_of_several_results_that_returns_what_it_was_given(op):
    seed = np.array([5.0, 6.0])
    for rule in (lambda g, _ans, _x: (g[0],), lambda g, ans, _x: (ans[0],)):
        x = leaf([1.0, 2.0])
        first, second = op(lambda x: (x * 2.0, x * 3.0), joint=rule)(x)
        first.backward(seed)
        assert apart(x.grad.data, seed, first.data, second.data)


def test_a_joint_rule_that_returns_one_array_twice(op):
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])

    def both(g, _ans, _x, _w):
        part = g * 2
        return part, part

    y = op(lambda x, w: x + w, joint=both)(x, w)
    y.backward([1.0, 1.0])
    assert apart(x.grad.data, w.grad.data)
    assert x.grad.tolist() == w.grad.tolist() == [2, 2]


def test_in_flight_sums_do_not_change_what_came_before():
    x = leaf([1.0, 2.0])
    seed = np.array([1.0, 1.0])
    a = x + 0  # its gradient is the seed itself, three times over
    y = a + a + a
    caught = []
    a.register_hook(lambda g: caught.append(g.data))
    y.retain_grad()
    y.backward(seed)
    assert x.grad.tolist() == caught[0].tolist() == [3, 3]
    assert seed.tolist() == y.grad.tolist() == [1, 1]


def test_a_gradient_given_is_not_changed():
    x = leaf(np.ones((3, 3)))
    seed = np.arange(9.0).reshape(3, 3)
    before = seed.copy()
    (x @ x + x + x * x).backward(seed)
    assert np.array_equal(seed, before)


def test_grads_of_views_and_order():
    x = Tensor(np.asfortranarray(np.arange(6.0).reshape(2, 3)), requires_grad=True)
    np.sum(x.T[::-1] * np.arange(6.0).reshape(3, 2)).backward()
    assert np.array_equal(x.grad.data, np.arange(6.0).reshape(3, 2)[::-1].T)
    assert x.grad.data.flags.owndata


def test_a_grad_needs_none_itself_and_can_be_computed_with():
    x = leaf([1.0, 2.0])
    np.sum(x * x).backward()
    assert not x.grad.requires_grad
    assert (x.grad * 2).tolist() == [4, 8]
    x.grad *= 0.5
    assert x.grad.tolist() == [1, 2]
    with no_grad():
        x -= 0.1 * x.grad
    assert x.data == pytest.approx([0.9, 1.8])


def test_refusals_leave_grads_alone():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = np.sum(x * w)
    w -= 1
    with pytest.raises(GraphError):
        y.backward()
    assert x.grad is None
    assert w.grad is None


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("create_graph", [False, True])
def test_many_gradients_of_float16_are_summed_in_float32(shape, create_graph):
    x = Tensor(np.ones(shape), requires_grad=True, dtype=np.float16)
    y = sum((x * 1 for _ in range(4096)), np.float16(0))
    np.sum(y).backward(create_graph=create_graph)
    assert x.grad.dtype == np.float16
    assert x.grad.item() == 4096


def test_an_array_that_a_rule_keeps_is_copied(op):
    kept = np.full(10_000, 2.0)
    f = op(lambda x: x * 2, lambda g, _ans, _x: kept)
    x, y = leaf(np.ones(10_000)), leaf(np.ones(10_000))
    np.sum(f(x)).backward()
    np.sum(f(y)).backward()
    assert apart(x.grad.data, y.grad.data, kept)


def test_a_large_array_that_a_rule_made_is_kept_without_a_copy(op):
    made = []

    def rule(g, _ans, _x):
        part = g * 2
        made.append(part.ctypes.data)
        return part

    f = op(lambda x: x * 2, rule)
    x = leaf(np.ones(10_000))
    np.sum(f(x)).backward()
    assert x.grad.data.ctypes.data == made[0]


def test_a_seed_that_comes_back_is_a_tensor_of_its_own():
    x, v = leaf([1.0, 2.0]), leaf([3.0, 4.0], name="mine")
    (r,) = gradients(x + 1, x, v, create_graph=True)
    assert r.node is not v.node
    assert r.requires_grad
    (again,) = gradients(np.sum(r * r), v)
    assert again.tolist() == [6.0, 8.0]
    c = Tensor(np.ones(2))
    (r,) = gradients(x + 1, x, c, create_graph=True)
    r.name = "other"
    assert c.name is None

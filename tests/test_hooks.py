"""Hooks on gradients, and retained gradients."""

from __future__ import annotations

import re
import weakref

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, gradients, no_grad
from autograd_dl.errors import DTypeError, GradientLostWarning, GraphError, ShapeError


def test_a_hook_gets_the_summed_gradient_once():
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    np.sum(y + y * 3 + y).backward()
    assert seen == [[5, 5]]


def test_a_hook_gets_a_tensor_of_the_tensors_shape_and_dtype():
    x = Tensor(np.ones((2, 1)), requires_grad=True, dtype=np.float32)
    seen = []
    x.register_hook(seen.append)
    np.sum(x * np.ones((2, 3), np.float32)).backward()
    assert type(seen[0]) is Tensor
    assert (seen[0].shape, seen[0].dtype, seen[0].requires_grad) == ((2, 1), np.float32, False)


def test_hooks_run_in_the_order_of_registration_each_on_what_the_last_left():
    x = leaf(1.0)
    seen = []

    def note_and_add(g):
        seen.append(g.item())
        return g + 1

    for _ in range(3):
        x.register_hook(note_and_add)
    (x * 5).backward()
    assert seen == [5, 6, 7]
    assert x.grad.item() == 8


def test_none_keeps_the_gradient():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: None)
    np.sum(x * 3).backward()
    assert x.grad.tolist() == [3, 3]


@pytest.mark.parametrize("given", [[0.0, 1.0], np.array([0, 1]), Tensor([0.0, 1.0]), (0, 1)])
def test_what_a_hook_returns_takes_the_gradients_place(given):
    x = leaf([1.0, 2.0])
    y = x * 2
    y.register_hook(lambda g: given)
    np.sum(y).backward()
    assert x.grad.tolist() == [0, 2]


def test_on_a_leaf_the_replacement_is_what_is_added_to_grad():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g * 10)
    np.sum(x).backward()
    np.sum(x).backward()
    assert x.grad.tolist() == [20, 20]


def test_a_zero_from_a_hook_is_not_none():
    x = leaf(3.0)
    x.register_hook(lambda g: 0)
    (x * 2).backward()
    assert x.grad.item() == 0


def test_removing_a_hook():
    x = leaf(1.0)
    seen = []
    remove_first = x.register_hook(lambda g: seen.append("first"))
    x.register_hook(lambda g: seen.append("second"))
    remove_first()
    remove_first()  # again: nothing happens
    (x * 2).backward()
    assert seen == ["second"]


def test_the_same_hook_registered_twice_is_removed_one_by_one():
    x = leaf(1.0)
    seen = []
    removes = [x.register_hook(seen.append), x.register_hook(seen.append)]
    (x * 2).backward()
    removes[1]()
    (x * 2).backward()
    removes[0]()
    (x * 2).backward()
    assert len(seen) == 3


def test_a_hook_that_removes_itself():
    x = leaf(1.0)
    seen = []

    def once(g):
        seen.append("once")
        remove()

    remove = x.register_hook(once)
    x.register_hook(lambda g: seen.append("always"))
    (x * 2).backward()
    (x * 2).backward()
    assert seen == ["once", "always", "always"]


@pytest.mark.parametrize("shape", [(3,), (1,), (), (2, 1)])
def test_a_replacement_of_the_wrong_shape(shape):
    y = leaf([1.0, 2.0]) * 2
    y.register_hook(lambda g: np.ones(shape))
    with pytest.raises(ShapeError, match=re.escape(f"a hook returned shape {shape} for a gradient of shape (2,)")):
        np.sum(y).backward()


def test_a_replacement_that_is_no_number():
    y = leaf([1.0, 2.0]) * 2
    y.register_hook(lambda g: "text")
    with pytest.raises(DTypeError):
        np.sum(y).backward()


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_replacement_is_taken_in_the_dtype_of_its_tensor(create_graph):
    x = Tensor(np.ones(2), requires_grad=True, dtype=np.float32)
    x.register_hook(lambda g: np.array([0.5, 0.25]))
    np.sum(x * 2).backward(create_graph=create_graph)
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [0.5, 0.25]


def test_a_raising_hook_raises_and_releases_the_graph():
    x = leaf([1.0, 2.0])
    y = np.exp(x)
    y.register_hook(lambda g: 1 / 0)
    z = np.sum(y * x)
    with pytest.raises(ZeroDivisionError):
        z.backward()
    assert x.grad is None
    with pytest.raises(GraphError, match="released"):
        z.backward()


def test_changing_the_gradient_in_place_changes_a_copy():
    x = leaf([1.0, 2.0])
    seed = np.array([1.0, 1.0])
    y = x + 0

    def change(g):
        g *= 100
        g[0] = 7

    y.register_hook(change)
    y.backward(seed)
    assert x.grad.tolist() == seed.tolist() == [1, 1]


def test_hooks_run_in_gradients_too():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g * 10)
    assert gradients(np.sum(x), x)[0].tolist() == [10, 10]
    assert x.grad is None


def test_hooks_see_recorded_gradients_under_create_graph():
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)  # as if the slope had another x in it
    seen = []
    y.register_hook(lambda g: seen.append(g.requires_grad))
    (slope,) = gradients(y, x, create_graph=True)
    assert seen == [True]
    assert slope.item() == 2 * 2 * 2  # x · 2x
    assert gradients(slope, x)[0].item() == 4 * 2


def test_a_hook_without_create_graph_gives_no_graph():
    x = leaf(2.0)
    x.register_hook(lambda g: g * x)
    (x * x).backward()
    assert not x.grad.requires_grad
    assert x.grad.item() == 8


def test_a_hook_may_run_another_backward():
    x, w = leaf(2.0), leaf(3.0)

    def other(g):
        (w * w).backward()

    y = x * 2
    y.register_hook(other)
    y.backward()
    assert (x.grad.item(), w.grad.item()) == (2, 6)


def test_hooks_stay_with_the_leaf_for_later_graphs():
    x = leaf(2.0)
    seen = []
    x.register_hook(seen.append)
    (x * 2).backward()
    (x * 3).backward()
    assert [g.item() for g in seen] == [2, 3]


def test_hooks_need_a_tensor_that_requires_grad():
    with no_grad():
        unrecorded = leaf(1.0) * 2
    for t in (Tensor(1.0), leaf(1.0).detach(), unrecorded):
        with pytest.raises(GraphError, match=r"cannot register a hook on .* does not require grad"):
            t.register_hook(print)
        with pytest.raises(GraphError, match="cannot retain the gradient of"):
            t.retain_grad()


# -- retain_grad


def test_a_recorded_tensor_keeps_no_grad_unless_asked():
    x = leaf(2.0)
    a, b = x * 3, x * 5
    b.retain_grad()
    (a * b).backward()
    with pytest.warns(GradientLostWarning):
        assert a.grad is None
    assert b.grad.item() == 6


def test_reading_the_grad_that_a_recorded_tensor_will_not_have_warns_at_that_line():
    w = leaf(2.0, name="w")
    moved = w - 0.1 * w
    moved.backward()
    with pytest.warns(GradientLostWarning, match=r"not a leaf.*w -= lr \* w\.grad.*retain_grad\(\)") as caught:
        assert moved.grad is None
    assert [c.filename for c in caught] == [__file__]


def test_a_grad_that_may_come_or_was_put_there_is_read_without_a_warning():
    x = leaf(2.0)
    y, z = x * 3, x * 4
    y.retain_grad()
    z.grad = x
    assert y.grad is None
    assert z.grad is x
    with no_grad():
        assert (x * 5).grad is None
    assert (Tensor(1.0) * 2).grad is None


def test_a_retained_gradient_is_what_the_hooks_left():
    x = leaf([1.0, 2.0])
    y = x * 3
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    np.sum(y).backward()
    assert y.grad.tolist() == [10, 10]
    assert x.grad.tolist() == [30, 30]


def test_retaining_does_not_keep_the_tensor_alive():
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    z = y * y
    node = y.node
    del y
    assert node.tensor is None
    z.backward()
    assert x.grad.item() == 36


def test_retaining_on_a_leaf_changes_nothing():
    x = leaf(2.0)
    x.retain_grad()
    (x * x).backward()
    assert x.grad.item() == 4


def test_the_output_can_retain_its_gradient():
    x = leaf([1.0, 2.0])
    y = x * 2
    y.retain_grad()
    y.backward([5.0, 7.0])
    assert y.grad.tolist() == [5, 7]


def test_retained_gradients_under_create_graph_can_be_differentiated():
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    (y**2).backward(create_graph=True)
    assert y.grad.item() == 8  # 2y
    assert gradients(y.grad, x)[0].item() == 8  # d(2x²)/dx
    x.zero_grad()
    y.grad = None


def test_a_hook_cannot_write_into_a_gradient_that_others_get_too():
    a, b, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), np.array([5.0, 6.0])
    refused = []

    def clip_in_place(g):
        with pytest.raises(ValueError, match="read-only"):
            np.clip(g.data, -1, 1, out=g.data)
        refused.append(g)

    b.register_hook(clip_in_place)
    (a + b).backward(seed)
    assert len(refused) == 1
    assert a.grad.tolist() == b.grad.tolist() == seed.tolist() == [5.0, 6.0]


def test_a_hook_may_change_its_own_gradient():
    x = leaf([1.0, 2.0])

    def double(g):
        g *= 2
        return g

    x.register_hook(double)
    np.sum(x * 3).backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_what_a_hook_that_removes_itself_returned_is_copied():
    x, array = leaf(np.ones(10_000)), np.full(10_000, 7.0)

    def once(_g):
        remove()
        return array

    remove = x.register_hook(once)
    np.sum(x * np.arange(10_000.0)).backward()
    assert x.grad[0].item() == 7
    assert not np.shares_memory(x.grad.data, array)


@pytest.mark.parametrize("shape", [(), (3,)])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_on_float16_gets_float16_though_sums_are_float32(shape, create_graph):
    x = Tensor(np.ones(shape), requires_grad=True, dtype=np.float16)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.dtype))
    np.sum(y * 2 + y * 3).backward(create_graph=create_graph)
    assert seen == [np.float16]
    assert x.grad.dtype == np.float16


def test_a_hook_that_changes_its_gradient_in_place_changes_no_other():
    for create_graph in (False, True):
        a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])

        def hook(g):
            g *= 100

        b.register_hook(hook)
        np.sum(a + b).backward(create_graph=create_graph)
        assert a.grad.tolist() == b.grad.tolist() == [1, 1]


def test_a_finalizer_may_run_a_backward_of_its_own():
    x, y = leaf([1.0]), leaf([2.0])
    np.sum(x).backward()
    weakref.finalize(x.grad, lambda: np.sum(y * 3).backward())
    np.sum(x).backward()
    assert (x.grad.item(), y.grad.item()) == (2, 3)


def test_a_finalizer_may_change_a_leaf():
    x, y = leaf([1.0]), leaf([2.0])

    class Held:
        def __del__(self):
            y.data -= 1

    for _ in range(3):
        held = Held()
        x.data = np.zeros(1)
        del held
    assert y.item() == -1

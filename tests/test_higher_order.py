"""Gradients of gradients: `create_graph`, to third order and beyond, mixed, through hooks and between updates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, gradients, no_grad
from autograd_dl.functional import softmax_loss
from autograd_dl.ops import defvjp, primitive, relu
from autograd_dl.table import TABLE


def derivatives(f, at, orders):
    """The values of f, f', f'' ... at a number."""
    x = leaf(at)
    y = f(x)
    found = [y.item()]
    for _ in range(orders):
        y = gradients(y, x, create_graph=True)[0] if y.requires_grad else Tensor(0.0)
        found.append(y.item())
    return found


@pytest.mark.parametrize(
    ("f", "closed"),
    [
        (np.exp, lambda x: [math.exp(x)] * 5),
        (np.sin, lambda x: [math.sin(x), math.cos(x), -math.sin(x), -math.cos(x), math.sin(x)]),
        (np.log, lambda x: [math.log(x), 1 / x, -1 / x**2, 2 / x**3, -6 / x**4]),
        (lambda x: x**4, lambda x: [x**4, 4 * x**3, 12 * x**2, 24 * x, 24]),
        (lambda x: 1 / x, lambda x: [1 / x, -1 / x**2, 2 / x**3, -6 / x**4, 24 / x**5]),
        (lambda x: x * x * x, lambda x: [x**3, 3 * x**2, 6 * x, 6, 0]),
        (np.sqrt, lambda x: [x**0.5, 0.5 * x**-0.5, -0.25 * x**-1.5, 0.375 * x**-2.5, -0.9375 * x**-3.5]),
        (lambda x: 2**x, lambda x: [2**x * math.log(2) ** n for n in range(5)]),
    ],
)
def test_derivatives_of_functions_of_a_number(f, closed):
    assert derivatives(f, 0.7, 4) == pytest.approx(closed(0.7))


def test_mixed_partials_are_equal():
    x, y, z = leaf([0.3, 0.4]), leaf([1.5, -0.2]), leaf(0.7)
    f = np.sum(np.exp(x * y) * np.sin(z * x) + y**3 * z)
    first = dict(zip("xyz", gradients(f, [x, y, z], create_graph=True), strict=True))
    tensors = {"x": x, "y": y, "z": z}
    for a in "xyz":
        for b in "xyz":
            (ab,) = gradients(np.sum(first[a]), tensors[b], create_graph=True)
            (ba,) = gradients(np.sum(first[b]), tensors[a], create_graph=True)
            assert np.sum(ab.data) == pytest.approx(np.sum(ba.data))


def test_backward_with_create_graph_writes_a_grad_that_can_be_differentiated():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    x.zero_grad()
    first.backward()
    assert (first.item(), x.grad.item()) == (12, 12)
    assert not x.grad.requires_grad


def test_recorded_grads_add_up_recorded():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    (x**2).backward(create_graph=True)
    total, x.grad = x.grad, None
    assert total.item() == 12 + 4
    assert gradients(total, x)[0].item() == 12 + 2


def test_a_plain_gradient_added_to_a_recorded_one():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    (x**2).backward()
    assert x.grad.item() == 16
    x.zero_grad()


def test_a_gradient_penalty():
    w, x = leaf([[1.0, -2.0], [0.5, 3.0]]), leaf([0.3, 0.7])
    y = np.sum(np.tanh(x @ w))
    (gx,) = gradients(y, x, create_graph=True)
    np.sum(gx**2).backward()
    h = 1e-6
    for i in np.ndindex(2, 2):
        values = []
        for sign in (1, -1):
            moved = w.data.copy()
            moved[i] += sign * h
            slope = (1 - np.tanh(x.data @ moved) ** 2) @ moved.T
            values.append(np.sum(slope**2))
        assert w.grad.data[i] == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-6)


def test_unrolled_descent_with_updates_of_other_leaves_between():
    x, rate = leaf(3.0), leaf(0.1)
    position = x
    for _ in range(3):
        (slope,) = gradients(position * position, position, create_graph=True)
        position = position - rate * slope  # x (1 - 2 rate)
    position.backward()
    assert x.grad.item() == pytest.approx(0.8**3)
    assert rate.grad.item() == pytest.approx(3 * 3 * 0.8**2 * -2)
    rate -= 0.05
    assert gradients(x * x, x, create_graph=True)[0].item() == 6


def test_newtons_method_with_updates_in_place():
    x = leaf(2.0)
    for _ in range(8):
        (first,) = gradients(np.exp(x) - 2 * x, x, create_graph=True)
        (second,) = gradients(first, x)
        x -= first.item() / second.item()
    assert x.item() == pytest.approx(math.log(2))


def test_through_hooks():
    x = leaf(3.0)
    y = x * x
    remove = y.register_hook(lambda g: g * y)
    (first,) = gradients(y, x, create_graph=True)  # y · 2x = 2x³
    remove()
    (second,) = gradients(first, x, create_graph=True)
    (third,) = gradients(second, x)
    assert (first.item(), second.item(), third.item()) == (54, 54, 36)


def test_with_respect_to_the_gradient_that_arrives():
    x, u = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    (g,) = gradients(x * x, x, u, create_graph=True)
    gx, gu = gradients(np.sum(g), [x, u])
    assert gu.tolist() == [2, 4]
    assert gx.tolist() == [6, 8]


def test_broadcasting_twice():
    x, b = leaf(np.arange(6.0).reshape(2, 3) + 1), leaf([1.0, 2.0, 3.0])
    (gb,) = gradients(np.sum((x * b) ** 2), b, create_graph=True)
    gx, gbb = gradients(np.sum(gb), [x, b])
    assert np.array_equal(gx.data, 4 * x.data * b.data)
    assert np.array_equal(gbb.data, np.sum(2 * x.data**2, axis=0))


def test_a_kept_value_is_computed_again_from_tensors():
    rng = np.random.default_rng(0)
    x, t = leaf(rng.normal(size=(4, 3))), rng.integers(0, 3, 4)
    (g,) = gradients(softmax_loss(x, t), x, create_graph=True)
    (h,) = gradients(np.sum(g[0] * np.array([1.0, 2.0, 3.0])), x)
    p = np.exp(x.data[0]) / np.sum(np.exp(x.data[0]))
    expected = (np.diag(p) - np.outer(p, p)) @ [1, 2, 3] / 4
    assert h.data[0] == pytest.approx(expected)
    assert not h.data[1:].any()


def test_the_second_derivative_of_a_kink_is_zero():
    x = leaf([-1.0, 0.0, 2.0])
    (g,) = gradients(np.sum(relu(x) * x), x, create_graph=True)
    assert g.tolist() == [0, 0, 4]
    assert gradients(np.sum(g), x)[0].tolist() == [0, 0, 2]


def test_a_rule_that_records_is_the_rule_of_the_plain_pass():
    made = primitive(lambda x: x * x * x)
    seen = []

    def rule(g, _ans, x):
        seen.append((type(g), type(x)))
        return g * 3 * x * x

    defvjp(made, rule)
    x = leaf([2.0, 3.0])
    np.sum(made(x)).backward()
    (g,) = gradients(np.sum(made(x)), x, create_graph=True)
    assert gradients(np.sum(g), x)[0].tolist() == [12, 18]
    assert seen == [(np.ndarray, np.ndarray), (Tensor, Tensor)]
    del TABLE[made]


def test_gradients_of_a_linear_function_need_none():
    x = leaf([1.0, 2.0])
    (g,) = gradients(np.sum(x * 3), x, create_graph=True)
    assert not g.requires_grad
    assert g.tolist() == [3, 3]


def test_float32_stays_float32():
    x = Tensor(np.ones(3), requires_grad=True, dtype=np.float32)
    (g,) = gradients(np.sum(np.exp(x) * x), x, create_graph=True)
    (h,) = gradients(np.sum(g), x, create_graph=True)
    assert g.dtype == h.dtype == np.float32


def test_a_gradient_that_is_a_leaf_itself_is_recorded_under_no_grad_too():
    x, y = leaf(2.0), leaf(3.0)
    product = x * y
    with no_grad():
        (slope,) = gradients(product, x, create_graph=True)
    assert slope is not y
    assert [g.item() for g in gradients(slope, y)] == [1.0]

"""Derivatives by differences: the book's numbers, and that everything is put back."""

from __future__ import annotations

import numpy as np
import pytest

from autograd_dl import Tensor, enable_grad, gradients, is_grad_enabled
from autograd_dl.errors import DTypeError, GraphError, ShapeError
from autograd_dl.functional import softmax_loss
from autograd_dl.numerical import gradient_descent, numerical_diff, numerical_gradient


def leaf(values, dtype=float):
    return Tensor(np.array(values, dtype=dtype), requires_grad=True, name="W")


def tangent(x):
    return 0.01 * x**2 + 0.1 * x


# -- numerical_diff


def test_the_books_tangent_slopes():
    assert numerical_diff(tangent, 5) == 0.1999999999990898
    assert numerical_diff(tangent, 10) == 0.2999999999986347


def test_partial_derivatives_of_the_book():
    assert numerical_diff(lambda x0: x0 * x0 + 4.0**2.0, 3.0) == 6.00000000000378
    assert numerical_diff(lambda x1: 3.0**2.0 + x1 * x1, 4.0) == 7.999999999999119


def test_diff_of_arrays_is_elementwise():
    assert numerical_diff(np.sin, np.array([0.0, 1.0])) == pytest.approx(np.cos([0.0, 1.0]), abs=1e-8)
    assert numerical_diff(lambda x: x**2, np.array([1, 2])) == pytest.approx([2, 4])


@pytest.mark.parametrize("x", [np.float32(3), np.array(3, np.float16), np.array([3], np.int8), leaf(3.0, np.float32)])
def test_diff_is_taken_in_double(x):
    assert numerical_diff(lambda x: x**2, x) == pytest.approx(6, abs=1e-8)


def test_diff_records_nothing():
    w = leaf([2.0, 3.0])
    slope = numerical_diff(lambda x: w * x, Tensor(1.0))
    assert type(slope) is np.ndarray
    assert slope == pytest.approx([2, 3])


# -- numerical_gradient


def test_the_books_gradients():
    def f(x):
        return x[0] ** 2 + x[1] ** 2

    for at, expected in (([3.0, 4.0], [6, 8]), ([0.0, 2.0], [0, 4]), ([3.0, 0.0], [6, 0])):
        assert numerical_gradient(f, np.array(at)) == pytest.approx(expected, abs=1e-9)


def test_f_may_ignore_its_argument():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert numerical_gradient(lambda _: np.sum(x**2), x) == pytest.approx(2 * x)
    w = leaf(x)
    assert numerical_gradient(lambda _: np.sum(w**2), w) == pytest.approx(2 * x)


def test_simple_net_of_the_book():
    w = leaf([[-0.29987897, -2.12317372, 0.47065595], [-0.39304798, -0.98756266, -0.75852701]], np.float32)
    x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])
    found = numerical_gradient(lambda w: softmax_loss(np.dot(x, w), t), w)
    assert found[0] == pytest.approx([0.256540, 0.050312, -0.306852], abs=1e-6)
    assert found[1] == pytest.approx([0.384810, 0.075468, -0.460279], abs=1e-6)


@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (2, 1, 2), (0, 3)])
def test_any_shape(shape):
    x = np.arange(1, np.prod(shape) + 1.0).reshape(shape)
    for given in (x, leaf(x)):
        found = numerical_gradient(lambda x: np.sum(x**3), given)
        assert (found.shape, found.dtype) == (shape, np.float64)
        assert found == pytest.approx(3 * x**2)


def test_a_strided_array():
    x = np.arange(12.0).reshape(3, 4)
    assert numerical_gradient(lambda v: np.sum(v**2), x[::2, ::-1]) == pytest.approx(2 * x[::2, ::-1])
    assert np.array_equal(x, np.arange(12.0).reshape(3, 4))


def test_it_agrees_with_the_graph():
    w = leaf(np.random.default_rng(0).normal(size=(3, 3)))

    def f(w):
        return np.sum(np.tanh(w @ w) * w)

    assert numerical_gradient(f, w) == pytest.approx(gradients(f(w), w)[0].data, abs=1e-8)


@pytest.mark.parametrize(
    "result",
    [lambda x: 2 * x[0], lambda x: Tensor(2.0) * x[0], lambda x: (2 * x)[:1], lambda x: Tensor(2 * x[:1])],
)
def test_what_f_may_return(result):
    assert numerical_gradient(result, np.array([1.0, 5.0])) == pytest.approx([2, 0])


def test_f_that_returns_more_than_one_number():
    with pytest.raises(ShapeError, match=r"return one number, not shape \(2,\)"):
        numerical_gradient(lambda x: x, np.array([1.0, 2.0]))


@pytest.mark.parametrize("differentiate", [numerical_diff, numerical_gradient, gradient_descent])
@pytest.mark.parametrize(("returned", "told"), [(None, "None .is its return missing"), ("1", "str"), (1j, "complex")])
def test_f_that_returns_no_number(differentiate, returned, told):
    with pytest.raises(DTypeError, match=f"return real numbers, and this one returned {told}"):
        differentiate(lambda _x: returned, np.ones(1))


@pytest.mark.parametrize("x", ["3", None, 1j])
def test_a_difference_at_what_is_no_number(x):
    with pytest.raises(DTypeError, match="numbers"):
        numerical_diff(lambda x: x, x)


# -- all is put back


def fail_at(call):
    calls = iter(range(100))

    def f(x):
        if next(calls) == call:
            raise KeyboardInterrupt
        return np.sum(x**2)

    return f


@pytest.mark.parametrize("call", range(4))
def test_an_array_is_restored_when_f_raises(call):
    x = np.array([0.1, 0.2])
    with pytest.raises(KeyboardInterrupt):
        numerical_gradient(fail_at(call), x)
    assert x.tolist() == [0.1, 0.2]
    assert is_grad_enabled()


def test_an_array_is_restored_bit_for_bit():
    x = np.array([0.1, 1e-9, 1e9, -0.0, np.pi])
    before = x.tobytes()
    numerical_gradient(np.sum, x)
    assert x.tobytes() == before


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("fails", [False, True])
def test_a_tensor_gets_its_own_array_back(dtype, fails):
    w = leaf([0.1, 0.2], dtype)
    own, before, node = w.data, w.data.tobytes(), w.node
    seen = set()

    def f(x):
        assert x is w
        seen.add(w.dtype)
        return 1 / 0 if fails else np.sum(w**2)

    if fails:
        with pytest.raises(ZeroDivisionError):
            numerical_gradient(f, w)
    else:
        numerical_gradient(f, w)
    assert seen == {np.dtype(np.float64)}
    assert w.data is own
    assert w.data.tobytes() == before
    assert w.node is node
    assert (w.dtype, w.name, w.requires_grad) == (dtype, "W", True)


def test_graphs_recorded_before_stay_valid():
    w = leaf([1.0, 2.0])
    loss = np.sum(w * w)
    numerical_gradient(lambda w: np.sum(w * w), w)
    loss.backward()
    assert w.grad.tolist() == [2, 4]


def test_a_graph_recorded_inside_is_stale_outside():
    w = leaf([1.0, 2.0])
    kept = []

    def f(w):
        with enable_grad():
            kept.append(np.sum(w * w))
        return kept[-1]

    numerical_gradient(f, w)
    with pytest.raises(GraphError, match="Tensor 'W' was changed in place"):
        kept[0].backward()


def test_nothing_is_recorded():
    seen = []
    w = leaf([1.0])
    numerical_gradient(lambda w: seen.append(is_grad_enabled()) or np.sum(w), w)
    assert seen == [False, False]
    assert w.grad is None


# -- refusals


@pytest.mark.parametrize(
    ("x", "what"),
    [
        (np.ones(2, np.int64), "an array of int64"),
        (np.ones(2, np.float32), "an array of float32"),
        (np.broadcast_to(1.0, 3), "a read-only array of float64"),
        ([1.0, 2.0], r"\[1\.0, 2\.0\]"),
    ],
)
def test_what_cannot_be_moved_in_place_is_refused_with_the_fix(x, what):
    with pytest.raises(
        DTypeError, match=rf"needs a writable float64 array, not {what}; pass np\.array\(x, dtype=float"
    ):
        numerical_gradient(np.sum, x)


def test_a_recorded_tensor_is_refused():
    with pytest.raises(GraphError, match=r"cannot differentiate numerically .* recorded"):
        numerical_gradient(np.sum, leaf([1.0]) * 2)


# -- gradient_descent


def bowl(x):
    return x[0] ** 2 + x[1] ** 2


def test_the_books_descent():
    start = np.array([-3.0, 4.0])
    x, history = gradient_descent(bowl, start, lr=0.1, step_num=20)
    assert x == pytest.approx([-0.0346, 0.0461], abs=5e-5)
    assert start.tolist() == [-3, 4]
    assert history.shape == (20, 2)
    assert history[0].tolist() == [-3, 4]
    assert history[1] == pytest.approx([-2.4, 3.2])


def test_the_books_rates_that_are_too_large_and_too_small():
    x, _ = gradient_descent(bowl, np.array([-3.0, 4.0]), lr=10.0, step_num=100)
    assert np.all(np.abs(x) > 1e10)
    x, _ = gradient_descent(bowl, np.array([-3.0, 4.0]), lr=1e-10, step_num=100)
    assert x == pytest.approx([-2.99999994, 3.99999992])


@pytest.mark.parametrize("start", [[-3, 4], (-3.0, 4.0), np.array([-3, 4]), np.float32([-3, 4]), leaf([-3.0, 4.0])])
def test_any_start(start):
    x, _ = gradient_descent(bowl, start, lr=0.1)
    assert x.dtype == np.float64
    assert x == pytest.approx([0, 0], abs=1e-8)


def test_no_step_at_all():
    x, history = gradient_descent(bowl, np.array([1.0, 2.0]), step_num=0)
    assert x.tolist() == [1, 2]
    assert history.shape == (0, 2)

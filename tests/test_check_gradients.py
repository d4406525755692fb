"""The checker finds each kind of fault that it says it finds, and names it."""

import itertools

import numpy as np
import pytest

from autograd_dl import Tensor
from autograd_dl.errors import DTypeError
from autograd_dl.ops import defvjp, primitive
from autograd_dl.testing import GradientError, check_gradients, derivative

X = np.array([[0.3, -1.2, 2.3], [1.7, 0.6, -0.4]])


def cube(rule):
    """x**3, with a rule of its own."""

    @primitive
    def cubed(x):
        return x**3

    defvjp(cubed, rule)
    return cubed


def changes_its_gradient(g, _ans, x):
    g *= 2
    return g * 3 * x**2


def changes_its_input(g, _ans, x):
    slope = g * 3 * x**2
    if type(x) is not Tensor:
        x += 1e-3
    return slope


def test_a_right_rule_passes_and_says_what_was_compared():
    report = check_gradients(cube(lambda g, _ans, x: g * 3 * x**2), X)
    assert report.comparisons == 5
    assert 0 < report.worst <= 1


calls = itertools.count()


@pytest.mark.parametrize(("rule", "words"), [
    (lambda g, _ans, x: g * 3.03 * x**2,                       r"f: the derivative in a random direction"),
    (lambda g, _ans, x: 0 * g,                                 r"input 0, element \[0, 2\] of shape \(2, 3\), at 2.3"),
    (lambda g, _ans, x: g * 3 * (x * x.dot(x.T).trace() / x),  r"f: the derivative"),
    (lambda g, _ans, x: g * 3 * x.detach() ** 2 if type(x) is Tensor else g * 3 * x**2, r"the gradient of f"),
    (lambda g, _ans, x: g * 3 * x**2 * (1 + 1e-4 * (next(calls) % 2)), r"f: the derivative|differs from one call"),
    (changes_its_gradient,                                     r"derivative|was changed"),
    (changes_its_input,                                        r"derivative|was changed|differs from one call"),
])  # fmt: skip
def test_a_wrong_rule_is_named(rule, words):
    with pytest.raises(GradientError, match=words):
        check_gradients(cube(rule), X)


def test_the_first_order_alone_does_not_see_a_fault_of_the_second():
    f = cube(lambda g, _ans, x: g * 3 * (x.detach() if type(x) is Tensor else x) ** 2)
    check_gradients(f, X, order=1)
    with pytest.raises(GradientError):
        check_gradients(f, X, order=2)


def test_a_fault_that_only_a_random_arriving_gradient_shows_is_found():
    """With ones arriving, the derivative of a softmax is 0: so is that of this wrong rule."""

    @primitive
    def softmax(x):
        e = np.exp(x)
        return e / e.sum(-1, keepdims=True)

    defvjp(softmax, lambda g, _ans, _x: 0 * g)
    with pytest.raises(GradientError):
        check_gradients(softmax, X)


def test_lost_precision_is_found():
    f = cube(lambda g, _ans, x: (g * 3 * x**2).astype(np.float16).astype(x.dtype))
    with pytest.raises(GradientError):
        check_gradients(f, X.astype(np.float32))


@pytest.mark.parametrize("f", [lambda x: x.numpy(), lambda x: x > 0, lambda x: np.argmax(x)])
def test_a_function_that_records_nothing_is_no_success(f):
    with pytest.raises(GradientError, match="nothing was recorded"):
        check_gradients(f, X)


@pytest.mark.parametrize("x", [np.arange(3), np.array([1.0, np.nan]), np.array([1j])])
def test_inputs_must_be_finite_and_floating(x):
    with pytest.raises(DTypeError, match=r"floating arrays|finite numbers"):
        check_gradients(np.exp, x)


def test_constants_and_unused_inputs_have_the_gradient_zero():
    check_gradients(lambda x, y: (x * 2, Tensor(1.0)), X, np.ones(2))


def test_numerical_derivatives_say_how_exact_they_are():
    found = derivative(lambda t: np.exp(2 * t))
    assert abs(found.value - 2) <= found.error < 1e-9

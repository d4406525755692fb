"""Loud beats silent: each misuse raises, and says what came, what was expected and what to write instead."""

from __future__ import annotations

import traceback

import numpy as np
import pytest

from autograd_dl import Tensor, checkpoint, grad, gradients, no_grad, scope
from autograd_dl.errors import AutogradError, DTypeError, GraphError, ShapeError, UnsupportedError
from autograd_dl.numerical import numerical_gradient

X = Tensor(np.ones((2, 3)), requires_grad=True, name="x")
W = Tensor(np.ones((4, 5)), requires_grad=True)
C = Tensor(np.ones(2), name="c")


def released():
    y = np.sum(X * X)
    y.backward()
    X.zero_grad()
    y.backward()


def stale():
    w = Tensor(np.ones(2), requires_grad=True, name="W1")
    y = np.sum(w * w)
    w -= 1
    y.backward()


def unrecorded():
    with no_grad():
        y = np.sum(X * X)
    y.backward()


def item_of_recorded():
    y = X * 2
    y[0] = 1


def closed_over():
    y = X * 2
    checkpoint(lambda x: x * y)(X)


MISUSES = {
    "an unknown function": (lambda: np.spacing(X), UnsupportedError, ["np.spacing", "nearest", "t.numpy()"]),
    "a method of a ufunc": (lambda: np.add.reduce(X), UnsupportedError, ["np.add.reduce", "np.sum"]),
    "a keyword without a rule": (
        lambda: np.var(X, mean=0.5),
        UnsupportedError,
        ["np.var", "mean", "here: axis"],
    ),
    "out= where a gradient is needed": (lambda: np.exp(X, out=np.ones((2, 3))), UnsupportedError, ["np.exp", "out"]),
    "a Tensor in a keyword": (lambda: np.sum(X, axis=C), UnsupportedError, ["np.sum", "'axis'", "pass t.numpy()"]),
    "a Tensor in a list": (lambda: X * [C, C, C], UnsupportedError, ["np.multiply", "inside a list", "np.stack"]),
    "shapes that do not broadcast": (lambda: X + W, ShapeError, ["np.add", "'x': float64 (2, 3)", "float64 (4, 5)"]),
    "shapes that do not multiply": (lambda: X @ W, ShapeError, ["np.matmul", "'x': float64 (2, 3)", "float64 (4, 5)"]),
    "a shape that does not fit": (lambda: X.reshape(5), ShapeError, ["np.reshape", "'x'", "(2, 3)"]),
    "an operand that is no number": (lambda: X + "one", DTypeError, ["np.add", "'x'", "'one'"]),
    "complex numbers": (lambda: X * 1j, DTypeError, ["np.multiply: complex", "real and imaginary parts apart"]),
    "no seed": (lambda: (X * 2).backward(), ShapeError, ["6 elements", "backward(gradient)", "t.sum().backward()"]),
    "a seed that does not fit": (lambda: (X * 2).backward(np.ones(3)), ShapeError, ["shape (2, 3)", "not (3,)"]),
    "backward of a constant": (lambda: C.sum().backward(), GraphError, ["nothing", "requires grad", "detached"]),
    "backward of a named constant": (lambda: C.backward(), GraphError, ["'c'", "requires_grad=False"]),
    "backward of what was not recorded": (unrecorded, GraphError, ["no_grad"]),
    "backward twice": (
        released,
        GraphError,
        ["released", "np.sum", "retain_graph=True", "a running mean", "t.detach()"],
    ),
    "backward after a change": (stale, GraphError, ["'W1'", "changed in place", "np.multiply", "forward pass again"]),
    "gradients with respect to a constant": (
        lambda: gradients(X.sum(), C),
        GraphError,
        ["'c'", "does not require grad"],
    ),
    "a gradient by an array": (lambda: gradients(X.sum(), np.ones(2)), DTypeError, ["inputs", "float64"]),
    "a gradient of an array": (lambda: gradients([1.0], X), DTypeError, ["outputs", "float"]),
    "a hook on a constant": (lambda: C.register_hook(print), GraphError, ["hook", "'c'", "does not require grad"]),
    "assigning to items of a recorded one": (item_of_recorded, GraphError, ["items", "(2, 3)", "np.where(mask"]),
    "setting data of a recorded one": (lambda: setattr(X * 2, "data", 1), GraphError, [".data", "t.detach()"]),
    "data that do not fit": (lambda: setattr(C, "data", np.ones(3)), ShapeError, ["'c'", "(2,)", "(3,)"]),
    "a Tensor of one that requires grad": (lambda: Tensor(X), GraphError, ["'x'", "t.detach()"]),
    "integers that require grad": (
        lambda: Tensor(np.ones(1, np.int64), True),
        DTypeError,
        ["int64", "data.astype(float)"],
    ),
    "no numbers": (lambda: Tensor("text"), DTypeError, ["bool, int or float", "U4"]),
    "a recorded one that is closed over": (closed_over, GraphError, ["checkpoint", "np.multiply", "pass it in"]),
    "grad of an array": (lambda: grad(lambda x: x)(np.ones(3)), ShapeError, ["one number", "(3,)", "jacobian"]),
    "differences of integers": (
        lambda: numerical_gradient(np.sum, np.ones(2, np.int64)),
        DTypeError,
        ["int64", "dtype=float"],
    ),
    "a scope without a name": (lambda: scope(None), TypeError, ['scope("Affine1")', "None"]),
}


@pytest.mark.parametrize("name", MISUSES)
def test_the_message(name):
    misuse, kind, words = MISUSES[name]
    with pytest.raises(kind) as caught:
        misuse()
    message = str(caught.value)
    for word in words:
        assert word in message
    assert len(message) < 400
    assert X.grad is None


@pytest.mark.parametrize("name", MISUSES)
def test_the_error_is_ours_and_can_be_shown(name):
    misuse, kind, _ = MISUSES[name]
    with pytest.raises(kind) as caught:
        misuse()
    assert isinstance(caught.value, AutogradError) or kind is TypeError
    assert "".join(traceback.format_exception(caught.value))


def test_numpys_errors_are_kept_as_the_cause():
    with pytest.raises(ShapeError) as caught:
        X @ W
    assert "mismatch" in str(caught.value.__cause__)


def test_linalg_errors_are_numpys():
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.inv(Tensor(np.zeros((2, 2)), requires_grad=True))

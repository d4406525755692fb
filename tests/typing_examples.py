"""How a typed program uses the engine: checked by `mypy --strict` in test_typing, run by it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type, cast

import numpy as np
from numpy.typing import NDArray

import autograd_dl
from autograd_dl import Tensor, checkpoint, detect_anomaly, gradients, no_grad, scope
from autograd_dl.functional import relu, sigmoid, softmax, softmax_loss, tanh
from autograd_dl.numerical import gradient_descent, numerical_gradient
from autograd_dl.ops import defvjp, primitive
from autograd_dl.table import TABLE
from autograd_dl.training import Trainer
from autograd_dl.transforms import grad, hessian, value_and_grad, vjp
from models import LayeredNetwork, Layers

x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, dtype=np.float32, name="x")
a: NDArray[np.float64] = np.ones((2, 2))

# operators
assert_type(x + 1, Tensor)
assert_type(1 + x, Tensor)
assert_type(x - a, Tensor)
assert_type(2.0 * x, Tensor)
assert_type(x / x, Tensor)
assert_type(x**2, Tensor)
assert_type(x @ x, Tensor)
assert_type(-x, Tensor)
assert_type(abs(x), Tensor)
assert_type(x[0, ::2], Tensor)

# methods and attributes
assert_type(x.sum(axis=0, keepdims=True), Tensor)
assert_type(x.mean(), Tensor)
assert_type(x.reshape(4).astype(np.float64), Tensor)
assert_type(x.T, Tensor)
assert_type(x.detach(), Tensor)
assert_type(x.shape, tuple[int, ...])
assert_type(x.ndim, int)
assert_type(x.requires_grad, bool)
assert_type(x.name, str | None)
assert_type(x.data, NDArray[Any])
assert_type(x.numpy(), NDArray[Any])
assert_type(float(x.sum()), float)
assert_type(len(x), int)
rows: list[Tensor] = list(x)

# NumPy's functions: their own types say an array or a number for most, and Any for some that differ by version
y = cast(Tensor, np.exp(x))
z = cast(Tensor, np.sum(np.dot(x, x) + cast(Tensor, np.maximum(x, 0)) * y, axis=0))
stacked = cast(Tensor, np.stack([x, x]))

# functions of networks: a Tensor of a Tensor
assert_type(relu(x @ x), Tensor)
assert_type(softmax_loss(sigmoid(x), np.array([0, 1])), Tensor)
assert_type(softmax(x, axis=0), Tensor)
activated: NDArray[np.float64] = tanh(a)
loss: Tensor = softmax_loss(relu(x @ x), np.array([0, 1]))


class Net(LayeredNetwork):
    """A network without one Any."""

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Two layers."""
        return layers.affine(tanh(layers.affine(x, 5)), 2)


# gradients
loss.backward()
assert_type(x.grad, Tensor | None)
if x.grad is not None:
    x -= 0.1 * x.grad.data
x.zero_grad()
x.data -= 0.1
x[0] = 1.0
assert_type(gradients((x * x).sum(), [x], create_graph=True), list[Tensor])
remove: Callable[[], None] = x.register_hook(lambda g: g * 2)
remove()

with no_grad(), scope("forward"), detect_anomaly():
    x.sum()


@no_grad()
def predict(t: Tensor, factor: float = 1.0) -> Tensor:
    """A decorated function keeps its type."""
    return t * factor


assert_type(predict(x), Tensor)


def saved_at(trainer: Trainer) -> float:
    """What a Trainer was given keeps all that it has."""
    trainer.network.save_params("weights.safetensors")
    rate: float = trainer.optimizer.rate
    return rate


# transforms and primitives
def f(v: Any) -> Any:
    """The sum of cubes."""
    return np.sum(v**3)


def power_sum(v: Tensor, power: int = 2) -> Tensor:
    """A function whose transforms take arrays, too."""
    return (v**power).sum()


slope: NDArray[np.float64] = grad(f)(np.ones(3))
value, slope = value_and_grad(f)(np.ones(3))
slope = grad(power_sum)(np.ones(3), power=3)
assert_type(value_and_grad(power_sum)(np.ones(3), power=3), tuple[Any, Any])
cosine: NDArray[np.float64] = grad(np.sin)(np.ones(()))
assert_type(checkpoint(predict)(x, factor=2.0), Tensor)
curvature: NDArray[np.float64] = hessian(f)(np.ones(3))
result, pull = vjp(f, np.ones(3))
refused: type[Exception] = autograd_dl.errors.ShapeError
saved: Tensor = checkpoint(f)(x)
assert_type(numerical_gradient(f, np.ones(3)), NDArray[np.float64])
lowest, history = gradient_descent(f, np.ones(3), step_num=1)


@primitive
def cube(v: Any) -> Any:
    """A user's op."""
    return v**3


defvjp(cube, lambda g, _ans, v: g * 3 * v * v)
cubed: Tensor = cube(x)
del TABLE[cube]

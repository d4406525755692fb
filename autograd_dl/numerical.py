"""Derivatives by differences, as the book's chapter 4 has them: slow, simple, and a check on all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engine import Leaf, Tensor, no_grad
from .errors import DTypeError, ShapeError
from .graph import stamp
from .tensor import bare
from .values import as_value

__all__ = ["gradient_descent", "numerical_diff", "numerical_gradient"]

H = 1e-4
"""Half the distance of the two points that a difference is taken between (book, section 4.3.1)."""


def numerical_diff(f: Callable[[Any], Any], x: Any) -> Any:
    """The central difference (f(x + h) - f(x - h)) / 2h with h = 1e-4, for a number or elementwise for an array.

    Always taken in float64, and nothing is recorded; of a Tensor, `f` gets the values. Raises `DTypeError` if x is no
    real number, or f returns none.

    >>> numerical_diff(lambda x: 0.01 * x**2 + 0.1 * x, 5)
    0.1999999999990898
    """
    x = bare(x)
    if not isinstance(x, (int, float)):
        x = np.array(as_value(x), dtype=np.float64)
    with no_grad():
        return (_returned(f(x + H)) - _returned(f(x - H))) / (2 * H)


def numerical_gradient(f: Callable[[Any], Any], x: Any) -> NDArray[np.float64]:
    """The gradient of the number f(x) by central differences, two calls of `f` an element.

    `x` is changed in place and restored, also if `f` raises: so `f` may ignore its argument and read `x` where it
    stands, as in `numerical_gradient(lambda W: net.loss(x, t), net.params["W1"])`. The data of a Tensor are exchanged
    for a float64 copy meanwhile, whatever its dtype. Nothing is recorded.

    Parameters
    ----------
    f : function of x, returns a number (or an array or Tensor of one element)
    x : Tensor, or a writable float64 array, of any shape; or a Python number

    Returns
    -------
    array of float64, of the shape of x

    Raises
    ------
    DTypeError
        For an array that is not float64 (differences would be truncated or lost in rounding) or is read-only, and if
        `f` returns no real number.
    GraphError
        For a Tensor that is recorded, no leaf.
    ShapeError
        If `f` returns more than one number.
    """
    if isinstance(x, (int, float)):
        return np.array(numerical_diff(lambda y: _number(f(y)), float(x)))
    with _differentiable(x) as values, no_grad():
        grad = np.zeros(values.shape)
        for i in np.ndindex(values.shape):
            there = values[i]
            try:
                values[i] = there + H
                above = _number(f(x))
                values[i] = there - H
                below = _number(f(x))
            finally:
                values[i] = there
            grad[i] = (above - below) / (2 * H)
    return grad


def gradient_descent(
    f: Callable[[Any], Any], init_x: Any, lr: float = 0.01, step_num: int = 100
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Descend along the numerical gradient: `step_num` steps of x <- x - lr * gradient (book, section 4.4.1).

    Returns the last x, and the history of x before each step, of shape (step_num, *x.shape). `init_x` is not changed.
    Raises `ShapeError` or `DTypeError` if `f` does not return one number.
    """
    x = np.array(bare(init_x), dtype=np.float64)
    history = []
    for _ in range(step_num):
        history.append(x.copy())
        x -= lr * numerical_gradient(f, x)
    return x, np.array(history).reshape(step_num, *x.shape)


def _returned(y: Any) -> Any:
    """What a function returned, bare. Raises if it is nothing to take differences of."""
    y = np.asarray(bare(y)) if isinstance(y, (list, tuple)) else bare(y)
    if not isinstance(y, (int, float)) and (dtype := np.asarray(y).dtype).kind not in "fiub":
        came = "None (is its return missing?)" if y is None else f"{type(y).__name__} of {dtype}"
        raise DTypeError(f"differences are taken of functions that return real numbers, and this one returned {came}")
    return y


def _number(y: Any) -> float:
    y = np.asarray(_returned(y))
    if y.size != 1:
        raise ShapeError(f"numerical_gradient takes functions that return one number, not shape {y.shape}")
    return float(y.item())


def _differentiable(x: Any) -> AbstractContextManager[NDArray[np.float64]]:
    """The float64 array to be moved, while `f` sees it."""
    if isinstance(x, Tensor):
        return exchanged(x)
    if not isinstance(x, np.ndarray) or x.dtype != np.float64 or not x.flags.writeable:
        is_array = isinstance(x, np.ndarray)
        what = f"{'an' if x.flags.writeable else 'a read-only'} array of {x.dtype}" if is_array else repr(x)
        raise DTypeError(
            f"numerical_gradient moves x in place by 1e-4, and so needs a writable float64 array, not {what}; "
            "pass np.array(x, dtype=float)"
        )
    return nullcontext(x)


@contextmanager
def exchanged(tensor: Tensor) -> Iterator[NDArray[np.float64]]:
    """Lend a leaf's data as a float64 copy, and put the tensor's own back afterwards.

    Meanwhile it is another leaf: graphs recorded before stay valid, and ones recorded now read values that will change.
    """
    leaf, own = tensor._leaf("differentiate numerically"), tensor._value
    tensor._value = np.array(own, dtype=np.float64)
    lent = tensor.node = Leaf(tensor, leaf.requires_grad, leaf.name)
    try:
        yield tensor._value
    finally:
        stamp([lent])
        tensor._value, tensor.node = own, leaf

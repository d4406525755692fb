"""Activations, and what belongs to them: softmax and its kin."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np

from .. import ops
from ..engine import Tensor
from ..ops.reduction import finite_top
from ..tensor import bare
from ..values import computed_wide
from .arguments import TensorLike, array_of


def identity_function(x: Any) -> Any:
    """x itself: the book's activation of an output layer for regression."""
    return x


def step_function(x: TensorLike) -> Any:
    """1 where x > 0, else 0, as an int array of x's shape. It has no useful derivative, and so is not recorded."""
    return np.asarray(array_of(x) > 0, dtype=int)


@overload
def relu(x: Tensor) -> Tensor: ...
@overload
def relu(x: TensorLike) -> Any: ...
def relu(x: TensorLike) -> Any:
    """max(x, 0), with the derivative 0 at 0."""
    return ops.relu(array_of(x))


@overload
def sigmoid(x: Tensor) -> Tensor: ...
@overload
def sigmoid(x: TensorLike) -> Any: ...
def sigmoid(x: TensorLike) -> Any:
    """1 / (1 + exp(-x)); large x do not overflow."""
    return ops.sigmoid(array_of(x))


@overload
def tanh(x: Tensor) -> Tensor: ...
@overload
def tanh(x: TensorLike) -> Any: ...
def tanh(x: TensorLike) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(array_of(x))


def leaky_relu(x: TensorLike, slope: float = 0.01) -> Any:
    """x where it is positive, else slope * x. Its derivative at 0 is `slope`."""
    a = array_of(x)
    positive = bare(a) > 0
    return a * (positive + (~positive).astype(a.dtype) * slope)


def elu(x: TensorLike, alpha: float = 1.0) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1), whose derivative at 0 is alpha (D. Clevert et al., 2015)."""
    a = array_of(x)
    return ops.relu(a) + alpha * np.expm1(np.clip(a, None, 0))  # np.minimum would share the tie at 0


def gelu(x: TensorLike) -> Any:
    """x * P(X <= x) of a standard normal X: x/2 erfc(-x/sqrt(2)) (D. Hendrycks and K. Gimpel, 2016)."""
    return _gelu(array_of(x))


@computed_wide
def _gelu(a: Any) -> Any:
    return 0.5 * a * ops.erfc(-math.sqrt(0.5) * a)


def softplus(x: TensorLike) -> Any:
    """log(1 + exp(x)), the integral of the sigmoid; large x do not overflow."""
    return ops.softplus(array_of(x))


def logsumexp(x: TensorLike, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along `axis`, over all elements if it is None. Large x do not overflow.

    The axis goes, unless `keepdims`. Raises IndexError if x has no such axis.
    """
    return ops.logsumexp(array_of(x), axis=axis, keepdims=keepdims)


@overload
def softmax(x: Tensor, axis: int = -1) -> Tensor: ...
@overload
def softmax(x: TensorLike, axis: int = -1) -> Any: ...
def softmax(x: TensorLike, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`: probabilities, of the shape of x. Large x do not overflow.

    Raises IndexError if x has no such axis.

    >>> softmax([1, 2, 3]).round(8)
    array([0.09003057, 0.24472847, 0.66524096])
    """
    return ops.softmax(array_of(x), axis)


def log_softmax(x: TensorLike, axis: int = -1) -> Any:
    """log(softmax(x)) along `axis`, of the shape of x, without the loss of small probabilities.

    Raises IndexError if x has no such axis.
    """
    return _log_softmax(array_of(x), axis)


@computed_wide
def _log_softmax(x: Any, axis: int) -> Any:
    below = x - finite_top(bare(x), axis)
    return below - ops.logsumexp(below, axis=axis, keepdims=True)

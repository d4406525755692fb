"""Losses: how far outputs are from targets, as one number."""

from __future__ import annotations

import math
from typing import Any, overload

import numpy as np

from .. import ops
from ..engine import Tensor
from ..values import computed_wide
from .activations import softplus
from .arguments import TensorLike, alike, array_of, targets_of


def sum_squared_error(y: TensorLike, t: TensorLike) -> Any:
    """Half the sum of the squared differences, 1/2 sum((y - t)**2): not divided by the batch (book, section 4.2).

    t is taken in the dtype of y. Raises `ShapeError` if y and t do not have the same shape.
    """
    return _half_sum_of_squares(*alike(y, t))


@computed_wide
def _half_sum_of_squares(y: Any, t: Any) -> Any:
    return 0.5 * np.sum((y - t) ** 2)


mean_squared_error = sum_squared_error
"""The name that older printings of the book give to `sum_squared_error`; the formula is the same."""


@overload
def cross_entropy_error(y: Tensor, t: TensorLike) -> Tensor: ...
@overload
def cross_entropy_error(y: TensorLike, t: TensorLike) -> Any: ...
def cross_entropy_error(y: TensorLike, t: TensorLike) -> Any:
    """-sum(t log(y + 1e-7)) / batch, of probabilities `y` (book, section 4.2).

    From scores, `softmax_loss` is more exact. `y` is (classes,) or (batch, classes); `t` holds labels, or rows of the
    shape of y. Raises what `softmax_loss` raises.
    """
    return _cross_entropy_error(array_of(y), t)


@computed_wide
def _cross_entropy_error(p: Any, t: Any) -> Any:
    targets = targets_of(p, t)
    log_p = np.log(p + 1e-7)
    batch = math.prod(p.shape[:-1]) or 1
    if targets.ndim == p.ndim:
        return -np.sum(targets * log_p) / batch
    return -np.sum(log_p.reshape(-1, p.shape[-1])[np.arange(targets.size), targets.ravel()]) / batch


@overload
def softmax_loss(X: Tensor, t: TensorLike) -> Tensor: ...
@overload
def softmax_loss(X: TensorLike, t: TensorLike) -> Any: ...
def softmax_loss(X: TensorLike, t: TensorLike) -> Any:
    """The mean cross-entropy of softmax(X) against t, computed from the scores X in one stable step.

    Parameters
    ----------
    X : (classes,) or (batch, classes)
        Scores.
    t : labels or rows
        Integer labels, (batch,) or (batch, 1); or rows of X's shape, one-hot or any weights:
        -sum(t log(softmax(X))) / batch.

    Raises
    ------
    ShapeError
        If t has neither shape.
    DTypeError
        If labels are not integers, or rows not real numbers.
    DataError
        If a label is not one of 0 to classes - 1.
    """
    scores = array_of(X)
    return ops.softmax_cross_entropy(scores, targets_of(scores, t))


def binary_cross_entropy(y: TensorLike, t: TensorLike) -> Any:
    """The mean of -t log(y) - (1 - t) log(1 - y), of probabilities y and targets t of the same shape, both 0 to 1.

    1e-7 is added within the logarithms, as in the book's `cross_entropy_error`; from scores, `sigmoid_loss` is exact.
    t is taken in the dtype of y. Raises `ShapeError` if the shapes differ.
    """
    p, targets = alike(y, t)
    return -np.mean(targets * np.log(p + 1e-7) + (1 - targets) * np.log(1 - p + 1e-7))


def sigmoid_loss(x: TensorLike, t: TensorLike) -> Any:
    """The mean binary cross-entropy of sigmoid(x) against t, from the scores x: (1 - t) softplus(x) + t softplus(-x).

    t is taken in the dtype of x. Raises `ShapeError` if the shapes differ.
    """
    scores, targets = alike(x, t)
    return np.mean((1 - targets) * softplus(scores) + targets * softplus(-scores))

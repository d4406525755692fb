"""The functions of neural networks, under the book's names. On arrays they return arrays, on Tensors they record."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import ops
from .engine import Tensor
from .errors import DataError, DTypeError, ShapeError

Values = ArrayLike | Tensor


def identity_function(x: Any) -> Any:
    """x itself: the book's activation of an output layer for regression."""
    return x


def step_function(x: Values) -> Any:
    """1 where x > 0, else 0, as an int array of x's shape. It has no useful derivative, and so is not recorded."""
    return np.asarray(_array(x) > 0, dtype=int)


def relu(x: Values) -> Any:
    """max(x, 0), with the derivative 0 at 0."""
    return ops.relu(x if type(x) is Tensor else _array(x))


def sigmoid(x: Values) -> Any:
    """1 / (1 + exp(-x)); large x do not overflow."""
    return ops.sigmoid(_array(x))


def logsumexp(x: Values, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along `axis`, over all elements if it is None. Large x do not overflow."""
    return ops.logsumexp(_array(x), axis=axis, keepdims=keepdims)


def softmax(x: Values, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`: probabilities, of the shape of x. Large x do not overflow.

    >>> softmax([1, 2, 3]).round(8)
    array([0.09003057, 0.24472847, 0.66524096])
    """
    return ops.softmax(_array(x), axis)


def log_softmax(x: Values, axis: int = -1) -> Any:
    """log(softmax(x)) along `axis`, of the shape of x, without the loss of small probabilities."""
    x = _array(x)
    return x - logsumexp(x, axis=axis, keepdims=True)


def sum_squared_error(y: Values, t: Values) -> Any:
    """Half the sum of the squared differences, 1/2 sum((y - t)**2): not divided by the batch (book, section 4.2).

    Raises `ShapeError` if y and t do not have the same shape.
    """
    outputs, targets = _array(y), _array(t)
    if outputs.shape != targets.shape:
        raise ShapeError(f"y and t must have the same shape, not {outputs.shape} and {targets.shape}")
    return 0.5 * np.sum((outputs - targets) ** 2)


mean_squared_error = sum_squared_error
"""The name that older printings of the book give to `sum_squared_error`; the formula is the same."""


def cross_entropy_error(y: Values, t: Values) -> Any:
    """-sum(t log(y + 1e-7)) / batch, of probabilities `y` (book, section 4.2).

    From scores, `softmax_loss` is more exact. `y` is (classes,) or (batch, classes); `t` holds labels, or rows of the
    shape of y. Raises what `softmax_loss` raises.
    """
    p = _array(y)
    targets = _targets(p, t)
    log_p = np.log(p + 1e-7)
    batch = math.prod(p.shape[:-1]) or 1
    if targets.ndim == p.ndim:
        return -np.sum(targets * log_p) / batch
    return -np.sum(log_p.reshape(-1, p.shape[-1])[np.arange(targets.size), targets.ravel()]) / batch


def softmax_loss(X: Values, t: Values) -> Any:
    """The mean cross-entropy of softmax(X) against t, computed from the scores X in one stable step.

    Parameters
    ----------
    X : (classes,) or (batch, classes)
        Scores.
    t : labels or rows
        Integer labels, (batch,); or rows of X's shape, one-hot or any weights: -sum(t log(softmax(X))) / batch.

    Raises
    ------
    ShapeError
        If t has neither shape.
    DTypeError
        If labels are not integers.
    DataError
        If a label is not one of 0 to classes - 1.
    """
    scores = _array(X)
    return ops.softmax_cross_entropy(scores, _targets(scores, t))


def _array(x: Any) -> Any:
    """Lists and numbers as floating arrays; arrays and Tensors as they are, but integers as floats."""
    if not isinstance(x, Tensor):
        x = np.asarray(x) if not hasattr(x, "__array_function__") else x
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _targets(y: Any, t: Any) -> Any:
    """t as labels, checked to be such, or as rows of y's shape and dtype."""
    if not isinstance(t, Tensor) and not hasattr(t, "__array_function__"):
        t = np.asarray(t)
    if y.ndim == 0:
        raise ShapeError("the scores or probabilities must have a last axis, the classes; this is a single number")
    if t.shape == y.shape:
        return t if t.dtype == y.dtype else t.astype(y.dtype)
    if t.shape != y.shape[:-1]:
        raise ShapeError(f"t must be labels of shape {y.shape[:-1]} or rows of shape {y.shape}, not {t.shape}")
    labels = t.data if isinstance(t, Tensor) else t
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"labels must be integers, not {labels.dtype}")
    last = y.shape[-1] - 1
    if labels.size and labels.astype(np.uint64).max().item() > last:  # negative ones become huge
        raise DataError(f"the labels of {last + 1} classes are 0 to {last}; these are {labels.min()} to {labels.max()}")
    return t if isinstance(y, Tensor) else labels

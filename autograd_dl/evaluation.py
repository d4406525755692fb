"""How well a network answers: its scores, batch by batch, and the share of those that are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DTypeError, ShapeError
from .functional.arguments import TensorLike, targets_of
from .tensor import bare
from .values import is_size

__all__ = ["accuracy", "correct", "predictions"]


def predictions(predict: Callable[[Any], Any], x: Any, batch_size: int) -> NDArray[Any]:
    """What `predict` makes of all inputs, as one array, computed batch by batch.

    `predict` takes a batch, and returns an array with a row for each of its inputs. Raises `ShapeError` if there is no
    input, or x is a single number, and ValueError if batch_size is less than 1.
    """
    return np.concatenate([bare(predict(x[some])) for some in _slices(x, batch_size)])


def correct(scores: TensorLike, t: TensorLike) -> NDArray[np.bool_]:
    """Whether the highest score of each row is that of t: labels, (batch,) or (batch, 1), or rows of the scores' shape.

    Raises `ShapeError` if t has none of these shapes, or the scores are not (batch, classes); `DTypeError` if labels
    are not integers, `DataError` if one is not that of a class.
    """
    answers = np.asarray(bare(scores))
    if answers.ndim != 2 or not answers.shape[1]:
        raise ShapeError(f"scores are (batch, classes), not {answers.shape}; scores.reshape(1, -1) is a batch of one")
    targets = np.asarray(bare(t))
    if targets.dtype.kind not in "biuf":
        raise DTypeError(f"labels are integers, and rows are real numbers, not {targets.dtype}")
    labels = targets.argmax(axis=1) if targets.shape == answers.shape else targets_of(answers, targets)
    return np.equal(answers.argmax(axis=1), labels)


def accuracy(predict: Callable[[Any], Any], x: Any, t: Any, batch_size: int) -> float:
    """The share of inputs whose highest score, by `predict`, is that of t, computed batch by batch.

    Raises what `predictions` and `correct` raise, and `ShapeError` if t has not one label or row for each input.
    """
    t = np.asarray(bare(t))
    if not is_batch(x) or not is_batch(t):
        raise ShapeError("accuracy takes a batch of inputs and labels: of a single one np.array([x]) and np.array([t])")
    if len(x) != len(t):
        raise ShapeError(f"accuracy needs one label or row for each input: there are {len(x)} and {len(t)}")
    return float(np.mean(np.concatenate([correct(predict(x[some]), t[some]) for some in _slices(x, batch_size)])))


def is_batch(a: Any) -> bool:
    """Whether it has rows: an array, a Tensor or a list."""
    return hasattr(a, "__len__") and getattr(a, "ndim", 1) > 0


def _slices(x: Any, batch_size: int) -> list[slice]:
    """Where the batches of x are: each of so many rows, but for the last."""
    if not is_size(batch_size):
        raise ValueError(f"the batch_size is a whole number, 1 or more, not {batch_size!r}")
    if not is_batch(x):
        raise ShapeError("a network answers for a batch of inputs: of a single one np.array([x])")
    if not len(x):
        raise ShapeError("a network answers for one input or more, and there are none")
    return [slice(i, i + batch_size) for i in range(0, len(x), batch_size)]

"""What the functions take: lists, numbers, arrays and Tensors, as floating arrays; targets of several kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..engine import Tensor
from ..errors import DataError, DTypeError, ShapeError
from ..tensor import bare
from ..values import as_value

TensorLike = ArrayLike | Tensor


def array_of(x: Any) -> Any:
    """Lists and numbers as floating arrays; arrays and Tensors as they are, but integers as floats.

    Raises `DTypeError` for what are no real numbers, `ShapeError` for lists of unequal lengths within one another.
    """
    x = x if type(x) is Tensor else as_value(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def laid_out(what: str, x: Any, axes: str) -> Any:
    """x as a floating array, which must have these axes, each a letter."""
    a = array_of(x)
    if a.ndim != len(axes):
        raise ShapeError(f"{what} ({', '.join(axes)}), not {a.shape}")
    return a


def alike(y: Any, t: Any) -> tuple[Any, Any]:
    """Both as floating arrays, of the same shape, and of the dtype of y."""
    outputs, targets = array_of(y), array_of(t)
    if outputs.shape != targets.shape:
        raise ShapeError(f"y and t must have the same shape, not {outputs.shape} and {targets.shape}")
    return outputs, targets if targets.dtype == outputs.dtype else targets.astype(outputs.dtype)


def is_share(value: Any) -> bool:
    """Whether it is a number from 0 to 1."""
    number = np.asarray(bare(value))
    return number.ndim == 0 and number.dtype.kind in "biuf" and bool(0 <= number <= 1)


def check_dropout(ratio: Any) -> None:
    """Raise ValueError if dropout cannot have this ratio."""
    if not is_share(ratio) or ratio == 1:
        raise ValueError(f"the ratio of dropout is a number of at least 0 and less than 1, not {ratio!r}")


def targets_of(y: Any, t: Any) -> Any:
    """t as labels, checked to be such, or as rows of y's shape and dtype."""
    if type(t) is not np.ndarray and not hasattr(t, "__array_function__"):  # a Tensor has it, too
        t = np.asarray(t)
    shape = y.shape
    if not shape:
        raise ShapeError("the scores or probabilities must have a last axis, the classes; this is a single number")
    batch, classes = shape[:-1], shape[-1]
    if t.shape == shape:
        if t.dtype == y.dtype:
            return t
        if t.dtype.kind not in "fiub":
            raise DTypeError(f"rows of targets must be real numbers, not {t.dtype}")
        return t.astype(y.dtype)
    if t.shape == (*batch, 1):
        t = t[..., 0]
    if t.shape != batch:
        raise ShapeError(f"t must be labels of shape {batch} or rows of shape {shape}, not {t.shape}")
    labels = t.data if isinstance(t, Tensor) else t
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"labels must be integers, not {labels.dtype}: write t.astype(int)")
    if labels.size and labels.astype(np.uint64).max() >= classes:  # negative ones become huge
        raise DataError(
            f"the labels of {classes} classes are 0 to {classes - 1}; these are {labels.min()} to {labels.max()}"
        )
    return t if isinstance(y, Tensor) else labels

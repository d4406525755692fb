"""Normalization: of batches, of layers, of neighbouring channels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..errors import DTypeError, ShapeError
from ..values import computed_wide, wide_dtype
from .arguments import TensorLike, array_of, is_share, laid_out


def batch_norm(
    x: TensorLike,
    gamma: TensorLike,
    beta: TensorLike,
    running_mean: NDArray[Any] | None = None,
    running_var: NDArray[Any] | None = None,
    train: bool = True,
    momentum: float = 0.9,
    eps: float = 1e-6,
) -> Any:
    """Normalize each feature of (N, D), or each channel of (N, C, H, W), over the batch; then scale and shift it.

    gamma (x - mean) / sqrt(variance + eps) + beta; gamma, beta, and the running statistics are (D,) or (C,). (Section
    6.3 of the book; S. Ioffe and C. Szegedy, 2015.)

    When training, mean and (biased) variance are the batch's, and the running statistics, if given, are changed in
    place: running = momentum * running + (1 - momentum) * batch. Otherwise they are what is normalized by.
    Raises `ShapeError` if x is of another shape, the others do not fit it, only one of the running statistics is given,
    or none to normalize by; `DTypeError` if these are no arrays of floats, ValueError if they cannot be changed, or
    momentum is no number from 0 to 1.
    """
    a = array_of(x)
    if not is_share(momentum):
        raise ValueError(f"the momentum of running statistics is a number from 0 to 1, not {momentum!r}")
    if a.ndim not in (2, 4):
        raise ShapeError(f"batch_norm takes (N, D) or images (N, C, H, W), not {a.shape}")
    features = a.shape[1]
    scale, shift = (_one_each(name, values, features) for name, values in (("gamma", gamma), ("beta", beta)))
    statistics = _statistics(running_mean, running_var, features, train)
    rows = a if a.ndim == 2 else np.moveaxis(a, 1, 3).reshape(math.prod((len(a), *a.shape[2:])), features)
    if train:
        y = _normalized_by_batch(rows, scale, shift, statistics, momentum, eps)
    else:
        mean, variance = statistics
        y = (rows.astype(wide_dtype(rows.dtype), copy=False) - mean) * (scale / np.sqrt(variance + eps)) + shift
        y = y.astype(a.dtype, copy=False)
    return y if a.ndim == 2 else np.moveaxis(y.reshape(len(a), *a.shape[2:], features), 3, 1)


def _normalized_by_batch(
    rows: Any, scale: Any, shift: Any, statistics: Sequence[Any], momentum: float, eps: float
) -> Any:
    """(N, D) normalized by its own statistics, towards which the running ones, if there are any, move."""
    moments: list[Any] = []
    y = ops.normalize_columns(rows, scale, shift, eps, moments)
    if len(rows):
        for running, batch in zip(statistics, moments, strict=False):
            running *= momentum
            running += (1 - momentum) * batch
    return y


def _statistics(mean: Any, variance: Any, features: int, train: bool) -> Sequence[Any]:
    """The running statistics, (mean, variance), if they can be used; none if a training keeps none."""
    if mean is None and variance is None:
        if not train:
            raise ShapeError("batch_norm needs running_mean and running_var where it does not train")
        return ()
    if mean is None or variance is None:
        missing = "running_mean" if mean is None else "running_var"
        raise ShapeError(f"batch_norm takes both running_mean and running_var or neither, but {missing} is missing")
    _refuse_statistics("running_mean", mean, features, changed=train)
    _refuse_statistics("running_var", variance, features, changed=train)
    return mean, variance


def _refuse_statistics(name: str, running: Any, features: int, *, changed: bool) -> None:
    """Raise if running statistics are not one number for each feature, or cannot be changed where they are to be."""
    shape, dtype = np.shape(running), getattr(running, "dtype", None)
    if shape != (features,):
        raise _not_one_each(name, shape, features)
    if dtype is None or dtype.kind != "f":
        kind = type(running).__name__ if dtype is None else dtype
        raise DTypeError(f"batch_norm takes a {name} that is an array of floats, not {kind}")
    if changed and isinstance(running, np.ndarray) and not running.flags.writeable:
        raise ValueError(f"batch_norm cannot change a {name} that is read-only; take a copy of it, or train=False")


def _one_each(name: str, values: Any, features: int) -> Any:
    shape = getattr(values, "shape", None)  # np.shape takes ten times as long
    if shape == (features,):
        return values
    values = array_of(values)
    shape = values.shape
    if math.prod(shape) not in (1, features):
        raise _not_one_each(name, shape, features)
    return np.broadcast_to(np.reshape(values, -1), (features,))


def _not_one_each(name: str, shape: tuple[int, ...], features: int) -> ShapeError:
    return ShapeError(
        f"batch_norm takes a {name} for each of the {features} features or channels of x, not {shape}; "
        "nn.BatchNormalization(per_activation=True) has one for each number of an image, as the book has"
    )


def layer_norm(x: TensorLike, gamma: TensorLike, beta: TensorLike, eps: float = 1e-6) -> Any:
    """Normalize the last axis of each example, then scale and shift: gamma and beta have its length (J. Ba, 2016).

    Raises `ShapeError` if they have not.
    """
    a = array_of(x)
    if not a.ndim:
        raise ShapeError("layer_norm takes arrays, whose last axis it normalizes, and was given a single number")
    for name, shape in (("gamma", array_of(gamma).shape), ("beta", array_of(beta).shape)):
        if shape not in (a.shape[-1:], (1,), ()):
            raise ShapeError(f"layer_norm takes a {name} of shape {a.shape[-1:]} for x of {a.shape}, not {shape}")
    return gamma * ops.standardize(a, (a.ndim - 1,), eps) + beta


def local_response_norm(x: TensorLike, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> Any:
    """Divide images, (N, C, H, W), by (k + alpha * the sum of squares in `size` neighbouring channels)**beta.

    (A. Krizhevsky, I. Sutskever and G. Hinton, 2012, whose defaults these are; alpha is not divided by `size`.) Raises
    `ShapeError` if x has another shape, ValueError if `size` is less than 1.
    """
    if size < 1:
        raise ValueError(f"local_response_norm takes a size of 1 or more channels, not {size}")
    return _local_response_norm(laid_out("local_response_norm takes images", x, "NCHW"), size, alpha, beta, k)


@computed_wide
def _local_response_norm(a: Any, size: int, alpha: float, beta: float, k: float) -> Any:
    squares = np.pad(a * a, ((0, 0), (size // 2, (size - 1) // 2), (0, 0), (0, 0)))
    near: Any = sum(squares[:, i : i + a.shape[1]] for i in range(size))
    return a * (k + alpha * near) ** -beta

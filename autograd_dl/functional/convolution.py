"""Convolution and pooling of images, (N, C, H, W)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops.windows import Pair, pair
from ..values import computed_wide
from .arguments import TensorLike, array_of, laid_out


def conv2d(
    x: TensorLike,
    w: TensorLike,
    b: TensorLike | None = None,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Any:
    """Slide filters over images: (N, C, H, W) and (F, C / groups, FH, FW) to (N, F, OH, OW); b is (F,) or a number.

    OH = (H + 2 pad - dilation (FH - 1) - 1) / stride + 1, rounded down. `stride`, `pad` (with zeros) and `dilation`
    (the distance of a filter's elements) are an int or a (rows, columns) pair. With `groups`, each group of filters
    sees its own share of the channels. Raises `ShapeError` where anything does not fit.
    """
    if b is not None and not np.ndim(b):
        return conv2d(x, w, None, stride, pad, dilation, groups) + b
    bias = None if b is None else array_of(b)
    if bias is not None and bias.ndim > 1:
        bias = bias.reshape(-1)
    return ops.conv2d(array_of(x), array_of(w), bias, stride, pad, dilation, groups)


def conv_transpose2d(
    x: TensorLike,
    w: TensorLike,
    b: TensorLike | None = None,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Any:
    """The transpose of `conv2d`, by which images grow: (N, F, H, W) and (F, C / groups, FH, FW) to (N, C, OH, OW).

    OH = stride (H - 1) + dilation (FH - 1) + 1 - 2 pad; b is (C,) or a number. Raises `ShapeError` where anything does
    not fit.
    """
    images, filters = array_of(x), array_of(w)
    if images.ndim != 4 or filters.ndim != 4 or images.shape[1] != filters.shape[0]:
        raise ShapeError(
            f"images (N, F, H, W) and filters (F, C / groups, FH, FW) do not fit: {images.shape}, {filters.shape}"
        )
    sizes = [
        s * (n - 1) + d * (f - 1) + 1 - 2 * p
        for n, f, s, p, d in zip(images.shape[2:], filters.shape[2:], *map(pair, (stride, pad, dilation)), strict=True)
    ]
    if min(sizes) < 1:
        raise ShapeError(
            f"conv_transpose2d of images {images.shape} with filters {filters.shape} would make images of {sizes[0]} x "
            f"{sizes[1]} pixels, not of at least 1 x 1; take a smaller pad than {pad}"
        )
    shape = (images.shape[0], filters.shape[1] * groups, *sizes)
    return _with_bias(ops.conv2d_input(images, filters, shape, stride, pad, dilation, groups), b)


def _with_bias(y: Any, b: Any) -> Any:
    if b is None:
        return y
    if not np.ndim(b):
        return y + b
    if math.prod(np.shape(b)) != y.shape[1]:
        raise ShapeError(f"{y.shape[1]} channels have as many biases, not {np.shape(b)}")
    return y + np.reshape(b, (-1, 1, 1))


def max_pool2d(x: TensorLike, size: Pair, stride: Pair | None = None, pad: Pair = 0) -> Any:
    """The largest number of each window: (N, C, H, W) to (N, C, OH, OW); of several, the first gets the gradient.

    `size`, `stride` (if not given, the windows stand side by side) and `pad` are an int or a (rows, columns) pair;
    padding is never the largest. Raises `ShapeError` where the window does not fit, or is less than twice as large as
    the padding.
    """
    return ops.max_pool2d(array_of(x), size, size if stride is None else stride, pad)


def average_pool2d(x: TensorLike, size: Pair, stride: Pair | None = None, pad: Pair = 0) -> Any:
    """The mean of each window, as `max_pool2d`, but the zeros of the padding are included in the mean.

    Raises what `max_pool2d` raises.
    """
    return _average_pool2d(array_of(x), size, size if stride is None else stride, pad)


@computed_wide
def _average_pool2d(x: Any, size: Pair, stride: Pair, pad: Pair) -> Any:
    return ops.sum_pool2d(x, size, stride, pad) / math.prod(pair(size))


def global_max_pool2d(x: TensorLike) -> Any:
    """The largest number of each channel, (N, C, H, W) to (N, C). Raises `ShapeError` for others.

    Where several are the largest, they share the gradient.
    """
    return np.max(laid_out("global_max_pool2d takes images", x, "NCHW"), axis=(2, 3))


def global_average_pool2d(x: TensorLike) -> Any:
    """The mean of each channel, (N, C, H, W) to (N, C). Raises `ShapeError` for others."""
    return np.mean(laid_out("global_average_pool2d takes images", x, "NCHW"), axis=(2, 3))

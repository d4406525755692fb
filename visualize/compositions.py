"""What fused ops stand for: the compositions that `expand=True` draws, as the book writes them out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_dl import Tensor, ops
from autograd_dl.ops.windows import Pair, pair
from autograd_dl.tensor import bare


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Any) -> Any:
    return np.log(1 + np.exp(x))


def _logsumexp(x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    values = bare(x)
    total = np.sum(np.exp(x - np.max(values, axis=axis, keepdims=True)), axis=axis, keepdims=keepdims)
    return np.log(total) + np.max(values, axis=axis, keepdims=keepdims)


def _softmax_cross_entropy(x: Any, t: Any) -> Any:
    """With -sum(t log y) / rows, of t as rows. Where a probability is 0, its logarithm is computed without it."""
    z = x - np.max(bare(x), axis=-1, keepdims=True)
    e = np.exp(z)
    total = np.sum(e, axis=-1, keepdims=True)
    log_y = np.log(e / total) if np.all(bare(e)) else z - np.log(total)
    loss, rows = -np.sum(_as_rows(t, x) * log_y), math.prod(x.shape[:-1])
    return loss / rows if rows > 1 else loss


def _as_rows(t: Any, x: Any) -> Any:
    if t.ndim == x.ndim:
        return t
    rows = (np.expand_dims(bare(t), -1) == np.arange(x.shape[-1])).astype(x.dtype)
    return Tensor(rows, name=t.name if isinstance(t, Tensor) else None)


def _standardize(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    centred = x - np.mean(x, axis=axes, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=axes, keepdims=True) + eps)


def _normalize_columns(x: Any, gamma: Any, beta: Any, eps: float, _moments: Any = None) -> Any:
    """Batch normalization, as the book's."""
    centred = x - np.mean(x, axis=0)
    return gamma * (centred / np.sqrt(np.mean(centred**2, axis=0) + eps)) + beta


def _conv2d(x: Any, w: Any, b: Any = None, stride: Pair = 1, pad: Pair = 0, dilation: Pair = 1, groups: int = 1) -> Any:
    """The book's, for its convolutions: im2col and a product of matrices."""
    if pair(dilation) != (1, 1) or groups != 1:
        return ops.conv2d(x, w, b, stride, pad, dilation, groups)
    filters, _, height, width = w.shape
    y = np.dot(_rows_of(x, height, width, stride, pad), np.reshape(w, (filters, -1)).T)
    return _as_images(y if b is None else y + b, x, (height, width), stride, pad)


def _max_pool2d(x: Any, size: Pair, stride: Pair, pad: Pair = 0) -> Any:
    """The book's, for windows without padding: im2col and the largest number of each row."""
    if pair(pad) != (0, 0):
        return ops.max_pool2d(x, size, stride, pad)
    rows = np.reshape(ops.im2col(x, *pair(size), stride), (-1, math.prod(pair(size))))
    return _as_images(np.max(rows, axis=1), x, pair(size), stride, 0)


def _rows_of(x: Any, height: int, width: int, stride: Pair, pad: Pair) -> Any:
    """im2col; of images that need no gradient, where it is not recorded, with a name."""
    rows = ops.im2col(x, height, width, stride, pad)
    is_recorded = not isinstance(rows, Tensor) or rows.requires_grad
    return rows if is_recorded else Tensor(rows, name=f"im2col({x.name})" if x.name else "im2col")


def _as_images(rows: Any, x: Any, size: tuple[int, int], stride: Pair, pad: Pair) -> Any:
    places = map(ops.conv_output_size, x.shape[2:], size, pair(stride), pair(pad))
    return np.transpose(np.reshape(rows, (len(x), *places, -1)), (0, 3, 1, 2))


COMPOSITIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    ops.sigmoid: _sigmoid,
    ops.softplus: _softplus,
    ops.logsumexp: _logsumexp,
    ops.softmax_cross_entropy: _softmax_cross_entropy,
    ops.standardize: _standardize,
    ops.normalize_columns: _normalize_columns,
    ops.conv2d: _conv2d,
    ops.max_pool2d: _max_pool2d,
}
"""By the function of the op. Values are the same but for rounding; gradients differ where maxima tie, and are NaN where
exp overflows, as it does in the book's sigmoid."""

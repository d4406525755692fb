"""im2col and col2im, the book's way to make a convolution one matrix product; and NumPy's convolution of vectors.

im2col and col2im are each other's transpose.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..table import defvjp
from .entry import as_array, composed, primitive

Pair = int | tuple[int, int]


def pair(value: Pair) -> tuple[int, int]:
    """(for rows, for columns): an int stands for both."""
    rows, columns = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value, value)
    try:
        return operator.index(rows), operator.index(columns)
    except TypeError:
        raise ShapeError(
            f"a size, stride, pad or dilation is a whole number, or a pair of them for (rows, columns), not {value!r}"
        ) from None


def conv_output_size(input_size: int, filter_size: int, stride: int = 1, pad: int = 0) -> int:
    """How many places a filter has along one axis: (input_size + 2 pad - filter_size) / stride + 1, rounded down.

    Raises
    ------
    ShapeError
        If the filter is larger than the padded input, or a size is not positive.
    """
    if min(filter_size, stride) < 1 or pad < 0 or input_size + 2 * pad < filter_size:
        raise ShapeError(
            f"a filter of size {filter_size} with stride {stride} does not fit an input of size {input_size} with "
            f"pad {pad}: it needs 1 <= {filter_size} <= {input_size} + 2 * {pad}, stride >= 1 and pad >= 0"
        )
    return (input_size + 2 * pad - filter_size) // stride + 1


def _windows(shape: tuple[int, ...], filter_h: int, filter_w: int, stride: Pair, pad: Pair) -> Any:
    """(rows, columns) of places, the strides and the pads for an input of shape (N, C, H, W)."""
    if len(shape) != 4:
        raise ShapeError(f"im2col takes images of shape (N, C, H, W), not {tuple(shape)}")
    (stride_h, stride_w), (pad_h, pad_w) = pair(stride), pair(pad)
    out_h = conv_output_size(shape[2], filter_h, stride_h, pad_h)
    out_w = conv_output_size(shape[3], filter_w, stride_w, pad_w)
    return out_h, out_w, stride_h, stride_w, pad_h, pad_w


@primitive
def im2col(input_data: Any, filter_h: int, filter_w: int, stride: Pair = 1, pad: Pair = 0) -> Any:
    """The patches of images that a filter sees, as rows: (N, C, H, W) -> (N*OH*OW, C*FH*FW).

    Rows run over n, oh, ow, columns over c, fh, fw. `stride` and `pad` (with zeros) are an int or a (row, column) pair.
    The dtype stays. Raises `ShapeError` where the filter does not fit.

    >>> import numpy as np
    >>> im2col(np.zeros((10, 3, 7, 7)), 5, 5).shape
    (90, 75)
    """
    out_h, out_w, sh, sw, ph, pw = _windows(input_data.shape, filter_h, filter_w, stride, pad)
    n, c = input_data.shape[:2]
    padded = np.pad(input_data, ((0, 0), (0, 0), (ph, ph), (pw, pw))) if ph or pw else input_data
    windows = np.lib.stride_tricks.sliding_window_view(padded, (filter_h, filter_w), (2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * out_h * out_w, c * filter_h * filter_w)


@primitive
def col2im(
    col: Any, input_shape: tuple[int, int, int, int], filter_h: int, filter_w: int, stride: Pair = 1, pad: Pair = 0
) -> Any:
    """The transpose of `im2col`: rows of patches added up where they overlap, (N*OH*OW, C*FH*FW) -> `input_shape`."""
    out_h, out_w, sh, sw, ph, pw = _windows(input_shape, filter_h, filter_w, stride, pad)
    n, c, h, w = input_shape
    if col.shape != (n * out_h * out_w, c * filter_h * filter_w):
        raise ShapeError(
            f"col2im to {tuple(input_shape)} takes rows of shape {(n * out_h * out_w, c * filter_h * filter_w)}, "
            f"not {col.shape}"
        )
    if col.dtype == np.float16:
        return col2im(col.astype(np.float32), input_shape, filter_h, filter_w, stride, pad).astype(np.float16)
    patches = col.reshape(n, out_h, out_w, c, filter_h, filter_w).transpose(0, 3, 4, 5, 1, 2)
    image = np.zeros_like(col, shape=(n, c, h + 2 * ph, w + 2 * pw))
    for i in range(filter_h):
        for j in range(filter_w):
            image[:, :, i : i + sh * out_h : sh, j : j + sw * out_w : sw] += patches[:, :, i, j]
    return image[:, :, ph : ph + h, pw : pw + w]


# fmt: off
defvjp(im2col, lambda g, _ans, _x, fh, fw, stride=1, pad=0: col2im(g, _x.shape, fh, fw, stride, pad), None, None)
defvjp(col2im, lambda h, _ans, _col, _shape, fh, fw, stride=1, pad=0: im2col(h, fh, fw, stride, pad), None, None, None)
# fmt: on


@primitive(stands_for=np.convolve)
def _full(a: Any, v: Any) -> Any:
    return np.convolve(a, v)


@primitive(stands_for=np.correlate)
def _valid(a: Any, v: Any) -> Any:
    """v slides over a, which is not shorter: y[k] = sum over i of a[k + i] * v[i]."""
    return np.correlate(a, v, "valid")


defvjp(_full, lambda g, _ans, _a, v: _valid(g, v), lambda g, _ans, a, _v: _valid(g, a))
defvjp(_valid, lambda g, _ans, _a, v: _full(g, v), lambda g, _ans, a, _v: _valid(a, g))


@composed(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
    return _overlapping(_full(a, v), a.size, v.size, mode, (min(a.size, v.size) - 1) // 2)


@composed(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
    if mode == "valid" and a.size >= v.size:
        return _valid(a, v)
    middle = (v.size - 1) // 2 if a.size >= v.size else a.size // 2
    return _overlapping(_full(a, v[::-1]), a.size, v.size, mode, middle)


def _overlapping(full: Any, n: int, m: int, mode: str, middle: int) -> Any:
    """What `mode` keeps of the convolution of n and m elements."""
    kept = {"full": (0, n + m - 1), "same": (middle, max(n, m)), "valid": (min(n, m) - 1, abs(n - m) + 1)}
    if mode not in kept:
        raise ValueError(f"the mode of a convolution is 'full', 'same' or 'valid', not {mode!r}")
    start, length = kept[mode]
    return full[start : start + length]

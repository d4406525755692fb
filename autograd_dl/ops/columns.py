"""im2col and col2im, the book's way to make a convolution one matrix product: each is the other's transpose."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..table import defvjp
from ..values import computed_wide
from .entry import as_array, primitive
from .windows import Pair, grid


@primitive
def im2col(input_data: Any, filter_h: int, filter_w: int, stride: Pair = 1, pad: Pair = 0) -> Any:
    """The patches of images that a filter sees, as rows: (N, C, H, W) -> (N*OH*OW, C*FH*FW).

    Rows run over n, oh, ow, columns over c, fh, fw. `stride` and `pad` (with zeros) are an int or a (row, column) pair.
    The dtype stays. Raises `ShapeError` where the filter does not fit.

    >>> import numpy as np
    >>> im2col(np.zeros((10, 3, 7, 7)), 5, 5).shape
    (90, 75)
    """
    input_data = as_array(input_data)
    at = grid(input_data.shape, (filter_h, filter_w), stride, pad)
    (out_h, out_w), (sh, sw), (ph, pw) = at.places, at.stride, at.pad
    n, c = input_data.shape[:2]
    padded = np.pad(input_data, ((0, 0), (0, 0), (ph, ph), (pw, pw))) if ph or pw else input_data
    windows = np.lib.stride_tricks.sliding_window_view(padded, (filter_h, filter_w), (2, 3))[:, :, ::sh, ::sw]
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * out_h * out_w, c * filter_h * filter_w)


@primitive
@computed_wide
def col2im(
    col: Any, input_shape: tuple[int, int, int, int], filter_h: int, filter_w: int, stride: Pair = 1, pad: Pair = 0
) -> Any:
    """The transpose of `im2col`: rows of patches added up where they overlap, (N*OH*OW, C*FH*FW) -> `input_shape`.

    Raises `ShapeError` if the filter does not fit, or the rows are not those of such images.
    """
    at = grid(input_shape, (filter_h, filter_w), stride, pad)
    (out_h, out_w), (sh, sw) = at.places, at.stride
    n, c = input_shape[:2]
    if col.shape != (n * out_h * out_w, c * filter_h * filter_w):
        raise ShapeError(
            f"col2im to {tuple(input_shape)} takes rows of shape {(n * out_h * out_w, c * filter_h * filter_w)}, "
            f"not {col.shape}"
        )
    patches = col.reshape(n, out_h, out_w, c, filter_h, filter_w).transpose(0, 3, 4, 5, 1, 2)
    image = np.zeros_like(col, shape=(n, c, *at.padded))
    for i in range(filter_h):
        for j in range(filter_w):
            image[:, :, i : i + sh * out_h : sh, j : j + sw * out_w : sw] += patches[:, :, i, j]
    return image[:, :, *at.inside]


# fmt: off
defvjp(im2col, lambda g, _ans, _x, fh, fw, stride=1, pad=0: col2im(g, _x.shape, fh, fw, stride, pad), None, None)
defvjp(col2im, lambda h, _ans, _col, _shape, fh, fw, stride=1, pad=0: im2col(h, fh, fw, stride, pad), None, None, None)
# fmt: on

"""What convolution and pooling share: where windows go in images, (N, C, H, W), and images a few at a time.

Both compute with the channels of a pixel side by side in memory, and return such arrays under the usual shape: one
after the other needs no reordering.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import allocator
from ..errors import ShapeError
from ..parallel import SHARES, shares

Pair = int | tuple[int, int]

CHUNK = 1 << 21
"""Bytes that are worked on at once: they stay in the cache, and memory is bounded."""


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


class Grid(NamedTuple):
    """The places of a filter in images: pairs of (rows, columns)."""

    filter: tuple[int, int]
    stride: tuple[int, int]
    pad: tuple[int, int]
    dilation: tuple[int, int]
    images: tuple[int, int]
    places: tuple[int, int]

    @property
    def extent(self) -> tuple[int, int]:
        """The size of the filter with its holes."""
        return _extent(self.filter, self.dilation)

    @property
    def padded(self) -> tuple[int, int]:
        """The size of the images with their padding."""
        return self.images[0] + 2 * self.pad[0], self.images[1] + 2 * self.pad[1]

    @property
    def inside(self) -> tuple[slice, slice]:
        """Where the images are within their padding."""
        (above, left), (height, width) = self.pad, self.images
        return slice(above, above + height), slice(left, left + width)


def _extent(size: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    return (size[0] - 1) * dilation[0] + 1, (size[1] - 1) * dilation[1] + 1


def grid(shape: tuple[int, ...], size: Pair, stride: Pair, pad: Pair, dilation: Pair = 1) -> Grid:
    """Where a filter of `size` goes in images of this shape; raises `ShapeError` where it does not fit."""
    if len(shape) != 4:
        raise ShapeError(f"images have the shape (N, C, H, W), not {tuple(shape)}")
    filters, strides, pads, dilations = pair(size), pair(stride), pair(pad), pair(dilation)
    if min(dilations) < 1:
        raise ShapeError(f"the dilation of a filter is 1 or more, not {dilation}")
    height, width = (
        conv_output_size(n, f, s, p)
        for n, f, s, p in zip(shape[2:], _extent(filters, dilations), strides, pads, strict=True)
    )
    return Grid(filters, strides, pads, dilations, (shape[2], shape[3]), (height, width))


def chunks(n: int, size: int) -> list[slice]:
    """n images in slices that are worked on at once: what is made of one, `size` bytes an image, fits into CHUNK bytes.

    There are 1, 2, 4, 8, 16, 24, ... slices, so that all workers get equally many.
    """
    least = math.ceil(n / max(1, CHUNK // max(1, size)))
    count = 1 << (least - 1).bit_length() if least <= SHARES else SHARES * math.ceil(least / SHARES)
    return shares(n, min(n, count))


Part = tuple[slice, slice]
"""Images, and rows of the places in them: of several images, all rows."""


def parts_of(n: int, rows: int, size: int) -> list[Part]:
    """n images, a few at a time; where what is made of one, `size` bytes, is large, one, and some of its rows."""
    bands = [slice(0, rows)] if size <= 2 * CHUNK else chunks(rows, size // rows)
    return [(images, band) for images in chunks(n, size) for band in bands]


def largest(parts: Sequence[Part]) -> tuple[int, int]:
    """The most images, and the most rows, that any of these parts has."""
    images, rows = (max((part[k].stop - part[k].start for part in parts), default=0) for k in (0, 1))
    return images, rows


def channels_last(like: Any, shape: tuple[int, ...]) -> Any:
    """An array of this shape, (N, C, H, W), to be filled."""
    n, c, height, width = shape
    return allocator.empty(like, (n, height, width, c)).transpose(0, 3, 1, 2)

"""Convolution of images, (N, C, H, W), a product of two factors.

Each of its two transposes is that in one of the factors, so that the three ops are each other's derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import allocator
from ..errors import ShapeError
from ..parallel import SHARES, for_each, shares
from ..pullback import column_sums, unbroadcast
from ..table import defvjp
from ..values import wide_dtype
from .entry import primitive
from .windows import CHUNK, Grid, Pair, chunks, grid

SMALL = 10**6
"""Multiplications up to which OpenBLAS takes the factors of a product as they lie, without reordering them first."""
FILTERS = 24
"""Filters whose products with a patch of zeros take as long as it takes to add a patch to images."""
FEW = 128
"""The most rows that one of the products in `_summed` sums over. Each has at most half of SMALL multiplications."""


@primitive
def conv2d(x: Any, w: Any, b: Any = None, stride: Pair = 1, pad: Pair = 0, dilation: Pair = 1, groups: int = 1) -> Any:
    """Slide filters over images: (N, C, H, W) and (F, C / groups, FH, FW) to (N, F, OH, OW); b is (F,).

    y[n, f, i, j] = b[f] + sum of w[f, c, k, l] * x[n, c, i*stride + k*dilation - pad, j*stride + l*dilation - pad]

    Each of the `groups` of filters sees its own share of the channels. Raises `ShapeError` where anything does not fit.
    """
    at = _conv_grid(x.shape, w.shape, stride, pad, dilation, groups)
    if b is not None and b.shape != (len(w),):
        raise ShapeError(f"{len(w)} filters have as many biases, of shape {(len(w),)}, not {b.shape}")
    dtype, x, w, b = _alike(x, w, b)
    return _convolved(_padded(x, at), at, w, groups, b).astype(dtype, copy=False)


@primitive
def conv2d_input(
    g: Any,
    w: Any,
    shape: tuple[int, int, int, int],
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Any:
    """The transpose of `conv2d` for its images: (N, F, OH, OW) and the filters to images of this shape, (N, C, H, W).

    Raises `ShapeError` where anything does not fit.
    """
    at = _conv_grid(shape, w.shape, stride, pad, dilation, groups)
    _check_gradient(g, (shape[0], w.shape[0], *at.places))
    dtype, g, w = _alike(g, w)
    places = math.prod(at.places)
    zeros = math.prod(at.images) - places  # that would be multiplied, if the gradient is spread
    if groups == 1 and zeros * len(w) >= FILTERS * places:
        return _added_back(g, at, w).astype(dtype, copy=False)
    back = Grid(at.filter, (1, 1), (0, 0), at.dilation, at.images, at.images)
    f, c = w.shape[:2]
    turned = w[:, :, ::-1, ::-1].reshape(groups, f // groups, c, *at.filter).swapaxes(1, 2)
    filters = turned.reshape(groups * c, f // groups, *at.filter)
    return _convolved(_spread(g, at), back, filters, groups).astype(dtype, copy=False)


@primitive
def conv2d_filter(
    x: Any,
    g: Any,
    shape: tuple[int, int, int, int],
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Any:
    """The transpose of `conv2d` for its filters: images, (N, C, H, W), and (N, F, OH, OW) to filters of this shape.

    It is (F, C / groups, FH, FW). Raises `ShapeError` where anything does not fit.
    """
    at = _conv_grid(x.shape, shape, stride, pad, dilation, groups)
    _check_gradient(g, (x.shape[0], shape[0], *at.places))
    dtype, x, g = _alike(x, g)
    f, c = shape[:2]
    frame, arriving = _padded(x, at), g.transpose(0, 2, 3, 1)
    sums = np.zeros_like(x, order="C", shape=(SHARES, groups, c * at.filter[0] * at.filter[1], f // groups))
    parts = _parts(len(x), at, c * groups, x.dtype)

    def begin() -> Callable[[tuple[int, slice]], None]:
        windows = _Windows(frame, at, groups, parts)

        def add(numbered: tuple[int, slice]) -> None:
            number, some = numbered
            for part in parts[some]:
                windows.look(part)
                some_g = arriving[part]
                if _is_depthwise(groups, c, f):
                    _add_products(sums[number, :, :, 0], windows.patches, some_g)
                    continue
                count = math.prod(some_g.shape[:-1])
                for total, (channels, filters) in zip(sums[number], _groups(groups, c, f), strict=True):
                    total += _summed(windows.rows(channels), some_g[..., filters].reshape(count, f // groups))

        return add

    for_each(begin, enumerate(shares(len(parts))))
    total = sums.sum(0).reshape(groups, *at.filter, c, f // groups).transpose(0, 4, 3, 1, 2).reshape(shape)
    return total.astype(dtype, copy=False)


# fmt: off
defvjp(conv2d,
       lambda g, _ans, _x, w, *_b, stride=1, pad=0, dilation=1, groups=1:
           conv2d_input(g, w, _x.shape, stride, pad, dilation, groups),
       lambda g, _ans, x, _w, *_b, stride=1, pad=0, dilation=1, groups=1:
           conv2d_filter(x, g, _w.shape, stride, pad, dilation, groups),
       lambda g, _ans, _x, _w, _b, stride=1, pad=0, dilation=1, groups=1:
           unbroadcast(np.moveaxis(g, 1, 3).reshape(len(g) * g.shape[2] * g.shape[3], *_b.shape), _b.shape))
defvjp(conv2d_input,
       lambda h, _ans, _g, w, _shape, stride=1, pad=0, dilation=1, groups=1:
           conv2d(h, w, None, stride, pad, dilation, groups),
       lambda h, _ans, g, _w, _shape, stride=1, pad=0, dilation=1, groups=1:
           conv2d_filter(h, g, _w.shape, stride, pad, dilation, groups), None)
defvjp(conv2d_filter,
       lambda h, _ans, _x, g, _shape, stride=1, pad=0, dilation=1, groups=1:
           conv2d_input(g, h, _x.shape, stride, pad, dilation, groups),
       lambda h, _ans, x, _g, _shape, stride=1, pad=0, dilation=1, groups=1:
           conv2d(x, h, None, stride, pad, dilation, groups), None)
# fmt: on


def _conv_grid(
    images: tuple[int, ...], filters: tuple[int, ...], stride: Pair, pad: Pair, dilation: Pair, groups: int
) -> Grid:
    if len(filters) != 4:
        raise ShapeError(f"filters have the shape (F, C / groups, FH, FW), not {tuple(filters)}")
    at = grid(images, (filters[2], filters[3]), stride, pad, dilation)
    if groups < 1 or filters[0] % groups or images[1] != groups * filters[1]:
        raise ShapeError(
            f"filters of shape {tuple(filters)} in {groups} groups take images of {groups * filters[1]} channels, "
            f"and there must be as many filters in each group; these images have the shape {tuple(images)}"
        )
    return at


def _check_gradient(g: Any, shape: tuple[int, ...]) -> None:
    if g.shape != shape:
        raise ShapeError(f"the gradient of a convolution has its shape, {shape}, not {g.shape}")


def _alike(*arrays: Any) -> tuple[Any, ...]:
    """The dtype that NumPy's arithmetic gives these arrays, and all of them in it, or in float32 for float16.

    (One that is None stays so.)
    """
    dtype = np.result_type(*(a.dtype for a in arrays if a is not None))
    wide = wide_dtype(dtype)
    return dtype, *(None if a is None else a.astype(wide, copy=False) for a in arrays)


def _groups(groups: int, c: int, f: int) -> Iterator[tuple[slice, slice]]:
    """The channels and the filters of each group."""
    for k in range(groups):
        yield slice(k * c, (k + 1) * c), slice(k * (f // groups), (k + 1) * (f // groups))


def _is_depthwise(groups: int, c: int, f: int) -> bool:
    """Whether each of several channels has a filter of its own: then there is no product of matrices to speak of."""
    return groups >= 8 and c == 1 and f == groups


def _convolved(frame: _Frame, at: Grid, w: Any, groups: int, bias: Any = None) -> Any:
    """What filters make of framed images."""
    f, c, fh, fw = w.shape
    n, is_depthwise = len(frame.images), _is_depthwise(groups, c, f)
    matrices = []
    if not is_depthwise:
        matrices = [
            w[filters].transpose(2, 3, 1, 0).reshape(c * fh * fw, f // groups) for _, filters in _groups(groups, c, f)
        ]
    ans = allocator.empty(w, (n, *at.places, f))
    biases = None if bias is None else np.tile(bias, math.prod(at.places))
    parts = _parts(n, at, c * groups, w.dtype)

    def begin() -> Callable[[_Part], None]:
        windows = _Windows(frame, at, groups, parts)

        def fill(part: _Part) -> None:
            windows.look(part)
            out = ans[part]
            pixels = out.reshape(math.prod(out.shape[:-1]), f)
            if is_depthwise:
                _multiply_each(windows.patches, w, out)
            else:
                for matrix, (channels, filters) in zip(matrices, _groups(groups, c, f), strict=True):
                    _multiply(windows.rows(channels), matrix, pixels[:, filters])
            if biases is not None:
                several = pixels.reshape(len(out), math.prod(out.shape[1:]))  # long rows are added fast
                np.add(several, biases[: several.shape[1]], out=several)

        return fill

    for_each(begin, parts)
    return ans.transpose(0, 3, 1, 2)


def _multiply(rows: Any, matrix: Any, out: Any) -> None:
    """Write rows @ matrix to `out`, as several products of the size that BLAS is best at."""
    size = SMALL // max(1, matrix.size)
    if size < 8:
        np.matmul(rows, matrix, out=out)
        return
    inputs, filters = matrix.shape
    count = len(rows) // size
    several = count * size
    blocks = rows[:several].reshape(count, size, inputs)
    np.matmul(blocks, matrix, out=out[:several].reshape(count, size, filters))
    np.matmul(rows[several:], matrix, out=out[several:])


def _multiply_each(patches: Any, w: Any, out: Any) -> None:
    """Write to `out` what one filter for each channel makes of it: patches (N, OH, OW, FH, FW, C), w (C, 1, FH, FW)."""
    products = np.empty_like(out)
    np.multiply(patches[:, :, :, 0, 0], w[:, 0, 0, 0], out=out)
    for i, j in list(np.ndindex(*w.shape[2:]))[1:]:
        np.multiply(patches[:, :, :, i, j], w[:, 0, i, j], out=products)
        np.add(out, products, out=out)


def _add_products(sums: Any, patches: Any, g: Any) -> None:
    """Add to `sums`, (C, FH * FW), the gradient of one filter for each channel, for what arrives, (N, OH, OW, C)."""
    g = np.ascontiguousarray(g)
    for k, (i, j) in enumerate(np.ndindex(*patches.shape[3:5])):
        sums[:, k] += column_sums((patches[:, :, :, i, j] * g).reshape(-1, len(sums)))


def _summed(rows: Any, g: Any) -> Any:
    """rows.T @ g, as the sum of several products of the size that BLAS is best at."""
    inputs, filters = rows.shape[1], g.shape[1]
    few = min(FEW, SMALL // (2 * max(1, inputs * filters)))
    if few < FEW // 3:
        return rows.T @ g
    count = len(rows) // few
    several = count * few
    blocks = rows[:several].reshape(count, few, inputs).swapaxes(1, 2)
    whole = np.matmul(blocks, g[:several].reshape(count, few, filters)).sum(0)
    whole += rows[several:].T @ g[several:]
    return whole


def _added_back(g: Any, at: Grid, w: Any) -> Any:
    """Images to which each place of a filter gives back its patch: the faster way where there are few places."""
    f, c, fh, fw = w.shape
    (height, width), (sh, sw), (dh, dw) = at.places, at.stride, at.dilation
    matrix = w.transpose(0, 2, 3, 1).reshape(f, fh * fw * c)
    pixels = allocator.empty(w, (len(g), *at.padded, c))
    arriving = g.transpose(0, 2, 3, 1)

    def add(images: slice) -> None:
        sums, some = pixels[images], arriving[images]
        sums[...] = 0
        rows = some.reshape(math.prod(some.shape[:-1]), f)
        patches = (rows @ matrix).reshape(len(some), height, width, fh, fw, c)
        for i, j in np.ndindex(fh, fw):
            down = slice(i * dh, i * dh + sh * height, sh)
            across = slice(j * dw, j * dw + sw * width, sw)
            sums[:, down, across] += patches[:, :, :, i, j]

    for_each(lambda: add, chunks(len(g), _patch_bytes(at, c, w.dtype)))
    if at.pad != (0, 0):
        pixels = pixels[:, *at.inside].copy()
    return pixels.transpose(0, 3, 1, 2)


class _Frame(NamedTuple):
    """Images, (N, H, W, C), to be put into larger ones of zeros: the size of those, and the rows and columns there."""

    images: Any
    size: tuple[int, int]
    to: tuple[slice, slice]


def _padded(x: Any, at: Grid) -> _Frame:
    """Images with zeros around them."""
    return _Frame(x.transpose(0, 2, 3, 1), at.padded, at.inside)


def _spread(g: Any, at: Grid) -> _Frame:
    """The gradient at each place of a filter, put where that place is in the images, with zeros between and around.

    The frame is larger than the images by the extent of a filter, less 1, so that the filters, turned around, have as
    many places in it as the images have pixels.
    """
    height, width = (size + extent - 1 for size, extent in zip(at.images, at.extent, strict=True))
    to, take = zip(*map(_positions, (height, width), at.places, at.stride, at.pad, at.extent), strict=True)
    return _Frame(g.transpose(0, 2, 3, 1)[:, *take], (height, width), to)


def _positions(size: int, places: int, stride: int, pad: int, extent: int) -> tuple[slice, slice]:
    """Along one axis: where places of a filter go in a frame of `size` pixels, and which of them are inside it."""
    first = extent - 1 - pad
    skipped = max(0, -(first // stride))
    taken = range(first + skipped * stride, size, stride)[: places - skipped]
    return slice(taken.start, taken.start + len(taken) * stride, stride), slice(skipped, skipped + len(taken))


class _Windows:
    """What a filter sees of framed images, a part at a time, in memory that is used again and again."""

    def __init__(self, frame: _Frame, at: Grid, groups: int, parts: Sequence[_Part]) -> None:
        few, rows = (max((p[k].stop - p[k].start for p in parts), default=0) for k in (0, 1))
        c = frame.images.shape[3]
        self.images = large = frame.images
        self.inside: Any = None
        self.framed: slice | None = None
        if large.shape[1:3] != frame.size:
            large = np.zeros_like(large, order="C", shape=(few, *frame.size, c))
            self.inside = large[:, *frame.to]
        self.all = self.patches = _patches(large, at)
        self.memory = allocator.empty(large, (few * rows * at.places[1] * math.prod(at.filter) * (c // groups),))

    def look(self, part: _Part) -> None:
        """Go to this part."""
        images, rows = part
        if self.inside is None:
            self.patches = self.all[part]
            return
        some = self.images[images]
        if images != self.framed:
            self.inside[: len(some)] = some
            self.framed = images
        self.patches = self.all[: len(some), rows]

    def rows(self, channels: slice) -> Any:
        """The patches, each as a row; they are copied in as long runs as there are in memory."""
        patches = self.patches[..., channels]
        n, height, width, fh, fw, c = patches.shape
        memory = self.memory[: patches.size]
        if fw * c < width:
            np.copyto(memory.reshape(fh, fw, c, n, height, width), patches.transpose(3, 4, 5, 0, 1, 2))
            return memory.reshape(fh * fw * c, n * height * width).T
        np.copyto(memory.reshape(patches.shape), patches)
        return memory.reshape(n * height * width, fh * fw * c)


def _patches(x: Any, at: Grid) -> Any:
    """What the filter sees at each of its places in (N, H, W, C): a view, (N, OH, OW, FH, FW, C)."""
    (sh, sw), (dh, dw) = at.stride, at.dilation
    windows = np.lib.stride_tricks.sliding_window_view(x, at.extent, (1, 2))
    return windows[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)


_Part = tuple[slice, slice]
"""Images, and rows of the places in them: of several images, all rows."""


def _parts(n: int, at: Grid, channels: int, dtype: np.dtype[Any]) -> list[_Part]:
    """n images, a few at a time; where the patches of one are large, some of its rows at a time."""
    size, rows = _patch_bytes(at, channels, dtype), at.places[0]
    bands = [slice(0, rows)] if size <= 2 * CHUNK else chunks(rows, size // rows)
    return [(images, band) for images in chunks(n, size) for band in bands]


def _patch_bytes(at: Grid, channels: int, dtype: np.dtype[Any]) -> int:
    """How many bytes the patches of an image have."""
    return math.prod(at.places + at.filter) * channels * dtype.itemsize

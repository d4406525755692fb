"""Convolution and pooling of images, (N, C, H, W).

Each op is computed with the channels of a pixel side by side in memory, and returns such arrays under the usual shape:
one after the other needs no reordering. Convolution is a product of two factors: each of its two transposes is that in
one of them, so that the three ops are each other's derivatives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..errors import ShapeError
from ..table import defvjp
from ..tensor import bare
from .convolution import Pair, conv_output_size, pair
from .entry import primitive

CHUNK = 1 << 20
"""Bytes of patches that are copied and multiplied at once: they stay in the cache, and memory is bounded."""


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


# -- convolution


@primitive
def conv2d(x: Any, w: Any, stride: Pair = 1, pad: Pair = 0, dilation: Pair = 1, groups: int = 1) -> Any:
    """Slide filters over images: (N, C, H, W) and (F, C / groups, FH, FW) to (N, F, OH, OW).

    y[n, f, i, j] = sum of w[f, c, k, l] * x[n, c, i*stride + k*dilation - pad, j*stride + l*dilation - pad]

    Each of the `groups` of filters sees its own share of the channels. Raises `ShapeError` where anything does not fit.
    """
    at = _conv_grid(x.shape, w.shape, stride, pad, dilation, groups)
    if x.dtype == np.float16:
        return conv2d(x.astype(np.float32), w.astype(np.float32), stride, pad, dilation, groups).astype(x.dtype)
    patches = _patches(_padded(x, at), at)
    return _convolved(patches, w, groups)


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
    """The transpose of `conv2d` for its images: (N, F, OH, OW) and the filters to images of this shape."""
    at = _conv_grid(shape, w.shape, stride, pad, dilation, groups)
    _check_gradient(g, (shape[0], w.shape[0], *at.places))
    if g.dtype == np.float16:
        wide = conv2d_input(g.astype(np.float32), w.astype(np.float32), shape, stride, pad, dilation, groups)
        return wide.astype(g.dtype)
    back = Grid(at.filter, (1, 1), (0, 0), at.dilation, at.images, at.images)
    f, c = w.shape[:2]
    turned = w[:, :, ::-1, ::-1].reshape(groups, f // groups, c, *at.filter).swapaxes(1, 2)
    return _convolved(_patches(_spread(g, at), back), turned.reshape(groups * c, f // groups, *at.filter), groups)


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
    """The transpose of `conv2d` for its filters: images and (N, F, OH, OW) to filters of this shape."""
    at = _conv_grid(x.shape, shape, stride, pad, dilation, groups)
    _check_gradient(g, (x.shape[0], shape[0], *at.places))
    if x.dtype == np.float16:
        wide = conv2d_filter(x.astype(np.float32), g.astype(np.float32), shape, stride, pad, dilation, groups)
        return wide.astype(x.dtype)
    f, c = shape[:2]
    rows = c * at.filter[0] * at.filter[1]
    patches, arriving = _patches(_padded(x, at), at), g.transpose(0, 2, 3, 1)
    total = np.zeros_like(x, shape=(groups, rows, f // groups))
    for images in _chunks(patches, rows):
        for k, (channels, filters) in enumerate(_groups(groups, c, f)):
            columns = _rows(patches[images, ..., channels])
            total[k] += columns.T @ arriving[images, ..., filters].reshape(-1, f // groups)
    return total.reshape(groups, *at.filter, c, f // groups).transpose(0, 4, 3, 1, 2).reshape(shape)


# fmt: off
defvjp(conv2d,
       lambda g, _ans, _x, w, stride=1, pad=0, dilation=1, groups=1:
           conv2d_input(g, w, _x.shape, stride, pad, dilation, groups),
       lambda g, _ans, x, _w, stride=1, pad=0, dilation=1, groups=1:
           conv2d_filter(x, g, _w.shape, stride, pad, dilation, groups))
defvjp(conv2d_input,
       lambda h, _ans, _g, w, _shape, stride=1, pad=0, dilation=1, groups=1:
           conv2d(h, w, stride, pad, dilation, groups),
       lambda h, _ans, g, _w, _shape, stride=1, pad=0, dilation=1, groups=1:
           conv2d_filter(h, g, _w.shape, stride, pad, dilation, groups), None)
defvjp(conv2d_filter,
       lambda h, _ans, _x, g, _shape, stride=1, pad=0, dilation=1, groups=1:
           conv2d_input(g, h, _x.shape, stride, pad, dilation, groups),
       lambda h, _ans, x, _g, _shape, stride=1, pad=0, dilation=1, groups=1:
           conv2d(x, h, stride, pad, dilation, groups), None)
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


def _groups(groups: int, c: int, f: int) -> Iterator[tuple[slice, slice]]:
    """The channels and the filters of each group."""
    for k in range(groups):
        yield slice(k * c, (k + 1) * c), slice(k * (f // groups), (k + 1) * (f // groups))


def _convolved(patches: Any, w: Any, groups: int) -> Any:
    """Patches, (N, OH, OW, FH, FW, C), times filters."""
    f, c, fh, fw = w.shape
    ans = np.empty_like(patches, shape=(*patches.shape[:3], f))
    for images in _chunks(patches, c * fh * fw):
        for channels, filters in _groups(groups, c, f):
            matrix = w[filters].transpose(2, 3, 1, 0).reshape(c * fh * fw, f // groups)
            columns = _rows(patches[images, ..., channels])
            ans[images, ..., filters] = (columns @ matrix).reshape(*ans[images].shape[:3], f // groups)
    return ans.transpose(0, 3, 1, 2)


def _rows(patches: Any) -> Any:
    """Patches as rows: a copy, made in as long runs as there are in memory."""
    n, height, width, fh, fw, c = patches.shape
    if fw * c < width:
        return patches.transpose(3, 4, 5, 0, 1, 2).reshape(fh * fw * c, n * height * width).T
    return patches.reshape(n * height * width, fh * fw * c)


def _chunks(patches: Any, columns: int) -> Iterator[slice]:
    """A few images at a time."""
    n, height, width = patches.shape[:3]
    few = max(1, CHUNK // max(1, height * width * columns * patches.dtype.itemsize))
    for start in range(0, n, few):
        yield slice(start, start + few)


def _padded(x: Any, at: Grid) -> Any:
    """Images as (N, H, W, C), with zeros around them."""
    n, c, height, width = x.shape
    (above, left), last = at.pad, x.transpose(0, 2, 3, 1)
    if not above and not left:
        return last
    ans = np.zeros_like(x, shape=(n, height + 2 * above, width + 2 * left, c))
    ans[:, above : above + height, left : left + width] = last
    return ans


def _patches(x: Any, at: Grid) -> Any:
    """What the filter sees at each of its places in (N, H, W, C): a view, (N, OH, OW, FH, FW, C)."""
    (sh, sw), (dh, dw) = at.stride, at.dilation
    windows = np.lib.stride_tricks.sliding_window_view(x, at.extent, (1, 2))
    return windows[:, ::sh, ::sw, :, ::dh, ::dw].transpose(0, 1, 2, 4, 5, 3)


def _spread(g: Any, at: Grid) -> Any:
    """The gradient at each place of a filter, where the place is in the images, with zeros between and around.

    As (N, H, W, C), so large that filters that are turned around make of it a gradient for each pixel.
    """
    n, f = g.shape[:2]
    sizes = [size + extent - 1 for size, extent in zip(at.images, at.extent, strict=True)]
    ans = np.zeros_like(g, shape=(n, *sizes, f))
    to, take = zip(*map(_positions, sizes, at.places, at.stride, at.pad, at.extent), strict=True)
    ans[:, to[0], to[1]] = g.transpose(0, 2, 3, 1)[:, take[0], take[1]]
    return ans


def _positions(size: int, places: int, stride: int, pad: int, extent: int) -> tuple[slice, slice]:
    """Where in `size` pixels the places go that are among them, and which these are."""
    first = extent - 1 - pad
    skipped = max(0, -(first // stride))
    taken = range(first + skipped * stride, size, stride)[: places - skipped]
    return slice(taken.start, taken.start + len(taken) * stride, stride), slice(skipped, skipped + len(taken))


# -- pooling


def _views(x: Any, at: Grid) -> Iterator[Any]:
    """For each element of the window, what it sees at all places of (N, C, H, W)."""
    (fh, fw), (sh, sw), (oh, ow) = at.filter, at.stride, at.places
    for i in range(fh):
        for j in range(fw):
            yield x[:, :, i : i + sh * (oh - 1) + 1 : sh, j : j + sw * (ow - 1) + 1 : sw]


def _framed(x: Any, at: Grid, fill: float) -> Any:
    """Images with a frame of `fill`."""
    (above, left), (n, c, height, width) = at.pad, x.shape
    if not above and not left:
        return x
    ans = np.full_like(x, fill, shape=(n, height + 2 * above, width + 2 * left, c)).transpose(0, 3, 1, 2)
    ans[:, :, above : above + height, left : left + width] = x
    return ans


def _unframed(x: Any, at: Grid) -> Any:
    (above, left), (height, width) = at.pad, at.images
    return x[:, :, above : above + height, left : left + width]


def _winners(x: Any, size: Pair, stride: Pair, pad: Pair = 0) -> Any:
    return _max_pool(bare(x), size, stride, pad)[1]


def _max_pool(x: Any, size: Pair, stride: Pair, pad: Pair = 0) -> tuple[Any, Any]:
    """The largest element of each window, and the number of the first such."""
    at = grid(x.shape, size, stride, pad)
    _check_window(at)
    views = _views(_framed(x, at, -np.inf), at)
    ans = next(views).copy(order="K")
    winners = np.zeros_like(ans, dtype=np.uint8 if at.filter[0] * at.filter[1] <= 256 else np.intp)
    for k, view in enumerate(views, 1):
        np.maximum(winners, (view > ans) * winners.dtype.type(k), out=winners)  # faster than winners[view > ans] = k
        np.maximum(ans, view, out=ans)
    return ans, winners


def _check_window(at: Grid) -> None:
    if any(2 * p > f for p, f in zip(at.pad, at.filter, strict=True)):
        raise ShapeError(f"a window of {at.filter} with pad {at.pad} would see nothing but padding at the edges")


@primitive(saved=_winners)
def max_pool2d(x: Any, size: Pair, stride: Pair, pad: Pair = 0) -> Any:
    """The largest number in each window of images, (N, C, H, W) to (N, C, OH, OW); of several, the first is taken.

    (A primitive since the window that an element is taken from is chosen once, for values and gradients.)
    """
    return _max_pool(x, size, stride, pad)


@primitive
def _placed(g: Any, winners: Any, shape: tuple[int, ...], size: Pair, stride: Pair, pad: Pair) -> Any:
    """Images of this shape with each number of `g` at the element of its window that won, added up where it is one."""
    at = grid(shape, size, stride, pad)
    n, c = shape[:2]
    frame = np.zeros_like(g, shape=(n, *_with_pad(at), c)).transpose(0, 3, 1, 2)
    last = np.empty_like(g, shape=(n, *at.places, c)).transpose(0, 3, 1, 2)
    last[...] = g
    disjoint = at.stride[0] >= at.filter[0] and at.stride[1] >= at.filter[1]
    for k, view in enumerate(_views(frame, at)):
        if disjoint:
            np.multiply(last, winners == k, out=view)
        else:
            view += last * (winners == k)
    return _unframed(frame, at)


@primitive
def _chosen(h: Any, winners: Any, size: Pair, stride: Pair, pad: Pair) -> Any:
    """The transpose of `_placed`: the element that won of each window."""
    at = grid(h.shape, size, stride, pad)
    ans = np.zeros_like(h, shape=winners.shape)
    for k, view in enumerate(_views(_framed(h, at, 0), at)):
        np.copyto(ans, view, where=winners == k)
    return ans


def _with_pad(at: Grid) -> tuple[int, int]:
    return at.images[0] + 2 * at.pad[0], at.images[1] + 2 * at.pad[1]


# fmt: off
defvjp(max_pool2d, lambda g, _ans, _x, size, stride, winners, pad=0: _placed(g, winners, _x.shape, size, stride, pad),
       None, None)
defvjp(_placed, lambda h, _ans, _g, winners, _shape, size, stride, pad: _chosen(h, winners, size, stride, pad),
       None, None, None, None, None)
defvjp(_chosen, lambda g, _ans, _h, winners, size, stride, pad: _placed(g, winners, _h.shape, size, stride, pad),
       None, None, None, None)
# fmt: on


@primitive
def sum_pool2d(x: Any, size: Pair, stride: Pair, pad: Pair = 0) -> Any:
    """The sum of each window of images, (N, C, H, W) to (N, C, OH, OW)."""
    at = grid(x.shape, size, stride, pad)
    return sum(_views(_framed(x, at, 0), at))


@primitive
def _summed_back(g: Any, shape: tuple[int, ...], size: Pair, stride: Pair, pad: Pair) -> Any:
    """The transpose of `sum_pool2d`: each number of `g` added to all elements of its window."""
    at = grid(shape, size, stride, pad)
    frame = np.zeros_like(g, shape=(*shape[:2], *_with_pad(at)))
    for view in _views(frame, at):
        view += g
    return _unframed(frame, at)


# fmt: off
defvjp(sum_pool2d, lambda g, _ans, _x, size, stride, pad=0: _summed_back(g, _x.shape, size, stride, pad), None, None)
defvjp(_summed_back, lambda h, _ans, _g, _shape, size, stride, pad: sum_pool2d(h, size, stride, pad),
       None, None, None, None)
# fmt: on

"""Pooling of images, (N, C, H, W): the largest number of each window, or the sum."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..parallel import for_each
from ..table import defvjp
from ..tensor import bare
from ..values import computed_wide
from .entry import primitive
from .windows import Grid, Pair, channels_last, chunks, grid


def _views(x: Any, at: Grid) -> Iterator[Any]:
    """For each element of the window, what it sees at all places of (N, C, H, W): views, (N, OH, OW, C)."""
    (fh, fw), (sh, sw), (oh, ow) = at.filter, at.stride, at.places
    pixels = x.transpose(0, 2, 3, 1)
    for i in range(fh):
        for j in range(fw):
            yield pixels[:, i : i + sh * oh : sh, j : j + sw * ow : sw]


def _padded(x: Any, at: Grid, fill: float) -> Any:
    """Images with padding of `fill`."""
    if at.pad == (0, 0):
        return x
    n, c = x.shape[:2]
    ans = np.full_like(x, fill, order="C", shape=(n, *at.padded, c)).transpose(0, 3, 1, 2)
    ans[:, :, *at.inside] = x
    return ans


def _winners(x: Any, size: Pair, stride: Pair, pad: Pair = 0) -> Any:
    return _max_pool(bare(x), size, stride, pad)[1]


def _max_pool(x: Any, size: Pair, stride: Pair, pad: Pair) -> tuple[Any, Any]:
    """The largest element of each window, and the number of the first such."""
    at = grid(x.shape, size, stride, pad)
    _check_window(at)
    ans = channels_last(x, x.shape[:2] + at.places)
    winners = np.zeros_like(ans, dtype=np.uint8 if at.filter[0] * at.filter[1] <= 256 else np.intp)

    lowest = -np.inf if x.dtype.kind == "f" else np.min(x, initial=0)

    def fill(images: slice) -> None:
        views = _views(_padded(x[images], at, lowest), at)
        largest, first = (a[images].transpose(0, 2, 3, 1) for a in (ans, winners))
        np.copyto(largest, next(views))
        for k, view in enumerate(views, 1):
            numbers = np.copy(view, order="C")  # NumPy is slow at the short runs that a stride leaves
            np.maximum(first, (numbers > largest) * first.dtype.type(k), out=first)  # faster than first[...] = k
            np.maximum(largest, numbers, out=largest)

    for_each(lambda: fill, chunks(len(x), math.prod(x.shape[1:]) * x.dtype.itemsize))
    # the first NaN wins, and -inf only where it is not of the padding
    if x.dtype.kind == "f" and not np.min(ans, initial=np.inf) > -np.inf:
        nans = _max_pool(np.isnan(x).astype(x.dtype), size, stride, pad)[1]
        winners = np.where(ans > -np.inf, winners, nans)
    return ans, winners


def _check_window(at: Grid) -> None:
    if any(2 * p > f for p, f in zip(at.pad, at.filter, strict=True)):
        raise ShapeError(f"a window of {at.filter} with pad {at.pad} would see nothing but padding at the edges")


@primitive(saved=_winners)
def max_pool2d(x: Any, size: Pair, stride: Pair, pad: Pair = 0) -> Any:
    """The largest number in each window of images, (N, C, H, W) to (N, C, OH, OW): the first such, or the first NaN.

    Raises `ShapeError` where the window does not fit, or is less than twice as large as the padding. (A primitive since
    the window that an element is taken from is chosen once, for values and gradients.)
    """
    return _max_pool(x, size, stride, pad)


@primitive
@computed_wide
def _placed(g: Any, winners: Any, shape: tuple[int, ...], size: Pair, stride: Pair, pad: Pair) -> Any:
    """Images of this shape: to the element that won a window, the number of `g` for that window is added."""
    at = grid(shape, size, stride, pad)
    frame = channels_last(g, (*shape[:2], *at.padded))
    disjoint = at.stride[0] >= at.filter[0] and at.stride[1] >= at.filter[1]
    covered = disjoint and all(f * n == side for f, n, side in zip(at.filter, at.places, at.padded, strict=True))

    def fill(images: slice) -> None:
        some, first = np.copy(g[images].transpose(0, 2, 3, 1), order="C"), winners[images].transpose(0, 2, 3, 1)
        if not covered:
            frame[images] = 0
        for k, view in enumerate(_views(frame[images], at)):
            part = (first == k).astype(g.dtype)
            part *= some
            if disjoint:
                view[...] = part
            else:
                view += part

    for_each(lambda: fill, chunks(len(g), math.prod(shape[1:]) * g.dtype.itemsize))
    return frame[:, :, *at.inside]


@primitive
def _chosen(h: Any, winners: Any, size: Pair, stride: Pair, pad: Pair) -> Any:
    """The transpose of `_placed`: from each window, the element that won."""
    at = grid(h.shape, size, stride, pad)
    ans = np.zeros_like(h, shape=winners.shape)
    for k, view in enumerate(_views(_padded(h, at, 0), at)):
        np.copyto(ans, view.transpose(0, 3, 1, 2), where=winners == k)
    return ans


# fmt: off
defvjp(max_pool2d, lambda g, _ans, _x, size, stride, winners, pad=0: _placed(g, winners, _x.shape, size, stride, pad),
       None, None)
defvjp(_placed, lambda h, _ans, _g, winners, _shape, size, stride, pad: _chosen(h, winners, size, stride, pad),
       None, None, None, None, None)
defvjp(_chosen, lambda g, _ans, _h, winners, size, stride, pad: _placed(g, winners, _h.shape, size, stride, pad),
       None, None, None, None)
# fmt: on


@primitive
@computed_wide
def sum_pool2d(x: Any, size: Pair, stride: Pair, pad: Pair = 0) -> Any:
    """The sum of each window of images, (N, C, H, W) to (N, C, OH, OW). Raises what `max_pool2d` raises."""
    at = grid(x.shape, size, stride, pad)
    _check_window(at)
    return sum(_views(_padded(x, at, 0), at)).transpose(0, 3, 1, 2)


@primitive
@computed_wide
def _summed_back(g: Any, shape: tuple[int, ...], size: Pair, stride: Pair, pad: Pair) -> Any:
    """The transpose of `sum_pool2d`: each number of `g` added to all elements of its window."""
    at = grid(shape, size, stride, pad)
    frame = channels_last(g, (*shape[:2], *at.padded))
    frame[...] = 0
    for view in _views(frame, at):
        view += g.transpose(0, 2, 3, 1)
    return frame[:, :, *at.inside]


# fmt: off
defvjp(sum_pool2d, lambda g, _ans, _x, size, stride, pad=0: _summed_back(g, _x.shape, size, stride, pad), None, None)
defvjp(_summed_back, lambda h, _ans, _g, _shape, size, stride, pad: sum_pool2d(h, size, stride, pad),
       None, None, None, None)
# fmt: on

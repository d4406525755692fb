"""Convolution by runs: what one row of a filter sees are neighbouring pixels, which need not be copied.

In images with the channels last, (N, H, W, C), they are FW * C numbers that lie side by side: a run. Every FW-th run
begins where one ends, so that these are the rows of a matrix, and a product with it is what one row of the filters
makes of every FW-th place. What the FH rows of the filters make is added up.

This takes filters without holes that go in steps of one pixel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import allocator
from ..parallel import SHARES, for_each, shares
from .blocks import rows_multiplied, rows_summed
from .frames import Frame
from .windows import Grid, Part, parts_of

COPIED, ADDED = 20, 15
"""How many multiplications take as long as copying, or adding, a number."""


def is_faster(frame: Frame, at: Grid, w: tuple[int, ...], factor: Any) -> bool:
    """Whether this takes filters of the shape `w`, and less time than copying patches would.

    `factor` is what framed images are multiplied with. Only BLAS multiplies as fast as `COPIED` and `ADDED` say.
    """
    f, c, fh, fw = w
    if any(type(a) is not np.ndarray or a.dtype.kind not in "fc" for a in (frame.images, factor)):
        return False
    if at.stride != (1, 1) or at.dilation != (1, 1) or fw == 1:
        return False
    if 0 in frame.images.shape or f == 0:
        return False
    copying = math.prod(at.places) * c * fh * fw * (f + COPIED)
    adding = _Field(frame, at).places * fh * f * (c * fw + ADDED)
    return adding < copying


def convolved(frame: Frame, at: Grid, w: Any, bias: Any = None) -> Any:
    """What filters, (F, C, FH, FW), make of framed images: (N, F, OH, OW)."""
    f, c, fh, fw = w.shape
    matrices = w.transpose(2, 3, 1, 0).reshape(fh, 1, 1, fw * c, f)
    ans = allocator.empty(w, (len(frame.images), *at.places, f))
    biases = 0 if bias is None else np.tile(bias, (at.places[1], 1))  # long rows are added fast
    field = _Field(frame, at)
    parts = parts_of(len(ans), at.places[0], field.places * (c + fh * f) * w.itemsize)

    def begin() -> Callable[[Part], None]:
        runs = _Runs(field, parts, lambda count: rows_multiplied(count, fw * c * f))
        sums = allocator.empty(w, (fh, *runs.shape, f))
        out = np.moveaxis(sums, 3, 1)
        made = runs.at_places(sums)

        def fill(part: Part) -> None:
            np.matmul(runs.seen(part), matrices, out=out)
            some = ans[part]
            first, *others = made[:, : some.shape[0], : some.shape[1]]
            np.add(first, biases, out=some)
            for other in others:
                np.add(some, other, out=some)

        return fill

    for_each(begin, parts)
    return ans.transpose(0, 3, 1, 2)


def filters_of(frame: Frame, at: Grid, g: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of filters of this shape, that made something of framed images, for what arrives, (N, OH, OW, F).

    Pixels that a run has from the next row are multiplied by zero: where one is not finite, too much becomes NaN.
    """
    f, c, fh, fw = shape
    field = _Field(frame, at)
    few = rows_summed(field.places, fw * c * f)
    parts = parts_of(len(g), at.places[0], field.places * (c + f + fh * fw * c * f // few) * g.itemsize)
    sums = np.zeros((SHARES, fh, fw * c, f), g.dtype)

    def begin() -> Callable[[tuple[int, slice]], None]:
        runs = _Runs(field, parts, lambda count: rows_summed(count, fw * c * f))
        arriving = np.zeros((1, *runs.shape, f), g.dtype)
        inside = runs.at_places(arriving)[0]
        products = allocator.empty(g, (fh, fw, runs.shape[0], fw * c, f))

        def add(numbered: tuple[int, slice]) -> None:
            number, some = numbered
            for part in parts[some]:
                some_g = g[part]
                n, rows = some_g.shape[:2]
                inside[:n, :rows] = some_g
                inside[n:] = inside[:, rows:] = 0
                np.matmul(runs.seen(part).swapaxes(3, 4), np.moveaxis(arriving[0], 2, 0), out=products)
                sums[number] += products.reshape(fh, -1, fw * c, f).sum(1)

        return add

    for_each(begin, enumerate(shares(len(parts))))
    return sums.sum(0).reshape(fh, fw, c, f).transpose(3, 2, 0, 1)


class _Field:
    """Where framed images lie one after the other, (N, height, width, C).

    The zeros after a row are those before the next one, those below an image those above the next.
    """

    def __init__(self, frame: Frame, at: Grid) -> None:
        self.images, self.to, self.at = frame.images, frame.to, at
        self.height, self.width = map(_pitch, frame.size, frame.to, at.filter)
        self.places = self.height * self.width


def _pitch(size: int, to: slice, filter_size: int) -> int:
    """How far it is from what is put there to the next, if they share the zeros that a filter sees beyond its place."""
    taken = range(size)[to]
    return size - min(taken[0], size - 1 - taken[-1], filter_size - 1) if taken else size


class _Runs:
    """The runs that filters see in parts of a field, as the rows of matrices, in memory that is used again and again.

    `shape` is (blocks, rows of a matrix, FW): all places, one after the other.
    """

    def __init__(self, field: _Field, parts: Sequence[Part], size: Callable[[int], int]) -> None:
        (fh, fw), c = field.at.filter, field.images.shape[3]
        n, rows = (max(p[k].stop - p[k].start for p in parts) for k in (0, 1))
        last = max(band.start for _, band in parts)
        if rows == field.at.places[0]:
            rows = field.height
        count = math.ceil(n * rows * field.width / fw)
        blocks = math.ceil(count / size(count))
        self.field, self.shape = field, (blocks, math.ceil(count / blocks), fw)
        self.places = n, rows, field.width
        own = n * field.places
        seen = (last + fh - 1) * field.width + math.prod(self.shape) + fw - 1
        self.memory = np.zeros_like(field.images, order="C", shape=(max(own, seen), c))
        self.pixels = self.memory[:own].reshape(n, field.height, field.width, c)
        self.framed: slice | None = None

    def seen(self, part: Part) -> Any:
        """The matrices of this part: (FH, FW, blocks, rows, FW * C)."""
        images, band = part
        if images != self.framed:
            some = self.field.images[images]
            self.pixels[: len(some), *self.field.to] = some
            self.framed = images
        blocks, rows, fw = self.shape
        line = self.memory[band.start * self.field.width :]
        pixel, number = line.strides
        return np.lib.stride_tricks.as_strided(
            line,
            (self.field.at.filter[0], fw, blocks, rows, fw * line.shape[1]),
            (self.field.width * pixel, pixel, rows * fw * pixel, fw * pixel, number),
            writeable=False,
        )

    def at_places(self, array: Any) -> Any:
        """The places of filters in an array of (K, *shape, F): a view, (K, N, OH, OW, F)."""
        k, f, (height, width) = len(array), array.shape[-1], self.field.at.places
        used = array.reshape(k, -1, f)[:, : math.prod(self.places)]
        return used.reshape(k, *self.places, f)[:, :, :height, :width]

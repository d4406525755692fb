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
from ..parallel import for_each, sum_in_shares
from .blocks import rows_multiplied, rows_summed
from .frames import Frame, within
from .windows import Grid, Part, largest, parts_of

COPIED, ADDED = 20, 15
"""How many multiplications take as long as copying, or adding, a number."""


def takes(frame: Frame, at: Grid, factor: Any) -> bool:
    """Whether framed images can be multiplied with `factor` by runs: NumPy's arrays of numbers that BLAS multiplies.

    Not where underflow is told of: runs that no filter sees may underflow, too.
    """
    arrays = frame.images, factor
    are_numpy = all(type(a) is np.ndarray and a.dtype.kind in "fc" and a.size > 0 for a in arrays)
    return are_numpy and at.stride == (1, 1) == at.dilation and np.geterr()["under"] == "ignore"


def is_faster(frame: Frame, at: Grid, w: tuple[int, ...]) -> bool:
    """Whether this takes less time than copying patches would, for filters of the shape `w`."""
    f, c, fh, fw = w
    copying = math.prod(at.places) * c * fh * fw * (f + COPIED)
    adding = _Field(frame, at).places * fh * f * (c * fw + ADDED)
    return fw > 1 and adding < copying


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

    def begin() -> Callable[[Any, Part], None]:
        runs = _Runs(field, parts, lambda count: rows_summed(count, fw * c * f))
        arriving = np.zeros((1, *runs.shape, f), g.dtype)
        inside = runs.at_places(arriving)[0]
        products = allocator.empty(g, (fh, fw, runs.shape[0], fw * c, f))

        def add(total: Any, part: Part) -> None:
            some_g = g[part]
            n, rows = some_g.shape[:2]
            inside[:n, :rows] = some_g
            inside[n:] = inside[:, rows:] = 0
            np.matmul(runs.seen(part).swapaxes(3, 4), np.moveaxis(arriving[0], 2, 0), out=products)
            total += products.reshape(fh, -1, fw * c, f).sum(1)

        return add

    whole = sum_in_shares(begin, parts, g, (fh, fw * c, f))
    return whole.reshape(fh, fw, c, f).transpose(3, 2, 0, 1)


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
    return size - min(taken[0], size - 1 - taken[-1], filter_size - 1)


class _Runs:
    """The runs that filters see in parts of a field, as the rows of matrices, in memory that is used again and again.

    One begins at each pixel of the field, `runs`, (N, rows, width); in the same order they are `shape`, (blocks, rows
    of a matrix, FW). Of several images all rows are there, so that each image begins where the one before it ends.
    """

    def __init__(self, field: _Field, parts: Sequence[Part], rows_at_once: Callable[[int], int]) -> None:
        (fh, fw), c = field.at.filter, field.images.shape[3]
        n, rows = largest(parts)
        self.field, self.is_band = field, rows < field.at.places[0]
        self.runs = n, rows if self.is_band else field.height, field.width
        count = math.ceil(math.prod(self.runs) / fw)
        blocks = math.ceil(count / rows_at_once(count))
        self.shape = blocks, math.ceil(count / blocks), fw
        pixels = math.prod(self.shape) + (fh - 1) * field.width + fw - 1
        memory = np.zeros_like(field.images, order="C", shape=(pixels, c))
        self.matrices = _matrices(memory, fh, self.shape, field.width)
        height = rows + fh - 1 if self.is_band else field.height
        self.images = memory[: n * height * field.width].reshape(n, height, field.width, c)

    def seen(self, part: Part) -> Any:
        """The matrices of this part: (FH, FW, blocks, rows, FW * C)."""
        images, band = part
        some, (down, across) = self.field.images[images], self.field.to
        if self.is_band:
            self.images[...] = 0
        to, take = within(down.start - band.start, down.step or 1, some.shape[1], self.images.shape[1])
        self.images[: len(some), to, across] = some[:, take]
        return self.matrices

    def at_places(self, array: Any) -> Any:
        """A view of (K, *shape, F): at each place, (K, N, OH, OW, F)."""
        k, f, (height, width) = len(array), array.shape[-1], self.field.at.places
        used = array.reshape(k, -1, f)[:, : math.prod(self.runs)]
        return used.reshape(k, *self.runs, f)[:, :, :height, :width]


def _matrices(pixels: Any, fh: int, shape: tuple[int, int, int], width: int) -> Any:
    """What filters of FH rows see of pixels, rows of so many of which lie one after the other: a view."""
    blocks, rows, fw = shape
    pixel, number = pixels.strides
    return np.lib.stride_tricks.as_strided(
        pixels,
        (fh, fw, blocks, rows, fw * pixels.shape[1]),
        (width * pixel, pixel, rows * fw * pixel, fw * pixel, number),
        writeable=False,
    )

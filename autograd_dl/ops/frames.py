"""Images put into larger ones of zeros, where a filter that slides over them finds as many places as it should."""

from __future__ import annotations

from typing import Any, NamedTuple

from .windows import Grid


class Frame(NamedTuple):
    """Images, (N, H, W, C), to be put into larger ones of zeros: the size of those, and the rows and columns there."""

    images: Any
    size: tuple[int, int]
    to: tuple[slice, slice]


def padded(x: Any, at: Grid) -> Frame:
    """Images with zeros around them."""
    return Frame(x.transpose(0, 2, 3, 1), at.padded, at.inside)


def spread(g: Any, at: Grid) -> Frame:
    """The gradient at each place of a filter, put where that place is in the images, with zeros between and around.

    The frame is larger than the images by the extent of a filter, less 1, so that the filters, turned around, have as
    many places in it as the images have pixels.
    """
    height, width = (size + extent - 1 for size, extent in zip(at.images, at.extent, strict=True))
    firsts = (extent - 1 - pad for extent, pad in zip(at.extent, at.pad, strict=True))
    to, take = zip(*map(within, firsts, at.stride, at.places, (height, width)), strict=True)
    return Frame(g.transpose(0, 2, 3, 1)[:, *take], (height, width), to)


def within(first: int, step: int, count: int, size: int) -> tuple[slice, slice]:
    """Of `count` things at first, first + step, ...: where those in range(size) are, and which of them they are."""
    skipped = max(0, -(first // step))
    there = range(first + skipped * step, size, step)[: max(0, count - skipped)]
    return slice(there.start, there.start + len(there) * step, step), slice(skipped, skipped + len(there))

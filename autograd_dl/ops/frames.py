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
    to, take = zip(*map(_positions, (height, width), at.places, at.stride, at.pad, at.extent), strict=True)
    return Frame(g.transpose(0, 2, 3, 1)[:, *take], (height, width), to)


def _positions(size: int, places: int, stride: int, pad: int, extent: int) -> tuple[slice, slice]:
    """Along one axis: where places of a filter go in a frame of `size` pixels, and which of them are inside it."""
    first = extent - 1 - pad
    skipped = max(0, -(first // stride))
    taken = range(first + skipped * stride, size, stride)[: places - skipped]
    return slice(taken.start, taken.start + len(taken) * stride, stride), slice(skipped, skipped + len(taken))

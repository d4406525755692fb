"""Convolution by patches: what a filter sees at each of its places is copied into a row, and rows make products."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import allocator
from ..parallel import for_each, sum_in_shares
from ..pullback import column_sums
from .blocks import rows_multiplied, rows_summed
from .frames import Frame
from .windows import Grid, Part, chunks, largest, parts_of


def _groups(groups: int, c: int, f: int) -> Iterator[tuple[slice, slice]]:
    """The channels and the filters of each group."""
    for k in range(groups):
        yield slice(k * c, (k + 1) * c), slice(k * (f // groups), (k + 1) * (f // groups))


def _is_depthwise(groups: int, c: int, f: int) -> bool:
    """Whether each of several channels has a filter of its own: then there is no product of matrices to speak of."""
    return groups >= 8 and c == 1 and f == groups


def convolved(frame: Frame, at: Grid, w: Any, groups: int, bias: Any = None) -> Any:
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

    def begin() -> Callable[[Part], None]:
        windows = _Windows(frame, at, groups, parts)

        def fill(part: Part) -> None:
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
    """Write rows @ matrix to `out`, as several products."""
    size = rows_multiplied(len(rows), matrix.size)
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
    """rows.T @ g, as the sum of several products."""
    inputs, filters = rows.shape[1], g.shape[1]
    size = rows_summed(len(rows), inputs * filters)
    if size >= len(rows):
        return rows.T @ g
    count = len(rows) // size
    several = count * size
    blocks = rows[:several].reshape(count, size, inputs).swapaxes(1, 2)
    whole = np.matmul(blocks, g[:several].reshape(count, size, filters)).sum(0)
    whole += rows[several:].T @ g[several:]
    return whole


def filters_of(frame: Frame, at: Grid, g: Any, shape: tuple[int, ...], groups: int) -> Any:
    """The gradient of filters of this shape, that made something of framed images, for what arrives, (N, OH, OW, F)."""
    f, c = shape[:2]
    parts = _parts(len(g), at, c * groups, g.dtype)

    def begin() -> Callable[[Any, Part], None]:
        windows = _Windows(frame, at, groups, parts)

        def add(totals: Any, part: Part) -> None:
            windows.look(part)
            some_g = g[part]
            if _is_depthwise(groups, c, f):
                _add_products(totals[:, :, 0], windows.patches, some_g)
                return
            count = math.prod(some_g.shape[:-1])
            for total, (channels, filters) in zip(totals, _groups(groups, c, f), strict=True):
                total += _summed(windows.rows(channels), some_g[..., filters].reshape(count, f // groups))

        return add

    whole = sum_in_shares(begin, parts, g, (groups, c * at.filter[0] * at.filter[1], f // groups))
    return whole.reshape(groups, *at.filter, c, f // groups).transpose(0, 4, 3, 1, 2).reshape(shape)


def added_back(g: Any, at: Grid, w: Any) -> Any:
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


class _Windows:
    """What a filter sees of framed images, a part at a time, in memory that is used again and again."""

    def __init__(self, frame: Frame, at: Grid, groups: int, parts: Sequence[Part]) -> None:
        (few, rows), c = largest(parts), frame.images.shape[3]
        self.images = large = frame.images
        self.inside: Any = None
        self.framed: slice | None = None
        if large.shape[1:3] != frame.size:
            large = np.zeros_like(large, order="C", shape=(few, *frame.size, c))
            self.inside = large[:, *frame.to]
        self.all = self.patches = _patches(large, at)
        self.memory = allocator.empty(large, (few * rows * at.places[1] * math.prod(at.filter) * (c // groups),))

    def look(self, part: Part) -> None:
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


def _parts(n: int, at: Grid, channels: int, dtype: np.dtype[Any]) -> list[Part]:
    return parts_of(n, at.places[0], _patch_bytes(at, channels, dtype))


def _patch_bytes(at: Grid, channels: int, dtype: np.dtype[Any]) -> int:
    """How many bytes the patches of an image have."""
    return math.prod(at.places + at.filter) * channels * dtype.itemsize

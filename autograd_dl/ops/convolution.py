"""Convolution of images, (N, C, H, W), a product of two factors.

Each of its two transposes is that in one of the factors, so that the three ops are each other's derivatives.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..pullback import unbroadcast
from ..table import defvjp
from ..values import wide_dtype
from . import patches, runs
from .entry import primitive
from .frames import Frame, padded, spread
from .windows import Grid, Pair, grid

FILTERS = 24
"""Filters whose products with a patch of zeros take as long as it takes to add a patch to images."""


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
    return _convolved(padded(x, at), at, w, groups, b).astype(dtype, copy=False)


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
        return patches.added_back(g, at, w).astype(dtype, copy=False)
    back = Grid(at.filter, (1, 1), (0, 0), at.dilation, at.images, at.images)
    f, c = w.shape[:2]
    turned = w[:, :, ::-1, ::-1].reshape(groups, f // groups, c, *at.filter).swapaxes(1, 2)
    filters = turned.reshape(groups * c, f // groups, *at.filter)
    return _convolved(spread(g, at), back, filters, groups).astype(dtype, copy=False)


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
    return _filters_of(padded(x, at), at, g.transpose(0, 2, 3, 1), shape, groups).astype(dtype, copy=False)


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
    if groups < 1 or filters[0] % groups:
        raise ShapeError(
            f"filters come in 1 group or more, of as many each: {filters[0]} filters do not make {groups} groups"
        )
    if len(images) == 4 and images[1] != groups * filters[1]:
        several = f" in {groups} groups" if groups != 1 else ""
        raise ShapeError(
            f"filters of shape {tuple(filters)}{several} take images (N, C, H, W) of {groups * filters[1]} channels, "
            f"not of shape {tuple(images)}"
        )
    return grid(images, (filters[2], filters[3]), stride, pad, dilation)


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


def _convolved(frame: Frame, at: Grid, w: Any, groups: int, bias: Any = None) -> Any:
    """What filters make of framed images."""
    if groups == 1 and runs.takes(frame, at, w) and runs.is_faster(frame, at, w.shape):
        faults: list[object] = []  # maybe of runs that no filter sees
        with np.errstate(over="call", invalid="call", call=lambda *fault: faults.append(fault)):
            ans = runs.convolved(frame, at, w, bias)
        if not faults:
            return ans
    return patches.convolved(frame, at, w, groups, bias)


def _filters_of(frame: Frame, at: Grid, g: Any, shape: tuple[int, ...], groups: int) -> Any:
    """The gradient of filters that made something of framed images."""
    if groups == 1 and runs.takes(frame, at, g) and runs.is_faster(frame, at, shape):
        with np.errstate(all="ignore"):
            ans = runs.filters_of(frame, at, g, shape)
        if np.isfinite(ans).all():
            return ans
    return patches.filters_of(frame, at, g, shape, groups)

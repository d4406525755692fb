"""Curves of training, drawn without their noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError
from ..evaluation import is_batch
from ..tensor import bare


def smooth_curve(x: Any) -> NDArray[np.float64]:
    """A curve without its noise, as the book draws losses: means over 11 points, weighted by a Kaiser window (beta 2).

    `x` has one axis, and may be a list of 0-d Tensors; the result is as long. Raises `ShapeError` for another shape.
    """
    if not is_batch(x):
        raise ShapeError(f"a curve has one axis, and this is a single {type(x).__name__}")
    values = np.array([np.asarray(bare(v), np.float64) for v in x]) if len(x) else np.zeros(0)
    if values.ndim != 1:
        raise ShapeError(f"a curve has one axis, not the shape {values.shape}")
    if not len(values):
        return values
    window = np.kaiser(11, 2)
    mirrored = np.pad(np.pad(values, (5, 0), "reflect"), (0, 5), "symmetric")  # the book's way at either end
    return np.convolve(window / window.sum(), mirrored, mode="valid")

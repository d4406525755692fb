"""What is said of an array's numbers: its norm; the range and mean of those that are finite, and what else there is."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np


class Facts(NamedTuple):
    """What there is of an array's numbers; the range, mean and norm are those of the finite ones, if there are any."""

    zeros: int
    nans: int
    infinities: int
    least: float | None = None
    most: float | None = None
    mean: float | None = None
    norm: float | None = None


def facts(array: Any) -> Facts:
    """What can be said of an array; nothing overflows on the way.

    >>> facts(np.array([3e300, 3e300, 3e300, 3e300, np.nan]))
    Facts(zeros=0, nans=1, infinities=0, least=3e+300, most=3e+300, mean=3e+300, norm=6e+300)
    """
    numbers = array.astype(np.float64, copy=False)
    finite = numbers[np.isfinite(numbers)]
    nans = int(np.isnan(numbers).sum())
    counts = int((numbers == 0).sum()), nans, numbers.size - finite.size - nans
    if not finite.size:
        return Facts(*counts)
    least, most = float(finite.min()), float(finite.max())
    scale = max(-least, most) or 1.0
    return Facts(*counts, least, most, scale * float(np.mean(finite / scale)), norm(finite))


def norm(gradient: Any) -> float:
    """The square root of the sum of squares, of a number, an array or several arrays; nothing overflows on the way.

    >>> norm(np.array([3.0, 4.0])), norm((np.float16([60000, 0]), np.float64(80000))), norm(np.array([3e300, 4e300]))
    (5.0, 100000.0, 5e+300)
    """
    if isinstance(gradient, tuple):
        return math.hypot(*map(norm, gradient))
    if not gradient.shape:
        return abs(float(gradient))
    size = np.abs(gradient).astype(float)
    largest = float(np.max(size, initial=0))
    if not 0 < largest < math.inf:
        return largest
    return largest * math.sqrt(float(np.sum(np.square(size / largest))))

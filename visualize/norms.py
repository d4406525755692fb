"""The norm of a gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


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

"""Numerical derivatives of a function of one number, with an estimate of their error."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

STEP = 2.0**-7
LEVELS = 4


class Estimate(NamedTuple):
    """A derivative and how far off it may be."""

    value: float
    error: float


def derivative(f: Callable[[float], float], step: float = STEP) -> Estimate:
    """The derivative of `f` at 0 by central differences, extrapolated to step 0 (L. F. Richardson, 1911).

    The differences are taken at `step`, `step`/2, `step`/4 and `step`/8; each extrapolation removes one more even power
    of the step. The error is estimated by what the last extrapolation changed, and by the rounding of `f`. `f` should
    be smooth for `step` on both sides of 0.
    """
    steps = [step / 2**i for i in range(LEVELS)]
    sides = [(f(h), f(-h)) for h in steps]
    table = [(above - below) / (2 * h) for h, (above, below) in zip(steps, sides, strict=True)]
    rounding = 4 * np.finfo(float).eps * max(abs(y) for pair in sides for y in pair) / steps[-1]
    changed = np.inf
    for k in range(1, LEVELS):
        better = [(4**k * fine - coarse) / (4**k - 1) for coarse, fine in pairwise(table)]
        changed = abs(better[-1] - table[-1])
        table = better
    return Estimate(table[0], float(changed + rounding))

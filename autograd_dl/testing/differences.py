"""Numerical derivatives of a function of one number, with estimates of their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

STEP = 2.0**-7
"""The first step; each later rung of the ladder is 8 times smaller."""
RUNGS = 14
LEVELS = 4
COMPLEX_STEP = 1e-20

Curve = Callable[[float], Any]
"""A function of one number, to a number or an array (`Rounded`, where that has other roundings than its own)."""


class Rounded(NamedTuple):
    """A number or an array, and the size of the terms that it was summed from, whose rounding is in it.

    (Where they cancel, the number is smaller than they are.)
    """

    value: Any
    size: Any


class Estimate(NamedTuple):
    """A derivative, and how far off it may be (infinitely, where nothing could be seen): of a number or elementwise.

    `rounding` is the part of the error that is the rounding of the function.
    """

    value: Any
    error: Any
    rounding: Any = 0.0


def derivative(f: Curve, enough: float = 0.0) -> Estimate:
    """The derivative of `f` at 0 by central differences, extrapolated to step 0 (L. F. Richardson, 1911).

    On each rung differences are taken at a step, its half, quarter and eighth; each extrapolation removes one more even
    power of the step. The error is estimated by what the last extrapolation changed, and by the rounding of `f`. Rungs
    are gone down until it is at most `enough`, or rounding alone would be more; the best estimate of any is returned.

    >>> print(derivative(lambda t: np.exp(3 * t), enough=1e-9).value.round(9))
    3.0
    """
    return _best((_central(f, steps) for steps in _ladder()), enough)


def limit(f: Curve) -> Estimate:
    """The derivative of `f` at 0 where steps may be too long to tell it: a kink or a pole may be as near as 1e-12.

    All rungs are gone down; the best estimate counts that those at all finer steps confirm.

    >>> float(limit(lambda t: abs(t + 1e-6)).value)
    1.0
    """
    return _confirmed([_central(f, steps) for steps in _ladder()])


def one_sided(f: Curve) -> tuple[Estimate, Estimate]:
    """The slopes of `f` at 0 to the left and to the right, found like `limit`; they differ where it has a kink.

    >>> left, right = one_sided(abs)
    >>> print(left.value, right.value)
    -1.0 1.0
    """
    at = _values(f, 0.0)
    left, right = (_confirmed([_forward(f, at, side, steps) for steps in _ladder()]) for side in (-1, 1))
    return left, right


def complex_derivative(f: Callable[[Any], Any]) -> Any:
    """The derivative at 0 of an analytic `f` that takes complex numbers: Im f(ih) / h, with no difference to cancel.

    (W. Squire and G. Trapp, SIAM Review 40, 1998.)
    """
    return np.imag(f(1j * COMPLEX_STEP)) / COMPLEX_STEP


def _ladder() -> Iterator[list[float]]:
    for rung in range(RUNGS):
        yield [STEP / 8**rung / 2**i for i in range(LEVELS)]


def _values(f: Curve, t: float) -> Rounded:
    with np.errstate(all="ignore"):
        y = f(t)
        y, size = y if type(y) is Rounded else (y, np.abs(y))
        return Rounded(np.asarray(y, dtype=np.float64), size)


def _central(f: Curve, steps: Sequence[float]) -> Estimate:
    sides = [(_values(f, h), _values(f, -h)) for h in steps]
    with np.errstate(all="ignore"):
        quotients = [(above.value - below.value) / (2 * h) for h, (above, below) in zip(steps, sides, strict=True)]
    return _extrapolated(quotients, 4, [y for pair in sides for y in pair], steps[-1])


def _forward(f: Curve, at: Rounded, side: int, steps: Sequence[float]) -> Estimate:
    there = [_values(f, side * h) for h in steps]
    with np.errstate(all="ignore"):
        quotients = [(y.value - at.value) / (side * h) for h, y in zip(steps, there, strict=True)]
    return _extrapolated(quotients, 2, [at, *there], steps[-1])


def _extrapolated(quotients: list[Any], base: int, values: list[Rounded], finest: float) -> Estimate:
    """Difference quotients at halved steps, whose error goes with powers of 1/`base`, brought to step 0."""
    with np.errstate(all="ignore"):
        changed = np.inf
        for k in range(1, LEVELS):
            better = [(base**k * fine - coarse) / (base**k - 1) for coarse, fine in pairwise(quotients)]
            changed = np.abs(better[-1] - quotients[-1])
            quotients = better
        rounding = 4 * np.finfo(float).eps * np.max([y.size for y in values], axis=0) / finest
        error = changed + rounding
    return Estimate(quotients[0], np.where(np.isfinite(error), error, np.inf), np.asarray(rounding))


def _best(estimates: Iterator[Estimate], enough: float) -> Estimate:
    best = latest = next(estimates)
    while not np.all((best.error <= enough) | (np.isfinite(best.error) & (8 * latest.rounding >= best.error))):
        following = next(estimates, None)
        if following is None:
            break
        best, latest = _chosen(following.error < best.error, following, best), following
    return Estimate(best.value[()], best.error[()], best.rounding[()])


def _confirmed(estimates: Sequence[Estimate]) -> Estimate:
    """The best of the estimates that agree with all finer ones, those left out that say nothing; elementwise.

    Where all say nothing the error is infinite.
    """
    *coarser, best = estimates
    agree = np.ones(np.shape(best.error), dtype=bool)
    for estimate in reversed(coarser):
        with np.errstate(invalid="ignore"):
            alike = np.abs(estimate.value - best.value) <= 10 * (estimate.error + best.error)
        agree &= alike | ~_is_clear(best)
        best = _chosen(agree & ((estimate.error < best.error) | ~_is_clear(best)), estimate, best)
    return Estimate(best.value[()], np.where(_is_clear(best), best.error, np.inf)[()], best.rounding[()])


def _is_clear(estimate: Estimate) -> Any:
    with np.errstate(invalid="ignore"):
        return np.asarray(estimate.error <= 1e-3 * np.abs(estimate.value) + 1e-7)


def _chosen(which: Any, one: Estimate, other: Estimate) -> Estimate:
    return Estimate(*(np.where(which, a, b) for a, b in zip(one, other, strict=True)))

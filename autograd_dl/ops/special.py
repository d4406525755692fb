"""Special functions that NumPy does not have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..table import defvjp
from ..values import computed_wide
from .entry import floating, primitive

_SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE = (
    (
        2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
        2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
        3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3,
    ),
)  # fmt: skip
_LARGE = (
    (
        1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
        1.60837851487422766e-2, 6.58749161529837803e-4,
    ),
    (
        1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)  # fmt: skip
"""Numerators and denominators, the highest power first."""

NEAR = 0.46875
AT_ONCE = 1 << 13
"""Elements that are worked on at once: the forty arrays that are made of them on the way stay in the cache."""


@primitive
@computed_wide
def erf(x: Any) -> Any:
    """The error function, 2/sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    Exact to a few roundings in float64, by the rational approximations of W. J. Cody (Mathematics of Computation 23,
    1969): for |x| up to 0.46875, up to 4, and beyond.
    """
    return _some_at_once(_erf, floating(x))


@primitive
@computed_wide
def erfc(x: Any) -> Any:
    """1 - erf(x), without the cancellation for large x; by the same approximations."""
    return _some_at_once(_erfc, floating(x))


def _some_at_once(fun: Callable[[Any], Any], x: Any) -> Any:
    if isinstance(x, (int, float)):
        x = np.float64(x)
    if type(x) is not np.ndarray or x.size <= AT_ONCE:
        return fun(x)
    ans, flat = np.empty(x.size, x.dtype), x.ravel()
    for start in range(0, x.size, AT_ONCE):
        ans[start : start + AT_ONCE] = fun(flat[start : start + AT_ONCE])
    return ans.reshape(x.shape)


def _erf(x: Any) -> Any:
    y = np.abs(x)
    return np.copysign(np.where(y <= NEAR, _near(y), 1 - _tail(y)), x).astype(x.dtype, copy=False)


def _erfc(x: Any) -> Any:
    y = np.abs(x)
    tail = _tail(y)
    return np.where(y <= NEAR, 1 - _near(x), np.where(x < 0, 2 - tail, tail)).astype(x.dtype, copy=False)


def _near(x: Any) -> Any:
    """erf(x), where x is near 0."""
    x = np.clip(x, -NEAR, NEAR)
    return x * _ratio(_SMALL, x * x)


def _tail(y: Any) -> Any:
    """erfc(y), where y is positive, and not near 0."""
    y = np.clip(y, NEAR, 30)  # beyond, it is smaller than all numbers
    scaled = _ratio(_MIDDLE, np.minimum(y, 4))
    if np.any(y > 4):
        far = 1 / np.maximum(y, 4) ** 2
        scaled = np.where(y <= 4, scaled, (1 / math.sqrt(math.pi) - far * _ratio(_LARGE, far)) * np.sqrt(far))
    short = np.trunc(16 * y) / 16  # whose square is exact
    return scaled * (np.exp(-short * short) * np.exp((short - y) * (short + y)))


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], x: Any) -> Any:
    above, below = (_polynomial(p, x) for p in polynomials)
    return above / below


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    total = coefficients[0] * x + coefficients[1]
    for c in coefficients[2:]:
        total *= x
        total += c
    return total


defvjp(erf, lambda g, _ans, x: g * (2 / math.sqrt(math.pi) * np.exp(-x * x)))
defvjp(erfc, lambda g, _ans, x: g * (-2 / math.sqrt(math.pi) * np.exp(-x * x)))


@primitive
@computed_wide
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)). (A primitive for speed, and because the composition warns where exp overflows.)"""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-floating(x)))


@primitive
@computed_wide
def softplus(x: Any) -> Any:
    """log(1 + exp(x)); large x do not overflow. (A primitive for speed: `np.logaddexp` takes ten times longer.)"""
    x = floating(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


defvjp(sigmoid, lambda g, ans, _x: g * (ans * (1 - ans)))
defvjp(softplus, lambda g, _ans, x: g * sigmoid(x))

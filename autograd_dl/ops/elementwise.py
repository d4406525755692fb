"""Derivatives of the functions that work element by element.

Where a function has a kink, the rule decides, and a test holds it: relu'(0) = 0, |x|'(0) = 0, sqrt'(0) = inf,
hypot'(0, 0) = 0, arctan2'(0, 0) = 0; equal arguments of maximum, minimum, fmax and fmin share the gradient; clip passes
it at its bounds; d/dy x**y is 0 at x = 0; logaddexp has the derivative 0 where both arguments are -inf, and 1/2 where
both are inf; floor, ceil, round, trunc, sign and floor_divide have the derivative 0 everywhere.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from ..table import defvjp
from ..tensor import bare
from .entry import as_array, composed, present, primitive
from .special import sigmoid

LOG2, LOG10 = math.log(2), math.log(10)


def _passed(g: Any, *_args: Any) -> Any:
    return g


def _zero(g: Any, *_args: Any) -> Any:
    return np.zeros_like(g)


@primitive
def _without_square(x: Any) -> Any:
    """1 - x*x, which cancels near 1. (A primitive since the slope of (1 - x) * (1 + x) cancels near 0.)"""
    return (1 - x) * (1 + x)


defvjp(_without_square, lambda g, _ans, x: g * (-2 * x))


# fmt: off
defvjp(np.add,         _passed, _passed, raw=operator.add)
defvjp(np.subtract,    _passed, lambda g, _ans, _x, _y: -g, raw=operator.sub)
defvjp(np.multiply,    lambda g, _ans, _x, y: g * y,
                       lambda g, _ans, x, _y: g * x, raw=operator.mul)
defvjp(np.divide,      lambda g, _ans, _x, y: g / y,
                       lambda g, ans, _x, y: -g * (ans / y), raw=operator.truediv)
defvjp(np.negative,    lambda g, _ans, _x: -g, raw=operator.neg)
defvjp(np.positive,    _passed)
defvjp(np.conjugate,   _passed)
defvjp(np.reciprocal,  lambda g, ans, _x: -g * ans * ans)
defvjp(np.remainder,   _passed, lambda g, _ans, x, y: -g * np.floor_divide(x, y), raw=operator.mod)
defvjp(np.fmod,        _passed, lambda g, ans, x, y: -g * np.rint((x - ans) / y))
defvjp(np.ldexp,       lambda g, _ans, _x, n: np.ldexp(g, n), None)

defvjp(np.absolute,    lambda g, _ans, x: g * np.sign(x), raw=operator.abs)
defvjp(np.fabs,        lambda g, _ans, x: g * np.sign(x))
defvjp(np.copysign,    lambda g, _ans, x, y: np.where(np.signbit(x) == np.signbit(y), g, -g), _zero)
defvjp(np.square,      lambda g, _ans, x: g * (2 * x))
defvjp(np.sqrt,        lambda g, ans, _x: g * 0.5 / ans)
defvjp(np.cbrt,        lambda g, ans, _x: g / (3 * ans * ans))
defvjp(np.hypot,       lambda g, ans, x, _y: g * (x / np.where(ans == 0, 1, ans)),
                       lambda g, ans, _x, y: g * (y / np.where(ans == 0, 1, ans)))

defvjp(np.exp,         lambda g, ans, _x: g * ans)
defvjp(np.exp2,        lambda g, ans, _x: g * (LOG2 * ans))
defvjp(np.expm1,       lambda g, _ans, x: g * np.exp(x))
defvjp(np.log,         lambda g, _ans, x: g / x)
defvjp(np.log2,        lambda g, _ans, x: g / LOG2 / x)
defvjp(np.log10,       lambda g, _ans, x: g / LOG10 / x)  # LOG10 * x may overflow
defvjp(np.log1p,       lambda g, _ans, x: g / (1 + x))
defvjp(np.logaddexp,   lambda g, _ans, x, y: g * _share(x, y),
                       lambda g, _ans, x, y: g * _share(y, x))
defvjp(np.logaddexp2,  lambda g, _ans, x, y: g * _share(x, y, LOG2),
                       lambda g, _ans, x, y: g * _share(y, x, LOG2))

defvjp(np.sin,         lambda g, _ans, x: g * np.cos(x))
defvjp(np.cos,         lambda g, _ans, x: -g * np.sin(x))
defvjp(np.tan,         lambda g, ans, _x: g * (1 + ans * ans))
defvjp(np.arcsin,      lambda g, _ans, x: g / np.sqrt(_without_square(x)))
defvjp(np.arccos,      lambda g, _ans, x: -g / np.sqrt(_without_square(x)))
defvjp(np.arctan,      lambda g, _ans, x: g / (1 + x * x))
defvjp(np.arctan2,     lambda g, _ans, y, x: g * _inverted(x, y),
                       lambda g, _ans, y, x: -g * _inverted(y, x))
defvjp(np.sinh,        lambda g, _ans, x: g * np.cosh(x))
defvjp(np.cosh,        lambda g, _ans, x: g * np.sinh(x))
defvjp(np.tanh,        lambda g, ans, _x: g * (1 - ans * ans))
defvjp(np.arcsinh,     lambda g, _ans, x: g / np.hypot(x, 1))
defvjp(np.arccosh,     lambda g, _ans, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))  # x*x overflows, in both
defvjp(np.arctanh,     lambda g, _ans, x: g / _without_square(x))
defvjp(np.sinc,        lambda g, _ans, x: g * (math.pi * _sinc_slope(math.pi * x)))
defvjp(np.deg2rad,     lambda g, _ans, _x: g * (math.pi / 180))
defvjp(np.radians,     lambda g, _ans, _x: g * (math.pi / 180))
defvjp(np.rad2deg,     lambda g, _ans, _x: g * (180 / math.pi))
defvjp(np.degrees,     lambda g, _ans, _x: g * (180 / math.pi))

defvjp(np.maximum,     lambda g, _ans, x, y: _shared(g, x > y, x == y),
                       lambda g, _ans, x, y: _shared(g, y > x, x == y))
defvjp(np.minimum,     lambda g, _ans, x, y: _shared(g, x < y, x == y),
                       lambda g, _ans, x, y: _shared(g, y < x, x == y))
defvjp(np.fmax,        lambda g, _ans, x, y: _shared(g, (x > y) | _alone(x, y), equal_nan(x, y)),
                       lambda g, _ans, x, y: _shared(g, (y > x) | _alone(y, x), equal_nan(x, y)))
defvjp(np.fmin,        lambda g, _ans, x, y: _shared(g, (x < y) | _alone(x, y), equal_nan(x, y)),
                       lambda g, _ans, x, y: _shared(g, (y < x) | _alone(y, x), equal_nan(x, y)))
defvjp(np.nan_to_num,  lambda g, _ans, x, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0))
defvjp(np.heaviside,   _zero, lambda g, _ans, x, _y: g * (x == 0))

defvjp(np.floor,       _zero)
defvjp(np.ceil,        _zero)
defvjp(np.trunc,       _zero)
defvjp(np.rint,        _zero)
defvjp(np.sign,        _zero)
for _function in present("fix round around"):
    defvjp(_function,  lambda g, _ans, _x, decimals=0: np.zeros_like(g))
defvjp(np.floor_divide, _zero, _zero, raw=operator.floordiv)
# fmt: on


def _shared(g: Any, wins: Any, ties: Any) -> Any:
    """The gradient where this argument wins, and half of it where both are equal."""
    return g * wins + g * ties * 0.5


def _alone(x: Any, y: Any) -> Any:
    """Whether x is a number, and y NaN."""
    return np.isnan(y) & ~np.isnan(x)


def equal_nan(x: Any, y: Any) -> Any:
    """Whether both are equal, or both are NaN."""
    return (x == y) | (np.isnan(x) & np.isnan(y))


def _share(x: Any, y: Any, log: float = 1) -> Any:
    """The share of exp(x) in exp(x) + exp(y); with log = ln(2), of 2**x in 2**x + 2**y.

    Equal infinities have half of it each, or none where both are -inf.
    """
    away = np.where(np.isinf(x) & (x == y), 0, x - y)
    return np.where((x == -np.inf) & (x == y), 0, sigmoid(log * away))


def _inverted(x: Any, y: Any) -> Any:
    """x / (x**2 + y**2), where the squares might overflow; 0 at the origin."""
    h = np.hypot(x, y)
    h = np.where(h == 0, 1, h)
    return x / h / h


def _sinc_slope(u: Any) -> Any:
    """The derivative of sin(u)/u. Near 0, where (cos(u) - sin(u)/u) / u cancels, its Taylor series.

    (It is longer than the slope needs, since its derivatives lose digits.)
    """
    near = np.abs(u) < 0.5
    small = np.where(near, u, 0)
    v = small * small
    series: Any = 1
    for n in (238, 180, 130, 88, 54, 28, 10):
        series = 1 - v / n * series
    far = np.where(near, 1, u)
    return np.where(near, -small / 3 * series, (np.cos(far) - np.sin(far) / far) / far)


def _power_x(g: Any, _ans: Any, x: Any, y: Any) -> Any:
    if isinstance(y, (int, float)):
        return np.zeros_like(g) if y == 0 else g * (y * x ** (y - 1))
    y = y if y.dtype.kind == "f" else y.astype(g.dtype)
    if not np.any(constant := y == 0):
        return g * (y * x ** (y - 1))
    x_or_1 = np.where(constant & (np.abs(x) >= np.finfo(g.dtype).tiny), x, 1)  # y / x is 0, and its slope in y 1 / x
    return g * np.where(constant, y / x_or_1, y * x ** np.where(constant, 1, y - 1))


def _power_y(g: Any, ans: Any, x: Any, _y: Any) -> Any:
    if isinstance(x, (int, float)):
        return g * ans * float(np.log(float(x))) if x else g * 0.0
    return g * np.where(x == 0, 0, ans) * np.log(np.where(x == 0, 1, x).astype(g.dtype))


defvjp(np.power, _power_x, _power_y, raw=operator.pow)


@composed(np.float_power)
def float_power(x: Any, y: Any, /) -> Any:
    x, y = as_array(x), as_array(y)
    dtype = np.result_type(x, y, np.float64)
    return x.astype(dtype) ** y.astype(dtype)


@primitive(broadcasts=True, stands_for=np.clip)
def _clip(x: Any, low: Any, high: Any) -> Any:
    return np.clip(x, low, high)


def _between(x: Any, low: Any, high: Any) -> Any:
    return (True if low is None else x >= low) & (True if high is None else x <= high)


defvjp(
    _clip,
    lambda g, _ans, x, low, high: g * _between(x, low, high),
    lambda g, _ans, x, low, high: g * ((x < low) & (True if high is None else low <= high)),
    lambda g, _ans, x, low, high: g * ((x > high) | (False if low is None else low > high)),
)


@composed(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    if min is None and max is None:
        return _clip(a, a_min, a_max)
    if a_min is not None or a_max is not None:
        raise ValueError("np.clip: give either a_min and a_max, or min and max")
    return _clip(a, min, max)


@primitive(broadcasts=True, stands_for=np.where)
def _where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


defvjp(
    _where,
    None,
    lambda g, _ans, condition, _x, _y: np.where(condition, g, 0),
    lambda g, _ans, condition, _x, _y: np.where(condition, 0, g),
)


@composed(np.where)
def where(condition: Any, *choices: Any) -> Any:
    if len(choices) == 1:
        raise ValueError("np.where: give both x and y, or neither")
    return _where(bare(condition), *choices) if choices else np.nonzero(condition)


@composed(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ShapeError(f"np.select: {len(condlist)} conditions do not choose among {len(choicelist)} arrays")
    for condition in condlist:
        dtype = as_array(bare(condition)).dtype
        if dtype != np.bool_:
            raise DTypeError(f"np.select: conditions are Boolean, not {dtype}")
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        default = np.where(condition, choice, default)
    return default


@composed(np.divmod)
def divmod_(x: Any, y: Any) -> Any:
    return np.floor_divide(x, y), np.remainder(x, y)


@composed(np.frexp)
def frexp(x: Any) -> Any:
    exponent = np.frexp(bare(x))[1]
    return np.ldexp(x, -exponent), exponent


@composed(np.modf)
def modf(x: Any) -> Any:
    fraction = np.fmod(np.where(np.isinf(x), np.copysign(0, x), x), 1.0)
    return fraction, np.trunc(x).astype(fraction.dtype, copy=False)

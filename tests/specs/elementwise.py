"""Spec rows of the functions that work element by element."""

import numpy as np

from autograd_dl.ops.elementwise import _clip, _where, _without_square

from .base import away, between, cases, distinct, fractions, masks, normal, one, pick, present, row, slot, two, whole

quarters = fractions(0.15, 0.35)
halves, near_one = fractions(0.45, 0.55), away(0.9, 1.1)
three = [((2, 3), (2, 3), (2, 3)), ((3,), (), ()), ((2, 3), (3,), (2, 1)), ((), (2,), ()), ((0,), (0,), ())]


def near_and_far(rng, shape):
    """Some near 0, some far."""
    return rng.choice([1e-3, 0.1, 1.0], shape) * rng.uniform(-3, 3, shape)


def phases(rng, shape):
    """Angles whose differences are away from half a turn."""
    return np.cumsum(2 * np.pi * rng.integers(-1, 2, shape) + rng.uniform(-2.5, 2.5, shape))


def small_halves(rng, shape):
    return 0.3 * halves(rng, shape)


near_small = away(0.29, 0.31)


def powers(shape):
    """An array of whole numbers, 0 among them."""
    return [np.arange(np.prod(shape)).reshape(shape) % 4 - 1.0]


# fmt: off
SPECS = [
    row(np.add,          two(normal, normal)),
    row(np.subtract,     two(normal, normal)),
    row(np.multiply,     two(normal, normal)),
    row(np.divide,       two(normal, away(0.4, 2))),
    row(np.negative,     one(normal)),
    row(np.positive,     one(normal)),
    row(np.conjugate,    one(normal)),
    row(np.reciprocal,   one(away(0.4, 2))),
    row(np.remainder,    two(halves, near_one)),
    row(np.fmod,         two(halves, near_one)),
    row(np.remainder,    two(small_halves, near_small), label="of small numbers"),
    row(np.fmod,         two(small_halves, near_small), label="of small numbers"),
    row(np.floor_divide, two(halves, near_one)),
    row(np.divmod,       two(halves, near_one)),
    row(np.modf,         one(quarters)),
    row(np.frexp,        one(away(1.1, 1.9))),
    row(np.ldexp,        one(normal, n=whole(-3, 3)), lambda x, n: np.ldexp(x, n)),

    row(np.absolute,     one(away(0.2, 2))),
    row(np.fabs,         one(away(0.2, 2))),
    row(np.copysign,     two(away(0.2, 2), away(0.2, 2))),
    row(np.square,       one(normal)),
    row(np.sqrt,         one(between(0.3, 3))),
    row(np.cbrt,         one(away(0.3, 3))),
    row(np.hypot,        two(away(0.2, 2), away(0.2, 2))),

    row(np.power,        two(between(0.2, 4), normal)),
    row(np.power,        one(away(0.4, 2), y=powers), lambda x, y: x**y, label="of x to several n"),
    row(np.power,        one(away(0.4, 2), y=pick(-2, -1, 0, 1, 2, 3)), lambda x, y: x**y, label="of x to n"),
    row(np.power,        one(normal, x=pick(0.5, 1, 2)), lambda y, x: x**y, label="of n to y"),
    row(np.float_power,  two(between(0.4, 2), normal)),
    row(np.exp,          one(between(-2, 2))),
    row(np.exp2,         one(between(-2, 2))),
    row(np.expm1,        one(between(-2, 2))),
    row(np.log,          one(between(0.3, 3))),
    row(np.log2,         one(between(0.3, 3))),
    row(np.log10,        one(between(0.3, 3))),
    row(np.log1p,        one(between(-0.6, 2))),
    row(np.logaddexp,    two(normal, normal)),
    row(np.logaddexp2,   two(normal, normal)),

    row(np.sin,          one(between(-4, 4))),
    row(np.cos,          one(between(-4, 4))),
    row(np.tan,          one(between(-1, 1))),
    row(np.arcsin,       one(between(-0.8, 0.8))),
    row(np.arccos,       one(between(-0.8, 0.8))),
    row(np.arctan,       one(between(-3, 3))),
    row(np.arctan2,      two(away(0.3, 2), away(0.3, 2))),
    row(np.sinh,         one(between(-2, 2))),
    row(np.cosh,         one(between(-2, 2))),
    row(np.tanh,         one(between(-2, 2))),
    row(np.arcsinh,      one(between(-2, 2))),
    row(np.arccosh,      one(between(1.4, 3))),
    row(np.arctanh,      one(between(-0.8, 0.8))),
    row(_without_square, one(normal), reference=lambda x: 1 - x * x),
    row(np.sinc,         one(near_and_far)),
    row(np.deg2rad,      one(between(-200, 200))),
    row(np.radians,      one(between(-200, 200))),
    row(np.rad2deg,      one(between(-4, 4))),
    row(np.degrees,      one(between(-4, 4))),
    row(np.unwrap,       cases(phases, shapes=[(4,), (1,), (0,)])),

    row(np.maximum,      two(slot(0), slot(1))),
    row(np.minimum,      two(slot(0), slot(1))),
    row(np.fmax,         two(slot(0), slot(1))),
    row(np.fmin,         two(slot(0), slot(1))),
    row((np.clip, _clip), cases(slot(0), slot(1), slot(2), shapes=three)),
    row(np.clip,         one(distinct, low=pick(None, 0.0), high=pick(1.0, np.inf)),
        lambda x, low, high: np.clip(x, low, high), label="by numbers"),
    row((np.where, _where), two(normal, normal, c=masks), lambda x, y, c: np.where(c, x, y)),
    row(np.select,       two(normal, normal, c=masks, d=masks), lambda x, y, c, d: np.select([c, d], [x, y], 0.5)),
    row(np.nan_to_num,   one(normal, nan=pick(0.0, 1.0))),
    row(np.real,         one(normal)),
    row(np.real_if_close, one(normal)),

    row(np.floor,        one(quarters)),
    row(np.ceil,         one(quarters)),
    row(np.trunc,        one(quarters)),
    row(np.rint,         one(quarters)),
    row(present("fix"),  one(quarters)),
    row(np.sign,         one(quarters)),
    row(np.round,        one(quarters, decimals=pick(0, -1))),
    row(np.around,       one(quarters, decimals=pick(0, -1))),
    row(np.heaviside,    two(quarters, normal)),
    row(np.heaviside,    one(normal, x=pick(0.0, 1.0)), lambda y, x: np.heaviside(x, y), label="of its value at 0"),
]
# fmt: on

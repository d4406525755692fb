"""Spec rows of the functions that reduce along axes or run along them, and of samples along a line."""

from functools import partial

import numpy as np

from autograd_dl import ops

from .base import (
    BOTH,
    LONG,
    NONEMPTY,
    ascending,
    away,
    axis,
    axis_or_none,
    between,
    cases,
    distinct,
    fractions,
    normal,
    one,
    pick,
    present,
    reduced,
    row,
    several_reduced,
    some_zeros,
    whole,
)  # fmt: skip

VECTORS = [(1,), (3,), (4,)]
INSIDE = [(2, 3), (3, 3), (2, 1, 3)]
ORDERED = [(), (3,), (2, 3), (2, 1, 3)]
LARGE = [(4,), (3, 3)]
EDGE = [[1.0], [2.0]]
ENDS = [((), ()), ((2,), ()), ((2,), (2,))]
INTERPOLATED = [((4,), (4,)), ((2, 3), (4,)), ((), (4,)), ((3,), (1,))]


def with_hole(fun):
    """`fun` of an array of which one element was made NaN."""
    return lambda x, hole, **options: fun(np.where(np.arange(x.size).reshape(x.shape) == hole, np.nan, x), **options)


def holed(make, shapes=LONG, **options):
    return cases(make, shapes=shapes, hole=whole(0, 3), **options)


def all_but_one(shape):
    """Booleans that leave out the first or the fourth element."""
    return [np.arange(np.prod(shape)).reshape(shape) != left_out for left_out in (0, 3)]


some_reduced = partial(cases, shapes=LARGE, axis=axis_or_none, keepdims=BOTH, where=all_but_one)


def weighted(fun):
    return lambda x, w, **options: fun(x, weights=w, **options)


def diagonals(shape):
    return pick({}, {"axis1": -1, "axis2": 0}, {"offset": 1}, {"offset": -1, "axis1": 1, "axis2": 0})


# fmt: off
SPECS = [
    row(np.sum,        reduced(normal)),
    row(np.mean,       reduced(normal, shapes=NONEMPTY)),
    row(np.prod,       reduced(some_zeros)),
    row(np.var,        several_reduced(distinct, ddof=pick(0, 1))),
    row(np.std,        several_reduced(distinct, ddof=pick(0, 1))),
    row(np.max,        reduced(distinct, shapes=NONEMPTY)),
    row(np.min,        reduced(distinct, shapes=NONEMPTY)),
    row(np.amax,       reduced(distinct, shapes=NONEMPTY)),
    row(np.amin,       reduced(distinct, shapes=NONEMPTY)),
    row(np.sum,        some_reduced(normal, initial=pick(0, 0.5)), label="of some"),
    row(np.mean,       some_reduced(normal), label="of some"),
    row(np.prod,       some_reduced(some_zeros, initial=pick(1, 2.5)), label="of some"),
    row(np.var,        some_reduced(distinct, ddof=pick(0, 1)), label="of some"),
    row(np.std,        some_reduced(distinct, ddof=pick(0, 1)), label="of some"),
    row(np.max,        some_reduced(distinct, initial=pick(-9, 0.25)), label="of some"),
    row(np.min,        some_reduced(distinct, initial=pick(9, 0.25)), label="of some"),
    row(np.ptp,        reduced(distinct, shapes=NONEMPTY)),
    row(ops.logsumexp, reduced(normal, shapes=NONEMPTY), reference=lambda x, **o: np.log(np.sum(np.exp(x), **o))),
    row(np.cumsum,     one(normal, axis=axis_or_none)),
    row(np.cumprod,    one(some_zeros, axis=axis_or_none)),
    row(present("cumulative_sum"), cases(normal, shapes=INSIDE, axis=axis, include_initial=BOTH)),
    row(present("cumulative_prod"), cases(some_zeros, shapes=INSIDE, axis=axis, include_initial=BOTH)),
    row(np.trace,      cases(normal, shapes=INSIDE, where=diagonals), lambda x, where: np.trace(x, **where)),

    row(np.average,    reduced(normal, shapes=NONEMPTY)),
    row(np.average,    cases(normal, between(0.5, 2), shapes=[((3,), (3,)), ((2, 3), (2, 3))], returned=BOTH),
        weighted(np.average), label="weighted"),
    row(np.average,    cases(normal, between(0.5, 2), shapes=[((2, 3), (3,)), ((2, 2, 3), (3,))],
        axis=pick(-1, np.int64(-1))),
        weighted(np.average), label="weighted along an axis"),
    row(np.average,    cases(normal, between(0.5, 2), shapes=[((2, 3, 2), (2, 3)), ((2, 2, 2), (2, 2))],
        keepdims=BOTH),
        lambda x, w, keepdims: np.average(x, (0, 1), w, keepdims=keepdims),
        reference=lambda x, w, keepdims: np.average(x, (0, 1), w[..., None] * np.ones_like(x), keepdims=keepdims),
        label="weighted along several axes"),
    row(np.average,    cases(normal, between(0.5, 2), shapes=[((2, 3, 1), (3, 2))]),
        lambda x, w: np.average(x, (1, 0), w),
        reference=lambda x, w: np.average(x, (1, 0), w.T[..., None]), label="weighted along axes in another order"),
    row(np.median,     reduced(distinct, shapes=NONEMPTY)),
    row(np.quantile, reduced(distinct, shapes=ORDERED, q=pick(0, 0.3, np.array([0.25, 0.5]), np.ones((1, 2))))),
    row(np.percentile, reduced(distinct, shapes=ORDERED, q=pick(30, 100, [25, 50]))),
    row(np.cov,        cases(normal, shapes=[(3,), (2, 3), (3, 2)], rowvar=BOTH, bias=BOTH)),
    row(np.cov,        cases(normal, normal, shapes=[((4,), (4,)), ((2, 3), (1, 3))]), label="of two"),
    row(np.corrcoef,   cases(normal, shapes=[(4,), (2, 4), (3, 5)])),

    row(np.nansum,     holed(normal, axis=axis_or_none, keepdims=BOTH), with_hole(np.nansum)),
    row(np.nanmean,    holed(normal, axis=axis_or_none, keepdims=BOTH), with_hole(np.nanmean)),
    row(np.nanprod,    holed(normal, axis=axis_or_none, keepdims=BOTH), with_hole(np.nanprod)),
    row(np.nanmax,     holed(distinct, axis=axis_or_none, keepdims=BOTH), with_hole(np.nanmax)),
    row(np.nanmin,     holed(distinct, axis=axis_or_none, keepdims=BOTH), with_hole(np.nanmin)),
    row(np.nanvar,     holed(distinct, shapes=LARGE, axis=axis_or_none, ddof=whole(0, 1)), with_hole(np.nanvar)),
    row(np.nanstd,     holed(distinct, shapes=LARGE, axis=axis_or_none, ddof=whole(0, 1)), with_hole(np.nanstd)),
    row(np.nancumsum,  holed(normal, axis=axis_or_none), with_hole(np.nancumsum)),
    row(np.nancumprod, holed(normal, axis=axis_or_none), with_hole(np.nancumprod)),

    row(np.diff,       cases(normal, shapes=[*INSIDE, (3,)], n=whole(0, 2), axis=axis)),
    row(np.diff,       cases(normal, normal, shapes=[((2, 3), (2, 1)), ((3,), (2,))], append=pick(0.5, EDGE)),
        lambda x, e, append: np.diff(x, prepend=e, append=append if x.ndim > 1 else 0.5), label="with edges"),
    row(np.ediff1d,    cases(normal, shapes=[(3,), (2, 2)], to_begin=pick(None, 1.0, [1.0, 2.0]))),
    row(np.gradient,   cases(normal, shapes=[(3,), (4,), (3, 4)], edge_order=whole(1, 2)), label="spaced by 1"),
    row(np.gradient,   cases(normal, shapes=[(2, 3), (3, 4)], axis=axis),
        lambda x, axis: np.gradient(x, 0.5, axis=axis), label="evenly spaced"),
    row(np.gradient,   cases(normal, ascending, shapes=[((4,), (4,)), ((2, 4), (4,))], edge_order=whole(1, 2)),
        lambda x, at, edge_order: np.gradient(x, at, axis=-1, edge_order=edge_order), label="unevenly spaced"),
    row(present("trapezoid trapz"), cases(normal, shapes=[(4,), (2, 3)], axis=axis)),
    row(present("trapezoid trapz"), cases(normal, ascending, shapes=[((4,), (4,)), ((2, 3), (3,)), ((2, 3), (2, 3))]),
        label="unevenly spaced"),
    row(np.interp,     cases(fractions(0.2, 0.8), normal, shapes=INTERPOLATED, left=pick(None, 0.5)),
        lambda x, fp, left: np.interp(x, np.arange(-1.0, len(fp) - 1), fp, left)),
    row(np.interp,     cases(ascending, shapes=[(4,)]),
        lambda xp: np.interp(xp[1:3] * 0.97, xp, [1, 2, 4, 8]), label="of the places"),
    row(np.piecewise,  cases(fractions(0.2, 0.8), shapes=[(4,), (2, 3), (0,)]),
        lambda x: np.piecewise(x, [x < 0, x > 1], [np.exp, 3.0, np.sin])),
    row(np.polyval,    cases(normal, normal, shapes=[((3,), (2, 2)), ((1,), ()), ((2,), (0,))])),
    row(np.vander,     cases(away(0.3, 2), shapes=VECTORS, N=pick(None, 2), increasing=BOTH)),
    row(np.linspace,   cases(normal, normal, shapes=ENDS, num=whole(0, 3), endpoint=BOTH)),
    row(np.logspace,   cases(normal, normal, shapes=ENDS, num=whole(0, 3), endpoint=BOTH)),
    row(np.geomspace,  cases(between(1, 3), between(1, 3), shapes=ENDS, num=whole(0, 3), endpoint=BOTH)),
]
# fmt: on

"""Spec rows of the functions that change shape or order, and of those that join, cut, repeat and pad."""

import itertools
import math

import numpy as np

from autograd_dl import ops
from autograd_dl.ops.joining import _concatenate, _pad_constant
from autograd_dl.ops.shape import _diag_of_vector

from .base import BOTH, axes, axis, axis_or_none, cases, normal, one, pick, present, row, two, whole

FLAT = [(2, 3), (3, 3), (2, 1, 3), (2, 0)]  # of two dimensions or more
EARLY = np.lib.NumpyVersion(np.__version__) < "2.1.0"
JOINED = [((2, 3), (2, 3)), ((1, 2), (1, 2)), ((0, 2), (0, 2))]


def other_shapes(shape):
    return pick(-1, shape[::-1], (1, *shape)) if math.prod(shape) else pick((0,), (3, 0))


def larger_shapes(shape):
    return pick(shape, (2, *shape), tuple(4 if n == 1 else n for n in shape))


def permutations(shape):
    n = len(shape)
    return (None, *map(list, itertools.permutations(range(n))), tuple(range(-n, 0)))


def shifts(shape):
    both = {"shift": (1, -2), "axis": (0, -1)}
    unsigned = {"shift": 1 if EARLY else np.uint8(1)}  # which NumPy 2.0 itself negates
    return pick({"shift": 1}, {"shift": -4}, unsigned, *[both, {"shift": 1, "axis": -1}] * (len(shape) > 1))


def lengths(shape):
    """An axis, and how often each element along it is repeated."""
    return [(2, None), (3, -1), (0, 0), *(([0, 2, 1][:n], i) for i, n in enumerate(shape))]


def of_list(fun):
    return lambda *arrays, **options: fun(arrays, **options)


PADS = [
    {"pad_width": 1}, {"pad_width": ((2, 0), (0, 1))}, {"pad_width": ((1, 0), (2, 3)), "constant_values": 0.5},
    {"pad_width": (0, 2), "mode": "edge"}, {"pad_width": 1, "mode": "reflect"}, {"pad_width": 5, "mode": "reflect"},
    {"pad_width": (2, 1), "mode": "symmetric"}, {"pad_width": ((3, 0), (0, 4)), "mode": "wrap"},
]  # fmt: skip

# fmt: off
SPECS = [
    row(np.reshape,      one(normal, shape=other_shapes), lambda x, shape: np.reshape(x, shape)),
    row(np.ravel,        one(normal)),
    row(np.squeeze,      cases(normal, shapes=[(1,), (2, 1, 3), (1, 1), (2, 2)])),
    row(np.squeeze,      cases(normal, shapes=[(2, 1, 3)], axis=pick(1, -2, (1,))), label="of an axis"),
    row(np.expand_dims,  one(normal, axis=pick(0, -1, (0, 1)))),
    row(np.broadcast_to, one(normal, shape=larger_shapes)),
    row(np.broadcast_arrays, two(normal, normal)),
    row(np.meshgrid,
        cases(normal, normal, shapes=[((2,), (3,)), ((1,), (0,)), ((), (2,))], sparse=BOTH, indexing=pick("xy", "ij"))),
    row(np.full_like,    cases(normal, shapes=[(), (1,), (3,)]), lambda v: np.full_like(v, np.sum(v))),
    row(np.copy,         one(normal)),
    row((*present("astype"), ops.shape.astype), one(normal, dtype=pick(np.float64, np.longdouble)),
        lambda x, dtype: x.astype(dtype)),
    row(np.atleast_1d,   one(normal)),
    row(np.atleast_2d,   two(normal, normal)),
    row(np.atleast_3d,   two(normal, normal)),

    row(np.transpose,    one(normal, axes=permutations)),
    row(np.swapaxes,     cases(normal, shapes=FLAT, axis1=axis, axis2=axis)),
    row(np.moveaxis,     cases(normal, shapes=FLAT, source=axis, destination=axis)),
    row(np.moveaxis,     cases(normal, shapes=[(2, 1, 3)]),
        lambda x: np.moveaxis(x, (0, -1), (1, 0)), label="of several"),
    row(np.rollaxis,     cases(normal, shapes=[(2, 1, 3)], axis=whole(-3, 2), start=whole(-3, 3))),
    row((*present("matrix_transpose linalg.matrix_transpose"),), cases(normal, shapes=FLAT)),
    row(np.flip,         one(normal, axis=axes)),
    row(np.fliplr,       cases(normal, shapes=FLAT)),
    row(np.flipud,       cases(normal, shapes=FLAT)),
    row(np.rot90, cases(normal, shapes=FLAT, k=whole(-1, 4), axes=pick((0, 1), (1, 0), (-1, 0)))),
    row(np.roll,         one(normal, how=shifts), lambda x, how: np.roll(x, **how)),
    row(np.fft.fftshift,  cases(normal, shapes=FLAT, axes=axes)),
    row(np.fft.ifftshift, cases(normal, shapes=FLAT, axes=axes)),
    row(np.tril,         cases(normal, shapes=FLAT, k=whole(-2, 2))),
    row(np.triu,         cases(normal, shapes=FLAT, k=whole(-2, 2))),
    row(np.tril,         cases(normal, shapes=[(3,)], k=whole(-1, 1)), label="of a vector"),
    row(np.triu,         cases(normal, shapes=[(3,)], k=whole(-1, 1)), label="of a vector"),
    row((np.diag, _diag_of_vector), cases(normal, shapes=[(1,), (3,), (2, 3), (3, 3)], k=whole(-2, 2))),
    row(np.diagflat,     cases(normal, shapes=[(3,), (2, 2)], k=whole(-1, 1))),
    row((np.diagonal, np.linalg.diagonal), cases(normal, shapes=FLAT, offset=whole(-3, 3))),
    row(np.linalg.trace, cases(normal, shapes=FLAT, offset=whole(-3, 3))),

    row((np.concatenate, _concatenate), cases(normal, normal, shapes=JOINED, axis=pick(None, 0, -1)),
        of_list(np.concatenate)),
    row(np.concatenate,  cases(normal, normal, normal, shapes=[((2, 1), (2, 0), (2, 3))]),
        lambda *arrays: np.concatenate(arrays, axis=1), label="of unequal ones"),
    row(np.stack,        cases(normal, normal, shapes=[*JOINED, ((), ()), ((3,), (3,))], axis=pick(0, -1)),
        of_list(np.stack)),
    row(np.hstack,       cases(normal, normal, shapes=[*JOINED, ((), (2,)), ((2, 1), (2, 3))]), of_list(np.hstack)),
    row(np.vstack,       cases(normal, normal, shapes=[*JOINED, ((2,), (2,)), ((3,), (2, 3))]), of_list(np.vstack)),
    row(np.dstack,       cases(normal, normal, shapes=[*JOINED, ((2,), (2,)), ((2, 1), (2, 1, 3))]),
        of_list(np.dstack)),
    row(np.column_stack, cases(normal, normal, shapes=[*JOINED, ((2,), (2,)), ((2,), (2, 3))]),
        of_list(np.column_stack)),
    row(np.append,       two(normal, normal)),
    row(np.append,       cases(normal, normal, shapes=[((2, 1), (2, 3))]),
        lambda x, y: np.append(x, y, 1), label="along an axis"),
    row(np.block,        cases(normal, normal, shapes=[((2, 2), (2, 1)), ((1, 0), (1, 1))]),
        lambda x, y: np.block([[x, y], [y, x]])),
    row(np.block,        cases(normal, normal, shapes=[((2,), (3,)), ((), (2,))]),
        lambda x, y: np.block([x, y, 1.0]), label="of a row"),

    row(np.split,        cases(normal, shapes=[(4,), (4, 1), (2, 4)], how=pick(1, 2, [1], [0, 1, 9])),
        lambda x, how: np.split(x, how)),
    row(np.array_split,  cases(normal, shapes=[(3, 4), (1, 2)], how=pick(1, 3, [1, 1]), axis=axis),
        lambda x, how, axis: np.array_split(x, how, axis)),
    row(np.vsplit,       cases(normal, shapes=[(4, 2), (2, 0)]), lambda x: np.vsplit(x, 2)),
    row(np.hsplit,       cases(normal, shapes=[(4,), (1, 4)]), lambda x: np.hsplit(x, 2)),
    row(np.dsplit,       cases(normal, shapes=[(1, 2, 4)]), lambda x: np.dsplit(x, 2)),
    row(present("unstack"), cases(normal, shapes=[(3,), (2, 1, 3)], axis=axis)),
    row(np.delete, cases(normal, shapes=[(3,), (3, 3)], obj=pick(0, -1, [0, 2], slice(1, None)), axis=axis_or_none)),
    row(np.insert,
        cases(normal, normal, shapes=[((3,), (2,)), ((3, 2), (2, 2))], obj=pick([0, 2], [1, 1], slice(0, 2))),
        lambda x, v, obj: np.insert(x, obj, v, 0)),
    row(np.insert, cases(normal, normal, shapes=[((2, 3), ()), ((2, 3), (2,)), ((2, 3), (2, 1))], obj=pick(0, -1, [1])),
        lambda x, v, obj: np.insert(x, obj, v, 1) if v.ndim < 2 or obj == [1] else np.insert(x, obj, v.T, 1),
        label="at one place"),

    row(np.repeat,       cases(normal, shapes=[(3,), (2, 3), (1, 2)], how=lengths), lambda x, how: np.repeat(x, *how)),
    row(np.tile,         one(normal, reps=pick(2, 0, (2, 1), (1, 2, 2), ()))),
    row(np.resize,       cases(normal, shapes=[(), (3,), (2, 3)], new_shape=pick(4, (2, 2), (0,), ()))),
    row((np.pad, _pad_constant), cases(normal, shapes=[(2, 3), (3, 2)], how=pick(*PADS)),
        lambda x, how: np.pad(x, **how)),
    row(np.pad,          cases(normal, shapes=[(0,), (3,)]), lambda x: np.pad(x, 2), label="of a vector"),
    row(np.lib.stride_tricks.sliding_window_view,
        cases(normal, shapes=[(3, 3), (2, 3, 4)], how=pick((2, 0), (0, -1), ((2, 1), (0, -1)), ((2, 2), (-1, -1)))),
        lambda x, how: np.lib.stride_tricks.sliding_window_view(x, *how)),
    row(np.lib.stride_tricks.sliding_window_view, cases(normal, shapes=[(1,), (3,)], window_shape=pick(0, 1, (1,))),
        label="along all axes"),
]
# fmt: on

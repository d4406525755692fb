"""Spec rows of indexing, of what takes elements by their places, and of order."""

import numpy as np

from autograd_dl import ops
from autograd_dl.ops.indexing import getitem

from .base import axis, axis_or_none, cases, distinct, normal, pick, row, whole

EVEN = np.array([True, False, True])
KEYS = [  # of an array of shape (3, 4)
    0, -1, (1, 2), (-1, -1), slice(None), slice(None, None, -1), slice(2, 0), (slice(0, 2), slice(1, None, 2)), ...,
    (..., 1), None, (0, None, slice(1, 3)), (), (np.int64(1), ...), np.True_, np.array(2),
    EVEN, ~EVEN, (EVEN, 1), (slice(None), np.array([True, True, True, False])), ([True, False, True], 0),
    np.arange(12).reshape(3, 4) % 2 == 0, [0, 2], [1, 1, 1], [], np.array([[0, 1], [2, 2]]),
    (np.array([0, 0, 2]), np.array([1, 1, -1])), (np.array([[0], [2]]), np.array([1, 1])),
    (np.array([1, 1], np.uint8),), ([0, 0], slice(1, 3)), (slice(None), [3, 3, 0]), (0, [1, 1]),
    (None, [0, 0], ..., None), (EVEN, [0, 0]),
]  # fmt: skip


def places(shape):
    return pick(0, -1, [], [0, 0, -1], np.array([[0, 1], [1, 1]]))


def every_other_place(x, axis):
    """Where a partition leaves no choice: one value between every two places. Processors choose differently."""
    return range(1, x.size if axis is None else x.shape[axis], 2)


def added_with_numpy(g, key, shape):
    out = np.zeros(shape, g.dtype)
    np.add.at(out, key, g)
    return out


# fmt: off
SPECS = [
    row(getitem,         cases(normal, shapes=[(3, 4)], key=pick(*KEYS)), lambda x, key: x[key]),
    row(getitem,         cases(normal, shapes=[()], key=pick((), ..., None, np.True_)),
        lambda x, key: x[key], label="of a number"),
    row(ops.scatter_add,
        cases(normal, shapes=[(3,)], key=pick([0, 2, 1], [1, 1, 1], ([0, 0, 1], [1, 1, 1]), (1, slice(3)))),
        lambda g, key: ops.scatter_add(g, key, (3, 3) if isinstance(key, tuple) else (4,)),
        reference=lambda g, key: added_with_numpy(g, key, (3, 3) if isinstance(key, tuple) else (4,))),
    row(np.take,         cases(normal, shapes=[(2,), (2, 3), (3, 2)], indices=places, axis=axis_or_none)),
    row(np.take,         cases(normal, shapes=[(2, 3)], indices=pick(7, [-9, 4]), mode=pick("wrap", "clip")),
        label="out of bounds"),
    row(np.take_along_axis, cases(normal, shapes=[(2, 3), (3, 3)], axis=axis),
        lambda x, axis: np.take_along_axis(x, np.array([[1]]), axis)),
    row(np.take_along_axis, cases(normal, shapes=[(2, 3)]),
        lambda x: np.take_along_axis(x, np.array([[2, 0], [1, 1]]), -1), label="with repeats"),
    row(np.compress,     cases(normal, shapes=[(3,), (3, 3)], condition=pick(EVEN), axis=axis_or_none),
        lambda x, condition, axis: np.compress(condition, x, axis)),
    row(np.extract,      cases(normal, shapes=[(3,), (2, 3)]),
        lambda x: np.extract(np.arange(x.size).reshape(x.shape) % 2, x)),
    row(np.choose,
        cases(normal, normal, shapes=[((3,), (3,)), ((2, 3), (3,)), ((3,), ())], mode=pick("raise", "wrap", "clip")),
        lambda x, y, mode: np.choose(np.array([0, 1, 1] if mode == "raise" else [0, -1, 2]), [x, y], mode=mode)),
    row(np.bincount,     cases(normal, shapes=[(4,)], minlength=whole(0, 6)),
        lambda w, minlength: np.bincount([0, 3, 3, 1], w, minlength)),
    row(np.sort,         cases(distinct, shapes=[(0,), (3,), (2, 3), (3, 3)], axis=axis_or_none)),
    row(np.partition,    cases(distinct, shapes=[(2,), (2, 3), (3, 3)], axis=axis_or_none),
        lambda x, axis: np.partition(x, every_other_place(x, axis), axis)),
]
# fmt: on

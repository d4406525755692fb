"""Spec rows of convolution and pooling, beside their definitions by loops."""

from itertools import product

import numpy as np

from autograd_dl import ops
from autograd_dl.ops.pooling import _chosen, _placed, _summed_back

from .base import cases, distinct, normal, pick, row


def pairs(value):
    return value if isinstance(value, tuple) else (value, value)


def filtered(x, w, stride=1, pad=0, dilation=1, groups=1):
    """conv2d as its formula says."""
    (sh, sw), (ph, pw), (dh, dw) = map(pairs, (stride, pad, dilation))
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    f, c, fh, fw = w.shape
    tops = range(0, x.shape[2] - (fh - 1) * dh, sh)
    lefts = range(0, x.shape[3] - (fw - 1) * dw, sw)
    ans = np.zeros((len(x), f, len(tops), len(lefts)), x.dtype)
    for k, (i, top), (j, left) in product(range(f), enumerate(tops), enumerate(lefts)):
        first = k // (f // groups) * c
        seen = x[:, first : first + c, top : top + (fh - 1) * dh + 1 : dh, left : left + (fw - 1) * dw + 1 : dw]
        ans[:, k, i, j] = (seen * w[k]).sum((1, 2, 3))
    return ans


def transposed(f, g, shape):
    """The transpose of a linear function of arrays of this shape, by the definition: one unit array after the other."""
    size = int(np.prod(shape))
    units = np.eye(size).reshape(size, *shape)
    return np.array([(f(u) * g).sum() for u in units], g.dtype).reshape(shape)


def conv2d_input(g, w, shape, how):
    return transposed(lambda x: filtered(x, w.astype(float), **how), g, shape)


def conv2d_filter(x, g, shape, how):
    return transposed(lambda w: filtered(x.astype(float), w, **how), g, shape)


def pooled(reduce, fill):
    """A window's largest, or its sum, by loops."""

    def pool(x, size, stride, pad=0):
        (fh, fw), (sh, sw), (ph, pw) = map(pairs, (size, stride, pad))
        x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=fill)
        tops, lefts = range(0, x.shape[2] - fh + 1, sh), range(0, x.shape[3] - fw + 1, sw)
        seen = [[reduce(x[:, :, i : i + fh, j : j + fw], axis=(2, 3)) for j in lefts] for i in tops]
        return np.moveaxis(np.array(seen, x.dtype).reshape(len(tops), len(lefts), *x.shape[:2]), (0, 1), (2, 3))

    return pool


HOW = pick({}, {"stride": 2}, {"pad": (0, 1)}, {"stride": (2, 1), "pad": 2}, {"dilation": (2, 1), "pad": 1})
GROUPED = pick({"groups": 2}, {"groups": 2, "stride": (1, 2), "pad": 1})
SHAPES = [((2, 3, 4, 5), (2, 3, 3, 2)), ((1, 1, 4, 4), (1, 1, 1, 2)), ((0, 2, 4, 3), (1, 2, 3, 3))]
BIASED_SHAPES = [(x, w, w[:1]) for x, w in SHAPES]
GROUPED_SHAPES = [((2, 4, 3, 4), (2, 2, 2, 2)), ((1, 2, 3, 3), (4, 1, 2, 1))]

TRANSPOSES = [
    ((2, 3, 4, 5), (2, 3, 3, 2), {}),
    ((1, 1, 4, 4), (1, 1, 1, 2), {"stride": 2}),
    ((2, 2, 5, 4), (2, 2, 2, 2), {"stride": (2, 1), "pad": 2}),
    ((1, 1, 6, 5), (2, 1, 2, 2), {"stride": 3}),
    ((1, 4, 3, 3), (2, 2, 2, 2), {"groups": 2, "dilation": 2, "pad": 1}),
    ((0, 1, 3, 3), (1, 1, 2, 2), {}),
]
RESULTS = [filtered(np.zeros(x), np.zeros(w), **how).shape for x, w, how in TRANSPOSES]
TO_IMAGES = {(g, w): (x, how) for (x, w, how), g in zip(TRANSPOSES, RESULTS, strict=True)}
TO_FILTERS = {(x, g): (w, how) for (x, w, how), g in zip(TRANSPOSES, RESULTS, strict=True)}

WINDOWS = pick(
    {"size": 2, "stride": 2},
    {"size": (2, 3), "stride": 1},
    {"size": 3, "stride": (1, 2), "pad": 1},
    {"size": 1, "stride": 1},
)
POOLED = [(2, 2, 4, 5), (1, 3, 3, 3), (0, 1, 3, 3)]
WINNERS = np.array([0, 3, 1, 2, 2, 0, 3, 1, 1, 0, 2, 3], np.uint8).reshape(2, 1, 3, 2)
PLACED = ((2, 1, 4, 3), 2, (1, 2), (0, 1))


def placed(g):
    """Each number where its window's winner is."""
    frame = np.zeros((2, 1, 4, 5), g.dtype)
    for n, i, j in product(range(2), range(3), range(2)):
        k = WINNERS[n, 0, i, j]
        frame[n, 0, i + k // 2, 2 * j + k % 2] += g[n, 0, i, j]
    return frame[..., 1:4]


def options(found):
    """What belongs to the shapes of both arguments."""
    return lambda a, b: [found[a, b]]


# fmt: off
SPECS = [
    row(ops.conv2d, cases(normal, normal, shapes=SHAPES, how=HOW), lambda x, w, how: ops.conv2d(x, w, **how),
        reference=lambda x, w, how: filtered(x, w, **how)),
    row(ops.conv2d, cases(normal, normal, shapes=GROUPED_SHAPES, how=GROUPED),
        lambda x, w, how: ops.conv2d(x, w, **how),
        reference=lambda x, w, how: filtered(x, w, **how), label="in groups"),
    row(ops.conv2d, cases(normal, normal, normal, shapes=BIASED_SHAPES, how=HOW),
        lambda x, w, b, how: ops.conv2d(x, w, b, **how),
        reference=lambda x, w, b, how: filtered(x, w, **how) + b[:, None, None], label="with bias"),
    row(ops.conv2d_input, cases(normal, normal, shapes=list(TO_IMAGES), to=options(TO_IMAGES)),
        lambda g, w, to: ops.conv2d_input(g, w, to[0], **to[1]),
        reference=lambda g, w, to: conv2d_input(g, w, *to)),
    row(ops.conv2d_filter, cases(normal, normal, shapes=list(TO_FILTERS), to=options(TO_FILTERS)),
        lambda x, g, to: ops.conv2d_filter(x, g, to[0], **to[1]),
        reference=lambda x, g, to: conv2d_filter(x, g, *to)),
    row(ops.max_pool2d, cases(distinct, shapes=POOLED, how=WINDOWS), lambda x, how: ops.max_pool2d(x, **how),
        reference=lambda x, how: pooled(np.max, -np.inf)(x, **how)),
    row(ops.sum_pool2d, cases(normal, shapes=POOLED, how=WINDOWS), lambda x, how: ops.sum_pool2d(x, **how),
        reference=lambda x, how: pooled(np.sum, 0)(x, **how)),
    row(_placed, cases(normal, shapes=[WINNERS.shape]), lambda g: _placed(g, WINNERS, *PLACED), reference=placed),
    row(_chosen, cases(normal, shapes=[PLACED[0]]), lambda h: _chosen(h, WINNERS, *PLACED[1:]),
        reference=lambda h: transposed(placed, h, WINNERS.shape)),
    row(_summed_back, cases(normal, shapes=[WINNERS.shape]), lambda g: _summed_back(g, *PLACED),
        reference=lambda g: transposed(lambda x: pooled(np.sum, 0)(x, *PLACED[1:]), g, PLACED[0])),
]
# fmt: on

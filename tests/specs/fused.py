"""Spec rows of the ops that are written as one although they could be composed, beside their compositions."""

import math

import numpy as np

from autograd_dl import ops

from .base import away, between, cases, normal, one, pick, row, slot


def cross_entropy(x, t):
    """-sum(t log(softmax(x))) / batch, as it stands in the book, of rows or labels t."""
    e = np.exp(x)
    p = e / e.sum(-1, keepdims=True)
    if t.ndim < x.ndim:
        t = np.eye(x.shape[-1], dtype=x.dtype)[t]
    return -(t * np.log(p)).sum() / (len(x) if x.ndim > 1 else 1)


def labels(shape):
    classes = shape[-1]
    return [(n + np.arange(shape[0])) % classes if len(shape) > 1 else np.array(n) for n in range(classes)]


# fmt: off
SPECS = [
    row(ops.erf,     one(between(-5, 5)), reference=lambda x: np.vectorize(math.erf, [x.dtype])(x)),
    row(ops.erfc,    one(between(-5, 5)), reference=lambda x: np.vectorize(math.erfc, [x.dtype])(x)),
    row(ops.standardize, cases(slot(0), shapes=[(3, 2), (2, 1, 3)], axes=pick((0,), (0, -1)), eps=pick(1e-6, 0.5)),
        reference=lambda x, axes, eps: ((x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps))),
    row(ops.normalize_columns, cases(slot(0), normal, normal, shapes=[((3, 2), (2,), (2,)), ((4, 1), (1,), (1,))],
                                     eps=pick(1e-6, 0.5)),
        lambda x, gamma, beta, eps: ops.normalize_columns(x, gamma, beta, eps),
        reference=lambda x, gamma, beta, eps: gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta),
    row(ops.relu,    one(away(0.2, 2)), reference=lambda x: np.maximum(x, 0)),
    row(ops.sigmoid, one(between(-3, 3)), reference=lambda x: 1 / (1 + np.exp(-x))),
    row(ops.softplus, one(between(-5, 5)), reference=lambda x: np.log(1 + np.exp(x))),
    row(ops.softmax_cross_entropy, cases(normal, normal, shapes=[((3, 4), (3, 4)), ((4,), (4,)), ((1, 2), (1, 2))]),
        reference=cross_entropy, label="of rows"),
    row(ops.softmax_cross_entropy, cases(normal, shapes=[(3, 4), (4,), (1, 2)], t=labels),
        reference=cross_entropy, label="of labels"),
]
# fmt: on

"""Spec rows of linear algebra. Functions of symmetric matrices are given symmetric ones; what is determined up to a
sign or an order is looked at in ways that do not depend on it."""

import numpy as np

from autograd_dl.ops.linalg import _thin_qr, _thin_svd
from autograd_dl.ops.norms import _norm_of_powers, norm2

from .base import (
    BOTH,
    MATRICES,
    TALL_AND_WIDE,
    away,
    axis,
    axis_or_none,
    cases,
    distinct_sizes,
    invertible,
    normal,
    pick,
    positive,
    row,
    spread,
    whole,
)

EMPTY = [(0, 0), (0, 2, 2)]
SOLVED = [((2, 2), (2,)), ((3, 3), (3, 2)), ((2, 3, 3), (3, 2)), ((2, 2), (3, 2, 1)), ((1, 1), (1, 0)), ((0, 0), (0,))]
VECTOR_ORDS = pick(None, 1, 2, 3, 0.5, np.inf, -np.inf, 0, -1)
MATRIX_ORDS = pick("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


def symmetric(x):
    return (x + np.swapaxes(x, -1, -2)) / 2


def cholesky(x, **how):
    return np.linalg.cholesky(symmetric(x), **how)


def eigh(x, **how):
    """The eigenvalues, and a matrix of the same eigenvectors with other eigenvalues."""
    w, v = np.linalg.eigh(symmetric(x), **how)
    return w, np.matmul(v * np.arange(1, 1 + x.shape[-1]).astype(x.dtype), np.swapaxes(v, -1, -2))


def svd(x, full_matrices=False):
    """The singular values, and a matrix of the same singular vectors with other singular values."""
    u, s, vt = np.linalg.svd(x, full_matrices=full_matrices)
    return s, np.matmul(u * np.arange(1, 1 + s.shape[-1]).astype(x.dtype), vt)


def qr(x):
    """Q and R, with a positive diagonal of R."""
    q, r = np.linalg.qr(x)
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    return q * np.expand_dims(signs, -2), r * np.expand_dims(signs, -1)


def invertible_tensor(rng, shape):
    return invertible(rng, (4, 4)).reshape(shape)


# fmt: off
SPECS = [
    row(np.linalg.inv,      cases(invertible, shapes=[*MATRICES, *EMPTY]), half=False),
    row(np.linalg.det,      cases(invertible, shapes=[*MATRICES, *EMPTY]), half=False),
    row(np.linalg.slogdet,  cases(invertible, shapes=[*MATRICES, *EMPTY]), half=False),
    row(np.linalg.solve,    cases(invertible, normal, shapes=SOLVED), half=False),
    row(np.linalg.cholesky, cases(positive, shapes=[*MATRICES, *EMPTY], upper=BOTH), cholesky, half=False),
    row(np.linalg.pinv,     cases(spread, shapes=TALL_AND_WIDE), half=False),
    row(np.linalg.pinv,     cases(spread, shapes=TALL_AND_WIDE), lambda x: np.linalg.pinv(x, rcond=0.9),
        label="of the largest part", half=False),
    row(np.linalg.matrix_power, cases(invertible, shapes=MATRICES, n=whole(-3, 5)), half=False),
    row(np.linalg.eigh,     cases(spread, shapes=MATRICES, UPLO=pick("L", "U")), eigh, half=False),
    row(np.linalg.eigvalsh, cases(spread, shapes=MATRICES), lambda x: np.linalg.eigvalsh(symmetric(x)), half=False),
    row((np.linalg.svd, _thin_svd), cases(spread, shapes=TALL_AND_WIDE), svd, half=False),
    row(np.linalg.svd,      cases(spread, shapes=MATRICES),
        lambda x: svd(x, full_matrices=True), label="in full", half=False),
    row(np.linalg.svd,      cases(spread, shapes=MATRICES),
        lambda x: np.linalg.svd(x, compute_uv=False), label="without vectors", half=False),
    row(np.linalg.svdvals,  cases(spread, shapes=TALL_AND_WIDE), half=False),
    row((np.linalg.qr, _thin_qr), cases(spread, shapes=TALL_AND_WIDE), qr, half=False),
    row(np.linalg.qr,       cases(spread, shapes=TALL_AND_WIDE),
        lambda x: np.linalg.qr(x, mode="r") ** 2, label="mode r", half=False),
    row(np.linalg.lstsq,
        cases(spread, normal, shapes=[((3, 2), (3,)), ((3, 2), (3, 2)), ((2, 2), (2,)), ((2, 3), (2, 1))]),
        lambda a, b: np.linalg.lstsq(a, b), half=False),
    row(np.linalg.tensorsolve,
        cases(invertible_tensor, normal, shapes=[((2, 2, 4), (2, 2)), ((4, 2, 2), (4,))]), half=False),
    row(np.linalg.tensorinv, cases(invertible_tensor, shapes=[(2, 2, 4), (2, 2, 2, 2)]), half=False),
    row(np.linalg.cond,     cases(spread, shapes=[(2, 2), (3, 3)], p=pick(None, 2, -2, "fro")), half=False),
    row(np.linalg.cond,     cases(invertible, shapes=[(2, 2), (3, 3)], p=pick("nuc")), label="nuclear", half=False),

    row((np.linalg.norm, norm2), cases(away(0.2, 2), shapes=[(3,), (2, 3), (1, 2)], axis=axis_or_none, keepdims=BOTH)),
    row((np.linalg.norm, _norm_of_powers),
        cases(distinct_sizes, shapes=[(3,), (2, 3), (2, 1, 3)], ord=VECTOR_ORDS, axis=axis, keepdims=BOTH),
        label="of vectors"),
    row(np.linalg.norm,     cases(spread, shapes=[(2, 3), (3, 3)], ord=MATRIX_ORDS, keepdims=BOTH),
        label="of matrices", half=False),
    row(np.linalg.norm,
        cases(spread, shapes=[(2, 3, 3), (2, 2, 3)], ord=MATRIX_ORDS, axis=pick((1, 2), (-1, 1)), keepdims=BOTH),
        label="of stacked matrices", half=False),
    row(np.linalg.vector_norm,
        cases(distinct_sizes, shapes=[(3,), (2, 3)], ord=pick(1, 2, 3, np.inf), axis=axis_or_none, keepdims=BOTH)),
    row(np.linalg.vector_norm,
        cases(distinct_sizes, shapes=[(2, 3), (2, 1, 3)], ord=pick(1, 2, 3, -np.inf), axis=pick((0, 1), (-1, 0))),
        label="over several axes"),
    row(np.linalg.matrix_norm, cases(spread, shapes=[(2, 3), (2, 3, 3)], ord=MATRIX_ORDS, keepdims=BOTH), half=False),
]
# fmt: on

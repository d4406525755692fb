"""Spec rows of the products of vectors, matrices and tensors, and of convolutions."""

import numpy as np

from autograd_dl import ops
from autograd_dl.ops.products import _einsum, _full, _valid

from .base import cases, normal, pick, present, row

DOTS = [
    ((2, 3), (3, 2)), ((3, 3), (3, 3)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((), (2, 3)), ((3,), ()),
    ((), ()), ((2, 1, 3), (3,)), ((2, 1, 3), (3, 2)), ((2, 3), (2, 3, 1)), ((3,), (2, 3, 1)), ((1, 2, 3), (2, 3, 2)),
    ((2, 3), ()), ((0, 3), (3, 2)), ((2, 0), (0, 2)), ((0,), (0,)),
]  # fmt: skip
MATMULS = [
    ((2, 3), (3, 2)), ((3, 3), (3, 3)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((4, 2, 3), (3, 2)),
    ((2, 3), (4, 3, 2)), ((2, 2, 3), (2, 3, 1)), ((2, 1, 2, 3), (3, 3, 2)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,)),
    ((0, 3), (3, 2)), ((2, 0), (0, 2)), ((0, 2, 3), (3, 1)),
]  # fmt: skip
EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 2)), ("ij,jk", (2, 3), (3, 2)), ("i,i->", (3,), (3,)), ("i,j->ij", (2,), (3,)),
    ("ij,ij->j", (2, 3), (2, 3)), ("...i,i->...", (2, 2, 3), (3,)), ("b...,...->b...", (2, 3), (3,)),
    ("...ij,...jk", (2, 1, 2, 3), (2, 3, 1)), ("ii,j->j", (3, 3), (2,)), ("ii,i->i", (3, 3), (3,)),
    ("ij,k->i", (2, 3), (2,)), ("a b , b -> a", (2, 3), (3,)), ("i,i", (0,), (0,)), (",i->i", (), (2,)),
    ("ij,jk->ik", (2, 1), (3, 2)), ("ij,jk->ik", (2, 3), (1, 2)), ("i,i->", (1,), (3,)), ("ij,i->ij", (1, 2), (3,)),
    ("ij,kj->ik", (2, 1), (2, 3)), ("Az,zA->A", (2, 3), (3, 2)),
    ("bt,bd->d", (2, 4), (2, 3)),
]  # fmt: skip
EINSUM_SHAPES = list(dict.fromkeys(e[1:] for e in EINSUMS))
INNERS = [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (1, 3)), ((), (2,)), ((2, 2, 3), (2, 3))]
KRONS = [((2, 2), (1, 3)), ((2,), (3,)), ((2,), (2, 2)), ((), (2,)), ((1, 2, 2), (2, 1))]
SLID = [((4,), (2,)), ((5,), (3,)), ((2,), (5,)), ((3,), (4,)), ((1,), (1,))]
CROSSES = [((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1, 3), (2, 3))]
WINDOWS = pick({}, {"stride": 2}, {"pad": 1}, {"stride": (1, 2), "pad": (1, 0)}, {"stride": 3, "pad": (0, 2)})
IMAGES = [(1, 1, 4, 4), (2, 2, 3, 4), (2, 1, 5, 3), (0, 1, 3, 3)]


def subscripts(*shapes):
    return [spec for spec, *of in EINSUMS if tuple(of) == shapes]


def tensordots(a, b):
    return pick(*{(2, 3): [1, (1, 0), ([0], [1]), ([1, 0], [0, 1])], (2, 2, 3): [2, ([1, 2], [0, 1])], (3,): [0]}[a])


ROWS_OF = {
    (4, 4): [((1, 1, 3, 3), {}), ((1, 1, 4, 5), {"stride": (2, 3)})],
    (6, 8): [((1, 2, 2, 3), {"pad": (1, 0)})],
}


def rows_of(shape):
    """Shapes of images, and windows, whose patches are the rows of `shape`."""
    return pick(*ROWS_OF[shape])


def patches(x, fh, fw, stride=1, pad=0):
    """im2col, as the book defines it, by loops."""
    (sh, sw), (ph, pw) = (v if isinstance(v, tuple) else (v, v) for v in (stride, pad))
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    tops, lefts = range(0, x.shape[2] - fh + 1, sh), range(0, x.shape[3] - fw + 1, sw)
    found = [image[:, i : i + fh, j : j + fw].ravel() for image in x for i in tops for j in lefts]
    return np.array(found, x.dtype).reshape(len(found), x.shape[1] * fh * fw)


def put_back(col, shape, fh, fw, **how):
    """col2im by the definition of a transpose: each element goes where im2col takes it from."""
    sources = patches(np.arange(1, 1 + np.prod(shape)).reshape(shape), fh, fw, **how)
    image = np.zeros(1 + np.prod(shape), col.dtype)
    np.add.at(image, sources, col)
    return image[1:].reshape(shape)


# fmt: off
SPECS = [
    row(np.dot,            cases(normal, normal, shapes=DOTS)),
    row(np.matmul,         cases(normal, normal, shapes=MATMULS)),
    row(np.linalg.matmul,  cases(normal, normal, shapes=[((2, 3), (3, 2)), ((2, 2, 3), (3, 2))])),
    row(present("matvec"), cases(normal, normal, shapes=[((2, 3), (3,)), ((2, 2, 3), (3,)), ((2, 3), (2, 3))])),
    row(present("vecmat"), cases(normal, normal, shapes=[((2,), (2, 3)), ((2, 2), (2, 2, 3)), ((2, 2), (2, 1))])),
    row((np.vecdot, np.linalg.vecdot), cases(normal, normal, shapes=[((3,), (3,)), ((2, 3), (3,)), ((2, 0), (2, 0))])),
    row(np.vecdot,         cases(normal, normal, shapes=[((2, 3), (2, 3)), ((3, 2, 1), (1, 2, 3))], axis=pick(-2)),
        label="along an axis"),
    row(np.vdot,           cases(normal, normal, shapes=[((3,), (3,)), ((2, 3), (2, 3)), ((), ()), ((2, 2), (4,))])),
    row(np.inner,          cases(normal, normal, shapes=INNERS)),
    row((np.outer, np.linalg.outer), cases(normal, normal, shapes=[((2,), (3,)), ((1,), (1,)), ((0,), (2,))])),
    row(np.outer,          cases(normal, normal, shapes=[((), (3,)), ((2, 2), (3,))]), label="of others than vectors"),
    row((np.tensordot, np.linalg.tensordot),
        cases(normal, normal, shapes=[((2, 3), (3, 2)), ((2, 2, 3), (2, 3, 2)), ((3,), (2,))], axes=tensordots)),
    row((np.einsum, _einsum), cases(normal, normal, shapes=EINSUM_SHAPES, spec=subscripts),
        lambda x, y, spec: np.einsum(spec, x, y)),
    row(np.einsum, cases(normal, shapes=[(3, 3)], spec=pick("ij->ji", "ij->i", "ii->i", "ii", "ij->", "i...->...")),
        lambda x, spec: np.einsum(spec, x), label="of one"),
    row(np.einsum,
        cases(normal, normal, normal, shapes=[((2, 3), (3, 3), (3,))], optimize=pick(False, True, "optimal")),
        lambda x, y, z, optimize: np.einsum("ij,jk,k->i", x, y, z, optimize=optimize), label="of three"),
    row(np.einsum,         cases(normal, normal, shapes=[((2, 3), (3, 2))]),
        lambda x, y: np.einsum(x, [0, 1], y, [1, ...], [0, ...]), label="by numbers"),
    row(np.einsum,         cases(normal, normal, shapes=[((2, 3), (3, 2))]),
        lambda x, y: np.einsum(x, [30, 2], y, [2, 51]), label="by large numbers"),
    row(np.kron,           cases(normal, normal, shapes=KRONS)),
    row((np.cross, np.linalg.cross), cases(normal, normal, shapes=CROSSES)),
    row(np.cross,          cases(normal, normal, shapes=[((3, 2), (3, 2)), ((2, 3, 3), (3, 3))], axis=pick(0, -2)),
        lambda x, y, axis: np.cross(x, y, axis=axis if x.ndim == y.ndim else -2), label="along an axis"),
    row(np.cross,          cases(normal, normal, shapes=[((3, 2), (2, 3))], axisc=pick(0, -1)),
        lambda x, y, axisc: np.cross(x, y, 0, 1, axisc), label="along several axes"),
    row(np.linalg.multi_dot, cases(normal, normal, normal, shapes=[((2, 3), (3, 1), (1, 2)), ((3,), (3, 2), (2,))]),
        lambda *ms: np.linalg.multi_dot(ms)),

    row(ops.im2col,        cases(normal, shapes=IMAGES, how=WINDOWS),
        lambda x, how: ops.im2col(x, 2, 3, **how), reference=lambda x, how: patches(x, 2, 3, **how)),
    row(ops.col2im,        cases(normal, shapes=[(4, 4), (6, 8)], how=rows_of),
        lambda col, how: ops.col2im(col, how[0], 2, 2, **how[1]),
        reference=lambda col, how: put_back(col, how[0], 2, 2, **how[1])),
    row((np.convolve, _full),      cases(normal, normal, shapes=SLID, mode=pick("full", "same", "valid"))),
    row((np.correlate, _valid),      cases(normal, normal, shapes=SLID, mode=pick("full", "same", "valid"))),
]
# fmt: on

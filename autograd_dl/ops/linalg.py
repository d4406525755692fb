"""Derivatives of matrix products and of NumPy's linear algebra.

Functions of symmetric matrices (cholesky, eigh) get a symmetric gradient: that of moving both triangles together. The
derivative of eigenvectors and singular vectors is that of the subspaces; between equal values, where none exists, it
is 0. Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008); for pinv: Golub and Pereyra (1973); for qr: Walter and Lehmann (2018).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from ..errors import UnsupportedError
from ..table import defvjp
from .entry import composed, primitive


def _t(x: Any) -> Any:
    """The matrix (or each of a stack), transposed."""
    return x.swapaxes(-1, -2)


# -- products


def _dot_x(g: Any, _ans: Any, x: Any, y: Any) -> Any:
    if x.ndim == 2 == y.ndim:
        return np.dot(g, y.T)
    if x.ndim == 0 or y.ndim == 0:
        return g * y
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    summed = y.ndim - 1
    return np.tensordot(g, np.moveaxis(y, -2, -1), (range(-summed, 0), range(summed)))


def _dot_y(g: Any, _ans: Any, x: Any, y: Any) -> Any:
    if x.ndim == 2 == y.ndim:
        return np.dot(x.T, g)
    if x.ndim == 0 or y.ndim == 0:
        return g * x
    summed = range(x.ndim - 1)
    both = np.tensordot(x, g, (summed, summed))
    return both if y.ndim == 1 else np.moveaxis(both, 0, -2)


def _matmul_x(g: Any, _ans: Any, x: Any, y: Any) -> Any:
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if x.ndim == 1:
        return np.matmul(y, np.expand_dims(g, -1))[..., 0]
    return np.matmul(g, _t(y))


def _matmul_y(g: Any, _ans: Any, x: Any, y: Any) -> Any:
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2) if y.ndim > 1 else g * x
    if y.ndim == 1:
        return np.matmul(_t(x), np.expand_dims(g, -1))[..., 0]
    if y.ndim == 2 < x.ndim:
        rows = math.prod(x.shape[:-1])
        return np.dot(x.reshape(rows, x.shape[-1]).T, g.reshape(rows, g.shape[-1]))
    return np.matmul(_t(x), g)


defvjp(np.dot, _dot_x, _dot_y, broadcasts=True)
defvjp(np.matmul, _matmul_x, _matmul_y, broadcasts=True, raw=operator.matmul)


@composed(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = _array(a), _array(b)
    if np.ndim(axes) == 0:
        axes = range(a.ndim - axes, a.ndim), range(axes)
    summed_a, summed_b = ([i % x.ndim for i in np.atleast_1d(ax)] for x, ax in zip((a, b), axes, strict=True))
    if [a.shape[i] for i in summed_a] != [b.shape[i] for i in summed_b]:
        raise ValueError(f"np.tensordot: shapes {a.shape} and {b.shape} do not agree over the axes {axes}")
    kept_a, kept_b = ([i for i in range(x.ndim) if i not in s] for x, s in ((a, summed_a), (b, summed_b)))
    n = math.prod(a.shape[i] for i in summed_a)
    left, right = [a.shape[i] for i in kept_a], [b.shape[i] for i in kept_b]
    rows = a.transpose([*kept_a, *summed_a]).reshape(math.prod(left), n)
    columns = b.transpose([*summed_b, *kept_b]).reshape(n, math.prod(right))
    return np.dot(rows, columns).reshape([*left, *right])


@composed(np.inner)
def inner(a: Any, b: Any) -> Any:
    a, b = _array(a), _array(b)
    return a * b if a.ndim == 0 or b.ndim == 0 else np.tensordot(a, b, (-1, -1))


@composed(np.outer, np.linalg.outer)
def outer(a: Any, b: Any) -> Any:
    return _array(a).reshape(-1, 1) * _array(b).reshape(1, -1)


@composed(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    return np.dot(_array(a).reshape(-1), _array(b).reshape(-1))


@composed(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.sum(x1 * x2, axis=axis)


@composed(np.matvec)
def matvec(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, np.expand_dims(x2, -1))[..., 0]


@composed(np.vecmat)
def vecmat(x1: Any, x2: Any, /) -> Any:
    return np.matmul(np.expand_dims(x1, -2), x2)[..., 0, :]


@composed(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@composed(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    ans, *others = arrays
    for other in others:
        ans = np.dot(ans, other)
    return ans


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    a, b = _array(a), _array(b)
    ndim = max(a.ndim, b.ndim)
    shape_a, shape_b = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    pairs = a.reshape([m for n in shape_a for m in (n, 1)]) * b.reshape([m for n in shape_b for m in (1, n)])
    return pairs.reshape([m * n for m, n in zip(shape_a, shape_b, strict=True)])


@composed(np.cross, np.linalg.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(_array(a), axisa, -1), np.moveaxis(_array(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(f"np.cross takes vectors of 3 elements; these have {a.shape[-1]} and {b.shape[-1]}")
    one, two = [1, 2, 0], [2, 0, 1]
    return np.moveaxis(a[..., one] * b[..., two] - a[..., two] * b[..., one], -1, axisc)


def _array(values: Any) -> Any:
    return values if hasattr(values, "shape") else np.asarray(values)


# -- einsum


@primitive(broadcasts=True)
def _einsum(spec: str, *operands: Any) -> Any:
    return np.einsum(spec, *operands, optimize=len(operands) > 1)


def _einsum_back(i: int, g: Any, _ans: Any, spec: str, *operands: Any) -> Any:
    """The gradient of operand i - 1: g times all others, summed to its letters.

    A letter that stands nowhere else was summed away, and comes back by ones; one that stands in it twice was a
    diagonal, and comes back by an identity matrix.
    """
    inputs, output = spec.split("->")
    letters = inputs.split(",")
    own, x = letters.pop(i - 1), operands[i - 1]
    factors = [operand for j, operand in enumerate(operands, 1) if j != i]
    fresh = (chr(c) for c in count(ord("A")) if chr(c) not in spec)
    wanted = ""
    for letter, n in zip(own, x.shape, strict=True):
        if letter in wanted:
            wanted += (copy := next(fresh))
            letters.append(letter + copy)
            factors.append(np.eye(n, dtype=x.dtype))
        else:
            wanted += letter
            if letter not in output and not any(letter in other for other in letters):
                letters.append(letter)
                factors.append(np.ones(n, x.dtype))
    return np.einsum(f"{','.join([output, *letters])}->{wanted}", g, *factors)


defvjp(_einsum, each=_einsum_back)


@composed(np.einsum)
def einsum(subscripts: Any, *operands: Any, optimize: Any = None) -> Any:
    if not isinstance(subscripts, str):
        subscripts, operands = _letters((subscripts, *operands))
    arrays = [_array(operand) for operand in operands]
    return _einsum(_explicit(subscripts.replace(" ", ""), [a.ndim for a in arrays]), *arrays)


def _letters(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The form einsum(x, [0, 1], y, [1, 2], [0, 2]) as the form einsum("ab,bc->ac", x, y)."""
    pairs = len(args) // 2 * 2

    def word(places: Sequence[Any]) -> str:
        return "".join("..." if p is Ellipsis else chr(ord("a") + p) for p in places)

    spec = ",".join(word(places) for places in args[1:pairs:2])
    return spec + (f"->{word(args[-1])}" if len(args) > pairs else ""), args[:pairs:2]


def _explicit(spec: str, ndims: Sequence[int]) -> str:
    """The same subscripts with letters for the dots, and with the output written out."""
    inputs, arrow, output = spec.partition("->")
    words = inputs.split(",")
    if len(words) != len(ndims):
        raise ValueError(f"np.einsum: {spec!r} names {len(words)} operands, and {len(ndims)} were given")
    free = [c for c in map(chr, range(ord("Z"), ord("A") - 1, -1)) if c not in spec]
    longest = max((n - len(w) + 3 for w, n in zip(words, ndims, strict=True) if "..." in w), default=0)
    dots = "".join(free[:longest])[::-1]
    words = [w.replace("...", dots[longest - (n - len(w) + 3) :]) for w, n in zip(words, ndims, strict=True)]
    if not arrow:
        joined = "".join(words)
        output = dots + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots))
    return f"{','.join(words)}->{output.replace('...', dots)}"


# -- matrices


def _inv_t(x: Any) -> Any:
    return _t(np.linalg.inv(x))


def _scaled(g: Any, x: Any) -> Any:
    """One number for each matrix of a stack, times that matrix."""
    return np.expand_dims(g, (-2, -1)) * x


def _symmetric(x: Any) -> Any:
    return (x + _t(x)) / 2


def _eye(x: Any, n: int) -> Any:
    return np.eye(n, dtype=x.dtype)


def _det(g: Any, ans: Any, x: Any) -> Any:
    if np.all(ans != 0):
        return _scaled(g * ans, _inv_t(x))
    u, s, vt = np.linalg.svd(x)
    k = s.shape[-1]
    others = np.prod(np.where(np.eye(k, dtype=bool), 1, np.expand_dims(s, -2)), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return _scaled(g * sign, np.matmul(u * np.expand_dims(others, -2), vt))


def _cholesky(g: Any, ans: Any, _x: Any, upper: bool = False) -> Any:
    lower = _t(ans) if upper else ans
    half = np.tril(np.matmul(_t(lower), _t(g) if upper else g))
    half = half * (1 - _eye(ans, ans.shape[-1]) / 2)
    inverse = np.linalg.inv(lower)
    return _symmetric(np.matmul(_t(inverse), np.matmul(half, inverse)))


def _solve_b(g: Any, _ans: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return np.linalg.solve(_t(a), np.expand_dims(g, -1))[..., 0]
    return np.linalg.solve(_t(a), g)


def _solve_a(g: Any, ans: Any, a: Any, b: Any) -> Any:
    gb = _solve_b(g, ans, a, b)
    if b.ndim == 1:
        return -np.expand_dims(gb, -1) * np.expand_dims(ans, -2)
    return -np.matmul(gb, _t(ans))


def _pinv(g: Any, ans: Any, x: Any, rcond: Any = None, hermitian: bool = False) -> Any:
    m, n = x.shape[-2:]
    outside, inside = _eye(x, m) - np.matmul(x, ans), _eye(x, n) - np.matmul(ans, x)
    return (
        np.matmul(np.matmul(outside, _t(g)), np.matmul(ans, _t(ans)))
        + np.matmul(np.matmul(_t(ans), ans), np.matmul(_t(g), inside))
        - np.matmul(_t(ans), np.matmul(g, _t(ans)))
    )


def _gaps(values: Any) -> Any:
    """1 / (v[j] - v[i]), and 0 where both are equal."""
    gaps = np.expand_dims(values, -2) - np.expand_dims(values, -1)
    return np.where(gaps == 0, 0, 1 / np.where(gaps == 0, 1, gaps))


def _diagonal_matrix(values: Any) -> Any:
    return np.expand_dims(values, -2) * _eye(values, values.shape[-1])


def _eigh(g: Any, ans: Any, _x: Any, UPLO: str = "L") -> Any:
    (gw, gv), (w, v) = g, ans
    middle = _diagonal_matrix(gw) + np.matmul(_t(v), gv) * _gaps(w)
    return (_symmetric(np.matmul(v, np.matmul(middle, _t(v)))),)


@primitive
def _thin_svd(x: Any) -> Any:
    return np.linalg.svd(x, full_matrices=False)


def _svd(g: Any, ans: Any, x: Any) -> Any:
    (gu, gs, gvt), (u, s, vt) = g, ans
    gv, v = _t(gvt), _t(vt)
    m, n = x.shape[-2:]
    k = min(m, n)
    gaps = _gaps(s * s)
    skew_u, skew_v = np.matmul(_t(u), gu), np.matmul(vt, gv)
    middle = (
        _diagonal_matrix(gs)
        + gaps * (skew_u - _t(skew_u)) * np.expand_dims(s, -2)
        + gaps * (skew_v - _t(skew_v)) * np.expand_dims(s, -1)
    )
    left = np.matmul(u, middle)
    inverse = np.expand_dims(np.where(s == 0, 0, 1 / np.where(s == 0, 1, s)), -2)
    if m > k:
        left = left + (gu - np.matmul(u, skew_u)) * inverse
    back = np.matmul(left, vt)
    if n > k:
        back = back + np.matmul(u * inverse, _t(gv - np.matmul(v, skew_v)))
    return (back,)


def _qr_tall(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    m = np.matmul(r, _t(gr)) - np.matmul(_t(gq), q)
    mirrored = np.tril(m) + _t(np.tril(m, -1))
    return _t(np.linalg.solve(r, _t(gq + np.matmul(q, mirrored))))


def _qr(g: Any, ans: Any, x: Any) -> Any:
    (gq, gr), (q, r) = g, ans
    m, n = x.shape[-2:]
    if m >= n:
        return (_qr_tall(gq, gr, q, r),)
    gq = gq + np.matmul(x[..., m:], _t(gr[..., m:]))
    square = _qr_tall(gq, gr[..., :m], q, r[..., :m])
    return (np.concatenate([square, np.matmul(q, gr[..., m:])], axis=-1),)


@primitive
def _thin_qr(x: Any) -> Any:
    return np.linalg.qr(x)


defvjp(np.linalg.inv, lambda g, ans, _x: -np.matmul(_t(ans), np.matmul(g, _t(ans))))
defvjp(np.linalg.det, _det)
defvjp(np.linalg.slogdet, joint=lambda g, _ans, x: (_scaled(g[1], _inv_t(x)),))
defvjp(np.linalg.solve, _solve_a, _solve_b, broadcasts=True)
defvjp(np.linalg.cholesky, _cholesky)
defvjp(np.linalg.pinv, _pinv)
defvjp(np.linalg.eigh, joint=_eigh)
defvjp(_thin_svd, joint=_svd)
defvjp(_thin_qr, joint=_qr)


@composed(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    return np.linalg.eigh(a, UPLO)[0]


@composed(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if not compute_uv:
        return _thin_svd(a)[1]
    if full_matrices and a.shape[-1] != a.shape[-2]:
        raise UnsupportedError(
            "np.linalg.svd: the full matrices of a non-square matrix have no derivative; pass full_matrices=False"
        )
    return _thin_svd(a)


@composed(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    return _thin_svd(x)[1]


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    if mode != "reduced" and not (mode == "r" or (mode == "complete" and a.shape[-2] <= a.shape[-1])):
        raise UnsupportedError(f"np.linalg.qr: mode {mode!r} is not recorded; use 'reduced' or 'r'")
    return _thin_qr(a)[1] if mode == "r" else _thin_qr(a)


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    n = operator.index(n)
    if n < 0:
        a, n = np.linalg.inv(a), -n
    power = np.broadcast_to(_eye(a, a.shape[-1]), a.shape) if n == 0 else None
    while n:
        if n % 2:
            power = a if power is None else np.matmul(power, a)
        n //= 2
        a = np.matmul(a, a) if n else a
    return power


# -- norms


@primitive
def _norm2(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def _norm2_back(g: Any, ans: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    slope = g / np.where(ans == 0, 1, ans)
    return x * (slope if axis is None or keepdims else np.expand_dims(slope, axis))


defvjp(_norm2, _norm2_back)


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: int | tuple[int, int] | None = None, keepdims: bool = False) -> Any:
    if ord is None:
        return _norm2(x, axis=axis, keepdims=keepdims)
    if axis is None:
        axis = 0 if x.ndim == 1 else (0, 1)
        if x.ndim > 2:
            raise ValueError("np.linalg.norm: give an axis for an array of more than two dimensions")
    if isinstance(axis, int):
        return _vector_norm(x, ord, axis, keepdims)
    ans = _matrix_norm(np.moveaxis(x, axis, (-2, -1)), ord)
    return np.expand_dims(ans, axis) if keepdims else ans


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord == 2:
        return _norm2(x, axis=axis, keepdims=keepdims)
    if ord in (math.inf, -math.inf):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.ceil(np.clip(np.abs(x), 0, 1)), axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"np.linalg.norm: {ord!r} is no norm of vectors")
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    powers = np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims)
    return np.where(powers == 0, 0, np.where(powers == 0, 1, powers) ** (1 / ord))


def _matrix_norm(x: Any, ord: Any) -> Any:
    if ord == "fro":
        return _norm2(x, axis=(-2, -1))
    if ord in (1, -1, math.inf, -math.inf):
        sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
        return (np.max if ord > 0 else np.min)(sums, axis=-1)
    if ord not in (2, -2, "nuc"):
        raise ValueError(f"np.linalg.norm: {ord!r} is no norm of matrices")
    s = np.linalg.svdvals(x)
    return np.sum(s, axis=-1) if ord == "nuc" else (np.max if ord == 2 else np.min)(s, axis=-1)


@composed(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if ord == 2:
        return _norm2(x, axis=axis, keepdims=keepdims)
    if axis is None:
        flat = _vector_norm(x.reshape(-1), ord, 0, False)
        return flat.reshape((1,) * x.ndim) if keepdims else flat
    if isinstance(axis, tuple):
        raise UnsupportedError("np.linalg.vector_norm over several axes is recorded for ord=2 only; reshape first")
    return _vector_norm(x, ord, axis, keepdims)


@composed(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    ans = _matrix_norm(x, ord)
    return np.expand_dims(ans, (-2, -1)) if keepdims else ans


@composed(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@composed(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0) -> Any:
    return np.trace(x, offset, -2, -1)

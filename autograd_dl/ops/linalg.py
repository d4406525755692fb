"""Derivatives of NumPy's linear algebra.

Functions of symmetric matrices (cholesky, eigh, hermitian pinv) get a symmetric gradient: that of moving both triangles
together. The derivative of eigenvectors and singular vectors is that of the subspaces; between equal values, where none
exists, it is 0. Second derivatives hold where the values differ, which for det of a singular matrix means that one of
them is 0. slogdet and qr have the derivative NaN at singular matrices, and det that or others where elements are
infinite or NaN.

Sources: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008); for pinv: Golub and Pereyra (1973); for qr: Walter and Lehmann (2018).
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..errors import ShapeError, UnsupportedError
from ..table import defvjp
from ..tensor import Tensor, bare
from .entry import as_array, composed, floating, primitive
from .norms import of_matrix
from .products import transposed


def _inv_t(x: Any) -> Any:
    return transposed(np.linalg.inv(x))


def _scaled(g: Any, x: Any) -> Any:
    """One number for each matrix of a stack, times that matrix."""
    return np.expand_dims(g, (-2, -1)) * x


def _symmetric(x: Any) -> Any:
    return (x + transposed(x)) / 2


def _eye(x: Any, n: int) -> Any:
    return np.eye(n, dtype=x.dtype)


def _chosen(which: Any, x: Any) -> Any:
    """The matrices of a stack that were chosen, and identity matrices in place of the others."""
    return np.where(np.expand_dims(which, (-2, -1)), x, _eye(x, x.shape[-1]))


def _det(g: Any, ans: Any, x: Any) -> Any:
    if np.all(regular := ans != 0):
        return _scaled(g * ans, _inv_t(x))
    slopes = _scaled(ans, _inv_t(_chosen(regular, x)))
    return _scaled(g, np.where(np.expand_dims(regular, (-2, -1)), slopes, _cofactors(_chosen(~regular, x))))


def _cofactors(x: Any) -> Any:
    """The determinants of what remains without each element's row and column, with their signs."""
    known = np.all(np.isfinite(x), axis=(-2, -1))
    u, s, vt = np.linalg.svd(_chosen(known, x))
    k = s.shape[-1]
    others = np.prod(np.where(np.eye(k, dtype=bool), 1, np.expand_dims(s, -2)), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return _scaled(np.where(known, sign, np.nan), np.matmul(u * np.expand_dims(others, -2), vt))


def _slogdet(g: Any, ans: Any, x: Any) -> Any:
    regular = ans[0] != 0
    return (_scaled(g[1] * np.where(regular, 1, np.nan).astype(x.dtype), _inv_t(_chosen(regular, x))),)


def _cholesky(g: Any, ans: Any, _x: Any, upper: bool = False) -> Any:
    lower = transposed(ans) if upper else ans
    half = np.tril(np.matmul(transposed(lower), transposed(g) if upper else g))
    half = half * (1 - _eye(ans, ans.shape[-1]) / 2)
    inverse = np.linalg.inv(lower)
    return _symmetric(np.matmul(transposed(inverse), np.matmul(half, inverse)))


def _solve_b(g: Any, _ans: Any, a: Any, _b: Any) -> Any:
    if _b.ndim == 1:
        return np.linalg.solve(transposed(a), np.expand_dims(g, -1))[..., 0]
    return np.linalg.solve(transposed(a), g)


def _solve_a(g: Any, ans: Any, a: Any, _b: Any) -> Any:
    gb = _solve_b(g, ans, a, _b)
    if _b.ndim == 1:
        return -np.expand_dims(gb, -1) * np.expand_dims(ans, -2)
    return -np.matmul(gb, transposed(ans))


def _pinv(g: Any, ans: Any, x: Any, rcond: Any = None, hermitian: bool = False) -> Any:
    if hermitian:
        return _symmetric(_pinv(g, ans, x, rcond))
    if rcond is not None:
        s = np.linalg.svdvals(bare(x))
        largest = np.max(s, axis=-1, keepdims=True, initial=0)
        kept = s > np.expand_dims(rcond, -1) * largest
        if np.any(~kept & (s > np.finfo(s.dtype).eps * max(x.shape[-2:]) * largest)):
            u, s, vt = _thin_svd(x)
            return _pinv_of_part(g, u, s, vt, kept)
    g_t, ans_t = transposed(g), transposed(ans)
    outside, inside = g_t - _product(x, ans, g_t), g_t - _product(g_t, ans, x)
    return _product(outside, ans, ans_t) + _product(ans_t, ans, inside) - _product(ans_t, g, ans_t)


def _pinv_of_part(g: Any, u: Any, s: Any, vt: Any, kept: Any) -> Any:
    """The gradient where some singular values above 0 count as 0: those that are not `kept`.

    Let f be 1 / s where s is kept, else 0: the transpose of pinv is u f v^T. If x changes by u M v^T, it changes by
    u N v^T with N_ij = (s_i f_i - s_j f_j) / (s_i^2 - s_j^2) M_ij + (s_j f_i - s_i f_j) / (s_i^2 - s_j^2) M_ji. Where
    both are kept or neither is, the factors are 0 and -f_i f_j; beyond u and v, where s is 0, f^2 and 0.
    """
    f = np.where(kept, 1 / np.where(kept, s, 1), 0)
    s_i, s_j, f_i, f_j = (np.expand_dims(a, axis) for a in (s, f) for axis in (-1, -2))
    one_kept = np.expand_dims(kept, -1) != np.expand_dims(kept, -2)
    gaps = np.where(one_kept, s_i * s_i - s_j * s_j, 1)
    factor = np.where(one_kept, (s_i * f_i - s_j * f_j) / gaps, 0)
    factor_of_mirrored = np.where(one_kept, (s_j * f_i - s_i * f_j) / gaps, -f_i * f_j)
    g_v, u_g = np.matmul(transposed(g), transposed(vt)), np.matmul(transposed(u), transposed(g))
    u_g_v = np.matmul(u_g, transposed(vt))
    inside = np.matmul(u, np.matmul(factor * u_g_v + factor_of_mirrored * transposed(u_g_v), vt))
    beyond_u = np.matmul((g_v - np.matmul(u, u_g_v)) * f_j**2, vt)
    beyond_v = np.matmul(u, f_i**2 * (u_g - np.matmul(u_g_v, vt)))
    return inside + beyond_u + beyond_v


def _product(a: Any, b: Any, c: Any) -> Any:
    """a @ b @ c, in the order whose first product is the smaller matrix."""
    if a.shape[-2] * b.shape[-1] < b.shape[-2] * c.shape[-1]:
        return np.matmul(np.matmul(a, b), c)
    return np.matmul(a, np.matmul(b, c))


def _inverse(x: Any) -> Any:
    """1 / x, and 0 where x is 0."""
    return np.where(x == 0, 0, 1 / np.where(x == 0, 1, x))


def _inverse_gaps(values: Any) -> Any:
    """1 / (v[j] - v[i]), and 0 where both are equal."""
    return _inverse(np.expand_dims(values, -2) - np.expand_dims(values, -1))


def _diagonal_matrix(values: Any) -> Any:
    return np.expand_dims(values, -2) * _eye(values, values.shape[-1])


def _eigh(g: Any, ans: Any, _x: Any, UPLO: str = "L") -> Any:
    (gw, gv), (w, v) = g, ans
    middle = _diagonal_matrix(gw) + np.matmul(transposed(v), gv) * _inverse_gaps(w)
    return (_symmetric(np.matmul(v, np.matmul(middle, transposed(v)))),)


@primitive(stands_for=np.linalg.svd)
def _thin_svd(x: Any) -> Any:
    if not isinstance(x, np.ndarray) or not np.isinf(x).any():
        return np.linalg.svd(x, full_matrices=False)
    unknown: Any = np.isinf(x).any(axis=(-2, -1))  # LAPACK may search for these vectors for ever
    found = np.linalg.svd(np.where(unknown[..., None, None], 0, x), full_matrices=False)
    for part in found:
        part[unknown] = np.nan
    return found


def _share(s: Any) -> Any:
    """s[j] / (s[i] + s[j]): with the gaps between s, what stands over those between squares, which may overflow."""
    s_i, s_j = np.expand_dims(s, -1), np.expand_dims(s, -2)
    total = s_i + s_j
    return s_j / np.where(total == 0, 1, total)


def _svd(g: Any, ans: Any, _x: Any) -> Any:
    (gu, gs, gvt), (u, s, vt) = g, ans
    gv, v = transposed(gvt), transposed(vt)
    m, n = _x.shape[-2:]
    k = min(m, n)
    inverse_gaps, share = _inverse_gaps(s), _share(s)
    skew_u, skew_v = np.matmul(transposed(u), gu), np.matmul(vt, gv)
    turned = share * (skew_u - transposed(skew_u)) + transposed(share) * (skew_v - transposed(skew_v))
    middle = _diagonal_matrix(gs) + inverse_gaps * turned
    left = np.matmul(u, middle)
    inverse = np.expand_dims(_inverse(s), -2)
    if m > k:
        left = left + (gu - np.matmul(u, skew_u)) * inverse
    back = np.matmul(left, vt)
    if n > k:
        back = back + np.matmul(u * inverse, transposed(gv - np.matmul(v, skew_v)))
    return (back,)


def _qr_tall(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    m = np.matmul(r, transposed(gr)) - np.matmul(transposed(gq), q)
    mirrored = np.tril(m) + transposed(np.tril(m, -1))
    regular = np.all(np.diagonal(r, 0, -2, -1) != 0, axis=-1)
    back = transposed(np.linalg.solve(_chosen(regular, r), transposed(gq + np.matmul(q, mirrored))))
    return _scaled(np.where(regular, 1, np.nan).astype(r.dtype), back)


def _qr(g: Any, ans: Any, x: Any) -> Any:
    (gq, gr), (q, r) = g, ans
    m, n = x.shape[-2:]
    if m >= n:
        return (_qr_tall(gq, gr, q, r),)
    gq = gq + np.matmul(x[..., m:], transposed(gr[..., m:]))
    square = _qr_tall(gq, gr[..., :m], q, r[..., :m])
    return (np.concatenate([square, np.matmul(q, gr[..., m:])], axis=-1),)


@primitive(stands_for=np.linalg.qr)
def _thin_qr(x: Any) -> Any:
    return np.linalg.qr(x)


defvjp(np.linalg.inv, lambda g, ans, _x: -np.matmul(transposed(ans), np.matmul(g, transposed(ans))))
defvjp(np.linalg.det, _det)
defvjp(np.linalg.slogdet, joint=_slogdet)
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
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    if not compute_uv:
        return _thin_svd(a)[1]
    if full_matrices and len(set(a.shape[-2:])) == 2:
        raise UnsupportedError(
            "np.linalg.svd: the full matrices of a non-square matrix have no derivative; pass full_matrices=False"
        )
    return _thin_svd(a)


@composed(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    return _thin_svd(x)[1]


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "r") and not (mode == "complete" and a.shape[-2] <= a.shape[-1]):
        raise UnsupportedError(f"np.linalg.qr: mode {mode!r} is not recorded; use 'reduced' or 'r'")
    return _thin_qr(a)[1] if mode == "r" else _thin_qr(a)


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    n = operator.index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError(f"np.linalg.matrix_power takes square matrices, not arrays of shape {a.shape}")
    if n < 0:
        a, n = np.linalg.inv(a), -n
    power = Tensor(np.zeros_like(a) + _eye(a, a.shape[-1])) if n == 0 else None
    while n:
        if n % 2:
            power = a if power is None else np.matmul(power, a)
        n //= 2
        a = np.matmul(a, a) if n else a
    return power


@composed(np.linalg.diagonal)
def linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@composed(np.linalg.trace)
def linalg_trace(x: Any, /, *, offset: int = 0) -> Any:
    return np.trace(x, offset, -2, -1)


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    x = floating(x)
    if 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError("np.linalg.cond: an empty matrix has no condition number")
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        s = np.where(s == 0, 0, s)  # LAPACK has -0, too
        ans = s[..., 0] / s[..., -1] if p != -2 else s[..., -1] / s[..., 0]
    else:
        regular = np.linalg.slogdet(x)[0] != 0
        product = of_matrix(x, p) * of_matrix(np.linalg.inv(_chosen(regular, x)), p)
        ans = np.where(regular, product, np.nan)
    return np.where(np.isnan(ans) & ~np.any(np.isnan(x), axis=(-2, -1)), np.inf, ans)


# -- equations


@composed(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
    a, b = as_array(a), as_array(b)
    if a.ndim != 2 or b.ndim not in (1, 2):
        raise np.linalg.LinAlgError(
            f"np.linalg.lstsq: it takes one matrix of coefficients and a vector or matrix, not {a.shape} and {b.shape}"
        )
    m, n = a.shape
    s = np.linalg.svdvals(a)
    if rcond is None:
        rcond = np.finfo(s.dtype).eps * max(m, n)
    elif not 0 < rcond < 1:  # which LAPACK takes for the machine's precision
        rcond = np.finfo(s.dtype).epsneg
    x = np.dot(np.linalg.pinv(a, rcond=rcond), b)
    rank = np.sum(s > rcond * np.max(bare(s), initial=0), dtype=np.intc)
    residuals = np.atleast_1d(np.sum((b - np.dot(a, x)) ** 2, axis=0))
    return x, residuals if m > n == rank else residuals[:0], rank, s


@composed(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    unknowns = a.shape[b.ndim :]
    return np.linalg.solve(a.reshape(b.size, math.prod(unknowns)), b.reshape(-1)).reshape(unknowns)


@composed(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ShapeError(f"np.linalg.tensorinv: ind is the number of the first axes, 1 or more, not {ind}")
    rows, columns = a.shape[:ind], a.shape[ind:]
    return np.linalg.inv(a.reshape(math.prod(rows), math.prod(columns))).reshape(*columns, *rows)

"""Derivatives of the products of vectors, matrices and tensors, and of NumPy's convolution of vectors."""

from __future__ import annotations

import math
import operator
import string
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.lib.array_utils import normalize_axis_index

from ..errors import ShapeError
from ..parallel import for_each, in_block, shares
from ..table import defvjp
from .entry import as_array, composed, present, primitive

LARGE = 3 * 10**7
"""Multiplications of a product that workers share."""
LARGE_RESULT = 1 << 14
"""Elements of a product that np.matmul makes sooner than np.dot, which fills it with zeros first.

(Not of a column and a row, which np.dot multiplies without BLAS's general product.)
"""


def _of_one_dtype(arrays: Sequence[Any]) -> list[Any]:
    """All in the dtype of the product, before two of them are multiplied in a smaller one of their own."""
    dtype = np.result_type(*(a.dtype for a in arrays))
    return [a if a.dtype == dtype else a.astype(dtype) for a in arrays]


def transposed(x: Any) -> Any:
    """The matrix (or each of a stack), transposed."""
    return x.swapaxes(-1, -2)


def _ndim(x: Any) -> int:
    """The number of dimensions, of a Python number too. (np.ndim takes ten times as long.)"""
    return getattr(x, "ndim", 0)


def _dot(a: Any, b: Any) -> Any:
    """np.dot; in a block of `workers`, where BLAS has one thread, of large matrices in parts for all of them."""
    if type(a) is not ndarray or type(b) is not ndarray:
        return np.dot(a, b)
    if a.ndim > 2 == b.ndim and a.size and a.shape[-1] == len(b) and a.dtype.kind == b.dtype.kind == "f":
        return _dot(a.reshape(-1, len(b)), b).reshape(*a.shape[:-1], b.shape[1])  # NumPy would do without BLAS
    if a.ndim == 2 == b.ndim:
        if in_block() and a.size * b.shape[1] > LARGE and _fit(a, b):
            return _dot_in_parts(a, b)
        if len(b) > 1 and len(a) * b.shape[1] > LARGE_RESULT and _fit(a, b) and a.flags.forc and b.flags.forc:
            return np.matmul(a, b)
    return a.dot(b)


def _dot_in_parts(a: Any, b: Any) -> Any:
    """The product of two matrices, of which each worker computes some rows or columns."""
    a, b = (x if x.flags.forc else x.copy() for x in (a, b))  # BLAS would copy the one again for each part of the other
    ans = np.empty((len(a), b.shape[1]), a.dtype)
    tall = len(a) >= b.shape[1]

    def work(part: slice) -> None:
        if tall:
            np.matmul(a[part], b, out=ans[part])
        else:
            np.matmul(a, b[:, part], out=ans[:, part])

    for_each(lambda: work, shares(max(ans.shape)))
    return ans


def _fit(a: Any, b: Any) -> bool:
    """Whether these matrices have a product, and one dtype, of float16, float32 and float64."""
    return a.shape[1] == len(b) and a.dtype == b.dtype and a.dtype.char in "efd" and a.dtype.isnative


def _dot_x(g: Any, _ans: Any, _x: Any, y: Any) -> Any:
    if _x.ndim == 2 == _ndim(y):
        return _dot(g, y.T)
    if _x.ndim == 0 or _ndim(y) == 0:
        return g * y
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    summed = y.ndim - 1
    return np.tensordot(g, np.moveaxis(y, -2, -1), (range(-summed, 0), range(summed)))


def _dot_y(g: Any, _ans: Any, x: Any, _y: Any) -> Any:
    if _ndim(x) == 2 == _y.ndim:
        return _dot(x.T, g)
    if _ndim(x) == 0 or _y.ndim == 0:
        return g * x
    summed = range(x.ndim - 1)
    both = np.tensordot(x, g, (summed, summed))
    return both if _y.ndim == 1 else np.moveaxis(both, 0, -2)


def _matmul_x(g: Any, _ans: Any, _x: Any, y: Any) -> Any:
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if _x.ndim == 1:
        return np.matmul(y, np.expand_dims(g, -1))[..., 0]
    one_for_all = 2 < y.ndim == g.ndim and math.prod(_x.shape[:-2]) == 1
    if one_for_all and 2 * _x.shape[-1] >= g.shape[-1]:  # a stack of its gradients would be as large as all else
        summed = [*range(g.ndim - 2), g.ndim - 1]
        return np.tensordot(g, y, (summed, summed)).reshape(_x.shape)
    return np.matmul(g, transposed(y))


def _matmul_y(g: Any, _ans: Any, x: Any, _y: Any) -> Any:
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(g, -2) if _y.ndim > 1 else g * x
    if _y.ndim == 1:
        return np.matmul(transposed(x), np.expand_dims(g, -1))[..., 0]
    if _y.ndim == 2 < x.ndim:
        rows = math.prod(x.shape[:-1])
        return np.dot(x.reshape(rows, x.shape[-1]).T, g.reshape(rows, g.shape[-1]))
    return np.matmul(transposed(x), g)


defvjp(np.dot, _dot_x, _dot_y, broadcasts=True, raw=_dot)
defvjp(np.matmul, _matmul_x, _matmul_y, broadcasts=True, raw=operator.matmul)


@composed(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = as_array(a), as_array(b)
    if not np.iterable(axes):
        axes = range(a.ndim - axes, a.ndim), range(axes)
    summed_a, summed_b = (
        [normalize_axis_index(i, x.ndim) for i in np.atleast_1d(ax)] for x, ax in zip((a, b), axes, strict=True)
    )
    if [a.shape[i] for i in summed_a] != [b.shape[i] for i in summed_b]:
        raise ShapeError(f"np.tensordot: shapes {a.shape} and {b.shape} do not agree over the axes {axes}")
    kept_a, kept_b = ([i for i in range(x.ndim) if i not in s] for x, s in ((a, summed_a), (b, summed_b)))
    n = math.prod(a.shape[i] for i in summed_a)
    left, right = [a.shape[i] for i in kept_a], [b.shape[i] for i in kept_b]
    rows = a.transpose([*kept_a, *summed_a]).reshape(math.prod(left), n)
    columns = b.transpose([*summed_b, *kept_b]).reshape(n, math.prod(right))
    return np.dot(rows, columns).reshape([*left, *right])


@composed(np.inner)
def inner(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    return a * b if a.ndim == 0 or b.ndim == 0 else np.tensordot(a, b, (-1, -1))


@composed(np.outer)
def outer(a: Any, b: Any) -> Any:
    return as_array(a).reshape(-1, 1) * as_array(b).reshape(1, -1)


@composed(np.linalg.outer)
def linalg_outer(x1: Any, x2: Any, /) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"np.linalg.outer takes vectors, not shapes {x1.shape} and {x2.shape}; np.outer flattens them")
    return np.outer(x1, x2)


@composed(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    return np.dot(as_array(a).reshape(-1), as_array(b).reshape(-1))


@composed(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = (np.moveaxis(as_array(x), axis, -1) for x in (x1, x2))
    if x1.shape[-1:] != x2.shape[-1:]:
        raise ShapeError(f"np.vecdot: vectors of {x1.shape[-1]} and of {x2.shape[-1]} elements do not agree")
    return np.sum(x1 * x2, axis=-1).astype(np.result_type(x1, x2), copy=False)


@composed(*present("matvec"))
def matvec(x1: Any, x2: Any, /) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim < 2 or x2.ndim < 1:
        raise ShapeError(f"np.matvec takes matrices and vectors, not shapes {x1.shape} and {x2.shape}")
    return np.matmul(x1, np.expand_dims(x2, -1))[..., 0]


@composed(*present("vecmat"))
def vecmat(x1: Any, x2: Any, /) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim < 1 or x2.ndim < 2:
        raise ShapeError(f"np.vecmat takes vectors and matrices, not shapes {x1.shape} and {x2.shape}")
    return np.matmul(np.expand_dims(x1, -2), x2)[..., 0, :]


@composed(np.linalg.matmul)
def linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@composed(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    if len(arrays) < 2:
        raise ShapeError("np.linalg.multi_dot takes two arrays at least")
    factors = _of_one_dtype([as_array(a) for a in arrays])
    if len(factors) == 2:
        return np.dot(*factors)
    first, *middle, last = factors
    if any(a.ndim != 2 for a in middle) or not {first.ndim, last.ndim} <= {1, 2}:
        shapes = ", ".join(str(a.shape) for a in factors)
        raise ShapeError(f"np.linalg.multi_dot takes matrices, the first and the last may be vectors, not {shapes}")
    split = _cheapest_splits([math.prod(first.shape[:-1]), *map(len, factors[1:]), math.prod(last.shape[1:])])

    def product(i: int, j: int) -> Any:
        return factors[i] if j == i + 1 else np.dot(product(i, split[i, j]), product(split[i, j], j))

    return product(0, len(factors))


def _cheapest_splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to split each part i:j of a chain of matrices of these sizes, for the fewest multiplications.

    (T. Cormen, C. Leiserson, R. Rivest, C. Stein, Introduction to Algorithms, section on matrix chains.)
    """
    count = len(sizes) - 1
    cost = {(i, i + 1): 0 for i in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length
            costs = {k: cost[i, k] + cost[k, j] + sizes[i] * sizes[k] * sizes[j] for k in range(i + 1, j)}
            split[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[split[i, j]]
    return split


@composed(np.kron)
def kron(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    shape_a, shape_b = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    pairs = a.reshape([m for n in shape_a for m in (n, 1)]) * b.reshape([m for n in shape_b for m in (1, n)])
    return pairs.reshape([m * n for m, n in zip(shape_a, shape_b, strict=True)])


@composed(np.cross, np.linalg.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(as_array(a), axisa, -1), np.moveaxis(as_array(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(f"np.cross takes vectors of 3 elements; these have {a.shape[-1]} and {b.shape[-1]}")
    one, two = [1, 2, 0], [2, 0, 1]
    return np.moveaxis(a[..., one] * b[..., two] - a[..., two] * b[..., one], -1, axisc)


# -- einsum

NUMBERED = string.ascii_uppercase + string.ascii_lowercase
"""The letters for numbered axes, in the order in which an output that is not written out has them."""


@primitive(broadcasts=True, stands_for=np.einsum)
def _einsum(spec: str, *operands: Any) -> Any:
    return np.einsum(spec, *_of_one_dtype(operands), optimize=len(operands) > 1)


def _einsum_back(i: int, g: Any, _ans: Any, spec: str, *operands: Any) -> Any:
    """The gradient of operand i - 1: g times all others, summed to its letters.

    A letter that stands nowhere else was summed away, and comes back by ones; one that stands in it twice was a
    diagonal, and comes back by an identity matrix. One that has length 1 elsewhere is repeated.
    """
    inputs, output = spec.split("->")
    letters = inputs.split(",")
    own, x = letters.pop(i - 1), operands[i - 1]
    factors = [operand for j, operand in enumerate(operands, 1) if j != i]
    fresh = (c for c in string.ascii_letters if c not in spec)
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
    back = _einsum(f"{','.join([output, *letters])}->{wanted}", g, *factors)
    shape = np.broadcast_shapes(back.shape, x.shape)
    return back if back.shape == shape else np.broadcast_to(back, shape)


defvjp(_einsum, each=_einsum_back)


@composed(np.einsum)
def einsum(subscripts: Any, *operands: Any, optimize: Any = None) -> Any:
    if not isinstance(subscripts, str):
        subscripts, operands = _letters((subscripts, *operands))
    arrays = [as_array(operand) for operand in operands]
    return _einsum(_explicit(subscripts.replace(" ", ""), [a.ndim for a in arrays]), *arrays)


def _letters(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The form einsum(x, [0, 1], y, [1, 2], [0, 2]) as the form einsum("ab,bc->ac", x, y)."""
    pairs = len(args) // 2 * 2

    def word(places: Sequence[Any]) -> str:
        return "".join("..." if p is Ellipsis else NUMBERED[p] for p in places)

    spec = ",".join(word(places) for places in args[1:pairs:2])
    return spec + (f"->{word(args[-1])}" if len(args) > pairs else ""), args[:pairs:2]


def _explicit(spec: str, ndims: Sequence[int]) -> str:
    """The same subscripts with letters for the dots, and with the output written out."""
    inputs, arrow, output = spec.partition("->")
    words = inputs.split(",")
    if len(words) != len(ndims):
        raise ShapeError(f"np.einsum: {spec!r} names {len(words)} operands, and {len(ndims)} were given")
    free = [c for c in NUMBERED if c not in spec]
    longest = max((n - len(w) + 3 for w, n in zip(words, ndims, strict=True) if "..." in w), default=0)
    dots = "".join(free[:longest])
    words = [w.replace("...", dots[longest - (n - len(w) + 3) :]) for w, n in zip(words, ndims, strict=True)]
    if arrow and dots and "..." not in output:
        raise ShapeError(f"np.einsum: the output of {spec!r} leaves out axes for which dots stand; write '...' there")
    if not arrow:
        joined = "".join(words)
        output = dots + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots))
    return f"{','.join(words)}->{output.replace('...', dots)}"


# -- of vectors that slide over each other


@primitive(stands_for=np.convolve)
def _full(a: Any, v: Any) -> Any:
    return np.convolve(a, v)


@primitive(stands_for=np.correlate)
def _valid(a: Any, v: Any) -> Any:
    """v slides over a, which is not shorter: y[k] = sum over i of a[k + i] * v[i]."""
    return np.correlate(a, v, "valid")


defvjp(_full, lambda g, _ans, _a, v: _valid(g, v), lambda g, _ans, a, _v: _valid(g, a))
defvjp(_valid, lambda g, _ans, _a, v: _full(g, v), lambda g, _ans, a, _v: _valid(a, g))


@composed(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(as_array(a)), np.atleast_1d(as_array(v))
    if mode == "valid" and a.ndim == v.ndim == 1 and a.size and v.size:
        return _valid(a, v[::-1]) if a.size >= v.size else _valid(v, a[::-1])
    return _overlapping(_full(a, v), a.size, v.size, mode, (min(a.size, v.size) - 1) // 2)


@composed(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = as_array(a), as_array(v)
    if not a.ndim == v.ndim == 1:
        raise ShapeError(f"np.correlate takes vectors, not arrays of shapes {a.shape} and {v.shape}")
    if mode == "valid" and a.size >= v.size:
        return _valid(a, v)
    middle = (v.size - 1) // 2 if a.size >= v.size else a.size // 2
    return _overlapping(_full(a, v[::-1]), a.size, v.size, mode, middle)


def _overlapping(full: Any, n: int, m: int, mode: str, middle: int) -> Any:
    """What `mode` keeps of the full convolution of n and m elements; "same" begins at the element `middle`."""
    kept = {"full": (0, n + m - 1), "same": (middle, max(n, m)), "valid": (min(n, m) - 1, abs(n - m) + 1)}
    if mode not in kept:
        raise ValueError(f"the mode of a convolution is 'full', 'same' or 'valid', not {mode!r}")
    start, length = kept[mode]
    return full[start : start + length]

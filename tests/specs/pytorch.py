"""What PyTorch has for the spec rows: called with a row's arrays as PyTorch tensors, and with its options.

The rows for which it has nothing to compare with are named too, with the reason.
"""

from functools import reduce

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 -- the name under which it is known


def dims(x, axis):
    return tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)


def over(fun):
    """A reduction over one axis or several, which means over none what it means in NumPy: each element stays."""

    def reduced(x, axis=None, keepdims=False, **options):
        axes = dims(x, axis)
        return fun(x, dim=axes, keepdim=keepdims, **options) if axes else fun(x[..., None], dim=-1, **options)

    return reduced


def one_by_one(fun):
    """A reduction of PyTorch's that takes one axis, over several."""

    def reduced(x, dim, keepdim=False):
        for d in sorted((d % x.ndim for d in (dim if isinstance(dim, tuple) else (dim,))), reverse=True):
            x = fun(x, d, keepdim)
        return x

    return over(reduced)


def windows(x, sizes, axes):
    ndim = x.ndim
    for size, axis in np.broadcast(sizes, axes):
        x = x.unfold(axis if axis >= 0 else axis + ndim, int(size), 1)
    return x


def along(fun):
    """A function along one axis, or of the elements in a row."""
    return lambda x, axis=None, **how: fun(x.reshape(-1), 0, **how) if axis is None else fun(x, axis, **how)


def cumulative(fun, initial):
    """A function along one axis, whose results may begin with that of no element."""

    def accumulated(x, axis, include_initial):
        return torch.cat([torch.full_like(x.narrow(axis, 0, 1), initial)] * include_initial + [fun(x, axis)], axis)

    return accumulated


def places(shape):
    """The numbers of the elements."""
    return torch.arange(np.prod(shape, dtype=int)).reshape(shape)


def holed(fun):
    """A function of what is left beside the element that is a hole."""
    return lambda x, hole, **options: fun(torch.where(places(x.shape) == hole, torch.nan, x), **options)


def masked(fun):
    """A function that is told where the hole is."""
    return lambda x, *axis, hole, **options: fun(x, *axis, mask=places(x.shape) != hole, **options)


def some(fun, joined=None):
    """A reduction that is told which elements to take in, and of its result and the initial value what `joined` is."""

    def reduced(x, where, initial=None, **options):
        ans = over(fun)(x, mask=torch.as_tensor(where), **options)
        return ans if joined is None else joined(ans, torch.as_tensor(initial, dtype=x.dtype))

    return reduced


def quantile(x, q, axis=None, keepdims=False):
    """torch.quantile, for which axes are one and q has one dimension at most."""
    axes = sorted(d % x.ndim for d in dims(x, axis))
    rows = torch.movedim(x, axes, list(range(-len(axes), 0))).reshape(
        [*(n for i, n in enumerate(x.shape) if i not in axes), -1]
    )
    found = torch.quantile(rows, torch.tensor(q, dtype=x.dtype).reshape(-1), -1).reshape(
        [*np.shape(q), *rows.shape[:-1]]
    )
    for d in axes if keepdims else ():
        found = found.unsqueeze(np.ndim(q) + d)
    return found


def indexed(x, key):
    """x[key], with NumPy's integers and Booleans as PyTorch's (which has no steps backward)."""
    if isinstance(key, slice) and key.step == -1:
        return torch.flip(x, (0,))

    def index(k):
        if isinstance(k, np.ndarray):
            return torch.tensor(k if k.dtype == bool else k.astype(int))
        return k.item() if isinstance(k, np.generic) else k

    return x[tuple(map(index, key)) if isinstance(key, tuple) else index(key)]


def astype(x, dtype):
    """To float64, the widest that PyTorch has, for NumPy's longdouble too."""
    return x.to(torch.float64)


def taken(x, indices, axis):
    """torch.take of the elements in a row, else indexing."""
    if axis is None:
        return torch.take(x, torch.tensor(indices, dtype=torch.long))
    return indexed(x, (..., np.asarray(indices, int), *[slice(None)] * (x.ndim - 1 - axis % x.ndim)))


def compressed(x, condition, axis):
    """torch.index_select of the places where the condition holds."""
    return along(torch.index_select)(x, axis, index=torch.tensor(np.flatnonzero(condition)))


def scatter_add(g, key):
    shape = (3, 3) if isinstance(key, tuple) else (4,)
    to = indexed(places(shape), key)
    return g.new_zeros(shape).ravel().scatter_add(0, to, g).reshape(shape)


def padded(x, pad_width, mode="constant", constant_values=None):
    """F.pad, which has no symmetric mode, and reflects and wraps once at most: else, by the places NumPy takes from."""
    widths = np.broadcast_to(pad_width, (2, 2))
    if mode in ("symmetric", "wrap") or (mode == "reflect" and widths.max() >= min(x.shape)):
        return indexed(x.ravel(), np.pad(places(x.shape), widths, mode))
    how = {"edge": "replicate"}.get(mode, mode), constant_values
    return F.pad(x[None, None], widths[::-1].ravel().tolist(), *how)[0, 0]


def meshgrid(*xs, sparse, indexing):
    """torch.meshgrid, or the shapes before it broadcasts: it has no sparse one."""
    if not sparse:
        return torch.meshgrid(*map(torch.ravel, xs), indexing=indexing)
    return tuple(x.reshape((-1, 1) if (i == 0) == (indexing == "ij") else (1, -1)) for i, x in enumerate(xs))


def split(x, how):
    """torch.split into equal parts, torch.tensor_split at places."""
    return torch.tensor_split(x, how) if isinstance(how, list) else torch.split(x, len(x) // how)


def rollaxis(x, axis, start):
    """torch.moveaxis; `start` is counted while the axis is still where it was."""
    axis, start = axis % x.ndim, start + x.ndim * (start < 0)
    return torch.moveaxis(x, axis, start - (axis < start))


def trace(x, offset=0, axis1=0, axis2=1):
    """torch.trace, which takes one matrix; of several, and beside the main diagonal, by torch.diagonal."""
    return torch.trace(x) if x.ndim == 2 and not offset else torch.diagonal(x, offset, axis1, axis2).sum(-1)


def vander(x, N, increasing):  # noqa: N803 -- NumPy's name
    """torch.linalg.vander, of two columns at least: torch.vander's own derivative fails."""
    n = len(x) if N is None else N
    powers = torch.linalg.vander(x, N=max(n, 2))[:, :n]
    return powers if increasing else torch.fliplr(powers)


def correlate(x, y, mode):
    """F.conv1d with all of its results, of which NumPy keeps those in the middle."""
    short, long = sorted((len(x), len(y)))
    full = F.conv1d(x[None, None], y[None, None], padding=len(y) - 1)[0, 0]
    first = {"full": 0, "same": (short - (len(x) >= len(y))) // 2, "valid": short - 1}[mode]
    return full[first:][: {"full": len(full), "same": long, "valid": long - short + 1}[mode]]


def convolve(x, y, mode):
    """The longer one with the shorter one reversed."""
    x, y = sorted((x, y), key=len, reverse=True)
    return correlate(x, torch.flip(y, (0,)), mode)


def lstsq(a, b):
    """torch.linalg.lstsq, whose singular values have no derivative."""
    found = torch.linalg.lstsq(a, b if b.ndim > 1 else b[:, None], driver="gelsd")
    return found.solution.reshape(a.shape[1:] + b.shape[1:]), found.residuals, torch.linalg.svdvals(a)


def cond(x, p):
    """torch.linalg.cond, whose derivative fails for the Frobenius norm: that by its definition."""
    if p == "fro":
        return torch.linalg.norm(x, p) * torch.linalg.norm(torch.linalg.inv(x), p)
    return torch.linalg.cond(x, p)


def svd(x):
    u, s, vt = torch.linalg.svd(x, full_matrices=False)
    return s, (u * torch.arange(1, 1 + s.shape[-1])) @ vt


def symmetric(x):
    return (x + x.mT) / 2


def eigh(x, UPLO):  # noqa: N803 -- NumPy's name
    w, v = torch.linalg.eigh(symmetric(x), UPLO)
    return w, (v * torch.arange(1, 1 + x.shape[-1])) @ v.mT


def qr(x):
    q, r = torch.linalg.qr(x)
    signs = r.diagonal(dim1=-2, dim2=-1).sign()
    return q * signs[..., None, :], r * signs[..., None]


def vector_norm(x, ord, axis, keepdims=False):
    return torch.linalg.vector_norm(x, 2 if ord is None else ord, axis, keepdims)


def matrix_norm(x, ord, axis=(-2, -1), keepdims=False):
    return torch.linalg.matrix_norm(x, ord, axis, keepdims)


def im2col(x, how):
    rows = F.unfold(x, (2, 3), padding=how.get("pad", 0), stride=how.get("stride", 1))
    return rows.mT.reshape(-1, rows.shape[1])


def col2im(col, how):
    shape, windows = how
    rows = col.reshape(shape[0], -1, col.shape[1]).mT
    return F.fold(rows, shape[2:], (2, 2), padding=windows.get("pad", 0), stride=windows.get("stride", 1))


def conv_options(how):
    """The options of a convolution under PyTorch's names."""
    return {"padding" if key == "pad" else key: value for key, value in how.items()}


def where(c, x, y):
    return torch.where(torch.as_tensor(c), x, y)


def floor_divide(x, y):
    """torch.floor_divide has no derivative."""
    return torch.div(x, y, rounding_mode="floor")


def conv2d(x, w, how):
    return F.conv2d(x, w, **conv_options(how))


def pooling(how):
    return how["size"], how["stride"], how.get("pad", 0)


# "NumPy's name", or "PyTorch's:NumPy's" where they differ
SAME_NAME = """
    add subtract multiply divide negative positive conj:conjugate reciprocal remainder fmod frexp abs:absolute
    abs:fabs copysign square sqrt hypot float_power exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan
    arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh sinc deg2rad deg2rad:radians rad2deg
    rad2deg:degrees maximum minimum fmax fmin real nan_to_num floor ceil trunc round:rint fix sign corrcoef ravel
    squeeze atleast_1d atleast_2d atleast_3d fliplr flipud broadcast_tensors:broadcast_arrays clone:copy
    swapaxes matmul inner kron linalg.inv linalg.det linalg.slogdet linalg.solve linalg.pinv linalg.svdvals
    linalg.matrix_power linalg.matmul linalg.vecdot:vecdot outer
"""


def named(path):
    found = torch
    for name in path.split("."):
        found = getattr(found, name)
    return found


# fmt: off
PYTORCH = {f"np.{entry.rpartition(':')[2]}": named(entry.partition(":")[0]) for entry in SAME_NAME.split()} | {
    "np.modf":             lambda x: (torch.frac(x), torch.trunc(x)),
    "np.remainder of small numbers": torch.remainder,
    "np.fmod of small numbers": torch.fmod,
    "np.floor_divide":     floor_divide,
    "np.divmod":           lambda x, y: (floor_divide(x, y), torch.remainder(x, y)),
    "np.ldexp":            lambda x, n: torch.ldexp(x, torch.tensor(float(n))),  # of a whole n < 0 its gradient is 0
    "np.power":            torch.pow,
    "np.power of x to several n": lambda x, y: torch.pow(x, torch.tensor(y)),
    "np.power of x to n":  lambda x, y: x**y,
    "np.power of n to y":  lambda y, x: x**y,
    "np.clip":             lambda *xs: torch.clamp(*torch.broadcast_tensors(*xs)),
    "np.clip by numbers":  lambda x, low, high: torch.clamp(x, low, high),
    "np.where":            lambda x, y, c: where(c, x, y),
    "np.select":           lambda x, y, c, d: where(c, x, where(d, y, 0.5)),
    "np.nan_to_num":       lambda x, nan: torch.nan_to_num(x, nan),
    "np.round":            lambda x, decimals: torch.round(x, decimals=decimals),
    "np.around":           lambda x, decimals: torch.round(x, decimals=decimals),
    "np.heaviside":        lambda x, y: torch.heaviside(x.detach(), y.detach()),  # whose derivative, 0, is missing
    "without_square":      lambda x: 1 - x * x,
    "relu":                torch.relu,
    "sigmoid":             torch.sigmoid,
    "softplus":            F.softplus,
    "softmax_cross_entropy of rows":   lambda x, t: F.cross_entropy(x, t),
    "softmax_cross_entropy of labels": lambda x, t: F.cross_entropy(x, torch.as_tensor(t)),
    "normalize_columns":   lambda x, gamma, beta, eps: F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps),

    "np.sum":        over(torch.sum),
    "np.mean":       over(torch.mean),
    "np.average":    over(torch.mean),
    "np.prod":       one_by_one(torch.prod),
    "np.var":        over(lambda x, ddof, **o: torch.var(x, correction=ddof, **o)),
    "np.std":        over(lambda x, ddof, **o: torch.std(x, correction=ddof, **o)),
    "np.max":        over(torch.amax),
    "np.min":        over(torch.amin),
    "np.amax":       over(torch.amax),
    "np.amin":       over(torch.amin),
    "np.sum of some":  some(torch.masked.sum, torch.add),
    "np.mean of some": some(torch.masked.mean),
    "np.prod of some": some(torch.masked.prod, torch.mul),
    "np.var of some":  some(lambda x, ddof, **o: torch.masked.var(x, unbiased=ddof == 1, **o)),
    "np.std of some":  some(lambda x, ddof, **o: torch.masked.std(x, unbiased=ddof == 1, **o)),
    "np.max of some":  some(torch.masked.amax, torch.maximum),
    "np.min of some":  some(torch.masked.amin, torch.minimum),
    "np.ptp":        over(lambda x, **o: torch.amax(x, **o) - torch.amin(x, **o)),
    "logsumexp":     over(torch.logsumexp),
    "np.cumsum":     along(torch.cumsum),
    "np.cumprod":    along(torch.cumprod),
    "np.cumulative_sum":  cumulative(torch.cumsum, 0),
    "np.cumulative_prod": cumulative(torch.cumprod, 1),
    "np.trace":      lambda x, where: trace(x, **where),
    "np.linalg.trace": lambda x, offset: trace(x, offset, -2, -1),
    "np.nansum":     holed(over(torch.nansum)),
    "np.nanmean":    holed(over(torch.nanmean)),
    "np.nanprod":    masked(over(torch.masked.prod)),
    "np.nanmax":     masked(over(torch.masked.amax)),
    "np.nanmin":     masked(over(torch.masked.amin)),
    "np.nanvar":     masked(over(lambda x, ddof, **o: torch.masked.var(x, unbiased=ddof == 1, **o))),
    "np.nanstd":     masked(over(lambda x, ddof, **o: torch.masked.std(x, unbiased=ddof == 1, **o))),
    "np.nancumsum":  along(masked(torch.masked.cumsum)),
    "np.nancumprod": along(masked(torch.masked.cumprod)),
    "np.median":     lambda x, **options: quantile(x, 0.5, **options),
    "np.quantile":   quantile,
    "np.percentile": lambda x, q, **options: quantile(x, np.divide(q, 100), **options),
    "np.cov":        lambda x, rowvar, bias: torch.cov(x if rowvar or x.ndim < 2 else x.T, correction=int(not bias)),
    "np.cov of two": lambda x, y: torch.cov(torch.vstack((x, y))),
    "np.trapezoid":  lambda y, axis: torch.trapezoid(y, dim=axis),
    "np.trapezoid unevenly spaced": torch.trapezoid,
    "np.diff":       lambda x, n, axis: torch.diff(x, n=n, dim=axis),
    "np.diff with edges": lambda x, e, append: torch.diff(
        x, prepend=e, append=torch.tensor(append, dtype=x.dtype).expand(2, 1) if x.ndim > 1 else torch.tensor([0.5])
    ),
    "np.gradient spaced by 1":     lambda x, edge_order: torch.gradient(x, edge_order=edge_order),
    "np.gradient evenly spaced":   lambda x, axis: torch.gradient(x, spacing=0.5, dim=axis),
    "np.gradient unevenly spaced": lambda x, at, edge_order: torch.gradient(
        x, spacing=(at,), dim=-1, edge_order=edge_order
    ),
    "np.ediff1d":    lambda x, to_begin: torch.cat((x.new_tensor(to_begin or []).ravel(), torch.diff(x.ravel()))),
    "np.vander":     vander,

    "np.reshape":      lambda x, shape: torch.reshape(x, shape if isinstance(shape, tuple) else (shape,)),
    "np.squeeze of an axis": lambda x, axis: torch.squeeze(x, axis),
    "np.expand_dims":  lambda x, axis: reduce(torch.unsqueeze, dims(x, axis), x),
    "np.meshgrid":     meshgrid,
    "np.astype":       astype,
    "astype":          astype,
    "np.broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "np.transpose":    lambda x, axes: x.permute(tuple(range(x.ndim))[::-1] if axes is None else tuple(axes)),
    "np.swapaxes":     lambda x, axis1, axis2: torch.swapaxes(x, axis1, axis2),
    "np.moveaxis":     lambda x, source, destination: torch.moveaxis(x, source, destination),
    "np.moveaxis of several": lambda x: torch.moveaxis(x, (0, -1), (1, 0)),
    "np.rollaxis":     rollaxis,
    "np.matrix_transpose": lambda x: x.mT,
    "np.flip":         lambda x, axis: torch.flip(x, dims(x, axis)),
    "np.rot90":        lambda x, k, axes: torch.rot90(x, k, axes),
    "np.roll":         lambda x, how: torch.roll(x, how["shift"], how.get("axis")),
    "np.fft.fftshift": lambda x, axes: torch.fft.fftshift(x, axes) if axes != () else x,
    "np.fft.ifftshift": lambda x, axes: torch.fft.ifftshift(x, axes) if axes != () else x,
    "np.tril":         lambda x, k: torch.tril(x, k),
    "np.triu":         lambda x, k: torch.triu(x, k),
    "np.tril of a vector": lambda x, k: torch.tril(x.expand(3, 3), k),
    "np.triu of a vector": lambda x, k: torch.triu(x.expand(3, 3), k),
    "np.diag":         lambda x, k: torch.diag(x, k),
    "np.diagflat":     lambda x, k: torch.diagflat(x, k),
    "np.diagonal":     lambda x, offset: torch.diagonal(x, offset),
    "np.concatenate":  lambda *xs, axis: torch.cat([x.ravel() for x in xs] if axis is None else xs, axis or 0),
    "np.concatenate of unequal ones": lambda *xs: torch.cat(xs, 1),
    "np.stack":        lambda *xs, axis: torch.stack(xs, axis),
    "np.hstack":       lambda *xs: torch.hstack(xs),
    "np.vstack":       lambda *xs: torch.vstack(xs),
    "np.dstack":       lambda *xs: torch.dstack(xs),
    "np.column_stack": lambda *xs: torch.column_stack(xs),
    "np.append":       lambda x, y: torch.cat((x.ravel(), y.ravel())),
    "np.append along an axis": lambda x, y: torch.cat((x, y), 1),
    "np.block":        lambda x, y: torch.vstack((torch.hstack((x, y)), torch.hstack((y, x)))),
    "np.block of a row": lambda x, y: torch.hstack((x, y, x.new_ones(1))),
    "np.split":        split,
    "np.array_split":  lambda x, how, axis: torch.tensor_split(x, how, axis),
    "np.vsplit":       lambda x: torch.vsplit(x, 2),
    "np.hsplit":       lambda x: torch.hsplit(x, 2),
    "np.dsplit":       lambda x: torch.dsplit(x, 2),
    "np.unstack":      lambda x, axis: torch.unbind(x, axis),
    "np.repeat":       lambda x, how: torch.repeat_interleave(x, torch.tensor(how[0]), how[1]),
    "np.tile":         lambda x, reps: torch.tile(x, reps if isinstance(reps, tuple) else (reps,)),
    "np.pad of a vector": lambda x: F.pad(x, (2, 2)),
    "np.lib.stride_tricks.sliding_window_view": lambda x, how: windows(x, *how),
    "np.lib.stride_tricks.sliding_window_view along all axes": lambda x, window_shape: windows(x, window_shape, 0),
    "np.pad":          lambda x, how: padded(x, **how),
    "getitem":         indexed,
    "getitem of a number": indexed,
    "scatter_add":     scatter_add,
    "np.take":         taken,
    "np.take_along_axis": lambda x, axis: torch.take_along_dim(x, torch.tensor([[1]]), axis),
    "np.take_along_axis with repeats": lambda x: torch.take_along_dim(x, torch.tensor([[2, 0], [1, 1]]), -1),
    "np.compress":     compressed,
    "np.extract":      lambda x: torch.masked_select(x, places(x.shape) % 2 == 1),
    "np.sort":         along(lambda x, axis: torch.sort(x, axis)[0]),
    "np.bincount":     lambda w, minlength: w.new_zeros(max(4, minlength)).index_add(0, torch.tensor([0, 3, 3, 1]), w),

    "np.vdot":         lambda x, y: torch.vdot(x.ravel(), y.ravel()),
    "np.vecdot along an axis": lambda x, y, axis: torch.linalg.vecdot(x, y, dim=axis),
    "np.matvec":       lambda x, y: torch.linalg.vecdot(x, y[..., None, :]),
    "np.vecmat":       lambda x, y: torch.linalg.vecdot(x[..., None], y, dim=-2),
    "np.outer of others than vectors": lambda x, y: torch.outer(x.ravel(), y.ravel()),
    "np.tensordot":    lambda x, y, axes: torch.tensordot(x, y, ([1], [0]) if axes == (1, 0) else axes),
    "np.dot":          lambda x, y: torch.tensordot(x, y, ([-1], [max(y.ndim - 2, 0)])) if x.ndim and y.ndim else x * y,
    "np.einsum":       lambda x, y, spec: torch.einsum(spec, x, y),
    "np.einsum of one": lambda x, spec: torch.einsum(spec, x),
    "np.einsum of three": lambda *xs, optimize: torch.einsum("ij,jk,k->i", *xs),
    "np.einsum by numbers": lambda x, y: torch.einsum(x, [0, 1], y, [1, ...], [0, ...]),
    "np.einsum by large numbers": lambda x, y: torch.einsum(x, [30, 2], y, [2, 51]),
    "np.cross":        lambda x, y: torch.linalg.cross(*torch.broadcast_tensors(x, y)),
    "np.cross along an axis": lambda x, y, axis: torch.linalg.cross(
        *torch.broadcast_tensors(x, y), dim=axis if x.ndim == y.ndim else -2
    ),
    "np.cross along several axes": lambda x, y, axisc: torch.linalg.cross(x.T, y).movedim(-1, axisc),
    "np.convolve":     convolve,
    "np.correlate":    correlate,
    "np.linalg.multi_dot": lambda *xs: torch.linalg.multi_dot(xs),
    "im2col":          im2col,
    "col2im":          col2im,
    "conv2d":          conv2d,
    "conv2d in groups": conv2d,
    "conv2d with bias": lambda x, w, b, how: F.conv2d(x, w, b, **conv_options(how)),
    "conv2d_input":    lambda g, w, to: torch.nn.grad.conv2d_input(to[0], w, g, **conv_options(to[1])),
    "conv2d_filter":   lambda x, g, to: torch.nn.grad.conv2d_weight(x, to[0], g, **conv_options(to[1])),
    "max_pool2d":      lambda x, how: F.max_pool2d(x, *pooling(how)),
    "sum_pool2d":      lambda x, how: F.avg_pool2d(x, *pooling(how), divisor_override=1),
    "summed_back":     lambda g: F.conv_transpose2d(g, g.new_ones(1, 1, 2, 2), None, (1, 2), (0, 1), (0, 1)),
    "erf":             torch.erf,
    "erfc":            torch.erfc,
    "standardize":     lambda x, axes, eps: (x - x.mean(axes, keepdim=True))
                       / torch.sqrt(x.var(axes, unbiased=False, keepdim=True) + eps),
    "np.linalg.cholesky": lambda x, upper: torch.linalg.cholesky(symmetric(x), upper=upper),
    "np.linalg.eigh":  eigh,
    "np.linalg.eigvalsh": lambda x: torch.linalg.eigvalsh(symmetric(x)),
    "np.linalg.svd":   svd,
    "np.linalg.qr":    qr,
    "np.linalg.qr mode r": lambda x: torch.linalg.qr(x)[1] ** 2,
    "np.linalg.svd in full": svd,
    "np.linalg.svd without vectors": torch.linalg.svdvals,
    "np.linalg.lstsq": lstsq,
    "np.linalg.cond":  cond,
    "np.linalg.cond nuclear": torch.linalg.cond,
    "np.linalg.norm":  lambda x, axis, keepdims: torch.linalg.norm(x, None, axis, keepdims),
    "np.linalg.norm of vectors": vector_norm,
    "np.linalg.norm of matrices": matrix_norm,
    "np.linalg.norm of stacked matrices": matrix_norm,
    "np.linalg.vector_norm": vector_norm,
    "np.linalg.vector_norm over several axes": vector_norm,
    "np.linalg.matrix_norm": matrix_norm,
    "np.linalg.tensorinv": lambda x: torch.linalg.tensorinv(x, ind=2),
    "np.linalg.tensorsolve": torch.linalg.tensorsolve,
}
# fmt: on

WITHOUT = {
    "no such op": {
        "np.cbrt", "np.unwrap", "np.real_if_close", "np.interp", "np.interp of the places", "np.piecewise",
        "np.polyval", "np.geomspace", "np.delete", "np.insert", "np.insert at one place", "np.resize", "np.choose",
        "np.partition", "np.average weighted", "np.average weighted along an axis",
        "np.average weighted along several axes", "np.average weighted along axes in another order", "placed", "chosen",
    },
    "no such mode": {"np.take out of bounds"},
    "no derivative by that argument": {"np.heaviside of its value at 0", "np.full_like", "np.linspace", "np.logspace"},
    "no derivative of what is left out": {"np.linalg.pinv of the largest part"},
}  # fmt: skip
"""The rows that have no counterpart in PyTorch, by what it lacks."""

OF_SOME_NUMPYS = {
    "astype", "np.astype", "np.cumulative_sum", "np.cumulative_prod", "np.fix", "np.matvec", "np.unstack", "np.vecmat",
}  # fmt: skip
"""The rows that are there with some versions of NumPy only; `astype` is ours, and stands for an earlier np.astype."""

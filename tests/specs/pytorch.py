"""What PyTorch has for the spec rows: called with a row's arrays as PyTorch tensors, and with its options."""

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


def along(fun):
    """A function along one axis, or of the elements in a row."""
    return lambda x, axis=None: fun(x.reshape(-1), 0) if axis is None else fun(x, axis)


def without(fun, fill, **more):
    """A function of what is left beside the element that is a hole."""
    return lambda x, hole, **options: fun(
        torch.where(torch.arange(x.numel()).reshape(x.shape) == hole, fill, x), **options
    )


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


def vector_norm(x, ord, axis, keepdims):
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


def conv2d(x, w, how):
    return F.conv2d(x, w, **conv_options(how))


def pooling(how):
    return how["size"], how["stride"], how.get("pad", 0)


# "NumPy's name", or "PyTorch's:NumPy's" where they differ
SAME_NAME = """
    add subtract multiply divide negative positive conj:conjugate reciprocal remainder fmod frexp abs:absolute
    copysign square sqrt hypot float_power exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan
    arcsin arccos arctan arctan2 sinh cosh tanh arcsinh arccosh arctanh sinc deg2rad deg2rad:radians rad2deg
    rad2deg:degrees maximum minimum fmax fmin nan_to_num floor ceil trunc round:rint fix sign corrcoef ravel
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
    "np.power":            torch.pow,
    "np.power of x to n":  lambda x, y: x**y,
    "np.power of n to y":  lambda y, x: x**y,
    "np.clip":             lambda *xs: torch.clamp(*torch.broadcast_tensors(*xs)),
    "np.clip by numbers":  lambda x, low, high: torch.clamp(x, low, high),
    "np.where":            lambda x, y, c: torch.where(torch.as_tensor(c), x, y),
    "np.nan_to_num":       lambda x, nan: torch.nan_to_num(x, nan),
    "np.round":            lambda x, decimals: torch.round(x, decimals=decimals),
    "relu":                torch.relu,
    "sigmoid":             torch.sigmoid,
    "softmax_cross_entropy of rows":   lambda x, t: F.cross_entropy(x, t),
    "softmax_cross_entropy of labels": lambda x, t: F.cross_entropy(x, torch.as_tensor(t)),

    "np.sum":        over(torch.sum),
    "np.mean":       over(torch.mean),
    "np.prod":       one_by_one(torch.prod),
    "np.var":        over(lambda x, ddof, **o: torch.var(x, correction=ddof, **o)),
    "np.std":        over(lambda x, ddof, **o: torch.std(x, correction=ddof, **o)),
    "np.max":        over(torch.amax),
    "np.min":        over(torch.amin),
    "np.amax":       over(torch.amax),
    "np.amin":       over(torch.amin),
    "np.ptp":        over(lambda x, **o: torch.amax(x, **o) - torch.amin(x, **o)),
    "logsumexp":     over(torch.logsumexp),
    "np.cumsum":     along(torch.cumsum),
    "np.cumprod":    along(torch.cumprod),
    "np.nansum":     without(over(torch.nansum), torch.nan),
    "np.nanmean":    without(over(torch.nanmean), torch.nan),
    "np.median":     lambda x, **options: quantile(x, 0.5, **options),
    "np.quantile":   quantile,
    "np.percentile": lambda x, q, **options: quantile(x, np.divide(q, 100), **options),
    "np.cov":        lambda x, rowvar, bias: torch.cov(x if rowvar or x.ndim < 2 else x.T, correction=int(not bias)),
    "np.trapezoid":  lambda y, axis: torch.trapezoid(y, dim=axis),
    "np.trapezoid unevenly spaced": torch.trapezoid,
    "np.diff":       lambda x, n, axis: torch.diff(x, n=n, dim=axis),
    "np.diff with edges": lambda x, e, append: torch.diff(
        x, prepend=e, append=torch.tensor(append, dtype=x.dtype).expand(2, 1) if x.ndim > 1 else torch.tensor([0.5])
    ),
    "np.gradient spaced by 1":     lambda x, edge_order: torch.gradient(x, edge_order=edge_order),
    "np.gradient evenly spaced":   lambda x, axis: torch.gradient(x, spacing=0.5, dim=axis),

    "np.reshape":      lambda x, shape: torch.reshape(x, shape if isinstance(shape, tuple) else (shape,)),
    "np.squeeze of an axis": lambda x, axis: torch.squeeze(x, axis),
    "np.broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "np.transpose":    lambda x, axes: x.permute(tuple(range(x.ndim))[::-1] if axes is None else tuple(axes)),
    "np.swapaxes":     lambda x, axis1, axis2: torch.swapaxes(x, axis1, axis2),
    "np.moveaxis":     lambda x, source, destination: torch.moveaxis(x, source, destination),
    "np.moveaxis of several": lambda x: torch.moveaxis(x, (0, -1), (1, 0)),
    "np.matrix_transpose": lambda x: x.mT,
    "np.flip":         lambda x, axis: torch.flip(x, dims(x, axis)),
    "np.rot90":        lambda x, k, axes: torch.rot90(x, k, axes),
    "np.roll":         lambda x, how: torch.roll(x, how["shift"], how.get("axis")),
    "np.fft.fftshift": lambda x, axes: torch.fft.fftshift(x, axes) if axes != () else x,
    "np.fft.ifftshift": lambda x, axes: torch.fft.ifftshift(x, axes) if axes != () else x,
    "np.tril":         lambda x, k: torch.tril(x, k),
    "np.triu":         lambda x, k: torch.triu(x, k),
    "np.diag":         lambda x, k: torch.diag(x, k),
    "np.diagflat":     lambda x, k: torch.diagflat(x, k),
    "np.diagonal":     lambda x, offset: torch.diagonal(x, offset),
    "np.concatenate":  lambda *xs, axis: torch.cat([x.ravel() for x in xs] if axis is None else xs, axis or 0),
    "np.stack":        lambda *xs, axis: torch.stack(xs, axis),
    "np.hstack":       lambda *xs: torch.hstack(xs),
    "np.vstack":       lambda *xs: torch.vstack(xs),
    "np.dstack":       lambda *xs: torch.dstack(xs),
    "np.column_stack": lambda *xs: torch.column_stack(xs),
    "np.array_split":  lambda x, how, axis: torch.tensor_split(x, how, axis),
    "np.vsplit":       lambda x: torch.vsplit(x, 2),
    "np.hsplit":       lambda x: torch.hsplit(x, 2),
    "np.dsplit":       lambda x: torch.dsplit(x, 2),
    "np.unstack":      lambda x, axis: torch.unbind(x, axis),
    "np.repeat":       lambda x, how: torch.repeat_interleave(x, torch.tensor(how[0]), how[1]),
    "np.tile":         lambda x, reps: torch.tile(x, reps if isinstance(reps, tuple) else (reps,)),
    "np.pad of a vector": lambda x: F.pad(x, (2, 2)),
    "getitem":         indexed,
    "np.take_along_axis": lambda x, axis: torch.take_along_dim(x, torch.tensor([[1]]), axis),
    "np.sort":         along(lambda x, axis: torch.sort(x, axis)[0]),
    "np.bincount":     lambda w, minlength: w.new_zeros(max(4, minlength)).index_add(0, torch.tensor([0, 3, 3, 1]), w),

    "np.vdot":         lambda x, y: torch.vdot(x.ravel(), y.ravel()),
    "np.tensordot":    lambda x, y, axes: torch.tensordot(x, y, ([1], [0]) if axes == (1, 0) else axes),
    "np.dot":          lambda x, y: torch.tensordot(x, y, ([-1], [max(y.ndim - 2, 0)])) if x.ndim and y.ndim else x * y,
    "np.einsum":       lambda x, y, spec: torch.einsum(spec, x, y),
    "np.einsum of one": lambda x, spec: torch.einsum(spec, x),
    "np.einsum of three": lambda *xs, optimize: torch.einsum("ij,jk,k->i", *xs),
    "np.cross":        lambda x, y: torch.linalg.cross(*torch.broadcast_tensors(x, y)),
    "np.linalg.multi_dot": lambda *xs: torch.linalg.multi_dot(xs),
    "im2col":          im2col,
    "col2im":          col2im,
    "conv2d":          conv2d,
    "conv2d in groups": conv2d,
    "conv2d_input":    lambda g, w, to: torch.nn.grad.conv2d_input(to[0], w, g, **conv_options(to[1])),
    "conv2d_filter":   lambda x, g, to: torch.nn.grad.conv2d_weight(x, to[0], g, **conv_options(to[1])),
    "max_pool2d":      lambda x, how: F.max_pool2d(x, *pooling(how)),
    "sum_pool2d":      lambda x, how: F.avg_pool2d(x, *pooling(how), divisor_override=1),
    "erf":             torch.erf,
    "standardize":     lambda x, axes, eps: (x - x.mean(axes, keepdim=True))
                       / torch.sqrt(x.var(axes, unbiased=False, keepdim=True) + eps),
    "np.linalg.cholesky": lambda x, upper: torch.linalg.cholesky(symmetric(x), upper=upper),
    "np.linalg.eigh":  eigh,
    "np.linalg.eigvalsh": lambda x: torch.linalg.eigvalsh(symmetric(x)),
    "np.linalg.svd":   svd,
    "np.linalg.qr":    qr,
    "np.linalg.svd in full": svd,
    "np.linalg.svd without vectors": torch.linalg.svdvals,
    "np.linalg.norm":  lambda x, axis, keepdims: torch.linalg.norm(x, None, axis, keepdims),
    "np.linalg.norm of vectors": vector_norm,
    "np.linalg.norm of matrices": matrix_norm,
    "np.linalg.norm of stacked matrices": matrix_norm,
    "np.linalg.vector_norm": vector_norm,
    "np.linalg.matrix_norm": matrix_norm,
    "np.linalg.tensorinv": lambda x: torch.linalg.tensorinv(x, ind=2),
    "np.linalg.tensorsolve": torch.linalg.tensorsolve,
}
# fmt: on

"""What is refused, and in which words; what `out=` and unknown keywords do; what stays linear in time and memory."""

import re
import tracemalloc
from collections import namedtuple
from unittest import mock

import numpy as np
import pytest

from autograd_dl import Tensor, dispatch, gradients, no_grad, ops
from autograd_dl.errors import DTypeError, OutOfBoundsError, ShapeError, UnsupportedError
from autograd_dl.tensor import bare

EINSUM = np.einsum
Pair = namedtuple("Pair", "first second")


def tensor(*shape, dtype=float, grad=True):
    return Tensor(np.arange(np.prod(shape), dtype=dtype).reshape(shape), requires_grad=grad)


def foreign(name):
    """What another library, which is not installed, might have: a ufunc of that name."""

    def fun(x):
        return x

    fun.__name__ = name
    return np.frompyfunc(fun, 1, 1)


# fmt: off
@pytest.mark.parametrize(("call", "words"), [
    (lambda: tensor(2, 3) + tensor(4),                        r"np.add(float64 (2, 3), float64 (4,))"),
    (lambda: tensor(2, 3) * np.ones(2),                       r"np.multiply(float64 (2, 3), float64 (2,))"),
    (lambda: np.dot(tensor(2, 3), tensor(2, 3)),              r"np.dot(float64 (2, 3), float64 (2, 3))"),
    (lambda: tensor(2, 3) @ tensor(2),                        r"np.matmul(float64 (2, 3), float64 (2,))"),
    (lambda: tensor(2, 3).reshape(4),                         r"np.reshape(float64 (2, 3), 4)"),
    (lambda: tensor(2, 3).reshape(*range(20)),                r"np.reshape(float64 (2, 3), tuple)"),
    (lambda: tensor(2).sum(axis=1),                           r"np.sum(float64 (2,), axis=1, "),
    (lambda: np.where(np.ones(3), tensor(2), 0),              r"np.where(float64 (3,), float64 (2,), 0)"),
    (lambda: np.concatenate([tensor(2, 3), tensor(2, 2)]),    r"np.concatenate([float64 (2, 3), float64 (2, 2)])"),
    (lambda: np.stack([tensor(2), tensor(3)]),                r"np.stack([float64 (2,), float64 (3,)])"),
    (lambda: np.linalg.inv(tensor(2, 3)),                     r"np.linalg.inv(float64 (2, 3)): Last 2 dim"),
    (lambda: np.linalg.svd(tensor(3)),                        r"np.linalg.svd(float64 (3,)): 1-dimensional"),
    (lambda: np.linalg.norm(tensor(2, 2, dtype="e"), 2),      r"np.linalg.norm(float16 (2, 2), 2): it takes no f"),
    (lambda: np.hstack([tensor(2)] * 5 + [tensor(1, 1)]),     r"np.hstack([float64 (2,), float64 (2,), "),
    (lambda: np.tile(tensor(2, 3), -1),                       r"np.tile(float64 (2, 3), -1): all elements"),
    (lambda: np.trace(tensor(3)),                             r"np.trace(float64 (3,)): source: axis 1 is out of"),
    (lambda: np.vdot(tensor(2, 3), tensor(3)),                r"np.vdot(float64 (2, 3), float64 (3,)): shapes (6,)"),
    (lambda: np.pad(tensor(2), (1, 2, 3)),                    r"np.pad(float64 (2,), (1, 2, 3)): operands"),
    (lambda: np.select([np.ones(2) > 0], [tensor(2)] * 2),    r"np.select: 1 conditions do not choose among 2"),
    (lambda: np.split(tensor(3), 0),                          r"np.split: 3 elements do not make 0 equal sections"),
    (lambda: tensor(2, 3)[0, 0, 0],                           r"getitem(float64 (2, 3), (0, 0, 0)): too many indices"),
    (lambda: tensor(2, 3)[7],                                 r"getitem(float64 (2, 3), 7): index 7 is out of bounds"),
    (lambda: np.linalg.solve(tensor(2, 2), tensor(3)),        r"np.linalg.solve(float64 (2, 2), float64 (3,))"),
    (lambda: np.einsum("ij,jk", tensor(2, 3), tensor(2, 2)),  r"np.einsum('ij,jk', float64 (2, 3), "),
    (lambda: np.einsum("ij,jk", tensor(2, 3)),                r"np.einsum: 'ij,jk' names 2 operands, and 1 were given"),
    (lambda: np.tensordot(tensor(2, 3), tensor(2, 3), 1),     r"np.tensordot: shapes (2, 3) and (2, 3)"),
    (lambda: np.cross(tensor(2), tensor(2)),                  r"np.cross takes vectors of 3 elements"),
    (lambda: np.cross(tensor(3), tensor(4)),                  r"these have 3 and 4"),
    (lambda: np.cross(tensor(4), tensor(3)),                  r"these have 4 and 3"),
    (lambda: np.split(tensor(3), 2),                          r"np.split: 3 elements do not make 2 equal sections"),
    (lambda: np.clip(tensor(3), np.zeros(2), 1),              r"np.clip(float64 (3,), float64 (2,), 1)"),
    (lambda: ops.im2col(tensor(1, 1, 2, 2), 3, 3),            r"a filter of size 3 with stride 1 does not fit"),
    (lambda: ops.conv2d(tensor(1, 4, 4, 3), tensor(2, 3, 5, 5), None, pad=1),
                                                              r"of 3 channels, not of shape (1, 4, 4, 3)"),
    (lambda: ops.conv2d(tensor(1, 3, 4, 4), tensor(4, 3, 1, 1), None, groups=2),
                                                              r"in 2 groups take images (N, C, H, W) of 6 channels"),
    (lambda: ops.conv2d(tensor(1, 4, 4, 4), tensor(3, 2, 1, 1), None, groups=2), r"3 filters do not make 2"),
    (lambda: ops.conv2d(tensor(1, 4, 4, 4), tensor(3, 2, 1, 1), None, groups=0), r"come in 1 group or more"),
    (lambda: ops.im2col(tensor(2, 2), 1, 1),                  r"images have the shape (N, C, H, W), not (2, 2)"),
    (lambda: ops.col2im(tensor(2, 2), (1, 1, 3, 3), 2, 2),    r"takes rows of shape (4, 4), not (2, 2)"),
])
def test_a_wrong_shape_names_op_and_arguments(call, words):
    with pytest.raises((ShapeError, OutOfBoundsError, DTypeError, np.linalg.LinAlgError)) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(("call", "words"), [
    (lambda x: np.where([True, False], x),                "both x and y, or neither"),
    (lambda x: np.take(x, [0], 2),                        "axis 2 is out of bounds"),
    (lambda x: np.take(x, [0], mode="up"),                "'raise', 'wrap' or 'clip'"),
    (lambda x: np.compress([True], x, 2),                 "axis 2 is out of bounds"),
    (lambda x: np.compress([[True]], x),                  "is a vector, and this one has 2 dimensions"),
    (lambda x: x.compress(True),                          "is a vector, and this one has 0 dimensions"),
    (lambda x: np.diff(x, axis=-3),                       "axis -3 is out of bounds"),
    (lambda x: np.diff(x, -1),                            "cannot be negative"),
    (lambda x: np.rollaxis(x, 2),                         "axis 2 is out of bounds"),
    (lambda x: np.rollaxis(x, 0, 3),                      "axis 3 is out of bounds"),
    (lambda x: np.rot90(x, 1, (0, -2)),                   "repeated axis"),
    (lambda x: np.rot90(x, 1, (0,)),                      "two axes, not of 1"),
    (lambda x: np.tensordot(x, x, ([2], [0])),            "axis 2 is out of bounds"),
    (lambda x: np.take_along_axis(x, np.array([0]), 0),   "1 dimensions, and the array 2"),
    (lambda x: np.take_along_axis(x, np.array([[[0]]]), 0), "3 dimensions, and the array 2"),
    (lambda x: np.take_along_axis(x, np.array([[0]]), 2), "axis 2 is out of bounds"),
    (lambda x: ops.elementwise.clip(x, 0, 1, min=0),      "a_min and a_max, or min and max"),
    (lambda x: ops.elementwise.clip(x, 0, max=1),         "a_min and a_max, or min and max"),
    (lambda x: np.vsplit(x[0], 2),                        "np.vsplit takes arrays of 2 or more dimensions"),
    (lambda x: np.dsplit(x, 2),                           "np.dsplit takes arrays of 3 or more dimensions"),
    (lambda x: np.gradient(x, 1.0, 2.0, 3.0),             "for each of 2 axes, not 3"),
    (lambda x: np.gradient(x, [0.0, 1.0]),                "for each of 2 axes, not 1"),
    (lambda x: np.gradient(x[0], [0.0, 1.0, 2.0]),        r"2 elements are at 2 places .* not at \(3,\)"),
    (lambda x: np.gradient(x, edge_order=3),              "edge_order of 3 does not fit 2"),
    (lambda x: np.gradient(x, edge_order=2),              "edge_order of 2 does not fit 2"),
    (lambda x: np.interp(x, [1.0, 2.0], [1.0]),           "vectors of the same length"),
    (lambda x: np.interp(x, x, x),                        "vectors of the same length"),
    (lambda x: np.interp(x, [], []),                      "vectors of the same length"),
    (lambda x: np.geomspace(1.0, x, 3),                   "neither starts nor stops at 0"),
    (lambda x: np.geomspace(x, 1.0, 3),                   "neither starts nor stops at 0"),
    (lambda x: np.vander(x),                              "takes a vector"),
    (lambda x: np.vander(x[0], -1),                       "columns cannot be negative, as -1"),
    (lambda x: np.linalg.matrix_norm(x[0], ord=np.inf),   "axis -2 is out of bounds"),
    (lambda x: np.correlate(x[0], 2.0, "same"),           "takes vectors"),
    (lambda x: np.correlate(x, x[0], "full"),             "takes vectors"),
    (lambda x: np.linspace(x, 1, -1),                     "cannot be negative, as -1"),
    (lambda x: np.resize(x, (-1,)),                       "cannot be negative"),
    (lambda x: np.linalg.matrix_power(x[:1], 1),          "square"),
    (lambda x: np.linalg.matrix_power(x[0], 1),           "square"),
    (lambda x: np.linalg.multi_dot([x, x[None], x]),      r"takes matrices, .* not \(2, 2\), \(1, 2, 2\), \(2, 2\)"),
    (lambda x: np.linalg.multi_dot([x, x, x[0, 0]]),      "takes matrices"),
    (lambda x: np.array_split(x, 0),                      "must be positive, not 0"),
    (lambda x: np.var(x, ddof=1, correction=1),           "give ddof or correction"),
    (lambda x: np.meshgrid(x[0], indexing="yx"),          "indexing"),
    (lambda x: np.linalg.multi_dot([x]),                  "two arrays at least"),
    (lambda x: np.linalg.norm(x.reshape(1, 2, 2), axis=(0, 1, 2)), "not over 3 axes"),
    (lambda x: np.linalg.norm(x[0], "fro"),               "'fro' is no norm of vectors"),
    (lambda x: np.average(x, 0, [1, 2, 3]),               "weights have the shape"),
    (lambda x: np.average(x, None, [1, 2]),               "weights have the shape"),
    (lambda x: np.convolve(x[0], []),                     "cannot be empty"),
    (lambda x: np.convolve(x[0], [], "valid"),            "cannot be empty"),
    (lambda x: np.convolve(x[:0, 0], [1], "valid"),       "cannot be empty"),
    (lambda x: np.convolve(x, [1], "valid"),              "too deep"),
    (lambda x: np.convolve(x[0], [1], "some"),            "'full', 'same' or 'valid'"),
    (lambda x: np.quantile(x, 1.5),                       "quantiles are from 0 to 1"),
    (lambda x: np.piecewise(x, [x > 0], []),              "1 conditions do not go with 0 functions"),
    (lambda x: np.einsum("i...->i", x),                   "leaves out axes for which dots stand"),
    (lambda x: np.vecdot(x, x[:, :1]),                    "vectors of 2 and of 1 elements"),
    (lambda x: np.take(x[0, 0], 0, 1),                    "axis 1 is out of bounds"),
    (lambda x: np.median(x[0, 0], 0),                     "axis 0 is out of bounds"),
    (lambda x: np.cov(np.stack([x, x])),                  "rows or columns of a matrix, not"),
    (lambda x: np.cov(x, ddof=0.5),                       "ddof is a whole number"),
    (lambda x: np.linalg.outer(x, x[0]),                  "takes vectors, not shapes"),
    (lambda x: np.average(x, weights=2),                  "weights have the shape"),
    (lambda x: np.pad(x[0, 0], -1),                       "can't contain negative values"),
    (lambda x: np.linalg.lstsq(np.stack([x, x]), x[0]),   "one matrix of coefficients"),
    (lambda x: np.linalg.lstsq(x, x[0, 0]),               "a vector or matrix"),
    (lambda x: np.linalg.tensorinv(x, 0),                 "first axes, 1 or more, not 0"),
    (lambda x: np.linalg.tensorinv(x[None, None], -2),    "first axes, 1 or more, not -2"),
    (lambda x: np.linalg.cond(x[:0, :0]),                 "an empty matrix has no condition number"),
])
def test_what_numpy_refuses_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(tensor(2, 2))


@pytest.mark.parametrize("kind", [np.asarray, Tensor, lambda x: Tensor(x, requires_grad=True)])
@pytest.mark.parametrize(("shape", "key", "taken"), [
    ((2, 3), np.array([0, 1, 1]), "(3, 2)"),
    ((3,),   slice(3),            "(3, 2)"),
    ((4,),   np.arange(4) < 2,    "(2, 2)"),
])
def test_what_is_added_at_places_has_the_shape_of_what_is_taken_there(kind, shape, key, taken):
    with pytest.raises(ShapeError, match=re.escape(f"x[key] has shape {taken}, and what is added there has {shape}")):
        ops.scatter_add(kind(np.ones(shape)), key, (4, 2))


def test_conditions_indices_and_weights_are_checked():
    x = tensor(2)
    with pytest.raises(TypeError, match="conditions are Boolean, not int64"):
        np.select([np.array([1, 0], np.int64)], [x])
    with pytest.raises(IndexError, match="indices are integers, not float64"):
        np.take_along_axis(x, np.array([0.0]), 0)
    with pytest.raises(ZeroDivisionError, match="the weights sum to zero"):
        np.average(x, weights=[1, -1])
    with pytest.raises(TypeError, match="same_kind"):
        np.ediff1d(tensor(2, dtype=int, grad=False), 0.5)
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        np.linspace(x, 1, 5.5)
    with pytest.raises(TypeError, match=r"np\.sum: got an unexpected keyword argument 'dim'"):
        x.sum(dim=1)
    with pytest.raises(TypeError, match="too many arguments"):
        x.take([0], 0, None, "clip", 5)


@pytest.mark.parametrize(("call", "expected"), [
    (lambda x: np.ptp(x, 0, None, True),                  [2]),
    (lambda x: np.take(x, [7], None, None, "clip"),       [2]),
    (lambda x: np.take(x, [0], out=None),                 [0]),
    (lambda x: np.median(x, 0, None, False, True),        [1]),
    (lambda x: np.delete(x, Tensor(1)),                   [0, 2]),
    (lambda x: np.insert(x, Tensor(1), 9),                [0, 9, 1, 2]),
    (lambda x: np.take_along_axis(x[None], np.array([[0, 1], [1, 2]]), 1), [[0, 1], [1, 2]]),
    (lambda x: np.take_along_axis(x[:, None], np.array([[0, 0]]), 1), [[0, 0], [1, 1], [2, 2]]),
    (lambda x: np.tile([1.0, 2.0], x[2].astype(int)),     [1, 2, 1, 2]),
    (lambda x: np.tile([1.0], (Tensor(1), Tensor(2))),    [[1, 1]]),
    (lambda x: np.array_split([1.0, 2, 3], Tensor(2))[0], [1, 2]),
    (lambda x: np.array_split([1.0, 2, 3], Tensor([1]))[0], [1]),
    (lambda x: np.split([1.0, 2], Tensor(2))[1],          [2]),
    (lambda x: np.hsplit([1.0, 2], Tensor(2))[1],         [2]),
    (lambda x: np.fft.fftshift(x, [0]),                   [2, 0, 1]),
    (lambda x: np.linalg.norm(x[1:], 1, np.int64(0)),     3),
    (lambda x: np.linalg.norm(x[1:], 1, (0,)),            3),
    (lambda x: np.linalg.norm(x.reshape(1, 3)[:, 2:], "f"), 2),
    (lambda x: np.diff([5.0], prepend=x),                 [1, 1, 3]),
    (lambda x: np.diff(x, 0, prepend=1.0),                [0, 1, 2]),
    (lambda x: np.bincount(Tensor([0, 1, 1])),            [1, 2]),
    (lambda x: np.interp(x, [0.0, 1], [5.0, 6], right=9), [5, 6, 9]),
    (lambda x: np.full_like(x, x[2], shape=(2, 1)),       [[2], [2]]),
    (lambda x: np.cov(x, ddof=0),                         2 / 3),
    (lambda x: np.linspace(x, 2.0, 1, retstep=True)[1],   [np.nan] * 3),
    (lambda x: np.linalg.norm(x.reshape(1, 1, 3)),        5**0.5),
    (lambda x: np.linalg.norm(x, -1),                     0),
    (lambda x: np.linalg.norm(0 * x, 3),                  0),
    (lambda x: np.linalg.norm(x[1:] * np.inf, -1),        np.inf),
    (lambda x: np.pad(x, {0: (1, 0)}),                    [0, 0, 1, 2]),
    (lambda x: np.pad(x[:, None], {-1: 1}),               [[0, 0, 0], [0, 1, 0], [0, 2, 0]]),
    (lambda x: np.linalg.multi_dot([x, x[2]]),            [0, 2, 4]),
    (lambda x: np.linalg.multi_dot([x[None, :, None], x[None]])[0, 2], [0, 2, 4]),
    (lambda x: round(x + 0.4),                            [0, 1, 2]),
    (lambda x: np.diff(x, append=5.0),                    [1, 1, 3]),
    (lambda x: np.partition(x, 1, None),                  [0, 1, 2]),
    (lambda x: np.insert(x, slice(0, 2), [7, 8]),         [7, 0, 8, 1, 2]),
    (lambda x: np.inner(x, 2.0),                          [0, 2, 4]),
    (lambda x: np.dot(2.0, x),                            [0, 2, 4]),
    (lambda x: ops.elementwise.clip(x, max=1.0),          [0, 1, 1]),
    (lambda x: np.clip(x, None, 1.0),                     [0, 1, 1]),
    (lambda x: Tensor(np.average(x, returned=True)[1]),   3),
    (lambda x: np.resize(x[:0], (2,)),                    [0, 0]),
    (lambda x: np.pad(x[0], 1),                           0),
    (lambda x: np.convolve(x[2], [1, 2]),                 [2, 4]),
    (lambda x: np.linalg.matrix_power(np.diag(x * [0, 0, np.inf]), 1)[2], [0, 0, np.inf]),
    (lambda x: np.linalg.lstsq([[1.0, 0], [0, 1]], x[1:])[0], [1, 2]),
])
def test_what_numpy_takes_is_taken(call, expected):
    np.testing.assert_allclose(bare(call(tensor(3))), expected, atol=1e-12)


def test_the_dtypes_are_numpys():
    x = np.ones(3, np.float32)
    for f in (lambda x: np.polyval([1.0, 2.0], x), lambda x: np.quantile(x, 0.3), lambda x: np.nanmean(x)):
        assert f(Tensor(x)).dtype == f(x).dtype
    assert np.nanmean(Tensor(np.arange(3))).item() == 1
    for f in (np.nanmax, np.nanmin):
        assert f(Tensor(np.arange(3))).dtype == f(np.arange(3)).dtype


@pytest.mark.parametrize("scale", [1e-10, 1, 1e10])
def test_the_rank_of_a_system_does_not_depend_on_its_scale(scale):
    assert np.linalg.lstsq(Tensor(scale * np.diag([1, 1e-3, 1e-20])), np.ones(3))[2] == 2


def test_results_of_constants_are_writable():
    x = Tensor(np.ones(2))
    for y in (np.tile(x, 1), np.full_like(x, Tensor(2.0))):
        assert y.numpy().flags.writeable
        assert not np.shares_memory(y.numpy(), x.numpy())


@pytest.mark.parametrize("call", [
    lambda: Tensor(1j),
    lambda: Tensor(np.ones(2), dtype=complex),
    lambda: tensor(2) * 1j,
    lambda: 1j + tensor(2),
    lambda: np.dot(tensor(2), np.array([1j, 2])),
    lambda: np.linalg.solve(tensor(2, 2), np.array([1j, 2])),
    lambda: np.where([True, False], tensor(2), 1j),
    lambda: tensor(2).astype(complex),
    lambda: np.interp(tensor(2), [0, 1], [1j, 2]),
    lambda: np.cov(tensor(2), np.array([1j, 2])),
    lambda: np.insert(tensor(2), 0, 1j),
    lambda: np.pad(tensor(2), 1, constant_values=1j),
    lambda: np.full_like(tensor(2), 1j),
    lambda: np.geomspace(tensor(2), 1j),
])
def test_complex_numbers_are_refused(call):
    with pytest.raises(DTypeError, match="complex"):
        call()


@pytest.mark.parametrize(("call", "words"), [
    (lambda x: np.var(x, mean=1.0),                "np.var: .* mean .*known here: axis, ddof, keepdims, where"),
    (lambda x: np.sum(x, where=x),                 "np.sum: the argument 'where' takes no Tensor"),
    (lambda x: np.add(x, 1, dtype=np.float32),     "np.add: .* dtype"),
    (lambda x: np.reshape(x, (2, 1), order="A"),   "np.reshape: .* order"),
    (lambda x: np.concatenate([x, x], dtype="f4"), "np.concatenate: .* dtype"),
    (lambda x: np.stack([x, x], casting="no"),     "np.stack: .* casting"),
    (lambda x: np.clip(x, 0, 1, dtype="f4"),       "np.clip: .* dtype"),
    (lambda x: np.pad(x, 1, mode="linear_ramp"),   "np.pad: mode 'linear_ramp' is not recorded"),
    (lambda x: np.quantile(x, 0.5, method="lower"), "np.quantile: .* method"),
    (lambda x: np.linalg.svd(np.outer(x, x)[:1]),  "full_matrices=False"),
    (lambda x: np.linalg.svd(np.outer(x, x), hermitian=True), "np.linalg.svd: .* hermitian"),
    (lambda x: np.linalg.qr(np.outer(x, x[:1]), "complete"), "np.linalg.qr: mode 'complete' is not recorded"),
    (lambda x: np.linalg.qr(np.outer(x[:1], x), "raw"), "np.linalg.qr: mode 'raw' is not recorded"),
    (lambda x: np.add(x, 1, out=np.zeros(2)),      r"np.add: writing .*out="),
    (lambda x: np.sum(x, out=np.zeros(())),        r"np.sum: writing .*out="),
    (lambda x: np.stack([x], out=np.zeros((1, 2))), "np.stack: .* out"),
    (lambda x: np.add(x, 1, out=tensor(2)),        "np.add cannot write into a Tensor"),
    (lambda x: np.sum(x, axis=Tensor(0)),          "np.sum: the argument 'axis' takes no Tensor"),
    (lambda x: np.add(x, [x[0], 1.0]),             "np.add: a Tensor inside a list"),
    (lambda x: np.add(x, Pair(x[0], 1.0)),         "np.add: a Tensor inside a list"),
    (lambda x: x * Pair(x[0], 1.0),                "np.multiply: a Tensor inside a list"),
    (lambda x: np.dot(x, [x[0], x[1]]),            "np.dot: a Tensor inside a list"),
    (lambda x: np.quantile(x, x / 9),              "np.quantile and np.percentile give q no gradient"),
    (lambda x: np.percentile(x, x),                "np.quantile and np.percentile give q no gradient"),
    (lambda x: np.pad(x, 1, constant_values=x[0]), "np.pad gives constant_values no gradient; .* np.where"),
    (lambda x: np.pad(x, 1, "constant", constant_values=[0.0, x[0]]), "np.pad gives constant_values no gradient"),
    (lambda x: np.inner(x, [x[0], x[1]]),          "a Tensor inside a list"),
    (lambda x: np.take(x, [0], None, np.zeros(1)), "np.take: .* out"),
    (lambda x: np.histogram(x, weights=x),         "np.histogram gives its weights no gradient"),
    (lambda x: np.histogram(x, 3, None, None, x),  "np.histogram gives its weights no gradient"),
    (lambda x: np.histogram_bin_edges(x, 4),       r"gives its a no gradient; .* np.linspace\(t.min\(\), t.max\(\)"),
    (lambda x: np.ones(3).clip(x, 2),              "this clip is an array's method .* np.clip has"),
    (lambda x: np.add.at(np.ones(3), [0], x[:1]),  "np.add.at is not recorded; ops.scatter_add"),
    (lambda x: np.subtract.outer(x, x),            r"np.subtract.outer is not recorded; .*x\[:, None\]"),
    (lambda x: np.unique(x),                       r"np.unique gives its ar no gradient; .* t\[np.unique"),
    (lambda x: np.union1d(np.ones(2), x),          "np.union1d gives its ar2 no gradient"),
    (lambda x: np.fill_diagonal(x, 0),             r"np.fill_diagonal .* writes into an array, .* t\[key\] = values"),
    (lambda x: np.add.reduce(x),                   "np.add.reduce is not recorded; write np.sum$"),
    (lambda x: np.maximum.accumulate(x),           "no function of NumPy's has that .*; call np.maximum part by part"),
    (lambda x: np.add.reduceat(x, [0, 1]),         "np.add.reduceat is not recorded; no function of NumPy's"),
    (lambda x: np.multiply.outer(x, x),            "np.multiply.outer"),
    (lambda x: np.add.at(x, [0], 1.0),             "np.add.at"),
    (lambda x: np.full_like(np.zeros(2), x),       r"np.copyto .* np.full_like write np.broadcast_to"),
    (lambda x: np.full(2, x[0], float),            r"np.copyto .* np.full_like write np.broadcast_to"),
    (lambda x: np.i0(x),                           "np.i0 is not supported for Tensors"),
    (lambda x: np.frompyfunc(round, 1, 1)(x),      r"^this round \(vectorized\) is an array's .*; np.round has"),
    (lambda x: foreign("expit")(x),                "ops.sigmoid has"),
    (lambda x: foreign("erf")(x),                  "ops.erf has"),
    (lambda x: foreign("gammaln")(x),              r"none of NumPy's functions, .*; .* @ops\.primitive"),
    (lambda x: np.linalg._umath_linalg.det(np.outer(x, x)), r"none of NumPy's functions, .*; ops.defvjp\(det, rule\)"),
    (lambda x: np.nanmedian(x),                    "nearest names that are: np.nanmean"),
    (lambda x: np.emath.sqrt(x),                   "nearest names that are: np.sqrt"),
    (lambda x: np.fft.rfft(x),                     "t.numpy()"),
])
def test_what_has_no_recorded_form_is_refused_by_name(call, words):
    with pytest.raises(UnsupportedError, match=words.replace("()", r"\(\)")):
        call(tensor(2))
# fmt: on


@pytest.mark.parametrize("order", [np.sort, lambda x: np.partition(x, 0)])
def test_a_number_has_no_axis_to_order(order):
    for x in (np.array(2.0), tensor()):
        with pytest.raises(ValueError, match="axis -1 is out of bounds for array of dimension 0"):
            order(x)


@pytest.mark.parametrize("recorded", [False, True])
def test_where_no_gradient_is_needed_keywords_and_out_are_numpys(recorded):
    x = tensor(2, grad=recorded)
    with no_grad():
        out = np.zeros(2)
        assert np.add(x, 1, out=out) is out
        assert out.tolist() == [1, 2]
        assert np.stack([x, x], out=(rows := np.zeros((2, 2)))) is rows
        assert rows.tolist() == [[0, 1], [0, 1]]
        assert np.sum(x, dtype=np.float32).dtype == np.float32
        assert np.clip(x, 0, 0.5, dtype=np.float32).dtype == np.float32
        assert np.quantile(x, 0.7, method="lower").item() == 0
        assert np.pad(x, 1, mode="mean").tolist() == [0.5, 0, 1, 0.5]
        assert np.histogram([0, 0], [0, 1, 2], weights=x)[0].tolist() == [1, 0]
        assert np.union1d(x, [0, 5]).tolist() == [0, 1, 5]
    assert np.setdiff1d([1.0, 9.0], x).tolist() == [9]  # of x, it has nothing


def test_what_numpy_returns_beside_arrays_is_left_as_it_is():
    space, step = np.linspace(tensor(1, grad=False)[0], 2.0, 1, retstep=True, dtype=np.float32)
    assert (type(space), space.dtype, type(step)) == (Tensor, np.float32, float)


@pytest.mark.parametrize("f", [np.add, np.exp, np.modf, np.matmul, np.vecdot, np.greater])
def test_keywords_of_a_ufunc_at_their_defaults_are_none(f):
    how = {"dtype": None, "casting": "same_kind", "order": "K", "subok": True}
    x = [tensor(2)] * f.nin
    expected, *found = (f(*x, **more) for more in ({}, how, how if f.signature else how | {"where": True}))
    for y in found:
        np.testing.assert_equal(bare(y), bare(expected))


def test_what_tells_no_signature_may_be_called_with_two_tensors():
    """As NumPy's functions in C: those of an early NumPy tell none, and neither does Python's max."""
    x, y = tensor(2), Tensor([0.0, 1.0])
    dispatch.refuse_out(max, (x, y), {})
    assert not np.shares_memory(x, y)
    assert np.result_type(x, y) == np.float64


def test_a_constant_takes_them_also_while_recording():
    assert np.add(tensor(2, grad=False), 1, dtype=np.float32).dtype == np.float32


# -- a million repeated indices


@pytest.mark.parametrize(
    "take", [lambda x, i: x[i], lambda x, i: np.take(x, i), lambda x, i: x.reshape(2, 5)[i % 2, i % 5]]
)
def test_an_index_of_a_million_repeats_adds_each_of_them(take):
    rng = np.random.default_rng(0)
    i = rng.integers(0, 10, 1_000_000)
    g = rng.standard_normal(len(i))
    x = tensor(10)
    (found,) = gradients(take(x, i), x, g)
    place = take(np.arange(10), i)
    expected = [g[place == k].sum() for k in range(10)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)


SLICES = slice(None), slice(None)


@pytest.mark.parametrize(
    ("shape", "key"),
    [
        ((30_000,), [3, -897, 3, 5]),
        ((30_000,), ([1, 2],)),
        ((3000, 7), np.array([[3, -87], [3, 0]])),
        ((3000, 7), (np.array([3, -87, 4]), np.array([1]))),
        ((3000, 7), (np.array([3, 3, -87, 4]), 1)),
        ((5, 900, 7), (slice(None), np.array([8, 8, 2], np.uint8))),
        ((5, 900, 7), (slice(None), np.array([8, -82, 2]), np.array([[6], [-1]]))),
        ((5, 900, 7), (np.array([1, 1]), np.array([8, -82]), slice(None))),
        ((5, 90, 70), (np.array([1, 1]), slice(None), np.array([6, -1]))),
        ((5, 90, 70), (*SLICES, np.array([[]], int))),
        ((5, 90, 70), (..., np.array([5, 5]))),
        ((5, 90, 70), (None, np.array([4, 4]))),
        ((5, 90, 70), (slice(1, 3), np.array([4, 4]))),
        ((5, 90, 70), (np.array([True, False, True, False, False]), np.array([4, 4]))),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_a_few_indices_into_a_large_array_add_up(shape, key, dtype):
    """Those of arrays side by side go another way than the rest, in time that their number decides."""
    x = Tensor(np.ones(shape, dtype), requires_grad=True)
    g = np.random.default_rng(0).standard_normal(x.numpy()[key].shape).astype(dtype)
    expected = np.zeros(shape)
    np.add.at(expected, key, g.astype(float))
    (found,) = gradients(x[key], x, g)
    assert (found.shape, found.dtype) == (x.shape, x.dtype)
    np.testing.assert_allclose(found.numpy().astype(float), expected, rtol=1e-3 if dtype == "float16" else 1e-6)


def test_memory_is_linear_in_the_number_of_indices():
    def peak(n):
        i, g = np.zeros(n, int), np.ones(n)
        tracemalloc.start()
        try:
            assert ops.scatter_add(g, i, (1000,))[0] == n
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(1_000_000) < 2.1 * peak(500_000) < 50e6


@pytest.mark.parametrize("slide", [np.convolve, np.correlate])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_memory_of_a_convolution_is_linear(slide, mode):
    a, v = (Tensor(np.ones(n), requires_grad=True) for n in (5000, 1000))
    tracemalloc.start()
    try:
        y = slide(a, v, mode)
        gradients(y, [a, v], np.ones(y.shape))
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("spec", ["ij,jk->ik", "ij,jk,kl->il"])
def test_einsum_goes_back_by_matrix_products(spec):
    """Without an order of contraction, three matrices of 60 would take 60**4 steps; none is longer than 60**3 now. And
    NumPy would multiply two of them in a loop of its own, not by BLAS."""
    xs = [tensor(60, 60) for _ in spec.split(",")]
    seen = []
    with mock.patch.object(np, "einsum", lambda *args, **kwargs: seen.append(kwargs) or EINSUM(*args, **kwargs)):
        gradients(np.einsum(spec, *xs), xs, np.ones((60, 60)))
    assert len(seen) == 2 + len(xs)
    assert all(kwargs.get("optimize") for kwargs in seen[1:])


# -- errors of others


class OwnError(ValueError):
    """An error of the user's program."""


class OwnIndexError(IndexError):
    """Another one."""


@pytest.mark.parametrize("error", [OwnError("own"), OwnIndexError("own"), ShapeError("in words"), KeyError("key")])
def test_errors_of_the_users_functions_pass_as_they_are(error):
    def fail(_x):
        raise error

    own = ops.primitive(lambda x: fail(x))
    own_rule = ops.defvjp(own, lambda g, _ans, _x: g)
    assert own_rule is None
    for call in (own, lambda x: np.piecewise(x, [x > 0], [fail])):
        with pytest.raises(type(error)) as caught:
            call(tensor(3))
        assert caught.value is error


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, axis=5),
        lambda x: np.linalg.norm(x, axis=7),
        lambda x: np.split(x, 2, axis=5),
        lambda x: x[9],
    ],
)
def test_what_is_out_of_bounds_is_caught_as_numpys_error_would_be(call):
    for kind in (IndexError, ShapeError, OutOfBoundsError):
        with pytest.raises(kind, match="out of bounds"):
            call(tensor(4))


def test_keywords_and_lists_of_lists_are_named_too():
    with pytest.raises(ShapeError, match=r"np\.sum\(float64 \(2,\), axis=1\): axis 1 is out"):
        np.sum(tensor(2), axis=1)
    with pytest.raises(ShapeError, match=r"np\.block\(\[\[float64 \(2,\), float64 \(3, 1\)\], \[float64 \(2,\)\]\]\)"):
        np.block([[tensor(2), tensor(3, 1)], [tensor(2)]])


def test_a_class_of_numbers_is_named_as_it_is():
    cast = ops.primitive(lambda x, dtype: np.linalg.inv(x.astype(dtype)))
    ops.defvjp(cast, lambda g, _ans, _x, _dtype: g, None)
    with pytest.raises(np.linalg.LinAlgError, match=r"\(float64 \(2,\), <class 'numpy\.float32'>\): 1-dim"):
        cast(tensor(2), np.float32)


@pytest.mark.skipif(not hasattr(np, "vecmat"), reason="NumPy has vecmat and matvec since 2.2")
def test_products_of_matrices_and_vectors_take_no_others():
    with pytest.raises(ShapeError, match=r"np\.vecmat takes vectors and matrices, not shapes \(2, 2\) and \(2,\)"):
        np.vecmat(tensor(2, 2), tensor(2))
    with pytest.raises(ShapeError, match=r"np\.matvec takes matrices and vectors, not shapes \(2,\) and \(2,\)"):
        np.matvec(tensor(2), tensor(2))


@pytest.mark.parametrize(
    "function", [np.cov, np.corrcoef, lambda a: np.float_power(a, 2), lambda a: np.geomspace(a, 9, 3)]
)
def test_long_doubles_stay_so(function):
    x = np.array([[1.0, 2.0], [3.0, 5.0]], np.longdouble)
    ans = function(Tensor(x))
    assert ans.dtype == np.longdouble
    np.testing.assert_allclose(ans.numpy(), function(x), rtol=8 * np.finfo(np.longdouble).eps)


def test_further_keywords_of_a_primitive_have_their_names():
    scaled = ops.primitive(lambda x, **how: x * how.get("by", 1))
    ops.defvjp(scaled, lambda g, _ans, _x, *, by=1: g * by)
    x = tensor(2)
    (slope,) = gradients(scaled(x, by=3.0).sum(), x)
    np.testing.assert_array_equal(slope.numpy(), [3.0, 3.0])
    with pytest.raises(UnsupportedError, match=r"the keyword times is not supported \(known here: by\)"):
        scaled(x, times=3.0)


def test_repeats_are_a_copy():
    w = tensor(1)
    y = np.repeat(w, 3)
    assert y.numpy().flags.writeable
    assert not np.shares_memory(y.numpy(), w.numpy())


@pytest.mark.parametrize("op", [ops.erf, ops.erfc, ops.sigmoid, ops.softplus])
def test_ops_of_our_own_take_numbers(op):
    assert op(1) == op(1.0) == op(np.array([1.0]))[0]


@pytest.mark.parametrize("op", [ops.sigmoid, ops.softmax, ops.softplus, ops.erf])
def test_ops_of_our_own_take_arrays(op):
    with pytest.raises(DTypeError, match="ops take arrays and Tensors, not list; those of `functional` take lists"):
        op([1.0, 2.0])

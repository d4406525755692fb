"""Arguments of rare kinds: values, dtypes and gradients are those of NumPy's own functions."""

import math
import warnings

import numpy as np
import pytest
from specs import listed
from specs.base import present

from autograd_dl import Tensor, detect_anomaly, gradients, ops
from autograd_dl.errors import UnsupportedError
from autograd_dl.tensor import bare
from autograd_dl.testing import check_gradients

INF, NAN = np.inf, np.nan
ONES = np.ones((2, 2), bool)
REDUCTIONS = "sum max min amax prod ptp nansum nanmax nanmean nanmin nanprod nanvar nanstd cumsum cumprod nancumprod"


def check_values(f, *arrays):
    with np.errstate(all="ignore"):
        expected, found = (listed(f(*args)) for args in (arrays, map(Tensor, arrays)))
        for y, e in zip(found, expected, strict=True):
            assert (y.shape, y.dtype) == (e.shape, e.dtype)
            np.testing.assert_allclose(bare(y), e, rtol=1e-6 if e.dtype == np.float32 else 1e-12)


# fmt: off
@pytest.mark.parametrize("f", [
    lambda x: np.piecewise(x, x < 0, [np.negative, np.exp]),
    lambda x: np.piecewise(x, [[True, False], [True, True]], [np.exp, lambda v: v * 0 + 2]),
    lambda x: np.piecewise(x, [[True, False]], [np.exp, 3.0]),
    lambda x: np.piecewise(x[0], True, [np.exp]),
    lambda x: np.tensordot([[1.0, 2.0]], x, 1),
    lambda x: np.linalg.qr(np.outer(x, x)[:1], "complete"),
    lambda x: np.piecewise(x[0], [x[0] > 9], [np.exp, np.sin]),
    lambda x: np.piecewise(x, x < 0, [lambda v, n: v * n, 1.0], 3),
    lambda x: np.piecewise(x, x > 9, [lambda v: v / len(v), np.sin]),
    lambda x: np.piecewise(np.outer(x, x), [np.array([True, False])], [np.exp, 0.0]),
    lambda x: np.piecewise(np.outer(x, x), [[[True, True], [True, False]]], [[1.0, 2.0, 3.0], np.sin]),
    lambda x: np.take(x[0], [[0, -1]], axis=-1),
    lambda x: np.linalg.norm(x, -1),
    lambda x: np.linalg.norm(x, -3),
    lambda x: np.linalg.solve(np.stack([np.outer(x, x) + np.eye(2), np.eye(2)]), x),
    lambda x: np.trapezoid(np.outer(x, x) * np.ones((2, 1, 1)), x, axis=1),
    lambda x: np.trapezoid(np.outer(x, x), np.outer(x, [1.0, 2.0]), axis=0),
    lambda x: (1e3 * x) ** np.array([2, 0], np.uint8),
    lambda x: np.clip(x, None, 1.2) + np.clip(x, 0.9, None),
    lambda x: np.repeat(x[0], 3, axis=0),
    lambda x: np.compress([True], x[0], axis=0),
    lambda x: ops.logsumexp(x[0], axis=-1) * np.ones(1),
    *(lambda x, fun=fun, axis=axis: fun(x[0], axis=axis)
      for fun in present(REDUCTIONS + " cumulative_sum cumulative_prod") for axis in (0, -1)),
    lambda x: np.ediff1d([1.0, 2.0], to_end=x),
    lambda x: np.linalg.tensorsolve(np.outer(x, x) + np.eye(2), [1.0, 2.0]),
    lambda x: np.linspace(x, 2.0, 5, True, True),
    lambda x: np.linspace(x, [2.0, 3.0], 1, retstep=True)[0],
    lambda x: np.linspace(2.0, x, 0, retstep=True)[0],
    lambda x: np.linspace(2.0, x, 2, False, retstep=True),
    lambda x: np.logspace(x, 2.0, 4, base=np.array([2.0, 3.0])),
    lambda x: np.logspace(0.0, [[1.0], [2.0]], 4, base=x + 4, axis=1),
    lambda x: np.logspace(x, 2.0, 4, base=np.array([[2.0], [3.0]]), axis=-1),
    lambda x: np.geomspace(x[0], 8.0, 4),
    lambda x: np.geomspace(x, [2.0, -5.0], 4, False),
    lambda x: np.gradient([1.0, 5.0, 2.0], x[0] + 1),
    lambda x: np.meshgrid(x, x[0], copy=False),
    lambda x: np.meshgrid(x, x[:1], sparse=True, copy=False),
    lambda x: x.transpose(np.int64(0)) * [1, 2],
    lambda x: np.transpose(x, -1) * [1, 2],
    lambda x: np.interp([0.0, 1.5, 2.0, 3.0], [1.0, 2.0, 2.0], np.stack([x[0], x[1], x[0]])),
    lambda x: np.interp([-1.0, 0.5, 2.0], [-INF, 0.0, 1.0, INF], np.stack([x[0], x[1], x[0], x[0]])),
    lambda x: np.interp(x, [-INF, 0.0, 2.0, INF], [5.0, 5.0, 3.0, 3.0]),
    lambda x: np.interp([0.5, -7], np.stack([-INF, x[0] - 2, x[0]]), [1.0, 2.0, 3.0]),
    lambda x: np.choose([0, 1, 0], [x[0], [1.0, 2.0, 3.0]]),
    lambda x: np.linalg.norm(x, 0),
])
def test_values_and_gradients_are_numpys(f):
    x = np.array([1.0, -3.0])
    check_values(f, x)
    check_gradients(f, x)


@pytest.mark.parametrize(("f", "arrays"), [
    (lambda x: np.piecewise(x, x < 1, [lambda v: v * np.float64(3), 1]), [np.ones(2, np.float32)]),
    (lambda x: np.piecewise(x, x < 2, [lambda v: v / 2]), [np.array([1, 4])]),
    (lambda a, x: np.linalg.multi_dot([a, a, x]),   [ONES, np.ones((2, 1))]),
    (np.vecdot,                                     [ONES, ONES]),
    (np.linalg.vecdot,                              [np.full(3, 100, np.int8), np.ones(3, np.int8)]),
    *((lambda x, p=p: np.linalg.cond(x, p), [np.stack([np.eye(2), 0 * np.eye(2), NAN * np.eye(2)])[:n]])
      for p, n in ((None, 2), (-2, 2), ("fro", 3), (1, 3), (INF, 3))),
    *((lambda x, p=p: np.linalg.cond(x, p), [x]) for p in (None, -2, "fro", 1)
      for x in (np.array([[0.0, -2], [0, 0]]), np.int8([[100, 50], [3, 90]]))),

    *((lambda x, w=w: np.average(x, weights=w, returned=True), [x])
      for x in (np.uint8([200, 100]), np.float32([20, 10]), np.ones(2, bool))
      for w in (np.uint8([2, 3]), np.float16([2, 3]), [2, 3])),
    (lambda x: np.linspace(x, np.uint8([5]), 3),    [np.uint8([10])]),
    (lambda x: np.linspace(x, np.uint8([5]), 3),    [np.float16([10])]),
    (lambda x: np.linspace(x, 5, 3),                [np.float32([10])]),
    (lambda x: np.logspace(x, np.uint8([1]), 3),    [np.uint8([2])]),
    (lambda x: np.geomspace(x, [1e200, -3e-310, 8], 3), [np.array([1e-200, -1e-310, -1])]),
    *((lambda x, h=h: np.gradient(x, h, edge_order=2), [np.array([1, 2, 4, middle, 3, 9, 5])])
      for middle in (NAN, INF, 1e17) for h in (1, 0.5, np.int8(100))),
    (lambda x: np.interp(x, [1.0, 2.0, 3.0], [3.0, 5.0, NAN]), [np.array([0.0, 1, 1.5, 2, 2.5, 3, 4, NAN])]),
    (lambda x: np.interp(x, [1.0, 2.0, 3.0], [INF, 5.0, 1.0]), [np.array([0.0, 1, 2, 2.5, 3, 4])]),
    *((lambda x, xp=xp, fp=fp: np.interp(x, xp, fp), [np.array([-INF, -2, -1, 0, 0.5, 1, 3, INF, NAN])])
      for xp in ([-INF, 0, 1, INF], [-INF, -1, 1, 2], [-1, 0, 1, INF], [-INF, -INF, INF, INF], [-INF, INF, INF, INF])
      for fp in ([0.0, 0, 1, 1], [1, 2, 4, 8], [INF, INF, 1, 2], [-INF, 3, 3, INF], [NAN, 1, 2, 3])),
    (lambda a: np.linalg.tensorsolve(a, np.zeros((0, 3))), [np.zeros((0, 3, 3, 0))]),
    (lambda a: np.linalg.lstsq(a, np.ones(3), -1),  [np.diag([1, 3e-16, 2])]),
    (lambda a: np.linalg.lstsq(a, np.ones(3), -1),  [np.diag([1, 1e-16, 2])]),
    (lambda a: np.linalg.lstsq(a, np.ones(3), 0),   [np.diag([1, 1e-17, 2])]),
    (lambda a: np.linalg.lstsq(a, np.ones(3), 1),   [np.diag([1, 1e-3, 2])]),
    (lambda x: np.tensordot(x, x, (0, [1])),        [np.array([[1.0, 2.0], [3.0, 5.0]])]),
    (lambda x: np.median(x, [0, 1]),                [np.array([[1.0, 2.0], [3.0, 5.0]])]),
    (lambda x: np.linalg.norm(x, 0),                [np.array([NAN, 1, 0, 5e-324])]),
    (np.unwrap,                                     [np.array([INF, 1, 9])]),
    (np.diff,                                       [np.array([True, False, False])]),
    (lambda x: np.choose([0, 1], [x, 0.5]),         [np.float32([1, 2])]),
    (lambda x: np.choose([0, 1], [x, np.array(0.5)]), [np.float32([1, 2])]),
    (np.modf,                                       [np.array([1, -2])]),
    (np.modf,                                       [np.array([1, -2], np.int8)]),
    *((lambda x, q=q: np.quantile(x, q, 0), [np.array([[3, 1], [2, 2]]) > least])
      for q in (0, 1, [0, 1]) for least in (-1, 1)),
    *((lambda x, q=q: np.quantile(x, q), [np.array([3, 1, 2], np.int8)]) for q in (0, 1, [0, 1], 0.5)),
    *((lambda x, f=f, q=q: f(x, q), [np.float32([1, 2])])
      for f in (np.quantile, np.percentile) for q in (0.5, np.float32(0.5), np.array(0.5), 1, [0, 1])),
])
def test_values_and_dtypes_are_numpys(f, arrays):
    check_values(f, *arrays)
# fmt: on


def test_equal_singular_values_are_kept_together():
    x = np.linalg.qr(np.arange(9).reshape(3, 3) ** 2.0 + np.eye(3))[0] @ np.diag([2, 2, 1.0])
    for f in (lambda x: np.linalg.pinv(x, rcond=0.7), lambda x: np.linalg.lstsq(x, [1.0, 2, 3], 0.7)[0]):
        check_gradients(f, x, order=1)


@pytest.mark.parametrize("f", [np.linalg.cholesky, np.linalg.eigvalsh, lambda x: np.linalg.pinv(x, hermitian=True)])
def test_of_a_symmetric_matrix_the_gradient_is_symmetric(f):
    x = Tensor([[2.0, 0.5], [0.5, 3.0]], requires_grad=True)
    g = gradients(f(x), x, np.arange(f(x).size).reshape(f(x).shape))[0].numpy()
    np.testing.assert_array_equal(g, g.T)
    direction = np.array([[1.0, 2.0], [2.0, -1.0]])
    check_gradients(lambda step: f(np.array([[2.0, 0.5], [0.5, 3.0]]) + step * direction), 0.0)


@pytest.mark.parametrize(("start", "stop"), [(0.1, 0.7), (-1e-5, 3e4), (1e-200, 1e200), (-7.0, -0.3)])
@pytest.mark.parametrize("space", [np.linspace, np.geomspace])
def test_a_space_ends_where_it_is_told_to(space, start, stop):
    if start * stop > 0 or space is np.linspace:
        for n in (2, 3, 7, 50):
            assert space(Tensor(start), stop, n)[[0, -1]].tolist() == [start, stop]
    assert np.logspace(Tensor(0.1), 0.7, 7)[-1] == 10**0.7


@pytest.mark.parametrize("fun", [np.var, np.std])
@pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((0, 3), 0), ((3, 0), 1)])
def test_the_way_back_of_a_deviation_of_nothing_warns_of_nothing(fun, shape, axis):
    x = Tensor(np.ones(shape), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = fun(x, axis=axis)
    y.sum().backward(create_graph=True)
    assert x.grad.shape == shape


def test_a_quantile_by_a_number_of_numpy_has_its_dtype():
    """As NumPy has it now; NumPy 2.0 has float32."""
    assert np.quantile(Tensor(np.float32([1, 2])), np.float64(0.5)).dtype == np.float64


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("f", [np.median, np.nanstd, np.nanvar, np.nanmean])
def test_statistics_of_nothing_are_numpys(f, axis):
    for shape in ((0,), (0, 2)):
        check_values(lambda x: f(x, axis=axis), np.ones(shape))
        x = Tensor(np.ones(shape), requires_grad=True)
        assert gradients(np.sum(f(x, axis=axis)), x)[0].shape == shape


SOME = np.array([[True, False, True], [False, True, True]])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fun", present("sum prod mean var std nansum nanprod nanmean nanvar nanstd"))
@pytest.mark.parametrize("x", [[[1.5, NAN, 3], [2, 4, -1]], [[1.5, 2, 3], [NAN, NAN, 2]], [[INF, 1, 2]] * 2])
def test_what_where_leaves_out_counts_for_nothing(fun, x):
    for axis in (None, 0, 1):
        check_values(lambda x, axis=axis: fun(x, axis=axis, where=SOME), np.array(x))
        t = Tensor(x, requires_grad=True)
        (g,) = gradients(np.sum(fun(t, axis=axis, where=SOME)), t)
        assert not g.numpy()[~SOME].any()


def test_a_largest_element_of_nothing_is_the_initial_one():
    x = Tensor([1.0, 2.0], requires_grad=True)
    assert gradients(np.max(x, initial=2), x)[0].tolist() == [0, 0.5]
    assert gradients(np.max(x, initial=3), x)[0].tolist() == [0, 0]
    assert gradients(np.min(x, initial=9, where=[False, True]), x)[0].tolist() == [0, 1]
    assert gradients(np.min(x.astype("f4"), initial=np.float64(0.1)), x)[0].tolist() == [0, 0]
    nothing = np.max(x[:0], initial=3, where=[])
    assert nothing.item() == 3
    assert gradients(nothing, x)[0].tolist() == [0, 0]


@pytest.mark.parametrize("f", [
    lambda x, d: np.sum(x, dtype=d), lambda x, d: x.sum(0, d), lambda x, d: np.mean(x, dtype=d),
    lambda x, d: np.prod(x, dtype=d), lambda x, d: np.cumsum(x, dtype=d), lambda x, d: np.cumprod(x, 0, d),
    lambda x, d: np.var(x, dtype=d, correction=1), lambda x, d: np.std(x, axis=0, dtype=d, ddof=1, keepdims=True),
])  # fmt: skip
def test_a_reduction_in_another_dtype(f):
    for own, wanted in ((np.float32, np.float64), (np.float16, np.float32), (np.float64, "f4")):
        x = np.array([1, 2, 4], own)
        check_values(lambda x, d=wanted: f(x, d), x)
        t = Tensor(x, requires_grad=True)
        assert gradients(np.sum(f(t, wanted)), t)[0].dtype == own
    with pytest.raises(UnsupportedError, match="no gradient comes back through int64"):
        f(Tensor([1.5, 2.5], requires_grad=True), np.int64)


def test_a_deviation_of_some_is_exact_where_they_are_equal_or_large():
    taken, x = np.array([True, True, False]), Tensor([5.0, 5.0, 9.0], requires_grad=True)
    assert gradients(np.std(x, where=taken), x)[0].tolist() == [0, 0, 0]
    x = Tensor(np.float32([33554432, 33554440, 33554436, 0]), requires_grad=True)
    (g,) = gradients(np.var(x, where=[True, True, True, False]), x)
    np.testing.assert_allclose(g.numpy(), np.array([-4, 4, 0, 0]) * 2 / 3, rtol=1e-6)


def test_sums_without_nan_are_pairwise_as_numpys():
    x = np.where(np.arange(10**6) % 3, np.float32(0.1), NAN).astype(np.float32)
    for f in (np.nansum, np.nanmean):
        np.testing.assert_allclose(f(Tensor(x, requires_grad=True)).item(), f(x.astype(float)), rtol=1e-6)
    x *= np.arange(10**6, dtype=np.float32)
    np.testing.assert_allclose(np.nanstd(Tensor(x, requires_grad=True)).item(), np.nanstd(x.astype(float)), rtol=1e-6)


def test_what_is_added_at_places_is_broadcast():
    for key in ([0, 1, 1], slice(2), np.arange(4) < 2):
        for g in (2.0, np.array([1.0, 3.0]), np.array([[1.0]])):
            expected = np.zeros((4, 2))
            np.add.at(expected, key, g)
            assert ops.scatter_add(np.asarray(g), key, (4, 2)).tolist() == expected.tolist()
            check_gradients(lambda v, key=key: ops.scatter_add(v, key, (4, 2)), g)


HOLES = np.array([[1, NAN, 3], [2, 2, NAN]])
LEAVE_OUT = present("nanmax nanmin nanvar nanstd nansum nanmean nanprod")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", LEAVE_OUT)
def test_what_leaves_nan_out(f):
    for axis in (None, 0, 1):
        for x in (
            HOLES[:, :2],
            np.array([[1, INF], [-INF, NAN]]),
            np.full((2, 1), NAN),
            np.float32([[NAN, 3], [4, 5]]),
        ):
            check_values(lambda x, axis=axis: f(x, axis=axis), x)
        x = Tensor(HOLES[:, :2], requires_grad=True)
        with detect_anomaly():
            gradients(np.sum(f(x, axis=axis)), x)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_rows_of_nan_pass_on_no_nan():
    x = Tensor([[NAN, NAN], [5.0, NAN], [5.0, 5.0]], requires_grad=True)
    for f in (np.nanmax, np.nanmin):
        assert gradients(np.nansum(f(x, axis=1)), x)[0].tolist() == [[0, 0], [1, 0], [0.5, 0.5]]


@pytest.mark.parametrize("f", [
    lambda w: np.meshgrid(w, w)[0],
    lambda w: np.meshgrid(w, w, sparse=True)[1],
    lambda w: np.tile(w, 1),
    lambda w: np.tile(w, (1, 1)),
    lambda w: np.tile(w[:1], 3),
    lambda w: np.tile(w[:1], (2, 3)),
    np.block,
    lambda w: np.block([w]),
])  # fmt: skip
def test_copies_are_copies(f):
    w = Tensor([1.0, 2.0], requires_grad=True)
    y = f(w)
    assert y.numpy().flags.writeable
    assert not np.shares_memory(y.numpy(), w.numpy())


@pytest.mark.parametrize("f", [
    ops.erf, ops.sigmoid, ops.softmax, lambda x: ops.standardize(x, (0,), 0.1), ops.logsumexp,
    lambda x: ops.normalize_columns(np.stack([x, x * x], 1), np.ones(2), np.ones(2), 0.1),
])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_our_own_ops_take_integers_as_float64(f, dtype):
    x = np.array([3, 0, 1]).astype(dtype)
    for y in (f(x), f(Tensor(x)).numpy()):
        np.testing.assert_array_equal(y, f(x.astype(float)), strict=True)


@pytest.mark.parametrize(("fun", "exact"), [(ops.erf, math.erf), (ops.erfc, math.erfc)])
def test_the_error_function_of_many_numbers_is_that_of_each(fun, exact):
    x = np.asfortranarray(np.linspace(-6, 6, 30_000).reshape(100, 300))  # more than are worked on at once
    np.testing.assert_allclose(fun(x), np.vectorize(exact)(x), rtol=1e-13)


def test_a_number_of_python_stays_one():
    assert ops.sigmoid(0) == ops.sigmoid(0.0) == 0.5


def test_extended_precision_is_kept_by_indices():
    x = Tensor(np.array([1, 2], np.longdouble), requires_grad=True)
    g = np.array([1, np.finfo(np.longdouble).eps], np.longdouble)
    (found,) = gradients(x[[0, 0]], x, g)
    assert found.dtype == np.longdouble
    assert found.numpy().tolist() == [g.sum(), 0]


def test_singular_values_of_what_is_infinite_are_unknown():
    x = np.ones((2, 3, 4))
    x[0, 0, 1] = np.inf
    assert np.isnan(np.linalg.svdvals(Tensor(x[0])).numpy()).all()
    assert np.isnan(np.linalg.norm(Tensor(x[0]), "nuc").item())
    unknown, known = np.linalg.svdvals(Tensor(x)).numpy()
    assert np.isnan(unknown).all()
    np.testing.assert_allclose(known, np.linalg.svdvals(x[1]), atol=1e-15)


def test_masks_change_in_place():
    mask = Tensor([True, False])
    same = mask
    mask &= np.array([False, True])
    mask |= np.array([False, True])
    assert mask is same
    assert mask.tolist() == [False, True]


def test_places_of_unsigned_integers_may_fall():
    places = np.array([5, 3, 1], np.uint8)
    assert np.gradient(Tensor([1.0, 4, 9]), places).tolist() == np.gradient([1.0, 4, 9], places).tolist()

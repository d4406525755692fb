"""Values and slopes where a formula that is right on paper loses them: cancelled, overflowed, or rounded away.

What is expected was computed with 50 digits, or is plain from the formula.
"""

import math

import numpy as np
import pytest

from autograd_dl import Tensor, functional, grad, gradients, hessian, ops
from autograd_dl.optim import clip_by_norm, l2_decay

F16, F32, F64 = np.float16, np.float32, np.float64
ROOT_OF_A_SIXTH = 0.4082482905


def value_and_slopes(f, x, dtype, arriving=None):
    """f(x), and what goes back to x."""
    t = Tensor(np.array(x, dtype), requires_grad=True)
    y = f(t)
    (slope,) = gradients(y, t, np.ones(y.shape, dtype) if arriving is None else np.array(arriving, dtype))
    assert y.dtype == slope.dtype == dtype
    return y.tolist(), slope.tolist()


CASES = [
    (lambda x: functional.sigmoid_loss(x, [1]), [16], F32, 1.12535162e-7, [-1.12535149e-7]),
    (lambda x: functional.sigmoid_loss(x, [1]), [36], F64, 2.319522830243569e-16, [-2.319522830243569e-16]),
    (lambda x: functional.sigmoid_loss(x, [0]), [-36], F64, 2.319522830243569e-16, [2.319522830243569e-16]),
    (lambda x: functional.sigmoid_loss(x, [1]), [8], F16, 3.3540637e-4, [-3.3535013e-4]),
    (ops.logsumexp, [1e8, 1e8], F32, 1e8, [0.5, 0.5]),
    (lambda x: np.logaddexp(x, 1e8), 1e8, F32, 1e8, 0.5),
    (lambda x: np.logaddexp2(x, 1e8), 1e8, F32, 1e8, 0.5),
    (functional.elu, -20, F32, -1, 2.06115362e-9),
    (functional.elu, -40, F64, -1, 4.248354255291589e-18),
    (functional.gelu, -5, F32, -1.43325786e-6, -7.146946e-6),
    (functional.gelu, -12.5, F32, -4.66570537e-35, -5.83166855e-34),
    (functional.gelu, -3, F16, -4.04969409e-3, -0.0119456446),
    (functional.sigmoid, -12, F16, 6.1441746e-6, 6.1441746e-6),
    (ops.erfc, [0.5, -2, 10], F64, [0.47950012218695346, 1.9953222650189527, 2.088487583762545e-45],
        [-0.8787825789354448, -0.02066698535409206, -4.197656415794294e-44]),
    (np.std, [1000, 2000, 3000], F16, 816.49658, [-ROOT_OF_A_SIXTH, 0, ROOT_OF_A_SIXTH]),
    (np.std, [1e-4, 2e-4, 3e-4], F16, 8.1649658e-5, [-ROOT_OF_A_SIXTH, 0, ROOT_OF_A_SIXTH]),
    (np.nanstd, [40000, 60000], F16, 10000, [-0.5, 0.5]),
    (np.nanvar, [0, 200] * 4, F16, 10000, [-25, 25] * 4),
    (np.nanmean, [40000, 60000], F16, 50000, [0.5, 0.5]),
    (lambda x: np.average(x, weights=np.array([200, 600], F16)), [400, 200], F16, 250, [0.25, 0.75]),
    (np.log10, 60000, F16, 4.77815125, 7.23824137e-6),
    (functional.leaky_relu, [-2, 0, 3, -math.inf], F32, [-0.02, 0, 3, -math.inf], [0.01, 0.01, 1, 0.01]),
    (np.arcsin, 1 - 2**-30, F64, 1.57075316842202, 23170.4750113156),
    (np.arctanh, 1 - 2**-30, F64, 10.7437812984463, 536870912.25),
    (lambda x: np.linalg.norm(x, 3), [7680, 10240], F16, 11514.73, [0.44485, 0.79085]),
    (lambda x: functional.sum_squared_error(x, [0, 0]), [300, 0], F16, 45000, [300, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x", "dtype", "value", "slope"), CASES)
def test_nothing_is_lost(f, x, dtype, value, slope):
    found_value, found_slope = value_and_slopes(f, x, dtype)
    tolerance = {F16: 4e-3, F32: 2e-6, F64: 1e-9}[dtype]
    np.testing.assert_allclose(found_value, value, rtol=tolerance)
    np.testing.assert_allclose(found_slope, slope, rtol=tolerance, atol=tolerance * np.max(np.abs(slope)) / 8)


@pytest.mark.parametrize(("offset", "dtype"), [(1e3, F32), (1e8, F32), (1e16, F64), (1000, F16)])
def test_log_softmax_does_not_see_an_offset(offset, dtype):
    value, slopes = value_and_slopes(functional.log_softmax, np.full(3, offset), dtype, [1, 0, 0])
    np.testing.assert_allclose(value, -math.log(3), rtol=np.finfo(dtype).eps)
    np.testing.assert_allclose(slopes, [2 / 3, -1 / 3, -1 / 3], rtol=2 * np.finfo(dtype).eps)


def test_log_softmax_of_nothing_and_of_infinities():
    assert functional.log_softmax(np.zeros((2, 0))).shape == (2, 0)
    assert functional.log_softmax(np.array([-np.inf, 1.0])).tolist() == [-np.inf, 0]


def test_the_slope_of_the_targets_does_not_see_an_offset():
    scores = Tensor(np.full((1, 3), 1e8, F32))
    t = Tensor(np.array([[0, 1, 0]], F32), requires_grad=True)
    (slope,) = gradients(functional.softmax_loss(scores, t), t)
    np.testing.assert_allclose(slope.tolist(), [[math.log(3)] * 3], rtol=1e-6)


@pytest.mark.parametrize(
    ("f", "x", "arriving", "slope"),
    [
        (np.linalg.norm, [0.006, 0.008], 1000, [600, 800]),
        (lambda y: 3e4 / y, [100], [300], [-900]),
        (lambda x: np.hypot(x, 400), [300], [1000], [600]),
        (np.prod, [300, 300, 1e-3, 1e-3], 1, [3e-4, 3e-4, 90, 90]),
        (np.cumprod, [1e-3, 300, 300, 0.01], [0, 0, 0, 1], [900, 0.003, 0.003, 90]),
    ],
)
def test_float16_does_not_overflow_on_the_way_back(f, x, arriving, slope):
    np.testing.assert_allclose(value_and_slopes(f, x, F16, arriving)[1], slope, rtol=4e-3)


def test_products_of_some_may_overflow_where_that_of_all_does_not():
    x, one_hot = [0.3] * 60 + [3.0] * 100, np.eye(160)[100]
    slopes = [value_and_slopes(np.cumprod, x, dtype, one_hot)[1] for dtype in (F32, F64)]
    np.testing.assert_allclose(*slopes, rtol=1e-4)
    assert np.all(np.isfinite(slopes))


def test_the_deviation_of_tiny_numbers_has_no_infinite_slope():
    assert value_and_slopes(np.std, [1e-23, 2e-23, 3e-23], F32) == (0, [0, 0, 0])


def test_the_slope_of_a_variance_beside_a_large_mean():
    x = 100 + 0.1 * np.random.default_rng(0).standard_normal((10000, 4)).astype(F32)
    slope, exact = (grad(lambda x: np.sum(np.var(x, axis=0)))(x.astype(dtype)) for dtype in (F32, F64))
    assert np.max(np.abs(slope - exact)) < 1e-5 * np.max(np.abs(exact))


def test_the_curvature_of_sinc_far_away():
    for x in (F16(10), F32(1e5), F64(1e32)):
        assert np.isfinite(grad(grad(np.sinc))(x))


def test_derivatives_of_sinc_where_its_series_ends():
    f, found = np.sinc, []
    for _ in range(3):
        f = grad(f)
        found.append(f(0.155))
    np.testing.assert_allclose(found, [-0.497940197941225388, -3.05912561931743876, 2.93522390772540355], rtol=1e-15)


def test_the_slope_of_a_power_zero_of_tiny_numbers():
    assert grad(lambda x: np.sum(x ** np.array([0, 1], F16)))(F16([1e-5, 1e-5])).tolist() == [0, 1]


@pytest.mark.parametrize(("dtype", "tiny"), [(F16, 1e-3), (F32, 1e-30), (F64, 1e-200), (F64, 0)])
def test_the_curvature_of_a_power_zero_of_tiny_numbers(dtype, tiny):
    x, exponents = np.array([tiny, tiny], dtype), np.array([0, 2], dtype)
    assert hessian(lambda x: np.sum(x**exponents))(x).tolist() == [[0, 0], [0, 2]]


@pytest.mark.parametrize(("f", "curvature"), [(np.arcsin, 1), (np.arccos, -1), (np.arctanh, 2)])
@pytest.mark.parametrize(("dtype", "x"), [(F16, 1e-4), (F32, 1e-6), (F64, 1e-12), (F64, 1e-30)])
def test_the_curvature_of_inverse_functions_near_0(f, curvature, dtype, x):
    x = dtype(x)
    np.testing.assert_allclose(grad(grad(f))(x), curvature * x, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("order", [3, 1.5, -1, -2])
@pytest.mark.parametrize(("dtype", "size"), [(F32, 1e-9), (F32, 1e9), (F64, 1e-90), (F64, 1e90)])
def test_slopes_of_a_norm_whose_powers_are_very_small_or_large(order, dtype, size):
    def f(x):
        return np.linalg.norm(x, order)

    x = np.array([1, -2, 3], dtype)
    tolerance = 1000 * np.finfo(dtype).eps  # the root is rounded: 1 / order is
    np.testing.assert_allclose(grad(f)(dtype(size) * x), grad(f)(x), rtol=tolerance)
    np.testing.assert_allclose(hessian(f)(dtype(size) * x) * dtype(size), hessian(f)(x), rtol=tolerance)


@pytest.mark.parametrize("f", [lambda x: np.linalg.norm(x, "nuc"), lambda x: np.linalg.svd(x)[0][0, 0] * x[0, 0]])
@pytest.mark.parametrize(("dtype", "size"), [(F32, 2.0**-70), (F32, 2.0**70), (F64, 2.0**600)])
def test_slopes_of_singular_values_whose_squares_are_very_small_or_large(f, dtype, size):
    x = np.array([[1, 2], [3, -1]], dtype)
    np.testing.assert_allclose(grad(f)(dtype(size) * x), grad(f)(x), rtol=64 * np.finfo(dtype).eps)


def test_the_curvature_of_a_layer_norm_in_float16():
    def f(x):
        return np.sum(functional.layer_norm(x, np.ones(3, x.dtype), np.zeros(3, x.dtype)) ** 3)

    assert hessian(f)(np.ones(3, F16)).tolist() == [[0, 0, 0]] * 3


def test_gradients_of_float16_are_scaled_in_float32():
    large = np.full(10**6, 6e4, F16)
    assert set(clip_by_norm({"w": large}, 1)["w"].tolist()) == {F16(1e-3)}
    penalised = l2_decay({"w": np.zeros(1, F16)}, {"w": np.array([6e4], F16)}, 2e-8)
    np.testing.assert_allclose(penalised["w"], 1.2e-3, rtol=1e-3)

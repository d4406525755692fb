"""Where a function has no derivative, or a formula for it breaks down: exact numbers, worked out by hand."""

import math

import numpy as np
import pytest

from autograd_dl import Tensor, functional, gradients, hvp, ops
from autograd_dl.testing import check_gradients

INF, NAN = np.inf, np.nan


def slopes(f, *arrays):
    """The gradient of sum(f) with respect to each array, as lists."""
    inputs = [Tensor(np.array(x, float), requires_grad=True) for x in arrays]
    with np.errstate(divide="ignore"):
        y = f(*inputs)
    return [g.tolist() for g in gradients(y, inputs, np.ones(y.shape))]


# fmt: off
@pytest.mark.parametrize(("f", "x", "slope"), [
    (ops.relu,                             [-1, 0, 2],          [0, 0, 1]),
    (lambda x: np.maximum(x, 0),           [-1, 0, 2],          [0, 0.5, 1]),
    (functional.softplus,                  [-INF, 0, INF],      [0, 0.5, 1]),
    (functional.elu,                       [-INF, 0, 2, INF],   [0, 1, 1, 1]),
    (lambda x: functional.elu(x, 0.5),     [0, 2],              [0.5, 1]),
    (functional.leaky_relu,                [-INF, 0, 2, INF],   [0.01, 0.01, 1, 1]),
    (np.abs,                               [-2, 0, 3],          [-1, 0, 1]),
    (np.fabs,                              [-2, 0, 3],          [-1, 0, 1]),
    (np.sqrt,                              [0, 4],              [INF, 0.25]),
    (np.cbrt,                              [0, 8],              [INF, 1 / 12]),
    (np.sinc,                              [0, 1],              [0, -1]),
    (lambda x: x**0,                       [0, 2],              [0, 0]),
    (lambda x: x**1,                       [0, 2],              [1, 1]),
    (lambda x: x**2,                       [0, 2],              [0, 4]),
    (lambda x: x**0.5,                     [0, 4],              [INF, 0.25]),
    (lambda x: x ** np.array([0, 1, 2]),   [0, 0, 0],           [0, 1, 0]),
    (lambda y: 0.0**y,                     [1, 2],              [0, 0]),
    (lambda y: np.array([0.0, 1]) ** y,    [3, 3],              [0, 0]),
    (lambda x: np.clip(x, 0, 1),           [-1, 0, 0.5, 1, 2],  [0, 1, 1, 1, 0]),
    (lambda low: np.clip([0.0, 1], low, 2), [0, 2],             [0, 1]),
    (lambda high: np.clip([0.0, 1], -1, high), [0, 0],          [0, 1]),
    (np.nan_to_num,                        [NAN, INF, -INF, 1], [0, 0, 0, 1]),
    (lambda y: np.heaviside([-1, 0, 1], y), [5, 5, 5],          [0, 1, 0]),

    (np.floor,                             [-1, 0, 0.5],        [0, 0, 0]),
    (np.ceil,                              [-1, 0, 0.5],        [0, 0, 0]),
    (np.trunc,                             [-1, 0, 0.5],        [0, 0, 0]),
    (np.rint,                              [-1, 0, 0.5],        [0, 0, 0]),
    (np.round,                             [-1, 0, 0.5],        [0, 0, 0]),
    (np.sign,                              [-1, 0, 0.5],        [0, 0, 0]),
    (lambda x: x // 2,                     [-1, 0, 4],          [0, 0, 0]),
    (lambda x: x % 2,                      [-1, 0, 4],          [1, 1, 1]),
    (lambda y: np.remainder(1.0, y),       [0.1, 2],            [-9, 0]),
    (lambda y: np.fmod(1.0, y),            [0.1, 2],            [-9, 0]),
    (lambda x: np.arctan2(x, np.array([100], np.int8)), [100],  [0.005]),
    (lambda y: np.power(np.array([3], np.int8), y), [2],        [9 * math.log(3)]),
    (lambda y: np.power(np.array([3], np.float16), y), [2],     [9 * math.log(3)]),

    (np.max,                               [1, 3, 3],           [0, 0.5, 0.5]),
    (np.min,                               [2, 2, 3, 2, 2],     [0.25, 0.25, 0, 0.25, 0.25]),
    (lambda x: np.max(x, axis=0),          [[1, 3], [1, 2]],    [[0.5, 1], [0.5, 0]]),
    (np.ptp,                               [3, 3, 3],           [0, 0, 0]),
    (np.median,                            [1, 5, 2, 3],        [0, 0, 0.5, 0.5]),
    (np.median,                            [0, 1, INF],         [0, 1, 0]),
    (np.median,                            [0, 1, 2, INF],      [0, 0.5, 0.5, 0]),
    (lambda x: np.quantile(x, 1),          [0, INF],            [0, 1]),
    (lambda x: np.modf(x)[0],              [INF, -INF, -1.5, -2], [0, 0, 1, 1]),
    (lambda y: np.power(10**30, y), [0],            [30 * math.log(10)]),
    (np.sort,                              [2, 2, 1],           [1, 1, 1]),
    (np.std,                               [7, 7, 7],           [0, 0, 0]),
    (np.std,                               [0.1, 0.1, 0.1],     [0, 0, 0]),
    (np.nanstd,                            [0.1, NAN, 0.1],     [0, 0, 0]),
    (lambda x: np.std(x, axis=1),          [[5, 5], [0, 2]],    [[0, 0], [-0.5, 0.5]]),
    (np.linalg.norm,                       [0, 0],              [0, 0]),
    (np.linalg.norm,                       [[0, 0], [0, 0]],    [[0, 0], [0, 0]]),
    (lambda x: np.linalg.norm(x, axis=1),  [[0, 0], [3, 4]],    [[0, 0], [0.6, 0.8]]),
    (lambda x: np.linalg.norm(x, 1),       [0, -2],             [0, -1]),
    (lambda x: np.linalg.norm(x, 3),       [0, 0],              [0, 0]),
    (lambda x: np.linalg.norm(x, 3),       [0, 2],              [0, 1]),
    (lambda x: np.linalg.norm(x, 3),       [1e-200, 0],         [0, 0]),
    (lambda x: np.linalg.norm(x, 0.5),     [0, 2],              [0, 1]),
    (lambda x: np.linalg.norm(x, -1),      [0, 2],              [0, 0]),
    (lambda x: np.linalg.norm(x, 0),       [0, 2],              [0, 0]),
    (lambda x: np.linalg.norm(x, 2),       [[0, 0], [0, 0]],    [[0, 0], [0, 0]]),
    (lambda x: np.linalg.norm(x, -2),      [[0, 0, 0]] * 2,     [[0, 0, 0]] * 2),
    (lambda x: np.linalg.norm(x, "nuc"),   [[0, 0], [0, 0]],    [[0, 0], [0, 0]]),
    (lambda x: np.linalg.norm(x, "nuc"),   [[2, 0], [0, 0]],    [[1, 0], [0, 0]]),
    (lambda y: np.power(0.0, y),           [-1, 0, 2],          [0, 0, 0]),
    (lambda y: np.power(np.zeros(3), y),   [-1, 0, 2],          [0, 0, 0]),
    (lambda y: np.float_power(0, y),       [-1, 0, 2],          [0, 0, 0]),
    (np.prod,                              [2, 0, 3],           [0, 6, 0]),
    (np.prod,                              [0, 0, 3],           [0, 0, 0]),
    (lambda x: np.prod(x, axis=0),         [[2, 0], [0, 5]],    [[0, 5], [2, 0]]),
    (np.cumprod,                           [2, 0, 3],           [1, 8, 0]),
    (np.cumprod,                           [0, 0, 3],           [1, 0, 0]),
    (ops.logsumexp,                        [-INF, 0],           [0, 1]),
    (ops.logsumexp,                        [-INF, -INF],        [0, 0]),
    (ops.logsumexp,                        [INF, 1, INF],       [0.5, 0, 0.5]),
    (np.linalg.det,                        [[1, 2], [2, 4]],    [[4, -2], [-2, 1]]),
    (np.linalg.det,                        [[0, 0], [0, 0]],    [[0, 0], [0, 0]]),
    (np.linalg.det,                        [[[0, 0], [0, 5]], [[2, 0], [0, 1]]], [[[5, 0], [0, 0]], [[1, 0], [0, 2]]]),
    (lambda x: np.linalg.slogdet(x)[1],    [[[1, 2], [2, 4]], [[2, 0], [0, 4]]],
        [[[NAN, NAN], [NAN, NAN]], [[0.5, 0], [0, 0.25]]]),
    (lambda x: np.linalg.qr(x)[1],         [[[1, 0], [0, 0]], [[1, 0], [0, 1]]], [[[NAN] * 2] * 2, [[1, 1], [1, 1]]]),
    (lambda x: np.linalg.eigh(x)[0],       [[1, 0], [0, 1]],    [[1, 0], [0, 1]]),
    (lambda x: np.sum(np.linalg.svdvals(x)), [[2, 0], [0, 2]],  [[1, 0], [0, 1]]),
    (lambda x: np.interp(x, [0, 1, 2], [0, 1, 3]), [-1, 0, 1, 2, 3], [0, 1, 2, 2, 0]),
])
def test_one_argument(f, x, slope):
    (found,) = slopes(f, x)
    np.testing.assert_allclose(found, slope, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("f", "x", "y", "slope_x", "slope_y"), [
    (np.maximum,  [1, 2, 3],       [1, 5, 0],       [0.5, 0, 1],    [0.5, 1, 0]),
    (np.minimum,  [1, 2, 3],       [1, 5, 0],       [0.5, 1, 0],    [0.5, 0, 1]),
    (np.fmax,     [1, NAN, 3],     [1, 5, NAN],     [0.5, 0, 1],    [0.5, 1, 0]),
    (np.fmin,     [1, NAN, 3],     [1, 5, NAN],     [0.5, 0, 1],    [0.5, 1, 0]),
    (np.fmax,     [NAN],           [NAN],           [0.5],          [0.5]),
    (np.logaddexp, [-INF, -INF, INF], [-INF, 0, 0], [0, 0, 1],      [0, 1, 0]),
    (np.logaddexp2, [-INF, -INF, 0], [-INF, 0, INF], [0, 0, 0],     [0, 1, 1]),
    (np.arctan2,  [0],             [0],             [0],            [0]),
    (np.hypot,    [0, 3],          [0, 4],          [0, 0.6],       [0, 0.8]),
    (np.power,    [0, 0, 2],       [3, 0, 3],       [0, 0, 12],     [0, 0, 8 * math.log(2)]),
    (lambda x, y: np.where([True, False], x, y), [NAN, 1], [1, NAN], [1, 0], [0, 1]),
])
def test_two_arguments(f, x, y, slope_x, slope_y):
    found_x, found_y = slopes(f, x, y)
    np.testing.assert_allclose(found_x, slope_x, rtol=1e-12)
    np.testing.assert_allclose(found_y, slope_y, rtol=1e-12)
# fmt: on


def test_the_slope_of_sinc_is_that_of_its_formula_as_far_as_the_series_goes():
    x = np.array([-0.159, 0.1, 0.159])
    np.testing.assert_allclose(slopes(np.sinc, x), [(np.cos(np.pi * x) - np.sinc(x)) / x], rtol=2e-14)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e300, 0.0])
def test_the_standard_deviation_of_equal_numbers_has_no_slope(value):
    assert slopes(np.std, np.full(3, value)) == [[0, 0, 0]]


@pytest.mark.parametrize(("x", "slope"), [
    ([[-INF, -INF], [-INF, -INF]],          [[1, 1], [1, 1]]),
    ([[-INF, 1], [NAN, -INF]],              [[1, 1], [1, 1]]),
    ([[1, 2, 3], [NAN, INF, NAN], [-INF, -INF, NAN]], [[1, 0, 1], [1, 0, 1], [0, 0, 0]]),
    ([[INF, NAN, NAN], [1, -INF, -INF], [1, -INF, -INF]], [[1, 1, 0], [1, 1, 0], [0, 0, 0]]),
])  # fmt: skip
def test_the_padding_of_a_pool_wins_nowhere_and_the_first_nan_does(x, slope):
    (found,) = slopes(lambda x: ops.max_pool2d(x, 2, 2, 1), [[x]])
    assert found == [[slope]]


def test_a_pool_of_integers():
    for images in (np.arange(16).reshape(1, 1, 4, 4), Tensor(np.arange(16).reshape(1, 1, 4, 4))):
        assert ops.max_pool2d(images, 2, 2).tolist() == [[[[5, 7], [13, 15]]]]


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_])
def test_the_padding_of_a_pool_of_integers_is_never_the_largest(dtype):
    low, high = (-3, -1) if dtype is np.int64 else (0, 1)
    images = np.array([[low, low], [low, high]], dtype).reshape(1, 1, 2, 2)
    pooled = ops.max_pool2d(images, 2, 2, 1)
    assert pooled.dtype == dtype
    assert pooled.tolist() == images.tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("f", [np.arcsinh, np.arccosh])
def test_inverse_hyperbolic_functions_of_numbers_whose_squares_overflow(f, dtype):
    x = Tensor(np.sqrt(np.array(np.finfo(dtype).max)) * 1.2, requires_grad=True)
    (found,) = gradients(f(x), x)
    assert float(found * x) == pytest.approx(1, rel=1e-2)


@pytest.mark.parametrize("vectors", ["eigh", "svd"])
def test_between_equal_values_vectors_have_a_finite_gradient(vectors):
    fun = {"eigh": lambda x: np.linalg.eigh(x)[1], "svd": lambda x: np.linalg.svd(x)[0]}[vectors]
    assert np.isfinite(slopes(fun, np.eye(3))).all()
    assert np.isfinite(slopes(fun, np.zeros((3, 3)))).all()


@pytest.mark.parametrize("variance", [np.var, np.nanvar])
def test_the_variance_of_equal_numbers_is_smooth(variance):
    check_gradients(variance, np.full(3, 0.1))


def test_the_mixed_second_derivative_of_a_power_where_the_exponent_is_0():
    x, y = (Tensor([v], requires_grad=True) for v in (2.0, 0.0))
    for first, second in ((x, y), (y, x)):
        (g,) = gradients(x**y, first, np.ones(1), create_graph=True)
        (h,) = gradients(g, second, np.ones(1))
        assert h.tolist() == [0.5]


def test_a_singular_matrix_of_a_stack_leaves_the_second_derivative_of_the_others():
    x, v = np.stack([np.eye(2), np.zeros((2, 2))]), np.zeros((2, 2, 2))
    v[0, 0, 1] = 1
    (found,) = hvp(lambda x: np.sum(np.linalg.det(x)), (x,), (v,))
    assert found[0].tolist() == [[0, 0], [-1, 0]]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("x", [[[NAN, 0], [0, 0]], [[INF, 0], [0, 0]], [[NAN, 1], [1, 2]]])
def test_the_slope_of_a_determinant_of_what_is_unknown_is_unknown(x):
    (found,) = slopes(np.linalg.det, [[[1, 2], [2, 4]], x])
    np.testing.assert_allclose(found, [[[4, -2], [-2, 1]], [[NAN] * 2] * 2])


@pytest.mark.parametrize("n", [3000, 100_000])
def test_many_numbers_in_float16(n):
    x = np.zeros(n, np.float16)
    for f in (np.max, np.mean, np.nanmean, ops.logsumexp):
        (g,) = gradients(f(t := Tensor(x, requires_grad=True)), t)
        np.testing.assert_allclose(g.numpy().astype(float), 1 / n, rtol=1e-2)
    x[:2] = -3, 5
    assert np.median(Tensor(x)).item() == 0
    assert np.linalg.norm(Tensor(np.full(4, 300, np.float16))).item() == 600
    patches = Tensor(np.ones((n, 4), np.float16))
    assert ops.col2im(patches, (1, 1, 2, n + 1), 2, 2).numpy().max() == 2


@pytest.mark.parametrize(("shape", "ord", "axis"), [
    ((0,), INF, None), ((0, 0), 1, None), ((0, 0), 2, None), ((0, 0), INF, None), ((0, 3), 2, None),
    ((0, 3), INF, None), ((3, 0), 1, None), ((3, 0), 2, None), ((3, 0), INF, 1), ((3, 0), INF, -1),
    ((0, 2, 3), INF, (1, 2)),
])  # fmt: skip
def test_the_largest_of_no_numbers_is_a_norm_of_0(shape, ord, axis):
    x = Tensor(np.zeros(shape), requires_grad=True)
    y = np.linalg.norm(x, ord, axis)
    assert not np.any(y.numpy())
    y.sum().backward()
    assert x.grad.shape == shape


def test_a_float16_gradient_of_cumsum_is_summed_in_float32():
    x = Tensor(np.ones(5000, np.float16), requires_grad=True)
    np.cumsum(x).backward(np.ones(5000, np.float16))
    np.testing.assert_array_equal(x.grad.numpy(), np.arange(5000, 0, -1).astype(np.float16))

"""The layers: that they are the book's formulas, and their gradients numerical ones; and what they refuse."""

import itertools

import numpy as np
import pytest

from autograd_dl import Tensor, gradients, nn
from autograd_dl.errors import GraphError, ShapeError
from autograd_dl.functional import batch_norm, conv_transpose2d, dropout
from autograd_dl.ops import im2col
from autograd_dl.testing import check_gradients

rng = np.random.default_rng(0)
X = rng.standard_normal((4, 3))
W = rng.standard_normal((3, 2))
B = rng.standard_normal(2)
IMAGES = rng.standard_normal((2, 3, 5, 5))
FILTERS = rng.standard_normal((2, 3, 3, 3))
GAMMA, BETA = rng.standard_normal((2, 3))


def test_the_purchase_of_apples_and_oranges():
    apple, apples, orange, oranges, tax = (Tensor(v, requires_grad=True) for v in (100, 2, 150, 3, 1.1))
    price = nn.MulLayer().forward(
        nn.AddLayer().forward(nn.MulLayer().forward(apple, apples), nn.MulLayer().forward(orange, oranges)), tax
    )
    assert float(price) == pytest.approx(715)
    price.backward()
    found = [float(t.grad) for t in (apples, apple, orange, oranges, tax)]
    assert found == pytest.approx([110, 2.2, 3.3, 165, 650])


def convolution_of_the_book(x, w, b, stride, pad):
    rows = im2col(x, *w.shape[2:], stride, pad)
    size = (x.shape[2] + 2 * pad - w.shape[2]) // stride + 1
    return (rows @ w.reshape(len(w), -1).T + b).reshape(len(x), size, size, -1).transpose(0, 3, 1, 2)


def pooling_of_the_book(x, size, stride):
    rows = im2col(x, size, size, stride).reshape(-1, size * size).max(1)
    side = (x.shape[2] - size) // stride + 1
    return rows.reshape(len(x), side, side, x.shape[1]).transpose(0, 3, 1, 2)


def normalized(x):
    return GAMMA * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-6) + BETA


FORMULAS = {
    "relu": (nn.Relu(), lambda x: x * (x > 0), X),
    "sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x)), X),
    "tanh": (nn.Tanh(), np.tanh, X),
    "affine": (nn.Affine(W, B), lambda x: x @ W + B, X),
    "affine of images": (nn.Affine(W, B), lambda x: x.reshape(4, 3) @ W + B, X.reshape(4, 1, 1, 3)),
    "batch normalization": (nn.BatchNormalization(GAMMA, BETA), normalized, X),
    "layer normalization": (
        nn.LayerNormalization(GAMMA, BETA),
        lambda x: GAMMA * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-6) + BETA,
        X,
    ),
    "convolution": (nn.Convolution(FILTERS, B), lambda x: convolution_of_the_book(x, FILTERS, B, 1, 0), IMAGES),
    "convolution with stride and pad": (
        nn.Convolution(FILTERS, 0, stride=2, pad=1),
        lambda x: convolution_of_the_book(x, FILTERS, 0, 2, 1),
        IMAGES,
    ),
    "pooling": (nn.Pooling(2, 2), lambda x: pooling_of_the_book(x, 2, 2), IMAGES),
    "pooling that overlaps": (nn.Pooling(3, 3, stride=1), lambda x: pooling_of_the_book(x, 3, 1), IMAGES),
}


@pytest.mark.parametrize(("layer", "formula", "x"), FORMULAS.values(), ids=FORMULAS)
def test_a_layer_is_its_formula(layer, formula, x):
    y = layer(Tensor(x))
    np.testing.assert_allclose(y.numpy(), formula(x), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(layer.forward(Tensor(x)).numpy(), y.numpy())
    check_gradients(layer, x, directions=1)


PARAMETERS = {
    "affine": (lambda x, w, b: nn.Affine(w, b)(x), X, W, B),
    "batch normalization": (lambda x, g, b: nn.BatchNormalization(g, b)(x), X, GAMMA, BETA),
    "batch normalization of images": (lambda x, g, b: nn.BatchNormalization(g, b)(x), IMAGES, GAMMA, BETA),
    "at test time": (lambda x, g, b: nn.BatchNormalization(g, b, 0.9, BETA, GAMMA**2)(x, False), X, GAMMA, BETA),
    "convolution": (lambda x, w, b: nn.Convolution(w, b, 1, 1)(x), IMAGES, FILTERS, B),
    "lstm": (
        lambda *a: nn.LSTM(*a[1:])(a[0])[0],
        *(rng.standard_normal(s) * 0.5 for s in ((2, 3, 2), (2, 8), (2, 8), (8,))),
    ),
}


@pytest.mark.parametrize("case", PARAMETERS.values(), ids=PARAMETERS)
def test_gradients_of_parameters(case):
    check_gradients(*case, directions=1)


def test_softmax_with_loss():
    layer, t = nn.SoftmaxWithLoss(), np.array([0, 2, 1, 1])
    loss = layer.forward(Tensor(X, requires_grad=True), t)
    p = np.exp(X) / np.exp(X).sum(1, keepdims=True)
    np.testing.assert_allclose(layer.y, p)
    assert float(loss) == float(layer.loss) == pytest.approx(-np.log(p[np.arange(4), t]).mean())


class TestDropout:
    def test_the_mean_stays(self):
        y = nn.Dropout(0.25, seed=0).forward(np.ones((100, 100), np.float32))
        assert set(np.unique(y)) == {0, np.float32(1 / 0.75)}
        assert y.dtype == np.float32
        assert (y == 0).mean() == pytest.approx(0.25, abs=0.02)

    def test_at_test_time_nothing_happens(self):
        x = Tensor(X)
        assert nn.Dropout(0.5)(x, train_flg=False) is x

    def test_scaled_at_test_time_as_in_the_book(self):
        layer = nn.Dropout(0.25, scale_at_test=True, seed=0)
        assert set(np.unique(layer(np.ones((50, 50))).round(12))) == {0, 1}
        np.testing.assert_allclose(layer(X, train_flg=False), 0.75 * X)

    def test_a_seed_gives_the_same_masks(self):
        a, b = nn.Dropout(seed=1), nn.Dropout(seed=1)
        first = a(X)
        np.testing.assert_array_equal(first, b(X))
        assert not np.array_equal(a(X), first)

    def test_gradients_pass_where_numbers_do(self):
        x = Tensor(np.ones((5, 5)), requires_grad=True)
        y = nn.Dropout(seed=0)(x)
        np.testing.assert_array_equal(gradients(y.sum(), x)[0].numpy(), y.numpy())

    @pytest.mark.parametrize("ratio", [1, -0.1, float("nan"), "a", None])
    def test_a_ratio_that_is_none_is_refused(self, ratio):
        with pytest.raises(ValueError, match="a number of at least 0 and less than 1"):
            nn.Dropout(ratio)
        with pytest.raises(ValueError, match="a number of at least 0 and less than 1"):
            dropout(X, ratio)


class TestBatchNormalization:
    def test_running_statistics(self):
        layer = nn.BatchNormalization(np.ones(3), np.zeros(3), momentum=0.8)
        layer(X)
        np.testing.assert_allclose(layer.running_mean, 0.2 * X.mean(0))
        np.testing.assert_allclose(layer.running_var, 0.2 * X.var(0))
        mean, var = layer.running_mean.copy(), layer.running_var.copy()
        y = layer(X, train_flg=False)
        np.testing.assert_allclose(y, (X - mean) / np.sqrt(var + 1e-6))
        np.testing.assert_array_equal(layer.running_mean, mean)

    def test_statistics_that_are_given_are_used(self):
        y = nn.BatchNormalization(GAMMA, BETA, running_mean=BETA, running_var=GAMMA**2)(X, train_flg=False)
        np.testing.assert_allclose(y, GAMMA * (X - BETA) / np.sqrt(GAMMA**2 + 1e-6) + BETA)

    def test_images_by_channel_or_each_activation_by_itself(self):
        y = nn.BatchNormalization(np.ones(3), np.zeros(3))(IMAGES)
        np.testing.assert_allclose(y.mean((0, 2, 3)), 0, atol=1e-12)
        np.testing.assert_allclose(y.var((0, 2, 3)), 1, rtol=1e-4)
        y = nn.BatchNormalization(np.ones(75), np.zeros(75), per_activation=True)(IMAGES)
        assert y.shape == IMAGES.shape
        np.testing.assert_allclose(y.mean(0), 0, atol=1e-12)

    @pytest.mark.parametrize("train", [True, False])
    @pytest.mark.parametrize(("given", "missing"), [("running_mean", "running_var"), ("running_var", "running_mean")])
    def test_half_of_the_statistics_is_refused(self, given, missing, train):
        half = {given: np.ones(3)}
        message = f"both running_mean and running_var or neither, but {missing} is missing"
        with pytest.raises(ShapeError, match=message):
            nn.BatchNormalization(GAMMA, BETA, **half)(X, train)
        with pytest.raises(ShapeError, match=message):
            batch_norm(X, GAMMA, BETA, **half, train=train)

    @pytest.mark.parametrize("per_activation", [False, True])
    def test_integers_and_lists_are_taken_as_floats(self, per_activation):
        x = rng.integers(256, size=(4, 3, 2, 2), dtype=np.uint8)
        ones, zeros = np.ones((2, 12 if per_activation else 3)) * [[1], [0]]
        layers = [nn.BatchNormalization(ones, zeros, per_activation=per_activation) for _ in range(3)]
        for train in (True, False):
            expected, *others = (f(a, train) for f, a in zip(layers, (x.astype(float), x, x.tolist()), strict=True))
            for y in others:
                np.testing.assert_array_equal(y, expected)
        assert layers[1].running_mean.dtype == np.float64

    def test_other_shapes_are_refused(self):
        with pytest.raises(ShapeError, match=r"batch_norm takes \(N, D\) or images \(N, C, H, W\), not \(2, 3, 4\)"):
            nn.BatchNormalization(np.ones(3), np.zeros(3))(np.ones((2, 3, 4)))


def test_a_layer_of_ones_own_has_no_backward():
    with pytest.raises(TypeError, match=r"Twice\.backward would never be called.* ops\.primitive and ops\.defvjp"):

        class Twice(nn.Layer):
            def forward(self, x):
                return 2 * x

            def backward(self, dout):
                return 2 * dout

    class ByTheBook:
        def forward(self, x):
            return 2 * x

        def backward(self, dout):
            return 2 * dout

    with pytest.raises(TypeError, match=r"Twice\.backward would never be called"):
        type("Twice", (ByTheBook, nn.Layer), {})


def test_backward_says_what_to_write_instead():
    for layer in (nn.Affine(W, B), nn.Relu(), nn.SoftmaxWithLoss()):
        words = f"{type(layer).__name__} has no backward of its own.*requires_grad=True.*call backward"
        with pytest.raises(GraphError, match=words):
            layer.backward(1)


@pytest.mark.parametrize("kind", [np.asarray, Tensor])
@pytest.mark.parametrize(("w", "b"), [((4, 5), (5,)), ((3, 5), (4,))])
def test_an_affine_layer_that_does_not_fit_says_the_same_of_arrays_and_tensors(kind, w, b):
    with pytest.raises(ShapeError) as caught:
        nn.Affine(kind(np.ones(w)), np.ones(b))(np.ones((2, 3)))
    assert str(caught.value) == f"affine takes x of shape (N, D), W (D, M) and b (M,), not (2, 3), {w} and {b}"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match="a filter of size 3 with stride 1 does not fit an input of size 2 with pad 0"):
        nn.Convolution(FILTERS, B)(IMAGES[:, :, :2, :2])
    with pytest.raises(ShapeError, match=r"take images .* of 3 channels, not of shape \(2, 2, 5, 5\)"):
        nn.Convolution(FILTERS, B)(IMAGES[:, :2])
    with pytest.raises(ShapeError, match="would see nothing but padding"):
        nn.Pooling(2, 2, pad=2)(IMAGES)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_dtype_stays(dtype):
    x, images = X.astype(dtype), IMAGES.astype(dtype)
    g, b, w, f = (a.astype(dtype) for a in (GAMMA, BETA, W, FILTERS))
    layers = [
        (nn.BatchNormalization(g, b), x), (nn.BatchNormalization(g, b), images), (nn.LayerNormalization(g, b), x),
        (nn.Dropout(seed=0), x), (nn.Affine(w, b[:2]), x), (nn.Pooling(2, 2), images),
        (nn.Convolution(f, b[:2]), images),
    ]  # fmt: skip
    for layer, values in layers:
        for train in [True, False] if isinstance(layer, nn.BatchNormalization) else [None]:
            t = Tensor(values, requires_grad=True)
            y = layer(t) if train is None else layer(t, train)
            assert y.dtype == gradients(y.sum(), t)[0].dtype == dtype


@pytest.mark.parametrize(
    ("name", "shapes"),
    [("gamma", (48, 3, 3, 3)), ("beta", (3, 48, 3, 3)), ("running_mean", (3, 3, 4, 3)), ("running_var", (3, 3, 3, 4))],
)
def test_batch_normalization_of_other_features_is_refused_and_changes_nothing(name, shapes):
    arrays = [np.ones(n) for n in shapes]
    with pytest.raises(ShapeError, match=rf"a {name} for each of the 3 features or channels.*per_activation=True"):
        batch_norm(rng.standard_normal((2, 3, 4, 4)), *arrays)
    for a in arrays:
        np.testing.assert_array_equal(a, 1)


def test_biases_of_a_transposed_convolution_that_are_too_many():
    with pytest.raises(ShapeError, match=r"3 channels have as many biases, not \(2,\)"):
        conv_transpose2d(rng.standard_normal((1, 2, 3, 3)), FILTERS, B)


@pytest.mark.parametrize("stride", [1.5, 2.0, (1, 1, 1), "2", None])
def test_a_stride_that_is_no_whole_number_is_refused(stride):
    for f in (lambda: nn.Convolution(FILTERS, B, stride).forward(IMAGES), lambda: im2col(IMAGES, 3, 3, stride)):
        with pytest.raises(ShapeError, match="a whole number, or a pair of them for"):
            f()


def test_a_convolution_of_several_dtypes_is_in_that_of_numpys_arithmetic():
    exact = nn.Convolution(FILTERS, B).forward(IMAGES)
    for kinds in itertools.permutations(("float16", "float32", "float64")):
        values = zip((IMAGES, FILTERS, B), kinds, strict=True)
        x, w, b = tensors = [Tensor(a, requires_grad=True, dtype=kind) for a, kind in values]
        y = nn.Convolution(w, b).forward(x)
        assert y.dtype == np.float64
        np.testing.assert_allclose(y.numpy(), exact, atol=0.05)
        assert [g.dtype for g in gradients(y.sum(), tensors)] == list(kinds)
    assert nn.Convolution(FILTERS.astype("f"), B.astype("f")).forward(IMAGES.astype("e")).dtype == np.float32
    mixed = nn.Convolution(FILTERS.astype("f"), B.astype("f")).forward(IMAGES)
    single = nn.Convolution(FILTERS.astype("f").astype("d"), B.astype("f").astype("d")).forward(IMAGES)
    np.testing.assert_array_equal(mixed, single)


def test_no_image_has_no_scores():
    assert nn.Affine(W, B).forward(np.zeros((0, 3, 1, 1))).shape == (0, 2)


def test_an_lstm_goes_on_from_the_state_and_the_cell_that_it_is_given():
    rng = np.random.default_rng(0)
    layer = nn.LSTM(rng.standard_normal((2, 12)), rng.standard_normal((3, 12)), rng.standard_normal(12))
    xs = rng.standard_normal((4, 5, 2))
    whole, h, c = layer(xs)
    first, h1, c1 = layer(xs[:, :2])
    rest, h2, c2 = layer(xs[:, 2:], h1, c1)
    np.testing.assert_allclose(np.concatenate([first, rest], axis=1), whole)
    np.testing.assert_allclose([h2, c2], [h, c])


def test_windows_of_a_pooling_layer_have_a_height_and_a_width():
    x = np.arange(24.0).reshape(1, 1, 4, 6)
    assert nn.Pooling(1, 3)(x).tolist() == [[[[2, 4], [14, 16]]]]
    assert nn.Pooling(2, 1, stride=2)(x)[0, 0].tolist() == [[6, 8, 10], [18, 20, 22]]
    assert nn.Pooling(2, 3, stride=(2, 3), pad=(1, 0))(x).shape == (1, 1, 3, 2)

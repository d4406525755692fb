import re

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, gradients, nn, ops
from autograd_dl import functional as F  # noqa: N812 -- the name that readers know
from autograd_dl.errors import DataError, DTypeError, ShapeError
from autograd_dl.evaluation import correct, predictions
from autograd_dl.ops import softmax_cross_entropy
from autograd_dl.testing import check_gradients

rng = np.random.default_rng(0)
SCORES = rng.standard_normal((4, 3))
LABELS = np.array([2, 0, 0, 1])
ONE_HOT = np.eye(3)[LABELS]
WEIGHTS = rng.random((4, 3))
PROBABILITIES = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])


class TestNumbersOfTheBook:
    def test_softmax(self):
        np.testing.assert_allclose(F.softmax([1, 2, 3]), [0.09003057, 0.24472847, 0.66524096], atol=5e-9)
        np.testing.assert_array_equal(F.softmax([1, 2, 1e6]), [0, 0, 1])
        np.testing.assert_allclose(F.softmax([[0, 1], [2, 3]]), [[0.26894142, 0.73105858]] * 2, atol=5e-9)

    def test_softmax_is_unpacked_like_a_list(self):
        a1, a2, a3 = F.softmax([1, 2, 3])
        assert float(a1 + a2 + a3) == pytest.approx(1)

    def test_cross_entropy_error(self):
        t = [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
        assert F.cross_entropy_error(PROBABILITIES, t) == pytest.approx(0.510825457099338, abs=1e-15)
        wrong = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])
        assert F.cross_entropy_error(wrong, t) == pytest.approx(2.302584092994546, abs=1e-15)

    def test_sum_squared_error(self):
        assert F.sum_squared_error([1, 2, 3], [1, 2, 4]) == 0.5
        assert F.sum_squared_error([1, 2, 3], [1, 2, 10]) == 24.5
        assert F.mean_squared_error is F.sum_squared_error

    def test_simple_net(self):
        x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])
        w = leaf([[-0.29987897, -2.12317372, 0.47065595], [-0.39304798, -0.98756266, -0.75852701]])
        (g,) = gradients(F.cross_entropy_error(F.softmax(np.dot(x, w)), t), w)
        expected = [[0.256540, 0.050312, -0.306852], [0.384810, 0.075468, -0.460279]]
        np.testing.assert_allclose(g.numpy(), expected, atol=1e-6)
        (g,) = gradients(F.softmax_loss(np.dot(x, w), t), w)
        np.testing.assert_allclose(g.numpy(), expected, atol=1e-6)


class TestActivations:
    def test_identity(self):
        x = leaf([1, 2])
        assert F.identity_function(x) is x

    def test_step(self):
        step = F.step_function(np.array([-1.0, 0.0, 2.0]))
        assert step.tolist() == [0, 0, 1]
        assert step.dtype == int
        assert F.step_function([[-1, 1]]).tolist() == [[0, 1]]
        assert F.step_function(3) == 1
        assert isinstance(F.step_function(leaf([1.0])), np.ndarray)

    def test_relu(self):
        np.testing.assert_array_equal(F.relu(np.array([-1.0, 0.0, 2.0])), [0, 0, 2])
        x = leaf([-1, 0, 2])
        (g,) = gradients(F.relu(x).sum(), x)
        assert g.tolist() == [0, 0, 1]

    def test_sigmoid(self):
        np.testing.assert_allclose(F.sigmoid(np.array([-1.0, 0.0, 2.0])), [0.26894142, 0.5, 0.88079708], atol=5e-9)
        x = leaf([-1e4, 1e4, 0])
        y = F.sigmoid(x)
        assert y.tolist() == [0, 1, 0.5]
        (g,) = gradients(y.sum(), x)
        assert g.tolist() == [0, 0, 0.25]

    @pytest.mark.parametrize("f", [F.relu, F.sigmoid])
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_gradients(self, f, dtype):
        check_gradients(f, SCORES.astype(dtype))


class TestSoftmax:
    @pytest.mark.parametrize("f", [F.softmax, F.log_softmax])
    @pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 4, 3), (1, 1), (0, 3)])
    @pytest.mark.parametrize("axis", [-1, 0])
    def test_gradients(self, f, shape, axis):
        check_gradients(lambda x: f(x, axis=axis), rng.standard_normal(shape))

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_dtype(self, dtype):
        x = SCORES.astype(dtype)
        for f in (F.softmax, F.log_softmax):
            assert f(x).dtype == f(Tensor(x)).dtype == dtype
            check_gradients(f, x)

    def test_rows_are_probabilities(self):
        y = F.softmax(SCORES * 100)
        assert (y >= 0).all()
        np.testing.assert_allclose(y.sum(axis=1), 1)

    @pytest.mark.parametrize("shift", [1e4, -1e4, 1e300])
    def test_shifted_scores(self, shift):
        np.testing.assert_array_equal(F.softmax([shift, shift]), [0.5, 0.5])
        np.testing.assert_allclose(F.log_softmax([shift, shift]), np.log([0.5, 0.5]), atol=1e-9 * abs(shift))

    def test_small_probabilities_are_not_lost(self):
        np.testing.assert_array_equal(F.log_softmax([0.0, -1e4]), [0, -1e4])
        np.testing.assert_array_equal(F.softmax([0.0, -1e4]), [1, 0])

    def test_integers_count_as_floats(self):
        np.testing.assert_array_equal(F.softmax(np.array([1, 2, 3], np.uint8)), F.softmax([1.0, 2.0, 3.0]))


@pytest.mark.parametrize("loss", [F.softmax_loss, lambda x, t: F.cross_entropy_error(F.softmax(x), t)])
class TestCrossEntropy:
    def test_labels_and_one_hot_rows_agree(self, loss):
        expected = -np.mean(np.log(F.softmax(SCORES))[np.arange(4), LABELS])
        for t in (LABELS, LABELS.astype(np.uint8), LABELS.tolist(), ONE_HOT, ONE_HOT.astype(np.uint8), ONE_HOT == 1):
            assert float(loss(SCORES, t)) == pytest.approx(expected, abs=1e-6)
            x = leaf(SCORES)
            (g,) = gradients(loss(x, t), x)
            np.testing.assert_allclose(g.numpy(), (F.softmax(SCORES) - ONE_HOT) / 4, atol=1e-6)

    def test_rows_of_weights(self, loss):
        expected = -np.sum(WEIGHTS * np.log(F.softmax(SCORES))) / 4
        assert float(loss(SCORES, WEIGHTS)) == pytest.approx(expected, abs=1e-5)
        check_gradients(lambda x: loss(x, WEIGHTS), SCORES)

    def test_a_single_sample(self, loss):
        expected = -np.log(F.softmax(SCORES[0]))[2]
        assert float(loss(SCORES[0], 2)) == pytest.approx(expected, abs=1e-6)
        assert float(loss(SCORES[0], [0, 0, 1])) == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("t", [LABELS, ONE_HOT, WEIGHTS], ids=["labels", "one-hot", "weights"])
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_gradients(self, loss, t, dtype):
        check_gradients(lambda x: loss(x, t), SCORES.astype(dtype))

    def test_gradients_of_the_targets(self, loss):
        check_gradients(loss, SCORES, WEIGHTS)

    def test_more_axes(self, loss):
        x = rng.standard_normal((2, 4, 3))
        t = np.stack([LABELS, LABELS[::-1]])
        assert float(loss(x, t)) == pytest.approx(float(loss(x.reshape(8, 3), t.ravel())))
        check_gradients(lambda x: loss(x, t), x)

    def test_targets_that_are_tensors(self, loss):
        for t in (LABELS, ONE_HOT, WEIGHTS):
            x, plain = leaf(SCORES), leaf(SCORES)
            loss(x, Tensor(t)).backward()
            loss(plain, t).backward()
            assert x.grad is not None
            assert plain.grad is not None
            np.testing.assert_array_equal(x.grad.numpy(), plain.grad.numpy())
            check_gradients(lambda x, t=t: loss(x, Tensor(t)), SCORES)

    def test_an_empty_batch(self, loss):
        x = leaf(np.zeros((0, 3)))
        value = loss(x, np.zeros(0, int))
        assert value.shape == ()
        assert float(value) == 0
        (g,) = gradients(value, x)
        assert g.shape == (0, 3)

    def test_a_column_of_labels(self, loss):
        np.testing.assert_array_equal(loss(SCORES, LABELS[:, None]), loss(SCORES, LABELS))

    @pytest.mark.parametrize("t", [[0, 1, 2, 3], [-1, 0, 0, 0], np.full(4, 255, np.uint8)])
    def test_labels_that_are_no_classes(self, loss, t):
        with pytest.raises(DataError, match=r"labels of 3 classes are 0 to 2; these are -?\d+ to \d+"):
            loss(SCORES, t)

    def test_labels_that_are_no_integers(self, loss):
        with pytest.raises(DTypeError, match=r"labels must be integers, not float64: write t\.astype\(int\)"):
            loss(SCORES, LABELS.astype(float))
        with pytest.raises(DTypeError, match="not bool"):
            loss(SCORES, LABELS > 0)

    @pytest.mark.parametrize("dtype", [complex, str])
    def test_rows_that_are_no_real_numbers(self, loss, dtype):
        with pytest.raises(DTypeError, match="rows of targets must be real numbers, not"):
            loss(SCORES, ONE_HOT.astype(dtype))

    @pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 4), (5,), (1, 4), ()])
    def test_targets_of_another_shape(self, loss, shape):
        with pytest.raises(ShapeError, match=r"labels of shape \(4,\) or rows of shape \(4, 3\), not"):
            loss(SCORES, np.zeros(shape, int))

    def test_scores_without_classes(self, loss):
        with pytest.raises(ShapeError):
            F.softmax_loss(1.0, 1)
        with pytest.raises(ShapeError, match="a last axis"):
            F.cross_entropy_error(0.5, 1)


class TestStability:
    @pytest.mark.parametrize("scale", [1e4, -1e4])
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_large_scores(self, scale, dtype):
        x = leaf(np.array([[1.0, -1.0, 0.0]]) * scale, dtype=dtype)
        for t in ([1], [[0, 1, 0]]):
            loss = F.softmax_loss(x, t)
            assert loss.dtype == dtype
            assert float(loss) == pytest.approx(2e4 if scale > 0 else 0, rel=1e-3)
            (g,) = gradients(loss, x)
            np.testing.assert_array_equal(g.numpy(), [[1, -1, 0]] if scale > 0 else [[0, 0, 0]])

    def test_the_1e_7_of_the_book(self):
        assert F.cross_entropy_error([0.0, 1.0], [1, 0]) == -np.log(1e-7)
        assert F.cross_entropy_error([0.0, 1.0], 0) == -np.log(1e-7)
        y = leaf([0.0, 1.0])
        (g,) = gradients(F.cross_entropy_error(y, [1, 0]), y)
        np.testing.assert_allclose(g.numpy(), [-1e7, 0])

    def test_float16_batches_do_not_overflow(self):
        x = leaf(np.full((1000, 10), 100.0), dtype="float16")
        loss = F.softmax_loss(x, np.zeros((1000,), int))
        assert float(loss) == pytest.approx(np.log(10), rel=1e-3)


@pytest.mark.parametrize("f", [F.relu, F.sigmoid, F.softmax, F.log_softmax, F.logsumexp])
def test_lists_booleans_and_small_integers_count_as_floats(f):
    expected = f(np.array([0.0, 1.0, 1.0]))
    for x in ([0, 1, 1], [False, True, True], np.array([0, 1, 1], np.uint8), np.array([False, True, True])):
        np.testing.assert_array_equal(f(x), expected)
        assert f(Tensor(x)).dtype == expected.dtype
    assert f(np.float32([1, 2])).dtype == np.float32


@pytest.mark.parametrize("n", [3000, 100_000])
def test_float16_is_summed_in_float32(n):
    x = np.zeros(n, np.float16)
    for made in (x, Tensor(x)):
        np.testing.assert_allclose(np.asarray(F.softmax(made), float), 1 / n, rtol=1e-2)
        assert float(F.logsumexp(made)) == pytest.approx(np.log(n), rel=1e-3)
        assert float(F.softmax_loss(made, 0)) == pytest.approx(np.log(n), rel=1e-3)


@pytest.mark.parametrize("n", [3, 100_000])
def test_a_large_batch_in_float16_has_a_gradient(n):
    x = leaf(np.zeros((n, 2)), dtype="float16")
    for t in (np.zeros(n, int), np.eye(2)[np.zeros(n, int)]):
        (g,) = gradients(F.softmax_loss(x, t), x)
        np.testing.assert_allclose(g.numpy()[0], [-0.5 / n, 0.5 / n], rtol=0.02)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_loss_has_the_dtype_of_the_scores(dtype):
    x = SCORES.astype(dtype)
    for t in (LABELS, WEIGHTS, ONE_HOT.astype(int)):
        for loss in (softmax_cross_entropy(x, t), F.softmax_loss(x, t), F.softmax_loss(Tensor(x), t)):
            assert loss.dtype == dtype
    y = WEIGHTS.astype(dtype)
    for f in (F.sum_squared_error, F.binary_cross_entropy, F.sigmoid_loss):
        for t in (WEIGHTS, ONE_HOT.astype(int), ONE_HOT.tolist(), Tensor(WEIGHTS)):
            assert f(y, t).dtype == f(Tensor(y), t).dtype == dtype


def test_losses_are_averaged_where_their_sum_is_out_of_range():
    x = np.zeros((8, 2), np.float32) + np.float32([0, 3e38])
    assert F.softmax_loss(x, np.zeros(8, int)) == np.float32(3e38)


def test_an_impossible_class_adds_nothing_to_the_loss_of_others():
    scores = np.array([[0.0, -np.inf, 1.0]])
    for t in ([2], [[0, 0, 1]]):
        x = leaf(scores)
        loss = F.softmax_loss(x, t)
        assert float(loss) == pytest.approx(np.log(1 + np.exp(-1)))
        (g,) = gradients(loss, x)
        np.testing.assert_allclose(g.numpy(), [[0.26894142, 0, -0.26894142]], atol=1e-8)


def test_sum_squared_error_has_gradients():
    check_gradients(F.sum_squared_error, SCORES, WEIGHTS)
    y = leaf(SCORES)
    (g,) = gradients(F.sum_squared_error(y, WEIGHTS), y)
    np.testing.assert_allclose(g.numpy(), SCORES - WEIGHTS)


def test_sum_squared_error_does_not_broadcast():
    with pytest.raises(ShapeError, match=r"\(4, 1\) and \(4,\)"):
        F.sum_squared_error(np.zeros((4, 1)), np.zeros(4))


MATRIX, IMAGES = np.ones((4, 3)), np.ones((2, 3, 4, 4))
MISFITS = {
    "a large pad": (lambda: F.conv_transpose2d(IMAGES, np.ones((3, 2, 3, 3)), pad=(1, 5)), r"4 x -4 .* than \(1, 5\)"),
    "all pad": (lambda: F.conv_transpose2d(IMAGES, np.ones((3, 2, 3, 3)), pad=3), "0 x 0 pixels.* smaller pad than 3"),
    "matrices": (lambda: F.conv_transpose2d(MATRIX, np.ones((3, 2, 3, 3))), r"do not fit: \(4, 3\), \(3, 2, 3, 3\)"),
    "filters": (lambda: F.conv_transpose2d(IMAGES, np.ones((3, 3))), r"do not fit: \(2, 3, 4, 4\), \(3, 3\)"),
    "channels": (lambda: F.conv_transpose2d(IMAGES, np.ones((2, 3, 3, 3))), r"do not fit: .* \(2, 3, 3, 3\)"),
    "a pad as large as a window": (lambda: F.average_pool2d(IMAGES, 3, pad=2), "would see nothing but padding"),
    "response": (lambda: F.local_response_norm(MATRIX), r"local_response_norm takes images \(N, C, H, W\), not"),
    "mean": (lambda: F.global_average_pool2d(MATRIX), r"global_average_pool2d takes images \(N, C, H, W\), not"),
    "max": (lambda: F.global_max_pool2d(MATRIX), r"global_max_pool2d takes images \(N, C, H, W\), not"),
    "a number": (lambda: F.layer_norm(3.0, 1.0, 0.0), "layer_norm takes arrays, .* a single number"),
    "lstm": (lambda: F.lstm(MATRIX, *np.ones((3, 3, 12))), r"lstm takes sequences \(N, T, D\), not \(4, 3\)"),
    "correct": (lambda: correct(np.ones(3), [0, 0, 1]), r"scores are \(batch, classes\), not \(3,\)"),
    "no class": (lambda: correct(np.ones((2, 0)), np.ones((2, 0))), r"scores are \(batch, classes\), not \(2, 0\)"),
    "one input": (
        lambda: predictions(F.softmax, np.float64(1), 1),
        r"a batch of inputs: of a single one np.array\(\[x\]\)",
    ),
}


@pytest.mark.parametrize(("misfit", "message"), MISFITS.values(), ids=MISFITS)
def test_shapes_that_do_not_fit_are_refused(misfit, message):
    with pytest.raises(ShapeError, match=message):
        misfit()


def test_arrays_give_arrays_and_tensors_tensors():
    for f in (F.softmax, F.log_softmax, F.relu, F.sigmoid):
        assert isinstance(f(SCORES), np.ndarray)
        assert isinstance(f(leaf(SCORES)), Tensor)
    for f in (F.softmax_loss, F.cross_entropy_error):
        assert isinstance(f(F.softmax(SCORES), LABELS), (np.ndarray, np.floating))
        assert isinstance(f(F.softmax(leaf(SCORES)), LABELS), Tensor)
    assert isinstance(F.sum_squared_error(SCORES, WEIGHTS), np.floating)


@pytest.mark.parametrize("shape", [(4, 1), (3,), (1, 2), (5, 1, 2)])
def test_biases_of_an_affine_layer_are_one_for_each_output(shape):
    with pytest.raises(ShapeError, match=rf"W \(D, M\) and b \(M,\), not .* and {re.escape(str(shape))}"):
        F.affine(np.ones((4, 3)), np.ones((3, 2)), np.ones(shape))


@pytest.mark.parametrize("weights", [np.ones(3), np.ones((3, 2, 1)), np.ones((2, 3)), 2.0])
def test_weights_of_an_affine_layer_are_a_matrix_that_fits(weights):
    with pytest.raises(ShapeError, match=r"affine takes x of shape \(N, D\), W \(D, M\)"):
        F.affine(np.ones((4, 3)), weights)


class TestBatchNormalizationByStatistics:
    x = np.random.default_rng(3).standard_normal((2, 3, 4, 4))

    @pytest.mark.parametrize("momentum", [1.5, -0.1, float("nan"), "a", None, 10**400, [0.5]])
    def test_they_move_by_a_share(self, momentum):
        mean, var = np.zeros(3), np.ones(3)
        with pytest.raises(ValueError, match="a number from 0 to 1, not"):
            F.batch_norm(self.x, np.ones(3), np.zeros(3), mean, var, momentum=momentum)
        for momentum in (0, 1, np.float32(0.5), np.array(0.5), True):
            F.batch_norm(self.x, np.ones(3), np.zeros(3), mean, var, momentum=momentum)

    @pytest.mark.parametrize("train", [False, True])
    @pytest.mark.parametrize("shape", [(1, 3, 1, 1), (3, 1, 1), (3, 1), (1,), ()])
    def test_they_are_one_number_for_each_channel(self, shape, train):
        mean, var = np.zeros(shape), np.ones(shape)
        with pytest.raises(ShapeError, match="a running_mean for each of the 3 features"):
            F.batch_norm(self.x, np.ones(3), np.zeros(3), mean, var, train=train)
        assert not mean.any()

    @pytest.mark.parametrize("statistics", [[0.0] * 3, np.zeros(3, np.int64)])
    def test_they_are_arrays_of_floats(self, statistics):
        with pytest.raises(DTypeError, match=r"running_mean that is an array of floats, not (list|int64)"):
            F.batch_norm(self.x, np.ones(3), np.zeros(3), statistics, statistics)

    @pytest.mark.parametrize(("mean", "var"), [(None, np.ones(3)), (np.zeros(3), None)])
    def test_there_are_both_or_none(self, mean, var):
        missing = "running_mean" if mean is None else "running_var"
        with pytest.raises(ShapeError, match=f"takes both .*, but {missing} is missing"):
            F.batch_norm(self.x, np.ones(3), np.zeros(3), mean, var)

    def test_both_can_be_changed_or_none_is(self):
        mean, var = np.zeros(3), np.ones(3)
        var.flags.writeable = False
        with pytest.raises(ValueError, match="cannot change a running_var that is read-only"):
            F.batch_norm(self.x, np.ones(3), np.zeros(3), mean, var)
        assert not mean.any()
        assert F.batch_norm(self.x, np.ones(3), np.zeros(3), mean, var, train=False).shape == self.x.shape

    @pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2, 2), (0, 3, 7, 2)])
    @pytest.mark.parametrize("train", [False, True])
    def test_a_batch_of_nothing_changes_nothing(self, shape, train):
        mean, var = np.full(3, 5.0), np.full(3, 2.0)
        assert F.batch_norm(np.zeros(shape), np.ones(3), np.zeros(3), mean, var, train=train).shape == shape
        assert (mean == 5).all()
        assert (var == 2).all()

    @pytest.mark.parametrize("train", [False, True])
    @pytest.mark.parametrize("dtype", ["float16", "float32"])
    def test_the_result_has_the_dtype_of_x(self, train, dtype):
        y = F.batch_norm(self.x.astype(dtype), np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), train=train)
        assert y.dtype == dtype

    def test_a_failing_first_call_leaves_nothing(self):
        layer = nn.BatchNormalization(np.ones(3), np.zeros(3))
        for shape in ((2, 4), (3,), ()):
            with pytest.raises(ShapeError):
                layer(np.ones(shape))
        assert layer(np.ones((2, 3))).shape == (2, 3)

    def test_gradients_of_parameters_of_a_larger_dtype_are_of_that(self):
        beta = Tensor(np.zeros(1), requires_grad=True, dtype="float32")
        F.batch_norm(np.ones((100_000, 1), np.float16), np.ones(1, np.float32), beta).sum().backward()
        assert float(beta.grad[0]) == 100_000

    def test_large_numbers_of_half_precision(self):
        x = np.random.default_rng(0).normal(30_000, 1200, (500, 1)).astype(np.float16)
        layer = nn.BatchNormalization(np.ones(1, np.float16), np.zeros(1, np.float16), momentum=0)
        layer(x)
        assert np.isfinite(layer.running_var).all()
        y = layer(x, train_flg=False)
        assert y.dtype == np.float16
        assert abs(y.astype(float).std() - 1) < 0.01


@pytest.mark.parametrize(("gamma", "beta"), [(4, 4), (2, 4), (4, 2)])
def test_layer_norm_takes_what_has_the_length_of_the_last_axis(gamma, beta):
    with pytest.raises(ShapeError, match=r"layer_norm takes a (gamma|beta) of shape \(\d,\) for x of"):
        F.layer_norm(np.zeros((2, 1 if gamma == beta else 2)), np.ones(gamma), np.zeros(beta))


def test_the_shapes_of_an_lstm():
    fitting = {"xs": (2, 4, 3), "Wx": (3, 8), "Wh": (2, 8), "b": (8,), "h": (2, 2), "c": (2, 2)}
    for name, shape in {"Wx": (4, 8), "Wh": (2, 6), "b": (2, 8), "h": (5, 2), "c": ()}.items():
        with pytest.raises(ShapeError, match=f"lstm takes {name} of shape"):
            F.lstm(*(np.zeros(s) for s in (fitting | {name: shape}).values()))
    hs, h, _ = F.lstm(*(np.zeros(s) for s in (fitting | {"xs": (2, 0, 3)}).values()))
    assert hs.shape == (2, 0, 2)
    assert h.shape == (2, 2)
    w = Tensor(np.ones((3, 8)), requires_grad=True)
    hs, _, c = F.lstm(np.zeros((2, 0, 3)), w, np.ones((2, 8)), 0.0, h=[[0.0, 0.0]] * 2)
    hs.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.zeros((3, 8)))
    assert c.shape == (2, 2)


def test_the_mean_of_many_rows_in_half_precision():
    y = Tensor(np.full((131_072, 4), 0.25, np.float16), requires_grad=True)
    loss = F.cross_entropy_error(y, np.zeros(131_072, int))
    assert loss.dtype == np.float16
    assert float(loss) == pytest.approx(np.log(4), rel=1e-3)
    loss.backward()
    assert y.grad.dtype == np.float16
    assert (y.grad.numpy()[:, 0] != 0).all()


NO_NUMBERS = {
    "W": lambda: F.affine(MATRIX, None),
    "b": lambda: F.affine(MATRIX, MATRIX.T, None),
    "gamma of a batch": lambda: F.batch_norm(MATRIX, None, 0),
    "beta of a layer": lambda: F.layer_norm(MATRIX, 1, None),
}


@pytest.mark.parametrize("call", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_parameters_that_are_no_numbers(call):
    with pytest.raises(DTypeError, match="numbers"):
        call()


def test_a_seed_is_no_generator_of_dropout():
    with pytest.raises(DTypeError, match=r"dropout takes a generator as rng, such as .*, not 3"):
        F.dropout(MATRIX, 0.5, True, 3)


@pytest.mark.parametrize("x", [None, "3", [None, 1.0], 1j, [1, 2j]])
def test_what_are_no_real_numbers_is_refused(x):
    with pytest.raises(DTypeError, match="numbers.*, not None; is a return missing" if x is None else "numbers"):
        F.softplus(x)


class TestFloat16IsSummedInFloat32:
    @pytest.mark.parametrize("fill", [1.0, 3e4])
    def test_means_of_windows(self, fill):
        x = np.full((1, 1, 64, 64), fill, np.float16)
        assert F.average_pool2d(x, 64).dtype == np.float16
        assert F.average_pool2d(x, 64).item() == fill == F.global_average_pool2d(x).item()

    def test_sums_of_overlapping_windows(self):
        x = np.ones((1, 1, 65, 65), np.float16)
        sums = F.average_pool2d(x, 64, stride=1) * 4096
        assert (sums == 4096).all()

    @pytest.mark.parametrize("pool", [F.average_pool2d, F.max_pool2d])
    def test_gradients_of_overlapping_windows(self, pool):
        x = Tensor(np.arange(81.0).reshape(1, 1, 9, 9) % 7, requires_grad=True, dtype=np.float16)
        y = pool(x, 5, stride=1)
        g = np.full(y.shape, 0.3, np.float16)
        (half,) = gradients(y, x, g)
        wide = Tensor(x.numpy(), requires_grad=True, dtype=np.float32)
        (whole,) = gradients(pool(wide, 5, stride=1), wide, g.astype(np.float32))
        assert half.dtype == np.float16
        np.testing.assert_allclose(half.numpy(), whole.numpy(), rtol=1e-3)

    def test_squares_of_neighbouring_channels(self):
        x = np.full((1, 5, 1, 1), 300, np.float16)
        wide = F.local_response_norm(x.astype(np.float32))
        np.testing.assert_allclose(F.local_response_norm(x), wide, rtol=1e-3)
        assert F.local_response_norm(x).dtype == np.float16


def test_no_channel_is_no_neighbour():
    with pytest.raises(ValueError, match="size of 1 or more channels, not 0"):
        F.local_response_norm(IMAGES, size=0)


class TestCorrect:
    @pytest.mark.parametrize(
        ("scores", "rows"),
        [
            (np.array([[1, 2]]), np.array([[0.2, 0.8]])),
            (np.array([[1, 2]], np.float16), np.array([[1e6, 2e6]])),
            (np.array([[1, 2]], np.float16), np.array([[0.3333, 0.33335]])),
        ],
    )
    def test_rows_are_not_rounded_to_the_dtype_of_the_scores(self, scores, rows):
        assert correct(scores, rows).tolist() == [True]

    def test_rows_that_are_no_numbers(self):
        for rows in (np.full((2, 2), "a"), np.full((2, 2), None), np.ones((2, 2), complex)):
            with pytest.raises(DTypeError, match="rows are real numbers, not"):
                correct(np.eye(2), rows)

    def test_labels_and_columns_of_labels(self):
        scores = np.array([[1.0, 2.0], [3.0, 1.0]])
        for t in ([1, 1], [[1], [1]], np.array([1, 1], np.uint8), Tensor([1, 1])):
            assert correct(scores, t).tolist() == [True, False]


class TestComputedWide:
    """Functions that compute in float32 for float16: they are called as if they were not wrapped."""

    @pytest.mark.parametrize("dtype", ["float16", ">f2", "float32"])
    def test_arguments_by_keyword(self, dtype):
        col = np.ones((4, 4), dtype)
        by_keyword = ops.col2im(col=col, input_shape=(1, 1, 3, 3), filter_h=2, filter_w=2)
        assert by_keyword.dtype == col.dtype
        np.testing.assert_array_equal(by_keyword, ops.col2im(col, (1, 1, 3, 3), 2, 2))
        np.testing.assert_array_equal(by_keyword[0, 0], [[1, 2, 1], [2, 4, 2], [1, 2, 1]])

    def test_an_argument_that_is_missing(self):
        with pytest.raises(TypeError):
            ops.col2im(input_shape=(1, 1, 3, 3))
        with pytest.raises(TypeError):
            ops.erf()

    def test_lists_and_numbers(self):
        assert ops.logsumexp([1.0, 2.0]) == pytest.approx(np.log(np.exp(1) + np.exp(2)))
        assert ops.logsumexp(2.0) == 2.0

    def test_big_endian_halves(self):
        x = np.full((1, 3), 300, ">f2")
        assert np.isfinite(ops.softmax(x)).all()


class TestBiasesOfConvolutions:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    @pytest.mark.parametrize("b", [0.5, 1, [1, 2], [[[1]], [[2]]], np.float16(0.5)], ids=str)
    def test_they_keep_the_dtype_and_add_no_op(self, dtype, b):
        x, w = np.ones((1, 1, 3, 3), dtype), np.ones((2, 1, 2, 2), dtype)
        b = np.array(b, dtype) if isinstance(b, list) else b
        y = F.conv2d(x, w, b)
        assert y.dtype == dtype
        np.testing.assert_allclose(y[0, :, 0, 0], 4 + np.ravel(b) * np.ones(2))

    def test_one_of_one_axis_is_read_as_it_is(self):
        b = Tensor([1.0, 2.0], requires_grad=True)
        y = F.conv2d(np.ones((1, 1, 3, 3)), np.ones((2, 1, 2, 2)), b)
        assert any(parent is b.node for parent in y.node.inputs)


@pytest.mark.parametrize(("y", "t", "loss"), [(1, 1, 0), (0, 0, 0), (1, 0, -np.log(1e-7)), (0, 1, -np.log(1e-7))])
def test_binary_cross_entropy_of_certainty_is_finite(y, t, loss):
    np.testing.assert_allclose(F.binary_cross_entropy([float(y)], [float(t)]), loss, atol=2e-7)


def test_elu_is_exact_for_tiny_numbers_and_itself_for_large_ones():
    x = leaf([1000.0, -1000.0, -1e-20])
    y = F.elu(x)
    np.sum(y).backward()
    assert y.numpy().tolist() == [1000, -1, -1e-20]
    assert x.grad.numpy().tolist() == [1, 0, 1]

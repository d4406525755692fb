"""The networks of chapters 3, 4 and 6, against the book's formulas and numbers."""

import inspect
from pathlib import Path

import numpy as np
import pytest

from autograd_dl import Tensor, functional
from autograd_dl.data import load_mnist
from autograd_dl.errors import ShapeError
from autograd_dl.functional import softmax
from autograd_dl.numerical import numerical_gradient
from models import MultiLayerNet, MultiLayerNetExtend, SimpleNet, ThreeLayerNet

SAMPLE = Path(__file__).parents[2] / "shared" / "data" / "three_layer_sample_weight.npz"
X = np.random.default_rng(1).standard_normal((6, 4))
T = np.array([0, 1, 1, 0, 1, 0])


def defaults(network):
    parameters = inspect.signature(network).parameters
    assert {n for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY} >= {"dtype", "seed"}
    return {n: p.default for n, p in parameters.items() if p.default is not p.empty}


def arrays(net):
    return {key: p.numpy() for key, p in net.params.items()}


class TestThreeLayerNet:
    def test_signature_and_shapes(self):
        assert defaults(ThreeLayerNet) == {
            "input_size": 784, "hidden_size_list": (50, 100), "output_size": 10, "dtype": "float32", "seed": None,
        }  # fmt: skip
        assert {key: p.shape for key, p in ThreeLayerNet().params.items()} == {
            "W1": (784, 50), "b1": (50,), "W2": (50, 100), "b2": (100,), "W3": (100, 10), "b3": (10,),
        }  # fmt: skip

    def test_the_numbers_of_section_3_4(self):
        net = ThreeLayerNet(2, (3, 2), 2, dtype="float64")
        values = {
            "W1": [[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]], "b1": [0.1, 0.2, 0.3],
            "W2": [[0.1, 0.4], [0.2, 0.5], [0.3, 0.6]], "b2": [0.1, 0.2],
            "W3": [[0.1, 0.3], [0.2, 0.4]], "b3": [0.1, 0.2],
        }  # fmt: skip
        for key, value in values.items():
            net.params[key].data = np.array(value)
        expected = [0.31682708, 0.69627909]
        np.testing.assert_allclose(net.predict(np.array([1.0, 0.5])).numpy(), expected, atol=5e-9)
        np.testing.assert_allclose(net.predict(np.array([[1.0, 0.5]] * 2)).numpy(), [expected] * 2, atol=5e-9)

    @pytest.mark.parametrize("sizes", [(50,), (50, 100, 10)])
    def test_three_layers_are_three(self, sizes):
        with pytest.raises(ValueError, match="two hidden sizes"):
            ThreeLayerNet(784, sizes, 10)

    @pytest.mark.skipif(not SAMPLE.exists(), reason=f"no {SAMPLE.name} beside the checkout")
    def test_the_books_weights(self):
        _, (x, t) = load_mnist(subset=True)  # which has all test digits
        net = ThreeLayerNet()
        net.load_params(SAMPLE)
        assert net.accuracy(x, t) == net.accuracy(x, t, batch_size=100) == 0.9352
        assert sum(int(net.predict(row).numpy().argmax()) == label for row, label in zip(x, t, strict=True)) == 9352


class TestSimpleNet:
    W = np.array([[-0.29987897, -2.12317372, 0.47065595], [-0.39304798, -0.98756266, -0.75852701]])
    GRADIENT = np.array([[0.256540, 0.050312, -0.306852], [0.384810, 0.075468, -0.460279]])
    x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])

    @pytest.fixture(params=["float32", "float64"])
    def net(self, request):
        net = SimpleNet(dtype=request.param)
        net.W = self.W
        return net

    def test_the_gradient_of_the_book(self, net):
        numerical = numerical_gradient(lambda w: net.loss(self.x, self.t), net.W)
        np.testing.assert_allclose(numerical, self.GRADIENT, atol=1e-6)
        np.testing.assert_allclose(net.gradient(self.x, self.t)["W"], self.GRADIENT, atol=1e-6)
        np.testing.assert_allclose(net.numerical_gradient(self.x, self.t)["W"], self.GRADIENT, atol=1e-6)

    def test_scores_and_loss(self, net):
        np.testing.assert_allclose(net.predict(self.x).numpy(), self.x @ self.W, rtol=1e-6)
        assert float(net.loss(self.x, self.t)) == pytest.approx(-np.log(softmax(self.x @ self.W)[2]), rel=1e-6)

    def test_w_is_the_parameter(self):
        net = SimpleNet(seed=0)
        assert net.W is net.params["W"]
        assert net.W.shape == (2, 3)
        tensor, before = net.W, net.W.numpy().copy()
        net.W -= np.ones((2, 3))
        assert net.W is tensor
        np.testing.assert_allclose(net.W.numpy(), before - 1, rtol=1e-6)
        net.W = other = Tensor(self.W, requires_grad=True)
        assert net.params["W"] is other

    def test_a_matrix_of_another_shape(self):
        with pytest.raises(ShapeError):
            SimpleNet().W = np.ones((3, 2))


class TestMultiLayerNet:
    def test_signature_and_shapes(self):
        assert list(inspect.signature(MultiLayerNet).parameters)[:3] == [
            "input_size", "hidden_size_list", "output_size",
        ]  # fmt: skip
        assert defaults(MultiLayerNet) == {
            "activation": "relu", "weight_init_std": "relu", "weight_decay_lambda": 0, "dtype": "float32", "seed": None,
        }  # fmt: skip
        assert {key: p.shape for key, p in MultiLayerNet(784, [100, 50], 10).params.items()} == {
            "W1": (784, 100), "b1": (100,), "W2": (100, 50), "b2": (50,), "W3": (50, 10), "b3": (10,),
        }  # fmt: skip

    @pytest.mark.parametrize("activation", ["relu", "sigmoid"])
    def test_scores_are_those_of_the_book(self, activation):
        net = MultiLayerNet(4, [5, 3], 2, activation, dtype="float64", seed=0)
        f = {"relu": lambda a: np.maximum(a, 0), "sigmoid": lambda a: 1 / (1 + np.exp(-a))}[activation]
        p = arrays(net)
        expected = f(f(X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]) @ p["W3"] + p["b3"]
        np.testing.assert_allclose(net.predict(X).numpy(), expected, rtol=1e-12)

    def test_the_penalty_is_half_lambda_times_the_squares_of_weights(self):
        plain, decayed = (MultiLayerNet(4, [5, 3], 2, weight_decay_lambda=d, dtype="float64", seed=0) for d in (0, 0.3))
        for net in (plain, decayed):
            net.params["b1"].data = np.ones(5)
        squares = sum((w**2).sum() for key, w in arrays(plain).items() if key.startswith("W"))
        assert float(decayed.loss(X, T)) == pytest.approx(float(plain.loss(X, T)) + 0.5 * 0.3 * squares)
        before, after = plain.gradient(X, T), decayed.gradient(X, T)
        for key, p in arrays(plain).items():
            np.testing.assert_allclose(after[key], before[key] + (0.3 * p if key.startswith("W") else 0), atol=1e-12)

    def test_an_unknown_activation(self):
        with pytest.raises(ValueError, match="the activation is one of 'relu', 'sigmoid', 'tanh', not 'swish'"):
            MultiLayerNet(4, [3], 2, activation="swish")

    @pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
    def test_each_activation(self, name):
        net = MultiLayerNet(4, [3], 2, activation=name, weight_init_std=name, dtype="float64", seed=0)
        x = np.random.default_rng(0).standard_normal((5, 4))
        hidden = getattr(functional, name)(x @ net.params["W1"].numpy())
        np.testing.assert_allclose(net.predict(x).numpy(), hidden @ net.params["W2"].numpy())


class TestMultiLayerNetExtend:
    def test_signature(self):
        assert list(inspect.signature(MultiLayerNetExtend).parameters) == [
            "input_size", "hidden_size_list", "output_size", "activation", "weight_init_std", "weight_decay_lambda",
            "use_dropout", "dropout_ratio", "use_batchnorm", "dropout_ration", "dtype", "seed",
        ]  # fmt: skip
        found = defaults(MultiLayerNetExtend)
        assert (found["use_dropout"], found["dropout_ratio"], found["use_batchnorm"]) == (False, 0.5, False)

    def test_without_its_extras_it_is_the_plain_network(self):
        plain, net = MultiLayerNet(4, [5, 3], 2, seed=0), MultiLayerNetExtend(4, [5, 3], 2, seed=0)
        assert plain.state_dict().keys() == net.state_dict().keys()
        for key, p in plain.params.items():
            np.testing.assert_array_equal(p.numpy(), net.params[key].numpy())
        np.testing.assert_array_equal(plain.predict(X).numpy(), net.predict(X, train_flg=True).numpy())

    @pytest.mark.parametrize("spelling", ["dropout_ratio", "dropout_ration"])
    def test_both_spellings(self, spelling):
        net = MultiLayerNetExtend(4, [400], 2, use_dropout=True, seed=0, **{spelling: 0.9})
        assert net.dropout_ratio == 0.9
        other = MultiLayerNetExtend(4, [400], 2, "relu", "relu", 0, True, 0.9, seed=0)  # by place, as the book has it
        np.testing.assert_array_equal(net.predict(X, train_flg=True).numpy(), other.predict(X, train_flg=True).numpy())

    def test_the_keys_of_batch_normalization(self):
        net = MultiLayerNetExtend(4, [5, 3], 2, use_batchnorm=True)
        assert set(net.params) == {"W1", "b1", "gamma1", "beta1", "W2", "b2", "gamma2", "beta2", "W3", "b3"}
        assert (net.params["gamma1"].numpy() == 1).all()
        assert net.params["gamma2"].shape == net.params["beta2"].shape == (3,)
        assert not net.params["beta2"].numpy().any()

    def test_batch_normalization_is_the_books(self):
        net = MultiLayerNetExtend(4, [5], 2, use_batchnorm=True, dtype="float64", seed=0)
        net.params["gamma1"].data, net.params["beta1"].data = np.arange(1.0, 6), np.arange(5.0)
        p = arrays(net)
        a = X @ p["W1"] + p["b1"]

        def scores(mean, var):
            normalized = (a - mean) / np.sqrt(var + 1e-6)
            return np.maximum(p["gamma1"] * normalized + p["beta1"], 0) @ p["W2"] + p["b2"]

        np.testing.assert_allclose(net.predict(X, train_flg=True).numpy(), scores(a.mean(0), a.var(0)), rtol=1e-10)
        mean, var = 0.1 * a.mean(0), 0.9 + 0.1 * a.var(0)
        np.testing.assert_allclose(net.running["running_mean1"], mean, rtol=1e-12)
        np.testing.assert_allclose(net.running["running_var1"], var, rtol=1e-12)
        np.testing.assert_allclose(net.predict(X).numpy(), scores(mean, var), rtol=1e-10)

    def test_dropout_keeps_the_mean(self):
        net = MultiLayerNetExtend(4, [2000], 2, use_dropout=True, dropout_ratio=0.2, seed=0)
        trained = np.mean([net.predict(X, train_flg=True).numpy() for _ in range(200)], axis=0)
        np.testing.assert_allclose(trained, net.predict(X).numpy(), atol=0.06)

    def test_a_ratio_that_is_none(self):
        with pytest.raises(ValueError, match="ratio"):
            MultiLayerNetExtend(4, [3], 2, use_dropout=True, dropout_ration=1.5)

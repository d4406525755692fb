import copy
import inspect
import pickle

import numpy as np
import pytest

from autograd_dl import Tensor, is_grad_enabled, no_grad
from autograd_dl.data import load_mnist
from autograd_dl.errors import DataError, DTypeError, GraphError, ShapeError
from autograd_dl.functional import softmax
from autograd_dl.numerical import H
from autograd_dl.serialization import save_arrays
from models import Network, TwoLayerNet


@pytest.fixture(scope="module")
def digits():
    """A hundred digits: images and labels."""
    (x, t), _ = load_mnist(subset=True)
    return x[:100], t[:100]


@pytest.fixture
def net():
    return TwoLayerNet(784, 50, 10, seed=0)


def small(**kwargs):
    return TwoLayerNet(
        **{"input_size": 4, "hidden_size": 3, "output_size": 2, "seed": 0, "weight_init_std": 1} | kwargs
    )


X = np.random.default_rng(1).standard_normal((5, 4))
T = np.array([0, 1, 1, 0, 1])


class TestConstruction:
    def test_signature(self):
        parameters = inspect.signature(TwoLayerNet).parameters
        assert list(parameters) == [
            "input_size", "hidden_size", "output_size", "weight_init_std", "activation", "dtype", "seed",
        ]  # fmt: skip
        defaults = {name: p.default for name, p in parameters.items() if p.default is not p.empty}
        assert defaults == {"weight_init_std": 0.01, "activation": "relu", "dtype": "float32", "seed": None}
        assert {name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY} == {"dtype", "seed"}

    def test_parameters(self, net):
        assert {key: p.shape for key, p in net.params.items()} == {
            "W1": (784, 50), "b1": (50,), "W2": (50, 10), "b2": (10,),
        }  # fmt: skip
        for key, p in net.params.items():
            assert p.requires_grad
            assert p.is_leaf
            assert p.name == key
            assert p.dtype == np.float32

    @pytest.mark.parametrize("std", [0.01, 1.0])
    def test_initial_values(self, std):
        net = TwoLayerNet(784, 50, 10, weight_init_std=std, seed=3)
        weights = net.params["W1"].numpy()
        assert weights.mean() == pytest.approx(0, abs=4 * std / np.sqrt(weights.size))
        assert weights.std() == pytest.approx(std, rel=0.02)
        assert not net.params["b1"].numpy().any()
        assert not net.params["b2"].numpy().any()

    def test_the_global_random_state_is_left_alone(self):
        before = np.random.get_state()[1].copy()
        TwoLayerNet(4, 3, 2, seed=0)
        np.testing.assert_array_equal(np.random.get_state()[1], before)

    @pytest.mark.parametrize("name", ["swish", "", "ReLU", None])
    def test_an_unknown_activation(self, name):
        with pytest.raises(ValueError, match=f"the activation is one of 'relu', 'sigmoid', 'tanh', not {name!r}"):
            TwoLayerNet(4, 3, 2, activation=name)

    @pytest.mark.parametrize("dtype", ["int32", "complex64"])
    def test_a_dtype_that_has_no_gradient(self, dtype):
        with pytest.raises(DTypeError):
            TwoLayerNet(4, 3, 2, dtype=dtype)


class TestForward:
    @pytest.mark.parametrize("activation", ["relu", "sigmoid"])
    def test_scores_are_those_of_the_book(self, activation):
        net = small(activation=activation, dtype="float64")
        W1, b1, W2, b2 = (p.numpy() for p in net.params.values())  # noqa: N806 -- the book's names
        a = X @ W1 + b1
        z = np.maximum(a, 0) if activation == "relu" else 1 / (1 + np.exp(-a))
        np.testing.assert_allclose(net.predict(X).numpy(), z @ W2 + b2, rtol=1e-13)

    def test_predict_gives_scores_not_probabilities(self, net, digits):
        scores = net.predict(digits[0])
        assert isinstance(scores, Tensor)
        assert scores.shape == (100, 10)
        assert (scores.numpy() < 0).any()

    def test_the_loss_is_one_number(self, net, digits):
        loss = net.loss(*digits)
        assert isinstance(loss, Tensor)
        assert loss.shape == ()
        assert float(loss) == pytest.approx(np.log(10), abs=0.01)
        assert f"{loss:.2f}" == "2.30"

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_everything_has_the_networks_dtype(self, dtype, digits):
        x, t = digits
        net = TwoLayerNet(784, 50, 10, dtype=dtype, seed=0)
        for given in (x, x.astype(np.float64), (x * 255).astype(np.uint8), Tensor(x), Tensor(x.astype(np.float64))):
            assert net.predict(given).dtype == dtype
            assert net.loss(given, t).dtype == dtype
            assert {g.dtype for g in net.gradient(given, t).values()} == {np.dtype(dtype)}

    def test_inputs_of_every_kind_give_the_same(self):
        x = np.array([[0, 1, 2, 255], [3, 0, 0, 1]], np.uint8)
        net = small()
        expected = net.predict(x).numpy()
        for given in (x.tolist(), x.astype(float), Tensor(x), Tensor(x.astype(np.float16)), x[::-1][::-1]):
            np.testing.assert_array_equal(net.predict(given).numpy(), expected)

    def test_one_input_alone(self):
        net = small()
        np.testing.assert_allclose(net.predict(X[0]).numpy(), net.predict(X).numpy()[0], rtol=1e-6)
        assert net.loss(X[0], 1).shape == ()

    def test_targets_of_every_kind(self):
        net = small(dtype="float64")
        rows = np.eye(2)[T]
        assert float(net.loss(X, T)) == float(net.loss(X, rows)) == float(net.loss(X, rows.astype(np.float32)))
        assert float(net.loss(X, Tensor(T))) == float(net.loss(X, T.tolist())) == float(net.loss(X, T.astype(np.uint8)))
        weights = np.random.default_rng(2).random((5, 2))
        expected = -np.sum(weights * np.log(softmax(net.predict(X).numpy()))) / 5
        assert float(net.loss(X, weights)) == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("t", "error", "message"),
        [
            ([0, 1, 2, 0, 1], DataError, "labels of 2 classes are 0 to 1; these are 0 to 2"),
            ([0, 1, -1, 0, 1], DataError, "these are -1 to 1"),
            ([0.0, 1.0, 1.0, 0.0, 1.0], DTypeError, "labels must be integers, not float64"),
            ([0, 1], ShapeError, r"labels of shape \(5,\) or rows of shape \(5, 2\), not \(2,\)"),
            (np.zeros((5, 3)), ShapeError, r"not \(5, 3\)"),
        ],
    )
    def test_bad_targets(self, t, error, message):
        for method in (small().loss, small().gradient):
            with pytest.raises(error, match=message):
                method(X, t)

    def test_inputs_of_another_width(self):
        with pytest.raises(ShapeError, match=r"dot\('x': float32 \(5, 3\), 'W1': float32 \(4, 3\)\)"):
            small().predict(X[:, :3])

    @pytest.mark.parametrize("shape", [(5, 1, 2, 2), (5, 2, 2), (1, 2, 2)])
    def test_images_that_are_not_flat(self, shape):
        net = TwoLayerNet(4, 3, 2)
        told = r"this TwoLayerNet takes rows of shape \('N', 4\), not .*; load_mnist\(flatten=True\), its default"
        for x in np.zeros(shape), Tensor(np.zeros(shape)):
            with pytest.raises(ShapeError, match=told):
                net.predict(x)

    def test_a_network_of_ones_own_may_flatten_them(self):
        class Flattening(TwoLayerNet):
            def predict(self, x):
                return super().predict(self.inputs(x).reshape(len(x), -1))

        assert Flattening(4, 3, 2).predict(np.zeros((5, 1, 2, 2))).shape == (5, 2)

    def test_rows_of_rows_and_a_single_one(self):
        net = TwoLayerNet(4, 3, 2)
        assert [net.predict(np.zeros(s)).shape for s in [(4,), (5, 4), (6, 5, 4)]] == [(2,), (5, 2), (6, 5, 2)]

    def test_inputs_that_are_no_numbers(self):
        with pytest.raises(DTypeError):
            small().predict([["a", "b", "c", "d"]])


class TestAccuracy:
    def test_each_wrong_answer_counts_the_same(self):
        net = small()
        answers = net.predict(X).numpy().argmax(axis=1)
        for i in range(5):
            t = answers.copy()
            t[i] = 1 - t[i]
            assert net.accuracy(X, t, batch_size=2) == pytest.approx(0.8)

    def test_rows_lists_and_tensors(self):
        net = small()
        rows = np.eye(2)[T]
        for t in (rows, T.tolist(), Tensor(T), T.astype(np.uint8)):
            assert net.accuracy(X, t) == net.accuracy(X, T)
        assert net.accuracy(X.tolist(), T) == net.accuracy(Tensor(X), T) == net.accuracy(X, T)

    def test_nothing_is_recorded(self):
        net = small()
        seen = []
        predict = net.predict
        net.predict = lambda x: seen.append(is_grad_enabled()) or predict(x)
        net.accuracy(X, T)
        assert seen == [False]

    @pytest.mark.parametrize("t", [T[:1], T[:4], np.zeros(0, int)])
    def test_one_target_for_each_input(self, t):
        with pytest.raises(ShapeError, match=f"there are 5 and {len(t)}"):
            small().accuracy(X, t)

    @pytest.mark.parametrize(("x", "t"), [(X[0], T[0]), (X[0], 1), (3.0, [1])])
    def test_one_input_has_no_accuracy(self, x, t):
        with pytest.raises(ShapeError, match=r"a batch .*np.array\(\[x\]\) and np.array\(\[t\]\)"):
            small().accuracy(x, t)

    def test_nothing_has_no_accuracy(self):
        with pytest.raises(ShapeError, match="one input or more"):
            small().accuracy(X[:0], T[:0])

    def test_a_column_of_labels_as_the_loss_takes_it(self):
        net = small()
        answers = net.predict(X).numpy().argmax(axis=1)
        assert net.accuracy(X, answers[:, None]) == 1
        assert net.accuracy(X, 1 - answers[:, None]) == 0

    @pytest.mark.parametrize("shape", [(5, 1, 1), (5, 3)])
    def test_rows_of_another_width(self, shape):
        with pytest.raises(ShapeError, match=r"labels of shape \(5,\) or rows of shape \(5, 2\)"):
            small().accuracy(X, np.zeros(shape))

    def test_labels_that_the_loss_refuses(self):
        with pytest.raises(DataError, match="the labels of 2 classes are 0 to 1; these are 1 to 2"):
            small().accuracy(X, np.array([1, 2, 1, 2, 1]))
        with pytest.raises(DTypeError, match="labels must be integers, not float64"):
            small().accuracy(X, np.array([0.0, 1.0, 0.0, 1.0, 0.0]))

    def test_predictions_of_nothing_and_by_nothing(self):
        with pytest.raises(ShapeError, match="one input or more"):
            small().predict_all(X[:0])
        with pytest.raises(ValueError, match="batch_size is a whole number, 1 or more, not 0"):
            small().predict_all(X, batch_size=0)


class TestGradient:
    def test_it_leaves_nothing_behind(self, net, digits):
        before = {key: p.numpy().copy() for key, p in net.params.items()}
        first, second = net.gradient(*digits), net.gradient(*digits)
        for key, p in net.params.items():
            assert p.grad is None
            np.testing.assert_array_equal(p.numpy(), before[key])
            np.testing.assert_array_equal(first[key], second[key])
            assert not np.shares_memory(first[key], second[key])

    def test_it_equals_what_backward_leaves(self, net, digits):
        gradient = net.gradient(*digits)
        net.loss(*digits).backward()
        for key, p in net.params.items():
            np.testing.assert_array_equal(p.grad.numpy(), gradient[key])

    def test_it_goes_on_to_the_inputs(self):
        x = Tensor(X, requires_grad=True)
        small(dtype="float64").loss(x, T).backward()
        assert x.grad.shape == X.shape

    def test_without_recording_it_says_so(self, net, digits):
        with no_grad(), pytest.raises(GraphError, match="no_grad"):
            net.gradient(*digits)


def differences(net, x, t):
    """The largest difference between the two gradients, of each parameter."""
    graph, numerical = net.gradient(x, t), net.numerical_gradient(x, t)
    assert list(graph) == list(numerical)
    return {key: np.abs(graph[key] - numerical[key]) for key in graph}


class TestNumericalGradient:
    def test_sigmoid_agrees_on_three_digits(self, digits):
        x, t = digits
        net = TwoLayerNet(784, 50, 10, activation="sigmoid", dtype="float64", seed=0)
        assert max(d.max() for d in differences(net, x[:3], t[:3]).values()) <= 1e-7

    def test_relu_agrees_on_three_digits_except_at_its_kink(self, digits):
        """A weight moves its unit's pre-activation by h at most (pixels are at most 1): so only units that are within
        h of 0 for one of the digits can differ, in what leads to them, and the test counts these."""
        x, t = digits
        net = TwoLayerNet(784, 20, 10, activation="relu", dtype="float64", seed=0)
        a = x[:3].astype(float) @ net.params["W1"].numpy() + net.params["b1"].numpy()
        at_kink = (np.abs(a) <= H).any(axis=0)
        assert at_kink.sum() <= 2, "choose another seed: the test should compare nearly everything"
        found = differences(net, x[:3], t[:3])
        assert max(found["W2"].max(), found["b2"].max()) <= 1e-7
        assert found["W1"][:, ~at_kink].max() <= 1e-7
        assert found["b1"][~at_kink].max() <= 1e-7

    def test_relu_at_its_kink_differs_there_alone(self):
        net = small(dtype="float64")
        net.params["W1"][:, 1] = 0
        found = differences(net, X, T)
        assert found["b1"][1] > 1e-3
        assert np.delete(found["b1"], 1).max() <= 1e-7
        assert np.delete(found["W1"], 1, axis=1).max() <= 1e-7
        assert found["W2"].max() <= 1e-7

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_it_is_computed_in_float64_whatever_the_dtype(self, dtype):
        net = small(activation="sigmoid", dtype=dtype)
        wide = small(activation="sigmoid", dtype="float64")
        for key, p in net.params.items():
            wide.params[key].data = p.numpy()
        found, expected = net.numerical_gradient(X, T), wide.gradient(X, T)
        for key in expected:
            assert found[key].dtype == np.float64
            np.testing.assert_allclose(found[key], expected[key], atol=1e-8)

    def test_it_restores_everything(self):
        net = small()
        kept = {key: (p, p.data, p.numpy().copy()) for key, p in net.params.items()}
        net.numerical_gradient(X, T)
        assert net.dtype == np.float32
        assert net.predict(X).dtype == np.float32
        for key, (p, data, values) in kept.items():
            assert net.params[key] is p
            assert p.data is data
            np.testing.assert_array_equal(data, values)
            assert p.grad is None

    def test_it_restores_everything_also_after_an_error(self):
        net = small()
        kept = {key: (p.data, p.numpy().copy()) for key, p in net.params.items()}
        calls = iter(range(7))
        loss = net.loss
        net.loss = lambda x, t: loss(x, t) if next(calls, None) is not None else 1 / 0
        with pytest.raises(ZeroDivisionError):
            net.numerical_gradient(X, T)
        assert net.dtype == np.float32
        for key, (data, values) in kept.items():
            assert net.params[key].data is data
            np.testing.assert_array_equal(data, values)


def test_a_network_is_what_has_predict():
    with pytest.raises(TypeError, match="abstract"):
        Network()


class TestWhatBeginnersPutAmongTheParameters:
    def test_an_array_as_the_book_does(self, tmp_path):
        net, before = small(), small().state_dict()
        save_arrays(tmp_path / "w.safetensors", before)
        net.params["W2"] = np.zeros((3, 2))
        net.params["W1"] -= 1
        kept = net.params["W1"].numpy().copy()
        for what in (
            lambda: net.gradient(X, T),
            lambda: net.numerical_gradient(X, T),
            lambda: net.save_params(tmp_path / "a.safetensors"),
            lambda: net.load_params(tmp_path / "w.safetensors"),
            lambda: net.load_state_dict(before),
        ):
            with pytest.raises(DTypeError, match=r"params\['W2'\] is of type ndarray.*network.parameter\('W2', a\)"):
                what()
        np.testing.assert_array_equal(net.params["W1"].numpy(), kept)

    def test_the_result_of_a_step_that_is_not_in_place(self):
        net = small()
        g = net.gradient(X, T)
        for key in g:
            net.params[key] = net.params[key] - 0.1 * g[key]
        with pytest.raises(GraphError, match=r"is the result .*write params\['W1'\] -= lr \* grad\['W1'\]"):
            net.gradient(X, T)

    def test_a_constant(self):
        net = small()
        net.params["W2"] = (net.params["W2"] * 2).detach()
        with pytest.raises(GraphError, match=r"params\['W2'\] is a constant.*params\['W2'\].requires_grad = False"):
            net.gradient(X, T)

    def test_an_array_that_was_made_a_tensor(self):
        net = small()
        net.params["W2"] = Tensor(net.params["W2"].numpy(), name="W2")
        with pytest.raises(GraphError, match=r"was replaced by .*would not learn: network\.parameter\('W2', a\) makes"):
            net.gradient(X, T)
        net.params["W2"].requires_grad = True
        assert net.gradient(X, T).keys() == net.params.keys()

    def test_what_a_class_of_its_own_has_put_there_may_be_frozen(self):
        class Own(Network):
            def __init__(self):
                self.params = {"W": Tensor(np.ones((4, 3)), requires_grad=True), "b": Tensor(np.ones(3))}

            def predict(self, x):
                return np.dot(x, self.params["W"]) + self.params["b"]

        net = Own()
        assert net.gradient(X[:, :4], T).keys() == {"W"}
        net.params["W"].requires_grad = False
        with pytest.raises(GraphError, match="all are frozen"):
            net.gradient(X[:, :4], T)

    def test_a_frozen_parameter_stays_so_when_it_is_pickled(self):
        net = small()
        net.parameter("W2", net.params["W2"].numpy()).requires_grad = False
        for again in (net, pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
            assert again.gradient(X, T).keys() == {"W1", "b1", "b2"}

    def test_a_new_parameter_learns(self):
        net = small()
        net.parameter("W1", (net.params["W1"] * 2).numpy())
        assert net.params["W1"].dtype == net.dtype
        assert net.gradient(X, T).keys() == net.params.keys()

"""What all networks have in common: their methods, their gradients, their state."""

import copy
import inspect

import numpy as np
import pytest
from tiny_networks import BATCH_NORM, DROPOUT, IMAGES, TINY, data, shifted

import models
from autograd_dl import Tensor
from autograd_dl.data import MiniBatches
from autograd_dl.errors import DataError, DTypeError, GraphError, ShapeError
from autograd_dl.graph import Node
from autograd_dl.optim import SGD
from models import MultiLayerNetExtend, Network, SimpleConvNet, TwoLayerNet, initial_std

everyone = pytest.mark.parametrize("name", TINY)
with_state = pytest.mark.parametrize("name", sorted({*BATCH_NORM, *DROPOUT}))
SEEDS = {"AlexNet": 1}
"""Another seed than 0 for a network of which a unit is at its kink with that."""


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def nodes(tensor):
    """The nodes behind it."""
    pending, seen = [tensor.node], set()
    while pending:
        node = pending.pop()
        if isinstance(node, Node) and node not in seen:
            seen.add(node)
            pending += node.inputs
    return seen


def scopes(tensor):
    """The scopes of the ops behind it, from the outermost in."""
    return {node.scope for node in nodes(tensor)}


def test_there_is_a_tiny_one_of_each():
    networks = {n for n, c in vars(models).items() if inspect.isclass(c) and issubclass(c, Network)}
    assert networks - {"Network", "LayeredNetwork", "ImageNetwork"} == set(TINY)


@everyone
def test_the_methods_of_the_book(name):
    net, (x, t) = TINY[name](seed=0), data(name)
    scores, loss = net.predict(x), net.loss(x, t)
    assert isinstance(scores, Tensor)
    assert scores.shape == (4, 3)
    assert isinstance(loss, Tensor)
    assert loss.shape == ()
    assert scores.dtype == loss.dtype == np.float32
    gradient = net.gradient(x, t)
    assert list(gradient) == list(net.params)
    assert {(type(g), g.dtype) for g in gradient.values()} == {(np.ndarray, np.dtype("float32"))}
    assert [g.shape for g in gradient.values()] == [p.shape for p in net.params.values()]
    for key, p in net.params.items():
        assert p.name == key
        assert p.requires_grad
        assert p.is_leaf
        before = p.numpy().copy()
        net.params[key] -= 0.1 * gradient[key]  # the book's update
        assert net.params[key] is p
        np.testing.assert_allclose(p.numpy(), before - np.float32(0.1) * gradient[key], rtol=1e-6)


@everyone
def test_accuracy_counts_the_last_partial_batch(name):
    net, (x, t) = TINY[name](seed=0), data(name, batch=7)
    expected = np.mean(net.predict(x).numpy().argmax(axis=1) == t)
    assert isinstance(net.accuracy(x, t), float)
    for batch_size in (1, 2, 3, 7, 100):
        assert net.accuracy(x, t, batch_size=batch_size) == pytest.approx(expected)
    assert net.accuracy(x, np.eye(3)[t]) == pytest.approx(expected)
    default = inspect.signature(net.accuracy).parameters["batch_size"].default
    assert default == (100 if name in IMAGES else 10_000)


@everyone
def test_the_gradients_agree(name):
    """Also after training steps and in either order: the masks of dropout are drawn once."""
    net, (x, t) = shifted(TINY[name](seed=SEEDS.get(name, 0), dtype="float64"), seed=1), data(name, batch=2)
    net.gradient(x, t)
    running = {key: a.copy() for key, a in net.running.items()}
    numerical, after = net.numerical_gradient(x, t), net.gradient(x, t)
    for key, expected in numerical.items():
        np.testing.assert_allclose(after[key], expected, rtol=0, atol=2e-6, err_msg=key)
    assert max(np.abs(g).max() for g in numerical.values()) > 1e-2
    assert name not in BATCH_NORM or not same(running, net.running)


@everyone
def test_the_loss_comes_with_the_gradient(name):
    net, other, (x, t) = TINY[name](seed=0), TINY[name](seed=0), data(name)
    loss, gradient = net.loss_and_gradient(x, t)
    assert isinstance(loss, Tensor)
    assert loss.node is None or not loss.requires_grad
    assert float(loss) == float(other.training_loss(x, t))
    assert same(gradient, TINY[name](seed=0).gradient(x, t))
    assert same(net.state_dict(), other.state_dict()), "one pass forward draws one mask of dropout"


def test_a_frozen_parameter_has_no_gradient_and_stays():
    net, x, t = TwoLayerNet(5, 4, 3, dtype="float64", seed=0), np.ones((2, 5)), [0, 1]
    net.params["W1"].requires_grad = net.params["b2"].requires_grad = False
    before = net.state_dict()
    grads = net.gradient(x, t)
    assert grads.keys() == net.numerical_gradient(x, t).keys() == {"b1", "W2"}
    SGD(0.1).update(net.params, grads)
    assert {k for k, p in net.params.items() if not np.array_equal(before[k], p.numpy())} == {"b1", "W2"}
    for p in net.params.values():
        p.requires_grad = False
    for gradient in (net.gradient, net.numerical_gradient):
        with pytest.raises(GraphError, match="no parameter of this TwoLayerNet requires grad"):
            gradient(x, t)


class Mistaken(Network):
    """A network of one's own, with what may be put there by mistake."""

    def __init__(self, params, loss=None):
        self.params, self.given = params, loss

    def predict(self, x):
        return np.dot(x, np.ones((2, 2)))

    def training_loss(self, _x, _t):
        return self.given


@pytest.mark.parametrize(
    ("params", "loss", "message"),
    [
        (
            {"W": Tensor(1.0, requires_grad=True)},
            None,
            r"the loss of this Mistaken is None \(is its return missing\?\); it must",
        ),
        (
            {"W": Tensor(1.0, requires_grad=True)},
            0.5,
            "the loss of this Mistaken is of type float; it must be a Tensor, no float",
        ),
        ({}, None, r"this Mistaken requires grad: params is empty; self\.parameter\('W', a\) makes"),
        ({"W": Tensor(1.0)}, None, "all are frozen, or were made without requires_grad=True"),
        ([Tensor(1.0)], None, "params must be a dict"),
    ],
)
def test_mistakes_of_a_network_of_ones_own(params, loss, message):
    with pytest.raises((DTypeError, GraphError), match=message):
        Mistaken(params, loss).gradient(np.ones((1, 2)), [0])


def test_inputs_may_be_indices():
    class Lookup(Network):
        def predict(self, x):
            return self.params["E"][x]

    net, x, t = Lookup("float64"), np.array([2, 0, 2]), np.array([1, 0, 0])
    net.parameter("E", np.random.default_rng(0).standard_normal((4, 3)))
    np.testing.assert_allclose(net.gradient(x, t)["E"], net.numerical_gradient(x, t)["E"], atol=1e-8)


@pytest.mark.parametrize("stateful", [TwoLayerNet(2, 2, 2), MiniBatches(np.ones((2, 2)), np.ones(2), 1)])
def test_a_state_is_a_dict(stateful):
    with pytest.raises(DTypeError, match="the state must be a dict"):
        stateful.load_state_dict(None)


def test_differences_of_what_is_made_of_parameters_alone_are_in_float64_too():
    class Product(Network):
        def predict(self, x):
            return np.dot(np.dot(self.inputs(x), self.params["A"]), self.params["B"] * self.params["C"])

    x, t, found = np.eye(3), np.array([1, 0, 2]), {}
    for dtype in ("float16", "float64"):
        net, rng = Product(dtype), np.random.default_rng(0)
        for name in "ABC":
            net.parameter(name, rng.standard_normal((3, 3)).astype(np.float16))
        found[dtype] = net.numerical_gradient(x, t)
    np.testing.assert_allclose(found["float16"]["A"], found["float64"]["A"], rtol=1e-9)


def test_differences_leave_no_trace():
    net, (x, t) = TINY["MultiLayerNetExtend"](seed=0), data("MultiLayerNetExtend")
    before = net.state_dict()
    numerical = net.numerical_gradient(x, t)
    assert same(net.state_dict(), before)
    net.gradient(x, t)
    running = {key: a.copy() for key, a in net.running.items()}
    assert same(net.numerical_gradient(x, t), numerical)
    assert same(net.running, running)
    assert same({"dropout_generator": before["dropout_generator"]}, {
        "dropout_generator": net.state_dict()["dropout_generator"],
    }), "the next gradient draws the same masks"  # fmt: skip


def test_differences_leave_no_trace_after_an_error():
    net, (x, t) = TINY["MultiLayerNetExtend"](seed=0), data("MultiLayerNetExtend")
    before, calls, loss = net.state_dict(), iter(range(7)), net.loss
    net.loss = lambda *args, **kwargs: loss(*args, **kwargs) if next(calls, None) is not None else 1 / 0
    with pytest.raises(ZeroDivisionError):
        net.numerical_gradient(x, t)
    assert same(net.state_dict(), before)
    assert net.dtype == np.float32


@with_state
def test_training_differs_from_prediction(name):
    net, (x, t) = TINY[name](seed=0), data(name)
    before = net.state_dict()
    assert list(inspect.signature(net.predict).parameters) == ["x", "train_flg"]
    np.testing.assert_array_equal(net.predict(x).numpy(), net.predict(x, train_flg=False).numpy())
    assert same(before, net.state_dict())
    assert not np.array_equal(net.predict(x).numpy(), net.predict(x, train_flg=True).numpy())
    assert float(net.loss(x, t, train_flg=True)) != float(net.loss(x, t, train_flg=False))
    assert not same(before, net.state_dict())


@everyone
def test_a_parameter_may_be_replaced(name):
    net, (x, t) = TINY[name](seed=0), data(name)
    key = next(iter(net.params))
    before = net.predict(x).numpy()
    net.params[key] = Tensor(net.params[key].numpy() * 2, requires_grad=True)
    assert not np.array_equal(net.predict(x).numpy(), before)
    assert net.gradient(x, t)[key].any()


@everyone
def test_a_seed_gives_the_same_bytes(name):
    def run(seed):
        net, (x, t) = TINY[name](seed=seed), data(name)
        first = net.state_dict()
        return first, net.gradient(x, t), net.state_dict()

    for one, other in zip(run(5), run(5), strict=True):
        assert same(one, other)
    assert not same(run(5)[0], run(6)[0])
    assert not same(run(None)[0], run(None)[0])


@pytest.mark.parametrize("name", DROPOUT)
def test_dropout_has_a_stream_of_its_own(name):
    net, (x, _) = TINY[name](seed=0), data(name)
    initial = net.state_dict()
    first = net.predict(x, train_flg=True).numpy()
    assert not np.array_equal(first, net.predict(x, train_flg=True).numpy())
    again = TINY[name](seed=0)
    np.random.default_rng(0).random(1000)
    np.random.rand(3)
    np.testing.assert_array_equal(again.predict(x, train_flg=True).numpy(), first)
    assert initial["dropout_generator"].dtype == np.uint8
    assert net.dropout_rng.random() != np.random.default_rng(0).random()


@everyone
def test_the_dtype(name):
    x, t = data(name)
    for dtype in ("float16", "float32", "float64"):
        net = TINY[name](seed=0, dtype=dtype)
        assert net.predict(x).dtype == net.loss(x, t).dtype == dtype
        assert {g.dtype for g in net.gradient(x, t).values()} == {np.dtype(dtype)}
        assert {a.dtype for a in net.running.values()} <= {np.result_type(dtype, np.float32)}
        assert net.predict(x.astype(np.float32)).dtype == dtype


@everyone
def test_overflow_gives_no_number_and_no_crash(name):
    net, (x, t) = TINY[name](seed=0), data(name)
    for p in net.params.values():
        p.data = np.full(p.shape, 1e38)
    with np.errstate(all="ignore"):
        assert not np.isfinite(float(net.loss(x * 1e3, t)))
        net.gradient(x * 1e3, t)
        net.accuracy(x * 1e3, t)


@everyone
def test_each_layer_has_a_scope(name):
    net, (x, t) = TINY[name](seed=0), data(name)
    loss = net.training_loss(x, t)
    assert {node.op.name for node in nodes(loss) if node.op is not None and not node.scope} == {"softmax_cross_entropy"}
    found = {s[-1] for s in scopes(loss) if s}
    weights = sum(key.startswith("W") for key in net.params)
    assert {s for s in found if s.startswith(("Conv", "Affine"))} == {
        *(f"Affine{i + 1}" for i in range(sum(p.ndim == 2 for p in net.params.values()))),
        *(f"Conv{i + 1}" for i in range(sum(p.ndim == 4 for p in net.params.values()))),
    }
    assert len({s for s in found if s.startswith(("Conv", "Affine"))}) == weights
    assert ("BatchNorm1" in found) == (name in BATCH_NORM)
    assert ("Dropout1" in found) == (name in DROPOUT)
    assert ("Pool1" in found) == (name in IMAGES)


@everyone
def test_repr_counts_the_parameters(name):
    net = TINY[name](seed=0)
    first, *lines = repr(net).splitlines()
    assert first == f"{name}: {sum(p.size for p in net.params.values())} parameters, float32"
    assert [line.split()[0] for line in lines] == list(net.params)
    assert [int(line.split()[-1]) for line in lines] == [p.size for p in net.params.values()]


def test_repr_is_a_table():
    assert repr(TwoLayerNet(784, 50, 10)).splitlines() == [
        "TwoLayerNet: 39,760 parameters, float32",
        "  W1  (784, 50)  39,200",
        "  b1  (50,)          50",
        "  W2  (50, 10)      500",
        "  b2  (10,)          10",
    ]


@everyone
def test_a_copy_is_independent(name):
    net, (x, t) = TINY[name](seed=0), data(name)
    other = copy.deepcopy(net)
    before = net.state_dict()
    other.gradient(x, t)
    for p in other.params.values():
        p.data = np.zeros(p.shape)
    assert same(net.state_dict(), before)


# -- state


def trained(name, seed=0):
    """After two steps."""
    net, (x, t) = TINY[name](seed=seed), data(name)
    for _ in range(2):
        for key, g in net.gradient(x, t).items():
            net.params[key] -= 0.1 * g
    return net


@everyone
def test_a_state_that_is_taken_back_goes_on_the_same(name):
    net, other, (x, t) = trained(name), TINY[name](seed=1), data(name)
    state = net.state_dict()
    assert {type(a) for a in state.values()} == {np.ndarray}
    other.load_state_dict(state)
    assert same(other.state_dict(), state)
    for _ in range(2):
        assert same(net.gradient(x, t), other.gradient(x, t))
    assert same(net.state_dict(), other.state_dict())
    assert name not in DROPOUT or not same(state, net.state_dict())


@everyone
def test_a_state_is_a_copy(name):
    net = trained(name)
    state = net.state_dict()
    kept = {key: a.copy() for key, a in state.items()}
    x, t = data(name)
    for key, g in net.gradient(x, t).items():
        net.params[key] -= g
    assert same(state, kept)
    other = TINY[name](seed=1)
    other.load_state_dict(state)
    other.gradient(x, t)
    for key in other.params:
        other.params[key] -= 1.0
    assert same(state, kept)


@with_state
def test_a_state_that_does_not_fit_changes_nothing(name):
    net = trained(name)
    before = net.state_dict()
    for key in before:
        lacking = {k: a for k, a in before.items() if k != key}
        with pytest.raises(DataError, match=f"the state does not fit this {name}: {key} is missing"):
            net.load_state_dict(lacking)
    with pytest.raises(DataError, match=r"W1 has shape \(1,\) instead of .*; more is unexpected"):
        net.load_state_dict(before | {"W1": np.ones(1), "more": np.ones(1)})
    if name in DROPOUT:
        with pytest.raises(DataError, match="no JSON"):
            net.load_state_dict({key: a + 1 for key, a in before.items() if key != "dropout_generator"} | {
                "dropout_generator": np.zeros(3, np.uint8),
            })  # fmt: skip
    else:
        with pytest.raises(DataError, match="dropout_generator is unexpected"):
            net.load_state_dict(before | {"dropout_generator": np.zeros(3, np.uint8)})
    assert same(net.state_dict(), before)


@everyone
def test_files_keep_the_running_statistics(name, tmp_path):
    pytest.importorskip("safetensors")
    net, other, (x, _) = trained(name), TINY[name](seed=1), data(name)
    net.save_params(tmp_path / "params.safetensors")
    other.load_params(tmp_path / "params.safetensors")
    np.testing.assert_array_equal(other.predict(x).numpy(), net.predict(x).numpy())
    assert same(other.running, net.running)
    assert name not in BATCH_NORM or net.running


@everyone
def test_the_books_files_have_parameters_alone(name, tmp_path):
    net, other = trained(name), trained(name, seed=1)
    running = {key: a.copy() for key, a in other.running.items()}
    np.savez(tmp_path / "params.npz", **{key: p.numpy() for key, p in net.params.items()})
    other.load_params(tmp_path / "params.npz")
    assert same({k: p.numpy() for k, p in other.params.items()}, {k: p.numpy() for k, p in net.params.items()})
    assert same(other.running, running)


def test_a_part_of_the_running_statistics_does_not_do(tmp_path):
    net = trained("ResNet")
    arrays = {key: a for key, a in net.state_dict().items() if key != "running_var2"}
    np.savez(tmp_path / "params.npz", **arrays)
    with pytest.raises(DataError, match="does not fit this ResNet: running_var2 is missing"):
        net.load_params(tmp_path / "params.npz")


# -- initial values, and what is refused


@pytest.mark.parametrize(
    ("std", "expected"),
    [
        ("relu", 0.2), ("He", 0.2), ("sigmoid", 0.1414213562), ("XAVIER", 0.1414213562), (0.01, 0.01), (1, 1),
        (np.float32(0.5), 0.5),
    ],
)  # fmt: skip
def test_initial_std(std, expected):
    assert initial_std(std, 50) == pytest.approx(expected)


@pytest.mark.parametrize("std", ["kaiming", -0.1, np.nan, np.inf, True, None])
def test_what_is_no_standard_deviation_is_refused(std):
    with pytest.raises(ValueError, match="'relu', 'he', 'sigmoid', 'tanh', 'xavier' or a number of 0 or more, not"):
        initial_std(std, 50)


def test_initial_values_by_name():
    w = models.MultiLayerNet(784, [400], 10, weight_init_std="Xavier", seed=0).params["W1"].numpy()
    assert w.std() == pytest.approx(np.sqrt(1 / 784), rel=0.01)
    two = models.TwoLayerNet(784, 400, 100, weight_init_std="he", seed=0).params
    for key, inputs in {"W1": 784, "W2": 400}.items():
        assert two[key].numpy().std() == pytest.approx(np.sqrt(2 / inputs), rel=0.02)
    conv = models.DeepConvNet(seed=0).params
    for key, inputs in {"W2": 16 * 9, "W6": 64 * 9, "W7": 1024}.items():
        assert conv[key].numpy().std() == pytest.approx(np.sqrt(2 / inputs), rel=0.05)
        assert not conv[key.replace("W", "b")].numpy().any()


@pytest.mark.parametrize("name", ["lecun", ""])
def test_an_unknown_name_of_initial_values(name):
    with pytest.raises(ValueError, match=f"'xavier' or a number of 0 or more, not {name!r}"):
        models.MultiLayerNet(4, [3], 2, weight_init_std=name)
    with pytest.raises(ValueError, match=f"'xavier' or a number of 0 or more, not {name!r}"):
        models.TwoLayerNet(4, 3, 2, weight_init_std=name)


@pytest.mark.parametrize("name", IMAGES)
def test_images_of_another_shape_are_refused(name):
    net = IMAGES[name](seed=0)
    for shape in ((4, 144), (4, 1, 11, 12), (4, 2, 12, 12), (1, 12, 12)):
        with pytest.raises(ShapeError, match=rf"this {name} takes images of shape \('N', 1, 12, 12\)"):
            net.predict(np.zeros(shape))


@pytest.mark.parametrize("input_dim", [(28, 28), (1, 0, 28), (1, 1, 28, 28), (1, 28.0, 28), ("1", 28, 28)])
def test_an_input_dim_that_is_none(input_dim):
    with pytest.raises(ShapeError, match="input_dim is"):
        SimpleConvNet(input_dim)


@pytest.mark.parametrize("sizes", [{"hidden_size": 0}, {"output_size": 0}, {"output_size": 2.5}, {"hidden_size": None}])
def test_a_layer_of_nothing(sizes):
    with pytest.raises(ShapeError, match="no input or no output"):
        SimpleConvNet(**sizes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.AlexNet(filters=(3,)), r"AlexNet has at least two convolutions.*not \[3\]"),
        (lambda: models.LeNet(filters=(3,)), r"LeNet has two convolutions.*not \[3\]"),
        (lambda: models.ResNet(stages=()), "ResNet has at least one stage"),
        (lambda: SimpleConvNet(input_dim=784), r"input_dim is \(channels, height, width\), not 784"),
        (lambda: models.MultiLayerNet(4, 3, 2), r"hidden_size_list is a list of sizes, as \[3\], not 3"),
        (lambda: models.MultiLayerNet(4, "30", 2), r"hidden_size_list is a list of sizes, as \[30\], not '30'"),
        (lambda: models.ThreeLayerNet(hidden_size_list=50), "hidden_size_list is a list of sizes"),
        (lambda: models.VGG(blocks=(8, 8)), r"each of the blocks is a list of sizes, as \[8\], not 8"),
        (lambda: models.GoogLeNet(modules=(8, 8)), "each of the modules is a list of sizes"),
        (lambda: models.TwoLayerNet(True, 3, 2), "whole numbers of 1 or more, not True, 3 and 2"),
        (lambda: models.MultiLayerNet(4.0, [3], 2), r"an input has sizes of whole numbers of 1 or more, not \(4.0,\)"),
        (
            lambda: TwoLayerNet(4, 0, 2),
            "the input, the hidden layer and the output are whole numbers of 1 or more, not 4, 0 and 2",
        ),
        (lambda: TwoLayerNet("4", 3, 2), "1 or more, not '4', 3 and 2"),
        (lambda: models.MultiLayerNet(4, [3], 2, weight_decay_lambda="0.1"), "weight_decay_lambda must be .*not '0.1'"),
        (lambda: TwoLayerNet(4, 3, None), "1 or more, not 4, 3 and None"),
        (lambda: models.initial_std("he", 0), "a unit has 1 input or more, not 0"),
        (lambda: SimpleConvNet(conv_param=30), "conv_param is a dict with filter_num and filter_size, not 30"),
        (lambda: SimpleConvNet(conv_param={"filters": 3}), "has filter_num and filter_size, .* this one has filters"),
        (lambda: models.DeepConvNet(conv_param_2={}), "^conv_param_2 has filter_num .* this one has nothing"),
        (lambda: TwoLayerNet(4, 3, 2).accuracy(np.ones((2, 4)), [0, 1], batch_size=0), "1 or more, not 0"),
        (lambda: TwoLayerNet(4, 3, 2).accuracy(np.ones((2, 4)), [0, 1], batch_size=-1), "1 or more, not -1"),
        (lambda: TwoLayerNet(4, 3, 2).accuracy(np.ones((2, 4)), [0, 1], batch_size="2"), "1 or more, not '2'"),
    ],
)
def test_arguments_that_make_no_network(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize("name", ["LeNet", "AlexNet", "VGG", "GoogLeNet", "ResNet"])
def test_images_of_28_and_32_pixels(name, size):
    net = getattr(models, name)((3, size, size), output_size=7, seed=0)
    assert net.predict(np.zeros((2, 3, size, size))).shape == (2, 7)
    assert sum(p.size for p in net.params.values()) < 200_000


@pytest.mark.parametrize(("inputs", "labels"), [(3, 5), (5, 3)])
def test_accuracy_needs_a_label_for_each_input_and_no_more(inputs, labels):
    with pytest.raises(ShapeError, match=f"there are {inputs} and {labels}"):
        TwoLayerNet(2, 3, 4).accuracy(np.zeros((inputs, 2)), np.zeros(labels, int), batch_size=3)


def test_differences_have_the_masks_of_the_gradient_before():
    network = MultiLayerNetExtend(3, [8], 2, use_dropout=True, dtype="float64", seed=0)
    x, t = np.random.default_rng(0).standard_normal((4, 3)), [0, 1, 1, 0]
    for _ in range(3):
        found = network.gradient(x, t)
    for name, g in network.numerical_gradient(x, t).items():
        np.testing.assert_allclose(found[name], g, atol=1e-6)


FIRST_SCORES = {
    "LeNet": ({}, [-0.4115781844, -0.2579237833, -0.0279688363]),
    "AlexNet": ({}, [-0.3391819381, -0.7371215748, 0.0939102194]),
    "VGG": ({"blocks": [(4, 4), (6,)]}, [-0.3515510074, 0.1177017006, 0.3992906651]),
    "GoogLeNet": ({"modules": [(3, 5, 5, 3), (4, 5, 7, 2)]}, [-0.0616684784, -0.0279298502, -0.3105197877]),
    "ResNet": ({}, [0.6872337343, 1.9484512026, 6.2153752077]),
}
"""Of an image that rises from -1 to 1, by a network of the seed 0; uneven modules and blocks show what is halved."""


@pytest.mark.parametrize("name", FIRST_SCORES)
def test_the_same_weights_make_the_same_scores_in_every_version(name):
    options, expected = FIRST_SCORES[name]
    net = getattr(models, name)(seed=0, dtype="float64", **options)
    scores = net.predict(np.linspace(-1, 1, 784).reshape(1, 1, 28, 28)).numpy()
    np.testing.assert_allclose(scores[0, :3], expected, rtol=1e-7)


# -- networks of one's own


class Own(models.Network):
    """Without super().__init__(), as the book writes a class."""

    def __init__(self):
        self.parameter("W", np.ones((4, 3)))

    def predict(self, x):
        return np.dot(self.inputs(x), self.params["W"])


class OwnParams(Own):
    def __init__(self):
        self.params = {"W": Tensor(np.ones((4, 3), np.float32), requires_grad=True)}


class OwnLayers(models.LayeredNetwork):
    def __init__(self):
        self.build(4)

    def scores(self, x, layers):
        return layers.dropout(layers.batch_norm(layers.affine(x, 3)))


@pytest.mark.parametrize("kind", [Own, OwnParams, OwnLayers])
def test_a_network_that_does_not_call_super(kind, tmp_path):
    pytest.importorskip("safetensors")
    net, other, x, t = kind(), kind(), np.eye(4), np.array([0, 1, 2, 0])
    assert net.params.keys() == net.gradient(x, t).keys()
    assert net.params is not other.params
    assert net.running is not other.running
    assert {p.dtype for p in net.params.values()} == {np.dtype("float32")}
    net.save_params(tmp_path / "own.safetensors")
    other.load_params(tmp_path / "own.safetensors")
    np.testing.assert_array_equal(other.predict(x).numpy(), net.predict(x).numpy())
    net.load_state_dict(copy.deepcopy(net).state_dict())
    assert net.accuracy(x, t) >= 0


def test_a_network_that_is_initialized_again_begins_anew():
    net = models.MultiLayerNet(4, [3, 3], 2)
    net.__init__(4, [3], 2)
    assert list(net.params) == ["W1", "b1", "W2", "b2"]

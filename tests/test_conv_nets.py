"""The convolutional networks of chapters 7 and 8."""

import inspect

import numpy as np
import pytest

from autograd_dl.errors import ShapeError
from models import DeepConvNet, LeNet, SimpleConvNet

RNG = np.random.default_rng(2)
PARAM = {"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}


def shapes(net):
    return {key: p.shape for key, p in net.params.items()}


def test_simple_conv_net():
    parameters = inspect.signature(SimpleConvNet).parameters
    assert {name: p.default for name, p in parameters.items()} == {
        "input_dim": (1, 28, 28), "conv_param": PARAM, "hidden_size": 100, "output_size": 10, "weight_init_std": 0.01,
        "dtype": "float32", "seed": None,
    }  # fmt: skip
    net = SimpleConvNet(seed=0)
    assert shapes(net) == {
        "W1": (30, 1, 5, 5), "b1": (30,), "W2": (4320, 100), "b2": (100,), "W3": (100, 10), "b3": (10,),
    }  # fmt: skip
    assert net.params["W2"].numpy().std() == pytest.approx(0.01, rel=0.02)


def test_deep_conv_net():
    parameters = inspect.signature(DeepConvNet).parameters
    assert list(parameters) == [
        "input_dim", *(f"conv_param_{i}" for i in range(1, 7)), "hidden_size", "output_size", "dtype", "seed",
    ]  # fmt: skip
    for i, (filters, pad) in enumerate(zip((16, 16, 32, 32, 64, 64), (1, 1, 1, 2, 1, 1), strict=True), 1):
        default = parameters[f"conv_param_{i}"].default
        assert default == {"filter_num": filters, "filter_size": 3, "pad": pad, "stride": 1}
    assert (parameters["hidden_size"].default, parameters["output_size"].default) == (50, 10)
    net = DeepConvNet(seed=0)
    assert {key: shape for key, shape in shapes(net).items() if key.startswith("W")} == {
        "W1": (16, 1, 3, 3), "W2": (16, 16, 3, 3), "W3": (32, 16, 3, 3), "W4": (32, 32, 3, 3),
        "W5": (64, 32, 3, 3), "W6": (64, 64, 3, 3), "W7": (1024, 50), "W8": (50, 10),
    }  # fmt: skip
    assert {f"b{i}" for i in range(1, 9)} < set(net.params)


def test_the_deep_nets_loss_trains():
    net, (x, t) = DeepConvNet(seed=0), (RNG.random((2, 1, 28, 28)), np.array([1, 2]))
    assert float(net.loss(x, t)) != float(net.loss(x, t))
    assert float(net.loss(x, t, train_flg=False)) == float(net.loss(x, t, train_flg=False))


def test_simple_conv_net_is_the_books_formula():
    """The convolution as one product with the rows of im2col, written out."""
    net = SimpleConvNet((2, 6, 6), {"filter_num": 3, "filter_size": 3, "pad": 1, "stride": 1}, 4, 5, 1.0, dtype=float)
    for p in net.params.values():
        p.data = RNG.standard_normal(p.shape)
    w1, b1, w2, b2, w3, b3 = (p.numpy() for p in net.params.values())
    x = RNG.standard_normal((2, 2, 6, 6))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    a = np.empty((2, 3, 6, 6))
    for i in range(6):
        for j in range(6):
            patch = padded[:, :, i : i + 3, j : j + 3].reshape(2, -1)
            a[:, :, i, j] = patch @ w1.reshape(3, -1).T + b1
    z = np.maximum(a, 0).reshape(2, 3, 3, 2, 3, 2).max(axis=(3, 5)).reshape(2, -1)
    expected = np.maximum(z @ w2 + b2, 0) @ w3 + b3
    np.testing.assert_allclose(net.predict(x).numpy(), expected, rtol=1e-10)


MISFITS = [
    ({"filter_size": 6, "stride": 4}, r"\(size 28 \+ 2 \* pad 0 - filter size 6\) / stride 4 \+ 1 = 6.5 places"),
    ({"stride": 2}, r"\(size 28 \+ 2 \* pad 0 - filter size 5\) / stride 2 \+ 1 = 12.5 places"),
    ({"filter_size": 31, "pad": 1}, r"\(size 28 \+ 2 \* pad 1 - filter size 31\) / stride 1 \+ 1 = 0 places"),
    ({"stride": 0}, "filter size 5, stride 0, pad 0; they are whole numbers of at least 1, 1 and 0"),
    ({"pad": -1}, "at least 1, 1 and 0"),
    ({"filter_size": 0}, "at least 1, 1 and 0"),
    ({"filter_num": 0}, "no input or no output"),
    ({"filter_size": (5, 5)}, r"filter size \(5, 5\), stride 1, pad 0; they are whole numbers"),
]


@pytest.mark.parametrize(("changes", "message"), MISFITS)
def test_a_convolution_that_does_not_fit_is_refused(changes, message):
    with pytest.raises(ShapeError, match=message):
        SimpleConvNet(conv_param=PARAM | changes)


def test_the_axis_and_the_layer_are_named():
    param = PARAM | {"filter_size": 3, "stride": 2}
    with pytest.raises(ShapeError, match=r"Conv1 does not fit its images along their width: \(size 28"):
        SimpleConvNet((1, 29, 28), param)
    with pytest.raises(ShapeError, match=r"Conv4 .* height: \(size 14 \+ 2 \* pad 0 - filter size 3\) / stride 2"):
        DeepConvNet(conv_param_4=param | {"filter_num": 2})


@pytest.mark.parametrize("lacking", ["filter_num", "filter_size"])
def test_a_convolution_has_filters_of_a_size(lacking):
    with pytest.raises(ValueError, match=rf"conv_param has .*{lacking}.*; this one has (?!.*{lacking})"):
        SimpleConvNet(conv_param={key: value for key, value in PARAM.items() if key != lacking})


@pytest.mark.torch
def test_pytorch_computes_the_same():
    torch = pytest.importorskip("torch", reason="PyTorch, which this test compares with, is not installed")
    nn = torch.nn.functional
    x, t = RNG.random((3, 1, 28, 28)), np.array([3, 0, 9])

    def deep(x, p):
        for i, pad in enumerate((1, 1, 1, 2, 1, 1), 1):
            x = torch.relu(nn.conv2d(x, p[f"W{i}"], p[f"b{i}"], padding=pad))
            x = x if i % 2 else nn.max_pool2d(x, 2)
        x = torch.relu(x.flatten(1) @ p["W7"] + p["b7"])
        return x @ p["W8"] + p["b8"]

    def le(x, p):
        for i, pad in ((1, 2), (2, 0)):
            x = nn.avg_pool2d(torch.tanh(nn.conv2d(x, p[f"W{i}"], p[f"b{i}"], padding=pad)), 2)
        x = x.flatten(1)
        for i in (3, 4):
            x = torch.tanh(x @ p[f"W{i}"] + p[f"b{i}"])
        return x @ p["W5"] + p["b5"]

    for net, theirs in ((DeepConvNet(dtype="float64", seed=0), deep), (LeNet(dtype="float64", seed=0), le)):
        p = {key: torch.tensor(a.numpy(), requires_grad=True) for key, a in net.params.items()}
        scores = theirs(torch.tensor(x), p)
        np.testing.assert_allclose(net.predict(x).numpy(), scores.detach().numpy(), rtol=0, atol=1e-10)
        nn.cross_entropy(scores, torch.tensor(t)).backward()
        net.loss(x, t, train_flg=False).backward()
        for key, tensor in net.params.items():
            np.testing.assert_allclose(tensor.grad.numpy(), p[key].grad.numpy(), rtol=0, atol=1e-10)

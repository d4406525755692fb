"""The engine and its rules use NumPy's protocols alone: arrays of another library go forward and backward as they are.

The library here wraps NumPy, and refuses to become an array of NumPy's, as one on another device would.
"""

import numpy as np
import pytest
from specs import SPECS, examples, listed

from autograd_dl import Tensor, grad, gradients, no_grad, ops
from autograd_dl.functional import batch_norm, conv2d
from autograd_dl.table import Outline

SHARED = [
    "shape",
    "dtype",
    "ndim",
    "size",
    "nbytes",
    "T",
    "reshape",
    "transpose",
    "swapaxes",
    "sum",
    "max",
    "all",
    "astype",
    "copy",
]


class Duck(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of another library."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __array__(self, *_args, **_kwargs):
        raise TypeError("a Duck does not become an array unasked")

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return wrapped(getattr(ufunc, method)(*bare(args), **bare(kwargs)))

    def __array_function__(self, fun, _types, args, kwargs):
        return wrapped(fun(*bare(args), **bare(kwargs)))

    def __getitem__(self, key):
        return wrapped(self.array[bare(key)])

    def __setitem__(self, key, value):
        self.array[bare(key)] = bare(value)

    def __bool__(self):
        return bool(self.array)

    def __len__(self):
        return len(self.array)

    def __getattr__(self, name):
        """The attributes and methods that rules may use: those that array libraries share."""
        if name not in SHARED:
            raise AttributeError(name)
        found = getattr(self.array, name)
        return (
            (lambda *args, **kwargs: wrapped(found(*bare(args), **bare(kwargs)))) if callable(found) else wrapped(found)
        )


def bare(value):
    if isinstance(value, (tuple, list)):
        return type(value)(map(bare, value))
    if isinstance(value, dict):
        return {key: bare(v) for key, v in value.items()}
    return value.array if isinstance(value, Duck) else value


def wrapped(value):
    if isinstance(value, tuple) and any(isinstance(v, (np.ndarray, np.generic)) for v in value):
        return tuple(map(wrapped, value))
    return Duck(value) if isinstance(value, (np.ndarray, np.generic)) else value


def network(x, w1, b1, w2, t):
    """Scores of two joined layers and their loss, of arrays of any library."""
    h = np.dot(x, w1) + b1
    h = np.concatenate([ops.relu(h), ops.sigmoid(h[:, 1:])], axis=1)
    h = np.reshape(h, (len(h), -1)) * 2.0
    scores = np.matmul(h, w2)
    return ops.softmax_cross_entropy(scores, t) + np.sum(w2 * w2) / 10 + np.mean(np.tanh(h), axis=0).max()


@pytest.fixture
def arrays():
    """Inputs, weights and targets, some of them so large that the graph keeps only their shapes."""
    rng = np.random.default_rng(0)
    shapes = [(60, 30), (30, 20), (20,), (39, 12), (60, 12)]
    return [rng.standard_normal(shape) / 4 for shape in shapes]


def test_gradients_are_ducks_and_right(arrays):
    plain = [Tensor(a, requires_grad=True) for a in arrays]
    ducks = [Tensor(Duck(a), requires_grad=True) for a in arrays]
    expected, loss = network(*plain), network(*ducks)
    np.testing.assert_allclose(bare(loss.data), expected.data, rtol=1e-12)
    expected.backward()
    loss.backward()
    for p, d in zip(plain, ducks, strict=True):
        assert type(d.data) is type(d.grad.data) is Duck
        assert not np.shares_memory(d.grad.data.array, d.data.array)
        np.testing.assert_allclose(d.grad.data.array, p.grad.data, rtol=1e-12, atol=1e-15)


def test_arrays_that_cannot_be_changed():
    class Unchangeable(Duck):
        def __array_ufunc__(self, ufunc, method, *args, **kwargs):
            if "out" in kwargs:
                return NotImplemented
            ans = super().__array_ufunc__(ufunc, method, *args, **kwargs)
            return Unchangeable(bare(ans)) if isinstance(ans, Duck) else ans

    x = Tensor(Unchangeable(np.arange(3.0)), requires_grad=True)
    (x * x + x * x * 2.0 + x).backward(np.ones(3))
    np.testing.assert_array_equal(x.grad.data.array, [1, 7, 13])


def test_a_second_backward_adds_up(arrays):
    ducks = [Tensor(Duck(a), requires_grad=True) for a in arrays]
    network(*ducks).backward()
    first = [d.grad.data.array.copy() for d in ducks]
    network(*ducks).backward()
    for d, g in zip(ducks, first, strict=True):
        np.testing.assert_allclose(d.grad.data.array, 2 * g, rtol=1e-12)


def test_gradients_of_gradients_are_ducks_and_right(arrays):
    def slope(make):
        inputs = [Tensor(make(a), requires_grad=True) for a in arrays]
        first = gradients(network(*inputs), inputs, create_graph=True)
        total = sum((np.sum(g * g) for g in first), 0.0)
        return [g.data for g in gradients(total, inputs)]

    for found, expected in zip(slope(Duck), slope(np.array), strict=True):
        assert type(found) is Duck
        np.testing.assert_allclose(found.array, expected, rtol=1e-10, atol=1e-13)


def test_transforms_take_and_return_ducks(arrays):
    found = grad(network, argnums=1)(*map(Duck, arrays))
    expected = grad(network, argnums=1)(*arrays)
    assert type(found) is Duck
    np.testing.assert_allclose(found.array, expected, rtol=1e-12)


def test_without_recording_ducks_stay_ducks(arrays):
    with no_grad():
        loss = network(*(Tensor(Duck(a), requires_grad=True) for a in arrays))
    assert type(loss.data) is Duck
    assert type(network(*map(Duck, arrays))) is Duck


def test_a_duck_is_updated_in_place():
    w = Tensor(Duck([1.0, 2.0]), requires_grad=True)
    np.sum(w * w).backward()
    w -= 0.5 * w.grad.data
    assert w.data.array.tolist() == [0, 0]
    assert type(w.data) is Duck


def test_batch_normalization_keeps_running_statistics_of_ducks():
    values = np.arange(24.0).reshape(8, 3) ** 2

    def trained(make):
        x, mean, var = Tensor(make(values), requires_grad=True), make(np.zeros(3)), make(np.ones(3))
        y = batch_norm(x, make(np.ones(3)), make(np.zeros(3)), mean, var)
        np.sum(y**3).backward()
        return y.data, x.grad.data, mean, var

    for found, expected in zip(trained(Duck), trained(np.array), strict=True):
        assert type(found) is Duck
        np.testing.assert_allclose(found.array, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_each_rule_takes_and_returns_ducks(spec):
    def pulled(make, case):
        inputs = [Tensor(make(x), requires_grad=True) for x in case.arrays]
        ys = [y for y in listed(spec.f(*inputs, **case.options)) if type(y) is Tensor and y.requires_grad]
        rng = np.random.default_rng(0)
        first = gradients(ys, inputs, [make(rng.standard_normal(y.shape)) for y in ys], create_graph=True)
        gs = [g for g in first if g.requires_grad]
        second = gradients(gs, inputs, [make(rng.standard_normal(g.shape)) for g in gs])
        return [y.data for y in (*ys, *first, *second)]

    for case in examples(spec, 3):
        for found, expected in zip(pulled(Duck, case), pulled(np.array, case), strict=True):
            assert type(found) is Duck
            np.testing.assert_allclose(found.array, expected, rtol=1e-9, atol=1e-11)


def test_the_graph_holds_no_large_duck_that_no_rule_reads():
    w = Tensor(Duck(np.ones((100, 100))), requires_grad=True)
    y = w + Duck(np.ones((100, 100)))
    held = [w.node.value, y.node.value, *y.node.args, y.node.inputs[1]]
    assert [type(value) for value in held] == [Outline] * 5


def test_filters_of_another_library_take_images_of_numpy():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 8, 16, 16)), rng.standard_normal((8, 8, 3, 3))
    filters = Tensor(Duck(w), requires_grad=True)
    assert np.allclose(conv2d(x, filters).numpy().array, conv2d(x, Tensor(w)).numpy())

import numpy as np
import pytest

from autograd_dl import Tensor
from autograd_dl.errors import GraphError, ShapeError
from autograd_dl.optim import SGD


def parameters():
    return {
        "W": Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True),
        "b": Tensor([5.0, 6.0], requires_grad=True),
    }


def values(params):
    return {key: p.numpy().copy() for key, p in params.items()}


def test_update_with_gradients_as_in_the_book():
    params = parameters()
    SGD(lr=0.1).update(params, {"W": np.ones((2, 2)), "b": np.array([10.0, -10.0])})
    np.testing.assert_allclose(params["W"].numpy(), [[0.9, 1.9], [2.9, 3.9]])
    np.testing.assert_allclose(params["b"].numpy(), [4.0, 7.0])


def test_update_after_backward():
    params = parameters()
    (params["W"].sum() + 2 * params["b"].sum()).backward()
    SGD(lr=0.5).update(params)
    np.testing.assert_allclose(params["W"].numpy(), [[0.5, 1.5], [2.5, 3.5]])
    np.testing.assert_allclose(params["b"].numpy(), [4.0, 5.0])


@pytest.mark.parametrize("lr", ["a", "0.1", None, float("nan"), float("inf"), [0.1], 1j])
def test_a_rate_that_is_no_number_is_refused(lr):
    with pytest.raises(ValueError, match="the learning rate lr must be a finite number, not "):
        SGD(lr)


@pytest.mark.parametrize("lr", [0, 1, -0.1, np.float32(0.1), np.int64(1)])
def test_rates_may_be_numbers_of_numpy(lr):
    assert SGD(lr).lr == lr


def test_the_default_rate_is_the_books():
    assert SGD().lr == 0.01


def test_the_parameters_stay_the_same_objects_in_the_same_memory():
    params = parameters()
    tensors, arrays = dict(params), {key: p.data for key, p in params.items()}
    SGD().update(params, {"W": np.ones((2, 2)), "b": np.ones(2)})
    for key, p in params.items():
        assert p is tensors[key]
        assert p.data is arrays[key]
        assert p.is_leaf
        assert p.requires_grad


def test_floats():
    params = {"x": -7.0, "y": 2.0}
    optimizer = SGD(lr=0.95)
    for _ in range(30):
        optimizer.update(params, {"x": params["x"] / 10, "y": 2 * params["y"]})
    assert params["x"] == pytest.approx(-7 * (1 - 0.095) ** 30)
    assert params["y"] == pytest.approx(2 * (-0.9) ** 30)


def test_arrays_change_in_place():
    w = np.ones(3)
    SGD(0.5).update({"W": w}, {"W": np.ones(3)})
    assert w.tolist() == [0.5] * 3


def test_gradients_that_are_tensors():
    params = parameters()
    SGD(1).update(params, {"W": Tensor(np.ones((2, 2))), "b": Tensor([1.0, 1.0], requires_grad=True)})
    np.testing.assert_allclose(params["b"].numpy(), [4.0, 5.0])
    assert params["b"].is_leaf


def test_one_optimizer_serves_several_networks():
    optimizer = SGD(0.1)
    first, second = {"W": np.zeros(2)}, {"W": np.zeros((3, 4))}
    optimizer.update(first, {"W": np.ones(2)})
    optimizer.update(second, {"W": np.ones((3, 4))})
    np.testing.assert_allclose(second["W"], -0.1)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_dtype_stays(dtype):
    w = Tensor(np.ones(3), requires_grad=True, dtype=dtype)
    SGD(0.5).update({"W": w}, {"W": np.ones(3, dtype)})
    assert w.dtype == dtype
    SGD(np.float64(0.5)).update({"W": w}, {"W": np.ones(3)})
    assert w.dtype == dtype
    assert w.tolist() == [0] * 3


def test_what_has_no_parameter_is_left_alone():
    params = {"W": np.ones(2)}
    SGD(1).update(params, {"W": np.ones(2), "V": np.ones(5)})
    assert params.keys() == {"W"}


@pytest.mark.parametrize("grads", [{"W": np.ones((2, 2))}, {"b": np.ones(2)}, {}])
def test_a_missing_gradient_changes_nothing(grads):
    params = parameters()
    before = values(params)
    missing = ", ".join(key for key in params if key not in grads)
    with pytest.raises(GraphError, match=f"no gradient for {missing}: there is no entry in grads"):
        SGD().update(params, grads)
    assert all(np.array_equal(before[key], p.numpy()) for key, p in params.items())


def test_without_backward_nothing_changes():
    params = parameters()
    before = values(params)
    params["W"].sum().backward()
    with pytest.raises(GraphError, match=r"no gradient for b: there is no `.grad`; run loss.backward\(\) first"):
        SGD().update(params)
    assert all(np.array_equal(before[key], p.numpy()) for key, p in params.items())


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2), (1, 2)])
def test_a_gradient_of_another_shape_changes_nothing(shape):
    params = parameters()
    before = values(params)
    with pytest.raises(ShapeError, match=r"the gradient for b has shape \(.*\), the parameter \(2,\)"):
        SGD().update(params, {"W": np.ones((2, 2)), "b": np.ones(shape)})
    assert all(np.array_equal(before[key], p.numpy()) for key, p in params.items())


def test_a_graph_that_read_the_old_values_cannot_run_backward():
    params = parameters()
    loss = (params["W"] ** 2).sum()
    SGD().update(params, {"W": np.ones((2, 2)), "b": np.ones(2)})
    with pytest.raises(GraphError, match="changed in place"):
        loss.backward()

import math
import pickle
from copy import deepcopy
from functools import partial

import numpy as np
import pytest
from test_duck_arrays import Duck

from autograd_dl import Tensor, gradients
from autograd_dl.errors import AnomalyError, DataError, DTypeError, GraphError, ShapeError
from autograd_dl.optim import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
    clip_by_norm,
    clip_by_value,
    cosine_decay,
    exponential_decay,
    l1_decay,
    l2_decay,
    step_decay,
    warm_up,
    zero_grad,
)
from autograd_dl.optim.optimizer import CLEARED_EVERY

ALL = [SGD, Momentum, Nesterov, AdaGrad, RMSprop, AdaDelta, Adam, AdamW]
KEEPING = ALL[1:]


@pytest.mark.parametrize("value", [10**400, -1, math.nan, math.inf, "a"])
def test_settings_that_are_no_numbers_to_compute_with(value):
    with pytest.raises(ValueError, match="momentum must be at least 0"):
        Momentum(0.1, value)


def parameters():
    return {
        "W": Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True),
        "b": Tensor([5.0, 6.0], requires_grad=True),
    }


def values(params):
    return {key: p.numpy().copy() for key, p in params.items()}


def same(state, other):
    assert state.keys() == other.keys()
    for name, a in state.items():
        assert a.dtype == other[name].dtype
        assert np.array_equal(a, other[name]), name


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
    same(values(params), before)


def test_without_backward_nothing_changes():
    params = parameters()
    before = values(params)
    with pytest.raises(GraphError, match=r"no gradient for W, b: there is no `.grad`; run loss.backward\(\) first"):
        SGD().update(params)
    same(values(params), before)


def test_zero_grad_forgets_the_gradients_of_all_parameters():
    params = parameters() | {"array": np.ones(2), "number": 1.0}
    np.sum(params["W"] * params["b"]).backward()
    zero_grad(params)
    assert params["W"].grad is None
    assert params["b"].grad is None
    params["W"].sum().backward()
    with pytest.raises(DTypeError, match=r'enc must be a Tensor, .* "enc.W"'):
        zero_grad(params | {"enc": {"W": params["b"]}})
    assert params["W"].grad is not None
    with pytest.raises(DTypeError, match="params must be a dict"):
        zero_grad([params["W"]])


def test_a_parameter_that_the_loss_does_not_depend_on():
    params = parameters()
    before = values(params)
    params["W"].sum().backward()
    with pytest.raises(GraphError, match=r"^no gradient for b: .* the loss does not depend on it; to freeze it, set"):
        SGD().update(params)
    same(values(params), before)
    params["b"].requires_grad = False
    SGD().update(params)
    with pytest.raises(GraphError, match=r"no gradient for c: there is no `\.grad`"):
        SGD().update(params | {"c": np.ones(2)})  # an array, which has none ever


def test_a_parameter_that_became_recorded_is_named_as_such():
    w = Tensor(1.0, requires_grad=True)
    moved = w - 0.1 * w
    moved.backward()
    with pytest.raises(GraphError, match="w is recorded, and only leaves change in place"):
        SGD().update({"w": moved})


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2), (1, 2)])
def test_a_gradient_of_another_shape_changes_nothing(shape):
    params = parameters()
    before = values(params)
    with pytest.raises(ShapeError, match=r"the gradient for b has shape \(.*\), the parameter \(2,\)"):
        SGD().update(params, {"W": np.ones((2, 2)), "b": np.ones(shape)})
    same(values(params), before)


def test_a_graph_that_read_the_old_values_cannot_run_backward():
    params = parameters()
    loss = (params["W"] ** 2).sum()
    SGD().update(params, {"W": np.ones((2, 2)), "b": np.ones(2)})
    with pytest.raises(GraphError, match="changed in place"):
        loss.backward()


# -- formulas


def gradient_of(w):
    """A gradient that keeps the paths of a hundred steps lively."""
    return 0.3 * w + np.sin(3 * w)


def paths(update, steps=50):
    """Where `update` leads, step by step, from a matrix and a vector."""
    rng = np.random.default_rng(3)
    params = {"W": rng.standard_normal((4, 3)), "b": rng.standard_normal(3)}
    found = []
    for _ in range(steps):
        update(params, {key: gradient_of(w) for key, w in params.items()})
        found.append(np.concatenate([params["W"].ravel(), params["b"]]))
    return np.array(found)


class Reference:
    """A direct transcription: the formula of one parameter, W -> W, with its own state by name."""

    def __init__(self, formula, **options):
        self.formula, self.options, self.state = formula, options, {}

    def update(self, params, grads):
        for key in params:
            state = self.state.setdefault(key, {})
            params[key] = self.formula(params[key], grads[key], state, **self.options)


def sgd(w, g, state, lr=0.01):
    return w - lr * g


def momentum(w, g, state, lr=0.01, momentum=0.9):
    state["v"] = momentum * state.get("v", 0) - lr * g
    return w + state["v"]


def nesterov(w, g, state, lr=0.01, momentum=0.9):
    v = state.get("v", 0)
    state["v"] = momentum * v - lr * g
    return w + momentum * momentum * v - (1 + momentum) * lr * g


def adagrad(w, g, state, lr=0.01, eps=1e-7):
    state["h"] = state.get("h", 0) + g * g
    return w - lr * g / (np.sqrt(state["h"]) + eps)


def rmsprop(w, g, state, lr=0.01, decay_rate=0.99, eps=1e-7):
    state["h"] = decay_rate * state.get("h", 0) + (1 - decay_rate) * g * g
    return w - lr * g / (np.sqrt(state["h"]) + eps)


def adadelta(w, g, state, lr=1.0, decay_rate=0.9, eps=1e-6):
    state["g2"] = decay_rate * state.get("g2", 0) + (1 - decay_rate) * g**2
    dx = -np.sqrt(state.get("dx2", 0) + eps) / np.sqrt(state["g2"] + eps) * g
    state["dx2"] = decay_rate * state.get("dx2", 0) + (1 - decay_rate) * dx**2
    return w + lr * dx


def moments(g, state, beta1, beta2):
    state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0) + (1 - beta2) * g**2
    return state["m"], state["v"], state["t"]


def adam(w, g, state, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-7):
    m, v, t = moments(g, state, beta1, beta2)
    lr_t = lr * np.sqrt(1.0 - beta2**t) / (1.0 - beta1**t)
    return w - lr_t * m / (np.sqrt(v) + eps)


def adam_of_the_paper(w, g, state, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = moments(g, state, beta1, beta2)
    return w - lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)


def adamw(w, g, state, lr=0.001, beta1=0.9, beta2=0.999, weight_decay=0.01, eps=1e-8):
    return adam_of_the_paper(w, g, state, lr, beta1, beta2, eps) - lr * weight_decay * w


FORMULAS = [
    (SGD, sgd, {"lr": 0.3}),
    (Momentum, momentum, {"lr": 0.05, "momentum": 0.7}),
    (Nesterov, nesterov, {"lr": 0.05, "momentum": 0.7}),
    (AdaGrad, adagrad, {"lr": 0.2, "eps": 0.1}),
    (RMSprop, rmsprop, {"lr": 0.05, "decay_rate": 0.8, "eps": 0.1}),
    (AdaDelta, adadelta, {"lr": 0.5, "decay_rate": 0.8, "eps": 0.01}),
    (Adam, adam, {"lr": 0.1, "beta1": 0.8, "beta2": 0.95, "eps": 0.1}),
    (AdamW, adamw, {"lr": 0.1, "beta1": 0.8, "beta2": 0.95, "weight_decay": 0.3, "eps": 0.1}),
]


@pytest.mark.parametrize("with_defaults", [True, False])
@pytest.mark.parametrize(("kind", "formula", "options"), FORMULAS, ids=lambda x: getattr(x, "__name__", ""))
def test_fifty_steps_follow_the_formula(kind, formula, options, with_defaults):
    options = {} if with_defaults else options
    expected = paths(Reference(formula, **options).update)
    np.testing.assert_allclose(paths(kind(**options).update), expected, rtol=0, atol=1e-12)
    assert np.ptp(expected, axis=0).min() > 1e-3


def test_the_options_stand_in_the_books_order():
    for kind, _, options in FORMULAS:
        if kind not in (AdaGrad, AdamW):
            values = [value for name, value in options.items() if name != "eps"]
            assert vars(kind(*values)).items() >= {name: options[name] for name in options if name != "eps"}.items()
    assert AdaDelta(1, 0.8, 0.01).eps == 0.01
    assert AdamW(0.1, 0.8, 0.95, 0.3).weight_decay == 0.3


def test_adam_with_eps_after_the_bias_correction():
    for eps in (1e-8, 0.1):
        expected = paths(Reference(adam_of_the_paper, eps=eps).update)
        found = paths(Adam(eps=eps, bias_corrected_eps=True).update)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert np.abs(found - paths(Adam(eps=eps).update)).max() > 1e-4


PYTORCH = [
    ("SGD", {}, SGD()),
    ("SGD", {"momentum": 0.9}, Momentum()),
    ("SGD", {"momentum": 0.9, "nesterov": True}, Nesterov()),
    ("Adagrad", {"eps": 1e-7}, AdaGrad()),
    ("RMSprop", {"eps": 1e-7}, RMSprop()),
    ("Adadelta", {}, AdaDelta()),
    ("Adam", {"lr": 0.001}, Adam(eps=1e-8, bias_corrected_eps=True)),
    ("AdamW", {"lr": 0.001}, AdamW()),
]


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options", "ours"), PYTORCH, ids=lambda x: type(x).__name__)
def test_fifty_steps_are_pytorchs(name, options, ours):
    torch = pytest.importorskip("torch", reason="PyTorch, which this test compares with, is not installed")
    kept = {}

    def update(params, grads):
        if not kept:
            theirs = {key: torch.nn.Parameter(torch.tensor(w)) for key, w in params.items()}
            lr = {} if name == "Adadelta" else {"lr": 0.01}
            kept.update(params=theirs, optimizer=getattr(torch.optim, name)(theirs.values(), **(lr | options)))
        for key, p in kept["params"].items():
            p.grad = torch.tensor(grads[key])
        kept["optimizer"].step()
        params.update({key: p.detach().numpy().copy() for key, p in kept["params"].items()})

    np.testing.assert_allclose(paths(deepcopy(ours).update), paths(update), rtol=0, atol=1e-6)


FIRST_STEPS = [
    # W = 1 and the gradient 2, then 1
    (SGD(0.1), 0.8, 0.7),
    (Momentum(0.1, 0.5), 0.8, 0.6),  # v: -0.2, -0.2
    (Nesterov(0.1, 0.5), 0.7, 0.5),  # -1.5 * 0.2; 0.25 * -0.2 - 1.5 * 0.1
    (AdaGrad(0.1, eps=0), 0.9, 0.9 - 0.1 / math.sqrt(5)),  # h: 4, 5
    (RMSprop(0.1, 0.75, eps=0), 0.8, 0.7),  # h: 1, 1
    (AdaDelta(1, 0.5, 1), 1 - 2 / math.sqrt(3), None),  # h: 2, s + eps: 1
    (Adam(0.1, 0.5, 0.75, eps=0), 0.9, 0.9 - 0.1 * (1 / 0.75) / math.sqrt(1 / 0.4375)),  # m: 1, 1; v: 1, 1
    (AdamW(0.1, 0.5, 0.75, 0.5, eps=0), 0.85, None),
]


@pytest.mark.parametrize(("optimizer", "first", "second"), FIRST_STEPS, ids=lambda x: type(x).__name__)
def test_the_first_steps_by_hand(optimizer, first, second):
    optimizer, params = deepcopy(optimizer), {"W": np.ones(1)}
    optimizer.update(params, {"W": np.array([2.0])})
    np.testing.assert_allclose(params["W"], [first], rtol=1e-12)
    optimizer.update(params, {"W": np.array([1.0])})
    if second is not None:
        np.testing.assert_allclose(params["W"], [second], rtol=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "near"), [(SGD(0.95), 0.4), (Momentum(0.1), 1.0), (AdaGrad(1.5), 0.2), (Adam(0.3), 0.6)],
    ids=lambda x: type(x).__name__,
)  # fmt: skip
def test_the_books_paths_end_near_the_origin(optimizer, near):
    optimizer = deepcopy(optimizer)
    params = {"x": -7.0, "y": 2.0}
    for _ in range(30):
        optimizer.update(params, {"x": params["x"] / 10.0, "y": params["y"] * 2.0})
    assert type(params["x"]) is type(params["y"]) is float
    assert math.hypot(params["x"], params["y"]) < near


# -- what the dict may hold


def first_three(kind, values, grads):
    """The parameters after three updates."""
    params = values()
    optimizer = kind()
    for _ in range(3):
        optimizer.update(params, grads)
    return params


@pytest.mark.parametrize("kind", ALL)
def test_tensors_arrays_and_numbers_move_alike(kind):
    expected = first_three(kind, lambda: {"W": np.array([2.0])}, {"W": np.array([3.0])})["W"][0]
    assert expected < 2
    for number in (2, 2.0, np.float64(2)):
        found = first_three(kind, lambda number=number: {"W": number}, {"W": 3})["W"]
        assert found == expected
        assert type(found) is (np.float64 if type(number) is np.float64 else float)
    for g in (3.0, np.float64(3), np.array(3), Tensor(3.0)):
        assert first_three(kind, lambda: {"W": np.array(2.0)}, {"W": g})["W"] == expected
        assert first_three(kind, lambda: {"W": Tensor(2.0, requires_grad=True)}, {"W": g})["W"].item() == expected


@pytest.mark.parametrize("kind", ALL)
def test_gradients_taken_from_the_tensors(kind):
    given, taken = parameters(), parameters()
    grads = {"W": np.full((2, 2), 3.0), "b": np.array([2.0, -2.0])}
    for key, g in grads.items():
        (taken[key] * g).sum().backward()
    ours, theirs = kind(), kind()
    for _ in range(3):
        ours.update(given, grads)
        theirs.update(taken)
    for key in grads:
        assert np.array_equal(given[key].numpy(), taken[key].numpy())
        assert np.array_equal(taken[key].grad.numpy(), grads[key])


@pytest.mark.parametrize("from_grad", [False, True])
@pytest.mark.parametrize("kind", ALL)
def test_a_frozen_parameter_rests_until_it_is_set_free(kind, from_grad):
    optimizer, params = kind(), parameters()

    def update():
        before = values(params)
        for p in params.values():
            p.zero_grad()
        (params["W"].sum() + params["b"].sum()).backward()
        grads = {key: p.grad for key, p in params.items() if p.requires_grad}
        optimizer.update(params, None if from_grad else grads)
        return {key for key, p in params.items() if not np.array_equal(before[key], p.numpy())}

    params["W"].requires_grad = False
    assert update() == {"b"}
    params["W"].requires_grad = True
    assert update() == {"W", "b"}
    params["W"].requires_grad = False  # with a .grad of before
    optimizer.update(params, None if from_grad else {"b": params["b"].grad})
    assert update() == {"b"}
    params["b"].requires_grad = False
    with pytest.raises(GraphError, match="nothing to update: none of W, b requires grad"):
        optimizer.update(params, None if from_grad else {})


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_every_optimizer_keeps_the_dtype(kind, dtype):
    dtype = np.dtype(dtype)
    for made in (np.array, partial(Tensor, requires_grad=True)):
        params = {"W": made(np.ones((2, 3), dtype))}
        optimizer = kind(lr=np.float64(0.01))
        for g in (np.ones((2, 3)), np.ones((2, 3), np.float32), np.ones((2, 3), int)):
            optimizer.update(params, {"W": g})
            assert params["W"].dtype == dtype
        state = [a for name, a in optimizer.state_dict().items() if not name.endswith("updates")]
        assert {a.dtype for a in state} <= {np.dtype(np.float32) if dtype == np.float16 else dtype}
    scalar = {"W": dtype.type(1)}
    kind().update(scalar, {"W": 0.5})
    assert type(scalar["W"]) is dtype.type


@pytest.mark.parametrize("kind", ALL)
def test_small_gradients_move_float16(kind):
    """Their squares are 0 in float16, and Adam's step would be m / eps."""
    found = first_three(kind, lambda: {"W": np.zeros(3, np.float16)}, {"W": np.full(3, 1e-4, np.float16)})
    expected = first_three(kind, lambda: {"W": np.zeros(3)}, {"W": np.full(3, 1e-4)})
    np.testing.assert_allclose(found["W"], expected["W"], rtol=5e-3, atol=1e-7)


@pytest.mark.parametrize("kind", ALL)
def test_gradients_are_not_written_to_and_may_be_read_only(kind):
    g = np.broadcast_to(np.array([1.0, 2.0]), (2, 2))
    first_three(kind, lambda: {"W": np.ones((2, 2))}, {"W": g})
    assert g.tolist() == [[1, 2], [1, 2]]


DECAYING = [Momentum, partial(RMSprop, decay_rate=0.5), partial(AdaDelta, decay_rate=0.5), partial(Adam, beta2=0.5)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("make", DECAYING)
def test_what_decays_to_nothing_becomes_zero(make, dtype):
    """And not a subnormal number, with which processors are slow: a dead ReLU has gradients of 0 for ever."""
    optimizer, w, zero = make(), np.ones(3, dtype), np.zeros(3, dtype)
    optimizer.update({"w": w}, {"w": np.array([1, 0.5, 0], dtype)})
    smallest = np.finfo(np.result_type(dtype, np.float32)).tiny
    subnormal = 0
    for _ in range(7_000):
        optimizer.update({"w": w}, {"w": zero})
        subnormal += any(
            ((a != 0) & (np.abs(a) < smallest)).any() for slots in optimizer._state.values() for a in slots
        )
    assert subnormal <= CLEARED_EVERY * len(optimizer.slots)
    assert not any(a.any() for name, a in optimizer.state_dict().items() if name.endswith(f".{optimizer.slots[0]}.w"))


def test_the_state_of_what_is_infinite_or_no_number_stays():
    optimizer = Momentum()
    for _ in range(CLEARED_EVERY):
        optimizer.update({"w": np.ones(2)}, {"w": np.array([np.inf, np.nan])})
    np.testing.assert_array_equal(optimizer.state_dict()["Momentum.v.w"], [-np.inf, np.nan])


@pytest.mark.parametrize("kind", ALL)
def test_gradients_may_be_the_other_parameters(kind):
    """As those of x · y are."""
    x, y = np.array([1.0, 2.0]), np.array([3.0, -4.0])
    shared, apart = {"x": x, "y": y}, {"x": x.copy(), "y": y.copy()}
    kind().update(apart, {"x": y.copy(), "y": x.copy()})
    kind().update(shared, {"x": y, "y": x})
    assert np.array_equal(shared["x"], apart["x"])
    assert np.array_equal(shared["y"], apart["y"])


@pytest.mark.parametrize("kind", ALL)
def test_graphs_notice_every_optimizer(kind):
    params = parameters()
    loss = (params["W"] ** 2).sum()
    data = params["W"].data
    kind().update(params, {"W": np.ones((2, 2)), "b": np.ones(2)})
    assert params["W"].data is data
    with pytest.raises(GraphError, match="changed in place"):
        loss.backward()


@pytest.mark.parametrize("kind", ALL)
def test_arrays_of_another_library(kind):
    ducks = {"W": Tensor(Duck(np.ones((2, 2), np.float32)), requires_grad=True)}
    g = np.full((2, 2), 0.5, np.float32)
    expected = first_three(kind, lambda: {"W": np.ones((2, 2), np.float32)}, {"W": g})
    found = first_three(kind, lambda: ducks, {"W": Duck(g)})["W"].data
    assert type(found) is Duck
    assert np.array_equal(found.array, expected["W"])
    optimizer, ducks["b"] = kind(), Tensor(Duck(np.ones(2)))  # b is frozen
    optimizer.update(ducks, {"W": Duck(g)})
    assert {type(a) for name, a in optimizer.state_dict().items() if name.count(".") == 2} <= {Duck}


@pytest.mark.parametrize("kind", ALL)
def test_overflow_goes_on(kind):
    params = {"W": np.ones(2)}
    with np.errstate(all="ignore"):
        for g in ([np.inf, np.nan], [1, 1]):
            kind().update(params, {"W": np.array(g)})
    assert np.isnan(params["W"][1])


# -- what is refused, before anything changes

REFUSED = [
    ({"b": np.ones(2, np.int64)}, np.ones(2), DTypeError, "b must be of floats to move by small steps, not of int64"),
    ({"b": np.array([True])}, np.ones(1), DTypeError, "b must be of floats to move by small steps, not of bool"),
    ({"b": [1.0]}, np.ones(1), DTypeError, "b must be a Tensor, an array or a number, not a list"),
    ({"b": 1j}, 1.0, DTypeError, "b must be a Tensor, an array or a number, not a complex"),
    ({"b": np.broadcast_to(1.0, (2,))}, np.ones(2), ValueError, "b is read-only and cannot be moved"),
    ({"b": Tensor(np.broadcast_to(1.0, (2,)))}, np.ones(2), ValueError, "b is read-only and cannot be moved"),
    ({"b": 2 * Tensor([1.0], requires_grad=True)}, np.ones(1), GraphError, "b is recorded, and only leaves change"),
    ({"b": np.ones(2)}, np.ones(3), ShapeError, r"the gradient for b has shape \(3,\), the parameter \(2,\)"),
    ({"b": 1.0}, np.ones(1), ShapeError, r"the gradient for b has shape \(1,\), the parameter \(\)"),
    ({"b": 1.0}, 1j, DTypeError, "the gradient for b must be of real numbers, not complex128"),
    ({"b": np.ones(1)}, np.array(["a"]), DTypeError, "the gradient for b must be of real numbers, not .U1"),
    ({"b": np.ones(1)}, None, GraphError, "no gradient for b"),
]


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize(("bad", "g", "error", "message"), REFUSED)
def test_what_is_refused_changes_nothing(kind, bad, g, error, message):
    optimizer = kind()
    params = {"W": np.ones(2)} | bad
    with pytest.raises(error, match=message):
        optimizer.update(params, {"W": np.ones(2), "b": g})
    assert params["W"].tolist() == [1, 1]
    assert optimizer.updates == 0
    optimizer.update({"other": np.ones(5)}, {"other": np.ones(5)})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([Tensor(1.0)], 'params must be a dict, as {"W": W}, not list'),
        (Tensor(1.0), "params must be a dict, .* not Tensor"),
        ({"enc": {"b": Tensor(1.0)}}, 'enc must be .*, not a dict; names are flat: write one dict, with .* "enc.W"$'),
        ({"layers": [{"b": Tensor(1.0)}]}, 'layers must be .* a list; names are flat: .* names like "layers.0.W"$'),
        ({"W": [1.0, 2.0]}, "W must be a Tensor, an array or a number, not a list$"),
    ],
)
def test_parameters_that_are_not_in_a_flat_dict(params, message):
    with pytest.raises(DTypeError, match=message):
        SGD().update(params)
    with pytest.raises(DTypeError, match=r"grads must be a dict, .* not list"):
        SGD().update({"W": 1.0}, [1.0])


@pytest.mark.parametrize("kind", [SGD, Adam])
@pytest.mark.parametrize("w", [Tensor([1.0, 2.0], requires_grad=True), np.ones(2)])
def test_one_parameter_under_two_names_is_refused(kind, w):
    params, grads, before = {"emb": w, "b": np.zeros(2), "head": w}, np.ones(2), w.copy()
    with pytest.raises(ValueError, match=r"^emb and head are one (Tensor|ndarray), which would move twice: let params"):
        kind().update(params, dict.fromkeys(params, grads))
    assert np.array_equal(w, before)
    one = 1.0
    kind().update({"x": one, "y": one}, {"x": 1.0, "y": 2.0})
    frozen = Tensor(np.ones(2))
    kind().update({"W": np.ones(2), "table": frozen, "positions": frozen}, {"W": np.ones(2)})


def test_a_detached_tensor_moves_alone():
    t = Tensor([1.0, 2.0], requires_grad=True)
    params = {"W": t.detach()}
    SGD(1).update(params, {"W": np.ones(2)})
    assert params["W"].tolist() == [0, 1]
    assert t.tolist() == [1, 2]


@pytest.mark.parametrize("kind", KEEPING)
@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"W": np.zeros(2)}, "b is missing"),
        ({"W": np.zeros(2), "b": np.zeros(3), "W2": np.zeros(1)}, "W2 is unexpected"),
        ({"W": np.zeros(3), "b": np.zeros(3)}, r"W is float64 \(3,\) instead of float64 \(2,\)"),
        ({"W": np.zeros(2, "f4"), "b": np.zeros(3)}, r"W is float32 \(2,\) instead of float64 \(2,\)"),
    ],
)
def test_a_state_serves_one_set_of_parameters(kind, others, message):
    optimizer = kind()
    optimizer.update({"W": np.ones(2), "b": np.ones(3)}, {"W": np.ones(2), "b": np.ones(3)})
    before = optimizer.state_dict()
    with pytest.raises(ShapeError, match=f"this {kind.__name__} keeps its state for other parameters: .*{message}"):
        optimizer.update(others, {key: np.ones(w.shape) for key, w in others.items()})
    assert not any(w.any() for w in others.values())
    same(before, optimizer.state_dict())


def test_sgd_serves_three_networks_in_turn():
    networks = [{"W": np.zeros(size)} for size in (2, 3, 4)]
    optimizer = SGD(1)
    for _ in range(5):
        for params in networks:
            optimizer.update(params, {"W": np.ones(params["W"].shape)})
    assert [params["W"].tolist() for params in networks] == [[-5] * 2, [-5] * 3, [-5] * 4]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Momentum(momentum=-0.1), "momentum must be at least 0"),
        (lambda: Nesterov(momentum="a"), "momentum must be at least 0"),
        (lambda: RMSprop(decay_rate=1), "decay_rate must be at least 0 and less than 1, not 1"),
        (lambda: AdaDelta(decay_rate=math.nan), "decay_rate must be at least 0 and less than 1"),
        (lambda: Adam(beta1=1.0), "beta1 must be at least 0 and less than 1"),
        (lambda: Adam(beta2=1.0), "beta2 must be at least 0 and less than 1"),
        (lambda: AdaGrad(eps=-1), "eps must be at least 0"),
        (lambda: AdamW(weight_decay=None), "weight_decay must be at least 0"),
        (lambda: Adam(lr="0.1"), "the learning rate lr must be a finite number"),
        (lambda: step_decay(0.1, 0), "every must be a whole number of updates, at least 1, not 0"),
        (lambda: step_decay(None, 1), "the learning rate lr must be a finite number"),
        (lambda: exponential_decay(0.1, -1), "factor must be at least 0"),
        (lambda: cosine_decay(0.1, 2.5), "steps must be a whole number of updates"),
        (lambda: cosine_decay(0.1, 2, math.inf), "the learning rate lr must be a finite number"),
        (lambda: warm_up("a", 2), "the learning rate lr must be a finite number"),
        (lambda: clip_by_norm({}, -1), "max_norm must be at least 0"),
        (lambda: clip_by_value({}, math.inf), "limit must be at least 0"),
        (lambda: l1_decay({}, {}, -1), "rate must be at least 0"),
        (lambda: l2_decay({}, {}, "a"), "rate must be at least 0"),
    ],
)
def test_options_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# -- state


def run(optimizer, params, steps):
    for _ in range(steps):
        optimizer.update(params, {key: gradient_of(w) for key, w in params.items()})


def some_parameters():
    rng = np.random.default_rng(0)
    return {"W.1": rng.standard_normal((3, 2)).astype("f4"), "b": rng.standard_normal(3), "c": np.array(0.5)}


@pytest.mark.parametrize("kind", ALL)
def test_a_restored_optimizer_goes_on_bit_for_bit(kind):
    make = partial(kind, lr=cosine_decay(0.1, 20))
    optimizer, params = make(), some_parameters()
    run(optimizer, params, 5)
    saved, saved_params = optimizer.state_dict(), {key: w.copy() for key, w in params.items()}
    run(optimizer, params, 5)
    for restored in (make(), optimizer):
        restored.load_state_dict(saved)
        again = {key: w.copy() for key, w in saved_params.items()}
        run(restored, again, 5)
        same(again, params)
        assert restored.updates == 10
    assert saved[f"{kind.__name__}.updates"] == 5


@pytest.mark.parametrize("kind", ALL)
def test_a_new_optimizer_has_a_state_too(kind):
    optimizer, params = kind(), some_parameters()
    fresh = optimizer.state_dict()
    assert fresh == {f"{kind.__name__}.updates": 0}
    run(optimizer, params, 2)
    optimizer.load_state_dict(fresh)
    same(optimizer.state_dict(), fresh)


def test_the_names_of_the_state():
    optimizer = Adam()
    run(optimizer, {"W1": np.ones(2), "b1": np.ones(1)}, 3)
    names = {"Adam.updates", "Adam.m.W1", "Adam.v.W1", "Adam.m.b1", "Adam.v.b1"}
    assert optimizer.state_dict().keys() == names


def test_the_state_in_a_file(tmp_path):
    pytest.importorskip("safetensors")
    from autograd_dl.serialization import load_arrays, save_arrays

    optimizer = Adam()
    run(optimizer, some_parameters(), 3)
    save_arrays(tmp_path / "adam.safetensors", optimizer.state_dict())
    restored = Adam()
    restored.load_state_dict(load_arrays(tmp_path / "adam.safetensors"))
    same(restored.state_dict(), optimizer.state_dict())


def test_a_state_of_the_other_byte_order():
    optimizer = Momentum()
    run(optimizer, some_parameters(), 3)
    swapped = {name: a.astype(a.dtype.newbyteorder()) for name, a in optimizer.state_dict().items()}
    restored = Momentum()
    restored.load_state_dict(swapped)
    same(restored.state_dict(), optimizer.state_dict())


def state_after(kind, params):
    """The state of an optimizer that has taken two steps."""
    optimizer = kind()
    run(optimizer, params, 2)
    return optimizer.state_dict()


ADAM = state_after(Adam, {"W": np.ones(2), "b": np.ones(3)})
MISFITS = [
    (state_after(Momentum, {"W": np.ones(2), "b": np.ones(3)}), "Adam.m.W is missing.*Momentum.v.W is unexpected"),
    ({k: a for k, a in ADAM.items() if k != "Adam.m.b"}, "Adam.m.b is missing"),
    ({k: a for k, a in ADAM.items() if k != "Adam.updates"}, "Adam.updates is missing"),
    ({"Adam.updates": np.int64(3)}, "3 updates do not leave these arrays"),
    (ADAM | {"Adam.updates": np.int64(0)}, "0 updates do not leave these arrays"),
    (ADAM | {"Adam.updates": np.int64(-1)}, "-1 updates do not leave these arrays"),
    (ADAM | {"Adam.updates": np.array(1.0)}, r"Adam.updates is float64 \(\) instead of int64 \(\)"),
    (ADAM | {"x": np.ones(1)}, "x is unexpected"),
    (ADAM | {"Adam.h.W": np.ones(2)}, "Adam.h.W is unexpected"),
    (ADAM | {"Adam.v.b": np.ones(4)}, r"Adam.[mv].b is float64 \(\d,\) instead of float64 \(\d,\)"),
    (ADAM | {"Adam.m.b": np.ones(3, np.int64), "Adam.v.b": np.ones(3, np.int64)}, "Adam.m.b is int64"),
    ({}, "Adam.updates is missing"),
]
MISFITS_IF_USED = [
    (state_after(Adam, {"W": np.ones(2)}), "Adam.m.b is missing"),
    (state_after(Adam, {"W": np.ones(2), "b": np.ones(3), "c": 1.0}), "Adam.m.c is unexpected"),
    (state_after(Adam, {"W": np.ones(2, "f4"), "b": np.ones(3)}), r"Adam.m.W is float32 \(2,\) instead of float64"),
]


@pytest.mark.parametrize(
    ("arrays", "message", "updates"),
    [(*m, updates) for m in MISFITS for updates in (0, 1)] + [(*m, 1) for m in MISFITS_IF_USED],
)
def test_a_state_that_does_not_fit_changes_nothing(arrays, message, updates):
    optimizer = Adam()
    run(optimizer, {"W": np.ones(2), "b": np.ones(3)}, updates)
    before = optimizer.state_dict()
    with pytest.raises(DataError, match=f"these arrays are no state for this Adam: .*{message}"):
        optimizer.load_state_dict(arrays)
    same(optimizer.state_dict(), before)


def test_updates_are_not_negative_where_nothing_else_is_kept():
    with pytest.raises(DataError, match="-1 updates"):
        SGD().load_state_dict({"SGD.updates": np.int64(-1)})


def test_a_restored_state_meets_other_parameters():
    optimizer = Adam()
    optimizer.load_state_dict(ADAM)
    with pytest.raises(ShapeError, match="keeps its state for other parameters: V is unexpected; W is missing"):
        optimizer.update({"V": np.ones(2), "b": np.ones(3)}, {"V": np.ones(2), "b": np.ones(3)})
    assert optimizer.updates == 2


# -- schedules


def rates(schedule, steps):
    return [schedule(step) for step in range(steps)]


def test_the_rates_of_the_schedules():
    np.testing.assert_allclose(rates(step_decay(1, 2), 5), [1, 1, 0.1, 0.1, 0.01])
    np.testing.assert_allclose(rates(exponential_decay(2, 0.5), 4), [2, 1, 0.5, 0.25])
    r = math.sqrt(0.5)
    np.testing.assert_allclose(rates(cosine_decay(3, 4, end=1), 7), [3, 2 + r, 2, 2 - r, 1, 1, 1])
    np.testing.assert_allclose(rates(warm_up(1, 4), 6), [0.25, 0.5, 0.75, 1, 1, 1])
    np.testing.assert_allclose(rates(warm_up(step_decay(1, 2, 0.5), 2), 7), [0.5, 1, 1, 1, 0.5, 0.5, 0.25])
    np.testing.assert_allclose(rates(warm_up(warm_up(1, 2), 1), 4), [0.5, 0.5, 1, 1])


@pytest.mark.torch
def test_schedules_are_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch, which this test compares with, is not installed")
    scheduler = torch.optim.lr_scheduler
    for ours, theirs in [
        (step_decay(0.1, 3, 0.5), partial(scheduler.StepLR, step_size=3, gamma=0.5)),
        (exponential_decay(0.1, 0.9), partial(scheduler.ExponentialLR, gamma=0.9)),
        (cosine_decay(0.1, 10, 0.01), partial(scheduler.CosineAnnealingLR, T_max=10, eta_min=0.01)),
    ]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        going = theirs(optimizer)
        for step in range(10):
            assert ours(step) == pytest.approx(going.get_last_lr()[0])
            optimizer.step()
            going.step()


@pytest.mark.parametrize("kind", ALL)
def test_every_optimizer_follows_a_schedule(kind):
    scheduled, by_hand = {"W": np.ones(3)}, {"W": np.ones(3)}
    follower, led = kind(lr=exponential_decay(0.1, 0.5)), kind(lr=0.1)
    for step in range(5):
        led.lr = 0.1 * 0.5**step
        assert follower.rate == pytest.approx(led.rate)
        follower.update(scheduled, {"W": scheduled["W"] ** 2})
        led.update(by_hand, {"W": by_hand["W"] ** 2})
    np.testing.assert_allclose(scheduled["W"], by_hand["W"], rtol=1e-14)
    assert follower.updates == 5


def test_any_function_of_the_step_is_a_schedule():
    params, seen = {"W": np.zeros(1)}, []
    optimizer = SGD(lambda step: seen.append(step) or np.float64(step))
    for _ in range(3):
        optimizer.update(params, {"W": np.ones(1)})
    assert params["W"] == -3
    assert seen == [0, 1, 2]


@pytest.mark.parametrize("rate", [math.nan, "a", None])
def test_a_schedule_that_goes_wrong_changes_nothing(rate):
    params = {"W": np.ones(1)}
    optimizer = Momentum(lambda step: rate)
    with pytest.raises(ValueError, match="the learning rate lr must be a finite number"):
        optimizer.update(params, {"W": np.ones(1)})
    assert params["W"] == 1
    assert optimizer.updates == 0


# -- clipping and decay


def test_clip_by_norm():
    grads = {"W": np.array([[3.0, 0.0]]), "b": np.array([4.0])}
    clipped = clip_by_norm(grads, 1)
    np.testing.assert_allclose(clipped["W"], [[0.6, 0]])
    np.testing.assert_allclose(clipped["b"], [0.8])
    for max_norm in (5, 6):
        same(clip_by_norm(grads, max_norm), grads)
    assert clip_by_norm(grads, 6)["W"] is not grads["W"]
    assert grads["b"] == 4
    assert clip_by_norm({"x": 3.0, "y": Tensor(4.0)}, 2.5) == {"x": 1.5, "y": 2.0}
    assert clip_by_norm({"x": [3.0, 4.0]}, 2.5)["x"].tolist() == [1.5, 2.0]
    same(clip_by_norm({"W": np.zeros(2)}, 0), {"W": np.zeros(2)})
    assert clip_by_norm({}, 1) == {}


@pytest.mark.parametrize("clip", [clip_by_norm, clip_by_value])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_clipping_keeps_the_dtype_and_does_not_overflow(clip, dtype):
    g = clip({"W": np.full(4, 30_000, dtype)}, np.float64(2.0))["W"]
    assert g.dtype == dtype
    np.testing.assert_allclose(g, 1 if clip is clip_by_norm else 2, rtol=1e-3)


def test_clip_by_norm_needs_a_norm():
    for bad in (math.nan, math.inf, 1e200):
        with pytest.raises(AnomalyError, match=r"the squares of the gradients have no finite sum, to clip by: b$"):
            clip_by_norm({"W": np.ones(2), "b": np.array([0, bad])}, 1)


def test_clip_by_value():
    grads = {"W": np.array([-3.0, 0.5, 2.0]), "x": 7.0}
    clipped = clip_by_value(grads, 1)
    assert clipped["W"].tolist() == [-1, 0.5, 1]
    assert clipped["x"] == 1
    assert grads["W"].tolist() == [-3, 0.5, 2]


def test_decay_is_the_gradient_of_the_penalty():
    params, rate = parameters(), 0.3
    data = (params["W"] ** 3).sum() + (params["b"] ** 3).sum()
    grads = {key: 3 * p.numpy() ** 2 for key, p in params.items()}
    l2 = data + rate / 2 * sum((p**2).sum() for p in params.values())
    l1 = rate * sum(abs(p).sum() for p in params.values())
    for decay, loss in [(l2_decay, l2), (l1_decay, l1 + (params["W"] ** 3).sum() + (params["b"] ** 3).sum())]:
        for p in params.values():
            p.zero_grad()
        loss.backward()
        for key, g in decay(grads, params, rate).items():
            np.testing.assert_allclose(g, params[key].grad.numpy(), rtol=1e-12)
    np.testing.assert_array_equal(l1_decay({"W": np.zeros(3)}, {"W": np.array([-2.0, 0, 5])}, 1)["W"], [-1, 0, 1])


@pytest.mark.parametrize("decay", [l1_decay, l2_decay])
def test_only_the_named_parameters_decay(decay):
    params = {"W": np.full(2, 2.0, "f4"), "b": np.ones(1), "x": -1.0}
    grads = {"W": np.zeros(2, "f4"), "b": np.zeros(1), "x": 0.0}
    found = decay(grads, params, np.float64(0.5), names=(key for key in ("W", "x")))
    assert found["W"].tolist() == [0.5, 0.5] if decay is l1_decay else [1, 1]
    assert found["W"].dtype == np.float32
    assert found["b"] == 0
    assert found["x"] == -0.5
    assert not grads["W"].any()
    with pytest.raises(ValueError, match="no parameter to decay is called V; there are W, b, x"):
        decay(grads, params, 0.5, names=["W", "V"])


def test_a_misspelt_gradient_is_no_freezing():
    params = {"W": Tensor([1.0]), "b": Tensor([1.0])}
    with pytest.raises(GraphError, match=r"no gradient for W: grads has None; run loss.backward\(\) first"):
        SGD().update({"W": np.ones(1), "b": np.ones(1)}, {"W": None, "B": np.ones(1)})
    with pytest.raises(GraphError, match="no gradient for W: others have one, so the loss does not depend on it"):
        SGD().update({"W": Tensor([1.0], requires_grad=True), "b": np.ones(1)}, {"W": None, "b": np.ones(1)})
    with pytest.raises(GraphError, match="no gradient for b: there is no entry in grads, which has B"):
        SGD().update(params, {"W": np.ones(1), "B": np.ones(1)})
    assert params["W"].tolist() == [1]


@pytest.mark.parametrize(
    "named", [lambda name: AdamW(names=name), lambda name: l2_decay({"W": np.ones(1)}, {"W": np.ones(1)}, 0.1, name)]
)
@pytest.mark.parametrize("name", ["W", 3])
def test_one_name_is_no_list_of_names(named, name):
    with pytest.raises(ValueError, match=rf"names must be a list of names, \[{name!r}\], not {name!r}"):
        named(name)


@pytest.mark.parametrize(
    "function",
    [lambda g: clip_by_norm(g, 1), lambda g: clip_by_value(g, 1), lambda g: l1_decay(g, {}, 1),
     lambda g: l2_decay({}, g, 1), Adam().load_state_dict],
)  # fmt: skip
@pytest.mark.parametrize("given", [None, [np.ones(1)]])
def test_gradients_parameters_and_states_are_dicts(function, given):
    with pytest.raises(DTypeError, match=r'(grads|params|the state) must be a dict, as {"W": W}, not (list|NoneType)'):
        function(given)


def test_adamw_decays_the_named_parameters():
    params = {"W": np.ones(2), "b": np.ones(2)}
    optimizer = AdamW(lr=0.1, weight_decay=0.5, names=(name for name in ["W"]))
    for _ in range(2):
        optimizer.update(params, {"W": np.zeros(2), "b": np.zeros(2)})
    np.testing.assert_allclose(params["W"], 0.95**2)
    assert params["b"].tolist() == [1, 1]
    wrong = AdamW(names=["V"])
    with pytest.raises(ValueError, match="no parameter to decay is called V"):
        wrong.update(params, {"W": np.ones(2), "b": np.ones(2)})
    assert wrong.updates == 0
    assert params["b"].tolist() == [1, 1]


def test_clipping_passes_frozen_parameters_by():
    grads = {"W": np.array([3.0, 4.0]), "frozen": None}
    assert clip_by_norm(grads, 1.0)["frozen"] is None
    np.testing.assert_allclose(clip_by_norm(grads, 1.0)["W"], [0.6, 0.8])
    assert clip_by_value(grads, 3.5)["frozen"] is None


def test_a_read_only_file_is_refused_before_anything_moves(tmp_path):
    np.zeros(2).tofile(tmp_path / "b")
    params = {"a": np.ones(2), "b": np.memmap(tmp_path / "b", float, "r")}
    with pytest.raises(ValueError, match="b is read-only"):
        SGD().update(params, {"a": np.ones(2), "b": np.ones(2)})
    assert params["a"].tolist() == [1, 1]


def test_an_optimizer_that_does_not_call_super_and_one_that_returns_nothing():
    class Own(Optimizer):
        slots = ("v",)

        def __init__(self, lr):
            self.lr = lr

        def update_step(self, lr, g, v):
            v += lr * g
            return -v if lr < 1 else None

    params, optimizer = {"w": np.zeros(2)}, Own(0.5)
    for _ in range(2):
        optimizer.update(params, {"w": np.ones(2)})
    assert params["w"].tolist() == [-1.5, -1.5]
    assert (optimizer.updates, Own(0.5).state_dict().keys()) == (2, {"Own.updates"})
    with pytest.raises(DTypeError, match=r"the step of Own for w .*: it is None; does update_step lack a return"):
        Own(2.0).update(params, {"w": np.ones(2)})


class Misfit(SGD):
    """An optimizer whose step has the wrong shape for matrices."""

    def update_step(self, lr, g):
        return super().update_step(lr, g) if g.ndim < 2 else np.ones((3, 3))


def test_a_step_that_does_not_fit_is_named_and_what_moved_before_is_noticed():
    params = {key: parameters()[key] for key in ("b", "W")}
    y = (params["b"] * params["b"]).sum()
    with pytest.raises(ShapeError, match="the step of Misfit for W does not fit it: operands could not be broadcast"):
        Misfit(lr=1.0).update(params, {"W": np.ones((2, 2)), "b": np.ones(2)})
    with pytest.raises(GraphError, match="was changed in place"):
        y.backward()


def test_a_rate_beyond_all_numbers_is_refused():
    with pytest.raises(ValueError, match="must be a finite number"):
        SGD(10**400)
    optimizer, params = SGD(exponential_decay(0.1, 2.0)), parameters()
    optimizer.updates = 1100
    with pytest.raises(ValueError, match="the learning rate lr must be a finite number, not inf"):
        optimizer.update(params, {key: np.ones_like(p.numpy()) for key, p in params.items()})


def test_a_parameter_whose_making_was_not_recorded_becomes_a_leaf_of_its_own():
    w = Tensor(np.ones(3))
    params = {"half": w * 0.5, "w": w}
    half = params["half"].numpy()
    SGD(lr=1.0).update(params, {"half": np.ones(3), "w": np.ones(3)})
    np.testing.assert_array_equal(half, [0.5] * 3)
    np.testing.assert_array_equal(params["half"].numpy(), [-0.5] * 3)
    assert params["half"].is_leaf


def test_one_change_of_many_parameters_is_noticed_by_each_of_their_graphs():
    params = parameters()
    losses = [(p * p).sum() for p in params.values()]
    before = values(params)
    SGD(lr=0.1).update(params, {key: np.ones_like(a) for key, a in before.items()})
    for loss in losses:
        with pytest.raises(GraphError, match="was changed in place"):
            loss.backward()


@pytest.mark.parametrize("decay", [l1_decay, l2_decay])
def test_decay_leaves_frozen_parameters_alone_and_no_shape_is_made_right_by_it(decay):
    params = {"a": Tensor(np.ones(2)), "b": Tensor(np.ones((2, 3)), requires_grad=True)}
    grads = clip_by_norm({"a": None, "b": np.ones((2, 3))}, 1.0)
    assert decay(grads, params, 0.1)["a"] is None
    SGD(1.0).update(params, decay(grads, params, 0.1))
    with pytest.raises(ShapeError, match=r"the gradient for b has shape \(3,\), the parameter \(2, 3\)"):
        decay({"b": np.ones(3)}, params, 0.1)


@pytest.mark.parametrize(
    "schedule", [step_decay(0.1, 3), exponential_decay(0.1, 0.9), cosine_decay(0.1, 5), warm_up(step_decay(0.1, 3), 2)]
)
def test_schedules_and_what_has_them_can_be_pickled(schedule):
    optimizer = pickle.loads(pickle.dumps(Adam(schedule)))
    assert [optimizer.lr(step) for step in range(9)] == [schedule(step) for step in range(9)]


def test_big_endian_halves_move_by_steps_in_float32():
    params = {"W": np.ones(3, ">f2")}
    optimizer = AdamW()
    optimizer.update(params, {"W": np.ones(3, ">f2")})
    assert params["W"].dtype == ">f2"
    assert {a.dtype for name, a in optimizer.state_dict().items() if "updates" not in name} == {np.dtype("f4")}


def test_a_plain_parameter_takes_a_recorded_gradient():
    w = np.ones(2)
    SGD(0.5).update({"W": w}, {"W": 2 * Tensor(np.ones(2), requires_grad=True)})
    assert not w.any()


def test_gradients_and_parameters_in_the_wrong_order():
    params = parameters()
    with pytest.raises(DTypeError, match="the gradient for W is a parameter itself: update takes params first"):
        SGD(0.1).update({key: np.ones(p.shape) for key, p in params.items()}, params)


def test_the_parameters_in_the_place_of_the_rate():
    with pytest.raises(ValueError, match="must be a finite number, not of type dict; or a schedule"):
        Adam(parameters())


def test_recorded_gradients_of_plain_arrays():
    x = Tensor([1.0, 2.0], requires_grad=True)
    (g,) = gradients(np.sum(x**3), [x], create_graph=True)
    params = {"W": np.ones(2)}
    SGD(1).update(params, {"W": g})
    np.testing.assert_allclose(params["W"], [-2, -11])


def test_no_name_is_no_decay():
    params = {"W": np.ones(2)}
    AdamW(lr=0.1, weight_decay=0.5, names=[]).update(params, {"W": np.zeros(2)})
    assert params["W"].tolist() == [1, 1]
    for decay in (l1_decay, l2_decay):
        assert decay({"W": np.zeros(2)}, params, 0.1, names=[])["W"].tolist() == [0, 0]


@pytest.mark.parametrize("decay", [l1_decay, l2_decay])
def test_a_gradient_of_as_many_numbers_in_another_shape_has_no_penalty(decay):
    with pytest.raises(ShapeError, match="the gradient for W has shape"):
        decay({"W": np.zeros((3, 1))}, {"W": np.ones((1, 3))}, 0.1)

"""The way back: its order, what it computes for graphs of any shape, seeds, and `gradients`."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, detect_anomaly, gradients, no_grad
from autograd_dl.engine import backward, toposort
from autograd_dl.errors import GradientLostWarning, GraphError, ShapeError
from autograd_dl.ops import defvjp, primitive
from autograd_dl.pullback import Placed
from autograd_dl.table import TABLE


class Noted:
    """An op that changes nothing and notes, under a label, when its rule is called."""

    def __init__(self):
        self.calls = []
        self.op = primitive(lambda x, _label: x * 1.0)
        defvjp(self.op, self.rule, None)

    def rule(self, g, _ans, _x, label):
        self.calls.append(label)
        return g

    def __call__(self, x, label):
        return self.op(x, label)


@pytest.fixture
def noted():
    yield (op := Noted())
    del TABLE[op.op]


def test_a_diamond_sums_both_ways(noted):
    x = leaf(2.0)
    a = noted(x, "first")
    y = noted(a, "left") * noted(a, "right")
    y.backward()
    assert x.grad.item() == 4
    assert noted.calls == ["right", "left", "first"]


def test_rules_run_from_the_last_op_to_the_first_each_once(noted):
    x = leaf([1.0, 2.0])
    a = noted(x, 0)
    b = noted(x, 1)
    c = noted(a, 2)
    d = noted(b, 3)
    np.sum(c * d + a * b + d).backward()
    assert noted.calls == [3, 2, 1, 0]


def test_a_short_and_a_long_way_meet_before_they_go_on(noted):
    x = leaf(1.0)
    early = noted(x, "early")
    late = early
    for i in range(10):
        late = noted(late, i)
    (early + late).backward()
    assert noted.calls == [*range(9, -1, -1), "early"]
    assert x.grad.item() == 2


def test_a_ladder_of_doublings_is_linear(noted):
    x = leaf(1.0)
    y = x
    for i in range(1000):
        y = noted(y, i)
        y = y + y
    y.backward()
    assert len(noted.calls) == 1000
    assert x.grad.item() == 2.0**1000


def test_sorting_a_ladder_sees_each_node_once():
    x = leaf(1.0)
    y = x
    for _ in range(1000):
        y = y + y
    assert len(toposort([y.node])) == 1001


def test_a_tensor_used_a_thousand_times():
    x = leaf([1.0, 2.0])
    total = x * 0
    for i in range(1000):
        total = total + x * i
    np.sum(total).backward()
    assert x.grad.tolist() == [499500, 499500]


def test_the_same_tensor_twice_in_an_op():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    for y, slope in (
        (x + x, np.full((2, 2), 2.0)),
        (x - x, np.zeros((2, 2))),
        (x * x, 2 * x.data),
        (x @ x, np.ones((2, 2)) @ x.data.T + x.data.T @ np.ones((2, 2))),
        (np.concatenate([x, x, x]), np.full((2, 2), 3.0)),
    ):
        x.zero_grad()
        np.sum(y).backward()
        assert np.array_equal(x.grad.data, slope)


def test_an_output_inside_another_outputs_graph():
    x = leaf(3.0)
    y = x * x
    z = y * 2
    backward([y, z], [None, None])
    assert x.grad.item() == 6 + 12


def test_several_outputs_and_one_given_twice():
    x = leaf(3.0)
    y = x * x
    z = y * 2
    assert gradients([z, y, z], x, [1.0, 10.0, 100.0])[0].item() == 12 + 60 + 1200


def test_an_output_of_float16_given_twice_keeps_its_dtype():
    x = Tensor(np.float16(3), requires_grad=True)
    y = x * 1.0
    seen = []
    y.register_hook(lambda g: seen.append(g.dtype))
    assert [g.dtype for g in (*gradients([y, y], [y, x]), *gradients([x, x], [x]))] == [np.float16] * 3
    assert seen == [np.float16]


def test_a_leaf_can_be_the_output():
    x = leaf([1.0, 2.0])
    x.backward([3.0, 4.0])
    assert x.grad.tolist() == [3, 4]


def test_only_leaves_get_a_grad():
    x = leaf([1.0])
    y = x * 2
    np.sum(y).backward()
    with pytest.warns(GradientLostWarning):
        assert y.grad is None
    assert Tensor([1.0]).grad is None


def test_a_leaf_whose_tensor_is_gone_is_passed_over():
    x, gone = leaf([1.0]), leaf([2.0])
    y = x * gone
    del gone
    y.backward()
    assert x.grad.tolist() == [2]


def test_freezing_a_leaf():
    x, w = leaf([1.0]), leaf([2.0])
    y = x * w
    w.requires_grad = False
    y.backward()
    assert w.grad is None
    assert x.grad.tolist() == [2]
    assert not (w * 2).requires_grad
    w.requires_grad = True
    assert (w * 2).requires_grad


# -- seeds


def test_the_seed_of_one_element_is_one_whatever_its_shape():
    x = leaf([[3.0]])
    (x * x).backward()
    assert x.grad.tolist() == [[6]]


@pytest.mark.parametrize("seed", [[1.0, 2.0], (1, 2), np.array([1, 2]), np.float32([1, 2]), Tensor([1.0, 2.0])])
def test_a_seed_may_be_any_array_like(seed):
    x = leaf([5.0, 7.0])
    (x * x).backward(seed)
    assert x.grad.tolist() == [10, 28]


def test_the_seed_is_taken_in_the_dtype_of_the_output():
    x = Tensor(np.ones(2, np.float32), requires_grad=True)
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g.dtype))
    y.backward(np.array([1.0, 1e-3]))
    assert seen == [np.float32]


def test_a_seed_that_is_left_out_or_has_another_shape():
    y = leaf([1.0, 2.0], name="x") * 2
    with pytest.raises(ShapeError, match=r"shape \(2,\) has 2 elements: give the gradient .* or reduce"):
        y.backward()
    with pytest.raises(ShapeError, match=r"must have its shape \(2,\), not \(3,\)"):
        y.backward([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match=r"must have its shape \(2,\), not \(\)"):
        y.backward(1.0)
    y.backward([1.0, 1.0])


def test_seeds_and_outputs_of_different_number():
    x = leaf([1.0])
    with pytest.raises(ShapeError, match="2 outputs, and 1 gradients"):
        gradients([x * 2, x * 3], x, [[1.0]])
    for one in (1.0, np.float64(1), np.array(1.0), Tensor(1.0)):
        with pytest.raises(ShapeError, match="grad_outputs must be a list of 1, as outputs is"):
            gradients([x * 2], x, one)


def test_backward_from_what_nothing_requires():
    for y in (Tensor(2.0), Tensor(2.0) * 3, leaf(2.0).detach()):
        with pytest.raises(GraphError, match="nothing that it was made of requires grad"):
            y.backward()
    with no_grad():
        y = leaf(2.0) * 3
    with pytest.raises(GraphError, match="under no_grad"):
        y.backward()


# -- gradients


def test_gradients_touch_no_grad():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = x * w
    y.retain_grad()
    loss = np.sum(y)
    gx, gw, gy = gradients(loss, [x, w, y])
    assert (gx.tolist(), gw.tolist(), gy.tolist()) == ([3, 4], [1, 2], [1, 1])
    assert x.grad is None
    assert w.grad is None
    assert y.grad is None


def test_gradients_release_nothing_unless_told_to():
    x = leaf([1.0, 2.0])
    y = np.sum(x * x)
    for _ in range(3):
        assert gradients(y, x)[0].tolist() == [2, 4]
    assert gradients(y, x, retain_graph=False)[0].tolist() == [2, 4]
    with pytest.raises(GraphError, match="released"):
        gradients(y, x)


def test_gradients_of_unused_inputs_are_zeros():
    x, unused = leaf([1.0, 2.0]), leaf(np.ones((2, 3)))
    gx, gu = gradients(np.sum(x * x), [x, unused])
    assert gx.tolist() == [2, 4]
    assert np.array_equal(gu.data, np.zeros((2, 3)))


def test_an_input_given_twice_gets_two_arrays():
    x = leaf([1.0, 2.0])
    a, b = gradients(np.sum(x * x), [x, x])
    assert a.tolist() == b.tolist() == [2, 4]
    assert not np.shares_memory(a.data, b.data)


def test_gradients_with_respect_to_recorded_tensors():
    x = leaf([1.0, 2.0])
    y = x * 3
    z = np.sum(y * y)
    gy, gx, gz = gradients(z, [y, x, z])
    assert (gy.tolist(), gx.tolist(), gz.item()) == ([6, 12], [18, 36], 1)


def test_gradients_walk_only_where_they_lead(noted):
    x, w = leaf(1.0), leaf(2.0)
    y = noted(x, "x") * noted(w, "w")
    gradients(y, w)
    assert noted.calls == ["w"]
    middle = noted(x, "x")
    gradients(noted(middle, "after") * y, middle)
    assert noted.calls == ["w", "after"]


def test_gradients_end_at_a_recorded_input_and_leave_what_is_behind_it(noted):
    w = leaf(2.0)
    x = leaf(3.0)
    middle = noted(w * x, "middle")
    y = noted(middle, "after") * 2.0
    assert gradients(y, middle, retain_graph=False)[0].item() == 2
    assert noted.calls == ["after"]
    assert gradients(middle, x)[0].item() == 2
    y = middle * middle
    w -= 1.0
    assert gradients(y, middle)[0].item() == 12
    with pytest.raises(GraphError, match="changed in place"):
        gradients(y, x)


def test_a_rule_that_fails_leaves_what_is_behind_an_input():
    @primitive
    def bad(x):
        return x * 1.0

    def fail(g, _ans, _x):
        raise ZeroDivisionError

    defvjp(bad, fail)
    w = leaf(2.0)
    middle = w * w
    y = bad(middle)
    with pytest.raises(ZeroDivisionError):
        gradients(y, middle, retain_graph=False)
    assert gradients(middle, w)[0].item() == 4
    with pytest.raises(GraphError, match="released"):
        gradients(y, middle)


def test_a_joint_rule_does_not_run_behind_what_is_wanted():
    calls = []

    @primitive
    def both(a, b):
        return a + b

    defvjp(both, joint=lambda g, _ans, _a, _b: (calls.append(1), (g, g))[1])
    x = leaf(1.0)
    y = both(x, x)
    assert gradients(y * 3.0, y)[0].item() == 3
    assert not calls
    assert gradients(y * 3.0, x)[0].item() == 6
    assert calls == [1]


def test_gradients_with_respect_to_what_requires_none():
    x = leaf(1.0)
    for t in (Tensor(1.0), x.detach()):
        with pytest.raises(GraphError, match="does not require grad"):
            gradients(x * t, t)


def test_gradients_of_zero_size_arrays():
    x = leaf(np.ones((0, 3)))
    assert gradients(np.sum(x * 2), x)[0].shape == (0, 3)
    np.sum(x @ np.ones((3, 2))).backward()
    assert x.grad.shape == (0, 3)


def test_non_finite_values_pass_without_warning():
    x = leaf([0.0, np.inf, np.nan, -1.0, 1e308])
    with np.errstate(all="ignore"):
        y = np.sum(np.log(x) * x * x)
    y.backward()
    assert x.grad.shape == (5,)
    assert np.isnan(x.grad.data[2])


def test_the_same_graph_gives_the_same_bits():
    rng = np.random.default_rng(0)
    w = leaf(rng.normal(size=(20, 20)))

    def gradient():
        y = w
        for _ in range(5):
            y = np.tanh(y @ w + w)
        return gradients(np.sum(y), w)[0].data.tobytes()

    assert gradient() == gradient()


def test_what_a_leaf_was_when_it_was_read_counts():
    x, t = Tensor(2.0, requires_grad=True), Tensor(3.0)
    y = x * t
    t.requires_grad = True
    y.backward()
    assert float(x.grad) == 3
    assert t.grad is None
    y = x * t
    t.requires_grad = False
    x.zero_grad()
    y.backward()
    assert float(x.grad) == 3
    assert t.grad is None


# -- parts of one array


PARTS = {
    "rows": lambda x: list(x),
    "columns": lambda x: [x[:, i] for i in range(x.shape[1])],
    "numbers": lambda x: [x[i, j] for i in range(x.shape[0]) for j in range(x.shape[1])],
    "masks": lambda x: [x[np.arange(x.shape[0]) % 3 == i] for i in range(3)],
    "overlapping": lambda x: [x[i : i + 4] for i in range(x.shape[0])] + [x, x[::-1], x[..., None]],
    "repeats": lambda x: [x[[i, i, 0]] for i in range(x.shape[0])] + [x[0]],
    "whole": lambda x: [x[...], x[()], x, x[None][0], x[:, :]],
    "nothing": lambda x: [x[:0], x[0, 0], x[5:5, 1:], x[[], 0]],
    "split": lambda x: np.split(x, x.shape[0]),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)
def test_gradients_of_parts_are_added(parts, dtype):
    rng = np.random.default_rng(0)
    x = Tensor(rng.integers(-3, 4, (12, 5)), requires_grad=True, dtype=dtype)
    weighted = [np.sum(part * float(i % 7)) for i, part in enumerate(parts(x))]
    expected = np.zeros(x.shape)
    for i, places in enumerate(parts(np.arange(x.size).reshape(x.shape))):
        np.add.at(expected.reshape(-1), places, float(i % 7))
    (found,) = gradients(sum(weighted), x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)
    (recorded,) = gradients(sum(weighted), x, create_graph=True)
    np.testing.assert_array_equal(recorded, expected)
    with detect_anomaly():
        np.testing.assert_array_equal(gradients(sum(weighted), x)[0], expected)


@pytest.mark.parametrize("recorded", [False, True])
def test_gradients_of_parts_of_a_number_are_added(recorded):
    x = leaf(3.0)
    y = x * 1 if recorded else x
    parts = [y[()], y[...], y[None], y[None, None], y, y[()]]
    assert gradients(sum(np.sum(part) * i for i, part in enumerate(parts)), x)[0].item() == 15


def test_a_loop_over_the_rows_makes_few_arrays_of_the_whole(monkeypatch):
    made = []
    whole = Placed.whole
    monkeypatch.setattr(Placed, "whole", lambda placed: made.append(placed.shape) or whole(placed))
    x = leaf(np.ones((500, 3)))
    gradients(sum(np.sum(row * row) for row in x), x)
    assert made == [(500, 3)] * 2


def test_gradients_of_parts_share_no_memory_with_what_arrived():
    x = leaf(np.zeros(4))
    seed = np.ones(2)
    first, second = x[:2], x[2:]
    (found,) = gradients([first, second, first], x, [seed, seed, seed])
    assert found.tolist() == [2, 2, 1, 1]
    assert seed.tolist() == [1, 1]
    (alone,) = gradients(first, x, seed)
    alone.data[...] = 7
    assert seed.tolist() == [1, 1]


def test_a_hook_gets_the_whole_sum_of_parts():
    x = leaf(np.ones((3, 2)))
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    sum(np.sum(row) * i for i, row in enumerate(y)).backward()
    assert seen == [[[0, 0], [1, 1], [2, 2]]]


def test_an_array_that_a_hook_gives_is_copied_and_one_that_nobody_else_holds_is_not():
    mask = np.full(3, 0.5)
    x = Tensor(np.ones(3), requires_grad=True)
    x.register_hook(lambda g: mask)
    (x * x).sum().backward()
    assert not np.shares_memory(x.grad.data, mask)
    made = []

    @primitive
    def doubled(a):
        return 2 * a

    defvjp(doubled, lambda g, _ans, _a: made.append(2 * g) or made[-1])
    y = Tensor(np.ones(3), requires_grad=True)
    doubled(y).backward(np.ones(3))
    assert not np.shares_memory(y.grad.data, made.pop())
    defvjp(doubled, lambda g, _ans, _a: made.append(id(h := 2 * g)) or h)
    y.zero_grad()
    doubled(y).backward(np.ones(3))
    assert id(y.grad.data) == made.pop()


def test_gradients_that_nobody_wants_are_dropped_on_the_way():
    y = Tensor(np.ones(100_000), requires_grad=True)
    for _ in range(20):
        y = y * np.exp(Tensor(np.full(100_000, 0.01), requires_grad=True))
    tracemalloc.start()
    y.backward(np.ones(100_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 800_000

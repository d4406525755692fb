"""`explain`: where the first NaN, infinity, exact zero or vanishing gradient of a program began."""

from pathlib import Path

import numpy as np
import pytest
from leaves import leaf
from source_lines import line_of

from autograd_dl import Tensor, detect_anomaly, no_grad, scope
from autograd_dl.data import load_mnist
from autograd_dl.errors import DTypeError
from autograd_dl.functional import relu, sigmoid
from autograd_dl.ops import defvjp, primitive
from models import DeepConvNet, MultiLayerNet, MultiLayerNetExtend, SimpleConvNet, TwoLayerNet
from visualize import explain
from visualize.recalled import is_known, recalled

HERE = str(Path(__file__))
NOTHING = "nothing found: no NaN, no infinity, no gradient lost"
UNSEEN = "note: the gradients were not looked at, since the result is not finite"


@pytest.fixture(autouse=True)
def quiet():
    """NumPy warns of what these tests are about."""
    with np.errstate(all="ignore"):
        yield


def kinds(found):
    return [(finding.kind, "forward" if finding.forward else "backward") for finding in found.findings]


def ops(path):
    return sorted(node.op.name if node.op else node.name for node in path)


# -- the classics


def test_the_logarithm_of_zero():
    def program():
        x = leaf([0.0, 2.0], "x")
        return np.sum(np.log(x) * 2)  # here

    found = explain(program)
    assert str(found).splitlines() == [
        "forward: np.log made the first infinity: 1 of 2 numbers",
        f"  at {HERE}:{line_of(program, '# here')}, in program",
        "    return np.sum(np.log(x) * 2)  # here",
        "  argument 0, 'x': float64 (2,), 0 to 2",
        "  it reaches the result, -inf",
        UNSEEN,
    ]
    assert ops(found.first.path) == ["log", "multiply", "sum"]
    assert found.first.node.op.name == "log"


def test_zeros_reach_what_they_break_and_nothing_that_was_broken_before():
    x, broken = leaf([2.0, 2.0]), leaf([np.nan, 1.0])
    zeros, _infinity = explain(np.sum(np.log(x - 2.0))).findings
    assert ops(zeros.path) == ["log", "subtract", "sum"]
    assert zeros.text.endswith("it reaches the result, -inf")
    _nan, zeros = explain(np.sum((x - 2.0) + broken)).findings
    assert zeros.text.endswith("it does not reach the result")


def test_zero_times_infinity():
    def program():
        big = np.exp(leaf([1000.0, 1.0]))  # overflow
        return np.sum(leaf([0.0, 1.0]) * big)  # product

    found = explain(program)
    assert kinds(found) == [("infinity", "forward"), ("NaN", "forward")]
    assert [f.node.op.name for f in found.findings] == ["exp", "multiply"]
    assert found.first.kind == "infinity"
    assert ops(found.first.path) == ["exp", "multiply", "sum"]
    lines = [line for line in str(found).splitlines() if line.startswith("  at ")]
    assert [line.rpartition(":")[2] for line in lines] == [
        f"{line_of(program, f'# {what}')}, in program" for what in ("overflow", "product")
    ]


def test_the_overflow_of_exp_in_float32():
    found = explain(lambda: np.mean(np.exp(leaf([[90.0, 1.0]], "a", "float32"))))
    assert str(found).splitlines()[0] == "forward: np.exp made the first infinity: 1 of 2 numbers"
    assert "  argument 0, 'a': float32 (1, 2), 1 to 90" in str(found).splitlines()


def test_the_root_at_zero():
    found = explain(lambda: np.sum(np.sqrt(leaf([0.0, 4.0], "x")) * 3))
    assert kinds(found) == [("infinity", "backward")]
    first, _line, _code, operand, end = str(found).splitlines()
    assert (
        first == "backward: np.sqrt made the first infinity in a gradient, that of its argument 0, 'x': 1 of 2 numbers"
    )
    assert operand == "  argument 0, 'x': float64 (2,), 0 to 4"
    assert end == "  the norm of the gradient that arrived: 4.243"
    assert ops(found.first.path) == ["sqrt", "x"]


def test_a_dead_relu():
    def program():
        with scope("Hidden"):
            h = relu(np.dot(np.ones((3, 2)), leaf(-np.ones((2, 4)), "W")))
        return np.sum(np.dot(h, leaf(np.ones((4, 1)), "V")))

    found = explain(program)
    assert kinds(found) == [("zero", "forward"), ("zero", "backward")]
    assert found.first.node.op.name == "relu"
    assert str(found).splitlines()[0] == "forward: relu in Hidden made the first result that is all zeros"
    assert ops(found.first.path) == ["dot", "relu", "sum"]


def test_a_relu_that_is_dead_backward_alone():
    """Some results are not zero; but all that would come back is."""
    x = leaf([-1.0, -2.0], "x")
    found = explain(np.sum(relu(x) + np.array([1.0, 2.0])))
    assert ("zero", "backward") in kinds(found)
    backward = found.findings[-1]
    assert (backward.node.op.name, backward.argument, backward.path) == ("relu", 0, {backward.node, x.node})


def test_ten_sigmoids():
    def program():
        h = leaf(0.3, "x")
        for _ in range(10):
            h = sigmoid(h)
        return h

    found = explain(program)
    assert kinds(found) == [("vanishing", "backward")]
    head, _line, _code, _operand, end = str(found).splitlines()
    assert head == "backward: sigmoid made the first gradient that vanishes, that of its argument 0"
    assert end.startswith("  its norm is 6.55e-06, of 0.225 on its way; through 8 ops it fell most at sigmoid (× 0.22)")
    assert len(found.first.path) == 9


@pytest.mark.parametrize(("vanishing", "length"), [(0.1, 4), (1e-4, 9), (1e-9, None)])
def test_what_counts_as_vanishing_can_be_chosen(vanishing, length):
    h = leaf(0.3)
    for _ in range(10):
        h = sigmoid(h)
    first = explain(h, vanishing=vanishing).first
    assert (first and len(first.path)) == length


def test_the_underflow_of_a_softmax():
    def program():
        a = leaf([[0.0, -1000.0]], "a")
        y = np.exp(a) / np.sum(np.exp(a))
        return -np.sum(np.log(y) * np.array([[0.0, 1.0]]))

    found = explain(program)
    assert str(found).splitlines()[0] == "forward: np.log made the first infinity: 1 of 2 numbers"
    assert "  argument 0: float64 (1, 2), 0 to 1" in str(found).splitlines()


def test_an_infinity_that_a_mask_hides_from_the_result_but_not_from_the_gradient():
    x = leaf([0.0, 2.0], "x")
    found = explain(np.sum(np.where(x.numpy() > 0, np.log(x), 0.0)))
    assert kinds(found) == [("infinity", "forward"), ("NaN", "backward")]
    assert "  it does not reach the result" in str(found).splitlines()
    assert (found.first.kind, found.first.node.op.name) == ("NaN", "log")


def test_a_gradient_that_overflows():
    x = leaf([1e200], "x")
    found = explain(np.sum(np.log(x * 1e-200) * 1e300 * x))
    assert kinds(found)[-1] == ("infinity", "backward")


# -- what was given


def test_a_weight_that_is_broken_already():
    w = leaf([np.nan, 1.0], "W1")
    found = explain(np.sum(w * 2))
    assert str(found).splitlines()[:2] == [
        "forward: the first NaN was given in Tensor 'W1': 1 of 2 numbers", "  it reaches the result, nan",
    ]  # fmt: skip
    assert found.first.node is w.node


def test_a_constant_that_is_broken_already():
    found = explain(np.sum(leaf([3.0, 1.0], "w") * np.array([np.nan, np.inf])))
    assert [text.partition("\n")[0] for text in (f.text for f in found.findings)] == [
        "forward: the first NaN was given to np.multiply, as its argument 1",
        "forward: the first infinity was given to np.multiply, as its argument 1",
    ]
    assert "  argument 1: float64 (2,), 1 NaN, 1 infinite" in str(found).splitlines()


def test_zeros_that_were_given_are_no_news():
    x, b = leaf([1.0, 2.0], "x"), leaf([0.0, 0.0], "b")
    assert str(explain(np.sum(x * x + b * 3))) == NOTHING


# -- healthy programs


@pytest.mark.parametrize(
    ("network", "options"),
    [
        (TwoLayerNet(784, 50, 10, seed=0), {}),
        (MultiLayerNet(784, [50] * 4, 10, seed=0, weight_decay_lambda=0.1), {}),
        (
            MultiLayerNetExtend(784, [50] * 4, 10, use_batchnorm=True, use_dropout=True, seed=0),
            {"train_flg": True},
        ),
        (SimpleConvNet(seed=0), {}),
        (DeepConvNet(seed=0), {"train_flg": True}),
    ],
    ids=lambda part: type(part).__name__ if part else "-",
)
def test_healthy_networks(network, options):
    (x, t), _ = load_mnist(subset=True, flatten=not hasattr(network, "input_dim"))
    assert str(explain(network.loss(x[:20], t[:20], **options))) == NOTHING


def test_a_deep_network_of_sigmoids_vanishes():
    (x, t), _ = load_mnist(subset=True)
    found = explain(MultiLayerNet(784, [100] * 6, 10, "sigmoid", 0.01, seed=0).loss(x[:20], t[:20]))
    assert found.first.kind == "vanishing"
    assert found.first.node.scope


def test_a_network_that_overflows_names_its_layer():
    network = MultiLayerNet(4, [5, 5, 5], 3, weight_init_std=1e15, seed=0)
    found = explain(lambda: network.loss(np.full((2, 4), 1e10), [0, 1]))
    assert "np.dot in Affine2 made the first infinity" in str(found)


def test_a_leaf_alone():
    assert str(explain(leaf(1.0))) == NOTHING


def test_nothing_is_touched():
    x = leaf([1.0, 2.0])
    loss = np.sum(np.log(x))
    explain(loss)
    assert x.grad is None
    loss.backward()
    assert x.grad.tolist() == [1, 0.5]


def test_a_vanishing_is_measured_against_the_largest_gradient_of_the_branch_that_brought_most():
    for turned in (False, True):
        t = leaf([1.0], "x") * 1e-5
        branches = [lambda t=t: t * 1e-3 * 1e3, lambda t=t: t * 2]
        a, b = (branch() for branch in (branches[::-1] if turned else branches))
        (found,) = explain(np.sum(a + b)).findings
        assert found.text.splitlines()[-1] == (
            "  its norm is 3e-05, of 2 on its way; through 4 ops it fell most at np.multiply (× 1e-05), "
            "np.sum (× 1), np.add (× 1)"
        )
        assert ops(found.path) == ["add", "multiply", "multiply", "sum", "x"]


def test_a_sum_that_undoes_broadcasting_may_cancel_and_a_product_of_matrices_may_not():
    x, number = leaf([[1.0, 1.0]], "x"), leaf(3.0, "number")
    signs = np.array([[1.0, 1e-6 - 1]])
    assert str(explain(np.sum((x + number) * signs))) == NOTHING
    assert str(explain(np.sum(np.dot(number, x) * signs))) == NOTHING
    for product in (np.dot, np.matmul):
        assert kinds(explain(np.sum(product(x, np.full((2, 50), 1e-7))))) == [("vanishing", "backward")]


def test_after_an_infinity_nothing_vanishes():
    found = explain(np.sum(np.sqrt(np.concatenate([leaf([0.0], "a") * 1, leaf([4.0], "b") * 1]))))
    assert kinds(found) == [("infinity", "backward")]
    assert ops(found.first.path) == ["a", "concatenate", "multiply", "sqrt"]


def test_ops_with_several_results():
    m = leaf([[1.0, 1.0], [1.0, 1.0]], "m")
    infinity, zero = explain(np.linalg.slogdet(m)[1] * 2).findings
    assert infinity.text.splitlines() == [
        "forward: np.linalg.slogdet made the first infinity: 1 of 2 numbers",
        "  argument 0, 'm': float64 (2, 2), 1 to 1",
        "  it reaches the result, -inf",
    ]
    assert zero.text.startswith("forward: np.linalg.slogdet made the first result that is all zeros\n")
    assert str(explain(np.linalg.slogdet(m + np.eye(2))[1])) == NOTHING


def test_arguments_of_all_kinds_are_told():
    x = leaf([[0.0, 1.0], [2.0, 3.0]], "x")
    for index, told in [
        ((np.array([0], "i8"), np.array([0], "i8")), "int64 (1,), 0 to 0; int64 (1,), 0 to 0"), ((0, 0), "(0, 0)"),
    ]:  # fmt: skip
        assert explain(np.sum(x[index] + 1)).first.text.splitlines()[2] == f"  argument 1: {told}"
    told = explain(np.sum(np.concatenate([leaf([], "empty"), leaf([2.0]), [np.nan]]))).first.text.splitlines()
    assert told[0] == "forward: the first NaN was given to np.concatenate, as its argument 2"
    assert told[1] == "  argument 0, 'empty': float64 (0,), empty"


def test_zeros_that_become_something_else_go_no_further():
    zeros = leaf([2.0, 2.0], "x") - 2.0
    found = explain(np.sum(np.exp(zeros)))
    assert ops(found.first.path) == ["subtract"]
    zero, nan = explain(np.sum(zeros + np.array([np.nan, 1.0]))).findings
    assert (ops(zero.path), ops(nan.path)) == (["subtract"], ["add", "sum"])


def test_what_breaks_the_result_is_looked_at_first_and_what_does_not_reach_it_last():
    x, w = leaf([0.0, 2.0], "x"), leaf([1.0, 1.0], "w")
    assert explain(np.sum(np.log(leaf([2.0, 2.0]) - 2.0))).first.kind == "infinity"
    hidden = np.sum(np.where([False, True], leaf([np.inf, 1.0]), x))
    found = explain(hidden * np.sum(w - 1.0))
    assert kinds(found)[:2] == [("infinity", "forward"), ("zero", "forward")]
    assert found.first.kind == "zero"


# -- what cannot be looked at is said


def test_only_what_is_not_known_before_the_trouble_is_told_of():
    def total(count, first, last):
        x = leaf(np.ones(2000), "x")
        y = x
        for _ in range(count):
            y = y * 1
        y = np.sum(y) * first + leaf(last, "last")
        x -= 1
        return [line for line in str(explain(y)).splitlines() if "does not hold" in line]

    broken = leaf(np.nan, "broken")
    assert total(2, broken, 1.0) == []
    assert "hold 3 of its values any more (Tensor 'x', np.multiply), where" in total(2, 1.0, np.nan)[0]
    assert "hold 4 of its values any more (Tensor 'x', np.multiply, ...), where" in total(3, 1.0, np.nan)[0]


def test_of_the_gradients_that_are_left_only_the_broken_are_told():
    p, q = leaf([0.0, 1.0], "p"), leaf([1.0, 1.0], "q")
    loss = np.sum(np.sqrt(p) * q)
    loss.backward()
    assert [line for line in str(explain(loss)).splitlines() if ".grad of" in line] == [
        "note: the .grad of Tensor 'p' is float64 (2,), 0.5 to 0.5, 1 infinite"
    ]


def test_a_released_graph():
    p = leaf([0.0, 1.0], "p")
    loss = np.sum(np.sqrt(p) * np.ones(2))
    loss.backward()
    lines = str(explain(loss)).splitlines()
    assert lines[0] == "nothing found in what could be looked at"
    assert lines[1].startswith(
        "note: the gradients were not looked at: the graph was released by an earlier backward()"
    )
    assert lines[2] == "note: the .grad of Tensor 'p' is float64 (2,), 0.5 to 0.5, 1 infinite"


def test_values_that_a_released_graph_does_not_hold():
    loss = np.sum(np.exp(leaf(np.ones(1000), "x") * 2) + 1)
    loss.backward()
    assert (
        "note: the graph does not hold 4 of its values any more (Tensor 'x', np.multiply, np.exp, ...), where trouble "
        "may have begun: explain before backward(), or give explain the function that computes the result"
    ) in str(explain(loss)).splitlines()


def test_a_broken_result_whose_graph_is_gone():
    with no_grad():
        broken = np.log(leaf(0.0))
    assert str(explain(broken)).splitlines() == [
        "the result is -inf, and the graph does not tell where that began", UNSEEN,
    ]  # fmt: skip


def test_several_numbers():
    found = explain(np.log(leaf([1.0, 2.0])))
    first, note = str(found).splitlines()
    assert first == "nothing found in what could be looked at"
    assert "has 2 elements" in note


def test_a_tensor_that_was_recorded_without_lines():
    with detect_anomaly():
        inside = np.sum(np.sqrt(leaf([0.0])))
    outside = np.sum(np.sqrt(leaf([0.0])))
    hint = "note: which line this was is noted by explain(lambda: ...), with the program in place of the dots"
    assert f"  at {HERE}" in str(explain(inside))
    assert hint not in str(explain(inside)).splitlines()
    assert hint in str(explain(outside)).splitlines()


@pytest.mark.parametrize("wrong", [3.0, np.ones(2), lambda: 3.0, None])
def test_what_is_no_tensor(wrong):
    with pytest.raises(DTypeError, match=r"explain takes a Tensor, or a function that returns one, not"):
        explain(wrong)


# -- the values


def test_large_results_that_no_rule_reads_are_computed_again():
    x, w, b = leaf(np.ones((100, 50))), leaf(np.ones((50, 40))), leaf(np.arange(40.0))
    y = np.dot(x, w)
    z = y + b
    steps = {step.node: step for step in recalled(np.sum(z))}
    assert not is_known(y.node.value)
    np.testing.assert_array_equal(steps[y.node].value, np.full((100, 40), 50.0))
    np.testing.assert_array_equal(steps[z.node].value, z.numpy())
    np.testing.assert_array_equal(steps[z.node].operands[1], np.arange(40.0))


def test_a_leaf_that_is_gone_is_found_where_it_was_read():
    w = leaf(np.ones(1000))
    assert all(is_known(step.value) for step in recalled(np.sum(Tensor(np.full(1000, 2.0)) * w)))


def test_a_released_graph_is_computed_again_from_leaves_that_live():
    x = leaf(np.ones(1000))
    loss = np.sum(np.exp(x * 2) + 1)
    loss.backward()
    assert all(is_known(step.value) for step in recalled(loss))


def test_a_leaf_that_changed_since_is_not_known():
    x, y = leaf(np.ones(1000), "x"), leaf(np.ones(1000), "y")
    total = np.sum(x + y)
    x += 1
    (added,) = (step for step in recalled(total) if step.node.op and step.node.op.name == "add")
    assert [is_known(operand) for operand in added.operands] == [False, True]
    assert not is_known(added.value)


def test_ops_with_several_results_and_lists_of_inputs():
    x = leaf(np.arange(2000.0).reshape(2, 1000), "x")
    first, second = np.split(x * 1, 2)
    y = np.concatenate([first, second], axis=1)[:, [0, 5, 1003]]
    steps = {step.node: step for step in recalled(np.sum(y))}
    np.testing.assert_array_equal(steps[y.node].value, [[0, 5, 1003]])
    assert str(explain(np.sum(y))) == NOTHING


def test_an_op_with_a_saved_value():
    network = MultiLayerNetExtend(30, [40], 3, use_batchnorm=True, seed=0)
    x = np.random.default_rng(0).random((200, 30))
    assert all(is_known(step.value) for step in recalled(network.loss(x, np.zeros(200, int), train_flg=True)))


# -- hostile programs


@pytest.mark.parametrize("name", ['"]; x [URL=y', "a\nb\x00", "x" * 10_000, "入力", "<b>"])
def test_hostile_names_are_in_one_line(name):
    x = leaf([0.0], name)
    with scope(name):
        y = np.log(x)
    lines = str(explain(np.sum(y * 2))).splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) < 200


def test_a_graph_of_many_nodes():
    h = leaf(1.0)
    for _ in range(20_000):
        h = h * 1.0
    assert str(explain(h)) == NOTHING


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_dtype(dtype):
    limit = np.finfo(dtype).max
    found = explain(np.sum(leaf([limit, 1.0], "x", dtype) * leaf([2.0, 2.0], "two", dtype)))
    assert str(found).startswith("forward: np.multiply made the first infinity: 1 of 2 numbers")


def test_empty_arrays():
    assert kinds(explain(np.sum(leaf(np.ones((2, 0))) * 2) + leaf(1.0))) == [("zero", "forward")]


def test_an_op_of_the_users_own():
    @primitive
    def cut(x):
        return np.where(x > 0, x, np.nan)

    defvjp(cut, lambda g, _ans, _x: g)
    assert str(explain(np.sum(cut(leaf([1.0, -1.0]))))).startswith("forward: cut made the first NaN: 1 of 2 numbers")


# -- the picture


def test_the_path_is_marked_in_the_picture():
    pytest.importorskip("graphviz")
    a, b = leaf([0.0, 2.0], "a"), leaf([1.0, 1.0], "b")
    source = explain(np.sum(np.log(a) + np.sqrt(b))).picture().source
    marked = [line for line in source.splitlines() if "fillcolor" in line]
    assert [line.partition("label=")[2].split()[0].strip('"') for line in marked] == ["log", "+", "sum"]


def test_a_healthy_picture_has_no_mark():
    pytest.importorskip("graphviz")
    assert "fillcolor" not in explain(np.sum(leaf([1.0, 2.0]) * 2)).picture().source


def test_an_infinity_that_becomes_zero_does_not_reach_the_result():
    infinity = explain(np.sum(np.exp(np.log(leaf([0.0, 0.0])))) + 1.0).findings[0]
    assert infinity.kind == "infinity"
    assert ops(infinity.path) == ["log"]
    assert infinity.text.endswith("it does not reach the result")


def test_what_is_looked_for_raises_no_error_of_numpys():
    with np.errstate(all="raise"):
        assert kinds(explain(lambda: np.sum(np.log(leaf([0.0, 2.0]))))) == [("infinity", "forward")]

"""What a picture of a graph shows: the book's purchases to the letter, and what is known, no more."""

import re

import numpy as np
import pytest
from drawn_graphs import horner, lines
from leaves import leaf

from autograd_dl import Tensor, no_grad
from autograd_dl.app.graphs import apple, apple_orange
from models import TwoLayerNet
from visualize import to_dot

pytest.importorskip("graphviz")

HEAD = """digraph {
	graph [nodesep=0.4 ordering=in rankdir=LR ranksep=0.7]
	node [fontname=Helvetica fontsize=13]
	edge [arrowsize=0.7 fontname=Helvetica fontsize=12]
"""
TEXT = 'height=0 margin="0.05,0.03" shape=plaintext width=0'
RED = 'color="#d62728" dir=back fontcolor="#d62728"'
APPLE = f"""{HEAD}	x0 [label="apple price" {TEXT}]
	x1 [label="number of apples" {TEXT}]
	x2 [label=tax {TEXT}]
	op3 [label="×" margin=0.03 shape=circle]
	op4 [label="×" margin=0.03 shape=circle]
	out [label=total {TEXT}]
	x0 -> op3 [label=" 100 "]
	x0 -> op3 [label=" 2.2 " {RED}]
	x1 -> op3 [label=" 2 "]
	x1 -> op3 [label=" 110 " {RED}]
	op3 -> op4 [label=" 200 "]
	op3 -> op4 [label=" 1.1 " {RED}]
	x2 -> op4 [label=" 1.1 "]
	x2 -> op4 [label=" 200 " {RED}]
	op4 -> out [label=" 220 "]
	op4 -> out [label=" 1 " {RED}]
}}
"""
APPLE_ORANGE = f"""{HEAD}	x0 [label="apple price" {TEXT}]
	x1 [label="number of apples" {TEXT}]
	op2 [label="×" margin=0.03 shape=circle]
	x3 [label="orange price" {TEXT}]
	x4 [label="number of oranges" {TEXT}]
	op5 [label="×" margin=0.03 shape=circle]
	op6 [label="+" margin=0.03 shape=circle]
	x7 [label=tax {TEXT}]
	op8 [label="×" margin=0.03 shape=circle]
	out [label=total {TEXT}]
	x0 -> op2 [label=" 100 "]
	x0 -> op2 [label=" 2.2 " {RED}]
	x1 -> op2 [label=" 2 "]
	x1 -> op2 [label=" 110 " {RED}]
	x3 -> op5 [label=" 150 "]
	x3 -> op5 [label=" 3.3 " {RED}]
	x4 -> op5 [label=" 3 "]
	x4 -> op5 [label=" 165 " {RED}]
	op2 -> op6 [label=" 200 "]
	op2 -> op6 [label=" 1.1 " {RED}]
	op5 -> op6 [label=" 450 "]
	op5 -> op6 [label=" 1.1 " {RED}]
	op6 -> op8 [label=" 650 "]
	op6 -> op8 [label=" 1.1 " {RED}]
	x7 -> op8 [label=" 1.1 "]
	x7 -> op8 [label=" 650 " {RED}]
	op8 -> out [label=" 715 "]
	op8 -> out [label=" 1 " {RED}]
}}
"""


def values(output):
    return [line for line in lines(output) if "->" in line]


def gradients(output):
    return [line for line in lines(output) if "<-" in line]


def labels(output):
    return dict(re.findall(r'^\t(\w+) \[label="?(.*?)"? (?:height|margin|shape)', to_dot(output), re.M | re.S))


class TestPurchases:
    def test_apples(self):
        assert to_dot(apple()) == APPLE

    def test_apples_and_oranges(self):
        assert to_dot(apple_orange()) == APPLE_ORANGE

    def test_the_floats_behind_the_numbers_are_not_so_round(self):
        assert float(apple()) == 220.00000000000003
        assert float(apple_orange()) == 715.0000000000001

    def test_the_text_does_not_depend_on_what_was_recorded_before(self):
        leaf(1) * leaf(2)
        assert to_dot(apple_orange()) == to_dot(apple_orange()) == APPLE_ORANGE

    def test_drawing_twice_gives_the_same(self):
        output = apple_orange()
        assert to_dot(output) == to_dot(output) == APPLE_ORANGE


class TestDrawingChangesNothing:
    def test_no_grad_is_touched(self):
        x, y = leaf(2), leaf(3)
        y.grad = Tensor(7.0)
        z = x * y
        z.retain_grad()
        to_dot(z)
        assert x.grad is None
        assert z.grad is None
        assert float(y.grad) == 7

    def test_backward_runs_afterwards_as_before(self):
        x = leaf(2, "x")
        z = np.exp(x * x)
        to_dot(z)
        z.backward()
        assert float(x.grad) == pytest.approx(4 * np.exp(4))

    def test_retained_gradients_and_recording_stay(self):
        x = leaf(2)
        y = x * x
        y.retain_grad()
        z = y * 3
        to_dot(z)
        assert y.grad is None
        with no_grad():
            to_dot(z)


class TestAfterBackward:
    def test_the_gradients_of_leaves_remain(self):
        output = apple()
        output.backward()
        assert gradients(output) == []  # the leaves have died, and their gradients with them

        price, number, tax = leaf(100, "price"), leaf(2, "number"), leaf(1.1, "tax")
        total = price * number * tax
        total.backward()
        assert values(total) == values(apple())
        assert gradients(total) == ["x0_grad <- x0 2.2", "x1_grad <- x1 110", "x2_grad <- x2 200"]

    def test_a_graph_that_was_retained_shows_all(self):
        output = apple()
        output.backward(retain_graph=True)
        assert to_dot(output) == APPLE

    def test_gradients_of_another_output_are_not_drawn_as_this_ones(self):
        w, x = leaf(1, "w"), leaf(3, "x")
        h = w * x
        a, b = h * 2, h * 3
        a.backward()
        assert gradients(b) == []
        assert gradients(a) == ["x0_grad <- x0 6", "x1_grad <- x1 2"]

    def test_what_was_not_computed_is_absent(self):
        x, y = leaf(2, "x"), leaf(3, "y")
        z = x * y
        z.backward()
        y.zero_grad()
        assert gradients(z) == ["x0_grad <- x0 3"]
        x.zero_grad()
        assert gradients(z) == []

    def test_no_edge_claims_the_sum_of_two_walks(self):
        x = leaf(3, "x")
        (x * 2).backward()
        z = x * 5
        z.backward()
        assert gradients(z) == ["x0_grad <- x0 7"]

    def test_a_leaf_used_twice_has_its_sum_on_an_arrow_of_its_own(self):
        x = leaf(3, "x")
        y = x * x + x
        y.backward()
        assert gradients(y) == ["x0_grad <- x0 7"]
        assert len(values(y)) == 5

    def test_a_retained_gradient_is_shown(self):
        x = leaf(3, "x")
        y = x * x
        y.retain_grad()
        z = y * 5
        z.backward()
        assert gradients(z) == ["x0_grad <- x0 30", "op1_grad <- op1 5"]

    def test_a_gradient_of_another_graph_is_not_taken_for_one_of_this(self):
        x = leaf([1, 2, 3], "x")
        np.sum(x * 100).backward()
        assert x.grad is not None
        assert gradients(x * 2) == []

    def test_backward_with_a_given_gradient(self):
        x = leaf([1, 2, 3], "x")
        y = x * 2
        y.backward(np.ones(3))
        assert gradients(y) == ["x0_grad <- x0 (3,)"]

    def test_a_training_step_later_the_picture_still_has_its_shapes(self):
        net = TwoLayerNet(4, 3, 2, seed=0)
        loss = net.loss(np.ones((5, 4)), np.zeros(5, int))
        before = values(loss)
        loss.backward()
        for p in net.params.values():
            p -= 0.1 * p.grad.data
        assert values(loss) == before
        assert len(gradients(loss)) == 4


class TestInPlaceChanges:
    def test_a_cut_graph_is_drawn_whole_without_gradients(self):
        w, x = leaf(2, "w"), leaf(3, "x")
        y = np.exp(x * w) * 2
        w -= 1
        assert values(y) == ["x1 -> op2 3", "x0 -> op2", "op2 -> op3 6", "op3 -> op4 403.429", "op4_1 -> op4", "op4 -> out 806.858"]  # fmt: skip # noqa: E501
        assert gradients(y) == []

    def test_a_number_that_changed_since_is_absent_and_one_that_changed_before_is_not(self):
        w = leaf(2, "w")
        w -= 1
        y = w + 3
        assert values(y)[0] == "x0 -> op1 1"
        w -= 1
        assert values(y)[0] == "x0 -> op1"


class TestShapesOfGraphs:
    def test_a_shared_subexpression_is_one_node(self):
        x = leaf(2, "x")
        t = x + 1
        assert lines(t * t) == [
            "x0 -> op1 2", "x0 <- op1 6", "op1_1 -> op1", "op1 -> op2 3", "op1 <- op2 3", "op1 -> op2 3",
            "op1 <- op2 3", "op2 -> out 9", "op2 <- out 1",
        ]  # fmt: skip

    def test_a_ladder_of_doublings_is_a_ladder(self):
        x = leaf(1)
        for _ in range(100):
            x = x + x
        assert len(values(x)) == 201

    def test_constants(self):
        x = leaf(2, "x")
        y = (3 * x - np.array([1.0, 2.0]) + Tensor(4.0, name="c")).sum()
        assert labels(y) == {
            "x0": "x", "op1": "×", "op1_0": "3", "op2": "−", "op2_1": "(2,)", "x3": "c", "op4": "+", "op5": "sum",
            "out": "",
        }  # fmt: skip
        assert "x3 -> op4 4" in values(y)
        assert not any(line.startswith(("x3", "op1_0", "op2_1")) for line in gradients(y))

    def test_what_no_gradient_goes_to_is_an_operand_as_well(self):
        x = leaf([1, 2], "x")
        assert "op1_0 -> op1" in lines(np.where(np.array([True, False]), x, 0))
        assert "op1_2 -> op1" in lines(np.einsum("i,->i", x, 2.0))

    def test_an_output_that_is_a_leaf(self):
        assert values(leaf(3, "x")) == ["x0 -> out 3"]
        assert labels(leaf(3, "x")) == {"x0": "x", "out": ""}
        assert values(Tensor([1.0, 2.0])) == ["x0 -> out (2,)"]
        assert gradients(leaf(3)) == []

    def test_an_output_that_was_not_recorded(self):
        with pytest.warns(UserWarning, match="the picture has its value alone") as told:
            assert labels(Tensor(2.0) * 3) == {"out": "6"}
        assert told[0].filename == __file__
        with pytest.warns(UserWarning, match="the picture has its value alone"):
            assert labels(leaf([1, 2]).detach()) == {"out": "(2,)"}

    def test_an_output_of_several_numbers_has_no_gradients(self):
        x = leaf([1, 2])
        assert lines(x * 2) == ["x0 -> op1 (2,)", "op1_1 -> op1", "op1 -> out (2,)"]

    def test_an_output_of_one_number_in_an_array_has(self):
        assert "op1 <- out 1" in gradients(leaf([2]) * 3)

    def test_ops_with_several_results(self):
        x = leaf([[2, 1], [1, 3]], "x")
        values_, vectors = np.linalg.eigh(x)
        y = values_.sum() + vectors[0, 0]
        assert labels(y)["op1"] == "eigh"
        assert {"op1 -> op2 (2,), (2, 2)", "op1 -> op3 (2,), (2, 2)"} <= set(values(y))
        assert {"x0 <- op1 (2, 2)", "op1 <- op2 (2,)", "op1 <- op3 (2, 2)"} <= set(gradients(y))
        y.backward()
        assert gradients(y) == ["x0_grad <- x0 (2, 2)"]

    def test_what_goes_back_from_one_of_several_results_is_a_sum(self):
        _, logarithm = np.linalg.slogdet(leaf([[2, 1], [1, 3]]))
        assert "op1 <- op2 1" in gradients(logarithm)
        assert "op1 <- op2 5" in gradients(logarithm * 2 + logarithm * 3)

    def test_0_d_and_empty_arrays(self):
        assert "x0 -> op1 (0, 3)" in values(leaf(np.zeros((0, 3))).sum())
        assert "x0 -> op1 5" in values(leaf(5).sum())

    def test_nan_and_infinity(self):
        assert lines(leaf(np.nan) * np.inf) == [
            "x0 -> op1 nan", "x0 <- op1 inf", "op1_1 -> op1", "op1 -> out nan", "op1 <- out 1",
        ]  # fmt: skip


class TestLargeGraphs:
    def test_a_leaf_has_a_box_for_each_reader(self):
        few, many = labels(horner(15)), labels(horner(16))
        assert [label for label in few.values() if label == "x"] == ["x"]
        assert [label for label in many.values() if label == "x"] == ["x"] * 17
        assert "x0_op32 -> op32 1" in values(horner(16))

    def test_its_gradient_stands_at_the_first(self):
        x = leaf(1, "x")
        y = horner(16, x)
        y.backward()
        assert gradients(y) == ["x0_grad <- x0 1.99998"]

    def test_each_line_keeps_its_value_and_gradient(self):
        def ends():
            return [line.partition(" ")[2] for line in lines(horner(20))]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("visualize.trace.MANY", 100)
            plain = ends()
        assert ends() == plain

    def test_labels_stand_where_there_is_room_if_lines_cross_many_ranks(self):
        w = np.exp(leaf(1))
        y = w
        for _ in range(30):
            y = y * 0.5 + w
        assert " xlabel=" not in to_dot(horner(30)).replace("[", " ")
        assert "mclimit" not in to_dot(horner(30))
        assert "mclimit" in to_dot(y)
        assert " label=" not in "".join(line for line in to_dot(y).replace("[", " ").splitlines() if "->" in line)

    @pytest.mark.parametrize(("ops", "where"), [(1499, " label="), (1500, " xlabel=")])
    def test_and_if_there_are_many_lines(self, ops, where):
        y = leaf(1)
        for _ in range(ops):
            y = np.sin(y)
        (end,) = [line for line in to_dot(y, maximum=None, gradients=False).splitlines() if "-> out" in line]
        assert where in end.replace("[", " ")


class TestSettings:
    """What is no operand (an axis, a shape, an index) stands in the op."""

    @pytest.mark.parametrize(
        ("f", "label"),
        [
            (lambda x: x[0], "[0]"),
            (lambda x: x[-1, 2], "[-1, 2]"),
            (lambda x: x[:, 1:], "[:, 1:]"),
            (lambda x: x[0:2], "[0:2]"),
            (lambda x: x[np.int64(1)], "[1]"),
            (lambda x: x[::-1], "[::-1]"),
            (lambda x: x[..., None], "[..., None]"),
            (lambda x: x[np.array([0, 1, 1])], "[[0, 1, 1]]"),
            (lambda x: x[np.arange(2), [2, 0]], "[[0, 1], [2, 0]]"),
            (lambda x: x[[0, 1]], "[[0, 1]]"),
            (lambda x: x[np.zeros(6, int), 0], "[[0, 0, 0, 0, 0, 0], 0]"),
            (lambda x: x[np.zeros(7, np.int64), 0], "[int64 (7,), 0]"),
            (lambda x: x[np.zeros((1, 2), np.int64)], "[int64 (1, 2)]"),
            (lambda x: x[x > 0], "[bool (2, 3)]"),
            (lambda x: x.reshape(3, 2), "reshape\n(3, 2)"),
            (lambda x: np.sum(x, axis=0), "sum\naxis=0"),
            (lambda x: np.mean(x, axis=(0, 1), keepdims=True), "mean\naxis=(0, 1)\nkeepdims=True"),
            (lambda x: np.var(x), "var"),
            (lambda x: x.T, "transpose"),
            (lambda x: abs(x), "abs"),
        ],
    )
    def test_label(self, f, label):
        picture = labels(f(leaf([[1, 2, 3], [4, 5, 6]])))
        assert picture == {"x0": "", "op1": label, "out": ""}

    def test_a_long_setting_is_cut(self):
        label = labels(leaf(np.ones((1,) * 30))[(0,) * 30])["op1"]
        assert label == f"[{'0, ' * 13}…]"

    def test_long_names_stand_in_boxes(self):
        assert "op1 [label=relu margin=0.03 shape=circle]" in to_dot(TwoLayerNet(1, 1, 1).activation(leaf(1)))
        assert "op1 [label=reshape\n1 margin" not in to_dot(leaf(1).reshape(1))
        assert "shape=box style=rounded" in to_dot(leaf(1).reshape(1))

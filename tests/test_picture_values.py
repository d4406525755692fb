"""What stands on the lines: numbers, shapes, whole arrays and what is said of large ones, symbols."""

import re

import numpy as np
import pytest
from drawn_graphs import lines
from leaves import leaf

from autograd_dl import Tensor
from autograd_dl.app.graphs import chain_rule, sum_of_products
from autograd_dl.functional import relu, sigmoid
from visualize import to_dot
from visualize.norms import norm
from visualize.text import with_constants
from visualize.values import summary

pytest.importorskip("graphviz")


class TestSummary:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (3.5, "3.5"),
            (np.float16(1.1), "1.1"),
            (np.array([1, 2, 3]), "[1, 2, 3]"),
            (np.array([[1.0, np.nan], [-np.inf, 0.1 + 0.2]]), "[1, nan]\n[-inf, 0.3]"),
            (np.array([True, False]), "[1, 0]"),
            (np.zeros((0, 3)), "[]"),
            (np.zeros((3, 0)), "[]"),
            (np.zeros(0), "[]"),
            (np.arange(7), "0 … 6\nmean 3, norm 9.539\nzeros: 1"),
            (np.ones((2, 6)), "[1, 1, 1, 1, 1, 1]\n[1, 1, 1, 1, 1, 1]"),
            (np.ones((13, 1)), "1 … 1\nmean 1, norm 3.606"),
            (np.full(8, 5e307), "5e+307 … 5e+307\nmean 5e+307, norm 1.414e+308"),
            (np.full(8, -5e307), "-5e+307 … -5e+307\nmean -5e+307, norm 1.414e+308"),
            (np.ones((2, 2, 2)), "1 … 1\nmean 1, norm 2.828"),
            (np.full(20, np.nan), "NaN: 20"),
            (np.full(16, -1e-200), "-1e-200 … -1e-200\nmean -1e-200, norm 4e-200"),
            (np.array([np.inf, -np.inf, np.nan, 0, 3, 4, 0]), "0 … 4\nmean 1.75, norm 5\nzeros: 2\nNaN: 1\n∞: 2"),
            (np.full(100, 60000, np.float16), "6e+04 … 6e+04\nmean 6e+04, norm 6e+05"),
            (np.full(10, 1e300), "1e+300 … 1e+300\nmean 1e+300, norm 3.162e+300"),
        ],
    )
    def test_all_kinds(self, value, text):
        assert summary(value) == text

    def test_the_norm_of_a_number_is_its_size(self):
        assert norm(np.float64(-3.0)) == 3.0

    def test_in_japanese(self):
        assert summary(np.arange(7), "ja") == "0 … 6\n平均 3, ノルム 9.539\n0 の個数: 1"


class TestFull:
    def test_values_and_gradients(self):
        x = leaf([1, 2, 3], "x")
        text = to_dot((x * x).sum(), values="full")
        assert 'x0 -> op1 [label=" (3,)\n[1, 2, 3] "]' in text
        assert 'op1 -> op2 [label=" (3,)\n[1, 4, 9] "]' in text
        assert 'op1 -> op2 [label=" (3,)\n[1, 1, 1] " color="#d62728"' in text

    def test_what_the_graph_does_not_hold_is_computed_again(self):
        x, y = leaf(np.arange(1000.0), "x"), leaf(np.ones(1000), "y")
        text = to_dot((x + y).sum(), values="full", gradients=False)
        assert "1 … 1000\nmean 500.5" in text

    def test_what_cannot_be_is_told_by_shape(self):
        def output():
            return (leaf(np.ones(1000)) + leaf(np.ones(1000))).sum()

        assert 'x0 -> op2 [label=" (1000,) "]' in to_dot(output(), values="full", gradients=False)

    def test_nan_and_infinity_are_flagged(self):
        x = leaf(np.linspace(-1, 1, 21), "x")
        with np.errstate(all="ignore"):
            y = np.log(x).sum()
        text = to_dot(y, values="full")
        assert "NaN: 10\n∞: 1" in text
        assert re.search(r"∞: 1 \" color", text)

    def test_constants_are_written_as_the_other_arrays(self):
        y = (leaf(np.ones((2, 3)), "a") * np.array([[0, 0, 1.0], [1, 0, 0]])).sum()
        assert 'label="(2, 3)\n[0, 0, 1]\n[1, 0, 0]"' in to_dot(y, values="full")
        assert 'label="float64 (2, 3)"' in to_dot(y, style="ops")
        assert 'label="(2, 3)"' in to_dot(y, values=None, shapes=False)

    def test_names_of_results_stand_above_their_values(self):
        x, y = leaf(2, "x"), leaf(3, "y")
        h = x * y
        h.name = "apples"
        z = np.exp(h) + h
        z.name = "out"
        for target in ("op3", "op4"):
            assert f'op2 -> {target} [label=" apples\n6 "]' in to_dot(z)
            assert f'op2 -> {target} [label=" リンゴの個数\n6 "]' in to_dot(z, lang="ja")
            assert f'op2 -> {target} [label=" 6 "]' in to_dot(z, names=False)
            assert f'op2 -> {target} [label=" apples "]' in to_dot(z, values=None)
        assert 'op4 -> out [label=" 409.429 "]' in to_dot(z)

    def test_without_shapes(self):
        x = leaf([1, 2], "x")
        assert 'label=" [1, 2] "' in to_dot(x.sum(), values="full", shapes=False)
        assert "\tx0 -> op1\n" in to_dot(x.sum(), shapes=False)

    def test_after_backward(self):
        x = leaf([1, 2], "x")
        y = (x * 3).sum()
        y.backward()
        assert 'x0_grad -> x0 [label=" (2,)\n[3, 3] "' in to_dot(y, values="full")


class TestSymbols:
    def test_the_chain_rule(self):
        assert lines(chain_rule(), values="symbols", constants="inside") == [
            "x0 -> op2 x", "x0 <- op2 ∂z/∂z·∂z/∂t·∂t/∂x = 2t", "x1 -> op2 y", "x1 <- op2 ∂z/∂z·∂z/∂t·∂t/∂y = 2t",
            "op2 -> op3 t = x + y", "op2 <- op3 ∂z/∂z·∂z/∂t = 2t", "op3 -> out z = t²", "op3 <- out ∂z/∂z = 1",
        ]  # fmt: skip

    def test_a_sum_of_products(self):
        found = lines(sum_of_products(), values="symbols", constants="inside")
        gradients = [line.partition(" = ")[2] for line in found if "<-" in line]
        assert gradients == ["2", "3·t3", "4·t2", "t3", "t2", "1", "1", "1"]
        assert "x0 <- op1 ∂L/∂L·∂L/∂t1·∂t1/∂x = 2" in found

    @pytest.mark.parametrize(
        ("f", "forward", "back"),
        [
            (lambda x, y: x + y, "z = x + y", ["1", "1"]),
            (lambda x, y: x - y, "z = x − y", ["1", "−1"]),
            (lambda x, y: x * y, "z = x·y", ["y", "x"]),
            (lambda x, y: x / y, "z = x / y", ["1 / y", "−z / y"]),
            (lambda x, _: x**3, "z = x³", ["3x²"]),
            (lambda x, _: x**0.5, "z = x^0.5", ["0.5x^(−0.5)"]),
            (lambda x, _: x**1, "z = x^1", ["1"]),
            (lambda x, _: x**-1, "z = x^(−1)", ["−x^(−2)"]),
            (lambda x, y: x**y, "z = x^y", ["y·x^(y − 1)", "z·log(x)"]),
            (lambda x, _: leaf(2, "width") ** 3, "z = width³", ["3·width²"]),
            (lambda x, _: x * -2, "z = x·(−2)", ["−2"]),
            (lambda x, _: -x, "z = −x", ["−1"]),
            (lambda x, _: np.exp(x), "z = exp(x)", ["z"]),
            (lambda x, _: np.log(x), "z = log(x)", ["1 / x"]),
            (lambda x, _: relu(x), "z = relu(x)", ["[x > 0]"]),
            (lambda x, _: sigmoid(x), "z = sigmoid(x)", ["z·(1 − z)"]),
            (lambda x, _: x * x, "z = x·x", ["x", "x"]),
            (lambda x, _: np.sinc(x), "z = sinc(x)", [""]),
        ],
    )
    def test_single_nodes(self, f, forward, back):
        found = lines(f(leaf(2, "x"), leaf(3, "y")), values="symbols", constants="inside")
        assert found[-2].endswith(forward)
        assert [line.partition(" = ")[2] for line in found[:-1] if "<-" in line] == back

    def test_an_array_is_a_part_of_something_larger(self):
        found = lines(leaf([1, 2], "x") * leaf([3, 4], "y"), values="symbols")
        assert found[1::2] == [
            "x0 <- op2 ∂L/∂z·∂z/∂x = ∂L/∂z ⊙ y", "x1 <- op2 ∂L/∂z·∂z/∂y = ∂L/∂z ⊙ x", "op2 <- out ∂L/∂z",
        ]  # fmt: skip

    def test_affine_with_shapes(self):
        y = np.dot(leaf(np.ones((5, 2)), "X"), leaf(np.ones((2, 3)), "W")) + leaf(np.ones(3), "B")
        y.name = "Y"
        text = to_dot(y, values="symbols", shapes=True)
        for label in ("X\n(5, 2)", "W\n(2, 3)", "t = X·W\n(5, 3)", "B\n(3,)", "Y = t + B\n(5, 3)"):
            assert f'label=" {label} "' in text
        for gradient in ("∂L/∂Y·Wᵀ", "Xᵀ·∂L/∂Y", "Σ ∂L/∂Y"):
            assert f" = {gradient} " in text

    @pytest.mark.parametrize(("f", "slope"), [(np.cos, "−y·sin(x)"), (np.reciprocal, "−y·z²")])
    def test_the_sign_of_a_factor_is_that_of_the_product(self, f, slope):
        z = f(leaf(2, "x"))
        z.name = "z"
        assert lines(z * leaf(3, "y"), values="symbols")[1].endswith(f" = {slope}")

    def test_a_name_that_reads_as_a_sum_is_one_factor(self):
        found = lines(leaf(2, "a + b") * leaf(3, "y"), values="symbols")
        assert found[-2] == "op2 -> out z = (a + b)·y"
        assert found[3].endswith(" = (a + b)")

    def test_branches_are_added(self):
        x = leaf(2, "x")
        t = x * 3
        t.name = "t"
        found = lines(t * t + t, values="symbols")
        assert found[1] == "x0 <- op1 ∂z/∂t·∂t/∂x = 3·(1 + t + t)"

    def test_long_products_are_cut(self):
        y = x = leaf(1, "x")
        for _ in range(200):
            y = np.sin(y) * x
        assert max(map(len, lines(y, values="symbols", maximum=None))) < 120

    def test_names_that_are_taken_and_names_that_are_long(self):
        x, t, long = leaf(1), leaf(2, "t1"), leaf(3, "a name that is too long for a symbol")
        found = to_dot((x * t) * long + 1, values="symbols")
        assert 'label=" t2 = x·t1 "' in found
        assert 'label=" t3 = t2·y "' in found
        assert "z = t3 + 1" in found
        assert 'label="a name that is too long for a symbol"' in found

    def test_what_requires_no_gradient_has_none(self):
        found = lines(leaf(1, "x") * Tensor(2.0, name="c"), values="symbols")
        assert found == ["x0 -> op2 x", "x0 <- op2 ∂z/∂z·∂z/∂x = c", "x1 -> op2 c", "op2 -> out z = x·c", "op2 <- out ∂z/∂z = 1"]  # fmt: skip # noqa: E501

    def test_in_japanese(self):
        assert "x0 -> op2 リンゴの値段" in lines(leaf(100, "apple price") * leaf(2, "tax"), values="symbols", lang="ja")


def test_constants_of_functions_with_many_operands():
    assert with_constants("where", 3, {0: "(2,)", 2: "0"}) == "where\n((2,), ·, 0)"
    assert with_constants("+", 3, {1: "2"}) == "+\n(·, 2, ·)"
    assert with_constants("+", 2, {0: "1", 1: "2"}) == "+\n(1, 2)"

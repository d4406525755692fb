"""Formulas in pictures: as they are read, with the usual rules of arithmetic, they are the values and gradients."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaves import leaf
from own_ops import tripling

from autograd_dl import functional, scope
from autograd_dl.engine import Leaf
from visualize import to_dot
from visualize.algebra import matrix_product, product, summed, total
from visualize.graph import ordered
from visualize.labels import Numbers
from visualize.symbols import Symbols
from visualize.text import symbol


class Number:
    """A number or matrix of which a·b is the product of numbers or matrices, and a * b goes element by element."""

    def __init__(self, value):
        self.value = np.asarray(value)

    T = property(lambda a: Number(a.value.T))

    def __matmul__(self, other):
        return Number(np.dot(self.value, number(other)))

    def __rmatmul__(self, other):
        return Number(np.dot(other, self.value))

    def __add__(self, other):
        return Number(self.value + number(other))

    __radd__ = __add__

    def __sub__(self, other):
        return Number(self.value - number(other))

    def __rsub__(self, other):
        return Number(other - self.value)

    def __mul__(self, other):
        return Number(self.value * number(other))

    def __rmul__(self, other):
        return Number(other * self.value)

    def __truediv__(self, other):
        return Number(self.value / number(other))

    def __rtruediv__(self, other):
        return Number(other / self.value)

    def __pow__(self, other):
        return Number(self.value ** number(other))

    def __rpow__(self, other):
        return Number(other**self.value)

    def __neg__(self):
        return Number(-self.value)

    def __abs__(self):
        return Number(abs(self.value))

    def __gt__(self, other):
        return Number(1.0 * (self.value > number(other)))


def number(value):
    return value.value if isinstance(value, Number) else value


FUNCTIONS = {
    name: lambda x, f=f: Number(f(number(x)))
    for name, f in {
        "exp": np.exp, "log": np.log, "log2": np.log2, "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "sqrt": np.sqrt,
        "sign": np.sign, "relu": functional.relu, "sigmoid": functional.sigmoid, "softplus": functional.softplus,
        "sum": np.sum, "mean": np.mean, "reciprocal": np.reciprocal,
    }.items()
}  # fmt: skip


def read(formula, known):
    """What a formula says, read by Python: of its signs only their shapes are replaced."""
    text = formula.replace("−", "-").replace("²", "**2").replace("³", "**3").replace("^", "**").replace("ᵀ", ".T")
    text = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)(?=[a-z])", r"\1*", text)  # 2x
    text = re.sub(r"√(\w+)", r"sqrt(\1)", text)
    text = re.sub(r"\|(\w+)\|", r"abs(\1)", text)
    text = re.sub(r"\[([^]]*)\]", r"(\1)", text)
    text = re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)·|·(?=\d)", r"\1*", text)
    return number(eval(text.replace("·", "@").replace("⊙", "*"), {}, known | FUNCTIONS))


def check(output):
    """Every formula of the picture gives what it stands for. Returns how many gradients had one."""
    nodes = ordered([output.node])
    symbols = Symbols(output, nodes, False, None)
    known = {}
    for node in nodes:
        name = symbols.names[node]
        if isinstance(node, Leaf):
            known[name] = Number(node.value)
        else:
            _, _, formula = symbols.value(node, node.value).partition(" = ")
            known[name] = Number(read(formula, known))
            np.testing.assert_allclose(known[name].value, node.value)
    found = symbols.gradients(output, nodes).edges
    right, count = Numbers().gradients(output, nodes).edges, 0
    for edge, gradient in found.items():
        if gradient.result and "∂" not in gradient.result:
            text, sums = gradient.result, gradient.result.startswith(("Σ", "−Σ"))
            value = read(text.replace("Σ ", ""), known)
            if sums:
                value = np.broadcast_to(value, edge[0].value.shape).sum()
            np.testing.assert_allclose(
                np.broadcast_to(value, right[edge].shape), right[edge], rtol=1e-9, atol=1e-12, err_msg=text
            )
            count += 1
    return count


UNARY = [
    lambda x: -x, lambda x: x**2, lambda x: x**3, lambda x: x**-1, lambda x: x**-2, lambda x: x**0.5, lambda x: x**1,
    np.exp, np.log, np.log2, np.sin, np.cos, np.tanh, np.sqrt, np.abs, functional.relu, functional.sigmoid,
    functional.softplus, np.reciprocal, lambda x: 1 - x, lambda x: x * -2, lambda x: 2**x, lambda x: x / 3,
    lambda x: 4 / x, lambda x: x + 1,
]  # fmt: skip
BINARY = [np.add, np.subtract, np.multiply, np.divide, np.maximum]


@st.composite
def scalar_programs(draw):
    values = [leaf(0.7, "x"), leaf(1.3, "y")]
    for _ in range(draw(st.integers(1, 5))):
        f = draw(st.sampled_from(UNARY + BINARY))
        last = values[-1] if len(values) > 2 else draw(st.sampled_from(values))
        new = f(last) if f in UNARY else f(*draw(st.permutations([last, draw(st.sampled_from(values))])))
        if not 1e-3 < abs(float(new)) < 1e3 or new.node is None:
            break
        values.append(new if float(new) > 0 else -new)
    return values[-1]


@given(scalar_programs())
def test_formulas_of_numbers(output):
    if not output.is_leaf and "maximum" not in to_dot(output):
        check(output)


A, B, C = (leaf(np.random.default_rng(i).uniform(0.5, 1.5, (3, 3)), name) for i, name in enumerate("ABC"))
s = leaf(0.8, "s")


@pytest.mark.parametrize(
    ("f", "gradients"),
    [
        (lambda: np.sum(np.dot(A * B, C) * B), 7),
        (lambda: np.sum(functional.relu(np.dot(A, B)) * C), 5),
        (lambda: np.sum(np.dot(functional.relu(np.dot(A, B) - 2), C) * B), 6),
        (lambda: np.sum(functional.sigmoid(A) * B / C), 6),
        (lambda: np.sum(-(A - B) * s), 5),
        (lambda: np.mean(np.dot(A, s) * C), 5),
        (lambda: np.sum(s * (A @ B) * C), 6),
        (lambda: np.mean(np.exp(-A) / (1 + B)), 5),
        (lambda: np.sum(np.log(A) ** 2 * B), 5),
    ],
)
def test_formulas_of_matrices(f, gradients):
    assert check(f()) >= gradients - 1


def formulas_of(output):
    return re.findall(r'label=" ([^"∂]* = [^"]*) "', to_dot(output, values="symbols"))


def gradients_of(output, **options):
    text = to_dot(output, values="symbols", **options)
    return re.findall(r'label=" (∂[^"]*) " color', text)


def test_a_product_of_vectors_sums_nothing():
    u, v = leaf([1, 2], "u"), leaf([3, 4], "v")
    assert gradients_of(np.dot(u, v))[:2] == ["∂z/∂z·∂z/∂u = v", "∂z/∂z·∂z/∂v = u"]
    assert gradients_of(u @ A[:2, :2] @ u)[-3:-1] == ["∂z/∂z·∂z/∂t2 = u", "∂z/∂z·∂z/∂u = t2"]


def test_a_number_that_multiplies_a_matrix_gets_a_sum():
    assert gradients_of(np.sum(np.dot(A, s)))[1].endswith(" = Σ A")


def test_stacks_of_matrices_have_no_formula():
    x, w = leaf(np.ones((2, 3, 3)), "x"), leaf(np.ones((3, 3)), "w")
    assert [g for g in gradients_of(np.sum(x @ w)) if "∂w" in g] == ["∂z/∂z·∂z/∂t·∂t/∂w"]


def test_gradients_into_a_folded_scope_are_added_apart():
    x = leaf(2, "x")
    with scope("f"):
        q = x * x + x
    assert gradients_of(q * 3, depth=1)[0] == ("∂z/∂t1·∂t1/∂x + ∂z/∂t1·∂t1/∂x + ∂z/∂z·∂z/∂t2·∂t2/∂x = 3·x + 3·x + 3")


def test_products_and_sums_of_more_than_three_and_long_results_are_cut():
    y = x = leaf(1, "x")
    for _ in range(6):
        y = np.sin(y)
    assert gradients_of(y) == [
        "∂z/∂t2·∂t2/∂t1·∂t1/∂x",
        "∂z/∂t2·∂t2/∂t1 = cos(t5)·cos(t4)·cos(t3)·cos(t2)·cos(t1)",
        "∂z/∂t4·∂t4/∂t3·∂t3/∂t2 = cos(t5)·cos(t4)·cos(t3)·cos(t2)",
        "∂z/∂t4·∂t4/∂t3 = cos(t5)·cos(t4)·cos(t3)",
        "∂z/∂z·∂z/∂t5·∂t5/∂t4 = cos(t5)·cos(t4)",
        "∂z/∂z·∂z/∂t5 = cos(t5)",
        "∂z/∂z = 1",
    ]
    with scope("f"):
        q = x + x + x + x
    products = "∂z/∂t2·∂t2/∂t1·∂t1/∂x + ∂z/∂t2·∂t2/∂t1·∂t1/∂x + ∂z/∂t2·∂t2/∂x + …"
    assert gradients_of(q * 3, depth=1)[0] == f"{products} = 3 + 3 + 3 + 3"
    assert formulas_of(np.stack([leaf(i, c) for i, c in enumerate("abcd")]))[-1] == "z = concatenate(t1, t2, t3, …)"


def test_of_a_sum_in_which_one_has_no_formula_none_is_known():
    t = leaf(1, "x") * 2
    t.name = "t"
    assert gradients_of(t * t + np.sinc(t))[0] == "∂z/∂t·∂t/∂x = 2·∂z/∂t"


def test_a_mean_is_of_the_numbers_that_it_is_of():
    assert gradients_of(np.mean(leaf(np.ones((2, 3)), "x"), axis=0))[0] == "∂L/∂z·∂z/∂x = ∂L/∂z / 2"


def test_what_a_number_multiplies_goes_by_no_elements():
    assert gradients_of(A * s)[:2] == ["∂L/∂z·∂z/∂A = ∂L/∂z·s", "∂L/∂z·∂z/∂s = Σ ∂L/∂z ⊙ A"]


def test_what_has_no_name_has_a_symbol():
    x, *others = (leaf(i, None) for i in range(6))
    assert formulas_of(sum(others, start=x))[-1] == "z = t4 + x1"
    assert "label=u " in to_dot(sum(others, start=x), values="symbols")
    assert formulas_of(leaf(1, "z") * leaf(2, None)) == ["L = z·x"]
    long = leaf(1, "z") * leaf(2, "L") * leaf(3, 20 * "n") * leaf(4, "a\nb")
    assert formulas_of(long) == ["t1 = z·L", f"t2 = t1·{20 * 'n'}", "z1 = t2·x"]
    known = leaf(1, "x") * 2
    known.name = "known"
    assert formulas_of(np.exp(known) * 3) == ["known = x·2", "t = exp(known)", "z = t·3"]


def test_a_number_has_no_shape():
    assert 'label=" x "' in to_dot(leaf(1, "x") * 2, values="symbols", shapes=True)


def test_a_leaf_alone_has_no_gradient():
    assert gradients_of(leaf(1, "x")) == []


@pytest.mark.parametrize("name", ["power", "dot", "maximum", "divide", "sin", "add"])
def test_an_op_of_the_users_has_no_formula_of_another_of_that_name(name):
    op = tripling(name)
    assert formulas_of(op(s)) == [f"z = {symbol(name, [], {})}(s)"]
    assert gradients_of(op(s)) == ["∂z/∂z·∂z/∂s", "∂z/∂z = 1"]


def test_names_that_read_as_formulas_are_bracketed():
    x, y = leaf(2, "a+b"), leaf(3, "c-d")
    assert gradients_of(x * y) == [
        "∂z/∂z·∂z/∂(a+b) = (c-d)", "∂z/∂z·∂z/∂(c-d) = (a+b)", "∂z/∂z = 1",
    ]  # fmt: skip
    assert " z = (a+b)·(c-d) " in to_dot(x * y, values="symbols")


def test_algebra():
    assert product("1", "−1") == "−1"
    assert product("−a", "−1") == "a"
    assert product("−1 + a", "b") == "(−1 + a)·b"
    assert product("a − b", "−1") == "−(a − b)"
    assert product("a / b", "1 / c") == "(a / b) / c"
    assert product("1 / a − b", "2·c") == "2·c·(1 / a − b)"
    assert product("Σ a", "b") == "(Σ a)·b"
    assert product("z", "1 − z") == "z·(1 − z)"
    assert product("a", "(−2)") == "−2·a"
    assert product("2", "3·x") == "2·3·x"
    assert product("x", "2 ⊙ y", " ⊙ ") == "2 ⊙ y ⊙ x"
    assert product("−a − b", "c") == "(−a − b)·c"
    assert product("−a / b", "c") == "−(a / b)·c"
    assert matrix_product("a + b", "Cᵀ") == "(a + b)·Cᵀ"
    assert total(["−a", "−b"]) == "−a − b"
    assert summed("a / b") == "Σ a / b"
    assert summed("a − b") == "Σ (a − b)"


def test_brackets_stand_where_they_are_needed_alone():
    assert product("a", "b·c") == "a·b·c"
    assert product("a·b", "1 / c") == "a·b / c"
    assert product("a ⊙ b", "1 / c") == "a ⊙ b / c"
    assert product("a", "[b + c > 0]") == "a·[b + c > 0]"
    assert matrix_product("A·B", "C·D") == "A·B·C·D"
    assert summed("Σ a") == "Σ Σ a"


def test_a_number_that_stands_for_a_matrix_has_a_name_in_a_product():
    t = leaf(np.ones((3, 2)), "t")
    assert gradients_of(np.sum(np.dot(A, t)))[:2] == [
        "∂z/∂z·∂z/∂t1·∂t1/∂A = ∂z/∂t1·tᵀ",
        "∂z/∂z·∂z/∂t1·∂t1/∂t = Aᵀ·∂z/∂t1",
    ]

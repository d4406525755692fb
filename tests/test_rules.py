"""Ops that a user adds: the forms of `defvjp`, what a wrong rule says, and how a primitive is called."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, grad, gradients, no_grad
from autograd_dl.errors import RuleError, ShapeError, UnsupportedError
from autograd_dl.ops import defvjp, primitive
from autograd_dl.table import TABLE, Op, Outline


@pytest.fixture(autouse=True)
def table():
    """The table as it was, after the test."""
    before = {fun: (op, dict(vars(op))) if isinstance(op, Op) else (op, None) for fun, op in TABLE.items()}
    yield
    TABLE.clear()
    for fun, (op, state) in before.items():
        TABLE[fun] = op
        if state is not None:
            vars(op).update(state)
            op.forget()


def op_of(fun, *rules, **form):
    op = primitive(fun)
    defvjp(op, *rules, **form)
    return op


def double(x):
    return x * 2.0


# -- the three forms


def test_one_rule_per_argument():
    scale = op_of(lambda x, y: x * y, lambda g, _ans, _x, y: g * y, lambda g, _ans, x, _y: g * x)
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    np.sum(scale(x, y)).backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([3, 4], [1, 2])


def test_one_rule_told_the_number():
    total = op_of(lambda *xs: sum(xs), each=lambda i, g, _ans, *_xs: g * (i + 1))
    xs = [leaf([1.0]) for _ in range(3)]
    total(*xs).backward()
    assert [x.grad.item() for x in xs] == [1, 2, 3]
    total(xs[0], 1.0, xs[2]).backward()
    assert [x.grad.item() for x in xs] == [2, 2, 6]


def test_one_rule_for_all():
    calls = []

    def both(g, _ans, x, y):
        calls.append(1)
        return g * y, g * x

    scale = op_of(lambda x, y: x * y, joint=both)
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    np.sum(scale(x, y)).backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([3, 4], [1, 2])
    assert len(calls) == 1


def test_none_where_there_is_no_derivative():
    def slope(g, _ans, x, n):
        return g * n * x ** (n - 1)

    power = op_of(lambda x, n: x**n, slope, None)
    x, n = leaf([2.0]), leaf([3.0], dtype=np.float32)
    power(x, 3).backward()
    assert x.grad.item() == 12
    with pytest.raises(RuleError, match=r"its argument 1 \(its rule is None\); pass .*t\.detach\(\)") as caught:
        power(x, n)
    assert power(x, n.detach()).requires_grad
    defvjp(power, slope, eval(str(caught.value).partition("give the rule ")[2]))  # what it says is right
    power(x, n).backward()
    assert (n.grad.item(), n.grad.dtype) == (0, np.float32)


def test_a_name_is_no_function():
    with pytest.raises(RuleError, match=r"takes a function, .* and its rules, not 'tanh'"):
        defvjp("tanh", lambda g, _ans, _x: g)


def test_a_primitive_without_any_rule():
    op = primitive(double)
    assert op(np.ones(2)).tolist() == [2, 2]
    assert op(Tensor([1.0])).tolist() == [2]
    with no_grad():
        assert op(leaf([1.0])).tolist() == [2]
    with pytest.raises(RuleError, match="double has no derivative with respect to its argument 0"):
        op(leaf([1.0]))


def test_a_rule_may_be_replaced():
    op = op_of(double, lambda g, _ans, _x: g * 2)
    x = leaf([1.0])
    op(x).backward()
    defvjp(op, lambda g, _ans, _x: g * 100)
    op(x).backward()
    assert x.grad.item() == 102


def test_a_rule_for_a_function_of_numpys():
    defvjp(np.exp, lambda g, _ans, _x: g * 0 + 7)
    x = leaf([1.0, 2.0])
    np.sum(np.exp(x)).backward()
    assert x.grad.tolist() == [7, 7]


def test_a_ufunc_of_another_library():
    special = pytest.importorskip("scipy.special")
    defvjp(special.expit, lambda g, ans, _x: g * ans * (1 - ans))
    x = leaf([0.0])
    special.expit(x).backward()
    assert x.grad.tolist() == [0.25]


def test_parameters_that_begin_with_an_underscore_are_not_kept():
    seen = []

    def rule(g, _ans, _x, y):
        seen.extend([type(_x), type(y), _x.shape, _x.dtype, _x.ndim, _x.size])
        return g * y

    op = op_of(lambda x, y: x * y, rule, None)
    op(leaf(np.ones(1000)), np.ones(1000)).backward(np.ones(1000))
    assert seen == [Outline, np.ndarray, (1000,), np.float64, 1, 1000]


@pytest.mark.parametrize("rule", [
    lambda g, _ans, _x: 2 * g * _x,
    lambda g, _ans, _x: _x * (2 * g),
    lambda g, _ans, _x: g * np.exp(_x),
    lambda g, _ans, _x: np.dot(g, _x),
    lambda g, _ans, _x: np.where(_x > 0, g, 0),
    lambda g, _ans, _x: g * (_x == 0),
    lambda g, _ans, _x: g * _x[...],
    lambda g, _ans, _x: g * float(_x),
    lambda g, _ans, _x: g * _x.astype(float),
    lambda g, _ans, _x: g * _ans,
])  # fmt: skip
def test_a_rule_that_uses_what_it_did_not_keep_is_told_so(rule):
    square = op_of(lambda x: x * x, rule)
    small, large = leaf(3.0), leaf(np.ones(1000))
    for differentiate in (lambda: gradients(square(small), small, create_graph=True), square(large).sum().backward):
        with pytest.raises((RuleError, AttributeError), match=r"_ is not kept, .*; drop the underscore") as caught:
            differentiate()
        assert "on the way back through" in caught.value.__notes__[0]


def test_saved_values_are_for_arrays_and_computed_again_on_tensors():
    seen = []
    cube = primitive(saved=lambda x: x * x)(lambda x: (x * x * x, x * x))

    def rule(g, _ans, _x, square):
        seen.append(type(square))
        return g * 3 * square

    defvjp(cube, rule)
    assert cube(np.array([2.0])).tolist() == [8]
    x = leaf([2.0])
    cube(x).backward()
    (g,) = gradients(cube(x), x, create_graph=True)
    assert gradients(g, x)[0].item() == 12
    assert x.grad.item() == 12
    assert seen == [np.ndarray, Tensor]


def test_broadcasting_is_undone_by_the_engine_where_declared():
    add = primitive(broadcasts=True)(lambda x, y: x + y)
    defvjp(add, lambda g, _ans, _x, _y: g, lambda g, _ans, _x, _y: g)
    x, y = leaf(np.ones((2, 3))), leaf(np.ones((3,)))
    np.sum(add(x, y)).backward()
    assert y.grad.tolist() == [2, 2, 2]
    strict = op_of(lambda x, y: x + y, lambda g, _ans, _x, _y: g, lambda g, _ans, _x, _y: g)
    with pytest.raises(RuleError, match=r"must return a gradient of the argument's shape \(3,\); it returned shape"):
        np.sum(strict(x, y)).backward()


def test_a_gradient_that_no_broadcasting_explains_is_refused():
    wrong = primitive(broadcasts=True)(double)
    defvjp(wrong, lambda _g, _ans, _x: np.ones(3))
    with pytest.raises(RuleError, match=r"the argument's shape \(2,\); it returned shape \(3,\)"):
        np.sum(wrong(leaf([1.0, 2.0]))).backward()


# -- keywords


def test_a_keyword_without_a_default_is_no_argument_for_a_rule():
    @primitive
    def scaled(x, *, by):
        return x * by

    defvjp(scaled, lambda g, _ans, _x, *, by: g * by)
    assert grad(lambda x: scaled(x, by=3.0))(2.0) == 3


def test_only_the_rules_that_a_gradient_needs_are_called():
    @primitive
    def product(x, y):
        return x * y

    def refused(_g, _ans, _x, _y):
        raise AssertionError

    defvjp(product, lambda g, _ans, _x, y: g * y, refused)
    x, y = Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    assert gradients(product(x, y), x)[0].item() == 3


def test_keywords_of_a_primitive():
    op = op_of(lambda x, factor=2.0: x * factor, lambda g, _ans, _x, factor=2.0: g * factor)
    x = leaf([1.0])
    (op(x) + op(x, factor=3.0) + op(x, 4.0) + op(factor=5.0, x=x)).backward()
    assert x.grad.item() == 14
    with pytest.raises(TypeError):
        op(x, unknown=1)
    with pytest.raises(TypeError):
        op()
    with pytest.raises(UnsupportedError, match="the argument 'factor' takes no Tensor"):
        op(x, factor=Tensor(2.0))


def test_a_keyword_that_the_rule_does_not_know():
    op = op_of(lambda x, factor=2.0: x * factor, lambda g, _ans, _x: g * 2)
    assert op(leaf([1.0])).requires_grad
    with pytest.raises(UnsupportedError, match=r"the keyword factor is not supported \(known here: none\)"):
        op(leaf([1.0]), factor=3.0)
    assert op(Tensor([1.0]), factor=3.0).tolist() == [3]


# -- rules that are wrong


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, "it returned NoneType"),
        (1.0, "it returned float"),
        ([1.0, 1.0], "it returned list"),
        ("text", "it returned str"),
        (np.ones(3), r"it returned shape \(3,\)"),
        (np.ones((1, 2)), r"it returned shape \(1, 2\)"),
        (np.ones(2) * 1j, "it returned complex128"),
        (np.array(["a", "b"]), "it returned .U1"),
    ],
    ids=str,
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_what_cannot_be_a_gradient(returned, message, create_graph):
    op = op_of(double, lambda g, _ans, _x: returned)
    x = leaf([1.0, 2.0])
    with pytest.raises(RuleError, match=rf"the rule of double for argument 0 must return .*{message}"):
        op(x).backward([1.0, 1.0], create_graph=create_graph)
    assert x.grad is None


@pytest.mark.parametrize(
    ("returned", "message"),
    [(None, "NoneType"), (np.ones(2), "ndarray"), ((np.ones(2),), "1"), ((), "0"), (3.0, "float")],
    ids=str,
)
def test_what_a_joint_rule_cannot_return(returned, message):
    op = op_of(lambda x, y: x * y, joint=lambda g, _ans, _x, _y: returned)
    with pytest.raises(RuleError, match=rf"the joint rule of .* a tuple .* returned {message}$"):
        op(leaf([1.0, 2.0]), leaf([1.0, 2.0])).backward([1.0, 1.0])


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, _ans, _x: g,
        lambda g, _ans, _x: g.astype(np.float32),
        lambda g, _ans, _x: np.array([1, 1]),
        lambda g, _ans, _x: np.array([True, True]),
        lambda g, _ans, _x: Tensor(g),
        lambda g, _ans, _x: leaf([1.0, 1.0]) * 1,
        lambda g, _ans, _x: np.ones((2, 2))[:, 0],
        lambda g, _ans, _x: np.broadcast_to(np.float64(1), 2),
    ],
)
def test_what_is_taken_as_a_gradient(rule):
    x = leaf([1.0, 2.0])
    op_of(double, rule)(x).backward([1.0, 1.0])
    assert x.grad.tolist() == [1, 1]
    assert x.grad.dtype == np.float64
    assert type(x.grad.data) is np.ndarray
    assert not x.grad.requires_grad
    assert x.grad.data.flags.writeable


def test_a_primitive_may_return_numbers_of_pythons():
    cube = op_of(lambda x: float(x) ** 3, lambda g, _ans, x: 3 * g * x * x)
    assert grad(cube)(2.0) == 12
    assert grad(grad(cube))(2.0) == 12
    size = op_of(lambda x: (math.hypot(*x), len(x), x), lambda g, ans, x: g[0] * x / ans[0] + g[2])
    x = leaf([3.0, 4.0])
    length, count, same = size(x)
    assert (length.dtype, count.dtype) == (np.float64, np.int_)
    (length * 5 + same.sum()).backward()
    np.testing.assert_allclose(x.grad, [4, 5])
    with no_grad():
        assert cube(x[0]).shape == ()


@pytest.mark.parametrize("result", [None, [1.0], "text", {"a": 1}], ids=str)
def test_what_a_primitive_cannot_return(result):
    op = op_of(lambda x: result, lambda g, _ans, _x: g)
    with pytest.raises(RuleError, match="must return an array, a number or a tuple of them; it returned"):
        op(leaf([1.0]))
    with pytest.raises(RuleError, match="a primitive must return"), no_grad():
        op(leaf([1.0]))


def test_a_primitive_that_reads_a_tensor_from_outside_is_told_so():
    w = leaf([2.0])
    op = op_of(lambda x: x * w, lambda g, _ans, _x: g * w)
    with pytest.raises(RuleError, match=r"returned Tensor: .* none of its arguments, .* pass that in .* t\.numpy\(\)"):
        op(leaf([1.0]))


def test_errors_inside_a_primitive_name_it():
    def fits(x, y):
        return x @ y

    op = op_of(fits, lambda g, _ans, x, y: g, lambda g, _ans, x, y: g)
    with pytest.raises(ShapeError, match=r"fits\(float64 \(2,\), float64 \(3,\)\): matmul"):
        op(leaf(np.ones(2)), leaf(np.ones(3)))


def test_errors_inside_a_rule_come_through():
    op = op_of(double, lambda g, _ans, x: x.no_such_method())
    with pytest.raises(AttributeError, match="no_such_method"):
        op(leaf([1.0])).backward()


def test_rules_that_return_arrays_where_tensors_came():
    op = op_of(double, lambda g, _ans, _x: np.full(2, 2.0))
    x = leaf([1.0, 2.0])
    for y in (x * x + op(x) + op(x), op(x) + x * x + op(x) + x * x, op(x) + op(x)):
        (g,) = gradients(np.sum(y), x, create_graph=True)
        plain = gradients(np.sum(y), x)[0]
        assert g.tolist() == plain.tolist()


# -- misuse of defvjp


@pytest.mark.parametrize(
    "form",
    [
        ((), {}),
        ((lambda g, _ans, _x: g,), {"each": lambda i, g, _ans, _x: g}),
        ((), {"each": lambda i, g, _ans, _x: g, "joint": lambda g, _ans, _x: (g,)}),
    ],
)
def test_more_than_one_form_or_none(form):
    rules, keywords = form
    with pytest.raises(RuleError, match=r"defvjp\(double\): give either one rule per argument, or each=, or joint="):
        defvjp(primitive(double), *rules, **keywords)


def test_a_function_that_is_no_op():
    with pytest.raises(RuleError, match=r"defvjp\(double\): this is no function of NumPy's; .* @primitive"):
        defvjp(double, lambda g, _ans, _x: g)


@pytest.mark.parametrize("count", [1, 3])
def test_too_few_or_too_many_rules(count):
    with pytest.raises(
        RuleError, match=f"it takes 2 arguments, and there are rules for {count}; give one for each, None"
    ):
        op_of(lambda x, y: x * y, *[lambda g, _ans, _x, y: g * y] * count)


def test_a_decorated_function_may_take_more_than_it_says():
    @functools.wraps(double)
    def scaled(x, by):
        return double(x) * by

    op = op_of(scaled, lambda g, _ans, _x, by: 2 * g * by, lambda g, _ans, x, _by: 2 * g * x)
    assert op(leaf(3.0), leaf(5.0)).item() == 30


@pytest.mark.parametrize("rule", [lambda g, x: g, lambda g: g, lambda g, ans, x, y: g])
def test_a_rule_of_too_few_or_too_many_parameters(rule):
    op = op_of(double, rule)
    with pytest.raises(RuleError, match=r"a rule of double is called with 3 arguments here \(g, ans, those"):
        op(leaf([1.0]))


def test_a_joint_rule_of_the_wrong_number_of_parameters():
    with pytest.raises(RuleError, match="it takes 2 arguments, and there are rules for 0"):
        op_of(lambda x, y: x * y, joint=lambda g, _ans: (g, g))
    with pytest.raises(RuleError, match="it takes 2 arguments, and there are rules for 3"):
        op_of(lambda x, y: x * y, joint=lambda g, _ans, _x, _y, _z: (g, g))


def test_the_gradient_of_integers_that_an_op_made_of_floats_is_not_rounded():
    quantize = primitive(lambda x: np.rint(x).astype(int))
    defvjp(quantize, lambda g, _ans, _x: g)
    x = Tensor([1.2, 2.7], requires_grad=True)
    y = quantize(x)
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    (np.sum(y * 0.9) + np.sum(y[:1] * 0.25)).backward()
    assert x.grad.tolist() == seen[0] == [1.15, 0.9]


def test_a_tensor_in_a_dict_is_refused_as_in_a_list():
    scale = primitive(lambda x, p: x * p["a"])
    defvjp(scale, lambda g, _ans, x, p: g * p["a"], None)
    with pytest.raises(UnsupportedError, match="would get no gradient"):
        scale(Tensor(1.0, requires_grad=True), {"a": Tensor(2.0)})


def test_a_primitive_that_returns_a_tensor_is_refused():
    w = Tensor(2.0, requires_grad=True)
    for own in (primitive(lambda x: x * w), primitive(lambda x: (x, x * w))):
        defvjp(own, lambda g, _ans, _x: g)
        with pytest.raises(RuleError, match="returned Tensor"):
            own(Tensor([1.0], requires_grad=True))


def test_an_error_in_a_rule_is_told_with_the_ops_name():
    @primitive
    def twice(x):
        return 2 * x

    defvjp(twice, lambda g, _ans, _x: g / (1 // 0))
    with pytest.raises(ZeroDivisionError) as raised:
        twice(Tensor(1.0, requires_grad=True)).backward()
    assert raised.value.__notes__ == ["(raised on the way back through twice)"]

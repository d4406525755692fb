"""Programs of ops: they run, are traced, cut to what is needed, and printed as Python that does the same."""

import operator
import re
import sys

import numpy as np
import pytest
from hypothesis import given

from autograd_dl import Tensor, detect_anomaly, no_grad
from autograd_dl.functional import softmax
from autograd_dl.ops import im2col, relu
from autograd_dl.testing import GradientError, Program, Result, Step, check_gradients
from autograd_dl.testing.programs import traced
from autograd_dl.testing.strategies import graphs
from autograd_dl.testing.verdicts import KinkError

X = np.array([[1.0, -2.0], [0.5, 3.0]])


def neg(x):
    """Has the name of a function of `operator`, and is imported from here."""
    return -x


def run(source):
    """The names that a program's source defines; its own check runs, too."""
    names = {}
    exec(source, names)
    return names


def square_of_sum():
    return Program([X], [Step(np.sum, (Result(0),), {"axis": 0}), Step(np.multiply, (Result(1), Result(1)))])


def test_a_program_is_a_function_of_its_inputs():
    program = square_of_sum()
    assert np.array_equal(program().numpy(), [2.25, 1.0])
    assert np.array_equal(program(Tensor(2 * X)).numpy(), [9.0, 4.0])
    assert repr(program) == "<program: sum, multiply>"


def test_its_source_is_python():
    assert (
        square_of_sum().source()
        == """\
import numpy as np

from autograd_dl.testing import check_gradients


def program(x0):
    x1 = np.sum(x0, axis=0)
    x2 = np.multiply(x1, x1)
    return x2


check_gradients(program, np.array([[1.0, -2.0], [0.5, 3.0]]))"""
    )


@pytest.mark.parametrize(("name", "head"), [("x", "(x):"), ("np", "(x0):"), ("x1", "(x0):")])
def test_inputs_have_their_names_unless_something_else_has(name, head):
    program = square_of_sum()
    program.names = [name]
    assert f"def program{head}\n" in program.source()
    run(program.source())


@given(graphs())
def test_the_source_of_any_program_computes_the_same(program):
    printed = run(program.source().rpartition("\n\n\n")[0])["program"]
    with no_grad():
        expected, found = program(), printed(*map(Tensor, program.inputs))
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


def everything(x, y):
    """Uses of arguments of many kinds, whose literals must be right."""
    a = np.concatenate([x, y * np.float32(2)], axis=-1)
    b = a[np.array([0, 0, 1]), ..., None][:, 1:3]
    c = np.where(b > 0, b, np.zeros((0, 1, 1)).sum())
    u, s, v = np.linalg.svd(softmax(x))
    images = im2col(np.reshape(y, (1, 1, 2, 2)), 1, 2, stride=(1, 2), pad=1)
    return np.sum(c) + s[0] + np.einsum("ij,ij->", u, v) + images.astype(np.float32).sum() + relu(x).max(axis=(0, 1))


def test_what_a_function_records_is_traced_with_all_kinds_of_arguments():
    program = traced(everything, [X, X + 0.1])
    assert isinstance(program, Program)
    again = run(program.source().rpartition("\n\n\n")[0])["program"]
    found, expected = again(*map(Tensor, program.inputs)), everything(Tensor(X), Tensor(X + 0.1))
    np.testing.assert_allclose(found.numpy(), expected.numpy())
    assert "[(np.array([0, 0, 1]), ..., None)]" in program.source()


def test_what_was_recorded_before_is_a_constant():
    scale = np.array([3.0, 4.0]) * Tensor([1.0, 2.0], requires_grad=True)
    program = traced(lambda x: x * scale, [np.ones(2)])
    assert program is not None
    assert program(Tensor([1.0, 1.0])).numpy().tolist() == [3.0, 8.0]


def test_functions_of_one_name_are_told_apart_and_numbers_need_numpy():
    def twin(x):
        return relu(x)

    twin.__name__ = "relu"
    steps = [
        Step(relu, (Result(0),)),
        Step(twin, (Result(1),)),
        Step(lambda x: x, (Result(2),)),
        Step(np.minimum, (Result(3), np.inf)),
        Step(np.maximum, (Result(4), np.array([-np.inf, np.nan]))),
    ]
    source = Program([X], steps).source()
    body = source.partition("return")[0]
    assert "x1 = relu(x0)" in body
    assert "x2 = relu_1(x1)" in body
    assert "# relu_1 is a function of yours" in body
    assert "x3 = fun(x2)" in body
    assert "np.minimum(x3, np.inf)" in body
    assert "np.array([-np.inf, np.nan])" in body
    compile(source, "program", "exec")


def test_each_function_is_imported_once_under_a_name_of_its_own():
    def twin(x):
        return x

    twin.__name__ = "neg"
    funs = [operator.neg, operator.neg, neg, twin]
    source = Program([X], [Step(fun, (Result(i),)) for i, fun in enumerate(funs)]).source()
    imports, _, body = source.partition("\n\n\n")
    assert imports.splitlines()[3:] == [
        "from _operator import neg",
        "from test_programs import neg as neg_1",
        f"# neg_2 is a function of yours: {__file__}:{twin.__code__.co_firstlineno}",
    ]
    assert "    x1 = neg(x0)\n    x2 = neg(x1)\n    x3 = neg_1(x2)\n    x4 = neg_2(x3)\n" in body


@pytest.mark.parametrize(
    "names", [["relu_1", "relu", "relu"], ["program"], ["x1", "x0", "np"], ["check_gradients"], ["in"]]
)
def test_no_function_is_called_as_anything_else(names):
    def named(name):
        def fun(x):
            return x

        fun.__name__ = name
        return fun

    source = Program([X], [Step(named(name), (Result(i),)) for i, name in enumerate(names)]).source()
    calls = re.findall(r"^    (\w+) = (\w+)\(", source, re.MULTILINE)
    found = [name for pair in calls for name in pair]
    assert len(found) == len(set(found)) == 2 * len(names)
    assert not {"np", "program", "check_gradients", "x0"} & set(found)


@pytest.mark.parametrize("module", [None, "__main__", "nowhere"])
def test_what_a_program_elsewhere_cannot_import_is_a_function_of_yours(module, monkeypatch):
    def mine(x):
        return x

    mine.__module__ = module
    monkeypatch.setattr(sys.modules["__main__"], "mine", mine, raising=False)
    source = Program([X], [Step(mine, (Result(0),))]).source()
    assert "# mine is a function of yours" in source
    assert "import mine" not in source


@pytest.mark.parametrize(
    "value",
    [
        np.array([0.1, 2], np.float32),
        np.float32(0.1),
        np.zeros((0, 2), np.int64),
        np.array([True]),
        np.array([3], np.int8),
    ],
)
def test_arrays_are_printed_with_their_dtypes(value):
    source = Program([value], [Step(np.negative, (Result(0),))]).source()
    printed = eval(source.rpartition("check_gradients(program, ")[2][:-1], {"np": np})
    np.testing.assert_array_equal(printed, value, strict=True)


def test_what_watches_for_anomalies_does_not_hide_the_steps():
    def f(x):
        with detect_anomaly():
            return np.exp(np.sin(x))

    assert [step.fun for step in traced(f, [X]).steps] == [np.sin, np.exp]


def test_what_is_not_recorded_has_no_program():
    assert traced(lambda x: x.detach(), [X]) is None
    assert traced(lambda x: 1 / 0, [X]) is None


def test_steps_and_inputs_that_do_not_count_are_left_out():
    steps = [
        Step(np.exp, (Result(0),)),
        Step(np.sin, (Result(1),)),
        Step(np.stack, ([Result(3), Result(3)],)),
    ]
    program = Program([X, X + 1], steps).needed()
    assert [step.fun for step in program.steps] == [np.sin, np.stack]
    np.testing.assert_array_equal(program.inputs, [X + 1])
    np.testing.assert_array_equal(program().numpy(), np.sin([X + 1, X + 1]))


@given(graphs())
def test_cutting_changes_no_output(program):
    with no_grad():
        np.testing.assert_array_equal(program.needed()().numpy(), program().numpy())


def test_a_program_passes_and_fails_like_any_function():
    check_gradients(square_of_sum(), X)
    wrong = Program([X], [Step(operator.mul, (Result(0), Result(0))), Step(Tensor.detach, (Result(1),))])
    with pytest.raises(GradientError):
        check_gradients(wrong, X)
    with pytest.raises(KinkError):
        check_gradients(Program([X], [Step(np.abs, (Result(0),))]), 0 * X)

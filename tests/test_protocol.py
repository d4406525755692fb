"""What Python and NumPy ask of a value: numbers, text, iteration, comparison, hashing, operators, conversion."""

from __future__ import annotations

import math
import operator
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, grad, no_grad, tensor
from autograd_dl.errors import DTypeError, GradientLostWarning


def kinds(value):
    """The same values as a constant, a leaf, a recorded Tensor, and a result under no_grad."""
    t = leaf(value)
    with no_grad():
        unrecorded = t * 1
    return Tensor(np.array(value, dtype=float)), t, t * 1, unrecorded


# -- as a number


def test_conversion_to_python_numbers():
    for t in kinds(2.75):
        assert (float(t), int(t), bool(t)) == (2.75, 2, True)
        assert type(float(t)) is float
        assert type(int(t)) is int
        assert round(t, 1).item() == 2.8
        assert (round(t), type(round(t))) == (3, int)
        assert (math.trunc(t), type(math.trunc(t))) == (2, int)
        assert math.sqrt(t) == math.sqrt(2.75)
        assert math.floor(t) == 2
    assert not leaf(0.0)
    assert complex(leaf(2.0)) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # earlier versions of NumPy 2 convert, and warn
@pytest.mark.parametrize("convert", [float, int, bool])
@pytest.mark.parametrize("shape", [(1,), (1, 1), (2,), (0,)])
def test_conversion_of_arrays_is_numpys(convert, shape):
    for t in kinds(np.ones(shape)):
        try:
            expected = convert(np.ones(shape))
        except (TypeError, ValueError) as error:
            with pytest.raises(type(error)):
                convert(t)
        else:
            assert convert(t) == expected


def test_an_integer_constant_is_an_index():
    assert [10, 20, 30][Tensor(1)] == 20
    assert operator.index(Tensor(2)) == 2
    assert list(range(Tensor(3))) == [0, 1, 2]
    with pytest.raises(TypeError):
        operator.index(leaf(1.0))


# -- as text


def test_str_is_that_of_the_values():
    for t in kinds([1.0, 2.5]):
        assert str(t) == "[1.  2.5]"
    for t in kinds(2.5):
        assert str(t) == "2.5"


def test_format():
    for t in kinds(2.71828):
        assert f"{t:.2f}" == "2.72"
        assert f"{t}" == "2.71828"
        assert f"{t:8.3f}|{t!s:>8}" == "   2.718| 2.71828"
    assert f"{leaf([1.0, 2.0])}" == "[1. 2.]"
    with pytest.raises(TypeError):
        f"{leaf([1.0, 2.0]):.2f}"


def test_repr_tells_dtype_gradient_and_name():
    assert repr(leaf([1.0, 2.0])) == "Tensor([1., 2.], requires_grad=True)"
    assert repr(Tensor([1, 2])) == "Tensor([1, 2])"
    assert repr(Tensor(1.5)) == "Tensor(1.5)"
    assert repr(leaf(2.0) * 2) == "Tensor(4., requires_grad=True)"
    assert repr(Tensor(np.float32(1.5), name="x")) == "Tensor(1.5, dtype=float32, name='x')"
    assert repr(leaf(np.zeros((0, 3)))) == "Tensor([], requires_grad=True)"
    assert len(repr(leaf(np.zeros(100_000)))) < 200
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        repr(leaf(2.0) * 2)


# -- as a sequence


def test_len_and_iteration():
    for t in kinds([[1.0, 2.0], [3.0, 4.0]]):
        assert len(t) == 2
        rows = list(t)
        assert [r.tolist() for r in rows] == [[1, 2], [3, 4]]
        assert all(r.requires_grad == t.requires_grad for r in rows)
        a, b = t
        assert (b - a).tolist() == [2, 2]
        assert [r.tolist() for r in reversed(t)] == [[3, 4], [1, 2]]
        assert dict(zip("ab", t, strict=True))["b"].tolist() == [3, 4]


def test_0d_tensors_are_no_sequences():
    for t in kinds(1.0):
        with pytest.raises(TypeError):
            len(t)
        with pytest.raises(TypeError, match="iteration over a 0-d"):
            iter(t)


def test_gradients_flow_through_iteration():
    x = leaf([1.0, 2.0, 3.0])
    a, b, c = x
    (a * b + c).backward()
    assert x.grad.tolist() == [2, 1, 1]
    x.zero_grad()
    sum(x).backward()
    assert x.grad.tolist() == [1, 1, 1]
    assert max(x).item() == 3


def test_contains():
    t = leaf([1.0, 2.0])
    assert 2.0 in t
    assert 5.0 not in t


# -- comparison and hash


@pytest.mark.parametrize("compare", [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])
def test_comparisons_give_plain_boolean_arrays(compare):
    values = np.array([1.0, 2.0, 3.0])
    for t in kinds(values):
        for other in (2, 2.0, np.float32(2), np.array([3.0, 2.0, 1.0]), [3, 2, 1]):
            expected = compare(values, other)
            assert type(compare(t, other)) is np.ndarray
            assert np.array_equal(compare(t, other), expected)
            if not isinstance(other, list):
                assert np.array_equal(compare(other, t), compare(other, values))
        assert np.array_equal(compare(t, leaf(values)), compare(values, values))


def test_comparisons_of_numbers():
    for t in kinds(2.0):
        assert t > 1
        assert t == 2
        assert not t < 2
        assert type(t > 1) in (bool, np.bool_)


def test_comparison_with_none_and_text_is_false():
    t = leaf([1.0, 2.0])
    assert not np.any(t == None)  # noqa: E711 -- what is tested
    assert not np.any(t == "text")


def test_the_hash_is_identity():
    a, b = leaf([1.0]), leaf([1.0])
    assert hash(a) == hash(a)
    assert len({a, b, a}) == 2
    state = {a: "a", b: "b"}
    a -= 1
    assert state[a] == "a"
    assert a in state


def test_numpys_own_comparisons():
    t = leaf([1.0, 2.0])
    assert np.array_equal(t, [1.0, 2.0])
    assert np.allclose(t, t * 1.0000001)
    assert np.isclose(t, 1).tolist() == [True, False]
    assert np.argmax(t) == 1
    assert t.argmax() == 1
    assert np.any(t > 1)


# -- operators

BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize(
    "other", [2, 2.0, True, np.float32(2), np.float64(2), np.int64(2), np.array(2.0), np.ones(3), [1.0, 2.0, 3.0]]
)
def test_operators_on_either_side(op, other):
    values = np.array([1.5, 2.5, 3.5])
    for t in kinds(values):
        for y, expected in ((op(t, other), op(values, other)), (op(other, t), op(other, values))):
            assert type(y) is Tensor
            assert y.requires_grad == t.requires_grad
            assert y.dtype == expected.dtype
            assert np.array_equal(y.data, expected)


@pytest.mark.parametrize("op", [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift])
@pytest.mark.parametrize("other", [2, True, np.int8(3), np.array([4, 1, 2]), [1, 0, 2]])
def test_bits_are_plain(op, other):
    for values in (np.array([5, 2, 7]), np.array([True, False, True]), np.int64(5)):
        t = Tensor(values)
        right = Tensor(np.array(other))
        for y, expected in (
            (op(t, other), op(values, other)), (op(other, t), op(other, values)), (op(t, right), op(values, other))
        ):  # fmt: skip
            assert type(y) is type(expected)
            assert np.array_equal(y, expected)
        assert np.array_equal(~t, ~values)


def test_numbers_with_a_point_have_no_bits():
    for operation in (operator.invert, lambda t: t & 1, lambda t: 1 | t):
        with pytest.raises(TypeError, match="not supported for the input types"):
            operation(leaf([1.0]))


def test_unary_operators_and_divmod():
    values = np.array([-1.5, 2.5])
    for t in kinds(values):
        for y, expected in ((-t, -values), (+t, values), (abs(t), abs(values))):
            assert np.array_equal(y.data, expected)
            assert y.requires_grad == t.requires_grad
        for ours, numpys in zip((*divmod(t, 2), *divmod(5, t)), (*divmod(values, 2), *divmod(5, values)), strict=True):
            assert np.array_equal(ours.data, numpys)


def test_matmul_on_either_side():
    a = np.arange(4.0).reshape(2, 2)
    for t in kinds(a):
        assert np.array_equal((t @ a).data, a @ a)
        assert np.array_equal((a @ t).data, a @ a)
        assert np.array_equal(([[0.0, 1.0], [1.0, 0.0]] @ t).data, a[::-1])


def test_operands_that_are_no_numbers():
    x = leaf([1.0, 2.0])
    for other in ("text", None, object(), 1j, np.array([1j, 2j]), {"a": 1}):
        with pytest.raises(DTypeError):
            x + other
        with pytest.raises(TypeError):
            other + x


# -- conversion to arrays


def test_a_recorded_tensor_becomes_an_array_with_a_warning():
    y = leaf([1.0, 2.0], name="x") * 2
    with pytest.warns(GradientLostWarning, match=r"its gradient ends; write t\.numpy\(\) .* np\.stack\(\[t, u\]\)"):
        a = np.asarray(y)
    assert a.tolist() == [2, 4]
    with pytest.warns(GradientLostWarning, match="a Tensor of shape") as caught:
        b = np.array([y, y])
    assert b.tolist() == [[2, 4], [2, 4]]
    assert all(w.filename == __file__ for w in caught)
    with pytest.warns(GradientLostWarning):
        assert np.array([leaf(1.0) * 2, leaf(2.0) * 2]).tolist() == [2, 4]


def test_it_warns_once_a_place():
    losses = [leaf(1.0) * i for i in range(100)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            np.array(losses)
        np.asarray(losses[0])
    assert len(caught) == 2


def test_the_warning_is_at_the_users_line():
    with pytest.warns(GradientLostWarning) as caught:
        np.column_stack([[leaf(1.0) * 2, leaf(2.0) * 2]])  # converts within NumPy
    assert {w.filename for w in caught} == {__file__}


def test_the_warning_is_at_the_users_line_where_a_plot_is_drawn():
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot

    with pytest.warns(GradientLostWarning) as caught:
        pyplot.imshow(leaf(np.eye(2)) * 2)
    pyplot.close()
    assert {w.filename for w in caught} == {__file__}


def test_it_warns_wherever_it_is_called_from():
    names = {"asarray": np.asarray, "y": leaf([1.0, 2.0]) * 2}
    with pytest.warns(GradientLostWarning):
        exec("asarray(y)", names)
    exec("asarray(y)", names | {"__name__": None})  # Python has no warnings for what has no name
    program = (
        "import atexit, numpy; from autograd_dl import Tensor; atexit.register(numpy.asarray, Tensor([1.0], True) * 2)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "GradientLostWarning" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_the_graph_was_let_go_no_gradient_is_lost():
    w = leaf([1.0, 2.0])
    losses = []
    for _ in range(3):
        losses.append(np.sum(np.sin(w) * w))
        w -= 0.1
    done = np.sum(w * w)
    done.backward()
    assert np.array([*losses, done]).shape == (4,)


def test_constants_become_arrays_quietly():
    t, _, _, unrecorded = kinds([1.0, 2.0])
    for c in (t, unrecorded, leaf([1.0, 2.0]).detach()):
        assert np.asarray(c).tolist() == [1, 2]
        assert np.asarray(c, dtype=np.float32).dtype == np.float32
        assert np.array(c) is not c.data
    assert np.asarray(t) is t.data
    copied = np.array(t)
    copied[0] = 9
    assert t.tolist() == [1, 2]


def test_numpy_and_tolist_never_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = leaf([1.0, 2.0]) * 2
        assert y.numpy().tolist() == y.tolist() == [2, 4]
        assert str(y)
        assert y.detach().numpy().tolist() == [2, 4]


def test_assigning_a_tensor_into_an_array():
    a = np.zeros(2)
    a[:] = Tensor([1.0, 2.0])
    assert a.tolist() == [1, 2]
    with pytest.warns(GradientLostWarning):
        a[:] = leaf([3.0, 4.0])
    a[0] = Tensor(5.0)
    assert a.tolist() == [5, 4]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_filling_an_array_with_recorded_numbers_warns(dtype):
    x = leaf([2.0, 3.0])
    a = np.zeros((2, 2), dtype)

    def fill():
        a[0, 0] = x[0]  # here
        a[1][1] += x[1]
        a.flat[1], a[1, 0] = x

    with pytest.warns(GradientLostWarning, match=r"written into a plain array here.*t\.item\(\).*np\.stack") as caught:
        fill()
    assert a.tolist() == [[2, 2], [3, 3]]
    assert len(caught) == 4
    assert "# here" in Path(__file__).read_text(encoding="utf-8").splitlines()[caught[0].lineno - 1]
    assert caught[0].filename == __file__


def test_filling_an_array_does_not_walk_over_the_graph(monkeypatch):
    monkeypatch.setattr(tensor, "is_whole", pytest.fail)
    x, a = leaf(1.0), np.zeros(1)
    with pytest.warns(GradientLostWarning):
        a[0] = x * 0.9 + 1
    assert a == 1.9


def test_a_number_that_no_python_code_asks_for():
    code = "import atexit; from autograd_dl import Tensor; atexit.register(float, Tensor(2.0, requires_grad=True) * 2)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_filling_an_array_warns_in_a_function_that_is_differentiated():
    def det(x):
        a = np.zeros((2, 2))
        a[0, 0] = a[1, 1] = x
        return np.linalg.det(a)

    with pytest.warns(GradientLostWarning):
        assert grad(det)(3.0) == 0


def test_numbers_of_a_tensor_that_are_no_loss_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses = np.zeros(3)
        loss = np.sum(leaf([1.0, 2.0]) * 2)
        assert float(loss) == math.sqrt(loss * loss) == 6
        losses[0] = float(loss)
        losses[1] = loss.item()
        loss.backward()
        losses[2] = loss  # nothing can come back any more
        assert losses.tolist() == [6, 6, 6]
        table = {0: None}
        table[0] = loss


def test_indexing_an_array_by_a_tensor():
    a = np.arange(5) * 10
    assert a[Tensor([1, 3])].tolist() == [10, 30]
    assert a[Tensor(2)] == 20


def test_indexing_a_tensor_by_a_tensor():
    x = leaf([10.0, 20.0, 30.0])
    y = x[Tensor([2, 0, 2])]
    assert y.tolist() == [30, 10, 30]
    np.sum(y).backward()
    assert x.grad.tolist() == [1, 0, 2]

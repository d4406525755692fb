"""What a Tensor is made of: data let in or refused, dtypes, memory, copies and pickles."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, no_grad
from autograd_dl.errors import DTypeError, GraphError, ShapeError

# -- what is let in


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (3, np.int_, ()),
        (2.5, np.float64, ()),
        (True, np.bool_, ()),
        ([1, 2], np.int_, (2,)),
        ([[1.0, 2.0]], np.float64, (1, 2)),
        (((1, 2), (3, 4)), np.int_, (2, 2)),
        (range(3), np.int_, (3,)),
        (np.float32(3), np.float32, ()),
        (np.array(3, np.int8), np.int8, ()),
        (np.zeros((0, 3), np.float16), np.float16, (0, 3)),
        (np.array([True, False]), np.bool_, (2,)),
        (np.ones(2, np.longdouble), np.longdouble, (2,)),
        (np.ones(2, np.uint8), np.uint8, (2,)),
        (np.ones(2, ">f8"), np.dtype(">f8"), (2,)),
        ([Tensor(1.0), Tensor(2.0)], np.float64, (2,)),
        (np.ones((1, 2)).view(np.matrix), np.float64, (1, 2)),
        (Tensor([1.0]), np.float64, (1,)),
        ([], np.float64, (0,)),
    ],
    ids=repr,
)
def test_data_of_every_kind(data, dtype, shape):
    t = Tensor(data)
    assert (t.dtype, t.shape, t.ndim, t.size) == (dtype, shape, len(shape), int(np.prod(shape)))
    assert type(t.data) is np.ndarray
    assert not t.requires_grad
    assert t.is_leaf


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "not None; is a return missing"),
        ("text", "dtype .U4"),
        (["a", "b"], "dtype .U1"),
        (b"bytes", "dtype [|]S5"),
        (1j, "complex numbers .* not supported; record the real and imaginary parts apart"),
        (np.ones(2, complex), "complex"),
        (..., "dtype object"),
        ({"a": 1}, "dtype object"),
        (np.array([None]), "dtype object"),
        (np.array(["2020-01-01"], "datetime64"), "datetime64"),
        (np.zeros(2, [("a", float)]), "dtype"),
        (np.ma.masked_array([1.0, 2.0], [True, False]), "masked array would lose its mask; pass data.filled"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_data_that_are_no_numbers(data, message, requires_grad):
    with pytest.raises(DTypeError, match=message):
        Tensor(data, requires_grad=requires_grad)


def test_a_ragged_list():
    with pytest.raises(ShapeError, match=r"lists within a list .* equal lengths"):
        Tensor([[1.0], [1.0, 2.0]])


def test_dtype():
    assert Tensor([1, 2], dtype=float).dtype == np.float64
    assert Tensor([1.5], dtype="float16").dtype == np.float16
    assert Tensor(np.ones(2), dtype=np.float32, requires_grad=True).dtype == np.float32
    for dtype in (complex, object, "U3", "datetime64[D]"):
        with pytest.raises(DTypeError):
            Tensor([1.0], dtype=dtype)
    with pytest.raises(TypeError):
        Tensor([1.0], dtype="no such type")


def test_a_python_number_that_requires_grad_is_a_float():
    for number in (100, 100.0, True):
        t = Tensor(number, requires_grad=True)
        assert t.dtype == np.float64
        assert t.item() == number


def test_a_name_is_a_string():
    t = Tensor(1.0, name="x")
    for name in (0, 5, ("x",)):
        with pytest.raises(TypeError, match="the name of a Tensor is a string, not "):
            Tensor(1.0, name=name)
        with pytest.raises(TypeError, match="the name of a Tensor is a string, not "):
            t.name = name
    t.name = None
    assert t.name is None


@pytest.mark.parametrize("second", [3, 0, np.float32, "W", None, [], np.array([1.0, 2.0])])
def test_requires_grad_is_no_second_number_and_no_dtype(second):
    with pytest.raises(DTypeError, match=r"requires_grad, the second argument, is True or False, not "):
        Tensor([2.0], second)
    assert Tensor([2.0], np.True_).requires_grad
    assert not Tensor([2.0], np.False_).requires_grad


def test_an_integer_array_that_requires_grad():
    for data in (np.array([1, 2]), [1, 2], np.int64(3), np.array([True]), Tensor([1])):
        with pytest.raises(DTypeError, match=r"are (int\d+|bool); write data\.astype\(float\), or Tensor\(data, "):
            Tensor(data, requires_grad=True)
    with pytest.raises(DTypeError):
        Tensor([1, 2]).requires_grad = True
    Tensor([1, 2]).requires_grad = False


def test_to_ask_again_for_a_gradient_leaves_the_data_where_they_are():
    t = Tensor([1.0, 2.0], requires_grad=True)
    data = t.data
    t.requires_grad = True
    assert t.data is data


def test_how_nodes_are_shown():
    w = leaf(1.0, name="w")
    assert re.fullmatch(r"<node \d+: leaf 'w'>", repr(w.node))
    assert re.fullmatch(r"<node \d+: np\.exp>", repr(np.exp(w).node))


def test_a_tensor_of_a_tensor():
    t = Tensor([1.0, 2.0])
    assert Tensor(t).data is t.data
    assert Tensor(t, requires_grad=True).requires_grad
    with pytest.raises(GraphError, match=r"Tensor 'x' requires grad already; .* is t\.detach\(\)"):
        Tensor(leaf(1.0, name="x"))
    with pytest.raises(GraphError, match=r"join them with np\.stack"):
        Tensor([Tensor(1.0), leaf(1.0)])


# -- memory


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (0, 4), (2, 3, 4)])
def test_leaves_own_aligned_contiguous_memory(dtype, shape):
    given = np.asfortranarray(np.ones(shape, dtype))
    for t in (Tensor(given, requires_grad=True), Tensor(given)):
        t.requires_grad = True
        assert t.data.flags.c_contiguous
        assert t.data.flags.writeable
        assert t.size == 0 or t.data.ctypes.data % 64 == 0
        assert not np.shares_memory(t.data, given)
        assert np.array_equal(t.data, given)


def test_other_tensors_share_the_given_array():
    given = np.asfortranarray(np.ones((3, 4)))[::2]
    t = Tensor(given)
    assert t.data is given
    given[0, 0] = 7
    assert t.data[0, 0] == 7


def test_read_only_and_reversed_data():
    given = np.arange(3.0)[::-1]
    given.flags.writeable = False
    t = Tensor(given, requires_grad=True)
    t -= 1
    assert t.tolist() == [1, 0, -1]
    assert (Tensor(given) * 2).tolist() == [4, 2, 0]


def test_numpy_shares_and_item_converts():
    t = leaf([[1.0, 2.0]])
    assert t.numpy() is t.data
    assert type(leaf([5.0]).item()) is float
    assert type(Tensor(3).item()) is int
    assert t.item(0, 1) == t.item(1) == 2
    with pytest.raises(ValueError, match="size 1"):
        t.item()
    assert type((leaf(2.0) * 3).item()) is float


def test_detach():
    x = leaf([1.0, 2.0])
    d = x.detach()
    assert not d.requires_grad
    assert d.is_leaf
    assert np.shares_memory(d.data, x.data)
    assert not (d * 2).requires_grad
    assert (x * 2).detach().node is None
    assert (leaf(2.0) * 2).detach().item() == 4


# -- the dtypes of results


def test_a_python_scalar_stays_weak():
    for dtype in (np.float16, np.float32):
        for t in (Tensor(np.ones(2, dtype)), Tensor(np.ones((), dtype)), Tensor(np.ones(2, dtype), requires_grad=True)):
            for y in (t * 2.0, 2.0 * t, t + 1, 1 - t, t / 3, t**2, 2**t, t**0.5, np.add(t, 1.5), np.maximum(t, 0.5)):
                assert y.dtype == dtype, y
            assert (t * True).dtype == dtype


def test_a_numpy_double_is_strong_as_in_numpy():
    t = Tensor(np.ones(2, np.float32), requires_grad=True)
    for y in (t * np.float64(2), np.float64(2) * t, t * np.array(2.0), t + np.ones(2)):
        assert y.dtype == np.float64
    assert (np.float32(2) * t).dtype == np.float32
    assert (np.float16(2) * t).dtype == np.float32
    np.sum(t * np.float64(2)).backward()
    assert t.grad.dtype == np.float32


def test_integers_and_booleans_as_constants():
    assert (Tensor([1, 2]) + 1).dtype == np.int_
    assert (Tensor([1, 2]) / 2).dtype == np.float64
    assert (Tensor([True, False]) * leaf([1.0, 2.0])).tolist() == [1, 0]
    assert (leaf([1.0, 2.0]) ** Tensor([2, 3])).requires_grad


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, ">f8"])
def test_unusual_floats_through_a_program(dtype):
    x = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]], dtype), requires_grad=True)
    y = np.sum(np.exp(x / 10) @ x + x[0] * x.T)
    y.backward()
    wide = leaf([[1.0, 2.0], [3.0, 4.0]])
    np.sum(np.exp(wide / 10) @ wide + wide[0] * wide.T).backward()
    assert x.grad.dtype == dtype
    assert x.grad.data.astype(float) == pytest.approx(wide.grad.data, rel=5e-3 if dtype == np.float16 else 1e-12)


# -- names, copies, pickles


def test_names():
    x = leaf([1.0], name="W1")
    assert x.name == "W1"
    x.name = "W2"
    assert x.node.name == "W2"
    y = x * 2
    assert y.name is None
    y.name = "y"
    assert y.node.name == "y"
    with no_grad():
        z = x * 2
    z.name = "z"
    assert z.name == "z"
    long = "重" * 10_000
    assert leaf([1.0], name=long).name == long


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {i}": lambda t, i=i: pickle.loads(pickle.dumps(t, i)) for i in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("name", COPIES)
def test_a_leaf_is_copied_and_pickled(name):
    x = Tensor(np.array([1.0, 2.0], np.float32), requires_grad=True, name="W1")
    np.sum(x * x).backward()
    y = COPIES[name](x)
    assert (y.name, y.requires_grad, y.dtype, y.tolist(), y.grad) == ("W1", True, np.float32, [1, 2], None)
    assert y.is_leaf
    assert not np.shares_memory(x.data, y.data)
    assert y.data.ctypes.data % 64 == 0
    c = COPIES[name](Tensor([1, 2]))
    assert (c.requires_grad, c.dtype, c.tolist()) == (False, np.int_, [1, 2])


@pytest.mark.parametrize("name", [name for name in COPIES if name != "copy"])
def test_a_recorded_tensor_is_not(name):
    y = leaf([1.0], name="x") * 2
    with pytest.raises(GraphError, match=r"cannot copy or pickle .* recorded, not a leaf; t\.detach\(\) is one"):
        COPIES[name](y)
    assert COPIES[name](y.detach()).tolist() == [2]


def test_a_shallow_copy_of_a_recorded_tensor_is_recorded():
    x = leaf([1.0, 2.0])
    y = x * x
    y.retain_grad()
    with no_grad():
        z = copy.copy(y)
    z.retain_grad()
    z.name = "z"
    (np.sum(y) + 2 * np.sum(z)).backward()
    assert (y.grad.tolist(), z.grad.tolist(), x.grad.tolist()) == ([3, 3], [2, 2], [6, 12])
    assert y.name is None
    assert not np.shares_memory(y.data, z.data)


def test_a_deep_copy_of_a_structure_keeps_what_is_shared():
    x = leaf([1.0])
    a, b = copy.deepcopy({"a": x, "b": [x]}).values()
    assert a is b[0]
    assert a is not x


def test_the_class_is_final():
    with pytest.raises(TypeError, match="Tensor is final"):

        class Mine(Tensor):  # type: ignore[misc]  # which is what is tested
            pass


def test_no_other_attributes():
    with pytest.raises(AttributeError):
        leaf([1.0]).gradient = 1
    with pytest.raises(AttributeError):
        leaf([1.0]).shape = (1, 1)


def test_attributes_of_an_array():
    t = leaf(np.ones((2, 3)))
    assert (t.nbytes, t.itemsize, len(t)) == (48, 8, 2)
    assert t.T.shape == t.mT.shape == (3, 2)
    assert t.flat.shape == (6,)
    assert t.T.requires_grad

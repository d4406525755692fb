"""How ops are recorded: what a node holds and what it does not, numbers, scopes, and what is not recorded at all."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, engine, no_grad, ops, scope
from autograd_dl.engine import Leaf, Node, toposort
from autograd_dl.errors import DTypeError, ShapeError, UnsupportedError
from autograd_dl.table import SMALL, Outline


def test_a_tensor_points_to_its_node_and_that_to_its_parents():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = x * w
    assert type(y.node) is Node
    assert y.node.op.title == "np.multiply"
    assert y.node.inputs == (x.node, w.node)
    assert type(x.node) is Leaf
    assert x.node.op is None
    assert (x.is_leaf, y.is_leaf) == (True, False)


def test_a_node_holds_no_tensor():
    x, w = leaf(np.ones((3, 3))), leaf(np.ones((3, 3)))
    y = np.sum(np.exp(x @ w) * x[0], axis=1, keepdims=True)
    for node in toposort([y.node]):
        held = gc.get_referents(node)
        for value in (*node.inputs, *(node.args or ()), node.value, *node.kwargs.values(), *held):
            assert not isinstance(value, Tensor)


def test_a_leaf_holds_its_tensor_weakly():
    x = leaf([1.0])
    node = x.node
    assert node.tensor is x
    del x
    assert node.tensor is None


def test_nothing_points_back_so_that_a_graph_dies_by_reference_count():
    gc.collect()
    gc.disable()
    try:
        x = leaf([1.0, 2.0])
        y = np.exp(x) * x
        node = weakref.ref(y.node)
        del y
        assert node() is None
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_nodes_are_numbered_in_the_order_of_their_making():
    x = leaf([1.0])
    a = x * 2
    y = leaf([1.0])
    b = a + y
    numbers = [t.node.number for t in (x, a, y, b)]
    assert numbers == sorted(set(numbers))


def test_descending_number_is_the_backward_order():
    x = leaf([1.0])
    a, b = x * 2, x * 3
    c = b + a
    assert toposort([c.node]) == [c.node, b.node, a.node, x.node]


def test_what_needs_no_gradient_is_not_recorded():
    x, c = leaf([1.0]), Tensor([2.0])
    assert (c * 2).node is None
    assert not (c * c).requires_grad
    with no_grad():
        assert (x * 2).node is None
    assert (x * c).requires_grad


def test_a_constant_leaf_is_shown_in_the_graph_but_not_walked():
    x, c = leaf([1.0]), Tensor([2.0], name="c")
    y = x * c
    assert y.node.inputs[1].name == "c"
    assert c.node not in toposort([y.node])


def test_a_rule_keeps_only_what_it_reads():
    x, w = leaf(np.ones(1000)), leaf(np.ones(1000))
    assert [type(a) for a in (x + w).node.args] == [Outline, Outline]
    assert [type(a) for a in (x * w).node.args] == [np.ndarray, np.ndarray]
    assert type(np.exp(x).node.args[0]) is Outline
    assert type(np.exp(x).node.value) is np.ndarray
    assert type(np.sin(x).node.value) is Outline
    assert type(np.cumprod(x).node.value) is Outline
    rows, ones, zeros = leaf(np.ones((1000, 2))), leaf(np.ones(2)), leaf(np.zeros(2))
    assert type(ops.normalize_columns(rows, ones, zeros, 1e-6).node.value) is Outline
    a, b = leaf(np.eye(30)), leaf(np.ones((30, 30)))
    assert [type(v) for v in np.linalg.solve(a, b).node.args] == [np.ndarray, Outline]
    assert type(np.linalg.svd(a).S.node.inputs[0].args[0]) is Outline


def test_a_large_result_of_two_numbers_is_not_kept_unless_a_rule_reads_it():
    points = np.linspace(0, 1, 1000)

    @ops.primitive(broadcasts=True)
    def line(a, b):
        return a * points + b

    ops.defvjp(line, lambda g, _ans, _a, _b: g * points, lambda g, _ans, _a, _b: g)
    a, b = leaf(2.0), leaf(1.0)
    y = line(a, b)
    assert type(y.node.value) is Outline
    np.sum(y).backward()
    assert a.grad.item() == pytest.approx(500)
    assert b.grad.item() == 1000


def test_only_the_gradients_that_are_needed_decide_what_is_kept():
    x, c = leaf(np.ones(1000)), Tensor(np.ones(1000))
    kept_x, kept_c = (x * c).node.args
    assert type(kept_x) is Outline
    assert kept_c is c.data


def test_small_values_stay_for_the_pictures():
    x = leaf(np.ones(SMALL // 8))
    assert type((x + 1).node.value) is np.ndarray
    assert type((leaf(np.ones(SMALL // 8 + 1)) + 1).node.value) is Outline


def test_a_small_view_does_not_keep_a_large_array():
    x = leaf(np.ones(100_000))
    with no_grad():
        view = (x * 2)[:3]
    y = leaf(np.ones(3)) + view
    assert y.node.inputs[1].base is None


def test_an_outline_tells_shape_and_dtype():
    outline = (leaf(np.ones((30, 40))) + 1).node.value
    assert (outline.shape, outline.ndim, outline.size, outline.dtype) == ((30, 40), 2, 1200, np.float64)
    assert repr(outline) == "Outline(shape=(30, 40), dtype=float64)"


def test_0d_results_stay_numpy_scalars_inside_and_arrays_outside():
    x = leaf(2.0)
    y = x * 3 + 1
    assert type(y._value) is np.float64
    assert type(x.data) is np.ndarray
    assert type(y.data) is np.ndarray
    assert type(y.numpy()) is np.ndarray
    assert y.data.shape == ()


def test_0d_results_of_float32_and_float16_keep_their_dtype():
    for dtype in (np.float16, np.float32):
        y = Tensor(2.0, requires_grad=True, dtype=dtype) * 3.0
        assert type(y._value) is dtype
        y.backward()


@pytest.mark.parametrize(
    "record",
    [
        lambda x: x + 1,
        lambda x: 1 + x,
        lambda x: np.exp(x),
        lambda x: np.sum(x, axis=0),
        lambda x: np.concatenate([x, x]),
        lambda x: np.stack([x, np.ones(3)]),
        lambda x: x @ np.ones(3),
        lambda x: np.ones((2, 3)) @ x,
        lambda x: np.ones(3) * x,
        lambda x: np.float32(2) * x,
        lambda x: 2 * x,
        lambda x: np.linalg.norm(x),
        lambda x: np.where(np.array([True, False, True]), x, 0),
        lambda x: x[::2],
        lambda x: ops.relu(x),
        lambda x: x.reshape(3, 1),
        lambda x: np.add(x, 1),
        lambda x: divmod(x, 2)[1],
        lambda x: np.dot(b=x, a=np.ones(3)),
    ],
)
def test_numpy_itself_records(record):
    y = record(leaf([1.0, 2.0, 3.0]))
    assert isinstance(y, Tensor)
    assert y.requires_grad


def test_a_primitive_is_called_the_same_way_on_arrays():
    assert type(ops.relu(np.array([-1.0, 1.0]))) is np.ndarray
    assert type(ops.relu(leaf([-1.0, 1.0]))) is Tensor


def test_scopes_nest_and_are_noted():
    x = leaf([1.0])
    with scope("outer"):
        a = x * 2
        with scope("inner"):
            b = a * 2
    c = b * 2
    assert [t.node.scope for t in (a, b, c)] == [("outer",), ("outer", "inner"), ()]


def test_keywords_of_the_rule_are_recorded():
    assert np.sum(leaf(np.ones((2, 3))), axis=1, keepdims=True).node.kwargs == {"axis": 1, "keepdims": True}


def test_keywords_are_checked_where_a_gradient_is_needed():
    x, c = leaf([1.0, 2.0]), Tensor([1.0, 2.0])
    with pytest.raises(UnsupportedError, match=r"np\.exp: where a gradient is needed, the keyword dtype"):
        np.exp(x, dtype="f4")
    assert np.exp(c, dtype="f4").dtype == np.float32
    with no_grad():
        assert np.exp(x, dtype="f4").dtype == np.float32


def test_defaults_given_by_name_are_no_unknown_keywords():
    assert np.sum(leaf([1.0, 2.0]), axis=None, dtype=None, out=None).item() == 3
    assert np.stack([leaf([1.0]), [2.0]], casting="_".join(("same", "kind"))).requires_grad  # equal, and not the same


def test_out_works_into_plain_arrays_where_no_gradient_is_needed():
    out = np.zeros(2)
    assert np.exp(Tensor([0.0, 1.0]), out=out) is out
    assert out.tolist() == np.exp([0.0, 1.0]).tolist()
    with no_grad():
        np.add(leaf([1.0, 2.0]), 1, out=out)
    assert out.tolist() == [2, 3]
    with pytest.raises(UnsupportedError, match=r"writing into an array .* cannot be recorded"):
        np.exp(leaf([0.0, 1.0]), out=out)


def test_augmenting_an_array_by_a_tensor_needs_no_gradient_too():
    a = np.zeros(2)
    a += Tensor([1.0, 2.0])
    assert type(a) is np.ndarray
    assert a.tolist() == [1, 2]
    with pytest.raises(UnsupportedError):
        a += leaf([1.0, 2.0])


def test_a_tensor_hidden_in_a_keyword_or_a_list_raises():
    x = leaf([1.0, 2.0])
    with pytest.raises(UnsupportedError, match=r"argument 'axis' takes no Tensor"):
        np.sum(x, axis=x)
    with pytest.raises(UnsupportedError, match=r"np\.stack"):
        x * [x, x]
    with pytest.raises(UnsupportedError, match="cannot write into a Tensor"):
        np.add(x, 1, out=(Tensor([0.0, 0.0]),))


def test_an_unknown_function_raises_and_lists_the_nearest_names():
    message = r"np\.linalg\.eig is not supported for Tensors; the nearest names that are: np\.linalg\.eigh, "
    with pytest.raises(UnsupportedError, match=message):
        np.linalg.eig(leaf([[1.0, 2.0], [3.0, 4.0]]))
    with pytest.raises(UnsupportedError, match=r"np\.fft\.fft is not supported"):
        np.fft.fft(leaf([1.0, 2.0]))


def test_methods_of_ufuncs_raise_and_name_what_to_write():
    x = leaf([1.0])
    for call, words in (
        (lambda: np.add.reduce(x), "write np.sum$"),
        (lambda: np.add.accumulate(x), "write np.cumsum$"),
        (lambda: np.add.reduceat(x, [0]), "no function of NumPy's has that meaning"),
    ):
        with pytest.raises(UnsupportedError, match=words):
            call()


def test_comparisons_are_plain_boolean_arrays():
    x = leaf([1.0, 3.0])
    for answer in (x > 2, x >= 2, x < 2, x <= 2, x == 2, x != 2, np.greater(x, 2), np.isfinite(x)):
        assert type(answer) is np.ndarray
        assert answer.dtype == bool


def test_errors_of_numpy_name_the_op_and_its_arguments():
    a, b = leaf(np.ones((2, 3)), name="a"), leaf(np.ones((4, 5)))
    with pytest.raises(ShapeError, match=r"np\.matmul\('a': float64 \(2, 3\), float64 \(4, 5\)\)"):
        a @ b
    with pytest.raises(ShapeError, match=r"np\.add"):
        a + b
    with pytest.raises(ShapeError, match=r"np\.reshape"):
        a.reshape(5)
    with pytest.raises(DTypeError, match=r"np\.add\('a': float64 \(2, 3\), 'text'\)"):
        a + "text"


def test_an_explained_error_has_numpys_as_its_cause_and_no_cycle():
    with pytest.raises(ShapeError) as explained:
        leaf([1.0, 2.0]) + leaf([1.0, 2.0, 3.0])
    assert type(explained.value.__cause__) is ValueError
    with pytest.raises(np.linalg.LinAlgError, match=r"np\.linalg\.inv\(float64 \(2, 2\)\): Singular") as singular:
        np.linalg.inv(leaf(np.zeros((2, 2))))
    assert type(singular.value.__cause__) is np.linalg.LinAlgError
    assert singular.value.__cause__.__cause__ is None


def test_the_engine_knows_no_op_by_name():
    source = Path(engine.__file__).read_text(encoding="utf-8")
    for name in ("np.add", "np.multiply", "np.exp", "np.sum", "np.dot", "relu"):
        assert name not in source


def test_a_large_result_that_a_rule_reads_is_kept():
    x, y = (Tensor(np.full(10_000, n), requires_grad=True) for n in (6.0, 2.0))
    (x / y).backward(np.ones(10_000))
    assert set(y.grad.tolist()) == {-1.5}

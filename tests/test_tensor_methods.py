"""The operators and methods of a Tensor do what those of an array do, and are recorded."""

import numpy as np
import pytest

from autograd_dl import Tensor
from autograd_dl.errors import UnsupportedError
from autograd_dl.tensor import bare
from autograd_dl.testing import check_gradients

X = np.array([[0.3, -1.2, 2.3], [1.7, 0.6, -0.4]])

RECORDED = """
    x + 1; 1 + x; x + x; X + x;
    x - 1; 1 - x; x - X; X - x;
    x * 2; 2 * x; x * x; X * x;
    x / 2; 2 / x; x / X; X / x;
    x % 0.7; 9.1 % x; x // 0.7; 9.1 // x;
    divmod(x, 0.7); divmod(9.1, x); x**2; 2**x;
    x @ X.T; X.T @ x; x @ x.T; x @ [1, 2, 3];
    -x; +x; abs(x); round(x[0, 0], 1);
    x[0]; x[:, ::-1]; x[[0, 0, 1], 1]; x[x > 0];
    x.T; x.mT; [*x]; x + np.float32(1);
    x.sum(); x.sum(0); x.sum(axis=(0, 1), keepdims=True);
    x.prod(); x.prod(axis=1); x.mean(); x.mean(-1, keepdims=True);
    x.var(); x.var(0, ddof=1); x.std(); x.std(1, ddof=1);
    x.max(); x.max(0); x.min(); x.min(1, keepdims=True);
    x.cumsum(); x.cumsum(0); x.cumprod(); x.cumprod(1);
    x.trace(); x.trace(1); x.dot(b=X.T); x.dot([1, 2, 3]);
    x.reshape(3, 2); x.reshape(-1); x.reshape((6, 1)); x.ravel();
    x.flatten(); x.transpose(); x.transpose(1, 0); x.transpose((0, 1));
    x.swapaxes(0, 1); x[:1].squeeze(); x[:1].squeeze(0); x.repeat(2);
    x.repeat([1, 2], 0); x.take([0, 5, 5]); x.take(1, axis=1); x.diagonal();
    x.diagonal(1); x.clip(0, 1); x.clip(max=1); x.clip(np.zeros(3));
    x.round(); x.round(1); x.copy(); x.astype(np.float64);
    x.astype("f4"); x.astype("f4", casting="same_kind"); x.astype("f4", "C", "unsafe"); x.sum(0, None);
    x.sum(0, None, None, True); x.sum(dtype=None); x.mean(1, None, None); x.var(0, None, None, 1);
    x.std(None, ddof=1); x.max(0, None, True); x.max(0, None, keepdims=True); x.min(1, None); x.prod(0, dtype=None);
    x.cumsum(1, None); x.cumprod(0, None, None); x.trace(0, 0, 1, None); x.dot(X.T, None);
    x.reshape(3, 2, order="C"); x.reshape((3, 2), order="C"); x.ravel("C"); x.flatten(order="C");
    x.copy("C"); x.copy(order="K"); x.take([0, 9], mode="wrap"); x.take([0], 1, None, "clip");
    x.clip(0, 1, None); x.clip(0, 1, out=None); x.round(1, None);
    x.reshape(3, 2, order="F"); np.reshape(x, -1, order="F"); x.ravel("F"); x.flatten("F"); x.copy("F");
    x.T.reshape([1, -1, 2], order="F"); np.ravel(x.T, order="F"); np.copy(x, order="A");
    x.compress([True, False, True], 1); x.compress([0, 1]); x.conj(); x.conjugate(); x.real
"""

PLAIN = """
    x == X; x != 0.3; x < 0; x <= X;
    x > 0; x <= 0; 0.3 in x; len(x);
    x.argmax(); x.argmax(0); x.argmin(1, keepdims=True); x.argsort();
    x.argsort(0, kind="stable"); x.argsort(0, "stable"); x.argmax(0, None); x.argmin(0, keepdims=True);
    x.argsort(0); (x > 0).all(); x.all(0); x.any(1, keepdims=True);
    x.argpartition(1); x.argpartition(0, axis=0); x[0].searchsorted(0.5); x[0].searchsorted(x[1], "right");
    (x[0] > 0).choose([1, 2]); x.imag; x.nonzero()[1]; x.shape; x.ndim; x.size;
    x.dtype; x.nbytes; x.itemsize; x.tolist();
    x.item(1, 2); float(x[0, 0]); int(x[0, 2]); bool(x[0, 0]);
    str(x); f"{x[0, 0]:.3f}"
"""


def expressions(text):
    return [expression.strip() for expression in text.split(";")]


def function(expression):
    return eval(f"lambda x: {expression}", {"np": np, "X": X})


@pytest.mark.parametrize("expression", expressions(RECORDED))
def test_recorded_ones_are_those_of_arrays_with_gradients(expression):
    f = function(expression)
    found, expected = (y if isinstance(y, (list, tuple)) else [y] for y in (f(Tensor(X)), f(X)))
    for y, e in zip(found, expected, strict=True):
        assert type(y) is Tensor
        assert (y.shape, y.dtype) == (np.shape(e), np.asarray(e).dtype)
        np.testing.assert_allclose(bare(y), e, rtol=1e-6)
    if found[0].dtype == np.float64:
        check_gradients(f, X)


@pytest.mark.parametrize("expression", expressions(PLAIN))
def test_plain_ones_are_those_of_arrays(expression):
    f = function(expression)
    found, expected = f(Tensor(X, requires_grad=True)), f(X)
    assert not isinstance(found, Tensor)
    assert type(found) is type(expected)
    assert np.all(found == expected)


def test_the_elements_in_a_row_are_flat():
    assert Tensor(X).flat.tolist() == [*X.flat]


def test_a_dtype_that_has_no_gradient_ends_it():
    x = Tensor(X, requires_grad=True)
    assert not x.astype(int).requires_grad
    assert x.astype(int).tolist() == X.astype(int).tolist()
    assert x.astype(np.float64, copy=False) is x
    assert x.astype(np.float64) is not x


def test_another_dtype_is_another_array_without_a_copy_asked_for_too():
    for dtype in (np.float16, np.longdouble):
        assert Tensor(X).astype(dtype, copy=False).dtype == dtype


def test_arguments_without_a_recorded_form_are_refused_by_name_and_taken_by_constants():
    recorded, constant = Tensor(X, requires_grad=True), Tensor(X)
    for call in (
        lambda x: x.var(mean=X.mean()),
        lambda x: x.reshape(3, 2, order="A"),
        lambda x: x.ravel("K"),
    ):
        np.testing.assert_array_equal(call(constant).numpy(), call(X))
        with pytest.raises(UnsupportedError, match=r"where a gradient is needed, the (keyword mean|order) is "):
            call(recorded)
    with pytest.raises(TypeError, match="Cannot cast"):
        recorded.astype(np.float16, casting="safe")


def test_a_copy_by_columns_is_one_in_memory():
    assert Tensor(X, requires_grad=True).copy("F").numpy().flags.f_contiguous


def test_flatten_copies():
    x = Tensor(X.copy())
    flat = x.flatten()
    assert not np.shares_memory(flat.numpy(), x.numpy())
    assert flat.numpy().flags.writeable

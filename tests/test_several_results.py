"""Ops that return several arrays: one used, both, or none; twice; and to second order."""

from __future__ import annotations

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, gradients, no_grad
from autograd_dl.errors import GraphError, RuleError
from autograd_dl.ops import defvjp, primitive
from autograd_dl.table import TABLE

S = np.array([[3.0, 0.5, 0.2], [0.5, 2.0, -0.3], [0.2, -0.3, 1.0]])
U = np.array([[0.3, -1.0, 0.4], [1.2, 0.7, -0.6], [0.1, 0.9, 0.8]])


def along(f, x, v, h=1e-5):
    """The derivative of the number f(x) in the direction v, by a difference."""
    return (f(x + h * v) - f(x - h * v)) / (2 * h)


USES = {
    "eigenvalues": lambda x: np.sum(np.linalg.eigh(x)[0] ** 3),
    "eigenvectors": lambda x: np.sum((np.linalg.eigh(x)[1] ** 2)[:, 0] * U[0]),
    "both of eigh": lambda x: np.sum((lambda w, v: (v * np.exp(w)) @ v.T)(*np.linalg.eigh(x)) * (U + U.T)),
    "singular values": lambda x: np.sum(np.linalg.svd(x)[1] ** 3),
    "all of svd": lambda x: np.sum((lambda u, s, vt: (u * np.sin(s)) @ vt)(*np.linalg.svd(x)) * U),
    "sign of slogdet": lambda x: np.linalg.slogdet(x)[0] * np.sum(x**2),
    "log of slogdet": lambda x: np.linalg.slogdet(x)[1] ** 2,
    "both of slogdet": lambda x: (lambda sign, log: sign * np.exp(log))(*np.linalg.slogdet(x)),
    "qr": lambda x: np.sum((lambda q, r: q @ np.tanh(r))(*np.linalg.qr(x)) * U),
}


@pytest.mark.parametrize("name", USES)
def test_first_and_second_order(name):
    f, v = USES[name], (U + U.T) / 2
    x = leaf(S)
    (g,) = gradients(f(x), x, create_graph=True)
    with no_grad():
        assert np.sum(g.data * v) == pytest.approx(along(lambda a: f(Tensor(a)).item(), S, v), rel=1e-6)
    inner = np.sum(g * v)
    if not inner.requires_grad:
        return
    (h,) = gradients(inner, x)

    def slope(a):
        t = leaf(a)
        return np.sum(gradients(f(t), t)[0].data * v)

    assert np.sum(h.data * v) == pytest.approx(along(slope, S, v), rel=1e-5)


@pytest.mark.parametrize("name", USES)
def test_twice_with_retain_graph(name):
    x = leaf(S)
    y = USES[name](x)
    y.backward(retain_graph=True)
    first = x.grad.data
    y.backward()
    assert x.grad.data == pytest.approx(2 * first)
    with pytest.raises(GraphError, match="retain_graph"):
        y.backward()


def test_results_come_in_numpys_own_tuple():
    w, v = pair = np.linalg.eigh(leaf(S))
    assert type(pair).__name__ == "EighResult"
    assert pair.eigenvalues is w
    assert pair.eigenvectors is v
    assert all(type(t) is Tensor and t.requires_grad for t in pair)
    assert np.array_equal(w.data, np.linalg.eigh(S)[0])


def test_results_of_constants_and_under_no_grad():
    with no_grad():
        pairs = [np.linalg.eigh(leaf(S))]
    for w, v in (*pairs, np.linalg.eigh(Tensor(S))):
        assert not w.requires_grad
        assert not v.requires_grad


def test_none_of_the_results_is_used():
    x = leaf(S)
    w, _ = np.linalg.eigh(x)
    assert gradients(np.sum(x * 2), [x, w])[1].tolist() == [0, 0, 0]


def test_both_results_apart_then_together():
    x = leaf(S)
    w, v = np.linalg.eigh(x)
    (gw,) = gradients(np.sum(w**2), x)
    (gv,) = gradients(np.sum(v[:, 0] ** 2 * U[0]), x)
    (both,) = gradients(np.sum(w**2) + np.sum(v[:, 0] ** 2 * U[0]), x)
    assert both.data == pytest.approx(gw.data + gv.data)
    assert gw.data == pytest.approx(2 * S)


def test_gradients_with_respect_to_a_result():
    w, v = np.linalg.eigh(leaf(S))
    y = np.sum(v * w)
    gw, gv = gradients(y, [w, v])
    assert gw.data == pytest.approx(v.data.sum(0))
    assert gv.data == pytest.approx(np.ones((3, 1)) * w.data)


def test_hooks_and_retained_gradients_of_results():
    w, v = np.linalg.eigh(leaf(S))
    seen = []
    w.register_hook(seen.append)
    v.retain_grad()
    (np.sum(w) + np.sum(w * 2) + np.sum(v)).backward()
    assert [g.tolist() for g in seen] == [[3, 3, 3]]
    assert v.grad.tolist() == np.ones((3, 3)).tolist()


def test_a_result_can_be_the_output():
    x = leaf(S)
    np.linalg.slogdet(x)[1].backward()
    assert x.grad.data == pytest.approx(np.linalg.inv(S).T)


# -- primitives of the user


@pytest.fixture
def op():
    made = []

    def make(fun, *rules, **form):
        made.append(primitive(fun))
        defvjp(made[-1], *rules, **form)
        return made[-1]

    yield make
    for fun in made:
        del TABLE[fun]


@pytest.mark.parametrize(
    "form",
    [
        {"rules": (lambda g, _ans, _x: g[0] * 2 + g[1] * 3,)},
        {"joint": lambda g, _ans, _x: (g[0] * 2 + g[1] * 3,)},
        {"each": lambda _i, g, _ans, _x: g[0] * 2 + g[1] * 3},
    ],
    ids=lambda form: next(iter(form)),
)
def test_a_primitive_of_two_results_in_each_form(op, form):
    double = op(lambda x: (x * 2, x * 3), *form.pop("rules", ()), **form)
    plain = double(np.ones(2))
    assert [a.tolist() for a in plain] == [[2, 2], [3, 3]]
    x = leaf([1.0, 2.0])
    a, b = double(x)
    assert (a.tolist(), b.tolist()) == ([2, 4], [3, 6])
    np.sum(a + b * 10).backward()
    assert x.grad.tolist() == [32, 32]
    (g,) = gradients(np.sum(double(x)[0] * x), x, create_graph=True)
    assert gradients(np.sum(g), x)[0].tolist() == [4, 4]


def test_a_primitive_of_two_arguments_and_two_results(op):
    swap = op(lambda x, y: (y * 2, x * 3), lambda g, _ans, _x, _y: g[1] * 3, lambda g, _ans, _x, _y: g[0] * 2)
    x, y = leaf([1.0]), leaf([5.0])
    a, b = swap(x, y)
    (a * 10 + b).backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([3], [20])


def test_a_primitive_whose_results_hold_no_array(op):
    bad = op(lambda x: (x * 2, "3"), joint=lambda g, _ans, _x: (g[0] * 2,))
    with pytest.raises(RuleError, match="must return an array, a number or a tuple of them; it returned str"):
        bad(leaf([1.0]))

"""Transforms of functions of lists, tuples, named tuples and dicts, nested."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest

from autograd_dl import Tensor, checkpoint, grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd_dl.errors import GraphError, ShapeError


class Params(NamedTuple):
    weight: Any
    bias: Any


W = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
B = np.array([0.5, -0.5])
X = np.array([1.0, -2.0, 0.5])


def affine(p):
    return X @ p.weight + p.bias


def test_grad_of_a_named_tuple():
    g = grad(lambda p: np.sum(affine(p)))(Params(W, B))
    assert type(g) is Params
    assert np.array_equal(g.weight, np.outer(X, np.ones(2)))
    assert np.array_equal(g.bias, np.ones(2))


def test_grad_of_nested_containers():
    def f(tree):
        (a, inner), c = tree["one"], tree["two"]
        return np.sum(a * a) + inner["b"] ** 3 + c[0] * c[1]

    tree = {"one": (X, {"b": 2.0}), "two": [3.0, 4.0]}
    g = grad(f)(tree)
    assert g.keys() == tree.keys()
    assert type(g["one"]) is tuple
    assert type(g["two"]) is list
    assert np.array_equal(g["one"][0], 2 * X)
    assert g["one"][1] == {"b": 12}
    assert g["two"] == [4, 3]
    assert tree == {"one": (X, {"b": 2.0}), "two": [3.0, 4.0]}


def test_dicts_stay_of_their_kind():
    def f(tree):
        tree["ordered"].move_to_end("a")
        return tree["ordered"]["a"] * 3 + np.sum(tree["lists"]["b"][0]) + len(tree["lists"]["nothing yet"])

    tree = {"ordered": OrderedDict(a=1.0, b=2.0), "lists": defaultdict(list, b=[X])}
    g = grad(f)(tree)
    assert (type(g["ordered"]), type(g["lists"])) == (OrderedDict, defaultdict)
    assert list(g["ordered"].items()) == [("a", 3), ("b", 0)]
    assert g["lists"].default_factory is list
    assert list(tree["ordered"]) == list("ab")
    assert "nothing yet" not in tree["lists"]


def test_empty_containers():
    assert grad(lambda t: t[0] * 2)([1.0, (), {}]) == [2, (), {}]


def test_unused_leaves_get_zeros():
    g = grad(lambda p: np.sum(p.bias))(Params(W, B))
    assert not g.weight.any()


def test_value_is_a_tree_too():
    value, pull = vjp(lambda p: {"y": affine(p), "n": (p.bias,)}, Params(W, B))
    assert np.array_equal(value["y"], X @ W + B)
    (g,) = pull({"y": np.array([1.0, 0.0]), "n": (np.array([0.0, 10.0]),)})
    assert g.bias.tolist() == [1, 10]
    assert np.array_equal(g.weight, np.outer(X, [1, 0]))


def test_jvp_of_trees():
    tangent = Params(np.ones_like(W), np.zeros(2))
    value, pushed = jvp(lambda p: [affine(p), p.bias * 2], (Params(W, B),), (tangent,))
    assert np.array_equal(value[0], X @ W + B)
    assert pushed[0] == pytest.approx(np.sum(X) * np.ones(2))
    assert pushed[1].tolist() == [0, 0]


def test_jacobian_of_trees_is_a_tree_of_trees():
    j = jacobian(lambda p: {"y": affine(p), "s": np.sum(p.bias**2)})(Params(W, B))
    assert np.array_equal(j["y"].bias, np.eye(2))
    assert j["y"].weight.shape == (2, 3, 2)
    assert np.array_equal(j["s"].bias, 2 * B)
    assert j["s"].weight.shape == (3, 2)


def test_hessian_of_a_dict():
    h = hessian(lambda p: p["a"] * p["a"] * p["b"])({"a": 2.0, "b": 3.0})
    assert h == {"a": {"a": 6, "b": 4}, "b": {"a": 4, "b": 0}}


def test_hvp_of_trees():
    (g,) = hvp(lambda p: p["a"] ** 2 * p["b"], ({"a": 2.0, "b": 3.0},), ({"a": 1.0, "b": 0.0},))
    assert g == {"a": 6, "b": 4}


def test_argnums_over_trees():
    both = grad(lambda p, q: np.sum(p[0] * q["k"]), (0, 1))([X], {"k": X + 1})
    assert np.array_equal(both[0][0], X + 1)
    assert np.array_equal(both[1]["k"], X)


def test_trees_of_tensors_nest():
    params = {"w": Tensor(X, requires_grad=True), "b": 2.0}
    value, slopes = value_and_grad(lambda p: np.sum(p["w"] ** 3) * p["b"])(params)
    assert type(value) is type(slopes["w"]) is type(slopes["b"]) is Tensor
    assert gradients(np.sum(slopes["w"]), params["w"])[0].data == pytest.approx(12 * X)


def test_checkpoint_of_trees():
    def f(p, scale):
        return {"y": affine(p) * scale, "n": 3}

    p = Params(Tensor(W, requires_grad=True), Tensor(B, requires_grad=True))
    plain, saved = f(p, 2.0), checkpoint(f)(p, 2.0)
    assert saved["n"] == 3
    assert np.array_equal(plain["y"].data, saved["y"].data)
    for a, b in zip(gradients(np.sum(plain["y"]), list(p)), gradients(np.sum(saved["y"]), list(p)), strict=True):
        assert np.array_equal(a.data, b.data)


def test_dicts_are_matched_by_key_whatever_their_order():
    args = ({"a": 1.0, "b": 2.0},)
    along = ({"b": 1.0, "a": 0.0},)
    assert jvp(lambda d: d["a"] + d["b"] * 10, args, along)[1] == 10
    assert hvp(lambda d: d["a"] ** 2 + d["b"] ** 3, args, along)[0] == {"a": 0, "b": 12}
    _, pull = vjp(lambda a: {"p": a, "q": a * 10}, np.ones(1))
    assert pull({"q": np.ones(1), "p": np.zeros(1)})[0] == 10


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ([{"a": X}, X], r"it must be a tuple|tangents\[0\] must be a dict with the keys \['x'\], not keys \['a'\]"),
        (({"x": X},), "tangents must be a tuple of 2, not 1"),
        ((X, X), r"tangents\[0\] must be a dict with the keys \['x'\], not ndarray"),
        (({"x": X}, {"y": X}), r"tangents\[1\] must be an array, not a dict"),
        (({"x": W}, X), r"must have the shapes of the arguments, \[\(3,\), \(3,\)\], not \[\(3, 2\), \(3,\)\]"),
    ],
)
def test_tangents_of_another_structure_are_refused(tree, message):
    with pytest.raises(ShapeError, match=message):
        jvp(lambda d, x: np.sum(d["x"] * x), ({"x": X}, X), tree)


def test_a_gradient_of_another_structure_is_refused():
    _, pull = vjp(lambda x: {"p": x, "q": (x, x)}, X)
    with pytest.raises(ShapeError, match=r"the gradient\['q'\] must be a tuple of 2, not ndarray"):
        pull({"p": X, "q": np.stack([X, X])})


@pytest.mark.parametrize("given", [X, Tensor(X), Tensor(X, requires_grad=True)], ids=["array", "constant", "recorded"])
def test_functions_that_augment_their_argument(given):
    def f(u):
        u *= 2
        return np.sum(u * u)

    assert np.array_equal(grad(f)(given), 8 * X)
    assert jvp(f, (given,), (np.ones(3),))[1] == np.sum(8 * X)
    assert given.tolist() == X.tolist()


def test_functions_that_set_items_of_their_argument_are_refused():
    def f(u):
        u[0] = 5.0
        return np.sum(u)

    with pytest.raises(GraphError, match=r"write t = np\.where"):
        grad(f)(X)

"""Checkpoints: the same values and gradients to any order, from less memory."""

from __future__ import annotations

import functools
import tracemalloc
import weakref

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, checkpoint, grad, gradients, hessian, jvp, no_grad, vjp
from autograd_dl.engine import toposort
from autograd_dl.errors import GraphError


def block(x, w):
    return np.tanh(x @ w) * np.sin(x)


@pytest.fixture
def x():
    return leaf(np.linspace(-1, 1, 9).reshape(3, 3), name="x")


@pytest.fixture
def w():
    return leaf(np.cos(np.arange(9.0)).reshape(3, 3), name="w")


def same(a, b):
    """Whether they are equal but for the order of sums."""
    return all(np.allclose(p.data, q.data, rtol=1e-13, atol=1e-15) for p, q in zip(a, b, strict=True))


def test_values_and_gradients_are_the_same(x, w):
    plain, saved = block(x, w), checkpoint(block)(x, w)
    assert np.array_equal(plain.data, saved.data)
    seed = np.arange(9.0).reshape(3, 3)
    assert same(gradients(plain, [x, w], seed), gradients(saved, [x, w], seed))


def test_closed_over_parameters_get_their_gradients(x, w):
    saved = checkpoint(lambda x: block(x, w))(x)
    np.sum(saved).backward()
    assert same([x.grad, w.grad], gradients(np.sum(block(x, w)), [x, w]))


def test_only_a_closed_over_parameter_requires_grad(w):
    data = np.ones((3, 3))
    saved = checkpoint(lambda x: block(x, w))(data)
    assert same(gradients(np.sum(saved), w), gradients(np.sum(block(Tensor(data), w)), w))


def test_an_argument_that_is_closed_over_too(x, w):
    saved = checkpoint(lambda w, x: block(x, w) * x)(w, x)
    again = checkpoint(lambda w: block(x, w) * x)(w)
    assert same(gradients(np.sum(saved), [x, w]), gradients(np.sum(again), [x, w]))
    twice = checkpoint(lambda a: a * x)(x)
    assert gradients(np.sum(twice), x)[0].data == pytest.approx(2 * x.data)


def test_the_same_tensor_given_twice(x):
    saved = checkpoint(lambda a, b: np.sin(a) * b)(x, x)
    assert same(gradients(np.sum(saved), x), gradients(np.sum(np.sin(x) * x), x))


def test_higher_orders(x, w):
    def penalty(f):
        gx, gw = gradients(np.sum(f(x, w) ** 2), [x, w], create_graph=True)
        return [*gradients(np.sum(gx**2) + np.sum(gw), [x, w], create_graph=True)]

    for plain, saved in zip(penalty(block), penalty(checkpoint(block)), strict=True):
        assert saved.data == pytest.approx(plain.data)
    assert hessian(lambda v: np.sum(checkpoint(np.exp)(v)))(np.ones(2)).tolist() == np.diag([np.e, np.e]).tolist()
    assert grad(grad(grad(checkpoint(lambda v: v**4))))(2.0) == 48


def test_higher_orders_of_closed_over_parameters(x, w):
    def second(f):
        (g,) = gradients(np.sum(f(x)), x, create_graph=True)
        return gradients(np.sum(g * g), [x, w])

    plain, saved = second(lambda x: block(x, w)), second(checkpoint(lambda x: block(x, w)))
    for p, s in zip(plain, saved, strict=True):
        assert s.data == pytest.approx(p.data)


def test_a_closed_over_argument_of_an_enclosing_transform():
    h, w = np.linspace(-1, 1, 3), np.cos(np.arange(9.0)).reshape(3, 3)

    def layers(wrapped):
        def energy(w):
            return np.sum(wrapped(lambda a: np.tanh(w @ wrapped(lambda b: np.sin(w @ b))(a)) * w[0])(h) ** 2)

        return energy

    plain, saved = layers(lambda f: f), layers(checkpoint)
    assert np.allclose(grad(saved)(w), grad(plain)(w), rtol=1e-13)
    assert np.allclose(hessian(saved)(w), hessian(plain)(w), rtol=1e-12)
    assert np.allclose(jvp(grad(saved), (w,), (w,))[1], jvp(grad(plain), (w,), (w,))[1], rtol=1e-12)
    _, pull = vjp(saved, w)
    assert np.array_equal(pull(1.0)[0], pull(1.0)[0])
    leaf_of_w = leaf(w)
    assert np.array_equal(grad(saved)(leaf_of_w).data, grad(saved)(w))


def test_transforms_in_a_checkpoint_that_close_over_arguments_around_it():
    def cubed(w):  # y w² at y = w, where the derivative by y is taken inside
        return checkpoint(lambda a: a * grad(lambda y: y * w * w)(1.0))(w)

    assert [float(f(2.0)) for f in (cubed, grad(cubed), grad(grad(cubed)), grad(grad(grad(cubed))))] == [8, 12, 12, 6]
    around = grad(lambda v: grad(lambda w: checkpoint(lambda a: checkpoint(lambda b: b * v * w**2)(a * v))(3.0))(5.0))
    assert around(7.0) == 3 * 2 * 7 * 2 * 5  # of 3 v² w²


def test_a_transform_of_numbers_in_a_checkpoint_makes_numbers_the_second_time_too():
    x, w = leaf(3.0), leaf(2.0)
    y = checkpoint(lambda x: w * x * grad(lambda y: y * y * w)(5.0))(x)
    assert [g.item() for g in gradients(y, [x, w])] == [2 * 20, 3 * 20]


def test_higher_orders_where_what_is_closed_over_leads_to_the_argument():
    w = leaf(2.0)
    for given in (w, np.exp(w), np.sin(np.exp(w))):
        saved, plain = checkpoint(lambda a: a * w * w)(given), given * w * w
        for s, p in zip(_derivatives(saved, w), _derivatives(plain, w), strict=True):
            assert s.data == pytest.approx(p.data)


def _derivatives(y, w):
    (first,) = gradients(y, w, create_graph=True)
    return [first, *gradients(first, w)]


def test_a_hook_on_a_closed_over_argument_runs_once_on_the_whole_gradient():
    seen = []

    def f(w):
        w.register_hook(lambda g: seen.append(g.item()))
        return checkpoint(lambda a: a * w)(3.0) * 2 + w

    assert grad(f)(5.0) == 7
    assert seen == [7]


def test_nested_checkpoints(x, w):
    inner = checkpoint(block)
    outer = checkpoint(lambda x, w: inner(inner(x, w), w) + x)
    plain = block(block(x, w), w) + x
    assert same(gradients(np.sum(outer(x, w)), [x, w]), gradients(np.sum(plain), [x, w]))


def test_inside_a_transform_with_a_transform_inside():
    assert grad(lambda x: checkpoint(lambda a: a * grad(lambda y: a * y)(1.0))(x))(5.0) == 10


def test_several_outputs(x, w):
    def f(x, w):
        return block(x, w), {"sum": np.sum(x), "shape": x.shape}, 7

    first, extras, number = checkpoint(f)(x, w)
    assert (extras["shape"], number) == ((3, 3), 7)
    loss, plain = np.sum(first) * extras["sum"], np.sum(block(x, w)) * np.sum(x)
    assert same(gradients(loss, [x, w]), gradients(plain, [x, w]))
    assert same(gradients(extras["sum"], x), [np.ones((3, 3)) * Tensor(1.0)])


def test_outputs_that_need_no_gradient_and_functions_that_return_their_argument(x):
    a, b = checkpoint(lambda x: (x, x.detach()))(x)
    assert a.requires_grad
    assert not b.requires_grad
    assert gradients(np.sum(a), x)[0].tolist() == np.ones((3, 3)).tolist()
    assert checkpoint(lambda x: 3)(x) == 3


def test_memory_is_lower():
    def deep(y):
        for _ in range(50):
            y = np.sin(y)
        return y

    def held(f):
        x = leaf(np.ones(10_000))
        tracemalloc.start()
        y = x
        for _ in range(4):
            y = f(y)
        memory = tracemalloc.get_traced_memory()[0]
        loss = np.sum(y)
        tracemalloc.reset_peak()
        loss.backward()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return memory, peak, x.grad.data

    plain, plain_peak, slope = held(deep)
    saved, saved_peak, saved_slope = held(checkpoint(deep))
    assert np.array_equal(slope, saved_slope)
    assert plain > 190 * 80_000
    assert saved < 6 * 80_000
    assert saved_peak < plain_peak / 2


def test_what_it_holds_is_released_by_backward():
    x, w = leaf(np.ones((100, 100))), leaf(np.ones((100, 100)))
    y = checkpoint(block)(np.exp(x), w)
    loss = np.sum(y)
    arrays = [weakref.ref(a) for a in (y.data, *(n for n in y.node.args if type(n) is np.ndarray and n is not w.data))]
    assert len(arrays) == 2
    loss.backward()
    del y
    assert all(a() is None for a in arrays)
    with pytest.raises(GraphError, match="released"):
        loss.backward()


def test_the_graph_holds_no_tensor(x, w):
    y = checkpoint(lambda pair: block(*pair))([x, w])
    (node,) = (n for n in toposort([y.node]) if n.op is not None)
    assert not any(isinstance(v, Tensor) for v in (*node.inputs, *node.args, *node.inputs[0].args[0]))


def test_a_recorded_tensor_that_is_closed_over_is_refused(x):
    middle = np.exp(x)
    for f in (lambda a: a * middle, lambda a: middle):
        with pytest.raises(GraphError, match=r"checkpoint: the function reads <node \d+: np\.exp>, which is recorded"):
            checkpoint(f)(x)


def test_a_change_of_what_it_will_read_again_is_noticed(x, w):
    c = Tensor(np.ones((3, 3)), name="c")
    given, closed, constant, constant_given = (
        np.sum(checkpoint(block)(x, w)),
        np.sum(checkpoint(lambda x: block(x, w))(x)),
        np.sum(checkpoint(lambda x: x * c)(x)),
        np.sum(checkpoint(lambda x, c: x * c)(x, c)),
    )
    w -= 1
    c -= 1
    for loss, name in ((given, "w"), (closed, "w"), (constant, "c"), (constant_given, "c")):
        with pytest.raises(GraphError, match=f"Tensor '{name}' was changed in place after checkpoint had read it"):
            loss.backward()


def test_under_no_grad_it_is_the_function_itself(x, w):
    with no_grad():
        y = checkpoint(block)(x, w)
    assert not y.requires_grad
    assert np.array_equal(y.data, block(x, w).data)
    assert type(checkpoint(np.exp)(np.ones(3))) is np.ndarray


def test_an_exception_in_the_function():
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return x * 2

    x = leaf([1.0])
    y = checkpoint(f)(x)
    with pytest.raises(KeyboardInterrupt):
        y.backward()
    assert x.grad is None


def test_any_callable_will_do(x):
    class Layer:
        def __call__(self, x):
            return x * 2

    for f in (Layer(), functools.partial(np.multiply, 2.0)):
        assert np.sum(checkpoint(f)(x)).requires_grad
    assert checkpoint(block).__name__ == "block"


def test_keywords(x, w):
    def f(x, *, weight, power=1):
        return np.tanh(x @ weight) ** power

    plain, saved = f(x, weight=w, power=2), checkpoint(f)(x, weight=w, power=2)
    assert np.array_equal(plain.data, saved.data)
    assert same(gradients(np.sum(plain), [x, w]), gradients(np.sum(saved), [x, w]))


@pytest.mark.parametrize("recorded", [True, False])
def test_what_the_function_does_to_its_arguments_in_place_stays_its_own(x, recorded):
    def f(u):
        u -= 1
        u *= 2
        return np.sum(u * u)

    given = x * 1.0 if recorded else x.detach()
    other = leaf(np.ones((3, 3)))
    beside = np.sum(other * given)
    before = given.data.copy()
    y = checkpoint(lambda u, v: f(u) + np.sum(v * u))(given, other)
    assert np.array_equal(given.data, before)
    (y + beside).backward()
    assert np.array_equal(given.data, before)
    assert np.allclose(other.grad.data, before + 2 * (before - 1) if not recorded else before + before)


def test_a_parameter_that_is_frozen_between_gets_no_gradient(x, w):
    y = np.sum(checkpoint(lambda u: u @ w)(x))
    w.requires_grad = False
    y.backward()
    assert w.grad is None
    assert np.allclose(x.grad.data, np.ones((3, 3)) @ w.data.T)


def test_a_function_that_does_something_else_the_second_time(x, w):
    other, runs = leaf(np.ones((3, 3))), []

    def reads_another(u):
        runs.append(1)
        return u * (w if len(runs) == 1 else other)

    def returns_more(u):
        runs.append(1)
        return (u * w,) if len(runs) == 1 else (u * w, u * w)

    for f in (reads_another, returns_more):
        runs.clear()
        result = checkpoint(f)(x)
        y = np.sum(result[0] if isinstance(result, tuple) else result)
        with pytest.raises(GraphError, match=f"{f.__name__} did not do the same when it ran again"):
            y.backward()
    assert x.grad is None


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_a_hook_on_a_parameter_runs_once_on_the_whole_gradient(levels):
    w, x = Tensor(3.0, requires_grad=True), Tensor(2.0, requires_grad=True)
    seen = []
    w.register_hook(lambda g: seen.append(g.item()) or np.clip(g, -1, 1))
    f = times = lambda a: a * w
    for _ in range(levels):
        f = checkpoint(f)
    (f(x) - 2 * times(x)).backward()
    assert seen == [-2]
    assert w.grad.item() == -1


@pytest.mark.parametrize("create_graph", [False, True])
def test_hooks_on_an_argument_run(create_graph):
    def f(z):
        z.register_hook(lambda g: 10 * g)
        return z * z

    x = Tensor([0.25, -0.5], requires_grad=True)
    (g,) = gradients(np.sum(checkpoint(f)(x * 1.0)), x, create_graph=create_graph)
    assert g.tolist() == [5, -10]

"""Functions of functions against closed forms and against each other."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from autograd_dl import (
    Tensor,
    enable_grad,
    grad,
    gradients,
    hessian,
    hvp,
    is_grad_enabled,
    jacobian,
    jvp,
    no_grad,
    value_and_grad,
    vjp,
)
from autograd_dl.errors import DTypeError, ShapeError

A = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]])
X = np.array([0.3, -0.7, 1.1])


def cubic(x):
    return np.sum(x**3)


def bilinear(x, y):
    return np.sum(x * x * y)


# -- closed forms


def test_grad():
    assert np.array_equal(grad(cubic)(X), 3 * X**2)
    assert grad(lambda x: x**3)(2.0) == 12
    assert grad(lambda x: x**3)(2) == 12
    assert type(grad(cubic)(X)) is np.ndarray


def test_value_and_grad():
    value, slope = value_and_grad(cubic)(X)
    assert value == pytest.approx(np.sum(X**3))
    assert np.array_equal(slope, 3 * X**2)


def test_jacobian_of_a_linear_map_is_its_matrix():
    assert np.array_equal(jacobian(lambda x: A @ x)(X), A)
    assert np.array_equal(jacobian(lambda x: x)(X), np.eye(3))
    assert np.array_equal(jacobian(np.exp)(X), np.diag(np.exp(X)))


def test_jacobian_of_matrices():
    j = jacobian(lambda x: x.T)(A)
    assert j.shape == (3, 2, 2, 3)
    assert np.array_equal(j, np.einsum("ad,bc->abcd", np.eye(3), np.eye(2)))


def test_jacobian_of_a_constant_and_of_empty_arrays():
    assert np.array_equal(jacobian(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    assert jacobian(lambda x: x[:0])(X).shape == (0, 3)
    assert jacobian(lambda x: np.sum(x))(np.ones((0, 2))).shape == (0, 2)
    assert isinstance(jacobian(lambda x: x[:0])(Tensor(X)), Tensor)


def test_hessian():
    assert hessian(cubic)(X) == pytest.approx(np.diag(6 * X))
    quadratic = hessian(lambda x: x @ A.T @ A @ x)(X)
    assert quadratic == pytest.approx(2 * A.T @ A)
    assert hessian(lambda x: np.sum(A @ x))(X).tolist() == np.zeros((3, 3)).tolist()


def test_vjp_and_jvp_are_the_jacobian_and_its_transpose():
    def f(x):
        return np.sin(A @ x) * (A @ x)

    j, u, v = jacobian(f)(X), np.array([0.2, -1.5]), np.array([1.0, 0.5, -2.0])
    value, pull = vjp(f, X)
    assert np.array_equal(value, f(X))
    assert pull(u)[0] == pytest.approx(u @ j)
    assert pull(2 * u)[0] == pytest.approx(2 * u @ j)  # it may be called again
    value, pushed = jvp(f, (X,), (v,))
    assert np.array_equal(value, f(X))
    assert pushed == pytest.approx(j @ v)


def test_hvp_is_the_hessian_times_the_vector():
    def f(x):
        return np.sum(np.exp(np.sin(x)) * np.roll(x, 1) ** 2)

    v = np.array([1.0, 0.5, -2.0])
    assert hvp(f, (X,), (v,))[0] == pytest.approx(hessian(f)(X) @ v)


def test_jvp_of_a_function_of_two():
    value, pushed = jvp(bilinear, (X, A[0]), (np.ones(3), np.zeros(3)))
    assert value == pytest.approx(np.sum(X * X * A[0]))
    assert pushed == pytest.approx(np.sum(2 * X * A[0]))
    assert jvp(bilinear, (X, A[0]), (np.zeros(3), np.ones(3)))[1] == pytest.approx(np.sum(X * X))


def test_jvp_of_results_without_a_derivative():
    (value, place), (pushed, none) = jvp(lambda x: (x * 2, np.argmax(x)), (X,), (np.ones(3),))
    assert np.array_equal(value, 2 * X)
    assert place == 2
    assert pushed.tolist() == [2, 2, 2]
    assert none == 0


def test_the_pushed_and_the_pulled_agree_over_many_functions():
    rng = np.random.default_rng(1)
    for f in (
        lambda x: x @ x.T,
        np.cumsum,
        lambda x: np.linalg.inv(x @ x.T + 3 * np.eye(2)),
        lambda x: np.sort(x, axis=1)[:, ::-1],
        lambda x: x[[0, 0, 1], [1, 1, 2]],
        lambda x: np.max(x, axis=0) / (1 + x * x),
    ):
        value, pushed = jvp(f, (A,), (v := rng.normal(size=A.shape),))
        u = rng.normal(size=np.shape(value))
        pulled = vjp(f, A)[1](u)[0]
        assert np.sum(u * pushed) == pytest.approx(np.sum(pulled * v))


# -- argnums


def test_argnums():
    dx, dy = 2 * X * A[0], X * X
    assert grad(bilinear)(X, A[0]) == pytest.approx(dx)
    assert grad(bilinear, 1)(X, A[0]) == pytest.approx(dy)
    assert grad(bilinear, -1)(X, A[0]) == pytest.approx(dy)
    assert grad(bilinear, np.int64(1))(X, A[0]) == pytest.approx(dy)
    both = grad(bilinear, (1, 0))(X, A[0])
    assert type(both) is tuple
    assert both[0] == pytest.approx(dy)
    assert both[1] == pytest.approx(dx)
    assert len(grad(bilinear, [0])(X, A[0])) == 1


def test_argnums_of_jacobian_and_hessian():
    jx, jy = jacobian(lambda x, y: x * y, (0, 1))(X, A[0])
    assert np.array_equal(jx, np.diag(A[0]))
    assert np.array_equal(jy, np.diag(X))
    (hxx, hxy), (hyx, hyy) = hessian(bilinear, (0, 1))(X, A[0])
    assert hxx == pytest.approx(np.diag(2 * A[0]))
    assert hxy == pytest.approx(np.diag(2 * X))
    assert np.array_equal(hxy, hyx.T)
    assert not hyy.any()


@pytest.mark.parametrize("argnums", [2, -3, (0, 0), (0, 5), (1, -1)])
def test_argnums_that_choose_nothing_or_one_twice(argnums):
    with pytest.raises(ShapeError, match="does not choose among 2 arguments"):
        grad(bilinear, argnums)(X, A[0])


# -- arrays in, arrays out; Tensors in, Tensors out


def test_arrays_in_arrays_out():
    for result in (grad(cubic)(X), jacobian(np.exp)(X), hessian(cubic)(X), *jvp(np.exp, (X,), (X,)), vjp(np.exp, X)[0]):
        assert type(result) is np.ndarray
    assert type(grad(lambda x: x * x)(3.0)) is np.float64
    assert type(value_and_grad(cubic)(X)[0]) is np.float64


def test_tensors_in_tensors_out():
    x = Tensor(X, requires_grad=True)
    results = [grad(cubic)(x), jacobian(np.exp)(x), hessian(cubic)(x), *jvp(np.exp, (x,), (X,)), vjp(np.exp, x)[0]]
    assert all(type(r) is Tensor and r.requires_grad for r in results)
    assert gradients(np.sum(grad(cubic)(x)), x)[0].data == pytest.approx(6 * X)
    assert x.grad is None


def test_constant_tensors_give_tensors_without_a_graph():
    value, slope = value_and_grad(cubic)(Tensor(X))
    assert type(value) is type(slope) is Tensor
    assert not value.requires_grad
    assert not slope.requires_grad


def test_a_tensor_beside_the_chosen_argument_counts():
    y = Tensor(A[0], requires_grad=True)
    slope = grad(bilinear)(X, y)
    assert gradients(np.sum(slope), y)[0].data == pytest.approx(2 * X)


def test_closed_over_parameters_can_be_differentiated_again():
    w = Tensor(A[0], requires_grad=True)
    slope = grad(lambda x: np.sum(w * x * x))(Tensor(X))
    np.sum(slope * slope).backward()  # a gradient penalty: Σ (2 w x)²
    assert w.grad.data == pytest.approx(8 * A[0] * X * X)
    assert type(grad(lambda x: np.sum(w * x * x))(X)) is np.ndarray


def test_results_are_the_callers_own():
    value, pull = vjp(np.exp, X)
    value *= 0
    assert pull(np.ones(3))[0] == pytest.approx(np.exp(X))
    given = X.copy()
    value, slope = value_and_grad(lambda x: x)(given[:1])
    value += 7
    slope += 7
    assert np.array_equal(given, X)
    assert slope.flags.owndata


# -- nesting


def test_nesting_to_any_order():
    f = np.sin
    expected = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]
    for derivative in expected:
        assert f(0.7) == pytest.approx(derivative(0.7))
        f = grad(f)


def test_all_ways_to_a_second_derivative_agree():
    def f(x):
        return np.sum(np.tanh(A @ x) ** 3)

    exact = hessian(f)(X)
    assert jacobian(grad(f))(X) == pytest.approx(exact)
    columns = [hvp(f, (X,), (e,))[0] for e in np.eye(3)]
    assert np.stack(columns) == pytest.approx(exact)
    columns = [jvp(grad(f), (X,), (e,))[1] for e in np.eye(3)]
    assert np.stack(columns) == pytest.approx(exact)
    rows = [vjp(grad(f), X)[1](e)[0] for e in np.eye(3)]
    assert np.stack(rows) == pytest.approx(exact)
    columns = [grad(lambda x, e=e: jvp(f, (x,), (e,))[1])(X) for e in np.eye(3)]
    assert np.stack(columns) == pytest.approx(exact)
    columns = [grad(lambda x, i=i: grad(f)(x)[i])(X) for i in range(3)]
    assert np.stack(columns) == pytest.approx(exact)


def test_third_derivatives():
    assert jacobian(hessian(cubic))(X) == pytest.approx(6 * np.einsum("ij,jk->ijk", np.eye(3), np.eye(3)))
    assert jvp(lambda x: hvp(cubic, (x,), (np.ones(3),))[0], (X,), (np.ones(3),))[1] == pytest.approx([6, 6, 6])


def test_perturbations_are_not_confused():
    # d/dx (x · d/dy (x + y)) = 1, not 2 (Siskind and Pearlmutter, 2005)
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(5.0) == 1
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(5.0) == 10
    assert grad(lambda x: grad(lambda y: x * y * y)(x) * x)(3.0) == 6 * 9
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (5.0,), (1.0,))[1] == 1


def test_an_inner_transform_of_a_number_that_closes_over_the_outer_argument():
    assert grad(lambda y: grad(lambda x: x * y)(2.0))(3.0) == 1
    assert grad(lambda y: grad(lambda x: x * x * y**3)(2.0))(3.0) == 4 * 27
    assert grad(lambda y: jvp(lambda x: x * y * y, (2.0,), (1.0,))[1])(3.0) == 6
    assert grad(lambda y: jvp(lambda x: x * x, (2.0,), (y,))[1])(3.0) == 4
    assert grad(lambda y: vjp(lambda x: x * x, 2.0)[1](y)[0])(3.0) == 4
    assert grad(lambda y: hvp(lambda x: x**3 * y, (2.0,), (1.0,))[0])(3.0) == 12
    assert grad(lambda y: value_and_grad(lambda x: x * y)(2.0)[0])(3.0) == 2
    assert jacobian(lambda y: jacobian(lambda x: x * y)(X))(X).shape == (3, 3, 3)
    three = grad(lambda z: grad(lambda y: grad(lambda x: x * y * z)(1.0))(1.0))
    assert three(1.0) == 1


def test_under_no_grad():
    x = Tensor(X, requires_grad=True)
    with no_grad():
        assert grad(cubic)(X) == pytest.approx(3 * X**2)
        assert hessian(cubic)(X) == pytest.approx(np.diag(6 * X))
        assert grad(grad(lambda x: x**3))(2.0) == 12
        slope = grad(cubic)(x)
        assert type(slope) is Tensor
        assert not slope.requires_grad
        assert jvp(np.exp, (X,), (X,))[1] == pytest.approx(np.exp(X) * X)
        assert not is_grad_enabled()


def test_an_output_that_is_returned_twice_under_no_grad():
    def twice(x):
        y = x**2
        return y, y

    with no_grad():
        assert jvp(twice, (3.0,), (1.0,)) == ((9, 9), (6, 6))


def test_the_value_is_an_array_also_where_parameters_are_read():
    w = Tensor(X, requires_grad=True)
    value, slope = value_and_grad(lambda x: np.sum(w * x))(X)
    assert not isinstance(value, Tensor)
    assert type(slope) is np.ndarray


def test_what_has_no_docstring_or_name():
    assert grad(lambda x: x).__doc__.endswith("of <lambda>.")
    double = functools.partial(np.multiply, 2.0)
    assert grad(double).__doc__.endswith(f"of {double!r}.")


def test_no_grad_inside_makes_a_constant():
    def f(x):
        with no_grad():
            weight = np.exp(x)
        with enable_grad():
            return np.sum(weight * x)

    assert grad(f)(X) == pytest.approx(np.exp(X))


def test_a_constant_function_has_the_gradient_zero():
    assert grad(lambda x: 3.0)(X).tolist() == [0, 0, 0]
    assert grad(lambda x: Tensor(3.0))(2.0) == 0
    assert hvp(lambda x: np.sum(x), (X,), (X,))[0].tolist() == [0, 0, 0]


# -- refusals


def test_functions_of_more_than_one_number():
    for transform in (grad, value_and_grad, hessian):
        with pytest.raises(ShapeError, match=r"must return one number, not shape \(3,\); see jacobian"):
            transform(lambda x: x)(X)
    with pytest.raises(ShapeError, match="one number"):
        hvp(lambda x: x, (X,), (X,))
    assert grad(lambda x: x)(X[:1]).tolist() == [1]


def test_integer_arrays_and_tangents_that_do_not_fit():
    with pytest.raises(DTypeError, match="floating-point"):
        grad(cubic)(np.array([1, 2]))
    with pytest.raises(ShapeError, match=r"\[\(3,\)\], not \[\(2,\)\]"):
        jvp(cubic, (X,), (np.ones(2),))
    with pytest.raises(ShapeError, match="the gradient must be a tuple of 2, not ndarray"):
        vjp(lambda x: (x, x), X)[1](np.ones(3))


def test_none_is_no_tangent_and_no_gradient():
    def product(x, y):
        return np.sum(x * y)

    for transform in (jvp, hvp):
        with pytest.raises(ShapeError, match=r"^tangents\[1\] must be a number or an array of shape \(3,\), not None"):
            transform(product, (2.0, X), (1.0, None))
    pull = vjp(lambda x: (x, {"twice": 2 * x}), 2.0)[1]
    with pytest.raises(ShapeError, match=r"^the gradient\[1\]\['twice'\] must be .* shape \(\), not None; give zeros"):
        pull((1.0, {"twice": None}))
    with pytest.raises(ShapeError, match=r"^the gradient must be a number"):
        vjp(product, 2.0, X)[1](None)


def test_aux_is_returned_beside_the_gradient():
    def f(x, y=1.0):
        total = np.sum(x * x)
        return total * y, {"total": total, "rows": [x, "text", None, 3], "y": y}

    slope, aux = grad(f, has_aux=True)(X, y=2.0)
    (value, same), again = value_and_grad(f, has_aux=True)(X, y=2.0)
    assert np.array_equal(slope, 4 * X)
    assert np.array_equal(again, slope)
    assert (value, aux["total"], aux["y"], aux["rows"][1:]) == (2 * np.sum(X * X), np.sum(X * X), 2, ["text", None, 3])
    assert type(aux["rows"][0]) is np.ndarray
    assert not np.shares_memory(aux["rows"][0], X)
    assert aux.keys() == same.keys()
    (by_x, by_y), _ = grad(f, (0, 1), has_aux=True)(X, 2.0)
    assert np.array_equal(by_x, slope)
    assert by_y == aux["total"]


def test_aux_can_be_differentiated_where_the_value_can():
    def cube(x):
        return x**3, x**2

    def slope_and_aux(x):
        slope, square = grad(cube, has_aux=True)(x)
        return slope * square, square

    slope, (square,) = grad(lambda x: (slope_and_aux(x)[0], [slope_and_aux(x)[1]]), has_aux=True)(2.0)
    assert (slope, square) == (12 * 2.0**3, 4)
    assert grad(lambda w: grad(lambda x: (x, x * w), has_aux=True)(3.0)[1])(2.0) == 3  # w is in aux alone
    x = Tensor(2.0, requires_grad=True)
    slope, square = grad(cube, has_aux=True)(x)
    assert [g.item() for s in (slope, square) for g in gradients(s, x)] == [12, 4]
    constant = grad(cube, has_aux=True)(x.detach())[1]
    assert isinstance(constant, Tensor)
    assert not constant.requires_grad


def test_functions_with_aux_return_a_pair():
    with pytest.raises(ShapeError, match=r"one number, not shape .*; see jacobian for more, and has_aux of grad"):
        grad(lambda x: (np.sum(x), x))(X)
    for result, came in ((1.0, "float"), ((1.0, 2.0, 3.0), "3")):
        with pytest.raises(ShapeError, match=f"with has_aux the function must return a pair, .* not {came}"):
            value_and_grad(lambda x: result, has_aux=True)(X)  # noqa: B023 - called at once
    with pytest.raises(ShapeError, match="one number, not shape"):
        grad(lambda x: (x, 1.0), has_aux=True)(X)


def test_keywords_are_passed_on():
    def power(x, *, n=2):
        return np.sum(x**n)

    x = np.array([1.0, 2.0])
    assert grad(power)(x).tolist() == [2, 4]
    assert grad(power)(x, n=3).tolist() == [3, 12]
    assert value_and_grad(power)(x, n=3)[0] == 9
    assert jacobian(lambda x, n: x * n)(x, n=3).tolist() == [[3, 0], [0, 3]]
    assert hessian(power)(x, n=3).tolist() == [[6, 0], [0, 12]]
    assert grad(lambda y: grad(power)(x, n=y)[1])(3.0) == pytest.approx(4 + 12 * np.log(2))
    weight = Tensor(3.0, requires_grad=True)
    slope = grad(lambda x, w: np.sum(w * x * x))(x, w=weight)
    assert gradients(np.sum(slope), weight)[0].item() == 6
    with pytest.raises(ShapeError, match="does not choose among 0 arguments by position"):
        grad(power)(x=x)


@pytest.mark.parametrize(
    ("bad", "said"), [(None, "None"), ("relu", "'relu'"), (np.ones(2, np.int64), "an array of int64.*astype")]
)
def test_what_cannot_be_differentiated_is_named(bad, said):
    with pytest.raises(DTypeError, match=rf"\(argnums=0\) holds {said}"):
        grad(lambda p: np.sum(p["a"]))({"a": np.ones(2), "other": bad})


@pytest.mark.parametrize(
    ("result", "came"), [(None, r"None \(is its return missing\?\)"), ("text", "str"), ((1.0, [None]), "None")]
)
def test_functions_that_return_no_number(result, came):
    for transform in (grad, value_and_grad, jacobian, hessian):
        with pytest.raises(DTypeError, match=f"must return numbers or arrays, and returned {came}"):
            transform(lambda x: result)(1.0)


@pytest.mark.parametrize("product", [vjp, jvp, hvp])
def test_what_takes_no_argnums_does_not_speak_of_them(product):
    given = (np.arange(3),) if product is vjp else ((np.arange(3),), (np.ones(3),))
    with pytest.raises(DTypeError, match=r"^what is differentiated holds an array of int.*by functools\.partial$"):
        product(np.sum, *given)


@pytest.mark.parametrize("product", [jvp, hvp])
def test_arguments_and_tangents_that_are_no_tuples(product):
    with pytest.raises(TypeError, match="args must be a tuple, one for each argument of the function, not float"):
        product(lambda x: x * x, 3.0, 1.0)
    with pytest.raises(TypeError, match=r"tangents must be a tuple, .* not ndarray"):
        product(lambda x: x * x, (3.0,), np.ones(1))


def test_float32_stays():
    x = X.astype(np.float32)
    for result in (grad(cubic)(x), jacobian(np.exp)(x), hessian(cubic)(x), *jvp(np.exp, (x,), (x,))):
        assert result.dtype == np.float32


def test_the_name_is_kept_and_the_docstring_says_what_it_is_of_the_function():
    def cubic(x):
        """The cube."""

    for transform, what in (
        (grad, "gradient"),
        (value_and_grad, "value and the gradient"),
        (jacobian, "Jacobian"),
        (hessian, "Hessian"),
    ):
        assert transform(cubic).__name__ == "cubic"
        assert transform(cubic).__doc__ == f"The {what} of cubic.\n\nThe cube."
    assert grad(functools.partial(cubic)).__doc__.startswith("The gradient of functools.partial(")


def test_arguments_may_be_counted_from_the_end():
    def f(x, y):
        return x**2 * y

    assert [float(grad(f, i)(3.0, 5.0)) for i in (-2, -1)] == [30, 9]


@pytest.mark.parametrize(
    "transform",
    [grad, value_and_grad, jacobian, hessian, lambda f: vjp(f, X), lambda f: jvp(f, (X,), (X,)),
     lambda f: hvp(f, (X,), (X,))],
)  # fmt: skip
def test_what_is_differentiated_is_a_function(transform):
    with pytest.raises(TypeError, match=r"a function, not float64: write grad\(f\)\(x\)"):
        transform(np.float64(3))


@pytest.mark.parametrize("argnums", ["x", 1.5, [0.0]])
def test_argnums_that_are_no_numbers(argnums):
    with pytest.raises(TypeError, match="argnums is the number of an argument, or a sequence of such, not"):
        jacobian(np.sin, argnums)(X)

"""The checker finds each kind of fault that it says it finds, and names it."""

import itertools

import numpy as np
import pytest

from autograd_dl import Tensor
from autograd_dl.errors import AnomalyError, DTypeError
from autograd_dl.functional import sigmoid, softmax
from autograd_dl.ops import defvjp, primitive, relu
from autograd_dl.testing import (
    GradientError,
    KinkError,
    Program,
    Result,
    Step,
    check_forward,
    check_gradients,
    derivative,
)
from autograd_dl.testing.blame import fault_between

X = np.array([[0.3, -1.2, 2.3], [1.7, 0.6, -0.4]])


def cube(rule):
    """x**3, with a rule of its own."""

    @primitive
    def cubed(x):
        return x**3

    defvjp(cubed, rule)
    return cubed


def softmax_by(rule):
    """The softmax of rows, with a rule of its own."""

    @primitive
    def softmax(x):
        e = np.exp(x)
        return e / e.sum(-1, keepdims=True)

    defvjp(softmax, rule)
    return softmax


def changes_its_gradient(g, _ans, x):
    g *= 2
    return g * 3 * x**2


def changes_its_input(g, _ans, x):
    slope = g * 3 * x**2
    if type(x) is not Tensor:
        x += 1e-3
    return slope


def test_a_right_rule_passes_and_says_what_was_compared():
    report = check_gradients(cube(lambda g, _ans, x: g * 3 * x**2), X)
    assert report.comparisons == 5
    assert 0 < report.worst <= 1


calls = itertools.count()


@pytest.mark.parametrize(("rule", "words"), [
    (lambda g, _ans, x: g * 3.03 * x**2,                       r"cubed: the derivative in a random direction"),
    (lambda g, _ans, x: 0 * g,                                 r"input 0, element \[0, 2\] of shape \(2, 3\), at 2.3"),
    (lambda g, _ans, x: g * 3 * (x * x.dot(x.T).trace() / x),  r"cubed: the derivative"),
    (lambda g, _ans, x: g * 3 * x.detach() ** 2 if type(x) is Tensor else g * 3 * x**2, r"the gradient of cubed: "),
    (lambda g, _ans, x: g * 3 * x**2 * (1 + 1e-4 * (next(calls) % 2)), r"cubed: the derivative|differs from one call"),
    (changes_its_gradient,                                     r"derivative|was changed"),
    (changes_its_input,                                        r"derivative|was changed|differs from one call"),
])  # fmt: skip
def test_a_wrong_rule_is_named(rule, words):
    with pytest.raises(GradientError, match=words):
        check_gradients(cube(rule), X)


def test_a_failure_may_be_left_unexplained():
    wrong = cube(lambda g, _ans, x: g * 3.03 * x**2)
    with pytest.raises(GradientError, match=r"^cubed: the derivative in a random direction is .*$") as raised:
        check_gradients(wrong, X, explain=False)
    assert (raised.value.finding, raised.value.suspect, raised.value.program) == (None, None, None)


def test_the_first_order_alone_does_not_see_a_fault_of_the_second():
    f = cube(lambda g, _ans, x: g * 3 * (x.detach() if type(x) is Tensor else x) ** 2)
    check_gradients(f, X, order=1)
    with pytest.raises(GradientError):
        check_gradients(f, X, order=2)


def test_a_fault_that_only_a_random_arriving_gradient_shows_is_found():
    """With ones arriving, the derivative of a softmax is 0: so is that of this wrong rule."""
    with pytest.raises(GradientError):
        check_gradients(softmax_by(lambda g, _ans, _x: 0 * g), X)


def test_lost_precision_is_found():
    f = cube(lambda g, _ans, x: (g * 3 * x**2).astype(np.float16).astype(x.dtype))
    with pytest.raises(GradientError):
        check_gradients(f, X.astype(np.float32))


def test_lost_precision_is_found_in_float16():
    f = cube(lambda g, _ans, x: g * 3 * x**2 * (1.1 if x.dtype == np.float16 else 1))
    check_gradients(cube(lambda g, _ans, x: g * 3 * x**2), X.astype(np.float16))
    with pytest.raises(GradientError, match="the float16 gradient is"):
        check_gradients(f, X.astype(np.float16))


def test_a_gradient_that_is_small_since_its_input_is_large_is_compared_in_float32():
    log = primitive(lambda x: np.log(x))
    defvjp(log, lambda g, _ans, x: g / x * (x.dtype != np.float32))
    for size in (1e6, 1e8):
        check_gradients(np.log, np.array([size], np.float32))
        with pytest.raises(GradientError, match="the float32 gradient is"):
            check_gradients(log, np.array([size], np.float32), order=1)


def test_what_is_too_large_for_float16_is_infinite_there():
    assert check_gradients(np.tan, np.array([1.5703125], np.float16), order=1)


@pytest.mark.parametrize("f", [lambda x: x.numpy(), lambda x: x > 0, lambda x: np.argmax(x)])
def test_a_function_that_records_nothing_is_no_success(f):
    with pytest.raises(GradientError, match="nothing was recorded") as raised:
        check_gradients(f, X)
    assert not raised.value.outside


def test_a_function_that_ignores_its_arguments_is_no_success():
    w = Tensor(X, requires_grad=True)
    with pytest.raises(
        GradientError, match=r"no result depends on any input, .*: compute with the function's arguments$"
    ):
        check_gradients(lambda _: np.sum(w**2), w)


@pytest.mark.parametrize("x", [np.arange(3), np.array([1.0, np.nan]), np.array([np.inf]), np.array([1j])])
def test_inputs_must_be_finite_and_floating(x):
    with pytest.raises(DTypeError, match=r"floating arrays|finite numbers"):
        check_gradients(np.exp, x)


def test_the_op_that_made_the_gradient_nan_is_named():
    with pytest.raises(GradientError) as caught:
        check_gradients(lambda x: np.exp(-np.sqrt((x - x) ** 2)).sum() * np.sum(x), np.ones(2))
    assert "the backward pass of np.sqrt made 2 infinite of 2 numbers" in str(caught.value)
    assert "each op of the graph passes" not in str(caught.value)
    assert isinstance(caught.value.__cause__, AnomalyError)
    with pytest.raises(GradientError, match=r"np\.sqrt makes NaN of finite numbers") as caught:
        check_gradients(lambda x: np.where(x > 0, np.sqrt(x), 0), -np.ones(1))
    assert " made " not in str(caught.value)


def hermitian_pinv(x):
    return np.linalg.pinv(x, hermitian=True)


@pytest.mark.parametrize("f", [np.linalg.cholesky, lambda x: np.linalg.eigvalsh(x) ** 2, hermitian_pinv])
def test_a_matrix_of_which_one_half_is_read_is_to_be_made_symmetric(f):
    x = np.array([[2.0, 0.5], [0.5, 3.0]])
    with pytest.raises(GradientError, match="reads one half of a symmetric matrix") as caught:
        check_gradients(f, x)
    assert "each op of the graph passes" not in str(caught.value)
    assert check_gradients(eval(str(caught.value).partition("check ")[2], {"f": f}), x)


def test_an_op_of_a_computed_matrix_is_no_reason_to_make_the_input_symmetric():
    product = [Step(np.matmul, (Result(0), Result(0))), Step(np.linalg.cholesky, (Result(1),))]
    for steps in (product, [Step(np.sin, (Result(0),)), Step(np.cos, (Result(1),))]):
        assert fault_between(Program([np.eye(2)], steps)).startswith("each op of the graph passes by itself")


def test_what_is_no_input_can_be_checked_in_another_way():
    p = {"W": X, "b": np.ones(3)}
    with pytest.raises(DTypeError, match=r"input 0 is a dict: .* function of its arrays") as caught:
        check_gradients(lambda p: np.exp(p["W"]) + p["b"], p)
    way = str(caught.value).partition(", as ")[2]
    assert eval(way, {"check_gradients": check_gradients, "f": lambda p: np.exp(p["W"]) + p["b"], "p": p})
    with pytest.raises(DTypeError, match=r"input 1 is int64: .*close over it: .*lambda x: f\(x, n\), x\)"):
        check_gradients(lambda x, n: x**n, X, np.int64(3))


def test_constants_and_unused_inputs_have_the_gradient_zero():
    check_gradients(lambda x, y: (x * 2, Tensor(1.0)), X, np.ones(2))


def test_numerical_derivatives_say_how_exact_they_are():
    found = derivative(lambda t: np.exp(2 * t))
    assert abs(found.value - 2) <= found.error < 1e-9


def test_third_order_is_checked_where_it_is_asked_for():
    """The second derivative is exact, but where it is recorded it does not depend on x any more."""

    def frozen(g, _ans, x):
        return g * curve(x)

    @primitive
    def curve(x):
        return 3 * x**2

    defvjp(curve, lambda g, _ans, x: g * 6 * (x.detach() if type(x) is Tensor else x))
    check_gradients(cube(frozen), X, order=2)
    with pytest.raises(GradientError, match="the gradient of the gradient of cubed"):
        check_gradients(cube(frozen), X, order=3)


def test_a_finding_holds_the_numbers():
    with pytest.raises(GradientError) as raised:
        check_gradients(lambda x, y: np.sin(x) + cube(lambda g, _ans, y: g * (3 * y**2 + 0.5))(y), np.ones(3), X[0])
    finding = raised.value.finding
    assert finding.input == 1
    x = X[0][finding.element]
    assert finding.error < 1e-6 < 0.01 < abs(finding.analytic - finding.numerical)
    assert finding.analytic / finding.numerical == pytest.approx((3 * x**2 + 0.5) / (3 * x**2), rel=1e-6)
    assert raised.value.suspect.op == "cubed"
    assert raised.value.suspect.step == 1


def test_a_fault_outside_of_the_graph_is_no_ops():
    shared = np.zeros(2)

    def leaking(x):
        shared[...] += x.numpy()
        return x * Tensor(shared.copy())

    with pytest.raises(
        GradientError, match=r"differs from one call to the next(.|\n)*what was recorded passes by itself: .* array\)$"
    ):
        check_gradients(leaking, np.ones(2))
    with pytest.raises(GradientError, match="what was recorded passes by itself"):
        check_gradients(lambda x: x.detach() * 2, np.ones(2))
    with pytest.raises(GradientError, match="what was recorded passes by itself"):
        check_gradients(lambda x: (np.abs(x[:1]), wrong(x[1:])), np.array([0.0, 1.0]), kinks="allow")


def test_the_complex_step_is_taken_of_an_analytic_reference():
    report = check_gradients(np.tanh, X, analytic=np.tanh, order=1)
    assert report.worst < 1e-3
    assert check_gradients(np.tanh, X, analytic=np.tanh, order=2).comparisons > report.comparisons
    with pytest.raises(GradientError):
        check_gradients(cube(lambda g, _ans, x: g * 3 * x**2 * (1 + 1e-5)), X, analytic=lambda x: x**3)


@pytest.mark.parametrize("reference", [np.abs, lambda x: x**2, lambda x: np.conj(x) ** 3])
def test_a_reference_that_is_another_function_or_not_analytic_is_refused(reference):
    with pytest.raises(ValueError, match="not the same function, or not an analytic one"):
        check_gradients(cube(lambda g, _ans, x: g * 3 * x**2), X, analytic=reference)


def of_two_sizes(x):
    return x * np.array([1e6, 1, 0], x.dtype)


WITH_LISTS = {
    "one result": (np.exp, np.exp),
    "several": (lambda x: np.linalg.slogdet(x[:, :2]), lambda x: np.linalg.slogdet(x[:, :2])),
    "not finite": (lambda x: np.log(abs(x) - 0.3), lambda x: np.log(abs(x) - 0.3)),
    "NaN": (np.sqrt, np.sqrt),
    "nothing": (lambda x: x[:0], lambda x: x[:0]),
    "rounded": (lambda x: x * (1 + 0.9e-7), lambda x: x),
    "rounded beside what is large": (lambda x: of_two_sizes(x) + 1e-12, of_two_sizes),
    "whole numbers": (lambda x: np.argsort(x), lambda x: np.argsort(x)),
}


@pytest.mark.parametrize(("f", "reference"), WITH_LISTS.values(), ids=WITH_LISTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_that_are_the_references_pass(f, reference, dtype):
    with np.errstate(divide="ignore", invalid="ignore"):
        check_forward(f, reference, X.astype(dtype))


@pytest.mark.parametrize(("f", "words"), [
    (lambda x: x * 1.00001,             r"result 0, recorded, element \[0, 2\]: 2\.300023, the reference 2\.3"),
    (lambda x: x[0],                    r"result 0, recorded, is float64 \(3,\), the reference float64 \(2, 3\)"),
    (lambda x: x.astype(np.float32),    r"is float32 \(2, 3\), the reference float64"),
    (lambda x: (x, x),                  r"f returned 2 results, the reference 1"),
    (lambda x: x * np.nan,              r"nan, the reference"),
    (lambda x: x + (0 if x.requires_grad else 1e-3), r"result 0, not recorded"),
])  # fmt: skip
def test_values_that_are_not_are_named(f, words):
    with pytest.raises(GradientError, match=words):
        check_forward(f, lambda x: x, X)


@pytest.mark.parametrize(("f", "reference"), [
    (lambda x: x, lambda x: np.where(x > 1, np.nan, x)),
    (lambda x: x, lambda x: (x, x)),
    (lambda x: of_two_sizes(x) + 1e-7, of_two_sizes),
])  # fmt: skip
def test_values_are_compared_with_all_of_the_reference(f, reference):
    with pytest.raises(GradientError, match="the reference"):
        check_forward(f, reference, X)


def test_how_far_a_value_may_be_off_is_the_same_in_each_dtype():
    for dtype in (np.float64, np.float32, np.longdouble):
        x = X.astype(dtype)
        check_forward(lambda x: x * 1.001, lambda x: x, x, rtol=1e-2)
        with pytest.raises(GradientError, match="the reference"):
            check_forward(lambda x: x * 1.001, lambda x: x, x)


def test_the_seed_is_that_of_the_directions():
    first, again, other = (check_gradients(np.sin, X, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_an_input_may_be_a_tensor():
    assert check_gradients(np.exp, Tensor(X, requires_grad=True))


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match='kinks is "raise" or "allow"'):
        check_gradients(np.exp, X, kinks="ignore")
    with pytest.raises(ValueError, match="order and directions must be at least 1"):
        check_gradients(np.exp, X, order=0)
    with pytest.raises(TypeError, match=r"np\.sin takes 1 argument, and was given 2 inputs"):
        check_gradients(np.sin, X, X)
    with pytest.raises(DTypeError, match="there is nothing to differentiate by"):
        check_gradients(lambda: Tensor(1.0))


FLOAT32 = {
    "softmax": softmax,
    "normalized rows": lambda x: (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True),
    "variance of large numbers": lambda x: np.var(x + 100, axis=1),
    "differences of exponentials": lambda x: np.exp(5 * x) - np.exp(5 * x - 1e-2),
    "determinant": lambda x: np.linalg.det(x @ x.T),
    "inverse": lambda x: np.linalg.inv(x @ x.T),
    "long product": lambda x: np.prod(1 + x / 10, axis=None),
    "norm": lambda x: np.linalg.norm(x, axis=1),
    "power": lambda x: (x + 3) ** 7.5,
}


@pytest.mark.parametrize("f", FLOAT32.values(), ids=FLOAT32)
@pytest.mark.parametrize("seed", range(5))
def test_float32_needs_no_looser_tolerance(f, seed):
    x = np.random.default_rng(seed).uniform(-2, 2, (3, 4)).astype(np.float32)
    check_gradients(f, x, seed=seed)


@pytest.mark.parametrize("f", FLOAT32.values(), ids=FLOAT32)
def test_a_fault_of_one_percent_is_found_in_float32(f):
    x = np.random.default_rng(0).uniform(-2, 2, (3, 4)).astype(np.float32)
    with pytest.raises(GradientError):
        check_gradients(lambda x: f(x.detach() + 1.01 * (x - x.detach())), x)


def test_the_cost_does_not_grow_with_the_number_of_elements():
    calls = []
    check_gradients(lambda x: calls.append(1) or np.tanh(x), np.linspace(-1, 1, 10_000), order=1)
    many = len(calls)
    calls.clear()
    check_gradients(lambda x: calls.append(1) or np.tanh(x), np.linspace(-1, 1, 10), order=1)
    assert many == len(calls)


def wrong(x):
    """x**2 with half its gradient."""
    return x * x.detach()


HIDDEN = {
    "behind a larger input": (lambda x, y: 1e7 * x + wrong(y), 1.0, 1.0),
    "behind large weights": (lambda w, b: np.sum((w * 1000) ** 2) + wrong(b), np.ones(10), 0.01),
    "behind a larger output": (lambda x: (1e7 * x, wrong(x)), 1.0),
    "behind a larger element": (lambda x: x[0] + wrong(x[1]), np.array([1e8, 1.0])),
    "among many elements": (lambda x: np.concatenate([wrong(x[:1]), x[1:] * 2.0]), np.ones(10**4)),
    "in a list in a tuple": (lambda x: (x * 2, [wrong(x)]), 1.0),
    "in a dict": (lambda x: {"a": x * 2, "b": wrong(x)}, 1.0),
}


@pytest.mark.parametrize("case", HIDDEN.values(), ids=HIDDEN)
def test_a_fault_does_not_hide(case):
    f, *inputs = case
    with pytest.raises(GradientError):
        check_gradients(f, *map(np.asarray, inputs), order=1)


@pytest.mark.parametrize("size", [1e6, 1e8])
def test_waves_are_short_beside_a_large_input(size):
    wave = primitive(lambda x: np.sin(x))
    defvjp(wave, lambda g, _ans, x: g * 1.001 * np.cos(x))
    x = np.random.default_rng(0).uniform(0.5, 1, 7) * size
    check_gradients(np.sin, x)
    with pytest.raises(GradientError, match="the derivative in a random direction"):
        check_gradients(wave, x, order=1)


CANCELLING = {
    "a constant": (lambda x: np.sum(x) - 6, lambda x: 1 + 0 * x, [1.0, 2.0, 3.0]),
    "at 0": (lambda x: np.sum(np.exp(x)) - 2, np.exp, [0.0, 0.0]),
    "sines": (lambda x: np.sum(np.sin(x)), np.cos, [0.7, -0.7]),
    "logarithms": (lambda x: np.sum(np.log(x)), lambda x: 1 / x, [0.1, 10.0]),
    "of two sizes": (lambda x: np.sum(np.log(x)), lambda x: 1 / x, [1e-4, 1e4]),
}


@pytest.mark.parametrize(("fun", "slope", "at"), CANCELLING.values(), ids=CANCELLING)
@pytest.mark.parametrize("kinks", ["raise", "allow"])
def test_a_fault_where_the_value_cancels_is_no_kink(fun, slope, at, kinks):
    x, wrong = np.array(at), primitive(lambda x: fun(x))
    defvjp(wrong, lambda g, _ans, x: g * slope(x) * (np.arange(len(at)) != 1))
    check_gradients(fun, x, kinks=kinks)
    with pytest.raises(GradientError) as raised:
        check_gradients(wrong, x, order=1, kinks=kinks)
    assert not isinstance(raised.value, KinkError)


def test_values_too_large_to_tell_differences_are_no_success():
    def offset(f, large):
        return lambda x: f(x) * 0.1 + large

    for large in (1e11, 1e12, 1e14, 1e16):
        for f in (np.sin, wrong):
            with pytest.raises(KinkError, match="f is so large, and rounded so coarsely"):
                check_gradients(offset(f, large), X)
    assert check_gradients(offset(np.sin, 1e11), X, order=1, kinks="allow").kinks == 1
    with pytest.raises(GradientError, match="derivative in a random direction"):
        check_gradients(offset(wrong, 1e5), X)
    check_gradients(lambda x: x * 0.0 + 1e16, X)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: (wrong(x) + 1e10, np.sin(y)),
        lambda x, y: {"a": wrong(x) + 1e10, "b": np.sin(y)},
        lambda x, y: wrong(x) * 1e-4 + 1e6 * y,
    ],
)
def test_a_part_too_large_to_tell_differences_is_no_success(f):
    with pytest.raises(KinkError, match="f is so large") as raised:
        check_gradients(f, np.array(0.5), np.array(0.7))
    assert str(raised.value).endswith('pass kinks="allow" to check_gradients or @gradient_property')


def test_numbers_whose_squares_overflow_are_compared():
    @primitive
    def exp(x):
        return np.exp(x)

    defvjp(exp, lambda g, ans, _x: g * ans * 1.5)
    for f, x in ((exp, 360.0), (exp, 700.0), (lambda x: exp(x) * 1e200, 0.5)):
        with pytest.raises(GradientError, match="derivative in a random direction"):
            check_gradients(f, np.array([x]), order=1)
    check_gradients(np.exp, np.array([360.0]), order=1)


def test_derivatives_go_on_where_a_longer_step_is_infinite():
    assert derivative(lambda t: np.log(2.0**-7 + t)).value == pytest.approx(128)


def test_more_than_float64_and_what_float16_rounds_away():
    check_gradients(np.sin, np.array([0.3], np.longdouble))
    check_gradients(sigmoid, np.array([8.5], np.float16), order=1)


def test_a_kink_among_many_elements_that_are_summed_is_found_where_it_is():
    x = np.random.default_rng(0).standard_normal(10**4)
    x[777] = 0
    with pytest.raises(KinkError, match=r"input 0, element \[777\], at 0: "):
        check_gradients(lambda x: np.sum(relu(x)), x, order=1)


def test_a_result_that_is_a_plain_array_is_no_success():
    with pytest.raises(GradientError, match="f returned a plain float64 array"):
        check_gradients(lambda x: (x * 2, wrong(x).numpy()), X)


def test_the_op_to_blame_is_none_that_reads_one_half_of_a_symmetric_matrix():
    def f(x):
        w, _ = np.linalg.eigh(x + x.T)
        return wrong(w)

    with pytest.raises(GradientError, match=r"passes by itself(.|\n)*argument 1 of np\.multiply, float64"):
        check_gradients(f, X[:, :2] + np.eye(2), order=1)


@pytest.mark.parametrize(
    "before",
    [lambda x: x * np.exp(Tensor(X, requires_grad=True)), lambda x: x + np.exp(-np.exp(1000 * np.absolute(x)))],
    ids=["an op of constants alone", "an op of infinite numbers"],
)
def test_ops_that_cannot_be_checked_by_themselves_are_not_blamed(before):
    wrong = cube(lambda g, _ans, x: g * 3.03 * x**2)
    with pytest.raises(GradientError) as raised:
        check_gradients(lambda x: wrong(before(x)), X)
    assert raised.value.suspect.op == "cubed"


def test_warnings_of_the_function_do_not_spoil_the_report():
    f = cube(lambda g, _ans, x: g * x**2)
    with pytest.raises(GradientError, match="the op to blame is cubed"):
        check_gradients(lambda x: np.where(x < 1e3, f(x), np.exp(x * 1e3)), X, order=1)


@pytest.mark.parametrize("f", [np.tanh, lambda x: x * 2, lambda x: np.sum(x**2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_stage_in_a_smaller_dtype_is_named(f, dtype):
    with pytest.raises(
        GradientError, match=rf"astype makes {dtype.__name__} of float64, .* compute in float64"
    ) as raised:
        check_gradients(lambda x: f(x.astype(dtype)), X)
    assert "each op of the graph passes" not in str(raised.value)


def test_a_stage_that_no_input_reaches_may_be_in_a_smaller_dtype():
    w = Tensor(np.ones(3, np.float32), requires_grad=True)
    wrong = cube(lambda g, _ans, x: g * 2 * x**2)
    with pytest.raises(GradientError, match="the op to blame") as raised:
        check_gradients(lambda x: wrong(x) * np.exp(w), X)
    assert "float32" not in str(raised.value)


def test_a_relu_that_writes_into_its_argument_is_told_to_copy_it():
    @primitive
    def clipped(x):
        x[x < 0] = 0
        return x.copy()

    defvjp(clipped, lambda g, ans, _x: g * (ans > 0))
    with pytest.raises(GradientError, match=r"^input 0 was changed: .* must not be written into, but a copy of it may"):
        check_gradients(clipped, X)


def test_a_result_in_memory_that_the_next_call_takes_is_found():
    memory = np.zeros(3)

    @primitive
    def tripled(x):
        np.multiply(x, 3, out=memory)
        return memory.view()

    defvjp(tripled, lambda g, _ans, _x: 3 * g)
    with pytest.raises(GradientError, match="result 0 was changed by another call"):
        check_gradients(tripled, np.array([1.0, 2.0, 3.0]))


def test_a_fault_of_a_small_gradient_is_found():
    wrong = cube(lambda g, _ans, x: g * 3.03 * x**2)
    with pytest.raises(GradientError):
        check_gradients(lambda x: 1e-6 * wrong(x), X, order=1)


@pytest.mark.parametrize("size", [1e12, 1e20])
def test_a_point_far_from_zero_is_checked_at_its_own_scale(size):
    assert check_gradients(lambda x: np.sin(x / size) * size, X * size, order=1).worst <= 1


def test_no_direction_is_no_check():
    with pytest.raises(ValueError, match="order and directions must be at least 1"):
        check_gradients(np.exp, X, directions=0)


def test_a_fault_of_the_second_order_that_ones_hide_is_found():
    def rule(g, ans, _x):
        y = ans.detach() if type(ans) is Tensor else ans
        return y * (g - (g * y).sum(-1, keepdims=True))

    own = softmax_by(rule)
    check_gradients(own, X, order=1)
    with pytest.raises(GradientError, match="the gradient of softmax"):
        check_gradients(own, X, order=2)


@pytest.mark.parametrize("f", [np.linalg.cholesky, np.linalg.eigvalsh, hermitian_pinv])
def test_an_op_that_reads_one_half_of_a_matrix_is_not_blamed_for_another(f):
    wrong = cube(lambda g, _ans, x: g * 3.03 * x**2)
    with pytest.raises(GradientError) as raised:
        check_gradients(lambda x: wrong(f(np.matmul(x, x.T) + 2 * np.eye(2))), X, order=1)
    assert raised.value.suspect.op == "cubed"


def raises_with_a_note(_g, _ans, _x):
    error = ValueError("no rule yet")
    error.add_note("a note of its own")
    raise error


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (
            lambda g, _ans, _x: (2 * g)[None],
            "the rule of cubed for argument 0 must return a gradient of the argument's",
        ),
        (lambda g, _ans, _x: None, "it returned NoneType"),
        (lambda g, _ans, _x: g * (1 / 0), r"ZeroDivisionError: .* \(raised on the way back through cubed\)"),
        (raises_with_a_note, r"ValueError: no rule yet \(raised on the way back through cubed\)"),
        (lambda g, _ans, _x: g.reshape(77), r"\(raised on the way back through cubed\)"),
        (lambda g, _ans, x: np.multiply(g, 3 * x * x, out=np.empty(X.shape)), "out="),
        (lambda g, _ans, x: g * 3 * np.nextafter(x, 1) ** 2, r"np\.nextafter.* through cubed\)"),
    ],
    ids=["another shape", "nothing", "an error", "one with a note", "an error of ours", "out", "what does not record"],
)
def test_a_rule_that_makes_no_gradient_is_a_failure(rule, told):
    wrong = cube(rule)
    with pytest.raises(GradientError, match=told) as raised:
        check_gradients(lambda x: np.sum(wrong(np.sin(x))), X)
    assert raised.value.suspect.op == "cubed"
    assert "cubed" in str(raised.value.program)
    with pytest.raises(GradientError):
        check_gradients(lambda x: np.sum(wrong(np.sin(x))), X, explain=False)


def test_what_a_function_returns_is_told_with_its_name():
    def forgets(x):
        np.sin(x)

    with pytest.raises(GradientError, match="forgets returned None, in which no Tensor"):
        check_gradients(forgets, X)


@pytest.mark.parametrize("x", [[1e-20, 2.0, 3.0], [3e-20, 1.3, 0.7, 3.1]])
def test_small_factors_of_a_cumulative_product_pass_to_second_order(x):
    check_gradients(np.cumprod, np.array(x))


def test_memory_that_runs_out_is_no_failure_of_a_rule():
    def full(_g, _ans, _x):
        raise MemoryError("full")

    wrong = cube(full)
    with pytest.raises(MemoryError):
        check_gradients(wrong, X)

"""At points where a function has no derivative, or hardly one, the verdict is *kink* or *pass*, never *fail*."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograd_dl import Tensor
from autograd_dl.functional import elu, leaky_relu
from autograd_dl.ops import defvjp, primitive, relu
from autograd_dl.testing import GradientError, KinkError, check_gradients
from autograd_dl.testing.strategies import Domain, arrays, broadcastable, shapes

SHAPES = shapes(max_dims=2, max_side=3)
"""Small ones: each element is looked at, whether it is at a kink."""
SHAPES_WITH_AXES = shapes(min_dims=1, max_dims=2, max_side=3)
AT_ZERO = arrays(SHAPES, domain=Domain(kinks=(0.0,)), at_kinks=True)
AT_BOUNDS = arrays(SHAPES, domain=Domain(kinks=(0.0, 1.0)), at_kinks=True)
TIES = hnp.arrays(np.float64, SHAPES_WITH_AXES, elements=st.sampled_from([0.25, 1.0, 1.5]), fill=st.nothing())
TIES = TIES.filter(lambda x: x.size > 0)
NEARLY_ZERO = hnp.arrays(np.float64, SHAPES, elements=st.integers(0, 16).map(lambda k: 10.0**-k), fill=st.nothing())
ZERO_OR_NOT = arrays(SHAPES_WITH_AXES) | SHAPES_WITH_AXES.map(np.zeros)
TWO_THAT_TIE = broadcastable(max_dims=2, max_side=3).flatmap(
    lambda s: st.tuples(
        *(hnp.arrays(np.float64, n, elements=st.sampled_from([0.5, 1.0]), fill=st.nothing()) for n in s)
    )
)


def guarded_sqrt(x):
    """The double where, by which the branch not taken stays finite."""
    return np.where(x > 0, np.sqrt(np.where(x > 0, x, 1)), 0)


CASES = {
    "relu at 0": (relu, AT_ZERO),
    "abs at 0": (np.abs, AT_ZERO),
    "relu of a product": (lambda x: relu(x * 2 - x) * 3, AT_ZERO),
    "max with ties": (lambda x: np.max(x, axis=-1), TIES),
    "min of all with ties": (np.min, TIES),
    "maximum with ties": (np.maximum, TWO_THAT_TIE),
    "sqrt near 0": (np.sqrt, NEARLY_ZERO),
    "sqrt at 0": (np.sqrt, SHAPES.map(np.zeros)),
    "log near 0": (np.log, NEARLY_ZERO),
    "where at its edge": (lambda x: np.where(x > 0, x, 0), AT_ZERO),
    "where with a jump": (lambda x: np.where(x > 0, x + 1, x), AT_ZERO),
    "guarded sqrt": (guarded_sqrt, AT_ZERO),
    "norm at 0": (np.linalg.norm, ZERO_OR_NOT),
    "clip at its bounds": (lambda x: np.clip(x, 0, 1), AT_BOUNDS),
    "floor at a step": (np.floor, AT_ZERO),
    "leaky relu at 0": (leaky_relu, AT_ZERO),
    "elu at 0": (lambda x: elu(x, 2.0), AT_ZERO),
    "where with two slopes": (lambda x: np.where(x >= 0, x, 2 * x), AT_ZERO),
}


@pytest.mark.parametrize("case", CASES)
def test_a_kink_is_no_failure(case):
    f, strategy = CASES[case]

    @settings(max_examples=settings.default.max_examples // 3, deadline=None)
    @given(inputs=strategy, order=st.integers(1, 2), seed=st.integers(0, 2**32 - 1))
    def holds(inputs, order, seed):
        inputs = inputs if isinstance(inputs, tuple) else (inputs,)
        try:
            check_gradients(f, *inputs, order=order, seed=seed)
        except KinkError:
            check_gradients(f, *inputs, order=order, seed=seed, kinks="allow")

    holds()


@pytest.mark.parametrize(
    ("f", "xs"),
    [
        (leaky_relu, [np.zeros(2)]),
        (lambda x: np.clip(x, -1, 1), [np.array([1.0, -1.0])]),
        (lambda x, y: np.clip(x, 0, 1) + np.clip(y, 0, 1), [np.zeros(1), np.ones(1)]),
    ],
    ids=["leaky relu", "clip", "two inputs"],
)
def test_kinks_that_balance_each_other_are_no_failure(f, xs):
    for seed in range(6):
        check_gradients(f, *xs, kinks="allow", seed=seed)


@pytest.mark.parametrize("near", [0.0, 1e-3, 1e-6, 1e-9, 1e-11])
@pytest.mark.parametrize("slope", [1.0, -2.0])
def test_a_wrong_gradient_beside_a_kink_is_a_failure(near, slope):
    @primitive
    def leaky(x):
        return np.maximum(x, 0.1 * x)

    defvjp(leaky, lambda g, _ans, x: g * np.where(x > 0, slope, 0.1))
    x = np.array([near, 1.0])
    if slope == 1.0:
        check_gradients(leaky, x, kinks="allow")
        return
    with pytest.raises(GradientError) as raised:
        check_gradients(leaky, x)
    assert not isinstance(raised.value, KinkError) or near < 1e-10


def test_a_kink_says_where_it_is_and_how_steep_on_both_sides():
    with pytest.raises(KinkError, match=r"on both sides: input 0, element \[1\], at 0: 0 and") as raised:
        check_gradients(relu, np.array([1.0, 0.0, -1.0]))
    assert raised.value.between
    assert "lies between the slopes on both sides" in str(raised.value)


def test_a_gradient_outside_both_slopes_is_not_allowed():
    @primitive
    def bent(x):
        return np.maximum(x, 0)

    defvjp(bent, lambda g, ans, x: g * np.where(x == 0, 2, x > 0))
    told = r"does not lie between.*element \[0\], at 0: the gradient is 6, the slopes 0 and 3\nat a kink, too, .*"
    with pytest.raises(KinkError, match=told) as raised:
        check_gradients(lambda x: np.sum(bent(x) * 3.0), np.array([0.0, 1.0]), kinks="allow", order=1)
    assert raised.value.suspect.op == "bent"
    assert str(raised.value).endswith("the op to blame is bent, in the gradient of its argument 0")


def test_allowed_kinks_are_counted():
    report = check_gradients(np.abs, np.array([0.0]), kinks="allow")
    assert report.kinks == 2  # both directions of the second order; to first order the slopes' mean is the gradient
    assert check_gradients(np.abs, np.array([1.0]), kinks="allow").kinks == 0


def test_what_is_not_finite_at_the_point_has_no_verdict_but_kink():
    with pytest.raises(KinkError, match=r"np\.log is not finite at this point"):
        check_gradients(np.log, np.array([0.0]))


def test_a_nan_for_a_gradient_where_there_is_one_is_a_failure():
    """The where that guards too late: the branch not taken sends 0 times infinity."""
    with pytest.raises(GradientError) as raised:
        check_gradients(lambda x: np.where(x > 0, np.sqrt(x), 1.0) + 0 * Tensor(1.0), np.array([1.0, -1.0]), order=1)
    assert not isinstance(raised.value, KinkError)


def test_nan_is_no_kink():
    told = r"np\.log is NaN at this point: .*\nnp\.log makes NaN of finite numbers: .* tensors\(domain=POSITIVE\)"
    with pytest.raises(GradientError, match=told) as raised:
        check_gradients(np.log, np.array([-1.0, 2.0]), kinks="allow")
    assert not isinstance(raised.value, KinkError)


def test_a_kink_does_not_hide_a_fault_beside_it():
    @primitive
    def square(x):
        return x**2

    defvjp(square, lambda g, _ans, x: g * 2 * Tensor(x.numpy()) if type(x) is Tensor else g * 2 * x)
    with pytest.raises(GradientError) as raised:
        check_gradients(lambda x: np.abs(x[0]) + square(x[1]), np.array([0.0, 1.0]), kinks="allow")
    assert not isinstance(raised.value, KinkError)


@pytest.mark.parametrize(
    "f", [np.median, lambda x: np.max(x) + np.min(x), lambda x: np.sort(x)[1] * 3.0], ids=["median", "ends", "middle"]
)
def test_slopes_that_do_not_add_up_are_a_kink(f):
    x = np.full(3, 1.0)
    with pytest.raises(KinkError, match="no derivative at this point") as raised:
        check_gradients(f, x, order=1)
    assert not raised.value.outside
    with pytest.raises(KinkError):
        check_gradients(f, x, order=1, kinks="allow")


@pytest.mark.parametrize("shape", [(3, 3), (3, 8), (3, 16), (5, 8)])
def test_slopes_along_an_axis_that_do_not_add_up_are_a_kink(shape):
    with pytest.raises(KinkError):
        check_gradients(lambda x: np.median(x, axis=0), np.ones(shape), order=1)


@pytest.mark.parametrize("seed", [1, 8, 9, 12])
def test_a_part_in_float32_has_slopes_that_cannot_be_seen(seed):
    def f(x):
        return np.sum(x[:1].astype(np.float32).astype(np.float64) ** 2) + np.sum(x[1:] ** 3)

    with pytest.raises(KinkError):
        check_gradients(f, np.ones(2), seed=seed)


@pytest.mark.parametrize("factor", [-1.0, 1.01, 2.0])
def test_a_fault_beside_slopes_that_do_not_add_up_is_found(factor):
    square = primitive(lambda x: x * x)
    defvjp(square, lambda g, _ans, x: factor * g * 2 * x)
    x = np.array([1.0, 1.0, 1.0, 2.0, 3.0])
    for kinks in ("raise", "allow"):
        with pytest.raises(GradientError):
            check_gradients(lambda x: np.median(x[:3]) + square(x[3:]).sum(), x, kinks=kinks)


@pytest.mark.parametrize("kinks", ["raise", "allow"])
def test_an_op_whose_slopes_do_not_add_up_is_not_blamed_for_another(kinks):
    """The square of what is 0 is smooth, though the middle of three numbers is not where they tie."""

    @primitive
    def middle(x):
        return np.median(x)

    @primitive
    def cubed(x):
        return x**3

    defvjp(middle, lambda g, _ans, x: g * (np.arange(x.size) == 1))
    defvjp(cubed, lambda g, _ans, x: g * 3.03 * x**2)
    with pytest.raises(GradientError) as raised:
        check_gradients(lambda x: (middle(x) - 1) ** 2 + np.sum(cubed(x)), np.ones(3), order=1, kinks=kinks)
    assert raised.value.suspect.op == "cubed"


def test_a_fault_among_tiny_results_is_found():
    f = primitive(lambda x: x * x)
    defvjp(f, lambda g, _ans, x: g * 2 * x * np.array([1.0, 2.0, 1.0]))
    with pytest.raises(GradientError):
        check_gradients(lambda x: np.concatenate([f(x), 1e-13 * np.ones(6) * x[:1]]), np.array([1e3, 1.0, 2.0]))


@pytest.mark.parametrize("factor", [1.01, 2.0, -1.0])
@pytest.mark.parametrize("large", [1e3, 1e6, 1e9])
def test_a_fault_beside_a_large_number_is_found(factor, large):
    f = primitive(lambda x: x * x)
    defvjp(f, lambda g, _ans, x: g * 2 * x * np.array([1.0, factor, 1.0]))
    x = np.array([large, 1.0, 2.0])
    assert check_gradients(lambda x: x * x, x).kinks == 0
    with pytest.raises(GradientError, match="the derivative in a random direction"):
        check_gradients(f, x)


@pytest.mark.parametrize("f", [lambda x: np.where(x > 0, x, -x), elu, np.sort])
def test_a_kink_of_a_condition_is_not_said_to_lie_outside_of_the_graph(f):
    with pytest.raises(KinkError) as raised:
        check_gradients(f, np.array([0.0, 0.0, 1.0]))
    assert "outside of the graph" not in str(raised.value)
    assert not raised.value.outside


@pytest.mark.parametrize("outside", [-1.0, 2.0])
def test_a_gradient_below_or_above_both_slopes_is_not_allowed(outside):
    @primitive
    def bent(x):
        return np.maximum(x, 0)

    defvjp(bent, lambda g, _ans, x: g * np.where(x == 0, outside, x > 0))
    with pytest.raises(KinkError, match=f"the gradient is {outside:g}, the slopes 0 and 1"):
        check_gradients(bent, np.array([0.0]), kinks="allow", order=1)

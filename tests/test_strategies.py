"""What the strategies draw: in the strata they promise, away from kinks or at them, and always something that runs."""

import math
import subprocess
import sys
from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from hypothesis import strategies as st

from autograd_dl import Tensor
from autograd_dl.errors import DTypeError
from autograd_dl.functional import conv2d, max_pool2d
from autograd_dl.ops import defvjp, im2col, primitive
from autograd_dl.testing.instructions import OF_IMAGES
from autograd_dl.testing.programs import Result
from autograd_dl.testing.strategies import (
    INSTRUCTIONS,
    NONZERO,
    POSITIVE,
    STRATA,
    UNIT,
    Domain,
    Instruction,
    arrays,
    broadcastable,
    conv_cases,
    einsum_specs,
    graphs,
    indices,
    reduction_axes,
    shapes,
    stratum,
    tensors,
)


def test_they_are_imported_when_they_are_first_asked_for():
    program = """
import sys, autograd_dl.testing
before = "hypothesis" in sys.modules
print(before, autograd_dl.testing.strategies.__name__)
"""
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed == "False autograd_dl.testing.strategies\n"


def generated(count):
    """So many examples, and none of them again."""
    everything = list(HealthCheck)
    return settings(
        max_examples=count, database=None, phases=[Phase.generate], deadline=None, suppress_health_check=everything
    )


def drawn(strategy, count=400, seeded=0):
    """So many examples, the same in each run."""
    found = []

    @seed(seeded)
    @generated(count)
    @given(strategy)
    def draw(example):
        found.append(example)

    draw()
    return found


def test_each_stratum_of_shapes_has_its_tenth():
    shares = Counter(stratum(a.shape) for a in drawn(arrays()))
    total = shares.total()
    assert {kind: round(shares[kind] / total, 2) for kind in STRATA if shares[kind] < 0.1 * total} == {}


def test_a_vector_is_no_square():
    assert stratum((3,)) == "general"


def relation(shapes):
    """How two shapes broadcast."""
    one, other = shapes
    if 0 in (math.prod(one), math.prod(other)):
        return "empty"
    if one == other:
        return "alike"
    if () in (one, other):
        return "with a number"
    return "axes missing" if len(one) != len(other) else "axes stretched"


def test_each_way_of_broadcasting_has_its_tenth():
    pairs = drawn(st.tuples(broadcastable(), st.integers(0, 10**6)))
    shares = Counter(relation(s) for s, _ in pairs)
    assert set(shares) == {"empty", "alike", "with a number", "axes missing", "axes stretched"}
    assert min(shares.values()) >= 0.1 * shares.total(), shares
    for shapes_drawn, _ in pairs:
        np.broadcast_shapes(*shapes_drawn)


@given(broadcastable(3, max_dims=1))
def test_vectors_broadcast_together(found):
    assert len(np.broadcast_shapes(*found)) <= 1


@given(st.integers(0, 3).flatmap(lambda n: st.tuples(st.just(n), shapes(min_dims=n, max_dims=3, max_side=5))))
def test_shapes_keep_their_bounds(drawn_shape):
    least, shape = drawn_shape
    assert least <= len(shape) <= 3
    assert all(0 <= n <= 5 for n in shape)


@given(arrays(domain=Domain(-1, 4, kinks=(0.0, 2.0), margin=0.1)))
def test_points_are_away_from_kinks_and_in_the_domain(x):
    assert x.dtype == np.float64
    assert np.all((x >= -1) & (x <= 4) & (abs(x) >= 0.1) & (abs(x - 2) >= 0.1))


def test_points_reach_all_parts_of_a_domain():
    x = np.concatenate([a.ravel() for a in drawn(arrays(domain=NONZERO), 100)])
    assert x.min() < -1.8
    assert x.max() > 1.8
    assert 0.3 < np.mean(x > 0) < 0.7


@given(arrays(shapes(min_dims=1).filter(lambda s: 0 not in s), domain=Domain(kinks=(0.0, 1.0)), at_kinks=True))
def test_points_at_kinks_are_exactly_there(x):
    assert np.any((x == 0) | (x == 1))


def test_a_domain_without_numbers_is_refused():
    for domain in (Domain(3.0, 1.0), Domain(-1.0, 1.0, kinks=(0.0,), margin=1.0)):
        with pytest.raises(ValueError, match="no number is left in Domain"):
            domain.numbers(np.array([0.5]))


def test_points_at_kinks_need_kinks():
    with pytest.raises(ValueError, match="at_kinks needs a domain with kinks"):
        drawn(arrays((2,), at_kinks=True), 1)


@given(arrays(distinct=True))
def test_distinct_numbers_are_distinct(x):
    assert len(np.unique(x)) == x.size


@pytest.mark.parametrize(
    ("shape", "dtype", "domain"),
    [
        ((20,), "f2", Domain(50, 52)), ((65,), "f2", Domain(50, 52)), ((300,), "f2", UNIT), ((4,), "i4", Domain(-3, 3)),
        ((20,), "f4", Domain(1, 1 + 1e-5)), ((20,), "f8", Domain(1, 1 + 1e-14)), ((4, 5), "f2", Domain(-1e6, 1e6)),
    ],
)  # fmt: skip
def test_distinct_numbers_are_distinct_and_in_the_domain_in_every_dtype(shape, dtype, domain):
    for x in drawn(arrays(shape, dtype, domain, distinct=True), 20):
        assert (x.shape, x.dtype) == (shape, dtype)
        assert len(np.unique(x)) == x.size
        assert np.all((x.astype(float) >= domain.low) & (x.astype(float) <= domain.high))


def test_distinct_numbers_keep_the_kinks_where_they_are():
    for x in drawn(arrays((20,), "f2", Domain(kinks=(0.0, 1.0)), distinct=True, at_kinks=True), 50):
        assert len(np.unique(x)) == x.size
        assert np.any((x == 0) | (x == 1))


def test_distinct_numbers_that_stay_so_are_rounded_and_no_more():
    x, y = (drawn(arrays((5,), dtype, Domain(kinks=(0.0,)), distinct=True), 50) for dtype in ("f8", "f4"))
    np.testing.assert_array_equal(np.float32(x), y)


@pytest.mark.parametrize(
    ("dtype", "domain"),
    [("f2", Domain(1000, 1010, (1005.0,), 0.2)), ("f2", Domain(1000, 1010, (1005.3,), 0.1)), ("i4", NONZERO)],
)
def test_rounding_puts_no_number_onto_a_kink(dtype, domain):
    for x in drawn(arrays((20,), dtype, domain), 50):
        assert not np.isin(x, np.array(domain.kinks, dtype)).any()


@pytest.mark.parametrize(
    ("size", "dtype", "domain", "distinct", "words"),
    [
        (
            66,
            "f2",
            Domain(50, 52),
            True,
            "float16 has 65 numbers to draw from in .*, too few for 66 that are distinct: draw",
        ),
        (3, "i8", NONZERO, True, "int64 has 2 numbers .* too few for 3 that are distinct"),
        (2, "f2", Domain(1000.1, 1000.4), False, "float16 has 0 numbers .* too few for 2: draw"),
    ],
)
def test_a_dtype_with_too_few_numbers_in_the_domain_is_refused(size, dtype, domain, distinct, words):
    with pytest.raises(DTypeError, match=words):
        drawn(arrays((size,), dtype, domain, distinct=distinct), 1)


def test_arrays_of_other_dtypes_and_of_nothing():
    assert drawn(arrays((0,), bool, UNIT), 1)[0].shape == (0,)
    assert drawn(arrays((3,), complex), 1)[0].dtype == complex
    drawn(arrays((3,), "u1", Domain(0, 9, (-1.0,)), at_kinks=True), 5)


@pytest.mark.parametrize("shape", [3, np.int64(3), st.just(3), [3], (3,)])
def test_a_length_is_the_shape_of_a_vector(shape):
    assert drawn(arrays(shape), 1)[0].shape == drawn(tensors(shape), 1)[0].shape == (3,)
    assert drawn(graphs(shape=shape), 1)[0].inputs[0].shape == (3,)


@given(tensors((2, 3), np.float32, POSITIVE, requires_grad=False) | tensors((2, 3), np.float32, POSITIVE))
def test_tensors_are_what_was_asked_for(t):
    assert type(t) is Tensor
    assert (t.shape, t.dtype) == ((2, 3), np.float32)
    assert t.numpy().min() > 0


@given(shapes().flatmap(lambda s: st.tuples(st.just(s), reduction_axes(len(s)))))
def test_axes_are_axes(case):
    shape, axis = case
    np.ones(shape).sum(axis=axis)


def kind_of_key(key):
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(p, np.ndarray) and p.dtype == bool for p in parts):
        return "mask"
    if any(isinstance(p, np.ndarray) for p in parts):
        return "mixed" if len(parts) > 1 else "integers"
    return "None" if None in parts else "Ellipsis" if ... in parts else "basic"


def test_keys_of_all_kinds_index():
    kinds = Counter()
    for shape, key in drawn(shapes().flatmap(lambda s: st.tuples(st.just(s), indices(s)))):
        np.ones(shape)[key]
        if math.prod(shape) > 1:
            kinds[kind_of_key(key)] += 1
    assert set(kinds) == {"mask", "integers", "mixed", "basic", "None", "Ellipsis"}


@given(einsum_specs())
def test_einsum_takes_its_subscripts(case):
    subscripts, operands = case
    np.einsum(subscripts, *map(np.ones, operands))


@given(conv_cases())
def test_filters_fit_their_images(case):
    im2col(np.ones(case.shape), case.filter_h, case.filter_w, case.stride, case.pad)


@pytest.fixture(scope="module")
def programs():
    """With several seeds: those that are drawn with one are alike."""
    return [program for k in range(6) for program in drawn(graphs(), 100, k)]


def test_programs_have_all_the_ops_in_them(programs):
    """Shared subexpressions and more than one input among them; each instruction is drawn by itself, too."""
    used = Counter(step.fun for p in programs for step in p.steps)
    assert len(used) > 40
    assert sum(len(p.inputs) > 1 for p in programs) > 60
    assert sum(len(p.steps) > 2 for p in programs) > 120
    assert any(p.results(*map(Tensor, p.inputs)) and shared(p) for p in programs)


def shared(program):
    counts = Counter(arg.number for step in program.steps for arg in step.args if hasattr(arg, "number"))
    return max(counts.values(), default=0) > 1


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=repr)
def test_each_instruction_finds_points_that_fit(instruction):
    programs = graphs(max_steps=1, instructions=[instruction])
    find(programs, lambda p: p.steps[0].fun is instruction.fun, settings=generated(60), random=Random(0))


TIE = np.ones((1, 1, 2, 2))


@pytest.mark.parametrize(
    ("fun", "x"),
    [(np.max, TIE), (np.sort, TIE), (max_pool2d, TIE), (conv2d, np.ones((1, 1, 0, 2))), (np.take, np.ones(()))],
)
def test_no_instruction_takes_a_kink_or_what_it_cannot_compute(fun, x):
    (instruction,) = [i for i in INSTRUCTIONS if i.fun is fun]
    assert not instruction.fits(x)


@pytest.mark.parametrize(
    ("fun", "x", "y"),
    [(np.maximum, np.ones(2), np.array([1.01, 3])), (conv2d, TIE, np.ones(2)), (conv2d, TIE, np.ones((1, 1, 0, 2))),
     (conv2d, TIE, np.ones((1, 1, 3, 2))), (conv2d, TIE, np.ones((1, 1, 1, 9)))],
)  # fmt: skip
def test_no_second_argument_makes_a_kink_or_does_not_fit(fun, x, y):
    (instruction,) = [i for i in INSTRUCTIONS if i.fun is fun]
    assert instruction.partner is not None
    assert not instruction.partner.accepts(x, y)


@given(broadcastable(2, max_dims=0))
def test_numbers_alone_have_no_axes(found):
    assert found == ((), ())


def test_of_programs_a_tenth_share_a_result_and_some_convolve_and_pool(programs):
    def reads(argument):
        if isinstance(argument, Result):
            return {argument.number}
        return {n for a in argument for n in reads(a)} if isinstance(argument, (tuple, list)) else set()

    read = [Counter(n for step in p.steps for n in reads(step.args)) for p in programs]
    assert sum(max(counts.values()) > 1 for counts in read) >= 60
    images = {instruction.fun for instruction in OF_IMAGES}
    assert len(images) == 4
    found = [{step.fun for step in p.steps} & images for p in programs]
    assert sum(map(bool, found)) >= 40
    assert set.union(*found) == images


def test_every_other_step_is_one_of_ones_own():
    @primitive
    def mine(x):
        return 2 * x

    defvjp(mine, lambda g, _ans, _x: 2 * g)
    programs = drawn(graphs(own=[Instruction(mine)]), 100)
    assert sum(any(step.fun is mine for step in p.steps) for p in programs) > 50
    assert any(step.fun is not mine for p in programs for step in p.steps)

"""Every spec row: gradients against numerical ones, values against NumPy's, dtypes, and the layout of memory."""

import operator
import random
from contextlib import contextmanager, nullcontext
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specs import SPECS, cases_of, elementwise, examples, listed, products
from specs.base import pairs
from specs.indexing import KEYS

from autograd_dl import Tensor, engine, gradients, table
from autograd_dl.errors import DTypeError
from autograd_dl.pullback import Parts, Placed
from autograd_dl.tensor import bare
from autograd_dl.testing import check_gradients

DTYPES = [np.float16, np.float32, np.float64]

every_spec = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)


SETS = max(1, settings.default.max_examples // 12)
"""How many sets of cases each row is tested with."""
SEEDS = [0, *(random.getrandbits(32) for _ in range(SETS - 1))]


def every_case(test):
    """Give a test of a row and a case each case of each row."""

    @every_spec
    def with_all(spec):
        for seed in SEEDS:
            all_cases(test, spec, seed)

    return with_all


def all_cases(test, spec, seed):
    for case in cases_of(spec, seed):
        try:
            test(spec, case)
        except BaseException as error:
            shapes = [x.shape for x in case.arrays]
            error.add_note(f"in a case of {spec.name}: {shapes}, {case.options}, seed {seed}")
            raise


def dtypes_of(spec):
    return DTYPES if spec.half else DTYPES[1:]


def recorded(arrays, dtype=np.float64):
    return [Tensor(x.astype(dtype), requires_grad=True) for x in arrays]


def pulled(outputs, inputs, seed=0, **options):
    """The gradients of `inputs`, where random ones arrive at `outputs`."""
    outputs = [y for y in listed(outputs) if type(y) is Tensor and y.requires_grad]
    rng = np.random.default_rng(seed)
    return gradients(outputs, inputs, [rng.standard_normal(y.shape).astype(y.dtype) for y in outputs], **options)


@every_spec
def test_each_choice_of_a_row_is_among_its_cases(spec):
    for seed in (0, 1):
        made = [(tuple(x.shape for x in case.arrays), *case.options.values()) for case in spec.cases(seed)]
        assert set().union(*map(pairs, made)) == set().union(*map(pairs, spec.cases.choices())), seed


def test_the_lists_of_keys_are_gone_through():
    (spec,) = [s for s in SPECS if s.name == "getitem"]
    assert len(spec.cases()) == len(KEYS)


@every_spec
@settings(max_examples=SETS)
@given(seed=st.integers(0, 2**32 - 1))
def test_gradients_are_the_numerical_ones_to_second_order(spec, seed):
    def check(spec, case):
        check_gradients(lambda *xs: spec.f(*xs, **case.options), *case.arrays, directions=1)

    all_cases(check, spec, seed)


@every_case
def test_values_shapes_and_dtypes_are_numpys(spec, case):
    for dtype in dtypes_of(spec):
        arrays = [x.astype(dtype) for x in case.arrays]
        expected = listed(spec.reference(*arrays, **case.options))
        found = listed(spec.f(*map(Tensor, arrays), **case.options))
        assert len(found) == len(expected)
        for y, e in zip(found, expected, strict=True):
            assert type(y) is Tensor or e.dtype.kind != "f"
            assert (y.shape, y.dtype) == (e.shape, e.dtype)
            tolerance = 30 * np.finfo(dtype).eps * max(1.0, np.max(np.abs(e), initial=0))
            np.testing.assert_allclose(bare(y), e, rtol=0, atol=tolerance)


@every_case
def test_gradients_keep_shape_and_dtype_before_the_engine_casts(spec, case):
    for dtype in dtypes_of(spec):
        inputs = recorded(case.arrays, dtype)
        outputs = spec.f(*inputs, **case.options)
        mixed = any(y.dtype.kind == "f" and y.dtype != dtype for y in listed(outputs))
        with nullcontext() if mixed else rules_checked():
            first = pulled(outputs, inputs, create_graph=True)
            second = pulled(first, inputs) if any(g.requires_grad for g in first) else []
        for x, *gs in zip(inputs, first, second or first, strict=True):
            assert {(g.shape, g.dtype) for g in gs} == {(x.shape, x.dtype)}


@contextmanager
def rules_checked():
    """Watch what each rule returns, before the engine fits it to its argument. (Sums of float16 stay float16 here.)"""
    fitted = engine.fitted

    def watched(part, like, op, i):
        part = part.whole() if type(part) is Placed else part
        assert type(part) is Parts or part.dtype == like.dtype, f"the rule of {op} for argument {i} gave {part.dtype}"
        return fitted(part, like, op, i)

    with mock.patch.object(engine, "fitted", watched), mock.patch.object(engine, "total", operator.add):
        yield


@every_case
def test_what_no_rule_reads_may_be_let_go(spec, case):
    """As the graph does with all that is large."""
    found = []
    for small in (table.SMALL, -1):
        with mock.patch.object(table, "SMALL", small):
            inputs = recorded(case.arrays)
            first = pulled(spec.f(*inputs, **case.options), inputs, create_graph=True)
            second = pulled(first, inputs) if any(g.requires_grad for g in first) else []
            found.append([g.numpy() for g in (*first, *second)])
    for held, let_go in zip(*found, strict=True):
        np.testing.assert_array_equal(held, let_go)


LAYOUTS = {
    "reversed": lambda x: np.flip(Tensor(np.flip(x), requires_grad=True)),
    "column-major": lambda x: Tensor(x.T, requires_grad=True).T,
    "strided": lambda x: Tensor(np.stack([x, x], -1), requires_grad=True)[..., 1],
    "read-only": lambda x: np.broadcast_to(Tensor(x, requires_grad=True), x.shape),
}


@every_spec
def test_the_layout_of_memory_does_not_matter(spec):
    for case in examples(spec):
        plain = recorded(case.arrays)
        ys = listed(spec.f(*plain, **case.options))
        gs = pulled(ys, plain)
        for name, layout in LAYOUTS.items():
            other = [layout(x) for x in case.arrays]
            zs = listed(spec.f(*other, **case.options))
            for y, z in zip(ys, zs, strict=True):
                np.testing.assert_allclose(bare(z), bare(y), rtol=1e-12, atol=1e-12, err_msg=name)
            for g, h in zip(gs, pulled(zs, other), strict=True):
                np.testing.assert_allclose(h.numpy(), g.numpy(), rtol=1e-10, atol=1e-12, err_msg=name)


def test_the_layouts_are_what_their_names_say():
    flags = {name: layout(np.ones((3, 4))).numpy().flags for name, layout in LAYOUTS.items()}
    assert flags["column-major"].f_contiguous
    assert not flags["reversed"].forc
    assert not flags["strided"].forc
    assert not flags["read-only"].writeable


def takes_twins(spec):
    return any(len(case.arrays) > 1 and len({x.shape for x in case.arrays}) == 1 for case in examples(spec))


@pytest.mark.parametrize("spec", [s for s in SPECS if takes_twins(s)], ids=lambda spec: spec.name)
def test_the_same_tensor_for_all_arguments_gets_the_sum_of_their_gradients(spec):
    for case in examples(spec):
        if len({x.shape for x in case.arrays}) > 1:
            continue
        (x,) = recorded(case.arrays[:1])
        apart = recorded(case.arrays[:1] * len(case.arrays))
        (total,) = pulled(spec.f(*[x] * len(apart), **case.options), [x])
        each = pulled(spec.f(*apart, **case.options), apart)
        np.testing.assert_allclose(total.numpy(), sum(g.numpy() for g in each), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("spec", [s for s in SPECS if not s.half], ids=lambda spec: spec.name)
def test_linear_algebra_refuses_float16_by_name(spec):
    def call_all():
        for case in examples(spec):  # not all norms need what NumPy refuses
            spec.f(*(Tensor(x.astype(np.float16)) for x in case.arrays), **case.options)

    with pytest.raises(DTypeError, match=r"linalg\.\w+\(float16.*unsupported"):
        call_all()


# -- operands of several dtypes


def takes_two(spec):
    return spec.half and all(len(case.arrays) == 2 for case in examples(spec))


BINARY = [spec for part in (elementwise, products) for spec in part.SPECS if spec is not None and takes_two(spec)]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.bool_, np.float16])
@pytest.mark.parametrize("i", [0, 1])
@pytest.mark.parametrize("spec", BINARY, ids=lambda spec: spec.name)
def test_an_operand_of_another_dtype_counts_as_its_numbers_in_float64(spec, i, dtype):
    rng = np.random.default_rng(0)
    for case in examples(spec):
        values = rng.choice([1, 3, 100], case.arrays[i].shape).astype(dtype)
        gs = []
        for other in (values, values.astype(np.float64)):
            (x,) = recorded([case.arrays[1 - i]])
            y = spec.f(*((other, x) if i == 0 else (x, other)), **case.options)
            gs.append(pulled(y, [x])[0].numpy())
        np.testing.assert_allclose(*gs, rtol=1e-12)

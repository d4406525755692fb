"""Hypothesis strategies: arrays and Tensors away from kinks or at them, shapes, axes, indices, and programs of ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import DTypeLike, NDArray

from ..engine import Tensor
from ..errors import DTypeError
from . import examples
from .examples import NONZERO as NONZERO
from .examples import POSITIVE as POSITIVE
from .examples import REAL as REAL
from .examples import STRATA as STRATA
from .examples import UNIT as UNIT
from .examples import ConvCase as ConvCase
from .examples import Domain as Domain
from .examples import Shape
from .examples import broadcastable as broadcastable
from .examples import conv_cases as conv_cases
from .examples import einsum_specs as einsum_specs
from .examples import indices as indices
from .examples import reduction_axes as reduction_axes
from .examples import shapes as shapes
from .examples import stratum as stratum
from .instructions import INSTRUCTIONS as INSTRUCTIONS
from .instructions import OF_IMAGES
from .instructions import Instruction as Instruction
from .programs import Program, Result, Step, renumbered

IMAGE_SHAPES = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(2, 4), st.integers(2, 4))
"""Shapes of a few small images, (N, C, H, W)."""
AnyShape = Shape | int | st.SearchStrategy[Shape] | st.SearchStrategy[int] | None
"""A shape as Hypothesis takes it for its own arrays: the length may stand for the shape of a vector."""


@st.composite
def arrays(
    draw: st.DrawFn,
    shape: AnyShape = None,
    dtype: DTypeLike = np.float64,
    domain: Domain = REAL,
    *,
    distinct: bool = False,
    at_kinks: bool = False,
) -> NDArray[Any]:
    """Arrays of numbers of a domain, no two of them alike if `distinct`; if `at_kinks`, some are exactly at a kink.

    `shape` may be the length of a vector, or a strategy; without one `shapes()` is drawn from. When drawn, raises
    ValueError if `at_kinks` and the domain has none, and `DTypeError` if the dtype has too few numbers of the domain.
    """
    if shape is not None:
        sides: Any = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
        shape = (int(sides),) if isinstance(sides, (int, np.integer)) else tuple(sides)
    drawn = draw(examples.arrays(shape, np.float64, domain, distinct=distinct, at_kinks=at_kinks))
    values = drawn.ravel()
    there = np.flatnonzero(np.isin(values, domain.kinks))
    if distinct:
        there = there[np.unique(values[there].astype(dtype), return_index=True)[1]]  # one at each kink
    free = np.delete(np.arange(values.size), there)
    held = np.empty(values.shape, dtype)
    held[there] = values[there]
    held[free] = _held(values[free], held.dtype, domain, distinct)
    return held.reshape(drawn.shape)


def _held(values: NDArray[Any], dtype: np.dtype[Any], domain: Domain, distinct: bool) -> NDArray[Any]:
    """The values in that dtype; where rounding takes one out of the domain, or onto another, the next number there."""
    places = max(256, 16 * values.size)
    even = domain.numbers((np.arange(places) + 0.5) / places)
    with np.errstate(all="ignore"):  # what the dtype cannot hold is no number of the domain
        wanted, kinks = values.astype(dtype), np.array(domain.kinks, dtype)
        points = np.unique(np.append(even, values).astype(dtype))
    inside = [(np.float64(a) <= points) & (points <= np.float64(b)) for a, b in domain.segments()]
    points = points[np.any(inside, axis=0) & ~np.isin(points, kinks)]
    needed = values.size if distinct else min(values.size, 1)
    if len(points) < needed:
        raise DTypeError(
            f"{dtype} has only {len(points)} of {places} numbers that lie evenly in {domain}, and {needed} must be "
            "there: draw fewer, from a wider domain, or in a finer dtype"
        )
    order = np.argsort(wanted, kind="stable")
    steps = np.arange(values.size) if distinct else 0
    found = np.maximum.accumulate(np.searchsorted(points, wanted[order]) - steps)
    held = np.empty_like(wanted)
    held[order] = points[np.minimum(found, len(points) - needed) + steps]
    return held


def tensors(
    shape: AnyShape = None,
    dtype: DTypeLike = np.float64,
    domain: Domain = REAL,
    *,
    requires_grad: bool = True,
    distinct: bool = False,
    at_kinks: bool = False,
) -> st.SearchStrategy[Tensor]:
    """Tensors of such arrays; see `arrays`."""
    values = arrays(shape, dtype, domain, distinct=distinct, at_kinks=at_kinks)
    return values.map(lambda a: Tensor(a, requires_grad=requires_grad))


@st.composite
def graphs(
    draw: st.DrawFn,
    max_steps: int = 6,
    own: Sequence[Instruction] = (),
    instructions: Sequence[Instruction] = INSTRUCTIONS,
    shape: AnyShape = None,
) -> Program:
    """Random programs of ops, each of them smooth at the values that it gets there.

    Every step takes earlier results, so that subexpressions are shared, and new inputs where it needs more; what does
    not count for the output is left out. Every other step is one of your `own`, wherever it fits:
    `graphs(own=[Instruction(my_op)])`. Without a `shape`, every fourth program begins with images, (N, C, H, W).
    """
    values: list[NDArray[Any]] = [
        draw(arrays(shapes() | shapes() | shapes() | IMAGE_SHAPES if shape is None else shape))
    ]
    inputs = [0]
    steps: dict[int, Step] = {}
    for _ in range(draw(st.integers(1, max_steps))):
        last = len(values) - 1
        back = st.just(0) | st.just(0) | st.integers(0, last)  # mostly none, so that programs are deep
        x = last - draw(back)
        instruction = draw(_instruction(values[x], own, instructions))
        if instruction is None:
            continue
        args: list[Any] = [Result(x)]
        if instruction.partner is not None:
            other = draw(_partner(instruction, x, values))
            if not isinstance(other, int):
                inputs.append(len(values))
                values.append(other)
                other = inputs[-1]
            args.append(Result(other))
        rest, options = draw(instruction.rest(values[x]))
        operands = (args,) if instruction.joins else tuple(args)
        step = Step(instruction.fun, (*operands, *rest), options)
        result = _computed(step, values)
        if result is not None:
            steps[len(values)] = step
            values.append(result)
    if not steps:
        steps[len(values)] = Step(np.multiply, (Result(len(values) - 1), Result(len(values) - 1)))
    new = {old: i for i, old in enumerate([*inputs, *steps])}
    renamed = [step._replace(args=renumbered(step.args, new)) for step in steps.values()]
    return Program([values[i] for i in inputs], renamed).needed()


@st.composite
def _instruction(
    draw: st.DrawFn, x: NDArray[Any], own: Sequence[Instruction], others: Sequence[Instruction]
) -> Instruction | None:
    """One that fits x, if any does. Those that join two values, or take images alone, come more often than the rest."""
    mine, possible = ([i for i in some if i.fits(x)] for some in (own, others))
    if mine and (not possible or draw(st.sampled_from([True, False]))):
        return draw(st.sampled_from(mine))
    joining, of_images = [i for i in possible if i.partner is not None], [i for i in possible if i in OF_IMAGES]
    kinds = [st.sampled_from(some) for some in (possible, joining, of_images) if some]
    return draw(st.one_of(kinds)) if kinds else None


def _computed(step: Step, values: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """What a step makes; None if it is too large to go on with."""
    tensors = [Tensor(v) for v in values]
    result = Program([], [step]).results(*tensors)[-1].numpy()
    return result if result.size <= 200 and np.max(np.abs(result), initial=0) < 1e3 else None


@st.composite
def _partner(draw: st.DrawFn, instruction: Instruction, x: int, values: Sequence[NDArray[Any]]) -> Any:
    """The number of an earlier result that can be the second argument, or a new array that can."""
    assert instruction.partner is not None
    earlier = [i for i, v in enumerate(values) if instruction.partner.accepts(values[x], v)]
    reuse: bool = draw(st.sampled_from([False, True, True])) if earlier else False
    if reuse:
        return draw(st.sampled_from(earlier[::-1]))
    return draw(instruction.partner.new(values[x]))

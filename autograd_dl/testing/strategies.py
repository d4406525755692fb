"""Hypothesis strategies: arrays and Tensors away from kinks or at them, shapes, axes, indices, and programs of ops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import DTypeLike, NDArray

from ..engine import Tensor
from .examples import NONZERO as NONZERO
from .examples import POSITIVE as POSITIVE
from .examples import REAL as REAL
from .examples import STRATA as STRATA
from .examples import UNIT as UNIT
from .examples import AnyShape
from .examples import ConvCase as ConvCase
from .examples import Domain as Domain
from .examples import arrays as arrays
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

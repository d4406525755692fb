"""Whose fault it is: each op of a recorded program is checked by itself, on the values that it got there."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine import Tensor, no_grad
from ..table import title_of
from ..tensor import bare
from .levels import Arrays
from .programs import Program, Result, Step, numbers_in, renumbered, replaced


class Suspect(NamedTuple):
    """The op to blame, the number of its argument whose gradient is wrong, and the op alone, as a program that fails.

    `step` is its place among the steps of the whole program.
    """

    op: str
    argument: int | None
    step: int
    alone: Program

    def __str__(self) -> str:
        which = "" if self.argument is None else f", in the gradient of its argument {self.argument}"
        return f"the op to blame is {self.op}{which}"


def op_to_blame(program: Program, inputs: Arrays, fails: Callable[[Program], bool]) -> Suspect | None:
    """The first op of a program that fails by itself; None if none does, and the fault lies between them."""
    with no_grad(), np.errstate(all="ignore"):
        values = [bare(v) for v in program.results(*map(Tensor, inputs))]
    for place, step in enumerate(program.steps):
        if any(isinstance(values[i], tuple) for i in numbers_in(step.args)):  # it takes one of several results
            continue
        alone = _alone(step, values)
        if alone.inputs and all(_is_floating(x) for x in alone.inputs) and fails(alone):
            return Suspect(title_of(step.fun), _argument(step, values, fails), place, alone)
    return None


def _alone(step: Step, values: list[NDArray[np.float64]], only: int | None = None) -> Program:
    """One step, as a program of the results that it takes (or of that one alone; the others are constants)."""
    taken = sorted(numbers_in(step.args) if only is None else {only})
    new = {number: i for i, number in enumerate(taken)}
    constants = {number: values[number] for number in numbers_in(step.args) - set(taken)}
    args = renumbered(replaced(step.args, lambda result: constants.get(result.number, result)), new)
    inputs = [np.asarray(values[i]) for i in taken]
    if step.fun in SYMMETRIC:
        both = [Step(np.swapaxes, (Result(0), -1, -2)), Step(np.add, (Result(0), Result(1)))]
        return Program(inputs, [*both, step._replace(args=(Result(2), *step.args[1:]))])
    return Program(inputs, [step._replace(args=args)])


SYMMETRIC = (np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh)
"""Ops that read one half of a symmetric matrix: a difference must move both halves."""


def _argument(step: Step, values: list[NDArray[np.float64]], fails: Callable[[Program], bool]) -> int | None:
    """The first argument whose gradient is wrong while the others are constants."""
    for i, argument in enumerate(step.args):
        for number in sorted(numbers_in(argument)):
            alone = _alone(step, values, only=number)
            if fails(alone):
                return i
    return None


def _is_floating(x: NDArray[np.float64]) -> bool:
    return x.dtype.kind == "f" and bool(np.isfinite(x).all())

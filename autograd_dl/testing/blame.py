"""Whose fault it is: that of an op, checked by itself on the values that it got, or of what was not recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine import Tensor, no_grad
from ..table import title_of
from ..tensor import bare
from ..tracing import leaves_of
from .levels import Arrays
from .programs import Program, Result, Step, numbers_in, renumbered, replaced, traced

BETWEEN = (
    "each op of the graph passes by itself: look for an array that was changed, or that several of them share, "
    "or for kinks that cancel each other"
)
OUTSIDE = (
    "what was recorded passes by itself: the function computes something outside of the graph "
    "(by math, float(), .detach(), .numpy(), by random numbers, or by writing into a plain array)"
)


class Suspect(NamedTuple):
    """The op to blame, the number of its argument whose gradient is wrong, and the op alone, as a program that fails.

    `step` is its place among the steps of the whole program. `nan` says that its value is NaN, not only its gradient.
    """

    op: str
    argument: int | None
    step: int
    alone: Program
    nan: bool

    def __str__(self) -> str:
        if self.nan:
            return (
                f"{self.op} makes NaN of finite numbers: keep its argument inside its domain, "
                "in a property by tensors(domain=POSITIVE) or another Domain"
            )
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
            nan = any(np.isnan(y).any() for y in leaves_of(values[len(program.inputs) + place]))
            argument = None if nan else _argument(step, values, fails)
            return Suspect(title_of(step.fun), argument, place, alone, nan)
    return None


def rounding_in(program: Program, inputs: Arrays) -> str:
    """Which step computes in a smaller dtype than float64, whose rounding looks like a fault; nothing if none does."""
    if any(x.dtype != np.float64 for x in inputs):
        return ""  # these may round
    with no_grad(), np.errstate(all="ignore"):
        values = program.results(*map(Tensor, inputs))
    found = [{np.asarray(bare(y)).dtype.name for y in leaves_of(value)} for value in values]
    for step, made in zip(program.steps, found[len(program.inputs) :], strict=True):
        dtypes = made & {"float16", "float32"}
        if dtypes and any("float64" in found[number] for number in numbers_in(step.args)):
            return (
                f"{title_of(step.fun)} makes {min(dtypes)} of float64, and its rounding looks like a kink or a wrong "
                'derivative: compute in float64 all the way (a network: dtype="float64")'
            )
    return ""


def fault_between(program: Program) -> str:
    """What to look for where each op passes by itself."""
    inputs = range(len(program.inputs))
    readers = [step for step in program.steps if not numbers_in(step.args).isdisjoint(inputs)]
    for step in readers:
        if _is_of_symmetric(step):
            return (
                f"{title_of(step.fun)} reads one half of a symmetric matrix, and differences move one element at a "
                "time: check lambda x: f((x + x.T) / 2)"
            )
    return BETWEEN if readers and len(program.steps) > 1 else ""


def fault_outside(f: Callable[..., Any], program: Program | None, inputs: Arrays) -> str:
    """That `f` computes outside of the graph, since what it records passes; with a constant that shows it."""
    again, moved = traced(f, inputs), traced(f, [x + x.dtype.type(2**-8) for x in inputs])
    if program is None or again is None or moved is None:
        return OUTSIDE
    constants = map(_constants, (program, again, moved))
    for (fun, i, value), (_, _, same), (other, k, there) in zip(*constants, strict=False):
        if (fun, i) != (other, k):
            break
        if np.array_equal(value, same) and not np.array_equal(value, there):
            told = f"argument {i} of {title_of(fun)}, {_shown(value)}"
            return f"{OUTSIDE}\n{told}, was recorded as a constant, but changes with the inputs"
    return OUTSIDE


def _shown(value: Any) -> str:
    return f"{value.dtype} {value.shape}" if np.ndim(value) else f"{value:.6g}"


def _constants(program: Program) -> list[tuple[Callable[..., Any], int, Any]]:
    """The floating constants among the arguments: of which function, the number of the argument, and the value."""
    told = [(step.fun, i, bare(value)) for step in program.steps for i, value in enumerate(step.args)]
    return [(fun, i, v) for fun, i, v in told if isinstance(v, (float, np.generic, np.ndarray)) and _kind(v) == "f"]


def _kind(value: Any) -> str:
    return np.asarray(value).dtype.kind


def _alone(step: Step, values: list[NDArray[np.float64]], only: int | None = None) -> Program:
    """One step, as a program of the results that it takes (or of that one alone; the others are constants)."""
    taken = sorted(numbers_in(step.args) if only is None else {only})
    new = {number: i for i, number in enumerate(taken)}
    constants = {number: values[number] for number in numbers_in(step.args) - set(taken)}
    args = renumbered(replaced(step.args, lambda result: constants.get(result.number, result)), new)
    inputs = [np.asarray(values[i]) for i in taken]
    if _is_of_symmetric(step):
        both = [Step(np.swapaxes, (Result(0), -1, -2)), Step(np.add, (Result(0), Result(1)))]
        return Program(inputs, [*both, step._replace(args=(Result(2), *step.args[1:]))])
    return Program(inputs, [step._replace(args=args)])


SYMMETRIC = (np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh)
"""Ops that read one half of a symmetric matrix: a difference must move both halves."""


def _is_of_symmetric(step: Step) -> bool:
    return step.fun in SYMMETRIC or bool(step.kwargs.get("hermitian"))  # as pinv's


def _argument(step: Step, values: list[NDArray[np.float64]], fails: Callable[[Program], bool]) -> int | None:
    """The first argument whose gradient is wrong while the others are constants."""
    for i, argument in enumerate(step.args):
        for number in sorted(numbers_in(argument)):
            alone = _alone(step, values, only=number)
            if fails(alone):
                return i
    return None


def _is_floating(x: NDArray[np.float64]) -> bool:
    return _kind(x) == "f" and bool(np.isfinite(x).all())

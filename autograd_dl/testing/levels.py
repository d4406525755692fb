"""What is differentiated: a function of arrays, its pullback, the pullback of that."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine import BACK, Tensor, enable_grad, gradients, no_grad
from ..errors import RuleError
from ..table import title_of
from .verdicts import GradientError

Arrays = list[NDArray[Any]]
_TINY = 1e-200
"""Squares that sum up to less may have lost digits."""


class Level(NamedTuple):
    """A function to be checked: of arrays to arrays by plain computation, and of Tensors to Tensors by the graph."""

    name: str
    arrays: Callable[[Arrays], Arrays]
    tensors: Callable[[list[Tensor]], list[Tensor]]


def function(f: Callable[..., Any]) -> Level:
    """`f` itself. It may return a Tensor, or tuples, lists and dicts of them; those of floating dtype count."""
    name = title_of(f) if getattr(f, "__name__", "").isidentifier() else "f"

    def tensors(xs: list[Tensor]) -> list[Tensor]:
        with enable_grad(), np.errstate(all="ignore"):
            result = f(*xs)
        found = floating(result)
        if not found:
            told = f"{name} returned {result!r}, in which no Tensor of floating dtype is: nothing was recorded"
            raise GradientError(told)
        return found

    def arrays(xs: Arrays) -> Arrays:
        with no_grad(), np.errstate(all="ignore"):
            result = f(*[Tensor(x.copy()) for x in xs])
        return [y.numpy().copy() for y in floating(result)]

    return Level(name, arrays, tensors)


def floating(result: Any) -> list[Tensor]:
    """The Tensors of floating dtype in what `f` returned."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, (tuple, list)):
        return [y for part in result for y in floating(part)]
    if isinstance(result, (np.ndarray, np.floating)) and result.dtype.kind == "f":
        raise GradientError(f"f returned a plain {result.dtype} array of shape {result.shape}: nothing was recorded")
    return [result] if type(result) is Tensor and result.dtype.kind == "f" else []


def pullback(level: Level, count: int) -> Level:
    """The pullback of a function of `count` arrays, as a function of those and of the arriving gradients."""

    def arrays(xs: Arrays) -> Arrays:
        inputs = [Tensor(x, requires_grad=True) for x in xs[:count]]
        return [g.numpy() for g in pulled(level.tensors(inputs), inputs, xs[count:])]

    def tensors(xs: list[Tensor]) -> list[Tensor]:
        return pulled(level.tensors(xs[:count]), xs[:count], xs[count:], create_graph=True)

    return Level(f"the gradient of {level.name}", arrays, tensors)


def pulled(
    ys: Sequence[Tensor], xs: Sequence[Tensor], gs: Sequence[Any], *, create_graph: bool = False
) -> list[Tensor]:
    """The gradients of `xs` where `gs` arrive at `ys`; zeros where no y depends on any x.

    Raises `GradientError` if a rule raises, or returns what is no gradient.
    """
    __tracebackhide__ = True
    pairs = [(y, g) for y, g in zip(ys, gs, strict=True) if y.requires_grad]
    if not pairs:
        return [Tensor(np.zeros_like(x.numpy())) for x in xs]
    try:
        with np.errstate(all="ignore"):
            return gradients([y for y, _ in pairs], xs, [g for _, g in pairs], create_graph=create_graph)
    except RuleError as error:
        raise GradientError(" ".join([str(error), *getattr(error, "__notes__", ())])) from error
    except MemoryError:
        raise
    except Exception as error:
        notes = [note for note in getattr(error, "__notes__", ()) if BACK in note]
        if not notes or isinstance(error, GradientError):
            raise
        raise GradientError(f"{type(error).__name__}: {error} {notes[0]}") from error


def inner(xs: Arrays, ys: Arrays) -> float:
    """The sum of all products of elements."""
    with np.errstate(invalid="ignore", over="ignore"):
        return sum(float(np.sum(x * y)) for x, y in zip(xs, ys, strict=True))


def norm(xs: Arrays, ys: Arrays) -> float:
    """The Euclidean norm of all products of elements, of float64, also where their squares are out of range.

    >>> for size in (1e-200, 1e200):
    ...     print(f"{norm([np.array([3.0, 4.0])], [np.array([size, size])]):.3g}")
    5e-200
    5e+200
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        products = [x * y for x, y in zip(xs, ys, strict=True)]
        squares = sum(float(np.vdot(p, p)) for p in products)
        if _TINY < squares < math.inf:
            return math.sqrt(squares)
        largest = max((float(np.max(np.abs(p), initial=0)) for p in products), default=0.0)
        if not 0 < largest < math.inf:
            return largest
        return largest * math.sqrt(sum(float(np.sum((p / largest) ** 2)) for p in products))


def listed(results: Any) -> list[Any]:
    """The results of a call, one or several, as a list."""
    return list(results) if isinstance(results, (tuple, list)) else [results]

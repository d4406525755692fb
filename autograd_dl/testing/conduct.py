"""What a gradient has to be beside right: of its input's shape and dtype, in its own memory, the same each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import Tensor
from ..graph import toposort
from .levels import Arrays, Level, pulled
from .verdicts import GradientError

ROUNDINGS = {"float16": 30}
"""How many roundings of a dtype a gradient in it may be off from that in float64, so that it is 3%; of others, 1000."""
LARGE = {"float16": np.inf}
"""The size above which an input of a dtype counts as large; of others, 100."""

COPY = ": what is given must not be written into, but a copy of it may"


def check_conduct(level: Level, given: Arrays, rng: np.random.Generator) -> None:
    """Check dtypes, shapes, memory and side effects, in the inputs' own dtypes; raises GradientError."""
    __tracebackhide__ = True
    inputs = [Tensor(x, requires_grad=True) for x in given]
    before = [x.numpy().copy() for x in inputs]
    outputs = level.tensors(inputs)
    recorded = [y.node for y in outputs if y.node is not None and y.requires_grad]
    if recorded and not {x.node for x in inputs}.intersection(toposort(recorded)):
        raise GradientError(
            "no result depends on any input, but on other Tensors: compute with the function's arguments"
        )
    values = [y.numpy().copy() for y in outputs]
    arriving = [rng.standard_normal(y.shape).astype(y.dtype) for y in outputs]
    sent = [u.copy() for u in arriving]
    found = [g.numpy() for g in pulled(outputs, inputs, sent)]
    again = [g.numpy() for g in pulled(outputs, inputs, sent)]
    after_backward = [y.numpy().copy() for y in outputs]
    level.arrays([x + x.dtype.type(2**-8) for x in given])

    _refuse_changed("input {} was changed" + COPY, [x.numpy() for x in inputs], before)
    _refuse_changed("result {} was changed by the backward pass", after_backward, values)
    _refuse_changed("result {} was changed by another call", [y.numpy() for y in outputs], after_backward)
    _refuse_changed("the gradient arriving at output {} was changed" + COPY, sent, arriving)
    for i, (x, g) in enumerate(zip(inputs, found, strict=True)):
        if g.shape != x.shape or g.dtype != x.dtype:
            raise GradientError(f"the gradient of input {i}, {x.dtype} {x.shape}, is {g.dtype} {g.shape}")
    _refuse_changed("the gradient of input {} differs from one call to the next", found, again)
    for i, g in enumerate(found):
        others = (*found[:i], *(x.numpy() for x in inputs), *sent, *(y.numpy() for y in outputs))
        if any(np.shares_memory(g, other) for other in others):
            raise GradientError(f"the gradient of input {i} shares memory with another array")


def _refuse_changed(what: str, now: Arrays, then: Arrays) -> None:
    """Raise GradientError, which names the first array that is not as it was."""
    __tracebackhide__ = True
    for i, (a, b) in enumerate(zip(now, then, strict=True)):
        if not np.array_equal(a, b, equal_nan=True):
            raise GradientError(what.format(i))


def check_precision(level: Level, given: Arrays, rng: np.random.Generator) -> float:
    """Compare gradients in a smaller dtype with those in float64; returns the difference relative to what is allowed.

    What the function itself makes of roundings is measured: the float64 gradient at inputs that are off by one. Raises
    GradientError.
    """
    __tracebackhide__ = True
    if all(x.dtype == np.float64 for x in given):
        return 0.0
    inputs = [Tensor(x, requires_grad=True) for x in given]
    outputs = level.tensors(inputs)
    arriving = [rng.standard_normal(y.shape).astype(y.dtype) for y in outputs]
    found = [g.numpy() for g in pulled(outputs, inputs, arriving)]
    exact = _in_float64(level, given, arriving)
    coarsest = min((x.dtype for x in (*given, *arriving)), key=lambda dtype: dtype.itemsize)
    eps = float(np.finfo(coarsest).eps)
    nearby = _in_float64(level, [x * (1 + eps * rng.choice([-1.0, 1.0], x.shape)) for x in given], arriving)
    largest = max(float(np.max(np.abs(u), initial=0)) for u in arriving)
    worst = 0.0
    for i, (x, g, e, n) in enumerate(zip(given, found, exact, nearby, strict=True)):
        allowed = _allowed(coarsest, x, e, np.abs(n - e), largest)
        with np.errstate(over="ignore", invalid="ignore"):
            off = np.where(g == e.astype(g.dtype), 0.0, np.abs(g - e))  # both may be too large for this dtype
        if not (off <= allowed).all():
            j = np.unravel_index(np.argmax(off - allowed), off.shape)
            raise GradientError(
                f"input {i}, element {list(map(int, j))}: the {g.dtype} gradient is {g[j]}, in float64 {e[j]}"
            )
        worst = max(worst, float(np.max(off / allowed, initial=0)))
    return worst


def _allowed(
    coarsest: np.dtype[Any], x: NDArray[Any], exact: NDArray[Any], spread: NDArray[Any], largest: float
) -> NDArray[Any]:
    """How far the gradient of `x` may be off: by roundings of its own size, and of what they are made of.

    `spread` is by how much roundings of the inputs move it, `largest` the size of the arriving gradients, which counts
    the less, the larger `x` is: the gradient of log x is as small as 1 / x.
    """
    eps = float(np.finfo(coarsest).eps)
    size = np.abs(exact) + np.max(np.abs(exact), initial=0) + float(np.finfo(x.dtype).tiny)
    own = ROUNDINGS.get(coarsest.name, 1000) * eps * size
    arrived = 2 * eps * largest / np.maximum(1, np.abs(x) / LARGE.get(coarsest.name, 100))
    return np.asarray(arrived + own + 10 * (spread + np.max(spread, initial=0)))


def _in_float64(level: Level, xs: Arrays, arriving: Arrays) -> list[NDArray[np.float64]]:
    wide = [Tensor(x, requires_grad=True, dtype=float) for x in xs]
    return [g.numpy() for g in pulled(level.tensors(wide), wide, [u.astype(float) for u in arriving])]

"""The check: gradients of the graph against numerical ones, to second order, and what else a gradient has to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine import Tensor, enable_grad, gradients, no_grad
from ..errors import DTypeError
from .differences import derivative

Arrays = list[NDArray[Any]]
RTOL = 1e-6
"""How far a gradient may be off, relative to the sum of the absolute terms it is compared through."""


class GradientError(AssertionError):
    """A gradient is wrong; the message says which, where and by how much."""


class Report(NamedTuple):
    """What was compared, and the largest difference relative to what was allowed (at most 1)."""

    comparisons: int
    worst: float


class _Level(NamedTuple):
    """A function to be checked: of arrays to arrays by plain computation, and of Tensors to Tensors by the graph."""

    name: str
    arrays: Callable[[Arrays], Arrays]
    tensors: Callable[[list[Tensor]], list[Tensor]]


def check_gradients(f: Callable[..., Any], *inputs: Any, order: int = 2, seed: int = 0, directions: int = 2) -> Report:
    """Compare the gradients of `f`, as the graph computes them, with numerical ones.

    The gradient arriving at the outputs is random. It is pulled back and multiplied by a random direction of the
    inputs; the same number comes from the difference of `f` along that direction, whatever the sizes. For the second
    order the function checked is the pullback itself, a function of the inputs and of the arriving gradient: recorded,
    and differentiated against differences of what it computes on plain arrays. Differences are always taken in float64;
    gradients in another dtype are compared with those in float64.

    Also checked: each gradient has its input's shape and dtype and memory of its own; inputs and arriving gradients are
    not changed; the same call gives the same gradients; with order=2, recorded and plain backward passes agree.

    Parameters
    ----------
    f : function of Tensors, returns a Tensor or a tuple or list of them
    inputs : floating arrays
        Where to check; `f` should be smooth within 0.01 of them.
    order : int
        1 or 2.
    seed : int
        Of the random directions.
    directions : int
        How many are tried.

    Raises
    ------
    GradientError
        If something is wrong: it names the input, the worst element, and both values. Or if `f` returns no Tensor.
    DTypeError
        If an input is not floating or not finite.
    """
    given = [np.asarray(x) for x in inputs]
    for i, x in enumerate(given):
        if x.dtype.kind != "f" or not np.isfinite(x).all():
            raise DTypeError(f"check_gradients takes finite floating arrays; input {i} is {x.dtype}: {x!r}")
    rng = np.random.default_rng(seed)
    doubles = [x.astype(np.float64) for x in given]
    checks: list[float] = []
    level = _function(f)
    for depth in range(1, order + 1):
        checks += [_check_level(level, doubles, rng) for _ in range(directions)]
        if depth < order:
            outputs = level.arrays(doubles)
            arriving = [rng.standard_normal(y.shape) for y in outputs]
            level, doubles = _pullback(level, len(doubles)), [*doubles, *arriving]
    checks.append(_check_conduct(_function(f), given, rng))
    return Report(len(checks), max(checks))


def _function(f: Callable[..., Any]) -> _Level:
    """`f` itself."""

    def tensors(xs: list[Tensor]) -> list[Tensor]:
        result = f(*xs)
        outputs = result if isinstance(result, (tuple, list)) else [result]
        floating = [y for y in outputs if type(y) is Tensor and y.dtype.kind == "f"]
        if not floating:
            raise GradientError(f"f returned {result!r}, in which no Tensor of floating dtype is: nothing was recorded")
        return floating

    def arrays(xs: Arrays) -> Arrays:
        with no_grad():
            return [y.numpy().copy() for y in tensors([Tensor(x.copy()) for x in xs])]

    return _Level("f", arrays, tensors)


def _pullback(level: _Level, count: int) -> _Level:
    """The pullback of a function of `count` arrays, as a function of those and of the arriving gradients."""

    def arrays(xs: Arrays) -> Arrays:
        inputs = [Tensor(x, requires_grad=True) for x in xs[:count]]
        return [g.numpy() for g in _pulled(level.tensors(inputs), inputs, xs[count:], create_graph=False)]

    def tensors(xs: list[Tensor]) -> list[Tensor]:
        return _pulled(level.tensors(xs[:count]), xs[:count], xs[count:], create_graph=True)

    return _Level(f"the gradient of {level.name}", arrays, tensors)


def _pulled(ys: Sequence[Tensor], xs: Sequence[Tensor], gs: Sequence[Any], create_graph: bool) -> list[Tensor]:
    pairs = [(y, g) for y, g in zip(ys, gs, strict=True) if y.requires_grad]
    return gradients([y for y, _ in pairs], xs, [g for _, g in pairs], create_graph=create_graph)


def _check_level(level: _Level, xs: Arrays, rng: np.random.Generator) -> float:
    """Compare one random combination of derivatives; returns the difference relative to the tolerance."""
    inputs = [Tensor(x, requires_grad=True) for x in xs]
    with enable_grad():
        outputs = level.tensors(inputs)
    plain = level.arrays(xs)
    for k, (y, p) in enumerate(zip(outputs, plain, strict=True)):
        if y.shape != p.shape or not np.allclose(y.numpy(), p, rtol=1e-9, atol=1e-12, equal_nan=True):
            raise GradientError(f"{level.name}: result {k} is {y.numpy()} when recorded, and {p} when not")
    arriving = [rng.standard_normal(p.shape) for p in plain]
    towards = [_direction(x.shape, rng) for x in xs]
    found = [g.numpy() for g in _pulled(outputs, inputs, arriving, create_graph=False)]

    def along(t: float) -> float:
        moved = level.arrays([x + t * v for x, v in zip(xs, towards, strict=True)])
        return _inner(arriving, moved)

    numerical = derivative(along)
    analytic = _inner(found, towards)
    terms = sum(float(np.sum(np.abs(g * v))) for g, v in zip(found, towards, strict=True))
    allowed = RTOL * max(terms, abs(numerical.value)) + 10 * numerical.error + 1e-10
    if not abs(analytic - numerical.value) <= allowed:
        raise GradientError(_explanation(level, xs, arriving, found, analytic, numerical.value))
    return abs(analytic - numerical.value) / allowed


def _direction(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Numbers of size 1/2 to 1 and of either sign: no element counts for nothing."""
    return np.asarray(rng.uniform(0.5, 1, shape) * rng.choice([-1.0, 1.0], shape))


def _inner(xs: Arrays, ys: Arrays) -> float:
    return sum(float(np.sum(x * y)) for x, y in zip(xs, ys, strict=True))


def _explanation(level: _Level, xs: Arrays, arriving: Arrays, found: Arrays, analytic: float, numerical: float) -> str:
    """Where the gradient is most wrong, found element by element."""
    worst = None
    for i, j, numeric in _elements(level, xs, arriving):
        off = abs(found[i][j] - numeric.value) - 10 * numeric.error
        if worst is None or not off <= worst[0]:
            worst = off, i, j, numeric
    lines = [f"{level.name}: the derivative in a random direction is {analytic:.12g}, numerically {numerical:.12g}"]
    if worst is not None:
        _, i, j, numeric = worst
        lines.append(
            f"input {i}, element {list(j)} of shape {xs[i].shape}, at {xs[i][j]:.6g}: the gradient is "
            f"{found[i][j]:.12g}, numerically {numeric.value:.12g} (give or take {numeric.error:.1g})"
        )
    return "\n".join(lines)


def _elements(level: _Level, xs: Arrays, arriving: Arrays) -> Iterator[Any]:
    """(input, index, numerical derivative) of each element, or of a thousand of them."""
    for i, x in enumerate(xs):
        for n, j in enumerate(np.ndindex(x.shape)):
            if n >= 1000:
                break

            def along(t: float, i: int = i, j: tuple[int, ...] = j) -> float:
                moved = [x.copy() for x in xs]
                moved[i][j] += t
                return _inner(arriving, level.arrays(moved))

            yield i, j, derivative(along)


def _check_conduct(level: _Level, given: Arrays, rng: np.random.Generator) -> float:
    """Check dtypes, shapes, memory and side effects in the inputs' own dtypes, and the values against float64."""
    inputs = [Tensor(x, requires_grad=True) for x in given]
    before = [x.numpy().copy() for x in inputs]
    outputs = level.tensors(inputs)
    arriving = [rng.standard_normal(y.shape).astype(y.dtype) for y in outputs]
    sent = [u.copy() for u in arriving]
    found = [g.numpy() for g in _pulled(outputs, inputs, sent, create_graph=False)]
    again = [g.numpy() for g in _pulled(outputs, inputs, sent, create_graph=False)]

    for i, (x, g, g2) in enumerate(zip(inputs, found, again, strict=True)):
        if g.shape != x.shape or g.dtype != x.dtype:
            raise GradientError(f"the gradient of input {i}, {x.dtype} {x.shape}, is {g.dtype} {g.shape}")
        if not np.array_equal(g, g2, equal_nan=True):
            raise GradientError(f"the gradient of input {i} differs from one call to the next")
        for other in (*found[:i], *(x.numpy() for x in inputs), *sent, *(y.numpy() for y in outputs)):
            if np.shares_memory(g, other):
                raise GradientError(f"the gradient of input {i} shares memory with another array")
    for i, (x, b) in enumerate(zip(inputs, before, strict=True)):
        if not np.array_equal(x.numpy(), b, equal_nan=True):
            raise GradientError(f"input {i} was changed")
    for k, (u, s) in enumerate(zip(arriving, sent, strict=True)):
        if not np.array_equal(u, s):
            raise GradientError(f"the gradient arriving at output {k} was changed")
    return max([_precision(level, given, arriving, found), 0.0])


def _precision(level: _Level, given: Arrays, arriving: Arrays, found: Arrays) -> float:
    """Compare gradients in a smaller dtype with those in float64; returns the difference relative to the tolerance."""
    if all(x.dtype == np.float64 for x in given):
        return 0.0
    wide = [Tensor(x, requires_grad=True, dtype=float) for x in given]
    exact = [g.numpy() for g in _pulled(level.tensors(wide), wide, [u.astype(float) for u in arriving], False)]
    worst = 0.0
    for i, (g, e) in enumerate(zip(found, exact, strict=True)):
        eps = max(float(np.finfo(x.dtype).eps) for x in (g, *arriving))
        allowed = 1000 * eps * (np.abs(e) + np.max(np.abs(e), initial=0) + float(np.finfo(g.dtype).tiny))
        off = np.abs(g - e)
        if not (off <= allowed).all():
            j = np.unravel_index(np.argmax(off - allowed), off.shape)
            raise GradientError(f"input {i}, element {list(j)}: the {g.dtype} gradient is {g[j]}, in float64 {e[j]}")
        worst = max(worst, float(np.max(off / allowed, initial=0)))
    return worst

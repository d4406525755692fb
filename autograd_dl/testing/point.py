"""A function at one point: what the graph says of its derivatives there, beside what differences say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine import Tensor
from .differences import Estimate, complex_derivative, derivative, limit, one_sided
from .levels import Arrays, Level, inner, listed, pulled
from .verdicts import Finding, GradientError, KinkError

RTOL = 1e-6
"""How far a gradient may be off, relative to the sum of the absolute terms it is compared through."""
CLEAR = 1e-2
"""How large ten times the error of a numerical derivative may be, relative to that sum, for it to prove anything."""
MANY = 1000
"""Elements, of which at most so many are looked at one by one."""

Kinks = Literal["raise", "allow"]


class Comparison(NamedTuple):
    """The difference of two derivatives relative to what was allowed (at most 1), or that there is a kink."""

    worst: float
    kink: bool = False


class _Agreement(NamedTuple):
    """An analytic derivative beside a numerical one: `terms` is the sum of what the one is made of, `size` of f's."""

    analytic: float
    numerical: Estimate
    terms: float
    size: float

    @property
    def scale(self) -> float:
        return max(self.terms, abs(self.numerical.value))

    @property
    def allowed(self) -> float:
        return float(RTOL * self.scale + 10 * self.numerical.error + 1e-10)

    @property
    def clear(self) -> bool:
        """Whether the numerical derivative is exact enough to prove anything."""
        return bool(10 * self.numerical.error <= CLEAR * (self.scale + self.size) + 1e-8)

    @property
    def off(self) -> float:
        """The difference relative to what is allowed; infinite where nothing is clear."""
        off = abs(self.analytic - self.numerical.value) / self.allowed
        return float(off) if self.clear and off == off else np.inf


class Point:
    """A function of one level at one point, recorded and not."""

    def __init__(
        self, level: Level, xs: Arrays, kinks: Kinks, depth: int, analytic: Callable[..., Any] | None = None
    ) -> None:
        self.level, self.xs, self.kinks, self.depth, self.analytic = level, xs, kinks, depth, analytic
        self.inputs = [Tensor(x, requires_grad=True) for x in xs]
        self.outputs = level.tensors(self.inputs)
        self.plain = level.arrays(xs)
        again = level.arrays(xs)
        for k, (y, p, a) in enumerate(zip(self.outputs, self.plain, again, strict=True)):
            if not np.array_equal(p, a, equal_nan=True):
                raise GradientError(f"{level.name}: result {k} differs from one call to the next; seed what is random")
            if y.shape != p.shape or not np.allclose(y.numpy(), p, rtol=1e-9, atol=1e-12, equal_nan=True):
                raise GradientError(f"{level.name}: result {k} is {y.numpy()} when recorded, and {p} when not")

    def compared(self, rng: np.random.Generator) -> Comparison:
        """Compare one random combination of derivatives."""
        __tracebackhide__ = True
        arriving = [rng.standard_normal(p.shape) for p in self.plain]
        towards = [_direction(x, rng) for x in self.xs]
        found = self.gradients(arriving)
        with np.errstate(invalid="ignore"):
            analytic = inner(found, towards)
        terms = inner([np.abs(g) for g in found], [np.abs(v) for v in towards])
        size = inner([np.abs(u) for u in arriving], [np.abs(p) for p in self.plain])
        if not np.isfinite(size):
            return self.kink(arriving, f"{self.level.name} is not finite at this point")

        def along(t: Any) -> Any:
            moved = [x + t * v for x, v in zip(self.xs, towards, strict=True)]
            return sum(np.sum(u * y) for u, y in zip(arriving, self.values(moved, t), strict=True))

        terms = terms if np.isfinite(terms) else 0.0
        numerical = derivative(along, 1e-2 * RTOL * (terms + size) + 1e-12)
        if self.analytic is not None:
            numerical = self.complex_step(along, numerical)
        agreement = _Agreement(analytic, numerical, terms, size)
        if agreement.off > 1 and self.analytic is None:
            agreement = agreement._replace(numerical=limit(along))
        if agreement.off <= 1:
            return Comparison(agreement.off)
        left, right = one_sided(along)
        if agreement.clear and abs(left.value - right.value) <= 10 * (left.error + right.error) + agreement.allowed:
            raise self.fault(arriving, found, analytic, agreement.numerical)
        return self.kink(arriving, f"{self.level.name} has no derivative at this point")

    def gradients(self, arriving: Arrays) -> Arrays:
        """What the graph says."""
        return [g.numpy() for g in pulled(self.outputs, self.inputs, arriving)]

    def values(self, xs: Arrays, t: Any) -> Arrays:
        """The function's plain values; by the complex step, those of its reference."""
        if self.analytic is not None and isinstance(t, complex):
            return [np.asarray(y) for y in listed(self.analytic(*xs))]
        return self.level.arrays(xs)

    def complex_step(self, along: Callable[[Any], Any], rough: Estimate) -> Estimate:
        """The derivative of the reference, which must be what differences of `f` say, as far as they can."""
        exact = float(complex_derivative(along))
        if not abs(exact - rough.value) <= 10 * rough.error + RTOL * abs(exact) + 1e-10:
            raise ValueError(
                f"the function given as `analytic` has the derivative {exact:.12g} by the complex step, and f "
                f"{rough.value:.12g} by differences: it is not the same function, or not an analytic one"
            )
        return Estimate(exact, 4 * float(np.finfo(float).eps) * abs(exact))

    def fault(self, arriving: Arrays, found: Arrays, analytic: float, numerical: Estimate) -> GradientError:
        """The verdict *fail*, with the element where the gradient is most wrong."""
        what = (
            f"{self.level.name}: the derivative in a random direction is {analytic:.12g}, "
            f"numerically {numerical.value:.12g} (give or take {numerical.error:.1g})"
        )
        worst: Finding | None = None
        for i, j, along in self.elements(arriving):
            numeric = derivative(along, 1e-7)
            here = Finding(i, j, float(found[i][j]), float(numeric.value), float(numeric.error))
            if worst is None or not _excess(here) <= _excess(worst):
                worst = here
        error = GradientError(what if worst is None else f"{what}\n{self.told(worst)}")
        error.finding = worst
        return error

    def told(self, worst: Finding) -> str:
        """A finding in words."""
        x = self.xs[worst.input]
        return (
            f"input {worst.input}, element {list(worst.element)} of shape {x.shape}, at {x[worst.element]:.6g}: "
            f"the gradient is {worst.analytic:.12g}, numerically {worst.numerical:.12g} "
            f"(give or take {worst.error:.1g})"
        )

    def elements(self, arriving: Arrays) -> Iterator[tuple[int, tuple[int, ...], Callable[[float], float]]]:
        """(input, index, function along it) of each element, or of a thousand of them."""
        for i, x in enumerate(self.xs):
            for n, j in enumerate(np.ndindex(x.shape)):
                if n >= MANY:
                    break

                def along(t: float, i: int = i, j: tuple[int, ...] = j) -> float:
                    return inner(arriving, self.level.arrays(_moved(self.xs, i, j, t)))

                yield i, j, along

    def kink(self, arriving: Arrays, what: str) -> Comparison:
        """The verdict *kink*, raised or allowed."""
        __tracebackhide__ = True
        outside = None if self.depth > 1 else self.outside()
        if self.kinks == "allow" and outside is None:
            return Comparison(0.0, kink=True)
        where = outside or next(filter(None, map(self.edge, *zip(*self.elements(arriving), strict=True))), "")
        if self.depth > 1:
            relation = "nothing is compared there"
        elif outside is None:
            relation = "the gradient lies between the slopes on both sides"
        else:
            relation = "the gradient does not lie between the slopes on both sides"
        error = KinkError(f'{what}; {relation}{where and f": {where}"}\nmove the point away, or pass kinks="allow"')
        error.between = outside is None
        raise error

    def edge(self, i: int, j: tuple[int, ...], along: Callable[[float], float]) -> str:
        """Of an element at a kink: where it is, and its slopes on both sides."""
        left, right = one_sided(along)
        if abs(left.value - right.value) <= 10 * (left.error + right.error) + RTOL * abs(right.value):
            return ""
        return f"input {i}, element {list(j)}, at {self.xs[i][j]:.6g}: {left.value:.6g} and {right.value:.6g}"

    def outside(self) -> str | None:
        """An element whose gradient is not between the slopes on both sides, for some element of the outputs."""
        units = np.eye(min(MANY, sum(y.size for y in self.plain)), sum(y.size for y in self.plain))
        rows = [self.gradients(self.split(unit)) for unit in units]
        for i, x in enumerate(self.xs):
            for j in list(np.ndindex(x.shape))[:MANY]:

                def along(t: float, i: int = i, j: tuple[int, ...] = j) -> NDArray[Any]:
                    moved = self.level.arrays(_moved(self.xs, i, j, t))
                    return np.concatenate([y.ravel() for y in moved])[: len(units)]

                left, right = one_sided(along)
                low, high = np.minimum(left.value, right.value), np.maximum(left.value, right.value)
                g = np.array([row[i][j] for row in rows])
                with np.errstate(invalid="ignore"):
                    slack = 10 * (left.error + right.error) + RTOL * np.maximum(abs(low), abs(high)) + 1e-9
                    out = np.isfinite(slack) & ~((low - slack <= g) & (g <= high + slack))
                    if not np.isfinite(slack).all():  # where one slope is infinite, 0 times it is NaN for the others
                        out &= ~np.isnan(g)
                if out.any():
                    k = int(np.argmax(out))
                    slopes = f"the gradient is {g[k]:.6g}, the slopes {left.value[k]:.6g} and {right.value[k]:.6g}"
                    return f"input {i}, element {list(j)}, at {x[j]:.6g}: {slopes}"
        return None

    def split(self, flat: NDArray[Any]) -> Arrays:
        """Numbers for all elements of the outputs, in their shapes."""
        ends = np.cumsum([y.size for y in self.plain])
        return [part.reshape(y.shape) for part, y in zip(np.split(flat, ends[:-1]), self.plain, strict=True)]


def _excess(finding: Finding) -> float:
    return abs(finding.analytic - finding.numerical) - 10 * finding.error


def _moved(xs: Arrays, i: int, j: tuple[int, ...], t: float) -> Arrays:
    moved = [x.copy() for x in xs]
    moved[i][j] += t
    return moved


def _direction(x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Numbers of size 1/2 to 1 (more where x is large) and of either sign: no element counts for nothing."""
    sizes = rng.uniform(0.5, 1, x.shape) * np.maximum(1, np.abs(x))
    return np.asarray(sizes * rng.choice([-1.0, 1.0], x.shape))

"""A function at one point: what the graph says of its derivatives there, beside what differences say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine import Tensor, detect_anomaly
from ..errors import AnomalyError
from .differences import Curve, Estimate, complex_derivative, derivative, limit, one_sided
from .levels import Arrays, Level, inner, listed, norm, pulled
from .search import MANY, RTOL, Places, Search, flattened, is_smooth, split, units
from .verdicts import Finding, GradientError, KinkError

CLEAR = 1e-2
"""A numerical derivative proves something if ten times its error is at most this share of the norm of its terms."""

PARTS = 8
"""Into how many parts a direction is split, to see whether their derivatives add up; one of many elements into two."""

Kinks = Literal["raise", "allow"]
ALLOW = 'pass kinks="allow" to check_gradients or @gradient_property'


class Comparison(NamedTuple):
    """The difference of two derivatives relative to what was allowed (at most 1), or that there is a kink."""

    worst: float
    kink: bool = False


class _Agreement(NamedTuple):
    """An analytic derivative beside a numerical one.

    `terms` is the norm of the products gradient x direction, whose sum is `analytic`; `size` that of the products
    arriving gradient x output, whose sum is differentiated. (Not the sums of their absolute values: one wrong element
    among a million would count for nothing.)
    """

    analytic: float
    numerical: Estimate
    terms: float
    size: float

    @property
    def scale(self) -> float:
        return max(self.terms if np.isfinite(self.terms) else 0.0, abs(self.numerical.value))

    @property
    def allowed(self) -> float:
        return float(RTOL * self.scale + 10 * self.numerical.error + 1e-10)

    @property
    def clear(self) -> bool:
        """Whether the numerical derivative is exact enough to prove anything, or nothing changes at all."""
        nothing = self.terms == 0 == self.numerical.value
        floor = 1e-8 * (max(1, self.size) if nothing else 1)
        return bool(np.isfinite(self.numerical.error) and 10 * self.numerical.error <= CLEAR * self.scale + floor)

    @property
    def drowned(self) -> bool:
        """Whether nothing is clear since what is differentiated is so large that its rounding is, too."""
        return bool(not self.clear and 2 * self.numerical.rounding >= self.numerical.error)

    @property
    def off(self) -> float:
        """The difference relative to what is allowed; infinite where nothing is clear."""
        with np.errstate(invalid="ignore"):
            off = abs(self.analytic - self.numerical.value) / self.allowed
        return float(off) if self.clear and not np.isnan(off) else np.inf


class Point:
    """A function of one level at one point, recorded and not."""

    def __init__(
        self, level: Level, xs: Arrays, depth: int, kinks: Kinks, analytic: Callable[..., Any] | None, *, explain: bool
    ) -> None:
        self.level, self.xs, self.depth = level, xs, depth
        self.kinks, self.analytic, self.explain = kinks, analytic, explain
        self.inside: set[int] = set()
        """Elements at a kink whose gradients lie between the slopes on both sides."""
        self.inputs = [Tensor(x, requires_grad=True) for x in xs]
        self.outputs = level.tensors(self.inputs)
        self.plain = level.arrays(xs)
        again = level.arrays(xs)
        for k, (y, p, a) in enumerate(zip(self.outputs, self.plain, again, strict=True)):
            if not np.array_equal(p, a, equal_nan=True):
                raise GradientError(f"{level.name}: result {k} differs from one call to the next; seed what is random")
            if y.shape != p.shape or not np.allclose(y.numpy(), p, rtol=1e-9, atol=1e-12, equal_nan=True):
                raise GradientError(f"{level.name}: result {k} is {y.numpy()} when recorded, and {p} when not")

    def compared(self, rng: np.random.Generator, *, damped: bool) -> list[Comparison]:
        """Compare random combinations of derivatives: of all at once, and of each input and each output by itself.

        If `damped`, those that would outweigh the others count less: they could hide a fault among them.
        """
        __tracebackhide__ = True
        arriving = [rng.standard_normal(p.shape) for p in self.plain]
        towards = [_direction(x, rng) for x in self.xs]
        weighted = [arriving]
        if damped and self.depth == 1:
            even = _damped(arriving, self.plain, rng)
            drowning = any(np.any(abs(e) < 1e-3 * abs(a)) for e, a in zip(even, arriving, strict=True))
            weighted += [even] if drowning else []
        pairs = [(_damped(towards, self.gradients(u), rng) if damped else towards, u) for u in weighted]
        if self.depth == 1 and not damped:
            pairs += [(part, arriving) for part in _one_by_one(towards)]
            pairs += [(towards, part) for part in _one_by_one(arriving)]
        found = []
        for v, u in pairs:
            comparison = self.compare(v, u)
            if comparison is not None:
                found.append(comparison)
            elif not damped:
                found.append(self.drowned())
        return found

    def compare(self, towards: Arrays, arriving: Arrays) -> Comparison | None:
        """Compare the derivative in a direction, weighted by what arrives at the outputs; None if rounding hides it."""
        __tracebackhide__ = True
        search = Search(self.level, self.xs, self.plain, towards)
        found = self.gradients(arriving)
        if self.depth == 1 and any(np.isnan(p).any() for p in self.plain):
            raise GradientError(f"{self.level.name} is NaN at this point: there is nothing to compare")
        if not all(np.isfinite(p).all() for p in self.plain):
            return self.kink(search, arriving, found, f"{self.level.name} is not finite at this point")
        along = search.along(towards, arriving)
        agreement = self.agreement(search, along, arriving, found)
        if agreement.drowned:
            return None
        if agreement.off <= 1:
            return Comparison(agreement.off)
        sides = one_sided(search.rounded(along, arriving))
        if agreement.clear and is_smooth(*sides, agreement.allowed):
            if self.adds_up(search, arriving, found, agreement):
                raise self.fault(search, arriving, found, agreement)
            raise self.bent()
        return self.kink(search, arriving, found, f"{self.level.name} has no derivative at this point")

    def agreement(self, search: Search, along: Curve, arriving: Arrays, found: Arrays) -> _Agreement:
        """The derivative in a direction, as the graph says and as differences say."""
        terms, size = norm(found, search.towards), norm(arriving, self.plain)
        numerical = derivative(along, 1e-2 * RTOL * (terms if np.isfinite(terms) else 0) + 1e-12)
        if self.analytic is not None:
            numerical = self.complex_step(search.towards, arriving, numerical)
        agreement = _Agreement(inner(found, search.towards), numerical, terms, size)
        if agreement.off <= 1 or agreement.drowned or self.analytic is not None:
            return agreement
        return agreement._replace(numerical=limit(search.rounded(along, arriving)))

    def gradients(self, arriving: Arrays) -> Arrays:
        """What the graph says."""
        return [g.numpy() for g in pulled(self.outputs, self.inputs, arriving)]

    def complex_step(self, towards: Arrays, arriving: Arrays, rough: Estimate) -> Estimate:
        """The derivative of the reference, which must be what differences of `f` say, as far as they can."""
        assert self.analytic is not None
        reference = self.analytic

        def along(t: complex) -> Any:
            ys = listed(reference(*(x + t * v for x, v in zip(self.xs, towards, strict=True))))
            return sum(np.sum(u * y) for u, y in zip(arriving, ys, strict=True))

        exact = float(complex_derivative(along))
        if not abs(exact - rough.value) <= 10 * rough.error + RTOL * abs(exact) + 1e-10:
            raise ValueError(
                f"the function given as `analytic` has the derivative {exact:.12g} by the complex step, and f "
                f"{rough.value:.12g} by differences: it is not the same function, or not an analytic one"
            )
        return Estimate(exact, 4 * float(np.finfo(float).eps) * abs(exact))

    def fault(self, search: Search, arriving: Arrays, found: Arrays, agreement: _Agreement) -> GradientError:
        """The verdict *fail*, with the element where the gradient is most wrong."""
        what = (
            f"{self.level.name}: the derivative in a random direction is {agreement.analytic:.12g}, numerically "
            f"{agreement.numerical.value:.12g} (give or take {agreement.numerical.error:.1g})"
        )
        worst = search.worst(arriving, found) if self.explain else None
        error = GradientError(what if worst is None else f"{what}\n{self.told(worst)}")
        error.finding = worst
        if self.explain and not np.isfinite(agreement.analytic):
            error.__cause__ = self.anomaly(arriving)
        return error

    def anomaly(self, arriving: Arrays) -> AnomalyError | None:
        """Which op made the first NaN or infinity."""
        try:
            with detect_anomaly():
                pulled(self.level.tensors(self.inputs), self.inputs, arriving)
        except AnomalyError as error:
            return error
        return None

    def told(self, worst: Finding) -> str:
        """A finding in words."""
        x = self.xs[worst.input]
        return (
            f"input {worst.input}, element {list(worst.element)} of shape {x.shape}, at {x[worst.element]:.6g}: "
            f"the gradient is {worst.analytic:.12g}, numerically {worst.numerical:.12g} "
            f"(give or take {worst.error:.1g})"
        )

    def kink(self, search: Search, arriving: Arrays, found: Arrays, what: str) -> Comparison:
        """The verdict *kink*, raised or allowed."""
        __tracebackhide__ = True
        places = search.kinks(arriving, at_most=MANY if self.kinks == "allow" else 1)
        outside = None if self.depth > 1 else self.outside(search, places)
        if self.kinks == "allow" and outside is None:
            if len(places) < MANY and all(np.isfinite(p).all() for p in self.plain):
                self.compare_others(search, places, arriving, found)
            return Comparison(0.0, kink=True)
        where = outside or self.edge(search, places, arriving)
        if self.depth > 1:
            relation = "nothing is compared there"
        elif outside is None:
            relation = "the gradient lies between the slopes on both sides"
        else:
            relation = "the gradient does not lie between the slopes on both sides"
        advice = (
            f"move the point away, or {ALLOW}" if outside is None else "at a kink, too, a gradient lies between them"
        )
        error = KinkError(f"{what}; {relation}{where and f': {where}'}\n{advice}")
        error.between = outside is None
        raise error

    def adds_up(self, search: Search, arriving: Arrays, found: Arrays, whole: _Agreement) -> bool:
        """Whether the derivative in a direction is the sum of those in its parts, as where there is a derivative.

        (The median of equal numbers has a slope in every direction, the same on both sides, and no derivative.)
        """
        shuffled = np.random.default_rng(0).permutation(search.everywhere)  # no axis of an input lies in one part
        groups = np.array_split(shuffled, min(PARTS if len(shuffled) <= MANY else 2, len(shuffled)))
        parts = [search.only(group) for group in groups]
        curves = [part.along(part.towards, arriving) for part in parts]
        rough = [derivative(curve, 1e-2 * RTOL * whole.scale + 1e-12) for curve in curves]
        if 10 * sum(part.error for part in rough) <= RTOL * whole.scale + 1e-10 and _is_sum(whole, rough):
            return True
        gradients = [search.part(group, found) for group in groups]
        checked = [self.agreement(*each) for each in zip(parts, curves, repeat(arriving), gradients)]
        return _is_sum(whole, [agreement.numerical for agreement in checked])

    def bent(self) -> KinkError:
        """The verdict *kink* where slopes do not add up: not even if allowed, as no part can be compared by itself."""
        error = KinkError(
            f"{self.level.name} has no derivative at this point, or none that can be seen: its slope in a direction is "
            "not the sum of the slopes in its parts, as where a sorted order changes, or a part is computed in float32"
            "\nmove the point away"
        )
        error.between = True
        return error

    def drowned(self) -> Comparison:
        """The verdict *kink* where rounding hides what there is to compare."""
        __tracebackhide__ = True
        if self.kinks == "allow":
            return Comparison(0.0, kink=True)
        raise KinkError(
            f"{self.level.name} is so large, and rounded so coarsely, that differences say nothing about its "
            f"derivative\nsubtract what is constant, check its parts, or {ALLOW}"
        )

    def compare_others(self, search: Search, places: Places, arriving: Arrays, found: Arrays) -> None:
        """Compare the derivative in the direction of all elements that are not at a kink."""
        __tracebackhide__ = True
        smooth = np.setdiff1d(search.everywhere, places)
        rest = search.only(smooth)
        found = search.part(smooth, found)  # at a kink it may be infinite, and 0 times that is NaN
        agreement = self.agreement(rest, rest.along(rest.towards, arriving), arriving, found)
        if agreement.off > 1 and agreement.clear:
            raise self.fault(rest, arriving, found, agreement)

    def edge(self, search: Search, places: Places, arriving: Arrays) -> str:
        """Of the first element at a kink: where it is, and its slopes on both sides."""
        if len(places) == 0:
            return ""
        if self.depth > 1:
            return self.place(search, places[0])
        left, right = one_sided(search.along(search.unit(places[0]), arriving))
        return f"{self.place(search, places[0])}: {left.value:.6g} and {right.value:.6g}"

    def place(self, search: Search, place: int) -> str:
        """An element, and its value."""
        i, j = search.element(place)
        return f"input {i}, element {list(j)}, at {self.xs[i][j]:.6g}"

    def outside(self, search: Search, places: Places) -> str | None:
        """An element whose gradient is not between the slopes on both sides, for some element of the outputs."""
        unseen = np.setdiff1d(places, list(self.inside))
        rows = [flattened(self.gradients(unit))[unseen] for unit in units(self.plain)] if len(unseen) else []
        for n, place in enumerate(unseen):
            left, right = (Estimate(*(part[: len(rows)] for part in e)) for e in search.slopes(place))
            g = np.array([row[n] for row in rows])
            low, high = np.minimum(left.value, right.value), np.maximum(left.value, right.value)
            with np.errstate(invalid="ignore"):
                slack = 10 * (left.error + right.error) + RTOL * np.maximum(abs(low), abs(high)) + 1e-9
                out = np.isfinite(slack) & ~((low - slack <= g) & (g <= high + slack))
                if not np.isfinite(slack).all():  # where one slope is infinite, 0 times it is NaN for the others
                    out &= ~np.isnan(g)
            if out.any():
                k = int(np.argmax(out))
                slopes = f"the gradient is {g[k]:.6g}, the slopes {left.value[k]:.6g} and {right.value[k]:.6g}"
                return f"{self.place(search, place)}: {slopes}"
            self.inside.add(int(place))
        return None


def _is_sum(whole: _Agreement, parts: list[Estimate]) -> bool:
    """Whether the derivative in a direction is the sum of these, as far as can be seen."""
    off = whole.numerical.value - sum(part.value for part in parts)
    errors = whole.numerical.error + sum(part.error for part in parts)
    return not abs(off) > 10 * errors + RTOL * whole.scale + 1e-10


def _damped(towards: Arrays, found: Arrays, rng: np.random.Generator) -> Arrays:
    """The direction with all elements whose part in the derivative is over the median slowed down to that or less.

    (Not all to the same: at two kinks, parts of the same size can make the slopes on both sides equal.)
    """
    with np.errstate(all="ignore"):
        terms = np.abs(flattened(towards) * flattened(found))
        positive = terms[np.isfinite(terms) & (terms > 0)]
        if positive.size == 0:
            return towards
        usual = np.quantile(positive, 0.5, method="lower")
        slower = np.where(terms > usual, rng.uniform(0.5, 1, terms.shape) * usual / terms, 1)
    return split(flattened(towards) * np.where(slower > 0, slower, 1), towards)


def _one_by_one(xs: Arrays) -> list[Arrays]:
    """Each of several arrays, with 0 in the place of the others."""
    if len(xs) == 1:
        return []
    return [[x if k == i else np.zeros(x.shape) for k, x in enumerate(xs)] for i in range(len(xs))]


def _direction(x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Numbers of size 1/2 to 1 (more where x is large) and of either sign: no element counts for nothing."""
    sizes = rng.uniform(0.5, 1, x.shape) * np.maximum(1, np.abs(x))
    return np.asarray(sizes * rng.choice([-1.0, 1.0], x.shape))

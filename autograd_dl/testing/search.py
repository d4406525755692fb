"""Where in the inputs a fault or a kink is: found by halving, since there may be millions of elements."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .differences import STEP, Curve, Estimate, Rounded, derivative, one_sided
from .levels import Arrays, Level, inner, norm
from .verdicts import Finding

RTOL = 1e-6
"""How far a gradient may be off, relative to the norm of the terms that it is compared through."""
MANY = 256
"""Elements, of which at most so many are looked at one by one."""

Places = NDArray[np.intp]
"""Numbers of elements; those of all inputs are numbered through."""


class Search:
    """The inputs of a function at a point, its values there, and a direction in which each of their elements moves."""

    def __init__(self, level: Level, xs: Arrays, at: Arrays, towards: Arrays) -> None:
        self.level, self.xs, self.at, self.towards = level, xs, at, towards
        self.everywhere = np.arange(sum(x.size for x in xs))

    def part(self, places: Places, whole: Arrays | None = None) -> Arrays:
        """The direction (or other numbers) of some elements, and 0 for the others."""
        flat = np.zeros(len(self.everywhere))
        flat[places] = flattened(self.towards if whole is None else whole)[places]
        return split(flat, self.xs)

    def only(self, places: Places) -> Search:
        """The same where only some elements move."""
        return Search(self.level, self.xs, self.at, self.part(places))

    def along(self, towards: Arrays, arriving: Arrays | None = None) -> Curve:
        """What changes on the way in a direction: all values in a row, or weighted by `arriving` and summed.

        The sums are remembered: the ladders of differences meet at the same steps.
        """

        def curve(t: float) -> Rounded:
            ys = self.level.arrays([x + t * v for x, v in zip(self.xs, towards, strict=True)])
            changes = [y - y0 for y, y0 in zip(ys, self.at, strict=True)]
            if arriving is None:
                return Rounded(flattened(changes), np.abs(flattened(ys)))
            return Rounded(inner(arriving, changes), norm(arriving, ys))

        return curve if arriving is None else functools.cache(curve)

    def rounded(self, curve: Curve, arriving: Arrays | None = None) -> Curve:
        """`curve`, rounded at least as the inputs are: where terms cancel, their sum is 0, and would look exact.

        What the inputs' rounding makes is seen over a coarse step and, as waves may be shorter than that, a fine one.
        A slope that doubles, or more, at a finer one still is that of a jump, or of rounding: it would hide all else.
        """
        rng = np.random.default_rng(0)
        sizes = [np.where(x == 0, 1, np.abs(x)) * rng.uniform(0.5, 1, x.shape) for x in self.xs]
        signed = [size * rng.choice([-1, 1], size.shape) for size in sizes]
        with np.errstate(all="ignore"):
            coarse, fine, finer = (
                np.max([np.abs(self.along(own, arriving)(h).value / h) for own in (sizes, signed)], axis=0)
                for h in (STEP**2, STEP**5, STEP**6)
            )
            is_jump = ~(finer < 2 * fine)
            slope = np.where(is_jump, coarse, np.maximum(coarse, fine))
        least = np.where(np.isfinite(slope), slope, 0)

        def coarser(t: float) -> Rounded:
            y = curve(t)
            return Rounded(y.value, np.maximum(y.size, least))

        return coarser

    def worst(self, arriving: Arrays, found: Arrays) -> Finding | None:
        """The element whose gradient is most wrong; None where there are no elements."""

        def excess(places: Places) -> float:
            towards = self.part(places)
            numeric = derivative(self.along(towards, arriving), 1e-9)
            return _excess(inner(found, towards), numeric)

        places = self.everywhere
        while len(places) > 16:
            places = max(np.array_split(places, 2), key=excess)
        findings = [self.finding(int(place), arriving, found) for place in places]
        return max(findings, key=lambda f: _excess(f.analytic, Estimate(f.numerical, f.error)), default=None)

    def finding(self, place: int, arriving: Arrays, found: Arrays) -> Finding:
        """Both derivatives by one element."""
        numeric = derivative(self.along(self.unit(place), arriving), 1e-9)
        i, j = self.element(place)
        return Finding(i, j, float(found[i][j]), float(numeric.value), float(numeric.error))

    def kinks(self, arriving: Arrays, at_most: int) -> Places:
        """The elements at which the slopes on both sides differ, or cannot be seen; at most so many."""
        pending, there = np.array_split(self.everywhere, 2)[::-1], list[int]()
        while pending and len(there) < at_most:
            places = pending.pop()
            along = self.along(self.part(places), arriving)
            if len(places) == 0 or is_smooth(*one_sided(self.rounded(along, arriving))):
                continue
            if len(places) == 1:
                there.append(int(places[0]))
            else:
                pending += np.array_split(places, 2)[::-1]
        return np.array(sorted(there), dtype=np.intp)

    def slopes(self, place: int) -> tuple[Estimate, Estimate]:
        """The slopes of all outputs, in a row, to the left and to the right of one element."""
        return one_sided(self.rounded(self.along(self.unit(place))))

    def unit(self, place: int) -> Arrays:
        """The direction in which only one element moves, by 1."""
        return self.part(np.array([place]), [np.ones(x.shape) for x in self.xs])

    def element(self, place: int) -> tuple[int, tuple[int, ...]]:
        """The input in which an element is, and its index there."""
        for i, x in enumerate(self.xs):
            if place < x.size:
                return i, tuple(int(k) for k in np.unravel_index(place, x.shape))
            place -= x.size
        raise IndexError(place)


def is_smooth(left: Estimate, right: Estimate, allowed: float = 0.0) -> bool:
    """Whether slopes on both sides are the same, as far as can be seen."""
    with np.errstate(invalid="ignore"):
        slack = 10 * (left.error + right.error) + RTOL * abs(right.value) + 1e-9 + allowed
        return bool(np.isfinite(slack) and abs(left.value - right.value) <= slack)


def units(like: Arrays) -> Iterator[Arrays]:
    """For each element, up to so many, arrays of these shapes that have a 1 there and are 0 elsewhere."""
    size = sum(x.size for x in like)
    for place in range(min(MANY, size)):
        flat = np.zeros(size)
        flat[place] = 1
        yield split(flat, like)


def flattened(xs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The elements of all arrays in a row."""
    return np.concatenate([x.ravel() for x in xs]) if xs else np.zeros(0)


def split(flat: NDArray[Any], like: Arrays) -> Arrays:
    """The elements in a row as arrays of these shapes."""
    ends = np.cumsum([x.size for x in like])
    return [part.reshape(x.shape) for part, x in zip(np.split(flat, ends[:-1]), like, strict=True)]


def _excess(analytic: float, numerical: Estimate) -> float:
    """By how much a derivative is more off than the numerical one may be; infinite where that cannot be told."""
    excess = float(abs(analytic - numerical.value) - 10 * numerical.error)
    return np.inf if np.isnan(excess) else excess

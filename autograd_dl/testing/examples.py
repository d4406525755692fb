"""Where examples are drawn from: domains of numbers, shapes in strata, arrays, and the keys that index them.

Points are constructed where a function is smooth, not drawn and thrown away, and shapes are drawn in strata: a plain
strategy hardly ever draws the square matrix that hides a missing transpose, or two axes of which one is stretched.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import DTypeLike, NDArray

from ..errors import DTypeError

Shape = tuple[int, ...]
AnyShape = Shape | int | st.SearchStrategy[Shape] | st.SearchStrategy[int] | None
"""A shape as Hypothesis takes it: the length of a vector may stand for its shape, and a strategy for either."""


class Domain(NamedTuple):
    """The numbers from `low` to `high`, but for those within `margin` of a kink."""

    low: float = -2.0
    high: float = 2.0
    kinks: tuple[float, ...] = ()
    margin: float = 0.05

    def segments(self) -> list[tuple[float, float]]:
        """The intervals that are left between the kinks."""
        edges = [self.low]
        for kink in sorted(k for k in self.kinks if self.low <= k <= self.high):
            edges += [kink - self.margin, kink + self.margin]
        edges.append(self.high)
        left = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
        if not left:
            raise ValueError(f"no number is left in {self}: low must be less than high, and the margins leave room")
        return left

    def numbers(self, shares: NDArray[Any]) -> NDArray[np.float64]:
        """The numbers at these shares (0 to 1) of the way through the domain."""
        segments = self.segments()
        lengths = [b - a for a, b in segments]
        ways = shares * sum(lengths)
        starts = np.cumsum([0.0, *lengths[:-1]])
        at = np.searchsorted(starts, ways, side="right") - 1
        return np.asarray(np.array([a for a, _ in segments])[at] + ways - starts[at])


REAL = Domain()
POSITIVE = Domain(0.2, 3.0)
NONZERO = Domain(kinks=(0.0,), margin=0.2)
UNIT = Domain(-0.9, 0.9)
STRATA = ("square", "broadcast", "size 0", "size 1", "general")


def stratum(shape: Shape) -> str:
    """Which of the kinds of shapes this one is.

    >>> [stratum(s) for s in [(3, 3), (1, 3), (0, 2), (), (2, 3)]]
    ['square', 'broadcast', 'size 0', 'size 1', 'general']
    """
    size = math.prod(shape)
    if size in (0, 1):
        return f"size {size}"
    if 1 in shape:
        return "broadcast"
    return "square" if len(shape) > 1 and len(set(shape)) == 1 else "general"


@st.composite
def shapes(draw: st.DrawFn, min_dims: int = 0, max_dims: int = 3, max_side: int = 4) -> Shape:
    """Shapes of each stratum: square, with axes of length 1, of size 0, of size 1, and general."""
    kinds = ["size 1", "size 1"]  # twice, since there are so few of them that Hypothesis soon has had all
    if max_dims > 0:
        kinds = ["general", *kinds, "size 0", "size 0"]
    if max_dims > 1:
        kinds += ["square", "broadcast"]
    kind = draw(st.sampled_from(kinds))
    if kind == "size 1":
        return (1,) * draw(st.integers(min_dims, max_dims))
    if kind == "square":
        return (draw(st.integers(2, max(2, max_side - 1))),) * draw(st.integers(max(2, min_dims), max_dims))
    least = max(min_dims, 2 if kind == "broadcast" else 1)
    sides = draw(st.lists(st.integers(2, max_side), min_size=least, max_size=max_dims))
    if kind != "general":
        there = draw(st.integers(0, len(sides) - 1))
        sides[there] = int(kind == "broadcast")
    elif len(sides) > 1 and len(set(sides)) == 1:
        sides[0] = 2 if sides[0] > 2 else 3
    return tuple(sides)


@st.composite
def broadcastable(draw: st.DrawFn, count: int = 2, max_dims: int = 3, max_side: int = 4) -> tuple[Shape, ...]:
    """Shapes that broadcast together: some alike, some with stretched or missing axes."""
    ways = ["missing", "missing", "stretched", "stretched", "number", "same"]
    kinds = [draw(st.sampled_from(ways)) for _ in range(count - 1)]
    least = 2 if "missing" in kinds else 1 if "stretched" in kinds else 0
    whole = draw(shapes(min(least, max_dims), max_dims, max_side))
    found = [whole]
    for kind in kinds:
        long = [i for i, n in enumerate(whole) if n != 1]
        if kind == "stretched" and long:
            ones = draw(st.sets(st.sampled_from(long), min_size=1))
            found.append(tuple(1 if i in ones else n for i, n in enumerate(whole)))
        elif kind == "missing" and len(whole) > 1:
            found.append(whole[draw(st.integers(1, len(whole) - 1)) :])
        else:
            found.append(whole if kind == "same" else ())
    return tuple(draw(st.permutations(found)))


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
    ValueError if `at_kinks` and the domain has none, and `DTypeError` if the dtype has too few numbers in the domain.
    """
    if not isinstance(shape, tuple):
        drawn: Any = shapes() if shape is None else shape
        drawn = draw(drawn) if isinstance(drawn, st.SearchStrategy) else drawn
        shape = (int(drawn),) if isinstance(drawn, (int, np.integer)) else tuple(drawn)
    size = math.prod(shape)
    points = _points(domain, max(256, 16 * size), np.dtype(dtype))
    if len(points) < (size if distinct else min(size, 1)):
        raise DTypeError(
            f"{np.dtype(dtype)} has {len(points)} numbers to draw from in {domain}, too few for {size}"
            f"{' that are distinct' if distinct else ''}: draw from a wider domain, or in a finer dtype"
        )
    places = st.integers(0, max(1, len(points)) - 1)
    lattice = draw(hnp.arrays(np.int64, shape, elements=places, fill=st.nothing(), unique=distinct))
    values = np.asarray(points[lattice])
    if at_kinks and size:
        if not domain.kinks:
            raise ValueError("at_kinks needs a domain with kinks")
        most = len(domain.kinks) if distinct else size
        there = sorted(draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=most)))
        kinks = st.lists(st.sampled_from(domain.kinks), min_size=len(there), max_size=len(there), unique=distinct)
        values.flat[there] = np.array(draw(kinks)).astype(dtype)
    return values


def _points(domain: Domain, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """At most so many numbers of this dtype, evenly spaced in the domain, and at no kink."""
    with np.errstate(over="ignore"):
        points = np.unique(domain.numbers((np.arange(count) + 0.5) / count).astype(dtype))
    numbers = points.real.astype(np.float64)
    inside = [(a <= numbers) & (numbers <= b) for a, b in domain.segments()]
    return np.asarray(points[np.any(inside, axis=0) & ~np.isin(points, np.array(domain.kinks).astype(dtype))])


def reduction_axes(ndim: int) -> st.SearchStrategy[int | tuple[int, ...] | None]:
    """What `axis=` may be for an array of so many dimensions: None, an int (negative, too), or a tuple of them."""
    if ndim == 0:
        return st.none() | st.just(())
    axis = st.integers(-ndim, ndim - 1)
    several = st.lists(axis, max_size=ndim, unique_by=lambda i: i % ndim).map(tuple)
    return st.none() | axis | several


@st.composite
def indices(draw: st.DrawFn, shape: Shape) -> Any:
    """Keys that index an array of this shape: ints, slices, Ellipsis, None, masks, integer arrays, mixed."""
    kind = draw(st.sampled_from(["basic", "mask", "integers", "mixed"]))
    if kind == "mask":
        return draw(hnp.arrays(np.bool_, shape))
    if kind == "basic" or not shape or 0 in shape:
        return draw(hnp.basic_indices(shape, allow_newaxis=True))
    if kind == "integers":
        return draw(_positions(shape[0]))
    first = draw(st.slices(shape[0]) | _positions(shape[0]))
    rest = [draw(st.integers(-n, n - 1) | st.slices(n)) for n in shape[1:]]
    return (first, *rest)


def _positions(length: int) -> st.SearchStrategy[NDArray[np.int64]]:
    sizes = st.sampled_from([(0,), (1,), (3,), (5,), (2, 2)])
    return hnp.arrays(np.int64, sizes, elements=st.integers(-length, length - 1))


@st.composite
def einsum_specs(draw: st.DrawFn, max_side: int = 3) -> tuple[str, tuple[Shape, ...]]:
    """Subscripts of one to three operands, with shapes that fit them, as ("ij,jk->ik", ((2, 3), (3, 2)))."""
    sides = {letter: draw(st.integers(1, max_side)) for letter in "ijkl"}
    operand = st.lists(st.sampled_from("ijkl"), unique=True, max_size=3).map("".join)
    operands = draw(st.lists(operand, min_size=1, max_size=3))
    letters = sorted(set("".join(operands)))
    result = draw(st.permutations(letters).flatmap(lambda p: st.integers(0, len(p)).map(lambda n: "".join(p[:n]))))
    return f"{','.join(operands)}->{result}", tuple(tuple(sides[i] for i in o) for o in operands)


class ConvCase(NamedTuple):
    """An image (batch, channels, height, width) and how filters move over it; they fit."""

    shape: tuple[int, int, int, int]
    filter_h: int
    filter_w: int
    stride: int | tuple[int, int]
    pad: int | tuple[int, int]


@st.composite
def conv_cases(draw: st.DrawFn, max_side: int = 5) -> ConvCase:
    """Cases of convolution: batch of 0 to 2, filters up to the padded image, stride and pad a number or a pair."""
    pair = st.tuples(st.integers(0, 2), st.integers(0, 1))
    pad = draw(st.integers(0, 2) | pair)
    pads = pad if isinstance(pad, tuple) else (pad, pad)
    sides = [draw(st.integers(1, max_side)) for _ in range(2)]
    filters = [draw(st.integers(1, min(3, n + 2 * p))) for n, p in zip(sides, pads, strict=True)]
    stride = draw(st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 2)))
    batch, channels = draw(st.integers(0, 2)), draw(st.integers(1, 2))
    return ConvCase((batch, channels, sides[0], sides[1]), filters[0], filters[1], stride, pad)

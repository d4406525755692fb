"""What a spec row is, and how its cases are drawn: shapes in strata, points inside the domain and away from kinks."""

from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from autograd_dl.ops.entry import present as present
from autograd_dl.table import Op

BOTH = st.booleans()
whole = st.integers


def pick(*values):
    """One of the values."""
    return st.sampled_from(values)


class Case(NamedTuple):
    """The arrays that are differentiated, and the keywords of the call."""

    arrays: tuple[np.ndarray, ...]
    options: dict[str, Any]


class Spec(NamedTuple):
    """One row: `f(*arrays, **options)` for the drawn `cases` is a use of the table's entries `keys`."""

    name: str
    keys: tuple[Callable[..., Any], ...]
    cases: st.SearchStrategy[Case]
    f: Callable[..., Any]
    reference: Callable[..., Any]  # the same on plain arrays, by NumPy
    half: bool  # whether it takes float16


def row(keys, cases, f=None, *, label="", reference=None, half=True) -> Spec | None:
    """A spec row; `f` is the first of `keys` itself if not given, and its own reference. None if there are no keys."""
    keys = tuple(keys) if isinstance(keys, (tuple, list)) else (keys,)
    if not keys:
        return None
    f = f or keys[0]
    name = f"{Op(keys[0]).title.lstrip('_')}{' ' * bool(label)}{label}"
    return Spec(name, keys, cases, f, reference or f, half)


# -- the words of the rows: shapes

NONEMPTY = [(), (1,), (3,), (2, 3), (3, 3), (1, 4), (2, 1, 3)]
SHAPES = [*NONEMPTY, (0,), (2, 0)]
LONG = [(4,), (2, 3), (3, 3), (2, 3, 2)]  # at least two elements along every axis
PAIRS = [
    ((), ()), ((3,), ()), ((), (2,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((1,), (2, 2)),
    ((1, 1, 2), (3, 1)), ((0,), (1,)), ((2, 1), (2, 0)),
]  # fmt: skip
MATRICES = [(2, 2), (3, 3), (1, 1), (2, 3, 3)]
TALL_AND_WIDE = [(2, 2), (3, 2), (2, 3), (1, 2), (2, 3, 2)]


@st.composite
def cases(draw, *makers, shapes=SHAPES, **options):
    """An array from each of `makers`, (rng, shape) -> array, and each option from a strategy or from what it is given
    the shapes."""
    drawn = draw(pick(*shapes))
    drawn = (drawn,) if len(makers) == 1 else drawn
    rng = np.random.default_rng(draw(whole(0, 2**16)))
    arrays = tuple(make(rng, shape) for make, shape in zip(makers, drawn, strict=True))
    return Case(arrays, {k: draw(o(*drawn) if callable(o) else o) for k, o in options.items()})


one = cases
two = partial(cases, shapes=PAIRS)


# -- options


def axis(shape):
    """One axis, counted from either end."""
    return whole(-len(shape), len(shape) - 1)


def axis_or_none(shape):
    return st.none() | axis(shape) if shape else st.none()


def axes(shape):
    """None, one axis, or a tuple of some."""
    several = [c for k in range(len(shape) + 1) for c in combinations(range(len(shape)), k)]
    return axis_or_none(shape) | pick(*several, tuple(i - len(shape) for i in range(len(shape))))


def some_axes(shape):
    """As `axes`, but one at the least."""
    return axes(shape).filter(lambda a: a != ())


def masks(*shapes):
    """Booleans of the shape that all shapes broadcast to."""
    shape = np.broadcast_shapes(*shapes)
    return whole(0, 2**16).map(lambda seed: np.random.default_rng(seed).random(shape) < 0.5)


reduced = partial(cases, axis=axes, keepdims=BOTH)
several_reduced = partial(cases, shapes=LONG, axis=some_axes, keepdims=BOTH)


# -- points


def normal(rng, shape):
    return np.asarray(rng.standard_normal(shape))


def between(low, high):
    return lambda rng, shape: np.asarray(rng.uniform(low, high, shape))


def away(low, high):
    """Of either sign, and that far from 0."""
    return lambda rng, shape: rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)


def some_zeros(rng, shape):
    return normal(rng, shape) * (rng.random(shape) < 0.7)


def slot(k):
    """Numbers of which no two are nearer than 0.1 to each other, nor to those of the slots 0, 1 and 2 beside k."""

    def make(rng, shape):
        n = int(np.prod(shape))
        places = rng.permutation(n).reshape(shape) - n / 2
        return np.asarray(0.6 * places + 0.2 * k + 0.1 + rng.uniform(-0.04, 0.04, shape))

    return make


distinct = slot(0)


def distinct_sizes(rng, shape):
    """No two absolute values are nearer than 0.1, nor any to 0."""
    return (0.3 + 0.3 * rng.permutation(int(np.prod(shape))).reshape(shape) + rng.uniform(0, 0.1, shape)) * rng.choice(
        [-1.0, 1.0], shape
    )


def fractions(low, high):
    """Whole numbers from -2 to 2 and a part between `low` and `high`."""
    return lambda rng, shape: rng.integers(-2, 3, shape) + rng.uniform(low, high, shape)


def ascending(rng, shape):
    return np.cumsum(rng.uniform(0.3, 1, shape), -1)


def invertible(rng, shape):
    return rng.uniform(-0.3, 0.3, shape) + 1.5 * np.eye(shape[-1])


def spread(rng, shape):
    """Matrices whose singular values, and sums of absolute values by rows and by columns, are apart."""
    return np.eye(*shape[-2:]) * np.arange(1, 1 + shape[-1]) + away(0.05, 0.2)(rng, shape)

"""What a spec row is, and how its cases are made: shapes in strata, points inside the domain and away from kinks."""

from collections.abc import Callable
from functools import partial
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np

from autograd_dl.ops.entry import present as present
from autograd_dl.table import Op

BOTH = (False, True)


def pick(*values):
    """One of the values."""
    return values


def whole(low, high):
    """A whole number from `low` to `high`."""
    return tuple(range(low, high + 1))


class Case(NamedTuple):
    """The arrays that are differentiated, and the keywords of the call."""

    arrays: tuple[np.ndarray, ...]
    options: dict[str, Any]


class Cases:
    """What a row is called with: a tuple of shapes, each with all values that the options have there.

    The cases of a seed are few, and among them is each pair of a shape and an option's value, and of two options'
    values; the seed decides the points, and which few they are.
    """

    def __init__(self, makers, shapes, options):
        self.makers, self.options = makers, options
        self.shapes = [(shape,) if len(makers) == 1 else shape for shape in shapes]

    def choices(self):
        """Each tuple of shapes with each combination of options."""
        for shapes in self.shapes:
            yield from product([shapes], *(o(*shapes) if callable(o) else o for o in self.options.values()))

    def __call__(self, seed=0):
        choices, found = list(self.choices()), []
        parts = [pairs(choice) for choice in choices]
        missing, order = set().union(*parts), np.random.default_rng(seed).permutation(len(choices))
        while missing:
            n = max(order, key=lambda n: len(parts[n] & missing))
            missing -= parts[n]
            shapes, *options = choices[n]
            rng = np.random.default_rng([seed, n])
            arrays = tuple(make(rng, shape) for make, shape in zip(self.makers, shapes, strict=True))
            found.append(Case(arrays, dict(zip(self.options, options, strict=True))))
        return found


def pairs(choice):
    named = [(i, repr(value)) for i, value in enumerate(choice)]
    return set(combinations(named, min(2, len(named))))


class Spec(NamedTuple):
    """One row: `f(*arrays, **options)` for each of `cases` is a use of the table's entries `keys`."""

    name: str
    keys: tuple[Callable[..., Any], ...]
    cases: Cases
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
TALL_AND_WIDE = [(2, 2), (3, 2), (2, 3), (1, 2), (2, 3, 2), (2, 2, 3)]


def cases(*makers, shapes=SHAPES, **options):
    """An array from each of `makers`, (rng, shape) -> array, and each option of some values, or of what a function
    says that they are for the shapes."""
    return Cases(makers, shapes, options)


one = cases
two = partial(cases, shapes=PAIRS)


# -- options


def axis(shape):
    """One axis, counted from either end."""
    return whole(-len(shape), len(shape) - 1)


def axis_or_none(shape):
    return (None, *axis(shape))


def axes(shape):
    """None, one axis, or a tuple of none, one, some or all."""
    n = len(shape)
    return (
        (None, ()),
        (None, 0, (-1,), ()),
        (None, 0, -1, (0,), (1, 0), ()),
        (None, 1, -1, (-1,), (0, -1), (0, 1, 2)),
    )[n]


def some_axes(shape):
    """As `axes`, but one at the least."""
    return tuple(a for a in axes(shape) if a != ())


def masks(*shapes):
    """Booleans of the shape that all shapes broadcast to."""
    rng = np.random.default_rng(1)
    return [rng.random(np.broadcast_shapes(*shapes)) < 0.5 for _ in range(2)]


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


def positive(rng, shape):
    """Matrices whose symmetric part is positive definite."""
    return rng.uniform(-0.3, 0.3, shape) + 1.5 * np.eye(shape[-1])


def invertible(rng, shape):
    """Matrices whose determinants are of either sign."""
    return positive(rng, shape) * rng.choice([-1.0, 1.0], (*shape[:-1], 1))


def spread(rng, shape):
    """Matrices whose singular values, and sums of absolute values by rows and by columns, are apart."""
    return np.eye(*shape[-2:]) * np.arange(1, 1 + shape[-1]) + away(0.05, 0.2)(rng, shape)

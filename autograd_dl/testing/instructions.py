"""The ops that random programs are made of: where each is smooth, and what it takes beside its first argument."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from .. import functional, ops
from ..table import title_of
from .examples import NONZERO, REAL, Domain, Shape, arrays, indices, reduction_axes

MARGIN = 0.02
"""How far from a kink a value is, at least."""

Values = NDArray[Any]
Rest = st.SearchStrategy[tuple[tuple[Any, ...], dict[str, Any]]]


def _anything(_x: Values) -> bool:
    return True


def _nothing_else(_x: Values) -> Rest:
    return st.just(((), {}))


class Partner(NamedTuple):
    """A second argument: which earlier result can be one beside x, and new arrays that can."""

    accepts: Callable[[Values, Values], bool]
    new: Callable[[Values], st.SearchStrategy[Values]]


class Instruction(NamedTuple):
    """An op in a random program.

    `fits` says of its first argument whether the op is smooth there, `partner` what may be the second, `rest` draws the
    further arguments. One that `joins` takes its arguments as a list.
    """

    fun: Callable[..., Any]
    fits: Callable[[Values], bool] = _anything
    partner: Partner | None = None
    rest: Callable[[Values], Rest] = _nothing_else
    joins: bool = False

    def __repr__(self) -> str:
        return title_of(self.fun)


def _within(low: float, high: float) -> Callable[[Values], bool]:
    return lambda x: bool(np.all((x >= low) & (x <= high)))


def _off(*kinks: float) -> Callable[[Values], bool]:
    return lambda x: all(bool(np.all(np.abs(x - kink) >= MARGIN)) for kink in kinks)


def _distinct(x: Values) -> bool:
    return x.size > 0 and bool(np.all(np.diff(np.sort(x, axis=None)) >= MARGIN))


def _at_least(dims: int) -> Callable[[Values], bool]:
    return lambda x: x.ndim >= dims


def _no_zero_side(x: Values) -> bool:
    return x.size > 0


def _has_axes_and_numbers(x: Values) -> bool:
    return x.ndim > 0 and x.size > 0


# -- second arguments


def _broadcasts(x: Values, y: Values) -> bool:
    try:
        return len(np.broadcast_shapes(x.shape, y.shape)) <= 4
    except ValueError:
        return False


def _partner_shapes(shape: Shape) -> st.SearchStrategy[Shape]:
    """Shapes that broadcast with this one: the same, stretched, with axes missing, with one more."""
    stretched = st.sets(st.sampled_from(range(len(shape)))) if shape else st.just(set[int]())
    ones = stretched.map(lambda axes: tuple(1 if i in axes else n for i, n in enumerate(shape)))
    missing = st.integers(0, len(shape)).map(lambda i: shape[i:])
    return st.just(shape) | ones | missing | (st.just((2, *shape)) if len(shape) < 3 else st.just(shape))


def _elementwise(domain: Domain = REAL, fits: Callable[[Values], bool] = _anything) -> Partner:
    return Partner(
        lambda x, y: _broadcasts(x, y) and fits(y),
        lambda x: _partner_shapes(x.shape).flatmap(lambda s: arrays(s, domain=domain)),
    )


def _apart(x: Values) -> st.SearchStrategy[Values]:
    """Arrays of the shape of x that are nowhere near it."""
    return arrays(x.shape, domain=NONZERO).map(lambda offset: x + offset)


_APART = Partner(lambda x, y: x.shape == y.shape and bool(np.all(np.abs(x - y) >= MARGIN)), _apart)
_SAME_SHAPE = Partner(lambda x, y: x.shape == y.shape, lambda x: arrays(x.shape))
_PRODUCT = Partner(
    lambda x, y: y.ndim in (1, 2) and x.shape[-1] == y.shape[0],
    lambda x: st.sampled_from([1, 2, x.shape[-1]]).flatmap(lambda n: arrays((x.shape[-1], n))),
)
_VECTOR = Partner(lambda _x, y: y.ndim == 1, lambda _x: st.integers(1, 3).flatmap(lambda n: arrays((n,))))

# -- further arguments


def _keywords(**strategies: st.SearchStrategy[Any]) -> Rest:
    return st.fixed_dictionaries(strategies).map(lambda options: ((), options))


def _reduction(x: Values) -> Rest:
    return _keywords(axis=reduction_axes(x.ndim), keepdims=st.booleans())


def _one_axis(x: Values) -> Rest:
    return _keywords(axis=st.integers(-x.ndim, x.ndim - 1))


def _axis_or_none(x: Values) -> Rest:
    return _keywords(axis=st.none() | st.integers(-x.ndim, x.ndim - 1) if x.ndim else st.none())


def _then(strategy: st.SearchStrategy[Any]) -> Rest:
    return strategy.map(lambda argument: ((argument,), {}))


def _other_shapes(x: Values) -> Rest:
    shapes: list[Any] = [-1, x.shape[::-1], (1, *x.shape)] if x.size else [x.shape[::-1]]
    return _then(st.sampled_from([*shapes, (x.size,)]))


def _larger_shapes(x: Values) -> Rest:
    return _then(st.sampled_from([(2, *x.shape), tuple(3 if n == 1 else n for n in x.shape), x.shape]))


def _positions(x: Values) -> Rest:
    positions = st.lists(st.integers(-x.shape[0], x.shape[0] - 1), max_size=4)
    return positions.map(lambda p: ((np.array(p, dtype=np.int64),), {"axis": 0}))


def _are_images(x: Values) -> bool:
    return x.ndim == 4 and x.size > 0


def _differ_in_pixels(x: Values) -> bool:
    """Whether these are images, in none of which two numbers of a channel are near each other."""
    return _are_images(x) and all(_distinct(channel) for image in x for channel in image)


def _sides(x: Values) -> st.SearchStrategy[tuple[int, int]]:
    """Heights and widths of windows that fit these images."""
    return st.tuples(*(st.integers(1, min(3, n)) for n in x.shape[2:]))


_MOVES = {"stride": st.integers(1, 2), "pad": st.integers(0, 1)}


def _patches(x: Values) -> Rest:
    return st.tuples(_sides(x), st.fixed_dictionaries(_MOVES))


def _pools(x: Values) -> Rest:
    return st.tuples(_sides(x).map(lambda window: (window,)), st.fixed_dictionaries({"stride": st.integers(1, 2)}))


_FILTERS = Partner(
    lambda x, y: (
        y.ndim == 4 and y.shape[1] == x.shape[1] and y.size > 0 and all(map(operator.le, y.shape[2:], x.shape[2:]))
    ),
    lambda x: st.tuples(st.integers(1, 2), _sides(x)).flatmap(lambda f: arrays((f[0], x.shape[1], *f[1]))),
)


def _choice(x: Values) -> st.SearchStrategy[Any]:
    return arrays(x.shape, domain=NONZERO).map(lambda a: a > 0)


def where(x: Any, y: Any, mask: Any) -> Any:
    """np.where with the mask last, as instructions have it."""
    return np.where(mask, x, y)


OF_IMAGES: tuple[Instruction, ...] = (
    Instruction(ops.im2col, _are_images, rest=_patches),
    Instruction(functional.conv2d, _are_images, _FILTERS, lambda _x: _keywords(**_MOVES)),
    Instruction(functional.max_pool2d, _differ_in_pixels, rest=_pools),
    Instruction(functional.average_pool2d, _are_images, rest=_pools),
)
"""Those that take (N, C, H, W) alone."""
INSTRUCTIONS: tuple[Instruction, ...] = (
    # elementwise
    *(Instruction(fun) for fun in (np.negative, np.sin, np.cos, np.tanh, np.arctan, np.arcsinh, np.sinc)),
    *(Instruction(fun, _within(-30, 30)) for fun in (np.square, ops.sigmoid, ops.softplus)),
    Instruction(functional.softmax, _has_axes_and_numbers),
    *(Instruction(fun, _within(-3, 3)) for fun in (np.exp, np.expm1, np.exp2, np.sinh, np.cosh)),
    *(Instruction(fun, _within(0.1, 500)) for fun in (np.log, np.log2, np.sqrt, np.cbrt)),
    *(Instruction(fun, _within(-0.8, 0.8)) for fun in (np.arcsin, np.arccos, np.arctanh, np.log1p, np.tan)),
    *(Instruction(fun, _off(0)) for fun in (np.absolute, ops.relu)),
    Instruction(np.reciprocal, _off(*np.arange(-3, 4) * 0.05)),
    Instruction(np.clip, _off(-0.5, 0.75), rest=lambda _x: st.just(((-0.5, 0.75), {}))),
    Instruction(np.power, _within(0.1, 4), rest=lambda _x: _then(st.sampled_from([2, 0.5, -1, 3]))),
    # of two
    *(Instruction(fun, partner=_elementwise()) for fun in (np.add, np.subtract, np.multiply, np.logaddexp)),
    Instruction(np.divide, partner=_elementwise(NONZERO, _off(*np.arange(-3, 4) * 0.05))),
    Instruction(np.arctan2, _within(0.1, 500), partner=_elementwise()),
    Instruction(np.hypot, _within(0.1, 500), partner=_elementwise()),
    Instruction(np.power, _within(0.1, 4), partner=_elementwise(fits=_within(-3, 3))),
    *(Instruction(fun, partner=_APART) for fun in (np.maximum, np.minimum)),
    Instruction(where, partner=_SAME_SHAPE, rest=lambda x: _then(_choice(x))),
    # reductions
    *(Instruction(fun, rest=_reduction) for fun in (np.sum, np.prod)),
    *(Instruction(fun, _no_zero_side, rest=_reduction) for fun in (np.mean, functional.logsumexp)),
    *(Instruction(fun, _distinct, rest=_reduction) for fun in (np.max, np.min)),
    Instruction(np.var, _no_zero_side, rest=_reduction),
    Instruction(np.cumsum, rest=_axis_or_none),
    # shapes
    Instruction(np.ravel),
    Instruction(np.transpose),
    Instruction(np.reshape, rest=_other_shapes),
    Instruction(np.broadcast_to, rest=_larger_shapes),
    Instruction(np.expand_dims, rest=lambda x: _keywords(axis=st.integers(-x.ndim - 1, x.ndim))),
    Instruction(np.swapaxes, _at_least(2), rest=lambda _x: st.just(((0, -1), {}))),
    Instruction(np.flip, rest=_axis_or_none),
    Instruction(np.roll, rest=lambda _x: _then(st.integers(-3, 3))),
    Instruction(np.tile, rest=lambda _x: _then(st.sampled_from([2, (2, 1)]))),
    Instruction(np.concatenate, _at_least(1), _SAME_SHAPE, _one_axis, joins=True),
    Instruction(np.stack, _anything, _SAME_SHAPE, lambda x: _keywords(axis=st.integers(0, x.ndim)), joins=True),
    # indexing
    Instruction(operator.getitem, rest=lambda x: _then(indices(x.shape))),
    Instruction(np.take, _has_axes_and_numbers, rest=_positions),
    Instruction(np.sort, lambda x: x.ndim > 0 and _distinct(x), rest=_one_axis),
    Instruction(np.diagonal, _at_least(2)),
    # products
    Instruction(np.dot, _at_least(1), partner=_PRODUCT),
    Instruction(np.matmul, _at_least(1), partner=_PRODUCT),
    Instruction(np.inner, lambda x: x.ndim == 1, partner=_SAME_SHAPE),
    Instruction(np.outer, lambda x: x.size <= 12, partner=_VECTOR),
    *OF_IMAGES,
)

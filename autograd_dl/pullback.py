"""What happens to a gradient between two rules: it is fitted to its argument, added to others, and owned or not."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy import ndarray

from .errors import RuleError
from .parallel import in_block, shares, sum_in_shares
from .table import Op

LARGE = 1 << 23
"""Bytes of a matrix whose rows are summed in parts, in a block of `workers`."""
ONES_KEPT = 1 << 17
"""How many ones are kept of each dtype, to sum rows with."""


class Parts:
    """The gradient of some results of an op that has several, by their number."""

    __slots__ = ("given",)

    def __init__(self, given: dict[int, Any]) -> None:
        self.given = given

    def __add__(self, other: Parts) -> Parts:
        both = Parts(dict(self.given))
        both += other
        return both

    def __iadd__(self, other: Parts) -> Parts:
        for i, g in other.given.items():
            self.given[i] = total(self.given[i], g) if i in self.given else g
        return self

    def whole(self, results: tuple[Any, ...]) -> tuple[Any, ...]:
        """A gradient for each of the results: zeros where none arrived."""
        return tuple(
            settled(self.given[i], r) if i in self.given else np.zeros(r.shape, r.dtype) for i, r in enumerate(results)
        )


class Placed:
    """The gradient of an array of which an op took some elements, `array[key]`, none twice: `g` there, 0 elsewhere.

    Adding it to another gradient takes time in proportion to these elements, not to the whole array. Without it, the
    way back through a loop over the rows of an array would be quadratic in their number (as it still is where gradients
    are recorded or watched).
    """

    __slots__ = ("g", "key", "shape")

    def __init__(self, g: Any, key: Any, shape: tuple[int, ...]) -> None:
        self.g, self.key, self.shape = g, key, shape

    def add_to(self, gradient: Any) -> None:
        """Add it to a gradient of the array, in place."""
        gradient[self.key] += self.g

    def whole(self) -> Any:
        """The gradient as an array."""
        out = np.zeros_like(self.g, shape=self.shape)
        out[self.key] = self.g
        return out


def fitted(part: Any, like: Any, op: Op, i: int) -> Any:
    """A rule's gradient in the shape and dtype of its argument `like`. Broadcasting is undone here.

    (A product of one matrix with a stack does it itself, which saves the stack.)

    Raises
    ------
    RuleError
        If it is no gradient of that argument, whatever is summed.
    """
    if type(part) is Parts:
        return part
    if type(part) is Placed:
        part = part.whole()
    shape, wanted = getattr(part, "shape", None), like.shape
    if shape != wanted:
        if shape is None or not op.broadcasts or not _stretches(wanted, shape):
            raise RuleError(
                f"the rule of {op.title} for argument {i} must return a gradient of the argument's shape {wanted}; "
                f"it returned {type(part).__name__ if shape is None else f'shape {shape}'}"
            )
        part = unbroadcast(part, wanted)
    if part.dtype is like.dtype or part.dtype == gradient_dtype(like, part):
        return part
    if part.dtype.kind not in "fiub":
        raise RuleError(f"the rule of {op.title} for argument {i} must return {like.dtype}; it returned {part.dtype}")
    return part.astype(like.dtype)


def _stretches(small: tuple[int, ...], large: tuple[int, ...]) -> bool:
    """Whether broadcasting makes the shape `large` of `small`."""
    kept = large[len(large) - len(small) :]
    return kept == small or (len(kept) == len(small) and all(s in (1, n) for s, n in zip(small, kept, strict=True)))


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes that broadcasting added to `shape` or stretched. float16 is summed in float32."""
    if type(g) is ndarray:
        if g.dtype.char == "e":
            return unbroadcast(g.astype(np.float32), shape).astype(g.dtype)
        if g.ndim == 2 and g.shape[1:] == shape:
            return column_sums(g)
    added = g.ndim - len(shape)
    stretched = (i for i in range(added, g.ndim) if shape[i - added] == 1 != g.shape[i])
    return g.sum(axis=(*range(added), *stretched)).reshape(shape)


def column_sums(rows: Any) -> Any:
    """The sum over the first axis of a matrix, by BLAS: three times faster than `rows.sum(0)`, and more exact.

    In a block of `workers`, that of a large matrix is the sum of several.
    """
    if type(rows) is not ndarray:
        return np.dot(_ones(len(rows), rows.dtype), rows)
    if in_block() and rows.nbytes >= LARGE and rows.dtype.kind == "f":
        return _column_sums_in_parts(rows)
    return _ones(len(rows), rows.dtype).dot(rows)


def _column_sums_in_parts(rows: Any) -> Any:
    def add(total: Any, part: slice) -> None:
        total += _ones(part.stop - part.start, rows.dtype).dot(rows[part])

    return sum_in_shares(lambda: add, shares(len(rows)), rows, rows.shape[1:])


def _ones(length: int, dtype: np.dtype[Any]) -> Any:
    return _kept_ones(dtype)[:length] if length <= ONES_KEPT else np.ones(length, dtype)


@functools.cache
def _kept_ones(dtype: np.dtype[Any]) -> Any:
    ones = np.ones(ONES_KEPT, dtype)
    ones.flags.writeable = False
    return ones


def total(g: Any, h: Any) -> Any:
    """The sum of two gradients, in an array of its own. float16 is summed in float32."""
    if type(g) is not Parts and g.dtype.char == "e":
        g = g.astype(np.float32)
    return g + h


def settled(g: Any, value: Any) -> Any:
    """A whole gradient as the rules of its node take it: of each result, and in the dtype of the value."""
    if type(g) is Parts:
        return g.whole(value)
    return g if g.dtype == value.dtype else g.astype(gradient_dtype(value, g), copy=False)


def gradient_dtype(value: Any, g: Any) -> np.dtype[Any]:
    """The dtype of a gradient g of a value: that of the value. If an op made integers of floats, g keeps its own."""
    return value.dtype if value.dtype.kind == "f" else g.dtype

"""What the page shows of an array: shape, dtype, what can be said of its numbers, and some of them for a heat map."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..norms import Facts, facts
from ..text import typeset

TILES = 16
"""Of an array of more than two dimensions, how many matrices are shown."""
TOLD = {"b": ("zeros",), "i": ("zeros", "least", "most"), "u": ("zeros", "least", "most")}
"""The facts that say something of truth values and of integers, which are labels as a rule."""
Sketch = dict[str, Any]
"""An array as the page gets it; see `sketch`."""


def sketch(value: Any, cells: int) -> Sketch:
    """An array, with about so many of its cells at most: rows and columns at equal distances, of some of its matrices.

    It has `shape` and `dtype`. Of a number it has `value`, and `text` as pictures write it. Of an array that is known
    it has `stats`, and `tiles` (the leading indices of up to `TILES` matrices), `rows` and `columns` (which of them),
    and `cells` in that order. Several arrays are `several`.
    """
    if isinstance(value, tuple):
        return {"several": [sketch(part, cells) for part in value]}
    if not isinstance(value, (np.ndarray, np.generic, float, int)):
        return {"shape": list(value.shape), "dtype": str(value.dtype)}
    array = np.asarray(value)
    found: Sketch = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if array.dtype.kind not in "biuf":
        return found
    if not array.shape:
        return {**found, "value": exact(array.item()), "text": typeset(array[()])}
    return found | {"stats": _stats(array)} | _picked(array, cells)


def exact(value: float) -> float | str:
    """A number as JSON has it, and as JavaScript's `Number` reads it: those that are not finite by name."""
    value = float(value)
    return value if math.isfinite(value) else "NaN" if math.isnan(value) else f"{'-' * (value < 0)}Infinity"


def _rounded(value: float) -> float | str:
    """The number in few digits, but in enough of them that none that is not whole reads as if it were."""
    return exact(float(f"{value:.{6 if abs(value) < 1e5 else 12}g}"))


def _stats(array: NDArray[Any]) -> dict[str, Any]:
    """The facts of an array that are known and say something, by name; a mean that is a rounding error is 0."""
    told = TOLD.get(array.dtype.kind, Facts._fields)
    known = {name: value for name, value in facts(array)._asdict().items() if value is not None and name in told}
    if "mean" in known and abs(known["mean"]) < np.finfo(array.dtype).eps * max(-known["least"], known["most"]):
        known["mean"] = 0
    return {name: value if isinstance(value, int) else _rounded(value) for name, value in known.items()}


def _picked(array: NDArray[Any], cells: int) -> dict[str, Any]:
    """Some cells of an array of any number of dimensions, seen as a row of matrices."""
    leading, (rows, columns) = array.shape[:-2], (1, *array.shape)[-2:]
    count = math.prod(leading)
    tiles = _spaced(count, TILES)
    side = max(2, math.isqrt(cells // max(1, len(tiles))))
    most_rows = max(side, cells // max(1, len(tiles)) // max(1, columns))
    chosen_rows = _spaced(rows, most_rows)
    chosen_columns = _spaced(columns, max(side, cells // max(1, len(tiles) * len(chosen_rows))))
    numbers = array.reshape(count, rows, columns)[np.ix_(tiles, chosen_rows, chosen_columns)]
    return {
        "tiles": [[int(i) for i in np.unravel_index(tile, leading)] for tile in tiles],
        "rows": chosen_rows,
        "columns": chosen_columns,
        "cells": [_rounded(value) for value in numbers.ravel().tolist()],
    }


def _spaced(count: int, most: int) -> list[int]:
    """At most `most` of the numbers below `count`, at equal distances, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [i * (count - 1) // (most - 1) for i in range(most)]

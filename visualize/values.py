"""How the values of a picture are written: in short, by dtype, or with all that can be said of an array's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_dl.table import Outline

from .norms import facts
from .text import number, shape_of
from .translation import said

WHOLE, ROW = 12, 6
"""Numbers of an array, and of its last axis, up to which all are written."""


def writer(values: str | None, shapes: bool, dtypes: bool, lang: str | None) -> Callable[[Any], str]:
    """The function that writes a value as these options of `draw_graph` ask for."""

    def write(value: Any) -> str:
        if isinstance(value, tuple):
            return ", ".join(map(write, value))
        shape = f"{getattr(value, 'dtype', 'float64')} {getattr(value, 'shape', ())}" if dtypes else shape_of(value)
        lines = [shape if shapes else "", summary(value, lang) if values == "full" else ""]
        if values == "auto" and not dtypes and not getattr(value, "shape", ()):
            lines.append(number(value))
        return "\n".join(filter(None, lines))

    return write


def summary(value: Any, lang: str | None = None) -> str:
    r"""What the numbers of a value are: a small array whole, of a large one range, mean and norm, and what stands out.

    Zeros, NaN and infinities are counted; range, mean and norm are those of the finite numbers.

    >>> import numpy as np
    >>> summary(np.array([[1.0, 2.0], [3.0, np.inf]]))
    '[1, 2]\n[3, inf]'
    >>> print(summary(np.array([[0.0, 3.0, 4.0, np.nan] * 5])))
    0 … 4
    mean 2.333, norm 11.18
    zeros: 5
    NaN: 5
    """
    if isinstance(value, Outline):
        return ""
    if not getattr(value, "shape", ()):
        return number(value)
    if value.size <= WHOLE and value.ndim <= 2 and value.shape[-1] <= ROW:
        return _rows(value)
    known = facts(value)
    counts = {said("zeros", lang): known.zeros, "NaN": known.nans, "∞": known.infinities}
    lines = [f"{what}: {count:,}" for what, count in counts.items() if count]
    if known.norm is not None:
        mean, norm = said("mean", lang), said("norm", lang)
        lines = [f"{known.least:.4g} … {known.most:.4g}", f"{mean} {known.mean:.4g}, {norm} {known.norm:.4g}", *lines]
    return "\n".join(lines)


def _rows(value: Any) -> str:
    if not value.size:
        return "[]"
    return "\n".join(f"[{', '.join(map(number, row))}]" for row in value.reshape(-1, value.shape[-1]))

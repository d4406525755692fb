"""How values, names and ops are written in a picture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd_dl.values import has_dtype

SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "negative": "−",
    "multiply": "×",
    "divide": "/",
    "power": "^",
    "matmul": "dot",
    "absolute": "abs",
    "softmax_cross_entropy": "softmax\nwith loss",
    "normalize_columns": "batch\nnorm",
}
OPERATORS = frozenset("+−×/^")
DIGITS = {2: 3, 4: 6}
"""How many digits of a float are no rounding error, by its size in bytes; 12 of a float64."""
SHORT = 6
"""Numbers of an array of indices that are written."""
HIDDEN = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
"""Categories of characters that control others, as from right to left, or are none."""
JOINERS = "\u200c\u200d"
"""What is between the parts of one emoji, or letters of one word."""
LONGEST = 40
"""Characters that settings may take in an op's label."""


def number(value: Any) -> str:
    """A number as people write it: 715, not 715.0000000000001.

    Rounding errors of the dtype are dropped: 12 digits of a float64 are kept, 6 of a float32, 3 of a float16. What is
    still longer than 9 characters is rounded to 6 digits.
    """
    number = float(value)
    if number.is_integer() and abs(number) < 1e9:
        return str(int(number))
    text = f"{number:.{DIGITS.get(getattr(value, 'itemsize', 8), 12)}g}"
    return text if len(text) <= 9 else f"{number:.6g}"


def typeset(value: Any) -> str:
    """The same with the sign that formulas have: −3."""
    return number(value).replace("-", "−")


def quantity(value: Any) -> str:
    """A value on an edge: a number for one element of no dimension, else the shape, as (2, 3); of several, all."""
    if isinstance(value, tuple):
        return ", ".join(map(quantity, value))
    return shape_of(value) or number(value)


def shape_of(value: Any) -> str:
    """The shape of an array, as (2, 3); nothing for a number."""
    shape = getattr(value, "shape", ())
    return in_brackets(shape) if shape else ""


def in_brackets(sizes: Sequence[object]) -> str:
    """Sizes as Python writes a tuple: (2, 3), or (2,)."""
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def is_quantity(value: Any) -> bool:
    """Whether it is a number, an array or the outline of one, and not an axis, a shape or an index."""
    return has_dtype(value) or isinstance(value, (int, float))


def symbol(name: str, settings: Sequence[Any], kwargs: dict[str, Any]) -> str:
    """An op as the book writes it, with what says how it was called: its settings, such as a shape, and its keywords.

    >>> symbol("getitem", [(0, slice(1, None))], {})
    '[0, 1:]'
    >>> print(symbol("sum", [], {"axis": 0, "keepdims": False}))
    sum
    axis=0
    """
    if name == "getitem":
        index = settings[0] if len(settings) == 1 and isinstance(settings[0], tuple) else settings
        return f"[{_listed(index)}]"
    given = {key: value for key, value in kwargs.items() if value is not None and value is not False}
    keywords = [f"{key}={_listed([value])}" for key, value in given.items()]
    return "\n".join([SYMBOLS.get(name, name.strip("_")), *filter(None, [_listed(settings)]), *keywords])


def with_constants(label: str, operands: int, constants: Mapping[int, str]) -> str:
    """An op with some of its operands, by their places, written in its node.

    >>> with_constants("×", 2, {1: "1.1"}), with_constants("−", 2, {0: "1"}), with_constants("maximum", 2, {1: "0"})
    ('× 1.1', '1 −', 'maximum\\n(·, 0)')
    """
    if operands == 2 and len(constants) == 1 and label in OPERATORS:
        ((place, constant),) = constants.items()
        return f"{label} {constant}" if place else f"{constant} {label}"
    return f"{label}\n({', '.join(constants.get(i, '·') for i in range(operands))})"


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis: so many characters at most."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def visible(text: str, kept: str = "") -> str:
    """The text with a replacement character for each that is not for reading, but for those that are kept."""
    return "".join(c if _is_shown(c) or c in kept else "\N{REPLACEMENT CHARACTER}" for c in text)


def printable(text: str) -> str:
    """The text as Graphviz and XML take it: no control characters, and nothing that reads as a character reference.

    A first line that is empty, of which Graphviz can crash, has a blank.
    """
    if text.isascii() and text.isprintable() and "&" not in text:
        return text
    shown = visible(text.replace("\t", " "), kept="\n")
    return re.sub(r"&(?=#?\w*;)", "&amp;", f" {shown}" if shown.startswith("\n") else shown)


def _is_shown(character: str) -> bool:
    return character in JOINERS or unicodedata.category(character) not in HIDDEN


def _listed(settings: Sequence[Any]) -> str:
    return cut(", ".join(map(_setting, settings)), LONGEST)


def _setting(value: Any) -> str:
    """An argument as a program writes it; a long array by dtype and shape."""
    if isinstance(value, slice):
        ends = [value.start, value.stop, *([] if value.step is None else [value.step])]
        return ":".join("" if end is None else str(end) for end in ends)
    if isinstance(value, list):
        return f"[{_listed(value)}]"
    if isinstance(value, tuple):
        return f"({_listed(value)}{',' if len(value) == 1 else ''})"
    if has_dtype(value) and value.shape:
        is_short = isinstance(value, np.ndarray) and value.ndim == 1 and value.size <= SHORT
        return f"[{_listed(value.tolist())}]" if is_short else f"{value.dtype} {shape_of(value)}"
    return "..." if value is Ellipsis else str(getattr(value, "__name__", value))

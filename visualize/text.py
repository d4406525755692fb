"""How values, names and ops are written in a picture."""

from __future__ import annotations

from typing import Any

SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "negative": "−",
    "multiply": "×",
    "divide": "/",
    "power": "^",
    "matmul": "dot",
    "absolute": "abs",
    "getitem": "[ ]",
    "softmax_cross_entropy": "softmax\nwith loss",
}


def number(value: Any) -> str:
    """A number as people write it: 715, not 715.0000000000001.

    Rounding errors of the dtype are dropped: 12 digits of a float64 are kept, 6 of a float32, 3 of a float16. What is
    still longer than 9 characters is rounded to 6 digits.
    """
    number = float(value)
    digits = {4: 6, 2: 3}.get(getattr(value, "itemsize", 8), 12)
    text = f"{number:.{digits}g}"
    text = text if len(text) <= 9 else f"{number:.6g}"
    return "0" if text == "-0" else text


def quantity(value: Any) -> str:
    """A value on an edge: a number for one element of no dimension, else the shape, as (2, 3)."""
    if isinstance(value, (bool, int, float)):
        return number(value)
    shape = tuple(value.shape)
    if shape == () and hasattr(value, "item"):
        return number(value)
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def is_quantity(value: Any) -> bool:
    """Whether it is a number, an array or the outline of one, and not an axis, a shape or an index."""
    return hasattr(value, "shape") or (isinstance(value, (int, float)) and not isinstance(value, bool))


def symbol(name: str, kwargs: dict[str, Any]) -> str:
    """An op as the book writes it, with the keywords that say how it was called."""
    settings = [f"{key}={value}" for key, value in kwargs.items() if value is not None and value is not False]
    return "\n".join([SYMBOLS.get(name, name.strip("_")), *settings])


def printable(text: str) -> str:
    """The text without control characters, which some viewers refuse."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)

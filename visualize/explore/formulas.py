"""The local derivatives as formulas, for the page, which puts in what it calls the operands {x}, {y} and the result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..derivatives import ELEMENTWISE
from ..text import typeset

DOUBLY = re.compile(r"\((\([^()]*\))\)")
"""What stands in two pairs of brackets."""
INFIX = {"add": "+", "subtract": "−", "multiply": "×", "divide": "/", "power": "^", "dot": "·"}
# fmt: off
WHOLE = {
    "dot":       ("g · {y}ᵀ", "{x}ᵀ · g"),
    "matmul":    ("g · {y}ᵀ", "{x}ᵀ · g"),
    "mean":      ("g / n",),
    "transpose": ("gᵀ",),
    "softmax_cross_entropy": ("g · (softmax({x}) − {y}) / n",),
}
"""What goes back, of ops on whole arrays: of g, the gradient that arrives, and n, how many numbers a mean is of."""
WORDS: dict[str, str | tuple[str, ...]] = {
    "sum": "spread", "reshape": "reshaped", "ravel": "reshaped", "squeeze": "reshaped", "expand_dims": "reshaped",
    "getitem": "put back", "concatenate": "cut", "stack": "cut", "max": "chosen", "amax": "chosen", "min": "chosen",
    "amin": "chosen", "broadcast_to": "summed", "max_pool2d": "chosen", "im2col": "col2im", "where": "where",
    "conv2d": ("to patches", "to filters", "to biases"),
}
"""The same, where words say more: for all arguments, or for each. The page has them in its languages."""
# fmt: on


def equation(name: str, label: str, values: Sequence[Any], answer: Any) -> str:
    """What an op has computed with numbers, as people write it: "100 × 2 = 200".

    >>> equation("subtract", "−", [3.0, -2.0], 5.0), equation("exp", "exp", [0.0], 1.0)
    ('3 − (−2) = 5', 'exp(0) = 1')
    """
    if name in INFIX:
        left, right = map(_bracketed, values)
        return f"{left} {INFIX[name]} {right} = {typeset(answer)}"
    return f"{label}({', '.join(map(typeset, values))}) = {typeset(answer)}"


def with_numbers(name: str, i: int, values: Sequence[Any], answer: Any) -> str:
    """The formula of a local derivative with the op's own numbers.

    >>> with_numbers("power", 0, [-3.0, 2.0], 9.0)
    '2 · (−3)^(2 − 1)'
    >>> with_numbers("sin", 0, [-3.0], -0.14112), with_numbers("multiply", 0, [3.0, -2.0], -6.0)
    ('cos(−3)', '−2')
    """
    x, y = (*map(_bracketed, values), "")[:2]
    text = ELEMENTWISE[name][i].format(x=x, y=y, z=_bracketed(answer))
    return DOUBLY.sub(r"\1", f"({text})")[1:-1]


def whole_formula(name: str, i: int) -> str | None:
    """What goes back to argument `i` of an op on arrays, in symbols."""
    templates = WHOLE.get(name, ())
    return templates[i] if i < len(templates) else None


def words(name: str, i: int) -> str | None:
    """The name of the words for that."""
    known = WORDS.get(name)
    return known[i] if isinstance(known, tuple) else known


def _bracketed(value: Any) -> str:
    text = typeset(value)
    return f"({text})" if text.startswith("−") or "e" in text else text

"""The local derivatives as formulas, for the page: of z = op(x, y) with respect to each argument."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..derivatives import ELEMENTWISE
from ..text import number

DOUBLY = re.compile(r"\((\(−[^()]*\))\)")
"""A negative number in two pairs of brackets."""
INFIX = {"add": "+", "subtract": "−", "multiply": "×", "divide": "/", "power": "^", "matmul": "·", "dot": "·"}
# fmt: off
WHOLE = {
    "dot":       ("g · yᵀ", "xᵀ · g"),
    "matmul":    ("g · yᵀ", "xᵀ · g"),
    "mean":      ("g / n",),
    "transpose": ("gᵀ",),
    "softmax_cross_entropy": ("g · (softmax(x) − t) / n",),
}
"""What goes back, of ops on whole arrays; in the words of a formula."""
WORDS = {
    "sum": "spread", "reshape": "reshaped", "ravel": "reshaped", "squeeze": "reshaped", "expand_dims": "reshaped",
    "getitem": "put back", "concatenate": "cut", "stack": "cut", "max": "chosen", "amax": "chosen", "min": "chosen",
    "amin": "chosen", "broadcast_to": "summed", "max_pool2d": "chosen", "conv2d": "convolved", "im2col": "col2im",
    "where": "where",
}
"""The same, where words say more: the page has them in its languages."""
# fmt: on


def equation(name: str, label: str, values: Sequence[Any], answer: Any) -> str:
    """What an op has computed with numbers, as people write it: "100 × 2 = 200".

    >>> equation("subtract", "−", [3.0, -2.0], 5.0), equation("exp", "exp", [0.0], 1.0)
    ('3 − (−2) = 5', 'exp(0) = 1')
    """
    if name in INFIX and len(values) == 2:
        left, right = map(_bracketed, values)
        return f"{left} {INFIX[name]} {right} = {number(answer)}"
    if name == "negative":
        return f"−{_bracketed(values[0])} = {number(answer)}"
    return f"{' '.join(label.split())}({', '.join(map(number, values))}) = {number(answer)}"


def local_formula(name: str, i: int) -> str | None:
    """The derivative of a scalar or elementwise op with respect to its argument `i`, in symbols."""
    templates = ELEMENTWISE.get(name, ())
    return templates[i].format(x="x", y="y", z="z") if i < len(templates) else None


def with_numbers(name: str, i: int, values: Sequence[Any], answer: Any) -> str:
    """The same with the op's own numbers.

    >>> with_numbers("power", 0, [-3.0, 2.0], 9.0)
    '2 · (−3)^(2 − 1)'
    >>> with_numbers("sin", 0, [-3.0], -0.14112)
    'cos(−3)'
    """
    x, y = (*map(_bracketed, values), "", "")[:2]
    return DOUBLY.sub(r"\1", ELEMENTWISE[name][i].format(x=x, y=y, z=_bracketed(answer)))


def whole_formula(name: str, i: int) -> str | None:
    """What goes back to argument `i` of an op on arrays, in symbols."""
    templates = WHOLE.get(name, ())
    return templates[i] if i < len(templates) else None


def _bracketed(value: Any) -> str:
    text = number(value)
    return f"(−{text[1:]})" if text.startswith("-") else text

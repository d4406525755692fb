"""Formulas as text: products and sums of what is written already, in brackets where they would be read otherwise.

"·" is the product of numbers, of a number and an array, and of matrices; "⊙" is that of arrays, element by element.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

INNER = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
"""A pair of brackets with no others in it."""
OPERATORS = (" + ", " − ", " / ", " ⊙ ", "·")
"""Those that a formula may have, from the one that binds least."""


def product(a: str, b: str, sign: str = "·") -> str:
    """a times b. A factor 1 is left out, a number comes first, and so does the sign of both.

    >>> product("−x", "−y"), product("a + b", "3x²"), product("a", "1 / b"), product("A·B", "C", " ⊙ ")
    ('x·y', '3x²·(a + b)', 'a / b', '(A·B) ⊙ C')
    """
    (a_minus, a), (b_minus, b) = _signed(a), _signed(b)
    if _begins_with_number(b) and not _begins_with_number(a):
        a, b = b, a
    if a == "1" or b == "1":
        text = b if a == "1" else a
    elif b.startswith("1 / ") and _found(b) == {" / "}:
        text = f"{_factor(a, ' ⊙ ', '·')} / {b[4:]}"
    else:
        text = f"{_factor(a, sign)}{sign}{_factor(b, sign)}"
    return f"−{_factor(text, *OPERATORS[2:])}" if a_minus != b_minus else text


def matrix_product(a: str, b: str) -> str:
    """a·b of matrices, where neither order nor a matrix of ones can be left out.

    >>> matrix_product("1", "Aᵀ"), matrix_product("Aᵀ", "g ⊙ [t > 0]"), matrix_product("−g", "Aᵀ")
    ('1·Aᵀ', 'Aᵀ·(g ⊙ [t > 0])', '−g·Aᵀ')
    """
    (a_minus, a), (b_minus, b) = _signed(a), _signed(b)
    return f"{'−' if a_minus != b_minus else ''}{_factor(a, '·')}·{_factor(b, '·')}"


def total(terms: Sequence[str]) -> str:
    """Their sum, which begins with a term that has no minus, if there is one.

    >>> total(["−y", "x", "1"]), total(["x", "−(a + b)"])
    ('x − y + 1', 'x − (a + b)')
    """
    first = next((i for i, term in enumerate(terms) if not _signed(term)[0]), 0)
    text = terms[first]
    for term in (*terms[:first], *terms[first + 1 :]):
        minus, rest = _signed(term)
        text += f" − {rest}" if minus else f" + {rest}"
    return text


def summed(text: str) -> str:
    """The sum over the elements that share a number.

    >>> summed("a·b"), summed("−a"), summed("a + b")
    ('Σ a·b', '−Σ a', 'Σ (a + b)')
    """
    minus, rest = _signed(text)
    return f"{'−' if minus else ''}Σ {_factor(rest, 'Σ ', *OPERATORS[2:])}"


def _signed(text: str) -> tuple[bool, str]:
    """Whether it begins with a minus that is its own, and what follows. A negative number may stand in brackets."""
    if re.fullmatch(r"\(−[^()\s]*\)", text):
        return True, text[2:-1]
    minus = text.startswith("−") and not {" + ", " − "} & _found(text)
    return minus, text[1:] if minus else text


def _factor(text: str, *harmless: str) -> str:
    """The text, in brackets unless all operators in it are harmless here."""
    return text if _found(text) <= set(harmless) else f"({text})"


def _found(text: str) -> set[str]:
    """The operators of a formula that are in no brackets; a leading Σ counts as one."""
    outer, inner = text, ""
    while outer != inner:
        outer, inner = INNER.sub("", outer), outer
    return {operator for operator in OPERATORS if operator in outer} | ({"Σ "} if outer.startswith("Σ ") else set())


def _begins_with_number(text: str) -> bool:
    return text[0].isdigit() and _found(text) <= {" ⊙ ", "·"}

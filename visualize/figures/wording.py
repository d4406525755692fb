"""The words and numbers in figures: words that an option chooses, and those of the user, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from autograd_dl.optional import need

from ..text import cut, number, printable

LONGEST = 200
"""Characters of a label; Graphviz itself refuses more than 16,384."""

T = TypeVar("T")


def chosen(option: str, value: str, choices: Mapping[str, T]) -> T:
    """What an option's value stands for.

    >>> chosen("lang", "fr", {"en": "node", "ja": "ノード"})
    Traceback (most recent call last):
    ValueError: lang is 'en' or 'ja', not 'fr'
    """
    if value not in choices:
        raise ValueError(f"{option} is {' or '.join(map(repr, choices))}, not {value!r}")
    return choices[value]


def rounded(value: Any) -> str:
    """A number in 3 significant digits; a whole one of up to 6 digits in all of them.

    >>> [rounded(value) for value in (0.1 + 0.2, -1.22122, 1234.5, 123456, 1234567)]
    ['0.3', '-1.22', '1230', '123456', '1.23e+06']
    """
    exact, short = number(value), f"{float(value):.3g}"
    return next((text for text in (exact, number(short)) if text.lstrip("-").isdigit() and len(text) <= 6), short)


def label(text: str) -> str:
    """Any text as a label of Graphviz."""
    return need("graphviz", "viz").escape(printable(cut(text, LONGEST)))

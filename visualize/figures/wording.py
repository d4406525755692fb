"""The words in figures: those that an option chooses, and those of the user, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from autograd_dl.optional import need

from ..text import printable

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


def label(text: str) -> str:
    """Any text as a label of Graphviz."""
    shown = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    escaped: str = need("graphviz", "viz").escape(printable(shown))
    return escaped

"""The logic gates of chapter 2, each a perceptron; XOR is one with two layers."""

from __future__ import annotations

import numpy as np

WEIGHTS = {
    "AND": (0.5, 0.5, -0.7), "NAND": (-0.5, -0.5, 0.7), "OR": (0.5, 0.5, -0.2), "NOR": (-0.5, -0.5, 0.2),
}  # fmt: skip
"""w1, w2 and b of the gates that are one perceptron."""


def AND(x1: float, x2: float) -> int:  # noqa: N802 -- the book's name, as those below
    """1 if both are 1, else 0."""
    return _perceptron("AND", x1, x2)


def NAND(x1: float, x2: float) -> int:  # noqa: N802
    """0 if both are 1, else 1."""
    return _perceptron("NAND", x1, x2)


def OR(x1: float, x2: float) -> int:  # noqa: N802
    """0 if both are 0, else 1."""
    return _perceptron("OR", x1, x2)


def NOR(x1: float, x2: float) -> int:  # noqa: N802
    """1 if both are 0, else 0."""
    return _perceptron("NOR", x1, x2)


def XOR(x1: float, x2: float) -> int:  # noqa: N802
    """1 if exactly one is 1. No line divides these from the others, so it takes two layers (book, section 2.5).

    >>> [XOR(0, 0), XOR(1, 0), XOR(0, 1), XOR(1, 1)]
    [0, 1, 1, 0]
    """
    return AND(NAND(x1, x2), OR(x1, x2))


def _perceptron(gate: str, x1: float, x2: float) -> int:
    *w, b = WEIGHTS[gate]
    return int(np.dot([x1, x2], w) + b > 0)

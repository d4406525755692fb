"""The logic gates of chapter 2, each a perceptron; XOR is one with two layers."""

from __future__ import annotations

import numpy as np


def AND(x1: float, x2: float) -> int:  # noqa: N802 -- the book's name, as those below
    """1 if both are 1, else 0."""
    return _perceptron(x1, x2, w=(0.5, 0.5), b=-0.7)


def NAND(x1: float, x2: float) -> int:  # noqa: N802
    """0 if both are 1, else 1."""
    return _perceptron(x1, x2, w=(-0.5, -0.5), b=0.7)


def OR(x1: float, x2: float) -> int:  # noqa: N802
    """0 if both are 0, else 1."""
    return _perceptron(x1, x2, w=(0.5, 0.5), b=-0.2)


def NOR(x1: float, x2: float) -> int:  # noqa: N802
    """1 if both are 0, else 0."""
    return _perceptron(x1, x2, w=(-0.5, -0.5), b=0.2)


def XOR(x1: float, x2: float) -> int:  # noqa: N802
    """1 if exactly one is 1. No line divides these from the others, so it takes two layers (book, section 2.5).

    >>> [XOR(0, 0), XOR(1, 0), XOR(0, 1), XOR(1, 1)]
    [0, 1, 1, 0]
    """
    return AND(NAND(x1, x2), OR(x1, x2))


def _perceptron(x1: float, x2: float, w: tuple[float, float], b: float) -> int:
    return int(np.dot([x1, x2], w) + b > 0)

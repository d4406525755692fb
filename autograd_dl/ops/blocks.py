"""The sizes of products of matrices that OpenBLAS is best at, where one large product can be cut into several."""

from __future__ import annotations

SMALL = 10**6
"""Multiplications up to which OpenBLAS takes the factors of a product as they lie, without reordering them first."""
FEW = 128
"""The most rows that a product sums over. It has at most half of SMALL multiplications."""
LEAST = 24
"""The fewest rows that are worth a product of their own: each reads the whole matrix again."""


def rows_multiplied(count: int, matrix: int) -> int:
    """How many of `count` rows to multiply at once with a matrix of so many numbers."""
    size = SMALL // max(1, matrix)
    return size if size >= LEAST else max(1, count)


def rows_summed(count: int, matrix: int) -> int:
    """How many of `count` rows to sum over at once, for a matrix of so many numbers."""
    few = min(FEW, SMALL // (2 * max(1, matrix)))
    return few if few >= FEW // 3 else max(1, count)

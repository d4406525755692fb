"""A graph as long as one likes, and the picture of a graph in short."""

import re

from leaves import leaf

from visualize import to_dot


def horner(rounds, x=None):
    """Two ops a round, of which one reads x each time."""
    y = x = leaf(1, "x") if x is None else x
    for _ in range(rounds):
        y = y * 0.5 + x
    return y


def lines(output, **options):
    """In short: "x0 -> op1 3" for what goes forward, "x0 <- op1 2" for what comes back, in order."""
    pattern = r'^\t(\w+) -> (\w+)(?: \[label="((?:[^"\\]|\\.)*)"(?: color.*(back).*)?\])?$'
    found = re.findall(pattern, to_dot(output, **options), re.M)
    return [f"{a} {'<-' if back else '->'} {b} {text.strip()}".rstrip() for a, b, text, back in found]

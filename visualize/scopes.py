"""Which ops a picture draws as one box: those of a scope or, of too large a graph, those in its middle."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import groupby, takewhile
from typing import NamedTuple, TypeVar

from autograd_dl.engine import Leaf, Node

from .text import is_quantity
from .translation import said

LAYERS = {
    "Affine": "Affine", "BatchNorm": "Batch\nNorm", "Conv": "Conv", "Dropout": "Dropout", "GlobalPool": "Global\nPool",
    "Pool": "Pool", "Relu": "ReLU", "Sigmoid": "Sigmoid", "Tanh": "Tanh",
}  # fmt: skip
"""The kinds of layers as the book writes them; numbered scopes are drawn without their numbers, as there."""
FUSED = {"relu": "ReLU", "sigmoid": "Sigmoid", "softmax_cross_entropy": "Softmax\nwith Loss", "tanh": "Tanh"}
"""Ops that the book draws as layers."""
ENDS = 10
"""Boxes at either end of a cut picture, at most: a chain of hundreds is no easier to read than one of all."""
T = TypeVar("T")

_NUMBERED = re.compile(r"([A-Z][A-Za-z]*?)\d+")


class Group(NamedTuple):
    """Ops that are drawn as one box. `kind` is "op" for one that is drawn as itself, "scope", or "rest"."""

    kind: str
    scope: tuple[str, ...]
    ops: Sequence[Node]


class Folding(NamedTuple):
    """The groups of all ops, in order; `is_cut` says that the maximum has made them fewer."""

    groups: list[Group]
    is_cut: bool = False


def common_start(paths: Sequence[Sequence[T]]) -> tuple[T, ...]:
    """The scopes, from outside, that all of these paths begin with.

    >>> common_start([("Block1", "Conv1"), ("Block1", "Conv1", "pad"), ("Block1", "Relu1")])
    ('Block1',)
    """
    return tuple(same[0] for same in takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False)))


def layer_name(scope: str) -> str:
    """How the book calls a layer.

    >>> layer_name("Relu2"), layer_name("Encoder2"), layer_name("relu")
    ('ReLU', 'Encoder2', 'relu')
    """
    numbered = _NUMBERED.fullmatch(scope)
    return LAYERS.get(numbered[1], scope) if numbered else scope


def folded(nodes: Sequence[Node], depth: int | None, maximum: int | None) -> Folding:
    """The groups of the ops among `nodes`, where what lies `depth` scopes deep is one box, or nothing where it is None.

    If more than `maximum` boxes would be drawn, fewer scopes are open; if that does not suffice, only the first and the
    last groups are drawn, and all between them as one.
    """
    ops = [node for node in nodes if not isinstance(node, Leaf)]
    groups = _at_depth(ops, depth)
    if maximum is None or _count(groups) <= maximum:
        return Folding(groups)
    depths = range(1, max(len(node.scope) for node in ops) + 1)
    fitting = bisect_right(depths, maximum, key=lambda d: _count(_at_depth(ops, d)))
    groups = _at_depth(ops, max(1, fitting))
    return Folding(groups if fitting else _ends(groups, maximum), is_cut=True)


def caption(folding: Folding, maximum: int, lang: str | None) -> str:
    """What a cut picture says: how many ops are drawn as how many boxes."""
    ops = sum(len(group.ops) for group in folding.groups)
    return said("cut", lang).format(ops=f"{ops:,}", boxes=f"{len(folding.groups):,}", maximum=maximum)


def _at_depth(ops: Sequence[Node], depth: int | None) -> list[Group]:
    """Runs of ops in the same scope. One later on is another box: two boxes are never each other's input."""
    if depth is None:
        return [Group("op", node.scope, [node]) for node in ops]
    groups = []
    for scope, run in groupby(ops, key=lambda node: node.scope[:depth]):
        if len(scope) == depth:
            groups.append(Group("scope", scope, list(run)))
        else:
            groups += [Group("op", node.scope, [node]) for node in run]
    return groups


def _count(groups: Sequence[Group]) -> int:
    """How many boxes are drawn for these: their own, and those of the leaves and constants that their ops read."""
    return sum(1 if group.kind != "op" else 1 + _leaves(group.ops[0]) for group in groups)


def _leaves(node: Node) -> int:
    return sum(isinstance(i, Leaf) or (not isinstance(i, Node) and is_quantity(i)) for i in node.inputs)


def _ends(groups: list[Group], maximum: int) -> list[Group]:
    """The first and the last of the groups, `ENDS` or so many that they fit, and one of all that lie between them."""
    keep = min(maximum // 2, len(groups) // 2, ENDS)
    while keep and _count(groups[:keep]) + _count(groups[-keep:]) > maximum:
        keep -= -(-keep // 8)
    middle = groups[keep : len(groups) - keep]
    rest = Group("rest", (), [node for group in middle for node in group.ops])
    return [*groups[:keep], rest, *groups[len(groups) - keep :]]

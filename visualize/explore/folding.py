"""Which boxes the page shows: ops in the scopes that recorded them, which open and close, and what each view has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, groupby
from typing import Any

from .layout import View, laid_out
from .story import Story

WIDE, LARGE = 40, 100
"""Boxes side by side, above which those next to each other stand in groups; and the most that one group has."""
DEEP = 20
"""Scopes within each other, below which they are not told apart."""
FIRST = 20
"""Boxes, up to which scopes are open when the page opens."""
FEW = 8
"""Groups, up to which each can be closed while all others are open."""
LARGEST = 200
"""Boxes of a view."""
MOST = 3000
"""Boxes of all views: what Graphviz places in seconds."""


@dataclass
class Group:
    """Ops that were recorded one after the other in one scope; or, of too many side by side, some (without a label)."""

    label: str
    members: list[int | Group]
    number: int = -1
    parent: int = -1

    @property
    def ops(self) -> list[int]:
        """All ops within."""
        return [op for member in self.members for op in (member.ops if isinstance(member, Group) else [member])]

    def groups(self) -> Iterator[Group]:
        """The groups within, each after the one that it is in."""
        for member in self.members:
            if isinstance(member, Group):
                yield member
                yield from member.groups()


def folded(story: Story) -> Group:
    """The groups that a program's ops are in, numbered, in one that has them all.

    Ops that follow one another are one group, those of the same scope later on another: so that closing a group cannot
    make two boxes each other's input.
    """
    ops = [i for i, node in enumerate(story["nodes"]) if node["kind"] == "op"]
    scopes = {op: story["nodes"][op]["scope"] for op in ops}
    root = Group("", _members(ops, scopes, 0))
    for number, group in enumerate(root.groups()):
        group.number = number
        for member in group.members:
            if isinstance(member, Group):
                member.parent = number
    return root


def _members(ops: Sequence[int], scopes: dict[int, list[str]], depth: int) -> list[int | Group]:
    members: list[int | Group] = []
    for label, run in groupby(ops, key=lambda op: scopes[op][depth : depth + 1] if depth < DEEP else []):
        within = list(run)
        members += [Group(label[0], _members(within, scopes, depth + 1))] if label else within
    while len(members) > WIDE:
        size = min(LARGE, max(WIDE, -(-len(members) // WIDE)))
        parts = [members[i : i + size] for i in range(0, len(members), size)]
        members = [Group("", part) if len(part) > 1 else part[0] for part in parts]
    return members


def views(story: Story) -> dict[str, Any]:
    """The groups, and each view: the groups that are open in it, and where its boxes and lines stand.

    There is a view for each depth to which all are open, one for each group that is open alone with those around it,
    and of few groups one for each that is closed alone, unless there would be too many boxes or views.
    """
    root = folded(story)
    groups = list(root.groups())
    chains: dict[int, list[int]] = defaultdict(list)
    for group in groups:
        for op in group.ops:
            chains[op].append(group.number)
    with ThreadPoolExecutor(2) as pool:
        drawn = list(pool.map(partial(laid_out, story, groups, chains), _open_sets(root, groups)))
    depths = [sorted(opened) for opened in _by_depth(groups)]
    fitting = [view for view in drawn if view["open"] in depths and _count(view) <= FIRST]
    first = max(fitting, key=lambda view: len(view["open"]), default=drawn[0])
    told = [{"label": g.label, "parent": g.parent, "ops": g.ops} for g in groups]
    return {"groups": told, "views": drawn, "first": drawn.index(first)}


def _count(view: View) -> int:
    return sum(box["kind"] in ("op", "group") for box in view["boxes"])


def _open_sets(root: Group, groups: Sequence[Group]) -> list[frozenset[int]]:
    """Which groups are open, in each view; the first has all closed."""
    alone = [frozenset({*_around(group, groups), group.number}) for group in groups]
    everything = frozenset(range(len(groups)))
    but_one = [everything - {group.number, *(inner.number for inner in group.groups())} for group in groups]
    sets = [*_by_depth(groups), *alone, *(but_one if len(groups) <= FEW else [])]
    sizes = {opened: size for opened in sets if (size := _boxes(root, opened)) <= LARGEST}
    return [opened for opened, whole in zip(sizes, accumulate(sizes.values()), strict=True) if whole <= MOST]


def _by_depth(groups: Sequence[Group]) -> list[frozenset[int]]:
    """The groups that are open where all are to a depth, from none."""
    depths = {group.number: len(_around(group, groups)) for group in groups}
    levels = sorted(set(depths.values()))
    return [frozenset(), *(frozenset(n for n, depth in depths.items() if depth <= level) for level in levels)]


def _around(group: Group, groups: Sequence[Group]) -> list[int]:
    """The groups that a group is in."""
    outer = []
    while group.parent >= 0:
        outer.append(group.parent)
        group = groups[group.parent]
    return outer


def _boxes(group: Group, opened: frozenset[int]) -> int:
    """How many boxes ops and closed groups are, within a group."""
    return sum(_boxes(m, opened) if isinstance(m, Group) and m.number in opened else 1 for m in group.members)

"""How long Graphviz will take over a graph, before it begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


def ranks_crossed(edges: Iterable[tuple[str, str]]) -> int:
    """How many ranks (columns of the picture) lie between the ends of edges, in all: each takes Graphviz time.

    >>> ranks_crossed([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    2
    """
    readers: dict[str, list[str]] = defaultdict(list)
    waiting: dict[str, int] = defaultdict(int)
    for source, target in edges:
        readers[source].append(target)
        waiting[target] += 1
    rank = dict.fromkeys([*readers, *waiting], 0)
    ready = [node for node in readers if not waiting[node]]
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        for reader in readers[node]:
            rank[reader] = max(rank[reader], rank[node] + 1)
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    for node in reversed(order):  # as Graphviz does, move each towards its readers
        rank[node] = min((rank[reader] for reader in readers[node]), default=rank[node] + 1) - 1
    return sum(max(0, rank[reader] - rank[node] - 1) for node in readers for reader in readers[node])

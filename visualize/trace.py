"""A recorded graph as plain data: which boxes and lines its picture has, and what is written on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from autograd_dl.engine import Leaf, Node, Tensor, edge_gradients
from autograd_dl.errors import GraphError, ShapeError

from .text import is_quantity, quantity, symbol


class Box(NamedTuple):
    """A node of the picture: `kind` is "op", "leaf", "unnamed" (a point), "constant" or "output"."""

    id: str
    label: str
    kind: str


class Line(NamedTuple):
    """An edge of the picture, with the value that goes forward and the gradient that comes back, where known."""

    source: str
    target: str
    value: str | None
    gradient: str | None


class Trace(NamedTuple):
    """A whole picture."""

    boxes: list[Box]
    lines: list[Line]


def trace(output: Tensor) -> Trace:
    """The boxes and lines of the graph that `output` was made by.

    Boxes are named in the order in which their ops were recorded, so that the same program gives the same names. On a
    live graph with an output of one element all gradients are computed here, and no `.grad` is touched; after
    `backward()` only those of the leaves are known. What is not known is None.
    """
    root = output.node
    if root is None:
        return Trace([Box("out", quantity(output._value), "output")], [])
    nodes = _nodes(root)
    ids = {node: f"{'x' if isinstance(node, Leaf) else 'op'}{i}" for i, node in enumerate(nodes)}
    gradients, sums, seed = _gradients(output, nodes)
    parts: list[Box | Line] = []
    for node in nodes:
        parts += _leaf(node, ids, sums) if isinstance(node, Leaf) else _op(node, ids, gradients)
    name = None if isinstance(root, Leaf) else output.name
    parts.append(Box("out", name or "", "output" if name else "unnamed"))
    parts.append(Line(ids[root], "out", quantity(output._value), seed))
    return Trace([p for p in parts if isinstance(p, Box)], [p for p in parts if isinstance(p, Line)])


def _leaf(node: Leaf, ids: dict[Node, str], sums: dict[Node, str]) -> Iterator[Box | Line]:
    """The box of a leaf, and an arrow away from it for a gradient that is the sum of several edges'."""
    yield Box(ids[node], node.name or "", "leaf" if node.name else "unnamed")
    if node in sums:
        yield Box(f"{ids[node]}_grad", "", "unnamed")
        yield Line(f"{ids[node]}_grad", ids[node], None, sums[node])


def _op(node: Node, ids: dict[Node, str], gradients: dict[tuple[Node, int], str]) -> Iterator[Box | Line]:
    """The box of an op, and a line from each of its operands; constants get boxes of their own."""
    assert node.op is not None
    operands = [i for i in range(len(node.inputs)) if _is_operand(node, i)]
    settings = [value for i, value in enumerate(node.inputs) if i not in operands]
    yield Box(ids[node], symbol(node.op.name, settings, node.kwargs), "op")
    for i in operands:
        parent = node.inputs[i]
        if isinstance(parent, Node):
            yield Line(ids[parent], ids[node], _read_value(parent, node), gradients.get((node, i)))
        else:
            yield Box(f"{ids[node]}_{i}", quantity(parent), "constant")
            yield Line(f"{ids[node]}_{i}", ids[node], "", None)


def _is_operand(node: Node, i: int) -> bool:
    """Whether an argument is a value that flows into the op, and not a setting of it: an axis, a shape, an index."""
    value, op = node.inputs[i], node.op
    if isinstance(value, Node):
        return True
    if op is None or not is_quantity(value):
        return False
    has_rule = not op.rules or (i < len(op.rules) and op.rules[i] is not None)
    return has_rule or (getattr(value, "ndim", 0) > 0 and op.name != "getitem")


def _nodes(root: Node) -> list[Node]:
    """All nodes of the graph, constants' leaves too, in the order in which they were recorded."""
    seen, stack = {root}, [root]
    while stack:
        for parent in stack.pop().inputs:
            if isinstance(parent, Node) and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.number)


class _Gradients(NamedTuple):
    """What is known: along an edge (node, number of its argument), in sum at a leaf, and at the output."""

    edges: dict[tuple[Node, int], str]
    sums: dict[Node, str]
    seed: str | None


def _gradients(output: Tensor, nodes: list[Node]) -> _Gradients:
    """All gradients, if the graph is live and its output is one number, else those that `backward()` left behind."""
    if output.is_leaf:
        return _Gradients({}, {}, None)
    try:
        found = edge_gradients(output)
    except (GraphError, ShapeError):
        return _left_behind(nodes)
    return _Gradients({edge: quantity(g) for edge, g in found.items()}, {}, "1")


def _left_behind(nodes: list[Node]) -> _Gradients:
    """The `.grad` of the Tensors that the ops of a released graph have read."""
    released = [(node, i) for node in nodes if node.args is None for i in range(len(node.inputs))]
    parents = {edge: edge[0].inputs[edge[1]] for edge in released if isinstance(edge[0].inputs[edge[1]], Node)}
    uses = Counter(parents.values())
    tensors = {parent: parent.tensor for parent in uses}
    grads = {p: quantity(t.grad._value) for p, t in tensors.items() if t is not None and t.grad is not None}
    edges = {edge: grads[parent] for edge, parent in parents.items() if parent in grads and uses[parent] == 1}
    return _Gradients(edges, {parent: text for parent, text in grads.items() if uses[parent] > 1}, None)


def _read_value(parent: Node, reader: Node) -> str:
    """The value that `reader` got from `parent`; of a number that has changed since, nothing is known."""
    known = parent.changed <= reader.number or parent.value.shape
    return quantity(parent.value) if known else ""

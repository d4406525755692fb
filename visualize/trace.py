"""A recorded graph as plain data: which boxes and lines its picture has, and what is written on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from autograd_dl.engine import Leaf, Node, Tensor, edge_gradients
from autograd_dl.errors import GraphError, ShapeError

from .text import is_quantity, quantity, symbol

MANY = 30
"""Ops, above which a leaf's box is not shared by all its readers."""


class Box(NamedTuple):
    """A box of the picture: `kind` is "op", "leaf", "unnamed" (a point), "constant" or "output"."""

    id: str
    label: str
    kind: str
    marked: bool = False


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


def trace(output: Tensor, marked: Collection[Node] = ()) -> Trace:
    """The boxes and lines of the graph that `output` was made by; the boxes of the nodes in `marked` are marked.

    Boxes are named in the order in which their ops were recorded, so that the same program gives the same names. On a
    live graph with an output of one element all gradients are computed here, and no `.grad` is touched; after
    `backward()` only the `.grad` of its Tensors is known, and stands on an arrow of its own: it may be the sum of
    several walks, or come from another graph. What is not known is None.

    In a graph of more than `MANY` ops, each op that reads a leaf has its own box of it: arrows from one box to all of
    them would take Graphviz minutes, and no reader could follow them.
    """
    root = output.node
    if root is None:
        return Trace([Box("out", quantity(output._value), "output")], [])
    nodes = _nodes(root)
    ids = {node: f"{'x' if isinstance(node, Leaf) else 'op'}{i}" for i, node in enumerate(nodes)}
    gradients, grads, seed = _gradients(output, nodes)
    parts: list[Box | Line] = []
    for node in nodes:
        parts += [_leaf(node, ids[node])] if isinstance(node, Leaf) else _op(node, ids, gradients, node in marked)
        if node in grads:
            parts.append(Box(f"{ids[node]}_grad", "", "unnamed"))
            parts.append(Line(f"{ids[node]}_grad", ids[node], None, grads[node]))
    name = None if isinstance(root, Leaf) else output.name
    parts.append(Box("out", name or "", "output" if name else "unnamed"))
    parts.append(Line(ids[root], "out", quantity(output._value), seed))
    picture = Trace([p for p in parts if isinstance(p, Box)], [p for p in parts if isinstance(p, Line)])
    return _spread(picture) if sum(box.kind == "op" for box in picture.boxes) > MANY else picture


def _spread(picture: Trace) -> Trace:
    """The same with a box of its own for each reader of a leaf; the first keeps the box that there is."""
    boxes = {box.id: box for box in picture.boxes}
    leaves = {box.id for box in picture.boxes if box.kind in ("leaf", "unnamed")}
    first: dict[str, str] = {}
    lines = []
    for line in picture.lines:
        if line.source in leaves and first.setdefault(line.source, line.target) != line.target:
            copy = f"{line.source}_{line.target}"
            boxes[copy] = boxes[line.source]._replace(id=copy)
            line = line._replace(source=copy)
        lines.append(line)
    return Trace(list(boxes.values()), lines)


def _leaf(node: Leaf, id: str) -> Box:
    return Box(id, node.name or "", "leaf" if node.name else "unnamed")


def _op(node: Node, ids: dict[Node, str], gradients: dict[tuple[Node, int], str], marked: bool) -> Iterator[Box | Line]:
    """The box of an op, and a line from each of its operands; constants get boxes of their own."""
    assert node.op is not None
    operands = [i for i in range(len(node.inputs)) if _is_operand(node, i)]
    settings = [value for i, value in enumerate(node.inputs) if i not in operands]
    yield Box(ids[node], symbol(node.op.name, settings, node.kwargs), "op", marked)
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
    """What is known: along an edge (node, number of its argument), as the `.grad` of a Tensor, and at the output."""

    edges: dict[tuple[Node, int], str]
    grads: dict[Node, str]
    seed: str | None


def _gradients(output: Tensor, nodes: list[Node]) -> _Gradients:
    """All gradients, if the graph is live and its output is one number, else those that `backward()` left behind."""
    if output.is_leaf:
        return _Gradients({}, {}, None)
    root = output.node
    assert root is not None
    try:
        found = edge_gradients(output)
    except (GraphError, ShapeError):
        return _Gradients({}, _left_behind(nodes), None)
    found.update(_of_results(root, found))
    return _Gradients({edge: quantity(g) for edge, g in found.items()}, {}, "1")


def _of_results(root: Node, found: dict[tuple[Node, int], Any]) -> Iterator[tuple[tuple[Node, int], Any]]:
    """What goes back from one of an op's several results into the op: the sum of what arrived at that result."""
    arrived: dict[Node, Any] = {root: 1}
    for (node, i), g in found.items():
        parent = node.inputs[i]
        arrived[parent] = g if parent not in arrived or g.shape else arrived[parent] + g
    for node, g in arrived.items():
        if node.inputs and isinstance(node.inputs[0], Node) and isinstance(node.inputs[0].value, tuple):
            yield (node, 0), g


def _left_behind(nodes: list[Node]) -> dict[Node, str]:
    """The `.grad` of the Tensors that the ops of a released graph have read."""
    released = [node for node in nodes if node.args is None]
    read = {parent for node in released for parent in node.inputs if isinstance(parent, Node)}
    tensors = {parent: parent.tensor for parent in read}
    return {p: quantity(t.grad._value) for p, t in tensors.items() if t is not None and t.grad is not None}


def _read_value(parent: Node, reader: Node) -> str:
    """The value that `reader` got from `parent`; of a number that has changed since, nothing is known."""
    known = parent.changed <= reader.number or parent.value.shape
    return quantity(parent.value) if known else ""

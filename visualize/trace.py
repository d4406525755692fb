"""A recorded graph as plain data: which boxes and lines its picture has, and what is written on them."""

from __future__ import annotations

from typing import Any, NamedTuple

from autograd_dl.engine import Leaf, Node, Tensor, edge_gradients
from autograd_dl.errors import GraphError

from .text import is_quantity, quantity, symbol


class Box(NamedTuple):
    """A node of the picture: `kind` is "op", "leaf", "unnamed" (a leaf), "constant" or "output"."""

    id: str
    label: str
    kind: str


class Line(NamedTuple):
    """An edge of the picture, with the value that goes forward and the gradient, if known, that comes back."""

    source: str
    target: str
    value: str
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
        return Trace([Box("out", output.name or quantity(output._value), "output")], [])
    gradients = _gradients(output)
    nodes = _nodes(root)
    ids = {node: f"{'x' if isinstance(node, Leaf) else 'op'}{i}" for i, node in enumerate(nodes)}
    uses: dict[Node, int] = {}
    for node in nodes:
        for parent in node.inputs:
            if isinstance(parent, Node):
                uses[parent] = uses.get(parent, 0) + 1

    boxes, lines = [], []
    for node in nodes:
        if isinstance(node, Leaf):
            boxes.append(Box(ids[node], node.name or "", "leaf" if node.name else "unnamed"))
            continue
        assert node.op is not None
        boxes.append(Box(ids[node], symbol(node.op.name, node.kwargs), "op"))
        for i, parent in enumerate(node.inputs):
            if isinstance(parent, Node):
                gradient = gradients.get((node, i))
                if gradient is None and not gradients and uses[parent] == 1:
                    gradient = _leaf_gradient(parent)
                text = None if gradient is None else quantity(gradient)
                lines.append(Line(ids[parent], ids[node], _read_value(parent, node), text))
            elif is_quantity(parent):
                constant = f"{ids[node]}_{i}"
                boxes.append(Box(constant, quantity(parent), "constant"))
                lines.append(Line(constant, ids[node], "", None))
    boxes.append(Box("out", output.name or "", "output" if output.name else "unnamed"))
    lines.append(Line(ids[root], "out", quantity(output._value), "1" if gradients else None))
    return Trace(boxes, lines)


def _nodes(root: Node) -> list[Node]:
    """All nodes of the graph, constants' leaves too, in the order in which they were recorded."""
    seen, stack = {root}, [root]
    while stack:
        for parent in stack.pop().inputs:
            if isinstance(parent, Node) and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.number)


def _gradients(output: Tensor) -> dict[tuple[Node, int], Any]:
    """The gradient along each edge; none if the graph was released, or the output is not one number."""
    if output.size != 1 or not output.requires_grad or output.is_leaf:
        return {}
    try:
        return edge_gradients(output)
    except GraphError:
        return {}


def _leaf_gradient(node: Node) -> Any:
    """What `backward()` left in `.grad` of a leaf's Tensor."""
    return None if node.tensor is None or node.tensor.grad is None else node.tensor.grad._value


def _read_value(parent: Node, reader: Node) -> str:
    """The value that `reader` got from `parent`, if it is still known."""
    return "" if parent.changed > reader.number else quantity(parent.value)

"""The values of a recorded graph, as far as it holds them or they can be computed again from what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from autograd_dl.engine import Leaf, Node, Tensor
from autograd_dl.table import Outline

from .trace import ordered


class Recalled(NamedTuple):
    """A node with its result and its operands; those that are not known any more are outlines."""

    node: Node
    value: Any
    operands: list[Any]


def recalled(output: Tensor) -> Iterator[Recalled]:
    """All nodes of the graph of `output` in the order in which they were recorded, with their values.

    A large result that no rule reads is computed again from its operands. It is dropped after its last reader, so that
    the values of a large network are never in memory all at once.
    """
    root = output.node
    nodes = [] if root is None else ordered([root])
    last_reader = {parent: node for node in nodes for parent in node.inputs if isinstance(parent, Node)}
    kept: dict[Node, Any] = {
        parent: arg
        for node in nodes
        for parent, arg in zip(node.inputs, node.args or (), strict=False)
        if isinstance(parent, Leaf) and is_known(arg)
    }
    values: dict[Node, Any] = {}
    for node in nodes:
        operands = [_operand(node, i, values) for i in range(len(node.inputs))]
        values[node] = output._value if node is root else _result(node, operands, kept)
        yield Recalled(node, values[node], operands)
        for parent in {parent for parent in node.inputs if isinstance(parent, Node)}:
            if last_reader[parent] is node:
                del values[parent]


def is_known(value: Any) -> bool:
    """Whether it is all there, and no outline."""
    return all(map(is_known, value)) if isinstance(value, tuple) else not isinstance(value, Outline)


def _operand(node: Node, i: int, values: dict[Node, Any]) -> Any:
    """What an op was given: what it keeps for its rule, or the value of the node that made it."""
    if node.args is not None and is_known(node.args[i]):
        return node.args[i]
    parent = node.inputs[i]
    if not isinstance(parent, Node):
        return parent
    value = values[parent]
    has_changed = parent.changed > node.number
    return Outline(value.shape, value.dtype) if has_changed else value


def _result(node: Node, operands: list[Any], kept: dict[Node, Any]) -> Any:
    if isinstance(node, Leaf):
        tensor = node.tensor
        return kept.get(node, node.value) if tensor is None else tensor._value
    if is_known(node.value) or not all(map(is_known, operands)):
        return node.value
    op = node.plan.op
    try:
        with np.errstate(all="ignore"):
            made = op.raw(*operands, **node.kwargs)
    except (TypeError, ValueError, IndexError):  # a list that the graph holds as a tuple, say
        return node.value
    made = made if op.saved is None else made[0]
    return made if np.shape(made) == node.value.shape else node.value

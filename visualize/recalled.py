"""The values of a recorded graph, as far as it holds them or they can be computed again from what it holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_dl.engine import Leaf, Node, Tensor
from autograd_dl.table import Outline

from .graph import ordered


class Recalled(NamedTuple):
    """A node with its result and its operands; those that are not known any more are outlines."""

    node: Node
    value: Any
    operands: list[Any]


def recalled(output: Tensor) -> Iterator[Recalled]:
    """All nodes of the graph of `output` in the order in which they were recorded, with their values.

    A large result that no rule reads is computed again from its operands. It is dropped after its last reader, so that
    the values of a large network are never in memory all at once. Of a leaf that was changed in place since, the value
    is what was read.
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
    overwritten = _overwritten(nodes)
    values: dict[Node, Any] = {}
    for node in nodes:
        operands = [_operand(node, i, values, overwritten) for i in range(len(node.inputs))]
        value = output._value if node is root else _result(node, operands, kept)
        values[node] = value if isinstance(node, Leaf) else _unless_changed(value, node, overwritten)
        yield Recalled(node, overwritten.get(node, values[node]), operands)
        for parent in {parent for parent in node.inputs if isinstance(parent, Node)}:
            if last_reader[parent] is node:
                del values[parent]


def is_known(value: Any) -> bool:
    """Whether it is all there, and no outline."""
    return all(map(is_known, value)) if isinstance(value, tuple) else not isinstance(value, Outline)


def _overwritten(nodes: Sequence[Node]) -> dict[Node, Any]:
    """For each leaf that was changed in place after an op had read it, the number that was read.

    It is an outline where the leaf is an array, or where ops have read different numbers.
    """
    reads = [(parent, node, i) for node in nodes for i, parent in enumerate(node.inputs) if isinstance(parent, Leaf)]
    changed = {leaf for leaf, node, _ in reads if leaf.changed > node.number}
    found: dict[Node, Any] = {}
    for leaf, node, i in reads:
        if leaf in changed:
            value = _read(leaf, node, i)
            before = found.setdefault(leaf, value)
            if before is not value and before != value:
                found[leaf] = _outline(value)
    return found


def _read(leaf: Leaf, node: Node, i: int) -> Any:
    """What an op was given of a leaf that has changed since; an array that the op keeps has changed with it."""
    arg = leaf.value if node.args is None else node.args[i]
    return _outline(arg) if node.args is None or not isinstance(arg, np.generic) else arg


def _unless_changed(value: Any, node: Node, overwritten: dict[Node, Any]) -> Any:
    """A value as it was when a node was recorded; its outline if it is a view of a leaf that has changed since."""
    if isinstance(value, tuple):
        return tuple(_unless_changed(part, node, overwritten) for part in value)
    for leaf in overwritten if isinstance(value, np.ndarray) else ():
        tensor = leaf.tensor if leaf.changed > node.number else None
        if tensor is not None and np.may_share_memory(value, tensor._value):
            return _outline(value)
    return value


def _outline(value: Any) -> Outline:
    return Outline(value.shape, value.dtype)


def _operand(node: Node, i: int, values: dict[Node, Any], overwritten: dict[Node, Any]) -> Any:
    """What an op was given: what it keeps for its rule, or the value of the node that made it."""
    parent = node.inputs[i]
    if isinstance(parent, Leaf) and parent.changed > node.number:
        return _read(parent, node, i)
    if node.args is not None and is_known(node.args[i]):
        return _unless_changed(node.args[i], node, overwritten)
    return values[parent] if isinstance(parent, Node) else parent


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

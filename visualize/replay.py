"""A recorded program, recorded again on the same values with its fused ops opened."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autograd_dl.engine import Leaf, Node, Tensor, apply, enable_grad
from autograd_dl.errors import GraphError
from autograd_dl.mode import watched
from autograd_dl.rematerialization import checkpoint
from autograd_dl.table import Outline, outline

from .compositions import COMPOSITIONS
from .recalled import is_known, recalled


class Replay(NamedTuple):
    """The new output, the values of all new nodes, and for each node of the old graph those that took its place."""

    output: Tensor
    values: dict[Node, Any]
    copies: dict[Node, list[Node]]


def opened(output: Tensor) -> Replay:
    """Record the program of `output` again, on copies of its leaves, with the compositions that fused ops stand for.

    Raises
    ------
    GraphError
        If the graph was released, or a leaf was changed in place since, or a fused op has read what is no more.
    """
    if output.node is None:
        return Replay(output, {}, {})
    known = {node: value for node, value, _ in recalled(output)}
    again = _Again(known)
    with enable_grad(), watched(again.note), np.errstate(all="ignore"):
        for node in known:
            again.record(node)
    return Replay(again.results[output.node], again.values, again.copies)


class _Again:
    """The results of the nodes that were recorded again so far.

    What is not `known` any more, a large array, has zeros in its place, and only its shape is told. No rule reads them,
    nor a composition: what rules read, the graph holds.
    """

    def __init__(self, known: dict[Node, Any]) -> None:
        self.known = known
        self.results: dict[Node, Any] = {}
        self.values: dict[Node, Any] = {}
        self.copies: dict[Node, list[Node]] = {}
        self.scope: tuple[str, ...] = ()
        self.made: list[Node] = []
        self.differentiated = {node.inputs[i] for node in known for i in node.plan.needs}

    def note(self, _op: Any, _values: Any, _kwargs: Any, ans: Any, node: Node | None) -> None:
        """Take in an op that was recorded just now."""
        if node is not None:
            node.scope = self.scope
            self.values[node] = ans
            self.made.append(node)

    def record(self, node: Node) -> None:
        """Record a node again, under its name, with the value that is known."""
        self.made = []
        result = self.results[node] = self._result(node)
        if isinstance(result, Tensor):
            new, value = result.node, self.known[node]
            assert new is not None
            if not isinstance(new, Leaf) and is_known(value):
                result._value = value
                new.value = value if new.plan.reads_ans else outline(value)
            new.noted().name = node.name
            new.scope = self.scope
            self.values[new] = value
            self.made.append(new)
        self.copies[node] = self.made

    def _result(self, node: Node) -> Any:
        self.scope = node.scope
        if isinstance(node, Leaf):
            return Tensor(_at_hand(self.known[node]), requires_grad=node in self.differentiated)
        first = node.inputs[0]
        if isinstance(first, Node) and isinstance(self.results[first], tuple):
            return self.results[first][node.inputs[1]]
        assert node.op is not None
        if node.args is None:
            raise GraphError(
                "the program cannot be run again for the picture: its graph was released by backward(), or a leaf was "
                "changed in place; draw it before, or call backward(retain_graph=True)"
            )
        if node.op.fun is checkpoint:
            raise GraphError(
                "a checkpoint cannot be opened for the picture: its ops are not recorded; draw it with expand=False, "
                "or call the function itself"
            )
        arguments = [
            self._operand(parent, node) if isinstance(parent, Node) else _at_hand(arg)
            for parent, arg in zip(node.inputs, node.args, strict=False)
        ]
        composition = COMPOSITIONS.get(node.op.fun)
        if composition is None:
            return apply(node.op, arguments, node.kwargs)
        if not all(is_known(self.known[parent]) for parent in node.inputs if isinstance(parent, Node)):
            raise GraphError(
                f"{node.op.title} cannot be opened: the graph does not hold what it was computed from; "
                "draw it while the network, or the Tensors that it was made of, are alive"
            )
        self.scope = (*node.scope, node.op.name)
        return composition(*arguments, **node.kwargs)

    def _operand(self, parent: Node, reader: Node) -> Any:
        if parent.changed > reader.number:
            raise GraphError(f"a leaf was changed in place after {reader.plan.op.title} had read it: draw it before")
        return self.results[parent]


def _at_hand(value: Any) -> Any:
    """A value, or zeros for one that is not known."""
    return np.zeros(value.shape, value.dtype) if isinstance(value, Outline) else value

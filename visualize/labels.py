"""What stands on the lines of a picture: values as numbers and shapes, and the gradients that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from autograd_dl.engine import Leaf, Node, Tensor, watch_gradients
from autograd_dl.errors import GraphError, ShapeError
from autograd_dl.pullback import Parts
from autograd_dl.table import Outline, outline

from .text import quantity

Edge = tuple[Node, int]
"""A node, and the number of the argument that it got along this edge."""


class Gradients(NamedTuple):
    """What is known: along an edge, as the `.grad` of a Tensor, and at the output."""

    edges: Mapping[Edge, Any]
    grads: Mapping[Node, Any]
    seed: str | None


NOTHING = Gradients({}, {}, None)


class Labels(Protocol):
    """A way to write the names, values and gradients of a picture."""

    def name(self, node: Node) -> str | None:
        """The name of a leaf, or of the output."""

    def title(self, node: Node) -> str | None:
        """The name that is written above what an op has made."""

    def value(self, node: Node | None, value: Any) -> str:
        """What an op or a leaf has made."""

    def gradient(self, parts: Sequence[Any]) -> str:
        """The sum of gradients."""

    def gradients(self, output: Tensor, nodes: Sequence[Node]) -> Gradients:
        """The gradients of this graph."""


class Numbers:
    """Values and gradients as `write` writes them; `known` has texts of values that the graph itself does not hold.

    With `whole` gradients, arrays come to `write` as they are, and not by outline.
    """

    def __init__(
        self, write: Callable[[Any], str] = quantity, known: Mapping[Node, str] | None = None, whole: bool = False
    ) -> None:
        self.write, self.known, self.whole = write, known or {}, whole

    def name(self, node: Node) -> str | None:
        """The name of a leaf, or of the output."""
        return node.name

    def title(self, node: Node) -> str | None:
        """The name that is written above what an op has made."""
        return None if isinstance(node, Leaf) else node.name

    def value(self, node: Node | None, value: Any) -> str:
        """What an op or a leaf has made."""
        text = None if node is None else self.known.get(node)
        return self.write(value) if text is None else text

    def gradient(self, parts: Sequence[Any]) -> str:
        """The sum of these gradients; where only their outlines are kept, the outline."""
        outlined = any(isinstance(part, Outline) for part in parts)
        return self.write(parts[0] if outlined else sum(parts[1:], start=parts[0]))

    def gradients(self, output: Tensor, nodes: Sequence[Node]) -> Gradients:
        """All gradients, if the graph is live and its output is one number, else those that `backward()` left."""
        root = output.node
        if root is None or output.is_leaf:
            return NOTHING
        found: dict[Edge, Any] = {}

        def note(node: Node, gradient: Any, _g: Any, _args: Any, i: int) -> None:
            if type(gradient) is not Parts:
                found[node, i] = gradient if self.whole else outline(gradient)

        try:
            watch_gradients(output, note)
        except (GraphError, ShapeError):
            return Gradients({}, _left_behind(nodes), None) if root.args is None else NOTHING
        found.update(_of_results(root, found))
        return Gradients(found, {}, self.write(output.dtype.type(1)))


def _of_results(root: Node, found: Mapping[Edge, Any]) -> Iterator[tuple[Edge, Any]]:
    """What goes back from one of an op's several results into the op: the sum of what arrived at that result."""
    arrived: dict[Node, Any] = {root: 1}
    for (node, i), g in found.items():
        parent = node.inputs[i]
        arrived[parent] = g if parent not in arrived or g.shape else arrived[parent] + g
    for node, g in arrived.items():
        if node.inputs and isinstance(node.inputs[0], Node) and isinstance(node.inputs[0].value, tuple):
            yield (node, 0), g


def _left_behind(nodes: Sequence[Node]) -> dict[Node, Any]:
    """The `.grad` of the Tensors that the ops of a released graph have read."""
    released = [node for node in nodes if node.args is None]
    read = {parent for node in released for parent in node.inputs if isinstance(parent, Node)}
    tensors = {parent: parent.tensor for parent in read}
    return {p: t.grad._value for p, t in tensors.items() if t is not None and t.grad is not None}

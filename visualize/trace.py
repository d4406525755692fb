"""A recorded graph as plain data: which boxes and lines its picture has, and what is written on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from autograd_dl.engine import Leaf, Node, Tensor
from autograd_dl.errors import GraphError

from .graph import is_operand, ordered, settings_of
from .labels import NOTHING, Edge, Labels, Numbers
from .scopes import FUSED, Group, caption, folded, layer_name
from .text import quantity, symbol, with_constants
from .translation import said, translated

MANY = 30
"""Ops, above which a leaf's box is not shared by all its readers."""


class Box(NamedTuple):
    """A box of the picture.

    `kind` is "op", "backward" (an op that computes gradients), "scope" (a layer: the ops of a scope), "rest" (the ops
    that a cut picture has in one box), "leaf", "unnamed" (a point), "constant", "output" or "note" (what the picture
    says of itself). `node` is what it stands for, where that is one recorded node; `scope` is where that was recorded,
    of a layer's box with its own name.
    """

    id: str
    label: str
    kind: str
    marked: bool = False
    scope: tuple[str, ...] = ()
    node: Node | None = None


class Line(NamedTuple):
    """An edge of the picture, with the value that goes forward and the gradient that comes back, where known."""

    source: str
    target: str
    value: str | None
    gradient: str | None
    marked: bool = False


class Trace(NamedTuple):
    """A whole picture."""

    boxes: list[Box]
    lines: list[Line]


class Look(NamedTuple):
    """What of a graph is drawn."""

    gradients: bool = True
    names: bool = True
    constants_inside: bool = False
    layers: bool = False
    titles: bool = False
    depth: int | None = None
    maximum: int | None = None
    lang: str | None = None


class End(NamedTuple):
    """A result that the picture ends in, and its name there."""

    output: Tensor
    name: str | None


def trace(
    output: Tensor, marked: Collection[Node | str] = (), *, look: Look | None = None, labels: Labels | None = None
) -> Trace:
    """The boxes and lines of the graph that `output` was made by.

    The boxes of the nodes in `marked`, and of ops in scopes of these names, are marked, and the lines between them.
    Boxes are named in the order in which their ops were recorded, so that the same program gives the same names. On a
    live graph with an output of one element all gradients are computed here, and no `.grad` is touched; after
    `backward()` only the `.grad` of its Tensors is known, and stands on an arrow of its own: it may be the sum of
    several walks, or come from another graph. What is not known is None.

    In a graph of more than `MANY` ops, each op that reads a leaf has its own box of it: arrows from one box to all of
    them would take Graphviz minutes, and no reader could follow them.
    """
    labels = labels or Numbers()
    name = None if output.node is None or type(output.node) is Leaf else labels.name(output.node)
    return traced([End(output, name)], marked, look or Look(), labels)


def traced(
    ends: Sequence[End], marked: Collection[Node | str], look: Look, labels: Labels, backward: int | None = None
) -> Trace:
    """As `trace`, with several outputs, which have no gradients then.

    The ops of numbers above `backward` compute gradients themselves.
    """
    roots = [end.output.node for end in ends if end.output.node is not None]
    drawing = _Drawing(ordered(roots), marked, look, labels, backward)
    if look.gradients and len(ends) == 1:
        drawing.gradients = labels.gradients(ends[0].output, drawing.nodes)
    parts = [*drawing.parts(), *(p for i, end in enumerate(ends) for p in drawing.end(end, f"out{i or ''}"))]
    lines = [p for p in parts if isinstance(p, Line)]
    if drawing.folding.is_cut:
        lines = _merged(lines, look.lang)
    picture = Trace([p for p in parts if isinstance(p, Box)], lines)
    ops = sum(box.kind in ("op", "backward", "scope") for box in picture.boxes)
    return _spread(picture) if ops > MANY else picture


class _Drawing:
    """A picture on its way: which box each node is in (hidden ones are in none), and what is known of gradients."""

    def __init__(
        self,
        nodes: list[Node],
        marked: Collection[Node | str],
        look: Look,
        labels: Labels,
        backward: int | None,
    ) -> None:
        self.nodes, self.look, self.labels, self.backward = nodes, look, labels, backward
        self.gradients = NOTHING
        self.marked = {node for node in nodes if _is_marked(node, marked)} if marked else set()
        _refuse_unknown(nodes, marked)
        self.folding = folded(nodes, look.depth, look.maximum)
        self.ids = {node: f"{'x' if isinstance(node, Leaf) else 'op'}{i}" for i, node in enumerate(nodes)}
        for group in self.folding.groups:
            if group.kind != "op":
                self.ids |= dict.fromkeys(group.ops, self.ids[group.ops[0]].replace("op", group.kind))
        for leaf in self._hidden():
            del self.ids[leaf]

    def parts(self) -> Iterator[Box | Line]:
        """All boxes and lines, in the order in which what they show was recorded."""
        groups = {group.ops[0]: group for group in self.folding.groups}
        for node in self.nodes:
            if isinstance(node, Leaf):
                yield from self._leaf(node)
            elif node in groups:
                group = groups[node]
                yield from self._op(node) if group.kind == "op" else self._group(group)
            if node in self.gradients.grads and node in self.ids:
                written = self.labels.gradient([self.gradients.grads[node]])
                yield Box(f"{self.ids[node]}_grad", "", "unnamed")
                yield Line(f"{self.ids[node]}_grad", self.ids[node], None, written)
        if self.folding.is_cut and self.look.maximum is not None:
            yield Box("note", caption(self.folding, self.look.maximum, self.look.lang), "note")

    def end(self, end: End, id: str) -> Iterator[Box | Line]:
        """The box in which a result ends, and the line to it."""
        node, value = end.output.node, end.output._value
        name = self._named(end.name)
        written = self.labels.value(node, value)
        if node is None and not name:
            yield Box(id, written, "output")
            return
        yield Box(id, name, "output" if name else "unnamed")
        if node is None:
            yield Box(f"{id}_value", written, "constant")
            yield Line(f"{id}_value", id, "", None)
        else:
            yield Line(self.ids[node], id, written, self.gradients.seed)

    def _leaf(self, node: Leaf) -> Iterator[Box]:
        if node in self.ids:
            name = self._named(self.labels.name(node))
            yield Box(self.ids[node], name, "leaf" if name else "unnamed", node in self.marked, node=node)

    def _named(self, name: str | None) -> str:
        return translated(name, self.look.lang) if name and self.look.names else ""

    def _op(self, node: Node) -> Iterator[Box | Line]:
        """The box of an op, and a line from each of its operands; constants get boxes of their own."""
        own = self.ids[node]
        operands = [i for i in range(len(node.inputs)) if is_operand(node, i)]
        inside = [i for i in operands if self._is_inside(node.inputs[i])]
        yield Box(own, self._label(node, operands, inside), self._kind(node), node in self.marked, node.scope, node)
        for i in operands:
            parent = node.inputs[i]
            if i in inside:
                continue
            if isinstance(parent, Node):
                yield self._line(parent, own, [(node, i)])
            else:
                written = self.labels.value(None, parent) or quantity(parent)
                yield Box(f"{own}_{i}", written, "constant", scope=node.scope)
                yield Line(f"{own}_{i}", own, "", None)

    def _group(self, group: Group) -> Iterator[Box | Line]:
        """The box of several ops, and a line from each node outside that they read."""
        own = self.ids[group.ops[0]]
        name = layer_name(group.scope[-1]) if group.scope else "⋯"
        if self.folding.is_cut and len(group.ops) > 1:
            name += f"\n{said('ops', self.look.lang).format(count=f'{len(group.ops):,}')}"
        hidden = {p for node in group.ops for p in node.inputs if isinstance(p, Leaf) and p not in self.ids}
        yield Box(own, name, group.kind, not self.marked.isdisjoint({*group.ops, *hidden}), group.scope)
        edges: dict[Node, list[Edge]] = defaultdict(list)
        for node in group.ops:
            for i, parent in enumerate(node.inputs):
                if isinstance(parent, Node) and self.ids.get(parent, own) != own:
                    edges[parent].append((node, i))
        for parent, readers in edges.items():
            yield self._line(parent, own, readers)

    def _line(self, parent: Node, target: str, readers: Sequence[Edge]) -> Line:
        """The line along which a box gets the value of a node, for one op or several."""
        reader = readers[0][0]
        parts = [self.gradients.edges[edge] for edge in readers if edge in self.gradients.edges]
        known = parent.changed <= reader.number or parent.value.shape  # of a number that has changed since, nothing is
        title, value = self._named(self.labels.title(parent)), self.labels.value(parent, parent.value) if known else ""
        return Line(
            self.ids[parent],
            target,
            "\n".join(filter(None, [title, value])),
            self.labels.gradient(parts) if parts else None,
            parent in self.marked and reader in self.marked,
        )

    def _label(self, node: Node, operands: Sequence[int], inside: Sequence[int]) -> str:
        assert node.op is not None
        if self._kind(node) == "scope":
            return FUSED[node.op.name]
        settings, named = settings_of(node, operands)
        label = symbol(node.op.title if self.look.titles else node.op.name, settings, named | node.kwargs)
        constants = {operands.index(i): _constant(node.inputs[i]) for i in inside}
        return with_constants(label, len(operands), constants) if constants else label

    def _kind(self, node: Node) -> str:
        assert node.op is not None
        if self.backward is not None and node.number > self.backward:
            return "backward"
        return "scope" if self.look.layers and node.op.name in FUSED else "op"

    def _is_inside(self, value: Any) -> bool:
        """Whether an operand is written in the node of its op: a constant, or a number that needs no gradient."""
        if not self.look.constants_inside:
            return False
        return not isinstance(value, Node) or (not value.requires_grad and value.value.shape == ())

    def _hidden(self) -> Iterator[Leaf]:
        """The leaves that are not drawn: those written in nodes, and parameters that are a part of one box."""
        readers: dict[Leaf, list[Node]] = defaultdict(list)
        for node in self.nodes:
            for parent in node.inputs:
                if isinstance(parent, Leaf):
                    readers[parent].append(node)
        first = self._first_inputs()
        for leaf, ops in readers.items():
            box, *others = {self.ids[node] for node in ops}
            in_layer = box.startswith("scope") and (self.look.layers or self.folding.is_cut)
            is_part = box.startswith("rest") or (in_layer and leaf.requires_grad and leaf not in first)
            if self._is_inside(leaf) or (is_part and not others):
                yield leaf

    def _first_inputs(self) -> set[Node]:
        """Of each layer whose inputs are leaves alone, the first one: without it nothing would lead there."""
        first = set()
        for group in self.folding.groups:
            if group.kind == "scope":
                parents = [p for node in group.ops for p in node.inputs if isinstance(p, Node)]
                outside = [p for p in parents if not isinstance(p, Leaf) and self.ids[p] != self.ids[group.ops[0]]]
                data = [p for p in parents if isinstance(p, Leaf) and not p.requires_grad]
                first |= set(parents[:1] if not outside and not data else [])
        return first


def _constant(value: Any) -> str:
    return quantity(value.value if isinstance(value, Node) else value)


def _is_marked(node: Node, marked: Collection[Node | str]) -> bool:
    return node in marked or any(name in marked for name in node.scope)


def _refuse_unknown(nodes: Sequence[Node], marked: Collection[Node | str]) -> None:
    wanted = {name for name in marked if isinstance(name, str)}
    scopes = {name: None for node in nodes for name in node.scope} if wanted else {}
    for name in sorted(wanted - scopes.keys()):
        known = ", ".join(map(repr, scopes)) or "none"
        raise GraphError(f"highlight: no op of this graph was recorded in a scope {name!r}; its scopes: {known}")
    for node in {node for node in marked if isinstance(node, Node)}.difference(nodes):
        what = node.called if isinstance(node, Leaf) else f"what {node.plan.op.title} has made"
        raise GraphError(f"highlight: {what} is no part of this graph")


def _merged(lines: Sequence[Line], lang: str | None) -> list[Line]:
    """One line for all those between two boxes, of which one has many ops."""
    between: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for i, line in enumerate(lines):
        is_own = line.source.startswith(("x", "op")) and line.target.startswith(("op", "out"))
        between[line.source, f"{line.target}{i if is_own else ''}"].append(line)
    return [
        several[0] if len(several) == 1 else several[0]._replace(
            value=said("values", lang).format(count=f"{len(several):,}"),
            gradient=None if several[0].gradient is None else said("gradients", lang).format(count=f"{len(several):,}"),
        )
        for several in between.values()
    ]  # fmt: skip


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

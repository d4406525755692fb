"""The graph: nodes, the leaves where it begins, and the order in which gradients walk back through it.

A Tensor points to its node, a node to the nodes of its inputs and to raw arrays, and nothing points back: a graph goes
when its last Tensor goes. Nodes are numbered as they are recorded: walking back is walking by descending number.
"""

from __future__ import annotations

import functools
import itertools
import operator
import threading
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import as_strided

from .errors import GraphError
from .forks import in_child
from .table import SCALARS, Op, Plan, outline

if TYPE_CHECKING:
    from .anomaly import Line
    from .tensor import Tensor

new = object.__new__
next_number = itertools.count(1).__next__
no_kwargs: dict[str, Any] = {}


class Notes:
    """What only some nodes have: a name, hooks, a Tensor that wants the gradient, the line that recorded it.

    `overwritten` says what a node has read that has changed in place since.
    """

    __slots__ = ("hooks", "line", "name", "overwritten", "tensor")

    def __init__(self, name: str | None = None, tensor: Tensor | None = None) -> None:
        self.name = name
        self.hooks: tuple[Callable[[Tensor], Any], ...] = ()
        self.tensor = None if tensor is None else weakref.ref(tensor)
        self.line: Line | None = None
        self.overwritten: str | None = None


class Node:
    """One recorded op.

    `inputs` has for each argument its Node or, where it has none, the constant (only its outline if large); `args` the
    values that the rules read, and outlines of the others, until they are released; `value` the result, or its outline.
    """

    __slots__ = ("__weakref__", "args", "inputs", "kwargs", "notes", "number", "plan", "scope", "value")

    plan: Plan
    inputs: tuple[Any, ...]
    args: Any
    kwargs: dict[str, Any]
    value: Any
    number: int
    scope: tuple[str, ...]
    notes: Notes | None

    requires_grad = True
    changed = 0

    @property
    def op(self) -> Op | None:
        """The op that was recorded; None for a leaf."""
        return self.plan.op

    @property
    def name(self) -> str | None:
        """The name given to the Tensor, if any."""
        return self.notes.name if self.notes is not None else None

    @property
    def tensor(self) -> Tensor | None:
        """The Tensor that wants the gradient arriving here: that of a leaf, or one that retains its gradient."""
        return self.notes.tensor() if self.notes is not None and self.notes.tensor is not None else None

    def noted(self) -> Notes:
        """The notes of this node, made if there are none yet."""
        if self.notes is None:
            self.notes = Notes()
        return self.notes

    def release(self) -> None:
        """Let go of the arrays that were kept for the rules; what a picture shows stays."""
        self.args = None
        self.value = outline(self.value)

    def __repr__(self) -> str:
        what = "leaf" if self.op is None else self.op.title
        return f"<node {self.number}: {what}{f' {self.name!r}' if self.name else ''}>"


class Leaf(Node):
    """Where a graph begins: a Tensor that the user made. The Tensor holds the leaf; the leaf knows it only weakly.

    `changed` is the number at which its data last changed in place: a node of a smaller number has read values that
    are no more.
    """

    __slots__ = ("changed", "memory", "requires_grad")

    def __init__(self, tensor: Tensor, requires_grad: bool, name: str | None) -> None:
        self.plan = _LEAF_PLAN
        self.inputs = self.args = self.scope = ()
        self.kwargs = no_kwargs
        self.value = outline(tensor._value)
        self.number = next_number()
        self.notes = Notes(name, tensor)
        self.changed = 0
        self.requires_grad = requires_grad
        self.memory = followed(tensor._value)

    @property
    def called(self) -> str:
        """How an error message speaks of it."""
        return f"Tensor {self.name!r}" if self.name else f"a leaf of shape {self.value.shape}"


class Memory(weakref.ref[Any]):
    """An array that Tensors may change in place, known weakly, and the nodes that keep it, or a view of it."""

    __slots__ = ("limit", "readers")

    limit: int
    readers: list[weakref.ref[Node]]

    def read_by(self, node: Node) -> None:
        """Remember a node that keeps this memory for its rules."""
        self.readers.append(weakref.ref(node))
        if len(self.readers) > self.limit:
            self.readers = [reader for reader in self.readers if reader() is not None]
            self.limit = 2 * len(self.readers) + 64

    def taken(self) -> list[Node]:
        """The nodes that are still alive, which are forgotten."""
        readers, self.readers = self.readers, []
        return [node for reader in readers if (node := reader()) is not None]


BASES: tuple[type[Any], ...] = ndarray, type(as_strided(np.empty(0)).base)
"""What a view may point to: an array, or what `as_strided` puts between."""
_memories: dict[int, Memory] = {}
"""The memory of all leaves, by the identity of the array that owns it."""


def followed(value: Any) -> Memory | None:
    """The memory of a leaf's array, whose readers will notice in-place changes; None for another library's array."""
    owner = _owner(value)
    key = id(owner)
    memory = _memories.get(key)
    if memory is None and isinstance(owner, ndarray):
        # pop(key, the memory as default): a function in Python may be interrupted there, and would hide it
        memory = Memory(owner, functools.partial(_memories.pop, key))
        memory.limit, memory.readers = 64, []
        memory = _memories.setdefault(key, memory)
    return memory


def _owner(value: Any) -> Any:
    """The array whose memory this one is in; NumPy has each view point to it, but for views of subclasses."""
    base = getattr(value, "base", None)
    while isinstance(base, BASES):
        value, base = base, base.base
    return value


def note_read(node: Node, value: Any) -> None:
    """Remember that a node keeps this array, or those in this key of an index, if a leaf's change may overwrite it.

    The node must be whole by then: a change in another thread may release it at once.
    """
    if type(value) is ndarray:
        memory = _memories.get(id(value if value.base is None else _owner(value)))
        if memory is not None:
            memory.read_by(node)
    elif type(value) in (tuple, list):
        for v in value:
            if type(v) not in SCALARS:
                note_read(node, v)


_last_change = 0
_change_lock = threading.RLock()
in_child(lambda: globals().update(_change_lock=threading.RLock()))
_LEAF_PLAN: Plan = new(Plan)
_LEAF_PLAN.op = None  # type: ignore[assignment]  # the one plan without an op: a leaf is pulled back no further
_LEAF_PLAN.joint = None
_LEAF_PLAN.needs, _LEAF_PLAN.rules, _LEAF_PLAN.reads, _LEAF_PLAN.reads_ans = (), (), (), False


def stamp(leaves: Collection[Leaf]) -> None:
    """Note that the data of these leaves have changed, or are about to be no longer theirs.

    A node that has read them, or a view of them, can never be pulled back again. So it lets go of all that it holds,
    and of the nodes before it; skeletons take their place, for the pictures.
    """
    global _last_change
    with _change_lock:
        _last_change = number = next_number()
        for leaf in leaves:
            leaf.changed = number
    for leaf in leaves:
        memory = leaf.memory
        if memory is not None and memory.readers:
            stale = [node for node in memory.taken() if node.args is not None]
            for node in stale:
                node.noted().overwritten = leaf.called
            if stale:
                _let_go(stale)


def _let_go(stale: list[Node]) -> None:
    """Release these nodes, and put copies that hold no arrays in the place of the nodes before them."""
    copies: dict[Any, Node] = {}

    def copied(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(copies.get(i, i) if isinstance(i, Node) else i for i in inputs)

    for node in reversed(toposort(i for s in stale for i in s.inputs if isinstance(i, Node))):
        if not isinstance(node, Leaf):
            copy = copies[node] = new(Node)
            copy.plan, copy.kwargs, copy.number = node.plan, node.kwargs, node.number
            copy.scope, copy.notes, copy.value = node.scope, node.notes, outline(node.value)
            copy.inputs, copy.args = copied(node.inputs), None
    for node in stale:
        node.release()
        node.inputs = copied(node.inputs)


_by_number = operator.attrgetter("number")
_inputs = operator.attrgetter("inputs")
"""The inputs of a node: of a leaf, none."""


def toposort(outputs: Iterable[Node]) -> list[Node]:
    """All nodes that need a gradient, from `outputs` to the leaves, each before the nodes that it was made from."""
    found = list(dict.fromkeys(outputs))
    seen = set(found)
    for node in found:  # the list grows meanwhile
        inputs = node.inputs
        for i in node.plan.needs:
            parent = inputs[i]
            if parent not in seen:
                seen.add(parent)
                found.append(parent)
    found.sort(key=_by_number, reverse=True)
    return found


def leading_to(wanted: set[Node], order: list[Node]) -> list[Node]:
    """The part of `order` from which a wanted node can be reached."""
    if wanted.issuperset(itertools.filterfalse(_inputs, order)):
        return order
    useful = set(wanted)
    for node in reversed(order):
        if leads_to(node, useful):
            useful.add(node)
    return [node for node in order if node in useful]


def as_far_as(ends: set[Node], order: list[Node], outputs: Iterable[Node]) -> list[Node]:
    """The part of `order` that is reached from `outputs` without passing one of the ends."""
    reached = set(outputs)
    for node in order:
        if node in reached and node not in ends:
            reached.update(node.inputs[i] for i in node.plan.needs)
    return [node for node in order if node in reached]


def leads_to(node: Node, others: set[Node]) -> bool:
    """Whether a gradient goes from the node straight to one of the others."""
    return any(node.inputs[i] in others for i in node.plan.needs)


def refuse_changed(order: list[Node]) -> None:
    """Raise if a value that a rule will read was changed in place since it was recorded."""
    oldest = next(filter(_inputs, reversed(order)), None)
    if oldest is None or oldest.number > _last_change:
        return
    for node in order:
        what = None if node.notes is None else node.notes.overwritten
        for parent, read in zip(node.inputs, node.plan.reads, strict=False):
            if read and isinstance(parent, Leaf) and parent.changed > node.number:
                what = parent.called
        if what is not None:
            _refuse_overwritten(node, what)


def _refuse_overwritten(node: Node, what: str) -> NoReturn:
    raise GraphError(
        f"{what} was changed in place after {node.plan.op.title} had read it, so that no gradient can be "
        "computed through that op; run the forward pass again"
    )


def behind(nodes: Iterable[Node]) -> Iterator[Node]:
    """These nodes, and all that a gradient would go to from them; it goes no further than a released one."""
    pending = list(nodes)
    seen = set(pending)
    while pending:
        node = pending.pop()
        yield node
        if node.args is not None:
            others = {node.inputs[i] for i in node.plan.needs} - seen
            seen |= others
            pending += others


def is_whole(node: Node) -> bool:
    """Whether nothing behind the node was let go, so that a gradient can still come back."""
    return all(other.args is not None for other in behind([node]))


def leads_elsewhere(nodes: Iterable[Node], leaf: Node | None) -> bool:
    """Whether a gradient could come back from one of these nodes to another leaf than this one."""
    return any(type(node) is Leaf and node is not leaf for node in behind(nodes))


def refuse_released(node: Node) -> NoReturn:
    """Raise for a node whose arrays were let go, perhaps as a hook, or another thread, changed what it had read."""
    if node.notes is not None and node.notes.overwritten is not None:
        _refuse_overwritten(node, node.notes.overwritten)
    raise GraphError(
        f"the graph was released by an earlier backward() (found at {node.plan.op.title}); "
        "to run backward twice, call the first one with retain_graph=True; "
        "of what an earlier step left over for this one (a running mean, a sum of losses), take t.detach()"
    )

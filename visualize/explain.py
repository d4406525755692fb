"""Where trouble began: the first NaN, infinity, exact zero or vanishing gradient of a recorded program."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd_dl.anomaly import Line, note_line
from autograd_dl.engine import Leaf, Node, Tensor, watch_gradients
from autograd_dl.errors import DTypeError, GraphError, ShapeError
from autograd_dl.mode import watched
from autograd_dl.pullback import Parts
from autograd_dl.table import Outline
from autograd_dl.values import has_dtype

from .dot import draw_graph
from .graph import known_name
from .norms import facts, norm
from .recalled import Recalled, is_known, recalled
from .symbols import MATRIX
from .text import cut

if TYPE_CHECKING:
    import graphviz

VANISHING = 1e-4
"""The share of the largest norm on its way, below which a gradient has vanished."""
LONGEST = 60
"""Characters of a name, and of an argument that is no array."""
STEEPEST = 3
"""How many ops are named at which a gradient fell most."""


class Finding(NamedTuple):
    """Something that began somewhere.

    `kind` is "NaN", "infinity", "zero" or "vanishing"; `forward` says in which of the two passes; `node` is the op, or
    the leaf, where it began, and `argument` that of the op whose gradient it is; `path` has all nodes that it went
    through; `text` tells of it.
    """

    kind: str
    forward: bool
    node: Node
    argument: int | None
    path: frozenset[Node]
    text: str


class Explanation:
    """What `explain` found: `str()` tells it, `picture()` shows it.

    `findings` has all that was found, the first of its kind each, forward before backward; `first` the one to look at
    first, or None; `notes` what could not be looked at.
    """

    def __init__(self, output: Tensor, findings: Sequence[Finding], notes: Sequence[str]) -> None:
        self.output, self.findings, self.notes = output, list(findings), list(notes)

    @property
    def first(self) -> Finding | None:
        """The finding to look at first; None if there is none.

        What is not finite comes before what is zero or vanishes; what does not reach the result comes last.
        """
        return min(self.findings, key=self._urgency, default=None)

    def _urgency(self, finding: Finding) -> int:
        if finding.forward and self.output.node not in finding.path:
            return 2
        return int(finding.kind in ("zero", "vanishing"))

    def picture(self) -> graphviz.Digraph:
        """The graph, in which the ops that the first finding went through are marked."""
        return draw_graph(self.output, highlight=() if self.first is None else self.first.path)

    def __str__(self) -> str:
        texts = [finding.text for finding in self.findings] or [self._nothing()]
        return "\n".join([*texts, *(f"note: {note}" for note in self.notes)])

    def _nothing(self) -> str:
        if _is_broken(self.output._value):
            return f"the result is {_range(self.output._value)}, and the graph does not tell where that began"
        if self.notes:
            return "nothing found in what could be looked at"
        return "nothing found: no NaN, no infinity, no gradient lost"

    __repr__ = __str__


def explain(output: Tensor | Callable[[], Tensor], *, vanishing: float = VANISHING) -> Explanation:
    """Where the first NaN, infinity, exact zero or vanishing gradient of a recorded program began.

    The results of all ops are looked at in the order in which they were recorded, then, if the output is one finite
    number, the gradients on their way back. A result or gradient is "zero" if all its numbers are, and if what it was
    made of is not. A gradient has vanished where its norm is less than `vanishing` times the largest norm that it had
    on its way; sums that undo broadcasting, as for a bias, may cancel, and do not count. No `.grad` is touched and
    nothing is released.

    Parameters
    ----------
    output : Tensor, or function that returns one
        A function, `explain(lambda: net.loss(x, t))`, is called here, and the lines of the program are noted as it
        runs. Of a Tensor they are known if it was recorded inside `detect_anomaly()`.
    vanishing : float

    Returns
    -------
    Explanation

    Raises
    ------
    DTypeError
        If it is no Tensor, nor a function that returns one.

    >>> x = Tensor([0.0, 2.0], requires_grad=True, name="x")
    >>> with np.errstate(divide="ignore"):
    ...     print(explain(np.sum(np.log(x))))
    forward: np.log made the first infinity: 1 of 2 numbers
      argument 0, 'x': float64 (2,), 0 to 2
      it reaches the result, -inf
    note: the gradients were not looked at, since the result is not finite
    note: which line this was is noted by explain(lambda: ...), with the program in place of the dots
    """
    if callable(output):
        with watched(note_line), np.errstate(all="ignore"):
            output = output()
    if not isinstance(output, Tensor):
        raise DTypeError(f"explain takes a Tensor, or a function that returns one, not {type(output).__name__}")
    forward = _Forward(output)
    findings, notes = forward.findings(), forward.notes()
    if _is_broken(output._value):
        notes.append("the gradients were not looked at, since the result is not finite")
    else:
        try:
            findings += _Backward(output, vanishing).findings()
        except (GraphError, ShapeError) as error:
            notes += [f"the gradients were not looked at: {error}", *forward.grads()]
    if any(f.node.op is not None and not _line(f.node) for f in findings):
        notes.append("which line this was is noted by explain(lambda: ...), with the program in place of the dots")
    return Explanation(output, findings, notes)


class _Forward:
    """The walk over the results."""

    def __init__(self, output: Tensor) -> None:
        self.output = output
        self.began: dict[str, tuple[Recalled, str]] = {}
        self.paths: dict[str, set[Node]] = {}
        self.nodes: list[Node] = []
        self.unknown: list[Node] = []
        for step in recalled(output):
            self._look_at(step)

    def _look_at(self, step: Recalled) -> None:
        self.nodes.append(step.node)
        if unknown := not is_known(step.value):
            self.unknown.append(step.node)
        found = _kinds(step.value)
        for kind, path in self.paths.items():
            on_path = any(i in path for i in step.node.inputs if isinstance(i, Node))
            if on_path and (unknown or _goes_on(kind, path, step, found)):
                path.add(step.node)
        for kind in sorted(found - self.began.keys()):
            if not self._is_given(kind, step):
                self.began[kind] = step._replace(value=None), _share(kind, step.value)
                self.paths[kind] = {step.node}

    def _is_given(self, kind: str, step: Recalled) -> bool:
        """Zeros are no news where an operand is all zero; nor are a leaf's own, such as biases."""
        return kind == "zero" and (isinstance(step.node, Leaf) or any(kind in _kinds(o) for o in step.operands))

    def findings(self) -> list[Finding]:
        """The first of each kind, the earliest first."""
        found = sorted(self.began.items(), key=lambda item: item[1][0].node.number)
        return [self._finding(kind, step, share) for kind, (step, share) in found]

    def _finding(self, kind: str, step: Recalled, share: str) -> Finding:
        node = step.node
        given = next((i for i, operand in enumerate(step.operands) if kind in _kinds(operand)), None)
        if isinstance(node, Leaf):
            head = f"forward: the first {kind} was given in {_called(node)}{share}"
        elif given is not None:
            head = f"forward: the first {kind} was given to {_called(node)}, as its argument {given}"
        else:
            what = "result that is all zeros" if kind == "zero" else kind
            head = f"forward: {_called(node)} made the first {what}{share}"
        reaches = self.output.node in self.paths[kind]
        end = f"it reaches the result, {_range(self.output._value)}" if reaches else "it does not reach the result"
        return Finding(kind, True, node, None, frozenset(self.paths[kind]), _told(head, node, step.operands, end))

    def notes(self) -> list[str]:
        """What could not be looked at, if it may have come first."""
        first = min((step.node.number for step, _ in self.began.values()), default=None)
        before = [node for node in self.unknown if first is None or node.number < first]
        if not before:
            return []
        names = ", ".join(dict.fromkeys(map(_called, before[:STEEPEST])))
        return [
            f"the graph does not hold {len(before)} of its values any more ({names}"
            f"{', ...' if len(before) > STEEPEST else ''}), where trouble may have begun: "
            "explain before backward(), or give explain the function that computes the result"
        ]

    def grads(self) -> list[str]:
        """The gradients that an earlier `backward()` has left in the Tensors, where they are not finite or all zero."""
        tensors = {node: node.tensor for node in self.nodes}
        grads = {node: t.grad._value for node, t in tensors.items() if t is not None and isinstance(t.grad, Tensor)}
        return [f"the .grad of {_called(node)} is {_range(g)}" for node, g in grads.items() if _kinds(g)]


class _Edge(NamedTuple):
    """A gradient on its way, from a node to one of its arguments.

    `norm` is its own, `arrived` that of the gradient that arrived at the node, `largest` the largest one from the
    output to here.
    """

    node: Node
    argument: int
    norm: float
    arrived: float
    largest: float


class _Backward:
    """The walk back over the gradients."""

    def __init__(self, output: Tensor, vanishing: float) -> None:
        self.vanishing = vanishing
        self.began: dict[str, tuple[_Edge, str, list[Any]]] = {}
        self.paths: dict[str, set[Node]] = {}
        self.reached: dict[Node, _Edge] = {}
        watch_gradients(output, self._look_at)

    def _look_at(self, node: Node, gradient: Any, arriving: Any, args: Any, i: int) -> None:
        """Take note of one gradient; the engine calls this."""
        parent = node.inputs[i]
        if type(gradient) is Parts:
            gradient = arriving
        size, before = norm(gradient), self.reached.get(node)
        largest = max(size, before.largest if before and np.isfinite(before.largest) else 0.0)
        edge = _Edge(node, i, size, norm(arriving), largest)
        if parent not in self.reached or size > self.reached[parent].norm:
            self.reached[parent] = edge
        found = _kinds(gradient)
        for kind in found & self.began.keys():
            if node in self.paths[kind]:
                self.paths[kind].add(parent)
        for kind in sorted(found - self.began.keys() - _kinds(arriving)):
            self.began[kind] = edge, _share(kind, gradient), list(args)
            self.paths[kind] = {node, parent}
        is_product = known_name(node.plan.op) in MATRIX and bool(gradient.shape)  # what it sums undoes no broadcasting
        broadcasts = node.plan.op.broadcasts and not is_product
        summed = broadcasts and getattr(gradient, "size", 0) < getattr(arriving, "size", 0)
        if "vanishing" not in self.began and not summed and 0 < size < self.vanishing * largest:
            self.began["vanishing"] = edge, "", list(args)
            self.paths["vanishing"] = {parent, *(step.node for step in self._way_to(edge))}

    def _way_to(self, edge: _Edge) -> list[_Edge]:
        """The edges from the output to this one, by the largest gradients."""
        way = [edge]
        while way[-1].node in self.reached:
            way.append(self.reached[way[-1].node])
        return way[::-1]

    def findings(self) -> list[Finding]:
        """The first of each kind."""
        return [self._finding(kind, *found) for kind, found in self.began.items()]

    def _finding(self, kind: str, edge: _Edge, share: str, args: list[Any]) -> Finding:
        argument = _argument(edge.node, edge.argument)
        head = f"backward: {_called(edge.node)} made the first {_IN_GRADIENTS[kind]}, that of its {argument}{share}"
        if kind == "vanishing":
            end = f"its norm is {edge.norm:.3g}, of {edge.largest:.3g} on its way; {self._steepest(edge)}"
        else:
            end = f"the norm of the gradient that arrived: {edge.arrived:.4g}"
        path = frozenset(self.paths[kind])
        return Finding(kind, False, edge.node, edge.argument, path, _told(head, edge.node, args, end))

    def _steepest(self, edge: _Edge) -> str:
        way = self._way_to(edge)
        falls = sorted(way, key=lambda step: step.norm / step.arrived)[:STEEPEST]
        named = ", ".join(f"{_called(step.node)} (× {step.norm / step.arrived:.2g})" for step in falls)
        return f"through {len(way)} ops it fell most at {named}"


# -- what is looked for


def _kinds(value: Any) -> frozenset[str]:
    """What there is of "NaN" and "infinity" in a value, or in one of several; "zero" if it has nothing but zeros."""
    if isinstance(value, tuple):
        return frozenset().union(*map(_kinds, value))
    if not has_dtype(value) or isinstance(value, Outline) or value.dtype.kind not in "fc" or not value.size:
        return _FINE
    largest = float(np.max(np.abs(value)) if value.shape else abs(value))  # NaN if there is one
    if 0 < largest < math.inf:
        return _FINE
    if largest == 0:
        return frozenset(["zero"])
    return frozenset(name for name, test in _TESTS.items() if test(value).any())


_FINE: frozenset[str] = frozenset()
_TESTS: dict[str, Callable[[Any], Any]] = {"NaN": np.isnan, "infinity": np.isinf}
_BROKEN = frozenset(_TESTS)


def _goes_on(kind: str, path: set[Node], step: Recalled, found: frozenset[str]) -> bool:
    """Whether what an op made has the trouble of an operand on the path: an infinity or a zero may have become NaN."""
    if _BROKEN.isdisjoint(found):
        return kind == "zero" and "zero" in found
    if kind != "zero":
        return True
    broken = [i for i, operand in zip(step.node.inputs, step.operands, strict=False) if _is_broken(operand)]
    return not broken or any(isinstance(i, Node) and i in path for i in broken)


def _is_broken(value: Any) -> bool:
    """Whether it has a number that is not finite."""
    return not _BROKEN.isdisjoint(_kinds(value))


# -- how it is told

_IN_GRADIENTS = {
    "NaN": "NaN in a gradient", "infinity": "infinity in a gradient", "zero": "gradient that is all zeros",
    "vanishing": "gradient that vanishes",
}  # fmt: skip


def _share(kind: str, value: Any) -> str:
    """How many of a value's numbers are not finite, as the end of a line."""
    if kind == "zero":
        return ""
    parts = value if isinstance(value, tuple) else (value,)
    return f": {sum(int(_TESTS[kind](p).sum()) for p in parts):,} of {sum(p.size for p in parts):,} numbers"


def _told(head: str, node: Node, operands: Sequence[Any], end: str) -> str:
    lines = [head]
    if _line(node):
        lines.append(f"at {_line(node)}")
    lines += [f"{_argument(node, i)}: {_range(given)}" for i, given in enumerate(operands[: len(node.inputs)])]
    return "\n  ".join([*lines, end])


def _line(node: Node) -> Line | None:
    return None if node.notes is None else node.notes.line


def _called(node: Node) -> str:
    """An op as the text speaks of it, with its scope; or a leaf."""
    if isinstance(node, Leaf):
        return cut(node.called, LONGEST)
    where = f" in {cut(repr('/'.join(node.scope))[1:-1], LONGEST)}" if node.scope else ""
    return f"{node.plan.op.title}{where}"


def _argument(node: Node, i: int) -> str:
    """An argument of an op: its number, and its name if it has one."""
    given = node.inputs[i]
    name = f", {cut(repr(given.name), LONGEST)}" if isinstance(given, Node) and given.name else ""
    return f"argument {i}{name}"


def _range(value: Any) -> str:
    """A value in a line: dtype, shape, from where to where, and how many numbers are not finite."""
    if isinstance(value, tuple) and any(map(has_dtype, value)):
        return "; ".join(map(_range, value))
    if not has_dtype(value):
        return cut(repr(value), LONGEST)
    kind = f"{value.dtype} {value.shape}"
    if not is_known(value):
        return f"{kind}, no longer held"
    if not value.shape:
        return f"{value:.6g}"
    return ", ".join([kind, *_extent(value)])


def _extent(value: Any) -> Iterator[str]:
    known = facts(value)
    if not value.size:
        yield "empty"
    if known.least is not None:
        yield f"{known.least:.6g} to {known.most:.6g}"
    for count, what in ((known.nans, "NaN"), (known.infinities, "infinite")):
        if count:
            yield f"{count:,} {what}"

"""Rematerialization: memory saved by computing twice, as `checkpoint` does it."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from .engine import Leaf, Node, Tensor, apply, gradients_of_part, is_grad_enabled, toposort
from .errors import GraphError
from .graph import next_number
from .table import Op
from .tensor import bare, tensor_of
from .tracing import RUNNING, Tree, called_on, leaves_of, mapped, stand_ins
from .values import as_value

Fun = Callable[..., Any]
F = TypeVar("F", bound=Fun)


def checkpoint(f: F) -> F:
    """`f`, but keeping none of its intermediate results: they are computed again when the gradient is.

    Takes about a third more time, and holds only the arguments. `f` must do the same each time it is called, which is
    checked as far as it can be; what it changes in place, such as the running statistics of batch normalization, it
    changes twice. It may read parameters (leaves), and arguments of enclosing transforms, that are not among its own
    arguments, but what was computed of them has to be passed in.

    Dropout, and whatever else draws random numbers, draws others the second time, which is not noticed: the gradient is
    that of another mask than the value. Draw the mask outside, and pass it in: `checkpoint(lambda x, m: f(x) * m)`.

    Raises
    ------
    GraphError
        When called: if `f` reads what was computed outside it and is no argument. In the backward pass: if it returned
        another number of Tensors than before, or read other parameters.
    """

    @functools.wraps(f)
    def call(*args: Tree, **kwargs: Tree) -> Tree:
        if not is_grad_enabled():
            return f(*args, **kwargs)
        tensors = [leaf for leaf in leaves_of((args, kwargs)) if isinstance(leaf, Tensor)]
        places = map(_Place, itertools.count())
        pattern = mapped(lambda leaf: next(places) if isinstance(leaf, Tensor) else leaf, (args, kwargs))
        segment = _Segment(f, pattern, [t.requires_grad for t in tensors])
        run = segment.run([_leaf_on(t._value, t.requires_grad, t.name) for t in tensors])
        if not run.outputs:
            return run.result
        segment.read = run.read()
        read = list(map(_tensor_at, segment.read))
        segment.ready.extend(o._value for o in run.outputs)
        result = apply(_CHECKPOINT, [segment, *tensors, *read])
        recorded = iter(result if isinstance(result, tuple) else [result])
        replaced = {id(o) for o in run.outputs}
        return mapped(lambda leaf: next(recorded) if id(leaf) in replaced else leaf, run.result)

    return cast(F, call)


class _Place:
    """Stands for a Tensor among the arguments."""

    def __init__(self, number: int) -> None:
        self.number = number


class _Segment:
    """A checkpointed call: the arguments have a `_Place` for each Tensor, since a graph holds none.

    `read` are the parameters, and the arguments of enclosing transforms, that the function read beside them.
    """

    def __init__(self, f: Fun, args: Tree, wanted: list[bool]) -> None:
        self.f, self.args, self.wanted = f, args, wanted
        self.read: list[Node] = []
        self.ready: list[Any] = []

    def __repr__(self) -> str:
        return getattr(self.f, "__name__", type(self.f).__name__)

    def run(self, tensors: Sequence[Tensor], enclosing: Sequence[Tensor] = ()) -> _Run:
        """Call the function, recorded, on stand-ins of these Tensors, within transforms of `enclosing` arguments."""
        inputs = stand_ins(tensors)
        start = next_number()
        args, kwargs = mapped(lambda leaf: inputs[leaf.number] if isinstance(leaf, _Place) else leaf, self.args)
        result = called_on(functools.partial(self.f, **kwargs), args, [*inputs, *enclosing])
        outputs = [leaf for leaf in leaves_of(result) if isinstance(leaf, Tensor) and leaf.requires_grad]
        return _Run(inputs, outputs, result, start)

    def run_again(self, tensors: Sequence[Tensor], read: Sequence[Tensor], count: int) -> _Run:
        """Run once more, and see to it that the same was done: `count` outputs were made of the same parameters."""
        run = self.run(tensors, [t for t in read if not t.is_leaf])
        if len(run.outputs) != count or _needing(run.read()) != _needing(self.read):
            raise GraphError(
                f"checkpoint: {self} did not do the same when it ran again for the gradient (it returned another "
                "number of Tensors, or read other parameters); make it depend on its arguments alone"
            )
        return run

    def taken(self) -> Any:
        """The results of the call, which the segment does not keep."""
        values, self.ready = self.ready, []
        return values[0] if len(values) == 1 else tuple(values)


class _Run(NamedTuple):
    """What came of running a function: the outputs are what of its result needs a gradient."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    result: Tree
    start: int

    def read(self) -> list[Node]:
        """What was read beside the inputs, in the order of the walk back, but for leaves that nobody holds."""
        inputs = {t.node for t in self.inputs}
        outputs = [o.node for o in self.outputs if o.node is not None]
        ours = (node.inputs for node in toposort(outputs) if node.number > self.start)
        others = (n for n in itertools.chain(outputs, *ours) if isinstance(n, Node) and n.number < self.start)
        found = dict.fromkeys(node for node in others if node not in inputs)
        return [node for node in found if type(node) is not Leaf or node.tensor is not None]


def _tensor_at(node: Node) -> Tensor:
    """The Tensor of a leaf, or of an argument of an enclosing transform."""
    tensor = node.tensor if type(node) is Leaf else RUNNING.get().get(node)
    if tensor is None:
        raise GraphError(f"checkpoint: the function reads {node}, which is recorded; pass it in as an argument")
    return tensor


def _needing(nodes: Sequence[Node]) -> set[Node]:
    return {node for node in nodes if node.requires_grad}


# `values` has no underscore: all are kept, and a change of one in place is noticed
def _again(g: Any, _ans: Any, segment: _Segment, *values: Any) -> list[Any]:
    """The rule of a checkpoint: run the segment again, and pull back. Of values that are Tensors it is recorded."""
    gs = list(g) if isinstance(g, tuple) else [g]
    count = len(segment.wanted)
    recorded = any(isinstance(v, Tensor) for v in (*gs, *values))
    given, read = values[:count], values[count:]
    if recorded:
        tensors = [v if isinstance(v, Tensor) else Tensor(v) for v in given]
    else:
        tensors = list(map(_leaf_on, given, segment.wanted))
    beside = [tensor_of(bare(v), node) for v, node in zip(read, segment.read, strict=True)]
    run = segment.run_again(tensors, beside, len(gs))
    inputs = [*run.inputs, *beside]
    needing = [t for t in inputs if t.requires_grad]
    found = iter(gradients_of_part(run.outputs, needing, gs, beside=beside, create_graph=recorded))
    parts = [next(found) if t.requires_grad else tensor_of(np.zeros_like(t._value), None) for t in inputs]
    return [None, *(p if recorded else p._value for p in parts)]


_CHECKPOINT = Op(checkpoint, lambda segment, *_: segment.taken())
_CHECKPOINT.joint = _again


def _leaf_on(value: Any, requires_grad: bool, name: str | None = None) -> Tensor:
    """A leaf that shares these values."""
    tensor = tensor_of(as_value(value), None)
    tensor.node = Leaf(tensor, requires_grad, name)
    return tensor

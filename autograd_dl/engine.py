"""The engine: how an op is recorded, and how gradients come back along the record.

Reads from top to bottom: recording (`apply`), then the way back (`backward`, `gradients`, and the walk that both take).
What an op does and what its derivative is stands in the table: no op is known here by name.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from .anomaly import in_backward, watch_backward, watch_forward
from .errors import AnomalyError, AutogradError, DTypeError, GraphError, RuleError, ShapeError, UnsupportedError
from .graph import Leaf as Leaf
from .graph import Node as Node
from .graph import leading_to, new, next_number, no_kwargs, refuse_changed, refuse_released
from .graph import toposort as toposort
from .mode import MODE, Mode
from .mode import detect_anomaly as detect_anomaly
from .mode import enable_grad as enable_grad
from .mode import is_grad_enabled as is_grad_enabled
from .mode import no_grad as no_grad
from .mode import scope as scope
from .pullback import Parts, fitted, is_fresh, total
from .table import Op, Plan, outline
from .tensor import Tensor as Tensor
from .tensor import bare, called, tensor_of
from .values import as_value, is_duck

ndarray = np.ndarray

# ------------------------------------------------------------------------------------------------- recording

_SCALARS = frozenset({float, int, bool, np.float64, np.float32, np.float16})
"""Types whose values NumPy takes as they are, and that the graph may keep as they are."""


def apply(op: Op, args: Sequence[Any], kwargs: dict[str, Any] = no_kwargs) -> Any:
    """Compute an op on the values of its arguments, and record it if one of them needs a gradient.

    Returns a Tensor, or a tuple of Tensors where NumPy returns a tuple. Raises what NumPy raises, with the op and its
    arguments named.
    """
    values = [_operand(a, op) for a in args]
    nodes = [a.node if type(a) is Tensor else None for a in args]
    try:
        ans = op.raw(*values, **kwargs)
    except (ValueError, TypeError) as error:
        _explain(error, op, args)
        raise
    if op.saved is not None:
        ans, kept = ans
        values.append(kept)
    mode = MODE.get()
    need = sum(1 << i for i, n in enumerate(nodes) if n is not None and n.requires_grad) if mode.recording else 0
    node = _record(op.plans[1 << len(args) | need], mode, nodes, values, kwargs, ans) if need else None
    if mode.anomaly:
        watch_forward(op.title, values, ans, node)
    return results(ans, node, mode)


def _record(
    plan: Plan, mode: Mode, nodes: Sequence[Node | None], values: Sequence[Any], kwargs: dict[str, Any], ans: Any
) -> Node:
    """The node of an op that was computed just now. (`apply1` and `apply2` hold the same, written out.)"""
    node: Node = new(Node)
    short = [outline(value) for value in values]
    node.plan = plan
    # lists first: a tuple made of a generator is resized, which Python's free lists pay for with 64 bytes each time
    node.inputs = (*[s if n is None else n for s, n in zip(short, nodes, strict=False)],)
    node.args = (*[v if read else s for v, s, read in zip(values, short, plan.reads, strict=True)],)
    node.kwargs = kwargs
    node.value = ans if plan.reads_ans else outline(ans)
    node.number = next_number()
    node.scope = mode.scope
    node.notes = None
    for parent, value, read in zip(nodes, values, plan.reads, strict=False):
        if read and type(parent) is Leaf and value.ndim:
            parent.read_by(node)
    return node


def apply1(op: Op, x: Any, kwargs: dict[str, Any] = no_kwargs) -> Any:
    """`apply` for one argument, the short way."""
    if type(x) is not Tensor:
        return apply(op, (x,), kwargs)
    value = x._value
    parent = x.node
    if type(parent) is Leaf and value.ndim == 0:
        value = value[()]
    try:
        ans = op.raw(value, **kwargs)
    except (ValueError, TypeError) as error:
        _explain(error, op, (x,))
        raise
    mode = MODE.get()
    node = None
    if parent is not None and parent.requires_grad and mode.recording:
        plan = op.plans[0b11]
        (read,) = plan.reads
        node = new(Node)
        node.plan = plan
        node.inputs = (parent,)
        node.args = (value if read or type(value) in _SCALARS else outline(value),)
        node.kwargs = kwargs
        node.value = ans if plan.reads_ans or type(ans) in _SCALARS else outline(ans)
        node.number = next_number()
        node.scope = mode.scope
        node.notes = None
        if read and type(parent) is Leaf and type(value) is ndarray:
            parent.read_by(node)
    if mode.anomaly:
        watch_forward(op.title, (value,), ans, node)
    return tensor_of(ans, node)


def apply2(op: Op, x: Any, y: Any) -> Any:
    """`apply` for two arguments, the short way."""
    need = 0b100
    node0 = node1 = None
    if type(x) is Tensor:
        value0 = x._value
        node0 = x.node
        if node0 is not None:
            if type(node0) is Leaf and value0.ndim == 0:
                value0 = value0[()]
            if node0.requires_grad:
                need = 0b101
    else:
        value0 = x if type(x) in _SCALARS else _operand(x, op)
    if type(y) is Tensor:
        value1 = y._value
        node1 = y.node
        if node1 is not None:
            if type(node1) is Leaf and value1.ndim == 0:
                value1 = value1[()]
            if node1.requires_grad:
                need |= 0b010
    else:
        value1 = y if type(y) in _SCALARS else _operand(y, op)
    try:
        ans = op.raw(value0, value1)
    except (ValueError, TypeError) as error:
        _explain(error, op, (x, y))
        raise
    mode = MODE.get()
    node = None
    if need != 0b100 and mode.recording:
        plan = op.plans[need]
        read0, read1 = plan.reads
        short0 = value0 if type(value0) in _SCALARS else outline(value0)
        short1 = value1 if type(value1) in _SCALARS else outline(value1)
        node = new(Node)
        node.plan = plan
        node.inputs = (short0 if node0 is None else node0, short1 if node1 is None else node1)
        node.args = (value0 if read0 else short0, value1 if read1 else short1)
        node.kwargs = no_kwargs
        node.value = ans if plan.reads_ans or type(ans) in _SCALARS else outline(ans)
        node.number = next_number()
        node.scope = mode.scope
        node.notes = None
        if read0 and type(node0) is Leaf and type(value0) is ndarray:
            node0.read_by(node)
        if read1 and type(node1) is Leaf and type(value1) is ndarray:
            node1.read_by(node)
    if mode.anomaly:
        watch_forward(op.title, (value0, value1), ans, node)
    return tensor_of(ans, node)


def has_tensor(value: Any) -> bool:
    """Whether it is a Tensor, or a list or tuple that holds one."""
    return type(value) is Tensor or (type(value) in (tuple, list) and any(map(has_tensor, value)))


def _operand(argument: Any, op: Op) -> Any:
    """An argument as NumPy takes it: the values of a Tensor, numbers as they are, for a ufunc all else as an array."""
    if type(argument) is Tensor:
        value = argument._value
        return value[()] if type(argument.node) is Leaf and value.ndim == 0 else value
    if type(argument) in _SCALARS:
        return argument
    if has_tensor(argument):
        raise UnsupportedError(f"{op.title}: a Tensor inside a list would get no gradient; join them with np.stack")
    if type(argument) is ndarray or (op.broadcasts and argument is not None and type(argument) is not str):
        return as_value(argument)
    return argument


def _explain(error: Exception, op: Op, args: Sequence[Any]) -> None:
    """Raise NumPy's error with the op and its arguments named, unless it is one that speaks for itself."""
    if isinstance(error, (np.linalg.LinAlgError, AutogradError)):
        return
    kind = ShapeError if isinstance(error, ValueError) else DTypeError
    raise kind(f"{op.title}({', '.join(map(_described, args))}): {error}") from error


def _described(argument: Any) -> str:
    if hasattr(argument, "shape") and hasattr(argument, "dtype"):
        name = f"{argument.name!r}: " if type(argument) is Tensor and argument.name else ""
        return f"{name}{argument.dtype} {argument.shape}"
    text = repr(argument)
    return text if len(text) <= 40 else type(argument).__name__


_ITEM = Op(operator.getitem, operator.getitem)
_ITEM.rules = (lambda g, _ans, _results, i: Parts({i: g}), None)


def results(ans: Any, node: Node | None, mode: Mode) -> Any:
    """The Tensor of a result, or a Tensor for each of several, in the kind of tuple that NumPy returned."""
    for result in ans if isinstance(ans, tuple) else (ans,):
        if not hasattr(result, "dtype"):
            name = "a primitive" if node is None else node.plan.op.title
            raise RuleError(f"{name} must return an array or a tuple of arrays; it returned {type(result).__name__}")
    if not isinstance(ans, tuple):
        return tensor_of(ans, node)
    if node is None:
        items: list[Node | None] = [None] * len(ans)
    else:
        node.noted()
        items = [_record(_ITEM.plans[0b101], mode, (node, None), (ans, i), no_kwargs, a) for i, a in enumerate(ans)]
    tensors = map(tensor_of, ans, items)
    return type(ans)(*tensors) if hasattr(ans, "_fields") else tuple(tensors)


# ------------------------------------------------------------------------------------------------- the way back

_grad_lock = threading.Lock()


def backward(
    outputs: Sequence[Tensor],
    grad_outputs: Sequence[Any],
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> None:
    """Add to `.grad` of each leaf the gradient of `outputs`, weighted by `grad_outputs`. See `Tensor.backward`."""
    seeds = _seeds(outputs, grad_outputs, create_graph)
    order = toposort(seeds)
    wanted = {node for node in order if node.tensor is not None and node.requires_grad}
    arrived = _walk(order, seeds, wanted, create_graph, release=not (retain_graph or create_graph))
    with _grad_lock:
        tensors = [(tensor, g) for node, g in arrived.items() if (tensor := node.tensor) is not None]
        sums = [g if tensor.grad is None else _added(tensor, tensor.grad, g, create_graph) for tensor, g in tensors]
        for (tensor, _), whole in zip(tensors, sums, strict=True):
            tensor.grad = whole


def _added(tensor: Tensor, before: Any, g: Tensor, create_graph: bool) -> Tensor:
    """The gradient that a Tensor has already (perhaps an array that the user put there), plus `g`."""
    if np.shape(before) != g.shape:
        raise ShapeError(f"the .grad of {called(tensor)} must have its shape {g.shape}, not {np.shape(before)}")
    if create_graph:
        with enable_grad():
            return before + g
    with np.errstate(all="ignore"):
        return tensor_of(as_value(bare(before) + g._value, g.dtype), None)


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    *,
    create_graph: bool = False,
    retain_graph: bool = True,
) -> list[Tensor]:
    """The gradient of `outputs` with respect to each of `inputs`. No `.grad` is touched.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensors
    inputs : Tensor or sequence of Tensors
        Leaves or recorded Tensors. One that the outputs do not depend on gets zeros.
    grad_outputs : optional
        The gradient arriving at each output, of its shape; 1 if left out, which only outputs of one element can.
    create_graph : bool
        Record the computation, so that the gradients can be differentiated again.
    retain_graph : bool
        If False, and not `create_graph`, what the graph holds is released on the way, which saves memory.

    Raises
    ------
    GraphError
        If an input does not require grad, or if the graph was released, or what it read has changed.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (slope,) = gradients(x * x, x, create_graph=True)
    >>> gradients(slope, x)
    [Tensor(2.)]
    """
    if isinstance(outputs, Tensor):
        outputs, grad_outputs = [outputs], [grad_outputs]
    outputs, inputs = _tensors(outputs, "outputs"), _tensors(inputs, "inputs")
    wanted = [t._recorded("differentiate with respect to") for t in inputs]
    seeds = _seeds(outputs, [None] * len(outputs) if grad_outputs is None else grad_outputs, create_graph)
    order = leading_to(set(wanted), toposort(seeds))
    arrived = _walk(order, seeds, set(wanted), create_graph, release=not (retain_graph or create_graph))
    found: list[Tensor] = []
    handed: set[Node] = set()
    for node, tensor in zip(wanted, inputs, strict=True):
        g = arrived.get(node)
        if g is None:
            g = tensor_of(np.zeros_like(tensor.data), None)
        elif node in handed:
            g = tensor_of(g._value.copy(), g.node)
        handed.add(node)
        found.append(g)
    return found


def _tensors(given: Tensor | Iterable[Tensor], role: str) -> list[Tensor]:
    """One Tensor or several as a list."""
    tensors = [given] if isinstance(given, Tensor) else list(given)
    for t in tensors:
        if not isinstance(t, Tensor):
            raise DTypeError(f"gradients takes Tensors as its {role}, and was given {type(t).__name__}")
    return tensors


def edge_gradients(output: Tensor) -> dict[tuple[Node, int], Any]:
    """The gradient of a one-element Tensor along each edge of its graph: (node, number of its argument) -> array.

    For pictures: a large array comes as its outline. No `.grad` is touched and nothing is released. Raises `GraphError`
    if the graph was released before.
    """
    found: dict[tuple[Node, int], Any] = {}

    def note(node: Node, gradient: Any, _g: Any, _args: Any, i: int) -> None:
        if type(gradient) is not Parts:
            found[node, i] = outline(gradient)

    seeds = _seeds([output], [None], create_graph=False)
    _walk(toposort(seeds), seeds, set(), create_graph=False, release=False, watch=note)
    return found


def _seeds(outputs: Sequence[Tensor], grad_outputs: Sequence[Any], create_graph: bool) -> dict[Node, Any]:
    """The gradient that enters at the node of each output."""
    if len(outputs) != len(grad_outputs):
        raise ShapeError(f"there are {len(outputs)} outputs, and {len(grad_outputs)} gradients were given for them")
    seeds: dict[Node, Any] = {}
    for tensor, given in zip(outputs, grad_outputs, strict=True):
        node = tensor.node
        if node is None or not node.requires_grad:
            raise GraphError(
                f"no gradient can be computed from {called(tensor)}: nothing that it was made of requires grad "
                "(was it computed under no_grad, or detached, or are its inputs requires_grad=False?)"
            )
        if given is None and tensor.size != 1:
            raise ShapeError(
                f"{called(tensor)} has {tensor.size} elements: give the gradient that arrives at it, "
                "backward(gradient), or reduce it to one number first, t.sum().backward()"
            )
        g = _seed(tensor, given)
        g = g if create_graph else g._value[()] if g.ndim == 0 else g._value
        seeds[node] = total(seeds[node], g) if node in seeds else g
    return seeds


def _seed(tensor: Tensor, given: Any) -> Tensor:
    """The gradient given for one output, in its dtype, or a 1."""
    if given is None:
        return tensor_of(np.ones(tensor.shape, tensor.dtype), None)
    g: Tensor = given if type(given) is Tensor else Tensor(given)
    if g.shape != tensor.shape:
        raise ShapeError(f"the gradient for {called(tensor)} must have its shape {tensor.shape}, not {g.shape}")
    return g.astype(tensor.dtype, copy=False)


def _walk(
    order: list[Node],
    grads: dict[Node, Any],
    wanted: set[Node],
    create_graph: bool,
    *,
    release: bool,
    watch: Callable[[Node, Any, Any, Any, int], None] | None = None,
) -> dict[Node, Tensor]:
    """Pull the gradients `grads` back along `order`, and return those that arrive at the `wanted` nodes.

    Gradients are plain arrays or, with `create_graph`, Tensors. One that is the sum of several stands in an array of
    the engine's own (`made`), and only such a one is added to in place. A leaf keeps it, or an array that a rule made
    for the leaf alone (`fresh`), without a copy. `watch` is told of each gradient that goes along an edge.
    """
    refuse_changed(order)
    within = set(order)
    arrived: dict[Node, Any] = {}
    made: set[Node] = set()
    fresh: set[Node] = set()
    watch = watch or (watch_backward if MODE.get().anomaly else None)
    with enable_grad() if create_graph else nullcontext(), np.errstate(all="ignore"):
        try:
            for node in order:
                g = grads.pop(node, None)
                if g is None:
                    if release and type(node) is not Leaf:
                        node.release()
                    continue
                if node.notes is not None and (node.notes.hooks or type(g) is Parts):
                    g = _hooked(node, g)
                if node in wanted:
                    arrived[node] = g
                if type(node) is Leaf:
                    continue
                plan = node.plan
                kwargs = node.kwargs
                inputs = node.inputs
                value = node.value
                args = node.args
                if args is None:
                    refuse_released(node)
                if create_graph:
                    value, args = _recalled(node)
                rules = plan.rules if plan.joint is None else plan.deal(plan.joint(g, value, *args, **kwargs))
                for i, rule in rules:
                    parent = inputs[i]
                    if parent not in within:
                        continue
                    part = rule(g, value, *args, **kwargs)
                    like = args[i]
                    if (type(part) not in _SCALARS or type(part) is not type(like)) and (
                        type(part) is not ndarray or part.shape != like.shape or part.dtype is not like.dtype
                    ):
                        part = fitted(part if create_graph else bare(part), like, plan.op, i)
                    if watch is not None:
                        watch(node, part, g, args, i)
                    sum_so_far = grads.get(parent)
                    if sum_so_far is None:
                        grads[parent] = part
                        if type(parent) is Leaf and is_fresh(part, g, value, *args, *kwargs.values()):
                            fresh.add(parent)
                    elif parent in made:
                        sum_so_far += part
                    else:
                        grads[parent] = sum_so_far = total(sum_so_far, part)
                        if type(sum_so_far) is ndarray and not create_graph:
                            made.add(parent)
                if release:
                    node.args = None
                    if plan.reads_ans:
                        node.value = outline(value)
        except BaseException as error:
            if release:
                for spent in order:
                    if type(spent) is not Leaf:
                        spent.release()
            if create_graph and isinstance(error, AnomalyError):
                raise in_backward(error, node) from None
            raise
        return _handed_out(arrived, made | fresh)


def _hooked(node: Node, g: Any) -> Any:
    """The gradient arriving at a node, as its hooks leave it."""
    if type(g) is Parts:
        return g.whole(node.value)
    for hook in node.noted().hooks:
        given = hook(g if type(g) is Tensor else tensor_of(g, None))
        if given is None:
            continue
        new_g = given if type(given) is Tensor else Tensor(given)
        if new_g.shape != node.value.shape:
            raise ShapeError(f"a hook returned shape {new_g.shape} for a gradient of shape {node.value.shape}")
        new_g = new_g.astype(node.value.dtype, copy=False)
        g = new_g if type(g) is Tensor else new_g._value
    return g


def _recalled(node: Node) -> tuple[Any, Sequence[Any]]:
    """A node's result and arguments as Tensors that are joined to the graph."""
    plan = node.plan
    value = results(node.value, node, MODE.get()) if plan.reads_ans else node.value
    args = [
        tensor_of(arg, parent) if read and isinstance(parent, Node) else arg
        for arg, parent, read in zip(node.args, node.inputs, plan.reads, strict=False)
    ]
    if plan.op.saved is not None:
        args.append(plan.op.saved(*args, **node.kwargs))
    return value, args


def _handed_out(arrived: dict[Node, Any], ours: set[Node]) -> dict[Node, Tensor]:
    """The gradients as Tensors, each in memory of its own; those of `ours` that are leaves own theirs already."""
    handed: dict[Node, Tensor] = {}
    given: set[int] = set()
    for node, g in arrived.items():
        if type(g) is Tensor:
            handed[node] = tensor_of(g._value.copy(), g.node)
            continue
        kept = type(node) is Leaf and node in ours and not node.noted().hooks and id(g) not in given
        if not (kept and type(g) is ndarray and g.dtype == node.value.dtype):
            g = g.astype(node.value.dtype) if is_duck(g) else np.array(g, node.value.dtype)
        given.add(id(g))
        handed[node] = tensor_of(g, None)
    return handed

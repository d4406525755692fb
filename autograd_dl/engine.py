"""The engine: how gradients come back along what was recorded.

`backward` and `gradients` are two ways to ask for them, `_walk` is the walk that both take. What an op does and what
its derivative is stands in the table (`table`, `ops`): no op is known here by name. How an op is recorded stands in
`recording`, what a recorded graph is in `graph`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import nullcontext
from sys import getrefcount
from typing import Any

import numpy as np
from numpy import ndarray

from .anomaly import in_backward, watch_backward, watch_forward, watch_sum
from .errors import AnomalyError, DTypeError, GraphError, RuleError, ShapeError
from .forks import in_child
from .graph import Leaf as Leaf
from .graph import Node as Node
from .graph import as_far_as, leading_to, leads_to, refuse_changed, refuse_released
from .graph import toposort as toposort
from .mode import current_mode
from .mode import detect_anomaly as detect_anomaly
from .mode import enable_grad as enable_grad
from .mode import is_grad_enabled as is_grad_enabled
from .mode import no_grad as no_grad
from .mode import scope as scope
from .pullback import Parts, Placed, fitted, gradient_dtype, settled, total
from .recording import apply as apply
from .recording import results
from .table import NOT_KEPT, SCALARS, Outline, outline
from .tensor import Tensor as Tensor
from .tensor import bare, called, tensor_of
from .values import as_value, is_duck

ADDED_TO = SCALARS | {ndarray}
"""Types of sums that further gradients are added to; other libraries' arrays may not change in place."""

IN_WALK = 3
"""What `getrefcount` says of a gradient that nobody but the walk refers to: `grads`, `g` in `_owned`, its own argument.

(The argument must come from the dict: since Python 3.14, a call only borrows what a variable holds.)
"""

BACK = "raised on the way back through"
"""How the note at an error begins that names the op in whose rule it was raised."""

AS_IT_IS = nullcontext()
"""Leaves it to the user whether the way back is recorded: it has plain arrays, and nothing to record."""

GradientWatch = Callable[[Node, Any, Any, Any, int], None]
"""Is told of a gradient on its way: the node, the gradient, what arrived there, the arguments, and which of them."""

_grad_lock = threading.RLock()
in_child(lambda: globals().update(_grad_lock=threading.RLock()))


def backward(
    outputs: Sequence[Tensor],
    grad_outputs: Sequence[Any],
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> None:
    """Add to `.grad` of each leaf the gradient of `outputs`, weighted by `grad_outputs`. See `Tensor.backward`."""
    with enable_grad() if create_graph else AS_IT_IS:
        seeds = _seeds(outputs, grad_outputs, create_graph)
        order = toposort(seeds)
        tensors = {n: tensor for n in order if n.notes and (tensor := n.tensor) is not None and n.requires_grad}
        arrived = _walk(order, seeds, tensors, create_graph, release=not (retain_graph or create_graph))
        with _grad_lock:
            given = [(tensor, g) for tensor, g in zip(tensors.values(), arrived, strict=True) if g is not None]
            sums = [g if tensor.grad is None else _added(tensor.grad, g, create_graph) for tensor, g in given]
            for (tensor, _), whole in zip(given, sums, strict=True):
                tensor._grad = whole


def _added(before: Tensor, g: Tensor, create_graph: bool) -> Tensor:
    """The gradient that a Tensor has already, plus `g`."""
    if create_graph:
        return (before + g).astype(g.dtype, copy=False)
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
        If an input does not require grad, or an output depends on nothing that does; if the graph was released, or what
        it read has changed.
    ShapeError
        If `grad_outputs` is left out for an output of several elements, or has another shape.
    DTypeError
        If an output or an input is no Tensor.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (slope,) = gradients(x * x, x, create_graph=True)
    >>> gradients(slope, x)
    [Tensor(2.)]
    """
    if isinstance(outputs, Tensor):
        outputs, grad_outputs = [outputs], [grad_outputs]
    return _gradients(outputs, inputs, grad_outputs, create_graph, retain_graph)


def gradients_of_part(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Sequence[Any],
    *,
    beside: Sequence[Tensor],
    create_graph: bool,
) -> list[Tensor]:
    """`gradients` of a part of a larger graph, which is let go. It ends at the inputs, also where one leads to another.

    The hooks of those `beside` them, to which more may come from the rest of the graph, do not run.
    """
    return _gradients(outputs, inputs, grad_outputs, create_graph, retain_graph=False, silent={t.node for t in beside})


def _gradients(
    outputs: Iterable[Tensor],
    inputs: Tensor | Iterable[Tensor],
    grad_outputs: Any,
    create_graph: bool,
    retain_graph: bool,
    silent: Collection[Node | None] | None = None,
) -> list[Tensor]:
    outputs = _tensors(outputs, "outputs")
    inputs = _tensors(inputs, "inputs")
    wanted = [t._recorded("differentiate with respect to") for t in inputs]
    with enable_grad() if create_graph else AS_IT_IS:
        seeds = _seeds(outputs, [None] * len(outputs) if grad_outputs is None else grad_outputs, create_graph)
        everything = toposort(seeds) if silent is None else as_far_as(set(wanted), toposort(seeds), seeds)
        order = leading_to(set(wanted), everything)
        within = None if order is everything else set(order)
        release = not (retain_graph or create_graph)
        arrived = _walk(order, seeds, wanted, create_graph, release=release, within=within, silent=silent)
    return [
        tensor_of(np.zeros_like(tensor.data), None) if g is None else g
        for tensor, g in zip(inputs, arrived, strict=True)
    ]


def _tensors(given: Tensor | Iterable[Tensor], role: str) -> list[Tensor]:
    """One Tensor or several as a list."""
    if not hasattr(given, "__iter__"):
        raise DTypeError(f"gradients takes Tensors as its {role}, and was given {type(given).__name__}")
    tensors = [given] if isinstance(given, Tensor) else list(given)
    for kind in map(type, tensors):
        if kind is not Tensor:
            raise DTypeError(f"gradients takes Tensors as its {role}, and was given {kind.__name__}")
    return tensors


def watch_gradients(output: Tensor, watch: GradientWatch) -> None:
    """Walk back from a one-element Tensor, and tell `watch` of each gradient that goes along an edge.

    No `.grad` is touched and nothing is released. Raises `GraphError` if the graph was released before.
    """
    seeds = _seeds([output], [None], create_graph=False)
    _walk(toposort(seeds), seeds, (), create_graph=False, release=False, watch=watch)


def _seeds(outputs: Sequence[Tensor], grad_outputs: Sequence[Any], create_graph: bool) -> dict[Node, Any]:
    """The gradient that enters at the node of each output."""
    try:
        count = len(grad_outputs)
    except TypeError:
        came = type(grad_outputs).__name__
        raise ShapeError(f"grad_outputs must be a list of {len(outputs)}, as outputs is, not one {came}") from None
    if len(outputs) != count:
        raise ShapeError(f"there are {len(outputs)} outputs, and {count} gradients were given for them")
    seeds: dict[Node, Any] = {}
    for tensor, given in zip(outputs, grad_outputs, strict=True):
        node = tensor.node
        if node is None or not node.requires_grad:
            raise GraphError(
                f"no gradient can be computed from {called(tensor)}: nothing that it was made of requires grad "
                "(was it computed under no_grad, or detached, or are its inputs requires_grad=False?)"
            )
        if given is None:
            g = tensor_of(_one(tensor), None) if create_graph else _one(tensor)
        else:
            g = _fitting(given, tensor)
            g = g if create_graph else g._value[()] if g.ndim == 0 else g._value
        seeds[node] = total(seeds[node], g) if node in seeds else g
    return {node: settled(g, node.value) for node, g in seeds.items()}


def _one(tensor: Tensor) -> Any:
    """A 1 of the shape and dtype of an output of one element."""
    value = tensor._value
    if value.size != 1:
        raise ShapeError(
            f"{called(tensor)} has {value.size} elements: give the gradient that arrives at it, "
            "backward(gradient), or reduce it to one number first, t.sum().backward()"
        )
    return np.ones(value.shape, value.dtype) if value.ndim else value.dtype.type(1)


def _fitting(given: Any, tensor: Tensor) -> Tensor:
    """The gradient given for an output, in its dtype."""
    g: Tensor = given if type(given) is Tensor else Tensor(given)
    if g.shape != tensor.shape:
        raise ShapeError(f"the gradient for {called(tensor)} must have its shape {tensor.shape}, not {g.shape}")
    return g.astype(gradient_dtype(tensor, g), copy=False)


def _walk(
    order: list[Node],
    grads: dict[Node, Any],
    wanted: Collection[Node],
    create_graph: bool,
    *,
    release: bool,
    within: set[Node] | None = None,
    watch: GradientWatch | None = None,
    silent: Collection[Node | None] | None = None,
) -> list[Tensor | None]:
    """Pull the gradients `grads` back along `order`, and return what arrives at each of the `wanted` nodes.

    Where `order` is only a part of the graph, `within` holds its nodes: no gradient goes to another, and a wanted node
    that leads to none of them stays as it is. `watch` is told of each gradient that goes along an edge. For a part of a
    larger graph, which ends at the wanted nodes, `silent` has the nodes whose hooks do not run. If a rule fails, the
    graph is released all the same.
    """
    if silent is not None:
        ends = set(wanted)
    else:
        ends = set() if within is None else {node for node in wanted if not leads_to(node, within)}
    through = [node for node in order if node not in ends] if ends else order
    refuse_changed(through)
    watch = watch or (watch_backward if watch_forward in current_mode().watches else None)
    try:
        _pulled(order, grads, set(wanted), create_graph, release, within, ends, watch, silent or ())
    except BaseException:
        if release:
            for spent in through:
                if type(spent) is not Leaf:
                    spent.release()
        raise
    return _owned(grads, wanted)


@np.errstate(all="ignore")
def _pulled(
    order: list[Node],
    grads: dict[Node, Any],
    wanted: set[Node],
    create_graph: bool,
    release: bool,
    within: set[Node] | None,
    ends: set[Node],
    watch: GradientWatch | None,
    silent: Collection[Node | None],
) -> None:
    """The walk itself. Gradients are plain arrays or, with `create_graph`, Tensors.

    When it is done, `grads` has those of the `wanted` nodes; the others leave it as their node is pulled.
    One that is the sum of several is the engine's own: `sums` says of which nodes, and whether more can be added to it
    in place. (What arrives in `Parts` is such a sum, too.)
    """
    sums: dict[Node, bool] = {}
    for node in order:
        notes = node.notes
        if node in sums or (notes is not None and notes.hooks):
            grads[node] = _arrived(node, grads[node], node in sums, watch, node not in silent)
        if type(node) is Leaf or node in ends:
            if node not in wanted:
                del grads[node]
            continue
        g = grads[node] if node in wanted else grads.pop(node)
        plan = node.plan
        kwargs = node.kwargs
        inputs = node.inputs
        value = node.value
        args = node.args
        if args is None:
            refuse_released(node)
        if create_graph:
            value, args = _recalled(node)
        is_pair = plan.is_pair and not kwargs  # as most ops, whose rules are called three times faster so
        try:
            joint = plan.joint
            given = plan.rules if joint is None else plan.dealt(joint(g, value, *args, **kwargs))
            for i, rule in given:
                parent = inputs[i]
                if within is not None and parent not in within:
                    continue
                if is_pair:
                    part = rule(g, value, args[0], args[1])
                else:
                    part = rule(g, value, *args, **kwargs) if joint is None else rule  # it was called already
                like = args[i]
                if type(part) is ndarray:
                    if part.shape != like.shape or part.dtype is not like.dtype:
                        part = fitted(part, like, plan.op, i)
                elif type(part) is Placed and watch is None and sums.get(parent):
                    part.add_to(grads[parent])
                    continue
                elif type(part) is not type(like) or type(part) not in SCALARS:
                    part = fitted(part if create_graph else bare(part), like, plan.op, i)
                    if type(part) is Parts:
                        sums.setdefault(parent, False)
                if watch is not None:
                    watch(node, part, g, args, i)
                if parent not in grads:
                    grads[parent] = part
                elif sums.get(parent):
                    grads[parent] += part
                else:
                    grads[parent] = total(grads[parent], part)
                    kind = type(grads[parent])
                    sums[parent] = kind is Parts or (kind in ADDED_TO and not create_graph)
        except AnomalyError as error:
            raise in_backward(error, node) from error.__cause__
        except Exception as error:
            if not isinstance(error, RuleError) or str(error) == NOT_KEPT:  # others name their op
                error.add_note(f"({BACK} {plan.op.title})")
            if isinstance(error, AttributeError) and type(error.obj) is Outline:
                error.add_note(NOT_KEPT)
            raise
        if release:
            node.args = None
            if plan.reads_ans:
                node.value = outline(value)


def _arrived(node: Node, g: Any, is_sum: bool, watch: GradientWatch | None, hooks: bool) -> Any:
    """The whole gradient at a node: a sum in the value's dtype, watched; then as its hooks, if they run, leave it."""
    if is_sum:
        g = settled(g, node.value)
        if watch is watch_backward:
            watch_sum(node, g)
    return _hooked(node, g) if hooks and node.notes is not None else g


def _hooked(node: Node, g: Any) -> Any:
    """The gradient arriving at a node, as its hooks leave it. They see it read-only: others may get the same array."""
    for hook in node.noted().hooks:
        given = hook(tensor_of(g._value, g.node) if type(g) is Tensor else tensor_of(g, None).detach())
        if given is None:
            continue
        new_g = given if type(given) is Tensor else Tensor(given)
        if new_g.shape != node.value.shape:
            raise ShapeError(f"a hook returned shape {new_g.shape} for a gradient of shape {node.value.shape}")
        new_g = new_g.astype(gradient_dtype(node.value, new_g), copy=False)
        g = new_g if type(g) is Tensor else new_g._value
    return g


def _recalled(node: Node) -> tuple[Any, Sequence[Any]]:
    """A node's result and arguments as Tensors that are joined to the graph; of what its rules do not read, outlines.

    (The values of that, which small ones still have, would count as constants.)
    """
    plan = node.plan
    value = results(node.value, node, current_mode()) if plan.reads_ans else _unread(node.value)
    args = [
        (tensor_of(arg, parent) if read else _unread(arg)) if isinstance(parent, Node) else arg
        for arg, parent, read in zip(node.args, node.inputs, plan.reads, strict=False)
    ]
    if plan.op.saved is not None:
        args.append(plan.op.saved(*args, **node.kwargs))
    return value, args


def _unread(value: Any) -> Any:
    return tuple(map(_unread, value)) if isinstance(value, tuple) else Outline(value.shape, value.dtype)


def _owned(grads: dict[Node, Any], wanted: Iterable[Node]) -> list[Tensor | None]:
    """The gradient that arrived at each wanted node, as a Tensor in memory of its own."""
    owned: list[Tensor | None] = []
    for node in wanted:
        g = grads.get(node)
        if type(g) is ndarray and g.base is None and getrefcount(grads[node]) == IN_WALK:  # it is so already
            owned.append(tensor_of(g, None))
        else:
            owned.append(None if g is None else _own(g))
    return owned


def _own(g: Any) -> Tensor:
    """A gradient as a Tensor in memory of its own."""
    if type(g) is Tensor and type(g.node) is Leaf:
        return +g
    if type(g) is Tensor:
        return tensor_of(g._value.copy(), g.node)
    return tensor_of(g.copy() if type(g) is ndarray or is_duck(g) else np.array(g), None)

"""How an op is recorded: its values are computed, and a node keeps what the way back will need."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
from numpy import ndarray

from .errors import DTypeError, OutOfBoundsError, RuleError, ShapeError, UnsupportedError
from .graph import Leaf, Node, new, next_number, no_kwargs, note_read
from .mode import Mode, current_mode
from .pullback import Parts
from .table import SCALARS, Op, Outline, Plan, outline
from .tensor import Tensor, tensor_of
from .values import as_value, has_dtype

MANY = 4
"""Arrays of a list that a message describes."""
KINDS: dict[type[Exception], type[Exception]] = {
    np.linalg.LinAlgError: np.linalg.LinAlgError,
    IndexError: OutOfBoundsError,
    ValueError: ShapeError,
    TypeError: DTypeError,
}
"""What NumPy raises for arguments that do not fit, and of which kind it becomes here: as the first that fits says."""
REFUSALS = tuple(KINDS)


def apply(op: Op, args: Sequence[Any], kwargs: dict[str, Any] = no_kwargs) -> Any:
    """Compute an op on the values of its arguments, and record it if one of them needs a gradient.

    Returns a Tensor, or a tuple of Tensors where NumPy returns a tuple. Raises what NumPy raises, with the op and its
    arguments named.
    """
    values: list[Any] = []
    nodes: list[Node | None] = []
    need, bit = 0, 1
    for a in args:
        if type(a) is Tensor:
            value, node = a._value, a.node
            if node is not None:
                if type(node) is Leaf and value.ndim == 0:
                    value = value[()]
                if node.requires_grad:
                    need |= bit
        else:
            value, node = _constant(a, op), None
        values.append(value)
        nodes.append(node)
        bit <<= 1
    try:
        ans = op.raw(*values, **kwargs)
    except REFUSALS as error:
        _explain(error, op, args, kwargs)
        raise
    mode = current_mode()
    if op.saved is not None:
        ans, kept = ans
        values.append(kept)
    node = _record(op.plans[need | bit], mode, nodes, values, kwargs, ans) if need and mode.recording else None
    if mode.watches:
        _tell(mode, op, values[: len(args)], kwargs, ans, node)
    return results(ans, node, mode)


def _record(
    plan: Plan, mode: Mode, nodes: Sequence[Node | None], values: Sequence[Any], kwargs: dict[str, Any], ans: Any
) -> Node:
    """The node of an op that was computed just now. (`apply1` and `apply2` have the same, written out.)"""
    node = Node()
    node.plan = plan
    node.kwargs = kwargs
    node.value = ans if plan.reads_ans else outline(ans)
    node.number = next_number()
    node.scope = mode.scope
    node.notes = None
    # lists first: a tuple made of a generator is resized, which Python's free lists pay for with 64 bytes each time
    node.inputs = (*map(_input, values, nodes),)
    node.args = (*map(_argument, values, plan.reads),)
    for value in itertools.compress(values, plan.reads):
        if type(value) not in SCALARS:
            note_read(node, value)
    return node


def _input(value: Any, node: Node | None) -> Any:
    return outline(value) if node is None else node


def _argument(value: Any, read: bool) -> Any:
    return value if read else outline(value)


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
    except REFUSALS as error:
        _explain(error, op, (x,), kwargs)
        raise
    mode = current_mode()
    node = None
    if parent is not None and parent.requires_grad and mode.recording:
        plan = op.plans[0b11]
        (read,) = plan.reads
        node = Node()
        node.plan = plan
        node.inputs = (parent,)
        node.args = (value if read else _outlined(value, parent),)
        node.kwargs = kwargs
        node.value = ans if plan.reads_ans else outline(ans)
        node.number = next_number()
        node.scope = mode.scope
        node.notes = None
        if read and type(value) not in SCALARS:
            note_read(node, value)
    if mode.watches:
        _tell(mode, op, (value,), kwargs, ans, node)
    tensor: Tensor = new(Tensor)
    tensor._value = ans
    tensor.node = node
    tensor._grad = None
    return tensor


def apply2(op: Op, x: Any, y: Any) -> Any:
    """`apply` for two arguments, the short way."""
    need = 0b100
    node0 = node1 = None
    if type(x) is Tensor:
        value0 = x._value
        node0 = x.node
        if type(node0) is Leaf:
            if value0.ndim == 0:
                value0 = value0[()]
            if node0.requires_grad:
                need = 0b101
        elif node0 is not None:
            need = 0b101
    else:
        value0 = x if type(x) in SCALARS else _constant(x, op)
    if type(y) is Tensor:
        value1 = y._value
        node1 = y.node
        if type(node1) is Leaf:
            if value1.ndim == 0:
                value1 = value1[()]
            if node1.requires_grad:
                need |= 0b010
        elif node1 is not None:
            need |= 0b010
    else:
        value1 = y if type(y) in SCALARS else _constant(y, op)
    try:
        ans = op.raw(value0, value1)
    except REFUSALS as error:
        _explain(error, op, (x, y))
        raise
    mode = current_mode()
    node = None
    if need != 0b100 and mode.recording:
        plan = op.plans[need]
        node = Node()
        node.plan = plan
        node.kwargs = no_kwargs
        node.number = next_number()
        node.scope = mode.scope
        node.notes = None
        if op.is_ufunc and type(value0) in SCALARS and type(value1) in SCALARS:  # the result is one, too
            node.inputs = (value0 if node0 is None else node0, value1 if node1 is None else node1)
            node.args = (value0, value1)
            node.value = ans
        else:
            read0, read1 = plan.reads
            node.inputs = (outline(value0) if node0 is None else node0, outline(value1) if node1 is None else node1)
            node.args = (
                value0 if read0 else _outlined(value0, node0),
                value1 if read1 else _outlined(value1, node1),
            )
            node.value = ans if plan.reads_ans else outline(ans)
            if read0 and type(value0) not in SCALARS:
                note_read(node, value0)
            if read1 and type(value1) not in SCALARS:
                note_read(node, value1)
    if mode.watches:
        _tell(mode, op, (value0, value1), no_kwargs, ans, node)
    tensor: Tensor = new(Tensor)
    tensor._value = ans
    tensor.node = node
    tensor._grad = None
    return tensor


def _outlined(value: Any, node: Node | None) -> Any:
    """The outline of an argument, which its node may have already."""
    return node.value if node is not None and type(node.value) is Outline else outline(value)


def _tell(mode: Mode, op: Op, values: Sequence[Any], kwargs: dict[str, Any], ans: Any, node: Node | None) -> None:
    """Tell those who watch that an op was computed."""
    for watch in mode.watches:
        watch(op, values, kwargs, ans, node)


def has_tensor(value: Any) -> bool:
    """Whether it is a Tensor, or a list, tuple or dict that holds one."""
    if isinstance(value, dict):
        return any(map(has_tensor, value.values()))
    return type(value) is Tensor or (isinstance(value, (tuple, list)) and any(map(has_tensor, value)))


def _constant(argument: Any, op: Op) -> Any:
    """An argument that is no Tensor, as NumPy takes it: numbers as they are, for a ufunc all else as an array."""
    if type(argument) in SCALARS:
        return argument
    if type(argument) is not ndarray:
        if has_tensor(argument):
            raise UnsupportedError(f"{op.title}: a Tensor inside a list would get no gradient; join them with np.stack")
        if not op.broadcasts or argument is None or type(argument) is str:
            return argument
    try:
        return as_value(argument)
    except DTypeError as error:
        raise DTypeError(f"{op.title}: {error}") from None


def _explain(error: Exception, op: Op, args: Sequence[Any], kwargs: dict[str, Any] = no_kwargs) -> None:
    """Raise NumPy's error with the op and its arguments named, unless it is one that speaks for itself."""
    if is_plain(error):
        raise named(error, op.title, args, kwargs) from error


def is_plain(error: Exception) -> bool:
    """Whether it is an error of NumPy or Python, or what it became here, and not one that somebody has worded."""
    return hasattr(error, "said") or type(error).__module__.partition(".")[0] in ("builtins", "numpy")


def named(error: Any, title: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Exception:
    """NumPy's error, or what it became in another op, with the function and its arguments named."""
    said = getattr(error, "said", str(error))
    if said.endswith("float16 is unsupported in linalg"):
        said = f"it takes no float16, as in NumPy; write a.astype(np.float32) ({said})"
    given = [*map(_described, args), *(f"{name}={_described(value)}" for name, value in kwargs.items())]
    kind = next(own for general, own in KINDS.items() if isinstance(error, general))
    worded: Any = kind(f"{title}({', '.join(given)}): {said}")
    worded.said = said
    return cast(Exception, worded)


def _described(argument: Any) -> str:
    if has_dtype(argument):
        name = f"{argument.name!r}: " if type(argument) is Tensor and argument.name else ""
        return f"{name}{argument.dtype} {argument.shape}"
    if isinstance(argument, (tuple, list)) and _holds_arrays(argument):
        return f"[{', '.join([*map(_described, argument[:MANY]), *(['...'] if len(argument) > MANY else [])])}]"
    text = repr(argument)
    return text if len(text) <= 40 else type(argument).__name__


def _holds_arrays(values: Sequence[Any]) -> bool:
    return any(has_dtype(v) or (isinstance(v, (tuple, list)) and _holds_arrays(v)) for v in values)


_ITEM = Op(operator.getitem, operator.getitem)
_ITEM.rules = (lambda g, _ans, _results, i: Parts({i: g}), None)


def is_array(value: Any) -> bool:
    """Whether it is an array, of whatever library, or a number of NumPy's, and no Tensor."""
    return has_dtype(value) and type(value) is not Tensor


def results(ans: Any, node: Node | None, mode: Mode) -> Any:
    """The Tensor of a result, or a Tensor for each of several, in the kind of tuple that NumPy returned."""
    if is_array(ans):
        return tensor_of(ans, node)
    arrays = _of_numpy(ans)
    if arrays is not ans:
        if node is not None:
            node.value = arrays if node.plan.reads_ans else outline(arrays)
        return results(arrays, node, mode)
    for result in ans if isinstance(ans, tuple) else (ans,):
        if not is_array(result):
            raise RuleError(_no_array(result, "a primitive" if node is None else node.plan.op.title))
    return tuple_like(ans, map(tensor_of, ans, [None] * len(ans) if node is None else _items(node, ans, mode)))


def _no_array(result: Any, name: str) -> str:
    told = f"{name} must return an array, a number or a tuple of them; it returned {type(result).__name__}"
    if type(result) is not Tensor:
        return told
    return (
        f"{told}: it computes with a Tensor that is none of its arguments, which would get no gradient; "
        "pass that in as an argument, or read t.numpy()"
    )


NUMBERS = {float, int, bool}


def _of_numpy(ans: Any) -> Any:
    """Python's numbers, also among several results, as the NumPy scalars that they are; anything else as it is."""
    if type(ans) in NUMBERS:
        return np.asarray(ans)[()]
    if isinstance(ans, tuple) and not NUMBERS.isdisjoint(map(type, ans)):
        return tuple_like(ans, map(_of_numpy, ans))
    return ans


def tuple_like(like: Any, parts: Iterable[Any]) -> Any:
    """The parts in a tuple of that kind, which may have named fields."""
    return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)


def _items(node: Node, ans: tuple[Any, ...], mode: Mode) -> list[Node]:
    """For each result of an op that has several, the node that takes it from the op's own node."""
    outlined = outline(ans)  # which all share: one for each would be as many as they are, squared
    items = []
    for i, result in enumerate(ans):
        item = _record(_ITEM.plans[0b101], mode, (node, None), (None, i), no_kwargs, result)
        item.args = (outlined, i)
        items.append(item)
    return items

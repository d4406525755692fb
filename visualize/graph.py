"""What pictures ask of a recorded graph: its nodes in order, which arguments are operands, and which op it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from autograd_dl.engine import Node, Tensor
from autograd_dl.errors import DTypeError
from autograd_dl.table import Op, is_numpys_function

from .text import is_quantity


def check_tensor(output: Any, function: str) -> None:
    """Raise `DTypeError`, which names the function, for what is no Tensor."""
    if not isinstance(output, Tensor):
        raise DTypeError(f"{function} takes a Tensor, not {type(output).__name__}")


def ordered(roots: Sequence[Node]) -> list[Node]:
    """All nodes of the graph, constants' leaves too, in the order in which they were recorded."""
    seen, stack = set(roots), list(roots)
    while stack:
        for parent in stack.pop().inputs:
            if isinstance(parent, Node) and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.number)


def is_operand(node: Node, i: int) -> bool:
    """Whether an argument is a value that flows into the op, and not a setting of it: an axis, a shape, an index."""
    value, op = node.inputs[i], node.plan.op
    if isinstance(value, Node):
        return True
    if not is_quantity(value):
        return False
    has_rule = op.each is not None or (i < len(op.rules) and op.rules[i] is not None)
    return has_rule or (getattr(value, "ndim", 0) > 0 and op.name != "getitem")


def settings_of(node: Node, operands: Collection[int]) -> tuple[list[Any], dict[str, Any]]:
    """What an op was given beside its operands and keywords: numbers by the names of its arguments, and the rest."""
    op = node.plan.op
    is_index = op.name == "getitem"
    names = [] if is_index or op.signature is None else list(op.signature.parameters)
    settings, named = [], {}
    for i, value in enumerate(node.inputs):
        if i in operands:
            continue
        if isinstance(value, (int, float)) and i < len(names):
            named[names[i]] = value
        elif is_index or not _has_arrays(value):
            settings.append(value)
    return settings, named


def _has_arrays(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and any(hasattr(part, "dtype") for part in value)


def known_name(op: Op) -> str:
    """The name by which formulas of an op are found; none of a user's own, which may have the name of another."""
    is_ours = str(getattr(op.fun, "__module__", "")).startswith("autograd_dl.")
    return op.name if is_ours or is_numpys_function(op.fun) else ""

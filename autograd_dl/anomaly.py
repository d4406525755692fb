"""What `detect_anomaly` does: find the first op whose result, or whose gradient, is not finite."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import AnomalyError
from .table import Outline
from .values import is_duck

_BACKWARD = "the backward pass of"
_OURS = tuple(os.path.dirname(os.path.abspath(f)) + os.sep for f in (__file__, np.__file__))


class Line(NamedTuple):
    """A line of a program: where it is and, which is read only where the line is told, what stands there."""

    file: str
    number: int
    function: str

    @property
    def place(self) -> str:
        """Where it is."""
        return f"{self.file}:{self.number}, in {self.function}"

    def __str__(self) -> str:
        linecache.checkcache(self.file)
        return f"{self.place}\n    {linecache.getline(self.file, self.number).strip()}".rstrip()


def user_line() -> Line:
    """Where the user's program is: the innermost line outside this package and NumPy."""
    frame = sys._getframe(1)
    while frame.f_back is not None and os.path.abspath(frame.f_code.co_filename).startswith(_OURS):
        frame = frame.f_back
    return Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def watch_forward(op: Any, values: Sequence[Any], _kwargs: Any, ans: Any, node: Any) -> None:
    """Raise if a result is not finite; else note on its node where the program recorded it."""
    line = user_line()
    fault = _fault(ans)
    if fault:
        given = [f"argument {i} has {bad}" for i, value in enumerate(values) if (bad := _fault(value))]
        made = f"{op.title} was given what is not finite, {', '.join(given)}, and" if given else op.title
        raise AnomalyError(f"{made} made {fault}\n  at {line}\n{_operands(values)}")
    if node is not None:
        node.noted().line = line


def note_line(_op: Any, _values: Any, _kwargs: Any, _ans: Any, node: Any) -> None:
    """Note on a node where the program recorded it, whatever its result."""
    if node is not None:
        node.noted().line = user_line()


def watch_backward(node: Any, gradient: Any, arriving: Any, values: Sequence[Any], i: int) -> None:
    """Raise if the gradient that `node` sends to its argument `i` is not finite."""
    fault = _fault(gradient)
    if fault:
        where = node.notes and node.notes.line
        line = f"recorded at {where}" if where else "recorded outside detect_anomaly(); run the forward pass in it too"
        raise AnomalyError(
            f"{_BACKWARD} {node.op.title} made {fault} in the gradient of argument {i}\n  {line}\n"
            f"  arriving gradient: {_range(arriving)}\n{_operands(values)}"
        )


def watch_sum(node: Any, gradient: Any) -> None:
    """Raise if the gradients that arrive at `node` from several ops are finite and their sum is not."""
    fault = _fault(gradient)
    if fault:
        where = node.called if node.op is None else f"the result of {node.op.title}"
        raise AnomalyError(f"the sum of the gradients that arrive at {where} has {fault}")


def in_backward(error: AnomalyError, node: Any) -> AnomalyError:
    """The error of an op that the rule of `node` called, worded as that rule's fault.

    (A rule may record ops, with `create_graph`; a checkpoint runs again.)
    """
    text = str(error)
    if text.startswith(_BACKWARD):
        return error
    where = (node.notes and node.notes.line) or "a line outside detect_anomaly()"
    return AnomalyError(f"{_BACKWARD} {node.op.title}, recorded at {where}\n{text}")


def _fault(values: Any) -> str:
    if isinstance(values, tuple):
        return next(filter(None, map(_fault, values)), "")
    if not hasattr(values, "dtype") and not isinstance(values, float):
        return ""
    array = np.asarray(getattr(values, "_value", values))
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    nans, infinities = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    counts = [f"{n} {what}" for n, what in ((nans, "NaN"), (infinities, "infinite")) if n]
    return f"{' and '.join(counts)} of {array.size} numbers"


def _operands(values: Sequence[Any]) -> str:
    return "\n".join(f"  argument {i}: {_range(v)}" for i, v in enumerate(values))


def _range(value: Any) -> str:
    value = getattr(value, "_value", value)
    if type(value) is Outline:
        return f"shape {value.shape}, no longer held"
    if not isinstance(value, (np.ndarray, np.generic)) and not is_duck(value):
        return repr(value)
    if value.size == 0:
        return f"{value.dtype} {value.shape}, empty"
    finite = value[np.isfinite(value)]
    ends = f"{np.min(finite)} to {np.max(finite)}" if finite.size else ""
    return ", ".join(filter(None, [f"{value.dtype} {value.shape}", ends, _fault(value)]))

"""A graph as text, for a terminal: a tree from the output down to the leaves."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import NamedTuple

from autograd_dl import Tensor
from autograd_dl.values import is_size

from .graph import check_tensor
from .text import visible
from .trace import Line, Trace, trace

DEEPEST = 12
"""Levels of a tree; what lies deeper has a tree of its own."""
LONGEST = 40
"""Places of the terminal that a name may take."""
IN_ASCII = {"│": "|", "├": "|", "└": "`", "─": "-", "×": "*", "−": "-", "…": "..."}


def to_text(output: Tensor, *, most: int = 100) -> str:
    """The graph of `output` as a tree of text, with the value of each op and, where it is known, the gradient.

    What several ops read, or lies very deep, is named by a number, and has a tree of its own below. At most `most`
    lines are written, and one that tells how much was left out. What the terminal's encoding lacks is put in ASCII.
    Raises `DTypeError` if `output` is no Tensor, and ValueError if `most` is no whole number of 1 or more.

    >>> x, y = Tensor(1.0, requires_grad=True, name="x"), Tensor(2.0, requires_grad=True, name="y")
    >>> t = x + y
    >>> print(to_text(t * t * x))
              value  gradient
    ×             9         1
    ├─ ×          9         1
    │  ├─ #1      3         3
    │  └─ #1      3         3
    └─ x          1         9
    #1 = +        3
    ├─ x          1         6
    └─ y          2         6
    """
    check_tensor(output, "to_text")
    if not is_size(most):
        raise ValueError(f"to_text: most is a whole number of lines, at least 1, not {most!r}")
    trees = _Trees(trace(output))
    lines = _aligned([_Row("", "value", "gradient"), *islice(trees.rows(), most)])
    left_out = len(trees.boxes) - len(trees.written)
    if left_out:
        more = f"… and {left_out:,} more nodes (to_text writes {most:,} lines; give it a larger `most`)"
        lines.append(_encodable(more))
    return "\n".join(lines)


class _Row(NamedTuple):
    label: str
    value: str
    gradient: str


class _Step(NamedTuple):
    """What is written next: where a line of the picture comes from, what stands before it, and before all below it."""

    line: Line
    level: int
    before: str
    below: str


class _Trees:
    """The trees of a picture, and which of its boxes have been written."""

    def __init__(self, picture: Trace) -> None:
        self.boxes = {box.id: box for box in picture.boxes}
        self.operands: dict[str, list[Line]] = defaultdict(list)
        self.grads: dict[str, str | None] = {}  # a Tensor's .grad has a line of its own, without a value
        for line in picture.lines:
            if line.value is None:
                self.grads[line.target] = line.gradient
                del self.boxes[line.source]
            else:
                self.operands[line.target].append(line)
        self.readers = Counter(line.source for lines in self.operands.values() for line in lines)
        self.numbers: dict[str, int] = {}
        self.written = {"out"}

    def rows(self) -> Iterator[_Row]:
        """The tree of the output, then those of what has a number instead."""
        name = self._label("out")
        trees = deque(_Step(line, 0, f"{name} = " if name else "", "") for line in self.operands["out"])
        if not trees:
            yield _Row("", name, "")  # nothing was recorded: the output is a value
        while trees:
            waiting = [trees.popleft()]
            while waiting:
                step = waiting.pop()
                source = step.line.source
                label, gradient = self._label(source), self.grads.get(source, step.line.gradient)
                if step.level and self._has_own_tree(source, step.level):
                    if source not in self.numbers:
                        self.numbers[source] = len(self.numbers) + 1
                        trees.append(_Step(step.line._replace(gradient=None), 0, f"#{self.numbers[source]} = ", ""))
                    label = f"#{self.numbers[source]}"
                else:
                    self.written.add(source)
                    waiting += reversed(self._operands(step))
                yield _Row(step.before + label, step.line.value or "", gradient or "")

    def _operands(self, step: _Step) -> list[_Step]:
        lines = self.operands[step.line.source]
        ends = ["├─ "] * (len(lines) - 1) + ["└─ "]
        return [
            _Step(line, step.level + 1, step.below + end, step.below + ("│  " if end == "├─ " else "   "))
            for line, end in zip(lines, ends, strict=False)
        ]

    def _has_own_tree(self, source: str, level: int) -> bool:
        """Whether it is told apart by a number: what is read twice and has no name, and what lies too deep."""
        kind = self.boxes[source].kind
        return (self.readers[source] > 1 and kind in ("op", "unnamed")) or (level >= DEEPEST and kind == "op")

    def _label(self, id: str) -> str:
        box = self.boxes[id]
        if box.kind == "unnamed" and id != "out":
            return "(no name)"
        return _shown(box.label)


def _shown(label: str) -> str:
    """A label as one line that a terminal may be given: no control characters, none that turn the writing around."""
    text = visible(" ".join(label.split()))
    if _width(text) <= LONGEST:
        return text
    fitting = sum(width < LONGEST for width in accumulate(map(_width, text)))
    return f"{text[:fitting]}…"


def _aligned(rows: Iterable[_Row]) -> list[str]:
    """The rows in columns; a gradient column that would be empty is left out."""
    labels, values, gradients = zip(*(map(_encodable, row) for row in rows), strict=True)
    numbers = [values, gradients] if any(gradients[1:]) else [values]
    columns = [
        [text + space for text, space in zip(labels, _spaces(labels), strict=True)],
        *([space + text for text, space in zip(column, _spaces(column), strict=True)] for column in numbers),
    ]
    return ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]


def _spaces(column: Sequence[str]) -> list[str]:
    """What each text lacks to be as wide as the widest."""
    widths = [_width(text) for text in column]
    return [" " * (max(widths) - width) for width in widths]


def _width(text: str) -> int:
    """How many places of a terminal it takes: Japanese letters take two, combining ones none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _encodable(text: str) -> str:
    """The text in what the terminal's encoding has."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = "".join(IN_ASCII.get(c, c) for c in text)
        return plain.encode(encoding, "backslashreplace").decode(encoding)
    return text

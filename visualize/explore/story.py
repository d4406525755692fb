"""A recorded program as the page tells it: its ops in order, what went into each, and what came back."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from autograd_dl import Tensor
from autograd_dl.engine import Leaf, Node, watch_gradients
from autograd_dl.errors import GraphError
from autograd_dl.pullback import Parts
from autograd_dl.table import outline

from ..derivatives import local_formula
from ..graph import is_operand, known_name, ordered, settings_of
from ..recalled import is_known, recalled
from ..rendering import RenderError
from ..text import cut, quantity, symbol, visible
from ..translation import translated
from .arrays import Sketch, sketch
from .formulas import equation, whole_formula, with_numbers, words

LARGEST = 50_000
"""Ops and leaves of a page, which then has some 50 MB, or 200 MB where they are arrays."""
CELLS = 400_000
"""Of all arrays together, how many cells the page holds, about."""
FEWEST, MOST = 64, 1600
"""Of one array."""
LONGEST = 10_000
"""Characters of a name."""
Story = dict[str, Any]
"""`nodes`, in the order of their ops, leaves and constants before the op that first reads them; `out`, the last one."""


def story(output: Tensor) -> Story:
    """The program that made `output`, with all values and gradients.

    Raises what `explore` raises.
    """
    root = output.node
    if root is None:
        raise GraphError("explore needs the result of a computation that was recorded; nothing has led to this Tensor")
    return _Teller(output, root).story


class _Teller:
    """Goes through a program twice, forward and backward, and then tells it."""

    def __init__(self, output: Tensor, root: Node) -> None:
        nodes = ordered([root])
        if len(nodes) > LARGEST:
            raise RenderError(
                f"a graph of {len(nodes):,} ops and leaves is too large for a page, which may have {LARGEST:,}; "
                "explore a part of it: an output of fewer steps, or layers"
            )
        self.cells = min(MOST, max(FEWEST, CELLS // (3 * len(nodes))))
        self.values: dict[Node, Sketch] = {}
        self.constants: dict[tuple[Node, int], Sketch] = {}
        self.operands: dict[Node, list[Any]] = {}
        self.results: dict[Node, Any] = {}
        self.edges: dict[tuple[Node, int], Sketch] = {}
        self.local: dict[tuple[Node, int], Sketch] = {}
        self.arrived: dict[Node, Sketch] = {root: sketch(np.ones(output.shape, output.dtype)[()], self.cells)}
        self.sums: dict[Node, Any] = {}
        self._look(output)
        watch_gradients(output, self._note)
        self.story: Story = {"nodes": []}
        self.numbers: dict[Node, int] = {}
        for node in nodes:
            if node is root or not isinstance(node, Leaf):
                self._tell(node)
        self.story["out"] = {"from": self.numbers[root], **_named(output.name or "")}

    def _look(self, output: Tensor) -> None:
        """Keep what the page shows of each value; of a large array no more than that."""
        for node, value, operands in recalled(output):
            self.values[node] = sketch(value, self.cells)
            self.results[node] = outline(value)
            self.operands[node] = [outline(operand) for operand in operands]
            for i, (parent, operand) in enumerate(zip(node.inputs, operands, strict=False)):
                if not isinstance(parent, Node) and is_operand(node, i):
                    self.constants[node, i] = sketch(operand, self.cells)

    def _note(self, node: Node, gradient: Any, g: Any, args: Any, i: int) -> None:
        """Keep what the page shows of a gradient on its way back."""
        self.arrived[node] = self.arrived.get(node) or sketch(g, self.cells)
        if type(gradient) is Parts:  # of one of several results, which it passes unchanged
            self.edges[node, i] = sketch(g, self.cells)
            return
        self.edges[node, i] = sketch(gradient, self.cells)
        parent = node.inputs[i]
        if isinstance(parent, Leaf):
            self.sums[parent] = self.sums[parent] + gradient if parent in self.sums else gradient
            self.arrived[parent] = sketch(self.sums[parent], self.cells)
        if local_formula(known_name(node.plan.op), i):
            with np.errstate(all="ignore"):
                slope = dict(node.plan.rules)[i](np.ones_like(g)[()], node.value, *args, **node.kwargs)
            self.local[node, i] = sketch(slope, self.cells)

    def _tell(self, node: Node) -> None:
        inputs = [self._input(node, i) for i in _operands(node)]
        self.numbers[node] = self._add({**self._known(node), "inputs": inputs})

    def _add(self, told: dict[str, Any]) -> int:
        self.story["nodes"].append(told)
        return len(self.story["nodes"]) - 1

    def _known(self, node: Node) -> dict[str, Any]:
        """What the page knows of a node, but for its inputs."""
        told: dict[str, Any] = {**_named(node.name or ""), "value": self.values[node]}
        if node in self.arrived:
            told["gradient"] = self.arrived[node]
        if node.notes is not None and node.notes.line:
            told["line"] = shown(node.notes.line.place.rpartition(os.sep)[2])  # the folder is no one's business
        if isinstance(node, Leaf):
            return told | {"kind": "leaf" if node.requires_grad else "given"}
        return told | self._op(node)

    def _op(self, node: Node) -> dict[str, Any]:
        op, result = node.plan.op, self.results[node]
        operands = [self.operands[node][i] for i in _operands(node)]
        given, named = settings_of(node, _operands(node))
        settings = [v for v in given if v is not None or op.name == "getitem"]
        named |= node.kwargs
        label = shown(symbol(op.name, settings, named))
        line = " ".join(label.split())
        told: dict[str, Any] = {"kind": "op", "op": op.name, "label": label, "scope": [*map(shown, node.scope)]}
        told["equation"] = f"{line}: {'; '.join(map(_written, operands))} → {_written(result)}"
        if all(map(_is_number, [*operands, result])):
            told["equation"] = equation(known_name(op), line, operands, result)
        if known_name(op) and not settings and not any(v is not None and v is not False for v in named.values()):
            told["plain"] = True
        return told

    def _input(self, node: Node, i: int) -> dict[str, Any]:
        """An operand of an op: where it comes from, and what goes back to it. Leaves and constants are told first."""
        parent = node.inputs[i]
        if not isinstance(parent, Node):
            told = {"kind": "constant", "name": "", "value": self.constants[node, i], "inputs": []}
            return {"from": self._add(told)}
        if parent not in self.numbers:
            self._tell(parent)
        formula = self._formula(node, i) if (node, i) in self.edges else {}
        return {"from": self.numbers[parent], **formula}

    def _formula(self, node: Node, i: int) -> dict[str, Any]:
        """What goes back to an argument, and how it comes about."""
        told: dict[str, Any] = {"gradient": self.edges[node, i]}
        name, result = known_name(node.plan.op), self.results[node]
        operands = [self.operands[node][k] for k in _operands(node)]
        are_numbers = all(map(_is_number, [*operands, result]))
        local = self.local.get((node, i))
        if are_numbers and name == "dot":
            name, local = "multiply", sketch(operands[1 - i], self.cells)
        if local is None:
            return told | {"whole": whole_formula(name, i), "words": words(name, i)}
        told |= {"symbols": local_formula(name, i), "local": local}
        if are_numbers and name in ("maximum", "minimum") and operands[0] == operands[1]:
            return told | {"symbols": "1/2"}
        return told | ({"numbers": with_numbers(name, i, operands, result)} if are_numbers else {})


def shown(text: str) -> str:
    """A name without characters that are not for reading, cut where it is beyond reading."""
    return visible(cut(text, LONGEST), kept="\n")


def _named(name: str) -> dict[str, Any]:
    """A name as it is and, of a well-known one, in the languages of the page."""
    names = {lang: translated(name, lang) for lang in ("en", "ja")}
    return {"name": shown(name), **({"names": names} if len(set(names.values())) > 1 else {})}


def _operands(node: Node) -> list[int]:
    return [i for i in range(len(node.inputs)) if is_operand(node, i)]


def _is_number(value: Any) -> bool:
    return is_known(value) and not isinstance(value, tuple) and getattr(value, "shape", ()) == ()


def _written(value: Any) -> str:
    return "?" if not is_known(value) and getattr(value, "shape", None) == () else quantity(value).replace("-", "−")

"""Values and gradients in symbols, as the book writes the chain rule: t = x + y, z = t², ∂z/∂z·∂z/∂t = 2t."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from autograd_dl.engine import Leaf, Node, Tensor

from .derivatives import ELEMENTWISE
from .language import translated
from .text import number, shape_of, symbol
from .trace import is_operand
from .words import NOTHING, Edge, Gradients

FORMULAS = {
    "add": "{} + {}", "subtract": "{} − {}", "multiply": "{}·{}", "divide": "{} / {}", "negative": "−{}",
    "square": "{}²", "dot": "{}·{}", "matmul": "{}·{}", "power": "{}^{}", "absolute": "|{}|", "sqrt": "√{}",
}  # fmt: skip
"""How what an op computes is written; that of any other, as a call."""
MATRIX = ("dot", "matmul")
SUPERSCRIPTS = {"2": "²", "3": "³"}
NAME, FACTORS, TERMS, RESULT = 20, 3, 3, 40
"""Characters of a name that stands as a symbol, factors of a product, terms of a sum, characters of what they make."""


class _Gradient(NamedTuple):
    """What arrives at a node: the product by the chain rule, with as many factors, and what that is, where known."""

    product: str
    factors: int
    result: str | None


def names_of(nodes: Sequence[Node], output: Tensor) -> dict[Node, str]:
    """A symbol for each node: its Tensor's name, or else x, y ... for a leaf, t, t1 ... for an op, z for the output."""
    names = {node: node.name for node in nodes if node.name and len(node.name) <= NAME and "\n" not in node.name}
    taken = set(names.values())
    inner = [node for node in nodes if node not in names and not isinstance(node, Leaf) and node is not output.node]
    leaves, ops = _unused("xyuvw", "x", taken), _unused("t" if len(inner) == 1 else "", "t", taken)
    for node in nodes:
        if node not in names:
            pool = _unused("zL", "z", taken) if node is output.node else leaves if isinstance(node, Leaf) else ops
            names[node] = next(pool)
            taken.add(names[node])
    return names


def _unused(letters: str, stem: str, taken: set[str]) -> Iterator[str]:
    yield from (letter for letter in letters if letter not in taken)
    i = 1
    while True:
        if f"{stem}{i}" not in taken:
            yield f"{stem}{i}"
        i += 1


class Symbols:
    """The words of a picture in symbols. `shapes` adds the shapes of arrays."""

    def __init__(self, output: Tensor, nodes: Sequence[Node], shapes: bool, lang: str | None) -> None:
        self.names = {node: translated(name, lang) for node, name in names_of(nodes, output).items()}
        self.shapes = shapes

    def name(self, node: Node) -> str:
        """The whole name of a node, or its symbol."""
        return node.name or self.names[node]

    def value(self, node: Node | None, value: Any) -> str:
        """The symbol of a node, and what it is computed by."""
        if node is None:
            return number(value) if not getattr(value, "shape", ()) else shape_of(value)
        text = self.names[node] if isinstance(node, Leaf) else f"{self.names[node]} = {self._formula(node)}"
        return f"{text}\n{shape_of(value)}".rstrip() if self.shapes else text

    def gradient(self, parts: Sequence[Any]) -> str:
        """The sum of gradients."""
        return " + ".join([*parts[:TERMS], "…"] if len(parts) > TERMS else parts)

    def gradients(self, output: Tensor, nodes: Sequence[Node]) -> Gradients:
        """The gradient along each edge by the chain rule: of L, where the output is no single number."""
        root = output.node
        if root is None or output.is_leaf or not root.requires_grad:
            return NOTHING
        end = self.names[root] if output.size == 1 else "L"
        seed = _Gradient(f"∂{end}/∂{self.names[root]}", 1, "1" if output.size == 1 else None)
        arrived: dict[Node, list[_Gradient]] = defaultdict(list, {root: [seed]})
        edges: dict[Edge, str] = {}
        for node in reversed(nodes):
            if isinstance(node, Leaf) or node not in arrived:
                continue
            g = _total(arrived[node], f"∂{end}/∂{self.names[node]}")
            operands = self._operands(node)
            for i in node.plan.needs:
                parent = node.inputs[i]
                part = self._pulled(g, node, i, operands)
                arrived[parent].append(part)
                edges[node, i] = _written(part)
        return Gradients(edges, {}, _written(seed))

    def _operands(self, node: Node) -> list[str]:
        return [self._operand(value) if is_operand(node, i) else str(value) for i, value in enumerate(node.inputs)]

    def _operand(self, value: Any) -> str:
        if isinstance(value, Node):
            return _bracketed(self.names[value])
        text = shape_of(value) or number(value)
        return f"(−{text[1:]})" if text.startswith("-") else text

    def _formula(self, node: Node) -> str:
        assert node.op is not None
        operands, name = self._operands(node), node.op.name
        if name == "power" and operands[1] in SUPERSCRIPTS:
            return operands[0] + SUPERSCRIPTS[operands[1]]
        if name in FORMULAS and FORMULAS[name].count("{}") == len(operands):
            return FORMULAS[name].format(*operands)
        flowing = [self.names[value] for value in node.inputs if isinstance(value, Node)]
        flowing = [*flowing[:TERMS], "…"] if len(flowing) > TERMS else flowing
        return f"{' '.join(symbol(name, [], {}).split())}({', '.join(flowing)})"

    def _pulled(self, g: _Gradient, node: Node, i: int, operands: Sequence[str]) -> _Gradient:
        """What goes back to an argument, given what arrives at its op."""
        assert node.op is not None
        parent = node.inputs[i]
        product = f"{g.product}·∂{self.names[node]}/∂{self.names[parent]}"
        arriving = g.product if g.result is None else g.result
        if node.op.name in MATRIX and node.value.shape:
            x, y = operands[:2]
            result = f"{_bracketed(arriving)}·{y}ᵀ" if i == 0 else f"{x}ᵀ·{_bracketed(arriving)}"
            return _Gradient(product, g.factors + 1, result)
        slope = self._slope(node, i, operands)
        if slope is None:
            return _Gradient(product, g.factors + 1, None)
        result = _product(arriving, slope)
        summed = node.op.broadcasts and parent.value.shape != node.value.shape
        return _Gradient(product, g.factors + 1, f"Σ {_bracketed(result)}" if summed else result)

    def _slope(self, node: Node, i: int, operands: Sequence[str]) -> str | None:
        """The local derivative with respect to an argument, where there is a formula."""
        assert node.op is not None
        name = node.op.name
        if name == "power" and not isinstance(node.inputs[1], Node) and i == 0:
            return _power_slope(operands[0], node.inputs[1])
        if name in MATRIX:
            return operands[1 - i]
        if name == "sum":
            return "1"
        templates = ELEMENTWISE.get(name, ())
        if i >= len(templates):
            return None
        x, y = (*operands, "")[:2]
        return templates[i].format(x=x, y=y, z=self.names[node]).replace(" · ", "·")


def _power_slope(x: str, exponent: Any) -> str:
    if getattr(exponent, "shape", ()):
        return f"{shape_of(exponent)}·{x}^(…)"
    n, less = number(exponent), number(float(exponent) - 1)
    factor = f"{n}{x}" if len(x) == 1 else f"{n}·{x}"
    return factor if less == "1" else f"{factor}{SUPERSCRIPTS.get(less, f'^({less})')}"


def _total(parts: Sequence[_Gradient], name: str) -> _Gradient:
    """The sum of what arrives along several edges; a long product is called by its name."""
    if len(parts) > 1:
        results = [part.result for part in parts]
        known = " + ".join(r for r in results if r) if all(results) else ""
        return _Gradient(name, 1, known if known and len(known) <= RESULT else None)
    (part,) = parts
    return part if part.factors < FACTORS else _Gradient(name, 1, _short(part.result))


def _short(result: str | None) -> str | None:
    return result if result is not None and len(result) <= RESULT else None


def _written(g: _Gradient) -> str:
    return f"{g.product} = {g.result}" if _short(g.result) else g.product


def _product(a: str, b: str) -> str:
    if a == "1" or b == "1":
        return b if a == "1" else a
    if b == "−1":
        return f"−{_bracketed(a)}"
    if b.startswith("1 / "):
        return f"{_bracketed(a)} {b[2:]}"
    if b.replace(".", "").isdigit():  # a number comes first
        a, b = b, a
    return f"{_bracketed(a)}·{f'({b})' if b.startswith('−') else _bracketed(b)}"


def _bracketed(factor: str) -> str:
    return f"({factor})" if " + " in factor or " − " in factor or " / " in factor else factor

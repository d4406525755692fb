"""Values and gradients in symbols, as the book writes the chain rule: t = x + y, z = t², ∂z/∂z·∂z/∂t = 2t."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from autograd_dl.engine import Leaf, Node, Tensor

from .algebra import matrix_product, product, summed, total
from .derivatives import local_formula
from .graph import is_operand, known_name
from .labels import NOTHING, Edge, Gradients
from .text import shape_of, symbol, typeset
from .translation import translated

FORMULAS = {
    "add": "{} + {}", "subtract": "{} − {}", "multiply": "{}·{}", "divide": "{} / {}", "negative": "−{}",
    "square": "{}²", "dot": "{}·{}", "matmul": "{}·{}", "power": "{}^{}", "absolute": "|{}|", "sqrt": "√{}",
}  # fmt: skip
"""How what an op computes is written; that of any other, as a call."""
MATRIX = ("dot", "matmul")
PRODUCTS = (*MATRIX, "multiply")
COEFFICIENT = re.compile(r"\b(\d+|log\(\d+\)) · ")
"""A number, or a function of one, that the rest is multiplied by."""
SIGN = re.compile(r"[-+−*/·⊙^=]")
"""What makes a formula of a name."""
LETTER = re.compile(r"[^\W\d]")
"""What a number has not."""
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
    return names


def _unused(letters: str, stem: str, taken: set[str]) -> Iterator[str]:
    yield from (letter for letter in letters if letter not in taken)
    i = 1
    while True:
        if f"{stem}{i}" not in taken:
            yield f"{stem}{i}"
        i += 1


class Symbols:
    """The labels of a picture in symbols. `shapes` adds the shapes of arrays."""

    def __init__(self, output: Tensor, nodes: Sequence[Node], shapes: bool, lang: str | None) -> None:
        self.names = {node: translated(name, lang) for node, name in names_of(nodes, output).items()}
        self.shapes = shapes

    def name(self, node: Node) -> str:
        """The whole name of a node, or its symbol."""
        return node.name or self.names[node]

    def title(self, _node: Node) -> str | None:
        """Nothing: the name of what an op has made is its symbol."""
        return None

    def value(self, node: Node | None, value: Any) -> str:
        """The symbol of a node, and what it is computed by."""
        if node is None:
            return _constant(value)
        text = self.names[node] if isinstance(node, Leaf) else f"{self.names[node]} = {self._formula(node)}"
        return f"{text}\n{shape_of(value)}".rstrip() if self.shapes else text

    def gradient(self, parts: Sequence[_Gradient]) -> str:
        """The sum of gradients: of the products by the chain rule, and of what those are."""
        products = [part.product for part in parts]
        cut = [*products[:TERMS], "…"] if len(parts) > TERMS else products
        results = [part.result for part in parts if part.result is not None]
        result = total(results) if len(results) == len(parts) else None
        return _written(_Gradient(" + ".join(cut), len(parts), result))

    def gradients(self, output: Tensor, nodes: Sequence[Node]) -> Gradients:
        """The gradient along each edge by the chain rule: of L, where the output is no single number."""
        root = output.node
        if root is None or output.is_leaf:
            return NOTHING
        end = self._factor(root) if output.size == 1 else "L"
        seed = _Gradient(f"∂{end}/∂{self._factor(root)}", 1, "1" if output.size == 1 else None)
        arrived: dict[Node, list[_Gradient]] = defaultdict(list, {root: [seed]})
        edges: dict[Edge, _Gradient] = {}
        for node in reversed(nodes):
            if node not in arrived:
                continue
            g = _whole(arrived[node], f"∂{end}/∂{self._factor(node)}")
            operands = self._operands(node)
            for i in node.plan.needs:
                parent = node.inputs[i]
                factor = f"∂{self._factor(node)}/∂{self._factor(parent)}"
                arriving = f"∂{end}/∂{self._factor(node)}" if g.result is None or _is_full(g.result, node) else g.result
                pulled = self._pulled(arriving, node, i, operands)
                edges[node, i] = part = _Gradient(f"{g.product}·{factor}", g.factors + 1, pulled)
                arrived[parent].append(part)
        return Gradients(edges, {}, _written(seed))

    def _factor(self, node: Node) -> str:
        """A node's symbol as a factor: in brackets, where it reads as a formula."""
        name = self.names[node]
        return f"({name})" if SIGN.search(name) else name

    def _operands(self, node: Node) -> list[str]:
        return [self._operand(value) if is_operand(node, i) else str(value) for i, value in enumerate(node.inputs)]

    def _operand(self, value: Any) -> str:
        if isinstance(value, Node):
            return self._factor(value)
        text = _constant(value)
        return f"({text})" if text.startswith("−") else text

    def _formula(self, node: Node) -> str:
        operands, name = self._operands(node), known_name(node.plan.op)
        if name == "power" and operands[1] in SUPERSCRIPTS:
            return operands[0] + SUPERSCRIPTS[operands[1]]
        if name == "multiply" and all(map(_shape, node.inputs)):
            return " ⊙ ".join(operands)
        if name in FORMULAS:
            return FORMULAS[name].format(*operands)
        flowing = [self.names[value] for value in node.inputs if isinstance(value, Node)]
        flowing = [*flowing[:TERMS], "…"] if len(flowing) > TERMS else flowing
        return f"{' '.join(symbol(node.plan.op.name, [], {}).split())}({', '.join(flowing)})"

    def _pulled(self, g: str, node: Node, i: int, operands: Sequence[str]) -> str | None:
        """What goes back to an argument, given what arrives at its op; None where there is no formula."""
        name, own, shape = known_name(node.plan.op), _shape(node.inputs[i]), node.value.shape
        if name in MATRIX and own:
            other = _shape(node.inputs[1 - i])
            if other and shape:
                if max(len(own), len(other)) > 2:
                    return None
                return matrix_product(g, f"{operands[1]}ᵀ") if i == 0 else matrix_product(f"{operands[0]}ᵀ", g)
            return product(g, operands[1 - i])
        slope = self._slope(node, i, operands)
        if slope is None:
            return None
        is_array = _shape(node.inputs[1 - i]) if name in PRODUCTS else shape
        result = product(g, slope, " ⊙ " if shape and is_array else "·")
        return summed(result) if node.plan.op.broadcasts and own != shape else result

    def _slope(self, node: Node, i: int, operands: Sequence[str]) -> str | None:
        """The local derivative with respect to an argument, where there is a formula."""
        name = known_name(node.plan.op)
        if name == "power" and not isinstance(node.inputs[1], Node):
            return _power_slope(operands[0], node.inputs[1])
        if name in MATRIX:
            return operands[1 - i]
        if name == "sum":
            return "1"
        if name == "mean":
            return f"1 / {node.inputs[0].value.size // node.value.size}" if node.value.size else None
        template = local_formula(name, i)
        if template is None:
            return None
        x, y = (*operands, "")[:2]
        text = template.format(x=x, y=y, z=self._factor(node))
        return COEFFICIENT.sub(r"\1·", text).replace(" · ", " ⊙ " if node.value.shape else "·")


def _is_full(arriving: str, node: Node) -> bool:
    """Whether what arrives at a matrix product is written as a number, which stands for a matrix full of it."""
    is_product = known_name(node.plan.op) in MATRIX and all(map(_shape, node.inputs))
    return is_product and bool(node.value.shape) and not LETTER.search(arriving)


def _shape(value: Any) -> tuple[int, ...]:
    return getattr(value.value if isinstance(value, Node) else value, "shape", ())


def _constant(value: Any) -> str:
    """A number, or an array by its shape."""
    return shape_of(value) or typeset(value)


def _power_slope(x: str, exponent: Any) -> str:
    if getattr(exponent, "shape", ()):
        return f"{shape_of(exponent)}·{x}^(…)"
    n, less = _constant(exponent), _constant(float(exponent) - 1)
    if less == "0":
        return "1"
    factor = f"−{x}" if n == "−1" else f"{n}{x}" if len(x) == 1 else f"{n}·{x}"
    return factor if less == "1" else f"{factor}{SUPERSCRIPTS.get(less, f'^({less})')}"


def _whole(parts: Sequence[_Gradient], name: str) -> _Gradient:
    """The sum of what arrives along several edges; a long product is called by its name."""
    if len(parts) > 1:
        results = [part.result for part in parts if part.result is not None]
        return _Gradient(name, 1, _short(total(results)) if len(results) == len(parts) else None)
    (part,) = parts
    return part if part.factors < FACTORS else _Gradient(name, 1, _short(part.result))


def _short(result: str | None) -> str | None:
    return result if result is not None and len(result) <= RESULT else None


def _written(g: _Gradient) -> str:
    return f"{g.product} = {g.result}" if _short(g.result) else g.product

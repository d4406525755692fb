"""One node with what flows into it and back, by symbols: the book's figures of local derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ..rendering import new_picture
from ..styles import RED
from ..text import in_brackets
from .wording import chosen, label

if TYPE_CHECKING:
    from ..picture import Picture


class _Edge(NamedTuple):
    """An arrow, with what goes along it and what comes back."""

    start: str
    end: str
    value: str
    gradient: str


NODES = {
    "add": ("+", [("x", "∂L/∂z · 1"), ("y", "∂L/∂z · 1")], "z"),
    "multiply": ("×", [("x", "∂L/∂z · y"), ("y", "∂L/∂z · x")], "z"),
    "dot": ("dot", [("X", "∂L/∂Y · Wᵀ"), ("W", "Xᵀ · ∂L/∂Y")], "Y"),
}
"""An op's symbol, its inputs and what each gets back, and its output."""


def draw_node_and_edge(*, lang: str = "en") -> Picture:
    """What a node is, and what an edge: 100 → "× 2" → 200 (book, section 5.1).

    `lang` is "en" or "ja". Raises ValueError for another.
    """
    node, edge = chosen("lang", lang, {"en": ("node", "edge"), "ja": ("ノード", "エッジ")})
    picture = _picture({"n": f"{node}\n× 2"})
    for start, end, value in (("a", "n", "100"), ("n", "b", "200")):
        picture.edge(start, end, label=f" {edge} \n {value} ")
    return picture


def draw_local_derivative() -> Picture:
    """Backpropagation through one node y = f(x): E arrives, E · ∂y/∂x goes on (book, section 5.2.1)."""
    return _with_edges(_picture({"f": "f"}), [_Edge("a", "f", "x", "E · ∂y/∂x"), _Edge("f", "b", "y", "E")])


def draw_node(op: str) -> Picture:
    """Forward and backward of one op, by symbols (book, sections 5.3, 5.5.1 and 5.6).

    Parameters
    ----------
    op : "add", "multiply", "dot" or "relu"
        Of relu both cases are drawn, of a positive input and of another.

    Raises
    ------
    ValueError
        For another op.
    """
    drawn = {name: partial(_one_node, *parts) for name, parts in NODES.items()} | {"relu": _relu_nodes}
    return chosen("op", op, drawn)()


def _one_node(symbol: str, inputs: Sequence[tuple[str, str]], output: str) -> Picture:
    edges = [_Edge(f"a{i}", "n", name, gradient) for i, (name, gradient) in enumerate(inputs)]
    return _with_edges(_picture({"n": symbol}), [*edges, _Edge("n", "b", output, f"∂L/∂{output}")])


def _relu_nodes() -> Picture:
    """A node for each of its two cases."""
    below = [_Edge("na", "n", "x  (x ≤ 0)", "0"), _Edge("n", "nb", "y = 0", "∂L/∂y")]
    above = [_Edge("pa", "p", "x  (x > 0)", "∂L/∂y"), _Edge("p", "pb", "y = x", "∂L/∂y")]
    return _with_edges(_picture({"n": "relu", "p": "relu"}, shape="box", style="rounded"), [*below, *above])


def draw_affine_shapes(inputs: int = 2, outputs: int = 3, *, batch: int | str | None = None) -> Picture:
    """The graph of X · W + B with the shape of what is on each edge (book, section 5.6).

    `batch` is the size of a batch, or a symbol for it, such as "N"; without, X is one sample.
    """
    x, w, y, b = (_shape(*s) for s in ((batch, inputs), (inputs, outputs), (batch, outputs), (outputs,)))
    picture = _picture({"dot": "dot", "add": "+"})
    edges = [
        _Edge("X", "dot", f"X {x}", f"∂L/∂X {x}"),
        _Edge("W", "dot", f"W {w}", f"∂L/∂W {w}"),
        _Edge("dot", "add", f"X·W {y}", f"∂L/∂(X·W) {y}"),
        _Edge("B", "add", f"B {b}", f"∂L/∂B {b}"),
        _Edge("add", "Y", f"Y {y}", f"∂L/∂Y {y}"),
    ]
    return _with_edges(picture, edges)


def _shape(*sizes: int | str | None) -> str:
    return in_brackets([size for size in sizes if size is not None])


def _picture(nodes: dict[str, str], **style: str) -> Picture:
    """A picture of nodes, whose edges end in nothing."""
    picture = new_picture()
    picture.attr("graph", rankdir="LR", nodesep="0.5", ranksep="1", ordering="in")
    picture.attr("node", shape="point", width="0.01", color="#ffffff00", fontname="Helvetica", fontsize="14")
    picture.attr("edge", fontname="Helvetica", fontsize="13", arrowsize="0.7")
    for name, text in nodes.items():
        picture.node(name, label=text, **{"shape": "circle", "color": "#000000", "width": "0.6", **style})
    return picture


def _with_edges(picture: Picture, edges: Iterable[_Edge]) -> Picture:
    for start, end, value, gradient in edges:
        picture.edge(start, end, label=label(f"  {value}  "))
        picture.edge(start, end, label=label(f"  {gradient}  "), dir="back", color=RED, fontcolor=RED)
    return picture

"""The picture of a graph in DOT, the language of Graphviz, in the style of the book's "apples and oranges"."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from autograd_dl import Tensor
from autograd_dl.engine import Node
from autograd_dl.optional import need

from .cost import ranks_crossed
from .text import printable
from .trace import Box, trace

if TYPE_CHECKING:
    import graphviz

RED = "#d62728"
TEXT = {"shape": "plaintext", "width": "0", "height": "0", "margin": "0.05,0.03"}
"""As large as its letters, so that arrows end beside them."""
STYLES = {
    "op": {"shape": "circle", "margin": "0.03"},
    "long op": {"shape": "box", "style": "rounded", "margin": "0.1,0.06"},
    "leaf": TEXT,
    "unnamed": {"shape": "point", "width": "0.06"},
    "constant": TEXT,
    "output": TEXT,
}
MARK = {"color": RED, "penwidth": "2", "fillcolor": "#fbe3e4"}
LONG = 5
"""Characters that do not fit into a circle."""
LARGE, WIDE = 1500, 400
"""Lines, and ranks between their ends, above which labels are put where there is room: that is ten times as fast."""
HURRIED = {"nslimit": "1", "nslimit1": "1", "mclimit": "0.3"}
"""Let Graphviz stop its search for the best layout earlier."""


def draw_graph(output: Tensor, *, highlight: Collection[Node] = ()) -> graphviz.Digraph:
    """The computation graph of `output`: ops in circles, values in black, gradients in red on the arrows back.

    Arrays are shown by their shape. On a live graph whose output is one number the gradient of every edge is computed
    for the picture (no `.grad` is touched, nothing is released); after `backward()` each leaf's `.grad` is drawn, on an
    arrow of its own. In a large graph each op that reads a leaf has its own box of it. The ops of the nodes in
    `highlight` are marked in red: `draw_graph(loss, highlight=[h.node])`.

    Raises
    ------
    MissingExtraError
        If the extra "viz" is not installed.
    """
    graphviz = need("graphviz", "viz")
    graph = graphviz.Digraph()
    graph.attr("graph", rankdir="LR", nodesep="0.4", ranksep="0.7", ordering="in")
    graph.attr("node", fontname="Helvetica", fontsize="13")
    graph.attr("edge", fontname="Helvetica", fontsize="12", arrowsize="0.7")
    boxes, lines = trace(output, highlight)
    label = "label"
    if len(lines) > LARGE or ranks_crossed((line.source, line.target) for line in lines) > WIDE:
        label = "xlabel"
        graph.attr("graph", **HURRIED)
    for box in boxes:
        graph.node(box.id, label=graphviz.escape(printable(box.label)), **_style(box))
    for line in lines:
        if line.value is not None:
            text = {label: f" {line.value} "} if line.value else {}
            graph.edge(line.source, line.target, **text)
        if line.gradient is not None:
            text = {label: f" {line.gradient} "}
            graph.edge(line.source, line.target, **text, dir="back", color=RED, fontcolor=RED)
    return graph


def to_dot(output: Tensor, *, highlight: Collection[Node] = ()) -> str:
    """The DOT text of `draw_graph`: the same program gives the same text."""
    return str(draw_graph(output, highlight=highlight).source)


def _style(box: Box) -> dict[str, str]:
    style = STYLES["long op" if box.kind == "op" and len(box.label) >= LONG else box.kind]
    if not box.marked:
        return style
    return {**style, **MARK, "style": "rounded,filled" if "style" in style else "filled"}

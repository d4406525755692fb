"""What a notebook shows, once `visualize` has been imported: of a recorded Tensor its graph, and plots as pictures."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from autograd_dl import Tensor
from autograd_dl.engine import Node
from autograd_dl.errors import MissingExtraError

from .dot import draw_graph
from .rendering import RenderError, drawn, is_too_large

if TYPE_CHECKING:
    import graphviz

SVG, TEXT = "image/svg+xml", "text/plain"
MOST = 100
"""Nodes of a graph that are drawn without being asked for."""


def bundle(graph: graphviz.Digraph, text: str) -> dict[str, str]:
    """A picture, and the text beside it; the text alone where the picture cannot be made or would not be seen."""
    picture = _drawn(graph) if _shows_pictures() else None
    return {TEXT: text} if picture is None else {SVG: picture.decode(), TEXT: text}


def tensor_bundle(tensor: Tensor, **_wanted: Any) -> dict[str, str]:
    """What IPython asks of an object as `_repr_mimebundle_`: a leaf, or what has a large graph, is shown by text."""
    text = repr(tensor)
    if tensor.node is None or tensor.is_leaf or _has_more_nodes(tensor.node, MOST):
        return {TEXT: text}
    try:
        return bundle(draw_graph(tensor), text)
    except MissingExtraError:
        return {TEXT: text}


Tensor._repr_mimebundle_ = tensor_bundle  # type: ignore[attr-defined]  # given by this room, as operators by the ops


def plot_png(plot: Any) -> bytes | None:
    """The figure, or the one of these axes; None of removed axes, and of pyplot's, which shows them."""
    if plot.figure is None or plot.figure.canvas.manager is not None:
        return None
    picture = io.BytesIO()
    plot.figure.canvas.print_figure(picture, format="png", bbox_inches="tight")
    return picture.getvalue()


def show_plots(shell: Any) -> None:
    """Have IPython show figures, which it knows only once pyplot has shown one, and axes, which it does not know.

    A user's own way, or pyplot's in another format, stays.
    """
    formatters = shell.display_formatter.formatters
    for kind in ("matplotlib.figure.Figure", "matplotlib.axes._axes.Axes"):
        if not any(kind in formatter for formatter in formatters.values()):
            formatters["image/png"].for_type(kind, plot_png)


def _drawn(graph: graphviz.Digraph) -> bytes | None:
    try:
        return None if is_too_large(graph) else drawn(graph.source, "svg")
    except RenderError:
        return None


def _shows_pictures() -> bool:
    """Whether it is worth drawing: IPython in a terminal would ask, and show the text."""
    shell = _shell()
    return shell is None or SVG in shell.display_formatter.active_types


def _shell() -> Any:
    """IPython's shell, if this runs in one."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _has_more_nodes(root: Node, most: int) -> bool:
    seen, stack = {root}, [root]
    while stack and len(seen) <= most:
        parents = [p for p in stack.pop().inputs if isinstance(p, Node) and p not in seen]
        seen.update(parents)
        stack += parents
    return len(seen) > most


if _shell() is not None:
    show_plots(_shell())

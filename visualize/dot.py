"""The picture of a graph in DOT, the language of Graphviz: as the book draws it, op by op, or layer by layer."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from autograd_dl import Tensor
from autograd_dl.engine import Node
from autograd_dl.errors import DTypeError, GraphError, steps_to_the_user
from autograd_dl.optional import need
from autograd_dl.values import is_size

from .backward import gradient_graph
from .cost import ranks_crossed
from .graph import check_tensor, ordered
from .labels import Numbers
from .recalled import recalled
from .rendering import new_picture
from .replay import opened
from .scopes import common_start
from .styles import BACK, FRAME, MARKED_LINE, NOTE, box_style
from .symbols import Symbols
from .text import printable
from .trace import Box, Line, Look, Trace, trace, traced
from .translation import LANGUAGES
from .values import writer

if TYPE_CHECKING:
    import graphviz

LARGE, WIDE = 1500, 400
"""Lines, and ranks between their ends, above which labels are put where there is room: that is ten times as fast."""
PIECE, ESCAPED = 2000, str.maketrans({"\\": "\\\\", '"': '\\"'})
"""Characters of a string of DOT, and what in it is written by a backslash."""
HURRIED = {"nslimit": "1", "nslimit1": "1", "mclimit": "0.3"}
"""Let Graphviz stop its search for the best layout earlier."""
FRAMED = ("ops", "layers")
"""The styles that draw a frame around each scope."""
CHOICES = {
    "style": ("book", "ops", "layers", "backward"),
    "values": ("auto", "full", "symbols", None),
    "constants": ("inputs", "inside"),
    "lang": LANGUAGES,
    "rankdir": ("LR", "TB", "RL", "BT"),
}
"""What options of `draw_graph` may be."""


def draw_graph(
    output: Tensor,
    *,
    style: str = "book",
    values: str | None = "auto",
    gradients: bool | None = None,
    shapes: bool | None = None,
    names: bool = True,
    constants: str = "inputs",
    lang: str | None = None,
    rankdir: str = "LR",
    depth: int | None = None,
    highlight: Tensor | Node | str | Collection[Tensor | Node | str] = (),
    maximum: int | None = 300,
    expand: bool = False,
) -> graphviz.Digraph:
    """The computation graph of `output`: ops in circles, values in black, gradients in red on the arrows back.

    On a live graph whose output is one number the gradient of every edge is computed for the picture (no `.grad` is
    touched, nothing is released); after `backward()` each leaf's `.grad` is drawn, on an arrow of its own. In a large
    graph each op that reads a leaf has its own box of it.

    Parameters
    ----------
    output : Tensor
    style : "book", "ops", "layers" or "backward"
        "ops" has dtypes and shapes on the lines, and a frame around each scope; "layers" has one box for each scope;
        "backward" is the graph of the computation of the gradients themselves, in red, with what it reads.
    values : "auto", "full", "symbols" or None
        What stands on the lines: numbers, and arrays by their shape; arrays whole or, if they are large, their range,
        mean, norm, zeros, NaN and infinities; symbols, as in the book's chain rule: t = x + y, ∂z/∂z·∂z/∂t; nothing.
    gradients : bool, optional
        Whether gradients are drawn; if not given, in the style "book".
    shapes : bool, optional
        Whether the shapes of arrays are written; if not given, they are unless `values` are symbols.
    names : bool
        Whether names of Tensors are written: of leaves, of the output, and above the values of results between them.
    constants : "inputs" or "inside"
        Whether a constant has a place of its own, or stands in its op: "× 2".
    lang : "ja" or "en", optional
        Write well-known names and the picture's own words in this language.
    rankdir : "LR", "TB", "RL" or "BT"
        Where the picture runs to.
    depth : int, optional
        How many scopes within each other are open; what lies deeper is drawn as one box a scope. If not given, all are,
        and in the style "layers" none.
    highlight : Tensors, Nodes, names of scopes; or one of them
        What is marked in red, and the lines between: `highlight=["Conv1", h]`.
    maximum : int, optional
        Of a graph with more nodes, scopes are drawn as one box, and if that does not suffice all that lies between the
        first ten boxes and the last ten (or fewer, of a small maximum); the picture says so.
    expand : bool
        Draw fused ops as the compositions that they stand for: softmax with loss, batch normalization, sigmoid,
        convolution, pooling. The program is recorded again for that.

    Raises
    ------
    DTypeError
        If `output` is no Tensor, or `highlight` something else than it takes.
    ValueError
        If an option is none of these.
    GraphError
        If `highlight` names what the graph does not have, the style "backward" finds nothing that requires grad or a
        released graph, or `expand` finds values that are no more.
    MissingExtraError
        If the extra "viz" is not installed.

    Warns
    -----
    UserWarning
        If nothing of how `output` was computed is recorded, so that the picture has its value alone.
    """
    need("graphviz", "viz")
    check_tensor(output, "draw_graph")
    _refuse(style=style, values=values, constants=constants, lang=lang, rankdir=rankdir)
    if output.node is None and style != "backward":
        _warn_of_nothing_recorded()
    if not all(most is None or is_size(most) for most in (depth, maximum)):
        raise ValueError(f"depth and maximum are whole numbers of at least 1, or None, not {depth!r} and {maximum!r}")
    look = Look(
        gradients=style == "book" if gradients is None else gradients, names=names,
        constants_inside=constants == "inside", layers=style == "layers", titles=style == "ops",
        depth=1 if style == "layers" and depth is None else depth, maximum=maximum, lang=lang,
    )  # fmt: skip
    shapes = values != "symbols" if shapes is None else shapes
    return dot_of(_pictured(output, style, values, shapes, expand, _marked(highlight), look), style, rankdir)


def to_dot(output: Tensor, **options: Any) -> str:
    """The DOT text of `draw_graph`, with the same options: the same program gives the same text."""
    check_tensor(output, "to_dot")
    return str(draw_graph(output, **options).source)


def dot_of(picture: Trace, style: str, rankdir: str) -> graphviz.Digraph:
    """A picture as a graph of Graphviz."""
    graph = new_picture()
    graph.attr("graph", rankdir=rankdir, nodesep="0.4", ranksep="0.7", ordering="in")
    graph.attr("node", fontname="Helvetica", fontsize="13")
    graph.attr("edge", fontname="Helvetica", fontsize="12", arrowsize="0.7")
    label = "label"
    if len(picture.lines) > LARGE or ranks_crossed((line.source, line.target) for line in picture.lines) > WIDE:
        label = "xlabel"
        graph.attr("graph", **HURRIED)
    if style in FRAMED:
        graph.attr("graph", newrank="true")  # else arrows between frames may run backwards
    _draw_boxes(graph, picture.boxes, style)
    for line in picture.lines:
        _draw_line(graph, line, label)
    return graph


def _refuse(**chosen: str | None) -> None:
    for option, value in chosen.items():
        if value not in CHOICES[option]:
            raise ValueError(f"draw_graph: {option} is one of {', '.join(map(repr, CHOICES[option]))}, not {value!r}")


def _warn_of_nothing_recorded() -> None:
    text = (
        "how this Tensor was computed is not recorded, so that the picture has its value alone: nothing that it "
        "was made of requires grad, as Tensor(100, requires_grad=True) does; or it was computed under no_grad, or "
        "detached, or is a gradient made without create_graph=True"
    )
    warnings.warn(text, stacklevel=steps_to_the_user(("visualize", "autograd_dl")))


def _marked(highlight: Any) -> set[Any]:
    """The nodes and the names of scopes that are to be marked."""
    wanted = [highlight] if isinstance(highlight, (Tensor, Node, str)) else highlight
    if not isinstance(wanted, Collection) or not all(isinstance(h, (Tensor, Node, str)) for h in wanted):
        raise DTypeError(f"highlight takes Tensors, Nodes and names of scopes, not {highlight!r}")
    for tensor in wanted:
        if isinstance(tensor, Tensor) and tensor.node is None:
            raise GraphError(f"highlight: an unrecorded Tensor of shape {tensor.shape} is no part of this graph")
    return {h.node if isinstance(h, Tensor) else h for h in wanted}


def _pictured(
    output: Tensor,
    style: str,
    values: str | None,
    shapes: bool,
    expand: bool,
    marked: set[Any],
    look: Look,
) -> Trace:
    write = writer(values, shapes, style == "ops", look.lang)
    known: dict[Node, str] = {}
    if expand:
        again = opened(output)
        output, marked = again.output, _copies(marked, again.copies)
        known = {node: write(value) for node, value in again.values.items()} if values == "full" else {}
    elif values == "full":
        known = {node: write(value) for node, value, _ in recalled(output)}
    ends = gradient_graph(output, look.lang) if style == "backward" else []
    nodes = ordered([tensor.node for tensor in (output, *(end.output for end in ends)) if tensor.node is not None])
    numbers = Numbers(write, known, whole=values == "full")
    labels = Symbols(output, nodes, shapes, look.lang) if values == "symbols" else numbers
    if not ends:
        return trace(output, marked, look=look, labels=labels)
    assert output.node is not None
    return traced(ends, marked, look, labels, backward=output.node.number)


def _copies(marked: set[Any], copies: Mapping[Node, Sequence[Node]]) -> set[Any]:
    return {copy for m in marked for copy in (copies.get(m, (m,)) if isinstance(m, Node) else (m,))}


def _draw_boxes(graph: graphviz.Digraph, boxes: Sequence[Box], style: str) -> None:
    """All boxes; where frames are drawn, those of each scope within its frame."""
    if style not in FRAMED:
        for box in boxes:
            _draw_box(graph, box, style)
        return
    frames: list[str] = []
    count = 0
    for frame, members in groupby(sorted(boxes, key=lambda box: bool(_frame(box))), key=_frame):
        common = len(common_start([frames, frame]))
        graph.body += ["\t}\n"] * (len(frames) - common)
        del frames[common:]
        for name in frame[common:]:
            graph.body.append(f"\tsubgraph cluster_{count} {{\n")
            graph.body.append(_statement("graph", {"label": f" {name} "}, FRAME))  # Graphviz fails at an empty line
            frames.append(name)
            count += 1
        for box in members:
            _draw_box(graph, box, style)
    graph.body += ["\t}\n"] * len(frames)


def _frame(box: Box) -> tuple[str, ...]:
    """The open scopes that a box is drawn in."""
    is_layer = box.kind == "scope" and box.node is None
    return box.scope[:-1] if is_layer else box.scope


def _draw_box(graph: graphviz.Digraph, box: Box, style: str) -> None:
    if box.kind == "note":
        graph.body.append(_statement("graph", {"label": box.label}, NOTE))
    else:
        graph.body.append(_statement(box.id, {"label": box.label}, box_style(box, style)))


def _draw_line(graph: graphviz.Digraph, line: Line, label: str) -> None:
    for text, look in ((line.value, MARKED_LINE if line.marked else {}), (line.gradient, BACK)):
        if text is not None:
            written = {label: f" {text} "} if text else {}
            graph.body.append(_statement(f"{line.source} -> {line.target}", written, look))


def _statement(what: str, label: Mapping[str, str], attributes: Mapping[str, str]) -> str:
    """A statement of DOT. (The methods `node` and `edge` of a Digraph quote all attributes anew, in twice the time.)"""
    parts = [f"{key}={_quoted(text)}" for key, text in label.items()]
    parts += [_written(tuple(attributes.items()))] if attributes else []
    return f"\t{what} [{' '.join(parts)}]\n" if parts else f"\t{what}\n"


@functools.cache
def _written(attributes: tuple[tuple[str, str], ...]) -> str:
    return " ".join(f"{key}={_quoted(value)}" for key, value in sorted(attributes))


@functools.lru_cache(1000)
def _quoted(text: str) -> str:
    """Any text as a string of DOT: what Graphviz would do of itself, as for `<b>` or `\\N`, it does not.

    A long one is joined of several, since Graphviz reads at most 16 kB as one.
    """
    graphviz = need("graphviz", "viz")
    shown = printable(text)
    if len(shown) <= PIECE:
        return str(graphviz.quoting.quote(graphviz.escape(shown)))
    pieces = (shown[i : i + PIECE] for i in range(0, len(shown), PIECE))
    return " + ".join(f'"{piece.translate(ESCAPED)}"' for piece in pieces)

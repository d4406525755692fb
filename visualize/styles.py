"""How boxes and lines look, in each style of a picture. Colours are written as #rrggbb alone."""

from __future__ import annotations

from collections.abc import Mapping

from .text import OPERATORS
from .trace import Box

Attributes = Mapping[str, str]

RED, PALE_RED, GREY = "#d62728", "#fbe3e4", "#737373"
LONG = 5
"""Characters that do not fit into a circle."""
_TEXT = {"shape": "plaintext", "width": "0", "height": "0", "margin": "0.05,0.03"}
"""As large as its letters, so that arrows end beside them."""
_CIRCLE = {"shape": "circle", "margin": "0.03"}
_ROUNDED = {"shape": "box", "style": "rounded", "margin": "0.1,0.06"}
_LAYER = {"shape": "box", "margin": "0.15,0.1", "style": "filled", "fillcolor": "#eef2f8"}
_BOXES: Mapping[str, Attributes] = {
    "op": _CIRCLE,
    "long op": _ROUNDED,
    "backward": {**_CIRCLE, "color": RED, "fontcolor": RED},
    "long backward": {**_ROUNDED, "color": RED, "fontcolor": RED},
    "scope": _LAYER,
    "rest": {**_LAYER, "style": "filled,dashed"},
    "leaf": _TEXT,
    "unnamed": {"shape": "point", "width": "0.06"},
    "constant": _TEXT,
    "output": _TEXT,
}
_MARK = {"color": RED, "penwidth": "2", "fillcolor": PALE_RED}
MARKED_LINE = {"color": RED, "penwidth": "2"}
BACK = {"dir": "back", "color": RED, "fontcolor": RED}
FRAME = {
    "labelloc": "t",
    "labeljust": "l",
    "style": "rounded,dashed",
    "color": GREY,
    "fontcolor": GREY,
    "fontname": "Helvetica",
    "fontsize": "12",
}
NOTE = {"labelloc": "b", "fontname": "Helvetica", "fontsize": "12", "fontcolor": GREY}


def box_style(box: Box, style: str) -> Attributes:
    """The attributes of a box's node."""
    fits_a_circle = len(box.label) < LONG or _is_folded_operator(box.label)
    is_long = (box.kind == "op" and style == "ops") or (box.kind in ("op", "backward") and not fits_a_circle)
    attributes = _BOXES[f"long {box.kind}" if is_long else box.kind]
    if not box.marked:
        return attributes
    shape = attributes.get("style", "")
    return {**attributes, **_MARK, "style": shape if "filled" in shape else ",".join(filter(None, [shape, "filled"]))}


def _is_folded_operator(label: str) -> bool:
    """Whether it is an operator and a short constant, as in "× 1.1"."""
    return len(label) <= LONG + 2 and not OPERATORS.isdisjoint(label.split(" "))

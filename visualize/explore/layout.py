"""Where boxes and lines stand in a view. Graphviz places them; it is given sizes alone, and no text."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..rendering import need_drawn
from ..scopes import common_start
from ..text import cut, in_brackets

if TYPE_CHECKING:
    from .folding import Group
    from .story import Story

View = dict[str, Any]
"""`open` (groups), `width`, `height`, `boxes`, `lines` and `frames` (around open groups). Lengths are pixels."""
Path = tuple[int, ...]
"""The open groups that something is in, from outside."""
INCH = 72
"""Pixels of an inch, in which Graphviz measures."""
LETTER, ROW = 8.4, 19
"""Pixels of a letter of a label, and of its rows."""
LONGEST, ROWS = 22, 4
"""Letters and rows of a label that are written."""
SHARED = 4
"""Readers of a leaf, above which each has its own box of it."""
INPUTS = 12
"""Lines into a box that are drawn."""
AIR, TITLE = 12, 24
"""Pixels between an open group's frame and what is in it, and of its title."""
MARGIN = 16
"""Pixels around the view."""


def laid_out(story: Story, groups: Sequence[Group], chains: dict[int, list[int]], opened: frozenset[int]) -> View:
    """A view of the program in which these groups are open; `chains` has the groups that each op is in, from outside.

    Raises `RenderError` if no Graphviz is found, or if it fails.
    """
    view = _View(story, groups, chains, opened)
    return {"open": sorted(opened), **_placed(view, need_drawn(view.dot(), "plain").decode())}


class _View:
    """What is in a view, and how large: `boxes` by name, `lines` in order, `paths` of the boxes."""

    def __init__(
        self, story: Story, groups: Sequence[Group], chains: dict[int, list[int]], opened: frozenset[int]
    ) -> None:
        self.nodes, self.groups = story["nodes"], groups
        self.places = {op: _place(op, chains[op], opened) for op, node in enumerate(self.nodes) if node["kind"] == "op"}
        self.boxes: dict[str, dict[str, Any]] = {}
        self.paths: dict[str, Path] = {}
        self.lines: list[dict[str, Any]] = []
        self._add_ops()
        self._add_lines()
        self._add_out(story["out"])

    def _add(self, name: str, path: Path, **box: Any) -> None:
        self.paths.setdefault(name, path)
        self.boxes.setdefault(name, {"id": name, **box})

    def _add_ops(self) -> None:
        for op, (name, path) in self.places.items():
            if name.startswith("g"):
                label = _cut(self.groups[int(name[1:])].label)
                width = 1.1 * max(_width(label), 9 * LETTER) + 36
                self._add(name, path, kind="group", at=int(name[1:]), label=label, w=width, h=46)
            else:
                label = _cut(self.nodes[op]["label"])
                self._add(name, path, kind="op", at=op, label=label, **_op_size(label))

    def _add_lines(self) -> None:
        readers: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for op, (target, _) in self.places.items():
            for given in self.nodes[op]["inputs"]:
                readers[given["from"]][target].append(op)
        merged: dict[tuple[str, int], dict[str, Any]] = {}
        drawn: Counter[str] = Counter()
        for op, (target, _) in self.places.items():
            for i, given in enumerate(self.nodes[op]["inputs"]):
                parent = given["from"]
                source = self._source(parent, target, readers[parent])
                if source is None or source == target:
                    continue
                if (target, parent) in merged and target.startswith("g"):
                    merged[target, parent]["parts"].append([op, i])
                    continue
                drawn[target] += 1
                if drawn[target] > INPUTS:
                    self.boxes[target]["more"] = drawn[target] - INPUTS
                    continue
                self._add_source(source, parent, readers[parent])
                line = merged[target, parent] = {"from": source, "to": target, "value": parent, "parts": [[op, i]]}
                self.lines.append(line)

    def _source(self, parent: int, target: str, readers: dict[str, list[int]]) -> str | None:
        """The box that a value comes from; None for a leaf or a constant that stays within a closed group."""
        kind = self.nodes[parent]["kind"]
        if kind == "op":
            return self.places[parent][0]
        if target.startswith("g") and kind != "given" and len(readers) == 1:
            return None
        return f"n{parent}" if len(readers) <= SHARED else f"n{parent}_{target}"

    def _add_source(self, name: str, parent: int, readers: dict[str, list[int]]) -> None:
        node = self.nodes[parent]
        if node["kind"] == "op":
            return
        path: Path = ()
        if node["kind"] != "given":
            ops = readers[name.rpartition("_")[2]] if "_" in name else [op for some in readers.values() for op in some]
            path = common_start([self.places[op][1] for op in ops])
        labels = [_quantity(node["value"])] if node["kind"] == "constant" else _names(node)
        self._add(name, path, kind=node["kind"], at=parent, label=labels[0], **_text_size(labels))

    def _add_out(self, out: dict[str, Any]) -> None:
        root = self.nodes[out["from"]]
        source = self._source(out["from"], "out", {}) or ""
        self._add_source(source, out["from"], {})
        labels = [""] if root["kind"] != "op" else _names(out)
        self._add("out", (), kind="out", at=out["from"], label=labels[0], **_text_size(labels))
        self.lines.append({"from": source, "to": "out", "value": out["from"], "parts": []})

    def label_size(self, line: dict[str, Any]) -> tuple[float, float] | None:
        """How much room the value and the gradient on a line need; None for a constant, whose box says it."""
        node = self.nodes[line["value"]]
        if node["kind"] == "constant":
            return None
        gradients = [self.nodes[op]["inputs"][i].get("gradient") for op, i in line["parts"]]
        texts = [_quantity(node["value"]), *map(_quantity, gradients)]
        return max(3 * LETTER, *map(_width, texts)) + 14, 2 * ROW + 8

    def dot(self) -> str:
        """The DOT text: a box for each box, and one for what is written on each line."""
        inside: dict[Path, list[str]] = defaultdict(list)
        for name, box in self.boxes.items():
            inside[self.paths[name]].append(_dot_node(name, box["w"], box["h"], box.get("round", False)))
        lines = []
        for i, line in enumerate(self.lines):
            ends, size = (line["from"], line["to"]), self.label_size(line)
            if size is None:
                lines.append(f"{ends[0]} -> {ends[1]}")
                continue
            inside[common_start([self.paths[end] for end in ends])].append(_dot_node(f"l{i}", *size))
            lines += [f"{ends[0]} -> l{i} [headport=w]", f"l{i} -> {ends[1]} [tailport=e]"]
        head = "graph [rankdir=LR nodesep=0.28 ranksep=0.32 ordering=in]; node [shape=box fixedsize=true label=x]"
        return "\n".join([f"digraph {{ {head}; edge [dir=none]", *self._clusters(inside, ()), *lines, "}"])

    def _clusters(self, inside: dict[Path, list[str]], path: Path) -> Iterator[str]:
        yield from inside[path]
        within = sorted({other[: len(path) + 1] for other in list(inside) if len(other) > len(path)})
        for inner in within:
            if inner[: len(path)] == path:
                yield f"subgraph cluster_{inner[-1]} {{ margin={AIR} label=x fontsize={ROW}"
                yield from self._clusters(inside, inner)
                yield "}"


def _place(op: int, chain: Sequence[int], opened: frozenset[int]) -> tuple[str, Path]:
    """The box of an op, its own or that of the closed group that it is in, and the open groups around that."""
    for depth, group in enumerate(chain):
        if group not in opened:
            return f"g{group}", tuple(chain[:depth])
    return f"n{op}", tuple(chain)


def _dot_node(name: str, width: float, height: float, round: bool = False) -> str:
    shape = " shape=circle" if round else ""
    return f"{name} [width={width / INCH:.4f} height={height / INCH:.4f}{shape}]"


def _width(text: str) -> float:
    """Pixels that a text takes, with letters as wide as fonts have them."""
    rows = text.split("\n")
    return LETTER * max(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in row) for row in rows)


def _cut(text: str) -> str:
    rows = text.split("\n")
    kept = [cut(row, LONGEST) for row in rows[:ROWS]]
    return "\n".join(kept if len(rows) <= ROWS else [*kept[:-1], "…"])


def _op_size(label: str) -> dict[str, Any]:
    width, height = _width(label), ROW * len(label.split("\n"))
    if height == ROW and len(label) < 5:
        side = max(38.0, width + 14)
        return {"w": side, "h": side, "round": True}
    return {"w": width + 20, "h": height + 14}


def _names(named: dict[str, Any]) -> list[str]:
    """The labels of a leaf or an output: its name, and that in other languages."""
    return [_cut(name) for name in [named["name"], *named.get("names", {}).values()]]


def _text_size(labels: Sequence[str]) -> dict[str, float]:
    """The room for any of these labels."""
    if not labels[0]:
        return {"w": 12, "h": 12}
    return {"w": max(map(_width, labels)) + 10, "h": ROW * max(len(label.split("\n")) for label in labels) + 6}


def _quantity(sketch: dict[str, Any] | None) -> str:
    """A value or gradient as it stands on a line."""
    if sketch is None:
        return ""
    if "several" in sketch:
        return ", ".join(map(_quantity, sketch["several"]))
    if "text" in sketch:
        return str(sketch["text"])
    return in_brackets(sketch["shape"])


Rectangle = tuple[float, float, float, float]
"""Left, top, right and bottom."""


def _placed(view: _View, plain: str) -> dict[str, Any]:
    """The view with the places that Graphviz found, from its output of the kind "plain"."""
    height = 0.0
    centres: dict[str, tuple[float, float]] = {}
    curves: dict[tuple[str, str], list[list[float]]] = {}
    for row in plain.replace("\\\n", "").splitlines():
        kind, *fields = row.split(" ")
        if kind == "graph":
            height = float(fields[2])
        elif kind == "node":
            centres[fields[0]] = (_pixels(fields[1]), _pixels(height - float(fields[2])))
        elif kind == "edge":
            numbers = list(map(float, fields[3 : 3 + 2 * int(fields[2])]))
            points = zip(numbers[::2], numbers[1::2], strict=True)
            curves[fields[0], fields[1]] = [[_pixels(x), _pixels(height - y)] for x, y in points]
    boxes = [{**box, "x": centres[name][0], "y": centres[name][1]} for name, box in view.boxes.items()]
    lines = []
    for i, line in enumerate(view.lines):
        size = view.label_size(line)
        if size is None:
            lines.append({**line, "curves": [curves[line["from"], line["to"]]]})
            continue
        x, y = centres[f"l{i}"]
        both = [curves[line["from"], f"l{i}"], curves[f"l{i}", line["to"]]]
        lines.append({**line, "curves": both, "x": x, "y": y, "w": size[0], "h": size[1]})
    return _moved(boxes, lines, _frames(view, boxes, lines))


def _pixels(inches: float | str) -> float:
    return round(float(inches) * INCH, 1)


def _frames(view: _View, boxes: list[dict[str, Any]], lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rectangles around what is in each open group, the outer ones first."""
    inside: dict[Path, list[Rectangle]] = defaultdict(list)
    for box in boxes:
        inside[view.paths[box["id"]]].append(_rectangle(box))
    for line in filter(_has_label, lines):
        ends = [view.paths[line["from"]], view.paths[line["to"]]]
        inside[common_start(ends)].append(_rectangle(line))
    paths = sorted({path[:n] for path in inside for n in range(1, len(path) + 1)}, key=len, reverse=True)
    frames = []
    for path in paths:
        left, top, right, bottom = _around(inside[path])
        outer = (left - AIR, top - TITLE, right + AIR, bottom + AIR)
        inside[path[:-1]].append(outer)
        frames.append(
            {"group": path[-1], "x": outer[0], "y": outer[1], "w": outer[2] - outer[0], "h": outer[3] - outer[1]}
        )
    return frames[::-1]


def _rectangle(placed: dict[str, Any]) -> Rectangle:
    x, y, w, h = placed["x"], placed["y"], placed["w"], placed["h"]
    return x - w / 2, y - h / 2, x + w / 2, y + h / 2


def _around(rectangles: Iterable[Rectangle]) -> Rectangle:
    lefts, tops, rights, bottoms = zip(*rectangles, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _moved(boxes: list[dict[str, Any]], lines: list[dict[str, Any]], frames: list[dict[str, Any]]) -> dict[str, Any]:
    """All of it, moved so that it begins at the margin. Boxes have their centre as `x` and `y`, frames their corner."""
    corners = [(f["x"], f["y"], f["x"] + f["w"], f["y"] + f["h"]) for f in frames]
    points = [(x, y, x, y) for line in lines for curve in line["curves"] for x, y in curve]
    left, top, right, bottom = _around(
        [*map(_rectangle, boxes), *map(_rectangle, filter(_has_label, lines)), *corners, *points]
    )
    dx, dy = MARGIN - left, MARGIN - top
    for thing in [*boxes, *filter(_has_label, lines), *frames]:
        thing["x"], thing["y"] = round(thing["x"] + dx, 1), round(thing["y"] + dy, 1)
        thing["w"], thing["h"] = round(thing["w"], 1), round(thing["h"], 1)
    for line in lines:
        line["curves"] = [[round(n) for x, y in curve for n in (x + dx, y + dy)] for curve in line["curves"]]
    width, height = round(right - left + 2 * MARGIN), round(bottom - top + 2 * MARGIN)
    return {"width": width, "height": height, "boxes": boxes, "lines": lines, "frames": frames}


def _has_label(line: dict[str, Any]) -> bool:
    return "x" in line

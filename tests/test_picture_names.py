"""Hostile names of Tensors and scopes are shown as the text that they are, wherever a picture writes them."""

import re
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from hostile_names import HOSTILE

from autograd_dl import Tensor, scope
from visualize import draw_graph, render, to_dot
from visualize.text import printable

pytest.importorskip("graphviz")
pygraphviz = pytest.importorskip("pygraphviz")
SVG = "{http://www.w3.org/2000/svg}"
NAMED = sorted(filter(None, HOSTILE), key=len)
LONG = 400
BATCHES = [*(NAMED[i : i + 40] for i in range(0, sum(len(name) <= LONG for name in NAMED), 40))]
BATCHES[-1] = [name for name in BATCHES[-1] if len(name) <= LONG]
BATCHES += [[name] for name in NAMED if len(name) > LONG]  # the layout of several together is more than Graphviz can


def program(names):
    """A graph in which each name stands at a leaf, a scope and a result."""
    total = Tensor(1.0, requires_grad=True)
    for name in names:
        with scope(name):
            total = total * Tensor(2.0, requires_grad=True, name=name) + 1
        total.name = name
    return total


def in_dot(text):
    """As a label of DOT has it: backslashes twice."""
    return printable(text).replace("\\", "\\\\")


def test_there_are_two_hundred():
    assert len(HOSTILE) == len(set(HOSTILE)) == 200
    assert sum(map(len, BATCHES)) == 199  # the empty name is none


@pytest.mark.parametrize("style", ["book", "ops", "layers", "backward"])
@pytest.mark.parametrize("values", ["auto", "symbols"])
def test_no_name_leaves_its_label_in_dot(style, values):
    for name in HOSTILE:
        graph = pygraphviz.AGraph(string=to_dot(program([name]), style=style, values=values))
        plain = pygraphviz.AGraph(string=to_dot(program(["n"]), style=style, values=values))
        assert sorted(graph.nodes()) == sorted(plain.nodes()), ascii(name)
        assert sorted(graph.edges()) == sorted(plain.edges()), ascii(name)
        for node in graph.nodes():
            attributes = set(graph.get_node(node).attr.to_dict())
            assert attributes <= {"label", "shape", "style", "margin", "width", "height", "color", "fillcolor",
                                  "fontcolor", "fontname", "fontsize", "penwidth"}, ascii(name)  # fmt: skip
        if style != "layers" and name:
            assert in_dot(name) in {graph.get_node(node).attr["label"] for node in graph.nodes()}, ascii(name)


def shown(names):
    """The lines of text that a picture of these names has."""
    lines = [line for name in names for line in printable(name).replace("&amp;", "&").split("\n")]
    return Counter(line.replace("\xa0", " ") for line in lines if line.strip())


@pytest.mark.parametrize("names", BATCHES, ids=lambda names: str(len(names[0])))
@pytest.mark.parametrize("style", ["book", "layers", "ops"])
def test_no_name_leaves_its_label_in_svg(tmp_path, style, names):
    graph = draw_graph(program(names), style=style, maximum=None)
    render(graph, tmp_path / "a.svg")
    tree = ET.parse(tmp_path / "a.svg").getroot()
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} <= {
        "svg", "g", "text", "path", "polygon", "polyline", "ellipse",
    }  # fmt: skip
    for element in tree.iter():
        allowed = {"class", "id", "fill", "stroke", "d", "points", "cx", "cy", "rx", "ry", "x", "y", "text-anchor",
                   "font-family", "font-size", "transform", "width", "height", "viewBox", "stroke-width",
                   "stroke-dasharray", "{http://www.w3.org/XML/1998/namespace}space"}  # fmt: skip
        assert set(element.attrib) <= allowed, element.attrib
    boxes = [g for g in tree.iter(f"{SVG}g") if g.get("class") == "node"]
    assert len(boxes) == len(re.findall(r"^\t(?!graph)\w+ \[label=", graph.source, re.M))
    frames = [g for g in tree.iter(f"{SVG}g") if g.get("class") == "cluster"]
    assert len(frames) == (len(names) if style == "ops" else 0)
    drawn = Counter(t.text.replace("\xa0", " ") for t in tree.iter(f"{SVG}text") if t.text)
    assert not shown(names) - drawn


@pytest.mark.parametrize("name", [name for name in HOSTILE if len(name) <= 20], ids=ascii)
def test_a_name_in_symbols_is_text_too(name):
    x = Tensor(2.0, requires_grad=True, name=name)
    graph = pygraphviz.AGraph(string=to_dot(x * x, values="symbols"))
    assert sorted(graph.nodes()) == ["op1", "out", "x0"]
    labels = [edge.attr["label"] for edge in graph.edges()]
    assert len(labels) == 6
    assert not any(edge.attr["URL"] or edge.attr["href"] for edge in graph.edges())

"""In a notebook a recorded Tensor shows its graph, where that can be drawn and read."""

import importlib
import sys
import types
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hostile_names import HOSTILE

from autograd_dl import Tensor, no_grad
from visualize import draw_graph, notebook, plots, rendering
from visualize.notebook import MOST, SVG, TEXT

pytest.importorskip("graphviz")


@pytest.fixture
def recorded():
    return Tensor(2.0, requires_grad=True, name="x") * 3


@pytest.fixture
def without_graphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")


def shows_text_alone(tensor):
    return tensor._repr_mimebundle_() == {TEXT: repr(tensor)}


def test_a_recorded_tensor_shows_its_graph(recorded):
    pytest.importorskip("pygraphviz")
    shown = recorded._repr_mimebundle_(include=None, exclude=None)
    assert set(shown) == {"image/svg+xml", "text/plain"}
    assert shown[TEXT] == "Tensor(6., requires_grad=True)"
    assert "<title>" not in shown[SVG]  # names of the DOT text, as tips where the mouse is
    texts = [t.text.strip() for t in ET.fromstring(shown[SVG].encode()).iter("{http://www.w3.org/2000/svg}text")]
    assert {"x", "×", "6"} <= set(texts)


def test_what_has_no_graph_is_text(recorded):
    with no_grad():
        unrecorded = recorded * 2
    for tensor in (Tensor(2.0, requires_grad=True, name="x"), Tensor([1, 2]), recorded.detach(), unrecorded):
        assert shows_text_alone(tensor)


@pytest.mark.parametrize(("nodes", "is_drawn"), [(MOST, True), (MOST + 1, False)])
def test_a_large_graph_is_text(recorded, monkeypatch, nodes, is_drawn):
    monkeypatch.setattr(notebook, "drawn", lambda source, kind: b"<svg/>")
    for _ in range(nodes - 2):  # x and the product are two
        recorded = np.maximum(recorded, recorded)
    assert (SVG in recorded._repr_mimebundle_()) == is_drawn


def test_without_graphviz_it_is_text(recorded, without_graphviz):
    assert shows_text_alone(recorded)


def test_without_the_extra_it_is_text(recorded, monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    assert shows_text_alone(recorded)


def test_a_failure_of_graphviz_is_text(recorded, monkeypatch):
    pytest.importorskip("pygraphviz")
    monkeypatch.setattr(rendering, "DRAW", "import os; os.abort()")
    assert shows_text_alone(recorded)


def test_arrays_and_released_graphs_are_drawn(recorded):
    pytest.importorskip("pygraphviz")
    x = Tensor(np.ones((2, 0), np.float16), requires_grad=True)
    assert SVG in (x * np.nan)._repr_mimebundle_()
    recorded.backward()
    assert SVG in recorded._repr_mimebundle_()


class TestPicture:
    def test_it_shows_itself(self, recorded):
        pytest.importorskip("pygraphviz")
        graph = draw_graph(recorded)
        shown = graph._repr_mimebundle_(include=None, exclude=None)
        assert shown[SVG].startswith("<?xml")
        assert shown[TEXT] == graph.source

    def test_without_graphviz_it_is_its_text(self, recorded, without_graphviz):
        graph = draw_graph(recorded)
        assert graph._repr_mimebundle_() == {TEXT: graph.source}

    def test_one_too_large_is_its_text(self, recorded, monkeypatch):
        monkeypatch.setattr(rendering, "LARGEST", 3)
        graph = draw_graph(recorded)
        assert graph._repr_mimebundle_() == {TEXT: graph.source}


def test_ipython_takes_it(recorded):
    pytest.importorskip("pygraphviz")
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not among the extras")
    shown, _ = formatters.DisplayFormatter().format(recorded)
    assert set(shown) == {SVG, TEXT}
    shown, _ = formatters.DisplayFormatter().format([recorded])
    assert shown == {TEXT: f"[{recorded!r}]"}


@pytest.fixture
def shell(monkeypatch):
    """IPython's, in which `visualize` is then imported by `importlib.reload(notebook)`."""
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not among the extras")
    shell = types.SimpleNamespace(display_formatter=formatters.DisplayFormatter())
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    return shell


def test_plots_are_shown_without_pyplot(shell):
    mpl = pytest.importorskip("matplotlib.figure")
    importlib.reload(notebook)
    axes = plots.curves({"loss": [2.0, 1.0]})
    for plot in (axes, axes.figure, mpl.Figure().subfigures().subplots()):
        shown, _ = shell.display_formatter.format(plot)
        assert shown["image/png"].startswith(b"\x89PNG")
    axes.figure.canvas.manager = object()  # pyplot's: it shows them itself
    assert set(shell.display_formatter.format(axes)[0]) == {TEXT}
    axes.remove()
    assert notebook.plot_png(axes) is None


def test_how_a_user_has_figures_shown_stays(shell):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    shell.display_formatter.formatters[SVG].for_type(type(figure), lambda figure: "<svg/>")
    importlib.reload(notebook)
    assert shell.display_formatter.format(figure)[0] == {SVG: "<svg/>", TEXT: repr(figure)}


def test_a_terminal_does_not_wait_for_a_picture_that_it_cannot_show(recorded, monkeypatch):
    formatter = types.SimpleNamespace(active_types=[TEXT])
    ipython = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(display_formatter=formatter))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert shows_text_alone(recorded)
    formatter.active_types.append(SVG)
    assert SVG in recorded._repr_mimebundle_()


@pytest.mark.parametrize("name", HOSTILE[::10], ids=lambda name: ascii(name)[:30])
def test_no_name_leaves_its_text(name):
    pytest.importorskip("pygraphviz")
    shown = (Tensor(2.0, requires_grad=True, name=name) * 3)._repr_mimebundle_()
    assert {e.tag.partition("}")[2] for e in ET.fromstring(shown[SVG].encode()).iter()} <= {
        "svg", "g", "polygon", "path", "text", "ellipse"
    }  # fmt: skip

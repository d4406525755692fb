"""From DOT to a picture: by pygraphviz, else by a `dot` on the PATH, else the DOT text itself."""

import os
import stat
import sys
from pathlib import Path

import pytest

from autograd_dl import Tensor
from visualize import draw_graph, render
from visualize.render import RenderError

pytest.importorskip("graphviz")
module = sys.modules["visualize.render"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for `dot` is a shell script")


@pytest.fixture
def graph():
    return draw_graph(Tensor(2.0, requires_grad=True, name="x") * 3)


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without pygraphviz, whose PATH is one empty folder, which is returned."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def stand_in(folder: Path, script: str) -> Path:
    """A program `dot` that is a shell script."""
    file = folder / "dot"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


HEADS = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("upper", [False, True])
def test_by_pygraphviz(graph, tmp_path, kind, upper):
    pytest.importorskip("pygraphviz")
    file = tmp_path / f"a.{kind.upper() if upper else kind}"
    assert render(graph, file) == file
    assert file.read_bytes().startswith(HEADS[kind])


def test_pygraphviz_needs_no_program(graph, tmp_path, monkeypatch):
    pytest.importorskip("pygraphviz")
    monkeypatch.setenv("PATH", "")
    assert render(graph, str(tmp_path / "a.svg")) == tmp_path / "a.svg"


def test_pygraphviz_comes_first(graph, tmp_path, monkeypatch):
    pytest.importorskip("pygraphviz")
    monkeypatch.setattr(module, "_by_program", pytest.fail)
    render(graph, tmp_path / "a.svg")


def test_its_failure_is_told(graph, tmp_path, monkeypatch):
    pygraphviz = pytest.importorskip("pygraphviz")

    def fail(*args, **kwargs):
        raise ValueError("no layout")

    monkeypatch.setattr(pygraphviz.AGraph, "draw", fail)
    with pytest.raises(RenderError, match="pygraphviz could not draw the graph: no layout"):
        render(graph, tmp_path / "a.svg")
    assert list(tmp_path.iterdir()) == []


@posix
class TestProgram:
    def test_it_gets_the_text_and_gives_the_picture(self, graph, tmp_path, bare):
        stand_in(bare, 'echo "$# $1"; PATH=/bin:/usr/bin cat')
        assert render(graph, tmp_path / "a.svg") == tmp_path / "a.svg"
        assert (tmp_path / "a.svg").read_text() == f"1 -Tsvg\n{graph.source}"

    @pytest.mark.parametrize("name", ["a b.svg", "; rm -rf x.svg", "$(touch hacked).svg", "-o.svg", "'.svg", "é ×.svg"])
    def test_the_files_name_goes_through_no_shell(self, graph, tmp_path, bare, name):
        stand_in(bare, 'echo "$# $1"')
        render(graph, tmp_path / name)
        assert (tmp_path / name).read_text() == "1 -Tsvg\n"
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "bin"])

    def test_its_failure_is_told(self, graph, tmp_path, bare):
        program = stand_in(bare, "echo 'syntax error in line 1' >&2; exit 3")
        with pytest.raises(RenderError, match=f"{program} failed: syntax error in line 1"):
            render(graph, tmp_path / "a.svg")
        assert not (tmp_path / "a.svg").exists()

    def test_it_has_a_time_limit(self, graph, tmp_path, bare, monkeypatch):
        monkeypatch.setattr(module, "TIME_LIMIT", 0.2)
        program = stand_in(bare, "exec /bin/sleep 60")
        with pytest.raises(RenderError, match=rf"{program} took more than 0\.2 seconds"):
            render(graph, tmp_path / "a.svg")
        assert not (tmp_path / "a.svg").exists()

    def test_what_cannot_be_run_is_told(self, graph, tmp_path, bare):
        (bare / "dot").write_bytes(b"\x7fELF no program")
        (bare / "dot").chmod(0o755)
        with pytest.raises(RenderError, match=r"dot cannot be run: "):
            render(graph, tmp_path / "a.svg")


class TestWithoutGraphviz:
    @pytest.mark.parametrize("kind", HEADS)
    def test_the_text_is_written_instead(self, graph, tmp_path, bare, kind):
        assert render(graph, tmp_path / f"a.{kind}") == tmp_path / "a.dot"
        assert (tmp_path / "a.dot").read_text(encoding="utf-8") == graph.source
        assert not (tmp_path / f"a.{kind}").exists()

    def test_text_needs_no_graphviz(self, graph, tmp_path, bare):
        assert render(graph, tmp_path / "a.dot") == tmp_path / "a.dot"
        assert render(graph, tmp_path / "a.gv") == tmp_path / "a.gv"


@pytest.mark.parametrize("name", ["a", "a.jpg", "a.", ".svg"])
def test_another_ending(graph, tmp_path, name):
    with pytest.raises(RenderError, match=r"a picture's name ends in \.svg, \.png, \.pdf or \.dot"):
        render(graph, tmp_path / name)


def test_a_graph_that_would_take_hours_is_refused(graph, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 3)
    with pytest.raises(RenderError, match=r"very long over \d+ nodes and edges; write their DOT text, to a\.dot"):
        render(graph, tmp_path / "a.svg")
    assert render(graph, tmp_path / "a.dot").exists()


def test_folders_are_made_and_old_pictures_replaced(graph, tmp_path):
    file = tmp_path / "new" / "a.dot"
    render(graph, file)
    file.write_text("old")
    render(graph, file)
    assert file.read_text(encoding="utf-8") == graph.source
    assert os.listdir(file.parent) == ["a.dot"]

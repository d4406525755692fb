"""From DOT to a picture: by pygraphviz, else by a `dot` on the PATH, else the DOT text itself."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import pytest

from autograd_dl import Tensor, errors
from autograd_dl.errors import DTypeError, MissingExtraError
from visualize import draw_graph, draw_perceptron, plots, render
from visualize import rendering as module
from visualize.cost import ranks_crossed
from visualize.fonts import japanese_font
from visualize.rendering import NoGraphvizWarning, RenderError, ScaledWarning

pytest.importorskip("graphviz")
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


def test_its_failure_is_told(graph, tmp_path):
    pytest.importorskip("pygraphviz")
    graph.body.append("-> broken\n")
    with pytest.raises(RenderError, match=r"pygraphviz could not draw .*\(exit status 1\): (?s:.*)\n\w+Error: \w"):
        render(graph, tmp_path / "a.svg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os; os.abort()", r"exit status -?\d+\): it said nothing"),
        ("", r"exit status 0\): it said nothing, and made no picture"),
        ("import time; time.sleep(60)", r"took more than 0\.5 seconds; write the graph's DOT text"),
    ],
)
def test_a_crash_a_silence_and_a_hang_are_failures(graph, tmp_path, monkeypatch, program, words):
    pytest.importorskip("pygraphviz")
    monkeypatch.setattr(module, "DRAW", program)
    if "sleep" in program:
        monkeypatch.setattr(module, "TIME_LIMIT", 0.5)
    with pytest.raises(RenderError, match=rf"pygraphviz .*{words}"):
        render(graph, tmp_path / "a.svg")


def test_a_broken_pygraphviz_is_none(graph, tmp_path, monkeypatch):
    pytest.importorskip("pygraphviz")
    monkeypatch.setattr(module, "DRAW", module.DRAW.replace("import pygraphviz", "raise ImportError('no library')"))
    monkeypatch.setenv("PATH", "")
    with pytest.warns(NoGraphvizWarning, match=r'to make a\.svg: python -c "import pygraphviz", which fails, says'):
        assert render(graph, tmp_path / "a.svg") == tmp_path / "a.dot"


def test_its_warnings_are_not_shown(graph, tmp_path, capfd, monkeypatch):
    pytest.importorskip("pygraphviz")
    monkeypatch.setattr(module, "DRAW", "import sys; print('fonts', file=sys.stderr)" + module.DRAW)
    render(graph, tmp_path / "a.svg")
    assert capfd.readouterr() == ("", "")


def test_a_file_in_the_current_folder_is_not_the_library(graph, tmp_path, monkeypatch):
    pytest.importorskip("pygraphviz")
    (tmp_path / "pygraphviz.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    assert render(graph, "a.svg").exists()


def test_a_leaf_that_every_op_reads_does_not_hang(tmp_path):
    pytest.importorskip("pygraphviz")
    y = x = Tensor(1.0, requires_grad=True, name="x")
    for _ in range(50):
        y = y * 0.999 + x
    started = time.perf_counter()
    assert render(draw_graph(y), tmp_path / "a.svg").exists()
    assert time.perf_counter() - started < 20  # it is 0.2; with one box for x, it was minutes


@posix
def test_an_interruption_stops_it(tmp_path):
    pytest.importorskip("pygraphviz")
    beats = tmp_path / "beats"
    program = f"""
import signal, sys
from visualize import rendering
from autograd_dl.app.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
rendering.DRAW = '''
import time
for _ in range(1000):
    print(file=open({str(beats)!r}, "a"))
    time.sleep(0.05)
'''
sys.exit(main(["graph", "apple", "-o", {str(tmp_path / "a.svg")!r}]))
"""
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        while not beats.exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, "autograd-dl: interrupted\n")
    count = beats.stat().st_size
    time.sleep(0.3)
    assert beats.stat().st_size == count
    assert list(tmp_path.iterdir()) == [beats]


@posix
class TestProgram:
    def test_it_gets_the_text_and_gives_the_picture(self, graph, tmp_path, bare):
        stand_in(bare, 'echo "$# $1"; PATH=/bin:/usr/bin cat')
        assert render(graph, tmp_path / "a.svg") == tmp_path / "a.svg"
        assert (tmp_path / "a.svg").read_text(encoding="utf-8") == f"1 -Tsvg\n{graph.source}"

    @pytest.mark.parametrize("end", [r"\n", r"\r\n"], ids=["here", "Windows"])
    def test_its_titles_are_left_out(self, graph, tmp_path, bare, end):
        stand_in(bare, f"printf '<svg>{end}<title>x0</title>{end}<g/></svg>'")
        assert render(graph, tmp_path / "a.svg").read_text(encoding="utf-8") == "<svg>\n<g/></svg>"

    @pytest.mark.skipif(japanese_font() is None, reason="matplotlib-fontja, which has the font, is not installed")
    def test_it_is_told_of_the_japanese_font(self, graph, tmp_path, bare):
        stand_in(bare, 'PATH=/bin:/usr/bin cat "$FONTCONFIG_FILE"')
        assert f"<dir>{japanese_font().parent}</dir>" in render(graph, tmp_path / "a.svg").read_text(encoding="utf-8")

    @pytest.mark.parametrize("name", ["a b.svg", "; rm -rf x.svg", "$(touch hacked).svg", "-o.svg", "'.svg", "é ×.svg"])
    def test_the_files_name_goes_through_no_shell(self, graph, tmp_path, bare, name):
        stand_in(bare, 'echo "$# $1"')
        render(graph, tmp_path / name)
        assert (tmp_path / name).read_text() == "1 -Tsvg\n"
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "bin"])

    def test_its_failure_is_told(self, graph, tmp_path, bare):
        program = stand_in(bare, r"echo '<svg'; printf 'no \377\n' >&2; exit 3")
        with pytest.raises(RenderError, match=rf"{program} could not draw .*\(exit status 3\): no \ufffd$"):
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
        with pytest.warns(NoGraphvizWarning) as told:
            assert render(graph, tmp_path / f"a.{kind}") == tmp_path / "a.dot"
        text, picture = tmp_path / "a.dot", tmp_path / f"a.{kind}"
        assert [str(warning.message) for warning in told] == [
            f"{text} was written: no Graphviz was found to make a.{kind}: pip install pygraphviz, "
            f"or: dot -T{kind} {text} -o {picture}"
        ]
        assert told[0].filename == __file__
        assert (tmp_path / "a.dot").read_text(encoding="utf-8") == graph.source
        assert not (tmp_path / f"a.{kind}").exists()

    def test_the_command_is_one_for_windows_there(self, monkeypatch):
        monkeypatch.setattr(errors, "os", SimpleNamespace(name="nt"))
        told = module.how_to_draw(PureWindowsPath(r"runs\graph.dot"), PureWindowsPath(r"my runs\graph.svg"))
        assert told.endswith(r'or: dot -Tsvg runs\graph.dot -o "my runs\graph.svg"')

    def test_text_needs_no_graphviz(self, graph, tmp_path, bare):
        assert render(graph, tmp_path / "a.dot") == tmp_path / "a.dot"
        assert render(graph, tmp_path / "a.gv") == tmp_path / "a.gv"


class TestPicture:
    """What `draw_graph` returns."""

    @pytest.mark.parametrize("method", ["save", "render"])
    @pytest.mark.parametrize("kind", HEADS)
    def test_it_writes_itself(self, graph, tmp_path, method, kind):
        pytest.importorskip("pygraphviz")
        file = tmp_path / f"a.{kind}"
        assert getattr(graph, method)(str(file)) == file
        assert file.read_bytes().startswith(HEADS[kind])
        assert list(tmp_path.iterdir()) == [file]

    @pytest.mark.parametrize(
        ("name", "kind", "written"),
        [
            ("a", "png", "a.png"), ("b.c", None, "b.c.pdf"), ("a.png", "png", "a.png"), ("a.svg", "png", "a.svg.png"),
            ("a.PNG", "png", "a.PNG"), ("a.dot", None, "a.dot"), ("a.gv", "gv", "a.gv"), ("a.dot", "svg", "a.dot.svg"),
        ],
    )  # fmt: skip
    def test_a_name_without_the_formats_ending_gets_it(self, graph, tmp_path, name, kind, written):
        pytest.importorskip("pygraphviz")
        assert graph.render(tmp_path / name, format=kind) == tmp_path / written
        assert [file.name for file in tmp_path.iterdir()] == [written]
        content = (tmp_path / written).read_bytes()
        assert content.startswith(HEADS.get(written.rpartition(".")[2].lower(), b"digraph"))

    def test_it_is_rendered_as_graphviz_has_it(self, graph, tmp_path):
        pytest.importorskip("pygraphviz")
        assert graph.pipe().startswith(HEADS["pdf"])
        graph.format = "svg"
        assert graph.render(tmp_path / "d") == tmp_path / "d.svg"
        assert graph.pipe("png").startswith(HEADS["png"])
        assert graph.pipe(encoding="latin-1").encode("latin-1") == graph.pipe() == (tmp_path / "d.svg").read_bytes()

    def test_it_cannot_be_piped_without_graphviz(self, graph, bare):
        with pytest.raises(RenderError, match="no Graphviz was found"):
            graph.pipe("svg")

    def test_its_text(self, graph, tmp_path):
        assert graph.save(tmp_path / "a.dot").read_text(encoding="utf-8") == graph.source

    @pytest.mark.parametrize("method", ["save", "render"])
    def test_without_graphviz_the_warning_points_to_the_callers_line(self, graph, tmp_path, bare, method):
        with pytest.warns(NoGraphvizWarning) as told:
            getattr(graph, method)(tmp_path / "a.svg")
        assert told[0].filename == __file__

    def test_a_copy_is_one_too(self, graph, tmp_path):
        graph.copy().save(tmp_path / "a.gv")
        with graph.subgraph(name="cluster") as part:
            part.node("inside")
        assert "inside" in graph.source

    def test_it_can_be_shown_by_the_system(self, graph, tmp_path, monkeypatch):
        pytest.importorskip("pygraphviz")
        shown = []
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        monkeypatch.setattr("graphviz.view", shown.append)
        assert [graph.view()] == shown
        assert shown[0].read_bytes().startswith(HEADS["svg"])

    def test_what_was_written_instead_is_shown(self, graph, tmp_path, bare, monkeypatch):
        shown = []
        monkeypatch.setattr("graphviz.view", shown.append)
        with pytest.warns(NoGraphvizWarning):
            assert graph.render(tmp_path / "a.svg", view=True) == tmp_path / "a.dot"
        assert shown == [tmp_path / "a.dot"]


def test_a_picture_too_large_for_its_format_warns(tmp_path):
    pytest.importorskip("pygraphviz")
    graph = draw_graph(Tensor(1.0, requires_grad=True) * 2)
    graph.attr("graph", ranksep="500")
    with pytest.warns(ScaledWarning, match=r"drawn at \d+% of its size; write .svg") as told:
        render(graph, tmp_path / "a.png")
    assert [warning.filename for warning in told] == [__file__]


@pytest.mark.parametrize("name", ["a", "a.jpg", "a.", ".svg"])
def test_another_ending(graph, tmp_path, name):
    with pytest.raises(RenderError, match=r"a picture's name ends in \.svg, \.png, \.pdf or \.dot"):
        render(graph, tmp_path / name)


@pytest.mark.parametrize("wrong", [Tensor(1.0, requires_grad=True) * 2, "digraph {}", None])
def test_what_is_no_drawn_graph(wrong, tmp_path):
    with pytest.raises(
        DTypeError, match=rf"^render takes a drawn graph, not {type(wrong).__name__}: pass draw_graph\("
    ):
        render(wrong, tmp_path / "a.svg")
    assert list(tmp_path.iterdir()) == []


def test_a_figure_of_matplotlib_saves_itself():
    pytest.importorskip("matplotlib")
    with pytest.raises(
        DTypeError, match=r"^render takes a drawn graph, not Figure: write figure\.savefig\('p\.png'\)$"
    ):
        render(draw_perceptron(2), "p.png")
    with pytest.raises(DTypeError, match=r"not Axes: write axes\.figure\.savefig\('p\.png'\)$"):
        render(plots.curves({"loss": [2, 1]}), "p.png")


def test_a_graph_that_would_take_hours_is_refused(graph, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", len(graph.body))
    assert not module.is_too_large(graph)
    monkeypatch.setattr(module, "LARGEST", len(graph.body) - 1)
    with pytest.raises(RenderError, match=r"very long over \d+ nodes and edges; write their DOT text, to a\.dot"):
        render(graph, tmp_path / "a.svg")
    assert render(graph, tmp_path / "a.dot").exists()


def test_lines_across_too_many_ranks_are_refused_too(graph, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WIDEST", -1)
    with pytest.raises(RenderError, match="very long over"):
        render(graph, tmp_path / "a.svg")


@pytest.mark.parametrize(("widest", "is_too_large"), [(0, True), (1, False)])
def test_names_in_quotes_are_counted_as_well(monkeypatch, widest, is_too_large):
    monkeypatch.setattr(module, "WIDEST", widest)
    picture = module.new_picture()
    picture.edges([("a b", 'a "c" -> d'), ('a "c" -> d', "e f"), ("a b", "e f")])
    assert module.is_too_large(picture) == is_too_large


def test_the_ranks_that_lines_cross():
    assert ranks_crossed([]) == 0
    assert ranks_crossed([("a", "b"), ("b", "c"), ("a", "c")]) == 1
    assert ranks_crossed([("a", "b"), ("b", "c"), ("late", "c")]) == 0  # `late` is drawn beside b
    assert ranks_crossed(["ab", "bc", "cd", "uv", "vd"]) == 0  # and so is what leads to v
    assert ranks_crossed(["ab", "bc", "ad"]) == 0  # d is drawn beside b
    assert ranks_crossed(["ab", "bc", "cd", "ad", "ax", "xd"]) == 3
    assert ranks_crossed([("a", "b"), ("b", "a"), ("c", "a")]) >= 0  # a circle has no ranks
    assert ranks_crossed([("a", "b"), ("b", "a"), ("b", "c")]) >= 0


def test_an_empty_picture_names_the_extra_that_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(MissingExtraError, match=r'needs graphviz, .*"autograd_dl\[viz\]"'):
        module.new_picture()


def test_folders_are_made_and_old_pictures_replaced(graph, tmp_path):
    file = tmp_path / "new" / "a.dot"
    render(graph, file)
    file.write_text("old")
    render(graph, file)
    assert file.read_text(encoding="utf-8") == graph.source
    assert os.listdir(file.parent) == ["a.dot"]


@posix
def test_a_second_interruption_ends_the_command_without_a_traceback(tmp_path):
    program = f"""
import signal, sys
from autograd_dl.app import cli
signal.signal(signal.SIGINT, signal.default_int_handler)
def interrupted(*arguments):
    signal.raise_signal(signal.SIGINT)
cli.COMMANDS["graph"] = cli._way_on = interrupted
sys.exit(cli.main(["graph", "apple", "-o", {str(tmp_path / "a.svg")!r}]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")

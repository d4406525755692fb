"""From DOT to a picture: by pygraphviz, whose wheels bring Graphviz along, or by a `dot` on the PATH.

Both run in a process of their own, pygraphviz too. Graphviz can take hours over a graph, and a process can be stopped;
it can crash; it prints warnings of fonts; and where to find fonts it reads once, as it is loaded.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from autograd_dl.errors import AutogradError, DTypeError, command_line, steps_to_the_user
from autograd_dl.optional import need
from autograd_dl.serialization import write_bytes

from .cost import ranks_crossed
from .fonts import with_japanese

if TYPE_CHECKING:
    import graphviz

    from .picture import Picture

FORMATS = ("svg", "png", "pdf")
TIME_LIMIT = 120
"""Seconds that Graphviz may take."""
LARGEST = 20_000
"""Nodes and edges that Graphviz lays out in about that time: it takes four times as long for twice as many."""
WIDEST = 50_000
"""Ranks between the ends of edges, likewise."""
BROKEN = 77
"""The exit status that says that pygraphviz is installed, but cannot be imported."""
DRAW = f"""
import sys
try:
    import pygraphviz
except ImportError:
    sys.exit({BROKEN})
try:
    picture = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode()).draw(format=sys.argv[1], prog="dot")
except Exception as error:
    sys.exit(type(error).__name__ + ": " + str(error))
sys.stdout.buffer.write(picture)
"""
"""The program that draws with pygraphviz."""


class RenderError(AutogradError, RuntimeError):
    """Graphviz could not draw the picture."""


class ScaledWarning(UserWarning):
    """The picture is larger than a PNG can be, and was drawn smaller."""


class NoGraphvizWarning(UserWarning):
    """No Graphviz was found: the graph's text was written instead of its picture."""


def new_picture() -> Picture:
    """An empty picture, to which nodes and edges are added as to any `graphviz.Digraph`.

    Raises
    ------
    MissingExtraError
        If the extra "viz" is not installed.
    """
    need("graphviz", "viz")
    from .picture import Picture

    return Picture()


def render(graph: graphviz.Digraph, file: str | os.PathLike[str]) -> Path:
    """Write the picture to a file, of the kind that its ending says: .svg, .png, .pdf or .dot.

    Folders of its path that are missing are made. Where no Graphviz is found, the DOT text is written beside it, as
    FILE.dot, instead; a `NoGraphvizWarning` says how to make a picture of it.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    DTypeError
        If `graph` is none, a Tensor for instance.
    RenderError
        For another ending, for a graph too large to lay out, or if Graphviz fails.
    """
    written = write_picture(graph, Path(file))
    if written != Path(file):
        text = f"{written} was written: {how_to_draw(written, Path(file))}"
        warnings.warn(text, NoGraphvizWarning, stacklevel=steps_to_the_user(("visualize",)))
    return written


def write_picture(graph: graphviz.Digraph, path: Path) -> Path:
    """As `render`, for callers that report the fallback themselves."""
    if not hasattr(graph, "body"):
        figure = "figure" if hasattr(graph, "savefig") else "axes.figure" if hasattr(graph, "get_figure") else None
        how = f"write {figure}.savefig({str(path)!r})" if figure else "pass draw_graph(tensor)"
        raise DTypeError(f"render takes a drawn graph, not {type(graph).__name__}: {how}")
    kind = path.suffix.lower().removeprefix(".")
    if kind in ("dot", "gv"):
        return write_bytes(path, graph.source.encode())
    if kind not in FORMATS:
        raise RenderError(f"{path}: a picture's name ends in {', '.join('.' + f for f in FORMATS)} or .dot")
    if is_too_large(graph):
        raise RenderError(
            f"{path}: Graphviz would take very long over {len(graph.body):,} nodes and edges; "
            f"write their DOT text, to {path.with_suffix('.dot').name}, or draw a part of the graph"
        )
    picture = drawn(graph.source, kind)
    return write_picture(graph, path.with_suffix(".dot")) if picture is None else write_bytes(path, picture)


def drawn(source: str, kind: str) -> bytes | None:
    """The picture of a DOT text in a format of Graphviz's ("svg", "plain", ...); None where no Graphviz is found."""
    picture = _by_pygraphviz(source, kind) or _by_program(source, kind)
    if picture is None or kind != "svg":
        return picture
    return re.sub(rb"<title>[^<]*</title>\s*", b"", picture)  # names of the text, x0, which browsers show as tips


def need_drawn(source: str, kind: str) -> bytes:
    """As `drawn`, where there must be a picture. Raises `RenderError` if no Graphviz is found."""
    picture = drawn(source, kind)
    if picture is None:
        raise RenderError(f"no Graphviz was found: {remedy()}")
    return picture


def is_too_large(graph: graphviz.Digraph) -> bool:
    """Whether Graphviz would take hours over it."""
    return len(graph.body) > LARGEST or ranks_crossed(_edges(graph)) > WIDEST


def how_to_draw(text: Path, picture: Path) -> str:
    """What to do where no Graphviz was found, once it has been installed."""
    command = ["dot", f"-T{picture.suffix[1:].lower()}", str(text), "-o", str(picture)]
    return f"no Graphviz was found to make {picture.name}: {remedy()}, or: {command_line(command)}"


def remedy() -> str:
    """How pygraphviz is had, where no Graphviz was found: it may be installed, and not what it needs of the system."""
    if importlib.util.find_spec("pygraphviz") is None:
        return "pip install pygraphviz"
    return 'python -c "import pygraphviz", which fails, says what it lacks'


def _edges(graph: graphviz.Digraph) -> list[tuple[str, str]]:
    found = (re.match(r'\s*("(?:[^"\\]|\\.)*"|\S+) -> ("(?:[^"\\]|\\.)*"|\S+)', line) for line in graph.body)
    return [(match[1], match[2]) for match in found if match]


def _by_pygraphviz(source: str, kind: str) -> bytes | None:
    if importlib.util.find_spec("pygraphviz") is None:
        return None
    # -P: a pygraphviz.py in the current folder is not the library
    done = _run("pygraphviz", [sys.executable, "-P", "-c", DRAW, kind], source)
    return None if done.returncode == BROKEN else _picture("pygraphviz", done)


def _by_program(source: str, kind: str) -> bytes | None:
    program = shutil.which("dot")
    if program is None:
        return None
    return _picture(program, _run(program, [program, f"-T{kind}"], source))


def _run(name: str, command: list[str], source: str) -> subprocess.CompletedProcess[bytes]:
    """Give the DOT text to a command, which is stopped when time is up, or this process is interrupted."""
    try:
        with with_japanese() as environment:
            return subprocess.run(
                command, input=source.encode(), capture_output=True, timeout=TIME_LIMIT, env=environment
            )
    except subprocess.TimeoutExpired as error:
        raise RenderError(
            f"{name} took more than {TIME_LIMIT} seconds; write the graph's DOT text, to a file that ends in .dot, "
            "or draw a part of the graph"
        ) from error
    except OSError as error:
        raise RenderError(f"{name} cannot be run: {error.strerror}") from error


def _picture(name: str, done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip() or "it said nothing, and made no picture"
        raise RenderError(f"{name} could not draw the graph (exit status {done.returncode}): {said}")
    scaled = re.search(rb"Scaling by ([\d.]+)", done.stderr)
    if scaled:
        size = f"{float(scaled[1]):.0%}"
        text = f"the picture is too large for its format, and was drawn at {size} of its size; write .svg"
        warnings.warn(text, ScaledWarning, stacklevel=steps_to_the_user(("visualize", "autograd_dl")))
    return done.stdout

"""From DOT to a picture: by pygraphviz, whose wheels bring Graphviz along, or by a `dot` on the PATH."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from autograd_dl.errors import AutogradError
from autograd_dl.serialization import replacing

from .cost import ranks_crossed

if TYPE_CHECKING:
    import graphviz

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
"""Run by a process of its own, which can be stopped, and whose warnings about fonts no one need read."""


class RenderError(AutogradError, RuntimeError):
    """Graphviz could not draw the picture."""


def render(graph: graphviz.Digraph, file: str | os.PathLike[str]) -> Path:
    """Write the picture to a file, of the kind that its ending says: .svg, .png, .pdf or .dot.

    Where no Graphviz is found, the DOT text is written beside it, as FILE.dot, instead.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    RenderError
        For another ending, for a graph too large to lay out, or if Graphviz fails.
    """
    path = Path(file)
    kind = path.suffix.lower().removeprefix(".")
    if kind in ("dot", "gv"):
        return _write(path, graph.source.encode())
    if kind not in FORMATS:
        raise RenderError(f"{path}: a picture's name ends in {', '.join('.' + f for f in FORMATS)} or .dot")
    if len(graph.body) > LARGEST or ranks_crossed(_edges(graph)) > WIDEST:
        raise RenderError(
            f"{path}: Graphviz would take very long over {len(graph.body):,} nodes and edges; "
            f"write their DOT text, to {path.with_suffix('.dot').name}, or draw a part of the graph"
        )
    picture = _by_pygraphviz(graph.source, kind) or _by_program(graph.source, kind)
    return _write(path.with_suffix(".dot"), graph.source.encode()) if picture is None else _write(path, picture)


def _write(path: Path, content: bytes) -> Path:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


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
        return subprocess.run(command, input=source.encode(), capture_output=True, timeout=TIME_LIMIT)
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
    return done.stdout

"""From DOT to a picture: by pygraphviz, whose wheels bring Graphviz along, or by a `dot` on the PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from autograd_dl.errors import AutogradError
from autograd_dl.serialization import replacing

if TYPE_CHECKING:
    import graphviz

FORMATS = ("svg", "png", "pdf")
TIME_LIMIT = 120
"""Seconds that a `dot` program may take."""
LARGEST = 20_000
"""Nodes and edges that Graphviz lays out in about that time: it takes four times as long for twice as many."""


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
    if len(graph.body) > LARGEST:
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


def _by_pygraphviz(source: str, kind: str) -> bytes | None:
    try:
        import pygraphviz
    except ImportError:
        return None
    try:
        drawn = pygraphviz.AGraph(string=source).draw(format=kind, prog="dot")
    except (ValueError, OSError) as error:
        raise RenderError(f"pygraphviz could not draw the graph: {error}") from error
    return bytes(drawn)


def _by_program(source: str, kind: str) -> bytes | None:
    program = shutil.which("dot")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, f"-T{kind}"], input=source.encode(), capture_output=True, timeout=TIME_LIMIT, check=True
        )
    except subprocess.CalledProcessError as error:
        raise RenderError(f"{program} failed: {error.stderr.decode(errors='replace').strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise RenderError(f"{program} took more than {TIME_LIMIT} seconds") from error
    except OSError as error:
        raise RenderError(f"{program} cannot be run: {error.strerror}") from error
    return done.stdout

"""A Digraph of the library graphviz that is drawn as `render` draws, in a notebook too."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import graphviz

from .notebook import bundle
from .rendering import render


class Picture(graphviz.Digraph):  # type: ignore[misc]  # graphviz ships no types
    r"""A `graphviz.Digraph` whose files are made by `visualize.render`, by the endings of their names.

    >>> picture = Picture()
    >>> picture.edge("x", "f")
    >>> picture.source
    'digraph {\n\tx -> f\n}\n'
    """

    render = save = render

    def view(self) -> Path:
        """Draw into a file of the system's temporary folder, and have the system show it."""
        written = self.render(Path(tempfile.mkdtemp(), "graph.svg"))
        graphviz.view(written)
        return written

    def _repr_mimebundle_(self, **_wanted: Any) -> dict[str, str]:
        return bundle(self, self.source)

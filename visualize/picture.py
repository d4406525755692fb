"""A Digraph of the library graphviz that is drawn as `render` draws, in a notebook too."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import graphviz

from .notebook import bundle
from .rendering import FORMATS, need_drawn, render


class Picture(graphviz.Digraph):  # type: ignore[misc]  # graphviz ships no types
    r"""A `graphviz.Digraph` whose files are made by `visualize.render`, by the endings of their names.

    >>> picture = Picture()
    >>> picture.edge("x", "f")
    >>> picture.source
    'digraph {\n\tx -> f\n}\n'
    """

    save = render

    def render(self, filename: str | os.PathLike[str], *, format: str | None = None, view: bool = False) -> Path:
        """Draw into a file, as `visualize.render` does. A name without a picture's ending gets that of `format`.

        `format` is that of the picture, `picture.format`, if it is not given. With `view`, the system shows the file.
        """
        path = Path(filename)
        ending = path.suffix.lower().removeprefix(".")
        if ending not in (*FORMATS, "dot", "gv") or ending != (format or ending):
            path = path.with_name(f"{path.name}.{format or self.format}")
        written = render(self, path)
        if view:
            graphviz.view(written)
        return written

    def pipe(self, format: str | None = None, *, encoding: str | None = None) -> bytes | str:
        """The picture itself: bytes, or text in the encoding."""
        picture = need_drawn(self.source, format or self.format)
        return picture if encoding is None else picture.decode(encoding)

    def view(self) -> Path:
        """Draw into a file of the system's temporary folder, and have the system show it."""
        return self.render(Path(tempfile.mkdtemp(), "graph.svg"), view=True)

    def _repr_mimebundle_(self, **_wanted: Any) -> dict[str, str]:
        return bundle(self, self.source)

"""A page that steps through a program's computation, forward and then backward, for a browser."""

from __future__ import annotations

import os
from pathlib import Path

from autograd_dl import Tensor
from autograd_dl.serialization import write_bytes

from ..graph import check_tensor
from ..rendering import RenderError
from .folding import views
from .page import page
from .story import story


def explore(loss: Tensor, file: str | os.PathLike[str] = "graph.html") -> Path:
    """Write a page that steps through the computation of `loss`, forward and then backward.

    The page is one HTML file, which needs no network. At each step back it shows the gradient that arrives, the local
    derivative, their product, and the sum where branches meet. Scopes open and close; of a long program, which no one
    could read at once, ops stand in groups that open. A program of single numbers is computed again when a leaf is
    changed. The line of the source that recorded an op is known for what ran inside `detect_anomaly()`.

    Parameters
    ----------
    loss : Tensor
        Of one element, on a live graph: before `backward()`, or after `backward(retain_graph=True)`. No `.grad` is
        touched, and nothing is released.
    file : path
        Its name ends in .html or .htm.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    DTypeError
        If `loss` is no Tensor.
    GraphError
        If nothing was recorded, or the graph was released.
    ShapeError
        If `loss` has several elements.
    RenderError
        For another ending; for more than 50,000 ops and leaves; if no Graphviz is found, which places the boxes, or if
        it fails.
    """
    check_tensor(loss, "explore")
    path = Path(file)
    if path.suffix.lower() not in (".html", ".htm"):
        raise RenderError(f"{path}: a page's name ends in .html or .htm")
    told = story(loss)
    return write_bytes(path, page(told, views(told)).encode())

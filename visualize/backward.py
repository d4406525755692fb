"""The graph of the computation of gradients: what `backward()` would do, recorded."""

from __future__ import annotations

from autograd_dl import Tensor, gradients
from autograd_dl.engine import Leaf, toposort
from autograd_dl.errors import GraphError
from autograd_dl.tensor import tensor_of

from .graph import ordered
from .symbols import names_of
from .trace import End
from .translation import translated


def gradient_graph(output: Tensor, lang: str | None) -> list[End]:
    """The gradient of `output` with respect to each leaf, in the order in which leaves were made, and its name.

    No `.grad` is touched, and nothing is released. Raises what `gradients` raises.
    """
    root = output.node
    if root is None or not root.requires_grad:
        raise GraphError("there is no backward computation to draw: nothing that the output was made of requires grad")
    leaves = [node for node in reversed(toposort([root])) if isinstance(node, Leaf)]
    names = names_of(ordered([root]), output)
    found = gradients(output, [tensor_of(leaf.value, leaf) for leaf in leaves], create_graph=True)
    return [
        End(g, f"∂{translated(names[root], lang)}/∂{translated(names[leaf], lang)}")
        for leaf, g in zip(leaves, found, strict=True)
    ]

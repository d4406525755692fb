"""The gallery of pictures: each beside the line of Python that made it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import visualize
from autograd_dl import Tensor, functional, scope
from autograd_dl.errors import AutogradError
from autograd_dl.serialization import write_bytes

from . import graphs
from .files import write_figure

IMAGES = "images/gallery"
"""The folder of the pictures, beside the page."""
IMPORTS = """from models import SimpleConvNet
from visualize import *
from visualize import plots
from autograd_dl.app.graphs import *
from autograd_dl.app.gallery import *
"""
"""What the lines take."""
HEAD = f"""# Gallery

The figures of the book, and what else the pictures can show; each with the line that made it. `autograd-dl gallery
--out docs` makes this page. The lines take these imports. `render(picture, "a.svg")` writes the picture of a graph,
`.savefig("a.png")` a figure, `.figure.savefig("a.png")` axes. `network("deep-convnet")` is the loss of a network on
a hundred digits.

```python
{IMPORTS}```

To step through backpropagation, open [apples and oranges](explore/apple-orange.html) or [a small
network](explore/two-layers.html) in a browser: pages that need nothing else (`autograd-dl explore apple-orange -o
apple-orange.html`).
"""


class Picture(NamedTuple):
    """A picture of the gallery: its name, what it shows, and the expression that makes it."""

    name: str
    shows: str
    code: str


GALLERY: dict[str, list[Picture]] = {
    "Neurons": [
        Picture("perceptron", "A perceptron (2.1)", "draw_perceptron(2)"),
        Picture("perceptron-bias", "Its bias as a weight, and its activation (3.1)",
                'draw_perceptron(2, "b", activation="h")'),
        Picture("layers", "A network with one hidden layer (3.1.1)", "draw_layers([2, 3, 2])"),
        Picture("layer-symbols", "One layer, by symbols (3.3.3)", "draw_affine((2, 3))"),
        Picture("layer-numbers", "The same by numbers", "draw_affine([[1, 3, 5], [2, 4, 6]], x=[1, 2])"),
        Picture("hidden-layer", "A layer with biases, in red (3.4)",
                'draw_affine((2, 3), bias=True, names=("x", "w", "b", "a"), red=True)'),
        Picture("learning-cycle", "The steps of learning (4.5)", "draw_learning_cycle()"),
        Picture("learning-cycle-ja", "The same in Japanese", 'draw_learning_cycle(lang="ja")'),
    ],
    "Apples and oranges": [
        Picture("node-and-edge", "What a node is, and what an edge (5.1)", "draw_node_and_edge()"),
        Picture("apple-inside", "Two apples, constants inside the nodes (5.1.1)",
                'draw_graph(apple_constants(), constants="inside", gradients=False)'),
        Picture("apple-inputs", "Two apples, constants as inputs", "draw_graph(apple(), gradients=False)"),
        Picture("apple", "Two apples, with the gradients on the way back (5.1.3)", "draw_graph(apple())"),
        Picture("apple-orange", "Apples and oranges (5.1.1, 5.4.2)", "draw_graph(apple_orange())"),
        Picture("apple-orange-ja", "The same in Japanese", 'draw_graph(apple_orange(), lang="ja")'),
        Picture("part", "A part of it alone: the oranges", "draw_graph(oranges())"),
    ],
    "The chain rule": [
        Picture("local-derivative", "Backpropagation through one node (5.2.1)", "draw_local_derivative()"),
        Picture("square-forward", "z = (x + y)², forward (5.2)",
                'draw_graph(chain_rule(), values="symbols", constants="inside", gradients=False)'),
        Picture("square", "and backward, by symbols", 'draw_graph(chain_rule(), values="symbols", constants="inside")'),
        Picture("sum-of-products", "2x + 3y · 4z",
                'draw_graph(sum_of_products(), values="symbols", constants="inside")'),
        Picture("second-order", "The gradient of (x + y)² is a graph, too",
                'draw_graph(chain_rule(), style="backward")'),
    ],
    "Layers": [
        Picture("add", "Addition (5.3.1)", 'draw_node("add")'),
        Picture("multiply", "Multiplication (5.3.2)", 'draw_node("multiply")'),
        Picture("dot", "The product of matrices (5.6)", 'draw_node("dot")'),
        Picture("relu", "ReLU (5.5.1)", 'draw_node("relu")'),
        Picture("sigmoid", "Sigmoid, of its parts (5.5.2)", "draw_graph(sigmoid(), expand=True)"),
        Picture("affine-shapes", "Affine, with shapes (5.6.1)", "draw_affine_shapes(2, 3)"),
        Picture("affine", "An affine layer as it was recorded", "draw_graph(affine())"),
        Picture("softmax-with-loss", "Softmax with loss, as one op", "draw_graph(softmax_with_loss())"),
        Picture("softmax-with-loss-parts", "and of its parts (5.6.3)",
                'draw_graph(softmax_with_loss(), expand=True)'),
        Picture("batch-norm", "Batch normalization, op by op (6.3)", "draw_graph(batch_norm(), expand=True)"),
        Picture("batch-norm-network", "Where batch normalization stands (6.3)", "draw_batch_norm_network()"),
        Picture("im2col", "im2col on a small image (7.4.2)", "draw_im2col()"),
    ],
    "Networks": [
        Picture("simple-convnet", "SimpleConvNet (7.5)", 'draw_graph(network("simple-convnet"), style="layers")'),
        Picture("simple-convnet-red", "its first layer in red (7.6.1)",
                'draw_graph(network("simple-convnet"), style="layers", highlight=["Conv1"])'),
        Picture("deep-convnet", "DeepConvNet (8.1)",
                'draw_graph(network("deep-convnet"), style="layers", rankdir="TB")'),
        Picture("two-layer-net", "The two-layer network, op by op, with gradients",
                'draw_graph(network("two-layer-net"))'),
        Picture("simple-convnet-ops", "SimpleConvNet by ops, with dtypes and shapes",
                'draw_graph(network("simple-convnet"), style="ops")'),
    ],
    "Where did it go wrong?": [
        Picture("explain", "The first infinity, and the way that it took", "explain(overflowing()).picture()"),
    ],
    "Plots": [
        Picture("filters", "The filters of an untrained SimpleConvNet (7.6.1)",
                'plots.filters(SimpleConvNet(seed=0).params["W1"])'),
        Picture("gradient-field", "The gradient of x² + y², turned around (4.4)",
                "plots.gradient_field(lambda x, y: x**2 + y**2)"),
    ],
}  # fmt: skip
"""All pictures, by section."""


def make(out: Path) -> list[Path]:
    """Write the page and its pictures into the folder `out`; returns the files.

    Raises
    ------
    AutogradError
        If Graphviz is missing.
    """
    files = [_written(picture, out / IMAGES) for pictures in GALLERY.values() for picture in pictures]
    return [*files, write_bytes(out / "gallery.md", text().encode()), *_pages(out / "explore")]


def text() -> str:
    """The page."""
    parts = [HEAD]
    for section, pictures in GALLERY.items():
        parts.append(f"## {section}\n")
        for name, shows, code in pictures:
            parts.append(f"**{shows}**\n\n```python\n{code}\n```\n\n![{shows}]({IMAGES}/{name}.{_kind(code)})\n")
    return "\n".join(parts)


def _pages(folder: Path) -> list[Path]:
    """The pages that step through a graph."""
    return [
        visualize.explore(graph(), file=folder / f"{name}.html")
        for name, graph in (("apple-orange", graphs.apple_orange), ("two-layers", two_layers))
    ]


def drawn(code: str) -> Any:
    """What one of the lines makes."""
    names: dict[str, Any] = {}
    exec(IMPORTS, names)
    return eval(code, names)


def _written(picture: Picture, folder: Path) -> Path:
    made = drawn(picture.code)
    file = folder / f"{picture.name}.{_kind(picture.code)}"
    if file.suffix == ".png":
        write_figure(file, made if hasattr(made, "savefig") else made.figure, dpi=100)
    elif visualize.rendering.write_picture(made, file) != file:
        raise AutogradError(f"the gallery needs Graphviz: {visualize.rendering.remedy()}")
    return file


def _kind(code: str) -> str:
    """How the picture's file name ends: what matplotlib draws is a PNG."""
    matplotlib = ("draw_perceptron", "draw_affine(", "draw_layers", "draw_im2col", "plots.")
    return "png" if code.startswith(matplotlib) else "svg"


# -- graphs that only the gallery draws


def oranges() -> Tensor:
    """Three oranges at 150."""
    return graphs.leaf(150, "orange price") * graphs.leaf(3, "number of oranges")


def sigmoid() -> Tensor:
    """The sigmoid of a number."""
    return functional.sigmoid(graphs.leaf(1, "x"))


def affine() -> Tensor:
    """The sum of x W + b, of a batch of four."""
    x, w, b = (Tensor(np.ones(shape), True, name=name) for shape, name in (((4, 2), "X"), ((2, 3), "W"), ((3,), "B")))
    return (np.dot(x, w) + b).sum()


def softmax_with_loss() -> Tensor:
    """The cross-entropy of three scores."""
    scores = Tensor([[0.3, 2.9, 4.0]], True, name="scores")
    return functional.softmax_loss(scores, Tensor([[0.0, 0.0, 1.0]], name="t"))


def batch_norm() -> Tensor:
    """The sum of squares of two normalized features, of a batch of five."""
    x = Tensor(np.random.default_rng(0).normal(size=(5, 2)), True, name="x")
    gamma, beta = (Tensor(np.full(2, value), True, name=name) for value, name in ((1.0, "γ"), (0.0, "β")))
    with scope("BatchNorm"):
        y = functional.batch_norm(x, gamma, beta)
    return (y**2).sum()


def two_layers() -> Tensor:
    """The loss of a small network of two layers."""
    rng = np.random.default_rng(0)
    x = Tensor(rng.normal(size=(3, 2)), name="x")
    for number, (inputs, outputs) in enumerate(((2, 4), (4, 3)), 1):
        w = Tensor(rng.normal(size=(inputs, outputs)), True, name=f"W{number}")
        b = Tensor(np.zeros(outputs), True, name=f"b{number}")
        with scope(f"Affine{number}"):
            x = np.dot(x, w) + b
        if number == 1:
            with scope("Relu1"):
                x = functional.relu(x)
    loss: Tensor = functional.softmax_loss(x, np.array([0, 1, 2]))
    loss.name = "loss"
    return loss


def overflowing() -> Tensor:
    """exp of a number that is too large for it, and what follows."""
    x, w = graphs.leaf(100, "x"), graphs.leaf(8, "w")
    with np.errstate(over="ignore"):
        y: Any = np.log(1 + np.exp(x * w))
    return y + w

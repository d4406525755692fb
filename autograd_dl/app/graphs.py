"""The graphs that the command draws: the book's two purchases, and its two-layer network."""

from __future__ import annotations

import shlex
from pathlib import Path

from numpy.typing import ArrayLike

from autograd_dl import Tensor
from autograd_dl.data import load_mnist
from models import TwoLayerNet
from visualize import draw_graph, render


def apple() -> Tensor:
    """Two apples at 100 each, with 10% tax (book, section 5.1)."""
    price, number, tax = _leaf(100, "apple price"), _leaf(2, "number of apples"), _leaf(1.1, "tax")
    return _named(price * number * tax, "total")


def apple_orange() -> Tensor:
    """Two apples at 100 and three oranges at 150, with 10% tax (book, section 5.1)."""
    apples = _leaf(100, "apple price") * _leaf(2, "number of apples")
    oranges = _leaf(150, "orange price") * _leaf(3, "number of oranges")
    return _named((apples + oranges) * _leaf(1.1, "tax"), "total")


def two_layer_net() -> Tensor:
    """The loss of an untrained two-layer network on a hundred digits."""
    (x, t), _ = load_mnist(subset=True)
    return loss_of(TwoLayerNet(784, 50, 10, seed=0), x[:100], t[:100])


def loss_of(network: TwoLayerNet, x: ArrayLike, t: ArrayLike) -> Tensor:
    """The loss, with names for the picture."""
    return _named(network.loss(x, Tensor(t, name="t")), "loss")


GRAPHS = {"apple": apple, "apple-orange": apple_orange, "two-layer-net": two_layer_net}


def draw(output: Tensor, file: Path) -> str:
    """Draw a graph into a file, and return what there is to say of it."""
    written = render(draw_graph(output), file)
    if written == file:
        return f"wrote {file}"
    by_hand = f"dot -O -T{file.suffix[1:].lower()} {shlex.quote(str(written))}"
    return f"wrote {written}\n(no Graphviz was found to make {file.name}; pip install pygraphviz, or: {by_hand})"


def _leaf(value: float, name: str) -> Tensor:
    return Tensor(value, requires_grad=True, name=name)


def _named(tensor: Tensor, name: str) -> Tensor:
    tensor.name = name
    return tensor

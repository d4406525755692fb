"""The graphs that the command draws: the book's purchases and formulas, and the losses of networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from autograd_dl import Tensor
from models import Network
from visualize import draw_graph
from visualize.rendering import how_to_draw, write_picture

from .recipes import RECIPES, built, digits


def leaf(value: float, name: str) -> Tensor:
    """A number of that name, whose gradient is asked for."""
    return Tensor(value, requires_grad=True, name=name)


def apple() -> Tensor:
    """Two apples at 100 each, with 10% tax (book, section 5.1)."""
    price, number, tax = leaf(100, "apple price"), leaf(2, "number of apples"), leaf(1.1, "tax")
    return _named(price * number * tax, "total")


def apple_orange() -> Tensor:
    """Two apples at 100 and three oranges at 150, with 10% tax (book, section 5.1)."""
    apples = leaf(100, "apple price") * leaf(2, "number of apples")
    oranges = leaf(150, "orange price") * leaf(3, "number of oranges")
    return _named((apples + oranges) * leaf(1.1, "tax"), "total")


def apple_constants() -> Tensor:
    """The same two apples, of which only the price is a variable (book, figure 5-1)."""
    return _named(leaf(100, "apple price") * 2 * 1.1, "total")


def chain_rule() -> Tensor:
    """z = t², t = x + y (book, section 5.2)."""
    z = _named(leaf(2, "x") + leaf(3, "y"), "t") ** 2
    return _named(z, "z")


def sum_of_products() -> Tensor:
    """2x + 3y·4z."""
    return 2 * leaf(1, "x") + 3 * leaf(2, "y") * (4 * leaf(3, "z"))


def network(model: str) -> Tensor:
    """The loss in training of an untrained network on a hundred digits."""
    (x, t), _ = digits(model, "subset")
    built_network = built(model, next(iter(RECIPES[model].activations), None), "float32", seed=0)
    return _named(built_network.training_loss(x[:100], Tensor(t[:100], name="t")), "loss")


def loss_of(network: Network, x: ArrayLike, t: ArrayLike) -> Tensor:
    """The loss, with names for the picture."""
    return _named(network.loss(x, Tensor(t, name="t")), "loss")


GRAPHS: dict[str, Callable[[], Tensor]] = {
    "apple": apple,
    "apple-constants": apple_constants,
    "apple-orange": apple_orange,
    "chain-rule": chain_rule,
    "sum-of-products": sum_of_products,
    **{model: partial(network, model) for model in RECIPES},
}
"""The graphs, by the names that the command knows."""
OPTIONS: dict[str, dict[str, Any]] = {
    "apple-constants": {"constants": "inside"},
    "chain-rule": {"values": "symbols", "constants": "inside"},
    "sum-of-products": {"values": "symbols", "constants": "inside"},
}
"""How some of them are drawn; see `draw_graph`."""


def draw(output: Tensor, file: Path, **options: Any) -> str:
    """Draw a graph into a file, with these options of `draw_graph`, and return what there is to say of it."""
    written = write_picture(draw_graph(output, **options), file)
    return f"wrote {file}" if written == file else f"wrote {written}\n({how_to_draw(written, file)})"


def _named(tensor: Tensor, name: str) -> Tensor:
    tensor.name = name
    return tensor

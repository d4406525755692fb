"""Chapter 5: backpropagation."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_dl import Tensor, gradients
from autograd_dl.nn import AddLayer, MulLayer
from autograd_dl.numerical import H
from autograd_dl.training import smooth_curve
from models import TwoLayerNet
from visualize import draw_graph
from visualize.rendering import drawn

from ..graphs import leaf
from . import Outcome, Settings, experiment
from .shared import BLUE, ORANGE, RED, new_figure, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120


@experiment("apple", "5.1-5.4.1", takes=())
def apple(_settings: Settings) -> Outcome:
    """Two apples at 100 with 10% tax: what they cost, and in red how that changes with each number."""
    price, number, tax = leaf(100, "apple price"), leaf(2, "number of apples"), leaf(1.1, "tax")
    apples = MulLayer().forward(price, number)
    total = MulLayer().forward(apples, tax)
    steps = {"apple price": price, "number of apples": number, "tax": tax, "apples": apples, "total": total}
    return _purchase(steps)


@experiment("apple-orange", "5.1-5.4.2", takes=())
def apple_orange(_settings: Settings) -> Outcome:
    """Two apples at 100 and three oranges at 150 with 10% tax, and in red how the total changes with each number."""
    apple_price, apple_number = leaf(100, "apple price"), leaf(2, "number of apples")
    orange_price, orange_number = leaf(150, "orange price"), leaf(3, "number of oranges")
    tax = leaf(1.1, "tax")
    apples = MulLayer().forward(apple_price, apple_number)
    oranges = MulLayer().forward(orange_price, orange_number)
    fruit = AddLayer().forward(apples, oranges)
    total = MulLayer().forward(fruit, tax)
    leaves = {str(x.name): x for x in (apple_price, apple_number, orange_price, orange_number, tax)}
    return _purchase({**leaves, "apples": apples, "oranges": oranges, "fruit": fruit, "total": total})


def _purchase(steps: dict[str, Tensor]) -> Outcome:
    """The value and the gradient of each number on the way to the total, and the picture of its graph."""
    total = steps["total"]
    total.name = "total"
    found = gradients(total, list(steps.values()))
    numbers = {
        "values": {name: _rounded(tensor) for name, tensor in steps.items()},
        "gradients": {name: _rounded(g) for name, g in zip(steps, found, strict=True)},
    }
    return Outcome(numbers, _picture(total, numbers))


def _rounded(tensor: Tensor) -> float:
    """The number as people write it: 220, not 220.00000000000003."""
    return round(float(tensor), 10)


def _picture(total: Tensor, numbers: dict[str, dict[str, float]]) -> Figure:
    """The picture of the graph; without a Graphviz that could draw it, a table of its numbers."""
    from matplotlib.image import imread

    graph = draw_graph(total)
    graph.attr("graph", dpi=str(DPI))
    picture = drawn(graph.source, "png")
    if picture is None:
        figure = new_figure(6, 4)
        axes = figure.subplots()
        rows = [(f"{value:g}", f"{numbers['gradients'][name]:g}") for name, value in numbers["values"].items()]
        table = axes.table(rows, rowLabels=list(numbers["values"]), colLabels=["value", "gradient"], loc="center")
        for row in range(1, len(rows) + 1):
            table[row, 1].get_text().set_color(RED)
    else:
        pixels = imread(BytesIO(picture))
        figure = new_figure(pixels.shape[1] / DPI, pixels.shape[0] / DPI)
        axes = figure.subplots()
        axes.imshow(pixels)
    axes.set_axis_off()
    return figure


@experiment("gradient-check-5", "5.7.3")
def gradient_check_5(settings: Settings) -> Outcome:
    """The gradients of the two-layer network by backpropagation and by differences agree: how far they are apart.

    Where the input of a ReLU is within 1e-4 of 0, differences reach across its kink and are wrong; the numbers say of
    how many inputs this holds.
    """
    (x, t), _ = settings.mnist()
    x, t = x[:3, :: settings.few(1, 4)], t[:3]
    network = TwoLayerNet(x.shape[1], settings.few(50, 5), 10, dtype="float64", seed=settings.seed)
    exact, differences = network.gradient(x, t), network.numerical_gradient(x, t)
    apart = {name: float(np.abs(exact[name] - differences[name]).mean()) for name in network.params}
    size = {name: float(np.abs(exact[name]).mean()) for name in network.params}
    hidden = np.dot(x, network.params["W1"].numpy())
    figure = new_figure(7.5, 4.5)
    axes = figure.subplots()
    places = np.arange(len(apart))
    axes.bar(places - 0.2, list(size.values()), 0.4, color=BLUE, label="by backpropagation")
    label = "by backpropagation minus by differences"
    bars = axes.bar(places + 0.2, list(apart.values()), 0.4, color=RED, label=label)
    axes.bar_label(bars, [f"{value:.1e}" for value in apart.values()], fontsize=9)
    axes.set(xticks=places, xticklabels=list(apart), xlabel="parameter", ylabel="mean size of the gradient")
    axes.set(yscale="log", ylim=(min(apart.values()) / 10, max(size.values()) * 1000))
    axes.legend(loc="upper left")
    numbers = {"mean_distance": apart, "mean_gradient": size, "kinks_within_reach": int((np.abs(hidden) < H).sum())}
    return Outcome(numbers, figure)


@experiment("two-layer-by-backpropagation", "5.7.4")
def two_layer_by_backpropagation(settings: Settings) -> Outcome:
    """The two-layer network learns the digits: loss and accuracy, with ReLU (chapter 5) and sigmoid (chapter 4)."""
    train, test = settings.mnist()
    figure = new_figure(11, 4.5)
    left, right = figure.subplots(1, 2)
    numbers: dict[str, Any] = {}
    for activation, color in (("relu", BLUE), ("sigmoid", ORANGE)):
        network = TwoLayerNet(784, 50, 10, activation=activation, seed=settings.seed)
        trainer = trained(
            network, train, test, settings, iterations=settings.few(10_000, 100), optimizer_param={"lr": 0.1}
        )
        losses, history = trainer.train_loss_list, trainer.history
        left.plot(smooth_curve(losses), color=color, linewidth=0.7, label=activation)
        right.plot(history["epoch"], history["train_accuracy"], color=color, label=f"{activation}, training images")
        right.plot(history["epoch"], history["test_accuracy"], "--", color=color, label=f"{activation}, test images")
        numbers[activation] = {
            "first loss": losses[0],
            "mean of the last 100 losses": float(np.mean(losses[-100:])),
            "training accuracy": network.accuracy(*train),
            "test accuracy": network.accuracy(*test),
            "after each epoch": {key: history[key] for key in ("train_accuracy", "test_accuracy")},
        }
    left.set(xlabel="iteration", ylabel="loss", ylim=(0, None))
    right.set(xlabel="epoch", ylabel="accuracy")
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    return Outcome(numbers, figure)

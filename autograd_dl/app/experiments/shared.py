"""What the experiments of several chapters share: trainings, gradient checks, colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from autograd_dl.data.batches import Split
from autograd_dl.errors import DataError
from autograd_dl.optim import Adam
from autograd_dl.training import Trainer
from models import Network
from visualize import plot_history, plots
from visualize.plots import canvas

from . import Outcome, Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = BLUE, RED, GREEN, PURPLE = canvas.COLORS[:4]
ORANGE, GREY = canvas.COLORS[4], canvas.GREY
N = TypeVar("N", bound=Network)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches."""
    return canvas.figure_or_new(None, width, height)


def trained(network: Network, train: Split, test: Split, settings: Settings, **options: Any) -> Trainer:
    """The Trainer of the network after its training: as the book's, but silent, with batches by the settings' seed."""
    usual: dict[str, Any] = {"verbose": False, "seed": [settings.seed, 1]}
    trainer = Trainer(network, *train, *test, **usual | options)
    trainer.train()
    return trainer


def first(count: int, data: Split) -> Split:
    """The first images and labels."""
    images, labels = data
    return images[:count], labels[:count]


def draw_accuracies(axes: Axes, title: str, curves: Mapping[str, Sequence[float]], legend: bool = True) -> None:
    """Accuracies after each epoch: a line for each name."""
    plots.curves(curves, start=1, legend=legend, ax=axes)
    axes.set(title=title, xlabel="epoch", ylabel="accuracy", ylim=(0, 1.02))


def gradient_check(network: Network, x: Any, t: Any) -> Outcome:
    """The gradients of a network by backpropagation against those by differences, for each parameter."""
    walked, differences = network.gradient(x, t), network.numerical_gradient(x, t)
    off = {name: np.abs(walked[name] - differences[name]) for name in walked}
    figure = new_figure(11, 4.5)
    left, right = figure.subplots(1, 2)
    for name in walked:
        left.plot(differences[name].ravel(), walked[name].ravel(), ".", label=name)
    left.axline((0, 0), slope=1, color=GREY, linewidth=0.8)
    left.set(xlabel="gradient by differences", ylabel="gradient by backpropagation")
    left.legend(ncols=2)
    right.bar(list(off), [float(d.mean()) for d in off.values()], color=COLORS[0])
    right.set(xlabel="parameter", ylabel="mean distance of the two", yscale="log")
    right.tick_params(axis="x", rotation=60)
    numbers = {
        "mean_distance": {name: float(d.mean()) for name, d in off.items()},
        "largest_distance": max(float(d.max()) for d in off.values()),
        "largest_gradient": max(float(np.abs(g).max()) for g in walked.values()),
    }
    return Outcome(numbers, figure)


def learned(network: N, settings: Settings) -> N:
    """The network with the weights that the settings name, or trained."""
    if settings.weights is not None:
        try:
            network.load_params(settings.weights)
        except DataError as error:
            small = " (with --quick, the network is smaller)" if settings.quick and "does not fit" in str(error) else ""
            raise DataError(f"{error}{small}") from error
    else:
        train_convnet(network, settings)
    return network


def train_convnet(network: Any, settings: Settings) -> Outcome:
    """Train a network as the book does its convolutional ones: its curves, and its accuracy on all test images."""
    train, test = settings.mnist(flatten=False)
    if settings.quick:
        train = first(100, train)
    trainer = trained(
        network, train, test, settings, epochs=settings.few(20, 2), optimizer=Adam(),
        evaluate_sample_num_per_epoch=settings.few(1000, 100), verbose=not settings.quick,
    )  # fmt: skip
    return Outcome(trainer.history | {"accuracy": network.accuracy(*test)}, plot_history(trainer.history))

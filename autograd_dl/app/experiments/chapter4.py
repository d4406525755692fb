"""Chapter 4: learning by differences."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.data.batches import MiniBatches
from autograd_dl.numerical import H, gradient_descent, numerical_diff, numerical_gradient
from autograd_dl.optim import SGD
from models import SimpleNet, TwoLayerNet

from . import Outcome, Settings, experiment
from .shared import BLUE, GREY, RED, new_figure


def _bowl(x: Any) -> Any:
    """x0**2 + x1**2, of a point or summed over points."""
    return np.sum(x**2)


@experiment("difference-errors", "4.3.1", takes=())
def difference_errors(_settings: Settings) -> Outcome:
    """How wrong forward and central differences are for each h: too large, the curve bends; too small, rounding."""
    true = float(np.cos(1))
    figure = new_figure(8, 5)
    axes = figure.subplots()
    best = {}
    for name, kind, color in (("forward", "float64", GREY), ("central", "float64", BLUE), ("central", "float32", RED)):
        h = np.logspace(-15, 0, 151).astype(kind)
        x = np.ones_like(h)
        below, width = (x, h) if name == "forward" else (x - h, 2 * h)
        error = np.abs((np.sin(x + h) - np.sin(below)) / width - true)
        axes.loglog(h, error, color=color, label=f"{name} difference, {kind}")
        best[f"{name}, {kind}"] = {"h": float(h[error.argmin()]), "error": float(error.min())}
    ours = abs(float(numerical_diff(np.sin, 1.0)) - true)
    axes.loglog(H, ours, "o", color="black", markersize=8, label="numerical_diff, h = 1e-4")
    axes.set(xlabel="h", ylabel="error", title="The derivative of sin x at 1")
    axes.legend()
    axes.grid(alpha=0.3)
    forward = abs(float((np.sin(1 + H) - np.sin(1)) / H) - true)
    numbers = {
        "1e-50 as float32": float(np.float32(1e-50)),
        "error with h = 1e-4": {"forward": forward, "numerical_diff": ours},
        "smallest error": best,
    }
    return Outcome(numbers, figure)


@experiment("tangent", "4.3.1-4.3.2", takes=())
def tangent(_settings: Settings) -> Outcome:
    """The numerical derivatives of 0.01 x**2 + 0.1 x at 5 and 10, and the tangents that they give."""

    def f(x: Any) -> Any:
        return 0.01 * x**2 + 0.1 * x

    x = np.arange(0.0, 20.0, 0.1)
    figure = new_figure(10, 4)
    derivatives = {}
    for axes, at in zip(figure.subplots(1, 2, sharey=True), (5, 10), strict=True):
        slope = derivatives[at] = float(numerical_diff(f, at))
        axes.plot(x, f(x), color=BLUE, label="f(x) = 0.01 x² + 0.1 x")
        axes.plot(x, slope * (x - at) + f(at), color=RED, label=f"tangent, slope {slope:.6f}")
        axes.plot(at, f(at), "o", color=RED)
        axes.set(title=f"at x = {at}", xlabel="x", ylabel="f(x)")
        axes.legend()
    return Outcome({f"f'({at})": slope for at, slope in derivatives.items()}, figure)


@experiment("gradient-field", "4.4", takes=())
def gradient_field(_settings: Settings) -> Outcome:
    """The gradient of x0**2 + x1**2, with its sign changed: it points downhill, and is the longer the steeper it is."""
    x0, x1 = np.meshgrid(np.arange(-2, 2.5, 0.25), np.arange(-2, 2.5, 0.25))
    points = np.stack([x0.ravel(), x1.ravel()], axis=1)
    down = -numerical_gradient(_bowl, points)  # of the sum over all points: each point's own is in its row
    figure = new_figure(6, 5.5)
    axes = figure.subplots()
    axes.contour(x0, x1, x0**2 + x1**2, levels=8, colors="#cccccc", linewidths=0.8)
    axes.quiver(*points.T, *down.T, angles="xy", color="#444444")
    axes.set(title="downhill on f = x0² + x1²", xlabel="x0", ylabel="x1", xlim=(-2.1, 2.4), ylim=(-2.1, 2.4))
    axes.set_aspect("equal")
    book = [(3.0, 4.0), (0.0, 2.0), (3.0, 0.0)]
    gradients = [numerical_gradient(_bowl, np.array(point)).tolist() for point in book]
    return Outcome({"points": book, "gradients": gradients, "arrows": len(points)}, figure)


@experiment("gradient-descent", "4.4.1", takes=())
def gradient_path(_settings: Settings) -> Outcome:
    """Gradient descent on x0**2 + x1**2 from (-3, 4), and what a learning rate too large or too small makes of it."""
    start = np.array([-3.0, 4.0])
    end, path = gradient_descent(_bowl, start, lr=0.1, step_num=20)
    path = np.vstack([path, end])
    figure = new_figure(11, 5)
    left, right = figure.subplots(1, 2)
    grid = np.linspace(-4.5, 4.5, 100)
    x0, x1 = np.meshgrid(grid, grid)
    left.contour(x0, x1, x0**2 + x1**2, levels=[1, 4, 9, 16, 25], colors="#cccccc", linestyles="--")
    left.plot(*path.T, "o-", color=BLUE, markersize=5, linewidth=0.8, label="lr 0.1, 20 steps")
    left.plot(0, 0, "+", color=RED, markersize=12, label="minimum")
    left.set(xlabel="x0", ylabel="x1", aspect="equal")
    ends = {"0.1": end.tolist()}
    for lr, color, what in ((10.0, RED, "too large"), (1e-10, GREY, "too small"), (0.1, BLUE, "just right")):
        last, history = gradient_descent(_bowl, start, lr=lr, step_num=100)
        right.semilogy(np.linalg.norm([*history, last], axis=1), color=color, label=f"lr {lr:g}: {what}")
        ends[f"{lr:g}, 100 steps"] = last.tolist()
    right.set(xlabel="step", ylabel="distance from the minimum")
    for axes in (left, right):
        axes.legend()
    return Outcome({"ends with learning rate": ends, "path": path.tolist()}, figure)


@experiment("simple-net-gradient", "4.4.2", takes=())
def simple_net_gradient(_settings: Settings) -> Outcome:
    """The gradient of the loss of one layer by differences: each weight, and how the loss would change with it."""
    network = SimpleNet(dtype="float64")
    network.W = np.array([[-0.29987897, -2.12317372, 0.47065595], [-0.39304798, -0.98756266, -0.75852701]])
    x, t = np.array([0.6, 0.9]), np.array([0, 0, 1])
    scores = network.predict(x).numpy()
    by_differences = numerical_gradient(lambda _: network.loss(x, t), network.W)
    by_graph = network.gradient(x, t)["W"]
    figure = new_figure(10, 3.4)
    for axes, (name, values) in zip(
        figure.subplots(1, 2), {"W": network.W.numpy(), "dL/dW by differences": by_differences}.items(), strict=True
    ):
        largest = np.abs(values).max()
        shown = axes.imshow(values, aspect="auto", cmap="coolwarm", vmin=-1.5 * largest, vmax=1.5 * largest)
        for (i, j), value in np.ndenumerate(values):
            axes.text(j, i, f"{value:.4f}", ha="center", va="center")
        axes.set(title=name, xlabel="class", ylabel="input", xticks=range(3), yticks=range(2))
        figure.colorbar(shown, ax=axes)
    numbers = {
        "scores": scores.tolist(),
        "answer": int(scores.argmax()),
        "loss": float(network.loss(x, t)),
        "dW by differences": by_differences.tolist(),
        "dW by the graph": by_graph.tolist(),
    }
    return Outcome(numbers, figure)


@experiment("two-layer-by-differences", "4.5")
def two_layer_by_differences(settings: Settings) -> Outcome:
    """A small two-layer network learns by differences what it learns by backpropagation, and takes far longer.

    The images are made small, 7 x 7, and the network has 10 hidden units: 610 parameters, of which each costs two
    losses a step.
    """
    train, test = ((_small(x, settings.few(7, 4)), t) for x, t in settings.mnist())
    ways = {"differences": TwoLayerNet.numerical_gradient, "backpropagation": TwoLayerNet.gradient}
    runs = {name: _learn(way, settings, train, test) for name, way in ways.items()}
    slow, fast = runs.values()
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2, width_ratios=[2, 1])
    left.plot(slow["losses"], color=BLUE, linewidth=5, alpha=0.4, label="by differences")
    left.plot(fast["losses"], color=RED, linewidth=1, label="by backpropagation")
    left.set(xlabel="step", ylabel="loss")
    left.legend()
    times = [run["seconds a gradient"] for run in runs.values()]
    bars = right.bar(list(runs), times, color=[BLUE, RED], log=True)
    right.bar_label(bars, [f"{seconds:.2g} s" for seconds in times])
    right.set(ylabel="seconds for a gradient")
    right.margins(y=0.15)
    apart = float(np.abs(np.subtract(slow["losses"], fast["losses"])).max())
    return Outcome({**runs, "losses differ by at most": apart}, figure)


def _small(x: NDArray[Any], size: int) -> NDArray[Any]:
    """Images of 28 x 28 made size x size, by means over blocks."""
    block = 28 // size
    return x.reshape(-1, size, block, size, block).mean(axis=(2, 4)).reshape(len(x), -1)


def _learn(
    gradient: Callable[[TwoLayerNet, Any, Any], Mapping[str, Any]],
    settings: Settings,
    train: tuple[NDArray[Any], NDArray[Any]],
    test: tuple[NDArray[Any], NDArray[Any]],
) -> dict[str, Any]:
    """Train with this gradient, always from the same weights on the same batches."""
    inputs, hidden = train[0].shape[1], settings.few(10, 5)
    network = TwoLayerNet(inputs, hidden, 10, 0.5, activation="sigmoid", dtype="float64", seed=settings.seed)
    batches = MiniBatches(*train, 100, replace=True, seed=settings.rng(1))
    losses, seconds = [], []
    for _ in range(settings.few(100, 5)):
        x, t = batches.draw()
        losses.append(float(network.loss(x, t)))
        before = time.perf_counter()
        grads = gradient(network, x, t)
        seconds.append(time.perf_counter() - before)
        SGD(lr=1.0).update(network.params, grads)
    return {
        "losses": losses,
        "test accuracy": network.accuracy(*test),
        "seconds a gradient": float(np.median(seconds)),
    }

"""Chapter 3: neural networks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl import no_grad
from autograd_dl.data import load_mnist
from autograd_dl.functional import relu, sigmoid, softmax, step_function, tanh
from autograd_dl.optim import Adam
from models import ThreeLayerNet

from . import LEARNS, Outcome, Settings, experiment
from .shared import BLUE, GREY, RED, new_figure, trained

X = np.linspace(-6, 6, 1201)


@experiment("step", "3.2.2-3.2.3", takes=())
def step(_settings: Settings) -> Outcome:
    """The step function: 0 up to 0, then 1."""
    figure = new_figure(6, 4)
    axes = figure.subplots()
    axes.plot(X, step_function(X), color=BLUE)
    axes.set(title="step function", xlabel="x", ylabel="y", ylim=(-0.1, 1.1))
    axes.grid(alpha=0.3)
    x = [-1.0, 1.0, 2.0]
    return Outcome({"x": x, "y": step_function(x).tolist()}, figure)


@experiment("curves", "3.2.4, 3.2.7, 4.2.2", takes=())
def curves(_settings: Settings) -> Outcome:
    """The curves of sigmoid, ReLU, tanh and of the logarithm that is in the cross-entropy."""
    functions: dict[str, Callable[[Any], Any]] = {
        "sigmoid(x)": sigmoid,
        "relu(x)": relu,
        "tanh(x)": tanh,
        "log(x)": np.log,
    }
    figure = new_figure(9, 7)
    numbers = {}
    for axes, (name, f) in zip(figure.subplots(2, 2).flat, functions.items(), strict=True):
        positive = f is np.log
        x, some = (np.linspace(0.01, 1, 500), np.array([0.1, 0.6, 1])) if positive else (X, np.array([-1.0, 1, 2]))
        axes.plot(x, f(x), color=BLUE)
        axes.set(title=name, xlabel="x", ylabel="y")
        axes.grid(alpha=0.3)
        numbers[name] = {"x": some.tolist(), "y": f(some).tolist()}
    return Outcome(numbers, figure)


@experiment("sigmoid-asymptotes", "3.2.4", takes=())
def sigmoid_asymptotes(_settings: Settings) -> Outcome:
    """The sigmoid between 0 and 1, which it comes close to and never leaves."""
    figure = new_figure(7, 4)
    axes = figure.subplots()
    x = np.linspace(-10, 10, 1001)
    axes.plot(x, sigmoid(x), color=BLUE, label="sigmoid(x)")
    axes.axhline(1, color=RED, linestyle="--", label="y = 1")
    axes.axhline(0, color=GREY, linestyle="--", label="y = 0")
    axes.set(xlabel="x", ylabel="y", ylim=(-0.1, 1.1))
    axes.legend(loc="center left")
    far = [-1000.0, -10.0, -5.0, 0.0, 5.0, 10.0, 1000.0]
    return Outcome({"x": far, "y": sigmoid(far).tolist()}, figure)


@experiment("step-vs-sigmoid", "3.2.5", takes=())
def step_vs_sigmoid(_settings: Settings) -> Outcome:
    """The step function and the sigmoid, and the area between them, which is 2 log 2."""
    figure = new_figure(7, 4)
    axes = figure.subplots()
    axes.plot(X, sigmoid(X), color=BLUE, label="sigmoid")
    axes.plot(X, step_function(X), color="black", linestyle="--", label="step function")
    axes.fill_between(X, sigmoid(X), step_function(X), color=BLUE, alpha=0.2, label="between them")
    axes.set(xlabel="x", ylabel="y", ylim=(-0.1, 1.1))
    axes.legend(loc="center left")
    right = np.linspace(0, 50, 50_001)  # the half on the left is as large
    area = 2 * float(np.trapezoid(1 - sigmoid(right), right))
    return Outcome({"area": area, "2 log 2": 2 * float(np.log(2))}, figure)


@experiment("softmax-overflow", "3.5.2", takes=())
def softmax_overflow(_settings: Settings) -> Outcome:
    """Softmax as its formula says overflows with large scores; with the largest subtracted first, it doesn't."""
    shifts = np.arange(0, 1001)
    scores = shifts[:, np.newaxis] + np.array([0.3, 2.9, 4.0])
    figure = new_figure(8, 4.5)
    axes = figure.subplots()
    axes.plot(shifts, softmax(scores)[:, 2], color=GREY, linewidth=7, alpha=0.4, label="largest score subtracted first")
    ends = {}
    for kind, color in (("float64", BLUE), ("float32", RED)):
        probability = _softmax_as_written(scores.astype(kind))[:, 2]
        last = ends[kind] = int(shifts[np.isfinite(probability)].max())
        axes.plot(shifts, probability, color=color, label=f"as the formula says, {kind}")
        axes.plot(last, probability[last], "x", color=color, markersize=10, markeredgewidth=2)
        axes.annotate(f"overflows\nabove {last}", (last, probability[last]), (0, -34), textcoords="offset points")
    axes.set(xlabel="c", ylabel="probability", ylim=(0, 1), title="softmax(0.3 + c, 2.9 + c, 4 + c): the third number")
    axes.legend(loc="lower left")
    book = np.array([1010.0, 1000, 990])
    numbers = {
        "scores": book.tolist(),
        "as the formula says": _softmax_as_written(book).tolist(),
        "softmax": softmax(book).tolist(),
        "the last c without overflow": ends,
    }
    return Outcome(numbers, figure)


def _softmax_as_written(scores: NDArray[Any]) -> NDArray[Any]:
    """The formula without the subtraction that keeps it from overflowing: the fault that is to be seen."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


@experiment("digit", "3.6.1", takes=("data",))
def digit(settings: Settings) -> Outcome:
    """The first training digit: as an image, and as the 784 numbers that a network is given."""
    (x, t), _ = load_mnist(normalize=False, subset=settings.data == "subset")
    image = x[0].reshape(28, 28)
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.5])
    shown = left.imshow(image, cmap="gray")
    figure.colorbar(shown, ax=left, label="brightness")
    left.set(title=f"label: {t[0]}", xlabel="column", ylabel="row")
    right.plot(x[0], color=BLUE, linewidth=0.8)
    right.set(title="the same, flattened: 28 × 28 = 784 numbers", xlabel="pixel", ylabel="brightness")
    numbers = {"label": int(t[0]), "flat": list(x[0].shape), "image": list(image.shape), "largest": int(x[0].max())}
    return Outcome(numbers, figure)


@experiment("three-layer-inference", "3.6.2-3.6.3", takes=(*LEARNS, "weights"))
def three_layer_inference(settings: Settings) -> Outcome:
    """The three-layer network answers for test images one by one and in batches: the same, and in batches faster.

    The weights are those of the file that `settings.weights` names, or else are trained here.
    """
    train, (x, t) = settings.mnist()
    network = ThreeLayerNet(seed=settings.seed)
    if settings.weights is not None:
        network.load_params(settings.weights)
    else:
        epochs, batch_size = settings.few(10, 4), settings.few(100, 50)
        trained(network, train, (x, t), settings, epochs=epochs, mini_batch_size=batch_size, optimizer=Adam(0.003))
    sizes = [1, 10, 100, 1000]
    answers, seconds = zip(*(_answers(network, x, size) for size in sizes), strict=True)
    accuracies = [float(np.mean(a == t)) for a in answers]
    microseconds = [1e6 * s / len(x) for s in seconds]
    with no_grad():
        probabilities = softmax(network.predict(x[:1])).numpy()[0]
    figure = new_figure(12, 4)
    left, middle, right = figure.subplots(1, 3)
    left.imshow(x[0].reshape(28, 28), cmap="gray")
    left.set(title=f"the first test image: {t[0]}", xlabel="column", ylabel="row")
    middle.bar(range(10), probabilities, color=BLUE)
    middle.set(title="what the network says of it", xlabel="digit", ylabel="probability", xticks=range(10), ylim=(0, 1))
    right.loglog(sizes, microseconds, "o-", color=RED)
    told = f"accuracy {accuracies[0]:.4f} one by one,\n{accuracies[2]:.4f} in batches of 100"
    right.set(title=told, xlabel="images in a batch", ylabel="µs for an image")
    right.grid(alpha=0.3)
    numbers = {
        "batch size": sizes,
        "accuracy": accuracies,
        "answers that differ from those one by one": [int((a != answers[0]).sum()) for a in answers],
        "microseconds for an image": microseconds,
        "probabilities of the first": probabilities.tolist(),
    }
    return Outcome(numbers, figure)


def _answers(network: ThreeLayerNet, x: NDArray[Any], batch_size: int) -> tuple[NDArray[np.int64], float]:
    """The digit that the network takes each image for, and the seconds that it took: the least of three times."""
    seconds = []
    for _ in range(3):
        before = time.perf_counter()
        scores = network.predict_all(x, batch_size)
        seconds.append(time.perf_counter() - before)
    return scores.argmax(axis=1), min(seconds)

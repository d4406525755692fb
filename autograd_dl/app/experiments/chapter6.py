"""Chapter 6: techniques of training."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl import Tensor, gradients
from autograd_dl.data import split_validation
from autograd_dl.functional import relu, sigmoid, tanh
from autograd_dl.optim import SGD, AdaGrad, Adam, Momentum, Optimizer
from autograd_dl.training import smooth_curve
from models import MultiLayerNet, MultiLayerNetExtend
from visualize import plots

from . import LEARNS, Outcome, Settings, experiment
from .search import Curves, random_search, shared_search
from .shared import draw_accuracies, first, gradient_check, new_figure, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BINS = 30
"""Of a histogram of activations."""


# -- 6.1, 6.2: optimizers and initial weights


@experiment("optimizer-paths", "6.1", takes=())
def optimizer_paths(settings: Settings) -> Outcome:
    """The ways that SGD, Momentum, AdaGrad and Adam go down x**2/20 + y**2."""
    steps = settings.few(30, 10)
    figure = new_figure(10, 8)
    limits, levels = ((-10, 10), (-5, 5)), [0.1, 0.5, 1, 2, 4, 8, 16]
    paths = {}
    made = SGD(0.95), Momentum(0.1), AdaGrad(1.5), Adam(0.3)
    for optimizer, axes in zip(made, figure.subplots(2, 2).flat, strict=True):
        name = type(optimizer).__name__
        path = paths[name] = _path(optimizer, steps)
        plots.paths(_valley, {f"{steps} steps": path}, limits=limits, levels=levels, ax=axes)
        axes.plot(0, 0, "k+", markersize=12, label="minimum")
        axes.set_title(f"{name}, lr {optimizer.rate:g}")
        axes.legend(loc="upper right")
    return Outcome({"paths": paths}, figure)


def _valley(x: Any, y: Any) -> Any:
    return x**2 / 20 + y**2


def _path(optimizer: Optimizer, steps: int) -> list[list[float]]:
    params = {"x": Tensor(-7.0, requires_grad=True), "y": Tensor(2.0, requires_grad=True)}
    path = [[-7.0, 2.0]]
    for _ in range(steps):
        found = gradients(_valley(**params), list(params.values()))
        optimizer.update(params, dict(zip(params, found, strict=True)))
        path.append([float(p) for p in params.values()])
    return path


@experiment("optimizers", "6.1.8")
def optimizers(settings: Settings) -> Outcome:
    """The loss of a five-layer network on digits, trained by SGD, Momentum, AdaGrad and Adam."""
    made = {type(optimizer).__name__: optimizer for optimizer in (SGD(), Momentum(), AdaGrad(), Adam())}
    return _losses(settings, {name: (optimizer, "he") for name, optimizer in made.items()}, "log")


@experiment("activations", "6.2.2-6.2.3", takes=("seed",))
def activations(settings: Settings) -> Outcome:
    """What comes out of five layers of sigmoid, ReLU and tanh, from weights of four standard deviations."""
    layers = settings.few(5, 2)
    stds = {"1": 1.0, "0.01": 0.01, "√(1/n)": math.sqrt(1 / 100), "√(2/n)": math.sqrt(2 / 100)}
    figure = new_figure(11, 18)
    figure.supxlabel("activation")
    figure.supylabel("how many of 100,000 (for relu, only the first 7,000 are shown)")
    rows = itertools.product((sigmoid, relu, tanh), stds.items())
    numbers = {}
    for (function, (name, std)), row in zip(rows, figure.subplots(12, layers), strict=True):
        outputs = _layer_outputs(function, std, layers, settings)
        low = -1 if function is tanh else 0
        counts = [np.histogram(a, BINS, (low, 1))[0].tolist() for a in outputs]
        numbers[f"{function.__name__}, std {name}"] = {
            "mean": [float(a.mean()) for a in outputs],
            "std": [float(a.std()) for a in outputs],
            "counts": counts,
        }
        for number, (axes, output) in enumerate(zip(row, outputs, strict=True), 1):
            plots.histogram(output, bins=BINS, limits=(low, 1), ax=axes)
            axes.set_title(f"layer {number}" if axes.get_subplotspec().is_first_row() else "")
            if function is relu:
                axes.set_ylim(0, 7000)
        row[0].set_ylabel(f"{function.__name__}\nstd {name}")
    return Outcome(numbers, figure)


def _layer_outputs(function: Any, std: float, layers: int, settings: Settings) -> list[NDArray[Any]]:
    """What each layer makes of 1,000 inputs of 100 normal numbers."""
    rng = settings.rng(1)
    x, outputs = rng.standard_normal((1000, 100)), []
    for _ in range(layers):
        x = function(x @ (std * rng.standard_normal((100, 100))))
        outputs.append(x)
    return outputs


@experiment("initial-weights", "6.2.4")
def initial_weights(settings: Settings) -> Outcome:
    """The loss of a five-layer network on digits, whose weights begin with std 0.01, as Xavier's or as He's."""
    return _losses(settings, {"std 0.01": (SGD(), 0.01), "Xavier": (SGD(), "xavier"), "He": (SGD(), "he")})


def _losses(settings: Settings, runs: Mapping[str, tuple[Optimizer, float | str]], yscale: str = "linear") -> Outcome:
    """The losses of trainings by these optimizers from these initial weights, each on the same batches."""
    train, _ = settings.mnist()
    steps, width = settings.few(2000, 60), settings.few(100, 20)
    figure = new_figure(8, 5)
    axes = figure.subplots()
    losses = {}
    for name, (optimizer, std) in runs.items():
        network = MultiLayerNet(784, [width] * 4, 10, weight_init_std=std, seed=settings.seed)
        trainer = trained(
            network, train, train, settings,
            iterations=steps, mini_batch_size=128, optimizer=optimizer, evaluate_sample_num_per_epoch=128,
        )  # fmt: skip
        losses[name] = trainer.train_loss_list
    plots.curves({name: smooth_curve(values) for name, values in losses.items()}, ax=axes)
    axes.set(xlabel="iteration", ylabel="loss of the batch (smoothed)", yscale=yscale)
    return Outcome({"losses": losses, "last_100": {k: float(np.mean(v[-100:])) for k, v in losses.items()}}, figure)


# -- 6.3: batch normalization


@experiment("batch-norm", "6.3.2")
def batch_norm(settings: Settings) -> Outcome:
    """Training accuracy with and without batch normalization, from initial weights of 16 standard deviations."""
    digits = first(settings.few(1000, 200), settings.mnist()[0])
    stds = np.logspace(0, -4, num=settings.few(16, 4)).tolist()
    width, epochs, side = settings.few(100, 20), settings.few(20, 2), math.isqrt(len(stds))
    figure = new_figure(12, 11)
    numbers: dict[str, Any] = {"std": stds, "batch norm": [], "plain": [], "plain_overflows_after": []}
    for std, axes in zip(stds, figure.subplots(side, side, sharex=True, sharey=True).flat, strict=True):
        runs = {
            name: trained(
                MultiLayerNetExtend(
                    784, [width] * 5, 10, weight_init_std=std, use_batchnorm=use, seed=settings.seed
                ),
                digits, digits, settings, epochs=epochs,
            )
            for name, use in (("batch norm", True), ("plain", False))
        }  # fmt: skip
        curves = {name: trainer.train_acc_list for name, trainer in runs.items()}
        draw_accuracies(axes, f"std {std:.2g}", curves, legend=False)
        axes.label_outer()
        overflow = _overflow(runs["plain"].train_loss_list)
        if overflow is not None:
            axes.text(0.04, 0.96, f"plain overflows\nafter {overflow} steps", va="top", transform=axes.transAxes)
        for name, curve in curves.items():
            numbers[name].append(curve)
        numbers["plain_overflows_after"].append(overflow)
    figure.axes[-1].legend()
    return Outcome(numbers, figure)


def _overflow(losses: Sequence[float]) -> int | None:
    """After how many steps the loss became NaN or infinite, or None."""
    finite = np.isfinite(losses)
    return None if finite.all() else int(np.argmin(finite))


@experiment("gradient-check-6", "6.3")
def gradient_check_6(settings: Settings) -> Outcome:
    """The gradients of a network with batch normalization, by backpropagation and by differences."""
    (x, t), _ = settings.mnist()
    side, width = settings.few(12, 6), settings.few(10, 5)
    edge = (28 - side) // 2
    middle = x[:10].reshape(-1, 28, 28)[:, edge:-edge, edge:-edge].reshape(10, -1)
    network = MultiLayerNetExtend(
        side * side, [width, width], 10, use_batchnorm=True, dtype="float64", seed=settings.seed
    )  # fmt: skip
    return gradient_check(network, middle, t[:10])


# -- 6.4: against overfitting


@experiment("weight-decay", "6.4.1-6.4.2")
def weight_decay(settings: Settings) -> Outcome:
    """Overfitting: training and test accuracy on 300 digits, without and with weight decay."""
    return _overfitting(settings, 201, {f"λ = {rate:g}": {"weight_decay_lambda": rate} for rate in (0.0, 0.1)})


@experiment("dropout", "6.4.3")
def dropout(settings: Settings) -> Outcome:
    """Overfitting: training and test accuracy on 300 digits, without and with dropout."""
    return _overfitting(
        settings, 301, {"no dropout": {}, "dropout 0.2": {"use_dropout": True, "dropout_ratio": 0.2}}
    )  # fmt: skip


def _overfitting(settings: Settings, epochs: int, networks: Mapping[str, Mapping[str, Any]]) -> Outcome:
    """How deep networks with these options learn 300 digits, and others."""
    train, test = settings.mnist()
    width, epochs = settings.few(100, 20), settings.few(epochs, 3)
    figure = new_figure(11, 4.5)
    numbers = {}
    for axes, (name, options) in zip(figure.subplots(1, 2), networks.items(), strict=True):
        network = MultiLayerNetExtend(784, [width] * 6, 10, seed=settings.seed, **options)
        trainer = trained(network, first(300, train), test, settings, epochs=epochs)
        numbers[name] = trainer.history
        draw_accuracies(
            axes, name, {"300 training images": trainer.train_acc_list, "test images": trainer.test_acc_list}
        )  # fmt: skip
    return Outcome(numbers, figure)


# -- 6.5: hyper-parameters


POWERS = {"lr": (-6, -2), "weight_decay": (-8, -4)}


@experiment("hyper-parameters", "6.5", takes=(*LEARNS, "storage"))
def hyper_parameters(settings: Settings) -> Outcome:
    """A random search for learning rate and weight decay, judged by digits put aside: the 20 best of 100 trials.

    Where the settings name a storage, the trials are kept there, and those of other processes are among them.
    """
    search = random_search if settings.storage is None else shared_search
    trials = search(settings, POWERS, _validation(settings), settings.few(100, 5))
    trials.sort(key=lambda trial: trial["validation_accuracy"][-1], reverse=True)
    return Outcome({"best": trials[0], "trials": trials}, _best(trials[: settings.few(20, 5)]))


def _validation(settings: Settings) -> Curves:
    """What trains a network with given hyper-parameters, and measures it on digits put aside."""
    train, validation = split_validation(*first(500, settings.mnist()[0]), share=0.2, seed=settings.rng(1))
    hidden, epochs, batch_size = settings.few([100] * 6, [50] * 2), settings.few(50, 5), settings.few(100, 10)

    def curves(lr: float, weight_decay: float) -> dict[str, list[float]]:
        network = MultiLayerNet(784, hidden, 10, weight_decay_lambda=weight_decay, seed=settings.seed)
        trainer = trained(
            network, train, validation, settings, epochs=epochs, mini_batch_size=batch_size, optimizer_param={"lr": lr}
        )
        return {"validation_accuracy": trainer.test_acc_list, "train_accuracy": trainer.train_acc_list}

    return curves


def _best(trials: Sequence[Mapping[str, Any]]) -> Figure:
    """The curves of each trial, five in a row."""
    panels = {
        f"{place}: lr {trial['lr']:.2g}, decay {trial['weight_decay']:.1g}": {
            "validation": trial["validation_accuracy"],
            "training": trial["train_accuracy"],
        }
        for place, trial in enumerate(trials, 1)
    }
    figure: Figure = plots.curve_grid(panels, start=1, columns=5)
    figure.axes[0].set_ylim(0, 1.02)
    return figure

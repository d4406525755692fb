"""Chapter 8: deep learning."""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from autograd_dl.data import crop, flip, rotate, scale, shift
from autograd_dl.data.batches import Split
from autograd_dl.evaluation import correct
from autograd_dl.functional import softmax_loss
from autograd_dl.optim import Adam, zero_grad
from autograd_dl.training import Ensemble
from models import DeepConvNet, Layers, LeNet, Network
from visualize import plots

from . import LEARNS, Outcome, Settings, experiment
from .shared import COLORS, GREY, draw_accuracies, first, learned, new_figure, train_convnet, trained

# -- 8.1: DeepConvNet


def deep_convnet(settings: Settings, dtype: str = "float32") -> DeepConvNet:
    """The book's network, with its initial weights."""
    if not settings.quick:
        return DeepConvNet(dtype=dtype, seed=settings.seed)
    counts_and_pads = zip((4, 4, 6, 6, 8, 8), (1, 1, 1, 2, 1, 1), strict=True)
    params: dict[str, Any] = {
        f"conv_param_{k}": {"filter_num": count, "filter_size": 3, "pad": pad, "stride": 1}
        for k, (count, pad) in enumerate(counts_and_pads, 1)
    }
    return DeepConvNet(**params | {"hidden_size": 20, "dtype": dtype, "seed": settings.seed})


def small_network(settings: Settings, seed: int = 0, output_size: int = 10) -> LeNet:
    """A convolutional network that learns in a minute, the seed-th of its kind."""
    filters, hidden = settings.few((6, 16), (3, 6)), settings.few((120, 84), (20, 15))
    return LeNet((1, 28, 28), filters, hidden, output_size, seed=1000 * settings.seed + seed)


@experiment("deep-convnet", "8.1.1")
def deep_convnet_training(settings: Settings) -> Outcome:
    """The training of DeepConvNet: its loss, and how many digits it reads."""
    return train_convnet(deep_convnet(settings), settings)


@experiment("misclassified", "8.1.1", takes=(*LEARNS, "weights"))
def misclassified(settings: Settings) -> Outcome:
    """The first 20 test digits that a trained DeepConvNet takes for others."""
    network = learned(deep_convnet(settings), settings)
    _, (x, t) = settings.mnist(flatten=False)
    answers = network.predict_all(x).argmax(axis=1)
    wrong = np.flatnonzero(answers != t)
    figure = plots.misclassified(x, t, answers, most=settings.few(20, 5))
    numbers = {"images": wrong.tolist(), "labels": t[wrong].tolist(), "answers": answers[wrong].tolist()}
    return Outcome({"accuracy": float(np.mean(answers == t)), **numbers}, figure)


# -- 8.1.2: more accuracy


@experiment("augmentation", "8.1.2")
def augmentation(settings: Settings) -> Outcome:
    """Digits cropped, mirrored, shifted, scaled and turned; and what learning from such changes is worth."""
    train, test = settings.mnist(flatten=False)
    train, epochs = first(settings.few(1000, 200), train), settings.few(30, 2)
    figure = new_figure(9, 11)
    parts: Any = figure.subfigures(2, 1, height_ratios=[3, 2])
    above, below = parts
    changes: dict[str, Callable[..., Any]] = {
        "cropped": functools.partial(crop, size=(20, 20)), "mirrored": flip, "shifted": shift,
        "scaled": scale, "turned": functools.partial(rotate, degrees=20),
    }  # fmt: skip
    images, titles = list(train[0][:6, 0]), [f"a {label}" for label in train[1][:6]]
    for stream, (name, change) in enumerate(changes.items(), 1):
        images += list(change(train[0][:6], settings.rng(2, stream))[:, 0])
        titles += [name] * 6
    plots.image_grid(images, titles, columns=6, figure=above)
    curves, accuracies = {}, {}
    for name, augment in (("without", ()), ("with shifts, scales and turns", (shift, scale, rotate))):
        network = small_network(settings)
        trainer = trained(
            network, train, test, settings, epochs=epochs, mini_batch_size=20, optimizer=Adam(), augment=augment
        )  # fmt: skip
        curves[name] = trainer.test_acc_list
        accuracies[name] = curves[name][-1]
    axes = below.subplots()
    draw_accuracies(axes, f"test accuracy after learning from {len(train[0]):,} digits", curves)
    axes.set_ylim(float(np.min(list(curves.values()))), 1)
    return Outcome({"accuracy": accuracies, "curves": curves}, figure)


@experiment("ensemble", "8.1.2")
def ensemble(settings: Settings) -> Outcome:
    """The test accuracy of each of five networks, and of all that answer together."""
    train, test = settings.mnist(flatten=False)
    train = first(settings.few(len(train[0]), 200), train)
    networks = []
    for k in range(1, settings.few(5, 3) + 1):
        networks.append(small_network(settings, seed=k))
        trained(
            networks[-1], train, first(100, test), settings, epochs=settings.few(5, 1), optimizer=Adam(),
            seed=[settings.seed, k],
        )  # fmt: skip
    alone = [network.accuracy(*test) for network in networks]
    together = Ensemble(networks).accuracy(*test, batch_size=100)
    figure = new_figure(8, 5)
    axes = figure.subplots()
    names = [str(k) for k in range(1, len(alone) + 1)]
    axes.bar_label(axes.bar(names, alone, color=COLORS[0], label="network alone"), fmt="%.4f")
    axes.bar_label(axes.bar(["all together"], [together], color=COLORS[1], label="ensemble"), fmt="%.4f")
    spread = max(together, *alone) - min(alone) + 0.001
    axes.set(xlabel="network", ylabel="test accuracy", ylim=(max(0, min(alone) - spread), min(1, together + spread)))
    axes.legend(loc="upper left")
    return Outcome({"alone": alone, "together": together}, figure)


# -- 8.2.4: transfer learning


@experiment("transfer", "8.2.4")
def transfer(settings: Settings) -> Outcome:
    """20 images each of 5 to 9, learned from scratch and by a network that has learned 0 to 4 before, three times."""
    (x, t), test = settings.mnist(flatten=False)
    known, (later, labels), later_test = _between((x, t), 0, 4), _between((x, t), 5, 9), _between(test, 5, 9)
    known = first(settings.few(len(known[0]), 200), known)
    curves: dict[str, list[list[float]]] = {"from scratch": [], "fine-tuned": []}
    for k in range(1, settings.few(3, 1) + 1):
        before = small_network(settings, k, output_size=5)
        trained(
            before, known, first(100, known), settings, epochs=settings.few(5, 2), optimizer=Adam(),
            seed=[settings.seed, 1, k],
        )  # fmt: skip
        rng = settings.rng(2, k)
        few = np.concatenate([rng.choice(np.flatnonzero(labels == label), 20, replace=False) for label in range(5)])
        for name in curves:
            network = small_network(settings, 100 + k, output_size=5)
            if name == "fine-tuned":
                _take_over(network, before)
            trainer = trained(
                network, (later[few], labels[few]), later_test, settings, epochs=settings.few(50, 3),
                mini_batch_size=20, optimizer=Adam(), seed=[settings.seed, 3, k],
            )  # fmt: skip
            curves[name].append(trainer.test_acc_list)
    figure = new_figure(8, 5)
    axes = figure.subplots()
    draw_accuracies(
        axes, "test accuracy on 5 to 9, after 20 images of each",
        {f"{name} (mean)": np.mean(runs, axis=0).tolist() for name, runs in curves.items()},
    )  # fmt: skip
    for color, runs in zip(COLORS, curves.values(), strict=False):
        axes.plot(range(1, len(runs[0]) + 1), np.transpose(runs), color=color, linewidth=0.6, alpha=0.6)
    axes.set_ylim(float(np.min(list(curves.values()))), 1)
    accuracies = {name: [run[-1] for run in runs] for name, runs in curves.items()}
    means = {name: float(np.mean(values)) for name, values in accuracies.items()}
    return Outcome({"mean_accuracy": means, "accuracy": accuracies, "curves": curves}, figure)


def _between(data: Split, low: int, high: int) -> Split:
    """The images of these digits, labelled from 0."""
    images, labels = data
    chosen = (low <= labels) & (labels <= high)
    return images[chosen], labels[chosen] - low


def _take_over(network: Network, learned: Network) -> None:
    """All parameters of another network, but for the last layer's."""
    for name in list(network.params)[:-2]:
        network.params[name].data = learned.params[name].numpy()


# -- 8.3: speed and size


@experiment("layer-times", "8.3.1")
def layer_times(settings: Settings) -> Outcome:
    """How long each layer of DeepConvNet takes for 100 digits, forward and backward."""
    (x, t), _ = settings.mnist(flatten=False)
    network = deep_convnet(settings)
    passes = [_timed_pass(network, *first(settings.few(100, 20), (x, t))) for _ in range(settings.few(6, 2))][1:]
    names = list(passes[0])
    times = np.median([[passed[name] for name in names] for passed in passes], axis=0)
    figure = new_figure(9, 7)
    axes = figure.subplots()
    forward, backward = (1000 * times).T
    axes.barh(names, forward, color=COLORS[0], label="forward")
    axes.barh(names, backward, left=forward, color=COLORS[1], label="backward")
    axes.invert_yaxis()
    convolutions = [name.startswith("Conv") for name in names]
    share = times[convolutions].sum() / times.sum()
    axes.set(title=f"convolutions take {share:.0%}", xlabel="milliseconds", ylabel="layer")
    axes.legend()
    numbers = {"layers": names, "forward_ms": forward.tolist(), "backward_ms": backward.tolist()}
    return Outcome({**numbers, "share_of_convolutions": float(share)}, figure)


class _TimedLayers(Layers):
    """Layers that note when each of them has its result, and when the gradient of its result arrives."""

    def __init__(self, network: DeepConvNet) -> None:
        super().__init__(network, train=True)
        self.made: dict[str, float] = {"": perf_counter()}
        self.arrived: dict[str, float] = {}

    def apply(self, kind: str, function: Callable[..., Any], *arguments: Any) -> Any:
        return self._noted(kind, super().apply(kind, function, *arguments))

    def affine(self, x: Any, outputs: int) -> Any:
        return self._noted("Affine", super().affine(x, outputs))

    def conv(self, x: Any, *arguments: Any, **options: Any) -> Any:
        return self._noted("Conv", super().conv(x, *arguments, **options))

    def _noted(self, kind: str, result: Any) -> Any:
        name = f"{kind}{self._counts[kind]}"
        self.made[name] = perf_counter()
        result.register_hook(lambda _: self.arrived.__setitem__(name, perf_counter()))
        return result


def _timed_pass(network: DeepConvNet, x: Any, t: Any) -> dict[str, tuple[float, float]]:
    """The seconds that each layer took forward and backward."""
    layers = _TimedLayers(network)
    scores = network.scores(network.inputs(x), layers)
    softmax_loss(scores, t).backward()
    end = perf_counter()
    zero_grad(network.params)
    names = list(layers.made)[1:]
    forward = np.diff(list(layers.made.values()))
    backward = -np.diff([end, *(layers.arrived[name] for name in names)])
    return {name: (float(f), float(b)) for name, f, b in zip(names, forward, backward, strict=True)}


@experiment("half-precision", "8.3.4", takes=(*LEARNS, "weights"))
def half_precision(settings: Settings) -> Outcome:
    """A trained DeepConvNet in float32 and in float16: half the memory, and as many digits read."""
    full, half = learned(deep_convnet(settings), settings), deep_convnet(settings, dtype="float16")
    half.load_state_dict(full.state_dict())
    _, (x, t) = settings.mnist(flatten=False)
    x, t = first(settings.few(1000, 50), (x, t))  # NumPy multiplies matrices of float16 about 100 times more slowly
    scores = {str(network.dtype): network.predict_all(x) for network in (full, half)}
    accuracy = {name: float(np.mean(correct(s, t))) for name, s in scores.items()}
    size = {str(network.dtype): sum(p.numpy().nbytes for p in network.params.values()) for network in (full, half)}
    figure = new_figure(12, 4.5)
    left, middle, right = figure.subplots(1, 3, width_ratios=[2, 2, 3])
    left.bar_label(left.bar(list(accuracy), list(accuracy.values()), color=COLORS[:2]), fmt="%.4f")
    left.set(title=f"accuracy on {len(x):,} test digits", xlabel="dtype", ylabel="accuracy", ylim=(0, 1.1))
    middle.bar_label(middle.bar(list(size), [n / 1000 for n in size.values()], color=COLORS[:2]), fmt="%.0f")
    middle.set(title="memory of the parameters", xlabel="dtype", ylabel="kilobytes")
    right.plot(
        scores["float32"].ravel(), scores["float16"].ravel(), ".", color=COLORS[0], markersize=3, label="a score"
    )
    right.axline((0, 0), slope=1, color=GREY, linewidth=0.8, label="equal in both")
    right.set(title="all scores", xlabel="in float32", ylabel="in float16")
    right.legend()
    numbers = {
        "accuracy": accuracy,
        "bytes": size,
        "largest_distance_of_scores": float(np.abs(scores["float32"] - scores["float16"]).max()),
        "same_answers": float(np.mean(scores["float32"].argmax(axis=1) == scores["float16"].argmax(axis=1))),
    }
    return Outcome(numbers, figure)

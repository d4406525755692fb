"""Training the two-layer network, as chapter 5 does, and what it leaves behind."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.data import load_mnist
from autograd_dl.errors import DataError
from autograd_dl.optim import SGD
from autograd_dl.optional import need
from autograd_dl.serialization import replacing
from models import TwoLayerNet
from visualize import plot_history

from .graphs import draw, loss_of

Split = tuple[NDArray[Any], NDArray[Any]]
DATA = {"subset": "the subset of MNIST that comes with the package", "mnist": "the full MNIST"}


def train_two_layer_net(
    *,
    data: str,
    iterations: int,
    epochs: int | None,
    batch_size: int,
    lr: float,
    activation: str,
    seed: int,
    dtype: str,
    out: Path,
) -> None:
    """Train the book's two-layer network, and write its curves, graph, weights and history into the folder `out`.

    Each gradient is computed by the graph. Batches are drawn with replacement, as in the book; accuracy is measured on
    all images before the first and after every epoch. `epochs`, if given, says how long, or else `iterations`.
    """
    for module, extra in {"matplotlib": "viz", "graphviz": "viz", "tqdm": "train", "safetensors": "train"}.items():
        need(module, extra)
    (x, t), test = load_mnist(subset=data == "subset")
    print(f"data: {DATA[data]}: {len(x):,} training and {len(test[0]):,} test images", flush=True)
    if batch_size > len(x):
        raise DataError(f"a batch of {batch_size:,} is more than the {len(x):,} training images")
    _refuse_unwritable(out)

    network = TwoLayerNet(784, 50, 10, activation=activation, dtype=dtype, seed=seed)
    training = _Training(network, SGD(lr), (x, t), test, batch_size)
    training.run(epochs * training.steps_per_epoch if epochs else iterations, np.random.default_rng([seed, 1]))

    print(training.outcome())
    _save(network, training.history, out)
    draw(loss_of(network, x[:batch_size], t[:batch_size]), out / "graph.svg")
    if data == "subset":
        print("for the full set: autograd-dl train two-layer-net --data mnist")


class _Training:
    """A network, an optimizer and data, and how the training went so far."""

    def __init__(self, network: TwoLayerNet, optimizer: SGD, train: Split, test: Split, batch_size: int) -> None:
        self.network, self.optimizer, self.train, self.test = network, optimizer, train, test
        self.batch_size = batch_size
        self.steps_per_epoch = len(train[0]) // batch_size
        self.history: dict[str, list[float]] = {"loss": [], "epoch": [], "train_accuracy": [], "test_accuracy": []}

    def run(self, steps: int, rng: np.random.Generator) -> None:
        """Train on `steps` batches, with a progress bar on a terminal, and ten plain lines elsewhere."""
        x, t = self.train
        bar = need("tqdm", "train").tqdm(range(1, steps + 1), unit="batch", disable=not sys.stderr.isatty())
        with bar, np.errstate(all="ignore"):  # `outcome` tells of a training that diverged
            self.measure(0)
            for step in bar:
                chosen = rng.integers(len(x), size=self.batch_size)
                self.history["loss"].append(self.step(x[chosen], t[chosen]))
                if step % self.steps_per_epoch == 0 or step == steps:
                    self.measure(step)
                    bar.set_postfix(test_accuracy=self.history["test_accuracy"][-1])
                if bar.disable and step % math.ceil(steps / 10) == 0:
                    print(f"{step:,} of {steps:,} batches: {self.progress()}", flush=True)

    def step(self, x: NDArray[Any], t: NDArray[Any]) -> float:
        """One step down the gradient of the loss; returns the loss before it."""
        loss = self.network.loss(x, t)
        loss.backward()
        self.optimizer.update(self.network.params)
        for parameter in self.network.params.values():
            parameter.zero_grad()
        return float(loss)

    def measure(self, step: int) -> None:
        """Note the accuracies after so many batches."""
        self.history["epoch"].append(step / self.steps_per_epoch)
        self.history["train_accuracy"].append(self.network.accuracy(*self.train))
        self.history["test_accuracy"].append(self.network.accuracy(*self.test))

    def progress(self) -> str:
        """How it goes, in a line."""
        return f"loss {np.mean(self.history['loss'][-100:]):.4f}, test accuracy {self.history['test_accuracy'][-1]:.4f}"

    def outcome(self) -> str:
        """How it went, in a line or two."""
        accuracies = (self.history[key][-1] for key in ("test_accuracy", "train_accuracy"))
        text = "test accuracy {:.4f}, training accuracy {:.4f}".format(*accuracies)
        if math.isfinite(self.history["loss"][-1]):
            return text
        return f"{text}\nthe loss is no number any more: the training diverged, and a smaller --lr may help"


def _refuse_unwritable(folder: Path) -> None:
    """Make the folder, and fail now, not after the training, if nothing can be written there."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


def _save(network: TwoLayerNet, history: dict[str, list[float]], out: Path) -> None:
    network.save_params(out / "weights.safetensors")
    print(f"wrote {out / 'weights.safetensors'}")
    with replacing(out / "history.json") as temporary:
        temporary.write_text(_json(history))
    print(f"wrote {out / 'history.json'}")
    with replacing(out / "history.png") as temporary:
        plot_history(history).savefig(temporary, format="png", dpi=120)
    print(f"wrote {out / 'history.png'}")


def _json(history: dict[str, list[float]]) -> str:
    """The history as JSON, which has no NaN and no infinity: null stands for them."""
    numbers = {key: [v if math.isfinite(v) else None for v in values] for key, values in history.items()}
    return json.dumps(numbers, allow_nan=False)

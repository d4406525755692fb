"""Training the two-layer network, as chapter 5 does, and what it leaves behind."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.data.mnist import count_training_images, load_mnist
from autograd_dl.errors import DataError
from autograd_dl.optim import SGD
from autograd_dl.optional import need
from autograd_dl.serialization import replacing
from models import TwoLayerNet
from visualize import plot_history

from .experiment import one_thread, plain
from .graphs import draw, loss_of

Split = tuple[NDArray[Any], NDArray[Any]]
EXTRAS = {"matplotlib": "viz", "graphviz": "viz", "tqdm": "train", "safetensors": "train", "threadpoolctl": "train"}
MEASUREMENTS = 50
"""About as many times accuracy is measured, at most: with the subset one takes as long as 40 batches."""
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

    Each gradient is computed by the graph. Batches are drawn with replacement, as in the book. `epochs`, if given, says
    how long, or else `iterations`. Accuracy is measured on all images before the first batch, after every epoch or, if
    there are more than 50, after every second, third ... epoch, and after the last batch.
    """
    for module, extra in EXTRAS.items():
        need(module, extra)
    available = count_training_images(subset=data == "subset")
    if batch_size > available:
        raise DataError(f"a batch of {batch_size:,} is more than the {available:,} training images")
    _refuse_unwritable(out)
    (x, t), test = load_mnist(subset=data == "subset")
    print(f"data: {DATA[data]}: {len(x):,} training and {len(test[0]):,} test images", flush=True)

    network = TwoLayerNet(784, 50, 10, activation=activation, dtype=dtype, seed=seed)
    training = _Training(network, SGD(lr), (x, t), test, batch_size)
    steps = epochs * training.steps_per_epoch if epochs else iterations
    with one_thread():
        training.run(steps, np.random.default_rng([seed, 1]))

    saved = _save(network, training.history, out)
    drawn = draw(loss_of(network, x[:batch_size], t[:batch_size]), out / "graph.svg")
    print(training.outcome())
    for file in saved:
        print(f"wrote {file}")
    print(drawn)
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
        every = math.ceil(steps / self.steps_per_epoch / MEASUREMENTS) * self.steps_per_epoch
        bar = need("tqdm", "train").tqdm(range(1, steps + 1), unit="batch", disable=not sys.stderr.isatty())
        with bar, np.errstate(all="ignore"):  # `outcome` tells of a training that diverged
            self.measure(0)
            for step in bar:
                chosen = rng.integers(len(x), size=self.batch_size)
                self.history["loss"].append(self.step(x[chosen], t[chosen]))
                if step % every == 0 or step == steps:
                    self.measure(step)
                    bar.set_postfix_str(self.measured())
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

    def measured(self) -> str:
        """The last measurement, and when it was made."""
        return f"test accuracy {self.history['test_accuracy'][-1]:.4f} after epoch {self.history['epoch'][-1]:.4g}"

    def progress(self) -> str:
        """How it goes, in a line."""
        return f"loss {np.mean(self.history['loss'][-100:]):.4f}, {self.measured()}"

    def outcome(self) -> str:
        """How it went, in a line or two."""
        accuracies = (self.history[key][-1] for key in ("test_accuracy", "train_accuracy"))
        text = "test accuracy {:.4f}, training accuracy {:.4f}".format(*accuracies)
        if math.isfinite(self.history["loss"][-1]):
            return text
        return f"{text}\nthe loss is no number any more: the training diverged, and a smaller --lr may help"


def _refuse_unwritable(folder: Path) -> None:
    """Fail now, not after the training, if nothing can be written there, or the folder cannot be made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        error.filename = str(there)  # not the temporary name in it
        raise


def _save(network: TwoLayerNet, history: dict[str, list[float]], out: Path) -> list[Path]:
    """Write all but the picture of the graph; returns the files."""
    weights, numbers, curves = files = [out / name for name in ("weights.safetensors", "history.json", "history.png")]
    network.save_params(weights)
    with replacing(numbers) as temporary:
        temporary.write_text(json.dumps(plain(history), allow_nan=False))
    with replacing(curves) as temporary:
        plot_history(history).savefig(temporary, format="png", dpi=120)
    return files

"""Training the two-layer network, as chapter 5 does, and what it leaves behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.data import load_mnist
from autograd_dl.optim import SGD
from autograd_dl.optional import need
from autograd_dl.serialization import replacing
from models import TwoLayerNet
from visualize import plot_history

from .graphs import draw, loss_of

History = dict[str, list[float]]
Split = tuple[NDArray[Any], NDArray[Any]]


def train_two_layer_net(
    *,
    data: str,
    iterations: int | None,
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
    all images before the first and after every epoch. `epochs` or `iterations` says how long.
    """
    for module in ("matplotlib", "graphviz"):
        need(module, "viz")
    for module in ("tqdm", "safetensors"):
        need(module, "train")
    (x_train, t_train), test = load_mnist(subset=data == "subset")
    print(f"data: {DATA[data]}: {len(x_train):,} training and {len(test[0]):,} test images", flush=True)
    out.mkdir(parents=True, exist_ok=True)

    network = TwoLayerNet(784, 50, 10, activation=activation, dtype=dtype, seed=seed)
    steps_per_epoch = max(len(x_train) // batch_size, 1)
    steps = iterations if epochs is None else epochs * steps_per_epoch
    assert steps is not None
    history = _train(network, (x_train, t_train), test, steps, steps_per_epoch, batch_size, lr, seed)

    print(f"test accuracy {history['test_accuracy'][-1]:.4f}, training accuracy {history['train_accuracy'][-1]:.4f}")
    _save(network, history, out)
    draw(loss_of(network, x_train[:batch_size], t_train[:batch_size]), out / "graph.svg")
    if data == "subset":
        print("for the full set: autograd-dl train two-layer-net --data mnist")


DATA = {"subset": "the subset of MNIST that comes with the package", "mnist": "the full MNIST"}


def _train(
    network: TwoLayerNet,
    train: Split,
    test: Split,
    steps: int,
    steps_per_epoch: int,
    batch_size: int,
    lr: float,
    seed: int,
) -> History:
    tqdm = need("tqdm", "train")
    x, t = train
    optimizer = SGD(lr)
    batches = np.random.default_rng([seed, 1])
    history: History = {"loss": [], "epoch": [], "train_accuracy": [], "test_accuracy": []}

    def measure(step: int) -> None:
        history["epoch"].append(step / steps_per_epoch)
        history["train_accuracy"].append(network.accuracy(*train))
        history["test_accuracy"].append(network.accuracy(*test))

    measure(0)
    bar = tqdm.tqdm(range(1, steps + 1), unit="batch", disable=not sys.stderr.isatty())
    for step in bar:
        chosen = batches.integers(len(x), size=batch_size)
        loss = network.loss(x[chosen], t[chosen])
        loss.backward()
        optimizer.update(network.params)
        for parameter in network.params.values():
            parameter.zero_grad()
        history["loss"].append(loss.item())
        if step % steps_per_epoch == 0 or step == steps:
            measure(step)
            bar.set_postfix(test_accuracy=history["test_accuracy"][-1])
        if bar.disable and step % max(steps // 10, 1) == 0:
            recent = np.mean(history["loss"][-100:])
            print(f"{step:,} of {steps:,} batches: loss {recent:.4f}, test accuracy {history['test_accuracy'][-1]:.4f}")
    return history


def _save(network: TwoLayerNet, history: History, out: Path) -> None:
    network.save_params(out / "weights.safetensors")
    print(f"wrote {out / 'weights.safetensors'}")
    with replacing(out / "history.json") as temporary:
        temporary.write_text(json.dumps(history))
    print(f"wrote {out / 'history.json'}")
    with replacing(out / "history.png") as temporary:
        plot_history(history).savefig(temporary, format="png", dpi=120)
    print(f"wrote {out / 'history.png'}")

"""Training a network on digits, and what that leaves behind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograd_dl.data.batches import Split
from autograd_dl.data.mnist import count_training_images
from autograd_dl.errors import DataError
from autograd_dl.optional import need_all
from autograd_dl.parallel import workers
from autograd_dl.training import Trainer, optimizer_named
from models import Network
from visualize import plot_history

from .files import refuse_unwritable, write_figure, write_json
from .graphs import draw, loss_of
from .recipes import DATA, RECIPES, built, digits
from .schedules import SCHEDULES

EXTRAS = {"matplotlib": "viz", "graphviz": "viz", "safetensors": "train", "threadpoolctl": "train"}
FILES = ("weights.safetensors", "history.json", "history.png")
MEASUREMENTS = 50
"""About as many times accuracy is measured, at most: with the subset one takes as long as 40 batches."""


@dataclass(frozen=True)
class Plan:
    """A training, as it was asked for. None stands for what the network's recipe says."""

    model: str
    data: str
    iterations: int | None
    epochs: int | None
    batch_size: int
    optimizer: str
    lr: float | None
    schedule: str
    activation: str | None
    seed: int
    dtype: str
    out: Path
    checkpoint_every: int | None
    resume: bool

    @property
    def samples(self) -> int:
        """How many images there are to train on."""
        return count_training_images(subset=self.data == "subset")

    @property
    def steps_per_epoch(self) -> int:
        """In how many steps as many images are seen as there are."""
        return math.ceil(self.samples / self.batch_size)

    @property
    def steps(self) -> int:
        """How many steps to take."""
        says = self if self.iterations or self.epochs else RECIPES[self.model]
        return says.iterations or (says.epochs or 0) * self.steps_per_epoch

    @property
    def measure_every(self) -> int:
        """After how many steps accuracy is measured: at ends of epochs, and not much more than 50 times."""
        return math.ceil(self.steps / self.steps_per_epoch / MEASUREMENTS) * self.steps_per_epoch

    @property
    def rate(self) -> float:
        """The learning rate: the recipe's is for its own optimizer, another optimizer has one of its own."""
        if self.lr is not None:
            return self.lr
        recipe = RECIPES[self.model]
        usual: Any = optimizer_named(self.optimizer)
        return recipe.lr if self.optimizer == recipe.optimizer else usual().lr

    @property
    def checkpoint(self) -> Path | None:
        """Where to save what it takes to go on, if that was asked for."""
        asked = self.resume or self.checkpoint_every is not None
        return self.out / "checkpoint.safetensors" if asked else None

    @property
    def made_with(self) -> dict[str, str]:
        """What `evaluate` must know of the network beside the shapes of its weights."""
        return {"model": self.model} | ({"activation": self.activation} if self.activation else {})

    @property
    def settings(self) -> dict[str, Any]:
        """What must be the same where it goes on. The rates of a schedule depend on the number of steps."""
        names = ("model", "activation", "data", "seed", "dtype")
        length = "" if self.schedule == "constant" else f" over {self.steps:,} batches"
        return {name: getattr(self, name) for name in names} | {"lr": self.rate, "schedule": self.schedule + length}


def train(plan: Plan) -> None:
    """Train a network, and write its curves, graph, weights and history into the folder `plan.out`.

    Batches are drawn with replacement, as in the book. Accuracy is measured on all images before the first batch, after
    every epoch or, if there are more than 50, after every second, third ... epoch, and after the last batch.
    """
    need_all(EXTRAS)
    if plan.batch_size > plan.samples:
        raise DataError(f"a batch of {plan.batch_size:,} is more than the {plan.samples:,} training images")
    begun = plan.checkpoint is not None and plan.checkpoint.exists()
    if plan.resume and not begun:
        raise DataError(f"there is no {plan.checkpoint} to go on from; a training with --checkpoint-every N makes one")
    refuse_unwritable(plan.out, *FILES, "graph.svg", "checkpoint.safetensors")
    if begun and not plan.resume:
        raise DataError(
            f"{plan.checkpoint} holds a training already: --resume goes on from it; to begin anew, move it or give "
            "another --out"
        )
    images, test = digits(plan.model, plan.data)
    print(f"data: {DATA[plan.data]}: {len(images[0]):,} training and {len(test[0]):,} test images", flush=True)

    network = built(plan.model, plan.activation, plan.dtype, plan.seed)
    trainer = _trainer(plan, network, images, test)
    with workers():
        trainer.train()

    saved = _save(plan, network, trainer.history)
    drawn = draw(loss_of(network, *(a[: plan.batch_size] for a in images)), plan.out / "graph.svg")
    for file in saved:
        print(f"wrote {file}")
    print(drawn)
    if plan.data == "subset":
        print(f"for the full set: autograd-dl train {plan.model} --data mnist")


def _trainer(plan: Plan, network: Network, images: Split, test: Split) -> Trainer:
    """Its trainer, which has gone on from the checkpoint if it is to."""
    optimizer = optimizer_named(plan.optimizer)(SCHEDULES[plan.schedule](plan.rate, plan.steps))
    trainer = Trainer(
        network, *images, *test, mini_batch_size=plan.batch_size, optimizer=optimizer, one_pass=True,
        iterations=plan.steps, measure_every=plan.measure_every, seed=[plan.seed, 1], checkpoint=plan.checkpoint,
        checkpoint_every=plan.checkpoint_every, resume=plan.resume, settings=plan.settings,
    )  # fmt: skip
    if trainer.current_iter > plan.steps:
        raise DataError(
            f"{plan.checkpoint} is {trainer.current_iter:,} batches on, beyond the {plan.steps:,} asked for"
        )
    return trainer


def _save(plan: Plan, network: Network, history: dict[str, list[float]]) -> list[Path]:
    """Write all but the picture of the graph; returns the files."""
    weights, numbers, curves = files = [plan.out / name for name in FILES]
    network.save_params(weights, plan.made_with)
    write_json(numbers, history)
    write_figure(curves, plot_history(history))
    return files

"""How the command tells of a training while it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from autograd_dl.optional import need, on_terminal
from autograd_dl.training import Trainer


@contextmanager
def shown(trainer: Trainer) -> Iterator[None]:
    """Show how the training in this block goes: by a bar on a terminal, by about ten lines elsewhere.

    The loss in a line is the mean over the last tenth of all steps, 100 at most.
    """
    before = trainer.callbacks, trainer.step_callbacks
    try:
        with _bar(trainer) if on_terminal() else _lines(trainer):
            yield
    finally:
        trainer.callbacks, trainer.step_callbacks = before


@contextmanager
def _bar(trainer: Trainer) -> Iterator[None]:
    tqdm = need("tqdm", "train").tqdm
    with tqdm(initial=trainer.current_iter, total=trainer.max_iter, unit="batch") as bar:
        trainer.step_callbacks += (lambda _: bar.update(),)
        trainer.callbacks += (lambda trainer: bar.set_postfix_str(_measured(trainer)),)
        yield


@contextmanager
def _lines(trainer: Trainer) -> Iterator[None]:
    every = math.ceil(trainer.max_iter / 10)

    def tell(trainer: Trainer) -> None:
        if trainer.current_iter % every == 0 and trainer.current_iter < trainer.max_iter:
            _print_line(trainer)

    trainer.step_callbacks += (tell,)
    yield
    _print_line(trainer)


def _print_line(trainer: Trainer) -> None:
    with np.errstate(all="ignore"):
        loss = np.mean(trainer.train_loss_list[-min(100, math.ceil(trainer.max_iter / 10)) :])
    batches = f"{trainer.current_iter:,} of {trainer.max_iter:,} batches"
    measured = [_measured(trainer)] if trainer.measured[-1] else []  # the one before the first step tells nothing
    print(", ".join([f"{batches}: loss {loss:.4f}", *measured]), flush=True)


def _measured(trainer: Trainer) -> str:
    """The last measurement, and when it was made."""
    accuracies, epochs = trainer.history["test_accuracy"], trainer.history["epoch"]
    return f"test accuracy {accuracies[-1]:.4f} after epoch {epochs[-1]:.4g}"

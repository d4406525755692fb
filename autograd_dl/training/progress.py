"""How a training is told of while it runs: by a bar on a terminal, by lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingExtraError
from ..optional import need, on_terminal

if TYPE_CHECKING:
    from .trainer import Callback, Trainer


@contextmanager
def shown(trainer: Trainer) -> Iterator[None]:
    """Tell in this block how the training goes: by a bar on a terminal (if tqdm is there), by lines elsewhere.

    There is a line for each measurement; the loss in it is the mean over the last epoch.
    """
    tqdm = _tqdm()
    if tqdm is None or trainer.current_iter >= trainer.max_iter:
        with _telling(trainer, _print_line):
            yield
        return
    bar = tqdm(initial=trainer.current_iter, total=trainer.max_iter, unit="batch")
    with bar, _telling(trainer, lambda trainer: bar.set_postfix_str(_postfix(trainer)), lambda _: bar.update()):
        yield


@contextmanager
def _telling(trainer: Trainer, of_measurement: Callback, *of_step: Callback) -> Iterator[None]:
    """Call these functions after every measurement in this block, and after every step."""
    trainer.callbacks = (*trainer.callbacks, of_measurement)
    trainer.step_callbacks = (*trainer.step_callbacks, *of_step)
    try:
        yield
    finally:
        trainer.callbacks = tuple(c for c in trainer.callbacks if c is not of_measurement)
        trainer.step_callbacks = tuple(c for c in trainer.step_callbacks if c not in of_step)


def _tqdm() -> Any:
    if not on_terminal():
        return None
    try:
        return need("tqdm", "train").tqdm
    except MissingExtraError:
        return None


def _print_line(trainer: Trainer) -> None:
    if trainer.current_iter:  # the measurement before the first step tells nothing
        epoch, epochs = (steps / trainer.iter_per_epoch for steps in (trainer.current_iter, trainer.max_iter))
        accuracy = f"training accuracy {trainer.train_acc_list[-1]:.4f}, {_test_accuracy(trainer)}"
        print(f"epoch {epoch:g} of {epochs:g}: {_mean_loss(trainer)}, {accuracy}", flush=True)


def _postfix(trainer: Trainer) -> str:
    """What stands behind a bar: no more than a terminal of 80 columns has room for."""
    return f"{_mean_loss(trainer)}, {_test_accuracy(trainer)}" if trainer.current_iter else _test_accuracy(trainer)


def _mean_loss(trainer: Trainer) -> str:
    with np.errstate(all="ignore"):
        return f"loss {np.mean(trainer.train_loss_list[-trainer.iter_per_epoch :]):.4f}"


def _test_accuracy(trainer: Trainer) -> str:
    return f"test accuracy {trainer.test_acc_list[-1]:.4f}"


def outcome(trainer: Trainer, taken: int) -> str:
    """How the training went, in a few lines. `taken` is how many steps it took now."""
    with np.errstate(all="ignore"):
        accuracy = trainer.network.accuracy(*trainer.test)
    text = f"test accuracy {accuracy:.4f} after {trainer.current_iter:,} steps"
    if trainer.current_iter < trainer.max_iter:
        text += f", stopped before the {trainer.max_iter:,} that were planned"
    if trainer.current_iter and not taken:
        text += f"\nno step was taken now: {_way_further(trainer)}"
    return f"{text}\nthe loss is NaN or infinite{_cause(trainer)}" if trainer.diverged else text


def _way_further(trainer: Trainer) -> str:
    """Why there was no step left to take, and how there are more."""
    further = "another Trainer trains this network further"
    if trainer.stopped:
        return f"the training was stopped before; {further}"
    resumed = "a checkpoint that is resumed (resume=True, --resume) with more epochs or iterations"
    return f"the {trainer.max_iter:,} that were asked for were done before; {further}, and so does {resumed}"


def _cause(trainer: Trainer) -> str:
    """Why the loss is NaN or infinite: for the training data, for what the training began with, or for its steps."""
    for name, a in {"x_train": trainer.batches.x, "t_train": trainer.batches.t}.items():
        if a.dtype.kind == "f" and not np.isfinite(a).all():
            first = f"{name}[{np.argwhere(~np.isfinite(a))[0, 0]}]"
            return f", and so are numbers of the data, in {first} first; look at the inputs before the learning rate"
    if trainer.one_pass and not np.isfinite(trainer.train_loss_list[0]):
        return ", and it was so before the first step; look at the inputs and the initial weights"
    return ": the training diverged, and a smaller learning rate (lr, --lr) may help"

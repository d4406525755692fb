"""Plots of training, with matplotlib. They touch no global state, and need no screen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autograd_dl.optional import need

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_history(history: Mapping[str, Sequence[Any]]) -> Figure:
    """Loss and accuracy over a training, side by side.

    Parameters
    ----------
    history : mapping
        `loss`, one number an iteration (None where it was none); `train_accuracy` and `test_accuracy`, from 0 to 1,
        measured after as many epochs as `epoch` says.

    Returns
    -------
    matplotlib Figure, to be saved or shown
    """
    need("matplotlib", "viz")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    loss = [math.nan if value is None else float(value) for value in history["loss"]]
    left.plot(loss, color="#bbbbbb", linewidth=0.5, label="each batch")
    left.plot(_running_mean(loss, 100), color="#1f77b4", label="mean of 100 batches")
    left.axhline(0, color="black", linewidth=0.8)
    left.set(xlabel="iteration", ylabel="loss")
    right.plot(history["epoch"], history["train_accuracy"], color="#1f77b4", label="training images")
    right.plot(history["epoch"], history["test_accuracy"], color="#d62728", linestyle="--", label="test images")
    right.set(xlabel="epoch", ylabel="accuracy")
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    return figure


def _running_mean(values: Sequence[float], window: int) -> list[float]:
    """The mean of up to `window` values that end at each."""
    windows = (values[max(0, end - window) : end] for end in range(1, len(values) + 1))
    return [sum(w) / len(w) for w in windows]  # each from its own values: a NaN, or 1e20, leaves with the window

"""How well given weights read digits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.errors import DataError, command_line
from autograd_dl.evaluation import correct
from autograd_dl.functional import softmax_loss
from autograd_dl.parallel import workers
from autograd_dl.serialization import load_metadata

from .recipes import DATA, RECIPES, built, digits


def evaluate(model: str, weights: Path, data: str, activation: str | None, dtype: str) -> None:
    """Print the accuracy and the loss of a network on the test images, and the accuracy on each digit.

    Without `activation`, it is the one that the network was trained with, if the file tells, or else the usual one,
    which is told.
    """
    made_with = load_metadata(weights)
    chosen = _activation(model, weights, made_with, activation)
    network = built(model, chosen, dtype)
    with np.errstate(all="ignore"):  # weights that are no numbers, or too large for the dtype, are seen in the outcome
        network.load_params(weights)
        _, (x, t) = digits(model, data)
        print(f"data: {DATA[data]}: {len(x):,} test images", flush=True)
        if chosen and not activation and "activation" not in made_with:
            print(f"activation: {chosen}, since {weights} names none; --activation chooses another", flush=True)
        with workers():
            scores = network.predict_all(x)
        loss = float(softmax_loss(scores, t))
    right = correct(scores, t)
    print(f"test accuracy {right.mean():.4f}, loss {loss:.4f}")
    print(_table(right, t))


def _activation(model: str, weights: Path, made_with: Mapping[str, str], asked: str | None) -> str | None:
    """The activation of the network. Raises DataError if the file tells of another one, or of another network."""
    there = made_with.get("model", model)
    if there != model:
        instead = f": {command_line(['autograd-dl', 'evaluate', there, str(weights)])}" if there in RECIPES else ""
        raise DataError(f"{weights} has the weights of {there}, not of {model}{instead}")
    known = (asked,) if asked else RECIPES[model].activations
    activation = made_with.get("activation", *known[:1])
    if known and activation not in known:
        raise DataError(f"{weights} was trained with --activation {activation}, not {' or '.join(known)}")
    return activation


def _table(right: NDArray[np.bool_], t: NDArray[Any]) -> str:
    """A line for each digit that there is an image of: how many there are, and how many of them are read."""
    counts = {label: (t == label) for label in np.unique(t)}
    rows = [f"{label:>5}  {of.sum():>6,}  {right[of].mean():>8.4f}" for label, of in counts.items()]
    return "\n".join(["digit  images  accuracy", *rows])

"""What a checkpoint says of a training that is to be resumed, and whether it can be."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..data.generators import pack_json, unpack_json
from ..errors import DataError
from ..optional import need
from .protocols import NamedArrays

FORMAT = 2
"""The version of the format of checkpoints."""


def checkpoint_path(file: str | PathLike[str]) -> Path:
    """The path, if a checkpoint can have it: told before the training, not after."""
    path = Path(file)
    if path.suffix != ".safetensors":
        raise DataError(f"checkpoints are safetensors files: name it '{path.stem}.safetensors', not {path.name!r}")
    need("safetensors", "train")
    return path


def facts_beside(own: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The user's settings as a checkpoint gives them back: a tuple as a list, an array as a list of numbers.

    Raises ValueError for what JSON does not know, and for names that the Trainer has for its own.
    """
    try:
        facts: dict[str, Any] = unpack_json(pack_json(dict(settings)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"settings are facts that JSON knows, by their names ({error})") from error
    if taken := facts.keys() & own:
        raise ValueError(f"settings has names that the Trainer itself keeps: {', '.join(sorted(taken))}")
    return facts


def _same(there: Any, here: Any) -> bool:
    return bool(there == here) or json.dumps(there) == json.dumps(here)  # NaN is not equal to itself


def progress_in(part: NamedArrays, settings: dict[str, Any]) -> tuple[int, bool]:
    """How many steps the training had taken, and whether it had stopped, if it had these settings."""
    try:
        facts = unpack_json(part["progress"])
        there, step, stopped = facts["settings"], operator.index(facts["step"]), bool(facts["stopped"])
        differing = [name for name, here in settings.items() if not _same(there.get(name), here)]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError("it is no checkpoint of a training") from error
    if differing:
        raise DataError(
            "; ".join(f"{name} is {there.get(name)!r} there, {settings[name]!r} here" for name in differing)
        )
    return step, stopped


def refuse_other_dtypes(params: Mapping[str, Any], here: NamedArrays, there: NamedArrays) -> None:
    """Raise `DataError` if the state of a network there has parameters of another dtype than here.

    (A parameter that is a number of Python's has none: an int becomes a float where it moves.)
    """
    both = [name for name, p in params.items() if hasattr(p, "dtype") and name in here and name in there]
    differing = [name for name in both if here[name].dtype.name != there[name].dtype.name]
    if differing:
        faults = "; ".join(f"{name} is {there[name].dtype} there, {here[name].dtype} here" for name in differing)
        raise DataError(f"{faults}; make the network with the dtype that it has there")


def history_in(part: NamedArrays, step: int, steps_per_epoch: int) -> dict[str, list[Any]]:
    """The losses and measurements, if they are those of so many steps."""
    measured = part.get("measured", np.zeros(0))
    expected = {"loss": (step,)} | dict.fromkeys(("measured", "train_acc", "test_acc"), (measured.size,))
    rising = np.diff([-1, *measured.ravel().tolist(), step + 1]) > 0
    if {name: a.shape for name, a in part.items()} != expected or not rising.all():
        raise DataError(f"the history is not that of {step} steps and {step // steps_per_epoch} epochs")
    return {name: a.tolist() for name, a in part.items()}

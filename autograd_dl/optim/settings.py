"""The numbers and names that optimizers, schedules and penalties are made with, checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

from ..values import is_size

Schedule = Callable[[int], float]
"""A learning rate that depends on the number of updates made so far."""


def checked(name: str, value: Any, below: float = math.inf) -> float:
    """The setting of this name, if it is a number from 0 to less than `below`."""
    if not isinstance(value, Real) or not _is_finite(value) or not 0 <= float(value) < below:
        raise ValueError(f"{name} must be at least 0 and less than {below}, not {value!r}")
    return float(value)


def checked_length(name: str, steps: Any) -> int:
    """The setting of this name, if it is a number of updates."""
    if not is_size(steps):
        raise ValueError(f"{name} must be a whole number of updates, at least 1, not {steps!r}")
    return int(steps)


def checked_rate(lr: Any) -> Any:
    """The learning rate, if it is a finite number."""
    if not isinstance(lr, (float, Real)) or not _is_finite(lr):  # float first: asking Real is slow
        given = repr(lr) if isinstance(lr, (Real, str)) else f"of type {type(lr).__name__}"
        raise ValueError(f"the learning rate lr must be a finite number, not {given}; or a schedule, step -> number")
    return lr


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an int that no float can be
        return False


def rate_at(lr: float | Schedule, step: int) -> float:
    """The learning rate of an update: that of the schedule, or the one that there is."""
    return lr(step) if callable(lr) else lr


def several(names: Iterable[str]) -> Iterable[str]:
    """The names, if they are not given as a single one, whose letters would be taken for names."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise ValueError(f"names must be a list of names, [{names!r}], not {names!r}")
    return names

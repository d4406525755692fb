"""Learning rates that change as training goes on: functions from the number of updates made so far to the rate."""

from __future__ import annotations

import math
from functools import partial

from .settings import Schedule, checked, checked_length, checked_rate, rate_at


def step_decay(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """The rate lr, times `factor` after each `every` updates.

    Raises ValueError for a rate that is not finite, an `every` that is no whole number of 1 or more, a negative factor.

    >>> schedule = step_decay(0.1, every=2, factor=0.5)
    >>> [schedule(step) for step in range(5)]
    [0.1, 0.1, 0.05, 0.05, 0.025]
    """
    lr, every, factor = checked_rate(lr), checked_length("every", every), checked("factor", factor)
    return partial(_stepped, lr, every, factor)


def _stepped(lr: float, every: int, factor: float, step: int) -> float:
    return lr * factor ** (step // every)


def exponential_decay(lr: float, factor: float) -> Schedule:
    """The rate lr, times `factor` after each update. Raises ValueError as `step_decay` does.

    >>> schedule = exponential_decay(0.1, factor=0.5)
    >>> [schedule(step) for step in range(3)]
    [0.1, 0.05, 0.025]
    """
    return step_decay(lr, 1, factor)


def cosine_decay(lr: float, steps: int, end: float = 0.0) -> Schedule:
    """From lr to `end` along half a cosine in `steps` updates, then `end`.

    Loshchilov, Hutter 2017, arXiv:1608.03983, eq. 5, without restarts. Raises ValueError for a rate that is not finite,
    or a number of `steps` that is no whole number of 1 or more.

    >>> schedule = cosine_decay(0.1, steps=2)
    >>> [round(schedule(step), 4) for step in range(4)]
    [0.1, 0.05, 0.0, 0.0]
    """
    lr, steps, end = checked_rate(lr), checked_length("steps", steps), checked_rate(end)
    return partial(_along_cosine, lr, steps, end)


def _along_cosine(lr: float, steps: int, end: float, step: int) -> float:
    return end + (lr - end) * (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2


def warm_up(after: float | Schedule, steps: int) -> Schedule:
    """In `steps` even steps up to the first rate of `after`, a rate or a schedule, which begins then.

    Raises ValueError as `cosine_decay` does.

    >>> schedule = warm_up(cosine_decay(0.1, steps=2), steps=2)
    >>> [round(schedule(step), 4) for step in range(5)]
    [0.05, 0.1, 0.1, 0.05, 0.0]
    """
    steps = checked_length("steps", steps)
    first = checked_rate(rate_at(after, 0))
    return partial(_warmed_up, after, first, steps)


def _warmed_up(after: float | Schedule, first: float, steps: int, step: int) -> float:
    return first * (step + 1) / steps if step < steps else rate_at(after, step - steps)

"""The learning rate over a training of so many steps: the schedules that the command knows by name."""

from __future__ import annotations

import math
from collections.abc import Callable

from autograd_dl.optim import Schedule, cosine_decay, exponential_decay, step_decay, warm_up


def constant(lr: float, steps: int) -> float:  # noqa: ARG001 -- all of them are called alike
    """the rate as it is"""
    return lr


def step(lr: float, steps: int) -> Schedule:
    """times 0.1 after each third of the training"""
    return step_decay(lr, every=math.ceil(steps / 3))


def exponential(lr: float, steps: int) -> Schedule:
    """falling evenly to a hundredth of it at the end"""
    return exponential_decay(lr, factor=0.01 ** (1 / steps))


def cosine(lr: float, steps: int) -> Schedule:
    """along half a cosine to 0 at the end"""
    return cosine_decay(lr, steps)


def warming(lr: float, steps: int) -> Schedule:
    """rising during the first tenth, then the rate as it is"""
    return warm_up(lr, math.ceil(steps / 10))


SCHEDULES: dict[str, Callable[[float, int], float | Schedule]] = {
    "constant": constant, "step": step, "exponential": exponential, "cosine": cosine, "warm-up": warming,
}  # fmt: skip
"""By name, functions of the rate and the number of steps. Their docstrings are what `--help` says of them."""

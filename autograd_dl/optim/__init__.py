"""Optimizers under the book's names: `update(params, grads)` as there, or `update(params)` after `backward()`.

`zero_grad(params)` comes before the next `backward()`. Beside these are schedules, which the learning rate of each may
be, and functions that clip a dict of gradients or add to it the gradient of a penalty.

>>> params = {"x": -7.0, "y": 2.0}
>>> optimizer = Momentum(lr=warm_up(0.1, steps=5))
>>> optimizer.update(params, clip_by_norm({"x": params["x"] / 10, "y": 2 * params["y"]}, max_norm=1))
>>> round(params["y"], 4)
1.9803
"""

from .algorithms import SGD, AdaDelta, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop
from .gradients import clip_by_norm, clip_by_value, l1_decay, l2_decay
from .optimizer import Optimizer, zero_grad
from .schedules import cosine_decay, exponential_decay, step_decay, warm_up
from .settings import Schedule as Schedule

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "clip_by_norm",
    "clip_by_value",
    "cosine_decay",
    "exponential_decay",
    "l1_decay",
    "l2_decay",
    "step_decay",
    "warm_up",
    "zero_grad",
]  # fmt: skip

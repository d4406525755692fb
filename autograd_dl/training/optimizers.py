"""Optimizers by their names, as the Trainer and the command take them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from .. import optim
from .protocols import Optimizer

OPTIMIZERS = ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "AdaDelta", "Adam", "AdamW")
BEYOND_THE_BOOK = ("AdaDelta", "AdamW")
OPTIMIZER_PARAM: Mapping[str, Any] = MappingProxyType({"lr": 0.01})
"""What the Trainer makes the book's optimizers with if it is given a name alone."""


def optimizer_named(name: str) -> Callable[..., Optimizer]:
    """The class of that name in `optim`, in any case. Raises ValueError for another name."""
    names = {known.lower(): known for known in OPTIMIZERS}
    if str(name).lower() not in names:
        raise ValueError(f"the optimizer is one of {', '.join(OPTIMIZERS)}, in any case, not {name!r}")
    return getattr(optim, names[name.lower()])


def made(optimizer: str | Optimizer, params: Mapping[str, Any]) -> Optimizer:
    """The optimizer of that name, made with these parameters; or one that is made already, as it is."""
    if isinstance(optimizer, type):
        name = optimizer.__name__
        raise ValueError(f"optimizer is a name or one that is made, '{name}' or {name}(), not the class {name}")
    if isinstance(optimizer, str):
        kind = optimizer_named(optimizer)
        if not isinstance(params, Mapping):
            raise TypeError(f'optimizer_param is a dict of what {kind.__name__} takes, {{"lr": 0.1}}, not {params!r}')
        return kind() if params is OPTIMIZER_PARAM and kind.__name__ in BEYOND_THE_BOOK else kind(**params)
    if not hasattr(optimizer, "update"):
        raise TypeError(f"optimizer is a name, such as 'SGD', or one that is made, such as SGD(), not {optimizer!r}")
    if params is not OPTIMIZER_PARAM:
        raise ValueError(f"optimizer_param is for an optimizer's name; this {type(optimizer).__name__} is made already")
    return optimizer

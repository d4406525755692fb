"""Optimizers under the book's names: `update(params, grads)` as there, or `update(params)` after `backward()`."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping
from numbers import Real
from typing import Any

import numpy as np

from .errors import GraphError, ShapeError
from .tensor import bare


class SGD:
    """Stochastic gradient descent: W <- W - lr * gradient (book, section 6.1.2)."""

    def __init__(self, lr: float = 0.01) -> None:
        _check_rate(lr)
        self.lr = lr

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any] | None = None) -> None:
        """Move every parameter in place.

        Parameters
        ----------
        params : name -> Tensor, array or float
        grads : name -> array, optional
            If left out, each parameter's `.grad`.

        Raises
        ------
        GraphError
            If a gradient is missing.
        ShapeError
            If one has not its parameter's shape. No parameter has changed then, nor before.
        """
        for key, g in _gradients(params, grads).items():
            params[key] -= self.lr * g


def _check_rate(lr: Any) -> None:
    if not isinstance(lr, Real) or not math.isfinite(lr):
        raise ValueError(f"the learning rate lr must be a finite number, not {lr!r}")


def _gradients(params: Mapping[str, Any], grads: Mapping[str, Any] | None) -> dict[str, Any]:
    """The gradient of each parameter, as an array or float."""
    found: dict[str, Any] = {}
    missing: list[str] = []
    for key, parameter in params.items():
        g = getattr(parameter, "grad", None) if grads is None else grads.get(key)
        if g is None:
            missing.append(key)
        elif getattr(g, "shape", ()) != getattr(parameter, "shape", ()):
            raise ShapeError(f"the gradient for {key} has shape {np.shape(g)}, the parameter {np.shape(parameter)}")
        else:
            found[key] = bare(g)
    if missing:
        where = "`.grad`; run loss.backward() first" if grads is None else "entry in grads"
        raise GraphError(f"no gradient for {', '.join(missing)}: there is no {where}")
    return found

"""Functions of a dict of gradients, which clip it or add the gradient of a penalty.

They return a new dict of arrays, in which a gradient that is None stays None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import numpy as np

from ..errors import AnomalyError, ShapeError
from ..tensor import bare
from ..values import check_dict, computed_wide
from .settings import checked, several

Grads = dict[str, Any]


def clip_by_norm(grads: Mapping[str, Any], max_norm: float) -> Grads:
    """The gradients, scaled down together if the norm of all their elements is larger than max_norm.

    Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063, algorithm 1. Raises `AnomalyError` where their squares have no
    finite sum, as with a NaN among them, ValueError for a max_norm that is negative or infinite, `DTypeError` if grads
    is no dict.
    """
    check_dict("grads", grads)
    max_norm = checked("max_norm", max_norm)
    with np.errstate(over="ignore"):
        squares = {key: np.sum(np.square(bare(g), dtype=np.float64)) for key, g in grads.items() if g is not None}
    norms = {key: math.sqrt(square) for key, square in squares.items()}
    norm = math.hypot(*norms.values())
    if not math.isfinite(norm):
        culprits = ", ".join(key for key, value in norms.items() if not math.isfinite(value))
        raise AnomalyError(f"the squares of the gradients have no finite sum, to clip by: {culprits or 'all together'}")
    scale = max_norm / norm if norm > max_norm else 1.0
    return {key: None if g is None else _scaled(bare(g), scale) for key, g in grads.items()}


@computed_wide
def _scaled(a: Any, by: float) -> Any:
    return np.multiply(a, by)


def clip_by_value(grads: Mapping[str, Any], limit: float) -> Grads:
    """The gradients with each element moved into [-limit, limit].

    Raises ValueError for a limit that is negative or infinite, `DTypeError` if grads is no dict.
    """
    check_dict("grads", grads)
    limit = checked("limit", limit)
    return {key: None if g is None else np.clip(bare(g), -limit, limit) for key, g in grads.items()}


def l1_decay(
    grads: Mapping[str, Any], params: Mapping[str, Any], rate: float, names: Iterable[str] | None = None
) -> Grads:
    """The gradients of the loss + rate Σ |W|: g + rate sign W for the parameters of these names, or all.

    Raises ValueError for a negative rate or a name that no parameter has, `ShapeError` for a gradient of another shape
    than its parameter, `DTypeError` if grads or params is no dict.
    """
    rate = checked("rate", rate)
    return _penalised(grads, params, names, lambda w: np.sign(w) * rate)


def l2_decay(
    grads: Mapping[str, Any], params: Mapping[str, Any], rate: float, names: Iterable[str] | None = None
) -> Grads:
    """The gradients of the loss + ½ rate Σ W²: g + rate W for the parameters of these names, or all.

    The book's weight decay (section 6.4.2), which spares the biases: `names=[key for key in params if key[0] == "W"]`.
    Raises what `l1_decay` raises.
    """
    rate = checked("rate", rate)
    return _penalised(grads, params, names, lambda w: _scaled(w, rate))


def _penalised(
    grads: Mapping[str, Any], params: Mapping[str, Any], names: Iterable[str] | None, slope: Callable[[Any], Any]
) -> Grads:
    check_dict("grads", grads)
    check_dict("params", params)
    chosen = chosen_names(names, params)

    def penalised(key: str, g: Any) -> Any:
        if g is None or key not in chosen:
            return bare(g)
        if np.shape(g) != np.shape(params[key]):
            raise ShapeError(f"the gradient for {key} has shape {np.shape(g)}, the parameter {np.shape(params[key])}")
        return bare(g) + slope(bare(params[key]))

    return {key: penalised(key, g) for key, g in grads.items()}


def chosen_names(names: Iterable[str] | None, params: Mapping[str, Any]) -> Set[str]:
    """The names, if each is that of a parameter; those of all parameters for None."""
    chosen = params.keys() if names is None else set(several(names))
    unknown = chosen - params.keys()
    if unknown:
        raise ValueError(f"no parameter to decay is called {', '.join(sorted(unknown))}; there are {', '.join(params)}")
    return chosen

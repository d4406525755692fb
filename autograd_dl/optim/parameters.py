"""Which gradient each parameter has, and whether it fits: nothing is moved before all of them do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from ..errors import DTypeError, GraphError, ShapeError
from ..graph import Leaf
from ..table import Outline
from ..tensor import Tensor, bare
from ..values import check_dict, is_duck, wide_dtype
from .gradients import Grads

NUMBERS = (int, float, np.floating)
"""The numbers that a parameter may be, beside arrays and Tensors."""


def gradients_for(params: Mapping[str, Any], grads: Mapping[str, Any] | None) -> Grads:
    """The gradient of each parameter, in the dtype that its step is computed in.

    A frozen parameter has an `Outline` instead: its state keeps its place, and it does not move.
    """
    if not hasattr(params, "items") or not (grads is None or hasattr(grads, "items")):
        check_dict("params", params)
        check_dict("grads", grads)
    gradients: Grads = {}
    missing: list[str] = []
    for key, parameter in params.items():
        g = _own_gradient(parameter) if grads is None else grads.get(key)
        if g is None:
            missing.append(key)
        gradients[key] = None if g is None else _gradient(key, parameter, g)  # each at its place, also if frozen
    if missing:
        _refuse_unless_frozen(missing, params, grads)
        gradients |= {key: Outline(params[key].shape, working_dtype(params[key].dtype)) for key in missing}
    if len(set(map(id, params.values()))) < len(params):
        _refuse_shared({key: params[key] for key, g in gradients.items() if type(g) is not Outline})
    return gradients


def _refuse_shared(moving: Mapping[str, Any]) -> None:
    """Raise if a Tensor or an array has two names. (Equal numbers may be one object, which does not move.)"""
    names: dict[int, str] = {}
    for key, parameter in moving.items():
        first = names.setdefault(id(parameter), key)
        if first != key and not isinstance(parameter, NUMBERS):
            raise ValueError(
                f"{first} and {key} are one {type(parameter).__name__}, which would move twice: let params have it "
                "under one name, and read that name in both places"
            )


def _own_gradient(parameter: Any) -> Any:
    g = parameter._grad if type(parameter) is Tensor and parameter.requires_grad else None
    return g._value if type(g) is Tensor else g


def _refuse_unless_frozen(missing: list[str], params: Mapping[str, Any], grads: Mapping[str, Any] | None) -> None:
    """Raise unless these parameters, which have no gradient, are to have none, and there are others."""
    learning = [key for key in missing if type(params[key]) is not Tensor or params[key].requires_grad]
    for key in learning:
        refuse_no_parameter(key, params[key])
        _refuse_recorded(key, params[key])
    empty = [key for key in learning if grads is None or key in grads]
    if empty and len(missing) < len(params) and all(type(params[key]) is Tensor for key in empty):
        raise GraphError(
            f"no gradient for {', '.join(empty)}: others have one, so the loss does not depend on it; "
            f'to freeze it, set params["{empty[0]}"].requires_grad = False'
        )
    strangers = [] if grads is None else [key for key in grads if key not in params]
    if learning or strangers:
        others = f", which has {', '.join(strangers)}" if strangers else ""
        why = f"there is no entry in grads{others}"
        if empty:
            why = f"{'there is no `.grad`' if grads is None else 'grads has None'}; run loss.backward() first"
        raise GraphError(f"no gradient for {', '.join(empty or learning or missing)}: {why}")
    if len(missing) == len(params):
        raise GraphError(f"nothing to update: none of {', '.join(missing)} requires grad")


def _gradient(key: str, parameter: Any, g: Any) -> Any:
    """The gradient of a parameter, in the dtype of its step, if it fits, and if the parameter can be moved."""
    value = parameter._value if type(parameter) is Tensor else parameter
    if _is_plain_pair(parameter, value, g):
        return g
    dtype = working_dtype(_movable_dtype(key, parameter, value))
    if type(g) is Tensor and g.requires_grad and g.is_leaf and type(parameter) is not Tensor:
        raise DTypeError(f"the gradient for {key} is a parameter itself: update takes params first, and then grads")
    g = bare(g)
    g = g if is_duck(g) else np.asarray(g)
    if g.shape != np.shape(value):
        raise ShapeError(f"the gradient for {key} has shape {g.shape}, the parameter {np.shape(value)}")
    if g.dtype.kind not in "fiub":
        raise DTypeError(f"the gradient for {key} must be of real numbers, not {g.dtype}")
    return g if g.dtype is dtype else g.astype(dtype)


def _is_plain_pair(parameter: Any, value: Any, g: Any) -> bool:
    """Whether, as in most updates, nothing need be looked at closer: a leaf, and a gradient of its shape and dtype."""
    return (
        type(g) is type(value) is ndarray
        and type(parameter) is Tensor
        and type(parameter.node) is Leaf
        and g.dtype is value.dtype
        and g.shape == value.shape
        and g.dtype.char in "fd"
        and value.flags.writeable
    )


def _movable_dtype(key: str, parameter: Any, value: Any) -> np.dtype[Any]:
    """The dtype of a parameter. Raises if it is none, or cannot be moved."""
    if not hasattr(value, "dtype"):
        refuse_no_parameter(key, value)
        return np.dtype(np.float64)
    if value.dtype.kind != "f":
        raise DTypeError(f"{key} must be of floats to move by small steps, not of {value.dtype}")
    _refuse_recorded(key, parameter)
    has_own_array = type(parameter) is not Tensor or parameter.node is not None
    if isinstance(value, np.ndarray) and not value.flags.writeable and has_own_array:
        raise ValueError(f"{key} is read-only and cannot be moved; take a copy of it")
    return value.dtype


def as_number(parameter: Any, value: Any) -> Any:
    """A value as the kind of number that the parameter is: one of NumPy's, or else a float."""
    return type(parameter)(value) if isinstance(parameter, np.floating) else float(value)


def refuse_no_parameter(key: str, value: Any) -> None:
    """Raise `DTypeError` if the value of this name is none that can move."""
    if not hasattr(value, "dtype") and not isinstance(value, NUMBERS):
        nested = isinstance(value, (dict, list, tuple)) and not all(isinstance(v, NUMBERS) for v in value)
        name = f"{key}.W" if isinstance(value, dict) else f"{key}.0.W"
        instead = f'; names are flat: write one dict, with names like "{name}"' if nested else ""
        raise DTypeError(f"{key} must be a Tensor, an array or a number, not a {type(value).__name__}{instead}")


def _refuse_recorded(key: str, parameter: Any) -> None:
    if type(parameter) is Tensor and not parameter.is_leaf:
        raise GraphError(
            f"{key} is recorded, and only leaves change in place: write {key} *= 2 instead of {key} = {key} * 2, say, "
            f"or make a new parameter of its values, Tensor({key}.numpy(), requires_grad=True)"
        )


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to compute a step in: that of the parameter, but float32 for float16."""
    return wide_dtype(dtype) if dtype.kind == "f" else np.dtype(np.float32)

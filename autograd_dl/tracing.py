"""What the functions of functions share: trees of arguments, and a call on Tensors that stand for them.

A tree is a number, an array or a Tensor, or a nested list, tuple or dict of those, which are its leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

import numpy as np

from .engine import Node, Tensor, enable_grad
from .errors import ShapeError
from .recording import apply1
from .table import Op

Tree = Any

RUNNING: ContextVar[Mapping[Node, Tensor]] = ContextVar("autograd_dl.transforms", default=MappingProxyType({}))
"""The inputs of all functions that are being traced: who depends on one of them has to be differentiable."""


def called_on(f: Callable[..., Any], args: Sequence[Tree], inputs: Sequence[Tensor]) -> Tree:
    """Call `f`, recorded, on arguments that hold these inputs."""
    token = RUNNING.set({**RUNNING.get(), **{x.node: x for x in inputs if x.node is not None}})
    try:
        with enable_grad():
            return f(*args)
    finally:
        RUNNING.reset(token)


def stand_ins(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors of the same values, recorded as made of these: what a function does to them in place stays its own."""
    with enable_grad():
        return [apply1(_STAND_IN, tensor) for tensor in tensors]


def argument(x: Any) -> Any:
    """What a function of functions passes to its function: the op that `stand_ins` records."""
    return x


_STAND_IN = Op(argument)
_STAND_IN.rules = (lambda g, _ans, _x: g,)


def mapped(fun: Callable[[Any], Any], tree: Tree) -> Tree:
    """The same tree with `fun` applied to each leaf, from left to right."""
    if isinstance(tree, dict):
        return tree | {key: mapped(fun, value) for key, value in tree.items()}  # an OrderedDict stays one
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(mapped(fun, value) for value in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(mapped(fun, value) for value in tree)
    return fun(tree)


def leaves_of(tree: Tree) -> list[Any]:
    """The leaves of a tree, from left to right."""
    if not isinstance(tree, (dict, list, tuple)):
        return [tree]
    return [leaf for value in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves_of(value)]


def leaves_like(tree: Tree, like: Tree, path: str = "it") -> list[Any]:
    """The leaves of a tree in the order of those of another, of the same structure: dicts are matched by key.

    Raises `ShapeError`, which says where, if it has another structure.
    """
    if isinstance(like, dict):
        if not isinstance(tree, dict) or tree.keys() != like.keys():
            came = f"keys {list(tree)}" if isinstance(tree, dict) else type(tree).__name__
            raise ShapeError(f"{path} must be a dict with the keys {list(like)}, not {came}")
        pairs = [(tree[key], value, f"{path}[{key!r}]") for key, value in like.items()]
    elif isinstance(like, (list, tuple)):
        if not isinstance(tree, (list, tuple)) or len(tree) != len(like):
            came = f"{len(tree)}" if isinstance(tree, (list, tuple)) else type(tree).__name__
            raise ShapeError(f"{path} must be a {type(like).__name__} of {len(like)}, not {came}")
        pairs = [(t, value, f"{path}[{i}]") for i, (t, value) in enumerate(zip(tree, like, strict=True))]
    elif isinstance(tree, dict):
        raise ShapeError(f"{path} must be an array, not a dict")
    elif tree is None:
        raise ShapeError(f"{path} must be a number or an array of shape {np.shape(like)}, not None; give zeros instead")
    else:
        return [tree]
    return [leaf for part in pairs for leaf in leaves_like(*part)]


def replaced_in(tree: Tree, leaves: Sequence[Any]) -> Tree:
    """The same tree with these leaves in place of its own."""
    values = iter(leaves)
    return mapped(lambda _: next(values), tree)

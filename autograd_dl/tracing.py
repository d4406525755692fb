"""What the functions of functions share: trees of arguments, and a call on Tensors that stand for them.

A tree is a number, an array or a Tensor, or a nested list, tuple or dict of those, which are its leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from .engine import Node, Tensor, enable_grad

Tree = Any

RUNNING: ContextVar[frozenset[Node]] = ContextVar("autograd_dl.transforms", default=frozenset())
"""The inputs of all functions that are being traced: who depends on one of them has to be differentiable."""


def called_on(f: Callable[..., Any], args: Sequence[Tree], inputs: Sequence[Tensor]) -> Tree:
    """Call `f`, recorded, on arguments that hold these inputs."""
    token = RUNNING.set(RUNNING.get().union(x.node for x in inputs if x.node is not None))
    try:
        with enable_grad():
            return f(*args)
    finally:
        RUNNING.reset(token)


def mapped(fun: Callable[[Any], Any], tree: Tree) -> Tree:
    """The same tree with `fun` applied to each leaf, from left to right."""
    if isinstance(tree, dict):
        return {key: mapped(fun, value) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(mapped(fun, value) for value in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(mapped(fun, value) for value in tree)
    return fun(tree)


def leaves_of(tree: Tree) -> list[Any]:
    """The leaves of a tree, from left to right."""
    found: list[Any] = []
    mapped(found.append, tree)
    return found


def replaced_in(tree: Tree, leaves: Sequence[Any]) -> Tree:
    """The same tree with these leaves in place of its own."""
    values = iter(leaves)
    return mapped(lambda _: next(values), tree)

"""How functions get into the table beside NumPy's own: primitives of ours, compositions, and plain results."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

from ..dispatch import call
from ..table import TABLE, Op, Rule
from ..tensor import Tensor, bare

F = TypeVar("F", bound=Callable[..., Any])


@overload
def primitive(fun: F) -> F: ...


@overload
def primitive(*, saved: Rule | None = None, broadcasts: bool = False) -> Callable[[F], F]: ...


def primitive(fun: Any = None, *, saved: Rule | None = None, broadcasts: bool = False) -> Any:
    """Make an op of a function that computes on arrays. Called on arrays it returns arrays, on Tensors it records.

    Give it a derivative with `defvjp`. With `saved`, the function returns its result and what else the rule wants to
    read; the rule gets that as its last positional argument. `saved` computes the same from the function's own
    arguments, and is used where the backward pass is recorded.

    >>> import numpy as np
    >>> from autograd_dl.ops import defvjp
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> defvjp(cube, lambda g, _ans, x: g * 3 * x**2)
    >>> x = Tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> x.grad
    Tensor(12.)
    """
    if fun is None:
        return functools.partial(primitive, saved=saved, broadcasts=broadcasts)

    @functools.wraps(fun)
    def called(*args: Any, **kwargs: Any) -> Any:
        for a in (*args, *kwargs.values()):
            if type(a) is Tensor:
                return call(op, args, kwargs)
        result = fun(*args, **kwargs)
        return result if saved is None else result[0]

    op = TABLE[called] = Op(called, fun, saved)
    op.broadcasts = broadcasts
    return called


def composed(*keys: Callable[..., Any]) -> Callable[[F], F]:
    """Decorate what stands in for NumPy functions on Tensors: the same, written in functions that are in the table."""

    def enter(fun: F) -> F:
        for key in keys:
            _enter(key, fun)
        return fun

    return enter


def _enter(key: Callable[..., Any], fun: Callable[..., Any]) -> None:
    assert key not in TABLE, f"{key} is in the table already (NumPy has several names for some functions)"
    TABLE[key] = fun


def plain(functions: Iterable[Callable[..., Any]]) -> None:
    """Enter functions whose results have no gradient: on Tensors they return plain arrays, as on arrays."""
    for fun in functions:
        _enter(fun, functools.partial(_on_values, fun))


def _on_values(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return fun(*bare(args), **bare(kwargs))

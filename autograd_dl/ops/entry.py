"""How functions get into the table beside NumPy's own: primitives of ours, compositions, and plain results."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..dispatch import arguments_of, call, computed_by_numpy, is_default, refuse_out
from ..errors import DTypeError, RuleError, UnsupportedError
from ..mode import current_mode
from ..recording import REFUSALS, is_plain, named
from ..table import TABLE, Op, Rule, title_of
from ..tensor import Tensor, bare, loses_gradient
from ..values import as_value

F = TypeVar("F", bound=Callable[..., Any])

PLAIN: set[Callable[..., Any]] = set()
"""The functions whose results have no gradient."""


@overload
def primitive(fun: F) -> F: ...


@overload
def primitive(
    *, saved: Rule | None = None, broadcasts: bool = False, stands_for: Callable[..., Any] | None = None
) -> Callable[[F], F]: ...


def primitive(
    fun: Any = None,
    *,
    saved: Rule | None = None,
    broadcasts: bool = False,
    stands_for: Callable[..., Any] | None = None,
) -> Any:
    """Make an op of a function that computes on arrays. Called on arrays it returns arrays, on Tensors it records.

    Give it a derivative with `defvjp`. With `saved`, the function returns its result and what else the rule wants to
    read; the rule gets that as its last positional argument. `saved` computes the same from the function's own
    arguments, and is used where the backward pass is recorded. With `broadcasts`, the gradient of each argument is
    summed over the axes that broadcasting added, so that a rule may return one of the result's shape. One that
    `stands_for` a NumPy function has its name.

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
        return functools.partial(primitive, saved=saved, broadcasts=broadcasts, stands_for=stands_for)

    @functools.wraps(stands_for or fun, ("__module__", "__name__", "__qualname__"))
    @functools.wraps(fun)
    def called(*args: Any, **kwargs: Any) -> Any:
        for a in (*args, *kwargs.values()) if kwargs else args:
            if type(a) is Tensor:
                return call(op, args, kwargs)
        result = fun(*args, **kwargs)
        return result if saved is None else result[0]

    op = TABLE[called] = Op(called, fun, saved)
    op.broadcasts = broadcasts
    return called


def floating(x: Any) -> Any:
    """The array, of integers (or Booleans) as float64; Python's numbers as they are. Raises `DTypeError` for a list."""
    try:
        return x if isinstance(x, (int, float)) or x.dtype.kind == "f" else x.astype(np.float64)
    except AttributeError:
        given = type(x).__name__
        raise DTypeError(f"ops take arrays and Tensors, not {given}; those of `functional` take lists, too") from None


def present(names: str) -> list[Callable[..., Any]]:
    """NumPy's functions of these names; those that a later NumPy brought, or an earlier one had, may be missing.

    >>> [fun.__name__ for fun in present("linalg.inv a_name_of_the_future")]
    ['inv']
    """
    found = []
    for name in names.split():
        module, _, own = name.rpartition(".")
        fun = getattr(getattr(np, module) if module else np, own, None)
        if fun is not None:
            found.append(fun)
    return found


def as_array(values: Any) -> Any:
    """A list or number as an array; what is an array of some kind already, or a Tensor, as it is. Of real numbers."""
    if type(values) is Tensor:
        return values
    if loses_gradient(values):
        raise UnsupportedError("a Tensor inside a list would get no gradient; join them with np.stack")
    return as_value(values)


def index_along(axis: int, ndim: int, key: Any) -> tuple[Any, ...]:
    """The index of an array that is `key` along one axis, and takes all of the others."""
    return (*(slice(None),) * normalize_axis_index(axis, ndim), key)


def part(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """The array from `start` to `stop` along one axis."""
    return x[index_along(axis, x.ndim, slice(start, stop))]


def composed(*keys: Callable[..., Any]) -> Callable[[F], F]:
    """Decorate what stands in for NumPy functions on Tensors: the same, written in functions that are in the table.

    Raises `RuleError` for a function that the table has already.
    """

    def enter(fun: F) -> F:
        taken = [title_of(key) for key in keys if key in TABLE]
        if taken and not fun.__module__.startswith(__package__):
            raise RuleError(f"{', '.join(taken)} is in the table already; give what you compose a name of its own")
        for key in keys:
            _enter(key, functools.partial(_composition, key, fun))
        return fun

    return enter


def plain(functions: Iterable[Callable[..., Any]]) -> None:
    """Enter functions whose results have no gradient: on Tensors they return plain arrays, as on arrays."""
    for fun in functions:
        PLAIN.add(fun)
        _enter(fun, functools.partial(_on_values, fun))


def plain_of_constants(functions: Iterable[Callable[..., Any]], names: set[str], instead: str) -> None:
    """Enter functions with plain results that would have a gradient with respect to the arguments of these names.

    A Tensor that requires grad is refused there while recording; the message says what to use `instead`.
    """
    for fun in functions:
        PLAIN.add(fun)
        _enter(fun, functools.partial(_on_constants, fun, names, instead))


def _enter(key: Callable[..., Any], handler: Callable[..., Any]) -> None:
    """Enter what stands in for a function. (In some versions of NumPy two names are one function: the first stays.)"""
    TABLE.setdefault(key, handler)


def _composition(key: Callable[..., Any], fun: Any, *args: Any, **kwargs: Any) -> Any:
    """Call the composition; for what it does not know NumPy itself, which is possible where no gradient is needed."""
    code = inspect.unwrap(fun).__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if len(args) > code.co_argcount and not code.co_flags & inspect.CO_VARARGS:
        args, kwargs = args[: code.co_argcount], _by_name(key, args, code.co_argcount, kwargs)
    kwargs = {name: value for name, value in kwargs.items() if name in known or not is_default(key, name, value)}
    unknown = [name for name in kwargs if name not in known]
    if unknown and _needs_gradient(args, kwargs):
        raise UnsupportedError(
            f"{title_of(key)}: where a gradient is needed, the keyword {', '.join(unknown)} is not supported"
        )
    if not unknown:
        try:
            return fun(*args, **kwargs)
        except UnsupportedError:
            if _needs_gradient(args, kwargs):
                raise
        except REFUSALS as error:
            title = title_of(key)
            if not is_plain(error) or str(error).startswith(f"{title}:"):
                raise
            raise named(error, title, args, kwargs) from error
    refuse_out(key, args, kwargs)
    return computed_by_numpy(key, args, kwargs)


def _needs_gradient(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return current_mode().recording and loses_gradient((args, kwargs))


def _by_name(key: Callable[..., Any], args: tuple[Any, ...], start: int, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords, and by name too the arguments from `start` on, as NumPy's function names them."""
    names = list(inspect.signature(key).parameters)[start:]
    if len(names) < len(args) - start:
        raise TypeError(f"{title_of(key)}: too many arguments, {len(args)}")
    return dict(zip(names, args[start:], strict=False)) | kwargs


def _on_values(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    refuse_out(fun, args, kwargs)
    return fun(*bare(args), **bare(kwargs))


def _on_constants(fun: Callable[..., Any], names: set[str], instead: str, *args: Any, **kwargs: Any) -> Any:
    if _needs_gradient(args, kwargs):
        for name, value in arguments_of(fun, args, kwargs).items():
            if name in names and loses_gradient(value):
                raise UnsupportedError(f"{title_of(fun)} gives its {name} no gradient; pass t.numpy(), or {instead}")
    return _on_values(fun, *args, **kwargs)

"""How a call of a NumPy function arrives: what the table has for it, and its arguments in the order of the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from .errors import UnsupportedError
from .mode import current_mode
from .recording import apply, apply1, apply2, has_tensor, is_array, results, tuple_like
from .table import TABLE, Op, is_numpys_function, signature_of, title_of
from .tensor import Tensor, bare, loses_gradient, tensor_of

WRITING = {np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask}

RENAMED = {"expit": "sigmoid"}
"""What another library's functions are called here."""

UFUNC_DEFAULTS = {
    "where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True, "signature": None,
}  # fmt: skip
"""Keywords that say as much as none. (Ufuncs of an earlier NumPy do not tell.)"""

RESTATED: dict[tuple[Callable[..., Any], str], Callable[..., Any]] = {}
"""What is called, with the same arguments, in place of a function with a keyword that its rules do not know.

It says the same in other functions, or returns NotImplemented.
"""


def dispatch(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What calling the NumPy function `fun` on Tensors does."""
    handler = TABLE.get(fun)
    if isinstance(handler, Op):
        return call(handler, args, kwargs)
    if handler is None:
        raise UnsupportedError(_unsupported(fun))
    return handler(*args, **kwargs)


def _unsupported(fun: Callable[..., Any]) -> str:
    title = title_of(fun)
    if fun in WRITING:
        return (
            f"{title} is not supported for Tensors: it writes into an array, which cannot be recorded; "
            "np.where and ops.scatter_add make a new one, and a leaf is changed by t[key] = values"
            + ("; for np.full and np.full_like write np.broadcast_to(t, shape)" if fun is np.copyto else "")
        )
    known = {title_of(f): f for f in TABLE}
    name = title.removesuffix(" (vectorized)")
    ours = next((t for t in (title, RENAMED.get(name, name), f"np.{name}") if t in known), None)
    if ours is not None:
        ours = f"{'ops.' if known[ours].__module__.startswith(__package__) else ''}{ours}"
        return f"this {fun.__name__} is an array's method or another library's, and has no gradient here; {ours} has"
    values_alone = "On plain arrays, t.numpy(), it works without a gradient"
    if not is_numpys_function(fun):
        how = _made_an_op(fun, title)
        return f"{title} is none of NumPy's functions, and has no derivative here; {how}. {values_alone}"
    from difflib import get_close_matches  # only an error needs it, and it takes 2 ms

    names = {other.removeprefix("np.") for other in known if other.startswith("np.")}
    name = title.removeprefix("np.")
    same = [fun.__name__] if fun.__name__ in names else []  # as np.sqrt for np.emath.sqrt
    near = same or get_close_matches(name, names, 3, 0.7) or get_close_matches(name, names, 1, 0.4)
    return (
        f"{title} is not supported for Tensors"
        + (f"; the nearest names that are: {', '.join(f'np.{n}' for n in near)}" if near else "")
        + f". {values_alone}"
    )


def _made_an_op(fun: Callable[..., Any], title: str) -> str:
    if isinstance(fun, np.ufunc) and not fun.types[0].startswith("O"):
        return f"ops.defvjp({title}, rule) gives it one"
    return "write it in NumPy's functions, or as @ops.primitive, to which ops.defvjp gives one"


def call(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply an op however it was called: arguments by position or by name, NumPy's further keywords, `out=`."""
    count = len(args)
    if not kwargs:
        if count == op.short:
            tensor = apply2(op, args[0], args[1]) if count == 2 else apply1(op, args[0])
            return tensor if type(tensor._value) is ndarray else _whole(tensor)
        if count == op.arity:
            return apply(op, args)
    if count != op.arity or not kwargs.keys() <= op.keywords:
        args, kwargs = _bound(op, args, kwargs)
    for name, value in kwargs.items():
        if has_tensor(value):
            refuse_out(op.fun, args, kwargs)
            raise UnsupportedError(
                f"{op.title}: the argument {name!r} takes no Tensor; pass t.numpy(), which has no gradient"
            )
    if not kwargs.keys() <= op.keywords:
        return _unrecorded(op, args, kwargs)
    return _whole(apply1(op, args[0], kwargs)) if op.short == 1 else apply(op, args, kwargs)


def _whole(tensor: Tensor) -> Any:
    """The result of `apply1` or `apply2`, which take it for one array: a Tensor for each, if there are several."""
    value = tensor._value
    return tensor if is_array(value) else results(value, tensor.node, current_mode())


def _bound(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as rules take them: arrays by position, all else by name, what is the default left out."""
    if op.signature is None:
        return args, {name: value for name, value in kwargs.items() if not is_default(op.fun, name, value)}
    if op.arity is None:
        return args, kwargs
    parameters = op.signature.parameters
    try:
        given = op.signature.bind(*args, **kwargs).arguments
    except TypeError as error:  # of a method: NumPy's functions have said so themselves
        raise TypeError(f"{op.title}: {error}") from None
    arrays = tuple(given.pop(name, parameters[name].default) for name in list(parameters)[: op.arity])
    further = [given.pop(p.name) for p in parameters.values() if p.kind is p.VAR_KEYWORD and p.name in given]
    named = {name: value for name, value in given.items() if value is not parameters[name].default}
    return arrays, dict(*further, **named)


def is_default(fun: Callable[..., Any], name: str, value: Any) -> bool:
    """Whether the call would be the same without this keyword."""
    if isinstance(fun, np.ufunc):
        default = UFUNC_DEFAULTS.get(name, ...)
    else:
        signature = signature_of(fun)
        parameter = None if signature is None else signature.parameters.get(name)
        default = ... if parameter is None else parameter.default
    return value is default or (isinstance(value, str) and value == default)


def refuse_out(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise if the call is to write into a Tensor, which graphs that have read it would not notice."""
    if isinstance(fun, np.ufunc):
        named = {"out": (*args[fun.nin :], kwargs.get("out"))}
    else:
        named = arguments_of(fun, args, kwargs) if has_tensor(args[1:]) else kwargs
    if has_tensor(named.get("out")):
        how = "out="
    elif has_tensor(args) and named.get("overwrite_input"):
        how = "overwrite_input=True"
    elif has_tensor(args) and fun is np.nan_to_num and not named.get("copy", True):
        how = "copy=False"
    else:
        return
    raise UnsupportedError(f"{title_of(fun)} cannot write into a Tensor ({how}); write t[...] = the result")


def arguments_of(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name; the keywords alone, if the function does not tell the names."""
    signature = signature_of(fun)
    return kwargs if signature is None else signature.bind(*args, **kwargs).arguments


def _unrecorded(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call NumPy with keywords that the rules do not know, which is possible where no gradient is needed."""
    refuse_out(op.fun, args, kwargs)
    if current_mode().recording and loses_gradient(args):
        if kwargs.get("out") is not None:
            raise UnsupportedError(
                f"{op.title}: writing into an array (out=, or a -= t) cannot be recorded; write a = a - t, or "
                "pass t.numpy(), for no gradient"
            )
        unknown = kwargs.keys() - op.keywords
        restated = (RESTATED[op.fun, name](*args, **kwargs) for name in unknown if (op.fun, name) in RESTATED)
        if (ans := next(restated, NotImplemented)) is not NotImplemented:
            return ans
        raise UnsupportedError(
            f"{op.title}: where a gradient is needed, the keyword {', '.join(unknown)} is not "
            f"supported (known here: {', '.join(sorted(op.keywords)) or 'none'})"
        )
    return computed_by_numpy(op.fun, args, kwargs)


def computed_by_numpy(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What NumPy itself makes of the values, as Tensors; as it is what was written into `out`, or is no array."""
    ans = fun(*bare(args), **bare(kwargs))
    if kwargs.get("out") is not None:
        return ans
    if not isinstance(ans, tuple):
        return _constant(ans)
    return tuple_like(ans, map(_constant, ans))


def _constant(result: Any) -> Any:
    return tensor_of(result, None) if is_array(result) else result

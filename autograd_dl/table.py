"""The table of derivatives: what an op is, which rules belong to it, and what a rule needs to see.

An entry is keyed by NumPy's own function (or by a primitive of ours) and is written in NumPy:

    defvjp(np.multiply, lambda g, _ans, _x, y: g * y,
                        lambda g, _ans, x, _y: g * x)

`g` is the gradient arriving at the output, `ans` the output; the op's own arguments follow. A parameter whose name
begins with `_` is not kept for the backward pass: only its `.shape`, `.dtype`, `.ndim` and `.size` can be relied on.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import math
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from .errors import RuleError

Rule = Callable[..., Any]

SMALL = 4096
"""Bytes up to which a value may stay in the graph although no rule reads it, so that a picture can show it."""


class Outline(np.lib.mixins.NDArrayOperatorsMixin):
    """What is left of an array that the graph does not hold: its shape and dtype.

    Raises `RuleError` where it is used as the array.
    """

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return f"Outline(shape={self.shape}, dtype={self.dtype})"

    def __array__(self, *_how: Any, **_more: Any) -> Any:
        raise RuleError(NOT_KEPT)

    __array_ufunc__ = __getitem__ = __len__ = __bool__ = __int__ = __float__ = __array__
    __hash__ = object.__hash__


NOT_KEPT = (
    "a rule's parameter whose name begins with _ is not kept, and only its shape, dtype, ndim and size are known; "
    "drop the underscore to have its values"
)


SCALARS = frozenset({float, int, bool, np.float64, np.float32, np.float16})
"""Types whose values NumPy takes as they are, and that the graph may keep as they are."""


def outline(value: Any) -> Any:
    """`value` itself while it is small, else its `Outline`. A small view of a large array is copied out of it."""
    kind = type(value)
    if kind is not ndarray:
        if kind in SCALARS:
            return value
        if isinstance(value, (tuple, list)):
            return [*map(outline, value)] if kind is list else tuple(map(outline, value))
    try:
        if value.nbytes > SMALL:
            return Outline(value.shape, value.dtype)
        base = value.base
    except (AttributeError, TypeError):  # no array; a class, as np.float32, has attributes that are no numbers
        return value
    return value if base is None or getattr(base, "nbytes", SMALL + 1) <= 2 * SMALL else value.copy()


@functools.cache
def signature_of(fun: Callable[..., Any]) -> inspect.Signature | None:
    """How a function is called; None if it does not tell, as ufuncs and functions in C of an early NumPy."""
    try:
        return inspected(fun)
    except ValueError:
        return None


def inspected(fun: Callable[..., Any]) -> inspect.Signature:
    """`inspect.signature`, also where annotations name what only type checkers see, as Python 3.14 lets them."""
    if sys.version_info < (3, 14):
        return inspect.signature(fun)
    return inspect.signature(fun, annotation_format=importlib.import_module("annotationlib").Format.FORWARDREF)


def title_of(fun: Callable[..., Any]) -> str:
    """How a user would write the name of a function.

    >>> title_of(np.linalg.inv)
    'np.linalg.inv'
    """
    name: str = fun.__name__
    module = str(getattr(fun, "__module__", None) or ("numpy" if hasattr(np, name) else ""))
    return f"{module.replace('numpy', 'np', 1)}.{name}" if module.partition(".")[0] == "numpy" else name


def is_numpys_function(fun: Callable[..., Any]) -> bool:
    """Whether it is one of NumPy's, not one of ours or of the user's."""
    return title_of(fun).startswith("np.")


class Op:
    """A differentiable function of arrays: how it is computed, and the rules that pull a gradient back through it."""

    def __init__(
        self, fun: Callable[..., Any], raw: Callable[..., Any] | None = None, saved: Rule | None = None
    ) -> None:
        self.fun = fun
        self.raw = raw or fun
        self.name: str = fun.__name__
        self.is_ufunc = self.broadcasts = isinstance(fun, np.ufunc)
        self.saved = saved
        self.rules: tuple[Rule | None, ...] = ()
        self.each: Rule | None = None
        self.joint: Rule | None = None
        self.plans = Plans(self)
        self.short = 0
        """1 or 2 for an op of that many arguments and one result, as most are; the short ways of `apply` serve it."""

    def __repr__(self) -> str:
        return f"<op {self.title}>"

    @functools.cached_property
    def title(self) -> str:
        """The name that a user would write, as in `np.linalg.inv`."""
        return title_of(self.fun)

    @functools.cached_property
    def signature(self) -> inspect.Signature | None:
        """How the function is called; None for a ufunc, whose arrays go by position only."""
        if self.is_ufunc:
            return None
        # early versions of NumPy 2 tell none of np.dot, the only such function here, of which only the names count
        return signature_of(self.fun) or inspect.signature(lambda a, b, out=None: None)  # noqa: ARG005

    @functools.cached_property
    def keywords(self) -> frozenset[str]:
        """The keywords that every rule of this op understands."""
        rules = [rule for rule in (*self.rules, self.each, self.joint) if rule is not None]
        return frozenset.intersection(*(_signature(rule).keywords for rule in rules)) if rules else frozenset()

    @functools.cached_property
    def arity(self) -> int | None:
        """How many arguments are positional in the rules; None where the op takes any number."""
        if self.rules:
            return len(self.rules)
        if self.joint is not None and _signature(self.joint).rest is None:
            return len(_signature(self.joint).positional) - 2 - (self.saved is not None)
        return None

    def forget(self) -> None:
        """Derive from the rules anew what is derived from them, after they were changed."""
        self.plans.clear()
        for name in ("keywords", "arity"):
            self.__dict__.pop(name, None)
        self.short = self.arity if self.arity in (1, 2) and self.joint is None and self.saved is None else 0


class Plan:
    """How an op is pulled back when the arguments `needs` require grad; shared by all nodes of that kind.

    `rules` are pairs of an argument's number and the rule for its gradient, or empty where one joint rule makes all.
    `is_pair` says that each rule reads two arguments and nothing saved. `reads` says for each argument, and last for a
    saved value, whether it is kept; `reads_ans` the same of the output. Beside a saved value all arguments are kept,
    since on Tensors it is computed from them again.
    """

    __slots__ = ("is_pair", "joint", "needs", "op", "reads", "reads_ans", "rules")

    def __init__(self, op: Op, count: int, needs: tuple[int, ...]) -> None:
        self.op = op
        self.needs = needs
        self.is_pair = count == 2 and op.saved is None and op.joint is None
        self.joint = op.joint
        self.rules: tuple[tuple[int, Rule], ...] = ()
        if op.joint is not None:
            signatures = [_signature(op.joint)]
        elif op.each is not None:
            self.rules = tuple((i, functools.partial(op.each, i)) for i in needs)
            signatures = [_signature(op.each).without_first()]
        else:
            self.rules = tuple((i, _rule(op, i)) for i in needs)
            signatures = [_signature(rule) for _, rule in self.rules]
        given = 2 + count + (op.saved is not None)
        for signature in signatures:
            if signature.rest is None and len(signature.positional) != given:
                raise RuleError(
                    f"a rule of {op.title} is called with {given} arguments here (g, ans, those of the op"
                    f"{', what it saved' if op.saved else ''}), and takes {', '.join(signature.positional)}"
                )
        reads = [any(s.reads(2 + i) for s in signatures) for i in range(count)]
        self.reads = tuple(reads) if op.saved is None else (True,) * (count + 1)
        self.reads_ans = any(s.reads(1) for s in signatures)

    def dealt(self, gradients: Sequence[Any]) -> list[tuple[int, Any]]:
        """What the joint rule returned, as pairs of an argument's number and its gradient."""
        if type(gradients) not in (tuple, list) or len(gradients) <= self.needs[-1]:
            came = f"{len(gradients)}" if isinstance(gradients, (tuple, list)) else type(gradients).__name__
            raise RuleError(
                f"the joint rule of {self.op.title} must return a tuple of one gradient for each argument; "
                f"it returned {came}"
            )
        return [(i, gradients[i]) for i in self.needs]


PLANS_KEPT = 256
"""How many plans an op keeps."""


class Plans(dict[int, Plan]):
    """The plans of an op, made when first asked for.

    The key has bit i set if argument i needs a gradient, and bit `count` set to tell how many arguments there are.
    """

    def __init__(self, op: Op) -> None:
        self.op = op

    def __missing__(self, key: int) -> Plan:
        count = key.bit_length() - 1
        if len(self) == PLANS_KEPT:  # of an op that takes any number of arguments
            self.clear()
        bits = f"{key:b}"[:0:-1]  # not by shifts, each of which copies the key: there may be a million arguments
        plan = self[key] = Plan(self.op, count, tuple(i for i, bit in enumerate(bits) if bit == "1"))
        return plan


def _rule(op: Op, i: int) -> Rule:
    rule = op.rules[i] if i < len(op.rules) else None
    if rule is None:
        given = i < len(op.rules)
        zero = f"for a derivative of 0 give the rule lambda g, _ans, *_args: np.zeros(_args[{i}].shape)"
        raise RuleError(
            f"{op.title} has no derivative with respect to its argument {i}{' (its rule is None)' if given else ''}; "
            f"pass that argument detached (t.detach()), or {zero if given else 'add a rule with ops.defvjp'}"
        )
    return rule


class _Signature(NamedTuple):
    """The parameters of a rule: the positional ones, the one that takes the rest, and the keywords."""

    positional: tuple[str, ...]
    rest: str | None
    keywords: frozenset[str]

    def reads(self, position: int) -> bool:
        name = self.positional[position] if position < len(self.positional) else self.rest
        return name is not None and not name.startswith("_")

    def without_first(self) -> _Signature:
        return self._replace(positional=self.positional[1:])


def _signature(rule: Rule) -> _Signature:
    positional, rest, keywords = [], None, []
    for p in inspected(rule).parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            rest = p.name
        elif p.kind is p.KEYWORD_ONLY or p.default is not p.empty:
            keywords.append(p.name)
        elif p.kind is not p.VAR_KEYWORD:
            positional.append(p.name)
    return _Signature(tuple(positional), rest, frozenset(keywords))


TABLE: dict[Callable[..., Any], Op | Callable[..., Any]] = {}
"""What a Tensor makes of each function: an `Op` is recorded; any other callable is called in the function's place."""


def defvjp(
    fun: Callable[..., Any],
    *rules: Rule | None,
    each: Rule | None = None,
    joint: Rule | None = None,
    raw: Callable[..., Any] | None = None,
    broadcasts: bool | None = None,
) -> None:
    """Enter the derivative of `fun` into the table, in one of three forms.

    - `defvjp(fun, rule0, rule1, ...)`: one rule `(g, ans, *args, **kwargs)` for each positional argument, None where
      there is no derivative.
    - `defvjp(fun, each=rule)`: one rule `(i, g, ans, *args, **kwargs)` for all arguments, told the argument's number.
    - `defvjp(fun, joint=rule)`: one rule `(g, ans, *args, **kwargs)` that returns a gradient for each argument.

    A rule is a function of arrays written in NumPy. It mutates nothing it is given, and returns the dtype of the
    argument. Where `broadcasts` (all ufuncs do), the engine sums the gradient over the axes that broadcasting added.
    `raw` computes the op on arrays if `fun` itself is not the fastest way.

    Raises `RuleError` if not one of the forms is given, `fun` is neither NumPy's nor a primitive, or a rule is missing.
    """
    if not callable(fun):
        raise RuleError(f"defvjp takes a function, np.tanh say, and its rules, not {fun!r}")
    if sum((bool(rules), each is not None, joint is not None)) != 1:
        raise RuleError(f"defvjp({fun.__name__}): give either one rule per argument, or each=, or joint=")
    op = TABLE.get(fun)
    if not isinstance(op, Op):
        if not isinstance(fun, np.ufunc) and not is_numpys_function(fun):
            raise RuleError(f"defvjp({fun.__name__}): this is no function of NumPy's; make an op of it by @primitive")
        op = TABLE[fun] = Op(fun, raw)
    op.rules, op.each, op.joint = rules, each, joint
    if broadcasts is not None:
        op.broadcasts = broadcasts
    op.forget()
    if not is_numpys_function(fun) and op.signature is not None:
        _refuse_misfit(op, op.signature.parameters.values())


def _refuse_misfit(op: Op, parameters: Collection[inspect.Parameter]) -> None:
    """Raise if a function of the user's has not as many arguments as there are rules.

    (One that is decorated may take more than it says.)
    """
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required, most = sum(p.default is p.empty for p in positional), len(positional)
    takes_more = hasattr(op.raw, "__wrapped__") or any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if op.arity is not None and (op.arity < required or (op.arity > most and not takes_more)):
        count = required if op.arity < required else most
        raise RuleError(
            f"defvjp({op.name}): it takes {count} argument{'' if count == 1 else 's'}, and there are rules for "
            f"{op.arity}; give one for each, None for those that have no derivative"
        )

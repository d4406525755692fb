"""The checks: gradients of the graph against numerical ones, to any order, and values against a reference."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import Tensor
from ..errors import AnomalyError, DTypeError
from ..table import title_of
from .blame import fault_between, fault_outside, op_to_blame, rounding_in
from .conduct import check_conduct, check_precision
from .levels import Arrays, function, listed, pullback
from .point import Comparison, Kinks, Point
from .programs import Program, traced
from .verdicts import GradientError, KinkError, Report


def check_gradients(
    f: Callable[..., Any],
    *inputs: Any,
    order: int = 2,
    kinks: Kinks = "raise",
    analytic: Callable[..., Any] | None = None,
    directions: int = 2,
    seed: int = 0,
    explain: bool = True,
) -> Report:
    """Compare the gradients of `f`, as the graph computes them, with numerical ones.

    The gradient arriving at the outputs is random. It is pulled back and multiplied by a random direction of the
    inputs; the same number comes from the difference of `f` along that direction, whatever the sizes. For the second
    order the function checked is the pullback itself, a function of the inputs and of the arriving gradient: recorded,
    and differentiated against differences of what it computes on plain arrays. Differences are always taken in float64;
    gradients in another dtype are compared with those in float64.

    Also checked: each gradient has its input's shape and dtype and memory of its own; inputs and arriving gradients are
    not changed; the same call gives the same values and gradients; recorded and plain computation agree.

    Parameters
    ----------
    f : function of Tensors, returns a Tensor or a tuple or list of them
        A `Program` is one, too.
    inputs : floating arrays
        Where to check.
    order : int
        1, 2, or more.
    kinks : "raise" or "allow"
        What to do at a point where the slopes of `f` on both sides differ: raise `KinkError`, or only if the gradient
        does not lie between them (elementwise; for the gradient of a gradient, which jumps there, nothing is compared).
    analytic : function of arrays, optional
        The same in NumPy, without `abs`, comparisons or whatever else is not analytic: first derivatives are then taken
        of it by the complex step, which is exact to rounding.
    directions : int
        How many are tried.
    seed : int
        Of the random directions.
    explain : bool
        Whether a failure looks for the worst element, and for the op to blame, which takes longer than the check. If
        not, the error has no `finding`, `suspect` or `program`.

    Returns
    -------
    Report
        The verdict *pass*.

    Raises
    ------
    GradientError
        The verdict *fail*: it names the input, the worst element, both values, the op to blame and its argument. Or if
        a rule raises, or returns what is no gradient, or `f` returns no Tensor.
    KinkError
        The verdict *kink* (a `GradientError`, too): `f` has no derivative at this point, or none that can be seen.
    DTypeError
        If an input is not floating or not finite, or there is none.
    ValueError
        If `order` or `directions` is less than 1, or `kinks` another word.
    TypeError
        If `f` is a ufunc of more or of fewer inputs.

    >>> import numpy as np
    >>> check_gradients(np.multiply, np.array([1.0, 2.0]), 3.0).comparisons
    7
    """
    __tracebackhide__ = True  # pytest shows where it was called
    if kinks not in ("raise", "allow"):
        raise ValueError(f'kinks is "raise" or "allow", not {kinks!r}')
    if order < 1 or directions < 1:
        raise ValueError(f"order and directions must be at least 1, not {order} and {directions}")
    given = _checkable(inputs)
    if isinstance(f, np.ufunc) and f.nin != len(given):
        raise TypeError(f"{title_of(f)} takes {f.nin} argument{'s' * (f.nin > 1)}, and was given {len(given)} inputs")
    check = functools.partial(_checked, given=given, order=order, kinks=kinks, directions=directions, seed=seed)
    try:
        found = check(f, analytic=analytic, explain=explain)
    except GradientError as error:
        if explain:
            _accuse(error, f, given, order, check)
        raise
    return Report(len(found), max(c.worst for c in found), sum(c.kink for c in found))


def check_forward(f: Callable[..., Any], reference: Callable[..., Any], *inputs: Any, rtol: float = 1e-7) -> None:
    """Compare the values of `f`, recorded and not, with those of a NumPy function: shapes, dtypes, and numbers.

    Parameters
    ----------
    f : function of Tensors, returns a Tensor or a tuple or list of them
    reference : function of arrays, returns as many arrays
    inputs : floating arrays
    rtol : float
        How far a number may be off, relative to itself, besides 100 roundings of the largest in its dtype. Sums of many
        numbers that cancel need more.

    Raises
    ------
    GradientError
        If something differs: it names the result, the worst element and both values.
    DTypeError
        If an input is not floating or not finite.
    """
    given = _checkable(inputs)
    expected = [np.asarray(y) for y in listed(reference(*given))]
    for requires_grad, how in ((True, "recorded"), (False, "not recorded")):
        found = listed(f(*(Tensor(x, requires_grad=requires_grad) for x in given)))
        if len(found) != len(expected):
            raise GradientError(f"f returned {len(found)} results, the reference {len(expected)}")
        for k, (y, e) in enumerate(zip(found, expected, strict=True)):
            y = y.numpy() if type(y) is Tensor else np.asarray(y)
            if (y.shape, y.dtype) != (e.shape, e.dtype):
                raise GradientError(f"result {k}, {how}, is {y.dtype} {y.shape}, the reference {e.dtype} {e.shape}")
            _same_values(y, e, rtol, f"result {k}, {how}")


def _same_values(y: NDArray[Any], e: NDArray[Any], rtol: float, what: str) -> None:
    if e.dtype.kind != "f":
        off, allowed = (y != e).astype(float), 0.0
    else:
        finite, eps = np.abs(np.where(np.isfinite(e), e, 0).astype(np.float64)), float(np.finfo(e.dtype).eps)
        allowed = rtol * finite + 100 * eps * np.max(finite, initial=0)
        with np.errstate(invalid="ignore"):
            same = (y == e) | (np.isnan(y) & np.isnan(e))
            off = np.where(same, 0.0, np.abs(y.astype(np.float64) - e))
    if not np.all(off <= allowed):
        j = np.unravel_index(np.argmax(off), off.shape)
        raise GradientError(f"{what}, element {list(map(int, j))}: {y[j]}, the reference {e[j]}")


def _checkable(inputs: tuple[Any, ...]) -> Arrays:
    for i, x in enumerate(inputs):
        if isinstance(x, dict):
            key = repr(next(iter(x), "W"))
            raise DTypeError(
                f"inputs are arrays and numbers; input {i} is a dict: check a function of its arrays, as "
                f"check_gradients(lambda a: f({{**p, {key}: a}}), p[{key}])"
            )
    given = [x.numpy() if type(x) is Tensor else np.asarray(x) for x in inputs]
    if not given:
        raise DTypeError("there is nothing to differentiate by: give an input for each argument of f")
    for i, x in enumerate(given):
        if x.dtype.kind != "f":
            raise DTypeError(
                f"gradients are taken with respect to floating arrays; input {i} is {x.dtype}: {x!r}; pass "
                "floats, or close over it: check_gradients(lambda x: f(x, n), x)"
            )
        if not np.isfinite(x).all():
            raise DTypeError(f"gradients are checked at finite numbers; input {i} is {x!r}")
    return given


def _checked(
    f: Callable[..., Any],
    given: Arrays,
    order: int,
    kinks: Kinks,
    directions: int,
    seed: int,
    analytic: Callable[..., Any] | None = None,
    explain: bool = False,
) -> list[Comparison]:
    """Check how `f` behaves, then its gradient, the gradient of that, and so on; each at random directions."""
    __tracebackhide__ = True
    rng = np.random.default_rng(seed)
    level, xs = function(f), [x.astype(np.float64) for x in given]
    check_conduct(level, given, rng)
    found = [Comparison(check_precision(level, given, rng))]
    for depth in range(1, order + 1):
        point = Point(level, xs, depth, kinks, analytic if depth == 1 else None, explain=explain)
        for n in range(directions):
            found += point.compared(rng, damped=n % 2 == 1)
        if depth < order:
            arriving = [rng.standard_normal(y.shape) for y in point.plain]
            level, xs = pullback(level, len(xs)), [*xs, *arriving]
    return found


def _accuse(
    error: GradientError, f: Callable[..., Any], xs: Arrays, order: int, check: Callable[[Program], object]
) -> None:
    """Add to an error the program that was recorded, and the op to blame, or that the fault lies outside of it."""
    program = error.program = f if isinstance(f, Program) else traced(f, xs)
    rounding = "" if program is None else rounding_in(program, xs)
    if rounding:
        error.args = (f"{error}\n{rounding}",)
    if isinstance(error, KinkError) and error.between:
        return  # no gradient is wrong
    if program is None:
        error.outside = error.finding is not None
    else:
        error.outside = program is not f and _passes(check, program)
    if error.outside:
        error.args = (f"{error}\n{fault_outside(f, program, xs)}",)
    elif program is not None:
        error.suspect = op_to_blame(program, xs, lambda alone: _fails(alone, order))
        anomaly = error.__cause__ if isinstance(error.__cause__, AnomalyError) else None
        told = error.suspect or anomaly or ("" if isinstance(error, KinkError) or rounding else fault_between(program))
        error.args = (f"{error}\n{told}".rstrip(),)


def _passes(check: Callable[[Program], object], program: Program) -> bool:
    """Whether a recorded program passes the check that its function has failed."""
    try:
        check(program)
    except GradientError:
        return False
    return True


def _fails(alone: Program, order: int) -> bool:
    """Whether an op by itself is at fault; at a kink, whether its gradient is not between the slopes on both sides."""
    try:
        _checked(alone, alone.inputs, order, "allow", directions=1, seed=1)
    except KinkError as error:
        return not error.between
    except GradientError:
        return True
    return False

"""`gradient_property`: a function of Tensors as a property test of its gradients."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, NamedTuple, get_args, get_origin, overload

import hypothesis
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.control import current_build_context, currently_in_test_context
from numpy.typing import NDArray

from ..engine import Tensor
from ..table import inspected
from ..tracing import leaves_of, mapped
from .check import check_gradients
from .examples import Shape
from .point import Kinks
from .programs import Program
from .strategies import arrays, broadcastable, graphs
from .verdicts import GradientError

LONG = 20_000
"""Characters, more than which no program is printed."""


class Defaults(NamedTuple):
    """What the command line of pytest sets: how many examples are drawn, and from which seed."""

    examples: int | None = None
    seed: int | None = None


defaults = Defaults()


@overload
def gradient_property(f: Callable[..., Any], /) -> Callable[..., None]: ...


@overload
def gradient_property(
    *,
    order: int = 2,
    kinks: Kinks = "raise",
    settings: hypothesis.settings | None = None,
    **given_strategies: st.SearchStrategy[Any],
) -> Callable[[Callable[..., Any]], Callable[..., None]]: ...


def gradient_property(
    f: Callable[..., Any] | None = None,
    /,
    *,
    order: int = 2,
    kinks: Kinks = "raise",
    settings: hypothesis.settings | None = None,
    **given_strategies: st.SearchStrategy[Any],
) -> Any:
    """Turn a function of Tensors into a test that its gradients are the numerical ones, whatever it is given.

    Each parameter is drawn from the strategy given for it by name, or in its annotation `Annotated[Tensor, strategy]`.
    Parameters that are merely annotated `Tensor` get Tensors of any shapes that broadcast together, `bool`, `int`,
    `float` and `str` what Hypothesis draws for them; all others are left to pytest, whose fixtures they may be. A
    parameter with a default and no strategy keeps the default.
    Tensors and floating arrays, also those in lists, tuples and dicts, are what is differentiated by. A parameter that
    is annotated `Program` gets a random program of ops; it is called with Tensors for its `inputs`, or `program()`, for
    its own.

    `order` and `kinks` are those of `check_gradients`. On failure the smallest example is told as a program in Python,
    with the verdict and the op to blame.

    `settings` are Hypothesis's; without them its profile counts, with no deadline. A command line of pytest with
    --gradcheck-examples or --gradcheck-seed has the last word.

    >>> @gradient_property
    ... def test_softplus(x: Tensor):
    ...     return np.log1p(np.exp(x))
    >>> test_softplus()
    """
    if not isinstance(settings, hypothesis.settings | None):
        raise TypeError(f"settings must be hypothesis.settings(max_examples=...), not {settings!r}")
    if f is None:
        return functools.partial(gradient_property, order=order, kinks=kinks, settings=settings, **given_strategies)
    strategies = _strategies(f, given_strategies)
    signature = _without_defaults(f, strategies)

    @functools.wraps(f)
    def test_of_f(*values: Any, **named: Any) -> None:
        __tracebackhide__ = True
        _check(f, {**dict(zip(signature.parameters, values, strict=False)), **named}, order, kinks)

    inner: Any = test_of_f
    inner.__signature__ = signature
    if inspect.isfunction(f):  # so that a failure shows the lines of f
        place = f.__code__
        inner.__code__ = inner.__code__.replace(co_filename=place.co_filename, co_firstlineno=place.co_firstlineno)
    test: Any = given(**strategies)(_settings(settings)(inner))
    test.is_gradient_property = True
    return test if defaults.seed is None else hypothesis.seed(defaults.seed)(test)


def _check(f: Callable[..., Any], arguments: dict[str, Any], order: int, kinks: Kinks) -> None:
    """Check the gradients of `f` with these arguments; an error gets a note that tells the program."""
    __tracebackhide__ = True
    inputs = {name: found for name, value in arguments.items() if (found := _inputs(value))}

    def of_tensors(*tensors: Tensor) -> Any:
        rest = iter(tensors)
        with_tensors = {name: mapped(lambda value: _with_tensors(value, rest), arguments[name]) for name in inputs}
        return f(**{**arguments, **with_tensors})  # what has no inputs is passed on as it is

    of_tensors.__name__ = f.__name__
    options: dict[str, Any] = {"order": order, "kinks": kinks, "seed": defaults.seed or 0}
    # until the last run Hypothesis looks for a smaller example that fails
    last = not currently_in_test_context() or current_build_context().is_final
    try:
        check_gradients(of_tensors, *itertools.chain(*inputs.values()), **options, explain=last)
    except GradientError as error:
        if error.program is not None and all(isinstance(arguments[name], (Tensor, np.ndarray)) for name in inputs):
            error.program.names = list(inputs)
        if error.program is not None and not error.outside:  # what passes is no example of the failure
            error.add_note(f"the program that was recorded:\n\n{_told(error.program, options)}\n")
        raise


def _told(program: Program, options: dict[str, Any]) -> str:
    """The program as Python, with the options that are not the usual ones; unless it is too long to be read."""
    usual = inspect.signature(check_gradients).parameters
    source = program.source(**{name: value for name, value in options.items() if value != usual[name].default})
    if len(source) > LONG:
        return f"{program!r}\n\nIn Python it has {len(source):,} characters: the error's program.source() tells them."
    return source


def _without_defaults(f: Callable[..., Any], strategies: Iterable[str]) -> inspect.Signature:
    """The parameters that are drawn, and those that must be given: fixtures of pytest, perhaps."""
    parameters = inspected(f).parameters.values()
    kept = [p for p in parameters if p.name in strategies or p.default is p.empty]
    return inspect.Signature([p.replace(default=p.empty) for p in kept])


def _settings(own: hypothesis.settings | None) -> hypothesis.settings:
    parent = own or hypothesis.settings(
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
    )
    told = hypothesis.settings(
        parent,
        report_multiple_bugs=False,
        phases=set(parent.phases) - {hypothesis.Phase.explain},  # that would tell lines of ours
    )
    return told if defaults.examples is None else hypothesis.settings(told, max_examples=defaults.examples)


def _strategies(f: Callable[..., Any], by_name: dict[str, st.SearchStrategy[Any]]) -> dict[str, st.SearchStrategy[Any]]:
    """A strategy for each parameter that has one given, or in its annotation, or whose type says what to draw."""
    parameters = inspected(f).parameters
    by_position = any(p.kind in (p.VAR_POSITIONAL, p.POSITIONAL_ONLY) for p in parameters.values())
    if inspect.iscoroutinefunction(f) or by_position:
        raise TypeError(f"{f.__name__} must be a plain function that is called by names: no async, no *args, no /")
    unknown = by_name.keys() - parameters.keys()
    if unknown:
        raise TypeError(f"{f.__name__} has no parameter {', '.join(sorted(unknown))}")
    annotations = {name: _resolved(f, p.annotation) for name, p in parameters.items()}
    free = [name for name in parameters if name not in by_name and annotations[name] is Tensor]
    shapes = st.shared(broadcastable(max(1, len(free))), key=f"{f.__module__}.{f.__qualname__}")
    found = dict(by_name)
    for name, parameter in parameters.items():
        if name in free:
            found[name] = shapes.flatmap(functools.partial(_array, free.index(name)))
        elif name not in found and (told := _strategy_of(f, parameter, annotations[name])) is not None:
            found[name] = told
    if not found:
        raise TypeError(
            f"{f.__name__} has no parameter to draw: annotate one, x: Tensor, or give a strategy, "
            "@gradient_property(x=strategies.tensors())"
        )
    return found


def _strategy_of(f: Callable[..., Any], parameter: inspect.Parameter, annotation: Any) -> st.SearchStrategy[Any] | None:
    """What a parameter's annotation says to draw for it; None if it is left to its default, or to pytest."""
    if get_origin(annotation) is Annotated and isinstance(get_args(annotation)[1], st.SearchStrategy):
        return get_args(annotation)[1]
    if annotation is Program:
        return graphs()
    if parameter.default is not parameter.empty:
        return None
    if annotation in (bool, int, float, str):
        return st.from_type(annotation)
    if _tells_of_tensors(annotation):
        raise TypeError(
            f"{f.__name__} does not say what to draw for {parameter.name}: a Tensor alone is drawn by itself, "
            f"for {annotation} give a strategy, @gradient_property({parameter.name}=...)"
        )
    return None


def _resolved(f: Callable[..., Any], annotation: Any) -> Any:
    """What an annotation stands for; None if that cannot be told (it may be for type checkers only)."""
    if not isinstance(annotation, str):
        return annotation
    names = {**getattr(f, "__globals__", {}), **inspect.getclosurevars(f).nonlocals} if inspect.isfunction(f) else {}
    try:
        return eval(annotation, names)  # the user's own source, as `typing.get_type_hints` does
    except NameError:
        return None


def _array(i: int, shapes: tuple[Shape, ...]) -> st.SearchStrategy[NDArray[Any]]:
    return arrays(shapes[i])


def _tells_of_tensors(annotation: Any) -> bool:
    return annotation is Tensor or any(map(_tells_of_tensors, get_args(annotation)))


def _inputs(argument: Any) -> list[NDArray[Any]]:
    """What is differentiated by in an argument, a tree of values."""
    return [x for value in leaves_of(argument) for x in _arrays(value)]


def _arrays(value: Any) -> list[NDArray[Any]]:
    """What of a value is differentiated by."""
    if isinstance(value, Program):
        return value.inputs
    is_floating = isinstance(value, (Tensor, np.ndarray)) and value.dtype.kind == "f"
    return [value.numpy() if isinstance(value, Tensor) else value] if is_floating else []


def _with_tensors(value: Any, tensors: Iterator[Tensor]) -> Any:
    """The value with the next of these Tensors for its arrays."""
    own = list(itertools.islice(tensors, len(_arrays(value))))
    if isinstance(value, Program):
        return Program(own, value.steps, value.output)
    return own[0] if own else value

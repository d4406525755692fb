"""Programs of ops: lists of instructions over earlier results, that can be run, traced, cut, and printed as Python."""

from __future__ import annotations

import importlib
import itertools
import keyword
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..engine import Node, Tensor, enable_grad
from ..mode import watched
from ..ops.indexing import getitem
from ..table import Op, is_numpys_function, title_of
from ..tensor import bare
from .levels import floating


class Result(NamedTuple):
    """A value in a program: an input, or what a step made; they are numbered through."""

    number: int


class Step(NamedTuple):
    """One call: `fun(*args, **kwargs)`, where an argument is a `Result`, a constant, or a tuple or list of such."""

    fun: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = {}  # noqa: RUF012 -- never changed


class Program:
    """A function of Tensors that is a list of steps, with inputs to run it on.

    Its output is the last result, or what is given as `output`: a `Result` or a tuple of them. `names` are those of the
    inputs where it is printed or drawn.

    >>> program = Program([np.array(3.0)], [Step(np.multiply, (Result(0), Result(0))), Step(np.negative, (Result(1),))])
    >>> program(Tensor(2.0))
    Tensor(-4.)
    """

    def __init__(self, inputs: Sequence[Any], steps: Sequence[Step], output: Any = None) -> None:
        self.inputs = list(inputs)
        self.steps = list(steps)
        self.output = Result(len(self.inputs) + len(self.steps) - 1) if output is None else output
        self.names = [f"x{i}" for i in range(len(self.inputs))]

    def __call__(self, *inputs: Any) -> Any:
        """The output, for other inputs of the same shapes, or for its own if none are given."""
        if not inputs:
            inputs = tuple(x if type(x) is Tensor else Tensor(x) for x in self.inputs)
        return self.output_of(self.results(*inputs))

    def output_of(self, values: Sequence[Any]) -> Any:
        """The output among all values."""
        return replaced(self.output, lambda result: values[result.number])

    def results(self, *inputs: Any) -> list[Any]:
        """All values: the inputs, and what each step makes."""
        values = list(inputs)
        for step in self.steps:
            values.append(step.fun(*replaced(step.args, lambda result: values[result.number]), **step.kwargs))
        return values

    def needed(self, *, all_inputs: bool = False) -> Program:
        """The program without the steps and inputs (unless all are to stay) that its output does not depend on."""
        used = numbers_in(self.output) | set(range(len(self.inputs) if all_inputs else 0))
        for number, step in reversed(list(enumerate(self.steps, len(self.inputs)))):
            if number in used:
                used.update(numbers_in(step.args))
        new = {old: i for i, old in enumerate(sorted(used))}
        steps = [
            step._replace(args=renumbered(step.args, new))
            for number, step in enumerate(self.steps, len(self.inputs))
            if number in used
        ]
        return Program([x for i, x in enumerate(self.inputs) if i in used], steps, renumbered(self.output, new))

    def source(self, **options: object) -> str:
        """The program as Python that runs, with a call of `check_gradients` on its inputs (and with these options)."""
        called = self._called()
        names, first = self._names(called), len(self.inputs)
        lines = [f"def program({', '.join(names[:first])}):"]
        lines += [f"    {names[i]} = {_call(step, names, called)}" for i, step in enumerate(self.steps, first)]
        lines += [f"    return {_written(self.output, names)}", "", ""]
        told = [*map(_literal, self.inputs), *(f"{name}={value!r}" for name, value in options.items())]
        lines += [f"check_gradients({', '.join(['program', *told])})"]
        return "\n".join([*_imports(called), "", "", *lines])

    def _names(self, called: dict[Callable[..., Any], str]) -> list[str]:
        """A name for each value; the inputs have theirs unless one of them stands for something else."""
        numbered = self._numbered()
        names = [*self.names, *numbered[len(self.inputs) :]]
        used = ["np", *called.values(), *names]
        return names if len(set(used)) == len(used) else numbered

    def _numbered(self) -> list[str]:
        return [f"x{i}" for i in range(len(self.inputs) + len(self.steps))]

    def _called(self) -> dict[Callable[..., Any], str]:
        """A name for each function that is not NumPy's, no two alike, and none that the source needs for itself."""
        called: dict[Callable[..., Any], str] = {}
        taken = {"np", "program", "check_gradients", *self._numbered()}
        for step in self.steps:
            if step.fun not in called and not is_numpys_function(step.fun) and step.fun not in _SUBSCRIPTS:
                name = step.fun.__name__ if _is_name(step.fun.__name__) else "fun"
                others = (f"{name}_{i}" for i in itertools.count(1))
                called[step.fun] = next(n for n in itertools.chain([name], others) if n not in taken)
                taken.add(called[step.fun])
        return called

    def __repr__(self) -> str:
        return f"<program: {', '.join(step.fun.__name__ for step in self.steps)}>"


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def traced(f: Callable[..., Any], inputs: Sequence[NDArray[Any]]) -> Program | None:
    """The program that `f` records when it runs on Tensors of these inputs; None if it records nothing, or raises.

    What did not need a gradient is a constant of the program; what the output does not depend on is left out.
    """
    tensors = [Tensor(x, requires_grad=True) for x in inputs]
    numbers: dict[Node, int] = {t.node: i for i, t in enumerate(tensors) if t.node is not None}
    steps: list[Step] = []

    def watch(op: Op, values: Sequence[Any], kwargs: dict[str, Any], _ans: Any, node: Node | None) -> None:
        if node is not None:
            args = [argument(v, parent) for v, parent in zip(values, node.inputs, strict=False)]
            add(Step(op.fun, tuple(args), kwargs), node)

    def argument(value: Any, parent: Any) -> Any:
        if not isinstance(parent, Node):
            return value
        if parent not in numbers and isinstance(first := next(iter(parent.inputs), None), Node) and first in numbers:
            add(Step(_item, (Result(numbers[first]), parent.inputs[1])), parent)  # one of several results
        return Result(numbers[parent]) if parent in numbers else value

    def add(step: Step, node: Node) -> None:
        numbers[node] = len(inputs) + len(steps)
        steps.append(step)

    try:
        with enable_grad(), watched(watch), np.errstate(all="ignore"):
            outputs = [argument(y, y.node) for y in floating(f(*tensors))]
    except Exception:
        return None
    recorded = tuple(y for y in outputs if type(y) is Result)
    if not steps or not recorded:
        return None
    return Program(inputs, steps, recorded if len(recorded) > 1 else recorded[0]).needed(all_inputs=True)


def _item(results: Any, number: int) -> Any:
    return results[number]


_SUBSCRIPTS = (_item, getitem, operator.getitem)
"""What is written with brackets."""


def replaced(argument: Any, by: Callable[[Result], Any]) -> Any:
    """An argument with something else in the place of each result."""
    if type(argument) is Result:
        return by(argument)
    if type(argument) in (tuple, list):
        return type(argument)(replaced(a, by) for a in argument)
    return argument


def numbers_in(argument: Any) -> set[int]:
    """The numbers of the results in an argument."""
    if type(argument) is Result:
        return {argument.number}
    return set().union(*map(numbers_in, argument)) if type(argument) in (tuple, list) else set()


def renumbered(argument: Any, new: dict[int, int]) -> Any:
    """An argument with other numbers for its results."""
    return replaced(argument, lambda result: Result(new[result.number]))


def _importable(fun: Callable[..., Any]) -> str | None:
    """The line that imports a function, if one does."""
    module, name = getattr(fun, "__module__", None), fun.__name__
    if module in (None, "__main__") or getattr(_module(module), name, None) is not fun:
        return None
    return f"from {module} import {name}"


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _place(fun: Callable[..., Any]) -> str:
    code = getattr(getattr(fun, "__wrapped__", fun), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else repr(fun)


_SPELLED = {
    "np.concatenate": "np.concatenate([{}], {})",
    "np.linalg.svd": "np.linalg.svd({}, full_matrices=False)",
    "np.pad": "np.pad({}, {}, constant_values={})",
}
"""How NumPy wants the arguments where a step has them in another order: that of the op's rules."""


def _imports(called: dict[Callable[..., Any], str]) -> list[str]:
    """The lines that import these functions under these names, or say where those are that cannot be imported."""
    first = ["import numpy as np", "", "from autograd_dl.testing import check_gradients"]
    own = []
    for fun, name in called.items():
        line = _importable(fun)
        own.append(f"# {name} is a function of yours: {_place(fun)}" if line is None else line)
        if line is not None and name != fun.__name__:
            own[-1] += f" as {name}"
    return [*first, *sorted(own, key=lambda line: (line.startswith("#"), line))]


def _call(step: Step, names: Sequence[str], called: dict[Callable[..., Any], str]) -> str:
    if step.fun in _SUBSCRIPTS:
        return f"{_written(step.args[0], names)}[{_written(step.args[1], names)}]"
    arguments = [_written(a, names) for a in step.args]
    keywords = [f"{key}={_written(value, names)}" for key, value in step.kwargs.items()]
    title = called.get(step.fun) or title_of(step.fun)
    if title not in _SPELLED or type(step.args[0]) is list:
        return f"{title}({', '.join(arguments + keywords)})"
    return _SPELLED[title].format(*([", ".join(arguments), *keywords] if keywords else arguments))


def _written(argument: Any, names: Sequence[str]) -> str:
    if type(argument) is Result:
        return names[argument.number]
    if type(argument) is list:
        return f"[{', '.join(_written(a, names) for a in argument)}]"
    if type(argument) is tuple:
        return f"({', '.join(_written(a, names) for a in argument)}{',' if len(argument) == 1 else ''})"
    return _literal(argument)


def _literal(value: Any) -> str:
    value = bare(value)
    if isinstance(value, np.generic):
        value = value.item() if value.dtype in (np.float64, np.int_, np.bool_) else np.asarray(value)
    if isinstance(value, np.ndarray):
        usual = value.size and value.dtype in (np.float64, np.int_, np.bool_)
        dtype = "" if usual else f", dtype={value.dtype.name!r}"
        return f"np.zeros({value.shape}{dtype})" if value.size == 0 else f"np.array({_numbers(value)}{dtype})"
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.dtype):
        return repr(value.name)
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    return _numbers(value) if isinstance(value, float) else repr(value)


def _numbers(value: Any) -> str:
    """A number, or an array's numbers in lists, as Python that knows NumPy."""
    return re.sub(r"\b(nan|inf)\b", r"np.\1", repr(value.tolist() if isinstance(value, np.ndarray) else value))

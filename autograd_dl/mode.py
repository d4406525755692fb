"""What the engine does while it runs: record or not, under which scope, watched or not.

The whole of it is one immutable `Mode` in one `ContextVar`, so that each thread and each asyncio task has its own. A
new thread begins with nothing switched; but where Python has threads inherit contexts, as free-threaded 3.14 has, it
begins as the one that started it, in the same way as with `np.errstate`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Never, TypeVar, cast

from .anomaly import watch_forward

F = TypeVar("F", bound=Callable[..., Any])
Watch = Callable[..., None]
"""Is told of each op that was computed: `watch(op, values, kwargs, ans, node)`, the node None if none was recorded."""


class Mode:
    """Whether ops are recorded, under which scope, and who watches them.

    Each mode is the one it stands on (`below`), changed by one switch.
    """

    __slots__ = ("below", "recording", "scope", "switch", "watches")

    below: Mode | None
    switch: Switch | None
    recording: bool
    scope: tuple[str, ...]
    watches: tuple[Watch, ...]

    def __init__(self, below: Mode, switch: Switch) -> None:
        self.below = below
        self.switch = switch
        self.recording = below.recording if switch.recording is None else switch.recording
        self.scope = below.scope + switch.scope
        self.watches = below.watches + switch.watches

    @classmethod
    def lowest(cls) -> Mode:
        """The mode that is on where nothing was switched."""
        mode = object.__new__(cls)
        mode.below = mode.switch = None
        mode.recording, mode.scope, mode.watches = True, (), ()
        return mode

    def without(self, switch: Switch) -> Mode:
        """This mode with the innermost block of `switch` taken out; what was entered within it stays on.

        (Generators may leave their blocks in any order.)
        """
        mode, above = self, list[Switch]()
        while mode.below is not None and mode.switch is not None and mode.switch is not switch:
            above.append(mode.switch)
            mode = mode.below
        if mode.below is None:
            return self
        mode = mode.below
        for other in reversed(above):
            mode = Mode(mode, other)
        return mode


_mode: ContextVar[Mode] = ContextVar("autograd_dl.mode", default=Mode.lowest())  # noqa: B039 -- never changed
current_mode = _mode.get


class Switch:
    """A change of the mode for the length of a `with` block, or of each call of a decorated function.

    It says whether to record (None: as before), and which scope and watches to add. It holds no state: leaving takes it
    out of the modes that are on, wherever it stands among them. So one object may be entered twice, by several threads,
    and by generators that finish in any order. As with every context manager, a `with` block in a generator covers its
    caller too while the generator is suspended inside the block; a decorated generator function is switched only while
    its own code runs.
    """

    recording: bool | None = None
    scope: tuple[str, ...] = ()
    watches: tuple[Watch, ...] = ()

    def __init__(self, *without_parentheses: Never) -> None:
        if without_parentheses:
            name = type(self).__name__
            raise TypeError(f"write {name}(), with parentheses: @{name}()")

    def __enter__(self) -> None:
        _mode.set(Mode(current_mode(), self))

    def __exit__(self, *_exc: object) -> None:
        mode = current_mode()
        _mode.set(mode.below if mode.switch is self and mode.below is not None else mode.without(self))

    def __call__(self, fun: F) -> F:
        """`fun`, switched while its code runs."""
        if inspect.isasyncgenfunction(fun):
            raise TypeError(f"an asynchronous generator cannot be switched as a whole; write the with block in {fun}")

        if inspect.isgeneratorfunction(fun):

            @functools.wraps(fun)
            def generator(*args: Any, **kwargs: Any) -> Any:
                return (yield from _Resumed(self, fun(*args, **kwargs)))

            return cast(F, generator)

        if inspect.iscoroutinefunction(fun):

            @functools.wraps(fun)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await fun(*args, **kwargs)

            return cast(F, coroutine)

        @functools.wraps(fun)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self:
                return fun(*args, **kwargs)

        return cast(F, call)


class _Resumed:
    """A generator whose every step runs under a switch."""

    def __init__(self, switch: Switch, generator: Any) -> None:
        self.switch, self.generator = switch, generator

    def __iter__(self) -> _Resumed:
        return self

    def __next__(self) -> Any:
        with self.switch:
            return next(self.generator)

    def send(self, value: Any) -> Any:
        with self.switch:
            return self.generator.send(value)

    def throw(self, *error: Any) -> Any:
        with self.switch:
            return self.generator.throw(*error)

    def close(self) -> None:
        with self.switch:
            self.generator.close()


class no_grad(Switch):  # noqa: N801 -- used as a verb, like the context managers of NumPy and PyTorch
    """Record nothing: `with no_grad():` or `@no_grad()`. Only the current thread (or asyncio task) is switched.

    >>> from autograd_dl import Tensor, no_grad
    >>> x = Tensor(2.0, requires_grad=True)
    >>> with no_grad():
    ...     (x * x).requires_grad
    False
    """

    recording = False


class enable_grad(Switch):  # noqa: N801 -- as no_grad
    """Record again inside a `no_grad` block: `with enable_grad():` or `@enable_grad()`."""

    recording = True


class scope(Switch):  # noqa: N801 -- as no_grad
    """Name a part of the graph: ops recorded inside `with scope("Affine1"):` are drawn together. Scopes nest.

    Raises TypeError for a name that is no string.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f'a scope has a name, scope("Affine1"), not {name!r}')
        self.scope = (name,)


class detect_anomaly(Switch):  # noqa: N801 -- as no_grad
    """Check every result and every gradient inside the block for NaN and infinity.

    The first one raises `AnomalyError`, which names the op that made it (forward or backward), its operands' shapes
    and ranges, and the line of the user's program that called the op. Slow: for searching, not for training.
    """

    watches = (watch_forward,)


class watched(Switch):  # noqa: N801 -- as no_grad
    """Have `watch` told of each op that is computed inside the block, with all its values; see `Watch`."""

    def __init__(self, watch: Watch) -> None:
        self.watches = (watch,)


def is_grad_enabled() -> bool:
    """Whether ops are being recorded in this thread."""
    return current_mode().recording

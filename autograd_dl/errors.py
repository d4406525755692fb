"""The errors and warnings of this package. Each also is the built-in kind that NumPy users would catch."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any


class AutogradError(Exception):
    """Base of every error that is raised on purpose here."""


class ShapeError(AutogradError, ValueError):
    """A shape that does not fit; the message gives the expected and the actual one."""


class OutOfBoundsError(ShapeError, IndexError):
    """An index or an axis that the array does not have; the message gives its shape."""


class DTypeError(AutogradError, TypeError):
    """A dtype or type that cannot be used; the message says which would do."""


class GraphError(AutogradError, RuntimeError):
    """The graph cannot do what was asked: it was released, changed, or never recorded."""


class RuleError(AutogradError, RuntimeError):
    """A derivative rule is missing or returned something that cannot be a gradient."""


class UnsupportedError(AutogradError, TypeError):
    """A NumPy function or keyword that has no recorded form; the message names what to write instead."""


class AnomalyError(AutogradError, FloatingPointError):
    """A NaN or an infinity, found by `detect_anomaly`."""


class DataError(AutogradError, ValueError):
    """A file or data set that is damaged, mislabelled or not what it claims to be."""


class GradientLostWarning(UserWarning):
    """A recorded Tensor became a plain array, where its gradient ends, or was asked for a `.grad` that it has not."""


class MissingExtraError(AutogradError, ImportError):
    """A library that an optional extra installs is not there; the message has the command that installs it."""


def command_line(words: list[str]) -> str:
    """A command as it is typed into the shell of this system, to be told in a message."""
    import shlex  # only an error needs them, and they take milliseconds
    import subprocess

    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def misfits(expected: Mapping[str, Any], given: Mapping[str, Any], verb: str = "is") -> list[str]:
    """How what was given differs from what was expected, by name, for a message.

    >>> misfits({"a": (2,), "b": ()}, {"a": (3,), "c": ()}, "has shape")
    ['a has shape (3,) instead of (2,)', 'b is missing', 'c is unexpected']
    """
    faults = [f"{name} is missing" for name in expected.keys() - given.keys()]
    faults += [f"{name} is unexpected" for name in given.keys() - expected.keys()]
    both = expected.keys() & given.keys()
    faults += [f"{n} {verb} {given[n]} instead of {expected[n]}" for n in both if given[n] != expected[n]]
    return sorted(faults)


def steps_to_the_user(passed: tuple[str, ...]) -> int:
    """The `stacklevel` that has a warning name the user's line: the innermost in none of these modules and packages."""
    frame, steps = sys._getframe(1), 1
    while frame.f_back is not None and f"{frame.f_globals.get('__name__')}.".startswith(passed):
        frame, steps = frame.f_back, steps + 1
    return steps

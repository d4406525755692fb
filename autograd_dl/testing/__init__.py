"""Checks of gradients against numerical differentiation: for tests of this package, and of yours.

`check_gradients` and `check_forward` need NumPy alone; `strategies` and `gradient_property` draw examples by
Hypothesis, and are imported when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..optional import need
from .check import check_forward, check_gradients
from .differences import derivative
from .programs import Program, Result, Step
from .verdicts import Finding, GradientError, KinkError, Report

__all__ = [
    "Finding",
    "GradientError",
    "KinkError",
    "Program",
    "Report",
    "Result",
    "Step",
    "check_forward",
    "check_gradients",
    "derivative",
]  # fmt: skip

if TYPE_CHECKING:
    from . import strategies as strategies
    from .properties import gradient_property as gradient_property


def __getattr__(name: str) -> Any:
    """What draws examples: it needs Hypothesis, which the extra "test" installs."""
    if name not in ("gradient_property", "strategies"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    need("hypothesis", extra="test")
    if name == "strategies":
        return import_module(".strategies", __name__)  # `from . import strategies` would ask this function again
    from .properties import gradient_property

    return gradient_property

"""What a check can find: the gradient is right, it is wrong, or the function has none at this point."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .blame import Suspect
    from .programs import Program


class Report(NamedTuple):
    """The verdict *pass*.

    `comparisons` says how many were made, `worst` the largest difference relative to what was allowed (at most 1), and
    `kinks` how many comparisons were at a kink, with a gradient between the slopes on both sides (`kinks="allow"`).
    """

    comparisons: int
    worst: float
    kinks: int = 0


class Finding(NamedTuple):
    """The element at which a gradient is most wrong: its input and index, and both values with the error of the one."""

    input: int
    element: tuple[int, ...]
    analytic: float
    numerical: float
    error: float


class GradientError(AssertionError):
    """The verdict *fail*: a gradient is wrong. The message says which, where, by how much, and by which op's fault.

    `finding` holds the numbers, where there are any, `suspect` the op to blame with its argument, and `program` what
    was recorded, as a program that can be printed and run. `outside` says that this program passes: the fault lies in
    what the function computes outside of the graph. The cause of one whose gradient is NaN or infinite is the
    `AnomalyError` of the op that made it.
    """

    finding: Finding | None = None
    suspect: Suspect | None = None
    program: Program | None = None
    outside: bool = False


class KinkError(GradientError):
    """The verdict *kink*: the function has no derivative at this point, or none that can be seen: no gradient is wrong.

    `between` says whether the gradient lies between the slopes on both sides; it is False where none can be seen.
    """

    between: bool = False

"""What all plots share: figures without pyplot, colours, text of any letters, and numbers that are looked at first."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from autograd_dl.errors import DataError, ShapeError, steps_to_the_user
from autograd_dl.optional import need

from ..fonts import japanese_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

COLORS = (
    "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22"
)  # fmt: skip
LINES = ("-", "--", "-.", ":")
BLUE, RED = COLORS[:2]
GREY, LIGHT = "#888888", "#bbbbbb"
YELLOW, MAGENTA = "#ffbf00", "#ff00ff"
LONGEST, SHORT = 60, 20
"""Characters of a name, and of one of many that stand side by side; the rest is cut off."""
UNKNOWN = "□"
"""Stands for a character that no font here has."""

F = TypeVar("F", bound=Callable[..., Any])


# -- where a plot is drawn


def axes_or_new(ax: Axes | None, width: float = 6.4, height: float = 4.8) -> Any:
    """The given axes, or those of a new figure of that size in inches."""
    return figure_or_new(None, width, height).subplots() if ax is None else ax


def figure_or_new(figure: FigureBase | None, width: float, height: float) -> Any:
    """The given figure or part of one, or a new one of that size in inches, which pyplot knows nothing of."""
    need("matplotlib", "viz")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained") if figure is None else figure


def rows_for(count: int, columns: int) -> int:
    """How many rows so many pictures fill."""
    return math.ceil(count / columns)


def style(k: int) -> dict[str, Any]:
    """Colour and dashes of the k-th line: forty of them differ."""
    return {"color": COLORS[k % len(COLORS)], "linestyle": LINES[(k + k // 20) % len(LINES)]}


# -- text


def readable(plot: F) -> F:
    """Let every text of what a plot returns fall back to the Japanese font for the letters that its own font lacks."""

    @functools.wraps(plot)
    def plotted(*args: Any, **kwargs: Any) -> Any:
        drawn = plot(*args, **kwargs)
        family = _japanese_family()
        if family is not None:
            from matplotlib.text import Text

            for text in drawn.findobj(Text):
                if family not in text.get_fontfamily():
                    text.set_fontfamily([*text.get_fontfamily(), family])
        return drawn

    return cast(F, plotted)


def words(text: Any, longest: int = LONGEST) -> str:
    """A name of the user's as text that matplotlib shows: in one line, `$` begins no formula, `_x` is in the legend.

    A character that no font here has is shown as □, of which a warning tells once.
    """
    line = "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    line = line if len(line) <= longest else f"{line[: longest - 1]}…"
    lacking = {c for c in line if not c.isascii() and not _has_letter(c)}
    if lacking:
        _tell_of_fonts("".join(sorted(lacking)))
    shown = "".join(UNKNOWN if c in lacking else c for c in line).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") or not shown else shown


@functools.cache
def _japanese_family() -> str | None:
    """The name by which matplotlib knows the Japanese font, after it was told of it; None where there is none."""
    file = japanese_font()
    if file is None:
        return None
    from matplotlib.font_manager import FontProperties, fontManager

    fontManager.addfont(file)
    return FontProperties(fname=file).get_name()


def _has_letter(character: str) -> bool:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    families = [*FontProperties().get_family(), *filter(None, [_japanese_family()])]
    files = [findfont(FontProperties(family=[family])) for family in families]
    return any(get_font(file).get_char_index(ord(character)) for file in files)


_told: list[str] = []


def _tell_of_fonts(lacking: str) -> None:
    if not _told:
        _told.append(lacking)
        warnings.warn(
            f"no font was found that has {lacking}, for which {UNKNOWN} is shown; "
            'a Japanese font comes with pip install "autograd_dl[viz]"',
            stacklevel=steps_to_the_user(("visualize.",)),
        )


# -- numbers


def numbers(values: Any, what: str) -> NDArray[np.float64]:
    """A sequence of numbers or Tensors as floats, with NaN for None and for infinities, which no axis can show.

    Raises `ShapeError` if it is no such sequence.
    """
    try:
        floats = np.array([math.nan if value is None else float(value) for value in values], dtype=float)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{what} must be a sequence of numbers: {error}") from None
    floats[np.isinf(floats)] = math.nan
    return floats


def array(values: Any, what: str) -> NDArray[Any]:
    """An array of real numbers, of Tensors too. Raises `DataError` if it is something else."""
    found = np.asarray(getattr(values, "_value", values))
    if found.dtype.kind not in "fiub":
        raise DataError(f"{what} must be real numbers, not {found.dtype}")
    return found


def not_finite(name: str, values: NDArray[Any]) -> str:
    """The name of a curve for its legend, which tells how many of its numbers could not be drawn."""
    lost = int((~np.isfinite(values)).sum())
    return f"{words(name)} ({lost} of {len(values)} not finite)" if lost else words(name)


def refuse_empty(things: Sized, what: str) -> None:
    """Raise `DataError` if there is nothing to draw."""
    if not len(things):
        raise DataError(f"there is nothing to draw: {what} is empty")


def refuse_lengths(lengths: dict[str, int]) -> None:
    """Raise `ShapeError` if what belongs together, one of each, is not equally much of each."""
    if len(set(lengths.values())) > 1:
        raise ShapeError(f"there must be as many of each: {', '.join(f'{n} {name}' for name, n in lengths.items())}")

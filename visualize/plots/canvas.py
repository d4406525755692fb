"""What all plots share: figures without pyplot, colours, text of any letters, and numbers that are looked at first."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from autograd_dl.errors import DataError, ShapeError, steps_to_the_user
from autograd_dl.optional import need
from autograd_dl.tensor import bare
from autograd_dl.values import is_size

from ..fonts import japanese_font
from ..text import cut, visible

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
SMALL = 8
"""The size of the letters of a legend beside axes."""
LISTED, INSIDE = 20, 10
"""Lines that a legend names: of more, the first ones, and how many more. Up to the second it is inside the axes."""
UNKNOWN = "□"
"""Stands for a character that no font here has."""

F = TypeVar("F", bound=Callable[..., Any])


# -- where a plot is drawn


def axes_or_new(ax: Axes | None, width: float = 6.4, height: float = 4.8) -> Any:
    """The given axes, or those of a new figure of that size in inches. Raises `DataError` if it is something else."""
    if ax is not None and not hasattr(ax, "plot"):
        raise DataError(f"ax must be the axes of one plot, not {type(ax).__name__}: pass figure.subplots(), say")
    return figure_or_new(None, width, height).subplots() if ax is None else ax


def figure_or_new(figure: FigureBase | None, width: float, height: float) -> Any:
    """The given figure or part of one, or a new one of that size in inches, which pyplot knows nothing of.

    Raises `DataError` if it is something else.
    """
    if figure is not None and not hasattr(figure, "subplots"):
        raise DataError(f"figure must be a figure, or a part of one, not {type(figure).__name__}: pass Figure(), say")
    need("matplotlib", "viz")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained") if figure is None else figure


def drawing_axes(x: tuple[float, float], y: tuple[float, float], inches: float) -> Any:
    """Axes without ticks that fill a new figure: from where to where each goes, and the inches of one unit of both."""
    need("matplotlib", "viz")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(inches * abs(x[1] - x[0]), inches * abs(y[1] - y[0])))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=x, ylim=y, aspect="equal")
    axes.set_axis_off()
    return axes


def style(k: int) -> dict[str, Any]:
    """Colour and dashes of the k-th line: forty of them differ."""
    return {"color": COLORS[k % len(COLORS)], "linestyle": LINES[(k + k // 20) % len(LINES)]}


def whole_numbers(ax: Axes, start: float = 0) -> None:
    """Ticks of x at whole numbers alone, on an axis that is one long at least; it begins at `start` if it is empty."""
    from matplotlib.ticker import MaxNLocator

    low, high = ax.dataLim.intervalx if np.isfinite(ax.dataLim.intervalx).all() else (start, start)
    if high - low < 1:
        ax.update_datalim([(low, 0), (low + 1, 0)], updatey=False)
        ax.autoscale_view()
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def name_lines(ax: Axes) -> None:
    """A legend of the lines: beside the axes, where it would hide much of them."""
    handles, names = ax.get_legend_handles_labels()
    if len(names) <= INSIDE:
        ax.legend()
    else:
        name_beside(ax, handles, names)


def name_beside(ax: Axes, handles: list[Any], names: list[str]) -> None:
    """A legend at the right of the axes."""
    ax.legend(**listed(handles, names), loc="upper left", bbox_to_anchor=(1, 1))


def listed(handles: list[Any], names: list[str]) -> dict[str, Any]:
    """What a legend that stands beside axes shows: of many lines the first, and how many more there are."""
    more = len(names) - LISTED + 1
    if more > 1:
        from matplotlib.lines import Line2D

        handles = [*handles[: LISTED - 1], Line2D([], [], linestyle="")]
        names = [*names[: LISTED - 1], f"... and {more} more"]
    return {"handles": handles, "labels": names, "fontsize": SMALL, "labelspacing": 0.3}


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
    """A user's name as matplotlib shows it whole: on one line, with `$` escaped, and no `_` first, as legends want.

    A character that no font here has is shown as □, of which a warning tells once.
    """
    line = cut(visible("".join(" " if c.isspace() else c for c in str(text))), longest)
    lacking = {c for c in line if not c.isascii() and not _has_letter(c)}
    if lacking:
        _tell_of_fonts("".join(sorted(lacking)))
    shown = "".join(UNKNOWN if c in lacking else c for c in line).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") or not shown else shown


def width(text: str, size: float) -> float:
    """The width in points of a line of text of that size; a tenth more than without the hinting of a screen."""
    need("matplotlib", "viz")
    from matplotlib.cbook import is_math_text
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=_families(), size=size)
    return 1.1 * float(text_to_path.get_text_width_height_descent(text, font, is_math_text(text))[0])


def _families() -> list[str]:
    """The fonts of a plot's text, of which each stands in for the letters that those before it lack."""
    from matplotlib.font_manager import FontProperties

    return [*FontProperties().get_family(), *filter(None, [_japanese_family()])]


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

    files = [findfont(FontProperties(family=[family])) for family in _families()]
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
    """An array of real numbers, of Tensors too.

    Raises `DataError` if it is something else, `ShapeError` for lists of unequal lengths within one another.
    """
    try:
        found = np.asarray(bare(values))
    except ValueError as error:
        raise ShapeError(f"{what} must be an array of numbers: {error}") from error
    if found.dtype.kind not in "fiub":
        raise DataError(f"{what} must be real numbers, not {found.dtype}")
    return found


def not_finite(name: str, values: NDArray[Any]) -> str:
    """The name of a curve for its legend, which tells how many of its numbers could not be drawn."""
    lost = int((~np.isfinite(values)).sum())
    return f"{words(name)} ({lost} of {len(values)} not finite)" if lost else words(name)


# -- what cannot be drawn


def refuse_empty(things: Any, what: str) -> None:
    """Raise `DataError` if there is nothing to draw."""
    if not (len(things) if isinstance(things, Mapping) else length(things, what)):
        raise DataError(f"there is nothing to draw: {what} is empty")


def check_lengths(things: Mapping[str, Any]) -> None:
    """Raise `ShapeError` if what belongs together, one of each, is not equally much of each."""
    lengths = {name: length(each, name) for name, each in things.items()}
    if len(set(lengths.values())) > 1:
        raise ShapeError(f"there must be as many of each: {', '.join(f'{n} {name}' for name, n in lengths.items())}")


def length(things: Any, what: str) -> int:
    """How many things a list or an array has. Raises `DataError` if what was given is neither."""
    try:
        if not isinstance(things, Mapping):
            return len(things)
    except TypeError:
        pass
    raise DataError(f"{what} must be a list or an array, not {type(things).__name__}")


def check_mapping(given: Any, what: str, instead: str) -> None:
    """Raise `DataError`, which tells what to pass instead, if it is no mapping: a table with named columns will do."""
    if not hasattr(given, "items"):
        raise DataError(f"{what} must be a mapping, not {type(given).__name__}: pass {instead}")


def check_mappings(given: Any, what: str, one: str, instead: str) -> None:
    """Raise `DataError` if it is no sequence of mappings, or one of none; `one` is what each of them is called."""
    if isinstance(given, (Mapping, str)) or not hasattr(given, "__len__"):
        raise DataError(f"{what} must be a list of mappings, not {type(given).__name__}: pass [{instead}, ...]")
    refuse_empty(given, what)
    for k, each in enumerate(given):
        check_mapping(each, f"{one} {k}", instead)


def check_function(given: Any, what: str, instead: str) -> None:
    """Raise `DataError`, which tells what to pass instead, if it cannot be called."""
    if not callable(given):
        raise DataError(f"{what} must be a function, not {type(given).__name__}: pass {instead}")


def check_columns(columns: Any) -> None:
    """Raise `DataError` if pictures cannot stand in so many columns."""
    if not is_size(columns):
        raise DataError(f"columns must be a whole number from 1, not {columns!r}")

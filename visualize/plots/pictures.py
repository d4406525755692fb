"""Plots of images: filters, feature maps, digits that were misread, and which digits are taken for which."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl.errors import DataError, ShapeError
from autograd_dl.tensor import bare

from .canvas import (
    MAGENTA,
    SHORT,
    array,
    axes_or_new,
    check_columns,
    check_lengths,
    figure_or_new,
    length,
    readable,
    refuse_empty,
    width,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

MOST = 200
"""Images that one figure shows."""
SIZES, LINES = (9.0, 8.0, 7.0, 6.0), 3
"""The sizes of titles, the first at which none has more lines than that; at the last one the rest is cut off."""


@readable
def image_grid(
    images: Any, titles: Sequence[Any] | None = None, *, columns: int = 8, figure: FigureBase | None = None
) -> Any:
    """Images side by side, each in its own shades from its lowest number (white) to its highest (black).

    Pixels that are NaN or infinite are magenta, which the title tells. Titles are as wide as their image at most: a
    longer one takes up to three lines, in smaller letters. Beyond 200 images the rest is counted, not drawn.

    Parameters
    ----------
    images : sequence of arrays of shape (height, width)
    titles : sequence, optional
        One for each; their numbers, if left out.
    columns : int
    figure : matplotlib Figure or SubFigure, optional

    Returns
    -------
    matplotlib Figure or SubFigure
    """
    refuse_empty(images, "images")
    check_columns(columns)
    titles = range(len(images)) if titles is None else titles
    check_lengths({"images": images, "titles": titles})
    shown = min(len(images), MOST)
    columns = min(columns, shown)
    rows = math.ceil(shown / columns)
    figure = figure_or_new(figure, max(4, 1.2 * columns), 0.6 + 1.4 * rows)
    grid = figure.add_gridspec(rows, columns)
    fitted, size = _fitted([words(title) for title in list(titles)[:shown]], _points(figure) / columns)
    for place, title in enumerate(fitted):
        axes = figure.add_subplot(grid[divmod(place, columns)])
        _draw(axes, _picture(images[place], f"image {place}"), title, size)
    if len(images) > shown:
        figure.suptitle(f"the first {shown} of {len(images):,}")
    return figure


def filters(weights: Any, *, columns: int = 10, figure: FigureBase | None = None) -> Any:
    """The filters of a convolutional layer.

    `weights` has the shape (filters, channels, height, width), as `network.params["W1"]`. A filter of several channels
    is one picture for each: "3, 0" is channel 0 of filter 3. Returns the figure.
    """
    found = array(weights, "weights")
    if found.ndim != 4:
        raise ShapeError(f"weights must have the shape (filters, channels, height, width), not {found.shape}")
    count, channels = found.shape[:2]
    titles = [str(k) if channels == 1 else f"{k}, {c}" for k in range(count) for c in range(channels)]
    return image_grid(found.reshape(-1, *found.shape[2:]), titles, columns=columns, figure=figure)


def feature_maps(maps: Any, *, columns: int = 8, figure: FigureBase | None = None) -> Any:
    """What each filter answers to in one image.

    `maps` has the shape (filters, height, width), or one image's more: (1, filters, height, width), as
    `layer_outputs(network, x[:1])["Relu1"]`. Returns the figure.
    """
    found = array(maps, "maps")
    found = found[0] if found.ndim == 4 and len(found) == 1 else found
    if found.ndim != 3:
        raise ShapeError(f"maps must have the shape (filters, height, width), of one image, not {found.shape}")
    return image_grid(found, [f"filter {k}" for k in range(len(found))], columns=columns, figure=figure)


@readable
def misclassified(
    images: Any, labels: Any, answers: Any, *, most: int = 20, columns: int = 5, figure: FigureBase | None = None
) -> Any:
    """The first images whose answer is not their label, with both; how many they are in all stands above.

    Parameters
    ----------
    images : array of shape (n, height, width), (n, 1, height, width) or (n, height * width) of square images
    labels, answers : arrays of n labels
    most : int
        How many are shown.
    columns : int
    figure : matplotlib Figure or SubFigure, optional

    Returns
    -------
    matplotlib Figure or SubFigure
    """
    pictures, labels, answers = array(images, "images"), _labels(labels, "labels"), _labels(answers, "answers")
    check_lengths({"images": pictures, "labels": labels, "answers": answers})
    refuse_empty(labels, "labels")
    check_columns(columns)
    wrong = np.flatnonzero(labels != answers)
    shown = wrong[:most]
    figure = figure_or_new(figure, 2 * columns, 1 + 2.1 * max(1, math.ceil(len(shown) / columns)))
    if len(shown):
        titles = [f"label {labels[i]}, answer {answers[i]}" for i in shown]
        image_grid(_squares(pictures[shown]), titles, columns=columns, figure=figure)
    more = f"; the first {len(shown)}" if len(shown) < len(wrong) else ""
    figure.suptitle(f"{len(wrong):,} of {len(labels):,} are misread{more}")
    return figure


@readable
def confusion_matrix(labels: Any, answers: Any, *, names: Sequence[Any] | None = None, ax: Axes | None = None) -> Any:
    """How often each label (row) got each answer (column): counts, and in colour their share of the row.

    Parameters
    ----------
    labels, answers : arrays of n whole numbers from 0
    names : sequence, optional
        What the classes are called, from 0; their numbers, if left out.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ShapeError
        If there are not as many answers as labels, or fewer names than classes.
    DataError
        If there are no labels.
    """
    labels, answers = _labels(labels, "labels"), _labels(answers, "answers")
    check_lengths({"labels": labels, "answers": answers})
    refuse_empty(labels, "labels")
    least = int(max(labels.max(), answers.max())) + 1
    names = range(least) if names is None else names
    if length(names, "names") < least:
        raise ShapeError(f"there is a class {least - 1}, and there are names for {len(names)}")
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, answers), 1)
    shown_names = [words(name, SHORT) for name in names]
    side = max(4.5, 0.55 * len(names)) + 0.08 * max(map(len, shown_names))
    ax = axes_or_new(ax, side + 1.2, side)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shown = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= 30:
        for (i, j), count in np.ndenumerate(counts):
            if count:
                ax.text(j, i, f"{count:,}", ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black",
                        fontsize=9)  # fmt: skip
    ax.figure.colorbar(shown, ax=ax, label="share of the label")
    slanted: dict[str, Any] = {"rotation": 50, "ha": "right", "rotation_mode": "anchor"} if _are_long(names) else {}
    ax.set_xticks(range(len(names)), shown_names, **slanted)
    ax.set_yticks(range(len(names)), shown_names)
    right = int(np.trace(counts))
    ax.set(xlabel="answer", ylabel="label", title=f"{right:,} of {len(labels):,} right: {right / len(labels):.2%}")
    return ax


def _are_long(names: Sequence[Any]) -> bool:
    return max(len(str(name)) for name in names) > 3


def _labels(values: Any, what: str) -> NDArray[np.intp]:
    """Whole numbers from 0, in one dimension."""
    found = np.asarray(bare(values))
    if found.ndim != 1:
        raise ShapeError(f"{what} must be one number for each image, not an array of shape {found.shape}")
    if found.size and (found.dtype.kind not in "iu" or found.min() < 0):
        raise DataError(f"{what} must be whole numbers from 0; use .argmax(axis=1) of scores or one-hot rows")
    return found.astype(np.intp)


def _squares(pictures: NDArray[Any]) -> NDArray[Any]:
    """Images as (n, height, width)."""
    if pictures.ndim == 2:
        side = round(pictures.shape[1] ** 0.5)
        if side * side != pictures.shape[1]:
            raise ShapeError(f"{pictures.shape[1]} pixels make no square image; give images of (n, height, width)")
        return pictures.reshape(-1, side, side)
    return pictures[:, 0] if pictures.ndim == 4 and pictures.shape[1] == 1 else pictures


def _picture(values: Any, what: str) -> NDArray[Any]:
    found = array(values, what)
    if found.ndim != 2 or not found.size:
        raise ShapeError(f"{what} must have the shape (height, width), not {found.shape}")
    return found


def _points(figure: Any) -> float:
    """The width of a figure or a part of one."""
    return float(72 * figure.bbox.width / figure.dpi)


def _fitted(titles: Sequence[str], room: float) -> tuple[list[str], float]:
    """The titles in lines that fit into so many points, and the size of their letters."""
    for size in SIZES:
        wrapped = {title: _wrapped(title, size, room) for title in titles}
        if max(map(len, wrapped.values())) <= LINES:
            break
    return ["\n".join(_cut(wrapped[title])) for title in titles], size


def _wrapped(title: str, size: float, room: float) -> list[str]:
    """The title in lines of at most that many points."""
    letters = title.replace(r"\$", "\0")  # which no line ends in the middle of
    most = int(len(letters) * room / max(width(title, size), 1)) + 3
    for count in range(most, 0, -1):
        lines = [line.replace("\0", r"\$") for line in textwrap.wrap(letters, count)]
        if all(width(line, size) <= room for line in lines):
            break
    return lines


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= LINES else [*lines[: LINES - 1], f"{lines[LINES - 1][:-1]}…"]


def _draw(axes: Axes, picture: NDArray[Any], title: str, size: float) -> None:
    from matplotlib import colormaps

    lost = ~np.isfinite(picture)
    axes.imshow(np.ma.masked_array(picture, lost), cmap=colormaps["gray_r"].with_extremes(bad=MAGENTA))
    axes.axis("off")
    axes.set_title(f"{title}\n{int(lost.sum())} not finite" if lost.any() else title, fontsize=size)

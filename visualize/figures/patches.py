"""How im2col cuts an image: which patch becomes which row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_dl.errors import ShapeError
from autograd_dl.ops import im2col

from ..plots.canvas import BLUE, array, drawing_axes, readable
from ..plots.canvas import width as width_of
from .wording import chosen, rounded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INCH, GAP = 0.36, 1.5
"""Of a cell; cells between the images and the rows, and above."""
TITLE = 9
"""The size of the letters of titles."""
MOST, LARGEST, LONGEST = 9, 8, 16
"""Patches; rows and columns of the image; numbers of a patch."""
PALE, GREY = "#cfe3f4", "#cccccc"
TITLES = {
    "en": ("image", "im2col: a row for each patch"),
    "ja": ("画像", "im2col：パッチごとに 1 行"),
}


@readable
def draw_im2col(
    image: Any = None, filter_h: int = 3, filter_w: int = 3, stride: int = 1, pad: int = 0, *, lang: str = "en"
) -> Figure:
    """An image beside its `im2col` (book, section 7.4.2): each patch that the filter covers, and the row it becomes.

    Parameters
    ----------
    image : array, shape (height, width), optional
        The image's numbers: 4 x 4, from 0 to 15, without.
    filter_h, filter_w, stride, pad : int
        As for `im2col`.

    Raises
    ------
    ShapeError
        If the image is not two-dimensional, or the filter does not fit, or no one could read the figure: it takes up to
        8 x 8 pixels, padding included, and 9 patches of up to 16 numbers.
    ValueError
        If `lang` is neither "en" nor "ja".
    """
    pixels = np.arange(16.0).reshape(4, 4) if image is None else array(image, "image")
    if pixels.ndim != 2:
        raise ShapeError(f"the image has shape {pixels.shape}: one channel of one image is drawn, (height, width)")
    rows = im2col(pixels[None, None], filter_h, filter_w, stride, pad)
    padded = np.pad(pixels, pad)
    _refuse_large(padded, rows)
    height, width = padded.shape
    titles = chosen("lang", lang, TITLES)
    across = width + GAP + max(rows.shape[1], width_of(titles[1], TITLE) / (72 * INCH))
    down = len(rows) * (height + 1) + 0.5
    axes = drawing_axes((-0.5, across + 0.5), (down, -0.5), INCH)
    for x, title in zip((0, width + GAP), titles, strict=True):
        axes.text(x, 0.2, title, va="center", fontsize=TITLE)
    places = (width - filter_w) // stride + 1
    for k, row in enumerate(rows):
        i, j = (stride * place for place in divmod(k, places))
        inside = np.zeros(padded.shape, bool)
        inside[i : i + filter_h, j : j + filter_w] = True
        _draw_patch(axes, padded, inside, row, top=1 + k * (height + 1))
    return axes.figure


def _refuse_large(padded: Any, rows: Any) -> None:
    """Raise `ShapeError` if no one could read the figure."""
    if max(padded.shape) > LARGEST or rows.shape[0] > MOST or rows.shape[1] > LONGEST:
        raise ShapeError(
            f"an image of shape {padded.shape} with {rows.shape[0]} patches of {rows.shape[1]} numbers is too large to "
            f"read: at most {LARGEST} x {LARGEST} pixels, {MOST} patches, {LONGEST} numbers"
        )


def _draw_patch(axes: Any, padded: Any, inside: Any, row: Any, top: float) -> None:
    """The image with one patch marked, an arrow, and the row that the patch becomes."""
    height, width = padded.shape
    left, middle = width + GAP, top + (height - 1) / 2
    _draw_cells(axes, padded, inside, 0, top)
    _draw_cells(axes, row[None], np.ones((1, row.size), bool), left, middle)
    ends = (left - 0.15, middle + 0.5), (width + 0.15, middle + 0.5)
    axes.annotate("", *ends, arrowprops={"arrowstyle": "-|>", "color": BLUE})


def _draw_cells(axes: Any, values: Any, inside: Any, left: float, top: float) -> None:
    """A grid of numbers; those inside the patch on blue."""
    from matplotlib.patches import Rectangle

    for (i, j), value in np.ndenumerate(values):
        color, fill = (BLUE, PALE) if inside[i, j] else (GREY, "none")
        zorder = 2 if inside[i, j] else 1
        axes.add_patch(Rectangle((left + j, top + i), 1, 1, edgecolor=color, facecolor=fill, zorder=zorder))
        text = rounded(value)
        axes.text(
            left + j + 0.5, top + i + 0.5, text, ha="center", va="center", fontsize=min(8, 36 / len(text)), zorder=3
        )

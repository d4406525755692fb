"""Neurons in columns, joined by arrows: the book's figures of a perceptron, of one layer, of a network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby, pairwise, product
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd_dl.errors import ShapeError

from ..plots.canvas import GREY, RED, SHORT, array, drawing_axes, readable, width, words
from .wording import chosen, rounded

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLACK, WHITE, PALE = "#222222", "#ffffff", "#e4e4e4"
UNIT = 0.62
"""Inches of one unit of the lengths below."""
NEURON_RADIUS = 0.42
COLUMN_WIDTH, ROW_HEIGHT = 3.6, 1.15
"""Distances between the centres of neurons."""
TEXT_HEIGHT, TEXT_MARGIN = 0.4, 0.08
"""Of the text on an arrow; the margin is what it keeps from a neuron."""
ARROW_FONT = 10.0
LARGEST_FONT, SMALLEST_FONT = 12.0, 4.0
"""Inside a neuron."""
MOST_NEURONS = 5
"""Of a column with more, the first ones and the last are drawn."""
MOST_LABELLED = 4
"""Neurons of a column whose arrows have texts."""
MOST_INPUTS, MOST_LAYERS = 12, 20
"""Of a perceptron; of a network: figures of more would be metres wide."""
WHOLE = (int, np.integer)
"""The types of a number of neurons."""
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
DOTS = "⋮"
"""Stands for the neurons that are left out; it is drawn, since not every font has it."""
HEADINGS = {"en": ("input layer", "hidden layer", "output layer"), "ja": ("入力層", "中間層", "出力層")}


class _Neuron(NamedTuple):
    x: float
    y: float
    text: str
    color: str = BLACK
    fill: str = WHITE


class _Arrow(NamedTuple):
    start: _Neuron
    end: _Neuron
    text: str = ""
    color: str = BLACK


@readable
def draw_perceptron(
    weights: int | Any = 2, bias: Any = None, *, x: Sequence[Any] | None = None, activation: str | None = None
) -> Figure:
    """A perceptron (book, section 2.1): its inputs, its weights on the arrows, its output.

    Parameters
    ----------
    weights : int or array, shape (inputs,)
        The weights, or how many there are, which are drawn as symbols then.
    bias : optional
        A number or a symbol: the weight of one more input, which is always 1.
    x : sequence, shape (inputs,), optional
        Numbers or symbols for the inputs.
    activation : str, optional
        The activation function, drawn in red inside the neuron (book, section 3.1.3).

    Raises
    ------
    ShapeError
        If there are not as many inputs as weights, or more than 12.
    """
    w = _symbols("w", int(weights)) if isinstance(weights, WHOLE) else _texts(array(weights, "weights").ravel())
    inputs = _symbols("x", len(w), x)
    if len(inputs) != len(w):
        raise ShapeError(f"there are {len(w)} weights, but {len(inputs)} inputs x")
    if not 0 < len(w) <= MOST_INPUTS:
        raise ShapeError(f"a perceptron is drawn with 1 to {MOST_INPUTS} weights, not with {len(w)}; see draw_layers")
    ends = [_Neuron(COLUMN_WIDTH, 0, "$a$" if activation else "$y$")]
    if activation is not None:
        ends.append(_Neuron(COLUMN_WIDTH * 1.7, 0, "$y$", RED))
    arrows = [_Arrow(a, b, f"{words(activation, SHORT)}( )", RED) for a, b in pairwise(ends)]
    starts = _column(0, [*([] if bias is None else ["1"]), *inputs], ones=bias is not None)
    texts = [*([] if bias is None else _texts([bias])), *w]
    arrows += [_Arrow(start, ends[0], text) for start, text in zip(starts, texts, strict=True)]
    return _figure([*starts, *ends], arrows, around=ends[1:] and ends)


@readable
def draw_affine(
    weights: tuple[int, int] | Any,
    bias: Any = None,
    *,
    x: Any = None,
    names: tuple[str, str, str, str] = ("x", "w", "b", "y"),
    red: bool = False,
) -> Figure:
    """One layer of neurons, x · W + b (book, sections 3.3.3 and 3.4): a weight on each arrow, in 3 significant digits.

    The symbols of the weights are the book's: w₁₂ leads to the first output, from the second input. In the array
    `weights` it is the other way around: its rows are the inputs, and so w₁₂ is `weights[1, 0]`.

    Parameters
    ----------
    weights : array, shape (inputs, outputs), or its shape
        The weights, as `Affine` has them; of a shape, symbols are drawn.
    bias : array, shape (outputs,), or True, optional
        The biases, or symbols for them: the arrows from one more input, which is always 1.
    x : array, shape (inputs,), optional
        The inputs: with it, and weights that are numbers, the outputs are numbers too.
    names : four strings
        The symbols of inputs, weights, biases and outputs.
    red : bool
        Draw the outputs in red.

    Raises
    ------
    ShapeError
        If the shapes do not fit, or there are more than 4 inputs or outputs: no one could read the weights.
    """
    w = None if _is_shape(weights) else array(weights, "weights")
    rows, columns = _legible(weights if w is None else w.shape)
    b = None if bias is None or bias is True else _of_shape(bias, (columns,), "bias")
    given = None if x is None else _of_shape(x, (rows,), "x")
    inputs, outputs = _symbols(names[0], rows, given), _symbols(names[3], columns)
    texts = [_symbols(names[1], columns, None if w is None else w[i], f"{i + 1}") for i in range(rows)]
    if w is not None and given is not None and bias is not True:
        with np.errstate(all="ignore"):
            outputs = _texts(given @ w if b is None else given @ w + b)
    if bias is not None:
        inputs, texts = ["1", *inputs], [_symbols(names[2], columns, b), *texts]
    color = RED if red else BLACK
    starts, ends = _column(0, inputs, ones=bias is not None), _column(COLUMN_WIDTH, outputs, color)
    arrows = [_Arrow(starts[i], ends[j], text, color) for i, row in enumerate(texts) for j, text in enumerate(row)]
    return _figure([*starts, *ends], arrows)


@readable
def draw_layers(layers: Sequence[Any], *, red: Collection[int] = (), lang: str = "en") -> Figure:
    """A network of fully connected layers (book, section 3.1.1), in columns of neurons.

    Parameters
    ----------
    layers : sequence
        How many neurons each layer has, the inputs first; or the weights of its `Affine` layers. Of more than 5 neurons
        the first ones and the last are drawn.
    red : collection of int
        The layers to draw in red, each with the arrows that lead to it; 0 is the inputs.
    lang : "en" or "ja"
        The language of the headings.

    Raises
    ------
    ShapeError
        If there are fewer than 2 layers or more than 20, or one's outputs are not the next one's inputs.
    ValueError
        For another language.
    """
    sizes = _sizes(layers)
    first, hidden, last = chosen("lang", lang, HEADINGS)
    titles = [first, *[f"{hidden} {i}" if len(sizes) > 3 else hidden for i in range(1, len(sizes) - 1)], last]
    colors = [RED if i in red else BLACK for i in range(len(sizes))]
    columns = [_column(COLUMN_WIDTH * i, _elided(size), colors[i]) for i, size in enumerate(sizes)]
    arrows = []
    for before, after in pairwise(columns):
        arrows += [_Arrow(a, b, "", b.color) for a, b in product(before, after) if DOTS not in (a.text, b.text)]
    headings = [f"{title}\n{size}" for title, size in zip(titles, sizes, strict=True)]
    return _figure([n for column in columns for n in column], arrows, headings=headings)


# -- what is written


def _symbols(name: str, count: int, known: Any = None, after: str = "") -> list[str]:
    """The numbers that are known, else x₁, x₂, ..., with what is written after each index."""
    return [_symbol(name, f"{i}{after}") for i in range(1, count + 1)] if known is None else _texts(known)


def _symbol(name: str, index: str) -> str:
    """A name with an index: by mathtext, which has Latin letters alone, or else by letters of the font."""
    shown = words(name, SHORT)
    return f"{shown}$_{{{index}}}$" if shown.isascii() else f"{shown}{words(index.translate(SUBSCRIPTS))}"


def _texts(values: Iterable[Any]) -> list[str]:
    return [words(value, SHORT) if isinstance(value, str) else rounded(value) for value in values]


def _of_shape(values: Any, shape: tuple[int, ...], what: str) -> Any:
    found = array(values, what)
    if found.shape != shape:
        raise ShapeError(f"{what} has shape {found.shape}; for these weights it must be {shape}")
    return found


def _is_shape(weights: Any) -> bool:
    return isinstance(weights, tuple) and all(isinstance(size, WHOLE) for size in weights)


def _legible(shape: tuple[int, ...]) -> tuple[int, int]:
    """The shape of weights that are drawn one by one."""
    if len(shape) != 2 or not all(0 < n <= MOST_LABELLED for n in shape):
        raise ShapeError(
            f"weights of shape {shape} cannot be drawn one by one: it must be (inputs, outputs), each from 1 to "
            f"{MOST_LABELLED}; larger layers are drawn by draw_layers, without their weights"
        )
    return shape[0], shape[1]


def _sizes(layers: Sequence[Any]) -> list[int]:
    """The neurons of each layer, of which some were given by their weights."""
    if all(isinstance(layer, WHOLE) for layer in layers):
        sizes = list(map(int, layers))
    else:
        shapes = [array(layer, "weights").shape for layer in layers]
        fitting = all(len(shape) == 2 for shape in shapes) and all(a[1] == b[0] for a, b in pairwise(shapes))
        if not fitting:
            raise ShapeError(f"weights of shapes {', '.join(map(str, shapes))} cannot follow each other in a network")
        sizes = [shape[0] for shape in shapes[:1]] + [shape[1] for shape in shapes]
    if not 2 <= len(sizes) <= MOST_LAYERS or min(sizes) < 1:
        raise ShapeError(f"a network is drawn with 2 to {MOST_LAYERS} layers of 1 neuron or more each, not as {sizes}")
    return sizes


def _elided(size: int) -> list[str]:
    return [""] * size if size <= MOST_NEURONS else [""] * (MOST_NEURONS - 2) + [DOTS, ""]


# -- where it is drawn


def _column(x: float, texts: Sequence[str], color: str = BLACK, *, ones: bool = False) -> list[_Neuron]:
    """Neurons below each other; the first is grey if it is the constant 1."""
    top = ROW_HEIGHT * (len(texts) - 1) / 2
    return [
        _Neuron(x, top - ROW_HEIGHT * i, text, color, PALE if ones and i == 0 else WHITE)
        for i, text in enumerate(texts)
    ]


def _place(arrows: Sequence[_Arrow]) -> tuple[float, float]:
    """How far along the arrows their texts stand, and the room between two: near the middle, if that leaves enough."""
    room = {}
    for t in np.linspace(0.4, 0.2, 21):
        heights = np.sort([a.start.y + t * (a.end.y - a.start.y) for a in arrows])
        room[float(t)] = round(float(np.diff(heights).min(initial=np.inf)), 6)
    return next(((t, gap) for t, gap in room.items() if gap >= TEXT_HEIGHT), max(room.items(), key=itemgetter(1)))


def _apart(
    groups: Mapping[float, Sequence[_Arrow]], places: Mapping[float, tuple[float, float]]
) -> tuple[float, float]:
    """By what to stretch the distances of columns and of rows, so that no text lies on another or on a neuron."""
    across, down = [1.0], [1.0]
    for x, group in groups.items():
        along, room = places[x]
        half = max(width(arrow.text, ARROW_FONT) for arrow in group) / (72 * UNIT) / 2
        across.append((NEURON_RADIUS + TEXT_MARGIN + half) / (along * (group[0].end.x - x)))
        down.append(TEXT_HEIGHT / room)
    return max(across), max(down)


def _figure(
    neurons: Sequence[_Neuron],
    arrows: Sequence[_Arrow],
    *,
    headings: Sequence[str] = (),
    around: Sequence[_Neuron] = (),
) -> Figure:
    """The neurons and arrows, as far apart as the texts need; `around` are inside one larger neuron."""
    labelled = [arrow for arrow in arrows if arrow.text]
    column = attrgetter("start.x")
    groups = {x: list(group) for x, group in groupby(sorted(labelled, key=column), column)}
    places = {x: _place(group) for x, group in groups.items()}
    across, down = _apart(groups, places)

    def moved(neuron: _Neuron) -> _Neuron:
        return neuron._replace(x=neuron.x * across, y=neuron.y * down)

    neurons = [moved(neuron) for neuron in neurons]
    xs, ys = [n.x for n in neurons], [n.y for n in neurons]
    left, right, bottom, top = min(xs) - 1, max(xs) + 1, min(ys) - 1, max(ys) + (1.7 if headings else 1)
    axes = drawing_axes((left, right), (bottom, top), UNIT)
    _draw_around(axes, [moved(neuron) for neuron in around])
    for arrow in arrows:
        place = places[arrow.start.x][0] if arrow.text else 0.5
        _draw_arrow(axes, arrow._replace(start=moved(arrow.start), end=moved(arrow.end)), place)
    for neuron in neurons:
        _draw_neuron(axes, neuron)
    for x, heading in zip(sorted(set(xs)), headings, strict=bool(headings)):
        axes.text(x, top - 0.15, heading, ha="center", va="top", fontsize=10)
    return axes.figure


def _draw_neuron(axes: Any, neuron: _Neuron) -> None:
    from matplotlib.patches import Circle

    at = (neuron.x, neuron.y)
    if neuron.text == DOTS:
        axes.plot([neuron.x] * 3, [at[1] + y for y in (-0.2, 0, 0.2)], "o", color=neuron.color, markersize=2)
        return
    axes.add_patch(Circle(at, NEURON_RADIUS, facecolor=neuron.fill, edgecolor=neuron.color, linewidth=1.3))
    axes.text(*at, neuron.text, ha="center", va="center", color=neuron.color, fontsize=_fitting(neuron.text))


def _draw_arrow(axes: Any, arrow: _Arrow, place: float) -> None:
    start, end = (np.array([n.x, n.y]) for n in (arrow.start, arrow.end))
    along = (end - start) / np.hypot(*(end - start))
    axes.annotate(
        "", end - NEURON_RADIUS * along, start + NEURON_RADIUS * along,
        arrowprops={"arrowstyle": "-|>", "color": arrow.color, "linewidth": 1, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
    if arrow.text:
        back = {"facecolor": WHITE, "edgecolor": "none", "pad": 0.6}
        at = start + place * (end - start)
        axes.text(*at, arrow.text, ha="center", va="center", color=arrow.color, bbox=back, fontsize=ARROW_FONT)


def _draw_around(axes: Any, neurons: Sequence[_Neuron]) -> None:
    from matplotlib.patches import FancyBboxPatch

    if neurons:
        left, width = neurons[0].x, neurons[-1].x - neurons[0].x
        style = f"round,pad={NEURON_RADIUS + 0.3},rounding_size={NEURON_RADIUS + 0.3}"
        axes.add_patch(FancyBboxPatch((left, 0), width, 0.001, boxstyle=style, facecolor="none", edgecolor=GREY))


def _fitting(text: str) -> float:
    """The font size at which a text fits into a neuron."""
    room = 0.95 * 2 * NEURON_RADIUS * 72 * UNIT
    return min(LARGEST_FONT, max(SMALLEST_FONT, room / max(width(text, 1), 1e-3)))

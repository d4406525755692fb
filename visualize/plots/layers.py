"""Plots of what happens in each layer: what comes out of it, and how large the gradients are that come back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl import no_grad
from autograd_dl.errors import DataError
from autograd_dl.mode import current_mode, watched

from ..norms import norm
from .canvas import (
    BLUE,
    MAGENTA,
    RED,
    YELLOW,
    array,
    axes_or_new,
    check_columns,
    check_function,
    check_mapping,
    check_mappings,
    figure_or_new,
    readable,
    refuse_empty,
    whole_numbers,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

VANISHING, EXPLODING = 1e-6, 1e3
"""The norms of a gradient that are flagged: below the first, and above the second."""
STATES = {"vanishing": BLUE, "exactly zero": YELLOW, "exploding": RED, "not finite": MAGENTA}
"""What is wrong with a gradient, and its colour: the later, the worse."""
WIDEST = 400
"""Steps that have a column of their own; of more, several share one, which shows the worst of them."""


def layer_outputs(network: Any, x: Any) -> dict[str, NDArray[Any]]:
    """What each layer of a network makes of inputs, by the layer's name, in the order of the computation.

    A layer is what is computed in a row within one `scope`; an op outside any scope is a layer of its own, with the
    op's name. The network is one with `predict`, or any function of x. Nothing is recorded.
    """
    found: list[tuple[tuple[str, ...], str, Any]] = []

    def note(op: Any, _values: Any, _kwargs: Any, ans: Any, _node: Any) -> None:
        if hasattr(ans, "dtype"):
            scope = current_mode().scope
            if found and scope and found[-1][0] == scope:
                found.pop()
            found.append((scope, "/".join(scope) or op.name, ans))

    predict = getattr(network, "predict", network)
    check_function(predict, "the network", "a network, which has predict, or a function of x")
    with no_grad(), watched(note):
        predict(x)
    counts: Counter[str] = Counter()
    outputs = {}
    for _, name, values in found:
        counts[name] += 1
        outputs[f"{name} ({counts[name]})" if counts[name] > 1 else name] = np.asarray(values)
    return outputs


@readable
def activations(
    network: Any,
    x: Any = None,
    *,
    bins: int = 30,
    limits: tuple[float, float] | None = None,
    columns: int = 5,
    figure: FigureBase | None = None,
) -> Any:
    """A histogram of what comes out of each layer (book, section 6.2.2).

    Parameters
    ----------
    network : network, function, or mapping of arrays
        What `layer_outputs` takes, with inputs `x`; or the outputs themselves, an array for each layer's name.
    x : array, optional
    bins : int
    limits : pair of numbers, optional
        From where to where; those of each layer's own numbers, if left out.
    columns : int
    figure : matplotlib Figure or SubFigure, optional

    Returns
    -------
    matplotlib Figure or SubFigure
    """
    if isinstance(network, Mapping) == (x is not None):
        raise DataError("activations takes a network and its inputs, activations(network, x), or outputs alone")
    outputs = network if x is None else layer_outputs(network, x)
    refuse_empty(outputs, "what came out of the layers")
    check_columns(columns)
    columns = min(columns, len(outputs))
    rows = math.ceil(len(outputs) / columns)
    figure = figure_or_new(figure, max(5, 2.6 * columns), 0.6 + 2.4 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).flat
    for (name, values), ax in zip(outputs.items(), grid, strict=False):
        histogram(values, bins=bins, limits=limits, ax=ax)
        ax.set_title(f"{words(name)}\n{_told(array(values, name))}", fontsize=9)
    for ax in grid:
        ax.set_axis_off()
    figure.supxlabel("output")
    figure.supylabel("how many")
    return figure


@readable
def histogram(values: Any, *, bins: int = 30, limits: tuple[float, float] | None = None, ax: Axes | None = None) -> Any:
    """How many of the values lie where. What is not finite is left out; what lies outside the limits, too.

    `bins` is how many there are, `limits` from where to where they go: from the least to the largest of the values, if
    left out. Returns the axes. Raises `DataError` for limits that are none.
    """
    ax = axes_or_new(ax)
    found = array(values, "values").ravel()
    found = found[np.isfinite(found)].astype(float)
    try:
        counts, edges = np.histogram(found, bins, limits)
    except (TypeError, ValueError) as error:
        raise DataError(f"there is no histogram of bins={bins!r} and limits={limits!r}: {error}") from error
    ax.stairs(counts, edges, fill=True, color=BLUE)
    ax.set_xlim(edges[0], edges[-1])
    ax.tick_params(labelsize=7)
    return ax


class GradientNorms:
    """The norm of each gradient in `steps`: `Trainer(..., change_gradient=norms)` fills it, and changes nothing.

    >>> norms = GradientNorms()
    >>> grads = norms({"W1": np.array([3.0, 4.0])})
    >>> norms.steps, grads
    ([{'W1': 5.0}], {'W1': array([3., 4.])})
    """

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []

    def __call__(self, grads: Any) -> Any:
        """Note the norms of one step's gradients, and hand the gradients on. Raises `DataError` if it is no dict."""
        check_mapping(grads, "the gradients", '{"W1": its gradient}')
        self.steps.append({name: norm(array(g, f"the gradient of {name}")) for name, g in grads.items()})
        return grads


@readable
def gradient_flow(
    steps: Sequence[Mapping[str, Any]],
    *,
    vanishing: float = VANISHING,
    exploding: float = EXPLODING,
    ax: Axes | None = None,
) -> Any:
    """The norm of each parameter's gradient at each step: a row a parameter, a column a step, the darker the larger.

    What vanishes, explodes, is exactly zero or not finite is in colour, and the row's label tells of it, and since
    which step.

    Parameters
    ----------
    steps : sequence of mappings
        For each step the gradients by the parameters' names, as `network.gradient(x, t)` returns them, or their norms,
        as `GradientNorms.steps` has them.
    vanishing, exploding : float
        The norms below and above which a gradient is flagged.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    DataError
        If there is no step or no gradient, or a step has other parameters than the first.
    """
    check_mappings(steps, "steps", "step", '{"W1": its gradient or norm}')
    names = list(steps[0])
    refuse_empty(names, "the first step")
    for k, step in enumerate(steps):
        if list(step) != names:
            raise DataError(f"step {k} has the gradients of {', '.join(step)}, and step 0 those of {', '.join(names)}")
    norms = np.array([[norm(array(step[name], f"the gradient of {name}")) for step in steps] for name in names])
    states = _states(norms, vanishing, exploding)
    ax = axes_or_new(ax, 10, 1.6 + 0.35 * len(names))
    shown, stride = _worst_of_each(norms, states)
    _draw_norms(ax, *shown, len(steps))
    _name_states(ax, states, {"vanishing": f"below {vanishing:g}", "exploding": f"above {exploding:g}"})
    labels = [f"{words(name)}{_since(row)}" for name, row in zip(names, states, strict=True)]
    ax.set_yticks(range(len(names)), labels)
    ax.set(xlabel="step" if stride == 1 else f"step ({stride} a column, which shows the worst)", ylabel="gradient of")
    return ax


def _states(norms: NDArray[Any], vanishing: float, exploding: float) -> NDArray[Any]:
    """For each norm 0, or the number of its state in `STATES`, from 1: the worse, the higher."""
    tests = (norms < vanishing, norms == 0, norms > exploding, ~np.isfinite(norms))
    states = np.zeros(norms.shape, int)
    for number, found in enumerate(tests, 1):
        states[found] = number
    return states


def _since(states: NDArray[Any]) -> str:
    """What a row's label tells: its worst state, and the first step of it."""
    worst = int(states.max())
    return f": {list(STATES)[worst - 1]} since step {int(np.argmax(states == worst))}" if worst else ""


def _worst_of_each(norms: NDArray[Any], states: NDArray[Any]) -> tuple[tuple[NDArray[Any], NDArray[Any]], int]:
    """Norms and states in at most `WIDEST` columns, and how many steps each column stands for."""
    stride = math.ceil(norms.shape[1] / WIDEST)
    starts = range(0, norms.shape[1], stride)
    worst = np.stack([start + states[:, start : start + stride].argmax(axis=1) for start in starts], axis=1)
    return (np.take_along_axis(norms, worst, 1), np.take_along_axis(states, worst, 1)), stride


def _draw_norms(ax: Axes, norms: NDArray[Any], states: NDArray[Any], steps: int) -> None:
    from matplotlib.colors import ListedColormap, LogNorm

    place: Any = {"aspect": "auto", "extent": (-0.5, steps - 0.5, len(norms) - 0.5, -0.5), "interpolation": "none"}
    healthy = np.ma.masked_array(norms, states > 0)
    if healthy.count():
        low, high = healthy.min(), healthy.max()
        scale = LogNorm(low, high if high > low else 10 * low)
        ax.figure.colorbar(ax.imshow(healthy, cmap="Greys", norm=scale, **place), ax=ax, label="norm")
    flagged = np.ma.masked_array(states, states == 0)
    ax.imshow(flagged, cmap=ListedColormap(list(STATES.values())), vmin=1, vmax=len(STATES), **place)
    whole_numbers(ax)


def _name_states(ax: Axes, states: NDArray[Any], limits: Mapping[str, str]) -> None:
    """A legend, above the axes, of the states that there are."""
    from matplotlib.patches import Patch

    patches = [
        Patch(color=color, label=f"{name} ({limits[name]})" if name in limits else name)
        for k, (name, color) in enumerate(STATES.items(), 1)
        if (states == k).any()
    ]
    if patches:
        ax.legend(handles=patches, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)


def _told(values: NDArray[Any]) -> str:
    """Mean and standard deviation of an array, in a line; what is wrong with it, where something is."""
    if not values.size:
        return "empty"
    finite = np.isfinite(values)
    if not finite.all():
        return f"{int((~finite).sum()):,} of {values.size:,} not finite"
    if not values.any():
        return "all zero"
    wide = values.astype(float)
    return f"mean {wide.mean():.2g}, std {wide.std():.2g}"

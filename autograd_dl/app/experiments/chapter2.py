"""Chapter 2: perceptrons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autograd_dl.functional import step_function
from models.gates import AND, NAND, OR, WEIGHTS, XOR

from . import Outcome, Settings, experiment
from .shared import BLUE, GREY, RED, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CORNERS = [(0, 0), (1, 0), (0, 1), (1, 1)]


@experiment("perceptron", "2.1-2.3", takes=())
def perceptron(_settings: Settings) -> Outcome:
    """A perceptron with the weights of AND, and its output: a step function of the weighted sum."""
    w1, w2, b = WEIGHTS["AND"]
    sums = np.dot(CORNERS, [w1, w2]) + b
    outputs = step_function(sums)
    figure = new_figure(10, 4)
    left, right = figure.subplots(1, 2)
    _draw_perceptron(left, w1, w2, b)
    a = np.linspace(-1, 1, 2001)
    right.plot(a, step_function(a), color=RED, label="step function")
    right.plot(sums, outputs, "o", color=BLUE, label="the four inputs")
    for total in np.unique(sums):
        here = "\n".join(str(corner) for corner, other in zip(CORNERS, sums, strict=True) if other == total)
        place, align = ((0, -8), "top") if total > 0 else ((0, 8), "bottom")
        right.annotate(here, (total, step_function(total)), place, textcoords="offset points", ha="center", va=align)
    right.set(title="y = AND(x1, x2)", xlabel=f"a = {_weighted(w1, w2, b)}", ylabel="y", ylim=(-0.1, 1.1))
    right.legend(loc="center left")
    return Outcome({"inputs": CORNERS, "a": sums.round(12).tolist(), "y": outputs.tolist()}, figure)


@experiment("gates", "2.3-2.5", takes=())
def gates(_settings: Settings) -> Outcome:
    """AND, NAND, OR and XOR, and the lines by which one perceptron divides the plane: XOR has none."""
    figure = new_figure(11, 3.6)
    table = {}
    for axes, gate in zip(figure.subplots(1, 4), (AND, NAND, OR, XOR), strict=True):
        name = gate.__name__
        outputs = table[name] = [int(gate(*corner)) for corner in CORNERS]
        for value, marker, color in ((1, "^", RED), (0, "o", BLUE)):
            points = [corner for corner, y in zip(CORNERS, outputs, strict=True) if y == value]
            x1, x2 = zip(*points, strict=True)
            axes.plot(x1, x2, marker, color=color, markersize=10, label=f"y = {value}")
        if name in WEIGHTS:
            w1, w2, b = WEIGHTS[name]
            axes.axline((0, -b / w2), slope=-w1 / w2, color=GREY, label=f"{_weighted(w1, w2, b)} = 0")
        axes.set(title=name, xlabel="x1", ylabel="x2", xlim=(-0.5, 1.5), ylim=(-0.5, 1.5), aspect="equal")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), fontsize=9)
    return Outcome(table, figure)


def _weighted(w1: float, w2: float, b: float) -> str:
    return f"{w1} x1 {'-' if w2 < 0 else '+'} {abs(w2)} x2 {'-' if b < 0 else '+'} {abs(b)}"


def _draw_perceptron(axes: Axes, w1: float, w2: float, b: float) -> None:
    """Inputs, weights on the edges, the sum, and the activation in red."""
    places = {"1": (0, 2), "x1": (0, 1), "x2": (0, 0), "a": (1.3, 1), "y": (2.3, 1)}
    edges = {("1", "a"): f"b = {b}", ("x1", "a"): f"w1 = {w1}", ("x2", "a"): f"w2 = {w2}", ("a", "y"): "h(a)"}
    for (source, target), label in edges.items():
        color = RED if target == "y" else "#444444"
        (x, y), (x_end, y_end) = places[source], places[target]
        arrow = {"arrowstyle": "-|>", "color": color, "shrinkA": 22, "shrinkB": 22}
        axes.annotate("", (x_end, y_end), (x, y), arrowprops=arrow)
        at = ((x + x_end) / 2, (y + y_end) / 2)
        axes.text(*at, label, ha="center", va="center", color=color, backgroundcolor="white")
    for name, (x, y) in places.items():
        axes.text(x, y, name, ha="center", va="center")
        axes.plot(x, y, "o", markersize=38, color="#dddddd" if name == "1" else "white", markeredgecolor="#444444")
    axes.set(title="h(a) = 1 if a > 0, else 0", xlim=(-0.4, 2.7), ylim=(-0.5, 2.5))
    axes.set_axis_off()

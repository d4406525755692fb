"""Boxes for layers and for steps: a network as a column, and the cycle of learning."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ..rendering import new_picture
from ..styles import PALE_RED, RED
from .wording import chosen, label

if TYPE_CHECKING:
    from ..picture import Picture

DIRECTIONS = {"TB": "TB", "LR": "LR"}
STEPS = {
    "en": ("1. mini-batch:\ndraw some training data", "2. gradient:\nof the loss, for each weight",
           "3. update:\nmove the weights a little", "4. repeat"),
    "ja": ("1. ミニバッチ：\n訓練データの一部を選ぶ", "2. 勾配の算出：\n重みごとに損失の勾配を求める",
           "3. パラメータの更新：\n損失が減る向きに重みを少し動かす", "4. 繰り返す"),
}  # fmt: skip


def draw_learning_cycle(*, lang: str = "en") -> Picture:
    """The steps of learning (book, section 4.5): mini-batch, gradient, update, and again.

    `lang` is "en" or "ja". Raises ValueError for another.
    """
    *steps, again = chosen("lang", lang, STEPS)
    picture = draw_boxes(steps, rankdir="LR")
    picture.edge(f"b{len(steps) - 1}", "b0", label=again, color=RED, fontcolor=RED)
    return picture


def draw_batch_norm_network(hidden: int = 2, *, red: bool = True) -> Picture:
    """A network with batch normalization before each activation (book, section 6.3), as a column of boxes.

    `hidden` is the number of hidden layers; with `red` the boxes of the batch normalization are red.
    """
    names = [*["Affine", "Batch Norm", "ReLU"] * hidden, "Affine", "Softmax"]
    return draw_boxes(names, red=[i for i, name in enumerate(names) if red and name == "Batch Norm"])


def draw_boxes(names: Sequence[str], *, red: Collection[int] = (), rankdir: str = "TB") -> Picture:
    """Boxes one after another, joined by arrows: a network by the names of its layers.

    Parameters
    ----------
    names : sequence of str
        What stands in the boxes.
    red : collection of int
        The numbers of the boxes to draw in red.
    rankdir : "TB" or "LR"
        From top to bottom, or from left to right.

    Raises
    ------
    ValueError
        For another `rankdir`.

    >>> picture = draw_boxes(["Conv", "ReLU", "Pool", "Affine", "Softmax"], red=[0], rankdir="LR")
    """
    picture = new_picture()
    picture.attr("graph", rankdir=chosen("rankdir", rankdir, DIRECTIONS), ranksep="0.35")
    picture.attr("node", shape="box", fontname="Helvetica", fontsize="13", width="1.5", margin="0.15,0.1")
    picture.attr("edge", fontname="Helvetica", fontsize="13", arrowsize="0.7")
    for i, name in enumerate(names):
        marks = {"color": RED, "style": "filled", "fillcolor": PALE_RED, "penwidth": "2"} if i in red else {}
        picture.node(f"b{i}", label=label(name), **marks)
    for before, after in pairwise(range(len(names))):
        picture.edge(f"b{before}", f"b{after}")
    return picture

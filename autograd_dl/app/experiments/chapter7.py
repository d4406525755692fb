"""Chapter 7: convolutional networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl import no_grad
from autograd_dl.functional import conv2d, relu
from autograd_dl.ops import im2col
from models import SimpleConvNet
from visualize import plots

from . import LEARNS, Outcome, Settings, experiment
from .shared import COLORS, gradient_check, learned, new_figure, train_convnet

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def simple_convnet(settings: Settings) -> SimpleConvNet:
    """The book's network, with its initial weights."""
    filters = {"filter_num": settings.few(30, 4), "filter_size": 5, "pad": 0, "stride": 1}
    return SimpleConvNet(conv_param=filters, hidden_size=settings.few(100, 20), seed=settings.seed)


# -- 7.4: a convolution as one product


@experiment("im2col", "7.4.2-7.4.3", takes=())
def im2col_steps(_settings: Settings) -> Outcome:
    """A convolution as im2col does it: each patch of an image becomes a row, and one product gives all results."""
    image = np.array([[1.0, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]])  # as in section 7.2.2
    weights = np.array([[2.0, 0, 1], [0, 1, 2], [1, 0, 2]])
    rows = im2col(image[None, None], 3, 3)
    products = rows @ weights.ravel()
    result = products.reshape(2, 2)
    figure = new_figure(12, 8.5)
    parts: Any = figure.subfigures(2, 1)
    above, below = parts
    above.suptitle("1. the patch that the filter sees at each of its places")
    for k, (axes, color) in enumerate(zip(above.subplots(1, 4), COLORS, strict=True)):
        top, left = divmod(k, 2)
        _cells(axes, image)
        _mark(axes, left, top, 3, 3, edgecolor=color, facecolor=color, alpha=0.3)
        _mark(axes, left, top, 3, 3, edgecolor=color, fill=False, linewidth=3)
        axes.set_title(f"patch at row {top}, column {left}", color=color)
    matrix, column, product, output = below.subplots(1, 4, width_ratios=[9, 2, 2, 3])
    for axes, values, title in (
        (matrix, rows, "2. each patch is a row of a matrix\nim2col(image, 3, 3): (4, 9)"),
        (column, weights.reshape(9, 1), "3. the filter\nas a column:\n(9, 1)"),
        (product, products.reshape(4, 1), "4. their\nproduct:\n(4, 1)"),
        (output, result, "5. in the\nshape of places:\n(2, 2)"),
    ):
        _cells(axes, values)
        axes.set_title(title)
    for k, color in enumerate(COLORS):
        top, left = divmod(k, 2)
        for axes, x, y, width in ((matrix, 0, k, 9), (product, 0, k, 1), (output, left, top, 1)):
            _mark(axes, x, y, width, 1, facecolor=color, alpha=0.3)
    steps = {"image": image, "filter": weights, "rows": rows, "product": products, "result": result}
    return Outcome({name: values.tolist() for name, values in steps.items()}, figure)


def _cells(axes: Axes, values: NDArray[Any]) -> None:
    """A matrix as a table of its numbers."""
    height, width = values.shape
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal", xticks=[], yticks=[])
    for (i, j), value in np.ndenumerate(values):
        _mark(axes, j, i, 1, 1, fill=False, edgecolor="#bbbbbb")
        axes.text(j, i, f"{value:g}", ha="center", va="center")


def _mark(axes: Axes, left: int, top: int, width: int, height: int, **look: Any) -> None:
    """A rectangle around so many cells of a table, from the column `left` and the row `top`."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left - 0.5, top - 0.5), width, height, **look))


# -- 7.5, 7.6: SimpleConvNet


@experiment("gradient-check-7", "7.5", takes=("seed",))
def gradient_check_7(settings: Settings) -> Outcome:
    """The gradients of a small SimpleConvNet, by backpropagation and by differences.

    Its weights begin as He's: the book's, of std 0.01, leave units so near to 0 that a difference reaches over the edge
    of their ReLU.
    """
    filters = {"filter_num": settings.few(10, 2), "filter_size": 3, "pad": 0, "stride": 1}
    network = SimpleConvNet(
        (1, 10, 10), filters, hidden_size=settings.few(10, 5), weight_init_std="he", dtype="float64", seed=settings.seed
    )  # fmt: skip
    return gradient_check(network, settings.rng(1).random((1, 1, 10, 10)), np.array([1]))


@experiment("simple-convnet", "7.5")
def simple_convnet_training(settings: Settings) -> Outcome:
    """The training of SimpleConvNet: its loss, and how many digits it reads."""
    return train_convnet(simple_convnet(settings), settings)


@experiment("filters", "7.6.1", takes=(*LEARNS, "weights"))
def filters(settings: Settings) -> Outcome:
    """The filters of SimpleConvNet before and after training: edges and blobs come out of noise."""
    before = simple_convnet(settings).params["W1"].numpy()
    after = learned(simple_convnet(settings), settings).params["W1"].numpy()
    figure = new_figure(10, 8)
    parts: Any = figure.subfigures(2, 1)
    numbers = {}
    for name, weights, part in zip(("before", "after"), (before, after), parts, strict=True):
        part.suptitle(f"{name} training")
        plots.filters(weights, figure=part)
        numbers[name] = {"std": float(weights.std()), "filters": weights.tolist()}
    return Outcome(numbers, figure)


@experiment("feature-maps", "7.6.1-7.6.2", takes=(*LEARNS, "weights"))
def feature_maps(settings: Settings) -> Outcome:
    """What each learned filter of SimpleConvNet answers to, in one digit."""
    network = learned(simple_convnet(settings), settings)
    _, (x, t) = settings.mnist(flatten=False)
    with no_grad():
        maps = relu(conv2d(x[:1], network.params["W1"], network.params["b1"])).numpy()[0]
    titles = [f"a {t[0]}", *(f"filter {k}" for k in range(len(maps)))]
    figure = plots.image_grid([x[0, 0], *maps], titles, columns=8)
    means, largest = maps.mean(axis=(1, 2)).tolist(), maps.max(axis=(1, 2)).tolist()
    return Outcome({"label": int(t[0]), "mean": means, "largest": largest}, figure)

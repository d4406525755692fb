"""The networks that the command trains on digits: how each is built, and how it is trained unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from autograd_dl.data import load_mnist
from autograd_dl.data.batches import Split
from models import (
    VGG,
    AlexNet,
    DeepConvNet,
    GoogLeNet,
    LeNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    Network,
    ResNet,
    SimpleConvNet,
    ThreeLayerNet,
    TwoLayerNet,
)
from models.layers import ACTIVATIONS

DATA = {"subset": "the subset of MNIST that comes with the package", "mnist": "the full MNIST"}


class Recipe(NamedTuple):
    """How a network is built, and how it is trained: so many iterations or epochs.

    `build` takes `dtype`, `seed` and, if there are several activations, `activation`, of which the first is usual. The
    network takes `images`, or else rows of 784 pixels.
    """

    build: Callable[..., Network]
    optimizer: str
    lr: float
    iterations: int | None = None
    epochs: int | None = None
    batch_size: int = 100
    activations: tuple[str, ...] = ()
    images: bool = False


def _multi_layer_net(activation: str, **options: Any) -> MultiLayerNet:
    """As the book compares optimizers on; the initial weights are those that suit the activation."""
    return MultiLayerNet(784, [100] * 4, 10, activation, activation, **options)


def _multi_layer_net_extend(activation: str, **options: Any) -> MultiLayerNetExtend:
    """As the book tries batch normalization on."""
    return MultiLayerNetExtend(784, [100] * 5, 10, activation, activation, use_batchnorm=True, **options)


_NAMES = tuple(ACTIVATIONS)
_of_images = partial(Recipe, optimizer="adam", epochs=20, images=True)

RECIPES = {
    "two-layer-net": Recipe(partial(TwoLayerNet, 784, 50, 10), "sgd", 0.1, iterations=10_000, activations=_NAMES),
    "three-layer-net": Recipe(ThreeLayerNet, "sgd", 0.1, iterations=10_000),
    "multi-layer-net": Recipe(_multi_layer_net, "sgd", 0.01, iterations=2_000, batch_size=128, activations=_NAMES),
    "multi-layer-net-extend": Recipe(_multi_layer_net_extend, "sgd", 0.01, epochs=20, activations=_NAMES),
    "simple-convnet": _of_images(SimpleConvNet, lr=0.001),
    "deep-convnet": _of_images(DeepConvNet, lr=0.001),
    "lenet": _of_images(LeNet, lr=0.003),
    "alexnet": _of_images(AlexNet, lr=0.003),
    "vgg": _of_images(VGG, lr=0.003),
    "googlenet": _of_images(GoogLeNet, lr=0.003),
    "resnet": _of_images(ResNet, lr=0.003),
}
"""The networks, by the names that the command knows. Sizes and settings are the book's, as far as it gives them."""


def built(model: str, activation: str | None, dtype: str, seed: int | None = None) -> Network:
    """That network. `activation` is left out where there is no choice."""
    recipe = RECIPES[model]
    chosen = {"activation": activation} if recipe.activations else {}
    return recipe.build(dtype=dtype, seed=seed, **chosen)


def digits(model: str, data: str) -> tuple[Split, Split]:
    """(training images, labels), (test images, labels), in the shape that the network takes."""
    return load_mnist(flatten=not RECIPES[model].images, subset=data == "subset")

"""Every network at a size at which differences of all its parameters take a second or so."""

import numpy as np

from models import (
    VGG,
    AlexNet,
    DeepConvNet,
    GoogLeNet,
    LeNet,
    MultiLayerNet,
    MultiLayerNetExtend,
    ResNet,
    SimpleConvNet,
    SimpleNet,
    ThreeLayerNet,
    TwoLayerNet,
)

IMAGE = (1, 12, 12)
CLASSES = 3


def conv_param(pad=0):
    return {"filter_num": 2, "filter_size": 3, "pad": pad, "stride": 1}


def extended(**kwargs):
    options = {"use_dropout": True, "dropout_ratio": 0.3, "use_batchnorm": True, "weight_decay_lambda": 0.1} | kwargs
    return MultiLayerNetExtend(8, [5, 5], CLASSES, **options)


def deep_conv_net(**kwargs):
    params = [conv_param(pad=pad) for pad in (1, 1, 1, 2, 1, 1)]
    return DeepConvNet(IMAGE, *params, hidden_size=5, output_size=CLASSES, **kwargs)


FLAT = {
    "SimpleNet": SimpleNet,
    "TwoLayerNet": lambda **kwargs: TwoLayerNet(8, 5, CLASSES, weight_init_std=1, **kwargs),
    "ThreeLayerNet": lambda **kwargs: ThreeLayerNet(8, (5, 5), CLASSES, **kwargs),
    "MultiLayerNet": lambda **kwargs: MultiLayerNet(8, [5, 5], CLASSES, weight_decay_lambda=0.1, **kwargs),
    "MultiLayerNetExtend": extended,
}
IMAGES = {
    "SimpleConvNet": lambda **kwargs: SimpleConvNet(IMAGE, conv_param(), 5, CLASSES, "he", **kwargs),
    "DeepConvNet": deep_conv_net,
    "LeNet": lambda **kwargs: LeNet(IMAGE, (2, 2), (5, 5), CLASSES, **kwargs),
    "AlexNet": lambda **kwargs: AlexNet(IMAGE, (2, 1, 2, 1, 2), 5, CLASSES, **kwargs),
    "VGG": lambda **kwargs: VGG(IMAGE, ((2, 2), (2,)), 5, CLASSES, **kwargs),
    "GoogLeNet": lambda **kwargs: GoogLeNet(IMAGE, 2, ((2, 2, 2, 2),), CLASSES, **kwargs),
    "ResNet": lambda **kwargs: ResNet(IMAGE, (2, 3), 1, CLASSES, **kwargs),
}
TINY = FLAT | IMAGES
BATCH_NORM = ["MultiLayerNetExtend", "ResNet"]
DROPOUT = ["MultiLayerNetExtend", "DeepConvNet", "AlexNet", "VGG", "GoogLeNet"]


def data(name, batch=4):
    """Inputs and labels for one of them."""
    shape = IMAGE if name in IMAGES else (2,) if name == "SimpleNet" else (8,)
    rng = np.random.default_rng(0)
    return rng.standard_normal((batch, *shape)), rng.integers(CLASSES, size=batch)


def shifted(net, seed=0):
    """Biases and the like moved from 0: where all that a unit sees is 0, relu is at its kink otherwise."""
    rng = np.random.default_rng(seed)
    for key, p in net.params.items():
        if not key.startswith("W"):
            p.data = p.numpy() + rng.uniform(-0.5, 0.5, p.shape)
    return net

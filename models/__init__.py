"""The book's networks, each written in tensor ops so that it can be read beside the book.

`dtype` is that of the parameters and the inputs; `seed`, an int or None for another one each time, draws initial
weights and the masks of dropout. All raise `ShapeError` for sizes that are no whole numbers of 1 or more, TypeError for
a number in place of a list of sizes, `DTypeError` for a dtype that is not floating, and ValueError for an unknown name.
"""

from .alexnet import AlexNet
from .deep_convnet import DeepConvNet
from .gates import AND, NAND, NOR, OR, XOR
from .googlenet import GoogLeNet
from .layers import Layers, initial_std
from .lenet import LeNet
from .multi_layer_net import MultiLayerNet
from .multi_layer_net_extend import MultiLayerNetExtend
from .network import ImageNetwork, LayeredNetwork, Network
from .resnet import ResNet
from .simple_convnet import SimpleConvNet
from .simple_net import SimpleNet
from .three_layer_net import ThreeLayerNet
from .two_layer_net import TwoLayerNet
from .vgg import VGG

__all__ = [
    "AND",
    "NAND",
    "NOR",
    "OR",
    "VGG",
    "XOR",
    "AlexNet",
    "DeepConvNet",
    "GoogLeNet",
    "ImageNetwork",
    "LayeredNetwork",
    "Layers",
    "LeNet",
    "MultiLayerNet",
    "MultiLayerNetExtend",
    "Network",
    "ResNet",
    "SimpleConvNet",
    "SimpleNet",
    "ThreeLayerNet",
    "TwoLayerNet",
    "initial_std",
]  # fmt: skip

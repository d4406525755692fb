"""The book's networks, each written in tensor ops so that it can be read beside the book."""

from .network import Network as Network
from .two_layer_net import TwoLayerNet as TwoLayerNet

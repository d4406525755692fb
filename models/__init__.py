"""The book's networks, each written in tensor ops so that it can be read beside the book."""

from .alexnet import AlexNet as AlexNet
from .deep_convnet import DeepConvNet as DeepConvNet
from .gates import AND as AND
from .gates import NAND as NAND
from .gates import NOR as NOR
from .gates import OR as OR
from .gates import XOR as XOR
from .googlenet import GoogLeNet as GoogLeNet
from .layers import Layers as Layers
from .layers import initial_std as initial_std
from .lenet import LeNet as LeNet
from .multi_layer_net import MultiLayerNet as MultiLayerNet
from .multi_layer_net_extend import MultiLayerNetExtend as MultiLayerNetExtend
from .network import ImageNetwork as ImageNetwork
from .network import LayeredNetwork as LayeredNetwork
from .network import Network as Network
from .resnet import ResNet as ResNet
from .simple_convnet import SimpleConvNet as SimpleConvNet
from .simple_net import SimpleNet as SimpleNet
from .three_layer_net import ThreeLayerNet as ThreeLayerNet
from .two_layer_net import TwoLayerNet as TwoLayerNet
from .vgg import VGG as VGG

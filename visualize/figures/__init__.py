"""The figures that the book draws by hand: neurons, networks, single nodes, and how im2col cuts an image."""

from .networks import draw_batch_norm_network as draw_batch_norm_network
from .networks import draw_boxes as draw_boxes
from .networks import draw_learning_cycle as draw_learning_cycle
from .neurons import draw_affine as draw_affine
from .neurons import draw_layers as draw_layers
from .neurons import draw_perceptron as draw_perceptron
from .nodes import draw_affine_shapes as draw_affine_shapes
from .nodes import draw_local_derivative as draw_local_derivative
from .nodes import draw_node as draw_node
from .nodes import draw_node_and_edge as draw_node_and_edge
from .patches import draw_im2col as draw_im2col

"""The figures that the book draws by hand: neurons, networks, single nodes, and how im2col cuts an image."""

from .networks import draw_batch_norm_network, draw_boxes, draw_learning_cycle
from .neurons import draw_affine, draw_layers, draw_perceptron
from .nodes import draw_affine_shapes, draw_local_derivative, draw_node, draw_node_and_edge
from .patches import draw_im2col

__all__ = [
    "draw_affine",
    "draw_affine_shapes",
    "draw_batch_norm_network",
    "draw_boxes",
    "draw_im2col",
    "draw_layers",
    "draw_learning_cycle",
    "draw_local_derivative",
    "draw_node",
    "draw_node_and_edge",
    "draw_perceptron",
]  # fmt: skip

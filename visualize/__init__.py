"""Pictures of computation graphs, and plots of training."""

from . import notebook
from .dot import draw_graph, to_dot
from .explain import explain
from .explore import explore
from .figures import (
    draw_affine,
    draw_affine_shapes,
    draw_batch_norm_network,
    draw_boxes,
    draw_im2col,
    draw_layers,
    draw_learning_cycle,
    draw_local_derivative,
    draw_node,
    draw_node_and_edge,
    draw_perceptron,
)
from .plots import plot_history
from .rendering import render
from .terminal import to_text

__all__ = [
    "draw_affine",
    "draw_affine_shapes",
    "draw_batch_norm_network",
    "draw_boxes",
    "draw_graph",
    "draw_im2col",
    "draw_layers",
    "draw_learning_cycle",
    "draw_local_derivative",
    "draw_node",
    "draw_node_and_edge",
    "draw_perceptron",
    "explain",
    "explore",
    "notebook",
    "plot_history",
    "render",
    "to_dot",
    "to_text",
]  # fmt: skip

"""Pictures of computation graphs, and plots of training."""

from . import notebook as notebook
from .dot import draw_graph as draw_graph
from .dot import to_dot as to_dot
from .explain import explain as explain
from .explore import explore as explore
from .figures import draw_affine as draw_affine
from .figures import draw_affine_shapes as draw_affine_shapes
from .figures import draw_batch_norm_network as draw_batch_norm_network
from .figures import draw_boxes as draw_boxes
from .figures import draw_im2col as draw_im2col
from .figures import draw_layers as draw_layers
from .figures import draw_learning_cycle as draw_learning_cycle
from .figures import draw_local_derivative as draw_local_derivative
from .figures import draw_node as draw_node
from .figures import draw_node_and_edge as draw_node_and_edge
from .figures import draw_perceptron as draw_perceptron
from .plots import plot_history as plot_history
from .rendering import render as render
from .terminal import to_text as to_text

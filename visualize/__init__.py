"""Pictures of computation graphs, and plots of training."""

from .dot import draw_graph as draw_graph
from .dot import to_dot as to_dot
from .plots import plot_history as plot_history
from .rendering import render as render

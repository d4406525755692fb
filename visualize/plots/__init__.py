"""Plots with matplotlib. They touch no global state, need no screen, and draw where they are told to.

A function of one plot takes `ax`, the axes to draw in, and returns them; one of several plots takes `figure`, a figure
or a part of one, and returns it. Where none is given, a new one is made: `plots.history(...).savefig("history.png")`,
`plots.curves(...).figure.savefig("curves.png")`. All raise `MissingExtraError` where matplotlib is not installed, and
`DataError` or `ShapeError` (both are ValueErrors) for what cannot be drawn.
"""

from .layers import GradientNorms, activations, gradient_flow, histogram, layer_outputs
from .pictures import confusion_matrix, feature_maps, filters, image_grid, misclassified
from .search import importance, importances, search_grid
from .surfaces import gradient_field, paths
from .training import curve_grid, curves, history, overfitting, plot_history, runs

__all__ = [
    "GradientNorms",
    "activations",
    "confusion_matrix",
    "curve_grid",
    "curves",
    "feature_maps",
    "filters",
    "gradient_field",
    "gradient_flow",
    "histogram",
    "history",
    "image_grid",
    "importance",
    "importances",
    "layer_outputs",
    "misclassified",
    "overfitting",
    "paths",
    "plot_history",
    "runs",
    "search_grid",
]  # fmt: skip

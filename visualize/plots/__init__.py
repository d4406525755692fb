"""Plots with matplotlib. They touch no global state, need no screen, and draw where they are told to.

A function of one plot takes `ax`, the axes to draw in, and returns them; one of several plots takes `figure`, a figure
or a part of one, and returns it. Where none is given, a new one is made: `plots.history(...).savefig("history.png")`,
`plots.curves(...).figure.savefig("curves.png")`. All raise `MissingExtraError` where matplotlib is not installed, and
`DataError` or `ShapeError` (both are ValueErrors) for what cannot be drawn.
"""

from .layers import GradientNorms as GradientNorms
from .layers import activations as activations
from .layers import gradient_flow as gradient_flow
from .layers import histogram as histogram
from .layers import layer_outputs as layer_outputs
from .pictures import confusion_matrix as confusion_matrix
from .pictures import feature_maps as feature_maps
from .pictures import filters as filters
from .pictures import image_grid as image_grid
from .pictures import misclassified as misclassified
from .search import importance as importance
from .search import importances as importances
from .search import search_grid as search_grid
from .surfaces import gradient_field as gradient_field
from .surfaces import paths as paths
from .training import curve_grid as curve_grid
from .training import curves as curves
from .training import history as history
from .training import overfitting as overfitting
from .training import plot_history as plot_history
from .training import runs as runs

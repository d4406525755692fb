"""The ops: NumPy's functions with their derivatives, a few of our own, and how to add one.

Our own take floating arrays and Tensors; those of `functional` take lists and numbers, too. What NumPy raises for
arguments that do not fit, of a Tensor it is raised as one of `errors`, with the op's name: `ShapeError`, `DTypeError`,
or `OutOfBoundsError`, which is an IndexError.
"""

from ..table import defvjp
from . import calculus as calculus
from . import joining as joining
from . import linalg as linalg
from . import methods as methods
from . import plain as plain
from . import products as products
from . import statistics as statistics
from .columns import col2im, im2col
from .convolution import conv2d, conv2d_filter, conv2d_input
from .entry import composed, primitive
from .fused import normalize_columns, relu, softmax, softmax_cross_entropy, standardize
from .indexing import scatter_add
from .pooling import max_pool2d, sum_pool2d
from .reduction import logsumexp
from .special import erf, erfc, sigmoid, softplus
from .windows import conv_output_size

__all__ = [
    "col2im",
    "composed",
    "conv2d",
    "conv2d_filter",
    "conv2d_input",
    "conv_output_size",
    "defvjp",
    "erf",
    "erfc",
    "im2col",
    "logsumexp",
    "max_pool2d",
    "normalize_columns",
    "primitive",
    "relu",
    "scatter_add",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "standardize",
    "sum_pool2d",
]  # fmt: skip

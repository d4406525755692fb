"""The functions of neural networks, under the book's names. On arrays they return arrays, on Tensors they record.

What is taken elementwise keeps its shape; integers are computed in float64. All raise `DTypeError` for what are no real
numbers, and `ShapeError` for lists of unequal lengths within one another.
"""

from .activations import (
    elu,
    gelu,
    identity_function,
    leaky_relu,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    softplus,
    step_function,
    tanh,
)
from .convolution import average_pool2d, conv2d, conv_transpose2d, global_average_pool2d, global_max_pool2d, max_pool2d
from .layers import affine, dropout, lstm
from .losses import (
    binary_cross_entropy,
    cross_entropy_error,
    mean_squared_error,
    sigmoid_loss,
    softmax_loss,
    sum_squared_error,
)
from .normalization import batch_norm, layer_norm, local_response_norm

__all__ = [
    "affine", "average_pool2d", "batch_norm", "binary_cross_entropy", "conv2d", "conv_transpose2d",
    "cross_entropy_error", "dropout", "elu", "gelu", "global_average_pool2d", "global_max_pool2d",
    "identity_function", "layer_norm", "leaky_relu", "local_response_norm", "log_softmax", "logsumexp", "lstm",
    "max_pool2d", "mean_squared_error", "relu", "sigmoid", "sigmoid_loss", "softmax", "softmax_loss", "softplus",
    "step_function", "sum_squared_error", "tanh",
]  # fmt: skip

"""The Tensor that most tests begin with."""

import numpy as np

from autograd_dl import Tensor


def leaf(values, name=None, dtype=float):
    """A Tensor of these values that requires grad."""
    return Tensor(np.array(values, dtype=dtype), requires_grad=True, name=name)

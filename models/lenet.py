"""LeNet, the first convolutional network (Y. LeCun et al., 1998; book, section 7.7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_dl import Tensor
from autograd_dl.functional import average_pool2d

from .layers import Layers, sizes_of
from .network import ImageNetwork


class LeNet(ImageNetwork):
    """Two convolutions of 5x5 filters, each with a tanh and subsampling by means; then three affine layers.

    For images of 28x28 or 32x32 pixels, or others of at least 12x12. Of the original, the trained scales of the
    subsampling and the sparse links between its layers are left out. Initial weights are Xavier's. Raises ValueError if
    `filters` has not a number for each convolution, `ShapeError` for smaller images.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        filters: Sequence[int] = (6, 16),
        hidden_size_list: Sequence[int] = (120, 84),
        output_size: int = 10,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(input_dim, dtype, seed, weight_init_std="xavier")
        self.filters, self.output_size = sizes_of("filters", filters), output_size
        self.hidden_size_list = sizes_of("hidden_size_list", hidden_size_list)
        if len(self.filters) != 2:
            raise ValueError(f"LeNet has two convolutions, and so two numbers of filters, not {self.filters}")
        self.build(*input_dim)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Conv - tanh - mean, twice; Affine - tanh, twice; Affine."""
        for pad, filter_num in zip((2, 0), self.filters, strict=True):
            x = layers.apply("Tanh", np.tanh, layers.conv(x, filter_num, 5, pad=pad))
            x = layers.apply("Pool", average_pool2d, x, 2)
        for size in self.hidden_size_list:
            x = layers.apply("Tanh", np.tanh, layers.affine(x, size))
        return layers.affine(x, self.output_size)

"""A small AlexNet (A. Krizhevsky, I. Sutskever and G. Hinton, 2012; book, section 7.7.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_dl import Tensor
from autograd_dl.functional import local_response_norm

from .layers import Layers, sizes_of
from .network import ImageNetwork


class AlexNet(ImageNetwork):
    """Five convolutions with ReLU, the first two with local response normalization; then affine layers with dropout.

    After the first, second and fifth convolution, overlapping windows of 3x3 are pooled. The order is AlexNet's, the
    sizes are for images of 28x28 or 32x32 pixels. Initial weights are He's. Raises ValueError if `filters` has
    not a number for each of the first two convolutions at least.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        filters: Sequence[int] = (8, 16, 32, 32, 16),
        hidden_size: int = 128,
        output_size: int = 10,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(input_dim, dtype, seed)
        self.filters, self.hidden_size, self.output_size = sizes_of("filters", filters), hidden_size, output_size
        if len(self.filters) < 2:
            raise ValueError(f"AlexNet has at least two convolutions, each with its filters, not {self.filters}")
        self.build(*input_dim)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Two convolutions that are normalized and pooled, three at one size, three affine layers."""
        first, second, *others = self.filters
        for filter_num, size in (first, 5), (second, 5):
            x = layers.relu(layers.conv(x, filter_num, size, pad=size // 2))
            x = layers.pool(layers.apply("LRN", local_response_norm, x), 3, stride=2, pad=1)
        for filter_num in others:
            x = layers.relu(layers.conv(x, filter_num, 3, pad=1))
        x = layers.pool(x, 3, stride=2, pad=1)
        for _ in range(2):
            x = layers.dropout(layers.relu(layers.affine(x, self.hidden_size)))
        return layers.affine(x, self.output_size)

"""A small VGG network (K. Simonyan and A. Zisserman, 2014; book, section 8.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_dl import Tensor

from .layers import Layers, sizes_of
from .network import ImageNetwork


class VGG(ImageNetwork):
    """Blocks of 3x3 convolutions, each with ReLU and each block pooled; then affine layers with dropout.

    `blocks` has the numbers of filters of each block. The sizes are for images of 28x28 or 32x32 pixels. Initial
    weights are He's.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        blocks: Sequence[Sequence[int]] = ((8, 8), (16, 16), (32, 32)),
        hidden_size: int = 128,
        output_size: int = 10,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(input_dim, dtype, seed)
        self.blocks = [sizes_of("each of the blocks", block) for block in sizes_of("blocks", blocks)]
        self.hidden_size, self.output_size = hidden_size, output_size
        self.build(*input_dim)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """The blocks, two affine layers with ReLU and dropout, and one that scores."""
        for block in self.blocks:
            for filter_num in block:
                x = layers.relu(layers.conv(x, filter_num, 3, pad=1))
            x = layers.pool(x)
        for _ in range(2):
            x = layers.dropout(layers.relu(layers.affine(x, self.hidden_size)))
        return layers.affine(x, self.output_size)

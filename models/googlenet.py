"""A small GoogLeNet: what is wide instead of deep (C. Szegedy et al., 2014; book, section 8.2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_dl import Tensor, scope
from autograd_dl.functional import global_average_pool2d

from .layers import Layers, sizes_of
from .network import ImageNetwork


class GoogLeNet(ImageNetwork):
    """A convolution, inception modules, and the mean of each channel, which one affine layer scores.

    An inception module puts side by side what filters of 1x1, 3x3 and 5x5 pixels and a pooling window of 3x3 see; 1x1
    filters make fewer channels of the input before the larger ones, and of what is pooled. `modules` has the filters of
    each module: (1x1, 3x3, 5x5, pooled). After the first convolution and the first half of the modules, the image is
    halved. The sizes are for images of 28x28 or 32x32 pixels. Initial weights are He's.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        filter_num: int = 16,
        modules: Sequence[Sequence[int]] = ((16, 32, 8, 8), (32, 64, 16, 16)),
        output_size: int = 10,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(input_dim, dtype, seed)
        self.modules = [sizes_of("each of the modules", module) for module in sizes_of("modules", modules)]
        if any(len(module) != 4 for module in self.modules):
            raise ValueError(f"each of the modules has four sizes, (1x1, 3x3, 5x5, pooled), not {self.modules}")
        self.filter_num, self.output_size = filter_num, output_size
        self.build(*input_dim)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Conv - Pool, inception modules with a pooling in their middle, means, dropout and Affine."""
        x = layers.pool(layers.relu(layers.conv(x, self.filter_num, 3, pad=1)))
        for number, filters in enumerate(self.modules, 1):
            with scope(f"Inception{number}"):
                x = inception(x, layers, *filters)
            if number == (len(self.modules) + 1) // 2:
                x = layers.pool(x)
        x = layers.dropout(layers.apply("GlobalPool", global_average_pool2d, x), 0.4)
        return layers.affine(x, self.output_size)


def inception(x: Tensor, layers: Layers, narrow: int, middle: int, wide: int, pooled: int) -> Any:
    """Four views of the same image, side by side as channels."""

    def conv(x: Tensor, filter_num: int, size: int) -> Tensor:
        return layers.relu(layers.conv(x, filter_num, size, pad=size // 2))

    views = [
        conv(x, narrow, 1),
        conv(conv(x, (middle + 1) // 2, 1), middle, 3),
        conv(conv(x, (wide + 1) // 2, 1), wide, 5),
        conv(layers.pool(x, 3, stride=1, pad=1), pooled, 1),
    ]
    return np.concatenate(views, axis=1)

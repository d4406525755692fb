"""A small ResNet, whose layers are passed by shortcuts (K. He et al., 2015; book, section 8.2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_dl import Tensor, scope
from autograd_dl.functional import average_pool2d, global_average_pool2d

from .layers import Layers, sizes_of
from .network import ImageNetwork


class ResNet(ImageNetwork):
    """A pooled convolution, stages of residual blocks, and the mean of each channel, which one affine layer scores.

    A block adds its input to what two convolutions make of it; where the number of channels changes, 1x1 filters change
    the input's. Batch normalization follows each convolution, which therefore has no biases. Between stages the image
    is halved by means. (Filters with stride 2, which the original has there, fit no image of even size.) `stages` has
    the filters of each stage, `blocks` is how many blocks each has. The sizes are for images of 28x28 or 32x32
    pixels. Initial weights are He's. Raises ValueError if there is no stage.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        stages: Sequence[int] = (16, 32),
        blocks: int = 2,
        output_size: int = 10,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(input_dim, dtype, seed)
        self.stages, self.blocks, self.output_size = sizes_of("stages", stages), blocks, output_size
        if not self.stages:
            raise ValueError("ResNet has at least one stage, each with its filters, as (16, 32), but stages is empty")
        self.build(*input_dim)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Conv - BatchNorm - ReLU - Pool, the stages, means and Affine."""
        x = layers.pool(layers.relu(conv_norm(x, layers, self.stages[0], 3)))
        for i, filter_num in enumerate(self.stages):
            if i:
                x = layers.apply("Pool", average_pool2d, x, 2)
            for j in range(self.blocks):
                with scope(f"Block{i * self.blocks + j + 1}"):
                    x = residual(x, layers, filter_num)
        return layers.affine(layers.apply("GlobalPool", global_average_pool2d, x), self.output_size)


def residual(x: Tensor, layers: Layers, filter_num: int) -> Tensor:
    """relu(F(x) + x), where F is two convolutions."""
    changed = conv_norm(layers.relu(conv_norm(x, layers, filter_num, 3)), layers, filter_num, 3)
    passed = x if x.shape[1] == filter_num else conv_norm(x, layers, filter_num, 1)
    return layers.relu(changed + passed)


def conv_norm(x: Tensor, layers: Layers, filter_num: int, size: int) -> Tensor:
    """A convolution that keeps the image's size, and batch normalization."""
    return layers.batch_norm(layers.conv(x, filter_num, size, pad=size // 2, bias=False))

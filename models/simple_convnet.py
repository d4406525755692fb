"""The convolutional network of chapter 7: Conv - ReLU - Pool - Affine - ReLU - Affine - softmax with loss."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from autograd_dl import Tensor

from .layers import Layers, conv_param_of
from .network import ImageNetwork


class SimpleConvNet(ImageNetwork):
    """One convolutional layer and two affine ones (book, section 7.5).

    `conv_param` has `filter_num`, `filter_size`, `pad` and `stride`; initial weights have the standard deviation
    weight_init_std. Raises `ShapeError` if the filters do not fit the images.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param: Mapping[str, Any] = MappingProxyType({"filter_num": 30, "filter_size": 5, "pad": 0, "stride": 1}),
        hidden_size: int = 100,
        output_size: int = 10,
        weight_init_std: float | str = 0.01,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(input_dim, dtype, seed, weight_init_std)
        self.conv_param = conv_param_of("conv_param", conv_param)
        self.hidden_size, self.output_size = hidden_size, output_size
        self.build(*input_dim)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """The six layers before the loss."""
        x = layers.pool(layers.relu(layers.conv(x, **self.conv_param)))
        x = layers.relu(layers.affine(x, self.hidden_size))
        return layers.affine(x, self.output_size)

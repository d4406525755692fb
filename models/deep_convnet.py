"""The deep convolutional network of chapter 8, which reads all but one in 150 digits."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from autograd_dl import Tensor

from .layers import Layers, conv_param_of
from .network import ImageNetwork


def _param(filter_num: int, pad: int = 1) -> Mapping[str, Any]:
    return MappingProxyType({"filter_num": filter_num, "filter_size": 3, "pad": pad, "stride": 1})


class DeepConvNet(ImageNetwork):
    """Thrice Conv - ReLU - Conv - ReLU - Pool; then Affine - ReLU - Dropout - Affine - Dropout (book, section 8.1).

    Each `conv_param` has `filter_num`, `filter_size`, `pad` and `stride`. Initial weights are He's. `loss` is that of
    training, with dropout, unless it gets `train_flg=False`. Raises `ShapeError` if filters do not fit their images.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int] = (1, 28, 28),
        conv_param_1: Mapping[str, Any] = _param(16),
        conv_param_2: Mapping[str, Any] = _param(16),
        conv_param_3: Mapping[str, Any] = _param(32),
        conv_param_4: Mapping[str, Any] = _param(32, pad=2),
        conv_param_5: Mapping[str, Any] = _param(64),
        conv_param_6: Mapping[str, Any] = _param(64),
        hidden_size: int = 50,
        output_size: int = 10,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(input_dim, dtype, seed)
        given = (conv_param_1, conv_param_2, conv_param_3, conv_param_4, conv_param_5, conv_param_6)
        convs = [conv_param_of(f"conv_param_{i}", param) for i, param in enumerate(given, 1)]
        self.conv_params = list(zip(convs[::2], convs[1::2], strict=True))
        self.hidden_size, self.output_size = hidden_size, output_size
        self.build(*input_dim)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """The twenty layers before the loss."""
        for first, second in self.conv_params:
            x = layers.relu(layers.conv(x, **first))
            x = layers.pool(layers.relu(layers.conv(x, **second)))
        x = layers.dropout(layers.relu(layers.affine(x, self.hidden_size)))
        return layers.dropout(layers.affine(x, self.output_size))

    def loss(self, x: Any, t: Any, train_flg: bool = True) -> Tensor:
        """The mean cross-entropy, a 0-d Tensor, of images x against t; with dropout, as in training."""
        return super().loss(x, t, train_flg)

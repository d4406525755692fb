"""The network of chapter 6 with batch normalization and dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_dl import Tensor

from .layers import Layers
from .multi_layer_net import MultiLayerNet


class MultiLayerNetExtend(MultiLayerNet):
    """Affine - batch normalization - activation - dropout, for each hidden layer; then Affine (book, chapter 6).

    `use_batchnorm` and `use_dropout` say which of the two there are, `dropout_ratio` (in the book also spelled
    `dropout_ration`) how much of each layer is dropped in training. The other parameters are `MultiLayerNet`'s.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        use_dropout: bool = False,
        dropout_ratio: float = 0.5,
        use_batchnorm: bool = False,
        *,
        dropout_ration: float | None = None,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        self.use_dropout, self.use_batchnorm = use_dropout, use_batchnorm
        self.dropout_ratio = dropout_ratio if dropout_ration is None else dropout_ration
        super().__init__(
            input_size, hidden_size_list, output_size, activation, weight_init_std, weight_decay_lambda,
            dtype=dtype, seed=seed,
        )  # fmt: skip

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Affine - batch normalization - activation - dropout, for each hidden layer; then Affine."""
        for size in self.hidden_size_list:
            x = layers.affine(x, size)
            if self.use_batchnorm:
                x = layers.batch_norm(x)
            x = layers.apply(self.kind, self.activation, x)
            if self.use_dropout:
                x = layers.dropout(x, self.dropout_ratio)
        return layers.affine(x, self.output_size)

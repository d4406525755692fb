"""The three-layer network of chapter 3: Affine and sigmoid twice, then Affine and softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_dl import Tensor
from autograd_dl.functional import sigmoid

from .layers import Layers, sizes_of
from .network import LayeredNetwork


class ThreeLayerNet(LayeredNetwork):
    """The network for digits whose weights chapter 3 is given ready-made (book, section 3.6.2).

    `predict` returns scores, whose order is that of the book's probabilities. Initial weights are Xavier's.
    """

    def __init__(
        self,
        input_size: int = 784,
        hidden_size_list: Sequence[int] = (50, 100),
        output_size: int = 10,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(dtype, seed, weight_init_std="xavier")
        self.hidden_size_list, self.output_size = sizes_of("hidden_size_list", hidden_size_list), output_size
        if len(self.hidden_size_list) != 2:
            raise ValueError(f"three layers have two hidden sizes between them, not {self.hidden_size_list}")
        self.activation = sigmoid
        self.build(input_size)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Affine - sigmoid - Affine - sigmoid - Affine."""
        for size in self.hidden_size_list:
            x = layers.apply("Sigmoid", self.activation, layers.affine(x, size))
        return layers.affine(x, self.output_size)

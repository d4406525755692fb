"""The network of chapter 6, with any number of hidden layers, and weight decay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_dl import Tensor, scope
from autograd_dl.optim.settings import checked

from .layers import Layers, activation_named, sizes_of
from .network import LayeredNetwork


class MultiLayerNet(LayeredNetwork):
    """Affine layers, with an activation after each but the last (book, chapter 6).

    Parameters
    ----------
    input_size, hidden_size_list, output_size : int, ints, int
    activation : "relu", "sigmoid" or "tanh"
    weight_init_std : number or str
        The standard deviation of initial weights; "relu" or "he" is sqrt(2 / inputs), "sigmoid", "tanh" or
        "xavier" is sqrt(1 / inputs), in any case.
    weight_decay_lambda : float
        The loss has 1/2 lambda times the sum of all squared weights (not biases) added.

    Raises ValueError for another activation or name, or a lambda that is no number of 0 or more.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size_list: Sequence[int],
        output_size: int,
        activation: str = "relu",
        weight_init_std: float | str = "relu",
        weight_decay_lambda: float = 0,
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(dtype, seed, weight_init_std)
        self.hidden_size_list, self.output_size = sizes_of("hidden_size_list", hidden_size_list), output_size
        self.activation, self.kind = activation_named(activation), activation.capitalize()
        self.weight_decay_lambda = checked("weight_decay_lambda", weight_decay_lambda)
        self.build(input_size)

    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Affine - activation, for each hidden layer; then Affine."""
        for size in self.hidden_size_list:
            x = layers.apply(self.kind, self.activation, layers.affine(x, size))
        return layers.affine(x, self.output_size)

    def loss(self, x: Any, t: Any, train_flg: bool = False) -> Tensor:
        """The mean cross-entropy, and the penalty for large weights."""
        loss = super().loss(x, t, train_flg)
        if not self.weight_decay_lambda:
            return loss
        with scope("WeightDecay"):
            squares: Any = sum(np.sum(p * p) for name, p in self.params.items() if name.startswith("W"))
            return loss + 0.5 * self.weight_decay_lambda * squares

"""The two-layer network of chapters 4 and 5: Affine - activation - Affine - softmax with loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_dl import Tensor, scope
from autograd_dl.errors import ShapeError
from autograd_dl.values import is_size

from .layers import activation_named, initial_std
from .network import Network


class TwoLayerNet(Network):
    """Two affine layers with an activation between them (book, sections 4.5 and 5.7).

    `predict` returns scores. Weights are drawn from the normal distribution with the standard deviation
    weight_init_std, a number or a name that `initial_std` knows; biases are 0. `activation` is "relu" (chapter 5),
    "sigmoid" (chapter 4) or "tanh". Other names raise ValueError, sizes that are no whole numbers of 1 or more
    `ShapeError`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: float | str = 0.01,
        activation: str = "relu",
        *,
        dtype: Any = "float32",
        seed: int | None = None,
    ) -> None:
        super().__init__(dtype, seed)
        if not all(map(is_size, (input_size, hidden_size, output_size))):
            given = f"{input_size!r}, {hidden_size!r} and {output_size!r}"
            raise ShapeError(
                f"the sizes of the input, the hidden layer and the output are whole numbers of 1 or more, not {given}"
            )
        rng = np.random.default_rng(seed)
        self.activation, self.kind = activation_named(activation), activation.capitalize()
        first, second = (initial_std(weight_init_std, inputs) for inputs in (input_size, hidden_size))
        self.parameter("W1", first * rng.standard_normal((input_size, hidden_size)))
        self.parameter("b1", np.zeros(hidden_size))
        self.parameter("W2", second * rng.standard_normal((hidden_size, output_size)))
        self.parameter("b2", np.zeros(output_size))

    def predict(self, x: Any) -> Tensor:
        """Scores of inputs (batch, input_size), of shape (batch, output_size)."""
        p = self.params
        with scope("Affine1"):
            a1 = np.dot(self.rows(x), p["W1"]) + p["b1"]
        with scope(f"{self.kind}1"):
            z1 = self.activation(a1)
        with scope("Affine2"):
            return np.dot(z1, p["W2"]) + p["b2"]

    def rows(self, x: Any) -> Tensor:
        """x as a Tensor of the network's dtype. Raises `ShapeError` for images, which would have to be rows."""
        rows = self.inputs(x)
        if rows.ndim > 2 and rows.shape[-1] != (size := len(self.params["W1"])):
            raise ShapeError(
                f"this {type(self).__name__} takes rows of shape ('N', {size}), not {rows.shape}; "
                "load_mnist(flatten=True), its default, and x.reshape(len(x), -1) give rows"
            )
        return rows

"""The single layer of chapter 4, whose gradient is found by differences: scores x W, and softmax with loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_dl import Tensor, scope

from .network import Network


class SimpleNet(Network):
    """One matrix W of 2 x 3 weights, standard normal at first (book, section 4.4.2)."""

    def __init__(self, *, dtype: Any = "float32", seed: int | None = None) -> None:
        super().__init__(dtype, seed)
        self.parameter("W", np.random.default_rng(seed).standard_normal((2, 3)))

    @property
    def W(self) -> Tensor:  # noqa: N802 -- the book's name
        """The weights, also `params["W"]`; an array that is assigned gives them its values."""
        return self.params["W"]

    @W.setter
    def W(self, values: Any) -> None:  # noqa: N802 -- ditto
        if isinstance(values, Tensor):
            self.params["W"] = values
        else:
            self.params["W"].data = values

    def predict(self, x: Any) -> Tensor:
        """Scores of one input, (2,) to (3,), or of a batch, (N, 2) to (N, 3)."""
        with scope("Affine1"):
            return np.dot(self.inputs(x), self.W)

"""Networks that answer together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import no_grad
from ..errors import ShapeError
from ..evaluation import accuracy
from ..functional import softmax
from ..parallel import workers
from ..tensor import bare
from .protocols import Network


class Ensemble:
    """Networks that answer together: the mean of their probabilities (book, section 8.1.2).

    Raises `ValueError` if there is none.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = tuple(networks)
        if not self.networks:
            raise ValueError("an ensemble needs one network or more")

    def predict(self, x: Any) -> NDArray[Any]:
        """Probabilities (not scores, which are no common measure) of inputs, of shape (batch, classes).

        Raises `ShapeError` if the networks do not have the same classes.
        """
        with no_grad():
            answers = [np.asarray(bare(softmax(network.predict(x)))) for network in self.networks]
        shapes = {a.shape for a in answers}
        if len(shapes) > 1:
            raise ShapeError(f"networks that answer together have the same classes; these answer {sorted(shapes)}")
        return np.mean(answers, axis=0)

    def accuracy(self, x: Any, t: Any, batch_size: int = 100) -> float:
        """The share of inputs whose highest probability is that of t, labels or rows. Computed batch by batch.

        Raises what `Network.accuracy` of `models` raises.
        """
        with workers():
            return accuracy(self.predict, x, t, batch_size)

"""What a training needs of a network and of an optimizer, whoever wrote them."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, misfits
from ..optim.parameters import NUMBERS, as_number
from ..tensor import bare

NamedArrays = dict[str, NDArray[Any]]


class Network(Protocol):
    """What the Trainer needs of a network.

    Some methods are used where a network has them: `state_dict() -> name: array` and `load_state_dict(arrays)` put more
    than the parameters into checkpoints, running statistics, say, and the generators of dropout (`data.generators`);
    `loss_and_gradient(x, t)`, of training, is what `one_pass` asks for.
    """

    @property
    def params(self) -> MutableMapping[str, Any]:
        """The parameters, by name."""

    def predict(self, x: Any) -> Any:
        """Scores, (batch, classes)."""

    def loss(self, x: Any, t: Any) -> Any:
        """One number."""

    def gradient(self, x: Any, t: Any) -> Mapping[str, Any]:
        """The gradient of the loss in training, by the parameters' names."""

    def accuracy(self, x: Any, t: Any) -> float:
        """From 0 to 1."""


class Optimizer(Protocol):
    """What the Trainer needs of an optimizer."""

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any]) -> None:
        """Move the parameters in place."""

    def state_dict(self) -> NamedArrays:
        """All that the next update depends on."""

    def load_state_dict(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take the state of `state_dict` back."""


def state_of(network: Network) -> NamedArrays:
    """The state of a network: its own account of it, or else its parameters."""
    if (own := getattr(network, "state_dict", None)) is not None:
        return dict(own())
    return {name: np.asarray(bare(p)) for name, p in network.params.items()}


def load_network(network: Network, arrays: NamedArrays) -> None:
    """Take the state of `state_of` back. Raises `DataError`, and changes nothing, if it is another network's."""
    if (own := getattr(network, "load_state_dict", None)) is not None:
        own(arrays)
        return
    here = {name: np.shape(p) for name, p in network.params.items()}
    there = {name: a.shape for name, a in arrays.items()}
    if faults := misfits(here, there, "has shape"):
        raise DataError(f"it does not fit this {type(network).__name__}: {'; '.join(faults)}")
    for name, p in network.params.items():
        if isinstance(p, NUMBERS):
            network.params[name] = as_number(p, arrays[name])
        else:
            p[...] = arrays[name]

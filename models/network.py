"""What all networks share: from the scores that `predict` returns to loss, accuracy, gradients and files."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_dl import Tensor, gradients, no_grad
from autograd_dl.errors import DataError, ShapeError
from autograd_dl.functional import softmax_loss
from autograd_dl.numerical import exchanged, numerical_gradient
from autograd_dl.serialization import load_arrays, save_arrays

PICKLE = ".pkl"
"""How the names of the book's weight files end."""


class Network(ABC):
    """A network is its parameters, `params` (name -> Tensor), and `predict`, which makes scores of inputs."""

    params: dict[str, Tensor]

    def __init__(self, dtype: Any = "float32") -> None:
        self.params = {}
        self.dtype = np.dtype(dtype)

    def parameter(self, name: str, values: NDArray[Any]) -> Tensor:
        """Add a parameter with these initial values."""
        self.params[name] = Tensor(values, requires_grad=True, dtype=self.dtype, name=name)
        return self.params[name]

    @abstractmethod
    def predict(self, x: Any) -> Tensor:
        """Scores (not yet probabilities), of shape (batch, classes)."""

    def loss(self, x: Any, t: Any) -> Tensor:
        """The mean cross-entropy, a 0-d Tensor, of inputs x against t: labels, one-hot rows or rows of weights."""
        return softmax_loss(self.predict(x), t)

    def accuracy(self, x: Any, t: Any, batch_size: int = 10_000) -> float:
        """The share of inputs whose highest score is that of t, labels or rows. Computed batch by batch.

        Raises
        ------
        ShapeError
            If t has not one label or row for each input, or there is no input.
        """
        t = np.asarray(t)
        if len(x) != len(t) or not len(x):
            raise ShapeError(f"accuracy needs one label or row for each input: there are {len(x)} and {len(t)}")
        starts = range(0, len(x), batch_size)
        with no_grad():
            hits = [_hits(self.predict(x[i : i + batch_size]), t[i : i + batch_size]) for i in starts]
        return float(np.mean(np.concatenate(hits)))

    def gradient(self, x: Any, t: Any) -> dict[str, NDArray[Any]]:
        """The gradient of the loss with respect to each parameter, by one walk back through the graph."""
        found = gradients(self.loss(x, t), list(self.params.values()), retain_graph=False)
        return {name: g.numpy() for name, g in zip(self.params, found, strict=True)}

    def numerical_gradient(self, x: Any, t: Any) -> dict[str, NDArray[np.float64]]:
        """The same by central differences, two losses an element: slow, and in float64 whatever the dtype."""
        own = self.dtype
        self.dtype = np.dtype(np.float64)
        try:
            with ExitStack() as stack:
                for parameter in self.params.values():
                    stack.enter_context(exchanged(parameter))
                return {k: numerical_gradient(lambda _: self.loss(x, t), p) for k, p in self.params.items()}
        finally:
            self.dtype = own

    def inputs(self, x: Any) -> Tensor:
        """x as a Tensor of the network's dtype."""
        if isinstance(x, Tensor):
            return x if x.dtype == self.dtype else x.astype(self.dtype)
        return Tensor(x, dtype=self.dtype, name="x")

    def save_params(self, file_name: str | PathLike[str]) -> None:
        """Write the parameters to a .safetensors file, whole or not at all, with a checksum of their content.

        For the book's "params.pkl" the file beside it, "params.safetensors", is written, with a warning: a pickle can
        run any program when it is loaded. Raises `DataError`, before anything is written, for another ending.
        """
        path = Path(file_name)
        if path.suffix == PICKLE:
            path = path.with_suffix(".safetensors")
            warnings.warn(
                f"a pickle can run any program when it is loaded: the parameters are written to {path.name!r} instead "
                f"of {Path(file_name).name!r}; load_params finds them under either name",
                stacklevel=2,
            )
        save_arrays(path, {name: p.data for name, p in self.params.items()})

    def load_params(self, file_name: str | PathLike[str]) -> None:
        """Take the parameters from a .safetensors or .npz file, converted to the network's dtype.

        For "params.pkl", which is never read, "params.safetensors" beside it is taken where it exists.

        Raises
        ------
        DataError
            If the file is damaged or does not fit; the message names every missing, unexpected and misshapen entry.
            The network has not changed then.
        """
        path = Path(file_name)
        instead = path.with_suffix(".safetensors")
        arrays = load_arrays(instead if path.suffix == PICKLE and instead.exists() else path)
        faults = [f"{name} is missing" for name in self.params.keys() - arrays.keys()]
        faults += [f"{name} is unexpected" for name in arrays.keys() - self.params.keys()]
        faults += [
            f"{name} has shape {arrays[name].shape} instead of {p.shape}"
            for name, p in self.params.items()
            if name in arrays and arrays[name].shape != p.shape
        ]
        faults += [f"{name} holds {a.dtype}, not numbers" for name, a in arrays.items() if a.dtype.kind not in "fiu"]
        if faults:
            raise DataError(f"{file_name} does not fit this {type(self).__name__}: {'; '.join(sorted(faults))}")
        for name, p in self.params.items():
            p.data = arrays[name]


def _hits(scores: Tensor, t: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether the highest score is that of t, for each input."""
    if t.shape not in (scores.shape[:1], scores.shape):
        raise ShapeError(f"t must be labels, {scores.shape[:1]}, or rows, {scores.shape}, not {t.shape}")
    return np.equal(scores.argmax(axis=1), t if t.ndim == 1 else t.argmax(axis=1))

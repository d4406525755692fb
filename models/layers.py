"""The layers that networks are written in: each has its scope in the graph and its parameters in the network."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_dl import Tensor, scope
from autograd_dl.errors import ShapeError
from autograd_dl.functional import affine, batch_norm, conv2d, dropout, max_pool2d, relu, sigmoid, tanh
from autograd_dl.values import is_size, wide_dtype

if TYPE_CHECKING:
    from .network import LayeredNetwork

ACTIVATIONS = {"relu": relu, "sigmoid": sigmoid, "tanh": tanh}
"""The activations that a network is given by name."""


def activation_named(name: str) -> Callable[[Any], Any]:
    """That activation. Raises ValueError for another name."""
    if name not in ACTIVATIONS:
        raise ValueError(f"the activation is one of {', '.join(map(repr, ACTIVATIONS))}, not {name!r}")
    return ACTIVATIONS[name]


def initial_std(std: float | str, inputs: int) -> float:
    """The standard deviation of the initial weights of a unit with so many inputs (book, section 6.2).

    "relu" or "he" is sqrt(2 / inputs), "sigmoid", "tanh" or "xavier" sqrt(1 / inputs), in any case; a number is itself.
    Raises ValueError for another name, for a number that is no standard deviation, and if there is no input.

    >>> initial_std("He", 50), initial_std("xavier", 100), initial_std(0.01, 100)
    (0.2, 0.1, 0.01)
    """
    if inputs < 1:
        raise ValueError(f"a unit has 1 input or more, not {inputs}")
    if isinstance(std, (int, float, np.number)) and not isinstance(std, bool) and 0 <= std < math.inf:
        return float(std)
    if not isinstance(std, str) or std.lower() not in ("relu", "he", "sigmoid", "tanh", "xavier"):
        raise ValueError(
            f"weight_init_std is 'relu', 'he', 'sigmoid', 'tanh', 'xavier' or a number of 0 or more, not {std!r}"
        )
    return math.sqrt((2 if std.lower() in ("relu", "he") else 1) / inputs)


def sizes_of(name: str, sizes: Any) -> list[int]:
    """The argument of that name as a list. Raises TypeError for a single number, or a text."""
    if isinstance(sizes, str) or not isinstance(sizes, Iterable):
        raise TypeError(f"{name} is a list of sizes, as [{sizes}], not {sizes!r}")
    return list(sizes)


def conv_param_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The argument of that name, of a convolution. Raises ValueError if it is no dict, or a key unknown or missing."""
    if not isinstance(given, Mapping):
        raise ValueError(f"{name} is a dict with filter_num and filter_size, not {given!r}")
    if not {"filter_num", "filter_size"} <= given.keys() <= {"filter_num", "filter_size", "pad", "stride"}:
        keys = ", ".join(given) or "nothing"
        raise ValueError(f"{name} has filter_num and filter_size, and perhaps pad and stride; this one has {keys}")
    return dict(given)


class Layers:
    """The layers of one pass through a network, numbered as they come: Conv1, Relu1, Conv2, ...

    The weights of convolutional and affine layers are W1, b1, W2, b2, ... in the network's `params`; those of batch
    normalization are gamma1, beta1, ..., and its running statistics running_mean1, running_var1, ... in `running`.

    Parameters
    ----------
    network : LayeredNetwork
    train : bool
        Whether dropout and batch normalization do as in training.
    initial : np.random.Generator, optional
        Given, this is the first pass, which makes the parameters: weights are drawn from it, biases are 0.
    """

    def __init__(
        self, network: LayeredNetwork, train: bool = False, initial: np.random.Generator | None = None
    ) -> None:
        self.network, self.train, self.initial = network, train, initial
        self._counts: Counter[str] = Counter()

    def apply(self, kind: str, function: Callable[..., Any], *arguments: Any) -> Tensor:
        """A layer without parameters: any function, in a scope of its own."""
        with scope(f"{kind}{self._number(kind)}"):
            return function(*arguments)

    def relu(self, x: Tensor) -> Tensor:
        """max(x, 0)."""
        return self.apply("Relu", relu, x)

    def pool(self, x: Tensor, size: int = 2, stride: int | None = None, pad: int = 0) -> Tensor:
        """The largest number of each window, of `size` pixels a side; at the end, what fills no window is left out."""
        return self.apply("Pool", max_pool2d, x, size, stride, pad)

    def affine(self, x: Tensor, outputs: int) -> Tensor:
        """x W + b, of all numbers of each input: (N, outputs)."""
        with scope(f"Affine{self._number('Affine')}"):
            inputs = math.prod(x.shape[1:])
            return affine(x, *self._weights((inputs, outputs), inputs, outputs))

    def conv(
        self, x: Tensor, filter_num: int, filter_size: int, stride: int = 1, pad: int = 0, bias: bool = True
    ) -> Tensor:
        """`filter_num` square filters, `filter_size` pixels a side, over images: (N, filter_num, OH, OW).

        Raises `ShapeError`, when the network is built, if their places do not fill the images exactly.
        """
        name = f"Conv{self._number('Conv')}"
        if self.initial is not None:
            _check_fit(name, x.shape[2:], filter_size, stride, pad)
        with scope(name):
            shape = (filter_num, x.shape[1], filter_size, filter_size)
            return conv2d(x, *self._weights(shape, math.prod(shape[1:]), filter_num, bias), stride=stride, pad=pad)

    def batch_norm(self, x: Tensor) -> Tensor:
        """Each feature or channel normalized over the batch; beyond training, by the running statistics."""
        n = self._number("BatchNorm")
        gamma, beta, mean, var = (f"{name}{n}" for name in ("gamma", "beta", "running_mean", "running_var"))
        net, features = self.network, x.shape[1]
        if self.initial is not None:
            net.parameter(gamma, np.ones(features))
            net.parameter(beta, np.zeros(features))
            dtype = wide_dtype(net.dtype)  # a variance may be too large for float16
            net.running |= {mean: np.zeros(features, dtype), var: np.ones(features, dtype)}
        with scope(f"BatchNorm{n}"):
            return batch_norm(x, net.params[gamma], net.params[beta], net.running[mean], net.running[var], self.train)

    def dropout(self, x: Tensor, ratio: float = 0.5) -> Tensor:
        """In training, each number set to 0 with this probability, and the others scaled up."""
        if self.initial is not None:
            self.network.add_dropout()
        return self.apply("Dropout", dropout, x, ratio, self.train, self.network.dropout_rng)

    def _number(self, kind: str) -> int:
        self._counts[kind] += 1
        return self._counts[kind]

    def _weights(self, shape: tuple[int, ...], inputs: int, outputs: int, bias: bool = True) -> tuple[Any, Any]:
        """The next weights and biases, where there are any. `inputs` is how many numbers a unit sees."""
        n, net = self._number("W"), self.network
        if self.initial is not None:
            if not all(map(is_size, shape)):
                raise ShapeError(
                    f"W{n} would have the shape {shape}: the layer has no input or no output, or no whole ones"
                )
            net.parameter(f"W{n}", initial_std(net.weight_init_std, inputs) * self.initial.standard_normal(shape))
            if bias:
                net.parameter(f"b{n}", np.zeros(outputs))
        return net.params[f"W{n}"], net.params[f"b{n}"] if bias else None


def _check_fit(name: str, sizes: tuple[int, ...], filter_size: int, stride: int, pad: int) -> None:
    """Refuse a convolution whose places would be no whole number, or none."""
    if not is_size(filter_size) or not is_size(stride) or not (pad == 0 or is_size(pad)):
        given = f"filter size {filter_size}, stride {stride}, pad {pad}"
        raise ShapeError(f"{name} has {given}; they are whole numbers of at least 1, 1 and 0")
    for axis, size in zip(("height", "width"), sizes, strict=True):
        room = size + 2 * pad - filter_size
        if room < 0 or room % stride:
            raise ShapeError(
                f"{name} does not fit its images along their {axis}: "
                f"(size {size} + 2 * pad {pad} - filter size {filter_size}) / stride {stride} + 1 = "
                f"{room / stride + 1:g} places, which must be a whole number and at least 1"
            )

"""What all networks share: from the scores that `predict` returns to loss, accuracy, gradients and files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from autograd_dl import Tensor, gradients, no_grad
from autograd_dl.data.generators import pack_generator, unpack_generator
from autograd_dl.engine import Leaf
from autograd_dl.errors import AutogradError, DataError, DTypeError, GraphError, ShapeError, misfits
from autograd_dl.evaluation import accuracy, predictions
from autograd_dl.functional import softmax_loss
from autograd_dl.numerical import exchanged, numerical_gradient
from autograd_dl.parallel import workers
from autograd_dl.serialization import NO_METADATA, load_whole, save_arrays
from autograd_dl.values import check_dict, is_size

from .layers import ACTIVATIONS, Layers, initial_std

WEIGHTS = "params.safetensors"
"""The file of weights, where no other is named."""
GENERATOR = "dropout_generator"
"""The name of the state of dropout's generator among a network's arrays."""


class Network(ABC):
    """A network is its parameters, `params` (name -> Tensor), and `predict`, which makes scores of inputs.

    What changes in training beside the parameters is kept apart: `running` has the running statistics of batch
    normalization (name -> array), and `dropout_rng` is the generator of dropout, or None where there is no dropout.
    A class of your own may do without `super().__init__()`, as the book's do: its network is of float32 then. (But for
    an `ImageNetwork`, which is told its `input_dim` there.)
    """

    params: dict[str, Tensor]

    def __new__(cls, *_args: Any, **_settings: Any) -> Self:
        """A network without parameters, of float32: all that a class needs that does not call our `__init__`."""
        network = super().__new__(cls)
        Network.__init__(network)
        return network

    def __init__(self, dtype: Any = "float32", seed: int | None = None) -> None:
        self.params = {}
        self._made: dict[str, Tensor] = {}
        self.running: dict[str, NDArray[Any]] = {}
        self.dropout_rng: np.random.Generator | None = None
        self.dtype = np.dtype(dtype)
        self._seeds = np.random.SeedSequence(seed)
        self._masks_drawn_from: Any = None

    def parameter(self, name: str, values: NDArray[Any]) -> Tensor:
        """Add a parameter with these initial values, in the network's dtype: `DTypeError` if that is not floating."""
        made = self.params[name] = self._made[name] = Tensor(values, requires_grad=True, dtype=self.dtype, name=name)
        return made

    def add_dropout(self) -> None:
        """Give the network a generator of its own for dropout, which shares no number with the initial values."""
        if self.dropout_rng is None:
            self.dropout_rng = np.random.default_rng(self._seeds.spawn(1)[0])

    @abstractmethod
    def predict(self, x: Any) -> Tensor:
        """Scores (not yet probabilities), of shape (batch, classes)."""

    def loss(self, x: Any, t: Any) -> Tensor:
        """The mean cross-entropy, a 0-d Tensor, of inputs x against t: labels, one-hot rows or rows of weights.

        Raises what `functional.softmax_loss` raises, and `ShapeError` if x is of another size than the inputs here.
        """
        return softmax_loss(self.predict(x), t)

    def training_loss(self, x: Any, t: Any) -> Tensor:
        """The loss that `gradient` and `numerical_gradient` differentiate."""
        return self.loss(x, t)

    def accuracy(self, x: Any, t: Any, batch_size: int = 10_000) -> float:
        """The share of inputs whose highest score is that of t, labels or rows. Computed batch by batch.

        Raises
        ------
        ShapeError
            If t has not one label or row for each input, or there is no input.
        DTypeError
            If labels are not integers.
        DataError
            If a label is not one of 0 to classes - 1.
        ValueError
            If batch_size is less than 1.
        """
        with no_grad():
            return accuracy(self.predict, x, t, batch_size)

    def predict_all(self, x: Any, batch_size: int = 100) -> NDArray[Any]:
        """The scores of many inputs as an array, computed batch by batch, and not recorded.

        Raises `ShapeError` if there is no input, and ValueError if batch_size is less than 1.
        """
        with no_grad():
            return predictions(self.predict, x, batch_size)

    def gradient(self, x: Any, t: Any) -> dict[str, NDArray[Any]]:
        """The gradient of the loss with respect to each parameter that requires grad, by one walk back."""
        return self.loss_and_gradient(x, t)[1]

    def loss_and_gradient(self, x: Any, t: Any) -> tuple[Tensor, dict[str, NDArray[Any]]]:
        """The loss of training and its gradient, by one pass forward and one walk back.

        The loss is that of the parameters as they are now, before any step along the gradient.
        """
        if self.dropout_rng is not None:
            self._masks_drawn_from = self.dropout_rng.bit_generator.state
        learned = self._learned()
        loss = self.training_loss(x, t)
        if type(loss) is not Tensor:
            kind = "None (is its return missing?)" if loss is None else f"of type {type(loss).__name__}"
            raise DTypeError(
                f"the loss of this {type(self).__name__} is {kind}; it must be a Tensor, no float(loss), no array"
            )
        found = gradients(loss, list(learned.values()), retain_graph=False)
        return loss.detach(), {name: g.numpy() for name, g in zip(learned, found, strict=True)}

    def numerical_gradient(self, x: Any, t: Any) -> dict[str, NDArray[np.float64]]:
        """The gradient by central differences, two losses an element: slow, and in float64 whatever the dtype.

        All losses have the same masks of dropout: those of the last `gradient`, which the next one draws again. So the
        two can be compared in either order. The running statistics do not change.
        """
        learned = self._learned()
        with self._differentiated(), ExitStack() as stack:
            for parameter in self.params.values():
                stack.enter_context(exchanged(parameter))
            return {k: numerical_gradient(lambda _: self._replayed_loss(x, t), p) for k, p in learned.items()}

    def _learned(self) -> dict[str, Tensor]:
        """The parameters but for the frozen ones, those with `requires_grad = False`.

        A constant that came from a computation, or took the place of a parameter that was made here, is refused: it
        would not learn, and perhaps nobody meant that.
        """
        check_dict("params", self.params)
        learned = {}
        for name, p in self.params.items():
            if type(p) is not Tensor or type(p.node) is not Leaf:
                raise _no_parameter(name, p)
            if p.node.requires_grad:
                learned[name] = p
            elif self._made.get(name, p) is not p:
                raise _no_parameter(name, p)
        if not learned:
            why = "all are frozen, or were made without requires_grad=True" if self.params else "params is empty"
            raise GraphError(
                f"no parameter of this {type(self).__name__} requires grad: {why}; "
                "self.parameter('W', a) makes a parameter of an array, self.params['W']"
            )
        return learned

    def _replayed_loss(self, x: Any, t: Any) -> Tensor:
        self._rewind()
        return self.training_loss(x, t)

    @contextmanager
    def _differentiated(self) -> Iterator[None]:
        """Work in float64; afterwards, put the dtype and the running statistics back, and the generator."""
        own, running = self.dtype, {name: a.copy() for name, a in self.running.items()}
        if self.dropout_rng is not None and self._masks_drawn_from is None:
            self._masks_drawn_from = self.dropout_rng.bit_generator.state
        self.dtype = np.dtype(np.float64)
        try:
            yield
        finally:
            self.dtype = own
            for name, a in running.items():
                self.running[name][...] = a
            self._rewind()

    def _rewind(self) -> None:
        """Have dropout draw the last masks again."""
        if self.dropout_rng is not None:
            self.dropout_rng.bit_generator.state = self._masks_drawn_from

    def inputs(self, x: Any) -> Tensor:
        """x as a Tensor of the network's dtype."""
        if isinstance(x, Tensor):
            return x if x.dtype == self.dtype else x.astype(self.dtype)
        return Tensor(x, dtype=self.dtype, name="x")

    def __repr__(self) -> str:
        """A line for each parameter, with its shape and the count of its numbers."""
        rows = [(name, str(p.shape), f"{p.size:,}") for name, p in self.params.items()]
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
        total = sum(p.size for p in self.params.values())
        lines = [f"  {n:<{widths[0]}}  {shape:<{widths[1]}}  {size:>{widths[2]}}" for n, shape, size in rows]
        return "\n".join([f"{type(self).__name__}: {total:,} parameters, {self.dtype}", *lines])

    # -- what is kept

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copies of all that training changes: parameters, running statistics, the state of dropout's generator."""
        arrays = {name: a.copy() for name, a in self._saved().items()}
        return arrays if self.dropout_rng is None else arrays | {GENERATOR: pack_generator(self.dropout_rng)}

    def load_state_dict(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take the state of `state_dict` back.

        Raises `DataError`, and changes nothing, if it is another network's, `DTypeError` if it is no dict.
        """
        check_dict("the state", arrays)
        plain = {name: a for name, a in arrays.items() if name != GENERATOR}
        faults = self._faults(plain, self._saved())
        if (GENERATOR in arrays) != (self.dropout_rng is not None):
            faults.append(f"{GENERATOR} is {'unexpected' if GENERATOR in arrays else 'missing'}")
        self._refuse("the state", faults)
        rng = unpack_generator(arrays[GENERATOR]) if GENERATOR in arrays else None
        self._take(plain)
        self.dropout_rng, self._masks_drawn_from = rng, None

    def save_params(self, file_name: str | PathLike[str] = WEIGHTS, metadata: Mapping[str, str] = NO_METADATA) -> None:
        """Write parameters and running statistics to a .safetensors file, whole or not at all, with a checksum.

        Folders of its path that are missing are made. With `metadata`, words beside them, which
        `serialization.load_metadata` reads; "activation" among them is the network's, if that is one with a name.

        Raises `DataError`, before anything is written, for another ending (the book's "params.pkl" would be a pickle,
        which can run any program when it is loaded), or if `metadata` is no dict.
        """
        own = self._activation_name()
        told = {**metadata, "activation": own} if own and isinstance(metadata, Mapping) else metadata
        save_arrays(file_name, self._saved(), told)

    def load_params(self, file_name: str | PathLike[str] = WEIGHTS) -> None:
        """Take parameters and running statistics from a .safetensors or .npz file, converted to the network's dtype.

        A file of parameters alone leaves the running statistics as they are.

        Raises
        ------
        DataError
            If the file is damaged or does not fit; the message names every missing, unexpected and misshapen entry,
            and the activation if the file names another one. The network has not changed then.
        """
        arrays, metadata = load_whole(file_name)
        params_alone = arrays.keys().isdisjoint(self.running)
        faults = self._faults(arrays, self._params() if params_alone else self._saved())
        own = self._activation_name()
        there = metadata.get("activation", own)
        if own and there != own:
            faults.append(f"its activation is {there!r}, not {own!r}")
        self._refuse(str(file_name), faults)
        self._take(arrays)

    def _activation_name(self) -> str | None:
        """The name of the network's activation, if it has one of those that are given by name."""
        own = getattr(self, "activation", None)
        return next((name for name, function in ACTIVATIONS.items() if function is own), None)

    def _params(self) -> dict[str, NDArray[Any]]:
        for name, p in self.params.items():
            if type(p) is not Tensor or not p.is_leaf:
                raise _no_parameter(name, p)
        return {name: p.numpy() for name, p in self.params.items()}

    def _saved(self) -> dict[str, NDArray[Any]]:
        """What a file of weights has."""
        return self._params() | self.running

    def _faults(self, arrays: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]]) -> list[str]:
        """How these arrays differ from those expected."""
        wanted, found = ({name: a.shape for name, a in each.items()} for each in (expected, arrays))
        odd = [f"{name} holds {a.dtype}, not numbers" for name, a in arrays.items() if a.dtype.kind not in "fiu"]
        return misfits(wanted, found, "has shape") + odd

    def _refuse(self, what: str, faults: list[str]) -> None:
        if faults:
            raise DataError(f"{what} does not fit this {type(self).__name__}: {'; '.join(sorted(faults))}")

    def _take(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        for name, a in arrays.items():
            if name in self.params:
                self.params[name].data = a
            else:
                self.running[name][...] = a


def _no_parameter(name: str, value: Any) -> AutogradError:
    """The error of what was put among the parameters and is no leaf."""
    there, new = f"params[{name!r}]", f"network.parameter({name!r}, a) makes a new parameter of an array"
    if not isinstance(value, Tensor):
        return DTypeError(f"{there} is of type {type(value).__name__}, and no parameter: {new}")
    if value.requires_grad:
        return GraphError(
            f"{there} is the result of a computation, and no parameter, which is changed in place: write "
            f"{there} -= lr * grad[{name!r}]; {new}"
        )
    if type(value.node) is Leaf:
        return GraphError(
            f"{there} was replaced by a Tensor that does not require grad, and would not learn: {new}, and "
            f"{there}.requires_grad = False freezes that"
        )
    return GraphError(
        f"{there} is a constant, which does not learn: nothing that it was made of requires grad, or it was detached; "
        f"{new}, and {there}.requires_grad = False freezes one"
    )


class LayeredNetwork(Network):
    """A network that is written as one function, `scores`, of layers that have their parameters in the network.

    `scores` runs once when the network is built, with an input of zeros, and its layers make their parameters then; see
    `Layers`. `train_flg` says whether dropout and batch normalization do as in training. `weight_init_std` is the
    standard deviation of initial weights, a number or the book's name of one: see `initial_std`.
    """

    weight_init_std: float | str = "he"

    def __init__(self, dtype: Any = "float32", seed: int | None = None, weight_init_std: float | str = "he") -> None:
        super().__init__(dtype, seed)
        self.weight_init_std = weight_init_std

    @abstractmethod
    def scores(self, x: Tensor, layers: Layers) -> Tensor:
        """Scores of inputs, by these layers."""

    def build(self, *shape: int) -> None:
        """Make the parameters, for single inputs of this shape. Raises `ShapeError` if it is none, or a layer's is."""
        if not all(map(is_size, shape)):
            raise ShapeError(f"an input has sizes of whole numbers of 1 or more, not {shape}")
        initial_std(self.weight_init_std, 1)  # an unknown name is told before all else
        with no_grad():
            self.scores(self.inputs(np.zeros((1, *shape))), Layers(self, initial=np.random.default_rng(self._seeds)))

    def predict(self, x: Any, train_flg: bool = False) -> Tensor:
        """Scores (not yet probabilities), of shape (batch, classes)."""
        return self.scores(self.inputs(x), Layers(self, train_flg))

    def loss(self, x: Any, t: Any, train_flg: bool = False) -> Tensor:
        """The mean cross-entropy, a 0-d Tensor, of inputs x against t: labels, one-hot rows or rows of weights.

        Raises what `Network.loss` raises.
        """
        return softmax_loss(self.predict(x, train_flg), t)

    def training_loss(self, x: Any, t: Any) -> Tensor:
        """The loss with `train_flg=True`: what `gradient` and `numerical_gradient` differentiate."""
        return self.loss(x, t, train_flg=True)


class ImageNetwork(LayeredNetwork):
    """A layered network for images of one size, `input_dim`: (channels, height, width).

    Raises `ShapeError` if that has other than three whole numbers of 1 or more.
    """

    def __init__(
        self,
        input_dim: tuple[int, int, int],
        dtype: Any = "float32",
        seed: int | None = None,
        weight_init_std: float | str = "he",
    ) -> None:
        super().__init__(dtype, seed, weight_init_std)
        self.input_dim = tuple(input_dim) if isinstance(input_dim, Iterable) else (input_dim,)
        if len(self.input_dim) != 3 or not all(map(is_size, self.input_dim)):
            raise ShapeError(f"input_dim is (channels, height, width), not {input_dim}")

    def inputs(self, x: Any) -> Tensor:
        """x as a Tensor of the network's dtype. Raises `ShapeError` if it is no batch of its images."""
        images = super().inputs(x)
        if images.shape[1:] != self.input_dim:
            raise ShapeError(
                f"this {type(self).__name__} takes images of shape {('N', *self.input_dim)}, not {images.shape}; "
                "load_mnist(flatten=False) and x.reshape(-1, channels, height, width) give images"
            )
        return images

    def accuracy(self, x: Any, t: Any, batch_size: int = 100) -> float:
        """The share of images whose highest score is that of t, labels or rows; the last partial batch counts, too.

        Raises `ShapeError` if t has not one label or row for each image, or there is no image.
        """
        with workers():
            return super().accuracy(x, t, batch_size)

    def loss_and_gradient(self, x: Any, t: Any) -> tuple[Tensor, dict[str, NDArray[Any]]]:
        """The loss of training and its gradient, by one pass forward and one walk back; see `Network`."""
        with workers():
            return super().loss_and_gradient(x, t)

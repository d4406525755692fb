"""The Trainer: steps, measurements and checkpoints."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np

from ..data.batches import Augmentation, MiniBatches
from ..data.generators import Seed, pack_json
from ..engine import no_grad
from ..errors import DataError, DTypeError, ShapeError
from ..evaluation import is_batch
from ..serialization import load_arrays, save_arrays
from .optimizers import OPTIMIZER_PARAM, made
from .progress import outcome, shown
from .protocols import NamedArrays, Network, Optimizer, load_network, state_of
from .resuming import FORMAT, checkpoint_path, facts_beside, history_in, progress_in, refuse_other_dtypes

Callback = Callable[["Trainer"], object]


class Trainer:
    """Trains a network on mini-batches, and measures its accuracy after every epoch (book, section 5.7 and chapter 6).

    `train()` does all of it. `train_loss_list` has a number for each step; `train_acc_list` and `test_acc_list` have
    one for each measurement, and `measured` the number of steps before it; `history` has all of them as `plot_history`
    draws them. An epoch is as many steps as it takes to draw as many samples as there are. Nothing depends on NumPy's
    global generator: for the same run again, give a seed here and to the network.

    Parameters
    ----------
    network : Network
        Anything with `params`, `loss`, `gradient` and `accuracy`.
    x_train, t_train, x_test, t_test : arrays with one row for each sample
    epochs, mini_batch_size : int
        The last batch of an epoch may be smaller if `shuffle`; otherwise, a batch may also be larger than the data.
    optimizer : str or Optimizer
        The name of one in `optim`, in any case, made with `optimizer_param` (whose `lr` may be a schedule); or one that
        is made already. The default, lr=0.01, is the book's for its own optimizers, Adam too; AdaDelta and AdamW, which
        it has not, are made with the defaults that they have in `optim`.
    evaluate_sample_num_per_epoch : int, optional
        Measure accuracies on so many samples, the first ones, instead of on all.
    verbose : bool
        Whether to tell the progress: by a bar on a terminal (if tqdm is installed), by a line for each measurement
        elsewhere.
    iterations : int, optional
        How many steps to take, in place of `epochs`.
    measure_every : int, optional
        Measure after every so many steps, and also before the first and after the last. If it is None, the accuracies
        are measured after every epoch alone.
    one_pass : bool
        Whether the loss that is noted of each batch is the one before the step, which comes with the gradient. Or else
        it is the one after the step, as in the book, which takes another pass forward.
    callbacks, step_callbacks : function of the trainer, or a sequence of them
        Called after every measurement, and after every step. They may call `stop()`.
    early_stopping : int, optional
        Stop when the test accuracy has not risen for so many measurements, and in any case go back to the parameters
        that had the highest. (Give validation data as x_test, t_test then.) Steps that follow, and checkpoints, go on
        from the last ones.
    shuffle : bool
        Whether each epoch has every sample once; or else batches are drawn with replacement, as in the book.
    augment : function of (images, rng), or a sequence of them
        Changes the images of each batch, as those of `data.augmentation` do.
    change_gradient : function of a dict of gradients, optional
        Returns what the optimizer gets in their place: `functools.partial(optim.clip_by_norm, max_norm=1)`, say.
    seed : optional
        What `np.random.default_rng` takes; for the batches.
    checkpoint : path ending in .safetensors, optional
        Where to save all that it takes to go on: before the first step, after every `checkpoint_every` steps (if it is
        None, after every epoch), and after the last.
    resume : bool
        Go on from the checkpoint: all that follows is, bit for bit, as if there had been no interruption, if all other
        arguments are the same. `epochs` or `iterations` may be more; a training that was stopped, by `stop()` or early,
        takes no further step.
    settings : mapping, optional
        What else must be the same where a training goes on: facts that JSON knows, such as {"data": "MNIST"}, under
        names that the Trainer does not use itself. They are kept in the checkpoint.

    Raises
    ------
    ShapeError
        If there is no sample, or not one label or row for each; when training, if `augment` returns another number of
        images.
    ValueError
        If there is no optimizer of that name, a number is too small, a network cannot do what `one_pass` asks for, or
        `settings` are no facts that JSON knows.
    TypeError
        If `optimizer` is neither a name nor an optimizer, the network is a class or lacks one of its parts, a callback
        or `change_gradient` is no function, or a number is not whole.
    DTypeError
        When training, if the network or `change_gradient` returns no gradients, its loss or accuracy is not one number,
        or `augment` returns no images.
    DataError
        If the checkpoint is damaged, or one of another training.
    OSError
        If it cannot be read or, when training, be written.
    """

    def __init__(
        self,
        network: Network,
        x_train: Any,
        t_train: Any,
        x_test: Any,
        t_test: Any,
        epochs: int = 20,
        mini_batch_size: int = 100,
        optimizer: str | Optimizer = "SGD",
        optimizer_param: Mapping[str, Any] = OPTIMIZER_PARAM,
        evaluate_sample_num_per_epoch: int | None = None,
        verbose: bool = True,
        *,
        iterations: int | None = None,
        measure_every: int | None = None,
        one_pass: bool = False,
        callbacks: Callback | Sequence[Callback] = (),
        step_callbacks: Callback | Sequence[Callback] = (),
        early_stopping: int | None = None,
        shuffle: bool = False,
        augment: Augmentation | Sequence[Augmentation] = (),
        change_gradient: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
        seed: Seed = None,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every: int | None = None,
        resume: bool = False,
        settings: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        changes = _several("augment", augment)
        self.batches = MiniBatches(x_train, t_train, mini_batch_size, replace=not shuffle, augment=changes, seed=seed)
        _check_test_data(x_test, t_test)
        _check_network(network, one_pass)
        if change_gradient is not None and not callable(change_gradient):
            raise TypeError(f"change_gradient takes a function of a dict of gradients, not {change_gradient!r}")
        self.network: Any = network  # users know more of theirs than the protocol: its save_params, say
        self.test = x_test, t_test
        self.optimizer: Any = made(optimizer, optimizer_param)  # or its rate
        self.change_gradient = change_gradient or _as_it_is
        self.one_pass = one_pass
        self.epochs = _count("epochs", epochs, least=0)
        self.evaluated = _optional_count("evaluate_sample_num_per_epoch", evaluate_sample_num_per_epoch)
        self.early_stopping = _optional_count("early_stopping", early_stopping)
        self.verbose = verbose
        self.callbacks = _several("callbacks", callbacks)
        self.step_callbacks = _several("step_callbacks", step_callbacks)
        self.iter_per_epoch = len(self.batches)
        whole = self.epochs * self.iter_per_epoch
        self.max_iter = whole if iterations is None else _count("iterations", iterations, least=0)
        self.measure_every = _optional_count("measure_every", measure_every)
        self.checkpoint = None if checkpoint is None else checkpoint_path(checkpoint)
        self.checkpoint_every = _optional_count("checkpoint_every", checkpoint_every) or self.iter_per_epoch
        if checkpoint_every is not None and checkpoint is None:
            raise ValueError("checkpoint_every says how often a checkpoint is saved: give its path as checkpoint=")
        self.current_iter = 0
        self.stopped = False
        self.settings = facts_beside(self._own_settings(), settings)
        self.measured: list[int] = []
        self.train_loss_list: list[float] = []
        self.train_acc_list: list[float] = []
        self.test_acc_list: list[float] = []
        self._best: NamedArrays = {}
        self._last: NamedArrays = {}
        """The network after the last step, while it has the best parameters instead."""
        if resume:
            if self.checkpoint is None:
                raise ValueError("resume=True goes on from a checkpoint: give its path as checkpoint=")
            try:
                self.load(self.checkpoint)
            except FileNotFoundError as error:
                error.add_note("resume=True goes on from a checkpoint; the first run, which makes it, is without")
                raise

    @property
    def current_epoch(self) -> int:
        """How many epochs have ended."""
        return self.current_iter // self.iter_per_epoch

    @property
    def diverged(self) -> bool:
        """Whether the last loss is NaN or infinite."""
        return bool(self.train_loss_list) and not np.isfinite(self.train_loss_list[-1])

    @property
    def history(self) -> dict[str, list[float]]:
        """The loss of each step; the accuracies, and after how many epochs they were measured."""
        return {
            "loss": self.train_loss_list,
            "epoch": [step / self.iter_per_epoch for step in self.measured],
            "train_accuracy": self.train_acc_list,
            "test_accuracy": self.test_acc_list,
        }

    def train(self) -> None:
        """Take all steps that are left: none if it was complete, or stopped, before."""
        before = self.current_iter
        if self.checkpoint is not None and not self.current_iter:
            self.save(self.checkpoint)  # what cannot be written is told now
        with shown(self) if self.verbose else nullcontext():
            if not self.current_iter:
                self._measure_either_end()
            while not self._finished():
                self.train_step()
            self._measure_either_end()
        if self._best and not self._last:
            self._last = _copied_state(self.network)
            load_network(self.network, self._best)
        if self.verbose:
            print(outcome(self, self.current_iter - before), flush=True)

    def train_step(self) -> None:
        """Take one step, with all that belongs to it: measure and save, where that is due."""
        if self._last:
            load_network(self.network, self._state())
            self._last = {}
        x, t = self.batches.draw()
        with np.errstate(all="ignore"):  # a training that diverges goes on, as in the book, and the outcome tells of it
            self.train_loss_list.append(self._descend(x, t))
        self.current_iter += 1
        if self.current_iter % (self.measure_every or self.iter_per_epoch) == 0:
            self._measure()
        for callback in self.step_callbacks:
            callback(self)
        due = self.current_iter % self.checkpoint_every == 0 or self._finished()
        if self.checkpoint is not None and due:
            self.save(self.checkpoint)

    def stop(self) -> None:
        """Take no further step."""
        self.stopped = True

    def save(self, file: str | PathLike[str]) -> None:
        """Write a checkpoint, whole or not at all: a .safetensors file with all that it takes to go on.

        Raises
        ------
        DataError
            If the name has another ending.
        OSError
            If it cannot be written.
        """
        progress = {
            "step": self.current_iter,
            "stopped": self.stopped,
            "settings": self.settings | self._own_settings(),
        }
        parts = {
            "network": self._state(),
            "optimizer": self.optimizer.state_dict(),
            "batches": self.batches.state_dict(),
            "best": self._best,
            "history": {name: np.array(values) for name, values in self._lists().items()},
            "training": {"progress": pack_json(progress)},
        }
        save_arrays(file, {f"{part}.{name}": a for part, arrays in parts.items() for name, a in arrays.items()})

    def load(self, file: str | PathLike[str]) -> None:
        """Go on from a checkpoint of the same training.

        Raises
        ------
        DataError
            If it is damaged, or one of another training; the message says how they differ. Nothing has changed then.
        OSError
            If it cannot be read.
        """
        arrays = load_arrays(file)
        try:
            self._load(arrays)
        except DataError as error:
            raise DataError(f"{file}: no training can go on from it here: {error}") from error

    def _load(self, arrays: NamedArrays) -> None:
        def part(name: str) -> NamedArrays:
            return {key.removeprefix(f"{name}."): a for key, a in arrays.items() if key.startswith(f"{name}.")}

        step, stopped = progress_in(part("training"), self.settings | self._own_settings())
        history = history_in(part("history"), step, self.iter_per_epoch)
        best = part("best")
        before = _copied_state(self.network)
        refuse_other_dtypes(self.network.params, before, part("network"))
        batches = self.batches.state_dict()
        try:
            self.batches.load_state_dict(part("batches"))
            if best:
                load_network(self.network, best)  # checked thereby
            load_network(self.network, part("network"))
            self.optimizer.load_state_dict(part("optimizer"))
        except BaseException:
            self.batches.load_state_dict(batches)
            load_network(self.network, before)
            raise
        self.current_iter, self.stopped, self._best, self._last = step, stopped, best, {}
        for name, values in self._lists().items():
            values[:] = history[name]

    def _state(self) -> NamedArrays:
        """The network's state for the steps to come: that after the last step, if it has the best parameters still."""
        here = state_of(self.network)
        went_back = self._last and _bytes(here) == _bytes(self._best)
        return self._last if went_back else here

    def _own_settings(self) -> dict[str, Any]:
        """What else must be the same in a training that goes on."""
        return {
            "format": FORMAT,
            "optimizer": type(self.optimizer).__name__,
            "training samples": len(self.batches.x),
            "mini_batch_size": self.batches.batch_size,
            "shuffle": not self.batches.replace,
            "early_stopping": self.early_stopping is not None,
            "one_pass": self.one_pass,
        }

    def _lists(self) -> dict[str, list[Any]]:
        lists: dict[str, list[Any]] = {"loss": self.train_loss_list, "measured": self.measured}
        return lists | {"train_acc": self.train_acc_list, "test_acc": self.test_acc_list}

    def _finished(self) -> bool:
        return self.stopped or self.current_iter >= self.max_iter

    def _descend(self, x: Any, t: Any) -> float:
        """One step; returns the loss."""
        if self.one_pass:
            loss, gradient = self.network.loss_and_gradient(x, t)
            self._update(gradient)
            return self._number("loss", loss)
        self._update(self.network.gradient(x, t))
        with no_grad():
            return self._number("loss", self.network.loss(x, t))

    def _number(self, method: str, given: Any) -> float:
        """What this method of the network returned, if that is one number."""
        try:
            return float(given)
        except (TypeError, ValueError):
            kind, what = type(self.network).__name__, type(given).__name__
            if given is None:
                what = "None; does it lack a return?"
            elif hasattr(given, "shape"):
                what = f"{what} {given.shape}"
            raise DTypeError(f"{method} of {kind} must return one number, and returned {what}") from None

    def _update(self, gradient: Mapping[str, Any]) -> None:
        """Move the parameters. Without gradients, the optimizer would take the `.grad` of some earlier backward()."""
        changed = None if gradient is None else self.change_gradient(gradient)
        if changed is None:
            culprit = f"gradient of {type(self.network).__name__}" if gradient is None else "change_gradient"
            raise DTypeError(f"{culprit} must return a dict of gradients, and returned None; does it lack a return?")
        self.optimizer.update(self.network.params, changed)

    def _measure_either_end(self) -> None:
        """Measure before the first step or after the last, if that was asked for.

        What comes after the last is in no checkpoint: if the training goes on for longer, it is as if there had been
        no end.
        """
        if self.measure_every is not None and self.measured[-1:] != [self.current_iter]:
            self._measure()

    def _measure(self) -> None:
        """Note the accuracies, and keep the parameters if they are the best so far; then call the callbacks."""
        n = self.evaluated
        with np.errstate(all="ignore"):
            training = self._number("accuracy", self.network.accuracy(self.batches.x[:n], self.batches.t[:n]))
            test = self._number("accuracy", self.network.accuracy(*(a[:n] for a in self.test)))
        self.measured.append(self.current_iter)
        self.train_acc_list.append(training)
        self.test_acc_list.append(test)
        if self.early_stopping is not None:
            self._keep_best(self.early_stopping)
        for callback in self.callbacks:
            callback(self)

    def _keep_best(self, patience: int) -> None:
        """Keep the parameters if the last accuracy is the best; stop if the best is older than that."""
        best = int(np.argmax(self.test_acc_list))  # the first of the highest
        age = len(self.test_acc_list) - 1 - best
        if not age:
            self._best = _copied_state(self.network)
        if age >= patience:
            self.stop()


def _check_test_data(x: Any, t: Any) -> None:
    if not is_batch(x) or not is_batch(t):
        given = f"{type(x).__name__} and {type(t).__name__}"
        raise ShapeError(f"test data are arrays with one row for each sample, not {given}")
    if len(x) != len(t) or not len(x):
        raise ShapeError(f"test data need one label or row for each sample: there are {len(x)}, {len(t)}")


def _check_network(network: Any, one_pass: bool) -> None:
    """Raise TypeError for what is no network, ValueError for one that cannot do what `one_pass` asks for."""
    kind = type(network).__name__
    if isinstance(network, type):
        name = network.__name__
        raise TypeError(f"network is the class {name}, and no network: make one first, {name}(...)")
    parts = ("params", "accuracy") if one_pass else ("params", "loss", "gradient", "accuracy")
    lacking = [name for name in parts if not hasattr(network, name)]
    if lacking:
        raise TypeError(
            f"a network has {', '.join(lacking)}, which this {kind} has not; "
            "a class that inherits from models.Network needs params and predict alone"
        )
    if one_pass and not hasattr(network, "loss_and_gradient"):
        raise ValueError(f"one_pass=True needs loss_and_gradient(x, t), which this {kind} has not")


def _copied_state(network: Network) -> NamedArrays:
    return {name: a.copy() for name, a in state_of(network).items()}


def _bytes(arrays: NamedArrays) -> dict[str, bytes]:
    return {name: a.tobytes() for name, a in arrays.items()}


def _as_it_is(gradient: Mapping[str, Any]) -> Mapping[str, Any]:
    return gradient  # under a name, by which it can be pickled


def _count(name: str, value: Any, least: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if count < least:
        raise ValueError(f"{name} must be {least} or more, not {count}")
    return count


def _optional_count(name: str, value: Any) -> int | None:
    return None if value is None else _count(name, value, least=1)


def _several(name: str, given: Any) -> tuple[Any, ...]:
    """The functions that were given, of which one may stand alone."""
    functions = tuple(given) if isinstance(given, Iterable) and not callable(given) else (given,)
    if not all(map(callable, functions)):
        raise TypeError(f"{name} takes a function, or a sequence of them, not {given!r}")
    return functions

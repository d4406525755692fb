"""What all optimizers share: the way from gradients to changed parameters, the count of updates, the state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import AutogradError, DataError, DTypeError, ShapeError, misfits
from ..graph import stamp
from ..table import Outline
from ..tensor import Tensor, bare
from ..values import check_dict
from .gradients import Grads
from .parameters import NUMBERS, as_number, gradients_for, refuse_no_parameter, working_dtype
from .settings import Schedule, checked_rate, rate_at

CLEARED_EVERY = 50
"""Updates after which what has become subnormal is set to 0."""


class Optimizer(ABC):
    """What all optimizers share: the way from gradients to changed parameters, the count of updates, the state.

    All raise ValueError for a setting out of its range. A new one defines `update_step`, and names its `slots` if it
    keeps something; an `__init__` of its own calls this one, or sets `self.lr`. Each parameter's step is computed in
    the parameter's dtype, or in float32 for float16, where squares of small gradients would vanish. State that has
    decayed below the range of normal numbers (1e-38 in float32), where processors are slow, becomes 0 at every 50th
    update.

    Attributes
    ----------
    lr : float or schedule
        The learning rate, or a function that returns it, given the number of updates made so far.
    updates : int
        How many updates were made.
    slots : tuple of str
        The names of the arrays kept for each parameter; they begin as zeros. An optimizer that keeps none serves
        several networks in turn.

    >>> class Signs(Optimizer):  # Momentum that looks at the signs of gradients alone
    ...     slots = ("v",)
    ...     def update_step(self, lr, g, v):
    ...         v *= 0.5
    ...         v += np.sign(g)
    ...         return -lr * v
    >>> params, optimizer = {"w": np.array([1.0, -1.0])}, Signs(lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.update(params, {"w": np.array([3.0, -0.1])})
    >>> params["w"]
    array([ 0.75, -0.75])
    """

    slots: ClassVar[tuple[str, ...]] = ()
    updates = 0  # here, as the state, so that a class with an `__init__` of its own need not call this one
    _state: Mapping[str, tuple[NDArray[Any], ...]] = MappingProxyType({})

    def __init__(self, lr: float | Schedule) -> None:
        self.lr = lr if callable(lr) else checked_rate(lr)

    @abstractmethod
    def update_step(self, lr: float, g: Any, *slots: Any, **_none: Any) -> Any:
        """What is added to a parameter whose gradient is g: an array of the shape of g, which is not written to.

        `slots` has the arrays that are kept for this parameter, in the order of the class's `slots`; they are changed
        in place. `self.updates` counts the updates before this one. (A subclass has a parameter for each of its slots,
        which type checkers allow since this one takes any.)
        """

    @property
    def rate(self) -> float:
        """The learning rate of the next update."""
        try:
            lr = rate_at(self.lr, self.updates)
        except OverflowError:
            lr = math.inf
        return float(checked_rate(lr))

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any] | None = None) -> None:
        """Move every parameter: a Tensor or an array in place; a number is replaced in the dict.

        A Tensor that requires no grad, and of which `grads` has none, is frozen: it and its state stay as they are.

        Parameters
        ----------
        params : name -> Tensor, array or float
        grads : name -> array, optional
            If left out, each parameter's `.grad`. Those stay: `zero_grad(params)` forgets them before the next
            `backward()`.

        Raises
        ------
        GraphError
            If a gradient is missing, or a parameter is no leaf.
        ShapeError
            If a gradient has not its parameter's shape, or the state is that of other parameters.
        DTypeError
            If a parameter is not of floats, or a gradient not of real numbers.
        ValueError
            If a parameter is read-only, or has two names, or a schedule's rate is not a finite number. Whichever is
            raised, no parameter has changed then, nor the state. (Only an `update_step` that returns what does not fit
            is noticed later.)
        """
        gradients = gradients_for(params, grads)
        state = self._state_for(params, gradients)
        steps = self._steps(self.rate, params, gradients, state)
        self._count(state)
        self._move(params, steps)

    def _count(self, state: Mapping[str, Any]) -> None:
        """Count an update, and keep the state that it leaves."""
        self.updates += 1
        if self.slots:
            self._state = state
        if self.updates % CLEARED_EVERY == 0:
            for slots in self._state.values():
                for a in slots:
                    _clear_subnormal(a)

    def _move(self, params: MutableMapping[str, Any], steps: Mapping[str, Any]) -> None:
        """Add to each parameter its step."""
        moved: list[Any] = []  # noted by graphs all at once, which is quicker than one after the other
        try:
            for key, step in steps.items():
                parameter = params[key]
                if type(parameter) is Tensor:
                    moved.append(parameter.node or parameter._leaf("change"))
                    value = parameter._value
                    np.add(value, step, value)
                elif not isinstance(parameter, NUMBERS):
                    params[key] += step
                else:
                    params[key] = as_number(parameter, parameter + step)
        except AutogradError:
            raise
        except (ValueError, TypeError) as error:
            misfit = ShapeError if isinstance(error, ValueError) else DTypeError
            why = "it is None; does update_step lack a return?" if step is None else error
            raise misfit(f"the step of {type(self).__name__} for {key} does not fit it: {why}") from error
        finally:
            if moved:
                stamp(moved)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """A copy of the state, under names like "Adam.m.W1" and "Adam.updates", to be stored by `save_arrays`.

        It holds nothing of what the optimizer was made with.
        """
        kind = type(self).__name__
        arrays = {f"{kind}.updates": np.array(self.updates, np.int64)}
        for key, kept in self._state.items():
            arrays |= {f"{kind}.{slot}.{key}": a.copy() for slot, a in zip(self.slots, kept, strict=True)}
        return arrays

    def load_state_dict(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take what `state_dict` returned, and go on from there as that optimizer would, bit for bit.

        Raises
        ------
        DataError
            If it is not whole, or of another kind of optimizer, or of other parameters than were updated here; the
            message names every fault. Nothing has changed then.
        DTypeError
            If it is no dict.
        """
        check_dict("the state", arrays)
        kind = type(self).__name__
        taken = {name: np.array(a, np.asarray(a).dtype.newbyteorder("=")) for name, a in arrays.items()}
        samples = {name.split(".", 2)[2]: a for name, a in taken.items() if name.count(".") > 1}
        if faults := self._faults(taken, samples):
            raise DataError(f"these arrays are no state for this {kind}: {'; '.join(faults)}")
        self.updates = int(taken[f"{kind}.updates"])
        self._state = {key: tuple(taken[f"{kind}.{slot}.{key}"] for slot in self.slots) for key in samples}

    def _faults(self, taken: Mapping[str, NDArray[Any]], samples: Mapping[str, NDArray[Any]]) -> list[str]:
        """Why these arrays are no state for this optimizer; `samples` has one of each parameter."""
        kind = type(self).__name__
        if self._state and samples:
            expected = _outlines(self.state_dict())
        else:
            expected = {f"{kind}.updates": "int64 ()"}
            for key, a in samples.items():
                like = f"{working_dtype(a.dtype)} {a.shape}"
                expected |= {f"{kind}.{slot}.{key}": like for slot in self.slots}
        if faults := misfits(expected, _outlines(taken)):
            return faults
        updates = int(taken[f"{kind}.updates"])
        if updates < 0 or (self.slots and bool(samples) != (updates > 0)):
            return [f"{updates} updates do not leave these arrays"]
        return []

    def _state_for(self, params: Mapping[str, Any], gradients: Grads) -> Mapping[str, Any]:
        """The slots of each parameter: those of the last update, or new ones before the first."""
        if not self.slots:
            return dict.fromkeys(gradients, ())
        if not self._state:
            return {
                key: tuple(np.zeros_like(bare(params[key]) if type(g) is Outline else g, g.dtype) for _ in self.slots)
                for key, g in gradients.items()
            }
        kept = {key: slots[0] for key, slots in self._state.items()}
        if kept.keys() != gradients.keys() or any(_outline(a) != _outline(gradients[key]) for key, a in kept.items()):
            faults = "; ".join(misfits(_outlines(kept), _outlines(gradients)))
            raise ShapeError(
                f"this {type(self).__name__} keeps its state for other parameters: {faults}; "
                "make an optimizer for each network"
            )
        return self._state

    def _steps(
        self, lr: float, _params: Mapping[str, Any], gradients: Grads, state: Mapping[str, Any]
    ) -> dict[str, NDArray[Any]]:
        """What is added to each parameter. All are known before the first is added: a gradient may share its memory."""
        return {key: self.update_step(lr, g, *state[key]) for key, g in gradients.items() if type(g) is not Outline}


def zero_grad(params: Mapping[str, Any]) -> None:
    """Forget the `.grad` of each Tensor among the parameters, before the next `backward()` adds to it.

    Arrays and numbers have none. Raises `DTypeError` if params is no dict, or for what is no parameter.
    """
    check_dict("params", params)
    for key, parameter in params.items():
        refuse_no_parameter(key, parameter)
    for parameter in params.values():
        if type(parameter) is Tensor:
            parameter.zero_grad()


def _clear_subnormal(a: Any) -> None:
    """Set to 0 what has left the range of normal numbers: processors take many times as long for it.

    (A moving average of gradients that are 0, as those of a dead ReLU, would halt at a subnormal number for ever.)
    """
    a *= np.abs(a) >= np.finfo(a.dtype).tiny


def _outline(array: Any) -> tuple[Any, ...]:
    return array.dtype, array.shape


def _outlines(arrays: Mapping[str, Any]) -> dict[str, str]:
    return {name: f"{a.dtype} {a.shape}" for name, a in arrays.items()}

"""Optimizers under the book's names: `update(params, grads)` as there, or `update(params)` after `backward()`.

Beside them schedules, which the learning rate of each may be, and functions that clip a dict of gradients or add to it
the gradient of a penalty.

>>> params = {"x": -7.0, "y": 2.0}
>>> optimizer = Momentum(lr=warm_up(0.1, steps=5))
>>> optimizer.update(params, clip_by_norm({"x": params["x"] / 10, "y": 2 * params["y"]}, max_norm=1))
>>> round(params["y"], 4)
1.9803
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Set
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from .errors import AnomalyError, AutogradError, DataError, DTypeError, GraphError, ShapeError
from .graph import Leaf, stamp
from .table import Outline
from .tensor import Tensor, bare
from .values import is_duck

__all__ = [
    "SGD",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
    "clip_by_norm",
    "clip_by_value",
    "cosine_decay",
    "exponential_decay",
    "l1_decay",
    "l2_decay",
    "step_decay",
    "warm_up",
]  # fmt: skip

Schedule = Callable[[int], float]
Grads = dict[str, Any]
NUMBERS = (int, float, np.floating)
_FLOAT32 = np.dtype(np.float32)
CLEARED_EVERY = 50
"""Updates after which what has become subnormal is set to 0."""


class Optimizer(ABC):
    """What all optimizers share: the way from gradients to changed parameters, the count of updates, the state.

    A new one names its `slots` and defines `_step`. Each parameter's step is computed in the parameter's dtype, or in
    float32 for float16, where squares of small gradients would vanish. State that has decayed below the range of normal
    numbers (1e-38 in float32), where processors are slow, becomes 0 at every 50th update.

    Attributes
    ----------
    lr : float or schedule
        The learning rate, or a function that returns it, given the number of updates made so far.
    updates : int
        How many updates were made.
    slots : tuple of str
        The names of the arrays kept for each parameter; they begin as zeros. An optimizer that keeps none serves
        several networks in turn.
    """

    slots: ClassVar[tuple[str, ...]] = ()

    def __init__(self, lr: float | Schedule) -> None:
        self.lr = lr if callable(lr) else _checked_rate(lr)
        self.updates = 0
        self._state: dict[str, tuple[NDArray[Any], ...]] = {}

    @abstractmethod
    def _step(self, lr: float, g: Any, *slots: Any, **_none: Any) -> Any:
        """What is added to a parameter whose gradient is g, an array that is not written to. Changes the slots."""

    @property
    def rate(self) -> float:
        """The learning rate of the next update."""
        try:
            lr = _rate_at(self.lr, self.updates)
        except OverflowError:
            lr = math.inf
        return float(_checked_rate(lr))

    def update(self, params: MutableMapping[str, Any], grads: Mapping[str, Any] | None = None) -> None:
        """Move every parameter: a Tensor or an array in place; a number is replaced in the dict.

        A Tensor that requires no grad, and of which `grads` has none, is frozen: it and its state stay as they are.

        Parameters
        ----------
        params : name -> Tensor, array or float
        grads : name -> array, optional
            If left out, each parameter's `.grad`. Those stay: `zero_grad` forgets them before the next `backward()`.

        Raises
        ------
        GraphError
            If a gradient is missing, or a parameter is no leaf.
        ShapeError
            If a gradient has not its parameter's shape, or the state is that of other parameters.
        DTypeError
            If a parameter is not of floats, or a gradient not of real numbers.
        ValueError
            If a parameter is read-only, or a schedule's rate is not a finite number. Whichever is raised, no parameter
            has changed then, nor the state. (Only a `_step` that returns what does not fit is found out later.)
        """
        gradients = _gradients(params, grads)
        state = self._state_for(params, gradients)
        steps = self._steps(self.rate, params, gradients, state)
        self.updates += 1
        if self.slots:
            self._state = state
        if self.updates % CLEARED_EVERY == 0:
            for slots in self._state.values():
                for a in slots:
                    _clear_subnormal(a)
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
                    kind = type(parameter) if isinstance(parameter, np.floating) else float
                    params[key] = kind(parameter + step)
        except AutogradError:
            raise
        except (ValueError, TypeError) as error:
            misfit = ShapeError if isinstance(error, ValueError) else DTypeError
            raise misfit(f"the step of {type(self).__name__} for {key} does not fit it: {error}") from error
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
        """
        kind = type(self).__name__
        taken = {name: np.array(a, np.asarray(a).dtype.newbyteorder("=")) for name, a in arrays.items()}
        samples = {name.split(".", 2)[2]: a for name, a in taken.items() if name.count(".") > 1}
        expected = {f"{kind}.updates": "int64 ()"}
        for key, a in samples.items():
            like = f"{_working(a.dtype)} {a.shape}"
            expected |= {f"{kind}.{slot}.{key}": like for slot in self.slots}
        if self._state and samples:
            expected = _outlines(self.state_dict())
        faults = _misfits(expected, _outlines(taken))
        updates = -1 if faults else int(taken[f"{kind}.updates"])
        if not faults and (updates < 0 or (self.slots and bool(samples) != (updates > 0))):
            faults = [f"{updates} updates do not leave these arrays"]
        if faults:
            raise DataError(f"these arrays are no state for this {kind}: {'; '.join(faults)}")
        self.updates = updates
        self._state = {key: tuple(taken[f"{kind}.{slot}.{key}"] for slot in self.slots) for key in samples}

    def _state_for(self, params: Mapping[str, Any], gradients: Grads) -> dict[str, Any]:
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
            faults = "; ".join(_misfits(_outlines(kept), _outlines(gradients)))
            raise ShapeError(
                f"this {type(self).__name__} keeps its state for other parameters: {faults}; "
                "make an optimizer for each network"
            )
        return self._state

    def _steps(
        self, lr: float, _params: Mapping[str, Any], gradients: Grads, state: Mapping[str, Any]
    ) -> dict[str, NDArray[Any]]:
        """What is added to each parameter. All are known before the first is added: a gradient may share its memory."""
        return {key: self._step(lr, g, *state[key]) for key, g in gradients.items() if type(g) is not Outline}


class SGD(Optimizer):
    """Stochastic gradient descent: W <- W - lr g (book, section 6.1.2)."""

    def __init__(self, lr: float | Schedule = 0.01) -> None:
        super().__init__(lr)

    def _step(self, lr: float, g: Any) -> Any:
        return -lr * g


class Momentum(Optimizer):
    """v <- momentum v - lr g, W <- W + v (book, section 6.1.4).

    v has the rate in it: after a change of lr, what came before keeps its old rate. (PyTorch's has not.)
    """

    slots = ("v",)

    def __init__(self, lr: float | Schedule = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = _checked("momentum", momentum)

    def _step(self, lr: float, g: Any, v: Any) -> Any:
        v *= self.momentum
        v -= lr * g
        return v


class Nesterov(Momentum):
    """Nesterov's accelerated gradient: Momentum's v, and W <- W + momentum v - lr g, with the new v.

    Bengio, Boulanger-Lewandowski, Pascanu 2012, arXiv:1212.0901, eq. 7; the book's code writes the same with the old v:
    W <- W + momentum² v - (1 + momentum) lr g.
    """

    def _step(self, lr: float, g: Any, v: Any) -> Any:
        step = self.momentum * super()._step(lr, g, v)
        step -= lr * g
        return step


class AdaGrad(Optimizer):
    """h <- h + g², W <- W - lr g / (√h + eps) (book, section 6.1.5; Duchi, Hazan, Singer 2011)."""

    slots = ("h",)

    def __init__(self, lr: float | Schedule = 0.01, *, eps: float = 1e-7) -> None:
        super().__init__(lr)
        self.eps = _checked("eps", eps)

    def _step(self, lr: float, g: Any, h: Any) -> Any:
        step = np.empty_like(g)
        h += np.square(g, out=step)
        return _over_root(-lr, g, h, self.eps, step)


class RMSprop(Optimizer):
    """h <- decay_rate h + (1 - decay_rate) g², W <- W - lr g / (√h + eps) (Tieleman, Hinton 2012; the book's code)."""

    slots = ("h",)

    def __init__(self, lr: float | Schedule = 0.01, decay_rate: float = 0.99, *, eps: float = 1e-7) -> None:
        super().__init__(lr)
        self.decay_rate = _checked("decay_rate", decay_rate, below=1)
        self.eps = _checked("eps", eps)

    def _step(self, lr: float, g: Any, h: Any) -> Any:
        step = np.empty_like(g)
        _average(h, self.decay_rate, np.square(g, out=step), step)
        return _over_root(-lr, g, h, self.eps, step)


class AdaDelta(Optimizer):
    """Steps as large as the root mean square of the steps before: d = g √(s + eps) / √(h + eps), W <- W - lr d.

    h and s are the moving averages of g² and, after the step, d² (Zeiler 2012, arXiv:1212.5701, algorithm 1, where lr
    is 1).
    """

    slots = ("h", "s")

    def __init__(self, lr: float | Schedule = 1.0, decay_rate: float = 0.9, eps: float = 1e-6) -> None:
        super().__init__(lr)
        self.decay_rate = _checked("decay_rate", decay_rate, below=1)
        self.eps = _checked("eps", eps)

    def _step(self, lr: float, g: Any, h: Any, s: Any) -> Any:
        _average(h, self.decay_rate, g * g)
        d = np.sqrt((s + self.eps) / (h + self.eps)) * g
        _average(s, self.decay_rate, d * d)
        return -lr * d


class Adam(Optimizer):
    """m <- β1 m + (1 - β1) g, v <- β2 v + (1 - β2) g², W <- W - lr √(1 - β2ᵗ) / (1 - β1ᵗ) m / (√v + eps).

    The book's code, and the form at the end of section 2 in Kingma, Ba 2015, arXiv:1412.6980. Their algorithm 1, which
    is PyTorch's, adds eps to the root of the bias-corrected v/(1 - β2ᵗ) instead: `bias_corrected_eps=True, eps=1e-8`.
    """

    slots = ("m", "v")

    def __init__(
        self,
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        eps: float = 1e-7,
        bias_corrected_eps: bool = False,
    ) -> None:
        super().__init__(lr)
        self.beta1 = _checked("beta1", beta1, below=1)
        self.beta2 = _checked("beta2", beta2, below=1)
        self.eps = _checked("eps", eps)
        self.bias_corrected_eps = bias_corrected_eps

    def _step(self, lr: float, g: Any, m: Any, v: Any) -> Any:
        t = self.updates + 1
        root = math.sqrt(1 - self.beta2**t)
        step = np.empty_like(g)
        _average(m, self.beta1, g, step)
        _average(v, self.beta2, np.square(g, out=step), step)
        eps = self.eps * root if self.bias_corrected_eps else self.eps
        return _over_root(-lr * root / (1 - self.beta1**t), m, v, eps, step)


class AdamW(Adam):
    """Adam by its paper's algorithm 1, with decoupled decay: W <- W - lr weight_decay W - Adam's step.

    Loshchilov, Hutter 2019, arXiv:1711.05101, algorithm 2, with the rate as a factor of the decay, as PyTorch has it.
    `names` are those of the parameters that decay; all do if it is left out.
    """

    def __init__(
        self,
        lr: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        weight_decay: float = 0.01,
        *,
        eps: float = 1e-8,
        names: Iterable[str] | None = None,
    ) -> None:
        super().__init__(lr, beta1, beta2, eps=eps, bias_corrected_eps=True)
        self.weight_decay = _checked("weight_decay", weight_decay)
        self.names = None if names is None else frozenset(_several(names))

    def _steps(
        self, lr: float, params: Mapping[str, Any], gradients: Grads, state: Mapping[str, Any]
    ) -> dict[str, NDArray[Any]]:
        chosen = _chosen(self.names, params)
        steps = super()._steps(lr, params, gradients, state)
        for key in chosen & steps.keys():
            steps[key] -= np.multiply(bare(params[key]), lr * self.weight_decay, dtype=steps[key].dtype)
        return steps


# -- schedules


def step_decay(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """The rate lr, times `factor` after each `every` updates.

    >>> schedule = step_decay(0.1, every=2, factor=0.5)
    >>> [schedule(step) for step in range(5)]
    [0.1, 0.1, 0.05, 0.05, 0.025]
    """
    lr, every, factor = _checked_rate(lr), _checked_length("every", every), _checked("factor", factor)
    return lambda step: lr * factor ** (step // every)


def exponential_decay(lr: float, factor: float) -> Schedule:
    """The rate lr, times `factor` after each update.

    >>> schedule = exponential_decay(0.1, factor=0.5)
    >>> [schedule(step) for step in range(3)]
    [0.1, 0.05, 0.025]
    """
    return step_decay(lr, 1, factor)


def cosine_decay(lr: float, steps: int, end: float = 0.0) -> Schedule:
    """From lr to `end` along half a cosine in `steps` updates, then `end`.

    Loshchilov, Hutter 2017, arXiv:1608.03983, eq. 5, without restarts.

    >>> schedule = cosine_decay(0.1, steps=2)
    >>> [round(schedule(step), 4) for step in range(4)]
    [0.1, 0.05, 0.0, 0.0]
    """
    lr, steps, end = _checked_rate(lr), _checked_length("steps", steps), _checked_rate(end)
    return lambda step: end + (lr - end) * (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2


def warm_up(after: float | Schedule, steps: int) -> Schedule:
    """In `steps` even steps up to the first rate of `after`, a rate or a schedule, which begins then.

    >>> schedule = warm_up(cosine_decay(0.1, steps=2), steps=2)
    >>> [round(schedule(step), 4) for step in range(5)]
    [0.05, 0.1, 0.1, 0.05, 0.0]
    """
    steps = _checked_length("steps", steps)
    first = _checked_rate(_rate_at(after, 0))
    return lambda step: first * (step + 1) / steps if step < steps else _rate_at(after, step - steps)


# -- functions of a dict of gradients


def clip_by_norm(grads: Mapping[str, Any], max_norm: float) -> Grads:
    """The gradients, scaled down together if the norm of all their elements is larger than max_norm.

    Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063, algorithm 1. A NaN or infinity among them is an `AnomalyError`.
    """
    max_norm = _checked("max_norm", max_norm)
    norms = {key: math.sqrt(np.sum(np.square(bare(g), dtype=np.float64))) for key, g in grads.items() if g is not None}
    norm = math.hypot(*norms.values())
    if not math.isfinite(norm):
        culprits = ", ".join(key for key, value in norms.items() if not math.isfinite(value))
        raise AnomalyError(f"the gradients have no finite norm to clip: {culprits or 'all together'}")
    scale = max_norm / norm if norm > max_norm else 1.0
    return {key: None if g is None else bare(g) * scale for key, g in grads.items()}


def clip_by_value(grads: Mapping[str, Any], limit: float) -> Grads:
    """The gradients with each element moved into [-limit, limit]."""
    limit = _checked("limit", limit)
    return {key: None if g is None else np.clip(bare(g), -limit, limit) for key, g in grads.items()}


def l1_decay(
    grads: Mapping[str, Any], params: Mapping[str, Any], rate: float, names: Iterable[str] | None = None
) -> Grads:
    """The gradients of the loss + rate Σ |W|: g + rate sign W for the parameters of these names, or all."""
    rate = _checked("rate", rate)
    return _penalised(grads, params, names, lambda w: np.sign(w) * rate)


def l2_decay(
    grads: Mapping[str, Any], params: Mapping[str, Any], rate: float, names: Iterable[str] | None = None
) -> Grads:
    """The gradients of the loss + ½ rate Σ W²: g + rate W for the parameters of these names, or all.

    The book's weight decay (section 6.4.2), which spares the biases: `names=[key for key in params if key[0] == "W"]`.
    """
    rate = _checked("rate", rate)
    return _penalised(grads, params, names, lambda w: w * rate)


def _penalised(
    grads: Mapping[str, Any], params: Mapping[str, Any], names: Iterable[str] | None, slope: Callable[[Any], Any]
) -> Grads:
    chosen = _chosen(names, params)

    def penalised(key: str, g: Any) -> Any:
        if g is None or key not in chosen:
            return bare(g)
        if np.shape(g) != np.shape(params[key]):
            raise ShapeError(f"the gradient for {key} has shape {np.shape(g)}, the parameter {np.shape(params[key])}")
        return bare(g) + slope(bare(params[key]))

    return {key: penalised(key, g) for key, g in grads.items()}


def _chosen(names: Iterable[str] | None, params: Mapping[str, Any]) -> Set[str]:
    """The names, if each is that of a parameter; those of all parameters for None."""
    chosen = params.keys() if names is None else set(_several(names))
    unknown = chosen - params.keys()
    if unknown:
        raise ValueError(f"no parameter to decay is called {', '.join(sorted(unknown))}; there are {', '.join(params)}")
    return chosen


# -- terms that several formulas share


def _average(average: Any, decay: float, x: Any, out: Any = None) -> None:
    """average <- decay average + (1 - decay) x, by way of `out`, which may be x."""
    average *= decay
    average += np.multiply(x, 1 - decay, out=out)


def _over_root(factor: float, x: Any, h: Any, eps: float, out: Any) -> Any:
    """factor x / (√h + eps), in `out`."""
    np.sqrt(h, out=out)
    out += eps
    np.divide(x, out, out=out)
    out *= factor
    return out


def _clear_subnormal(a: Any) -> None:
    """Set to 0 what has left the range of normal numbers: processors take many times as long for it.

    (A moving average of gradients that are 0, as those of a dead ReLU, would halt at a subnormal number for ever.)
    """
    a *= np.abs(a) >= np.finfo(a.dtype).tiny


# -- checks


def _checked_rate(lr: Any) -> Any:
    if not isinstance(lr, (float, Real)) or not _is_finite(lr):  # float first: asking Real is slow
        raise ValueError(f"the learning rate lr must be a finite number, not {lr!r}; or a schedule, step -> number")
    return lr


def _is_finite(lr: Any) -> bool:
    try:
        return math.isfinite(lr)
    except OverflowError:  # an int that no float can be
        return False


def _checked(name: str, value: Any, below: float = math.inf) -> float:
    if not isinstance(value, Real) or not 0 <= float(value) < below:
        raise ValueError(f"{name} must be at least 0 and less than {below}, not {value!r}")
    return float(value)


def _several(names: Iterable[str]) -> Iterable[str]:
    if isinstance(names, str):
        raise ValueError(f"names must be a list of names, not one: [{names!r}]")
    return names


def _checked_length(name: str, steps: Any) -> int:
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"{name} must be a whole number of updates, at least 1, not {steps!r}")
    return int(steps)


def _rate_at(lr: float | Schedule, step: int) -> float:
    return lr(step) if callable(lr) else lr


def _gradients(params: Mapping[str, Any], grads: Mapping[str, Any] | None) -> Grads:
    """The gradient of each parameter, as an array of the dtype to compute in; of a frozen one an outline."""
    if not hasattr(params, "items") or not (grads is None or hasattr(grads, "items")):
        name, given = ("grads", grads) if hasattr(params, "items") else ("params", params)
        raise DTypeError(f'{name} must be a dict, as {{"W": W}}, not {type(given).__name__}')
    gradients: Grads = {}
    missing: list[str] = []
    for key, parameter in params.items():
        g = _own_gradient(parameter) if grads is None else grads.get(key)
        if g is None:
            missing.append(key)
        gradients[key] = None if g is None else _gradient(key, parameter, g)  # each at its place, also if frozen
    if missing:
        _refuse_unless_frozen(missing, params, grads)
        gradients |= {key: Outline(params[key].shape, _working(params[key].dtype)) for key in missing}
    return gradients


def _own_gradient(parameter: Any) -> Any:
    g = parameter._grad if type(parameter) is Tensor and parameter.requires_grad else None
    return g._value if type(g) is Tensor else g


def _refuse_unless_frozen(missing: list[str], params: Mapping[str, Any], grads: Mapping[str, Any] | None) -> None:
    """Raise unless these parameters, which have no gradient, are to have none, and there are others."""
    learning = [key for key in missing if type(params[key]) is not Tensor or params[key].requires_grad]
    for key in learning:
        _refuse_no_parameter(key, params[key])
        _refuse_recorded(key, params[key])
    strangers = [] if grads is None else [key for key in grads if key not in params]
    if learning or strangers:
        where = "`.grad`; run loss.backward() first" if grads is None else "entry in grads"
        others = f", which has {', '.join(strangers)}" if strangers else ""
        raise GraphError(f"no gradient for {', '.join(learning or missing)}: there is no {where}{others}")
    if len(missing) == len(params):
        raise GraphError(f"nothing to update: none of {', '.join(missing)} requires grad")


def _gradient(key: str, parameter: Any, g: Any) -> Any:
    """The gradient of a parameter, if it fits, and if the parameter can be moved."""
    if type(parameter) is Tensor:
        value, node = parameter._value, parameter.node
        if (
            type(g) is type(value) is ndarray
            and type(node) is Leaf
            and (g.dtype is value.dtype and g.shape == value.shape)
            and (g.dtype.char in "fd" and value.flags.writeable)
        ):
            return g  # as most: nothing need be looked at closer
    else:
        value, node = parameter, None
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        _refuse_no_parameter(key, value)
        dtype = np.dtype(np.float64)
    elif dtype.kind != "f":
        raise DTypeError(f"{key} must be of floats to move by small steps, not of {dtype}")
    elif node is not None and type(node) is not Leaf:
        _refuse_recorded(key, parameter)
    elif isinstance(value, np.ndarray) and not value.flags.writeable and (node is not None or value is parameter):
        raise ValueError(f"{key} is read-only and cannot be moved; take a copy of it")
    if type(g) is not np.ndarray:
        g = bare(g)
        g = g if is_duck(g) else np.asarray(g)
    if g.shape != getattr(value, "shape", ()):
        raise ShapeError(f"the gradient for {key} has shape {g.shape}, the parameter {np.shape(value)}")
    dtype = _working(dtype)
    if g.dtype is dtype:
        return g
    if g.dtype.kind not in "fiub":
        raise DTypeError(f"the gradient for {key} must be of real numbers, not {g.dtype}")
    return g.astype(dtype)


def _refuse_no_parameter(key: str, value: Any) -> None:
    if not hasattr(value, "dtype") and not isinstance(value, NUMBERS):
        raise DTypeError(f"{key} must be a Tensor, an array or a number, not a {type(value).__name__}")


def _refuse_recorded(key: str, parameter: Any) -> None:
    if type(parameter) is Tensor and not parameter.is_leaf:
        raise GraphError(f"{key} is recorded, and only leaves change in place; {key}.detach() is a leaf")


def _working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to compute in: that of the parameter, but float32 for float16."""
    return dtype if dtype.kind == "f" and dtype.itemsize > 2 else _FLOAT32


def _outline(array: Any) -> tuple[Any, ...]:
    return array.dtype, array.shape


def _outlines(arrays: Mapping[str, Any]) -> dict[str, str]:
    return {name: f"{a.dtype} {a.shape}" for name, a in arrays.items()}


def _misfits(expected: Mapping[str, str], given: Mapping[str, str]) -> list[str]:
    """What is missing, unexpected, or of another dtype or shape."""
    faults = [f"{name} is missing" for name in expected.keys() - given.keys()]
    faults += [f"{name} is unexpected" for name in given.keys() - expected.keys()]
    both = expected.keys() & given.keys()
    faults += [f"{n} is {given[n]} instead of {expected[n]}" for n in both if given[n] != expected[n]]
    return sorted(faults)

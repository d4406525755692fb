"""The optimizers: for each the formula of its step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tensor import bare
from .gradients import Grads, chosen_names
from .optimizer import Optimizer
from .settings import Schedule, checked, several


class SGD(Optimizer):
    """Stochastic gradient descent: W <- W - lr g (book, section 6.1.2).

    Raises ValueError for an lr that is not finite.
    """

    def __init__(self, lr: float | Schedule = 0.01) -> None:
        super().__init__(lr)

    def update_step(self, lr: float, g: Any) -> Any:
        return -lr * g


class Momentum(Optimizer):
    """v <- momentum v - lr g, W <- W + v (book, section 6.1.4).

    v has the rate in it: after a change of lr, what came before keeps its old rate. (PyTorch's has not.)
    Raises ValueError for a negative momentum, or an lr that is not finite.
    """

    slots = ("v",)

    def __init__(self, lr: float | Schedule = 0.01, momentum: float = 0.9) -> None:
        super().__init__(lr)
        self.momentum = checked("momentum", momentum)

    def update_step(self, lr: float, g: Any, v: Any) -> Any:
        v *= self.momentum
        v -= lr * g
        return v


class Nesterov(Momentum):
    """Nesterov's accelerated gradient: Momentum's v, and W <- W + momentum v - lr g, with the new v.

    Bengio, Boulanger-Lewandowski, Pascanu 2012, arXiv:1212.0901, eq. 7; the book's code writes the same with the old v:
    W <- W + momentum² v - (1 + momentum) lr g. Raises what `Momentum` raises.
    """

    def update_step(self, lr: float, g: Any, v: Any) -> Any:
        step = self.momentum * super().update_step(lr, g, v)
        step -= lr * g
        return step


class AdaGrad(Optimizer):
    """h <- h + g², W <- W - lr g / (√h + eps) (book, section 6.1.5; Duchi, Hazan, Singer 2011).

    Raises ValueError for a negative eps, or an lr that is not finite.
    """

    slots = ("h",)

    def __init__(self, lr: float | Schedule = 0.01, *, eps: float = 1e-7) -> None:
        super().__init__(lr)
        self.eps = checked("eps", eps)

    def update_step(self, lr: float, g: Any, h: Any) -> Any:
        step = np.empty_like(g)
        h += np.square(g, out=step)
        return _over_root(-lr, g, h, self.eps, step)


class RMSprop(Optimizer):
    """h <- decay_rate h + (1 - decay_rate) g², W <- W - lr g / (√h + eps) (Tieleman, Hinton 2012; the book's code).

    Raises ValueError unless 0 <= decay_rate < 1, 0 <= eps, and lr is finite.
    """

    slots = ("h",)

    def __init__(self, lr: float | Schedule = 0.01, decay_rate: float = 0.99, *, eps: float = 1e-7) -> None:
        super().__init__(lr)
        self.decay_rate = checked("decay_rate", decay_rate, below=1)
        self.eps = checked("eps", eps)

    def update_step(self, lr: float, g: Any, h: Any) -> Any:
        step = np.empty_like(g)
        _average(h, self.decay_rate, np.square(g, out=step), step)
        return _over_root(-lr, g, h, self.eps, step)


class AdaDelta(Optimizer):
    """Steps as large as the root mean square of the steps before: d = g √(s + eps) / √(h + eps), W <- W - lr d.

    h and s are the moving averages of g² and, after the step, d² (Zeiler 2012, arXiv:1212.5701, algorithm 1, where lr
    is 1). Raises ValueError unless 0 <= decay_rate < 1, 0 <= eps, and lr is finite.
    """

    slots = ("h", "s")

    def __init__(self, lr: float | Schedule = 1.0, decay_rate: float = 0.9, eps: float = 1e-6) -> None:
        super().__init__(lr)
        self.decay_rate = checked("decay_rate", decay_rate, below=1)
        self.eps = checked("eps", eps)

    def update_step(self, lr: float, g: Any, h: Any, s: Any) -> Any:
        _average(h, self.decay_rate, g * g)
        d = np.sqrt((s + self.eps) / (h + self.eps)) * g
        _average(s, self.decay_rate, d * d)
        return -lr * d


class Adam(Optimizer):
    """m <- β1 m + (1 - β1) g, v <- β2 v + (1 - β2) g², W <- W - lr √(1 - β2ᵗ) / (1 - β1ᵗ) m / (√v + eps).

    The book's code, and the form at the end of section 2 in Kingma, Ba 2015, arXiv:1412.6980. Their algorithm 1, which
    is PyTorch's, adds eps to the root of the bias-corrected v/(1 - β2ᵗ) instead: `bias_corrected_eps=True, eps=1e-8`.
    Raises ValueError unless 0 <= β1, β2 < 1, 0 <= eps, and lr is finite.
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
        self.beta1 = checked("beta1", beta1, below=1)
        self.beta2 = checked("beta2", beta2, below=1)
        self.eps = checked("eps", eps)
        self.bias_corrected_eps = bias_corrected_eps

    def update_step(self, lr: float, g: Any, m: Any, v: Any) -> Any:
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
    `names` are those of the parameters that decay; all do if it is left out. Raises what `Adam` raises, and ValueError
    for a negative weight_decay, or, when it updates, for a name that no parameter has.
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
        self.weight_decay = checked("weight_decay", weight_decay)
        self.names = None if names is None else frozenset(several(names))

    def _steps(
        self, lr: float, params: Mapping[str, Any], gradients: Grads, state: Mapping[str, Any]
    ) -> dict[str, NDArray[Any]]:
        chosen = chosen_names(self.names, params)
        steps = super()._steps(lr, params, gradients, state)
        for key in chosen & steps.keys():
            steps[key] -= np.multiply(bare(params[key]), lr * self.weight_decay, dtype=steps[key].dtype)
        return steps


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

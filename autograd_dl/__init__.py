"""A NumPy autograd engine that records a computation graph, for the book "Deep Learning from Scratch"."""

import typing as _typing
from importlib import import_module as _import_module

from . import ops
from .engine import Tensor, detect_anomaly, enable_grad, gradients, is_grad_enabled, no_grad, scope
from .transforms import checkpoint, grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__all__ = [
    "Tensor",
    "checkpoint",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "is_grad_enabled",
    "jacobian",
    "jvp",
    "no_grad",
    "ops",
    "scope",
    "value_and_grad",
    "vjp",
]  # fmt: skip

__version__ = "0.1.0"

_ROOMS = (
    "data", "errors", "evaluation", "functional", "nn", "numerical", "optim", "serialization", "testing", "training",
)  # fmt: skip

if _typing.TYPE_CHECKING:
    from . import data as data
    from . import errors as errors
    from . import evaluation as evaluation
    from . import functional as functional
    from . import nn as nn
    from . import numerical as numerical
    from . import optim as optim
    from . import serialization as serialization
    from . import testing as testing
    from . import training as training
else:

    def __getattr__(name: str) -> _typing.Any:
        """The other rooms of the house, opened when first asked for: `autograd_dl.optim.SGD`."""
        if name in _ROOMS:
            return _import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*__all__, "__version__", *_ROOMS])

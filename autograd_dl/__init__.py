"""A NumPy autograd engine that records a computation graph, for the book "Deep Learning from Scratch"."""

import typing as _typing
from importlib import import_module as _import_module

from . import ops as ops
from .engine import Tensor as Tensor
from .engine import detect_anomaly as detect_anomaly
from .engine import enable_grad as enable_grad
from .engine import gradients as gradients
from .engine import is_grad_enabled as is_grad_enabled
from .engine import no_grad as no_grad
from .engine import scope as scope
from .transforms import checkpoint as checkpoint
from .transforms import grad as grad
from .transforms import hessian as hessian
from .transforms import hvp as hvp
from .transforms import jacobian as jacobian
from .transforms import jvp as jvp
from .transforms import value_and_grad as value_and_grad
from .transforms import vjp as vjp

__version__ = "0.1.0"

_ROOMS = ("data", "functional", "nn", "numerical", "optim", "serialization", "testing", "training")

if _typing.TYPE_CHECKING:
    from . import data as data
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
        return sorted({*globals(), *_ROOMS})

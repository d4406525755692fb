"""A NumPy autograd engine that records a computation graph, for the book "Deep Learning from Scratch"."""

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

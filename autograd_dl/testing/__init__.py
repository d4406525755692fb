"""Checks of gradients against numerical differentiation."""

from .check import GradientError as GradientError
from .check import Report as Report
from .check import check_gradients as check_gradients
from .differences import derivative as derivative

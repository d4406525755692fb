"""Training: the book's Trainer, which can be resumed from checkpoints; ensembles of networks; smooth curves."""

from .curves import smooth_curve
from .ensemble import Ensemble
from .optimizers import OPTIMIZER_PARAM, OPTIMIZERS, optimizer_named
from .protocols import Network, Optimizer
from .trainer import Trainer

__all__ = [
    "OPTIMIZERS",
    "OPTIMIZER_PARAM",
    "Ensemble",
    "Network",
    "Optimizer",
    "Trainer",
    "optimizer_named",
    "smooth_curve",
]  # fmt: skip

"""Training: the book's Trainer, which can be resumed from checkpoints; ensembles of networks; smooth curves."""

from .curves import smooth_curve
from .ensemble import Ensemble
from .optimizers import OPTIMIZERS, optimizer_named
from .trainer import Trainer

__all__ = [
    "OPTIMIZERS",
    "Ensemble",
    "Trainer",
    "optimizer_named",
    "smooth_curve",
]  # fmt: skip

"""Training: the book's Trainer, which can be resumed from checkpoints; ensembles of networks; smooth curves."""

from .curves import smooth_curve as smooth_curve
from .ensemble import Ensemble as Ensemble
from .optimizers import OPTIMIZER_PARAM as OPTIMIZER_PARAM
from .optimizers import OPTIMIZERS as OPTIMIZERS
from .optimizers import optimizer_named as optimizer_named
from .protocols import Network as Network
from .protocols import Optimizer as Optimizer
from .trainer import Trainer as Trainer

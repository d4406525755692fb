"""Data sets, the reading of their files, and mini-batches of them."""

from .augmentation import crop, flip, rotate, scale, shift
from .batches import MiniBatches, shuffle_dataset, split_validation
from .mnist import load_mnist

__all__ = [
    "MiniBatches",
    "crop",
    "flip",
    "load_mnist",
    "rotate",
    "scale",
    "shift",
    "shuffle_dataset",
    "split_validation",
]  # fmt: skip

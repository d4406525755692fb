"""Data sets, the reading of their files, and mini-batches of them."""

from .augmentation import crop as crop
from .augmentation import flip as flip
from .augmentation import rotate as rotate
from .augmentation import scale as scale
from .augmentation import shift as shift
from .batches import MiniBatches as MiniBatches
from .batches import shuffle_dataset as shuffle_dataset
from .batches import split_validation as split_validation
from .mnist import load_mnist as load_mnist

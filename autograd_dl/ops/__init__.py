"""The ops: NumPy's functions with their derivatives, a few of our own, and how to add one."""

from ..table import defvjp as defvjp
from . import calculus as calculus
from . import joining as joining
from . import linalg as linalg
from . import methods as methods
from . import plain as plain
from . import products as products
from . import statistics as statistics
from .convolution import col2im as col2im
from .convolution import conv_output_size as conv_output_size
from .convolution import im2col as im2col
from .entry import composed as composed
from .entry import primitive as primitive
from .fused import relu as relu
from .fused import sigmoid as sigmoid
from .fused import softmax as softmax
from .fused import softmax_cross_entropy as softmax_cross_entropy
from .fused import standardize as standardize
from .images import conv2d as conv2d
from .images import conv2d_filter as conv2d_filter
from .images import conv2d_input as conv2d_input
from .images import max_pool2d as max_pool2d
from .images import sum_pool2d as sum_pool2d
from .indexing import scatter_add as scatter_add
from .reduction import logsumexp as logsumexp
from .special import erf as erf

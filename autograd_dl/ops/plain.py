"""The NumPy functions whose results have no gradient: on Tensors they return what they return on arrays."""

from __future__ import annotations

import numpy as np

from .entry import plain

# fmt: off
plain([
    # comparisons and logic
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.logical_and, np.logical_or,
    np.logical_not, np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert,
    np.left_shift, np.right_shift, np.bitwise_count, np.gcd, np.lcm,
    np.isfinite, np.isinf, np.isnan, np.isneginf, np.isposinf, np.signbit, np.isreal, np.iscomplex, np.isnat,
    np.isclose, np.allclose, np.array_equal, np.array_equiv, np.all, np.any,
    # places and counts
    np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition, np.argwhere, np.nonzero,
    np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize, np.bincount, np.histogram, np.histogram2d,
    np.histogramdd, np.histogram_bin_edges, np.lexsort, np.unravel_index, np.ravel_multi_index,
    np.tril_indices_from, np.triu_indices_from, np.diag_indices_from, np.ix_,
    np.unique, np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values,
    np.isin, np.intersect1d, np.setdiff1d, np.setxor1d, np.union1d,
    # arrays of the same shape, and questions about shape, dtype and memory
    np.zeros_like, np.ones_like, np.empty_like, np.full_like,
    np.result_type, np.can_cast, np.min_scalar_type, np.common_type, np.iscomplexobj, np.isrealobj,
    np.may_share_memory, np.shares_memory, np.linalg.matrix_rank, np.linalg.cond,
    # text and files
    np.array2string, np.array_repr, np.array_str, np.save, np.savez, np.savez_compressed, np.savetxt,
])
# fmt: on

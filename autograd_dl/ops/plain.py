"""The NumPy functions whose results have no gradient: on Tensors they return what they return on arrays."""

from __future__ import annotations

import numpy as np

from .entry import plain, plain_of_constants, present

plain(
    present("""
    equal not_equal less less_equal greater greater_equal logical_and logical_or logical_not logical_xor
    bitwise_and bitwise_or bitwise_xor invert left_shift right_shift bitwise_count gcd lcm
    isfinite isinf isnan isneginf isposinf signbit isreal iscomplex isnat
    isclose allclose array_equal array_equiv all any

    argmax argmin nanargmax nanargmin argsort argpartition argwhere nonzero flatnonzero count_nonzero
    searchsorted digitize lexsort unravel_index ravel_multi_index
    tril_indices_from triu_indices_from diag_indices_from ix_
    isin in1d packbits unpackbits

    zeros_like ones_like empty_like imag
    size ndim shape result_type can_cast min_scalar_type common_type iscomplexobj isrealobj
    may_share_memory shares_memory einsum_path linalg.matrix_rank

    array2string array_repr array_str save savez savez_compressed savetxt
    """)
)

BY_PLACES = "take its values by their places, as in t[np.unique(t.numpy(), return_index=True)[1]]"

plain_of_constants([np.histogram_bin_edges], {"a"}, "use np.linspace(t.min(), t.max(), bins + 1)")
plain_of_constants(present("histogram histogram2d histogramdd"), {"weights"}, "use np.bincount")
plain_of_constants(
    present("""
    unique unique_all unique_counts unique_inverse unique_values intersect1d setxor1d union1d
    """),
    {"ar", "ar1", "ar2", "x"},
    BY_PLACES,
)
plain_of_constants([np.setdiff1d], {"ar1"}, BY_PLACES)

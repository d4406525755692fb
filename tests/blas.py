"""What tests ask of NumPy's BLAS."""

import pytest


def blas_threads():
    """How many threads it has now. (PyTorch brings one of its own.)"""
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="the extra 'train' is not installed")
    found = threadpoolctl.ThreadpoolController().select(user_api="blas").info()
    own = [library for library in found if "numpy" in library["filepath"]]
    return {library["num_threads"] for library in own or found}

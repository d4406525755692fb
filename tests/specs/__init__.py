"""The spec rows: for each entry of the table of derivatives, where and how it is tested."""

import functools

from autograd_dl.testing.levels import listed as listed

from . import elementwise, fused, images, indexing, linalg, products, reduction, shape
from .base import Case as Case
from .base import Spec as Spec

SPECS: list[Spec] = [
    spec
    for part in (elementwise, reduction, shape, indexing, products, linalg, images, fused)
    for spec in part.SPECS
    if spec is not None
]


def is_ours(entry) -> bool:
    """Whether it is an entry of the table as the package made it, and not one that some test added."""
    return (getattr(entry, "__module__", None) or "numpy").partition(".")[0] in ("numpy", "autograd_dl")


@functools.cache
def cases_of(spec: Spec, seed: int = 0) -> list[Case]:
    """The cases of a row, made once."""
    return spec.cases(seed)


def examples(spec: Spec, count: int = 6) -> list[Case]:
    """Some cases of a row, the same in each run."""
    return cases_of(spec)[:count]

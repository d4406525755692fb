"""Random generators in files: the state of one as an array, and back, so that a stream of numbers can be resumed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

Seed = int | Sequence[int] | np.random.SeedSequence | np.random.Generator | None
"""What `np.random.default_rng` takes; None is another seed each time."""

KINDS = {
    kind.__name__: kind
    for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
}


def pack_generator(rng: np.random.Generator) -> NDArray[np.uint8]:
    """The state of a generator, as bytes of JSON: its integers have up to 128 bits, which no dtype has.

    >>> rng = np.random.default_rng(0)
    >>> state = pack_generator(rng)
    >>> rng.random() == unpack_generator(state).random()
    True
    """
    return pack_json(rng.bit_generator.state)


def unpack_generator(state: NDArray[Any]) -> np.random.Generator:
    """A generator that goes on where the packed one was. (What `spawn` makes of it is not the same.)

    Raises `DataError` if the array is no such state.
    """
    facts = unpack_json(state)
    try:
        bits = KINDS[facts["bit_generator"]]()
        bits.state = facts
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        raise DataError(f"this is not the state of a random generator ({error!r})") from error
    return np.random.Generator(bits)


def pack_json(content: Any) -> NDArray[np.uint8]:
    """Numbers, strings, lists and dicts as bytes of JSON, in an array that a file of arrays can hold."""
    text = json.dumps(content, default=_listed, sort_keys=True)
    return np.frombuffer(text.encode(), np.uint8)


def _listed(value: Any) -> Any:
    """An array, or a number of NumPy's, as Python's own."""
    if not isinstance(value, (np.ndarray, np.generic)):
        raise TypeError(f"JSON knows no {type(value).__name__}")
    return value.tolist()


def unpack_json(array: NDArray[Any]) -> Any:
    """What was packed. Raises `DataError` if the array does not hold bytes of JSON."""
    array = np.asarray(array)
    if array.dtype != np.uint8 or array.ndim != 1:
        raise DataError(f"packed JSON is a row of bytes, not {array.dtype} {array.shape}")
    try:
        return json.loads(array.tobytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"these bytes are no JSON ({error})") from error

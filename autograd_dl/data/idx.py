"""IDX, the file format of MNIST: a big-endian header (magic number, then sizes), then unsigned bytes."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes with `ndim` dimensions, as a read-only array.

    The header is checked against the length that gzip states before anything of that size is allocated.

    Raises
    ------
    DataError
        If the file is no such file, or holds more or less than its header says.
    OSError
        If it cannot be read.
    """
    try:
        with gzip.open(path) as file:
            header = file.read(4 + 4 * ndim)
            shape = _shape(path, header, ndim)
            size = math.prod(shape)
            stated = _stated_length(path)
            if (len(header) + size) % 2**32 != stated:
                raise DataError(
                    f"{path}: with its header's {shape} it has {len(header) + size} bytes; gzip says {stated}"
                )
            content = file.read(size + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: not a whole gzip file ({error})") from error
    if len(content) != size:
        more = "more" if len(content) > size else "less"
        raise DataError(f"{path}: the header says {shape}, {size} bytes, and the file holds {more}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _shape(path: Path, header: bytes, ndim: int) -> tuple[int, ...]:
    magic = 0x0800 | ndim
    if len(header) != 4 + 4 * ndim:
        raise DataError(f"{path}: too short for an IDX header of {ndim} dimensions")
    found, *shape = struct.unpack(f">{1 + ndim}I", header)
    if found != magic:
        raise DataError(f"{path}: the magic number is {found:#010x}, not {magic:#010x} (bytes in {ndim} dimensions)")
    return tuple(shape)


def _stated_length(path: Path) -> int:
    """The last four bytes of a gzip file: the length of its content, modulo 2**32."""
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(4), "little")

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

BYTES = 0x0800
"""The magic number of a file of unsigned bytes, but for the number of dimensions."""
DENSEST = 1032
"""Deflate, which gzip uses, packs at most this many bytes into one."""


def read_idx(path: Path, ndim: int) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes with `ndim` dimensions, as a read-only array.

    The header is checked against the length of the file, and the length that gzip states, before anything of the size
    that it claims is allocated.

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
            if not size:
                raise DataError(f"{path}: the header says {shape}: there is nothing in the file")
            _check_length(path, shape, len(header) + size)
            content = file.read(size + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path}: not a whole gzip file ({error})") from error
    if len(content) != size:
        found = "more" if len(content) > size else f"only {len(content)}"
        raise DataError(f"{path}: the header says {shape}, {size} bytes, and {found} follow it")
    return np.frombuffer(content, np.uint8).reshape(shape)


def header_of(content: NDArray[np.uint8]) -> bytes:
    """The header of a file of this content."""
    return struct.pack(f">{1 + content.ndim}I", BYTES | content.ndim, *content.shape)


def _shape(path: Path, header: bytes, ndim: int) -> tuple[int, ...]:
    """The dimensions in a header, whose magic number is checked."""
    magic = BYTES | ndim
    if len(header) != 4 + 4 * ndim:
        raise DataError(f"{path}: the header takes {4 + 4 * ndim} bytes, and the file holds only {len(header)}")
    found, *shape = struct.unpack(f">{1 + ndim}I", header)
    if found != magic:
        raise DataError(f"{path}: the magic number is {found:#010x}, not {magic:#010x} (bytes in {ndim} dimensions)")
    return tuple(shape)


def _check_length(path: Path, shape: tuple[int, ...], claimed: int) -> None:
    """Compare the length that the header claims with the packed length, and with the file's last four bytes.

    These are the length of the content, modulo 2**32.
    """
    with path.open("rb") as file:
        packed = file.seek(-4, os.SEEK_END) + 4
        stated = int.from_bytes(file.read(4), "little")
    if claimed % 2**32 != stated or claimed > packed * DENSEST:
        raise DataError(
            f"{path}: the header says {shape}, which makes a file of {claimed} bytes; "
            f"gzip states {stated}, packed into {packed}"
        )

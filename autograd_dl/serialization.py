"""Arrays in files: safetensors, written whole or not at all, with a checksum of their content. Never pickle."""

from __future__ import annotations

import hashlib
import os
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError
from .optional import need

CHECKSUM = "sha256"
"""The key of the checksum in a file's metadata."""


def save_arrays(file: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays to a safetensors file, with the SHA-256 of their content.

    The file is replaced whole: whatever interrupts the writing leaves the old one as it was.

    Raises
    ------
    DataError
        If the file's name ends in anything but .safetensors.
    """
    path = Path(file)
    if path.suffix != ".safetensors":
        raise DataError(f"weights are written as safetensors: write to {path.with_suffix('.safetensors').name!r}")
    safetensors = need("safetensors.numpy", "train")
    # safetensors 0.8 writes the memory of an array that is not C-contiguous in the wrong order, and says nothing
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    data = safetensors.save(contiguous, metadata={CHECKSUM: _checksum(contiguous)})
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def load_arrays(file: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read named arrays from a safetensors file (its checksum, if any, is checked), or from an .npz file.

    Raises
    ------
    DataError
        If the file is damaged, or of another kind. A pickle file is never loaded, since that can run any program.
    OSError
        If it cannot be read.
    """
    path = Path(file)
    if path.suffix == ".npz":
        return _load_npz(path)
    if path.suffix != ".safetensors":
        raise DataError(f"{path}: weights are read from .safetensors or .npz files, never from pickle")
    safetensors = need("safetensors", "train")
    try:
        with safetensors.safe_open(path, framework="np") as opened:
            stored = (opened.metadata() or {}).get(CHECKSUM)
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 -- not a mapping
    except safetensors.SafetensorError as error:
        raise DataError(f"{path}: not a whole safetensors file ({error})") from error
    if stored is not None and stored != _checksum(arrays):
        raise DataError(f"{path}: the content does not have the checksum that was stored with it; the file is damaged")
    return arrays


def _load_npz(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as opened:
            return dict(opened)
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{path}: not a file of plain NumPy arrays ({error})") from error


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; the file takes the place of `path`, once on the disk, if no error occurs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Wait until the file (or folder, where the system can) is on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        if path.is_dir():
            return
        raise
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

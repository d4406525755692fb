"""Arrays in files: safetensors, written whole or not at all, with a checksum of their content. Never pickle."""

from __future__ import annotations

import glob
import hashlib
import json
import math
import os
import secrets
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .errors import DataError
from .optional import need
from .tensor import Tensor, bare

if sys.platform != "win32":
    import fcntl

__all__ = ["load_arrays", "load_metadata", "save_arrays"]

OURS = "autograd_dl"
"""The entry of a file's metadata that is ours, in JSON: one, since safetensors writes several in any order."""
CHECKSUM = "sha256"
PAUSES = [0.01 * 1.5**k for k in range(10)]
"""Seconds between attempts to give a file its name, about one in all."""
NO_METADATA: Mapping[str, str] = MappingProxyType({})


def save_arrays(
    file: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any] | np.generic | Tensor],
    metadata: Mapping[str, str] = NO_METADATA,
) -> None:
    """Write named arrays or Tensors to a safetensors file, with the SHA-256 of their content and this metadata.

    The file is replaced whole: whatever interrupts the writing leaves the old one as it was.

    Raises
    ------
    DataError
        If the file's name ends in anything but .safetensors, or an array or its name is none that the format knows; or
        if arrays or metadata are no mapping, or the metadata not strings, under strings other than "sha256".
    OSError
        If it cannot be written.
    MissingExtraError
        If the extra "train" is not installed.
    """
    path = Path(file)
    if path.suffix != ".safetensors":
        raise DataError(f"weights are written as safetensors: write to '{path.stem}.safetensors', not {path.name!r}")
    for what, given in {"arrays": arrays, "metadata": metadata}.items():
        if not isinstance(given, Mapping):
            raise DataError(f"{what} are written under names, as a dict, not {type(given).__name__}")
    safetensors = need("safetensors", "train")
    plain = {_checked(name): _plain(name, bare(array)) for name, array in arrays.items()}
    if not _are_strings(metadata):
        raise DataError(f"metadata are strings under strings, not {dict(metadata)}")
    if CHECKSUM in metadata:
        raise DataError(f"metadata cannot have {CHECKSUM!r}, which is the file's own checksum: choose another name")
    try:
        told = json.dumps({**metadata, CHECKSUM: _checksum(plain)}, ensure_ascii=False)
        data = need("safetensors.numpy", "train").save(plain, metadata={OURS: told})
    except (safetensors.SafetensorError, UnicodeEncodeError) as error:
        raise DataError(f"{path}: these arrays cannot be written ({error})") from error
    write_bytes(path, data)


def load_arrays(file: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read named arrays from a safetensors file (its checksum, if any, is checked), or from an .npz file.

    Raises
    ------
    DataError
        If the file is damaged, or of another kind. A pickle file is never loaded, since that can run any program.
    OSError
        If it cannot be read.
    MissingExtraError
        If it is a safetensors file, and the extra "train" is not installed.
    """
    return load_whole(file)[0]


def load_metadata(file: str | os.PathLike[str]) -> dict[str, str]:
    """What was written beside the arrays of a safetensors file; nothing for an .npz file. Raises as `load_arrays`."""
    return load_whole(file)[1]


def load_whole(file: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """What `load_arrays` and `load_metadata` read, at once. Raises as they do."""
    path = Path(file)
    if path.suffix not in (".safetensors", ".npz"):
        path.open("rb").close()
        raise DataError(
            f"{path}: weights are read from .safetensors or .npz files, never from pickle, which can run any program; "
            "docs/book.md has the lines that turn the book's .pkl files into .npz"
        )
    return (_load_npz(path), {}) if path.suffix == ".npz" else _load_safetensors(path)


def _load_safetensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Its arrays, which have the checksum that was stored, if any; and its metadata."""
    safetensors = need("safetensors", "train")
    path.open("rb").close()  # what cannot be read is an OSError that has the file's name
    try:
        with safetensors.safe_open(path, framework="np") as opened:
            metadata = dict(json.loads((opened.metadata() or {}).get(OURS, "{}")))
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 -- not a mapping
    except (safetensors.SafetensorError, AttributeError, TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a whole safetensors file of NumPy's dtypes ({error})") from error
    if not _are_strings(metadata):
        raise DataError(f"{path}: metadata are strings under strings, not {metadata}")
    stored = metadata.pop(CHECKSUM, None)
    if stored is not None and stored != _checksum(arrays):
        raise DataError(f"{path}: the content does not have the checksum that was stored with it; the file is damaged")
    return arrays, metadata


def _are_strings(metadata: Mapping[Any, Any]) -> bool:
    return all(isinstance(text, str) for entry in metadata.items() for text in entry)


def _load_npz(path: Path) -> dict[str, NDArray[Any]]:
    content = path.read_bytes()
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return {name.removesuffix(".npy"): _load_npy(archive.read(name)) for name in archive.namelist()}
    except Exception as error:  # the content is in memory: whatever goes wrong, it is at fault
        raise DataError(f"{path}: not a file of plain NumPy arrays ({error})") from error


def _load_npy(content: bytes) -> NDArray[Any]:
    stream = BytesIO(content)
    first = np.lib.format.read_magic(stream) == (1, 0)
    read_header = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    if math.prod(shape) * dtype.itemsize > len(content):  # before NumPy allocates so much
        raise ValueError(f"a header claims {shape} of {dtype}, and {len(content)} bytes are there")
    stream.seek(0)
    return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


def _checked(name: Any) -> str:
    if not isinstance(name, str):
        raise DataError(f"arrays are stored under strings, not under {name!r}")
    if name == "__metadata__":
        raise DataError("no array can be stored as '__metadata__', which is what the format itself calls its notes")
    return name


def _plain(name: str, array: Any) -> NDArray[Any]:
    """The array as it stands in a file: in C order, little-endian.

    (safetensors 0.8 writes the memory of an array that is not C-contiguous in the wrong order, and says nothing.)
    """
    if not hasattr(array, "dtype"):
        raise DataError(f"{name!r} is a {type(array).__name__}, no array: convert it with np.asarray first")
    if isinstance(array, np.ma.MaskedArray):
        raise DataError(f"{name!r} is a masked array and would lose its mask: write its data and its mask apart")
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = _plain(name, arrays[name])
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file, which is replaced whole, as `replacing` does it; returns its path."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; the file takes the place of `path`, once on the disk, if no error occurs.

    An `OSError` names `path`. (A process that is killed outright may leave the file beside, until the next one takes
    the place of `path`; but never a part of a file under the name `path` itself.)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = f".{_beginning(path.name)}."
    _remove_left(path.parent, beside)
    try:
        with new_file(path.parent, beside) as held:
            temporary = Path(held.name)
            yield temporary
            _close_on_windows(held)
            _flush(temporary, os.O_RDWR)  # for writing: Windows flushes nothing else
            _put(temporary, path)
        with suppress(OSError):  # not every system can do so with a folder
            _flush(path.parent, os.O_RDONLY)
    except OSError as error:
        if error.errno is not None and Path(str(error.filename or beside)).name.startswith(beside):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _beginning(name: str) -> str:
    """The beginning of a file's name, of 100 bytes at most: systems limit bytes, of which a letter may take several."""
    name = name[:100]
    while len(os.fsencode(name)) > 100:
        name = name[:-1]
    return name


@contextmanager
def new_file(folder: Path, beginning: str) -> Iterator[BinaryIO]:
    """A new file of such a name, held until the block ends, and removed then if it still has that name."""
    held = _held_file(folder, beginning)
    try:
        yield held
    finally:
        held.close()
        Path(held.name).unlink(missing_ok=True)


def _held_file(folder: Path, beginning: str) -> BinaryIO:
    """A new file that is held. (Before it is, another process may take it for one that was left: then the next one.)"""
    while True:
        held = (folder / f"{beginning}{secrets.token_hex(8)}.tmp").open("xb")
        try:
            _lock(held)
        except BlockingIOError:
            held.close()
        except OSError:  # nobody can hold a file on this file system: none is removed there
            return held
        else:
            if Path(held.name).exists():
                return held
            held.close()


def _remove_left(folder: Path, beginning: str) -> None:
    """Remove what killed processes left: files of such names that nobody holds any more."""
    for left in folder.glob(f"{glob.escape(beginning)}*.tmp"):
        with suppress(OSError), left.open("rb") as file:
            _lock(file)
            _close_on_windows(file)
            left.unlink()


def _lock(file: BinaryIO) -> None:
    """Hold a file as long as it is open; raises BlockingIOError where another process does."""
    if sys.platform != "win32":
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _close_on_windows(file: BinaryIO) -> None:
    """Close a file, and with it give up the lock, where the system cannot rename or remove an open one."""
    if sys.platform == "win32":
        file.close()


def _put(temporary: Path, path: Path) -> None:
    """Give a file its name.

    Windows refuses that while another program, such as a virus scanner, has the file open: it is asked for a second.
    """
    for pause in PAUSES if sys.platform == "win32" else ():
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    temporary.replace(path)


def _flush(path: Path, access: int) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, access)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

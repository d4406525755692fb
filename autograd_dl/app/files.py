"""The files that the command writes: numbers as JSON, figures as PNG; and whether they can be written at all."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path
from typing import Any

from autograd_dl.errors import DataError
from autograd_dl.serialization import new_file, replacing, write_bytes


def refuse_unwritable(folder: Path, *names: str) -> None:
    """Fail now, not after hours, if nothing can be written there, under these names, or the folder cannot be made."""
    for name in names:
        if (folder / name).is_dir():
            raise DataError(
                f"{folder / name} is a folder, and a file is to be written there; move it, or give another --out"
            )
    above = folder.absolute()
    drive = Path(above.anchor)  # of Windows, where there may be none of that letter
    there = next((path for path in (folder, *above.parents) if path.exists() or path.is_symlink()), drive)
    if there.is_symlink() and not there.exists():
        raise DataError(f"{there} is a link that leads nowhere, and a folder is to be made there; give another --out")
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    try:
        with new_file(there, ".autograd_dl."):
            pass
    except OSError as error:
        error.filename = str(there)  # not the temporary name in it
        raise


def write_json(file: Path, content: Any, indent: int | None = None) -> Path:
    """Write numbers as JSON; returns the file."""
    return write_bytes(file, json.dumps(plain(content), allow_nan=False, indent=indent).encode())


def write_figure(file: Path, figure: Any, dpi: int = 120) -> Path:
    """Write a figure of matplotlib as PNG; returns the file."""
    with replacing(file) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi)
    return file


def plain(value: Any) -> Any:
    """Numbers as JSON has them: no NaN and no infinity, for which null stands, and no arrays."""
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

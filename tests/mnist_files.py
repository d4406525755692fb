"""Where tests find the full MNIST, and how they make small files of its kind."""

import gzip
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


def _find_full() -> Path | None:
    named = os.environ.get("AUTOGRAD_DL_DATA")
    beside = Path(__file__).parents[2] / "shared" / "data" / "mnist"
    return Path(named) if named else beside if beside.is_dir() else None


FULL = _find_full()


def needs_full(test):
    """Mark a test that reads the full MNIST, and skip it where there is none."""
    absent = pytest.mark.skipif(FULL is None, reason="AUTOGRAD_DL_DATA names no folder with the full MNIST")
    return pytest.mark.full_mnist(absent(test))


def idx(array, *, magic: int | None = None, shape: tuple[int, ...] | None = None) -> bytes:
    """The content of an IDX file; `magic` and `shape` put something wrong into its header."""
    magic = 0x0800 | array.ndim if magic is None else magic
    shape = array.shape if shape is None else shape
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + array.astype(np.uint8).tobytes()


def small_set(count: int) -> dict[str, bytes]:
    """The uncompressed content of four files: `count` images of noise in each half."""
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(2, count, 28, 28))
    labels = rng.integers(10, size=(2, count))
    return {
        IMAGES: idx(images[0]),
        LABELS: idx(labels[0]),
        TEST_IMAGES: idx(images[1]),
        TEST_LABELS: idx(labels[1]),
    }


def write_set(folder: Path, contents: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(gzip.compress(content, 1))
    return folder


def take_for_full(monkeypatch: pytest.MonkeyPatch, folder: Path, count: int) -> Path:
    """A folder with so many images in each half, which is taken for the full set from now on."""
    monkeypatch.setattr("autograd_dl.data.mnist.COUNTS", {"train": count, "t10k": count})
    monkeypatch.setenv("AUTOGRAD_DL_DATA", str(folder))
    return write_set(folder, small_set(count))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

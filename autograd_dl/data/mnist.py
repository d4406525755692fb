"""MNIST, the handwritten digits of Y. LeCun, C. Cortes and C. Burges: all of them, or the part that is shipped here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..optional import need, on_terminal
from ..serialization import replacing
from .batches import Split
from .idx import header_of, read_idx

COUNTS = {"train": 60_000, "t10k": 10_000}
SUBSET_COUNT = 5_000
SUBSET = Path(__file__).parent / "mnist_subset"
FOLDER_VARIABLE = "AUTOGRAD_DL_DATA"
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)
SHA256 = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Of the uncompressed content: mirrors may have compressed it anew."""

SUBSET_WAY = "the subset (--data subset, or load_mnist(subset=True)) comes with the package"

Images = NDArray[np.uint8]


def load_mnist(
    normalize: bool = True, flatten: bool = True, one_hot_label: bool = False, *, subset: bool = False
) -> tuple[Split, Split]:
    """The digits, as `(x_train, t_train), (x_test, t_test)`.

    The full set has 60,000 training and 10,000 test images. It is read from the folder that the environment variable
    AUTOGRAD_DL_DATA names, or else downloaded once into the user's cache folder, and once more if a file there gets
    damaged. The subset, 500 training images of each digit and all test images, is part of the package.

    Parameters
    ----------
    normalize : bool
        Images as float32 from 0 to 1; if False, as uint8 from 0 to 255.
    flatten : bool
        Images of shape (N, 784); if False, (N, 1, 28, 28).
    one_hot_label : bool
        Labels as float32 rows, (N, 10); if False, as uint8, (N,).
    subset : bool
        Whether to load the part that needs no network.

    Raises
    ------
    DataError
        If the full set can be had neither way, or a file is damaged. It is never replaced by the subset.
    MissingExtraError
        If it must be downloaded and the extra "train" is not installed.
    OSError
        If a file cannot be read, or one that was downloaded cannot be written.
    TypeError
        If a flag is neither true nor false, but a word.
    """
    flags = {"normalize": normalize, "flatten": flatten, "one_hot_label": one_hot_label, "subset": subset}
    for name, flag in flags.items():
        if isinstance(flag, str):
            raise TypeError(
                f"load_mnist takes True or False for {name}, not {flag!r}; the subset is load_mnist(subset=True)"
            )
    folder, read = _source(subset)
    train, test = (_read_split(folder, read, name, whole=not subset) for name in COUNTS)
    return _prepared(*train, normalize, flatten, one_hot_label), _prepared(*test, normalize, flatten, one_hot_label)


def count_training_images(*, subset: bool = False) -> int:
    """How many there are, told without loading them."""
    return SUBSET_COUNT if subset else COUNTS["train"]


def _read_split(folder: Path, read: Callable[[Path], Images], name: str, whole: bool) -> Split:
    """The images and labels of "train" or "t10k" as they are in the files; all of them, if it is to be `whole`."""
    image_file, label_file = (folder / file for file in SHA256 if file.startswith(name))
    images, labels = read(image_file), read(label_file)
    if images.shape[1:] != (28, 28):
        raise DataError(f"{image_file}: the images are {images.shape[1:]}; those of MNIST are (28, 28)")
    if len(images) != len(labels):
        raise DataError(f"{label_file} has {len(labels)} labels, for {len(images)} images in {image_file.name}")
    if labels.size and labels.max() > 9:
        raise DataError(f"{label_file}: there is a label {labels.max()}; digits are 0 to 9")
    if whole and len(images) != COUNTS[name]:
        raise DataError(f"{image_file} has {len(images)} images, and the full set {COUNTS[name]}; {SUBSET_WAY}")
    return images, labels


def _prepared(images: Any, labels: Any, normalize: bool, flatten: bool, one_hot_label: bool) -> Split:
    x = np.divide(images, np.float32(255)) if normalize else images.copy()
    t = np.eye(10, dtype=np.float32)[labels] if one_hot_label else labels.copy()
    return x.reshape((len(x), 784) if flatten else (len(x), 1, 28, 28)), t


def _source(subset: bool) -> tuple[Path, Callable[[Path], Images]]:
    """The folder of the four files, and how a file is read there."""
    if subset:
        return SUBSET, _read
    named = os.environ.get(FOLDER_VARIABLE)
    if not named:
        return Path(need("pooch", "train").os_cache("autograd_dl")) / "mnist", _read_cached
    try:
        return Path(named).expanduser(), _read_named
    except RuntimeError as error:
        raise DataError(f"{FOLDER_VARIABLE} names {named}, and there is no such home folder") from error


def _read(path: Path, name: str | None = None) -> Images:
    """The images or labels in a file, as its name says, or `name`, if it is kept under another for now."""
    return read_idx(path, 3 if "images" in (name or path.name) else 1)


def _read_named(path: Path) -> Images:
    """A file of the folder that the user has named."""
    if not path.exists():
        raise DataError(
            f"{path} is missing; the folder that {FOLDER_VARIABLE} names needs the four files {', '.join(SHA256)}; "
            f"{SUBSET_WAY}"
        )
    return _read(path)


def _read_cached(path: Path) -> Images:
    """A file of the cache, downloaded if it is missing or damaged."""
    if not path.exists():
        _download(path, "the full MNIST is not here")
    try:
        return _read_right(path)
    except DataError:
        _download(path, f"{path} is damaged")
        return _read_right(path)


def _read_right(path: Path, name: str | None = None) -> Images:
    """What `_read` reads, if the full set has the same under this name; else raises `DataError`."""
    content = _read(path, name)
    _check(name or path.name, content)
    return content


def _download(path: Path, fault: str) -> None:
    """Fetch one file from the first mirror that has it, and keep it if its content is right."""
    pooch = need("pooch", "train")
    failures = []
    for mirror in MIRRORS:
        try:
            with replacing(path) as temporary:
                fetch = pooch.HTTPDownloader(timeout=30, progressbar=on_terminal())
                fetch(mirror + path.name, str(temporary), None)
                _read_right(temporary, path.name)
            return
        except Exception as error:  # of the network, of its libraries, of the file: the next mirror may do better
            if _is_local(error):
                raise
            failures.append(f"{mirror}: {_cause(error)}")
    raise DataError(
        f"{fault}, and could not be downloaded. Either try again with a network that reaches one of "
        f"the mirrors, or put the four files {', '.join(SHA256)} into a folder and name it in {FOLDER_VARIABLE}; "
        f"{SUBSET_WAY}. ({path.name}: {'; '.join(failures)})"
    )


def _cause(error: Exception) -> str:
    """In a few words: of a lost connection, requests tells in hundreds of letters."""
    text = str(error).partition(" for url")[0]
    return text if isinstance(error, DataError) or len(text) < 80 else type(error).__name__


def _is_local(error: Exception) -> bool:
    """Whether no mirror is to blame, but a file here: a full disk, say. (What requests raises has no errno.)"""
    network = isinstance(error, (ConnectionError, TimeoutError))
    return isinstance(error, OSError) and error.errno is not None and not network


def _check(name: str, content: Images) -> None:
    digest = hashlib.sha256(header_of(content))
    digest.update(content.data)
    found = digest.hexdigest()
    if found != SHA256[name]:
        raise DataError(f"the content of {name} has the SHA-256 {found}, not {SHA256[name]}")

"""Images changed a little at random, so that a network sees more of them than there are (book, section 8.1.2).

Each function takes images (batch, channels, height, width) and a generator, changes each image in its own way, all its
channels alike, and returns new images of the same dtype. What comes in from outside an image is 0. With other settings:
`functools.partial(rotate, degrees=20)`. All raise `ShapeError` for images of another shape, and `DTypeError` for what
is no array, or a seed in place of a generator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DTypeError, ShapeError

Images = NDArray[Any]


def crop(images: Images, rng: np.random.Generator, size: tuple[int, int], pad: int = 0) -> Images:
    """A part of `size` (height, width) from each image, around which `pad` pixels of 0 are put before.

    Images are (batch, channels, height, width). Raises `ShapeError` for others, if `size` is no pair of whole numbers,
    or if the images are smaller than that part, and ValueError if `pad` is negative.
    """
    _check(images, rng)
    if np.shape(size) != (2,) or not all(isinstance(n, (int, np.integer)) for n in size):
        raise ShapeError(f"the size of a part is a pair of whole numbers, (height, width), not {size!r}")
    if pad < 0:
        raise ValueError(f"images have 0 or more pixels put around them, not {pad}")
    padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    room = np.subtract(padded.shape[2:], size)
    if min(room) < 0 or min(size) < 1:
        raise ShapeError(f"no part of {size} can be taken from images of {padded.shape[2:]}")
    top, left = (rng.integers(n + 1, size=len(images)) for n in room)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(2, 3))
    return windows[np.arange(len(images)), :, top, left]


def flip(images: Images, rng: np.random.Generator, probability: float = 0.5) -> Images:
    """Each image, (batch, channels, height, width), mirrored, left to right, with that probability.

    Raises `ShapeError` for other images, and ValueError if the probability is none.
    """
    _check(images, rng)
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability is at least 0 and at most 1, not {probability}")
    mirrored = rng.random(len(images)) < probability
    return np.where(mirrored[:, None, None, None], images[..., ::-1], images)


def shift(images: Images, rng: np.random.Generator, most: int = 2) -> Images:
    """Each image, (batch, channels, height, width), moved by at most so many whole pixels, in both directions.

    Raises `ShapeError` for other images, and ValueError if `most` is negative.
    """
    _check(images, rng)
    return crop(images, rng, images.shape[2:], pad=most)


def scale(images: Images, rng: np.random.Generator, low: float = 0.9, high: float = 1.1) -> Images:
    """Each image, (batch, channels, height, width), made `low` to `high` times as large; linear between pixels.

    Raises `ShapeError` for other images, and ValueError unless 0 < low <= high, both finite.
    """
    _check(images, rng)
    if not 0 < low <= high < np.inf:
        raise ValueError(f"images are scaled by finite factors above 0, from low to high, not from {low} to {high}")
    return _resampled(images, np.eye(2) / rng.uniform(low, high, size=len(images))[:, None, None])


def rotate(images: Images, rng: np.random.Generator, degrees: float = 10.0) -> Images:
    """Each image, (batch, channels, height, width), turned by at most so many degrees; linear between pixels.

    Raises `ShapeError` for other images, and ValueError if `degrees` is negative or not finite.
    """
    _check(images, rng)
    if not 0 <= degrees < np.inf:
        raise ValueError(f"images are turned by at most 0 or more degrees, not {degrees}")
    angle = np.radians(rng.uniform(-degrees, degrees, size=len(images)))
    cos, sin = np.cos(angle), np.sin(angle)
    return _resampled(images, np.moveaxis(np.array([[cos, sin], [-sin, cos]]), 2, 0))


def _check(images: Images, rng: np.random.Generator) -> None:
    if not hasattr(images, "shape"):
        raise DTypeError(f"images are an array, not a {type(images).__name__}; np.array(images) makes one")
    if rng is None or isinstance(rng, int):
        raise DTypeError(f"images are changed by a generator, such as np.random.default_rng(0), not by {rng}")
    if images.ndim != 4:
        raise ShapeError(f"images have the shape (batch, channels, height, width), not {images.shape}: reshape them")


def _resampled(images: Images, matrices: NDArray[np.float64]) -> Images:
    """Images whose pixel at p, counted from the middle, is the old one at `matrices @ p`, (batch, 2, 2)."""
    size = np.array(images.shape[2:])
    middle = (size - 1) / 2
    grid = np.indices(images.shape[2:]).reshape(2, -1) - middle[:, None]
    # beyond the frame of zeros, of one pixel before and two after, there are but more of them
    place = np.clip(matrices @ grid + middle[:, None], -1, size[:, None])
    corner = np.floor(place)
    dtype = images.dtype if images.dtype.kind == "f" else np.float64
    (below, right), (row, column) = (np.moveaxis(a, 1, 0) for a in ((place - corner).astype(dtype), corner.astype(int)))
    framed = np.pad(np.moveaxis(images, 1, 3), ((0, 0), (1, 2), (1, 2), (0, 0)))
    height, width = framed.shape[1:3]
    first = (np.arange(len(images))[:, None] * height + row + 1) * width + column + 1
    pixels = framed.reshape(-1, images.shape[1])
    mixed = sum(
        pixels.take(first + i * width + j, axis=0) * (abs(1 - i - below) * abs(1 - j - right))[..., None]
        for i in (0, 1)
        for j in (0, 1)
    )
    mixed = np.moveaxis(np.asarray(mixed), 2, 1).reshape(images.shape)
    return mixed if images.dtype == dtype else np.rint(mixed).astype(images.dtype)

"""A data set in another order, in two parts, and in mini-batches."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, DTypeError, ShapeError
from ..tensor import bare
from ..values import check_dict
from .generators import Seed, pack_generator, unpack_generator

Split = tuple[NDArray[Any], NDArray[Any]]
Augmentation = Callable[[NDArray[Any], np.random.Generator], NDArray[Any]]
"""A function of images (batch, channels, height, width) and a generator, such as those of `data.augmentation`."""


def shuffle_dataset(x: Any, t: Any, *, seed: Seed = None) -> Split:
    """The rows of x and t in one random order, copied (book, section 6.5.1). `seed` is what `default_rng` takes.

    Raises `ShapeError` if t has not one row for each of x.
    """
    x, t = _pair(x, t)
    order = np.random.default_rng(seed).permutation(len(x))
    return x[order], t[order]


def split_validation(x: Any, t: Any, share: float = 0.2, *, seed: Seed = None) -> tuple[Split, Split]:
    """Put a share of the rows, chosen at random, aside: `(x_train, t_train), (x_val, t_val)` (book, section 6.5.1).

    Raises
    ------
    ShapeError
        If t has not one row for each of x.
    ValueError
        If the share leaves no row in one of the two parts.
    """
    x, t = shuffle_dataset(x, t, seed=seed)
    count = int(len(x) * share) if 0 < share < 1 else 0
    if not count:
        raise ValueError(f"a share of {share} of {len(x)} rows puts none or all aside, and each part needs one or more")
    return (x[count:], t[count:]), (x[:count], t[:count])


class MiniBatches:
    """Mini-batches (x, t) of a data set, epoch after epoch.

    `draw()` gives one, without end; `for x, t in batches` gives those that are left of an epoch, and begins the next
    one where an epoch has ended. `len(batches)` is the number of batches in an epoch: as many as hold all rows.

    Parameters
    ----------
    x, t : arrays with one row for each sample
    batch_size : int
    replace : bool
        If False, each epoch has every row once, in a new random order, and the last batch may be smaller. If True, each
        batch is drawn from all rows with replacement, as in the book.
    augment : functions of (images, rng)
        Applied to the x of each batch, one after the other. They have a generator of their own: the batches are the
        same with and without them.
    seed : optional
        What `np.random.default_rng` takes.

    Raises
    ------
    ShapeError
        If t has not one row for each of x, or there is none.
    ValueError
        If the batch size is less than 1.
    TypeError
        If it is no whole number.

    >>> batches = MiniBatches(np.arange(5), np.arange(5), 2, seed=0)
    >>> [len(x) for x, t in batches]
    [2, 2, 1]
    """

    def __init__(
        self,
        x: Any,
        t: Any,
        batch_size: int = 100,
        *,
        replace: bool = False,
        augment: Sequence[Augmentation] = (),
        seed: Seed = None,
    ) -> None:
        self.x, self.t = _pair(x, t)
        if not len(self.x):
            raise ShapeError("there is no row to make batches of")
        try:
            self.batch_size = operator.index(batch_size)
        except TypeError:
            raise TypeError(f"a batch has a whole number of samples, not {batch_size!r}") from None
        if self.batch_size < 1:
            raise ValueError(f"a batch has 1 sample or more, not {batch_size}")
        self.replace, self.augment = replace, tuple(augment)
        self.position = 0
        self._order = np.zeros(0, np.int64)
        self._rng, self._augment_rng = np.random.default_rng(seed).spawn(2)

    def __len__(self) -> int:
        return math.ceil(len(self.x) / self.batch_size)

    def __iter__(self) -> Iterator[Split]:
        yield self.draw()
        while self.position:
            yield self.draw()

    def draw(self) -> Split:
        """The next batch, (x, t), copied: `batch_size` rows, or what is left of an epoch; x as `augment` changes it.

        Raises `DTypeError` if an `augment` returns no array, `ShapeError` if it returns another number of rows.
        """
        chosen = self._chosen()
        x = self.x[chosen]
        for change in self.augment:
            x = change(x, self._augment_rng)
            _check_changed(change, x, len(chosen))
        self.position = (self.position + 1) % len(self)
        return x, self.t[chosen]

    def _chosen(self) -> NDArray[np.int64]:
        if self.replace:
            return self._rng.integers(len(self.x), size=self.batch_size)
        if not self.position:
            self._order = self._rng.permutation(len(self.x))
        start = self.position * self.batch_size
        return self._order[start : start + self.batch_size]

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Where the batches are, as arrays: both generators, the order of this epoch, and the position in it."""
        return {
            "rng": pack_generator(self._rng),
            "augment_rng": pack_generator(self._augment_rng),
            "order": self._order.copy(),
            "position": np.array(self.position),
        }

    def load_state_dict(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on where the batches of that state were: the same ones follow, bit for bit.

        Raises `DataError` if it is no state of such batches, `DTypeError` if it is no dict; they have not changed then.
        """
        check_dict("the state", arrays)
        if missing := {"rng", "augment_rng", "order", "position"} - arrays.keys():
            raise DataError(f"the state of the batches lacks {', '.join(sorted(missing))}")
        rng, augment_rng = unpack_generator(arrays["rng"]), unpack_generator(arrays["augment_rng"])
        order, position = np.asarray(arrays["order"]), np.asarray(arrays["position"])
        if position.shape or position.dtype.kind not in "iu" or not 0 <= position < len(self):
            raise DataError(f"the position must be one of the {len(self)} batches of an epoch, not {position}")
        if position and not self.replace and not _is_order(order, len(self.x)):
            raise DataError(f"the order of the batches is none of {len(self.x)} rows")
        self._rng, self._augment_rng = rng, augment_rng
        self._order, self.position = order.copy(), int(position)


def _check_changed(change: Augmentation, x: Any, count: int) -> None:
    """Raise if x cannot be what a function of `augment` makes of so many images."""
    name, shape = getattr(change, "__name__", repr(change)), x.shape if hasattr(x, "shape") else np.shape(x)
    if not shape:
        kind = type(x).__name__
        raise DTypeError(f"augment: {name} must return an array of images, not a {kind}; does it lack a return?")
    if shape[0] != count:
        raise ShapeError(f"augment: {name} must return as many images as it gets, {count}, not an array of {shape}")


def _is_order(order: NDArray[Any], n: int) -> bool:
    """Whether it has each of n rows once."""
    return order.ndim == 1 and order.dtype.kind in "iu" and np.array_equal(np.sort(order), np.arange(n))


def _pair(x: Any, t: Any) -> Split:
    """x and t as arrays with as many rows."""
    x, t = np.asarray(bare(x)), np.asarray(bare(t))
    if not x.ndim or not t.ndim or len(x) != len(t):
        raise ShapeError(f"t must have one row for each of x: they have the shapes {t.shape} and {x.shape}")
    return x, t

"""What a Tensor holds: which data are let in, how they are stored, and how they show themselves to Python."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .errors import DTypeError, ShapeError

F = TypeVar("F", bound=Callable[..., Any])
_FLOAT32 = np.dtype(np.float32)

ALIGNMENT = 64
"""Bytes: the length of a cache line, and of the longest vector registers."""


class Values:
    """The half of a Tensor that needs no graph: what any array tells of itself."""

    __slots__ = ()

    _value: Any
    """The array, or a NumPy scalar where an op's result is 0-d: NumPy computes several times faster on those."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self._value.shape

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return self._value.ndim

    @property
    def size(self) -> int:
        """How many elements there are."""
        return self._value.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return self._value.dtype

    @property
    def nbytes(self) -> int:
        """The bytes that the elements take: size * itemsize."""
        return self._value.nbytes

    @property
    def itemsize(self) -> int:
        """The bytes that one element takes."""
        return self._value.itemsize

    def numpy(self) -> NDArray[Any]:
        """The values as an array: shared, not copied, so that writing into it changes the Tensor unnoticed."""
        value = self._value
        return np.asarray(value) if isinstance(value, np.generic) else value

    def item(self, *index: int) -> Any:
        """The value of a Tensor of one element (or of the element at `index`), as a Python number."""
        return self._value.item(*index)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; of a 0-d Tensor, a number."""
        return self._value.tolist()

    def __str__(self) -> str:
        return str(self._value)

    def __format__(self, spec: str) -> str:
        return format(self._value, spec)

    def __int__(self) -> int:
        return int(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __index__(self) -> int:
        return operator.index(self._value)

    def __len__(self) -> int:
        return len(self._value)


def is_duck(value: Any) -> bool:
    """Whether it is an array of another library that speaks NumPy's protocols."""
    return hasattr(value, "__array_function__") and not isinstance(value, (np.ndarray, np.generic))


def has_dtype(value: Any) -> bool:
    """Whether it is an array of whatever library, a number of NumPy's, or what stands for one; a class is none."""
    return hasattr(value, "dtype") and not isinstance(value, type)


def as_value(data: ArrayLike, dtype: DTypeLike | None = None) -> Any:
    """`data` as an array of numbers that a Tensor can hold; shared where it is one already.

    Raises
    ------
    DTypeError
        For complex numbers, masked arrays, and whatever is not a number.
    ShapeError
        For lists of unequal lengths within one another.
    """
    value: Any = data
    if type(data) is not ndarray:
        if isinstance(data, np.ma.MaskedArray):
            raise DTypeError("a masked array would lose its mask; pass data.filled(0) and multiply by the mask")
        if data is None:
            raise DTypeError("a Tensor holds numbers (bool, int or float), not None; is a return missing?")
        value = data if is_duck(data) else _array(data)
    if value.dtype.kind not in "fiub":
        _refuse(value.dtype)
    if dtype is not None and value.dtype != dtype:
        if np.dtype(dtype).kind not in "fiub":
            _refuse(np.dtype(dtype))
        value = value.astype(dtype, copy=False)
    return value


def _array(data: Any) -> NDArray[Any]:
    try:
        return np.asarray(data)
    except ValueError as error:
        if isinstance(data, (list, tuple)) and "inhomogeneous" in str(error):
            raise ShapeError("lists within a list make an array if they have equal lengths; pad them") from None
        raise


def _refuse(dtype: np.dtype[Any]) -> None:
    if dtype.kind == "c":
        raise DTypeError(f"complex numbers ({dtype}) are not supported; record the real and imaginary parts apart")
    raise DTypeError(f"a Tensor holds numbers (bool, int or float), not dtype {dtype}")


def is_size(given: Any) -> bool:
    """Whether it is a whole number of 1 or more."""
    return isinstance(given, (int, np.integer)) and type(given) is not bool and bool(given > 0)


def wide_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype to compute in: float32 for float16, which sums and squares soon leave; else the same."""
    return _FLOAT32 if dtype.kind == "f" and dtype.itemsize < 4 else dtype


def computed_wide(fun: F) -> F:
    """Decorate a function: if its first array is of float16, it computes in float32, and rounds the result once.

    All arguments of float16 that are given by position are widened.
    """
    name = next(iter(inspect.signature(fun).parameters))

    @functools.wraps(fun)
    def call(*args: Any, **kwargs: Any) -> Any:
        x: Any = args[0] if args else kwargs.get(name)
        dtype = getattr(x, "dtype", None)
        if dtype is None or (wide := wide_dtype(dtype)) is dtype:
            return fun(*args, **kwargs)
        if not args:
            kwargs[name] = x.astype(wide)
        widened = (a.astype(wide) if getattr(a, "dtype", None) == dtype and hasattr(a, "astype") else a for a in args)
        return fun(*widened, **kwargs).astype(dtype)

    return cast(F, call)


def owned(value: Any, *, counts_as_float: bool = False) -> Any:
    """A copy in memory of its own, of a floating dtype, as a Tensor that requires grad holds it."""
    if value.dtype.kind != "f":
        if not counts_as_float:
            raise DTypeError(
                f"only floating-point numbers can require grad, and these are {value.dtype}; "
                "write data.astype(float), or Tensor(data, requires_grad=True, dtype=float)"
            )
        value = value.astype(np.float64)
    return value.copy() if is_duck(value) else aligned(value)


def aligned(value: NDArray[Any]) -> NDArray[Any]:
    """A C-contiguous copy that begins at a cache line: BLAS and vector loops are faster on it."""
    copy = aligned_memory(value.nbytes).view(value.dtype).reshape(value.shape)
    copy[...] = value
    return copy


def aligned_memory(size: int) -> NDArray[np.uint8]:
    """So many bytes that begin at a cache line."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % ALIGNMENT
    return memory[start : start + size]


def check_dict(name: str, given: Any) -> None:
    """Raise `DTypeError` if the argument of this name is no mapping."""
    if not hasattr(given, "items"):
        raise DTypeError(f'{name} must be a dict, as {{"W": W}}, not {type(given).__name__}')

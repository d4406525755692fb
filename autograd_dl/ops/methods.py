"""The operators and methods of a Tensor, under NumPy's names, and what NumPy asks of it: installed on it here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..dispatch import call, dispatch
from ..engine import Leaf, backward
from ..errors import UnsupportedError
from ..recording import apply1, apply2
from ..table import TABLE, Op, title_of
from ..tensor import Tensor, bare, loses_gradient, tensor_of
from ..values import as_value, is_duck
from . import elementwise, products, reduction  # noqa: F401 -- what they enter into the table is looked up below
from .indexing import getitem
from .shape import astype

Axis = int | tuple[int, ...] | None
Operand = ArrayLike | Tensor


def _op(fun: Callable[..., Any]) -> Op:
    op = TABLE[fun]
    assert isinstance(op, Op)
    return op


_add, _subtract, _multiply, _divide = _op(np.add), _op(np.subtract), _op(np.multiply), _op(np.divide)
_power, _matmul, _remainder, _floor_divide = _op(np.power), _op(np.matmul), _op(np.remainder), _op(np.floor_divide)
_negative, _positive, _absolute = _op(np.negative), _op(np.positive), _op(np.absolute)
_sum, _transpose, _getitem = _op(np.sum), _op(np.transpose), _op(getitem)


INSTEAD_OF = {
    "add.reduce": "write np.sum",
    "multiply.reduce": "write np.prod",
    "maximum.reduce": "write np.max",
    "minimum.reduce": "write np.min",
    "logical_and.reduce": "write np.all",
    "logical_or.reduce": "write np.any",
    "logaddexp.reduce": "write ops.logsumexp",
    "add.accumulate": "write np.cumsum",
    "multiply.accumulate": "write np.cumprod",
    "add.at": "ops.scatter_add makes an array of what is added at places",
    "outer": "give both arrays axes of their own: f(x[:, None], y)",
}
"""What to write in place of a ufunc's methods."""
STEP_BY_STEP = (
    "no function of NumPy's has that meaning; call {} part by part in a loop, and join the results by np.stack"
)


class TensorMethods:
    """What a Tensor can do; the methods that arrays have are recorded as the NumPy functions of their names."""

    __slots__ = ()

    def backward(
        self: Any, gradient: ArrayLike | Tensor | None = None, *, retain_graph: bool = False, create_graph: bool = False
    ) -> None:
        """Add to `.grad` of each leaf the gradient of this Tensor with respect to it.

        Parameters
        ----------
        gradient : array_like, optional
            The gradient arriving at this Tensor, of its shape; 1 if left out, which only a Tensor of one element can.
        retain_graph : bool
            Keep what the graph holds, so that `backward` can run again.
        create_graph : bool
            Record the backward pass too, so that `.grad` can be differentiated again. Implies `retain_graph`.

        Raises
        ------
        GraphError
            If nothing here requires grad, if an earlier `backward` released the graph, or if values that it read have
            changed in place since. No `.grad` has changed then.
        ShapeError
            If `gradient` is left out on a Tensor of several elements, or has another shape.
        """
        backward([self], [gradient], retain_graph=retain_graph, create_graph=create_graph)

    def __array_ufunc__(self: Any, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            name = title_of(ufunc)
            called = f"{ufunc.__name__}.{method}"
            instead = INSTEAD_OF.get(called) or INSTEAD_OF.get(method) or STEP_BY_STEP.format(name)
            raise UnsupportedError(f"{name}.{method} is not recorded; {instead}")
        return dispatch(ufunc, args, kwargs)

    def __array_function__(
        self: Any, fun: Callable[..., Any], _types: Iterable[type], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return dispatch(fun, args, kwargs)

    def __iter__(self: Any) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d Tensor")
        return (self[i] for i in range(len(self)))

    def __contains__(self: Any, item: Any) -> bool:
        return bool((self._value == bare(item)).any())

    # fmt: off
    def __add__(self: Any, other: Operand) -> Tensor: return apply2(_add, self, other)
    def __radd__(self: Any, other: Operand) -> Tensor: return apply2(_add, other, self)
    def __sub__(self: Any, other: Operand) -> Tensor: return apply2(_subtract, self, other)
    def __rsub__(self: Any, other: Operand) -> Tensor: return apply2(_subtract, other, self)
    def __mul__(self: Any, other: Operand) -> Tensor: return apply2(_multiply, self, other)
    def __rmul__(self: Any, other: Operand) -> Tensor: return apply2(_multiply, other, self)
    def __truediv__(self: Any, other: Operand) -> Tensor: return apply2(_divide, self, other)
    def __rtruediv__(self: Any, other: Operand) -> Tensor: return apply2(_divide, other, self)
    def __floordiv__(self: Any, other: Operand) -> Tensor: return apply2(_floor_divide, self, other)
    def __rfloordiv__(self: Any, other: Operand) -> Tensor: return apply2(_floor_divide, other, self)
    def __mod__(self: Any, other: Operand) -> Tensor: return apply2(_remainder, self, other)
    def __rmod__(self: Any, other: Operand) -> Tensor: return apply2(_remainder, other, self)
    def __divmod__(self: Any, other: Operand) -> tuple[Tensor, Tensor]: return self // other, self % other
    def __rdivmod__(self: Any, other: Operand) -> tuple[Tensor, Tensor]: return other // self, other % self
    def __pow__(self: Any, other: Operand) -> Tensor: return apply2(_power, self, other)
    def __rpow__(self: Any, other: Operand) -> Tensor: return apply2(_power, other, self)
    def __matmul__(self: Any, other: Operand) -> Tensor: return apply2(_matmul, self, other)
    def __rmatmul__(self: Any, other: Operand) -> Tensor: return apply2(_matmul, other, self)
    def __neg__(self: Any) -> Tensor: return apply1(_negative, self)
    def __pos__(self: Any) -> Tensor: return apply1(_positive, self)
    def __abs__(self: Any) -> Tensor: return apply1(_absolute, self)
    def __getitem__(self: Any, key: Any) -> Tensor: return apply2(_getitem, self, bare(key))

    def __iadd__(self: Any, other: Operand) -> Tensor: return _changed(self, np.add, other)
    def __isub__(self: Any, other: Operand) -> Tensor: return _changed(self, np.subtract, other)
    def __imul__(self: Any, other: Operand) -> Tensor: return _changed(self, np.multiply, other)
    def __itruediv__(self: Any, other: Operand) -> Tensor: return _changed(self, np.divide, other)
    def __ifloordiv__(self: Any, other: Operand) -> Tensor: return _changed(self, np.floor_divide, other)
    def __imod__(self: Any, other: Operand) -> Tensor: return _changed(self, np.remainder, other)
    def __ipow__(self: Any, other: Operand) -> Tensor: return _changed(self, np.power, other)
    def __imatmul__(self: Any, other: Operand) -> Tensor: return _changed(self, np.matmul, other)

    def __iand__(self: Any, other: Any) -> Any: return _changed(self, np.bitwise_and, other)
    def __ior__(self: Any, other: Any) -> Any: return _changed(self, np.bitwise_or, other)
    def __ixor__(self: Any, other: Any) -> Any: return _changed(self, np.bitwise_xor, other)
    def __ilshift__(self: Any, other: Any) -> Any: return _changed(self, np.left_shift, other)
    def __irshift__(self: Any, other: Any) -> Any: return _changed(self, np.right_shift, other)

    def __invert__(self: Any) -> Any: return ~self._value
    def __and__(self: Any, other: Any) -> Any: return self._value & bare(other)
    def __rand__(self: Any, other: Any) -> Any: return bare(other) & self._value
    def __or__(self: Any, other: Any) -> Any: return self._value | bare(other)
    def __ror__(self: Any, other: Any) -> Any: return bare(other) | self._value
    def __xor__(self: Any, other: Any) -> Any: return self._value ^ bare(other)
    def __rxor__(self: Any, other: Any) -> Any: return bare(other) ^ self._value
    def __lshift__(self: Any, other: Any) -> Any: return self._value << bare(other)
    def __rlshift__(self: Any, other: Any) -> Any: return bare(other) << self._value
    def __rshift__(self: Any, other: Any) -> Any: return self._value >> bare(other)
    def __rrshift__(self: Any, other: Any) -> Any: return bare(other) >> self._value
    # fmt: on

    __hash__ = object.__hash__

    def __eq__(self: Any, other: Any) -> Any:
        return self._value == bare(other)

    def __ne__(self: Any, other: Any) -> Any:
        return self._value != bare(other)

    def __lt__(self: Any, other: Any) -> Any:
        return self._value < bare(other)

    def __le__(self: Any, other: Any) -> Any:
        return self._value <= bare(other)

    def __gt__(self: Any, other: Any) -> Any:
        return self._value > bare(other)

    def __ge__(self: Any, other: Any) -> Any:
        return self._value >= bare(other)

    @property
    def T(self: Any) -> Tensor:
        """All axes in reverse order: of a matrix, its transpose."""
        return apply1(_transpose, self)

    @property
    def mT(self: Any) -> Tensor:
        """The last two axes exchanged."""
        return dispatch(np.matrix_transpose, (self,), {})

    @property
    def flat(self: Any) -> Tensor:
        """The elements in a row, as a Tensor (NumPy's is an iterator)."""
        return dispatch(np.ravel, (self,), {})

    def sum(self: Any, axis: Axis = None, *more: Any, keepdims: bool = False, **options: Any) -> Tensor:
        """Recorded as np.sum: over all elements, or along `axis`, an int or several."""
        if more or options:
            return _reduced(np.sum, self, axis, more, keepdims, options)
        return apply1(_sum, self, {"axis": axis, "keepdims": keepdims})

    def prod(self: Any, axis: Axis = None, *more: Any, keepdims: bool = False, **options: Any) -> Tensor:
        """Recorded as np.prod, over all elements, or along `axis`; the derivative is exact where factors are 0, too."""
        return _reduced(np.prod, self, axis, more, keepdims, options)

    def mean(self: Any, axis: Axis = None, *more: Any, keepdims: bool = False, **options: Any) -> Tensor:
        """Recorded as np.mean: over all elements, or along `axis`, an int or several."""
        return _reduced(np.mean, self, axis, more, keepdims, options)

    def var(self: Any, axis: Axis = None, *more: Any, keepdims: bool = False, **options: Any) -> Tensor:
        """Recorded as np.var: the squared distances of n elements from their mean, summed, over n - `ddof`."""
        return _reduced(np.var, self, axis, more, keepdims, options)

    def std(self: Any, axis: Axis = None, *more: Any, keepdims: bool = False, **options: Any) -> Tensor:
        """Recorded as np.std: the root of `var`; where all elements are equal, its derivative is 0."""
        return _reduced(np.std, self, axis, more, keepdims, options)

    def max(self: Any, axis: Axis = None, *more: Any, keepdims: bool = False, **options: Any) -> Tensor:
        """Recorded as np.max; elements that are equal to the maximum share its gradient evenly."""
        return _reduced(np.max, self, axis, more, keepdims, options)

    def min(self: Any, axis: Axis = None, *more: Any, keepdims: bool = False, **options: Any) -> Tensor:
        """Recorded as np.min; elements that are equal to the minimum share its gradient evenly."""
        return _reduced(np.min, self, axis, more, keepdims, options)

    def cumsum(self: Any, axis: int | None = None, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.cumsum: the sums so far along `axis`; of the elements in a row if it is None."""
        return _along(np.cumsum, self, axis, more, options)

    def cumprod(self: Any, axis: int | None = None, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.cumprod: the products so far along `axis`; of the elements in a row if it is None."""
        return _along(np.cumprod, self, axis, more, options)

    def trace(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.trace: the sum along the diagonal of two axes."""
        return dispatch(np.trace, (self, offset, axis1, axis2, *more), options)

    def argmax(self: Any, axis: int | None = None, *more: Any, **options: Any) -> Any:
        """Where the maximum is, the first of several, as np.argmax says: an int or an array, not recorded."""
        return np.argmax(self._value, axis, *more, **options)

    def argmin(self: Any, axis: int | None = None, *more: Any, **options: Any) -> Any:
        """Where the minimum is, the first of several, as np.argmin says: an int or an array, not recorded."""
        return np.argmin(self._value, axis, *more, **options)

    def argsort(self: Any, axis: int | None = -1, *more: Any, **options: Any) -> NDArray[np.intp]:
        """The order that sorts the elements, as np.argsort says: an array, not recorded."""
        return np.argsort(self._value, axis, *more, **options)

    def all(self: Any, axis: Axis = None, *more: Any, **options: Any) -> Any:
        """Whether all elements are true, as np.all says: a bool or an array, not recorded."""
        return np.all(self._value, axis, *more, **options)

    def any(self: Any, axis: Axis = None, *more: Any, **options: Any) -> Any:
        """Whether an element is true, as np.any says: a bool or an array, not recorded."""
        return np.any(self._value, axis, *more, **options)

    def argpartition(self: Any, kth: Any, axis: int | None = -1, *more: Any, **options: Any) -> NDArray[np.intp]:
        """An order with the element `kth` at its place, as np.argpartition says: an array, not recorded."""
        return np.argpartition(self._value, kth, axis, *more, **options)

    def searchsorted(self: Any, v: Any, *more: Any, **options: Any) -> Any:
        """Where `v` would stand among the sorted elements, as np.searchsorted says: ints, not recorded."""
        return np.searchsorted(self._value, bare(v), *more, **options)

    def nonzero(self: Any) -> tuple[NDArray[np.intp], ...]:
        """Where the elements are not 0, as np.nonzero says: for each axis an array, not recorded."""
        return np.nonzero(self._value)

    def dot(self: Any, b: Operand, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.dot: summed along the last axis here and the last but one (or the only one) of `b`."""
        return dispatch(np.dot, (self, b, *more), options)

    def reshape(self: Any, *shape: Any, **options: Any) -> Tensor:
        """Recorded as np.reshape: in another shape, given as a tuple or as several ints, of which one may be -1."""
        return dispatch(np.reshape, (self, shape[0] if len(shape) == 1 else shape), options)

    def ravel(self: Any, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.ravel: the elements in a row, (size,), which may share the memory of this Tensor."""
        return dispatch(np.ravel, (self, *more), options)

    def flatten(self: Any, *more: Any, **options: Any) -> Tensor:
        """The elements in a row, (size,), copied: recorded as np.ravel and np.copy."""
        return dispatch(np.copy, (self.ravel(*more, **options),), {})

    def transpose(self: Any, *axes: Any) -> Tensor:
        """Recorded as np.transpose: the axes in this order, a tuple or several ints; reversed if none is given."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return dispatch(np.transpose, (self,), {"axes": order})

    def swapaxes(self: Any, axis1: int, axis2: int) -> Tensor:
        """Recorded as np.swapaxes: two axes exchanged."""
        return dispatch(np.swapaxes, (self, axis1, axis2), {})

    def squeeze(self: Any, axis: Axis = None) -> Tensor:
        """Recorded as np.squeeze: without the axes of length 1, or without those of them that `axis` names."""
        return dispatch(np.squeeze, (self,), {"axis": axis})

    def repeat(self: Any, repeats: Any, axis: int | None = None) -> Tensor:
        """Recorded as np.repeat: each element, or each part along `axis`, so many times; in a row if it is None."""
        return dispatch(np.repeat, (self, repeats, axis), {})

    def take(self: Any, indices: Any, axis: int | None = None, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.take: the elements, or the parts along `axis`, at `indices`, whose shape replaces the axis."""
        return dispatch(np.take, (self, bare(indices), axis, *more), options)

    def compress(self: Any, condition: Any, axis: int | None = None, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.compress: the elements, or the parts along `axis`, where `condition`, a row, is true."""
        return dispatch(np.compress, (condition, self, axis, *more), options)

    def choose(self: Any, choices: Any, *more: Any, **options: Any) -> Any:
        """From which of `choices` each integer here takes its number: np.choose, recorded if one is a Tensor."""
        return np.choose(self._value, choices, *more, **options)

    def conj(self: Any) -> Tensor:
        """Recorded as np.conjugate: of real numbers, which all here are, the same."""
        return dispatch(np.conjugate, (self,), {})

    conjugate = conj

    @property
    def real(self: Any) -> Tensor:
        """Recorded as np.real: the real part, which is all that there is."""
        return dispatch(np.real, (self,), {})

    @property
    def imag(self: Any) -> Any:
        """The imaginary part, an array of zeros, not recorded."""
        return np.imag(self._value)

    def diagonal(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """Recorded as np.diagonal: of two axes the diagonal, which is the last axis of the result; not a view."""
        return dispatch(np.diagonal, (self, offset, axis1, axis2), {})

    def clip(self: Any, min: Any = None, max: Any = None, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.clip: moved into [`min`, `max`], where None is no bound; the derivative at a bound is 1."""
        return dispatch(np.clip, (self, min, max, *more), options)

    def round(self: Any, decimals: int = 0, *more: Any, **options: Any) -> Tensor:
        """Recorded as np.round, to so many `decimals`; the derivative is 0."""
        return dispatch(np.round, (self, decimals, *more), options)

    def copy(self: Any, order: str = "C") -> Tensor:
        """A recorded copy: the gradient flows through it. A copy without the graph is `t.detach().copy()`."""
        return dispatch(np.copy, (self,), {"order": "F"} if order == "F" else {})

    def astype(self: Any, dtype: DTypeLike, *more: Any, copy: bool = True, **options: Any) -> Tensor:
        """The values in another dtype; a gradient flows through floating dtypes only. `copy` as NumPy has it.

        Raises `DTypeError` for a dtype that is not one of numbers, or of complex ones.
        """
        if more or options:
            np.empty(0, self.dtype).astype(dtype, *more, **options)  # may the dtypes be converted so?
        if not copy and self.dtype == dtype:
            return self
        if np.dtype(dtype).kind != "f":
            return tensor_of(as_value(self._value, dtype), None)
        return call(_op(astype), (self, np.dtype(dtype)), {})

    def __round__(self: Any, decimals: int | None = None) -> Any:
        """A Tensor; of a single number, without `decimals`, an int, as of NumPy's numbers."""
        if decimals is None and self.ndim == 0 and not is_duck(self._value):
            return round(self.item())
        return dispatch(np.round, (self,), {"decimals": decimals or 0})

    def __trunc__(self: Any) -> int:
        return int(self)


def _reduced(
    fun: Callable[..., Any], tensor: Tensor, axis: Axis, more: tuple[Any, ...], keepdims: bool, options: dict[str, Any]
) -> Any:
    """A reduction; `more` are arguments by position as the method has them, which are in the function's order."""
    if keepdims:
        options["keepdims"] = keepdims
    return _along(fun, tensor, axis, more, options)


def _along(fun: Callable[..., Any], tensor: Tensor, axis: Axis, more: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if more:
        return dispatch(fun, (tensor, axis, *more), options)
    return dispatch(fun, (tensor,), {"axis": axis, **options})


def _changed(tensor: Tensor, fun: Callable[..., Any], other: Any) -> Tensor:
    """What `t -= other` does: on a leaf the data change, unrecorded; of any other Tensor a new one is made."""
    if type(tensor.node) is Leaf or (tensor.node is None and not loses_gradient(other)):
        tensor.change(fun, other)
        return tensor
    return dispatch(fun, (tensor, other), {})


if not TYPE_CHECKING:
    for _name, _member in vars(TensorMethods).items():
        if _name not in vars(Tensor):  # which keeps its own docstring, say
            setattr(Tensor, _name, _member)

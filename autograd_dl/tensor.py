"""The Tensor: an array, the node that says how it was made, and its gradient.

Its operators and methods, and how it takes NumPy's functions, are in `ops.methods`; how an op is recorded is in
`recording`, and how gradients come back in `engine`.
"""

from __future__ import annotations

import functools
import sys
import warnings
import weakref
from collections.abc import Callable
from opcode import opmap
from types import FrameType
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .errors import AutogradError, DTypeError, GradientLostWarning, GraphError, ShapeError, steps_to_the_user
from .graph import Leaf, Node, followed, is_whole, leads_elsewhere, new, stamp
from .mode import current_mode, enable_grad
from .table import SCALARS, outline
from .values import Values, aligned, as_value, is_duck, owned

if TYPE_CHECKING:
    from .ops.methods import TensorMethods  # what `ops` installs at run time, as type checkers see it
else:

    class TensorMethods:  # noqa: D101 -- a stand-in
        __slots__ = ()


@final
class Tensor(TensorMethods, Values):
    """An array that records what is done with it, so that `backward()` can find gradients.

    Parameters
    ----------
    data : array_like
        Numbers: bool, int or float, of any shape. A Tensor that requires grad copies them into memory of its own, any
        other shares the given array. An array of another library that speaks NumPy's protocols is kept as it is.
    requires_grad : bool
        Whether gradients with respect to this Tensor are wanted. Needs a floating dtype; a Python int counts as float.
    dtype : optional
        The dtype to convert to.
    name : str, optional
        Shown in error messages and pictures.

    Attributes
    ----------
    grad : Tensor or None
        What `backward()` has added up here; None before, and, with a warning, on a recorded Tensor that has not
        called `retain_grad()`.
    data : array
        The values, shared.
    shape, ndim, size, dtype, T
        As an array has them. The methods and operators of arrays are here, too, and record as NumPy's functions do;
        what NumPy raises for arguments that do not fit is then a `ShapeError`, `DTypeError` or `OutOfBoundsError`.

    Raises
    ------
    DTypeError
        For complex or non-numeric data, for an integer array that requires grad, and for a `requires_grad` that
        is neither True nor False.
    ShapeError
        For lists of unequal lengths within one another.
    GraphError
        For a Tensor that requires grad already.
    TypeError
        For a name that is no string.

    >>> import numpy as np
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> np.sum(x * x).backward()
    >>> x.grad
    Tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "_grad", "_value", "node")

    _grad: Tensor | None
    node: Node | None

    def __init__(
        self,
        data: ArrayLike | Tensor,
        requires_grad: bool = False,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> None:
        if type(data) is Tensor:
            if data.requires_grad:
                raise GraphError(f"{called(data)} requires grad already; a Tensor of its values alone is t.detach()")
            data = _given(data)
        elif isinstance(data, (list, tuple)) and loses_gradient(data):
            raise GraphError("a Tensor of recorded Tensors would get no gradient; join them with np.stack")
        if requires_grad is not False and not isinstance(requires_grad, (bool, np.bool_)):
            raise DTypeError(
                f"requires_grad, the second argument, is True or False, not {requires_grad!r}; "
                "a Tensor takes its numbers as one list or array, and dtype= and name= by name"
            )
        value = as_value(data, dtype)
        if requires_grad:
            value = owned(value, counts_as_float=isinstance(data, (int, float)) and dtype is None)
        self._value = value
        self._grad = None
        self.node = Leaf(self, bool(requires_grad), _checked_name(name))

    def __init_subclass__(cls, **_kwargs: Any) -> None:
        raise TypeError("Tensor is final: write functions of Tensors instead of a subclass")

    @property
    def data(self) -> NDArray[Any]:
        """The values as an array, shared.

        On a leaf, `t.data = a` and `t.data -= a` are noticed by graphs that have read the old values; a write into the
        array itself, `t.data[...] = a`, cannot be. Setting them raises `GraphError` on a recorded Tensor, and
        `ShapeError` for another shape.
        """
        return self.numpy()

    @data.setter
    def data(self, values: ArrayLike) -> None:
        leaf = self._leaf("set .data of")
        value = as_value(_given(values) if type(values) is Tensor else bare(values), self.dtype)
        if value.shape != self.shape:
            raise ShapeError(f"the data of {called(self)} have shape {self.shape}, the new values {value.shape}")
        stamp([leaf])
        if value is not self._value:
            self._hold(leaf, aligned(value) if leaf.requires_grad and not is_duck(value) else value)

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this Tensor. A leaf's can be set: at False, a parameter is frozen (`optim`).

        Setting it raises `GraphError` on a recorded Tensor, and `DTypeError` for data that are not floating.
        """
        return self.node is not None and self.node.requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        leaf = self._leaf("set .requires_grad of")
        if wanted and not leaf.requires_grad:
            self._hold(leaf, owned(self._value))
        leaf.requires_grad = bool(wanted)

    @property
    def is_leaf(self) -> bool:
        """Whether a graph begins here: it was made by the user, or its making was not recorded."""
        return self.node is None or type(self.node) is Leaf

    @property
    def name(self) -> str | None:
        """The name in error messages and pictures."""
        return None if self.node is None else self.node.name

    @name.setter
    def name(self, name: str | None) -> None:
        (self.node or self._leaf("name")).noted().name = _checked_name(name)

    @property
    def grad(self) -> Tensor | None:
        """What `backward()` has added up here.

        It can be set, to a Tensor or an array. Raises `ShapeError` for another shape, `DTypeError` for no numbers.
        """
        node = self.node
        if self._grad is None and node is not None and type(node) is not Leaf and node.tensor is None:
            warnings.warn(
                f"{called(self)} is recorded, not a leaf, so that backward() leaves no .grad here; change a leaf in "
                "place, w -= lr * w.grad, or call t.retain_grad() before backward()",
                GradientLostWarning,
                stacklevel=steps_to_the_user((__name__,)),
            )
        return self._grad

    @grad.setter
    def grad(self, gradient: Any) -> None:
        if gradient is not None and type(gradient) is not Tensor:
            value = as_value(gradient)
            gradient = tensor_of(value.view() if type(value) is np.ndarray else value, None)
        if gradient is not None and gradient.shape != self.shape:
            raise ShapeError(f"the .grad of {called(self)} must have its shape {self.shape}, not {gradient.shape}")
        self._grad = gradient

    def zero_grad(self) -> None:
        """Forget the gradient: `.grad` becomes None."""
        self.grad = None

    def retain_grad(self) -> None:
        """Have `backward()` fill in `.grad` of this recorded Tensor too. Raises `GraphError` if it needs no grad."""
        self._recorded("retain the gradient of").noted().tensor = weakref.ref(self)

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Callable[[], None]:
        """Call `hook(gradient)` in each backward pass with the whole gradient that arrives here.

        What the hook returns takes the gradient's place; None keeps it. Returns a function that removes the hook.
        Raises `GraphError` if this Tensor requires no grad; the backward pass raises `ShapeError` if the hook returns
        another shape.
        """
        notes = self._recorded("register a hook on").noted()
        registered = functools.partial(hook)  # an object of its own: the same hook may be registered twice
        notes.hooks = (*notes.hooks, registered)

        def remove() -> None:
            notes.hooks = tuple(h for h in notes.hooks if h is not registered)

        return remove

    def detach(self) -> Tensor:
        """The same values as a constant: no gradient flows through it.

        They are shared, read-only: an in-place change, `d -= 1`, copies them first, and writing into `d.data` raises.
        """
        value = self._value
        if type(value) is np.ndarray:
            value = value.view()
            value.flags.writeable = False
        return tensor_of(value, None)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self.node is not None and self.requires_grad and is_whole(self.node):
            self._warn_of_loss("becomes a plain array", "t.numpy()" if self.ndim else "float(t) or t.numpy()")
        return np.array(self._value, dtype, copy=copy)

    def __float__(self) -> float:
        number = float(self._value)
        node = self.node
        if node is not None and node.requires_grad and node.args is not None and _assigns_item(sys._getframe().f_back):
            self._warn_of_loss("is written into a plain array", "t.item()")
        return number

    def _warn_of_loss(self, what: str, instead: str) -> None:
        warnings.warn(
            f"{called(self)} {what} here, and its gradient ends; write {instead} to say so, "
            "or np.stack([t, u]) to join recorded Tensors, and np.block for lists of lists",
            GradientLostWarning,
            stacklevel=steps_to_the_user((__name__, *CONVERTING)),
        )

    def __repr__(self) -> str:
        values = np.array2string(np.asarray(self._value), separator=", ", prefix="Tensor(")
        dtype = "" if self.dtype in (np.float64, np.dtype(int), np.bool_) else f", dtype={self.dtype}"
        name = "" if self.name is None else f", name={self.name!r}"
        return f"Tensor({values}{dtype}{', requires_grad=True' if self.requires_grad else ''}{name})"

    def __reduce__(self) -> Any:
        self._leaf("copy or pickle")
        return Tensor, (self.numpy().copy(), self.requires_grad, None, self.name)

    def __copy__(self) -> Tensor:
        if self.is_leaf:
            return self.__deepcopy__({})
        with enable_grad():  # plotting libraries copy what they are given
            return +self

    def __deepcopy__(self, _memo: Any) -> Tensor:
        make, args = self.__reduce__()
        return make(*args)

    # -- changes in place

    def __setitem__(self, key: Any, values: Any) -> None:
        if not self.is_leaf:
            raise GraphError(
                f"cannot assign to items of {called(self)}: it is recorded, and its values may still be needed; "
                f"write {ITEMS_ANEW}"
            )
        self._refuse_loss("t[key] = v", values, ITEMS_ANEW)
        leaf = self._leaf("change")
        values = values if type(values) in SCALARS else as_value(bare(values))  # no strings: a part might be written
        try:
            self._value[bare(key)] = values
        except (ValueError, TypeError) as error:
            self._explain(error)
            raise
        except Exception:
            stamp([leaf])
            raise
        stamp([leaf])

    def change(self, fun: Callable[..., Any], other: Any) -> None:
        """Change the data of a leaf in place by a ufunc: `t.change(np.subtract, a)` is what `t -= a` does.

        Raises `GraphError` if this Tensor is recorded, or `other` would lose its gradient, `ShapeError` or `DTypeError`
        if that does not fit, and ValueError if the data are read-only.
        """
        if type(other) is not np.ndarray:
            sign = SIGNS.get(fun.__name__, "+")
            self._refuse_loss(f"t {sign}= a", other, f"t = t {sign} a")
            other = bare(other)
        leaf = self._leaf("change")
        value = self._value
        try:
            fun(value, other, out=value)
        except (ValueError, TypeError) as error:
            self._explain(error)
            raise
        except Exception:  # of np.errstate(all="raise"), or a warning that is an error: it comes after the change
            stamp([leaf])
            raise
        stamp([leaf])

    def _explain(self, error: Exception) -> None:
        """Raise NumPy's error with the Tensor named, unless it is one that speaks for itself."""
        value = self._value
        if type(value) is np.ndarray and not value.flags.writeable:
            text = f"the data of {called(self)} are read-only; make it of a copy: Tensor(a.copy())"
            raise ValueError(text) from error
        if not isinstance(error, AutogradError):
            kind = ShapeError if isinstance(error, ValueError) else DTypeError
            raise kind(f"in-place change of {called(self)}: {error}") from error

    def _refuse_loss(self, deed: str, other: Any, instead: str) -> None:
        """Raise if the change, which is not recorded, takes in something whose gradient would be lost.

        What was made of this very leaf alone may be put into it: `w -= lr * (g + decay * w)`.
        """
        if current_mode().recording and leads_elsewhere(_nodes_in(other), self.node):
            raise GraphError(
                f"{deed} changes {called(self)} in place, which is not recorded, and would lose the gradient of what "
                f"is put in; write {instead}, or put in its values alone, a.detach(), or do it under no_grad()"
            )

    def _hold(self, leaf: Leaf, value: Any) -> None:
        """Take another array for the data."""
        self._value = value
        leaf.value = outline(value)
        leaf.memory = followed(value)

    def _leaf(self, deed: str) -> Leaf:
        """This Tensor's leaf. One whose making was not recorded becomes a leaf now, with a copy of its values."""
        node = self.node
        if node is None:
            self._value = as_value(self._value).copy()
            node = self.node = Leaf(self, False, None)
        if type(node) is not Leaf:
            raise GraphError(f"cannot {deed} {called(self)}: it is recorded, not a leaf; t.detach() is one")
        return node

    def _recorded(self, deed: str) -> Node:
        node = self.node
        if node is None or not node.requires_grad:
            raise GraphError(f"cannot {deed} {called(self)}: it does not require grad, so that no gradient reaches it")
        return node


def _assigns_item(frame: FrameType | None) -> bool:
    """Whether the frame is at `a[i] = ...`: then what asks for a number is the array `a`."""
    return frame is not None and frame.f_code.co_code[frame.f_lasti] == opmap["STORE_SUBSCR"]


def tensor_of(value: Any, node: Node | None) -> Tensor:
    """A Tensor of a result, past the checks of the constructor."""
    tensor: Tensor = new(Tensor)
    tensor._value = value
    tensor.node = node
    tensor._grad = None
    return tensor


def bare(argument: Any) -> Any:
    """The argument with arrays in place of Tensors, also inside tuples, lists and dicts."""
    if type(argument) is np.ndarray:
        return argument
    if type(argument) is Tensor:
        return argument._value
    if type(argument) in (tuple, list):
        return type(argument)(map(bare, argument))
    if type(argument) is dict:
        return {key: bare(value) for key, value in argument.items()}
    return argument


def loses_gradient(argument: Any) -> bool:
    """Whether it is a Tensor that requires grad, or a list, tuple or dict that holds one."""
    if type(argument) is Tensor:
        return argument.requires_grad
    if isinstance(argument, dict):
        return any(map(loses_gradient, argument.values()))
    return isinstance(argument, (tuple, list)) and any(loses_gradient(a) for a in argument if type(a) not in SCALARS)


def _given(tensor: Tensor) -> Any:
    """The array that another Tensor is made of: of a result a copy, as it may be a view of what a graph holds."""
    return tensor._value if type(tensor.node) is Leaf else tensor._value.copy()


def _nodes_in(argument: Any) -> list[Node]:
    """The nodes of a Tensor that requires grad, or of those in a list or tuple."""
    if type(argument) is Tensor:
        return [argument.node] if argument.node is not None and argument.requires_grad else []
    return [n for a in argument for n in _nodes_in(a)] if isinstance(argument, (tuple, list)) else []


ITEMS_ANEW = "t = np.where(mask, v, t), and for t[key] += v, t = t + ops.scatter_add(v, key, t.shape)"
"""How what would be an assignment to items is written where it must be recorded."""
SIGNS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "remainder": "%", "power": "**",
    "matmul": "@",
}  # fmt: skip
"""How the change of a Tensor in place by a ufunc is written."""
CONVERTING = ("numpy.", "matplotlib.", "pandas.", "scipy.")
"""Libraries that make arrays of what the user's line gives them."""


def _checked_name(name: str | None) -> str | None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"the name of a Tensor is a string, not {name!r}")
    return name


def called(tensor: Tensor) -> str:
    """How an error message speaks of a Tensor."""
    return f"Tensor {tensor.name!r}" if tensor.name else f"a Tensor of shape {tensor.shape}"

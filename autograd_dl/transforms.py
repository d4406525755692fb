"""Functions of functions: gradients, Jacobians, Hessians and their products with vectors.

They differentiate functions of positional arguments, each a number, an array, a Tensor, or a nested list, tuple or dict
of those (a tree). Given arrays they return arrays, given Tensors they return Tensors that can be differentiated again,
so that they nest to any order: `grad(grad(f))`. What depends on the argument of an enclosing transform is a Tensor.
`grad`, `value_and_grad`, `jacobian` and `hessian` pass keyword arguments on as they are.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, SupportsIndex

import numpy as np

from .engine import Leaf, Tensor, gradients, is_grad_enabled, toposort
from .errors import DTypeError, ShapeError
from .rematerialization import checkpoint as checkpoint
from .tensor import bare, tensor_of
from .tracing import RUNNING, Tree, called_on, leaves_like, leaves_of, mapped, replaced_in, stand_ins

Fun = Callable[..., Any]


def grad(f: Fun, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Fun:
    """The function that returns the gradient of `f`, whose result is one number.

    Parameters
    ----------
    f : function
    argnums : int or sequence of int
        The arguments to differentiate with respect to.
    has_aux : bool
        Whether `f` returns a pair: the number, and a tree of anything else, which is not differentiated.

    Returns
    -------
    function of the same arguments
        It returns a tree like the argument; for a sequence `argnums`, a tuple of them. With `has_aux` it returns the
        pair of that and the other tree, in which Tensors come back as f's value would: as arrays, if the arguments are.

    Raises
    ------
    ShapeError
        When called: if `f` does not return one number (with `has_aux`, a pair that begins with one), or `argnums` names
        no argument that was given by position.
    DTypeError
        When called: if an argument holds integers in an array, or if `f` returns no number.
    TypeError
        If `f` is no function, or, when called, if `argnums` is no int or sequence of them.

    >>> print(grad(lambda x: x**3)(2.0))
    12.0
    >>> print(grad(grad(lambda x: x**3))(2.0))
    12.0
    >>> print(*grad(lambda x: (x**3, "a cube"), has_aux=True)(2.0))
    12.0 a cube
    """

    @_made_of(f, "The gradient")
    def gradient(*args: Tree, **kwargs: Any) -> Tree:
        value, slope = value_and_grad(f, argnums, has_aux)(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient


def value_and_grad(f: Fun, argnums: int | Sequence[int] = 0, has_aux: bool = False) -> Callable[..., tuple[Any, Any]]:
    """The function that returns the pair of f's value and its gradient.

    With `has_aux`, as in `grad`, the value is the pair that f returns. Raises what `grad` raises.
    """

    @_made_of(f, "The value and the gradient")
    def both(*args: Tree, **kwargs: Any) -> tuple[Any, Tree]:
        traced = _traced(functools.partial(f, **kwargs), args, argnums, kwargs, has_aux)
        slope = traced.like_inputs(traced.pull([np.ones(traced.number().shape)]))
        return (traced.value(), traced.given(traced.aux)) if has_aux else traced.value(), slope

    return both


def vjp(f: Fun, *args: Tree) -> tuple[Tree, Callable[[Tree], tuple[Tree, ...]]]:
    """The value of `f(*args)`, and the function that pulls a gradient of that value back to the arguments.

    The second takes a tree like the value, and returns a tuple with a tree for each argument. It may be called again,
    and raises `ShapeError` for a tree of another shape. (Keywords are given to f by `functools.partial`.) Raises
    `DTypeError` if an argument holds integers in an array, or if `f` returns no numbers.

    >>> value, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> print(value, *pull(1.0))
    6.0 3.0 2.0
    """
    traced = _traced(f, args)
    return traced.value(), lambda u: traced.like_inputs(traced.pull(leaves_like(u, traced.result, "the gradient")))


def jvp(f: Fun, args: Sequence[Tree], tangents: Sequence[Tree]) -> tuple[Tree, Tree]:
    """The value of `f(*args)`, and its derivative in the direction `tangents`, a tree like `args`.

    It is the transpose of the transpose: the pullback is linear in the gradient it is given, and pulling `tangents`
    back through the pullback pushes them forward through `f` (J. Townsend, "A new trick for calculating Jacobian vector
    products", 2017). So no op needs a second rule. Raises TypeError if `args` or `tangents` is no tuple
    or list, `ShapeError` if they do not fit each other, and `DTypeError` as `vjp` does.

    >>> print(*jvp(lambda x: x**2, (3.0,), (1.0,)))
    9.0 6.0
    """
    traced, directions = _traced_along(f, args, tangents)
    moved = [o for o in traced.outputs if o.requires_grad]
    seeds = [Tensor(np.zeros(o.shape), requires_grad=True, dtype=o.dtype) for o in moved]
    pulled = _gradients(moved, traced.inputs, seeds, create_graph=True)
    pushed = iter(_gradients(pulled, seeds, directions, create_graph=traced.differentiable))
    along = [next(pushed) if o.requires_grad else Tensor(np.zeros(o.shape, o.dtype)) for o in traced.outputs]
    return traced.value(), replaced_in(traced.result, traced.given_back(along))


def hvp(f: Fun, args: Sequence[Tree], tangents: Sequence[Tree]) -> tuple[Tree, ...]:
    """The Hessian of `f` at `args` times `tangents`, a tree like `args`, without the Hessian: two walks.

    Raises what `jvp` raises, and `ShapeError` if `f` does not return one number.

    >>> print(*hvp(lambda x, y: x**2 * y, (2.0, 3.0), (1.0, 0.0)))
    6.0 4.0
    """
    traced, directions = _traced_along(f, args, tangents)
    slopes = _gradients([traced.number()], traced.inputs, [None], create_graph=True)
    product = _gradients(slopes, traced.inputs, directions, create_graph=traced.differentiable)
    return traced.like_inputs(traced.given_back(product))


def jacobian(f: Fun, argnums: int | Sequence[int] = 0) -> Fun:
    """The function that returns the Jacobian of `f`: all derivatives of all outputs.

    For an array in and an array out, its shape is (*out.shape, *in.shape). For trees it is a tree like the output, with
    trees like the argument in it (tuples of them for a sequence `argnums`). One walk back for each output element.
    Raises what `grad` raises, but the result may have any shape.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @_made_of(f, "The Jacobian")
    def matrix(*args: Tree, **kwargs: Any) -> Tree:
        traced = _traced(functools.partial(f, **kwargs), args, argnums, kwargs)
        blocks = [traced.like_inputs(traced.derivatives(k)) for k in range(len(traced.outputs))]
        return replaced_in(traced.result, blocks)

    return matrix


def hessian(f: Fun, argnums: int | Sequence[int] = 0) -> Fun:
    """The function that returns all second derivatives of `f`, whose result is one number.

    It is the Jacobian of the gradient; for one array argument its shape is (*x.shape, *x.shape). Raises what `grad`
    raises.

    >>> hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return _made_of(f, "The Hessian")(jacobian(grad(f, argnums), argnums))


def _made_of(f: Fun, what: str) -> Callable[[Fun], Fun]:
    """As `functools.wraps`, but the docstring says first what it is of f. Raises TypeError if that is no function."""
    _refuse_no_function(f)

    def wrapped(made: Fun) -> Fun:
        functools.update_wrapper(made, f)
        name = getattr(f, "__name__", None)
        made.__doc__ = f"{what} of {name or repr(f)}.\n\n{(name and f.__doc__) or ''}".rstrip()
        return made

    return wrapped


# -- a function traced at a point


class _Traced(NamedTuple):
    """The Tensors that stood for a function's arguments, and what it made of them.

    `as_tensors` tells whether results are given as Tensors, `joined` whether these may have to be differentiated again:
    whether they depend on more than the stand-ins that began a graph here. `aux` is what it returned beside the result.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    arguments: Tree
    result: Tree
    aux: Tree
    as_tensors: bool
    joined: bool

    @property
    def differentiable(self) -> bool:
        """Whether gradients are computed as a graph."""
        return self.as_tensors and self.joined and is_grad_enabled()

    def number(self) -> Tensor:
        """The one output, checked to be one number."""
        if len(self.outputs) != 1 or self.outputs[0].size != 1:
            shapes = ", ".join(str(o.shape) for o in self.outputs)
            raise ShapeError(
                f"the function must return one number, not shape {shapes}; see jacobian for more, and has_aux of grad "
                "for a number beside other results"
            )
        return self.outputs[0]

    def pull(self, seeds: Sequence[Any]) -> list[Any]:
        """The gradients of the inputs, for those of the outputs."""
        seen = self.depending_on(seeds)
        found = _gradients(self.outputs, self.inputs, seeds, create_graph=seen.differentiable)
        return seen.given_back(found)

    def derivatives(self, k: int) -> list[Any]:
        """The derivatives of output k with respect to each input, of shape (*output.shape, *input.shape)."""
        output = self.outputs[k]
        rows = []
        for i in range(output.size):
            seeds = [np.zeros(o.shape) for o in self.outputs]
            seeds[k].flat[i] = 1
            rows.append(self.pull(seeds))
        if not rows:
            return self.given_back([Tensor(np.zeros(output.shape + x.shape, x.dtype)) for x in self.inputs])
        columns = zip(*rows, strict=True)
        return [np.stack(c).reshape(output.shape + x.shape) for c, x in zip(columns, self.inputs, strict=True)]

    def depending_on(self, others: Tree) -> _Traced:
        """The same, where the results depend on these Tensors too."""
        tensors = [leaf for leaf in leaves_of(others) if isinstance(leaf, Tensor)]
        joined = self.joined or any(t.requires_grad for t in tensors)
        return self._replace(as_tensors=self.as_tensors or bool(tensors), joined=joined)

    def given_back(self, tensors: Sequence[Tensor]) -> list[Any]:
        """Tensors if the arguments were Tensors, else arrays (numbers where they are 0-d)."""
        return list(tensors) if self.as_tensors else [t._value if t.ndim else t._value[()] for t in tensors]

    def like_inputs(self, leaves: Sequence[Any]) -> Tree:
        return replaced_in(self.arguments, leaves)

    def value(self) -> Tree:
        """What the function returned, as it is given back."""
        return self.given(replaced_in(self.result, self.outputs))

    def given(self, tree: Tree) -> Tree:
        """A tree with the Tensors in it given back; what nobody can differentiate is a copy, apart from the graph."""
        if self.as_tensors and self.joined:
            return tree
        return mapped(lambda leaf: self._copied(leaf) if isinstance(leaf, Tensor) else leaf, tree)

    def _copied(self, tensor: Tensor) -> Any:
        return self.given_back([tensor_of(tensor._value.copy(), None)])[0]


def _traced(
    f: Fun,
    args: Sequence[Tree],
    argnums: int | Sequence[int] | None = None,
    others: Tree = (),
    has_aux: bool = False,
) -> _Traced:
    """Call `f`, with the arguments `argnums` (None: all) replaced by Tensors that begin a graph, or go on with one.

    `others` are Tensors, or a tree of them, that the results will depend on too. With `has_aux`, f returns a pair.
    """
    _refuse_no_function(f)
    numbers = _numbers(range(len(args)) if argnums is None else argnums, len(args))
    chosen = args[numbers[0]] if isinstance(argnums, SupportsIndex) else tuple(args[i] for i in numbers)
    given = leaves_of(chosen)
    begun = [leaf if isinstance(leaf, Tensor) and leaf.requires_grad else _begun(leaf, argnums) for leaf in given]
    inputs = stand_ins(begun)
    left, replaced = iter(inputs), list(args)
    for i in numbers:
        replaced[i] = mapped(lambda _: next(left), args[i])
    returned = called_on(f, replaced, inputs)
    result, aux = _pair(returned) if has_aux else (returned, ())
    outputs = [leaf if isinstance(leaf, Tensor) else _returned(leaf) for leaf in leaves_of(result)]
    tensors = (leaf for leaf in (*outputs, *leaves_of(aux)) if isinstance(leaf, Tensor))
    reached = toposort(t.node for t in tensors if t.node is not None and t.requires_grad)
    within = not RUNNING.get().keys().isdisjoint(reached)
    ours = {own.node for own, leaf in zip(begun, given, strict=True) if own is not leaf}
    joined = any(isinstance(node, Leaf) and node not in ours for node in reached)
    return _Traced(inputs, outputs, chosen, result, aux, within, joined).depending_on((args, others))


def _traced_along(f: Fun, args: Sequence[Tree], tangents: Sequence[Tree]) -> tuple[_Traced, list[Any]]:
    """The function at these arguments, and the tangents as a list, checked against them."""
    args, tangents = _several("args", args), _several("tangents", tangents)
    traced = _traced(f, args, others=tangents)
    directions = leaves_like(tangents, traced.arguments, "tangents")
    shapes = [x.shape for x in traced.inputs], [np.shape(bare(d)) for d in directions]
    if shapes[0] != shapes[1]:
        raise ShapeError(f"the tangents must have the shapes of the arguments, {shapes[0]}, not {shapes[1]}")
    return traced, directions


def _pair(returned: Any) -> tuple[Tree, Tree]:
    """What a function with `has_aux` returned: the number, and what stands beside it."""
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        came = f"{len(returned)}" if isinstance(returned, (tuple, list)) else type(returned).__name__
        raise ShapeError(f"with has_aux the function must return a pair, the number and anything else, not {came}")
    return returned[0], returned[1]


def _begun(leaf: Any, argnums: int | Sequence[int] | None) -> Tensor:
    """An array of an argument as a Tensor that begins a graph."""
    try:
        return Tensor(bare(leaf), requires_grad=True)
    except DTypeError as error:
        chosen = "" if argnums is None else f" (argnums={argnums})"
        instead = "give it to the function by functools.partial" if argnums is None else "pass it in another argument"
        raise DTypeError(
            f"what is differentiated{chosen} holds {_kind(leaf)}, which has no gradient: {error}; {instead}"
        ) from None


def _kind(leaf: Any) -> str:
    return f"an array of {leaf.dtype}" if hasattr(leaf, "dtype") else "None" if leaf is None else repr(leaf)[:40]


def _returned(leaf: Any) -> Tensor:
    """What a function returned that depends on no Tensor, as a constant."""
    try:
        return Tensor(leaf)
    except DTypeError as error:
        came = "None (is its return missing?)" if leaf is None else type(leaf).__name__
        raise DTypeError(f"the function must return numbers or arrays, and returned {came}: {error}") from None


def _refuse_no_function(f: Any) -> None:
    if not callable(f):
        given = type(f).__name__
        raise TypeError(f"what is differentiated is a function, not {given}: write grad(f)(x) for the gradient at x")


def _several(name: str, given: Any) -> Sequence[Tree]:
    if not isinstance(given, (tuple, list)):
        raise TypeError(f"{name} must be a tuple, one for each argument of the function, not {type(given).__name__}")
    return given


def _numbers(argnums: SupportsIndex | Sequence[int], count: int) -> list[int]:
    """The numbers of the arguments to differentiate with respect to, from 0."""
    try:
        numbers = [operator.index(i) for i in ([argnums] if isinstance(argnums, SupportsIndex) else argnums)]
    except TypeError:
        raise TypeError(f"argnums is the number of an argument, or a sequence of such, not {argnums!r}") from None
    places = [i % count for i in numbers if -count <= i < count]
    if len(places) < len(numbers) or len(set(places)) < len(places):
        raise ShapeError(f"argnums={argnums} does not choose among {count} arguments by position")
    return places


def _gradients(outputs: Sequence[Tensor], inputs: Sequence[Tensor], seeds: Any, create_graph: bool) -> list[Tensor]:
    """`gradients`, where outputs that depend on nothing count as constants."""
    pairs = [(o, s) for o, s in zip(outputs, seeds, strict=True) if o.requires_grad]
    return gradients([o for o, _ in pairs], inputs, [s for _, s in pairs], create_graph=create_graph)

"""Functions of functions: gradients, Jacobians, Hessians and their products with vectors.

They differentiate functions of positional arguments, each a number, an array, a Tensor, or a nested list, tuple or dict
of those (a tree). Given arrays they return arrays, given Tensors they return Tensors that can be differentiated again,
so that they nest to any order: `grad(grad(f))`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .engine import Tensor, apply, enable_grad, gradients, is_grad_enabled
from .errors import GraphError, ShapeError
from .graph import Leaf, next_number, toposort
from .table import Op
from .tensor import bare

Fun = Callable[..., Any]
Tree = Any


def grad(f: Fun, argnums: int | Sequence[int] = 0) -> Fun:
    """The function that returns the gradient of `f`, whose result is one number.

    Parameters
    ----------
    f : function
    argnums : int or sequence of int
        The arguments to differentiate with respect to.

    Returns
    -------
    function of the same arguments
        It returns a tree like the argument; for a sequence `argnums`, a tuple of them.

    Raises
    ------
    ShapeError
        When called: if `f` does not return one number.
    DTypeError
        When called: if an argument holds integers in an array.

    >>> print(grad(lambda x: x**3)(2.0))
    12.0
    >>> print(grad(grad(lambda x: x**3))(2.0))
    12.0
    """

    @functools.wraps(f)
    def gradient(*args: Tree) -> Tree:
        return value_and_grad(f, argnums)(*args)[1]

    return gradient


def value_and_grad(f: Fun, argnums: int | Sequence[int] = 0) -> Fun:
    """The function that returns the pair of f's value and its gradient; see `grad`."""

    @functools.wraps(f)
    def both(*args: Tree) -> tuple[Any, Tree]:
        traced = _traced(f, args, argnums)
        if len(traced.outputs) != 1 or traced.outputs[0].size != 1:
            shapes = ", ".join(str(o.shape) for o in traced.outputs)
            raise ShapeError(f"grad takes functions that return one number, not shape {shapes}: use jacobian for that")
        return traced.value(), traced.like_inputs(traced.pull([np.ones(traced.outputs[0].shape)]))

    return both


def vjp(f: Fun, *args: Tree) -> tuple[Tree, Callable[[Tree], tuple[Tree, ...]]]:
    """The value of `f(*args)`, and the function that pulls a gradient of that value back to the arguments.

    The second takes a tree like the value, and returns a tuple with a tree for each argument. It may be called again.

    >>> value, pull = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> print(value, *pull(1.0))
    6.0 3.0 2.0
    """
    traced = _traced(f, args, range(len(args)))
    return traced.value(), lambda u: traced.like_inputs(traced.pull(_leaves(u)))


def jvp(f: Fun, args: Sequence[Tree], tangents: Sequence[Tree]) -> tuple[Tree, Tree]:
    """The value of `f(*args)`, and its derivative in the direction `tangents`, a tree like `args`.

    It is the transpose of the transpose: the pullback is linear in the gradient it is given, and pulling `tangents`
    back through the pullback pushes them forward through `f` (J. Townsend, "A new trick for calculating Jacobian vector
    products", 2017). So no op needs a second rule.

    >>> print(*jvp(lambda x: x**2, (3.0,), (1.0,)))
    9.0 6.0
    """
    traced = _traced(f, args, range(len(args)))
    seeds = [Tensor(np.zeros(o.shape), requires_grad=True, dtype=o.dtype) for o in traced.outputs]
    with enable_grad():
        pulled = _gradients(traced.outputs, traced.inputs, seeds, create_graph=True)
    pushed = _gradients(pulled, seeds, _like(traced.inputs, tangents), create_graph=traced.differentiable)
    return traced.value(), _replaced(traced.result, traced.given_back(pushed))


def hvp(f: Fun, args: Sequence[Tree], tangents: Sequence[Tree]) -> tuple[Tree, ...]:
    """The Hessian of `f` at `args` times `tangents`, a tree like `args`, without the Hessian: two walks.

    >>> print(*hvp(lambda x, y: x**2 * y, (2.0, 3.0), (1.0, 0.0)))
    6.0 4.0
    """
    traced = _traced(f, args, range(len(args)))
    with enable_grad():
        slopes = _gradients(traced.outputs, traced.inputs, None, create_graph=True)
    product = _gradients(slopes, traced.inputs, _like(traced.inputs, tangents), create_graph=traced.differentiable)
    return traced.like_inputs(traced.given_back(product))


def jacobian(f: Fun, argnums: int | Sequence[int] = 0) -> Fun:
    """The function that returns the Jacobian of `f`: all derivatives of all outputs.

    For an array in and an array out, its shape is (*out.shape, *in.shape). For trees it is a tree like the output, with
    trees like the argument in it (tuples of them for a sequence `argnums`). One walk back for each output element.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @functools.wraps(f)
    def matrix(*args: Tree) -> Tree:
        traced = _traced(f, args, argnums)
        blocks = []
        for k, output in enumerate(traced.outputs):
            rows: list[list[Any]] = []
            for i in range(output.size):
                seeds = [np.zeros(o.shape) for o in traced.outputs]
                seeds[k].flat[i] = 1
                rows.append(traced.pull(seeds))
            blocks.append(
                traced.like_inputs(
                    [
                        np.stack([row[j] for row in rows]).reshape(output.shape + x.shape)
                        if rows
                        else np.zeros(output.shape + x.shape, x.dtype)
                        for j, x in enumerate(traced.inputs)
                    ]
                )
            )
        return _replaced(traced.result, blocks)

    return matrix


def hessian(f: Fun, argnums: int | Sequence[int] = 0) -> Fun:
    """The function that returns all second derivatives of `f`, whose result is one number.

    It is the Jacobian of the gradient; for one array argument its shape is (*x.shape, *x.shape).

    >>> hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(f, argnums), argnums)


def checkpoint(f: Fun) -> Fun:
    """`f`, but keeping none of its intermediate results: they are computed again when the gradient is.

    Takes about a third more time, and holds only the arguments. `f` must return the same each time it is called. It may
    read parameters (leaves) that are not among its arguments, but recorded Tensors have to be passed in.

    Raises
    ------
    GraphError
        When called: if `f` reads a recorded Tensor that is not an argument.
    """

    @functools.wraps(f)
    def call(*args: Tree) -> Tree:
        if not is_grad_enabled():
            return f(*args)
        tensors = [leaf for leaf in _leaves(args) if isinstance(leaf, Tensor) and leaf.requires_grad]
        _, outputs, result, read = _rerun(f, args, tensors, connected=False)
        if not outputs:
            return result
        values = tuple(o._value for o in outputs)
        single = len(outputs) == 1
        op = Op(f, lambda *_: values[0] if single else values)

        # `values` has no underscore, so that a change of them in place is noticed
        def back(g: Any, _ans: Any, *values: Any) -> list[Any]:  # noqa: ARG001
            gs = [g] if single else list(g)
            connected = any(isinstance(u, Tensor) for u in gs)
            inputs, outputs, _, _ = _rerun(f, args, tensors, connected)
            found = gradients(outputs, [*inputs, *read], gs, create_graph=connected)
            return found if connected else [t._value for t in found]

        op.joint = back
        recorded = apply(op, [*tensors, *read])
        replaced = iter([recorded] if single else recorded)
        return _mapped(lambda leaf: next(replaced) if any(leaf is o for o in outputs) else leaf, result)

    return call


def _rerun(
    f: Fun, args: Tree, tensors: Sequence[Tensor], connected: bool
) -> tuple[list[Tensor], list[Tensor], Tree, list[Tensor]]:
    """Run `f` on stand-ins for `tensors`: the stand-ins, the recorded outputs, the result, and the leaves it read."""
    stand_ins = [+t if connected else _leaf_of(t) for t in tensors]
    pairs = list(zip(tensors, stand_ins, strict=True))
    start = next_number()
    with enable_grad():
        result = f(*_mapped(lambda leaf: next((s for t, s in pairs if leaf is t), leaf), args))
    outputs = [leaf for leaf in _leaves(result) if isinstance(leaf, Tensor) and leaf.requires_grad]
    read = []
    ours = {s.node for s in stand_ins}
    for node in toposort(o.node for o in outputs if o.node is not None):
        if node.number < start and node not in ours and not connected:
            if not isinstance(node, Leaf) or node.tensor is None:
                raise GraphError(f"checkpoint: the function reads {node}, which is recorded; pass it as an argument")
            read.append(node.tensor)
    return stand_ins, outputs, result, read


def _leaf_of(tensor: Tensor) -> Tensor:
    """A leaf on the same values, not copied."""
    leaf = tensor.detach()
    leaf.node = Leaf(leaf, True, tensor.name)
    return leaf


# -- a function traced at a point


class _Traced(NamedTuple):
    """The Tensors that stood for a function's arguments, and what it made of them."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    arguments: Tree
    result: Tree
    as_tensors: bool

    @property
    def differentiable(self) -> bool:
        """Whether what is computed here may have to be differentiated again."""
        return self.as_tensors and is_grad_enabled()

    def pull(self, seeds: Sequence[Any]) -> list[Any]:
        """The gradients of the inputs, for those of the outputs."""
        if len(seeds) != len(self.outputs):
            raise ShapeError(f"the function returned {len(self.outputs)} arrays, and {len(seeds)} gradients were given")
        return self.given_back(_gradients(self.outputs, self.inputs, seeds, create_graph=self.differentiable))

    def given_back(self, tensors: Sequence[Tensor]) -> list[Any]:
        """Tensors if the arguments were Tensors, else arrays (numbers where they are 0-d)."""
        return list(tensors) if self.as_tensors else [t._value[()] for t in tensors]

    def like_inputs(self, leaves: Sequence[Any]) -> Tree:
        return _replaced(self.arguments, leaves)

    def value(self) -> Tree:
        return _replaced(self.result, self.given_back(self.outputs))


def _traced(f: Fun, args: Sequence[Tree], argnums: int | Sequence[int]) -> _Traced:
    """Call `f`, with the arguments `argnums` replaced by Tensors that begin a graph, or go on with the caller's."""
    args = list(args)
    chosen = args[argnums] if isinstance(argnums, int) else tuple(args[i] for i in argnums)
    as_tensors = any(isinstance(leaf, Tensor) for leaf in _leaves(chosen))
    with enable_grad():
        inputs = [_input(leaf) for leaf in _leaves(chosen)]
        replaced = _replaced(chosen, inputs)
        for i, tree in [(argnums, replaced)] if isinstance(argnums, int) else zip(argnums, replaced, strict=True):
            args[i] = tree
        result = f(*args)
    outputs = [leaf if isinstance(leaf, Tensor) else Tensor(leaf) for leaf in _leaves(result)]
    return _Traced(inputs, outputs, chosen, result, as_tensors)


def _input(leaf: Any) -> Tensor:
    """A Tensor to differentiate with respect to: it goes on with the graph of a recorded one."""
    if isinstance(leaf, Tensor) and leaf.requires_grad:
        return +leaf
    return Tensor(bare(leaf), requires_grad=True)


def _gradients(outputs: Sequence[Tensor], inputs: Sequence[Tensor], seeds: Any, create_graph: bool) -> list[Tensor]:
    """`gradients`, where outputs that depend on nothing count as constants."""
    seeds = [None] * len(outputs) if seeds is None else seeds
    pairs = [(o, s) for o, s in zip(outputs, seeds, strict=True) if o.requires_grad]
    return gradients([o for o, _ in pairs], inputs, [s for _, s in pairs], create_graph=create_graph)


def _like(inputs: Sequence[Tensor], tangents: Tree) -> list[Any]:
    """The tangents as a list, checked against the inputs."""
    leaves = _leaves(tangents)
    if [np.shape(t) for t in leaves] != [x.shape for x in inputs]:
        shapes = [x.shape for x in inputs], [np.shape(t) for t in leaves]
        raise ShapeError(f"the tangents must have the shapes of the arguments, {shapes[0]}, not {shapes[1]}")
    return leaves


# -- trees


def _mapped(fun: Callable[[Any], Any], tree: Tree) -> Tree:
    """The same tree with `fun` applied to each leaf, from left to right."""
    if isinstance(tree, dict):
        return {key: _mapped(fun, value) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_mapped(fun, value) for value in tree))
    if isinstance(tree, (list, tuple)):
        return type(tree)(_mapped(fun, value) for value in tree)
    return fun(tree)


def _leaves(tree: Tree) -> list[Any]:
    found: list[Any] = []
    _mapped(found.append, tree)
    return found


def _replaced(tree: Tree, leaves: Sequence[Any]) -> Tree:
    values = iter(leaves)
    return _mapped(lambda _: next(values), tree)

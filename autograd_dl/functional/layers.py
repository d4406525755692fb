"""The layers that need no file of their own: affine, dropout, long short-term memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from .activations import sigmoid
from .arguments import TensorLike, array_of, check_dropout, laid_out


def affine(x: TensorLike, W: TensorLike, b: TensorLike = 0) -> Any:
    """x W + b, (N, D) to (N, M); of images or other arrays all axes but the first are the D inputs of one example.

    Raises `ShapeError` where W and b do not fit, `DTypeError` where they are no numbers.
    """
    a = array_of(x)
    rows = a.reshape(len(a), math.prod(a.shape[1:])) if a.ndim > 2 else a
    try:
        shapes = rows.shape, array_of(W).shape, array_of(b).shape
    except DTypeError as error:
        raise DTypeError("affine takes numbers for W and b (of a layer without biases, b is 0)") from error
    if len(shapes[1]) != 2 or shapes[0][-1:] != shapes[1][:1] or shapes[2] not in ((), shapes[1][1:]):
        raise ShapeError("affine takes x of shape (N, D), W (D, M) and b (M,), not {}, {} and {}".format(*shapes))
    return np.dot(rows, W) + b


def dropout(x: TensorLike, ratio: float = 0.5, train: bool = True, rng: np.random.Generator | None = None) -> Any:
    """When training, set each number to 0 with the probability `ratio`, and divide the others by 1 - ratio.

    The mean stays, so that nothing is left to do otherwise (the book's Dropout scales at test time instead). `rng`
    draws which they are; if it is left out, a new generator does. Raises ValueError if ratio is not in [0, 1),
    `DTypeError` if rng is no generator.
    """
    a = array_of(x)
    check_dropout(ratio)
    if not train or ratio == 0:
        return a
    if rng is not None and not hasattr(rng, "random"):
        raise DTypeError(f"dropout takes a generator as rng, such as np.random.default_rng(0), not {rng!r}")
    kept = (rng or np.random.default_rng()).random(a.shape, dtype=np.float32) >= ratio
    return a * (kept.astype(a.dtype) * a.dtype.type(1 / (1 - ratio)))


def lstm(
    xs: TensorLike,
    Wx: TensorLike,
    Wh: TensorLike,
    b: TensorLike,
    h: TensorLike | None = None,
    c: TensorLike | None = None,
) -> tuple[Any, Any, Any]:
    """Long short-term memory over sequences (S. Hochreiter and J. Schmidhuber, 1997; with forget gates).

    Parameters
    ----------
    xs : (N, T, D)
        Sequences of T inputs.
    Wx, Wh, b : (D, 4 H), (H, 4 H), (4 H,) or a number
        For the input gate, the forget gate, the candidate and the output gate, in this order.
    h, c : (N, H), optional
        The state to begin with, and the memory cell; zeros if not given.

    Returns
    -------
    hs : (N, T, H)
        The state after each input.
    h, c : (N, H)
        The last ones.

    Raises
    ------
    ShapeError
        If one of them has another shape.
    """
    inputs, recurrent = laid_out("lstm takes sequences", xs, "NTD"), array_of(Wh)
    n, steps, length = inputs.shape
    size = len(recurrent) if recurrent.ndim else 0
    zeros = np.zeros((n, size), inputs.dtype)
    h, c = (zeros if state is None else array_of(state) for state in (h, c))
    fitting = {"Wx": (Wx, (length, 4 * size)), "Wh": (Wh, (size, 4 * size)), "b": (b, (4 * size,))}
    for name, (values, shape) in (fitting | {"h": (h, (n, size)), "c": (c, (n, size))}).items():
        if np.shape(values) != shape and not (name == "b" and np.shape(values) == ()):
            raise ShapeError(f"lstm takes {name} of shape {shape} for xs of {inputs.shape}, not {np.shape(values)}")
    if not steps:
        return np.dot(inputs, Wx)[:, :, :size], h, c
    entering, hs = np.dot(inputs, Wx) + b, []
    for t in range(steps):
        a = entering[:, t] + np.dot(h, recurrent)
        enter, keep, leave = (sigmoid(a[:, i * size : (i + 1) * size]) for i in (0, 1, 3))
        c = keep * c + enter * np.tanh(a[:, 2 * size : 3 * size])
        h = leave * np.tanh(c)
        hs.append(h)
    return np.stack(hs, axis=1), h, c

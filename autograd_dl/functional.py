"""The functions of neural networks, under the book's names. On arrays they return arrays, on Tensors they record."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import ops
from .engine import Tensor
from .errors import DataError, DTypeError, ShapeError
from .ops.windows import Pair, pair
from .tensor import bare
from .values import as_value

__all__ = [
    "affine", "average_pool2d", "batch_norm", "binary_cross_entropy", "conv2d", "conv_transpose2d",
    "cross_entropy_error", "dropout", "elu", "gelu", "global_average_pool2d", "global_max_pool2d", "hits",
    "identity_function", "layer_norm", "leaky_relu", "local_response_norm", "log_softmax", "logsumexp", "lstm",
    "max_pool2d", "mean_squared_error", "relu", "share_of_hits", "sigmoid", "sigmoid_loss", "softmax", "softmax_loss",
    "softplus", "step_function", "sum_squared_error", "tanh",
]  # fmt: skip

Values = ArrayLike | Tensor


def identity_function(x: Any) -> Any:
    """x itself: the book's activation of an output layer for regression."""
    return x


def step_function(x: Values) -> Any:
    """1 where x > 0, else 0, as an int array of x's shape. It has no useful derivative, and so is not recorded."""
    return np.asarray(_array(x) > 0, dtype=int)


def relu(x: Values) -> Any:
    """max(x, 0), with the derivative 0 at 0."""
    return ops.relu(x if type(x) is Tensor else _array(x))


def sigmoid(x: Values) -> Any:
    """1 / (1 + exp(-x)); large x do not overflow."""
    return ops.sigmoid(_array(x))


def tanh(x: Values) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(_array(x))


def leaky_relu(x: Values, slope: float = 0.01) -> Any:
    """x where it is positive, else slope * x. Its derivative at 0 is `slope`."""
    a = _array(x)
    return np.where(a > 0, a, slope * a)


def elu(x: Values, alpha: float = 1.0) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1), whose derivative at 0 is alpha (D. Clevert et al., 2015)."""
    a = _array(x)
    return np.where(a > 0, a, alpha * np.expm1(np.where(a > 0, 0, a)))  # np.minimum would share the tie at 0


def gelu(x: Values) -> Any:
    """x * P(X <= x) of a standard normal X: x/2 (1 + erf(x/sqrt(2))) (D. Hendrycks and K. Gimpel, 2016)."""
    a = _array(x)
    return 0.5 * a * (1 + ops.erf(a * math.sqrt(0.5)))


def softplus(x: Values) -> Any:
    """log(1 + exp(x)), the integral of the sigmoid; large x do not overflow."""
    return np.logaddexp(_array(x), 0)


def logsumexp(x: Values, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) along `axis`, over all elements if it is None. Large x do not overflow."""
    return ops.logsumexp(_array(x), axis=axis, keepdims=keepdims)


def softmax(x: Values, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`: probabilities, of the shape of x. Large x do not overflow.

    >>> softmax([1, 2, 3]).round(8)
    array([0.09003057, 0.24472847, 0.66524096])
    """
    return ops.softmax(_array(x), axis)


def log_softmax(x: Values, axis: int = -1) -> Any:
    """log(softmax(x)) along `axis`, of the shape of x, without the loss of small probabilities."""
    x = _array(x)
    return x - logsumexp(x, axis=axis, keepdims=True)


def sum_squared_error(y: Values, t: Values) -> Any:
    """Half the sum of the squared differences, 1/2 sum((y - t)**2): not divided by the batch (book, section 4.2).

    t is taken in the dtype of y. Raises `ShapeError` if y and t do not have the same shape.
    """
    outputs, targets = _alike(y, t)
    return 0.5 * np.sum((outputs - targets) ** 2)


mean_squared_error = sum_squared_error
"""The name that older printings of the book give to `sum_squared_error`; the formula is the same."""


def cross_entropy_error(y: Values, t: Values) -> Any:
    """-sum(t log(y + 1e-7)) / batch, of probabilities `y` (book, section 4.2).

    From scores, `softmax_loss` is more exact. `y` is (classes,) or (batch, classes); `t` holds labels, or rows of the
    shape of y. Raises what `softmax_loss` raises.
    """
    p = _array(y)
    if p.dtype == np.float16:  # whose sum may be no number although the mean is one
        return cross_entropy_error(p.astype(np.float32), t).astype(np.float16)
    targets = _targets(p, t)
    log_p = np.log(p + 1e-7)
    batch = math.prod(p.shape[:-1]) or 1
    if targets.ndim == p.ndim:
        return -np.sum(targets * log_p) / batch
    return -np.sum(log_p.reshape(-1, p.shape[-1])[np.arange(targets.size), targets.ravel()]) / batch


def softmax_loss(X: Values, t: Values) -> Any:
    """The mean cross-entropy of softmax(X) against t, computed from the scores X in one stable step.

    Parameters
    ----------
    X : (classes,) or (batch, classes)
        Scores.
    t : labels or rows
        Integer labels, (batch,) or (batch, 1); or rows of X's shape, one-hot or any weights:
        -sum(t log(softmax(X))) / batch.

    Raises
    ------
    ShapeError
        If t has neither shape.
    DTypeError
        If labels are not integers.
    DataError
        If a label is not one of 0 to classes - 1.
    """
    scores = _array(X)
    return ops.softmax_cross_entropy(scores, _targets(scores, t))


def hits(scores: Values, t: Values) -> NDArray[np.bool_]:
    """Whether the highest score of each row is that of t: labels, (batch,) or (batch, 1), or rows of the scores' shape.

    Raises `ShapeError` if t has none of these shapes, or the scores are not (batch, classes).
    """
    answers, targets = np.asarray(bare(scores)), np.asarray(bare(t))
    if answers.ndim != 2:
        raise ShapeError(f"scores are (batch, classes), not {answers.shape}; scores.reshape(1, -1) is a batch of one")
    batch = answers.shape[:1]
    if targets.shape not in (batch, (*batch, 1), answers.shape):
        raise ShapeError(f"t must be labels, {batch}, or rows, {answers.shape}, not {targets.shape}")
    labels = targets.argmax(axis=1) if targets.shape == answers.shape else targets.reshape(batch)
    return np.equal(answers.argmax(axis=1), labels)


def share_of_hits(predict: Callable[[Any], Any], x: Any, t: NDArray[Any], batch_size: int) -> float:
    """The share of inputs whose highest score, by `predict`, is that of t, as `hits` takes it; computed batch by batch.

    Raises `ShapeError` if t has not one label or row for each input, or there is no input, and ValueError if
    batch_size is less than 1.
    """
    if batch_size < 1:
        raise ValueError(f"the batch_size of accuracy is 1 or more, not {batch_size}")
    if len(x) != len(t) or not len(x):
        raise ShapeError(f"accuracy needs one label or row for each input: there are {len(x)} and {len(t)}")
    starts = range(0, len(x), batch_size)
    right = [hits(predict(x[i : i + batch_size]), t[i : i + batch_size]) for i in starts]
    return float(np.mean(np.concatenate(right)))


def binary_cross_entropy(y: Values, t: Values) -> Any:
    """The mean of -t log(y) - (1 - t) log(1 - y), of probabilities y and targets t of the same shape, both 0 to 1.

    1e-7 is added within the logarithms, as in the book's `cross_entropy_error`; from scores, `sigmoid_loss` is exact.
    t is taken in the dtype of y. Raises `ShapeError` if the shapes differ.
    """
    p, targets = _alike(y, t)
    return -np.mean(targets * np.log(p + 1e-7) + (1 - targets) * np.log(1 - p + 1e-7))


def sigmoid_loss(x: Values, t: Values) -> Any:
    """The mean binary cross-entropy of sigmoid(x) against t, from the scores x in a stable form: softplus(x) - t x.

    t is taken in the dtype of x. Raises `ShapeError` if the shapes differ.
    """
    scores, targets = _alike(x, t)
    return np.mean(softplus(scores) - targets * scores)


# -- layers


def affine(x: Values, W: Values, b: Values = 0) -> Any:
    """x W + b, (N, D) to (N, M); of images or other arrays all axes but the first are the D inputs of one example."""
    a = _array(x)
    return np.dot(a.reshape(len(a), math.prod(a.shape[1:])) if a.ndim > 2 else a, W) + b


def conv2d(
    x: Values,
    w: Values,
    b: Values | None = None,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Any:
    """Slide filters over images: (N, C, H, W) and (F, C / groups, FH, FW) to (N, F, OH, OW); b has F numbers.

    OH = (H + 2 pad - dilation (FH - 1) - 1) / stride + 1, rounded down. `stride`, `pad` (with zeros) and `dilation`
    (the distance of a filter's elements) are an int or a (rows, columns) pair. With `groups`, each group of filters
    sees its own share of the channels. Raises `ShapeError` where anything does not fit.
    """
    biases = None if b is None or not np.ndim(b) else np.reshape(_array(b), -1)
    y = ops.conv2d(_array(x), _array(w), biases, stride, pad, dilation, groups)
    return y if biases is not None or b is None else y + b


def conv_transpose2d(
    x: Values,
    w: Values,
    b: Values | None = None,
    stride: Pair = 1,
    pad: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Any:
    """The transpose of `conv2d`, by which images grow: (N, F, H, W) and (F, C / groups, FH, FW) to (N, C, OH, OW).

    OH = stride (H - 1) + dilation (FH - 1) + 1 - 2 pad; b has C numbers. Raises `ShapeError` where anything does not
    fit.
    """
    images, filters = _array(x), _array(w)
    if images.ndim != 4 or filters.ndim != 4 or images.shape[1] != filters.shape[0]:
        raise ShapeError(
            f"images (N, F, H, W) and filters (F, C / groups, FH, FW) do not fit: {images.shape}, {filters.shape}"
        )
    sizes = [
        s * (n - 1) + d * (f - 1) + 1 - 2 * p
        for n, f, s, p, d in zip(images.shape[2:], filters.shape[2:], *map(pair, (stride, pad, dilation)), strict=True)
    ]
    if min(sizes) < 1:
        raise ShapeError(
            f"conv_transpose2d of images {images.shape} with filters {filters.shape} would make images of {sizes[0]} x "
            f"{sizes[1]} pixels, not of at least 1 x 1; take a smaller pad than {pad}"
        )
    shape = (images.shape[0], filters.shape[1] * groups, *sizes)
    return _with_bias(ops.conv2d_input(images, filters, shape, stride, pad, dilation, groups), b)


def _with_bias(y: Any, b: Any) -> Any:
    if b is None or not np.ndim(b):
        return y if b is None else y + b
    if math.prod(np.shape(b)) != y.shape[1]:
        raise ShapeError(f"{y.shape[1]} channels have as many biases, not {np.shape(b)}")
    return y + np.reshape(b, (-1, 1, 1))


def max_pool2d(x: Values, size: Pair, stride: Pair | None = None, pad: Pair = 0) -> Any:
    """The largest number of each window: (N, C, H, W) to (N, C, OH, OW); of several, the first gets the gradient.

    `size`, `stride` (if not given, the windows stand side by side) and `pad` are an int or a (rows, columns) pair;
    padding is never the largest. Raises `ShapeError` where the window does not fit.
    """
    return ops.max_pool2d(_array(x), size, size if stride is None else stride, pad)


def average_pool2d(x: Values, size: Pair, stride: Pair | None = None, pad: Pair = 0) -> Any:
    """The mean of each window, as `max_pool2d`, but the zeros of the padding are included in the mean."""
    return ops.sum_pool2d(_array(x), size, size if stride is None else stride, pad) / math.prod(pair(size))


def global_max_pool2d(x: Values) -> Any:
    """The largest number of each channel, (N, C, H, W) to (N, C); several share the gradient."""
    return np.max(_laid_out("global_max_pool2d takes images", x, "NCHW"), axis=(2, 3))


def global_average_pool2d(x: Values) -> Any:
    """The mean of each channel, (N, C, H, W) to (N, C)."""
    return np.mean(_laid_out("global_average_pool2d takes images", x, "NCHW"), axis=(2, 3))


def batch_norm(
    x: Values,
    gamma: Values,
    beta: Values,
    running_mean: NDArray[Any] | None = None,
    running_var: NDArray[Any] | None = None,
    train: bool = True,
    momentum: float = 0.9,
    eps: float = 1e-6,
) -> Any:
    """Normalize each feature of (N, D), or each channel of (N, C, H, W), over the batch; then scale and shift it.

    gamma (x - mean) / sqrt(variance + eps) + beta; gamma, beta, and the running statistics are (D,) or (C,). (Section
    6.3 of the book; S. Ioffe and C. Szegedy, 2015.)

    When training, mean and (biased) variance are the batch's, and the running statistics, if given, are changed in
    place: running = momentum * running + (1 - momentum) * batch. Otherwise they are what is normalized by.
    Raises `ShapeError` if x is of another shape, the others do not fit it, only one of the running statistics is given,
    or none to normalize by; `DTypeError` if these are no arrays of floats, ValueError if they cannot be changed.
    """
    a = _array(x)
    if a.ndim not in (2, 4):
        raise ShapeError(f"batch_norm takes (N, D) or images (N, C, H, W), not {a.shape}")
    features = a.shape[1]
    rows = a if a.ndim == 2 else np.moveaxis(a, 1, 3).reshape(math.prod((len(a), *a.shape[2:])), features)
    if (running_mean is None) != (running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise ShapeError(f"batch_norm takes both running_mean and running_var or neither, but {missing} is missing")
    scale, shift = (_one_each(name, values, features) for name, values in (("gamma", gamma), ("beta", beta)))
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None:
            _refuse_statistics(name, running, features, changed=train)
    if train:
        moments: list[Any] = []
        y = ops.normalize_columns(rows, scale, shift, eps, moments)
        if running_mean is not None and running_var is not None and len(rows):
            for running, batch in zip((running_mean, running_var), moments, strict=True):
                running *= momentum
                running += (1 - momentum) * batch
    elif running_mean is None or running_var is None:
        raise ShapeError("batch_norm needs running_mean and running_var where it does not train")
    else:
        wide = rows.astype(np.float32) if rows.dtype == np.float16 else rows
        y = (wide - running_mean) * (scale / np.sqrt(running_var + eps)) + shift
        y = y if y.dtype == a.dtype else y.astype(a.dtype)
    return y if a.ndim == 2 else np.moveaxis(y.reshape(len(a), *a.shape[2:], features), 3, 1)


def _refuse_statistics(name: str, running: Any, features: int, *, changed: bool) -> None:
    """Raise if running statistics are not one number for each feature, or cannot be changed where they are to be."""
    shape, dtype = np.shape(running), getattr(running, "dtype", None)
    if shape != (features,):
        raise _not_one_each(name, shape, features)
    if dtype is None or dtype.kind != "f":
        kind = type(running).__name__ if dtype is None else dtype
        raise DTypeError(f"batch_norm takes a {name} that is an array of floats, not {kind}")
    if changed and isinstance(running, np.ndarray) and not running.flags.writeable:
        raise ValueError(f"batch_norm cannot change a {name} that is read-only; take a copy of it, or train=False")


def _one_each(name: str, values: Any, features: int) -> Any:
    shape = getattr(values, "shape", None)  # np.shape takes ten times as long
    if shape == (features,):
        return values
    shape = np.shape(values)
    if math.prod(shape) not in (1, features):
        raise _not_one_each(name, shape, features)
    return np.broadcast_to(np.reshape(values, -1), (features,))


def _not_one_each(name: str, shape: tuple[int, ...], features: int) -> ShapeError:
    return ShapeError(
        f"batch_norm takes a {name} for each of the {features} features or channels of x, not {shape}; "
        "nn.BatchNormalization(per_activation=True) has one for each number of an image, as the book has"
    )


def layer_norm(x: Values, gamma: Values, beta: Values, eps: float = 1e-6) -> Any:
    """Normalize the last axis of each example, then scale and shift: gamma and beta have its length (J. Ba, 2016).

    Raises `ShapeError` if they have not.
    """
    a = _array(x)
    for name, shape in (("gamma", np.shape(gamma)), ("beta", np.shape(beta))):
        if shape not in (a.shape[-1:], (1,), ()):
            raise ShapeError(f"layer_norm takes a {name} of shape {a.shape[-1:]} for x of {a.shape}, not {shape}")
    return gamma * ops.standardize(a, (a.ndim - 1,), eps) + beta


def local_response_norm(x: Values, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0) -> Any:
    """Divide images, (N, C, H, W), by (k + alpha * the sum of squares in `size` neighbouring channels)**beta.

    (A. Krizhevsky, I. Sutskever and G. Hinton, 2012, whose defaults these are; alpha is not divided by `size`.)
    """
    a = _laid_out("local_response_norm takes images", x, "NCHW")
    squares = np.pad(a * a, ((0, 0), (size // 2, (size - 1) // 2), (0, 0), (0, 0)))
    near: Any = sum(squares[:, i : i + a.shape[1]] for i in range(size))
    return a * (k + alpha * near) ** -beta


def dropout(x: Values, ratio: float = 0.5, train: bool = True, rng: np.random.Generator | None = None) -> Any:
    """When training, set each number to 0 with the probability `ratio`, and divide the others by 1 - ratio.

    The mean stays, so that nothing is left to do otherwise (the book's Dropout scales at test time instead). Raises
    ValueError if ratio is not in [0, 1).
    """
    a = _array(x)
    if not 0 <= ratio < 1:
        raise ValueError(f"the ratio of dropout is at least 0 and less than 1, not {ratio}")
    if not train or ratio == 0:
        return a
    kept = (rng or np.random.default_rng()).random(a.shape, dtype=np.float32) >= ratio
    return a * (kept.astype(a.dtype) * a.dtype.type(1 / (1 - ratio)))


def lstm(
    xs: Values, Wx: Values, Wh: Values, b: Values, h: Values | None = None, c: Values | None = None
) -> tuple[Any, Any, Any]:
    """Long short-term memory over sequences (S. Hochreiter and J. Schmidhuber, 1997; with forget gates).

    Parameters
    ----------
    xs : (N, T, D)
        Sequences of T inputs.
    Wx, Wh, b : (D, 4 H), (H, 4 H), (4 H,)
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
    inputs, recurrent = _laid_out("lstm takes sequences", xs, "NTD"), _array(Wh)
    n, steps, length = inputs.shape
    size = len(recurrent) if recurrent.ndim else 0
    zeros = np.zeros((n, size), inputs.dtype)
    h, c = (zeros if state is None else _array(state) for state in (h, c))
    fitting = {"Wx": (Wx, (length, 4 * size)), "Wh": (Wh, (size, 4 * size)), "b": (b, (4 * size,))}
    for name, (values, shape) in (fitting | {"h": (h, (n, size)), "c": (c, (n, size))}).items():
        if np.shape(values) != shape and not (name == "b" and np.shape(values) == ()):
            raise ShapeError(f"lstm takes {name} of shape {shape} for xs of {inputs.shape}, not {np.shape(values)}")
    if not steps:
        return np.dot(inputs, Wx)[:, :, :size], h, c
    hs = []
    for t in range(steps):
        a = np.dot(inputs[:, t], Wx) + np.dot(h, recurrent) + b
        enter, keep, leave = (sigmoid(a[:, i * size : (i + 1) * size]) for i in (0, 1, 3))
        c = keep * c + enter * np.tanh(a[:, 2 * size : 3 * size])
        h = leave * np.tanh(c)
        hs.append(h)
    return np.stack(hs, axis=1), h, c


# -- arguments


def _alike(y: Any, t: Any) -> tuple[Any, Any]:
    """Both as floating arrays, of the same shape, and of the dtype of y."""
    outputs, targets = _array(y), _array(t)
    if outputs.shape != targets.shape:
        raise ShapeError(f"y and t must have the same shape, not {outputs.shape} and {targets.shape}")
    return outputs, targets if targets.dtype == outputs.dtype else targets.astype(outputs.dtype)


def _laid_out(what: str, x: Any, axes: str) -> Any:
    """x as a floating array, which must have these axes, each a letter."""
    a = _array(x)
    if a.ndim != len(axes):
        raise ShapeError(f"{what} ({', '.join(axes)}), not {a.shape}")
    return a


def _array(x: Any) -> Any:
    """Lists and numbers as floating arrays; arrays and Tensors as they are, but integers as floats.

    Raises DTypeError for what are no real numbers.
    """
    x = x if isinstance(x, Tensor) else as_value(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _targets(y: Any, t: Any) -> Any:
    """t as labels, checked to be such, or as rows of y's shape and dtype."""
    if type(t) is not np.ndarray and not hasattr(t, "__array_function__"):  # a Tensor has it, too
        t = np.asarray(t)
    shape = y.shape
    if not shape:
        raise ShapeError("the scores or probabilities must have a last axis, the classes; this is a single number")
    batch, classes = shape[:-1], shape[-1]
    if t.shape == shape:
        return t if t.dtype == y.dtype else t.astype(y.dtype)
    if t.shape == (*batch, 1):
        t = t[..., 0]
    if t.shape != batch:
        raise ShapeError(f"t must be labels of shape {batch} or rows of shape {shape}, not {t.shape}")
    labels = t.data if isinstance(t, Tensor) else t
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"labels must be integers, not {labels.dtype}")
    if labels.size and labels.astype(np.uint64).max() >= classes:  # negative ones become huge
        raise DataError(
            f"the labels of {classes} classes are 0 to {classes - 1}; these are {labels.min()} to {labels.max()}"
        )
    return t if isinstance(y, Tensor) else labels

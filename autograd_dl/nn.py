"""Layers under the book's names: each is called with Tensors or arrays, and the graph is its backward pass.

    affine = Affine(W, b)
    y = affine.forward(x)      # or affine(x)
    loss = SoftmaxWithLoss().forward(y, t)
    loss.backward()            # W.grad, b.grad

The functions behind them are in `functional`: `forward` has their shapes, and raises what they raise.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from . import functional
from .errors import GraphError
from .functional.arguments import array_of, check_dropout
from .ops.windows import Pair
from .tensor import bare
from .values import wide_dtype

__all__ = [
    "LSTM",
    "AddLayer",
    "Affine",
    "BatchNormalization",
    "Convolution",
    "Dropout",
    "Layer",
    "LayerNormalization",
    "MulLayer",
    "Pooling",
    "Relu",
    "Sigmoid",
    "SoftmaxWithLoss",
    "Tanh",
]  # fmt: skip


class Layer(ABC):
    """What all layers share: a layer is called as its `forward`, and has no backward pass of its own."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.backward is not Layer.backward:
            raise TypeError(
                f"{cls.__name__}.backward would never be called: the graph goes back through what forward computes; a "
                "derivative of your own is the rule of an op, see ops.primitive and ops.defvjp"
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The same as `forward`."""
        return self.forward(*args, **kwargs)

    @abstractmethod
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer makes of its inputs."""

    def backward(self, *_args: Any) -> NoReturn:
        """There is none: raises `GraphError`, which says what to write instead."""
        raise GraphError(
            f"{type(self).__name__} has no backward of its own: the graph goes back through all layers at once; make "
            "a Tensor of each array whose gradient you want, W = Tensor(a, requires_grad=True), call backward() of the "
            "last result, and read W.grad"
        )


class AddLayer(Layer):
    """x + y (book, section 5.4.2), of numbers, arrays or Tensors."""

    def forward(self, x: Any, y: Any) -> Any:
        """x + y."""
        return x + y


class MulLayer(Layer):
    """x * y (book, section 5.4.1), of numbers, arrays or Tensors."""

    def forward(self, x: Any, y: Any) -> Any:
        """x * y."""
        return x * y


class Relu(Layer):
    """max(x, 0), with the derivative 0 at 0 (book, section 5.5.1)."""

    def forward(self, x: Any) -> Any:
        """max(x, 0)."""
        return functional.relu(x)


class Sigmoid(Layer):
    """1 / (1 + exp(-x)) (book, section 5.5.2)."""

    def forward(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return functional.sigmoid(x)


class Tanh(Layer):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        """tanh(x)."""
        return functional.tanh(x)


class Affine(Layer):
    """x W + b, of inputs (N, D) or (N, C, H, W) with D = C H W (book, section 5.6). W is (D, M), b (M,)."""

    def __init__(self, W: Any, b: Any) -> None:
        self.W, self.b = W, b

    def forward(self, x: Any) -> Any:
        """x W + b, (N, M). Raises `ShapeError` where the shapes do not fit."""
        return functional.affine(x, self.W, self.b)


class SoftmaxWithLoss(Layer):
    """Softmax and the mean cross-entropy against t, in one stable step (book, section 5.6.3).

    After `forward`, `loss` is its result, and `y` the probabilities, a plain array.
    """

    def __init__(self) -> None:
        self.loss: Any = None
        self.y: NDArray[Any] | None = None
        self.t: Any = None

    def forward(self, x: Any, t: Any) -> Any:
        """The loss of scores x against labels or rows t; shapes and errors are those of `functional.softmax_loss`."""
        self.y, self.t = functional.softmax(bare(x)), t
        self.loss = functional.softmax_loss(x, t)
        return self.loss


class Dropout(Layer):
    """Set a share of the numbers to 0 while training (book, section 6.4.3; N. Srivastava et al., 2014).

    What is kept is divided by 1 - dropout_ratio, so that nothing is left to do at test time. With `scale_at_test`, all
    is multiplied by 1 - dropout_ratio then, and left as it is in training, as in the book. With the same `seed`, the
    masks are the same. Raises ValueError if dropout_ratio is not in [0, 1).
    """

    def __init__(
        self, dropout_ratio: float = 0.5, *, scale_at_test: bool = False, seed: int | np.random.Generator | None = None
    ) -> None:
        check_dropout(dropout_ratio)
        self.dropout_ratio, self.scale_at_test = dropout_ratio, scale_at_test
        self.rng = np.random.default_rng(seed)

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        """x with some numbers set to 0 if `train_flg`, in x's shape."""
        y = functional.dropout(x, self.dropout_ratio, train_flg, self.rng)
        return y * (1 - self.dropout_ratio) if self.scale_at_test else y


class BatchNormalization(Layer):
    """Normalize each feature over the batch, or each channel of images; then scale and shift (book, section 6.3).

    gamma and beta are (D,), for images (C,). The running statistics, by which `forward(x, train_flg=False)` normalizes,
    are made when they are first needed, if they are not given. With `per_activation`, each number of an image is
    normalized by itself, as in the book: gamma and beta are (C * H * W,) then. `forward` raises `ShapeError` if only
    one of the running statistics is given.
    """

    def __init__(
        self,
        gamma: Any,
        beta: Any,
        momentum: float = 0.9,
        running_mean: NDArray[Any] | None = None,
        running_var: NDArray[Any] | None = None,
        *,
        per_activation: bool = False,
    ) -> None:
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.running_mean, self.running_var = running_mean, running_var
        self.per_activation = per_activation

    def forward(self, x: Any, train_flg: bool = True) -> Any:
        """x normalized, in its own shape; the running statistics move if `train_flg`. See `functional.batch_norm`."""
        a = array_of(x)
        if self.per_activation and a.ndim > 2:
            return self._normalized(a.reshape(len(a), math.prod(a.shape[1:])), train_flg).reshape(a.shape)
        return self._normalized(a, train_flg)

    def _normalized(self, x: Any, train_flg: bool) -> Any:
        mean, var = self.running_mean, self.running_var
        if mean is None and var is None:
            dtype = wide_dtype(x.dtype)  # a variance may be too large for float16
            mean, var = (np.zeros(x.shape[1:2], dtype) for _ in range(2))
        y = functional.batch_norm(x, self.gamma, self.beta, mean, var, train=train_flg, momentum=self.momentum)
        self.running_mean, self.running_var = mean, var
        return y


class LayerNormalization(Layer):
    """Normalize the last axis of each example, then scale and shift: gamma and beta have its length (J. Ba, 2016)."""

    def __init__(self, gamma: Any, beta: Any) -> None:
        self.gamma, self.beta = gamma, beta

    def forward(self, x: Any) -> Any:
        """x normalized, in its own shape. Raises `ShapeError` where gamma or beta do not fit."""
        return functional.layer_norm(x, self.gamma, self.beta)


class Convolution(Layer):
    """Slide filters W, (F, C, FH, FW), over images (N, C, H, W), and add b, (F,) or 0 (book, section 7.4)."""

    def __init__(self, W: Any, b: Any, stride: Pair = 1, pad: Pair = 0) -> None:
        self.W, self.b, self.stride, self.pad = W, b, stride, pad

    def forward(self, x: Any) -> Any:
        """The filtered images, (N, F, OH, OW). Raises `ShapeError` where the filters do not fit."""
        return functional.conv2d(x, self.W, self.b, self.stride, self.pad)


class Pooling(Layer):
    """The largest number of each window of images, (N, C, H, W) (book, section 7.4.4)."""

    def __init__(self, pool_h: int, pool_w: int, stride: Pair = 2, pad: Pair = 0) -> None:
        self.pool_h, self.pool_w, self.stride, self.pad = pool_h, pool_w, stride, pad

    def forward(self, x: Any) -> Any:
        """The largest number of each window, (N, C, OH, OW). Raises `ShapeError` where the window does not fit."""
        return functional.max_pool2d(x, (self.pool_h, self.pool_w), self.stride, self.pad)


class LSTM(Layer):
    """Long short-term memory over sequences (N, T, D); the shapes are those of `functional.lstm`."""

    def __init__(self, Wx: Any, Wh: Any, b: Any) -> None:
        self.Wx, self.Wh, self.b = Wx, Wh, b

    def forward(self, xs: Any, h: Any = None, c: Any = None) -> tuple[Any, Any, Any]:
        """The state after each input, (N, T, H), the last one, and the last memory cell, (N, H)."""
        return functional.lstm(xs, self.Wx, self.Wh, self.b, h, c)

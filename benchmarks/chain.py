"""2,000 scalar operations in a row, forward and backward: the cost of recording and walking, without any array."""

from __future__ import annotations

PAIRS = 1000
FACTOR = 0.999


def _chain(x):
    y = x
    for _ in range(PAIRS):
        y = y * FACTOR + x
    return y


def ours():
    from autograd_dl import Tensor

    return lambda: _chain(Tensor(1.0, requires_grad=True)).backward()


def pytorch():
    import torch

    return lambda: _chain(torch.tensor(1.0, requires_grad=True, dtype=torch.float64)).backward()


def jax():
    import jax

    gradient = jax.grad(_chain)
    return lambda: jax.block_until_ready(gradient(1.0))


def hips_autograd():
    import autograd

    gradient = autograd.grad(_chain)
    return lambda: gradient(1.0)


def mygrad():
    import sys

    import mygrad as mg

    sys.setrecursionlimit(100_000)  # its backward is recursive
    return lambda: _chain(mg.tensor(1.0)).backward()


def book():
    """Chapter 5's layers of one multiplication and one addition, called one by one there and back."""

    class Mul:
        def forward(self, x, y):
            self.x, self.y = x, y
            return x * y

        def backward(self, dout):
            return dout * self.y, dout * self.x

    class Add:
        def forward(self, x, y):
            return x + y

        def backward(self, dout):
            return dout, dout

    def run():
        layers = []
        x = y = 1.0
        for _ in range(PAIRS):
            mul, add = Mul(), Add()
            y = add.forward(mul.forward(y, FACTOR), x)
            layers.append((mul, add))
        dy, dx = 1.0, 0.0
        for mul, add in reversed(layers):
            dm, part = add.backward(dy)
            dx += part
            dy, _ = mul.backward(dm)
        return dx + dy

    return run


SIDES = {
    "ours": ours,
    "PyTorch eager": pytorch,
    "JAX grad": jax,
    "HIPS autograd": hips_autograd,
    "MyGrad": mygrad,
    "the book's layers": book,
}

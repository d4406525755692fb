"""A layer of your own (section 5.5): an op and its derivative, checked; one neuron with it learns XOR (2.5).

Run: python examples/own_layer.py
"""

import numpy as np

from autograd_dl import Tensor
from autograd_dl.nn import Affine, Layer
from autograd_dl.ops import defvjp, primitive
from autograd_dl.optim import Adam, zero_grad
from autograd_dl.testing import check_gradients


@primitive
def bump(x):
    """1 at 0, and falling to both sides."""
    return np.exp(-(x**2))


defvjp(bump, lambda g, ans, x: g * -2 * x * ans)  # g arrives from behind; ans is what bump returned


class Bump(Layer):
    """The op as a layer."""

    def forward(self, x):
        """Return bump(x)."""
        return bump(x)


report = check_gradients(bump, np.linspace(-2, 2, 12).reshape(3, 4))
print(f"bump agrees with numerical differentiation, in {report.comparisons} comparisons to second order")

x, t = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]), np.array([[0.0], [1], [1], [0]])
params = {"W": Tensor([[0.5], [0.8]], requires_grad=True), "b": Tensor([0.0], requires_grad=True)}
affine, activation, optimizer = Affine(params["W"], params["b"]), Bump(), Adam(lr=0.1)
for step in range(201):
    y = activation(affine(x))
    loss = np.sum((y - t) ** 2)
    zero_grad(params)  # backward() adds to .grad
    loss.backward()
    optimizer.update(params)
    if step % 50 == 0:
        print(f"step {step:3}: loss {loss:.4f}, XOR", y.numpy().ravel().round(2))

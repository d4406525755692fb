"""Gradients of plain NumPy code (section 4.4, and beyond): no Tensor is to be seen, and Newton needs six steps.

Run: python examples/numpy_gradients.py
"""

import numpy as np

from autograd_dl import grad, hessian
from autograd_dl.numerical import gradient_descent, numerical_gradient


def valley(x):
    """Rosenbrock's curved valley; its lowest point is (1, 1)."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


start = np.array([-1.2, 1.0])
print("gradient by the graph:      ", grad(valley)(start))
print("gradient by differences:    ", numerical_gradient(valley, start))

end, _ = gradient_descent(valley, start, lr=0.001, step_num=100)
print("100 steps of descent end at ", end.round(4))

x = start
for step in range(1, 7):
    x = x - np.linalg.solve(hessian(valley)(x), grad(valley)(x))
    print(f"step {step} of Newton ends at   ", x.round(4))

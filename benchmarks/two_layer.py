"""A training step of the book's two-layer network, 784-50-10, batch 100, SGD with lr 0.1, on a fixed batch.

Ours is `optimizer.update(net.params, net.gradient(x, t))` in float32; the peers do the same in float32, at their
default settings; the book's layers (`book.py`) are float64, with a hand-written backward pass each.
"""

from __future__ import annotations

import numpy as np

from . import book
from .networks import our_step, torch_step, vectors

BATCH, INPUTS, HIDDEN, OUTPUTS, LR = 100, 784, 50, 10, 0.1


def _weights(dtype="float32"):
    rng = np.random.default_rng(1)
    shapes = (INPUTS, HIDDEN), (HIDDEN,), (HIDDEN, OUTPUTS), (OUTPUTS,)
    return [(0.01 * rng.standard_normal(s)).astype(dtype) for s in shapes]


def ours():
    from autograd_dl.optim import SGD
    from models import TwoLayerNet

    return our_step(TwoLayerNet(INPUTS, HIDDEN, OUTPUTS, seed=0), SGD(LR), *vectors(BATCH))


def pytorch():
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(INPUTS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, OUTPUTS))
    return torch_step(net, torch.optim.SGD(net.parameters(), lr=LR), *vectors(BATCH))


def jax():
    import jax
    import jax.numpy as jnp

    x, t = map(jnp.asarray, vectors(BATCH))

    def loss(params, x, t):
        w1, b1, w2, b2 = params
        scores = jax.nn.relu(x @ w1 + b1) @ w2 + b2
        return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(BATCH), t])

    @jax.jit
    def update(params, x, t):
        return [p - LR * g for p, g in zip(params, jax.grad(loss)(params, x, t), strict=True)]

    state = [list(map(jnp.asarray, _weights()))]

    def step():
        state[0] = jax.block_until_ready(update(state[0], x, t))

    return step


def hips_autograd():
    import autograd
    import autograd.numpy as anp

    (x, t), params = vectors(BATCH), _weights()
    rows = np.arange(BATCH)

    def loss(params):
        w1, b1, w2, b2 = params
        scores = anp.dot(anp.maximum(anp.dot(x, w1) + b1, 0), w2) + b2
        scores = scores - anp.max(scores, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(scores), axis=1)) - scores[rows, t])

    gradient = autograd.grad(loss)

    def step():
        for p, g in zip(params, gradient(params), strict=True):
            p -= np.float32(LR) * g

    return step


def mygrad():
    import mygrad as mg
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    x, t = vectors(BATCH)
    params = [mg.tensor(w) for w in _weights()]

    def step():
        w1, b1, w2, b2 = params
        softmax_crossentropy(mg.matmul(relu(mg.matmul(x, w1) + b1), w2) + b2, t).backward()
        for p in params:
            p.data -= np.float32(LR) * p.grad

    return step


def by_the_book():
    rng = np.random.default_rng(1)
    layers = [book.Affine(rng, INPUTS, HIDDEN), book.Relu(), book.Affine(rng, HIDDEN, OUTPUTS)]
    return book.training_step(layers, book.SGD(LR), *vectors(BATCH, "float64"))


SIDES = {
    "ours": ours,
    "PyTorch eager": pytorch,
    "JAX jit": jax,
    "HIPS autograd": hips_autograd,
    "MyGrad": mygrad,
    "the book's NumPy code": by_the_book,
}

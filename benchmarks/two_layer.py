"""A training step of the book's two-layer network, 784-50-10, batch 100, SGD with lr 0.1, on a fixed batch.

Ours is `optimizer.update(net.params, net.gradient(x, t))` in float32; the peers do the same in float32, at their
default settings; the book's code, written anew, is float64 with a hand-written backward pass.
"""

from __future__ import annotations

import numpy as np

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


def book():
    """Forward and backward by hand, one after the other, as chapter 5 derives them layer by layer."""
    x, t = vectors(BATCH, "float64")
    w1, b1, w2, b2 = _weights("float64")
    hot = np.eye(OUTPUTS)[t]

    def step():
        a1 = np.dot(x, w1) + b1
        mask = a1 <= 0
        z1 = a1.copy()
        z1[mask] = 0
        a2 = np.dot(z1, w2) + b2
        shifted = (a2.T - np.max(a2.T, axis=0)).T
        y = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
        loss = -np.sum(hot * np.log(y + 1e-7)) / BATCH
        da2 = (y - hot) / BATCH
        dz1 = np.dot(da2, w2.T)
        dw2, db2 = np.dot(z1.T, da2), np.sum(da2, axis=0)
        dz1[mask] = 0
        dw1, db1 = np.dot(x.T, dz1), np.sum(dz1, axis=0)
        for p, g in ((w1, dw1), (b1, db1), (w2, dw2), (b2, db2)):
            p -= LR * g
        return loss

    return step


SIDES = {
    "ours": ours,
    "PyTorch eager": pytorch,
    "JAX jit": jax,
    "HIPS autograd": hips_autograd,
    "MyGrad": mygrad,
    "the book's NumPy code": book,
}

"""Layers as the book has its readers write them: NumPy in float64, each with a hand-written backward pass.

Written anew for the benchmarks, after the book's description.
"""

from __future__ import annotations

import numpy as np


def im2col(x, size, stride, pad):
    n, c, h, w = x.shape
    oh, ow = (h + 2 * pad - size) // stride + 1, (w + 2 * pad - size) // stride + 1
    image = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    col = np.zeros((n, c, size, size, oh, ow))
    for i in range(size):
        for j in range(size):
            col[:, :, i, j] = image[:, :, i : i + stride * oh : stride, j : j + stride * ow : stride]
    return col.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, -1)


def col2im(col, shape, size, stride, pad):
    n, c, h, w = shape
    oh, ow = (h + 2 * pad - size) // stride + 1, (w + 2 * pad - size) // stride + 1
    col = col.reshape(n, oh, ow, c, size, size).transpose(0, 3, 4, 5, 1, 2)
    image = np.zeros((n, c, h + 2 * pad + stride - 1, w + 2 * pad + stride - 1))
    for i in range(size):
        for j in range(size):
            image[:, :, i : i + stride * oh : stride, j : j + stride * ow : stride] += col[:, :, i, j]
    return image[:, :, pad : h + pad, pad : w + pad]


class Affine:
    def __init__(self, rng, inputs, outputs):
        self.params = [np.sqrt(2 / inputs) * rng.standard_normal((inputs, outputs)), np.zeros(outputs)]

    def forward(self, x):
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return np.dot(self.x, self.params[0]) + self.params[1]

    def backward(self, dout):
        self.grads = [np.dot(self.x.T, dout), np.sum(dout, axis=0)]
        return np.dot(dout, self.params[0].T).reshape(self.shape)


class Relu:
    params = grads = ()

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Dropout:
    params = grads = ()

    def __init__(self, rng, ratio=0.5):
        self.rng, self.ratio = rng, ratio

    def forward(self, x):
        self.mask = self.rng.random(x.shape) > self.ratio
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class BatchNormalization:
    def __init__(self, features):
        self.params = [np.ones(features), np.zeros(features)]
        self.mean, self.var = np.zeros(features), np.zeros(features)

    def forward(self, x):
        mu = x.mean(axis=0)
        self.xc = x - mu
        var = np.mean(self.xc**2, axis=0)
        self.std = np.sqrt(var + 1e-6)
        self.xn = self.xc / self.std
        self.mean = 0.9 * self.mean + 0.1 * mu
        self.var = 0.9 * self.var + 0.1 * var
        return self.params[0] * self.xn + self.params[1]

    def backward(self, dout):
        self.grads = [np.sum(self.xn * dout, axis=0), dout.sum(axis=0)]
        dxn = self.params[0] * dout
        dxc = dxn / self.std
        dstd = -np.sum((dxn * self.xc) / (self.std * self.std), axis=0)
        dxc += (2.0 / len(dout)) * self.xc * (0.5 * dstd / self.std)
        return dxc - np.sum(dxc, axis=0) / len(dout)


class Convolution:
    def __init__(self, rng, channels, filters, size, pad=0):
        inputs = channels * size * size
        self.params = [np.sqrt(2 / inputs) * rng.standard_normal((filters, channels, size, size)), np.zeros(filters)]
        self.pad = pad

    def forward(self, x):
        w, b = self.params
        n, _, h, _ = x.shape
        side = h + 2 * self.pad - w.shape[2] + 1
        self.shape, self.col = x.shape, im2col(x, w.shape[2], 1, self.pad)
        self.w = w.reshape(len(w), -1).T
        return (np.dot(self.col, self.w) + b).reshape(n, side, side, -1).transpose(0, 3, 1, 2)

    def backward(self, dout):
        w = self.params[0]
        dout = dout.transpose(0, 2, 3, 1).reshape(-1, len(w))
        self.grads = [np.dot(self.col.T, dout).transpose(1, 0).reshape(w.shape), np.sum(dout, axis=0)]
        return col2im(np.dot(dout, self.w.T), self.shape, w.shape[2], 1, self.pad)


class Pooling:
    params = grads = ()

    def forward(self, x):
        n, c, h, w = x.shape
        col = im2col(x, 2, 2, 0).reshape(-1, 4)
        self.shape, self.argmax = x.shape, np.argmax(col, axis=1)
        return np.max(col, axis=1).reshape(n, h // 2, w // 2, c).transpose(0, 3, 1, 2)

    def backward(self, dout):
        dout = dout.transpose(0, 2, 3, 1)
        dmax = np.zeros((dout.size, 4))
        dmax[np.arange(dout.size), self.argmax] = dout.ravel()
        n, oh, ow, _ = dout.shape
        return col2im(dmax.reshape(n * oh * ow, -1), self.shape, 2, 2, 0)


class SGD:
    def __init__(self, lr):
        self.lr = lr

    def update(self, params, grads):
        for p, g in zip(params, grads, strict=True):
            p -= self.lr * g


class Adam:
    def __init__(self, lr=0.001):
        self.lr, self.iter, self.m = lr, 0, None

    def update(self, params, grads):
        if self.m is None:
            self.m, self.v = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
        self.iter += 1
        rate = self.lr * np.sqrt(1 - 0.999**self.iter) / (1 - 0.9**self.iter)
        for p, g, m, v in zip(params, grads, self.m, self.v, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g**2 - v)
            p -= rate * m / (np.sqrt(v) + 1e-7)


def training_step(layers, optimizer, x, t):
    """A step of a network of these layers on a fixed batch."""
    hot = np.eye(10)[t]
    params = [p for layer in layers for p in layer.params]

    def step():
        y = x
        for layer in layers:
            y = layer.forward(y)
        shifted = (y.T - np.max(y.T, axis=0)).T
        y = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
        loss = -np.sum(hot * np.log(y + 1e-7)) / len(x)
        dout = (y - hot) / len(x)
        for layer in reversed(layers):
            dout = layer.backward(dout)
        optimizer.update(params, [g for layer in layers for g in layer.grads])
        return loss

    return step

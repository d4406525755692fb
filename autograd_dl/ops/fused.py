"""Ops that could be composed of others and are one all the same, each for a reason that it names."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..table import defvjp
from ..tensor import bare
from .entry import primitive
from .reduction import logsumexp


@primitive
def relu(x: Any) -> Any:
    """max(x, 0), with the derivative 0 at 0. (A primitive since `np.maximum(x, 0)` has 1/2 there: it shares a tie.)"""
    return np.maximum(x, 0)


defvjp(relu, lambda g, ans, _x: g * (ans > 0))


@primitive
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)). (A primitive for speed, and because the composition warns where exp overflows.)"""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


defvjp(sigmoid, lambda g, ans, _x: g * (ans * (1 - ans)))


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `axis`: probabilities, of the shape of `x`. The largest x is subtracted first."""
    e = np.exp(x - np.max(bare(x), axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@primitive(saved=lambda x, _t: softmax(x))
def softmax_cross_entropy(x: Any, t: Any) -> Any:
    """The mean cross-entropy of softmax(x) against t; see `functional.softmax_loss`.

    (A primitive for stability, since log(softmax(x)) loses small probabilities, and for speed: it keeps the softmax.)
    `x` is (batch, classes) or (classes,); `t` has integer labels, without the last axis, or rows of x's shape.
    """
    z = x - x.max(-1, keepdims=True)
    e = np.exp(z)
    total = e.sum(-1, keepdims=True)
    if t.ndim == x.ndim:
        log_likelihoods = t * (z - np.log(total))
    else:
        log_likelihoods = z.reshape(-1, x.shape[-1])[np.arange(t.size), t.ravel()] - np.log(total).ravel()
    return (-log_likelihoods.sum(dtype=np.float64) / _batch(x)).astype(x.dtype), e / total


def _batch(x: Any) -> int:
    return math.prod(x.shape[:-1]) or 1


def _cross_entropy_x(g: Any, _ans: Any, _x: Any, t: Any, p: Any) -> Any:
    if t.ndim == _x.ndim:
        return (p * t.sum(axis=-1, keepdims=True) - t) * (g / _batch(_x))
    return (p - (np.expand_dims(t, -1) == np.arange(_x.shape[-1]))) * (g / _batch(_x))


def _cross_entropy_t(g: Any, _ans: Any, x: Any, _t: Any, _p: Any) -> Any:
    return (logsumexp(x, axis=-1, keepdims=True) - x) * (g / _batch(x))


defvjp(softmax_cross_entropy, _cross_entropy_x, _cross_entropy_t)

"""The functions of layers agree with PyTorch's, values and gradients."""

import numpy as np
import pytest

from autograd_dl import Tensor, gradients
from autograd_dl import functional as F  # noqa: N812 -- the name that readers know

torch = pytest.importorskip("torch", reason="PyTorch, which these tests compare with, is not installed")
T = torch.nn.functional
pytestmark = pytest.mark.torch

rng = np.random.default_rng(0)
X = rng.standard_normal((5, 4))
IMAGES = rng.standard_normal((3, 4, 5, 6))
GAMMA, BETA = rng.standard_normal((2, 4))
FILTERS = rng.standard_normal((4, 2, 3, 2))
TARGETS = rng.random((5, 4))

# fmt: off
PAIRS = {
    "gelu":                (F.gelu, T.gelu, X),
    "elu":                 (F.elu, T.elu, X),
    "leaky relu":          (F.leaky_relu, T.leaky_relu, X),
    "softplus":            (F.softplus, T.softplus, X),
    "tanh":                (F.tanh, torch.tanh, X),
    "log softmax":         (F.log_softmax, lambda x: T.log_softmax(x, -1), X),
    "sigmoid loss":        (lambda x: F.sigmoid_loss(x, TARGETS),
                            lambda x: T.binary_cross_entropy_with_logits(x, torch.tensor(TARGETS)), X),
    "conv2d":              (lambda x, w, b: F.conv2d(x, w, b, (2, 1), (1, 2), 1, 2),
                            lambda x, w, b: T.conv2d(x, w, b, (2, 1), (1, 2), 1, 2), IMAGES, FILTERS, BETA),
    "conv transpose":      (lambda x, w, b: F.conv_transpose2d(x, w, b, 2, 1, 1, 2),
                            lambda x, w, b: T.conv_transpose2d(x, w, b, 2, 1, 0, 2), IMAGES, FILTERS, BETA),
    "dilated transpose":   (lambda x, w: F.conv_transpose2d(x, w, stride=(1, 2), dilation=2),
                            lambda x, w: T.conv_transpose2d(x, w, stride=(1, 2), dilation=2), IMAGES, FILTERS),
    "max pool":            (lambda x: F.max_pool2d(x, (2, 3)), lambda x: T.max_pool2d(x, (2, 3)), IMAGES),
    "max pool of ties":    (lambda x: F.max_pool2d(x, 2, 1), lambda x: T.max_pool2d(x, 2, 1), np.round(IMAGES)),
    "average pool":        (lambda x: F.average_pool2d(x, 3, 2, 1), lambda x: T.avg_pool2d(x, 3, 2, 1), IMAGES),
    "global average":      (F.global_average_pool2d, lambda x: T.adaptive_avg_pool2d(x, 1)[..., 0, 0], IMAGES),
    "global max":          (F.global_max_pool2d, lambda x: T.adaptive_max_pool2d(x, 1)[..., 0, 0], IMAGES),
    "batch norm":          (lambda x, g, b: F.batch_norm(x, g, b, eps=1e-5),
                            lambda x, g, b: T.batch_norm(x, None, None, g, b, True), X, GAMMA, BETA),
    "batch norm, images":  (lambda x, g, b: F.batch_norm(x, g, b, eps=1e-5),
                            lambda x, g, b: T.batch_norm(x, None, None, g, b, True), IMAGES, GAMMA, BETA),
    "batch norm, tested":  (lambda x, g, b: F.batch_norm(x, g, b, BETA, GAMMA**2, train=False),
                            lambda x, g, b: T.batch_norm(x, torch.tensor(BETA), torch.tensor(GAMMA**2), g, b, eps=1e-6),
                            IMAGES, GAMMA, BETA),
    "layer norm":          (lambda x, g, b: F.layer_norm(x, g, b, eps=1e-5),
                            lambda x, g, b: T.layer_norm(x, (4,), g, b), X, GAMMA, BETA),
    "local response norm": (lambda x: F.local_response_norm(x, 3, 1e-2), # PyTorch divides alpha by the size
                            lambda x: T.local_response_norm(x, 3, 3e-2, 0.75, 2.0), IMAGES),
}
# fmt: on


@pytest.mark.parametrize("case", PAIRS.values(), ids=PAIRS)
def test_values_and_gradients(case):
    ours, theirs, *arrays = case
    inputs = [Tensor(x, requires_grad=True) for x in arrays]
    others = [torch.tensor(x, requires_grad=True) for x in arrays]
    y, z = ours(*inputs), theirs(*others)
    np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-6, atol=1e-12)
    arriving = rng.standard_normal(y.shape)
    z.backward(torch.tensor(arriving))
    for g, other in zip(gradients([y], inputs, [arriving]), others, strict=True):
        np.testing.assert_allclose(g.numpy(), other.grad.numpy(), rtol=1e-6, atol=1e-12)


def test_lstm():
    theirs = torch.nn.LSTM(4, 3, batch_first=True).double()
    weights = [theirs.weight_ih_l0.T, theirs.weight_hh_l0.T, theirs.bias_ih_l0 + theirs.bias_hh_l0]
    xs, (h, c) = rng.standard_normal((2, 6, 4)), rng.standard_normal((2, 2, 3))
    found = F.lstm(xs, *(w.detach().numpy() for w in weights), h, c)
    states, (last, cell) = theirs(torch.tensor(xs), (torch.tensor(h)[None], torch.tensor(c)[None]))
    for ours, other in zip(found, (states, last[0], cell[0]), strict=True):
        np.testing.assert_allclose(ours, other.detach().numpy(), rtol=1e-10)

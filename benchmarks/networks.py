"""Training steps of the book's larger networks on a fixed batch, in float32; the book's code is float64.

Ours is `optimizer.update(net.params, net.gradient(x, t))`; PyTorch runs zero_grad, forward, backward and step at its
default settings.
"""

from __future__ import annotations

import numpy as np

from . import book


def vectors(batch, dtype="float32"):
    """Images as rows of pixels, and their labels."""
    rng = np.random.default_rng(0)
    return rng.random((batch, 784)).astype(dtype), rng.integers(0, 10, batch)


def _images(dtype="float32"):
    x, t = vectors(100, dtype)
    return x.reshape(100, 1, 28, 28), t


def our_step(net, optimizer, x, t):
    """A step of ours."""
    return lambda: optimizer.update(net.params, net.gradient(x, t))


def torch_step(net, optimizer, x, t):
    """The same in PyTorch."""
    import torch

    x, t, loss = torch.from_numpy(x), torch.from_numpy(t), torch.nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        loss(net(x), t).backward()
        optimizer.step()

    return step


# -- 784-100x4-10, batch 128, Adam


def multi_layer_net():
    from autograd_dl.optim import Adam
    from models import MultiLayerNet

    return our_step(MultiLayerNet(784, [100] * 4, 10, seed=0), Adam(), *vectors(128))


def multi_layer_net_torch():
    import torch
    from torch import nn

    layers = []
    for size in (784, 100, 100, 100):
        layers += [nn.Linear(size, 100), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(100, 10))
    return torch_step(net, torch.optim.Adam(net.parameters()), *vectors(128))


def multi_layer_net_book():
    rng, layers = np.random.default_rng(1), []
    for size in (784, 100, 100, 100):
        layers += [book.Affine(rng, size, 100), book.Relu()]
    return book.training_step([*layers, book.Affine(rng, 100, 10)], book.Adam(), *vectors(128, "float64"))


# -- the same with batch normalization, 784-100x5-10, batch 100, SGD


def batch_norm():
    from autograd_dl.optim import SGD
    from models import MultiLayerNetExtend

    net = MultiLayerNetExtend(784, [100] * 5, 10, use_batchnorm=True, seed=0)
    return our_step(net, SGD(0.01), *vectors(100))


def composed_batch_norm():
    """With the normalization written in tensor ops, as a reader of the book would."""
    from autograd_dl.optim import SGD
    from models import MultiLayerNetExtend

    class Composed(MultiLayerNetExtend):
        def scores(self, x, layers):
            if layers.initial is not None:
                return super().scores(x, layers)
            for n, size in enumerate(self.hidden_size_list, 1):
                x = layers.affine(x, size)
                mean = np.mean(x, axis=0)
                centred = x - mean
                variance = np.mean(centred**2, axis=0)
                for kind, batch in (("mean", mean), ("var", variance)):
                    running = self.running[f"running_{kind}{n}"]
                    running[...] = 0.9 * running + 0.1 * batch.numpy()
                normal = centred / np.sqrt(variance + 1e-6)
                x = layers.relu(self.params[f"gamma{n}"] * normal + self.params[f"beta{n}"])
            return layers.affine(x, self.output_size)

    return our_step(Composed(784, [100] * 5, 10, use_batchnorm=True, seed=0), SGD(0.01), *vectors(100))


def batch_norm_torch():
    import torch
    from torch import nn

    layers = []
    for size in (784, 100, 100, 100, 100):
        layers += [nn.Linear(size, 100), nn.BatchNorm1d(100), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(100, 10))
    return torch_step(net, torch.optim.SGD(net.parameters(), lr=0.01), *vectors(100))


def batch_norm_book():
    rng, layers = np.random.default_rng(1), []
    for size in (784, 100, 100, 100, 100):
        layers += [book.Affine(rng, size, 100), book.BatchNormalization(100), book.Relu()]
    return book.training_step([*layers, book.Affine(rng, 100, 10)], book.SGD(0.01), *vectors(100, "float64"))


# -- SimpleConvNet, batch 100, Adam


def simple_convnet():
    from autograd_dl.optim import Adam
    from models import SimpleConvNet

    return our_step(SimpleConvNet(seed=0), Adam(), *_images())


def simple_convnet_torch():
    import torch
    from torch import nn

    convolution = nn.Conv2d(1, 30, 5), nn.ReLU(), nn.MaxPool2d(2)
    net = nn.Sequential(*convolution, nn.Flatten(), nn.Linear(4320, 100), nn.ReLU(), nn.Linear(100, 10))
    return torch_step(net, torch.optim.Adam(net.parameters()), *_images())


def simple_convnet_book():
    rng = np.random.default_rng(1)
    layers = [
        book.Convolution(rng, 1, 30, 5), book.Relu(), book.Pooling(),
        book.Affine(rng, 4320, 100), book.Relu(), book.Affine(rng, 100, 10),
    ]  # fmt: skip
    return book.training_step(layers, book.Adam(), *_images("float64"))


# -- DeepConvNet, batch 100, Adam

FILTERS = (16, 1), (16, 1), (32, 1), (32, 2), (64, 1), (64, 1)


def deep_convnet():
    from autograd_dl.optim import Adam
    from models import DeepConvNet

    return our_step(DeepConvNet(seed=0), Adam(), *_images())


def deep_convnet_torch():
    import torch
    from torch import nn

    layers, channels = [], 1
    for i, (filters, pad) in enumerate(FILTERS):
        layers += [nn.Conv2d(channels, filters, 3, padding=pad), nn.ReLU(), *([nn.MaxPool2d(2)] if i % 2 else [])]
        channels = filters
    head = nn.Flatten(), nn.Linear(1024, 50), nn.ReLU(), nn.Dropout(), nn.Linear(50, 10), nn.Dropout()
    net = nn.Sequential(*layers, *head)
    return torch_step(net, torch.optim.Adam(net.parameters()), *_images())


def deep_convnet_book():
    rng, layers, channels = np.random.default_rng(1), [], 1
    for i, (filters, pad) in enumerate(FILTERS):
        layers += [book.Convolution(rng, channels, filters, 3, pad), book.Relu(), *([book.Pooling()] if i % 2 else [])]
        channels = filters
    layers += [
        book.Affine(rng, 1024, 50), book.Relu(), book.Dropout(rng), book.Affine(rng, 50, 10), book.Dropout(rng),
    ]  # fmt: skip
    return book.training_step(layers, book.Adam(), *_images("float64"))


def _sides(ours, pytorch, numpy):
    return {"ours": ours, "PyTorch eager": pytorch, "the book's NumPy code": numpy}


NETWORKS = {
    "MultiLayerNet step, Adam": _sides(multi_layer_net, multi_layer_net_torch, multi_layer_net_book),
    "with batch normalization, SGD": _sides(batch_norm, batch_norm_torch, batch_norm_book),
    "the same, composed of ops": {"ours": composed_batch_norm, "PyTorch eager": batch_norm_torch},
    "SimpleConvNet step, Adam": _sides(simple_convnet, simple_convnet_torch, simple_convnet_book),
    "DeepConvNet step, Adam": _sides(deep_convnet, deep_convnet_torch, deep_convnet_book),
}

"""Random programs of ops: their gradients are the numerical ones to second order, and those of PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings

from autograd_dl import Tensor, gradients
from autograd_dl.table import title_of
from autograd_dl.testing import Program, gradient_property
from autograd_dl.testing.strategies import INSTRUCTIONS, graphs

EXAMPLES = settings(parent=settings.default, max_examples=5 * settings.default.max_examples)


@gradient_property(settings=EXAMPLES)
def test_their_gradients_are_the_numerical_ones(program: Program):
    return program()


@gradient_property(settings=settings.default, program=graphs(max_steps=15))
def test_those_of_longer_programs_too(program):
    return program()


@pytest.fixture(scope="module")
def in_pytorch():
    """PyTorch's function for each instruction, called as the step calls NumPy's."""
    torch = pytest.importorskip("torch", reason="PyTorch, which these tests compare with, is not installed")
    from specs.pytorch import PYTORCH, over

    nn = torch.nn.functional

    def windows(x, filter_h, filter_w, stride, pad):
        rows = nn.unfold(x, (filter_h, filter_w), padding=pad, stride=stride)
        return rows.mT.reshape(-1, rows.shape[1])

    def indexed(x, key):
        return x.reshape(-1)[torch.tensor(np.array(np.arange(x.numel()).reshape(x.shape)[key]))]

    others = {
        "average_pool2d": nn.avg_pool2d,
        "conv2d": lambda x, w, stride, pad: nn.conv2d(x, w, stride=stride, padding=pad),
        "max_pool2d": nn.max_pool2d,
        "np.cbrt": lambda x: x ** (1 / 3),
        "np.clip": torch.clamp,
        "np.concatenate": lambda xs, axis: torch.cat(xs, axis),
        "np.diagonal": torch.diagonal,
        "np.expand_dims": lambda x, axis: torch.unsqueeze(x, axis),
        "np.outer": lambda x, y: torch.outer(x.ravel(), y.ravel()),
        "np.roll": torch.roll,
        "np.stack": lambda xs, axis: torch.stack(xs, axis),
        "np.swapaxes": torch.swapaxes,
        "np.take": lambda x, positions, axis: indexed(x, positions),
        "np.transpose": lambda x: x.permute(tuple(range(x.ndim))[::-1]),
        "np.var": over(lambda x, **o: torch.var(x, correction=0, **o)),
        "getitem": indexed,
        "im2col": windows,
        "softmax": lambda x: torch.softmax(x, -1),
        "where": lambda x, y, mask: torch.where(torch.tensor(mask), x, y),
    }
    return {i.fun: others.get(title_of(i.fun)) or PYTORCH[title_of(i.fun)] for i in INSTRUCTIONS}


@pytest.mark.torch
def test_their_values_and_gradients_are_pytorchs(in_pytorch):
    import torch

    @settings(parent=EXAMPLES)
    @given(graphs(max_steps=8))
    def holds(program):
        ours = [Tensor(x, requires_grad=True) for x in program.inputs]
        theirs = [torch.tensor(x, requires_grad=True) for x in program.inputs]
        steps = [step._replace(fun=in_pytorch[step.fun]) for step in program.steps]
        y, z = program(*ours), Program(program.inputs, steps)(*theirs)
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=1e-9, atol=1e-9)
        arriving = np.random.default_rng(0).standard_normal(y.shape)
        found = gradients(y, ours, arriving)
        expected = torch.autograd.grad(z, theirs, torch.tensor(arriving), allow_unused=True)
        for g, e, x in zip(found, expected, program.inputs, strict=True):
            np.testing.assert_allclose(g.numpy(), np.zeros_like(x) if e is None else e, rtol=1e-7, atol=1e-7)

    holds()

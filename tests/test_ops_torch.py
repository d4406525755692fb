"""Values and gradients agree with PyTorch's, on the examples of the spec rows, wherever PyTorch has the function."""

import numpy as np
import pytest
from specs import SPECS, listed

from autograd_dl import Tensor, gradients
from autograd_dl.tensor import bare

torch = pytest.importorskip("torch", reason="PyTorch, which these tests compare with, is not installed")
from specs.pytorch import OF_SOME_NUMPYS, PYTORCH, WITHOUT  # noqa: E402 -- it imports PyTorch

pytestmark = pytest.mark.torch

SHARED = [spec for spec in SPECS if spec.name in PYTORCH]


def test_each_row_has_either_a_counterpart_or_a_reason_why_there_is_none():
    rows, without = {spec.name for spec in SPECS}, set().union(*WITHOUT.values())
    assert rows - PYTORCH.keys() - without == set(), "in neither"
    assert PYTORCH.keys() & without == set(), "in both"
    assert (PYTORCH.keys() | without) - rows <= OF_SOME_NUMPYS, "of no row"


def test_pytorch_has_no_function_of_the_names_of_which_that_is_said():
    names = {name.split()[0].removeprefix("np.") for name in WITHOUT["no such op"]}
    modules = torch, torch.linalg, torch.special, torch.masked, torch.nn.functional
    assert {name for name in names if any(hasattr(module, name) for module in modules)} == set()


@pytest.mark.parametrize("spec", SHARED, ids=lambda spec: spec.name)
def test_values_and_gradients_are_pytorchs(spec):
    for case in spec.cases():
        compare(spec, case)


def compare(spec, case):
    ours = [Tensor(x, requires_grad=True) for x in case.arrays]
    theirs = [torch.tensor(x, requires_grad=True) for x in case.arrays]
    ys = [y for y in listed(spec.f(*ours, **case.options)) if y.dtype.kind == "f"]
    zs = [z for z in listed(PYTORCH[spec.name](*theirs, **case.options)) if z.is_floating_point()]
    assert [y.shape for y in ys] == [tuple(z.shape) for z in zs]
    for y, z in zip(ys, zs, strict=True):
        np.testing.assert_allclose(bare(y), z.detach().numpy(), rtol=1e-9, atol=1e-11)
    rng = np.random.default_rng(0)
    arriving = [rng.standard_normal(y.shape) for y in ys]
    found = pulled(gradients, ours, ys, arriving)
    expected = pulled(torch_gradients, theirs, zs, map(torch.tensor, arriving))
    for x, g, e in zip(case.arrays, found, expected, strict=True):
        np.testing.assert_allclose(
            np.zeros_like(x) if g is None else g.numpy(), 0 if e is None else e, rtol=1e-9, atol=1e-10
        )


def pulled(fun, inputs, outputs, arriving):
    """The gradients of the inputs, by either library; None where the results depend on none of them."""
    pairs = [(y, g) for y, g in zip(outputs, arriving, strict=True) if y.requires_grad]
    return fun([y for y, _ in pairs], inputs, [g for _, g in pairs]) if pairs else [None] * len(inputs)


def torch_gradients(outputs, inputs, arriving):
    return torch.autograd.grad(outputs, inputs, arriving, allow_unused=True)

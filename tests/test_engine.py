"""The names that users rely on: what the engine exports, and how each is called."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

import autograd_dl
from autograd_dl import Tensor, engine, errors, numerical, ops, transforms

PUBLIC = """Tensor no_grad enable_grad is_grad_enabled detect_anomaly scope gradients grad value_and_grad vjp jvp hvp
jacobian hessian checkpoint ops"""
ATTRIBUTES = "data grad requires_grad shape ndim size dtype T name node is_leaf nbytes itemsize mT flat"
METHODS = """sum mean max min prod var std cumsum cumprod trace argmax argmin argsort all any nonzero dot reshape ravel
flatten transpose swapaxes squeeze repeat take diagonal clip round copy astype tolist item"""


@pytest.mark.parametrize("name", PUBLIC.split())
def test_package_exports(name):
    assert hasattr(autograd_dl, name)


def test_modules_are_opened_when_asked_for():
    code = """
import sys, autograd_dl
assert not {"autograd_dl.optim", "autograd_dl.training"} & sys.modules.keys()
assert set(dir(autograd_dl)) == {*autograd_dl.__all__, "__version__", *autograd_dl._ROOMS}
print(autograd_dl.optim.SGD.__name__, autograd_dl.data.load_mnist.__name__, autograd_dl.functional.relu.__name__)
for name in ("nn", "numerical", "serialization", "training", "testing"):
    assert getattr(autograd_dl, name) is sys.modules["autograd_dl." + name]
try:
    autograd_dl.optimizers
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "SGD load_mnist relu\nmodule 'autograd_dl' has no attribute 'optimizers'\n"


@pytest.mark.parametrize("name", ["Tensor", "Node", "apply", "toposort", "backward", "gradients", "no_grad", "scope"])
def test_engine_exports(name):
    assert hasattr(engine, name)


@pytest.mark.parametrize(
    ("fun", "signature"),
    [
        (Tensor, "(data, requires_grad=False, dtype=None, name=None)"),
        (Tensor.backward, "(self, gradient=None, *, retain_graph=False, create_graph=False)"),
        (Tensor.detach, "(self)"),
        (Tensor.numpy, "(self)"),
        (Tensor.item, "(self, *index)"),
        (Tensor.zero_grad, "(self)"),
        (Tensor.retain_grad, "(self)"),
        (Tensor.register_hook, "(self, hook)"),
        (engine.backward, "(outputs, grad_outputs, *, retain_graph=False, create_graph=False)"),
        (
            engine.gradients,
            "(outputs, inputs, grad_outputs=None, *, create_graph=False, retain_graph=True)",
        ),
        (transforms.grad, "(f, argnums=0, has_aux=False)"),
        (transforms.value_and_grad, "(f, argnums=0, has_aux=False)"),
        (transforms.vjp, "(f, *args)"),
        (transforms.jvp, "(f, args, tangents)"),
        (transforms.hvp, "(f, args, tangents)"),
        (transforms.jacobian, "(f, argnums=0)"),
        (transforms.hessian, "(f, argnums=0)"),
        (transforms.checkpoint, "(f)"),
        (numerical.numerical_diff, "(f, x)"),
        (numerical.numerical_gradient, "(f, x)"),
        (numerical.gradient_descent, "(f, init_x, lr=0.01, step_num=100)"),
        (ops.im2col, "(input_data, filter_h, filter_w, stride=1, pad=0)"),
        (ops.col2im, "(col, input_shape, filter_h, filter_w, stride=1, pad=0)"),
    ],
)
def test_signature(fun, signature):
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in inspect.signature(fun).parameters.values()]
    assert str(inspect.Signature(parameters)) == signature


@pytest.mark.parametrize("name", ATTRIBUTES.split())
def test_attributes_of_a_tensor(name):
    assert hasattr(Tensor(np.ones((2, 3)), requires_grad=True), name)


@pytest.mark.parametrize("name", METHODS.split())
def test_methods_that_arrays_have(name):
    assert callable(getattr(Tensor(np.ones((2, 3))), name))
    assert callable(getattr(np.ones((2, 3)), name))


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.ShapeError, ValueError),
        (errors.DTypeError, TypeError),
        (errors.OutOfBoundsError, IndexError),
        (errors.GraphError, RuntimeError),
        (errors.RuleError, RuntimeError),
        (errors.UnsupportedError, TypeError),
        (errors.AnomalyError, FloatingPointError),
        (errors.GradientLostWarning, UserWarning),
    ],
)
def test_errors_are_also_the_built_in_kind(error, builtin):
    assert issubclass(error, builtin)
    assert issubclass(error, errors.AutogradError) or builtin is UserWarning


def test_public_names_are_documented():
    for name in PUBLIC.split():
        assert inspect.getdoc(getattr(autograd_dl, name)), name

"""Bugs of kinds that real libraries have had, planted: a property of random programs finds each of them.

Each is found within 100 examples, in a program of at most three ops, to which those of the engine shrink;
`pytest -rP` shows the programs.
"""

import operator
from contextlib import nullcontext
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from autograd_dl import Tensor, engine, graph, pullback
from autograd_dl.ops import col2im, defvjp, im2col, primitive
from autograd_dl.testing import GradientError, Program, gradient_property
from autograd_dl.testing.strategies import INSTRUCTIONS, Instruction, graphs

EXAMPLES = settings(
    max_examples=100,
    derandomize=True,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=list(HealthCheck),
)
AS_DRAWN = settings(EXAMPLES, phases=set(EXAMPLES.phases) - {Phase.shrink})
"""For programs that are short already."""


def op(fun, *rules, **options):
    """A primitive that computes rightly, and has these rules."""

    @primitive(**options)
    def planted(*args, **kwargs):
        return fun(*args, **kwargs)

    planted.__name__ = planted.__qualname__ = "planted"
    defvjp(planted, *rules)
    return planted


def unary(fun, rule):
    @primitive
    def planted(x):
        return fun(x)

    defvjp(planted, rule)
    return Instruction(planted)


def matrix(x):
    return x.ndim == 2 and x.size > 0


def distinct(x):
    return rows(x) and bool(np.all(np.diff(np.sort(x, axis=None)) > 0.02))


def images(x):
    return x.ndim == 4 and x.size > 0 and min(x.shape[2:]) > 1


def square(x):
    return x.ndim == 2 and x.shape[0] == x.shape[1] > 1


def cubic(x):
    return x.ndim == 3 and len(set(x.shape)) == 1 and x.size > 1


def rows(x):
    return x.ndim > 0 and x.size > 0


def add_columns(x):
    """A product with a constant square matrix, for any number of rows."""
    return np.dot(x, MIXING[: x.shape[-1], : x.shape[-1]])


MIXING = np.arange(25.0).reshape(5, 5) % 7 - 3


def _scatter(like, index, g):
    """The transpose of x[index], in which the last of repeated entries wins."""
    out = np.zeros(like.shape)
    out[index] = g.numpy() if type(g) is Tensor else g
    return out if type(g) is not Tensor else Tensor(out)


REPEATED = np.array([0, 0, -1])
calls = iter(range(10**9))
buffer = np.zeros(1)


def reused(x):
    """Writes its result into the memory of the last one."""
    global buffer
    if buffer.shape != np.shape(x):
        buffer = np.zeros(np.shape(x))
    np.multiply(x, 3, out=buffer)
    return buffer.view()


def changes_what_arrives(g, _ans, x):
    if type(g) is not Tensor:
        g = np.asarray(g)
        if g.flags.writeable and g.ndim:
            g *= 2
            return g * x
    return 2 * g * x


def changes_its_argument(g, _ans, x):
    slope = 2 * g * x
    if type(x) is np.ndarray and x.flags.writeable:
        x += 1e-3
    return slope


def overlapping(g, _ans, x):
    """col2im in which windows that overlap overwrite each other."""
    counts = col2im(im2col(np.ones(x.shape), 2, 2), x.shape, 2, 2)
    return col2im(g, x.shape, 2, 2) / counts


RULES = {
    "off by one percent": unary(np.sin, lambda g, _ans, x: g * np.cos(x) * 1.01),
    "sign turned": unary(np.cos, lambda g, _ans, x: g * np.sin(x)),
    "zeros from softmax": Instruction(
        op(lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), lambda g, _ans, x: 0 * x * g), rows
    ),
    "softmax as if it were elementwise": Instruction(
        op(lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True), lambda g, ans, _x: g * ans * (1 - ans)), rows
    ),
    "missing transpose": Instruction(
        op(add_columns, lambda g, _ans, _x: np.dot(g, MIXING[: _x.shape[-1], : _x.shape[-1]])), rows
    ),
    "transpose not inverted": Instruction(
        op(lambda x: np.transpose(x, (1, 2, 0)), lambda g, _ans, _x: np.transpose(g, (1, 2, 0))),
        cubic,
    ),
    "mean over the wrong count": Instruction(
        op(lambda x: x.mean(0), lambda g, _ans, _x: np.broadcast_to(g, _x.shape) / _x.size),
        lambda x: x.ndim > 1 and x.size > 0,
    ),
    "sum over the wrong axis": Instruction(
        op(lambda x: x.sum(0), lambda g, _ans, _x: np.broadcast_to(np.expand_dims(g, -1), _x.shape)),
        square,
    ),
    "repeated indices lost": Instruction(
        op(lambda x: x[REPEATED], lambda g, _ans, _x: _scatter(_x, REPEATED, g)), rows
    ),
    "overlapping windows lost": Instruction(
        op(lambda x: im2col(x, 2, 2), overlapping), images
    ),
    "cumsum not reversed": Instruction(op(lambda x: x.cumsum(0), lambda g, _ans, _x: np.cumsum(g, axis=0)), rows),
    "gradient to all, not to the largest": Instruction(
        op(lambda x: x.max(-1), lambda g, _ans, _x: np.broadcast_to(np.expand_dims(g, -1), _x.shape) + 0), distinct
    ),
    "clip lets all through": Instruction(
        op(lambda x: np.clip(x, -0.5, 0.5), lambda g, _ans, _x: g), lambda x: bool(np.all(abs(abs(x) - 0.5) > 0.02))
    ),
    "variance without its mean": Instruction(op(lambda x: x.var(), lambda g, _ans, x: g * 2 * x / x.size), rows),
    "reshape in the wrong order": Instruction(
        op(lambda x: x.ravel(), lambda g, _ans, _x: np.transpose(np.reshape(g, _x.shape[::-1]))), matrix
    ),
    "power without its logarithm": Instruction(
        op(lambda x: 2.5**x, lambda g, ans, _x: g * ans), lambda x: bool(np.all(abs(x) < 5))
    ),
    "computed in half precision": unary(
        np.square, lambda g, _ans, x: (2 * g * x).astype(np.float16).astype(np.float64)
    ),
    "arriving gradient changed": unary(np.square, changes_what_arrives),
    "argument changed": unary(np.square, changes_its_argument),
    "result in reused memory": unary(reused, lambda g, _ans, _x: 3 * g),
    "another mask each time": unary(
        lambda x: x * (1 + next(calls) % 2), lambda g, _ans, _x: g * 1.0
    ),
    "right only to first order": unary(
        np.square, lambda g, _ans, x: 2 * g * (x.detach() if type(x) is Tensor else x)
    ),
    "wrong only on numbers": unary(np.square, lambda g, _ans, x: 2 * g * x * (1 if np.ndim(x) else 1.5)),
    "wrong only where it is negative": unary(np.square, lambda g, _ans, x: 2 * g * abs(x)),
}  # fmt: skip


SHAPES = {images: [(1, 1, 3, 3), (2, 1, 3, 2)], square: [(2, 2), (3, 3)], cubic: [(2, 2, 2), (3, 3, 3)]}
"""Where those begin that hardly any drawn shape fits."""
OF_TWO = [instruction for instruction in INSTRUCTIONS if instruction.partner is not None]
"""Ops of two operands: the engine's faults are where gradients meet."""
BETWEEN_OPS = {"result in reused memory", "another mask each time"}
"""Faults that no op shows by itself."""


def first_of_stretched(unbroadcast):
    """A stretched axis is not summed back, but the first element taken."""

    def wrong(g, shape):
        if type(g) is np.ndarray and g.ndim == len(shape) and g.shape != shape and g.size:
            return g[tuple(slice(n) for n in shape)].copy()
        return unbroadcast(g, shape)

    return mock.patch.object(pullback, "unbroadcast", wrong)


ENGINE = {
    "overwritten, not added": lambda: mock.patch.object(engine, "total", lambda g, h: h + 0),
    "added into a shared buffer": lambda: mock.patch.object(engine, "total", operator.iadd),
    "one buffer for two inputs": lambda: mock.patch.object(engine, "getrefcount", return_value=engine.IN_WALK),
    "a stretched axis not summed": lambda: first_of_stretched(pullback.unbroadcast),
    "graph walked in the wrong order": lambda: mock.patch.object(graph, "_by_number", return_value=0),
}  # fmt: skip


def caught(strategy, patch, examples=EXAMPLES):
    """What a property of these programs raises, and the last program that it fails for."""
    seen = []

    @gradient_property(settings=examples, program=strategy)
    def property_of_programs(program: Program):
        seen.append(program)
        return program()

    with patch, pytest.raises(GradientError) as raised:
        property_of_programs()
    return raised.value, seen[-1]


@pytest.mark.parametrize("bug", RULES)
def test_a_wrong_rule_is_found_and_named(bug):
    instruction = RULES[bug]
    shape = st.sampled_from(SHAPES[instruction.fits]) if instruction.fits in SHAPES else None
    error, program = caught(graphs(max_steps=3, own=[instruction], shape=shape), nullcontext(), AS_DRAWN)
    print(f"{bug}:\n{program.source()}\n{error}")
    assert len(program.steps) <= 3
    if bug not in BETWEEN_OPS:
        assert "the op to blame is planted" in str(error)


@pytest.mark.parametrize("bug", ENGINE)
def test_a_fault_of_the_engine_is_found(bug):
    error, program = caught(graphs(max_steps=4, instructions=OF_TWO), ENGINE[bug]())
    print(f"{bug}:\n{program.source()}\n{error}")
    assert not error.outside
    assert len(program.steps) <= 3


def test_there_are_enough():
    assert len(RULES) + len(ENGINE) >= 20

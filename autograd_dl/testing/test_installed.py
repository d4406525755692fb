"""A check of an installed copy: `python -m pytest --pyargs autograd_dl.testing`. Needs the extra "test"."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="examples are drawn by Hypothesis, which is not installed")

from hypothesis import settings

from autograd_dl.testing import GradientError, Program, Result, Step, check_gradients, gradient_property
from autograd_dl.testing.strategies import INSTRUCTIONS, Instruction, graphs, shapes

FEW = settings(max_examples=20, deadline=None)
"""For each op; there are many ops."""


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=repr)
def test_each_op_by_itself(instruction: Instruction) -> None:
    """Among the examples of one op no other is drawn, if it fits any."""

    @gradient_property(settings=FEW, program=graphs(max_steps=1, instructions=[instruction], shape=shapes(max_dims=4)))
    def holds(program: Program) -> object:
        return program()

    holds()


@gradient_property
def test_programs_of_several_ops(program: Program) -> object:
    """Random graphs: shared subexpressions, broadcasting, reductions, indexing, products."""
    return program()


def test_a_wrong_rule_would_be_found() -> None:
    """A function that hides a part of its gradient."""
    with pytest.raises(GradientError):
        check_gradients(lambda x: x * x.detach(), np.array([1.0, 2.0]))
    check_gradients(Program([np.array(2.0)], [Step(np.multiply, (Result(0), Result(0)))]), np.array(2.0))

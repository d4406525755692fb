"""The testers tested: a rule made wrong by 1%, or with its sign turned, must fail the check of a row that uses it."""

from collections import defaultdict
from contextlib import contextmanager
from functools import wraps

import numpy as np
import pytest
from specs import SPECS, examples, is_ours, listed

from autograd_dl import Tensor
from autograd_dl.engine import toposort
from autograd_dl.table import TABLE, Op
from autograd_dl.testing import GradientError, check_gradients


def rules_of(op):
    """The arguments that a rule is there for; of ops over lists, the first three."""
    if op.rules:
        return [i for i, rule in enumerate(op.rules) if rule is not None]
    return range(op.arity or 3)


OPS = [op for entry, op in TABLE.items() if isinstance(op, Op) and is_ours(entry)]
SUBSCRIPTS = ("einsum", 0)
RULES = [(op, i) for op in OPS for i in rules_of(op) if (op.name, i) != SUBSCRIPTS]


@pytest.fixture(scope="module")
def uses():
    """For each rule, the examples whose graphs need it; those of the op's own rows first."""
    found = defaultdict(list)
    for spec in SPECS:
        for case in examples(spec):
            ys = listed(spec.f(*(Tensor(x, requires_grad=True) for x in case.arrays), **case.options))
            nodes = toposort({y.node: None for y in ys if type(y) is Tensor and y.requires_grad})
            for plan in {node.plan for node in nodes if node.plan is not None}:
                for i in plan.needs:
                    found[plan.op, i].append((spec, case))
    for (op, _), cases in found.items():
        cases.sort(key=lambda use: op.fun not in use[0].keys)
    return found


@contextmanager
def changed(op, i, change):
    """Have `op` pull back to its argument `i` by a rule whose result is changed."""

    def wrong(rule):
        return rule and wraps(rule)(lambda *args, **kwargs: change(rule(*args, **kwargs)))

    before = op.rules, op.each, op.joint
    op.rules = tuple(wrong(rule) if j == i else rule for j, rule in enumerate(op.rules))
    if op.each is not None:
        each = op.each
        op.each = wraps(each)(lambda j, *args, **kw: change(each(j, *args, **kw)) if j == i else each(j, *args, **kw))
    if op.joint is not None:
        joint = op.joint
        op.joint = wraps(joint)(
            lambda *args, **kw: tuple(change(g) if j == i else g for j, g in enumerate(joint(*args, **kw)))
        )
    op.forget()
    try:
        yield
    finally:
        op.rules, op.each, op.joint = before
        op.forget()


def passes(use):
    spec, case = use
    try:
        check_gradients(lambda *xs: spec.f(*xs, **case.options), *case.arrays, order=1, directions=1)
    except GradientError:
        return False
    return True


def is_zero(op, i, cases):
    """Whether the rule says that the derivative is 0 everywhere."""
    seen = []
    with changed(op, i, lambda g: seen.append(np.any(g)) or g):
        assert all(map(passes, cases))
    return not any(seen)


@pytest.mark.parametrize(("op", "i"), RULES, ids=lambda value: getattr(value, "title", None))
def test_a_wrong_rule_is_found(op, i, uses):
    cases = uses[op, i][:20]
    assert cases, "no row uses this rule"
    mutants = [lambda g: g + 1] if is_zero(op, i, cases) else [lambda g: g * 1.01, lambda g: -g]
    for mutant in mutants:
        with changed(op, i, mutant):
            assert not all(map(passes, cases)), "the rule was made wrong, and no check of its rows failed"

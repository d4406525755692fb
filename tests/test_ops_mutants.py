"""The testers tested: a rule that was made wrong, in whatever way, must fail the check of a row that uses it."""

from collections import defaultdict
from contextlib import contextmanager
from functools import partial, wraps

import numpy as np
import pytest
from specs import SPECS, examples, is_ours, listed
from specs.shape import EARLY

from autograd_dl import Tensor, ops
from autograd_dl.engine import toposort
from autograd_dl.ops.joining import _pad_constant
from autograd_dl.ops.linalg import _thin_qr, _thin_svd
from autograd_dl.pullback import Placed
from autograd_dl.table import TABLE, Op
from autograd_dl.testing import GradientError
from autograd_dl.testing.check import _checked
from autograd_dl.testing.levels import function, pulled


def rules_of(op):
    """The arguments that a rule is there for; of ops over lists, the first three."""
    if op.rules:
        return [i for i, rule in enumerate(op.rules) if rule is not None]
    return range(op.arity or 3)


def whole(part):
    """What a rule returned, as an array."""
    return part.whole() if type(part) is Placed else part


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
        return rule and wraps(rule)(lambda *args, **kwargs: change(whole(rule(*args, **kwargs))))

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
        _checked(
            lambda *xs: spec.f(*xs, **case.options),
            list(map(np.asarray, case.arrays)),
            1,
            "raise",
            directions=1,
            seed=0,
        )
    except GradientError:
        return False
    return True


def gradients_of(use):
    spec, case = use
    level = function(lambda *xs: spec.f(*xs, **case.options))
    inputs = [Tensor(x, requires_grad=True) for x in case.arrays]
    outputs = level.tensors(inputs)
    rng = np.random.default_rng(0)
    return [g.numpy() for g in pulled(outputs, inputs, [rng.standard_normal(y.shape) for y in outputs])]


def alike(gs, hs):
    return all(np.allclose(g, h, rtol=1e-3) for g, h in zip(gs, hs, strict=True))


def is_zero(op, i, cases):
    """Whether the rule says that the derivative is 0 everywhere."""
    seen = []
    with changed(op, i, lambda g: seen.append(np.any(g)) or g):
        for case in cases:
            gradients_of(case)
            if any(seen):
                return False
    assert seen
    return True


def is_found(op, i, mutant, cases):
    """Whether a check fails of the cases where the mutant makes a difference; None if it makes none."""
    verdict = None
    for case in cases:
        right = gradients_of(case)
        with changed(op, i, mutant):
            if not alike(gradients_of(case), right):
                verdict = not passes(case)
        if verdict:
            break
    return verdict


def transposed(g):
    """The gradient with its last two axes exchanged, where that leaves its shape."""
    square = np.ndim(g) > 1 and g.shape[-1] == g.shape[-2]
    return np.swapaxes(g, -1, -2).copy() if square else g


def over_the_wrong_axis(g):
    """The gradient as if it had been summed over its first axis, and spread again."""
    return np.broadcast_to(np.mean(g, axis=0, keepdims=True), g.shape).copy() if np.ndim(g) and g.shape[0] > 1 else g


MUTANTS = {
    "off by 1%": lambda g: g * 1.01,
    "sign turned": lambda g: -g,
    "transposed": transposed,
    "over the wrong axis": over_the_wrong_axis,
}


@pytest.mark.parametrize(("op", "i"), RULES, ids=lambda value: getattr(value, "title", None))
def test_a_wrong_rule_is_found(op, i, uses):
    cases = uses[op, i][:12]
    assert cases, "no row uses this rule"
    mutants = {"not zero": lambda g: g + 1} if is_zero(op, i, cases) else MUTANTS
    for name, mutant in mutants.items():
        found = is_found(op, i, mutant, cases)
        assert found is not False, f"the rule was {name}, and no check of its rows failed"
        assert found or name in ("transposed", "over the wrong axis")


def meddling(rule, touched):
    """The rule, which changes in place what it is given: arguments, the result or the arriving gradient."""

    def mutant(g, *args, **kwargs):
        result = whole(rule(g, *args, **kwargs))
        for array in (g, *args):
            if type(array) is np.ndarray and array.dtype.kind == "f" and array.size and array.flags.writeable:
                array += 1e-3
                touched.append(array)
        return result

    return wraps(rule)(mutant)


@pytest.mark.parametrize("op", [op for op in OPS if op.rules], ids=lambda op: op.title)
def test_a_rule_that_changes_what_it_is_given_is_found(op, uses):
    cases = [case for i in rules_of(op) for case in uses[op, i]][:6]
    touched, before = [], op.rules
    op.rules = tuple(rule and meddling(rule, touched) for rule in op.rules)
    op.forget()
    try:
        found = not all(map(passes, cases))
    finally:
        op.rules = before
        op.forget()
    assert found or not touched


# -- rules that are wrong in one of their branches only


def swapped_pad(_rule, g, _ans, _x, widths, _value):
    return g[tuple(slice(after, after + n) for (_, after), n in zip(widths, _x.shape, strict=True))]


def off(wrong):
    """The rule, off by 1% where `wrong` says of its arguments, or keywords."""

    def mutant(rule, g, ans, *args, **kwargs):
        result = rule(g, ans, *args, **kwargs)
        off = 1.01 if wrong(*args, **kwargs) else 1.0
        return tuple(r * off for r in result) if isinstance(result, tuple) else result * off

    return mutant


def of_axes(n, keepdims):
    return lambda _x, axis=None, keepdims=False, asked=keepdims: (
        isinstance(axis, tuple) and len(axis) == n and keepdims == asked
    )


# fmt: off
BRANCHES = {
    "pad: before and after swapped": (_pad_constant, swapped_pad),
    "det: of negative determinants": (np.linalg.det, lambda rule, g, ans, x: rule(g, np.abs(ans), x)),
    "qr: of stacked wide matrices":  (_thin_qr, off(lambda x: x.ndim > 2 and x.shape[-1] > x.shape[-2])),
    "svd: of stacked wide matrices": (_thin_svd, off(lambda x: x.ndim > 2 and x.shape[-1] > x.shape[-2])),
    "pinv: of stacked wide matrices": (np.linalg.pinv, off(lambda x: x.ndim > 2 and x.shape[-1] > x.shape[-2])),
    "logsumexp: over two axes":      (ops.logsumexp, off(of_axes(2, False))),
    "sum: over a tuple of one axis": (np.sum, off(of_axes(1, True))),
    "prod: over two axes":           (np.prod, off(of_axes(2, False))),
    "power: of y = 0":               (np.power, off(lambda x, y: np.size(y) > 1 and (np.asarray(y) == 0).any())),
    "remainder: of small divisors":  (np.remainder, off(lambda x, y: np.size(y) > 0 and np.abs(y).max() < 0.5)),
    "dot: of a vector and a stack":  (np.dot, off(lambda x, y: (np.ndim(x), np.ndim(y)) == (1, 3))),
    "matmul: of a stack and a vector": (np.matmul, off(lambda x, y: (np.ndim(x), np.ndim(y)) == (3, 1))),
    "roll: by an unsigned number":   (np.roll, off(lambda _x, shift, axis=None: isinstance(shift, np.unsignedinteger))),
    "tril: of a vector":             (np.tril, off(lambda _x, k=0: _x.ndim == 1)),
}
# fmt: on
if EARLY:
    del BRANCHES["roll: by an unsigned number"]  # which NumPy 2.0 itself does wrong


@pytest.mark.parametrize(("key", "mutant"), BRANCHES.values(), ids=BRANCHES)
def test_a_rule_that_is_wrong_in_one_branch_is_found(key, mutant):
    op = TABLE[key]
    cases = [(spec, case) for spec in SPECS if key in spec.keys for case in spec.cases()]
    before = op.rules, op.joint
    op.rules = tuple(rule and wraps(rule)(partial(mutant, rule)) for rule in op.rules)
    op.joint = op.joint and wraps(op.joint)(partial(mutant, op.joint))
    op.forget()
    try:
        assert not all(map(passes, cases)), "the rule was made wrong, and no check of its rows failed"
    finally:
        op.rules, op.joint = before
        op.forget()

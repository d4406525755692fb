"""The values of a recorded graph: what was read, whatever has become of the leaves since."""

import weakref

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor
from autograd_dl.ops import defvjp, primitive
from autograd_dl.table import Outline
from visualize import explain, to_dot
from visualize.explore.story import story
from visualize.recalled import recalled


def values(output):
    """Of each node; "?" for what is not known."""
    return ["?" if isinstance(value, Outline) else np.asarray(value).tolist() for _, value, _ in recalled(output)]


def test_a_large_result_is_computed_again():
    x, y = leaf(np.ones(1000)), leaf(np.ones(1000))
    assert values((x + y).sum())[2:] == [[2.0] * 1000, 2000]


def test_what_is_computed_again_does_not_warn_and_is_let_go_of():
    x = leaf(-np.ones(1000))
    with np.errstate(invalid="ignore"):
        y = x
        for _ in range(5):
            y = np.log(y) * 1
    made = []
    for step in recalled(y.sum()):
        made.append(weakref.ref(step.value) if step.value.shape else None)
        known = sum(ref is not None and ref() is not None for ref in made)
        assert known <= 4  # x, the operand, the result, and the one before them
        del step


@pytest.mark.parametrize("again", ["another shape", "an error"])
def test_an_op_that_cannot_be_run_again_has_made_what_is_not_known(again):
    runs = []

    @primitive
    def once(x):
        runs.append(x)
        if len(runs) > 1 and again == "an error":
            raise ValueError("once")
        return 2 * x[: 1001 - len(runs)]

    defvjp(once, lambda g, _ans, _x: 2 * g)
    x = leaf(np.ones(1000))
    assert values((once(x) * 1).sum())[1:] == ["?", "?", 2000]
    assert len(runs) == 2


@pytest.mark.parametrize(("number", "dtype"), [(2, "float64"), (2, "float32"), (np.nan, "float64")])
def test_a_number_that_changed_since_is_that_which_was_read(number, dtype):
    w = Tensor(np.array(number, dtype), requires_grad=True)
    once, twice = w * 3, w * 3 + w
    w -= 1
    np.testing.assert_array_equal(values(once), [number, 3 * number])
    if number == 2:
        assert values(twice) == [2, 6, 8]


@pytest.mark.parametrize("changes", [1, 2])
def test_a_number_that_changed_between_two_reads_is_none(changes):
    w = leaf(2)
    y = w + 3
    w -= 1
    z = y * (w + 4)
    if changes == 2:
        w -= 1
    assert values(z) == ["?", 5, 5, 25]
    assert "value" not in story(z)["nodes"][0]["value"]


@pytest.mark.parametrize("count", [2, 2000])
def test_an_array_that_changed_since_is_not_known_nor_what_was_made_of_it(count):
    x, w = leaf(np.ones((count, 2))), leaf([1, 2])
    y = (x + w).sum()
    w -= 10
    shown = values(y)
    assert shown[1] == "?"
    assert shown[2] == ([[2, 3], [2, 3]] if count == 2 else "?")
    assert shown[3] == 5 * count


def test_nor_is_a_view_of_it():
    w = leaf([1, 2])
    y = (np.reshape(w, (2, 1)) + 1).sum()
    w -= 10
    assert values(y) == ["?", "?", [[2], [3]], 5]


def test_a_leaf_that_was_changed_before_it_was_read_is_known():
    w = leaf([1, 2])
    w -= 1
    assert values((w + 1).sum()) == [[0, 1], [1, 2], 3]


def test_a_picture_shows_no_value_that_no_op_has_read():
    pytest.importorskip("graphviz")
    w = leaf([1, 2], "w")
    y = (w + 3).sum()
    w -= 10
    text = to_dot(y, values="full", gradients=False)
    assert 'x0 -> op1 [label=" (2,) "]' in text
    assert 'op1 -> op2 [label=" (2,)\n[4, 5] "]' in text


def test_a_nan_that_no_op_has_read_is_not_blamed():
    w = leaf([1, 2], "w")
    y = (w + 3).sum()
    w.data = np.array([1.0, np.nan])
    assert "NaN" not in str(explain(y)).replace("no NaN", "")

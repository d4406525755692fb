"""`detect_anomaly`: the first op that makes a NaN or an infinity is named, with its operands and the user's line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from leaves import leaf
from source_lines import line_of

from autograd_dl import Tensor, checkpoint, detect_anomaly, gradients, no_grad
from autograd_dl.errors import AnomalyError
from autograd_dl.ops import defvjp, primitive
from visualize.labels import Numbers

HERE = str(Path(__file__))


@pytest.fixture(autouse=True)
def quiet():
    """NumPy warns of what these tests are about."""
    with np.errstate(all="ignore"):
        yield


def test_forward_names_the_op_its_operands_and_the_line():
    def program():
        x = leaf([[-1.0, 2.0], [3.0, 4.0]])
        y = x * 2
        return np.log(y)  # here

    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        program()
    line = line_of(program, "# here")
    assert str(caught.value).splitlines() == [
        "np.log made 1 NaN of 4 numbers",
        f"  at {HERE}:{line}, in program",
        "    return np.log(y)  # here",
        "  argument 0: float64 (2, 2), -2.0 to 8.0",
    ]


def test_a_line_of_no_file_is_told_by_its_place():
    program = compile("with detect_anomaly(): np.log(x)", "<no file>", "exec")  # "<string>" is python -c's, since 3.13
    with pytest.raises(AnomalyError, match=r"\n  at <no file>:1, in <module>\n  argument 0"):
        exec(program, {"detect_anomaly": detect_anomaly, "np": np, "x": leaf(0.0)})


def test_the_line_that_is_quoted_is_read_when_it_is_told(tmp_path):
    """A program that was edited and loaded anew is quoted as it is now, as in a traceback."""
    file = tmp_path / "edited.py"
    for program in ("np.log(x)", "np.divide(1, x)"):
        file.write_text(program, encoding="utf-8")
        with detect_anomaly(), pytest.raises(AnomalyError, match=rf"\n    {re.escape(program)}\n"):
            exec(compile(program, str(file), "exec"), {"np": np, "x": leaf(0.0)})


def test_forward_names_both_operands():
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        leaf([1.0, 2.0, 0.0]) / np.array([0.0, 1.0, 0.0])
    text = str(caught.value)
    assert text.startswith("np.divide made 1 NaN and 1 infinite of 3 numbers")
    assert "argument 0: float64 (3,), 0.0 to 2.0" in text
    assert "argument 1: float64 (3,), 0.0 to 1.0" in text


@pytest.mark.parametrize("given", [np.float16, np.dtype("float16")], ids=["a class", "a dtype"])
def test_arguments_that_are_no_arrays_are_told_as_they_are(given):
    x = Tensor([1e6], requires_grad=True)
    cast = primitive(lambda x, dtype: x.astype(dtype))
    defvjp(cast, lambda g, _ans, _x, _dtype: g.astype(_x.dtype), None)
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        cast(x, given)
    assert str(caught.value).endswith(f"argument 1: {given!r}")


def test_forward_of_constants_and_under_no_grad():
    with detect_anomaly():
        with pytest.raises(AnomalyError, match=r"np\.log"):
            np.log(Tensor(0.0))
        with no_grad(), pytest.raises(AnomalyError, match=r"np\.log"):
            np.log(leaf(0.0))


def test_forward_of_an_op_with_several_results():
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"np\.linalg\.slogdet made 1 infinite"):
        np.linalg.slogdet(leaf(np.zeros((2, 2))))


def test_forward_through_numpys_functions_still_finds_the_users_line():
    def program():
        return np.mean(leaf([1e308, 1e308]) * 10)  # here

    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        program()
    assert f"{HERE}:{line_of(program, '# here')}, in program" in str(caught.value)


def test_backward_names_the_op_the_argument_and_the_recording_line():
    def program():
        x = leaf([0.0, 4.0])
        y = np.sqrt(x)  # here
        return np.sum(y * 3)

    with detect_anomaly():
        loss = program()
        with pytest.raises(AnomalyError) as caught:
            loss.backward()
    line = line_of(program, "# here")
    assert str(caught.value).splitlines()[:4] == [
        "the backward pass of np.sqrt made 1 infinite of 2 numbers in the gradient of argument 0",
        f"  recorded at {HERE}:{line}, in program",
        "    y = np.sqrt(x)  # here",
        "  arriving gradient: float64 (2,), 3.0 to 3.0",
    ]


def test_backward_of_what_was_recorded_outside():
    y = np.sqrt(leaf(0.0))
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"recorded outside detect_anomaly\(\); run the forward"):
        y.backward()


def test_backward_with_create_graph_names_the_op_of_the_forward_pass():
    def program():
        return np.sqrt(leaf(0.0))  # here

    with detect_anomaly():
        y = program()
        with pytest.raises(AnomalyError) as caught:
            y.backward(create_graph=True)
    first, what, second = str(caught.value).splitlines()[:3]
    line = line_of(program, "# here")
    assert first == f"the backward pass of np.sqrt, recorded at {HERE}:{line}, in program"
    assert what == "    return np.sqrt(leaf(0.0))  # here"
    assert second.startswith("np.divide made 1 infinite")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_sum_of_gradients_that_overflows(dtype):
    x = Tensor(np.full(2, 0.01, dtype), requires_grad=True, name="x")
    slopes = np.array([np.finfo(dtype).max * 0.75, 1], dtype)
    with detect_anomaly():
        with pytest.raises(AnomalyError, match="the gradients that arrive at Tensor 'x' has 1 infinite of 2"):
            np.sum(x * slopes + x * slopes).backward()
        z = +x
        with pytest.raises(AnomalyError, match=r"arrive at the result of np\.positive has 1 infinite of 2"):
            np.sum(z * slopes + z * slopes).backward()
    assert x.grad is None


def test_backward_in_gradients():
    x = leaf(0.0)
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"backward pass of np\.power"):
        gradients(x**0.5, x)


def test_finite_programs_pass():
    with detect_anomaly():
        x = leaf([1.0, 2.0])
        y = np.sum(np.log(x) * x[[0, 0]] + np.linalg.norm(x))
        y.backward(create_graph=True)
        assert gradients(np.sum(x.grad), x)[0].shape == (2,)
    x.grad = None


def test_finite_results_of_several_shapes_pass():
    with detect_anomaly():
        np.linalg.svd(leaf([[3.0, 1.0, 0.0], [1.0, 2.0, 0.0]]), full_matrices=False)


def test_an_operand_without_a_finite_number_has_no_range():
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"argument 0: float64 \(2,\), 2 NaN of 2 numbers"):
        leaf([np.nan, np.nan]) + 1


def test_integers_and_empty_arrays_pass():
    with detect_anomaly():
        assert (Tensor([1, 2]) * 2).tolist() == [2, 4]
        assert (leaf(np.ones((0, 3))) * 2).shape == (0, 3)


def test_a_range_of_an_operand_that_is_no_longer_held():
    x = leaf(np.full(1000, 700.0))
    with detect_anomaly():
        y = np.exp(x)  # its rule reads the result alone
        with pytest.raises(AnomalyError, match=r"argument 0: shape \(1000,\), no longer held"):
            y.backward(np.full(1000, 1e300))


def test_outside_nothing_is_checked_and_no_line_is_captured():
    y = np.log(leaf(0.0))
    assert y.tolist() == -np.inf
    assert y.node.notes is None
    with detect_anomaly():
        z = leaf(1.0) * 2
    assert z.node.notes.line.file == HERE
    w = leaf(1.0) * 2
    assert w.node.notes is None


def test_pictures_are_not_disturbed():
    x = leaf(0.0)
    y = np.sqrt(x)
    with detect_anomaly():
        assert Numbers().gradients(y, []).edges[y.node, 0] == np.inf


def test_as_a_decorator():
    @detect_anomaly()
    def program():
        return np.log(leaf(0.0))

    with pytest.raises(AnomalyError):
        program()
    np.log(leaf(0.0))


def test_an_op_that_was_given_what_is_not_finite_is_not_blamed():
    x = Tensor([1.0, np.nan, np.inf, 4.0], requires_grad=True)
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        x + 1
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        "np.add was given what is not finite, argument 0 has 1 NaN and 1 infinite of 4 numbers, "
        "and made 1 NaN and 1 infinite of 4 numbers"
    )
    assert lines[3] == "  argument 0: float64 (4,), 1.0 to 4.0, 1 NaN and 1 infinite of 4 numbers"


@pytest.mark.parametrize("number", [np.nan, np.float64(np.inf)])
def test_a_number_that_is_not_finite_is_named(number):
    given = "np.multiply was given what is not finite, argument 1 has"
    with detect_anomaly(), pytest.raises(AnomalyError, match=given):
        leaf([1.0, 2.0]) * number


def test_what_holds_no_numbers_is_not_looked_at():
    @primitive
    def bag(table, bags):
        return np.stack([table[some].sum() for some in bags])

    with detect_anomaly(), pytest.raises(AnomalyError, match="argument 0 has 1 NaN of 3 numbers, and made"):
        bag(Tensor([1.0, np.nan, 2.0]), [[0, 1], [2]])


def test_a_checkpoint_that_fails_the_second_time_is_named():
    w = leaf(2.0)
    y = checkpoint(lambda x: np.log(x * w))(leaf(1.0))
    w.data[...] = -1
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"pass of checkpoint, recorded at[^$]*np\.log"):
        y.backward()


def test_backward_with_create_graph_tells_that_it_was_recorded_outside():
    y = np.sqrt(leaf(0.0))
    with detect_anomaly(), pytest.raises(AnomalyError, match="recorded at a line outside"):
        y.backward(create_graph=True)

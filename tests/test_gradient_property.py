"""`@gradient_property`: what it draws for which parameter, how it fails, and how it is set."""

import inspect
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from autograd_dl import Tensor
from autograd_dl.ops import defvjp, primitive
from autograd_dl.testing import GradientError, KinkError, Program, Result, Step, check, gradient_property, properties
from autograd_dl.testing.strategies import NONZERO, POSITIVE, Instruction, arrays, graphs, tensors


@primitive
def cube(x):
    return x**3


defvjp(cube, lambda g, _ans, x: g * 3.03 * x**2)


@gradient_property
def test_tensors_are_drawn_with_shapes_that_broadcast(x: Tensor, y: Tensor):
    np.broadcast_shapes(x.shape, y.shape)
    return x * np.sin(y)


@gradient_property(x=tensors(domain=POSITIVE), w=arrays((2,), dtype=np.float32))
def test_strategies_are_given_by_name_and_have_the_last_word(x: Tensor, w):
    assert type(x) is type(w) is Tensor
    assert x.numpy().min(initial=1) > 0
    return np.log(x).sum() * w


@gradient_property
def test_strategies_are_given_in_annotations(x: Annotated[Tensor, tensors((2, 3), domain=NONZERO)]):
    assert x.shape == (2, 3)
    return 1 / x


@gradient_property
def test_other_types_are_what_hypothesis_draws(x: Tensor, flip: bool, times: Annotated[int, st.integers(1, 3)]):
    assert type(flip) is bool
    return np.flip(x * times) if flip else x * times


def test_a_default_is_kept():
    @gradient_property
    def scaled(x: Tensor, scale: float = 2.0):
        assert scale == 2.0
        return scale * x

    scaled()


def test_a_parameter_with_a_default_is_drawn_where_it_has_a_strategy():
    @gradient_property(scale=st.floats(2, 3))
    def scaled(x: Tensor, scale: float = 1.0):
        assert 2 <= scale <= 3
        return scale * x

    scaled()


@gradient_property
@pytest.mark.parametrize("fun", [np.sinh, np.cosh])
def test_marks_stand_below_or_above(x: Annotated[Tensor, tensors(domain=POSITIVE)], fun):
    return fun(x)


@pytest.mark.parametrize("fun", [np.sin, np.cos])
@gradient_property
def test_parameters_of_pytest_are_left_to_it(x: Tensor, fun):
    return fun(x)


@gradient_property
def test_fixtures_are_left_to_pytest(x: Tensor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("A_VARIABLE", str(x.shape))
    assert tmp_path.is_absolute()
    return np.sin(x)


def test_a_fixture_was_undone():
    assert "A_VARIABLE" not in os.environ


def test_annotations_for_type_checkers_alone_are_left_alone():
    def f(x, of_checkers):
        return np.sin(x)

    f.__annotations__ = {"x": "Tensor", "of_checkers": "Unknown"}
    test = gradient_property(f)
    assert list(inspect.signature(test).parameters) == ["of_checkers"]


def test_what_cannot_be_a_property_is_refused():
    async def later(x: Tensor):
        return x

    def any_number(*xs: Tensor):
        return xs

    def by_place(x: Tensor, /):
        return x

    for f in (later, any_number, by_place):
        with pytest.raises(TypeError, match="must be a plain function"):
            gradient_property(f)


@pytest.mark.parametrize(
    "annotation", [list[Tensor], Tensor | None, dict[str, tuple[Tensor, ...]], Annotated[Tensor, "in metres"]]
)
def test_tensors_within_other_types_need_a_strategy(annotation):
    def f(x: annotation):
        return x

    with pytest.raises(TypeError, match=r"f does not say what to draw for x: .*@gradient_property\(x=\.\.\.\)"):
        gradient_property(f)


@gradient_property(xs=st.fixed_dictionaries({"a": st.lists(arrays((2,)), min_size=1), "times": st.integers(1, 3)}))
def test_arrays_in_containers_are_differentiated_by(xs):
    assert all(type(x) is Tensor for x in xs["a"])
    return sum(x * x for x in xs["a"]) * xs["times"]


@gradient_property(x=arrays((3,)), labels=st.just(np.array([2, 0])))
def test_arrays_of_integers_are_passed_as_they_are(x, labels):
    assert type(labels) is np.ndarray
    return x[labels]


def test_a_list_that_is_passed_is_the_same_object():
    noted, version = [], sys.version_info

    @gradient_property(version=st.just(version))
    def f(x: Tensor, noted, version):
        assert version is sys.version_info
        noted.append(x.shape)
        return x

    f(noted=noted)
    assert noted


def test_a_fault_in_a_container_is_found():
    with pytest.raises(GradientError):
        gradient_property(xs=st.tuples(arrays((2,)), arrays((2,))))(lambda xs: xs[0] + cube(xs[1]))()


class TestsInClasses:
    @gradient_property
    def test_methods_are_tests(self, x: Tensor):
        return np.cos(x)


@gradient_property
def test_programs_are_drawn(program: Program):
    return program()


@gradient_property(kinks="allow", order=1, x=tensors(domain=POSITIVE._replace(kinks=(1.0,)), at_kinks=True))
def test_options_of_the_check_are_passed_on(x):
    return np.maximum(x, 1)


def test_without_them_a_kink_is_a_kink():
    with pytest.raises(KinkError, match='or pass kinks="allow" to check_gradients or @gradient_property'):
        gradient_property(x=st.just(np.zeros(2)))(lambda x: np.maximum(x, 0))()


def test_the_program_is_told_with_the_options_of_the_check():
    @gradient_property(kinks="allow", order=1)
    def wrong(x: Tensor):
        return cube(x)

    assert "order=1, kinks='allow')" in failure_of(wrong).__notes__[0]


def test_the_program_is_told_with_the_seed_of_the_command_line(monkeypatch):
    monkeypatch.setattr(properties, "defaults", properties.Defaults(seed=5))

    @gradient_property
    def wrong(x: Tensor):
        return cube(x)

    assert "seed=5)" in failure_of(wrong).__notes__[0]


def test_what_records_nothing_is_told_without_a_program():
    error = failure_of(gradient_property(x=arrays((2,)))(lambda x: np.sin(x.numpy())))
    assert "nothing was recorded" in str(error)
    assert error.program is None


def test_a_program_too_long_to_read_is_not_printed():
    constant = np.random.default_rng(0).standard_normal((100, 100))

    @gradient_property(x=arrays(()))
    def wrong(x):
        return cube(x) * constant

    (note,) = [n for n in failure_of(wrong).__notes__ if n.startswith("the program")]
    assert len(note) < 200
    assert re.search(r"<program: cube, multiply>\n\nIn Python it has 2\d\d,\d{3} characters", note)


def failure_of(test):
    with pytest.raises(GradientError) as raised:
        test()
    return raised.value


def test_a_wrong_rule_is_told_with_the_smallest_program():
    @gradient_property
    def wrong(x: Tensor):
        return np.exp(cube(x)) + x

    error = failure_of(wrong)
    assert error.suspect.op == "cube"
    assert error.suspect.argument == 0
    assert len(error.suspect.alone.steps) == 1
    (note,) = [n for n in error.__notes__ if n.startswith("the program")]
    assert re.search(r"def program\(x\):\n    x1 = cube\(x\)\n", note)
    assert "from test_gradient_property import cube" in note
    exec(note.partition("\n\n")[2].rpartition("\n\n\n")[0], {})


def test_the_program_has_the_names_of_the_test_and_all_that_counts():
    @gradient_property(x=arrays((3,)), w=arrays((3,)))
    def wrong(x, w):
        cube(w[:1])
        return cube(x[1:]), np.sin(w)

    error = failure_of(wrong)
    assert str(error).startswith("wrong: the derivative")
    source = error.__notes__[0].partition("\n\n")[2]
    assert "getitem" not in source
    assert re.findall(r"^def .*|^ .*", source, re.M) == [
        "def program(x, w):",
        "    x2 = x[slice(1, None, None)]",
        "    x3 = cube(x2)",
        "    x4 = np.sin(w)",
        "    return (x3, x4)",
    ]
    with pytest.raises(GradientError):
        exec(source, {})


def by_math(x):
    return (x + 1.0)[np.array([0, 3, 3]), None] * math.exp(x[0])


def by_writing(x):
    out = np.zeros(4)
    out[1:] = x[:-1].numpy()
    return out * x


@pytest.mark.parametrize("f", [by_math, by_writing])
def test_what_was_computed_outside_of_the_graph_is_told_without_a_program_that_passes(f):
    error = failure_of(gradient_property(x=arrays((4,)))(f))
    assert error.outside
    assert "what was recorded passes by itself" in str(error)
    assert re.search(r"argument [01] of np\.multiply, .*, was recorded as a constant, but changes", str(error))
    assert not any(note.startswith("the program") for note in error.__notes__)


def test_a_wrong_rule_among_random_programs_is_told_alone():
    @gradient_property(program=graphs(own=[Instruction(cube)]))
    def wrong(program: Program):
        return program()

    error = failure_of(wrong)
    assert [step.fun for step in error.program.steps] == [cube]


def test_blame_is_sought_in_the_last_example_alone(monkeypatch):
    """While Hypothesis looks for a smaller one, it would only take time."""
    failed, accused = [], []
    accuse = check._accuse
    monkeypatch.setattr(check, "_accuse", lambda error, *rest: accused.append(error) or accuse(error, *rest))

    @gradient_property
    def wrong(x: Tensor):
        failed.append(x)
        return cube(x)

    error = failure_of(wrong)
    assert accused == [error]
    assert error.suspect.op == "cube"
    assert len(failed) > 10


def test_a_property_called_by_itself_is_told_too():
    @gradient_property
    def wrong(x: Tensor):
        return cube(x)

    with pytest.raises(GradientError) as raised:
        wrong.hypothesis.inner_test(np.array([1.0, 2.0]))
    assert raised.value.suspect.op == "cube"


def test_the_argument_to_blame_is_named():
    @primitive(broadcasts=True)
    def weighted(x, y):
        return x * y

    defvjp(weighted, lambda g, _ans, _x, y: g * y, lambda g, _ans, x, _y: -g * x)

    @gradient_property
    def wrong(x: Tensor, y: Tensor):
        return weighted(np.sin(x), y) * 2

    error = failure_of(wrong)
    assert error.suspect.argument == 1
    assert "the op to blame is weighted, in the gradient of its argument 1" in str(error)


@pytest.mark.parametrize("most", [3, 40])
def test_settings_are_hypothesis_own(most):
    drawn = set()

    @gradient_property(settings=hypothesis.settings(max_examples=most, deadline=None, database=None))
    def counted(x: Tensor, number: int):
        drawn.add(number)
        return x

    counted()
    assert most / 2 < len(drawn) <= most


def test_settings_of_another_type_are_refused():
    with pytest.raises(TypeError, match=r"settings must be hypothesis\.settings\(max_examples=\.\.\.\), not \{"):
        gradient_property(settings={"max_examples": 3})


def test_it_needs_something_to_draw():
    with pytest.raises(TypeError, match="has no parameter to draw: annotate one, x: Tensor"):
        gradient_property(lambda x: x)
    with pytest.raises(TypeError, match="has no parameter y"):
        gradient_property(y=tensors())(lambda x: x)


def test_programs_of_ones_own_can_be_given():
    square = Program([np.array([1.0, 2.0])], [Step(np.multiply, (Result(0), Result(0)))])
    gradient_property(program=st.just(square))(lambda program: program())()


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before Python 3.14, annotations are computed at once")
def test_annotations_that_only_type_checkers_see(tmp_path):
    file = tmp_path / "annotated.py"
    file.write_text(
        """
from typing import TYPE_CHECKING
import numpy as np
from autograd_dl import Tensor
from autograd_dl.ops import defvjp, primitive
from autograd_dl.testing import gradient_property
if TYPE_CHECKING:
    from numpy.typing import NDArray

@primitive
def square(x: NDArray) -> NDArray:
    return x * x

def rule(g: NDArray, _ans: NDArray, x: NDArray) -> NDArray:
    return g * 2 * x

defvjp(square, rule)

@gradient_property
def test_square(x: Tensor, other: NDArray = None):
    return square(x)

test_square()
"""
    )
    done = subprocess.run([sys.executable, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

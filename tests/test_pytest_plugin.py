"""The plugin of pytest, in runs of their own: its options, its marker, its fixture, and the pictures of what failed."""

import importlib.metadata
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import autograd_dl
from autograd_dl.app import pytest_plugin

PLUGIN = "autograd_dl.app.pytest_plugin"
INSTALLED = any(e.value == PLUGIN for e in importlib.metadata.entry_points(group="pytest11"))
"""Whether pytest finds it by itself, as it does wherever the package is installed."""

WRONG = """
import numpy as np
from autograd_dl import Tensor
from autograd_dl.ops import defvjp, primitive
from autograd_dl.testing import gradient_property

@primitive
def cube(x):
    return x**3

defvjp(cube, lambda g, _ans, x: g * x**2)

@gradient_property
def test_cube(x: Tensor):
    return cube(x) + 1

@gradient_property
def test_sine(x: Tensor):
    return np.sin(x)

def test_plain():
    pass
"""
FEW = ("--gradcheck-examples", "5")


def run_in(folder, text, *options):
    """What pytest prints in a process of its own, of these tests."""
    (folder / "test_it.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    command += [] if INSTALLED else ["-p", PLUGIN]
    path = {} if INSTALLED else {"PYTHONPATH": str(Path(autograd_dl.__file__).parents[1])}
    found = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    return found.stdout + found.stderr


@pytest.fixture
def run(tmp_path):
    return partial(run_in, tmp_path)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """What a run with a wrong rule prints, and the folder it leaves its pictures in."""
    folder = tmp_path_factory.mktemp("wrong")
    return run_in(folder, WRONG, "--gradcheck-artifacts", "pictures", *FEW), folder / "pictures"


def outcome(output):
    return output.strip().splitlines()[-1].partition(" in ")[0]


def test_a_wrong_gradient_leaves_a_picture_with_the_wrong_op_marked(wrong):
    pytest.importorskip("graphviz", reason='pictures need the extra "viz"')
    output, pictures = wrong
    assert outcome(output) == "1 failed, 2 passed"
    (line,) = [line for line in output.splitlines() if line.startswith("the graph is drawn in")]
    (picture,) = pictures.iterdir()
    assert line.endswith(picture.name)
    assert picture.stem.startswith("test_it.py-test_cube")
    text = picture.read_text(encoding="utf-8")
    assert "cube" in text
    assert ">x</text>" in text
    assert "#fbe3e4" in text


def test_the_failure_shows_the_program_and_no_line_of_ours(wrong):
    output, _ = wrong
    assert "the op to blame is cube, in the gradient of its argument 0" in output
    assert "x1 = cube(x)" in output
    assert re.search(r"^test_it\.py:\d+: GradientError$", output, re.MULTILINE)
    assert not re.search(r"autograd_dl.testing.\w+\.py:\d+:", output)


def test_the_marker_chooses_the_properties(run):
    assert outcome(run(WRONG, *FEW, "-m", "gradcheck", "--strict-markers")) == "1 failed, 1 passed, 1 deselected"
    assert outcome(run(WRONG, *FEW, "-m", "not gradcheck", "--strict-markers")) == "1 passed, 2 deselected"


COUNTED = """
import numpy as np
from autograd_dl.testing import gradient_property
from autograd_dl.testing.strategies import arrays
drawn = []

@gradient_property(x=arrays((2,)).map(lambda a: drawn.append(str(a)) or a))
def test_sine(x):
    return np.sin(x)

def test_drawn():
    print("drawn", sorted(set(drawn)))

def test_fixture(gradcheck):
    print(gradcheck(np.sin, np.array([1.0, 2.0])))
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """What is drawn, and what the fixture reports: twice with a seed, once with more examples and none."""

    def told(*options):
        output = run_in(tmp_path_factory.mktemp("counted"), COUNTED, "-s", *options)
        (line,) = re.findall(r"drawn \[(.*)\]", output)
        (report,) = re.findall(r"Report\(.*\)", output)
        return line.split(", "), report

    seeded = "--gradcheck-examples", "4", "--gradcheck-seed", "5"
    return told(*seeded), told(*seeded), told("--gradcheck-examples", "30")


def test_the_number_of_examples_and_their_seed_are_set(counted):
    (once, _), (again, _), (many, _) = counted
    assert len(once) <= 4
    assert again == once
    assert len(many) > 20


def test_what_is_no_number_of_examples_is_refused(run):
    assert "--gradcheck-examples: must be a positive number, not '0'" in run(COUNTED, "--gradcheck-examples", "0")


def test_the_fixture_checks_with_the_seed(counted):
    (_, seeded), _, (_, unseeded) = counted
    assert seeded != unseeded
    assert all("comparisons=5" in report for report in (seeded, unseeded))


def test_it_works_without_hypothesis(run):
    blocked = "import sys; sys.modules['hypothesis'] = None\n"
    text = """
import numpy as np
import pytest
from autograd_dl.errors import MissingExtraError

def test_it(gradcheck):
    gradcheck(np.sin, np.array([1.0, 2.0]))

def test_properties_say_what_is_missing():
    with pytest.raises(MissingExtraError, match=r'pip install "autograd_dl\\[test\\]"'):
        from autograd_dl.testing import gradient_property
"""
    output = run(blocked + text, "-p", "no:hypothesispytest", "--gradcheck-seed", "1")
    assert outcome(output) == "2 passed", output


def test_it_works_in_several_processes(run):
    assert outcome(run(WRONG, *FEW, "-n", "2")) == "1 failed, 2 passed"


def test_an_installed_copy_can_be_checked(run):
    output = run("", "--pyargs", "autograd_dl.testing", "--gradcheck-examples", "2")
    assert re.fullmatch(r"\d\d passed", outcome(output)), output


def test_pictures_of_tests_that_differ_in_case_are_two_files_on_any_system():
    names = {pytest_plugin._file_name(f"t.py::test_{name}").lower() for name in ("relu", "ReLU", "RELU")}
    assert len(names) == 3


def test_a_long_name_is_cut_by_its_bytes_which_file_systems_count():
    name = pytest_plugin._file_name(f"t.py::test_{'勾配' * 100}")
    assert len(name.encode()) <= 160
    assert "勾配" in name


def test_a_session_that_uses_nothing_of_it_imports_no_more_than_the_engine():
    unused = "sys.modules.keys() & {'autograd_dl.testing', 'hypothesis', 'visualize', 'models'}"
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, {PLUGIN}; print({unused})"],
        cwd=Path(autograd_dl.__file__).parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == "set()\n"

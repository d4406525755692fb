"""Each script in `examples` runs as its docstring says, and finds what it promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from plotted import STRICT

for library in ("graphviz", "matplotlib", "safetensors", "threadpoolctl"):
    pytest.importorskip(library, reason=f"{library}, of the extras, is not installed")

FOLDER = Path(__file__).parents[1] / "examples"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the examples are not beside an installed copy's tests")
NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?"


@pytest.fixture
def run(tmp_path):
    """Run an example in an empty folder: what it printed. It must write these files, and say nothing else."""

    def run(name, *files):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": STRICT}
        command = [sys.executable, str(FOLDER / f"{name}.py")]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        written = {file.name for file in (tmp_path / "runs").glob("*")}
        assert set(files) <= written
        assert all(f"runs{os.sep}{file}" in done.stdout or f"runs/{file}" in done.stdout for file in files)
        return done.stdout

    return run


def numbers(line):
    return [float(number) for number in re.findall(NUMBER, line)]


def found(pattern, text):
    """The numbers in all lines that match a pattern."""
    return [float(number) for number in re.findall(pattern.replace("#", f"({NUMBER})"), text)]


def test_apple_and_orange(run):
    text = run("apple_and_orange", "apple_and_orange.svg")
    assert found("to pay: #", text) == [715]
    assert found(r"one more of \w+: \+#", text) == [2.2, 110, 3.3, 165, 650]
    assert text.splitlines()[-1].startswith("wrote runs")


def test_numpy_gradients(run):
    graph, differences, descent, *newton = run("numpy_gradients").splitlines()
    assert numbers(graph) == pytest.approx([-215.6, -88])
    assert numbers(differences) == pytest.approx([-215.6, -88])
    assert numbers(descent)[1:] != pytest.approx([1, 1], abs=0.5)
    assert numbers(newton[-1]) == [6, 1, 1]


def test_gradient_check(run):
    text = run("gradient_check", "gradient-check-5.png")
    assert re.findall(r"^(\w\d):", text, re.M) == ["W1", "b1", "W2", "b2"]
    assert max(found("differ by #", text)) < 1e-8 < min(found("gradients of about #", text))


def test_two_layer_training(run):
    text = run("two_layer_training", "two_layer_training.png")
    accuracies = found("test accuracy #", text)
    assert len(accuracies) == 12
    assert accuracies[0] < 0.5
    assert accuracies[-1] > 0.85


def test_own_layer(run):
    text = run("own_layer")
    assert "bump agrees with numerical differentiation" in text
    assert numbers(text.splitlines()[-1])[2:] == pytest.approx([0, 1, 1, 0], abs=0.05)


def test_optimizers(run):
    text = run("optimizers", "optimizer-paths.png", "optimizers.png")
    assert re.findall(r"^(\w+) +loss", text, re.M) == ["SGD", "Momentum", "AdaGrad", "Adam"]
    sgd, *others = found("-> #", text)
    assert max(others) < sgd < min(found("loss #", text))
    assert len(found(r"after # steps from \(-7, 2\)", text)) == 4


def test_learning_rate_schedule(run):
    text = run("learning_rate_schedule", "learning_rate_schedule.png")
    fixed, scheduled = found("test accuracy #", text)
    assert fixed < 0.3
    assert scheduled > 0.7
    assert found("last rate #", text) == [1, 0]


def test_hyper_parameters(run):
    pytest.importorskip("optuna", reason="optuna, of the extra search, is not installed")
    text = run("hyper_parameters", "hyper-parameters.png", "hyper_parameters.journal")
    accuracies = found("validation accuracy #", text)
    assert len(accuracies) == 5
    assert accuracies == sorted(accuracies, reverse=True)
    assert accuracies[0] > 0.4 > 2 * accuracies[-1]
    assert run("hyper_parameters") == text, "the trials of the file are all that it takes"


def test_trainer_simple_convnet(run):
    text = run("trainer_simple_convnet", "simple_convnet.png")
    assert found("it reads # of", text)[0] > 0.75
    assert found("it reads # of", text)[0] == pytest.approx(found("test accuracy #", text)[-1], abs=0.001)


def test_half_precision(run):
    text = run("half_precision", "half-precision.png")
    full, half = (int(count.replace(",", "")) for count in re.findall(r"([\d,]+) bytes", text))
    assert full == 2 * half
    assert found("the same answer to #%", text)[0] > 95
    assert min(found("accuracy #", text)) > 0.5


def test_each_example_is_tested_and_listed():
    names = {file.stem for file in FOLDER.glob("*.py")}
    assert {name.removeprefix("test_") for name in globals()} >= names
    listed = re.findall(r"^\| `(\w+)\.py` \| (\S+) \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.M)
    assert {name for name, _ in listed} == names


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.stem)
def test_its_docstring_names_the_section_and_the_command(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    title, _, command = text.split("\n")[:3]
    assert re.search(r"\(section \d\.\d", title)
    assert command == f"Run: python examples/{file.name}"

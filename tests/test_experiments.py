"""The experiments: each is made quickly, and its figure and numbers hold what it claims."""

import inspect
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib, of the extra viz, is not installed")
from commands import fails
from made_experiments import made
from plotted import titles

from autograd_dl.app.cli import main
from autograd_dl.app.experiments import LEARNS, OPTIONS, Settings, experiments
from autograd_dl.app.files import plain
from autograd_dl.app.run_experiment import results


def numbers_in(value):
    if isinstance(value, dict):
        return [n for v in value.values() for n in numbers_in(v)]
    return [n for v in value for n in numbers_in(v)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", experiments())
def test_each_has_numbers_and_a_figure_with_something_in_it(name):
    numbers, figure = made(name)
    assert json.loads(json.dumps(plain(numbers), allow_nan=False))
    assert numbers_in(plain(numbers))
    for axes in figure.axes:
        assert axes.lines or axes.images or axes.patches or axes.collections or axes.texts
        for line in axes.lines:
            assert np.isfinite(np.asarray(line.get_ydata(), dtype=float)).any()
    experiment = experiments()[name]
    assert experiment.section
    assert experiment.shows.endswith(".")


def test_gates():
    numbers, figure = made("gates")
    assert numbers == {"AND": [0, 0, 0, 1], "NAND": [1, 1, 1, 0], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}
    assert titles(figure) == list(numbers)


def test_the_command(tmp_path, capsys):
    assert main(["experiment", "gates", "--quick", "--out", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "gates.json").read_text())["XOR"] == [0, 1, 1, 0]
    assert (tmp_path / "gates.png").read_bytes().startswith(b"\x89PNG")
    gates = ["AND: [0 0 0 1]", "OR: [0 1 1 1]", "NAND: [1 1 1 0]", "XOR: [0 1 1 0]"]
    written = [f"wrote {tmp_path / f'gates.{kind}'}" for kind in ("png", "json")]
    *rows, picture, table = capsys.readouterr().out.splitlines()
    assert sorted(rows) == sorted(gates)
    assert [picture, table] == written


def test_its_results(tmp_path, capsys):
    assert main(["experiment", "half-precision", "--quick", "--seed", "3", "--out", str(tmp_path)]) == 0
    told = json.loads((tmp_path / "half-precision.json").read_text())
    assert told["settings"] == {"quick": True, "data": "subset", "seed": 3}
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        f"largest_distance_of_scores: {told['largest_distance_of_scores']:.4g}",
        f"same_answers: {told['same_answers']:.4g}",
        f"accuracy: float32 {told['accuracy']['float32']:.4g}, float16 {told['accuracy']['float16']:.4g}",
        "bytes: float32 18,216, float16 9,108",
    ]
    assert [line.split()[0] for line in lines[4:]] == ["wrote", "wrote"]


def test_results_of_groups_are_a_few_lines():
    assert results({"a": 1, "b": {"c": 0.12345, "d": {"e": 2.0, "f": [1, 2]}, "g": None}}) == [
        "a: 1", "b: c 0.1235", "b, d: e 2, f [1 2]",
    ]  # fmt: skip
    curve = [0.1, 0.2, 0.3, 0.4, 0.56789]
    assert results({"loss": curve, "test_accuracy": curve, "no": [], "h": [None, 1], "rows": [[1]]}) == [
        "test_accuracy: 0.5679 at the end"
    ]
    over_time = {"loss": [2.0, 1.0], "epoch": [1, 2], "test_accuracy": [0.25, 0.5]}
    assert results({"SGD": over_time}) == ["SGD: test_accuracy 0.5 at the end"]
    assert max(len(results(plain(made(name).numbers))) for name in experiments()) <= 12


def test_it_finds_out_before_it_begins_that_nothing_can_be_written(tmp_path, capsys, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    gates = experiments()["gates"]
    monkeypatch.setitem(experiments(), "gates", gates._replace(run=None))
    assert fails(capsys, "experiment", "gates", "--out", file) == f"autograd-dl: Not a directory: {file}\n"


def test_a_drive_that_is_not_there(tmp_path, capsys, monkeypatch):
    for found in ("exists", "is_symlink", "is_dir"):
        monkeypatch.setattr(Path, found, lambda path: False)
    error = fails(capsys, "experiment", "gates", "--out", tmp_path)
    assert error == f"autograd-dl: Not a directory: {tmp_path.anchor}\n"


def test_the_list(capsys):
    assert main(["experiment", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(experiments())
    assert any("gates" in line for line in lines)


def test_the_list_needs_no_matplotlib(tmp_path):
    program = """
import sys
sys.modules["matplotlib"] = None
from autograd_dl.app.cli import main
sys.exit(main(["experiment", "--list"]) or main(["experiment", "gates", "--out", sys.argv[1]]))
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == len(experiments())
    assert (done.returncode, list(tmp_path.iterdir())) == (1, [])
    assert 'needs matplotlib, which the extra "viz" installs' in done.stderr


def test_an_unknown_one_is_one_line(capsys):
    assert fails(capsys, "experiment", "gate") == (
        "autograd-dl: there is no experiment 'gate' (did you mean gates?); autograd-dl experiment --list tells them\n"
    )
    assert "'qqq'; autograd-dl experiment --list" in fails(capsys, "experiment", "qqq")


def test_no_name_is_asked_for(capsys):
    assert fails(capsys, "experiment") == (
        "autograd-dl: which experiment? autograd-dl experiment NAME; autograd-dl experiment --list tells them\n"
    )


@pytest.mark.parametrize(
    ("name", "option", "takers"),
    [
        ("gates", "weights", "three-layer-inference, filters, feature-maps, misclassified, half-precision"),
        ("hyper-parameters", "weights", "three-layer-inference, filters, feature-maps, misclassified, half-precision"),
        ("filters", "storage", "hyper-parameters"),
    ],
)
def test_an_option_that_it_does_not_take_is_refused(tmp_path, capsys, name, option, takers):
    assert fails(capsys, "experiment", name, f"--{option}", "file", "--out", tmp_path) == (
        f"autograd-dl: the experiment {name} takes no --{option}; these do: {takers}\n"
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_what_reads_no_digits_and_draws_no_numbers_takes_neither(tmp_path, capsys):
    for option, reason in (("--data mnist", "it reads no digits"), ("--seed 7", "it draws no random numbers")):
        error = f"the experiment tangent takes no {option.split()[0]}: {reason}"
        assert fails(capsys, "experiment", "tangent", *option.split(), "--out", tmp_path) == f"autograd-dl: {error}\n"


@pytest.mark.parametrize("name", [name for name, row in experiments().items() if not set(LEARNS) <= set(row.takes)])
def test_it_takes_what_it_reads(name):
    read = set()

    class Watched(Settings):
        def __getattribute__(self, option):
            read.add(option)
            return super().__getattribute__(option)

    experiment = experiments()[name]
    experiment.run(Watched(quick=True))
    assert read & set(OPTIONS) == set(experiment.takes)


def test_those_whose_settings_are_not_used_take_none():
    for name, experiment in experiments().items():
        assert (experiment.takes == ()) >= ("_settings" in inspect.signature(experiment.run).parameters), name


@pytest.mark.parametrize("name", [name for name, row in experiments().items() if "weights" in row.takes])
def test_those_that_take_weights_read_them(tmp_path, name):
    with pytest.raises(FileNotFoundError, match="missing"):
        experiments()[name].run(Settings(quick=True, weights=tmp_path / "missing.npz"))


def test_a_storage_without_optuna_names_the_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert fails(capsys, "experiment", "hyper-parameters", "--quick", "--storage", tmp_path / "search.journal") == (
        'autograd-dl: this needs optuna, which the extra "search" installs: pip install "autograd_dl[search]"\n'
    )
    assert list(tmp_path.iterdir()) == []


def test_what_json_does_not_have_is_null():
    assert plain({"a": np.array([1.0, math.nan]), 1: [math.inf, (2, None)]}) == {
        "a": [1.0, None],
        "1": [None, [2, None]],
    }

"""The experiments: each is made quickly, and its figure and numbers hold what it claims."""

import json
import math

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib, of the extra viz, is not installed")
from made_experiments import made

from autograd_dl.app.cli import main
from autograd_dl.app.experiment import plain
from autograd_dl.app.experiments import experiments


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
    assert [axes.get_title() for axes in figure.axes] == list(numbers)


def test_the_command(tmp_path, capsys):
    assert main(["experiment", "gates", "--quick", "--out", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "gates.json").read_text())["XOR"] == [0, 1, 1, 0]
    assert (tmp_path / "gates.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.splitlines() == [f"wrote {tmp_path / f'gates.{kind}'}" for kind in ("png", "json")]


def test_the_list(capsys):
    assert main(["experiment", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(experiments())
    assert any("gates" in line for line in lines)


def test_an_unknown_one_is_one_line(capsys):
    assert main(["experiment", "gate"]) == 1
    assert capsys.readouterr().err == (
        "autograd-dl: there is no experiment 'gate'; autograd-dl experiment --list tells them\n"
    )


def test_what_json_does_not_have_is_null():
    assert plain({"a": np.array([1.0, math.nan]), 1: [math.inf, (2, None)]}) == {
        "a": [1.0, None],
        "1": [None, [2, None]],
    }

"""Every network by the commands `autograd-dl train` and `evaluate`; what `evaluate` prints, and how it fails."""

import json
import re
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from commands import fails

import models
from autograd_dl.app.cli import main
from autograd_dl.app.recipes import RECIPES, built
from autograd_dl.data import load_mnist
from autograd_dl.serialization import load_arrays, load_metadata, save_arrays
from models import Network

for _library in ("graphviz", "matplotlib", "pygraphviz", "safetensors", "threadpoolctl", "tqdm"):
    pytest.importorskip(_library)

FILES = {"weights.safetensors", "history.json", "history.png", "graph.svg"}
BRIEF = ("--data", "mnist", "--batch-size", "10", "--iterations", "3")


def evaluated(capsys, model, weights, *options):
    """The lines that are printed."""
    capsys.readouterr()
    assert main(["evaluate", model, str(weights), *options]) == 0
    return capsys.readouterr().out.splitlines()


def written(model, folder, **changes):
    """A file with the initial weights of a network."""
    file = folder / "weights.safetensors"
    save_arrays(file, {name: p.numpy() for name, p in built(model, "relu", "float32", 0).params.items()} | changes)
    return file


class TestEveryNetwork:
    def test_all_that_read_digits_are_there(self):
        networks = [c for c in vars(models).values() if isinstance(c, type) and issubclass(c, Network)]
        made = {type(built(model, "relu", "float32")) for model in RECIPES}
        bases = (models.Network, models.LayeredNetwork, models.ImageNetwork)
        assert made == {c for c in networks if c not in bases and c is not models.SimpleNet}

    @pytest.mark.parametrize("model", RECIPES)
    def test_it_is_trained_and_evaluated(self, model, capsys, few_digits, tmp_path):
        out = tmp_path / "out"
        assert main(["train", model, *BRIEF, "--seed", "2", "--out", str(out)]) == 0
        assert {p.name for p in out.iterdir()} == FILES
        history = json.loads((out / "history.json").read_text())
        assert len(history["loss"]) == 3
        assert history["epoch"] == [0, 0.5]
        texts = {t.text for t in ET.parse(out / "graph.svg").iter("{http://www.w3.org/2000/svg}text")}
        assert {"W1", "x", "t", "loss"} <= texts
        initial, trained = built(model, "relu", "float32", 2), load_arrays(out / "weights.safetensors")
        assert any((trained[name] != p.numpy()).any() for name, p in initial.params.items())
        lines = evaluated(capsys, model, out / "weights.safetensors", "--data", "mnist")
        assert lines[1].startswith(f"test accuracy {history['test_accuracy'][-1]:.4f}, loss ")

    @pytest.mark.parametrize("model", [m for m, recipe in RECIPES.items() if recipe.activations])
    def test_the_activation_is_told(self, model, capsys, few_digits, tmp_path):
        file = written(model, tmp_path)
        relu, usual, sigmoid = (
            evaluated(capsys, model, file, "--data", "mnist", *more)
            for more in (["--activation", "relu"], [], ["--activation", "sigmoid"])
        )
        assert usual.pop(1) == f"activation: relu, since {file} names none; --activation chooses another"
        assert relu == usual != sigmoid

    @pytest.mark.parametrize("model", [m for m, recipe in RECIPES.items() if recipe.activations])
    def test_weights_that_a_network_has_saved(self, model, capsys, few_digits, tmp_path):
        network, (x, t) = built(model, "tanh", "float32", 0), load_mnist()[1]
        network.save_params(tmp_path / "own.safetensors")
        lines = evaluated(capsys, model, tmp_path / "own.safetensors", "--data", "mnist")
        assert lines[1] == f"test accuracy {network.accuracy(x, t):.4f}, loss {float(network.loss(x, t)):.4f}"

    def test_the_file_tells_the_activation(self, capsys, few_digits, tmp_path):
        options = ["--activation", "sigmoid", "--out", str(tmp_path)]
        assert main(["train", "multi-layer-net", *BRIEF, *options]) == 0
        file = tmp_path / "weights.safetensors"
        assert load_metadata(file) == {"model": "multi-layer-net", "activation": "sigmoid"}
        told, asked = (
            evaluated(capsys, "multi-layer-net", file, "--data", "mnist", *more) for more in ([], options[:2])
        )
        save_arrays(file.with_stem("untold"), load_arrays(file))
        untold = evaluated(capsys, "multi-layer-net", file.with_stem("untold"), "--data", "mnist")
        assert told == asked != untold
        error = fails(capsys, "evaluate", "multi-layer-net", file, "--activation", "relu")
        assert error == f"autograd-dl: {file} was trained with --activation sigmoid, not relu\n"
        error = fails(capsys, "evaluate", "two-layer-net", file)
        assert error.endswith(f"not of two-layer-net: autograd-dl evaluate multi-layer-net {file}\n")


class TestEvaluate:
    def test_what_it_prints(self, capsys, tmp_path):
        lines = evaluated(capsys, "two-layer-net", written("two-layer-net", tmp_path), "--activation", "relu")
        assert lines[0] == "data: the subset of MNIST that comes with the package: 10,000 test images"
        assert re.fullmatch(r"test accuracy 0\.\d{4}, loss 2\.30\d\d", lines[1])
        assert lines[2] == "digit  images  accuracy"
        assert [len(line) for line in lines[2:]] == [23] * 11
        assert [line.split()[:2] for line in lines[3:5]] == [["0", "980"], ["1", "1,135"]]

    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_the_numbers(self, capsys, few_digits, tmp_path, dtype):
        file, (x, t) = written("lenet", tmp_path), load_mnist(flatten=False)[1]
        lines = evaluated(capsys, "lenet", file, "--data", "mnist", "--dtype", dtype)
        network = built("lenet", None, dtype, 0)
        right = network.predict(x).numpy().argmax(axis=1) == t
        assert lines[1] == f"test accuracy {right.mean():.4f}, loss {float(network.loss(x, t)):.4f}"
        rows = [line.split() for line in lines[3:]]
        assert [int(digit) for digit, *_ in rows] == np.unique(t).tolist()
        for digit, count, accuracy in rows:
            of = t == int(digit)
            assert (int(count), accuracy) == (of.sum(), f"{right[of].mean():.4f}")

    def test_weights_that_are_no_numbers(self, capsys, few_digits, tmp_path):
        file = written("two-layer-net", tmp_path, b2=np.full(10, np.nan, np.float32))
        assert evaluated(capsys, "two-layer-net", file, "--data", "mnist")[2].endswith(", loss nan")

    def test_weights_too_large_for_the_dtype(self, capsys, few_digits, tmp_path):
        file = written("two-layer-net", tmp_path, b2=np.full(10, 1e30, np.float32))
        assert evaluated(capsys, "two-layer-net", file, "--data", "mnist", "--dtype", "float16")[2].endswith("loss nan")


class TestFailures:
    def test_a_missing_file(self, capsys, tmp_path):
        absent = tmp_path / "absent.safetensors"
        assert fails(capsys, "evaluate", "lenet", absent) == f"autograd-dl: No such file or directory: {absent}\n"

    def test_weights_of_another_network(self, capsys, tmp_path):
        error = fails(capsys, "evaluate", "three-layer-net", written("two-layer-net", tmp_path))
        assert "does not fit this ThreeLayerNet: W2 has shape (50, 10) instead of (50, 100); W3 is missing" in error

    def test_a_damaged_file(self, capsys, tmp_path):
        file = written("two-layer-net", tmp_path)
        content = bytearray(file.read_bytes())
        content[-3] ^= 1
        file.write_bytes(content)
        assert "the file is damaged" in fails(capsys, "evaluate", "two-layer-net", file)
        file.write_bytes(content[:100])
        assert f"{file}: not a whole safetensors file" in fails(capsys, "evaluate", "two-layer-net", file)

    def test_a_pickle(self, capsys, tmp_path):
        (tmp_path / "params.pkl").touch()
        assert "never from pickle" in fails(capsys, "evaluate", "two-layer-net", tmp_path / "params.pkl")
        assert "No such file or directory: " in fails(capsys, "evaluate", "two-layer-net", tmp_path / "nofile")

    def test_a_missing_extra(self, capsys, monkeypatch, tmp_path):
        file = written("two-layer-net", tmp_path)
        monkeypatch.setitem(sys.modules, "safetensors", None)
        assert 'needs safetensors, which the extra "train" installs' in fails(capsys, "evaluate", "two-layer-net", file)

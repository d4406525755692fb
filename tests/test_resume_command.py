"""`autograd-dl train --resume`: as if there had been no interruption, byte for byte; what it refuses."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from commands import fails

from autograd_dl.app.cli import main
from autograd_dl.data.generators import unpack_json
from autograd_dl.serialization import load_arrays

for _library in ("graphviz", "matplotlib", "safetensors", "threadpoolctl", "tqdm"):
    pytest.importorskip(_library)

FEW = ("--data", "mnist", "--batch-size", 10)


def train(*options, model="two-layer-net"):
    return main(["train", model, *map(str, options)])


def made(folder):
    """What two trainings must have in common."""
    return [(folder / name).read_bytes() for name in ("weights.safetensors", "history.json")]


def step_of(folder):
    return unpack_json(load_arrays(folder / "checkpoint.safetensors")["training.progress"])["step"]


@pytest.mark.usefixtures("few_digits", "no_pictures")
@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("two-layer-net", ["--optimizer", "momentum"]),
        ("multi-layer-net-extend", ["--optimizer", "adamw", "--activation", "sigmoid", "--dtype", "float64"]),
        ("googlenet", []),
        ("resnet", ["--optimizer", "adadelta", "--lr", 0.5]),
    ],
)
def test_a_training_in_two_parts(tmp_path, model, options):
    options = [*FEW, "--seed", 3, *options]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert train(*options, "--iterations", 8, "--out", whole, model=model) == 0
    assert train(*options, "--iterations", 5, "--checkpoint-every", 2, "--out", parts, model=model) == 0
    assert made(parts) != made(whole)
    assert train(*options, "--iterations", 8, "--resume", "--out", parts, model=model) == 0
    assert made(parts) == made(whole)
    assert not (whole / "checkpoint.safetensors").exists()


KILL = """
import os, signal, sys
from autograd_dl.app.cli import main
from autograd_dl.training import Trainer

step = Trainer.train_step

def train_step(trainer):
    step(trainer)
    if trainer.current_iter == 37:
        os.kill(os.getpid(), signal.SIGKILL)

Trainer.train_step = train_step
main(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals of POSIX")
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_training_that_is_killed(tmp_path, schedule):
    options = ["--iterations", "60", "--schedule", schedule, "--checkpoint-every", "10"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert train(*options, "--out", whole) == 0
    arguments = ["train", "two-layer-net", *options, "--out", str(killed)]
    done = subprocess.run([sys.executable, "-c", KILL, *arguments], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert [p.name for p in killed.iterdir()] == ["checkpoint.safetensors"]
    assert step_of(killed) == 30
    assert train(*options, "--resume", "--out", killed) == 0
    assert made(killed) == made(whole)
    assert (killed / "checkpoint.safetensors").read_bytes() == (whole / "checkpoint.safetensors").read_bytes()


@pytest.mark.usefixtures("few_digits", "no_pictures")
class TestProgress:
    def test_lines_go_on_where_it_was(self, tmp_path, capsys):
        train(*FEW, "--iterations", 20, "--checkpoint-every", 5, "--out", tmp_path / "out")
        capsys.readouterr()
        assert train(*FEW, "--iterations", 30, "--resume", "--out", tmp_path / "out") == 0
        lines = capsys.readouterr().out.splitlines()[1:]
        assert [line.partition(":")[0] for line in lines[:2]] == ["epoch 4 of 5", "epoch 5 of 5"]
        assert lines[2].startswith("test accuracy")
        assert lines[2].endswith("after 30 steps")

    def test_one_that_has_ended_leaves_the_same_again(self, tmp_path, capsys):
        options = [*FEW, "--iterations", 8, "--checkpoint-every", 5, "--out", tmp_path / "out"]
        train(*options)
        before = made(tmp_path / "out")
        assert train(*options, "--resume") == 0
        assert made(tmp_path / "out") == before
        assert "\nno step was taken now: the 8 that were asked for were done before; " in capsys.readouterr().out
        assert len(json.loads(before[1])["loss"]) == 8


@pytest.mark.usefixtures("few_digits", "no_pictures")
class TestFailures:
    options = (*FEW, "--iterations", 8, "--optimizer", "momentum", "--schedule", "step")

    @pytest.fixture
    def out(self, tmp_path):
        folder = tmp_path / "out"
        train(*self.options, "--checkpoint-every", 5, "--out", folder)
        return folder

    def fails(self, capsys, out, *options, model="two-layer-net"):
        """Its one line on standard error; it changes no file."""
        before = {p.name: p.read_bytes() for p in out.iterdir()} if out.exists() else None
        capsys.readouterr()
        error = fails(capsys, "train", model, *self.options, *options, "--resume", "--out", out)
        assert before == ({p.name: p.read_bytes() for p in out.iterdir()} if out.exists() else None)
        return error

    def test_no_checkpoint(self, capsys, tmp_path):
        error = self.fails(capsys, tmp_path / "none")
        file = tmp_path / "none" / "checkpoint.safetensors"
        assert error == (
            f"autograd-dl: there is no {file} to go on from; a training with --checkpoint-every N makes one\n"
        )

    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("--data", "subset", "data is 'mnist' there, 'subset' here"),
            ("--batch-size", 20, "mini_batch_size is 10 there, 20 here"),
            ("--lr", 0.5, "lr is 0.01 there, 0.5 here"),
            ("--optimizer", "adam", "optimizer is 'Momentum' there, 'Adam' here"),
            ("--schedule", "cosine", "'step over 8 batches' there, 'cosine over 8 batches' here"),
            ("--iterations", 9, "schedule is 'step over 8 batches' there, 'step over 9 batches' here"),
            ("--seed", 1, "seed is 0 there, 1 here"),
            ("--dtype", "float64", "dtype is 'float32' there, 'float64' here"),
            ("--activation", "sigmoid", "activation is 'relu' there, 'sigmoid' here"),
        ],
    )
    def test_another_training(self, capsys, out, option, value, words):
        error = self.fails(capsys, out, option, value)
        assert f"{out / 'checkpoint.safetensors'}: no training can go on from it here: " in error
        assert words in error

    def test_another_network(self, capsys, out):
        error = self.fails(capsys, out, model="three-layer-net")
        assert "model is 'two-layer-net' there, 'three-layer-net' here" in error

    def test_fewer_batches_than_there_were(self, capsys, out):
        os.remove(out / "checkpoint.safetensors")
        train(*self.options, "--schedule", "constant", "--checkpoint-every", 5, "--out", out)
        error = self.fails(capsys, out, "--schedule", "constant", "--iterations", 7)
        assert "checkpoint.safetensors is 8 batches on, beyond the 7 asked for" in error

    def test_a_checkpoint_is_not_begun_anew_by_forgetting_resume(self, capsys, out):
        before = made(out)
        capsys.readouterr()
        assert train(*self.options, "--checkpoint-every", 5, "--out", out) == 1
        assert capsys.readouterr().err == (
            f"autograd-dl: {out / 'checkpoint.safetensors'} holds a training already: --resume goes on from it; to "
            "begin anew, move it or give another --out\n"
        )
        assert made(out) == before

    def test_a_damaged_checkpoint(self, capsys, out):
        file = out / "checkpoint.safetensors"
        os.truncate(file, 500)
        assert f"{file}: not a whole safetensors file" in self.fails(capsys, out)

    def test_weights_are_no_checkpoint(self, capsys, out):
        shutil.copy(out / "weights.safetensors", out / "checkpoint.safetensors")
        assert "it is no checkpoint of a training" in self.fails(capsys, out)

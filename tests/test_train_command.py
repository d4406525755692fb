"""`autograd-dl train` and `evaluate`: what they print, what they leave, and how they fail."""

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import commands
import mnist_files
import numpy as np
import pytest
from blas import blas_threads

from autograd_dl.app import recipes
from autograd_dl.app.cli import main
from autograd_dl.app.schedules import SCHEDULES
from autograd_dl.serialization import load_arrays
from autograd_dl.training import OPTIMIZERS, Trainer

for _library in ("graphviz", "matplotlib", "pooch", "pygraphviz", "safetensors", "threadpoolctl", "tqdm"):
    pytest.importorskip(_library)

FILES = {"weights.safetensors", "history.json", "history.png", "graph.svg"}
COMMAND = [sys.executable, "-m", "autograd_dl.app.cli", "train", "two-layer-net"]
FEW = ("--data", "mnist", "--batch-size", 20)
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and terminals of POSIX")


def heed_interruptions() -> None:
    """In a new process: SIGINT interrupts it. (A shell's background jobs ignore it, and so do their children.)"""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def command(*options: object, model: str = "two-layer-net") -> int:
    return main(["train", model, *map(str, options)])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What a run of 120 batches printed, and its folder."""
    out = tmp_path_factory.mktemp("runs") / "a" / "two layers"
    done = subprocess.run([*COMMAND, "--iterations", "120", "--out", str(out)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), out


class TestOutcome:
    def test_what_it_prints(self, run):
        lines, out = run
        assert (
            lines[0] == "data: the subset of MNIST that comes with the package: 5,000 training and 10,000 test images"
        )
        losses = json.loads((out / "history.json").read_text())["loss"]
        for line, steps in zip(lines[1:4], (50, 100, 120), strict=True):
            mean = np.mean(losses[steps - 50 : steps])
            accuracies = r"training accuracy 0\.\d{4}, test accuracy (0\.\d{4})"
            assert (told := re.fullmatch(rf"epoch {steps / 50:g} of 2\.4: loss {mean:.4f}, {accuracies}", line))
        assert lines[4] == f"test accuracy {told[1]} after 120 steps"
        assert lines[5:9] == [f"wrote {out / name}" for name in ("weights.safetensors", "history.json", "history.png", "graph.svg")]  # fmt: skip # noqa: E501
        assert lines[9:] == ["for the full set: autograd-dl train two-layer-net --data mnist"]

    def test_it_leaves_four_files_and_no_other(self, run):
        assert {p.name for p in run[1].iterdir()} == FILES

    def test_the_history(self, run):
        history = json.loads((run[1] / "history.json").read_text())
        assert len(history["loss"]) == 120
        assert history["loss"][0] == pytest.approx(2.3, abs=0.01)
        assert history["loss"][-1] < history["loss"][0]
        assert history["epoch"] == [0, 1, 2, 2.4]
        assert all(0 <= a <= 1 for key in ("train_accuracy", "test_accuracy") for a in history[key])
        assert f"test accuracy {history['test_accuracy'][-1]:.4f} " in run[0][4]

    def test_the_weights(self, run):
        weights = load_arrays(run[1] / "weights.safetensors")
        assert {key: a.shape for key, a in weights.items()} == {
            "W1": (784, 50), "b1": (50,), "W2": (50, 10), "b2": (10,),
        }  # fmt: skip
        assert {a.dtype for a in weights.values()} == {np.dtype("float32")}

    def test_the_curves(self, run):
        content = (run[1] / "history.png").read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert content[-8:-4] == b"IEND"

    def test_the_graph(self, run):
        texts = {t.text for t in ET.parse(run[1] / "graph.svg").iter("{http://www.w3.org/2000/svg}text")}
        ops = {"dot", "+", "relu", "softmax", "with loss"}
        assert texts >= ops | {"x", "W1", "b1", "W2", "b2", "t", "loss", " (784, 50) "}


class TestOptions:
    @pytest.mark.usefixtures("few_digits", "no_pictures")
    def test_a_seed_gives_the_same_bytes(self, tmp_path):
        for out, seed in (("a", 7), ("b", 7), ("c", 8)):
            assert command(*FEW, "--iterations", 5, "--seed", seed, "--out", tmp_path / out) == 0
        a, b, c = ((tmp_path / out / "weights.safetensors").read_bytes() for out in "abc")
        assert a == b != c

    def test_all_of_them(self, tmp_path, capsys):
        options = "--data subset --epochs 2 --batch-size 1000 --lr 0.5 --activation sigmoid --seed 3 --dtype float64"
        assert command(*options.split(), "--out", tmp_path) == 0
        history = json.loads((tmp_path / "history.json").read_text())
        assert len(history["loss"]) == 10
        assert history["epoch"] == [0, 1, 2]
        assert load_arrays(tmp_path / "weights.safetensors")["W1"].dtype == np.float64
        assert "sigmoid" in (tmp_path / "graph.svg").read_text(encoding="utf-8")

    def test_a_second_run_takes_the_place_of_the_first(self, tmp_path):
        for seed in (0, 1):
            assert command("--iterations", 2, "--seed", seed, "--out", tmp_path) == 0
        assert {p.name for p in tmp_path.iterdir()} == FILES

    @pytest.mark.usefixtures("few_digits", "no_pictures")
    def test_long_trainings_are_not_measured_after_every_epoch(self, monkeypatch, tmp_path):
        monkeypatch.setattr("models.TwoLayerNet.accuracy", lambda *args: 0.5)
        monkeypatch.setattr(Trainer, "_descend", lambda *args: 1.0)
        epochs = {}
        for count in (50, 51, 220):
            assert command(*FEW, "--epochs", count, "--out", tmp_path) == 0
            epochs[count] = json.loads((tmp_path / "history.json").read_text())["epoch"]
        assert epochs[50] == list(range(51))
        assert epochs[51] == [*range(0, 51, 2), 51]
        assert epochs[220] == list(range(0, 221, 5))

    @pytest.mark.usefixtures("few_digits", "no_pictures")
    @pytest.mark.parametrize("model", ["two-layer-net", "lenet"])
    def test_blas_has_one_thread_while_a_network_trains(self, monkeypatch, tmp_path, model):
        before, during = blas_threads(), []
        monkeypatch.setattr(Trainer, "_descend", lambda *args: during.append(blas_threads()) or 1.0)
        assert command(*FEW, "--iterations", 1, "--out", tmp_path, model=model) == 0
        assert during == [{1} if before else before]
        assert blas_threads() == before

    def test_training_that_diverges_is_told(self, tmp_path, capsys):
        assert command("--iterations", 5, "--lr", "1e9", "--out", tmp_path) == 0
        assert (
            "the loss is NaN or infinite: the training diverged, and a smaller learning rate (lr, --lr) may help"
            in capsys.readouterr().out
        )
        json.loads((tmp_path / "history.json").read_text(), parse_constant=pytest.fail)

    def test_a_folder_with_the_full_set(self, tmp_path, few_digits, capsys):
        assert command("--data", "mnist", "--batch-size", 20, "--iterations", 2, "--out", tmp_path / "out") == 0
        printed = capsys.readouterr().out
        assert "data: the full MNIST: 60 training and 60 test images" in printed
        assert "--data mnist" not in printed

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_optimizers_in_any_case_each_with_a_rate_of_its_own(self, monkeypatch, tmp_path, optimizer):
        seen = []
        monkeypatch.setattr(Trainer, "train", lambda trainer: seen.append(trainer.optimizer) or 1 / 0)
        for name in (optimizer, optimizer.lower()):
            with pytest.raises(ZeroDivisionError):
                command("--optimizer", name, "--out", tmp_path)
        own = {"SGD": 0.1, "Adam": 0.001, "AdamW": 0.001, "AdaDelta": 1.0}.get(optimizer, 0.01)
        assert [(type(made).__name__, made.rate) for made in seen] == [(optimizer, own)] * 2

    @pytest.mark.parametrize(
        ("schedule", "rates"),
        [
            ("constant", [8] * 6),
            ("step", [8, 8, 0.8, 0.8, 0.08, 0.08]),
            ("exponential", 8 * 0.01 ** (np.arange(6) / 6)),
            ("cosine", 4 + 4 * np.cos(np.pi * np.arange(6) / 6)),
            ("warm-up", [8] * 6),
        ],
    )
    def test_schedules(self, schedule, rates):
        rate = SCHEDULES[schedule](8.0, 6)
        assert [rate(step) if callable(rate) else rate for step in range(6)] == pytest.approx(list(rates))

    def test_a_schedule_that_rises(self):
        rising = SCHEDULES["warm-up"](1.0, 40)
        assert [rising(step) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]

    @pytest.mark.usefixtures("few_digits", "no_pictures")
    def test_a_schedule_is_used(self, tmp_path):
        for schedule in SCHEDULES:
            assert command(*FEW, "--iterations", 3, "--schedule", schedule, "--out", tmp_path / schedule) == 0
        weights = {(tmp_path / schedule / "weights.safetensors").read_bytes() for schedule in SCHEDULES}
        assert len(weights) == len(SCHEDULES) - 1, "three batches are warmed up to after the first"


def read(terminal: int) -> bytes:
    """What comes next on a terminal; nothing after its last writer."""
    with contextlib.suppress(OSError):
        return os.read(terminal, 4096)
    return b""


class TestProgress:
    @posix
    def test_a_bar_on_a_terminal(self, tmp_path):
        import pty
        import termios

        mine, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 80))
        command = [*COMMAND, "--iterations", "100", "--out", str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        drawn = b"".join(iter(lambda: read(mine), b""))
        os.close(mine)
        assert process.stdout is not None
        with process.stdout:
            printed = process.stdout.read().decode()
        assert process.wait() == 0
        assert b"100/100" in drawn
        assert re.search(rb"batch/s, loss \d\.\d{4}, test accuracy 0\.\d{4}\]", drawn)
        assert "epoch" not in printed
        assert "test accuracy" in printed

    def test_plain_lines_elsewhere(self, run):
        assert all("\r" not in line and "%" not in line for line in run[0])


def fails(capsys, *options, status=1):
    return commands.fails(capsys, "train", "two-layer-net", *options, status=status)


class TestFailures:
    def test_a_folder_that_is_not_there(self, capsys, monkeypatch, tmp_path):
        monkeypatch.setenv("AUTOGRAD_DL_DATA", str(tmp_path / "nowhere"))
        assert "nowhere" in fails(capsys, "--data", "mnist", "--out", tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_a_damaged_file(self, capsys, monkeypatch, tmp_path):
        folder = mnist_files.write_set(tmp_path / "full", mnist_files.small_set(20))
        (folder / mnist_files.IMAGES).write_bytes(b"damaged")
        monkeypatch.setenv("AUTOGRAD_DL_DATA", str(folder))
        assert str(folder / mnist_files.IMAGES) in fails(capsys, "--data", "mnist", "--out", tmp_path / "out")

    def test_no_mirror(self, capsys, monkeypatch, tmp_path):
        monkeypatch.delenv("AUTOGRAD_DL_DATA", raising=False)
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / project)
        monkeypatch.setattr("autograd_dl.data.mnist.MIRRORS", ("http://127.0.0.1:9/",))
        error = fails(capsys, "--data", "mnist", "--out", tmp_path / "out")
        assert "could not be downloaded" in error
        assert error.endswith("http://127.0.0.1:9/: ConnectionError)\n")
        assert "AUTOGRAD_DL_DATA" in error

    def test_a_batch_larger_than_the_data(self, capsys, monkeypatch, tmp_path):
        monkeypatch.setattr(recipes, "load_mnist", None)
        error = fails(capsys, "--data", "mnist", "--batch-size", 60_001, "--out", tmp_path)
        assert "a batch of 60,001 is more than the 60,000" in error
        assert "a batch of 5,001 is more than the 5,000" in fails(capsys, "--batch-size", 5001, "--out", tmp_path)

    def test_a_file_in_the_way_of_the_folder(self, capsys, tmp_path):
        (tmp_path / "file").touch()
        assert f"Not a directory: {tmp_path / 'file'}\n" in fails(capsys, "--out", tmp_path / "file")
        assert f"Not a directory: {tmp_path / 'file'}\n" in fails(capsys, "--out", tmp_path / "file" / "out")

    def test_what_is_in_the_way_is_found_before_it_trains(self, capsys, monkeypatch, tmp_path):
        monkeypatch.setattr(recipes, "load_mnist", None)
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        assert f"{tmp_path / 'link'} is a link that leads nowhere" in fails(capsys, "--out", tmp_path / "link" / "out")
        for name in ("weights.safetensors", "history.json", "history.png", "graph.svg", "checkpoint.safetensors"):
            (tmp_path / name).mkdir()
            assert f"{tmp_path / name} is a folder, and a file is to be" in fails(capsys, "--out", tmp_path)
            (tmp_path / name).rmdir()

    @pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may write everywhere")
    def test_a_folder_that_may_not_be_written(self, capsys, tmp_path):
        (tmp_path / "out").mkdir(mode=0o555)
        assert "Permission denied: " in fails(capsys, "--out", tmp_path / "out")

    def test_it_finds_out_before_it_trains(self, capsys, monkeypatch, tmp_path):
        def refuse(path, *_mode):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        monkeypatch.setattr("pathlib.Path.open", refuse)
        monkeypatch.setattr(recipes, "load_mnist", None)
        assert f"Permission denied: {tmp_path}\n" in fails(capsys, "--out", tmp_path)

    @pytest.mark.parametrize("function", ["os.fsync", "pathlib.Path.write_bytes", "pathlib.Path.replace"])
    def test_a_full_disk(self, capsys, monkeypatch, tmp_path, function):
        def full(*args, **kwargs):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(function, full)
        error = fails(capsys, "--iterations", 2, "--out", tmp_path)
        assert error == f"autograd-dl: No space left on device: {tmp_path / 'weights.safetensors'}\n"
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_while_the_curves_are_written(self, capsys, monkeypatch, tmp_path):
        def full(figure, file, **kwargs):
            Path(file).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
        assert "history.png" in fails(capsys, "--iterations", 2, "--out", tmp_path)
        assert {p.name for p in tmp_path.iterdir()} == {"weights.safetensors", "history.json"}

    @pytest.mark.parametrize(
        ("library", "extra"),
        [("matplotlib", "viz"), ("graphviz", "viz"), ("safetensors", "train"), ("threadpoolctl", "train")],
    )
    def test_a_missing_extra(self, capsys, monkeypatch, tmp_path, library, extra):
        monkeypatch.setitem(sys.modules, library, None)
        error = fails(capsys, "--out", tmp_path / "out")
        assert error.startswith(f'autograd-dl: this needs {library}, which the extra "{extra}" installs: pip install')
        assert not (tmp_path / "out").exists()

    def test_a_download_needs_its_extra(self, capsys, monkeypatch, tmp_path):
        monkeypatch.delenv("AUTOGRAD_DL_DATA", raising=False)
        monkeypatch.setitem(sys.modules, "pooch", None)
        assert 'needs pooch, which the extra "train"' in fails(capsys, "--data", "mnist", "--out", tmp_path / "out")

    @pytest.mark.parametrize("when", ["matplotlib.figure.Figure.savefig", "subprocess.run"])
    def test_an_interruption_that_an_extension_turns_into_another_error(self, capsys, monkeypatch, tmp_path, when):
        def interrupted(*args, **kwargs):
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            raise ValueError("an error of C++")

        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            monkeypatch.setattr(when, interrupted)
            error = fails(capsys, "--iterations", 2, "--out", tmp_path, status=130)
            assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        finally:
            signal.signal(signal.SIGINT, before)
        assert error == "autograd-dl: interrupted\n"

    @pytest.mark.usefixtures("few_digits")
    def test_an_interruption_names_the_checkpoint(self, capsys, monkeypatch, tmp_path):
        def interrupted(trainer):
            raise KeyboardInterrupt

        monkeypatch.setattr(Trainer, "train_step", interrupted)
        file = tmp_path / "out" / "checkpoint.safetensors"
        options = [*FEW, "--checkpoint-every", 5, "--out", tmp_path / "out"]
        assert fails(capsys, *options, status=130) == (
            f"autograd-dl: interrupted; the same with --resume goes on from {file}\n"
        )

    @posix
    def test_an_interruption(self, tmp_path):
        process = subprocess.Popen(
            [*COMMAND, "--iterations", "1000000", "--out", str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_interruptions,
        )  # fmt: skip
        with process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(0.5)
                process.send_signal(signal.SIGINT)
                _, error = process.communicate(timeout=60)
            finally:
                process.kill()
        assert process.returncode == 130
        assert error == "autograd-dl: interrupted\n"
        assert list(tmp_path.iterdir()) == []

    def test_without_graphviz_the_dot_text_is_left(self, capsys, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
        monkeypatch.setenv("PATH", "")
        assert command("--iterations", 2, "--out", tmp_path) == 0
        assert f"wrote {tmp_path / 'graph.dot'}\n(no Graphviz was found" in capsys.readouterr().out
        assert (tmp_path / "graph.dot").read_text().startswith("digraph")

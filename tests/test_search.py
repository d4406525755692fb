"""The search for hyper-parameters as a study of Optuna: resumed, shared, killed, and in files that do not fit."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings

import pytest
from commands import fails

from autograd_dl.app.cli import main
from autograd_dl.app.experiments import Settings, experiments
from autograd_dl.app.experiments.search import shared_search

pytest.importorskip("matplotlib", reason="matplotlib, of the extra viz, is not installed")
optuna = pytest.importorskip("optuna", reason="optuna, of the extra search, is not installed")

POWERS = {"lr": (-6, -2), "weight_decay": (-8, -4)}
WORKER = """
import os, signal, sys, time
from pathlib import Path
from autograd_dl.app.experiments import Settings
from autograd_dl.app.experiments.search import shared_search

file, wanted, seconds, deadly = Path(sys.argv[1]), *map(float, sys.argv[2:])
made = 0

def curves(lr, weight_decay):
    global made
    made += 1
    if made == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)
    return {"validation_accuracy": [lr], "process": os.getpid()}

print(len(shared_search(Settings(storage=file), powers, curves, wanted)))
"""
"""A process that searches: so many trials are wanted, each takes so long, and the process kills itself in that one."""


def curves(lr, weight_decay):
    return {"validation_accuracy": [0.1, lr], "train_accuracy": [0.2, weight_decay]}


def searched(file, wanted, made=curves, **settings):
    return shared_search(Settings(storage=file, **settings), POWERS, made, wanted)


def worker(file, wanted, seconds=0.0, deadly=0):
    program = f"powers = {POWERS}{WORKER}"
    command = [sys.executable, "-W", "error", "-c", program, *map(str, (file, wanted, seconds, deadly))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def trials(file):
    """All trials in the file, also those that never finished."""
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
    (study,) = storage.get_all_studies()
    return storage.get_all_trials(study._study_id)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "search.journal"


def test_the_experiment_is_made_of_the_trials_in_the_file(file, tmp_path, capsys):
    command = ["experiment", "hyper-parameters", "--quick", "--storage", str(file), "--out", str(tmp_path)]
    assert main(command) == 0
    numbers = json.loads((tmp_path / "hyper-parameters.json").read_text())["trials"]
    kept = [{**trial.params, **trial.user_attrs} for trial in trials(file)]
    assert len(numbers) == 5
    assert sorted(numbers, key=str) == sorted(kept, key=str)
    assert all(len(trial["train_accuracy"]) == len(trial["validation_accuracy"]) == 5 for trial in numbers)
    assert capsys.readouterr().err == ""
    assert main(command) == 0
    assert json.loads((tmp_path / "hyper-parameters.json").read_text())["trials"] == numbers
    assert len(trials(file)) == 5, "there was nothing left to do"


def test_the_figure_shows_the_best_of_all_trials_whoever_made_them(file):
    def brilliant(lr, weight_decay):
        return {"validation_accuracy": [0.5, 1.0], "train_accuracy": [0.5, 0.75]}

    settings = Settings(quick=True, storage=file)
    searched(file, 2, brilliant, quick=True)
    numbers, figure = experiments()["hyper-parameters"].run(settings)
    assert len(numbers["trials"]) == len(figure.axes) == 5
    assert [trial["validation_accuracy"][-1] == 1.0 for trial in numbers["trials"]] == [True, True, False, False, False]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0.5, 1.0]


def test_the_draws_are_log_uniform_and_the_seed_alone_determines_them(tmp_path):
    runs = {"a": (30, 3), "b": (5, 3), "c": (5, 4)}
    first, again, other = (searched(tmp_path / name, wanted, seed=seed) for name, (wanted, seed) in runs.items())
    assert first[:5] == again
    assert not {trial["lr"] for trial in first} & {trial["lr"] for trial in other}
    for name, (low, high) in POWERS.items():
        drawn = [trial[name] for trial in first]
        assert all(10.0**low <= value <= 10.0**high for value in drawn)
        assert 7 <= sum(value < 10 ** ((low + high) / 2) for value in drawn) <= 23, "half of them below the middle"


def test_a_search_that_is_resumed_makes_what_it_would_have_made(tmp_path):
    searched(tmp_path / "resumed", 2)
    assert len(searched(tmp_path / "resumed", 7)) == 7
    assert searched(tmp_path / "resumed", 7) == searched(tmp_path / "at once", 7)
    assert len(searched(tmp_path / "resumed", 3)) == 7, "more than are wanted are no error"


def test_two_processes_share_the_work(file):
    both = [worker(file, wanted=20, seconds=0.1) for _ in range(2)]
    told = [process.communicate() for process in both]
    assert [(process.returncode, error) for process, (_, error) in zip(both, told, strict=True)] == [(0, "")] * 2
    made = trials(file)
    assert {trial.state.name for trial in made} == {"COMPLETE"}
    assert 20 <= len(made) <= 21
    assert {int(count) for count, _ in told} <= {20, 21}
    assert len({trial.params["lr"] for trial in made}) == len(made), "none was made twice"
    assert {trial.user_attrs["process"] for trial in made} == {process.pid for process in both}


@pytest.mark.skipif(os.name == "nt", reason="no signal kills outright there")
def test_a_killed_process_blocks_nothing_and_what_it_left_does_not_count(file):
    killed = worker(file, wanted=4, deadly=3)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert len(searched(file, 4)) == 4
    assert [trial.state.name for trial in trials(file)] == ["COMPLETE", "COMPLETE", "RUNNING", "COMPLETE", "COMPLETE"]


def test_a_line_that_was_not_finished_is_dropped(file):
    searched(file, 2)
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"op_code":4,"worker_')
    assert len(searched(file, 3)) == 3
    assert file.read_bytes().startswith(whole + b'{"op_code":0,"worker_id"')
    assert [trial.state.name for trial in trials(file)] == ["COMPLETE"] * 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The existing lock file has not been released")
@pytest.mark.skipif(os.name == "nt", reason="a lock of POSIX")
def test_a_lock_of_a_killed_process_is_broken(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    monkeypatch.setattr(optuna.storages.journal.JournalFileSymlinkLock.__init__, "__defaults__", (3,))
    os.symlink(file, f"{file}.lock")
    before = time.monotonic()
    assert len(searched(file.relative_to(file.parent), 1)) == 1
    assert 3 < time.monotonic() - before < 20


@pytest.mark.parametrize(
    "content",
    [
        b"a line without an end", b"a line\n", b"two\nlines\n", b"12\n", b"{}\n", b'{"op_code": 77}\n',
        b'{"op_code": 0}\n', b"\x89PNG\r\n\x1a\n\x00\xff",
    ],
)  # fmt: skip
def test_a_file_that_is_no_journal_is_refused_and_not_changed(file, content, capsys):
    file.write_bytes(content)
    error = fails(capsys, "experiment", "hyper-parameters", "--quick", "--storage", file)
    assert error == f"autograd-dl: {file} is no journal of Optuna, or it is damaged\n"
    assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file], "no lock is left"


def test_a_journal_that_is_damaged_in_the_middle_is_refused(file, capsys):
    searched(file, 2)
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"op_code":4', b'"op_code":', 1))
    error = fails(capsys, "experiment", "hyper-parameters", "--storage", file)
    assert error == f"autograd-dl: {file} is no journal of Optuna, or it is damaged\n"


@pytest.mark.parametrize("options", [["--seed", "1"], ["--quick"], ["--data", "mnist"]])
def test_a_study_of_other_settings_is_refused(file, options, capsys, monkeypatch):
    monkeypatch.setattr("autograd_dl.app.experiments.chapter6._validation", lambda settings: curves)
    searched(file, 1)
    before = file.read_bytes()
    error = fails(capsys, "experiment", "hyper-parameters", *options, "--storage", file)
    assert error.startswith(
        f"autograd-dl: {file} holds the study 'hyper-parameters, data subset, seed 0', and this is 'hyper-parameters, "
    )
    assert error.endswith("': it needs another file\n")
    assert file.read_bytes() == before


def test_a_folder_is_one_line(tmp_path, capsys):
    error = fails(capsys, "experiment", "hyper-parameters", "--quick", "--storage", tmp_path)
    assert error == f"autograd-dl: Is a directory: {tmp_path}\n"


def test_the_experiments_load_no_optuna():
    program = "import sys; from autograd_dl.app.experiments import experiments; experiments(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "autograd_dl.app.experiments.search" in done.stdout.split()
    assert "optuna" not in done.stdout.split()


def test_folders_are_made(tmp_path):
    assert len(searched(tmp_path / "runs" / "a" / "search.journal", 1)) == 1


def test_optuna_is_quiet_only_while_it_searches(file, capfd):
    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        searched(file, 2)
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")


def test_an_error_of_a_trial_ends_the_search_which_can_go_on(file):
    with pytest.raises(ZeroDivisionError):
        searched(file, 2, lambda lr, weight_decay: 1 / 0)
    assert len(searched(file, 2)) == 2

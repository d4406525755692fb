import subprocess
import sys

import numpy as np
import pytest
from plotted import legend

from autograd_dl import Tensor
from visualize import plot_history

pytest.importorskip("matplotlib")

HISTORY = {
    "loss": [2.3, 2.2, 2.0, 1.5],
    "epoch": [0, 1, 2],
    "train_accuracy": [0.1, 0.5, 0.7],
    "test_accuracy": [0.1, 0.45, 0.6],
}


def lines(axes):
    """What is drawn, by its name in the legend."""
    return {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}


def test_loss_and_accuracy():
    loss, accuracy = plot_history(HISTORY).axes
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("iteration", "loss")
    assert (accuracy.get_xlabel(), accuracy.get_ylabel()) == ("epoch", "accuracy")
    drawn = lines(loss) | lines(accuracy)
    assert list(drawn) == ["each batch", "training images", "test images"]
    assert list(drawn["each batch"].get_ydata()) == HISTORY["loss"]
    assert list(drawn["training images"].get_xdata()) == [0, 1, 2]
    assert list(drawn["training images"].get_ydata()) == HISTORY["train_accuracy"]
    assert list(drawn["test images"].get_ydata()) == HISTORY["test_accuracy"]
    for axes in (loss, accuracy):
        assert legend(axes) == list(lines(axes))


def test_all_that_is_drawn_is_in_view():
    loss, accuracy = plot_history(HISTORY).axes
    assert loss.get_ylim()[0] <= 0 < 2.3 < loss.get_ylim()[1]
    assert accuracy.get_ylim()[0] < 0.1 < 0.7 < accuracy.get_ylim()[1]


@pytest.mark.parametrize(("steps", "window"), [(20, 2), (80, 8), (300, 30), (1000, 100), (10_000, 100)])
def test_the_mean_keeps_up_with_the_training(steps, window):
    drawn = lines(plot_history(HISTORY | {"loss": list(range(steps))}).axes[0])
    assert list(drawn) == ["each batch", f"mean of {window} batches"]
    mean = drawn[f"mean of {window} batches"].get_ydata().tolist()
    half = window // 2
    assert mean[half : steps - half] == [i - 0.5 for i in range(half, steps - half)]
    assert (mean[0], mean[-1]) == (np.mean(range(half)), np.mean(range(steps - 1 - half, steps)))


def test_of_few_batches_each_is_seen_and_no_mean():
    (line,) = lines(plot_history(HISTORY).axes[0]).values()
    assert line.get_linewidth() > 1


@pytest.mark.parametrize("spike", [float("nan"), float("inf"), 1e20])
def test_the_mean_recovers_after_what_is_no_loss(spike):
    loss = [*np.linspace(2, 1, 150), spike, *np.linspace(1, 0.5, 149)]
    mean = lines(plot_history(HISTORY | {"loss": loss}).axes[0])["mean of 30 batches"].get_ydata()
    assert mean[135] == pytest.approx(np.mean(loss[120:150]))
    assert not min(mean[136:166]) < 10
    assert mean[166] == pytest.approx(np.mean(loss[151:181]))


def test_losses_may_be_tensors_as_in_the_books_list():
    x = Tensor(2.0, requires_grad=True)
    history = HISTORY | {"loss": [x * i for i in range(20)]}
    drawn = lines(plot_history(history).axes[0])
    assert list(drawn["each batch"].get_ydata()) == list(range(0, 40, 2))
    assert list(drawn["mean of 2 batches"].get_ydata()) == [0, *range(1, 39, 2)]


@pytest.mark.parametrize("loss", [[], [1.0], [0.0, 0.0], [2.0, None, float("nan"), float("inf")]])
def test_short_and_broken_histories(loss, tmp_path):
    figure = plot_history({"loss": loss, "epoch": [0], "train_accuracy": [0.1], "test_accuracy": [0.1]})
    figure.savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_it_can_be_saved(tmp_path, kind):
    plot_history(HISTORY).savefig(tmp_path / f"a.{kind}")
    assert (tmp_path / f"a.{kind}").stat().st_size > 1000


def test_no_global_state_is_touched_and_no_screen_needed(tmp_path):
    program = f"""
import sys, matplotlib
before = dict(matplotlib.rcParams)
from visualize import plot_history
plot_history({HISTORY}).savefig(sys.argv[1])
assert "matplotlib.pyplot" not in sys.modules
assert dict(matplotlib.rcParams) == before
"""
    environment = {"MPLBACKEND": "TkAgg", "PYTHONPATH": ":".join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.png")], env=environment, check=True)

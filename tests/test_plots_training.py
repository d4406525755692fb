"""Plots of trainings that are compared, and of a search for hyper-parameters."""

import numpy as np
import pytest

from autograd_dl import Tensor
from autograd_dl.errors import DataError, GradientLostWarning, ShapeError
from visualize import plots

pytest.importorskip("matplotlib")


def history(accuracy=(0.1, 0.8), **changed):
    usual = {"loss": [2.0, 1.0], "epoch": [0, 2], "train_accuracy": [0.1, 0.9], "test_accuracy": list(accuracy)}
    return usual | changed


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_curves_begin_where_they_are_told_to():
    ax = plots.curves({"a": [1, 2], "b": [3, 4, 5]}, start=1)
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 2], [1, 2, 3]]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1, 2], [3, 4, 5]]
    assert legend(ax) == ["a", "b"]


def test_forty_curves_differ():
    ax = plots.curves({str(k): [k, k] for k in range(40)})
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 40


def test_what_is_not_finite_leaves_a_gap_and_is_told():
    ax = plots.curves({"a": [1, None, np.nan, np.inf, 2], "b": [1, 1, 1, 1, 1]})
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, np.nan, np.nan, np.nan, 2])
    assert legend(ax) == ["a (3 of 5 not finite)", "b"]


def test_a_single_number_is_seen():
    one, two = plots.curves({"a": [1], "b": [1, 2]}).lines
    assert (one.get_marker(), two.get_marker()) == ("o", "")


@pytest.mark.parametrize("wrong", [[[1, 2], [3, 4]], ["a"], 3.0, [object()]])
def test_what_is_no_sequence_of_numbers(wrong):
    with pytest.raises(ShapeError, match="a must be a sequence of numbers"):
        plots.curves({"a": wrong})


@pytest.mark.parametrize("plot", [plots.curves, plots.curve_grid, plots.runs, plots.overfitting])
def test_nothing_to_draw(plot):
    with pytest.raises(DataError, match=r"there is nothing to draw: .* is empty"):
        plot({})


def test_runs():
    loss, accuracy = plots.runs({"SGD": history(), "Adam": history((0.2, 0.7), loss=[3.0, 1.0])}).axes
    assert legend(loss) == legend(accuracy) == ["SGD", "Adam"]
    assert loss.get_ylabel() == "loss"
    assert [line.get_ydata().tolist() for line in loss.lines] == [[2.0, 1.0], [3.0, 1.0]]
    assert [list(line.get_xdata()) for line in accuracy.lines] == [[0, 2], [0, 2]]
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [[0.1, 0.8], [0.2, 0.7]]


def test_runs_are_averaged_alike():
    loss, _ = plots.runs({"long": history(loss=list(range(1000))), "short": history(loss=list(range(80)))}).axes
    assert loss.get_ylabel() == "loss (mean of 8 batches)"
    assert [line.get_ydata()[-1] for line in loss.lines] == [997.0, 77.0]


@pytest.mark.parametrize(
    "plot", [lambda h: plots.runs({"SGD": h}), plots.history, lambda h: plots.overfitting({"SGD": h})]
)
@pytest.mark.parametrize("missing", ["test_accuracy", "epoch"])
def test_a_history_that_lacks_something(plot, missing):
    with pytest.raises(DataError, match=rf"history.* has no '{missing}': it has what Trainer\.history has"):
        plot({key: values for key, values in history().items() if key != missing})


def test_a_history_of_unequal_lengths():
    with pytest.raises(ShapeError, match=r"2 of 'train_accuracy', 3 of 'test_accuracy', 2 of 'epoch'"):
        plots.history(history((0.1, 0.2, 0.3)))


def test_a_grid_shares_its_scale_and_labels_its_edges():
    figure = plots.curve_grid({str(k): {"a": [0, k], "b": [1, 1]} for k in range(1, 6)}, columns=3)
    assert [ax.get_title() for ax in figure.axes] == ["1", "2", "3", "4", "5", ""]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    assert [bool(ax.get_xlabel()) for ax in figure.axes] == [False, False, True, True, True, False]
    assert [bool(ax.get_ylabel()) for ax in figure.axes] == [True, False, False, True, False, False]
    assert [bool(ax.get_legend()) for ax in figure.axes] == [True, *[False] * 5]
    assert not figure.axes[-1].axison


def test_overfitting_tells_the_gap():
    figure = plots.overfitting({"none": history(), "λ = 0.1": history((0.1, 0.85)), "cut": history(
        (), loss=[], epoch=[], train_accuracy=[])})  # fmt: skip
    assert [ax.get_title() for ax in figure.axes] == ["none: gap 0.100", "λ = 0.1: gap 0.050", "cut: not measured"]


# -- hyper-parameters


def trials(count=100, **more):
    rng = np.random.default_rng(0)
    drawn = [{"lr": 10 ** rng.uniform(-6, -2), "decay": 10 ** rng.uniform(-8, -4)} for _ in range(count)]
    return [{**t, "accuracy": 1 - (np.log10(t["lr"]) + 4) ** 2 / 4, **more} for t in drawn]


def test_a_best_value_in_the_middle_is_found_important():
    shares = plots.importances(trials())
    correlation = np.corrcoef([np.log10(t["lr"]) for t in trials()], [t["accuracy"] for t in trials()])[0, 1]
    assert abs(correlation) < 0.3
    assert shares["lr"] > 0.7
    assert shares["decay"] < 0.1


def test_importance_by_hand():
    """Two groups, of means 1 and 4: within them 4 of squares, over 10 - 2; in all 4 + 10 * 1.5² = 26.5, over 9."""
    scores = [0, 1, 1, 1, 2, 3, 4, 4, 4, 5]
    made = [{"kind": "ab"[k >= 5], "accuracy": score} for k, score in enumerate(scores)]
    assert plots.importances(made) == {"kind": pytest.approx(1 - (4 / 8) / (26.5 / 9))}


def test_of_names_and_of_few_values_each_is_a_group():
    made = [{"optimizer": ["SGD", "Adam"][k % 2], "units": k % 4, "accuracy": k % 2} for k in range(40)]
    assert plots.importances(made) == {"optimizer": 1, "units": 1}


def test_what_is_always_the_same_or_always_different_explains_nothing():
    made = [{"same": 1, "name": f"run {k}", "accuracy": k} for k in range(20)]
    assert plots.importances(made) == {"same": 0, "name": 0}


def test_chance_explains_nothing_on_average():
    rng = np.random.default_rng(0)
    found = [
        plots.importances([{"a": rng.random(), "accuracy": rng.random()} for _ in range(50)])["a"] for _ in range(200)
    ]
    assert np.mean(found) < 0.06


def test_all_scores_equal():
    assert plots.importances([{"a": k, "accuracy": 1} for k in range(20)]) == {"a": 0}


def test_importance_is_drawn_from_least_to_most():
    made = trials()
    made[3]["accuracy"], made[4]["accuracy"] = None, float("nan")
    ax = plots.importance(made)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["decay", "lr"]
    assert [bar.get_width() for bar in ax.patches] == sorted(plots.importances(made).values())
    assert ax.get_title() == "98 trials, 2 without a number left out"


def test_importance_of_few_trials():
    with pytest.raises(DataError, match=r"importance needs 10 trials with a accuracy, and there are 9"):
        plots.importance(trials(9))


def test_the_search_grid_has_every_pair():
    figure = plots.search_grid(trials(units=3), "accuracy")
    labels = [(ax.get_xlabel(), ax.get_ylabel()) for ax in figure.axes[:3]]
    assert labels == [("lr", "decay"), ("lr", "units"), ("decay", "units")]
    assert [ax.get_xscale() for ax in figure.axes[:3]] == ["log", "log", "log"]
    assert figure.axes[1].get_yscale() == "linear"


def test_the_best_is_a_star_and_what_failed_a_cross():
    made = [{"lr": 1, "b": 1, "accuracy": 0.5}, {"lr": 2, "b": 2, "accuracy": 0.9}, {"lr": 3, "b": 3, "accuracy": None}]
    figure = plots.search_grid(made)
    star, cross = figure.axes[0].lines
    assert (star.get_marker(), star.get_xydata().tolist()) == ("*", [[2, 2]])
    assert (cross.get_marker(), cross.get_xydata().tolist()) == ("x", [[3, 3]])
    assert legend(figure.axes[0]) == ["no score (1)"]
    assert figure.get_suptitle() == "★ best of 3: accuracy 0.9 with lr 2, b 2"


def test_the_best_is_drawn_over_the_others():
    made = [{"a": 1, "b": 1, "accuracy": score} for score in (0.2, 0.9, 0.5)]
    (dots,) = plots.search_grid(made).axes[0].collections
    assert dots.get_array().tolist() == [0.2, 0.5, 0.9]


def test_one_parameter_stands_against_the_score():
    figure = plots.search_grid([{"optimizer": "SGD", "accuracy": 1}, {"optimizer": "Adam", "accuracy": 2}])
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("optimizer", "accuracy")
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["Adam", "SGD"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([], "there is nothing to draw: trials is empty"),
        ([{"accuracy": 1}], "there is nothing to draw: the first trial, but for its score, is empty"),
        ([{"lr": 1}], "trial 0 has no 'accuracy'"),
        ([{"lr": 1, "accuracy": 1}, {"accuracy": 1}], "trial 1 has no 'lr'"),
        ([{"lr": 1, "accuracy": None}], "no trial has a accuracy that is a number"),
    ],
)
def test_trials_that_cannot_be_drawn(wrong, words):
    with pytest.raises(DataError, match=words):
        plots.search_grid(wrong)


def test_matplotlib_plots_recorded_tensors():
    from matplotlib.figure import Figure

    x = Tensor(np.arange(3.0), requires_grad=True)
    axes = Figure().subplots()
    with pytest.warns(GradientLostWarning):
        axes.plot(x, x * x)
    with pytest.warns(GradientLostWarning):
        axes.step(x * 2, x)
    assert [line.get_ydata().tolist() for line in axes.lines] == [[0, 1, 4], [0, 1, 2]]

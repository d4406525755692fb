"""Plots of trainings that are compared, and of a search for hyper-parameters."""

import numpy as np
import pytest
from plotted import legend, titles

from autograd_dl import Tensor
from autograd_dl.errors import DataError, GradientLostWarning, ShapeError
from visualize import plots

pytest.importorskip("matplotlib")


def history(accuracy=(0.1, 0.8), **changed):
    usual = {"loss": [2.0, 1.0], "epoch": [0, 2], "train_accuracy": [0.1, 0.9], "test_accuracy": list(accuracy)}
    return usual | changed


def legend_beside(figure):
    (beside,) = figure.legends
    return [text.get_text() for text in beside.get_texts()]


def ticks(ax):
    """Those of x that are in view."""
    low, high = ax.get_xlim()
    return [tick for tick in ax.get_xticks() if low <= tick <= high]


def spot(thing):
    """Where it is drawn, in pixels."""
    return thing.get_window_extent()


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


def test_a_number_alone_between_others_that_are_none_is_a_dot():
    (line,) = plots.curves({"a": [np.nan, 1, None, 2, 3, np.inf, 4]}).lines
    assert (line.get_marker(), line.get_markevery()) == ("o", [1, 6])


@pytest.mark.parametrize("known", [[0], [9], [4, 5], []])
def test_the_axis_spans_what_is_not_finite_too(known):
    values = [2.3 if k in known else np.nan for k in range(10)]
    low, high = plots.curves({"a": values}, start=1).get_xlim()
    assert low < 1 < 10 < high


def test_the_axes_of_a_training_that_diverges_span_all_of_it():
    loss, accuracy = plots.history(history((0.1, np.nan), loss=[2.3] + [np.nan] * 99, epoch=[0, 7])).axes
    assert loss.get_xlim()[1] > 99
    assert accuracy.get_xlim()[1] > 7
    assert loss.lines[0].get_markevery() == [0]


@pytest.mark.parametrize("count", [0, 1])
def test_of_one_number_or_none_the_ticks_are_whole(count):
    short = history([0.1] * count, loss=[2.0] * count, epoch=[0] * count, train_accuracy=[0.1] * count)
    drawn = [*plots.history(short).axes, *plots.runs({"a": short}).axes, plots.curves({"a": [1.0] * count})]
    assert [ticks(ax) for ax in drawn] == [[0, 1]] * 5
    assert ticks(plots.curves({"a": [1.0] * count}, start=3)) == [3, 4]


def test_of_one_step_the_tick_is_whole():
    assert ticks(plots.gradient_flow([{"W1": 1.0}])) == [0]


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
    assert legend_beside(loss.figure) == ["SGD", "Adam"]
    assert loss.get_legend() is accuracy.get_legend() is None
    assert loss.get_ylabel() == "loss"
    assert [line.get_ydata().tolist() for line in loss.lines] == [[2.0, 1.0], [3.0, 1.0]]
    assert [list(line.get_xdata()) for line in accuracy.lines] == [[0, 2], [0, 2]]
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [[0.1, 0.8], [0.2, 0.7]]


def test_runs_are_averaged_alike():
    loss, _ = plots.runs({"long": history(loss=list(range(1000))), "short": history(loss=list(range(80)))}).axes
    assert loss.get_ylabel() == "loss (mean of 8 batches)"
    assert [line.get_ydata()[-1] for line in loss.lines] == [997.0, 77.0]


def test_numbers_of_a_run_that_are_not_finite_are_told():
    figure = plots.runs({"SGD": history((np.nan, 0.8), loss=[np.nan] * 3 + [1.0]), "Adam": history()})
    assert legend_beside(figure) == ["SGD (4 of 6 not finite)", "Adam"]


@pytest.mark.parametrize("name", ["run {}", "a long name of a run that has many words in it, number {}"])
@pytest.mark.parametrize("count", [1, 12, 20, 40])
def test_the_legend_of_many_runs_is_beside_wide_axes(count, name):
    figure = plots.runs({name.format(k): history() for k in range(count)})
    figure.draw_without_rendering()
    (beside,) = figure.legends
    assert figure.bbox.x1 >= spot(beside).x1
    assert figure.bbox.y0 <= spot(beside).y0
    assert spot(beside).x0 > max(spot(ax).x1 for ax in figure.axes)
    assert min(spot(ax).width for ax in figure.axes) > 350


def test_of_many_runs_the_first_are_named():
    figure = plots.runs({f"run {k}": history() for k in range(40)})
    assert legend_beside(figure) == [*[f"run {k}" for k in range(19)], "... and 21 more"]


def test_the_legend_of_many_curves_is_beside_them():
    ax = plots.curves({f"run {k}": [k, 0] for k in range(24)})
    ax.figure.draw_without_rendering()
    assert len(legend(ax)) == 20
    assert legend(ax)[-1] == "... and 5 more"
    assert spot(ax).x1 <= spot(ax.get_legend()).x0 < spot(ax.get_legend()).x1 <= ax.figure.bbox.x1


def test_the_legend_of_a_grid_of_many_curves_is_beside_all():
    figure = plots.curve_grid({title: {f"run {k}": [k, 0] for k in range(24)} for title in "abc"})
    figure.draw_without_rendering()
    assert legend_beside(figure)[-1] == "... and 5 more"
    assert not any(ax.get_legend() for ax in figure.axes)
    assert figure.bbox.y0 <= spot(figure.legends[0]).y0


@pytest.mark.parametrize(
    "plot", [lambda h: plots.runs({"SGD": h}), plots.history, lambda h: plots.overfitting({"SGD": h})]
)
@pytest.mark.parametrize("missing", ["test_accuracy", "epoch"])
def test_a_history_that_lacks_something(plot, missing):
    with pytest.raises(DataError, match=rf"history.* has no '{missing}': it has what Trainer\.history has"):
        plot({key: values for key, values in history().items() if key != missing})


class Trained:
    """What is passed by mistake for its history."""

    history = history()


TRAINED = Trained()


@pytest.mark.parametrize(
    ("plot", "words"),
    [
        (lambda: plots.history(TRAINED), "the history must be a mapping, not Trained: pass trainer.history"),
        (lambda: plots.history(None), "the history must be a mapping, not NoneType: pass trainer.history"),
        (lambda: plots.history([1, 2]), "the history must be a mapping, not list: pass trainer.history"),
        (lambda: plots.history(history(loss=None)), "'loss' of the history must be a list or an array, not NoneType"),
        (lambda: plots.history(history(epoch=["a", "b"])), "epoch must be a sequence of numbers"),
        (lambda: plots.runs([history()]), r'histories must be a mapping, not list: pass {"SGD": trainer\.history}'),
        (lambda: plots.runs({"a": TRAINED}), "the history of a must be a mapping, not Trained: pass trainer.history"),
        (lambda: plots.runs(history()), "the history of loss must be a mapping, not list"),
        (lambda: plots.runs({"a": history(loss=["x"])}), "loss of a must be a sequence of numbers"),
        (lambda: plots.overfitting([history()]), "histories must be a mapping, not list"),
        (lambda: plots.overfitting({"a": TRAINED}), "the history of a must be a mapping, not Trained"),
        (lambda: plots.curves([1, 2]), 'curves must be a mapping, not list: pass {"loss": numbers}'),
        (lambda: plots.curve_grid([[1, 2]]), 'panels must be a mapping, not list: pass {"a title": {"loss": numbers}}'),
        (lambda: plots.curve_grid({"a": [1, 2]}), 'the panel a must be a mapping, not list: pass {"loss": numbers}'),
        (lambda: plots.curve_grid({"a": {"b": [1]}}, columns=0), "columns must be a whole number from 1, not 0"),
        (lambda: plots.search_grid(None), "trials must be a list of mappings, not NoneType"),
        (lambda: plots.search_grid({"lr": 1}), r'trials must be a list of mappings, not dict: pass \[{"lr": 0.1, "acc'),
        (lambda: plots.importance([1, 2]), "trial 0 must be a mapping, not int"),
    ],
)
def test_what_is_of_another_kind(plot, words):
    with pytest.raises((DataError, ShapeError), match=words):
        plot()


def test_a_table_with_named_columns_is_a_mapping():
    class Table:
        def items(self):
            return {"a": [1, 2]}.items()

        def __len__(self):
            return 2

    assert legend(plots.curves(Table())) == ["a"]


def test_a_history_of_unequal_lengths():
    with pytest.raises(ShapeError, match=r"2 of 'train_accuracy', 3 of 'test_accuracy', 2 of 'epoch'"):
        plots.history(history((0.1, 0.2, 0.3)))


def test_a_grid_shares_its_scale_and_labels_its_edges():
    figure = plots.curve_grid({str(k): {"a": [0, k], "b": [1, 1]} for k in range(1, 6)}, columns=3)
    assert titles(figure) == ["1", "2", "3", "4", "5", ""]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    assert [bool(ax.get_xlabel()) for ax in figure.axes] == [False, False, True, True, True, False]
    assert [bool(ax.get_ylabel()) for ax in figure.axes] == [True, False, False, True, False, False]
    assert [bool(ax.get_legend()) for ax in figure.axes] == [True, *[False] * 5]
    assert not figure.axes[-1].axison


def test_overfitting_tells_the_gap():
    figure = plots.overfitting({"none": history(), "λ = 0.1": history((0.1, 0.85)), "cut": history(
        (), loss=[], epoch=[], train_accuracy=[]), "lost": history((0.1, None))})  # fmt: skip
    told = ["none: gap 0.100", "λ = 0.1: gap 0.050", "cut: not measured", "lost: not measured"]
    assert titles(figure)[:4] == told


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
    with pytest.raises(DataError, match=r"importance needs 10 trials whose accuracy is a number, and there are 9"):
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
        ([{"lr": 1, "accuracy": None}], "there is no trial whose accuracy is a number"),
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


@pytest.mark.parametrize("layout", [None, "tight", "constrained"])
def test_the_legend_of_runs_is_beside_the_axes_in_every_layout(layout):
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(10, 4), layout=layout)
    plots.runs(
        {f"run {i}": {"loss": [1.0, 2.0], "test_accuracy": [0.1], "epoch": [0]} for i in range(12)}, figure=figure
    )
    figure.canvas.draw()
    right = figure.axes[1]
    legend = right.get_legend() or figure.legends[0]
    assert legend.get_window_extent().x0 >= right.get_window_extent().x1 - 1


def test_lines_of_any_panel_are_named():
    lines = {f"line {i}": [1.0, 2.0] for i in range(12)}
    figure = plots.curve_grid({"one": {"line": [1.0, 2.0]}, "many": lines})
    assert legend_beside(figure) == list(lines)

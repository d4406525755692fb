"""What holds for every plot: where it is drawn, in which letters, and what it leaves alone."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from plotted import STRICT, legend

from visualize import draw_perceptron, plots

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure
from matplotlib.text import Text

from visualize.plots import canvas

JAPANESE = "学習率 λ"
HOSTILE = ["_$x_1$ \\frac{ a\nb\tc\x00 <b> %s {0} {} \\", "$", "x" * 1000, ""]
HISTORY = {"loss": [2.0, 1.0], "epoch": [0, 1], "train_accuracy": [0.1, 0.9], "test_accuracy": [0.1, 0.8]}
ON_AXES = {
    "curves": lambda name, **where: plots.curves({name: [1, 2, 3]}, **where),
    "histogram": lambda name, **where: plots.histogram([1.0, 2.0, 2.0], **where),
    "gradient_flow": lambda name, **where: plots.gradient_flow([{name: 1.0, "b": 0.0}, {name: 2e9, "b": 0.0}], **where),
    "confusion_matrix": lambda name, **where: plots.confusion_matrix([0, 1], [0, 0], names=[name, "b"], **where),
    "paths": lambda name, **where: plots.paths(lambda x, y: x * x + y * y, {name: [[1, 1], [0, 0]]}, **where),
    "gradient_field": lambda name, **where: plots.gradient_field(lambda x, y: x * x + y * y, **where),
    "importance": lambda name, **where: plots.importance([{name: i, "accuracy": i % 3} for i in range(20)], **where),
}  # fmt: skip
ON_FIGURES = {
    "history": lambda name, **where: plots.history(HISTORY, **where),
    "runs": lambda name, **where: plots.runs({name: HISTORY}, **where),
    "curve_grid": lambda name, **where: plots.curve_grid({name: {name: [1, 2]}, "b": {"c": [2, 1]}}, **where),
    "overfitting": lambda name, **where: plots.overfitting({name: HISTORY}, **where),
    "activations": lambda name, **where: plots.activations({name: np.arange(9.0)}, **where),
    "image_grid": lambda name, **where: plots.image_grid([np.eye(3)], [name], **where),
    "filters": lambda name, **where: plots.filters(np.ones((2, 1, 3, 3)), **where),
    "feature_maps": lambda name, **where: plots.feature_maps(np.ones((2, 3, 3)), **where),
    "misclassified": lambda name, **where: plots.misclassified(np.ones((2, 3, 3)), [0, 1], [0, 0], **where),
    "search_grid": lambda name, **where: plots.search_grid(
        [{name: 0.1, "b": "SGD", "accuracy": 1}, {name: 1e-9, "b": name, "accuracy": None}], **where
    ),
}
ALL = ON_AXES | ON_FIGURES


def figure_of(drawn):
    return drawn if isinstance(drawn, Figure) else drawn.figure


def texts(drawn):
    return [text.get_text() for text in figure_of(drawn).findobj(Text)]


def test_no_plot_is_forgotten():
    public = {name for name in vars(plots) if callable(getattr(plots, name))}
    assert public - set(ALL) == {"GradientNorms", "importances", "layer_outputs", "plot_history"}


@pytest.mark.parametrize("name", ON_AXES)
def test_it_is_drawn_into_the_given_axes(name):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert ON_AXES[name]("a", ax=right) is right
    assert right.has_data()
    assert not left.has_data()


@pytest.mark.parametrize("name", ON_FIGURES)
def test_it_is_drawn_into_the_given_part_of_a_figure(name):
    figure = Figure(layout="constrained")
    left, right = figure.subfigures(1, 2)
    assert ON_FIGURES[name]("a", figure=right) is right
    assert right.axes
    assert not left.axes


@pytest.mark.parametrize("name", ALL)
def test_japanese_is_drawn(name):
    drawn = ALL[name](JAPANESE)
    figure_of(drawn).draw_without_rendering()  # a missing letter is a warning, and so an error
    if JAPANESE not in "".join(texts(drawn)):
        assert name in ("histogram", "gradient_field", "history", "filters", "feature_maps", "misclassified")


@pytest.mark.parametrize("name", ON_AXES)
def test_japanese_that_is_added_later_is_drawn(name, tmp_path):
    ax = ON_AXES[name]("a")
    ax.set(title="題名", xlabel="横軸", ylabel="縦軸")
    ax.figure.savefig(tmp_path / "a.svg")


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("name", ALL)
def test_hostile_names_are_text(name, hostile):
    drawn = ALL[name](hostile)
    figure_of(drawn).draw_without_rendering()
    assert max(map(len, texts(drawn))) < 300


def test_a_name_that_begins_with_an_underscore_is_in_the_legend():
    assert legend(plots.curves({"_x": [1, 2]})) == [" _x"]


def test_a_dollar_is_a_dollar():
    assert legend(plots.curves({"$x_1$": [1, 2]})) == [r"\$x_1\$"]


@pytest.fixture
def no_font(monkeypatch):
    """A machine without a Japanese font, on which nothing was told yet."""
    monkeypatch.setattr(canvas, "_japanese_family", lambda: None)
    monkeypatch.setattr(canvas, "_told", [])


def test_without_a_font_one_warning_tells_of_it(no_font, tmp_path):
    with pytest.warns(UserWarning, match="no font") as caught:
        ax = plots.curves({"損失": [1, 2], "精度": [2, 3]})
    assert len(caught) == 1
    assert str(caught[0].message) == (
        "no font was found that has 失損, for which □ is shown; a Japanese font comes with "
        'pip install "autograd_dl[viz]"'
    )
    assert caught[0].filename == __file__
    ax.figure.savefig(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plots.curves({"損失": [1, 2]})
    assert legend(ax) == ["□□"]


def test_without_a_font_the_warning_of_a_figure_points_to_the_callers_line(no_font):
    with pytest.warns(UserWarning, match="no font") as caught:
        draw_perceptron(2, x=["長さ", "重さ"])
    assert caught[0].filename == __file__


def test_without_a_font_latin_and_greek_letters_are_as_ever(no_font, tmp_path):
    ax = plots.curves({"λ = 0.1, √(2/n), é": [1, 2]})
    assert legend(ax) == ["λ = 0.1, √(2/n), é"]


def test_no_global_state_is_touched_and_no_screen_needed(tmp_path):
    program = """
import sys, matplotlib
before = dict(matplotlib.rcParams)
sys.path.insert(0, sys.argv[2])
import test_plots_all as tests
for name, plot in tests.ALL.items():
    tests.figure_of(plot(tests.JAPANESE)).savefig(sys.argv[1], dpi=20)
assert "matplotlib.pyplot" not in sys.modules
assert dict(matplotlib.rcParams) == before
"""
    environment = os.environ | {"MPLBACKEND": "TkAgg", "PYTHONPATH": ":".join(filter(None, sys.path))}
    folder = str(tmp_path.joinpath("a.png")), __file__.rpartition("/")[0]
    command = [sys.executable, "-c", program, *folder]
    subprocess.run(command, env=environment | {"PYTHONWARNINGS": STRICT}, check=True)


def test_importing_it_loads_no_matplotlib():
    program = "import sys, visualize.plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", ALL)
def test_without_matplotlib_one_line_says_what_to_install(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "autograd_dl\[viz\]"'):
        ALL[name]("a")

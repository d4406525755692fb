"""The experiments of chapters 2 to 5: their numbers are the book's, and their figures show what they say."""

import json

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib, of the extra viz, is not installed")
from made_experiments import made
from plotted import legend, titles

from autograd_dl.app.experiments import Settings, chapter3, chapter4, chapter5
from autograd_dl.errors import DataError
from models import ThreeLayerNet


@pytest.fixture
def outcome(request):
    """The experiment that the test is parametrized with by name."""
    return made(request.param)


def of(name):
    return pytest.mark.parametrize("outcome", [name], indirect=True)


def lines(axes):
    return {line.get_label(): line.get_xydata() for line in axes.lines}


def labelled(figure):
    return all(axes.get_xlabel() and axes.get_ylabel() for axes in figure.axes)


# -- chapter 2


@of("gates")
def test_the_lines_of_the_gates_divide_their_points(outcome):
    numbers, figure = outcome
    assert legend(figure.axes[0])[-1] == "0.5 x1 + 0.5 x2 - 0.7 = 0"
    assert legend(figure.axes[1])[-1] == "-0.5 x1 - 0.5 x2 + 0.7 = 0"
    for axes, outputs in zip(figure.axes, numbers.values(), strict=True):
        by_label = lines(axes)
        assert len(by_label["y = 1"]) == sum(outputs)
        assert len(by_label["y = 0"]) == 4 - sum(outputs)
    assert [len(axes.lines) for axes in figure.axes] == [3, 3, 3, 2]
    assert labelled(figure)


@of("perceptron")
def test_perceptron(outcome):
    numbers, figure = outcome
    assert numbers["a"] == [-0.7, -0.2, -0.2, 0.3]
    assert numbers["y"] == [0, 0, 0, 1]
    picture, curve = figure.axes
    texts = [text.get_text() for text in picture.texts]
    assert {"x1", "x2", "w1 = 0.5", "w2 = 0.5", "b = -0.7", "h(a)"} <= set(texts)
    np.testing.assert_allclose(lines(curve)["the four inputs"], [[-0.7, 0], [-0.2, 0], [-0.2, 0], [0.3, 1]])
    assert [text.get_text() for text in curve.texts] == ["(0, 0)", "(1, 0)\n(0, 1)", "(1, 1)"]


# -- chapter 3


@of("step")
def test_step(outcome):
    numbers, figure = outcome
    assert numbers == {"x": [-1, 1, 2], "y": [0, 1, 1]}
    assert set(figure.axes[0].lines[0].get_ydata()) == {0, 1}


@of("curves")
def test_curves(outcome):
    numbers, figure = outcome
    assert numbers["sigmoid(x)"]["y"] == pytest.approx([0.26894142, 0.73105858, 0.88079708])
    assert numbers["relu(x)"]["y"] == [0, 1, 2]
    assert numbers["log(x)"]["y"] == pytest.approx([-2.302585092994046, -0.510825623765991, 0])
    assert titles(figure) == list(numbers)
    for axes, numpy_s in zip(figure.axes[2:], (np.tanh, np.log), strict=True):
        x, y = axes.lines[0].get_data()
        np.testing.assert_allclose(y, numpy_s(x), rtol=1e-12)
    assert labelled(figure)


@of("sigmoid-asymptotes")
def test_the_sigmoid_stays_between_its_asymptotes(outcome):
    numbers, figure = outcome
    assert numbers["y"][0] == 0
    assert numbers["y"][3] == 0.5
    assert numbers["y"][-1] == 1
    drawn = lines(figure.axes[0])
    assert drawn["y = 0"][:, 1].max() < drawn["sigmoid(x)"][:, 1].min()
    assert drawn["sigmoid(x)"][:, 1].max() < drawn["y = 1"][:, 1].min()


@of("step-vs-sigmoid")
def test_the_area_between_step_and_sigmoid(outcome):
    numbers, figure = outcome
    assert numbers["area"] == pytest.approx(numbers["2 log 2"], rel=1e-6)
    assert legend(figure.axes[0]) == ["sigmoid", "step function", "between them"]
    (area,) = figure.axes[0].collections
    shaded = area.get_paths()[0].vertices
    assert (shaded.min(axis=0), shaded.max(axis=0)) == (pytest.approx([-6, 0]), pytest.approx([6, 1]))


@of("digit")
def test_the_first_digit_is_a_5(outcome):
    numbers, figure = outcome
    assert numbers == {"label": 5, "flat": [784], "image": [28, 28], "largest": 255}
    image = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(np.ravel(image), figure.axes[1].lines[0].get_ydata())
    assert "5" in figure.axes[0].get_title()


@of("softmax-overflow")
def test_softmax_overflow(outcome):
    numbers, figure = outcome
    assert np.isnan(numbers["as the formula says"]).all()
    assert numbers["softmax"] == pytest.approx([9.99954600e-01, 4.53978686e-05, 2.06106005e-09], rel=1e-6)
    assert numbers["the last c without overflow"] == {"float64": 705, "float32": 84}  # the largest exponents, less 4
    drawn = lines(figure.axes[0])
    assert drawn["largest score subtracted first"][:, 1] == pytest.approx(np.full(1001, 0.7365969))
    assert np.isfinite(drawn["as the formula says, float32"]).all(axis=1).sum() == 85


def check_inference(numbers, figure):
    assert len(set(numbers["accuracy"])) == 1
    assert numbers["answers that differ from those one by one"] == [0, 0, 0, 0]
    assert sum(numbers["probabilities of the first"]) == pytest.approx(1, abs=1e-6)
    digit, probabilities, times = figure.axes
    assert digit.images[0].get_array().shape == (28, 28)
    assert [bar.get_height() for bar in probabilities.patches] == numbers["probabilities of the first"]
    assert times.lines[0].get_ydata().tolist() == numbers["microseconds for an image"]


@of("three-layer-inference")
def test_the_three_layer_network_answers_alike_in_each_way(outcome):
    check_inference(*outcome)
    assert outcome.numbers["accuracy"][0] > 0.6
    assert labelled(outcome.figure)


def test_the_three_layer_network_takes_weights(tmp_path):
    network = ThreeLayerNet(seed=3)
    network.params["b3"].data = np.eye(10)[4] * 100  # it takes all for a 4
    np.savez(tmp_path / "weights.npz", **{name: p.numpy() for name, p in network.params.items()})
    settings = Settings(quick=True, weights=tmp_path / "weights.npz")
    numbers, figure = chapter3.three_layer_inference(settings)
    check_inference(numbers, figure)
    _, (_, labels) = settings.mnist()
    assert numbers["accuracy"][0] == np.mean(labels == 4)
    assert np.argmax(numbers["probabilities of the first"]) == 4


def test_weights_of_another_network_are_refused(tmp_path):
    np.savez(tmp_path / "weights.npz", W1=np.zeros((2, 3)))
    with pytest.raises(DataError, match="W2"):
        chapter3.three_layer_inference(Settings(quick=True, weights=tmp_path / "weights.npz"))


# -- chapter 4


@of("difference-errors")
def test_central_differences_are_better_and_float32_is_worse(outcome):
    numbers, figure = outcome
    assert numbers["1e-50 as float32"] == 0
    at_h, best = numbers["error with h = 1e-4"], numbers["smallest error"]
    assert at_h["numerical_diff"] < 2e-9 < 2e-5 < at_h["forward"]
    assert best["central, float64"]["error"] < best["forward, float64"]["error"] < best["central, float32"]["error"]
    assert legend(figure.axes[0])[-1] == "numerical_diff, h = 1e-4"
    assert (figure.axes[0].get_xscale(), figure.axes[0].get_yscale()) == ("log", "log")
    assert labelled(figure)


@of("tangent")
def test_tangent(outcome):
    numbers, figure = outcome
    assert numbers == {"f'(5)": 0.1999999999990898, "f'(10)": 0.2999999999986347}
    for axes in figure.axes:
        curve, line, _ = (line.get_ydata() for line in axes.lines)
        assert (curve > line - 1e-9).all()  # it touches, and does not cross
        assert (curve - line).min() == pytest.approx(0, abs=1e-9)


@of("gradient-field")
def test_the_arrows_point_to_the_minimum(outcome):
    numbers, figure = outcome
    assert numbers["gradients"] == [pytest.approx([6, 8]), pytest.approx([0, 4]), pytest.approx([6, 0])]
    (arrows,) = (c for c in figure.axes[0].collections if hasattr(c, "U"))
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], axis=1), -2 * arrows.XY, atol=1e-9)
    assert len(arrows.U) == numbers["arrows"] == 18 * 18


@of("gradient-descent")
def test_gradient_descent(outcome):
    numbers, figure = outcome
    ends = numbers["ends with learning rate"]
    assert ends["0.1"] == pytest.approx([-0.0346, 0.0461], abs=5e-5)
    assert ends["0.1, 100 steps"] == pytest.approx([-6.11110793e-10, 8.14814391e-10], rel=1e-6)
    assert ends["10, 100 steps"] == pytest.approx([-2.58983747e13, -1.29524862e12], rel=1e-6)
    assert ends["1e-10, 100 steps"] == pytest.approx([-2.99999994, 3.99999992], abs=1e-8)
    path, distances = figure.axes
    drawn = lines(path)["lr 0.1, 20 steps"]
    assert drawn.tolist() == numbers["path"]
    assert drawn[0].tolist() == [-3, 4]
    assert len(drawn) == 21
    assert legend(distances) == ["lr 10: too large", "lr 1e-10: too small", "lr 0.1: just right"]


@of("simple-net-gradient")
def test_simple_net_gradient(outcome):
    numbers, figure = outcome
    expected = [[0.256540, 0.050312, -0.306852], [0.384810, 0.075468, -0.460279]]
    np.testing.assert_allclose(numbers["dW by differences"], expected, atol=1e-6)
    np.testing.assert_allclose(numbers["dW by differences"], numbers["dW by the graph"], atol=1e-8)
    assert numbers["answer"] == 2
    assert [text.get_text() for text in figure.axes[1].texts][:3] == ["0.2565", "0.0503", "-0.3069"]


@of("two-layer-by-differences")
def test_differences_learn_what_backpropagation_learns(outcome):
    numbers, figure = outcome
    slow, fast = numbers["differences"], numbers["backpropagation"]
    np.testing.assert_allclose(slow["losses"], fast["losses"], atol=1e-8)
    assert numbers["losses differ by at most"] < 1e-8
    assert slow["test accuracy"] == fast["test accuracy"]
    assert slow["losses"][-1] < slow["losses"][0]
    assert slow["seconds a gradient"] > fast["seconds a gradient"]
    assert legend(figure.axes[0]) == ["by differences", "by backpropagation"]
    assert len(figure.axes[1].patches) == 2


def test_small_images_are_means_of_blocks():
    small = chapter4._small(np.arange(784.0).reshape(1, 784), 4)
    assert small.shape == (1, 16)
    assert small[0, 0] == np.arange(784.0).reshape(28, 28)[:7, :7].mean()
    assert small[0, 1] == np.arange(784.0).reshape(28, 28)[:7, 7:14].mean()


# -- chapter 5


@of("apple")
def test_apple(outcome):
    assert outcome.numbers == {
        "values": {"apple price": 100, "number of apples": 2, "tax": 1.1, "apples": 200, "total": 220},
        "gradients": {"apple price": 2.2, "number of apples": 110, "tax": 200, "apples": 1.1, "total": 1},
    }


@of("apple-orange")
def test_apple_orange(outcome):
    values, red = outcome.numbers["values"], outcome.numbers["gradients"]
    assert [values[name] for name in ("apples", "oranges", "fruit", "total")] == [200, 450, 650, 715]
    assert [red[name] for name in ("apples", "oranges", "fruit", "total", "tax")] == [1.1, 1.1, 1.1, 1, 650]
    assert [red["apple price"], red["number of apples"]] == [2.2, 110]
    assert [red["orange price"], red["number of oranges"]] == [3.3, 165]


@pytest.mark.parametrize("outcome", ["apple", "apple-orange"], indirect=True)
def test_the_pictures_of_purchases_have_black_and_red_on_white(outcome):
    (axes,) = outcome.figure.axes
    if not axes.images:
        pytest.skip("no Graphviz was found to draw the picture")
    red, green, blue = np.moveaxis(np.asarray(axes.images[0].get_array())[..., :3], -1, 0)
    assert np.mean(red > 0.95) > 0.5
    assert ((red > 0.7) & (green < 0.3) & (blue < 0.3)).sum() > 100
    assert ((red < 0.1) & (green < 0.1) & (blue < 0.1)).sum() > 100


def test_without_graphviz_a_table_is_shown(monkeypatch):
    monkeypatch.setattr(chapter5, "drawn", lambda source, kind: None)
    numbers, figure = chapter5.apple(Settings(quick=True))
    (table,) = figure.axes[0].tables
    cells = {at: cell.get_text().get_text() for at, cell in table.get_celld().items()}
    assert [cells[row, -1] for row in range(1, 6)] == list(numbers["values"])
    assert [cells[5, 0], cells[5, 1]] == ["220", "1"]
    assert table[1, 1].get_text().get_color() == "#d62728"


@of("gradient-check-5")
def test_gradients_agree(outcome):
    numbers, figure = outcome
    assert list(numbers["mean_distance"]) == ["W1", "b1", "W2", "b2"]
    assert max(numbers["mean_distance"].values()) < 1e-9 < 1e-4 < min(numbers["mean_gradient"].values())
    assert numbers["kinks_within_reach"] == 0
    assert len(figure.axes[0].patches) == 8
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["W1", "b1", "W2", "b2"]


@of("two-layer-by-backpropagation")
def test_two_layers_learn_by_backpropagation(outcome):
    numbers, figure = outcome
    for run in numbers.values():
        assert run["first loss"] == pytest.approx(2.30, abs=0.05)
        assert run["mean of the last 100 losses"] < 2.31
        assert len(run["after each epoch"]["test_accuracy"]) == 10
    assert numbers["relu"]["test accuracy"] > 0.3
    losses, accuracies = figure.axes
    assert legend(losses) == ["relu", "sigmoid"]
    assert len(legend(accuracies)) == 4
    assert [len(line.get_ydata()) for line in losses.lines] == [100, 100]
    assert labelled(figure)


@of("two-layer-by-backpropagation")
def test_the_same_seed_is_the_same_run_and_another_is_another(outcome):
    runs = [chapter5.two_layer_by_backpropagation(Settings(quick=True, seed=seed)).numbers for seed in (0, 1)]
    assert json.dumps(runs[0]) == json.dumps(outcome.numbers) != json.dumps(runs[1])

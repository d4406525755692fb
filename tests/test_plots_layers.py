"""Plots of layers, images and surfaces: that they show the numbers they were given."""

import numpy as np
import pytest
from plotted import images, legend, titles

from autograd_dl import Tensor, is_grad_enabled, scope
from autograd_dl.errors import DataError, ShapeError
from autograd_dl.functional import relu
from autograd_dl.training import Trainer
from models import MultiLayerNet, SimpleConvNet, TwoLayerNet
from visualize import plots

pytest.importorskip("matplotlib")
from visualize.plots import pictures

# -- what comes out of layers


def test_the_outputs_are_those_of_the_layers():
    x = np.random.default_rng(0).standard_normal((7, 4)).astype("float32")
    network = MultiLayerNet(4, [5], 3, seed=0)
    outputs = plots.layer_outputs(network, x)
    assert list(outputs) == ["Affine1", "Relu1", "Affine2"]
    w, b = network.params["W1"].numpy(), network.params["b1"].numpy()
    np.testing.assert_allclose(outputs["Affine1"], x @ w + b, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(outputs["Relu1"], np.maximum(outputs["Affine1"], 0))
    np.testing.assert_array_equal(outputs["Affine2"], network.predict(x).numpy())


def test_an_op_outside_any_scope_has_its_own_name():
    def function(x):
        with scope("Affine1"):
            x = x * 2
        return relu(x)

    assert list(plots.layer_outputs(function, Tensor([1.0]))) == ["Affine1", "relu"]


def test_of_images():
    outputs = plots.layer_outputs(SimpleConvNet(seed=0), np.zeros((2, 1, 28, 28)))
    assert [a.shape for a in outputs.values()][:3] == [(2, 30, 24, 24), (2, 30, 24, 24), (2, 30, 12, 12)]


def test_of_a_function_whose_layers_come_twice_and_nest():
    def function(x):
        with scope("a"):
            with scope("b"):
                x = x * 2
            y = relu(x + 1)
        return relu(relu(y))

    outputs = plots.layer_outputs(function, Tensor([1.0]))
    assert {name: a.tolist() for name, a in outputs.items()} == {"a/b": [2], "a": [3], "relu": [3], "relu (2)": [3]}
    assert is_grad_enabled()


def test_histograms():
    figure = plots.activations({"a": np.arange(10.0), "b": np.zeros(5)}, bins=5)
    assert titles(figure) == ["a\nmean 4.5, std 2.9", "b\nall zero"]
    counts, edges, _ = figure.axes[0].patches[0].get_data()
    assert counts.tolist() == [2, 2, 2, 2, 2]
    assert (edges[0], edges[-1]) == (0, 9)


def test_histograms_within_limits():
    counts, edges, _ = plots.histogram([0.0, 0.4, 0.6, 7.0], bins=2, limits=(0, 1)).patches[0].get_data()
    assert (counts.tolist(), edges.tolist()) == ([2, 1], [0, 0.5, 1])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, np.nan, np.inf], "2 of 3 not finite"),
        ([np.nan], "1 of 1 not finite"),
        ([], "empty"),
        (np.float16([60000, 60000]), "mean 6e+04, std 0"),
        (3.0, "mean 3, std 0"),
        ([True, False], "mean 0.5, std 0.5"),
    ],
)
def test_histograms_of_what_is_no_usual_array(values, words, tmp_path):
    figure = plots.activations({"a": np.array(values)})
    assert titles(figure) == [f"a\n{words}"]
    figure.savefig(tmp_path / "a.png")


def test_activations_need_inputs():
    with pytest.raises(DataError, match=r"activations\(network, x\)"):
        plots.activations(TwoLayerNet(4, 3, 2))
    with pytest.raises(DataError, match="or outputs alone"):
        plots.activations({"a": np.ones(3)}, "activations.png")


@pytest.mark.parametrize("wrong", [np.array(["a"]), np.array([1j]), np.array([None])])
def test_activations_of_what_are_no_numbers(wrong):
    with pytest.raises(DataError, match="must be real numbers, not"):
        plots.activations({"a": wrong})


def test_activations_of_what_is_no_network():
    with pytest.raises(DataError, match="the network must be a function, not int: pass a network, which has predict"):
        plots.activations(3, np.ones(3))


@pytest.mark.parametrize("columns", [0, -1, 2.5, None])
@pytest.mark.parametrize(
    "plot",
    [
        lambda columns: plots.image_grid(np.ones((3, 2, 2)), columns=columns),
        lambda columns: plots.misclassified(np.ones((3, 2, 2)), [0, 1, 2], [0, 0, 0], columns=columns),
        lambda columns: plots.activations({"a": np.ones(3)}, columns=columns),
    ],
)
def test_columns_that_there_cannot_be(plot, columns):
    with pytest.raises(DataError, match=f"columns must be a whole number from 1, not {columns}"):
        plot(columns)


# -- gradients


def labels(ax):
    return [text.get_text() for text in ax.get_yticklabels()]


def test_a_trainer_fills_the_norms_and_learns_the_same():
    x, t = np.random.default_rng(0).random((20, 4)), np.arange(20) % 3
    norms, networks = plots.GradientNorms(), [TwoLayerNet(4, 3, 3, seed=0) for _ in range(2)]
    for network, change in zip(networks, (norms, None), strict=True):
        trainer = Trainer(network, x, t, x, t, 2, 10, verbose=False, seed=0, change_gradient=change)
        trainer.train()
    assert len(norms.steps) == 4
    assert list(norms.steps[0]) == ["W1", "b1", "W2", "b2"]
    np.testing.assert_array_equal(networks[0].params["W1"].numpy(), networks[1].params["W1"].numpy())


def test_a_norm_is_that_of_the_whole_array():
    norms = plots.GradientNorms()
    norms({"W": np.full((2, 2), 3.0), "h": np.full(4, 60000, np.float16)})
    assert norms.steps == [{"W": 6.0, "h": 120000.0}]


def test_what_is_wrong_is_told_with_its_first_step():
    steps = [
        {"fine": 1.0, "small": 10.0**-k, "dead": float(k < 3), "large": 10.0**k, "broken": np.nan if k == 5 else 1.0}
        for k in range(10)
    ]
    ax = plots.gradient_flow(steps)
    assert labels(ax) == [
        "fine", "small: vanishing since step 7", "dead: exactly zero since step 3", "large: exploding since step 4",
        "broken: not finite since step 5",
    ]  # fmt: skip
    assert legend(ax) == ["vanishing (below 1e-06)", "exactly zero", "exploding (above 1000)", "not finite"]


def test_gradients_themselves_may_be_given():
    ax = plots.gradient_flow([{"W": np.array([3.0, 4.0])}, {"W": Tensor([0.3, 0.4])}])
    np.testing.assert_allclose(ax.images[0].get_array(), [[5, 0.5]])
    assert ax.get_legend() is None


def test_the_limits_can_be_chosen():
    assert labels(plots.gradient_flow([{"a": 0.5, "b": 20.0}], vanishing=1, exploding=10)) == [
        "a: vanishing since step 0", "b: exploding since step 0",
    ]  # fmt: skip


def test_of_many_steps_none_that_is_broken_is_lost():
    steps = [{"a": np.inf if k == 1237 else 1.0} for k in range(5000)]
    ax = plots.gradient_flow(steps)
    healthy, flagged = (np.ma.asarray(image.get_array()) for image in ax.images)
    assert healthy.shape[1] <= 400
    assert flagged.count() == 1
    assert labels(ax) == ["a: not finite since step 1237"]
    assert "the worst" in ax.get_xlabel()


@pytest.mark.parametrize("value", [0.0, np.nan, 1.0, 5e-324, 1.7e308])
def test_one_norm_of_any_size_can_be_drawn(value, tmp_path):
    plots.gradient_flow([{"a": value}]).figure.savefig(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([], "there is nothing to draw: steps is empty"),
        ([{}], "there is nothing to draw: the first step is empty"),
        ([{"a": 1.0}, {"b": 1.0}], "step 1 has the gradients of b, and step 0 those of a"),
        ([{"a": "x"}], "the gradient of a must be real numbers"),
        ({"W": np.ones(3)}, r'steps must be a list of mappings, not dict: pass \[{"W1": its gradient or norm}'),
        (plots.GradientNorms(), "steps must be a list of mappings, not GradientNorms"),
        (None, "steps must be a list of mappings, not NoneType"),
        ([1.0], 'step 0 must be a mapping, not float: pass {"W1": its gradient or norm}'),
    ],
)
def test_steps_that_cannot_be_drawn(steps, words):
    with pytest.raises(DataError, match=words):
        plots.gradient_flow(steps)


# -- images


def test_images_beside_each_other():
    figure = plots.image_grid([np.eye(2), 2 * np.eye(3)], columns=2)
    assert titles(figure) == ["0", "1"]
    np.testing.assert_array_equal(images(figure)[1], 2 * np.eye(3))


def test_of_many_images_the_rest_is_counted(monkeypatch):
    assert pictures.MOST == 200
    monkeypatch.setattr(pictures, "MOST", 20)
    figure = plots.image_grid(np.zeros((21, 2, 2)))
    assert len(figure.axes) == 20
    assert figure.get_suptitle() == "the first 20 of 21"


def test_pixels_that_are_not_finite_are_told():
    figure = plots.image_grid([np.array([[1, np.nan], [np.inf, 0]])])
    assert titles(figure) == ["0\n2 not finite"]
    assert np.ma.getmaskarray(figure.axes[0].images[0].get_array()).tolist() == [[False, True], [True, False]]


def test_filters_and_their_channels():
    weights = np.arange(2 * 3 * 4, dtype=float).reshape(2, 3, 2, 2)
    figure = plots.filters(Tensor(weights))
    assert titles(figure) == ["0, 0", "0, 1", "0, 2", "1, 0", "1, 1", "1, 2"]
    np.testing.assert_array_equal(images(figure)[4], weights[1, 1])
    assert titles(plots.filters(weights[:, :1])) == ["0", "1"]


def test_feature_maps_of_one_image():
    maps = np.random.default_rng(0).random((1, 3, 4, 4))
    figure = plots.feature_maps(maps)
    assert titles(figure) == ["filter 0", "filter 1", "filter 2"]
    np.testing.assert_array_equal(images(figure), maps[0])


@pytest.mark.parametrize(
    ("plot", "shape", "words"),
    [
        (plots.filters, (3, 3), r"weights must have the shape \(filters, channels, height, width\), not \(3, 3\)"),
        (plots.feature_maps, (2, 3, 4, 4), r"maps must have the shape \(filters, height, width\), of one image"),
        (plots.image_grid, (2, 3), r"image 0 must have the shape \(height, width\), not \(3,\)"),
        (plots.image_grid, (1, 0, 3), r"image 0 must have the shape \(height, width\), not \(0, 3\)"),
        (plots.image_grid, (0, 3, 3), "there is nothing to draw: images is empty"),
        (plots.filters, (0, 1, 3, 3), "there is nothing to draw: images is empty"),
    ],
)
def test_shapes_that_are_no_images(plot, shape, words):
    with pytest.raises(ValueError, match=words):
        plot(np.ones(shape))


@pytest.mark.parametrize(
    ("images", "titles", "words"),
    [
        (None, None, "images must be a list or an array, not NoneType"),
        (3, None, "images must be a list or an array, not int"),
        ({"a": np.eye(2)}, None, "images must be a list or an array, not dict"),
        ([np.eye(2)], 3, "titles must be a list or an array, not int"),
    ],
)
def test_what_are_no_images(images, titles, words):
    with pytest.raises(DataError, match=words):
        plots.image_grid(images, titles)


TITLES = ["ankle boot (sandal)", "Handgelenkbewegung_unbekannt", "短靴ブーツとサンダルの違い", "$ " * 25, "m" * 60]


@pytest.mark.parametrize("title", TITLES)
@pytest.mark.parametrize("count", [2, 10, 20])
def test_titles_are_as_wide_as_their_images_at_most(title, count):
    figure = plots.image_grid(np.zeros((count, 28, 28)), [title] * count)
    figure.draw_without_rendering()
    found = [ax.title.get_window_extent() for ax in figure.axes]
    for i, box in enumerate(found):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in found[:i])
    assert {ax.title.get_fontsize() for ax in figure.axes} <= {6, 7, 8, 9}


def test_a_title_is_cut_off_where_no_letters_are_small_enough():
    (title,) = set(titles(plots.image_grid(np.zeros((8, 2, 2)), ["m" * 60] * 8)))
    first, second, third = title.split("\n")
    assert first == second
    assert third == f"{first[:-1]}…"


def test_titles_fit_into_a_part_of_a_figure():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    plots.image_grid(np.zeros((5, 2, 2)), ["ankle boot (sandal)"] * 5, figure=figure.subfigures(1, 2)[0])
    assert set(titles(figure)) == {"ankle boot\n(sandal)"}


def test_titles_and_images_are_as_many():
    with pytest.raises(ShapeError, match="2 images, 1 titles"):
        plots.image_grid(np.ones((2, 3, 3)), ["a"])


@pytest.mark.parametrize("shape", [(6, 4), (6, 2, 2), (6, 1, 2, 2)])
def test_misread_digits(shape):
    digits = np.arange(24.0).reshape(shape)
    figure = plots.misclassified(digits, [0, 1, 2, 3, 4, 5], [0, 1, 9, 3, 8, 7], most=2)
    assert figure.get_suptitle() == "3 of 6 are misread; the first 2"
    assert titles(figure) == ["label 2, answer 9", "label 4, answer 8"]
    np.testing.assert_array_equal(images(figure)[1], [[16, 17], [18, 19]])


def test_none_misread():
    figure = plots.misclassified(np.ones((2, 4)), [0, 1], [0, 1])
    assert (figure.get_suptitle(), figure.axes) == ("0 of 2 are misread", [])


def test_confusion():
    ax = plots.confusion_matrix([0, 0, 0, 1, 2], [0, 0, 1, 1, 0], names=["a", "b", "c"])
    np.testing.assert_allclose(ax.images[0].get_array(), [[2 / 3, 1 / 3, 0], [0, 1, 0], [1, 0, 0]])
    assert {(t.get_position()): t.get_text() for t in ax.texts} == {(0, 0): "2", (1, 0): "1", (1, 1): "1", (0, 2): "1"}
    assert ax.get_title() == "3 of 5 right: 60.00%"
    assert labels(ax) == [text.get_text() for text in ax.get_xticklabels()] == ["a", "b", "c"]


def test_a_class_without_a_label_is_empty_and_no_nan():
    assert plots.confusion_matrix([0], [2]).images[0].get_array().tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (([0, 1], [0]), "2 labels, 1 answers"),
        (([], []), "there is nothing to draw: labels is empty"),
        (([0.0], [1]), "labels must be whole numbers from 0"),
        (([0], [-1]), "answers must be whole numbers from 0"),
        ((np.eye(2), [0, 1]), r"labels must be one number for each image, not an array of shape \(2, 2\)"),
        (([0], [3], ["a", "b"]), "there is a class 3, and there are names for 2"),
        (([0], [3], 4), "names must be a list or an array, not int"),
    ],
)
def test_labels_that_cannot_be_counted(given, words):
    with pytest.raises(ValueError, match=words):
        plots.confusion_matrix(*given[:2], names=given[2] if len(given) > 2 else None)


def test_pixels_that_make_no_square():
    with pytest.raises(ShapeError, match="5 pixels make no square image"):
        plots.misclassified(np.ones((1, 5)), [0], [1])


# -- surfaces


def bowl(x, y):
    return x**2 + y**2


def test_the_ways_of_optimizers():
    ax = plots.paths(bowl, {"a": [[1, 2], [0.5, 1]], "b": [[2, 2]]})
    assert [line.get_xydata().tolist() for line in ax.lines] == [[[1, 2], [0.5, 1]], [[2, 2]], [[1, 2], [2, 2]]]
    assert legend(ax) == ["a", "b", "start"]
    (low, high), (below, above) = ax.get_xlim(), ax.get_ylim()
    assert low < 0.5 < 2 < high
    assert below < 1 < 2 < above


def test_a_way_that_diverges_ends_and_says_so():
    ax = plots.paths(bowl, {"a": [[1, 1], [2, 2], [np.inf, 0], [3, 3]]})
    assert ax.lines[0].get_xydata().tolist() == [[1, 1], [2, 2]]
    assert legend(ax)[0] == "a (no number after 1 steps)"


def test_a_way_that_starts_at_no_number():
    ax = plots.paths(bowl, {"a": [[np.nan, 1], [2, 2]], "b": [[1, 1]]})
    assert legend(ax)[0] == "a (it starts at no number)"


def test_a_way_that_stands_still_and_a_flat_surface(tmp_path):
    plots.paths(lambda x, y: 0 * x, {"a": [[1, 1], [1, 1]]}).figure.savefig(tmp_path / "a.png")


def test_contours_are_where_they_are_asked_for():
    ax = plots.paths(bowl, {"a": [[1, 1]]}, limits=((-3, 3), (-3, 3)), levels=[1, 4])
    (contours,) = ax.collections
    radii = [np.linalg.norm(path.vertices, axis=1) for path in contours.get_paths()]
    np.testing.assert_allclose([radius.mean() for radius in radii], [1, 2], rtol=1e-3)


@pytest.mark.parametrize(
    ("f", "points", "words"),
    [
        (bowl, {}, "there is nothing to draw: paths is empty"),
        (bowl, [(1, 2)], 'paths must be a mapping, not list: pass {"SGD": points}'),
        (3, {"a": [[1, 1]]}, "f must be a function, not int: pass a function of x and y"),
        (bowl, {"a": [1, 2, 3]}, r"the path a must have the shape \(points, 2\), not \(3,\)"),
        (bowl, {"a": np.ones((0, 2))}, r"the path a must have the shape \(points, 2\), not \(0, 2\)"),
        (bowl, {"a": [[np.nan, 1]]}, "no path has a finite point"),
        (lambda x, y: 1.0, {"a": [[1, 1]]}, "f must make one number of each point"),
    ],
)
def test_ways_that_cannot_be_drawn(f, points, words):
    with pytest.raises(ValueError, match=words):
        plots.paths(f, points)


def test_arrows_point_downhill():
    ax = plots.gradient_field(bowl)
    arrows = next(part for part in ax.collections if hasattr(part, "U"))
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V], 1), -2 * arrows.XY)
    assert ax.get_legend() is None


def test_where_there_is_no_gradient_stands_a_cross():
    ax = plots.gradient_field(lambda x, y: np.sqrt(x) + y, limits=((-1, 1), (0, 1)))
    (crosses,) = ax.lines
    assert (crosses.get_xdata() < 0).all()
    assert crosses.get_label() == "gradient not finite (162 of 324)"


@pytest.mark.parametrize("f", [lambda x, y: 1.0, lambda x, y: np.sum(x), None])
def test_a_function_that_makes_no_heights(f):
    with pytest.raises(ValueError, match=r"f must (make one|be a function)"):
        plots.gradient_field(f)


ODD = {
    "bins": (lambda: plots.histogram([1.0], bins=0), "no histogram of bins=0 and limits=None"),
    "limits of a histogram": (lambda: plots.histogram([1.0], limits=3), "no histogram of bins=30 and limits=3"),
    "limits of a field": (lambda: plots.gradient_field(bowl, limits=3), "limits are finite numbers, .*, not 3"),
    "limits of a path": (lambda: plots.paths(bowl, {"a": [[1, 2]]}, limits=((0, np.nan), (0, 1))), "finite numbers"),
    "levels": (lambda: plots.gradient_field(bowl, levels=-1), "no contours for levels=-1"),
    "falling levels": (lambda: plots.gradient_field(bowl, levels=[2, 1]), r"no contours for levels=\[2, 1\]"),
    "lists": (lambda: plots.filters([[1.0], [1.0, 2.0]]), "weights must be an array of numbers"),
    "gradients": (lambda: plots.GradientNorms()([1.0]), "the gradients must be a mapping, not list"),
    "axes": (lambda: plots.histogram([1.0], ax=np.zeros(2)), "ax must be the axes of one plot, not ndarray"),
    "a figure": (lambda: plots.filters(np.ones((1, 1, 2, 2)), figure=3), "figure must be a figure, .*, not int"),
}


@pytest.mark.parametrize(("call", "words"), ODD.values(), ids=ODD)
def test_settings_that_cannot_be_drawn(call, words):
    with pytest.raises((DataError, ShapeError), match=words):
        call()

"""The figures that the book draws by hand: what stands in them, whatever they are given."""

import re
import warnings
import xml.etree.ElementTree as ET
from itertools import product

import numpy as np
import pytest
from hostile_names import HOSTILE

from autograd_dl import Tensor
from autograd_dl.errors import AutogradError, DataError, ShapeError
from models import TwoLayerNet
from visualize import figures
from visualize.figures import (
    draw_affine,
    draw_affine_shapes,
    draw_batch_norm_network,
    draw_boxes,
    draw_im2col,
    draw_layers,
    draw_learning_cycle,
    draw_local_derivative,
    draw_node,
    draw_node_and_edge,
    draw_perceptron,
)

pytest.importorskip("graphviz")
pytest.importorskip("matplotlib")
RED = "#d62728"
WEIGHTS = np.random.default_rng(0).normal(size=(3, 3))
JAPANESE = ("入力", "重み", "b", "出力")


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def in_red(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text() and text.get_color() == RED]


def circles(figure):
    return [patch for patch in figure.axes[0].patches if type(patch).__name__ == "Circle"]


def arrows(figure):
    return [text.arrow_patch for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]


def boxes_of_texts(figure):
    """Where each text stands, in pixels."""
    figure.canvas.draw()
    return [t.get_window_extent() for t in figure.axes[0].texts if t.get_text()]


def labels(picture):
    """What stands on nodes and edges, black and red."""
    found = re.findall(r'label="?(.*?)"?(?= color| dir| margin| shape|\])([^\n]*)', picture.source)
    return [text.strip() for text, rest in found if "back" not in rest], [
        t.strip() for t, rest in found if "back" in rest
    ]


class TestNeurons:
    def test_a_perceptron_of_symbols(self):
        figure = draw_perceptron()
        assert sorted(texts(figure)) == sorted(["$y$", "x$_{1}$", "x$_{2}$", "w$_{1}$", "w$_{2}$"])
        assert (len(circles(figure)), len(arrows(figure)), in_red(figure)) == (3, 2, [])

    def test_a_perceptron_of_numbers(self):
        figure = draw_perceptron(np.float32([0.5, 0.1]), -0.7, x=[1, 0])
        assert sorted(texts(figure)) == sorted(["$y$", "1", "1", "0", "0.5", "0.1", "-0.7"])

    def test_its_activation_is_red(self):
        figure = draw_perceptron(activation="h")
        assert in_red(figure) == ["h( )", "$y$"]
        assert (len(circles(figure)), len(arrows(figure))) == (4, 3)

    def test_a_layer_of_symbols(self):
        figure = draw_affine((2, 3))
        expected = [f"w$_{{{j}{i}}}$" for j in (1, 2, 3) for i in (1, 2)]
        assert set(expected) < set(texts(figure))
        assert (len(circles(figure)), len(arrows(figure))) == (5, 6)

    def test_a_layer_of_numbers(self):
        figure = draw_affine([[1, 3, 5], [2, 4, 6]], x=[1, 2])
        assert sorted(texts(figure), key=int) == ["1", "1", "2", "2", "3", "4", "5", "5", "6", "11", "17"]

    @pytest.mark.parametrize(
        ("weights", "marks"),
        [(Tensor([[1.0, 3.0], [2.0, 4.0]]), "1324"), ((2, 2), ["w$_{11}$", "w$_{21}$", "w$_{12}$", "w$_{22}$"])],
        ids=["numbers", "symbols"],
    )
    def test_its_weights_stand_on_the_right_arrows(self, weights, marks):
        """As in the book, the first index is that of the output."""
        axes = draw_affine(weights).axes[0]
        at = {t.get_text(): t.get_position() for t in axes.texts}
        ends = product(("x$_{1}$", "x$_{2}$"), ("y$_{1}$", "y$_{2}$"))
        for weight, (start, end) in zip(marks, ends, strict=True):
            (x0, y0), (x1, y1), (x, y) = at[start], at[end], at[weight]
            assert y == pytest.approx(y0 + (x - x0) / (x1 - x0) * (y1 - y0))

    def test_a_hidden_layer_with_biases(self):
        figure = draw_affine((2, 3), True, names=("X", "W", "B", "A"))
        assert {"1", "X$_{1}$", "B$_{3}$", "W$_{32}$", "A$_{3}$"} < set(texts(figure))
        figure = draw_affine([[0.1, 0.3, 0.5], [0.2, 0.4, 0.6]], [0.1, 0.2, 0.3], x=[1, 0.5])
        assert texts(figure)[-3:] == ["0.3", "0.7", "1.1"]

    def test_a_red_layer(self):
        assert in_red(draw_affine((1, 2), red=True)) == ["w$_{11}$", "w$_{21}$", "y$_{1}$", "y$_{2}$"]

    def test_layers(self):
        figure = draw_layers([2, 3, 2])
        assert texts(figure) == ["input layer\n2", "hidden layer\n3", "output layer\n2"]
        assert (len(circles(figure)), len(arrows(figure))) == (7, 12)

    def test_sizes_may_be_numpys(self):
        two, three = np.array([2, 3])
        for numpys, own in (
            (draw_layers(np.array([2, 3])), draw_layers([2, 3])),
            (draw_affine((two, three)), draw_affine((2, 3))),
            (draw_perceptron(two), draw_perceptron(2)),
        ):
            assert texts(numpys) == texts(own)

    def test_layers_of_a_network_in_japanese_with_one_in_red(self):
        net = TwoLayerNet(784, 50, 10)
        figure = draw_layers([net.params["W1"], net.params["W2"]], red=[1], lang="ja")
        assert texts(figure) == ["入力層\n784", "中間層\n50", "出力層\n10"]
        assert sum(c.get_edgecolor()[0] > 0.8 for c in circles(figure)) == len(circles(figure)) / 3

    @pytest.mark.parametrize("draw", [
        lambda: draw_affine((4, 4), True), lambda: draw_affine((1, 1)), lambda: draw_affine((4, 1)),
        lambda: draw_affine((1, 4), True), lambda: draw_affine((3, 3)), lambda: draw_affine((2, 4), True),
        lambda: draw_affine(np.full((4, 4), -1.23457e-05), np.ones(4), x=np.full(4, -1e300)),
        lambda: draw_perceptron(12, 3), lambda: draw_perceptron(2, 1.5, activation="sigmoid"),
        lambda: draw_layers([784, 50, 100, 10]), lambda: draw_layers([1, 1], lang="ja"), lambda: draw_layers([6] * 20),
    ])  # fmt: skip
    def test_no_two_texts_overlap_and_none_is_cut_off(self, draw):
        figure = draw()
        found = boxes_of_texts(figure)
        for i, box in enumerate(found):
            assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
            assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
            assert not any(box.overlaps(other) for other in found[:i])

    @pytest.mark.parametrize("values", [[[np.nan, np.inf], [-np.inf, 0]], np.float16([[6e4, 6e4]]), [[True]]])
    def test_odd_numbers(self, values):
        figure = draw_affine(values, x=np.ones(len(values)) * 2)
        assert len(boxes_of_texts(figure)) == len(texts(figure))

    @pytest.mark.parametrize("draw", [
        lambda: draw_affine(WEIGHTS, WEIGHTS[0], x=WEIGHTS[1]), lambda: draw_affine(np.full((4, 4), -1.23457e-5), True),
        lambda: draw_affine((2, 3), True, names=JAPANESE), lambda: draw_affine((4, 4), True),
        lambda: draw_perceptron(2, "a bias of long name", activation="sigmoid"),
        lambda: draw_perceptron(2, activation="a function of long name"),
    ])  # fmt: skip
    def test_no_text_of_an_arrow_lies_on_a_neuron(self, draw):
        figure = draw()
        neurons = [circle.get_window_extent() for circle in circles(figure)]
        inside = {(circle.center[0], circle.center[1]) for circle in circles(figure)}
        found = [t for t in figure.axes[0].texts if t.get_text() and t.get_position() not in inside]
        assert len(found) == len(arrows(figure))
        assert not any(t.get_window_extent().overlaps(neuron) for t in found for neuron in neurons)

    def test_numbers_have_3_significant_digits_and_are_readable(self):
        figure = draw_affine(WEIGHTS, WEIGHTS[0], x=WEIGHTS[1])
        assert {"0.126", "-0.132", "0.105"} < set(texts(figure))
        assert max(map(len, texts(figure))) == 6
        assert min(t.get_fontsize() for t in figure.axes[0].texts if t.get_text()) > 8

    def test_whole_numbers_have_all_their_digits(self):
        assert {"1234", "-20000"} < set(texts(draw_affine([[1234, -20000]])))

    def test_every_text_of_a_neuron_is_inside_it(self):
        figure = draw_affine([[1e-5, -123.456]], [-0.000123456, 12], x=[-1.5e-7])
        texts_at = {t.get_position(): t.get_window_extent() for t in figure.axes[0].texts if t.get_text()}
        for circle in circles(figure):
            neuron, text = circle.get_window_extent(), texts_at[circle.center]
            assert neuron.x0 < text.x0 < text.x1 < neuron.x1

    def test_names_that_are_not_ascii_are_text(self, caplog):
        """And no mathtext, which has no Japanese letters."""
        figure = draw_affine((2, 3), True, names=JAPANESE)
        assert {"入力₁", "重み₃₂", "b$_{3}$", "出力₃"} < set(texts(figure))
        figure.canvas.draw()  # a missing letter is a warning, and so an error
        assert not caplog.records

    @pytest.mark.parametrize(("draw", "words"), [
        (lambda: draw_affine((5, 2)), r"weights of shape \(5, 2\) cannot be drawn one by one"),
        (lambda: draw_affine(np.ones(3)), r"weights of shape \(3,\)"),
        (lambda: draw_affine(np.ones((0, 2))), r"weights of shape \(0, 2\)"),
        (lambda: draw_affine((2, 3), [1, 2]), r"bias has shape \(2,\); for these weights it must be \(3,\)"),
        (lambda: draw_affine((2, 3), x=[1, 2, 3]), r"x has shape \(3,\); for these weights it must be \(2,\)"),
        (lambda: draw_perceptron(0), "1 to 12 weights, not with 0"),
        (lambda: draw_perceptron(784), "1 to 12 weights, not with 784; see draw_layers"),
        (lambda: draw_perceptron(3, x=[1, 2]), "3 weights, but 2 inputs"),
        (lambda: draw_layers([5]), r"2 to 20 layers of 1 neuron or more each, not as \[5\]"),
        (lambda: draw_layers([]), "2 to 20 layers"),
        (lambda: draw_layers([5, 0]), "1 neuron or more"),
        (lambda: draw_layers([1] * 21), "2 to 20 layers"),
        (lambda: draw_layers([np.ones((2, 3)), np.ones((2, 3))]), "cannot follow each other"),
        (lambda: draw_layers([np.ones(3)]), "cannot follow each other"),
    ])  # fmt: skip
    def test_shapes_that_do_not_fit(self, draw, words):
        with pytest.raises(ShapeError, match=words):
            draw()

    def test_what_is_no_number(self):
        with pytest.raises(DataError, match="weights must be real numbers"):
            draw_affine([["a", "b"]])

    @pytest.mark.parametrize(
        "names", [HOSTILE[i : i + 4] for i in range(0, len(HOSTILE) - 3, 4)], ids=lambda names: ascii(names)[:40]
    )
    def test_any_name_is_drawn(self, names):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of letters that no font here has
            figure = draw_affine((1, 1), True, names=tuple(names))
            figure.canvas.draw()
        assert len(texts(figure)) == 5

    def test_an_activation_of_any_name(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            for name in HOSTILE[::20]:
                figure = draw_perceptron(1, name, x=[name], activation=name)
                figure.canvas.draw()
                assert texts(figure)


class TestNodes:
    def test_add(self):
        assert labels(draw_node("add")) == (["+", "x", "y", "z"], ["∂L/∂z · 1", "∂L/∂z · 1", "∂L/∂z"])

    def test_multiply(self):
        assert labels(draw_node("multiply")) == (["×", "x", "y", "z"], ["∂L/∂z · y", "∂L/∂z · x", "∂L/∂z"])

    def test_dot(self):
        assert labels(draw_node("dot")) == (["dot", "X", "W", "Y"], ["∂L/∂Y · Wᵀ", "Xᵀ · ∂L/∂Y", "∂L/∂Y"])

    def test_relu(self):
        black, red = labels(draw_node("relu"))
        assert black == ["relu", "relu", "x  (x ≤ 0)", "y = 0", "x  (x > 0)", "y = x"]
        assert red == ["0", "∂L/∂y", "∂L/∂y", "∂L/∂y"]

    def test_a_local_derivative(self):
        assert labels(draw_local_derivative()) == (["f", "x", "y"], ["E · ∂y/∂x", "E"])

    def test_node_and_edge(self):
        for lang, words in (("en", ("node", "edge")), ("ja", ("ノード", "エッジ"))):
            source = draw_node_and_edge(lang=lang).source
            assert [source.count(word) for word in (f'"{words[0]}\n× 2"', f'" {words[1]} \n 100 "', "200")] == [1, 1, 1]

    def test_affine_with_shapes(self):
        black, red = labels(draw_affine_shapes())
        assert black == ["dot", "+", "X (2,)", "W (2, 3)", "X·W (3,)", "B (3,)", "Y (3,)"]
        assert red == ["∂L/∂X (2,)", "∂L/∂W (2, 3)", "∂L/∂(X·W) (3,)", "∂L/∂B (3,)", "∂L/∂Y (3,)"]
        assert labels(draw_affine_shapes(batch="N"))[0][2:5] == ["X (N, 2)", "W (2, 3)", "X·W (N, 3)"]


class TestBoxes:
    def test_the_learning_cycle_returns_to_its_start(self):
        for lang, again in (("en", "4. repeat"), ("ja", "4. 繰り返す")):
            source = draw_learning_cycle(lang=lang).source
            assert re.findall(r"(b\d) -> (b\d)", source) == [("b0", "b1"), ("b1", "b2"), ("b2", "b0")]
            assert f'b2 -> b0 [label="{again}" color="{RED}"' in source

    def test_a_network_with_batch_norm(self):
        black, _ = labels(draw_batch_norm_network())
        assert black == [*["Affine", "Batch Norm", "ReLU"] * 2, "Affine", "Softmax"]
        assert draw_batch_norm_network().source.count(RED) == 2
        assert RED not in draw_batch_norm_network(red=False).source

    @pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:30])
    def test_every_name_is_shown_as_text(self, name):
        pygraphviz = pytest.importorskip("pygraphviz")
        graph = pygraphviz.AGraph(string=draw_boxes([name, name], red=[0]).source)
        assert graph.nodes() == ["b0", "b1"]
        assert graph.edges() == [("b0", "b1")]
        assert not graph.get_node("b1").attr["URL"]

    def test_a_batch_of_any_name_stays_a_label(self):
        pygraphviz = pytest.importorskip("pygraphviz")
        expected = pygraphviz.AGraph(string=draw_affine_shapes(batch="N").source).edges()
        for name in HOSTILE:
            assert pygraphviz.AGraph(string=draw_affine_shapes(batch=name).source).edges() == expected


class TestIm2col:
    def test_each_patch_is_beside_its_row(self):
        figure = draw_im2col()
        rows = [[0, 1, 2, 4, 5, 6, 8, 9, 10], [1, 2, 3, 5, 6, 7, 9, 10, 11], [4, 5, 6, 8, 9, 10, 12, 13, 14],
                [5, 6, 7, 9, 10, 11, 13, 14, 15]]  # fmt: skip
        title, other, *numbers = texts(figure)
        assert (title, other) == ("image", "im2col: a row for each patch")
        expected = [number for row in rows for number in [*range(16), *row]]
        assert list(map(int, numbers)) == expected

    def test_the_patch_is_coloured(self):
        axes = draw_im2col(np.arange(9).reshape(3, 3), 2, 2).axes[0]
        first = [p for p in axes.patches[:9] if p.get_facecolor()[3]]
        assert [p.get_xy() for p in first] == [(0, 1), (1, 1), (0, 2), (1, 2)]

    def test_stride_and_padding(self):
        figure = draw_im2col(Tensor(np.ones((3, 3))), 3, 3, stride=2, pad=1, lang="ja")
        assert texts(figure)[0] == "画像"
        assert len(texts(figure)) == 2 + 4 * (25 + 9)

    @pytest.mark.parametrize(
        "image", [[[np.nan, -np.inf], [1e-9, -1.23456789]], np.float16([[1, 2], [3, 4]]), [[True, False]] * 2]
    )
    def test_odd_numbers_are_not_cut_off(self, image):
        figure = draw_im2col(image, 1, 2)
        found = boxes_of_texts(figure)
        assert not any(box.overlaps(other) for i, box in enumerate(found) for other in found[:i])

    @pytest.mark.parametrize("lang", ["en", "ja"])
    @pytest.mark.parametrize("side", [1, 2, 3])
    def test_the_title_of_a_small_one_is_in_view(self, side, lang):
        figure = draw_im2col(np.arange(9.0).reshape(3, 3)[:side, :side], min(side, 2), min(side, 2), lang=lang)
        image, title, *_ = boxes_of_texts(figure)
        assert figure.bbox.x0 <= image.x0 < image.x1 < title.x0 < title.x1 <= figure.bbox.x1

    def test_numbers_have_3_significant_digits(self):
        assert set(texts(draw_im2col([[1.23456, -0.000987654]], 1, 1))) > {"1.23", "-0.000988"}

    @pytest.mark.parametrize(("args", "words"), [
        ((np.ones((1, 4, 4)),), r"the image has shape \(1, 4, 4\): one channel"),
        ((np.ones(4),), r"the image has shape \(4,\)"),
        ((np.ones((28, 28)),), r"too large to read: at most 8 x 8 pixels, 9 patches, 16 numbers"),
        ((np.ones((8, 8)), 1, 1), "64 patches of 1 numbers is too large"),
        ((np.ones((2, 2)),), "a filter of size 3 with stride 1 does not fit an input of size 2"),
        ((np.ones((0, 3)),), "does not fit an input of size 0"),
        ((np.ones((4, 4)), 3, 3, 1, -1), "pad >= 0"),
    ])  # fmt: skip
    def test_what_cannot_be_drawn(self, args, words):
        with pytest.raises(AutogradError, match=words):
            draw_im2col(*args)


@pytest.mark.parametrize("draw", [
    lambda: draw_layers([1, 2], lang="fr"), lambda: draw_learning_cycle(lang=""), lambda: draw_node("<b>"),
    lambda: draw_im2col(lang="EN"), lambda: draw_node_and_edge(lang="<b>"), lambda: draw_boxes(["a"], rankdir="<b>"),
])  # fmt: skip
def test_an_option_that_is_none_of_its_words(draw):
    with pytest.raises(ValueError, match=r"(lang|op|rankdir) is '\w+'( or '\w+')+, not '"):
        draw()


@pytest.mark.parametrize("name", [name for name in dir(figures) if name.startswith("draw_")])
def test_every_figure_can_be_saved(name, tmp_path):
    arguments = {"draw_affine": [(2, 3)], "draw_layers": [[2, 3]], "draw_node": ["relu"], "draw_boxes": [["a", "b"]]}
    drawn = getattr(figures, name)(*arguments.get(name, []))
    if hasattr(drawn, "savefig"):
        drawn.savefig(tmp_path / "a.svg")
    else:
        pytest.importorskip("pygraphviz")
        drawn.save(tmp_path / "a.svg")
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")

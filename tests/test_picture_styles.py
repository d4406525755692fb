"""The styles of a picture: constants in their nodes, layers, ops, the backward computation, fused ops opened."""

import re
import time

import numpy as np
import pytest
from leaves import leaf

from autograd_dl import Tensor, checkpoint, scope
from autograd_dl.app.cli import main
from autograd_dl.app.graphs import GRAPHS, OPTIONS, apple, apple_constants, network
from autograd_dl.app.parser import FORMULAS
from autograd_dl.app.recipes import RECIPES
from autograd_dl.data import load_mnist
from autograd_dl.errors import DTypeError, GraphError
from autograd_dl.functional import batch_norm, conv2d, logsumexp, max_pool2d, sigmoid, softmax_loss
from autograd_dl.ops import defvjp, primitive
from models import DeepConvNet, MultiLayerNetExtend, SimpleConvNet, TwoLayerNet
from visualize import draw_graph, explore, render, to_dot, to_text
from visualize.replay import opened
from visualize.styles import box_style
from visualize.trace import Box, trace

pytest.importorskip("graphviz")
(IMAGES, LABELS), _ = load_mnist(subset=True, flatten=False)
DEEP = ["Conv", "ReLU", "Conv", "ReLU", "Pool"] * 3 + ["Affine", "ReLU", "Dropout", "Affine", "Dropout"]
SIMPLE = ["Conv", "ReLU", "Pool", "Affine", "ReLU", "Affine"]
LOSS = "Softmax\nwith Loss"
LAYER = "fillcolor"


def boxes(text):
    """id -> (label, attributes) of all nodes, in order."""
    found = re.findall(r'^\t(\w+) \[label=(?:"((?:[^"\\]|\\.)*)"|(\w+)) ?(.*)\]$', text, re.M)
    return {name: (quoted or plain, rest) for name, quoted, plain, rest in found if name not in ("graph", "out")}


def labels(text):
    return [label for label, _ in boxes(text).values()]


def layers(text):
    """The labels of the layers' boxes along the arrows between them, from the input on."""
    found = {name: label for name, (label, attributes) in boxes(text).items() if LAYER in attributes}
    lines = dict(re.findall(r"^\t(\w+) -> (\w+)", text, re.M))
    at, order = next(iter(found)), []
    while at in found:
        order.append(found[at])
        at = lines[at]
    assert len(order) == len(found)
    return order


def loss_of(network, count=5):
    loss = network.training_loss(IMAGES[:count], Tensor(LABELS[:count], name="t"))
    loss.name = "loss"
    return loss


@pytest.fixture(scope="module")
def deep():
    return loss_of(DeepConvNet(seed=0))


@pytest.fixture(scope="module")
def simple():
    network = SimpleConvNet(seed=0)
    return network, loss_of(network)


class TestConstantsInside:
    def test_the_books_first_picture(self):
        text = to_dot(apple_constants(), constants="inside")
        assert labels(text) == ["apple price", "× 2", "× 1.1"]
        assert re.findall(r'label=" ([\d.]+) "', text) == ["100", "2.2", "200", "1.1", "220", "1"]

    @pytest.mark.parametrize(
        ("f", "label"),
        [
            (lambda x: 2 - x, "2 −"),
            (lambda x: x - 2, "− 2"),
            (lambda x: x + 2, "+ 2"),
            (lambda x: x * True, "× 1"),
            (lambda x: x**2, "^ 2"),
            (lambda x: 1 / x, "1 /"),
            (lambda x: np.maximum(x, 0.5), "maximum\n(·, 0.5)"),
            (lambda x: np.clip(x, None, 1), "clip\nNone\n(·, 1)"),
            (lambda x: x * Tensor(4.0, name="c"), "× 4"),
            (lambda x: x * np.ones(3), "× (3,)"),
        ],
    )
    def test_where_it_stands(self, f, label):
        assert labels(to_dot(f(leaf(3, "x")), constants="inside")) == ["x", label]

    def test_a_variable_is_no_constant(self):
        assert to_dot(apple(), constants="inside") == to_dot(apple())

    def test_arrays_and_what_learns_stay_outside(self):
        w, x, c = leaf(np.ones(2), "w"), Tensor(np.ones(2), name="x"), Tensor(2.0, name="c")
        assert labels(to_dot(w * x * c, constants="inside")) == ["w", "x", "×", "× 2"]


class TestLayers:
    def test_deep_convnets_twenty_one_boxes(self, deep):
        assert layers(to_dot(deep, style="layers")) == [*DEEP, LOSS]

    def test_simple_convnets_seven(self, simple):
        text = to_dot(simple[1], style="layers")
        assert layers(text) == [*SIMPLE, LOSS]
        assert [label for label in labels(text) if label not in {*SIMPLE, LOSS}] == ["t", "x"]
        assert 'label=" (5, 30, 24, 24) "' in text
        assert "#d62728" not in text

    def test_the_first_in_red(self, simple):
        found = boxes(to_dot(simple[1], style="layers", highlight=["Conv1"]))
        assert [label for label, style in found.values() if "#d62728" in style] == ["Conv"]

    def test_a_parameter_marks_the_layer_that_it_is_in(self, simple):
        network, loss = simple
        found = boxes(to_dot(loss, style="layers", highlight=network.params["W1"]))
        assert [label for label, style in found.values() if "#d62728" in style] == ["Conv"]

    def test_a_node_marks_the_layer_that_it_is_in(self, simple):
        network, loss = simple
        node = loss.node.inputs[0].inputs[0]  # the product of the last affine layer
        found = boxes(to_dot(loss, style="layers", highlight=[node]))
        assert [name for name, (_, style) in found.items() if "#d62728" in style] == [list(found)[-2]]
        assert network.params["W1"].node is not node

    def test_a_path_in_red(self, simple):
        text = to_dot(simple[1], style="layers", highlight=["Conv1", "Relu1", "Pool1"])
        assert len(re.findall(r'->.*color="#d62728" penwidth=2', text)) == 2

    def test_an_unknown_scope(self, simple):
        with pytest.raises(GraphError, match=r"no op .* in a scope 'conv1'; its scopes: 'Conv1', 'Relu1', .*'Affine2'"):
            to_dot(simple[1], highlight=["conv1"])

    def test_an_input_that_wants_its_gradient_is_still_there(self):
        x = leaf(np.ones((2, 4)), "x")
        net = TwoLayerNet(4, 3, 2, dtype="float64", seed=0)
        text = to_dot(net.loss(x, np.array([0, 1])), style="layers", gradients=True)
        assert labels(text) == ["x", "Affine", "ReLU", "Affine", LOSS, "(2,)"]
        assert text.count("dir=back") == 5

    def test_one_alone_may_be_given(self, simple):
        assert to_dot(simple[1], highlight="Conv1") == to_dot(simple[1], highlight=["Conv1"])
        x = leaf([1, 2], "x")
        y = np.exp(x)
        assert to_dot(y, highlight=x) == to_dot(y, highlight=[x]) != to_dot(y)
        assert to_dot(y, highlight=y.node) == to_dot(y, highlight={y}) != to_dot(y)

    @pytest.mark.parametrize(
        ("stranger", "words"),
        [
            (leaf(1, "y"), "Tensor 'y'"),
            (leaf(1) * 2, "what np.mul"),
            (leaf([1, 2]).detach() * 2, r"an unrecorded Tensor of shape \(2,\) is"),
        ],
    )
    @pytest.mark.parametrize("expand", [False, True])
    def test_what_is_no_part_of_the_graph(self, stranger, words, expand):
        with pytest.raises(DTypeError, match="highlight takes Tensors, Nodes and names of scopes, not 3"):
            to_dot(leaf(2, "x") * 3, highlight=3)
        with pytest.raises(GraphError, match=f"highlight: {words}.* no part of this graph"):
            to_dot(leaf(2, "x") * 3, highlight=[stranger], expand=expand)

    def test_depth_opens_scopes(self, deep):
        with scope("outer"), scope("inner"):
            y = leaf(2, "x") * 3
        with scope("outer"):
            y = y + 1
        closed, half, opened = (labels(to_dot(y, style="layers", depth=d)) for d in (1, 2, 3))
        assert closed == ["x", "outer"]
        assert half == ["x", "inner", "+", "1"]
        assert opened == ["x", "×", "3", "+", "1"]
        assert "outer" in to_dot(y, style="layers", depth=2)
        with pytest.raises(ValueError, match="at least 1"):
            to_dot(deep, depth=0)
        with pytest.raises(ValueError, match=r"whole numbers of at least 1, or None, not 1\.5 and 300"):
            to_dot(deep, depth=1.5)

    def test_a_scope_that_comes_again_is_a_box_again(self):
        y = leaf(2, "x")
        for name in ("A", "B", "A"):
            with scope(name):
                y = y * y
        assert layers(to_dot(y, style="layers", names=False)) == ["A", "B", "A"]

    def test_gradients_into_a_layer_are_summed(self):
        x = leaf(3, "x")
        with scope("A"):
            y = x * x + x
        assert re.findall(r'x0 -> scope1 \[label=" ([\d.]+) "', to_dot(y, depth=1)) == ["3", "7"]

    def test_layers_of_numbers_are_named_without(self):
        assert labels(to_dot(loss_of_batch_norm(), style="layers"))[1:4] == ["Affine", "Batch\nNorm", "ReLU"]


def loss_of_batch_norm():
    net = MultiLayerNetExtend(6, [4], 3, use_batchnorm=True, seed=0)
    return net.training_loss(np.random.default_rng(0).standard_normal((5, 6)), np.array([0, 1, 2, 0, 1]))


class TestOps:
    def test_dtypes_shapes_and_scopes(self, simple):
        text = to_dot(simple[1], style="ops")
        assert {"np.dot", "conv2d", "relu"} <= set(labels(text))
        assert 'label=" float32 (5, 30, 24, 24) "' in text
        assert text.count("subgraph cluster_") == 6
        assert text.count("{") == text.count("}")
        assert 'graph [label=" Conv1 "' in text
        assert "newrank=true" in text
        assert "dir=back" not in text

    @pytest.mark.parametrize("depth", [1, 2, None])
    def test_frames_nest(self, depth):
        y = leaf(2.0)
        with scope("a"):
            y = y * 2
            with scope("b"):
                y = y * 3
        with scope("c"):
            y = y * 4
        text = to_dot(y, style="ops", depth=depth)
        assert text.count("subgraph") == {1: 0, 2: 2, None: 3}[depth]
        pygraphviz = pytest.importorskip("pygraphviz")
        graph = pygraphviz.AGraph(string=text)
        frames = graph.subgraphs()
        assert len(frames) == min(2, text.count("subgraph"))
        assert depth != 2 or "scope2" in frames[0].nodes()  # b is drawn within a

    def test_a_leaf_within_leaves_the_frame_whole(self):
        with scope("a"):
            y = leaf(2, "x") * 3
            y = y * leaf(4, "w")
        assert to_dot(y, style="ops").count("subgraph") == 1
        assert to_dot(y, style="backward").count("subgraph") == to_dot(y).count("subgraph") == 0

    def test_a_layer_of_one_op_is_within_the_frame_of_its_scope(self):
        x = leaf(2, "x")
        with scope("Outer"):
            y = sigmoid(x * 2)
        text = to_dot(y, style="layers", depth=2)
        assert text.count("subgraph") == 1
        assert text.index('label=" Outer "') < text.index("label=Sigmoid") < text.index("\t}\n")

    def test_deep_convnet_is_drawn_in_seconds(self, deep, tmp_path):
        pytest.importorskip("pygraphviz")
        started = time.perf_counter()
        render(draw_graph(deep, style="ops"), tmp_path / "a.svg")
        assert time.perf_counter() - started < 10  # it is 1.2 on a quiet machine


def test_what_has_one_reader_alone_is_a_part_of_its_layer():
    w, x = leaf(2, "w"), Tensor(3.0, name="x")
    with scope("First"):
        y = np.exp(x * w)
    with scope("Second"):
        z = y * w
    assert labels(to_dot(z, style="layers")) == ["w", "x", "First", "Second"]
    assert labels(to_dot(y, style="layers")) == ["x", "First"]
    assert labels(to_dot(y, depth=1)) == ["w", "x", "First"]
    y.backward()
    assert labels(to_dot(y, style="layers", gradients=True)) == ["x", "First"]


def test_what_a_layer_reads_does_not_mark_it():
    w, x = leaf(2, "w"), Tensor(3.0, name="x")
    with scope("First"):
        y = np.exp(x * w)
    found = boxes(to_dot(y, style="layers", highlight=x))
    assert [label for label, style in found.values() if "penwidth" in style] == ["x"]


def test_each_value_that_a_box_makes_for_an_op_has_its_line_unless_the_picture_is_cut():
    x = leaf(2, "x")
    with scope("s"):
        a, b = x * 2, x * 3
    assert re.findall(r"scope1 -> op3 \[label=\" (.*?) \"", to_dot(a * b, style="layers")) == ["4", "6"]
    y = np.sin(np.sin(a * b))
    found = to_dot(y, style="layers", maximum=3)
    assert re.findall(r"scope1 -> \w+ \[label=\" (.*?) \"", found) == ["2 values"]
    assert 'out [label="" shape=point' in found


def test_a_scope_of_one_op_is_not_counted():
    with scope("s"):
        y = leaf(2, "x") * 2
    assert "scope1 [label=s " in to_dot(np.sin(np.sin(np.sin(y))), maximum=3)


@pytest.mark.parametrize(("readers", "shared"), [(30, True), (31, False)])
def test_in_a_picture_of_many_layers_each_has_its_own_box_of_what_it_reads(readers, shared):
    x, y = Tensor(2.0, name="x"), leaf(1)
    for i in range(readers):
        with scope(f"s{i}"):
            y = y + x
    assert labels(to_dot(y, style="layers")).count("x") == (1 if shared else readers)


@pytest.mark.parametrize(
    ("label", "shape"),
    [
        ("+", "circle"), ("tanh", "circle"), ("where", "box"), ("× 1.1", "circle"), ("2.5e5 −", "circle"),
        ("× 0.0001", "box"), ("[-1, 2]", "box"), ("max 1", "box"),
    ],
)  # fmt: skip
def test_what_is_short_or_an_operator_with_a_constant_stands_in_a_circle(label, shape):
    for kind in ("op", "backward"):
        assert box_style(Box("a", label, kind), "book")["shape"] == shape
    assert box_style(Box("a", label, "op"), "ops")["shape"] == "box"


@pytest.mark.parametrize(
    ("kind", "label", "shape", "style"),
    [("op", "+", "circle", "filled"), ("op", "where", "box", "rounded,filled"), ("scope", "Conv", "box", "filled")],
)
def test_a_mark_fills_a_box_and_leaves_its_shape(kind, label, shape, style):
    marked = box_style(Box("a", label, kind, marked=True), "book")
    assert (marked["shape"], marked["style"], marked["penwidth"]) == (shape, style, "2")


def test_letters_can_be_read_on_white():
    """Their contrast is at least 4.5."""
    text = to_dot(apple()) + to_dot(GRAPHS["two-layer-net"](), style="ops")
    colours = set(re.findall(r'fontcolor="#(\w{6})"', text))
    assert len(colours) == 2  # the gradients', and the scopes'
    for colour in colours:
        light = np.frombuffer(bytes.fromhex(colour), np.uint8) / 255
        linear = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) >= 4.5


class TestBackward:
    def test_the_apples(self):
        text = to_dot(apple(), style="backward")
        ends = re.findall(r'^\tout\d* \[label="?(∂.*?)"? height', text, re.M)
        assert ends == ["∂total/∂apple price", "∂total/∂number of apples", "∂total/∂tax"]
        values = dict(re.findall(r'-> (out\d*) \[label=" ([\d.]+) "', text))
        assert values == {"out": "2.2", "out1": "110", "out2": "200"}
        red = [label for label, style in boxes(text).values() if "#d62728" in style]
        assert set(red) == {"×"}
        assert labels(text).count("×") > len(red)  # the product of price and number is read, and black

    def test_ends_have_their_names_in_the_language_of_the_picture(self):
        assert "∂支払金額/∂リンゴの値段" in to_dot(apple(), style="backward", lang="ja")

    def test_it_touches_nothing(self):
        x = leaf(2, "x")
        y = x * x
        to_dot(y, style="backward")
        assert x.grad is None
        y.backward()
        assert float(x.grad) == 4

    def test_leaves_that_have_died(self):
        assert "∂loss/∂W1" in to_dot(loss_of(SimpleConvNet(seed=0)), style="backward")

    def test_a_gradient_that_reads_nothing(self):
        text = to_dot(leaf(2, "x") * 3, style="backward")
        assert 'out [label="∂z/∂x"' in text
        assert "out_value [label=3 " in text
        assert "\tout_value -> out\n" in text

    def test_a_result_that_is_read_is_black(self):
        found = boxes(to_dot(np.exp(leaf(2, "x")), style="backward"))
        assert [(label, "#d62728" in style) for label, style in found.values() if label in ("exp", "×")] == [
            ("exp", False), ("×", True),
        ]  # fmt: skip

    def test_gradients_of_several_gradients_are_not_drawn(self):
        y = leaf(2, "x") * leaf(3, "y")
        assert to_dot(y, style="backward", gradients=True) == to_dot(y, style="backward")

    def test_in_a_large_one_a_leaf_has_a_box_for_each_reader(self):
        x = leaf(2, "x")
        y = x
        for _ in range(10):
            y = np.sin(y) * x
        assert labels(to_dot(y)).count("x") == 1
        assert labels(to_dot(y, style="backward")).count("x") > 10

    @pytest.mark.parametrize("output", [Tensor(2.0), Tensor(2.0) * 3])
    def test_nothing_to_differentiate(self, output):
        with pytest.raises(GraphError, match="no backward computation to draw"):
            to_dot(output, style="backward")

    def test_a_released_graph(self):
        y = leaf(2.0) * 3 * leaf(1.0)
        y.backward()
        with pytest.raises(GraphError, match="released"):
            to_dot(y, style="backward")


@pytest.mark.parametrize("draw", [draw_graph, explore, to_dot, to_text])
def test_what_is_no_tensor(draw):
    with pytest.raises(DTypeError, match=f"{draw.__name__} takes a Tensor, not ndarray"):
        draw(np.ones(3))


def numbers(output):
    """What the picture of a program says of its result and its leaves."""
    text = to_dot(output)
    return re.findall(r'-> out \[label=" (.*?) "', text)


class TestExpand:
    rng = np.random.default_rng(0)

    @pytest.mark.parametrize(
        ("f", "ops"),
        [
            (lambda x: sigmoid(x), ["−", "exp", "+", "1", "/", "1"]),
            (lambda x: logsumexp(x), ["−", "exp", "sum", "log", "+"]),
            (lambda x: softmax_loss(x, np.array([0, 2])), ["−", "exp", "sum", "/", "log", "×", "sum", "−", "/"]),
            (lambda x: softmax_loss(x, np.eye(3)[[0, 2]]), ["−", "exp", "sum", "/", "log", "×", "sum", "−", "/"]),
        ],
    )
    def test_compositions(self, f, ops):
        x = leaf([[1, 2, 3], [4, 5, 7]], "x")
        output = np.sum(f(x))
        found = [label.split("\n")[0] for label in labels(to_dot(output, expand=True))]
        assert [label for label in found if label in ops][: len(ops)] == ops
        again = opened(output).output
        np.testing.assert_allclose(again.numpy(), output.numpy(), rtol=1e-12)

    def test_their_gradients_are_those_of_the_fused(self):
        def last_gradient(**options):
            text = to_dot(softmax_loss(leaf([1, 2, 3], "x") * leaf(2, "w"), np.array(1)), **options)
            return re.findall(r'x1 -> op2 \[label=" (.*?) " color', text)

        assert last_gradient() == last_gradient(expand=True) != []

    def test_probabilities_of_zero_make_no_nan(self):
        text = to_dot(softmax_loss(leaf([0.0, 1000.0], "x"), np.array(0)), expand=True, values="full")
        assert "nan" not in text.lower()
        assert re.search(r'-> out \[label=" 1000 "', text)

    def test_batch_normalization_op_by_op(self):
        found = [label.split("\n")[0] for label in labels(to_dot(loss_of_batch_norm(), expand=True))]
        start = found.index("mean")
        assert found[start : start + 9] == ["mean", "−", "^", "2", "mean", "+", "1e-06", "sqrt", "/"]
        assert "batch" not in found

    def test_convolution_and_pooling_as_the_book_computes_them(self):
        x, w = leaf(self.rng.standard_normal((2, 3, 6, 6)), "x"), leaf(self.rng.standard_normal((4, 3, 3, 3)), "w")
        b = leaf(self.rng.standard_normal(4), "b")
        output = max_pool2d(conv2d(x, w, b, stride=1, pad=1), 2, 2)
        found = [label.split("\n")[0] for label in labels(to_dot(output, expand=True))]
        assert [f for f in found if f in ("im2col", "dot", "+", "max")] == ["im2col", "dot", "+", "im2col", "max"]

    @pytest.mark.parametrize("options", [{"dilation": 2}, {"groups": 3}])
    def test_convolutions_that_the_book_does_not_have_stay(self, options):
        w = leaf(np.ones((3, 1 if "groups" in options else 3, 2, 2)), "w")
        assert "conv2d" in to_dot(conv2d(leaf(np.ones((1, 3, 5, 5)), "x"), w, **options), expand=True)

    @pytest.mark.parametrize("pad", [0, 1])
    def test_compositions_compute_the_same(self, pad):
        from visualize.compositions import COMPOSITIONS

        rng = np.random.default_rng(1)
        arguments = {
            "sigmoid": (rng.standard_normal(5),),
            "softplus": (rng.standard_normal(5),),
            "logsumexp": (rng.standard_normal((3, 4)), 1, True),
            "softmax_cross_entropy": (np.array([[-1e3, 0, 1], [1e3, 1e3, 0], [2e3, 2e3, 2e3]]), np.array([2, 0, 1])),
            "standardize": (rng.standard_normal((3, 4)), (1,), 1e-6),
            "normalize_columns": (rng.standard_normal((5, 3)), *rng.standard_normal((2, 3)), 1e-6),
            "conv2d": (rng.standard_normal((2, 3, 5, 6)), rng.standard_normal((4, 3, 2, 3)), np.ones(4), (1, 2), pad),
            "max_pool2d": (rng.standard_normal((2, 3, 5, 6)), (2, 3), (1, 2), pad),
        }
        assert {fun.__name__ for fun in COMPOSITIONS} == set(arguments)
        for fun, composition in COMPOSITIONS.items():
            given = arguments[fun.__name__]
            np.testing.assert_allclose(composition(*given), fun(*given), rtol=1e-6, err_msg=fun.__name__)

    def test_batch_normalization_in_training_has_three_operands(self):
        x, gamma, beta = leaf(np.arange(6.0).reshape(3, 2), "x"), leaf(np.ones(2), "gamma"), leaf(np.zeros(2), "beta")
        y = batch_norm(x, gamma, beta, np.zeros(2), np.ones(2))
        assert labels(to_dot(y)) == ["x", "gamma", "beta", "batch\nnorm\neps=1e-06"]
        assert {"x", "gamma", "beta"} <= set(labels(to_dot(y, expand=True)))

    def test_names_scopes_and_marks_stay(self, simple):
        text = to_dot(simple[1], expand=True, style="layers", highlight=["Conv1"])
        assert layers(text.replace("im2col(x)", "x"))[:3] == ["Conv", "ReLU", "Pool"]
        assert [label for label, style in boxes(text).values() if "#d62728" in style] == ["Conv"]
        marked = boxes(to_dot(simple[1], expand=True, highlight=[simple[1]]))
        assert sum("#d62728" in style for _, style in marked.values()) >= 8
        assert {"W1", "b2", "t"} <= set(labels(to_dot(simple[1], expand=True)))

    def test_what_an_op_stands_for_is_in_a_frame_of_its_name(self):
        with scope("Layer"):
            y = sigmoid(leaf(0, "x"))
        text = to_dot(y, expand=True, style="ops")
        assert re.findall(r'label=" ([A-Za-z]+) "|label="(np\.\w+)"', text) == [
            ("Layer", ""), ("sigmoid", ""), *[("", f"np.{name}") for name in ("negative", "exp", "add", "divide")],
        ]  # fmt: skip

    def test_a_leaf_that_is_marked_stays_so_and_keywords_do(self):
        x = leaf([[0, 1]], "x")
        found = boxes(to_dot(np.sum(sigmoid(x), axis=0), expand=True, highlight=x))
        assert [label for label, style in found.values() if "penwidth" in style] == ["x"]
        assert "sum\naxis=0" in [label for label, _ in found.values()]

    def test_large_values_on_the_way_are_told_in_full(self):
        x = leaf(np.zeros((50, 50)), "x")
        text = to_dot(np.sum(sigmoid(x) * 1), expand=True, values="full", gradients=False)
        assert re.findall(r"\nmean (\S+),", text) == ["0", "0", "1", "2", "0.5", "0.5"]

    def test_an_op_that_makes_something_else_each_time_is_shown_with_what_it_made(self):
        runs = []

        @primitive
        def drawn(x):
            runs.append(x)
            return x + len(runs)

        defvjp(drawn, lambda g, _ans, _x: g)
        text = to_dot(drawn(leaf(0, "x")) * leaf(2, "y"), expand=True)
        assert len(runs) == 2
        assert re.findall(r'(op1|x2) -> op3 \[label=" (\S+) "', text) == [
            ("op1", "1"), ("op1", "2"), ("x2", "2"), ("x2", "1"),
        ]  # fmt: skip

    def test_networks_that_have_died(self):
        text = to_dot(loss_of(SimpleConvNet(seed=0)), expand=True)
        assert "softmax" not in text

    def test_several_results(self):
        values, vectors = np.linalg.eigh(leaf([[2, 1], [1, 3]], "x"))
        output = sigmoid(values.sum() + vectors[0, 0])
        assert labels(to_dot(output, expand=True)).count("eigh") == 1

    def test_the_program_itself_is_not_touched(self):
        x = leaf([1.0, 2.0], "x")
        loss = softmax_loss(x, np.array(0))
        to_dot(loss, expand=True, values="full")
        assert x.grad is None
        loss.backward()
        np.testing.assert_allclose(x.grad.numpy().sum(), 0, atol=1e-12)

    def test_what_cannot_be_run_again(self):
        x = leaf([1.0, 2.0], "x")
        loss = softmax_loss(x, np.array(0))
        loss.backward()
        with pytest.raises(GraphError, match="cannot be run again for the picture: its graph was released"):
            to_dot(loss, expand=True)
        y = x + 1
        x -= 1
        with pytest.raises(GraphError, match="changed in place"):
            to_dot(y * 2, expand=True)

    def test_what_a_fused_op_has_read_must_be_known(self):
        def output():
            return sigmoid(leaf(np.ones(1000), "x") + leaf(np.ones(1000), "y")).sum()

        with pytest.raises(GraphError, match="sigmoid cannot be opened: the graph does not hold what it was computed"):
            to_dot(output(), expand=True)

    def test_what_a_checkpoint_did_is_not_recorded(self):
        with pytest.raises(GraphError, match="a checkpoint cannot be opened"):
            to_dot(checkpoint(sigmoid)(leaf(1.0, "x")), expand=True)


class TestOptions:
    @pytest.mark.parametrize(
        ("option", "known"),
        [
            ({"style": "Book"}, "'book', 'ops', 'layers', 'backward', not 'Book'"),
            ({"values": "all"}, "'auto', 'full', 'symbols', None, not 'all'"),
            ({"constants": None}, "'inputs', 'inside', not None"),
            ({"lang": "fr"}, "None, 'en', 'ja', not 'fr'"),
            ({"rankdir": "lr"}, "'LR', 'TB', 'RL', 'BT', not 'lr'"),
            ({"maximum": 0}, "at least 1"),
        ],
    )
    def test_what_they_may_be(self, option, known):
        with pytest.raises(ValueError, match=known):
            draw_graph(apple(), **option)

    def test_rankdir(self):
        assert "rankdir=TB" in to_dot(apple(), rankdir="TB")

    def test_japanese(self):
        text = to_dot(apple(), lang="ja")
        assert labels(text) == ["リンゴの値段", "リンゴの個数", "消費税", "×", "×"]
        assert "支払金額" in text
        assert "∂支払金額/∂消費税" in to_dot(apple(), style="backward", lang="ja")
        assert "平均" in to_dot(leaf(np.ones(20), "x") * 2, values="full", lang="ja")

    def test_english(self):
        price = leaf(100, "リンゴの値段")
        assert labels(to_dot(price * 2, lang="en"))[0] == "apple price"
        assert labels(to_dot(price * 2))[0] == "リンゴの値段"
        assert labels(to_dot(leaf(2, "リンゴの個数") * 2, lang="en"))[0] == "number of apples"

    def test_without_names_gradients_or_values(self):
        assert set(labels(to_dot(apple(), names=False))) == {"", "×"}
        assert "dir=back" not in to_dot(apple(), gradients=False)
        assert "dir=back" in to_dot(apple(), style="ops", gradients=True)
        assert 'label=" ' not in to_dot(apple(), values=None)

    def test_boxes_know_their_nodes_and_scopes(self):
        with scope("A"):
            y = leaf(2, "x") * 3
        found = {box.id: box for box in trace(y).boxes}
        assert found["op1"].node is y.node
        assert found["op1"].scope == ("A",)
        assert found["x0"].node is y.node.inputs[0]


class TestCommandsGraphs:
    @pytest.mark.parametrize("name", ["apple-constants", "chain-rule", "sum-of-products"])
    def test_formulas(self, name):
        assert to_dot(GRAPHS[name](), **OPTIONS[name])

    @pytest.mark.parametrize("model", ["deep-convnet", "multi-layer-net-extend", "resnet"])
    @pytest.mark.parametrize("style", ["layers", "ops"])
    def test_networks(self, model, style):
        text = to_dot(network(model), style=style)
        assert "loss" in text
        assert text.count("\n") < 500

    def test_all_can_be_asked_for(self):
        assert [*FORMULAS, *RECIPES] == list(GRAPHS)

    @pytest.mark.parametrize(
        ("arguments", "shown"),
        [
            ("apple --lang ja", "リンゴの値段"),
            ("apple-constants", "× 1.1"),
            ("chain-rule", "t = x + y"),
            ("two-layer-net --style layers", "Affine"),
            ("resnet --depth 1", "Block1"),
            ("apple --style backward", "∂total/∂tax"),
        ],
    )
    def test_options(self, tmp_path, arguments, shown):
        assert main(["graph", *arguments.split(), "-o", str(tmp_path / "a.dot")]) == 0
        assert shown in (tmp_path / "a.dot").read_text(encoding="utf-8")

"""A picture has no more nodes than it may have, and says what it has in one box."""

import re
import sys
from contextlib import ExitStack, nullcontext

import numpy as np
import pytest
from drawn_graphs import horner
from leaves import leaf

from autograd_dl import Tensor, scope
from models import DeepConvNet
from visualize import to_dot

pytest.importorskip("graphviz")


def in_nested_scopes(outers, step):
    """A step in each of four inner scopes of each of so many outer ones."""
    y = leaf(1, "x")
    for i in range(outers):
        with scope(f"outer{i}"):
            for j in range(4):
                with scope(f"inner{j}"):
                    y = step(y)
    return y


def nodes(text):
    return re.findall(r"^\t(?!graph|node|edge)(\w+) \[", text, re.M)


def note(text):
    return re.findall(r'^\tgraph \[label="?(.*?)"? font', text, re.M)


class TestMaximum:
    def test_up_to_it_nothing_is_folded(self):
        text = to_dot(horner(30))
        assert note(text) == []
        assert "⋯" not in text

    @pytest.mark.parametrize("maximum", [1, 2, 5, 20, 300])
    def test_without_scopes_the_middle_is_one_box(self, maximum):
        text = to_dot(horner(1000), maximum=maximum)
        assert len(nodes(text)) <= maximum + 3  # the middle, what the picture ends in, and x
        assert f"⋯\n{2000 - text.count('shape=circle'):,} ops" in text
        assert note(text) == [f"2,000 ops, drawn as {text.count('shape=circle') + 1} boxes: all would be more than "
                              f"{maximum} nodes (maximum={maximum})"]  # fmt: skip

    @pytest.mark.parametrize("maximum", [60, 300])
    def test_ten_boxes_at_either_end_are_enough(self, maximum):
        assert to_dot(horner(1000), maximum=maximum).count("shape=circle") == 20

    def test_scopes_collapse_first_and_the_deepest_of_them(self):
        y = in_nested_scopes(5, lambda y: np.exp(np.sin(y)) + y)
        everything, inner, outer, least = (to_dot(y, maximum=m) for m in (100, 30, 10, 3))
        assert len(nodes(everything)) == 63
        assert nodes(inner) == ["x0", *(f"scope{i}" for i in range(1, 61, 3)), "out"]
        assert nodes(outer) == ["x0", *(f"scope{i}" for i in range(1, 61, 12)), "out"]
        assert nodes(least) == ["x0", "scope1", "rest13", "scope49", "out"]
        assert "outer0\n12 ops" in outer
        assert note(outer) == ["60 ops, drawn as 5 boxes: all would be more than 10 nodes (maximum=10)"]
        assert note(everything) == []

    def test_it_is_reached_and_not_exceeded(self):
        text = to_dot(horner(4))
        assert to_dot(horner(4), maximum=17) == text  # 8 ops, 4 constants, and x, which is counted for each reader
        assert note(to_dot(horner(4), maximum=16)) != []
        assert to_dot(horner(1000), maximum=21).count("shape=circle") == 10

    def test_no_more_is_open_than_was_asked_for(self):
        y = in_nested_scopes(4, lambda y: np.exp(np.sin(y)))
        assert [len(nodes(to_dot(y, depth=depth, maximum=8))) for depth in (1, 2, 3)] == [6, 6, 6]
        assert note(to_dot(y, depth=1, maximum=8)) == []
        assert "rest" in to_dot(y, depth=1, maximum=3)

    def test_what_several_ops_make_for_one_is_one_line(self):
        y = np.stack([leaf(i, f"x{i}") for i in range(5000)]).sum()
        text = to_dot(y)
        assert len(nodes(text)) <= 304
        assert re.search(r'rest\d+ -> op\d+ \[label=" 4,\d\d\d values "\]', text)
        assert re.search(r'rest\d+ -> op\d+ \[label=" 4,\d\d\d gradients " color', text)
        assert re.search(r' 4,\d\d\d 個の値 "\]\n.* 4,\d\d\d 個の勾配 "', to_dot(y, lang="ja"))

    def test_the_gradient_of_the_middle_is_the_sum(self):
        text = to_dot(horner(1000), maximum=12)
        found = re.findall(r'x0 -> \w+ \[label=" ([\d.e-]+) " color', text)
        assert sum(map(float, found)) == pytest.approx(2, abs=1e-5)

    def test_a_network_keeps_its_inputs(self):
        rng = np.random.default_rng(0)
        loss = DeepConvNet(seed=0).loss(rng.random((2, 1, 28, 28)), np.array([0, 1]))
        text = to_dot(loss, maximum=40)
        assert nodes(text).count("out") == 1
        assert "label=x " in text
        assert "W1" not in text
        assert len(re.findall("^\tscope", text, re.M)) >= 20

    def test_in_japanese(self):
        text = to_dot(horner(1000), maximum=20, lang="ja")
        assert "個の演算" in text
        assert note(text)[0].startswith("2,000 個の演算を")
        assert to_dot(horner(1000), maximum=20, lang="en") == to_dot(horner(1000), maximum=20)

    def test_no_limit(self):
        assert to_dot(horner(1000), maximum=None).count("shape=circle") == 2000


@pytest.mark.parametrize("style", ["book", "ops", "layers"])
@pytest.mark.parametrize("values", ["auto", "full", "symbols"])
@pytest.mark.parametrize("expand", [False, True])
def test_nothing_recurses(style, values, expand):
    y = x = leaf(1.0, "x")
    with ExitStack() as stack:
        for i in range(300):
            stack.enter_context(scope(f"s{i}"))
            y = y * 1.001 + x
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        for options in ({}, {"maximum": None}, {"depth": 150}):
            text = to_dot(y, style=style, values=values, expand=expand, **options)
            assert text.count("{") == text.count("}")
    finally:
        sys.setrecursionlimit(limit)


STRANGE = [
    np.zeros((0, 3)), np.zeros((3, 0, 2)), np.array([np.nan, np.inf, 1]), np.full((20, 20), np.nan), np.float16(2),
    np.ones(3, np.float16), np.arange(20) * 1e300, np.array(5.0), np.ones((1, 1, 1, 1)),
]  # fmt: skip
LOOKS = [
    {}, {"style": "ops"}, {"style": "layers"}, {"style": "backward"}, {"values": "full"}, {"values": None},
    {"values": "symbols", "shapes": True}, {"shapes": False}, {"expand": True, "values": "full"}, {"maximum": 1},
    {"style": "backward", "values": "full"}, {"style": "backward", "values": "symbols"}, {"names": False},
]  # fmt: skip


@pytest.mark.parametrize("value", STRANGE, ids=lambda a: f"{a.dtype}{a.shape}")
@pytest.mark.parametrize("options", LOOKS, ids=str)
def test_strange_values(value, options):
    pygraphviz = pytest.importorskip("pygraphviz")
    x = Tensor(value, requires_grad=True, name="a")
    with np.errstate(all="ignore"):
        y = (np.exp(x) * x).sum()
    assert pygraphviz.AGraph(string=to_dot(y, **options)).number_of_nodes() >= 2


@pytest.mark.parametrize("output", [Tensor(3.0), Tensor([1.0, 2.0]), leaf(2, "q"), Tensor(2.0) * 3], ids=str)
@pytest.mark.parametrize("options", [o for o in LOOKS if o.get("style") != "backward"], ids=str)
def test_outputs_that_nothing_made(output, options):
    told = (
        nullcontext()
        if output.node is not None
        else pytest.warns(UserWarning, match="not recorded.*requires_grad=True")
    )
    with told:
        assert "out [" in to_dot(output, **options)

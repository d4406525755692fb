"""The page that steps through a program: what is in its file, whatever the program is."""

import base64
import hashlib
import json
import math
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hostile_names import HOSTILE
from leaves import leaf
from own_ops import tripling

import visualize
from autograd_dl import Tensor, detect_anomaly, scope
from autograd_dl.app.cli import main
from autograd_dl.app.graphs import apple_orange
from autograd_dl.errors import GraphError, ShapeError
from autograd_dl.functional import sigmoid, softmax
from autograd_dl.ops import conv2d, softmax_cross_entropy
from models import TwoLayerNet
from visualize.derivatives import ELEMENTWISE
from visualize.explore import explore, layout
from visualize.explore import folding as folding_module
from visualize.explore.arrays import TILES, sketch
from visualize.explore.folding import LARGEST, MOST, WIDE, Group, folded, views
from visualize.explore.formulas import WHOLE, WORDS
from visualize.explore.page import WEB, page
from visualize.explore.story import story
from visualize.rendering import RenderError, need_drawn
from visualize.text import typeset

pytest.importorskip("pygraphviz")
pytestmark = pytest.mark.usefixtures("same_graphs_are_laid_out_once")
DOCS = Path(__file__).parents[1] / "docs" / "explore"


def chain(ops):
    y = x = leaf(1, "x")
    for _ in range(ops // 2):
        y = y * 0.999 + x
    return y


def written(output):
    """The page of an output, and the data in it."""
    told = story(output)
    text = page(told, views(told))
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return text, json.loads(data)


def gradients(output):
    return {n["name"]: n["gradient"].get("text") for n in story(output)["nodes"] if n["kind"] == "leaf"}


def ops_of(output):
    return [node for node in story(output)["nodes"] if node["kind"] == "op"]


class TestStory:
    def test_the_purchase(self):
        assert gradients(apple_orange()) == {
            "apple price": "2.2", "number of apples": "110", "orange price": "3.3", "number of oranges": "165",
            "tax": "650",
        }  # fmt: skip

    def test_local_derivatives_with_their_numbers(self):
        product, _ = ops_of(leaf(3, "x") * leaf(-2, "y") * 10)
        assert product["equation"] == "3 × (−2) = −6"
        to_x, to_y = product["inputs"]
        assert (to_x["symbols"], to_x["numbers"], to_x["local"]["text"], to_x["gradient"]["text"]) == (
            "{y}", "−2", "−2", "−20",
        )  # fmt: skip
        assert (to_y["symbols"], to_y["numbers"], to_y["local"]["text"]) == ("{x}", "3", "3")

    def test_negative_and_small_numbers_in_formulas(self):
        (negative,) = [n for n in story(-leaf(1, "x"))["nodes"] if n["kind"] == "op"]
        assert negative["equation"] == "−(1) = −1"
        power = story(leaf(1e-30, "x") ** 2)["nodes"][-1]
        assert power["equation"] == "(1e−30) ^ 2 = 1e−60"
        assert power["inputs"][0]["numbers"] == "2 · (1e−30)^(2 − 1)"

    @pytest.mark.parametrize("choice", [np.maximum, np.minimum])
    def test_of_a_tie_no_comparison_is_told(self, choice):
        for given in story(choice(leaf(2, "x"), leaf(2, "y")))["nodes"][-1]["inputs"]:
            assert (given["symbols"], given["local"]["text"], "numbers" in given) == ("1/2", "0.5", False)
        of_arrays, _ = ops_of(choice(leaf([1, 2]), leaf([2, 2])).sum())
        assert [given["symbols"] for given in of_arrays["inputs"]] == list(ELEMENTWISE[choice.__name__])

    def test_each_argument_of_a_convolution_has_its_own_words(self):
        x, w, b = leaf(np.ones((1, 1, 3, 3)), "x"), leaf(np.ones((2, 1, 2, 2)), "W"), leaf(np.ones(2), "b")
        (op,) = [n for n in story(conv2d(x, w, b).sum())["nodes"] if n.get("op") == "conv2d"]
        assert [given["words"] for given in op["inputs"]] == ["to patches", "to filters", "to biases"]

    def test_ops_on_arrays(self):
        dot, total = ops_of(np.sum(np.dot(leaf(np.ones((2, 3)), "A"), leaf([1, 2, -4], "w")), axis=0))
        assert (dot["equation"], total["equation"]) == ("dot: (2, 3); (3,) → (2,)", "sum axis=0: (2,) → −2")
        assert ("plain" in dot, "plain" in total, total["label"]) == (True, False, "sum\naxis=0")
        assert [node["gradient"]["shape"] for node in (dot, total)] == [[2], []]
        assert [given["whole"] for given in dot["inputs"]] == ["g · {y}ᵀ", "{x}ᵀ · g"]
        assert total["inputs"][0]["words"] == "spread"
        shaped, total = ops_of(np.sum(leaf([1, 2], "x").reshape(2, 1)))
        assert ("plain" in shaped, "plain" in total, shaped["label"]) == (False, True, "reshape\n(2, 1)")

    def test_a_product_of_matrices_of_one_number_is_one_of_numbers(self):
        (op,) = ops_of(np.dot(leaf(2, "x"), leaf(3, "y")))
        assert op["equation"] == "2 · 3 = 6"
        told = [(given["symbols"], given["numbers"], given["local"]["text"]) for given in op["inputs"]]
        assert told == [("{y}", "3", "3"), ("{x}", "2", "2")]

    def test_ops_with_several_results(self):
        slogdet, logarithm, _ = ops_of(np.linalg.slogdet(leaf([[2, 1], [1, 3]], "m"))[1] * 3)
        assert slogdet["equation"] == "slogdet: (2, 2) → 1, 1.60944"
        assert logarithm["equation"] == "[1]: 1, 1.60944 → 1.60944"
        assert logarithm["inputs"][0]["gradient"]["text"] == "3"

    def test_a_number_that_is_no_more_is_not_told(self):
        x = leaf([1, 2], "x")
        y = x[:1].reshape(()) + 3
        x -= 1
        assert [op["equation"] for op in ops_of(y)[1:]] == ["reshape (): (1,) → ?", "+: ?; 3 → 4"]

    @pytest.mark.parametrize(
        ("f", "equation", "to_x"),
        [
            (lambda x: x * True, "2 × 1 = 2", "1"),
            (lambda x: True - x, "1 − 2 = −1", "−1"),
            (lambda x: np.maximum(x, True), "maximum(2, 1) = 2", "[2 > 1]"),
            (lambda x: np.dot(x, False), "2 · 0 = 0", "0"),
        ],
    )
    def test_a_truth_value_among_numbers_is_one(self, f, equation, to_x):
        (op,) = ops_of(f(leaf(2, "x")))
        assert (op["equation"], "plain" in op) == (equation, True)
        assert [given["numbers"] for given in op["inputs"] if "gradient" in given] == [to_x]

    @pytest.mark.parametrize("name", ["dot", "maximum", "sin", "sum"])
    def test_an_op_of_the_users_has_no_formula_of_another_of_that_name(self, name):
        (told,) = ops_of(tripling(name)(leaf(2, "x")))
        assert told["equation"] == f"{name}(2) = 6"
        assert "plain" not in told  # the page cannot compute it
        (given,) = told["inputs"]
        assert (given["whole"], given["words"], given["gradient"]["text"]) == (None, None, "3")

    def test_branches(self):
        x = leaf(3, "x")
        assert gradients(x * x + x) == {"x": "7"}

    def test_nothing_is_touched(self):
        x = leaf(2, "x")
        y = np.exp(x * x)
        story(y)
        assert x.grad is None
        y.backward()
        assert float(x.grad) == pytest.approx(4 * math.exp(4))

    def test_values_that_the_graph_does_not_hold(self):
        rng = np.random.default_rng(0)
        w, b = leaf(rng.standard_normal((200, 50)), "W"), leaf(np.zeros(50), "b")
        loss = np.sum((rng.standard_normal((100, 200)) @ w + b) ** 2)
        assert all("stats" in node["value"] or "value" in node["value"] for node in story(loss)["nodes"])

    def test_the_line_is_known_of_what_ran_in_detect_anomaly(self):
        x = leaf(2)
        with detect_anomaly():
            y = x * 3
        (op,) = [n for n in story(y + 1)["nodes"] if "line" in n]
        assert re.fullmatch(r"test_explore\.py:\d+, in test_the_line.*", op["line"])

    @pytest.mark.parametrize(
        ("f", "label", "plain"),
        [
            (lambda x: np.sum(x, axis=None, keepdims=False), "sum", True),
            (lambda x: np.clip(x, None, 3), "clip", True),
            (lambda x: x[None], "[None]", False),
            (lambda x: np.roll(x, 1), "roll\nshift=1", False),
        ],
    )
    def test_settings_that_are_none_are_not_told_but_of_an_index(self, f, label, plain):
        op = ops_of(f(leaf([1, 2])).sum())[0]
        assert (op["label"], "plain" in op) == (label, plain)

    def test_leaves_and_constants_come_before_the_op_that_first_reads_them(self):
        x, y = leaf(2, "x"), leaf(3, "y")
        assert [n["name"] or n["kind"] for n in story(y * 5 + x)["nodes"]] == ["y", "constant", "op", "x", "op"]

    def test_the_first_gradient_has_the_dtype_of_the_output(self):
        told = story(Tensor(np.float32(2), requires_grad=True) * np.float32(3))
        assert told["nodes"][-1]["gradient"]["dtype"] == "float32"

    def test_a_local_derivative_that_is_not_finite_is_told(self):
        (op,) = ops_of(leaf(0, "x") ** 0.5)
        assert (op["inputs"][0]["numbers"], op["inputs"][0]["local"]["text"]) == ("0.5 · 0^(0.5 − 1)", "inf")

    @pytest.mark.parametrize(("ops", "cells"), [(9, 40 * 40), (99, 36 * 37), (199, 25 * 26)])
    def test_of_many_arrays_fewer_cells_are_shown(self, ops, cells):
        y = leaf(np.ones((50, 50)))
        for _ in range(ops - 1):
            y = np.sin(y)
        assert {len(node["value"].get("cells", ())) for node in story(y.sum())["nodes"]} == {cells, 0}

    def test_of_very_many_arrays_some_cells_are_shown(self, monkeypatch):
        monkeypatch.setattr(sys.modules[story.__module__], "CELLS", 100)
        assert len(story(np.sin(leaf(np.ones((50, 50)))).sum())["nodes"][0]["value"]["cells"]) == 8 * 8

    def test_what_is_not_for_reading_is_replaced_and_what_is_endless_cut(self):
        names = {"op": tripling("f\u202e"), "x": leaf(2, "x" * 20_000)}
        with scope("s\u202e"), detect_anomaly():
            y = eval(compile("op(x)", "file\u202e.py", "eval"), names)
        x, told = story(y)["nodes"]
        assert x["name"] == "x" * 9_999 + "…"
        assert (told["label"], told["scope"]) == ("f\N{REPLACEMENT CHARACTER}", ["s\N{REPLACEMENT CHARACTER}"])
        assert told["line"].startswith("file\N{REPLACEMENT CHARACTER}.py:1")

    def test_an_emoji_of_several_is_kept(self):
        assert gradients(leaf(1, "👩\u200d👧") * 2) == {"👩\u200d👧": "2"}

    def test_names_in_both_languages(self):
        told = story(apple_orange())
        assert told["out"]["names"] == {"en": "total", "ja": "支払金額"}
        assert "names" not in story(leaf(1, "W1") * 2)["nodes"][0]

    def test_a_number_that_changed_since_is_that_which_was_read(self):
        w = leaf(2, "w")
        y = w + 3
        w -= 1
        told = story(y)
        assert told["nodes"][0]["value"]["text"] == "2"
        assert told["nodes"][-1]["equation"] == "2 + 3 = 5"

    @pytest.mark.parametrize(
        ("make", "error", "words"),
        [
            (lambda: Tensor(2.0) * 3, GraphError, "nothing has led"),
            (lambda: leaf([1, 2]) * 3, ShapeError, "elements"),
            (lambda: _released(), GraphError, "retain_graph=True"),
        ],
    )
    def test_what_cannot_be_told(self, make, error, words, tmp_path):
        with pytest.raises(error, match=words):
            explore(make(), tmp_path / "a.html")
        assert list(tmp_path.iterdir()) == []


def _released():
    y = leaf(2) * 3
    y.backward()
    return y


PROGRAMS = {
    "a leaf": lambda: leaf(3, "x"),
    "NaN and infinity": lambda: leaf(np.nan, "x") * np.inf + leaf(-np.inf),
    "empty": lambda: leaf(np.zeros((0, 3)), "x").sum() + leaf(np.zeros((2, 0, 3))).sum(),
    "one element": lambda: leaf([[2]], "x") * 3,
    "float16": lambda: (Tensor(np.float16([1.1, 60000]), requires_grad=True) * np.float16(0.5)).sum(),
    "float32": lambda: np.tanh(Tensor(np.float32(0.3), requires_grad=True)),
    "several results": lambda: np.linalg.eigh(leaf([[2, 1], [1, 3]]))[1].sum(),
    "no rule for numbers": lambda: np.linalg.inv(leaf(np.eye(3) * 2)).sum(),
    "an index": lambda: leaf(np.arange(24).reshape(2, 3, 4))[1, :, [0, 2]].sum(),
    "a list": lambda: np.stack([leaf(1), leaf(2), leaf(3)]).sum(),
    "many inputs": lambda: np.concatenate([leaf([i], f"x{i}") for i in range(100)]).sum(),
    "five dimensions": lambda: leaf(np.ones((3, 2, 5, 4, 3))).mean(),
    "huge": lambda: leaf(np.ones((2000, 600))).sum(),
    "integers and booleans": lambda: (leaf([1.0, 2.0]) * np.array([3, 4]) * np.array([True, False])).sum(),
    "a network": lambda: TwoLayerNet(4, 3, 2, seed=0).loss(np.ones((5, 4)), np.zeros(5, int)),
    "a scope that comes again": lambda: _scopes_again(),
    "deep scopes": lambda: _deep_scopes(),
}


def _scopes_again():
    x = leaf(2, "x")
    with scope("A"):
        y = x * 2
    z = y + 1
    with scope("A"):
        return z * y * x


def _deep_scopes(depth=60):
    if not depth:
        return leaf(2, "x") * 3
    with scope(f"s{depth}"):
        return _deep_scopes(depth - 1) + 1


@pytest.mark.parametrize("name", PROGRAMS)
def test_any_program(name):
    text, data = written(PROGRAMS[name]())
    assert "{{" not in text.replace(json.dumps(data), "").split('id="data"')[0]
    for view in data["views"]:
        boxes = {box["id"] for box in view["boxes"]}
        assert all({line["from"], line["to"]} <= boxes for line in view["lines"])
        check_lines(view)
        check_frames(view, data["groups"])
        check_margins(view)
    assert all(len(cells) < 4000 for cells in _cells(data))


def sides(placed):
    """Left, top, right and bottom of a box, or of what is written on a line."""
    x, y, w, h = (placed[name] for name in "xywh")
    return np.array([x - w / 2, y - h / 2, x + w / 2, y + h / 2])


def check_lines(view):
    """Each leads from its box to what is written on it, and on to the other box, from left to right."""
    boxes = {box["id"]: sides(box) for box in view["boxes"]}
    for line in view["lines"]:
        stations = [boxes[line["from"]], *([sides(line)] if "x" in line else []), boxes[line["to"]]]
        for start, curve, end in zip(stations, line["curves"], stations[1:], strict=False):
            assert start[2] < end[0]
            for place, (left, top, right, bottom) in ((curve[:2], start), (curve[-2:], end)):
                assert left - 2 <= place[0] <= right + 2
                assert top - 2 <= place[1] <= bottom + 2


def check_frames(view, groups):
    """Each has in it, under its title, what is in its group, and the frames of groups within, which come later."""
    frames = {frame["group"]: np.array([frame[name] for name in "xywh"]) for frame in view["frames"]}
    assert sorted(frames) == view["open"]
    assert all(groups[n]["parent"] in [-1, *list(frames)[:i]] for i, n in enumerate(frames))
    boxes = {box["id"]: _ops_of_box(box, groups) for box in view["boxes"]}
    for number, (x, y, w, h) in frames.items():
        ops = set(groups[number]["ops"])
        within = [sides(box) for box in view["boxes"] if ops.intersection(boxes[box["id"]])]
        within += [
            sides(line) for line in view["lines"] if all(ops.intersection(boxes[line[end]]) for end in ("from", "to"))
        ]
        within += [(*f[:2], *f[:2] + f[2:]) for n, f in frames.items() if groups[n]["parent"] == number]
        lefts, tops, rights, bottoms = np.transpose(within)
        assert min(lefts) >= x + 11.8
        assert min(tops) >= y + 23.8
        assert max(rights) <= x + w - 11.8
        assert max(bottoms) <= y + h - 11.8


def _ops_of_box(box, groups):
    return groups[box["at"]]["ops"] if box["kind"] == "group" else [box["at"]] if box["kind"] == "op" else []


def check_margins(view):
    """The view ends 16 pixels after the last thing in it, on each side."""
    things = [sides(thing) for thing in [*view["boxes"], *view["lines"]] if "x" in thing]
    things += [np.array([f["x"], f["y"], f["x"] + f["w"], f["y"] + f["h"]]) for f in view["frames"]]
    things += [np.tile(c, 2) for line in view["lines"] for curve in line["curves"] for c in np.reshape(curve, (-1, 2))]
    ends = *np.min(things, axis=0)[:2], *np.max(things, axis=0)[2:]
    assert ends == pytest.approx((16, 16, view["width"] - 16, view["height"] - 16), abs=1)


def _cells(data):
    for node in data["nodes"]:
        yield node["value"].get("cells", [])


class TestPage:
    def test_nothing_is_fetched_and_scripts_are_let_in_by_their_text(self):
        text, _ = written(apple_orange())
        (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', text)
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        for kind, tag in (("script", r'<script type="module">'), ("style", "<style>")):
            (part,) = re.findall(f"{tag}(.*?)</{kind}>", text, re.S)
            digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
            assert f"{kind}-src 'sha256-{digest}'" in policy
        assert set(re.findall(r"https?://[^\"' ]*", text)) == {"http://www.w3.org/2000/svg"}

    def test_its_title_is_text(self):
        output = leaf(1, "x") * 2
        assert "<title>Computation graph – autograd_dl</title>" in written(output)[0]
        output.name = "</title><b>"
        assert "<title>&lt;/title&gt;&lt;b&gt; – autograd_dl</title>" in written(output)[0]
        output.name = "total " * 100
        assert f"<title>{('total ' * 100)[:80]} – autograd_dl</title>" in written(output)[0]

    def test_it_is_small(self):
        text, data = written(apple_orange())
        assert len(text.encode()) - len(json.dumps(data)) < 100_000

    def test_no_html_is_made_of_data(self):
        for file in WEB.glob("*.js"):
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), file

    @pytest.mark.parametrize(
        "hostile", ["</script><script>alert(1)</script>", "<!--<script>", "&lt;", "\u2028", "]]>", "{{style}}"]
    )
    def test_data_cannot_end_their_script(self, hostile):
        text, data = written(leaf(1, hostile) * 2)
        inside = text.split('id="data">')[1].split("</script>")[0]
        assert not set(inside) & set("<>&\u2028\u2029")
        assert data["nodes"][0]["name"] in (hostile, "\N{REPLACEMENT CHARACTER}")

    def test_two_hundred_hostile_names(self):
        assert len(HOSTILE) >= 200
        output = leaf(1, "x")
        for i, name in enumerate(HOSTILE):
            with scope(HOSTILE[i // 10]):
                output = output + leaf(1, name)
        output.name = HOSTILE[-1]
        text, data = written(output)
        assert text.count("<script") == 2
        assert text.count("</script") == 2
        assert sum(node["kind"] == "leaf" for node in data["nodes"]) == len(HOSTILE) + 1

    def test_the_same_program_gives_the_same_page(self):
        assert written(apple_orange())[0] == written(apple_orange())[0]

    def test_the_words_are_there_in_both_languages(self):
        text = (WEB / "words.js").read_text(encoding="utf-8")
        english, japanese = (re.findall(r'^    "?([\w ]+?)"?:', part, re.M) for part in text.split("\n  ja: {"))
        assert english == japanese
        rules = {key for keys in WORDS.values() for key in ([keys] if isinstance(keys, str) else keys)}
        assert rules <= set(english)
        used = re.findall(r'\bt\("(\w+)"', "".join(f.read_text(encoding="utf-8") for f in WEB.glob("*.js")))
        used += re.findall(r'data-(?:t|label)="(\w+)"', (WEB / "template.html").read_text(encoding="utf-8"))
        assert set(used) <= set(english)
        chosen = {"forward", "backward", "constant", "input", "pause", "wholeRule"}
        facts = {"least", "most", "mean", "norm", "zeros", "nans", "infinities"}
        assert set(english) == set(used) | rules | chosen | facts

    def test_no_two_modules_share_a_name(self):
        text = "\n".join(file.read_text(encoding="utf-8") for file in WEB.glob("*.js"))
        names = re.findall(r"^(?:export )?(?:function|const|let) (\w+)", text, re.M)
        assert len(names) == len(set(names)) > 50


class TestFolding:
    def test_scopes_are_groups_and_later_ones_others(self):
        root = folded(story(_scopes_again()))
        assert [(g.label, g.ops) for g in root.groups()] == [("A", [2]), ("A", [5, 6])]

    def test_boxes_never_feed_each_other(self):
        told = story(_scopes_again())
        for view in views(told)["views"]:
            seen = set()
            order = sorted((box for box in view["boxes"] if box["kind"] in ("op", "group")), key=lambda box: box["x"])
            for box in order:
                sources = {line["from"] for line in view["lines"] if line["to"] == box["id"]}
                assert {s for s in sources if s in {b["id"] for b in order}} <= seen
                seen.add(box["id"])

    def test_a_long_program_is_cut_into_groups_that_open(self):
        told = story(chain(600))
        folding = views(told)
        assert len(folding["views"]) == len(folding["groups"]) + 1
        first = folding["views"][folding["first"]]
        assert sum(box["kind"] == "group" for box in first["boxes"]) == len(folding["groups"]) <= WIDE
        assert sorted(op for group in folding["groups"] for op in group["ops"]) == [
            i for i, node in enumerate(told["nodes"]) if node["kind"] == "op"
        ]

    def test_of_few_groups_each_can_be_closed_alone(self):
        x = leaf(2, "x")
        for name in "ABC":
            with scope(name), scope("inner"):
                x = x * 2 + 1
        folding = views(story(x))
        opened = [set(view["open"]) for view in folding["views"]]
        assert [group["label"] for group in folding["groups"]] == ["A", "inner", "B", "inner", "C", "inner"]
        assert [group["parent"] for group in folding["groups"]] == [-1, 0, -1, 2, -1, 4]
        assert opened == [
            *(set(), {0, 2, 4}, {0, 1, 2, 3, 4, 5}),
            *({0}, {0, 1}, {2}, {2, 3}, {4}, {4, 5}),
            *({2, 3, 4, 5}, {0, 2, 3, 4, 5}, {0, 1, 4, 5}, {0, 1, 2, 4, 5}, {0, 1, 2, 3}, {0, 1, 2, 3, 4}),
        ]

    @pytest.mark.parametrize(("groups", "count"), [(8, 2 + 8 + 8), (9, 2 + 9)])
    def test_of_more_groups_none_is_closed_alone(self, groups, count):
        x = leaf(2, "x")
        for i in range(groups):
            with scope(f"s{i}"):
                x = np.sin(x)
        assert len(views(story(x))["views"]) == count

    @pytest.mark.parametrize(
        ("before", "within", "inner", "opened"),
        [(0, 20, 0, [0]), (0, 21, 0, []), (0, 0, 21, []), (21, 2, 0, [])],
        ids=["few boxes", "many boxes", "many groups", "many outside"],
    )
    def test_scopes_of_few_boxes_are_open_at_first(self, before, within, inner, opened):
        x = leaf(2, "x")
        for _ in range(before):
            x = np.sin(x)
        with scope("outer"):
            for _ in range(within):
                x = np.sin(x)
            for i in range(inner):
                with scope(f"inner{i}"):
                    x = np.sin(x)
        folding = views(story(x))
        assert folding["views"][folding["first"]]["open"] == opened

    def test_scopes_are_told_apart_to_a_depth(self):
        root = folded(story(_deep_scopes(25)))
        assert [g.label for g in root.groups()] == [f"s{i}" for i in range(25, 5, -1)]

    def test_what_is_open_at_first_is_open_to_the_same_depth_everywhere(self):
        x = leaf(2, "x")
        for name in "ABC":
            with scope(name), scope("inner"):
                for _ in range(8):
                    x = np.sin(x)
        folding = views(story(x))
        first = folding["views"][folding["first"]]
        assert [box["label"] for box in first["boxes"] if box["kind"] in ("op", "group")] == ["inner"] * 3

    @pytest.mark.parametrize(
        ("count", "sizes"),
        [
            (40, ["op"] * 40), (41, [40, "op"]), (42, [40, 2]), (1601, [41] * 39 + [2]), (1980, [50] * 39 + [30]),
            (5000, [4000, 1000]),
        ],
    )  # fmt: skip
    def test_groups_without_a_scope_are_of_like_sizes(self, count, sizes):
        told = {"nodes": [{"kind": "op", "scope": []}] * count}
        found = [len(member.ops) if isinstance(member, Group) else "op" for member in folded(told).members]
        assert found == sizes

    def test_of_thousands_of_nodes_some_groups_stay_closed(self, monkeypatch):
        monkeypatch.setattr(folding_module, "MOST", 300)
        folding = views(story(chain(1200)))
        counts = [sum(box["kind"] in ("op", "group") for box in view["boxes"]) for view in folding["views"]]
        assert max(counts) <= LARGEST
        assert 200 < sum(counts) <= 300 < MOST
        assert len(folding["views"]) < len(folding["groups"])

    def test_at_first_all_are_open_to_one_depth(self):
        x = leaf(2, "x")
        for i in range(9):
            with scope(f"outer{i}"), scope(f"inner{i}"):
                x = x * 2 + 1 + 3
        folding = views(story(x))
        first = folding["views"][folding["first"]]
        assert [box["label"] for box in first["boxes"] if box["kind"] == "group"] == [f"inner{i}" for i in range(9)]

    def test_a_parameter_stays_in_its_layer(self):
        told = story(TwoLayerNet(4, 3, 2, seed=0).loss(np.ones((5, 4), "f4"), np.zeros(5, int)))
        closed = views(told)["views"][0]
        labels = [box["label"] for box in closed["boxes"]]
        assert "x" in labels
        assert "W1" not in labels
        assert {"Affine1", "Affine2"} <= set(labels)


def whole_view(output):
    """The view in which all groups are open: its boxes by their labels, and all of it."""
    view = max(views(story(output))["views"], key=lambda view: len(view["open"]))
    return {box["label"]: box for box in view["boxes"]}, view


def is_framed(box, view):
    """Whether a box stands in the frame of some group."""
    return any(0 < box["x"] - f["x"] < f["w"] and 0 < box["y"] - f["y"] < f["h"] for f in view["frames"])


class TestLayout:
    @pytest.mark.parametrize(("readers", "boxes"), [(4, 1), (5, 5)])
    def test_a_leaf_of_many_readers_stands_by_each_of_them(self, readers, boxes):
        x, y = leaf(2, "x"), leaf(3, "y")
        for i in range(readers):
            with scope(f"s{i}"):
                y = y + x
        _, view = whole_view(y)
        within = [is_framed(box, view) for box in view["boxes"] if box["label"] == "x"]
        assert within == [boxes > 1] * boxes

    @pytest.mark.parametrize(("inputs", "more"), [(12, []), (13, [1]), (20, [8])])
    def test_of_many_inputs_some_are_drawn(self, inputs, more):
        _, view = whole_view(np.concatenate([leaf([1], f"x{i}") for i in range(inputs)]).sum())
        assert [box["more"] for box in view["boxes"] if "more" in box] == more
        assert sum(box["kind"] == "leaf" for box in view["boxes"]) == min(inputs, 12)

    @pytest.mark.parametrize(
        ("name", "label"),
        [
            ("x" * 22, "x" * 22), ("x" * 23, "x" * 21 + "…"), ("a\nb\nc\nd", "a\nb\nc\nd"),
            ("a\nb\nc\nd\ne", "a\nb\nc\n…"), ("a\n" + "x" * 23, "a\n" + "x" * 21 + "…"),
        ],
    )  # fmt: skip
    def test_labels_have_few_letters_and_rows(self, name, label):
        with scope(name):
            y = tripling(name)(leaf(2, name))
        closed = views(story(y * 1))["views"][0]
        assert [box["label"] for box in closed["boxes"] if box["kind"] == "group"] == [label]
        _, view = whole_view(y)
        assert [box["label"] for box in view["boxes"] if box["kind"] in ("leaf", "op")] == [label, label]

    def test_what_a_closed_group_reads_twice_comes_by_one_line(self):
        t = np.sin(leaf(1, "x"))
        with scope("A"):
            y = t * t
        closed, opened = (view["lines"] for view in views(story(y))["views"])
        assert [(line["value"], line["parts"]) for line in closed] == [(0, [[1, 0]]), (1, [[2, 0], [2, 1]]), (2, [])]
        assert [line["value"] for line in opened] == [0, 1, 1, 2]

    def test_of_a_leaf_all_readers_must_be_in_a_closed_group_for_it_to_be_hidden(self):
        w, v, data = leaf(2, "w"), leaf(3, "v"), Tensor(4.0, name="data")
        with scope("A"):
            y = w * data * v
        closed, opened = views(story(y + v))["views"]
        named = {box["id"]: box["label"] for box in closed["boxes"]}
        assert [(named[line["from"]], named[line["to"]]) for line in closed["lines"]] == [
            ("data", "A"), ("v", "A"), ("A", "+"), ("v", "+"), ("+", ""),
        ]  # fmt: skip
        within = {box["label"]: is_framed(box, opened) for box in opened["boxes"] if box["kind"] in ("leaf", "given")}
        assert within == {"w": True, "data": False, "v": False}

    @pytest.mark.parametrize(
        ("label", "size"),
        [
            ("+", (38, 38)), ("tanh", (47.6, 47.6)), ("log10", (62, 33)), ("sum\naxis=0", (70.4, 52)),
            ("x", (18.4, 25)), ("税", (26.8, 25)), ("税Ａ", (43.6, 25)), ("a\nlonger", (60.4, 44)),
            ("tax", (60.4, 25)), ("1.5", (35.2, 25)), ("", (12, 12)),
        ],
    )  # fmt: skip
    def test_a_box_has_room_for_its_label(self, label, size):
        names = [leaf([1, 1], name) for name in ("x", "税", "税Ａ", "a\nlonger", "tax")]  # or 消費税
        boxes, _ = whole_view(np.sum(np.tanh(np.log10(sum(names, start=1.5))), axis=0))
        assert (boxes[label]["w"], boxes[label]["h"]) == pytest.approx(size)

    @pytest.mark.parametrize(("label", "width"), [("A", 119.2), ("x" * 20, 220.8)])
    def test_a_closed_group_has_room_for_its_label(self, label, width):
        with scope(label):
            y = leaf(2, "x") * 3
        closed = views(story(y))["views"][0]
        assert [(box["w"], box["h"]) for box in closed["boxes"] if box["kind"] == "group"] == [(width, 46)]

    @pytest.mark.parametrize(("number", "letters"), [(0.33333, 7), (3, 3)])
    def test_a_line_has_room_for_its_value_and_its_gradient(self, number, letters):
        _, view = whole_view(leaf(2, "x") * leaf(number, "y") * 1)
        room = pytest.approx(letters * 8.4 + 14)
        assert {line["value"]: line.get("w") for line in view["lines"]} == {0: room, 1: room, 2: room, 3: None, 4: room}

    def test_the_lines_of_several_results_have_room_for_all(self):
        _, view = whole_view(np.linalg.slogdet(leaf([[2, 1], [1, 3]], "m"))[1])
        assert {line["value"]: line["w"] for line in view["lines"]}[1] == pytest.approx(len("1, 1.60944") * 8.4 + 14)

    def test_operands_stand_in_their_order(self):
        for first, second in (("x", "y"), ("y", "x")):
            boxes, _ = whole_view(leaf(2, first) - leaf(3, second))
            assert boxes[first]["y"] < boxes[second]["y"]

    def test_a_leaf_alone_is_told_once(self):
        boxes, view = whole_view(leaf(2, "x"))
        assert [box["kind"] for box in view["boxes"]] == ["leaf", "out"]
        assert (boxes[""]["w"], boxes[""]["h"]) == (12, 12)


class TestSketch:
    def test_a_number(self):
        assert sketch(np.float16(1.1), 9) == {
            "shape": [], "dtype": "float16", "value": float(np.float16(1.1)), "text": "1.1",
        }  # fmt: skip
        assert sketch(np.array(-np.inf), 9)["value"] == "-Infinity"

    def test_a_small_array_is_whole(self):
        found = sketch(np.array([[1, 2, 3], [4, 5, np.nan]]), 100)
        assert (found["tiles"], found["rows"], found["columns"]) == ([[]], [0, 1], [0, 1, 2])
        assert found["cells"] == [1, 2, 3, 4, 5, "NaN"]
        assert found["stats"] == {
            "zeros": 0, "nans": 1, "infinities": 0, "least": 1, "most": 5, "mean": 3, "norm": 7.4162,
        }  # fmt: skip

    @pytest.mark.parametrize(
        "shape", [(7,), (5000,), (3, 5000), (5000, 3), (300, 400), (40, 3, 64, 64), (2, 3, 4, 5, 6)]
    )
    def test_the_cells_are_those_of_the_array(self, shape):
        array = np.arange(math.prod(shape), dtype=float).reshape(shape)
        found = sketch(array, 600)
        assert len(found["tiles"]) <= TILES
        assert len(found["cells"]) <= 600
        assert len(found["cells"]) == len(found["tiles"]) * len(found["rows"]) * len(found["columns"])
        indices = [(*t, r, c)[-len(shape) :] for t in found["tiles"] for r in found["rows"] for c in found["columns"]]
        assert [float(f"{array[i]:.6g}") for i in indices] == found["cells"]
        corners = {tuple(np.zeros(len(shape), int)), tuple(np.array(shape) - 1)}
        assert corners <= set(indices)

    @pytest.mark.parametrize(
        ("values", "mean"),
        [
            ([-5.0, -7.0], -6), ([0.1, 0.2, -0.3], 0), (np.float32([0.1, 0.2, -0.3]), 0),
            ([1e10, -1e10, 1e-6], 0), ([1, -1, 1e-6], 3.33333e-07),
        ],
    )  # fmt: skip
    def test_a_mean_that_is_a_rounding_error_is_zero(self, values, mean):
        assert sketch(np.array(values), 100)["stats"]["mean"] == mean

    def test_what_is_no_real_number_has_a_shape_alone(self):
        assert sketch(np.array([1j]), 100) == {"shape": [1], "dtype": "complex128"}

    def test_large_numbers_are_true(self):
        array = np.array([99980001, -123456.789, 33328333.5, 2 / 3])
        assert sketch(array, 9)["cells"] == [99980001, -123456.789, 33328333.5, 0.666667]
        assert sketch(array[[0, 2]], 9)["stats"]["mean"] == 66654167.25

    def test_what_says_nothing_is_not_told(self):
        assert sketch(np.array([1.0, -1 / 3, -1 / 3, -1 / 3]), 9)["stats"]["mean"] == 0
        for dtype in (int, np.uint8):
            assert sketch(np.array([3, 1, 4], dtype), 9)["stats"] == {"zeros": 0, "least": 1, "most": 4}
        assert sketch(np.array([True, False]), 9)["stats"] == {"zeros": 1}

    def test_nothing_to_show(self):
        assert sketch(np.zeros((0, 3)), 9)["cells"] == sketch(np.zeros((3, 0)), 9)["cells"] == []
        assert "least" not in sketch(np.array([np.nan, np.inf]), 9)["stats"]


POSITIVE = ("log", "log2", "log10", "power", "sqrt")


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_formulas_are_true(name):
    """With the numbers put in, a formula is what the op's rule gives."""
    fun = getattr(np, name, None) or getattr(__import__("autograd_dl.functional").functional, name)
    arguments = [0.7 if name in POSITIVE else -0.7, 1.3][: len(ELEMENTWISE[name])]
    told = story(fun(*(leaf(a) for a in arguments)))["nodes"][-1]
    assert len(told["inputs"]) == len(arguments)
    for given in told["inputs"]:
        formula = re.sub(r"\b(cos|sin|cosh|sinh|sign|log) (\(.*?\)|[\d.]+)", r"\1(\2)", given["numbers"])
        for old, new in {"−": "-", "·": "*", "^": "**", "²": "**2", "[": "float(", "]": ")"}.items():
            formula = formula.replace(old, new)
        functions = {n: getattr(np, n) for n in ("cos", "sin", "cosh", "sinh", "sign", "log")} | {"sigmoid": sigmoid}
        assert eval(formula, functions) == pytest.approx(given["local"]["value"], rel=1e-4), given["numbers"]
        assert given["gradient"]["text"] == typeset(given["local"]["value"])


WHOLE_OPS = {
    "dot": (np.dot, np.ones((2, 3)) / 7, np.eye(3)[:, :2] - 0.3),
    "matmul": (np.matmul, np.ones((2, 3)) / 7, np.eye(3)[:, :2] - 0.3),
    "mean": (np.mean, np.arange(4)),
    "transpose": (np.transpose, np.arange(6).reshape(2, 3)),
    "softmax_cross_entropy": (softmax_cross_entropy, np.arange(6).reshape(2, 3), np.eye(3)[:2]),
}


@pytest.mark.parametrize("name", WHOLE)
def test_the_formulas_of_whole_arrays_are_true(name):
    f, *arguments = WHOLE_OPS[name]
    rules = len(WHOLE[name])
    result = f(*map(leaf, arguments[:rules]), *arguments[rules:])
    g = np.arange(1.0, result.size + 1).reshape(result.shape)
    x, y = (*arguments, None)[:2]
    values = {"g": g, "x": x, "y": y, "n": len(x), "softmax": softmax}
    for given in ops_of(np.sum(result * g))[0]["inputs"][:rules]:
        formula = given["whole"].format(x="x", y="y")
        for old, new in {"−": "-", "·": "@" if g.ndim else "*", "ᵀ": ".T"}.items():
            formula = formula.replace(old, new)
        found = np.broadcast_to(eval(formula, values), given["gradient"]["shape"])
        assert found.ravel() == pytest.approx(given["gradient"]["cells"], rel=1e-4), given["whole"]


class TestCommand:
    def test_it_writes_the_page(self, tmp_path, capsys):
        file = tmp_path / "graph.html"
        assert main(["explore", "apple", "-o", str(file)]) == 0
        assert capsys.readouterr().out == f"wrote {file}\n"
        assert file.read_text(encoding="utf-8").startswith("<!doctype html>")

    def test_a_graph_that_is_too_large_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sys.modules[story.__module__], "LARGEST", 10)
        with pytest.raises(RenderError, match="a graph of 11 ops and leaves is too large for a page"):
            explore(chain(10), tmp_path / "a.html")
        assert not list(tmp_path.iterdir())

    def test_without_graphviz(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr(layout, "need_drawn", need_drawn)
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert main(["explore", "apple", "-o", str(tmp_path / "a.html")]) == 1
        assert "pip install pygraphviz" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())
        with pytest.raises(RenderError):
            explore(apple_orange(), tmp_path / "a.html")

    @pytest.mark.parametrize("name", ["a.svg", "a", "graph.json"])
    def test_another_ending_is_refused_and_its_file_left(self, name, tmp_path, capsys):
        file = tmp_path / name
        file.write_text("mine")
        with pytest.raises(RenderError, match=rf"{name}: a page's name ends in \.html or \.htm"):
            explore(apple_orange(), file)
        assert main(["explore", "apple", "-o", str(file)]) == 1
        assert capsys.readouterr().err == f"autograd-dl: {file}: a page's name ends in .html or .htm\n"
        assert file.read_text() == "mine"

    @pytest.mark.parametrize("name", ["a.htm", "A.HTML"])
    def test_endings_of_pages(self, name, tmp_path):
        assert explore(apple_orange(), tmp_path / name).exists()

    def test_it_is_a_name_of_the_package(self):
        assert visualize.explore is explore

    @pytest.mark.skipif(not DOCS.exists(), reason="the docs are not beside the tests")
    @pytest.mark.parametrize("name", ["apple-orange", "two-layers"])
    def test_the_pages_in_docs_are_those_of_today(self, name):
        """But for their title and data, in which Graphviz has placed the boxes. The gallery makes them."""
        text = (DOCS / f"{name}.html").read_text(encoding="utf-8")
        data = re.compile(r'(?<=<title>).*?(?=</title>)|(?<=id="data">).*?(?=</script>)', re.S)
        assert data.sub("", text) == data.sub("", written(apple_orange())[0])

    def test_the_page_is_shipped(self):
        names = {file.name for file in Path(WEB).iterdir()}
        assert {"template.html", "style.css", "main.js"} <= names

"""A graph in a terminal: a tree with values and gradients, in whatever the terminal can show."""

import io
import os
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from hostile_names import HOSTILE
from leaves import leaf

from autograd_dl import Tensor, no_grad
from autograd_dl.app.graphs import apple, apple_orange
from visualize import to_text
from visualize.terminal import _width
from visualize.text import JOINERS


def test_two_apples():
    assert (
        to_text(apple())
        == """\
                        value  gradient
total = ×                 220         1
├─ ×                      200       1.1
│  ├─ apple price         100       2.2
│  └─ number of apples      2       110
└─ tax                    1.1       200"""
    )


def test_apples_and_oranges():
    words = to_text(apple_orange()).split()
    assert {"650", "715", "1.1", "2.2", "110", "3.3", "165", "200"} <= set(words)


SQUARE = """\
                 value  gradient
金額 = ×             9         1
├─ #1                3         3
└─ #1                3         3
#1 = +               3
├─ x                 1         6
└─ リンゴの個数      2         6"""


def square():
    t = leaf(1.0, "x") + leaf(2.0, "リンゴの個数")
    z = t * t
    z.name = "金額"
    return z


def test_what_is_shared_is_written_once_and_japanese_is_as_wide_as_it_looks():
    assert to_text(square()) == SQUARE


BRANCHES = """\
                  value  gradient
×                    50         1
├─ +                 10         5
│  ├─ abs             6         5
│  │  └─ −           -6        -5
│  │     └─ ×         6         5
│  │        ├─ x      2        15
│  │        └─ 3
│  └─ square          4         5
│     └─ x            2        20
└─ 5"""


def test_branches_go_on_beside_what_is_within_them():
    x = leaf(2.0, "x")
    assert to_text((np.abs(-(x * 3)) + np.square(x)) * 5) == BRANCHES


def test_after_backward_the_grads_that_are_known():
    x = leaf(3.0, "x")
    y = x * x
    y.backward()
    assert to_text(y).splitlines()[1:] == ["×         9", "├─ x      3         6", "└─ x      3         6"]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (lambda: leaf(3.0, "x"), "   value\nx      3"),
        (lambda: leaf(3.0), "           value\n(no name)      3"),
        (lambda: Tensor(np.nan, name="t"), "   value\nt    nan"),
        (lambda: unrecorded(leaf(3.0)), "  value\n      6"),
        (
            lambda: leaf(3.0, "x") * np.zeros((2, 0)),
            "            value\n×          (2, 0)\n├─ x            3\n└─ (2, 0)",
        ),
        (
            lambda: leaf(1.1, "x", np.float16) * 3,
            "      value  gradient\n×       3.3         1\n├─ x    1.1         3\n└─ 3",
        ),
    ],
)
def test_what_has_no_graph_or_odd_values(output, text):
    assert to_text(output()) == text


def unrecorded(x):
    with no_grad():
        return x * 2


def test_two_unnamed_leaves_are_told_apart():
    x, y = leaf(1.0), leaf(2.0)
    text = to_text(x * x + y * y)
    assert [text.count(label) for label in ("─ #1", "─ #2", "#1 = (no name)", "#2 = (no name)")] == [2, 2, 1, 1]


def chain(count):
    y = leaf(1.0, "x")
    for _ in range(count):
        y = y * 1.0000001
    return y


def test_what_is_left_out_is_told():
    lines = to_text(chain(60)).splitlines()
    assert len(lines) == 1 + 100 + 1
    assert lines[-1].startswith("… and ")
    whole = to_text(chain(60), most=1000)
    assert "more nodes" not in whole
    assert len(whole.splitlines()) > len(lines)
    written = [line for line in lines[1:-1] if "─ #" not in line]
    assert lines[-1].startswith(f"… and {60 + 60 + 1 - len(written)} more nodes")


def test_the_first_line_alone_has_its_gradient():
    assert to_text(chain(1) * 2, most=1).splitlines()[:2] == ["       value  gradient", "×  2.0000002         1"]


def test_trees_have_twelve_levels_and_a_leaf_below_them_stays():
    lines = to_text(chain(13)).splitlines()
    assert [line.strip("│ ").partition(" ")[2].split()[0] for line in lines[12:15]] == ["×", "#1", "1.0000001"]
    assert lines[13].index("#1") == lines[14].index("1.0000001") == 3 * 12
    assert lines[-3].startswith("#1 = × ")


def test_a_long_chain_stays_narrow_and_needs_no_recursion():
    limit = sys.getrecursionlimit()
    started = time.perf_counter()
    sys.setrecursionlimit(200)
    try:
        text = to_text(chain(10_000), most=500)
    finally:
        sys.setrecursionlimit(limit)
    assert max(map(len, text.splitlines())) < 80
    assert time.perf_counter() - started < 20


def test_it_is_the_same_each_time():
    assert len({to_text(square()) for _ in range(5)}) == 1


@pytest.mark.parametrize(
    ("encoding", "line"), [("ascii", "|- #1"), ("latin-1", "|- #1"), ("utf-8", "├─ #1"), (None, "├─ #1")]
)
def test_what_the_terminal_lacks_is_in_ascii(monkeypatch, encoding, line):
    monkeypatch.setattr(sys, "stdout", None if encoding is None else io.TextIOWrapper(io.BytesIO(), encoding))
    text = to_text(square())
    assert line in text
    text.encode(encoding or "utf-8")
    to_text(square(), most=1).encode(encoding or "utf-8")


def test_it_can_be_printed_where_only_ascii_can():
    program = "from visualize import to_text; from autograd_dl.app.graphs import apple; print(to_text(apple()))"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True
    )
    assert done.stderr == b""
    assert b"total = *" in done.stdout
    assert b"|  `- number of apples      2       110" in done.stdout


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:30])
def test_no_name_breaks_its_line(name):
    x = leaf(2.0, name)
    y = x * leaf(3.0, "beside")
    y.name = name
    lines = to_text(y).splitlines()
    assert len(lines) == 4
    assert all(c.isprintable() or c in JOINERS for line in lines for c in line)
    assert len({_width(line) for line in lines}) == 1
    assert _width(lines[0]) < 70
    assert lines[1].endswith("  6         1")
    assert lines[3].startswith("└─ beside ")
    assert [line.split()[-2:] for line in lines[1:]] == [["6", "1"], ["2", "3"], ["3", "2"]]


def test_the_columns_stand_under_each_other():
    lines = to_text(apple_orange()).splitlines()
    assert all(len(a) == len(b) for a, b in pairwise(lines))


@pytest.mark.parametrize(
    ("name", "shown"),
    [(40 * "a", 40 * "a"), (41 * "a", 39 * "a" + "…"), (20 * "値", 20 * "値"), (21 * "値", 19 * "値" + "…")],
)
def test_a_name_takes_forty_places(name, shown):
    (line,) = [line for line in to_text(leaf(1.0, name) * 2).splitlines() if line.startswith("├─")]
    assert line.removeprefix("├─ ").split()[0] == shown


def test_an_accent_takes_no_place():
    plain, accented = (to_text(leaf(1.0, name) * 2).splitlines() for name in ("cafe", "cafe\N{COMBINING ACUTE ACCENT}"))
    assert [line.replace("\N{COMBINING ACUTE ACCENT}", "") for line in accented] == plain


@pytest.mark.parametrize("most", [-1, 0, 1.5, None])
def test_lines_are_counted(most):
    with pytest.raises(ValueError, match=f"to_text: most is a whole number of lines, at least 1, not {most}"):
        to_text(apple(), most=most)

"""How numbers and names come out in pictures, whatever they are."""

import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from autograd_dl import Tensor
from autograd_dl.ops import defvjp, primitive
from autograd_dl.table import TABLE
from visualize import draw_graph, explain, render, to_dot, to_text
from visualize.text import cut, number, printable, quantity

pytest.importorskip("graphviz")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (715.0000000000001, "715"), (220.00000000000003, "220"), (3.3000000000000003, "3.3"), (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333"), (2 / 3, "0.666667"), (1e-7, "1e-07"), (123456.789, "123457"), (1e20, "1e+20"),
        (-0.0, "0"), (0, "0"), (-1.5, "-1.5"), (100, "100"), (10**9, "1e+09"), (123456789, "123456789"),
        (True, "1"), (np.nan, "nan"), (-np.inf, "-inf"), (np.array(2.5), "2.5"), (5e-324, "4.94066e-324"),
        (np.float32(1.1), "1.1"), (np.float32(2.3025851), "2.30259"), (np.float16(1.1), "1.1"),
        (np.float16(3.3), "3.3"), (np.float32(1234567), "1234567"), (np.float16(2048), "2048"),
        (np.int64(7), "7"), (np.uint8(255), "255"),
        (np.float64(1e-17), "1e-17"), (-1e12, "-1e+12"), (1234.5678, "1234.5678"), (12345.6789, "12345.7"),
        (1.2345670000012, "1.234567"), (np.float32(1.2345678), "1.23457"), (np.float16(1.2346), "1.23"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(value, text):
    assert number(value) == text


@pytest.mark.parametrize("shape", [(3,), (2, 3), (0,), (1, 0, 2)])
def test_arrays_by_shape(shape):
    assert quantity(np.zeros(shape)) == str(shape)


def test_several_values():
    assert quantity((np.zeros(2), 3.0, np.zeros((2, 2)))) == "(2,), 3, (2, 2)"


def test_what_is_cut_has_the_longest_length():
    assert [cut("abcde", longest) for longest in (6, 5, 4)] == ["abcde", "abcde", "abc…"]


NAMES = [
    'a "quoted" name', "'single'", "back\\slash", "ends in a backslash\\", '\\"', "two\nlines", "<b>bold</b>", "<>",
    "<", '"]; x [URL="http://example.com', "} digraph { a -> b", "// comment", "# comment", "/* comment */",
    "\\N \\G \\l \\n", "&lt; &amp; &#65; &nbsp;", "a & b;", "&", "%s %d {0}", "日本語の名前", "全角\u3000空白",
    "é", "×", "👍", "a" * 10_000, "strict", "node", "1.5", "-", " ", "x:y:n", "a->b", "{a|b}", "$x^2$",
    "👨\u200d👩\u200d👧", "می\u200cخواهم",
]  # fmt: skip
UNPRINTABLE = {
    "tab\there": "tab here",
    "\nline": " \nline",
    "\x00\x07\x1b[31m": "\N{REPLACEMENT CHARACTER}" * 3 + "[31m",
    "carriage\rreturn": "carriage\N{REPLACEMENT CHARACTER}return",
    "\ud800": "\N{REPLACEMENT CHARACTER}",
    "\uffff\ufffe": "\N{REPLACEMENT CHARACTER}" * 2,
    "\u202egnp.exe": "\N{REPLACEMENT CHARACTER}gnp.exe",
    "\u2028\u2029\ue000": "\N{REPLACEMENT CHARACTER}" * 3,
}


def product(name):
    x = Tensor(2.0, requires_grad=True, name=name)
    y = x * 3
    y.name = name
    return y


def in_dot(text):
    """As Graphviz writes a text in a label: backslashes twice, and what reads as a character reference escaped."""
    return printable(text).replace("\\", "\\\\")


@pytest.mark.parametrize("name", [*NAMES, *UNPRINTABLE], ids=lambda name: ascii(name)[:30])
def test_every_name_is_shown_as_text(name, tmp_path):
    pygraphviz = pytest.importorskip("pygraphviz")
    output = product(name)
    graph = pygraphviz.AGraph(string=to_dot(output))
    assert sorted(graph.nodes()) == ["op1", "op1_1", "out", "x0"]
    assert graph.get_node("x0").attr["label"] == graph.get_node("out").attr["label"] == in_dot(name)
    assert not graph.get_node("x0").attr["URL"]

    render(draw_graph(output), tmp_path / "a.svg")
    drawn = [t.text for t in ET.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}text")]
    expected = UNPRINTABLE.get(name, name).split("\n")
    assert [t.replace("\xa0", " ") for t in drawn[: len(expected)]] == expected


def test_an_op_of_the_users_has_its_name_as_text():
    def odd(x):
        return x * 2

    odd.__name__ = '<b>"odd"</b>'
    odd = primitive(odd)
    defvjp(odd, lambda g, _ans, _x: g * 2)
    try:
        assert r'op1 [label="<b>\"odd\"</b>" ' in to_dot(odd(Tensor(1.0, requires_grad=True)))
    finally:
        del TABLE[odd]


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32")], ids=["a class", "a dtype"])
def test_a_dtype_is_a_setting_of_an_op(dtype):
    cast = primitive(lambda x, dtype: x.astype(dtype))
    defvjp(cast, lambda g, _ans, _x, _dtype: g.astype(_x.dtype), None)
    y = cast(Tensor([1.0, 2.0], requires_grad=True, name="x"), dtype).sum()
    assert 'label="<lambda>\nfloat32"' in to_dot(y)
    assert "<lambda> float32" in to_text(y)
    assert str(explain(y)).startswith("nothing found")


PROGRAM = """
from autograd_dl import Tensor
from visualize import to_dot
import numpy as np
if {noise}:
    [Tensor(float(i), requires_grad=True) * 2 for i in range(50)]
x, w = Tensor(np.ones((2, 3)), requires_grad=True, name="x"), Tensor(np.ones((3, 2)), requires_grad=True, name="w")
z = np.exp(np.dot(x, w))
print(to_dot((z / z.sum(axis=1, keepdims=True) + x.sum()).mean()))
"""


def test_two_runs_give_the_same_text():
    texts = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM.format(noise=noise)], capture_output=True, text=True, check=True
        ).stdout
        for noise in (True, False)
    }
    assert len(texts) == 1


@pytest.mark.parametrize("count", [1_000, 10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_long_chains_are_written_without_recursion(count):
    y = Tensor(1.0, requires_grad=True, name="x")
    for _ in range(count):
        y = y * 1.0000001
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        text = to_dot(y, maximum=None)
    finally:
        sys.setrecursionlimit(limit)
    assert text.count("shape=circle") == count

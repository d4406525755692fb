"""What the READMEs show is run, and does what they say."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from autograd_dl import Tensor
from visualize import draw_graph, render
from visualize.rendering import RenderError

ROOT = Path(__file__).parents[1]
READMES = [name for name in ("README.md", "README.ja.md") if (ROOT / name).exists()]
pytestmark = pytest.mark.skipif(not READMES, reason="the README is not beside an installed copy's tests")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / name).read_text(encoding="utf-8"), re.S | re.M)


@pytest.mark.parametrize("name", READMES)
def test_the_first_screen_prints_its_numbers_and_draws_its_picture(name, tmp_path, monkeypatch, capsys):
    pytest.importorskip("graphviz")
    monkeypatch.chdir(tmp_path)
    code, printed = blocks(name, "python")[0], blocks(name, "text")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    exec(compile(code, name, "exec"), {})
    assert capsys.readouterr().out == printed
    assert list(tmp_path.iterdir())


@pytest.mark.parametrize("name", READMES)
def test_the_picture_is_the_codes_own(name, tmp_path, monkeypatch):
    for library in ("graphviz", "pygraphviz"):
        pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks(name, "python")[0], name, "exec"), {})
    (shown,) = re.findall(r"!\[.*\]\((.*\.svg)\)", (ROOT / name).read_text(encoding="utf-8"))
    assert texts(ROOT / shown) == texts(tmp_path / "purchase.svg")


def texts(picture: Path) -> list[str]:
    """What is written in an SVG picture. (Where it stands may depend on the version of Graphviz.)"""
    return [text.text for text in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", READMES[:1])
def test_the_examples_of_use_run(name, tmp_path, monkeypatch):
    """Those of one language are those of the other, which a test below holds."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    for block in blocks(name, "python")[-3:]:
        exec(compile(block.replace("epochs=5", "epochs=1"), name, "exec"), names)
    names["test_gate"]()
    assert names["trainer"].test_acc_list[-1] > 0.5
    assert [file.name for file in tmp_path.iterdir()] == ["params.safetensors"]


@pytest.mark.parametrize("name", READMES)
def test_the_two_commands_are_what_was_promised(name):
    assert "".join(blocks(name, "sh")).splitlines() == [
        'pip install -e ".[all]" && autograd-dl train two-layer-net',
        'pip install -e ".[all]" && python -m pytest',
    ]


@pytest.mark.parametrize("name", READMES)
def test_what_it_links_to_is_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_both_languages_have_the_same_code():
    for language in ("sh", "text"):
        assert blocks("README.md", language) == blocks("README.ja.md", language)

    def statements(name: str) -> list[str]:
        code = "\n".join(blocks(name, "python"))
        return [re.sub(r"\s*#.*", "", line) for line in code.splitlines()]

    assert statements("README.md") == statements("README.ja.md")


def test_what_it_says_of_pictures(tmp_path):
    for library in ("graphviz", "pygraphviz"):
        pytest.importorskip(library)
    x = y = Tensor(1.0, requires_grad=True, name="x")
    for _ in range(20_000):
        y = y + 1.0
    assert len(draw_graph(y).body) < 1000
    assert render(draw_graph(y, maximum=None), tmp_path / "a.dot").exists()
    with pytest.raises(RenderError, match="very long over"):
        render(draw_graph(y, maximum=None), tmp_path / "a.svg")
    loss = (x * 2.0) * x
    widths = []
    for dpi in ("96", "200"):
        g = draw_graph(loss)
        g.graph_attr["dpi"] = dpi
        widths.append(int.from_bytes(render(g, tmp_path / f"{dpi}.png").read_bytes()[16:20], "big"))
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.1)
    before = draw_graph(loss).source.count("back")
    loss.backward()
    assert (before, draw_graph(loss).source.count("back")) == (4, 1)
    assert all('g.graph_attr["dpi"] = "200"' in (ROOT / name).read_text(encoding="utf-8") for name in READMES)

"""The pages in docs: what they show runs, prints what they say, and links to what is there."""

import doctest
import math
import operator
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from test_numpy_coverage import DIFFERENTIABLE, FUNCTIONS
from test_pytest_plugin import INSTALLED, PLUGIN

import autograd_dl
from autograd_dl import Tensor, ops
from autograd_dl.ops.entry import PLAIN
from autograd_dl.optim import SGD
from autograd_dl.testing import GradientError, check_gradients
from models import ThreeLayerNet

DOCS = Path(__file__).parents[1] / "docs"
pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="the docs are not beside an installed copy's tests")
PAGES = sorted(DOCS.glob("*.md"))
BOOK, TWIN = DOCS / "book.md", DOCS / "book.ja.md"
ENGINE, ENGINE_TWIN = DOCS / "engine.md", DOCS / "engine.ja.md"


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (DOCS / target).exists(), target


def files(page):
    """The blocks that say in their first line which file they are."""
    found = [re.match(r"# (\w+\.py)\n", block) for block in blocks(page, "python")]
    return {m.group(1): block for m, block in zip(found, blocks(page, "python"), strict=True) if m}


@pytest.mark.parametrize(("page", "least"), [("numpy.md", 30), ("engine.md", 25), ("engine.ja.md", 25)])
def test_what_a_page_shows_at_the_prompt_runs(page, least):
    found = doctest.testfile(str(DOCS / page), module_relative=False, encoding="utf-8")
    assert found.attempted > least
    assert not found.failed


def test_the_lists_of_numpys_functions_are_whole():
    """A name may be of another NumPy than this one."""
    listed = re.findall(r"^- `np\.(.*)`: ((?:.*\n)(?:  .*\n)*)", (DOCS / "numpy.md").read_text("utf-8"), re.M)
    names = [[prefix + name for name in text.split()] for prefix, text in listed]
    assert len(listed) == 6
    recorded, plain = {name for group in names[:4] for name in group}, {*names[4], *names[5]}
    assert recorded & FUNCTIONS.keys() == {name for name, fun in FUNCTIONS.items() if fun in DIFFERENTIABLE}
    gone_from_new_ones = {"in1d"}
    assert plain & FUNCTIONS.keys() == {name for name, fun in FUNCTIONS.items() if fun in PLAIN} - gone_from_new_ones


def found_in_column(column, things):
    """What the code in a column of the table of libraries begins with, looked up among these things."""
    page = (DOCS / "numpy.md").read_text("utf-8")
    (table,) = re.findall(r"^## Coming from another library\n\n(.*?)\n\n", page, re.S | re.M)
    cells = [row.split("|")[column] for row in table.splitlines()[2:]]
    names = [name for cell in cells for name in re.findall(r"`([\w.]+)", cell)]
    return [operator.attrgetter(name)(SimpleNamespace(**things)) for name in names]


def test_what_the_table_of_libraries_names_is_here():
    t = Tensor(1.0, requires_grad=True)
    things = {"np": np, "ops": ops, "t": t, "w": t, "loss": t, "optimizer": SGD(), "check_gradients": check_gradients}
    here = vars(autograd_dl) | {"primitive": ops.primitive, "defvjp": ops.defvjp} | things
    assert len(found_in_column(4, here)) > 20


@pytest.mark.torch
def test_what_the_table_of_libraries_names_is_in_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    t = torch.zeros(1)
    assert len(found_in_column(2, {"torch": torch, "optimizer": torch.optim.SGD([t]), "t": t, "w": t, "loss": t})) > 15


def test_the_failure_in_testing_is_what_pytest_prints(tmp_path):
    pytest.importorskip("graphviz", reason='pictures need the extra "viz"')
    page = DOCS / "testing.md"
    for name, text in files(page).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "--gradcheck-artifacts", "pictures", "--gradcheck-seed", "0"]
    environment = os.environ | ({} if INSTALLED else {"PYTHONPATH": str(DOCS.parent)})
    command = [sys.executable, "-m", "pytest", *options, *([] if INSTALLED else ["-p", PLUGIN])]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    printed = [without_numbers(line) for line in run.stdout.decode().splitlines()]
    shown, outside = blocks(page, "text")
    for line in shown.splitlines():
        assert without_numbers(line) in printed, line
    assert next((tmp_path / "pictures").iterdir()).exists()
    with pytest.raises(GradientError) as raised:
        check_gradients(lambda x: x * math.exp(x[0]), np.ones(4))
    assert without_numbers(str(raised.value)).endswith(without_numbers(outside))


def test_the_books_pickle_becomes_what_a_network_loads(tmp_path):
    net = ThreeLayerNet(seed=0)
    (tmp_path / "sample_weight.pkl").write_bytes(pickle.dumps({name: p.numpy() for name, p in net.params.items()}))
    subprocess.run([sys.executable, "-c", files(BOOK)["to_npz.py"]], cwd=tmp_path, check=True)
    other = ThreeLayerNet(seed=1)
    other.load_params(tmp_path / "sample_weight.npz")
    assert all((other.params[name].numpy() == p.numpy()).all() for name, p in net.params.items())


def sections_and_rows(page):
    text = page.read_text(encoding="utf-8")
    return re.split(r"^#+ ", text, flags=re.M) + re.findall(r"^\|.*", text, re.M)


def facts(text):
    """What is the same in every language: code and decimals, in any order."""
    return sorted(re.findall(r"`[^`\n]+`|\d+\.\d+", text))


@pytest.mark.parametrize(("page", "twin"), [(BOOK, TWIN), (ENGINE, ENGINE_TWIN)], ids=["book", "engine"])
def test_the_japanese_page_has_all_that_the_english_one_has(page, twin):
    english, japanese = map(sections_and_rows, (page, twin))
    assert len(english) == len(japanese)
    for ours, theirs in zip(english, japanese, strict=True):
        assert facts(ours) == facts(theirs), ours
    assert [blocks(page, kind) for kind in ("python", "pycon")] == [blocks(twin, kind) for kind in ("python", "pycon")]


def test_every_experiment_and_every_network_stands_in_the_tables():
    pytest.importorskip("matplotlib", reason="matplotlib, of the extra viz, is not installed")
    from autograd_dl.app.experiments import experiments
    from autograd_dl.app.recipes import RECIPES

    page = BOOK.read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d., -]*\d) .*?`autograd-dl experiment ([a-z\d-]+)`.*`([\w.-]+)`", page, re.M)
    assert {name: section for section, name, _ in rows} == {e.name: e.section for e in experiments().values()}
    assert all(picture == f"{name}.png" for _, name, picture in rows)
    assert set(re.findall(r"`autograd-dl train ([a-z-]+)", page)) == RECIPES.keys()


def test_the_files_that_the_tour_of_the_engine_names_have_what_it_says():
    page = ENGINE.read_text(encoding="utf-8")
    engine = DOCS.parent / "autograd_dl"
    named = set(re.findall(r"`([\w/]+\.py)`", page))
    assert len(named) > 6
    for file in named:
        assert (engine / file).exists(), file
    assert {"graph.py", "recording.py", "engine.py"} <= named
    for file, name in (("graph.py", "toposort"), ("recording.py", "apply2"), ("engine.py", "_pulled")):
        assert f"`{name}`" in page
        assert f"\ndef {name}(" in (engine / file).read_text(encoding="utf-8")


def test_the_files_that_the_tables_name_have_what_they_say():
    named = re.findall(r"`((?!ch0|common/)[\w/]+\.py)`(?: \(([^)]*)\))?", BOOK.read_text(encoding="utf-8"))
    for file, names in named:
        code = (DOCS.parent / file).read_text(encoding="utf-8")
        for name in re.findall(r"\w+", names):
            assert re.search(rf"^ *(?:def|class) {name}\b", code, re.M), f"{name} in {file}"
    examples = {f"examples/{path.name}" for path in (DOCS.parent / "examples").glob("*.py")}
    assert examples <= {file for file, _ in named}


def without_numbers(line):
    """A line without what another version of Hypothesis may draw."""
    return re.sub(r"-?\d+(\.\d+)?(e-\d+)?|np\.array\(.*\)", "#", line).rstrip()


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "gallery.md"], ids=lambda page: page.name)
def test_the_examples_run(page, capsys):
    for block in blocks(page, "python"):
        if not re.match(r"# \w+\.py\n", block):
            exec(compile(block, page.name, "exec"), {"__name__": "example"})
    if page.name == "testing.md":
        assert capsys.readouterr().out == "7 True\n2\n"

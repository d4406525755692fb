"""The house: which part may import which, what an import loads, what is shipped, and that all of it is documented."""

import ast
import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import autograd_dl
import models
import visualize
from autograd_dl.errors import RuleError
from autograd_dl.ops import composed

ROOT = Path(__file__).parents[1]
PACKAGES = (autograd_dl, models, visualize)
ROOMS = [
    "table values errors forks",
    "allocator",
    "parallel",
    "pullback anomaly mode",
    "tensor graph",
    "recording",
    "engine",
    "tracing",
    "dispatch",
    "ops",
    "functional",
    "nn optim transforms rematerialization numerical evaluation testing data serialization optional",
    "training",
    "app __main__",
]
"""The modules of autograd_dl from the ground up, as CONTRIBUTING.md has them from the top down."""
FLOORS = {name: k for k, names in enumerate(ROOMS) for name in names.split()}
"""Each module may import what stands on its own floor and below."""
OUTSIDE = {
    "models": {"autograd_dl", "models", "numpy"},
    "visualize": {"autograd_dl", "visualize", "graphviz", "matplotlib", "numpy"},
    "autograd_dl": {"autograd_dl", "numpy"},
    "autograd_dl.app": {"autograd_dl", "models", "visualize", "numpy"},
    "autograd_dl.app.experiments": {"autograd_dl", "models", "visualize", "numpy", "matplotlib"},
    "autograd_dl.app.pytest_plugin": {"autograd_dl", "visualize", "numpy", "pytest"},
    "autograd_dl.testing.examples": {"autograd_dl", "numpy", "hypothesis"},
    "autograd_dl.testing.instructions": {"autograd_dl", "numpy", "hypothesis"},
    "autograd_dl.testing.strategies": {"autograd_dl", "numpy", "hypothesis"},
    "autograd_dl.testing.properties": {"autograd_dl", "numpy", "hypothesis"},
    "autograd_dl.testing.test_installed": {"autograd_dl", "numpy", "hypothesis", "pytest"},
}
"""What each package imports beside the standard library."""
EXTRAS = [
    "matplotlib", "matplotlib_fontja", "graphviz", "pygraphviz", "hypothesis", "pooch", "safetensors", "threadpoolctl",
    "tqdm", "torch", "optuna", "pytest",
]  # fmt: skip


def module_names() -> list[str]:
    found = [p.__name__ for p in PACKAGES]
    for package in PACKAGES:
        found += [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
    return found


MODULES = module_names()


def tree(name: str) -> ast.Module:
    file = importlib.import_module(name).__file__
    assert file is not None
    return ast.parse(Path(file).read_text(encoding="utf-8"))


def is_package(name: str) -> bool:
    return any((Path(p.__path__[0]).parent / name.replace(".", "/") / "__init__.py").exists() for p in PACKAGES)


@cache
def imports(name: str) -> list[str]:
    """The modules that a module imports when it runs: all but what only type checkers see."""
    found: list[str] = []
    pending: list[ast.AST] = [tree(name)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += _imported_from(name, node)
        else:
            pending += ast.iter_child_nodes(node)
    return found


def _imported_from(name: str, node: ast.ImportFrom) -> list[str]:
    levels = node.level - is_package(name)
    start = ".".join(name.split(".")[: -levels or None] if node.level else [])
    base = ".".join(filter(None, [start, node.module]))
    submodules = [f"{base}.{alias.name}" for alias in node.names if f"{base}.{alias.name}" in MODULES]
    return submodules or [base]


def floor(name: str) -> int:
    """The floor of a module of autograd_dl; the package itself stands over all that it re-exports."""
    parts = name.split(".")
    return FLOORS[parts[1]] if len(parts) > 1 else FLOORS["transforms"]


@pytest.mark.skipif(not (ROOT / "CONTRIBUTING.md").exists(), reason="no checkout: there is no CONTRIBUTING.md")
def test_contributing_lists_the_floors():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [re.findall(r"`(?:autograd_dl/)?(\w+)(?:\.py|/)`", row) for row in re.findall(r"^\| (`.*?) \|", text, re.M)]
    assert [row for row in reversed(rows) if row != ["models", "visualize"]] == [names.split() for names in ROOMS]


def test_the_imports_are_found():
    assert "autograd_dl.ops" in imports("autograd_dl.functional.losses")
    assert "autograd_dl.ops.entry" in imports("autograd_dl.ops.fused")
    assert "matplotlib.figure" in imports("visualize.plots.canvas")
    assert "graphviz" not in imports("visualize.dot")


@pytest.mark.parametrize("name", [m for m in MODULES if m.startswith("autograd_dl.")])
def test_imports_point_down(name):
    assert name.split(".")[1] in FLOORS, f"give {name} a floor"
    for imported in imports(name):
        if imported.startswith("autograd_dl"):
            assert floor(imported) <= floor(name), f"{name} imports {imported}"


@pytest.mark.parametrize("name", MODULES)
def test_nothing_else_is_imported_from_outside(name):
    package = max((p for p in OUTSIDE if f"{name}.".startswith(f"{p}.")), key=len)
    for imported in imports(name):
        root = imported.split(".")[0]
        assert root in OUTSIDE[package] or root in sys.stdlib_module_names, f"{name} imports {imported}"


def test_nothing_imports_the_top_floor():
    for name in MODULES:
        if not name.startswith(("autograd_dl.app", "autograd_dl.__main__")):
            assert not [i for i in imports(name) if i.startswith("autograd_dl.app")], name


def python(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("package", ["autograd_dl", "models", "visualize"])
def test_an_import_loads_no_extra(package):
    loaded = python(f"import sys, {package}; print(*{{name.partition('.')[0] for name in sys.modules}})").split()
    assert package in loaded
    assert set(loaded).isdisjoint(EXTRAS)


def test_numpy_is_all_that_a_bare_install_needs():
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in EXTRAS)
    program = f"""
import sys; {blocked}
import numpy as np
from autograd_dl import Tensor
from autograd_dl.data import load_mnist
from autograd_dl.optim import SGD
from models import TwoLayerNet
import autograd_dl.app.cli, autograd_dl.serialization, visualize
(x, t), _ = load_mnist(subset=True)
net = TwoLayerNet(784, 50, 10)
SGD(0.1).update(net.params, net.gradient(x[:100], t[:100]))
print(net.loss(x[:100], t[:100]).shape)
"""
    assert python(program) == "()\n"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.__name__)
def test_the_packages_say_that_they_are_typed(package):
    assert (Path(package.__path__[0]) / "py.typed").exists()


@pytest.mark.skipif("AUTOGRAD_DL_TEST_INSTALLED" not in os.environ, reason="the checkout is tested, not the wheel")
def test_the_installed_packages_are_tested():
    for package in PACKAGES:
        assert "site-packages" in Path(package.__path__[0]).parts


def test_the_subset_is_shipped_with_its_licence():
    folder = Path(autograd_dl.__path__[0]) / "data" / "mnist_subset"
    assert "licen" in (folder / "LICENSE.md").read_text(encoding="utf-8").lower()
    assert sum(file.stat().st_size for file in folder.iterdir()) < 3e6


def undocumented(name: str) -> Iterator[str]:
    """The public classes, functions and methods of a module that have no docstring.

    What stands in for a function of NumPy is documented there, and an optimizer's step in its class.
    """
    module = tree(name)
    if not ast.get_docstring(module):
        yield name
    for node in _definitions(module):
        if not ast.get_docstring(node) and not name.startswith("autograd_dl.ops."):
            yield f"{name}.{node.name}"
        for member in _definitions(node):
            if isinstance(node, ast.ClassDef) and member.name != "update_step" and not ast.get_docstring(member):
                yield f"{name}.{node.name}.{member.name}"


def _definitions(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> list[ast.ClassDef | ast.FunctionDef]:
    """The public classes and functions that are defined in it, but for overloads and setters of properties."""
    found = [n for n in node.body if isinstance(n, (ast.FunctionDef, ast.ClassDef)) and not n.name.startswith("_")]
    return [n for n in found if not any(ast.unparse(d).endswith(("overload", ".setter")) for d in n.decorator_list)]


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name):
    assert not list(undocumented(name))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_are_true(name):
    module = sys.modules.get(name) or importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [importlib.import_module(name) for name in MODULES]
    assert sum(len(t.examples) > 0 for m in modules for t in finder.find(m)) >= 10


def rules_in(tree):
    """The functions of a module that look like rules, (g, ans, ...), with the parameters of each that are kept."""
    for rule in ast.walk(tree):
        if isinstance(rule, (ast.FunctionDef, ast.Lambda)):
            names = [a.arg for a in rule.args.args]
            names = names[: len(names) - len(rule.args.defaults)]
            if names[1:2] in (["ans"], ["_ans"]):
                yield rule, [name for name in names[1:] if not name.startswith("_")]


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("autograd_dl.ops.")])
def test_rules_keep_no_array_for_its_outline_alone(name):
    tree = ast.parse(Path(importlib.import_module(name).__file__).read_text(encoding="utf-8"))
    outline = {id(a.value) for a in ast.walk(tree) if isinstance(a, ast.Attribute) and a.attr in OF_AN_OUTLINE}
    for rule, kept in rules_in(tree):
        uses = [n for n in ast.walk(rule) if isinstance(n, ast.Name)]
        read = {n.id for n in uses if id(n) not in outline}
        assert set(kept) <= read, f"{name}, line {rule.lineno}: begin the names of what is not read with _"


OF_AN_OUTLINE = {"shape", "dtype", "ndim", "size"}
"""What is known of an argument that a graph does not keep."""


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_nothing_shipped_names_a_machine():
    for package in PACKAGES:
        for file in Path(package.__path__[0]).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            assert not any(word in text for word in ("/home/", "/tmp/", "/root/", "/work/")), file


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no checkout: there is no list of tracked files")
def test_no_tracked_file_is_large():
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in done.stdout.split("\0") if name and "/mnist_subset/" not in name]
    assert files
    assert [file for file in files if file.exists() and file.stat().st_size > 300_000] == []


HELPERS = {"arguments", "settings", "parameters"}
"""Modules of functional and optim that the others need, and readers do not."""


@pytest.mark.parametrize("name", ["functional", "nn", "optim"])
def test_the_books_star_imports_bring_what_the_module_defines(name):
    module = importlib.import_module(f"autograd_dl.{name}")
    places = [m for m in MODULES if f"{m}.".startswith(f"{module.__name__}.") and m.rpartition(".")[2] not in HELPERS]
    own = {
        key for place in places for key, value in vars(importlib.import_module(place)).items()
        if callable(value) and getattr(value, "__module__", "") == place and not key.startswith("_")
    }  # fmt: skip
    assert own - {"chosen_names"} == set(module.__all__)


STARS = {
    "autograd_dl": {"Tensor", "grad", "no_grad", "ops"},
    "autograd_dl.data": {"load_mnist", "MiniBatches", "rotate"},
    "autograd_dl.evaluation": {"accuracy", "correct", "predictions"},
    "autograd_dl.numerical": {"numerical_gradient"},
    "autograd_dl.serialization": {"save_arrays"},
    "visualize.plots": {"history", "filters"},
    "visualize.figures": {"draw_affine"},
    "autograd_dl.ops": {"defvjp", "primitive", "im2col", "logsumexp"},
    "autograd_dl.testing": {"check_gradients", "GradientError"},
    "autograd_dl.training": {"Trainer", "Ensemble", "smooth_curve"},
    "models": {"TwoLayerNet", "DeepConvNet", "XOR"},
    "visualize": {"draw_graph", "to_dot", "plot_history", "explain"},
}


@pytest.mark.parametrize("name", STARS)
def test_star_imports_bring_names_and_no_room_of_the_house(name):
    names: dict[str, object] = {}
    exec(f"from {name} import *", names)
    assert STARS[name] <= names.keys()
    assert {key for key, value in names.items() if isinstance(value, ModuleType)} <= {"ops", "notebook"}


def test_a_numpy_that_has_one_function_by_two_names_is_no_trouble():
    aliases = "np.linalg.matmul = np.matmul; np.linalg.outer = np.outer"
    assert python(f"import numpy as np; {aliases}; import autograd_dl; print(1)") == "1\n"


def test_what_stands_in_for_a_function_cannot_be_entered_twice():
    with pytest.raises(RuleError, match=r"np.linalg.norm is in the table already"):
        composed(np.linalg.norm)(lambda x: 0 * np.sum(x))

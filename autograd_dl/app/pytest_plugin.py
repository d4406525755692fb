"""The plugin of pytest: options for gradient properties, the fixture `gradcheck`, and a picture of what failed.

pytest loads it wherever the package is installed: what takes long to import is imported where it is used.
"""

from __future__ import annotations

import argparse
import functools
import re
import zlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from autograd_dl.testing import GradientError, Report

MARKER = "gradcheck: compares gradients with numerical ones; every @gradient_property has this mark"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("gradcheck", "gradients against numerical ones (autograd_dl)")
    group.addoption("--gradcheck-examples", type=_count, metavar="N", help="examples of each @gradient_property")
    group.addoption("--gradcheck-seed", type=int, metavar="SEED", help="draw examples and directions from this seed")
    group.addoption("--gradcheck-artifacts", type=Path, metavar="DIR", help="draw each graph that fails to DIR, as SVG")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text!r}")
    return int(text)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and have the properties that are defined from now on heed the options."""
    config.addinivalue_line("markers", MARKER)
    examples, seed = config.getoption("--gradcheck-examples"), config.getoption("--gradcheck-seed")
    if examples is not None or seed is not None:
        try:
            from autograd_dl.testing import properties
        except ImportError:  # without Hypothesis there are no properties
            return
        properties.defaults = properties.Defaults(examples, seed)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the properties, before -m chooses among the tests."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_gradient_property", False):
            item.add_marker(pytest.mark.gradcheck)


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """`check_gradients`, with the seed of the command line: `gradcheck(np.exp, x)`."""
    from autograd_dl.testing import check_gradients

    seed = request.config.getoption("--gradcheck-seed")
    return check_gradients if seed is None else functools.partial(check_gradients, seed=seed)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a gradient that is wrong where its picture is."""
    report = yield
    folder: Path | None = item.config.getoption("--gradcheck-artifacts")
    error: BaseException | None = call.excinfo.value if call.excinfo is not None else None
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if folder is not None and error is not None:
        from autograd_dl.testing import GradientError

        if isinstance(error, GradientError) and error.program is not None:
            report.sections.append(("gradcheck", _drawn(error, folder / f"{_file_name(item.nodeid)}.svg")))
    return report


def _file_name(node_id: str) -> str:
    """A name that no other test has: tests may differ in characters that no file name should have, or in their case."""
    told = re.sub(r"[^\w.-]+", "-", node_id).strip("-")
    told = told.encode()[-150:].decode(errors="ignore")  # file systems count bytes
    return told if told == node_id.replace("::", "-").lower() else f"{told}-{zlib.crc32(node_id.encode()):08x}"


def _drawn(error: GradientError, file: Path) -> str:
    """Draw the program that failed, its wrong op in red; returns a line that says where, or why not."""
    import numpy as np

    from autograd_dl import Tensor
    from autograd_dl.errors import AutogradError
    from autograd_dl.graph import toposort
    from autograd_dl.tracing import leaves_of
    from visualize import draw_graph
    from visualize.rendering import write_picture

    program, suspect = error.program, error.suspect
    assert program is not None
    try:
        with np.errstate(all="ignore"):
            leaves = [
                Tensor(x, requires_grad=True, name=name) for x, name in zip(program.inputs, program.names, strict=True)
            ]
            results = program.results(*leaves)
        wrong = None if suspect is None else results[len(program.inputs) + suspect.step]
        marked = [wrong.node] if isinstance(wrong, Tensor) and wrong.node is not None else []
        outputs = leaves_of(program.output_of(results))
        output = next((y for y in outputs if y.node is not None and {*marked} <= {*toposort([y.node])}), outputs[-1])
        file.parent.mkdir(parents=True, exist_ok=True)
        return f"the graph is drawn in {write_picture(draw_graph(output, highlight=marked), file)}"
    except (AutogradError, OSError, ArithmeticError, UserWarning) as fault:
        return f"the graph could not be drawn: {fault}"

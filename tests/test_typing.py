"""Types: a program of the public API passes `mypy --strict`, and wrong ones do not."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import autograd_dl

EXAMPLES = Path(__file__).with_name("typing_examples.py")
WRONG = {
    "Tensor('x', requires_grad='yes')": "arg-type",
    "Tensor(1.0).grad.data": "union-attr",
    "Tensor(1.0).backward(None, True)": "call-arg|misc",
    "class Mine(Tensor): ...": "misc",
    "gradients(Tensor(1.0), 'x')": "arg-type",
    "Tensor(1.0) + object()": "operator",
    "Tensor(1.0).gradient": "attr-defined",
    "checkpoint(len)(1.0)": "arg-type",
    # docs/numpy.md says so of NumPy's own types
    "mean: Tensor = np.mean(Tensor([1.0]))": "assignment",
    "exp: Tensor = np.exp(Tensor([1.0]))": "assignment",
    "product: Tensor = np.ones((1, 1)) @ Tensor([1.0])": "assignment",
    "total: Tensor = np.ones(1) + Tensor([1.0])": "assignment",
}


def mypy(tmp_path, *files):
    """What mypy prints of these files."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    root = Path(autograd_dl.__file__).parents[1]
    installed = root == Path(sysconfig.get_path("purelib"))  # where mypy looks without being told to
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    run = subprocess.run(
        [*command, "--follow-imports=silent", *map(str, files)],
        cwd=tmp_path,
        env=os.environ | ({} if installed else {"MYPYPATH": str(root)}),
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


def test_a_typed_program_and_wrong_ones(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "\n".join(["import numpy as np; from autograd_dl import Tensor, checkpoint, gradients", *WRONG]) + "\n"
    )
    printed = mypy(tmp_path, EXAMPLES, wrong)
    assert EXAMPLES.name not in printed, printed
    for line, kinds in enumerate(WRONG.values(), 2):
        found = [text for text in printed.splitlines() if text.startswith(f"wrong.py:{line}:")]
        assert any(f"[{kind}]" in text for text in found for kind in kinds.split("|")), (line, printed)


def test_what_the_docs_say_of_types(tmp_path):
    page = EXAMPLES.parents[1] / "docs" / "numpy.md"
    if not page.exists():
        pytest.skip("the docs are not beside an installed copy's tests")
    section = page.read_text(encoding="utf-8").partition("## Typing\n")[2]
    (tmp_path / "shown.py").write_text(section.split("```")[1].removeprefix("python\n"), encoding="utf-8")
    assert mypy(tmp_path, tmp_path / "shown.py").startswith("Success")


def test_the_typed_program_runs():
    runpy.run_path(str(EXAMPLES))

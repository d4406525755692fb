import sys
import types

import pytest

from autograd_dl.app.cli import main
from autograd_dl.errors import AutogradError, MissingExtraError
from autograd_dl.optional import need, need_all


def test_what_is_there_is_returned():
    assert need("json", "viz") is sys.modules["json"]
    assert need("xml.etree.ElementTree", "viz") is sys.modules["xml.etree.ElementTree"]


@pytest.mark.parametrize("module", ["absent_library", "absent_library.part"])
def test_what_is_missing_is_told_in_one_line_with_the_command(module):
    with pytest.raises(MissingExtraError) as caught:
        need(module, "train")
    assert str(caught.value) == (
        'this needs absent_library, which the extra "train" installs: pip install "autograd_dl[train]"'
    )
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value, AutogradError)


def test_what_is_blocked_counts_as_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "json", None)
    with pytest.raises(MissingExtraError, match="needs json"):
        need("json", "viz")


def test_what_is_there_but_broken_is_not_called_missing(monkeypatch, tmp_path):
    (tmp_path / "broken_library.py").write_text("raise ImportError('libfoo.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"broken_library is installed, but cannot be imported: libfoo\.so\.1"):
        need("broken_library", "viz")


def test_whatever_error_a_library_raises_is_told_in_one_line(monkeypatch, tmp_path):
    (tmp_path / "failing_library.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    message = "^failing_library is installed, but cannot be imported: division by zero$"
    with pytest.raises(MissingExtraError, match=message):
        need("failing_library", "viz")


def test_all_that_is_missing_is_told_at_once(monkeypatch):
    for name in ("matplotlib", "safetensors"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError) as caught:
        need_all({"matplotlib": "viz", "json": "viz", "safetensors": "train"})
    assert str(caught.value) == (
        'this needs matplotlib, safetensors, which the extras "train" and "viz" install: '
        'pip install "autograd_dl[train,viz]"'
    )
    with pytest.raises(MissingExtraError, match=r'needs matplotlib, which the extra "viz" installs'):
        need_all({"json": "train", "matplotlib": "viz"})


def test_a_training_tells_of_both_extras(monkeypatch, capsys):
    for name in ("matplotlib", "safetensors"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["train", "two-layer-net"]) == 1
    assert capsys.readouterr().err.endswith('pip install "autograd_dl[train,viz]"\n')


@pytest.mark.parametrize(
    ("call", "module", "extra"),
    [
        ("to_dot", "graphviz", "viz"),
        ("draw_graph", "graphviz", "viz"),
        ("plot_history", "matplotlib", "viz"),
        ("save_arrays", "safetensors", "train"),
        ("load_arrays", "safetensors", "train"),
    ],
)
def test_each_use_names_its_extra(monkeypatch, tmp_path, call, module, extra):
    import autograd_dl.serialization
    import visualize
    from autograd_dl import Tensor

    arguments = {
        "to_dot": [Tensor(1.0)],
        "draw_graph": [Tensor(1.0)],
        "plot_history": [{}],
        "save_arrays": [tmp_path / "a.safetensors", {}],
        "load_arrays": [tmp_path / "a.safetensors"],
    }
    home: types.ModuleType = visualize if extra == "viz" else autograd_dl.serialization
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf'needs {module}, .*"autograd_dl\[{extra}\]"'):
        getattr(home, call)(*arguments[call])
    assert list(tmp_path.iterdir()) == []

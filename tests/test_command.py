"""`autograd-dl`: its options, `graph`, and what every command does when something is wrong."""

import errno
import os
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from commands import fails

import autograd_dl
from autograd_dl.app.cli import main
from autograd_dl.app.graphs import GRAPHS
from autograd_dl.app.train import Plan
from visualize import to_dot

pytest.importorskip("graphviz")
pytest.importorskip("pygraphviz")
MODULE = [sys.executable, "-m", "autograd_dl.app.cli"]


def test_the_package_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "autograd_dl", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"autograd-dl {autograd_dl.__version__}\n"


def refused(capsys, *arguments):
    """The command is refused with status 2 and one line on standard error, which is returned."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("learn", ["learn", "train", "graph"]),
        ("train", ["required", "MODEL"]),
        ("train simple-net", ["simple-net", "two-layer-net", "resnet"]),
        ("train two-layer-net --data full", ["--data", "full", "subset", "mnist"]),
        ("train two-layer-net --iterations 0", ["--iterations", "from 1 to 1000000000", "not 0"]),
        ("train two-layer-net --iterations 1.5", ["--iterations", "invalid int value: '1.5'"]),
        ("train two-layer-net --iterations 10000000000000000000000", ["--iterations", "from 1 to"]),
        ("train two-layer-net --epochs -1", ["--epochs", "not -1"]),
        ("train two-layer-net --epochs 1 --iterations 1", ["--epochs", "--iterations", "not allowed"]),
        ("train two-layer-net --batch-size 0", ["--batch-size", "not 0"]),
        ("train two-layer-net --lr -0.1", ["--lr", "not -0.1"]),
        ("train two-layer-net --lr nan", ["--lr", "not nan"]),
        ("train two-layer-net --lr inf", ["--lr", "not inf"]),
        ("train two-layer-net --lr fast", ["--lr", "invalid float value: 'fast'"]),
        ("train two-layer-net --activation swish", ["--activation", "swish", "relu", "sigmoid", "tanh"]),
        ("train two-layer-net --seed -1", ["--seed", "not -1"]),
        ("train two-layer-net --dtype int8", ["--dtype", "int8", "float32"]),
        ("train two-layer-net --out", ["--out", "expected one argument"]),
        (
            "train two-layer-net --verbose",
            ["unrecognized", "--verbose", "(see autograd-dl train two-layer-net --help)"],
        ),
        ("train two-layer-net --optimizer lbfgs", ["--optimizer", "lbfgs", "sgd", "adamw"]),
        ("train two-layer-net --schedule cyclic", ["--schedule", "cyclic", "constant", "warm-up"]),
        ("train two-layer-net --checkpoint-every 0", ["--checkpoint-every", "not 0"]),
        ("train resnet --activation relu", ["--activation"]),
        ("evaluate", ["required", "MODEL"]),
        ("evaluate two-layer-net", ["required", "WEIGHTS"]),
        ("evaluate resnet a.safetensors --activation relu", ["--activation"]),
        ("evaluate lenet a.safetensors --dtype int8", ["--dtype", "int8"]),
        ("graph", ["required"]),
        ("graph apple", ["required", "-o"]),
        ("graph pear -o pear.svg", ["pear", "apple-orange"]),
        ("graph apple -o apple.svg --rankdir up", ["--rankdir", "UP", "LR", "TB"]),
    ],
)
def test_bad_options(capsys, arguments, words):
    error = refused(capsys, *arguments.split())
    assert all(word in error for word in words), error
    assert error.startswith("autograd-dl")
    assert "--help)" in error


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        ("train two_layer_net", "two-layer-net"),
        ("train TwoLayerNet", "two-layer-net"),
        ("evaluate VGG", "vgg"),
        ("graph chain_rule -o a.svg", "chain-rule"),
        ("trian lenet", "train"),
        ("train lenet --schedule warmup", "warm-up"),
    ],
)
def test_a_choice_that_is_near_is_named(capsys, arguments, near):
    assert f" (did you mean {near}?) (choose from " in refused(capsys, *arguments.split())


def test_where_no_choice_is_near_none_is_named(capsys):
    assert "invalid choice: 'zzz' (choose from two-layer-net, " in refused(capsys, "train", "zzz")


def test_the_options_are_not_too_tight(monkeypatch):
    seen = []
    monkeypatch.setattr("autograd_dl.app.train.train", seen.append)
    assert main(["train", "two-layer-net"]) == 0
    (plan,) = seen
    assert plan == Plan(
        model="two-layer-net", data="subset", iterations=None, epochs=None, batch_size=100, optimizer="sgd", lr=None,
        schedule="constant", activation="relu", seed=0, dtype="float32", out=Path("runs", "two-layer-net"),
        checkpoint_every=None, resume=False,
    )  # fmt: skip
    assert (plan.steps, plan.rate) == (10_000, 0.1)
    assert main(["train", "two-layer-net", "--lr", "0", "--seed", str(2**64 - 1), "--epochs", "3"]) == 0
    plan = seen[1]
    assert (plan.rate, plan.seed, plan.steps) == (0, 2**64 - 1, 150)


HELP = ["", "train", "train two-layer-net", "train resnet", "evaluate", "evaluate vgg", "graph", "experiment"]


@pytest.mark.parametrize("arguments", [*([*words.split(), "--help"] for words in HELP), ["--version"]])
def test_help_and_version(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert "autograd-dl" in printed
    if arguments == ["--version"]:
        assert printed == f"autograd-dl {autograd_dl.__version__}\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no file here that is always full")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_into_a_full_file(option):
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        made = subprocess.run(
            [*MODULE, option], check=False, env=buffered, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (made.returncode, made.stderr) == (1, "autograd-dl: No space left on device\n")


def test_nothing_asked_for_is_answered_by_the_help(capsys):
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("usage: autograd-dl")
    assert "experiment" in printed.err


def test_a_network_from_top_to_bottom(tmp_path):
    for rankdir in ("LR", "TB"):
        file = tmp_path / f"{rankdir}.svg"
        assert main(["graph", "lenet", "--style", "layers", "--rankdir", rankdir, "-o", str(file)]) == 0
    wide, high = (
        ET.parse(tmp_path / f"{rankdir}.svg").getroot().get("viewBox").split()[2:] for rankdir in ("LR", "TB")
    )
    assert float(wide[0]) > 2 * float(wide[1])
    assert float(high[1]) > 2 * float(high[0])


HEADS = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-", "dot": b"digraph {", "gv": b"digraph {"}


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("graph", ["apple", "apple-orange", "two-layer-net"])
def test_pictures(tmp_path, capsys, graph, kind):
    file = tmp_path / f"a picture.{kind}"
    assert main(["graph", graph, "-o", str(file)]) == 0
    assert file.read_bytes().startswith(HEADS[kind])
    assert capsys.readouterr().out == f"wrote {file}\n"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("graph", "numbers"),
    [
        ("apple", "100 2 200 1.1 220 1 200 1.1 110 2.2"),
        ("apple-orange", "100 2 200 150 3 450 650 1.1 715 1 650 1.1 1.1 1.1 165 3.3 110 2.2"),
    ],
)
def test_the_purchases_show_the_books_numbers(tmp_path, graph, numbers):
    main(["graph", graph, "-o", str(tmp_path / "a.svg")])
    texts = [t.text.strip() for t in ET.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}text")]
    names = {"apple price", "number of apples", "orange price", "number of oranges", "tax", "total", "×", "+"}
    assert sorted(t for t in texts if t not in names) == sorted(numbers.split())


@pytest.mark.parametrize("name", ["apple", "apple.", "apple.jpg", ".svg", "apple.svg.txt"])
def test_a_bad_ending(tmp_path, capsys, name):
    assert "ends in .svg, .png, .pdf or .dot" in fails(capsys, "graph", "apple", "-o", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_the_folder(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in fails(capsys, "graph", "apple", "-o", tmp_path / "file" / "apple.svg")


def test_a_folder_in_the_way_of_the_file(tmp_path, capsys):
    (tmp_path / "apple.svg").mkdir()
    assert f": {tmp_path / 'apple.svg'}\n" in fails(capsys, "graph", "apple", "-o", tmp_path / "apple.svg")
    assert [p.name for p in tmp_path.iterdir()] == ["apple.svg"]


def test_a_full_disk_leaves_the_old_picture(tmp_path, capsys, monkeypatch):
    file = tmp_path / "apple.svg"
    file.write_text("the old one")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert fails(capsys, "graph", "apple", "-o", file) == f"autograd-dl: No space left on device: {file}\n"
    assert file.read_text() == "the old one"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("options", "drawn"),
    [
        ([], {}),
        (["--no-gradients", "--constants", "inside"], {"gradients": False, "constants": "inside"}),
        (["--values", "symbols"], {"values": "symbols"}),
        (["--values", "none"], {"values": None}),
        (["--values", "full", "--expand"], {"values": "full", "expand": True}),
    ],
)
def test_options_of_pictures(tmp_path, options, drawn):
    file = tmp_path / "a.dot"
    assert main(["graph", "two-layer-net", *options, "-o", str(file)]) == 0
    assert file.read_text(encoding="utf-8") == to_dot(GRAPHS["two-layer-net"](), **drawn)


def test_options_replace_those_that_a_picture_has(tmp_path):
    main(["graph", "chain-rule", "--values", "auto", "-o", str(tmp_path / "a.dot")])
    text = (tmp_path / "a.dot").read_text(encoding="utf-8")
    assert text == to_dot(GRAPHS["chain-rule"](), constants="inside")


def test_without_graphviz_for_python_the_extra_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    error = fails(capsys, "graph", "apple", "-o", tmp_path / "apple.svg")
    assert error == (
        'autograd-dl: this needs graphviz, which the extra "viz" installs: pip install "autograd_dl[viz]"\n'
    )


def test_without_any_graphviz_the_dot_text_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")
    assert main(["graph", "apple", "-o", str(tmp_path / "apple.svg")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"wrote {tmp_path / 'apple.dot'}"
    assert lines[1].startswith("(no Graphviz was found to make apple.svg: ")
    assert lines[1].endswith(f"dot -Tsvg {tmp_path / 'apple.dot'} -o {tmp_path / 'apple.svg'})")
    assert len(lines) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["apple.dot"]


def test_the_hint_can_be_pasted(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")
    assert main(["graph", "apple", "-o", str(tmp_path / "a $(b).png")]) == 0
    assert f"dot -Tpng '{tmp_path / 'a $(b).dot'}' -o '{tmp_path / 'a $(b).png'}')" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "autograd-dl: MemoryError\n"),
        (OSError("no\nnumber"), "autograd-dl: no number\n"),
        (KeyboardInterrupt(), "autograd-dl: interrupted\n"),
    ],
)
def test_other_errors(capsys, monkeypatch, error, line):
    def fail(plan):
        raise error

    monkeypatch.setattr("autograd_dl.app.train.train", fail)
    assert main(["train", "two-layer-net"]) == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert capsys.readouterr().err == line


def test_an_error_of_the_program_is_not_hidden(monkeypatch):
    monkeypatch.setattr("autograd_dl.app.train.train", lambda plan: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["train", "two-layer-net"])


class TestAsAProgram:
    def test_it_runs_as_a_module(self, tmp_path):
        file = tmp_path / "apple.dot"
        done = subprocess.run([*MODULE, "graph", "apple", "-o", str(file)], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"wrote {file}\n", "")

    def test_a_bad_option_has_status_2(self):
        done = subprocess.run([*MODULE, "graph", "pear"], capture_output=True, text=True)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
    def test_an_output_that_is_full(self, tmp_path):
        with open("/dev/full", "w") as full:
            command = [*MODULE, "graph", "apple", "-o", str(tmp_path / "apple.dot")]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
        assert (done.returncode, done.stderr) == (1, "autograd-dl: No space left on device\n")

    @pytest.mark.skipif(sys.platform == "win32", reason="pipes break otherwise there")
    def test_an_output_that_is_closed(self, tmp_path):
        reads, writes = os.pipe()
        os.close(reads)
        command = [*MODULE, "graph", "apple", "-o", str(tmp_path / "apple.dot")]
        done = subprocess.run(command, stdout=writes, stderr=subprocess.PIPE, text=True)
        os.close(writes)
        assert (done.returncode, done.stderr) == (1, "autograd-dl: Broken pipe\n")

    @pytest.mark.parametrize("name", ["apple.dot", "apple.png"])
    @pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
    @pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes them")
    def test_streams_that_are_closed(self, tmp_path, closed, name):
        file = tmp_path / name
        command = f"{shlex.join([*MODULE, 'graph', 'apple', '-o', str(file)])} {closed}"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert file.read_bytes().startswith(HEADS[file.suffix[1:]])

    @pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes it")
    @pytest.mark.parametrize("arguments", ["graph pear", "graph apple -o apple.jpg"])
    def test_an_error_does_not_go_to_the_output_instead(self, arguments):
        command = f"{shlex.join(MODULE)} {arguments} 2>&-"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
        assert done.returncode == (2 if "pear" in arguments else 1)
        assert done.stdout == ""

    @pytest.mark.skipif(sys.platform == "win32", reason="names of files are encoded as on POSIX")
    @pytest.mark.parametrize("name", ["日本.dot", "日本.jpg"])
    def test_names_that_the_output_cannot_show(self, tmp_path, name):
        environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"}
        command = [*MODULE, "graph", "apple", "-o", str(tmp_path / name)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == (0 if name.endswith("dot") else 1)
        assert "\\u65e5\\u672c" in (done.stdout or done.stderr)
        assert "Traceback" not in done.stderr

"""The command `autograd-dl`: trains the book's networks and draws its graphs."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

import autograd_dl
from autograd_dl.errors import AutogradError, DataError

T = TypeVar("T", int, float)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, without the usage that argparse prints before it."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status. An error is one line on standard error."""
    _prepare_streams()
    arguments = _parser().parse_args(argv)
    with _interruptions() as interrupted:
        try:
            arguments.run(arguments)
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            if interrupted or isinstance(error, KeyboardInterrupt):
                return _failed("interrupted", 130)
            if isinstance(error, (AutogradError, OSError, MemoryError)):
                return _failed(_told(error), 1)
            raise
    return 0


def _prepare_streams() -> None:
    """Let both streams take whatever is printed: what their encoding lacks, and all of it where one is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 -- open as long as we run
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """A list that is empty until the first SIGINT: C++ extensions may turn its KeyboardInterrupt into another error."""
    received: list[int] = []

    def handler(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # it is ignored, or the caller's own
        yield received
        return
    try:
        signal.signal(signal.SIGINT, handler)
    except ValueError:  # not the main thread, which alone is interrupted
        yield received
        return
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _told(error: Exception) -> str:
    """What was wrong, and with which file."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _failed(text: str, status: int) -> int:
    """Say in one line what was wrong, and let the interpreter not fail again on what could not be printed."""
    print(f"autograd-dl: {' '.join(text.split())}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="autograd-dl", description="The networks and graphs of 'Deep Learning from Scratch'.")
    parser.add_argument("--version", action="version", version=f"autograd-dl {autograd_dl.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    _add_graph(commands)
    _add_experiment(commands)
    return parser


def _add_train(commands: argparse._SubParsersAction[_Parser]) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on handwritten digits",
        description="Train a network on handwritten digits. Accuracy is measured on all training and test images "
        "before the training, after every epoch (in long trainings after every second, third ..., so that there are "
        "about 50 measurements), and at the end.",
    )
    train.add_argument("model", choices=["two-layer-net"])
    train.add_argument("--data", choices=["subset", "mnist"], default="subset", help="which digits (default: subset)")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--iterations", type=_within(int, 1, 10**9), default=10_000, metavar="N", help="default: 10000")
    length.add_argument("--epochs", type=_within(int, 1, 10**9), metavar="N", help="instead of iterations")
    train.add_argument("--batch-size", type=_within(int, 1, 10**9), default=100, metavar="N", help="default: 100")
    train.add_argument("--lr", type=_within(float, 0, 10**9), default=0.1, metavar="RATE", help="default: 0.1")
    train.add_argument("--activation", choices=["relu", "sigmoid"], default="relu", help="default: relu")
    train.add_argument("--seed", type=_within(int, 0, 2**64 - 1), default=0, metavar="N", help="default: 0")
    train.add_argument("--dtype", choices=["float16", "float32", "float64"], default="float32", help="default: float32")
    train.add_argument("--out", type=Path, default=Path("runs/two-layer-net"), metavar="DIR", help="where files go")
    train.set_defaults(run=_train)


def _add_graph(commands: argparse._SubParsersAction[_Parser]) -> None:
    graph = commands.add_parser("graph", help="draw a computation graph")
    graph.add_argument("graph", choices=["apple", "apple-orange", "two-layer-net"])
    graph.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="an .svg, .png, .pdf or .dot")
    graph.set_defaults(run=_graph)


def _add_experiment(commands: argparse._SubParsersAction[_Parser]) -> None:
    made = commands.add_parser(
        "experiment",
        help="make one of the book's experiments",
        description="Make one of the book's experiments, with the book's settings: a figure and its numbers.",
    )
    made.add_argument("name", nargs="?", metavar="NAME", help="which; --list tells them")
    made.add_argument("--list", action="store_true", help="tell all experiments")
    made.add_argument("--data", choices=["subset", "mnist"], default="subset", help="which digits (default: subset)")
    made.add_argument("--quick", action="store_true", help="in seconds, with less of everything")
    made.add_argument("--seed", type=_within(int, 0, 2**64 - 1), default=0, metavar="N", help="default: 0")
    made.add_argument("--weights", type=Path, metavar="FILE", help="weights of the network, where one is looked at")
    made.add_argument("--out", type=Path, default=Path("runs/experiments"), metavar="DIR", help="where files go")
    made.set_defaults(run=_experiment)


def _experiment(arguments: argparse.Namespace) -> None:
    from .experiment import listing, make
    from .experiments import Settings, experiments

    if arguments.list:
        print(listing())
        return
    if arguments.name not in experiments():
        raise DataError(f"there is no experiment {arguments.name!r}; autograd-dl experiment --list tells them")
    settings = Settings(arguments.data, arguments.quick, arguments.seed, arguments.weights)
    for file in make(arguments.name, settings, arguments.out):
        print(f"wrote {file}")


def _train(arguments: argparse.Namespace) -> None:
    from .train import train_two_layer_net

    train_two_layer_net(
        data=arguments.data,
        iterations=arguments.iterations,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        lr=arguments.lr,
        activation=arguments.activation,
        seed=arguments.seed,
        dtype=arguments.dtype,
        out=arguments.out,
    )


def _graph(arguments: argparse.Namespace) -> None:
    from .graphs import GRAPHS, draw

    print(draw(GRAPHS[arguments.graph](), arguments.output))


def _within(kind: Callable[[str], T], least: int, most: int) -> Callable[[str], T]:
    """A number of that kind, from `least` to `most`."""

    def number(text: str) -> T:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}, not {text}")
        return value

    number.__name__ = kind.__name__  # what argparse calls it where `kind` fails
    return number


if __name__ == "__main__":
    sys.exit(main())

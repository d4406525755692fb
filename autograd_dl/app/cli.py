"""The command `autograd-dl`: it parses its arguments, runs what they name, and tells in one line what went wrong."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from autograd_dl.errors import AutogradError

from .commands import COMMANDS
from .parser import command_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status. An error is one line on standard error."""
    _prepare_streams()
    parser = command_parser()
    given = sys.argv[1:] if argv is None else argv
    if not given:
        parser.print_help(sys.stderr)
        return 2
    arguments = argparse.Namespace()
    with _interruptions() as interrupted:
        try:
            parser.parse_args(given, arguments)
            COMMANDS[arguments.command](arguments)
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            if interrupted or isinstance(error, KeyboardInterrupt):
                return _failed(f"interrupted{_way_on(arguments)}", 130)
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
    """A list that is empty until the first SIGINT: C++ extensions may turn its KeyboardInterrupt into another error.

    A second SIGINT, while the first is being told of, ends the process without a word.
    """
    received: list[int] = []

    def handler(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)
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


def _way_on(arguments: argparse.Namespace) -> str:
    """How an interrupted training goes on, if it has left a checkpoint."""
    checkpoint: Path | None = getattr(arguments, "checkpoint", None)
    if checkpoint is None or not checkpoint.exists():
        return ""
    return f"; the same with --resume goes on from {checkpoint}"


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


if __name__ == "__main__":
    sys.exit(main())

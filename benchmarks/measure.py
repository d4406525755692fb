"""Timing side by side: what is compared runs in turn, so that a machine that slows down slows both."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

ROUNDS = 7
LAP_SECONDS = 0.3

Lap = Callable[[], float]
"""Runs the work for a while and returns the seconds of one unit of it."""


class Ratio(NamedTuple):
    """Our time over theirs: the median round, and the spread."""

    median: float
    least: float
    most: float
    ours: float
    theirs: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}-{self.most:.2f})"


def laps_of(work: Callable[[], object]) -> Lap:
    """Laps of about `LAP_SECONDS`, after a warm-up, with the garbage collector on as in a user's program."""
    for _ in range(3):
        work()
    start = time.perf_counter()
    work()
    repeats = max(1, int(LAP_SECONDS / max(time.perf_counter() - start, 1e-9)))

    def lap() -> float:
        gc.collect()
        start = time.perf_counter()
        for _ in range(repeats):
            work()
        return (time.perf_counter() - start) / repeats

    lap()
    return lap


def compare(ours: Lap, theirs: Lap) -> Ratio:
    """The ratio of both over `ROUNDS` rounds, in which they run one after the other."""
    pairs = []
    for i in range(ROUNDS):
        if i % 2:
            b, a = theirs(), ours()
        else:
            a, b = ours(), theirs()
        pairs.append((a, b))
    return ratio_of(pairs)


def ratio_of(pairs: list[tuple[float, float]]) -> Ratio:
    """The median and the spread of an odd number of rounds, pairs of (ours, theirs)."""
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    middle = len(pairs) // 2
    ours, theirs = (sorted(sizes)[middle] for sizes in zip(*pairs, strict=True))
    return Ratio(ratios[middle], ratios[0], ratios[-1], ours, theirs)


class Process:
    """Laps in a process of its own, which sleeps between them."""

    def __init__(self, module: str, name: str) -> None:
        command = [sys.executable, "-m", "benchmarks.measure", module, name]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        self.process.communicate("")


def serve(module: str, name: str) -> None:
    """Run a lap of one side of a row whenever a line comes in."""
    import importlib

    lap = laps_of(importlib.import_module(module).SIDES[name]())
    for _ in sys.stdin:
        print(json.dumps(lap()), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])

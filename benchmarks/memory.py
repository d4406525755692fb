"""How much memory a step takes beyond the built model and its data: by how much the peak grows (on Linux)."""

from __future__ import annotations

import subprocess
import sys

from .measure import Ratio, ratio_of
from .networks import NETWORKS

STEP = NETWORKS["DeepConvNet step, Adam"]
ROUNDS = 5


def growth(side: str) -> float:
    """Bytes, in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.memory", side]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def compare(peer: str) -> Ratio:
    """The ratio of our growth to the peer's."""
    return ratio_of([(growth("ours"), growth(peer)) for _ in range(ROUNDS)])


def _resident(what: str) -> int:
    """Bytes: VmRSS is what is resident now, VmHWM the most there was."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(what))


def _grow(side: str) -> int:
    step = STEP[side]()
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")  # the peak begins anew
    before = _resident("VmRSS")
    step()
    return _resident("VmHWM") - before


if __name__ == "__main__":
    print(_grow(sys.argv[1]))

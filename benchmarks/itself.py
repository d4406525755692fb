"""What a node costs, in time and memory, and what the import costs: compared with nothing but itself.

`python -m benchmarks.itself` prints it. The peers must not be loaded: their 270,000 objects are walked over, too, when
Python's collector looks through all objects, which would be counted as the cost of our nodes.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc

from autograd_dl import Tensor

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
IMPORTS = 9


def _chain(length):
    y = Tensor(1.0, requires_grad=True)
    for _ in range(length):
        y = y * 0.999999
    return y


def seconds_per_node(length, collector):
    """The least of a few runs of a chain, forward, backward and freed, for each of its nodes."""
    best = float("inf")
    for _ in range(max(3, 300_000 // length)):
        gc.collect()
        if not collector:
            gc.disable()
        try:
            start = time.perf_counter()
            y = _chain(length)
            y.backward()
            del y
            best = min(best, time.perf_counter() - start)
        finally:
            gc.enable()
    return best / length


def growth(collector):
    """The cost of a node in a chain of each length, relative to the shortest."""
    costs = [seconds_per_node(length, collector) for length in LENGTHS]
    return [c / costs[0] for c in costs]


def bytes_per_node():
    """What a live chain holds, for each of its nodes."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    y = _chain(LENGTHS[-1])
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del y
    return (after - before) / LENGTHS[-1]


def import_milliseconds():
    """What `import autograd_dl` adds to `import numpy`: the median, the least and the most of some fresh processes."""
    program = """
import numpy, time
start = time.perf_counter()
import autograd_dl
print((time.perf_counter() - start) * 1e3)
"""
    times = sorted(
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
        for _ in range(IMPORTS)
    )
    return times[IMPORTS // 2], times[0], times[-1]


def main() -> None:
    print(f"bytes a node, chain of 1,000,000 (goal 450): {bytes_per_node():.0f}")
    for collector in (False, True):
        costs = ", ".join(f"{n:,}: {c:.2f}x" for n, c in zip(LENGTHS, growth(collector), strict=True))
        print(f"cost of a node by length, collector {'on (goal 2.1x)' if collector else 'off (goal 1.5x)'}: {costs}")
    median, least, most = import_milliseconds()
    print(f"import beyond NumPy (goal 30 ms): {median:.0f} ms ({least:.0f}-{most:.0f})")


if __name__ == "__main__":
    main()

"""Run the benchmarks and print their table: `python -m benchmarks`."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys

import numpy as np

from . import chain, memory, networks, two_layer
from .measure import Process, compare, laps_of

ROWS = {"two-layer training step": two_layer.SIDES, "2,000 scalar ops chained": chain.SIDES, **networks.NETWORKS}
GOALS = {
    "two-layer training step": {"PyTorch eager": 0.80, "JAX jit": 1.0, "the book's NumPy code": 0.4},
    "2,000 scalar ops chained": {"PyTorch eager": 0.40},
    "MultiLayerNet step, Adam": {"PyTorch eager": 0.80, "the book's NumPy code": 0.4},
    "with batch normalization, SGD": {"PyTorch eager": 0.90, "the book's NumPy code": 0.4},
    "the same, composed of ops": {},
    "SimpleConvNet step, Adam": {"PyTorch eager": 0.9, "the book's NumPy code": 0.1},
    "DeepConvNet step, Adam": {"PyTorch eager": 1.4, "the book's NumPy code": 0.1},
}
ALONE = {"JAX jit", "JAX grad"}
"""Sides that run in a process of their own, and so do we then: their threads would disturb ours."""
APART = {"2,000 scalar ops chained"}
"""Rows whose sides all run so: Python's collector would walk over the objects of all libraries that are imported."""
LIBRARIES = {"PyTorch": "torch", "JAX": "jax", "HIPS autograd": "autograd", "MyGrad": "mygrad"}


def main() -> None:
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {os.cpu_count()} processors")
    print(", ".join(f"{name} {_version(module)}" for name, module in LIBRARIES.items()))
    print(f"\n{'work':30} {'peer':24} {'ours / theirs':22} {'goal':>6}   ours, theirs")
    for title, sides in ROWS.items():
        for peer in sides:
            if peer != "ours":
                _print_row(title, peer)
    if os.path.exists("/proc/self/clear_refs"):
        ratio = memory.compare("PyTorch eager")
        print(f"{'growth of memory in a step of DeepConvNet (goal 0.8)':56}{ratio!s:22} ", end="")
        print(f"{ratio.ours / 2**20:.0f} MiB, {ratio.theirs / 2**20:.0f} MiB")
    print(flush=True)
    subprocess.run([sys.executable, "-m", "benchmarks.itself"], check=True)


def _print_row(title: str, peer: str) -> None:
    goal = GOALS[title].get(peer)
    try:
        ratio = _compared(ROWS[title], peer, apart=title in APART or peer in ALONE)
    except ImportError as error:
        print(f"{title:30} {peer:24} not installed ({error.name})", flush=True)
        return
    times = f"{ratio.ours * 1e3:.2f} ms, {ratio.theirs * 1e3:.2f} ms"
    print(f"{title:30} {peer:24} {ratio!s:22} {goal or '':>6}   {times}", flush=True)


def _compared(sides: dict, peer: str, *, apart: bool):
    if not apart:
        return compare(laps_of(sides["ours"]()), laps_of(sides[peer]()))
    for name, library in LIBRARIES.items():
        if peer.startswith(name) and importlib.util.find_spec(library) is None:
            raise ModuleNotFoundError(name=library)
    module = sides["ours"].__module__
    ours, theirs = Process(module, "ours"), Process(module, peer)
    try:
        return compare(ours, theirs)
    finally:
        ours.close()
        theirs.close()


def _version(module: str) -> str:
    try:
        return importlib.metadata.version(module)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    sys.exit(main())

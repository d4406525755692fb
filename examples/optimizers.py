"""SGD, Momentum, AdaGrad and Adam (section 6.1): their ways down a valley, and how fast a network learns with each.

Run: python examples/optimizers.py
"""

import json
from pathlib import Path

from autograd_dl.app.experiments import Settings
from autograd_dl.app.run_experiment import make

ways, table = make("optimizer-paths", Settings(), Path("runs"))
for name, path in json.loads(table.read_text())["paths"].items():
    x, y = path[-1]
    print(f"{name:9} after {len(path) - 1} steps from (-7, 2): ({x:.2f}, {y:.2f})")

losses, table = make("optimizers", Settings(quick=True), Path("runs"))
for name, values in json.loads(table.read_text())["losses"].items():
    print(f"{name:9} loss {values[0]:.2f} -> {values[-1]:.2f}")
print(f"wrote {ways} and {losses}")

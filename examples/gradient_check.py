"""Gradient check (section 5.7.3): backpropagation against numerical differentiation.

Run: python examples/gradient_check.py
"""

import json
from pathlib import Path

from autograd_dl.app.experiments import Settings
from autograd_dl.app.run_experiment import make

picture, table = make("gradient-check-5", Settings(quick=True), Path("runs"))
numbers = json.loads(table.read_text())

for name, difference in numbers["mean_distance"].items():
    print(f"{name}: gradients of about {numbers['mean_gradient'][name]:.1e} differ by {difference:.1e}")
print(f"wrote {picture}")

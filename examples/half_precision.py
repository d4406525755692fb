"""DeepConvNet in half precision (section 8.3.4): half the memory, the same answers.

Run: python examples/half_precision.py
"""

import json
from pathlib import Path

from autograd_dl.app.experiment import make
from autograd_dl.app.experiments import Settings

picture, table = make("half-precision", Settings(quick=True), Path("runs"))
numbers = json.loads(table.read_text())

for dtype, accuracy in numbers["accuracy"].items():
    print(f"{dtype}: {numbers['bytes'][dtype]:,} bytes of weights, accuracy {accuracy:.3f}")
print(f"the same answer to {numbers['same_answers']:.1%} of the digits")
print(f"wrote {picture}")

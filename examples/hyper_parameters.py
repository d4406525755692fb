"""A random search for learning rate and weight decay (section 6.5), kept in a file.

Run: python examples/hyper_parameters.py

Stop it, and the next one goes on. Start it in two terminals, and they share the trials. (These are five of a small
network, most with too small a rate; `autograd-dl experiment hyper-parameters --storage FILE` makes the book's.)
"""

import json
from pathlib import Path

from autograd_dl.app.experiments import Settings
from autograd_dl.app.run_experiment import make

settings = Settings(quick=True, storage=Path("runs/hyper_parameters.journal"))
picture, table = make("hyper-parameters", settings, Path("runs"))

for place, trial in enumerate(json.loads(table.read_text())["trials"], 1):
    accuracy = trial["validation_accuracy"][-1]
    print(f"{place}: lr {trial['lr']:.1e}, decay {trial['weight_decay']:.1e}, validation accuracy {accuracy:.3f}")
print(f"wrote {picture}; the trials are kept in {settings.storage}")

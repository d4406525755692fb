"""DeepConvNet in half precision (section 8.3.4): half the memory, the same answers.

Run: python examples/half_precision.py

(It is a small one, after one epoch; `autograd-dl experiment half-precision` makes the book's.)
"""

import json
from pathlib import Path

from autograd_dl.app.experiments import Settings
from autograd_dl.app.experiments.chapter8 import deep_convnet
from autograd_dl.app.run_experiment import make
from autograd_dl.data import load_mnist
from autograd_dl.optim import Adam
from autograd_dl.training import Trainer

weights = Path("runs/deep_convnet.safetensors")
settings = Settings(quick=True, weights=weights)
train, test = load_mnist(flatten=False, subset=True)
network = deep_convnet(settings)
options = {"epochs": 1, "mini_batch_size": 25, "optimizer": Adam(0.003), "evaluate_sample_num_per_epoch": 100}
Trainer(network, *train, *test, **options, verbose=False, seed=0).train()
network.save_params(weights)

picture, table = make("half-precision", settings, Path("runs"))
numbers = json.loads(table.read_text())

for dtype, accuracy in numbers["accuracy"].items():
    print(f"{dtype}: {numbers['bytes'][dtype]:,} bytes of weights, accuracy {accuracy:.3f}")
print(f"the same answer to {numbers['same_answers']:.1%} of the digits")
print(f"wrote {picture}")

"""The two-layer network learns digits (section 5.7.4), in the book's own loop.

Run: python examples/two_layer_training.py
"""

from pathlib import Path

import numpy as np

from autograd_dl.data import load_mnist
from models import TwoLayerNet
from visualize import plot_history

(x_train, t_train), (x_test, t_test) = load_mnist(subset=True)
network = TwoLayerNet(784, 50, 10, seed=0)
rng = np.random.default_rng(0)
batch_size, learning_rate = 100, 0.1
steps_per_epoch = len(x_train) // batch_size
losses, epochs, train_accuracies, test_accuracies = [], [], [], []

for i in range(1, 12 * steps_per_epoch + 1):
    chosen = rng.choice(len(x_train), batch_size)
    x, t = x_train[chosen], t_train[chosen]
    grads = network.gradient(x, t)
    for key in network.params:
        network.params[key] -= learning_rate * grads[key]
    losses.append(float(network.loss(x, t)))

    if i % steps_per_epoch == 0:
        epochs.append(i // steps_per_epoch)
        train_accuracies.append(network.accuracy(x_train, t_train))
        test_accuracies.append(network.accuracy(x_test, t_test))
        print(
            f"epoch {epochs[-1]:2}: train accuracy {train_accuracies[-1]:.3f}, test accuracy {test_accuracies[-1]:.3f}"
        )

history = {"loss": losses, "epoch": epochs, "train_accuracy": train_accuracies, "test_accuracy": test_accuracies}
Path("runs").mkdir(exist_ok=True)
plot_history(history).savefig("runs/two_layer_training.png")
print("wrote runs/two_layer_training.png")

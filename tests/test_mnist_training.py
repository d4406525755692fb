"""Training on digits reaches the book's accuracy, and the book's own loop does so as it is printed."""

import os
import subprocess
import sys

import mnist_files
import pytest

CHAPTER_5 = """
import numpy as np
from autograd_dl.data import load_mnist
from models import TwoLayerNet

(x_train, t_train), (x_test, t_test) = load_mnist(normalize=True, one_hot_label=True)

network = TwoLayerNet(input_size=784, hidden_size=50, output_size=10)

iters_num = 10000
train_size = x_train.shape[0]
batch_size = 100
learning_rate = 0.1

train_loss_list = []
train_acc_list = []
test_acc_list = []

iter_per_epoch = max(train_size / batch_size, 1)

for i in range(iters_num):
    batch_mask = np.random.choice(train_size, batch_size)
    x_batch = x_train[batch_mask]
    t_batch = t_train[batch_mask]

    grad = network.gradient(x_batch, t_batch)

    for key in ('W1', 'b1', 'W2', 'b2'):
        network.params[key] -= learning_rate * grad[key]

    loss = network.loss(x_batch, t_batch)
    train_loss_list.append(loss)

    if i % iter_per_epoch == 0:
        train_acc = network.accuracy(x_train, t_train)
        test_acc = network.accuracy(x_test, t_test)
        train_acc_list.append(train_acc)
        test_acc_list.append(test_acc)
        print(train_acc, test_acc)
"""
ENDING = """
import os, resource, sys
if os.path.exists("/proc/self/status"):  # getrusage counts what the parent had when it started this process
    peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(float(train_loss_list[0]), str(train_loss_list[-1]), len(train_loss_list), network.accuracy(x_test, t_test), peak)
"""


TRAINING = """
import sys
import numpy as np
from autograd_dl.data import load_mnist
from autograd_dl.optim import SGD
from models import TwoLayerNet

data, activation, seed, iterations = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
(x, t), (x_test, t_test) = load_mnist(subset=data == "subset")
network = TwoLayerNet(784, 50, 10, activation=activation, seed=seed)
optimizer, rng = SGD(0.1), np.random.default_rng(seed)
for _ in range(iterations):
    batch = rng.integers(len(x), size=100)
    optimizer.update(network.params, network.gradient(x[batch], t[batch]))
print(network.accuracy(x_test, t_test))
"""


def printed(program: str, *arguments: object) -> str:
    """What a program prints in an interpreter of its own, where BLAS has one thread.

    (On a busy machine, several threads wait for each other in every product of small matrices, ten times as long as
    the product takes.)
    """
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "AUTOGRAD_DL_DATA": str(mnist_files.FULL)}
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_subset_teaches_a_little_less():
    accuracy = float(printed(TRAINING, "subset", "relu", 0, 3000))
    assert 0.91 <= accuracy <= 0.94


@mnist_files.needs_full
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_the_full_set_reaches_the_books_accuracy(activation, seed):
    accuracy = float(printed(TRAINING, "mnist", activation, seed, 10_000))
    print(f"accuracy {accuracy:.4f}")
    assert accuracy >= {"relu": 0.965, "sigmoid": 0.94}[activation]


@mnist_files.needs_full
@pytest.mark.skipif(sys.platform == "win32", reason="the peak of memory is read as on POSIX")
def test_the_books_loop_with_only_its_imports_changed():
    *epochs, ending = printed(CHAPTER_5 + ENDING).splitlines()
    first, last, count, accuracy, peak = (float(number) for number in ending.split())
    print(f"accuracy {accuracy:.4f}, peak of memory {peak / 1e6:.0f} MB")
    assert len(epochs) == 17
    assert first == pytest.approx(2.30, abs=0.01)
    assert last < 0.3
    assert count == 10_000
    assert accuracy >= 0.965
    assert peak < 1e9

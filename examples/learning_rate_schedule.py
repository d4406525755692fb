"""A learning rate that changes (section 6.1): 1 is too much to begin with, but not after 50 steps on the way up to it.

Run: python examples/learning_rate_schedule.py
"""

from pathlib import Path

from matplotlib.figure import Figure

from autograd_dl.data import load_mnist
from autograd_dl.optim import cosine_decay, warm_up
from autograd_dl.training import Trainer, smooth_curve
from models import MultiLayerNet

train, (x_test, t_test) = load_mnist(subset=True)
test = x_test[:1000], t_test[:1000]
rates = {"fixed": 1.0, "warm up, cosine": warm_up(cosine_decay(1.0, steps=200), steps=50)}

figure = Figure(figsize=(7, 4), layout="constrained")
axes = figure.subplots()
for name, lr in rates.items():
    network = MultiLayerNet(784, [50, 50], 10, seed=0)
    trainer = Trainer(network, *train, *test, epochs=5, optimizer_param={"lr": lr}, verbose=False, seed=0)
    trainer.train()
    print(f"{name:15} last rate {trainer.optimizer.rate:.3f}, test accuracy {trainer.test_acc_list[-1]:.3f}")
    axes.plot(smooth_curve(trainer.train_loss_list), label=name)

axes.set(xlabel="step", ylabel="loss")
axes.legend()
Path("runs").mkdir(exist_ok=True)
figure.savefig("runs/learning_rate_schedule.png")
print("wrote runs/learning_rate_schedule.png")

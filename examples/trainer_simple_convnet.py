"""SimpleConvNet learns digits (section 7.5): the Trainer, and weights that are saved and loaded.

Run: python examples/trainer_simple_convnet.py
"""

from autograd_dl.data import load_mnist
from autograd_dl.training import Trainer
from models import SimpleConvNet
from visualize import plot_history

(x_train, t_train), (x_test, t_test) = load_mnist(flatten=False, subset=True)
train, test = (x_train[:1000], t_train[:1000]), (x_test[:500], t_test[:500])
options = {"conv_param": {"filter_num": 10, "filter_size": 5, "pad": 0, "stride": 1}, "hidden_size": 50}

network = SimpleConvNet(**options, seed=0)
trainer = Trainer(network, *train, *test, epochs=4, mini_batch_size=50, optimizer="Adam", seed=0)
trainer.train()

network.save_params("runs/simple_convnet.safetensors")
copy = SimpleConvNet(**options)
copy.load_params("runs/simple_convnet.safetensors")
print(f"loaded from the file, it reads {copy.accuracy(*test):.3f} of the test digits")

plot_history(trainer.history).savefig("runs/simple_convnet.png")
print("wrote runs/simple_convnet.png")

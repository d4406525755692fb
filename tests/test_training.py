"""The Trainer: the book's behaviour, what goes beyond it, checkpoints that outlive a kill, and resuming bit for bit."""

import copy
import inspect
import json
import math
import os
import pickle
import re
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from autograd_dl import Tensor, is_grad_enabled, optim
from autograd_dl.data import MiniBatches, flip, load_mnist, shift
from autograd_dl.data.generators import pack_generator, pack_json, unpack_generator, unpack_json
from autograd_dl.errors import DataError, DTypeError, ShapeError
from autograd_dl.functional import softmax
from autograd_dl.optim import Adam
from autograd_dl.serialization import load_arrays, save_arrays
from autograd_dl.training import OPTIMIZERS, Ensemble, Trainer, smooth_curve
from autograd_dl.training.progress import outcome
from models import TwoLayerNet

pytest.importorskip("safetensors")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((50, 6))
T = (X[:, :2] > 0).sum(axis=1)
TEST = RNG.standard_normal((30, 6))
DATA = (X, T, TEST, (TEST[:, :2] > 0).sum(axis=1))
IMAGES = X[:, :4].reshape(50, 1, 2, 2)


def net(seed=0):
    return TwoLayerNet(6, 5, 3, weight_init_std=0.5, seed=seed)


def trainer(network=None, **options):
    options = {"epochs": 3, "mini_batch_size": 10, "verbose": False, "seed": 0} | options
    return Trainer(net() if network is None else network, *DATA, **options)


def trained(network=None, **options):
    made = trainer(network, **options)
    made.train()
    return made


def weights(network):
    return {name: p.numpy().tobytes() for name, p in network.params.items()}


class Noisy(TwoLayerNet):
    """A network that has more than parameters: a running mean of its inputs, and dropout."""

    def __init__(self, seed):
        super().__init__(4, 5, 3, weight_init_std=0.5, seed=seed)
        self.mean = np.zeros(4)
        self.rng = np.random.default_rng([seed, 1])

    def predict(self, x):
        return super().predict(x.reshape(len(x), 4) - self.mean)

    def gradient(self, x, t):
        self.mean = 0.9 * self.mean + 0.1 * x.reshape(len(x), 4).mean(axis=0)
        return super().gradient(x * (self.rng.random(x.shape) < 0.8), t)

    def state_dict(self):
        params = {name: p.numpy() for name, p in self.params.items()}
        return params | {"mean": self.mean, "rng": pack_generator(self.rng)}

    def load_state_dict(self, arrays):
        if arrays.keys() != self.state_dict().keys():
            raise DataError("other names")
        for name, p in self.params.items():
            p[...] = arrays[name]
        self.mean, self.rng = arrays["mean"], unpack_generator(arrays["rng"])


def trainer_of(network, options, step_callbacks=()):
    """A trainer on images of 2x2, for 40 steps."""
    options = {"epochs": 8, "mini_batch_size": 10, "verbose": False, "seed": 0} | options
    return Trainer(network, IMAGES, T, IMAGES[:30], T[:30], step_callbacks=step_callbacks, **options)


class Scripted(TwoLayerNet):
    """A network whose test accuracies (the test data have 30 rows) are given."""

    def __init__(self, accuracies):
        super().__init__(6, 5, 3, seed=0)
        self.accuracies = iter(accuracies)

    def accuracy(self, x, t, batch_size=100):
        return next(self.accuracies) if len(x) == 30 else 0.5


class Falling(TwoLayerNet):
    """A network whose accuracy falls as its weights grow."""

    def __init__(self, seed=0):
        super().__init__(6, 5, 3, weight_init_std=0.1, seed=seed)

    def accuracy(self, x, t, batch_size=100):
        return 1 / (1 + float(np.sum(self.params["W1"].numpy() ** 2)))


class OfNumbers:
    """A network whose parameters are numbers and an array: t is true where w x + v is large."""

    def __init__(self):
        self.params = {"w": 0.5, "v": np.float32(0.25), "b": np.zeros(1)}

    def predict(self, x):
        a = x.reshape(len(x), -1)[:, :1] * self.params["w"] + self.params["v"] + self.params["b"]
        return np.concatenate([-a, np.zeros_like(a), a], axis=1)

    def loss(self, x, t):
        return float(np.mean(self.predict(x)[:, 2] ** 2))

    def gradient(self, x, t):
        return {"w": 0.1, "v": np.float32(0.1), "b": np.ones(1)}

    def accuracy(self, x, t):
        return float(self.params["w"])  # falls with each step


class Forgetful(TwoLayerNet):
    """A network whose gradient lacks its return."""

    def gradient(self, x, t):
        super().gradient(x, t)


class Interrupted(TwoLayerNet):
    """A network whose second measurement is interrupted between its two accuracies."""

    calls = 0

    def accuracy(self, x, t, batch_size=100):
        self.calls += 1
        if self.calls == 4:
            raise KeyboardInterrupt
        return super().accuracy(x, t, batch_size)


class TestTheBook:
    def test_signature(self):
        parameters = inspect.signature(Trainer).parameters
        book = [name for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert book == [
            "network", "x_train", "t_train", "x_test", "t_test", "epochs", "mini_batch_size", "optimizer",
            "optimizer_param", "evaluate_sample_num_per_epoch", "verbose",
        ]  # fmt: skip
        assert [parameters[name].default for name in book[5:]] == [20, 100, "SGD", {"lr": 0.01}, None, True]

    def test_lists_for_every_step_and_every_epoch(self):
        made = trained()
        assert len(made.train_loss_list) == 15
        assert len(made.train_acc_list) == len(made.test_acc_list) == 3
        assert {type(v) for values in made.history.values() for v in values} == {float}
        assert made.history["epoch"] == [1, 2, 3]
        assert made.train_acc_list[-1] == made.network.accuracy(X, T)
        assert made.test_acc_list[-1] == made.network.accuracy(*DATA[2:])

    def test_a_step_is_the_books(self):
        ours, theirs = trainer(seed=5), net()
        batches = MiniBatches(X, T, 10, replace=True, seed=5)
        for _ in range(4):
            ours.train_step()
            x, t = batches.draw()
            for name, g in theirs.gradient(x, t).items():
                theirs.params[name] -= 0.01 * g
            assert ours.train_loss_list[-1] == float(theirs.loss(x, t))
        assert weights(ours.network) == weights(theirs)

    def test_one_pass_forward_where_that_is_asked_for(self):
        network, passes = net(), []
        predict = network.predict
        network.predict = lambda x: passes.append(is_grad_enabled()) or predict(x)
        once, twice = trainer(network, one_pass=True), trained()
        first = float(net().loss(*copy.deepcopy(once.batches).draw()))
        for _ in range(15):
            once.train_step()
        assert weights(once.network) == weights(twice.network)
        assert once.train_loss_list[0] == first != twice.train_loss_list[0]
        assert passes.count(True) == 15
        assert passes.count(False) == 6, "of the accuracies"

    def test_one_pass_needs_a_network_that_offers_it(self):
        class Plain:
            params = predict = loss = gradient = accuracy = None

        with pytest.raises(ValueError, match=r"needs loss_and_gradient\(x, t\), which this Plain has not"):
            trainer(Plain(), one_pass=True)

    def test_one_pass_needs_no_other_gradient(self):
        class Lean:
            def __init__(self):
                whole = net()
                self.params, self.accuracy = whole.params, whole.accuracy
                self.loss_and_gradient = whole.loss_and_gradient

        lean = trainer(Lean(), one_pass=True)
        lean.train_step()
        assert len(lean.train_loss_list) == 1

    def test_the_loss_that_is_noted_is_not_recorded(self):
        network, seen = net(), []
        loss = network.loss
        network.loss = lambda x, t: seen.append(is_grad_enabled()) or loss(x, t)
        trainer(network).train_step()
        assert seen == [True, False]

    @pytest.mark.parametrize("name", OPTIMIZERS)
    @pytest.mark.parametrize("case", [str.lower, str.upper, str])
    def test_optimizers_by_their_names_in_any_case(self, name, case):
        made = trainer(optimizer=case(name))
        assert type(made.optimizer) is getattr(optim, name)
        assert made.optimizer.lr == {"AdaDelta": 1.0, "AdamW": 0.001}.get(name, 0.01)

    def test_its_parameters(self):
        made = trainer(optimizer="momentum", optimizer_param={"lr": 0.5, "momentum": 0.25})
        assert (made.optimizer.lr, made.optimizer.momentum) == (0.5, 0.25)
        assert trainer(optimizer="adadelta", optimizer_param={"lr": 0.01}).optimizer.lr == 0.01

    def test_an_optimizer_that_is_made(self):
        mine = optim.SGD(0.3)
        assert trainer(optimizer=mine).optimizer is mine

    def test_one_that_is_not_made_yet(self):
        with pytest.raises(ValueError, match=r"'Adam' or Adam\(\), not the class Adam"):
            trainer(optimizer=optim.Adam)

    def test_an_optimizer_that_is_made_takes_no_parameters(self):
        with pytest.raises(ValueError, match="this Adam is made already"):
            trainer(optimizer=optim.Adam(), optimizer_param={"lr": 5})

    @pytest.mark.parametrize("wrong", [3, None, [optim.SGD()]])
    def test_what_is_no_optimizer(self, wrong):
        with pytest.raises(TypeError, match=r"^optimizer is a name, .*, not .*"):
            trainer(optimizer=wrong)

    @pytest.mark.parametrize("name", ["callbacks", "step_callbacks", "augment"])
    @pytest.mark.parametrize("wrong", [3, None, [print, 3], "print"])
    def test_what_is_no_function(self, name, wrong):
        with pytest.raises(TypeError, match=f"^{name} takes a function, or a sequence of them, not "):
            trainer(**{name: wrong})

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            (
                {"loss": lambda _x, _t: None},
                "^loss of TwoLayerNet must return one number, and returned None; does it l",
            ),
            ({"loss": lambda _x, _t: np.ones(3)}, r"^loss of TwoLayerNet .* one number, and returned ndarray \(3,\)$"),
            ({"loss": lambda _x, _t: [0.5]}, r"^loss of TwoLayerNet .* one number, and returned list$"),
            ({"accuracy": lambda _x, _t: None}, "^accuracy of TwoLayerNet must return one number, and returned None"),
        ],
    )
    def test_losses_and_accuracies_are_numbers(self, wrong, message):
        network = net()
        gradient = network.gradient(*DATA[:2])
        vars(network).update(wrong, gradient=lambda _x, _t: gradient)
        with pytest.raises(DTypeError, match=message):
            trainer(network).train()

    def test_a_network_has_all_parts_and_gradients_are_changed_by_a_function(self):
        with pytest.raises(
            TypeError, match="a network has params, loss, gradient, accuracy, which this int has not; a class that"
        ):
            Trainer(3, *DATA)
        with pytest.raises(TypeError, match=r"the class TwoLayerNet, and no network: make one first, TwoLayerNet\("):
            trainer(TwoLayerNet)
        with pytest.raises(TypeError, match="change_gradient takes a function of a dict of gradients, not 1"):
            trainer(change_gradient=1)

    def test_how_often_nothing_is_saved(self):
        with pytest.raises(ValueError, match="give its path as checkpoint="):
            trainer(checkpoint_every=3)

    @pytest.mark.parametrize("name", ["lbfgs", "", "optimizer", "_gradients"])
    def test_an_unknown_optimizer(self, name):
        with pytest.raises(ValueError, match=f"SGD, Momentum, .*AdamW, in any case, not '{name}'"):
            trainer(optimizer=name)

    @pytest.mark.parametrize(
        ("rows", "batch", "steps"), [(500, 100, 5), (50, 10, 5), (50, 7, 8), (50, 33, 2), (50, 50, 1), (50, 80, 1)]
    )
    @pytest.mark.parametrize("shuffle", [False, True])
    def test_once_an_epoch_is_once_an_epoch(self, rows, batch, steps, shuffle):
        x, t = np.resize(X, (rows, 6)), np.resize(T, rows)
        made = Trainer(net(), x, t, *DATA[2:], epochs=4, mini_batch_size=batch, shuffle=shuffle, verbose=False)
        seen = []
        made.callbacks = (lambda trainer: seen.append((trainer.current_iter, trainer.current_epoch)),)
        made.train()
        assert seen == [(steps * n, n) for n in (1, 2, 3, 4)]
        assert len(made.train_loss_list) == 4 * steps
        assert len(made.test_acc_list) == 4

    def test_accuracy_on_some_samples(self):
        made = trained(evaluate_sample_num_per_epoch=7)
        assert made.train_acc_list[-1] == made.network.accuracy(X[:7], T[:7])
        assert made.test_acc_list[-1] == made.network.accuracy(*(a[:7] for a in DATA[2:]))
        assert trained(evaluate_sample_num_per_epoch=1000).test_acc_list == trained().test_acc_list

    def test_it_learns_digits(self):
        (x, t), (x_test, t_test) = load_mnist(subset=True)
        made = Trainer(
            TwoLayerNet(784, 50, 10, seed=0), x, t, x_test[:1000], t_test[:1000], epochs=3, seed=0, verbose=False,
            optimizer="adam", optimizer_param={"lr": 0.003}, shuffle=True,
        )  # fmt: skip
        made.train()
        assert made.test_acc_list[-1] > 0.88
        assert made.train_acc_list == sorted(made.train_acc_list)

    def test_a_training_that_diverges_goes_on_and_says_so(self, capsys):
        made = trained(optimizer_param={"lr": 1e30}, verbose=True)
        assert len(made.train_loss_list) == 15
        assert "the training diverged" in capsys.readouterr().out

    def test_no_epoch(self):
        made = trained(epochs=0)
        assert made.train_loss_list == made.test_acc_list == []

    def test_a_training_that_has_ended_does_nothing_more(self):
        made = trained()
        before = weights(made.network)
        made.train()
        assert made.current_iter == 15
        assert weights(made.network) == before

    def test_a_seed_decides(self):
        assert trained(seed=1).train_loss_list == trained(seed=1).train_loss_list
        assert trained(seed=1).train_loss_list != trained(seed=2).train_loss_list
        assert trained(seed=None).train_loss_list != trained(seed=None).train_loss_list

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"epochs": -1}, "epochs must be 0 or more"),
            ({"epochs": 2.5}, "epochs must be a whole number, not 2.5"),
            ({"mini_batch_size": 0}, "1 sample or more"),
            ({"evaluate_sample_num_per_epoch": 0}, "per_epoch must be 1 or more"),
            ({"early_stopping": 0}, "early_stopping must be 1 or more"),
            ({"checkpoint_every": 0}, "checkpoint_every must be 1 or more"),
            ({"iterations": -1}, "iterations must be 0 or more"),
            ({"measure_every": 0}, "measure_every must be 1 or more"),
            ({"resume": True}, "give its path as checkpoint="),
            ({"optimizer_param": 0.1}, "optimizer_param is a dict of what SGD takes, .*not 0.1"),
        ],
    )
    def test_numbers_that_cannot_be(self, options, words):
        with pytest.raises((ValueError, TypeError), match=words):
            trainer(**options)

    def test_data_that_do_not_fit(self):
        with pytest.raises(ShapeError, match="one row for each"):
            Trainer(net(), X, T[:9], *DATA[2:])
        with pytest.raises(ShapeError, match="there are 30, 50"):
            Trainer(net(), X, T, TEST, T)
        with pytest.raises(ShapeError, match="there are 0, 0"):
            Trainer(net(), X, T, TEST[:0], T[:0])
        with pytest.raises(ShapeError, match="test data are arrays with one row for each sample, not NoneType and"):
            Trainer(net(), X, T, None, T)
        with pytest.raises(ShapeError, match="no row"):
            Trainer(net(), X[:0], T[:0], *DATA[2:])


def test_without_checkpoints_numpy_is_enough():
    program = """
import sys
sys.modules["safetensors"] = sys.modules["tqdm"] = None
import numpy as np
from autograd_dl.training import Trainer
from models import TwoLayerNet
x, t = np.ones((20, 3)), np.zeros(20, int)
Trainer(TwoLayerNet(3, 4, 2), x, t, x, t, epochs=1).train()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("epoch 1 of 1: loss 0.")


class TestProgress:
    def test_a_line_an_epoch_and_the_outcome(self, capsys):
        made = trained(verbose=True)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 4
        for i, line in enumerate(lines[:3], start=1):
            assert re.fullmatch(
                rf"epoch {i} of 3: loss \d\.\d{{4}}, training accuracy 0\.\d{{4}}, test accuracy 0\.\d{{4}}", line
            )
        assert f"training accuracy {made.train_acc_list[0]:.4f}" in lines[0]
        assert lines[3] == f"test accuracy {made.test_acc_list[-1]:.4f} after 15 steps"

    def test_quiet(self, capsys):
        trained()
        assert capsys.readouterr() == ("", "")

    def test_a_bar_on_a_terminal(self, capsys, monkeypatch):
        pytest.importorskip("tqdm")
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        trained(verbose=True)
        out, err = capsys.readouterr()
        assert out.startswith("test accuracy")
        assert "15/15" in err
        assert "test accuracy" in err

    @pytest.mark.parametrize("on_terminal", [False, True])
    def test_what_tells_of_it_is_gone_when_it_is_interrupted(self, monkeypatch, capsys, on_terminal):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: on_terminal)

        def add_and_interrupt(made):
            made.callbacks += (print,)
            raise KeyboardInterrupt

        made = Trainer(net(), *DATA, mini_batch_size=10, step_callbacks=[add_and_interrupt])
        with pytest.raises(KeyboardInterrupt):
            made.train()
        assert (made.callbacks, made.step_callbacks) == ((print,), (add_and_interrupt,))
        assert capsys.readouterr().out == ""

    @pytest.mark.parametrize(
        ("accuracies", "options"),
        [
            ([0.1, 0.2, 0.2, 0.3], {}),
            ([0.3], {"evaluate_sample_num_per_epoch": 3}),
            ([0.1, 0.9, 0.2, 0.3], {"early_stopping": 9}),
        ],
        ids=["as the network is then", "of all test data", "of the best parameters"],
    )
    def test_the_accuracy_in_the_outcome_is_measured_at_the_end(self, capsys, accuracies, options):
        trained(Scripted(accuracies), verbose=True, **options)
        assert capsys.readouterr().out.splitlines()[-1] == "test accuracy 0.3000 after 15 steps"

    def test_lines_where_there_is_no_console(self, capsys, monkeypatch):
        monkeypatch.setattr(sys, "stderr", None)
        trained(verbose=True)
        assert len(capsys.readouterr().out.splitlines()) == 4

    def test_lines_on_a_terminal_where_its_library_is_missing(self, capsys, monkeypatch):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setitem(sys.modules, "tqdm", None)
        trained(verbose=True)
        assert len(capsys.readouterr().out.splitlines()) == 4


class TestBeyondTheBook:
    def test_callbacks(self):
        epochs, steps = [], []
        trained(callbacks=[lambda t: epochs.append(t.test_acc_list[-1])], step_callbacks=[lambda t: steps.append(t)])
        assert len(epochs) == 3
        assert len(steps) == 15

    def test_a_callback_stops(self):
        made = trained(step_callbacks=lambda t: t.current_iter == 7 and t.stop())
        assert made.current_iter == len(made.train_loss_list) == 7

    @pytest.mark.parametrize(("at", "told"), [(7, ", stopped before the 15 that were planned"), (15, ""), (99, "")])
    def test_the_outcome_tells_that_it_stopped_early(self, at, told):
        made = trained(step_callbacks=lambda t: t.current_iter == at and t.stop())
        assert outcome(made, at).endswith(f" after {made.current_iter} steps{told}")

    @pytest.mark.parametrize(
        ("stopped_at", "told"),
        [
            (7, "the training was stopped before; another Trainer trains this network further"),
            (
                99,
                "the 15 that were asked for were done before; another Trainer trains this network further, and so ",
            ),
        ],
    )
    def test_a_training_that_is_over_says_that_it_takes_no_step(self, capsys, stopped_at, told):
        made = trained(verbose=True, step_callbacks=lambda t: t.current_iter == stopped_at and t.stop())
        assert "no step" not in capsys.readouterr().out
        before = weights(made.network)
        made.train()
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith("test accuracy ")
        assert second.startswith(f"no step was taken now: {told}")
        assert weights(made.network) == before

    def test_a_training_that_is_as_long_as_nothing(self, capsys):
        trained(verbose=True, iterations=0)
        assert "no step" not in capsys.readouterr().out

    def test_another_trainer_trains_further(self):
        made = trained()
        further = trained(made.network, optimizer=made.optimizer)
        assert np.mean(further.train_loss_list) < np.mean(made.train_loss_list)

    @pytest.mark.parametrize("one_pass", [False, True])
    @pytest.mark.parametrize("name", ["x", "t"])
    def test_data_that_are_no_numbers_are_told_and_no_rate_is_blamed(self, capsys, name, one_pass):
        data = {"x": X.copy(), "t": np.eye(3)[T]}
        data[name][3, 2] = np.nan
        Trainer(net(), *data.values(), *DATA[2:], 1, 50, one_pass=one_pass, seed=0, shuffle=True).train()
        told = f"so are numbers of the data, in {name}_train[3] first; look at the inputs before the learning rate"
        assert capsys.readouterr().out.splitlines()[-1] == f"the loss is NaN or infinite, and {told}"

    def test_a_loss_that_is_nan_before_the_first_step(self, capsys):
        network = net()
        network.params["b1"].data = np.full(5, np.nan)
        trained(network, verbose=True, one_pass=True)
        told = "it was so before the first step; look at the inputs and the initial weights"
        assert capsys.readouterr().out.splitlines()[-1] == f"the loss is NaN or infinite, and {told}"

    @pytest.mark.parametrize("one_pass", [False, True])
    def test_a_rate_that_is_too_large(self, capsys, one_pass):
        trained(verbose=True, one_pass=one_pass, optimizer_param={"lr": 1e300})
        told = "the training diverged, and a smaller learning rate (lr, --lr) may help"
        assert capsys.readouterr().out.splitlines()[-1] == f"the loss is NaN or infinite: {told}"

    def test_early_stopping_goes_back_to_the_best(self):
        kept = []
        made = trained(
            Scripted([0.1, 0.5, 0.3, 0.5, 0.4, 0.9]), epochs=6, early_stopping=3,
            callbacks=[lambda t: kept.append(weights(t.network))],
        )  # fmt: skip
        assert made.test_acc_list == [0.1, 0.5, 0.3, 0.5, 0.4]
        assert weights(made.network) == kept[1] != kept[4]

    def test_a_checkpoint_tells_of_the_optimizer_that_there_is(self, tmp_path):
        made = trainer(checkpoint=tmp_path / "c.safetensors", settings={"sizes": (1, 2)})
        made.optimizer = Adam()
        made.train()
        assert made.settings == {"sizes": [1, 2]}
        again = trainer(
            optimizer="Adam", optimizer_param={}, checkpoint=tmp_path / "c.safetensors", resume=True,
            settings={"sizes": [1, 2]},
        )  # fmt: skip
        assert again.current_iter == made.current_iter

    def test_parameters_that_are_numbers_go_back_too(self, tmp_path):
        made = trained(OfNumbers(), epochs=3, early_stopping=9, checkpoint=tmp_path / "c.safetensors")
        best = 0.5 - 0.1 * 0.01 * made.iter_per_epoch
        assert made.network.params["w"] == pytest.approx(best)
        assert [type(p) for p in made.network.params.values()] == [float, np.float32, np.ndarray]
        again = trainer(OfNumbers(), epochs=3, early_stopping=9, checkpoint=tmp_path / "c.safetensors", resume=True)
        assert again.network.params["w"] == pytest.approx(0.5 - 0.1 * 0.01 * made.current_iter)

    def test_a_rise_restarts_the_count_and_the_end_goes_back_too(self):
        kept = []
        made = trained(
            Scripted([0.1, 0.2, 0.1, 0.3, 0.1]), epochs=5, early_stopping=2,
            callbacks=[lambda t: kept.append(weights(t.network))],
        )  # fmt: skip
        assert len(made.test_acc_list) == 5
        assert weights(made.network) == kept[3] != kept[4]

    @pytest.mark.parametrize(
        ("options", "measured"),
        [
            ({}, [5, 10, 15]),
            ({"iterations": 12}, [5, 10]),
            ({"iterations": 12, "measure_every": 5}, [0, 5, 10, 12]),
            ({"epochs": 1, "measure_every": 2}, [0, 2, 4, 5]),
            ({"iterations": 4, "measure_every": 100}, [0, 4]),
            ({"iterations": 4, "measure_every": 2}, [0, 2, 4]),
            ({"iterations": 0, "measure_every": 2}, [0]),
            ({"iterations": 0}, []),
        ],
    )
    def test_how_long_and_when_it_is_measured(self, options, measured):
        seen = []
        made = trained(callbacks=[lambda t: seen.append(t.current_iter)], **options)
        assert made.measured == seen == measured
        assert made.history["epoch"] == [step / 5 for step in measured]
        assert len(made.train_acc_list) == len(made.test_acc_list) == len(measured)
        assert made.current_iter == options.get("iterations", 5 * options.get("epochs", 3))
        assert options.get("measure_every") is None or made.test_acc_list[-1] == made.network.accuracy(*DATA[2:])

    def test_lines_where_it_is_measured(self, capsys):
        trained(iterations=7, measure_every=3, verbose=True)
        lines = capsys.readouterr().out.splitlines()
        assert [line.partition(":")[0] for line in lines[:-1]] == [
            "epoch 0.6 of 1.4",
            "epoch 1.2 of 1.4",
            "epoch 1.4 of 1.4",
        ]
        assert lines[-1].endswith("after 7 steps")

    def test_early_stopping_counts_measurements_and_the_last_may_be_the_best(self):
        made = trained(Scripted([0.5, 0.1, 0.2, 0.9]), iterations=9, measure_every=4, early_stopping=3)
        assert made.measured == [0, 4, 8, 9]
        assert weights(made.network) == weights(trained(Scripted([0] * 9), iterations=9).network)
        stopped = trained(Scripted([0.5, 0.1, 0.2, 0.9]), iterations=9, measure_every=4, early_stopping=2)
        assert stopped.measured == [0, 4, 8]
        assert weights(stopped.network) == weights(Scripted([]))

    def test_diverged(self):
        assert not trainer().diverged
        assert not trained().diverged
        assert trained(optimizer_param={"lr": 1e30}).diverged

    def test_a_schedule(self):
        rates = []
        made = trainer(optimizer_param={"lr": lambda step: rates.append(step) or 0.0})
        rates.clear()
        before = weights(made.network)
        made.train()
        assert rates[-1] == 14
        assert weights(made.network) == before

    def test_gradients_may_be_changed(self):
        assert trained(change_gradient=lambda g: {k: v * 2 for k, v in g.items()}).train_loss_list == (
            trained(optimizer_param={"lr": 0.02}).train_loss_list
        )
        clipped = trained(change_gradient=partial(optim.clip_by_norm, max_norm=1e-9))
        np.testing.assert_allclose(clipped.network.params["W1"].numpy(), net().params["W1"].numpy(), atol=1e-9)

    @pytest.mark.parametrize("one_pass", [False, True])
    def test_gradients_that_are_not_returned_are_no_old_ones(self, one_pass):
        made = trainer(change_gradient=lambda gradient: gradient.clear(), one_pass=one_pass)
        made.network.loss(*made.test).backward()
        with pytest.raises(DTypeError, match="change_gradient must return a dict of gradients, and returned None"):
            made.train()
        made = trainer(Forgetful(6, 5, 3), change_gradient=partial(optim.clip_by_norm, max_norm=1.0))
        with pytest.raises(DTypeError, match="gradient of Forgetful must return a dict of gradients"):
            made.train()

    def test_an_interrupted_measurement_leaves_nothing_of_itself(self, tmp_path):
        file = tmp_path / "run.safetensors"
        network = Interrupted(6, 5, 3, seed=0)
        made = trainer(network, checkpoint=file)
        with pytest.raises(KeyboardInterrupt):
            made.train()
        made.train()
        assert len(made.measured) == len(made.train_acc_list) == len(made.test_acc_list) == 2
        again = trainer(checkpoint=file, resume=True)
        assert again.history == made.history

    def test_augmentation(self):
        plain, changed, same = (
            trainer_of(Noisy(0), {"augment": a}) for a in ((), flip, [partial(flip, probability=0)])
        )
        for made in (plain, changed, same):
            made.train()
        assert plain.train_loss_list == same.train_loss_list != changed.train_loss_list

    def test_augmentation_needs_images(self):
        with pytest.raises(ShapeError, match="reshape them"):
            trained(augment=shift)

    def test_augmentation_that_lacks_its_return_is_told_as_such(self):
        with pytest.raises(DTypeError, match="augment: <lambda> must return an array of images, not a NoneType"):
            trained(augment=lambda images, rng: rng.shuffle(images))


class TestResume:
    @pytest.mark.parametrize(
        ("optimizer", "options"),
        [
            ("SGD", {}),
            ("Momentum", {"shuffle": True}),
            ("Adam", {"shuffle": True, "early_stopping": 5}),
            ("AdaDelta", {}),
            ("Nesterov", {"iterations": 40, "measure_every": 7, "early_stopping": 20, "one_pass": True}),
        ],
    )
    def test_from_every_step_all_that_follows_is_the_same_byte_for_byte(self, tmp_path, optimizer, options):
        file, copies = tmp_path / "run.safetensors", tmp_path / "copies"
        copies.mkdir()
        options |= {
            "optimizer": optimizer, "optimizer_param": {"lr": lambda step: 0.1 / (1 + step / 10)},
            "augment": [flip, partial(shift, most=1)], "checkpoint": file, "checkpoint_every": 1,
        }  # fmt: skip
        made = trainer_of(Noisy(0), options, [lambda t: shutil.copy(file, copies / f"{t.current_iter - 1}")])
        made.train()
        assert made.current_iter == 40 or made.stopped
        shutil.copy(file, copies / f"{made.current_iter}")
        expected, last = file.read_bytes(), weights(made.network)
        for step in range(made.current_iter + 1):
            shutil.copy(copies / f"{step}", file)
            again = trainer_of(Noisy(99), options | {"seed": 77, "checkpoint_every": 1000, "resume": True})
            assert again.current_iter == step
            again.train()
            assert file.read_bytes() == expected, step
            assert weights(again.network) == last
            assert again.history == made.history

    def test_more_epochs(self, tmp_path):
        file = tmp_path / "run.safetensors"
        trained(epochs=1, checkpoint=file)
        again = trained(net(9), epochs=3, checkpoint=file, resume=True, seed=5)
        assert again.train_loss_list == trained().train_loss_list

    def test_more_iterations(self, tmp_path):
        """What is measured at the end is not measured where there is no end."""
        file, options = tmp_path / "run.safetensors", {"measure_every": 3, "early_stopping": 99}
        first = trained(iterations=7, checkpoint=file, **options)
        again = trained(net(9), iterations=11, checkpoint=file, resume=True, seed=5, **options)
        whole = trained(iterations=11, **options)
        assert first.measured == [0, 3, 6, 7]
        assert again.history == whole.history
        assert weights(again.network) == weights(whole.network)

    def test_before_the_first_measurement(self, tmp_path):
        file = tmp_path / "run.safetensors"
        trainer().save(file)
        again = trained(checkpoint=file, resume=True, measure_every=10)
        assert again.history == trained(measure_every=10).history

    def test_saved_by_hand(self, tmp_path):
        first, second = trainer(), trainer(net(9), seed=5)
        first.train_step()
        first.save(tmp_path / "run.safetensors")
        second.load(tmp_path / "run.safetensors")
        first.train()
        second.train()
        assert first.train_loss_list == second.train_loss_list
        assert weights(first.network) == weights(second.network)

    def test_after_the_best_parameters_were_taken_back(self, tmp_path):
        options = {"early_stopping": 99, "optimizer": "Adam", "optimizer_param": {"lr": 0.1}}
        last = []
        first = trained(Falling(), epochs=2, step_callbacks=[lambda t: last.append(weights(t.network))], **options)
        best = weights(first.network)
        assert best != last[-1]
        first.save(tmp_path / "run.safetensors")
        second = trainer(Falling(9), epochs=5, **options)
        second.load(tmp_path / "run.safetensors")
        assert weights(second.network) == last[-1]
        first.train()
        assert weights(first.network) == best  # no step was left
        whole = trained(Falling(), epochs=5, **options)
        first.max_iter = whole.max_iter
        for made in (first, second):
            made.train()
            assert made.history == whole.history
            assert weights(made.network) == weights(whole.network)

    def test_what_the_user_gives_the_network_afterwards_stays(self, tmp_path):
        made = trained(Falling(), early_stopping=99, optimizer_param={"lr": 0.1})
        made.network.params["W1"].data *= 2
        own = made.network.params["W1"].numpy().copy()
        made.save(tmp_path / "run.safetensors")
        np.testing.assert_array_equal(load_arrays(tmp_path / "run.safetensors")["network.W1"], own)
        made.optimizer.lr = 1e-9
        made.train_step()
        np.testing.assert_allclose(made.network.params["W1"].numpy(), own, atol=1e-6)

    def test_settings_are_compared_as_json_has_them(self, tmp_path):
        file = tmp_path / "run.safetensors"
        settings = {"size": (28, 28), "none": math.nan, "n": np.array([1, 2]), "k": np.int64(3)}
        made = trained(epochs=1, checkpoint=file, settings=settings)
        assert trainer(checkpoint=file, resume=True, settings=settings).current_iter == made.current_iter
        trainer(checkpoint=file, resume=True, settings=settings | {"k": 3.0})
        with pytest.raises(DataError, match=r"size is \[28, 28\] there, \[28, 29\] here"):
            trainer(checkpoint=file, resume=True, settings=settings | {"size": (28, 29)})

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"f": len}, "JSON knows no builtin_function_or_method"),
            ({"a": np.longdouble(3)}, "settings are facts that JSON knows"),
            ({1: 2, "a": 3}, "settings are facts that JSON knows, by their names"),
            ({"optimizer": "mine"}, "settings has names that the Trainer itself keeps: optimizer"),
        ],
    )
    def test_settings_that_cannot_be(self, settings, words):
        with pytest.raises(ValueError, match=words):
            trainer(settings=settings)

    def test_one_that_has_stopped_stays_so(self, tmp_path):
        file = tmp_path / "run.safetensors"
        first = trained(checkpoint=file, step_callbacks=[lambda t: t.current_iter == 7 and t.stop()])
        again = trained(net(9), checkpoint=file, resume=True)
        assert again.current_iter == 7
        assert weights(again.network) == weights(first.network)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"mini_batch_size": 5}, "mini_batch_size is 10 there, 5 here"),
            ({"shuffle": True}, "shuffle is False there, True here"),
            ({"optimizer": "Adam"}, "optimizer is 'Momentum' there, 'Adam' here"),
            ({"early_stopping": 3}, "early_stopping is False there, True here"),
            ({"one_pass": True}, "one_pass is False there, True here"),
            ({"settings": {"data": "more", "n": 3}}, "data is 'MNIST' there, 'more' here; n is None there, 3 here"),
            ({"network": TwoLayerNet(6, 4, 3)}, r"W1 has shape \(6, 5\) instead of \(6, 4\); W2 has"),
            (
                {"network": TwoLayerNet(6, 5, 3, dtype="float64")},
                "W1 is float32 there, float64 here; b1 .*; make the network with the dtype that it has there",
            ),
        ],
    )
    def test_another_training_is_refused_and_nothing_changes(self, tmp_path, options, words):
        file = tmp_path / "run.safetensors"
        mine = {"optimizer": "Momentum", "settings": {"data": "MNIST"}}
        trained(checkpoint=file, **mine)
        made = trainer(**{"network": net(1), **mine} | options)
        made.train_step()
        self.refused(made, file, words)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"training.progress": None}, "no checkpoint of a training"),
            ({"training.progress": pack_json([])}, "no checkpoint of a training"),
            ({"training.progress": pack_json({"settings": 3, "step": 1, "stopped": False})}, "no checkpoint"),
            ({"training.progress": np.zeros(3)}, "a row of bytes"),
            ({"history.loss": np.zeros(3)}, "not that of 15 steps and 3 epochs"),
            ({"history.test_acc": None}, "not that of 15 steps"),
            ({"history.measured": None}, "not that of 15 steps"),
            ({"history.measured": np.zeros((3, 1))}, "not that of 15 steps"),
            ({"history.measured": np.array([5, 5, 10])}, "not that of 15 steps"),
            ({"history.measured": np.array([5, 10, 20])}, "not that of 15 steps"),
            ({"history.measured": np.array([-5, 10, 15])}, "not that of 15 steps"),
            ({"batches.rng": None}, "lacks rng"),
            ({"network.W1": None}, "W1 is missing"),
            ({"network.W9": np.zeros(2)}, "W9 is unexpected"),
            ({"optimizer.Momentum.updates": None}, "updates"),
            ({"best.W1": np.zeros(2)}, "W1"),
        ],
    )
    def test_a_checkpoint_that_lacks_something_is_refused_and_nothing_changes(self, tmp_path, change, words):
        file = tmp_path / "run.safetensors"
        trained(checkpoint=file, optimizer="Momentum")
        save_arrays(file, {name: a for name, a in (load_arrays(file) | change).items() if a is not None})
        made = trainer(net(1), optimizer="Momentum")
        made.train_step()
        self.refused(made, file, words)

    def refused(self, made, file, words):
        def everything():
            made.save(file.with_name("state.safetensors"))
            return file.with_name("state.safetensors").read_bytes()

        before = everything()
        with pytest.raises(DataError, match=words) as caught:
            made.load(file)
        assert str(file) in str(caught.value)
        assert everything() == before

    def test_a_damaged_file(self, tmp_path):
        file = tmp_path / "run.safetensors"
        trained(checkpoint=file)
        content = bytearray(file.read_bytes())
        content[-3] ^= 1
        file.write_bytes(content)
        with pytest.raises(DataError, match="checksum"):
            trainer(checkpoint=file, resume=True)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"absent\.safetensors") as raised:
            trainer(checkpoint=tmp_path / "absent.safetensors", resume=True)
        assert "the first run, which makes it, is without" in str(raised.value.__notes__)

    def test_the_name_is_checked_before_the_training(self, tmp_path):
        with pytest.raises(DataError, match=r"'run\.safetensors', not 'run\.pkl'"):
            trainer(checkpoint=tmp_path / "run.pkl")

    def test_a_folder_that_cannot_be_is_told_before_the_first_step(self, tmp_path):
        (tmp_path / "file").touch()
        made = trainer(checkpoint=tmp_path / "file" / "run.safetensors")
        with pytest.raises(OSError, match="file"):
            made.train()
        assert made.current_iter == 0


class TestCheckpoints:
    @pytest.mark.parametrize(("every", "steps"), [(None, [0, 5, 10, 15]), (4, [0, 4, 8, 12, 15]), (100, [0, 15])])
    def test_when(self, tmp_path, every, steps):
        made = trainer(checkpoint=tmp_path / "run.safetensors", checkpoint_every=every)
        seen, save = [], made.save
        made.save = lambda file: seen.append(made.current_iter) or save(file)
        made.train()
        assert seen == steps

    def test_one_file_without_litter(self, tmp_path):
        trained(checkpoint=tmp_path / "run.safetensors", checkpoint_every=1)
        assert [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]

    def test_what_is_in_it(self, tmp_path):
        file = tmp_path / "run.safetensors"
        made = trained(checkpoint=file, optimizer="Adam", early_stopping=5)
        arrays = load_arrays(file)
        assert {name.split(".")[0] for name in arrays} == {
            "network", "optimizer", "batches", "history", "best", "training",
        }  # fmt: skip
        assert unpack_json(arrays["training.progress"])["step"] == 15
        assert arrays["history.loss"].tolist() == made.train_loss_list
        assert arrays["network.W1"].dtype == np.float32

    def test_numbers_that_are_none_survive(self, tmp_path):
        file = tmp_path / "run.safetensors"
        first = trained(checkpoint=file, optimizer_param={"lr": 1e30}, epochs=1)
        again = trainer(net(9), checkpoint=file, optimizer_param={"lr": 1e30}, resume=True)
        np.testing.assert_array_equal(again.train_loss_list, first.train_loss_list)
        assert not np.isfinite(again.train_loss_list[-1])


KILLS = """
import json, os, signal, sys, time
import numpy as np
from autograd_dl.training import Trainer
from models import TwoLayerNet

folder, kills = sys.argv[1], int(sys.argv[2])
file = os.path.join(folder, "run.safetensors")
rng = np.random.default_rng(0)
x, t = rng.standard_normal((50, 6)), rng.integers(3, size=50)

def trainer(**options):
    options = {"epochs": 10**6, "mini_batch_size": 10, "optimizer": "Adam", "shuffle": True, "verbose": False} | options
    return Trainer(TwoLayerNet(6, 5, 3, seed=0), x, t, x, t, seed=0, **options)

def state(made):
    made.save(os.path.join(folder, "state.safetensors"))
    return open(os.path.join(folder, "state.safetensors"), "rb").read()

trainer().train_step()
trainer(epochs=0, checkpoint=file).train()
moments, steps = np.random.default_rng(), []
for _ in range(kills):
    child = os.fork()
    if not child:
        trainer(checkpoint=file, checkpoint_every=1, resume=True).train()
    time.sleep(moments.uniform(0.005, 0.08))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    steps.append(trainer(checkpoint=file, resume=True).current_iter)

resumed = trainer(checkpoint=file, resume=True)
uninterrupted = trainer()
while uninterrupted.current_iter < resumed.current_iter:
    uninterrupted.train_step()
print(json.dumps([steps, state(resumed) == state(uninterrupted)]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals of POSIX")
def test_fifty_kills_leave_fifty_loadable_checkpoints(tmp_path):
    """One process forks a child that trains and saves after every step, kills it, resumes it, and so on."""
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(tmp_path), "50"], capture_output=True, text=True, env=os.environ | threads
    )
    assert done.returncode == 0, done.stderr
    steps, same = json.loads(done.stdout)
    assert len(steps) == 50
    assert steps == sorted(steps)
    assert len(set(steps)) > 5, "choose longer times: the children should come to save"
    assert same


class TestEnsemble:
    networks = tuple(net(seed) for seed in range(3))

    def test_the_mean_of_probabilities(self):
        answers = Ensemble(self.networks).predict(TEST)
        assert type(answers) is np.ndarray
        assert answers.shape == (30, 3)
        expected = sum(softmax(n.predict(TEST).numpy()) for n in self.networks) / 3
        np.testing.assert_allclose(answers, expected, rtol=1e-6)
        np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-6)

    def test_accuracy(self):
        both = Ensemble(self.networks)
        expected = np.mean(both.predict(X).argmax(axis=1) == T)
        for t in (T, np.eye(3)[T], T.tolist(), Tensor(T)):
            for size in (7, 50, 1000):
                assert both.accuracy(X, t, size) == pytest.approx(expected)
        assert both.accuracy(X, T[:, None]) == pytest.approx(expected)
        assert Ensemble(self.networks[:1]).accuracy(X, T) == self.networks[0].accuracy(X, T)

    def test_what_cannot_be(self):
        with pytest.raises(ValueError, match="one network or more"):
            Ensemble([])
        with pytest.raises(ShapeError, match="one label or row for each"):
            Ensemble(self.networks).accuracy(X, T[:9])
        with pytest.raises(ShapeError, match="one input or more"):
            Ensemble(self.networks).accuracy(X[:0], T[:0])
        with pytest.raises(ShapeError, match=r"rows of shape \(\d+, 3\), not \(\d+, 4\)"):
            Ensemble(self.networks).accuracy(X, np.eye(4)[T])
        with pytest.raises(ShapeError, match=r"the same classes; these answer \[\(\d+, 2\), \(\d+, 3\)\]"):
            Ensemble([self.networks[0], TwoLayerNet(X.shape[1], 2, 2)]).predict(X)


class TestSmoothCurve:
    @staticmethod
    def book(x):
        s = np.r_[x[10:0:-1], x, x[-1:-11:-1]]
        w = np.kaiser(11, 2)
        y = np.convolve(w / w.sum(), s, mode="valid")
        return y[5 : len(y) - 5]

    @pytest.mark.parametrize("n", [11, 12, 100])
    def test_it_is_the_books(self, n):
        x = np.random.default_rng(n).standard_normal(n)
        np.testing.assert_allclose(smooth_curve(x), self.book(x), rtol=1e-12, atol=1e-14)

    @pytest.mark.parametrize("n", range(12))
    def test_it_is_as_long_and_a_constant_stays(self, n):
        np.testing.assert_allclose(smooth_curve(np.full(n, 3.0)), np.full(n, 3.0))

    def test_lists_and_tensors(self):
        x = np.random.default_rng(0).standard_normal(20).astype(np.float32)
        recorded = [Tensor(v, requires_grad=True) * 1 for v in x]
        for given in (x, x.tolist(), Tensor(x), recorded):
            smooth = smooth_curve(given)
            assert type(smooth) is np.ndarray
            assert smooth.dtype == np.float64
            np.testing.assert_array_equal(smooth, smooth_curve(x))

    @pytest.mark.parametrize("x", [np.zeros((20, 2)), [np.zeros(1)] * 20, 3.0, None])
    def test_one_axis(self, x):
        with pytest.raises(ShapeError, match="one axis"):
            smooth_curve(x)


def test_a_trainer_goes_back_to_its_own_checkpoint(tmp_path):
    made, file = trainer(), tmp_path / "a.safetensors"
    made.train_step()
    made.save(file)
    made.train()
    history = copy.deepcopy(made.history)
    made.load(file)
    assert (made.current_iter, len(made.train_loss_list), made.measured) == (1, 1, [])
    made.train()
    assert made.history == history


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_a_pickled_trainer_goes_on_equally(optimizer):
    made = trainer(optimizer=optimizer, shuffle=True, early_stopping=9)
    for _ in range(7):
        made.train_step()
    again = pickle.loads(pickle.dumps(made))
    made.train()
    again.train()
    assert again.current_iter == 15
    assert again.history == made.history
    assert weights(again.network) == weights(made.network)


def test_fewer_epochs_than_were_taken_take_no_further_step(tmp_path):
    file = tmp_path / "a.safetensors"
    trained(checkpoint=file)
    made = trainer(epochs=1, checkpoint=file, resume=True, step_callbacks=[lambda _: pytest.fail("a step was taken")])
    made.train()
    assert made.current_iter == 15


def test_a_network_of_numbers_and_arrays_goes_on_in_its_own_dtypes_alone(tmp_path):
    file, options = tmp_path / "a.safetensors", {"epochs": 1}
    network = OfNumbers()
    network.params["w"] = 1
    made = trainer_of(network, options)
    made.train()
    made.save(file)
    again = OfNumbers()
    again.params["w"] = 1  # no float yet
    trainer_of(again, options).load(file)
    assert again.params == network.params
    again.params["v"] = np.float64(0.25)
    with pytest.raises(DataError, match="from it here: v is float32 there, float64 here; make"):
        trainer_of(again, options).load(file)


@pytest.mark.parametrize("lost", ["network.b", "optimizer.Momentum.v.b"])
def test_a_network_without_a_state_of_its_own_stays_as_it_was_where_a_checkpoint_is_refused(tmp_path, lost):
    file, network = tmp_path / "a.safetensors", OfNumbers()
    made = trainer_of(network, {"optimizer": "momentum", "epochs": 1})
    made.train()
    made.save(file)
    save_arrays(file, {name: a for name, a in load_arrays(file).items() if name != lost})
    b = network.params["b"]
    b[...] = 5
    with pytest.raises(DataError, match=r"b.* is missing"):
        made.load(file)
    assert network.params["b"] is b
    assert b.tolist() == [5]

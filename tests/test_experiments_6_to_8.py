"""The experiments of chapters 6 to 8: their numbers, and what their figures show of them."""

import itertools

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib, of the extra viz, is not installed")
from made_experiments import QUICK, made
from plotted import images, legend, titles

from autograd_dl.app.experiments import Settings, experiments
from autograd_dl.functional import conv2d
from autograd_dl.training import smooth_curve
from models import SimpleConvNet


def curve(axes, label):
    (line,) = (line for line in axes.lines if line.get_label() == label)
    return list(line.get_ydata())


@pytest.mark.parametrize("name", [n for n, e in experiments().items() if e.section[0] in "678"])
def test_axes_are_labelled_and_lines_named(name):
    _, figure = made(name)
    plots = [axes for axes in figure.axes if axes.axison and len(axes.get_xticks())]
    for axes in plots:
        place = axes.get_subplotspec()
        inner = len(plots) > 3 and not (place.is_last_row() and place.is_first_col())
        assert inner or (axes.get_xlabel() and axes.get_ylabel()) or (figure.get_supxlabel() and figure.get_supylabel())
        assert len(axes.lines) < 2 or any(other.get_legend() for other in plots)


# -- chapter 6


def test_optimizer_paths():
    numbers, figure = made("optimizer-paths", Settings())
    paths = numbers["paths"]
    assert list(paths) == ["SGD", "Momentum", "AdaGrad", "Adam"]
    for axes, (name, path) in zip(figure.axes, paths.items(), strict=True):
        assert path[0] == [-7, 2]
        assert len(path) == 31
        assert axes.get_title().startswith(f"{name}, lr")
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), path)
    expected = [[-7 * (1 - 0.95 / 10) ** k, 2 * (1 - 2 * 0.95) ** k] for k in range(31)]
    np.testing.assert_allclose(paths["SGD"], expected, rtol=1e-12)
    np.testing.assert_allclose(paths["AdaGrad"][1], [-7 + 1.5, 2 - 1.5], rtol=1e-6)
    np.testing.assert_allclose(paths["Adam"][1], [-7 + 0.3, 2 - 0.3], rtol=1e-5)
    np.testing.assert_allclose(paths["Momentum"][2], [-6.93 + 0.9 * 0.07 + 0.0693, 1.6 - 0.9 * 0.4 - 0.32], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "runs"),
    [("optimizers", ["SGD", "Momentum", "AdaGrad", "Adam"]), ("initial-weights", ["std 0.01", "Xavier", "He"])],
)
def test_losses(name, runs):
    numbers, figure = made(name)
    (axes,) = figure.axes
    assert list(numbers["losses"]) == legend(axes) == runs
    for run, losses in numbers["losses"].items():
        assert len(losses) == 60
        np.testing.assert_array_equal(curve(axes, run), smooth_curve(losses))
        assert numbers["last_100"][run] == pytest.approx(np.mean(losses))


def test_optimizers_begin_alike_and_adagrad_and_adam_are_ahead_of_sgd():
    losses = made("optimizers").numbers["losses"]
    last = {name: np.mean(values[-10:]) for name, values in losses.items()}
    assert last["SGD"] > max(last["AdaGrad"], last["Adam"])


def test_tiny_weights_do_not_learn():
    losses = made("initial-weights").numbers["losses"]
    assert losses["std 0.01"] == pytest.approx([np.log(10)] * 60, abs=0.02)
    assert np.mean(losses["He"][-10:]) < np.mean(losses["He"][:10]) - 0.01


def test_activations():
    numbers, figure = made("activations")
    assert list(numbers) == [
        f"{f}, std {std}"
        for f, std in itertools.product(("sigmoid", "relu", "tanh"), ("1", "0.01", "√(1/n)", "√(2/n)"))
    ]
    assert len(figure.axes) == 12 * 2
    counts = {name: np.array(row["counts"]) for name, row in numbers.items()}
    for name, axes in zip(counts, np.reshape(figure.axes, (12, 2)), strict=True):
        assert axes[0].get_ylabel() == name.replace(", ", "\n")
        for one, count in zip(axes, counts[name], strict=True):
            (stairs,) = one.patches
            np.testing.assert_array_equal(stairs.get_data().values, count)
    for function in ("sigmoid", "tanh"):
        assert (counts[f"{function}, std 1"].sum(axis=1) == 100_000).all()
        assert (counts[f"{function}, std 1"][:, [0, -1]].sum(axis=1) > 50_000).all(), "at both ends"
        assert max(numbers[f"{function}, std 0.01"]["std"]) < 0.1, "in the middle"
    he, xavier = (numbers[f"relu, std √({k}/n)"]["mean"] for k in (2, 1))
    assert he[1] == pytest.approx(he[0], rel=0.2), "He's keep the size"
    assert xavier[1] < 0.8 * xavier[0]


def test_batch_norm():
    numbers, figure = made("batch-norm")
    np.testing.assert_allclose(numbers["std"], [1, 10 ** (-4 / 3), 10 ** (-8 / 3), 1e-4])
    assert titles(figure) == ["std 1", "std 0.046", "std 0.0022", "std 0.0001"]
    assert legend(figure.axes[-1]) == ["batch norm", "plain"]
    for k, axes in enumerate(figure.axes):
        for name in ("batch norm", "plain"):
            assert curve(axes, name) == numbers[name][k]
            assert len(numbers[name][k]) == 2
        overflow = numbers["plain_overflows_after"][k]
        assert [text.get_text() for text in axes.texts] == (
            [] if overflow is None else [f"plain overflows\nafter {overflow} steps"]
        )


@pytest.mark.parametrize(
    ("name", "runs"), [("weight-decay", ["λ = 0", "λ = 0.1"]), ("dropout", ["no dropout", "dropout 0.2"])]
)
def test_overfitting(name, runs):
    numbers, figure = made(name)
    assert titles(figure) == list(numbers) == runs
    for axes, run in zip(figure.axes, numbers.values(), strict=True):
        assert legend(axes) == ["300 training images", "test images"]
        for label, key in zip(legend(axes), ("train_accuracy", "test_accuracy"), strict=True):
            assert curve(axes, label) == run[key]
            assert len(run[key]) == 3
    assert numbers[runs[0]]["loss"] != numbers[runs[1]]["loss"]


def test_hyper_parameters():
    numbers, figure = made("hyper-parameters")
    trials = numbers["trials"]
    assert len(trials) == len(figure.axes) == 5
    last = [trial["validation_accuracy"][-1] for trial in trials]
    assert last == sorted(last, reverse=True)
    for trial, axes in zip(trials, figure.axes, strict=True):
        assert 1e-6 <= trial["lr"] <= 1e-2
        assert 1e-8 <= trial["weight_decay"] <= 1e-4
        assert f"lr {trial['lr']:.2g}, decay {trial['weight_decay']:.1g}" in axes.get_title()
        assert curve(axes, "validation") == trial["validation_accuracy"]
        assert curve(axes, "training") == trial["train_accuracy"]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("gradient-check-6", "W1 b1 gamma1 beta1 W2 b2 gamma2 beta2 W3 b3"), ("gradient-check-7", "W1 b1 W2 b2 W3 b3")],
)
def test_gradient_checks(name, parameters):
    numbers, figure = made(name)
    left, right = figure.axes
    assert list(numbers["mean_distance"]) == legend(left) == parameters.split()
    assert numbers["largest_distance"] < 1e-6 * numbers["largest_gradient"]
    heights = [bar.get_height() for bar in right.patches]
    assert heights == list(numbers["mean_distance"].values())


# -- chapter 7


def test_im2col():
    numbers, figure = made("im2col")
    image, weights = np.array(numbers["image"]), np.array(numbers["filter"])
    assert numbers["result"] == [[15, 16], [6, 15]]
    np.testing.assert_array_equal(conv2d(image[None, None], weights[None, None])[0, 0], numbers["result"])
    places = itertools.product(range(2), repeat=2)
    assert numbers["rows"] == [image[i : i + 3, j : j + 3].ravel().tolist() for i, j in places]
    texts = [[float(text.get_text()) for text in axes.texts] for axes in figure.axes]
    assert texts[:4] == [image.ravel().tolist()] * 4
    assert texts[4:] == [np.ravel(numbers[name]).tolist() for name in ("rows", "filter", "product", "result")]


@pytest.mark.parametrize("name", ["simple-convnet", "deep-convnet"])
def test_convnets(name):
    numbers, figure = made(name)
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    assert len(numbers["loss"]) == len(numbers["train_accuracy"]) == len(numbers["test_accuracy"]) == 2
    assert curve(figure.axes[1], "test images") == numbers["test_accuracy"]
    assert 0 <= numbers["accuracy"] <= 1


def test_filters():
    numbers, figure = made("filters")
    before, after = (np.array(numbers[name]["filters"]) for name in ("before", "after"))
    assert before.shape == after.shape == (4, 1, 5, 5)
    assert numbers["before"]["std"] == pytest.approx(0.01, rel=0.3)
    assert not np.isclose(before, after).any()
    np.testing.assert_array_equal(images(figure), np.concatenate([before, after])[:, 0])


@pytest.fixture
def weights(tmp_path):
    """A file with weights of the small SimpleConvNet."""
    network = SimpleConvNet(
        conv_param={"filter_num": 4, "filter_size": 5, "pad": 0, "stride": 1}, hidden_size=20, seed=5
    )
    np.savez(tmp_path / "weights.npz", **network.state_dict())
    return tmp_path / "weights.npz", network


def test_given_weights_are_taken_instead_of_trained(weights):
    file, network = weights
    numbers, _ = experiments()["filters"].run(Settings(quick=True, weights=file))
    np.testing.assert_array_equal(numbers["after"]["filters"], network.params["W1"].numpy())


def test_feature_maps(weights):
    file, network = weights
    numbers, figure = experiments()["feature-maps"].run(Settings(quick=True, weights=file))
    digit, *maps = images(figure)
    assert numbers["label"] == 7
    assert titles(figure)[:5] == ["a 7", *(f"filter {k}" for k in range(4))]
    w = network.params["W1"].numpy()[1, 0]
    assert maps[1][3, 4] == pytest.approx(max(0, np.sum(digit[3:8, 4:9] * w)), abs=1e-6)
    np.testing.assert_allclose(numbers["mean"], [m.mean() for m in maps], rtol=1e-5)
    np.testing.assert_allclose(numbers["largest"], [m.max() for m in maps], rtol=1e-5)


# -- chapter 8


def test_misclassified():
    numbers, figure = made("misclassified")
    wrong, true, answers = numbers["images"], numbers["labels"], numbers["answers"]
    _, (x, t) = QUICK.mnist(flatten=False)
    assert len(wrong) == round(200 * (1 - numbers["accuracy"]))
    assert true == t[wrong].tolist()
    assert all(a != b for a, b in zip(true, answers, strict=True))
    assert titles(figure) == [f"label {a}, answer {b}" for a, b in zip(true[:5], answers[:5], strict=True)]
    np.testing.assert_array_equal(images(figure), x[wrong[:5], 0])


def test_augmentation():
    numbers, figure = made("augmentation")
    *gallery, axes = figure.axes
    rows = [axes.get_title() for axes in gallery[6::6]]
    assert rows == ["cropped", "mirrored", "shifted", "scaled", "turned"]
    shown = images(figure)
    assert [image.shape for image in shown] == [(28, 28)] * 6 + [(20, 20)] * 6 + [(28, 28)] * 24
    for k, row in enumerate(rows, 1):
        assert any(
            shown[j].shape != shown[6 * k + j].shape or (shown[j] != shown[6 * k + j]).any() for j in range(6)
        ), row
    assert legend(axes) == list(numbers["curves"]) == list(numbers["accuracy"])
    for name, values in numbers["curves"].items():
        assert curve(axes, name) == values


def test_ensemble():
    numbers, figure = made("ensemble")
    (axes,) = figure.axes
    assert len(numbers["alone"]) == 3
    assert [bar.get_height() for bar in axes.patches] == [*numbers["alone"], numbers["together"]]
    assert legend(axes) == ["network alone", "ensemble"]


def test_transfer():
    numbers, figure = made("transfer")
    (axes,) = figure.axes
    assert list(numbers["accuracy"]) == ["from scratch", "fine-tuned"]
    assert legend(axes) == ["from scratch (mean)", "fine-tuned (mean)"]
    for name, curves in numbers["curves"].items():
        assert curve(axes, f"{name} (mean)") == np.mean(curves, axis=0).tolist()
    assert len(axes.lines) == 4
    first = {name: curves[0][0] for name, curves in numbers["curves"].items()}
    assert first["fine-tuned"] > first["from scratch"]


def test_layer_times():
    numbers, figure = made("layer-times")
    (axes,) = figure.axes
    layers = numbers["layers"]
    assert len(layers) == 20
    assert layers[:5] == ["Conv1", "Relu1", "Conv2", "Relu2", "Pool1"]
    assert layers[-5:] == ["Affine1", "Relu7", "Dropout1", "Affine2", "Dropout2"]
    forward, backward = np.array(numbers["forward_ms"]), np.array(numbers["backward_ms"])
    assert (forward > 0).all()
    assert (backward > 0).all()
    np.testing.assert_array_equal([bar.get_width() for bar in axes.patches], [*forward, *backward])
    convolutions = [layer.startswith("Conv") for layer in layers]
    assert numbers["share_of_convolutions"] == pytest.approx(
        (forward + backward)[convolutions].sum() / (forward + backward).sum()
    )


def test_half_precision():
    numbers, figure = made("half-precision")
    assert list(numbers["accuracy"]) == ["float32", "float16"]
    assert numbers["bytes"]["float32"] == 2 * numbers["bytes"]["float16"]
    assert 0 < numbers["largest_distance_of_scores"] < 0.02
    left, middle, right = figure.axes
    assert [bar.get_height() for bar in left.patches] == list(numbers["accuracy"].values())
    assert [1000 * bar.get_height() for bar in middle.patches] == list(numbers["bytes"].values())
    x, y = right.lines[0].get_xydata().T
    assert np.abs(x - y).max() == pytest.approx(numbers["largest_distance_of_scores"])


# -- all


@pytest.mark.parametrize("name", ["dropout", "hyper-parameters", "transfer"])
def test_the_seed_alone_determines_the_numbers(name):
    assert experiments()[name].run(QUICK).numbers == made(name).numbers
    assert experiments()[name].run(Settings(quick=True, seed=1)).numbers != made(name).numbers


@pytest.mark.slow
def test_optimizers_over_three_seeds():
    for seed in range(3):
        last = experiments()["optimizers"].run(Settings(seed=seed)).numbers["last_100"]
        assert last["SGD"] > last["Momentum"] > max(last["AdaGrad"], last["Adam"])


@pytest.mark.slow
def test_initial_weights_at_full_size():
    last = experiments()["initial-weights"].run(Settings()).numbers["last_100"]
    assert last["std 0.01"] > 2.29
    assert last["He"] < 0.3


@pytest.mark.slow
def test_batch_norm_at_full_size():
    numbers = experiments()["batch-norm"].run(Settings()).numbers
    assert min(values[-1] for values in numbers["batch norm"]) > 0.35
    assert sum(values[-1] < 0.2 for values in numbers["plain"]) >= 10
    assert numbers["plain_overflows_after"][0] is not None


@pytest.mark.slow
def test_dropout_at_full_size():
    assert experiments()["dropout"].run(Settings()).numbers["dropout 0.2"]["test_accuracy"][-1] >= 0.5


@pytest.mark.slow
def test_transfer_over_three_seeds():
    numbers = experiments()["transfer"].run(Settings()).numbers
    accuracy = numbers["accuracy"]
    assert accuracy == {name: [run[-1] for run in runs] for name, runs in numbers["curves"].items()}
    assert len(accuracy["fine-tuned"]) == 3
    assert all(np.greater(accuracy["fine-tuned"], accuracy["from scratch"]))

"""Saving and loading a network's parameters."""

import pickle

import numpy as np
import pytest

from autograd_dl.errors import DataError
from autograd_dl.serialization import load_arrays, load_metadata, save_arrays
from models import MultiLayerNet, SimpleNet, ThreeLayerNet, TwoLayerNet

pytest.importorskip("safetensors")


def network(dtype="float32", seed=0):
    return TwoLayerNet(4, 3, 2, seed=seed, dtype=dtype)


def values(net):
    return {key: p.numpy().copy() for key, p in net.params.items()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "params.safetensors"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_round_trip(file, dtype):
    net, other = network(dtype), network(dtype, seed=1)
    net.save_params(file)
    other.load_params(str(file))
    assert same(values(net), values(other))
    x = np.ones((5, 4))
    np.testing.assert_array_equal(net.predict(x).numpy(), other.predict(x).numpy())


def test_the_parameters_stay_parameters(file):
    net = network()
    net.save_params(file)
    tensors = dict(net.params)
    net.load_params(file)
    for key, p in net.params.items():
        assert p is tensors[key]
        assert p.requires_grad
        assert p.name == key
        assert p.data.flags.c_contiguous
    net.loss(np.ones((5, 4)), np.zeros(5, int)).backward()


def test_the_dtype_is_the_networks(file):
    network("float64").save_params(file)
    net = network("float32", seed=1)
    net.load_params(file)
    assert {p.dtype for p in net.params.values()} == {np.dtype("float32")}
    assert same(values(net), {key: a.astype(np.float32) for key, a in values(network("float64")).items()})


def test_npz(tmp_path):
    arrays = values(network())
    np.savez(tmp_path / "params.npz", **arrays)
    net = network(seed=1)
    net.load_params(tmp_path / "params.npz")
    assert same(values(net), arrays)


def test_a_pickle_is_neither_read_nor_written(tmp_path):
    file = tmp_path / "params.pkl"
    with pytest.raises(DataError, match=r"write to 'params\.safetensors', not 'params\.pkl'"):
        network().save_params(file)
    assert list(tmp_path.iterdir()) == []
    file.write_bytes(pickle.dumps({}))
    with pytest.raises(DataError, match=r"never from pickle.*docs/book\.md"):
        network().load_params(file)


@pytest.mark.parametrize("name", ["params", "params.npz", "params.pickle", "params.pkl.bak"])
def test_other_endings_are_refused(tmp_path, name):
    with pytest.raises(DataError, match=r"weights are written as safetensors: write to"):
        network().save_params(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


FAULTS = [
    ({"b1": None}, ["b1 is missing"]),
    ({"W1": None, "b2": None}, ["W1 is missing", "b2 is missing"]),
    ({"W3": np.ones(2)}, ["W3 is unexpected"]),
    ({"W1": np.ones((3, 4))}, [r"W1 has shape \(3, 4\) instead of \(4, 3\)"]),
    ({"b1": np.ones((3, 1))}, [r"b1 has shape \(3, 1\) instead of \(3,\)"]),
    ({"b1": np.array([True, False, True])}, ["b1 holds bool, not numbers"]),
    (
        {"W1": np.ones(3), "W2": None, "gamma1": np.ones(1), "b2": np.ones(3)},
        ["W1 has shape", "W2 is missing", "gamma1 is unexpected", "b2 has shape"],
    ),
]


@pytest.mark.parametrize(("changes", "messages"), FAULTS)
@pytest.mark.parametrize("kind", ["safetensors", "npz"])
def test_every_fault_is_named_and_nothing_changes(tmp_path, kind, changes, messages):
    arrays = {key: a for key, a in (values(network(seed=1)) | changes).items() if a is not None}
    file = tmp_path / f"params.{kind}"
    if kind == "npz":
        np.savez(file, **arrays)
    else:
        save_arrays(file, arrays)
    net = network()
    with pytest.raises(DataError, match="does not fit this TwoLayerNet") as caught:
        net.load_params(file)
    for message in messages:
        assert caught.match(message)
    assert same(values(net), values(network()))


def test_a_damaged_file_changes_nothing(file):
    network(seed=1).save_params(file)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    net = network()
    with pytest.raises(DataError, match="checksum"):
        net.load_params(file)
    assert same(values(net), values(network()))


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        network().load_params(tmp_path / "absent.safetensors")


def test_integers_are_numbers_too(file):
    save_arrays(file, {key: np.ones(a.shape, np.int64) for key, a in values(network()).items()})
    net = network()
    net.load_params(file)
    assert all((a == 1).all() and a.dtype == np.float32 for a in values(net).values())


def nets(activation):
    return [TwoLayerNet(4, 3, 2, activation=activation), MultiLayerNet(4, [3], 2, activation)]


@pytest.mark.parametrize("kind", [0, 1], ids=["TwoLayerNet", "MultiLayerNet"])
def test_the_activation_is_kept_and_another_is_refused(file, kind):
    nets("sigmoid")[kind].save_params(file, {"epochs": "3"})
    assert load_metadata(file) == {"epochs": "3", "activation": "sigmoid"}
    for same_shapes in nets("sigmoid"):
        same_shapes.load_params(file)
    net = nets("relu")[kind]
    before = values(net)
    with pytest.raises(DataError, match=r"its activation is 'sigmoid', not 'relu'$"):
        net.load_params(file)
    assert same(values(net), before)


def test_a_file_that_names_no_activation_is_loaded(tmp_path, file):
    net = nets("tanh")[0]
    net.save_params(file)
    for untold, write in {"a.npz": lambda f, a: np.savez(f, **a), "b.safetensors": save_arrays}.items():
        write(tmp_path / untold, load_arrays(file))
        other = nets("relu")[0]
        other.load_params(tmp_path / untold)
        assert same(values(other), values(net))


def test_the_activation_of_the_network_of_chapter_3(file):
    MultiLayerNet(4, [3, 3], 2, "relu").save_params(file)
    with pytest.raises(DataError, match="its activation is 'relu', not 'sigmoid'"):
        ThreeLayerNet(4, [3, 3], 2).load_params(file)


def test_a_network_without_an_activation_tells_and_asks_none(file):
    SimpleNet().save_params(file)
    assert load_metadata(file) == {}
    SimpleNet().save_params(file, {"activation": "any word"})
    SimpleNet().load_params(file)


def test_metadata_are_a_dict(file):
    with pytest.raises(DataError, match="metadata are written under names, as a dict, not str"):
        network().save_params(file, "three epochs")
    assert not file.exists()

import sys

import mnist_files
import numpy as np
import pytest

from autograd_dl.data import load_mnist, mnist
from autograd_dl.errors import DataError


@pytest.fixture(scope="module")
def subset():
    return load_mnist(subset=True)


@pytest.fixture
def small(tmp_path, monkeypatch):
    return mnist_files.take_for_full(monkeypatch, tmp_path / "small", 20)


def test_the_defaults_are_the_books(subset):
    (x_train, t_train), (x_test, t_test) = subset
    assert (x_train.shape, x_train.dtype) == ((5000, 784), np.float32)
    assert (t_train.shape, t_train.dtype) == ((5000,), np.uint8)
    assert (x_test.shape, t_test.shape) == ((10000, 784), (10000,))
    assert x_train.min() == 0
    assert x_train.max() == 1


def test_the_first_training_digit_is_a_5(subset):
    assert subset[0][1][0] == 5


def test_the_subset_is_balanced(subset):
    assert np.bincount(subset[0][1]).tolist() == [500] * 10


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("one_hot_label", [True, False])
def test_every_combination_of_options(small, normalize, flatten, one_hot_label):
    raw = np.frombuffer(mnist_files.small_set(20)[mnist_files.IMAGES][16:], np.uint8)
    labels = np.frombuffer(mnist_files.small_set(20)[mnist_files.LABELS][8:], np.uint8)
    (x, t), (x_test, t_test) = load_mnist(normalize, flatten, one_hot_label)
    assert x.shape == ((20, 784) if flatten else (20, 1, 28, 28)) == x_test.shape
    assert x.dtype == (np.float32 if normalize else np.uint8)
    np.testing.assert_array_equal(x.ravel(), raw / np.float32(255) if normalize else raw)
    assert t.dtype == (np.float32 if one_hot_label else np.uint8)
    np.testing.assert_array_equal(t, np.eye(10)[labels] if one_hot_label else labels)
    assert t.shape == t_test.shape


@pytest.mark.parametrize("normalize", [True, False])
def test_the_arrays_belong_to_the_caller(small, normalize):
    (x, t), _ = load_mnist(normalize)
    x[0], t[0] = 0, 0
    (again, labels), _ = load_mnist(normalize)
    assert again[0].any()
    assert x.flags.writeable
    assert labels.flags.writeable


def test_the_folder_may_begin_with_a_tilde(small, monkeypatch):
    monkeypatch.setenv("HOME", str(small.parent))
    monkeypatch.setenv("USERPROFILE", str(small.parent))
    monkeypatch.setenv("AUTOGRAD_DL_DATA", f"~/{small.name}")
    assert len(load_mnist()[0][0]) == 20


def test_a_missing_file_is_named(small):
    (small / mnist_files.TEST_LABELS).unlink()
    with pytest.raises(DataError, match=rf"{mnist_files.TEST_LABELS} is missing; .*{mnist_files.IMAGES}"):
        load_mnist()


def test_a_folder_that_is_not_there_is_named_with_the_ways_out(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_DL_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere.*is missing; the folder that AUTOGRAD_DL_DATA names.*--data subset"):
        load_mnist()


@pytest.mark.skipif(sys.platform == "win32", reason="every home folder is taken to be there")
def test_a_home_folder_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_DL_DATA", "~nobody-has-this-name/mnist")
    with pytest.raises(DataError, match="AUTOGRAD_DL_DATA names ~nobody-has-this-name/mnist, and there is no such"):
        load_mnist()


def test_the_training_images_are_counted_without_loading_them(subset):
    assert mnist.count_training_images(subset=True) == len(subset[0][0])
    assert mnist.count_training_images() == 60_000


def test_a_smaller_set_is_never_taken_for_the_full_one(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_DL_DATA", str(mnist.SUBSET))
    with pytest.raises(DataError, match=r"has 5000 images, and the full set 60000; the subset"):
        load_mnist()


def test_the_subset_is_not_looked_for_in_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOGRAD_DL_DATA", str(tmp_path))
    assert len(load_mnist(subset=True)[0][0]) == 5000


@pytest.fixture(scope="module")
def full():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRAD_DL_DATA", str(mnist_files.FULL))
        return load_mnist(normalize=False)


@mnist_files.needs_full
def test_the_full_set(full):
    (x_train, t_train), (x_test, t_test) = full
    assert (x_train.shape, t_train.shape) == ((60000, 784), (60000,))
    assert (x_test.shape, t_test.shape) == ((10000, 784), (10000,))
    assert t_train[:5].tolist() == [5, 0, 4, 1, 9]


@mnist_files.needs_full
def test_the_subset_holds_the_first_500_of_each_digit_in_their_order(full):
    (x_train, t_train), (x_test, t_test) = full
    first = np.sort(np.concatenate([np.flatnonzero(t_train == digit)[:500] for digit in range(10)]))
    (x_part, t_part), (x_all, t_all) = load_mnist(normalize=False, subset=True)
    np.testing.assert_array_equal(x_part, x_train[first])
    np.testing.assert_array_equal(t_part, t_train[first])
    np.testing.assert_array_equal(x_all, x_test)
    np.testing.assert_array_equal(t_all, t_test)


@mnist_files.needs_full
@pytest.mark.parametrize("name", mnist.SHA256)
def test_the_checksums_are_those_of_the_files(name):
    assert mnist_files.FULL is not None
    mnist._check(name, mnist.read_idx(mnist_files.FULL / name, 3 if "images" in name else 1))


@pytest.mark.parametrize("options", [{"normalize": "subset"}, {"subset": "no"}])
def test_flags_that_are_words(options):
    with pytest.raises(TypeError, match=r"True or False for (normalize|subset), not '(subset|no)'; the subset is"):
        load_mnist(**options)

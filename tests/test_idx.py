"""Damaged MNIST files: the error names the file, what was expected and what was found."""

import gzip
import os
import re
import sys
import tracemalloc

import mnist_files
import numpy as np
import pytest
from mnist_files import IMAGES, LABELS, idx

from autograd_dl.data import load_mnist
from autograd_dl.data.idx import read_idx
from autograd_dl.errors import DataError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return mnist_files.take_for_full(monkeypatch, tmp_path, 20)


def refused(file, *words):
    """The load is refused, in one message that has the file's name and these words."""
    with pytest.raises(DataError) as caught:
        load_mnist()
    for word in (str(file), *words):
        assert re.search(re.escape(word), str(caught.value)), (word, str(caught.value))


def images(count=20):
    return np.zeros((count, 28, 28))


def test_the_folder_as_it_is_can_be_read(folder):
    assert len(load_mnist()[0][0]) == 20


def test_the_gzip_file_is_cut_at_every_length(folder):
    file = folder / LABELS
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        refused(file)


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_no_flipped_byte_changes_what_is_read(folder, flip):
    """Whatever is damaged, the content is either refused or what it was (the header has a time and an OS, unused)."""
    file = folder / LABELS
    whole = file.read_bytes()
    labels = read_idx(file, 1)
    messages = []
    for i in range(len(whole)):
        damaged = bytearray(whole)
        damaged[i] ^= flip
        file.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(read_idx(file, 1), labels)
        except DataError as error:
            messages.append(str(error))
    assert len(messages) > len(whole) / 2
    assert all(str(file) in message for message in messages)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["16 bytes", "only 0"]),
        (idx(images())[:15], ["16 bytes", "only 15"]),
        (idx(images())[:-1], ["(20, 28, 28)", "15696", "15695"]),
        (idx(images()) + b"\0", ["(20, 28, 28)", "15696", "15697"]),
        (idx(images(), magic=0x0801), ["0x00000801", "0x00000803"]),
        (idx(images(), magic=0x0D03), ["0x00000d03", "0x00000803"]),
        (idx(np.zeros(10_000)), ["0x00000801", "0x00000803"]),
        (idx(images(), shape=(20, 28, 29)), ["(20, 28, 29)", "16256", "15696"]),
        (idx(images(), shape=(2**32 - 1,) * 3), ["4294967295", "15696"]),
        (idx(images(0), shape=(2**32 - 1, 2**32 - 1, 0)), ["4294967295", "nothing in the file"]),
        (idx(images(0)), ["(0, 28, 28)", "nothing in the file"]),
        (idx(np.zeros((20, 28, 27))), ["(28, 27)", "(28, 28)"]),
        (idx(images(19)), ["19"]),
    ],
    ids=[
        "nothing inside", "part of a header", "a byte too few", "a byte too many", "magic of labels", "magic of floats",
        "labels in place of images", "another width", "absurd dimensions", "absurd dimensions and none",
        "no images", "images of another size", "an image too few",
    ],
)  # fmt: skip
def test_image_files(folder, content, words):
    (folder / IMAGES).write_bytes(gzip.compress(content))
    refused(folder / IMAGES if "19" not in words else IMAGES, *words)


def test_images_in_place_of_labels(folder):
    (folder / LABELS).write_bytes((folder / IMAGES).read_bytes())
    refused(folder / LABELS, "0x00000803", "0x00000801")


def test_a_label_that_is_no_digit(folder):
    (folder / LABELS).write_bytes(gzip.compress(idx(np.arange(20) % 11)))
    refused(folder / LABELS, "a label 10", "0 to 9")


def test_counts_that_differ(folder):
    (folder / LABELS).write_bytes(gzip.compress(idx(np.zeros(19))))
    refused(folder / LABELS, "19 labels", "20 images", IMAGES)


@pytest.mark.parametrize("content", [b"", b"\x1f", b"\x1f\x8b", b"<html>not found</html>", bytes(1000)])
def test_what_is_no_gzip_file(folder, content):
    (folder / IMAGES).write_bytes(content)
    refused(folder / IMAGES)


def test_uncompressed_files(folder):
    (folder / IMAGES).write_bytes(idx(images()))
    refused(folder / IMAGES, "gzip")


@pytest.mark.parametrize("tail", [b"more", b"\0" * 512, gzip.compress(b"more")], ids=["bytes", "zeros", "a member"])
def test_something_after_the_gzip_file(folder, tail):
    file = folder / IMAGES
    file.write_bytes(file.read_bytes() + tail)
    refused(file)


@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (10**6, 2**16, 2**16), (5_000_000, 28, 28)])
def test_an_absurd_header_allocates_nothing(tmp_path, shape):
    """Also where the length that gzip states is forged so as to agree with it, modulo 2**32."""
    file = tmp_path / IMAGES
    packed = gzip.compress(idx(images(1), shape=shape))
    claimed = 16 + int(np.prod(np.array(shape, object)))
    for content in (packed, packed[:-4] + (claimed % 2**32).to_bytes(4, "little")):
        file.write_bytes(content)
        tracemalloc.start()
        with pytest.raises(DataError, match=str(claimed)):
            read_idx(file, 3)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2**20


def test_a_folder_in_place_of_a_file(folder):
    (folder / IMAGES).unlink()
    (folder / IMAGES).mkdir()
    with pytest.raises(OSError, match=IMAGES):
        load_mnist()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the administrator may read every file")
def test_a_file_that_may_not_be_read(folder):
    (folder / IMAGES).chmod(0)
    with pytest.raises(PermissionError, match=IMAGES):
        load_mnist()

"""Downloading the full MNIST, from mirrors on this machine: what arrives is whole and right, or nothing stays."""

import errno
import gzip
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mnist_files
import numpy as np
import pytest
from mnist_files import IMAGES

from autograd_dl.data import load_mnist, mnist
from autograd_dl.errors import DataError, MissingExtraError

pooch = pytest.importorskip("pooch")
CONTENTS = mnist_files.small_set(20)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, body, length = self.server.answer(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class _Server(ThreadingHTTPServer):
    """Mirrors at /NAME/, each with a way to spoil what it sends."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked = []
        self.files = {name: gzip.compress(content) for name, content in CONTENTS.items()}
        self.spoilt = {}

    def answer(self, path):
        _, mirror, name = path.split("/")
        body = self.files[name]
        return self.spoilt.get(mirror, lambda body: (200, body, len(body)))(body)

    def mirror(self, name, spoil=None):
        if spoil is not None:
            self.spoilt[name] = spoil
        return f"http://127.0.0.1:{self.server_port}/{name}/"


@pytest.fixture
def server():
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and small files in place of the full set."""
    monkeypatch.delenv("AUTOGRAD_DL_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / project)
    monkeypatch.setattr(mnist, "SHA256", {name: mnist_files.sha256(content) for name, content in CONTENTS.items()})
    monkeypatch.setattr(mnist, "COUNTS", {"train": 20, "t10k": 20})
    return tmp_path / "autograd_dl" / "mnist"


def use(monkeypatch, *mirrors):
    monkeypatch.setattr(mnist, "MIRRORS", mirrors)


def files(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


SPOILT = {
    "not found": lambda body: (404, b"no such file", 12),
    "broken": lambda body: (500, b"", 0),
    "a web page": lambda body: (200, b"<html>please log in</html>", 26),
    "cut short": lambda body: (200, body[: len(body) // 2], len(body)),
    "cut short, and says so": lambda body: (200, body[: len(body) // 2], len(body) // 2),
    "empty": lambda body: (200, b"", 0),
    "other digits": lambda body: (200, gzip.compress(mnist_files.idx(np.ones((20, 28, 28)))), None),
    "another number of them": lambda body: (200, gzip.compress(mnist_files.idx(np.ones((21, 28, 28)))), None),
}


def spoil(name):
    def answer(body):
        status, body, length = SPOILT[name](body)
        return status, body, len(body) if length is None else length

    return answer


def test_the_first_mirror_serves(server, cache, monkeypatch):
    use(monkeypatch, server.mirror("a"), server.mirror("b"))
    (x, t), (x_test, t_test) = load_mnist(normalize=False)
    assert x.tobytes() == CONTENTS[IMAGES][16:]
    assert len(t) == len(x_test) == len(t_test) == 20
    assert files(cache) == sorted(CONTENTS)
    assert server.asked == [f"/a/{name}" for name in CONTENTS]


def test_the_second_call_asks_no_one(server, cache, monkeypatch):
    use(monkeypatch, server.mirror("a"))
    load_mnist()
    server.asked.clear()
    load_mnist()
    assert server.asked == []


def test_a_mirror_may_have_compressed_the_files_anew(server, cache, monkeypatch):
    server.files = {name: gzip.compress(content, 1, mtime=0) for name, content in CONTENTS.items()}
    use(monkeypatch, server.mirror("a"))
    assert len(load_mnist()[0][0]) == 20


@pytest.mark.parametrize("fault", SPOILT)
def test_the_next_mirror_helps(server, cache, monkeypatch, fault):
    use(monkeypatch, server.mirror("a", spoil(fault)), server.mirror("b"))
    (x, _), _ = load_mnist(normalize=False)
    assert x.tobytes() == CONTENTS[IMAGES][16:]
    assert server.asked[:2] == [f"/a/{IMAGES}", f"/b/{IMAGES}"]
    assert files(cache) == sorted(CONTENTS)


def test_a_mirror_that_no_one_serves(server, cache, monkeypatch):
    use(monkeypatch, "http://127.0.0.1:9/", server.mirror("b"))
    assert len(load_mnist()[0][0]) == 20


@pytest.mark.parametrize("fault", SPOILT)
def test_where_all_fail_it_says_so_and_nothing_stays(server, cache, monkeypatch, fault):
    use(monkeypatch, server.mirror("a", spoil(fault)), server.mirror("b", spoil(fault)))
    with pytest.raises(DataError) as caught:
        load_mnist()
    message = str(caught.value)
    assert message.startswith(
        "the full MNIST is not here, and could not be downloaded. Either try again with a network"
    )
    assert "AUTOGRAD_DL_DATA" in message
    assert all(name in message for name in (*CONTENTS, server.mirror("a"), server.mirror("b"), "subset"))
    assert files(cache) == []


def test_a_wrong_checksum_is_told(server, cache, monkeypatch):
    use(monkeypatch, server.mirror("a", spoil("other digits")))
    with pytest.raises(DataError, match=f"SHA-256 [0-9a-f]{{64}}, not {mnist.SHA256[IMAGES]}"):
        load_mnist()


def test_what_arrived_whole_is_not_asked_for_again(server, cache, monkeypatch):
    def breaks_at_the_second(body):
        return (200, body, len(body)) if body == server.files[IMAGES] else (404, b"", 0)

    use(monkeypatch, server.mirror("a", breaks_at_the_second))
    with pytest.raises(DataError, match="404"):
        load_mnist()
    assert files(cache) == [IMAGES]
    server.asked.clear()
    use(monkeypatch, server.mirror("b"))
    load_mnist()
    assert f"/b/{IMAGES}" not in server.asked


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_an_interrupted_download_leaves_nothing(cache, monkeypatch, error):
    def half(downloader, url, file, pooch):
        with open(file, "wb") as opened:
            opened.write(b"half")
        raise error

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", half)
    with pytest.raises(type(error)):
        load_mnist()
    assert files(cache) == []


def test_a_full_disk_is_told(server, cache, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    use(monkeypatch, server.mirror("a"))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        load_mnist()
    assert caught.value.filename == str(cache / IMAGES)
    assert server.asked == [f"/a/{IMAGES}"]
    assert files(cache) == []


def test_a_cache_that_cannot_be_made_is_told(server, cache, monkeypatch):
    cache.parent.touch()
    use(monkeypatch, server.mirror("a"))
    with pytest.raises(OSError, match=re.escape(str(cache.parent))):
        load_mnist()
    assert server.asked == []


DAMAGED = {
    "no gzip file": b"damaged",
    "empty": b"",
    "other digits": gzip.compress(mnist_files.idx(np.ones((20, 28, 28)))),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_in_the_cache_is_fetched_once_more(server, cache, monkeypatch, content):
    use(monkeypatch, server.mirror("a"))
    load_mnist()
    server.asked.clear()
    (cache / IMAGES).write_bytes(content)
    (x, _), _ = load_mnist(normalize=False)
    assert x.tobytes() == CONTENTS[IMAGES][16:]
    assert server.asked == [f"/a/{IMAGES}"]


def test_a_damaged_file_that_cannot_be_fetched_is_named(server, cache, monkeypatch):
    use(monkeypatch, server.mirror("a"))
    load_mnist()
    (cache / IMAGES).write_bytes(b"damaged")
    use(monkeypatch, server.mirror("b", spoil("not found")))
    with pytest.raises(DataError) as caught:
        load_mnist()
    assert str(caught.value).startswith(f"{cache / IMAGES} is damaged, and could not be downloaded. Either try again")
    assert (cache / IMAGES).read_bytes() == b"damaged"


def test_without_pooch_the_extra_is_named(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "autograd_dl\[train\]"'):
        load_mnist()


def test_the_folder_needs_no_pooch(tmp_path, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setenv("AUTOGRAD_DL_DATA", str(mnist_files.write_set(tmp_path / "own", CONTENTS)))
    assert len(load_mnist()[0][0]) == 20

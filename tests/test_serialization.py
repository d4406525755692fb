import errno
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from autograd_dl import Tensor, serialization
from autograd_dl.errors import DataError
from autograd_dl.serialization import load_arrays, load_metadata, replacing, save_arrays

safetensors = pytest.importorskip("safetensors")
safetensors_numpy = pytest.importorskip("safetensors.numpy")

W = np.arange(12.0, dtype=np.float32).reshape(3, 4)
ARRAYS = {
    "C order": W,
    "W.T": W.T,
    "reversed": W[::-1],
    "every second column": W[:, ::2],
    "broadcast": np.broadcast_to(W[0], (5, 4)),
    "three axes exchanged": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1),
    "Fortran order": np.asfortranarray(W),
    "0-d": np.array(3.5),
    "empty": np.zeros((0, 3)),
    "float16": W.astype(np.float16),
    "float64": W.astype(np.float64),
    "big-endian": W.astype(">f4"),
    "int8": np.array([-1, 2], np.int8),
    "bool": np.array([True, False]),
    "NaN and infinity": np.array([np.nan, np.inf, -0.0]),
    "read-only": np.frombuffer(W.tobytes(), np.float32),
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "weights.safetensors"


def saved(file, arrays=None):
    save_arrays(file, {"W": W, "b": np.ones(3)} if arrays is None else arrays)
    return file.read_bytes()


@pytest.mark.parametrize("name", ARRAYS)
def test_round_trip(file, name):
    array = ARRAYS[name]
    before = array.copy()
    save_arrays(file, {name: array})
    (loaded,) = load_arrays(file).values()
    np.testing.assert_array_equal(loaded, array)
    assert loaded.shape == array.shape
    assert loaded.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(array, before)


def test_parameters_are_written_as_they_are(file):
    save_arrays(file, {"W": Tensor([1.0, 2.0], requires_grad=True), "b": Tensor(3.0, requires_grad=True) * 2})
    assert {name: a.tolist() for name, a in load_arrays(file).items()} == {"W": [1, 2], "b": 6}


def test_all_in_one_file_under_their_names(file):
    save_arrays(file, ARRAYS)
    assert load_arrays(file).keys() == ARRAYS.keys()
    save_arrays(file, {})
    assert load_arrays(file) == {}


@pytest.mark.skipif(safetensors.__version__ != "0.8.0", reason="what this version does wrong")
@pytest.mark.parametrize("name", ["W.T", "reversed"])
def test_the_danger_is_real(name):
    """safetensors alone stores the memory of such arrays as if it were in C order, and says nothing."""
    stored = safetensors_numpy.load(safetensors_numpy.save({"W": ARRAYS[name]}))["W"]
    assert not np.array_equal(stored, ARRAYS[name])


def test_what_is_loaded_belongs_to_the_caller(file):
    saved(file)
    load_arrays(file)["W"][...] = 0
    np.testing.assert_array_equal(load_arrays(file)["W"], W)


def test_the_same_arrays_give_the_same_bytes(file):
    assert saved(file) == saved(file)


def test_metadata_comes_back_and_is_the_same_bytes_each_time(file):
    metadata = dict.fromkeys("fedcba", "日本")
    written = set()
    for _ in range(5):
        save_arrays(file, {"W": W, "b": np.ones(3)}, metadata)
        written.add(file.read_bytes())
    assert len(written) == 1
    assert load_metadata(file) == metadata
    assert load_arrays(file).keys() == {"W", "b"}
    saved(file)
    assert load_metadata(file) == {}
    np.savez(file.with_suffix(".npz"), W=W)
    assert load_metadata(file.with_suffix(".npz")) == {}


@pytest.mark.parametrize("flip", [0x01, 0xFF])
def test_a_flipped_byte_is_noticed(file, flip):
    whole = saved(file)
    for i in range(len(whole)):
        damaged = bytearray(whole)
        damaged[i] ^= flip
        file.write_bytes(damaged)
        named = [rb"\"sha256\"", b'"autograd_dl"', b'"__metadata__"']
        if all(name in damaged for name in named):  # else the checksum is there under another name
            with pytest.raises(DataError, match=r"weights\.safetensors"):
                load_arrays(file)


def test_a_file_cut_at_any_length_is_refused(file):
    whole = saved(file)
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"weights\.safetensors"):
            load_arrays(file)


def test_something_after_the_content_is_refused(file):
    file.write_bytes(saved(file) + b"\0")
    with pytest.raises(DataError, match="not a whole"):
        load_arrays(file)


def with_header(header: dict, content: bytes, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + content


@pytest.mark.parametrize(
    "content",
    [
        with_header({"W": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}, b""),
        with_header({"W": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, bytes(12)),
        with_header({"W": {"dtype": "F32", "shape": [4], "data_offsets": [0, 12]}}, bytes(12)),
        with_header({"W": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 0]}}, b""),
        with_header({}, b"", length=2**63),
        with_header({"W": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, bytes(2)),
        with_header({"W": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, bytes(1)),
        b"",
        b"\x80\x04pickle",
    ],
    ids=[
        "a terabyte", "more than there is", "less than its shape", "overflow", "a long header", "no NumPy dtype",
        "none of 8 bits", "nothing", "a pickle",
    ],
)  # fmt: skip
def test_a_header_that_claims_what_is_not_there_is_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"weights\.safetensors: not a whole safetensors file"):
        load_arrays(file)


@pytest.mark.parametrize("told", ['{"model": ["x"]}', '{"model": null}', "[[1, 2]]"])
def test_metadata_in_a_file_that_are_no_strings_are_refused(file, told):
    file.write_bytes(with_header({"__metadata__": {"autograd_dl": told}}, b""))
    with pytest.raises(DataError, match=r"weights\.safetensors: metadata are strings under strings, not \{"):
        load_metadata(file)


def test_a_file_without_our_checksum_loads(file):
    safetensors_numpy.save_file({"W": W}, file)
    np.testing.assert_array_equal(load_arrays(file)["W"], W)
    safetensors_numpy.save_file({"W": W}, file, metadata={"made by": "someone else"})
    np.testing.assert_array_equal(load_arrays(file)["W"], W)


@pytest.mark.parametrize("name", ["params.pkl", "params", "params.npz", "params.safetensors.bak"])
def test_another_ending_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(DataError, match=rf"'{Path(name).stem}\.safetensors', not '{name}'"):
        save_arrays(tmp_path / name, {"W": W})
    assert list(tmp_path.iterdir()) == []


def test_names_that_no_file_can_hold_are_refused(file):
    with pytest.raises(DataError, match="cannot be written"):
        save_arrays(file, {"\udcff": np.ones(2)})
    with pytest.raises(DataError, match="cannot be written"):
        save_arrays(file, {"a": np.ones(2)}, {"told": "\udcff"})
    assert not file.exists()


@pytest.mark.parametrize("array", [np.array([1, None]), np.array(["a"]), np.array([1j])])
def test_what_is_no_number_is_refused_before_anything_is_written(file, array):
    saved(file)
    with pytest.raises(DataError, match="cannot be written"):
        save_arrays(file, {"W": array})
    assert load_arrays(file).keys() == {"W", "b"}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"__metadata__": np.ones(2)}, "'__metadata__', which is what the format itself calls its notes"),
        ({1: np.ones(2)}, "under strings, not under 1"),
        ({None: np.ones(2)}, "under strings, not under None"),
        ({"W": [1.0, 2.0]}, "'W' is a list, no array: convert it with np.asarray"),
        ({"W": 3.0}, "'W' is a float, no array"),
        ({"W": None}, "'W' is a NoneType, no array"),
        ({"W": np.ma.masked_array(W, W > 3)}, "'W' is a masked array and would lose its mask: write its data"),
        ([W], "arrays are written under names, as a dict, not list"),
    ],
)
def test_what_is_no_named_array_is_refused_before_anything_is_written(file, arrays, words):
    with pytest.raises(DataError, match=words):
        save_arrays(file, arrays)
    assert not file.exists()


@pytest.mark.parametrize("metadata", [{"k": 3}, {3: "k"}, {"k": None}])
def test_metadata_that_are_no_strings_are_refused(file, metadata):
    with pytest.raises(DataError, match="metadata are strings under strings"):
        save_arrays(file, {"W": W}, metadata)
    assert not file.exists()


def test_metadata_cannot_take_the_place_of_the_checksum(file):
    with pytest.raises(DataError, match="metadata cannot have 'sha256', which is the file's own checksum"):
        save_arrays(file, {"W": W}, {"sha256": "mine", "k": "v"})
    assert not file.exists()


@pytest.mark.parametrize("name", ["params.pkl", "params.pickle", "params.npy", "params"])
def test_a_pickle_is_never_loaded(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps({"W": W}))
    with pytest.raises(DataError, match="never from pickle"):
        load_arrays(tmp_path / name)


@pytest.mark.parametrize("name", ["absent.safetensors", "absent.npz"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=name):
        load_arrays(tmp_path / name)


@pytest.mark.parametrize("name", ["folder.safetensors", "folder.npz"])
def test_a_folder_is_named(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=name):
        load_arrays(tmp_path / name)
    with pytest.raises((OSError, DataError), match="folder"):
        save_arrays(tmp_path / name, {"W": W})
    assert [p.name for p in tmp_path.iterdir()] == [name]


class Malicious:
    def __reduce__(self):
        return Path.touch, (Path(os.environ["VICTIM"]),)


class TestNpz:
    def test_arrays(self, tmp_path):
        np.savez(tmp_path / "w.npz", W=W.T, b=np.ones(3))
        np.savez_compressed(tmp_path / "z.npz", W=W.T, b=np.ones(3))
        for name in ("w.npz", "z.npz"):
            loaded = load_arrays(tmp_path / name)
            assert loaded.keys() == {"W", "b"}
            np.testing.assert_array_equal(loaded["W"], W.T)

    def test_a_pickle_inside_is_not_run(self, tmp_path, monkeypatch):
        monkeypatch.setenv("VICTIM", str(tmp_path / "victim"))
        np.savez(tmp_path / "w.npz", W=np.array([Malicious()], dtype=object))
        with pytest.raises(DataError, match=r"w\.npz: not a file of plain NumPy arrays"):
            load_arrays(tmp_path / "w.npz")
        (tmp_path / "p.npz").write_bytes(pickle.dumps(Malicious()))
        with pytest.raises(DataError, match=r"p\.npz"):
            load_arrays(tmp_path / "p.npz")
        assert not (tmp_path / "victim").exists()

    def test_a_header_that_claims_what_is_not_there_takes_no_memory(self, tmp_path):
        header = BytesIO()
        claim = {"descr": np.dtype(float).str, "fortran_order": False, "shape": (30_000_000,)}
        np.lib.format.write_array_header_1_0(header, claim)
        with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
            archive.writestr("W.npy", header.getvalue() + bytes(80))
        tracemalloc.start()
        try:
            with pytest.raises(DataError, match=r"w\.npz: .*header claims \(30000000,\) of float64, and 208 bytes"):
                load_arrays(tmp_path / "w.npz")
            assert tracemalloc.get_traced_memory()[1] < 10_000_000
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
    def test_each_version_of_the_format(self, tmp_path, version):
        content = BytesIO()
        np.lib.format.write_array(content, W, version)
        with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
            archive.writestr("W.npy", content.getvalue())
        np.testing.assert_array_equal(load_arrays(tmp_path / "w.npz")["W"], W)

    def test_a_single_array_is_no_npz_file(self, tmp_path):
        with (tmp_path / "w.npz").open("wb") as opened:
            np.save(opened, W)
        with pytest.raises(DataError, match=r"w\.npz"):
            load_arrays(tmp_path / "w.npz")

    def test_damage_is_an_error_of_ours_or_harmless(self, tmp_path):
        file = tmp_path / "w.npz"
        np.savez_compressed(file, W=W)
        whole = file.read_bytes()
        for i in range(len(whole)):
            file.write_bytes(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
            try:
                loaded = load_arrays(file)
            except DataError:
                continue
            assert all(np.array_equal(a, W) for a in loaded.values())


class TestReplacing:
    @pytest.mark.parametrize("function", ["os.fsync", "pathlib.Path.write_bytes", "pathlib.Path.replace", "os.open"])
    @pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
    def test_a_failure_leaves_the_old_file_and_no_other(self, file, monkeypatch, function, error):
        old = saved(file)

        def fail(*args, **kwargs):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(function, fail)
            with pytest.raises(type(error)):
                save_arrays(file, {"W": np.zeros(1000)})
        assert file.read_bytes() == old
        assert list(file.parent.iterdir()) == [file]

    def test_half_a_write_leaves_the_old_file_and_no_other(self, file, monkeypatch):
        old = saved(file)

        def half(path, data):
            with path.open("wb") as opened:
                opened.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", half)
            with pytest.raises(OSError, match=r"No space left on device: '.*weights\.safetensors'$"):
                save_arrays(file, {"W": np.zeros(1000)})
        assert file.read_bytes() == old
        assert list(file.parent.iterdir()) == [file]

    def test_folders_are_made(self, tmp_path):
        saved(tmp_path / "a" / "b" / "weights.safetensors")

    def test_a_file_in_the_way_of_the_folder_is_named(self, tmp_path):
        (tmp_path / "a").touch()
        with pytest.raises(OSError, match="a'"):
            saved(tmp_path / "a" / "weights.safetensors")

    def test_a_system_that_cannot_flush_folders(self, file, monkeypatch):
        really = os.open

        def opened(path, flags, *args):
            if Path(path).is_dir():
                raise PermissionError(errno.EACCES, "no folders here")
            return really(path, flags, *args)

        monkeypatch.setattr(os, "open", opened)
        saved(file)
        assert load_arrays(file).keys() == {"W", "b"}

    def test_a_write_of_its_own_is_not_renamed(self, file):
        with pytest.raises(FileNotFoundError, match="elsewhere"), replacing(file):
            Path("elsewhere", "file").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of POSIX")
def test_a_disk_that_is_really_full(file):
    old = saved(file)
    program = """
import resource, signal, sys, numpy as np
from autograd_dl.serialization import save_arrays
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
save_arrays(sys.argv[1], {"W": np.zeros(100_000)})
"""
    done = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"File too large: '{file}'" in done.stderr
    assert file.read_bytes() == old
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork and signals of POSIX")
def test_a_kill_at_any_moment_leaves_a_whole_file(file):
    """Without a word of warning, twenty times: what has the name is always one of the files that were written whole."""
    program = """
import itertools, os, signal, sys, time, numpy as np
from autograd_dl.serialization import load_arrays, save_arrays
for attempt in range(20):
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        for i in itertools.count():
            save_arrays(sys.argv[1], {"W": np.full(200_000, i % 7, np.float32)})
            os.write(writes, b".")
    os.read(reads, 1)
    time.sleep(attempt * 0.0007)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    loaded = load_arrays(sys.argv[1])["W"]
    assert loaded.shape == (200_000,)
    assert (loaded == loaded[0]).all()
"""
    subprocess.run([sys.executable, "-c", program, str(file)], check=True)
    assert len(list(file.parent.iterdir())) <= 2  # what the last one that was killed left
    save_arrays(file, {"W": W})
    assert list(file.parent.iterdir()) == [file]


def test_what_another_process_is_writing_is_not_removed(file):
    with replacing(file) as first:
        first.write_bytes(b"first")
        with replacing(file) as second:
            second.write_bytes(b"second")
        assert file.read_bytes() == b"second"
    assert file.read_bytes() == b"first"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows replaces no file that another one has open")
def test_several_that_write_the_same_file_do_not_disturb_each_other(file):
    def write(k):
        for _ in range(30):
            save_arrays(file, {"W": np.full(100_000, float(k))})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))  # raises what went wrong
    loaded = load_arrays(file)["W"]
    assert (loaded == loaded[0]).all()
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("stem", ["n" * 240, "あ" * 80])
def test_a_name_as_long_as_a_name_can_be(tmp_path, stem):
    file = tmp_path / f"{stem}.safetensors"
    save_arrays(file, {"W": W})
    assert list(tmp_path.iterdir()) == [file]


class TestOnOtherSystems:
    def test_windows_is_asked_again_while_another_program_has_the_file(self, tmp_path, monkeypatch):
        attempts = []

        def replace(temporary, path):
            attempts.append(path)
            if len(attempts) < 4:
                raise PermissionError(13, "Access is denied", str(path))
            return renamed(temporary, path)

        renamed = Path.rename
        monkeypatch.setattr(serialization, "sys", SimpleNamespace(platform="win32", byteorder="little"))
        monkeypatch.setattr(Path, "replace", replace)
        monkeypatch.setattr(serialization, "PAUSES", [0.0] * 5)
        save_arrays(tmp_path / "a.safetensors", {"a": np.ones(3)})
        assert len(attempts) == 4
        assert load_arrays(tmp_path / "a.safetensors")["a"].sum() == 3
        monkeypatch.setattr(serialization, "PAUSES", [0.0])
        attempts[:] = []
        with pytest.raises(PermissionError, match="Access is denied"):
            save_arrays(tmp_path / "a.safetensors", {"a": np.ones(3)})
        assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]

    def test_the_checksum_is_that_of_the_file_whatever_the_order_of_bytes(self):
        arrays = {"a": np.arange(3.0), "b": np.array([True, False])}
        swapped = {name: a.astype(a.dtype.newbyteorder(">")) for name, a in arrays.items()}
        assert serialization._checksum(swapped) == serialization._checksum(arrays)


@pytest.mark.parametrize(("there", "damaged"), [(b'"F32"', b'"I32"'), (b"[3,4]", b"[4,3]"), (b'"W":', b'"V":')])
def test_a_header_that_tells_of_the_same_bytes_otherwise_is_noticed(file, there, damaged):
    content = saved(file, {"W": W})
    assert content.count(there) == 1
    file.write_bytes(content.replace(there, damaged))
    with pytest.raises(DataError, match="checksum"):
        load_arrays(file)

import functools
import gc
import importlib
import os
import threading
import warnings
from contextlib import suppress

import mnist_files
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies

from autograd_dl.mode import current_mode

if "PYTEST_XDIST_WORKER" in os.environ:  # the processes share the cores: several threads each would wait for each other
    with suppress(ImportError):
        importlib.import_module("threadpoolctl").threadpool_limits(1, user_api="blas")

# A slow machine is no fault of a test: no time is measured.
untimed = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", max_examples=12, derandomize=True, **untimed)
settings.register_profile("thorough", max_examples=200, **untimed)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@settings(max_examples=1)
@given(strategies.none())
def once(_drawn):
    """Have Hypothesis make its generator, whose referrers it will ask for, before they are hidden."""


@pytest.fixture(scope="module", autouse=True)
def what_stays_is_hidden_from_the_garbage_collector():
    """Libraries and tests are a million objects, and to walk over them again and again took 8% of the time."""
    once()
    gc.collect()
    gc.freeze()


def state():
    """What a test must leave as it was."""
    return {
        "recording mode": current_mode(),
        "np.geterr()": np.geterr(),
        "np.get_printoptions()": np.get_printoptions(),
        "threads": {t for t in threading.enumerate() if not _stays(t)},
        "filters that ignore all warnings": [f for f in warnings.filters if f[:4] == ("ignore", None, Warning, None)],
        "the working directory": os.getcwd(),
    }


@pytest.fixture
def few_digits(monkeypatch, tmp_path):
    """The full MNIST is a set of 60 images of noise, and as many to test."""
    mnist_files.take_for_full(monkeypatch, tmp_path / "full", 60)


@pytest.fixture
def no_pictures(monkeypatch):
    """A training leaves an empty picture of its history, and none of its network."""
    empty = importlib.import_module("matplotlib.figure").Figure((1, 1))
    monkeypatch.setattr("autograd_dl.app.train.plot_history", lambda history: empty)
    monkeypatch.setattr("autograd_dl.app.train.draw", lambda loss, file: f"wrote {file}")


@pytest.fixture(scope="module")
def same_graphs_are_laid_out_once():
    """Graphviz, a process of its own, is not asked again for the places in a view that it has been asked for."""
    layout = importlib.import_module("visualize.explore.layout")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "need_drawn", functools.cache(layout.need_drawn))
        yield


def _stays(thread):
    """Whether the thread is one of those that live as long as the process: tqdm's, and the workers."""
    return type(thread).__module__.startswith("tqdm") or thread.name.startswith("autograd_dl.parallel")


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """Fail a test that leaves gradients switched off, a scope open, a thread running, warnings ignored or the like."""
    before = state()
    yield
    for thread in state()["threads"] - before["threads"]:
        thread.join(timeout=5)  # one that is about to end may do so
    after = state()
    before["threads"] &= after["threads"]  # one of an earlier test may have ended
    changed = [name for name in before if before[name] != after[name]]
    assert not changed, f"the test left behind other {', '.join(changed)}"

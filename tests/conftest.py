import os

import pytest
from hypothesis import HealthCheck, settings

from autograd_dl.mode import MODE

# A slow machine is no fault of a test: no time is measured.
untimed = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", max_examples=12, derandomize=True, **untimed)
settings.register_profile("thorough", max_examples=200, **untimed)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def mode_is_restored():
    """Fail a test that leaves gradients switched off, a scope open, or anomalies watched."""
    before = MODE.get()
    yield
    assert MODE.get() is before, "the test left another recording mode behind"

"""The experiments, each made once for all tests of a process."""

import functools

from autograd_dl.app.experiments import Settings, experiments

QUICK = Settings(quick=True)


@functools.cache
def made(name, settings=QUICK):
    """What an experiment made."""
    return experiments()[name].run(settings)

"""Random searches for hyper-parameters: alone, or as a study of Optuna that can be resumed and shared by processes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_dl.errors import DataError
from autograd_dl.optional import need

from . import Settings

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial

Powers = Mapping[str, tuple[float, float]]
"""The powers of 10 between which each hyper-parameter is drawn."""

Curves = Callable[..., dict[str, list[float]]]
"""Trains with the hyper-parameters that it is given by name; the last of its "validation_accuracy" is the result."""


def random_search(settings: Settings, powers: Powers, curves: Curves, wanted: int) -> list[dict[str, Any]]:
    """As many trials as are wanted, one after the other: the hyper-parameters and the curves of each."""
    rng = settings.rng(2)
    drawn = [{name: 10 ** rng.uniform(*limits) for name, limits in powers.items()} for _ in range(wanted)]
    return [{**params, **curves(**params)} for params in drawn]


def shared_search(settings: Settings, powers: Powers, curves: Curves, wanted: int) -> list[dict[str, Any]]:
    """All finished trials of the study in the file `settings.storage`, after those that were still wanted.

    A trial draws what the seed and its number in the study say, so that no process draws what another one did. One
    whose process was killed never finishes: it does not count, and another is made. Processes that look at the same
    time may each make the last one.
    """
    with _quiet():
        study = _study(settings)
        while len(_finished(study)) < wanted:
            _add_trial(study, settings, powers, curves)
        return [{**trial.params, **trial.user_attrs} for trial in _finished(study)]


def _optuna() -> Any:
    return need("optuna", "search")


@contextmanager
def _quiet() -> Iterator[None]:
    """A block in which Optuna tells only what is wrong, and not what it does."""
    logging = _optuna().logging
    before = logging.get_verbosity()
    logging.set_verbosity(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _finished(study: Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(_optuna().trial.TrialState.COMPLETE,))


def _add_trial(study: Study, settings: Settings, powers: Powers, curves: Curves) -> None:
    trial = study.ask()
    study.sampler = _sampler(settings, trial.number)
    params = {
        name: trial.suggest_float(name, 10.0**low, 10.0**high, log=True) for name, (low, high) in powers.items()
    }  # fmt: skip
    made = curves(**params)
    for name, curve in made.items():
        trial.set_user_attr(name, curve)
    study.tell(trial, made["validation_accuracy"][-1])


def _sampler(settings: Settings, number: int) -> Any:
    return _optuna().samplers.RandomSampler(int(settings.rng(2, number).integers(2**32)))


# -- the file


def _study(settings: Settings) -> Study:
    """The study of these settings, the only one of its file."""
    assert settings.storage is not None
    storage, name = _journal(settings.storage), _name(settings)
    for other in storage.get_all_studies():
        if other.study_name != name:
            raise DataError(
                f"{settings.storage} holds the study {other.study_name!r}, and this is {name!r}: it needs another file"
            )
    return _optuna().create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)


def _name(settings: Settings) -> str:
    return f"hyper-parameters, data {settings.data}, {'quick, ' if settings.quick else ''}seed {settings.seed}"


def _journal(file: Path) -> JournalStorage:
    """The storage in a journal file, which is made where there is none. Any other file is refused, and not changed."""
    file.parent.mkdir(parents=True, exist_ok=True)
    place = str(file.resolve())  # Optuna's lock cannot be taken from a killed process where it has a relative name
    lock = _lock(place)
    backend = _optuna().storages.journal.JournalFileBackend(place, lock_obj=lock)
    with _held(lock):
        content = file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            _check_lines(content, whole)
            storage = _optuna().storages.JournalStorage(backend)
        except (ValueError, LookupError, TypeError, AssertionError) as error:
            raise DataError(f"{file} is no journal of Optuna, or it is damaged") from error
        if len(whole) < len(content):  # what a killed process left, to which the next entry would be appended
            os.truncate(file, len(whole))
    return storage


def _check_lines(content: bytes, whole: bytes) -> None:
    """Raise ValueError where Optuna would pass over it: one line alone, without an end or not in JSON."""
    if content and not whole:
        raise ValueError("there is no line")
    for line in whole.splitlines():
        json.loads(line)


def _lock(place: str) -> Any:
    """What Optuna locks a journal with by default; on Windows, which lets not everybody make links, with a file."""
    journal = _optuna().storages.journal
    return journal.JournalFileOpenLock(place) if os.name == "nt" else journal.JournalFileSymlinkLock(place)


@contextmanager
def _held(lock: Any) -> Iterator[None]:
    lock.acquire()
    try:
        yield
    finally:
        lock.release()

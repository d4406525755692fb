"""Libraries that only an extra installs: found when they are needed, or missed in one clear line."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from .errors import MissingExtraError


def on_terminal() -> bool:
    """Whether what is written to stderr is seen on a terminal. (A program without a console may have no stderr.)"""
    return sys.stderr is not None and sys.stderr.isatty()


def need(module: str, extra: str) -> Any:
    """Import a module that the given extra of this package installs.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message has the command that installs it.
    """
    library = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise _missing({library: extra}) from error
    except Exception as error:  # libraries raise all kinds, of a broken installation or setting
        raise MissingExtraError(f"{library} is installed, but cannot be imported: {error}") from error


def need_all(extras: Mapping[str, str]) -> None:
    """Import modules, each given with its extra, as `need` does; all that are missing are told at once."""
    libraries = {module.partition(".")[0]: extra for module, extra in extras.items()}
    if missing := {library: extra for library, extra in libraries.items() if find_spec(library) is None}:
        raise _missing(missing)
    for module, extra in extras.items():
        need(module, extra)


def _missing(libraries: Mapping[str, str]) -> MissingExtraError:
    extras = sorted({*libraries.values()})
    names = " and ".join(f'"{extra}"' for extra in extras)
    which = f"the extra {names} installs" if len(extras) == 1 else f"the extras {names} install"
    return MissingExtraError(
        f'this needs {", ".join(libraries)}, which {which}: pip install "autograd_dl[{",".join(extras)}]"'
    )

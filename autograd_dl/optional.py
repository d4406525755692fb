"""Libraries that only an extra installs: found when they are needed, or missed in one clear line."""

from __future__ import annotations

import importlib
import sys
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
        raise MissingExtraError(
            f'this needs {library}, which the extra "{extra}" installs: pip install "autograd_dl[{extra}]"'
        ) from error
    except Exception as error:  # libraries raise all kinds, of a broken installation or setting
        raise MissingExtraError(f"{library} is installed, but cannot be imported: {error}") from error

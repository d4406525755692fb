"""Libraries that only an extra installs: found when they are needed, or missed in one clear line."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import MissingExtraError


def need(module: str, extra: str) -> Any:
    """Import a module that the given extra of this package installs.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"this needs {module.partition('.')[0]}, which the extra {extra!r} installs: "
            f"pip install 'autograd_dl[{extra}]'"
        ) from error

"""A font with Japanese letters, for machines that have none: IPAexGothic, which a package of the extra "viz" has."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">{usual}</include><dir>{folder}</dir></fontconfig>
"""


def japanese_font() -> Path | None:
    """The font's file; None if the package matplotlib-fontja is not installed.

    The package is not imported: that would change matplotlib's settings for the whole program.
    """
    spec = importlib.util.find_spec("matplotlib_fontja")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / "fonts" / "ipaexg.ttf"
    return file if file.is_file() else None


@contextmanager
def with_japanese() -> Iterator[dict[str, str]]:
    """The environment for a process that draws: its fonts are the system's, and the Japanese one.

    Fontconfig, by which Graphviz finds fonts, reads the file named in FONTCONFIG_FILE as the process begins. So one is
    written for as long as this lasts: it takes in what the process would have read, and adds a folder.
    """
    font = japanese_font()
    if font is None:
        yield dict(os.environ)
        return
    usual = os.environ.get("FONTCONFIG_FILE") or "fonts.conf"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "fonts.conf")
        file.write_text(CONFIGURATION.format(usual=escape(usual), folder=escape(str(font.parent))), encoding="utf-8")
        yield {**os.environ, "FONTCONFIG_FILE": str(file)}

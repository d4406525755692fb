"""The page as one HTML file: its parts, and the data as text that nothing in a browser takes for anything else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WEB = Path(__file__).parent / "web"
"""The template, the style sheet and the JavaScript modules, which start with main.js."""
TITLE = 80
"""Characters of a name in the title."""
ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&"}
"""In JSON: of what could end a script, or look like the beginning of something else."""


def page(story: dict[str, Any], folding: dict[str, Any]) -> str:
    """The HTML of a page that tells a story, seen as `folding` says."""
    script, style = "\n".join(_modules("main.js", set())), _read("style.css")
    parts = {
        "title": html.escape(f"{story['out']['name'][:TITLE] or 'Computation graph'} – autograd_dl"),
        "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'",
        "style": style,
        "data": _json(story | folding),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], _read("template.html"))


def _read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def _modules(name: str, seen: set[str]) -> Iterator[str]:
    """The text of a module after those that it imports; together they are one, whose names all differ."""
    if name in seen:
        return
    seen.add(name)
    text = _read(name)
    for imported in re.findall(r'^import .* from "\./(.*)";$', text, re.M):
        yield from _modules(imported, seen)
    yield re.sub(r"^export ", "", re.sub(r"^import .*\n", "", text, flags=re.M), flags=re.M).strip()


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls a script or style sheet that it lets in."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(data: Any) -> str:
    return json.dumps(data, allow_nan=False, separators=(",", ":")).translate(ESCAPES)

"""The gallery is what its command makes."""

import re
from pathlib import Path

import pytest

from autograd_dl.app import gallery

for library in ("graphviz", "matplotlib"):
    pytest.importorskip(library, reason=f"{library}, of the extras, is not installed")

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = [picture for pictures in gallery.GALLERY.values() for picture in pictures]
beside = pytest.mark.skipif(not DOCS.exists(), reason="the docs are not beside an installed copy's tests")


@beside
def test_the_page_is_the_commands():
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == gallery.text()


@beside
def test_the_page_has_all_its_pictures_and_no_other():
    named = re.findall(r"\((images/gallery/.*?|explore/.*?)\)", gallery.text())
    assert len(named) == len(set(named)) == len(PICTURES) + 2
    there = {*(DOCS / gallery.IMAGES).iterdir(), *(DOCS / "explore").iterdir()}
    assert {DOCS / name for name in named} == there
    for file in there:
        beginning = file.read_bytes()[:200]
        assert beginning.startswith((b"\x89PNG", b"<?xml", b"<!DOCTYPE html>", b"<!doctype html>")), file


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_each_line_makes_a_picture(picture):
    made = gallery.drawn(picture.code)
    assert hasattr(made, "source") or hasattr(made, "savefig") or hasattr(made, "figure")


def test_what_the_pictures_hold():
    source = {picture.name: gallery.drawn(picture.code).source for picture in PICTURES if "apple" in picture.name}
    for number in ("650", "715", "1.1", "2.2", "110", "3.3", "165", "200"):
        assert f'" {number} "' in source["apple-orange"]
    assert "× 1.1" in source["apple-inside"]
    assert "みかんの値段" in source["apple-orange-ja"]

"""Japanese letters in pictures, on a machine that has no font for them."""

import importlib.util
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from visualize import fonts
from visualize.fonts import japanese_font, with_japanese
from visualize.rendering import new_picture, render

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib_fontja") is None,
    reason="matplotlib-fontja, which has the font, is not installed",
)
APPLES = "リンゴの個数"


@pytest.fixture
def bare_system(monkeypatch, tmp_path):
    """A machine without any font."""
    file = tmp_path / "no fonts & <none>.conf"
    file.write_text('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>')
    monkeypatch.setenv("FONTCONFIG_FILE", str(file))


def drawn(label, tmp_path, kind):
    pytest.importorskip("pygraphviz")
    picture = new_picture()
    picture.attr("node", fontname="Helvetica")
    picture.node("x", label)
    return render(picture, tmp_path / f"{label[:2]}.{kind}").read_bytes()


def test_the_font_is_there():
    font = japanese_font()
    assert font.suffix == ".ttf"
    assert font.read_bytes()[:4] == b"\x00\x01\x00\x00"


def test_the_package_is_not_imported():
    program = "import sys; from visualize.fonts import japanese_font; japanese_font(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "visualize.fonts" in modules
    assert {"matplotlib_fontja", "matplotlib"}.isdisjoint(modules)


def test_without_the_package_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib_fontja", None)
    assert japanese_font() is None
    with with_japanese() as environment:
        assert environment == dict(os.environ)


@pytest.mark.parametrize("has_code", [False, True])
def test_a_folder_of_the_packages_name_has_none(monkeypatch, tmp_path, has_code):
    (tmp_path / "matplotlib_fontja").mkdir()
    if has_code:
        (tmp_path / "matplotlib_fontja" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert japanese_font() is None


def test_a_pdf_has_the_font_in_it(tmp_path, bare_system):
    assert b"IPAexGothic" in drawn(APPLES, tmp_path, "pdf")


def test_each_letter_has_a_shape_of_its_own(tmp_path, bare_system):
    assert drawn("りん", tmp_path, "png") != drawn("ごん", tmp_path, "png")


def test_without_the_font_it_would_not_be_in_the_pdf(tmp_path, bare_system, monkeypatch):
    monkeypatch.setattr(fonts, "japanese_font", lambda: None)
    assert b"IPAexGothic" not in drawn(APPLES, tmp_path, "pdf")


def test_the_systems_fonts_stay(tmp_path, monkeypatch):
    dejavu = Path(pytest.importorskip("matplotlib").get_data_path(), "fonts", "ttf")
    system = tmp_path / "system.conf"
    system.write_text(fonts.CONFIGURATION.format(usual="", folder=escape(str(dejavu))), encoding="utf-8")
    monkeypatch.setenv("FONTCONFIG_FILE", str(system))
    alone = drawn("apples", tmp_path, "svg")
    monkeypatch.setattr(fonts, "japanese_font", lambda: None)
    assert drawn("apples", tmp_path, "svg") == alone


def test_the_letters_are_text_in_an_svg(tmp_path, bare_system):
    text = ET.fromstring(drawn(APPLES, tmp_path, "svg")).iter("{http://www.w3.org/2000/svg}text")
    assert [t.text for t in text] == [APPLES]


@pytest.mark.parametrize("usual", [None, "", "mine & <others>.conf", "私の.conf"])
def test_the_configuration_adds_a_folder_and_is_gone_afterwards(monkeypatch, tmp_path, usual):
    monkeypatch.delenv("FONTCONFIG_FILE", raising=False) if usual is None else monkeypatch.setenv(
        "FONTCONFIG_FILE", usual
    )
    font = tmp_path / "A & <B>" / "a.ttf"
    monkeypatch.setattr(fonts, "japanese_font", lambda: font)
    with with_japanese() as environment:
        file = Path(environment["FONTCONFIG_FILE"])
        configuration = ET.parse(file).getroot()
        assert configuration.find("include").text == (usual or "fonts.conf")
        assert configuration.find("dir").text == str(font.parent)
        assert environment == {**os.environ, "FONTCONFIG_FILE": str(file)}
        assert os.environ.get("FONTCONFIG_FILE") == usual
    assert not file.parent.exists()


def test_it_is_gone_after_a_failure_too():
    with pytest.raises(ZeroDivisionError), with_japanese() as environment:
        raise ZeroDivisionError
    assert not Path(environment["FONTCONFIG_FILE"]).parent.exists()

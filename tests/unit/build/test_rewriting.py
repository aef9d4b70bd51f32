"""Rewritten libraries in a build: there when they are proved, and said when they are not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from spike.build import rewriting
from spike.core.errors import NotProvedError
from spike.faststart import overlay
from spike.faststart.tables import Tables
from spike.packagers.recipe import OVERLAY, Recipe
from spike.project import sidecar

RECIPE = Recipe(argv=("x",), output=Path("dist"), artifact=Path("dist/x"), overlay=OVERLAY)
PLAIN = dataclasses.replace(RECIPE, overlay=None)
ASKED = dataclasses.replace(
    sidecar.load(), fast_start=True, fast_start_exclude=("other",), check=("pytest",)
)


def fill(tmp_path: Path, recipe: Recipe, what: sidecar.Sidecar = ASKED) -> tuple[str, ...]:
    said: list[str] = []
    told = rewriting.fill(what, "p-onedir", recipe, tmp_path, said.append)
    assert [f"p-onedir: {text}" for text in told] == [each for each in said if "..." not in each]
    return told


def test_what_is_proved_lies_where_the_packager_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what was left out, and why."""
    asked: list[object] = []

    def make(what: sidecar.Sidecar, **more: object) -> overlay.Overlay:
        asked.append(more)
        return overlay.Overlay(
            texts={"lib.py": b"x = 1\n"},
            put_off=3,
            spared=frozenset({"a", "b"}),
            left_out={"odd": "odd: attribute x"},
            elapsed_s=7.0,
        )

    monkeypatch.setattr(overlay, "make", make)
    first, second = fill(tmp_path, RECIPE)
    assert first.startswith("3 imports of libraries wait")
    assert "2 modules" in first
    assert second == "odd is left as it is: odd: attribute x"
    assert (tmp_path / "overlay" / "lib.py").read_bytes() == b"x = 1\n"
    assert (tmp_path / "overlay" / "sidecar_fast_start.py").is_file()
    assert asked == [{"exclude": ("other",), "check": ("pytest",), "compiled": False}]


def test_what_is_not_proved_is_built_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And said."""

    def make(what: sidecar.Sidecar, **more: object) -> overlay.Overlay:
        raise NotProvedError("The check fails.")

    monkeypatch.setattr(overlay, "make", make)
    (told,) = fill(tmp_path, RECIPE)
    assert told == "built plainly, without a faster start. The check fails."
    (left,) = (tmp_path / "overlay").iterdir()  # the program imports it first
    assert left.name == "sidecar_fast_tables.py"
    assert left.read_text() == Tables().module()


def test_a_mode_without_a_form_for_it_says_so(tmp_path: Path) -> None:
    """When the sidecar asks for it; nothing is said to others."""
    (told,) = fill(tmp_path, PLAIN)
    assert "p-onedir has no form for it" in told
    assert fill(tmp_path, PLAIN, sidecar.load()) == ()


def test_how_a_program_is_launched_decides_what_is_rewritten() -> None:
    """So another READY line builds anew; a build without rewritten libraries does not care."""
    other = dataclasses.replace(ASKED, args=("--more",))
    assert rewriting.facts(ASKED, RECIPE) == rewriting.facts(ASKED, RECIPE)
    assert rewriting.facts(ASKED, RECIPE) != rewriting.facts(other, RECIPE)
    assert rewriting.facts(ASKED, PLAIN) == rewriting.facts(other, PLAIN) == {}

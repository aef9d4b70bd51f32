"""From what a build has shown to lines for ``[tool.sidecar]``: all at once, each once, proved."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from spike.build import fit
from spike.completeness.missing import Gap
from spike.completeness.outcome import Outcome
from spike.project.sidecar import Sidecar, load
from tests.support import sidecars

GOOD = Outcome(
    program_ok=True,
    program_detail="",
    plain_ok=True,
    plain_detail="",
    pages=7,
)
USED = Gap(key="collect", values=("shop",), what="the script loads shop", certain=True)
MAYBE = Gap(key="data", values=("pages",), what="pages did not ship")


@pytest.fixture
def sidecar(project: Path) -> Sidecar:
    """One with a comment and lists of its own."""
    settings = (
        '# what the window shows\nhealth = "http://127.0.0.1:{port}/"\ncollect = ["old"] # why'
    )
    for name in ("pages/a.html", "shop/__init__.py"):
        (project / "sidecar" / name).parent.mkdir(parents=True, exist_ok=True)
        (project / "sidecar" / name).write_text("", encoding="utf-8")
    return sidecars.hello(project / "sidecar", settings=settings)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"gaps": (MAYBE,)}, {}),
        ({"gaps": (USED, MAYBE)}, {"collect": ("shop",)}),
        ({"gaps": (MAYBE,), "differences": ("GET /: 500",)}, {"data": ("pages",)}),
        (
            {"gaps": (USED, MAYBE), "program_ok": False, "findings": (("metadata", "web"),)},
            {"collect": ("shop",), "metadata": ("web",)},
        ),
        ({"program_ok": False}, {}),
        ({"program_ok": False, "findings": (("collect", "old"), ("", "x"))}, {}),
    ],
    ids=["equal", "maybe", "certain", "differs", "certain first", "helpless", "had already"],
)
def test_what_the_next_build_gets(
    change: dict[str, object], expected: dict[str, tuple[str, ...]], sidecar: Sidecar
) -> None:
    """What was used, at once; what may be of use, only when the program still differs."""
    outcome = dataclasses.replace(GOOD, **change)  # type: ignore[arg-type]
    assert fit.wanted(outcome, sidecar) == expected


def test_what_is_in_something_that_is_taken_whole_goes() -> None:
    """A module of a package, a file of a folder; the order is that of the keys."""
    one = {"hidden_imports": ("shop.apps", "web.fast"), "data": ("pages",)}
    assert fit.merged(one, {"collect": ("shop",)}) == {
        "data": ("pages",),
        "hidden_imports": ("web.fast",),
        "collect": ("shop",),
    }
    assert fit.merged({"data": ("docs/a.rst", "b")}, {"data": ("docs", "b/c", "bc")}) == {
        "data": ("b", "docs", "bc")
    }
    names = ("reports.daily", "reports", "reported")
    assert fit.merged({"hidden_imports": names}, {}) == {
        "hidden_imports": ("reports.daily", "reported")
    }
    assert list(fit.merged({"collect": ("a",)}, {"data": ("b",)})) == ["data", "collect"]


def test_lines_keep_what_is_there_and_are_written_beside_comments(sidecar: Sidecar) -> None:
    """What ``--write`` makes is what the lines say, and loads."""
    added = {"data": ("pages",), "collect": ("shop",)}
    assert fit.lines(sidecar, added) == 'data = ["pages"]\ncollect = ["old", "shop"]'
    file = fit.write(sidecar, added)
    text = file.read_text(encoding="utf-8")
    assert "# what the window shows\n" in text
    assert 'collect = ["old", "shop"] # why' in text
    again = load(sidecar.folder)
    assert (again.data, again.collect) == (("pages",), ("old", "shop"))
    fit.write(again, added)
    assert file.read_text(encoding="utf-8") == text


def test_a_project_without_the_table_gets_it(project: Path) -> None:
    """And keeps everything else byte for byte."""
    sidecar = sidecars.hello(project / "sidecar")
    manifest = project / "sidecar" / "pyproject.toml"
    before = (
        '# mine\n[project]\nname    = "hello"\nversion = "1"\n\n[tool.black]\nline-length = 90\n'
    )
    manifest.write_text(before, encoding="utf-8")
    fit.write(sidecar, {"hidden_imports": ("a.b",)})
    text = manifest.read_text(encoding="utf-8")
    assert text.startswith(before)
    assert '[tool.sidecar]\nhidden_imports = ["a.b"]\n' in text


def test_the_end_is_said_in_words(sidecar: Sidecar) -> None:
    """Equal and how it was asked, or what is still different."""
    added = {"collect": ("shop",)}
    told = fit.render(sidecar, fit.Fit(variant="v", added=added, builds=2, outcome=GOOD))
    assert told.startswith(
        "v is equal to the plain script after 2 builds: 7 addresses answer alike."
    )
    assert told.endswith('[tool.sidecar]\ncollect = ["old", "shop"]')
    ends = dataclasses.replace(GOOD, program_detail="killed by SIGTERM")
    told = fit.render(sidecar, fit.Fit(variant="v", added={}, builds=1, outcome=ends))
    assert "\nIts launch is no good one yet: killed by SIGTERM\n" in told
    bad = dataclasses.replace(GOOD, program_ok=False, program_detail="exited with 1")
    told = fit.render(sidecar, fit.Fit(variant="v", added={}, builds=1, outcome=bad))
    assert told == "v is not equal to the plain script after 1 build.\nexited with 1"

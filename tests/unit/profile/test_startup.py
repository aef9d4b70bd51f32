"""The profile of a real script's start."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from spike.core.errors import CorruptFileError, MissingToolError, SidecarError, UsageError
from spike.profile import imports, render, startup
from spike.profile.startup import OWN, STANDARD, Profile
from spike.project.sidecar import load
from tests.support import sidecars

pytestmark = pytest.mark.slow

MAIN = """
import signal, sys
import helper
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("READY", flush=True)
import time; time.sleep(0.4)
import late
signal.pause()
"""
HELPER = """
import collections, csv, re
Point = collections.namedtuple("Point", "x y")
WORD = re.compile(r"a{3,17}b+[c-e]")
"""


@pytest.fixture
def profile(project: Path) -> Profile:
    """Of a script with a helper of its own."""
    sidecar = sidecars.hello(project / "sidecar", main=MAIN)
    (project / "sidecar" / "helper.py").write_text(HELPER, encoding="utf-8")
    (project / "sidecar" / "late.py").write_text("", encoding="utf-8")
    return startup.measure(sidecar, launches=2)


def test_imports_until_ready_are_told_with_their_lines(profile: Profile, tmp_path: Path) -> None:
    """Whose they are, who brought them in, what else happened; it is kept and read again."""
    modules = {module.name: module for module in profile.modules}
    helper = modules["helper"]
    assert (helper.importer, helper.by, helper.distribution) == ("", "main.py:3", OWN)
    assert helper.size_bytes == len(HELPER)
    assert "late" not in modules
    assert modules["csv"].importer == "helper"
    assert modules["csv"].by == "helper.py:2"
    assert modules["csv"].distribution == STANDARD
    assert 0 < helper.self_us <= helper.total_us
    assert profile.texts.number >= 1
    assert profile.patterns.number >= 1
    assert profile.minor_faults > 100
    assert len(profile.ready_ms) == len(profile.noted_ms) == 2
    by = {module.name: module.by for module in profile.modules}
    assert imports.chain("csv", profile.roots, by)[0] == "helper  (main.py:3)"
    kept = tmp_path / "sub" / "startup.json"
    startup.save(profile, kept)
    assert startup.load(kept) == profile
    kept.write_text('{"schema": 1}', encoding="utf-8")
    with pytest.raises(CorruptFileError, match="no profile of a start"):
        startup.load(kept)
    with pytest.raises(UsageError, match="There is no profile"):
        startup.load(tmp_path / "none.json")


def test_what_came_in_between_two_profiles_is_named(profile: Profile) -> None:
    """With its importing line, once, and not what it brought along."""
    without = dataclasses.replace(
        profile,
        modules=tuple(module for module in profile.modules if module.name not in ("helper", "csv")),
    )
    told = render.changes(without, profile)
    assert "+ helper" in told
    assert "main.py:3" in told
    assert "+ csv" not in told
    assert "- helper" in render.changes(profile, without)
    text = render.tables(profile)
    assert OWN in text
    assert "regular expressions compiled" in text
    assert render.icicle(profile) == render.icicle(profile)


def test_a_script_that_does_not_come_up_has_no_profile(project: Path) -> None:
    """Its own words are shown."""
    sidecar = sidecars.hello(project / "sidecar", main="raise KeyError('HOME_OF_IT')\n")
    with pytest.raises(SidecarError, match="HOME_OF_IT"):
        startup.measure(sidecar, launches=1)


def test_dependencies_need_an_environment(project: Path) -> None:
    """The message has the command that makes it."""
    folder = sidecars.write(project / "sidecar", name="hello", main=MAIN)
    manifest = folder / "pyproject.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        text.replace('version = "1.0.0"', 'version = "1.0.0"\ndependencies = ["click"]'),
        encoding="utf-8",
    )
    with pytest.raises(MissingToolError, match="nox -s sidecar_env"):
        startup.measure(load(folder), launches=1)

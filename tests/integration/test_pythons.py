"""Two Pythons side by side: built, measured and compared as a user does it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from spike.build import buildinfo
from spike.core.workspace import TOOL as ROOT
from spike.measure import results
from spike.packagers import DEFAULT_VARIANTS, VARIANTS
from spike.project import interpreters
from spike.project.sidecar import Sidecar, load
from tests.support import commands, sidecars

pytestmark = pytest.mark.integration

NAME = "two-pythons"
BUILD = ("build_pyinstaller", "--mode", "onedir")
VARIANT = VARIANTS["pyinstaller-onedir"]
MAIN = """\
import signal, sys
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda *_: sys.exit(0))
print("READY", flush=True)
signal.pause()
"""
"""Nuitka's onefile hands SIGTERM on as SIGINT."""


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sidecar, Sidecar]]:
    """A sidecar that was built with its own Python and with another one."""
    own = interpreters.running()
    others = [each.short for each in interpreters.here() if each.short != own.short]
    if not others:
        pytest.skip("there is no other Python here")
    folder = sidecars.write(tmp_path_factory.mktemp("two"), name=NAME, main=MAIN)
    with sidecars.cleaned(NAME):
        yield load(folder), load(folder, others[0])


def test_neither_build_makes_the_other_stale(both: tuple[Sidecar, Sidecar]) -> None:
    """Each packages its own Python, and is up to date behind the other."""
    for expected in ("first launch", "up to date"):
        for each in both:
            session, *mode = BUILD
            asked = each.python_option.split()
            done = sidecars.nox(session, each.folder, *mode, *asked)
            assert f"pyinstaller-onedir: {expected}" in done.stdout, done.stdout
            info = buildinfo.find(VARIANT, each).info
            own = interpreters.running().version
            assert info.python_version.startswith(each.python_name or own)


def test_results_lie_apart_and_one_run_compares(both: tuple[Sidecar, Sidecar]) -> None:
    """A bench of one leaves the other's alone; which to ship is told by one shuffled run."""
    own, other = both
    done = sidecars.invoke("bench", own.folder, "--launches", "2", *other.python_option.split())
    assert "pyinstaller-onedir" in done.stdout, done.stdout
    assert results.load("reliability", own, remedy="") is None
    found = results.load("reliability", other, remedy="")
    assert found is not None
    version = str(found.targets["baseline-python"]["python_version"])
    assert version.startswith(other.python_name)
    done = sidecars.invoke("pythons", own.folder, "--launches", "2")
    assert done.returncode == 0, done.stdout
    told = results.load("pythons", own, remedy="")
    assert told is not None
    assert all(row["failure"] is None and row["pss_bytes"] > 1e6 for row in told.samples)
    names = {interpreters.running().short, other.python_name}
    read = {row["target"] for row in told.samples if row.get("glibc")}
    assert read == {f"{name}/{VARIANT.id}" for name in names}


def test_what_is_tried_is_the_build_of_the_python_that_was_asked_for(
    both: tuple[Sidecar, Sidecar],
) -> None:
    """A fault case runs on it, and it is built again in the environment that built it."""
    own, other = both
    choice = ("--variant", VARIANT.id, *other.python_option.split())
    made = {}
    for name, words in (("faults", ("--case", "locale_c")), ("reproducible", ())):
        done = sidecars.invoke(name, own.folder, *choice, *words)
        assert done.returncode == 0, done.stdout
        assert not results.partial_path(name, own, [VARIANT.id]).exists()
        found = results.load_file(results.partial_path(name, other, [VARIANT.id]), remedy="")
        assert found is not None
        built = found.targets[VARIANT.id]["build"]["python_version"]
        assert str(built).startswith(f"{other.python_name}.")
        made[name] = found
    again = made["reproducible"]
    program = again.of(VARIANT.id)[0]["programs_sha256"][0]
    assert program == again.targets[VARIANT.id]["sha256"], "built again with the same Python"


@pytest.mark.nightly
def test_the_plan_is_carried_out_with_another_python(both: tuple[Sidecar, Sidecar]) -> None:
    """Every default variant is built with it and measured; the own one's record stays."""
    own, other = both
    own.workspace.record.parent.mkdir(parents=True, exist_ok=True)
    own.workspace.record.write_text("mine", encoding="utf-8")
    asked = ("--no-host", "--launches", "2", *other.python_option.split())
    done = sidecars.invoke("spike", own.folder, *asked)
    assert done.returncode == 0, done.stdout
    assert f"results of Python {other.python_name} lie in" in done.stdout
    assert own.workspace.record.read_text(encoding="utf-8") == "mine"
    found = results.load("reliability", other, remedy="")
    assert found is not None
    for name in DEFAULT_VARIANTS:
        assert str(found.targets[name]["build"]["python_version"]).startswith(other.python_name)
        assert [sample["failure"] for sample in found.of(name)] == [None, None], name
    assert results.load("cold_start", other, remedy="") is not None
    assert results.load("cold_start", own, remedy="") is None


@pytest.mark.nightly
def test_the_tests_that_are_fast_pass_on_the_newest_python(tmp_path: Path) -> None:
    """In a clone of its own, as a newcomer has it who has that one."""
    newest = interpreters.here()[-1]
    if newest.short == interpreters.running().short:
        pytest.skip("there is no newer Python here")
    clone = tmp_path / "clone"
    env = {name: value for name, value in os.environ.items() if name not in commands.COVERAGE}
    for words in (
        ["git", "clone", "--quiet", ROOT, clone],
        [newest.program, clone / "bootstrap.py"],
        [clone / ".venv" / "bin" / "invoke", "test", "--fast"],
    ):
        folder = clone if clone.exists() else tmp_path
        done = commands.done([str(word) for word in words], cwd=folder, env=env)
        assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_python_that_is_not_there_says_what_shows_some(tmp_path: Path) -> None:
    """A measuring task and a build, in the same words."""
    sidecars.write(tmp_path, name=NAME, main=sidecars.HELLO)
    for run, word in ((sidecars.invoke, "bench"), (sidecars.nox, "build_pyinstaller")):
        done = run(word, tmp_path, "--python", "3.99")
        said = done.stdout
        assert done.returncode != 0
        assert "There is no Python 3.99 here." in said
        assert "invoke doctor --pythons" in said

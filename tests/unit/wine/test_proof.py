"""What is said before a Windows is made: what is missing, and what cannot be asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.registry import BENCHMARKS
from spike.build import doctor
from spike.core.errors import MissingToolError, UsageError
from spike.core.workspace import HELLO, TOOL
from spike.project.sidecar import load
from spike.wine import prefix, proof
from spike.wine.prefix import Wine


def test_what_is_missing_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it at once, before minutes are spent."""
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    (tmp_path / "mvn").write_text("#!/bin/sh\n")
    (tmp_path / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError) as caught:
        proof.check()
    assert "Wine" in caught.value.what
    assert "MinGW" in caught.value.what
    assert "Maven" not in caught.value.what
    assert "apt-get install gcc-mingw-w64-x86-64" in caught.value.try_next


def test_every_need_says_how_to_get_it() -> None:
    """On Debian and Ubuntu, where this is run."""
    assert all(need.apt and need.required for need in prefix.NEEDS)
    assert len(doctor.examine(prefix.NEEDS)) == len(prefix.NEEDS)


def test_a_python_that_there_is_none_of_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that there are are named."""
    with pytest.raises(SystemExit):
        proof.main(["--python", "2.7"])
    assert "'3.12'" in capsys.readouterr().err


def test_a_packager_that_is_none_is_a_mistake() -> None:
    """Known ones are named."""
    with pytest.raises(UsageError, match="tarball"):
        proof.main(["--packager", "tarball"])


def test_what_is_refused_on_windows_is_not_built_for_it() -> None:
    """A whole Python in a folder is Linux's; the plan's packagers are everybody's."""
    assert list(proof.packagers([])) == ["nuitka", "pyinstaller", "cx_freeze"]
    assert proof.packagers(["cx_freeze"]) == ["cx_freeze"]
    with pytest.raises(UsageError, match="cpython"):
        proof.packagers(["cpython"])


def test_the_project_that_is_built_has_an_awkward_path(tmp_path: Path) -> None:
    """And the sidecar of this repository as it is, so that its results can be merged here."""
    project = proof.project_in(Wine(folder=tmp_path))
    assert " " in project.name
    assert not project.name.isascii()
    own = load(HELLO)
    copy = load(project / HELLO)
    for packager in proof.packagers([]):
        assert copy.source_sha256(packager) == own.source_sha256(packager)
    assert load(project / proof.EXAMPLE).smoke_stdio
    assert {path.name for path in project.glob("*.py")} == {"tasks.py", "noxfile.py"}
    # What one Python has built is no build of another.
    assert proof.project_in(Wine(folder=tmp_path, python_name="3.12")) != project


def test_the_tests_that_are_run_there_are_there() -> None:
    """A name that is gone would prove nothing."""
    for name in proof.TESTS:
        assert (TOOL / name).is_file(), name


def test_every_launch_has_to_be_good() -> None:
    """Nineteen of twenty would do for the plan, and does not here."""
    good = [{"target": "one", "failure": None}] * 20
    bad = [{"target": "two", "failure": None}] * 19 + [{"target": "two", "failure": "left_files"}]
    one, two = proof.of_launches([*good, *bad], 20)
    assert (one.ok, one.said) == (True, "20 of 20 good")
    assert (two.ok, two.said) == (False, "19 of 20 good")
    (fewer,) = proof.of_launches(good[:5], 20)
    assert not fewer.ok


def test_forty_cases_have_to_be_judged_and_none_broken() -> None:
    """What failed is named; what is behind our own code is another matter."""
    passed = [{"target": "one", "case": f"case{n}", "status": "pass"} for n in range(39)]
    failed = {"target": "one", "case": "hangs", "status": "fail"}
    left_out = {"target": "one", "case": "fork", "status": "not run", "broken": False}
    behind = {"target": "supervisor+one", "case": "hangs", "status": "not run"}
    (step,) = proof.of_faults([*passed, failed, left_out, behind])
    assert (step.ok, step.said) == (True, "40 of 41 judged; fail: hangs")
    (step,) = proof.of_faults([*passed, left_out])
    assert not step.ok
    (step,) = proof.of_faults([*passed, failed, {**left_out, "broken": True}])
    assert (step.ok, step.said) == (False, "40 of 41 judged; fail: hangs; broken: fork")


def test_nothing_that_is_run_there_is_refused_there() -> None:
    """What an emulated system cannot measure is no step."""
    for name in ("reliability", "complexity", "faults", "chaos"):
        assert BENCHMARKS[name].of_functions, name

"""build.json: the whole contract between building and measuring."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spike.build import buildinfo
from spike.core.errors import CorruptFileError, MissingBuildError, StaleArtifactError
from spike.packagers import VARIANTS
from spike.project import sidecar
from tests.support.builds import VARIANT, info


def test_a_build_is_read_back_as_it_was_written(demo: sidecar.Sidecar) -> None:
    """build.json is the whole contract between building and measuring."""
    built = buildinfo.find(VARIANT, demo)
    assert built.info == info(demo, built.artifact)


def test_a_missing_build_names_the_command(demo: sidecar.Sidecar) -> None:
    """The user is told which session makes it."""
    with pytest.raises(MissingBuildError) as caught:
        buildinfo.find(VARIANTS["nuitka-onefile"], demo)
    assert "nox -s build_nuitka -- --mode onefile" in caught.value.try_next


@pytest.mark.parametrize("harm", ["deleted", "changed", "same size", "not executable", "sources"])
def test_an_artifact_that_is_not_the_one_described(demo: sidecar.Sidecar, harm: str) -> None:
    """A figure must never be that of another binary than the one on record."""
    artifact = VARIANT.folder(demo) / "demo"
    if harm == "deleted":
        artifact.unlink()
    elif harm == "changed":
        artifact.write_bytes(b"another program")
    elif harm == "same size":
        artifact.write_bytes(b"PROGRAM")
    elif harm == "not executable":
        artifact.chmod(0o644)
    else:
        (demo.folder / "main.py").write_text("print('other')")
    with pytest.raises(StaleArtifactError) as caught:
        buildinfo.find(VARIANT, demo)
    assert "nox -s build_pyinstaller" in caught.value.try_next


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "damaged"),
        ("[]", "schema None"),
        ('{"schema": 99}', "newer version"),
        ('{"schema": "1"}', "schema '1'"),
        ('{"schema": 1}', "argv is None"),
    ],
)
def test_a_damaged_build_json(demo: sidecar.Sidecar, content: str, problem: str) -> None:
    """Damage and newer schemas are told apart, and the remedy is named."""
    (VARIANT.folder(demo) / "build.json").write_text(content)
    with pytest.raises(CorruptFileError) as caught:
        buildinfo.find(VARIANT, demo)
    assert problem in str(caught.value)
    assert "nox -s build_pyinstaller" in str(caught.value)


def another(demo: sidecar.Sidecar, variant: str) -> None:
    """A build of one more variant, from today's sources."""
    artifact = VARIANTS[variant].folder(demo) / "demo"
    artifact.parent.mkdir(parents=True)
    artifact.write_bytes(b"program")
    artifact.chmod(0o755)
    found = replace(info(demo, artifact), variant=variant, mode=variant.partition("-")[2])
    buildinfo.save(artifact.parent / buildinfo.FILE_NAME, found)


def test_one_build_that_cannot_be_used_stops_no_other(demo: sidecar.Sidecar) -> None:
    """Stale, damaged and missing ones are told with their commands; the rest is given."""
    (demo.folder / "main.py").write_text("print('changed since')")
    changed = sidecar.load(demo.folder)
    another(changed, "pyinstaller-onedir")
    built, problems = buildinfo.find_usable(changed)
    assert [item.info.variant for item in built] == ["pyinstaller-onedir"]
    assert [str(problem) for problem in problems] == [
        "pyinstaller-onefile was built from other sources: sidecar/ has changed since. "
        "Try: nox -s build_pyinstaller -- --mode onefile"
    ]
    (VARIANTS["pyinstaller-onefile"].folder(changed) / "build.json").write_text("{")
    built, problems = buildinfo.find_usable(changed, ("pyinstaller-onedir", "nuitka-onefile"))
    assert [item.info.variant for item in built] == ["pyinstaller-onedir"]
    assert isinstance(problems[0], MissingBuildError)
    _, problems = buildinfo.find_usable(changed)
    assert isinstance(problems[0], CorruptFileError)


def test_where_no_build_can_be_used_all_are_told(demo: sidecar.Sidecar) -> None:
    """One as it is, several in one error with the command of each."""
    another(demo, "pyinstaller-onedir")
    (demo.folder / "main.py").write_text("print('changed since')")
    changed = sidecar.load(demo.folder)
    with pytest.raises(StaleArtifactError) as caught:
        buildinfo.find_usable(changed, ("pyinstaller-onedir",))
    assert caught.value.try_next == "nox -s build_pyinstaller -- --mode onedir"
    with pytest.raises(StaleArtifactError, match="No variant of demo can be worked on") as caught:
        buildinfo.find_usable(changed)
    for mode in ("onefile", "onedir"):
        assert f"nox -s build_pyinstaller -- --mode {mode}" in caught.value.try_next

"""build.json: the whole contract between building and measuring."""

from __future__ import annotations

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

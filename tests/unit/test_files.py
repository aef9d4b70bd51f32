"""Files of ours: whole or not there, and a clear word when they are damaged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spike.build import buildinfo
from spike.core import jsonfile
from spike.core.errors import (
    BusyError,
    CorruptFileError,
    MissingBuildError,
    StaleArtifactError,
    StorageError,
)
from spike.core.workspace import ROOT
from spike.measure import results
from spike.packagers import VARIANTS
from spike.project import sidecar

VARIANT = VARIANTS["pyinstaller-onefile"]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sidecar.Sidecar:
    """A sidecar in a checkout of its own, with a finished build of one variant."""
    folder = tmp_path / "sidecar"
    folder.mkdir()
    (folder / "main.py").write_text("print('READY')")
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    monkeypatch.setattr(sidecar, "ROOT", tmp_path)
    found = sidecar.load(folder)
    target = VARIANT.folder(found)
    target.mkdir(parents=True)
    artifact = target / "demo"
    artifact.write_bytes(b"program")
    artifact.chmod(0o755)
    buildinfo.save(target / "build.json", info(found, artifact))
    return found


def info(found: sidecar.Sidecar, artifact: Path) -> buildinfo.BuildInfo:
    return buildinfo.BuildInfo(
        argv=("pyinstaller",),
        env={},
        packager="pyinstaller",
        packager_version="6.22.3",
        python_version="3.11.7",
        platform="Linux",
        arch="x64",
        artifact=artifact.relative_to(found.workspace.root).as_posix(),
        size_bytes=7,
        cold_start_ms=None,
        first_launch="not_found",
        first_detail="it is not there",
        remarks=(),
        sidecar="demo",
        sidecar_version="1.0.0",
        variant=VARIANT.id,
        mode="onefile",
        target_triple="x86_64-unknown-linux-gnu",
        python_build="main",
        python_flavour="CPython",
        compiler="",
        elapsed_s=1.0,
        built_at="2026-01-01T00:00:00+00:00",
        fingerprint="0",
        source_sha256=found.source_sha256(),
        sha256=buildinfo.file_sha256(artifact),
        folder="",
        folder_bytes=0,
        folder_files=0,
        log="build.log",
    )


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


@pytest.mark.parametrize(
    "content", ["", "{", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "samples": 3}']
)
def test_a_damaged_result(demo: sidecar.Sidecar, content: str) -> None:
    """The same holds for results, and the task that makes them is named."""
    path = demo.workspace.results / "reliability.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(CorruptFileError, match="invoke bench"):
        results.load("reliability", demo)


def record(found: sidecar.Sidecar, samples: int, stop: type[BaseException] | None = None) -> None:
    with results.Recorder(
        "reliability", found, targets={"a": {"kind": "baseline"}}, settings={}, provenance={}
    ) as recorder:
        for number in range(samples):
            recorder.add("a", {"number": number})
        if stop:
            raise stop


def test_an_interrupted_run_keeps_what_it_has_and_takes_nothing_away(
    demo: sidecar.Sidecar,
) -> None:
    """The last whole run stays the result; the broken one lies beside it."""
    record(demo, 3)
    with pytest.raises(KeyboardInterrupt):
        record(demo, 2, KeyboardInterrupt)
    whole = results.load("reliability", demo)
    assert whole is not None
    assert whole.complete
    assert len(whole.samples) == 3
    kept = json.loads((demo.workspace.results / "reliability.incomplete.json").read_text())
    assert not kept["complete"]
    assert len(kept["samples"]) == 2


def test_two_runs_at_once_are_refused(demo: sidecar.Sidecar) -> None:
    """Two at once would measure each other."""
    with results.exclusive(demo), pytest.raises(BusyError), results.exclusive(demo):
        pass
    with results.exclusive(demo):
        pass


needs_namespaces = pytest.mark.skipif(
    sys.platform != "linux"
    or not shutil.which("unshare")
    or subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode
    != 0,
    reason="mount namespaces need Linux with unshare and the right to use it",
)


@needs_namespaces
@pytest.mark.parametrize("options", ["size=16k", "size=1m,ro"])
def test_a_full_or_read_only_disk_loses_nothing(tmp_path: Path, options: str) -> None:
    """On a real full disk the old file is whole, no partial one is left, and the error is clear."""
    script = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from spike.core import jsonfile
from spike.core.errors import StorageError
try:
    jsonfile.write(Path('result.json'), ['x' * 100_000])
except StorageError as error:
    print(error); print(Path('result.json').read_text(), sorted(p.name for p in Path().iterdir()))
"""
    (tmp_path / "script.py").write_text(script)
    mount = (
        f"mount -t tmpfs -o {options.removesuffix(',ro')} none disk && cd disk && echo old >"
        f" result.json {'&& mount -o remount,ro . ' if 'ro' in options else ''}"
        f"&& exec {sys.executable} ../script.py"
    )
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", mount],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "cannot be written" in done.stdout
    assert "old\n ['result.json']" in done.stdout


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """A file where a folder should be is said to be so."""
    (tmp_path / "dist").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        jsonfile.write(tmp_path / "dist" / "x.json", {})

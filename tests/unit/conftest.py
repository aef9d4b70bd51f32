"""Checkouts of their own, for tests that read and write what a project keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.build import buildinfo
from spike.core.workspace import PROJECT_VARIABLE
from spike.project import interpreters, sidecar
from tests.support import sidecars
from tests.support.builds import VARIANT, info


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project: whatever a sidecar keeps lies below it."""
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def hello(project: Path) -> sidecar.Sidecar:
    """The project's own sidecar: it says READY, and stops when it is asked to."""
    return sidecars.hello(project / "sidecar")


@pytest.fixture
def demo(project: Path) -> sidecar.Sidecar:
    """A sidecar with a finished build of one variant."""
    folder = project / "sidecar"
    folder.mkdir()
    (folder / "main.py").write_text("print('READY')")
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    found = sidecar.load(folder)
    target = VARIANT.folder(found)
    target.mkdir(parents=True)
    artifact = target / "demo"
    artifact.write_bytes(b"program")
    artifact.chmod(0o755)
    buildinfo.save(target / "build.json", info(found, artifact))
    return found


@pytest.fixture
def another(monkeypatch: pytest.MonkeyPatch) -> str:
    """The version of a Python beside the own one, which is found when it is asked for."""
    place = Path("/opt/python3.98")
    found = interpreters.Interpreter(program=place / "python", version="3.98.1", prefix=place)
    known = interpreters.chosen
    monkeypatch.setattr(
        interpreters, "chosen", lambda wanted: found if wanted == "3.98" else known(wanted)
    )
    return "3.98"

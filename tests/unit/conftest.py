"""Checkouts of their own, for tests that read and write what a project keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.build import buildinfo
from spike.core.workspace import PROJECT_VARIABLE
from spike.project import sidecar
from tests.support.builds import VARIANT, info


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sidecar.Sidecar:
    """A sidecar in a checkout of its own, with a finished build of one variant."""
    folder = tmp_path / "sidecar"
    folder.mkdir()
    (folder / "main.py").write_text("print('READY')")
    (folder / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1.0.0"\n')
    monkeypatch.setenv(PROJECT_VARIABLE, str(tmp_path))
    found = sidecar.load(folder)
    target = VARIANT.folder(found)
    target.mkdir(parents=True)
    artifact = target / "demo"
    artifact.write_bytes(b"program")
    artifact.chmod(0o755)
    buildinfo.save(target / "build.json", info(found, artifact))
    return found

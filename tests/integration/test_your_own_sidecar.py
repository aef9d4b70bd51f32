"""The short path of docs/your-own-sidecar.md, as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spike.core.workspace import TOOL as ROOT
from tests.support import sidecars

pytestmark = pytest.mark.integration

TEXT = (ROOT / "docs" / "your-own-sidecar.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_documents_service_is_built_and_launched(tmp_path: Path) -> None:
    """Lock, build, bench and record of the two files that the document shows, word for word."""
    folder = tmp_path / "my-service"
    folder.mkdir()
    manifest = block("toml").replace('"my-service"', '"sidecar-documented"')
    (folder / "pyproject.toml").write_text(manifest, encoding="utf-8")
    (folder / "main.py").write_text(block("python"), encoding="utf-8")
    output = folder / "decision-record.md"
    with sidecars.cleaned("sidecar-documented"):
        for done in (
            sidecars.nox("lock", folder),
            sidecars.nox("build_pyinstaller", folder, "--mode", "onedir"),
            sidecars.invoke("bench", folder, "--launches", "3"),
            sidecars.invoke("adr", folder, "--output", str(output)),
        ):
            assert done.returncode == 0, done.stdout
    assert "sidecar-documented" in output.read_text(encoding="utf-8")

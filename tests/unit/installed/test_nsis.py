"""The NSIS hook ends the application first, waits for each sidecar, and compiles."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spike.installed import nsis


def test_the_hook_has_its_order() -> None:
    """The application first, or its supervisor would start the sidecar again; then each sidecar."""
    text = nsis.hook(("one", "two"))
    stop = text.split("!macro SIDECARS_STOP")[1]
    order = [stop.index(word) for word in ("CheckIfAppIsRunning", '"one.exe"', '"two.exe"')]
    assert order == sorted(order)
    for macro in ("PREINSTALL", "PREUNINSTALL"):
        assert f"!macro NSIS_HOOK_{macro}\n  !insertmacro SIDECARS_STOP\n" in text


@pytest.mark.skipif(not shutil.which("makensis"), reason="needs makensis (apt: nsis)")
def test_the_hook_compiles(tmp_path: Path) -> None:
    """Warnings count; and a hook with a slip does not compile."""
    text = nsis.hook(("one", "two"))
    assert nsis.compile_hook(text, "app", tmp_path / "good") == ()
    wrong = text.replace("IfErrors sidecar_busy", "IfErrors sidecar_bsy")
    assert wrong != text
    assert nsis.compile_hook(wrong, "app", tmp_path / "wrong") != ()

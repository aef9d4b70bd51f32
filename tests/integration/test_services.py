"""The services of examples/services, built for a faster start with every packager."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spike.build.buildinfo import Built
from spike.core.workspace import TOOL

Build = Callable[..., Built]

SERVICES = sorted(path.parent.name for path in (TOOL / "examples/services").glob("*/main.py"))
OTHERS = ("pyinstaller-onedir-fast", "pyinstaller-onefile-fast", "cx_freeze-onedir-fast")


@pytest.mark.integration
@pytest.mark.nightly
@pytest.mark.parametrize("variant", ["cpython-folder-fast", *OTHERS])
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_built_for_a_faster_start(built: Build, name: str, variant: str) -> None:
    """Proved, READY, and it answers its smoke command."""
    info = built(variant, f"examples/services/{name}").info
    assert info.first_launch == "ready"
    assert "are made beforehand" in info.remarks[0], info.remarks

"""A recipe is described in the Python that is packaged, and comes back as it is there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spike.build import recipes
from spike.core.errors import BuildFailedError
from spike.packagers import VARIANTS
from spike.project.sidecar import Sidecar

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["pyinstaller-onedir-lean", "cx_freeze-onedir", "nuitka-lean"])
def test_a_recipe_is_asked_from_outside(hello: Sidecar, name: str) -> None:
    """The same commands and files as in this Python."""
    if name == "nuitka-lean" and sys.platform != "linux":
        pytest.skip("the lean recipe is for Linux")
    variant = VARIANTS[name]
    here = variant.packager.recipe(hello, variant.mode.name)
    there = recipes.of(Path(sys.executable), hello, variant)
    for part in ("argv", "output", "artifact", "env", "folder", "discard", "files"):
        assert getattr(there, part) == getattr(here, part), part


@pytest.mark.skipif(sys.platform == "win32", reason="the Python is a shell script here")
def test_what_is_refused_there_fails_with_its_words(hello: Sidecar, tmp_path: Path) -> None:
    """It is no recipe."""
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\necho no library >&2; exit 3\n")
    broken.chmod(0o755)
    with pytest.raises(BuildFailedError, match="cx_freeze-onedir cannot be built") as caught:
        recipes.of(broken, hello, VARIANTS["cx_freeze-onedir"])
    assert "no library" in str(caught.value)

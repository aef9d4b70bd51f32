"""What packagers refuse is asked of the recipes themselves, in the Python that is meant."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pytest

from spike.build import refusals
from spike.core.errors import MissingToolError
from spike.project.sidecar import Sidecar

pytestmark = pytest.mark.slow


@pytest.mark.skipif(sys.platform != "linux", reason="Nuitka links otherwise there")
def test_a_python_that_nuitka_cannot_link_with_is_refused(
    hello: Sidecar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that ships its library under the longer name alone, as unpacked archives do."""
    library = f"libpython{sysconfig.get_python_version()}.so"
    known = sysconfig.get_config_var
    moved = {"LIBDIR": str(tmp_path / "lib"), "LIBPL": str(tmp_path / "lib")}
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: moved.get(name, known(name)))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    (tmp_path / f"{library}.1.0").touch()
    found = refusals.here(hello)
    assert found["nuitka-onefile"].endswith(f"It has {library}.1.0 alone.")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / library).symlink_to(f"../{library}.1.0")
    assert "nuitka-onefile" not in refusals.here(hello)


def test_a_python_is_asked_from_outside(hello: Sidecar, tmp_path: Path) -> None:
    """It reads the recipes itself and says what they say; what is no Python is named."""
    assert refusals.of(Path(sys.executable), hello) == refusals.here(hello)
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\necho no >&2; exit 3\n")
    broken.chmod(0o755)
    with pytest.raises(MissingToolError, match="cannot be asked what is refused: no"):
        refusals.of(broken, hello)

"""A sidecar's lock belongs to the dependencies that it was made for."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.core.errors import SidecarError
from spike.core.workspace import TOOL as ROOT
from spike.project import sidecar, sidecarlock
from spike.project.sidecar import Sidecar

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("**/pyproject.toml"))


def test_no_dependencies_need_no_lock(tmp_path: Path) -> None:
    """The commonest small sidecar is not burdened with an empty file."""
    assert sidecarlock.check(Sidecar(folder=tmp_path, name="a", version="1")) is None


def test_a_missing_or_foreign_lock_names_the_command(tmp_path: Path) -> None:
    """A lock of yesterday's dependencies is an error, never a silent difference."""
    wanted = Sidecar(folder=tmp_path, name="a", version="1", dependencies=("httpx", "anyio>=4"))
    with pytest.raises(SidecarError, match=r"no requirements\.lock") as caught:
        sidecarlock.check(wanted)
    assert caught.value.try_next == f"nox -s lock -- --sidecar {tmp_path}"
    lock = tmp_path / "requirements.lock"
    lock.write_text('# Made by nox -s lock for: ["httpx"]\n')
    with pytest.raises(SidecarError, match="other dependencies"):
        sidecarlock.check(wanted)
    lock.write_bytes(b"\xff\xfe")
    with pytest.raises(SidecarError, match="cannot be read"):
        sidecarlock.check(wanted)
    lock.write_text('# Made by nox -s lock for: ["anyio>=4", "httpx"]\n')
    assert sidecarlock.check(wanted) == lock


def test_the_names_that_a_lock_pins_are_compared_in_normal_form() -> None:
    """``Typing_Extensions`` and ``typing-extensions`` are one distribution."""
    text = "# x==1\nTyping_Extensions==4.1 \\\n    --hash=sha256:0\na.b==1 ; python_version < '3'\n"
    assert sidecarlock.pinned(text) == {"typing-extensions", "a-b"}


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_example_is_a_valid_sidecar_with_its_own_lock(folder: Path) -> None:
    """Manifest and lock agree, versions in manifest and script agree, no index is named."""
    found = sidecar.load(folder)
    lock = sidecarlock.check(found)
    if lock is not None:
        text = lock.read_text(encoding="utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text
    script = (folder / found.entry).read_text(encoding="utf-8")
    assert f'NAME = "{found.name}"' in script
    assert f'VERSION = "{found.version}"' in script

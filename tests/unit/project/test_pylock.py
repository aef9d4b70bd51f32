"""A ``pylock.toml`` is used as it is, in every form that it can have a package in."""

from __future__ import annotations

from pathlib import Path

import pytest

from spike.core.errors import SidecarError
from spike.project.pylock import from_pylock
from spike.project.resolution import lacking

PYLOCK = """
lock-version = "1.0"
[[packages]]
name = "click"
version = "8.1.8"
sdist = { name = "click.tar.gz", hashes = { sha256 = "bb" } }
wheels = [{ name = "click.whl", hashes = { sha256 = "aa" } }]
[[packages]]
name = "colorama"
version = "0.4.6"
marker = "sys_platform == 'win32'"
wheels = [{ name = "colorama.whl", hashes = { sha256 = "cc" } }]
[[packages]]
name = "uvicorn"
version = "1"
marker = "'web' in extras"
wheels = [{ name = "u.whl", hashes = { sha256 = "dd" } }]
[[packages]]
name = "pytest"
version = "9"
marker = "'dev' in dependency_groups and os_name == 'posix'"
wheels = [{ name = "p.whl", hashes = { sha256 = "ee" } }]
[[packages]]
name = "mine"
directory = { path = "lib" }
[[packages]]
name = "theirs"
vcs = { type = "git", url = "https://example.org/x", commit-id = "abc", subdirectory = "d" }
[[packages]]
name = "file"
archive = { url = "https://example.org/f.whl", hashes = { sha256 = "ff" } }
"""


def test_a_pylock_is_used_as_it_is(tmp_path: Path) -> None:
    """Its versions and hashes; what only extras or groups ask for is there when they are."""
    path = tmp_path / "pylock.toml"
    path.write_text(PYLOCK)
    text = from_pylock(path)
    assert "click==8.1.8 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n" in text
    assert "colorama==0.4.6 ; sys_platform == 'win32' \\\n" in text
    assert "uvicorn" not in text
    assert "pytest==9 ; python_version < '3' and os_name == 'posix'" in text
    assert f"mine @ {(tmp_path / 'lib').as_uri()}\n" in text
    assert "theirs @ git+https://example.org/x@abc#subdirectory=d\n" in text
    assert "file @ https://example.org/f.whl \\\n    --hash=sha256:ff\n" in text
    assert "uvicorn==1 \\\n" in from_pylock(path, extras=("Web",))
    path.write_text('lock-version = "2.0"')
    with pytest.raises(SidecarError, match=r"lock-version '2\.0'"):
        from_pylock(path)
    path.write_text("lock-version")
    with pytest.raises(SidecarError, match="cannot be read"):
        from_pylock(path)
    path.write_text('lock-version = "1.0"\n[[packages]]\nname = "x"\n')
    with pytest.raises(SidecarError, match="in a form that is not known"):
        from_pylock(path)


def test_what_is_installed_by_default_is_locked(tmp_path: Path) -> None:
    """As PDM writes it; and by whatever hash the file has."""
    path = tmp_path / "pylock.toml"
    path.write_text(
        'lock-version = "1.0"\ndefault-groups = ["default"]\n[[packages]]\nname = "click"\n'
        """version = "8"\nmarker = "'default' in dependency_groups"\n"""
        'wheels = [{ name = "c.whl", hashes = { sha512 = "aa" } }]\n'
    )
    assert from_pylock(path) == "click==8 \\\n    --hash=sha512:aa\n"
    path.write_text(path.read_text().replace("sha512", "md5"))
    with pytest.raises(SidecarError, match="without a hash"):
        from_pylock(path)


def test_a_pylock_that_is_older_than_the_project_is_told() -> None:
    """By names and versions; what another platform needs may be missing here."""
    lock = "click==8.1.8 \\\n    --hash=sha256:aa\nmine @ file:///lib\n"
    here = ("Click>=8,<9", "mine", "tomli; python_version < '3'", "click[x] (~=8.1)")
    assert lacking(lock, here) == ""
    assert lacking(lock, (*here, "attrs")) == "attrs"
    assert lacking(lock, ("click >= 8.2",)) == "click >= 8.2"

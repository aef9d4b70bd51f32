"""Files of ours: whole or not there, also on a full disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spike.core import jsonfile
from spike.core.errors import CorruptFileError, StorageError
from spike.core.workspace import TOOL as ROOT

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


def test_what_is_no_file_is_not_to_be_deleted(tmp_path: Path) -> None:
    """A folder, or a file of another user, is not damaged."""
    with pytest.raises(CorruptFileError, match=r"cannot be read: .*Try: look at"):
        jsonfile.read(tmp_path, schema=1, remedy="invoke bench")

"""Starting what is measured: arguments, environment, folder and streams arrive, errors are said."""

from __future__ import annotations

import gc
import json
import signal
import sys
from pathlib import Path

import pytest

from spike.core.process import Child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no posix_spawn")

TELL = (
    "import json, os, signal, sys; "
    "ignored = [s.name for s in (signal.SIGHUP, signal.SIGINT) "
    "if signal.getsignal(s) is signal.SIG_IGN]; "
    "print(json.dumps([sys.argv[1:], os.environ.get('Ä'), os.getcwd(), sys.stdin.read(), "
    "os.getpgrp() == os.getpid(), ignored]))"
)


def run(*words: str, env: dict[str, str] | None = None, cwd: Path | None = None) -> bytes:
    child = Child([sys.executable, "-c", *words], env=env or {}, cwd=cwd)
    child.stdin.write(b"from above")
    child.stdin.close()
    said = child.early + child.stdout.read() + child.stderr.read()
    assert child.wait() == 0, said
    child.stdout.close()
    child.stderr.close()
    return said


def test_everything_arrives(tmp_path: Path) -> None:
    """Letters beyond ASCII, a folder, three pipes, a group of its own, signals at default."""
    folder = tmp_path / "Jörg's"
    folder.mkdir()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        told = json.loads(run(TELL, "ü", "", "a b", env={"Ä": "ß=1"}, cwd=folder))
    finally:
        signal.signal(signal.SIGHUP, before)
    assert told[:6] == [["ü", "", "a b"], "ß=1", str(folder), "from above", True, []]
    assert Path.cwd() != folder


@pytest.mark.parametrize(
    ("program", "cwd", "error"),
    [
        ("missing", None, FileNotFoundError),
        ("plain", None, PermissionError),
        (sys.executable, "missing", FileNotFoundError),
    ],
)
def test_what_cannot_be_started_is_said(
    tmp_path: Path, program: str, cwd: str | None, error: type[OSError]
) -> None:
    """As an error of the system, and nothing stays open."""
    (tmp_path / "plain").write_text("no program", encoding="utf-8")
    gc.collect()  # what an earlier test has dropped is closed now and not meanwhile
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(error):
        Child([str(tmp_path / program)], env={}, cwd=tmp_path / cwd if cwd else None)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_null_byte_is_no_argument() -> None:
    """C would end the word there."""
    with pytest.raises(ValueError, match="null byte"):
        Child([sys.executable, "a\0b"], env={})

"""The ground that a program is tried on, and what one life shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from spike.contract import life, subject
from spike.contract.asking import Address
from spike.contract.life import Ground, Life, Seen, Terms
from spike.core.errors import MissingToolError, StorageError


def test_files_are_told_where_none_may_be(tmp_path: Path) -> None:
    """What is the user's own below the home may stay."""
    where = Ground(tmp_path)
    home = Path(where.environment()["HOME"])
    for path in (".cache/a", ".config/a/b", ".local/share/x", ".local/state/y"):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text("kept")
    assert where.files() == ()
    (home / ".cacheless").write_text("x")
    (home / ".local" / "bin").mkdir()
    (where.tmp / "t").write_text("x")
    (where.cwd / "w").mkdir()
    assert where.files() == (
        "temporary folder: t",
        "working folder: w",
        "home: .cacheless",
        "home: .local/bin",
    )


def test_a_ground_is_removed_and_a_full_disk_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to look at."""
    with life.ground() as where:
        assert where.tmp.is_dir()
    assert not where.tmp.exists()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(StorageError, match="No temporary folder"), life.ground():
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="a script that sh runs")
def test_a_program_is_started_as_a_host_starts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variables of the contract, and without what a developer's shell has set."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    monkeypatch.setenv("SIDECAR_PROFILE", "1")
    script = tmp_path / "program"
    script.write_text(
        "#!/bin/sh\n"
        'echo "LISTEN host=x port=4711"\n'
        'echo "$SIDECAR_EXIT_ON_EOF $SIDECAR_PORT $SIDECAR_TOKEN $SIDECAR_LAUNCH_ID"\n'
        'echo "$PYTHONUNBUFFERED-$SIDECAR_PROFILE"\n'
        "echo READY\nread _\nexit 3\n"
    )
    script.chmod(0o755)
    with life.ground() as where, Life(subject.find([str(script)]), Terms(), where) as one:
        assert one.until_ready()
        assert one.end_stdin()
        seen = one.end()
    _, words, others, _ = seen.stdout
    watch, port, token, launch = words.split()
    assert (watch, port, token) == ("1", "0", one.token)
    assert len(token) >= 32
    assert len(launch) == 32
    assert others == "-"
    assert (seen.ending, seen.how, seen.clean) == ("exited with 3", "the end of stdin", False)
    assert (seen.port, seen.own_port) == (4711, 4711)


@pytest.mark.skipif(sys.platform == "win32", reason="a script that sh runs")
def test_what_is_said_too_late_and_told_to_others_is_seen(tmp_path: Path) -> None:
    """A port behind READY; a token far above the last lines, said at the end, or in a file."""
    script = tmp_path / "program"
    script.write_text(
        "#!/bin/sh\n[ $1 = start ] && echo $SIDECAR_TOKEN >&2 && seq 200 >&2\n"
        "[ $1 = file ] && echo t=$SIDECAR_TOKEN > $HOME/.local/log\n"
        "echo READY; echo LISTEN port=4711\nread _\n[ $1 = end ] && echo $SIDECAR_TOKEN\n"
    )
    script.chmod(0o755)
    told = {"start": "on stderr", "file": "in the file home/.local/log", "end": "on stdout"}
    for how in (*told, "not"):
        with Life(subject.find([str(script), how]), Terms(), Ground(tmp_path / how)) as one:
            assert one.until_ready()
            one.end_stdin()
            assert one.end().port is None
            assert one.told() == told.get(how, "")


@pytest.mark.skipif(sys.platform == "win32", reason="a file that Windows would not start either")
def test_what_the_system_does_not_start_is_an_error(tmp_path: Path) -> None:
    """A script whose interpreter is not there."""
    script = tmp_path / "program"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with (
        life.ground() as where,
        pytest.raises(MissingToolError, match="It cannot be started"),
        Life(subject.find([str(script)]), Terms(), where),
    ):
        pass


def test_where_a_program_is_asked() -> None:
    """At what it was handed, else at what it says, else at the only port that it has."""
    there = (Address(host="127.0.0.1", port=3),)
    assert Seen(handed_port=1, port=2, listening=there).own_port == 1
    assert Seen(port=2, listening=there).own_port == 2
    assert Seen(listening=there).own_port == 3
    assert Seen().own_port is None

"""The edge of Nox and ``python -m``: an exit code, and one paragraph when something is wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spike.core.command_line import run_command_line, unforeseen
from spike.core.errors import MissingBuildError, reason
from spike.core.workspace import TOOL


def fails(arguments: list[str]) -> int:
    raise MissingBuildError(
        f"{arguments[0]} is not built.", try_next="nox -s build_nuitka", why="It was removed."
    )


def interrupted(_arguments: list[str]) -> int:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("main", "code", "says"),
    [
        (lambda arguments: len(arguments), 2, ""),
        (
            fails,
            2,
            "error: one is not built. It was removed. Try: nox -s build_nuitka\n",
        ),
        (interrupted, 130, "interrupted: nothing was published\n"),
    ],
    ids=["a verdict", "an error", "Ctrl-C"],
)
def test_what_a_command_line_ends_with(
    main: Callable[[list[str]], int],
    code: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The codes are those of the tasks; what is said goes to stderr, where results do not go."""
    with pytest.raises(SystemExit) as end:
        run_command_line(main, ["one", "two"], interrupted="interrupted: nothing was published")
    assert end.value.code == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", says)


def test_a_mistake_of_our_own_is_shown_whole_and_is_no_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """1 would be "done, and a target missed", which a workflow goes on from."""
    with pytest.raises(SystemExit) as ended:
        run_command_line(lambda arguments: 1 // len(arguments), [])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "ZeroDivisionError" in err
    assert "a mistake of the tool" in err


def test_a_file_that_nobody_has_looked_at_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback for what is not the tool's mistake."""
    with pytest.raises(SystemExit) as ended:
        run_command_line(lambda _: len(tmp_path.read_text()), [])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {tmp_path} cannot be used: ")
    assert "Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full output is /dev/full")
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("> /dev/full", 2, "error: the output cannot be written: No space left on device."),
        ("| true; exit ${PIPESTATUS[0]}", 2, "error: the output cannot be written: Broken pipe."),
        ("| cat", 0, ""),
    ],
)
def test_an_output_that_takes_nothing_is_no_mistake_of_the_tool(
    words: str, code: int, says: str
) -> None:
    """Full, read by a program that has ended, or of an encoding without the letter."""
    python = (
        "import time; from spike.core.command_line import run_command_line, say; "
        "run_command_line(lambda _: time.sleep(0.3) or say('\u2192') or 0, [])"
    )
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {words}', sys.executable, python],
        capture_output=True,
        check=False,
        text=True,
        cwd=TOOL,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith(says)
    assert not re.search("Traceback|mistake|Exception", done.stderr)


def test_a_copy_that_was_not_made_says_why(tmp_path: Path) -> None:
    """The error of a folder's copy has neither a number nor a file's name."""
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "one").symlink_to("nowhere")
    with pytest.raises(shutil.Error) as caught:
        shutil.copytree(tmp_path / "from", tmp_path / "to")
    said = unforeseen(caught.value)
    assert "from/one" in said
    assert "No such file" in said
    assert "Traceback" not in said
    assert reason(OSError(28, "full", "x")) == "full: x"
    assert reason(OSError(28, "full")) == "full"

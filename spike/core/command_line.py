"""The edge of the Nox sessions and of every ``python -m``: errors become text here.

The other edge is that of the invoke tasks, ``commands/edge.py``.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

from spike.core.errors import EXIT_CANNOT, EXIT_INTERRUPTED, SpikeError, reason


def speak_any_text() -> None:
    """Write what an output's encoding lacks as a mark, instead of ending in an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """Tell the user of a command line, at once, what is being done."""
    print(text, flush=True)  # noqa: T201 - for command lines alone


def unforeseen(error: Exception) -> str:
    """What nobody has caught, for a user: a file that cannot be used, or a mistake of the tool."""
    if isinstance(error, OSError) and error.filename:
        return (
            f"error: {error.filename} cannot be used: {error.strerror}. Try: look at what it is "
            "and at its rights, and run the command again"
        )
    if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EDQUOT):
        # Whoever prints knows no file's name: a pipe whose reader has ended, a full disk. What is
        # left is dropped, or Python writes it as it ends, and fails in its own words.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return (
            f"error: the output cannot be written: {error.strerror}. "
            "Files that are kept are whole. Try: the command again, with its output into a file on "
            "a disk with space"
        )
    if isinstance(error, shutil.Error):
        return f"error: A folder cannot be copied: {reason(error)}. Try: free some disk space"
    shown = "".join(traceback.format_exception(error))
    return (
        f"{shown}error: this is a mistake of the tool and not of yours, and nothing was decided by "
        "it. Try: report it with the lines above"
    )


def run_command_line(
    main: Callable[[list[str]], int],
    arguments: Sequence[str] | None = None,
    *,
    interrupted: str = "interrupted",
) -> NoReturn:
    """Run a command line and leave with its exit code; an error is one paragraph on stderr.

    Args:
        main: Takes the arguments and returns the exit code.
        arguments: Those after the program's name; this process's own when None.
        interrupted: What to say when the user interrupts it.
    """
    speak_any_text()
    try:
        code = main(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except SpikeError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is the edge
        code = error.exit_code
    except Exception as error:
        print(unforeseen(error), file=sys.stderr)  # noqa: T201 - this is the edge
        code = EXIT_CANNOT
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)  # noqa: T201 - this is the edge
        code = EXIT_INTERRUPTED
    sys.exit(code)

"""Every error a user can meet, each with what happened, why, and what to try next.

Errors become text at exactly two edges: ``commands/edge.py`` for the invoke tasks, and
``spike/core/command_line.py`` for the Nox sessions and what they run. Nothing else catches
:class:`SpikeError` to print it.

Exit codes mean the same in every task:

* 0: done, and the target is met;
* 1: done, and the target is missed (a verdict, not an error);
* 2: could not be done: usage, a missing build or tool, a file that cannot be read or written; also
  when one of several variants could not be measured, which is named, and the others were;
* 130: interrupted; what was measured is kept.
"""

from __future__ import annotations

import shutil

EXIT_OK = 0
EXIT_GOAL_MISSED = 1
EXIT_CANNOT = 2
EXIT_INTERRUPTED = 130


class SpikeError(Exception):
    """A failure that a user can act on.

    Args:
        what: What happened, in one sentence.
        why: The cause as far as it is known; empty when ``what`` says it all.
        try_next: The command or the change to try next.
    """

    exit_code = EXIT_CANNOT

    def __init__(self, what: str, *, why: str = "", try_next: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.try_next = try_next

    def __str__(self) -> str:
        """One paragraph: the fact, the cause, the next command."""
        parts = [self.what]
        if self.why:
            parts.append(self.why)
        if self.try_next:
            parts.append(f"Try: {self.try_next}")
        return " ".join(parts)


def reason(error: OSError) -> str:
    """Why a file cannot be used, and which; the copy of a folder knows it of each file in it."""
    if isinstance(error, shutil.Error) and isinstance(error.args[0], list):
        return str(error.args[0][0][-1])
    why = error.strerror or str(error)
    return f"{why}: {error.filename}" if error.filename else why


class UsageError(SpikeError):
    """An argument has a value that no command can work with."""


class SidecarError(SpikeError):
    """A sidecar folder or its ``pyproject.toml`` is not usable; the message names the key."""


class MissingToolError(SpikeError):
    """A program or system library that this step needs is not installed."""


class MissingBuildError(SpikeError):
    """A variant has no usable build; the message names the Nox command that makes it."""


class UnsuitableError(SpikeError):
    """A mode cannot package this sidecar; the message names what stands in its way."""


class NotProvedError(SpikeError):
    """Libraries cannot be rewritten for a faster start, or not proved to be the same then."""


class BuildFailedError(SpikeError):
    """A packager ran and failed; the log is kept and the message shows its end."""


class FirstLaunchError(SpikeError):
    """What was built does not come up, or does not go; it is kept, and its build.json says so."""

    exit_code = EXIT_GOAL_MISSED


class StaleArtifactError(SpikeError):
    """An artifact is gone or no longer the one that its ``build.json`` describes."""


class CorruptFileError(SpikeError):
    """A file written by this tool cannot be read: damaged, or of a newer schema."""


class StorageError(SpikeError):
    """A file cannot be written: full disk, missing rights, read-only file system."""


class BusyError(SpikeError):
    """Another run in this checkout holds the lock."""


class IncompatibleResultsError(SpikeError):
    """Two results differ in a field that forbids putting them side by side; it is named."""


class IssueLogError(SpikeError):
    """An entry of the issue log does not follow the template; file, line and rule are named."""

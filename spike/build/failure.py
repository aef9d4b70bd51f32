"""A build that failed: what is kept of it, what is drafted, and what is said.

A build that somebody has ended is no finding, and one that a signal has ended says nothing of the
packager: the machine may have been short of memory. Neither is drafted for the issue log.

Standard library only, as :mod:`spike.build.builder`.
"""

from __future__ import annotations

import contextlib
import platform
import re
import signal
from datetime import UTC, datetime
from pathlib import Path

from spike import issue_log
from spike.build import buildinfo
from spike.core import jsonfile, logged, process, workspace
from spike.core.errors import BuildFailedError
from spike.packagers import Variant
from spike.project.sidecar import Sidecar

FAILURE_NAME = "failure.json"
"""Facts of a failed build, beside its log: what drafts an entry for the issue log."""

_INTERRUPTED = re.compile(
    r"^KeyboardInterrupt\b|User interrupted scons build|Pressed CTRL-C|Aborted by user request"
)
"""How Python, Nuitka and PyInstaller say at their end that somebody pressed Ctrl-C."""

_LAST_LINES = 5
"""Nuitka says a little more after that."""

_ENDED_BY_SOMEBODY = ("SIGINT", "SIGTERM", "SIGHUP")
"""A build that ended so has not failed: somebody wanted its end."""


def ended_by(done: process.Completed) -> str:
    """Name of the signal that ended a tool, by its own account or the system's; empty for none."""
    code = done.exit_code
    number = -code if code < 0 else code - 128  # as shells and launchers pass it on
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    said = [line for line in done.output.splitlines() if line.strip()][-_LAST_LINES:]
    return "SIGINT" if code and any(map(_INTERRUPTED.search, said)) else ""


class StepFailedError(Exception):
    """A step of a build failed.

    Args:
        step: Its name.
        done: What was run.
    """

    def __init__(self, step: str, done: process.Completed) -> None:
        super().__init__(step)
        self.step = step
        self.done = done

    def told(
        self,
        variant: Variant,
        sidecar: Sidecar,
        scratch: Path,
        *,
        command: str,
        version: str,
        draft: bool | None,
    ) -> BuildFailedError:
        """The error for the user; the facts are kept, and an entry is drafted where it is wanted.

        Args:
            variant: What was built.
            sidecar: From what.
            scratch: Where its log is.
            command: The packager's command line.
            version: The packager's version.
            draft: Whether an entry is drafted; None for the project's own sidecar alone.

        Raises:
            StorageError: The facts or the entry cannot be written.
        """
        log = scratch / buildinfo.LOG_NAME
        tail = "\n".join(self.done.output.splitlines()[-logged.TAIL_LINES :])
        ended = ended_by(self.done)
        if ended not in _ENDED_BY_SOMEBODY:
            facts = {
                "schema": 1,
                "kind": "build",
                "variant": variant.id,
                "packager": variant.packager.name,
                "packager_version": version,
                "python_version": platform.python_version(),
                "sidecar": sidecar.name,
                "step": self.step,
                "command": command,
                "exit_code": self.done.exit_code,
                "log": workspace.display_path(log),
                "tail": tail.replace(str(Path.home()), "~"),
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
            jsonfile.write(scratch / FAILURE_NAME, facts)
            if not ended:
                wanted = sidecar.is_own if draft is None else draft
                _draft(sidecar, issue_log.from_build_failure(facts), wanted=wanted)
        how = f"ended by {ended}" if ended else f"exit code {self.done.exit_code}"
        return BuildFailedError(
            f"{variant.id}: the build failed at this step: {self.step} ({how}).",
            why=f"The end of its output:\n{tail}\n",
            try_next=f"read {workspace.display_path(log)}; nothing was published",
        )


def _draft(sidecar: Sidecar, entry: issue_log.Entry, *, wanted: bool) -> None:
    if not wanted:
        text = f"nothing is drafted; to draft it: invoke issue --draft{sidecar.option}"
        print(f"issue log: {text}", flush=True)  # noqa: T201 - a command line's word
        return
    drafted = issue_log.draft(sidecar.workspace.issues, entry)
    if drafted is not None and drafted.path is not None:
        shown = workspace.display_path(drafted.path)
        print(f"issue log: drafted {shown}", flush=True)  # noqa: T201 - a command line's word

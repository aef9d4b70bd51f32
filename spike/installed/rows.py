"""What is asked of an installed application, as values, and how it did. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SCHEMA = 1
"""Of the report as JSON."""


class Row(StrEnum):
    """The rows of a proof, in the order in which they happen."""

    INSTALL = "install"
    START = "start"
    READY = "ready"
    HEALTH = "health"
    QUIT = "quit"
    KILL = "kill"
    START_AGAIN = "start-again"
    UPGRADE = "upgrade"
    NEW_SIDECAR = "new-sidecar"
    READ_ONLY_MOUNT = "read-only-mount"
    REMOVE = "remove"
    APPIMAGE = "appimage"
    NSIS_HOOK = "nsis-hook"
    NSIS = "nsis"


PROMISES: Mapping[Row, str] = {
    Row.INSTALL: "The package manager installs it, and every listed file is there.",
    Row.START: "The Exec line of its .desktop file starts it, and its window shows.",
    Row.READY: "The sidecar is ready in time.",
    Row.HEALTH: "Where the sidecar has a health address, it answers 2xx.",
    Row.QUIT: "Its window closed, it ends with 0, and nothing is left.",
    Row.KILL: "Killed (SIGKILL), it leaves no process.",
    Row.START_AGAIN: "It starts again by its name, and after it nothing of the kill is left.",
    Row.UPGRADE: "The next version is installed while it runs; after it is closed nothing is left.",
    Row.NEW_SIDECAR: "The sidecar that runs then is the new one, by its running file's SHA-256.",
    Row.REMOVE: "Removed, it leaves no file but in the folders that hold the user's data.",
    Row.READ_ONLY_MOUNT: "Started from a read-only mount with an AppImage's environment, it is "
    "ready, and nothing is left.",
    Row.APPIMAGE: "The same from a real AppImage.",
    Row.NSIS_HOOK: "The hook that stops the sidecar before files are replaced compiles.",
    Row.NSIS: "The same life from an NSIS installer on Windows.",
}


class Verdict(StrEnum):
    """How a row came out."""

    PASS = "pass"
    FAIL = "fail"
    NOT_ASKED = "not asked"
    NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row's verdict.

    Attributes:
        row: Which.
        verdict: :attr:`Verdict.NOT_ASKED` where the row does not apply to this application;
            :attr:`Verdict.NOT_RUN` where it could not be looked at.
        detail: What was seen, in a sentence.
        left: Processes and files that should not be there, one a line.
        log: The end of what the package manager or the application said, of a row that failed.
    """

    row: Row
    verdict: Verdict
    detail: str
    left: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """How an installed application did.

    Attributes:
        package: File name of the package.
        name: The package's name.
        version: Its version.
        next_version: The version that it was upgraded to.
        next_made: Whether that one was made here, by repacking.
        root: How the root was made: ``overlayfs as root`` or ``fuse-overlayfs as a user``.
        main: The application's program.
        sidecars: What counts as a sidecar's program.
        data_folders: Where the application and its libraries keep data; they stay, by design.
        findings: One for each row.
    """

    package: str
    name: str
    version: str
    next_version: str
    next_made: bool
    root: str
    main: str
    sidecars: tuple[str, ...]
    data_folders: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def proved(self) -> bool:
        """Whether no row failed, and READY was seen."""
        return not self.of(Verdict.FAIL) and any(
            each.row is Row.READY for each in self.of(Verdict.PASS)
        )

    def of(self, verdict: Verdict) -> tuple[Finding, ...]:
        """The rows with a verdict."""
        return tuple(each for each in self.findings if each.verdict is verdict)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "schema": SCHEMA,
            "package": self.package,
            "name": self.name,
            "version": self.version,
            "next_version": self.next_version,
            "next_made_by_repacking": self.next_made,
            "root": self.root,
            "main": self.main,
            "sidecars": list(self.sidecars),
            "data_folders": list(self.data_folders),
            "proved": self.proved,
            "rows": [
                {
                    "row": each.row.value,
                    "promise": PROMISES[each.row],
                    "verdict": each.verdict.value,
                    "detail": each.detail,
                    "left": list(each.left),
                    "log": list(each.log),
                }
                for each in self.findings
            ],
        }

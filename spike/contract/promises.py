"""The contract as values: what a sidecar promises, and how a program kept it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

VERSION = 1
"""Of the contract. A row that asks for more makes the next one."""

PORT_VARIABLE = "SIDECAR_PORT"
"""Environment variable with the port to listen on; 0 for one that the system picks."""

TOKEN_VARIABLE = "SIDECAR_TOKEN"
"""Environment variable with the token of one launch."""

EXIT_ON_EOF_VARIABLE = "SIDECAR_EXIT_ON_EOF"
"""Environment variable that is 1 where the end of stdin means stop, as the supervisor sets it."""


class Row(StrEnum):
    """The rows of the contract, in their order."""

    READY = "ready"
    READY_ONCE = "ready-once"
    PORT_ZERO = "port-zero"
    PORT_GIVEN = "port-given"
    LOOPBACK = "loopback"
    TOKEN = "token"
    END_OF_STDIN = "end-of-stdin"
    SIGTERM = "sigterm"
    SIGINT = "sigint"
    CTRL_BREAK = "ctrl-break"
    STOP_WHILE_STARTING = "stop-while-starting"
    UNREAD_STDOUT = "unread-stdout"
    SECOND_INSTANCE = "second-instance"
    HOST_GONE = "host-gone"
    KILLED = "killed"
    NO_PROCESSES = "no-processes"
    NO_FILES = "no-files"


PROMISES: Mapping[Row, str] = {
    Row.READY: "`READY` comes on the real stdout, a whole line, flushed, when the program can be "
    "used.",
    Row.READY_ONCE: "`READY` comes once.",
    Row.PORT_ZERO: "With `SIDECAR_PORT=0` it listens on a port that the system picks, and says "
    "`LISTEN port=N` before `READY`.",
    Row.PORT_GIVEN: "With another number in `SIDECAR_PORT`, or as an argument, it listens on that "
    "port.",
    Row.LOOPBACK: "It listens on 127.0.0.1 or ::1 and nowhere else.",
    Row.TOKEN: "Nobody is answered who does not show the token in `SIDECAR_TOKEN`; the program "
    "tells it to nobody.",
    Row.END_OF_STDIN: "The end of stdin ends it, with exit code 0.",
    Row.SIGTERM: "SIGTERM ends it, with exit code 0.",
    Row.SIGINT: "SIGINT ends it, with exit code 0.",
    Row.CTRL_BREAK: "Ctrl-Break ends it, with exit code 0.",
    Row.STOP_WHILE_STARTING: "Asked to stop while it starts, it ends, with any exit code.",
    Row.UNREAD_STDOUT: "A stdout that nobody reads blocks neither its answers nor its end.",
    Row.SECOND_INSTANCE: "A second instance works beside the first, and ends without it.",
    Row.HOST_GONE: "When all its pipes close at once, as when its host dies, it ends.",
    Row.KILLED: "Killed together with its host, no process of it lives on.",
    Row.NO_PROCESSES: "It leaves no process, however it was asked to stop.",
    Row.NO_FILES: "It leaves no file in the temporary and the working folder, and in the home none "
    "but below the user's data, configuration, state and cache folders.",
}
"""Each row in a sentence, as docs/contract.md has them."""


class Verdict(StrEnum):
    """How a program kept a row."""

    KEPT = "kept"
    BROKEN = "not kept"
    NOT_ASKED = "not asked"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row's verdict on one program.

    Attributes:
        row: Which.
        verdict: :attr:`Verdict.NOT_ASKED` where the row does not apply, as those of the port to a
            program without one; :attr:`Verdict.NOT_TRIED` where it could not be looked at.
        detail: What was seen, in a sentence.
        lines: What to add, line by line; empty for a row that is kept.
    """

    row: Row
    verdict: Verdict
    detail: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """A program's answer to the whole contract.

    Attributes:
        command: What was tried, fit to be published.
        language: What it is written in, as far as its files tell; empty for unknown.
        findings: One for each row.
    """

    command: tuple[str, ...]
    language: str
    findings: tuple[Finding, ...]

    @property
    def kept(self) -> bool:
        """Whether no row is broken."""
        return not self.of(Verdict.BROKEN)

    def of(self, verdict: Verdict) -> tuple[Finding, ...]:
        """The rows with a verdict."""
        return tuple(each for each in self.findings if each.verdict is verdict)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "contract": VERSION,
            "command": list(self.command),
            "language": self.language,
            "kept": self.kept,
            "rows": [
                {
                    "row": each.row.value,
                    "promise": PROMISES[each.row],
                    "verdict": each.verdict.value,
                    "detail": each.detail,
                    "lines": list(each.lines),
                }
                for each in self.findings
            ],
        }


def kept(row: Row, detail: str) -> Finding:
    """As promised."""
    return Finding(row=row, verdict=Verdict.KEPT, detail=detail)


def broken(row: Row, detail: str) -> Finding:
    """Not as promised."""
    return Finding(row=row, verdict=Verdict.BROKEN, detail=detail)


def not_asked(row: Row, detail: str) -> Finding:
    """It does not apply to this program."""
    return Finding(row=row, verdict=Verdict.NOT_ASKED, detail=detail)


def not_tried(row: Row, detail: str) -> Finding:
    """It could not be looked at."""
    return Finding(row=row, verdict=Verdict.NOT_TRIED, detail=detail)

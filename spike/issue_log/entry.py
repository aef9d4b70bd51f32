"""One entry of the issue log: the plan's fields, the optional ones, and the values they take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PLATFORMS: Final = ("Windows", "macOS", "Linux")
ARCHES: Final = ("x64", "arm64")
SEVERITIES: Final = ("blocker", "high", "medium", "low")
STATUSES: Final = ("open", "resolved", "accepted")
"""``accepted``: the behaviour stays as it is, and the mitigation in the entry holds."""

KINDS: Final = ("build", "launch", "stop", "leftovers", "host", "follow-up", "other")
"""What the problem is about: F1 reads ``build``, F2 reads ``launch``."""

HEADER: Final = (
    "Date",
    "Reporter",
    "Platform",
    "Arch",
    "Python",
    "Nuitka",
    "Tauri",
    "Severity",
)
SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Symptoms": (),
    "Reproduction": (),
    "Expected vs Actual": ("Expected", "Actual"),
    "Diagnostics": (
        "Build command",
        "Launch command/path",
        "Stdout/Stderr excerpt",
        "Exit code",
    ),
    "Suspected Cause": (),
    "Resolution / Mitigation": (),
    "Follow-up Actions": (),
}
"""The plan's sections in its order, with the fields of those that have any."""

EXTENSION: Final = "Rule fields (optional)"
EXTENSION_FIELDS: Final = (
    "Status",
    "Kind",
    "Packager",
    "Variant",
    "Debug sessions",
    "Working days lost",
    "Minimal reproduction",
    "Reproduce",
    "Fingerprint",
)
EXTENSION_NOTE: Final = (
    "<!-- Not in the plan's template: what the fallback rules and the tests read. -->"
)

TEMPLATE_NAME: Final = "TEMPLATE.md"
TEMPLATE_PLACE: Final = f"issues/{TEMPLATE_NAME}"
UNKNOWN: Final = "not known yet"
NOT_INVOLVED: Final = "not involved"

_TEMPLATE_TEXT = re.compile(r"<[^<>\n]+>")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry. The first block is the plan's template; the second, optional one is ours.

    Attributes:
        id: Unique in the log; new ones count up from ``0001``.
        title: Short title.
        date: ISO 8601 date.
        reporter: Who met it.
        platform: One of :data:`PLATFORMS`.
        arch: One of :data:`ARCHES`.
        python: Version of the Python that was packaged.
        nuitka: Version of Nuitka, or why none is involved.
        tauri: Version of Tauri, or why none is involved.
        severity: One of :data:`SEVERITIES`.
        symptoms: What happened, with the key lines of the log.
        reproduction: Numbered steps.
        expected: What was expected.
        actual: What came instead.
        build_command: The exact build command.
        launch_command: The launch command or the path that was launched.
        excerpt: Lines of stdout and stderr.
        exit_code: Exit code or signal, in words where there is none.
        suspected_cause: A hypothesis.
        resolution: What fixed it, or how to live with it.
        follow_up: Checkbox lines.

        status: One of :data:`STATUSES`; empty in the plan's bare form, which counts as open.
        kind: One of :data:`KINDS`; empty in the bare form.
        packager: The packager that it is about; empty in the bare form.
        variant: The variant, such as ``nuitka-onefile``.
        debug_sessions: Focused debug sessions held; None when not recorded.
        working_days_lost: Working days lost to it; None when not recorded.
        minimal_reproduction: Path or command of a reproducible minimal case; empty for none.
        reproduce: Command that exits 0 when the finding reproduces; empty for none.
        fingerprint: What tells a drafted entry from another; empty for one written by hand.
        path: The file; None for an entry that is not written yet.
    """

    id: str
    title: str
    date: str
    reporter: str = ""
    platform: str
    arch: str
    python: str = ""
    nuitka: str = ""
    tauri: str = ""
    severity: str
    symptoms: str = ""
    reproduction: str = ""
    expected: str = ""
    actual: str = ""
    build_command: str = ""
    launch_command: str = ""
    excerpt: str = ""
    exit_code: str = ""
    suspected_cause: str = ""
    resolution: str = ""
    follow_up: str = ""

    status: str = ""
    kind: str = ""
    packager: str = ""
    variant: str = ""
    debug_sessions: int | None = None
    working_days_lost: float | None = None
    minimal_reproduction: str = ""
    reproduce: str = ""
    fingerprint: str = ""
    path: Path | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still stands; the plan's bare form has no status and counts as open."""
        return self.status in ("", "open")

    @property
    def about(self) -> str:
        """The packager that it counts for: the named one, else the plan's, which is Nuitka."""
        if self.packager:
            return self.packager
        return "pyinstaller" if "pyinstaller" in self.build_command.lower() else "nuitka"

    @property
    def topic(self) -> str:
        """The named kind; else ``build`` when there was a build command but nothing to launch."""
        if self.kind:
            return self.kind
        return "build" if self.build_command and not self.launch_command else "other"

    @property
    def unfilled(self) -> tuple[str, ...]:
        """Parts of the template that nobody has filled in yet."""
        parts = {
            "Symptoms": self.symptoms,
            "Reproduction": self.reproduction,
            "Expected": self.expected,
            "Actual": self.actual,
            "Suspected Cause": self.suspected_cause,
            "Resolution / Mitigation": self.resolution,
        }
        return tuple(
            name
            for name, text in parts.items()
            if not text or text == UNKNOWN or is_template_text(text)
        )


def is_template_text(text: str) -> bool:
    """Whether every line is still the template's own ``<…>``, list marks apart."""
    lines = [re.sub(r"^(\d+\.|- \[ \]|-)\s*", "", line.strip()) for line in text.splitlines()]
    return all(_TEMPLATE_TEXT.fullmatch(line) for line in lines if line)

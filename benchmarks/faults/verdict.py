"""What one life of a program showed, and how that is judged. Pure: values in, values out.

Three outcomes, the same for every case:

* **as expected**: what the case's sentence says;
* **degraded**: safe, but less than was promised: it refuses where it should start, the message
  does not name the cause, a signal arrives under another name, or files are left where SIGKILL
  made tidying up impossible;
* **wrong**: somebody is misled or harmed: a process is left, files are left although there was
  time to tidy up, it hangs, it claims success without having run, or it runs on with wrong results.

A fourth, **not run**, is not a verdict: the machine lacks what the case needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """How a case ended, from good to bad; :attr:`NOT_RUN` stands apart."""

    AS_EXPECTED = "as expected"
    DEGRADED = "degraded"
    WRONG = "wrong"
    NOT_RUN = "not run"


SEVERITY = {
    Outcome.NOT_RUN: -1,
    Outcome.AS_EXPECTED: 0,
    Outcome.DEGRADED: 1,
    Outcome.WRONG: 2,
}
"""From good to bad, for comparisons."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one life of a program showed.

    Attributes:
        started: Whether the system could start it at all.
        ready_count: How often it said READY.
        boot: Its BOOT line without what differs from launch to launch; empty for none.
        shutdown: Its SHUTDOWN line without the first word; empty for none.
        report: What the probe reported; empty for none.
        hung: What was waited for in vain, ``READY`` or ``exit``; empty for nothing.
        exit_code: Exit code; None when a signal ended it, or it did not end by itself.
        exit_signal: Name of the signal that ended it; empty for none.
        ready_ms: Launch to READY, in milliseconds.
        orphan_ms: How long a process of it outlived the one that the host holds, in milliseconds;
            None when none did.
        processes_left: Command lines of the processes that were there after the wait.
        files_left: Files and folders left in its temporary and working folders.
        bytes_left: Bytes of those files.
        stdout: Last lines of its stdout.
        stderr: Last lines of its stderr.
        killed: Whether it was ended in a way that leaves no time to tidy up (SIGKILL).
    """

    started: bool = True
    ready_count: int = 0
    boot: str = ""
    shutdown: str = ""
    report: Mapping[str, Any] = field(default_factory=dict)
    hung: str = ""
    exit_code: int | None = None
    exit_signal: str = ""
    ready_ms: float | None = None
    orphan_ms: float | None = None
    processes_left: tuple[str, ...] = ()
    files_left: tuple[str, ...] = ()
    bytes_left: int = 0
    stdout: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()
    killed: bool = False

    @property
    def ready(self) -> bool:
        """Whether it said READY."""
        return self.ready_count > 0

    @property
    def crashed(self) -> bool:
        """Whether a memory fault or an abort ended it, rather than a decision of its own."""
        return self.exit_signal in ("SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE")

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        if not self.started:
            return "could not be started"
        if self.hung:
            return f"hung: no {self.hung}"
        if self.exit_signal:
            return f"ended by {self.exit_signal}"
        return f"exited with {self.exit_code}"

    @property
    def last_words(self) -> str:
        """The last line on stderr that says something."""
        return next((line.strip() for line in reversed(self.stderr) if line.strip()), "")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A case's verdict on one variant.

    Attributes:
        outcome: See the module.
        detail: What was seen, in a sentence or two.
        counts: For a sweep: number of launches by what they did.
        stderr: What stderr said, the last lines.
        processes_left: See :class:`Seen`.
        files_left: See :class:`Seen`.
        bytes_left: See :class:`Seen`.
        facts: Figures that the case took, by name, the unit in the name.
    """

    outcome: Outcome
    detail: str
    counts: Mapping[str, int] = field(default_factory=dict)
    stderr: tuple[str, ...] = ()
    processes_left: tuple[str, ...] = ()
    files_left: tuple[str, ...] = ()
    bytes_left: int = 0
    facts: Mapping[str, float | int | str] = field(default_factory=dict)


class NotRun(Exception):  # noqa: N818 - not an error: the machine lacks what a case needs
    """Raised by a case that cannot be tried here; the text is the reason."""


def finding(outcome: Outcome, detail: str, seen: Seen, **facts: float | int | str) -> Finding:
    """A finding with the evidence of one life."""
    return Finding(
        outcome=outcome,
        detail=detail,
        stderr=seen.stderr,
        processes_left=seen.processes_left,
        files_left=seen.files_left,
        bytes_left=seen.bytes_left,
        facts=facts,
    )


def good(detail: str, seen: Seen, **facts: float | int | str) -> Finding:
    """As expected."""
    return finding(Outcome.AS_EXPECTED, detail, seen, **facts)


def degraded(detail: str, seen: Seen, **facts: float | int | str) -> Finding:
    """Safe, but less than was promised."""
    return finding(Outcome.DEGRADED, detail, seen, **facts)


def wrong(detail: str, seen: Seen, **facts: float | int | str) -> Finding:
    """Somebody is misled or harmed."""
    return finding(Outcome.WRONG, detail, seen, **facts)


def remains(seen: Seen) -> Finding | None:
    """Judge what is left behind; None when nothing is."""
    if seen.processes_left:
        count = len(seen.processes_left)
        return wrong(f"{count} process{'es' if count > 1 else ''} left after 10 s", seen)
    if seen.files_left:
        text = f"{len(seen.files_left)} files left ({seen.bytes_left / 1e6:.1f} MB)"
        if seen.killed:
            return degraded(
                f"{text}: SIGKILL leaves no time to tidy up, and nobody else does", seen
            )
        return wrong(text, seen)
    return None


def stops(seen: Seen, *, code: int | None = 0) -> Finding:
    """It had to start, and to stop as asked, and to leave nothing.

    Args:
        seen: The life.
        code: The exit code that it must end with; None for any way of ending.
    """
    if not seen.started:
        return degraded(f"the system could not start it: {seen.last_words}", seen)
    if seen.hung:
        return wrong(f"hung: no {seen.hung} in time", seen)
    if not seen.ready:
        return refuses(seen, cause="", expected=False)
    left = remains(seen)
    if left is not None:
        return left
    if seen.ready_count > 1:
        return wrong(f"READY came {seen.ready_count} times", seen)
    if code is not None and seen.exit_code != code:
        return degraded(f"{seen.ending} after READY, not with {code}", seen)
    how = "a clean stop" if seen.exit_code == 0 else f"{seen.ending}, nothing left"
    return good(f"READY, then {how}", seen)


def refuses(seen: Seen, *, cause: str, expected: bool = True) -> Finding:
    """It did not start: judge how it said so.

    Args:
        seen: The life, without READY.
        cause: Regular expression for a message that names the cause; empty when none would do.
        expected: Whether a refusal is all right at all.
    """
    if not seen.started:
        return (
            good("the system refuses to start it", seen)
            if expected
            else degraded("the system could not start it", seen)
        )
    if seen.hung:
        return wrong(f"hung: no {seen.hung} in time", seen)
    if seen.exit_code == 0 and not seen.exit_signal:
        return wrong("exited with 0 although it never was ready", seen)
    left = remains(seen)
    if left is not None:
        return replace(left, detail=f"{seen.ending} before READY; {left.detail}")
    said = "\n".join(seen.stderr)
    if not expected:
        return degraded(f"{seen.ending} before READY: {seen.last_words or 'no message'}", seen)
    if seen.crashed:
        return degraded(f"{seen.ending} before READY instead of a refusal", seen)
    if cause and re.search(cause, said, re.IGNORECASE):
        return good(f"refuses and names the cause: {seen.last_words}", seen)
    return degraded(
        f"{seen.ending} before READY; the message does not name the cause: "
        f"{seen.last_words or 'no message'}",
        seen,
    )


def starts_or_refuses(seen: Seen, *, cause: str) -> Finding:
    """It may start, or refuse with a message that names the cause; see :func:`refuses`."""
    if seen.ready or seen.hung == "exit":
        return stops(seen)
    return refuses(seen, cause=cause)


def checks(seen: Seen, *, grave: Iterable[str] = (), ignore: Iterable[str] = ()) -> Finding:
    """Judge a report of the probe: every check has to be empty.

    Args:
        seen: The life.
        grave: Names of checks whose failure misleads or harms; the others degrade.
        ignore: Names of checks that are shown but not judged.
    """
    bad_end = ended_badly(seen)
    if bad_end is not None:
        return bad_end
    problems = {
        name: str(value)
        for name, value in seen.report.items()
        if value and name[0].islower() and name not in set(ignore)
    }
    if not problems:
        count = sum(1 for name in seen.report if name[0].islower())
        return good(f"{count} of {count} checks pass" if count != 1 else "the check passes", seen)
    detail = "; ".join(f"{name}: {text}" for name, text in sorted(problems.items()))
    if set(problems) & set(grave):
        return wrong(detail, seen)
    return degraded(detail, seen)


def ended_badly(seen: Seen) -> Finding | None:
    """Judge a probe's run that should have ended with a report and 0; None when it did."""
    if not seen.started:
        return degraded("the system could not start it", seen)
    if seen.hung:
        return wrong(f"hung: no {seen.hung} in time", seen)
    left = remains(seen)
    if left is not None:
        return left
    if seen.exit_code != 0 or not seen.report:
        return wrong(f"{seen.ending}, no report: {seen.last_words or 'no message'}", seen)
    return None


def worst(findings: Mapping[str, Finding], *, good_detail: str = "") -> Finding:
    """Several findings as one: the worst outcome, with the details of those that are not good."""
    top = max(findings.values(), key=lambda item: SEVERITY[item.outcome])
    bad = {name: item for name, item in findings.items() if item.outcome is not Outcome.AS_EXPECTED}
    detail = "; ".join(f"{name}: {item.detail}" for name, item in bad.items())
    return replace(top, detail=detail or good_detail or top.detail)


def until_lost(
    times: int, attempt: Callable[[], Sequence[tuple[str, Finding]]]
) -> list[tuple[str, Finding]]:
    """Try a race until one try is not as expected, so that the verdict is not chance.

    Args:
        times: Attempts at most.
        attempt: Makes the tries of one attempt; see :func:`sweep` for what it gives.
    """
    judged: list[tuple[str, Finding]] = []
    for _ in range(times):
        now = attempt()
        judged += now
        if any(item.outcome is not Outcome.AS_EXPECTED for _, item in now):
            break
    return judged


def sweep(findings: Iterable[tuple[str, Finding]], *, of: str) -> Finding:
    """Many tries of the same kind as one finding, with counts.

    Args:
        findings: For each try what it did, in a few words for the counts, and its verdict.
        of: What a try is, for the sentence, such as ``moments``.
    """
    counts: dict[str, int] = {}
    outcomes: dict[Outcome, int] = {}
    top: Finding | None = None
    total = 0
    for label, item in findings:
        total += 1
        counts[label] = counts.get(label, 0) + 1
        outcomes[item.outcome] = outcomes.get(item.outcome, 0) + 1
        if top is None or SEVERITY[item.outcome] > SEVERITY[top.outcome]:
            top = item
    assert top is not None
    parts = [f"{count} {label}" for label, count in sorted(counts.items(), key=lambda x: -x[1])]
    detail = f"of {total} {of}: {', '.join(parts)}"
    if top.outcome is not Outcome.AS_EXPECTED:
        detail += f". Worst: {top.detail}"
    return replace(top, detail=detail, counts=counts)

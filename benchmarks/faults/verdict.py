"""What one session of a program showed, and how that is judged. Pure: values in, values out.

Three statuses, the same for every case:

* **pass**: what the case's sentence says;
* **degraded**: safe, but less than was promised: it refuses where it should start, the message
  does not name the cause, a signal arrives under another name, or files are left where SIGKILL
  made tidying up impossible;
* **fail**: somebody is misled or harmed: a process is left, files are left although there was
  time to tidy up, it hangs, it claims success without having run, or it runs on with wrong results.

A fourth, **not run**, is not a verdict: the machine lacks what the case needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a case ended, from good to bad; :attr:`NOT_RUN` stands apart."""

    PASS = "pass"
    DEGRADED = "degraded"
    FAIL = "fail"
    NOT_RUN = "not run"


SEVERITY = {
    Status.NOT_RUN: -1,
    Status.PASS: 0,
    Status.DEGRADED: 1,
    Status.FAIL: 2,
}
"""From good to bad, for comparisons."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one session of a program showed.

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
        open_pipes: Which of its pipes those processes hold, so that a host sees no end of file.
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
    open_pipes: tuple[str, ...] = ()
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
class CaseResult:
    """A case's verdict on one variant.

    Attributes:
        status: See the module.
        detail: What was seen, in a sentence or two.
        counts: For a sweep: number of launches by what they did.
        stderr: What stderr said, the last lines.
        processes_left: See :class:`Observation`.
        files_left: See :class:`Observation`.
        bytes_left: See :class:`Observation`.
        facts: Figures that the case took, by name, the unit in the name.
    """

    status: Status
    detail: str
    counts: Mapping[str, int] = field(default_factory=dict)
    stderr: tuple[str, ...] = ()
    processes_left: tuple[str, ...] = ()
    files_left: tuple[str, ...] = ()
    bytes_left: int = 0
    facts: Mapping[str, float | int | str] = field(default_factory=dict)


class NotRun(Exception):  # noqa: N818 - not an error: the machine lacks what a case needs
    """Raised by a case that cannot be tried here; the text is the reason."""


def case_result(
    status: Status, detail: str, observation: Observation, **facts: float | int | str
) -> CaseResult:
    """A result with the evidence of one session."""
    return CaseResult(
        status=status,
        detail=detail,
        stderr=observation.stderr,
        processes_left=observation.processes_left,
        files_left=observation.files_left,
        bytes_left=observation.bytes_left,
        facts=facts,
    )


def passed(detail: str, observation: Observation, **facts: float | int | str) -> CaseResult:
    """As expected."""
    return case_result(Status.PASS, detail, observation, **facts)


def degraded(detail: str, observation: Observation, **facts: float | int | str) -> CaseResult:
    """Safe, but less than was promised."""
    return case_result(Status.DEGRADED, detail, observation, **facts)


def failed(detail: str, observation: Observation, **facts: float | int | str) -> CaseResult:
    """Somebody is misled or harmed."""
    return case_result(Status.FAIL, detail, observation, **facts)


def remains(observation: Observation) -> CaseResult | None:
    """Judge what is left behind; None when nothing is."""
    if observation.processes_left:
        count = len(observation.processes_left)
        text = f"{count} process{'es' if count > 1 else ''} left after 10 s"
        if observation.open_pipes:
            text += f", with {' and '.join(observation.open_pipes)} held open"
        return failed(text, observation)
    if observation.files_left:
        text = f"{len(observation.files_left)} files left ({observation.bytes_left / 1e6:.1f} MB)"
        if observation.killed:
            return degraded(
                f"{text}: SIGKILL leaves no time to tidy up, and nobody else does", observation
            )
        return failed(text, observation)
    return None


def stops(observation: Observation, *, code: int | None = 0) -> CaseResult:
    """It had to start, and to stop as asked, and to leave nothing.

    Args:
        observation: The session.
        code: The exit code that it must end with; None for any way of ending.
    """
    if not observation.started:
        return degraded(f"the system could not start it: {observation.last_words}", observation)
    if observation.hung:
        return failed(f"hung: no {observation.hung} in time", observation)
    if not observation.ready:
        return refuses(observation, cause="", expected=False)
    left = remains(observation)
    if left is not None:
        late = ", its last process later" if observation.orphan_ms is not None else ""
        return replace(left, detail=f"{observation.ending} after READY{late}; {left.detail}")
    if observation.ready_count > 1:
        return failed(f"READY came {observation.ready_count} times", observation)
    if code is not None and observation.exit_code != code:
        return degraded(f"{observation.ending} after READY, not with {code}", observation)
    how = "a clean stop" if observation.exit_code == 0 else f"{observation.ending}, nothing left"
    return passed(f"READY, then {how}", observation)


def refuses(observation: Observation, *, cause: str, expected: bool = True) -> CaseResult:
    """It did not start: judge how it said so.

    Args:
        observation: The session, without READY.
        cause: Regular expression for a message that names the cause; empty when none would do.
        expected: Whether a refusal is all right at all.
    """
    if not observation.started:
        return (
            passed("the system refuses to start it", observation)
            if expected
            else degraded("the system could not start it", observation)
        )
    if observation.hung:
        return failed(f"hung: no {observation.hung} in time", observation)
    if observation.exit_code == 0 and not observation.exit_signal:
        return failed("exited with 0 although it never was ready", observation)
    left = remains(observation)
    if left is not None:
        return replace(left, detail=f"{observation.ending} before READY; {left.detail}")
    stderr = "\n".join(observation.stderr)
    if not expected:
        return degraded(
            f"{observation.ending} before READY: {observation.last_words or 'no message'}",
            observation,
        )
    if observation.crashed:
        return degraded(f"{observation.ending} before READY instead of a refusal", observation)
    if cause and re.search(cause, stderr, re.IGNORECASE):
        return passed(f"refuses and names the cause: {observation.last_words}", observation)
    return degraded(
        f"{observation.ending} before READY; the message does not name the cause: "
        f"{observation.last_words or 'no message'}",
        observation,
    )


def starts_or_refuses(observation: Observation, *, cause: str) -> CaseResult:
    """It may start, or refuse with a message that names the cause; see :func:`refuses`."""
    if observation.ready or observation.hung == "exit":
        return stops(observation)
    return refuses(observation, cause=cause)


def checks(
    observation: Observation, *, grave: Iterable[str] = (), ignore: Iterable[str] = ()
) -> CaseResult:
    """Judge a report of the probe: every check has to be empty.

    Args:
        observation: The session.
        grave: Names of checks whose failure misleads or harms; the others degrade.
        ignore: Names of checks that are shown but not judged.
    """
    bad_end = ended_badly(observation)
    if bad_end is not None:
        return bad_end
    problems = {
        name: str(value)
        for name, value in observation.report.items()
        if value and name[0].islower() and name not in set(ignore)
    }
    if not problems:
        count = sum(1 for name in observation.report if name[0].islower())
        return passed(
            f"{count} of {count} checks pass" if count != 1 else "the check passes", observation
        )
    detail = "; ".join(f"{name}: {text}" for name, text in sorted(problems.items()))
    if set(problems) & set(grave):
        return failed(detail, observation)
    return degraded(detail, observation)


def ended_badly(observation: Observation) -> CaseResult | None:
    """Judge a probe's run that should have ended with a report and 0; None when it did."""
    if not observation.started:
        return degraded("the system could not start it", observation)
    if observation.hung:
        return failed(f"hung: no {observation.hung} in time", observation)
    left = remains(observation)
    if left is not None:
        return left
    if observation.exit_code != 0 or not observation.report:
        return failed(
            f"{observation.ending}, no report: {observation.last_words or 'no message'}",
            observation,
        )
    return None


def worst(results: Mapping[str, CaseResult], *, pass_detail: str = "") -> CaseResult:
    """Several results as one: the worst status, with the details of those that do not pass."""
    top = max(results.values(), key=lambda item: SEVERITY[item.status])
    bad = {name: item for name, item in results.items() if item.status is not Status.PASS}
    detail = "; ".join(f"{name}: {item.detail}" for name, item in bad.items())
    return replace(top, detail=detail or pass_detail or top.detail)


def until_lost(
    times: int, attempt: Callable[[], Sequence[tuple[str, CaseResult]]]
) -> list[tuple[str, CaseResult]]:
    """Try a race until one try does not pass, so that the verdict is not chance.

    Args:
        times: Attempts at most.
        attempt: Makes the tries of one attempt; see :func:`sweep` for what it gives.
    """
    judged: list[tuple[str, CaseResult]] = []
    for _ in range(times):
        now = attempt()
        judged += now
        if any(item.status is not Status.PASS for _, item in now):
            break
    return judged


def sweep(results: Iterable[tuple[str, CaseResult]], *, of: str) -> CaseResult:
    """Many tries of the same kind as one result, with counts.

    Args:
        results: For each try what it did, in a few words for the counts, and its verdict.
        of: What a try is, for the sentence, such as ``moments``.
    """
    counts: dict[str, int] = {}
    statuses: dict[Status, int] = {}
    top: CaseResult | None = None
    total = 0
    for label, item in results:
        total += 1
        counts[label] = counts.get(label, 0) + 1
        statuses[item.status] = statuses.get(item.status, 0) + 1
        if top is None or SEVERITY[item.status] > SEVERITY[top.status]:
            top = item
    assert top is not None
    parts = [f"{count} {label}" for label, count in sorted(counts.items(), key=lambda x: -x[1])]
    detail = f"of {total} {of}: {', '.join(parts)}"
    if top.status is not Status.PASS:
        detail += f". Worst: {top.detail}"
    return replace(top, detail=detail, counts=counts)

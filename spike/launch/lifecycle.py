"""Explains a program that runs and does not say READY, or does not end by itself when it should.

Or that says it twice, or goes on without the process that was started.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from spike.launch.causes import Cause, Diagnosis, SidecarFacts
from spike.launch.ready import Ready
from spike.launch.spec import Failure, Launch
from spike.launch.tracebacks import plain

_NOT_YET = re.compile(r"\b(?:not|get|getting|be|until|when|if) *$", re.IGNORECASE)
CODES_OF_SIGNALS = {130: "SIGINT", 143: "SIGTERM"}
"""128 and the number of the signal."""
_SHUT_DOWN = re.compile(r"^SHUTDOWN\b|Finished server process|Application shutdown complete")


def ready_form(said: list[str], aside: list[str], facts: SidecarFacts) -> Diagnosis | None:
    """The program is up and the line was not heard: late, elsewhere, or inside another one.

    Args:
        said: Its lines on stdout.
        aside: Its lines on stderr.
        facts: What is waited for.
    """
    ready = facts.ready
    wanted = ready.pattern or ready.line
    if ready.url:
        return None
    streams = {"stdout": said, "stderr": aside}
    waited = streams.get(ready.stream, [*said, *aside])
    elsewhere = [] if ready.stream == "either" else [*said, *aside]
    there = "stderr" if ready.stream == "stdout" else "stdout"
    flushed = f'print("{ready.line}", flush=True)'
    if any(ready.is_said_by(line) for line in waited):
        message = (
            f"{wanted!r} came only when the program was stopped: into a pipe Python writes in "
            "blocks, not in lines, unless it is told to; or it came too late, or without "
            "a line end."
        )
        fix = (
            f"{flushed}, or sys.stdout.reconfigure(line_buffering=True) at the start; if it does "
            "that, a larger ready_timeout_s in [tool.sidecar]"
        )
    elif any("\0" in line and wanted in line.replace("\0", "") for line in [*said, *aside]):
        message = f"{wanted!r} came in UTF-16, two bytes a letter, and UTF-8 is read."
        fix = f'sys.stdout.reconfigure(encoding="utf-8") at the start, then {flushed}'
    elif shown := _first(elsewhere, lambda line: line not in waited and _has_ready(line, ready)):
        whole = ready.is_said_by(shown)
        message = f"{shown.strip()!r} came on {there}" + (
            "." if whole else f", and it is not the line {wanted!r} alone."
        )
        keys = f'ready_stream = "{there}"'
        if not whole:
            keys = f"ready_pattern = {json.dumps(_escaped(wanted))} and {keys}"
        fix = f"in [tool.sidecar] set {keys}; or {flushed}"
    elif shown := _first(waited, lambda line: _has_ready(line, ready)):
        message = f"{shown.strip()!r} has {wanted!r} inside; the line has to be that alone."
        fix = (
            f"in [tool.sidecar] set ready_pattern = {json.dumps(_escaped(wanted))} in place of "
            f"ready; or {flushed}"
        )
    elif shown := _first([*said, *aside], lambda line: _almost(line, wanted) is not None):
        message = f"{shown.strip()!r} came, and {wanted!r} is waited for."
        key, right = "ready", shown
        if re.search(r"\d", shown):  # a port, a time: another line the next time
            key, right = "ready_pattern", str(_almost(shown, wanted))
        stream = "" if shown in waited else f' and ready_stream = "{there}"'
        fix = f"in [tool.sidecar] set {key} = {json.dumps(right, ensure_ascii=False)}{stream}; "
        fix += f"or {flushed}"
    else:
        return None
    return Diagnosis(cause=Cause.READY_FORM, target=wanted, message=message, fix=fix)


def of_launch(launch: Launch) -> Diagnosis | None:
    """What the course of a launch shows, whatever was written."""
    early = launch.failure is Failure.EXITED_BEFORE_READY
    others = launch.processes_left or (early and launch.same_program)
    went = early or launch.failure is Failure.DIED_AFTER_READY
    if went and launch.exit_code == 0 and others:
        return Diagnosis(
            cause=Cause.STOP_FORM,
            target="background",
            message="The process that was started ended with 0, and another one went on without "
            "it: it goes into the background, where a host can neither wait for it nor stop it.",
            fix="leave out what does that (an option such as --daemon, a fork, Popen and an exit); "
            "the process that is started stays until it is asked to stop",
        )
    if launch.failure is Failure.DUPLICATE_READY and not launch.again:
        return Diagnosis(
            cause=Cause.READY_FORM,
            target="twice",
            message="Nothing shows that it was started again: it says so in two places, or over "
            "and over, and a host cannot know which of them to believe.",
            fix="say it once, when everything is up; where the line is a framework's, set "
            "ready_pattern in [tool.sidecar] to what one of them has alone",
        )
    return None


def asked_in_vain(facts: SidecarFacts) -> Diagnosis | None:
    """The line never came, and the program has an address that can be waited for."""
    ready = facts.ready
    if ready.url or not facts.health or "{" in facts.health:
        return None
    wanted = ready.pattern or ready.line
    return Diagnosis(
        cause=Cause.READY_FORM,
        target=wanted,
        message=f"Nothing that it wrote is {wanted!r}. If it is ready when it answers, that can be "
        "waited for.",
        fix=f"in [tool.sidecar] set ready_url = {json.dumps(facts.health)}",
    )


def _escaped(text: str) -> str:
    """A text as a pattern that fits it alone, in the syntax that the host knows as well."""
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


def _almost(line: str, wanted: str) -> str | None:
    """The words of a line that are what is waited for, but for capitals; None without any."""
    line = plain(line)
    match = re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", line, re.IGNORECASE)
    return match[0] if match and not _NOT_YET.search(line[: match.start()]) else None


def _first(lines: list[str], holds: Callable[[str], bool]) -> str:
    return next((line for line in lines if holds(line)), "")


def _has_ready(line: str, ready: Ready) -> bool:
    if ready.pattern:
        return ready.is_said_by(line)
    return re.search(rf"(?<!\w){re.escape(ready.line)}(?!\w)", plain(line)) is not None


def stop_form(lines: list[str], exit_signal: str) -> Diagnosis:
    """The stop signal ended the program: after it had shut down, or before it could."""
    if exit_signal == "SIGKILL":
        return Diagnosis(
            cause=Cause.STOP_FORM,
            target=exit_signal,
            message="It goes on after SIGTERM: it ignores it, or what handles it ends nothing.",
            fix="a handler of SIGTERM after which the main thread comes to its end, with 0; "
            "threads that would outlive it with daemon=True",
        )
    if any(_SHUT_DOWN.search(line) for line in lines):
        return Diagnosis(
            cause=Cause.STOP_FORM,
            target=exit_signal,
            message=f"It shut down and then let {exit_signal} end it, as uvicorn does, which "
            "raises the signals again that it has caught; a host sees a program that was killed.",
            fix=f"before the server runs: signal.signal(signal.{exit_signal}, lambda *_: "
            "sys.exit(0))",
        )
    return Diagnosis(
        cause=Cause.STOP_FORM,
        target=exit_signal,
        message=f"It does not handle {exit_signal}, which ended it in the middle of whatever it "
        "did.",
        fix=f"signal.signal(signal.{exit_signal}, ...) with a handler that lets the program end by "
        "itself, with 0",
    )


def code_of_signal(exit_code: int) -> Diagnosis:
    """The program ends by itself, with the code that a shell has for one that a signal ended."""
    name = CODES_OF_SIGNALS[exit_code]
    return Diagnosis(
        cause=Cause.STOP_FORM,
        target=name,
        message=f"{exit_code} is what a shell says of a program that {name} has ended; a host that "
        "asked for the stop takes only 0 for a clean one.",
        fix="sys.exit(0) where the program stops because of the signal",
    )

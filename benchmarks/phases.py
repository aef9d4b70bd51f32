"""Where the time goes: launcher, interpreter start, program import.

Four moments of one launch, all on the kernel's monotonic clock, divide it without any subtraction
between different programs:

* the first execve: the program that the host asked for begins;
* the last execve of the process that says BOOT: here a launcher has unpacked and handed over;
* the program's own first line, which it stamps itself (``entered_ns`` in its BOOT line);
* READY, read from the pipe.

**Launcher** is the time between the first two, nothing for a program that is not started twice;
**interpreter start** that between the second and the third: mapping the program, dynamic linking,
CPython's initialisation, and what a packager does before the first line; **program import** the
rest: the program's imports and its own work up to READY. What comes before the first execve (the
spawn) is the baseline's, and the static C program shows it.

The execve calls are seen by strace, which stops nothing but those (``--seccomp-bpf``). A launch is
a little slower under it, so these are shares of their own launches; times to quote are those of the
reliability run.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.recording import recorded
from benchmarks.targets import Target
from benchmarks.wording import counted, ends, number_of, variants_in
from spike.core import process
from spike.core.errors import MissingToolError
from spike.core.progress import progress, shuffled_rounds
from spike.core.statistics import median
from spike.core.tables import milliseconds, table
from spike.launch import leftovers
from spike.launch.running import Running
from spike.measure import results
from spike.measure.compare import Metric
from spike.project.sidecar import Sidecar

NAME = "phases"

COMPARED = (Metric(field="launcher_ms"), Metric(field="interpreter_ms"))

_EXECVE = re.compile(r"^(?P<pid>\d+) +(?P<seconds>\d+)\.(?P<nanos>\d{9}) execve(at)?\(.*= 0$")


@dataclass(frozen=True, kw_only=True)
class Execve:
    """One successful execve.

    Attributes:
        pid: The process that became another program.
        at_ns: When, nanoseconds of the real-time clock.
    """

    pid: int
    at_ns: int


def unavailable() -> str:
    """Why a launch cannot be divided here; empty when it can."""
    if sys.platform != "linux":
        return f"strace does not run on {sys.platform}"
    if shutil.which("strace") is None:
        return "strace is not installed (apt-get install strace)"
    return ""


def parse(log: str) -> list[Execve]:
    """The successful execve calls of a strace log, in order."""
    return [
        Execve(
            pid=int(found["pid"]),
            at_ns=int(found["seconds"]) * 1_000_000_000 + int(found["nanos"]),
        )
        for line in log.splitlines()
        if (found := _EXECVE.match(line))
    ]


def divide(
    calls: Sequence[Execve], *, pid: int | None, entered_ns: int | None, ready_ns: int
) -> dict[str, float | None]:
    """Divide a launch.

    Args:
        calls: Its execve calls, on the same clock as the two times.
        pid: Process that said BOOT; None when it did not tell, and the last call counts.
        entered_ns: The program's own stamp; None when it does not give one.
        ready_ns: When READY was read.

    Returns:
        ``launcher_ms``, ``interpreter_ms`` and ``program_ms``; the last two None, and
        ``unsplit_ms`` their sum, when the program does not stamp its first line.
    """
    own = [call for call in calls if pid is None or call.pid == pid] or list(calls)
    first, last = calls[0].at_ns, own[-1].at_ns
    launcher = (last - first) / 1e6
    if entered_ns is None:
        return {
            "launcher_ms": launcher,
            "interpreter_ms": None,
            "program_ms": None,
            "unsplit_ms": (ready_ns - last) / 1e6,
        }
    return {
        "launcher_ms": launcher,
        "interpreter_ms": (entered_ns - last) / 1e6,
        "program_ms": (ready_ns - entered_ns) / 1e6,
        "unsplit_ms": None,
    }


def measure(target: Target) -> dict[str, Any]:
    """Launch a target once under strace and divide the launch.

    Returns:
        What :func:`divide` gives, rounded to microseconds; ``execves``: how many programs were
        started; ``problem``: why there is no division; empty otherwise.
    """
    spec = target.spec(smoke=())
    nothing = dict.fromkeys(("launcher_ms", "interpreter_ms", "program_ms", "unsplit_ms"))
    with tempfile.TemporaryDirectory(prefix="spike-strace-") as name:
        log = Path(name) / "log"
        argv = (
            *(str(shutil.which("strace")), "-f", "-qq", "--seccomp-bpf"),
            *("-e", "trace=execve,execveat", "-e", "signal=none", "-s", "0"),
            *("--absolute-timestamps=format:unix,precision:ns", "-o", str(log)),
            *spec.argv,
        )
        running = Running(replace(spec, argv=argv))
        try:
            with running:
                if not running.wait_ready() or running.ready_ms is None:
                    detail = " ".join([running.detail, *running.result().stderr_tail])
                    return {**nothing, "execves": 0, "problem": detail}
                # strace has the real-time clock only; the two clocks' distance is taken now.
                distance_ns = time.time_ns() - time.monotonic_ns()
                leftovers.end(leftovers.survivors(running.mark))
                running.wait_exit(5.0)
            calls = [
                replace(call, at_ns=call.at_ns - distance_ns)
                for call in parse(log.read_text(encoding="utf-8", errors="replace"))
            ]
        finally:
            leftovers.end(leftovers.survivors(running.mark))
            if running.tmp is not None:
                shutil.rmtree(running.tmp, ignore_errors=True)
    if not calls:
        return {**nothing, "execves": 0, "problem": "strace saw no execve"}
    fields = running.fields()
    parts = divide(
        calls,
        pid=_number(fields.get("pid")),
        entered_ns=_number(fields.get("entered_ns")),
        # On Linux perf_counter, which the launcher uses, is the monotonic clock.
        ready_ns=running.started_ns + round(running.ready_ms * 1e6),
    )
    rounded = {key: None if value is None else round(value, 3) for key, value in parts.items()}
    return {**rounded, "execves": len(calls), "problem": ""}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    launches: int,
    seed: int,
    partial: bool = False,
) -> results.Result:
    """Divide ``launches`` launches of every target.

    Raises:
        MissingToolError: strace is not there.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
    """
    why = unavailable()
    if why:
        raise MissingToolError(
            f"A launch cannot be divided: {why}.", try_next="invoke doctor --with-deps"
        )
    with (
        recorded(
            NAME,
            sidecar,
            targets,
            settings={"launches": launches, "seed": seed, "strace": version()},
            partial=partial,
        ) as (recorder, copies),
        progress("phases", launches * len(targets)) as step,
    ):
        by_id = {target.id: target for target in copies}
        for number, (round_number, name) in enumerate(shuffled_rounds(list(by_id), launches, seed)):
            recorder.add(name, {"order": number, "round": round_number, **measure(by_id[name])})
            step(name)
    return recorder.result()


def version() -> str:
    """Strace's version."""
    return process.capture(["strace", "--version"]).output.split("\n")[0].rpartition(" ")[2]


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Medians of one target's divided launches, in milliseconds; None where not known."""

    target: str
    launcher_ms: float | None
    interpreter_ms: float | None
    program_ms: float | None
    unsplit_ms: float | None


def summarise(result: results.Result) -> list[Parts]:
    """The parts of every target that could be divided."""
    rows = []
    for name in result.targets:
        samples = result.of(name)
        values = {
            field: median([float(item[field]) for item in samples if item[field] is not None])
            for field in ("launcher_ms", "interpreter_ms", "program_ms", "unsplit_ms")
        }
        if values["launcher_ms"] is not None:
            rows.append(Parts(target=name, **values))
    return rows


def summary(result: results.Result) -> str:
    """Where the time goes, in one sentence."""
    variants = variants_in(result)
    rows = [row for row in summarise(result) if row.target in variants]
    starts = {row.target: row.interpreter_ms for row in rows}
    launches = number_of([len(result.of(row.target)) for row in rows])
    return (
        "Of a launch to READY the packager's own launcher takes "
        f"{ends({row.target: row.launcher_ms for row in rows}, milliseconds)}"
        + (
            f" and Python's start {ends(starts, milliseconds)}"
            if any(value is not None for value in starts.values())
            else ""
        )
        + f"; medians of {launches} launches of each of {counted(len(rows), 'variant')}, under "
        "strace."
    )


def render(result: results.Result) -> str:
    """The table of parts, and what could not be divided."""
    problems: Mapping[str, str] = {
        name: sample["problem"]
        for name in result.targets
        for sample in result.of(name)
        if sample["problem"]
    }
    text = table(
        ["variant", "launcher", "interpreter start", "program import", "not divided"],
        [
            [
                row.target,
                milliseconds(row.launcher_ms),
                milliseconds(row.interpreter_ms),
                milliseconds(row.program_ms),
                milliseconds(row.unsplit_ms),
            ]
            for row in summarise(result)
        ],
        numeric=1,
    )
    said = "\n".join(f"- {name}: {problem}" for name, problem in problems.items())
    return "\n\n".join(part for part in (text, said) if part)

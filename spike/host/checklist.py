"""Rows A1 to E3 of the plan's checklist, judged from what was observed. Pure: values in, rows out.

The same functions judge every variant. A row passes when every one of its conditions holds; its
evidence is the conditions in words, with the figures, lines and ids that they rest on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spike.core import requirements
from spike.host.application import Run
from spike.host.window import Shown
from spike.launch.spec import Failure, Launch

PASS = "pass"
FAIL = "fail"
NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything that was seen of one variant in the host.

    Attributes:
        variant: Its id.
        name: The sidecar's name.
        external_bin: ``bundle.externalBin`` as Tauri was given it.
        staged_file: Name of the file that was staged.
        suffix: ``.exe`` on Windows, empty elsewhere.
        triple: Target triple that the file was named with.
        rust_triple: Target triple as Rust tells it.
        contents: Paths in the package.
        packaged_as: Path of the program in the package.
        packaged_sha256: Its SHA-256 after unpacking.
        artifact_sha256: SHA-256 of what was built.
        unpacked_into: Name of the folder that the package was unpacked into.
        args: Arguments that the host was to pass.
        env: Environment variables that it was to set.
        ready: The READY line.
        silent_timeout_ms: READY timeout of the run with a sidecar that says nothing.
        runs: Self-tests by name. ``ready``, ``restart``, ``shutdown`` and ``cycles`` are of the
            sidecar itself; ``missing``, ``crash``, ``silent``, ``malformed`` and ``twice`` are
            of the failing one that the same packager froze.
        window: What the window showed of the ``crash`` run; None when it was not opened.
        reasons: Why a run is not there, by its name.
        alone: A launch of the program without the host; None when none was made.
    """

    variant: str
    name: str
    external_bin: str
    staged_file: str
    suffix: str
    triple: str
    rust_triple: str
    contents: tuple[str, ...]
    packaged_as: str
    packaged_sha256: str
    artifact_sha256: str
    unpacked_into: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    ready: str
    silent_timeout_ms: int
    runs: Mapping[str, Run]
    window: Shown | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    alone: Launch | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the checklist for one variant.

    Attributes:
        id: ``A1`` to ``E3``.
        status: ``pass``, ``fail`` or ``not run``.
        evidence: What it rests on, in words.
        scenarios: Names of the runs whose journals hold the details.
    """

    id: str
    status: str
    evidence: str
    scenarios: tuple[str, ...] = ()


Condition = tuple[bool, str]


def judge(observed: Observed) -> list[Row]:
    """Judge every row of the plan, in its order."""
    rows = []
    for row, (needed, check) in _CHECKS.items():
        lacking = [name for name in needed if name not in observed.runs]
        if lacking:
            reason = observed.reasons.get(lacking[0], f"the run {lacking[0]!r} was not made")
            rows.append(Row(id=row, status=NOT_RUN, evidence=reason, scenarios=needed))
            continue
        rows.append(_row(row, needed, [*check(observed), *_alone(row, observed.alone)]))
    return rows


def _alone(row: str, launch: Launch | None) -> list[Condition]:
    """What a launch without the host says of a row: builds and benchmarks judge by the same."""
    if launch is None or row not in _ALONE:
        return []
    if launch.failure is None or launch.failure not in _ALONE[row]:
        return [(True, "launched without the host as well")]
    return [(False, f"launched without the host it failed: {launch.failure}: {launch.detail}")]


_STOPS = (Failure.UNCLEAN_STOP, Failure.LEFT_PROCESSES, Failure.LEFT_FILES)
_REPEATS = (Failure.DUPLICATE_READY, Failure.STARTED_AGAIN)
_ALONE: Mapping[str, Sequence[Failure]] = {
    "B2": [each for each in Failure if each not in (*_STOPS, *_REPEATS)],
    "C2": _REPEATS,
    "E2": _STOPS,
}
"""Which row a failed launch belongs to."""


def not_run(reason: str) -> list[Row]:
    """Every row as not run, for one reason."""
    return [Row(id=row, status=NOT_RUN, evidence=reason) for row in requirements.CHECKLIST]


def _row(row: str, scenarios: tuple[str, ...], conditions: Sequence[Condition]) -> Row:
    failed = [text for holds, text in conditions if not holds]
    if failed:
        evidence = "does not hold: " + "; ".join(failed)
        return Row(id=row, status=FAIL, evidence=evidence, scenarios=scenarios)
    evidence = "; ".join(text for _, text in conditions)
    return Row(id=row, status=PASS, evidence=evidence, scenarios=scenarios)


def _a1(seen: Observed) -> list[Condition]:
    journal = seen.runs["ready"].journal
    resolved = str(journal.get("sidecar_path"))
    folder = str(journal["host"]["executable"]).rsplit("/", 1)[0]
    return [
        (
            seen.external_bin == f"binaries/{seen.name}",
            f'bundle.externalBin is ["{seen.external_bin}"]',
        ),
        (
            resolved == f"{folder}/{seen.name}{seen.suffix}",
            f"the host resolves it to {seen.name}{seen.suffix} beside its own program",
        ),
    ]


def _a2(seen: Observed) -> list[Condition]:
    staged = f"{seen.name}-{seen.triple}{seen.suffix}"
    return [
        (seen.staged_file == staged, f"staged as {seen.staged_file}"),
        (
            seen.triple == seen.rust_triple,
            f"the target triple is Rust's own ({seen.rust_triple})",
        ),
        (
            f"usr/bin/{seen.name}{seen.suffix}" in seen.contents,
            f"packaged as {seen.name}{seen.suffix}, without the triple",
        ),
    ]


def _a3(seen: Observed) -> list[Condition]:
    run = seen.runs["ready"]
    launch = _launch(run)
    return [
        (seen.packaged_as in seen.contents, f"{seen.packaged_as} is in the .deb"),
        (
            seen.packaged_sha256 == seen.artifact_sha256,
            f"it is the built program (sha256 {seen.artifact_sha256[:12]})",
        ),
        (
            seen.unpacked_into in str(run.journal["host"]["executable"]),
            f'started from the unpacked package in a folder named "{seen.unpacked_into}"',
        ),
        (_reached(launch, "ready"), f"READY after {_ms(launch.get('ready_ms'))}"),
    ]


def _b1(seen: Observed) -> list[Condition]:
    boot = _first(_launch(seen.runs["ready"]), "boot")
    fields = _fields(boot)
    conditions = [(bool(boot), f"the sidecar said {boot!r}" if boot else "there is no BOOT line")]
    if "args" in fields:
        expected = ",".join(seen.args)
        conditions.append((fields["args"] == expected, f"args reached it: {expected}"))
    conditions += [
        (fields.get(key) == value, f"{key}={value} reached it") for key, value in seen.env.items()
    ]
    return conditions


def _b2(seen: Observed) -> list[Condition]:
    launch = _launch(seen.runs["ready"])
    states = _states(launch)
    return [
        (launch.get("failure") is None, "no failure"),
        (states[-1:] == ["exited"], "states: " + " → ".join(states)),
    ]


def _b3(seen: Observed) -> list[Condition]:
    launch = _launch(seen.runs["ready"])
    boot = _fields(_first(launch, "boot")).get("pid", "")
    pid = launch.get("pid")
    held = "the same process" if str(pid) == boot else f"its child {boot} runs the program"
    return [
        (isinstance(pid, int) and pid > 0, f"PID {pid} ({held})"),
        (
            launch.get("process_group") == pid,
            "it leads a process group of its own, by which all of it is stopped",
        ),
        (launch.get("exit") is not None, f"its end was seen: {_exit(launch)}"),
    ]


def _c1(seen: Observed) -> list[Condition]:
    launch = _launch(seen.runs["ready"])
    kinds = [line["kind"] for line in launch["lines"] if line["stream"] == "stdout"]
    beats = [
        int(_fields(line["text"]).get("n", "0"))
        for line in launch["lines"]
        if line["kind"] == "heartbeat"
    ]
    conditions = [
        (launch.get("lines_dropped") == 0, f"{len(launch['lines'])} lines read, none dropped"),
        (kinds.index("ready") > 0 if "ready" in kinds else False, "BOOT came before READY"),
        (kinds[-1:] == ["shutdown"], "the last line is SHUTDOWN"),
    ]
    if beats:
        conditions.append(
            (beats == list(range(1, len(beats) + 1)), f"{len(beats)} heartbeats, none missing")
        )
    return conditions


def _c2(seen: Observed) -> list[Condition]:
    launch = _launch(seen.runs["ready"])
    count = sum(line["kind"] == "ready" for line in launch["lines"])
    twice = _launch(seen.runs["twice"])
    return [
        (count == 1, f"{count} line {seen.ready} in a good launch"),
        (
            _reason(twice) == "duplicate_ready",
            f"a second one ends the launch with: {_what(twice)}",
        ),
    ]


def _c3(seen: Observed) -> list[Condition]:
    launch = _launch(seen.runs["ready"])
    line_ms = next((line["at_ms"] for line in launch["lines"] if line["kind"] == "ready"), None)
    state_ms = _entered(launch, "ready")
    malformed = _launch(seen.runs["malformed"])
    return [
        (_states(launch)[:3] == ["spawning", "waiting_ready", "ready"], "waiting before ready"),
        (
            line_ms is not None and state_ms is not None and state_ms >= line_ms,
            f"the line came at {_ms(line_ms)}, the state at {_ms(state_ms)}",
        ),
        (
            not _reached(malformed, "ready"),
            "never ready after lines that only look like READY",
        ),
    ]


def _c4(seen: Observed) -> list[Condition]:
    run = seen.runs["silent"]
    launch = _launch(run)
    text = str((launch.get("failure") or {}).get("text", ""))
    stopping_ms = _entered(launch, "stopping") or _entered(launch, "failed")
    spawning_ms = _entered(launch, "spawning") or 0.0
    waited_ms = None if stopping_ms is None else stopping_ms - spawning_ms
    # The deadline is the host's own clock; half a second covers a busy machine's scheduler.
    in_time = waited_ms is not None and -50 <= waited_ms - seen.silent_timeout_ms <= 500
    return [
        (_reason(launch) == "ready_timeout", f"reason {_reason(launch)}"),
        (in_time, f"given up {_ms(waited_ms)} after the start (limit {seen.silent_timeout_ms} ms)"),
        ("Likely causes" in text, "the error names likely causes"),
        (text.splitlines()[0] in run.log if text else False, "the error is in the log"),
        (run.clean, _left(run)),
    ]


def _d1(seen: Observed) -> list[Condition]:
    run = seen.runs["missing"]
    launch = _launch(run)
    text = str((launch.get("failure") or {}).get("text", ""))
    return [
        (_reason(launch) == "not_found", f"reason {_reason(launch)}"),
        (f"bin/{seen.name}" in text, f"the error names the path: {_what(launch)}"),
        ("externalBin" in text, "and the configuration key"),
        (text.splitlines()[0] in run.log if text else False, "the error is in the log"),
    ]


def _d2(seen: Observed) -> list[Condition]:
    run = seen.runs["crash"]
    launch = _launch(run)
    window = seen.window.failure if seen.window else ""
    reason = (launch.get("failure") or {}).get("reason", {})
    code = (reason.get("exit") or {}).get("code")
    return [
        (
            _reason(launch) == "exited_before_ready" and code == 3,
            f"reason {_reason(launch)} with exit code {code}",
        ),
        (not _reached(launch, "ready"), "never ready"),
        (_what(launch) in window, f"the window shows: {_what(launch)}"),
        (_what(launch) in run.log, "the log has the same sentence"),
    ]


def _d3(seen: Observed) -> list[Condition]:
    run = seen.runs["malformed"]
    launch = _launch(run)
    tail = (launch.get("failure") or {}).get("report", {}).get("stdout_tail", [])
    return [
        (_reason(launch) == "ready_timeout", f"reason {_reason(launch)}"),
        ("READY!" in tail, f"the lines are attached: {', '.join(map(repr, tail))}"),
        (run.clean, _left(run)),
    ]


STDERR_LINE = "faulty: the port 4711 is taken"
"""What spike/host/faulty writes to stderr before it exits with 3."""


def _d4(seen: Observed) -> list[Condition]:
    launch = _launch(seen.runs["crash"])
    tail = (launch.get("failure") or {}).get("report", {}).get("stderr_tail", [])
    window = seen.window.failure if seen.window else ""
    return [
        (STDERR_LINE in tail, f"the failure carries the stderr line {STDERR_LINE!r}"),
        (STDERR_LINE in window, "the window's diagnostics show it"),
        (STDERR_LINE in seen.runs["crash"].log, "the log has it"),
    ]


def _e1(seen: Observed) -> list[Condition]:
    run = seen.runs["restart"]
    launches = run.journal["launches"]
    pids = [launch.get("pid") for launch in launches]
    return [
        (len(launches) == 2 and len(set(pids)) == 2, f"two launches, PIDs {pids}"),
        (
            all(_reached(launch, "ready") for launch in launches),
            "READY after " + " and ".join(_ms(launch.get("ready_ms")) for launch in launches),
        ),
        (all(map(_nothing_survived, launches)), "the host's own proof: no survivor"),
        (run.clean, _left(run)),
    ]


def _e2(seen: Observed) -> list[Condition]:
    run = seen.runs["shutdown"]
    launch = _launch(run)
    last = _first(launch, "shutdown")
    killed = (launch.get("cleanup") or {}).get("killed")
    return [
        (run.exit_code == 0, f"the window was closed and the host exited with {run.exit_code}"),
        (last.startswith("SHUTDOWN"), f"the sidecar said {last!r}"),
        (killed is False, "no SIGKILL was needed"),
        ((launch.get("exit") or {}).get("code") == 0, f"it ended with {_exit(launch)}"),
        (_nothing_survived(launch), "the host's own proof: no survivor"),
        (run.clean, _left(run)),
    ]


def _e3(seen: Observed) -> list[Condition]:
    run = seen.runs["cycles"]
    launches = run.journal["launches"]
    good = [
        launch
        for launch in launches
        if _states(launch)[-1:] == ["exited"] and _reached(launch, "ready")
    ]
    times = [launch.get("ready_ms") for launch in good]
    return [
        (
            len(launches) >= requirements.MIN_STABLE_CYCLES and len(good) == len(launches),
            f"{len(good)} of {len(launches)} cycles stable",
        ),
        (
            bool(times),
            f"READY after {_ms(min(times, default=None))} to {_ms(max(times, default=None))}",
        ),
        (all(map(_nothing_survived, launches)), "the host's own proof: no survivor"),
        (run.clean, _left(run)),
    ]


_CHECKS: Mapping[str, tuple[tuple[str, ...], Callable[[Observed], list[Condition]]]] = {
    "A1": (("ready",), _a1),
    "A2": (("ready",), _a2),
    "A3": (("ready",), _a3),
    "B1": (("ready",), _b1),
    "B2": (("ready",), _b2),
    "B3": (("ready",), _b3),
    "C1": (("ready",), _c1),
    "C2": (("ready", "twice"), _c2),
    "C3": (("ready", "malformed"), _c3),
    "C4": (("silent",), _c4),
    "D1": (("missing",), _d1),
    "D2": (("crash",), _d2),
    "D3": (("malformed",), _d3),
    "D4": (("crash",), _d4),
    "E1": (("restart",), _e1),
    "E2": (("shutdown",), _e2),
    "E3": (("cycles",), _e3),
}


def _launch(run: Run) -> Mapping[str, Any]:
    launches = run.journal["launches"]
    return launches[-1] if launches else {"lines": [], "transitions": []}


def _states(launch: Mapping[str, Any]) -> list[str]:
    return [str(item["state"]) for item in launch["transitions"]]


def _entered(launch: Mapping[str, Any], state: str) -> float | None:
    times = [item["at_ms"] for item in launch["transitions"] if item["state"] == state]
    return float(times[0]) if times else None


def _reached(launch: Mapping[str, Any], state: str) -> bool:
    return state in _states(launch)


def _first(launch: Mapping[str, Any], kind: str) -> str:
    texts = [str(line["text"]) for line in launch["lines"] if line["kind"] == kind]
    return texts[0] if texts else ""


def _fields(line: str) -> dict[str, str]:
    words = (word.partition("=") for word in line.split())
    return {key: value for key, separator, value in words if separator}


def _reason(launch: Mapping[str, Any]) -> str:
    return str((launch.get("failure") or {}).get("reason", {}).get("kind", "none"))


def _what(launch: Mapping[str, Any]) -> str:
    return str((launch.get("failure") or {}).get("report", {}).get("what", "no failure"))


def _exit(launch: Mapping[str, Any]) -> str:
    ended = launch.get("exit") or {}
    if ended.get("code") is not None:
        return f"exit code {ended['code']}"
    return f"signal {ended.get('signal')}"


def _nothing_survived(launch: Mapping[str, Any]) -> bool:
    cleanup = launch.get("cleanup") or {"survivors": ["unknown"]}
    return not cleanup["survivors"] and not cleanup["temp_error"]


def _left(run: Run) -> str:
    if run.clean:
        return "no process and no temporary file is left"
    return (
        f"{len(run.processes_left)} processes {list(run.processes_left)[:3]} and "
        f"{len(run.files_left)} files {list(run.files_left)[:3]} are left"
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"

"""Rows A1 to E3 of the plan's checklist, judged from what was observed. Pure: values in, rows out.

The same functions judge every variant. A row passes when every one of its conditions holds; its
evidence is the conditions in words, with the figures, lines and ids that they rest on. What depends
on the way in which a sidecar speaks is in :mod:`spike.host.speech`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spike.core import requirements
from spike.host import launches, speech
from spike.host.observed import MALFORMED, STDERR_LINE, Condition, Observed
from spike.host.speech import Form, Rule
from spike.launch.spec import AT_THE_END, Failure, Launch

PASS = "pass"
FAIL = "fail"
NOT_RUN = "not run"


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


def judge(observed: Observed) -> list[Row]:
    """Judge every row of the plan, in its order."""
    rows = []
    form = speech.form_of(observed)
    for row in requirements.CHECKLIST:
        rule = rule_of(row, form)
        lacking = [name for name in rule.runs if name not in observed.runs]
        if lacking:
            reason = observed.reasons.get(lacking[0], f"the run {lacking[0]!r} was not made")
            rows.append(Row(id=row, status=NOT_RUN, evidence=reason, scenarios=rule.runs))
            continue
        refused = _refused(observed, rule)
        found = refused or [*rule.check(observed), *_alone(row, observed.alone)]
        rows.append(_row(row, rule, found))
    return rows


def rule_of(row: str, form: Form) -> Rule:
    """What a row looks at of a sidecar that speaks in this way."""
    return speech.RULE[row][form] if row in speech.RULE else _CHECKS[row]


def _refused(observed: Observed, rule: Rule) -> list[Condition]:
    """What the host says of a configuration that it cannot use; nothing was launched then."""
    errors = [observed.runs[name].journal.get("config_error") for name in rule.runs]
    return [(False, str(error)) for error in dict.fromkeys(errors) if error]


def _alone(row: str, launch: Launch | None) -> list[Condition]:
    """What a launch without the host says of a row: builds and benchmarks judge by the same."""
    if launch is None or row not in _ALONE:
        return []
    if launch.failure is None or launch.failure not in _ALONE[row]:
        return [(True, "launched without the host as well")]
    return [(False, f"launched without the host it failed: {launch.failure}: {launch.detail}")]


_REPEATS = (Failure.DUPLICATE_READY, Failure.STARTED_AGAIN)
_ALONE: Mapping[str, Sequence[Failure]] = {
    "B2": [each for each in Failure if each not in (*AT_THE_END, *_REPEATS)],
    "C2": _REPEATS,
    "E2": AT_THE_END,
}
"""Which row a failed launch belongs to: each kind to one, so that none is without a say."""


def not_run(reason: str) -> list[Row]:
    """Every row as not run, for one reason."""
    return [Row(id=row, status=NOT_RUN, evidence=reason) for row in requirements.CHECKLIST]


def _row(row: str, rule: Rule, conditions: Sequence[Condition]) -> Row:
    failed = [text for holds, text in conditions if not holds]
    looked_at = f" (looked at: {rule.looks_at})" if rule.looks_at else ""
    if failed:
        evidence = "does not hold: " + "; ".join(failed) + looked_at
        return Row(id=row, status=FAIL, evidence=evidence, scenarios=rule.runs)
    evidence = "; ".join(text for _, text in conditions) + looked_at
    return Row(id=row, status=PASS, evidence=evidence, scenarios=rule.runs)


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
    launch = launches.last(run)
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
        (
            launches.reached(launch, "ready"),
            f"READY after {launches.milliseconds(launch.get('ready_ms'))}",
        ),
    ]


def _b2(seen: Observed) -> list[Condition]:
    launch = launches.last(seen.runs["ready"])
    states = launches.states(launch)
    return [
        (launch.get("failure") is None, "no failure"),
        (states[-1:] == ["exited"], "states: " + " → ".join(states)),
    ]


def _c4(seen: Observed) -> list[Condition]:
    run = seen.runs["silent"]
    launch = launches.last(run)
    text = launches.failure_text(launch)
    stopping_ms = launches.entered_ms(launch, "stopping") or launches.entered_ms(launch, "failed")
    spawning_ms = launches.entered_ms(launch, "spawning") or 0.0
    waited_ms = None if stopping_ms is None else stopping_ms - spawning_ms
    # The deadline is the host's own clock; half a second covers a busy machine's scheduler.
    in_time = waited_ms is not None and -50 <= waited_ms - seen.silent_timeout_ms <= 500
    return [
        (
            launches.reason(launch) == "ready_timeout",
            f"reason {launches.reason(launch)}, waited for {launches.waited_for(run)}",
        ),
        (
            in_time,
            f"given up {launches.milliseconds(waited_ms)} after the start "
            f"(limit {seen.silent_timeout_ms} ms)",
        ),
        ("Likely causes" in text, "the error names likely causes"),
        (text.splitlines()[0] in run.log if text else False, "the error is in the log"),
        (run.clean, launches.left(run)),
    ]


def _d1(seen: Observed) -> list[Condition]:
    run = seen.runs["missing"]
    launch = launches.last(run)
    text = launches.failure_text(launch)
    return [
        (launches.reason(launch) == "not_found", f"reason {launches.reason(launch)}"),
        (f"bin/{seen.name}" in text, f"the error names the path: {launches.what(launch)}"),
        ("externalBin" in text, "and the configuration key"),
        (text.splitlines()[0] in run.log if text else False, "the error is in the log"),
    ]


def _d2(seen: Observed) -> list[Condition]:
    run = seen.runs["crash"]
    launch = launches.last(run)
    window = seen.window.failure if seen.window else ""
    reason = (launch.get("failure") or {}).get("reason", {})
    code = (reason.get("exit") or {}).get("code")
    return [
        (
            launches.reason(launch) == "exited_before_ready" and code == 3,
            f"reason {launches.reason(launch)} with exit code {code}",
        ),
        (not launches.reached(launch, "ready"), "never ready"),
        (launches.what(launch) in window, f"the window shows: {launches.what(launch)}"),
        (launches.what(launch) in run.log, "the log has the same sentence"),
    ]


def _d3(seen: Observed) -> list[Condition]:
    run = seen.runs["malformed"]
    launch = launches.last(run)
    tail = launches.tail(launch, "stdout")
    return [
        (launches.reason(launch) == "ready_timeout", f"reason {launches.reason(launch)}"),
        (MALFORMED[0] in tail, f"the lines are attached: {', '.join(map(repr, tail))}"),
        (run.clean, launches.left(run)),
    ]


def _d4(seen: Observed) -> list[Condition]:
    launch = launches.last(seen.runs["crash"])
    tail = launches.tail(launch, "stderr")
    window = seen.window.failure if seen.window else ""
    return [
        (STDERR_LINE in tail, f"the failure carries the stderr line {STDERR_LINE!r}"),
        (STDERR_LINE in window, "the window's diagnostics show it"),
        (STDERR_LINE in seen.runs["crash"].log, "the log has it"),
    ]


def _e1(seen: Observed) -> list[Condition]:
    run = seen.runs["restart"]
    made = run.journal["launches"]
    pids = [launch.get("pid") for launch in made]
    times = [launches.milliseconds(launch.get("ready_ms")) for launch in made]
    return [
        (len(made) == 2 and len(set(pids)) == 2, f"two launches, PIDs {pids}"),
        (
            all(launches.reached(launch, "ready") for launch in made),
            "READY after " + " and ".join(times),
        ),
        (all(map(launches.nothing_survived, made)), "the host's own proof: no survivor"),
        (run.clean, launches.left(run)),
    ]


def _e3(seen: Observed) -> list[Condition]:
    run = seen.runs["cycles"]
    made = run.journal["launches"]
    good = [launch for launch in made if _is_stable(launch)]
    bad = [launches.exit_text(launch) for launch in made if not _is_stable(launch)]
    times = [launch.get("ready_ms") for launch in good]
    fastest, slowest = min(times, default=None), max(times, default=None)
    return [
        (
            len(made) >= requirements.MIN_STABLE_CYCLES and len(good) == len(made),
            f"{len(good)} of {len(made)} cycles stable"
            + (f", the others with {', '.join(dict.fromkeys(bad))}" if bad else ""),
        ),
        (
            bool(times),
            f"READY after {launches.milliseconds(fastest)} to {launches.milliseconds(slowest)}",
        ),
        (all(map(launches.nothing_survived, made)), "the host's own proof: no survivor"),
        (run.clean, launches.left(run)),
    ]


def _is_stable(launch: launches.Launch) -> bool:
    return (
        launches.states(launch)[-1:] == ["exited"]
        and launches.reached(launch, "ready")
        and launches.ended_with(launch) == 0
    )


_CHECKS: Mapping[str, Rule] = {
    "A1": Rule(check=_a1),
    "A2": Rule(check=_a2),
    "A3": Rule(check=_a3),
    "B2": Rule(check=_b2),
    "C4": Rule(runs=("silent",), check=_c4),
    "D1": Rule(runs=("missing",), check=_d1),
    "D2": Rule(runs=("crash",), check=_d2),
    "D3": Rule(runs=("malformed",), check=_d3),
    "D4": Rule(runs=("crash",), check=_d4),
    "E1": Rule(runs=("restart",), check=_e1),
    "E3": Rule(runs=("cycles",), check=_e3),
}
"""The rows that ask the same of every sidecar: package, states and failures."""

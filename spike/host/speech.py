"""What a row can ask of a sidecar, by the way in which it speaks. Pure.

The plan's rows are about its own hello sidecar, which says BOOT, READY, HEARTBEAT and SHUTDOWN on
stdout, and that one is held to the letter. Nobody else has to speak so. Another sidecar is ready
when it says some line, on either stream, or when an address answers, and may say nothing else. For
it a row asks what the row is there for, and looks where that is to be seen: at its process, at the
state of the host, and, where the sidecar itself has nothing to show, at the failing sidecar that
the same packager froze and the same host launched. :data:`RULE` says which, and nothing passes
because there was nothing to see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from spike.host import launches
from spike.host.application import Run
from spike.host.observed import MALFORMED, Condition, Observed
from spike.launch.ready import filled


class Form(StrEnum):
    """How a sidecar speaks."""

    PROTOCOL = "BOOT, READY and SHUTDOWN, as the plan has them"
    LINE = "a line that means ready"
    ADDRESS = "an address that answers"


def form_of(seen: Observed) -> Form:
    """How this one speaks."""
    if seen.protocol:
        return Form.PROTOCOL
    return Form.ADDRESS if seen.ready.url else Form.LINE


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a row looks at.

    Attributes:
        looks_at: In words, for its evidence; empty where the plan's own words say it.
        runs: Names of the self-tests that it needs; the last has the details.
        check: What has to hold.
    """

    looks_at: str = ""
    runs: tuple[str, ...] = ("ready",)
    check: Callable[[Observed], list[Condition]]


def _boot(seen: Observed) -> list[Condition]:
    boot = launches.first(launches.last(seen.runs["ready"]), "boot")
    fields = launches.fields(boot)
    conditions = [(bool(boot), f"the sidecar said {boot!r}" if boot else "there is no BOOT line")]
    if "args" in fields:
        expected = ",".join(seen.args)
        conditions.append((fields["args"] == expected, f"args reached it: {expected}"))
    conditions += [
        (fields.get(key) == value, f"{key}={value} reached it") for key, value in seen.env.items()
    ]
    return conditions


def _given(seen: Observed) -> list[Condition]:
    run = seen.runs["ready"]
    launch = launches.last(run)
    port = (launch.get("launched") or {}).get("free_port")
    sights = [sight for sight in run.sights if sight.pid == launch.get("pid")]
    conditions = [_was_seen(launch.get("pid"), seen=bool(sights))]
    if not sights:
        return conditions
    args = tuple(filled(word, port) for word in seen.args)
    told = f"its arguments are {' '.join(args)}" if args else "it has no arguments, as it should"
    conditions.append((any(sight.args == args for sight in sights), told))
    for key, value in ((key, filled(value, port)) for key, value in seen.env.items()):
        has = any(sight.env.get(key) == value for sight in sights)
        conditions.append((has, f"{key}={value} is in its environment"))
    if port is not None:
        conditions.append((True, f"the port that was free is {port}"))
    return conditions


def _was_seen(pid: object, *, seen: bool) -> Condition:
    return seen, f"process {pid} was {'seen' if seen else 'not seen'} in /proc while it was ready"


def _pid_by_boot(seen: Observed) -> list[Condition]:
    launch = launches.last(seen.runs["ready"])
    boot = launches.fields(launches.first(launch, "boot")).get("pid", "")
    pid = launch.get("pid")
    held = "the same process" if str(pid) == boot else f"its child {boot} runs the program"
    return _handle(seen.runs["ready"], held)


def _pid_by_sight(seen: Observed) -> list[Condition]:
    run = seen.runs["ready"]
    pid = launches.last(run).get("pid")
    others = {sight.pid for sight in run.sights} - {pid}
    held = f"further processes of it: {len(others)}" if others else "the only process"
    return [
        *_handle(run, held),
        _was_seen(pid, seen=any(sight.pid == pid for sight in run.sights)),
    ]


def _handle(run: Run, held: str) -> list[Condition]:
    launch = launches.last(run)
    pid = launch.get("pid")
    return [
        (isinstance(pid, int) and pid > 0, f"PID {pid} ({held})"),
        (
            launch.get("process_group") == pid,
            "it leads a process group of its own, by which all of it is stopped",
        ),
        (
            launch.get("exit") is not None,
            f"its end was seen: {launches.exit_text(launch)}",
        ),
    ]


def _protocol_read(seen: Observed) -> list[Condition]:
    launch = launches.last(seen.runs["ready"])
    kinds = [line["kind"] for line in launches.lines(launch, stream="stdout")]
    beats = [
        int(launches.fields(str(line["text"])).get("n", "0"))
        for line in launches.lines(launch, kind="heartbeat")
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


def _output_read(seen: Observed) -> list[Condition]:
    launch = launches.last(seen.runs["ready"])
    counts = {name: len(launches.lines(launch, stream=name)) for name in ("stdout", "stderr")}
    conditions = [
        (
            launch.get("lines_dropped") == 0,
            f"{counts['stdout']} lines of its stdout and {counts['stderr']} of its stderr read, "
            "none dropped",
        )
    ]
    if not seen.ready.url:
        ready = launches.lines(launch, kind="ready")
        where = f" on {ready[0]['stream']}: {ready[0]['text']!r}" if ready else ""
        conditions.append((bool(ready), f"among them the one that means ready{where}"))
    return [*conditions, *_failing_read(seen.runs["malformed"])]


def _failing_read(run: Run) -> list[Condition]:
    """The same host and packager with a program whose every line is known."""
    found = [str(line["text"]) for line in launches.lines(launches.last(run), stream="stdout")]
    told = [text for text in found if text in MALFORMED]
    return [
        (
            told == list(MALFORMED),
            f"of the failing sidecar, frozen by the same packager, {len(told)} of "
            f"{len(MALFORMED)} lines of stdout came, in their order",
        )
    ]


def _said_once(seen: Observed) -> list[Condition]:
    launch = launches.last(seen.runs["ready"])
    said = launches.lines(launch, kind="ready")
    if seen.protocol:
        told = f"{len(said)} line {seen.ready.line} in a good launch"
    else:
        heard = f": {said[0]['text']!r} on {said[0]['stream']}" if said else ""
        told = f"{len(said)} line that means ready in a good launch{heard}"
    return [(len(said) == 1, told), _second_is_refused(seen.runs["twice"])]


def _answered_once(seen: Observed) -> list[Condition]:
    run = seen.runs["ready"]
    launch = launches.last(run)
    count = launches.states(launch).count("ready")
    config = run.journal.get("config") or {}
    return [
        (config.get("ready_url") == seen.ready.url, f"the host asks {seen.ready.url}"),
        (
            count == 1 and launch.get("ready_ms") is not None,
            f"it became ready {count} times in a good launch, by its answer after "
            f"{launches.milliseconds(launch.get('ready_ms'))}",
        ),
        _second_is_refused(seen.runs["twice"]),
    ]


def _second_is_refused(run: Run) -> Condition:
    twice = launches.last(run)
    return (
        launches.reason(twice) == "duplicate_ready",
        f"a second one ends the launch with: {launches.what(twice)}",
    )


def _ready_after_line(seen: Observed) -> list[Condition]:
    launch = launches.last(seen.runs["ready"])
    said = launches.lines(launch, kind="ready")
    line_ms = said[0]["at_ms"] if said else None
    state_ms = launches.entered_ms(launch, "ready")
    return [
        _waits_first(seen.runs["ready"]),
        (
            line_ms is not None and state_ms is not None and state_ms >= line_ms,
            f"the line came at {launches.milliseconds(line_ms)}, the state at "
            f"{launches.milliseconds(state_ms)}",
        ),
        *_never_ready(seen.runs["malformed"], "after lines that only look like READY"),
    ]


def _ready_after_answer(seen: Observed) -> list[Condition]:
    launch = launches.last(seen.runs["ready"])
    malformed = seen.runs["malformed"]
    asked = (malformed.journal.get("config") or {}).get("ready_url")
    return [
        _waits_first(seen.runs["ready"]),
        (
            launches.entered_ms(launch, "ready") is not None,
            f"the state came at {launches.milliseconds(launches.entered_ms(launch, 'ready'))}",
        ),
        (bool(asked), f"the failing sidecar was asked at {asked}, which it does not serve"),
        *_never_ready(malformed, "without an answer, whatever it prints"),
    ]


def _waits_first(run: Run) -> Condition:
    states = launches.states(launches.last(run))
    return states[:3] == ["spawning", "waiting_ready", "ready"], "waiting before ready"


def _never_ready(run: Run, when: str) -> list[Condition]:
    launch = launches.last(run)
    return [
        (not launches.reached(launch, "ready"), f"never ready {when}"),
        # Not for another reason either, such as a program that could not be started.
        (
            launches.reason(launch) == "ready_timeout",
            f"the host waited for {launches.waited_for(run)}",
        ),
    ]


def _shut_down_by_protocol(seen: Observed) -> list[Condition]:
    last = launches.first(launches.last(seen.runs["shutdown"]), "shutdown")
    return _shut_down(seen, (last.startswith("SHUTDOWN"), f"the sidecar said {last!r}"))


def _shut_down_somehow(seen: Observed) -> list[Condition]:
    said = launches.lines(launches.last(seen.runs["shutdown"]))
    told = f"its last line is {said[-1]['text']!r}" if said else "it printed nothing"
    return _shut_down(seen, (True, told))


def _shut_down(seen: Observed, said: Condition) -> list[Condition]:
    run = seen.runs["shutdown"]
    launch = launches.last(run)
    killed = (launch.get("cleanup") or {}).get("killed")
    return [
        (run.exit_code == 0, f"the window was closed and the host exited with {run.exit_code}"),
        said,
        (killed is False, "no SIGKILL was needed"),
        (launches.ended_with(launch) == 0, f"it ended with {launches.exit_text(launch)}"),
        (launches.nothing_survived(launch), "the host's own proof: no survivor"),
        (run.clean, launches.left(run)),
    ]


def _alike(rule: Rule) -> Mapping[Form, Rule]:
    return {Form.LINE: rule, Form.ADDRESS: rule}


_GIVEN = Rule(looks_at="arguments and environment of its process", check=_given)
_SEEN = Rule(looks_at="its process, in /proc and in the host's journal", check=_pid_by_sight)
_SHUT_DOWN = Rule(looks_at="how it ended", runs=("shutdown",), check=_shut_down_somehow)

RULE: Mapping[str, Mapping[Form, Rule]] = {
    "B1": {Form.PROTOCOL: Rule(check=_boot), **_alike(_GIVEN)},
    "B3": {Form.PROTOCOL: Rule(check=_pid_by_boot), **_alike(_SEEN)},
    "C1": {
        Form.PROTOCOL: Rule(check=_protocol_read),
        Form.LINE: Rule(
            looks_at="its lines, and those of the failing sidecar",
            runs=("malformed", "ready"),
            check=_output_read,
        ),
        Form.ADDRESS: Rule(
            looks_at="what it prints, if anything, and the lines of the failing sidecar",
            runs=("malformed", "ready"),
            check=_output_read,
        ),
    },
    "C2": {
        Form.PROTOCOL: Rule(runs=("ready", "twice"), check=_said_once),
        Form.LINE: Rule(
            looks_at="the lines that mean ready", runs=("ready", "twice"), check=_said_once
        ),
        Form.ADDRESS: Rule(
            looks_at="the state that its answer makes, and the failing sidecar's second READY line",
            runs=("ready", "twice"),
            check=_answered_once,
        ),
    },
    "C3": {
        Form.PROTOCOL: Rule(runs=("ready", "malformed"), check=_ready_after_line),
        Form.LINE: Rule(
            looks_at="the line that means ready, and the failing sidecar",
            runs=("ready", "malformed"),
            check=_ready_after_line,
        ),
        Form.ADDRESS: Rule(
            looks_at="the state, and the failing sidecar, which does not answer",
            runs=("ready", "malformed"),
            check=_ready_after_answer,
        ),
    },
    "E2": {
        Form.PROTOCOL: Rule(runs=("shutdown",), check=_shut_down_by_protocol),
        **_alike(_SHUT_DOWN),
    },
}
"""By row what it looks at, for each way to speak. The other rows ask the same of everybody."""

"""What the journal of a self-test says of a launch, in the words that the rows use. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spike.host.application import Run

Launch = Mapping[str, Any]
"""One launch of a journal; see src-tauri/journal.schema.json."""


def last(run: Run) -> Launch:
    """The last launch of a run; one in which nothing happened when there was none."""
    launches = run.journal["launches"]
    return launches[-1] if launches else {"lines": [], "transitions": []}


def states(launch: Launch) -> list[str]:
    """The states, in the order they were entered."""
    return [str(item["state"]) for item in launch["transitions"]]


def entered_ms(launch: Launch, state: str) -> float | None:
    """When a state was entered first, in milliseconds on the host's clock; None when never."""
    times = [item["at_ms"] for item in launch["transitions"] if item["state"] == state]
    return float(times[0]) if times else None


def reached(launch: Launch, state: str) -> bool:
    """Whether a state was entered."""
    return state in states(launch)


def lines(launch: Launch, *, stream: str = "", kind: str = "") -> list[Mapping[str, Any]]:
    """The lines that were read, of one stream or of one kind; all of them when neither is named."""
    return [
        line
        for line in launch["lines"]
        if stream in ("", line["stream"]) and kind in ("", line["kind"])
    ]


def first(launch: Launch, kind: str) -> str:
    """The text of the first line of a kind; empty for none."""
    texts = [str(line["text"]) for line in lines(launch, kind=kind)]
    return texts[0] if texts else ""


def fields(line: str) -> dict[str, str]:
    """The ``key=value`` words of a line."""
    words = (word.partition("=") for word in line.split())
    return {key: value for key, separator, value in words if separator}


def reason(launch: Launch) -> str:
    """The kind of failure; ``none`` without one."""
    return str((launch.get("failure") or {}).get("reason", {}).get("kind", "none"))


def what(launch: Launch) -> str:
    """The failure in one sentence."""
    return str((launch.get("failure") or {}).get("report", {}).get("what", "no failure"))


def failure_text(launch: Launch) -> str:
    """The failure with everything that is known of it; empty without one."""
    return str((launch.get("failure") or {}).get("text", ""))


def tail(launch: Launch, stream: str) -> Sequence[str]:
    """The end of ``stdout`` or ``stderr`` that a failure carries."""
    report = (launch.get("failure") or {}).get("report", {})
    found: Sequence[str] = report.get(f"{stream}_tail", ())
    return found


def ended_with(launch: Launch) -> int | None:
    """The exit code; None when a signal ended it, or its end was not seen."""
    code = (launch.get("exit") or {}).get("code")
    return None if code is None else int(code)


def exit_text(launch: Launch) -> str:
    """How it ended, in words."""
    if launch.get("exit") is None:
        return "an end that was not seen"
    if (code := ended_with(launch)) is not None:
        return f"exit code {code}"
    return f"signal {(launch.get('exit') or {}).get('signal')}"


def nothing_survived(launch: Launch) -> bool:
    """The host's own proof that no process and no temporary file is left."""
    cleanup = launch.get("cleanup") or {"survivors": ["unknown"]}
    return not cleanup["survivors"] and not cleanup["temp_error"]


def waited_for(run: Run) -> str:
    """What the host waited for in a run, by its own configuration."""
    config = run.journal.get("config") or {}
    if url := config.get("ready_url"):
        return f"an answer from {url}"
    stream = config.get("ready_stream") or "stdout"
    where = "either stream" if stream == "either" else stream
    if pattern := config.get("ready_pattern"):
        return f"a line with {pattern!r} on {where}"
    return f"the line {config.get('ready') or 'READY'!r} on {where}"


def left(run: Run) -> str:
    """What a run left behind, in words."""
    if run.clean:
        return "no process and no temporary file is left"
    return (
        f"{len(run.processes_left)} processes {list(run.processes_left)[:3]} and "
        f"{len(run.files_left)} files {list(run.files_left)[:3]} are left"
    )


def milliseconds(value: float | None) -> str:
    """A time in words; a dash for none."""
    return "-" if value is None else f"{value:.1f} ms"

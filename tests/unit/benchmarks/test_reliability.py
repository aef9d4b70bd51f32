"""What the table of launches says, and who decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import reliability
from spike.measure.results import Result

GOOD: Mapping[str, Any] = {
    "failure": None,
    "detail": "",
    "boot_ms": 1.0,
    "ready_ms": 2.0,
    "stop_ms": 3.0,
    "processes_left": [],
    "files_left": [],
    "round": 0,
}
LEFT = {**GOOD, "failure": "left_processes", "detail": "1 left: sleep", "processes_left": ["sleep"]}


def run(samples: Mapping[str, Sequence[Mapping[str, Any]]], **build: str) -> Result:
    """A result with these samples; what does not begin with baseline is a variant."""
    kinds = {name: "baseline" if name.startswith("baseline") else "variant" for name in samples}
    return Result(
        benchmark="reliability",
        sidecar="hello",
        sidecar_version="1",
        complete=True,
        provenance={},
        settings={},
        targets={
            name: {"kind": kind, **({"build": build} if kind == "variant" else {})}
            for name, kind in kinds.items()
        },
        samples=[{"target": name, **sample} for name, taken in samples.items() for sample in taken],
        elapsed_s=1.0,
    )


def test_a_baseline_never_decides() -> None:
    """It says what the machine and the script do; a variant has a target to meet."""
    result = run({"baseline-python": [LEFT, LEFT], "nuitka-onefile": [GOOD, GOOD]})
    assert reliability.missed(result) == []
    assert "baseline-python: 2 x left_processes: 1 left: sleep" in reliability.render(result)
    result = run({"baseline-python": [GOOD], "nuitka-onefile": [LEFT]})
    assert "nuitka-onefile" in reliability.missed(result)[0]


def test_what_the_plain_script_leaves_behind_is_said_in_the_row() -> None:
    """And only there where it does so every time."""
    both = run({"baseline-python": [LEFT, LEFT], "nuitka-onefile": [LEFT, LEFT]})
    assert "2 (2 left_processes), as the plain script does" in reliability.render(both)
    once = run({"baseline-python": [LEFT, GOOD], "nuitka-onefile": [LEFT, LEFT]})
    assert "as the plain script does" not in reliability.render(once)


def test_a_build_whose_first_launch_failed_is_marked() -> None:
    """Though the launches of the bench were good."""
    failed = {"first_launch": "ready_timeout", "first_detail": "no line 'READY' within 10 s"}
    shown = reliability.render(run({"nuitka-onefile": [GOOD]}, **failed))
    assert "first launch after the build failed (ready_timeout): no line 'READY'" in shown
    good = reliability.render(run({"nuitka-onefile": [GOOD]}, first_launch="ready"))
    assert "first launch" not in good


def test_where_programs_write_is_said_once_for_all_that_do() -> None:
    """Below the table."""
    wrote = {**GOOD, "wrote_cwd": ["service.log"]}
    shown = reliability.render(run({"a-onefile": [wrote, wrote], "b-onefile": [wrote]}))
    assert shown.count("service.log") == 1
    assert "a-onefile, b-onefile: writes where it stands" in shown

"""Every row of the checklist can fail: the committed journals pass, and each harm is seen."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from spike.core import requirements
from spike.host import checklist
from spike.host.observed import Observed
from spike.host.window import Shown
from spike.launch.spec import Failure, Launch
from tests.support.host_journals import observed


def status(seen: Observed) -> dict[str, str]:
    return {row.id: row.status for row in checklist.judge(seen)}


def test_the_committed_journals_pass_every_row_of_the_plan() -> None:
    """All seventeen rows, in the plan's order, each with its evidence."""
    rows = checklist.judge(observed())
    assert [row.id for row in rows] == list(requirements.CHECKLIST)
    assert [row.evidence for row in rows if row.status != checklist.PASS] == []
    assert all(row.evidence for row in rows)


Journal = dict[str, Any]


def last(journal: Journal) -> Any:
    return journal["launches"][-1]


def drop_line(kind: str) -> Callable[[Journal], None]:
    def harm(journal: Journal) -> None:
        lines = last(journal)["lines"]
        lines.remove(next(line for line in lines if line["kind"] == kind))

    return harm


def reason(kind: str) -> Callable[[Journal], None]:
    def harm(journal: Journal) -> None:
        last(journal)["failure"]["reason"]["kind"] = kind

    return harm


def text(**changes: str) -> Callable[[Journal], None]:
    def harm(journal: Journal) -> None:
        failure = last(journal)["failure"]
        failure["text"] = failure["text"].replace(changes["old"], changes["new"])

    return harm


def set_launch(**changes: Any) -> Callable[[Journal], None]:
    def harm(journal: Journal) -> None:
        last(journal).update(changes)

    return harm


def ready_first(journal: Journal) -> None:
    for item in last(journal)["transitions"]:
        if item["state"] == "ready":
            item["at_ms"] = 0.0


def ready_after_all(journal: Journal) -> None:
    last(journal)["transitions"].append({"state": "ready", "at_ms": 1.0})


def late(journal: Journal) -> None:
    for item in last(journal)["transitions"]:
        if item["state"] == "stopping":
            item["at_ms"] += 5000


def no_stderr(journal: Journal) -> None:
    last(journal)["failure"]["report"]["stderr_tail"] = []


def survivor(journal: Journal) -> None:
    last(journal)["cleanup"]["survivors"] = [{"pid": 1, "command": "python"}]


def sigkill(journal: Journal) -> None:
    last(journal)["cleanup"]["killed"] = True


def one_cycle_less(journal: Journal) -> None:
    del journal["launches"][0]


@pytest.mark.parametrize(
    ("row", "scenario", "harm"),
    [
        ("A1", "ready", lambda journal: journal.update(sidecar_path="/opt/sidecar-hello")),
        ("B1", "ready", drop_line("boot")),
        ("B2", "ready", set_launch(failure={"reason": {"kind": "died_after_ready"}})),
        ("B3", "ready", set_launch(exit=None)),
        ("B3", "ready", set_launch(process_group=1)),
        ("C1", "ready", set_launch(lines_dropped=1)),
        ("C1", "ready", drop_line("heartbeat")),
        ("C2", "ready", drop_line("ready")),
        ("C2", "twice", reason("died_after_ready")),
        ("C3", "ready", ready_first),
        ("C3", "malformed", ready_after_all),
        ("C3", "malformed", reason("exited_before_ready")),
        ("C4", "silent", late),
        ("C4", "silent", text(old="Likely causes", new="Causes")),
        ("D1", "missing", reason("spawn_io")),
        ("D1", "missing", text(old="externalBin", new="")),
        ("D2", "crash", reason("ready_timeout")),
        ("D3", "malformed", reason("exited_before_ready")),
        ("D4", "crash", no_stderr),
        ("E1", "restart", one_cycle_less),
        ("E2", "shutdown", drop_line("shutdown")),
        ("E2", "shutdown", sigkill),
        ("E2", "shutdown", set_launch(exit={"code": None, "signal": 15})),
        ("E3", "cycles", one_cycle_less),
        ("E3", "cycles", survivor),
        ("E3", "cycles", set_launch(exit={"code": None, "signal": 15})),
    ],
)
def test_each_row_sees_its_harm(row: str, scenario: str, harm: Callable[[Journal], None]) -> None:
    """A row whose promise is broken fails, and says what does not hold."""
    seen = observed()
    journal = copy.deepcopy(dict(seen.runs[scenario].journal))
    harm(journal)
    broken = replace(
        seen, runs={**seen.runs, scenario: replace(seen.runs[scenario], journal=journal)}
    )
    rows = {item.id: item for item in checklist.judge(broken)}
    assert rows[row].status == checklist.FAIL
    assert rows[row].evidence.startswith("does not hold: ")


@pytest.mark.parametrize(
    ("row", "changes"),
    [
        ("A1", {"external_bin": "sidecar-hello"}),
        ("A2", {"staged_file": "sidecar-hello"}),
        ("A2", {"rust_triple": "aarch64-unknown-linux-gnu"}),
        ("A2", {"suffix": ".exe"}),
        ("A3", {"contents": ()}),
        ("A3", {"packaged_sha256": "b" * 64}),
        ("B1", {"args": ("--other",)}),
        ("B1", {"env": {"SIDECAR_TOKEN": "other"}}),
        ("D2", {"window": None}),
        ("D4", {"window": Shown(state="Failed", failure="", log=())}),
    ],
)
def test_rows_about_the_package_and_the_window(row: str, changes: dict[str, Any]) -> None:
    """What is not in a journal is judged as strictly."""
    assert status(replace(observed(), **changes))[row] == checklist.FAIL


@pytest.mark.parametrize("row", ["C4", "D3", "E1", "E2", "E3"])
def test_what_is_left_behind_fails_the_rows_that_promise_nothing_is(row: str) -> None:
    """One process or one file is enough."""
    seen = observed()
    dirty = {name: replace(run, files_left=("_MEI1",)) for name, run in seen.runs.items()}
    assert status(replace(seen, runs=dirty))[row] == checklist.FAIL


def test_a_configuration_that_the_host_refuses_fails_its_rows_with_the_hosts_words() -> None:
    """Nothing was launched, so that nothing else can be said."""
    seen = observed()
    journal = {**seen.runs["ready"].journal, "launches": [], "config_error": "`ready_url` has no"}
    runs = {**seen.runs, "ready": replace(seen.runs["ready"], journal=journal)}
    rows = {row.id: row for row in checklist.judge(replace(seen, runs=runs))}
    for name in ("A1", "B1", "C2"):
        assert rows[name].evidence == "does not hold: `ready_url` has no"
    assert rows["E1"].status == checklist.PASS


def test_a_run_that_was_not_made_is_not_run_with_its_reason() -> None:
    """Failed and not run are different things."""
    seen = observed()
    runs = {name: run for name, run in seen.runs.items() if name != "cycles"}
    rows = checklist.judge(replace(seen, runs=runs, reasons={"cycles": "no display"}))
    assert (rows[-1].status, rows[-1].evidence) == (checklist.NOT_RUN, "no display")
    assert all(row.status == checklist.PASS for row in rows[:-1])


@pytest.mark.parametrize(
    ("failure", "row"),
    [
        (Failure.UNCLEAN_STOP, "E2"),
        (Failure.LEFT_PROCESSES, "E2"),
        (Failure.DUPLICATE_READY, "C2"),
        (Failure.STARTED_AGAIN, "C2"),
        (Failure.EXITED_BEFORE_READY, "B2"),
        (Failure.SMOKE_FAILED, "B2"),
    ],
)
def test_what_fails_without_the_host_fails_a_row(failure: Failure, row: str) -> None:
    """Builds, benchmarks and the checklist cannot differ about one artifact."""
    seen = replace(observed(), alone=Launch(failure=failure, detail="killed by SIGTERM"))
    failed = [item for item in checklist.judge(seen) if item.status == checklist.FAIL]
    assert [item.id for item in failed] == [row]
    assert "killed by SIGTERM" in failed[0].evidence
    good = replace(observed(), alone=Launch())
    assert {item.status for item in checklist.judge(good)} == {checklist.PASS}


@pytest.mark.parametrize("failure", Failure)
def test_no_kind_of_failed_launch_passes_unnoticed(failure: Failure) -> None:
    """Each fails one row, so that build, benchmark and checklist say the same of an artifact."""
    seen = replace(observed(), alone=Launch(failure=failure, detail="in words"))
    failed = [row for row in checklist.judge(seen) if row.status == checklist.FAIL]
    assert len(failed) == 1
    assert f"launched without the host it failed: {failure}: in words" in failed[0].evidence

"""What a row looks at of each kind of sidecar: good ones pass, and each harm is seen in each."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from spike.core import requirements
from spike.host import checklist, speech
from spike.host.observed import Observed
from spike.host.speech import Form
from tests.support import host_journals
from tests.support.host_journals import line

KINDS: dict[str, tuple[Callable[[], Observed], Form]] = {
    "hello": (host_journals.observed, Form.PROTOCOL),
    "with BOOT": (host_journals.protocol_by_another, Form.LINE),
    "framework": (host_journals.framework, Form.LINE),
    "silent": (host_journals.silent, Form.ADDRESS),
}
OTHERS = [name for name in KINDS if name != "hello"]


def rows(seen: Observed) -> dict[str, checklist.Row]:
    return {row.id: row for row in checklist.judge(seen)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_sidecar_passes_every_row_however_it_speaks(kind: str) -> None:
    """Nobody has to say BOOT or SHUTDOWN but the hello sidecar of the plan."""
    make, form = KINDS[kind]
    seen = make()
    assert speech.form_of(seen) is form
    found = checklist.judge(seen)
    assert [row.evidence for row in found if row.status != checklist.PASS] == []
    assert [row.id for row in found] == list(requirements.CHECKLIST)


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("row", speech.RULE)
def test_a_row_says_what_it_looked_at(kind: str, row: str) -> None:
    """Where the plan's own words are not what was looked for."""
    make, form = KINDS[kind]
    rule = speech.RULE[row][form]
    assert rule.looks_at
    assert rows(make())[row].evidence.endswith(f"(looked at: {rule.looks_at})")


SAID = [
    # row, kind, words of its evidence
    ("B1", "silent", "its arguments are --port 4711"),
    ("B1", "framework", "MODE=quiet is in its environment"),
    ("B3", "with BOOT", "further processes of it: 1"),
    ("C1", "framework", "0 lines of its stdout and 3 of its stderr read, none dropped"),
    ("C1", "framework", "ready on stderr: 'INFO:     Uvicorn running on http://127.0.0.1:1'"),
    ("C1", "silent", "5 of 5 lines of stdout came, in their order"),
    ("C2", "with BOOT", "1 line that means ready in a good launch: 'READY' on stdout"),
    ("C2", "silent", "it became ready 1 times in a good launch, by its answer after"),
    ("C3", "silent", f"the failing sidecar was asked at {host_journals.URL}"),
    ("C4", "silent", f"waited for an answer from {host_journals.URL}"),
    ("E2", "with BOOT", "its last line is 'good bye'"),
    ("E2", "silent", "it printed nothing"),
    ("E2", "hello", "the sidecar said 'SHUTDOWN reason="),
]


@pytest.mark.parametrize(("row", "kind", "words"), SAID)
def test_the_evidence_is_what_was_seen(row: str, kind: str, words: str) -> None:
    """Figures, lines and addresses, so that a pass can be judged by a reader."""
    assert words in rows(KINDS[kind][0]())[row].evidence


Harm = Callable[[Any], None]


def last(journal: Any) -> Any:
    return journal["launches"][-1]


def set_launch(**changes: Any) -> Harm:
    return lambda journal: last(journal).update(changes)


def no_lines(journal: Any) -> None:
    last(journal)["lines"] = []


def without(kind: str) -> Harm:
    def harm(journal: Any) -> None:
        last(journal)["lines"] = [x for x in last(journal)["lines"] if x["kind"] != kind]

    return harm


def ready_again(journal: Any) -> None:
    text = next((x for x in last(journal)["lines"] if x["kind"] == "ready"), None)
    last(journal)["lines"].append(text or line("stdout", "ready", "READY", 1.0))


def ready_state_again(journal: Any) -> None:
    last(journal)["transitions"].append({"state": "ready", "at_ms": 1.0})


def never_ready(journal: Any) -> None:
    changed = [x for x in last(journal)["transitions"] if x["state"] != "ready"]
    last(journal).update(transitions=changed, ready_ms=None)


def mixed_up(journal: Any) -> None:
    last(journal)["lines"].reverse()


def other_address(journal: Any) -> None:
    journal["config"].update(ready_url=None, ready="READY", ready_pattern=None)


def not_waited_for(journal: Any) -> None:
    last(journal)["failure"]["reason"]["kind"] = "port_in_use"


HARMS: list[tuple[str, str, Harm, tuple[str, ...]]] = [
    # row, run, harm, the kinds that see it
    ("B3", "ready", set_launch(pid=None), ("hello", *OTHERS)),
    ("B3", "ready", set_launch(process_group=1), ("hello", *OTHERS)),
    ("B3", "ready", set_launch(exit=None), ("hello", *OTHERS)),
    ("C1", "ready", set_launch(lines_dropped=1), ("hello", *OTHERS)),
    ("C1", "ready", no_lines, ("hello", "with BOOT", "framework")),
    ("C1", "ready", without("shutdown"), ("hello",)),
    ("C1", "ready", without("boot"), ("hello",)),
    ("C1", "malformed", no_lines, tuple(OTHERS)),
    ("C1", "malformed", mixed_up, tuple(OTHERS)),
    ("C2", "ready", without("ready"), ("hello", "with BOOT", "framework")),
    ("C2", "ready", ready_again, ("hello", "with BOOT", "framework")),
    ("C2", "ready", ready_state_again, ("silent",)),
    ("C2", "ready", never_ready, ("silent",)),
    ("C2", "ready", other_address, ("silent",)),
    ("C3", "ready", never_ready, ("hello", *OTHERS)),
    ("C3", "ready", without("ready"), ("hello", "with BOOT", "framework")),
    ("C3", "malformed", ready_state_again, ("hello", *OTHERS)),
    ("C3", "malformed", not_waited_for, ("hello", *OTHERS)),
    ("C3", "malformed", other_address, ("silent",)),
    ("E2", "shutdown", without("shutdown"), ("hello",)),
    ("E2", "shutdown", set_launch(exit={"code": None, "signal": 15}), ("hello", *OTHERS)),
    ("E2", "shutdown", set_launch(exit={"code": 3, "signal": None}), ("hello", *OTHERS)),
    ("E2", "shutdown", set_launch(exit=None), ("hello", *OTHERS)),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("row", "run", "harm", "seen_by"), HARMS)
def test_each_harm_is_seen_by_those_whom_it_harms(
    row: str, run: str, harm: Harm, seen_by: tuple[str, ...], kind: str
) -> None:
    """And by no other: what the plan's own sidecar has to say, nobody else has to."""
    seen = KINDS[kind][0]()
    journal = copy.deepcopy(dict(seen.runs[run].journal))
    harm(journal)
    broken = replace(seen, runs={**seen.runs, run: replace(seen.runs[run], journal=journal)})
    expected = checklist.FAIL if kind in seen_by else checklist.PASS
    found = rows(broken)[row]
    assert found.status == expected, found.evidence


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize(
    "changes",
    [{"args": ("--port", "1")}, {"env": {"MODE": "loud"}}, {"env": {"ABSENT": ""}}, {"args": ()}],
)
def test_what_does_not_arrive_at_the_process_fails_b1(kind: str, changes: dict[str, Any]) -> None:
    """Whatever the host's own record says that it passed."""
    assert rows(replace(KINDS[kind][0](), **changes))["B1"].status == checklist.FAIL


@pytest.mark.parametrize("kind", OTHERS)
def test_a_process_that_nobody_saw_is_no_proof(kind: str) -> None:
    """Nothing passes because there was nothing to see."""
    seen = KINDS[kind][0]()
    blind = replace(seen, runs={**seen.runs, "ready": replace(seen.runs["ready"], sights=())})
    found = rows(blind)
    assert (found["B1"].status, found["B3"].status) == (checklist.FAIL, checklist.FAIL)
    assert "was not seen in /proc" in found["B1"].evidence


@pytest.mark.parametrize("kind", KINDS)
def test_the_rows_of_the_failing_sidecar_and_of_the_package_ask_the_same_of_all(kind: str) -> None:
    """Only the rows of the rule depend on how a sidecar speaks."""
    same = set(requirements.CHECKLIST) - set(speech.RULE)
    assert same == {"A1", "A2", "A3", "B2", "C4", "D1", "D2", "D3", "D4", "E1", "E3"}
    for row in same:
        assert len({checklist.rule_of(row, form).check for form in Form}) == 1, kind

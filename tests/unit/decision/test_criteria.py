"""The plan's rules over evidence: every verdict, and the boundaries of every threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from decision import criteria, drafts
from decision.criteria import Ruling, Verdict
from decision.evidence import Evidence
from spike.core import requirements
from spike.measure.results import Result
from tests.support.evidence import (
    NUITKA,
    PYINSTALLER,
    checklist,
    entry,
    evidence,
    reliability,
    result,
)


def ruling(rulings: Sequence[Ruling], id_: str) -> Ruling:
    """One ruling by its id."""
    (found,) = [item for item in rulings if item.id == id_]
    assert found.evidence, "a verdict has its reasons"
    return found


def fallback(known: Evidence, id_: str) -> Ruling:
    """A fallback criterion's ruling."""
    return ruling(criteria.fallback_criteria(known), id_)


def exits(known: Evidence, id_: str) -> Ruling:
    """An exit criterion's ruling."""
    return ruling(criteria.exit_criteria(known), id_)


GOOD = reliability((NUITKA, 20, 0), (PYINSTALLER, 20, 0))


def test_the_rows_are_the_plans_in_its_order() -> None:
    """Every row is there, with the plan's own words."""
    wanted = {
        **requirements.FALLBACK_CRITERIA,
        **requirements.CONTINGENCY_STEPS,
        **requirements.EXIT_CRITERIA,
    }
    found = criteria.all_rulings(evidence())
    assert {item.id: item.text for item in found} == wanted
    assert [item.id for item in found] == list(wanted)
    assert all(item.evidence for item in found)


@pytest.mark.parametrize(
    ("total", "failed", "verdict"),
    [
        (20, 0, Verdict.NOT_MET),
        (20, 2, Verdict.NOT_MET),
        (20, 3, Verdict.MET),
        (19, 0, Verdict.NOT_RUN),
        (19, 19, Verdict.NOT_RUN),
        (100, 10, Verdict.NOT_MET),
        (100, 11, Verdict.MET),
        (30, 3, Verdict.NOT_MET),
        (10_000, 1_000, Verdict.NOT_MET),
        (10_000, 1_001, Verdict.MET),
    ],
)
def test_f3_is_more_than_a_tenth_of_twenty_or_more(
    total: int, failed: int, verdict: Verdict
) -> None:
    """Exactly 10 % is not more than 10 %; nineteen launches decide nothing."""
    found = fallback(evidence(reliability((NUITKA, total, failed))), "F3")
    assert found.verdict is verdict
    assert f"{failed} of {total} launches failed" in found.evidence


def test_f3_is_about_the_plans_nuitka_alone() -> None:
    """Another variant's failures do not condemn it."""
    known = evidence(reliability((NUITKA, 20, 0), (PYINSTALLER, 20, 20)))
    assert fallback(known, "F3").verdict is Verdict.NOT_MET


def test_f3_is_not_run_on_another_binary() -> None:
    """A result of another sha256 than the artifact's is no evidence."""
    known = evidence(reliability((NUITKA, 20, 20)), artifacts={NUITKA: "b" * 64})
    assert fallback(known, "F3").verdict is Verdict.NOT_RUN


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"debug_sessions": 2}, Verdict.MET),
        ({"debug_sessions": 3}, Verdict.MET),
        ({"debug_sessions": 1}, Verdict.NOT_MET),
        ({"debug_sessions": None}, Verdict.NOT_MET),
        ({"debug_sessions": 2, "status": "resolved"}, Verdict.NOT_MET),
        ({"debug_sessions": 2, "severity": "high"}, Verdict.NOT_MET),
        ({"debug_sessions": 2, "packager": "pyinstaller"}, Verdict.NOT_MET),
        ({"debug_sessions": 2, "kind": "launch"}, Verdict.NOT_MET),
        # The plan's bare form: a build command and nothing to launch is about the build.
        (
            {"debug_sessions": 2, "kind": "", "status": "", "packager": "", "launch_command": ""},
            Verdict.MET,
        ),
    ],
)
def test_f1_needs_an_open_build_blocker_and_two_sessions(
    changes: Mapping[str, Any], verdict: Verdict
) -> None:
    """A blocker that was not debugged twice, or is solved, is no reason to switch."""
    blocker = entry(**{"severity": "blocker", "kind": "build", **changes})
    assert fallback(evidence(GOOD, issues=(blocker,)), "F1").verdict is verdict


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"minimal_reproduction": "issues/reproductions/x"}, Verdict.MET),
        ({"minimal_reproduction": ""}, Verdict.NOT_MET),
        ({"minimal_reproduction": "x", "status": "accepted"}, Verdict.NOT_MET),
        ({"minimal_reproduction": "x", "kind": "stop"}, Verdict.NOT_MET),
    ],
)
def test_f2_needs_an_open_launch_problem_with_a_minimal_case(
    changes: Mapping[str, Any], verdict: Verdict
) -> None:
    """Instability counts once a minimal case exists and it is still unresolved."""
    unstable = entry(**{"kind": "launch", **changes})
    assert fallback(evidence(GOOD, issues=(unstable,)), "F2").verdict is verdict


@pytest.mark.parametrize(
    ("days", "verdict"),
    [
        ((), Verdict.NOT_MET),
        ((2.0,), Verdict.NOT_MET),
        ((1.5, 0.5), Verdict.NOT_MET),
        ((2.1,), Verdict.MET),
        ((1.5, 1.0), Verdict.MET),
    ],
)
def test_f4_is_more_than_two_days_in_all(days: tuple[float, ...], verdict: Verdict) -> None:
    """Exactly two days are within the plan; what counts is the sum."""
    log = tuple(
        entry(id=f"{number:04d}", working_days_lost=lost, status="resolved")
        for number, lost in enumerate(days)
    )
    other = entry(id="0099", packager="pyinstaller", working_days_lost=9.0)
    found = fallback(evidence(GOOD, issues=(*log, other)), "F4")
    assert found.verdict is verdict
    assert f"{sum(days):g} working days" in found.evidence


def test_nothing_tried_is_not_run_and_proposes_nothing() -> None:
    """An empty checkout has no opinion, and says what to do."""
    for id_ in ("F1", "F2", "F3", "F4"):
        found = fallback(evidence(), id_)
        assert found.verdict is Verdict.NOT_RUN
        assert found.next_command
    assert criteria.proposal(evidence()).packager == ""


def test_the_rules_propose_nuitka_unless_a_criterion_is_met() -> None:
    """Switch only if any criterion is met; one that is met outweighs others that are not run."""
    assert criteria.proposal(evidence(GOOD)).packager == "nuitka"
    failing = evidence(reliability((NUITKA, 20, 3)))
    assert criteria.proposal(failing).packager == "pyinstaller"
    assert "F3" in criteria.proposal(failing).reason
    blocked = entry(severity="blocker", kind="build", debug_sessions=2)
    assert criteria.proposal(evidence(issues=(blocked,))).packager == "pyinstaller"


@pytest.mark.parametrize(
    ("known", "outcome", "says"),
    [
        (evidence(GOOD), "Nuitka", ""),
        (evidence(GOOD), "nuitka onefile", ""),
        (evidence(GOOD), "", ""),
        (evidence(GOOD), "PyInstaller", "the rules propose Nuitka"),
        (evidence(reliability((NUITKA, 20, 3))), "Nuitka", "the rules propose PyInstaller: F3"),
        (evidence(reliability((NUITKA, 20, 3))), "PyInstaller", ""),
        (evidence(), "Nuitka", "cannot confirm it"),
        (evidence(GOOD), "Briefcase", "none of the plan's options"),
    ],
)
def test_an_outcome_that_contradicts_the_rules_is_named(
    known: Evidence, outcome: str, says: str
) -> None:
    """People decide; the check says when their decision and the evidence part."""
    problems = criteria.outcome_problems(replace(known, outcome=outcome))
    assert bool(problems) == bool(says)
    assert says in " ".join(problems)


@pytest.mark.parametrize(
    ("changed", "id_", "verdict"),
    [
        ({}, "M2", Verdict.MET),
        ({"A1": "fail"}, "M2", Verdict.NOT_MET),
        ({"E3": "not run"}, "M2", Verdict.NOT_RUN),
        ({"B1": "absent"}, "M2", Verdict.NOT_RUN),
        ({"B1": "absent", "A1": "fail"}, "M2", Verdict.NOT_MET),
        ({"C4": "fail"}, "M3", Verdict.MET),
        ({"C2": "fail"}, "M3", Verdict.NOT_MET),
        ({}, "M4", Verdict.MET),
        ({"C4": "fail"}, "M4", Verdict.NOT_MET),
        ({"D2": "not run"}, "M4", Verdict.NOT_RUN),
    ],
)
def test_m2_to_m4_need_their_rows(changed: dict[str, str], id_: str, verdict: Verdict) -> None:
    """A row that failed outweighs one that was not run; both keep the criterion from being met."""
    known = evidence(GOOD, checklist(NUITKA, **changed))
    found = exits(known, id_)
    assert found.verdict is verdict
    assert bool(found.next_command) == (verdict is not Verdict.MET)


def test_every_checklist_row_counts_for_an_exit_criterion() -> None:
    """No row can fail without Milestone 0 noticing."""
    used = {*criteria.TAURI_ROWS, *criteria.READY_ROWS, *criteria.FAILURE_ROWS}
    assert used == set(requirements.CHECKLIST)


def test_m1_needs_a_good_launch_of_the_binary() -> None:
    """Built is not enough, and a binary that never starts is not launchable."""
    assert exits(evidence(), "M1").verdict is Verdict.NOT_RUN
    assert exits(evidence(GOOD), "M1").verdict is Verdict.MET
    dead = evidence(reliability((NUITKA, 20, 20)), outcome="Nuitka")
    assert exits(dead, "M1").verdict is Verdict.NOT_MET


def test_exit_criteria_follow_the_packager_that_was_chosen() -> None:
    """After a fallback, Milestone 0 is about PyInstaller."""
    known = evidence(reliability((NUITKA, 20, 20), (PYINSTALLER, 20, 0)), outcome="PyInstaller")
    assert PYINSTALLER in exits(known, "M1").evidence
    assert exits(known, "M1").verdict is Verdict.MET


def test_m5_wants_an_entry_for_each_problem_in_the_results() -> None:
    """A failed launch that nobody logged keeps the log from being populated."""
    known = evidence(reliability((NUITKA, 20, 1)))
    assert exits(known, "M5").verdict is Verdict.NOT_MET
    (drafted,) = drafts.in_evidence(known)
    logged = replace(drafted, id="0001")
    assert exits(replace(known, issues=(logged,)), "M5").verdict is Verdict.NOT_MET  # not filled in
    whole = replace(logged, suspected_cause="A race.", resolution="Wait.", status="resolved")
    assert exits(replace(known, issues=(whole,)), "M5").verdict is Verdict.MET


def test_failed_rows_and_builds_are_problems_too() -> None:
    """Whatever the evidence shows is drafted once, by kind."""
    facts = {
        "variant": NUITKA,
        "packager": "nuitka",
        "packager_version": "4.3.3",
        "python_version": "3.11.7",
        "sidecar": "sidecar-hello",
        "step": "nuitka itself",
        "command": "python -m nuitka",
        "exit_code": 1,
        "log": "build/x/build.log",
        "tail": "FATAL: no",
    }
    known = evidence(
        reliability((NUITKA, 20, 5)), checklist(NUITKA, C4="fail", E1="fail"), failures=(facts,)
    )
    assert [item.topic for item in drafts.in_evidence(known)] == [
        "build",
        "launch",
        "host",
        "host",
    ]


def test_m6_needs_an_outcome_that_the_rules_confirm() -> None:
    """Documented means: named in the record, and not against the evidence."""
    assert exits(evidence(GOOD), "M6").verdict is Verdict.NOT_MET
    assert exits(evidence(GOOD, outcome="Nuitka"), "M6").verdict is Verdict.MET
    assert exits(evidence(GOOD, outcome="PyInstaller"), "M6").verdict is Verdict.NOT_MET


def test_all_six_are_true_when_everything_was_done() -> None:
    """The milestone can be reached."""
    known = evidence(GOOD, checklist(NUITKA), outcome="Nuitka", issues=(entry(),))
    assert {item.verdict for item in criteria.exit_criteria(known)} == {Verdict.MET}


def test_k6_is_needed_only_when_pyinstaller_is_selected() -> None:
    """The follow-up entry belongs to the fallback."""
    steps = criteria.contingency_steps
    assert ruling(steps(evidence(GOOD)), "K6").verdict is Verdict.NOT_NEEDED
    switched = evidence(reliability((NUITKA, 20, 3)))
    assert ruling(steps(switched), "K6").verdict is Verdict.OPEN
    follow_up = entry(kind="follow-up", fingerprint=criteria.FOLLOW_UP)
    done = replace(switched, issues=(follow_up,))
    assert ruling(steps(done), "K6").verdict is Verdict.DONE


def test_k1_to_k5_say_what_was_done() -> None:
    """Steps without evidence are not run; steps with it name it."""
    steps = criteria.contingency_steps
    for id_ in ("K1", "K2", "K3", "K4"):
        assert ruling(steps(evidence()), id_).verdict is Verdict.NOT_RUN
    assert ruling(steps(evidence(GOOD)), "K5").verdict is Verdict.OPEN
    samples = [
        {
            "target": "fallback",
            "step": "K1",
            "snapshot": "frozen/x.tar.xz",
            "files": 3,
            "sha256": "c" * 64,
        }
    ]
    sizes = [
        {"target": variant, "shipped_bytes": 5_000_000, "artifact_bytes": 1, "shipped_files": 1}
        for variant in requirements.PLAN_VARIANTS
    ]
    complexities = [
        {
            "target": variant,
            "config": ["a"],
            "processes": 2,
            "signals": {"SIGTERM": {"said": "SIGTERM", "exit_code": 0, "exit_signal": ""}},
            "after_kill": {"processes": 0, "gone_s": 0.1, "after_stdin_end": 0, "files": 0},
        }
        for variant in requirements.PLAN_VARIANTS
    ]
    known = evidence(
        GOOD,
        checklist(PYINSTALLER),
        result("size", sizes, *requirements.PLAN_VARIANTS),
        result("complexity", complexities, *requirements.PLAN_VARIANTS),
        result("fallback", samples),
        outcome="Nuitka",
    )
    found = {item.id: item.verdict for item in steps(known)}
    assert found == {
        "K1": Verdict.DONE,
        "K2": Verdict.DONE,
        "K3": Verdict.DONE,
        "K4": Verdict.DONE,
        "K5": Verdict.DONE,
        "K6": Verdict.NOT_NEEDED,
    }
    compared = criteria.side_by_side(known)
    assert tuple(compared) == criteria.COMPARED
    assert all(set(row) == set(requirements.PLAN_VARIANTS) for row in compared.values())
    broken = replace(known, snapshot_problem="frozen/x.tar.xz is gone.")
    assert ruling(steps(broken), "K1").verdict is Verdict.NOT_MET


def test_k3_takes_the_rows_of_its_own_run_of_the_same_binary() -> None:
    """`invoke fallback` verifies PyInstaller alone; those rows count until the binary changes."""

    def step(sha256: str, status: str) -> Result:
        rows = dict.fromkeys(requirements.CHECKLIST, status)
        return result("fallback", [{"step": "K3", "sha256": sha256, "rows": rows}])

    def k3(*more: Result) -> Ruling:
        return ruling(criteria.contingency_steps(evidence(GOOD, *more)), "K3")

    assert k3(step("a" * 64, "pass")).verdict is Verdict.DONE
    assert "17 rows pass" in k3(step("a" * 64, "pass")).evidence
    assert "17 rows fail" in k3(step("a" * 64, "fail")).evidence
    assert k3(step("b" * 64, "pass")).verdict is Verdict.NOT_RUN
    # A whole run speaks of the same moment for every variant, and wins.
    assert "17 rows pass" in k3(step("a" * 64, "fail"), checklist(PYINSTALLER)).evidence


def test_thresholds_cite_the_plan() -> None:
    """The numbers of the rules are the numbers of the plan's text."""
    text = (Path(__file__).parents[3] / "docs" / "packaging-spike-plan.md").read_text("utf-8")
    assert f"after {requirements.MAX_DEBUG_SESSIONS} focused debug sessions" in text
    assert (
        f">{requirements.MAX_FAILED_RATE * 100:.0f}% failure over "
        f"{requirements.TARGET_LAUNCHES} launches" in text
    )
    assert f">{requirements.MAX_WORKING_DAYS_LOST:g} working days" in text

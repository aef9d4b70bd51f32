"""The answer: each situation with what an expert would ship in it, and why; and every boundary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from benchmarks.faults.verdict import Status
from decision.criteria import NUITKA, PYINSTALLER, Proposal
from decision.recommend import choice, standings, wording
from decision.recommend.choice import HELLO, Answer, Faults, Leftovers, Standing
from tests.support.evidence import checklist, evidence, reliability, result

CASES = tuple(f"case_{number}" for number in range(123))

BY_RULES = {
    NUITKA: Proposal(packager=NUITKA, reason="None of the fallback criteria F1 to F4 is met."),
    PYINSTALLER: Proposal(packager=PYINSTALLER, reason="F3 is met."),
    "": Proposal(packager="", reason="F3 is not run."),
}


def tried(failed: int, *, run: int = 123, first: int = 0, whose: str = HELLO) -> Faults:
    """Fault cases: ``failed`` of the ``run`` first ones fail, from the case ``first`` on."""
    return Faults(
        failed={case: first <= number < first + failed for number, case in enumerate(CASES[:run])},
        of=123,
        whose=whose,
    )


def variant(name: str, ready_ms: float, megabytes: float, faults: int | Faults | None) -> Standing:
    """A variant as a sidecar like the FastAPI example has it: 20 good launches, row by row."""
    onefile = name.endswith("onefile")
    return Standing(
        variant=name,
        ready_ms=ready_ms,
        launches=20,
        rate_high=0.168,
        shipped_bytes=int(megabytes * 3e6),
        package_bytes=int(megabytes * 1e6),
        checked=True,
        folder=not onefile and "single" not in name and not name.endswith("nuitka-lean"),
        config_lines=5,
        launcher_ms=0.5,
        faults=tried(faults) if isinstance(faults, int) else faults,
        leftovers=Leftovers(
            processes=2 if onefile else 1,
            signals="1 of 3" if onefile else "3 of 3",
            left_files=29 if onefile else 0,
            whose=HELLO,
        ),
    )


ONEFILE = variant("nuitka-onefile", 456.0, 18.5, 8)
FOLDER = variant("nuitka-standalone", 268.0, 17.4, 1)
LEAN = replace(variant("nuitka-lean", 9.65, 2.0, tried(0, run=90)), folder=False)
PYI_ONEFILE = variant("pyinstaller-onefile", 629.0, 26.2, 14)
PYI_FOLDER = variant("pyinstaller-onedir", 382.0, 20.9, 2)
CX_FOLDER = variant("cx_freeze-onedir", 288.0, 10.2, 2)
ALL = (ONEFILE, FOLDER, PYI_ONEFILE, PYI_FOLDER, CX_FOLDER)


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What an expert is asked, and the answer with its reason."""

    id: str
    standings: Sequence[Standing]
    ships: str
    fallback: str
    because: str
    by_rules: str = NUITKA


SITUATIONS = (
    Situation(
        id="a service in FastAPI",
        standings=ALL,
        ships="nuitka-standalone",
        fallback="pyinstaller-onedir",
        because="The folder starts in 0.6 of the time, and onefile leaves files and processes "
        "behind; one line more of configuration and half a millisecond of launcher buy both.",
    ),
    Situation(
        id="a program that imports little",
        standings=(LEAN, *ALL),
        ships="nuitka-lean",
        fallback="pyinstaller-onedir",
        because="Nothing that both could run fails, one file, one process, a thirtieth of the "
        "time; that 33 cases could not be run on it is said beside it.",
    ),
    Situation(
        id="onefile starts sooner",
        standings=(replace(ONEFILE, ready_ms=100.0), FOLDER),
        ships="nuitka-standalone",
        fallback="",
        because="Reliability first: seven more of the same 123 faults harm somebody.",
    ),
    Situation(
        id="onefile starts sooner and is as reliable",
        standings=(
            replace(ONEFILE, ready_ms=100.0, faults=tried(1), leftovers=FOLDER.leftovers),
            FOLDER,
        ),
        ships="nuitka-onefile",
        fallback="",
        because="With equal reliability the start decides, and externalBin takes it as it is.",
    ),
    Situation(
        id="as many faults, but files stay",
        standings=(replace(ONEFILE, ready_ms=250.0, faults=tried(1)), FOLDER),
        ships="nuitka-standalone",
        fallback="",
        because="29 files stay after each kill and fill a disk in time; nothing stays of a folder.",
    ),
    Situation(
        id="a process outlives the host",
        standings=(replace(LEAN, leftovers=Leftovers(processes=2, outlives=1)), FOLDER),
        ships="nuitka-standalone",
        fallback="",
        because="An orphan on a customer's machine cannot ship, however fast it starts.",
    ),
    Situation(
        id="a checklist row fails",
        standings=(replace(FOLDER, failed_rows=("E2",)), ONEFILE, PYI_FOLDER),
        ships="nuitka-onefile",
        fallback="pyinstaller-onedir",
        because="What the host cannot stop cannot ship; the plan's packager has another variant.",
    ),
    Situation(
        id="no variant of the plan's packager can ship",
        standings=(replace(FOLDER, failed_rows=("E2",)), PYI_FOLDER),
        ships="",
        fallback="pyinstaller-onedir",
        because="The plan keeps Nuitka, yet nothing of it works: the fallback takes over for now.",
    ),
    Situation(
        id="more than a tenth of the launches fail",
        standings=(replace(LEAN, failed=3), FOLDER),
        ships="nuitka-standalone",
        fallback="",
        because="The plan's limit: 3 of 20 is more than 10 %.",
    ),
    Situation(
        id="one launch of twenty fails",
        standings=(replace(FOLDER, failed=1), ONEFILE, replace(PYI_FOLDER, failed=1)),
        ships="nuitka-onefile",
        fallback="pyinstaller-onedir",
        because="Within the plan's limit, and still the first thing that a user notices; with "
        "nothing better of its packager the fallback is taken as it is.",
    ),
    Situation(
        id="too few launches",
        standings=(replace(LEAN, launches=19), FOLDER),
        ships="nuitka-standalone",
        fallback="",
        because="19 launches decide nothing by the plan.",
    ),
    Situation(
        id="fewer faults only because fewer cases ran",
        standings=(
            replace(LEAN, faults=tried(0, run=90), ready_ms=300.0),
            replace(FOLDER, faults=tried(3, first=100)),
        ),
        ships="nuitka-standalone",
        fallback="",
        because="Of the 90 cases that both ran neither fails any; three failures elsewhere do not "
        "count against the one that dared to run them, so the sooner start decides.",
    ),
    Situation(
        id="a third ran all cases better",
        standings=(
            replace(LEAN, faults=tried(0, run=90), ready_ms=400.0),
            replace(FOLDER, faults=tried(3, first=100)),
            variant("nuitka-standalone-lean", 300.0, 17.0, 0),
        ),
        ships="nuitka-standalone-lean",
        fallback="",
        because="Of all 123 cases it fails three fewer than the soonest, and it is sooner than the "
        "one that ran 90.",
    ),
    Situation(
        id="nobody tried it",
        standings=(variant("nuitka-standalone-lean", 150.0, 17.0, None), FOLDER),
        ships="nuitka-standalone",
        fallback="",
        because="What was not tried is not reliable yet; the command that tries it is named.",
    ),
    Situation(
        id="nothing was tried at all",
        standings=tuple(replace(item, faults=None, leftovers=None) for item in ALL),
        ships="nuitka-standalone",
        fallback="pyinstaller-onedir",
        because="Without fault evidence of anybody the start decides, and it is said.",
    ),
    Situation(
        id="its own run contradicts the hello sidecar's",
        standings=(replace(FOLDER, faults=tried(9, whose=choice.OWN)), ONEFILE),
        ships="nuitka-onefile",
        fallback="",
        because="The sidecar's own faults count, not those of another program in the same mode.",
    ),
    Situation(
        id="the launcher is slow here",
        standings=(
            replace(FOLDER, launcher_ms=300.0),
            replace(ONEFILE, faults=tried(1), leftovers=FOLDER.leftovers),
        ),
        ships="nuitka-onefile",
        fallback="",
        because="A folder ships with its launcher: 268 ms and 300 ms are more than 456 ms.",
    ),
    Situation(
        id="two that start as soon",
        standings=(FOLDER, variant("nuitka-standalone-lean", 290.0, 9.0, 1)),
        ships="nuitka-standalone-lean",
        fallback="",
        because="No user can tell 290 ms from 268 ms; half the download is noticed.",
    ),
    Situation(
        id="as soon and as large, one file",
        standings=(
            replace(FOLDER, config_lines=6),
            replace(FOLDER, variant="nuitka-single", folder=False, ready_ms=280.0),
        ),
        ships="nuitka-single",
        fallback="",
        because="With all else equal fewer lines to write and to keep are worth it.",
    ),
    Situation(
        id="Nuitka's onefile fails the plan",
        standings=(replace(ONEFILE, failed=5), FOLDER, PYI_ONEFILE, PYI_FOLDER),
        ships="pyinstaller-onedir",
        fallback="nuitka-standalone",
        by_rules=PYINSTALLER,
        because="F3 is met, so the plan's packager is PyInstaller; Nuitka's folder is as good as "
        "ever, and is the fallback.",
    ),
    Situation(
        id="a third packager is the best",
        standings=(replace(CX_FOLDER, ready_ms=100.0, faults=tried(0)), FOLDER, PYI_FOLDER),
        ships="nuitka-standalone",
        fallback="pyinstaller-onedir",
        because="The plan decides between its two; the third is named, and not hidden.",
    ),
    Situation(
        id="the rules cannot say yet",
        standings=ALL,
        ships="",
        fallback="",
        by_rules="",
        because="Without the plan's criteria there is no packager to choose a variant of.",
    ),
)


def answered(situation: Situation) -> Answer:
    return choice.decide(situation.standings, BY_RULES[situation.by_rules])


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda item: item.id)
def test_the_answer_is_the_one_that_an_expert_would_defend(situation: Situation) -> None:
    """In any order of the rows, which must not matter."""
    found = answered(situation)
    assert (found.variant, found.fallback) == (situation.ships, situation.fallback), (
        situation.because
    )
    turned = replace(situation, standings=tuple(reversed(situation.standings)))
    assert answered(turned).sentence == found.sentence
    assert {*found.why_not, found.variant or found.overall} == {
        item.variant for item in situation.standings
    }, "each variant that does not ship says why"
    assert all(found.why_not.values())


def test_the_sentence_names_packager_variant_fallback_and_command() -> None:
    """One sentence is enough to act on."""
    assert answered(SITUATIONS[0]).sentence == (
        "Ship Nuitka's `nuitka-standalone`; the fallback is PyInstaller's `pyinstaller-onedir`, "
        "built by `nox -s build_pyinstaller-onedir`."
    )
    undecided = choice.decide(ALL, BY_RULES[""])
    assert undecided.sentence == "Not decided: F3 is not run."
    broken = choice.decide([replace(item, failed_rows=("D2",)) for item in ALL], BY_RULES[NUITKA])
    assert "none of its variants can ship; there is no fallback yet" in broken.sentence
    assert broken.why_not["nuitka-standalone"] == "1 of 17 checklist rows fail: D2."


def test_a_ranking_over_fewer_cases_says_so() -> None:
    """A count never stands without what it is a count of."""
    found = choice.decide((LEAN, *ALL), BY_RULES[NUITKA])
    assert found.reasons[0] == (
        "0 of 20 launches failed (at most 16.8 % with 95 % confidence), and 0 of the 90 fault "
        "cases that were run (the tool's own)."
    )
    assert found.reasons[1] == (
        "It is ranked on these 90 of 123 fault cases: the other 33 could not be run on it."
    )
    assert (
        "It fails 8 of the 90 fault cases that both ran (the tool's own); nuitka-lean fails 0."
        in (found.why_not["nuitka-onefile"])
    )
    assert "0 of 90 (run: 90 of 123) (the tool's own)" in wording.render(found)


def test_plan_and_ranking_are_reconciled_in_a_sentence() -> None:
    """Where the best of all is of another packager than the plan's."""
    third = next(item for item in SITUATIONS if item.id == "a third packager is the best")
    assert answered(third).reconciled == (
        "cx_freeze-onedir ranks first of all that can ship, but the plan decides between Nuitka "
        "and PyInstaller; so nuitka-standalone ships, and cx_freeze-onedir is what to look at when "
        "the plan is revised."
    )
    other = next(item for item in SITUATIONS if item.id == "Nuitka's onefile fails the plan")
    assert answered(other).reconciled == (
        "nuitka-standalone ranks first of all that can ship, but the plan's rules choose "
        "PyInstaller: F3 is met; so nuitka-standalone is the fallback, ready to take over."
    )
    assert not answered(SITUATIONS[0]).reconciled


def test_boundaries() -> None:
    """Exactly a tenth failed can ship; exactly ten percent later is as soon."""
    assert not choice.barrier(replace(FOLDER, failed=2))
    assert choice.barrier(replace(FOLDER, failed=3)) == "3 of 20 launches failed."
    assert choice.barrier(replace(FOLDER, ready_ms=None)) == "Its start was not measured."
    assert "19 launches were made, and 20" in choice.barrier(replace(FOLDER, launches=19))
    as_soon = replace(FOLDER, variant="nuitka-single", launcher_ms=0.0, package_bytes=1)
    at = replace(as_soon, ready_ms=choice.SAME * FOLDER.start_ms)
    assert choice.ranked([FOLDER, at])[0] is at
    assert choice.ranked([FOLDER, replace(at, ready_ms=296.0)])[0] is FOLDER


def test_what_was_not_measured_is_named_with_its_command() -> None:
    """Not run is not failed, and it is not passed over in silence."""
    found = choice.decide(
        [replace(FOLDER, checked=False), ONEFILE], BY_RULES[NUITKA], option=" --sidecar x"
    )
    assert found.unknown == ("nuitka-standalone: not run by `invoke verify --sidecar x`",)
    none = [replace(item, faults=None) for item in ALL]
    assert choice.decide(none, BY_RULES[NUITKA]).unknown == ("all: not run by `invoke faults`",)
    other = choice.decide(none, BY_RULES[NUITKA], option=" --sidecar x")
    assert other.unknown == ("all: not run by `invoke faults --sidecar x`",)
    assert not wording.render(choice.decide([], BY_RULES[NUITKA]))


def faults_run(failed: str) -> object:
    """A run of two cases on the plan's variant, of which one could not be run."""
    name = "nuitka-onefile"
    samples = [
        {"target": name, "case": "sighup_at_rest", "status": failed, "elapsed_s": 1.0},
        {"target": name, "case": "recursion", "status": "not run", "elapsed_s": 0.0},
    ]
    return result("faults", samples, name)


def test_standings_come_from_the_results() -> None:
    """Launches, sizes, lines and the checklist, each from its own benchmark."""
    name = "nuitka-onefile"
    sizes = result("size", [{"target": name, "shipped_bytes": 5, "package_bytes": 4}], name)
    known = evidence(reliability((name, 20, 1)), sizes, checklist(name, D2="fail"))
    (found,) = standings.standings(known)
    assert (found.launches, found.failed, found.ready_ms) == (20, 1, 100.0)
    assert (found.shipped_bytes, found.package_bytes) == (5, 4)
    assert found.failed_rows == ("D2",)
    assert not found.folder
    assert found.config_lines == 1
    assert found.faults is None


def test_what_hello_showed_counts_until_there_is_an_own_run() -> None:
    """Of packager and mode, so for every sidecar; the row says whose it is."""
    name = "nuitka-onefile"
    hello = {"faults": faults_run(Status.FAIL.value)}
    (found,) = standings.standings(
        replace(evidence(reliability((name, 20, 0))), hello=hello)  # type: ignore[arg-type]
    )
    assert found.faults is not None
    assert (found.faults.text, found.faults.whose) == ("1 of 1 (run: 1 of 2)", HELLO)
    own = faults_run(Status.PASS.value)
    (found,) = standings.standings(
        replace(evidence(reliability((name, 20, 0)), own), hello=hello)  # type: ignore[arg-type]
    )
    assert found.faults is not None
    assert (found.faults.text, found.faults.whose) == ("0 of 1 (run: 1 of 2)", choice.OWN)

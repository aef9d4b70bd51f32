"""What to ship, by rule: every disqualification, every preference, every boundary."""

from __future__ import annotations

from dataclasses import replace

from decision import recommend
from decision.recommend import MAX_MORE_WRONG, Standing
from tests.support.evidence import checklist, evidence, reliability, result

FILE = Standing(
    variant="nuitka-lean",
    ready_ms=10.0,
    versus_python=0.8,
    launches=20,
    rate_high=0.168,
    disk_bytes=7_000_000,
    package_bytes=3_000_000,
    wrong=2,
    degraded=1,
    checked=True,
    single_file=True,
    config_lines=3,
    processes=1,
    signals="3 of 3",
)
SLOW = replace(FILE, variant="nuitka-onefile", ready_ms=100.0, versus_python=8.0)
FOLDER = replace(FILE, variant="nuitka-standalone", ready_ms=8.0, single_file=False)


def chosen(*standings: Standing) -> str:
    return recommend.recommend(standings).variant


def excluded(item: Standing, *others: Standing) -> str:
    return recommend.recommend([item, *others]).excluded.get(item.variant, "")


def test_the_soonest_is_recommended_with_its_reasons_and_its_price() -> None:
    """The start, in figures, and what it costs."""
    found = recommend.recommend([SLOW, FILE])
    assert found.variant == "nuitka-lean"
    assert found.reasons[0] == (
        "It reaches READY in 10.0 ms, 0.80 times what python -I -S needs for the same script: "
        "the soonest of those that can be shipped."
    )
    assert "at least 83.2 %" in found.reasons[-1]
    assert "Nuitka 4.3.3" in found.price
    assert [item.variant for item in found.standings] == ["nuitka-lean", "nuitka-onefile"]


def test_nothing_is_recommended_from_nothing() -> None:
    """No result, no choice."""
    assert not chosen()
    assert not chosen(replace(FILE, launches=19))


def test_too_few_or_failed_launches_disqualify() -> None:
    """The plan's 20 launches and its 10 %; exactly 10 % is still good."""
    assert "19 launches were measured" in excluded(replace(FILE, launches=19))
    assert not excluded(replace(FILE, failed=2))
    assert "3 of 20 launches failed" in excluded(replace(FILE, failed=3))
    assert chosen(replace(FILE, failed=3), SLOW) == "nuitka-onefile"


def test_a_checklist_row_that_fails_disqualifies_and_one_not_run_is_said() -> None:
    """Not run is not failed, and it is not passed over in silence."""
    assert "D2, E3" in excluded(replace(FILE, failed_rows=("D2", "E3")))
    found = recommend.recommend([replace(FILE, checked=False), SLOW], option=" --sidecar x")
    assert found.variant == "nuitka-lean"
    assert found.unknown == ("nuitka-lean: not run by `invoke verify --sidecar x`",)
    both = recommend.recommend([replace(FILE, wrong=None), replace(SLOW, wrong=None)])
    assert both.unknown == ("all: not run by `invoke faults`",)


def test_a_process_that_outlives_its_host_disqualifies() -> None:
    """An orphan on a customer's machine is worth more than any start."""
    assert "outlives" in excluded(replace(FILE, outlives=1))


def test_clearly_more_that_goes_wrong_disqualifies() -> None:
    """Up to the threshold beyond the best is a matter of circumstance."""
    near = replace(FILE, wrong=2 + MAX_MORE_WRONG)
    far = replace(FILE, wrong=3 + MAX_MORE_WRONG)
    assert not excluded(near, SLOW)
    assert "go wrong; the best has 2" in excluded(far, SLOW)


def test_a_folder_has_to_start_in_half_the_time() -> None:
    """It needs a launcher; exactly half is worth it."""
    assert chosen(FILE, FOLDER) == "nuitka-lean"
    assert "one file" in " ".join(recommend.recommend([FILE, FOLDER]).reasons)
    assert chosen(FILE, replace(FOLDER, ready_ms=5.0)) == "nuitka-standalone"
    assert chosen(FOLDER, replace(FILE, failed=20)) == "nuitka-standalone"


def test_among_equal_starts_fewer_wrongs_and_then_the_smaller_download_decide() -> None:
    """Ten percent of start-up is nothing that a user could tell."""
    same = replace(FILE, variant="nuitka-single", ready_ms=11.0)
    assert chosen(FILE, replace(same, wrong=1)) == "nuitka-single"
    assert chosen(FILE, replace(same, package_bytes=1)) == "nuitka-single"
    assert chosen(FILE, replace(same, ready_ms=11.1, wrong=1)) == "nuitka-lean"


def test_standings_come_from_the_results() -> None:
    """Launches, sizes, integration and the checklist, each from its own benchmark."""
    name = "nuitka-onefile"
    sizes = result(
        "size",
        [{"target": name, "shipped_bytes": 5, "package_bytes": 4}],
        name,
    )
    footprint = result(
        "footprint", [{"target": name, "peak_temporary_bytes": 17, "kept_bytes": 0}], name
    )
    known = evidence(reliability((name, 20, 1)), sizes, footprint, checklist(name, D2="fail"))
    known = replace(known, builds={name: {"folder": ""}})
    (found,) = recommend.standings(known)
    assert (found.launches, found.failed, found.ready_ms) == (20, 1, 100.0)
    assert (found.disk_bytes, found.package_bytes) == (22, 4)
    assert found.failed_rows == ("D2",)
    assert found.single_file
    assert found.wrong is None


def test_the_table_shows_every_variant_beside_the_plans_two() -> None:
    """One table, with the choice, the exclusions and what was not measured under it."""
    text = recommend.render(recommend.recommend([FILE, replace(SLOW, failed=9, wrong=None)]))
    assert text.startswith("**Ship nuitka-lean.**")
    assert "| recommended" in text
    assert "the plan's, not considered" in text
    assert "- nuitka-onefile: 9 of 20 launches failed." in text
    assert "nuitka-onefile: not run by `invoke faults`" in text
    assert not recommend.render(recommend.recommend([]))

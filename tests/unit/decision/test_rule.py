"""One decision over every platform: the first rule that applies, case by case."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from decision.platforms.rule import RULES, Seen, decide
from decision.recommend.choice import Faults, Standing


def standing(variant: str, ready_ms: float, failed: int = 0, faults: int = 0) -> Standing:
    """A variant's figures on one platform: of 20 launches and 10 fault cases."""
    return Standing(
        variant=variant,
        ready_ms=ready_ms,
        launches=20,
        failed=failed,
        faults=Faults(failed={str(case): case < faults for case in range(10)}, of=10),
    )


def seen(
    platform: str,
    answer: str,
    *able: Standing,
    barred: Mapping[str, str] | None = None,
    timed: bool = True,
) -> Seen:
    return Seen(
        platform=platform,
        answer=answer,
        able={item.variant: item for item in able},
        barred=barred or {},
        timed=timed,
    )


LINUX = seen("linux", "a", standing("a", 16.0), standing("b", 30.0))
QUICK = seen("mac", "a", standing("a", 4.0), standing("b", 7.0))
SAME = seen("linux-3.13", "b", standing("b", 20.0), standing("a", 21.0))
WINDOWS = seen("windows", "b", standing("b", 90.0), barred={"a": "2 of 20 launches failed."})
OTHER = seen("windows", "b", standing("b", 50.0), standing("a", 90.0))
WORSE = seen("windows", "b", standing("b", 90.0), standing("a", 80.0, faults=3))
WINE = seen("wine", "b", standing("b", 0.0), standing("a", 0.0), timed=False)
NOTHING = seen("arm", "")


@pytest.mark.parametrize(
    ("platforms", "rule", "ships", "said"),
    [
        ([NOTHING], "none", "", "Not decided: no platform has an answer yet."),
        ([], "none", "", "Not decided"),
        ([LINUX], "one", "a", "Ship `a` on linux. It is the answer on the only one"),
        ([LINUX, QUICK], "one", "aa", "Ship `a` on all 2 platforms. It is the answer on each"),
        ([LINUX, NOTHING], "one", "a", "No answer yet on arm."),
        ([LINUX, SAME], "same", "aa", "On linux-3.13 it is no less reliable than b, and READY"),
        ([LINUX, SAME], "same", "aa", "takes 1.05 times as long"),
        ([LINUX, WINE], "same", "aa", "as far as can be told without times"),
        ([WINE, SAME], "one", "bb", "Ship `b` on all 2 platforms"),
        ([LINUX, WINDOWS], "each", "ab", "windows: a cannot ship there: 2 of 20 launches failed."),
        ([LINUX, OTHER], "each", "ab", "READY takes a 1.80 times as long there as b"),
        ([LINUX, WORSE], "each", "ab", "a is less reliable there: it fails 3 of the 10 fault"),
        ([LINUX, QUICK, WINDOWS], "each", "aab", "Ship `a` on linux, mac; `b` on windows."),
        ([WINDOWS, OTHER, LINUX], "each", "bba", "READY takes b 1.88 times as long there as a"),
        (
            [LINUX, seen("windows", "c", standing("c", 5.0))],
            "each",
            "ac",
            "windows: a cannot ship there: it was not measured there.",
        ),
    ],
)
def test_the_first_rule_that_applies_decides(
    platforms: list[Seen], rule: str, ships: str, said: str
) -> None:
    """One for all where it costs nothing that anybody sees; else one a platform, with why."""
    found = decide(platforms)
    assert found.rule == rule
    answered = [each.platform for each in platforms if each.answer]
    assert dict(found.ships) == dict(zip(answered, ships, strict=True))
    assert said in " ".join([found.sentence, *found.reasons])


def test_a_variant_that_is_nobodys_first_may_be_the_one_for_all() -> None:
    """Two that each cannot ship on the other platform, and a third that costs nothing on both."""
    third = standing("c", 10.4)
    found = decide(
        [
            seen("linux", "a", standing("a", 10.0), third),
            seen("windows", "b", standing("b", 10.0), third),
        ]
    )
    assert (found.rule, set(found.ships.values())) == ("same", {"c"})
    assert "It is the answer on none." in found.reasons


def test_no_time_of_a_machine_is_said() -> None:
    """Milliseconds of two machines never stand beside each other: ratios do."""
    every = [LINUX, QUICK, SAME, WINDOWS, OTHER, WORSE, WINE, NOTHING]
    for one in every:
        for other in every:
            found = decide([one, other])
            assert not re.search(r"\d ms\b", " ".join([found.sentence, *found.reasons]))


def test_the_order_of_platforms_does_not_decide() -> None:
    """What ships where is the same, whoever is named first."""
    every = [LINUX, QUICK, SAME, OTHER, WINE]
    first = decide(every).ships
    assert decide(every[::-1]).ships == first
    assert [rule.name for rule in RULES] == ["none", "one", "same", "each"]

"""What each platform says, as one row: verdicts, counts, sizes, and times as ratios alone.

Times of two machines never stand in one column. A ratio may: each is to the plain Python of the
same machine, measured in the same shuffled rounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.registry import CHECKLIST
from decision.evidence import Evidence, usable
from decision.platforms.rule import Decision, Seen, decide
from decision.recommend import choice, wording
from decision.recommend.choice import Answer, Standing
from spike.core import requirements
from spike.core.tables import NOT_MEASURED, megabytes
from spike.issue_log.entry import PLATFORMS
from spike.measure import platforms
from spike.measure.emulated import UNDER_WINE

HEADERS = (
    *("platform", "answer", "READY / python -I -S", "ships", "launches failed"),
    *("checklist", "fault cases failed", "measured"),
)


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One platform and what it says.

    Attributes:
        name: Its name, such as ``linux-arm64-3.12``.
        folder: Name of its folder of results and of reports.
        emulated: What plays it, such as ``wine 8.0``; empty for a real one.
        machine: System and processor, as they call themselves.
        at: When the newest of its results was taken: UTC, ISO 8601.
        seen: What the rule over all platforms reads.
        standing: The answer's own figures; None without an answer.
        checklist: Rows of the plan's checklist that pass and that could not be run; None when
            none was.
    """

    name: str
    folder: str
    emulated: str
    machine: str
    at: str
    seen: Seen
    standing: Standing | None
    checklist: tuple[int, int] | None

    @property
    def cells(self) -> list[str]:
        """The row, as :data:`HEADERS` has it."""
        item = self.standing
        if item is None:
            return [self.name, "none yet", *[NOT_MEASURED] * 5, self.at[:10]]
        return [
            self.name,
            f"`{item.variant}`" + (" by what works" if self.emulated else ""),
            self._ratio(item),
            NOT_MEASURED if self.emulated else megabytes(item.shipped_bytes),
            f"{item.failed} of {item.launches}",
            self._checked(),
            wording.faults_text(item),
            self.at[:10],
        ]

    def _checked(self) -> str:
        if self.checklist is None:
            return "not run"
        passed, not_run = self.checklist
        part = f" ({not_run} not run)" if not_run else ""
        return f"{passed} of {len(requirements.CHECKLIST)}{part}"

    def _ratio(self, item: Standing) -> str:
        if self.emulated:
            return UNDER_WINE
        return NOT_MEASURED if item.versus_python is None else f"{item.versus_python:.2f}"


@dataclass(frozen=True, kw_only=True)
class Platforms:
    """Every platform of a record, its own first, and the decision over all of them.

    Attributes:
        rows: The platforms; empty for a record of one alone.
        decision: What ships where; None for a record of one alone.
    """

    rows: tuple[Platform, ...] = ()
    decision: Decision | None = None

    def __bool__(self) -> bool:
        """Whether there is more than one."""
        return len(self.rows) > 1


def never_run(platform: str, rows: Sequence[Platform] = ()) -> str:
    """The systems that no result is of, in words; empty when there is one of each.

    Args:
        platform: Name of the record's own platform.
        rows: Those of the others, where there are any. One that is emulated is no run of a system.
    """
    ran = {platform, *(row.name for row in rows if not row.emulated)}
    systems = {name.partition("-")[0] for name in ran}
    return "; ".join(
        f"{system.replace('Windows', 'Windows itself')}: never run"
        for system in PLATFORMS
        if system.lower() not in systems
    )


def over(known: Sequence[tuple[Evidence, Answer]]) -> Platforms:
    """Every platform with the decision over all of them.

    Args:
        known: Evidence and answer of each, the record's own first.
    """
    rows = tuple(_platform(evidence, answer) for evidence, answer in known)
    return Platforms(rows=rows, decision=decide([row.seen for row in rows]))


def _platform(evidence: Evidence, answer: Answer) -> Platform:
    found = list(evidence.results.values())
    facts = platforms.newest(found)
    emulated = str(facts.get("emulated", ""))
    folder = evidence.sidecar.workspace.platform_name
    # Two Pythons of one version have folders of their own, and the same name by their results.
    named = platforms.NAME.fullmatch(folder)
    name = folder if named else platforms.name_of(found) or folder
    seen = _by_what_works(answer, name) if emulated else _seen(answer, name)
    standing = next((item for item in answer.standings if item.variant == seen.answer), None)
    return Platform(
        name=name,
        folder=folder,
        emulated=emulated,
        machine=", ".join(str(facts[key]) for key in ("system", "cpu") if facts.get(key)),
        at=platforms.date_of(found),
        seen=seen,
        standing=standing,
        checklist=_checklist(evidence, seen.answer),
    )


def _seen(answer: Answer, name: str) -> Seen:
    barred = {item.variant: choice.barrier(item) for item in answer.standings}
    return Seen(
        platform=name,
        answer=answer.variant,
        able={
            item.variant: item
            for item in answer.standings
            if item.packager == answer.packager and not barred[item.variant]
        },
        barred=_reasons(answer, barred),
    )


def _by_what_works(answer: Answer, name: str) -> Seen:
    """What an emulated system says: it has no times, so a variant is judged without."""
    untimed = [replace(item, ready_ms=0.0, launcher_ms=None) for item in answer.standings]
    barred = {item.variant: choice.barrier(item) for item in untimed}
    able = [
        item for item in untimed if item.packager == answer.packager and not barred[item.variant]
    ]
    ranked = choice.ranked(able)
    return Seen(
        platform=name,
        answer=ranked[0].variant if ranked else "",
        able={item.variant: item for item in able},
        barred=_reasons(answer, barred),
        timed=False,
    )


def _reasons(answer: Answer, barred: Mapping[str, str]) -> dict[str, str]:
    """Why each variant cannot ship, or that it is of another packager than the rules choose."""
    other = "It is of another packager than the plan's rules choose."
    return {
        item.variant: barred[item.variant] or other
        for item in answer.standings
        if barred[item.variant] or item.packager != answer.packager
    }


def _checklist(evidence: Evidence, variant: str) -> tuple[int, int] | None:
    result = usable(evidence, CHECKLIST)
    rows = result.of(variant) if result else []
    if not rows:
        return None
    states = [row["status"] for row in rows]
    return states.count("pass"), len(requirements.CHECKLIST) - len(rows) + states.count("not run")

"""Which variant to ship for this sidecar, from this machine's results, by rule.

Apart from the plan's decision between two packagers (:mod:`decision.criteria`): this weighs every
variant that is built, and says what its choice costs. Pure: values in, values out.

First what disqualifies: a launch that failed too often, a checklist row that fails, a process
that outlives its host, clearly more cases that go wrong on hostile machines than the best has.
Of the rest, a single file goes before a folder, which needs a launcher of its own, unless the
folder starts in a fraction of the time; then the soonest READY, and among those that no user
could tell apart the one with fewer cases gone wrong, then the smaller download.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import complexity, reliability, size
from benchmarks.faults import report as faults
from benchmarks.faults.verdict import Status
from benchmarks.targets import PYTHON_ISOLATED
from decision import drafts
from decision.evidence import Evidence, usable
from spike.core import requirements
from spike.core.tables import NOT_MEASURED, megabytes, milliseconds, percent, table
from spike.packagers import VARIANTS

MAX_MORE_WRONG: Final = 3
"""Cases gone wrong on hostile machines beyond the best variant's. Our own choice: about one case
in forty, which one odd circumstance of a test machine can make."""

SAME_START: Final = 1.10
"""Starts within this ratio of the soonest count as the same: launches of one binary spread more."""

FOLDER_GAIN: Final = 0.50
"""A folder that reaches READY in at most this fraction of the best single file's time is worth
the launcher and the bundled resources that it needs. Our own choice."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of one variant; None where it was not measured.

    Attributes:
        variant: Its id.
        ready_ms: Median launch to READY.
        versus_python: ``ready_ms`` as a multiple of ``python -I -S`` on the same script.
        launches: How many launches were made.
        failed: How many of them failed.
        rate_high: Upper end of the exact 95 % interval of the failure rate.
        disk_bytes: What lies on the user's disk: what ships, and what a launch writes beside it.
        package_bytes: What a download grows by.
        wrong: Cases on hostile machines that somebody is misled or harmed by, of those that every
            variant went through.
        degraded: Cases of them that are safe and less than was promised.
        failed_rows: Rows of the checklist that fail.
        checked: Whether the checklist was run.
        single_file: Whether externalBin takes it as it is.
        config_lines: Lines that a project writes for it.
        processes: Processes at READY.
        signals: Signals that reach the program by name, of those sent, as ``3 of 3``.
        outlives: Processes that go on after a SIGKILL of the host's child and the end of stdin.
    """

    variant: str
    ready_ms: float | None = None
    versus_python: float | None = None
    launches: int = 0
    failed: int = 0
    rate_high: float | None = None
    disk_bytes: int | None = None
    package_bytes: int | None = None
    wrong: int | None = None
    degraded: int | None = None
    failed_rows: tuple[str, ...] = ()
    checked: bool = False
    single_file: bool | None = None
    config_lines: int | None = None
    processes: int | None = None
    signals: str = ""
    outlives: int = 0


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """The choice.

    Attributes:
        variant: What to ship; empty when nothing can be recommended.
        reasons: Why, in sentences.
        excluded: Why others are not considered, by variant.
        unknown: What was not measured and would count, with the command that measures it.
        price: What the chosen variant costs or cannot do; empty for nothing.
        standings: What it was chosen from, the soonest first.
    """

    variant: str
    reasons: tuple[str, ...]
    excluded: Mapping[str, str]
    unknown: tuple[str, ...]
    price: str
    standings: tuple[Standing, ...]


def recommend(standings: Sequence[Standing], *, option: str = "") -> Recommendation:
    """Choose by the rules of this module.

    Args:
        standings: Every variant that was built.
        option: What a command needs to mean this sidecar, for the commands that are named.
    """
    ordered = tuple(sorted(standings, key=lambda item: (item.ready_ms is None, item.ready_ms or 0)))
    excluded = {item.variant: why for item in ordered if (why := disqualified(item, ordered))}
    eligible = [item for item in ordered if item.variant not in excluded]
    unknown = _unknown(ordered, option)
    if not eligible:
        return Recommendation(
            variant="",
            reasons=("No variant is left.",) if ordered else ("Nothing has been measured.",),
            excluded=excluded,
            unknown=unknown,
            price="",
            standings=ordered,
        )
    single = [item for item in eligible if item.single_file is not False]
    reasons = []
    field = eligible
    if single and len(single) < len(eligible):
        fastest_folder = min(_ready(item) for item in eligible if item.single_file is False)
        if fastest_folder > FOLDER_GAIN * _ready(single[0]):
            field = single
            reasons.append(
                "It is one file, which externalBin takes as it is; the soonest folder needs "
                f"{milliseconds(fastest_folder)}, which is not worth a launcher of its own (that "
                f"would be at most {percent(FOLDER_GAIN)} of its time)."
            )
    soonest = _ready(field[0])
    close = [item for item in field if _ready(item) <= SAME_START * soonest]
    chosen = min(close, key=lambda item: (item.wrong or 0, item.package_bytes or 0, _ready(item)))
    reasons.insert(0, _start_reason(chosen, len(close)))
    if len(close) > 1:
        others = ", ".join(item.variant for item in close if item is not chosen)
        reasons.append(f"{others} start as soon (within {percent(SAME_START - 1)}).")
    reasons.append(
        f"{chosen.launches - chosen.failed} of {chosen.launches} launches were good"
        + (
            f", at least {percent(1 - chosen.rate_high)} with 95 % confidence"
            if chosen.rate_high
            else ""
        )
        + "."
    )
    return Recommendation(
        variant=chosen.variant,
        reasons=tuple(reasons),
        excluded=excluded,
        unknown=unknown,
        price=VARIANTS[chosen.variant].mode.price if chosen.variant in VARIANTS else "",
        standings=ordered,
    )


def disqualified(item: Standing, all_standings: Sequence[Standing]) -> str:
    """Why a variant cannot be recommended, in a sentence; empty when it can."""
    if item.launches < requirements.TARGET_LAUNCHES or item.ready_ms is None:
        return (
            f"{item.launches} launches were measured; {requirements.TARGET_LAUNCHES} decide "
            "something."
        )
    if item.failed > requirements.MAX_FAILED_RATE * item.launches:
        return f"{item.failed} of {item.launches} launches failed."
    if item.failed_rows:
        return f"Checklist rows fail: {', '.join(item.failed_rows)}."
    if item.outlives:
        return "A process outlives its host, also when stdin has ended."
    least = min((other.wrong for other in all_standings if other.wrong is not None), default=0)
    if item.wrong is not None and item.wrong > least + MAX_MORE_WRONG:
        return (
            f"{item.wrong} of the cases on hostile machines that every variant went through go "
            f"wrong; the best has {least}."
        )
    return ""


def _ready(item: Standing) -> float:
    assert item.ready_ms is not None, "what was not measured is disqualified"
    return item.ready_ms


def _start_reason(chosen: Standing, close: int) -> str:
    text = f"It reaches READY in {milliseconds(chosen.ready_ms)}"
    if chosen.versus_python is not None:
        text += f", {chosen.versus_python:.2f} times what python -I -S needs for the same script"
    return text + (": the soonest of those that can be shipped." if close == 1 else ".")


def _unknown(standings: Sequence[Standing], option: str) -> tuple[str, ...]:
    """Say what was not measured of any variant, and the command that measures it."""
    missing = []
    for command, known in (
        ("invoke size", [item.package_bytes is not None for item in standings]),
        ("invoke footprint", [item.disk_bytes is not None for item in standings]),
        ("invoke complexity", [item.config_lines is not None for item in standings]),
        ("invoke faults", [item.wrong is not None for item in standings]),
        ("invoke verify", [item.checked for item in standings]),
    ):
        if not all(known):
            lacking = [
                item.variant for item, there in zip(standings, known, strict=True) if not there
            ]
            whose = "all" if len(lacking) == len(standings) else ", ".join(lacking)
            missing.append(f"{whose}: not run by `{command}{option}`")
    return tuple(missing)


# ---------------------------------------------------------------------------- from the evidence


def from_evidence(evidence: Evidence) -> Recommendation:
    """Choose from what is known of a sidecar on this machine."""
    return recommend(standings(evidence), option=evidence.sidecar.option)


def standings(evidence: Evidence) -> list[Standing]:
    """Gather what is known of each variant that has launches."""
    launches = usable(evidence, reliability.NAME)
    if launches is None:
        return []
    summaries = {item.target: item for item in reliability.summarise(launches)}
    baseline = summaries.get(PYTHON_ISOLATED)
    asked = usable(evidence, faults.NAME)
    tallies = faults.tallies(faults.comparable(faults.cells(asked))) if asked else {}
    found = []
    for name, item in summaries.items():
        if item.kind != "variant":
            continue
        ratio = (
            item.ready_ms / baseline.ready_ms
            if baseline and baseline.ready_ms and item.ready_ms is not None
            else None
        )
        sizes = _sample(evidence, size.NAME, name)
        footprint = _sample(evidence, "footprint", name)
        asks = _sample(evidence, complexity.NAME, name)
        rows = _rows(evidence, name)
        shipped = sizes.get("shipped_bytes")
        found.append(
            Standing(
                variant=name,
                ready_ms=item.ready_ms,
                versus_python=ratio,
                launches=item.launches,
                failed=item.failed,
                rate_high=item.rate_high,
                disk_bytes=shipped + max(footprint["peak_temporary_bytes"], footprint["kept_bytes"])
                if shipped is not None and footprint
                else None,
                package_bytes=sizes.get("package_bytes"),
                wrong=tallies[name][Status.FAIL] if name in tallies else None,
                degraded=tallies[name][Status.DEGRADED] if name in tallies else None,
                failed_rows=tuple(row for row, status in rows.items() if status == "fail"),
                checked=bool(rows),
                single_file=not facts["folder"] if (facts := evidence.builds.get(name)) else None,
                config_lines=len(asks["config"]) if asks else None,
                processes=asks.get("processes"),
                signals=_signals(asks),
                outlives=int(asks["after_kill"].get("after_stdin_end") or 0) if asks else 0,
            )
        )
    return found


def _sample(evidence: Evidence, benchmark: str, variant: str) -> Mapping[str, Any]:
    result = usable(evidence, benchmark)
    samples = result.of(variant) if result else []
    return samples[-1] if samples else {}


def _rows(evidence: Evidence, variant: str) -> dict[str, str]:
    result = usable(evidence, drafts.CHECKLIST)
    return {str(row["row"]): str(row["status"]) for row in (result.of(variant) if result else [])}


def _signals(asks: Mapping[str, Any]) -> str:
    if not asks:
        return ""
    arrived = [complexity.arrival(name, seen) == "yes" for name, seen in asks["signals"].items()]
    return f"{sum(arrived)} of {len(arrived)}"


# --------------------------------------------------------------------------------------- in words


def render(found: Recommendation) -> str:
    """The choice, its reasons and its price, and the one table behind it, as Markdown."""
    if not found.standings:
        return ""
    parts = [
        f"**Ship {found.variant}.** {' '.join(found.reasons)}"
        if found.variant
        else f"**Nothing can be recommended.** {' '.join(found.reasons)}"
    ]
    if found.price:
        parts.append(f"Its price: {found.price}")
    parts.append(
        table(
            [
                *("variant", "READY, median", "/ python -I -S", "on disk", "shipped (.deb)"),
                *("good launches", "faults: wrong, degraded", "one file", "configuration lines"),
                *("processes", "signals that arrive", ""),
            ],
            [_row(item, found) for item in found.standings],
        )
    )
    if found.excluded:
        parts.append("\n".join(f"- {name}: {why}" for name, why in found.excluded.items()))
    if found.unknown:
        parts.append(
            "Not measured, and so without a say:\n\n"
            + "\n".join(f"- {text}" for text in found.unknown)
        )
    return "\n\n".join(parts)


def _row(item: Standing, found: Recommendation) -> list[str]:
    role = "recommended" if item.variant == found.variant else ""
    if item.variant in requirements.PLAN_VARIANTS:
        role = f"{role}, the plan's" if role else "the plan's"
    if item.variant in found.excluded:
        role = f"{role}, not considered" if role else "not considered"
    one_file = {True: "yes", False: "no: a launcher is", None: NOT_MEASURED}[item.single_file]
    return [
        item.variant,
        milliseconds(item.ready_ms),
        NOT_MEASURED if item.versus_python is None else f"{item.versus_python:.2f}",
        megabytes(item.disk_bytes),
        megabytes(item.package_bytes),
        f"{item.launches - item.failed} of {item.launches}",
        NOT_MEASURED if item.wrong is None else f"{item.wrong}, {item.degraded}",
        one_file,
        NOT_MEASURED if item.config_lines is None else str(item.config_lines),
        NOT_MEASURED if item.processes is None else str(item.processes),
        item.signals or NOT_MEASURED,
        role,
    ]

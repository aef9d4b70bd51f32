"""The answer: which packager, which of its variants ships, and what to fall back to. By rule.

The plan's criteria F1 to F4 choose between its two packagers (:mod:`decision.criteria`). Of the
chosen one, the variant is what an expert would ship:

1. What cannot ship is out: too few launches to judge, more failed than the plan allows, a row of
   the checklist that fails, a process that outlives its host.
2. Reliability goes first. A variant stands behind another that is more reliable: fewer failed
   launches, else fewer fault cases failed of those that both ran, else less left behind.
3. Then the start, the launcher of a folder build included as it was measured. Starts that no user
   could tell apart count as the same.
4. Then the size of a download, then the lines that a project writes.

Faults, processes, signals and leftovers belong to packager and mode: what the repository's own
sidecar showed counts for every sidecar, until a run of the sidecar's own says otherwise. Each row
says whose evidence it is.

:func:`answer` is the only place that chooses. Pure below it: values in, values out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from decision.criteria import NUITKA, PYINSTALLER, TITLES, Proposal
from spike.core import requirements
from spike.core.tables import megabytes, milliseconds, percent

SAME: Final = 1.10
"""Starts and sizes within this ratio of the best count as the same. Launches of one binary spread
as much from run to run."""

OWN: Final = "its own"
HELLO: Final = "the tool's own"
"""Whose evidence a figure is: the sidecar's, or that of the hello sidecar in the tool's record."""


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What the fault cases showed of one variant.

    Attributes:
        failed: By case that could be run, whether it failed.
        degraded: How many of them were safe and less than was promised.
        of: How many cases there are; those that could not be run on the variant included.
        whose: Whose evidence it is.
    """

    failed: Mapping[str, bool]
    degraded: int = 0
    of: int
    whose: str = OWN

    @property
    def run(self) -> int:
        """Cases that could be run."""
        return len(self.failed)

    def count(self, among: frozenset[str] | None = None) -> int:
        """Cases that failed, of all that were run or of these."""
        return sum(bad for case, bad in self.failed.items() if among is None or case in among)

    @property
    def text(self) -> str:
        """``8 of 123``; ``0 of 90 (run: 90 of 123)`` where some could not be run."""
        part = "" if self.run == self.of else f" (run: {self.run} of {self.of})"
        return f"{self.count()} of {self.run}{part}"


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What a variant holds and leaves.

    Attributes:
        processes: Processes at READY.
        signals: Signals that reach the program by name, of those sent, as ``3 of 3``.
        left_processes: Processes that stay after a SIGKILL of the one that the host holds.
        left_files: Files that stay then.
        outlives: Processes that stay even after the end of stdin.
        whose: Whose evidence it is.
    """

    processes: int
    signals: str = ""
    left_processes: int = 0
    left_files: int = 0
    outlives: int = 0
    whose: str = OWN


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is known of one variant; None where nobody measured it.

    Attributes:
        variant: Its id.
        ready_ms: Median launch to READY with warm caches, in milliseconds.
        cold_ms: The same with cold ones.
        versus_python: ``ready_ms`` as a multiple of ``python -I -S`` on the same script.
        launches: How many launches were made.
        failed: How many of them failed.
        rate_high: Upper end of the exact 95 % interval of the failure rate.
        shipped_bytes: What has to be in the installer.
        package_bytes: What a download grows by.
        failed_rows: Rows of the checklist that fail.
        checked: Whether the checklist was run.
        folder: Whether it is a folder, which externalBin does not take: a launcher stands for it.
        config_lines: Lines that a project writes for it.
        launcher_ms: What the launcher of a folder adds to a launch, by medians; None for unknown.
        launcher_whose: Whose evidence that is.
        faults: What the fault cases showed.
        leftovers: What it holds and leaves.
    """

    variant: str
    ready_ms: float | None = None
    cold_ms: float | None = None
    versus_python: float | None = None
    launches: int = 0
    failed: int = 0
    rate_high: float | None = None
    shipped_bytes: int | None = None
    package_bytes: int | None = None
    failed_rows: tuple[str, ...] = ()
    checked: bool = False
    folder: bool = False
    config_lines: int | None = None
    launcher_ms: float | None = None
    launcher_whose: str = OWN
    faults: Faults | None = None
    leftovers: Leftovers | None = None

    @property
    def packager(self) -> str:
        """The packager that makes it."""
        return self.variant.partition("-")[0]

    @property
    def start_ms(self) -> float:
        """Launch to READY as it ships: with the launcher of a folder, where that adds anything."""
        return (self.ready_ms or 0.0) + max(0.0, self.launcher_ms or 0.0)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The one answer.

    Attributes:
        packager: The plan's packager by F1 to F4; empty while the rules cannot say.
        why_packager: Why, in sentences.
        variant: What of it to ship; empty when nothing can be.
        fallback: The best variant of the plan's other packager; empty for none.
        fallback_command: The command that builds it.
        best_folder: The best folder build of any packager; empty for none.
        overall: What would ship if every packager were open to choice.
        reconciled: How plan and ranking go together where they differ, in a sentence; else empty.
        reasons: Why the variant, in sentences.
        why_not: Why each other variant does not ship, by variant.
        unknown: What was not measured and would count, with the command that measures it.
        standings: What it was chosen from, best first; what cannot ship is last.
    """

    packager: str
    why_packager: str
    variant: str = ""
    fallback: str = ""
    fallback_command: str = ""
    best_folder: str = ""
    overall: str = ""
    reconciled: str = ""
    reasons: tuple[str, ...] = ()
    why_not: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    standings: tuple[Standing, ...] = ()

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        title = TITLES.get(self.packager, "")
        other = (
            f"the fallback is {TITLES[self.fallback.partition('-')[0]]}'s `{self.fallback}`, "
            f"built by `{self.fallback_command}`"
            if self.fallback
            else "there is no fallback yet: no variant of the plan's other packager can ship"
        )
        if not title:
            return f"Not decided: {self.why_packager}"
        if not self.variant:
            return f"{title} by the plan's rules, but none of its variants can ship; {other}."
        return f"Ship {title}'s `{self.variant}`; {other}."


def decide(
    standings: Sequence[Standing],
    proposal: Proposal,
    *,
    option: str = "",
    build_command: Callable[[str], str] = lambda variant: f"nox -s build_{variant}",
) -> Answer:
    """Choose by the rules of this module.

    Args:
        standings: Every variant that was launched.
        proposal: What F1 to F4 propose.
        option: What a command needs to mean this sidecar, for the commands that are named.
        build_command: The command that builds a variant.
    """
    barred = {item.variant: why for item in standings if (why := barrier(item))}
    order = ranked([item for item in standings if item.variant not in barred])
    out = [item for item in standings if item.variant in barred]

    def best(*packagers: str) -> Standing | None:
        return next(iter(ranked([item for item in order if item.packager in packagers])), None)

    other = PYINSTALLER if proposal.packager == NUITKA else NUITKA
    chosen = best(proposal.packager)
    fallback = best(other) if proposal.packager else None
    folder = next(iter(ranked([item for item in order if item.folder])), None)
    overall = order[0] if order else None
    reference = chosen or overall
    return Answer(
        packager=proposal.packager,
        why_packager=proposal.reason,
        variant=chosen.variant if chosen else "",
        fallback=fallback.variant if fallback else "",
        fallback_command=build_command(fallback.variant) if fallback else "",
        best_folder=folder.variant if folder else "",
        overall=overall.variant if overall else "",
        reconciled=_reconciled(proposal, chosen, overall),
        reasons=_reasons(chosen, order) if chosen else ("Nothing can ship.",),
        why_not=barred
        | {item.variant: why_not(item, reference, order) for item in order if item is not reference}
        if reference
        else barred,
        unknown=_unknown(standings, option),
        standings=(*order, *out),
    )


def barrier(item: Standing) -> str:
    """Why a variant cannot ship whatever else there is, in a sentence; empty when it can."""
    if item.launches < requirements.TARGET_LAUNCHES:
        return (
            f"{item.launches} launches were made, and {requirements.TARGET_LAUNCHES} are needed "
            "to judge it."
        )
    if item.failed > requirements.MAX_FAILED_RATE * item.launches + 1e-9:
        return f"{item.failed} of {item.launches} launches failed."
    if item.ready_ms is None:
        return "Its start was not measured."
    if item.failed_rows:
        rows = ", ".join(item.failed_rows)
        return (
            f"{len(item.failed_rows)} of {len(requirements.CHECKLIST)} checklist rows fail: {rows}."
        )
    if item.leftovers and item.leftovers.outlives:
        return f"A process outlives its host, even when stdin has ended ({item.leftovers.whose})."
    return ""


def ranked(items: Sequence[Standing]) -> list[Standing]:
    """The variants, best first: each is the best of those that are left."""
    left = list(items)
    order = []
    while left:
        first = _best(left)
        left.remove(first)
        order.append(first)
    return order


def _best(items: Sequence[Standing]) -> Standing:
    ahead = [item for item in items if not any(more_reliable(other, item) for other in items)]
    # Cases that only some could run may put three in a circle; then reliability says nothing.
    ahead = ahead or list(items)
    soonest = min(item.start_ms for item in ahead)
    close = [item for item in ahead if item.start_ms <= SAME * soonest]
    weight = _weight(close)
    smallest = min(weight(item) for item in close)
    small = [item for item in close if weight(item) <= SAME * smallest]
    return min(small, key=lambda item: (item.config_lines or 0, item.start_ms, item.variant))


def _weight(items: Sequence[Standing]) -> Callable[[Standing], float]:
    """The size by which these are compared: of downloads when each is known, else what ships."""
    if all(item.package_bytes is not None for item in items):
        return lambda item: float(item.package_bytes or 0)
    return lambda item: float(item.shipped_bytes or 0)


def more_reliable(one: Standing, other: Standing) -> str:
    """Why one is more reliable than another, said about the other; empty when it is not."""
    if one is other:
        return ""
    if (difference := other.failed / other.launches - one.failed / one.launches) != 0:
        return (
            f"{other.failed} of {other.launches} launches failed; of {one.variant}'s, "
            f"{one.failed} of {one.launches}."
            if difference > 0
            else ""
        )
    if (one.faults is None) != (other.faults is None):
        return (
            f"No fault case was run on it, neither {OWN} nor {HELLO}; {one.variant} fails "
            f"{one.faults.text}."
            if one.faults
            else ""
        )
    if one.faults and other.faults:
        both = frozenset(one.faults.failed) & frozenset(other.faults.failed)
        few, many = one.faults.count(both), other.faults.count(both)
        if few != many:
            return (
                f"It fails {many} of the {len(both)} fault cases that both ran "
                f"({other.faults.whose}); {one.variant} fails {few}."
                if few < many
                else ""
            )
    if one.leftovers and other.leftovers:
        ours = (one.leftovers.left_processes, one.leftovers.left_files)
        theirs = (other.leftovers.left_processes, other.leftovers.left_files)
        if ours < theirs:
            return (
                f"It leaves {theirs[0]} processes and {theirs[1]} files after a SIGKILL "
                f"({other.leftovers.whose}); {one.variant} leaves {ours[0]} and {ours[1]}."
            )
    return ""


def why_not(item: Standing, chosen: Standing, field: Sequence[Standing] = ()) -> str:
    """Why a variant that could ship does not, against the one that does.

    Args:
        item: The variant.
        chosen: What ships.
        field: All that could; one of them may be more reliable where the chosen is as reliable.
    """
    if reason := more_reliable(chosen, item):
        return reason
    if item.start_ms > SAME * chosen.start_ms:
        return (
            f"READY after {milliseconds(item.start_ms)}, {item.start_ms / chosen.start_ms:.1f} "
            f"times {chosen.variant}'s."
        )
    if reason := next((text for other in field if (text := more_reliable(other, item))), ""):
        return reason
    if item.packager != chosen.packager:
        return (
            "It is of the plan's other packager."
            if item.packager in TITLES
            else f"{item.packager} is not one of the plan's two packagers."
        )
    weight = _weight((item, chosen))
    if weight(item) > SAME * weight(chosen):
        return (
            f"It starts as soon, and is larger: {megabytes(weight(item))}, "
            f"{megabytes(weight(chosen))} for {chosen.variant}."
        )
    if (item.config_lines or 0) > (chosen.config_lines or 0):
        return (
            f"As good, and more to write: {item.config_lines} lines, {chosen.config_lines} for "
            f"{chosen.variant}."
        )
    return f"As good; {chosen.variant} starts sooner."


def _reasons(chosen: Standing, order: Sequence[Standing]) -> tuple[str, ...]:
    """Why a variant ships: reliability, start, size, in this order, each with what it is of."""
    reasons = [
        f"{chosen.failed} of {chosen.launches} launches failed"
        + (
            f" (at most {percent(chosen.rate_high)} with 95 % confidence)"
            if chosen.rate_high is not None
            else ""
        )
        + (
            f", and {chosen.faults.count()} of the {chosen.faults.run} fault cases that were run "
            f"({chosen.faults.whose})."
            if chosen.faults
            else "; its fault cases were not run."
        )
    ]
    rivals = [item for item in order if item is not chosen]
    if chosen.faults and chosen.faults.run < chosen.faults.of:
        reasons.append(
            f"It is ranked on these {chosen.faults.run} of {chosen.faults.of} fault cases: the "
            f"other {chosen.faults.of - chosen.faults.run} could not be run on it."
        )
    text = f"It is READY after {milliseconds(chosen.ready_ms)}"
    if chosen.folder and chosen.launcher_ms is not None:
        text += f", to which its launcher adds {added(chosen)} ({chosen.launcher_whose} launches)"
    if chosen.versus_python is not None:
        text += f", {chosen.versus_python:.2f} times python -I -S on the same script"
    sooner = [item.variant for item in rivals if item.start_ms < chosen.start_ms / SAME]
    text += (
        f"; sooner, but less reliable or of another packager: {', '.join(sooner)}."
        if sooner
        else "; none that can ship is clearly sooner."
    )
    return (*reasons, text)


def added(item: Standing) -> str:
    """What the launcher of a folder adds to a launch, in words."""
    above = item.launcher_ms is not None and item.launcher_ms > 0
    return milliseconds(item.launcher_ms) if above else "nothing that could be measured"


def _reconciled(proposal: Proposal, chosen: Standing | None, overall: Standing | None) -> str:
    if not proposal.packager or overall is None or overall.packager == proposal.packager:
        return ""
    plan = TITLES[proposal.packager]
    first = f"{overall.variant} ranks first of all that can ship"
    if overall.packager in TITLES:
        return (
            f"{first}, but the plan's rules choose {plan}: {proposal.reason.rstrip('.')}; so "
            f"{overall.variant} is the fallback, ready to take over."
        )
    return (
        f"{first}, but the plan decides between {' and '.join(TITLES.values())}; so "
        + (f"{chosen.variant} ships" if chosen else f"{plan} is chosen")
        + f", and {overall.variant} is what to look at when the plan is revised."
    )


def _unknown(standings: Sequence[Standing], option: str) -> tuple[str, ...]:
    """Say what was not measured of any variant, and the command that measures it."""
    missing = []
    for command, known in (
        (f"invoke size{option}", [item.package_bytes is not None for item in standings]),
        (f"invoke faults{option}", [item.faults is not None for item in standings]),
        (f"invoke complexity{option}", [item.leftovers is not None for item in standings]),
        (
            f"invoke host-latency{option}",
            [not item.folder or item.launcher_ms is not None for item in standings],
        ),
        (f"invoke verify{option}", [item.checked for item in standings]),
    ):
        if not all(known):
            lacking = [
                item.variant for item, there in zip(standings, known, strict=True) if not there
            ]
            whose = "all" if len(lacking) == len(standings) else ", ".join(lacking)
            missing.append(f"{whose}: not run by `{command}`")
    return tuple(missing)

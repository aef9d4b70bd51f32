"""What the host adds to a launch: READY as it sees it, against READY as our launcher sees it.

The same binary is launched by both in every round, in an order that is shuffled anew. For a folder
build the launcher binary that stands for it is measured as well, against the program itself, launch
by launch: a virtual processor may be half as fast again for some seconds, and then for both.

Every variant goes through rounds until the 95 % interval of what is asked is narrower than the
bar, or until there were enough rounds. That asks how wide the interval is and never where it lies,
so it favours no outcome (Chow and Robbins, On the Asymptotic Theory of Fixed-Width Sequential
Confidence Intervals, 1965).

The first launch of each host competes with WebKit, which is still drawing the window for the first
time. It is kept and shown apart: the launcher has no window that it could be compared with.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.targets import Target
from benchmarks.wording import ends
from spike.build.buildinfo import Built
from spike.core import statistics
from spike.core.progress import progress
from spike.core.tables import table
from spike.core.workspace import project
from spike.host import application, staging
from spike.host.application import Package
from spike.host.staging import Launching
from spike.launch import leftovers
from spike.launch.launcher import launch
from spike.launch.ready import Ready
from spike.launch.spec import LaunchSpec
from spike.measure import results
from spike.project.sidecar import Sidecar

NAME: Final = "host_latency"

HOST_WITHIN_MS: Final = 5.0
"""The host must see READY at most so much later than our launcher does, by medians."""

LAUNCHER_MAX_MS: Final = 3.0
"""The launcher binary of a folder build may cost less than this, by medians."""

HOST: Final = "host"
HOST_FIRST: Final = "host, first launch"
DIRECT: Final = "direct"
THROUGH: Final = "through launcher"

PER_ROUND: Final = 4
"""Launches a round by each: a host is started once for them, which takes longer than they do."""

MIN_ROUNDS: Final = 8
"""Rounds that every variant goes through, whatever the interval says: one of few launches can be
narrow by chance."""

HOLD_MS: Final = 300
"""How long a launch is left at READY, by host and launcher alike, and how long the host rests
before the next one. The window draws what it was told 100 ms before, so it would otherwise draw the
end of one launch while the next one starts."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What something adds to a launch, against its bar.

    Attributes:
        what: It, in words.
        adds_ms: Milliseconds that it adds, by medians.
        interval: Their 95 % interval; None of too few launches.
        bar_ms: The bar, which is also how narrow the interval has to be.
        missed: Whether the medians miss the bar.
    """

    what: str
    adds_ms: float
    interval: statistics.Interval | None
    bar_ms: float
    missed: bool

    @property
    def settled(self) -> bool:
        """Whether the interval is narrow enough."""
        return self.interval is not None and self.interval.high - self.interval.low <= self.bar_ms

    @property
    def miss(self) -> str:
        """What a miss is called, with the doubt that the interval leaves."""
        doubt = self.interval is None or self.interval.low < self.bar_ms
        return f"{self.what} adds {self.adds_ms:.1f} ms, the bar is {self.bar_ms:.0f}" + (
            ", which the interval does not exclude" if doubt else ""
        )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One variant's medians. Milliseconds from launch to READY.

    Attributes:
        variant: Its id.
        host_ms: As the host sees it.
        host_first_ms: The same of the first launch of each host.
        direct_ms: As our launcher sees the packager's program.
        through_ms: As our launcher sees the program behind the launcher binary that stands for a
            folder build; None where there is none.
        launches: Launches by each.
        host_adds: What the host sees later, with its 95 % interval; None of too few launches.
        launcher_adds: What the launcher binary costs, likewise; None as well where there is none.
    """

    variant: str
    host_ms: float
    host_first_ms: float | None
    direct_ms: float
    through_ms: float | None
    launches: int
    host_adds: statistics.Interval | None = None
    launcher_adds: statistics.Interval | None = None

    @property
    def same_ms(self) -> float:
        """As our launcher sees the very file that the host starts."""
        return self.direct_ms if self.through_ms is None else self.through_ms

    @property
    def host_adds_ms(self) -> float:
        """What the host sees later; below zero when it sees it earlier."""
        return self.host_ms - self.same_ms

    @property
    def launcher_adds_ms(self) -> float:
        """What the launcher binary costs; 0 where none is in between."""
        return self.same_ms - self.direct_ms

    @property
    def questions(self) -> tuple[Question, ...]:
        """What is asked of the variant."""
        host = Question(
            what="the host",
            adds_ms=self.host_adds_ms,
            interval=self.host_adds,
            bar_ms=HOST_WITHIN_MS,
            missed=self.host_adds_ms > HOST_WITHIN_MS,
        )
        if self.through_ms is None:
            return (host,)
        binary = Question(
            what="the launcher binary",
            adds_ms=self.launcher_adds_ms,
            interval=self.launcher_adds,
            bar_ms=LAUNCHER_MAX_MS,
            missed=self.launcher_adds_ms >= LAUNCHER_MAX_MS,
        )
        return (host, binary)

    @property
    def settled(self) -> bool:
        """Whether more launches are not needed: each interval is narrower than its bar."""
        return all(question.settled for question in self.questions)

    @property
    def goal_met(self) -> bool:
        """Whether both bars hold."""
        return not self.misses

    @property
    def misses(self) -> tuple[str, ...]:
        """What misses its bar, in words; and whether the interval leaves a doubt about that."""
        return tuple(
            f"{self.variant}: {question.miss}" for question in self.questions if question.missed
        )


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    rounds: int,
    seed: int,
    partial: bool = False,
) -> results.Result:
    """Launch every variant by host and launcher in turns.

    Whether the bars hold is told by the medians; their intervals say how far to trust that.

    Args:
        sidecar: Whose variants they are.
        targets: The variants.
        rounds: Rounds at most; a variant that is settled before goes through no more of them.
        seed: Seed of the order.
        partial: Whether the result is kept out of the record.

    Raises:
        SpikeError: The host cannot be built or shown, or a launch was not good.
    """
    application.check_tools()
    leftovers.adopt_orphans()
    built = [target.built for target in targets if target.built is not None]
    launcher = application.build_launcher() if any(item.folder for item in built) else None
    order = random.Random(seed)
    with (
        results.recording(
            NAME,
            sidecar,
            targets={
                item.info.variant: {"kind": "variant", "sha256": item.info.sha256} for item in built
            },
            settings={"rounds": rounds, "per_round": PER_ROUND, "seed": seed},
            partial=partial,
        ) as recorder,
        application.display() as screen,
        progress("host latency", rounds * len(built)) as step,
    ):
        packages = [_package(item, launcher) for item in built]
        number = 0
        taken: dict[str, list[dict[str, Any]]] = {item.info.variant: [] for item in built}
        for round_number in range(rounds):
            pairs = list(zip(built, packages, strict=True))
            order.shuffle(pairs)
            for item, package in pairs:
                variant = item.info.variant
                summary = _summary(variant, taken[variant]) if round_number >= MIN_ROUNDS else None
                if summary is not None and summary.settled:
                    step(variant)
                    continue
                takers: list[Callable[[], list[tuple[str, float | None]]]] = [
                    functools.partial(_by_host, package, screen),
                    functools.partial(_by_launcher, item, package, order),
                ]
                order.shuffle(takers)
                for take in takers:
                    for by, ready_ms in take():
                        sample: dict[str, Any] = {"by": by, "ready_ms": ready_ms}
                        taken[variant].append(sample)
                        recorder.add(variant, {"order": number, "round": round_number, **sample})
                        number += 1
                step(variant)
    return recorder.result()


def _package(item: Built, launcher: Path | None) -> Package:
    area = project() / "build" / "host" / "latency" / item.info.variant
    return application.package(staging.stage(item, launcher, Launching()), area)


def _by_host(package: Package, screen: str) -> list[tuple[str, float | None]]:
    test = application.self_test(package, "cycles", screen, cycles=PER_ROUND + 1, hold_ms=HOLD_MS)
    names = [HOST_FIRST, *[HOST] * PER_ROUND]
    seen = [entry["ready_ms"] for entry in test.journal["launches"]]
    return list(zip(names, seen, strict=True))


def _by_launcher(
    item: Built, package: Package, order: random.Random
) -> list[tuple[str, float | None]]:
    programs = {DIRECT: item.artifact, **({THROUGH: package.sidecar} if item.folder else {})}
    taken = []
    for _ in range(PER_ROUND):
        for way in order.sample(list(programs), len(programs)):
            spec = LaunchSpec(
                argv=(str(programs[way]), *item.sidecar.args),
                env=item.sidecar.env,
                ready=Ready.of(item.sidecar),
                ready_timeout_s=item.sidecar.ready_timeout_s,
                settle_s=HOLD_MS / 1000,
            )
            taken.append((way, launch(spec, inspect=leftovers.inspect).ready_ms))
    return taken


def summarise(result: results.Result) -> list[Summary]:
    """The medians of every variant whose launches all reached READY at least once by each way."""
    found = [_summary(variant, result.of(variant)) for variant in result.targets]
    return [summary for summary in found if summary is not None]


def _summary(variant: str, samples: Sequence[Mapping[str, Any]]) -> Summary | None:
    ways = (HOST, HOST_FIRST, DIRECT, THROUGH)
    launches: dict[str, list[float | None]] = {way: [] for way in ways}
    for sample in samples:
        launches[str(sample["by"])].append(sample["ready_ms"])
    medians = {
        way: statistics.median([value for value in values if value is not None])
        for way, values in launches.items()
    }
    host, direct, through = medians[HOST], medians[DIRECT], medians[THROUGH]
    if host is None or direct is None:
        return None
    same = DIRECT if through is None else THROUGH
    return Summary(
        variant=variant,
        host_ms=host,
        host_first_ms=medians[HOST_FIRST],
        direct_ms=direct,
        through_ms=through,
        launches=len(launches[HOST]),
        host_adds=_difference(launches[HOST], launches[same]),
        launcher_adds=_difference(launches[THROUGH], launches[DIRECT]),
    )


def _difference(one: list[float | None], other: list[float | None]) -> statistics.Interval | None:
    # The launches of one round stand at the same places in both. Those of one host are alike: in
    # the recorded run up to 0.7 of what they vary is between rounds.
    if len(one) != len(other):
        return None
    return statistics.difference_of_medians(one, other, per_round=PER_ROUND)


def missed(result: results.Result) -> list[str]:
    """Variants whose bars do not hold, or that did not come to READY by each way."""
    summaries = {item.variant: item for item in summarise(result)}
    return [
        f"missed: {name}"
        for name in result.targets
        if name not in summaries or not summaries[name].goal_met
    ]


def summary(result: results.Result) -> str:
    """What host and launcher add, in one sentence."""
    rows = summarise(result)
    host = {item.variant: item.host_adds_ms for item in rows}
    binary = {item.variant: item.launcher_adds_ms for item in rows if item.through_ms is not None}
    missed = sum(bool(item.misses) for item in rows)

    def shown(value: float) -> str:
        return f"{value:.1f} ms"

    return (
        f"By medians the host sees READY {ends(host, shown)} later than the launcher here"
        + (f", and the launcher binary of a folder adds {ends(binary, shown)}" if binary else "")
        + f"; {missed} of {len(rows)} variants miss a bar ({HOST_WITHIN_MS:.0f} ms and "
        f"{LAUNCHER_MAX_MS:.0f} ms)."
    )


def render(result: results.Result) -> str:
    """The table that the task prints."""
    return render_summaries(summarise(result))


def render_summaries(summaries: Sequence[Summary]) -> str:
    """A row a variant, and in words what missed its bar."""

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}"

    def within(interval: statistics.Interval | None) -> str:
        return "" if interval is None else f" ({interval.low:.1f} to {interval.high:.1f})"

    rows = table(
        [
            "variant",
            "launches by each",
            "launcher ms",
            "host ms",
            "host adds ms, 95 % interval",
            "binary adds ms, 95 % interval",
            "host, first launch ms",
        ],
        [
            [
                item.variant,
                str(item.launches),
                shown(item.same_ms),
                shown(item.host_ms),
                shown(item.host_adds_ms) + within(item.host_adds),
                shown(None if item.through_ms is None else item.launcher_adds_ms)
                + within(item.launcher_adds),
                shown(item.host_first_ms),
            ]
            for item in summaries
        ],
    )
    missed = [sentence for item in summaries for sentence in item.misses]
    return "\n".join([rows, *([""] if missed else []), *missed])

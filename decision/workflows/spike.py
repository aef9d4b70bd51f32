"""The whole plan in order, skipping what is up to date: the workflow behind ``invoke spike``."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.definition import Benchmark, Rows
from benchmarks.registry import BENCHMARKS, CHECKLIST, RELIABILITY
from benchmarks.targets import Target
from decision import evidence
from decision.evidence import Evidence
from decision.record import documents
from decision.workflows import measuring
from spike.build import buildinfo, doctor, sessions
from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, MissingToolError, SpikeError
from spike.core.workspace import display_path
from spike.host import application, verify
from spike.measure import provenance
from spike.measure.results import Result
from spike.packagers import DEFAULT_PACKAGERS, DEFAULT_VARIANTS, VARIANTS
from spike.project.sidecar import Sidecar


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run was asked for.

    Attributes:
        launches: Of each variant, for the reliability.
        with_host: Whether to run what needs the Tauri host.
        force: Whether to do again what is up to date.
        draft: Whether to draft problems for the issue log.
        whole: Whether to run also the benchmarks that the plan does not ask for.
    """

    launches: int
    with_host: bool
    force: bool
    draft: bool = False
    whole: bool = False


def run(sidecar: Sidecar, settings: Settings, *, with_deps: bool) -> int:
    """Carry out the plan; see the steps below.

    Args:
        sidecar: What is packaged.
        settings: What was asked for.
        with_deps: Whether to install system packages that are missing.

    Returns:
        0 when every variant meets the plan's reliability target and no row of the checklist
        fails, else 1.

    Raises:
        SpikeError: A step could not be done; the steps before it are kept.
    """
    started = time.monotonic()
    check_tools(with_deps)
    build(sidecar, settings)
    measure(sidecar, settings)
    known = record(sidecar)
    print(f"done in {time.monotonic() - started:.0f} s")  # noqa: T201 - progress of a command
    return verdict(known)


def record(sidecar: Sidecar) -> Evidence:
    """Write the record, and give what it says.

    It is about the sidecar's own Python: of another one, where the results lie is said instead.
    """
    headline("decision record")
    if sidecar.python_name:
        place = display_path(sidecar.workspace.results)
        row = f"a row of it, with reports of its own: invoke adr{sidecar.option}"
        print(f"unchanged; results of Python {sidecar.python_name} lie in {place}")  # noqa: T201
        print(row)  # noqa: T201 - progress of a command
        return evidence.gather(sidecar)
    made = documents.gathered(sidecar)
    if said := evidence.origin(made.facts.evidence):
        print(said)  # noqa: T201 - progress of a command
    print(documents.told(made.write()))  # noqa: T201
    return made.facts.evidence


def check_tools(with_deps: bool) -> None:
    """Make sure of what the builds need before minutes are spent.

    Raises:
        MissingToolError: Something is missing; the message names it and the command.
    """
    headline("tools")
    found = doctor.examine()
    if with_deps and doctor.install(found):
        found = doctor.examine()
    lacking = [item for item in doctor.missing(found, purpose="builds") if item.need.required]
    if lacking:
        raise MissingToolError(
            "Missing for the builds: " + ", ".join(item.need.name for item in lacking) + ".",
            try_next="invoke spike --with-deps, or: " + "; ".join(item.remedy for item in lacking),
        )
    print("all tools for the builds are there")  # noqa: T201 - progress of a command


def build(sidecar: Sidecar, settings: Settings) -> None:
    """Build every default variant, each packager in its own Nox session.

    Where the host was never compiled that is done meanwhile, and so are the failing sidecars of its
    checklist: nothing is measured yet.

    Raises:
        BuildFailedError: A session failed; its output has said why.
    """
    headline("build")
    hosting = application.compiled_meanwhile() if settings.with_host else nullcontext(False)
    with hosting as compiling:
        sessions.build(sidecar, DEFAULT_PACKAGERS, force=settings.force, draft=settings.draft)
        if compiling:
            with suppress(SpikeError):  # the checklist says what went wrong
                for name in DEFAULT_VARIANTS:
                    verify.faulty_build(VARIANTS[name], sidecar)


def measure(sidecar: Sidecar, settings: Settings, only: Collection[str] = ()) -> None:
    """Run every benchmark of the plan whose last result is not of these binaries, made here.

    Args:
        sidecar: What was built.
        settings: What the run was asked for.
        only: Names of benchmarks; all of them when empty.
    """
    seen = _Seen(sidecar)
    for benchmark in BENCHMARKS.values():
        if not (benchmark.in_spike or settings.whole) or (only and benchmark.name not in only):
            continue
        if benchmark.in_host and not settings.with_host:
            continue
        if sidecar.python_name and not benchmark.takes_python:
            continue
        headline(benchmark.name.replace("_", " "))
        if not (benchmark.any_sidecar or sidecar.is_hello):
            continue
        # Looked at anew only behind a run: with everything up to date it is most of the time.
        if _measure_one(benchmark, sidecar, settings, seen):
            seen = _Seen(sidecar)


@dataclass(frozen=True)
class _Seen:
    """What there is before a benchmark may run, each looked for once."""

    sidecar: Sidecar

    @cached_property
    def known(self) -> Evidence:
        return evidence.gather(self.sidecar)

    @cached_property
    def usable(self) -> measuring.Usable:
        return buildinfo.find_usable(self.sidecar)

    @cached_property
    def here(self) -> Mapping[str, Any]:
        return provenance.collect()


def _measure_one(benchmark: Benchmark, sidecar: Sidecar, settings: Settings, seen: _Seen) -> bool:
    """Run one benchmark, unless it is up to date or lacks an optional tool; say which.

    Args:
        benchmark: What may have to run.
        sidecar: What was built.
        settings: What the run was asked for.
        seen: What there is.

    Returns:
        Whether it ran.
    """
    usable = None if benchmark.rows is Rows.NONE else seen.usable
    chosen = measuring.choose(benchmark, sidecar, usable=usable)
    for error in chosen.left_out:
        print(f"left out: {error}")  # noqa: T201 - progress of a command
    current = evidence.usable(seen.known, benchmark.name)
    if (
        current is not None
        and not settings.force
        and is_current(current, chosen.targets, settings, here=seen.here)
    ):
        print(f"up to date (of {current.provenance.get('at')})")  # noqa: T201
        return False
    if why := benchmark.unavailable():
        print(f"not run: {why}")  # noqa: T201 - the record says so as well
        return False
    asked: dict[str, Any] = {"launches": settings.launches} if benchmark.name == RELIABILITY else {}
    result = benchmark.run(sidecar, chosen.targets, **asked)
    measuring.show(benchmark, sidecar, result, draft=settings.draft)
    return True


def is_current(
    result: Result,
    targets: Sequence[Target],
    settings: Settings,
    *,
    here: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a result has every target as it is now, measured here, with enough launches.

    Args:
        result: The last whole run.
        targets: What would be measured now.
        settings: What was asked for.
        here: :func:`spike.measure.provenance.collect`, where it was asked a moment ago.
    """
    if provenance.difference(result.provenance, here or provenance.collect()):
        return False
    if result.benchmark == RELIABILITY and result.settings["launches"] < settings.launches:
        return False
    return all(
        target.id in result.targets and result.targets[target.id]["sha256"] == target.sha256
        for target in targets
    )


def verdict(known: Evidence) -> int:
    """The exit code that the plan's reliability target and its checklist ask for."""
    for name in (RELIABILITY, CHECKLIST):
        result = evidence.usable(known, name)
        if result is None and name == RELIABILITY:
            return EXIT_GOAL_MISSED
        if result is not None and BENCHMARKS[name].missed(result):
            return EXIT_GOAL_MISSED
    return EXIT_OK


def headline(text: str) -> None:
    """Set one step off from the next."""
    print(f"\n== {text}", flush=True)  # noqa: T201 - progress of a command

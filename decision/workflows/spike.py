"""The whole plan in order, skipping what is up to date: the workflow behind ``invoke spike``."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from benchmarks import (
    cold_start,
    complexity,
    footprint,
    instructions,
    phases,
    reliability,
    selfcheck,
    size,
)
from benchmarks.targets import Target, all_targets
from decision import drafts, evidence
from decision.record import documents, figures
from spike.build import buildinfo, doctor, sessions
from spike.core import requirements
from spike.core.errors import EXIT_GOAL_MISSED, EXIT_OK, MissingToolError, StorageError
from spike.core.workspace import display_path
from spike.host import verify
from spike.measure import provenance, results
from spike.measure.results import Result
from spike.packagers import PACKAGERS
from spike.project.sidecar import Sidecar, load


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a run was asked for."""

    launches: int
    with_host: bool
    force: bool


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One benchmark as a step.

    Attributes:
        name: The benchmark, which is also its result file.
        run: Measures the targets.
        render: Its table, for the terminal.
        unavailable: Says which optional tool it lacks here; empty when it can run.
        of_variants: Whether it measures the variants, or the measuring itself.
    """

    name: str
    run: Callable[[list[Target], Settings], Result]
    render: Callable[[Result], str]
    unavailable: Callable[[], str] = lambda: ""
    of_variants: bool = True


MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement(
        name=selfcheck.NAME,
        # Of our own sidecar: it asks about the machine and the launcher, not about a program.
        run=lambda targets, settings: selfcheck.run(load()),
        render=selfcheck.render,
        unavailable=selfcheck.unavailable,
        of_variants=False,
    ),
    Measurement(
        name=reliability.NAME,
        run=lambda targets, settings: reliability.run(targets, launches=settings.launches, seed=1),
        render=lambda result: reliability.render(reliability.summarise(result)),
    ),
    Measurement(
        name=size.NAME,
        run=lambda targets, settings: size.run(targets),
        render=size.render,
    ),
    Measurement(
        name=complexity.NAME,
        run=lambda targets, settings: complexity.run(targets),
        render=complexity.render,
    ),
    Measurement(
        name=cold_start.NAME,
        run=lambda targets, settings: cold_start.run(targets, launches=cold_start.ROUNDS, seed=1),
        render=cold_start.render,
    ),
    Measurement(
        name=footprint.NAME,
        run=lambda targets, settings: footprint.run(targets),
        render=footprint.render,
    ),
    Measurement(
        name=phases.NAME,
        run=lambda targets, settings: phases.run(targets),
        render=phases.render,
        unavailable=phases.unavailable,
    ),
    Measurement(
        name=instructions.NAME,
        run=lambda targets, settings: instructions.run(targets),
        render=instructions.render,
        unavailable=instructions.unavailable,
    ),
)


def run(sidecar: Sidecar, *, launches: int, with_deps: bool, with_host: bool, force: bool) -> int:
    """Carry out the plan; see the steps below.

    Returns:
        0 when every variant meets the plan's reliability target and no row of the checklist
        fails, else 1.

    Raises:
        SpikeError: A step could not be done; the steps before it are kept.
    """
    settings = Settings(launches=launches, with_host=with_host, force=force)
    started = time.monotonic()
    check_tools(with_deps)
    build(sidecar, settings)
    measure(sidecar, settings)
    if with_host:
        check_host(sidecar, settings)
    set_aside(sidecar)
    headline("decision record")
    for path in documents.of(sidecar, ""):
        changed = documents.write(path, evidence.gather(sidecar))
        print(f"{display_path(path)}: {'written' if changed else 'unchanged'}")  # noqa: T201
    print(f"done in {time.monotonic() - started:.0f} s")  # noqa: T201 - progress of a command
    return verdict(sidecar)


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

    Raises:
        BuildFailedError: A session failed; its output has said why.
    """
    headline("build")
    sessions.build(sidecar, list(PACKAGERS), force=settings.force)


def measure(sidecar: Sidecar, settings: Settings, only: Collection[str] = ()) -> None:
    """Run every benchmark whose last result is not of these binaries and this machine.

    Args:
        sidecar: What was built.
        settings: What the run was asked for.
        only: Names of benchmarks; all of them when empty.
    """
    targets = all_targets(sidecar, buildinfo.find_all(sidecar))
    for step in MEASUREMENTS:
        if only and step.name not in only:
            continue
        headline(step.name.replace("_", " "))
        if not step.of_variants and not sidecar.is_hello:
            continue
        if step.unavailable():
            print(f"not run: {step.unavailable()}")  # noqa: T201 - progress of a command
            continue
        known = evidence.gather(sidecar)
        current = evidence.usable(known, step.name)
        measured = targets if step.of_variants else []
        if not settings.force and current is not None and is_current(current, measured, settings):
            print(f"up to date (of {current.provenance.get('at')})")  # noqa: T201
            continue
        result = step.run(targets, settings)
        print(step.render(result))  # noqa: T201 - progress of a command
        if said := figures.disturbances(result):
            print(said)  # noqa: T201 - progress of a command
        drafts.log(drafts.in_result(result, sidecar), sidecar)


def set_aside(sidecar: Sidecar) -> None:
    """Move results of another machine away: a record is about one, and they would contradict it.

    A fresh clone has the results of the machine that wrote its record. What this run has not
    measured anew, such as the hostile machines, is kept in ``elsewhere/`` and leaves the record.
    """
    here = provenance.collect()
    for name, result in evidence.gather(sidecar).results.items():
        field = provenance.difference(result.provenance, here)
        if not field or result.path is None:
            continue
        place = result.path.parent / "elsewhere" / result.path.name
        try:
            place.parent.mkdir(exist_ok=True)
            result.path.replace(place)
        except OSError as error:
            raise StorageError(
                f"{display_path(result.path)} cannot be moved: {error.strerror}.",
                try_next=f"check the rights of {display_path(place.parent)}",
            ) from None
        print(  # noqa: T201 - progress of a command
            f"{name}: of another machine ({field}), kept as {display_path(place)}; "
            f"here it is made by: {results.command(name, sidecar)}"
        )


def check_host(sidecar: Sidecar, settings: Settings) -> None:
    """Run the checklist in the Tauri host, where its tools are; else say what is missing."""
    headline("checklist in the Tauri host")
    current = evidence.usable(evidence.gather(sidecar), verify.NAME)
    targets = [item for item in all_targets(sidecar, buildinfo.find_all(sidecar)) if item.built]
    if not settings.force and current is not None and is_current(current, targets, settings):
        print(f"up to date (of {current.provenance.get('at')})")  # noqa: T201
        return
    try:
        result = verify.run(sidecar, (), cycles=requirements.MIN_STABLE_CYCLES)
    except MissingToolError as error:
        print(f"not run: {error}")  # noqa: T201 - the record says so as well
        return
    print(verify.render(result))  # noqa: T201 - progress of a command
    drafts.log(drafts.in_result(result, sidecar), sidecar)


def is_current(result: Result, targets: list[Target], settings: Settings) -> bool:
    """Whether a result has every target as it is now, on this machine, with enough launches."""
    if provenance.difference(result.provenance, provenance.collect()):
        return False
    if result.benchmark == reliability.NAME and result.settings["launches"] < settings.launches:
        return False
    return all(
        target.id in result.targets and result.targets[target.id]["sha256"] == target.sha256
        for target in targets
    )


def verdict(sidecar: Sidecar) -> int:
    """The exit code that the plan's reliability target asks for."""
    result = evidence.usable(evidence.gather(sidecar), reliability.NAME)
    if result is None:
        return EXIT_GOAL_MISSED
    met = all(item.goal_met for item in reliability.summarise(result))
    rows = evidence.usable(evidence.gather(sidecar), verify.NAME)
    if rows is not None and verify.failed(rows):
        return EXIT_GOAL_MISSED
    return EXIT_OK if met else EXIT_GOAL_MISSED


def headline(text: str) -> None:
    """Set one step off from the next."""
    print(f"\n== {text}", flush=True)  # noqa: T201 - progress of a command

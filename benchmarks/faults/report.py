"""The suite as a benchmark: a run with its raw samples, and the tables made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.faults import runner, supervised
from benchmarks.faults.case import Case, categories
from benchmarks.faults.counts import Cell, category_of, cells, comparable, tallies, unstable
from benchmarks.faults.entries import entries_by_cell, unlogged
from benchmarks.faults.targets import (
    FaultTarget,
    behind_ours,
    build_probes,
    facts,
    fault_targets,
    is_ours,
    lacking_in_host,
)
from benchmarks.faults.verdict import Status
from benchmarks.targets import Target
from spike.core.progress import progress
from spike.core.tables import table
from spike.measure import results
from spike.project.sidecar import Sidecar

NAME = "faults"
IN_HOST = "faults_host"
"""The cases of life and death in the real application: a run and a file of their own."""


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    cases: Sequence[Case] = (),
    repeat: int = 1,
    seed: int = runner.SEED,
    partial: bool = False,
) -> results.Result:
    """Run cases on variants and keep every result.

    Args:
        sidecar: The hello sidecar, or another one: then what only the hello sidecar and the probe
            can show is not run.
        targets: Its variants.
        cases: What to run; every case when empty.
        repeat: How often, one whole run after another: verdicts must be the same.
        seed: Of everything that is drawn.
        partial: Whether this is a choice of cases or variants.

    Raises:
        BuildFailedError: A probe does not build.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
        SpikeError: A worker died.
    """
    cases = cases or runner.select(())
    built = [target.built for target in targets if target.built is not None]
    build_probes([item for item in built if item.sidecar.is_hello], cases)
    on = fault_targets(built)
    rows = {target.id: target.as_json() for target in targets}
    if any(one.of_life_and_death for one in cases):
        ours = behind_ours(on)
        rows |= {target.id: facts(target) for target in ours}
        on += ours
    work = runner.jobs(cases, on)
    return _run(NAME, sidecar, rows, work, repeat=repeat, seed=seed, partial=partial)


def run_in_host(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    cases: Sequence[Case] = (),
    repeat: int = 1,
    seed: int = runner.SEED,
    partial: bool = False,
) -> results.Result:
    """Run the cases of life and death on the real application with each variant inside.

    Args:
        sidecar: See :func:`run`; likewise the others.
        targets: Its variants.
        cases: What to run, every case when empty; those of other categories are left out.
        repeat: How often.
        seed: Of everything that is drawn.
        partial: Whether this is a choice of cases or variants.

    Raises:
        MissingToolError: Something that the application needs is missing.
        BuildFailedError: The application cannot be built.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
        SpikeError: A worker died.
    """
    cases = cases or runner.select(())
    built = [target.built for target in targets if target.built is not None]
    with supervised.in_host(built) as programs:
        lacks = {item.info.variant: lacking_in_host(item) for item in built}
        on = [
            FaultTarget(id=f"host+{name}", hello=program, probe=None, lacks=lacks[name], host=True)
            for name, program in programs.items()
        ]
        rows = {target.id: target.as_json() for target in targets}
        rows |= {target.id: facts(target) for target in on}
        work = runner.jobs(cases, on)
        return _run(IN_HOST, sidecar, rows, work, repeat=repeat, seed=seed, partial=partial)


def _run(
    name: str,
    sidecar: Sidecar,
    targets: Mapping[str, Mapping[str, Any]],
    work: Sequence[tuple[Case, FaultTarget]],
    *,
    repeat: int,
    seed: int,
    partial: bool,
) -> results.Result:
    with (
        results.recording(
            name,
            sidecar,
            targets=targets,
            settings={"seed": seed, "repeat": repeat, "workers": runner.WORKERS},
            partial=partial,
        ) as recorder,
        progress(name.replace("_", " "), len(work) * repeat) as step,
    ):
        for number in range(repeat):
            for case_run in runner.run(work, seed=seed):
                recorder.add(case_run.target, {"repetition": number, **case_run.as_sample()})
                step(f"{case_run.case} {case_run.target}: {case_run.status}")
    return recorder.result()


def summary(result: results.Result) -> str:
    """The variants with the fewest and the most failed cases, and all of them together."""
    shown = [cell for cell in cells(result) if not is_ours(cell.target)]
    counts = {name: tally for name, tally in tallies(shown).items() if tally.run}
    if not counts:
        return "No fault case could be run."

    def order(name: str) -> tuple[float, int]:
        return counts[name].counts[Status.FAIL] / counts[name].run, -counts[name].run

    fewest, most = (
        f"{counts[name].text(Status.FAIL)} ({name})"
        for name in (min(counts, key=order), max(counts, key=order))
    )
    total = sum(tally.run for tally in counts.values())
    degraded = sum(tally.counts[Status.DEGRADED] for tally in counts.values())
    lacking = sum(tally.counts[Status.NOT_RUN] for tally in counts.values())
    return (
        f"Of {len({cell.case for cell in shown})} cases on each of {len(counts)} variants, from "
        f"{fewest} to {most} of those run fail; {degraded} of {total} in all are degraded, and "
        f"{lacking} of {total + lacking} could not be run."
    )


def render_in_host(result: results.Result) -> str:
    """The cases of life and death on the real application."""
    return render_ours(cells(result))


def summary_in_host(result: results.Result) -> str:
    """How many cases left nothing, of how many that were run."""
    ran = [cell for cell in cells(result) if cell.status is not Status.NOT_RUN]
    good = sum(cell.status is Status.PASS for cell in ran)
    return (
        f"{good} of {len(ran)} left nothing: {len({cell.case for cell in ran})} cases of life and "
        f"death on the real Tauri host with each of {len({cell.target for cell in ran})} variants."
    )


def missed(result: results.Result) -> list[str]:
    """What fails and has no entry in the issue log, in one sentence; nothing when all has."""
    names = unlogged(cells(result), entries_by_cell(pythons=_pythons(result)))
    return [f"fails, and is not in the issue log: {', '.join(names)}"] if names else []


def _pythons(result: results.Result) -> set[str]:
    """Versions of the Python that was packaged."""
    builds = (facts.get("build") or {} for facts in result.targets.values())
    return {str(build["python_version"]) for build in builds if build.get("python_version")}


def render(result: results.Result, known: Mapping[tuple[str, str], str] | None = None) -> str:
    """The section of the record: counts, what differs, and what fails, with its entries.

    Args:
        result: A run of the cases.
        known: Entry of the issue log by case and variant; read from the log when None.
    """
    entries = entries_by_cell(pythons=_pythons(result)) if known is None else known
    everything = cells(result)
    shown = [cell for cell in everything if not is_ours(cell.target)]
    ours = [cell for cell in everything if is_ours(cell.target)]
    changing = unstable(everything)
    parts = [
        render_counts(shown),
        render_ranking(shown),
        render_differences(shown),
        _details("What fails, and the entry of the issue log that reproduces it:", shown, entries),
        _details("What is degraded:", shown),
        render_not_run(shown),
        render_ours(ours) if ours else "",
        f"Not the same in every repetition: {', '.join(changing)}." if changing else "",
    ]
    return "\n\n".join(filter(None, parts))


def render_counts(shown: Sequence[Cell]) -> str:
    """Cases by status, a row a variant, each count with the number it is of."""
    if not shown:
        return ""
    statuses = (Status.PASS, Status.DEGRADED, Status.FAIL)
    used = [name for name in categories() if any(category_of(cell.case) == name for cell in shown)]
    by_category = {
        name: tallies(cell for cell in shown if category_of(cell.case) == name) for name in used
    }
    rows = [
        [
            name,
            f"{tally.run} of {tally.of}",
            *(tally.text(status) for status in statuses),
            *(
                by_category[category][name].text(Status.FAIL)
                if name in by_category[category]
                else "-"
                for category in used
            ),
        ]
        for name, tally in tallies(shown).items()
    ]
    headers = ["variant", "run", *(status.value for status in statuses)]
    headers += [f"fail: {name.replace('_', ' ')}" for name in used]
    text = "Each count is of the cases that were run; the last columns count those that fail."
    return f"{table(headers, rows, numeric=1)}\n\n{text}"


def render_ranking(shown: Sequence[Cell]) -> str:
    """The variants from few failures to many, on the cases that all of them went through.

    Empty for one variant, and when there is no case that all went through.
    """
    counted = tallies(comparable(shown))
    if len(counted) < 2:
        return ""
    cases = len({cell.case for cell in shown})
    of = next(iter(counted.values())).of
    ranked = sorted(
        counted.items(),
        key=lambda item: (item[1].counts[Status.FAIL], item[1].counts[Status.DEGRADED]),
    )
    rows = [[name, tally.text(Status.FAIL), tally.text(Status.DEGRADED)] for name, tally in ranked]
    text = f"Compared on the {of} of {cases} cases that were run on every variant"
    if of < cases:
        text += f"; the other {cases - of} say nothing about who is better"
    return f"{text}:\n\n" + table(["variant", "fail", "degraded"], rows, numeric=1)


def render_differences(shown: Sequence[Cell]) -> str:
    """The cases that do not pass everywhere they ran as a table, and the others in sentences."""
    targets = list(dict.fromkeys(cell.target for cell in shown))
    by_case: dict[str, dict[str, Cell]] = {}
    for cell in shown:
        by_case.setdefault(cell.case, {})[cell.target] = cell
    passing = [
        case
        for case, row in by_case.items()
        if all(cell.status is Status.PASS for cell in row.values())
    ]
    nowhere = [
        case
        for case, row in by_case.items()
        if all(cell.status is Status.NOT_RUN for cell in row.values())
    ]
    rows = [
        [category_of(case), case, *(_cell(row.get(name)) for name in targets)]
        for case, row in by_case.items()
        if case not in passing and case not in nowhere
    ]
    parts = []
    if rows:
        parts += [
            f"{len(rows)} of {len(by_case)} cases do not pass everywhere:",
            table(["category", "case", *targets], rows),
        ]
    if passing:
        names = ", ".join(f"`{case}`" for case in passing)
        parts.append(f"{len(passing)} of {len(by_case)} pass for every variant: {names}.")
    if nowhere:
        parts.append(f"{len(nowhere)} of {len(by_case)} could be run on no variant: see below.")
    return "\n\n".join(parts)


def _details(
    title: str, shown: Sequence[Cell], entries: Mapping[tuple[str, str], str] | None = None
) -> str:
    """What fails, with its entries; what is degraded, without them.

    Variants on which a case has shown the same stand together.
    """
    status = Status.DEGRADED if entries is None else Status.FAIL
    alike: dict[tuple[str, ...], list[str]] = {}
    for cell in shown:
        if cell.status is status:
            found = () if entries is None else (entries.get((cell.case, cell.target), "none"),)
            alike.setdefault((cell.case, cell.detail, *found), []).append(cell.target)
    rows = [
        [case, ", ".join(targets), detail, *found]
        for (case, detail, *found), targets in alike.items()
    ]
    headers = ["case", "variant", "what was seen"] + ([] if entries is None else ["issue"])
    return f"{title}\n\n{table(headers, rows)}" if rows else ""


def render_not_run(shown: Sequence[Cell]) -> str:
    """What could not be run, by reason; variants that lack the same cases stand together."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for cell in shown:
        if cell.status is Status.NOT_RUN:
            lacking.setdefault((cell.target, cell.detail), []).append(cell.case)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (target, reason), cases in lacking.items():
        alike.setdefault((reason, tuple(cases)), []).append(target)
    everything = tallies(shown)
    lines = [
        f"- {'all' if len(targets) == len(everything) > 1 else ', '.join(targets)}, "
        f"{len(cases)} of {everything[targets[0]].of} cases: {reason} "
        f"({', '.join(f'`{case}`' for case in cases)})"
        for (reason, cases), targets in alike.items()
    ]
    return "Not run:\n\n" + "\n".join(lines) if lines else ""


def render_ours(shown: Sequence[Cell]) -> str:
    """Behind supervisor, launcher or host: nothing may be left, whatever the packager does."""
    ran = [cell for cell in shown if cell.status is not Status.NOT_RUN]
    bad = [cell for cell in ran if cell.status is not Status.PASS]
    targets = dict.fromkeys(cell.target for cell in shown)
    cases = dict.fromkeys(cell.case for cell in shown)
    text = (
        f"Behind our own code the expectation is strict: nothing left, no process and no file, "
        f"whatever the packager does. Of {len(cases)} cases of life and death "
        f"on {len(targets)} ({', '.join(targets)}), {len(ran) - len(bad)} of {len(ran)} that "
        f"could be run pass."
    )
    rows = [[cell.case, cell.target, cell.status.value, cell.detail] for cell in bad]
    found = table(["case", "on", "status", "what was seen"], rows) if rows else ""
    return "\n\n".join(filter(None, [text, found, render_not_run(shown)]))


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    text = cell.status.value
    return f"**{text}**" if cell.status is Status.FAIL else text


def render_list(cases: Sequence[Case], platform: str = "") -> str:
    """Every case with its expectation and its needs.

    Args:
        cases: Which.
        platform: One of :data:`benchmarks.faults.needs.PLATFORMS`: only those that can be tried
            there, then the others with the reason; all of them when empty.
    """
    reasons = {one.name: one.not_on(platform) if platform else "" for one in cases}
    rows = [
        [one.category, one.name, one.expectation, ", ".join(one.needs) or "-"]
        for one in cases
        if not reasons[one.name]
    ]
    parts = [table(["category", "case", "what a user may expect", "needs"], rows)] if rows else []
    if platform:
        parts.append(f"{len(rows)} of {len(cases)} cases can be tried on {platform}.")
    if elsewhere := [f"- {name}: {reason}" for name, reason in reasons.items() if reason]:
        parts += [f"Not on {platform}:", "\n".join(elsewhere)]
    return "\n\n".join(parts)

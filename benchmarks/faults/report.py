"""The suite as a benchmark: a run with its raw samples, and the tables made from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults import runner, supervised
from benchmarks.faults.case import Case, all_cases, categories
from benchmarks.faults.targets import (
    FaultTarget,
    behind_ours,
    build_probes,
    facts,
    fault_targets,
    is_ours,
)
from benchmarks.faults.verdict import SEVERITY, Status
from benchmarks.targets import Target
from spike.core import process
from spike.core.progress import progress
from spike.core.tables import table
from spike.core.workspace import project
from spike.measure import results
from spike.project.sidecar import Sidecar

NAME = "faults"
IN_HOST = "faults_host"
"""The cases of life and death in the real application: a run and a file of their own."""

COLUMNS = (Status.PASS, Status.DEGRADED, Status.FAIL, Status.NOT_RUN)

REPRODUCE = "python -m benchmarks.faults.reproduce"
"""The command with which an entry of the issue log names a case and a variant."""

_NAMED = re.compile(re.escape(REPRODUCE) + r"((?: +[a-z0-9_+-]+)+)")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One case on one variant, over all repetitions.

    Attributes:
        case: The case's name.
        target: The variant's id.
        status: The worst status of the repetitions.
        stable: Whether all repetitions had the same status.
        detail: What was seen, or why it was not run.
        elapsed_s: Seconds of the slowest repetition.
    """

    case: str
    target: str
    status: Status
    stable: bool
    detail: str
    elapsed_s: float


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    cases: Sequence[Case],
    repeat: int = 1,
    seed: int = runner.SEED,
    partial: bool = False,
) -> results.Result:
    """Run cases on variants and keep every result.

    Args:
        sidecar: The hello sidecar.
        targets: Its variants.
        cases: What to run.
        repeat: How often, one whole run after another: verdicts must be the same.
        seed: Of everything that is drawn.
        partial: Whether this is a choice of cases or variants.

    Raises:
        BuildFailedError: A probe does not build.
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
        SpikeError: A worker died.
    """
    built = [target.built for target in targets if target.built is not None]
    build_probes(built, cases)
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
    cases: Sequence[Case],
    repeat: int = 1,
    seed: int = runner.SEED,
    partial: bool = False,
) -> results.Result:
    """Run the cases of life and death on the real application with each variant inside.

    Args:
        sidecar: See :func:`run`; likewise the others.
        targets: Its variants.
        cases: What to run; those of other categories are left out.
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
    built = [target.built for target in targets if target.built is not None]
    with supervised.in_host(built) as programs:
        on = [
            FaultTarget(id=f"host+{name}", hello=program, probe=None, host=True)
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


def cells(result: results.Result) -> list[Cell]:
    """Every case on every variant, in the order of the categories and of the targets."""
    by_cell: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for sample in result.samples:
        by_cell.setdefault((str(sample["case"]), str(sample["target"])), []).append(sample)
    order = {name: number for number, name in enumerate(all_cases())}
    columns = {name: number for number, name in enumerate(result.targets)}
    made = []
    for (case, target), samples in by_cell.items():
        worst = max(samples, key=lambda sample: SEVERITY[Status(sample["status"])])
        made.append(
            Cell(
                case=case,
                target=target,
                status=Status(worst["status"]),
                stable=len({sample["status"] for sample in samples}) == 1,
                detail=str(worst.get("detail") or worst.get("reason") or ""),
                elapsed_s=max(float(sample["elapsed_s"]) for sample in samples),
            )
        )
    return sorted(made, key=lambda cell: (order.get(cell.case, 10**6), columns[cell.target]))


def tallies(shown: Iterable[Cell]) -> dict[str, dict[Status, int]]:
    """Number of cases by variant and status: what a decision can count."""
    counts: dict[str, dict[Status, int]] = {}
    for cell in shown:
        row = counts.setdefault(cell.target, dict.fromkeys(COLUMNS, 0))
        row[cell.status] += 1
    return counts


def comparable(shown: Iterable[Cell]) -> list[Cell]:
    """The cells of the cases that every variant went through: only there are counts comparable.

    A variant that cannot hold the probe does not fail its cases, and does not pass them either.
    """
    cells_ = [cell for cell in shown if not is_ours(cell.target)]
    missed = {cell.case for cell in cells_ if cell.status is Status.NOT_RUN}
    return [cell for cell in cells_ if cell.case not in missed]


def category_of(case: str) -> str:
    """The category of a case; ``other`` for one that no longer exists."""
    entry = all_cases().get(case)
    return entry.category if entry else "other"


def broken(result: results.Result) -> list[str]:
    """Cases that failed by a mistake of the suite itself, a sentence each."""
    return [
        f"{sample['case']} on {sample['target']}: {sample['reason']}"
        for sample in result.samples
        if sample.get("broken")
    ]


def unstable(shown: Iterable[Cell]) -> list[str]:
    """Cases whose status was not the same in every repetition."""
    return [f"{cell.case} on {cell.target}" for cell in shown if not cell.stable]


def entries_by_cell(folder: Path | None = None) -> dict[tuple[str, str], str]:
    """Which entry of the issue log reproduces which case on which variant.

    An entry names them with :data:`REPRODUCE`, the case, and one or more variants.
    """
    entries: dict[tuple[str, str], str] = {}
    for path in sorted((folder or project() / "issues").glob("*.md")):
        number = path.name.partition("-")[0]
        for match in _NAMED.finditer(path.read_text(encoding="utf-8")):
            case, *variants = match[1].split()
            for variant in variants:
                entries.setdefault((case, variant), number)
    return entries


def unlogged(shown: Iterable[Cell], entries: Mapping[tuple[str, str], str]) -> list[str]:
    """What fails and has no entry in the issue log, as ``case on variant``."""
    return [
        f"{cell.case} on {cell.target}"
        for cell in shown
        if cell.status is Status.FAIL and (cell.case, cell.target) not in entries
    ]


def summary(result: results.Result) -> str:
    """The variants with the fewest and the most failed cases, and all of them together."""
    found = [cell for cell in cells(result) if not is_ours(cell.target)]
    counts = {name: count for name, count in tallies(found).items() if _number_run(count)}
    if not counts:
        return "No fault case could be run."

    def failed(name: str) -> str:
        return f"{counts[name][Status.FAIL]} of {_number_run(counts[name])} ({name})"

    def order(name: str) -> tuple[float, int]:
        return counts[name][Status.FAIL] / _number_run(counts[name]), -_number_run(counts[name])

    total = sum(map(_number_run, counts.values()))
    degraded = sum(count[Status.DEGRADED] for count in counts.values())
    lacking = sum(count[Status.NOT_RUN] for count in counts.values())
    return (
        f"Of {len({cell.case for cell in found})} cases on each of {len(counts)} variants, from "
        f"{failed(min(counts, key=order))} to {failed(max(counts, key=order))} of those run fail; "
        f"{degraded} of {total} in all are degraded, and {lacking} of {total + lacking} could not "
        "be run."
    )


def _number_run(count: Mapping[Status, int]) -> int:
    return sum(number for status, number in count.items() if status is not Status.NOT_RUN)


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
    """What is wrong and has no entry in the issue log, in one sentence; nothing when all has."""
    names = unlogged(cells(result), entries_by_cell())
    return [f"wrong, and not in the issue log: {', '.join(names)}"] if names else []


def render(result: results.Result, known: Mapping[tuple[str, str], str] | None = None) -> str:
    """The section of the record: counts, what differs, and what is wrong, with its entries.

    Args:
        result: A run of the cases.
        known: Entry of the issue log by case and variant; read from the log when None.
    """
    known = entries_by_cell() if known is None else known
    everything = cells(result)
    shown = [cell for cell in everything if not is_ours(cell.target)]
    targets = [name for name in result.targets if not is_ours(name)]
    parts = [render_counts(shown, targets)] if shown else []
    by_case: dict[str, dict[str, Cell]] = {}
    for cell in shown:
        by_case.setdefault(cell.case, {})[cell.target] = cell
    rows = [
        [category_of(case), case, *(_cell(row.get(name)) for name in targets)]
        for case, row in by_case.items()
        if any(cell.status is not Status.PASS for cell in row.values())
    ]
    if rows:
        parts += [
            "Cases that do not pass everywhere:",
            table(["category", "case", *targets], rows),
        ]
    fine = [
        case
        for case, row in by_case.items()
        if all(cell.status is Status.PASS for cell in row.values())
    ]
    if fine:
        parts.append(
            f"Pass for every variant ({len(fine)}): "
            + ", ".join(f"`{case}`" for case in fine)
            + "."
        )
    bad = [
        [
            cell.case,
            cell.target,
            cell.detail,
            known.get((cell.case, cell.target), "none"),
        ]
        for cell in shown
        if cell.status is Status.FAIL
    ]
    if bad:
        parts += [
            "What fails, and the entry of the issue log that reproduces it:",
            table(["case", "variant", "what was seen", "issue"], bad),
        ]
    less = [
        [cell.case, cell.target, cell.detail] for cell in shown if cell.status is Status.DEGRADED
    ]
    if less:
        parts += [
            "What is degraded:",
            table(["case", "variant", "what was seen"], less),
        ]
    not_run = sorted(
        {f"{cell.case}: {cell.detail}" for cell in shown if cell.status is Status.NOT_RUN}
    )
    if not_run:
        parts += ["Not run:", "\n".join(f"- {line}" for line in not_run)]
    ours = [cell for cell in everything if is_ours(cell.target)]
    if ours:
        parts.append(render_ours(ours))
    changing = unstable(everything)
    if changing:
        parts.append(f"Not the same in every repetition: {', '.join(changing)}.")
    return "\n\n".join(parts)


def render_counts(shown: Sequence[Cell], targets: Sequence[str]) -> str:
    """Cases by status, a row a variant, then by category."""
    counts = tallies(shown)
    rows = []
    for name in targets:
        if name not in counts:
            continue
        row = [name, *(str(counts[name][status]) for status in COLUMNS)]
        for category in categories():
            inside = tallies(
                cell for cell in shown if cell.target == name and category_of(cell.case) == category
            ).get(name, dict.fromkeys(COLUMNS, 0))
            row.append("/".join(str(inside[status]) for status in COLUMNS))
        rows.append(row)
    headers = ["variant", *(status.value for status in COLUMNS)]
    headers += [category.replace("_", " ") for category in categories()]
    return (
        table(headers, rows, numeric=1)
        + "\n\nThe categories show the same four numbers: pass/degraded/fail/not run."
    )


def render_ours(shown: Sequence[Cell]) -> str:
    """Behind supervisor, launcher or host: nothing may be left, whatever the packager does."""
    bad = [cell for cell in shown if cell.status is not Status.PASS]
    targets = dict.fromkeys(cell.target for cell in shown)
    cases = dict.fromkeys(cell.case for cell in shown)
    text = (
        f"Behind our own code the expectation is strict: nothing left, no process and no file, "
        f"whatever the packager does. Of {len(cases)} cases of life and death "
        f"on {len(targets)} ({', '.join(targets)}), {len(shown) - len(bad)} of {len(shown)} "
        f"pass."
    )
    if not bad:
        return text
    rows = [[cell.case, cell.target, cell.status.value, cell.detail] for cell in bad]
    return f"{text}\n\n" + table(["case", "on", "status", "what was seen"], rows)


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    text = cell.status.value
    return f"**{text}**" if cell.status is Status.FAIL else text


def render_list(cases: Iterable[Case]) -> str:
    """Every case with its expectation and its needs."""
    rows = [[one.category, one.name, one.expectation, ", ".join(one.needs) or "-"] for one in cases]
    return table(["category", "case", "what a user may expect", "needs"], rows)


def command(case: str, variant: str) -> str:
    """The command that shows one result again."""
    return process.shown([*REPRODUCE.split(), case, variant])

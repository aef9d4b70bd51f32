"""The suite as a benchmark: a run with its raw samples, and the tables made from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.faults import runner, supervised
from benchmarks.faults.case import CHAPTERS, Case, all_cases
from benchmarks.faults.needs import Need
from benchmarks.faults.runner import FaultTarget
from benchmarks.faults.sandbox import program_of
from benchmarks.faults.verdict import SEVERITY, Outcome
from benchmarks.targets import Target
from spike.build import buildinfo, sessions
from spike.build.buildinfo import Built
from spike.core import process
from spike.core.errors import SpikeError, UnsuitableError
from spike.core.progress import progress
from spike.core.tables import table
from spike.core.workspace import ROOT, display_path
from spike.measure import results
from spike.project.sidecar import Sidecar, load

NAME = "faults"
IN_HOST = "faults_host"
"""The cases of life and death in the real application: a run and a file of their own."""
PROBE_FOLDER = Path(__file__).with_name("probe")

COLUMNS = (Outcome.AS_EXPECTED, Outcome.DEGRADED, Outcome.WRONG, Outcome.NOT_RUN)

REPRODUCE = "python -m benchmarks.faults.reproduce"
"""The command with which an entry of the issue log names a case and a variant."""

_NAMED = re.compile(re.escape(REPRODUCE) + r"((?: +[a-z0-9_+-]+)+)")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One case on one variant, over all repetitions.

    Attributes:
        case: The case's name.
        target: The variant's id.
        outcome: The worst outcome of the repetitions.
        stable: Whether all repetitions had the same outcome.
        detail: What was seen, or why it was not run.
        elapsed_s: Seconds of the slowest repetition.
    """

    case: str
    target: str
    outcome: Outcome
    stable: bool
    detail: str
    elapsed_s: float


def build_probes(built: Sequence[Built], cases: Sequence[Case]) -> None:
    """Freeze the probe for every variant that can hold it, when a case asks for it.

    Without that a whole chapter would not be run, and only its column would say so.

    Raises:
        BuildFailedError: One does not build.
    """
    if not any(Need.PROBE in case.needs for case in cases):
        return
    probe = load(PROBE_FOLDER)
    for item in built:
        mode = item.variant.mode.name
        try:
            item.variant.packager.recipe(probe, mode)
        except UnsuitableError:
            continue
        try:
            buildinfo.find(item.variant, probe)
        except SpikeError:
            sessions.build(probe, [item.variant.packager.name], mode=mode)


def fault_targets(built: Sequence[Built]) -> list[FaultTarget]:
    """What the cases run on: each variant with its probe."""
    probe = load(PROBE_FOLDER)
    found = []
    for item in built:
        program, problem = None, ""
        try:
            program = program_of(buildinfo.find(item.variant, probe))
        except SpikeError as error:
            folder = f" --sidecar {display_path(PROBE_FOLDER)}"
            command = probe.nox_command(item.variant.packager.name, item.variant.mode.name)
            problem = f"the probe: {error.what} Try: {command.replace(probe.option, folder)}"
            try:
                item.variant.packager.recipe(probe, item.variant.mode.name)
            except UnsuitableError as refusal:
                problem = f"the probe: {refusal.what}"
            problem = problem.replace(str(ROOT) + "/", "")
        found.append(
            FaultTarget(
                id=item.variant.id,
                hello=program_of(item),
                probe=program,
                probe_problem=problem,
            )
        )
    return found


def behind_ours(direct: Sequence[FaultTarget]) -> list[FaultTarget]:
    """The same behind the launcher (folders only), and behind the supervisor (as a host does)."""
    problem = ""
    try:
        supervised.build()
    except SpikeError as error:
        problem = str(error)
    found = []
    for target in direct:
        is_folder = target.hello.folder is not None
        if is_folder:
            found.append(
                replace(target, id=f"launcher+{target.id}", launcher=True, problem=problem)
            )
        found.append(
            replace(
                target,
                id=f"supervisor+{target.id}",
                launcher=is_folder,
                supervisor=True,
                problem=problem,
            )
        )
    return found


def _facts(target: FaultTarget) -> dict[str, Any]:
    program = supervised.SUPERVISE if target.supervisor else supervised.LAUNCHER
    if target.host:
        program = target.hello.artifact
    return {
        "kind": "ours",
        "argv": [display_path(program)],
        "sha256": "" if target.problem else buildinfo.file_sha256(program),
    }


def is_ours(target: str) -> bool:
    """Whether a row is about our own code in front of a variant."""
    return "+" in target


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    cases: Sequence[Case],
    repeat: int = 1,
    seed: int = runner.SEED,
    partial: bool = False,
) -> results.Result:
    """Run cases on variants and keep every finding.

    Args:
        sidecar: The hello sidecar.
        targets: Its variants.
        cases: What to run.
        repeat: How often, one whole run after another: verdicts must be the same.
        seed: Of everything that is drawn.
        partial: Whether this is a choice of cases or variants.

    Raises:
        StorageError: The result cannot be written.
        BusyError: Another task is measuring in this checkout.
        SpikeError: A worker died.
    """
    on = fault_targets([target.built for target in targets if target.built is not None])
    facts = {target.id: target.as_json() for target in targets}
    if any(one.lives for one in cases):
        ours = behind_ours(on)
        facts |= {target.id: _facts(target) for target in ours}
        on += ours
    work = runner.jobs(cases, on)
    return _run(NAME, sidecar, facts, work, repeat=repeat, seed=seed, partial=partial)


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
        cases: What to run; those of other chapters are left out.
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
        facts = {target.id: target.as_json() for target in targets} | {
            target.id: _facts(target) for target in on
        }
        work = runner.jobs(cases, on)
        return _run(IN_HOST, sidecar, facts, work, repeat=repeat, seed=seed, partial=partial)


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
            for done in runner.run(work, seed=seed):
                recorder.add(done.target, {"repetition": number, **done.as_sample()})
                step(f"{done.case} {done.target}: {done.outcome}")
    return recorder.result()


def cells(result: results.Result) -> list[Cell]:
    """Every case on every variant, in the order of the chapters and of the targets."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for sample in result.samples:
        found.setdefault((str(sample["case"]), str(sample["target"])), []).append(sample)
    order = {name: number for number, name in enumerate(all_cases())}
    columns = {name: number for number, name in enumerate(result.targets)}
    made = []
    for (case, target), samples in found.items():
        worst = max(samples, key=lambda sample: SEVERITY[Outcome(sample["outcome"])])
        made.append(
            Cell(
                case=case,
                target=target,
                outcome=Outcome(worst["outcome"]),
                stable=len({sample["outcome"] for sample in samples}) == 1,
                detail=str(worst.get("detail") or worst.get("reason") or ""),
                elapsed_s=max(float(sample["elapsed_s"]) for sample in samples),
            )
        )
    return sorted(made, key=lambda cell: (order.get(cell.case, 10**6), columns[cell.target]))


def tallies(found: Iterable[Cell]) -> dict[str, dict[Outcome, int]]:
    """Number of cases by variant and outcome: what a decision can count."""
    counts: dict[str, dict[Outcome, int]] = {}
    for cell in found:
        row = counts.setdefault(cell.target, dict.fromkeys(COLUMNS, 0))
        row[cell.outcome] += 1
    return counts


def comparable(found: Iterable[Cell]) -> list[Cell]:
    """The cells of the cases that every variant went through: only there are counts comparable.

    A variant that cannot hold the probe does not get its cases wrong, and not right either.
    """
    cells_ = [cell for cell in found if not is_ours(cell.target)]
    missed = {cell.case for cell in cells_ if cell.outcome is Outcome.NOT_RUN}
    return [cell for cell in cells_ if cell.case not in missed]


def chapter_of(case: str) -> str:
    """The chapter of a case; ``other`` for one that no longer exists."""
    known = all_cases().get(case)
    return known.chapter if known else "other"


def broken(result: results.Result) -> list[str]:
    """Cases that failed by a mistake of the suite itself, a sentence each."""
    return [
        f"{sample['case']} on {sample['target']}: {sample['reason']}"
        for sample in result.samples
        if sample.get("broken")
    ]


def unstable(found: Iterable[Cell]) -> list[str]:
    """Cases whose outcome was not the same in every repetition."""
    return [f"{cell.case} on {cell.target}" for cell in found if not cell.stable]


def entries_by_cell(folder: Path | None = None) -> dict[tuple[str, str], str]:
    """Which entry of the issue log reproduces which case on which variant.

    An entry names them with :data:`REPRODUCE`, the case, and one or more variants.
    """
    known: dict[tuple[str, str], str] = {}
    for path in sorted((folder or ROOT / "issues").glob("*.md")):
        number = path.name.partition("-")[0]
        for match in _NAMED.finditer(path.read_text(encoding="utf-8")):
            case, *variants = match[1].split()
            for variant in variants:
                known.setdefault((case, variant), number)
    return known


def unlogged(found: Iterable[Cell], known: Mapping[tuple[str, str], str]) -> list[str]:
    """What is wrong and has no entry in the issue log, as ``case on variant``."""
    return [
        f"{cell.case} on {cell.target}"
        for cell in found
        if cell.outcome is Outcome.WRONG and (cell.case, cell.target) not in known
    ]


def summary(result: results.Result) -> str:
    """How many cases came out how, of how many that were run."""
    found = [cell for cell in cells(result) if not is_ours(cell.target)]
    ran = [cell for cell in found if cell.outcome is not Outcome.NOT_RUN]
    counts = Counter(cell.outcome for cell in ran)
    said = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in COLUMNS if counts[outcome])
    return (
        f"Of {len(ran)} cases that were run on {len({cell.target for cell in ran})} variants: "
        f"{said}; {len(found) - len(ran)} could not be run."
    )


def render_in_host(result: results.Result) -> str:
    """The cases of life and death on the real application."""
    return render_ours(cells(result))


def summary_in_host(result: results.Result) -> str:
    """How many cases left nothing, of how many that were run."""
    ran = [cell for cell in cells(result) if cell.outcome is not Outcome.NOT_RUN]
    good = sum(cell.outcome is Outcome.AS_EXPECTED for cell in ran)
    return f"{good} of {len(ran)} cases of life and death in the Tauri host left nothing behind."


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
    found = [cell for cell in everything if not is_ours(cell.target)]
    targets = [name for name in result.targets if not is_ours(name)]
    parts = [render_counts(found, targets)] if found else []
    by_case: dict[str, dict[str, Cell]] = {}
    for cell in found:
        by_case.setdefault(cell.case, {})[cell.target] = cell
    rows = [
        [chapter_of(case), case, *(_cell(row.get(name)) for name in targets)]
        for case, row in by_case.items()
        if any(cell.outcome is not Outcome.AS_EXPECTED for cell in row.values())
    ]
    if rows:
        parts += [
            "Cases that are not as expected everywhere:",
            table(["chapter", "case", *targets], rows),
        ]
    fine = [
        case
        for case, row in by_case.items()
        if all(cell.outcome is Outcome.AS_EXPECTED for cell in row.values())
    ]
    if fine:
        parts.append(
            f"As expected for every variant ({len(fine)}): "
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
        for cell in found
        if cell.outcome is Outcome.WRONG
    ]
    if bad:
        parts += [
            "What is wrong, and the entry of the issue log that reproduces it:",
            table(["case", "variant", "what was seen", "issue"], bad),
        ]
    less = [
        [cell.case, cell.target, cell.detail] for cell in found if cell.outcome is Outcome.DEGRADED
    ]
    if less:
        parts += [
            "What is degraded:",
            table(["case", "variant", "what was seen"], less),
        ]
    not_run = sorted(
        {f"{cell.case}: {cell.detail}" for cell in found if cell.outcome is Outcome.NOT_RUN}
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


def render_counts(found: Sequence[Cell], targets: Sequence[str]) -> str:
    """Cases by outcome, a row a variant, then by chapter."""
    counts = tallies(found)
    rows = []
    for name in targets:
        if name not in counts:
            continue
        row = [name, *(str(counts[name][outcome]) for outcome in COLUMNS)]
        for chapter in CHAPTERS:
            inside = tallies(
                cell for cell in found if cell.target == name and chapter_of(cell.case) == chapter
            ).get(name, dict.fromkeys(COLUMNS, 0))
            row.append("/".join(str(inside[outcome]) for outcome in COLUMNS))
        rows.append(row)
    headers = ["variant", *(outcome.value for outcome in COLUMNS)]
    headers += [chapter.replace("_", " ") for chapter in CHAPTERS]
    return (
        table(headers, rows, numeric=1)
        + "\n\nThe chapters show the same four numbers: as expected/degraded/wrong/not run."
    )


def render_ours(found: Sequence[Cell]) -> str:
    """Behind supervisor, launcher or host: nothing may be left, whatever the packager does."""
    bad = [cell for cell in found if cell.outcome is not Outcome.AS_EXPECTED]
    targets = dict.fromkeys(cell.target for cell in found)
    cases = dict.fromkeys(cell.case for cell in found)
    text = (
        f"Behind our own code the expectation is strict: nothing left, no process and no file, "
        f"whatever the packager does. Of {len(cases)} cases of life and death "
        f"on {len(targets)} ({', '.join(targets)}), {len(found) - len(bad)} of {len(found)} are "
        f"as expected."
    )
    if not bad:
        return text
    rows = [[cell.case, cell.target, cell.outcome.value, cell.detail] for cell in bad]
    return f"{text}\n\n" + table(["case", "on", "outcome", "what was seen"], rows)


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    text = "ok" if cell.outcome is Outcome.AS_EXPECTED else cell.outcome.value
    return f"**{text}**" if cell.outcome is Outcome.WRONG else text


def render_list(cases: Iterable[Case]) -> str:
    """Every case with its expectation and its needs."""
    rows = [[one.chapter, one.name, one.expectation, ", ".join(one.needs) or "-"] for one in cases]
    return table(["chapter", "case", "what a user may expect", "needs"], rows)


def command(case: str, variant: str) -> str:
    """The command that shows one finding again."""
    return process.shown([*REPRODUCE.split(), case, variant])

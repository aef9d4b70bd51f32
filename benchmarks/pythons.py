"""Pythons: which one to ship. What was built with each, launched in one shuffled run.

Times of two Pythons stand side by side here alone, since one run has measured them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.footprint import asked_glibc, middle, shipped_files, tree_facts
from benchmarks.recording import recorded
from benchmarks.reliability import as_sample
from benchmarks.targets import PYTHON_ISOLATED, Target, baselines, variant_target
from benchmarks.wording import counted, ends, number_of
from spike.build import buildinfo, refusals
from spike.core.errors import MissingBuildError, SpikeError
from spike.core.progress import progress, shuffled_rounds
from spike.core.tables import NOT_MEASURED, megabytes, milliseconds, table
from spike.launch import judgement
from spike.launch.running import Running
from spike.measure import elf, pagecache, results
from spike.project import interpreters
from spike.project.interpreters import SUPPORTED, Interpreter
from spike.project.sidecar import Sidecar

NAME = "pythons"
KIND = "of a python"
"""Not a variant: the record's own figures are of one Python."""


def known(sidecar: Sidecar) -> dict[str, tuple[Sidecar, Interpreter | None]]:
    """Every Python that is here or was built with: its label, the sidecar with it, and it."""
    own = sidecar.own_python()
    found = {own.short if own else sidecar.python_version: (sidecar, own)}
    here = interpreters.here()
    for each in here:
        if name := interpreters.name_beside(own, each, here):
            beside = replace(sidecar, python_name=name, python_asked=str(each.program))
            found.setdefault(name, (beside, each))
    for folder in sorted((sidecar.workspace.root / "dist").glob("python-*")):
        name = folder.name.removeprefix("python-")
        found.setdefault(name, (replace(sidecar, python_name=name, python_asked=name), None))
    return found


def choose(sidecar: Sidecar, variants: Sequence[str] = ()) -> tuple[list[Target], list[SpikeError]]:
    """The builds of every Python with its plain script, and why others cannot be measured.

    Raises:
        MissingBuildError: There is no build with any Python.
    """
    targets: list[Target] = []
    problems: list[SpikeError] = []
    for label, (beside, python) in known(sidecar).items():
        try:
            built, stale = buildinfo.find_usable(beside, tuple(variants))
        except SpikeError as error:
            built, stale = [], [error]
        problems += [each for each in stale if not isinstance(each, MissingBuildError)]
        plain = baselines(beside) if built and python else []
        rows = [target for target in plain if target.id == PYTHON_ISOLATED]
        for target in [*rows, *(variant_target(item) for item in built)]:
            version = target.built.info.python_version if target.built else ""
            facts = {"python": label, "row": target.id, "python_version": version}
            kind = KIND if target.built else target.kind
            targets.append(replace(target, id=f"{label}/{target.id}", kind=kind, facts=facts))
    if not targets:
        raise MissingBuildError(
            f"{sidecar.name} is not built with any Python.",
            try_next=f"{sidecar.nox_command('pyinstaller')}, and the same with --python 3.13",
        )
    return targets, problems


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    launches: int,
    seed: int,
    partial: bool = False,
) -> results.Result:
    """Launch every target ``launches`` times, shuffled; ask what is refused.

    Raises:
        SpikeError: A Python cannot be asked, or the run cannot be kept.
    """
    refused = {
        label: refusals.of(beside.python or python.program, sidecar)
        for label, (beside, python) in known(sidecar).items()
        if python is not None
    }
    settings = {"launches": launches, "seed": seed, "refused": refused}
    with (
        recorded(NAME, sidecar, targets, settings=settings, partial=partial) as (recorder, copies),
        progress("pythons", launches * len(targets)) as step,
    ):
        by_id = {target.id: target for target in copies}
        for round_number, name in shuffled_rounds(list(by_id), launches, seed):
            sample = _measure(by_id[name], read_files=round_number == 0)
            recorder.add(name, {"round": round_number, **sample})
            step(name)
    return recorder.result()


def _measure(target: Target, *, read_files: bool) -> dict[str, Any]:
    """Launch once; what is counted at READY is counted when its time has been taken."""
    facts: dict[str, Any] = {}

    def look(running: Running) -> None:
        facts["pss_bytes"] = tree_facts(running.mark)["pss_bytes"]
        if read_files and target.built is not None:
            unpacked = pagecache.regular_files([running.tmp]) if running.tmp else []
            needs = elf.needs([*shipped_files(target), *unpacked])
            facts.update(glibc=needs.glibc, glibc_file=needs.glibc_file)

    done = judgement.judge(target.spec(), place=target.place, at_ready=look)
    return {**as_sample(done), **facts}


def summary(result: results.Result) -> str:
    """The starts in one sentence."""
    rows = [name for name, facts in result.targets.items() if facts["kind"] == KIND]
    ready = {name: middle(result.of(name), "ready_ms") for name in rows}
    return (
        f"READY comes after {ends(ready, milliseconds)}; medians of "
        f"{number_of([len(result.of(name)) for name in rows])} launches of each of "
        f"{counted(len(rows), 'build')}, in one shuffled run."
    )


_HEADERS = (
    *("Python", "variant", "failed", "READY, median", "times its python -I -S", "ships"),
    *("memory at READY, PSS", "newest GLIBC symbol (in)"),
)


def render(result: results.Result) -> str:
    """A row a Python and variant; what was not measured says so, and what is refused, why."""
    refused: Mapping[str, Mapping[str, str]] = result.settings["refused"]
    measured = {str(facts["python"]) for facts in result.targets.values()}
    rows, whys = [], []
    for python in sorted({*SUPPORTED, *measured, *refused}, key=lambda name: (len(name), name)):
        own = {n: facts for n, facts in result.targets.items() if facts["python"] == python}
        start = middle(result.of(f"{python}/{PYTHON_ISOLATED}"), "ready_ms")
        rows += [
            [python, *_row(result.of(name), facts, start)]
            for name, facts in own.items()
            if facts["kind"] == KIND
        ]
        if not own:
            rows.append([python, "not measured", *[NOT_MEASURED] * (len(_HEADERS) - 2)])
        if python not in refused:
            whys.append([python, NOT_MEASURED, "not asked: it was not here"])
        elif not refused[python]:
            whys.append([python, "none", ""])
        for why in dict.fromkeys(refused.get(python, {}).values()):
            names = [name for name, told in refused[python].items() if told == why]
            whys.append([python, ", ".join(names), why])
    whose = ["Python", "variants that it is refused for", "why"]
    return f"{table(_HEADERS, rows)}\n\n{table(whose, whys)}"


def _row(
    samples: Sequence[Mapping[str, Any]], facts: Mapping[str, Any], plain: float | None
) -> list[str]:
    ready = middle(samples, "ready_ms")
    read = next((sample for sample in samples if "glibc" in sample), {})
    return [
        f"{facts['row']} ({facts['python_version']})",
        f"{sum(sample['failure'] is not None for sample in samples)} of {len(samples)}",
        milliseconds(ready),
        f"{ready / plain:.2f}" if ready and plain else NOT_MEASURED,
        megabytes(float(facts["size_bytes"])),
        megabytes(middle(samples, "pss_bytes")),
        asked_glibc(read),
    ]

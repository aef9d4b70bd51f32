"""Whole services as people write them: plain, with a faster start, and with every packager.

One shuffled run over all of them. A folder is launched as a host ships it, behind the launcher's
binary. As soon as READY has come the service is asked for its health, which is its first request,
and then by its smoke command, which has it do what it is for; both are timed. Memory is counted in
launches of their own, at READY: PSS, and RSS beside it. Of a page that several processes map PSS
counts a share, so the plain script's is the smaller the more programs of the same Python run, this
one among them; a packaged program has its interpreter for itself.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import instructions, pythons
from benchmarks.footprint import tree_facts
from benchmarks.recording import recorded
from benchmarks.service_bars import (
    FASTAPI,
    TO,
    bars,
    counted_in,
    is_fast,
    middle_of,
    ratio_of,
    told,
    values_of,
)
from benchmarks.targets import PYTHON, Target, baselines, variant_target
from benchmarks.wording import counted, ends, number_of
from spike.build import buildinfo, rewriting, sessions
from spike.completeness import crawl
from spike.core import generated
from spike.core.errors import MissingBuildError, SpikeError, UsageError
from spike.core.progress import progress, shuffled_rounds
from spike.core.tables import NOT_MEASURED, compact, megabytes, milliseconds, table
from spike.core.workspace import TOOL, project
from spike.host import application, staging
from spike.launch import judgement, smoke
from spike.launch.places import state_of
from spike.launch.ready import GOOD
from spike.launch.running import Running
from spike.measure import results
from spike.packagers import VARIANTS, variant_named
from spike.packagers.recipe import FAST
from spike.project import interpreters, sidecar
from spike.project.sidecar import Sidecar

NAME = "services"
KIND = "of a service"
"""Not a variant: the record's own figures are those of one sidecar."""

EXAMPLES = TOOL / "examples"
DEBIAN = "debian-python"
"""The script by Debian's Python, which is built with PGO: another factor than a faster start."""
DEBIAN_PROGRAM = Path("/usr/bin/python3")

MEMORY_LAUNCHES = 3
"""So many more launches count memory, which hardly varies."""


def folders() -> dict[str, Path]:
    """The services: name to folder of its sidecar."""
    others = sorted(path.parent for path in (EXAMPLES / NAME).glob("*/pyproject.toml"))
    return {path.name: path for path in (EXAMPLES / FASTAPI, *others)}


def variants() -> list[str]:
    """Every variant that there is a fast form of, and that form behind it."""
    fast = [name for name in VARIANTS if name.endswith(FAST)]
    return [name for each in fast for name in (each.removesuffix(FAST), each)]


def choose(
    services: Sequence[str] = (), wanted: Sequence[str] = (), *, build: bool = False
) -> tuple[list[Target], list[SpikeError]]:
    """The rows of every service, and why others cannot be measured.

    Args:
        services: Names of services; all when empty.
        wanted: Ids of variants; :func:`variants` when empty.
        build: Whether what is not built, or not from today's sources, is built first.

    Raises:
        UsageError: There is no such service or variant.
        MissingBuildError: Nothing is built of any.
    """
    wanted = [variant_named(name).id for name in wanted] or variants()
    there = folders()
    for name in services:
        if name not in there:
            raise UsageError(
                f"There is no service {name!r}.",
                why=f"Known are: {', '.join(there)}.",
                try_next=f"--service {FASTAPI}",
            )
    rows: list[Target] = []
    problems: list[SpikeError] = []
    for name in services or there:
        what = sidecar.load(there[name])
        found: list[Target] = []
        for variant in wanted:
            try:
                found.append(variant_target(_built(variant, what, build=build)))
            except SpikeError as error:
                problems.append(error)
        if build and what.python is None:
            sessions.environment(what)
        plain = [target for target in baselines(what) if target.id == PYTHON]
        if not plain:
            problems.append(
                MissingBuildError(
                    f"{what.name} has no environment to run its script in.",
                    try_next=f"nox -s sidecar_env --{what.option}",
                )
            )
            continue
        found = [*plain, *_by_debian(plain[0]), *found, *_of_other_pythons(what, wanted)]
        rows += [_row(name, target) for target in found]
    if not any(target.built for target in rows):
        raise MissingBuildError("No service is built.", try_next="invoke services --build")
    return rows, problems


def _built(variant: str, what: Sidecar, *, build: bool) -> buildinfo.Built:
    """A build of today's sources, made when that is asked for."""
    found = VARIANTS[variant]
    try:
        return buildinfo.find(found, what)
    except SpikeError:
        if not build:
            raise
    sessions.build(what, [found.packager.name], mode=found.mode.name)
    return buildinfo.find(found, what)


def _by_debian(plain: Target) -> list[Target]:
    """The same script and libraries by Debian's Python, where it is of the same version."""
    program = plain.sidecar.python
    if program is None or not DEBIAN_PROGRAM.is_file():
        return []
    version = interpreters.version_of(str(DEBIAN_PROGRAM))
    if version.split(".")[:2] != str(plain.facts["python_version"]).split(".")[:2]:
        return []
    libraries = next(program.parents[1].glob("lib/python3*/site-packages"), None)
    if libraries is None:
        return []
    argv = tuple(str(DEBIAN_PROGRAM) if word == str(program) else word for word in plain.argv)
    return [
        dataclasses.replace(
            plain,
            id=DEBIAN,
            argv=argv,
            sidecar=dataclasses.replace(
                plain.sidecar, env={**plain.sidecar.env, "PYTHONPATH": str(libraries)}
            ),
            facts={"python_version": version},
        )
    ]


def _of_other_pythons(what: Sidecar, wanted: Sequence[str]) -> list[Target]:
    """What is built with another Python than the service's own."""
    found = []
    for label, (beside, _) in pythons.known(what).items():
        if not beside.python_name:
            continue
        try:
            built, _ = buildinfo.find_usable(beside)
        except SpikeError:
            continue
        found += [
            dataclasses.replace(target, id=f"{label} {target.id}")
            for target in map(variant_target, built)
            if target.id in (wanted or variants())
        ]
    return found


def _row(service: str, target: Target) -> Target:
    remarks = target.built.info.remarks if target.built else ()
    proved = next(filter(None, map(rewriting.TOOK.search, remarks)), None)
    facts = {
        "service": service,
        "row": target.id,
        "in_folder": bool(target.built and target.built.folder),
        "proof_s": float(proved[1]) if proved else None,
        "python_version": target.facts.get("python_version")
        or (target.built.info.python_version if target.built else ""),
    }
    return dataclasses.replace(
        target,
        id=f"{service}/{target.id}",
        kind=KIND if target.built else target.kind,
        facts=facts,
    )


def run(
    sidecar: Sidecar,
    targets: Sequence[Target],
    *,
    rounds: int,
    counts: int,
    seed: int = 1,
    partial: bool = False,
) -> results.Result:
    """Launch every row in shuffled rounds, then count memory and instructions.

    Args:
        sidecar: The hello sidecar, beside whose results this one lies.
        targets: Of :func:`choose`; every row that can be had, when empty.
        rounds: Launches of each that are timed.
        counts: How often instructions are counted, where callgrind is there.
        seed: Of the order in which they take turns.
        partial: Whether these are chosen rows.

    Raises:
        MissingBuildError: Nothing is built.
        SpikeError: The launcher does not compile, or the run cannot be kept.
    """
    rows = list(targets) or choose()[0]
    launcher = (
        application.build_launcher() if any(each.facts["in_folder"] for each in rows) else None
    )
    counts = 0 if instructions.unavailable() else counts
    total = len(rows) * (rounds + MEMORY_LAUNCHES + counts)
    settings = {"rounds": rounds, "counts": counts, "seed": seed}
    with (
        recorded(NAME, sidecar, rows, settings=settings, partial=partial) as (recorder, copies),
        progress(NAME, total) as step,
    ):
        by_id = {target.id: _behind(target, launcher) for target in copies}
        for number, name in shuffled_rounds(list(by_id), rounds, seed):
            recorder.add(name, {"round": number, **_timed(by_id[name])})
            step(name)
        for _, name in shuffled_rounds(list(by_id), MEMORY_LAUNCHES, seed):
            recorder.add(name, _weighed(by_id[name]))
            step(name)
        for _, name in shuffled_rounds(list(by_id), counts, seed):
            recorder.add(name, {"instructions": instructions.count(by_id[name])["instructions"]})
            step(name)
    return recorder.result()


def _behind(target: Target, launcher: Path | None) -> Target:
    """A folder behind the launcher's binary, as a host ships it; another row as it is."""
    place, built = target.place, target.built
    if launcher is None or place is None or built is None or built.folder is None:
        return target
    inner = place.program.with_name("service.d")
    inner.symlink_to(place.program.name)
    entry = built.artifact.relative_to(place.program)
    front = staging.behind_launcher(launcher, inner, entry)
    words = (str(front), *target.argv[1:])
    return dataclasses.replace(
        target, argv=words, place=dataclasses.replace(place, before=state_of(place.program))
    )


def _timed(target: Target) -> dict[str, Any]:
    """One launch: READY, the first request, the smoke check; rounded to a microsecond."""
    facts: dict[str, Any] = {}
    asked = target.sidecar.smoke

    def use(running: Running) -> None:
        url = target.sidecar.health.format_map(running.fields())
        began = time.perf_counter()
        page = crawl.ask(url)
        answered = time.perf_counter()
        if page.status in GOOD:  # another answer, or none, took some time for nothing
            facts["request_ms"] = round((answered - began) * 1e3, 3)
        running.spec = dataclasses.replace(running.spec, smoke=asked)
        if asked and smoke.run(running):
            facts["smoke_ms"] = round((time.perf_counter() - answered) * 1e3, 3)

    done = judgement.judge(target.spec(smoke=()), place=target.place, at_ready=use)
    ready = None if done.ready_ms is None else round(done.ready_ms, 3)
    failure = f"{done.failure.value}: {done.detail}" if done.failure else None
    return {"ready_ms": ready, **facts, "failure": failure}


def _weighed(target: Target) -> dict[str, Any]:
    """What the processes of one launch hold at READY."""
    facts: dict[str, Any] = {}

    def look(running: Running) -> None:
        held = tree_facts(running.mark)
        facts.update(pss_bytes=held["pss_bytes"], rss_bytes=held["rss_bytes"])

    judgement.judge(target.spec(smoke=()), place=target.place, at_ready=look)
    return facts


def missed(result: results.Result) -> list[str]:
    """Each bar that is missed, a sentence."""
    return [
        f"{bar.service}: {bar.says}: {bar.shown} ({bar.row}), and at most {bar.most:g} is asked."
        for bar in bars(result)
        if not bar.met
    ]


def summary(result: results.Result) -> str:
    """The best of each service in one sentence."""
    ratios: dict[str, float | None] = {}
    for bar in bars(result):
        if bar.says.endswith("READY / plain"):
            best = f"{bar.service}, {bar.row}"
            ratios.setdefault(best, bar.value)
    launches = [
        sum(value is not None for value in values_of(result, name, "ready_ms"))
        for name in result.targets
    ]
    return (
        f"The best fast variants are READY after {ends(ratios, lambda value: f'{value:.2f}')} of "
        f"their plain script's time; medians of {number_of(launches)} good launches of each of "
        f"{counted(len(result.targets), 'row')}, in one shuffled run."
    )


def document_path() -> Path:
    """The page that says what a faster start gives."""
    return project() / "docs" / "fast-start.md"


def write_document(result: results.Result) -> bool:
    """Put what was measured into the page; whether that changed it.

    Args:
        result: A run of every service, with whichever variants.

    Raises:
        CorruptFileError: A marker of the page is broken.
        StorageError: It cannot be written.
    """
    facts = result.provenance
    circumstances = [str(facts["at"])[:10], *(str(facts[key]) for key in ("system", "cpu"))]
    body = f"{outline(result)}\n\n{summary(result)} {'; '.join(circumstances)}.\n"
    return generated.write(document_path(), {NAME: body}, "invoke services")


def outline(result: results.Result) -> str:
    """A row a service and fast variant: its ratios to the plain script, and its plain form's."""
    rows = []
    for name, facts in result.targets.items():
        service, row = str(facts["service"]), str(facts["row"])
        if not is_fast(facts):
            continue
        plain = f"{service}/{PYTHON}"
        before = ratio_of(result, f"{service}/{row.removesuffix(FAST)}", plain, "READY")
        held, usual = (counted_in(result, each, "pss_bytes") for each in (name, plain))
        rows.append(
            [
                *(service, row, told(before)),
                *(told(ratio_of(result, name, plain, to)) for to in TO),
                f"{held / usual:.2f}" if held and usual else NOT_MEASURED,
                NOT_MEASURED if facts["proof_s"] is None else f"{facts['proof_s']:.0f}",
            ]
        )
    return compact(_OUTLINED, sorted(rows))


_OUTLINED = (
    *("service", "variant", "READY without it, / plain", "READY, / plain"),
    *("plus first request", "plus smoke check", "PSS, / plain", "proved in, s"),
)


def render(result: results.Result) -> str:
    """The bars, then a table of every service."""
    whole = bars(result)
    judged = [
        [bar.service, bar.says, bar.row, bar.shown, f"{bar.most:g}", "met" if bar.met else "missed"]
        for bar in whole
    ]
    parts = [table(["service", "bar", "row", "measured", "at most", ""], judged, numeric=3)]
    for service in dict.fromkeys(str(each["service"]) for each in result.targets.values()):
        rows = [
            _cells(result, name, f"{service}/{PYTHON}")
            for name, each in result.targets.items()
            if each["service"] == service
        ]
        parts.append(f"### {service}\n\n{table(_HEADERS, rows)}")
    return "\n\n".join(parts)


_HEADERS = (
    *("variant", "failed", "READY, median", "/ plain (95 % interval)"),
    *("plus first request, / plain", "plus smoke check, / plain", "memory at READY, PSS"),
    *("RSS", "ships", "instructions, millions", "proved in, s"),
)


def _cells(result: results.Result, name: str, plain: str) -> list[str]:
    facts = result.targets[name]
    samples = [sample for sample in result.of(name) if "round" in sample]
    counted_ = counted_in(result, name, "instructions")
    is_built = facts["kind"] == KIND
    ratios = [ratio_of(result, name, plain, to) for to in TO]
    return [
        f"{facts['row']} ({facts['python_version']})",
        f"{sum(sample['failure'] is not None for sample in samples)} of {len(samples)}",
        milliseconds(middle_of(values_of(result, name, "ready_ms"))),
        *map(told, ratios),
        megabytes(counted_in(result, name, "pss_bytes")),
        megabytes(counted_in(result, name, "rss_bytes")),
        megabytes(float(facts["size_bytes"])) if is_built else NOT_MEASURED,
        f"{counted_ / 1e6:.0f}" if counted_ else NOT_MEASURED,
        NOT_MEASURED if facts["proof_s"] is None else f"{facts['proof_s']:.0f}",
    ]

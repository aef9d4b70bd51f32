"""Everything that is known of one sidecar on one platform, read from files alone.

The decision record, the report and the rules see this and nothing else: they can be run on
another day or on another machine than the measuring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks import registry
from decision import locks, prose, snapshot
from spike import issue_log
from spike.build import buildinfo
from spike.build.buildinfo import BuildInfo
from spike.core import jsonfile
from spike.core.workspace import TOOL, command_path, display_path, project
from spike.issue_log import Entry
from spike.measure import identity, platforms, provenance, results, seal
from spike.measure.results import Result
from spike.packagers import VARIANTS
from spike.project.sidecar import Sidecar


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What there is to decide on.

    Attributes:
        sidecar: What it is about.
        results: The last whole run of each benchmark, by name.
        builds: Facts of each variant's build, by id: from the newest result that measured it.
        artifacts: SHA-256 of the artifacts that are in ``dist/`` now, by variant. Empty on a
            fresh clone, and while only figures of another checkout are there.
        own: Whether the results are of this checkout. Else they are the repository's own record:
            whole, but of another checkout or machine.
        left_out: Names of results that are not shown, since they are of another checkout than
            the own ones.
        problems: What does not fit together, a sentence each; empty when all is well.
        issues: The issue log.
        failures: Facts of failed builds, as ``build/`` keeps them until the variant is built.
        outcome: The option that people chose, as the record names it; empty when none is named.
        snapshot_problem: What is wrong with the findings that were kept; empty for nothing.
        hello: Whole runs of the tool's own hello sidecar, by name: what belongs to packager and
            mode counts for every sidecar, whoever measured it.
        beside: Whether its platform is one that the record has beside its own.
    """

    sidecar: Sidecar
    results: Mapping[str, Result]
    builds: Mapping[str, Mapping[str, Any]]
    artifacts: Mapping[str, str]
    problems: tuple[str, ...]
    own: bool = True
    left_out: tuple[str, ...] = ()
    issues: tuple[Entry, ...] = ()
    failures: tuple[Mapping[str, Any], ...] = ()
    outcome: str = ""
    snapshot_problem: str = ""
    hello: Mapping[str, Result] = field(default_factory=dict)
    beside: bool = False

    def result(self, benchmark: str) -> Result | None:
        """The last whole run of one benchmark; None when it was not run."""
        return self.results.get(benchmark)


def gather(sidecar: Sidecar) -> Evidence:
    """Read every result of a sidecar on its platform, its issue log and its record's outcome.

    Args:
        sidecar: With the platform that is meant. What was merged in from another machine is never
            this checkout's own, and nothing that is built here is held against it.

    Raises:
        CorruptFileError: A result or a ``build.json`` is damaged or of a newer schema.
        IssueLogError: An entry of the issue log is malformed.
    """
    read = _results(sidecar)
    here = identity.read(sidecar.workspace.root)
    own = {
        name: result
        for name, result in read.items()
        if here and not sidecar.platform and result.provenance.get("checkout") == here
    }
    # Own results and others never mix: what is committed counts as a whole, or not at all.
    found = own or read
    infos = {}
    # Figures of another checkout are not about what was built in this one.
    for variant in VARIANTS.values() if own else ():
        try:
            info = buildinfo.read(
                variant.folder(sidecar) / buildinfo.FILE_NAME,
                remedy=sidecar.nox_command(variant.packager.name, variant.mode.name),
            )
        except FileNotFoundError:
            continue
        infos[variant.id] = info
    artifacts = {name: info.sha256 for name, info in infos.items()}
    builds: dict[str, Mapping[str, Any]] = {}
    for result in sorted(found.values(), key=lambda item: str(item.provenance.get("at"))):
        for target, facts in result.targets.items():
            if facts.get("build"):
                builds[target] = facts["build"]
    return Evidence(
        sidecar=sidecar,
        results=found,
        builds={name: builds[name] for name in VARIANTS if name in builds},
        artifacts=artifacts,
        own=bool(own),
        left_out=tuple(name for name in read if name not in found),
        problems=(
            *inconsistencies(sidecar, found, artifacts),
            *outdated(sidecar, infos, builds),
        ),
        issues=issue_log.load(sidecar.workspace.issues),
        failures=() if sidecar.platform else _failures(sidecar),
        outcome=_outcome(sidecar),
        snapshot_problem=_snapshot_problem(sidecar, found),
        hello=_hello(sidecar.workspace.platform_name),
    )


def origin(evidence: Evidence) -> str:
    """Whose figures these are, in one line; empty when all that there is was measured here."""
    sidecar = evidence.sidecar
    if evidence.own:
        names = (f"{name} (here: {registry.command(name, sidecar)})" for name in evidence.left_out)
        listed = ", ".join(names)
        return f"Not shown, since measured in another checkout: {listed}." if listed else ""
    if not evidence.results:
        return ""
    last = max(
        (result.provenance for result in evidence.results.values()),
        key=lambda facts: str(facts.get("at")),
    )
    where = ", ".join(str(last[key]) for key in ("cpu", "system") if last.get(key))
    return (
        f"These figures are the repository's own record, measured on {where or 'a machine'} on "
        f"{str(last.get('at'))[:10]}; your own: invoke spike{sidecar.option}."
    )


def _results(sidecar: Sidecar) -> dict[str, Result]:
    found = {}
    for name in results.files(sidecar.workspace.results):
        result = results.load(name, sidecar, remedy=registry.command(name, sidecar))
        if result is not None:
            found[name] = result
    return found


def _hello(platform: str) -> dict[str, Result]:
    """What the tool brings of its hello sidecar, also where a run of one's own set it aside."""
    folder = TOOL / "benchmarks" / "results" / platform
    found = {}
    for place in (folder / results.ELSEWHERE, folder):
        for name, path in results.files(place).items():
            again = f"git checkout -- {command_path(path)}"
            remedy = again if project() == TOOL else "the installation of packaging-spike again"
            result = results.load_file(path, remedy=remedy)
            if result is not None and result.complete:
                found[name] = result
    return found


def _failures(sidecar: Sidecar) -> tuple[Mapping[str, Any], ...]:
    paths = sorted(sidecar.workspace.build.glob("*/failure.json"))
    return tuple(jsonfile.read(path, schema=1, remedy="the build again") for path in paths)


def _outcome(sidecar: Sidecar) -> str:
    record = sidecar.workspace.record
    return prose.option_in(jsonfile.read_text(record)) if record.exists() else ""


def _snapshot_problem(sidecar: Sidecar, found: Mapping[str, Result]) -> str:
    if "fallback" not in found or sidecar.platform:
        return ""  # what another machine froze lies there
    for sample in found["fallback"].samples:
        if sample["step"] == "K1":
            archive = sidecar.workspace.root / str(sample["snapshot"])
            return snapshot.problem(archive, str(sample["sha256"]))
    return ""


def _remedy(sidecar: Sidecar, command: str) -> str:
    """What makes a result anew: a command here, or a run elsewhere that is merged again."""
    if not sidecar.platform:
        return command
    if not platforms.NAME.fullmatch(sidecar.platform):
        return f"{command} there"
    return (
        f"{command} there and invoke merge DIR{sidecar.option} here, or invoke merge --withdraw "
        f"{sidecar.platform}{sidecar.option}"
    )


def outdated(
    sidecar: Sidecar, infos: Mapping[str, BuildInfo], builds: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Say where the evidence is older than what it is about: artifacts, sources and locks."""
    problems = []
    for info in infos.values():
        problem = buildinfo.artifact_problem(sidecar.workspace.root / info.artifact, info)
        if problem:
            command = sidecar.nox_command(info.packager, info.mode)
            problems.append(f"{problem[:-1]}; run {command}.")
    changed = [
        name
        for name, build in builds.items()
        if build["source_sha256"] != sidecar.source_sha256(build["packager"])
    ]
    again = _remedy(sidecar, f"invoke spike{sidecar.option}")
    if changed:
        problems.append(
            f"{sidecar.folder.name}/ has changed since {', '.join(changed)} "
            f"{'was' if len(changed) == 1 else 'were'} built and measured"
            f"{f' on {sidecar.platform}' if sidecar.platform else ''}; "
            f"run {again}."
        )
    for packager in dict.fromkeys(str(build["packager"]) for build in builds.values()):
        known = locks.of(packager, sidecar)
        wrong = {
            name: problem
            for name, build in builds.items()
            if build["packager"] == packager and (problem := locks.problem(build, known))
        }
        if wrong:
            names = f"{', '.join(wrong)} {'was' if len(wrong) == 1 else 'were'}"
            problems.append(f"{names} {next(iter(wrong.values()))}; run {again}.")
    return problems


def _journal_problem(sidecar: Sidecar, command: str) -> str:
    """Which of the journals that a checklist rests on is not as it was; empty where all are."""
    place = sidecar.workspace.results / results.EVIDENCE
    wrong = seal.folder_problem(place, remedy=command) if place.is_dir() else None
    return f"{display_path(wrong[0])} {wrong[1]}; run {command}." if wrong else ""


def inconsistencies(
    sidecar: Sidecar, found: Mapping[str, Result], artifacts: Mapping[str, str]
) -> list[str]:
    """Say where results do not belong together: other binaries, machines or an unfinished run."""
    problems = []
    seen: dict[str, tuple[str, str]] = {}
    first: tuple[str, Result] | None = None
    for name, result in found.items():
        command = _remedy(sidecar, registry.command(name, sidecar))
        # What was merged in was sealed, or it would not be here.
        if (result.seal or sidecar.platform) and (changed := result.seal_problem):
            problems.append(f"{name} {changed}; run {command}.")
        if name == results.CHECKLIST and (changed := _journal_problem(sidecar, command)):
            problems.append(changed)
        if not result.complete:
            problems.append(f"{name} is not complete; run {command}.")
        if result.sidecar != sidecar.name:
            problems.append(f"{name} is about {result.sidecar}, not {sidecar.name}; run {command}.")
        if first is None:
            first = (name, result)
        else:
            difference = provenance.difference(first[1].provenance, result.provenance)
            if difference:
                problems.append(
                    f"{first[0]} and {name} may not stand side by side: one was {difference}; "
                    f"run {command}."
                )
        for target, facts in result.targets.items():
            if facts.get("kind") != "variant":
                continue
            sha256 = str(facts.get("sha256"))
            if target in artifacts and artifacts[target] != sha256:
                problems.append(
                    f"{name} measured another {target} (sha256 {sha256[:12]}) than the one in "
                    f"dist ({artifacts[target][:12]}); run {command}."
                )
            elif target not in artifacts and seen.setdefault(target, (name, sha256))[1] != sha256:
                problems.append(
                    f"{seen[target][0]} and {name} measured different binaries of {target} "
                    f"(sha256 {seen[target][1][:12]} and {sha256[:12]}); run {command}."
                )
    return problems


def usable(evidence: Evidence, benchmark: str) -> Result | None:
    """A result that is there and belongs to the binaries that are there; else None."""
    result = evidence.result(benchmark)
    if result is None or not result.complete:
        return None
    stale = any(
        facts.get("kind") == "variant"
        and target in evidence.artifacts
        and evidence.artifacts[target] != facts.get("sha256")
        for target, facts in result.targets.items()
    )
    return None if stale else result

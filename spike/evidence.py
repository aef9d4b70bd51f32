"""Everything that is known of one sidecar on this platform, read from files alone.

The decision record, the report and the rules see this and nothing else: they can be run on
another day or on another machine than the measuring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spike import buildinfo, provenance, results
from spike.packagers import VARIANTS
from spike.results import Result
from spike.sidecar import Sidecar


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What there is to decide on.

    Attributes:
        sidecar: What it is about.
        results: The last whole run of each benchmark, by name.
        builds: Facts of each variant's build, by id: from the newest result that measured it.
        artifacts: SHA-256 of the artifacts that are in ``dist/`` now, by variant. Empty on a
            fresh clone.
        problems: What does not fit together, a sentence each; empty when all is well.
    """

    sidecar: Sidecar
    results: Mapping[str, Result]
    builds: Mapping[str, Mapping[str, Any]]
    artifacts: Mapping[str, str]
    problems: tuple[str, ...]

    def result(self, benchmark: str) -> Result | None:
        """The last whole run of one benchmark; None when it was not run."""
        return self.results.get(benchmark)


def gather(sidecar: Sidecar) -> Evidence:
    """Read every result of a sidecar on this platform.

    Raises:
        CorruptFileError: A result or a ``build.json`` is damaged or of a newer schema.
    """
    folder = sidecar.workspace.results
    found: dict[str, Result] = {}
    for path in sorted(folder.glob("*.json")):
        name = path.name.removesuffix(".json")
        if name.endswith(".incomplete"):
            continue
        result = results.load(name, sidecar)
        if result is not None:
            found[name] = result
    artifacts = {}
    for variant in VARIANTS.values():
        try:
            info = buildinfo.read(
                variant.folder(sidecar) / buildinfo.FILE_NAME,
                remedy=sidecar.nox_command(variant.packager.name, variant.mode.name),
            )
        except FileNotFoundError:
            continue
        artifacts[variant.id] = info.sha256
    builds: dict[str, Mapping[str, Any]] = {}
    for result in sorted(found.values(), key=lambda item: str(item.provenance.get("at"))):
        for subject, facts in result.subjects.items():
            if facts.get("build"):
                builds[subject] = facts["build"]
    return Evidence(
        sidecar=sidecar,
        results=found,
        builds={name: builds[name] for name in VARIANTS if name in builds},
        artifacts=artifacts,
        problems=tuple(inconsistencies(sidecar, found, artifacts)),
    )


def inconsistencies(
    sidecar: Sidecar, found: Mapping[str, Result], artifacts: Mapping[str, str]
) -> list[str]:
    """Say where results do not belong together: other binaries, machines or an unfinished run."""
    problems = []
    seen: dict[str, tuple[str, str]] = {}
    first: tuple[str, Result] | None = None
    for name, result in found.items():
        command = results.command(name, sidecar)
        if not result.complete:
            problems.append(f"{name} is not complete; run {command}.")
        if result.sidecar != sidecar.name:
            problems.append(f"{name} is about {result.sidecar}, not {sidecar.name}; run {command}.")
        if first is None:
            first = (name, result)
        else:
            field = provenance.difference(first[1].provenance, result.provenance)
            if field:
                problems.append(
                    f"{first[0]} and {name} were measured on different machines ({field}); "
                    f"run {command}."
                )
        for subject, facts in result.subjects.items():
            if facts.get("kind") != "variant":
                continue
            sha256 = str(facts.get("sha256"))
            if subject in artifacts and artifacts[subject] != sha256:
                problems.append(
                    f"{name} measured another {subject} (sha256 {sha256[:12]}) than the one in "
                    f"dist ({artifacts[subject][:12]}); run {command}."
                )
            elif subject not in artifacts and seen.setdefault(subject, (name, sha256))[1] != sha256:
                problems.append(
                    f"{seen[subject][0]} and {name} measured different binaries of {subject} "
                    f"(sha256 {seen[subject][1][:12]} and {sha256[:12]}); run {command}."
                )
    return problems


def usable(evidence: Evidence, benchmark: str) -> Result | None:
    """A result that is there and belongs to the binaries that are there; else None."""
    result = evidence.result(benchmark)
    if result is None or not result.complete:
        return None
    stale = any(
        facts.get("kind") == "variant"
        and subject in evidence.artifacts
        and evidence.artifacts[subject] != facts.get("sha256")
        for subject, facts in result.subjects.items()
    )
    return None if stale else result

"""What stands below a table: where its samples are, how they were taken, and what disturbed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.registry import BENCHMARKS
from decision.evidence import Evidence
from decision.record import pictures
from spike.core.workspace import display_path
from spike.measure import system_state
from spike.measure.results import Result


def run_line(result: Result, command: str) -> str:
    """What leads from a table back to its raw samples: file, command, circumstances, warnings."""
    facts: Mapping[str, Any] = result.provenance
    where = ", ".join(str(facts[key]) for key in ("system", "kernel", "cpu") if key in facts)
    plain = (item for item in result.settings.items() if not isinstance(item[1], Mapping))
    settings = ", ".join(f"{key} {value}" for key, value in plain)  # the rest is a table's
    commit = str(facts.get("git_commit", ""))[:12]
    dirty = " with local changes" if facts.get("git_dirty") else ""
    line = (
        f"{len(result.samples)} samples of {facts.get('at')}"
        + (f", {settings}" if settings else "")
        + f"; {where}, {facts.get('cpu_count')} CPUs, load {facts.get('load_1min')} at the start"
        + (f"; commit {commit}{dirty}" if commit else "")
        + f".\n\nRaw: {link(result)}. Made by `{command}`."
    )
    said = disturbances(result)
    return f"{said}\n\n{line}" if said else line


def disturbances(result: Result) -> str:
    """Warnings with advice, when the machine was busy or the launches differ; empty for none."""
    if result.provenance.get("emulated"):
        return ""  # there is no time that it could disturb
    found = system_state.warnings(system_state.from_json(result.provenance.get("system_state", {})))
    if benchmark := BENCHMARKS.get(result.benchmark):
        found += system_state.spread_warnings(benchmark.times(result))
    return system_state.render(found)


def link(result: Result) -> str:
    """The result file as a link from the repository's root, where the record and the README lie."""
    if result.path is None:
        return f"`{result.benchmark}.json`"
    path = display_path(result.path)
    return f"[{result.path.name}]({path})" if not path.startswith(("/", "~")) else f"`{path}`"


def image(evidence: Evidence, name: str) -> str:
    """A picture as Markdown with an empty line before it; empty when it cannot be drawn."""
    for picture, _sources in pictures.available(evidence):
        if picture.name == name:
            place = display_path(pictures.path_of(picture, evidence))
            return f"\n\n![{picture.alt}]({place})"
    return ""

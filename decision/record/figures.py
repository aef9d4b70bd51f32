"""The record's blocks that show measurements beyond the plan's three.

Each turns the evidence into Markdown; a block whose benchmark was not run here returns nothing, and
the record then names the command that runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import registry
from benchmarks.registry import BENCHMARKS, Benchmark
from decision.evidence import Evidence, usable
from decision.record import pictures
from spike.core.workspace import display_path
from spike.measure import system_state
from spike.measure.results import Result


def run_line(result: Result) -> str:
    """One line that leads from a table back to its raw samples and their circumstances."""
    facts: Mapping[str, Any] = result.provenance
    where = ", ".join(str(facts[key]) for key in ("system", "kernel", "cpu") if key in facts)
    settings = ", ".join(f"{key} {value}" for key, value in result.settings.items())
    commit = str(facts.get("git_commit", ""))[:12]
    dirty = " with local changes" if facts.get("git_dirty") else ""
    line = (
        f"{len(result.samples)} samples of {facts.get('at')}"
        + (f", {settings}" if settings else "")
        + f"; {where}, {facts.get('cpu_count')} CPUs, load {facts.get('load_1min')} at the start"
        + (f"; commit {commit}{dirty}" if commit else "")
        + f". Raw: {link(result)}."
    )
    said = disturbances(result)
    return f"{line}\n\n{said}" if said else line


def disturbances(result: Result) -> str:
    """Warnings with advice, when the machine was busy or the launches differ; empty for none."""
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


def gallery(evidence: Evidence) -> str:
    """The pictures of the README."""
    shown_there = ("launch-to-ready", "where-the-time-goes", "size-and-start")
    return "".join(image(evidence, name) for name in shown_there)


def shown(benchmark: Benchmark, section: registry.Section) -> Callable[[Evidence], str]:
    """A benchmark's own rendering, and the line that leads back to its samples."""

    def block(evidence: Evidence) -> str:
        result = usable(evidence, benchmark.name)
        if result is None:
            return ""
        picture = image(evidence, section.picture)
        return f"{benchmark.render(result, section)}{picture}\n\n{run_line(result)}"

    return block

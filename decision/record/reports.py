"""The reports behind the record: one file each, generated as a whole, and an index of them.

A report has one summary sentence on top, its table, its picture, and at its end the raw file and
the command. Those of the benchmarks derive from :mod:`benchmarks.registry`; a new benchmark has its
report without a line here. What was not run has no report: the index names the command.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import registry
from benchmarks.definition import Benchmark, Section
from decision import criteria
from decision.evidence import Evidence, inconsistencies, usable
from decision.platforms import rows
from decision.platforms.rows import Platforms
from decision.recommend import standings, wording
from decision.recommend.choice import Answer
from decision.record import figures, sections
from spike.core.tables import compact, squeezed
from spike.measure.platforms import newest
from spike.packagers import DEFAULT_PACKAGERS, PACKAGERS

INDEX = "index"


@dataclass(frozen=True, kw_only=True)
class Report:
    """One report.

    Attributes:
        stem: Of its file's name.
        title: Its heading.
        command: The command that makes what it shows, without the sidecar's option.
        summary: One sentence with what matters most; empty when there is nothing to show.
        body: The rest, Markdown with links relative to the project's root.
    """

    stem: str
    title: str
    command: str
    summary: Callable[[Known], str]
    body: Callable[[Known], str]


@dataclass(frozen=True, kw_only=True)
class Known:
    """The evidence and what follows from it, worked out once for all documents.

    Attributes:
        evidence: What there is to decide on.
        answer: The answer.
        sentences: The summary sentence of every report that there is something to show in.
        platforms: Every platform of the record, where there is more than one.
    """

    evidence: Evidence
    answer: Answer
    sentences: Mapping[str, str] = field(default_factory=dict)
    platforms: Platforms = field(default_factory=Platforms)

    @property
    def platform(self) -> str:
        """Name of the platform whose results these are."""
        return self.evidence.sidecar.workspace.platform_name

    @property
    def emulated(self) -> str:
        """What plays that platform, such as ``wine 8.0``; empty for a real one."""
        return str(newest(self.evidence.results.values()).get("emulated", ""))

    @property
    def option(self) -> str:
        """What a command needs to mean this sidecar."""
        return self.evidence.sidecar.option

    @property
    def reports(self) -> list[Report]:
        """Every report that this sidecar can have, whether there is something to show or not."""
        sidecar = self.evidence.sidecar
        without = {"recommendation"} if self.emulated else set()  # a ranking is by times
        if self.evidence.beside:
            # One log, and one packager that may have to be left: those of the record's own.
            without |= {"issues", "contingency"}
        return [
            *([PLATFORMS] if self.platforms else []),
            *(report for report in DECIDING if report.stem not in without),
            *(
                _of_benchmark(benchmark, section)
                for benchmark, section in registry.sections()
                if sidecar.is_hello or self._is_asked(benchmark)
            ),
        ]

    def _is_asked(self, benchmark: Benchmark) -> bool:
        """Whether another sidecar than the hello sidecar is asked for a benchmark's result."""
        there = benchmark.name in self.evidence.results
        return benchmark.any_sidecar and (there or not benchmark.of_packager)

    def path(self, stem: str) -> Path:
        """The file of a report."""
        return self.evidence.sidecar.workspace.reports / f"{stem}.md"

    def link(self, stem: str, text: str) -> str:
        """A link to a report, relative to the project's root; the text alone without a report."""
        if stem != INDEX and stem not in self.sentences:
            return text
        place = self.path(stem).relative_to(self.evidence.sidecar.workspace.root)
        return f"[{text}]({place.as_posix()})"

    def listed(self, wanted: Collection[str] = ()) -> str:
        """The summary sentences with links to their reports, a line each.

        Args:
            wanted: Stems of reports; all of them when empty.
        """
        return "\n".join(
            f"- {self.link(report.stem, report.title)}: {self.sentences[report.stem]}"
            for report in self.reports
            if report.stem in self.sentences and (not wanted or report.stem in wanted)
        )


def known(evidence: Evidence, others: Sequence[Known] = ()) -> Known:
    """Work the answer and the summary sentences out.

    Args:
        evidence: What is known on one platform.
        others: What is known on the other platforms of the record that is about it.
    """
    answer = standings.answer(evidence)
    bare = Known(
        evidence=evidence,
        answer=answer,
        platforms=rows.over(
            [(evidence, answer), *((other.evidence, other.answer) for other in others)]
        )
        if others
        else Platforms(),
    )
    found = {report.stem: report.summary(bare) for report in bare.reports}
    return replace(bare, sentences={stem: text for stem, text in found.items() if text})


def render_all(facts: Known) -> dict[Path, str]:
    """Every report's text by its file, with links relative to the project's root."""
    texts = {
        facts.path(report.stem): f"# {report.title}\n\n{facts.sentences[report.stem]}\n\n"
        f"Of {facts.evidence.sidecar.name} on {facts.platform}; "
        f"{facts.link(INDEX, 'all reports')}.\n\n{squeezed(report.body(facts)).strip()}\n"
        for report in facts.reports
        if report.stem in facts.sentences
    }
    return {**texts, facts.path(INDEX): _index(facts)}


def _index(facts: Known) -> str:
    """The list of reports, what was not run, and what does not fit together."""
    evidence = facts.evidence
    parts = [
        f"# {evidence.sidecar.name} on {facts.platform}",
        f"Seen under {facts.emulated}, without times to rank by: what works is in the record's row."
        if facts.emulated
        else facts.answer.sentence,
        facts.listed(),
    ]
    if lacking := [report for report in facts.reports if report.stem not in facts.sentences]:
        parts += [
            "Not run:",
            "\n".join(f"- {report.title}: `{report.command}{facts.option}`" for report in lacking),
        ]
    problems = inconsistencies(evidence.sidecar, evidence.results, {})
    parts.append(
        "What does not fit together:\n\n" + "\n".join(f"- {problem}" for problem in problems)
        if problems
        else "All results are of the same binaries and of one machine."
    )
    return "\n\n".join(parts) + "\n"


def _of_benchmark(benchmark: Benchmark, section: Section) -> Report:
    """The report of one section of a benchmark."""

    def summary(facts: Known) -> str:
        result = usable(facts.evidence, benchmark.name)
        return benchmark.summary(result, section) if result else ""

    def body(facts: Known) -> str:
        result = usable(facts.evidence, benchmark.name)
        assert result is not None, "a report without a summary is not written"
        picture = figures.image(facts.evidence, section.picture)
        return (
            f"{benchmark.render(result, section)}{picture}\n\n"
            f"{figures.run_line(result, benchmark.command + facts.option)}"
        )

    return Report(
        stem=section.report,
        title=section.title,
        command=benchmark.command,
        summary=summary,
        body=body,
    )


def _platforms_summary(facts: Known) -> str:
    return facts.platforms.decision.sentence if facts.platforms.decision else ""


def _platforms(facts: Known) -> str:
    found = facts.platforms
    assert found.decision is not None, "a report without a summary is not written"
    own = facts.evidence.sidecar
    root = own.workspace.root
    table = compact(list(rows.HEADERS), [row.cells for row in found.rows])
    places = {
        row.name: own.on(row.folder).workspace.reports.relative_to(root) / f"{INDEX}.md"
        for row in found.rows
    }
    machines = [
        f"- [{row.name}]({places[row.name].as_posix()}): {row.machine}"
        + (f", played by {row.emulated}" if row.emulated else "")
        for row in found.rows
    ]
    ships = compact(
        ["platform", "its own answer", "ships by the decision"],
        [
            [row.name, row.seen.answer or "none yet", found.decision.ships.get(row.name, "-")]
            for row in found.rows
        ],
    )
    return "\n\n".join(
        [
            " ".join(found.decision.reasons),
            table,
            "Each row is of one machine. A time stands here only as a ratio to the plain Python of "
            "the same machine; milliseconds are in each platform's own reports:",
            "\n".join(machines),
            ships,
            f"Decided by the rule `{found.decision.rule}` of `decision/platforms/rule.py`. A "
            f"platform is added or replaced by `invoke merge DIR{facts.option}`, and taken away by "
            f"`invoke merge --withdraw NAME{facts.option}`.",
        ]
    )


def _recommendation_summary(facts: Known) -> str:
    found = facts.answer
    return found.sentence if found.standings else ""


def _recommendation(facts: Known) -> str:
    found = facts.answer
    text = wording.render(found).removeprefix(f"**{found.sentence}**").strip()
    return f"{text}\n\nMade by `invoke recommend{facts.option}`."


def _built_summary(facts: Known) -> str:
    if not facts.evidence.builds:
        return ""
    builds = facts.evidence.builds.values()
    versions = sorted({f"{build['packager']} {build['packager_version']}" for build in builds})
    pythons = sorted({str(build["python_version"]) for build in builds})
    return (
        f"{len(facts.evidence.builds)} variants were built by {', '.join(versions)} on Python "
        f"{', '.join(pythons)}."
    )


def _built(facts: Known) -> str:
    used = {build["packager"] for build in facts.evidence.builds.values()}
    names = [name for name in PACKAGERS if name in used] or DEFAULT_PACKAGERS
    commands = ", ".join(f"`{facts.evidence.sidecar.nox_command(name)}`" for name in names)
    return f"{sections.built(facts.evidence)}\n\nMade by {commands}."


def _criteria_summary(facts: Known) -> str:
    fallback = criteria.fallback_criteria(facts.evidence)
    milestone = criteria.exit_criteria(facts.evidence)
    met = criteria.Verdict.MET
    return (
        f"{sum(item.verdict is met for item in fallback)} of {len(fallback)} fallback criteria and "
        f"{sum(item.verdict is met for item in milestone)} of {len(milestone)} exit criteria are "
        "met."
    )


def _criteria(facts: Known) -> str:
    return "\n\n".join(
        [
            sections.proposed(facts.evidence),
            sections.rulings(criteria.fallback_criteria(facts.evidence)),
            sections.rulings(criteria.exit_criteria(facts.evidence)),
            f"Made by `invoke status{facts.option}`.",
        ]
    )


def _contingency_summary(facts: Known) -> str:
    steps = criteria.contingency_steps(facts.evidence)
    done = [item.id for item in steps if item.verdict is criteria.Verdict.DONE]
    rest = [f"{item.id} {item.verdict.value}" for item in steps if item.id not in done]
    text = f"{len(done)} of {len(steps)} contingency steps are done"
    return f"{text}; {', '.join(rest)}." if rest else f"{text}."


def _contingency(facts: Known) -> str:
    parts = [
        sections.compared(facts.evidence),
        sections.rulings(criteria.contingency_steps(facts.evidence)),
        f"Made by `invoke fallback{facts.option}`.",
    ]
    return "\n\n".join(part for part in parts if part)


def _issues_summary(facts: Known) -> str:
    still_open = sum(entry.is_open for entry in facts.evidence.issues)
    return f"The issue log has {len(facts.evidence.issues)} entries; {still_open} of them are open."


def _issues(facts: Known) -> str:
    return f"{sections.issues(facts.evidence)}\n\nMade by `invoke issue --list{facts.option}`."


PLATFORMS = Report(
    stem="platforms",
    title="Every platform",
    command="invoke merge",
    summary=_platforms_summary,
    body=_platforms,
)
"""There where a record knows more than one platform."""

DECIDING: tuple[Report, ...] = (
    Report(
        stem="recommendation",
        title="Which variant to ship",
        command="invoke recommend",
        summary=_recommendation_summary,
        body=_recommendation,
    ),
    Report(
        stem="criteria",
        title="Fallback and exit criteria",
        command="invoke status",
        summary=_criteria_summary,
        body=_criteria,
    ),
    Report(
        stem="contingency",
        title="Contingency steps",
        command="invoke fallback",
        summary=_contingency_summary,
        body=_contingency,
    ),
    Report(
        stem="issues",
        title="Issue log",
        command="invoke issue --list",
        summary=_issues_summary,
        body=_issues,
    ),
    Report(
        stem="build-commands",
        title="What was built, and how",
        command="invoke spike",
        summary=_built_summary,
        body=_built,
    ),
)
"""Reports of the decision itself, which no single benchmark makes."""

"""The record's one page, and the README's first screen: sections between markers.

Each section is one small function from what is known to Markdown. A new one is a function here, a
line in :data:`SECTIONS`, and its markers in ``decision/record/template.md`` and in the records. The
page holds the decision; every figure in it leads to a report (:mod:`decision.record.reports`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import reliability
from decision import criteria
from decision.criteria import Ruling
from decision.criteria.ruling import launches_of
from decision.evidence import usable
from decision.platforms.rows import HEADERS, never_run
from decision.recommend import choice, wording
from decision.recommend.choice import Standing
from decision.record import figures
from decision.record.reports import INDEX, Known
from spike.core import requirements
from spike.core.tables import NOT_MEASURED, compact, megabytes, milliseconds, percent


@dataclass(frozen=True, kw_only=True)
class Section:
    """One generated part of a document that people write the rest of.

    Attributes:
        name: Its name in the markers.
        render: Turns what is known into Markdown; empty when there is nothing to show.
        heading: Of a section that is there only when there is something to show: its heading and
            its markers come and go with it, before the section ``before``.
        before: See ``heading``.
    """

    name: str
    render: Callable[[Known], str]
    heading: str = ""
    before: str = ""

    def text(self, facts: Known) -> str:
        """The block's Markdown, with a final newline."""
        body = self.render(facts).strip()
        return (body or f"Not run: `invoke spike{facts.option}` makes this section.") + "\n"


MAX_LINES = 120
MAX_BYTES = 12 * 1024
"""A record is one page: nobody decides from more."""

PRICE_LENGTH = 240
"""Characters of a variant's price on the page; the report has all of it."""

REASONS_LENGTH = 400
"""Characters of the reasons for the decision over all platforms; the report has all of them."""


def answered(facts: Known) -> str:
    """The answer in one sentence, its reasons, and what the plan's rules propose."""
    answer = facts.answer
    parts = [f"**{answer.sentence}**{_over_all(facts)}"]
    if answer.variant:
        parts.append(
            " ".join([*answer.reasons, answer.reconciled]).strip()
            + f" Every variant, and why not: {facts.link('recommendation', 'ranking')}."
        )
    if answer.packager:
        title = criteria.TITLES[answer.packager]
        parts.append(f"By the plan's rules it is {title}: {answer.why_packager}")
    return "\n\n".join(parts)


def _over_all(facts: Known) -> str:
    found = facts.platforms
    if not found or found.decision is None:
        return ""
    return (
        f" That is the answer on {facts.platform}; over all {len(found.rows)} platforms: "
        f"{found.decision.sentence} (Below, with each platform's own.)"
    )


def side_by_side(facts: Known) -> str:
    """Four rows: what ships, the plan's two, and the best folder or else the fallback."""
    answer = facts.answer
    by_id = {item.variant: item for item in answer.standings}
    roles: dict[str, list[str]] = {}
    for variant, role in (
        (answer.variant, "ships"),
        *((name, "the plan's") for name in requirements.PLAN_VARIANTS),
        (answer.best_folder, "best folder"),
        (answer.fallback, "fallback"),
    ):
        if variant in by_id and (variant in roles or len(roles) < 4):
            roles.setdefault(variant, []).append(role)
    if not roles:
        return ""
    rows = [_compared(by_id[name], ", ".join(said)) for name, said in roles.items()]
    columns = [
        "variant",
        "",
        facts.link("startup", "READY warm"),
        facts.link("cold-start", "cold"),
        facts.link("size", "ships"),
        f"{facts.link('reliability', 'launches failed')} (95 %: at most)",
        facts.link("integration", "lines, processes"),
        facts.link("faults", "fault cases failed"),
    ]
    return compact(columns, rows)


def _compared(item: Standing, role: str) -> list[str]:
    return [
        item.variant,
        role,
        milliseconds(item.ready_ms),
        milliseconds(item.cold_ms),
        megabytes(item.shipped_bytes),
        wording.bound(item),
        f"{NOT_MEASURED if item.config_lines is None else item.config_lines}, {_processes(item)}",
        wording.faults_text(item),
    ]


def _processes(item: Standing) -> str:
    left = item.leftovers
    if left is None:
        return NOT_MEASURED
    return str(left.processes) if left.whose == choice.OWN else f"{left.processes} ({left.whose})"


def price(facts: Known) -> str:
    """What the choice costs, and what is still open: five lines."""
    answer = facts.answer
    chosen = next((item for item in answer.standings if item.variant == answer.variant), None)
    if chosen is None:
        return ""
    return "\n".join(
        f"- {line}"
        for line in (
            f"Price: {_price(chosen, facts)}",
            f"Faults: {_fault_risk(chosen, facts)}",
            f"Launches: {_launch_risk(chosen, facts)}",
            f"Platform: {_elsewhere(facts)}",
            f"Open: {_open(facts)}",
        )
    )


def _elsewhere(facts: Known) -> str:
    lacking = f" {_never_run(facts)}".rstrip()
    if not facts.platforms:
        return (
            f"measured on {facts.platform} alone; what holds elsewhere is unknown until "
            f"`invoke spike{facts.option}` has run there.{lacking}"
        )
    return (
        f"these figures are of {facts.platform} alone; {len(facts.platforms.rows)} platforms were "
        f"measured, and the rest are unknown.{lacking}"
    )


def _never_run(facts: Known) -> str:
    """The systems without a run, as a sentence; each goes with the first run that is merged."""
    found = never_run(facts.platform, facts.platforms.rows)
    return f"{found}." if found else ""


def _price(chosen: Standing, facts: Known) -> str:
    text = wording.price(chosen.variant)
    if text:
        return f"{shortened(text, PRICE_LENGTH)} ({facts.link('recommendation', 'all of it')})"
    if chosen.folder:
        adds = "an unknown time" if chosen.launcher_ms is None else choice.added(chosen)
        return (
            "it is a folder, which goes into `bundle.resources`; the launcher binary in "
            f"`externalBin` adds {adds} to a launch "
            f"({facts.link('host-latency', 'host latency')})."
        )
    return "no more than the plan's own build."


def shortened(text: str, length: int) -> str:
    """The first sentences of a text that fit, at least one."""
    kept = ""
    for sentence in text.split(". "):
        longer = f"{kept}. {sentence}" if kept else sentence
        if kept and len(longer) > length:
            return f"{kept}. …"
        kept = longer
    return kept


def _fault_risk(chosen: Standing, facts: Known) -> str:
    known = chosen.faults
    if known is None:
        command = f"invoke faults{facts.evidence.sidecar.option}"
        return f"not run on {chosen.variant}; `{command}` runs them."
    rest = known.of - known.run
    return (
        f"{known.count()} of {known.run} cases fail and {known.degraded} of {known.run} are "
        "degraded"
        + (f"; {rest} of {known.of} could not be run on it and are unknown" if rest else "")
        + f" ({_faults_link(known.whose, facts)})."
    )


def _faults_link(whose: str, facts: Known) -> str:
    text = f"{whose} run"
    if whose == choice.OWN or facts.evidence.sidecar.is_hello:
        return facts.link("faults", text)
    place = f"benchmarks/report/{facts.platform}/faults.md"
    there = (facts.evidence.sidecar.workspace.root / place).exists()
    return f"[{text}]({place})" if there else text


def _launch_risk(chosen: Standing, facts: Known) -> str:
    most = percent(chosen.rate_high or 0.0)
    return (
        f"{chosen.failed} of {chosen.launches} failed, which rules out more than {most} and no "
        f"less; `invoke bench --launches 368{facts.option}` can rule out more than 1 %."
    )


def _open(facts: Known) -> str:
    entries = facts.evidence.issues
    still_open = sum(entry.is_open for entry in entries)
    unknown = facts.answer.unknown
    text = (
        f"{still_open} of {len(entries)} entries of the {facts.link('issues', 'issue log')} are "
        "open"
    )
    if not unknown:
        return f"{text}; nothing that the choice rests on is unmeasured."
    which = facts.link("recommendation", "which")
    verb = "is" if len(unknown) == 1 else "are"
    return (
        f"{text}; {len(unknown)} of the measurements that the choice rests on {verb} missing "
        f"({which})."
    )


EVIDENCE_OF: Mapping[str, str] = {
    "F1": "issues",
    "F2": "issues",
    "F3": "reliability",
    "F4": "issues",
    "M1": "build-commands",
    "M2": "checklist",
    "M3": "checklist",
    "M4": "checklist",
    "M5": "issues",
    "M6": "criteria",
}
"""The report that a row's evidence is in."""


def verdicts(facts: Known) -> str:
    """F1 to F4 and M1 to M6 with links to their evidence, and the contingency steps in a line."""
    found = (
        *criteria.fallback_criteria(facts.evidence),
        *criteria.exit_criteria(facts.evidence),
    )
    steps = criteria.contingency_steps(facts.evidence)
    line = ", ".join(f"{item.id} {item.verdict.value}" for item in steps)
    return "\n\n".join(
        [
            compact(
                ["row", "verdict", "evidence"],
                [[item.id, item.verdict.value, _evidence(item, facts)] for item in found],
            ),
            f"{facts.link('contingency', 'Contingency steps')}: {line}. What each row asks: "
            f"{facts.link('criteria', 'criteria')}.",
        ]
    )


def _evidence(item: Ruling, facts: Known) -> str:
    next_step = f" Next: {item.next_command}" if item.next_command else ""
    report = EVIDENCE_OF[item.id]
    return f"{item.evidence}{next_step} ({facts.link(report, report.replace('-', ' '))})"


def changes(facts: Known) -> str:
    """What would change the decision: the rules turned round, with today's figures in them."""
    answer = facts.answer
    if not answer.packager:
        return ""
    result = usable(facts.evidence, reliability.NAME)
    plan = launches_of(facts.evidence, requirements.PLAN_VARIANTS[0])
    lines = []
    if result is not None and plan is not None:
        limit = int(requirements.MAX_FAILED_RATE * plan.launches + 1e-9)
        lines.append(
            f"More than {limit} of {plan.launches} failed launches of {plan.target} (F3; now "
            f"{plan.failed} of {plan.launches}), or F1, F2 or F4 met: `invoke fallback"
            f"{facts.option}` moves to PyInstaller."
        )
    lines.append(
        "A checklist row that fails, a process that outlives its host, or more fault cases failed "
        "than another variant of the packager: that one ships."
    )
    same = [
        item
        for item in answer.standings
        if item.packager == answer.packager
        and item.variant != answer.variant
        and not choice.barrier(item)
    ]
    if answer.variant and same:
        following = same[0]
        lines.append(
            f"A program that {answer.variant} cannot hold: {following.variant} is next, READY "
            f"after {milliseconds(following.ready_ms)}."
        )
    if answer.reconciled:
        lines.append(f"A plan with other packagers: {answer.overall} ranks first.")
    return "\n".join(f"- {line}" for line in lines)


def every_platform(facts: Known) -> str:
    """A row a platform, and the decision over all of them; empty for one platform."""
    found = facts.platforms
    if not found or found.decision is None:
        return ""
    reasons = " ".join(found.decision.reasons)
    return "\n\n".join(
        [
            compact(list(HEADERS), [row.cells for row in found.rows]),
            f"**{found.decision.sentence}** {shortened(reasons, REASONS_LENGTH)} Times are ratios "
            f"within one machine; {facts.link('platforms', 'machines, reasons and reports')}.",
        ]
    )


DECISIVE = (
    *("startup", "cold-start", "size", "reliability", "integration", "checklist"),
    *("host-latency", "faults", "faults-in-the-host", "random-lives"),
)
"""The reports that the page quotes: what the plan compares, and what people ask next."""


def evidence_list(facts: Known, quoted: Sequence[str] = DECISIVE) -> str:
    """The summary sentences of what the decision rests on; the index has those of the rest.

    Args:
        facts: What is known.
        quoted: The reports whose sentences stand there.
    """
    lacking = [
        f"`{report.command}{facts.option}`"
        for report in facts.reports
        if report.stem in DECISIVE and report.stem not in facts.sentences
    ]
    more = len([stem for stem in facts.sentences if stem not in quoted])
    parts = [
        facts.listed(quoted) if quoted else "",
        f"Not run: {', '.join(lacking)}." if lacking else "",
        f"{facts.link(INDEX, 'All reports')}, {more} more among them.",
    ]
    return "\n\n".join(part for part in parts if part)


def evidence_that_fits(facts: Known) -> str:
    """The sentences of a record: what rows of other platforms take, the last of these give."""
    taken = len(facts.platforms.rows) + 2 if facts.platforms else 0
    return evidence_list(facts, DECISIVE[: max(0, len(DECISIVE) - taken)])


def gallery(facts: Known) -> str:
    """The pictures of the README."""
    shown_there = ("launch-to-ready", "where-the-time-goes", "size-and-start")
    return "".join(figures.image(facts.evidence, name) for name in shown_there)


def readme_answer(facts: Known) -> str:
    """The README's first screen: the answer and the four rows."""
    result = usable(facts.evidence, reliability.NAME)
    if result is None:
        return ""
    where = ", ".join(str(result.provenance[key]) for key in ("system", "cpu"))
    return (
        f"**{facts.answer.sentence}**\n\n{side_by_side(facts)}\n\n"
        f"Of {facts.evidence.sidecar.name} on {facts.platform} ({where}), "
        f"{str(result.provenance['at'])[:10]}; {facts.link(INDEX, 'all reports')}. "
        f"{_never_run(facts)}".rstrip()
    )


RECORD: Sequence[Section] = (
    Section(name="answer", render=answered),
    Section(name="side-by-side", render=side_by_side),
    Section(name="price", render=price),
    Section(name="platforms", render=every_platform, heading="Platforms", before="Criteria"),
    Section(name="criteria", render=verdicts),
    Section(name="changes", render=changes),
    Section(name="evidence", render=evidence_that_fits),
    Section(name="links", render=lambda facts: ""),
)
"""Sections of a record; its links stand in the last one, so that the page stays one."""


def there(sections: Sequence[Section], facts: Known) -> list[Section]:
    """The sections without those that come and go and have nothing to show."""
    return [section for section in sections if not section.heading or section.render(facts)]


README: Sequence[Section] = (
    Section(name="answer", render=readme_answer),
    Section(name="pictures", render=gallery),
    Section(name="evidence", render=evidence_list),
)


_OPTIONAL = tuple(section for section in RECORD if section.heading)


def fitted(text: str, blocks: Mapping[str, str]) -> str:
    """A record with the headings and markers of those sections that have something to show.

    Args:
        text: The record.
        blocks: Its generated sections, by name.
    """
    text = without(text, blocks)
    for section in _OPTIONAL:
        begin, end = _markers(section)
        place = f"\n## {section.before}\n"
        if section.name in blocks and begin not in text and place in text:
            markers = f"{begin} | made by:  | sha256:  -->\n{end}"
            text = text.replace(place, f"\n## {section.heading}\n\n{markers}{place}", 1)
    return text


def without(text: str, blocks: Mapping[str, str]) -> str:
    """A record without the sections that have nothing to show, byte for byte as it was before."""
    for section in _OPTIONAL:
        begin, end = _markers(section)
        if section.name not in blocks and begin in text and end in text:
            first, _, rest = text.partition(begin)
            _, _, last = rest.partition(end)
            text = first.removesuffix(f"\n## {section.heading}\n\n") + last
    return text


def needless(text: str, blocks: Mapping[str, str]) -> list[str]:
    """Names of the sections in a record that have nothing to show."""
    return [
        section.name
        for section in _OPTIONAL
        if section.name not in blocks and _markers(section)[0] in text
    ]


def _markers(section: Section) -> tuple[str, str]:
    return (
        f"<!-- begin generated: {section.name}",
        f"<!-- end generated: {section.name} -->\n",
    )

"""Every document that is made from the evidence: written, and checked to the last digit.

The record and the README have generated sections between the prose of people. The reports, their
pictures and the list of commands are generated as a whole. A file beside the reports that no
command makes any more is stale, too.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from decision import criteria, prose
from decision.evidence import Evidence, gather
from decision.platforms import home
from decision.record import page, pictures, reports
from decision.record.page import Section
from decision.record.reports import Known
from spike.core import generated, jsonfile
from spike.core.workspace import display_path
from spike.measure import platforms
from spike.project.sidecar import Sidecar

README_NAME = "README.md"
COMMAND = "invoke adr"
_LINK = re.compile(r"\]\(([^()\s#:]+)\)")
"""A link of Markdown to a file, not to a web page or to a heading."""
FRONT_FIELDS = ("status", "date", "deciders", "platform")

TEMPLATE = Path(__file__).with_name("template.md")


def path_for(sidecar: Sidecar, output: str) -> Path:
    """Where a sidecar's record is written: as asked, else the repository's, else its results."""
    return Path(output) if output else sidecar.workspace.record


@dataclass(frozen=True, kw_only=True)
class Documents:
    """Every document of a sidecar, as the evidence says it should be.

    Attributes:
        facts: What is known.
        record: The record's file.
        blocks: The generated sections of each document that people write the rest of, by name.
        whole: The text of each document that is generated as a whole.
        others: What is known on the other platforms, whose reports are written as well.
    """

    facts: Known
    record: Path
    blocks: Mapping[Path, Mapping[str, str]]
    whole: Mapping[Path, str]
    others: tuple[Known, ...] = ()

    @property
    def problems(self) -> list[str]:
        """What in the results does not fit together, with the platform where it is another's."""
        return [
            *self.facts.evidence.problems,
            *(
                f"{other.platform}: {problem}"
                for other in self.others
                for problem in other.evidence.problems
            ),
        ]

    def write(self) -> dict[Path, bool]:
        """Write them; a record that does not exist is made from the template.

        Returns:
            Whether it was changed, by file; generated files that no command makes any more are
            removed, and count as changed.

        Raises:
            CorruptFileError: A marker is broken; nothing is written.
            StorageError: A document cannot be written; the others are as before or whole.
        """
        texts = {
            path: generated.rewrite(
                page.fitted(_current(path, self.facts), blocks), blocks, _command(self.facts)
            )
            for path, blocks in self.blocks.items()
        } | dict(self.whole)
        changed = {}
        for path, text in texts.items():
            changed[path] = not path.exists() or jsonfile.read_text(path) != text
            if changed[path]:
                jsonfile.write_text(path, text)
        for facts in (self.facts, *self.others):
            changed |= dict.fromkeys(pictures.write(facts.evidence), True)
        for path in self._strays():
            if _is_generated(path):  # what somebody else put there is only complained about
                path.unlink()
                changed[path] = True
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()  # of a platform that was withdrawn
        return changed

    def check(self) -> list[str]:
        """Say what in any document is not what the evidence says; empty when all is well.

        Returns:
            A complaint each, which begins with the file.

        Raises:
            CorruptFileError: There is no record, or a marker is broken.
        """
        complaints = []
        for path, blocks in self.blocks.items():
            text = jsonfile.read_text(path, remedy=COMMAND)
            complaints += [
                f"{display_path(path)}: {difference.problem}\n{difference.diff}".rstrip()
                for difference in generated.differences(page.without(text, blocks), blocks)
            ]
            complaints += [
                f"{display_path(path)}: there is nothing to show in the generated block {name!r}"
                for name in page.needless(text, blocks)
            ]
        for path, text in self.whole.items():
            problem = "the generated document is missing"
            if path.exists():
                problem = generated.document_problem(jsonfile.read_text(path), text)
            if problem:
                complaints.append(f"{display_path(path)}: {problem}")
        for facts in (self.facts, *self.others):
            complaints += pictures.stale(facts.evidence)
        complaints += [
            f"{display_path(path)}: no command makes this file" for path in self._strays()
        ]
        return complaints + [
            f"{display_path(self.record)}: {problem}"
            for problem in _page_problems(self.facts, self.record)
        ]

    def _strays(self) -> list[Path]:
        """Files among the reports that no command makes."""
        made = set(self.whole)
        folders = set()
        for evidence in (facts.evidence for facts in (self.facts, *self.others)):
            folders.add(evidence.sidecar.workspace.reports)
            made |= {
                pictures.path_of(picture, evidence) for picture, _ in pictures.available(evidence)
            }
        if self.facts.evidence.sidecar.is_own:
            folders |= _withdrawn(self.facts)
        return [
            path
            for folder in sorted(folders)
            for path in sorted(folder.glob("*"))
            if path.is_file() and path not in made
        ]


def of(
    evidence: Evidence,
    *,
    others: Sequence[Evidence] = (),
    output: str = "",
    extra: Mapping[Path, str] | None = None,
) -> Documents:
    """Work out every document of a sidecar.

    Args:
        evidence: What there is to decide on.
        others: The same of the other platforms whose results lie beside these.
        output: The record's file; empty for the usual place.
        extra: Other documents that are generated as a whole, by their file.
    """
    record = path_for(evidence.sidecar, output)
    elsewhere = tuple(
        reports.known(replace(_with_outcome(other, record), beside=True)) for other in others
    )
    facts = reports.known(_with_outcome(evidence, record), elsewhere)
    whole = _documents(facts, extra)
    for other in elsewhere:
        whole |= _documents(other, None)
    return Documents(
        facts=facts,
        record=record,
        blocks=_blocks(facts, record, output),
        whole=whole,
        others=elsewhere,
    )


def gathered(
    sidecar: Sidecar, *, output: str = "", extra: Mapping[Path, str] | None = None
) -> Documents:
    """Read everything that a sidecar's record is about, and work its documents out.

    Args:
        sidecar: The sidecar.
        output: As for :func:`of`.
        extra: Likewise.

    Raises:
        CorruptFileError: A result is damaged or of a newer schema.
        IssueLogError: An entry of the issue log is malformed.
    """
    own = home.at_home(sidecar, output)
    others = [gather(own.on(name)) for name in home.others(own)]
    return of(gather(own), others=others, output=output, extra=extra)


def told(changed: Mapping[Path, bool]) -> str:
    """What a command says it has written and removed, in few lines."""
    lines = [
        f"{display_path(path)}: {'written' if path.exists() else 'removed'}"
        for path, new in changed.items()
        if new
    ]
    if unchanged := len(changed) - len(lines):
        lines.append(f"{unchanged} of {len(changed)} generated documents: unchanged")
    return "\n".join(lines)


def _page_problems(facts: Known, record: Path) -> list[str]:
    """What is wrong with the part of a record that people write, and with its length."""
    text = jsonfile.read_text(record, remedy=COMMAND)
    problems = criteria.outcome_problems(facts.evidence)
    named = prose.variant_in(text)
    if named and facts.answer.variant and named != facts.answer.variant:
        problems.append(
            f"the outcome names {named}, and the answer is {facts.answer.variant or 'nothing'}"
        )
    if facts.evidence.outcome and not prose.reason_in(text):
        problems.append("the outcome names no reason; write “because …” behind the option")
    fields = prose.front(text)
    lacking = [name for name in FRONT_FIELDS if not fields.get(name)]
    if lacking:
        problems.append(f"the front matter lacks {', '.join(lacking)}")
    if fields.get("platform", facts.platform) != facts.platform:
        problems.append(f"the front matter names {fields['platform']}, this is {facts.platform}")
    lines, size = len(text.splitlines()), len(text.encode())
    if lines > page.MAX_LINES or size > page.MAX_BYTES:
        problems.append(
            f"a record is one page: {lines} lines and {size} bytes, of at most {page.MAX_LINES} "
            f"and {page.MAX_BYTES}"
        )
    return problems


def _blocks(facts: Known, record: Path, output: str) -> dict[Path, dict[str, str]]:
    """The generated sections of each document that people write the rest of."""
    found = {record: by_reference(_rendered(page.RECORD, facts, record))}
    if facts.evidence.sidecar.is_own and not output:
        readme = facts.evidence.sidecar.workspace.root / README_NAME
        if readme.exists():
            found[readme] = _rendered(page.README, facts, readme)
    return found


def _rendered(sections: Sequence[Section], facts: Known, path: Path) -> dict[str, str]:
    root = facts.evidence.sidecar.workspace.root
    return {
        section.name: rebased(section.text(facts), root, path.absolute().parent)
        for section in page.there(sections, facts)
    }


def by_reference(blocks: Mapping[str, str]) -> dict[str, str]:
    """Blocks with their links by reference, each file named once in the block ``links``."""
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        return f"][{names.setdefault(match[1], Path(match[1]).stem)}]"

    texts = {name: _LINK.sub(named, text) for name, text in blocks.items()}
    lines = [f"[{name}]: {target}" for target, name in names.items()]
    return texts | {"links": "\n".join([*lines, ""]) if lines else "\n"}


def _documents(facts: Known, extra: Mapping[Path, str] | None) -> dict[Path, str]:
    """The documents that are generated as a whole, each with its first line."""
    root = facts.evidence.sidecar.workspace.root
    texts = {
        path: rebased(text, root, path.parent) for path, text in reports.render_all(facts).items()
    }
    command = _command(facts)
    made = {path: generated.document(text, command) for path, text in texts.items()}
    return made | {path: generated.document(text, COMMAND) for path, text in (extra or {}).items()}


def _withdrawn(facts: Known) -> set[Path]:
    """Folders of reports of platforms whose results are not there any more."""
    own = facts.evidence.sidecar
    base = own.workspace.reports.parent
    return {path for path in base.glob("*") if platforms.NAME.fullmatch(path.name)}


def _is_generated(path: Path) -> bool:
    return bool(pictures.drawn_from(path)) or (
        path.suffix == ".md" and generated.is_document(jsonfile.read_text(path))
    )


def _command(facts: Known) -> str:
    return COMMAND + facts.option


def _current(path: Path, facts: Known) -> str:
    """A document as it is; a record that does not exist is begun from the template."""
    if path.exists():
        return jsonfile.read_text(path)
    evidence = facts.evidence
    newest = max((str(item.provenance.get("at")) for item in evidence.results.values()), default="")
    return (
        TEMPLATE.read_text(encoding="utf-8")
        .replace("{sidecar}", evidence.sidecar.name)
        .replace("{date}", newest[:10] or datetime.datetime.now(datetime.UTC).date().isoformat())
        .replace("{platform}", facts.platform)
    )


def rebased(text: str, root: Path, folder: Path) -> str:
    """``text`` with its links, which are relative to ``root``, made relative to ``folder``."""
    if folder == root:
        return text
    return _LINK.sub(
        lambda match: f"]({Path(os.path.relpath(root / match[1], folder)).as_posix()})", text
    )


def _with_outcome(evidence: Evidence, record: Path) -> Evidence:
    """The evidence as this record sees it: one that lies elsewhere has an outcome of its own."""
    text = jsonfile.read_text(record) if record.exists() else ""
    return replace(evidence, outcome=prose.option_in(text))

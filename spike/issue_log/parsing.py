"""From Markdown to an entry: the linter of the issue log, which names every problem at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from spike.core import workspace
from spike.core.errors import IssueLogError
from spike.issue_log.entry import (
    ARCHES,
    EXTENSION,
    EXTENSION_FIELDS,
    HEADER,
    KINDS,
    PLATFORMS,
    SECTIONS,
    SEVERITIES,
    STATUSES,
    TEMPLATE_PLACE,
    Entry,
)
from spike.packagers import PACKAGERS

_TITLE = re.compile(r"### Issue (?P<id>[A-Za-z0-9][A-Za-z0-9_-]*): (?P<title>\S.*)")
_SECTION = re.compile(r"#### (?P<name>.+?)\s*")
_FIELD = re.compile(r"- (?P<name>[A-Z][A-Za-z/ ]*):(?P<value>.*)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True)
class _Value:
    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong in an entry: the line, counted from 1, and the rule it breaks."""

    line: int
    text: str


def parse(text: str, path: Path | None = None) -> Entry:
    """Read one entry.

    Args:
        text: The file's content.
        path: The file, for messages.

    Raises:
        IssueLogError: It breaks the template; every problem is named with file and line.
    """
    scanned = _scan(text)
    problems = list(scanned.problems)
    if scanned.id is None:
        problems.append(
            Problem(line=1, text='there is no heading "### Issue <ID>: <short title>" here')
        )
    values = scanned.values
    for section, names in _wanted_fields():
        for name in names:
            if (section, name) not in values:
                where = f' of "{section}"' if section else ""
                problems.append(
                    Problem(
                        line=scanned.line_of(section), text=f'the field "{name}"{where} is missing'
                    )
                )
    for section in SECTIONS:
        if section not in scanned.sections:
            problems.append(
                Problem(line=scanned.last_line, text=f'the section "#### {section}" is missing')
            )

    def get(section: str, name: str = "") -> str:
        value = values.get((section, name))
        return value.text if value else ""

    for name, allowed in (("Platform", PLATFORMS), ("Arch", ARCHES), ("Severity", SEVERITIES)):
        _check_choice(problems, values.get(("", name)), name, allowed)
    _check_date(problems, values.get(("", "Date")))
    for name, choices in (
        ("Status", STATUSES),
        ("Kind", KINDS),
        ("Packager", tuple(PACKAGERS)),
    ):
        if get(EXTENSION, name):
            _check_choice(problems, values.get((EXTENSION, name)), name, choices)
    sessions = _number(problems, values.get((EXTENSION, "Debug sessions")), "Debug sessions", int)
    days = _number(
        problems, values.get((EXTENSION, "Working days lost")), "Working days lost", float
    )
    if problems:
        raise _malformed(problems, path)
    return Entry(
        id=scanned.id or "",
        title=scanned.title,
        date=get("", "Date"),
        reporter=get("", "Reporter"),
        platform=get("", "Platform"),
        arch=get("", "Arch"),
        python=get("", "Python"),
        nuitka=get("", "Nuitka"),
        tauri=get("", "Tauri"),
        severity=get("", "Severity"),
        symptoms=get("Symptoms"),
        reproduction=get("Reproduction"),
        expected=get("Expected vs Actual", "Expected"),
        actual=get("Expected vs Actual", "Actual"),
        build_command=_uncoded(get("Diagnostics", "Build command")),
        launch_command=_uncoded(get("Diagnostics", "Launch command/path")),
        excerpt=_unfenced(get("Diagnostics", "Stdout/Stderr excerpt")),
        exit_code=get("Diagnostics", "Exit code"),
        suspected_cause=get("Suspected Cause"),
        resolution=get("Resolution / Mitigation"),
        follow_up=get("Follow-up Actions"),
        status=get(EXTENSION, "Status"),
        kind=get(EXTENSION, "Kind"),
        packager=get(EXTENSION, "Packager"),
        variant=get(EXTENSION, "Variant"),
        debug_sessions=None if sessions is None else int(sessions),
        working_days_lost=days,
        minimal_reproduction=_uncoded(get(EXTENSION, "Minimal reproduction")),
        reproduce=_uncoded(get(EXTENSION, "Reproduce")),
        fingerprint=_uncoded(get(EXTENSION, "Fingerprint")),
        path=path,
    )


def _wanted_fields() -> list[tuple[str, tuple[str, ...]]]:
    """The fields that have to be there, by section; the header's section is named ``""``."""
    return [("", HEADER), *((name, fields) for name, fields in SECTIONS.items() if fields)]


@dataclass(frozen=True, kw_only=True)
class _Scanned:
    id: str | None
    title: str
    sections: Mapping[str, int]
    values: Mapping[tuple[str, str], _Value]
    problems: tuple[Problem, ...]
    last_line: int

    def line_of(self, section: str) -> int:
        return self.sections.get(section, 1 if section == "" else self.last_line)


def _scan(text: str) -> _Scanned:
    """Split a file into its fields and sections; code fences are text, whatever is in them."""
    found_id: str | None = None
    title = ""
    sections: dict[str, int] = {}
    texts: dict[tuple[str, str], list[str]] = {}
    starts: dict[tuple[str, str], int] = {}
    problems: list[Problem] = []
    known = {"": HEADER, EXTENSION: EXTENSION_FIELDS, **SECTIONS}
    section = ""
    field = ""
    fence = ""
    lines = _without_comments(text)
    for number, line in enumerate(lines, start=1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark.group(1).startswith(fence):
                fence = ""
        elif mark:
            fence = mark.group(1)
        elif line.startswith(("### ", "#### ")):
            field = ""
            if line.startswith("### "):
                heading = _TITLE.fullmatch(line.rstrip())
                if heading is None:
                    problems.append(
                        Problem(
                            line=number,
                            text=f"the heading is {line.strip()!r}; "
                            'it has to read "### Issue <ID>: <short title>"',
                        )
                    )
                elif found_id is not None:
                    problems.append(
                        Problem(line=number, text="a second entry; a file holds one entry")
                    )
                if heading is not None and found_id is None:
                    found_id, title = heading.group("id"), heading.group("title").strip()
                elif found_id is None:
                    found_id, title = "", ""
                continue
            name = _SECTION.fullmatch(line)
            section = name.group("name") if name else ""
            if section not in known:
                problems.append(
                    Problem(
                        line=number,
                        text=f'the section "{section}" is not in the template; it has '
                        + ", ".join([*SECTIONS, EXTENSION]),
                    )
                )
            elif section in sections:
                problems.append(Problem(line=number, text=f'the section "{section}" comes twice'))
            sections.setdefault(section, number)
            continue
        elif (matched := _FIELD.fullmatch(line)) and known.get(section):
            name_, value = matched.group("name"), matched.group("value")
            if name_ not in known[section]:
                problems.append(
                    Problem(
                        line=number,
                        text=f'the field "{name_}" is not in the template; allowed here: '
                        + ", ".join(known[section]),
                    )
                )
            elif (section, name_) in texts:
                problems.append(Problem(line=number, text=f'the field "{name_}" comes twice'))
            else:
                field = name_
                texts[section, field] = [value]
                starts[section, field] = number
            continue
        if section or field or line.strip():
            key = (section, field)
            if not section and not field:
                problems.append(
                    Problem(line=number, text=f"{line.strip()!r} stands outside of every field")
                )
                continue
            texts.setdefault(key, []).append(line)
            starts.setdefault(key, number)
    return _Scanned(
        id=found_id,
        title=title,
        sections=sections,
        values={
            key: _Value(
                line=starts[key],
                text=_dedented(block) if key[1] else "\n".join(block).strip(),
            )
            for key, block in texts.items()
        },
        problems=tuple(problems),
        last_line=max(1, len(lines)),
    )


def _without_comments(text: str) -> list[str]:
    """The lines with HTML comments blanked, except in code fences; the numbers stay true."""
    lines = []
    fence = ""
    commented = False
    for line in text.splitlines():
        mark = None if commented else _FENCE.match(line)
        if fence:
            if mark and mark.group(1).startswith(fence):
                fence = ""
        elif mark:
            fence = mark.group(1)
        else:
            kept = ""
            rest = line
            while rest:
                if commented:
                    _, end, rest = rest.partition("-->")
                    commented = not end
                else:
                    before, start, rest = rest.partition("<!--")
                    kept += before
                    commented = bool(start)
            line = kept
        lines.append(line)
    return lines


def _dedented(lines: Sequence[str]) -> str:
    """A field's value: what follows on its line, and the lines below it without their indent."""
    first, *block = lines
    if all(line.startswith("  ") for line in block if line.strip()):
        block = [line.removeprefix("  ") for line in block]
    return "\n".join([first.strip(), *(line.rstrip() for line in block)]).strip()


def _uncoded(text: str) -> str:
    inner = text[1:-1] if len(text) > 1 and text[0] == text[-1] == "`" else text
    return text if "`" in inner else inner


def _unfenced(text: str) -> str:
    lines = text.splitlines()
    if len(lines) > 1 and _FENCE.match(lines[0]) and _FENCE.match(lines[-1]):
        return "\n".join(lines[1:-1])
    return text


def _check_choice(
    problems: list[Problem], value: _Value | None, name: str, allowed: Sequence[str]
) -> None:
    if value is not None and value.text not in allowed:
        problems.append(
            Problem(
                line=value.line, text=f"{name} is {value.text!r}; allowed: {', '.join(allowed)}"
            )
        )


def _check_date(problems: list[Problem], value: _Value | None) -> None:
    if value is None:
        return
    try:
        # fromisoformat alone also takes 20261123 and week dates.
        if not _DATE.fullmatch(value.text):
            raise ValueError
        date.fromisoformat(value.text)
    except ValueError:
        problems.append(
            Problem(
                line=value.line,
                text=f"Date is {value.text!r}; allowed: a day of the calendar as YYYY-MM-DD, "
                "such as 2026-11-23",
            )
        )


def _number(
    problems: list[Problem], value: _Value | None, name: str, kind: Callable[[str], float]
) -> float | None:
    if value is None or not value.text:
        return None
    try:
        number = kind(value.text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 10_000:
        right = "a whole number from 0" if kind is int else "a number from 0, such as 0.5"
        problems.append(
            Problem(line=value.line, text=f"{name} is {value.text!r}; allowed: {right}")
        )
        return None
    return number


def _malformed(problems: Sequence[Problem], path: Path | None) -> IssueLogError:
    name = workspace.display_path(path) if path else "entry"
    ordered = sorted(problems, key=lambda problem: problem.line)
    return IssueLogError(
        "\n".join(f"{name}:{problem.line}: {problem.text}." for problem in ordered),
        try_next=f"correct the file (the form is in {workspace.brought(TEMPLATE_PLACE)}), "
        "then run invoke issue --list",
    )

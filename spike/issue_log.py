"""The platform issue log: one Markdown file an entry, in the template of the plan's section 3.

An entry in the plan's bare form is valid. What the fallback rules need beyond it stands in one
more section, :data:`EXTENSION`, which is optional as a whole and in each of its fields.

The core (:func:`parse`, :func:`render`) works on text. The rest reads and writes ``issues/``.
Standard library only: a failed build drafts its entry from inside a packager's environment.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from spike import process, workspace
from spike.errors import IssueLogError, StorageError, UsageError

PLATFORMS: Final = ("Windows", "macOS", "Linux")
ARCHES: Final = ("x64", "arm64")
SEVERITIES: Final = ("blocker", "high", "medium", "low")
STATUSES: Final = ("open", "resolved", "accepted")
"""``accepted``: the behaviour stays as it is, and the mitigation in the entry holds."""

KINDS: Final = ("build", "launch", "stop", "leftovers", "host", "follow-up", "other")
"""What the problem is about: F1 reads ``build``, F2 reads ``launch``."""

HEADER: Final = (
    "Date",
    "Reporter",
    "Platform",
    "Arch",
    "Python",
    "Nuitka",
    "Tauri",
    "Severity",
)
SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Symptoms": (),
    "Reproduction": (),
    "Expected vs Actual": ("Expected", "Actual"),
    "Diagnostics": (
        "Build command",
        "Launch command/path",
        "Stdout/Stderr excerpt",
        "Exit code",
    ),
    "Suspected Cause": (),
    "Resolution / Mitigation": (),
    "Follow-up Actions": (),
}
"""The plan's sections in its order, with the fields of those that have any."""

EXTENSION: Final = "Rule fields (optional)"
EXTENSION_FIELDS: Final = (
    "Status",
    "Kind",
    "Packager",
    "Variant",
    "Debug sessions",
    "Working days lost",
    "Minimal reproduction",
    "Reproduce",
    "Fingerprint",
)
EXTENSION_NOTE: Final = (
    "<!-- Not in the plan's template: what the fallback rules and the tests read. -->"
)

TEMPLATE_NAME: Final = "TEMPLATE.md"
UNKNOWN: Final = "not known yet"
NOT_INVOLVED: Final = "not involved"

_TITLE = re.compile(r"### Issue (?P<id>[A-Za-z0-9][A-Za-z0-9_-]*): (?P<title>\S.*)")
_SECTION = re.compile(r"#### (?P<name>.+?)\s*")
_FIELD = re.compile(r"- (?P<name>[A-Z][A-Za-z/ ]*):(?P<value>.*)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_PLACEHOLDER = re.compile(r"<[^<>\n]+>")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry. The first block is the plan's template; the second, optional one is ours.

    Attributes:
        id: Unique in the log; new ones count up from ``0001``.
        title: Short title.
        date: ISO 8601 date.
        reporter: Who met it.
        platform: One of :data:`PLATFORMS`.
        arch: One of :data:`ARCHES`.
        python: Version of the Python that was packaged.
        nuitka: Version of Nuitka, or why none is involved.
        tauri: Version of Tauri, or why none is involved.
        severity: One of :data:`SEVERITIES`.
        symptoms: What happened, with the key lines of the log.
        reproduction: Numbered steps.
        expected: What was expected.
        actual: What came instead.
        build_command: The exact build command.
        launch_command: The launch command or the path that was launched.
        excerpt: Lines of stdout and stderr.
        exit_code: Exit code or signal, in words where there is none.
        suspected_cause: A hypothesis.
        resolution: What fixed it, or how to live with it.
        follow_up: Checkbox lines.

        status: One of :data:`STATUSES`; empty in the plan's bare form, which counts as open.
        kind: One of :data:`KINDS`; empty in the bare form.
        packager: The packager that it is about; empty in the bare form.
        variant: The variant, such as ``nuitka-onefile``.
        debug_sessions: Focused debug sessions held; None when not recorded.
        working_days_lost: Working days lost to it; None when not recorded.
        minimal_reproduction: Path or command of a reproducible minimal case; empty for none.
        reproduce: Command that exits 0 when the finding reproduces; empty for none.
        fingerprint: What tells a drafted entry from another; empty for one written by hand.
        path: The file; None for an entry that is not written yet.
    """

    id: str
    title: str
    date: str
    reporter: str = ""
    platform: str
    arch: str
    python: str = ""
    nuitka: str = ""
    tauri: str = ""
    severity: str
    symptoms: str = ""
    reproduction: str = ""
    expected: str = ""
    actual: str = ""
    build_command: str = ""
    launch_command: str = ""
    excerpt: str = ""
    exit_code: str = ""
    suspected_cause: str = ""
    resolution: str = ""
    follow_up: str = ""

    status: str = ""
    kind: str = ""
    packager: str = ""
    variant: str = ""
    debug_sessions: int | None = None
    working_days_lost: float | None = None
    minimal_reproduction: str = ""
    reproduce: str = ""
    fingerprint: str = ""
    path: Path | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still stands; the plan's bare form has no status and counts as open."""
        return self.status in ("", "open")

    @property
    def about(self) -> str:
        """The packager that it counts for: the named one, else the plan's, which is Nuitka."""
        if self.packager:
            return self.packager
        return "pyinstaller" if "pyinstaller" in self.build_command.lower() else "nuitka"

    @property
    def topic(self) -> str:
        """The named kind; else ``build`` when there was a build command but nothing to launch."""
        if self.kind:
            return self.kind
        return "build" if self.build_command and not self.launch_command else "other"

    @property
    def unfilled(self) -> tuple[str, ...]:
        """Parts of the template that nobody has filled in yet."""
        parts = {
            "Symptoms": self.symptoms,
            "Reproduction": self.reproduction,
            "Expected": self.expected,
            "Actual": self.actual,
            "Suspected Cause": self.suspected_cause,
            "Resolution / Mitigation": self.resolution,
        }
        return tuple(
            name
            for name, text in parts.items()
            if not text or text == UNKNOWN or _is_placeholder(text)
        )


def _is_placeholder(text: str) -> bool:
    """Whether every line is still the template's own ``<…>``, list marks apart."""
    lines = [re.sub(r"^(\d+\.|- \[ \]|-)\s*", "", line.strip()) for line in text.splitlines()]
    return all(_PLACEHOLDER.fullmatch(line) for line in lines if line)


# ---------------------------------------------------------------------------------------- parsing


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
        ("Packager", ("nuitka", "pyinstaller", "cx_freeze")),
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
        try_next=f"correct the file (the form is in issues/{TEMPLATE_NAME}), "
        "then run invoke issue --list",
    )


# ---------------------------------------------------------------------------------------- writing


def render(entry: Entry) -> str:
    """The entry as Markdown, in the template's order; :func:`parse` gives the same entry back."""
    days = entry.working_days_lost
    extension = {
        "Status": entry.status,
        "Kind": entry.kind,
        "Packager": entry.packager,
        "Variant": entry.variant,
        "Debug sessions": "" if entry.debug_sessions is None else str(entry.debug_sessions),
        "Working days lost": "" if days is None else f"{days:g}",
        "Minimal reproduction": _coded(entry.minimal_reproduction),
        "Reproduce": _coded(entry.reproduce),
        "Fingerprint": entry.fingerprint,
    }
    parts = [
        f"### Issue {entry.id}: {entry.title}",
        *(_item(name, getattr(entry, name.lower())) for name in HEADER),
    ]
    for name, text in (("Symptoms", entry.symptoms), ("Reproduction", entry.reproduction)):
        parts += ["", f"#### {name}", text]
    parts += [
        "",
        "#### Expected vs Actual",
        _item("Expected", entry.expected),
        _item("Actual", entry.actual),
        "",
        "#### Diagnostics",
        _item("Build command", _coded(entry.build_command)),
        _item("Launch command/path", _coded(entry.launch_command)),
        _item("Stdout/Stderr excerpt", _fenced(entry.excerpt)),
        _item("Exit code", entry.exit_code),
    ]
    for name, text in (
        ("Suspected Cause", entry.suspected_cause),
        ("Resolution / Mitigation", entry.resolution),
        ("Follow-up Actions", entry.follow_up),
    ):
        parts += ["", f"#### {name}", text]
    filled = [(name, text) for name, text in extension.items() if text]
    if filled:
        parts += ["", f"#### {EXTENSION}", EXTENSION_NOTE, ""]
        parts += [_item(name, text) for name, text in filled]
    return "\n".join(parts).rstrip() + "\n"


def _item(name: str, text: str) -> str:
    if "\n" not in text:
        return f"- {name}: {text}".rstrip()
    indented = "\n".join(f"  {line}".rstrip() for line in text.splitlines())
    return f"- {name}:\n\n{indented}\n"


def _coded(text: str) -> str:
    if not text or "`" in text or "\n" in text or text == UNKNOWN or _is_placeholder(text):
        return text
    return f"`{text}`"


def _fenced(text: str) -> str:
    if not text or text == UNKNOWN or _is_placeholder(text):
        return text
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


TEMPLATE: Final = Entry(
    id="<ID>",
    title="<short title>",
    date="",
    platform="<Windows|macOS|Linux>",
    arch="<x64|arm64>",
    severity="<blocker|high|medium|low>",
    symptoms="<what happened; include key logs>",
    reproduction="1. <step>\n2. <step>",
    suspected_cause="<hypothesis>",
    resolution="<what fixed it or temporary workaround>",
    follow_up="- [ ] <owner + task>\n- [ ] <owner + task>",
)
"""The plan's template as it stands there."""


def template() -> str:
    """The content of ``issues/TEMPLATE.md``: the plan's form, then the optional section."""
    hints = {
        "Status": "<" + "|".join(STATUSES) + ">",
        "Kind": "<" + "|".join(KINDS) + ">",
        "Packager": "<nuitka|pyinstaller|cx_freeze>",
        "Variant": "<such as nuitka-onefile>",
        "Debug sessions": "<focused debug sessions held, a whole number>",
        "Working days lost": "<a number such as 0.5>",
        "Minimal reproduction": "<path or command of the minimal case>",
        "Reproduce": "<command that exits 0 when it still reproduces>",
        "Fingerprint": "<written by the tool that drafted the entry>",
    }
    lines = [f"- {name}: {hints[name]}" for name in EXTENSION_FIELDS]
    return render(TEMPLATE) + "\n".join(["", f"#### {EXTENSION}", EXTENSION_NOTE, "", *lines, ""])


# --------------------------------------------------------------------------------- the log folder


def load(folder: Path) -> tuple[Entry, ...]:
    """Read the whole log, in the order of the ids; an absent folder is an empty log.

    Raises:
        IssueLogError: Entries are malformed (all of them are named), or two have one id.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.md")):
        if path.name in (TEMPLATE_NAME, "README.md"):
            continue
        try:
            entries.append(parse(path.read_text(encoding="utf-8"), path))
        except IssueLogError as error:
            problems.append(error.what)
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{workspace.display_path(path)}:1: it cannot be read: {error}.")
    seen: dict[str, Entry] = {}
    for entry in entries:
        other = seen.setdefault(entry.id, entry)
        if other is not entry and entry.path and other.path:
            problems.append(
                f"{workspace.display_path(entry.path)}:1: the id {entry.id} is taken by "
                f"{workspace.display_path(other.path)}; allowed: an id of its own."
            )
    if problems:
        raise IssueLogError(
            "\n".join(problems),
            try_next=f"correct the files (the form is in issues/{TEMPLATE_NAME}), "
            "then run invoke issue --list",
        )
    return tuple(sorted(entries, key=lambda entry: entry.id))


def add(folder: Path, entry: Entry) -> Entry:
    """Write a new entry under the next free id and return it as written.

    Raises:
        StorageError: It cannot be written.
        UsageError: The title is empty or spans lines.
    """
    if not entry.title.strip() or "\n" in entry.title:
        raise UsageError(
            "An entry needs a title of one line.",
            try_next='invoke issue --title "What went wrong"',
        )
    entry = _publishable(entry)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = 1 + max(
            (
                int(match.group())
                for path in folder.glob("*.md")
                if (match := re.match(r"\d+", path.name))
            ),
            default=0,
        )
        while True:
            named = replace(entry, id=f"{number:04d}")
            path = folder / f"{named.id}-{_slug(entry.title)}.md"
            taken = any(folder.glob(f"{named.id}-*.md"))
            if not taken:
                # Exclusive creation: two tasks that draft at once get two ids.
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(render(named))
                return replace(named, path=path)
            number += 1
    except OSError as error:
        raise StorageError(
            f"The entry cannot be written into {workspace.display_path(folder)}: {error.strerror}.",
            try_next=f"check the free space and the rights of {workspace.display_path(folder)}",
        ) from None


def _publishable(entry: Entry) -> Entry:
    """The entry without this machine's paths: relative to the repository, or to ``~``."""
    roots = ((f"{workspace.ROOT}/", ""), (str(workspace.ROOT), "."), (str(Path.home()), "~"))
    changes: dict[str, Any] = {}
    for item in fields(entry):
        text = getattr(entry, item.name)
        if isinstance(text, str):
            for folder, shown in roots:
                text = text.replace(folder, shown)
            changes[item.name] = text
    return replace(entry, **changes)


def _slug(title: str) -> str:
    words: list[str] = []
    for word in re.findall(r"[a-z0-9]+", title.lower()):
        if len("-".join([*words, word])) > 60:
            break
        words.append(word)
    return "-".join(words) or "entry"


def draft(folder: Path, entry: Entry) -> Entry | None:
    """Write a drafted entry unless an open one has the same fingerprint; None then.

    A log that cannot be read keeps nobody from drafting: a malformed neighbour is skipped.
    """
    for path in sorted(folder.glob("*.md")):
        if path.name == TEMPLATE_NAME:
            continue
        try:
            known = parse(path.read_text(encoding="utf-8"), path)
        except (IssueLogError, OSError, UnicodeDecodeError):
            continue
        if known.is_open and known.fingerprint and known.fingerprint == entry.fingerprint:
            return None
    return add(folder, entry)


def fingerprint(*stable: str, message: str = "") -> str:
    """What makes a problem the same problem.

    Args:
        stable: Words that count as they are: the kind, the variant, a row's id.
        message: Text that counts without its numbers, pids, times and paths.
    """
    text = re.sub(r"(?<!\w)[~/][\w./~+-]*", "PATH", message)
    text = re.sub(r"0x[0-9a-f]+|\d+", "N", text)
    return hashlib.sha256("\n".join([*stable, text]).encode()).hexdigest()[:12]


# -------------------------------------------------------------------------------------- new ones


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the tool can fill in by itself.

    Attributes:
        python: Version of the Python that is packaged.
        nuitka: Version of Nuitka.
        tauri: Version of Tauri.
        build_command: The last build command.
        launch_command: The last launched path with its arguments.
    """

    python: str = ""
    nuitka: str = ""
    tauri: str = ""
    build_command: str = ""
    launch_command: str = ""


def blank(title: str, around: Surroundings, *, severity: str = "medium") -> Entry:
    """A new entry with everything filled in that the tool knows; the rest is the template's.

    Raises:
        UsageError: The severity is not one of the plan's.
    """
    if severity not in SEVERITIES:
        raise UsageError(
            f"Severity is {severity!r}.",
            why=f"Allowed: {', '.join(SEVERITIES)}.",
            try_next=f"--severity {SEVERITIES[2]}",
        )
    return replace(
        TEMPLATE,
        id="",
        title=title.strip(),
        date=date.today().isoformat(),
        platform=workspace.system_name(),
        arch=workspace.arch_name(),
        python=around.python or platform.python_version(),
        nuitka=around.nuitka or UNKNOWN,
        tauri=around.tauri or UNKNOWN,
        severity=severity,
        build_command=around.build_command,
        launch_command=around.launch_command,
        status="open",
    )


def surroundings(
    infos: Sequence[Mapping[str, Any]],
    failures: Sequence[Mapping[str, Any]],
    root: Path = workspace.ROOT,
) -> Surroundings:
    """What the last build says, a failed one included.

    Args:
        infos: Contents of the ``build.json`` files that there are.
        failures: Contents of the ``failure.json`` files of failed builds.
        root: The repository, whose host names the version of Tauri.
    """
    builds = sorted(
        [
            *(
                (str(info["built_at"]), process.shown(info["argv"], info["env"]), info)
                for info in infos
            ),
            *((str(item["at"]), str(item["command"]), item) for item in failures),
        ],
        key=lambda build: build[0],
    )
    last = builds[-1] if builds else ("", "", {})
    launched = max(infos, key=lambda info: str(info["built_at"]), default={})
    nuitka = [info for _, _, info in builds if info["packager"] == "nuitka"]
    return Surroundings(
        python=str(last[2].get("python_version", "")),
        nuitka=str(nuitka[-1]["packager_version"]) if nuitka else "",
        tauri=tauri_version(root),
        build_command=last[1],
        launch_command=str(launched.get("artifact", "")),
    )


def tauri_version(root: Path = workspace.ROOT) -> str:
    """Version of Tauri in the host's lock file; empty without one."""
    try:
        lock = tomllib.loads((root / "src-tauri" / "Cargo.lock").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return ""
    for package in lock.get("package", []):
        if package.get("name") == "tauri":
            return str(package.get("version", ""))
    return ""


def _bounded(lines: Sequence[str], limit: int = 40) -> str:
    return "\n".join(line.rstrip() for line in lines[-limit:]).strip("\n")


def from_build_failure(facts: Mapping[str, Any]) -> Entry:
    """Draft an entry from the ``failure.json`` that a failed build leaves."""
    variant, packager = str(facts["variant"]), str(facts["packager"])
    version = str(facts["packager_version"])
    tail = str(facts["tail"]).splitlines()
    last = next((line for line in reversed(tail) if "error" in line.lower()), (tail or [""])[-1])
    return replace(
        blank(
            f"{variant}: the build of {facts['sidecar']} fails at {facts['step']}",
            Surroundings(
                python=str(facts["python_version"]),
                nuitka=version if packager == "nuitka" else NOT_INVOLVED,
                tauri=NOT_INVOLVED,
                build_command=str(facts["command"]),
            ),
            severity="blocker",
        ),
        reporter=f"nox -s build_{packager}",
        symptoms=f"The step that failed: {facts['step']}. The last message:\n\n"
        + _fenced(last.strip()),
        reproduction=f"1. Run `nox -s build_{packager} -- --mode {variant.partition('-')[2]}"
        + ("`." if facts["sidecar"] == "sidecar-hello" else "` with `--sidecar` and its folder."),
        expected=f"{packager} {version} exits with 0 and the artifact is there.",
        actual=f"Exit code {facts['exit_code']}; nothing was published.",
        excerpt=_bounded(tail),
        exit_code=str(facts["exit_code"]),
        suspected_cause=UNKNOWN,
        resolution=UNKNOWN,
        follow_up=f"- [ ] Read `{facts['log']}` and write down the cause.",
        kind="build",
        packager=packager,
        variant=variant,
        debug_sessions=0,
        fingerprint=fingerprint("build", variant, str(facts["sidecar"]), message=last),
    )


def from_failed_launch(
    *,
    sidecar: str,
    variant: str,
    packager: str,
    packager_version: str,
    python: str,
    build_command: str,
    launch_command: str,
    command: str,
    failed: int,
    launches: int,
    sample: Mapping[str, Any],
) -> Entry:
    """Draft an entry from a launch that failed in a benchmark.

    Args:
        sidecar: Name of what was launched.
        variant: Its variant.
        packager: Its packager.
        packager_version: The packager's version.
        python: Version of the Python in it.
        build_command: How it was built.
        launch_command: How it was launched.
        command: The task that launches it so again.
        failed: How many launches failed in this way.
        launches: Of how many.
        sample: The first of them, as :func:`benchmarks.reliability.as_sample` gives it.
    """
    kind = str(sample["failure"])
    ended = sample.get("exit_signal") or sample.get("exit_code")
    tails = [
        *(f"stdout: {line}" for line in sample.get("stdout_tail", ())),
        *(f"stderr: {line}" for line in sample.get("stderr_tail", ())),
    ]
    topic = {"left_processes": "leftovers", "left_files": "leftovers", "unclean_stop": "stop"}
    return replace(
        blank(
            f"{variant}: a launch of {sidecar} ends in {kind}",
            Surroundings(
                python=python,
                nuitka=packager_version if packager == "nuitka" else NOT_INVOLVED,
                tauri=NOT_INVOLVED,
                build_command=build_command,
                launch_command=launch_command,
            ),
            severity="high",
        ),
        reporter="invoke bench",
        symptoms=f"{failed} of {launches} launches: {kind}. The first one: {sample['detail']}.",
        reproduction=f"1. Run `{command}`.",
        expected="BOOT, READY, a stop when asked for, exit code 0, nothing left.",
        actual=f"{kind}: {sample['detail']}.",
        excerpt=_bounded(tails) or "(no output)",
        exit_code="none" if ended in (None, "") else str(ended),
        suspected_cause=UNKNOWN,
        resolution=UNKNOWN,
        follow_up="- [ ] Find the cause, or a minimal case.",
        kind=topic.get(kind, "launch"),
        packager=packager,
        variant=variant,
        fingerprint=fingerprint("launch", variant, sidecar, kind),
    )


def from_checklist_row(
    *,
    sidecar: str,
    variant: str,
    row: str,
    text: str,
    evidence: str,
    python: str,
    nuitka: str,
    tauri: str,
    build_command: str,
    launch_command: str,
) -> Entry:
    """Draft an entry from a row of the checklist that failed."""
    return replace(
        blank(
            f"{variant}: checklist row {row} fails",
            Surroundings(
                python=python,
                nuitka=nuitka,
                tauri=tauri,
                build_command=build_command,
                launch_command=launch_command,
            ),
            severity="high",
        ),
        reporter="invoke verify",
        symptoms=f"Row {row}, “{text}”, is not true of {sidecar} as {variant}.",
        reproduction=f"1. Run `invoke verify --variant {variant}`.",
        expected=f"{text}.",
        actual="The row fails; the host's evidence is the excerpt.",
        excerpt=_bounded(evidence.splitlines()) or "(none)",
        exit_code=NOT_INVOLVED,
        suspected_cause=UNKNOWN,
        resolution=UNKNOWN,
        follow_up="- [ ] Find the cause, or a minimal case.",
        kind="host",
        packager=variant.partition("-")[0],
        variant=variant,
        fingerprint=fingerprint("checklist", variant, sidecar, row),
    )

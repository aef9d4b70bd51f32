"""From an entry to Markdown, in the order of the plan's template; and the template itself."""

from __future__ import annotations

import re
from typing import Final

from spike.issue_log.entry import (
    EXTENSION,
    EXTENSION_FIELDS,
    EXTENSION_NOTE,
    HEADER,
    KINDS,
    STATUSES,
    UNKNOWN,
    Entry,
    is_template_text,
)


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
        _item("Stdout/Stderr excerpt", fenced(entry.excerpt)),
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
        parts += ["", f"#### {EXTENSION}"]
        parts += [_item(name, text) for name, text in filled]
    return "\n".join(parts).rstrip() + "\n"


def _item(name: str, text: str) -> str:
    if "\n" not in text:
        return f"- {name}: {text}".rstrip()
    indented = "\n".join(f"  {line}".rstrip() for line in text.splitlines())
    return f"- {name}:\n\n{indented}\n"


def _coded(text: str) -> str:
    if not text or "`" in text or "\n" in text or text == UNKNOWN or is_template_text(text):
        return text
    return f"`{text}`"


def fenced(text: str) -> str:
    """A text as a code block that no fence inside it can end."""
    if not text or text == UNKNOWN or is_template_text(text):
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
        "Packager": "<such as nuitka>",
        "Variant": "<such as nuitka-onefile>",
        "Debug sessions": "<focused debug sessions held, a whole number>",
        "Working days lost": "<a number such as 0.5>",
        "Minimal reproduction": "<path or command of the minimal case>",
        "Reproduce": "<command that exits 0 when it still reproduces>",
        "Fingerprint": "<written by the tool that drafted the entry>",
    }
    lines = [f"- {name}: {hints[name]}" for name in EXTENSION_FIELDS]
    return render(TEMPLATE) + "\n".join(["", f"#### {EXTENSION}", EXTENSION_NOTE, "", *lines, ""])

"""The platform issue log: one Markdown file an entry, in the template of the plan's section 3.

An entry in the plan's bare form is valid. What the fallback rules need beyond it stands in one
more section, :data:`EXTENSION`, which is optional as a whole and in each of its fields.

Parsing and rendering work on text; :mod:`~spike.issue_log.folder` reads and writes ``issues/``.
Standard library only: a failed build drafts its entry from inside a packager's environment.
"""

from spike.issue_log.drafts import (
    Surroundings,
    blank,
    fingerprint,
    from_build_failure,
    from_checklist_row,
    from_failed_launch,
    surroundings,
    tauri_version,
)
from spike.issue_log.entry import EXTENSION, NOT_INVOLVED, SEVERITIES, UNKNOWN, Entry
from spike.issue_log.folder import add, draft, load
from spike.issue_log.parsing import parse
from spike.issue_log.rendering import render, template

__all__ = [
    "EXTENSION",
    "NOT_INVOLVED",
    "SEVERITIES",
    "UNKNOWN",
    "Entry",
    "Surroundings",
    "add",
    "blank",
    "draft",
    "fingerprint",
    "from_build_failure",
    "from_checklist_row",
    "from_failed_launch",
    "load",
    "parse",
    "render",
    "surroundings",
    "tauri_version",
    "template",
]

"""The log as a folder: one file an entry, read as a whole, added to one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from spike.core import jsonfile, workspace
from spike.core.errors import IssueLogError, StorageError, UsageError
from spike.issue_log.entry import TEMPLATE_NAME, TEMPLATE_PLACE, Entry
from spike.issue_log.parsing import parse
from spike.issue_log.rendering import render


def load(folder: Path) -> tuple[Entry, ...]:
    """Read the whole log, in the order of the ids; an absent folder is an empty log.

    Raises:
        IssueLogError: Entries are malformed (all of them are named), or two have one id.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    for path in _files(folder):
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
            try_next=f"correct the files (the form is in {workspace.brought(TEMPLATE_PLACE)}), "
            "then run invoke issue --list",
        )
    return tuple(sorted(entries, key=lambda entry: entry.id))


def _files(folder: Path) -> Iterator[Path]:
    """The entries' files; the template is none."""
    for path in sorted(folder.glob("*.md")):
        if path.name not in (TEMPLATE_NAME, "README.md"):
            yield path


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
        number = 0
        while True:
            number = max(number + 1, 1 + _highest_number(folder))
            reserved = folder / f".{number:04d}.partial"
            try:
                # Two tasks that draft at once get two numbers.
                reserved.touch(exist_ok=False)
            except FileExistsError:
                continue
            try:
                if number <= _highest_number(folder):
                    continue  # the other one was done between our look and our reservation
                named = replace(entry, id=f"{number:04d}")
                path = folder / f"{named.id}-{_slug(entry.title)}.md"
                jsonfile.write_text(path, render(named))
                return replace(named, path=path)
            finally:
                reserved.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"The entry cannot be written into {workspace.display_path(folder)}: {error.strerror}.",
            try_next=f"check the free space and the rights of {workspace.display_path(folder)}",
        ) from None


def _highest_number(folder: Path) -> int:
    """The highest number that an entry has, in its file's name or in its heading; 0 for none."""
    numbers = [0]
    for path in _files(folder):
        heading = re.search(
            r"^### Issue (\d+):", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
        )
        numbers += [int(found[1]) for found in (re.match(r"(\d+)-", path.name), heading) if found]
    return max(numbers)


def _publishable(entry: Entry) -> Entry:
    """The entry without this machine's paths: relative to the repository, or to ``~``."""
    changes: dict[str, Any] = {}
    for item in fields(entry):
        text = getattr(entry, item.name)
        if isinstance(text, str):
            changes[item.name] = workspace.publishable(text)
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
    for path in _files(folder):
        try:
            known = parse(path.read_text(encoding="utf-8"), path)
        except (IssueLogError, OSError, UnicodeDecodeError):
            continue
        if known.is_open and known.fingerprint and known.fingerprint == entry.fingerprint:
            return None
    return add(folder, entry)

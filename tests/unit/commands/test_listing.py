"""The list of commands is made from the tasks: none is missing, none is invented."""

from __future__ import annotations

import re

from commands import listing, program
from spike.core.workspace import TOOL
from spike.packagers import PACKAGERS


def test_every_task_and_session_is_listed() -> None:
    """What `invoke --list` shows, with old names beside the new ones."""
    text = listing.document()
    tasks = program(str(TOOL / "tasks.py")).task_names
    assert len(tasks) > 20
    for name, aliases in tasks.items():
        assert f"| `invoke {name}`" in text
        for alias in aliases:
            assert re.search(rf"\| `invoke {name}`.*\(also `{alias}`\)", text)
    for packager in PACKAGERS:
        assert f"`nox -s build_{packager}`" in text


def test_an_option_stands_with_its_help_and_a_repeatable_one_as_an_option() -> None:
    """Invoke calls what has no default positional; a list is not."""
    text = listing.document()
    assert "`--launches`: launches of each variant, 1 to 10000 (default 20)" in text
    assert "`--variant`: work on this variant only" in text
    assert "`OLD`: an earlier result file" in text

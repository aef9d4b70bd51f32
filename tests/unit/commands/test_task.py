"""Who asks for help gets it, and nothing runs."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path

import pytest

from commands import program
from commands.task import OwnTask, asks_for_help
from spike.core.workspace import TOOL


def test_no_option_is_called_like_the_help() -> None:
    """Of any task; and each is one that sees to it."""
    tasks = program(str(TOOL / "tasks.py")).tasks
    assert len(tasks) > 20
    for name, task in tasks.items():
        assert isinstance(task, OwnTask), name
        names = {word for each in copy.deepcopy(task).get_arguments() for word in each.names}
        assert names.isdisjoint({"h", "help"}), name


@pytest.mark.parametrize("asked", [["new", "--help"], ["compare", "-h"], ["spike", "-h"]])
def test_help_is_shown_and_nothing_else_happens(tmp_path: Path, asked: list[str]) -> None:
    """Neither an application called --help is made, nor the whole plan carried out."""
    done = subprocess.run(
        [sys.executable, "-m", "invoke", "--search-root", str(TOOL), *asked],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: ")
    assert f" {asked[0]} [--options]" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_what_stands_behind_two_dashes_is_no_question() -> None:
    """It belongs to the program that is tried."""
    assert asks_for_help(["new", "--help"])
    assert asks_for_help(["-h"])
    assert not asks_for_help(["contract", "--", "./program", "-h"])
    assert not asks_for_help(["new", "my-help"])

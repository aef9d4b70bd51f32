"""The tasks for a repository of one's own; see :mod:`packaging_spike`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging_spike import bring

if TYPE_CHECKING:
    from invoke.collection import Collection


def program(tasks_file: str) -> Collection:
    """Every task, for the project whose ``tasks.py`` this is.

    Args:
        tasks_file: The ``__file__`` of that ``tasks.py``: its folder is the project's.
    """
    bring(tasks_file)
    from commands import program

    return program(tasks_file)

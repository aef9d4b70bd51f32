"""Whose turn it is, among the workers of one run and among several runs in one checkout.

Tests that measure are alone on the machine as far as the tests go: each waits until no other test
runs, and none begins before it has ended. Builds and Nox sessions of one name take turns too.
The locks are the operating system's, so a killed worker holds none.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from filelock import FileLock, ReadWriteLock

from spike.core.workspace import TOOL

PLACE = TOOL / "build" / "tests"


def among_others() -> AbstractContextManager[None]:
    """The turn of an ordinary test: beside other ordinary tests, never beside one that measures."""
    return _turns().read_lock()


def alone() -> AbstractContextManager[None]:
    """The turn of a test that measures: beside no other."""
    return _turns().write_lock()


def one_at_a_time(name: str) -> FileLock:
    """The lock of something that only one worker may do at a time, such as a Nox session."""
    PLACE.mkdir(parents=True, exist_ok=True)
    return FileLock(PLACE / f"{name}.lock")


def measuring_here() -> FileLock:
    """The lock for a task that measures in this checkout, of which there may be one at a time.

    To a second one the task itself says that it has to wait.
    """
    return one_at_a_time("measuring")


def _turns() -> ReadWriteLock:
    PLACE.mkdir(parents=True, exist_ok=True)
    return ReadWriteLock(PLACE / "turns.lock")

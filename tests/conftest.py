"""The order of a run over several workers, and the turns that its tests take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

from tests.support import turns
from tests.support.commands import COVERAGE

HOST = "host"
FIRST = (
    HOST,
    "test_tampering",
    "test_wheel",
    "test_second_project",
    "test_two_clones",
    "test_extending",
)
"""The longest groups, longest first: the run is as long as the worker that ends last. The host's
checklist and what follows here do not wait for each other: they measure in checkouts of their own.
"""


def group(nodeid: str) -> str:
    """The tests that one worker has to run, one after the other; the id itself for a single one.

    Tests of one integration file share builds and measured results. All files about the host are
    one group, since there is one ``src-tauri``. Unit tests are spread.
    """
    path = Path(nodeid.partition("::")[0])
    if "integration" not in path.parts:
        return nodeid
    return HOST if HOST in path.stem else path.stem


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole groups. xdist's own groups need its marks, which pytest 9.2 loses."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    config.option.loadscopereorder = False  # keep the order below
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long groups first, and what measures last."""
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    if item.get_closest_marker("measuring"):
        return len(FIRST) + 2
    name = group(item.nodeid)
    if name == item.nodeid:
        return len(FIRST) + 1
    return FIRST.index(name) if name in FIRST else len(FIRST)


@contextmanager
def uncovered() -> Iterator[None]:
    """Note no lines meanwhile, here or below us: the noting would be measured with the rest."""
    kept = {name: os.environ.pop(name) for name in COVERAGE if name in os.environ}
    running = Coverage.current()
    if running:
        running.stop()
    try:
        yield
    finally:
        if running:
            running.start()
        os.environ.update(kept)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Hold a turn from the first fixture to the last: see :mod:`tests.support.turns`."""
    with ExitStack() as held:
        if item.get_closest_marker("measuring"):
            held.enter_context(turns.alone())
            held.enter_context(uncovered())
        else:
            held.enter_context(turns.among_others())
        if item.get_closest_marker(HOST):
            held.enter_context(turns.one_at_a_time(HOST))
        return (yield)

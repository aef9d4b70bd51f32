"""The order of a run over several workers, and the turns that its tests take."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support import turns

FIRST = ("host", "test_tampering", "test_spine", "test_mistakes")
"""The longest groups, longest first: the run is as long as the worker that ends last."""

COVERAGE = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
"""What makes every Python below us note its lines; a program that is measured must not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what measures last, and what shares fixtures or the host's folders on one worker.

    Tests of one integration file share builds and measured results, so a file is one group. All
    that builds the host is one group, since there is one ``src-tauri``. Unit tests are spread.
    """
    for item in items:
        group = _group(item)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=_place)


def _group(item: pytest.Item) -> str:
    if item.get_closest_marker("measuring"):
        return "alone"
    if item.get_closest_marker("host"):
        return "host"
    if "integration" in item.path.parts:
        return item.path.stem
    return ""


def _place(item: pytest.Item) -> int:
    group = _group(item)
    if group == "alone":
        return len(FIRST) + 2
    if not group:
        return len(FIRST) + 1
    return FIRST.index(group) if group in FIRST else len(FIRST)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Hold a turn from the first fixture to the last: see :mod:`tests.support.turns`."""
    if not item.get_closest_marker("measuring"):
        with turns.among_others():
            return (yield)
    with turns.alone():
        kept = {name: os.environ.pop(name) for name in COVERAGE if name in os.environ}
        try:
            return (yield)
        finally:
            os.environ.update(kept)

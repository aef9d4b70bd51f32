"""A case: one small function, a sentence of expectation, and what it needs of the machine.

The cases are found, not listed: a folder below ``cases/`` is a category, a file in it a topic, and
each function there that :func:`case` decorates is a case.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.faults import cases
from benchmarks.faults.needs import Need, not_on
from benchmarks.faults.sandbox import Sandbox
from benchmarks.faults.verdict import CaseResult

Function = Callable[[Sandbox], CaseResult]

LIFE_AND_DEATH = "life_and_death"
"""The category that also goes through the launcher, the supervisor and the host."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault.

    Attributes:
        name: The function's name.
        category: The folder of its file.
        topic: The file's name.
        line: Its place in the file.
        expectation: What a user may expect, in a sentence, stated before anything is run.
        needs: What the machine must offer; without it the case is not run.
        alone: Whether other cases beside it would disturb it.
        function: Does it.
    """

    name: str
    category: str
    topic: str
    line: int
    expectation: str
    needs: tuple[Need, ...]
    alone: bool
    function: Function

    @property
    def of_life_and_death(self) -> bool:
        """Whether it tests who lives and dies; such cases go through the supervisor too."""
        return self.category == LIFE_AND_DEATH

    def not_on(self, platform: str) -> str:
        """Why it can never be tried on a platform; empty when it can."""
        return next(filter(None, (not_on(need, platform) for need in self.needs)), "")


_registry: dict[str, Case] = {}


def case(
    expectation: str, *, needs: tuple[Need, ...] = (), alone: bool = False
) -> Callable[[Function], Function]:
    """Register a function as a case under its own name.

    Args:
        expectation: What a user may expect: a sentence.
        needs: What the machine must offer.
        alone: Set when other cases beside it would disturb it.
    """

    def register(function: Function) -> Function:
        name = function.__name__
        if name in _registry:
            raise ValueError(f"two cases have the name {name}")
        _, category, topic = function.__module__.rsplit(".", 2)
        _registry[name] = Case(
            name=name,
            category=category,
            topic=topic,
            line=function.__code__.co_firstlineno,
            expectation=expectation,
            needs=needs,
            alone=alone,
            function=function,
        )
        return function

    return register


def categories() -> dict[str, str]:
    """The folders below ``cases/`` and their Python names, in the order that they ask for."""
    packages = {
        item.name: importlib.import_module(f"{cases.__name__}.{item.name}")
        for item in pkgutil.iter_modules(cases.__path__)
        if item.ispkg
    }
    names = sorted(packages, key=lambda name: (packages[name].ORDER, name))
    return {name: packages[name].__name__ for name in names}


@functools.cache  # thousands of cells of a table ask for their category
def all_cases() -> dict[str, Case]:
    """Every case by name, in the order of the categories and, within one, of files and lines."""
    order: dict[str, int] = {}
    for category, package in categories().items():
        order[category] = len(order)
        for item in pkgutil.iter_modules(importlib.import_module(package).__path__):
            importlib.import_module(f"{package}.{item.name}")
    ordered = sorted(_registry.values(), key=lambda one: (order[one.category], one.topic, one.line))
    return {one.name: one for one in ordered}

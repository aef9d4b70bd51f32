"""A case: one small function, a sentence of expectation, and what it needs of the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.faults.needs import Need
from benchmarks.faults.verdict import CaseResult

if TYPE_CHECKING:
    from benchmarks.faults.sandbox import Sandbox

Function = Callable[["Sandbox"], CaseResult]

CATEGORIES = ("life_and_death", "places", "artifact", "program", "platform")
"""The modules that hold the cases, in the order of the table."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault.

    Attributes:
        name: The function's name.
        category: The module's name.
        expectation: What a user may expect, in a sentence, stated before anything is run.
        needs: What the machine must offer; without it the case is not run.
        alone: Whether other cases beside it would disturb it.
        of_life_and_death: Whether it tests who lives and dies; those go through the supervisor too.
        function: Does it.
    """

    name: str
    category: str
    expectation: str
    needs: tuple[Need, ...]
    alone: bool
    of_life_and_death: bool
    function: Function


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
        category = function.__module__.rpartition(".")[2]
        if name in _registry:
            raise ValueError(f"two cases have the name {name}")
        _registry[name] = Case(
            name=name,
            category=category,
            expectation=expectation,
            needs=needs,
            alone=alone,
            of_life_and_death=category == "life_and_death",
            function=function,
        )
        return function

    return register


def all_cases() -> dict[str, Case]:
    """Every case by name, in the order of the categories and, within one, of the file."""
    import importlib

    for category in CATEGORIES:
        importlib.import_module(f"benchmarks.faults.{category}")
    order = {category: number for number, category in enumerate(CATEGORIES)}
    return dict(sorted(_registry.items(), key=lambda item: order[item[1].category]))

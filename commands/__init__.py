"""The invoke tasks, by topic; they read arguments, call the package and print what it returns.

A repository that uses this tool has a ``tasks.py`` of two lines::

    from packaging_spike import tasks
    namespace = tasks.program(__file__)

Nothing is imported here before a task runs but invoke and the registry of benchmarks: listing the
tasks takes a fraction of a second.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from invoke.collection import Collection
from invoke.tasks import Task

from spike.core.workspace import TOOL, enter, project


def program(tasks_file: str) -> Collection:
    """Every task, for the project whose ``tasks.py`` this is.

    Args:
        tasks_file: The ``__file__`` of that ``tasks.py``: its folder is the project's.
    """
    enter(tasks_file)
    # invoke switches it off; 250 modules compiled anew would be a quarter second of every command.
    # Below a tool that another project uses, nothing is written.
    unwanted = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.dont_write_bytecode = unwanted or project() != TOOL
    namespace = Collection()
    for topic in topics():
        for task in topic_tasks(topic):
            namespace.add_task(task)
    return namespace


def topics() -> tuple[ModuleType, ...]:
    """The modules with the tasks, in the order in which they are told."""
    # Not before: what is imported from here on knows whose tool it is.
    from commands import (
        application,
        build,
        contract,
        dev,
        host,
        installed,
        issues,
        measure,
        record,
        startup,
    )

    # The tests of the tool are no task of another project's.
    own = (dev,) if project() == TOOL else ()
    return build, startup, contract, measure, host, application, installed, issues, record, *own


def topic_tasks(topic: ModuleType) -> list[Task[Any]]:
    """The tasks of a topic's module, in the order in which it has them."""
    found = [value for value in vars(topic).values() if isinstance(value, Task)]
    return [*found, *getattr(topic, "GENERATED", ())]

"""``docs/commands.md``: every task with its options, made from the tasks themselves."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

from invoke.parser.argument import Argument
from invoke.tasks import Task

from spike.core.tables import compact

PLACE = ("docs", "commands.md")

NO_SIDECAR = "Takes no --sidecar: "
"""How the help of a task begins to say why it is about no sidecar."""

NO_PYTHON = "Takes no --python: "
"""And why it builds or measures what it does with one Python alone."""


def document() -> str:
    """The document, without the line that tells who generated it."""
    from commands import topic_tasks, topics
    from spike.packagers import PACKAGERS, modes_alone

    sessions = [
        [
            f"`nox -s build_{packager.name}`",
            ", ".join(f"`{mode.name}`" for mode in modes_alone(packager)),
            ", ".join(f"`{m.name}`" for m in packager.modes if m not in modes_alone(packager))
            or "-",
        ]
        for packager in PACKAGERS.values()
    ]
    parts = [
        "# Commands",
        "All in `.venv/bin`. `invoke --list` shows the tasks, `invoke --help TASK` the options of "
        "one. Exit codes: 0 done and the target met, 1 done and the target missed, 2 could not be "
        "done, 130 interrupted (what was measured is kept).",
        *(part for topic in topics() for part in _topic(topic, topic_tasks(topic))),
        "## Builds, each packager in an environment of its own",
        compact(["session", "modes that it builds", "modes by `-- --mode NAME`"], sessions),
        "Behind `--`: `--mode NAME` builds one mode, `--force` also what is up to date, "
        "`--sidecar DIR` another sidecar; `--draft` drafts its failure for the issue log. "
        "`nox -s lock -- --sidecar DIR` locks its dependencies.",
    ]
    return "\n\n".join(parts) + "\n"


def _topic(topic: ModuleType, tasks: list[Task[Any]]) -> list[str]:
    """The heading of a topic and its tasks."""
    title = (topic.__doc__ or topic.__name__).strip().splitlines()[0].rstrip(".")
    rows = [
        [f"`invoke {_name(task)}`{_also(task)}", _says(task), "<br>".join(_options(task)) or "-"]
        for task in tasks
    ]
    return [f"## {title}", compact(["command", "what it does", "options"], rows)]


def _name(task: Task[Any]) -> str:
    return str(task.name).replace("_", "-").strip("-")


def _also(task: Task[Any]) -> str:
    return "".join(f" (also `{alias}`)" for alias in task.aliases)


def _says(task: Task[Any]) -> str:
    """What a task does, and why it takes no sidecar or no Python where it takes none."""
    first, *rest = (" ".join(part.split()) for part in (task.__doc__ or "").split("\n\n"))
    return " ".join([first, *(part for part in rest if part.startswith((NO_SIDECAR, NO_PYTHON)))])


def _options(task: Task[Any]) -> list[str]:
    # invoke takes the help texts out of a task that is asked for its arguments.
    return [_option(argument) for argument in copy.deepcopy(task).get_arguments()]


def _option(argument: Argument) -> str:
    name = max(argument.names, key=len).replace("_", "-")
    # What can be given several times has no default, which makes invoke call it positional.
    shown = name.upper() if argument.positional and argument.kind is not list else f"--{name}"
    return f"`{shown}`: {argument.help}" if argument.help else f"`{shown}`"

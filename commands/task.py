"""The decorator of every task: invoke's own, but that ``-h`` and ``--help`` run nothing."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any

from invoke.parser.argument import Argument
from invoke.tasks import Task
from invoke.tasks import task as invoke_task


class OwnTask(Task[Any]):
    """A task that shows its help when it is asked to, whatever its options are called.

    To invoke a task's own words come first. It gives each option a letter, so that ``invoke spike
    -h`` would be ``--whole``, and run for hours; and a word that has to be there is whatever comes
    next, so that ``invoke new --help`` would make an application in a folder of that name.
    """

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        """What an option is made of: any letter but that of the help."""
        return super().arg_opts(name, default, {*taken_names, "h"})

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Its arguments, of which none has to be there where the help is asked for."""
        found = super().get_arguments(ignore_unknown_help)
        for argument in found if asks_for_help(sys.argv[1:]) else ():
            if argument.positional and argument.kind is str:
                argument.default = argument.default or ""
        return found


def asks_for_help(line: Sequence[str]) -> bool:
    """Whether a command line asks for help; what stands behind two dashes is not invoke's."""
    return not {"-h", "--help"}.isdisjoint(itertools.takewhile(lambda word: word != "--", line))


def task(**options: Any) -> Callable[[Callable[..., Any]], Task[Any]]:
    """Make a function a task; the options are those of invoke's decorator."""
    made: Callable[[Callable[..., Any]], Task[Any]] = invoke_task(**{"klass": OwnTask, **options})
    return made

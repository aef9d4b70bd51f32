"""A task that takes any number of words: ``invoke merge DIR DIR …``.

invoke has no such argument: a second word is the name of a task to it. So the words that stand
behind the task are counted before it reads them, and the argument asks for as many.
"""

from __future__ import annotations

import sys
from collections.abc import Collection as Names
from collections.abc import Sequence
from typing import Any

from invoke.parser.argument import Argument

from commands.task import OwnTask


class ManyWords(Argument):
    """A positional argument that takes as many words as there are."""

    words: tuple[str, ...] = ()
    expected: int = 0

    @property
    def value(self) -> Any:
        """The words; None while one is still to come, which is how invoke knows that it may."""
        return self.words if len(self.words) >= self.expected else None

    @value.setter
    def value(self, word: str) -> None:
        self.words = (*self.words, word)

    @property
    def got_value(self) -> bool:
        """Whether there was a word at all."""
        return bool(self.words)


class WordsTask(OwnTask):
    """A task whose positional argument takes any number of words."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Its arguments, with one for all the words."""
        found = super().get_arguments(ignore_unknown_help)
        own = (str(self.name).replace("_", "-"), *self.aliases)
        arguments: list[Argument] = []
        for each in found:
            if not each.positional:
                arguments.append(each)
                continue
            many = ManyWords(names=each.names, help=each.help, positional=True)
            many.expected = count(sys.argv[1:], own, found, _names())
            arguments.append(many)
        return arguments


def _names() -> set[str]:
    """The names of all tasks: a word that is one begins the next task."""
    from commands import topic_tasks, topics

    return {
        str(name).replace("_", "-")
        for topic in topics()
        for task in topic_tasks(topic)
        for name in (task.name, *task.aliases)
    }


def count(
    line: Sequence[str], own: Sequence[str], arguments: Sequence[Argument], names: Names[str]
) -> int:
    """How many words stand behind a task before the next one.

    Args:
        line: The words of the command line.
        own: The task's names.
        arguments: Its arguments.
        names: The names of all tasks.
    """
    takes_value = {
        flag: argument.takes_value
        for argument in arguments
        for name in argument.names
        for flag in (f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}",)
    }
    start = next((number for number, word in enumerate(line) if word in own), len(line))
    behind = list(line[start + 1 :])
    found = 0
    while behind:
        word = behind.pop(0)
        if word == "--" or word in names:
            break
        if not word.startswith("-"):
            found += 1
        elif takes_value.get(word) and behind:
            behind.pop(0)
    return found

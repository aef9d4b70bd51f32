"""A task with any number of words: how many there are, and where they end."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from commands import record

NAMES = {"merge", "adr", "bench"}


def kwargs(monkeypatch: pytest.MonkeyPatch, line: str) -> list[tuple[str, dict[str, Any]]]:
    """What invoke understands of a command line, task by task."""
    words = line.split()
    monkeypatch.setattr(sys, "argv", ["invoke", *words])
    contexts = [
        ParserContext(name=str(task.name), args=task.get_arguments())
        # Copies: invoke takes the help texts out of a task that is asked for its arguments.
        for task in copy.deepcopy((record.merge, record.adr))
    ]
    found = Parser(contexts=contexts).parse_argv(words)
    return [(str(context.name), context.as_kwargs) for context in found]


@pytest.mark.parametrize(
    ("line", "folders", "more"),
    [
        ("merge", (), {}),
        ("merge a", ("a",), {}),
        ("merge a b c", ("a", "b", "c"), {}),
        ("merge a --sidecar x b", ("a", "b"), {"sidecar": "x"}),
        ("merge --sidecar x a b", ("a", "b"), {"sidecar": "x"}),
        ("merge --sidecar=x a b", ("a", "b"), {"sidecar": "x"}),
        ("merge -s x a b", ("a", "b"), {"sidecar": "x"}),
        ("merge --withdraw linux-x64-3.12", (), {"withdraw": "linux-x64-3.12"}),
        ("merge ./adr a", ("./adr", "a"), {}),
    ],
)
def test_the_words_behind_a_task(
    monkeypatch: pytest.MonkeyPatch, line: str, folders: tuple[str, ...], more: dict[str, str]
) -> None:
    """All of them, wherever the options stand between them."""
    ((name, found),) = kwargs(monkeypatch, line)
    assert name == "merge"
    assert found["folders"] == folders
    for key, value in more.items():
        assert found[key] == value


def test_the_next_task_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """`invoke merge a b adr --check` is two tasks."""
    first, second = kwargs(monkeypatch, "merge a b adr --check")
    assert first[1]["folders"] == ("a", "b")
    assert second[0] == "adr"
    assert second[1]["check"] is True


def test_a_task_that_was_not_called_wants_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another task's words are its own."""
    ((name, found),) = kwargs(monkeypatch, "adr --output merge")
    assert (name, found["output"]) == ("adr", "merge")

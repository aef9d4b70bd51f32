"""Exec lines are read as the Desktop Entry Specification has them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spike.installed import desktop


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("app", ("app",)),
        ("app %U", ("app",)),
        ("/opt/My/app --flag %f -- x", ("/opt/My/app", "--flag", "--", "x")),
        ('"/opt/My App/app" --name="a b"', ("/opt/My App/app", "--name=a b")),
        (r'"a\"b" "c\$d" "e\\f"', ('a"b', "c$d", r"e\f")),
        ('app "" x', ("app", "", "x")),
        ("app 100%%", ("app", "100%")),
        ("app --icon=%i", ("app", "--icon=")),
        ('app "50%"', ("app", "50%")),
    ],
)
def test_words_of_an_exec_line(line: str, words: tuple[str, ...]) -> None:
    """Quotations, escapes, and field codes that stand for nothing."""
    assert desktop.split_exec(line) == words


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"app', "does not end"),
        ("%U", "names no program"),
        ('""', "names no program"),
        ("app %x", "no field code %x"),
        ("app %", "no field code %"),
    ],
)
def test_a_wrong_exec_line_is_named(line: str, said: str) -> None:
    """What cannot be started says why."""
    with pytest.raises(ValueError, match=said):
        desktop.split_exec(line)


def test_only_the_main_group_counts() -> None:
    """Actions, translations and comments are no Exec line of the application's."""
    entry = desktop.parse(
        "# Exec=comment\n[Desktop Entry]\nType=Application\nName=App\nName[de]=Anwendung\n"
        "Exec=app\\s--go %u\n[Desktop Action New]\nExec=other\n"
    )
    assert entry is not None
    assert (entry.name, entry.command, entry.hidden) == ("App", ("app", "--go"), False)
    assert entry.program == "app"
    # Variables may stand before it.
    assert replace(entry, command=("/usr/bin/env", "A=1", "B=", "a", "c=d")).program == "a"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [("Exec=app\nNoDisplay=true", True), ("Exec=app\nHidden=true", True), ("Exec=app", False)],
)
def test_what_no_menu_shows_is_hidden(text: str, hidden: bool) -> None:
    """An entry for a file type alone starts nothing for a user."""
    entry = desktop.parse(f"[Desktop Entry]\n{text}\n")
    assert entry is not None
    assert entry.hidden is hidden


@pytest.mark.parametrize("text", ["", "[Desktop Entry]\nType=Link\nExec=x", "[Desktop Entry]\n"])
def test_what_starts_no_application_is_none(text: str) -> None:
    """A link, a folder, or nothing."""
    assert desktop.parse(text) is None

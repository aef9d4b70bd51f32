"""A ``.desktop`` file, as far as it says how an application is started. Pure."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

_FIELD_CODES = frozenset("fFuUdDnNickvm")
"""Of the Desktop Entry Specification; without a file to open they stand for nothing."""

_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
"""Of a value of the type string."""


@dataclass(frozen=True, kw_only=True)
class DesktopEntry:
    """How a desktop starts an application.

    Attributes:
        name: What the menu shows.
        command: The words of its Exec line, without field codes.
        hidden: Whether no menu shows it.
    """

    name: str
    command: tuple[str, ...]
    hidden: bool

    @property
    def program(self) -> str:
        """The word that names the application; ``env NAME=VALUE`` may stand before it."""
        words = iter(self.command)
        if PurePosixPath(self.command[0]).name == "env":
            next(words)
            words = itertools.dropwhile(lambda word: "=" in word, words)
        return next(words, self.command[0])


def parse(text: str) -> DesktopEntry | None:
    """Read a file; None where it starts no application.

    Args:
        text: Its content.

    Raises:
        ValueError: Its Exec line is not as the specification has it; the message says why.
    """
    values = _group(text)
    if values.get("Type", "Application") != "Application" or not values.get("Exec"):
        return None
    return DesktopEntry(
        name=values.get("Name", ""),
        command=split_exec(values["Exec"]),
        hidden=values.get("NoDisplay") == "true" or values.get("Hidden") == "true",
    )


def _group(text: str) -> dict[str, str]:
    """Keys and values of the group ``[Desktop Entry]``; those of a language are left out."""
    values: dict[str, str] = {}
    inside = False
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            inside = line == "[Desktop Entry]"
        elif inside and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            if "[" not in key:
                values[key.strip()] = _unescaped(value.strip())
    return values


def _unescaped(value: str) -> str:
    return re.sub(
        r"\\(.)", lambda found: _ESCAPES.get(found.group(1), found.group(0)), value, flags=re.DOTALL
    )


def split_exec(line: str) -> tuple[str, ...]:
    """The words of an Exec line, without field codes.

    Args:
        line: The value, its general escapes undone.

    Raises:
        ValueError: A quotation does not end, or no program is named.
    """
    words: list[str] = []
    word = ""
    begun = quoted = False
    characters = iter(line)
    for character in characters:
        if character == "\\" and quoted:
            word += next(characters, "")
        elif character == '"':
            quoted = not quoted
            begun = True
        elif character == "%" and not quoted:
            code = next(characters, "")
            if code == "%":
                word += "%"
                begun = True
            elif code not in _FIELD_CODES:
                raise ValueError(f"the Exec line has no field code %{code}: {line}")
        elif character in " \t" and not quoted:
            if begun:
                words.append(word)
            word, begun = "", False
        else:
            word += character
            begun = True
    if quoted:
        raise ValueError(f"a quotation of the Exec line does not end: {line}")
    if begun:
        words.append(word)
    if not words or not words[0]:
        raise ValueError(f"the Exec line names no program: {line}")
    return tuple(words)

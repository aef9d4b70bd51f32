"""``decision-record.md``: prose by people, figures by commands, told apart by markers.

A generated block stands between two comments:

    <!-- begin generated: NAME | made by: COMMAND | sha256: … -->
    …
    <!-- end generated: NAME -->

The checksum is over the block's text, so an edit by hand is seen even before the block is made
again. What stands outside the markers is never touched. A block whose evidence does not exist says
"Not run" and the command that makes it: never empty, never invented.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from decision.evidence import Evidence
from spike.core.errors import CorruptFileError

_BEGIN = re.compile(
    r"<!-- begin generated: (?P<name>[a-z-]+) \| made by: (?P<command>[^|]*?)"
    r" \| sha256: (?P<sha>[0-9a-f]*) -->\n"
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One generated part of the record.

    Attributes:
        name: Its name in the markers.
        command: The command whose result it shows.
        render: Turns the evidence into Markdown; empty when the evidence does not exist.
        readme: Whether it stands in the README and not in the record.
    """

    name: str
    command: str
    render: Callable[[Evidence], str]
    readme: bool = False

    def text(self, evidence: Evidence) -> str:
        """The block's Markdown, with a final newline."""
        body = self.render(evidence).strip()
        command = self.command + evidence.sidecar.option
        return (body or f"Not run: `{command}` makes this section.") + "\n"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A block that is not as its command would write it.

    Attributes:
        name: The block.
        problem: What is wrong with it, in one sentence.
        diff: From the file's text to the right one; empty when the text is right.
    """

    name: str
    problem: str
    diff: str


def rewrite(text: str, rendered: Mapping[str, str], commands: Mapping[str, str]) -> str:
    """Replace every generated block and leave the rest as it is, byte for byte.

    Args:
        text: The record.
        rendered: Markdown of each block, by name.
        commands: The command that each block names.

    Raises:
        CorruptFileError: A marker is unknown, doubled or without its end.
    """
    parts = []
    position = 0
    for name, begin, body_end, end in _blocks(text, rendered):
        parts.append(text[position : begin.start()])
        parts.append(marker(name, commands[name], rendered[name]))
        parts.append(rendered[name])
        parts.append(text[body_end:end])
        position = end
    return "".join([*parts, text[position:]])


def differences(text: str, rendered: Mapping[str, str]) -> list[Difference]:
    """Compare every generated block with what it should be.

    Raises:
        CorruptFileError: A marker is unknown, doubled or without its end.
    """
    found = []
    seen = set()
    for name, begin, body_end, _end in _blocks(text, rendered):
        seen.add(name)
        body = text[begin.end() : body_end]
        edited = checksum(body) != begin["sha"]
        if body == rendered[name] and not edited:
            continue
        diff = "".join(
            difflib.unified_diff(
                body.splitlines(keepends=True),
                rendered[name].splitlines(keepends=True),
                f"{name} (in the record)",
                f"{name} (from the results)",
            )
        )
        problem = (
            f"the generated block {name!r} was edited by hand"
            if edited
            else f"the generated block {name!r} is stale"
        )
        found.append(Difference(name=name, problem=problem, diff=diff))
    found += [
        Difference(name=name, problem=f"the generated block {name!r} is missing", diff="")
        for name in rendered
        if name not in seen
    ]
    return found


def marker(name: str, command: str, body: str) -> str:
    """The line that begins a block."""
    return f"<!-- begin generated: {name} | made by: {command} | sha256: {checksum(body)} -->\n"


def checksum(body: str) -> str:
    """First 16 hexadecimal digits of the text's SHA-256: against slips, not against forgers."""
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _blocks(text: str, known: Mapping[str, str]) -> list[tuple[str, re.Match[str], int, int]]:
    """Every block as (name, begin marker, end of its text, end of its end marker)."""
    blocks = []
    names = set()
    for begin in _BEGIN.finditer(text):
        name = begin["name"]
        if name not in known:
            raise CorruptFileError(
                f"The record has a generated block {name!r}, which no command makes.",
                why=f"Known are: {', '.join(known)}.",
            )
        if name in names:
            raise CorruptFileError(f"The record has the generated block {name!r} twice.")
        names.add(name)
        closing = f"<!-- end generated: {name} -->\n"
        body_end = text.find(closing, begin.end())
        if body_end < 0:
            raise CorruptFileError(
                f"The generated block {name!r} of the record has no end marker.",
                try_next=f"put the line {closing.strip()} behind the block",
            )
        blocks.append((name, begin, body_end, body_end + len(closing)))
    return blocks

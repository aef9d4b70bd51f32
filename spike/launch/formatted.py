"""Tracebacks that a library has formatted, as Python writes them: of rich, and in a log of JSON.

rich, and what is built on it, such as typer, draws a box around the frames and wraps the message at
the width of a terminal that nobody has. Loggers write a traceback as one string of an object.
Everything here is a pure function of lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Sequence

HEAD = "Traceback (most recent call last):"

_BOX = re.compile(rf"^(?P<aside>\s*)(?P<top>[╭┌+][─-]+ {re.escape(HEAD[:-1])} [─-]+[╮┐+])\s*$")
_OTHER_BOX = re.compile(r"^\s*(?P<top>[╭┌]─.*[╮┐])\s*$")
_BOXED_FRAME = re.compile(r"^(?P<file>\S.*):(?P<line>\d+) in (?P<name>\S+)$")
_LONGEST = 100
"""So wide is a box at most; the message behind it is as wide as the terminal."""
_STRING = r'"(?:[^"\\]|\\.)*"'
_IN_JSON = re.compile(rf'"(?:[^"\\]|\\.)*{re.escape(HEAD)}(?:[^"\\]|\\.)*"')
# structlog's dict_tracebacks, the last one that was raised first.
_AS_DICT = re.compile(rf'"exc_type": ?(?P<kind>{_STRING}), ?"exc_value": ?(?P<value>{_STRING})')


def as_python_writes(lines: Sequence[str]) -> Iterator[str]:
    """The lines, with each such traceback as Python would have written it."""
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        if box := _BOX.match(line):
            index = yield from _boxed(lines, index, *box.span("top"))
        elif box := _OTHER_BOX.match(line):
            inside, index = _inside(lines, index, *box.span("top"))
            yield from inside
        elif line.lstrip().startswith("{"):
            yield from _of_object(line)
        else:
            yield line


def _of_object(line: str) -> Iterator[str]:
    """A log's object, what it has besides the traceback first."""
    try:
        if text := _IN_JSON.search(line):
            yield line[: text.start()] + line[text.end() :]
            yield from json.loads(text[0]).splitlines()
        elif pair := _AS_DICT.search(line):
            message = f"{json.loads(pair['kind'])}: {json.loads(pair['value'])}".splitlines()
            yield from (line, HEAD, *message)
        else:
            yield line
    except ValueError:
        yield line


def _boxed(lines: Sequence[str], index: int, left: int, right: int) -> Generator[str, None, int]:
    """What stands in a box and the first line of the message behind it.

    Returns:
        Number of the line behind these.
    """
    yield HEAD
    inside, index = _inside(lines, index, left, right)
    for text in inside:
        if frame := _BOXED_FRAME.match(text):
            yield f'  File "{frame["file"]}", line {frame["line"]}, in {frame["name"]}'
    if index < len(lines):
        width = right - left
        if width == _LONGEST:
            width = max(width, len(lines[index].rstrip()))
        message, behind = _joined([line[left:] for line in lines[index:]], 0, width)
        yield message
        return index + behind
    return index


def _inside(lines: Sequence[str], index: int, left: int, right: int) -> tuple[list[str], int]:
    """The text in a box, and the number of the line behind its lower edge."""
    inside = []
    while index < len(lines) and lines[index][left : left + 1] in ("│", "|"):
        inside.append(lines[index][left + 2 : right - 2])
        index += 1
    texts, at = [], 0
    while at < len(inside):
        text, at = _joined(inside, at, right - left - 4)
        texts.append(text)
    return texts, index + 1


def _joined(lines: Sequence[str], at: int, width: int) -> tuple[str, int]:
    """A line with those that were broken off it, and the number of the one behind them.

    A line goes on where the next one's first word did not fit any more; a word that is longer than
    a line fills lines of its own.
    """
    text = last = lines[at].strip()
    at += 1
    while at < len(lines) and (line := lines[at].strip()) and last:
        is_filled = len(last) >= width and " " not in last
        if not is_filled and len(last) + 1 + len(line.split()[0]) <= width:
            break
        text += line if is_filled else f" {line}"
        last = line
        at += 1
    return text, at

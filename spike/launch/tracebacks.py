"""Reads the exceptions out of what a program wrote: which one ended it, and which were only told.

A program that logs an exception goes on; one that ends by an exception says so last. So an
exception counts as uncaught when nothing but its own message stands behind it. Everything here is
a pure function of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spike.launch.formatted import HEAD as _HEAD
from spike.launch.formatted import as_python_writes

_CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_GROUP = re.compile(r"^\s*(?:[|+]-?\s?)+(?:-+(?:\s*\d+\s*-+)?\s*$)?")
_FRAME = re.compile(r'^[\s>]+File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>.*))?')
_LOG = re.compile(
    r"^\W*(?:\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)\b)"
    r"|\b(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)\s*[:\]|-]"
    r'|^\{.*"(?:level\w*|severity|event)":'
)
_GIVES_UP = re.compile(
    r"startup failed|failed to (?:start|boot|load)|(?:can ?not|could not|unable to) start"
    r"|\bexiting\b|\baborting\b|\b(?:uncaught|unhandled) exception\b",
    re.IGNORECASE,
)
# A packager's launcher says so of an exception that nobody has caught.
_ENDED = re.compile(r"^\[(?:PYI-)?\d+(?::\w+)?\] Failed to execute script")
# That, and what the interpreter and late clean-up say behind the last exception.
_NOISE = re.compile(
    rf"{_ENDED.pattern}|^Exception ignored in|^sys:1: (?!.* never awaited)"
    r"|^RuntimeWarning: Enable tracemalloc "
    r"|^Error in sys\.excepthook|^Original exception was:|^\s*$"
)
QUIET = re.compile(r"\b(?:DEBUG|INFO|WARN|WARNING)\b")
BAD_NEWS = re.compile(r"\b(?:ERROR|CRITICAL|FATAL)\b")
"""The level of a log's line: the program goes on, or may not."""
# What Python itself tells of, and goes on: an exception in a finaliser or at the exit, in a task.
_SHOWN = rf"{re.escape(_HEAD)}\n(?:[ \t].*\n)*.*"
_IGNORED = re.compile(rf"^Exception ignored (?:in|while|on)\b.*(?:\n{_SHOWN})?", re.MULTILINE)
_OF_A_TASK = re.compile(
    rf"^Task exception was never retrieved\n(?:future: .*\n)?{_SHOWN}", re.MULTILINE
)
# Colours and other orders to a terminal (ECMA-48, 5.4), and characters that show nothing. Lines end
# as they did.
_UNSEEN = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?::\s|$)")


@dataclass(frozen=True, kw_only=True)
class Raised:
    """One exception as it was printed.

    Attributes:
        lines: Its own line and those of its message that follow.
        where: File and line of the last frame, as ``main.py:12``; empty when there is none.
        source: That line of the file, when it was printed.
        causes: The exceptions that it is chained to, the nearest first.
        told: Whether something was written around it that only a program writes which goes on.
        gives_up: Whether the program says beside it that it ends because of it.
        in_thread: Whether it ended a thread.
        quietly: Whether it was told in that only log lines stand behind it, and no bad news: of a
            program that ended it may be the end all the same, as something logs at the exit.
        span: Numbers of its first line in the text and of the one behind its last.
    """

    lines: tuple[str, ...]
    where: str = ""
    source: str = ""
    causes: tuple[Raised, ...] = ()
    told: bool = False
    gives_up: bool = False
    in_thread: bool = False
    quietly: bool = False
    span: tuple[int, int] = (0, 0)

    @property
    def message(self) -> str:
        """The whole of it, with its line ends."""
        return "\n".join(self.lines)

    @property
    def kind(self) -> str:
        """The exception's name without its module."""
        return self.lines[0].partition(":")[0].rpartition(".")[2].strip() if self.lines else ""


def plain(text: str) -> str:
    """A text as a terminal would show it: Python from 3.13 on and many libraries write colours."""
    return _UNSEEN.sub("", text)


def _heard(text: str) -> list[str]:
    """The lines, empty where they are of an exception that ended nothing, beside one that may have.

    What a task tells counts where nothing else does: it may be what the program waits for in vain.
    """

    def emptied(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n")

    text = _IGNORED.sub(emptied, "\n".join(as_python_writes(text.splitlines())))
    without = _OF_A_TASK.sub(emptied, text)
    return (without if _HEAD in without else text).splitlines()


def read(text: str) -> tuple[Raised, ...]:
    """Every exception with a traceback in a text, in order; chained ones are one."""
    lines = _heard(text)
    heads = [index for index, line in enumerate(lines) if _HEAD in line]
    found: list[Raised] = []
    for number, head in enumerate(heads):
        end = heads[number + 1] if number + 1 < len(heads) else len(lines)
        raised, chained = _one(lines, head, end)
        if chained and found:
            before = found.pop()
            raised = _chained(raised, before)
        found.append(raised)
    return tuple(found)


def uncaught(text: str, *, ended: bool = False) -> Raised | None:
    """The exception that ended a program; None when none did, or when it was only logged.

    Args:
        text: What the program wrote.
        ended: Whether it is known to have ended by itself, before anybody asked it to.
    """
    found = read(text)
    if not found:
        return None
    last = found[-1]
    if last.gives_up or not last.told or (ended and last.quietly):
        return last
    threads = [raised for raised in found if raised.in_thread]
    return threads[-1] if threads else None


def last_lines(text: str, count: int = 3, *, outside: bool = False) -> tuple[str, ...]:
    """The last lines that the program itself wrote, the last one first.

    Args:
        text: What it wrote.
        count: How many.
        outside: Leave out those of tracebacks.
    """
    spans = [raised.span for raised in read(text)] if outside else []
    lines = [
        line.strip()
        for number, line in enumerate(_heard(text))
        if re.search(r"\w", line)
        and not _NOISE.match(line)
        and not any(first <= number < end for first, end in spans)
    ]
    return tuple(reversed(lines[-count:]))


def _chained(raised: Raised, before: Raised) -> Raised:
    return Raised(
        lines=raised.lines,
        where=raised.where,
        source=raised.source,
        causes=(before, *before.causes),
        # Where the chain begins and ends says what the whole of it is.
        told=raised.told or before.told,
        gives_up=raised.gives_up or before.gives_up,
        in_thread=raised.in_thread or before.in_thread,
        quietly=raised.quietly,
        span=(before.span[0], raised.span[1]),
    )


def _one(lines: Sequence[str], head: int, end: int) -> tuple[Raised, bool]:
    """Read the exception of the traceback that begins at a line, up to the next one's head."""
    before = next((line for line in reversed(lines[:head]) if line.strip()), "")
    chained = before.strip().lstrip("| ") in _CHAINED
    prefix = lines[head][: lines[head].index(_HEAD)]
    in_group = "|" in prefix or "+" in prefix
    in_thread = before.startswith("Exception in thread")
    is_logged = bool(prefix.strip()) and not in_group
    body = [(_GROUP.sub("", line) if in_group else line) for line in lines[head + 1 : end]]
    where = source = ""
    start = len(body)
    for index, line in enumerate(body):
        match = _FRAME.match(line)
        if match and (match["file"][0] != "<" or not where):
            where = f"{_short(match['file'])}:{match['line']}"
            follows = body[index + 1] if index + 1 < len(body) else ""
            is_source = follows.startswith("    ") and not _FRAME.match(follows)
            source = follows.strip() if is_source else ""
        elif not match and line.strip() and not line.startswith((" ", "\t")):
            if _EXCEPTION.match(line) or not _LOG.match(line):
                start = index
            break
    message, rest = _message(body[start:])
    following = [line for line in rest if not _NOISE.match(line)]
    chain_goes_on = bool(following) and following[0].strip().lstrip("| ") in _CHAINED
    next_is_another = end < len(lines) and not chain_goes_on
    told = is_logged or (
        not in_thread and (next_is_another or (bool(following) and not chain_goes_on))
    )
    beside = [*([before] if _LOG.match(before) else []), *following[:4]]
    return (
        Raised(
            lines=tuple(message),
            where=where,
            source=source,
            told=told,
            gives_up=any(_ENDED.match(line) for line in rest[:2])
            or any(_GIVES_UP.search(line) and not QUIET.search(line) for line in beside),
            in_thread=in_thread,
            quietly=(BAD_NEWS.search(prefix) is not None and not following and not next_is_another)
            or (
                not (is_logged or next_is_another or _LOG.match(before))
                and all(_LOG.match(line) and QUIET.search(line) for line in following)
            ),
            span=(head, head + 1 + start + len(message)),
        ),
        chained,
    )


def _short(file: str) -> str:
    """A file's name: a library's with its package, the program's own without its folder."""
    path = file.replace("\\", "/")
    _, installed, inside = path.rpartition("-packages/")
    if installed:
        return inside
    is_whole = path.startswith(("/", "<")) or path[1:2] == ":"
    return path.rpartition("/")[2] if is_whole else path


def _message(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split what stands behind the frames into the exception's own lines and the rest."""
    own: list[str] = []
    for index, line in enumerate(lines):
        is_end = (
            line.strip().lstrip("| ") in _CHAINED
            or (index > 0 and _LOG.match(line))
            or (index > 0 and line.strip() and _NOISE.match(line))
            or (index > 0 and line.startswith("-" * 20))
        )
        if is_end:
            return _stripped(own), list(lines[index:])
        own.append(line)
    return _stripped(own), []


def _stripped(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def every(raised: Raised) -> Iterator[Raised]:
    """An exception and those that it is chained to, the last one that was raised first."""
    yield raised
    yield from raised.causes

"""What a plain script has written against what a program has: the lines that differ for good.

What differs by itself (times, process ids, ports, tokens) is known from a second run of the script.
Pure: lines in, lines out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_CHANGING = re.compile(
    r"0x[0-9a-fA-F]+|\d{4}-\d\d-\d\d|\d\d?:\d\d:\d\d(?:[.,]\d+)?|\bThread-\d+"
    r"|\b\d+(?:\.\d+)? ?(?:ms|us|s|sec(?:ond)?s?)\b"
    r"|(?<!\d)1\d{9}(?:\.\d+)?(?!\d)|(?<=python[=/ ])\d+\.\d+\.\d+",
    re.IGNORECASE,
)
"""Addresses, dates, times, durations and threads: different in every run; the times of files, in
seconds since 1970, in every copy. And the version of Python: cx_Freeze's distributions bring an
interpreter of their own."""


def differing(
    plain: Sequence[str], again: Sequence[str], program: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Lines that only the plain script, and lines that only the program has written.

    Args:
        plain: Lines of the plain script, its own folders named alike in all three.
        again: The same of a second run: what differs there differs by itself.
        program: Lines of the program.
    """
    masks = [mask(line) for line in plain]
    if len(plain) == len(again):
        masks = [_common(one, other) for one, other in zip(plain, again, strict=True)]
        optional: list[str] = []
    else:
        common = Counter(mask(line) for line in again)
        optional = [each for each in masks if not common[each]]
    left = list(masks)
    names = list(plain)
    only_program = []
    for line in program:
        shown = mask(line)
        for place, each in enumerate(left):
            if _fits(each, shown):
                del left[place], names[place]
                break
        else:
            # Once more is no difference: a child of multiprocessing imports the main script.
            if not any(_fits(each, shown) for each in masks):
                only_program.append(line)
    told = [mask(line) for line in program]
    only_plain = [
        line
        for line, each in zip(names, left, strict=True)
        if mask(line) not in optional and not any(_fits(each, other) for other in told)
    ]
    return only_plain, only_program


_ANY = "\0"


def mask(line: str) -> str:
    """A line, or an address, with what changes taken out."""
    return _CHANGING.sub(_ANY, line.rstrip())


def _common(one: str, other: str) -> str:
    """A line with what differs in a second run masked, word by word."""
    words = re.split(r"([\s=,;]+)", mask(one))
    others = re.split(r"([\s=,;]+)", mask(other))
    if len(words) != len(others):
        return _ANY
    return "".join(word if word == twin else _ANY for word, twin in zip(words, others, strict=True))


def _fits(masked: str, line: str) -> bool:
    """Whether a line is a mask with anything in its gaps.

    From left to right, each part where it comes first: in time that is linear in both, where a
    regular expression takes one that doubles with each gap.
    """
    first, *parts = masked.split(_ANY)
    if not parts:
        return line == first
    last = parts.pop()
    at, end = len(first), len(line) - len(last)
    if end < at or not line.startswith(first) or not line.endswith(last):
        return False
    for part in parts:
        at = line.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True

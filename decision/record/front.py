"""The fields in front of a record: who decided, when, and on which platform."""

from __future__ import annotations

import re

_FRONT = re.compile(r"\A---\n(?P<fields>(?:[a-z-]+: .*\n)+)---\n")


def front(text: str) -> dict[str, str]:
    """The fields in front of a record; empty without any."""
    found = _FRONT.match(text)
    if found is None:
        return {}
    pairs = (line.split(": ", 1) for line in found["fields"].splitlines())
    return {name: value.strip() for name, value in pairs}

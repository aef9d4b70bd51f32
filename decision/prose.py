"""What people wrote into a record: the fields in front of it, and their decision in MADR's form.

    Chosen option: "Nuitka, shipped as nuitka-lean", because …

It is read from under "Decision Outcome", outside of every generated block. The packager is the
first word; a variant may be named behind it.
"""

from __future__ import annotations

import re

from spike.packagers import VARIANTS

_OUTCOME = re.compile(
    r"^Chosen option: [\"“](?P<option>[^\"”\n]+)[\"”](?:[,.]?\s+because\s+(?P<reason>\S[^\n]*))?",
    re.MULTILINE,
)
_GENERATED = re.compile(
    r"<!-- begin generated: .*?<!-- end generated: [a-z-]+ -->", flags=re.DOTALL
)
_WORD = re.compile(r"[\w-]+")
_FRONT = re.compile(r"\A---\n(?P<fields>(?:[a-z-]+: .*\n)+)---\n")


def front(text: str) -> dict[str, str]:
    """The fields in front of a record, such as its date and platform; empty without any."""
    found = _FRONT.match(text)
    if found is None:
        return {}
    pairs = (line.split(": ", 1) for line in found["fields"].splitlines())
    return {name: value.strip() for name, value in pairs}


def option_in(text: str) -> str:
    """The option that a record names; empty for none."""
    found = _find(text)
    return found["option"].strip() if found else ""


def variant_in(text: str) -> str:
    """The variant that the option names; empty for none."""
    words = _WORD.findall(option_in(text))
    return next((word for word in words if word in VARIANTS), "")


def reason_in(text: str) -> str:
    """The reason that a record gives for its outcome, its first line; empty for none."""
    found = _find(text)
    return (found["reason"] or "").strip() if found else ""


def _find(text: str) -> re.Match[str] | None:
    _, _, section = _GENERATED.sub("", text).partition("\n## Decision Outcome\n")
    section, _, _ = section.partition("\n## ")
    return _OUTCOME.search(section)

"""Platforms whose results lie side by side, and what they are called.

A checkout measures into ``benchmarks/results/<platform>/``, such as ``linux-x64``. What comes from
other machines by ``invoke merge`` lies beside it, in ``<platform>-<python>``, such as
``linux-arm64-3.12``: one folder a platform and Python, each of one machine and one checkout. Two
folders never mean the same: a folder without a Python in its name stands for the Python that its
programs were built with. What a checkout measures with ``--python`` lies in such a folder, too; a
second Python of one version has its origin behind it, such as ``linux-x64-3.11-debian``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from spike.measure import results
from spike.measure.results import Result
from spike.project.sidecar import Sidecar

PYTHON: Final = r"-[0-9]+\.[0-9]+(?:-[a-z]+)?"
"""How a Python is named in it, as a pattern: its version, and where it needs one its origin."""

NAME: Final = re.compile(r"(?:linux|macos|windows)-(?:x64|arm64)" + PYTHON)
"""Of a platform with its Python."""

_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+(?![0-9])")


def name_of(found: Iterable[Result]) -> str:
    """What the results of one machine are called: system, architecture, Python.

    The Python is that of the programs; of results without any, the one that measured.

    Returns:
        The name, such as ``windows-x64-3.12``; empty when the results do not give one.
    """
    names = set()
    pythons = set()
    for result in found:
        facts = result.provenance
        names.add(f"{str(facts.get('platform')).lower()}-{facts.get('arch')}")
        pythons |= {
            str(facts["build"].get("python_version"))
            for facts in result.targets.values()
            if isinstance(facts.get("build"), Mapping)
        }
    if not pythons:
        pythons = {str(result.provenance.get("python")) for result in found}
    short = {match[0] for text in pythons if (match := _VERSION.match(text))}
    if len(names) != 1 or len(short) != 1:
        return ""
    name = f"{names.pop()}-{short.pop()}"
    return name if NAME.fullmatch(name) else ""


def merged(sidecar: Sidecar) -> tuple[str, ...]:
    """Names of the platforms whose results were merged in for a sidecar, sorted."""
    base = sidecar.on("").workspace.root / "benchmarks" / "results"
    return tuple(
        path.name
        for path in sorted(base.glob("*"))
        if NAME.fullmatch(path.name) and results.files(sidecar.on(path.name).workspace.results)
    )


def date_of(found: Iterable[Result]) -> str:
    """When the newest of these results was taken: UTC, ISO 8601; empty for none."""
    return max((str(result.provenance.get("at", "")) for result in found), default="")


def newest(found: Iterable[Result]) -> Mapping[str, Any]:
    """The provenance of the newest of these results; empty for none."""
    return max(
        (result.provenance for result in found), key=lambda facts: str(facts.get("at")), default={}
    )

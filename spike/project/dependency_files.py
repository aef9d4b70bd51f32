"""The files in which a project says what it depends on, and what decides the versions of that.

Standard library only.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spike.core.errors import SidecarError
from spike.project import roots

PROJECT_DEPENDENCIES = "[project] dependencies"

_RULES = ("constraint-dependencies", "exclude-newer", "override-dependencies", "sources")
"""Keys of ``[tool.uv]`` that decide which version of a dependency is chosen, or from where."""


def requirements(path: Path) -> Iterator[str]:
    """The requirements in a ``requirements.txt`` and in those that it includes.

    Raises:
        SidecarError: It cannot be read.
    """
    own = path.parent.resolve()
    for line in _lines(path, frozenset()):
        if re.match(r"(?:-e|--editable)\s", line):
            line = line.split(maxsplit=1)[1]
        # The project itself: what it needs is resolved, and its modules are packaged as they lie.
        place = re.sub(r"\[[^\]]*\]$", "", line)
        if place.startswith(".") and (own / place).resolve() == own:
            continue
        if not line.startswith("-"):
            yield re.sub(r"\s+--hash[=\s]\S+", "", line).strip()


def indexes(folder: Path, source: str) -> list[str]:
    """What a project says of indexes beside the usual one, as lines for an installer.

    Args:
        folder: The project's.
        source: What its dependencies come from, see :class:`Metadata`.
    """
    option = re.compile(r"(?:-i|--index-url|--extra-index-url|-f|--find-links)[\s=]")
    given: list[str] = []
    if source == "requirements.txt":
        lines = _lines(folder / "requirements.txt", frozenset())
        given += [line for line in lines if option.match(line)]
    listed = roots.table(roots.table(document(folder).get("tool")).get("uv")).get("index")
    for each in listed if isinstance(listed, list) else []:
        if isinstance(url := roots.table(each).get("url"), str):
            is_usual = each.get("default") is True
            given.append(f"{'--index-url' if is_usual else '--extra-index-url'} {url}")
    return list(dict.fromkeys(given))


def rules(folder: Path, source: str) -> dict[str, Any]:
    """What decides versions beside the requirements: constraints, and what uv is told."""
    found: dict[str, Any] = {}
    if source == "requirements.txt":
        lines = _lines(folder / source, frozenset())
        found["constraints"] = sorted({line for line in lines if re.match(r"-c|--constr", line)})
    if source in ("requirements.txt", "pyproject.toml"):
        said = roots.table(roots.table(document(folder).get("tool")).get("uv"))
        found |= {key: said[key] for key in _RULES if key in said}
    return {key: value for key, value in found.items() if value}


def document(folder: Path) -> dict[str, Any]:
    """The parsed ``pyproject.toml`` of a folder; empty without one."""
    manifest = folder / "pyproject.toml"
    return tomllib.loads(text_of(manifest)) if manifest.is_file() else {}


def place_of(folder: Path, source: str) -> str:
    """Where a project says what it depends on, in words.

    Args:
        folder: The project's.
        source: What its dependencies come from, see :class:`Metadata`.
    """
    if source == "built":
        manifest = folder / "pyproject.toml"
        is_poetrys = manifest.is_file() and b"[tool.poetry" in manifest.read_bytes()
        return "[tool.poetry.dependencies]" if is_poetrys else "setup.py or setup.cfg"
    if source == "dynamic":
        return "the file that [tool.setuptools.dynamic] names"
    return source if source == "requirements.txt" else PROJECT_DEPENDENCIES


def _lines(path: Path, above: frozenset[Path]) -> Iterator[str]:
    """The lines without comments; those of an included file in its place, each file once."""
    if path.resolve() in above:
        return
    for line in re.sub(r"\\\r?\n", " ", text_of(path)).splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        include = re.match(r"(-r|--requirement|-c|--constraint)[\s=]*(\S+)", line)
        if include and "://" not in include[2]:
            mark = "-c " if include[1] in ("-c", "--constraint") else ""
            there = _lines(path.parent / include[2], above | {path.resolve()})
            yield from (mark + each for each in there)
        elif line:
            yield line


def text_of(path: Path) -> str:
    """The text of a file that a project relies on, by whatever tool it was written.

    Raises:
        SidecarError: It cannot be read.
    """
    try:
        raw = path.read_bytes()
        # PowerShell's ">" writes UTF-16; pip and uv read it by its first bytes.
        utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return raw.decode("utf-16" if utf16 else "utf-8-sig")
    except OSError as error:
        raise SidecarError(
            f"{path.name}, which pyproject.toml relies on, cannot be read: {error.strerror}.",
            try_next=f"create {path}",
        ) from None
    except UnicodeDecodeError as error:
        raise SidecarError(
            f"{path.name}, which pyproject.toml relies on, cannot be read: {error}.",
            try_next=f"save {path} as UTF-8",
        ) from None

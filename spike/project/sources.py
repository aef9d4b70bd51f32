"""Which files of a folder are its sources: no environments, no output, nothing that git ignores.

Standard library only: it runs in a packager's environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from spike.core import process
from spike.core.errors import MissingToolError
from spike.core.workspace import RECORD_NAME

WHEELS_NAME = "requirements.wheels"
"""In a sidecar's folder, beside its lock: wheels of what no index has."""

NOT_SOURCES = frozenset(
    {
        *(RECORD_NAME, WHEELS_NAME, "__pycache__", ".git", ".hg", ".svn", ".jj"),
        *(".venv", "venv", "node_modules", ".tox", ".nox", ".eggs", "__pypackages__"),
        *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".ipynb_checkpoints"),
        *(".idea", ".vscode", ".DS_Store", ".coverage"),
    }
)
"""Names that are no sources wherever they stand. A record that is written beside a program is
about it, and no part of it."""

NOT_OF_THE_PROGRAM = re.compile(
    r"(^|/)(\.|tests?/|docs?/|examples?/|build/|dist/|node_modules/|venv/|__pycache__/)"
    r"|(^|/)(test_[^/]*|[^/]*_test|conftest|setup|noxfile|tasks|fabfile|manage|smoke)\.py$"
    r"|(^|/)(readme|licen[cs]e|copying|notice|authors|changelog|changes|contributing|history)[^/]*$"
    r"|(^|/)(makefile|dockerfile|procfile|justfile)[^/]*$"
    r"|(^|/)(pyproject|uv|poetry|pdm|pylock[^/]*|pipfile|(requirements|constraints)/?[^/]*)"
    r"\.(toml|lock|txt|in)$"
    r"|(^|/)(setup|tox|pytest|mypy)\.(cfg|ini)$"
    r"|(^|/)(pipfile(\.lock)?|environment\.ya?ml)$"
    r"|\.(md|rst|lock|pyi|pyc|pyx|pxd|pxi|c|cc|cpp|h|hpp|rs|spec|ipynb|log|typed|orig|bak|swp)$",
    re.IGNORECASE,
)
"""What lies in a project's folder and is no part of the program."""

_OUTPUT = frozenset({"build", "dist"})
"""Folders of build output, when they stand at the top and are no package."""


def files(folder: Path, *, shipped: Collection[str] = ()) -> tuple[Path, ...]:
    """Every source file below a folder, relative to it, sorted.

    Args:
        folder: The project's folder.
        shipped: Files and folders below it that ship in any case, relative: a web page that a
            build has put into ``dist/`` is data, whatever git thinks of it.
    """
    ignored = _ignored_by_git(folder)
    kept = set()
    for path in _walk(folder, ignored):
        kept.add(path)
    for item in shipped:
        place = folder / item
        kept.update(
            path.relative_to(folder)
            for path in ([place] if place.is_file() else sorted(place.rglob("*")))
            if path.is_file() and "__pycache__" not in path.parts
        )
    return tuple(sorted(kept))


def _walk(folder: Path, ignored: frozenset[str]) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=True):
        here = Path(place).relative_to(folder)
        at_top = here == Path()
        folders[:] = [
            name
            for name in folders
            if name not in NOT_SOURCES
            and not name.endswith(".egg-info")
            and ((here / name).as_posix() not in ignored or _is_package(Path(place) / name))
            and not (Path(place) / name / "pyvenv.cfg").is_file()
            and not (at_top and name in _OUTPUT and not _is_package(Path(place) / name))
            and not _leads_back(Path(place), name)
        ]
        for name in names:
            path = here / name
            # What git ignores but Python imports is a generated module, which has to ship.
            is_ignored = path.as_posix() in ignored and not name.endswith((".py", ".so", ".pyd"))
            if name not in NOT_SOURCES and not is_ignored and (folder / path).is_file():
                yield path


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").is_file()


def _leads_back(place: Path, name: str) -> bool:
    """Whether a linked folder is one of those that it lies in: a walk would never end."""
    link = place / name
    return link.is_symlink() and place.resolve().is_relative_to(link.resolve())


def _ignored_by_git(folder: Path) -> frozenset[str]:
    """What git ignores below a folder, relative; empty without git and without a repository."""
    try:
        answer = process.capture(
            [
                *("git", "ls-files", "-z", "--others", "--ignored", "--exclude-standard"),
                "--directory",
            ],
            cwd=folder,
        )
    except (MissingToolError, OSError):
        return frozenset()
    if not answer.ok:
        return frozenset()
    names = {PurePosixPath(name).as_posix() for name in answer.output.split("\0") if name}
    # A folder that is ignored as a whole was meant all the same: it was named.
    return frozenset() if "." in names else frozenset(names)

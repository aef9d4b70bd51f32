"""``[project]`` of any project: what it says itself, and what only its build backend can tell.

Name, version, dependencies and commands are read from ``pyproject.toml`` wherever they stand there
or in a file that it names. What is made by a backend's code (a version from git, the dependencies
of ``setup.py`` or of an older poetry) is built once by ``nox -s lock``, which leaves it in the head
of ``requirements.lock``; here it is only read. Standard library only.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spike.core.errors import SidecarError
from spike.core.workspace import command_path
from spike.project import dynamic_version, roots
from spike.project.dependency_files import requirements
from spike.project.extras_and_groups import no_such, of_extras, of_groups, texts
from spike.project.settings import wrong
from spike.project.specifiers import normal_name

LOCK_NAME = "requirements.lock"
"""In the sidecar's folder: its dependencies, resolved once for every packager."""

BUILT = "# Built metadata: "
"""Begins the line of a lock that has what only a build backend could tell."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


class NeedsBuildError(SidecarError):
    """What is asked for is known only to the project's build backend."""


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a project says of itself.

    Attributes:
        name: Its name.
        version: Its version.
        dependencies: Requirement strings, with those of the extras and groups asked for.
        requires_python: Versions of Python that it can do with; empty for any.
        scripts: Its commands: name to ``module:function``.
        summary: One line about it; empty for none.
        entry_points: Its own plug-ins: group to name to ``module:attribute``, without commands.
        source: Where the dependencies are taken from: ``pyproject.toml``, ``requirements.txt``,
            ``dynamic`` for files that setuptools is told to read, or ``built``.
    """

    name: str
    version: str
    dependencies: tuple[str, ...] = ()
    requires_python: str = ""
    scripts: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source: str = "pyproject.toml"


def read(
    document: Mapping[str, Any],
    folder: Path,
    *,
    extras: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
) -> Metadata:
    """Find out name, version, dependencies and commands.

    Args:
        document: The parsed ``pyproject.toml``; empty when there is none.
        folder: The project's folder.
        extras: ``[project.optional-dependencies]`` to add.
        groups: ``[dependency-groups]`` to add.

    Raises:
        SidecarError: Something is missing or wrong; the message names the key.
        NeedsBuildError: Only a build of the metadata can tell, and ``nox -s lock`` has not done
            that for today's files.
    """
    project = document.get("project")
    if project is not None and not isinstance(project, dict):
        raise wrong("[project]", "is not a table", '[project]\nname = "my-sidecar"')
    if project is None:
        if not has_backend(document, folder):
            raise wrong(
                "[project]", "is missing", '[project]\nname = "my-sidecar"\nversion = "1.0.0"'
            )
        return _built(document, folder, extras, groups)
    dynamic = project.get("dynamic", [])
    dynamic = dynamic if isinstance(dynamic, list) else []
    name = _text(project.get("name"), "project.name", 'name = "my-sidecar"')
    if not _NAME.fullmatch(name):
        raise wrong("project.name", f"is {name!r}, not a project name", 'name = "my-sidecar"')
    version = (
        dynamic_version.read(document, folder)
        if "version" in dynamic
        else _text(project.get("version"), "project.version", 'version = "1.0.0"')
    )
    plain, source = _plain_dependencies(project, dynamic, document, folder)
    if version is None or plain is None or (extras and "optional-dependencies" in dynamic):
        return _built(document, folder, extras, groups)
    added = [
        *of_extras(project, name, extras),
        *of_groups(document, groups, name, project),
    ]
    return Metadata(
        name=name,
        version=version,
        dependencies=tuple(dict.fromkeys([*plain, *added])),
        requires_python=str(project.get("requires-python", "")),
        scripts=_scripts(project),
        summary=_summary(project.get("description")),
        entry_points=_plugins(project.get("entry-points")),
        source=source,
    )


def has_backend(document: Mapping[str, Any], folder: Path) -> bool:
    """Whether there is something that builds this project's metadata."""
    return (
        "build-system" in document
        or "poetry" in roots.table(document.get("tool"))
        or (folder / "setup.py").is_file()
        or _describes_a_project(folder)
    )


def _describes_a_project(folder: Path) -> bool:
    """Whether a ``setup.cfg`` is setuptools' and not flake8's or another tool's alone."""
    parser = roots.setup_cfg(folder)
    # setuptools will say what is wrong with one that cannot be read
    return parser is None or parser.has_section("metadata") or parser.has_section("options")


def inputs_sha256(folder: Path) -> str:
    """SHA-256 over the files that a build backend makes metadata from, in hexadecimal."""
    digest = hashlib.sha256()
    names = ("pyproject.toml", "setup.py", "setup.cfg", "poetry.lock", "VERSION")
    lists = [*sorted(folder.glob("requirements*.txt")), *sorted(folder.glob("requirements/*.txt"))]
    for path in [*(folder / name for name in names), *lists]:
        if path.is_file():
            digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def noted(folder: Path) -> Mapping[str, Any] | None:
    """What the head of the lock has of built metadata; None when it has none of today's files."""
    try:
        with (folder / LOCK_NAME).open(encoding="utf-8") as stream:
            head = [stream.readline() for _ in range(3)]
    except (OSError, UnicodeDecodeError):
        return None
    for line in head:
        if line.startswith(BUILT):
            try:
                facts = json.loads(line.removeprefix(BUILT))
            except ValueError:
                return None
            if isinstance(facts, dict) and facts.get("inputs") == inputs_sha256(folder):
                return facts
    return None


def note(facts: Mapping[str, Any], folder: Path) -> str:
    """The line for the head of a lock: what a build of the metadata has told."""
    return BUILT + json.dumps({**facts, "inputs": inputs_sha256(folder)}, ensure_ascii=True)


def _built(
    document: Mapping[str, Any], folder: Path, extras: tuple[str, ...], groups: tuple[str, ...]
) -> Metadata:
    facts = noted(folder)
    if facts is None:
        raise NeedsBuildError(
            f"What {folder.name} depends on, or its version, is made by its build backend.",
            why="nox -s lock asks it once and writes down what it says.",
            try_next=f"nox -s lock -- --sidecar {command_path(folder)}",
        )
    for extra in extras:
        if normal_name(extra) not in {normal_name(each) for each in facts["extras"]}:
            raise no_such("extras", extra, facts["extras"])
    chosen = {normal_name(each) for each in extras}
    wanted = [
        requirement for text in facts["dependencies"] if (requirement := _with_extras(text, chosen))
    ]
    return Metadata(
        name=facts["name"],
        version=facts["version"],
        dependencies=tuple(
            dict.fromkeys([*wanted, *of_groups(document, groups, facts["name"], {})])
        ),
        requires_python=facts["requires_python"],
        scripts=facts["scripts"],
        # An older release did not ask for these two.
        summary=_summary(facts.get("summary")),
        entry_points=_plugins(facts.get("entry_points")),
        source="built",
    )


_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


def _with_extras(text: str, chosen: set[str]) -> str:
    """A requirement as it counts with some extras and no other; empty where it does not.

    ``x; extra == "pg" or extra == "all"`` is what Poetry writes of one that two extras have.
    """
    named = [normal_name(name) for name in _EXTRA.findall(text)]
    if not named:
        return text
    if not chosen & set(named):
        return ""
    if " or " not in text:
        rest = re.sub(rf"\s*(?:\band\s+)?\(?{_EXTRA.pattern}\)?(?:\s+and\b)?", "", text)
        return rest.strip().rstrip(";").strip()
    requirement, _, marker = text.partition(";")
    if not re.sub(r"\b(?:or|and)\b|[()\s]", "", _EXTRA.sub("", marker)):
        return requirement.strip()
    # What is always or never true, in the words of a marker: the rest of it has to hold as well.
    counted = _EXTRA.sub(
        lambda match: f"python_version {'>=' if normal_name(match[1]) in chosen else '<'} '3'",
        marker,
    )
    return f"{requirement.strip()} ; {counted.strip()}"


def _text(value: object, key: str, right: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise wrong(key, "is missing" if value is None else f"is {value!r}, not a text", right)
    return value


def _scripts(project: Mapping[str, Any]) -> dict[str, str]:
    scripts = {}
    for table in ("scripts", "gui-scripts"):
        found = project.get(table, {})
        if isinstance(found, dict):
            scripts.update({key: str(value) for key, value in found.items()})
    return scripts


def _summary(said: object) -> str:
    return " ".join(said.split()) if isinstance(said, str) else ""


def _plugins(table: object) -> dict[str, dict[str, str]]:
    groups = table if isinstance(table, dict) else {}
    return {
        str(group): {str(name): str(target) for name, target in points.items()}
        for group, points in groups.items()
        if isinstance(points, dict)
    }


def _plain_dependencies(
    project: Mapping[str, Any], dynamic: list[Any], document: Mapping[str, Any], folder: Path
) -> tuple[tuple[str, ...] | None, str]:
    """The dependencies without extras and groups, and where from; None when they are built."""
    if "dependencies" in dynamic:
        named = dynamic_version.setuptools_dynamic(document, "dependencies").get("file")
        if not named:
            return None, "built"
        files = [named] if isinstance(named, str) else list(named)
        lines = [line for file in files for line in requirements(folder / str(file))]
        return tuple(lines), "dynamic"
    if "dependencies" not in project and (folder / "requirements.txt").is_file():
        return tuple(requirements(folder / "requirements.txt")), "requirements.txt"
    right = 'dependencies = ["httpx>=0.28"]'
    return (
        texts(project.get("dependencies", []), "project.dependencies", right),
        "pyproject.toml",
    )

"""``[project]`` of any project: what it says itself, and what only its build backend can tell.

Name, version, dependencies and commands are read from ``pyproject.toml`` wherever they stand there
or in a file that it names. What is made by a backend's code (a version from git, the dependencies
of ``setup.py`` or of an older poetry) is built once by ``nox -s lock``, which leaves it in the head
of ``requirements.lock``; here it is only read. Standard library only.
"""

from __future__ import annotations

import ast
import codecs
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spike.core.errors import SidecarError
from spike.core.workspace import command_path
from spike.project import roots
from spike.project.settings import wrong
from spike.project.specifiers import normal_name, requirement_name

LOCK_NAME = "requirements.lock"
"""In the sidecar's folder: its dependencies, resolved once for every packager."""

BUILT = "# Built metadata: "
"""Begins the line of a lock that has what only a build backend could tell."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_ASSIGNED = re.compile(
    r"""^(?:__version__|VERSION|version)\s*(?::\s*\w+\s*)?=\s*['"]v?([^'"]+)['"]""", re.MULTILINE
)


class NeedsBuildError(SidecarError):
    """What is asked for is known only to the project's build backend."""


PROJECT_DEPENDENCIES = "[project] dependencies"

_RULES = ("constraint-dependencies", "exclude-newer", "override-dependencies", "sources")
"""Keys of ``[tool.uv]`` that decide which version of a dependency is chosen, or from where."""


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
        _dynamic_version(document, folder)
        if "version" in dynamic
        else _text(project.get("version"), "project.version", 'version = "1.0.0"')
    )
    plain, source = _plain_dependencies(project, dynamic, document, folder)
    if version is None or plain is None or (extras and "optional-dependencies" in dynamic):
        return _built(document, folder, extras, groups)
    added = [
        *_of_extras(project, name, extras),
        *_of_groups(document, groups, name, project),
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
            raise _no_such("extras", extra, facts["extras"])
    chosen = {normal_name(each) for each in extras}
    wanted = [
        requirement for text in facts["dependencies"] if (requirement := _with_extras(text, chosen))
    ]
    return Metadata(
        name=facts["name"],
        version=facts["version"],
        dependencies=tuple(
            dict.fromkeys([*wanted, *_of_groups(document, groups, facts["name"], {})])
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


def _texts(value: object, key: str, right: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise wrong(key, f"is {value!r}, not a list of texts", right)
    return tuple(value)


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
        named = _setuptools_dynamic(document, "dependencies").get("file")
        if not named:
            return None, "built"
        files = [named] if isinstance(named, str) else list(named)
        lines = [line for file in files for line in requirements(folder / str(file))]
        return tuple(lines), "dynamic"
    if "dependencies" not in project and (folder / "requirements.txt").is_file():
        return tuple(requirements(folder / "requirements.txt")), "requirements.txt"
    right = 'dependencies = ["httpx>=0.28"]'
    return (
        _texts(project.get("dependencies", []), "project.dependencies", right),
        "pyproject.toml",
    )


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
    listed = roots.table(roots.table(_document(folder).get("tool")).get("uv")).get("index")
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
        said = roots.table(roots.table(_document(folder).get("tool")).get("uv"))
        found |= {key: said[key] for key in _RULES if key in said}
    return {key: value for key, value in found.items() if value}


def _document(folder: Path) -> dict[str, Any]:
    manifest = folder / "pyproject.toml"
    return tomllib.loads(_text_of(manifest)) if manifest.is_file() else {}


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
    for line in re.sub(r"\\\r?\n", " ", _text_of(path)).splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        include = re.match(r"(-r|--requirement|-c|--constraint)[\s=]*(\S+)", line)
        if include and "://" not in include[2]:
            mark = "-c " if include[1] in ("-c", "--constraint") else ""
            there = _lines(path.parent / include[2], above | {path.resolve()})
            yield from (mark + each for each in there)
        elif line:
            yield line


def _text_of(path: Path) -> str:
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


def _setuptools_dynamic(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    setuptools = roots.table(roots.table(document.get("tool")).get("setuptools"))
    return roots.table(roots.table(setuptools.get("dynamic")).get(key))


def _dynamic_version(document: Mapping[str, Any], folder: Path) -> str | None:
    """A version that stands in a file which the settings name; None when code makes it."""
    tool = roots.table(document.get("tool"))
    backend = str(roots.table(document.get("build-system")).get("build-backend", ""))
    hatch = roots.table(roots.table(tool.get("hatch")).get("version"))
    pdm = roots.table(roots.table(tool.get("pdm")).get("version"))
    named = hatch.get("path") or (pdm.get("path") if pdm.get("source") == "file" else None)
    if hatch.get("source", "regex") not in ("regex", "code"):
        return None
    if isinstance(named, str):
        expression = hatch.get("pattern")
        return _version_in(folder / named, expression if isinstance(expression, str) else "")
    setuptools = _setuptools_dynamic(document, "version")
    if isinstance(file := setuptools.get("file"), str | list) and file:
        path = folder / (file if isinstance(file, str) else str(file[0]))
        return _text_of(path).strip() if path.is_file() else None
    if isinstance(attribute := setuptools.get("attr"), str):
        module, _, variable = attribute.rpartition(".")
        return _attribute(document, folder, module, variable)
    if backend.startswith("flit"):
        given = roots.table(roots.table(tool.get("flit")).get("module")).get("name")
        name = str(given) if given else str(document["project"].get("name", "")).replace("-", "_")
        return _attribute(document, folder, name, "__version__")
    if isinstance(poetry := roots.table(tool.get("poetry")).get("version"), str):
        return poetry
    return None


def _version_in(path: Path, expression: str) -> str | None:
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if expression:
        try:
            found = re.search(expression, content, re.MULTILINE)
            return found["version"] if found else None
        except (re.error, IndexError):
            return None
    match = _ASSIGNED.search(content)
    return match[1] if match else None


def _attribute(document: Mapping[str, Any], folder: Path, module: str, variable: str) -> str | None:
    """A literal in a module, found as setuptools finds it: without running anything."""
    parts = tuple(module.split("."))
    for root in (*roots.configured(document, folder), "."):
        depth, files = roots.resolved(parts, folder / root)
        if depth < len(parts) or not files:
            continue
        try:
            tree = ast.parse(files[-1].read_bytes())
        except (OSError, SyntaxError, ValueError):
            return None
        for node in tree.body:
            if (
                isinstance(node, ast.Assign | ast.AnnAssign)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
                and any(
                    isinstance(target, ast.Name) and target.id == variable
                    for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
                )
            ):
                return node.value.value
    return None


def _of_extras(project: Mapping[str, Any], name: str, extras: tuple[str, ...]) -> Iterator[str]:
    """The requirements of extras, and of the extras that these name of the project itself."""
    found = roots.table(project.get("optional-dependencies"))
    table = {normal_name(key): value for key, value in found.items()}
    queue, seen = list(extras), set()
    while queue:
        extra = normal_name(queue.pop(0))
        if extra in seen:
            continue
        seen.add(extra)
        if extra not in table:
            raise _no_such("extras", extra, found)
        key = f"project.optional-dependencies.{extra}"
        for text in _texts(table[extra], key, f'{extra} = ["httpx>=0.28"]'):
            own = re.match(r"[^\[]+\[([^\]]*)\]", text)
            if requirement_name(text) == normal_name(name) and own:
                queue += [part.strip() for part in own[1].split(",")]
            else:
                yield text


def _of_groups(
    document: Mapping[str, Any],
    groups: tuple[str, ...],
    name: str,
    project: Mapping[str, Any],
) -> Iterator[str]:
    """The requirements of dependency groups, and of the groups that these include (PEP 735)."""
    found = roots.table(document.get("dependency-groups"))
    table = {normal_name(key): value for key, value in found.items()}
    queue, seen = list(groups), set()
    while queue:
        group = normal_name(queue.pop(0))
        if group in seen:
            continue
        seen.add(group)
        if group not in table:
            raise _no_such("groups", group, found)
        for item in table[group] if isinstance(table[group], list) else []:
            if isinstance(item, dict) and isinstance(item.get("include-group"), str):
                queue.append(item["include-group"])
            elif isinstance(item, str) and requirement_name(item) == normal_name(name):
                own = re.match(r"[^\[]+\[([^\]]*)\]", item)
                extras = tuple(part.strip() for part in own[1].split(",")) if own else ()
                yield from _of_extras(project, name, extras)
            elif isinstance(item, str):
                yield item
            else:
                raise wrong(
                    f"dependency-groups.{group}",
                    f"has {item!r}, neither a requirement nor an include-group",
                    f'{group} = ["httpx>=0.28"]',
                )


def part_with(folder: Path, distribution: str) -> tuple[str, str] | None:
    """The key and the name of an extra or a group of the project that asks for a distribution."""
    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    extras = roots.table(roots.table(document.get("project")).get("optional-dependencies"))
    for key, found in (("extras", extras), ("groups", document.get("dependency-groups"))):
        for name, texts in roots.table(found).items():
            for text in texts if isinstance(texts, list) else []:
                if isinstance(text, str) and requirement_name(text) == normal_name(distribution):
                    return key, name
    return None


def _no_such(key: str, name: str, known: object) -> SidecarError:
    names = sorted(known) if isinstance(known, dict | list | tuple) else []
    listed = ", ".join(names) if names else "none"
    return wrong(
        f"tool.sidecar.{key}",
        f"names {name!r}, and the project has {listed}",
        f'{key} = ["{names[0]}"]' if names else f"remove {key}",
    )

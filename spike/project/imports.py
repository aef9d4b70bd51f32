"""What a program imports, read from its source before a packager spends minutes on it.

Packagers leave a module that is not installed out and say so in a line among hundreds; the program
then fails at the user's. Here it is an error that names file and line.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spike.core import workspace
from spike.core.errors import SidecarError
from spike.project.sidecar import Sidecar
from spike.project.sidecarlock import normal_name, pinned


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import of a module that is not a file of the sidecar.

    Attributes:
        module: Its dotted name.
        file: The file that imports it, relative to the sidecar's folder.
        line: The line there.
        optional: Whether the program is prepared to do without it: the import is below a ``try``
            that catches it, or below an ``if``.
    """

    module: str
    file: str
    line: int
    optional: bool

    @property
    def top(self) -> str:
        """The top-level package."""
        return self.module.partition(".")[0]


def scan(sidecar: Sidecar) -> tuple[Import, ...]:
    """Follow the imports from the entry script through the files beside it.

    Raises:
        SidecarError: A file that is reached is not valid Python; file, line and problem are named.
    """
    base = (sidecar.folder / sidecar.entry).parent
    queue = [sidecar.folder / sidecar.entry]
    seen: set[Path] = set()
    found: list[Import] = []
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        seen.add(path)
        tree = _parse(path)
        for module, line, optional in _imports(tree, path, base):
            local = list(_local_files(module, base))
            queue += local
            if not local:
                found.append(
                    Import(
                        module=module,
                        file=path.relative_to(sidecar.folder).as_posix(),
                        line=line,
                        optional=optional,
                    )
                )
    return tuple(sorted(found, key=lambda item: (item.file, item.line, item.module)))


def check(sidecar: Sidecar, imports: tuple[Import, ...], provided: Mapping[str, str]) -> None:
    """Refuse a program that needs a module which none of its dependencies provides.

    Args:
        sidecar: Whose program it is.
        imports: From :func:`scan`.
        provided: From :func:`provided_modules`.

    Raises:
        SidecarError: One is missing; the message names the line and the key to add to.
    """
    for item in imports:
        if item.optional or item.top in sys.stdlib_module_names or item.top in provided:
            continue
        dependencies = json.dumps([*sidecar.dependencies, item.top])
        raise SidecarError(
            f"{workspace.display_path(sidecar.folder / item.file)}:{item.line} imports "
            f"{item.module!r}, which no dependency of {sidecar.name} provides.",
            why="The distribution may have another name than the module.",
            try_next=f"[project] dependencies = {dependencies}, then "
            f"nox -s lock --{sidecar.option}",
        )


def provided_modules(sidecar: Sidecar) -> dict[str, str]:
    """Top-level import name to distribution, for what the sidecar's lock pins and is installed.

    What the packager brought along is left out: a program that imports it works by accident.
    """
    if sidecar.lock is None:
        return {}
    names = pinned(sidecar.lock.read_text(encoding="utf-8"))
    return {
        module: distributions[0]
        for module, distributions in sorted(importlib.metadata.packages_distributions().items())
        if any(normal_name(name) in names for name in distributions)
    }


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), filename=path.name)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise SidecarError(
            f"{workspace.display_path(path)}{f':{line}' if line else ''} is not valid Python: "
            f"{getattr(error, 'msg', error)}.",
            try_next=f"python {workspace.display_path(path)}",
        ) from None


def _imports(tree: ast.Module, path: Path, base: Path) -> Iterator[tuple[str, int, bool]]:
    """Yield (dotted name, line, optional) of every import below a module."""
    pending: list[tuple[ast.AST, bool]] = [(tree, False)]
    while pending:
        node, optional = pending.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, optional
        elif isinstance(node, ast.ImportFrom):
            prefix = _absolute(node, path, base)
            yield prefix, node.lineno, optional
            for alias in node.names:
                # A submodule or a name: only a file can be followed, so only that one matters.
                if any(_local_files(f"{prefix}.{alias.name}", base)):
                    yield f"{prefix}.{alias.name}", node.lineno, optional
        inner = optional or isinstance(node, ast.If) or _catches_import_error(node)
        pending += [(child, inner) for child in ast.iter_child_nodes(node)]


def _absolute(node: ast.ImportFrom, path: Path, base: Path) -> str:
    """The absolute dotted name that a ``from`` statement starts at."""
    if not node.level:
        return node.module or ""
    package = path.parent.relative_to(base).parts
    kept = package[: len(package) - (node.level - 1)]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _catches_import_error(node: ast.AST) -> bool:
    if not isinstance(node, ast.Try):
        return False
    names = {
        name.id
        for handler in node.handlers
        for name in ast.walk(handler.type or ast.Name(id="Exception"))
        if isinstance(name, ast.Name)
    }
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def _local_files(module: str, base: Path) -> Iterator[Path]:
    """The files of the sidecar that importing this dotted name runs."""
    place = base
    for part in module.split("."):
        place = place / part
        if (place / "__init__.py").is_file():
            yield place / "__init__.py"
        elif place.with_name(part + ".py").is_file():
            yield place.with_name(part + ".py")
            return
        elif not place.is_dir() or not part:
            return

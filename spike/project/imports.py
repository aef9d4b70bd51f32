"""What a program imports, read from its source before a packager spends minutes on it.

Packagers leave a module that is not installed out and say so in a line among hundreds; the program
then fails at the user's. Here an import that cannot succeed is an error that names file and line,
and one that may not succeed is a warning. Whatever lies on one of the project's own import roots
is the author's own and needs no dependency.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.metadata
import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spike.core import workspace
from spike.core.errors import SidecarError
from spike.project import dependency_files, extras_and_groups, guards, roots
from spike.project.guards import Need
from spike.project.interpreters import SUPPORTED
from spike.project.sidecar import Sidecar
from spike.project.sidecarlock import pinned
from spike.project.specifiers import holds, marker_holds, normal_name, requirement_name

_ALWAYS_THERE = sys.stdlib_module_names | {"__main__"}


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import of a module that is not the project's own.

    Attributes:
        module: Its dotted name.
        file: The file that imports it, relative to the sidecar's folder.
        line: The line there.
        need: How much the program depends on it.
        own: Whether a folder or file of the project has the top-level name, though not all of it.
    """

    module: str
    file: str
    line: int
    need: Need
    own: bool = False

    @property
    def top(self) -> str:
        """The top-level package."""
        return self.module.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Scan:
    """What following a program's imports has shown.

    Attributes:
        imports: Imports of modules that are not its own, in the order of file and line.
        files: Its own files that are reached, relative to its folder.
        roots: Folders that its own modules are found in, relative, the script's own first.
        unknown_path: ``file:line`` that changes the module path in a way that only the running
            program knows; empty for none.
        outside: Folders on that path that do not lie in the sidecar's.
    """

    imports: tuple[Import, ...]
    files: frozenset[str]
    roots: tuple[str, ...]
    unknown_path: str = ""
    outside: tuple[Path, ...] = ()

    @property
    def optional(self) -> frozenset[str]:
        """Top-level modules that it is prepared to do without, wherever it imports them."""
        needed = {each.top for each in self.imports if each.need is not Need.OPTIONAL}
        return frozenset(each.top for each in self.imports) - needed


def scan(sidecar: Sidecar) -> Scan:
    """Follow the imports from the entry script through the project's own files.

    Raises:
        SidecarError: A file that is surely reached is not valid Python; file, line and problem
            are named.
    """
    return _Walk(sidecar).run()


def followed(sidecar: Sidecar) -> Scan:
    """The same, where a file that cannot be parsed adds nothing; the build names it."""
    return _Walk(sidecar, strict=False).run()


def import_roots(sidecar: Sidecar) -> tuple[str, ...]:
    """Folders for the module path, relative to the sidecar's; the entry script's own first."""
    return followed(sidecar).roots


def module_path(sidecar: Sidecar, sources: Path) -> dict[str, str]:
    """The variable with which a plain Python finds a sidecar's own modules; empty for nothing new.

    Args:
        sidecar: Whose modules.
        sources: Its folder, or a copy.
    """
    places = [str(sources / root) for root in import_roots(sidecar)[1:]]
    return {"PYTHONPATH": os.pathsep.join(places)} if places else {}


def check_python(sidecar: Sidecar, chosen: str = "") -> None:
    """Refuse a Python that ``requires-python`` does not allow.

    Args:
        sidecar: Whose program is packaged.
        chosen: The version that was asked for; this Python's when empty.

    Raises:
        SidecarError: It is not one of them; the message names one that is.
    """
    have = chosen or platform.python_version()
    if not sidecar.requires_python or holds(sidecar.requires_python, have) is not False:
        return
    asked = (
        f"{sidecar.name} asks for Python {sidecar.requires_python} (requires-python), and this is "
        f"Python {have}."
    )
    # The last of its releases: a lower bound may name a later one than the first.
    fit = [each for each in SUPPORTED if holds(sidecar.requires_python, f"{each}.99") is not False]
    if not fit:
        raise SidecarError(
            asked,
            why=f"This packages Python {SUPPORTED[0]} to {SUPPORTED[-1]}.",
            try_next="a wider requires-python, where the program can do with one of these",
        )
    raise SidecarError(
        asked,
        why="A packager packages the Python that it runs in.",
        try_next=f'[tool.sidecar] python = "{fit[-1]}", or --python {fit[-1]} behind the command',
    )


def check(sidecar: Sidecar, found: Scan, provided: Mapping[str, str]) -> tuple[str, ...]:
    """Refuse a program that needs a module which none of its dependencies provides.

    Only an import that surely runs, of a module that is nowhere, is refused. Where that is in
    doubt, it is a warning.

    Args:
        sidecar: Whose program it is.
        found: From :func:`scan`.
        provided: From :func:`provided_modules`.

    Returns:
        The warnings, a sentence each.

    Raises:
        SidecarError: One is missing; the message names the line.
    """
    warnings = []
    excluded = {
        requirement_name(text) for text in sidecar.dependencies if marker_holds(text) is not True
    }
    prepared = {item.top for item in found.imports if item.need is Need.OPTIONAL}
    for item in found.imports:
        if item.need is Need.OPTIONAL or item.top in _ALWAYS_THERE or item.top in provided:
            continue
        if normal_name(item.top) in excluded or _lies_on_the_path(item.top):
            continue
        if item.top == "distutils" and "setuptools" in provided:
            continue  # setuptools puts it there, where Python has none any more
        where = f"{workspace.display_path(sidecar.folder / item.file)}:{item.line}"
        what = f"{where} imports {item.module!r}, which no dependency of {sidecar.name} provides"
        if item.own:
            warnings.append(f"{where} imports {item.module!r}, which {item.top} does not have.")
        elif item.need is Need.DOUBTFUL:
            if item.top not in prepared:
                warnings.append(f"{what}; it fails if the program comes to that line.")
        elif places := [top for top in found.outside if roots.resolved((item.top,), top)[0]]:
            raise SidecarError(
                f"{where} imports {item.module!r}, which lies in {places[0]}, outside of the "
                "sidecar's folder: only what is in that is packaged.",
                try_next=f"a link to {places[0]} in {sidecar.folder}; or a pyproject.toml in the "
                "folder that has both, with this script as its entry",
            )
        elif found.unknown_path:
            warnings.append(f"{what}, unless {found.unknown_path} puts it on the module path.")
        elif near := _near(sidecar, item.top):
            warnings.append(
                f"{where} imports {item.module!r}, and {near} lies on no path for modules that "
                "can be seen here: what PYTHONPATH says outside does not ship. To make it one: "
                "sys.path.insert(0, str(Path(__file__).parent / ...)) before the import."
            )
        elif excluded:
            warnings.append(f"{what} here: {', '.join(sorted(excluded))} is for other platforms.")
        else:
            raise _missing(sidecar, item, f"{what}.")
    return tuple(dict.fromkeys(warnings))


_UNREAD = ("requirements.in", "Pipfile", "environment.yml", "environment.yaml", "poetry.lock")
"""Files that say what a project depends on, to other tools."""


def _near(sidecar: Sidecar, top: str) -> str:
    """A file of the project that may be meant by a module; empty for none."""
    for path in (each.as_posix() for each in sidecar.source_files()):
        if f"/{path}".endswith((f"/{top}.py", f"/{top}/__init__.py")):
            return path
    return ""


def _missing(sidecar: Sidecar, item: Import, what: str) -> SidecarError:
    """The refusal; a distribution is named only where its own metadata says that it is the one."""
    again = f"nox -s lock --{sidecar.option}"
    place = dependency_files.place_of(sidecar.folder, sidecar.dependency_source)
    known = importlib.metadata.packages_distributions().get(item.top)
    if part := extras_and_groups.part_with(sidecar.folder, known[0] if known else item.top):
        key, name = part
        chosen = json.dumps([*getattr(sidecar, key), name], ensure_ascii=False)
        return SidecarError(
            what,
            why=f"What the project asks for in {name!r} ships only when {key} names that.",
            try_next=f"in [tool.sidecar] set {key} = {chosen}, then {again}",
        )
    if known:
        wanted = f"add {known[0]} to {place}"
        if place == dependency_files.PROJECT_DEPENDENCIES:
            dependencies = json.dumps([*sidecar.dependencies, known[0]], ensure_ascii=False)
            wanted = f"in [project] set dependencies = {dependencies}"
        return SidecarError(
            what,
            why=f"The distribution {known[0]} has it, which is here only for the packager.",
            try_next=f"{wanted}, then {again}",
        )
    unread = sidecar.folder / "requirements.txt"
    if sidecar.dependency_source == "pyproject.toml" and unread.is_file():
        return SidecarError(
            what,
            why=f"{workspace.display_path(unread)} is not read where pyproject.toml has "
            "dependencies, even an empty list.",
            try_next=f"remove dependencies from [project], or add to them, then {again}",
        )
    aside = next((each for each in _UNREAD if (sidecar.folder / each).is_file()), "")
    if re.search(rb"^# /// script\r?$", sidecar.script(), re.MULTILINE):  # PEP 723
        aside = f"The block '# /// script' of {sidecar.entry_file}"
    return SidecarError(
        what,
        why=(f"{aside} is not read. " if aside else "")
        + f"Nor is there a module or a folder with code {item.top!r} on the project's own import "
        f"roots: {', '.join(_shown_roots(sidecar))}.",
        try_next="add the distribution that has this module (it may have another name) to "
        f"{place}, then {again}; or import it inside try ... except ImportError",
    )


def _shown_roots(sidecar: Sidecar) -> list[str]:
    named = [Path(sidecar.entry).parent.as_posix(), *sidecar.package_roots]
    return ["the folder" if name == "." else name + "/" for name in dict.fromkeys(named)]


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


_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")


def dotted_texts(sidecar: Sidecar) -> frozenset[str]:
    """Texts in the sidecar's own sources that look like names of modules, such as ``shop.apps``.

    Frameworks load by name what their settings say. Documentation strings are texts, too, and
    whoever uses this looks for modules of these names.
    """
    found: set[str] = set()
    for path in sidecar.source_files():
        if path.suffix != ".py":
            continue
        try:
            tree = ast.parse((sidecar.folder / path).read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue  # a build says so, where it matters
        found.update(
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and _DOTTED.fullmatch(node.value)
        )
    return frozenset(found)


def unpinned_modules(sidecar: Sidecar) -> tuple[str, ...]:
    """Top-level modules that are installed here and that the sidecar's lock does not pin.

    The packager brought them along. A plain environment of the sidecar's does not have them, so
    that a program must not have them either: an optional import would find them there alone.
    """
    if sidecar.lock is None or not sidecar.lock.is_file():
        return ()
    pinned_here = provided_modules(sidecar)
    places = [sidecar.folder / root for root in import_roots(sidecar)]
    return tuple(
        module
        for module in sorted(importlib.metadata.packages_distributions())
        if module not in pinned_here
        and module.isidentifier()
        and not any((place / module).is_dir() for place in places)
        and not any((place / f"{module}.py").is_file() for place in places)
    )


def _lies_on_the_path(top: str) -> bool:
    """Whether this environment has a module that no distribution's list of files names.

    ``.pth`` files put further folders on the path, as pywin32's does.
    """
    if top in importlib.metadata.packages_distributions():
        return False
    places = [place for place in sys.path if place.startswith(sys.prefix)]
    try:
        return importlib.machinery.PathFinder.find_spec(top, places) is not None
    except (ImportError, ValueError):
        return False


class _Walk:
    """Follows imports from file to file; a file counts as much as the strongest way to it."""

    def __init__(self, sidecar: Sidecar, *, strict: bool = True) -> None:
        self.sidecar = sidecar
        self.strict = strict
        self.folder = sidecar.folder
        script = sidecar.folder / sidecar.entry
        self.roots = list(
            dict.fromkeys([script.parent, *(self.folder / name for name in sidecar.package_roots)])
        )
        self.used: set[Path] = set()
        self.reached: dict[Path, Need] = {}
        self.queue: list[tuple[Path, tuple[str, ...], Need]] = [(script, (), Need.REQUIRED)]
        self.found: dict[tuple[str, int, str], tuple[Need, bool]] = {}
        self.unknown = ""
        self.outside: list[Path] = []

    def run(self) -> Scan:
        self._follow_named()
        while self.queue:
            path, package, need = self.queue.pop()
            if self.reached.get(path, -1) >= need:
                continue
            self.reached[path] = need
            self._read(path, package, need)
        own = [self.roots[0], *(place for place in self.roots[1:] if place in self.used)]
        if self.folder not in own and self.folder in self.used:
            own.append(self.folder)
        return Scan(
            imports=tuple(
                Import(module=module, file=file, line=line, need=need, own=is_own)
                for (file, line, module), (need, is_own) in sorted(self.found.items())
            ),
            files=frozenset(self._relative(path) for path in self.reached),
            roots=tuple(self._relative(place) for place in own),
            unknown_path=self.unknown,
            outside=tuple(self.outside),
        )

    def _follow_named(self) -> None:
        for name in self.sidecar.loaded_by_name:
            script = self.folder / self.sidecar.entry
            self._follow(name, 0, script, Need.DOUBTFUL, certain=False)

    def _relative(self, path: Path) -> str:
        if path == self.folder / self.sidecar.entry:
            return self.sidecar.entry_file
        return path.relative_to(self.folder).as_posix()

    def _read(self, path: Path, package: tuple[str, ...], need: Need) -> None:
        is_entry = path == self.folder / self.sidecar.entry
        tree = self._parsed(path, is_entry, need)
        if tree is None:
            return
        origin = self.folder / self.sidecar.entry_file if is_entry else path
        changes = roots.path_changes(tree, origin, self.folder)
        for place in changes.folders:
            inside = place.is_relative_to(self.folder)
            if inside and place.is_dir() and place not in self.roots:
                self.roots.append(place)
                # What was looked for before may lie there.
                again = [(each, (), strength) for each, strength in self.reached.items()]
                self.reached.clear()
                self.found.clear()
                self.queue += [(each, self._package_of(each), how) for each, _, how in again]
                self._follow_named()
            elif not inside and place.is_dir():
                self.outside.append(place)
                self.unknown = (
                    self.unknown or f"{self._relative(path)} (a folder outside of the sidecar's)"
                )
        if changes.unknown and not self.unknown:
            self.unknown = f"{self._relative(path)}:{changes.unknown}"
        for node, guard in guards.imports(tree, is_entry=is_entry):
            for module, certain in _named(node, package):
                self._follow(module, node.lineno, path, min(need, guard), certain)

    def _parsed(self, path: Path, is_entry: bool, need: Need) -> ast.Module | None:
        shown = self.folder / self.sidecar.entry_file if is_entry else path
        try:
            source = self.sidecar.script() if is_entry else path.read_bytes()
            return ast.parse(source, filename=path.name)
        except (SidecarError, OSError):
            if self.strict:
                raise
            return None
        except (SyntaxError, ValueError) as error:
            if not self.strict or need is not Need.REQUIRED:
                return None
            line = getattr(error, "lineno", None)
            raise SidecarError(
                f"{workspace.display_path(shown)}{f':{line}' if line else ''} is not valid "
                f"Python: {getattr(error, 'msg', error)}.",
                why=f"It was read by Python {platform.python_version()}.",
                try_next=f"python {workspace.command_path(shown)}",
            ) from None

    def _package_of(self, path: Path) -> tuple[str, ...]:
        """The package that a file of ours belongs to, from the root that it lies in."""
        if path == self.folder / self.sidecar.entry:
            return ()
        places = [root for root in self.roots if path.is_relative_to(root)]
        root = max(places, key=lambda place: len(place.parts), default=self.folder)
        return path.parent.relative_to(root).parts

    def _follow(self, module: str, line: int, path: Path, need: Need, certain: bool) -> None:
        """Queue the files that an import runs, or note that it is not the project's own.

        Args:
            module: The dotted name.
            line: Where it is imported.
            path: The file that does.
            need: How much that counts.
            certain: False for what may be a name in a module and not a module.
        """
        best: tuple[int, list[Path], Path] | None = None
        parts = tuple(module.split(".")) if module else ()
        for root in dict.fromkeys([*self.roots, self.folder]):
            depth, files = roots.resolved(parts, root)
            if best is None or depth > best[0]:
                best = (depth, files, root)
        depth, files, root = best or (0, [], self.folder)
        if depth:
            self.used.add(root)
            for file in files:
                package = file.parent.relative_to(root).parts
                self.queue.append((file, package, need))
        if certain and depth < len(parts):
            key = (self._relative(path), line, module)
            before = self.found.get(key, (Need.OPTIONAL, True))
            self.found[key] = (max(before[0], need), depth > 0)


def _named(
    node: ast.Import | ast.ImportFrom, package: tuple[str, ...]
) -> Iterator[tuple[str, bool]]:
    """Yield the modules that a statement names, and whether each is surely a module."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, True
        return
    prefix = (node.module or "").split(".") if node.module else []
    if node.level:
        prefix = [*package[: len(package) - (node.level - 1)], *prefix]
    if prefix:
        yield ".".join(prefix), True
    for alias in node.names:
        # A submodule or a name: only a file can be followed, so only that one matters.
        if alias.name != "*":
            yield ".".join([*prefix, alias.name]), not prefix

"""Which modules can a program reach? Decided from the sources, by name, before anything is built.

A function or method counts as reachable when its name is used by something reachable: a name in
its own module, an import, or an attribute of that name on an object of unknown kind. What a
module's top level and its classes' bodies do counts always; so does everything in the program's
own code and in its dependencies, of which nothing is assumed. Only the standard library's
functions are told apart, because it imports whole trees (subprocess, tarfile, ...) inside
functions that most programs never call.

The answer errs on the side of more. What it cannot see is a name that is put together while the
program runs, as in ``getattr(os, "po" + "pen")``: such a module has to be named in the sidecar's
``hidden_imports``.

Standard library only: it runs in the Python that is packaged, whose modules it looks at.
"""

from __future__ import annotations

import functools
import sysconfig
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spike.packagers.analysis import module_finder
from spike.packagers.analysis.interpreter_imports import (
    ACCELERATORS,
    FROM_C,
    NEVER_MISSED,
    START_UP,
)
from spike.packagers.analysis.module_reader import (
    ModuleCode,
    Unit,
    parse,
    parse_file,
    parse_library_file,
)


@dataclass(kw_only=True)
class Module:
    """A module that the program can reach.

    Attributes:
        name: Its full name.
        kind: ``builtin``, ``extension``, ``source`` or ``namespace``.
        file: Where it lies; None for a built-in module.
        importers: Who imports it, and whether the importer goes on when it is missing.
    """

    name: str
    kind: str
    file: Path | None = None
    importers: set[tuple[str, bool]] = field(default_factory=set)
    _search: Sequence[str] | None = None
    _own: bool = False
    _aliases: dict[str, set[tuple[str, int, str]]] = field(default_factory=dict)
    _stored: set[str] = field(default_factory=set)
    _stars: list[tuple[str, int]] = field(default_factory=list)
    _used: set[str] = field(default_factory=set)
    _chains: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def is_package(self) -> bool:
        """Whether it can have submodules."""
        return self._search is not None

    @property
    def is_own(self) -> bool:
        """Whether it belongs to the program or its dependencies, not to the standard library."""
        return self._own


@dataclass(frozen=True, kw_only=True)
class Reach:
    """The answer.

    Attributes:
        modules: Every module that the program can reach, by name, without the program itself.
        needed: Names of those without which an import that is not guarded would fail.
        edits: Lines of modules that have to be replaced for the answer to hold, by the modules'
            names; see :mod:`spike.packagers.analysis.direct_imports`.
    """

    modules: Mapping[str, Module]
    needed: frozenset[str]
    edits: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def extensions(self) -> Iterator[Module]:
        """Extension modules that are files of their own, sorted by name."""
        for name in sorted(self.modules):
            if self.modules[name].kind == "extension":
                yield self.modules[name]

    def accelerators(self) -> tuple[str, ...]:
        """Extension modules that a Python version stands in for when they are left out."""
        return tuple(
            module.name
            for module in self.extensions()
            if module.name in ACCELERATORS and module.name not in self.needed
        )

    def indispensable(self) -> tuple[Module, ...]:
        """Extension modules that cannot be left out: nothing stands in for them."""
        left = set(self.accelerators())
        return tuple(module for module in self.extensions() if module.name not in left)


def of(
    entry: Path,
    *,
    text: bytes | None = None,
    folders: Iterable[Path] = (),
    roots: Iterable[str] = (),
    packages: Iterable[str] = (),
    inspect: bool = False,
    direct_imports: bool = False,
    ready_made: Collection[str] = (),
    replaced: Collection[tuple[str, str]] = (),
) -> Reach:
    """Follow a program from its entry script.

    Args:
        entry: The script.
        text: What is in it; read from it when None.
        folders: Where its own modules lie beside the script's folder.
        roots: Modules that it imports in ways the sources do not show.
        packages: Packages that count whole.
        inspect: Whether ``inspect`` is imported at start, as Nuitka does.
        direct_imports: Whether the standard library imports things from where they are defined.
        ready_made: Modules of it that cannot be changed for that.
        replaced: Imports that something else stands in for: importer and module.

    Raises:
        SyntaxError: The script is not Python.
        OSError: The script cannot be read.
    """
    walk = _Walk(
        [
            str(entry.parent.resolve()),
            *(str(place) for place in folders),
            *module_finder.search_path(),
        ],
        unchanged=ready_made if direct_imports else None,
        replaced=replaced,
    )
    for name in (*START_UP, *(["inspect"] if inspect else [])):
        walk.want(name, "<interpreter>", optional=False)
    for name in roots:
        walk.want(name, "<hidden_imports>", optional=False)
    for name in packages:
        walk.want(name, "<collect>", optional=False)
        for submodule in walk.submodules(name):
            walk.want(submodule, "<collect>", optional=True)
    return walk.run(entry, entry.read_bytes() if text is None else text)


@functools.cache
def codecs_without_files() -> frozenset[str]:
    """Names of ``encodings.*`` modules that import no extension module.

    A program can be handed a text in any encoding, so that none is unreachable; but a codec that
    lies in a file of its own cannot be in a program that has none.
    """
    stdlib = Path(sysconfig.get_path("stdlib")) / "encodings"
    walk = _Walk(module_finder.search_path())
    found = set()
    for path in sorted(stdlib.glob("*.py")):
        stem = path.stem
        name = "encodings" if stem == "__init__" else f"encodings.{stem}"
        if all(
            walk.kind(imported) in ("builtin", "source")
            for imported, _, _, _ in parse_library_file(path, False, False).top.imports
            if imported and not imported.startswith("encodings")
        ):
            found.add(name)
    # Windows has these three, stringprep needs unicodedata, which idna and punycode need it for.
    return frozenset(found - {"encodings.mbcs", "encodings.oem", "encodings.idna"})


class _Walk:
    """Follows uses and imports until nothing new turns up."""

    def __init__(
        self,
        path: list[str],
        *,
        unchanged: Collection[str] | None = None,
        replaced: Collection[tuple[str, str]] = (),
    ) -> None:
        self.path = path
        self.not_wanted = {*NEVER_MISSED, *replaced}
        self.unchanged = unchanged
        self.edits: dict[str, dict[int, str]] = {}
        self.modules: dict[str, Module] = {}
        self.missing: set[str] = set()
        self.attributes: set[str] = set()
        self.queue: list[tuple[Module, Unit]] = []
        self.waiting: list[tuple[Module, str, Unit, bool]] = []
        self.changed = True

    def run(self, entry: Path, text: bytes) -> Reach:
        main = Module(name="__main__", kind="source", file=entry, _own=True)
        self.modules["__main__"] = main
        self._take(main, parse(text, own=True))
        while self.changed:
            self.changed = False
            while self.queue:
                self._process(*self.queue.pop())
            for module in tuple(self.modules.values()):
                for chain in tuple(module._chains):
                    self._follow(module, chain)
            self._wake()
            for owner, name, imported in FROM_C:
                module_or_none = self.modules.get(owner)
                if module_or_none and (
                    not name or name in self.attributes or name in module_or_none._used
                ):
                    self.want(imported, owner, optional=False)
        del self.modules["__main__"]
        return Reach(modules=dict(self.modules), needed=self._needed(), edits=self.edits)

    def want(self, name: str, importer: str, *, optional: bool) -> bool:
        """Add a module and its parents; False when there is none of that name."""
        if name in self.missing or (importer, name) in self.not_wanted:
            return False
        if name in self.modules:
            self.modules[name].importers.add((importer, optional))
            return True
        parent = name.rpartition(".")[0]
        path: Sequence[str] | None = self.path
        if parent:
            path = (
                self.modules[parent]._search
                if self.want(parent, importer, optional=optional)
                else None
            )
        module = self._find(name, path) if path is not None else None
        if module is None:
            self.missing.add(name)
            return False
        module.importers.add((importer, optional))
        self.modules[name] = module
        self.changed = True
        if module.kind == "source":
            self._load(module)
        return True

    def kind(self, name: str) -> str:
        """Kind of a module, without following it; empty when there is none."""
        parent = name.rpartition(".")[0]
        if parent and not self.want(parent, "<question>", optional=True):
            return ""
        found = self._find(name, self.modules[parent]._search if parent else self.path)
        return found.kind if found else ""

    def submodules(self, package: str) -> list[str]:
        """Names of everything below a package, as its folders have it."""
        names = []
        for place in (self.modules[package]._search or []) if package in self.modules else []:
            root = Path(place)
            for path in sorted(root.rglob("*.py")) + sorted(root.rglob("*.so")):
                parts = list(path.relative_to(root).parts)
                parts[-1] = parts[-1].partition(".")[0]
                if parts[-1] == "__init__":
                    parts.pop()
                if parts and all(part.isidentifier() for part in parts):
                    names.append(".".join([package, *parts]))
        return names

    def _find(self, name: str, path: Sequence[str] | None) -> Module | None:
        found = module_finder.find(name, self.path if path is None else path)
        if found is None:
            return None
        return Module(
            name=name,
            kind=found.kind,
            file=found.file,
            _search=found.search,
            _own=found.is_own,
        )

    def _load(self, module: Module) -> None:
        assert module.file is not None
        if module.file.suffix != ".py":
            return
        try:
            read = parse_file if module._own else parse_library_file
            change = self.unchanged is not None and module.name not in self.unchanged
            code = read(module.file, module._own, change and not module._own)
        except (SyntaxError, ValueError):
            return  # a template or a test of bad syntax: importing it would fail too
        self._take(module, code)

    def _take(self, module: Module, code: ModuleCode) -> None:
        module._aliases, module._stored = code.aliases, code.stored
        module._stars = code.stars
        if code.edits:
            self.edits[module.name] = code.edits
        self.queue.append((module, code.top))
        self.changed = True

    def _process(self, module: Module, unit: Unit) -> None:
        self.changed = True
        for name, level, names, optional in unit.imports:
            full = _absolute(module, name, level)
            if not full or not self.want(full, module.name, optional=optional):
                continue
            for item in names:
                if item == "*":
                    continue
                if self.modules[full].is_package:
                    # A name of the package or a module in it: which one, only the run knows.
                    self.want(f"{full}.{item}", module.name, optional=True)
                self._use(full, item)
        for name in unit.bare:
            self._use(module.name, name)
        self.attributes |= unit.attributes
        module._chains |= unit.chains
        self.waiting += [(module, name, body, method) for name, body, method in unit.children]

    def _use(self, owner: str, name: str) -> set[str]:
        """Note that a module's top-level name is used; return the modules that it may stand for."""
        module = self.modules.get(owner)
        if module is None:
            return set()
        new = name not in module._used
        if new:
            module._used.add(name)
            self.changed = True
        stands_for = {f"{owner}.{name}"} & self.modules.keys()
        for source, level, what in module._aliases.get(name, ()):
            full = _absolute(module, source, level)
            if not what:
                stands_for |= {full} & self.modules.keys()
            elif (full, what) != (owner, name) and (new or f"{full}.{what}" in self.modules):
                stands_for |= self._use(full, what)
        if new:
            for source, level in module._stars:
                self._use(_absolute(module, source, level), name)
        return stands_for

    def _follow(self, module: Module, chain: tuple[str, ...]) -> None:
        """Follow ``a.b.c``: through modules as far as they go, then as attributes of anything."""
        root, *rest = chain
        owners = self._use(module.name, root) if root in module._aliases else set()
        if not owners or root in module._stored:
            self._any(rest)
        while rest and owners:
            name = rest.pop(0)
            owners = set().union(*(self._use(owner, name) for owner in owners))
        self._any(rest)

    def _any(self, names: Iterable[str]) -> None:
        before = len(self.attributes)
        self.attributes.update(names)
        self.changed |= len(self.attributes) != before

    def _wake(self) -> None:
        """Start on the functions whose names have turned up."""
        still = []
        for module, name, body, method in self.waiting:
            special = name.startswith("__") and name.endswith("__")
            used = name in self.attributes or (not method and name in module._used)
            if module._own or special or used:
                self.queue.append((module, body))
                self.changed = True
            else:
                still.append((module, name, body, method))
        self.waiting = still

    def _needed(self) -> frozenset[str]:
        """Modules to which a chain of unguarded imports leads from the program."""
        needed = {"__main__", "<interpreter>", "<hidden_imports>", "<collect>"}
        grown = True
        while grown:
            grown = False
            for module in self.modules.values():
                if module.name not in needed and any(
                    importer in needed and not optional for importer, optional in module.importers
                ):
                    needed.add(module.name)
                    grown = True
        return frozenset(needed & self.modules.keys())


def _absolute(module: Module, name: str, level: int) -> str:
    """Full name of what an import statement in a module names."""
    if not level:
        return name
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    parts = package.split(".")
    base = parts[: len(parts) - (level - 1)]
    return ".".join([*base, name] if name else base)

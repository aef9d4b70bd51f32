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

import ast
import functools
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spike.packagers.analysis import direct_imports as redirect
from spike.project import conditions

START_UP = (
    "abc",
    "codecs",
    "copyreg",
    "encodings",
    "encodings.aliases",
    "encodings.ascii",
    "encodings.latin_1",
    "encodings.utf_8",
    "importlib",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "io",
    "os",
    "warnings",
)
"""What CPython's start, its C code on common paths and a packager's importer ask for by name."""

ACCELERATORS = frozenset(
    {
        *("_asyncio", "_bisect", "_contextvars", "_csv", "_datetime", "_decimal", "_elementtree"),
        *("_heapq", "_json", "_opcode", "_pickle", "_queue", "_statistics", "_struct", "_typing"),
        *("_zoneinfo", "_blake2", "_md5", "_sha1", "_sha256", "_sha512", "_sha3"),
    }
)
"""Extension modules whose importer has the same in Python and tries them first (PEP 399)."""

_NEVER_MISSED: Mapping[tuple[str, str], str] = {
    ("warnings", "tracemalloc"): "only to say where a leaked resource was allocated",
    ("re._parser", "unicodedata"): r"only for \N{name} in a regular expression",
    ("traceback", "unicodedata"): "only to place carets under source lines, which are not there",
}
"""Imports in the standard library that it does without: importer, module, and what is lost."""

_FROM_C: tuple[tuple[str, str, str], ...] = (
    ("time", "strptime", "_strptime"),
    ("_datetime", "strptime", "_strptime"),
    ("_datetime", "", "time"),
    ("_socket", "", "encodings.idna"),
    ("_pickle", "", "_compat_pickle"),
    ("_pickle", "", "copyreg"),
    ("_decimal", "", "numbers"),
    ("_decimal", "", "collections"),
    ("array", "", "collections.abc"),
    ("_elementtree", "", "copy"),
    ("_sqlite3", "iterdump", "sqlite3.dump"),
    ("_ctypes", "", "ctypes._endian"),
    ("_zoneinfo", "", "zoneinfo._common"),
    ("_asyncio", "", "asyncio.base_futures"),
    ("_asyncio", "", "asyncio.base_tasks"),
    ("_asyncio", "", "traceback"),
    # Nuitka makes types.coroutine know compiled functions when inspect is imported.
    ("types", "coroutine", "inspect"),
)
"""Imports that C code makes: module, the name of it that does (any when empty), what it imports."""

_CAUGHT = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_LONGEST_NAME = 200


@dataclass(kw_only=True)
class _Unit:
    """A piece of code that runs as one: a module's top level, or a function's body."""

    imports: list[tuple[str, int, tuple[str, ...], bool]] = field(default_factory=list)
    bare: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    chains: set[tuple[str, ...]] = field(default_factory=set)
    children: list[tuple[str, _Unit, bool]] = field(default_factory=list)


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
    _search: list[str] | None = None
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

    Raises:
        SyntaxError: The script is not Python.
        OSError: The script cannot be read.
    """
    walk = _Walk(
        [str(entry.parent.resolve()), *(str(place) for place in folders), *_search_path()],
        unchanged=ready_made if direct_imports else None,
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
    walk = _Walk(_search_path())
    found = set()
    for path in sorted(stdlib.glob("*.py")):
        stem = path.stem
        name = "encodings" if stem == "__init__" else f"encodings.{stem}"
        if all(
            walk.kind(imported) in ("builtin", "source")
            for imported, _, _, _ in _parse_library_file(path, False, False)[0].imports
            if imported and not imported.startswith("encodings")
        ):
            found.add(name)
    # Windows has these three, stringprep needs unicodedata, which idna and punycode need it for.
    return frozenset(found - {"encodings.mbcs", "encodings.oem", "encodings.idna"})


def extension_files() -> frozenset[str]:
    """Names of the standard library's extension modules that are files of their own."""
    folder = Path(str(sysconfig.get_config_var("DESTSHARED") or ""))
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    names = (
        path.name.partition(".")[0] for path in folder.glob("*") if path.name.endswith(suffixes)
    )
    return frozenset(names)


def is_standard_library(path: Path) -> bool:
    """Whether a file belongs to the interpreter that runs this, and not to a package."""
    real = os.path.realpath(path)
    if {"site-packages", "dist-packages"} & set(Path(real).parts):
        return False
    return any(
        real.startswith(os.path.join(os.path.realpath(sysconfig.get_path(key)), ""))  # noqa: PTH118
        for key in ("stdlib", "platstdlib")
    )


def _search_path() -> list[str]:
    """Where the packaged interpreter looks, without what this tool adds for itself."""
    paths = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    dynload = Path(str(sysconfig.get_config_var("DESTSHARED") or ""))
    found = [*paths, *([str(dynload)] if dynload.is_dir() else [])]
    return list(dict.fromkeys(found))


class _Reader(ast.NodeVisitor):
    """Collects one module's units, and what its names stand for."""

    def __init__(self, *, own: bool) -> None:
        self.own = own
        self.unit = _Unit()
        self.guarded = 0
        self.in_class = False
        self.aliases: dict[str, set[tuple[str, int, str]]] = {}
        self.stored: set[str] = set()
        self.stars: list[tuple[str, int]] = []
        self.edits: dict[int, str] = {}

    def visit_Import(self, node: ast.Import) -> None:
        for item in node.names:
            self.unit.imports.append((item.name, 0, (), bool(self.guarded)))
            top = item.name.partition(".")[0]
            self.aliases.setdefault(item.asname or top, set()).add(
                (item.name if item.asname else top, 0, "")
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        names = tuple(item.name for item in node.names)
        self.unit.imports.append((module, node.level, names, bool(self.guarded)))
        for item in node.names:
            if item.name == "*":
                self.stars.append((module, node.level))
            else:
                self.aliases.setdefault(item.asname or item.name, set()).add(
                    (module, node.level, item.name)
                )

    def visit_Try(self, node: ast.Try) -> None:
        caught = {
            name.id
            for handler in node.handlers
            for name in ast.walk(handler.type or ast.Name(id="BaseException"))
            if isinstance(name, ast.Name)
        }
        guards = bool(caught & _CAUGHT)
        self.guarded += guards
        self._visit_all(node.body)
        self.guarded -= guards
        self._visit_all([*node.handlers, *node.orelse, *node.finalbody])

    def visit_If(self, node: ast.If) -> None:
        test = ast.unparse(node.test)
        if test.endswith("TYPE_CHECKING") or (not self.own and test == "__name__ == '__main__'"):
            self._visit_all(node.orelse)
        elif (decided := conditions.truth(node.test)) is not None:
            self._visit_all(node.body if decided else node.orelse)
        else:
            self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        before, self.in_class = self.in_class, True
        self._visit_all(node.body)
        self.in_class = before

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = node.args
        self._visit_all([*node.decorator_list, *arguments.defaults])
        self._visit_all([default for default in arguments.kw_defaults if default])
        self._arguments(arguments)
        if node.returns:
            self.visit(node.returns)
        before = self.unit, self.guarded, self.in_class
        self.unit, self.guarded, self.in_class = _Unit(), 0, False
        self._visit_all(node.body)
        body = self.unit
        self.unit, self.guarded, self.in_class = before
        self.unit.children.append((node.name, body, self.in_class))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._arguments(node.args)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.unit.bare.add(node.id)
        else:
            self.stored.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain = [node.attr]
        value = node.value
        while isinstance(value, ast.Attribute):
            chain.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            self.unit.bare.add(value.id)
            self.unit.chains.add((value.id, *reversed(chain)))
        else:
            self.unit.attributes.update(chain)
            self.visit(value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not _is_all(*node.targets):
            self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if not _is_all(node.target):
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        value = node.value
        if isinstance(value, ast.Constant):
            return  # a docstring names nothing
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Attribute)
            and _is_all(value.func.value)
        ):
            return  # __all__.extend([...]) uses nothing
        self.visit(value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and len(node.value) < _LONGEST_NAME:
            words = node.value.replace(":", ".").split(".")
            self.unit.attributes.update(word for word in words if word.isidentifier())

    def _arguments(self, arguments: ast.arguments) -> None:
        for item in (
            *(*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs),
            *(extra for extra in (arguments.vararg, arguments.kwarg) if extra),
        ):
            self.stored.add(item.arg)
            if item.annotation:
                self.visit(item.annotation)

    def _visit_all(self, nodes: Sequence[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)


def _is_all(*targets: ast.AST) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)


def _parse(source: bytes | str, *, own: bool) -> tuple[_Unit, _Reader]:
    reader = _Reader(own=own)
    for statement in ast.parse(source).body:
        reader.visit(statement)
    return reader.unit, reader


@functools.cache
def _finder(place: str) -> importlib.machinery.FileFinder:
    """Looks into one folder. Not the interpreter's own search, which wants parents imported."""
    machinery = importlib.machinery
    return machinery.FileFinder(
        place,
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (machinery.SourceFileLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )


def _parse_file(path: Path, own: bool, direct_imports: bool) -> tuple[_Unit, _Reader]:
    source = path.read_bytes()
    if not direct_imports:
        return _parse(source, own=own)
    text = importlib.util.decode_source(source)
    edits = redirect.edits(text)
    unit, reader = _parse(redirect.apply(text, edits), own=own)
    reader.edits = edits
    return unit, reader


_parse_library_file = functools.cache(_parse_file)
"""The standard library does not change while this runs, and parsing it is most of the work."""


class _Walk:
    """Follows uses and imports until nothing new turns up."""

    def __init__(self, path: list[str], *, unchanged: Collection[str] | None = None) -> None:
        self.path = path
        self.unchanged = unchanged
        self.edits: dict[str, dict[int, str]] = {}
        self.modules: dict[str, Module] = {}
        self.missing: set[str] = set()
        self.attributes: set[str] = set()
        self.queue: list[tuple[Module, _Unit]] = []
        self.waiting: list[tuple[Module, str, _Unit, bool]] = []
        self.changed = True

    def run(self, entry: Path, text: bytes) -> Reach:
        main = Module(name="__main__", kind="source", file=entry, _own=True)
        self.modules["__main__"] = main
        self._take(main, *_parse(text, own=True))
        while self.changed:
            self.changed = False
            while self.queue:
                self._process(*self.queue.pop())
            for module in tuple(self.modules.values()):
                for chain in tuple(module._chains):
                    self._follow(module, chain)
            self._wake()
            for owner, name, imported in _FROM_C:
                module_or_none = self.modules.get(owner)
                if module_or_none and (
                    not name or name in self.attributes or name in module_or_none._used
                ):
                    self.want(imported, owner, optional=False)
        del self.modules["__main__"]
        return Reach(modules=dict(self.modules), needed=self._needed(), edits=self.edits)

    def want(self, name: str, importer: str, *, optional: bool) -> bool:
        """Add a module and its parents; False when there is none of that name."""
        if name in self.missing or (importer, name) in _NEVER_MISSED:
            return False
        if name in self.modules:
            self.modules[name].importers.add((importer, optional))
            return True
        parent = name.rpartition(".")[0]
        path: list[str] | None = self.path
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

    def _find(self, name: str, path: list[str] | None) -> Module | None:
        if name in sys.builtin_module_names:
            return Module(name=name, kind="builtin")
        spaces = []
        for place in self.path if path is None else path:
            spec = _finder(place).find_spec(name)
            if spec is None:
                continue
            if spec.loader is not None and spec.origin is not None:
                break
            # A folder without __init__.py: part of a namespace, unless a later one is a module.
            spaces += list(spec.submodule_search_locations or [])
        else:
            return Module(name=name, kind="namespace", _search=spaces) if spaces else None
        search = spec.submodule_search_locations
        places = list(search) if search is not None else None
        file = Path(spec.origin)
        own = not is_standard_library(file)
        native = isinstance(spec.loader, importlib.machinery.ExtensionFileLoader)
        kind = "extension" if native else "source"
        return Module(name=name, kind=kind, file=file, _search=places, _own=own)

    def _load(self, module: Module) -> None:
        assert module.file is not None
        if module.file.suffix != ".py":
            return
        try:
            read = _parse_file if module._own else _parse_library_file
            change = self.unchanged is not None and module.name not in self.unchanged
            unit, reader = read(module.file, module._own, change and not module._own)
        except (SyntaxError, ValueError):
            return  # a template or a test of bad syntax: importing it would fail too
        self._take(module, unit, reader)

    def _take(self, module: Module, unit: _Unit, reader: _Reader) -> None:
        module._aliases, module._stored = reader.aliases, reader.stored
        module._stars = reader.stars
        if reader.edits:
            self.edits[module.name] = reader.edits
        self.queue.append((module, unit))
        self.changed = True

    def _process(self, module: Module, unit: _Unit) -> None:
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

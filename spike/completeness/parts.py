"""What a program has at hand as a script: its own files, and what its dependencies installed.

A packager ships what import statements name. What is reached in another way (a plugin found by
name, a template opened at the first request, a dependency's data file) stays behind, and the
program may say READY all the same. Three things tell, none of them an error message: the files of
the sidecar's folder, the files that its dependencies have installed, and what of both the plain
script has used by the time it is stopped (:mod:`spike.completeness.used`). What of them did not
ship is told by :mod:`spike.completeness.missing`. Both are pure: values in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from spike.completeness.used import Used
from spike.packagers.recipe import Shipped
from spike.project import sources

_NOT_DATA_OF_A_PACKAGE = re.compile(
    r"(^|/)(tests?|testing|docs?|examples?|benchmarks?|include|licenses?|__pycache__)/"
    r"|(^|/)(readme|licen[cs]e|copying|notice|authors|changelog|changes|py\.typed)[^/]*$"
    r"|\.(pyi?|pyc|pyx|pxd|pxi|c|cc|cpp|h|hpp|rs|md|rst|txt|typed|so|pyd|dylib|dll|exe|a|lib|sh|in"
    r"|toml|cfg|ini|build|pc|template|cmake|f|f90|pyf|src|def)$|\.so\.[\d.]+$",
    re.IGNORECASE,
)
"""Files of an installed package that its code does not open, or that are code."""

_CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".dylib")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What there is: of the sidecar's folder, or of an installed distribution.

    Attributes:
        modules: Dotted name to path.
        data: Paths of files that are neither code nor about the project.
        files: Paths of all files that are no code, these among them.
        metadata: Paths of a distribution's own metadata.
        has_plugins: Whether the metadata offers plugins that somebody here looks for.
        aside: Modules by whose place or name nobody misses them, as ``tasks.py`` and ``docs/``;
            a program that loads one has it all the same.
        base: Where the script lies; empty for the folder itself. Files ship relative to it, and
            what is not below it cannot.
    """

    modules: Mapping[str, str]
    data: tuple[str, ...]
    files: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    has_plugins: bool = False
    aside: Mapping[str, str] = field(default_factory=dict)
    base: str = ""

    def loaded(self, used: Used) -> frozenset[str]:
        """The modules of these that were imported."""
        return frozenset(name for name, path in self.modules.items() if path in used.modules)

    def opened(self, used: Used) -> frozenset[str]:
        """The files of these that were opened, and the data of folders that were listed."""
        data = set(self.data)
        return frozenset(
            path for path in self.files if path in used.files or (path in data and used.has(path))
        )


def own_parts(
    files: Iterable[str],
    *,
    entry: str,
    not_data: Iterable[str] = (),
    roots: Sequence[str] = (),
    shipped: Collection[str] = (),
) -> Parts:
    """What the sidecar's folder has.

    Args:
        files: Its files, relative to it, with forward slashes.
        entry: The entry script among them.
        not_data: Files that others use, such as the smoke command's.
        roots: Further folders that absolute imports start at, relative to it.
        shipped: Names of modules that did ship: a file that did so by one of its names is there.
    """
    every = set(files)
    bases = [
        _import_root(PurePosixPath(entry).parent, every),
        *map(root_prefix, roots),
    ]
    left = set(not_data) | {entry}
    modules: dict[str, str] = {}
    aside: dict[str, str] = {}
    others = []
    for path in sorted(every - left):
        if not path.endswith(_CODE):
            others.append(path)
        elif path.endswith(".py"):
            is_aside = sources.NOT_OF_THE_PROGRAM.search(path) or path.endswith("__main__.py")
            kind = aside if is_aside else modules
            names = [name for base in bases if (name := module_name(path, base))]
            if names:
                # Below several roots, the innermost is the one that imports name, unless what
                # shipped (the file itself, or the package it is in) was named from another.
                kind[min(names, key=lambda name: _unlike(name, shipped))] = path
    data = tuple(path for path in others if not sources.NOT_OF_THE_PROGRAM.search(path))
    base = PurePosixPath(entry).parent.as_posix().removeprefix(".")
    return Parts(modules=modules, data=data, files=tuple(others), aside=aside, base=base)


def _unlike(name: str, shipped: Collection[str]) -> tuple[bool, bool, int]:
    return name not in shipped, name.partition(".")[0] not in shipped, len(name)


def _import_root(folder: PurePosixPath, files: set[str]) -> str:
    """The folder that absolute imports start at: above the package that the entry lies in."""
    while str(folder) != "." and (folder / "__init__.py").as_posix() in files:
        folder = folder.parent
    return "" if str(folder) == "." else folder.as_posix() + "/"


def root_prefix(root: str) -> str:
    """What the paths below an import root begin with."""
    return f"{root}/" if root not in ("", ".") else ""


def module_name(path: str, base: str = "") -> str:
    """Dotted name of a module's file; empty when it cannot be imported from ``base``."""
    if not path.startswith(base):
        return ""
    parts = path[len(base) :].removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    # A name that no statement can import may still be imported by name: Django's 0001_initial.
    return ".".join(parts) if parts and all(re.fullmatch(r"\w+", part) for part in parts) else ""


def distribution_parts(files: Iterable[str], *, has_plugins: bool = False) -> Parts:
    """What a distribution has installed, by its RECORD.

    Args:
        files: The paths in it.
        has_plugins: See :class:`Parts`.
    """
    modules = {}
    others = []
    metadata = []
    for path in sorted(files):
        top = path.partition("/")[0]
        if path.startswith(("..", "/")) or top.endswith(".data"):
            continue
        if top.endswith((".dist-info", ".egg-info")):
            metadata.append(path)
        elif path.endswith(".py"):
            if name := module_name(path):
                modules[name] = path
        elif "/" in path and not path.endswith(_CODE):
            others.append(path)
    return Parts(
        modules=modules,
        data=tuple(path for path in others if not _NOT_DATA_OF_A_PACKAGE.search(path)),
        files=tuple(others),
        metadata=tuple(metadata),
        has_plugins=has_plugins,
    )


def without(parts: Parts, exclude: Collection[str]) -> Parts:
    """The parts but for modules that are not to ship, and what lies below them."""
    kept, aside = (
        {
            name: path
            for name, path in modules.items()
            if not any(f"{name}.".startswith(f"{left}.") for left in exclude)
        }
        for modules in (parts.modules, parts.aside)
    )
    return replace(parts, modules=kept, aside=aside)


def without_dependencies(shipped: Shipped, dependencies: Iterable[Parts]) -> Shipped:
    """What shipped but for the files that dependencies have installed.

    A library may have a ``templates/index.html`` as well, which is not the sidecar's.

    Args:
        shipped: What did ship.
        dependencies: What there is of each, from :func:`distribution_parts`.
    """
    theirs = {path for each in dependencies for path in (*each.files, *each.metadata)}

    def is_theirs(path: str) -> bool:
        # A packager may put them into a folder of its own.
        parts = path.split("/")
        return any("/".join(parts[depth:]) in theirs for depth in range(len(parts) - 1))

    return replace(shipped, files=frozenset(path for path in shipped.files if not is_theirs(path)))

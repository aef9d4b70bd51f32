"""Finds modules by name, in the Python that is packaged and beside a program, importing none.

Standard library only: it runs in the Python that is packaged.
"""

from __future__ import annotations

import functools
import importlib.machinery
import os
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where a module lies.

    Attributes:
        kind: ``builtin``, ``extension``, ``source`` or ``namespace``.
        file: Its file; None for a built-in module and for a namespace.
        search: Where its submodules lie; None when it can have none.
    """

    kind: str
    file: Path | None = None
    search: tuple[str, ...] | None = None

    @property
    def is_own(self) -> bool:
        """Whether it belongs to the program or its dependencies, not to the standard library."""
        return self.file is not None and not is_standard_library(self.file)


def find(name: str, path: Sequence[str]) -> Found | None:
    """Look for a module; None when there is none of that name.

    Args:
        name: Its full name.
        path: The folders to look in.
    """
    if name in sys.builtin_module_names:
        return Found(kind="builtin")
    spaces: list[str] = []
    for place in path:
        spec = _finder(place).find_spec(name)
        if spec is None:
            continue
        if spec.loader is not None and spec.origin is not None:
            break
        # A folder without __init__.py: part of a namespace, unless a later one is a module.
        spaces += list(spec.submodule_search_locations or [])
    else:
        return Found(kind="namespace", search=tuple(spaces)) if spaces else None
    search = spec.submodule_search_locations
    native = isinstance(spec.loader, importlib.machinery.ExtensionFileLoader)
    return Found(
        kind="extension" if native else "source",
        file=Path(spec.origin),
        search=tuple(search) if search is not None else None,
    )


def search_path() -> list[str]:
    """Where the packaged interpreter looks, without what this tool adds for itself."""
    paths = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    dynload = Path(str(sysconfig.get_config_var("DESTSHARED") or ""))
    found = [*paths, *([str(dynload)] if dynload.is_dir() else [])]
    return list(dict.fromkeys(found))


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

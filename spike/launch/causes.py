"""The causes that a diagnosis of a frozen program can name, and what it has to know for that.

The findings of :mod:`spike.launch.diagnosis` are these values, and the modules that explain one
kind of death each (:mod:`spike.launch.missing_modules`, :mod:`spike.launch.missing_files` and
:mod:`spike.launch.lifecycle`) make them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from spike.launch.ready import Ready
from spike.project.specifiers import normal_name, requirement_name


class Cause(StrEnum):
    """What a packager left out, or what the sidecar's author did."""

    HIDDEN_IMPORT = "hidden_import"
    MISSING_DEPENDENCY = "missing_dependency"
    DATA_FILE = "data_file"
    PACKAGE_DATA = "package_data"
    METADATA = "metadata"
    NATIVE_LIBRARY = "native_library"
    WRONG_PLACE = "wrong_place"
    NOT_IN_SITE = "not_in_site"
    OTHER_PROGRAM = "other_program"
    READY_FORM = "ready_form"
    STOP_FORM = "stop_form"


@dataclass(frozen=True, kw_only=True)
class SidecarFacts:
    """What the diagnosis needs to know about a sidecar.

    Args:
        name: The ``[project]`` name.
        files: Every file of the sidecar's folder, relative to it, with forward slashes.
        dependencies: The ``[project]`` dependencies as written.
        hidden_imports: The list as it is in ``[tool.sidecar]``; ``data``, ``metadata`` and
            ``collect`` likewise.
        provided: Top-level import name to distribution name of what the build environment has
            installed; None when that is not known.
        program_folder: The folder that ships, or the one that the single file lies in, absolute;
            empty when it is not known.
        shipped: Every file below that folder, relative to it, with forward slashes; None when it
            is not known, as for one file that unpacks itself.
        roots: Folders that own modules lie in, relative to the sidecar's; the script's own first,
            which data files are found relative to.
        ready: What is waited for.
        health: ``health`` in ``[tool.sidecar]``.
        optional: Top-level modules that its own sources import and are prepared to do without.
        texts: Files of own modules that the plain script reads as texts; None where it has not run.
        texts_of: Packages of libraries of which it reads such files.
    """

    name: str
    files: frozenset[str] = frozenset()
    dependencies: tuple[str, ...] = ()
    hidden_imports: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    provided: Mapping[str, str] | None = field(default=None)
    program_folder: str = ""
    shipped: frozenset[str] | None = field(default=None)
    roots: tuple[str, ...] = (".",)
    ready: Ready = field(default_factory=Ready)
    health: str = ""
    optional: frozenset[str] = frozenset()
    texts: tuple[str, ...] | None = None
    texts_of: tuple[str, ...] = ()

    def has_module(self, module: str) -> bool:
        """Tell whether the folder itself holds this module or package."""
        return any(
            path in (f"{stem}.py", f"{stem}/__init__.py") or path.startswith(f"{stem}/")
            for stem in (below(root, module.replace(".", "/")) for root in self.roots)
            for path in self.files
        )

    def has_path(self, path: str) -> bool:
        """Tell whether the folder holds this file, or a folder with files of this name."""
        return path in self.files or any(each.startswith(f"{path}/") for each in self.files)

    def folder_without_code(self, module: str) -> str:
        """The folder that a module's name leads to, when only data lies in it; empty otherwise."""
        stems = (below(root, module.replace(".", "/")) for root in self.roots)
        for stem in stems:
            inside = [path for path in self.files if path.startswith(f"{stem}/")]
            if inside and not any(path.endswith((".py", ".so", ".pyd")) for path in inside):
                return stem
        return ""

    def can_import(self, module: str) -> bool:
        """Tell whether the build environment can import the module's top-level package."""
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names or self.has_module(top):
            return True
        if self.provided is not None:
            return top in self.provided
        return normal_name(top) in {requirement_name(text) for text in self.dependencies}


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One diagnosis.

    Args:
        cause: The kind of mistake.
        target: What is missing: a module, a file, a distribution, a library.
        message: What happened and why, in one or two sentences.
        fix: The line for ``pyproject.toml``, existing values kept, or an instruction when no key
            can repair it.
        key: The list in ``[tool.sidecar]`` that repairs it; empty when none does.
        value: What to add to that list.
    """

    cause: Cause
    target: str
    message: str
    fix: str
    key: str = ""
    value: str = ""

    @classmethod
    def of_list(
        cls, cause: Cause, key: str, value: str, facts: SidecarFacts, *, target: str, message: str
    ) -> Self:
        """One that a value in a list of ``[tool.sidecar]`` repairs, what is listed kept."""
        fix = tool_line(key, getattr(facts, key), value)
        return cls(cause=cause, target=target, message=message, fix=fix, key=key, value=value)

    def __str__(self) -> str:
        """Fact, cause, fix."""
        return f"{self.message} Fix: {self.fix}"


Explain = Callable[[re.Match[str], str, SidecarFacts], Diagnosis | None]
"""Makes a diagnosis of a message that a pattern fits, for a variant and a sidecar."""


def below(root: str, path: str) -> str:
    """A path below a root, both relative to the sidecar's folder."""
    return path if root in (".", "") else f"{root}/{path}"


def tool_line(key: str, present: tuple[str, ...], *added: str) -> str:
    """The instruction to add values to a list of ``pyproject.toml``, what is there kept."""
    return f"in [tool.sidecar] set {_list_line(key, present, *added)}"


def _list_line(key: str, present: tuple[str, ...], *added: str) -> str:
    """Return the TOML line with the values added and what is there kept."""
    values = list(dict.fromkeys([*present, *added]))
    return f"{key} = {json.dumps(values, ensure_ascii=False)}"

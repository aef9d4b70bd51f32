"""Reads why a frozen program died and names the line of ``pyproject.toml`` that prevents it.

A packager finds what a program needs by reading its import statements. Whatever is reached in
another way (a module named by a string, a data file, a distribution's metadata, a library opened
with ``dlopen``) is missing at run time, and the traceback says what. Everything here is a pure
function of that text and of what is known about the sidecar; the texts that it is tested with come
from real frozen programs (``tests/unit/launch/tracebacks``).
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """What a packager left out, or what the sidecar's author did."""

    HIDDEN_IMPORT = "hidden_import"
    MISSING_DEPENDENCY = "missing_dependency"
    DATA_FILE = "data_file"
    PACKAGE_DATA = "package_data"
    METADATA = "metadata"
    NATIVE_LIBRARY = "native_library"


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

    def has_module(self, module: str) -> bool:
        """Tell whether the folder itself holds this module or package."""
        stem = module.replace(".", "/")
        return any(
            path in (f"{stem}.py", f"{stem}/__init__.py") or path.startswith(f"{stem}/")
            for path in self.files
        )


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

    def __str__(self) -> str:
        """Fact, cause, fix."""
        return f"{self.message} Fix: {self.fix}"


# The folders that frozen programs run from, wherever they lie: PyInstaller's onefile and onedir,
# Nuitka's onefile, its cached unpack (VERSION-HASH, see the recipe) and standalone, cx_Freeze's
# archive. What follows is relative to the program.
_PROGRAM_FOLDER = re.compile(
    r"^.*?(?:/_MEI[^/]+/|/_internal/|/onefile_[^/]+/|/[^/]+-[0-9a-f]{12}/|/[^/]+\.dist/"
    r"|/lib/library\.zip/)"
)
# Below the folder of a program whose place is known, what some packagers put in between.
_INNER_FOLDER = re.compile(r"(?:_internal/|lib/library\.zip/|lib/)?")
_NO_SUCH_FILE = re.compile(
    r"(?:FileNotFoundError: \[Errno 2\] No such file or directory|"
    r"NotADirectoryError: \[Errno 20\] Not a directory): (?P<path>(?P<quote>['\"]).*(?P=quote))"
)
# What a C library says of a file of its own, in an exception of its binding (lxml, for one).
_NO_FILE_OF_LIBRARY = re.compile(
    r"^\S*(?:Error|Exception): [^'\"]*(?P<path>'[^']+'|\"[^\"]+\").*No such file or directory"
)
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '(?P<module>[^']+)'")
_NO_NAME = re.compile(
    r"ImportError: cannot import name '(?P<name>\w+)' from '(?P<package>[\w.]+)' \((?P<path>.*)\)"
)
_NO_METADATA = re.compile(
    r"PackageNotFoundError: No package metadata was found for (?P<name>[\w.-]+)"
    r"|DistributionNotFound: The '(?P<requirement>[^']+)' distribution was not found"
)
_NO_LIBRARY = re.compile(
    r"(?:ImportError|OSError): (?P<path>\S+\.so[.\d]*): cannot open shared object file"
)
_NO_LIBRARY_PYINSTALLER = re.compile(
    r"PyInstallerImportError: Failed to load dynlib/dll (?P<path>'[^']+')"
)
# uvicorn's words, and those that Nuitka puts in their place: it changes the library's source.
_NO_ASGI_MODULE = re.compile(
    r'Error loading ASGI app\. (?:Nuitka: )?Could not import module "(?P<module>[^"]+)"'
)
_NO_DIALECT = re.compile(
    r"NoSuchModuleError: Can't load plugin: (?P<group>[\w.]+):(?P<name>[\w.]+)"
)
_NO_CODEC = re.compile(r"LookupError: unknown encoding: (?P<name>[\w-]+)")


def diagnose(
    *, stderr: str, variant: str, facts: SidecarFacts, stdout: str = ""
) -> Diagnosis | None:
    """Find out what did not ship.

    When exceptions are chained, the last one that says something wins: an earlier one may be a
    probe for an optional module that the program was prepared to miss.

    Args:
        stderr: The end of the program's standard error.
        variant: The variant's id, for the message.
        facts: What is known about the sidecar.
        stdout: The end of its standard output; some programs print tracebacks there.

    Returns:
        The finding, or None when the text does not show a packaging mistake.
    """
    for text in (stderr, stdout):
        for line in reversed(text.splitlines()):
            for pattern, explain in _RULES:
                if match := pattern.search(line):
                    finding = explain(match, variant, facts)
                    if finding is not None:
                        return finding
    return None


def _relative_to_program(path: str, facts: SidecarFacts) -> str | None:
    """Return a path below the program's own folder relative to it; None for any other path."""
    path = path.replace("\\", "/")
    folder = facts.program_folder.replace("\\", "/").rstrip("/") + "/"
    if folder != "/" and path.startswith(folder):
        return _INNER_FOLDER.sub("", path[len(folder) :], count=1)
    if match := _PROGRAM_FOLDER.match(path):
        return path[match.end() :]
    return None


def _list_line(key: str, present: tuple[str, ...], added: str) -> str:
    """Return the TOML line with the value added and what is there kept."""
    values = [*present, *([] if added in present else [added])]
    return f"{key} = {json.dumps(values, ensure_ascii=False)}"


def _tool_line(key: str, present: tuple[str, ...], added: str) -> str:
    return f"in [tool.sidecar] set {_list_line(key, present, added)}"


def _normal(name: str) -> str:
    """Return a distribution name in the normal form of the packaging standards (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirement_name(requirement: str) -> str:
    match = re.match(r"\s*([A-Za-z0-9][\w.-]*)", requirement)
    return _normal(match[1]) if match else ""


def _is_installed(module: str, facts: SidecarFacts) -> bool:
    """Tell whether the build environment can import the module's top-level package."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or facts.has_module(top):
        return True
    if facts.provided is not None:
        return top in facts.provided
    return _normal(top) in {_requirement_name(text) for text in facts.dependencies}


def _module(name: str, variant: str, facts: SidecarFacts) -> Diagnosis:
    """A module is not there: because it did not ship, or because nothing provides it."""
    if _is_installed(name, facts):
        if name in facts.hidden_imports:
            return Diagnosis(
                cause=Cause.HIDDEN_IMPORT,
                target=name,
                message=f"The {variant} program cannot import {name!r}, although hidden_imports "
                "lists it: the artifact was built before that, or the packager found no such "
                "module.",
                fix="build again with --force and read the packager's log",
            )
        return Diagnosis(
            cause=Cause.HIDDEN_IMPORT,
            target=name,
            message=f"The {variant} program cannot import {name!r}: no import statement that the "
            "packager follows names it, so it did not ship.",
            fix=_tool_line("hidden_imports", facts.hidden_imports, name),
            key="hidden_imports",
            value=name,
        )
    top = name.partition(".")[0]
    return Diagnosis(
        cause=Cause.MISSING_DEPENDENCY,
        target=name,
        message=f"The program imports {name!r}, which is neither a file of the sidecar's folder "
        "nor part of Python, and no dependency of the sidecar provides it.",
        fix="add the distribution that provides it (its name may differ from the module's) to "
        f"[project] {_list_line('dependencies', facts.dependencies, top)} and lock again",
    )


def _missing_module(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    return _module(match["module"], variant, facts)


def _missing_asgi_module(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    return _module(match["module"].partition(":")[0], variant, facts)


def _missing_name(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    """``from package import submodule`` fails like this when the submodule did not ship."""
    if _relative_to_program(match["path"], facts) is None:
        return None
    return _module(f"{match['package']}.{match['name']}", variant, facts)


def _missing_dialect(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    """SQLAlchemy names a plugin by group and name; the first part of the name is the module."""
    return _module(f"{match['group']}.{match['name'].partition('.')[0]}", variant, facts)


def _missing_codec(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    return _module("encodings." + match["name"].replace("-", "_"), variant, facts)


def _missing_metadata(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    name = match["name"] or _requirement_name(match["requirement"])
    if _normal(name) == _normal(facts.name):
        return Diagnosis(
            cause=Cause.METADATA,
            target=name,
            message=f"The program asks for the metadata of {name!r}, which is the sidecar itself: "
            "it is packaged from its folder and never installed, so it has none.",
            fix="keep the version in a constant of the program instead of reading it with "
            "importlib.metadata",
        )
    return Diagnosis(
        cause=Cause.METADATA,
        target=name,
        message=f"The {variant} program asks for the metadata of the distribution {name!r} "
        "(importlib.metadata), which packagers leave out unless told.",
        fix=_tool_line("metadata", facts.metadata, name),
        key="metadata",
        value=name,
    )


def _missing_file(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    try:
        path = str(ast.literal_eval(match["path"]))
    except (SyntaxError, ValueError):
        return None
    return _file(path, variant, facts, cause=Cause.DATA_FILE)


def _missing_library(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    path = match["path"].strip("'")
    if "/" in path or "\\" in path:
        return _file(path, variant, facts, cause=Cause.NATIVE_LIBRARY)
    return Diagnosis(
        cause=Cause.NATIVE_LIBRARY,
        target=path,
        message=f"The {variant} program needs the shared library {path}, which neither shipped "
        "with it nor is installed here.",
        fix=f"copy {path} into the sidecar's folder and "
        f"{_tool_line('data', facts.data, path)}, or make it a requirement of your installer",
    )


def _file(path: str, variant: str, facts: SidecarFacts, *, cause: Cause) -> Diagnosis | None:
    """A file under the program's own folder is missing; None for a file elsewhere."""
    relative = _relative_to_program(path, facts)
    if relative is None:
        return None
    top = relative.partition("/")[0]
    listed = [item for item in facts.data if _covers(item, relative)]
    if listed:
        return Diagnosis(
            cause=cause,
            target=relative,
            message=f"The {variant} program cannot find its file {relative!r}, although data "
            f"lists {listed[0]!r}: the artifact was built before that.",
            fix="build again with --force",
        )
    if relative in facts.files:
        return Diagnosis(
            cause=cause,
            target=relative,
            message=f"The {variant} program cannot find its file {relative!r}: it is in the "
            "sidecar's folder but is not listed as data, so it did not ship.",
            fix=_tool_line("data", facts.data, relative),
            key="data",
            value=relative,
        )
    if relative != top and not facts.has_module(top) and _is_installed(top, facts):
        return Diagnosis(
            cause=Cause.PACKAGE_DATA if cause is Cause.DATA_FILE else cause,
            target=relative,
            message=f"The {variant} program cannot find {relative!r}, a file of the package "
            f"{top!r} that the packager left out.",
            fix=_tool_line("collect", facts.collect, top),
            key="collect",
            value=top,
        )
    return Diagnosis(
        cause=cause,
        target=relative,
        message=f"The {variant} program looks for {relative!r} beside itself, and the sidecar's "
        "folder has no such file.",
        fix=f"create {relative} in the sidecar's folder and "
        f"{_tool_line('data', facts.data, relative)}",
    )


def _covers(item: str, relative: str) -> bool:
    item = item.rstrip("/")
    return relative == item or relative.startswith(item + "/")


_Explain = Callable[[re.Match[str], str, SidecarFacts], Diagnosis | None]
_RULES: tuple[tuple[re.Pattern[str], _Explain], ...] = (
    (_NO_MODULE, _missing_module),
    (_NO_NAME, _missing_name),
    (_NO_ASGI_MODULE, _missing_asgi_module),
    (_NO_DIALECT, _missing_dialect),
    (_NO_CODEC, _missing_codec),
    (_NO_METADATA, _missing_metadata),
    (_NO_SUCH_FILE, _missing_file),
    (_NO_FILE_OF_LIBRARY, _missing_file),
    (_NO_LIBRARY_PYINSTALLER, _missing_library),
    (_NO_LIBRARY, _missing_library),
)

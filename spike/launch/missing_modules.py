"""Explains what a program could not import: a module, or what is known of a distribution."""

from __future__ import annotations

import encodings.aliases
import importlib.util
import re
import sys

from spike.launch.causes import Cause, Diagnosis, Explain, SidecarFacts
from spike.launch.program_paths import relative_to_program
from spike.project.specifiers import normal_name, requirement_name

_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '(?P<module>[^']+)'")
_NO_NAME = re.compile(
    r"ImportError: cannot import name '(?P<name>\w+)' from '(?P<package>[\w.]+)' \((?P<path>.*)\)"
)
_NO_METADATA = re.compile(
    r"(?:PackageNotFoundError: No package metadata was found for |DistributionNotFound: )"
    r"(?:The '(?P<requirement>[^']+)' distribution was not found|(?P<name>[\w.-]+))"
)
# uvicorn's words, and those that Nuitka puts in their place: it changes the library's source.
_NO_ASGI_MODULE = re.compile(
    r'Error loading ASGI app\. (?:Nuitka: )?Could not import module "(?P<module>[^"]+)"'
)
_NO_DIALECT = re.compile(
    r"NoSuchModuleError: Can't load plugin: (?P<group>[\w.]+):(?P<name>[\w.]+)"
)
_NO_CODEC = re.compile(r"LookupError: unknown encoding: (?P<name>[\w-]+)")
_SITE_NAME = re.compile(r"NameError: name '(?P<name>exit|quit)' is not defined")


def _module(name: str, variant: str, facts: SidecarFacts) -> Diagnosis | None:
    """A module is not there: because it did not ship, or because nothing provides it.

    None for one that no packager can be told of, and for one that the program can do without: what
    is told of that is no cause of its end.
    """
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names and not facts.has_module(top):
        if not _is_here(name):
            return None
    elif facts.has_module(top) and not facts.has_module(name):
        return None
    if top in sys.stdlib_module_names and facts.has_module(name):
        return Diagnosis(
            cause=Cause.HIDDEN_IMPORT,
            target=name,
            message=f"The {variant} program cannot import {name!r}: Python has a module {top!r} of "
            "its own, which the packager has taken in its place.",
            fix=f"rename your {top}",
        )
    if (folder := facts.folder_without_code(name)) and folder not in facts.data:
        return Diagnosis.of_list(
            Cause.DATA_FILE,
            "data",
            folder,
            facts,
            target=name,
            message=f"The {variant} program takes {folder}, a folder without code, for the package "
            f"{name!r}: it is not listed as data, so it did not ship.",
        )
    if facts.can_import(name):
        if name in facts.hidden_imports:
            return Diagnosis(
                cause=Cause.HIDDEN_IMPORT,
                target=name,
                message=f"The {variant} program cannot import {name!r}, although hidden_imports "
                "lists it: the artifact was built before that, or the packager found no such "
                "module.",
                fix="build again with --force and read the packager's log",
            )
        return Diagnosis.of_list(
            Cause.HIDDEN_IMPORT,
            "hidden_imports",
            name,
            facts,
            target=name,
            message=f"The {variant} program cannot import {name!r}: no import statement that the "
            "packager follows names it, so it did not ship.",
        )
    if top in facts.optional:
        return None
    if own := next((path for path in sorted(facts.files) if path.endswith(f"/{top}.py")), None):
        folder = own.rpartition("/")[0]
        return Diagnosis(
            cause=Cause.HIDDEN_IMPORT,
            target=name,
            message=f"The {variant} program imports {name!r}, and no folder that it looks in has "
            f"it; in the sources it is {own}.",
            fix=f"sys.path.insert(0, str(Path(__file__).parent / {folder!r})) before the import, "
            "as a literal, so that a packager can follow it",
        )
    return Diagnosis(
        cause=Cause.MISSING_DEPENDENCY,
        target=name,
        message=f"The program imports {name!r}, which is neither a file of the sidecar's folder "
        "nor part of Python, and no dependency of the sidecar provides it.",
        fix="add the distribution that has it (often of another name than the module) to [project] "
        "dependencies and lock again",
    )


def _is_here(name: str) -> bool:
    """Whether this Python has a module of the standard library."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return False


def _missing_module(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    return _module(match["module"], variant, facts)


def _missing_asgi_module(
    match: re.Match[str], variant: str, facts: SidecarFacts
) -> Diagnosis | None:
    return _module(match["module"].partition(":")[0], variant, facts)


def _missing_name(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    """``from package import submodule`` fails like this when the submodule did not ship."""
    path = match["path"].replace("\\", "/")
    if relative_to_program(path, facts) is None or "/__init__." not in path:
        return None  # elsewhere, or a module, in which nothing can ship
    return _module(f"{match['package']}.{match['name']}", variant, facts)


def _missing_dialect(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    """SQLAlchemy names a plugin by group and name; the first part of the name is the module."""
    return _module(f"{match['group']}.{match['name'].partition('.')[0]}", variant, facts)


def _missing_codec(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    name = match["name"].lower().replace("-", "_")
    return _module("encodings." + encodings.aliases.aliases.get(name, name), variant, facts)


def _missing_site_name(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    name = match["name"]
    return Diagnosis(
        cause=Cause.NOT_IN_SITE,
        target=name,
        message=f"The {variant} program calls {name}(), which the module site puts there for "
        "people at a prompt; packaged programs run without it.",
        fix=f"import sys, and sys.exit(...) in place of {name}(...)",
    )


def _is_a_module_of_the_project(name: str, facts: SidecarFacts) -> bool:
    known = {
        facts.name,
        *map(requirement_name, facts.dependencies),
        *(facts.provided or {}).values(),
    }
    return normal_name(name) not in map(normal_name, known) and facts.has_module(
        name.replace("-", "_")
    )


def _missing_metadata(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    name = match["name"] or requirement_name(match["requirement"])
    if _is_a_module_of_the_project(name, facts):
        return Diagnosis(
            cause=Cause.METADATA,
            target=name,
            message=f"The program asks for the metadata of {name!r}, which is one of its own "
            f"modules; as a distribution the project is called {facts.name!r}.",
            fix=f"importlib.metadata.version({facts.name!r})",
        )
    installed = {normal_name(each) for each in (facts.provided or {}).values()}
    known = {normal_name(facts.name), *map(normal_name, map(requirement_name, facts.dependencies))}
    if facts.provided is not None and normal_name(name) not in installed | known:
        return Diagnosis(
            cause=Cause.MISSING_DEPENDENCY,
            target=name,
            message=f"The program asks for the metadata of the distribution {name!r}, which no "
            "dependency of the sidecar brings.",
            fix=f"add {name} to [project] dependencies and lock again, if the program needs it",
        )
    if name in facts.metadata:
        return Diagnosis(
            cause=Cause.METADATA,
            target=name,
            message=f"The {variant} program asks for the metadata of the distribution {name!r}, "
            "although metadata lists it: the artifact was built before that.",
            fix="build again with --force",
        )
    return Diagnosis.of_list(
        Cause.METADATA,
        "metadata",
        name,
        facts,
        target=name,
        message=f"The {variant} program asks for the metadata of the distribution {name!r} "
        "(importlib.metadata), which packagers leave out unless told.",
    )


RULES: tuple[tuple[re.Pattern[str], Explain], ...] = (
    (_NO_MODULE, _missing_module),
    (_NO_NAME, _missing_name),
    (_NO_ASGI_MODULE, _missing_asgi_module),
    (_NO_DIALECT, _missing_dialect),
    (_NO_CODEC, _missing_codec),
    (_SITE_NAME, _missing_site_name),
    (_NO_METADATA, _missing_metadata),
)
"""What such an exception says, and who explains it."""

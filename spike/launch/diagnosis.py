"""Reads why a frozen program died and names the line of ``pyproject.toml`` that prevents it.

A packager finds what a program needs by reading its import statements. Whatever is reached in
another way (a module named by a string, a data file, a distribution's metadata, a library opened
with ``dlopen``) is missing at run time, and the exception that ended the program says what; never
one that the program has caught and told of. Where no exception ended it, the way in which it failed
to say READY or to stop does. Everything here is a pure function of that text and of what is known
about the sidecar; the texts that it is tested with come from real frozen programs
(``tests/unit/launch/tracebacks``).
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from spike.launch import tracebacks
from spike.launch.ready import Ready
from spike.launch.spec import Failure
from spike.launch.tracebacks import Raised


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

    def has_module(self, module: str) -> bool:
        """Tell whether the folder itself holds this module or package."""
        return any(
            path in (f"{stem}.py", f"{stem}/__init__.py") or path.startswith(f"{stem}/")
            for stem in (_below(root, module.replace(".", "/")) for root in self.roots)
            for path in self.files
        )

    def has_path(self, path: str) -> bool:
        """Tell whether the folder holds this file, or a folder with files of this name."""
        return path in self.files or any(each.startswith(f"{path}/") for each in self.files)


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
_INNER_FOLDER = re.compile(
    r"(?:_internal/|lib/library\.zip/|lib/python3\.\d+/(?:site-packages/)?|lib/)?"
)
# In a folder with a real Python a sidecar's files lie as they do in its own folder.
_OWN_FOLDER = "lib/app/"
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


# The working folder of a launch, see spike.launch.places.
_WORKING_FOLDER = re.compile(r"^.*?/places/[^/]+/cwd-[^/]+/")
_GONE = re.compile(
    r"does not exist|no such|not found|not exist|cannot (?:open|find)|missing", re.IGNORECASE
)
_PATH = re.compile(r"""(['"])(?P<quoted>[^'"\n]+)\1|(?P<bare>(?:[A-Za-z]:)?[/\\][^\s'":,]+)""")
_SITE_NAME = re.compile(r"NameError: name '(?P<name>exit|quit)' is not defined")
_QUIET_LEVEL = re.compile(r"\b(?:DEBUG|INFO|WARN|WARNING)\b")
_SHUT_DOWN = re.compile(r"^SHUTDOWN\b|Finished server process|Application shutdown complete")

LONGEST_MESSAGE = 600
"""So many characters of an exception's message are shown."""


def diagnose(
    *,
    stderr: str,
    variant: str,
    facts: SidecarFacts,
    stdout: str = "",
    failure: Failure | None = None,
    exit_signal: str = "",
) -> Diagnosis | None:
    """Find out what did not ship, or what the program does that cannot work when packaged.

    When exceptions are chained, the last one that says something wins: an earlier one may be a
    probe for an optional module that the program was prepared to miss.

    Args:
        stderr: The end of the program's standard error.
        variant: The variant's id, for the message.
        facts: What is known about the sidecar.
        stdout: The end of its standard output; some programs print tracebacks there.
        failure: How the launch failed. Without one, every line counts that may be an exception.
        exit_signal: Name of the signal that ended the program; empty for none.

    Returns:
        The finding, or None when the text does not show such a mistake.
    """
    for raised in _candidates(stderr, stdout, failure):
        finding = _explained(raised, variant, facts)
        if finding is not None:
            return finding
    if failure is Failure.READY_TIMEOUT:
        return _ready_form(stdout.splitlines(), stderr.splitlines(), facts)
    if failure is Failure.UNCLEAN_STOP and exit_signal:
        return _stop_form([*stderr.splitlines(), *stdout.splitlines()], exit_signal)
    return None


def last_words(*, stderr: str, stdout: str, failure: Failure | None = None) -> str:
    """What a program said last: the exception that ended it, whole; else its last line.

    Args:
        stderr: The end of its standard error.
        stdout: The end of its standard output.
        failure: How the launch failed.
    """
    for name, text in (("stderr", stderr), ("stdout", stdout)):
        raised: Raised | None = tracebacks.uncaught(text)
        if raised is None and failure is Failure.SMOKE_FAILED:
            every = tracebacks.read(text)
            raised = every[-1] if every else None
        if raised is not None and raised.lines:
            return f"{name} ends with: {_shown(raised)}"
    for name, text in (("stderr", stderr), ("stdout", stdout)):
        if lines := tracebacks.last_lines(text, 1):
            return f"{name} ends with: {lines[0]}"
    return "it wrote nothing"


def _shown(raised: Raised) -> str:
    """An exception on one line: its own line first, all of its message, and where it was raised."""
    text = "; ".join(line.strip() for line in raised.lines if line.strip())
    if len(text) > LONGEST_MESSAGE:
        text = text[:LONGEST_MESSAGE] + " [cut]"
    where = raised.where
    if where and raised.source and ":" not in text:
        where += f": {raised.source}"  # a bare AssertionError says nothing without its line
    return f"{text} ({where})" if where else text


def _candidates(stderr: str, stdout: str, failure: Failure | None) -> Iterator[Raised]:
    """The exceptions that may have ended the program, the likeliest first."""
    if failure is None or failure is Failure.SMOKE_FAILED:
        # A server tells of what a request met and goes on; and a text without a failure is one
        # that somebody has chosen.
        for text in (stderr, stdout):
            for raised in reversed(tracebacks.read(text)):
                yield from tracebacks.every(raised)
        for text in (stderr, stdout):
            for line in reversed(text.splitlines()):
                yield Raised(lines=(line,))
        return
    found = [each for text in (stderr, stdout) if (each := tracebacks.uncaught(text))]
    for raised in found:
        yield from tracebacks.every(raised)
    if not found:
        for text in (stderr, stdout):
            for line in tracebacks.last_lines(text, outside=True):
                if not _QUIET_LEVEL.search(line):
                    yield Raised(lines=(line,))


def _explained(raised: Raised, variant: str, facts: SidecarFacts) -> Diagnosis | None:
    for pattern, explain in _RULES:
        if match := pattern.search(raised.message):
            finding = explain(match, variant, facts)
            if finding is not None:
                return finding
    return _named_path(raised, variant, facts)


def _named_path(raised: Raised, variant: str, facts: SidecarFacts) -> Diagnosis | None:
    """Any exception that says of a path of the sidecar's that it is not there."""
    if not _GONE.search(raised.message):
        return None
    for match in _PATH.finditer(raised.message):
        path = match["quoted"] or match["bare"]
        finding = _file(path, variant, facts, cause=Cause.DATA_FILE)
        if finding is not None:
            return finding
    return None


def _ready_form(said: list[str], aside: list[str], facts: SidecarFacts) -> Diagnosis | None:
    """The program is up and the line was not heard: late, elsewhere, or inside another one.

    Args:
        said: Its lines on stdout.
        aside: Its lines on stderr.
        facts: What is waited for.
    """
    ready = facts.ready
    wanted = ready.pattern or ready.line
    if ready.url:
        return None
    streams = {"stdout": said, "stderr": aside}
    waited = streams.get(ready.stream, [*said, *aside])
    elsewhere = [] if ready.stream == "either" else [*said, *aside]
    there = "stderr" if ready.stream == "stdout" else "stdout"
    flushed = f'print("{ready.line}", flush=True)'
    if any(_is_ready(line, ready) for line in waited):
        message = (
            f"{wanted!r} came only when the program was stopped: into a pipe Python writes in "
            "blocks, not in lines."
        )
        fix = f"{flushed}, or sys.stdout.reconfigure(line_buffering=True) at the start"
    elif any("\0" in line and wanted in line.replace("\0", "") for line in [*said, *aside]):
        message = f"{wanted!r} came in UTF-16, two bytes a letter, and UTF-8 is read."
        fix = f'sys.stdout.reconfigure(encoding="utf-8") at the start, then {flushed}'
    elif shown := _first(elsewhere, lambda line: line not in waited and _has_ready(line, ready)):
        whole = _is_ready(shown, ready)
        message = f"{shown.strip()!r} came on {there}" + (
            "." if whole else f", and it is not the line {wanted!r} alone."
        )
        keys = f'ready_stream = "{there}"'
        if not whole:
            keys = f"ready_pattern = {json.dumps(_escaped(wanted))} and {keys}"
        fix = f"in [tool.sidecar] set {keys}; or {flushed}"
    elif shown := _first(waited, lambda line: _has_ready(line, ready)):
        message = f"{shown.strip()!r} has {wanted!r} inside; the line has to be that alone."
        fix = (
            f"in [tool.sidecar] set ready_pattern = {json.dumps(_escaped(wanted))} in place of "
            f"ready; or {flushed}"
        )
    elif shown := _first([*said, *aside], lambda line: line.strip().lower() == wanted.lower()):
        message = f"{shown.strip()!r} came, and {wanted!r} is waited for."
        fix = f"in [tool.sidecar] set ready = {json.dumps(shown.strip())}; or {flushed}"
    elif facts.health and "{" not in facts.health:
        message = (
            f"Nothing that it wrote is {wanted!r}. If it is ready when it answers, that can be "
            "waited for."
        )
        fix = f"in [tool.sidecar] set ready_url = {json.dumps(facts.health)}"
    else:
        return None
    return Diagnosis(cause=Cause.READY_FORM, target=wanted, message=message, fix=fix)


def _escaped(text: str) -> str:
    """A text as a pattern that fits it alone, in the syntax that the host knows as well."""
    return re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", text)


def _first(lines: list[str], holds: Callable[[str], bool]) -> str:
    return next((line for line in lines if holds(line)), "")


def _is_ready(line: str, ready: Ready) -> bool:
    if ready.pattern:
        return re.search(ready.pattern, line) is not None
    return line == ready.line


def _has_ready(line: str, ready: Ready) -> bool:
    if ready.pattern:
        return _is_ready(line, ready)
    return re.search(rf"(?<!\w){re.escape(ready.line)}(?!\w)", line) is not None


def _stop_form(lines: list[str], exit_signal: str) -> Diagnosis:
    """The stop signal ended the program: after it had shut down, or before it could."""
    if any(_SHUT_DOWN.search(line) for line in lines):
        return Diagnosis(
            cause=Cause.STOP_FORM,
            target=exit_signal,
            message=f"It shut down and then let {exit_signal} end it, as uvicorn does, which "
            "raises the signals again that it has caught; a host sees a program that was killed.",
            fix=f"before the server runs: signal.signal(signal.{exit_signal}, lambda *_: "
            "sys.exit(0))",
        )
    return Diagnosis(
        cause=Cause.STOP_FORM,
        target=exit_signal,
        message=f"It does not handle {exit_signal}, which ended it in the middle of whatever it "
        "did.",
        fix=f"signal.signal(signal.{exit_signal}, ...) with a handler that lets the program end by "
        "itself, with 0",
    )


def _below(root: str, path: str) -> str:
    return path if root in (".", "") else f"{root}/{path}"


def _program_path(path: str, facts: SidecarFacts) -> str | None:
    """A path below the program's folder as it stands there; None for any other."""
    folder = facts.program_folder.replace("\\", "/").rstrip("/") + "/"
    path = path.replace("\\", "/")
    return path[len(folder) :] if folder != "/" and path.startswith(folder) else None


def _relative_to_program(path: str, facts: SidecarFacts) -> str | None:
    """Return a path below the program's own folder relative to it; None for any other path."""
    inside = _program_path(path, facts)
    if inside is not None and inside.startswith(_OWN_FOLDER):
        return inside.removeprefix(_OWN_FOLDER).removeprefix(_below(facts.roots[0], ""))
    if inside is not None:
        return _INNER_FOLDER.sub("", inside, count=1)
    if match := _PROGRAM_FOLDER.match(path.replace("\\", "/")):
        return path.replace("\\", "/")[match.end() :]
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
    return Diagnosis(
        cause=Cause.MISSING_DEPENDENCY,
        target=name,
        message=f"The program imports {name!r}, which is neither a file of the sidecar's folder "
        "nor part of Python, and no dependency of the sidecar provides it.",
        fix="add the distribution that has it (often of another name than the module) to [project] "
        "dependencies and lock again",
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


def _missing_site_name(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    name = match["name"]
    return Diagnosis(
        cause=Cause.NOT_IN_SITE,
        target=name,
        message=f"The {variant} program calls {name}(), which the module site puts there for "
        "people at a prompt; packaged programs run without it.",
        fix=f"import sys, and sys.exit(...) in place of {name}(...)",
    )


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
    """A file or folder of the program's is not where it is looked for; None for one elsewhere."""
    relative = _relative_to_program(path, facts)
    if relative is None:
        return _in_working_folder(path, facts)
    own = _below(facts.roots[0], relative).rstrip("/")
    top = relative.partition("/")[0]
    asked = _program_path(path, facts)
    if place := _shipped_place(relative, asked, facts):
        return Diagnosis(
            cause=Cause.WRONG_PLACE,
            target=relative,
            message=f"The {variant} program looks for {relative!r} where it did not ship to: it "
            f"lies {place}. The folder of sys.executable, or of the working folder, is not the "
            "data's.",
            fix=f"Path(__file__).parent / {json.dumps(relative)}, packaged and as a script",
        )
    listed = [item for item in facts.data if _covers(item, own)]
    if listed:
        if facts.shipped is not None and asked is not None and _has(facts.shipped, asked):
            return None  # it is there: the exception is about something else
        return Diagnosis(
            cause=cause,
            target=relative,
            message=f"The {variant} program cannot find its file {relative!r}, although data "
            f"lists {listed[0]!r}: the artifact was built before that.",
            fix="build again with --force",
        )
    if facts.has_path(own):
        kind = "file" if own in facts.files else "folder"
        return Diagnosis(
            cause=cause,
            target=relative,
            message=f"The {variant} program cannot find its {kind} {relative!r}: it is in the "
            "sidecar's folder but is not listed as data, so it did not ship.",
            fix=_tool_line("data", facts.data, own),
            key="data",
            value=own,
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
        fix=f"if the program reads it, create {own} in the sidecar's folder and "
        f"{_tool_line('data', facts.data, own)}; if it makes it, use the user's data folder: where "
        "a program lies is no place to write",
    )


def _in_working_folder(path: str, facts: SidecarFacts) -> Diagnosis | None:
    """A relative path is looked for where the program was started, which is its host's choice."""
    plain = _WORKING_FOLDER.sub("", path.replace("\\", "/")).removeprefix("./").rstrip("/")
    own = _below(facts.roots[0], plain)
    if not plain or plain.startswith("/") or ":" in plain or not facts.has_path(own):
        return None
    is_listed = any(_covers(item, own) for item in facts.data)
    also = "" if is_listed else f", and {_tool_line('data', facts.data, own)}"
    return Diagnosis(
        cause=Cause.WRONG_PLACE,
        target=plain,
        message=f"The program opens {plain!r} relative to its working folder, which is whatever "
        "its host runs in; it lies beside the program.",
        fix=f"Path(__file__).parent / {json.dumps(plain)}{also}",
    )


def _shipped_place(relative: str, asked: str | None, facts: SidecarFacts) -> str:
    """Where a file that was looked for in vain did ship to, in words; empty when it did not."""
    if asked is None:
        return ""
    if facts.shipped is None:
        # One file unpacks itself elsewhere; what is looked for beside it is in there.
        own = _below(facts.roots[0], relative)
        inside = any(_covers(item, own) for item in facts.data)
        return "beside __file__, where the program unpacks itself" if inside else ""
    if _has(facts.shipped, asked):
        return ""
    for prefix in ("", "_internal/", "lib/", _OWN_FOLDER + _below(facts.roots[0], "")):
        if prefix + relative != asked and _has(facts.shipped, prefix + relative):
            return f"at {prefix + relative}"
    return ""


def _has(shipped: frozenset[str], path: str) -> bool:
    path = path.rstrip("/")
    return path in shipped or any(each.startswith(f"{path}/") for each in shipped)


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
    (_SITE_NAME, _missing_site_name),
    (_NO_METADATA, _missing_metadata),
    (_NO_SUCH_FILE, _missing_file),
    (_NO_FILE_OF_LIBRARY, _missing_file),
    (_NO_LIBRARY_PYINSTALLER, _missing_library),
    (_NO_LIBRARY, _missing_library),
)

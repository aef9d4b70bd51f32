"""Explains which file a program could not find: data, or a library opened with ``dlopen``."""

from __future__ import annotations

import ast
import json
import re

from spike.launch.causes import Cause, Diagnosis, Explain, SidecarFacts, below, tool_line
from spike.launch.program_paths import OWN_FOLDER, program_path, relative_to_program
from spike.launch.tracebacks import Raised

_NO_SUCH_FILE = re.compile(
    r"(?:FileNotFoundError: \[Errno 2\] No such file or directory|"
    r"NotADirectoryError: \[Errno 20\] Not a directory): (?P<path>(?P<quote>['\"]).*(?P=quote))"
)
# What a C library says of a file of its own, in an exception of its binding (lxml, for one).
_NO_FILE_OF_LIBRARY = re.compile(
    r"^\S*(?:Error|Exception): [^'\"]*(?P<path>'[^']+'|\"[^\"]+\").*No such file or directory"
)
_NO_LIBRARY = re.compile(
    r"(?:ImportError|OSError): (?P<path>\S+\.so[.\d]*): cannot open shared object file"
)
_NO_SOURCE = re.compile(r"OSError: (?:could not get source code|source code not available)")
_NO_SCRIPT = re.compile(r"(?:SyntaxError|ValueError): source code (?:string )?cannot contain null")
_NO_LIBRARY_PYINSTALLER = re.compile(
    r"PyInstallerImportError: Failed to load dynlib/dll (?P<path>'[^']+')"
)
# jinja2 and Django name a template by its place below a folder that they were told of.
_NO_TEMPLATE = re.compile(r"(?:TemplateNotFound|TemplateDoesNotExist): (?P<path>[\w./-]+)")
# The working folder of a launch, see spike.launch.places.
_WORKING_FOLDER = re.compile(r"^.*?/places/[^/]+/cwd-[^/]+/")
_GONE = re.compile(
    r"n(?:o|')t exist|non-?existent|no such|not found|FileNotFoundError|missing"
    r"|cannot (?:open|find)|(?:could(?: not|n't)|unable to|failed to) (?:open|find|load|read)",
    re.IGNORECASE,
)
# What the system's loader says of a library that is there, and is too old or too new.
_OTHER_VERSION = re.compile(r"version `\S+' not found")
# A quote behind a letter is an apostrophe, and what ends a sentence ends no path.
_PATH = re.compile(
    r"""(?<!\w)(['"])(?P<quoted>[^'"\n]+)\1"""
    r"""|\bexist: (?P<word>[\w.-]*\w)"""
    r"""|(?P<bare>(?:[A-Za-z]:)?[/\\][^\s'":,()\[\]]*[^\s'":,()\[\].;])"""
)
_OF_FILES = re.compile(
    r"\b(?:file|folder|director(?:y|ies)|path|template|model)\b|\[(?:Errno|WinError)", re.IGNORECASE
)


def named_path(raised: Raised, variant: str, facts: SidecarFacts) -> Diagnosis | None:
    """Any exception that says of a path of the sidecar's that it is not there."""
    if raised.kind == "TypeError" or not _GONE.search(raised.message):
        return None
    if _OTHER_VERSION.search(raised.message):
        return None
    for match in _PATH.finditer(raised.message):
        path = (match["quoted"] or match["word"] or match["bare"]).replace("\\\\", "\\")
        if not re.search(r"[./\\]", path) and not _OF_FILES.search(raised.message):
            continue  # a word in quotes: an argument's, a field's, a route's
        finding = _missing_path(path, variant, facts, cause=Cause.DATA_FILE)
        if finding is not None:
            return finding
    return None


def other_program(raised: Raised, facts: SidecarFacts) -> Diagnosis | None:
    """A program that is started by its name alone, and is nowhere on the PATH."""
    match = _NO_SUCH_FILE.search(raised.message)
    # Both subprocess and asyncio's come to an end there.
    if match is None or not re.fullmatch(r"(?:.*/)?subprocess\.py:\d+", raised.where):
        return None
    name = match["path"].strip("'\"")
    if not name or "/" in name or "\\" in name:
        return None
    return Diagnosis(
        cause=Cause.OTHER_PROGRAM,
        target=name,
        message=f"It starts the program {name!r}, which is nowhere on the PATH here, or starts one "
        f"in a folder {name!r} that is not there: no packager ships what a program starts by its "
        "name.",
        fix=f"make {name} a requirement of your installer; or ship it: copy it into the sidecar's "
        f"folder, {tool_line('data', facts.data, name)}, and start "
        f"Path(__file__).parent / {json.dumps(name)}",
    )


def run_again(raised: Raised, variant: str) -> Diagnosis | None:
    """The program itself is read as the script that it was made of."""
    if not _NO_SCRIPT.search(raised.message):
        return None
    return Diagnosis(
        cause=Cause.WRONG_PLACE,
        target="sys.argv[0]",
        message=f"The {variant} program is read as if it were a script ({raised.where}): "
        "sys.argv[0], which is run again there, is the program itself when it is packaged.",
        fix="hand a function to what runs the script again, if it takes one; or package a real "
        "Python, which has the script: nox -s build_cpython",
    )


def _missing_file(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    try:
        path = str(ast.literal_eval(match["path"]))
    except (SyntaxError, ValueError):
        return None
    return _missing_path(path, variant, facts, cause=Cause.DATA_FILE)


def _missing_template(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    """A template that lies in the sources, in a folder that did not ship."""
    name = match["path"]
    own = next((path for path in sorted(facts.files) if path.endswith(f"/{name}")), "")
    if not own or any(_covers(item, own) for item in facts.data):
        return None
    folder = own.removesuffix(f"/{name}")
    return Diagnosis.of_list(
        Cause.DATA_FILE,
        "data",
        folder,
        facts,
        target=name,
        message=f"The {variant} program cannot find its template {name!r}: {own} is not listed as "
        "data, so it did not ship.",
    )


def _missing_source(_: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis:
    if facts.texts:
        line = tool_line("data", facts.data, *facts.texts)
        ways = f"; or list what has that code as data: {line}"
    elif facts.texts_of:
        line = tool_line("collect", facts.collect, *facts.texts_of)
        ways = f"; or collect it for PyInstaller and cpython, which then ship its text: {line}"
    else:
        ways = "; or list the file that has that code as data"
    whose = f"the code of {', '.join(facts.texts_of)}" if facts.texts_of else "its own code"
    return Diagnosis(
        cause=Cause.DATA_FILE,
        target="source code",
        message=f"The {variant} program asks for the text of {whose} (inspect.getsource), and "
        "what ships is bytecode or compiled.",
        fix=f"do without it{ways}",
    )


def _missing_library(match: re.Match[str], variant: str, facts: SidecarFacts) -> Diagnosis | None:
    path = match["path"].strip("'")
    if "/" in path or "\\" in path:
        return _missing_path(path, variant, facts, cause=Cause.NATIVE_LIBRARY)
    return Diagnosis(
        cause=Cause.NATIVE_LIBRARY,
        target=path,
        message=f"The {variant} program needs the shared library {path}, which neither shipped "
        "with it nor is installed here.",
        fix=f"copy {path} into the sidecar's folder and "
        f"{tool_line('data', facts.data, path)}, or make it a requirement of your installer",
    )


def _missing_path(
    path: str, variant: str, facts: SidecarFacts, *, cause: Cause
) -> Diagnosis | None:
    """A file or folder of the program's is not where it is looked for; None for one elsewhere."""
    relative = relative_to_program(path, facts)
    if relative is None:
        return _in_working_folder(path, facts)
    own = below(facts.roots[0], relative).rstrip("/")
    package = _own_package(relative, own, facts)
    asked = program_path(path, facts)
    if not package and (place := _shipped_place(relative, asked, facts)):
        return Diagnosis(
            cause=Cause.WRONG_PLACE,
            target=relative,
            message=f"The {variant} program looks for {relative!r} where it did not ship to: it "
            f"lies {place}. The folder of sys.executable, or of the working folder, is not the "
            "data's.",
            fix=f"Path(__file__).parent / {json.dumps(relative)}, packaged and as a script",
        )
    listed = [item for item in facts.data if _covers(item, own)]
    if listed and facts.has_path(own):
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
        return Diagnosis.of_list(
            cause,
            "data",
            own,
            facts,
            target=relative,
            message=f"The {variant} program cannot find its {kind} {relative!r}: it is in the "
            "sidecar's folder but is not listed as data, so it did not ship.",
        )
    if package := package or _package_of_others(relative, facts):
        return Diagnosis.of_list(
            Cause.PACKAGE_DATA if cause is Cause.DATA_FILE else cause,
            "collect",
            package,
            facts,
            target=relative,
            message=f"The {variant} program cannot find {relative!r}, a file of the package "
            f"{package!r} that the packager left out.",
        )
    if own != relative and facts.has_path(relative):
        return Diagnosis(
            cause=Cause.WRONG_PLACE,
            target=relative,
            message=f"The {variant} program looks for {relative!r}, which cannot ship: it lies "
            f"outside of the folder of its script, {facts.roots[0]}/.",
            fix=f"move it below {facts.roots[0]}/ and let its path begin there, at __file__; "
            f"then {tool_line('data', facts.data, own)}",
        )
    create = f"create {own} in the sidecar's folder"
    if not listed:
        create += f" and {tool_line('data', facts.data, own)}"
    return Diagnosis(
        cause=cause,
        target=relative,
        message=f"The {variant} program looks for {relative!r} beside itself, and the sidecar's "
        "folder has no such file.",
        fix=f"if the program reads it, {create}; if it makes it, use the user's data folder: where "
        "a program lies is no place to write",
    )


def _own_package(relative: str, own: str, facts: SidecarFacts) -> str:
    """The package of another root than the script's that has a file; empty for none.

    Its modules ship below its own name, while data lies as it does beside the script.
    """
    top, inside, _ = relative.partition("/")
    roots = facts.roots[1:] if inside and not facts.has_path(own) else ()
    has = any(
        facts.has_path(below(root, relative)) and below(root, f"{top}/__init__.py") in facts.files
        for root in roots
    )
    return top if has else ""


def _package_of_others(relative: str, facts: SidecarFacts) -> str:
    """The package of a dependency that a file belongs to; empty where it is none's."""
    *folders, _ = relative.split("/")
    if not folders or not facts.has_module(folders[0]):
        return folders[0] if folders and facts.can_import(folders[0]) else ""
    if folders[0] not in (facts.provided or {}):
        return ""
    # A namespace that the project shares: the outermost part of it that is not its own.
    names = (".".join(folders[:depth]) for depth in range(2, len(folders) + 1))
    return next((name for name in names if not facts.has_module(name)), "")


def _in_working_folder(path: str, facts: SidecarFacts) -> Diagnosis | None:
    """A relative path is looked for where the program was started, which is its host's choice."""
    plain = _WORKING_FOLDER.sub("", path.replace("\\", "/")).removeprefix("./").rstrip("/")
    own = below(facts.roots[0], plain)
    if not plain or plain.startswith("/") or ":" in plain or not facts.has_path(own):
        return None
    if f"{own}/__init__.py" in facts.files:
        return None  # a package, which a message names by its name
    is_listed = any(_covers(item, own) for item in facts.data)
    also = "" if is_listed else f", and {tool_line('data', facts.data, own)}"
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
        own = below(facts.roots[0], relative)
        inside = any(_covers(item, own) for item in facts.data)
        return "beside __file__, where the program unpacks itself" if inside else ""
    if _has(facts.shipped, asked):
        return ""
    for prefix in ("", "_internal/", "lib/", OWN_FOLDER + below(facts.roots[0], "")):
        if prefix + relative != asked and _has(facts.shipped, prefix + relative):
            return f"at {prefix + relative}"
    return ""


def _has(shipped: frozenset[str], path: str) -> bool:
    path = path.rstrip("/")
    return path in shipped or any(each.startswith(f"{path}/") for each in shipped)


def _covers(item: str, relative: str) -> bool:
    item = item.rstrip("/")
    return relative == item or relative.startswith(item + "/")


RULES: tuple[tuple[re.Pattern[str], Explain], ...] = (
    (_NO_SUCH_FILE, _missing_file),
    (_NO_TEMPLATE, _missing_template),
    (_NO_FILE_OF_LIBRARY, _missing_file),
    (_NO_LIBRARY_PYINSTALLER, _missing_library),
    (_NO_LIBRARY, _missing_library),
    (_NO_SOURCE, _missing_source),
)
"""What such an exception says, and who explains it."""

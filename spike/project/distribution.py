"""A project as a distribution: the metadata that an installer would write for it.

A program that asks ``importlib.metadata`` for its own version, or loads plug-ins that its project
declares, works where the project is installed. A sidecar is packaged from its folder and never
installed, so its copies get what an installer would leave: a ``.dist-info`` folder beside the
script (https://packaging.python.org/specifications/recording-installed-packages/). Standard
library only: it runs in a packager's environment.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from spike.project.metadata import Metadata
from spike.project.specifiers import normal_name

NOT_LOADED = frozenset({"console_scripts", "gui_scripts", "pytest11"})
"""Groups of entry points that no packaged program loads: commands, and plug-ins of its tests."""

_READER = re.compile(
    rb"\bimportlib[._]metadata\b|\bfrom\s+importlib\s+import\b[^#\n]*\bmetadata\b|\bpkg_resources\b"
)
_QUESTIONS = frozenset(
    {
        *("version", "metadata", "distribution", "requires", "files"),
        *("get_distribution", "require", "get_entry_map"),
    }
)
"""Functions of importlib.metadata and of pkg_resources that take a distribution's name."""
_QUOTED = re.compile(rb"""['"]([A-Za-z0-9][A-Za-z0-9._-]*)['"]""")
# click and what is built on it: without a name it takes the package of whoever calls.
_OPTION = re.compile(rb"\bversion_option\s*\(")


def dist_info(said: Metadata) -> str:
    """Name of the folder that holds a project's metadata."""
    return f"{_stem(said)}{said.version}.dist-info"


def _stem(said: Metadata) -> str:
    return f"{normal_name(said.name).replace('-', '_')}-"


def files(said: Metadata) -> Mapping[str, str]:
    """Path of each file, relative to where that folder lies, and its text."""
    head = {"Metadata-Version": "2.1", "Name": said.name, "Version": said.version}
    head |= {"Summary": said.summary} if said.summary else {}
    head |= {"Requires-Python": said.requires_python} if said.requires_python else {}
    lines = [f"{key}: {value}" for key, value in head.items()]
    lines += [f"Requires-Dist: {text}" for text in said.dependencies]
    texts = {"METADATA": "\n".join([*lines, ""])}
    if said.entry_points:
        texts["entry_points.txt"] = "\n".join(
            line
            for group, points in said.entry_points.items()
            for line in (f"[{group}]", *(f"{key} = {to}" for key, to in points.items()), "")
        )
    texts["RECORD"] = "".join(f"{dist_info(said)}/{name},,\n" for name in [*texts, "RECORD"])
    return {f"{dist_info(said)}/{name}": text for name, text in texts.items()}


def write(said: Metadata, place: Path) -> None:
    """Put the folder into another one, in place of that of another version.

    Raises:
        OSError: It cannot be written.
    """
    for earlier in place.glob(f"{_stem(said)}*.dist-info"):
        shutil.rmtree(earlier)
    (place / dist_info(said)).mkdir(parents=True)
    for path, text in files(said).items():
        (place / path).write_text(text, encoding="utf-8", newline="\n")


def plugins(said: Metadata) -> tuple[str, ...]:
    """Modules that a project's own entry points load, each once."""
    targets = (
        target
        for group, points in said.entry_points.items()
        if group not in NOT_LOADED
        for target in points.values()
    )
    named = (re.split(r"[:\s\[]", target.strip(), maxsplit=1)[0] for target in targets)
    return tuple(dict.fromkeys(name for name in named if name))


def asks_for_itself(name: str, texts: Iterable[bytes]) -> bool:
    """Whether sources read the metadata of the project that they belong to.

    In doubt they do: what ships for nothing is a few hundred bytes.

    Args:
        name: The project's name.
        texts: Its Python sources.
    """
    asked = named = False
    for text in texts:
        if _OPTION.search(text):
            return True
        named = named or any(
            normal_name(quoted.decode()) == normal_name(name) for quoted in _QUOTED.findall(text)
        )
        if _READER.search(text):
            for argument in _asked(text):
                if not isinstance(argument, ast.Constant):
                    # A variable, which may stand for any text of the sources.
                    asked = True
                    if any(
                        isinstance(part, ast.Name) and part.id in ("__package__", "__name__")
                        for part in ast.walk(argument)
                    ):
                        return True
                elif normal_name(str(argument.value)) == normal_name(name):
                    return True
    return asked and named


def _asked(text: bytes) -> Iterator[ast.expr]:
    """First arguments of the calls that ask for a distribution."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return  # a build says so, where it matters
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in _QUESTIONS:
                yield node.args[0]

"""What is tried: a program with its arguments, found from where the user stands."""

from __future__ import annotations

import mmap
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spike.core.errors import MissingToolError, UsageError
from spike.core.process import shown
from spike.core.workspace import publishable
from spike.launch import ready

PYTHON, NODE, GO = "Python", "Node", "Go"

_INTERPRETERS: Mapping[str, str] = {r"(python|pypy)[\d.]*w?": PYTHON, r"node(js)?|bun|deno": NODE}
_SUFFIXES: Mapping[str, str] = {
    ".py": PYTHON,
    ".pyz": PYTHON,
    ".js": NODE,
    ".mjs": NODE,
    ".cjs": NODE,
}
_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\xff Go buildinf:", GO),  # of debug/buildinfo
    (b"NODE_SEA_FUSE_", NODE),
    (b"MEI\x0c\x0b\x0a\x0b\x0e", PYTHON),  # PyInstaller's cookie
    (b"NUITKA_ONEFILE_", PYTHON),
    (b"Py_InitializeFromConfig", PYTHON),
)
"""What a program's file holds that was made from a language."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A program that is tried.

    Attributes:
        argv: The command. ``argv[0]`` is an absolute path, and so are arguments that name files.
        shown: The command as it may be published.
        language: :data:`PYTHON`, :data:`NODE` or :data:`GO`; empty when its files do not tell.
    """

    argv: tuple[str, ...]
    shown: tuple[str, ...]
    language: str = ""

    @property
    def asks_for_port(self) -> bool:
        """Whether its arguments ask for a free port."""
        return ready.asks_for_port(self.argv, {})


def find(words: Sequence[str]) -> Subject:
    """Find the program that a user has named.

    It runs in a folder of its own, so an argument that names a file of this folder becomes
    absolute: ``python main.py`` stays what it says.

    Args:
        words: The command as typed.

    Raises:
        UsageError: No program is named, or a folder is.
        MissingToolError: It is not there, or cannot be executed.
    """
    if not words:
        raise UsageError(
            "No program is named.",
            why="What is tried stands behind two dashes.",
            try_next="invoke contract -- ./my-sidecar",
        )
    program = _program(words[0])
    argv = (str(program), *(_absolute(word) for word in words[1:]))
    return Subject(
        argv=argv,
        shown=tuple(publishable(word) for word in words),
        language=language_of(argv),
    )


def _program(word: str) -> Path:
    path = Path(word).absolute() if Path(word).parent.parts or os.sep in word else None
    if path is None:
        found = shutil.which(word)
        if found is None:
            here = Path(word).is_file()
            raise MissingToolError(
                f"There is no program {word} on the PATH.",
                try_next=f"invoke contract -- {shown([f'./{word}' if here else './my-sidecar'])}",
            )
        return Path(found).absolute()
    if path.is_dir():
        raise UsageError(
            f"{word} is a folder.", try_next=f"invoke contract -- {shown([f'{word}/PROGRAM'])}"
        )
    if not path.exists():
        raise MissingToolError(
            f"There is no program {word}.",
            why="Build it first, or check the path.",
            try_next="invoke contract -- ./my-sidecar",
        )
    if sys.platform != "win32" and not os.access(path, os.X_OK):
        by = {PYTHON: "python3", NODE: "node"}.get(_SUFFIXES.get(path.suffix, ""))
        raise MissingToolError(
            f"{word} cannot be executed.",
            why="It is a file without the right to be.",
            try_next=f"invoke contract -- {by} {shown([word])}" if by else f"chmod +x {word}",
        )
    return path


def _absolute(word: str) -> str:
    """An argument; one that looks like a file's name, and is one, as an absolute path."""
    looks = Path(word).suffix or os.sep in word
    return str(Path(word).absolute()) if looks and Path(word).is_file() else word


def language_of(argv: Sequence[str]) -> str:
    """What a program is written in, by its name, its script or its file; empty for unknown."""
    program = Path(argv[0])
    for name in (program.name, program.resolve().name):
        for pattern, language in _INTERPRETERS.items():
            if re.fullmatch(pattern, name.removesuffix(".exe"), re.ASCII):
                return language
    if program.suffix in _SUFFIXES:
        return _SUFFIXES[program.suffix]
    try:
        with (
            program.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held,
        ):
            first = held[: held.find(b"\n") if held[:2] == b"#!" else 0]
            for word in re.split(rb"[\s/]+", first):
                for pattern, language in _INTERPRETERS.items():
                    if re.fullmatch(pattern, word.decode("utf-8", "replace"), re.ASCII):
                        return language
            return next((language for mark, language in _MARKS if held.find(mark) >= 0), "")
    except (OSError, ValueError):  # it may not be read, or is empty
        return ""

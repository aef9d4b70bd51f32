"""What a plain script uses while it runs: modules, files and folders, noted as it asks for them.

A packager sees import statements. What a program opens, lists and imports by name is seen here, of
all libraries alike and without reading any message: Python's audit events (PEP 578) say it. What C
code opens by itself is not seen.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

WATCHED = Path(__file__).with_name("watched")
"""On a Python program's path, it makes the program do what the environment asks for: see there."""

_CODE = (".py", ".pyc", ".so", ".pyd")
_CACHE = re.compile(r"(^|[/\\])__pycache__[/\\]")


@dataclass(frozen=True, kw_only=True)
class Used:
    """What a script has used, by paths relative to one folder, with forward slashes.

    Attributes:
        modules: Files of the modules that were imported; the source's for those with one.
        files: Files of other kinds that were opened to be read or written, and Python files that
            were read and not imported.
        folders: Folders that were listed; ``.`` for the folder itself.
        texts: Those of the modules' files that were read once more, as texts.
    """

    modules: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def has(self, path: str) -> bool:
        """Whether a file that is no code was opened, or seen in a folder that was listed."""
        return path in self.files or (path.rpartition("/")[0] or ".") in self.folders


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What was noted, with absolute paths.

    Attributes:
        modules: See :class:`Used`.
        files: See :class:`Used`.
        folders: See :class:`Used`.
        texts: See :class:`Used`.
        python: With what arguments it has started its own interpreter.
    """

    modules: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    python: frozenset[str] = frozenset()

    def below(self, folder: Path) -> Used:
        """The part that lies in a folder."""
        bases = {str(Path(folder).absolute()), str(Path(folder).resolve())}

        def inside(paths: Iterable[str]) -> frozenset[str]:
            return frozenset(
                os.path.relpath(path, base).replace(os.sep, "/")
                for path in paths
                for base in bases
                if path == base or path.startswith(base + os.sep)
            )

        return Used(
            modules=inside(self.modules),
            files=inside(self.files),
            folders=inside(self.folders),
            texts=inside(self.texts),
        )


@contextlib.contextmanager
def notebook(
    path: str = "", *, everything: bool = False
) -> Iterator[tuple[Mapping[str, str], Path]]:
    """A file for notes, and the environment in which a Python program writes them.

    Args:
        path: What ``PYTHONPATH`` has to have besides.
        everything: Whether to note times, too; see :mod:`spike.profile.startup`.

    Yields:
        Variables for the program's environment, and the file that :func:`read` takes.
    """
    with tempfile.TemporaryDirectory(prefix="spike-notes-") as place:
        file = Path(place) / "notes"
        file.touch()
        # A copy: Python keeps what it compiles beside it, and the tool's folder stays as it is.
        watched = shutil.copytree(WATCHED, Path(place) / WATCHED.name)
        search = os.pathsep.join(part for part in (str(watched), path) if part)
        env = {"PYTHONPATH": search, "SPIKE_NOTES": str(file)}
        yield env | ({"SPIKE_NOTES_ALL": "1"} if everything else {}), file


def read(file: Path) -> Notes:
    """What was noted; nothing when the program removed the file."""
    kinds = ("module", "file", "folder", "text", "python")
    found: dict[str, set[str]] = {kind: set() for kind in kinds}
    try:
        text = file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return Notes()
    for line in text.split("\n"):
        kind, _, path = line.partition("\t")
        if kind == "module" and path.endswith(_CODE):
            found["module"].add(_source(path))
        elif kind in ("module", "file") and not path.endswith(_CODE):  # data that a loader read
            if not _CACHE.search(path):  # bytecode that is being written, under a name of its own
                found["file"].add(path)
        elif kind == "file" and path.endswith(".py"):
            found["text"].add(path)
        elif kind in ("folder", "python"):
            found[kind].add(path)
    return Notes(
        modules=frozenset(found["module"]),
        # A traceback reads the sources of modules again; what was never imported is a file.
        files=frozenset(found["file"] | (found["text"] - found["module"])),
        folders=frozenset(found["folder"]),
        texts=frozenset(found["text"] & found["module"]),
        python=frozenset(found["python"]),
    )


def named(files: Iterable[str], groups: Iterable[str]) -> frozenset[str]:
    """The groups of entry points that code names in a text: whole, or with an end that it fills in.

    Whoever looks for plugins reads the metadata of every distribution, those too that offer
    something to a test runner or a build alone.
    """
    patterns = {}
    for group in groups:
        # What it begins with is looked for first: that takes a hundredth of a pattern's time.
        word = re.split(r"\W|_", group)[0].encode()
        heads = "|".join(re.escape(group[: end.end()]) for end in re.finditer(r"\W|_", group))
        filled = rf"|[\"'](?:{heads})(?:[{{%]|[\"']\s*\+)" if heads else ""
        pattern = re.compile(rf"[\"'\0]{re.escape(group)}[\"'\0]{filled}".encode())
        patterns[group] = word, pattern
    found: set[str] = set()
    for file in files if patterns else ():
        with contextlib.suppress(OSError):
            text = Path(file).read_bytes()
            for group, (word, pattern) in patterns.items():
                if group not in found and word in text and pattern.search(text):
                    found.add(group)
    return frozenset(found)


def _source(path: str) -> str:
    """The source file that bytecode was made of; the path itself for code of another kind."""
    if "__pycache__" in path:
        with contextlib.suppress(ValueError):
            return importlib.util.source_from_cache(path)
        # Bytecode of another version of Python, or named by something else.
        return re.sub(r"__pycache__[/\\]([^./\\]+)\.[^/\\]*$", r"\1.py", path)
    return path

"""A sidecar as a folder: ``pyproject.toml`` says what packaging and launching need to know.

``[project]`` gives name, version and dependencies; ``[tool.sidecar]`` gives the rest, every key
with a default. An unknown key or a wrong type is an error that names the key and shows a right
value: a typing mistake must not turn into a sidecar that starts with half of its settings.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spike.core.errors import SidecarError
from spike.core.workspace import HELLO, RECORD_NAME, TOOL, Workspace, display_path, project

LOCK_NAME = "requirements.lock"
"""In the sidecar's folder: its dependencies, resolved once for every packager."""

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_IGNORED = {
    RECORD_NAME,
    "__pycache__",
    ".git",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
}


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What is packaged and how it is launched.

    Attributes:
        folder: The sidecar's folder, absolute.
        name: ``[project] name``; the artifact's name where a packager lets us choose it.
        version: ``[project] version``.
        dependencies: ``[project] dependencies``, requirement strings.
        entry: The script that is packaged, relative to ``folder``.
        ready: The line on stdout that says "ready"; compared with a whole line.
        args: Arguments of every launch.
        env: Environment variables added to every launch.
        ready_timeout_s: Seconds from launch to ``ready`` after which a launch has failed.
        data: Files and folders that ship beside the program, relative to ``folder``.
        hidden_imports: Modules that the program imports in ways a packager cannot see.
        metadata: Distributions whose metadata the program reads with ``importlib.metadata``.
        collect: Packages that ship whole: every submodule, data file and native library.
        smoke: Command line run after ``ready``; empty for none. ``{port}``-like fields are taken
            from ``key=value`` words that the sidecar printed. A first word ``python`` is the
            Python that runs this tool; the working folder is ``folder``.
        smoke_stdio: Whether the smoke command is connected to the sidecar: what the sidecar
            writes to stdout after ``ready`` is the command's stdin, and the command's stdout is
            the sidecar's stdin.
        health: URL whose answer the host window shows; empty for none. Fields as in ``smoke``.
        hold_gc: Whether the packaged program holds garbage collection off until ``ready``.
    """

    folder: Path
    name: str
    version: str
    dependencies: tuple[str, ...] = ()
    entry: str = "main.py"
    ready: str = "READY"
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    ready_timeout_s: float = 10.0
    data: tuple[str, ...] = ()
    hidden_imports: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    collect: tuple[str, ...] = ()
    smoke: tuple[str, ...] = ()
    smoke_stdio: bool = False
    health: str = ""
    hold_gc: bool = False

    @property
    def is_hello(self) -> bool:
        """Whether this is the repository's own sidecar."""
        return self.folder == project() / HELLO

    @property
    def workspace(self) -> Workspace:
        """Where this sidecar's builds and results lie."""
        return Workspace(root=project(), sidecar_name=self.name, is_hello=self.is_hello)

    @property
    def option(self) -> str:
        """What a command needs to mean this sidecar: empty for the repository's own."""
        return "" if self.is_hello else f" --sidecar {display_path(self.folder)}"

    def nox_command(self, packager: str, mode: str | None = None) -> str:
        """The command that builds this sidecar, to be named in messages."""
        words = "".join((f" --mode {mode}" if mode else "", self.option))
        return f"nox -s build_{packager}" + (f" --{words}" if words else "")

    @property
    def lock(self) -> Path | None:
        """The hashed requirements of the dependencies; None for a sidecar that has none."""
        return self.folder / LOCK_NAME if self.dependencies else None

    @property
    def python(self) -> Path | None:
        """The Python of ``nox -s sidecar_env``, which has the dependencies; None without it."""
        place = project() / ".nox" / f"sidecar-{self.name}"
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        return python if python.is_file() else None

    def data_targets(self) -> tuple[tuple[str, str], ...]:
        """Each item of ``data`` and where it goes, relative to the program's ``__file__``."""
        base = Path(self.entry).parent
        return tuple((item, Path(item).relative_to(base).as_posix()) for item in self.data)

    def source_files(self) -> tuple[Path, ...]:
        """Every file of the folder that can end up in the artifact, sorted, relative.

        A decision record that is written beside the program is about it, and no part of it.
        """
        return tuple(
            sorted(
                path.relative_to(self.folder)
                for path in self.folder.rglob("*")
                if path.is_file() and not _IGNORED & set(path.relative_to(self.folder).parts)
            )
        )

    def source_sha256(self) -> str:
        """SHA-256 over names and contents of :meth:`source_files`, in hexadecimal."""
        digest = hashlib.sha256()
        for relative in self.source_files():
            content = (self.folder / relative).read_bytes()
            digest.update(f"{relative.as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()


def load(folder: Path | str | None = None) -> Sidecar:
    """Read and check a sidecar's folder.

    Args:
        folder: The folder; the project's own when None. A relative one is looked for in the
            working folder, in the project, then among the sidecars that the tool brings.

    Raises:
        SidecarError: The folder, its ``pyproject.toml`` or a key is missing or wrong.
    """
    named = Path(HELLO if folder is None else folder).expanduser()
    bases = [project()] if folder is None else [Path.cwd(), project()]
    if named != Path(HELLO):
        bases.append(TOOL)  # a project without a sidecar of its own must not get the tool's
    folder = next((base / named for base in bases if (base / named).is_dir()), bases[0] / named)
    folder = folder.resolve()
    manifest = folder / "pyproject.toml"
    if not folder.is_dir():
        raise SidecarError(
            f"There is no folder {folder}.",
            why="--sidecar takes the folder that holds the sidecar's pyproject.toml.",
            try_next="--sidecar sidecar",
        )
    try:
        document = tomllib.loads(manifest.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SidecarError(
            f"{manifest} does not exist.",
            why="A sidecar is a folder with a pyproject.toml that has at least [project] name "
            "and version.",
            try_next="copy sidecar/pyproject.toml and change the name",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SidecarError(f"{manifest} is not valid TOML: {error}.") from None
    except OSError as error:
        raise SidecarError(f"{manifest} cannot be read: {error.strerror}.") from None
    return parse(document, folder)


def parse(document: Mapping[str, Any], folder: Path) -> Sidecar:
    """Turn a parsed ``pyproject.toml`` into a :class:`Sidecar`.

    Raises:
        SidecarError: A key is missing, unknown or has a wrong value; the message names it.
    """
    project = document.get("project")
    if not isinstance(project, dict):
        raise _wrong("[project]", "is missing", '[project]\nname = "my-sidecar"\nversion = "1.0.0"')
    settings = document.get("tool", {}).get("sidecar", {})
    if not isinstance(settings, dict):
        raise _wrong("[tool.sidecar]", "is not a table", '[tool.sidecar]\nentry = "main.py"')
    unknown = sorted(set(settings) - set(KEYS))
    if unknown:
        raise _wrong(
            f"tool.sidecar.{unknown[0]}",
            "is not a known key; known are " + ", ".join(sorted(KEYS)),
            'entry = "main.py"',
        )
    name = _text(project.get("name"), "project.name", 'name = "my-sidecar"')
    if not _NAME.fullmatch(name):
        raise _wrong("project.name", f"is {name!r}, not a project name", 'name = "my-sidecar"')
    version = _text(project.get("version"), "project.version", 'version = "1.0.0"')
    dependencies = _texts(
        project.get("dependencies", []), "project.dependencies", 'dependencies = ["httpx>=0.28"]'
    )
    values = {
        key: check(settings[key], f"tool.sidecar.{key}", f"{key} = {right}")
        for key, (check, right) in KEYS.items()
        if key in settings
    }
    sidecar = Sidecar(
        folder=folder, name=name, version=version, dependencies=dependencies, **values
    )
    if not (folder / sidecar.entry).is_file():
        raise _wrong(
            "tool.sidecar.entry",
            f"names {sidecar.entry!r}, and {folder / sidecar.entry} is not a file",
            'entry = "main.py"',
        )
    for item in sidecar.data:
        if not (folder / item).exists():
            raise _wrong(
                "tool.sidecar.data",
                f"names {item!r}, and {folder / item} does not exist",
                'data = ["templates", "words.txt"]',
            )
        if not Path(item).is_relative_to(Path(sidecar.entry).parent):
            raise _wrong(
                "tool.sidecar.data",
                f"names {item!r}, which is not below the folder of {sidecar.entry}; a packaged "
                "program finds its files relative to its own __file__",
                f'data = ["{Path(sidecar.entry).parent.as_posix()}/words.txt"]',
            )
    if sidecar.smoke_stdio and not sidecar.smoke:
        raise _wrong(
            "tool.sidecar.smoke_stdio",
            "is true, and there is no smoke command to connect",
            'smoke = ["python", "smoke.py"]',
        )
    return sidecar


def _wrong(key: str, problem: str, right: str) -> SidecarError:
    return SidecarError(f"pyproject.toml: {key} {problem}.", try_next=right)


def _text(value: object, key: str, right: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong(key, "is missing" if value is None else f"is {value!r}, not a text", right)
    return value


def _token(value: object, key: str, right: str) -> str:
    text = _text(value, key, right)
    if text != text.strip() or not text.isascii() or not text.isprintable():
        raise _wrong(key, f"is {text!r}; a token is one line of printable ASCII", right)
    return text


def _texts(value: object, key: str, right: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(key, f"is {value!r}, not a list of texts", right)
    return tuple(value)


def _inside(value: object, key: str, right: str) -> str:
    text = _text(value, key, right)
    if Path(text).is_absolute() or ".." in Path(text).parts:
        raise _wrong(key, f"is {text!r}; it must lie inside the sidecar's folder", right)
    return text


def _paths(value: object, key: str, right: str) -> tuple[str, ...]:
    return tuple(_inside(item, key, right) for item in _texts(value, key, right))


def _table(value: object, key: str, right: str) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise _wrong(key, f"is {value!r}, not a table of texts", right)
    return dict(value)


def _yes_or_no(value: object, key: str, right: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key, f"is {value!r}, neither true nor false", right)
    return value


def _seconds(value: object, key: str, right: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise _wrong(key, f"is {value!r}; it takes seconds, above 0 and at most 3600", right)
    return float(value)


KEYS: Mapping[str, tuple[Callable[[object, str, str], Any], str]] = {
    "entry": (_inside, '"main.py"'),
    "ready": (_token, '"READY"'),
    "args": (_texts, '["--verbose"]'),
    "env": (_table, '{ LOG_LEVEL = "info" }'),
    "ready_timeout_s": (_seconds, "10.0"),
    "data": (_paths, '["templates", "words.txt"]'),
    "hidden_imports": (_texts, '["uvicorn.lifespan.on"]'),
    "metadata": (_texts, '["keyring"]'),
    "collect": (_texts, '["grpc"]'),
    "smoke": (_texts, '["python", "smoke.py", "{port}"]'),
    "smoke_stdio": (_yes_or_no, "true"),
    "health": (_text, '"http://127.0.0.1:{port}/health"'),
    "hold_gc": (_yes_or_no, "true"),
}

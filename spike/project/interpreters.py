"""Finds the Python that a sidecar or a command asks for, among those that are installed here.

Nothing is downloaded: which Python ships is the author's choice, and so is where it comes from.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spike.core import process
from spike.core.errors import MissingToolError, UsageError
from spike.core.workspace import display_path

SUPPORTED: Final = ("3.11", "3.12", "3.13", "3.14")
"""The Pythons that this tool is for."""

SHOW: Final = "invoke doctor --pythons"
"""Shows those that are here."""

_TELL = (
    "import sys; print('.'.join(map(str, sys.version_info[:3]))); print(sys.base_prefix); "
    "print(sys.executable, end='')"
)
_VERSION = re.compile(r"3\.\d+(\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """One Python.

    Attributes:
        program: What runs it.
        version: Its version, such as ``3.13.1``.
        prefix: Where it is installed; of an environment, where its Python is.
    """

    program: Path
    version: str
    prefix: Path

    @property
    def short(self) -> str:
        """Its version by two numbers."""
        return ".".join(self.version.split(".")[:2])


def running() -> Interpreter:
    """The Python that this process runs in."""
    version = "{}.{}.{}".format(*sys.version_info[:3])
    prefix = Path(sys.base_prefix).resolve()
    return Interpreter(program=Path(sys.executable), version=version, prefix=prefix)


def find(wanted: str) -> Path:
    """The program of what :func:`chosen` finds."""
    return chosen(wanted).program


def chosen(wanted: str) -> Interpreter:
    """A Python of a version, such as ``3.13`` or ``3.13.1``, or at a path.

    Raises:
        MissingToolError: There is none; the message has a command that shows some.
        UsageError: It is neither a version nor a path.
    """
    if "/" in wanted or os.sep in wanted:
        path = Path(wanted).expanduser().absolute()
        if (there := ask(str(path))) is not None:
            return there
        raise MissingToolError(
            f"{wanted} is no Python that runs.", try_next=f"{SHOW}, which shows those that are here"
        )
    if not _VERSION.fullmatch(wanted):
        raise UsageError(
            f"--python takes a version or the path of a Python, not {wanted!r}.",
            try_next=f"--python {SUPPORTED[-2]}, or one that {SHOW} shows",
        )
    seen = set()
    for candidate in _candidates(wanted):
        if candidate in seen:
            continue
        seen.add(candidate)
        found = ask(candidate)
        if found is not None and f"{found.version}.".startswith(f"{wanted}."):
            return found
    raise MissingToolError(
        f"There is no Python {wanted} here.",
        why="It is looked for on PATH, among pyenv's and among uv's.",
        try_next=f"{SHOW}, which shows those that are, or uv python install {wanted}",
    )


def here() -> list[Interpreter]:
    """Every supported Python that is found here, each installation once, the oldest first."""
    found: dict[Path, Interpreter] = {}
    seen = set()
    for version in SUPPORTED:
        for candidate in _candidates(version):
            if candidate in seen:
                continue
            seen.add(candidate)
            each = ask(candidate)
            if each is not None and each.short in SUPPORTED:
                found.setdefault(each.prefix, each)
    return sorted(found.values(), key=lambda each: SUPPORTED.index(each.short))


def name_beside(
    own: Interpreter | None, asked: Interpreter, among: Sequence[Interpreter] | None = None
) -> str:
    """What a Python is called where builds and results of several lie; empty for the own one.

    Args:
        own: The Python that is packaged when nothing is asked for; None where it is not here.
        asked: The one that is meant.
        among: Those that are :func:`here`; looked for when None.

    Returns:
        Its version, such as ``3.13``. Where the own one has that too, or another one is found first
        when that version is asked for, its origin as well, such as ``3.11-debian``.
    """
    if own is not None and asked.prefix == own.prefix:
        return ""
    among = here() if among is None else among
    first = next((each for each in among if each.short == asked.short), asked)
    if first.prefix == asked.prefix and (own is None or asked.short != own.short):
        return asked.short
    return f"{asked.short}-{_origin(asked.prefix)}"


def render(found: Sequence[Interpreter]) -> str:
    """The lines of ``invoke doctor --pythons``."""
    own = running().prefix
    lines = [
        f"{each.version:8} {display_path(each.program)}{' (the own one)' * (each.prefix == own)}"
        for each in found
    ]
    lacking = [version for version in SUPPORTED if version not in {each.short for each in found}]
    lines += [f"{version:8} is not here: uv python install {version}" for version in lacking]
    return "\n".join([*lines, "--python takes a version, for the first of it, or a path."])


def _origin(prefix: Path) -> str:
    """Who has installed a Python, in one word."""
    if prefix == Path("/usr"):
        try:
            system = platform.freedesktop_os_release()["ID"]
        except (OSError, KeyError):
            system = ""
        return re.sub(r"[^a-z]", "", system.lower()) or "system"
    parts = {part.strip(".") for part in prefix.parts}
    return next((word for word in ("pyenv", "uv") if word in parts), "other")


def _candidates(version: str) -> Iterator[str]:
    short = ".".join(version.split(".")[:2])
    yield sys.executable
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        for name in (f"python{short}", "python3", "python"):
            if found := shutil.which(name, path=folder):
                yield found
    name = "python.exe" if sys.platform == "win32" else "bin/python3"
    home = Path.home()
    for place, pattern in (
        (os.environ.get("PYENV_ROOT", home / ".pyenv"), "versions/{}*"),
        (os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"), "cpython-{}*"),
        (home / "AppData/Roaming/uv/python", "cpython-{}*"),
    ):
        for own in sorted(Path(place).glob(pattern.format(version)), reverse=True):
            if (own / name).is_file():
                yield str(own / name)


def ask(python: str) -> Interpreter | None:
    """What a Python says that it is; None when it says nothing, as a shim without one does."""
    try:
        done = process.capture([python, "-I", "-c", _TELL], timeout_s=20.0)
    except MissingToolError:
        return None
    # In lines, which end with a carriage return on Windows.
    version, prefix, itself = [*done.output.strip().splitlines(), "", "", ""][:3]
    if not done.ok or not version:
        return None
    place = Path(prefix) if prefix else Path(python).parent.parent
    program = Path(itself if itself and _is_script(Path(python)) else python)
    return Interpreter(program=program, version=version, prefix=place.resolve())


def _is_script(program: Path) -> bool:
    """Whether it only looks for the Python, as a version manager's shims do, in its time."""
    if program.suffix.lower() in (".bat", ".cmd"):
        return True
    try:
        with program.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False


def version_of(python: str) -> str:
    """A Python's version; empty when it says nothing."""
    found = ask(python)
    return found.version if found else ""

"""The circumstances of one session, and the words in front of a command that make them."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MEGABYTE = 1024 * 1024

_SYSTEM = os.environ.get("SYSTEMROOT", r"C:\Windows")
BASE_ENVIRONMENT: Mapping[str, str] = (
    # Without SYSTEMROOT no program gets random numbers or sockets there.
    {"PATH": rf"{_SYSTEM}\System32;{_SYSTEM}", "SYSTEMROOT": _SYSTEM}
    if sys.platform == "win32"
    else {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
)
"""Every session starts from this, so that no case depends on the shell that ran the suite."""


HOMES = ("HOME", "USERPROFILE", "LOCALAPPDATA") if sys.platform == "win32" else ("HOME",)
"""Environment variables that name the user's home."""

READY_TIMEOUT_S = 20.0
"""A start of the hello sidecar takes some 0.1 s; nothing but a hang takes this long. A sidecar
that asks for longer gets it."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The circumstances of one session; every field has a harmless default.

    Attributes:
        args: Arguments.
        env: Environment changes; None takes a variable away.
        wrap: A command that ends by executing what follows it, so that the process id stays.
        name: What is executed, when it is not the artifact by its absolute path.
        cwd: Working folder; a fresh one by default.
        tmp: TMPDIR; a fresh folder by default.
        look: Folders searched for leftovers beside the fresh ones.
        ready_timeout_s: Seconds until a start counts as hung.
        marked: False when ``wrap`` takes the mark away; then the process group is searched.
    """

    args: tuple[str, ...] = ()
    env: Mapping[str, str | None] = field(default_factory=dict)
    wrap: tuple[str, ...] = ()
    name: str = ""
    cwd: Path | None = None
    tmp: Path | None = None
    look: tuple[Path, ...] = ()
    ready_timeout_s: float = READY_TIMEOUT_S
    marked: bool = True


def shell(commands: str) -> tuple[str, ...]:
    """A wrap that carries out shell commands and then becomes the program."""
    return ("/bin/sh", "-c", f'{commands}\nexec "$@"', "sh")


NO_CORE: tuple[str, ...] = () if sys.platform == "win32" else shell("ulimit -c 0")
"""A wrap without which a program that is ended by a fault may leave a core file."""


def limits(**values: int) -> tuple[str, ...]:
    """A wrap that sets soft and hard limits, by the option names of ``prlimit``."""
    options = [f"--{name.replace('_', '-')}={value}:{value}" for name, value in values.items()]
    return (tool_path("prlimit"), *options)


def quoted(path: Path) -> str:
    """A path as a shell word."""
    return shlex.quote(str(path))


def tool_path(tool: str) -> str:
    """Where a tool lies; its bare name when nowhere, so that the error names it."""
    return shutil.which(tool) or tool

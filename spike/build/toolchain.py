"""What a build is made with: the packager, the programs it needs, the compiler, the interpreter.

Standard library only, like all that runs in a packager's environment.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import sysconfig
from pathlib import Path

from spike.core import process
from spike.core.errors import MissingToolError
from spike.packagers.recipe import Packager


def check_tools(packager: Packager) -> None:
    """Make sure that the packager and the programs it needs are there.

    Raises:
        MissingToolError: One is missing; the message has the command that installs it.
    """
    installed_version(packager)
    search = str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", os.defpath)
    for tool in packager.tools:
        if not any(shutil.which(name, path=search) for name in tool.anyone_of):
            raise MissingToolError(
                f"{packager.name} needs {' or '.join(tool.anyone_of)}, which is not on PATH.",
                why=f"It {tool.purpose}.",
                try_next=f"{tool.install} (or: invoke doctor --with-deps)",
            )


def installed_version(packager: Packager) -> str:
    """Version of the packager in this environment; Python's own where that is the packager.

    Raises:
        MissingToolError: It is not installed here.
    """
    if packager.distribution is None:
        return platform.python_version()
    try:
        return importlib.metadata.version(packager.distribution)
    except importlib.metadata.PackageNotFoundError:
        raise MissingToolError(
            f"{packager.name} is not installed in this Python.",
            try_next=f"nox -s build_{packager.name}",
        ) from None


def python_flavour() -> str:
    """What kind of interpreter is packaged, in words: it decides size and speed."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return ", ".join(
        [
            platform.python_implementation(),
            "shared libpython"
            if sysconfig.get_config_var("Py_ENABLE_SHARED")
            else "static libpython",
            "PGO" if "--enable-optimizations" in options else "no PGO",
            "LTO" if "--with-lto" in options else "no LTO",
        ]
    )


def compiler_version(packager: Packager) -> str:
    """First line of what the C compiler says of itself; empty when the packager needs none."""
    for tool in packager.tools:
        for name in tool.anyone_of:
            if name in ("gcc", "clang", "cc") and shutil.which(name):
                return process.capture([name, "--version"]).output.splitlines()[0]
    return ""

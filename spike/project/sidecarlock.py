"""A sidecar's dependencies, resolved once into a hashed lock that every packager's build installs.

The lock names the dependencies that it was made for, so that one which is older than
``[project] dependencies`` is an error and not a build with something else in it.

    nox -s lock -- --sidecar DIR
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from spike.core import process, workspace
from spike.core.command_line import run_command_line
from spike.core.errors import SidecarError, StorageError
from spike.project.sidecar import LOCK_NAME, Sidecar, load

PYTHON_VERSION = "3.11"
"""Oldest Python that a lock serves, as ``requires-python`` of this repository."""

_HEADER = "# Made by nox -s lock for: "
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Command line of the Nox session: lock one sidecar."""
    for folder in arguments:
        sidecar = load(folder)
        if sidecar.lock is None:
            _say(f"{sidecar.name} has no dependencies: there is nothing to lock")
        else:
            write(sidecar)
            _say(f"{workspace.display_path(sidecar.lock)} written")
    return 0


def write(sidecar: Sidecar) -> None:
    """Resolve the dependencies for every platform and write the lock.

    Raises:
        SidecarError: They cannot be resolved; the resolver's own words follow.
        StorageError: The lock cannot be written.
    """
    argv = [
        *("uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal"),
        *("--python-version", PYTHON_VERSION, "--generate-hashes"),
        *("--no-header", "--no-emit-index-url"),
    ]
    _say(f"$ {process.shown(argv)}")
    done = process.capture(argv, cwd=sidecar.folder, timeout_s=600.0)
    if not done.ok:
        raise SidecarError(
            f"The dependencies of {sidecar.name} could not be resolved.",
            why=" ".join(done.errors.split()),
            try_next="correct [project] dependencies and lock again",
        )
    path = sidecar.folder / LOCK_NAME
    try:
        path.write_text(_header(sidecar) + "\n" + done.output, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from None


def check(sidecar: Sidecar) -> Path | None:
    """Return the lock when it is the one of today's dependencies; None when there are none.

    Raises:
        SidecarError: It is missing, or was made for other dependencies.
    """
    if sidecar.lock is None:
        return None
    command = f"nox -s lock --{sidecar.option}"
    try:
        first = sidecar.lock.read_text(encoding="utf-8").partition("\n")[0]
    except FileNotFoundError:
        raise SidecarError(
            f"{sidecar.name} has dependencies and no {LOCK_NAME}.",
            why="They are resolved once, so that every packager builds with the same ones.",
            try_next=command,
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SidecarError(f"{sidecar.lock} cannot be read: {error}.", try_next=command) from None
    if first != _header(sidecar):
        raise SidecarError(
            f"{workspace.display_path(sidecar.lock)} was made for other dependencies than "
            "pyproject.toml has now.",
            try_next=command,
        )
    return sidecar.lock


def pinned(text: str) -> frozenset[str]:
    """Names of the distributions that a lock pins, in the normal form of PEP 503."""
    return frozenset(normal_name(name) for name in _PINNED.findall(text))


def normal_name(name: str) -> str:
    """A distribution's name in the normal form of PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _header(sidecar: Sidecar) -> str:
    return _HEADER + json.dumps(sorted(sidecar.dependencies), ensure_ascii=False)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this module is a command line


if __name__ == "__main__":
    run_command_line(main)

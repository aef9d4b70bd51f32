"""A sidecar's dependencies, resolved once into a hashed lock that every packager's build installs.

The lock names what it was made for, so that one which is older than the project's dependencies is
an error and not a build with something else in it. ``uv.lock`` and ``pylock.toml`` are used as they
are: their versions and hashes become the lock's. What no index has (a folder, a git repository, a
member of a workspace) is built into a wheel once, beside the lock, which has its hash.

    nox -s lock -- --sidecar DIR
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spike.core import process, workspace
from spike.core.command_line import run_command_line, say
from spike.core.errors import SidecarError, SpikeError, StorageError, reason
from spike.project import dependency_files, metadata
from spike.project.metadata import LOCK_NAME, NeedsBuildError
from spike.project.pylock import foreign_lock
from spike.project.resolution import TIMEOUT_S, indexes, oldest_python, resolved, source_name
from spike.project.sidecar import Sidecar, load
from spike.project.sources import WHEELS_NAME
from spike.project.specifiers import holds, normal_name
from spike.project.wheels import built_metadata, folder_sha256, hashed

_HEADER = "# Made by nox -s lock for: "
_FROM = "# From: "
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?(?:==| @ )", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Command line of the Nox session: lock one sidecar."""
    for folder in arguments:
        sidecar = _loaded(folder)
        if sidecar.lock is None:
            say(f"{sidecar.name} has no dependencies: there is nothing to lock")
        else:
            write(sidecar)
            say(f"{workspace.display_path(sidecar.lock)} written")
    return 0


def _loaded(folder: str) -> Sidecar:
    """Load a sidecar; where only its build backend knows what it depends on, ask that first."""
    try:
        sidecar = load(folder)
        if sidecar.dependency_source != "built":
            return sidecar
    except NeedsBuildError:
        pass
    place = Path(folder).expanduser().resolve()
    lock = place / LOCK_NAME
    before = lock.read_bytes() if lock.is_file() else None
    _write(lock, metadata.note(built_metadata(place), place) + "\n")
    try:
        return load(folder)
    except SpikeError:
        if before is None:
            lock.unlink()
        else:
            lock.write_bytes(before)
        raise


def write(sidecar: Sidecar) -> None:
    """Resolve the dependencies for every platform and write the lock.

    Raises:
        SidecarError: They cannot be resolved, or not in a way that a build can install; the
            resolver's own words follow.
        StorageError: The lock cannot be written.
    """
    text = resolved(sidecar)
    with tempfile.TemporaryDirectory(prefix="spike-lock-") as scratch:
        wheels = Path(scratch) / WHEELS_NAME
        text, folders = hashed(text, sidecar, wheels)
        place = sidecar.folder / WHEELS_NAME
        try:
            shutil.rmtree(place, ignore_errors=True)
            if wheels.is_dir():
                shutil.copytree(wheels, place)
                text = f"--find-links ./{WHEELS_NAME}\n{text}"
        except OSError as error:
            raise StorageError(f"{place} cannot be written: {reason(error)}.") from None
    options = "".join(f"{line}\n" for line in indexes(sidecar))
    _write(sidecar.folder / LOCK_NAME, _header(sidecar, folders) + "\n" + options + text)
    _try_to_install(sidecar)


def check(sidecar: Sidecar) -> Path | None:
    """Return the lock when it is the one of today's dependencies; None when there are none.

    Raises:
        SidecarError: It is missing, or was made for other dependencies.
    """
    if sidecar.lock is None:
        return None
    command = f"nox -s lock --{sidecar.option}"
    try:
        text = sidecar.lock.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SidecarError(
            f"{sidecar.name} has dependencies and no {LOCK_NAME}.",
            why="They are resolved once, so that every packager builds with the same ones.",
            try_next=command,
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SidecarError(f"{sidecar.lock} cannot be read: {error}.", try_next=command) from None
    shown = workspace.display_path(sidecar.lock)
    folders = _noted_folders(text)
    if not text.startswith(_header(sidecar, folders) + "\n"):
        ruled = dependency_files.rules(sidecar.folder, sidecar.dependency_source)
        what = f"dependencies{', constraints or settings of uv' if ruled else ''}"
        raise SidecarError(
            f"{shown} was made for other {what} than {source_name(sidecar)} has now.",
            try_next=command,
        )
    for name, digest in folders.items():
        if folder_sha256((sidecar.folder / name).resolve(), without=sidecar.folder) != digest:
            raise SidecarError(
                f"{shown} has a wheel of {name}, which has changed since.", try_next=command
            )
    return sidecar.lock


def pinned(text: str) -> frozenset[str]:
    """Names of the distributions that a lock pins, in the normal form of PEP 503."""
    return frozenset(normal_name(name) for name in _PINNED.findall(text))


def own_files(sidecar: Sidecar) -> list[Path]:
    """Its source files without the folders in it that the lock has wheels of: these ship so."""
    files = list(sidecar.source_files())
    try:
        text = (sidecar.folder / LOCK_NAME).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return files
    built = [name for name in _noted_folders(text) if name != "."]
    return [path for path in files if not any(path.is_relative_to(name) for name in built)]


def _header(sidecar: Sidecar, folders: Mapping[str, str]) -> str:
    """The head of a lock: what it was made for, as far as a build has to know."""
    lines = [_HEADER + json.dumps(sorted(sidecar.dependencies), ensure_ascii=False)]
    made_from: dict[str, Any] = {}
    lock = foreign_lock(sidecar.folder, sidecar.dependency_source)
    if lock is not None:
        made_from[lock.name] = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    if folders:
        made_from["folders"] = dict(folders)
    if rules := dependency_files.rules(sidecar.folder, sidecar.dependency_source):
        told = json.dumps(rules, sort_keys=True, default=str)
        made_from["rules"] = hashlib.sha256(told.encode()).hexdigest()[:16]
    if made_from:
        lines.append(_FROM + json.dumps(made_from, sort_keys=True))
    if sidecar.dependency_source == "built":
        facts = metadata.noted(sidecar.folder) or {}
        lines.append(metadata.note(facts, sidecar.folder))
    return "\n".join(lines)


def _noted_folders(text: str) -> dict[str, str]:
    for line in text.split("\n")[:3]:
        if line.startswith(_FROM):
            try:
                folders = json.loads(line.removeprefix(_FROM)).get("folders", {})
            except (ValueError, AttributeError):
                return {}
            return {str(name): str(digest) for name, digest in folders.items()}
    return {}


def _try_to_install(sidecar: Sidecar) -> None:
    """Let the installer go through the lock, without installing: what fails there fails here.

    Raises:
        SidecarError: A build could not install it.
    """
    lock = sidecar.folder / LOCK_NAME
    with tempfile.TemporaryDirectory(prefix="spike-lock-") as scratch:
        done = process.capture(
            [
                *("uv", "pip", "install", "--dry-run", "--quiet", "--require-hashes"),
                *("--target", scratch, "--python-version", _installed_python(sidecar)),
                *("-r", str(lock)),
            ],
            timeout_s=TIMEOUT_S,
        )
    if not done.ok:
        raise SidecarError(
            f"{workspace.display_path(lock)} is written, but a build could not install it here.",
            why=" ".join(done.errors.split()),
            try_next=f"correct the dependencies in {source_name(sidecar)} and lock again",
        )


def _installed_python(sidecar: Sidecar) -> str:
    """The version of the Python that a build would install for."""
    have = platform.python_version()
    if sidecar.python_version or holds(sidecar.requires_python, have) is not False:
        return sidecar.python_version or have
    return oldest_python(sidecar)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}.") from None


if __name__ == "__main__":
    run_command_line(main)

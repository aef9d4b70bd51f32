"""Resolves a sidecar's dependencies into pinned requirements, by what its project says about them.

``uv.lock`` and ``pylock.toml`` are used as they are: their versions and hashes are the answer.
"""

from __future__ import annotations

import re
from pathlib import Path

from spike.core import process, workspace
from spike.core.command_line import say
from spike.core.errors import SidecarError
from spike.project import dependency_files, hashes
from spike.project.pylock import LOCK_SOURCES, foreign_lock, from_pylock
from spike.project.sidecar import Sidecar
from spike.project.specifiers import (
    holds,
    lowest,
    marker_holds,
    normal_name,
    requirement_name,
)

PYTHON_VERSION = "3.11"
"""Oldest Python that a lock serves, as ``requires-python`` of this repository."""

_UNREAD = {
    "poetry.lock": "poetry export -o requirements.txt",
    "pdm.lock": "pdm export -f pylock -o pylock.toml",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
}
"""Locks whose format is their tool's own, and how that tool writes one that others read."""

TIMEOUT_S = 600.0
"""Seconds that the resolver or the installer may take."""


def resolved(sidecar: Sidecar) -> str:
    """The dependencies as pinned requirements, by whatever the project has to say about them.

    Raises:
        SidecarError: They cannot be resolved, or its lock is old or cannot be read.
    """
    source = sidecar.dependency_source
    lock = foreign_lock(sidecar.folder, source)
    if lock is not None and source == "uv.lock":
        return _from_uv_lock(sidecar, lock)
    if lock is not None:
        text = from_pylock(lock, extras=sidecar.extras, groups=sidecar.groups)
        if lacks := lacking(text, sidecar.dependencies):
            raise _old(lock, f"it does not have {lacks}", "make it anew with the tool that made it")
        return text
    for name, keep in _UNREAD.items():
        if (sidecar.folder / name).is_file():
            say(
                f"note: {name} is not read, versions are chosen anew; to keep them, make a "
                f"pylock.toml or a requirements.txt of it: {keep}"
            )
    if not sidecar.dependencies:
        return ""
    given, places = sidecar.dependencies, ["-"]
    if source == "requirements.txt":
        # Extras and groups stand in pyproject.toml, and count as well.
        listed = frozenset(dependency_files.requirements(sidecar.folder / source))
        given = tuple(text for text in given if text not in listed)
        places = [source, *(["-"] if given else [])]
    elif source == "pyproject.toml":
        given, places = (), [source]
    argv = [
        *("uv", "pip", "compile", *places, "--quiet", "--universal"),
        *("--python-version", oldest_python(sidecar), "--generate-hashes"),
        *("--no-header", "--no-emit-index-url"),
    ]
    if source == "pyproject.toml":
        argv += [word for extra in sidecar.extras for word in ("--extra", extra)]
        argv += [word for group in sidecar.groups for word in ("--group", group)]
    stdin = "\n".join(given).encode() if given else None
    text = _asked(argv, sidecar, stdin=stdin)
    own = [sidecar.python_version] if re.match(r"3\.\d", sidecar.python_version) else []
    return hashes.lean(text, argv, cwd=sidecar.folder, stdin=stdin, pythons=own)


def indexes(sidecar: Sidecar) -> list[str]:
    """What an installer has to be told of indexes beside the usual one, a line each.

    Names and passwords do not get into a lock: uv finds them in the environment, in netrc or in a
    keyring.
    """
    given = dependency_files.indexes(sidecar.folder, sidecar.dependency_source)
    lines = [re.sub(r"(?<=://)[^/@\s]+@", "", line) for line in given]
    if lines != given:
        say(
            "note: the lock has the index without its name and password, which uv takes from its "
            "environment, from netrc or from a keyring"
        )
    return lines


def source_name(sidecar: Sidecar) -> str:
    """What says what a sidecar depends on, for a message."""
    source = sidecar.dependency_source
    return source if source in LOCK_SOURCES else dependency_files.place_of(sidecar.folder, source)


def oldest_python(sidecar: Sidecar) -> str:
    """The version of the oldest Python that a sidecar's lock serves."""
    wanted = lowest(sidecar.requires_python)
    return wanted if wanted and holds(f">{PYTHON_VERSION}", wanted) else PYTHON_VERSION


def lacking(lock: str, dependencies: tuple[str, ...]) -> str:
    """The first requirement that surely counts here and that a lock does not fulfil; else empty."""
    pinned = re.findall(r"^([A-Za-z0-9][\w.-]*)(?:==([^\s;]+)| @ )", lock, re.MULTILINE)
    for wanted in dependencies:
        name = requirement_name(wanted)
        if not name or marker_holds(wanted) is not True:
            continue
        versions = [version for found, version in pinned if normal_name(found) == name]
        bounds = re.sub(r"^[\w.-]+\s*(?:\[[^\]]*\])?", "", wanted.strip()).partition(";")[0]
        if all(each and holds(bounds.strip(" ()"), each) is False for each in versions):
            return wanted
    return ""


def _old(lock: Path, why: str, renew: str) -> SidecarError:
    return SidecarError(
        f"{workspace.display_path(lock)} is older than pyproject.toml.",
        why=f"It is used as it is, and {why}.",
        try_next=renew,
    )


def _asked(argv: list[str], sidecar: Sidecar, *, stdin: bytes | None = None) -> str:
    say(f"$ {process.shown(argv)}")
    done = process.capture(argv, cwd=sidecar.folder, timeout_s=TIMEOUT_S, stdin=stdin)
    if not done.ok:
        raise SidecarError(
            f"The dependencies of {sidecar.name} could not be resolved.",
            why=" ".join(done.errors.split()),
            try_next=f"correct them in {source_name(sidecar)} and lock again",
        )
    return done.output


def _from_uv_lock(sidecar: Sidecar, lock: Path) -> str:
    checked = process.capture(["uv", "lock", "--check"], cwd=lock.parent, timeout_s=TIMEOUT_S)
    if not checked.ok and "needs to be updated" in checked.errors:
        raise _old(lock, "it does not have what pyproject.toml asks for", "uv lock")
    argv = [
        *("uv", "export", "--frozen", "--quiet", "--format", "requirements-txt", "--no-header"),
        *("--no-emit-project", "--no-default-groups", "--no-editable", "--package", sidecar.name),
        *(word for extra in sidecar.extras for word in ("--extra", extra)),
        *(word for group in sidecar.groups for word in ("--group", group)),
    ]
    text = _asked(argv, sidecar)
    if lock.parent == sidecar.folder:
        return text
    # A member's paths are relative to the workspace.
    return re.sub(
        r"^(-e )?(\.{1,2}/\S*)",
        lambda match: str((lock.parent / match[2]).resolve()),
        text,
        flags=re.MULTILINE,
    )

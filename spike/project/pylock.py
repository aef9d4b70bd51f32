"""Locks of other tools: which one a project has, and what a ``pylock.toml`` (PEP 751) holds."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spike.core.errors import SidecarError
from spike.project.specifiers import normal_name

LOCK_SOURCES = ("uv.lock", "pylock.toml")
"""Locks of other tools, the first that is there counts: they are used as they are."""


def foreign_lock(folder: Path, name: str) -> Path | None:
    """The lock of another tool for a project: its own, or that of the uv workspace around it."""
    if name not in LOCK_SOURCES:
        return None
    if (folder / name).is_file():
        return folder / name
    if name == "uv.lock":
        for above in folder.parents:
            try:
                document = tomllib.loads((above / "pyproject.toml").read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if "workspace" in document.get("tool", {}).get("uv", {}):
                return above / name if (above / name).is_file() else None
    return None


def from_pylock(path: Path, *, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> str:
    """The packages of a ``pylock.toml`` (PEP 751) as requirements with hashes.

    Raises:
        SidecarError: It cannot be read, or has a package in a form that is not known here.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SidecarError(f"{path} cannot be read: {error}.") from None
    if str(document.get("lock-version", "")).split(".")[0] != "1":
        raise SidecarError(
            f"{path} has lock-version {document.get('lock-version')!r}; 1.0 is known here."
        )
    # What the project itself depends on is a group of its own in some: "default", by PDM.
    default = document.get("default-groups", [])
    groups = (*groups, *(str(each) for each in default if isinstance(default, list)))
    lines = []
    for package in document.get("packages", []):
        marker = _chosen(str(package.get("marker", "")), extras, groups)
        if marker is None:
            continue
        suffix = f" ; {marker}" if marker else ""
        name = str(package["name"])
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        if files and "version" in package:
            hashes = sorted({_hash(path, file) for file in files})
            lines.append(
                f"{name}=={package['version']}{suffix}"
                + "".join(f" \\\n    --hash={each}" for each in hashes)
            )
        elif place := package.get("directory", {}).get("path"):
            lines.append(f"{name} @ {(path.parent / place).resolve().as_uri()}{suffix}")
        elif vcs := package.get("vcs"):
            below = f"#subdirectory={vcs['subdirectory']}" if "subdirectory" in vcs else ""
            url = vcs.get("url") or (path.parent / vcs["path"]).resolve().as_uri()
            lines.append(f"{name} @ {vcs['type']}+{url}@{vcs['commit-id']}{below}{suffix}")
        elif archive := package.get("archive"):
            url = archive.get("url") or (path.parent / archive["path"]).resolve().as_uri()
            lines.append(f"{name} @ {url}{suffix} \\\n    --hash={_hash(path, archive)}")
        else:
            raise SidecarError(f"{path} has {name!r} in a form that is not known here.")
    return "\n".join(lines) + "\n"


def _hash(path: Path, file: Mapping[str, Any]) -> str:
    """The hash of a file by an algorithm that an installer takes."""
    known = file.get("hashes", {})
    for algorithm in ("sha256", "sha384", "sha512"):
        if algorithm in known:
            return f"{algorithm}:{known[algorithm]}"
    raise SidecarError(
        f"{path} has a file without a hash that an installer takes: {file.get('name', file)}.",
        why="They take sha256, sha384 and sha512.",
        try_next="a lock that is made anew by its tool",
    )


def _chosen(marker: str, extras: tuple[str, ...], groups: tuple[str, ...]) -> str | None:
    """A marker of a ``pylock.toml`` without extras and groups; None for one that they exclude.

    Each question about them is answered here; the rest is left to the installer.
    """
    never, always = "python_version < '3'", "python_version >= '3'"
    for field, chosen in (("extras", extras), ("dependency_groups", groups)):
        normal = {normal_name(name) for name in chosen}
        marker = re.sub(
            rf"""['"]([^'"]+)['"]\s+(not\s+)?in\s+{field}""",
            lambda match, normal=normal: (  # type: ignore[misc]
                always if (normal_name(match[1]) in normal) is not bool(match[2]) else never
            ),
            marker,
        )
    if marker == always:
        return ""
    return None if marker == never else marker

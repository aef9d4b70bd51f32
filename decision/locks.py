"""The locks that a measured build may have been installed from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spike.core.errors import SpikeError
from spike.core.workspace import TOOL
from spike.packagers import PACKAGERS
from spike.project import sidecarlock
from spike.project.sidecar import Sidecar


@dataclass(frozen=True, kw_only=True)
class Locks:
    """What an environment may have been installed from.

    Attributes:
        digests: SHA-256 of the locks by file name.
        pinned: Versions of the packager in its locks; empty for one that is no distribution.
    """

    digests: Mapping[str, frozenset[str]]
    pinned: tuple[str, ...] = ()


def of(packager: str, sidecar: Sidecar) -> Locks:
    """Today's locks of a packager and of a sidecar; there may be one for each Python.

    Args:
        packager: Its name.
        sidecar: The sidecar; its lock counts while it is of today's dependencies.
    """
    pin = re.compile(rf"^{re.escape(packager).replace('_', '[-_]')}==(\S+)", re.I | re.M)
    paths = list((TOOL / "locks").rglob(f"{packager}*.txt"))
    pinned = {version for path in paths for version in pin.findall(path.read_text("utf-8"))}
    if own := _sidecar_lock(sidecar):
        paths.append(own)
    digests: dict[str, frozenset[str]] = {}
    for path in paths:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        digests[path.name] = digests.get(path.name, frozenset()) | {digest}
    return Locks(digests=digests, pinned=tuple(sorted(pinned)))


def problem(build: Mapping[str, Any], known: Locks) -> str:
    """What is wrong with the locks that a build was installed from; empty for nothing.

    A build of an earlier version does not name its locks; the packager's own version then says it.

    Args:
        build: Its facts.
        known: Today's locks.
    """
    packager, version = str(build.get("packager")), str(build.get("packager_version"))
    if packager not in PACKAGERS:
        return f"of a packager that this version does not have: {packager}"
    named = build.get("locks")
    for lock, digest in named.items() if isinstance(named, Mapping) else ():
        if digest not in known.digests.get(str(lock), frozenset()):
            return f"built from another {lock} than this checkout has"
    if known.pinned and version not in known.pinned:
        return f"built by {packager} {version}, and its lock here has {', '.join(known.pinned)}"
    return ""


def _sidecar_lock(sidecar: Sidecar) -> Path | None:
    try:
        return sidecarlock.check(sidecar)
    except SpikeError:
        return None  # there is none of today's dependencies, so no build can be of it

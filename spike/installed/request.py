"""What the part inside the root is asked to do, as a value that goes there as JSON. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from spike.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How READY is noticed, and how long things may take.

    Attributes:
        ready_url: An address that answers 2xx or 3xx, or a path at the port where the sidecar
            listens; empty for none. Likewise the next two.
        ready_file: A file that is there; ``~`` is the user's home.
        ready_log: Words in what the application prints.
        settle_s: Seconds that a sidecar's process must have been there.
        health: An address that answers 2xx, or a path; empty where the sidecar has none.
        timeout_s: Seconds from the start to READY.
        grace_s: Seconds from the wish to quit, or from the kill, until nothing is left.
        network: Whether the application has this machine's network; else a loopback of its own.
        env: Environment variables for the application.
    """

    ready_url: str = ""
    ready_file: str = ""
    ready_log: str = ""
    settle_s: float = 2.0
    health: str = ""
    timeout_s: float = 60.0
    grace_s: float = 15.0
    network: bool = False
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an address that cannot be asked.

        Raises:
            UsageError: It is none of HTTP, and no path.
        """
        for option, url in (("--ready-url", self.ready_url), ("--health", self.health)):
            parts = urlsplit(url.replace("{free_port}", "1"))
            whole = parts.scheme in ("http", "https") and parts.hostname
            if url and not whole and not url.startswith("/"):
                raise UsageError(
                    f"{option} takes an address or a path, not {url!r}.",
                    try_next=f"{option} http://127.0.0.1:8000/health, or {option} /health for the "
                    "port where the sidecar listens",
                )


def variables(words: Iterable[str]) -> dict[str, str]:
    """Environment variables, as ``NAME=VALUE``.

    Raises:
        UsageError: One is written in another way.
    """
    found = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise UsageError(f"--env takes NAME=VALUE, not {word!r}.", try_next="--env LANG=de_DE")
        found[name] = value
    return found


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of the package.

    Attributes:
        file: File name of the package, in the root's ``/packages``.
        version: Its version.
        files: Its files and links, relative to the root.
        hashes: The SHA-256 of each program, by its path.
        command: The words of its .desktop file's Exec line.
        main: The application's program, relative to the root.
        sidecars: Every other program, likewise.
    """

    file: str
    version: str
    files: tuple[str, ...]
    hashes: Mapping[str, str]
    command: tuple[str, ...]
    main: str
    sidecars: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Request:
    """The whole proof.

    Attributes:
        base: Empty folder on which the root is built.
        packages: Folder with the package files.
        privileged: Whether this runs as root, and not in a user namespace.
        kind: ``deb`` or ``rpm``.
        name: The package's name.
        first: What is installed first.
        then: What it is upgraded to.
        now: Which of the two is tried; its programs may be called otherwise than the other's.
        terms: How it is judged.
    """

    base: str
    packages: str
    privileged: bool
    kind: str
    name: str
    first: Version
    then: Version
    now: Version
    terms: Terms

    def as_json(self) -> dict[str, Any]:
        """As JSON has it."""
        return dataclasses.asdict(self)


def from_json(document: Mapping[str, Any]) -> Request:
    """The request that :meth:`Request.as_json` wrote."""
    values = dict(document)
    for name in ("first", "then", "now"):
        lists = {key: tuple(values[name][key]) for key in ("files", "command", "sidecars")}
        values[name] = Version(**{**values[name], **lists})
    values["terms"] = Terms(**values["terms"])
    return Request(**values)

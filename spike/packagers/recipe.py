"""What a packager's file returns: values that describe a build."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from spike.core.workspace import artifact_folder_name
from spike.project import imports
from spike.project.sidecar import Sidecar

STAGED = Path("sidecar")
"""Folder in the build's working folder that holds the copy of the sidecar being packaged."""

STEADY_ORDER = {"PYTHONHASHSEED": "0"}
"""For a packager that writes sets into its archive: the same order each time (PyInstaller's manual,
"Creating a Reproducible Build"). Nuitka does this by itself."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one variant is built. All paths are relative to the build's working folder.

    Attributes:
        argv: The packager's command line.
        env: Changes to the environment.
        output: Folder that is published when the build has succeeded.
        artifact: The program that a host launches; below ``output``.
        folder: The folder that has to ship with it; None when the program ships alone.
        discard: Below ``output``: what a packager leaves there and nobody needs.
        files: Files that the packager reads its settings from, and their contents.
    """

    argv: tuple[str, ...]
    output: Path
    artifact: Path
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    discard: tuple[Path, ...] = ()
    files: Mapping[Path, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One way in which a packager can build.

    Attributes:
        name: Second half of the variant's id.
        summary: What it makes, in half a line.
        price: What it costs or cannot do; empty when there is nothing to say.
        default: Whether a build without ``--mode`` makes it.
    """

    name: str
    summary: str
    price: str = ""
    default: bool = True


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A program that a packager needs beside its own environment.

    Attributes:
        anyone_of: Names of which one has to be on PATH.
        purpose: What it is for.
        install: Command that installs it on Debian and Ubuntu.
    """

    anyone_of: tuple[str, ...]
    purpose: str
    install: str


class Packager(Protocol):
    """What a packager's file offers."""

    @property
    def name(self) -> str:
        """First half of a variant's id; ``build_<name>`` is its Nox session."""

    @property
    def distribution(self) -> str:
        """Name of its distribution, whose installed version is recorded."""

    @property
    def modes(self) -> tuple[Mode, ...]:
        """Its modes, the plan's first."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Programs that have to be there."""

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""


def further_roots(sidecar: Sidecar, base: Path = STAGED) -> tuple[Path, ...]:
    """Folders of a sidecar's own modules beside the one that its script lies in."""
    return tuple(base / root for root in imports.import_roots(sidecar)[1:])


def module_path(sidecar: Sidecar, *, with_script: bool = False) -> dict[str, str]:
    """The variable that tells a packager where a sidecar's own modules lie; empty for nothing new.

    Args:
        sidecar: Whose modules.
        with_script: Whether the packager does not look beside the script by itself.
    """
    places = [(STAGED / sidecar.entry).parent] if with_script else []
    places += further_roots(sidecar)
    return {"PYTHONPATH": os.pathsep.join(place.as_posix() for place in places)} if places else {}


def output_folder(sidecar: Sidecar, packager: str, mode: str) -> Path:
    """Output folder as the packager is told it, relative to its working folder."""
    return sidecar.workspace.dist_relative / artifact_folder_name(packager, mode)

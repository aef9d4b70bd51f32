"""Put a built variant where Tauri takes it in: ``src-tauri/binaries/<name>-<triple>``.

A folder build cannot be an ``externalBin``, which takes one file. There the launcher is the
``externalBin``, and the folder goes through ``bundle.resources`` as ``<name>.d/``.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from spike.build import buildinfo
from spike.build.buildinfo import Built
from spike.core import jsonfile
from spike.core.errors import StorageError, reason
from spike.core.workspace import display_path, target_triple
from spike.host import sources
from spike.project.sidecar import Sidecar

CONFIG_NAME = "sidecar.json"
PROGRAM_FILE = "sidecar-program.txt"
"""In a folder build: names the program for the launcher (src-tauri/launcher)."""

CONFIG_SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A variant in its place.

    Attributes:
        name: The sidecar's name, which is also its file's.
        external_bin: The value of ``bundle.externalBin``.
        file: The file that Tauri takes in, with the target triple.
        config: The launch configuration, see src-tauri/src/config.rs.
        folder: The folder that goes through ``bundle.resources``; None for one file.
    """

    name: str
    external_bin: str
    file: Path
    config: Mapping[str, Any]
    folder: Path | None

    def tauri_config(self) -> str:
        """What differs from ``tauri.conf.json``, as JSON for the Tauri command line."""
        resources = {f"binaries/{CONFIG_NAME}": CONFIG_NAME}
        if self.folder:
            resources[f"binaries/{self.folder.name}/"] = f"{self.folder.name}/"
        bundle = {"externalBin": [self.external_bin], "resources": resources}
        return json.dumps({"bundle": bundle})


@dataclass(frozen=True, kw_only=True)
class Launching:
    """How the host is to launch the sidecar: changes to what the sidecar itself asks for.

    Attributes:
        args: Arguments in place of its own; None for its own.
        env: Environment variables beside its own.
        ready_timeout_ms: Milliseconds from launch to READY in place of its own; None for its own.
        ready_of: The sidecar in whose way it is ready; None for its own way.
    """

    args: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    ready_timeout_ms: int | None = None
    ready_of: Sidecar | None = None


def launch_configuration(built: Built, name: str, launching: Launching) -> dict[str, Any]:
    """The content of ``sidecar.json`` for one variant."""
    sidecar: Sidecar = built.sidecar
    timeout_ms = launching.ready_timeout_ms or round(sidecar.ready_timeout_s * 1000)
    return {
        "schema": CONFIG_SCHEMA,
        "name": name,
        "variant": built.info.variant,
        "packager": built.info.packager,
        "packager_version": built.info.packager_version,
        **_ready(launching.ready_of or sidecar),
        "args": list(sidecar.args if launching.args is None else launching.args),
        "env": {**sidecar.env, **launching.env},
        "ready_timeout_ms": timeout_ms,
        "health": address(sidecar.health) or None,
    }


def _ready(sidecar: Sidecar) -> dict[str, str]:
    """What the host waits for, in the words of its configuration."""
    if sidecar.ready_url:
        return {"ready_url": address(sidecar.ready_url)}
    stream = {} if sidecar.ready_stream == "stdout" else {"ready_stream": sidecar.ready_stream}
    if sidecar.ready_pattern:
        return {"ready_pattern": sidecar.ready_pattern, **stream}
    return {"ready": sidecar.ready, **stream}


def address(url: str) -> str:
    """A URL with its port, which the host wants to see even when it is HTTP's own."""
    return re.sub(r"^(http://(?:[\d.]+|localhost|\[::1\]))(?=[/?]|$)", r"\1:80", url)


def stage(built: Built, launcher: Path | None, launching: Launching) -> Staged:
    """Copy a variant into ``src-tauri/binaries`` and write its launch configuration.

    Args:
        built: The variant.
        launcher: The launcher's program; needed for a folder build.
        launching: Arguments and environment that the host shall pass.

    Raises:
        StorageError: The files cannot be written.
    """
    name = built.sidecar.name
    binaries = sources.folder() / "binaries"
    file = binaries / f"{name}-{target_triple()}{sources.SUFFIX}"
    with _written(built, binaries):
        shutil.rmtree(binaries, ignore_errors=True)
        binaries.mkdir(parents=True)
        folder = None
        if built.folder is None:
            shutil.copy2(built.artifact, file)
        else:
            assert launcher is not None, "a folder build needs the launcher"
            shutil.copy2(launcher, file)
            folder = binaries / f"{name}.d"
            copy_folder(built, folder)
    config = launch_configuration(built, name, launching)
    jsonfile.write(binaries / CONFIG_NAME, config)
    return Staged(
        name=name, external_bin=f"binaries/{name}", file=file, config=config, folder=folder
    )


def put(built: Built, folder: Path) -> str:
    """Copy a variant to where another application's Tauri takes it in, for the plugin to start.

    Args:
        built: The variant.
        folder: That of the application's ``externalBin``, beside its ``tauri.conf.json``.

    Returns:
        What was written, and what ``tauri.conf.json`` says of it.

    Raises:
        StorageError: It cannot be written.
    """
    name, base = built.sidecar.name, folder.name
    target = folder / f"{name}-{target_triple()}{sources.SUFFIX}"
    bundle: dict[str, Any] = {"externalBin": [f"{base}/{name}"]}
    launched = {"program": f"{base}/{name}"}
    if built.folder is not None:
        target = folder / f"{name}.d"
        bundle = {"resources": {f"{base}/{target.name}/": f"{target.name}/"}}
        program = built.artifact.relative_to(built.folder).as_posix()
        launched = {"folder": target.name, "program": program}
    with _written(built, folder):
        folder.mkdir(parents=True, exist_ok=True)
        if built.folder is None:
            # Beside it and then in its place: what runs is not written to.
            partial = target.with_name(f"{target.name}.partial")
            shutil.copy2(built.artifact, partial)
            partial.replace(target)
        else:
            shutil.rmtree(target, ignore_errors=True)
            copy_folder(built, target)
    return (
        f"{display_path(target)} written. In tauri.conf.json: bundle has {json.dumps(bundle)}, and "
        f"the sidecar in plugins.sidecar-supervisor {json.dumps(launched)}"
    )


@contextlib.contextmanager
def _written(built: Built, folder: Path) -> Iterator[None]:
    """Say of what the block cannot write which variant it is of, and where.

    Raises:
        StorageError: Something could not be written.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{built.info.variant} cannot be staged: {reason(error)}.",
            try_next=f"check the free space and the rights of {display_path(folder)}",
        ) from None


def copy_folder(built: Built, target: Path) -> None:
    """Copy a folder build for the launcher, with the name of its program beside it."""
    assert built.folder is not None
    shutil.copytree(
        built.folder, target, symlinks=True, ignore=shutil.ignore_patterns(*buildinfo.OWN_FILES)
    )
    _tell_program(target, built.artifact.relative_to(built.folder))


def behind_launcher(launcher: Path, folder: Path, program: PurePath) -> Path:
    """Put the launcher's binary in front of a folder, as a host ships it.

    Args:
        launcher: The binary; its copy beside the folder has the folder's name without ``.d``.
        folder: The folder build where the launcher looks for it, ``<name>.d``.
        program: The program in it, relative to it.

    Returns:
        The copy.

    Raises:
        OSError: Something cannot be written.
    """
    _tell_program(folder, program)
    front = folder.with_name(folder.name.removesuffix(".d") + sources.SUFFIX)
    shutil.copy2(launcher, front)
    return front


def _tell_program(folder: Path, program: PurePath) -> None:
    (folder / PROGRAM_FILE).write_text(f"{program.as_posix()}\n", encoding="utf-8")

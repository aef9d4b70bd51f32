"""What a package brings: its files, the application's program, and what is a sidecar in it."""

from __future__ import annotations

import json
import os
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from spike.build.buildinfo import file_sha256
from spike.core import process
from spike.core.errors import MissingToolError, UsageError
from spike.installed import desktop
from spike.installed.desktop import DesktopEntry

KINDS = ("deb", "rpm")

NOT_RUN_KINDS: Mapping[str, str] = {
    "appimage": "an AppImage is made by tools that no package registry has; its launch is what the "
    "row read-only-mount of the .deb or .rpm of the same application proves",
    "exe": "an NSIS installer runs on Windows; its hook is what the row nsis-hook proves",
    "msi": "an .msi installs on Windows",
    "dmg": "a .dmg installs on macOS",
}
"""Packages of Tauri's that are not installed here, and why."""

PROGRAM_FOLDERS = ("usr/bin", "usr/local/bin", "bin", "usr/games", "usr/sbin")
"""Where a bare name of an Exec line is looked for."""

CONFIG_FILE = "sidecar.json"
"""Resource in which this repository's host, and who copied it, has its launch configuration."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package, unpacked and read.

    Attributes:
        file: The package.
        kind: ``deb`` or ``rpm``.
        name: Its name.
        version: Its version; an .rpm's with its release.
        tree: Folder that it was unpacked into.
        files: Its files and links, relative to the root, sorted.
        entry: The .desktop file that starts it.
        main: The application's program, relative to the root.
        sidecars: Every other program in it, likewise, sorted.
        hashes: The SHA-256 of each program, by its path.
        health: Address of a sidecar that has one in its configuration; else empty.
    """

    file: Path
    kind: str
    name: str
    version: str
    tree: Path
    files: tuple[str, ...]
    entry: DesktopEntry
    main: str
    sidecars: tuple[str, ...]
    hashes: Mapping[str, str]
    health: str


def kind_of(file: Path) -> str:
    """What kind of package a file is, by its name.

    Raises:
        UsageError: There is no such file, or none that can be installed here.
    """
    if not file.is_file():
        raise UsageError(
            f"There is no package {file}.",
            try_next="npm run tauri build -- --bundles deb,rpm; then --package "
            "src-tauri/target/release/bundle/deb/NAME.deb",
        )
    suffix = file.suffix.lower().removeprefix(".")
    if suffix in KINDS:
        return suffix
    raise UsageError(
        f"{file.name} is not run: no .deb and no .rpm.",
        why=NOT_RUN_KINDS.get(suffix, "Only these two can be installed in a root of their own")
        + ".",
        try_next="npm run tauri build -- --bundles deb, and give its .deb",
    )


def read(file: Path, folder: Path) -> Package:
    """Unpack a package and find out what is in it.

    Args:
        file: The package.
        folder: Where to; it is made.

    Raises:
        UsageError: It is none, or no desktop application.
        MissingToolError: The tool that unpacks it is not installed.
    """
    kind = kind_of(file)
    name, version = unpack(file, kind, folder)
    tree = folder / "tree"
    files = tuple(
        sorted(
            path.relative_to(tree).as_posix()
            for path in tree.rglob("*")
            if path.is_symlink() or not path.is_dir()
        )
    )
    entry = _entry(file, tree, files)
    main = find_program(entry.program, tree)
    if not main:
        raise UsageError(
            f"{file.name} has no program {entry.program!r}, which its .desktop file starts.",
            why="It has: " + ", ".join(programs(tree, files)) + ".",
            try_next="look at Exec in the .desktop file, and at mainBinaryName in tauri.conf.json",
        )
    sidecars = tuple(path for path in programs(tree, files) if path != main)
    return Package(
        file=file,
        kind=kind,
        name=name,
        version=version,
        tree=tree,
        files=files,
        entry=entry,
        main=main,
        sidecars=sidecars,
        hashes={path: file_sha256(tree / path) for path in (main, *sidecars)},
        health=_health(tree, files),
    )


def unpack(file: Path, kind: str, folder: Path) -> tuple[str, str]:
    """Unpack a package's files into ``folder/tree``; give its name and version.

    A .deb's control files go to ``folder/tree/DEBIAN`` and are moved to ``folder/DEBIAN``.
    """
    tree = folder / "tree"
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "deb":
        _run(["dpkg-deb", "--raw-extract", str(file), str(tree)], file)
        (tree / "DEBIAN").rename(folder / "DEBIAN")
        show = ["dpkg-deb", "--show", "--showformat=${Package}\\n${Version}", str(file)]
        name, version = _run(show, file).output.split("\n")[:2]
        return name, version
    tags = "%{NAME}\\n%{VERSION}-%{RELEASE}"
    name, version = _run(["rpm", "-qp", "--qf", tags, str(file)], file).output.split("\n")[:2]
    tree.mkdir()
    archive = folder / file.name
    archive.symlink_to(file.resolve())
    _run(["rpm2archive", "--nocompression", archive.name], file, cwd=folder)
    with tarfile.open(folder / f"{file.name}.tar") as content:
        content.extractall(tree, filter="tar")
    return name, version


def _run(argv: list[str], file: Path, cwd: Path | None = None) -> process.Completed:
    try:
        done = process.capture(argv, timeout_s=300.0, cwd=cwd)
    except MissingToolError:
        raise MissingToolError(
            f"{argv[0]} is not installed, which reads {file.name}.",
            try_next="(as root) apt-get install -y "
            + ("dpkg" if argv[0].startswith("dpkg") else "rpm rpm2cpio"),
        ) from None
    if not done.ok:
        raise UsageError(
            f"{file.name} cannot be read as a package.",
            why=(done.errors or done.output).strip()[-500:] + ".",
            try_next=process.shown(argv),
        )
    return done


def _entry(file: Path, tree: Path, files: tuple[str, ...]) -> DesktopEntry:
    """The .desktop file that a menu shows."""
    paths = [path for path in files if PurePosixPath(path).match("share/applications/*.desktop")]
    entries = []
    for path in paths:
        try:
            entries.append(desktop.parse((tree / path).read_text("utf-8", "replace")))
        except ValueError as error:
            raise UsageError(f"{file.name}: {path} cannot be used: {error}.") from None
    shown = [entry for entry in entries if entry and not entry.hidden]
    if not shown:
        raise UsageError(
            f"{file.name} has no .desktop file that starts an application.",
            why="Looked at: " + (", ".join(paths) or "no file below share/applications") + ".",
            try_next="see bundle.linux in tauri.conf.json, whose bundler writes one by itself",
        )
    return shown[0]


def find_program(name: str, tree: Path) -> str:
    """Path of a program in a package, relative to the root; empty when it is not there.

    Args:
        name: A path from the root, or a bare name as on PATH.
        tree: The unpacked package.
    """
    places = [name.lstrip("/")] if "/" in name else [f"{base}/{name}" for base in PROGRAM_FOLDERS]
    for place in places:
        target = place
        for _ in range(8):  # links may lead through others: /usr/bin/app -> /opt/App/app
            path = tree / target
            if not path.is_symlink():
                break
            link = os.fspath(path.readlink())
            base = "/" if link.startswith("/") else f"/{PurePosixPath(target).parent}"
            target = os.path.normpath(f"{base}/{link}").lstrip("/")
        if (tree / target).is_file() and not (tree / target).is_symlink():
            return target
    return ""


def programs(tree: Path, files: tuple[str, ...]) -> tuple[str, ...]:
    """The files of a package that can be run: executable, and ELF or with a ``#!`` line."""
    return tuple(path for path in files if _runs(tree / path))


def _runs(path: Path) -> bool:
    # Libraries often have the bit; what is loaded is not what is started.
    if path.is_symlink() or ".so" in path.suffixes:
        return False
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & stat.S_IXOTH:
        return False
    with path.open("rb") as stream:
        return stream.read(4).startswith((b"\x7fELF", b"#!"))


def _health(tree: Path, files: tuple[str, ...]) -> str:
    """The health address in a resource ``sidecar.json``, where the package has one."""
    for path in files:
        if PurePosixPath(path).name == CONFIG_FILE:
            try:
                content: Any = json.loads((tree / path).read_text("utf-8"))
            except ValueError:
                continue
            if isinstance(content, dict) and isinstance(content.get("health"), str):
                return str(content["health"])
    return ""

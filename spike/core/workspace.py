"""Where things lie, and what this machine is called.

There are two roots. :data:`TOOL` is what the tool brings and only reads: locks, templates, host
sources, baselines. :func:`project` is what is packaged and measured, and everything that the tool
writes is below it: ``build/`` (scratch and failed logs), ``dist/`` (finished artifacts, each folder
with its ``build.json``), ``.nox/``, ``benchmarks/results/``. This repository is its own first
project.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from spike.core.errors import UsageError

TOOL = Path(__file__).resolve().parents[2]
"""Folder of what the tool brings. Nothing is ever written below it, unless it is the project."""

PROJECT_VARIABLE = "PACKAGING_SPIKE_PROJECT"
"""Environment variable with the project's folder. ``tasks.py`` and ``noxfile.py`` set it."""

HOST_PROGRAMS_VARIABLE = "SPIKE_HOST_PROGRAMS"
"""Environment variable with the folder of the host's programs, where they were compiled elsewhere:
``nox -s windows`` compiles none under Wine, and sets it."""

HELLO = "sidecar"
"""Folder of a project's own sidecar, whose record is ``decision-record.md``."""

HELLO_NAME = "sidecar-hello"
"""Name of this repository's own, whose protocol is the plan's."""

RECORD_NAME = "decision-record.md"

_ARCH = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEM = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
_TRIPLE = {
    "linux": "{cpu}-unknown-linux-gnu",
    "darwin": "{cpu}-apple-darwin",
    "win32": "{cpu}-pc-windows-msvc",
}


def project() -> Path:
    """Folder of the project: as ``tasks.py`` or ``noxfile.py`` said, else the tool's own."""
    named = os.environ.get(PROJECT_VARIABLE, "")
    return Path(named).resolve() if named else TOOL


def enter(project_file: str) -> None:
    """Work for a project from now on, in this process and those that it starts.

    Args:
        project_file: The ``__file__`` of its ``tasks.py`` or ``noxfile.py``.
    """
    os.environ[PROJECT_VARIABLE] = str(Path(project_file).resolve().parent)


def tool_environment() -> dict[str, str]:
    """Environment changes with which another Python runs the tool's modules for this project."""
    return {
        "PYTHONPATH": str(TOOL),
        "PYTHONDONTWRITEBYTECODE": "1",
        PROJECT_VARIABLE: str(project()),
    }


def system_name() -> str:
    """The plan's name of this platform: ``Windows``, ``macOS`` or ``Linux``."""
    return _SYSTEM.get(sys.platform, platform.system())


def arch_name() -> str:
    """The plan's name of this architecture: ``x64`` or ``arm64``."""
    machine = platform.machine().lower()
    return _ARCH.get(machine, machine)


def platform_id() -> str:
    """Name of this platform in result paths, such as ``linux-x64``."""
    return f"{system_name().lower()}-{arch_name()}"


def target_triple() -> str:
    """Rust's name of this platform, which Tauri appends to an ``externalBin``.

    Derived from Python alone, so that builds need no Rust; the host check compares it with
    ``rustc --print host-tuple``.

    Raises:
        UsageError: This platform has no name here.
    """
    cpu = {"x64": "x86_64", "arm64": "aarch64"}.get(arch_name())
    template = _TRIPLE.get(sys.platform)
    if cpu is None or template is None:
        raise UsageError(
            f"No target triple is known for {sys.platform} on {platform.machine()}.",
            try_next="add it to spike/core/workspace.py",
        )
    return template.format(cpu=cpu)


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The folders of one sidecar in one project.

    Attributes:
        root: The project's folder.
        sidecar_name: The sidecar's name.
        is_own: Whether it is the project's own sidecar.
        platform: Whose results and reports are meant, such as ``linux-arm64-3.12``; empty for
            those that are measured here.
        python: Name of another Python than the sidecar's own, such as ``3.13``: what is built and
            measured with it lies apart. Empty for the own one.
    """

    root: Path
    sidecar_name: str
    is_own: bool
    platform: str = ""
    python: str = ""

    @property
    def platform_name(self) -> str:
        """Name of the platform in result paths, with the Python where that is not the own one."""
        return self.platform or platform_id() + (f"-{self.python}" if self.python else "")

    @property
    def dist(self) -> Path:
        """Finished artifacts. The hello sidecar's lie where the plan's commands put them."""
        return self.root / self.dist_relative

    @property
    def dist_relative(self) -> Path:
        """``dist`` as a packager is told it, relative to its working folder."""
        base = Path("dist", f"python-{self.python}") if self.python else Path("dist")
        return base if self.is_own else base / "sidecars" / self.sidecar_name

    @property
    def build(self) -> Path:
        """Scratch folders of running builds, and the logs of failed ones."""
        base = self.root / "build" / self.sidecar_name
        return base / f"python-{self.python}" if self.python else base

    @property
    def results(self) -> Path:
        """Result files of the platform."""
        base = self.root / "benchmarks" / "results" / self.platform_name
        return base if self.is_own else base / "sidecars" / self.sidecar_name

    @property
    def record(self) -> Path:
        """The decision record."""
        return (self.root if self.is_own else self.results) / RECORD_NAME

    @property
    def reports(self) -> Path:
        """The generated reports of the platform, which the record links to."""
        if self.is_own:
            return self.root / "benchmarks" / "report" / self.platform_name
        return self.results / "report"

    @property
    def issues(self) -> Path:
        """The issue log. Only the entries about the hello sidecar are the repository's own."""
        base = self.root / "issues"
        return base if self.is_own else base / "sidecars" / self.sidecar_name

    @property
    def snapshots(self) -> Path:
        """Dated copies of findings, which are never rewritten."""
        base = self.root / "snapshots"
        return base if self.is_own else base / "sidecars" / self.sidecar_name

    def artifact_folder(self, packager: str, mode: str) -> Path:
        """Folder of one variant: ``dist/nuitka`` for the plan's onefile, else with the mode."""
        return self.dist / artifact_folder_name(packager, mode)


def artifact_folder_name(packager: str, mode: str) -> str:
    """The plan writes ``dist/nuitka`` and ``dist/pyinstaller``; other modes carry their name."""
    return packager if mode == "onefile" else f"{packager}-{mode}"


def display_path(path: Path) -> str:
    """``path`` as it may be published: relative to project or tool, or to the home folder."""
    resolved = path.absolute()
    for base, prefix in ((project(), ""), (TOOL, ""), (Path.home(), "~/")):
        try:
            return prefix + resolved.relative_to(base).as_posix()
        except ValueError:
            continue
    return resolved.as_posix()


def command_path(path: Path) -> str:
    """A path as a command in a message names it, quoted where a shell would take it apart.

    Args:
        path: The file or folder; POSIX shells expand the ``~`` in front, those of Windows do not.
    """
    shown = display_path(path)
    shown = f"./{shown}" if shown.startswith("-") else shown  # else it is an option
    home = "~/" if shown.startswith("~/") else ""
    if os.name == "nt":
        shown = path.absolute().as_posix() if home else shown
        return f'"{shown}"' if re.search(r"[^\w./:-]", shown) else shown
    return home + shlex.quote(shown.removeprefix(home))


def brought(relative: str) -> str:
    """A file or folder that the tool brings, as a message names it: by a path that is there.

    Args:
        relative: Its path below :data:`TOOL`, with slashes.
    """
    if project() == TOOL:
        return relative
    path = TOOL / relative
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def publishable(text: str) -> str:
    """``text`` without this machine's paths: as :func:`display_path` would show each of them."""
    for root in dict.fromkeys((project(), TOOL)):
        text = _renamed(text.replace(f"{root}{os.sep}", ""), root, ".")
    return _renamed(text, Path.home(), "~")


def _renamed(text: str, folder: Path, name: str) -> str:
    """Another name for a folder, and none for one that only begins like it: app, app-data."""
    return re.sub(rf"{re.escape(str(folder))}(?![\w-])", name, text)

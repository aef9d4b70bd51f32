"""What a packager's file returns: values that describe a build."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from spike.core.workspace import artifact_folder_name
from spike.project import copies, imports
from spike.project.sidecar import Sidecar

STAGED = Path("sidecar")
"""Folder in the build's working folder that holds the copy of the sidecar being packaged."""

OVERLAY = Path("overlay")
"""Folder there for libraries that are rewritten for a faster start; see docs/fast-start.md."""

TABLES = "sidecar_fast_tables"
"""The module there that hands out what was made beforehand; the program imports it first."""

FAST = "-fast"
"""How the modes end that build with rewritten libraries, whether or not the sidecar asks for it."""

FAST_PRICE = (
    "The build tries the program and proves the rewritten libraries, which takes a minute or more; "
    "the first request pays for what it is the first to need."
)

STEADY_ORDER = {"PYTHONHASHSEED": "0"}
"""For a packager that writes sets into its archive: the same order each time (PyInstaller's manual,
"Creating a Reproducible Build"). Nuitka does this by itself."""


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """What a packager has put into a program.

    Attributes:
        modules: Dotted names of the modules, as far as they can be told.
        files: Paths of the other files, relative to what is ``__file__``'s folder in the program.
        tells_metadata: Whether distributions' metadata is among them when it shipped; a compiler
            may put what the program asks of it into the code.
        tells_standard: Whether all modules of Python itself are among those named; some packagers
            have a part of them in their launcher.
        has_python: Whether ``sys.executable`` is a Python there, and not the program.
    """

    modules: frozenset[str]
    files: frozenset[str]
    tells_metadata: bool = True
    tells_standard: bool = False
    has_python: bool = False

    def has_file(self, path: str) -> bool:
        """Whether a file shipped, wherever the packager has put it."""
        return path in self.files or any(other.endswith("/" + path) for other in self.files)


def listing(work: Path, recipe: Recipe) -> Shipped:
    """What lies in the folder that ships: code as files or in archives, and everything else."""
    folder = work / (recipe.folder or recipe.output)
    files: set[str] = set()
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        relative = path.relative_to(folder).as_posix().removeprefix("lib/")
        if path.suffix == ".zip":
            with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
                files.update(archive.namelist())
        else:
            files.add(relative)
    modules = {module_of(path) for path in files} - {""}
    return Shipped(modules=frozenset(modules), files=frozenset(files))


def module_of(path: str) -> str:
    """Dotted name of the module that a file of code holds; empty for a file of another kind."""
    if not path.endswith((".py", ".pyc", ".so", ".pyd")):
        return ""
    *folders, name = path.split("/")
    # _bisect.cpython-311-x86_64-linux-gnu.so, _rust.abi3.so
    stem = name.split(".")[0]
    return ".".join([*folders, *([] if stem == "__init__" else [stem])])


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What a compiler is given.

    Attributes:
        modules: Modules that become C.
        source_bytes: Bytes of their sources.
    """

    modules: int
    source_bytes: int


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
        shipped: Tells what came to be in the program, from the working folder as the packager
            has left it.
        overlay: Where the builder puts rewritten libraries before the packager runs, if they can be
            proved; None where they are not asked for, or where the packager cannot take them.
        compiled: Tells what will be compiled, which takes most of a build's time; None for a
            packager that compiles nothing.
    """

    argv: tuple[str, ...]
    output: Path
    artifact: Path
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    discard: tuple[Path, ...] = ()
    files: Mapping[Path, str] = field(default_factory=dict)
    shipped: Callable[[Path, Recipe], Shipped] = listing
    overlay: Path | None = None
    compiled: Callable[[], Workload] | None = None


def prepare(recipe: Recipe, sidecar: Sidecar, work: Path) -> None:
    """Put into a build's working folder what its packager needs there.

    Raises:
        OSError: Something cannot be read or written.
    """
    copies.stage(sidecar, work / STAGED)
    (work / recipe.output.parent).mkdir(parents=True, exist_ok=True)
    for relative, content in recipe.files.items():
        (work / relative).parent.mkdir(parents=True, exist_ok=True)
        (work / relative).write_text(content, encoding="utf-8")


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
    def distribution(self) -> str | None:
        """Name of its distribution, whose installed version is recorded; None for Python itself."""

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


def overlay_of(sidecar: Sidecar, mode: str) -> Path | None:
    """Where rewritten libraries go; None for a mode that has none and a sidecar that asks for none.

    Args:
        sidecar: What is built.
        mode: A mode of a packager that can take them.
    """
    return OVERLAY if sidecar.fast_start or mode.endswith(FAST) else None


def module_places(
    sidecar: Sidecar, *, with_script: bool = False, overlay: Path | None = None
) -> list[str]:
    """Where a packager finds a sidecar's own modules, the first place first.

    Args:
        sidecar: Whose modules.
        with_script: Whether the packager does not look beside the script by itself.
        overlay: Where rewritten libraries lie, which come first.
    """
    places = [overlay] if overlay else []
    places += [(STAGED / sidecar.entry).parent] if with_script else []
    return [place.as_posix() for place in (*places, *further_roots(sidecar))]


def module_path(places: Sequence[str]) -> dict[str, str]:
    """The variable that tells a packager these places; empty for none."""
    return {"PYTHONPATH": os.pathsep.join(places)} if places else {}


def excluded(sidecar: Sidecar) -> tuple[str, ...]:
    """Modules that must not ship: those that the author leaves out, and the packager's own."""
    own = (*sidecar.loaded_by_name, *sidecar.collect)
    brought = (
        module
        for module in imports.unpinned_modules(sidecar)
        if not any(f"{name}.".startswith(f"{module}.") for name in own)
    )
    return tuple(dict.fromkeys([*sidecar.exclude, *brought]))


def collects_own(sidecar: Sidecar) -> bool:
    """Whether a package of the sidecar's own is to ship whole."""
    places = [sidecar.folder / root for root in imports.import_roots(sidecar)]
    return any(
        (place / package.replace(".", "/")).is_dir()
        for package in sidecar.collect
        for place in places
    )


def working_folder(sidecar: Sidecar, variant: str) -> Path:
    """Where a variant is built, absolute; every path of its recipe is relative to it."""
    return sidecar.workspace.build / variant / "work"


def output_folder(sidecar: Sidecar, packager: str, mode: str) -> Path:
    """Output folder as the packager is told it, relative to its working folder."""
    return sidecar.workspace.dist_relative / artifact_folder_name(packager, mode)

"""PyInstaller: puts a ready-made launcher in front of the interpreter and the bytecode."""

from __future__ import annotations

import ast
import os
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spike.core.errors import UnsuitableError
from spike.packagers.analysis import module_finder, module_graph, prologue
from spike.packagers.recipe import (
    FAST,
    FAST_PRICE,
    STAGED,
    STEADY_ORDER,
    Mode,
    Recipe,
    Shipped,
    Tool,
    collects_own,
    excluded,
    further_roots,
    module_of,
    module_path,
    module_places,
    output_folder,
    overlay_of,
)
from spike.project.sidecar import Sidecar

_SUFFIX = ".exe" if sys.platform == "win32" else ""

_OWN_IMPORTS = ("inspect", "marshal", "pkgutil", "struct", "zipfile", "zlib")
"""What PyInstaller's bootstrap and its run-time hooks import."""

_KINDS = ("PYMODULE", "PYSOURCE", "EXTENSION", "BINARY", "DATA", "SYMLINK", "ZIPFILE")
"""What entries of its tables of contents can be, as far as something of the user's is in them."""

_LEAN_PRICE = (
    "Not on Windows, where strip breaks libraries. Debug symbols of libraries are gone. A module "
    "of the standard library that is a file of its own and that the sources do not show must be "
    "in hidden_imports"
)


@dataclass(frozen=True, kw_only=True)
class PyInstaller:
    """See :class:`spike.packagers.Packager`."""

    name: str = "pyinstaller"
    distribution: str = "pyinstaller"
    modes: tuple[Mode, ...] = (
        Mode(name="onefile", summary="one file that unpacks itself at every launch (the plan's)"),
        Mode(name="onedir", summary="a folder with the program and what it needs"),
        Mode(
            name="onefile-lean",
            summary="onefile, stripped, with nothing compressed and nothing unreachable in it",
            price=f"{_LEAN_PRICE}. What ships is larger than need be.",
            default=False,
        ),
        Mode(
            name="onedir-lean",
            summary="onedir, stripped, with nothing compressed and nothing unreachable in it",
            price=f"{_LEAN_PRICE}.",
            default=False,
        ),
        Mode(
            name="onefile-fast",
            summary="onefile, with libraries whose imports wait until somebody needs them",
            price=FAST_PRICE,
            default=False,
        ),
        Mode(
            name="onedir-fast",
            summary="onedir, with libraries whose imports wait until somebody needs them",
            price=FAST_PRICE,
            default=False,
        ),
        Mode(
            name="spec",
            summary="what the author's own .spec file makes",
            price="Only the keys for launches count; what ships is for the .spec file to say.",
            default=False,
        ),
    )
    tools: tuple[Tool, ...] = (
        *(
            (
                Tool(
                    anyone_of=("objdump",),
                    purpose="lets PyInstaller find the libraries that a module needs",
                    install="apt-get install binutils",
                ),
            )
            if sys.platform == "linux"
            else ()
        ),
    )

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""
        if mode == "spec":
            return _of_spec(self, sidecar)
        output = output_folder(sidecar, self.name, mode)
        kind = mode.removesuffix("-lean").removesuffix(FAST)
        lean = mode.endswith("-lean")
        overlay = None if lean else overlay_of(sidecar, mode)
        argv = [
            *("pyinstaller", (STAGED / sidecar.entry).as_posix(), f"--{kind}"),
            *("--distpath", output.as_posix(), "--name", sidecar.name),
            *(_lean(sidecar) if lean else []),
            *_contents(sidecar),
        ]
        # Its cache would otherwise be shared by every project of this user.
        env = {**STEADY_ORDER, "PYINSTALLER_CONFIG_DIR": "pyinstaller-cache"}
        if collects_own(sidecar) or overlay:
            # What collects looks for a package on the path, not where --paths says.
            env.update(module_path(module_places(sidecar, with_script=True, overlay=overlay)))
        if lean or overlay:
            env["PYINSTALLER_ZLIB_COMPRESSION_LEVEL"] = "0"
        folder = output / sidecar.name
        return Recipe(
            argv=tuple(argv),
            env=env,
            output=output,
            artifact=(output if kind == "onefile" else folder) / f"{sidecar.name}{_SUFFIX}",
            folder=None if kind == "onefile" else folder,
            files=prologue.files(sidecar, overlay=overlay),
            shipped=_shipped,
            overlay=overlay,
        )


def _of_spec(packager: PyInstaller, sidecar: Sidecar) -> Recipe:
    """Run the author's .spec file, which says by itself what is made of what.

    Raises:
        UnsuitableError: There is none, or it does not say in plain words what its program is
            called.
    """
    if not sidecar.spec:
        raise UnsuitableError(
            f"pyinstaller-spec needs a .spec file, and {sidecar.name} names none.",
            try_next='[tool.sidecar.pyinstaller] spec = "my-service.spec"',
        )
    names = spec_names((sidecar.folder / sidecar.spec).read_text(encoding="utf-8"))
    program, collected = names.get("EXE"), names.get("COLLECT")
    if not program:
        raise UnsuitableError(
            f"{sidecar.spec} does not say in plain text what its program is called.",
            why="Its EXE(...) has no name= that is a text.",
            try_next=f'EXE(..., name="{sidecar.name}")',
        )
    output = output_folder(sidecar, packager.name, "spec")
    folder = output / collected if collected else None
    return Recipe(
        argv=(
            *("pyinstaller", (STAGED / sidecar.spec).as_posix(), "--distpath", output.as_posix()),
            *sidecar.packager_args.get(packager.name, ()),
        ),
        env={
            **STEADY_ORDER,
            "PYINSTALLER_CONFIG_DIR": "pyinstaller-cache",
            # What the file asks copy_metadata for may be the project itself.
            **module_path(module_places(sidecar, with_script=True) if sidecar.distribution else []),
        },
        output=output,
        artifact=(folder or output) / f"{program}{_SUFFIX}",
        folder=folder,
        shipped=_shipped,
    )


def spec_names(text: str) -> dict[str, str]:
    """Names that a .spec file gives to its EXE and COLLECT, where they are plain texts.

    Raises:
        UnsuitableError: It is not valid Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise UnsuitableError(f"The .spec file is not valid Python: {error}.") from None
    texts = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for word in node.keywords:
                value = word.value
                if word.arg != "name" or node.func.id not in ("EXE", "COLLECT"):
                    continue
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[node.func.id] = value.value
                elif isinstance(value, ast.Name) and value.id in texts:
                    found[node.func.id] = texts[value.id]
    return found


def _lean(sidecar: Sidecar) -> list[str]:
    """Options that take out what costs start-up time and is not needed.

    Raises:
        UnsuitableError: On Windows.
    """
    if sys.platform == "win32":
        raise UnsuitableError(
            "Not on Windows: PyInstaller's lean modes strip libraries.",
            why="That breaks them there.",
            try_next=sidecar.nox_command("pyinstaller", "onefile"),
        )
    if sidecar.dependencies:
        # Packages import by name at run time; PyInstaller's hooks know, the sources do not show.
        return ["--strip"]
    reached = module_graph.of(
        sidecar.folder / sidecar.entry,
        text=sidecar.script(),
        folders=further_roots(sidecar, sidecar.folder),
        roots=(*sidecar.loaded_by_name, *_OWN_IMPORTS),
        packages=sidecar.collect,
    )
    # Of the modules that are files only: they bring libraries along (OpenSSL, ncurses, ...).
    unreached = sorted(module_finder.extension_files() - reached.modules.keys())
    return ["--strip"] + [
        f"--exclude-module={name}"
        for name in unreached
        if not name.startswith(("_codecs_", "_multibytecodec"))  # texts come in any encoding
    ]


def _contents(sidecar: Sidecar) -> list[str]:
    """What the sidecar's ``pyproject.toml`` asks for beyond the program itself."""
    options = [f"--hidden-import={module}" for module in sidecar.loaded_by_name]
    options += [f"--collect-all={package}" for package in sidecar.collect]
    options += [f"--copy-metadata={distribution}" for distribution in sidecar.other_metadata]
    options += [f"--exclude-module={module}" for module in excluded(sidecar)]
    options += [f"--paths={place.as_posix()}" for place in further_roots(sidecar)]
    for item, target in sidecar.shipped_beside():
        # PyInstaller takes the destination folder: a file keeps its name, a folder must repeat it.
        place = Path(target).parent.as_posix() if (sidecar.folder / item).is_file() else target
        options += ["--add-data", f"{(STAGED / item).as_posix()}{os.pathsep}{place}"]
    return [*options, *sidecar.packager_args.get("pyinstaller", ())]


def _shipped(work: Path, recipe: Recipe) -> Shipped:
    """What PyInstaller's tables of contents name: the archive's modules, and all files."""
    modules: set[str] = set()
    files: set[str] = set()
    for table in (work / "build").glob("*/*.toc"):
        if table.name.startswith("Analysis-"):
            continue  # what was found, not what was put in
        try:
            content = ast.literal_eval(table.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        for name, kind in _entries(content):
            if kind in ("PYMODULE", "PYSOURCE"):
                modules.add(name)
            elif kind == "EXTENSION":
                modules.add(module_of(name.replace(os.sep, "/")) or name)
            files.add(name.replace(os.sep, "/"))
    for archive in (work / "build").glob("*/base_library.zip"):
        with zipfile.ZipFile(archive) as base:
            modules.update(map(module_of, base.namelist()))
    return Shipped(modules=frozenset(modules), files=frozenset(files), tells_standard=True)


def _entries(content: object) -> Iterator[tuple[str, str]]:
    """Name and kind of each entry of a table, which is a list of such tuples at some depth."""
    if isinstance(content, tuple | list):
        name, kind = (content[0], content[2]) if len(content) >= 3 else (None, None)
        if isinstance(name, str) and isinstance(kind, str) and kind in _KINDS:
            yield name, kind
            return
        for part in content:
            yield from _entries(part)


PYINSTALLER = PyInstaller()

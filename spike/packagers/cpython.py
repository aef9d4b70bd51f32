"""CPython itself: the Python that runs the build, in a folder with the sidecar and what it needs.

Nothing is frozen: ``sys.executable`` is an interpreter, every dependency lies there as it is
installed, and what is imported by name, or by code that is only loaded at the user's, is found.
"""

from __future__ import annotations

import functools
import json
import platform
import re
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spike.core.errors import UnsuitableError
from spike.packagers.analysis import prologue
from spike.packagers.recipe import (
    FAST_PRICE,
    STAGED,
    STEADY_ORDER,
    Mode,
    Recipe,
    Shipped,
    Tool,
    listing,
    module_of,
    output_folder,
    overlay_of,
)
from spike.project import imports, sidecarlock
from spike.project.sidecar import Sidecar
from spike.project.sources import NOT_OF_THE_PROGRAM

SCRIPT = Path("python_folder.py")
"""Where the script that fills the folder is staged; settings and C source lie beside it."""
_SOURCES = Path(__file__).with_name("staged")

OPTIONS = ("-I", "-B")
"""The sidecar's Python obeys no variables and no user's packages, and writes no bytecode."""
_RESERVED = ("bin", "lib")


@dataclass(frozen=True, kw_only=True)
class CPython:
    """See :class:`spike.packagers.Packager`."""

    name: str = "cpython"
    distribution: None = None
    modes: tuple[Mode, ...] = (
        Mode(
            name="folder",
            summary="a folder with a whole Python, for plugins and subprocesses of sys.executable",
            price="Linux with glibc. The most files, and more of the standard library than the "
            "program uses. It starts as Python does, with site, before the program's own imports. "
            "Dependencies lie there in readable source, the sidecar's own modules as bytecode. In "
            "a list of processes it is python3, and so is sys.executable: a program that starts "
            "itself again does it by sys.orig_argv. A child process that it starts with "
            "sys.executable obeys PYTHONHOME and PYTHONPATH unless it is given -I.",
            default=False,
        ),
        Mode(
            name="folder-fast",
            summary="folder, with libraries whose imports wait until somebody needs them",
            price=f"As folder. {FAST_PRICE}",
            default=False,
        ),
    )
    tools: tuple[Tool, ...] = (
        Tool(
            anyone_of=("gcc", "clang", "cc"),
            purpose="compiles the program that starts the folder's Python",
            install="apt-get install build-essential",
        ),
        Tool(
            anyone_of=("strip",),
            purpose="takes the symbols for debuggers out of libpython",
            install="apt-get install binutils",
        ),
        Tool(
            anyone_of=("patchelf",),
            purpose="makes the interpreter find its libraries relative to itself",
            install="apt-get install patchelf",
        ),
    )

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""
        _check(sidecar)
        output = output_folder(sidecar, self.name, mode)
        found = imports.followed(sidecar)
        roots = tuple(
            dict.fromkeys([PurePosixPath(sidecar.entry).parent.as_posix(), *found.roots[1:]])
        )
        overlay = overlay_of(sidecar, mode)
        staged = prologue.files(sidecar, overlay=overlay)
        settings = {
            "collect": sidecar.collect,
            "data": [
                *(item for item, _ in sidecar.shipped_beside()),
                *_collected(sidecar, roots),
            ],
            "distributions": _distributions(sidecar),
            "exclude": sidecar.exclude,
            "hidden_imports": sidecar.loaded_by_name,
            "metadata": sidecar.other_metadata,
            "overlay": overlay.as_posix() if overlay else "",
            "modules": sorted(
                {
                    sidecar.entry,
                    *(path.relative_to(STAGED).as_posix() for path in staged),
                    *_modules(sidecar, found.files, roots),
                }
            ),
            "program": sidecar.name,
            "roots": roots,
        }
        script = f"lib/app/{PurePosixPath(sidecar.entry).with_suffix('.pyc')}"
        options = (*OPTIONS, *sidecar.packager_args.get(self.name, ()))
        return Recipe(
            argv=("python", SCRIPT.as_posix(), output.as_posix()),
            env=STEADY_ORDER,
            output=output,
            artifact=output / sidecar.name,
            folder=output,
            files={
                SCRIPT: (_SOURCES / SCRIPT).read_text(encoding="utf-8"),
                SCRIPT.with_suffix(".json"): json.dumps(settings, indent=1),
                SCRIPT.with_suffix(".c"): _program(script, options),
                **staged,
            },
            shipped=functools.partial(_shipped, roots),
            overlay=overlay,
        )


def _check(sidecar: Sidecar) -> None:
    instead = sidecar.nox_command("pyinstaller", "onedir")
    if sys.platform != "linux":
        raise UnsuitableError(
            "cpython-folder is for Linux.",
            why="How a Python finds its libraries from any place is different on each system.",
            try_next=instead,
        )
    if platform.python_implementation() != "CPython" or platform.libc_ver()[0] != "glibc":
        raise UnsuitableError(
            "cpython-folder is for CPython on glibc.",
            why=f"This is {platform.python_implementation()} on "
            f"{platform.libc_ver()[0] or 'another C library'}.",
            try_next=instead,
        )
    if sidecar.name in _RESERVED:
        raise UnsuitableError(
            f"cpython-folder cannot have a program that is called {sidecar.name!r}.",
            why="A folder beside it has that name.",
            try_next='[project] name = "my-service"',
        )


def _distributions(sidecar: Sidecar) -> list[str]:
    """What the sidecar's lock pins; pip and what else the packager's environment has stay out."""
    if sidecar.lock is None or not sidecar.lock.is_file():
        return []
    return sorted(sidecarlock.pinned(sidecar.lock.read_text(encoding="utf-8")))


def _modules(sidecar: Sidecar, reached: frozenset[str], roots: Sequence[str]) -> list[str]:
    """The sidecar's own modules: those that its imports reach, and all that plugins may be."""
    kept = []
    for file in sidecar.source_files():
        path = file.as_posix()
        names = [name for root in roots if (name := _name(path, root))]
        if not names or any(
            f"{name}.".startswith(f"{e}.") for name in names for e in sidecar.exclude
        ):
            continue
        if path in reached or not (path in sidecar.smoke or NOT_OF_THE_PROGRAM.search(path)):
            kept.append(path)
    return kept


def _collected(sidecar: Sidecar, roots: Sequence[str]) -> list[str]:
    """The data of own packages that ship whole; their modules do in any case."""
    wanted = [
        (PurePosixPath(root) / package.replace(".", "/")).as_posix() + "/"
        for root in roots
        for package in sidecar.collect
    ]
    files = (path.as_posix() for path in sidecar.source_files() if path.suffix != ".py")
    return [path for path in files if path.startswith(tuple(wanted))]


def _name(path: str, root: str) -> str:
    """Dotted name of a module below an import root; empty for what cannot be imported there.

    A name that no statement can import may still be imported by name: Django's 0001_initial.
    """
    base = "" if root in ("", ".") else f"{root}/"
    if not path.startswith(base) or path.endswith((".pyc", ".pyd")):
        return ""
    name = module_of(path[len(base) :])
    return name if all(re.fullmatch(r"\w+", part) for part in name.split(".")) else ""


def _program(script: str, options: Sequence[str]) -> str:
    """The C source of what starts it, with its two constants."""
    source = (_SOURCES / SCRIPT).with_suffix(".c").read_text(encoding="utf-8")
    words = ", ".join(f'"{_escaped(word)}"' for word in options)
    return source.replace("/* OPTIONS */", words).replace("/* SCRIPT */", _escaped(script))


def _escaped(text: str) -> str:
    """A text as it stands in a C string, of which no compiler has to know the encoding."""
    plain = "-_./= "
    return "".join(
        chr(byte)
        if chr(byte) in plain or (chr(byte).isascii() and chr(byte).isalnum())
        else f"\\{byte:03o}"
        for byte in text.encode()
    )


def _shipped(roots: Sequence[str], work: Path, recipe: Recipe) -> Shipped:
    """What lies in the folder, by the names that each of its search paths gives it."""
    # What lies below lib is listed without it; some systems have the standard library in lib64.
    library = f"{sys.platlibdir}/python{sysconfig.get_python_version()}".removeprefix("lib/")
    places = (
        *(f"app/{root}/" for root in roots if root not in ("", ".")),
        *("app/", f"{library}/site-packages/", f"{library}/lib-dynload/", f"{library}/"),
    )
    files: set[str] = set()
    modules: set[str] = set()
    for path in listing(work, recipe).files:
        if "/__pycache__/" in path:
            continue
        inner = [path.removeprefix(place) for place in places if path.startswith(place)]
        files.update(inner or [path])
        modules.update(module_of(each) for each in inner)
    return Shipped(modules=frozenset(modules - {""}), files=frozenset(files), has_python=True)


CPYTHON = CPython()

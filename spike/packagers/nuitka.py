"""Nuitka: compiles the program to C and links it with libpython.

Licence: Nuitka is AGPLv3 with a runtime exception for the programs that it compiles.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from spike.core import windows
from spike.core.errors import UnsuitableError
from spike.core.workspace import system_name
from spike.packagers.analysis import module_graph, opcode_tables, prologue
from spike.packagers.analysis.interpreter_imports import START_UP
from spike.packagers.recipe import (
    FAST,
    FAST_PRICE,
    STAGED,
    Mode,
    Recipe,
    Shipped,
    Tool,
    Workload,
    excluded,
    further_roots,
    listing,
    module_path,
    module_places,
    output_folder,
    overlay_of,
)
from spike.project import distribution
from spike.project.sidecar import Sidecar

_SUFFIX = ".exe" if sys.platform == "win32" else ".bin"

_ON_WINDOWS = ("--windows-console-mode=force",) if sys.platform == "win32" else ()
"""A console program, whose window its host suppresses (CREATE_NO_WINDOW): it has a console that
Ctrl-C and a stop can reach, and its streams work in a terminal, too. That is Nuitka's default."""

_UNDER_WINE = (
    "--mingw64",
    "--experimental=force-accept-windows-gcc",
    "--experimental=force-dependencies-pefile",
    "--disable-ccache",
)
"""What Nuitka has to be told to take the compiler that Wine has: ``spike/wine/compiler.py``."""

PLUGIN = Path("start_up.py")
"""Where the plugin is staged; its settings lie beside it."""
_PLUGIN_SOURCE = Path(__file__).with_name("staged") / "start_up.py"

FROZEN = ("_collections_abc", "abc", "codecs", "genericpath", "io", "os", "posixpath", "stat")
"""Modules that CPython has as ready-made objects from 3.11 on; Nuitka would ship their bytecode."""

_METADATA = Path("metadata")
"""Folder in the build's working folder for what an installer would know of the project."""

_REACH_PRICE = (
    "Linux, with a static libpython. A module of the standard library that the sources do not "
    "show (getattr with a name made at run time) must be in hidden_imports"
)
_DEBIAN_ARCHIVES = ("libexpat.a", "libz.a")
"""Of libexpat1-dev and zlib1g-dev, on which libpython3-dev depends."""

_SINGLE_PRICE = (
    f"{_REACH_PRICE}. No data files, and no module in a file of its own: a program that cannot do "
    "without one is refused, with its name. Encodings that need such a module (Chinese, Japanese, "
    "Korean, with pyenv's Python) are unknown. From 3.13 on dis.stack_effect is not there"
)
NEWEST_LEAN = (3, 13)
LEAN_VERSIONS = "3.11 to 3.13"
"""Pythons for which the lean modes were built and launched."""

_LEAN_PRICE = (
    f"Python {LEAN_VERSIONS}, Nuitka 4.3.3 (a plugin edits what it generates), gcc or clang. The "
    "program's address is fixed (no PIE), as Debian's own python3's is. os, io, abc and codecs "
    "have no __file__. In one file, glibc is linked in where its libc.a is there and it opens no "
    "socket: it then uses no locale but UTF-8, Latin-1 and C, and knows no users but those of "
    "/etc/passwd"
)


@dataclass(frozen=True, kw_only=True)
class Nuitka:
    """See :class:`spike.packagers.Packager`."""

    name: str = "nuitka"
    distribution: str = "nuitka"
    modes: tuple[Mode, ...] = (
        Mode(name="onefile", summary="one file that unpacks itself at every launch (the plan's)"),
        Mode(name="standalone", summary="a folder with the program and what it needs"),
        Mode(
            name="single",
            summary="one file that unpacks nothing",
            price=f"{_SINGLE_PRICE}.",
            default=False,
        ),
        Mode(
            name="lean",
            summary="single, with start-up work removed",
            price=f"{_SINGLE_PRICE}. {_LEAN_PRICE}.",
            default=False,
        ),
        Mode(
            name="standalone-lean",
            summary="standalone, with start-up work removed",
            price=f"{_REACH_PRICE}. {_LEAN_PRICE}.",
            default=False,
        ),
        Mode(
            name="cached",
            summary="one file that unpacks itself into the user's cache, once",
            price="The first launch is as slow as onefile's. The cache is never removed, one "
            "folder for each version of the sources; it has no lock, so first launches at the "
            "same time can disturb each other. Every launch checks every cached file.",
            default=False,
        ),
        Mode(
            name="onefile-fast",
            summary="onefile, with libraries whose imports wait until somebody needs them",
            price=FAST_PRICE,
            default=False,
        ),
        Mode(
            name="standalone-fast",
            summary="standalone, with libraries whose imports wait until somebody needs them",
            price=FAST_PRICE,
            default=False,
        ),
    )
    tools: tuple[Tool, ...] = (
        # On Windows Nuitka finds the MSVC build tools where they are, or downloads a compiler.
        *(
            (
                Tool(
                    anyone_of=("gcc", "clang", "cc", "cl"),
                    purpose="compiles the C code that Nuitka writes",
                    install="apt-get install build-essential",
                ),
            )
            if sys.platform != "win32"
            else ()
        ),
        *(
            (
                Tool(
                    anyone_of=("patchelf",),
                    purpose="lets Nuitka set the library path of what it copies",
                    install="apt-get install patchelf",
                ),
            )
            if sys.platform == "linux"
            else ()
        ),
    )

    def recipe(self, sidecar: Sidecar, mode: str) -> Recipe:
        """Describe the build of one mode of one sidecar."""
        if mode in ("single", "lean", "standalone-lean"):
            return _with_plugin(self, sidecar, mode)
        _check_linkable(sidecar)
        output = output_folder(sidecar, self.name, mode)
        stem = Path(sidecar.entry).stem
        kind = mode.removesuffix(FAST)
        overlay = overlay_of(sidecar, mode)
        argv = [
            *_command(sidecar, output, "--standalone" if kind == "standalone" else "--onefile"),
            *(_cached(sidecar) if kind == "cached" else []),
            *_contents(sidecar),
        ]
        leftovers = (output / f"{stem}.build", output / f"{stem}.onefile-build")
        folder = output / f"{stem}.dist"
        in_folder = kind == "standalone"
        return Recipe(
            argv=tuple(argv),
            env=_path(sidecar, overlay=overlay),
            output=output,
            artifact=(folder if in_folder else output) / f"{stem}{_SUFFIX}",
            folder=folder if in_folder else None,
            discard=leftovers if in_folder else (*leftovers, folder),
            files={**prologue.files(sidecar, overlay=overlay), **_own_metadata(sidecar)},
            shipped=_shipped,
            overlay=overlay,
            compiled=lambda: _compiled(sidecar),
        )


def _shipped(work: Path, recipe: Recipe) -> Shipped:
    """The modules that Nuitka has written C code for, and the files of the folder it has made.

    The plan's commands make no report; the C files are named after their modules.
    """
    modules: set[str] = set()
    for source in (work / recipe.output).glob("*.build/module.*.c"):
        modules.add(re.sub(r"@\d+$", "", source.name.removeprefix("module.").removesuffix(".c")))
    made = next(iter((work / recipe.output).glob("*.dist")), None)
    files = listing(work, replace(recipe, folder=made.relative_to(work) if made else None))
    return Shipped(modules=files.modules | modules, files=files.files, tells_metadata=False)


def _reached(
    sidecar: Sidecar,
    *,
    inspect: bool = False,
    direct_imports: bool = False,
    replaced: Collection[tuple[str, str]] = (),
) -> module_graph.Reach:
    """What the program can reach; see :func:`spike.packagers.analysis.module_graph.of`."""
    return module_graph.of(
        sidecar.folder / sidecar.entry,
        text=sidecar.script(),
        folders=further_roots(sidecar, sidecar.folder),
        roots=sidecar.loaded_by_name,
        packages=sidecar.collect,
        inspect=inspect,
        direct_imports=direct_imports,
        ready_made=FROZEN,
        replaced=replaced,
    )


def _compiled(sidecar: Sidecar) -> Workload:
    """What becomes C: the script, the program's own modules and those of its dependencies.

    The standard library ships as bytecode. This follows import statements, as Nuitka does.
    """
    own = [
        module
        for module in _reached(sidecar).modules.values()
        if module.is_own and module.kind == "source"
    ]
    return Workload(
        modules=1 + len(own),
        source_bytes=len(sidecar.script())
        + sum(each.file.stat().st_size for each in own if each.file and each.file.is_file()),
    )


def _command(sidecar: Sidecar, output: Path, kind: str) -> list[str]:
    """The plan's command, with another kind of result where asked for."""
    return [
        *("python", "-m", "nuitka", (STAGED / sidecar.entry).as_posix(), kind),
        "--assume-yes-for-downloads",
        *_ON_WINDOWS,
        *(_UNDER_WINE if windows.emulator() else ()),
        f"--output-dir={output.as_posix()}",
    ]


def _cached(sidecar: Sidecar) -> list[str]:
    """Unpack below the user's cache folder, in a place that other sources never share.

    Two builds of one version would otherwise overwrite each other's files, also while they run.
    """
    place = f"{sidecar.name}/{sidecar.version}-{sidecar.source_sha256()[:12]}"
    return [f"--onefile-tempdir-spec={{CACHE_DIR}}/{place}", "--onefile-as-archive"]


def _with_plugin(packager: Nuitka, sidecar: Sidecar, mode: str) -> Recipe:
    """A standalone build of what the program can reach, in one file or lean or both."""
    lean = mode != "single"
    single = mode != "standalone-lean"
    _check_platform(sidecar, mode)
    stand_ins = opcode_tables.edits() if single else {}
    reached = _reached(
        sidecar,
        inspect=not lean,
        direct_imports=lean,
        replaced=opcode_tables.REPLACED if stand_ins else (),
    )
    if single:
        _check_single_file(sidecar, reached, mode)
    output = output_folder(sidecar, packager.name, mode)
    stem = Path(sidecar.entry).stem
    folder = output / f"{stem}.dist"
    shipped = {"source"} if single else {"source", "extension"}
    names = {name for name, module in reached.modules.items() if module.kind in shipped}
    edits = {name: {**lines, **stand_ins.get(name, {})} for name, lines in reached.edits.items()}
    edits = {**stand_ins, **edits}
    settings = {
        "always": [name for name in START_UP if name in names],
        "codecs": sorted(module_graph.codecs_without_files()),
        "edits": {
            name: {str(line): text for line, text in sorted(edits[name].items())}
            for name in sorted(names.intersection(edits))
        },
        "frozen": sorted(names.intersection(FROZEN)) if lean else [],
        "lazy_inspect": lean,
        "program": f"{stem}{_SUFFIX}",
        "reached": sorted(names),
        "single": single,
        "standard": [
            name
            for name in sorted(names)
            # Nuitka's own plugin decides about the parts of multiprocessing.
            if not reached.modules[name].is_own and name.split(".")[0] != "multiprocessing"
        ],
        "static_libpython": str(_fixed_address_library() or "") if lean else "",
    }
    argv = [
        *_command(sidecar, output, "--standalone"),
        "--static-libpython=yes",
        f"--user-plugin={PLUGIN.as_posix()}",
        *(["--lto=yes"] if lean and single and _is_gcc() else []),
        *_contents(sidecar),
    ]
    return Recipe(
        argv=tuple(argv),
        env={
            **_compiler_settings(
                lean=lean, single=single, static=lean and single and _can_be_static(reached)
            ),
            **_path(sidecar),
        },
        output=output,
        artifact=folder / f"{stem}{_SUFFIX}",
        folder=None if single else folder,
        discard=(output / f"{stem}.build",),
        files={
            PLUGIN: _PLUGIN_SOURCE.read_text(encoding="utf-8"),
            PLUGIN.with_suffix(".json"): json.dumps(settings, indent=1),
            **prologue.files(sidecar, always=lean),
            **_own_metadata(sidecar),
        },
        shipped=_shipped,
        compiled=lambda: _compiled(sidecar),
    )


def _compiler_settings(*, lean: bool, single: bool, static: bool) -> dict[str, str]:
    """Options for compiler and linker, through the environment variables that Nuitka heeds."""
    link = ["-no-pie"] if lean else []
    if static:
        link.append("-static")
    if single and "pyexpat" in sys.builtin_module_names:
        # Debian builds what needs these two libraries into the interpreter; the program that
        # holds it then needs them beside it, unless they are in it whole as well.
        whole = ",".join(f"-l:{name}" for name in _DEBIAN_ARCHIVES)
        link.append(f"-Wl,--whole-archive,{whole},--no-whole-archive,--as-needed")
    settings = {"CFLAGS": "-fno-pie"} if lean else {}
    return {**settings, "LDFLAGS": " ".join(link)} if link else settings


def _is_gcc() -> bool:
    """Whether gcc compiles, which brings what link-time optimisation needs; clang may not.

    Nuitka's runtime is one large C file. Optimised at link time, what a small program does not use
    of it is dropped before it costs time, and the rest is compiled on all processors.
    """
    return Path(os.environ.get("CC", "gcc")).name.startswith("gcc") and bool(shutil.which("gcc"))


def _can_be_static(reached: module_graph.Reach) -> bool:
    """Whether glibc can be linked in, which saves the loader's work: 4 to 6 % of a lean start.

    glibc opens further libraries at run time to look up hosts, and they have to be of its own
    version. So a program that can open a socket stays with the system's glibc.
    """
    return "_socket" not in reached.modules and _has_static_libc()


def _has_static_libc() -> bool:
    folders = ["/usr/lib", "/usr/lib64"]
    if multiarch := sysconfig.get_config_var("MULTIARCH"):
        folders.append(f"/usr/lib/{multiarch}")
    return any(
        all(Path(folder, name).is_file() for name in ("libc.a", "libm.a")) for folder in folders
    )


def _fixed_address_library() -> Path | None:
    """Debian's second static libpython: the one of its own python3, with PGO, for no PIE."""
    folder = Path(str(sysconfig.get_config_var("LIBPL") or ""))
    name = f"libpython{sysconfig.get_python_version()}"
    both = [folder / f"{name}.a", folder / f"{name}-pic.a"]
    return both[0] if all(path.is_file() for path in both) else None


def _check_linkable(sidecar: Sidecar) -> None:
    """Nuitka links with libpython by its bare name, which some Pythons ship under a longer one.

    Raises:
        UnsuitableError: There is neither a library of that name nor an archive.
    """
    if sys.platform != "linux":
        return
    library = f"libpython{sysconfig.get_config_var('LDVERSION') or sysconfig.get_python_version()}"
    base = Path(sys.base_prefix).resolve()
    named = [Path(str(sysconfig.get_config_var(name) or "")) for name in ("LIBPL", "LIBDIR")]
    places = [*named, base / "lib", base / "lib64"]
    if any((p / f"{library}{e}").is_file() for p in places for e in (".so", ".a", "-pic.a")):
        return
    longer = next((path for p in (*places, base) for path in p.glob(f"{library}.so.*")), None)
    raise UnsuitableError(
        f"Nuitka cannot link with this Python: there is neither {library}.so nor {library}.a.",
        why=f"It has {longer.name} alone." if longer else "What it is compiled for is not there.",
        try_next=f"a Python that has one (pyenv's; Debian's with {library}-dev), or "
        + sidecar.nox_command("pyinstaller", "onedir"),
    )


def _check_platform(sidecar: Sidecar, mode: str) -> None:
    instead = sidecar.nox_command("nuitka", "standalone")
    if sys.platform != "linux":
        raise UnsuitableError(
            f"Not on {system_name()}: nuitka-{mode} is for Linux.",
            why="Elsewhere the interpreter is a library of its own, a file beside the program.",
            try_next=instead,
        )
    if mode != "single" and sys.version_info[:2] > NEWEST_LEAN:
        raise UnsuitableError(
            f"nuitka-{mode} is for Python {LEAN_VERSIONS}.",
            why="What Nuitka does at start differs with each version, and so what can be put off.",
            try_next=sidecar.nox_command(
                "nuitka", mode.replace("-lean", "").replace("lean", "single")
            ),
        )
    library = f"libpython{sysconfig.get_python_version()}"
    places = [Path(str(sysconfig.get_config_var(name) or "")) for name in ("LIBPL", "LIBDIR")]
    if not any((place / f"{library}{end}.a").is_file() for place in places for end in ("", "-pic")):
        raise UnsuitableError(
            f"nuitka-{mode} needs {library}.a, which this Python does not have.",
            why="Without it the interpreter is a library of its own, a file beside the program.",
            try_next=f"apt-get install libpython{sysconfig.get_python_version()}-dev (Debian's "
            f"Python), a Python from pyenv, or {instead}",
        )


def _check_single_file(sidecar: Sidecar, reached: module_graph.Reach, mode: str) -> None:
    instead = sidecar.nox_command("nuitka", "standalone")
    if sidecar.data:
        raise UnsuitableError(
            f"nuitka-{mode} cannot package {sidecar.name}: it ships {sidecar.data[0]!r}, which "
            "needs a place beside the program.",
            try_next=instead,
        )
    if needed := reached.indispensable():
        module = needed[0]
        importers = sorted(importer for importer, _ in module.importers)
        others = len(needed) - 1
        raise UnsuitableError(
            f"nuitka-{mode} cannot package {sidecar.name}: it needs the module {module.name!r}, "
            f"which is a file of its own ({module.file and module.file.name})"
            + (f", and {others} more such modules." if others else "."),
            why=f"{module.name} is imported by {importers[0]}; a single file has no place for it.",
            try_next=instead
            + (
                ", or a Python that has it built in (Debian's has many)"
                if not module.is_own
                else ""
            ),
        )


def _path(sidecar: Sidecar, *, overlay: Path | None = None) -> dict[str, str]:
    further = [_METADATA.as_posix()] if sidecar.distribution else []
    return module_path([*module_places(sidecar, overlay=overlay), *further])


def _own_metadata(sidecar: Sidecar) -> dict[Path, str]:
    """What an installer would know of the project, in a folder of its own on the module path.

    Nuitka keeps the metadata of a distribution that has a module in the program, which it reads
    from the list of files. One script is a project's whole code at times; every program has that.
    """
    if sidecar.distribution is None:
        return {}
    said = sidecar.distribution
    files = {_METADATA / path: text for path, text in distribution.files(said).items()}
    return {**files, _METADATA / distribution.dist_info(said) / "RECORD": "__main__.py,,\n"}


def _contents(sidecar: Sidecar) -> list[str]:
    """What the sidecar's ``pyproject.toml`` asks for beyond the program itself."""
    options = [f"--include-module={module}" for module in sidecar.loaded_by_name]
    for package in sidecar.collect:
        options += [f"--include-package={package}", f"--include-package-data={package}"]
    options += [f"--nofollow-import-to={module}" for module in excluded(sidecar)]
    own = [sidecar.name] if sidecar.distribution else []
    options += [
        f"--include-distribution-metadata={name}" for name in (*own, *sidecar.other_metadata)
    ]
    for item, target in sidecar.data_targets():
        kind = "dir" if (sidecar.folder / item).is_dir() else "files"
        options.append(f"--include-data-{kind}={(STAGED / item).as_posix()}={target}")
    return [*options, *sidecar.packager_args.get("nuitka", ())]


NUITKA = Nuitka()

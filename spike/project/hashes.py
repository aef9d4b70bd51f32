"""Keeps of a lock's hashes those of files that can be installed where this tool builds.

A resolver names every file of a release: PyPy's, free-threaded ones, those for a mainframe or a
phone, nine in ten of a large package. A lock has the files for CPython of the supported versions,
on the systems that the workflows measure on and on the one that locks, and each release's sources:
what has no file for a system is built from these.

    python -m spike.project.hashes LOCK...      # rewrites locks, with the versions that they have
"""

from __future__ import annotations

import platform
import re
import sysconfig
import tomllib
from collections.abc import Collection, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final

from spike.core import process, workspace
from spike.core.command_line import run_command_line, say
from spike.core.errors import MissingToolError, StorageError
from spike.project.interpreters import SUPPORTED

SYSTEMS: Final = r"any|(manylinux\w*|linux)_(x86_64|aarch64)|win_amd64|macosx_\w+"
"""Platform tags of wheels for Linux with glibc, Windows and macOS, as the workflows have them."""

_TIMEOUT_S = 600.0
"""Seconds that the resolver may take."""

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_FILE = re.compile(r"-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<system>[^-]+)\.whl")


def main(arguments: list[str]) -> int:
    """Rewrite locks, each by what the resolver says of the versions that it has."""
    for argument in arguments:
        path = Path(argument).resolve()
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from None
        words = ("uv", "pip", "compile", path.name, "--quiet", "--universal", "--no-deps")
        argv = [*words, "--python-version", SUPPORTED[0], "--generate-hashes"]
        new = lean(text, argv, cwd=path.parent)
        if new == text:
            continue
        try:
            path.write_text(new, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{path} cannot be written: {error.strerror}.") from None
        fewer = text.count("\n") - new.count("\n")
        say(f"{workspace.display_path(path)} written; hashes left out: {fewer}")
    return 0


def lean(
    text: str,
    argv: Sequence[str],
    *,
    cwd: Path,
    stdin: bytes | None = None,
    pythons: Collection[str] = (),
) -> str:
    """Resolved requirements without the hashes of files that nobody installs.

    Args:
        text: The requirements, as the resolver wrote them.
        argv: The command that resolved them; it is asked again for the names of the files.
        cwd: Where it ran.
        stdin: What it read.
        pythons: Versions that are wanted beside the supported ones, such as ``3.15``.

    Returns:
        The same text where the resolver is too old to name files.
    """
    files = _files(argv, cwd, stdin)
    if not files:
        say("note: the names of the files are not known, so every hash is kept")
    return kept(text, files, pythons={*SUPPORTED, *pythons}, here=system_here())


def kept(text: str, files: Mapping[str, str], *, pythons: Collection[str], here: str) -> str:
    """Requirements with the hashes of those files alone that are usable.

    Args:
        text: The requirements, a hash a line.
        files: SHA-256 to file name. What a release has beside these is for another Python; a
            release of which none is known, or none is usable, keeps all.
        pythons: See :func:`usable`.
        here: See :func:`usable`.
    """
    found = {digest for digest, name in files.items() if usable(name, pythons=pythons, here=here)}
    blocks = []
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):
        wanted = found.intersection(_HASH.findall(block))
        lines = [
            line
            for line in block.split("\n")
            if not wanted or not (digest := _HASH.search(line)) or digest[1] in wanted
        ]
        hashes = [index for index, line in enumerate(lines) if _HASH.search(line)]
        if hashes:
            lines[hashes[-1]] = lines[hashes[-1]].removesuffix(" \\")
        blocks.append("\n".join(lines))
    return "".join(blocks)


def usable(name: str, *, pythons: Collection[str], here: str) -> bool:
    """Whether a file can be installed: sources always, a wheel by the tags in its name.

    Args:
        name: The file's name.
        pythons: Versions of CPython, such as ``3.11``.
        here: A pattern of platform tags beside :data:`SYSTEMS`; empty for none.
    """
    tags = _FILE.search(name)
    if tags is None:
        return True
    minors = {int(version.split(".")[1]) for version in pythons}
    systems = re.compile(f"{SYSTEMS}|{here}" if here else SYSTEMS)
    return any(
        _for_python(python, abi, minors) and systems.fullmatch(system)
        for python, abi, system in product(*(tags[key].split(".") for key in tags.groupdict()))
    )


def _for_python(python: str, abi: str, minors: Collection[int]) -> bool:
    """Whether one of these minor versions of CPython 3 takes a wheel with such tags."""
    named = re.fullmatch(r"(cp|py)3(\d*)", python)
    if named is None:
        return False
    minor = int(named[2] or 0)
    if named[1] == "py":
        return abi == "none" and minor <= max(minors)
    if abi == "abi3":
        return minor <= max(minors)
    return minor in minors and abi in ("none", python)


def system_here() -> str:
    """A pattern of the platform tags of the system that this runs on."""
    name = re.sub(r"[-.]", "_", sysconfig.get_platform())
    system, _, machine = name.partition("_")
    if system == "linux":
        family = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
        return rf"({family}\w*|linux)_{machine}"
    return name if system.startswith("win") else ""


def _files(argv: Sequence[str], cwd: Path, stdin: bytes | None) -> dict[str, str]:
    """SHA-256 to file name, of everything that a command of uv resolves; empty when it cannot."""
    words = [*argv, "--format", "pylock.toml"]
    try:
        done = process.capture(words, cwd=cwd, stdin=stdin, timeout_s=_TIMEOUT_S)
        packages = tomllib.loads(done.output).get("packages", []) if done.ok else []
    except (MissingToolError, tomllib.TOMLDecodeError):
        return {}
    files = [
        file
        for package in packages
        for file in (*package.get("wheels", []), package.get("sdist", {}))
        if "sha256" in file.get("hashes", {})
    ]
    return {file["hashes"]["sha256"]: _name(file) for file in files}


def _name(file: Mapping[str, str]) -> str:
    """The name of a file of a ``pylock.toml`` (PEP 751), from whichever place it gives."""
    given = file.get("name") or file.get("url") or file.get("path") or ""
    return given.partition("#")[0].rpartition("/")[2]


if __name__ == "__main__":
    run_command_line(main)

"""The Nox sessions of a project: one that builds for each packager, and those of a sidecar.

A repository that uses this tool has a ``noxfile.py`` of two lines::

    from spike.build import nox_sessions
    nox_sessions.declare(__file__)

Sessions are thin: install a hashed lock, call one command, stop. Nothing is imported here but the
standard library, nox and modules that need no more.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import nox

from spike.core.errors import SpikeError
from spike.core.workspace import HELLO, TOOL, enter, project, tool_environment
from spike.packagers import PACKAGERS
from spike.project import sidecarlock
from spike.project.sidecar import load

LOCKS = TOOL / "locks"
"""The tool's own: one lock a packager, and one of the tools."""


def declare(noxfile: str) -> None:
    """Declare the sessions for the project whose ``noxfile.py`` this is.

    Args:
        noxfile: The ``__file__`` of that ``noxfile.py``: its folder is the project's.
    """
    enter(noxfile)
    nox.options.default_venv_backend = "uv|virtualenv"
    nox.options.reuse_existing_virtualenvs = True
    nox.options.error_on_missing_interpreters = True
    for packager in PACKAGERS:
        nox.session(name=f"build_{packager}", tags=["build"])(building(packager))
    nox.session(sidecar_env)
    nox.session(lock)


def building(packager: str) -> Callable[[nox.Session], None]:
    """The session that builds with one packager."""

    def session(session: nox.Session) -> None:
        build(session, packager)

    session.__doc__ = f"Build with {packager} (--mode, --sidecar, --force after --)."
    return session


def build(session: nox.Session, packager: str) -> None:
    """Build one packager's modes; the arguments after ``--`` go to spike/build/builder.py."""
    python = packager_python(session, packager)
    session.run(
        python,
        *("-m", "spike.build", packager, "--lock", str(LOCKS / f"{packager}.txt")),
        *session.posargs,
        env=tool_environment(),
        external=True,
        silent=False,
    )


def sidecar_env(session: nox.Session) -> None:
    """Install a sidecar's own dependencies alone (--sidecar DIR), to run it as a script."""
    name, own_lock = sidecar_lock(session, sidecar_option(session) or HELLO)
    if own_lock is None:
        session.log(f"{name} has no dependencies: any Python runs it")
    else:
        session.log(environment(session, f"sidecar-{name}", own_lock))


def lock(session: nox.Session) -> None:
    """Resolve every environment anew into locks/ (--sidecar DIR: that sidecar's instead)."""
    # The tool's own locks are not another project's to write.
    session.install("uv")
    if folder := sidecar_option(session) or ("" if project() == TOOL else HELLO):
        session.run("python", "-m", "spike.project.sidecarlock", folder, env=tool_environment())
        return
    session.chdir(TOOL)
    for group in ("tools", *PACKAGERS):
        session.run(
            *("uv", "pip", "compile", "pyproject.toml", "--group", group, "--quiet"),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-header", "--no-emit-index-url", "--upgrade"),
            *("--output-file", f"locks/{group}.txt"),
        )


def install_lock(session: nox.Session, *locks: Path) -> None:
    """Install hashed requirements, once: a stamp in the environment remembers which."""
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    stamp = Path(session.virtualenv.location) / "installed-lock"
    if stamp.is_file() and stamp.read_text() == digest:
        return
    options = [word for lock in locks for word in ("-r", str(lock))]
    session.install("--require-hashes", *options)
    stamp.write_text(digest)


def sidecar_option(session: nox.Session) -> str:
    """Return the folder given with --sidecar after ``--``; empty for the project's own."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--sidecar", default="")
    return str(parser.parse_known_args(session.posargs)[0].sidecar)


def sidecar_lock(session: nox.Session, folder: str) -> tuple[str, Path | None]:
    """Return a sidecar's name and its checked lock; a sidecar that is not usable ends the run."""
    try:
        sidecar = load(folder)
        return sidecar.name, sidecarlock.check(sidecar)
    except SpikeError as error:
        session.error(str(error))


def packager_python(session: nox.Session, packager: str) -> str:
    """Install what a build needs and return the Python to build with.

    A sidecar without dependencies is built in the packager's own environment. Every other one has
    an environment per packager, beside it: the packager's lock first, then the sidecar's, whose
    versions win where both name a distribution: it is the sidecar that ships.
    """
    own = LOCKS / f"{packager}.txt"
    name, its_lock = sidecar_lock(session, sidecar_option(session) or HELLO)
    if its_lock is None:
        install_lock(session, own)
        return "python"
    return environment(session, f"build_{packager}-{name}", own, its_lock)


def environment(session: nox.Session, name: str, *locks: Path) -> str:
    """Make ``.nox/NAME`` hold the locks, a later one winning, and return its Python."""
    place = Path(session.virtualenv.location).with_name(name)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    stamp = place / "installed-lock"
    if stamp.is_file() and stamp.read_text() == digest:
        return str(python)
    uv = session.venv_backend == "uv"
    session.run_install(
        *("python", "-m", "venv", "--clear"), *(["--without-pip"] if uv else []), str(place)
    )
    for one in locks:
        options = ("--require-hashes", "--quiet", "-r", str(one))
        if uv:
            # As pip does by itself: without it every start of a script compiles anew.
            session.install("--python", str(python), "--compile-bytecode", *options)
        else:
            session.run_install(str(python), "-m", "pip", "install", *options, external=True)
    stamp.write_text(digest)
    return str(python)

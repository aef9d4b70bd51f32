"""Nox sessions: each packager builds in an environment of its own; checks run in theirs.

    nox -s build_nuitka                      the plan's onefile, and standalone
    nox -s build_nuitka -- --mode onefile    one mode; --force builds an unchanged one again
    nox -s build_nuitka -- --sidecar DIR     another sidecar

Sessions are thin: install a hashed lock, call one command, stop. Nothing is imported here but the
standard library and nox.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "tests"]

ROOT = Path(__file__).resolve().parent
os.environ["PACKAGING_SPIKE_PROJECT"] = str(ROOT)
LOCKS = ROOT / "locks"


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
    """Return the folder given with --sidecar after ``--``; empty for the repository's own."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--sidecar", default="")
    return str(parser.parse_known_args(session.posargs)[0].sidecar)


def sidecar_lock(session: nox.Session, folder: str) -> tuple[str, Path | None]:
    """Return a sidecar's name and its checked lock; a sidecar that is not usable ends the run."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    # The package's loader is standard library only, like everything that runs here.
    from spike.core.errors import SpikeError
    from spike.project import sidecarlock
    from spike.project.sidecar import load

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
    lock = LOCKS / f"{packager}.txt"
    folder = sidecar_option(session)
    name, own_lock = sidecar_lock(session, folder) if folder else ("", None)
    if own_lock is None:
        install_lock(session, lock)
        return "python"
    return environment(session, f"build_{packager}-{name}", lock, own_lock)


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
    for lock in locks:
        options = ("--require-hashes", "--quiet", "-r", str(lock))
        if uv:
            # As pip does by itself: without it every start of a script compiles anew.
            session.install("--python", str(python), "--compile-bytecode", *options)
        else:
            session.run_install(str(python), "-m", "pip", "install", *options, external=True)
    stamp.write_text(digest)
    return str(python)


def build(session: nox.Session, packager: str) -> None:
    """Build one packager's modes; the arguments after ``--`` go to spike/build/builder.py."""
    python = packager_python(session, packager)
    session.run(
        python,
        *("-m", "spike.build", packager, "--lock", str(LOCKS / f"{packager}.txt")),
        *session.posargs,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        external=True,
        silent=False,
    )


@nox.session(tags=["build"])
def build_nuitka(session: nox.Session) -> None:
    """Build the Nuitka variants of the sidecar (--mode, --sidecar, --force after --)."""
    build(session, "nuitka")


@nox.session(tags=["build"])
def build_pyinstaller(session: nox.Session) -> None:
    """Build the PyInstaller variants of the sidecar."""
    build(session, "pyinstaller")


@nox.session(tags=["build"])
def build_cx_freeze(session: nox.Session) -> None:
    """Build the cx_Freeze variant of the sidecar."""
    build(session, "cx_freeze")


@nox.session
def sidecar_env(session: nox.Session) -> None:
    """Install a sidecar's own dependencies alone (--sidecar DIR), to run it as a script."""
    name, own_lock = sidecar_lock(session, sidecar_option(session) or str(ROOT / "sidecar"))
    if own_lock is None:
        session.log(f"{name} has no dependencies: any Python runs it")
    else:
        session.log(environment(session, f"sidecar-{name}", own_lock))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and types."""
    install_lock(session, LOCKS / "tools.txt")
    session.run("pytest", "-q", "tests/quality", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the unit tests (seconds)."""
    install_lock(session, LOCKS / "tools.txt")
    session.run("pytest", "-q", "tests/unit", *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """Build, launch and host real frozen binaries, as ``invoke test`` does (minutes)."""
    install_lock(session, LOCKS / "tools.txt")
    session.run("pytest", "-q", "tests/integration", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve every environment anew into locks/ (--sidecar DIR: that sidecar's instead)."""
    session.install("uv")
    if folder := sidecar_option(session):
        session.run(
            "python", "-m", "spike.project.sidecarlock", folder, env={"PYTHONPATH": str(ROOT)}
        )
        return
    for group in ("tools", "nuitka", "pyinstaller", "cx_freeze"):
        session.run(
            *("uv", "pip", "compile", "pyproject.toml", "--group", group, "--quiet"),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-header", "--no-emit-index-url", "--upgrade"),
            *("--output-file", f"locks/{group}.txt"),
        )

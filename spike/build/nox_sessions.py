"""The Nox sessions of a project: one that builds for each packager, and those of a sidecar.

A repository that uses this tool has a ``noxfile.py`` of two lines::

    from packaging_spike import sessions
    sessions.declare(__file__)

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
from spike.project import distribution, imports, interpreters, sidecarlock
from spike.project.sidecar import Sidecar, load

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
        declared = nox.session(name=f"build_{packager}", tags=["build"], default=False)
        declared(building(packager))
    # A bare nox runs what the noxfile's author means by it, and never builds or locks by itself.
    nox.session(default=False)(sidecar_env)
    nox.session(default=False)(lock)


def building(packager: str) -> Callable[[nox.Session], None]:
    """The session that builds with one packager."""

    def session(session: nox.Session) -> None:
        build(session, packager)

    session.__doc__ = (
        f"Build with {packager} (--mode, --sidecar, --python, --force, --draft after --)."
    )
    return session


def build(session: nox.Session, packager: str) -> None:
    """Build one packager's modes; the arguments after ``--`` go to spike/build/builder.py."""
    python, apart = packager_python(session, packager)
    session.run(
        python,
        # -P: the project's folder, where this runs, may have a module of that name.
        *("-P", "-m", "spike.build", packager, "--lock", str(LOCKS / f"{packager}.txt")),
        *session.posargs,
        *(["--apart", apart] if apart else []),
        env=tool_environment(),
        external=True,
        silent=False,
    )


def sidecar_env(session: nox.Session) -> None:
    """Install what a sidecar needs to run as a script, and no packager (--sidecar DIR)."""
    only(session, "sidecar", "python")
    sidecar, own_lock, python = sidecar_lock(session)
    if own_lock is None and sidecar.distribution is None:
        session.log(f"{sidecar.name} has no dependencies: any Python runs it")
        return
    locks = [own_lock] if own_lock else []
    own = environment(session, f"sidecar-{sidecar.environment}", *locks, python=python)
    if sidecar.distribution:
        # As an editable install would, for `tauri dev`, which starts the script where it lies.
        ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
        said = session.run_install(own, "-c", ask, silent=True, external=True)
        distribution.write(sidecar.distribution, Path(str(said).strip()))
    session.log(own)


def lock(session: nox.Session) -> None:
    """Resolve every environment anew into locks/ (--sidecar DIR: that sidecar's instead)."""
    only(session, "sidecar", "python")
    # The tool's own locks are not another project's to write.
    session.install("uv")
    if folder := option(session, "sidecar") or ("" if project() == TOOL else HELLO):
        words = ("-P", "-m", "spike.project.sidecarlock", folder)
        session.run("python", *words, env=tool_environment())
        return
    session.chdir(TOOL)
    for group in ("tools", "wheel", *PACKAGERS):
        # The tools are what the wheel asks for, and what tests it; the others stand alone.
        own = ["pyproject.toml", "--group", group] if group == "tools" else ["--group", group]
        session.run(
            *("uv", "pip", "compile", *own, "--quiet"),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-header", "--no-emit-index-url", "--upgrade"),
            *("--output-file", f"locks/{group}.txt"),
        )
    written = [f"locks/{group}.txt" for group in ("tools", "wheel", *PACKAGERS)]
    session.run("python", "-P", "-m", "spike.project.hashes", *written, env=tool_environment())


def install_lock(session: nox.Session, *locks: Path) -> None:
    """Install hashed requirements, once: a stamp in the environment remembers which."""
    digest = hashlib.sha256(b"".join(lock.read_bytes() for lock in locks)).hexdigest()
    stamp = Path(session.virtualenv.location) / "installed-lock"
    if stamp.is_file() and stamp.read_text() == digest:
        return
    options = [word for lock in locks for word in ("-r", str(lock))]
    # The lock is whole: an older pip resolves wrongly what need not be resolved (see bootstrap.py).
    session.install("--require-hashes", "--no-deps", *options)
    stamp.write_text(digest)


def option(session: nox.Session, name: str) -> str:
    """Return what was given with ``--NAME`` after ``--``; empty when it was not."""
    value = _options(session, name)[0][name]
    if value == "":
        session.error(f"--{name} is empty. Try: --{name} with a value, or leave it out")
    return value or ""


def only(session: nox.Session, *names: str) -> None:
    """End a session that is asked for what it has no option for, before it does another thing."""
    if others := _options(session, *names)[1]:
        known = ", ".join(f"--{name}" for name in names)
        session.error(f"There is no {others[0]!r} here. Known after -- are: {known}")


def _options(session: nox.Session, *names: str) -> tuple[dict[str, str | None], list[str]]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in names:
        parser.add_argument(f"--{name}")
    found, others = parser.parse_known_args(session.posargs)
    return vars(found), others


def sidecar_lock(session: nox.Session) -> tuple[Sidecar, Path | None, str]:
    """Return the sidecar, its checked lock, and the Python that it is packaged with.

    That is empty for the Python of the session. A sidecar that is not usable ends the run.
    """
    try:
        sidecar = load(option(session, "sidecar") or HELLO, option(session, "python"))
        asked = sidecar.python_asked  # maybe a path, which does not say its version
        version = interpreters.chosen(asked).version if asked else sidecar.python_version
        imports.check_python(sidecar, version)
        wanted = sidecar.wanted_python
        python = str(interpreters.find(wanted)) if wanted else ""
        return sidecar, sidecarlock.check(sidecar), python
    except SpikeError as error:
        session.error(str(error))


def packager_python(session: nox.Session, packager: str) -> tuple[str, str]:
    """Install what a build needs; return the Python to build with, and where its builds lie apart.

    A sidecar without dependencies is built in the packager's own environment. Every other one, and
    one that is packaged with another Python, has an environment per packager and Python, beside
    it: the packager's lock first, then the sidecar's, whose versions win where both name a
    distribution: it is the sidecar that ships.
    """
    own = LOCKS / f"{packager}.txt"
    sidecar, its_lock, python = sidecar_lock(session)
    if its_lock is None and not python:
        install_lock(session, own)
        return "python", ""
    locks = [own, *([its_lock] if its_lock else [])]
    name = sidecar.packager_environment(packager)
    return environment(session, name, *locks, python=python), sidecar.python_name


def environment(session: nox.Session, name: str, *locks: Path, python: str = "") -> str:
    """Make ``.nox/NAME`` hold the locks, a later one winning, and return its Python.

    Args:
        session: The session, whose Python it has unless told otherwise.
        name: Name of the environment.
        locks: Hashed requirements, installed in this order.
        python: Another Python to make it of; empty for the session's.
    """
    place = Path(session.virtualenv.location).with_name(name)
    own = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    content = python.encode() + b"".join(lock.read_bytes() for lock in locks)
    digest = hashlib.sha256(content).hexdigest()
    stamp = place / "installed-lock"
    if stamp.is_file() and stamp.read_text() == digest:
        return str(own)
    uv = session.venv_backend == "uv"
    session.run_install(
        *(python or "python", "-m", "venv", "--clear"),
        *(["--without-pip"] if uv else []),
        str(place),
        external=bool(python),
    )
    for one in locks:
        options = ("--require-hashes", "--quiet", "-r", str(one))
        if uv:
            # As pip does by itself: without it every start of a script compiles anew.
            session.install("--python", str(own), "--compile-bytecode", *options)
        else:
            pip = (str(own), "-m", "pip", "install", "--no-deps")
            session.run_install(*pip, *options, external=True)
    stamp.write_text(digest)
    return str(own)

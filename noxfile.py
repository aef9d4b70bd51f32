"""Nox sessions: each packager builds in an environment of its own; checks run in theirs.

    nox -s build_nuitka                      the plan's onefile, and standalone
    nox -s build_nuitka -- --mode onefile    one mode; --force builds an unchanged one again
    nox -s build_nuitka -- --sidecar DIR     another sidecar
    nox -s windows                           what can be proved of Windows under Wine
    nox -s wheel                             the wheel, for a repository of one's own

The sessions that build come from the list of packagers; only those of this repository are here.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).resolve().parent))
from spike.build import nox_sessions
from spike.core.workspace import tool_environment

nox.needs_version = ">=2026.10.20"
nox.options.sessions = ["lint", "tests"]
nox_sessions.declare(__file__)


def check(session: nox.Session, folder: str) -> None:
    """Run the tests of a folder with the locked tools."""
    nox_sessions.install_lock(session, nox_sessions.LOCKS / "tools.txt")
    session.run("pytest", "-q", f"tests/{folder}", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and types."""
    check(session, "quality")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the unit tests (seconds)."""
    check(session, "unit")


@nox.session
def integration(session: nox.Session) -> None:
    """Build, launch and host real frozen binaries, as ``invoke test`` does (minutes)."""
    check(session, "integration")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and the sources' archive into dist/wheel/, and look at what is in it."""
    nox_sessions.install_lock(session, nox_sessions.LOCKS / "wheel.txt")
    place = "dist/wheel"
    shutil.rmtree(place, ignore_errors=True)
    # The wheel is made from the archive, so that nothing outside it can be in it.
    session.run("uv", "build", "--no-build-isolation", "--out-dir", place)
    session.run("check-wheel-contents", place)


@nox.session
def windows(session: nox.Session) -> None:
    """Build and launch for Windows under Wine, and try the faults (--packager NAME after --)."""
    nox_sessions.install_lock(session, nox_sessions.LOCKS / "tools.txt")
    session.run(
        *("python", "-m", "spike.wine.proof", *session.posargs),
        env=tool_environment(),
    )

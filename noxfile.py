"""Nox sessions: each packager builds in an environment of its own; checks run in theirs.

    nox -s build_nuitka                      the plan's onefile, and standalone
    nox -s build_nuitka -- --mode onefile    one mode; --force builds an unchanged one again
    nox -s build_nuitka -- --sidecar DIR     another sidecar

Sessions are thin: install a hashed lock, call one command, stop. Nothing is imported here but the
standard library and nox.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import nox

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "tests"]

ROOT = Path(__file__).resolve().parent
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


def build(session: nox.Session, packager: str) -> None:
    """Build one packager's modes; the arguments after ``--`` go to spike/build.py."""
    lock = LOCKS / f"{packager}.txt"
    install_lock(session, lock)
    session.run(
        "python",
        *("-m", "spike.build", packager, "--lock", str(lock)),
        *session.posargs,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
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
    """Build, launch and host real frozen binaries (minutes)."""
    install_lock(session, LOCKS / "tools.txt")
    session.run("pytest", "-q", "tests/integration", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve every environment anew into locks/ (hashed, no index named)."""
    session.install("uv")
    for group in ("tools", "nuitka", "pyinstaller", "cx_freeze"):
        session.run(
            *("uv", "pip", "compile", "pyproject.toml", "--group", group, "--quiet"),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--no-header", "--no-emit-index-url", "--upgrade"),
            *("--output-file", f"locks/{group}.txt"),
        )

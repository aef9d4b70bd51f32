"""Helpers of the tests that write a sidecar folder, freeze it as a user would, and launch it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spike.core.workspace import TOOL as ROOT
from spike.project.sidecar import Sidecar, load
from tests.support import commands

HELLO = """\
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("READY", flush=True)
signal.pause()
"""
"""The shortest program that keeps the contract: READY once, and a clean stop."""


def hello(folder: Path, *, name: str = "hello", main: str = HELLO, settings: str = "") -> Sidecar:
    """Write a sidecar and load it."""
    return load(write(folder, name=name, main=main, settings=settings))


def write(folder: Path, *, name: str, main: str, settings: str = "", files: str = "") -> Path:
    """Write a sidecar with one script; ``files`` names further files to make, space-separated."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0.0"\n\n[tool.sidecar]\n{settings}\n',
        encoding="utf-8",
    )
    if main:
        (folder / "main.py").write_text(main, encoding="utf-8")
    for file in files.split():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("some data\n", encoding="utf-8")
    return folder


def nox(session: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Nox session on a sidecar."""
    return commands.nox(session, "--sidecar", str(folder), *arguments)


def invoke(task: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a task on a sidecar."""
    return commands.invoke(task, "--sidecar", str(folder), *arguments)


@contextmanager
def cleaned(name: str) -> Iterator[None]:
    """Remove everything that the repository's tools keep of a sidecar."""
    try:
        yield
    finally:
        for pattern in (
            f"build/{name}",
            f"dist/sidecars/{name}",
            f"dist/python-*/sidecars/{name}",
            f"benchmarks/results/*/sidecars/{name}",
            f".nox/build_*-{name}",
            f".nox/build_*-{name}-3.*",
            f".nox/sidecar-{name}",
            f"issues/sidecars/{name}",
        ):
            for path in ROOT.glob(pattern):
                shutil.rmtree(path)

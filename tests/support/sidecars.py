"""Helpers of the tests that write a sidecar folder, freeze it as a user would, and launch it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 600


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


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of the tools' environment in the repository; both streams in ``stdout``."""
    environment = {**os.environ, "NO_COLOR": "1"}
    environment.pop("CI", None)  # with it, the packagers' whole output is shown
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def nox(session: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Nox session on a sidecar."""
    return run("nox", "-s", session, "--", "--sidecar", str(folder), *arguments)


def invoke(task: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a task on a sidecar."""
    return run("invoke", task, "--sidecar", str(folder), *arguments)


@contextmanager
def cleaned(name: str) -> Iterator[None]:
    """Remove everything that the repository's tools keep of a sidecar."""
    try:
        yield
    finally:
        for pattern in (
            f"build/{name}",
            f"dist/sidecars/{name}",
            f"benchmarks/results/*/sidecars/{name}",
            f".nox/build_*-{name}",
        ):
            for path in ROOT.glob(pattern):
                shutil.rmtree(path)

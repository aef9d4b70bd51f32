"""Real builds, made once for the whole run through the same commands that a user types."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from spike.build import buildinfo
from spike.build.buildinfo import Built
from spike.core.workspace import ROOT
from spike.packagers import variant_named
from spike.project import sidecar


def nox(*words: str) -> subprocess.CompletedProcess[str]:
    """Run Nox as a user would, with its output for the failure message."""
    return subprocess.run(
        [sys.executable, "-m", "nox", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def built() -> Callable[..., Built]:
    """Build a variant (nothing happens when it is up to date) and give it."""

    def build(variant: str, folder: str = "sidecar") -> Built:
        found = variant_named(variant)
        options = ["--mode", found.mode.name]
        if folder != "sidecar":
            options += ["--sidecar", folder]
        done = nox("-s", f"build_{found.packager.name}", "--", *options)
        assert done.returncode == 0, done.stdout
        return buildinfo.find(found, sidecar.load(folder))

    return build

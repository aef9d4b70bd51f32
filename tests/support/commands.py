"""Commands as a user types them."""

from __future__ import annotations

import subprocess
import sys

from spike.core.workspace import TOOL as ROOT


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

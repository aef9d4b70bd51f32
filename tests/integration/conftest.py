"""Real builds, made once for the whole run through the same commands that a user types."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from spike.build import buildinfo
from spike.build.buildinfo import Built
from spike.packagers import variant_named
from spike.project import sidecar
from tests.support.commands import nox


@pytest.fixture(scope="session")
def built() -> Callable[..., Built]:
    """Build a variant, once in a run (nothing happens when it is up to date), and give it.

    Each worker asks Nox once; what is there by then was built by whoever came first. That it is
    still what was built is checked at every use.
    """
    asked: set[tuple[str, str]] = set()

    def build(variant: str, folder: str = "sidecar") -> Built:
        found = variant_named(variant)
        if (variant, folder) not in asked:
            options = ["--mode", found.mode.name]
            if folder != "sidecar":
                options += ["--sidecar", folder]
            done = nox(f"build_{found.packager.name}", *options)
            assert done.returncode == 0, done.stdout
            asked.add((variant, folder))
        return buildinfo.find(found, sidecar.load(folder))

    return build

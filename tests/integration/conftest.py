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

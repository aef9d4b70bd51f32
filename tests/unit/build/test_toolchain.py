"""What a build is made with says its version."""

from __future__ import annotations

import platform

from spike.build import toolchain
from spike.packagers import PACKAGERS


def test_a_packager_that_is_python_itself_has_pythons_version() -> None:
    """It has no distribution that could be asked, and none that could be missing."""
    packager = PACKAGERS["cpython"]
    assert packager.distribution is None
    assert toolchain.installed_version(packager) == platform.python_version()

"""Where and with what something was measured."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import psutil
import pytest

from spike.measure import provenance


def test_a_file_system_that_cannot_be_asked_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows lists drives that are not there, and Wine some that it cannot tell of."""

    def fail(*, all: bool) -> None:  # noqa: A002 - psutil's own name
        raise OSError(0, "Success")

    monkeypatch.setattr(psutil, "disk_partitions", fail)
    assert provenance.filesystem(Path.cwd()) == ""


def test_windows_is_called_by_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under Wine there is an /etc/os-release, which is that of the system beneath."""
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"PRETTY_NAME": "Debian"})
    monkeypatch.setattr(platform, "platform", lambda terse: "Windows-10")
    for system, name in {"win32": "Windows-10", "linux": "Debian"}.items():
        monkeypatch.setattr(sys, "platform", system)
        assert provenance._system() == name
